// SPDX-License-Identifier: MIT
/* UDP: the return codes of its calls, demultiplexing, checksums, errors from ICMP. */
#include "../ipv4/fixture.h"

#define MSEC 1000000ull

static struct ipframe f;
static u8 big[70000];

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
}

static int udp_do_connect(struct sock *sk, __be32 addr, u16 port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr = addr };

	return udp_prot.connect(sk, &sin, sizeof(sin), false);
}

/* Two things are wrong with each call; it says the first. */
static const struct wrong_row {
	const char *name;
	u32 len, flags, namelen;
	u16 family, port;
	u32 daddr;
	long err;
} wrongs[] = {
	{ "length_before_oob", 65536, MSG_OOB, 16, AF_INET, 9, 0x0a000002, -EMSGSIZE },
	{ "oob_before_address", 1, MSG_OOB, 8, AF_INET, 9, 0x0a000002, -EOPNOTSUPP },
	{ "short_before_family", 1, 0, 8, 77, 9, 0x0a000002, -EINVAL },
	{ "family_before_port", 1, 0, 16, 77, 0, 0x0a000002, -EAFNOSUPPORT },
	{ "port_before_route", 1, 0, 16, AF_INET, 0, 0x08080808, -EINVAL },
	{ "route_before_size", 65508, 0, 16, AF_INET, 9, 0x08080808, -ENETUNREACH },
	{ "broadcast_before_size", 65508, 0, 16, AF_INET, 9, 0x0a0000ff, -EACCES },
};

TEST_EACH(the_first_error_counts, wrongs)
{
	struct sockaddr_in sin = { .sin_family = row->family,
				   .sin_port = htons(row->port),
				   .sin_addr = htonl(row->daddr) };
	struct msghdr msg = { .msg_name = &sin,
			      .msg_namelen = row->namelen,
			      .msg_flags = row->flags };
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(udp_prot.sendmsg(sk, &msg, row->len), row->err);
	CHECK_EQ(nr_frames, 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(return_codes_of_send)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(9),
				   .sin_addr = PEER_IP };
	struct msghdr msg = { .msg_name = &sin, .msg_namelen = 8 };
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(udp_send(sk, 0, 9, "x", 1, 0), -EDESTADDRREQ);
	CHECK_EQ(udp_send(sk, PEER_IP, 0, "x", 1, 0), -EINVAL);
	CHECK_EQ(udp_prot.sendmsg(sk, &msg, 0), -EINVAL);
	msg.msg_namelen = 16;
	sin.sin_family = 7;
	CHECK_EQ(udp_prot.sendmsg(sk, &msg, 0), -EAFNOSUPPORT);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, big, 65508, 0), -EMSGSIZE);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, big, 70000, 0), -EMSGSIZE);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_OOB), -EOPNOTSUPP);
	CHECK_EQ(udp_send(sk, IP4(10, 0, 0, 255), 9, "x", 1, 0), -EACCES);
	CHECK_EQ(udp_send(sk, INADDR_BROADCAST, 9, "x", 1, 0), -EACCES);
	CHECK_EQ(udp_send(sk, IP4(8, 8, 8, 8), 9, "x", 1, 0), -ENETUNREACH);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], 1);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, big, 1472, 0), 1472);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "", 0, 0), 0);
	CHECK_EQ(nr_frames, 2);
	CHECK_EQ(frames[0].len, 1514);
	CHECK_EQ(net->mib.udp[UDP_MIB_OutDatagrams], 2);
	CHECK(sk->sk_num >= 32768 && sk->sk_num <= 60999);
	udp_prot.shutdown(sk, SEND_SHUTDOWN);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, 0), -EPIPE);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(the_wire_format_is_right)
{
	const struct udphdr *uh;
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(udp_prot.get_port(sk, 4000), 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "hello", 5, 0), 5);
	uh = (const struct udphdr *)(frames[0].b + 34);
	CHECK_EQ(ntohs(uh->source), 4000);
	CHECK_EQ(ntohs(uh->dest), 9);
	CHECK_EQ(ntohs(uh->len), 13);
	CHECK_EQ(csum_tcpudp_magic(OUR_IP, PEER_IP, 13, IPPROTO_UDP, csum_partial(uh, 13, 0)), 0);
	CHECK(frame_ip(0)->frag_off == htons(IP_DF) && frame_ip(0)->id == 0);
	/* A sum of zero goes as 0xffff: choose two payload bytes that make it so. */
	{
		u8 d[2] = { 0, 0 };
		u16 c;

		CHECK_EQ(udp_send(sk, PEER_IP, 9, d, 2, 0), 2);
		c = ntohs(((const struct udphdr *)(frames[1].b + 34))->check);
		d[0] = (u8)(c >> 8);
		d[1] = (u8)c;
		CHECK_EQ(udp_send(sk, PEER_IP, 9, d, 2, 0), 2);
		CHECK_EQ(((const struct udphdr *)(frames[2].b + 34))->check, 0xffff);
	}
	CHECK(page_has(udp_show, "00000000:0FA0 00000000:0000 07 00000000:00000000"));
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(receives_truncates_peeks)
{
	struct sockaddr_in from;
	struct sock *sk;
	u8 buf[100];
	u32 flags;
	int val;

	up();
	sk = udp_open();
	CHECK_EQ(udp_prot.get_port(sk, 7), 0);
	CHECK_EQ(udp_recv(sk, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL), -EAGAIN);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "0123456789", 10) + 6,
		true); /* padding is not data */
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "b", 1), true);
	CHECK_EQ(udp_prot.poll(sk) & POLLIN, POLLIN);
	CHECK_EQ(udp_prot.ioctl(sk, FIONREAD, &val), 0);
	CHECK_EQ(val, 10);
	CHECK_EQ(udp_recv(sk, buf, 100, MSG_DONTWAIT | MSG_PEEK, &from, &flags), 10);
	CHECK(from.sin_addr == PEER_IP && from.sin_port == htons(55) && !flags);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC, NULL, &flags), 10);
	CHECK_EQ(flags, MSG_TRUNC);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, &flags), 4);
	CHECK(flags == MSG_TRUNC && !memcmp(buf, "0123", 4));
	CHECK_EQ(udp_recv(sk, buf, 100, MSG_DONTWAIT, NULL, &flags), 1);
	CHECK(!flags && buf[0] == 'b');
	CHECK_EQ(net->mib.udp[UDP_MIB_InDatagrams], 2);
	CHECK_EQ(sk->sk_rmem_alloc, 0);
	sk->sk_rcvtimeo_ns = 300 * MSEC;
	{
		u64 t0 = host_clock();

		CHECK_EQ(udp_recv(sk, buf, 100, 0, NULL, NULL), -EAGAIN);
		CHECK(host_clock() - t0 >= 300 * MSEC && host_clock() - t0 < 310 * MSEC);
	}
	udp_prot.shutdown(sk, RCV_SHUTDOWN);
	CHECK_EQ(udp_recv(sk, buf, 100, 0, NULL, NULL), 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(bad_datagrams_are_dropped)
{
	struct udphdr *uh = (struct udphdr *)f.data;
	struct sock *sk;
	u8 buf[100];
	u32 n;

	up();
	sk = udp_open();
	CHECK_EQ(udp_prot.get_port(sk, 7), 0);
	n = udp_make(&f, PEER_IP, 5, OUR_IP, 7, "abcd", 4);
	uh->check = (__be16)(uh->check + 1);
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.udp[UDP_MIB_InCsumErrors], 1);
	uh->len = htons(7);
	feed_ip(&f, n, true);
	uh->len = htons(900);
	feed_ip(&f, n, true);
	for (u32 len = 0; len < 8; len++) {
		(void)ip_make(&f, PEER_IP, OUR_IP, IPPROTO_UDP, len);
		feed_ip(&f, 34 + len, true);
	}
	CHECK_EQ(net->mib.udp[UDP_MIB_InErrors], 11);
	n = udp_make(&f, PEER_IP, 5, OUR_IP, 7, "abcd", 4);
	uh->check = 0;       /* none made: accepted */
	uh->len = htons(10); /* shorter than IP's payload: cut */
	feed_ip(&f, n, true);
	CHECK_EQ(udp_recv(sk, buf, 100, MSG_DONTWAIT, NULL, NULL), 2);
	CHECK_EQ(nr_frames, 0);
	/* A full receive buffer drops the newest, counted. */
	for (u32 i = 0; i < 1000; i++)
		feed_ip(&f, n, true);
	CHECK(net->mib.udp[UDP_MIB_RcvbufErrors] > 100);
	CHECK(sk->sk_rmem_alloc < 2 * 212992u);
	CHECK_EQ(udp_recv(sk, buf, 100, MSG_DONTWAIT, NULL, NULL), 2);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(most_specific_socket_and_broadcast_to_all)
{
	struct sock *any, *conn;
	u8 buf[10];

	up();
	any = udp_open();
	conn = udp_open();
	any->sk_reuse = 1;
	conn->sk_reuse = 1;
	CHECK_EQ(udp_prot.get_port(any, 7), 0);
	CHECK_EQ(udp_prot.get_port(conn, 7), 0);
	conn->sk_userlocks |= SOCK_BINDPORT_LOCK; /* as bind() does */
	CHECK_EQ(udp_do_connect(conn, PEER_IP, 55), 0);
	CHECK(conn->inet_saddr == OUR_IP);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "c", 1), true);
	feed_ip(&f, udp_make(&f, PEER_IP, 56, OUR_IP, 7, "a", 1), true);
	CHECK_EQ(udp_recv(conn, buf, 10, MSG_DONTWAIT, NULL, NULL), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK_EQ(udp_recv(conn, buf, 10, MSG_DONTWAIT, NULL, NULL), -EAGAIN);
	CHECK_EQ(udp_recv(any, buf, 10, MSG_DONTWAIT, NULL, NULL), 1);
	CHECK_EQ(buf[0], 'a');
	CHECK_EQ(udp_prot.disconnect(conn), 0);
	CHECK_EQ(conn->inet_saddr, 0);
	(void)udp_make(&f, PEER_IP, 55, IP4(10, 0, 0, 255), 7, "b", 1);
	memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, 43, true);
	CHECK_EQ(udp_recv(conn, buf, 10, MSG_DONTWAIT, NULL, NULL), 1);
	CHECK_EQ(udp_recv(any, buf, 10, MSG_DONTWAIT, NULL, NULL), 1);
	udp_prot.close(any, 0);
	udp_prot.close(conn, 0);
	fixture_down();
}

TEST(icmp_reaches_connected_sockets_only)
{
	struct sock *sk;
	u8 quote[28];
	u32 n;

	up();
	sk = udp_open();
	for (u32 round = 0; round < 2; round++) {
		struct icmphdr *ic = (struct icmphdr *)f.data;

		if (round)
			CHECK_EQ(udp_do_connect(sk, PEER_IP, 9), 0);
		nr_frames = 0;
		CHECK_EQ(udp_send(sk, round ? 0 : PEER_IP, 9, "x", 1, 0), 1);
		memcpy(quote, frames[0].b + 14, 28);
		n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_ICMP, 8 + 28);
		memset(ic, 0, 8);
		ic->type = ICMP_DEST_UNREACH;
		ic->code = ICMP_PORT_UNREACH;
		memcpy(f.data + 8, quote, 28);
		ic->checksum = csum_fold(csum_partial(ic, 36, 0));
		feed_ip(&f, n, true);
		CHECK_EQ(udp_send(sk, round ? 0 : PEER_IP, 9, "x", 1, 0),
			 round ? -ECONNREFUSED : 1);
		CHECK_EQ(udp_send(sk, round ? 0 : PEER_IP, 9, "x", 1, 0), 1); /* told once */
	}
	/* Connected: each datagram has the next number. */
	CHECK_EQ((u16)(ntohs(frame_ip(1)->id) - ntohs(frame_ip(0)->id)), 1);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(loopback_and_a_full_send_buffer)
{
	struct sock *a, *b;
	u8 buf[10];
	u32 n = 0;

	fixture_up(true);
	a = udp_open();
	b = udp_open();
	CHECK_EQ(udp_prot.get_port(b, 7), 0);
	CHECK_EQ(udp_send(a, IP4(127, 0, 0, 1), 7, "lo", 2, 0), 2);
	CHECK_EQ(udp_recv(b, buf, 10, 0, NULL, NULL), 2);
	CHECK_EQ(udp_send(a, OUR_IP, 7, big, 65507, 0), 65507);
	CHECK_EQ(udp_recv(b, big, sizeof(big), 0, NULL, NULL), 65507);
	/* Nobody answers ARP: the datagrams wait, charged to us, until the buffer is full. */
	a->sk_sndbuf = 20000;
	while (n < 1000 && udp_send(a, PEER_IP, 9, big, 1000, MSG_DONTWAIT) == 1000)
		n++;
	CHECK(a->sk_wmem_alloc >= 20000 && n == DIV_ROUND_UP(20000, a->sk_wmem_alloc / n));
	CHECK_EQ(udp_send(a, PEER_IP, 9, big, 1000, MSG_DONTWAIT), -EAGAIN);
	a->sk_sndtimeo_ns = 300 * MSEC;
	CHECK_EQ(udp_send(a, PEER_IP, 9, big, 1000, 0), -EAGAIN);
	a->sk_sndtimeo_ns = ~0ull;
	CHECK_EQ(udp_send(a, PEER_IP, 9, big, 1000, 0),
		 1000); /* the failed neighbour gives the room back */
	udp_prot.close(a, 0);
	udp_prot.close(b, 0);
	host_clock_advance(10000 * MSEC);
	fixture_down();
}

/* 127.255.255.255 is to everybody, on a network of one. */
TEST(broadcast_of_loopback_wants_the_flag_and_arrives_once)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(4242),
				  .sin_addr = IP4(127, 255, 255, 255) };
	struct sock *a, *b;
	u64 bcasts;
	u8 got[8];

	fixture_up(true);
	a = udp_open();
	b = udp_open();
	CHECK_EQ(udp_prot.get_port(b, 4242), 0);
	CHECK_EQ(udp_send(a, to.sin_addr, 4242, "lo", 2, 0), -EACCES);
	CHECK_EQ(udp_prot.connect(a, &to, sizeof(to), false), -EACCES);
	sock_set_flag(a, SOCK_BROADCAST);
	bcasts = net->mib.ipext[IPEXT_MIB_OutBcastPkts];
	CHECK_EQ(udp_send(a, to.sin_addr, 4242, "lo", 2, 0), 2);
	CHECK_EQ(net->mib.ipext[IPEXT_MIB_OutBcastPkts] - bcasts, 1);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(udp_recv(b, got, sizeof(got), MSG_DONTWAIT, NULL, NULL), 2);
	CHECK_EQ(udp_recv(b, got, sizeof(got), MSG_DONTWAIT, NULL, NULL), -EAGAIN);
	udp_prot.close(a, 0);
	udp_prot.close(b, 0);
	fixture_down();
}

KTEST_MAIN_BOOT()
