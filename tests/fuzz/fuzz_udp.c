// SPDX-License-Identifier: MIT
/*
 * UDP in: datagrams and ICMP errors about them for three sockets (any address, connected, with broadcast), and the
 * calls that read what came.
 *
 * Input: records of a kind byte. 0-4: a datagram (a byte of flags, ports, a byte of payload length, two of what the
 * header says); 5: an ICMP error that quotes one of ours; 6: a read (room, flags); 7: a write; 8: a write with control data as it
 * stands in the input; 9: a read of the error queue or of control messages. The connected socket wants to be told all there is.
 * Specs: RFC 768; RFC 1122 4.1.
 */
#include "onehost.h"

#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/socket.h>

#define PAYLOAD_MAX 255
enum { NR_SOCKS = 3 };

static struct socket *socks[NR_SOCKS];
static const u16 ports[8] = { 7, 8, 9, 53, 0, 67, 7777, 65535 };

static struct sockaddr_in sin(__be32 addr, u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = addr };
}

void fuzz_setup(void)
{
	const struct sockaddr_in there = sin(PEER_IP, 9);

	onehost_up(ONEHOST_BARE, true);
	host.guard = true;
	host.ip_options = true;
	for (u32 i = 0; i < NR_SOCKS; i++) {
		const struct sockaddr_in here = sin(i == 1 ? OUR_IP : 0, (u16)(7 + i));

		FUZZ_CHECK_EQ(sock_create_kern(host.net, AF_INET, SOCK_DGRAM, 0, &socks[i]), 0);
		FUZZ_CHECK_EQ(kernel_bind(socks[i], &here), 0);
	}
	FUZZ_CHECK_EQ(socks[1]->ops->connect(socks[1],
					     (const struct sockaddr *)(const void *)&there,
					     sizeof(there), 0),
		      0);
	sock_set_flag(socks[2]->sk, SOCK_BROADCAST);
	socks[1]->sk->inet_flags = INET_RECVERR | (u16)INET_CMSG;
	sock_set_flag(socks[1]->sk, SOCK_RCVTSTAMPNS);
	socks[2]->sk->sk_rcvbuf = 4096; /* soon full */
	onehost_forget_neighbours();
	fuzz_census_begin();
}

static __be32 address(u8 pick)
{
	const __be32 a[4] = { PEER_IP, OUR_IP, INADDR_BROADCAST, IP4(10, 0, 0, 255) };

	return a[pick % 4];
}

static u8 content(u32 i)
{
	return (u8)(i * 7 + 1);
}

static void datagram(struct fuzz_input *in)
{
	u8 flags = in_u8(in), from = in_u8(in), len = in_u8(in), packet[28 + PAYLOAD_MAX];
	struct udphdr *uh = (struct udphdr *)(void *)(packet + 20);
	u16 claim = flags & 1 ? in_u16(in) : (u16)(8 + len);

	onehost_ip_header(packet, address(flags >> 2), address(flags & 2 ? in_u8(in) : 1),
			  IPPROTO_UDP, 8u + len);
	uh->source = htons(ports[from % 8]);
	uh->dest = htons(ports[from / 8 % 8]);
	uh->len = htons(claim);
	uh->check = htons(flags & 0x40 ? in_u16(in) : 0);
	for (u32 i = 0; i < len; i++)
		packet[28 + i] = content(i);
	if (flags & 0x80) { /* no checksum, or a wrong one: IP's alone is made right */
		__be16 keep = uh->check;

		onehost_fix_checksums(packet, 28u + len);
		uh->check = keep;
	} else {
		onehost_fix_checksums(packet, 28u + len);
	}
	onehost_feed(packet, 28u + len);
}

static void icmp_error(struct fuzz_input *in)
{
	u8 packet[20 + 8 + 28 + 8] = { 0 }, quoted = in_u8(in) % 36;
	struct udphdr *uh = (struct udphdr *)(void *)(packet + 48);

	onehost_ip_header(packet, PEER_IP, OUR_IP, IPPROTO_ICMP, 8u + quoted);
	packet[20] = in_u8(in);
	packet[21] = in_u8(in);
	put_unaligned_be16(in_u16(in), packet + 26);
	onehost_ip_header(packet + 28, OUR_IP, PEER_IP, IPPROTO_UDP, 16);
	uh->source = htons(ports[in_u8(in) % 8]);
	uh->dest = htons(9);
	uh->len = htons(16);
	onehost_fix_checksums(packet, 28u + quoted);
	onehost_feed(packet, 28u + quoted);
}

/* What comes up is what was sent. */
static void reads(struct fuzz_input *in)
{
	struct socket *s = socks[in_u8(in) % NR_SOCKS];
	u8 room = in_u8(in), *buf = malloc(room + 1u);
	struct sockaddr_storage from;
	struct iovec iov = { buf, room };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from) };
	u32 flags = in_u8(in) & (MSG_PEEK | MSG_TRUNC);
	ssize_t n;

	iov_iter_kvec(&m.msg_iter, &iov, 1);
	n = s->ops->recvmsg(s, &m, room, flags | MSG_DONTWAIT);
	FUZZ_CHECK(n >= 0 || n == -EAGAIN ||
		   s->sk == socks[1]->sk); /* errors reach the connected one */
	FUZZ_CHECK(n <= room || (flags & MSG_TRUNC));
	for (ssize_t i = 0; i < n && i < room; i++)
		FUZZ_CHECK_EQ(buf[i], content((u32)i));
	free(buf);
}

static void writes(struct fuzz_input *in)
{
	struct socket *s = socks[in_u8(in) % NR_SOCKS];
	u8 buf[PAYLOAD_MAX], whom = in_u8(in), len = in_u8(in);
	const struct sockaddr_in to = sin(address(whom), ports[whom / 4 % 8]);

	for (u32 i = 0; i < len; i++)
		buf[i] = content(i);
	(void)kernel_sendmsg(s, buf, len, whom & 0x80 ? NULL : &to);
}

/* Control data that nobody has looked at: the call refuses it, or sends one datagram. */
static void says(struct fuzz_input *in)
{
	struct socket *s = socks[in_u8(in) % NR_SOCKS];
	const struct sockaddr_in to = sin(PEER_IP, 9);
	u8 data[4] = { 1, 8, 15, 22 }, len = in_u8(in) % 96, *control = malloc(len + 1u);
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)&to,
			    .msg_namelen = sizeof(to),
			    .msg_flags = MSG_DONTWAIT,
			    .msg_control = control,
			    .msg_controllen = len };
	ssize_t n;

	for (u32 i = 0; i < len; i++)
		control[i] = in_u8(in);
	iov_iter_kvec(&m.msg_iter, &iov, 1);
	n = s->ops->sendmsg(s, &m, sizeof(data));
	FUZZ_CHECK(n == sizeof(data) || n < 0);
	free(control);
}

/* Room for control messages that may be too small: what came lies within it, item by item. */
static void asks(struct fuzz_input *in)
{
	struct socket *s = socks[in_u8(in) % NR_SOCKS];
	u32 room = in_u8(in), flags = in_u8(in) & (MSG_PEEK | MSG_TRUNC), at = 0;
	u8 *control = malloc(room + 1u), data[8];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_control = control, .msg_controllen = room };
	struct cmsghdr c;
	const u8 *p;

	iov_iter_kvec(&m.msg_iter, &iov, 1);
	flags |= in_u8(in) & 1 ? (u32)MSG_ERRQUEUE : 0;
	if (s->ops->recvmsg(s, &m, sizeof(data), flags | MSG_DONTWAIT) >= 0) {
		struct msghdr got = { .msg_control = control,
				      .msg_controllen = room - m.msg_controllen };
		int more;

		FUZZ_CHECK(m.msg_controllen <= room);
		while ((more = cmsg_next(&got, &at, &c, &p)) > 0)
			;
		FUZZ_CHECK_EQ(more, 0);
	}
	free(control);
}

/* The queues are empty again and nothing is charged. */
static void drain(void)
{
	for (u32 i = 0; i < NR_SOCKS; i++) {
		struct sock *sk = socks[i]->sk;

		local_bh_disable();
		skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
		local_bh_enable();
		skb_errqueue_purge(sk);
		sk->sk_err = sk->sk_err_soft = 0;
		FUZZ_CHECK_EQ(sk->sk_rmem_alloc, 0);
		FUZZ_CHECK_EQ(sk->sk_wmem_alloc, 0);
		FUZZ_CHECK_EQ(sk->sk_refcnt, 1);
	}
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	for (u32 i = 0; in.left && i < 16; i++) {
		u8 kind = in_u8(&in) % 10;

		if (kind < 5)
			datagram(&in);
		else if (kind == 5)
			icmp_error(&in);
		else if (kind == 6)
			reads(&in);
		else if (kind == 7)
			writes(&in);
		else if (kind == 8)
			says(&in);
		else
			asks(&in);
		FUZZ_CHECK(socks[2]->sk->sk_rmem_alloc <= socks[2]->sk->sk_rcvbuf + 2048);
	}
	drain();
	host_clock_set(host_clock() + NSEC_PER_SEC);
	onehost_forget_neighbours();
	fuzz_census_end();
}
