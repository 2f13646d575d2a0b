// SPDX-License-Identifier: MIT
/* Groups and broadcasts: who is a member, what goes out and with which address, and what comes back to ourselves. */
#include "fixture.h"

#include "../../../../net/ipv4/ipv4.h"

#include <net/raw.h>

#define GROUP  IP4(239, 1, 2, 3)
#define EXT(n) IPEXT_MIB_##n

static struct net_device *dev2;

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	dev2 = alloc_etherdev(net, 0);
	memcpy(dev2->dev_addr, "\2\0\0\0\1\1", 6);
	dev2->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(dev2), 0);
	CHECK_EQ(dev_open(dev2), 0);
	CHECK_EQ(inet_addr_add(dev2, IP4(192, 168, 5, 1), 24), 0);
}

static void down(void)
{
	unregister_netdev(dev2);
	free_netdev(dev2);
	fixture_down();
}

static int opt(struct sock *sk, int name, const void *val, u32 len)
{
	int err;

	lock_sock(sk);
	err = ip_setsockopt(sk, name, val, len);
	release_sock(sk);
	return err;
}

static int opt_int(struct sock *sk, int name, int val)
{
	return opt(sk, name, &val, sizeof(val));
}

static int member(struct sock *sk, int name, __be32 group, __be32 addr, int ifindex)
{
	struct ip_mreqn mr = { group, addr, ifindex };

	return opt(sk, name, &mr, sizeof(mr));
}

/* A socket bound to @port. */
static struct sock *bound(u16 port)
{
	struct sock *sk = udp_open();

	sk->sk_reuse = 1;
	CHECK_EQ(udp_prot.get_port(sk, port), 0);
	return sk;
}

static void shut(struct sock *sk)
{
	udp_prot.close(sk, 0);
}

/* What waits in @sk: datagrams of 5 bytes; all are taken. */
static u32 received(struct sock *sk)
{
	char buf[8];
	u32 n = 0;

	while (udp_recv(sk, buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL) == 5)
		n++;
	return n;
}

/* "hello" from the peer to @daddr, port 9, in a frame for everybody. */
static void from_wire(__be32 daddr)
{
	static struct ipframe f;
	u32 n = udp_make(&f, PEER_IP, 7, daddr, 9, "hello", 5);

	memcpy(f.eth.h_dest, "\1\0\x5e\1\2\3", 6);
	feed_ip(&f, n, true);
}

/* Datagrams that went out: what routers are told beside them is igmp_report_test.c's. */
static u32 nr_udp(void)
{
	u32 n = 0;

	for (u32 i = 0; i < nr_frames; i++)
		n += frame_ip(i) && frame_ip(i)->protocol == IPPROTO_UDP;
	return n;
}

/* --- Membership ---------------------------------------------------------------------------------------------------------------- */

static const struct join_row {
	const char *name;
	u32 group, addr;
	int ifindex;
	int err;
	u32 by; /* index of the device */
} joins[] = {
	{ "by_the_route", 0xef010203, 0, 0, 0, 2 },
	{ "by_an_address", 0xef010203, 0xc0a80501, 0, 0, 3 },
	{ "by_an_index", 0xef010203, 0, 3, 0, 3 },
	{ "the_index_comes_first", 0xef010203, 0x0a000001, 3, 0, 3 },
	{ "on_loopback", 0xef010203, 0x7f000001, 0, 0, 1 },
	{ "no_group", 0x0a000002, 0, 0, -EINVAL, 0 },
	{ "everybody_is_no_group", 0xffffffff, 0, 0, -EINVAL, 0 },
	{ "one_below_groups", 0xdfffffff, 0, 0, -EINVAL, 0 },
	{ "address_of_nobody", 0xef010203, 0x01020304, 0, -ENODEV, 0 },
	{ "no_such_device", 0xef010203, 0, 99, -ENODEV, 0 },
	{ "negative_device", 0xef010203, 0, -1, -EINVAL, 0 },
};

TEST_EACH(join, joins)
{
	struct sock *sk;

	up();
	sk = bound(9);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, htonl(row->group), htonl(row->addr), row->ifindex),
		 row->err);
	local_bh_disable();
	for (u32 i = 1; i <= 3; i++)
		CHECK_EQ(ip_check_mc(dev_get_by_index(net, i), htonl(row->group), PEER_IP,
				     IPPROTO_UDP),
			 i == row->by);
	local_bh_enable();
	if (!row->err) {
		CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, htonl(row->group), htonl(row->addr),
				row->ifindex),
			 -EADDRINUSE);
		CHECK_EQ(member(sk, IP_DROP_MEMBERSHIP, htonl(row->group), htonl(row->addr),
				row->ifindex),
			 0);
	}
	CHECK_EQ(member(sk, IP_DROP_MEMBERSHIP, htonl(row->group), OUR_IP, 0), -EADDRNOTAVAIL);
	local_bh_disable();
	for (u32 i = 1; i <= 3; i++)
		CHECK(!ip_check_mc(dev_get_by_index(net, i), htonl(row->group), PEER_IP,
				   IPPROTO_UDP));
	local_bh_enable();
	shut(sk);
	down();
}

TEST(a_device_stays_a_member_while_a_socket_is)
{
	struct sock *a, *b;

	up();
	a = bound(9);
	b = bound(10);
	CHECK_EQ(member(a, IP_ADD_MEMBERSHIP, GROUP, 0, 0), 0);
	CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, GROUP, 0, 0), 0);
	CHECK_EQ(member(a, IP_DROP_MEMBERSHIP, GROUP, 0, 99), -EADDRNOTAVAIL);
	CHECK_EQ(member(a, IP_DROP_MEMBERSHIP, GROUP, 0, 3), -EADDRNOTAVAIL);
	CHECK_EQ(member(a, IP_DROP_MEMBERSHIP, GROUP, 0, 2), 0);
	local_bh_disable();
	CHECK(ip_check_mc(dev, GROUP, PEER_IP, IPPROTO_UDP));
	local_bh_enable();
	shut(b); /* close() leaves */
	local_bh_disable();
	CHECK(!ip_check_mc(dev, GROUP, PEER_IP, IPPROTO_UDP));
	local_bh_enable();
	shut(a);
	down();
}

TEST(twenty_groups_of_a_socket_thirty_two_of_a_device)
{
	struct sock *a, *b;

	up();
	a = bound(9);
	b = bound(10);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(member(a, IP_ADD_MEMBERSHIP, htonl(0xef000000 + i), 0, 0), 0);
	CHECK_EQ(member(a, IP_ADD_MEMBERSHIP, GROUP, 0, 0), -ENOBUFS);
	for (u32 i = 0; i < 12; i++)
		CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, htonl(0xef100000 + i), 0, 0), 0);
	CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, GROUP, 0, 0), -ENOBUFS);
	CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, htonl(0xef000000), 0, 0), 0); /* has its slot */
	CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, GROUP, 0, 3), 0);             /* another device */
	shut(a);
	CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, GROUP, 0, 0), 0);
	shut(b);
	down();
}

static u8 told[40][6];
static u32 nr_told, tellings;

static void remember_groups(struct net_device *d, const u8 (*groups)[6], u32 count)
{
	(void)d;
	memcpy(told, groups, count * sizeof(told[0]));
	nr_told = count;
	tellings++;
}

/* The driver hears which groups to take: those of the members, and all hosts from the begin. */
TEST(the_driver_is_told)
{
	struct net_device_ops ops = fake_ops;
	struct sock *a, *b;

	up();
	ops.ndo_set_groups = remember_groups;
	dev_close(dev);
	dev->netdev_ops = &ops;
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(nr_told, 1);
	CHECK(!memcmp(told[0], "\1\0\x5e\0\0\1", 6));
	a = bound(9);
	b = bound(10);
	CHECK_EQ(member(a, IP_ADD_MEMBERSHIP, IP4(239, 129, 2, 3), 0, 2), 0);
	CHECK_EQ(nr_told, 2);
	CHECK(!memcmp(told[0], "\1\0\x5e\1\2\3", 6)); /* the low 23 bits */
	tellings = 0;
	CHECK_EQ(member(b, IP_ADD_MEMBERSHIP, IP4(239, 129, 2, 3), 0, 2), 0);
	shut(a);
	CHECK_EQ(tellings, 0); /* nothing that is news to it */
	shut(b);
	CHECK_EQ(tellings, 1);
	CHECK_EQ(nr_told, 1);
	dev->netdev_ops = &fake_ops;
	down();
}

TEST(the_device_goes_first)
{
	struct sock *sk;

	up();
	sk = bound(9);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 3), 0);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 2), 0);
	unregister_netdev(dev2);
	free_netdev(dev2);
	CHECK_EQ(member(sk, IP_DROP_MEMBERSHIP, GROUP, 0, 0), 0); /* the first of them */
	shut(sk);
	fixture_down();
}

TEST(who_cannot_join)
{
	struct sock *sk;
	struct net_device *bare;

	up();
	bare = alloc_etherdev(net, 0);
	bare->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(bare), 0);
	sk = bound(9);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, (int)bare->ifindex), -ENODEV);
	CHECK_EQ(opt(sk, IP_ADD_MEMBERSHIP, "\357\1\2\3", 4), -EINVAL);
	CHECK_EQ(opt(sk, IP_ADD_MEMBERSHIP, "\357\1\2\3\12\0\0\1", 8), 0); /* struct ip_mreq */
	shut(sk);
	sk = bound(9);
	fail_allocs_from(1);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 0), -ENOMEM);
	CHECK_EQ(opt_int(sk, IP_UNICAST_IF, 0), -ENOMEM);
	CHECK_EQ(opt(sk, IP_MULTICAST_IF, "\0\0\0\0", 4), -ENOMEM);
	CHECK_EQ(fail_over(), 3);
	sk->sk_type = SOCK_STREAM;
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 0), -EPROTO);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_TTL, 1), -EINVAL);
	CHECK_EQ(opt(sk, IP_MULTICAST_IF, "\12\0\0\1", 4), -EINVAL);
	sk->sk_type = SOCK_DGRAM;
	shut(sk);
	unregister_netdev(bare);
	free_netdev(bare);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	dev_close(dev);
	dev_close(dev2);
	sk = bound(9);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 0), -ENODEV); /* no route */
	shut(sk);
	down();
}

/* --- In ------------------------------------------------------------------------------------------------------------------------ */

TEST(a_groups_datagram_reaches_every_member_and_who_takes_all)
{
	struct sock *a, *b, *c, *d;

	up();
	a = bound(9);
	b = bound(9);
	c = bound(9);
	d = bound(10);
	from_wire(GROUP);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InAddrErrors], 1); /* nobody is a member */
	CHECK_EQ(member(a, IP_ADD_MEMBERSHIP, GROUP, 0, 2), 0);
	CHECK_EQ(opt_int(c, IP_MULTICAST_ALL, 0), 0);
	CHECK_EQ(opt_int(c, IP_MULTICAST_ALL, 2), -EINVAL);
	from_wire(GROUP);
	CHECK_EQ(received(a), 1);
	CHECK_EQ(received(b), 1); /* IP_MULTICAST_ALL, the default */
	CHECK_EQ(received(c), 0);
	CHECK_EQ(received(d), 0);
	CHECK_EQ(net->mib.ipext[EXT(InMcastPkts)], 1);
	CHECK_EQ(net->mib.ipext[EXT(InMcastOctets)], 33);
	CHECK_EQ(member(c, IP_ADD_MEMBERSHIP, GROUP, 0, 3), 0); /* of another link */
	from_wire(GROUP);
	CHECK_EQ(received(c), 0);
	CHECK_EQ(member(c, IP_ADD_MEMBERSHIP, GROUP, 0, 2), 0);
	from_wire(GROUP);
	CHECK_EQ(received(c), 1);
	from_wire(IP4(224, 0, 0, 1)); /* every host is a member, the socket is not */
	CHECK_EQ(received(c), 0);
	CHECK_EQ(received(b), 3);
	CHECK_EQ(received(a), 3);
	from_wire(IP4(10, 0, 0, 255));
	CHECK_EQ(received(c), 1); /* a broadcast is everybody's */
	CHECK_EQ(net->mib.ipext[EXT(InBcastPkts)], 1);
	CHECK_EQ(net->mib.ipext[EXT(InBcastOctets)], 33);
	shut(a);
	shut(b);
	shut(c);
	shut(d);
	down();
}

/* --- Out ----------------------------------------------------------------------------------------------------------------------- */

TEST(a_datagram_to_a_group_goes_out_and_comes_back_to_the_members)
{
	struct sockaddr_in from;
	struct sock *sk;
	char buf[8];

	up();
	sk = bound(9);
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5); /* nobody is a member: out only */
	CHECK_EQ(received(sk), 0);
	CHECK_EQ(nr_udp(), 1);
	CHECK(!memcmp(frames[0].b, "\1\0\x5e\1\2\3", 6));
	CHECK_EQ(frame_ip(0)->ttl, 1);
	CHECK(frame_ip(0)->saddr == OUR_IP);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 0), 0);
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5);
	host_clock_advance(1000);
	CHECK_EQ(nr_udp(), 2);
	CHECK_EQ(udp_recv(sk, buf, sizeof(buf), MSG_DONTWAIT, &from, NULL), 5);
	CHECK(!memcmp(buf, "hello", 5));
	CHECK(from.sin_addr == OUR_IP && from.sin_port == htons(9));
	CHECK_EQ(net->mib.ipext[EXT(OutMcastPkts)], 3); /* one is the report */
	CHECK_EQ(net->mib.ipext[EXT(OutMcastOctets)], 66 + 40);
	CHECK_EQ(net->mib.ipext[EXT(InMcastPkts)], 1);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_LOOP, 0), 0);
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5);
	host_clock_advance(1000);
	CHECK_EQ(nr_udp(), 3);
	CHECK_EQ(received(sk), 0);
	shut(sk);
	down();
}

TEST(ttl_0_stays_here)
{
	struct sock *sk;

	up();
	sk = bound(9);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 0), 0);
	nr_frames = 0; /* the report */
	CHECK_EQ(opt_int(sk, IP_MULTICAST_TTL, 0), 0);
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5);
	host_clock_advance(1000);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(received(sk), 1);
	CHECK_EQ(net->mib.ipext[EXT(OutMcastPkts)], 1);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutRequests], 2);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_TTL, 255), 0);
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5);
	CHECK_EQ(frame_ip(0)->ttl, 255);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_TTL, -1), 0); /* the default */
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5);
	CHECK_EQ(frame_ip(1)->ttl, 1);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_TTL, 256), -EINVAL);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_TTL, -2), -EINVAL);
	CHECK_EQ(opt(sk, IP_MULTICAST_TTL, "", 0), -EINVAL);
	CHECK_EQ(opt(sk, IP_MULTICAST_LOOP, "", 0), -EINVAL);
	CHECK_EQ(opt(sk, IP_MULTICAST_ALL, "", 0), -EINVAL);
	shut(sk);
	down();
}

static const struct way_row {
	const char *name;
	u32 addr;
	int ifindex;
	int err;
	u32 saddr; /* of what goes out */
} ways[] = {
	{ "by_the_route", 0, 0, 0, 0x0a000001 },
	{ "by_an_address", 0xc0a80501, 0, 0, 0xc0a80501 },
	{ "by_an_index", 0, 3, 0, 0xc0a80501 },
	{ "no_such_address", 0x01020304, 0, -EADDRNOTAVAIL, 0x0a000001 },
	{ "no_such_device", 0, 99, -EADDRNOTAVAIL, 0x0a000001 },
	{ "negative", 0, -3, -EINVAL, 0x0a000001 },
};

TEST_EACH(way_of_a_group, ways)
{
	struct ip_mreqn mr = { 0, htonl(row->addr), row->ifindex };
	__be32 got = 1;
	u32 len = 4;
	struct sock *sk;

	up();
	sk = bound(9);
	if (row->ifindex)
		CHECK_EQ(opt(sk, IP_MULTICAST_IF, &mr, sizeof(mr)), row->err);
	else
		CHECK_EQ(opt(sk, IP_MULTICAST_IF, &mr.imr_address, 4), row->err);
	CHECK_EQ(udp_send(sk, GROUP, 9, "hello", 5, 0), 5);
	CHECK_EQ(ntohl(frame_ip(0)->saddr), row->saddr);
	CHECK(!memcmp(frames[0].b + 6, row->saddr == 0xc0a80501 ? dev2->dev_addr : our_mac, 6));
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "hello", 5, 0), 5); /* one host: by route as ever */
	CHECK_EQ(ntohl(frame_ip(1)->saddr), 0x0a000001);
	lock_sock(sk);
	CHECK_EQ(ip_getsockopt(sk, IP_MULTICAST_IF, &got, &len), 0);
	release_sock(sk);
	CHECK_EQ(ntohl(got), row->err ? 0 : row->addr);
	shut(sk);
	down();
}

TEST(the_device_of_what_goes_to_one_host)
{
	struct sock *sk;
	int got = -1;
	u32 len = 4;

	up();
	sk = bound(9);
	CHECK_EQ(opt_int(sk, IP_UNICAST_IF, (int)htonl(99)), -EADDRNOTAVAIL);
	CHECK_EQ(opt(sk, IP_UNICAST_IF, "\0\0", 2), -EINVAL);
	CHECK_EQ(opt_int(sk, IP_UNICAST_IF, (int)htonl(3)), 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "hello", 5, 0), -ENETUNREACH); /* not by that one */
	lock_sock(sk);
	CHECK_EQ(ip_getsockopt(sk, IP_UNICAST_IF, &got, &len), 0);
	release_sock(sk);
	CHECK_EQ(got, (int)htonl(3));
	sk->sk_bound_dev_if = 2; /* what the socket is bound to comes first */
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "hello", 5, 0), 5);
	CHECK_EQ(opt_int(sk, IP_UNICAST_IF, (int)htonl(3)), -EINVAL);
	CHECK_EQ(opt(sk, IP_MULTICAST_IF, &(struct ip_mreqn){ .imr_ifindex = 3 },
		     sizeof(struct ip_mreqn)),
		 -EINVAL);
	shut(sk);
	down();
}

TEST(a_broadcast_comes_back)
{
	struct sock *sk, *other;

	up();
	sk = bound(9);
	other = bound(9);
	CHECK_EQ(udp_send(sk, INADDR_BROADCAST, 9, "hello", 5, 0), -EACCES);
	sock_set_flag(sk, SOCK_BROADCAST);
	CHECK_EQ(udp_send(sk, INADDR_BROADCAST, 9, "hello", 5, 0), 5);
	CHECK_EQ(udp_send(sk, IP4(10, 0, 0, 255), 9, "hello", 5, 0), 5);
	host_clock_advance(1000);
	CHECK_EQ(received(sk), 2);
	CHECK_EQ(received(other), 2);
	CHECK(!memcmp(frames[0].b, all_mac, 6) && !memcmp(frames[1].b, all_mac, 6));
	CHECK_EQ(net->mib.ipext[EXT(OutBcastPkts)], 2);
	CHECK_EQ(net->mib.ipext[EXT(OutBcastOctets)], 66);
	CHECK_EQ(net->mib.ipext[EXT(InBcastPkts)], 2);
	shut(sk);
	shut(other);
	down();
}

/* Without memory for the copy the members here miss it; the wire has it. */
TEST(no_memory_for_our_own_copy)
{
	struct sock *sk;
	u32 n = 0;
	u64 hits;

	up();
	sk = bound(9);
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 0), 0);
	do {
		nr_frames = 0;
		fail_alloc(++n);
		(void)udp_send(sk, GROUP, 9, "hello", 5, 0);
		hits = fail_over();
		host_clock_advance(1000);
		if (nr_udp() == 1 && received(sk) == 0 && hits)
			break;
		(void)received(sk);
	} while (hits && n < 20);
	CHECK(n < 20 && hits);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InDiscards], 1);
	shut(sk);
	down();
}

/* --- Sources ---------------------------------------------------------------------------------------------------------------------- */
#define SRC(n) IP4(10, 9, 0, n)

static int source(struct sock *sk, int name, __be32 group, __be32 addr)
{
	struct ip_mreq_source mr = { group, htonl(0x0a000001), addr };

	return opt(sk, name, &mr, sizeof(mr));
}

/* What of three sources reaches the socket: bits. */
static u32 hears(const struct sock *sk)
{
	u32 got = 0;

	local_bh_disable();
	for (u32 n = 0; n < 3; n++)
		got |= (u32)ip_mc_sf_allow(sk, GROUP, SRC(n), dev->ifindex) << n;
	local_bh_enable();
	return got;
}

#define ADD     IP_ADD_SOURCE_MEMBERSHIP
#define DROP    IP_DROP_SOURCE_MEMBERSHIP
#define BLOCK   IP_BLOCK_SOURCE
#define UNBLOCK IP_UNBLOCK_SOURCE
static const struct source_row {
	const char *name;
	bool joined; /* by IP_ADD_MEMBERSHIP before */
	struct {
		int name, addr, err;
	} step[4];
	u32 hears;
} sources[] = {
	{ "nothing", true, { { 0 } }, 7 },
	{ "one", false, { { ADD, 1, 0 } }, 2 },
	{ "two", false, { { ADD, 1, 0 }, { ADD, 2, 0 } }, 6 },
	{ "twice", false, { { ADD, 1, 0 }, { ADD, 1, -EADDRNOTAVAIL } }, 2 },
	{ "one_of_two", false, { { ADD, 1, 0 }, { ADD, 2, 0 }, { DROP, 1, 0 } }, 4 },
	{ "the_last_leaves", false, { { ADD, 1, 0 }, { DROP, 1, 0 }, { DROP, 1, -EINVAL } }, 0 },
	{ "not_named", false, { { ADD, 1, 0 }, { DROP, 2, -EADDRNOTAVAIL } }, 2 },
	{ "all_but_one", true, { { BLOCK, 1, 0 } }, 5 },
	{ "blocked_twice", true, { { BLOCK, 1, 0 }, { BLOCK, 1, -EADDRNOTAVAIL } }, 5 },
	{ "all_again", true, { { BLOCK, 1, 0 }, { UNBLOCK, 1, 0 } }, 7 },
	{ "not_blocked", true, { { UNBLOCK, 1, -EADDRNOTAVAIL } }, 7 },
	{ "no_member",
	  false,
	  { { BLOCK, 1, -EINVAL }, { UNBLOCK, 1, -EINVAL }, { DROP, 1, -EINVAL } },
	  0 },
	{ "from_all_to_one", true, { { ADD, 2, 0 } }, 4 },
	{ "not_both", true, { { BLOCK, 0, 0 }, { ADD, 1, -EINVAL }, { DROP, 1, -EINVAL } }, 6 },
	{ "not_both_either", false, { { ADD, 0, 0 }, { BLOCK, 1, -EINVAL } }, 1 },
};

TEST_EACH(source, sources)
{
	struct sock *sk;

	fixture_up(true);
	sk = bound(9);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_ALL, 0), 0);
	if (row->joined)
		CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, htonl(0x0a000001), 0), 0);
	for (u32 i = 0; i < 4 && row->step[i].name; i++)
		CHECK_EQ(source(sk, row->step[i].name, GROUP, SRC(row->step[i].addr)),
			 row->step[i].err);
	CHECK_EQ(hears(sk), row->hears);
	shut(sk);
	fixture_down();
}

/* Bounds, and wrong arguments; what is forgotten with the membership makes room. */
TEST(bounds_of_source_filters)
{
	struct ip_mreq_source mr = { GROUP, 0, SRC(1) };
	struct sock *sk;

	fixture_up(true);
	sk = bound(9);
	CHECK_EQ(opt(sk, ADD, &mr, sizeof(mr) - 1), -EINVAL);
	CHECK_EQ(opt(sk, ADD, &mr, sizeof(mr) + 1), -EINVAL);
	CHECK_EQ(source(sk, ADD, IP4(10, 0, 0, 9), SRC(1)), -EINVAL);
	mr.imr_interface = IP4(10, 77, 0, 1);
	CHECK_EQ(opt(sk, ADD, &mr, sizeof(mr)), -ENODEV);
	CHECK_EQ(opt(sk, BLOCK, &mr, sizeof(mr)), -ENODEV);
	for (int round = 0; round < 5; round++) {
		for (u32 n = 0; n < 10; n++)
			CHECK_EQ(source(sk, ADD, GROUP, SRC(n)), 0);
		CHECK_EQ(source(sk, ADD, GROUP, SRC(10)), -ENOBUFS);
		CHECK_EQ(member(sk, IP_DROP_MEMBERSHIP, GROUP, htonl(0x0a000001), 0), 0);
	}
	for (u32 g = 0; g < 4; g++)
		for (u32 n = 0; n < 10; n++)
			CHECK_EQ(source(sk, ADD, IP4(224, 1, 3, g), SRC(n)), 0);
	CHECK_EQ(source(sk, ADD, IP4(224, 1, 3, 9), SRC(1)), -ENOBUFS);
	shut(sk);
	fixture_down();
}
/* --- Filters as a whole, and options for any family --------------------------------------------------------------------------------- */

static int opt_read(struct sock *sk, int name, void *val, u32 *len)
{
	int err;

	lock_sock(sk);
	err = ip_getsockopt(sk, name, val, len);
	release_sock(sk);
	return err;
}

static struct sockaddr_storage name_of(u16 family, __be32 addr)
{
	struct sockaddr_in sin = { .sin_family = family, .sin_addr = addr };
	struct sockaddr_storage name = { 0 };

	memcpy(&name, &sin, sizeof(sin));
	return name;
}

static int group_opt(struct sock *sk, int name, u32 ifindex, __be32 group)
{
	struct group_req req = { ifindex, name_of(AF_INET, group) };

	return opt(sk, name, &req, sizeof(req));
}

static int group_source(struct sock *sk, int name, u32 ifindex, __be32 addr)
{
	struct group_source_req req = { ifindex, name_of(AF_INET, GROUP), name_of(AF_INET, addr) };

	return opt(sk, name, &req, sizeof(req));
}

TEST(groups_by_index_for_any_family)
{
	struct group_req req = { 2, name_of(AF_PACKET, GROUP) };
	struct group_source_req src = { 2, name_of(AF_INET, GROUP), name_of(AF_PACKET, SRC(1)) };
	struct sock *sk;

	up();
	sk = bound(9);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_ALL, 0), 0);
	CHECK_EQ(opt(sk, MCAST_JOIN_GROUP, &req, sizeof(req) - 1), -EINVAL);
	CHECK_EQ(opt(sk, MCAST_JOIN_GROUP, &req, sizeof(req)), -EINVAL);
	CHECK_EQ(opt(sk, MCAST_BLOCK_SOURCE, &src, sizeof(src) - 1), -EINVAL);
	CHECK_EQ(opt(sk, MCAST_BLOCK_SOURCE, &src, sizeof(src)), -EADDRNOTAVAIL);
	CHECK_EQ(group_opt(sk, MCAST_JOIN_GROUP, 99, GROUP), -ENODEV);
	CHECK_EQ(group_opt(sk, MCAST_JOIN_GROUP, 2, PEER_IP), -EINVAL);
	CHECK_EQ(group_opt(sk, MCAST_LEAVE_GROUP, 99, GROUP), -EADDRNOTAVAIL);
	CHECK_EQ(group_opt(sk, MCAST_JOIN_GROUP, 2, GROUP), 0);
	CHECK_EQ(group_opt(sk, MCAST_JOIN_GROUP, 2, GROUP), -EADDRINUSE);
	CHECK_EQ(group_source(sk, MCAST_BLOCK_SOURCE, 3, SRC(1)), -EINVAL); /* not there */
	CHECK_EQ(group_source(sk, MCAST_BLOCK_SOURCE, 2, SRC(1)), 0);
	CHECK_EQ(hears(sk), 5);
	CHECK_EQ(group_source(sk, MCAST_UNBLOCK_SOURCE, 2, SRC(1)), 0);
	CHECK_EQ(hears(sk), 7);
	CHECK_EQ(group_opt(sk, MCAST_LEAVE_GROUP, 2, GROUP), 0);
	CHECK_EQ(group_source(sk, MCAST_JOIN_SOURCE_GROUP, 2, SRC(2)), 0);
	CHECK_EQ(hears(sk), 4);
	CHECK_EQ(group_source(sk, MCAST_LEAVE_SOURCE_GROUP, 2, SRC(2)), 0);
	CHECK_EQ(group_source(sk, MCAST_LEAVE_SOURCE_GROUP, 2, SRC(2)), -EINVAL);
	shut(sk);
	down();
}

struct msf {
	struct ip_msfilter h;
	__be32 addr[12];
};

static int msf_set(struct sock *sk, u32 mode, u32 n, u32 from)
{
	struct msf f = { { GROUP, OUR_IP, mode, n }, { 0 } };

	for (u32 i = 0; i < n && i < 12; i++)
		f.addr[i] = SRC(from + i);
	return opt(sk, IP_MSFILTER, &f, 16 + 4 * min(n, 12U));
}

TEST(a_whole_filter_is_set_and_read)
{
	struct msf f = { { GROUP, OUR_IP, MCAST_EXCLUDE, 0 }, { 0 } };
	struct sock *sk;
	u32 len = sizeof(f);

	up();
	sk = bound(9);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_ALL, 0), 0);
	CHECK_EQ(msf_set(sk, MCAST_EXCLUDE, 1, 0), -EINVAL); /* no member */
	CHECK_EQ(opt_read(sk, IP_MSFILTER, &f, &len), -EADDRNOTAVAIL);
	CHECK_EQ(source(sk, ADD, GROUP, SRC(9)), 0);
	CHECK_EQ(msf_set(sk, MCAST_INCLUDE, 2, 0), 0);
	CHECK_EQ(hears(sk), 3);
	CHECK_EQ(msf_set(sk, 2, 2, 0), -EINVAL);
	CHECK_EQ(msf_set(sk, MCAST_INCLUDE, 11, 0), -ENOBUFS);
	CHECK_EQ(msf_set(sk, MCAST_INCLUDE, UINT32_MAX, 0), -ENOBUFS);
	CHECK_EQ(opt(sk, IP_MSFILTER, &f, 15), -EINVAL);
	f.h.imsf_numsrc = 1;
	CHECK_EQ(opt(sk, IP_MSFILTER, &f, 19), -EINVAL);
	CHECK_EQ(opt_read(sk, IP_MSFILTER, &f, &len), 0); /* room for one */
	CHECK_EQ(len, 20);
	CHECK(f.h.imsf_fmode == MCAST_INCLUDE && f.h.imsf_numsrc == 2 && f.addr[0] == SRC(0));
	len = 17; /* for none, whatever is said */
	CHECK_EQ(opt_read(sk, IP_MSFILTER, &f, &len), 0);
	CHECK_EQ(len, 16);
	len = 15;
	CHECK_EQ(opt_read(sk, IP_MSFILTER, &f, &len), -EINVAL);
	len = sizeof(f);
	f.h.imsf_multiaddr = PEER_IP;
	CHECK_EQ(opt_read(sk, IP_MSFILTER, &f, &len), -EINVAL);
	f.h = (struct ip_msfilter){ GROUP, IP4(1, 2, 3, 4), 0, 5 };
	CHECK_EQ(opt_read(sk, IP_MSFILTER, &f, &len), -ENODEV);
	CHECK_EQ(opt(sk, IP_MSFILTER, &f, sizeof(f)), -ENODEV);
	CHECK_EQ(msf_set(sk, MCAST_EXCLUDE, 2, 1), 0);
	CHECK_EQ(hears(sk), 1);
	CHECK_EQ(msf_set(sk, MCAST_INCLUDE, 0, 0), 0); /* leaves */
	CHECK_EQ(msf_set(sk, MCAST_INCLUDE, 0, 0), -EADDRNOTAVAIL);
	CHECK_EQ(hears(sk), 0);
	shut(sk);
	down();
}

static struct gf {
	struct group_filter h;
	struct sockaddr_storage addr[12];
} gf;

static int gf_opt(struct sock *sk, u32 ifindex, u32 n)
{
	gf.h.gf_interface = ifindex;
	gf.h.gf_group = name_of(AF_INET, GROUP);
	gf.h.gf_fmode = MCAST_EXCLUDE;
	gf.h.gf_numsrc = n;
	for (u32 i = 0; i < n && i < 12; i++)
		gf.addr[i] = name_of(AF_INET, SRC(i));
	return opt(sk, MCAST_MSFILTER, &gf, (u32)(sizeof(gf.h) + min(n, 12U) * 128));
}

TEST(a_whole_filter_for_any_family)
{
	struct sockaddr_in sin;
	struct sock *sk;
	u32 len = sizeof(gf);

	up();
	sk = bound(9);
	CHECK_EQ(gf_opt(sk, 2, 1), -EINVAL);
	CHECK_EQ(opt_read(sk, MCAST_MSFILTER, &gf, &len), -EADDRNOTAVAIL);
	CHECK_EQ(group_opt(sk, MCAST_JOIN_GROUP, 2, GROUP), 0);
	CHECK_EQ(gf_opt(sk, 2, 2), 0);
	CHECK_EQ(hears(sk), 4);
	CHECK_EQ(gf_opt(sk, 99, 2), -ENODEV);
	CHECK_EQ(gf_opt(sk, 2, 11), -ENOBUFS);
	gf.h.gf_numsrc = 2;
	CHECK_EQ(opt(sk, MCAST_MSFILTER, &gf, sizeof(gf.h) + 2 * 128 - 1), -EINVAL);
	CHECK_EQ(opt(sk, MCAST_MSFILTER, &gf, sizeof(gf.h) - 1), -EINVAL);
	gf.addr[1].ss_family = AF_PACKET;
	CHECK_EQ(opt(sk, MCAST_MSFILTER, &gf, sizeof(gf)), -EADDRNOTAVAIL);
	gf.h.gf_numsrc = 1;
	gf.h.gf_group = name_of(AF_INET, PEER_IP);
	CHECK_EQ(opt(sk, MCAST_MSFILTER, &gf, sizeof(gf)), -EINVAL);
	gf.h.gf_group.ss_family = AF_PACKET;
	CHECK_EQ(opt(sk, MCAST_MSFILTER, &gf, sizeof(gf)), -EADDRNOTAVAIL);
	CHECK_EQ(opt_read(sk, MCAST_MSFILTER, &gf, &len), -EINVAL);
	gf.h.gf_group = name_of(AF_INET, GROUP);
	gf.h.gf_interface = 0; /* a membership has a device */
	CHECK_EQ(opt_read(sk, MCAST_MSFILTER, &gf, &len), -EADDRNOTAVAIL);
	gf.h.gf_interface = 99;
	CHECK_EQ(opt_read(sk, MCAST_MSFILTER, &gf, &len), -EADDRNOTAVAIL);
	gf.h.gf_interface = 2;
	memset(gf.addr, 0, sizeof(gf.addr));
	CHECK_EQ(opt_read(sk, MCAST_MSFILTER, &gf, &len), 0);
	CHECK_EQ(len, sizeof(gf.h) + 128); /* room for one was said */
	CHECK(gf.h.gf_fmode == MCAST_EXCLUDE && gf.h.gf_numsrc == 2);
	memcpy(&sin, &gf.addr[0], sizeof(sin));
	CHECK(sin.sin_family == AF_INET && sin.sin_addr == SRC(0));
	len = sizeof(gf.h) - 1;
	CHECK_EQ(opt_read(sk, MCAST_MSFILTER, &gf, &len), -EINVAL);
	shut(sk);
	down();
}

/* A stream may join too, but not by the oldest option. */
TEST(a_stream_joins)
{
	struct sock *sk;

	up();
	sk = bound(9);
	sk->sk_type = SOCK_STREAM;
	CHECK_EQ(member(sk, IP_ADD_MEMBERSHIP, GROUP, 0, 2), -EPROTO);
	CHECK_EQ(member(sk, IP_DROP_MEMBERSHIP, GROUP, 0, 2), -EPROTO);
	CHECK_EQ(group_opt(sk, MCAST_JOIN_GROUP, 2, GROUP), 0);
	CHECK_EQ(group_source(sk, MCAST_JOIN_SOURCE_GROUP, 3, SRC(1)), 0);
	local_bh_disable();
	CHECK(ip_check_mc(dev, GROUP, SRC(1), IPPROTO_UDP));
	CHECK(ip_check_mc(dev2, GROUP, SRC(1), IPPROTO_UDP));
	CHECK(!ip_check_mc(dev2, GROUP, SRC(2), IPPROTO_UDP));
	CHECK(ip_check_mc(dev2, GROUP, SRC(2), IPPROTO_IGMP)); /* a query is for every member */
	local_bh_enable();
	sk->sk_type = SOCK_DGRAM;
	shut(sk);
	local_bh_disable();
	CHECK(!ip_check_mc(dev, GROUP, SRC(1), IPPROTO_UDP));
	local_bh_enable();
	down();
}

/* What the device takes, of three sources: bits. */
static u32 device_hears(void)
{
	u32 got = 0;

	local_bh_disable();
	for (u32 n = 0; n < 3; n++)
		got |= (u32)ip_check_mc(dev, GROUP, SRC(n), IPPROTO_UDP) << n;
	local_bh_enable();
	return got;
}

TEST(a_device_takes_what_one_of_its_sockets_wants)
{
	struct sock *a, *b, *c;

	up();
	a = bound(9);
	b = bound(9);
	c = bound(9);
	CHECK_EQ(source(a, ADD, GROUP, SRC(0)), 0);
	CHECK_EQ(device_hears(), 1);
	CHECK_EQ(source(b, ADD, GROUP, SRC(1)), 0);
	CHECK_EQ(device_hears(), 3);
	CHECK_EQ(member(c, IP_ADD_MEMBERSHIP, GROUP, 0, 2), 0);
	CHECK_EQ(device_hears(), 7);
	CHECK_EQ(msf_set(c, MCAST_EXCLUDE, 3, 0), 0); /* all, but the others want two of them */
	CHECK_EQ(device_hears(), 3);
	CHECK(page_has(mcfilter_show, "Idx Device        MCA        SRC    INC    EXC\n"
				      "  2   eth0 0xef010203 0x0a090000      1      1\n"));
	CHECK(page_has(mcfilter_show, "  2   eth0 0xef010203 0x0a090002      0      1\n"));
	shut(a);
	CHECK_EQ(device_hears(), 2);
	CHECK_EQ(member(a = bound(9), IP_ADD_MEMBERSHIP, GROUP, 0, 2), 0);
	CHECK_EQ(device_hears(), 7); /* not all who want the others refuse them */
	shut(a);
	shut(c);
	CHECK_EQ(device_hears(), 2);
	shut(b);
	CHECK_EQ(device_hears(), 0);
	down();
}

TEST(no_memory_for_sources_changes_nothing)
{
	struct sock *sk;

	up();
	sk = bound(9);
	fail_alloc(2); /* the first is the socket's own room */
	CHECK_EQ(source(sk, ADD, GROUP, SRC(1)), -ENOBUFS);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(device_hears(), 0);
	CHECK_EQ(dev->ip_ptr->mc[0].group, 0);
	CHECK_EQ(source(sk, ADD, GROUP, SRC(1)), 0);
	CHECK_EQ(device_hears(), 2);
	fail_alloc(1);
	CHECK_EQ(msf_set(sk, MCAST_INCLUDE, 3, 0), -ENOBUFS);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(device_hears(), 2);
	fail_alloc(1);
	CHECK_EQ(source(sk, ADD, GROUP, SRC(2)), -ENOBUFS);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(hears(sk), 2);
	shut(sk);
	down();
}

static ssize_t raw_recv(struct sock *sk, void *buf, size_t len)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { 0 };

	iov_iter_kvec(&msg.msg_iter, &iov, 1);
	return raw_prot.recvmsg(sk, &msg, len, MSG_DONTWAIT);
}

/* A raw socket has the same filters, and IP_MULTICAST_ALL. */
TEST(raw_sockets_have_filters_too)
{
	struct sock *sk, *other;
	char buf[64];

	up();
	other = bound(9);
	CHECK_EQ(member(other, IP_ADD_MEMBERSHIP, GROUP, 0, 2), 0);
	CHECK_EQ(raw_net_init(net), 0);
	sk = sk_alloc(net, AF_INET, &raw_prot);
	sk->sk_protocol = IPPROTO_UDP;
	sk->sk_type = SOCK_RAW;
	CHECK_EQ(raw_prot.init(sk), 0);
	from_wire(GROUP);
	CHECK_EQ(raw_recv(sk, buf, sizeof(buf)), 33);
	CHECK_EQ(opt_int(sk, IP_MULTICAST_ALL, 0), 0);
	from_wire(GROUP);
	CHECK_EQ(raw_recv(sk, buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(source(sk, ADD, GROUP, SRC(1)), 0);
	from_wire(GROUP);
	CHECK_EQ(raw_recv(sk, buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(source(sk, ADD, GROUP, PEER_IP), 0);
	from_wire(GROUP);
	CHECK_EQ(raw_recv(sk, buf, sizeof(buf)), 33);
	CHECK_EQ(received(other), 4);
	raw_prot.close(sk, 0);
	shut(other);
	down();
}
KTEST_MAIN_BOOT()
