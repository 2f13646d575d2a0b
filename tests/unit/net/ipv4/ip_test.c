// SPDX-License-Identifier: MIT
/* IPv4 input checks, ICMP, routes and output, seen from the wire and from the counters. */
#include "fixture.h"

#define SEC 1000000000ull

static struct ipframe f;

/* An echo request of @len data bytes; the frame's length. */
static u32 echo_make(__be32 saddr, __be32 daddr, u32 len)
{
	struct icmphdr *ic = (struct icmphdr *)f.data;
	u32 n = ip_make(&f, saddr, daddr, IPPROTO_ICMP, 8 + len);

	memset(f.data, 0x5a, 8 + len);
	ic->type = ICMP_ECHO;
	ic->code = 0;
	ic->checksum = 0;
	ic->checksum = csum_fold(csum_partial(ic, 8 + len, 0));
	return n;
}

/* The peer is known, nothing is recorded. */
static void up(void)
{
	fixture_up(true);
	feed_arp_to(all_mac, ARPOP_REQUEST, peer_mac, PEER_IP, (u8[6]){ 0 }, OUR_IP);
	nr_frames = 0;
}

TEST(echo_is_answered)
{
	static const u32 sizes[] = { 0, 1, 56, 1472 };

	up();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 n = echo_make(PEER_IP, OUR_IP, sizes[i]);

		feed_ip(&f, n < 60 ? 60 : n, true); /* padded as a wire pads */
		CHECK_EQ(nr_frames, i + 1);
		CHECK(frame_ip(i) && frame_ip(i)->saddr == OUR_IP && frame_ip(i)->daddr == PEER_IP);
		CHECK_EQ(frames[i].len, n);
		CHECK_EQ(frame_ip(i)->ttl, 64);
		CHECK_EQ(ip_fast_csum(frame_ip(i), 5), 0);
		CHECK_EQ(frames[i].b[34], ICMP_ECHOREPLY);
		CHECK_EQ(csum_fold(csum_partial(frames[i].b + 34, 8 + sizes[i], 0)), 0);
		CHECK(!memcmp(frames[i].b + 38, f.data + 4, 4 + sizes[i]));
	}
	fixture_down();
}

TEST(bad_headers_are_dropped_and_counted)
{
	u32 n;
	u64 before;

	up();
	n = echo_make(PEER_IP, OUR_IP, 56);
	feed_ip(&f, n, true);
	CHECK_EQ(nr_frames, 1);
	before = skb_stats.drops;
	f.ip.check = (__be16)(f.ip.check + 1);
	feed_ip(&f, n, false);
	CHECK_EQ(net->mib.ipext[IPEXT_MIB_InCsumErrors], 1);
	f.ip.ver_ihl = 0x65; /* version 6 */
	feed_ip(&f, n, true);
	f.ip.ver_ihl = 0x44; /* header of 16 bytes */
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InHdrErrors], 3);
	f.ip.ver_ihl = 0x45;
	f.ip.tot_len = htons(19); /* less than the header */
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InHdrErrors], 4);
	f.ip.tot_len = htons(1400); /* more than the frame */
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.ipext[IPEXT_MIB_InTruncatedPkts], 1);
	f.ip.ver_ihl = 0x4f; /* options reach past the packet */
	f.ip.tot_len = htons(28);
	feed_ip(&f, 42, true);
	for (u32 len = 14; len < 34; len++)
		feed_ip(&f, len, false);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(skb_stats.drops - before, 26);
	/* ICMP lengths that would underflow (20..27 bytes in all), and a bad checksum. */
	for (u32 tot = 20; tot < 28; tot++) {
		(void)echo_make(PEER_IP, OUR_IP, 0);
		f.ip.tot_len = htons(tot);
		feed_ip(&f, 60, true);
	}
	n = echo_make(PEER_IP, OUR_IP, 5);
	f.data[9] ^= 1;
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_InErrors], 9);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_InCsumErrors], 1);
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

TEST(martians_and_strangers_get_silence)
{
	static const u32 bad_src[] = { 0x7f000001, 0,          0x00010203, 0xffffffff,
				       0xe0000001, 0x0a000001, 0x0a0000ff };
	u32 n = 0;

	up();
	for (u32 i = 0; i < ARRAY_SIZE(bad_src); i++) {
		n = echo_make(htonl(bad_src[i]), OUR_IP, 8);
		feed_ip(&f, n, true);
	}
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InAddrErrors], ARRAY_SIZE(bad_src));
	(void)echo_make(PEER_IP, IP4(127, 0, 0, 1), 8);
	feed_ip(&f, n, true);
	(void)echo_make(PEER_IP, IP4(10, 0, 0, 77), 8); /* another host's */
	feed_ip(&f, n, true);
	(void)echo_make(PEER_IP, OUR_IP, 8); /* to everybody on the link, to one host in IP */
	memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InAddrErrors], ARRAY_SIZE(bad_src) + 3);
	(void)echo_make(PEER_IP, IP4(10, 0, 0, 255), 8); /* smurf */
	memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, n, true);
	(void)echo_make(PEER_IP, OUR_IP, 8);
	f.eth.h_dest[5] = 9; /* another host's frame */
	feed_ip(&f, n, true);
	(void)echo_make(PEER_IP, OUR_IP, 8);
	f.ip.frag_off = htons(IP_MF);
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_ReasmReqds], 1);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

/* An echo request with @len (a multiple of 4) bytes of options. */
static void feed_options(const u8 *opt, u32 len)
{
	struct icmphdr *ic;

	(void)ip_make(&f, PEER_IP, OUR_IP, IPPROTO_ICMP, len + 8);
	f.ip.ver_ihl = (u8)(0x45 + len / 4);
	memcpy(f.data, opt, len);
	ic = (struct icmphdr *)(f.data + len);
	memset(ic, 0, sizeof(*ic));
	ic->type = ICMP_ECHO;
	ic->checksum = csum_fold(csum_partial(ic, 8, 0));
	feed_ip(&f, 34 + len + 8, true);
}

TEST(options_are_skipped_or_drop_the_packet)
{
	static const u8 nops[40] = { [0 ... 39] = 1 }, unknown[4] = { 200, 4, 0, 0 },
			rr[8] = { 7, 7, 4, 0, 0, 0, 0, 0 };
	static const u8 lsrr[8] = { 131, 7, 4, 10, 0, 0, 2, 0 },
			ssrr[8] = { 137, 7, 4, 10, 0, 0, 2, 0 };
	static const u8 zero[4] = { 200, 0, 0, 0 }, one[4] = { 200, 1, 0, 0 },
			past[4] = { 200, 255, 0, 0 }, lone[4] = { 1, 1, 1, 200 };

	up();
	feed_options(nops, 40);
	feed_options(unknown, 4);
	feed_options(rr, 8);
	CHECK_EQ(nr_frames, 3);
	CHECK_EQ(frame_ip(0)->ver_ihl, 0x45); /* nothing is copied to the answer */
	feed_options(lsrr, 8);
	feed_options(ssrr, 8);
	feed_options(zero, 4);
	feed_options(one, 4);
	feed_options(past, 4);
	feed_options(lone, 4);
	CHECK_EQ(nr_frames, 3);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_InHdrErrors], 6);
	fixture_down();
}

TEST(unreachable_messages_are_exact_and_rare)
{
	const struct icmphdr *ic;
	u32 n;

	up();
	n = ip_make(&f, PEER_IP, OUR_IP, 250, 30);
	feed_ip(&f, n, true);
	CHECK_EQ(nr_frames, 1);
	ic = (const struct icmphdr *)(frames[0].b + 34);
	CHECK_EQ(ic->type * 256 + ic->code, 3 * 256 + ICMP_PROT_UNREACH);
	CHECK(!memcmp(ic + 1, &f.ip, 50));
	n = udp_make(&f, PEER_IP, 5, OUR_IP, 999, "hello", 5);
	feed_ip(&f, n, true);
	ic = (const struct icmphdr *)(frames[1].b + 34);
	CHECK_EQ(ic->type * 256 + ic->code, 3 * 256 + ICMP_PORT_UNREACH);
	CHECK(!memcmp(ic + 1, &f.ip, 33));
	CHECK_EQ(frames[1].len, 34 + 8 + 33);
	CHECK_EQ(net->mib.udp[UDP_MIB_NoPorts], 1);
	for (u32 i = 0; i < 1000; i++) /* a flood: burst 6 to one peer, then one a second */
		feed_ip(&f, n, true);
	CHECK_EQ(nr_frames, 6);
	host_clock_advance(3 * SEC);
	for (u32 i = 0; i < 1000; i++)
		feed_ip(&f, n, true);
	CHECK(nr_frames >= 9 && nr_frames <= 11);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_OutDestUnreachs],
		 nr_frames - (frame_arp(nr_frames - 1) != NULL));
	CHECK(net->mib.icmp[ICMP_MIB_OutRateLimitHost] > 1900);
	fixture_down();
}

TEST(no_error_about_errors_and_broadcasts)
{
	u32 n;

	up();
	n = udp_make(&f, PEER_IP, 5, IP4(10, 0, 0, 255), 999, "x", 1);
	memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, n, true);
	CHECK_EQ(net->mib.udp[UDP_MIB_IgnoredMulti], 1);
	/* ICMP that quotes nothing sound: every length from nothing to a whole quote. */
	for (u32 len = 0; len < 28; len++) {
		struct icmphdr *ic = (struct icmphdr *)f.data;

		n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_ICMP, 8 + len);
		memset(f.data, 0, 8 + len);
		ic->type = ICMP_DEST_UNREACH;
		ic->code = ICMP_PORT_UNREACH;
		if (len)
			f.data[8] = 0x45;
		ic->checksum = csum_fold(csum_partial(ic, 8 + len, 0));
		feed_ip(&f, n, true);
	}
	CHECK_EQ(net->mib.icmp[ICMP_MIB_InErrors], 28);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_InDestUnreachs], 28);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

static struct rtable *route_to(__be32 daddr, struct flowi4 *fl)
{
	*fl = (struct flowi4){ .daddr = daddr };
	return ip_route_output_key(net, fl);
}

TEST(routes_longest_prefix_and_obsolete)
{
	struct flowi4 fl;
	struct rtable *rt, *rt2;
	u32 genid;

	fixture_up(true);
	rt = route_to(PEER_IP, &fl);
	CHECK(!IS_ERR(rt) && rt->dst.dev == dev && rt->rt_type == RTN_UNICAST &&
	      fl.saddr == OUR_IP);
	CHECK_EQ(rt->dst.mtu, 1500);
	dst_release(&rt->dst);
	CHECK_EQ(PTR_ERR(route_to(IP4(8, 8, 8, 8), &fl)), -ENETUNREACH);
	CHECK_EQ(ip_route_add(net, 0, 0, IP4(10, 9, 0, 1), dev), -ENETUNREACH);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), -EEXIST);
	rt = route_to(IP4(8, 8, 8, 8), &fl);
	CHECK(!IS_ERR(rt) && rt_nexthop(rt, fl.daddr) == PEER_IP && !rt->dst.obsolete);
	/* A better route: whoever holds the worse one must look again; both stay usable till released. */
	genid = net->rt_genid;
	CHECK_EQ(ip_route_add(net, IP4(8, 8, 0, 0), 16, IP4(10, 0, 0, 3), dev), 0);
	CHECK(net->rt_genid != genid && !rt->dst.obsolete);
	rt2 = route_to(IP4(8, 8, 8, 8), &fl);
	CHECK(rt_nexthop(rt2, fl.daddr) == IP4(10, 0, 0, 3));
	dst_release(&rt->dst);
	CHECK_EQ(ip_route_del(net, IP4(8, 8, 0, 0), 16, IP4(10, 0, 0, 3), dev), 0);
	CHECK_EQ(ip_route_del(net, IP4(8, 8, 0, 0), 16, IP4(10, 0, 0, 3), dev), -ESRCH);
	CHECK(rt2->dst.obsolete);
	dst_release(&rt2->dst);
	CHECK(page_has(route_show, "eth0\t00000000\t0200000A\t0003\t0\t0\t0\t00000000\t0\t0\t0"));
	CHECK(page_has(route_show, "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"));
	rt = route_to(OUR_IP, &fl);
	CHECK(rt->rt_type == RTN_LOCAL && rt->dst.dev == net->loopback_dev && fl.saddr == OUR_IP);
	dst_release(&rt->dst);
	rt = route_to(0, &fl);
	CHECK(fl.daddr == IP4(127, 0, 0, 1) && fl.saddr == IP4(127, 0, 0, 1));
	dst_release(&rt->dst);
	fl = (struct flowi4){ .daddr = PEER_IP, .saddr = IP4(1, 2, 3, 4) };
	CHECK_EQ(PTR_ERR(ip_route_output_key(net, &fl)), -ENETUNREACH);
	fl = (struct flowi4){ .daddr = PEER_IP, .saddr = IP4(127, 0, 0, 1) };
	CHECK_EQ(PTR_ERR(ip_route_output_key(net, &fl)), -EINVAL);
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	CHECK_EQ(PTR_ERR(route_to(PEER_IP, &fl)), -ENETUNREACH);
	CHECK_EQ(PTR_ERR(route_to(IP4(8, 8, 8, 8), &fl)),
		 -ENETUNREACH); /* the gateway is off link now */
	dev_close(dev);
	fl = (struct flowi4){ .daddr = PEER_IP, .oif = dev->ifindex };
	CHECK_EQ(PTR_ERR(ip_route_output_key(net, &fl)), -ENETUNREACH);
	fixture_down();
}

TEST(a_packet_without_headroom_is_sent)
{
	struct flowi4 fl;
	struct rtable *rt;
	struct sk_buff *skb;

	up();
	rt = route_to(PEER_IP, &fl);
	fl.flowi4_proto = 200;
	skb = alloc_skb(20 + 4);
	skb_reserve(skb, 20);
	memcpy(skb_put(skb, 4), "abcd", 4);
	CHECK_EQ(ip_send_skb(net, NULL, skb, rt, &fl, 0, true), 0);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frames[0].len, 38);
	CHECK(frame_ip(0) && frame_ip(0)->id == 0 && frame_ip(0)->frag_off == htons(IP_DF) &&
	      frame_ip(0)->ttl == 64);
	CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
	CHECK(!memcmp(frames[0].b + 34, "abcd", 4));
	/* Too large for the link. */
	rt = route_to(PEER_IP, &fl);
	skb = alloc_skb(100 + 1481);
	skb_reserve(skb, 100);
	memset(skb_put(skb, 1481), 0, 1481);
	CHECK_EQ(ip_send_skb(net, NULL, skb, rt, &fl, 0, true), -EMSGSIZE);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_FragFails], 1);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutDiscards], 1);
	/* Without DF and without connection: numbers per destination. */
	for (u32 i = 0; i < 3; i++) {
		rt = route_to(PEER_IP, &fl);
		skb = alloc_skb(100);
		skb_reserve(skb, 60);
		CHECK_EQ(ip_send_skb(net, NULL, skb, rt, &fl, 9, false), 0);
		CHECK_EQ(frame_ip(1 + i)->frag_off, 0);
		CHECK_EQ(frame_ip(1 + i)->ttl, 9);
		if (i)
			CHECK_EQ((u16)(ntohs(frame_ip(1 + i)->id) - ntohs(frame_ip(i)->id)), 1);
	}
	fixture_down();
}

/* Deterministic noise in every header byte: nothing but drops and answers, and nothing leaks. */
TEST(noise_never_hurts)
{
	u32 x = 1;

	up();
	for (u32 round = 0; round < 20000; round++) {
		u32 n = round & 1 ? echo_make(PEER_IP, OUR_IP, round % 64)
				  : udp_make(&f, PEER_IP, 5, OUR_IP, 7, "noise", 5);
		u8 *b = (u8 *)&f.ip;

		for (u32 k = 0; k < 1 + round % 3; k++) {
			x = x * 1664525u + 1013904223u;
			b[(x >> 8) % 40] ^= (u8)(x >> 24);
		}
		feed_ip(&f, n - (x >> 16) % 4, round & 2);
		if (nr_frames > MAX_FRAMES - 8)
			nr_frames = 0;
	}
	host_clock_advance(100 * SEC);
	nr_frames = 0;
	feed_ip(&f, echo_make(PEER_IP, OUR_IP, 9), true);
	CHECK(nr_frames >= 1); /* alive */
	peer_answers();
	fixture_down();
}

KTEST_MAIN_BOOT()
