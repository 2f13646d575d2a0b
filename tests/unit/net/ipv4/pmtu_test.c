// SPDX-License-Identifier: MIT
/* Path MTU discovery: what is believed, for whom, for how long, and how much of it is remembered. */
#include "fixture.h"

#define SEC 1000000000ull

static const u8 far[4] = { 8, 8, 8, 8 };
static __be32 far_ip;

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	memcpy(&far_ip, far, 4);
}

static struct sock *connected(__be32 addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = addr };
	struct sock *sk = udp_open();

	CHECK_EQ(udp_prot.connect(sk, &sin, sizeof(sin), false), 0);
	return sk;
}

static int path_mtu(struct sock *sk)
{
	int val = -1, err;
	u32 len = sizeof(val);

	lock_sock(sk);
	err = ip_getsockopt(sk, IP_MTU, &val, &len);
	release_sock(sk);
	return err ? err : val;
}

static void set_discover(struct sock *sk, int how)
{
	lock_sock(sk);
	CHECK_EQ(ip_setsockopt(sk, IP_MTU_DISCOVER, &how, sizeof(how)), 0);
	release_sock(sk);
}

/* A router says @mtu about a datagram of @sk whose length was @quoted. */
static void router_says(const struct sock *sk, u32 mtu, u32 quoted)
{
	static struct ipframe f;
	struct {
		struct iphdr ip;
		u8 udp[8];
	} __packed q = { .ip = { .ver_ihl = 0x45,
				 .tot_len = htons(quoted),
				 .ttl = 60,
				 .protocol = IPPROTO_UDP,
				 .saddr = OUR_IP,
				 .daddr = sk->sk_daddr } };

	put_unaligned_be16(sk->sk_num, q.udp);
	put_unaligned_be16(9, q.udp + 2);
	put_unaligned_be16((u16)(quoted - 20), q.udp + 4);
	feed_ip(&f, icmp_make(&f, IP4(10, 0, 0, 99), 3, 4, mtu, &q, sizeof(q)), true);
}

static const struct told_row {
	const char *name;
	u32 mtu, quoted;
	int want;
	bool df;
} tolds[] = {
	{ "what_the_router_says", 1280, 1500, 1280, true },
	{ "one_below_ours", 1499, 1500, 1499, true },
	{ "ours", 1500, 1500, 1500, true },
	{ "larger_than_ours", 9000, 1500, 1500, true },
	{ "largest", 65535, 1500, 1500, true },
	{ "the_least_we_believe", 552, 1500, 552, true },
	{ "less_than_we_believe_may_be_cut", 551, 1500, 552, false },
	{ "forged_68", 68, 1500, 552, false },
	{ "forged_1", 1, 1500, 552, false },
	{ "nothing_about_1500", 0, 1500, 1492, true },
	{ "nothing_about_1493", 0, 1493, 1492, true },
	{ "nothing_about_1492", 0, 1492, 1006, true },
	{ "nothing_about_1006", 0, 1006, 552, false },
	{ "nothing_about_28", 0, 28, 552, false },
};

TEST_EACH(told, tolds)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	CHECK_EQ(path_mtu(sk), 1500);
	router_says(sk, row->mtu, row->quoted);
	CHECK_EQ(path_mtu(sk), row->want);
	sk->sk_err = 0;
	nr_frames = 0;
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK_EQ(frame_ip(0)->frag_off, row->df ? htons(IP_DF) : 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(it_is_learned_for_the_destination_and_for_everybody_who_goes_there)
{
	struct sock *a, *b, *c;

	up();
	a = connected(far_ip);
	b = connected(far_ip);
	c = connected(IP4(8, 8, 8, 9));
	router_says(a, 1000, 1500);
	CHECK_EQ(path_mtu(a), 1000);
	CHECK_EQ(path_mtu(b), 1000);
	CHECK_EQ(path_mtu(c), 1500);
	CHECK(page_has(rt_cache_show,
		       "eth0\t08080808\t0200000A\t       7\t3\t0\t0\t00000000\t1000"));
	CHECK(!page_has(rt_cache_show, "09080808"));
	udp_prot.close(a, 0);
	udp_prot.close(b, 0);
	udp_prot.close(c, 0);
	fixture_down();
}

/* Ten minutes (RFC 1191, 6.3); a message in between begins them anew, never makes it larger. */
TEST(it_expires)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	router_says(sk, 1000, 1500);
	host_clock_advance(599 * SEC);
	CHECK_EQ(path_mtu(sk), 1000);
	router_says(sk, 1400, 1500);
	CHECK_EQ(path_mtu(sk), 1000);
	host_clock_advance(1 * SEC - 1);
	CHECK_EQ(path_mtu(sk), 1000);
	host_clock_advance(1);
	CHECK_EQ(path_mtu(sk), 1500);
	CHECK(!page_has(rt_cache_show, "08080808"));
	router_says(sk, 1000, 1500);
	host_clock_advance(400 * SEC);
	router_says(sk, 1000, 1000); /* again */
	CHECK_EQ(path_mtu(sk), 1000);
	host_clock_advance(400 * SEC);
	CHECK_EQ(path_mtu(sk), 1000);
	router_says(sk, 800, 1000); /* and smaller still */
	CHECK_EQ(path_mtu(sk), 800);
	host_clock_advance(600 * SEC);
	CHECK_EQ(path_mtu(sk), 1500);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* Who only holds the route, without asking, gets the larger one as well. */
TEST(a_cached_route_goes_when_what_it_knows_expires)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	router_says(sk, 1000, 1500);
	sk->sk_err = 0;
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK_EQ(sk->sk_dst_cache->mtu, 1000);
	CHECK_EQ(sk->sk_dst_cache->expires_ns, host_clock() + 600 * SEC);
	host_clock_set(host_clock() + 600 * SEC);
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK_EQ(sk->sk_dst_cache->mtu, 1500);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* 256 destinations; then the oldest news makes room. */
TEST(a_flood_of_messages_is_bounded)
{
	struct sock *first, *sk;

	up();
	first = connected(IP4(9, 0, 0, 0));
	router_says(first, 1000, 1500);
	for (u32 i = 1; i < 256; i++) {
		local_bh_disable();
		ip_update_pmtu(net, htonl(0x09000000 + i), 0, 1000);
		local_bh_enable();
	}
	CHECK(page_has(rt_cache_stat_show, "\n00000100 "));
	CHECK_EQ(path_mtu(first), 1000);
	local_bh_disable();
	ip_update_pmtu(net, htonl(0x09000000), 0, 1000); /* fresh news: no longer the oldest */
	ip_update_pmtu(net, htonl(0x09000100), 0, 1000);
	local_bh_enable();
	CHECK(page_has(rt_cache_stat_show, "\n00000100 "));
	CHECK_EQ(path_mtu(first), 1000);
	sk = connected(IP4(9, 0, 0, 1));
	CHECK_EQ(path_mtu(sk), 1500);
	udp_prot.close(first, 0);
	udp_prot.close(sk, 0);
	for (u32 i = 0; i < 5000; i++) {
		local_bh_disable();
		ip_update_pmtu(net, htonl(0x0b000000 + i), 0, 1000);
		local_bh_enable();
	}
	CHECK(page_has(rt_cache_stat_show, "\n00000100 "));
	fixture_down();
}

static const struct nobody_row {
	const char *name;
	u32 daddr;
} nobodies[] = {
	{ "ourselves", 0x0a000001 }, { "loopback", 0x7f000001 },   { "a_group", 0xe0000009 },
	{ "everybody", 0xffffffff }, { "the_subnet", 0x0a0000ff },
};

TEST_EACH(nothing_is_learned_about, nobodies)
{
	up();
	local_bh_disable();
	ip_update_pmtu(net, htonl(row->daddr), 0, 1000);
	ip_update_pmtu(net, htonl(row->daddr), 99, 1000);
	local_bh_enable();
	CHECK(page_has(rt_cache_stat_show, "\n00000000 "));
	fixture_down();
}

TEST(nothing_is_learned_without_a_route)
{
	fixture_up(true);
	local_bh_disable();
	ip_update_pmtu(net, IP4(8, 8, 8, 8), 0, 1000);
	local_bh_enable();
	CHECK(page_has(rt_cache_stat_show, "\n00000000 "));
	fixture_down();
}

TEST(without_memory_the_router_will_repeat_it)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	local_bh_disable();
	fail_allocs_from(1);
	ip_update_pmtu(net, far_ip, 0, 1000);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(ip_sk_dst(sk)->mtu, 1500);
	ip_update_pmtu(net, far_ip, 0, 1000);
	fail_allocs_from(1); /* it is known, but there is no room for the copy of the route */
	CHECK_EQ(ip_sk_dst(sk)->mtu, 1500);
	CHECK_EQ(fail_over(), 1);
	net->rt_genid++;
	CHECK_EQ(ip_sk_dst(sk)->mtu, 1000);
	local_bh_enable();
	udp_prot.close(sk, 0);
	fixture_down();
}

/* The table changes under what was learned: the next copy is one of the new route. */
TEST(what_was_learned_survives_a_change_of_the_way)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	router_says(sk, 1000, 1500);
	CHECK_EQ(path_mtu(sk), 1000);
	CHECK_EQ(ip_route_add(net, far_ip, 32, IP4(10, 0, 0, 3), dev), 0);
	CHECK_EQ(path_mtu(sk), 1000);
	CHECK_EQ(dst_rtable(sk->sk_dst_cache)->rt_gateway, IP4(10, 0, 0, 3));
	CHECK_EQ(dev_set_mtu(dev, 900), 0);
	CHECK_EQ(path_mtu(sk), 900); /* the device is narrower now */
	CHECK_EQ(dev_set_mtu(dev, 1500), 0);
	CHECK_EQ(path_mtu(sk), 1000);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* --- IP_MTU_DISCOVER -------------------------------------------------------------------------------------------------- */

static const struct how_row {
	const char *name;
	int how;
	bool df;  /* before anything is learned */
	int told; /* IP_MTU after 1000 was said */
	int err;  /* SO_ERROR after that */
} hows[] = {
	{ "dont", IP_PMTUDISC_DONT, false, 1000, 0 },
	{ "want", IP_PMTUDISC_WANT, true, 1000, EMSGSIZE },
	{ "do", IP_PMTUDISC_DO, true, 1000, EMSGSIZE },
	{ "probe_ignores_what_is_learned", IP_PMTUDISC_PROBE, true, 1500, EMSGSIZE },
	{ "interface_learns_nothing", IP_PMTUDISC_INTERFACE, false, 1500, 0 },
	{ "omit_learns_nothing", IP_PMTUDISC_OMIT, false, 1500, 0 },
};

TEST_EACH(discover, hows)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	set_discover(sk, row->how);
	nr_frames = 0;
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK_EQ(frame_ip(0)->frag_off, row->df ? htons(IP_DF) : 0);
	router_says(sk, 1000, 1500);
	CHECK_EQ(sk->sk_err, row->err);
	sk->sk_err = 0;
	CHECK_EQ(path_mtu(sk), row->told);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(a_datagram_that_must_not_be_cut_hears_of_it)
{
	static u8 data[1473];
	struct sock *sk;

	up();
	sk = connected(far_ip);
	set_discover(sk, IP_PMTUDISC_DO);
	CHECK_EQ(udp_send(sk, 0, 0, data, 1473, 0), -EMSGSIZE);
	CHECK_EQ(udp_send(sk, 0, 0, data, 1472, 0), 1472);
	router_says(sk, 1000, 1500);
	CHECK_EQ(udp_send(sk, 0, 0, data, 973, 0), -EMSGSIZE);
	CHECK_EQ(udp_send(sk, 0, 0, data, 972, 0), -EMSGSIZE); /* the pending error, once */
	CHECK_EQ(udp_send(sk, 0, 0, data, 972, 0), 972);
	set_discover(sk, IP_PMTUDISC_PROBE);
	CHECK_EQ(udp_send(sk, 0, 0, data, 1472, 0), 1472); /* the device's MTU again */
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(a_flush_forgets)
{
	struct sock *sk;

	up();
	sk = connected(far_ip);
	router_says(sk, 1000, 1500);
	CHECK_EQ(path_mtu(sk), 1000);
	ip_route_flush(net);
	CHECK_EQ(path_mtu(sk), 1500); /* who holds the route looks again */
	router_says(sk, 1200, 1500);
	CHECK_EQ(path_mtu(sk), 1200);
	udp_prot.close(sk, 0);
	fixture_down();
}

KTEST_MAIN_BOOT()
