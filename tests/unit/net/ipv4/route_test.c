// SPDX-License-Identifier: MIT
/* Routes: the longest prefix, errors by errno, and what becomes of entries when devices and addresses change. */
#include "fixture.h"

/* A second Ethernet device of our host: eth1, 192.168.5.1/24. */
static struct net_device *dev2;

static void second_up(void)
{
	dev2 = alloc_etherdev(net, 0);
	memcpy(dev2->dev_addr, "\2\0\0\0\1\1", 6);
	dev2->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(dev2), 0);
	CHECK_EQ(dev_open(dev2), 0);
	CHECK_EQ(inet_addr_add(dev2, IP4(192, 168, 5, 1), 24), 0);
}

static void second_down(void)
{
	unregister_netdev(dev2);
	free_netdev(dev2);
}

static struct rtable *look(u32 daddr)
{
	struct flowi4 fl = { .daddr = htonl(daddr) };

	return ip_route_output_key(net, &fl);
}

/* The route's type, or the negative errno. */
static long type_of(u32 daddr)
{
	struct rtable *rt = look(daddr);
	long type;

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	type = rt->rt_type;
	dst_release(&rt->dst);
	return type;
}

/* --- The longest prefix ---------------------------------------------------------------------------------------------------- */

static const struct lookup_row {
	const char *name;
	u32 daddr;
	enum rtn_type type;
	u32 gateway, source;
	bool by_lo;
} lookups[] = {
	{ "far_away_by_default", 0x08080808, RTN_UNICAST, 0x0a000002, 0x0a000001, false },
	{ "one_below_the_16", 0x0a08ffff, RTN_UNICAST, 0x0a000002, 0x0a000001, false },
	{ "first_of_the_16", 0x0a090000, RTN_UNICAST, 0x0a000003, 0x0a000001, false },
	{ "one_below_the_24", 0x0a0907ff, RTN_UNICAST, 0x0a000003, 0x0a000001, false },
	{ "first_of_the_24", 0x0a090800, RTN_UNICAST, 0x0a000004, 0x0a000001, false },
	{ "one_below_the_host", 0x0a090806, RTN_UNICAST, 0x0a000004, 0x0a000001, false },
	{ "the_host", 0x0a090807, RTN_UNICAST, 0x0a000005, 0x0a000001, false },
	{ "one_above_the_host", 0x0a090808, RTN_UNICAST, 0x0a000004, 0x0a000001, false },
	{ "last_of_the_24", 0x0a0908ff, RTN_UNICAST, 0x0a000004, 0x0a000001, false },
	{ "one_above_the_24", 0x0a090900, RTN_UNICAST, 0x0a000003, 0x0a000001, false },
	{ "last_of_the_16", 0x0a09ffff, RTN_UNICAST, 0x0a000003, 0x0a000001, false },
	{ "one_above_the_16", 0x0a0a0000, RTN_UNICAST, 0x0a000002, 0x0a000001, false },
	{ "on_the_link", 0x0a00004d, RTN_UNICAST, 0, 0x0a000001, false },
	{ "half_of_everything", 0x80000000, RTN_UNICAST, 0x0a000006, 0x0a000001, false },
	{ "ourselves", 0x0a000001, RTN_LOCAL, 0, 0x0a000001, true },
	{ "loopback", 0x7f000001, RTN_LOCAL, 0, 0x7f000001, true },
	{ "last_of_loopback", 0x7ffffffe, RTN_LOCAL, 0, 0x7f000001, true },
	{ "loopback_network", 0x7f000000, RTN_LOCAL, 0, 0x7f000001, true },
	{ "loopback_broadcast", 0x7fffffff, RTN_BROADCAST, 0, 0x7f000001, true },
	{ "the_subnet", 0x0a0000ff, RTN_BROADCAST, 0, 0x0a000001, false },
	{ "the_subnet_the_old_way", 0x0a000000, RTN_BROADCAST, 0, 0x0a000001, false },
	{ "everybody", 0xffffffff, RTN_BROADCAST, 0, 0x0a000001, false },
	{ "all_hosts", 0xe0000001, RTN_MULTICAST, 0, 0x0a000001, false },
	{ "last_group", 0xefffffff, RTN_MULTICAST, 0, 0x0a000001, false },
	{ "nobody_is_this_host", 0, RTN_LOCAL, 0, 0x7f000001, true },
};

TEST_EACH(lookup, lookups)
{
	struct flowi4 fl = { .daddr = htonl(row->daddr) };
	struct rtable *rt;

	fixture_up(true);
	CHECK_EQ(ip_route_add(net, 0, 0, IP4(10, 0, 0, 2), dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(128, 0, 0, 0), 1, IP4(10, 0, 0, 6), dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(10, 9, 8, 7), 32, IP4(10, 0, 0, 5), dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(10, 9, 0, 0), 16, IP4(10, 0, 0, 3), dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(10, 9, 8, 0), 24, IP4(10, 0, 0, 4), dev), 0);
	rt = ip_route_output_key(net, &fl);
	CHECK(!IS_ERR(rt));
	if (!IS_ERR(rt)) {
		CHECK_EQ(rt->rt_type, row->type);
		CHECK_EQ(ntohl(rt->rt_gateway), row->gateway);
		CHECK_EQ(ntohl(fl.saddr), row->source);
		CHECK(rt->dst.dev == (row->by_lo ? net->loopback_dev : dev));
		CHECK_EQ(rt_nexthop(rt, fl.daddr), row->gateway ? htonl(row->gateway) : fl.daddr);
		CHECK(!rt->dst.obsolete);
		dst_release(&rt->dst);
	}
	fixture_down();
}

/* --- Adding ----------------------------------------------------------------------------------------------------------------- */

static const struct add_row {
	const char *name;
	u32 dst;
	u8 prefixlen;
	u32 gw;
	bool down;
	int err;
} adds[] = {
	{ "default_by_a_gateway", 0, 0, 0x0a000002, false, 0 },
	{ "default_on_the_link", 0, 0, 0, false, 0 },
	{ "a_net", 0xc0a80000, 16, 0x0a000002, false, 0 },
	{ "a_host", 0xc0a80001, 32, 0x0a000002, false, 0 },
	{ "host_bits_are_cut", 0xc0a8ffff, 16, 0x0a000002, false, 0 },
	{ "last_gateway_of_the_link", 0, 0, 0x0a0000fe, false, 0 },
	{ "prefix_33", 0, 33, 0x0a000002, false, -EINVAL },
	{ "prefix_255", 0, 255, 0x0a000002, false, -EINVAL },
	{ "device_down", 0, 0, 0x0a000002, true, -ENETDOWN },
	{ "gateway_one_below_the_link", 0, 0, 0x09ffffff, false, -ENETUNREACH },
	{ "gateway_one_above_the_link", 0, 0, 0x0a000100, false, -ENETUNREACH },
	{ "gateway_is_ourselves", 0, 0, 0x0a000001, false, -ENETUNREACH },
	{ "gateway_is_the_broadcast", 0, 0, 0x0a0000ff, false, -ENETUNREACH },
	{ "gateway_is_the_old_broadcast", 0, 0, 0x0a000000, false, -ENETUNREACH },
	{ "gateway_is_a_group", 0, 0, 0xe0000001, false, -ENETUNREACH },
	{ "gateway_is_loopback", 0, 0, 0x7f000001, false, -ENETUNREACH },
};

TEST_EACH(add, adds)
{
	fixture_up(true);
	if (row->down)
		dev_close(dev);
	CHECK_EQ(ip_route_add(net, htonl(row->dst), row->prefixlen, htonl(row->gw), dev), row->err);
	if (!row->err) {
		CHECK_EQ(ip_route_add(net, htonl(row->dst), row->prefixlen, htonl(row->gw), dev),
			 -EEXIST);
		CHECK_EQ(type_of(row->dst ? row->dst : 0x08080808), RTN_UNICAST);
		CHECK_EQ(ip_route_del(net, htonl(row->dst), row->prefixlen, htonl(row->gw), dev),
			 0);
	}
	CHECK_EQ(type_of(0x08080808), -ENETUNREACH);
	fixture_down();
}

static const struct del_row {
	const char *name;
	u32 dst;
	u8 prefixlen;
	u32 gw;
	int err;
} dels[] = {
	{ "the_very_one", 0xc0a80000, 16, 0x0a000002, 0 },
	{ "host_bits_do_not_matter", 0xc0a81234, 16, 0x0a000002, 0 },
	{ "another_prefix", 0xc0a80000, 17, 0x0a000002, -ESRCH },
	{ "another_net", 0xc0a90000, 16, 0x0a000002, -ESRCH },
	{ "another_gateway", 0xc0a80000, 16, 0x0a000003, -ESRCH },
	{ "without_gateway", 0xc0a80000, 16, 0, -ESRCH },
	{ "a_connected_one", 0x0a000000, 24, 0,
	  -ESRCH }, /* follows from the address: not the user's */
};

TEST_EACH(delete, dels)
{
	fixture_up(true);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 0), 16, PEER_IP, dev), 0);
	CHECK_EQ(ip_route_del(net, htonl(row->dst), row->prefixlen, htonl(row->gw), dev), row->err);
	CHECK_EQ(type_of(0xc0a80001), row->err ? RTN_UNICAST : -ENETUNREACH);
	CHECK_EQ(type_of(0x0a000009), RTN_UNICAST);
	CHECK_EQ(ip_route_del(net, IP4(192, 168, 0, 0), 16, PEER_IP, net->loopback_dev), -ESRCH);
	fixture_down();
}

TEST(a_thousand_and_twenty_four_routes_of_the_user)
{
	fixture_up(true);
	for (u32 i = 0; i < 1024; i++)
		CHECK_EQ(ip_route_add(net, htonl(0x14000000 + (i << 16)), 16, PEER_IP, dev), 0);
	for (u32 i = 0; i < 1024; i++)
		CHECK_EQ(type_of(0x14000001 + (i << 16)), RTN_UNICAST);
	CHECK_EQ(type_of(0x18000001), -ENETUNREACH);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 0), 16, PEER_IP, dev), -ENOBUFS);
	CHECK_EQ(ip_route_del(net, IP4(20, 5, 0, 0), 16, PEER_IP, dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 0), 16, PEER_IP, dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(192, 169, 0, 0), 16, PEER_IP, dev), -ENOBUFS);
	fixture_down();
}

TEST(among_equals_the_older_wins)
{
	struct rtable *rt;

	fixture_up(true);
	CHECK_EQ(ip_route_add(net, 0, 0, IP4(10, 0, 0, 2), dev), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, IP4(10, 0, 0, 3), dev), 0);
	rt = look(0x08080808);
	CHECK_EQ(ntohl(rt->rt_gateway), 0x0a000002);
	dst_release(&rt->dst);
	CHECK_EQ(ip_route_del(net, 0, 0, IP4(10, 0, 0, 2), dev), 0);
	rt = look(0x08080808);
	CHECK_EQ(ntohl(rt->rt_gateway), 0x0a000003);
	dst_release(&rt->dst);
	fixture_down();
}

TEST(no_memory_for_a_route)
{
	u32 n = 0;
	int err;

	fixture_up(true);
	do {
		fail_alloc(++n);
		err = ip_route_add(net, IP4(192, 168, 0, 0), 16, PEER_IP, dev);
		if (!fail_over())
			break;
		CHECK(err == -ENOMEM ||
		      err == 0); /* without the gateway's neighbour it works too */
		if (err)
			CHECK_EQ(type_of(0xc0a80001), -ENETUNREACH);
		else
			CHECK_EQ(ip_route_del(net, IP4(192, 168, 0, 0), 16, PEER_IP, dev), 0);
	} while (n < 20);
	CHECK(n >= 4 && n < 20);
	CHECK_EQ(err, 0);
	fixture_down();
}

TEST(no_memory_for_what_follows_from_an_address)
{
	fixture_up(false);
	host_console_clear();
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 3), 24),
		 0); /* the device has its list of addresses */
	fail_allocs_from(1);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
	CHECK(fail_over() >= 1);
	CHECK(strstr(host_console(), "route: no memory for 10.0.0.1"));
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0); /* the next news repairs it */
	CHECK_EQ(type_of(0x0a000001), RTN_LOCAL);
	fixture_down();
}

/* --- Source, device ----------------------------------------------------------------------------------------------------------- */

static const struct flow_row {
	const char *name;
	u32 daddr, saddr;
	int oif; /* 0 none, 1 lo, 2 eth0, 3 eth1, 9 there is none */
	bool anysrc;
	long err;   /* or */
	u32 source; /* what saddr becomes */
	int by;     /* device, as oif */
} flows[] = {
	{ "source_is_chosen", 0x0a000002, 0, 0, false, 0, 0x0a000001, 2 },
	{ "source_of_ours", 0x0a000002, 0x0a000001, 0, false, 0, 0x0a000001, 2 },
	{ "source_of_another_device_of_ours", 0x0a000002, 0xc0a80501, 0, false, 0, 0xc0a80501, 2 },
	{ "source_of_nobody", 0x0a000002, 0x01020304, 0, false, -ENETUNREACH, 0, 0 },
	{ "source_of_the_peer", 0x0a000002, 0x0a000002, 0, false, -ENETUNREACH, 0, 0 },
	{ "source_a_group", 0x0a000002, 0xe0000001, 0, false, -EINVAL, 0, 0 },
	{ "source_the_broadcast", 0x0a000002, 0xffffffff, 0, false, -EINVAL, 0, 0 },
	{ "loopback_does_not_leave", 0x0a000002, 0x7f000001, 0, false, -EINVAL, 0, 0 },
	{ "loopback_to_ourselves", 0x0a000001, 0x7f000001, 0, false, 0, 0x7f000001, 1 },
	{ "ours_to_loopback", 0x7f000001, 0x0a000001, 0, false, 0, 0x0a000001, 1 },
	{ "any_source_may_be_foreign", 0x0a000002, 0x01020304, 0, true, 0, 0x01020304, 2 },
	{ "by_its_device", 0x0a000002, 0, 2, false, 0, 0x0a000001, 2 },
	{ "by_the_wrong_device", 0x0a000002, 0, 3, false, -ENETUNREACH, 0, 0 },
	{ "by_no_device", 0x0a000002, 0, 9, false, -ENODEV, 0, 0 },
	{ "ourselves_whatever_the_device", 0x0a000001, 0, 3, false, 0, 0x0a000001, 1 },
	{ "group_by_the_source", 0xe0000005, 0xc0a80501, 0, false, 0, 0xc0a80501, 3 },
	{ "group_by_the_device", 0xe0000005, 0, 3, false, 0, 0xc0a80501, 3 },
	{ "group_by_the_first", 0xe0000005, 0, 0, false, 0, 0x0a000001, 2 },
	{ "everybody_by_the_source", 0xffffffff, 0xc0a80501, 0, false, 0, 0xc0a80501, 3 },
	{ "everybody_by_the_device", 0xffffffff, 0, 3, false, 0, 0xc0a80501, 3 },
	{ "group_from_loopback", 0xe0000005, 0x7f000001, 0, false, -ENETUNREACH, 0, 0 },
	{ "no_route", 0x08080808, 0, 0, false, -ENETUNREACH, 0, 0 },
};

TEST_EACH(flow, flows)
{
	struct flowi4 fl = { .daddr = htonl(row->daddr),
			     .saddr = htonl(row->saddr),
			     .oif = (u32)row->oif,
			     .anysrc = row->anysrc };
	struct rtable *rt;

	fixture_up(true);
	second_up();
	rt = ip_route_output_key(net, &fl);
	CHECK_EQ(IS_ERR(rt) ? PTR_ERR(rt) : 0, row->err);
	if (!IS_ERR(rt)) {
		CHECK_EQ(ntohl(fl.saddr), row->source);
		CHECK_EQ(rt->dst.dev->ifindex, row->by);
		dst_release(&rt->dst);
	}
	second_down();
	fixture_down();
}

TEST(a_device_without_address_has_no_source)
{
	struct flowi4 fl = { .daddr = INADDR_BROADCAST };
	struct rtable *rt;

	fixture_up(false);
	CHECK_EQ(PTR_ERR(ip_route_output_key(net, &fl)), -ENETUNREACH);
	fl = (struct flowi4){ .daddr = INADDR_BROADCAST, .anysrc = true };
	rt = ip_route_output_key(net, &fl);
	CHECK(!IS_ERR(rt) && fl.saddr == 0);
	dst_release(&rt->dst);
	/* A route of the user through it is of no use either. */
	CHECK_EQ(ip_route_add(net, 0, 0, 0, dev), 0);
	CHECK_EQ(type_of(0x08080808), -ENETUNREACH);
	fixture_down();
}

/* --- What an address is ------------------------------------------------------------------------------------------------------------ */

static const struct kind_row {
	const char *name;
	u32 addr;
	enum rtn_type type;
} kinds[] = {
	{ "nobody", 0, RTN_BROADCAST },
	{ "last_of_net_0", 0x00ffffff, RTN_BROADCAST },
	{ "first_of_net_1", 0x01000000, RTN_UNICAST },
	{ "one_below_loopback", 0x7effffff, RTN_UNICAST },
	{ "first_loopback", 0x7f000000, RTN_LOCAL },
	{ "last_loopback", 0x7ffffffe, RTN_LOCAL },
	{ "loopback_broadcast", 0x7fffffff, RTN_BROADCAST },
	{ "one_above_loopback", 0x80000000, RTN_UNICAST },
	{ "ours", 0x0a000001, RTN_LOCAL },
	{ "a_neighbour", 0x0a000002, RTN_UNICAST },
	{ "one_below_our_link", 0x09ffffff, RTN_UNICAST },
	{ "our_link", 0x0a000000, RTN_BROADCAST },
	{ "everybody_on_our_link", 0x0a0000ff, RTN_BROADCAST },
	{ "one_above_our_link", 0x0a000100, RTN_UNICAST },
	{ "one_below_groups", 0xdfffffff, RTN_UNICAST },
	{ "first_group", 0xe0000000, RTN_MULTICAST },
	{ "last_group", 0xefffffff, RTN_MULTICAST },
	{ "class_e", 0xf0000000, RTN_UNICAST },
	{ "one_below_everybody", 0xfffffffe, RTN_UNICAST },
	{ "everybody", 0xffffffff, RTN_BROADCAST },
};

TEST_EACH(kind, kinds)
{
	fixture_up(true);
	CHECK_EQ(inet_addr_type(net, htonl(row->addr)), row->type);
	fixture_down();
}

/* --- Prefix lengths ------------------------------------------------------------------------------------------------------------------ */

static const struct prefix_row {
	const char *name;
	u8 prefixlen;
	u32 inside, outside; /* hosts */
	u32 bcast;           /* 0: none (RFC 3021) */
} prefixes[] = {
	{ "prefix_8", 8, 0x0aff0001, 0x0b000001, 0x0affffff },
	{ "prefix_24", 24, 0x0a0000fe, 0x0a000101, 0x0a0000ff },
	{ "prefix_29", 29, 0x0a000006, 0x0a000008, 0x0a000007 },
	{ "prefix_30", 30, 0x0a000002, 0x0a000004, 0x0a000003 },
	{ "prefix_31_has_no_broadcast", 31, 0x0a000000, 0x0a000002, 0 },
	{ "prefix_32_is_alone", 32, 0x0a000001, 0x0a000000, 0 },
};

TEST_EACH(prefix, prefixes)
{
	fixture_up(false);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, row->prefixlen), 0);
	CHECK_EQ(type_of(row->inside), row->inside == 0x0a000001 ? RTN_LOCAL : RTN_UNICAST);
	CHECK_EQ(type_of(row->outside), -ENETUNREACH);
	if (row->bcast)
		CHECK_EQ(type_of(row->bcast), RTN_BROADCAST);
	CHECK_EQ(type_of(0x0a000001), RTN_LOCAL);
	fixture_down();
}

/* --- News of devices ----------------------------------------------------------------------------------------------------------------- */

static struct rtable *held;

/* Each does something to a device or a route; @gone: the connected route's entry; @anew: holders of any route must look again. */
static void down_up(void)
{
	dev_close(dev);
	CHECK_EQ(type_of(0x0a000002), -ENETUNREACH);
	CHECK_EQ(dev_open(dev), 0);
}

static void carrier(void)
{
	netif_carrier_off(dev);
	CHECK_EQ(type_of(0x0a000002), RTN_UNICAST); /* a cable may come back */
	netif_carrier_on(dev);
}

static void mtu(void)
{
	CHECK_EQ(held->dst.mtu, 1500);
	CHECK_EQ(dev_set_mtu(dev, 1000), 0);
	CHECK_EQ(held->dst.mtu, 1000);
	CHECK_EQ(held->dst.advmss, 960);
}

static void mtu_of_another(void)
{
	CHECK_EQ(dev_set_mtu(dev2, 1000), 0);
	CHECK_EQ(held->dst.mtu, 1500);
}

static void readdress(void)
{
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	CHECK_EQ(type_of(0x0a000002), -ENETUNREACH);
	CHECK_EQ(type_of(0x0a000001), -ENETUNREACH);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
}

static void same_address_again(void)
{
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
}

static void second_address(void)
{
	CHECK_EQ(inet_addr_add(dev, IP4(172, 16, 0, 1), 16), 0);
	CHECK_EQ(type_of(0xac100002), RTN_UNICAST);
}

static void narrower(void)
{
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 25), 0);
	CHECK_EQ(type_of(0x0a0000f0), -ENETUNREACH);
}

static void another_goes(void)
{
	dev_close(dev2);
	CHECK_EQ(type_of(0xc0a80502), -ENETUNREACH);
}

static void better_route(void)
{
	CHECK_EQ(ip_route_add(net, PEER_IP, 32, IP4(10, 0, 0, 3), dev), 0);
}

static void unrelated_route(void)
{
	CHECK_EQ(ip_route_add(net, IP4(8, 8, 8, 8), 32, IP4(10, 0, 0, 3), dev), 0);
}

static void loopback_goes(void)
{
	dev_close(net->loopback_dev);
	CHECK_EQ(type_of(0x0a000001),
		 RTN_UNICAST); /* nothing delivers to us; the subnet is still there */
	CHECK_EQ(dev_open(net->loopback_dev), 0);
	CHECK_EQ(type_of(0x0a000001), RTN_LOCAL);
}

static const struct event_row {
	const char *name;
	void (*happens)(void);
	bool gone, anew;
} events[] = {
	{ "down_and_up", down_up, true, true },
	{ "link_lost", carrier, false, false },
	{ "mtu", mtu, false, true },
	{ "mtu_of_another", mtu_of_another, false, true },
	{ "address_goes_and_comes", readdress, true, true },
	{ "same_address_again", same_address_again, false, false },
	{ "second_address", second_address, false, true },
	{ "narrower_prefix", narrower, true, true },
	{ "another_device_goes", another_goes, false, true },
	{ "better_route", better_route, false, true },
	{ "unrelated_route", unrelated_route, false, true },
};

TEST_EACH(event, events)
{
	u32 genid;

	fixture_up(true);
	second_up();
	held = look(0x0a000002);
	CHECK(!IS_ERR(held) && !held->dst.obsolete);
	genid = net->rt_genid;
	row->happens();
	CHECK_EQ(held->dst.obsolete, row->gone);
	CHECK_EQ(net->rt_genid != genid, row->anew);
	CHECK_EQ(type_of(0x0a000002), RTN_UNICAST);
	dst_release(&held->dst);
	second_down();
	fixture_down();
}

TEST(local_routes_follow_the_loopback_device)
{
	fixture_up(true);
	loopback_goes();
	fixture_down();
}

/* Routes of the user live as long as their device is up and their gateway on the link. */
TEST(user_routes_die_with_device_and_gateway)
{
	fixture_up(true);
	second_up();
	CHECK_EQ(ip_route_add(net, IP4(192, 0, 2, 0), 24, PEER_IP, dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(198, 51, 100, 0), 24, 0, dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(203, 0, 113, 0), 24, IP4(192, 168, 5, 2), dev2), 0);
	CHECK_EQ(inet_addr_add(dev, IP4(172, 16, 0, 1), 16), 0);
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0); /* the gateway is off the link now */
	CHECK_EQ(type_of(0xc0000201), -ENETUNREACH);
	CHECK_EQ(type_of(0xc6336401), RTN_UNICAST);
	CHECK_EQ(type_of(0xcb007101), RTN_UNICAST);
	dev_close(dev);
	CHECK_EQ(type_of(0xc6336401), -ENETUNREACH);
	CHECK_EQ(type_of(0xcb007101), RTN_UNICAST);
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(type_of(0xc6336401), -ENETUNREACH); /* not ours to bring back */
	second_down();
	fixture_down();
}

TEST(a_holder_outlives_the_table)
{
	struct rtable *rt;

	fixture_up(true);
	rt = look(0x0a000002);
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	CHECK(rt->dst.obsolete && rt->dst.refs == 1);
	dst_release(&rt->dst);
	fixture_down();
}

/* Two addresses of one subnet: the link is reached as long as one of them is there, from the older. */
TEST(two_addresses_in_one_subnet)
{
	struct flowi4 fl = { .daddr = PEER_IP };
	struct rtable *rt;

	fixture_up(true);
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 5), 24), 0);
	rt = ip_route_output_key(net, &fl);
	CHECK_EQ(ntohl(fl.saddr), 0x0a000001);
	dst_release(&rt->dst);
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	fl = (struct flowi4){ .daddr = PEER_IP };
	rt = ip_route_output_key(net, &fl);
	CHECK(!IS_ERR(rt));
	CHECK_EQ(ntohl(fl.saddr), 0x0a000005);
	dst_release(&rt->dst);
	CHECK_EQ(type_of(0x0a000005), RTN_LOCAL);
	CHECK_EQ(type_of(0x0a000001), RTN_UNICAST);
	fixture_down();
}

/* An address of 127/8 that no device has is ours, but no link's. */
TEST(a_group_from_an_address_of_no_device)
{
	struct flowi4 fl = { .daddr = IP4(224, 0, 0, 5), .saddr = IP4(127, 0, 0, 2) };

	fixture_up(true);
	CHECK_EQ(PTR_ERR(ip_route_output_key(net, &fl)), -EINVAL);
	fixture_down();
}

TEST(without_a_loopback_device_nothing_is_local)
{
	struct net *n = net_alloc();
	struct net_device *d = alloc_etherdev(n, 0);
	struct flowi4 fl = { .daddr = OUR_IP };
	struct rtable *rt;

	CHECK_EQ(arp_net_init(n) | ip_route_init(n) | ip_init(n), 0);
	d->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(d), 0);
	CHECK_EQ(dev_open(d), 0);
	CHECK_EQ(inet_addr_add(d, OUR_IP, 24), 0);
	rt = ip_route_output_key(n, &fl);
	CHECK(!IS_ERR(rt));
	CHECK_EQ(rt->rt_type, RTN_UNICAST);
	dst_release(&rt->dst);
	CHECK_EQ(ip_route_add(n, 0, 0, PEER_IP, d), 0);
	ip_route_exit(n);     /* with entries of every kind */
	unregister_netdev(d); /* news of which nobody is left to hear */
	free_netdev(d);
	ip_exit(n);
	arp_net_exit(n);
	net_free(n);
}

/* --- The page ------------------------------------------------------------------------------------------------------------------------- */

TEST(page_shows_flags)
{
	fixture_up(true);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 0), 16, 0, dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 7), 32, 0, dev), 0);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 8), 32, PEER_IP, dev), 0);
	CHECK(page_has(route_show, "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF"));
	CHECK(page_has(route_show, "eth0\t0700A8C0\t00000000\t0005\t0\t0\t0\tFFFFFFFF"));
	CHECK(page_has(route_show, "eth0\t0800A8C0\t0200000A\t0007\t0\t0\t0\tFFFFFFFF"));
	CHECK(!page_has(route_show, "FF00000A")); /* broadcasts are no routes of this page */
	fixture_down();
}

static void deaf(struct net_device *d, enum netdev_event ev)
{
	(void)d;
	(void)ev;
}

static void deaf2(struct net_device *d, enum netdev_event ev)
{
	(void)d;
	(void)ev;
}

static netdev_notifier_fn const ears[] = { deaf, deaf2 };

TEST(comes_up_or_not_at_all)
{
	struct net *n = net_alloc();

	fail_alloc(1);
	CHECK_EQ(ip_route_init(n), -ENOMEM);
	(void)fail_over();
	CHECK(!n->fib);
	for (u32 i = 0; i < NET_MAX_NOTIFIERS; i++)
		n->notifier[i] = ears[i % 2];
	CHECK_EQ(ip_route_init(n), -ENOSPC);
	CHECK(!n->fib);
	ip_route_exit(n); /* nothing there: no harm */
	net_free(n);
}

KTEST_MAIN_BOOT()
