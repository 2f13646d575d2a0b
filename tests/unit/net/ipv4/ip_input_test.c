// SPDX-License-Identifier: MIT
/*
 * IPv4 input, field by field: each row spoils one thing of a packet that would be answered, and says which drop reason
 * and which counter it must end in.
 */
#include "fixture.h"

static struct ipframe f;

/* The peer is known, nothing is recorded. */
static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
}

/* An echo request of 16 data bytes: 44 bytes of IP, 58 of frame. */
static u32 echo(void)
{
	static const u8 data[16] = "0123456789abcdef";

	return icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 0x00070001, data, sizeof(data));
}

#define NONE      (-1)
#define ANSWERED  NR_DROP_REASONS
#define R(name)   SKB_DROP_REASON_##name
#define IP(name)  IPSTATS_MIB_##name
#define EXT(name) IPEXT_MIB_##name

/* --- The header ---------------------------------------------------------------------------------------------------- */

/* A zero leaves the field as it is; a value that must be zero is written 0x10000. */
static const struct header_row {
	const char *name;
	u32 ver_ihl, tot_len, frag_off, ttl, tos, protocol;
	u32 frame; /* length fed */
	int csum;  /* added to the right checksum */
	enum skb_drop_reason reason;
	int ip, ext; /* counters that go up by one */
} headers[] = {
	{ "as_it_should_be", .reason = ANSWERED, .ip = IP(InDelivers), .ext = NONE },
	{ "version_0", .ver_ihl = 0x05, .reason = R(IP_INHDR), .ip = IP(InHdrErrors), .ext = NONE },
	{ "version_5", .ver_ihl = 0x55, .reason = R(IP_INHDR), .ip = IP(InHdrErrors), .ext = NONE },
	{ "version_6", .ver_ihl = 0x65, .reason = R(IP_INHDR), .ip = IP(InHdrErrors), .ext = NONE },
	{ "version_15", .ver_ihl = 0xf5, .reason = R(IP_INHDR), .ip = IP(InHdrErrors),
	  .ext = NONE },
	{ "ihl_0", .ver_ihl = 0x40, .reason = R(IP_INHDR), .ip = IP(InHdrErrors), .ext = NONE },
	{ "ihl_4", .ver_ihl = 0x44, .reason = R(IP_INHDR), .ip = IP(InHdrErrors), .ext = NONE },
	{ "ihl_beyond_frame", .ver_ihl = 0x4f, .reason = R(PKT_TOO_SMALL), .ip = NONE,
	  .ext = EXT(InTruncatedPkts) },
	{ "ihl_beyond_total", .ver_ihl = 0x46, .tot_len = 20, .reason = R(IP_INHDR),
	  .ip = IP(InHdrErrors), .ext = NONE },
	{ "total_0", .tot_len = 0x10000, .reason = R(IP_INHDR), .ip = IP(InHdrErrors),
	  .ext = NONE },
	{ "total_one_short_of_header", .tot_len = 19, .reason = R(IP_INHDR), .ip = IP(InHdrErrors),
	  .ext = NONE },
	{ "total_just_header", .tot_len = 20, .reason = R(PKT_TOO_SMALL), .ip = IP(InDelivers),
	  .ext = NONE },
	{ "total_one_short_of_icmp", .tot_len = 27, .reason = R(PKT_TOO_SMALL),
	  .ip = IP(InDelivers), .ext = NONE },
	{ "total_cuts_data", .tot_len = 43, .reason = R(ICMP_CSUM), .ip = IP(InDelivers),
	  .ext = NONE },
	{ "padding_is_cut", .frame = 60, .reason = ANSWERED, .ip = IP(InDelivers), .ext = NONE },
	{ "total_one_beyond_frame", .tot_len = 45, .reason = R(PKT_TOO_SMALL), .ip = NONE,
	  .ext = EXT(InTruncatedPkts) },
	{ "total_65535", .tot_len = 65535, .reason = R(PKT_TOO_SMALL), .ip = NONE,
	  .ext = EXT(InTruncatedPkts) },
	{ "frame_one_short", .frame = 57, .reason = R(PKT_TOO_SMALL), .ip = NONE,
	  .ext = EXT(InTruncatedPkts) },
	{ "frame_19_of_header", .frame = 33, .reason = R(PKT_TOO_SMALL), .ip = NONE,
	  .ext = EXT(InTruncatedPkts) },
	{ "frame_without_packet", .frame = 14, .reason = R(PKT_TOO_SMALL), .ip = NONE,
	  .ext = EXT(InTruncatedPkts) },
	{ "checksum_one_more", .csum = 1, .reason = R(IP_CSUM), .ip = IP(InHdrErrors),
	  .ext = EXT(InCsumErrors) },
	{ "checksum_one_less", .csum = -1, .reason = R(IP_CSUM), .ip = IP(InHdrErrors),
	  .ext = EXT(InCsumErrors) },
	{ "checksum_other_byte", .csum = 256, .reason = R(IP_CSUM), .ip = IP(InHdrErrors),
	  .ext = EXT(InCsumErrors) },
	/* A host is no router: RFC 1122 (3.2.1.7) forbids to drop what has arrived for its TTL. */
	{ "ttl_0_arrived", .ttl = 0x10000, .reason = ANSWERED, .ip = IP(InDelivers), .ext = NONE },
	{ "ttl_1_arrived", .ttl = 1, .reason = ANSWERED, .ip = IP(InDelivers), .ext = NONE },
	{ "ttl_255", .ttl = 255, .reason = ANSWERED, .ip = IP(InDelivers), .ext = NONE },
	{ "tos_comes_back", .tos = 0xb8, .reason = ANSWERED, .ip = IP(InDelivers), .ext = NONE },
	{ "dont_fragment", .frag_off = IP_DF, .reason = ANSWERED, .ip = IP(InDelivers),
	  .ext = NONE },
	{ "reserved_flag_is_ignored", .frag_off = 0x8000, .reason = ANSWERED, .ip = IP(InDelivers),
	  .ext = NONE },
	{ "last_possible_offset", .frag_off = 0x1fff, .reason = R(IP_FRAG_INVALID),
	  .ip = IP(ReasmFails), .ext = NONE },
	{ "protocol_0", .protocol = 0x10000, .reason = R(IP_NOPROTO), .ip = IP(InUnknownProtos),
	  .ext = NONE },
	{ "protocol_ggp", .protocol = 3, .reason = R(IP_NOPROTO), .ip = IP(InUnknownProtos),
	  .ext = NONE },
	{ "protocol_255", .protocol = 255, .reason = R(IP_NOPROTO), .ip = IP(InUnknownProtos),
	  .ext = NONE },
};

TEST_EACH(header, headers)
{
	u64 before[NR_DROP_REASONS];
	u32 len;

	up();
	memcpy(before, skb_stats.drop, sizeof(before));
	len = echo();
	if (row->ver_ihl)
		f.ip.ver_ihl = (u8)row->ver_ihl;
	if (row->tot_len)
		f.ip.tot_len = htons(row->tot_len);
	if (row->ttl)
		f.ip.ttl = (u8)row->ttl;
	if (row->protocol)
		f.ip.protocol = (u8)row->protocol;
	f.ip.tos = (u8)row->tos;
	f.ip.frag_off = htons(row->frag_off);
	f.ip.check = 0;
	if ((f.ip.ver_ihl & 15) >= 5)
		f.ip.check = ip_fast_csum(&f.ip, f.ip.ver_ihl & 15);
	f.ip.check = htons(ntohs(f.ip.check) + (u32)row->csum);
	feed_ip(&f, row->frame ? row->frame : len, false);
	CHECK_EQ(net->mib.ip[IP(InReceives)], 1);
	if (row->ip != NONE)
		CHECK_EQ(net->mib.ip[row->ip], 1);
	else
		CHECK_EQ(net->mib.ip[IP(InDelivers)], 0);
	for (int i = 0; i < NR_IPEXT_MIB; i++)
		if (i == EXT(InTruncatedPkts) || i == EXT(InCsumErrors))
			CHECK_EQ(net->mib.ipext[i], i == row->ext);
	for (u32 i = 0; i < NR_DROP_REASONS; i++)
		CHECK_EQ(skb_stats.drop[i] - before[i], i == row->reason);
	if (row->reason == ANSWERED) {
		CHECK_EQ(nr_frames, 1);
		CHECK(frame_ip(0) && frame_ip(0)->tos == row->tos && frame_ip(0)->ttl == 64);
		CHECK_EQ(frames[0].len, 58);
		CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
	} else if (row->reason == R(IP_NOPROTO)) {
		CHECK_EQ(nr_frames, 1);
		CHECK_EQ(frames[0].b[34] * 256 + frames[0].b[35], 3 * 256 + ICMP_PROT_UNREACH);
	} else {
		CHECK_EQ(nr_frames, 0);
	}
	fixture_down();
}

/* Both zeros of one's complement arithmetic are a right checksum. */
TEST(checksum_of_all_ones_is_zero_too)
{
	u32 len;

	up();
	len = echo();
	for (u32 id = 0; id < 65536; id++) {
		f.ip.id = htons(id);
		f.ip.check = 0;
		if (ip_fast_csum(&f.ip, 5) == 0)
			break;
	}
	CHECK_EQ(ip_fast_csum(&f.ip, 5), 0);
	feed_ip(&f, len, false);
	f.ip.check = 0xffff;
	feed_ip(&f, len, false);
	CHECK_EQ(nr_frames, 2);
	fixture_down();
}

/* --- Addresses ---------------------------------------------------------------------------------------------------------- */

enum l2 { TO_US, TO_ALL, TO_GROUP, TO_OTHER };
static const struct address_row {
	const char *name;
	u32 saddr, daddr;
	enum l2 l2;
	enum skb_drop_reason reason; /* ANSWERED: the socket at port 7 gets it */
	int ext;                     /* NONE, or the counter of packets to many */
} addresses[] = {
	{ "from_the_link", 0x0a000002, 0x0a000001, TO_US, ANSWERED, NONE },
	{ "from_far_away", 0x08080808, 0x0a000001, TO_US, ANSWERED, NONE },
	{ "from_class_e", 0xf0000001, 0x0a000001, TO_US, ANSWERED, NONE },
	{ "from_all_zeros", 0, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_all_zeros_to_everybody", 0, 0xffffffff, TO_ALL, ANSWERED, EXT(InBcastPkts) },
	{ "from_all_zeros_to_the_subnet", 0, 0x0a0000ff, TO_ALL, R(IP_MARTIAN), NONE },
	{ "from_net_0", 0x00000001, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_net_0_to_everybody", 0x00ffffff, 0xffffffff, TO_ALL, R(IP_MARTIAN), NONE },
	{ "from_loopback_first", 0x7f000000, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_loopback", 0x7f000001, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_loopback_last", 0x7fffffff, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_a_group", 0xe0000001, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_the_last_group", 0xefffffff, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_everybody", 0xffffffff, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_the_subnet_broadcast", 0x0a0000ff, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_the_old_broadcast", 0x0a000000, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "from_ourselves_land", 0x0a000001, 0x0a000001, TO_US, R(IP_MARTIAN), NONE },
	{ "to_another_host", 0x0a000002, 0x0a000003, TO_US, R(IP_NOT_LOCAL), NONE },
	{ "to_another_net", 0x0a000002, 0x08080808, TO_US, R(IP_NOT_LOCAL), NONE },
	{ "to_class_e", 0x0a000002, 0xf0000001, TO_US, R(IP_NOT_LOCAL), NONE },
	{ "to_loopback", 0x0a000002, 0x7f000001, TO_US, R(IP_MARTIAN), NONE },
	{ "to_all_zeros", 0x0a000002, 0, TO_ALL, R(IP_MARTIAN), NONE },
	{ "to_net_0", 0x0a000002, 0x00000005, TO_US, R(IP_MARTIAN), NONE },
	{ "to_everybody", 0x0a000002, 0xffffffff, TO_ALL, ANSWERED, EXT(InBcastPkts) },
	{ "to_the_subnet", 0x0a000002, 0x0a0000ff, TO_ALL, ANSWERED, EXT(InBcastPkts) },
	{ "to_the_subnet_the_old_way", 0x0a000002, 0x0a000000, TO_ALL, ANSWERED, EXT(InBcastPkts) },
	{ "to_the_subnet_in_a_frame_to_us", 0x0a000002, 0x0a0000ff, TO_US, ANSWERED,
	  EXT(InBcastPkts) },
	{ "to_all_hosts", 0x0a000002, 0xe0000001, TO_GROUP, ANSWERED, EXT(InMcastPkts) },
	{ "to_all_hosts_in_a_frame_to_us", 0x0a000002, 0xe0000001, TO_US, ANSWERED,
	  EXT(InMcastPkts) },
	{ "to_a_group_we_are_not_in", 0x0a000002, 0xe0000002, TO_GROUP, R(IP_NOT_LOCAL), NONE },
	{ "one_host_in_a_frame_to_all", 0x0a000002, 0x0a000001, TO_ALL, R(L2_CAST_MISMATCH), NONE },
	{ "one_host_in_a_frame_to_a_group", 0x0a000002, 0x0a000001, TO_GROUP, R(L2_CAST_MISMATCH),
	  NONE },
	{ "another_hosts_frame", 0x0a000002, 0x0a000001, TO_OTHER, R(OTHERHOST), NONE },
};

TEST_EACH(address, addresses)
{
	static const u8 l2[4][6] = { { 2, 0, 0, 0, 0, 1 },
				     { 255, 255, 255, 255, 255, 255 },
				     { 1, 0, 0x5e, 0, 0, 1 },
				     { 2, 0, 0, 0, 0, 9 } };
	u64 before[NR_DROP_REASONS];
	struct sock *sk;
	u32 len;
	u8 buf[8];

	up();
	sk = udp_open();
	CHECK_EQ(udp_prot.get_port(sk, 7), 0);
	memcpy(before, skb_stats.drop, sizeof(before));
	len = udp_make(&f, htonl(row->saddr), 5, htonl(row->daddr), 7, "hi", 2);
	memcpy(f.eth.h_dest, l2[row->l2], 6);
	feed_ip(&f, len, true);
	for (u32 i = 0; i < NR_DROP_REASONS; i++)
		CHECK_EQ(skb_stats.drop[i] - before[i], i == row->reason);
	CHECK_EQ(udp_recv(sk, buf, 8, MSG_DONTWAIT, NULL, NULL),
		 row->reason == ANSWERED ? 2 : -EAGAIN);
	CHECK_EQ(net->mib.ip[IP(InAddrErrors)],
		 row->reason != ANSWERED && row->reason != R(OTHERHOST));
	CHECK_EQ(net->mib.ipext[EXT(InBcastPkts)], row->ext == EXT(InBcastPkts));
	CHECK_EQ(net->mib.ipext[EXT(InMcastPkts)], row->ext == EXT(InMcastPkts));
	CHECK_EQ(nr_frames, 0); /* silence, whatever it was */
	udp_prot.close(sk, 0);
	fixture_down();
}

/* --- Options ------------------------------------------------------------------------------------------------------------- */

static const struct option_row {
	const char *name;
	bool ok;
	u8 len;
	u8 b[40];
} options[] = {
	{ "end_at_once", true, 4, { 0, 0, 0, 0 } },
	{ "rubbish_behind_the_end", true, 4, { 0, 131, 200, 9 } },
	{ "four_noops", true, 4, { 1, 1, 1, 1 } },
	{ "forty_bytes_of_noops", true, 40, { [0 ... 39] = 1 } },
	{ "unknown_is_skipped", true, 8, { 200, 8, 1, 2, 3, 4, 5, 6 } },
	{ "unknown_of_two_bytes", true, 4, { 200, 2, 1, 0 } },
	{ "unknown_of_all_forty", true, 40, { 200, 40 } },
	{ "noop_then_unknown_to_the_last_byte", true, 4, { 1, 200, 3, 9 } },
	{ "record_route", true, 8, { 7, 7, 4, 0, 0, 0, 0, 0 } },
	{ "timestamp", true, 12, { 68, 12, 5, 0 } },
	{ "router_alert", true, 4, { 148, 4, 0, 0 } },
	{ "loose_source_route", false, 8, { 131, 7, 4, 10, 0, 0, 2, 0 } },
	{ "strict_source_route", false, 8, { 137, 7, 4, 10, 0, 0, 2, 0 } },
	{ "source_route_behind_noops", false, 8, { 1, 1, 1, 1, 131, 3, 4, 0 } },
	{ "source_route_already_walked", false, 8, { 131, 7, 8, 10, 0, 0, 2, 0 } },
	{ "length_0", false, 4, { 200, 0, 0, 0 } },
	{ "length_1", false, 4, { 200, 1, 0, 0 } },
	{ "length_one_too_many", false, 4, { 200, 5, 0, 0 } },
	{ "length_255", false, 4, { 200, 255, 0, 0 } },
	{ "kind_without_length", false, 4, { 1, 1, 1, 200 } },
	{ "second_one_broken", false, 8, { 200, 4, 0, 0, 201, 5, 0, 0 } },
};

TEST_EACH(option, options)
{
	u64 dropped;
	struct icmphdr *ic = (struct icmphdr *)(f.data + row->len);

	up();
	dropped = skb_stats.drop[R(IP_OPTIONS)];
	(void)ip_make(&f, PEER_IP, OUR_IP, IPPROTO_ICMP, row->len + 8u);
	f.ip.ver_ihl = (u8)(0x45 + row->len / 4);
	memcpy(f.data, row->b, row->len);
	memset(ic, 0, sizeof(*ic));
	ic->type = ICMP_ECHO;
	ic->checksum = csum_fold(csum_partial(ic, 8, 0));
	feed_ip(&f, 34 + row->len + 8u, true);
	CHECK_EQ(nr_frames, row->ok);
	CHECK_EQ(net->mib.ip[IP(InHdrErrors)], !row->ok);
	CHECK_EQ(skb_stats.drop[R(IP_OPTIONS)] - dropped, !row->ok);
	if (row->ok)
		CHECK(frame_ip(0) && frame_ip(0)->ver_ihl == 0x45 && frames[0].len == 42);
	fixture_down();
}

/* --- Memory ---------------------------------------------------------------------------------------------------------------- */

/* A frame whose data is not linear, so that every look at it may need memory. */
static void feed_paged(u32 len, u32 linear)
{
	struct sk_buff *skb = netdev_alloc_skb(dev, linear);
	u8 *page = alloc_page();

	memcpy(skb_put(skb, linear), &f.eth, linear);
	memcpy(page, (u8 *)&f.eth + linear, len - linear);
	CHECK_EQ(skb_add_frag(skb, page, len - linear), 0);
	page_put(page);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

/* How many bytes of the frame are linear when it comes. */
static const struct paged_row {
	const char *name;
	u32 linear;
} splits[] = {
	{ "ethernet_only", 14 }, { "half_of_ip", 24 },  { "all_of_ip", 34 },
	{ "half_of_icmp", 38 },  { "all_of_icmp", 42 }, { "one_byte_left", 57 },
};

TEST_EACH(paged_frame_is_answered, splits)
{
	u32 len;

	up();
	len = echo();
	f.ip.check = ip_fast_csum(&f.ip, 5);
	feed_paged(len, row->linear);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frames[0].len, 58);
	CHECK(!memcmp(frames[0].b + 42, "0123456789abcdef", 16));
	fixture_down();
}

TEST(every_allocation_on_the_way_in_may_fail)
{
	u32 n = 0, len;
	u64 hits;

	up();
	len = echo();
	f.ip.check = ip_fast_csum(&f.ip, 5);
	do {
		struct sk_buff *skb = netdev_alloc_skb(dev, 14);
		u8 *page = alloc_page();

		memcpy(skb_put(skb, 14), &f.eth, 14);
		memcpy(page, (u8 *)&f.eth + 14, len - 14);
		CHECK_EQ(skb_add_frag(skb, page, len - 14), 0);
		page_put(page);
		skb->protocol = eth_type_trans(skb, dev);
		fail_alloc(++n);
		nr_frames = 0;
		local_bh_disable();
		netif_receive_skb(skb);
		local_bh_enable();
		hits = fail_over();
		CHECK_EQ(nr_frames, hits == 0);
		CHECK_EQ(skb_stats.live, 0);
	} while (hits && n < 50);
	CHECK(n >= 3 && n < 50);
	fixture_down();
}

TEST(a_trim_without_memory_is_a_counted_discard)
{
	u64 nomem = skb_stats.drop[R(NOMEM)];
	struct sk_buff *skb, *c;
	u8 *page;

	up();
	(void)echo();
	f.ip.check = ip_fast_csum(&f.ip, 5);
	skb = netdev_alloc_skb(dev, 34);
	page = alloc_page();
	memset(page, 0, 60);
	memcpy(skb_put(skb, 34), &f.eth, 34);
	memcpy(page, f.data, 24);
	CHECK_EQ(skb_add_frag(skb, page, 60), 0); /* the padding to cut lies in a fragment */
	page_put(page);
	skb->protocol = eth_type_trans(skb, dev);
	c = skb_clone(skb); /* somebody else looks at it, so it must be copied to be cut */
	fail_alloc(1);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(net->mib.ip[IP(InDiscards)], 1);
	CHECK_EQ(skb_stats.drop[R(NOMEM)] - nomem, 1);
	consume_skb(c);
	fixture_down();
}

/* Nobody hands IP a frame for another, and if somebody did: */
TEST(a_frame_for_another_is_dropped_here_too)
{
	u64 other = skb_stats.drop[R(OTHERHOST)];
	struct sk_buff *skb;
	u32 len;

	up();
	len = echo();
	f.ip.check = ip_fast_csum(&f.ip, 5);
	skb = netdev_alloc_skb(dev, len);
	memcpy(skb_put(skb, len), &f.eth, len);
	skb->protocol = eth_type_trans(skb, dev);
	skb->pkt_type = PACKET_OTHERHOST;
	local_bh_disable();
	for (u32 i = 0; i < NET_MAX_PTYPES; i++)
		if (net->ptype[i].func && net->ptype[i].type == htons(ETH_P_IP))
			net->ptype[i].func(skb, dev);
	local_bh_enable();
	CHECK_EQ(skb_stats.drop[R(OTHERHOST)] - other, 1);
	CHECK_EQ(net->mib.ip[IP(InReceives)], 0);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

static void nobody(struct sk_buff *skb)
{
	consume_skb(skb);
}

TEST(a_protocol_has_one_receiver)
{
	static const struct net_protocol mine = { .handler = nobody };

	up();
	CHECK_EQ(inet_add_protocol(net, 99, &mine), 0);
	CHECK_EQ(inet_add_protocol(net, 99, &mine), -EEXIST);
	CHECK_EQ(inet_add_protocol(net, IPPROTO_ICMP, &mine), -EEXIST);
	feed_ip(&f, ip_make(&f, PEER_IP, OUR_IP, 99, 0), true);
	CHECK_EQ(net->mib.ip[IP(InDelivers)], 1);
	/* An error about it has nobody to go to. */
	(void)ip_make(&f, OUR_IP, PEER_IP, 99, 8);
	{
		u8 quote[28];

		memcpy(quote, &f.ip, 28);
		feed_ip(&f,
			icmp_make(&f, PEER_IP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, quote, 28),
			true);
	}
	CHECK_EQ(net->mib.icmp[ICMP_MIB_InDestUnreachs], 1);
	fixture_down();
}

static void pack(struct sk_buff *skb, struct net_device *d)
{
	(void)d;
	consume_skb(skb);
}

TEST(comes_up_or_not_at_all)
{
	struct net *n = net_alloc();

	fail_alloc(1);
	CHECK_EQ(ip_init(n), -ENOMEM);
	(void)fail_over();
	CHECK(!n->ipv4);
	for (u32 i = 0; i < NET_MAX_PTYPES; i++)
		CHECK_EQ(dev_add_pack(n, htons(0x9000 + i), pack), 0);
	CHECK_EQ(ip_init(n), -ENOSPC);
	CHECK(!n->ipv4);
	for (u32 i = 0; i < NET_MAX_PTYPES; i++)
		dev_remove_pack(n, htons(0x9000 + i));
	CHECK_EQ(ip_init(n), 0);
	ip_exit(n);
	net_free(n);
}

KTEST_MAIN_BOOT()
