// SPDX-License-Identifier: MIT
/* Ping sockets by system calls: echo requests and nothing else, replies to the socket of their identifier, errors. */
#include "../socket/calls.h"

#include "../../../../net/ipv4/ipv4.h"
#include <net/ping.h>
#include <wire/icmp.h>

static u8 buf[2048];

static int open_ping(void)
{
	return open_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static const struct icmphdr *frame_icmp(u32 i)
{
	return (const struct icmphdr *)(const void *)(frame_ip(i) + 1);
}

/* An echo request of @n bytes of data to the peer. */
static long ping(int fd, u16 seq, u32 n)
{
	struct icmphdr *ic = (struct icmphdr *)(void *)buf;

	memset(buf, 'p', sizeof(buf));
	*ic = (struct icmphdr){ .type = ICMP_ECHO, .checksum = htons(0xbad) };
	ic->un.echo.id = htons(1); /* whatever it says */
	ic->un.echo.sequence = htons(seq);
	return send_to(fd, buf, 8 + n, PEER_IP);
}

TEST(request_leaves_with_our_identifier_and_checksum)
{
	struct sockaddr_in name;
	int fd, len = 16;
	u64 echos;

	up();
	echos = net->mib.icmp[ICMP_MIB_OutEchos];
	fd = open_ping();
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMP);
	CHECK_EQ(ping(fd, 7, 56), 64);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&name), P(&len)), 0);
	CHECK(name.sin_port != 0); /* bound by sending */
	CHECK_EQ(frame_ip(0)->protocol, IPPROTO_ICMP);
	CHECK_EQ(frame_icmp(0)->type, ICMP_ECHO);
	CHECK_EQ(frame_icmp(0)->un.echo.id, name.sin_port);
	CHECK_EQ(ntohs(frame_icmp(0)->un.echo.sequence), 7);
	CHECK_EQ(csum_fold(csum_partial(frame_icmp(0), 64, 0)), 0);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_OutEchos], echos + 1);
	all_gone();
}

static const struct send_row {
	const char *name;
	u8 type, code;
	u64 len, flags, namelen;
	u16 family;
	__be32 addr;
	long ret;
} send_table[] = {
	{ "ok", ICMP_ECHO, 0, 8, 0, 16, AF_INET, 0x0200000a, 8 },
	{ "reply", ICMP_ECHOREPLY, 0, 8, 0, 16, AF_INET, 0x0200000a, -EINVAL },
	{ "code", ICMP_ECHO, 1, 8, 0, 16, AF_INET, 0x0200000a, -EINVAL },
	{ "no_header", ICMP_ECHO, 0, 7, 0, 16, AF_INET, 0x0200000a, -EINVAL },
	{ "type_before_name", ICMP_REDIRECT, 0, 8, 0, 0, 0, 0, -EINVAL },
	{ "no_name", ICMP_ECHO, 0, 8, 0, 0, 0, 0, -EDESTADDRREQ },
	{ "short_name", ICMP_ECHO, 0, 8, 0, 15, AF_INET, 0x0200000a, -EINVAL },
	{ "family", ICMP_ECHO, 0, 8, 0, 16, 77, 0x0200000a, -EAFNOSUPPORT },
	{ "out_of_band", ICMP_ECHO, 0, 8, MSG_OOB, 16, AF_INET, 0x0200000a, -EOPNOTSUPP },
	{ "beyond_a_packet", ICMP_ECHO, 0, 65536, 0, 16, AF_INET, 0x0200000a, -EMSGSIZE },
	{ "no_room_for_ip", ICMP_ECHO, 0, 65520, 0, 16, AF_INET, 0x0200000a, -EMSGSIZE },
	{ "no_route", ICMP_ECHO, 0, 8, 0, 16, AF_INET, 0x01020304, -ENETUNREACH },
	{ "broadcast", ICMP_ECHO, 0, 8, 0, 16, AF_INET, 0xff00000a, -EACCES },
};

TEST_EACH(send, send_table)
{
	struct sockaddr_in a = { .sin_family = row->family, .sin_addr = row->addr };
	static u8 big[65536];
	int fd;

	up();
	fd = open_ping();
	memset(big, 0, 8);
	big[0] = row->type;
	big[1] = row->code;
	CHECK_EQ(SYS(sendto, (u64)fd, P(big), row->len, row->flags, row->namelen ? P(&a) : 0,
		     row->namelen),
		 row->ret);
	CHECK_EQ(nr_frames, row->ret > 0);
	CHECK_EQ(SYS(sendto, (u64)fd, P(BAD), 8, 0, P(&a), 16), -EFAULT);
	all_gone();
}

TEST(reply_comes_to_its_socket_without_ip_header)
{
	struct sockaddr_in name = name_of(0, 900), from;
	int a, b, len = 16;

	up();
	a = open_ping();
	b = open_ping();
	CHECK_EQ(SYS(bind, (u64)a, P(&name), 16), 0);
	name.sin_port = htons(901);
	CHECK_EQ(SYS(bind, (u64)b, P(&name), 16), 0);
	CHECK_EQ(ping(a, 1, 4), 12);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 900, 1, "pppp", 4);
	CHECK_EQ(revents(b, POLLIN), 0);
	CHECK_EQ(revents(a, POLLIN), POLLIN);
	CHECK_EQ(SYS(recvfrom, (u64)a, P(buf), sizeof(buf), 0, P(&from), P(&len)), 12);
	CHECK_EQ(buf[0], ICMP_ECHOREPLY);
	CHECK_EQ(memcmp(buf + 8, "pppp", 4), 0);
	CHECK_EQ(from.sin_addr, PEER_IP);
	CHECK_EQ(from.sin_port, 0);
	CHECK_EQ(SYS(recvfrom, (u64)b, P(buf), sizeof(buf), 0, 0, 0), -EAGAIN);
	feed_icmp(PEER_IP, ICMP_ECHO, 0, 900, 1, "pppp", 4); /* a request is not for it */
	CHECK_EQ(SYS(recvfrom, (u64)a, P(buf), sizeof(buf), 0, 0, 0), -EAGAIN);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 902, 1, "pppp", 4); /* nobody's */
	CHECK_EQ(SYS(recvfrom, (u64)a, P(buf), sizeof(buf), 0, 0, 0), -EAGAIN);
	CHECK(page_has("/proc/net/icmp", ": 00000000:0384 00000000:0000 07 "));
	all_gone();
}

TEST(identifiers_are_shared_unless_one_says_no)
{
	struct sockaddr_in name = name_of(0, 900);
	int a, b, c;

	up();
	a = open_ping();
	b = open_ping();
	c = open_ping();
	CHECK_EQ(get_int(a, SOL_SOCKET, SO_REUSEADDR), 1);
	CHECK_EQ(SYS(bind, (u64)a, P(&name), 16), 0);
	CHECK_EQ(SYS(bind, (u64)b, P(&name), 16), 0);
	CHECK_EQ(SYS(bind, (u64)b, P(&name), 16), -EINVAL);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 900, 1, "", 0);
	CHECK_EQ(revents(a, POLLIN), 0);
	CHECK_EQ(revents(b, POLLIN), POLLIN); /* the newest */
	CHECK_EQ(set_int(c, SOL_SOCKET, SO_REUSEADDR, 0), 0);
	CHECK_EQ(SYS(bind, (u64)c, P(&name), 16), -EADDRINUSE);
	CHECK_EQ(set_int(c, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	CHECK_EQ(set_int(a, SOL_SOCKET, SO_REUSEADDR, 0), 0);
	CHECK_EQ(SYS(bind, (u64)c, P(&name), 16), -EADDRINUSE);
	all_gone();
}

TEST(connected_hears_its_peer_only)
{
	struct sockaddr_in peer = name_of(PEER_IP, 1025), unspec = { .sin_family = AF_UNSPEC },
			   name;
	int fd, len = 16;
	u16 id;

	up();
	fd = open_ping();
	CHECK_EQ(SYS(connect, (u64)fd, P(&peer), 16), 0);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&name), P(&len)), 0);
	CHECK_EQ(name.sin_addr, OUR_IP);
	id = ntohs(name.sin_port);
	feed_icmp(OTHER_IP, ICMP_ECHOREPLY, 0, id, 1, "", 0);
	CHECK_EQ(revents(fd, POLLIN), 0);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, id, 1, "", 0);
	CHECK_EQ(revents(fd, POLLIN), POLLIN);
	CHECK_EQ(SYS(connect, (u64)fd, P(&unspec), 16), 0);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&name), P(&len)), 0);
	CHECK_EQ(name.sin_port, 0); /* nobody had asked for it */
	CHECK_EQ(name.sin_addr, 0);
	name = name_of(OUR_IP, 77);
	CHECK_EQ(SYS(bind, (u64)fd, P(&name), 16), 0);
	CHECK_EQ(SYS(connect, (u64)fd, P(&peer), 16), 0);
	CHECK_EQ(SYS(connect, (u64)fd, P(&unspec), 16), 0);
	CHECK_EQ(SYS(getsockname, (u64)fd, P(&name), P(&len)), 0);
	CHECK_EQ(ntohs(name.sin_port), 77); /* that was asked for */
	CHECK_EQ(name.sin_addr, OUR_IP);
	CHECK_EQ(SYS(setsockopt, (u64)fd, SOL_SOCKET, SO_BINDTODEVICE, P("lo"), 3), 0);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 77, 1, "", 0); /* by another device */
	all_gone();
}

TEST(errors_about_a_request)
{
	struct sockaddr_in peer = name_of(PEER_IP, 0);
	int fd;

	up();
	fd = open_ping();
	CHECK_EQ(ping(fd, 1, 0), 8);
	feed_icmp(OTHER_IP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, 0, frames[0].b + 14, 28);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0); /* it has no peer */
	CHECK_EQ(SYS(connect, (u64)fd, P(&peer), 16), 0);
	feed_icmp(OTHER_IP, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, 0, frames[0].b + 14, 28);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0); /* that may pass */
	feed_icmp(OTHER_IP, ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, 0, 0, frames[0].b + 14, 28);
	CHECK_EQ(revents(fd, POLLIN), POLLERR);
	CHECK_EQ(SYS(recvfrom, (u64)fd, P(buf), 1, 0, 0, 0), -EHOSTDOWN);
	frames[0].b[14 + 20] = ICMP_ECHOREPLY; /* about a reply: no socket has sent that */
	feed_icmp(OTHER_IP, ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, 0, 0, frames[0].b + 14, 28);
	frames[0].b[14 + 20] = ICMP_ECHO;
	frames[0].b[14 + 24] ^= 1; /* another identifier */
	feed_icmp(OTHER_IP, ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, 0, 0, frames[0].b + 14, 28);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	all_gone();
	/* And nobody is there any more. */
	frames[0].b[14 + 24] ^= 1;
	feed_icmp(OTHER_IP, ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, 0, 0, frames[0].b + 14, 28);
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 900, 1, "", 0);
	CHECK_EQ(skb_stats.live, 0);
}

TEST(no_memory_no_room)
{
	struct sockaddr_in name = name_of(0, 900);
	int fd;

	up();
	fd = open_ping();
	CHECK_EQ(SYS(bind, (u64)fd, P(&name), 16), 0);
	fail_at(1);
	CHECK_EQ(ping(fd, 1, 0), -ENOBUFS);
	fail_at(3); /* the clone: the frame took two */
	feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 900, 1, "", 0);
	fail_over();
	CHECK_EQ(revents(fd, POLLIN), 0);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
	for (int i = 0; i < 10; i++)
		feed_icmp(PEER_IP, ICMP_ECHOREPLY, 0, 900, 1, "", 0);
	CHECK(!page_has("/proc/net/icmp", " 0\n"));
	all_gone();
}

TEST(loopback_answers)
{
	int fd, got;

	up();
	fd = open_ping();
	memset(buf, 0, 8);
	buf[0] = ICMP_ECHO;
	CHECK_EQ(send_to(fd, buf, 24, LOOPBACK), 24);
	got = (int)SYS(recvfrom, (u64)fd, P(buf), sizeof(buf), 0, 0, 0);
	CHECK_EQ(got, 24);
	CHECK_EQ(buf[0], ICMP_ECHOREPLY);
	all_gone();
}

/* As get_port() does it, without asking all who came before whether they have it already. */
static void taken_by(struct sock *sk, u16 ident)
{
	sk->sk_num = ident;
	sk->inet_sport = htons(ident);
	list_add(&sk->sk_node, &net->ipv4->ping[ident % PING_BUCKETS]);
	net->ipv4->ping_socks++;
}

TEST(every_identifier_taken)
{
	static const u16 lefts[] = { 1, 63, 64, 65, 4711, 65471, 65472, 65535 };
	struct sock *sk;
	static struct sock *all[65536];
	u32 n;

	up();
	for (n = 0; n < 65535; n++) {
		sk = sk_alloc(net, AF_INET, &ping_prot);
		all[n] = sk;
		taken_by(sk, (u16)(n + 1));
	}
	memset(buf, 0, 8);
	buf[0] = ICMP_ECHO;
	CHECK_EQ(send_to(open_ping(), buf, 8, PEER_IP), -EAGAIN);
	/* The last one that is free is found, wherever the search begins. */
	for (u32 i = 0; i < ARRAY_SIZE(lefts); i++) {
		n = lefts[i] - 1;
		all[n]->sk_prot->close(all[n], 0);
		all[n] = sk_alloc(net, AF_INET, &ping_prot);
		CHECK_EQ(all[n]->sk_prot->get_port(all[n], 0), 0);
		CHECK_EQ(all[n]->sk_num, lefts[i]);
	}
	n = 65535;
	while (n--)
		all[n]->sk_prot->close(all[n], 0);
	all_gone();
}

KTEST_MAIN_BOOT()
