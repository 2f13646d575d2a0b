// SPDX-License-Identifier: MIT
/* ARP packets, field by field: what is answered, learnt, defended or thrown away. */
#include "../ipv4/fixture.h"

#include "../../../../net/neigh/neigh.h"

#define SEC     1000000000ull
#define R(name) SKB_DROP_REASON_##name

static u8 b[60];
static struct arphdr *const arp = (struct arphdr *)(b + 14);

/* A request of the peer for us, in a frame to everybody. */
static void request(void)
{
	memset(b, 0, sizeof(b));
	memcpy(b, all_mac, 6);
	memcpy(b + 6, peer_mac, 6);
	b[12] = 8;
	b[13] = 6;
	*arp = (struct arphdr){ htons(1), htons(ETH_P_IP), 6,     4,     htons(ARPOP_REQUEST),
				{ 0 },    PEER_IP,         { 0 }, OUR_IP };
	memcpy(arp->ar_sha, peer_mac, 6);
}

static bool knows(__be32 key, const u8 *mac)
{
	struct neighbour *n;
	bool yes;

	local_bh_disable();
	n = neigh_find(net->arp_tbl, key, dev);
	yes = n && (n->nud_state & NUD_VALID) && !memcmp(n->ha, mac, 6);
	local_bh_enable();
	return yes;
}

/* One field of a request that would be answered; offsets within the ARP packet. */
static const struct field_row {
	const char *name;
	u8 at, len;
	u8 value[6];
	bool answered;
} fields[] = {
	{ "as_it_should_be", 0, 2, { 0, 1 }, true },
	{ "hardware_ieee802", 0, 2, { 0, 6 }, true },
	{ "hardware_0", 0, 2, { 0, 0 }, false },
	{ "hardware_2", 0, 2, { 0, 2 }, false },
	{ "hardware_swapped", 0, 2, { 1, 0 }, false },
	{ "protocol_ipv6", 2, 2, { 0x86, 0xdd }, false },
	{ "protocol_swapped", 2, 2, { 0, 8 }, false },
	{ "hardware_length_5", 4, 1, { 5 }, false },
	{ "hardware_length_7", 4, 1, { 7 }, false },
	{ "hardware_length_0", 4, 1, { 0 }, false },
	{ "hardware_length_255", 4, 1, { 255 }, false },
	{ "protocol_length_3", 5, 1, { 3 }, false },
	{ "protocol_length_16", 5, 1, { 16 }, false },
	{ "operation_0", 6, 2, { 0, 0 }, false },
	{ "operation_reverse", 6, 2, { 0, 3 }, false },
	{ "operation_swapped", 6, 2, { 1, 0 }, false },
	{ "sender_hardware_zero", 8, 6, { 0 }, false },
	{ "sender_hardware_group", 8, 6, { 1, 0, 0x5e, 0, 0, 1 }, false },
	{ "sender_hardware_everybody", 8, 6, { 255, 255, 255, 255, 255, 255 }, false },
	{ "sender_a_group", 14, 4, { 224, 0, 0, 1 }, false },
	{ "sender_the_last_group", 14, 4, { 239, 255, 255, 255 }, false },
	{ "sender_everybody", 14, 4, { 255, 255, 255, 255 }, false },
	{ "sender_loopback", 14, 4, { 127, 0, 0, 1 }, false },
	{ "sender_net_0", 14, 4, { 0, 0, 0, 1 }, false },
	{ "sender_the_subnet", 14, 4, { 10, 0, 0, 255 }, false },
	{ "sender_the_old_broadcast", 14, 4, { 10, 0, 0, 0 }, false },
	{ "sender_off_the_link", 14, 4, { 10, 0, 1, 2 }, true }, /* answered, not learnt */
	{ "target_a_group", 24, 4, { 224, 0, 0, 1 }, false },
	{ "target_loopback", 24, 4, { 127, 0, 0, 1 }, false },
	{ "target_another", 24, 4, { 10, 0, 0, 77 }, false },
	{ "target_the_subnet", 24, 4, { 10, 0, 0, 255 }, false },
	{ "target_nobody", 24, 4, { 0, 0, 0, 0 }, false },
	{ "target_hardware_is_not_looked_at", 18, 6, { 9, 9, 9, 9, 9, 9 }, true },
};

TEST_EACH(request_with, fields)
{
	fixture_up(true);
	request();
	memcpy((u8 *)arp + row->at, row->value, row->len);
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, row->answered);
	CHECK_EQ(net->arp_tbl->stats.rcv_probes_mcast + net->arp_tbl->stats.rcv_probes_ucast,
		 row->answered);
	if (row->answered) {
		const struct arphdr *a = frame_arp(0);

		CHECK(a && a->ar_op == htons(ARPOP_REPLY) && a->ar_hrd == htons(1));
		CHECK(!memcmp(a->ar_sha, our_mac, 6) && a->ar_sip == OUR_IP);
		CHECK(!memcmp(a->ar_tha, peer_mac, 6) && a->ar_tip == arp->ar_sip);
		CHECK(!memcmp(frames[0].b, peer_mac, 6));
	}
	CHECK_EQ(knows(PEER_IP, peer_mac), row->answered && arp->ar_sip == PEER_IP);
	CHECK_EQ(net->arp_tbl->entries, knows(PEER_IP, peer_mac));
	fixture_down();
}

/* What a whole packet means: operation, sender, target, frame to whom, whether the sender was known before. */
enum who { NOBODY, PEER, US, OTHER };
static const struct meaning_row {
	const char *name;
	u16 op;
	enum who sender, target;
	bool to_all, known;
	bool answered,
		learnt; /* the entry of the peer is (still) there with the sender's address */
	bool defended;
	enum skb_drop_reason reason;
} meanings[] = {
	{ "request_for_us", ARPOP_REQUEST, PEER, US, true, false, true, true, false,
	  NR_DROP_REASONS },
	{ "request_for_us_alone", ARPOP_REQUEST, PEER, US, false, false, true, true, false,
	  NR_DROP_REASONS },
	{ "request_for_another", ARPOP_REQUEST, PEER, OTHER, true, false, false, false, false,
	  R(ARP_NOT_OURS) },
	{ "request_for_another_from_known", ARPOP_REQUEST, PEER, OTHER, true, true, false, true,
	  false, R(ARP_NOT_OURS) },
	{ "probe_for_our_address", ARPOP_REQUEST, NOBODY, US, true, false, true, false, false,
	  NR_DROP_REASONS },
	{ "probe_for_another_address", ARPOP_REQUEST, NOBODY, OTHER, true, false, false, false,
	  false, R(ARP_NOT_OURS) },
	{ "reply_nobody_asked_for", ARPOP_REPLY, PEER, US, false, false, false, false, false,
	  NR_DROP_REASONS },
	{ "reply_from_known", ARPOP_REPLY, PEER, US, false, true, false, true, false,
	  NR_DROP_REASONS },
	{ "reply_to_all", ARPOP_REPLY, PEER, US, true, true, false, true, false, NR_DROP_REASONS },
	{ "reply_for_another", ARPOP_REPLY, PEER, OTHER, false, true, false, true, false,
	  R(ARP_NOT_OURS) },
	{ "reply_from_nobody", ARPOP_REPLY, NOBODY, US, false, false, false, false, false,
	  R(ARP_INVALID) },
	{ "announcement", ARPOP_REQUEST, PEER, PEER, true, false, false, false, false,
	  R(ARP_NOT_OURS) },
	{ "announcement_of_known", ARPOP_REQUEST, PEER, PEER, true, true, false, true, false,
	  R(ARP_NOT_OURS) },
	{ "gratuitous_reply", ARPOP_REPLY, PEER, PEER, true, false, false, false, false,
	  R(ARP_NOT_OURS) },
	{ "our_address_announced", ARPOP_REQUEST, US, US, true, false, false, false, true,
	  R(ARP_INVALID) },
	{ "our_address_asks_for_another", ARPOP_REQUEST, US, OTHER, true, false, false, false, true,
	  R(ARP_INVALID) },
	{ "our_address_replies", ARPOP_REPLY, US, US, false, false, false, false, true,
	  R(ARP_INVALID) },
};

static __be32 address_of(enum who w)
{
	static const u32 of[] = { 0, 0x0a000002, 0x0a000001, 0x0a00004d };

	return htonl(of[w]);
}

TEST_EACH(meaning, meanings)
{
	u64 before[NR_DROP_REASONS];
	u32 answers = 0;

	fixture_up(true);
	if (row->known) {
		struct neighbour *n = neigh_lookup_create(net, PEER_IP, dev);

		local_bh_disable();
		neigh_learn(n, peer_mac, false);
		local_bh_enable();
		neigh_release(n);
	}
	memcpy(before, skb_stats.drop, sizeof(before));
	request();
	if (!row->to_all)
		memcpy(b, our_mac, 6);
	arp->ar_op = htons(row->op);
	arp->ar_sip = address_of(row->sender);
	arp->ar_tip = address_of(row->target);
	feed(b, sizeof(b));
	for (u32 i = 0; i < nr_frames; i++)
		answers += frame_arp(i) && frame_arp(i)->ar_op == htons(ARPOP_REPLY);
	CHECK_EQ(answers, row->answered);
	CHECK_EQ(nr_frames - answers, row->defended);
	if (row->defended) {
		CHECK(frame_arp(0)->ar_sip == OUR_IP && frame_arp(0)->ar_tip == OUR_IP);
		CHECK(!memcmp(frames[0].b, all_mac, 6));
	}
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, row->defended);
	CHECK_EQ(knows(PEER_IP, peer_mac), row->learnt);
	for (u32 i = 0; i < NR_DROP_REASONS; i++)
		CHECK_EQ(skb_stats.drop[i] - before[i], i == row->reason);
	fixture_down();
}

/* A packet cut at every length below its 28 bytes. */
TEST(short_packets_of_every_length)
{
	u64 small = skb_stats.drop[R(PKT_TOO_SMALL)];

	fixture_up(true);
	request();
	for (u32 len = 14; len < 14 + 28; len++)
		feed(b, len);
	CHECK_EQ(skb_stats.drop[R(PKT_TOO_SMALL)] - small, 28);
	CHECK_EQ(nr_frames, 0);
	feed(b, 42);
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

TEST(our_own_frame_that_comes_back_is_no_conflict)
{
	fixture_up(true);
	request();
	memcpy(arp->ar_sha, our_mac, 6);
	arp->ar_sip = OUR_IP;
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, 0);
	fixture_down();
}

/* RFC 5227 (2.4 (b)): at most one defence in ten seconds. */
static const struct defence_row {
	const char *name;
	u64 after_ms;
	bool again;
} defences[] = { { "at_once", 0, false },
		 { "after_9999_ms", 9999, false },
		 { "after_10_s", 10000, true },
		 { "after_an_hour", 3600000, true } };

TEST_EACH(defence, defences)
{
	fixture_up(true);
	request();
	arp->ar_sip = OUR_IP;
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 1);
	host_clock_set(host_clock() + row->after_ms * 1000000ull);
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 1u + row->again);
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, 2);
	fixture_down();
}

TEST(each_address_of_ours_is_defended_for_itself)
{
	fixture_up(true);
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 5), 24), 0);
	request();
	arp->ar_sip = OUR_IP;
	feed(b, sizeof(b));
	arp->ar_sip = IP4(10, 0, 0, 5);
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 2);
	CHECK(frame_arp(1) && frame_arp(1)->ar_sip == IP4(10, 0, 0, 5));
	fixture_down();
}

TEST(others_frames_and_devices_without_arp)
{
	u64 other = skb_stats.drop[R(OTHERHOST)], invalid = skb_stats.drop[R(ARP_INVALID)];

	fixture_up(true);
	request();
	b[0] = 2;
	b[5] = 77; /* unicast to another */
	memset(b + 1, 0, 4);
	feed(b, sizeof(b));
	CHECK_EQ(skb_stats.drop[R(OTHERHOST)] - other, 1);
	dev->flags |= IFF_NOARP;
	request();
	feed(b, sizeof(b));
	CHECK_EQ(skb_stats.drop[R(ARP_INVALID)] - invalid, 1);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

/* The question carries the source of the packet that waits, when that is ours (RFC 1122, 2.3.2.2). */
static const struct source_row {
	const char *name;
	u32 saddr, want;
} sources[] = {
	{ "first_address", 0x0a000001, 0x0a000001 },
	{ "second_address", 0x0a000005, 0x0a000005 },
	{ "address_of_another_host_is_not_told", 0x01020304, 0x0a000001 },
};

TEST_EACH(asks_from, sources)
{
	struct neighbour *n;
	struct sk_buff *skb;

	fixture_up(true);
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 5), 24), 0);
	n = neigh_lookup_create(net, PEER_IP, dev);
	skb = alloc_skb(100);
	skb_reserve(skb, 60);
	skb_reset_network_header(skb);
	memset(skb_put(skb, 40), 0, 40);
	ip_hdr(skb)->saddr = htonl(row->saddr);
	skb->dev = dev;
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), 0);
	local_bh_enable();
	CHECK(frame_arp(0) && ntohl(frame_arp(0)->ar_sip) == row->want &&
	      frame_arp(0)->ar_tip == PEER_IP);
	neigh_release(n);
	fixture_down();
}

TEST(without_an_address_nothing_is_asked)
{
	struct neighbour *n;
	struct sk_buff *skb;

	fixture_up(false);
	n = neigh_lookup_create(net, PEER_IP, dev);
	skb = alloc_skb(100);
	skb_reserve(skb, 60);
	skb_reset_network_header(skb);
	memset(skb_put(skb, 40), 0, 40);
	skb->dev = dev;
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), 0);
	local_bh_enable();
	CHECK_EQ(nr_frames, 0); /* it would be a probe of RFC 5227: a claim to the peer's address */
	host_clock_advance(4 * SEC);
	CHECK_EQ(n->nud_state, NUD_FAILED);
	neigh_release(n);
	fixture_down();
}

TEST(no_memory_for_a_question_or_an_answer)
{
	fixture_up(true);
	for (u32 nth = 1; nth < 4; nth++) {
		struct sk_buff *skb = netdev_alloc_skb(dev, sizeof(b));

		request();
		memcpy(skb_put(skb, sizeof(b)), b, sizeof(b));
		skb->protocol = eth_type_trans(skb, dev);
		fail_alloc(nth);
		local_bh_disable();
		netif_receive_skb(skb);
		local_bh_enable();
		(void)fail_over();
		CHECK_EQ(skb_stats.live, 0);
	}
	CHECK(nr_frames < 3); /* at least one was not answered; the peer will ask again */
	nr_frames = 0;
	request();
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

TEST(announcements_go_to_everybody_while_the_device_is_up)
{
	fixture_up(true);
	arp_announce(dev, OUR_IP);
	CHECK_EQ(nr_frames, 1);
	CHECK(frame_arp(0) && frame_arp(0)->ar_op == htons(ARPOP_REQUEST) &&
	      frame_arp(0)->ar_sip == OUR_IP && frame_arp(0)->ar_tip == OUR_IP &&
	      !memcmp(frames[0].b, all_mac, 6));
	CHECK(is_zero_ether_addr(frame_arp(0)->ar_tha));
	dev_close(dev);
	arp_announce(dev, OUR_IP);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(dev_open(dev), 0);
	fixture_down();
}

/* A full table: the question is answered all the same. */
TEST(an_answer_needs_no_entry)
{
	fixture_up(true);
	net->arp_tbl->max_entries = 0;
	request();
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(net->arp_tbl->entries, 0);
	fixture_down();
}

/* A link of two hosts has no broadcast address (RFC 3021). */
TEST(both_ends_of_a_link_of_two)
{
	fixture_up(false);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 31), 0);
	request();
	arp->ar_sip = IP4(10, 0, 0, 0);
	feed(b, sizeof(b));
	CHECK_EQ(nr_frames, 1);
	CHECK(knows(IP4(10, 0, 0, 0), peer_mac));
	fixture_down();
}

static int no_header(struct sk_buff *skb, struct net_device *d, u16 type, const u8 *daddr,
		     const u8 *saddr)
{
	(void)skb;
	(void)d;
	(void)type;
	(void)daddr;
	(void)saddr;
	return -ENOMEM;
}

TEST(devices_that_cannot_make_a_header)
{
	static const struct header_ops bad = { .create = no_header };
	const struct header_ops *good;
	u64 hdr = skb_stats.drop[R(DEV_HDR)];

	fixture_up(true);
	good = dev->header_ops;
	dev->header_ops = &bad;
	arp_announce(dev, OUR_IP);
	CHECK_EQ(skb_stats.drop[R(DEV_HDR)] - hdr, 1);
	dev->header_ops = NULL; /* there is none at all */
	arp_announce(dev, OUR_IP);
	CHECK_EQ(skb_stats.drop[R(DEV_HDR)] - hdr, 1);
	CHECK_EQ(nr_frames, 0);
	{
		struct neighbour *n = neigh_lookup_create(net, IP4(10, 0, 0, 9), dev);

		CHECK_EQ(n->kind, NEIGH_OWN); /* nothing to resolve */
		neigh_release(n);
	}
	dev->header_ops = good;
	fixture_down();
}

TEST(a_flood_of_conflicts_writes_few_lines)
{
	const char *at;
	u32 lines = 0;

	fixture_up(true);
	host_console_clear();
	request();
	arp->ar_sip = OUR_IP;
	for (u32 i = 0; i < 200; i++)
		feed(b, sizeof(b));
	for (at = host_console(); (at = strstr(at, "uses our address")); at++)
		lines++;
	CHECK(lines >= 1 && lines <= 20);
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, 200);
	fixture_down();
}

/* Nobody hands ARP a frame for another, and if somebody did: */
TEST(a_frame_for_another_is_dropped_here_too)
{
	u64 other = skb_stats.drop[R(OTHERHOST)];
	struct sk_buff *skb;

	fixture_up(true);
	request();
	skb = netdev_alloc_skb(dev, sizeof(b));
	memcpy(skb_put(skb, sizeof(b)), b, sizeof(b));
	skb->protocol = eth_type_trans(skb, dev);
	skb->pkt_type = PACKET_OTHERHOST;
	local_bh_disable();
	for (u32 i = 0; i < NET_MAX_PTYPES; i++)
		if (net->ptype[i].func && net->ptype[i].type == htons(ETH_P_ARP))
			net->ptype[i].func(skb, dev);
	local_bh_enable();
	CHECK_EQ(skb_stats.drop[R(OTHERHOST)] - other, 1);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

static const struct page_row {
	const char *name;
	u8 state;
	const char *line;
} lines[] = {
	{ "incomplete", NUD_INCOMPLETE,
	  "10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth0\n" },
	{ "reachable", NUD_REACHABLE,
	  "10.0.0.2         0x1         0x2         02:00:00:00:00:02     *        eth0\n" },
	{ "stale", NUD_STALE,
	  "10.0.0.2         0x1         0x2         02:00:00:00:00:02     *        eth0\n" },
	{ "failed", NUD_FAILED,
	  "10.0.0.2         0x1         0x0         02:00:00:00:00:02     *        eth0\n" },
	{ "permanent", NUD_PERMANENT,
	  "10.0.0.2         0x1         0x6         02:00:00:00:00:02     *        eth0\n" },
};

TEST_EACH(page, lines)
{
	struct neighbour *n;

	fixture_up(true);
	n = neigh_lookup_create(net, PEER_IP, dev);
	if (row->state != NUD_INCOMPLETE)
		memcpy(n->ha, peer_mac, 6);
	n->nud_state = row->state;
	CHECK(page_has(arp_show, row->line));
	neigh_release(n);
	fixture_down();
}

TEST(page_leaves_out_what_needs_no_arp)
{
	struct neighbour *n;

	fixture_up(true);
	n = neigh_lookup_create(net, IP4(224, 0, 0, 1), dev);
	CHECK(!page_has(arp_show, "224.0.0.1"));
	neigh_release(n);
	fixture_down();
}

KTEST_MAIN_BOOT()
