// SPDX-License-Identifier: MIT
/* Routes of the user: metrics, routes that refuse, MTU and MSS of a route, what cannot be one; and the pages. */
#include "fixture.h"

static long look(u32 daddr, u32 *gw, u32 *mtu)
{
	struct flowi4 fl = { .daddr = htonl(daddr) };
	struct rtable *rt = ip_route_output_key(net, &fl);

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (gw)
		*gw = ntohl(rt->rt_gateway);
	if (mtu)
		*mtu = rt->dst.mtu;
	dst_release(&rt->dst);
	return 0;
}

static struct route_cfg via(u32 dst, u8 prefixlen, u32 gw, u32 metric)
{
	return (struct route_cfg){ .dst = htonl(dst),
				   .prefixlen = prefixlen,
				   .gw = htonl(gw),
				   .metric = metric,
				   .type = RTN_UNICAST };
}

static int add(u32 dst, u8 prefixlen, u32 gw, u32 metric)
{
	struct route_cfg r = via(dst, prefixlen, gw, metric);

	return ip_route_add_cfg(net, &r);
}

static int del(u32 dst, u8 prefixlen, u32 gw, u32 metric)
{
	struct route_cfg r = via(dst, prefixlen, gw, metric);

	return ip_route_del_cfg(net, &r);
}

TEST(the_smallest_metric_wins_whatever_the_order)
{
	u32 gw = 0;

	fixture_up(true);
	CHECK_EQ(add(0x08000000, 8, 0x0a000003, 200), 0);
	CHECK_EQ(add(0x08000000, 8, 0x0a000004, 100), 0);
	CHECK_EQ(add(0x08000000, 8, 0x0a000005, 300), 0);
	CHECK_EQ(add(0x08000000, 8, 0x0a000006, 100), 0);
	CHECK_EQ(add(0x08000000, 8, 0x0a000006, 100), -EEXIST);
	CHECK_EQ(look(0x08080808, &gw, NULL), 0);
	CHECK_EQ(gw, 0x0a000004); /* among equals the older */
	CHECK_EQ(del(0x08000000, 8, 0x0a000004, 200), -ESRCH);
	CHECK_EQ(del(0x08000000, 8, 0x0a000004, 100), 0);
	CHECK_EQ(look(0x08080808, &gw, NULL), 0);
	CHECK_EQ(gw, 0x0a000006);
	CHECK_EQ(del(0x08000000, 8, 0x0a000006, 100), 0);
	CHECK_EQ(look(0x08080808, &gw, NULL), 0);
	CHECK_EQ(gw, 0x0a000003);
	CHECK_EQ(add(0x08080000, 16, 0x0a000007, 9000), 0); /* the prefix comes before the metric */
	CHECK_EQ(look(0x08080808, &gw, NULL), 0);
	CHECK_EQ(gw, 0x0a000007);
	fixture_down();
}

static const struct refuse_row {
	const char *name;
	u8 type;
	long err;
} refusals[] = {
	{ "blackhole", RTN_BLACKHOLE, -EINVAL },
	{ "unreachable", RTN_UNREACHABLE, -EHOSTUNREACH },
	{ "prohibit", RTN_PROHIBIT, -EACCES },
};

TEST_EACH(a_route_that_refuses_says_so, refusals)
{
	struct route_cfg r = { .dst = IP4(8, 8, 0, 0), .prefixlen = 16, .type = row->type };
	struct flowi4 fl = { .daddr = IP4(8, 8, 8, 8), .oif = 2 };
	struct sock *sk;

	fixture_up(true);
	CHECK_EQ(add(0, 0, 0x0a000002, 0), 0);
	CHECK_EQ(ip_route_add_cfg(net, &r), 0);
	CHECK_EQ(look(0x08080808, NULL, NULL), row->err);
	CHECK_EQ(look(0x08090808, NULL, NULL), 0); /* beside it the default goes on */
	CHECK_EQ(PTR_ERR(ip_route_output_key(net, &fl)), row->err);
	sk = udp_open();
	CHECK_EQ(udp_send(sk, IP4(8, 8, 8, 8), 9, "x", 1, 0), row->err);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], 0); /* there is a route */
	CHECK(page_has(route_show, "*\t00000808\t00000000\t0201\t0\t0\t0\t0000FFFF"));
	dev_close(dev); /* it belongs to no device */
	CHECK_EQ(look(0x08080808, NULL, NULL), row->err);
	CHECK_EQ(ip_route_del_cfg(net, &r), 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

static const struct bad_row {
	const char *name;
	struct route_cfg r;
	bool dev;
	int err;
} bads[] = {
	{ "of_no_type", { .prefixlen = 8 }, true, -EINVAL },
	{ "of_a_type_that_follows", { .prefixlen = 8, .type = RTN_LOCAL }, true, -EINVAL },
	{ "blackhole_by_a_device", { .prefixlen = 8, .type = RTN_BLACKHOLE }, true, -EINVAL },
	{ "prefix_33", { .prefixlen = 33, .type = RTN_UNREACHABLE }, false, -EINVAL },
	{ "nowhere", { .prefixlen = 8, .type = RTN_UNICAST }, false, -ENODEV },
	{ "a_part_of_loopback",
	  { .dst = IP4(127, 4, 0, 0), .prefixlen = 16, .type = RTN_UNICAST },
	  true,
	  -EINVAL },
	{ "mtu_below_the_least",
	  { .prefixlen = 8, .type = RTN_UNICAST, .mtu = 67 },
	  true,
	  -EINVAL },
	{ "mtu_above_the_largest",
	  { .prefixlen = 8, .type = RTN_UNICAST, .mtu = 65536 },
	  true,
	  -EINVAL },
	{ "a_source_of_nobody",
	  { .prefixlen = 8, .type = RTN_UNICAST, .prefsrc = IP4(9, 9, 9, 9) },
	  true,
	  -EINVAL },
	{ "a_gateway_that_no_device_has",
	  { .prefixlen = 8, .type = RTN_UNICAST, .gw = IP4(172, 16, 0, 1) },
	  false,
	  -ENETUNREACH },
};

TEST_EACH(what_cannot_be_a_route, bads)
{
	struct route_cfg r = row->r;

	fixture_up(true);
	if (row->dev)
		r.dev = dev;
	CHECK_EQ(ip_route_add_cfg(net, &r), row->err);
	CHECK_EQ(ip_route_del_cfg(net, &r), -ESRCH);
	fixture_down();
}

TEST(a_route_may_be_narrower_than_its_device)
{
	struct route_cfg r = via(0x08000000, 8, 0x0a000002, 7);
	struct flowi4 fl = { .daddr = IP4(8, 8, 8, 8) };
	struct rtable *rt;

	fixture_up(true);
	r.mtu = 1400;
	r.advmss = 1000;
	r.mtu_locked = true;
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 9), 24), 0);
	r.prefsrc = IP4(10, 0, 0, 9);
	CHECK_EQ(ip_route_add_cfg(net, &r), 0);
	rt = ip_route_output_key(net, &fl);
	CHECK(!IS_ERR(rt));
	CHECK_EQ(ntohl(fl.saddr), 0x0a000009);
	CHECK_EQ(rt->dst.mtu, 1400);
	CHECK_EQ(rt->dst.advmss, 1000);
	CHECK(rt->dst.mtu_locked);
	CHECK_EQ(dev_set_mtu(dev, 1000), 0);
	CHECK_EQ(rt->dst.mtu, 1000);
	CHECK_EQ(dev_set_mtu(dev, 1500), 0);
	CHECK_EQ(rt->dst.mtu, 1400);
	dst_release(&rt->dst);
	CHECK(page_has(route_show,
		       "eth0\t00000008\t0200000A\t0003\t0\t0\t7\t000000FF\t1040\t0\t0"));
	/* A fact: nothing is learned. */
	local_bh_disable();
	ip_update_pmtu(net, IP4(8, 8, 8, 8), 0, 600);
	local_bh_enable();
	CHECK(page_has(rt_cache_stat_show, "\n00000000 "));
	fixture_down();
}

/* Each prefix length has its own key: the lookup must not mistake a short prefix for a long one with the same bits. */
TEST(prefixes_of_every_length_are_told_apart)
{
	u32 gw = 0;

	fixture_up(true);
	for (u32 len = 0; len <= 32; len++)
		CHECK_EQ(add(0x80000000u, (u8)len, 0x0a000040 + len, 0), 0);
	for (u32 len = 1; len <= 32; len++) {
		u32 in = len == 32 ? 0x80000000u : 0x80000000u | (1u << (31 - len));

		CHECK_EQ(look(in, &gw, NULL), 0);
		CHECK_EQ(gw, 0x0a000040 + len);
	}
	CHECK_EQ(look(0x08080808, &gw, NULL), 0);
	CHECK_EQ(gw, 0x0a000040);
	for (u32 len = 32; len; len--) {
		CHECK_EQ(del(0x80000000u, (u8)len, 0x0a000040 + len, 0), 0);
		CHECK_EQ(look(0x80000000u, &gw, NULL), 0);
		CHECK_EQ(gw, 0x0a000040 + len - 1);
	}
	fixture_down();
}

TEST(lookups_are_counted_by_kind)
{
	fixture_up(true);
	CHECK_EQ(look(0x0a000002, NULL, NULL), 0);
	CHECK_EQ(look(0x0a000001, NULL, NULL), 0);
	CHECK_EQ(look(0xe0000001, NULL, NULL), 0);
	CHECK_EQ(look(0x08080808, NULL, NULL), -ENETUNREACH);
	CHECK(page_has(rt_cache_stat_show, "in_no_route"));
	CHECK(page_has(rt_cache_stat_show,
		       "\n00000000 00000000 00000000    00000000   00000001    "));
	CHECK(page_has(rt_cache_stat_show, " 00000003     00000001    "));
	fixture_down();
}

KTEST_MAIN_BOOT()
