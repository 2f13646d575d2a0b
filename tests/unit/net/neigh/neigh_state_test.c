// SPDX-License-Identifier: MIT
/*
 * The neighbour's state machine as a table: in each state each event, and what state, questions and address come of it;
 * then the times, the queue's limits, the collector, eviction and the ready-made header.
 */
#include "../ipv4/fixture.h"

#include "../../../../net/neigh/neigh.h"

#define SEC     1000000000ull
#define MSEC    1000000ull
#define R(name) SKB_DROP_REASON_##name

static const u8 new_mac[6] = { 2, 0, 0, 0, 0, 9 }, evil_mac[6] = { 2, 0, 0, 0, 6, 6 };
static struct neighbour *n;

static struct sk_buff *packet(u8 mark)
{
	struct flowi4 fl = { .daddr = PEER_IP };
	struct rtable *rt = ip_route_output_key(net, &fl);
	struct sk_buff *skb = alloc_skb(200);
	struct iphdr *iph;

	skb_reserve(skb, 64);
	skb_reset_network_header(skb);
	iph = memset(skb_put(skb, 40), mark, 40);
	iph->ver_ihl = 0x45;
	iph->protocol = 250;
	iph->saddr = OUR_IP;
	iph->daddr = PEER_IP;
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	skb_dst_set(skb, &rt->dst);
	return skb;
}

static int send_packet(u8 mark)
{
	int rc;

	local_bh_disable();
	rc = neigh_output(n, packet(mark));
	local_bh_enable();
	return rc;
}

static u32 questions(void)
{
	u32 asked = 0;

	for (u32 i = 0; i < nr_frames; i++)
		asked += frame_arp(i) && frame_arp(i)->ar_op == htons(ARPOP_REQUEST);
	return asked;
}

/* --- Into each state by honest means ---------------------------------------------------------------------------------------- */

static void answer_from(const u8 *mac)
{
	feed_arp_to(our_mac, ARPOP_REPLY, mac, PEER_IP, our_mac, OUR_IP);
}

static void make(u8 state)
{
	n = neigh_lookup_create(net, PEER_IP, dev);
	CHECK_EQ(n->nud_state, NUD_NONE);
	if (state == NUD_NONE)
		return;
	if (state == NUD_PERMANENT) {
		CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
		return;
	}
	CHECK_EQ(send_packet(0), 0);
	if (state == NUD_INCOMPLETE)
		return;
	if (state == NUD_FAILED) {
		host_clock_advance(4 * SEC);
		return;
	}
	answer_from(peer_mac);
	if (state == NUD_REACHABLE) {
		host_clock_advance(2 *
				   SEC); /* the question is old enough that another may be asked */
		return;
	}
	host_clock_advance(50 * SEC);
	CHECK_EQ(n->nud_state, NUD_STALE);
	if (state == NUD_STALE)
		return;
	CHECK_EQ(send_packet(0), 0);
	if (state == NUD_PROBE)
		host_clock_advance(NEIGH_DELAY_NS + MSEC);
}

/* --- Events ------------------------------------------------------------------------------------------------------------------- */

static void e_send(void)
{
	CHECK_EQ(send_packet(7), 0);
}

static void e_answer(void)
{
	answer_from(peer_mac);
}

static void e_answer_moved(void)
{
	answer_from(new_mac);
}

/* It asks for us: news, but no proof that we reach it. */
static void e_asks_us(void)
{
	feed_arp_to(all_mac, ARPOP_REQUEST, peer_mac, PEER_IP, (u8[6]){ 0 }, OUR_IP);
}

static void e_asks_us_moved(void)
{
	feed_arp_to(all_mac, ARPOP_REQUEST, new_mac, PEER_IP, (u8[6]){ 0 }, OUR_IP);
}

/* A gratuitous request from a new address. */
static void e_announces_moved(void)
{
	feed_arp_to(all_mac, ARPOP_REQUEST, new_mac, PEER_IP, (u8[6]){ 0 }, PEER_IP);
}

static void e_confirm(void)
{
	local_bh_disable();
	neigh_confirm(net, PEER_IP, dev);
	local_bh_enable();
}

static void e_second(void)
{
	host_clock_advance(SEC + 20 * MSEC);
}

static void e_minute(void)
{
	host_clock_advance(50 * SEC);
}

static void e_permanent(void)
{
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, new_mac), 0);
}

/* @ha: 0 none yet, 1 the peer's, 9 the new one. @asked: questions on the wire by the event. @out: packets. */
static const struct transition {
	const char *name;
	u8 from;
	void (*event)(void);
	u8 to;
	u8 ha, asked, out;
} transitions[] = {
	{ "none_send", NUD_NONE, e_send, NUD_INCOMPLETE, 0, 1, 0 },
	{ "none_answer", NUD_NONE, e_answer, NUD_REACHABLE, 1, 0, 0 },
	{ "none_asks_us", NUD_NONE, e_asks_us, NUD_STALE, 1, 0, 0 },
	{ "none_confirm", NUD_NONE, e_confirm, NUD_NONE, 0, 0, 0 },
	{ "none_minute", NUD_NONE, e_minute, NUD_NONE, 0, 0, 0 },
	{ "none_permanent", NUD_NONE, e_permanent, NUD_PERMANENT, 9, 0, 0 },
	{ "incomplete_send", NUD_INCOMPLETE, e_send, NUD_INCOMPLETE, 0, 0, 0 },
	{ "incomplete_answer", NUD_INCOMPLETE, e_answer, NUD_REACHABLE, 1, 0, 1 },
	{ "incomplete_answer_from_another", NUD_INCOMPLETE, e_answer_moved, NUD_REACHABLE, 9, 0,
	  1 },
	{ "incomplete_asks_us", NUD_INCOMPLETE, e_asks_us, NUD_DELAY, 1, 0, 1 },
	{ "incomplete_announces", NUD_INCOMPLETE, e_announces_moved, NUD_DELAY, 9, 0, 1 },
	{ "incomplete_confirm", NUD_INCOMPLETE, e_confirm, NUD_INCOMPLETE, 0, 0, 0 },
	{ "incomplete_second", NUD_INCOMPLETE, e_second, NUD_INCOMPLETE, 0, 1, 0 },
	{ "incomplete_minute", NUD_INCOMPLETE, e_minute, NUD_FAILED, 0, 2, 0 },
	{ "incomplete_permanent", NUD_INCOMPLETE, e_permanent, NUD_PERMANENT, 9, 0, 1 },
	{ "reachable_send", NUD_REACHABLE, e_send, NUD_REACHABLE, 1, 0, 1 },
	{ "reachable_answer", NUD_REACHABLE, e_answer, NUD_REACHABLE, 1, 0, 0 },
	{ "reachable_answer_from_another", NUD_REACHABLE, e_answer_moved, NUD_REACHABLE, 1, 1, 0 },
	{ "reachable_asks_us", NUD_REACHABLE, e_asks_us, NUD_REACHABLE, 1, 0, 0 },
	{ "reachable_another_asks_us", NUD_REACHABLE, e_asks_us_moved, NUD_REACHABLE, 1, 1, 0 },
	{ "reachable_announces_another", NUD_REACHABLE, e_announces_moved, NUD_REACHABLE, 1, 1, 0 },
	{ "reachable_confirm", NUD_REACHABLE, e_confirm, NUD_REACHABLE, 1, 0, 0 },
	{ "reachable_minute", NUD_REACHABLE, e_minute, NUD_STALE, 1, 0, 0 },
	{ "reachable_permanent", NUD_REACHABLE, e_permanent, NUD_PERMANENT, 9, 0, 0 },
	{ "stale_send", NUD_STALE, e_send, NUD_DELAY, 1, 0, 1 },
	{ "stale_answer", NUD_STALE, e_answer, NUD_REACHABLE, 1, 0, 0 },
	{ "stale_answer_from_another", NUD_STALE, e_answer_moved, NUD_REACHABLE, 9, 0, 0 },
	{ "stale_asks_us", NUD_STALE, e_asks_us, NUD_STALE, 1, 0, 0 },
	{ "stale_another_asks_us", NUD_STALE, e_asks_us_moved, NUD_STALE, 9, 0, 0 },
	{ "stale_announces_another", NUD_STALE, e_announces_moved, NUD_STALE, 9, 0, 0 },
	{ "stale_confirm", NUD_STALE, e_confirm, NUD_REACHABLE, 1, 0, 0 },
	{ "stale_second", NUD_STALE, e_second, NUD_STALE, 1, 0, 0 },
	{ "stale_permanent", NUD_STALE, e_permanent, NUD_PERMANENT, 9, 0, 0 },
	{ "delay_send", NUD_DELAY, e_send, NUD_DELAY, 1, 0, 1 },
	{ "delay_answer", NUD_DELAY, e_answer, NUD_REACHABLE, 1, 0, 0 },
	{ "delay_answer_from_another", NUD_DELAY, e_answer_moved, NUD_DELAY, 1, 1, 0 },
	{ "delay_asks_us", NUD_DELAY, e_asks_us, NUD_DELAY, 1, 0, 0 },
	{ "delay_confirm", NUD_DELAY, e_confirm, NUD_REACHABLE, 1, 0, 0 },
	{ "delay_second", NUD_DELAY, e_second, NUD_DELAY, 1, 0, 0 },
	{ "delay_minute", NUD_DELAY, e_minute, NUD_FAILED, 1, 3, 0 },
	{ "delay_permanent", NUD_DELAY, e_permanent, NUD_PERMANENT, 9, 0, 0 },
	{ "probe_send", NUD_PROBE, e_send, NUD_PROBE, 1, 0, 1 },
	{ "probe_answer", NUD_PROBE, e_answer, NUD_REACHABLE, 1, 0, 0 },
	{ "probe_answer_from_another", NUD_PROBE, e_answer_moved, NUD_REACHABLE, 9, 0, 0 },
	{ "probe_asks_us", NUD_PROBE, e_asks_us, NUD_PROBE, 1, 0, 0 },
	{ "probe_another_asks_us", NUD_PROBE, e_asks_us_moved, NUD_STALE, 9, 0, 0 },
	{ "probe_confirm", NUD_PROBE, e_confirm, NUD_REACHABLE, 1, 0, 0 },
	{ "probe_second", NUD_PROBE, e_second, NUD_PROBE, 1, 1, 0 },
	{ "probe_minute", NUD_PROBE, e_minute, NUD_FAILED, 1, 2, 0 },
	{ "probe_permanent", NUD_PROBE, e_permanent, NUD_PERMANENT, 9, 0, 0 },
	{ "failed_send", NUD_FAILED, e_send, NUD_INCOMPLETE, 0, 1, 0 },
	{ "failed_answer", NUD_FAILED, e_answer, NUD_REACHABLE, 1, 0, 0 },
	{ "failed_asks_us", NUD_FAILED, e_asks_us, NUD_STALE, 1, 0, 0 },
	{ "failed_confirm", NUD_FAILED, e_confirm, NUD_FAILED, 0, 0, 0 },
	{ "failed_second", NUD_FAILED, e_second, NUD_FAILED, 0, 0, 0 },
	{ "failed_permanent", NUD_FAILED, e_permanent, NUD_PERMANENT, 9, 0, 0 },
	{ "permanent_send", NUD_PERMANENT, e_send, NUD_PERMANENT, 1, 0, 1 },
	{ "permanent_answer_from_another", NUD_PERMANENT, e_answer_moved, NUD_PERMANENT, 1, 0, 0 },
	{ "permanent_another_asks_us", NUD_PERMANENT, e_asks_us_moved, NUD_PERMANENT, 1, 0, 0 },
	{ "permanent_confirm", NUD_PERMANENT, e_confirm, NUD_PERMANENT, 1, 0, 0 },
	{ "permanent_minute", NUD_PERMANENT, e_minute, NUD_PERMANENT, 1, 0, 0 },
	{ "permanent_again", NUD_PERMANENT, e_permanent, NUD_PERMANENT, 9, 0, 0 },
};

TEST_EACH(state, transitions)
{
	u32 packets = 0;
	u8 ha;

	fixture_up(true);
	make(row->from);
	CHECK_EQ(n->nud_state, row->from);
	nr_frames = 0;
	row->event();
	CHECK_EQ(n->nud_state, row->to);
	ha = !memcmp(n->ha, peer_mac, 6) ? 1 : !memcmp(n->ha, new_mac, 6) ? 9 : 0;
	CHECK_EQ(ha, row->ha);
	CHECK_EQ(questions(), row->asked);
	for (u32 i = 0; i < nr_frames; i++)
		packets += frame_ip(i) != NULL;
	CHECK_EQ(packets, row->out);
	/* What waits, waits only for an address. */
	CHECK_EQ(n->arp_queue.qlen != 0, n->nud_state == NUD_INCOMPLETE);
	/* A timer runs exactly where time changes something. */
	CHECK_EQ(timer_pending(&n->timer),
		 (n->nud_state & (NUD_INCOMPLETE | NUD_REACHABLE | NUD_DELAY | NUD_PROBE)) != 0);
	/* A question for somebody known goes to him alone. */
	for (u32 i = 0; i < nr_frames; i++) {
		if (frame_arp(i) && frame_arp(i)->ar_op == htons(ARPOP_REQUEST))
			CHECK(!memcmp(frames[i].b, row->ha ? peer_mac : all_mac, 6));
	}
	neigh_release(n);
	fixture_down();
}

/* --- Times --------------------------------------------------------------------------------------------------------------------------- */

TEST(reachable_lasts_between_half_and_one_and_a_half_base)
{
	u64 t0;

	for (u32 i = 0; i < 20; i++) {
		fixture_up(true);
		make(NUD_REACHABLE);
		CHECK(net->arp_tbl->reachable_ns >= 15 * SEC &&
		      net->arp_tbl->reachable_ns <= 45 * SEC);
		t0 = n->confirmed_ns;
		host_clock_advance(t0 + net->arp_tbl->reachable_ns - host_clock() - 20 * MSEC);
		CHECK_EQ(n->nud_state, NUD_REACHABLE);
		host_clock_advance(40 * MSEC);
		CHECK_EQ(n->nud_state, NUD_STALE);
		neigh_release(n);
		fixture_down();
	}
}

TEST(a_confirmation_renews_reachable)
{
	u64 t0;

	fixture_up(true);
	make(NUD_REACHABLE);
	host_clock_advance(10 * SEC);
	e_confirm();
	t0 = host_clock();
	host_clock_advance(net->arp_tbl->reachable_ns - SEC);
	CHECK_EQ(n->nud_state, NUD_REACHABLE);
	CHECK(host_clock() - t0 < net->arp_tbl->reachable_ns);
	host_clock_advance(2 * SEC);
	CHECK_EQ(n->nud_state, NUD_STALE);
	neigh_release(n);
	fixture_down();
}

/* Used within the last five seconds: the doubt is looked into at once. */
TEST(reachable_in_use_goes_to_delay_then_probes)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	host_clock_advance(n->confirmed_ns + net->arp_tbl->reachable_ns - host_clock() - SEC);
	CHECK_EQ(send_packet(1), 0);
	host_clock_advance(SEC + 20 * MSEC);
	CHECK_EQ(n->nud_state, NUD_DELAY);
	nr_frames = 0;
	host_clock_advance(NEIGH_DELAY_NS);
	CHECK_EQ(n->nud_state, NUD_PROBE);
	CHECK_EQ(questions(), 1);
	neigh_release(n);
	fixture_down();
}

/* The host answers: packets every second for ten minutes find a REACHABLE entry, each of them. */
static void answers_questions(const struct frame *f)
{
	u32 i = (u32)(f - frames);

	if (frame_arp(i) && frame_arp(i)->ar_op == htons(ARPOP_REQUEST) &&
	    frame_arp(i)->ar_tip == PEER_IP)
		answer_from(peer_mac);
}

TEST(a_neighbour_in_use_is_asked_before_reachable_is_over)
{
	u32 asked = 0;

	fixture_up(true);
	make(NUD_REACHABLE);
	on_frame = answers_questions;
	for (u32 i = 0; i < 600; i++) {
		nr_frames = 0;
		CHECK_EQ(n->nud_state, NUD_REACHABLE);
		CHECK_EQ(send_packet(1), 0);
		CHECK(frame_ip(0)); /* at once, before any question */
		nr_frames = 0;
		host_clock_advance(SEC);
		for (u32 k = 0; k < nr_frames; k++)
			CHECK(!memcmp(frames[k].b, peer_mac, 6)); /* unicast */
		asked += questions();
	}
	CHECK(asked >= 600 / 45 && asked <= 600 / 12 + 1); /* one at 80 % of 15 to 45 s */
	CHECK_EQ(net->arp_tbl->stats.refreshes, asked);
	CHECK_EQ(net->arp_tbl->stats.unres_discards, 0);
	neigh_release(n);
	fixture_down();
}

/* Silence: three questions a second apart, then the doubt is looked into as ever. */
TEST(a_refresh_without_answer_asks_three_times_within_reachable)
{
	u64 at;

	fixture_up(true);
	make(NUD_REACHABLE);
	CHECK_EQ(send_packet(1), 0);
	at = n->confirmed_ns + net->arp_tbl->reachable_ns / 5 * 4;
	host_clock_advance(at - host_clock() - 5 * MSEC);
	nr_frames = 0;
	host_clock_advance(n->confirmed_ns + net->arp_tbl->reachable_ns - host_clock() - 20 * MSEC);
	CHECK_EQ(n->nud_state, NUD_REACHABLE);
	CHECK_EQ(questions(), 3);
	for (u32 i = 0; i < 3; i++) {
		CHECK(frames[i].at_ns >= at + i * SEC &&
		      frames[i].at_ns < at + i * SEC + 20 * MSEC);
		CHECK(!memcmp(frames[i].b, peer_mac, 6));
	}
	host_clock_advance(40 * MSEC);
	CHECK_EQ(n->nud_state, NUD_STALE); /* not used for five seconds */
	neigh_release(n);
	fixture_down();
}

TEST(an_idle_neighbour_is_not_refreshed)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	e_confirm(); /* not used since */
	nr_frames = 0;
	host_clock_advance(50 * SEC);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(net->arp_tbl->stats.refreshes, 0);
	neigh_release(n);
	fixture_down();
}

TEST(progress_of_a_connection_saves_the_refresh)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	nr_frames = 0;
	for (u32 i = 0; i < 120; i++) {
		CHECK_EQ(send_packet(1), 0);
		host_clock_advance(SEC / 2);
		e_confirm();
		host_clock_advance(SEC / 2);
	}
	CHECK_EQ(questions(), 0);
	CHECK_EQ(n->nud_state, NUD_REACHABLE);
	neigh_release(n);
	fixture_down();
}

/* --- The hash -------------------------------------------------------------------------------------------------------------------- */

static struct neighbour *entry(u32 host)
{
	struct neighbour *e = neigh_lookup_create(net, htonl(0x0a000000 | host), dev);

	CHECK(!IS_ERR(e));
	if (!IS_ERR(e))
		neigh_release(e);
	return e;
}

TEST(the_hash_grows_with_its_entries)
{
	static struct neighbour *e[600];
	u32 before;

	fixture_up(true);
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 1), 16), 0);
	before = net->arp_tbl->entries;
	CHECK_EQ(neigh_buckets(net->arp_tbl), 8);
	for (u32 i = 0; i < 200; i++) {
		e[i] = entry(0x100 + i);
		CHECK(net->arp_tbl->entries <= neigh_buckets(net->arp_tbl));
	}
	for (u32 i = 0; i < 200; i++) /* each is still found, and is the same */
		CHECK(entry(0x100 + i) == e[i]);
	CHECK_EQ(net->arp_tbl->entries, before + 200);
	CHECK_EQ(net->arp_tbl->stats.hash_grows, 5);
	for (u32 i = 200; i < 400; i++)
		(void)entry(0x100 + i);
	CHECK_EQ(neigh_buckets(net->arp_tbl), 256);
	fixture_down();
	fixture_up(true);
	for (u32 i = 0; net->arp_tbl->entries < 8; i++)
		(void)entry(0x20 + i);
	fail_alloc(2); /* the entry, then the buckets */
	(void)entry(0x80);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(neigh_buckets(net->arp_tbl), 8);
	CHECK(net->arp_tbl->entries == 9);
	(void)entry(0x81);
	CHECK_EQ(neigh_buckets(net->arp_tbl), 16);
	fixture_down();
}

static u32 bucket_of(const struct neighbour *e)
{
	const struct neighbour *o;

	for (u32 i = 0; i < neigh_buckets(net->arp_tbl); i++) {
		list_for_each_entry(o, &net->arp_tbl->bucket[i], node) {
			if (o == e)
				return i;
		}
	}
	return ~0u;
}

/* Who picks addresses cannot pick buckets: they are others at every boot. */
TEST(the_hash_has_a_secret_of_this_boot)
{
	u64 secret[2];
	u32 at[2][64], same = 0;

	for (u32 boot = 0; boot < 2; boot++) {
		fixture_up(true);
		secret[boot] = net->arp_tbl->hash_rnd;
		for (u32 i = 0; i < 64; i++)
			(void)entry(0x40 + i);
		for (u32 i = 0; i < 64; i++)
			at[boot][i] = bucket_of(entry(0x40 + i));
		fixture_down();
	}
	CHECK(secret[0] != secret[1]);
	for (u32 i = 0; i < 64; i++) {
		CHECK(at[0][i] < 256 && at[1][i] < 256);
		same += at[0][i] == at[1][i];
	}
	CHECK(same < 32);
}

/* --- Forced collection ------------------------------------------------------------------------------------------------------------- */

TEST(above_half_the_maximum_making_an_entry_collects)
{
	u32 half, i = 0;

	fixture_up(true);
	half = net->arp_tbl->max_entries / 2;
	host_clock_advance(6 * SEC);
	while (net->arp_tbl->entries < half) {
		__be32 key = htonl(0x0a000100 | i++);

		feed_arp_to(all_mac, ARPOP_REQUEST, peer_mac, PEER_IP, (u8[6]){ 0 }, OUR_IP);
		(void)neigh_lookup_create(net, key, dev);
		local_bh_disable();
		neigh_release(neigh_find(net->arp_tbl, key, dev));
		local_bh_enable();
	}
	CHECK_EQ(net->arp_tbl->stats.forced_gc_runs, 0);
	host_clock_advance(6 * SEC); /* all of them are unused for more than five seconds */
	(void)entry(0x8000);
	CHECK_EQ(net->arp_tbl->stats.forced_gc_runs, 1);
	CHECK(net->arp_tbl->entries < 10);
	CHECK(page_has(neigh_stat_show, "forced_gc_runs 1\n"));
	fixture_down();
}

TEST(the_cache_page_has_linux_columns)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	CHECK(page_has(neigh_cache_show,
		       "entries  allocs   destroys hash_grows lookups  hits     res_failed "
		       "rcv_probes_mcast rcv_probes_ucast periodic_gc_runs forced_gc_runs "
		       "unresolved_discards table_fulls\n0000000"));
	CHECK(page_has(neigh_cache_show, "00000000            00000000\n"));
	neigh_release(n);
	fixture_down();
}

TEST(confirmed_during_delay_is_reachable_when_delay_ends)
{
	fixture_up(true);
	make(NUD_DELAY);
	n->confirmed_ns =
		host_clock() + SEC; /* as neigh_confirm() would, but the timer has to see it */
	nr_frames = 0;
	host_clock_advance(NEIGH_DELAY_NS + 20 * MSEC);
	CHECK_EQ(n->nud_state, NUD_REACHABLE);
	CHECK_EQ(questions(), 0);
	neigh_release(n);
	fixture_down();
}

TEST(three_probes_a_second_apart_to_the_old_address)
{
	u64 first;

	fixture_up(true);
	make(NUD_DELAY);
	nr_frames = 0;
	first = host_clock() + NEIGH_DELAY_NS;
	host_clock_advance(10 * SEC);
	CHECK_EQ(nr_frames, 3);
	for (u32 i = 0; i < 3; i++) {
		CHECK(frames[i].at_ns >= first + i * SEC &&
		      frames[i].at_ns < first + i * SEC + 30 * MSEC);
		CHECK(!memcmp(frames[i].b, peer_mac, 6));
	}
	CHECK_EQ(n->nud_state, NUD_FAILED);
	neigh_release(n);
	fixture_down();
}

/* RFC 1122 (2.3.2.1): at most one question a second, also when every packet starts anew. */
TEST(a_failed_neighbour_is_asked_once_a_second)
{
	fixture_up(true);
	make(NUD_FAILED);
	host_clock_advance(5 * SEC);
	nr_frames = 0;
	CHECK_EQ(send_packet(1), 0);
	CHECK_EQ(questions(), 1);
	neigh_release(n);
	/* The entry goes and comes back; the new one asks at once, for it knows of nothing. */
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
	n = neigh_lookup_create(net, PEER_IP, dev);
	CHECK_EQ(
		n->nud_state,
		NUD_INCOMPLETE); /* an address that comes and goes does not change what the peer is */
	CHECK_EQ(send_packet(2), 0);
	CHECK_EQ(questions(), 1);
	neigh_release(n);
	fixture_down();
}

TEST(asked_within_the_second_the_timer_asks_when_it_is_over)
{
	fixture_up(true);
	make(NUD_FAILED);
	n->asked_ns = host_clock() - 300 * MSEC;
	nr_frames = 0;
	CHECK_EQ(send_packet(1), 0);
	CHECK_EQ(questions(), 0);
	host_clock_advance(680 * MSEC);
	CHECK_EQ(questions(), 0);
	host_clock_advance(40 * MSEC);
	CHECK_EQ(questions(), 1);
	neigh_release(n);
	fixture_down();
}

/* --- Claims ---------------------------------------------------------------------------------------------------------------------------- */

TEST(a_claim_is_believed_after_a_second_of_silence)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	answer_from(evil_mac);
	CHECK(n->contested);
	host_clock_advance(980 * MSEC);
	CHECK(!memcmp(n->ha, peer_mac, 6));
	host_clock_advance(40 * MSEC);
	CHECK(!memcmp(n->ha, evil_mac, 6));
	CHECK_EQ(n->nud_state, NUD_STALE); /* known, not proven */
	CHECK(!n->contested);
	neigh_release(n);
	fixture_down();
}

TEST(an_owner_that_answers_keeps_its_address)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	answer_from(evil_mac);
	answer_from(peer_mac);
	CHECK(!n->contested);
	CHECK(page_has(neigh_stat_show, "\nconflicts 1\n"));
	host_clock_advance(3 * SEC);
	CHECK(!memcmp(n->ha, peer_mac, 6));
	CHECK_EQ(n->nud_state, NUD_REACHABLE);
	neigh_release(n);
	fixture_down();
}

TEST(a_flood_of_claims_asks_once_a_second)
{
	u8 mac[6] = { 2, 0, 0, 9, 0, 0 };

	fixture_up(true);
	make(NUD_REACHABLE);
	nr_frames = 0;
	for (u32 i = 0; i < 100; i++) {
		mac[5] = (u8)i;
		answer_from(mac);
	}
	CHECK_EQ(questions(), 1);
	answer_from(peer_mac);
	for (u32 i = 0; i < 100; i++)
		answer_from(mac);
	CHECK_EQ(questions(), 1); /* asked within this second */
	CHECK(!memcmp(n->ha, peer_mac, 6));
	neigh_release(n);
	fixture_down();
}

TEST(a_request_does_not_end_a_contest)
{
	fixture_up(true);
	make(NUD_REACHABLE);
	answer_from(evil_mac);
	e_asks_us(); /* from the owner, but not an answer to our question */
	CHECK(n->contested);
	neigh_release(n);
	fixture_down();
}

/* --- The queue --------------------------------------------------------------------------------------------------------------------------- */

/* Packets of @truesize each until @limit; then each new one pushes the oldest out. */
static const struct queue_row {
	const char *name;
	u32 truesize, fit;
	bool table; /* the limit of the whole table, not of one entry */
} queues[] = {
	{ "exactly_four", NEIGH_UNRES_BYTES / 4, 4, false },
	{ "one_byte_over_a_quarter", NEIGH_UNRES_BYTES / 4 + 1, 3, false },
	{ "exactly_one", NEIGH_UNRES_BYTES, 1, false },
	{ "one_byte_over_half", NEIGH_UNRES_BYTES / 2 + 1, 1, false },
	{ "table_for_two", 10000, 2, true },
};

TEST_EACH(queue, queues)
{
	u64 full = skb_stats.drop[R(NEIGH_QUEUEFULL)];

	fixture_up(true);
	if (row->table)
		net->arp_tbl->max_queued_bytes = 20000;
	n = neigh_lookup_create(net, PEER_IP, dev);
	for (u32 i = 0; i < 6; i++) {
		struct sk_buff *skb = packet((u8)i);

		skb->truesize = row->truesize;
		local_bh_disable();
		CHECK_EQ(neigh_output(n, skb), 0);
		local_bh_enable();
		CHECK_EQ(n->arp_queue.qlen, min(i + 1, row->fit));
		CHECK_EQ(n->arp_queue_bytes, min(i + 1, row->fit) * row->truesize);
		CHECK_EQ(net->arp_tbl->queued_bytes, n->arp_queue_bytes);
	}
	CHECK_EQ(skb_stats.drop[R(NEIGH_QUEUEFULL)] - full, 6 - row->fit);
	CHECK_EQ(net->arp_tbl->stats.unres_discards, 6 - row->fit);
	nr_frames = 0;
	e_answer();
	CHECK_EQ(nr_frames, row->fit);
	for (u32 i = 0; i < row->fit; i++) /* the newest, in order */
		CHECK_EQ(frames[i].b[14 + 39], 6 - row->fit + i);
	CHECK_EQ(net->arp_tbl->queued_bytes, 0);
	neigh_release(n);
	fixture_down();
}

TEST(a_packet_larger_than_the_table_allows_is_dropped_alone)
{
	struct sk_buff *skb;

	fixture_up(true);
	net->arp_tbl->max_queued_bytes = 1000;
	n = neigh_lookup_create(net, PEER_IP, dev);
	skb = packet(1);
	skb->truesize = 1001;
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), 0);
	local_bh_enable();
	CHECK_EQ(n->arp_queue.qlen, 0);
	CHECK_EQ(n->nud_state, NUD_INCOMPLETE); /* the question is asked all the same */
	CHECK_EQ(questions(), 1);
	neigh_release(n);
	fixture_down();
}

TEST(another_neighbours_packets_use_up_the_table)
{
	struct neighbour *other;
	struct sk_buff *skb;

	fixture_up(true);
	net->arp_tbl->max_queued_bytes = 1500;
	n = neigh_lookup_create(net, IP4(10, 0, 0, 3), dev);
	skb = packet(1);
	skb->truesize = 1000;
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), 0);
	other = neigh_lookup_create(net, PEER_IP, dev);
	skb = packet(2);
	skb->truesize = 1000;
	CHECK_EQ(neigh_output(other, skb), 0);
	local_bh_enable();
	CHECK_EQ(n->arp_queue.qlen, 1); /* one neighbour cannot push out another's */
	CHECK_EQ(other->arp_queue.qlen, 0);
	neigh_release(other);
	neigh_release(n);
	fixture_down();
}

/* --- Failure is told --------------------------------------------------------------------------------------------------------------------- */

static u32 told;

static void hears(struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	told += type == ICMP_DEST_UNREACH && code == ICMP_HOST_UNREACH && !info;
	CHECK(skb->data == (u8 *)ip_hdr(skb) + 20);
}

static void nobody(struct sk_buff *skb)
{
	consume_skb(skb);
}

TEST(who_waits_for_a_neighbour_that_fails_is_told)
{
	static const struct net_protocol mine = { .handler = nobody, .err_handler = hears };
	u64 failed = skb_stats.drop[R(NEIGH_FAILED)];

	fixture_up(true);
	CHECK_EQ(inet_add_protocol(net, 250, &mine), 0);
	told = 0;
	n = neigh_lookup_create(net, PEER_IP, dev);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(send_packet((u8)i), 0);
	{
		struct sk_buff *skb = packet(9); /* too short to say whose it was */

		skb_trim(skb, 27);
		local_bh_disable();
		CHECK_EQ(neigh_output(n, skb), 0);
		local_bh_enable();
	}
	host_clock_advance(4 * SEC);
	CHECK_EQ(told, 3);
	CHECK_EQ(skb_stats.drop[R(NEIGH_FAILED)] - failed, 4);
	CHECK_EQ(n->arp_queue_bytes, 0);
	neigh_release(n);
	fixture_down();
}

/* --- The ready-made header ------------------------------------------------------------------------------------------------------------------- */

static const struct headroom_row {
	const char *name;
	u32 headroom;
} headrooms[] = { { "just_14", 14 }, { "fifteen", 15 }, { "sixteen", 16 }, { "plenty", 64 } };

TEST_EACH(header_with_headroom, headrooms)
{
	struct sk_buff *skb;

	fixture_up(true);
	make(NUD_REACHABLE);
	nr_frames = 0;
	skb = alloc_skb(row->headroom + 40);
	skb_reserve(skb, row->headroom);
	skb_reset_network_header(skb);
	memset(skb_put(skb, 40), 3, 40);
	skb->dev = dev;
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), 0);
	local_bh_enable();
	CHECK_EQ(nr_frames, 1);
	CHECK(!memcmp(frames[0].b, peer_mac, 6) && !memcmp(frames[0].b + 6, our_mac, 6));
	CHECK(frames[0].b[12] == 8 && frames[0].b[13] == 0 && frames[0].b[14] == 3);
	CHECK_EQ(net->arp_tbl->stats.hh_hits, 1 + 1); /* and the one that waited */
	neigh_release(n);
	fixture_down();
}

TEST(a_moved_neighbour_gets_a_new_header)
{
	fixture_up(true);
	make(NUD_STALE);
	answer_from(new_mac);
	nr_frames = 0;
	CHECK_EQ(send_packet(1), 0);
	CHECK(!memcmp(frames[0].b, new_mac, 6));
	neigh_release(n);
	fixture_down();
}

TEST(no_memory_for_a_header_is_an_error)
{
	u64 hdr = skb_stats.drop[R(DEV_HDR)];
	struct sk_buff *skb;

	fixture_up(true);
	make(NUD_STALE);     /* built field by field */
	skb = alloc_skb(40); /* no headroom at all */
	skb_reset_network_header(skb);
	memset(skb_put(skb, 40), 3, 40);
	skb->dev = dev;
	fail_alloc(1);
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), -EINVAL);
	local_bh_enable();
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(skb_stats.drop[R(DEV_HDR)] - hdr, 1);
	neigh_release(n);
	fixture_down();
}

TEST(a_dead_entry_sends_nothing)
{
	u64 dead = skb_stats.drop[R(NEIGH_DEAD)];

	fixture_up(true);
	make(NUD_INCOMPLETE);
	dev_close(dev);
	CHECK(n->dead);
	CHECK_EQ(skb_stats.drop[R(NEIGH_DEAD)] - dead, 1); /* the one that waited */
	CHECK_EQ(dev_open(dev), 0);
	nr_frames = 0;
	CHECK_EQ(send_packet(1), -EINVAL);
	CHECK_EQ(skb_stats.drop[R(NEIGH_DEAD)] - dead, 2);
	CHECK_EQ(nr_frames, 0);
	neigh_release(n);
	fixture_down();
}

/* --- Kinds of destination --------------------------------------------------------------------------------------------------------------------- */

static const struct kind_row {
	const char *name;
	u32 key;
	u8 kind;
	u8 ha[6];
} kinds[] = {
	{ "a_host", 0x0a000002, NEIGH_RESOLVE, { 0 } },
	{ "the_subnet", 0x0a0000ff, NEIGH_BROADCAST, { 255, 255, 255, 255, 255, 255 } },
	{ "the_subnet_the_old_way", 0x0a000000, NEIGH_BROADCAST, { 255, 255, 255, 255, 255, 255 } },
	{ "everybody", 0xffffffff, NEIGH_BROADCAST, { 255, 255, 255, 255, 255, 255 } },
	{ "first_group", 0xe0000000, NEIGH_MULTICAST, { 1, 0, 0x5e, 0, 0, 0 } },
	{ "bit_24_is_lost", 0xe0800001, NEIGH_MULTICAST, { 1, 0, 0x5e, 0, 0, 1 } },
	{ "bit_23_is_kept", 0xe0400001, NEIGH_MULTICAST, { 1, 0, 0x5e, 0x40, 0, 1 } },
	{ "last_group", 0xefffffff, NEIGH_MULTICAST, { 1, 0, 0x5e, 0x7f, 0xff, 0xff } },
	{ "another_subnets_broadcast", 0x0a0001ff, NEIGH_RESOLVE, { 0 } },
};

TEST_EACH(kind, kinds)
{
	fixture_up(true);
	n = neigh_lookup_create(net, htonl(row->key), dev);
	CHECK_EQ(n->kind, row->kind);
	CHECK_EQ(n->nud_state, row->kind == NEIGH_RESOLVE ? NUD_NONE : NUD_NOARP);
	CHECK(!memcmp(n->ha, row->ha, 6));
	CHECK_EQ(n->hh_len != 0, row->kind != NEIGH_RESOLVE);
	/* What follows from the address alone is not learnt from anybody. */
	local_bh_disable();
	neigh_learn(n, evil_mac, true);
	local_bh_enable();
	CHECK_EQ(!memcmp(n->ha, evil_mac, 6), row->kind == NEIGH_RESOLVE);
	neigh_release(n);
	fixture_down();
}

TEST(loopback_and_devices_without_arp_need_no_question)
{
	fixture_up(true);
	n = neigh_lookup_create(net, IP4(127, 0, 0, 1), net->loopback_dev);
	CHECK_EQ(n->kind, NEIGH_OWN);
	CHECK_EQ(n->nud_state, NUD_NOARP);
	CHECK_EQ(n->hh_len, 0); /* no link header there */
	neigh_release(n);
	dev->flags |= IFF_NOARP;
	n = neigh_lookup_create(net, PEER_IP, dev);
	CHECK_EQ(n->kind, NEIGH_OWN);
	CHECK(!memcmp(n->ha, our_mac, 6));
	neigh_release(n);
	nr_frames = 0;
	arp_announce(dev, OUR_IP); /* nobody would listen */
	arp_announce(net->loopback_dev, IP4(127, 0, 0, 1));
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

TEST(an_address_that_changes_what_an_entry_means_ends_it)
{
	struct neighbour *keep;

	fixture_up(true);
	n = neigh_lookup_create(net, IP4(10, 0, 0, 127), dev);
	keep = neigh_lookup_create(net, PEER_IP, dev);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 25), 0); /* .127 means everybody now */
	CHECK(n->dead);
	CHECK(!keep->dead);
	neigh_release(n);
	neigh_release(keep);
	n = neigh_lookup_create(net, IP4(10, 0, 0, 127), dev);
	CHECK_EQ(n->kind, NEIGH_BROADCAST);
	neigh_release(n);
	fixture_down();
}

TEST(a_permanent_entry_outlives_a_change_of_address)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 127), dev, peer_mac), 0);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 25), 0);
	n = neigh_lookup_create(net, IP4(10, 0, 0, 127), dev);
	CHECK_EQ(n->nud_state, NUD_PERMANENT);
	neigh_release(n);
	fixture_down();
}

/* --- neigh=: errors ------------------------------------------------------------------------------------------------------------------------ */

static const struct permanent_row {
	const char *name;
	u8 mac[6];
	bool down, full, no_memory;
	int err;
} permanents[] = {
	{ "unicast", { 2, 0, 0, 0, 0, 2 }, false, false, false, 0 },
	{ "group", { 1, 0, 0x5e, 0, 0, 1 }, false, false, false, -EINVAL },
	{ "everybody", { 255, 255, 255, 255, 255, 255 }, false, false, false, -EINVAL },
	{ "zeros", { 0 }, false, false, false, -EINVAL },
	{ "device_down", { 2, 0, 0, 0, 0, 2 }, true, false, false, -EINVAL },
	{ "table_full", { 2, 0, 0, 0, 0, 2 }, false, true, false, -ENOBUFS },
	{ "no_memory", { 2, 0, 0, 0, 0, 2 }, false, false, true, -ENOMEM },
};

TEST_EACH(permanent, permanents)
{
	fixture_up(true);
	if (row->down)
		dev_close(dev);
	if (row->full)
		net->arp_tbl->max_entries = 0;
	if (row->no_memory)
		fail_alloc(1);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, row->mac), row->err);
	(void)fail_over();
	CHECK_EQ(page_has(arp_show, "10.0.0.2         0x1         0x6         02:00:00:00:00:02"),
		 !row->err);
	CHECK_EQ(net->arp_tbl->entries, !row->err);
	fixture_down();
}

/* --- Eviction, collection ------------------------------------------------------------------------------------------------------------------- */

TEST(who_is_evicted)
{
	struct neighbour *used, *fresh, *failed;

	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 50), dev, peer_mac), 0);
	used = neigh_lookup_create(net, IP4(10, 0, 0, 51), dev);
	used->used_ns = host_clock();
	host_clock_set(host_clock() + SEC);
	fresh = neigh_lookup_create(net, IP4(10, 0, 0, 52), dev); /* younger, but never used */
	failed = neigh_lookup_create(net, IP4(10, 0, 0, 53), dev);
	failed->nud_state = NUD_FAILED;
	failed->used_ns = host_clock();
	net->arp_tbl->max_entries = 4;
	/* Held ones stay, all of them. */
	CHECK_EQ(PTR_ERR(neigh_lookup_create(net, IP4(10, 0, 0, 60), dev)), -ENOBUFS);
	neigh_release(used);
	neigh_release(fresh);
	/* First the failed one... */
	count_sub(&failed->refs, 1);
	n = neigh_lookup_create(net, IP4(10, 0, 0, 60), dev);
	CHECK(!page_has(arp_show, "10.0.0.53"));
	/* ... then the one that was never used, ... */
	neigh_release(neigh_lookup_create(net, IP4(10, 0, 0, 61), dev));
	CHECK(!page_has(arp_show, "10.0.0.52"));
	CHECK(page_has(arp_show, "10.0.0.51"));
	/* ... then the youngest unused; never what is held or permanent, and the used one last. */
	neigh_release(neigh_lookup_create(net, IP4(10, 0, 0, 62), dev));
	CHECK(!page_has(arp_show, "10.0.0.61"));
	CHECK(page_has(arp_show, "10.0.0.51"));
	CHECK(page_has(arp_show, "10.0.0.50"));
	CHECK(page_has(arp_show, "10.0.0.60"));
	CHECK_EQ(net->arp_tbl->stats.evictions, 3);
	neigh_release(n);
	fixture_down();
}

/* Among many that were never used the oldest goes, wherever it hangs; among many used ones the one used longest ago. */
TEST(the_oldest_of_many_is_evicted)
{
	enum { MANY = 40 };
	char ip[24];

	fixture_up(true);
	for (u32 used = 0; used < 2; used++) {
		for (u32 i = 0; i < MANY; i++) {
			u32 host = 20 + i * 7 % MANY; /* not in the order of the addresses */
			struct neighbour *e;

			host_clock_set(host_clock() + MSEC);
			e = neigh_lookup_create(net, htonl(0x0a000000 + host), dev);
			e->used_ns = used ? host_clock() : 0;
			neigh_release(e);
		}
		net->arp_tbl->max_entries = net->arp_tbl->entries;
		for (u32 i = 0; i < MANY / 2; i++) {
			struct neighbour *e;

			host_clock_set(host_clock() + MSEC);
			snprintf(ip, sizeof(ip), "10.0.0.%u ", 20 + i * 7 % MANY);
			CHECK(page_has(arp_show, ip));
			e = neigh_lookup_create(net, htonl(0x0a000080 + i), dev);
			e->used_ns = host_clock();
			neigh_release(e);
			CHECK(!page_has(arp_show, ip));
		}
		net->arp_tbl->max_entries = 1024;
		CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
		dev_close(dev); /* empties the table */
		CHECK_EQ(dev_open(dev), 0);
		CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
	}
	fixture_down();
}

static const struct garbage_row {
	const char *name;
	u8 state;
	bool held;
	u64 after_s;
	bool gone;
} garbage[] = {
	{ "failed", NUD_FAILED, false, 16, true },
	{ "failed_but_held", NUD_FAILED, true, 200, false },
	{ "stale_young", NUD_STALE, false, 50, false },
	{ "stale_old", NUD_STALE, false, 80, true },
	{ "stale_old_but_held", NUD_STALE, true, 200, false },
	{ "never_resolved", NUD_NONE, false, 80, true },
	{ "permanent", NUD_PERMANENT, false, 500, false },
};

TEST_EACH(collector, garbage)
{
	fixture_up(true);
	n = neigh_lookup_create(net, PEER_IP, dev);
	if (row->state == NUD_PERMANENT)
		CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	n->nud_state = row->state;
	n->used_ns = n->confirmed_ns = host_clock();
	if (!row->held)
		neigh_release(n);
	host_clock_advance(row->after_s * SEC);
	CHECK_EQ(net->arp_tbl->entries, !row->gone);
	if (row->held)
		neigh_release(n);
	fixture_down();
}

TEST(an_empty_table_needs_no_timer)
{
	fixture_up(true);
	neigh_release(neigh_lookup_create(net, PEER_IP, dev));
	CHECK(timer_pending(&net->arp_tbl->gc_timer));
	host_clock_advance(100 * SEC);
	CHECK_EQ(net->arp_tbl->entries, 0);
	CHECK(!timer_pending(&net->arp_tbl->gc_timer));
	neigh_release(neigh_lookup_create(net, PEER_IP, dev));
	CHECK(timer_pending(&net->arp_tbl->gc_timer));
	fixture_down();
}

TEST(reachable_time_is_drawn_anew_every_five_minutes)
{
	u64 first, again;

	fixture_up(true);
	n = neigh_lookup_create(net, PEER_IP, dev);
	first = net->arp_tbl->reachable_ns;
	host_clock_advance(280 * SEC);
	CHECK_EQ(net->arp_tbl->reachable_ns, first);
	host_clock_advance(40 * SEC);
	again = net->arp_tbl->reachable_ns;
	CHECK(again != first);
	CHECK(again >= 15 * SEC && again <= 45 * SEC);
	neigh_release(n);
	fixture_down();
}

/* --- Corners ------------------------------------------------------------------------------------------------------------------ */

static struct net_device *second_device(void)
{
	struct net_device *d = alloc_etherdev(net, 0);

	d->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(d), 0);
	CHECK_EQ(dev_open(d), 0);
	return d;
}

/* Entries for one address are told apart by their device, also when they meet in one bucket. */
TEST(one_address_on_two_devices)
{
	struct net_device *dev2;
	struct neighbour *a, *b;

	fixture_up(true);
	dev2 = second_device();
	a = neigh_lookup_create(net, PEER_IP, dev);
	b = neigh_lookup_create(net, PEER_IP, dev2);
	CHECK(a != b && a->dev == dev && b->dev == dev2);
	local_bh_disable();
	CHECK(neigh_find(net->arp_tbl, PEER_IP, dev) == a);
	CHECK(neigh_find(net->arp_tbl, PEER_IP, dev2) == b);
	list_del_init(&b->node);
	list_add_tail(&b->node, &a->node); /* right before it */
	CHECK(neigh_find(net->arp_tbl, PEER_IP, dev) == a);
	local_bh_enable();
	neigh_release(a);
	neigh_release(b);
	unregister_netdev(dev2);
	free_netdev(dev2);
	fixture_down();
}

TEST(another_link_header_is_not_kept_ready)
{
	fixture_up(true);
	dev->hard_header_len = 18;
	make(NUD_REACHABLE);
	CHECK_EQ(n->hh_len, 0);
	nr_frames = 0;
	CHECK_EQ(send_packet(1), 0); /* built field by field */
	CHECK(frame_ip(0) && !memcmp(frames[0].b, peer_mac, 6));
	neigh_release(n);
	fixture_down();
}

TEST(an_answer_that_nobody_used_grows_stale_without_a_question)
{
	fixture_up(true);
	make(NUD_NONE);
	e_answer();
	CHECK_EQ(n->nud_state, NUD_REACHABLE);
	CHECK_EQ(n->used_ns, 0);
	host_clock_advance(50 * SEC);
	CHECK_EQ(n->nud_state, NUD_STALE);
	CHECK_EQ(questions(), 0);
	neigh_release(n);
	fixture_down();
}

TEST(a_packet_without_a_route_has_nobody_to_tell)
{
	struct sk_buff *skb;

	fixture_up(true);
	n = neigh_lookup_create(net, PEER_IP, dev);
	skb = packet(1);
	skb_dst_drop(skb);
	local_bh_disable();
	CHECK_EQ(neigh_output(n, skb), 0);
	local_bh_enable();
	host_clock_advance(4 * SEC);
	CHECK_EQ(n->nud_state, NUD_FAILED);
	CHECK_EQ(skb_stats.live, 0);
	neigh_release(n);
	fixture_down();
}

/* The injected fault: nobody hears our questions. */
TEST(questions_that_get_lost)
{
	fixture_up(true);
	n = neigh_lookup_create(net, PEER_IP, dev);
	faults[FAULT_ARP_TIMEOUT] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	CHECK_EQ(send_packet(1), 0);
	host_clock_advance(4 * SEC);
	faults_armed = false;
	CHECK_EQ(faults[FAULT_ARP_TIMEOUT].hits, 3);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(n->nud_state, NUD_FAILED);
	faults[FAULT_ARP_TIMEOUT].on = false;
	CHECK_EQ(send_packet(2), 0);
	e_answer();
	CHECK_EQ(n->nud_state, NUD_REACHABLE); /* and it recovers */
	neigh_release(n);
	fixture_down();
}

TEST(the_table_may_go_before_its_devices)
{
	struct net *fresh = net_alloc();
	struct net_device *d = alloc_etherdev(fresh, 0);

	CHECK_EQ(arp_net_init(fresh), 0);
	d->netdev_ops = &fake_ops;
	CHECK_EQ(register_netdev(d), 0);
	CHECK_EQ(dev_open(d), 0);
	neigh_release(neigh_lookup_create(fresh, PEER_IP, d));
	neigh_release(neigh_lookup_create(fresh, OUR_IP, d));
	CHECK_EQ(fresh->arp_tbl->entries, 2);
	arp_net_exit(fresh);
	unregister_netdev(d); /* news of which nobody is left to hear */
	free_netdev(d);
	net_free(fresh);
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------------------- */

static void deaf(struct net_device *d, enum netdev_event ev)
{
	(void)d;
	(void)ev;
}

static void pack(struct sk_buff *skb, struct net_device *d)
{
	(void)d;
	consume_skb(skb);
}

TEST(comes_up_or_not_at_all)
{
	struct net *fresh = net_alloc();

	fail_alloc(1);
	CHECK_EQ(arp_net_init(fresh), -ENOMEM);
	(void)fail_over();
	CHECK(!fresh->arp_tbl);
	for (u32 i = 0; i < NET_MAX_PTYPES; i++)
		CHECK_EQ(dev_add_pack(fresh, htons(0x9000 + i), pack), 0);
	CHECK_EQ(arp_net_init(fresh), -ENOSPC);
	CHECK(!fresh->arp_tbl);
	dev_remove_pack(fresh, htons(0x9000));
	for (u32 i = 0; i < NET_MAX_NOTIFIERS; i++)
		fresh->notifier[i] = deaf;
	/* The list of ears is full: checked by a name that is not on it. */
	CHECK_EQ(arp_net_init(fresh), -ENOSPC);
	CHECK(!fresh->arp_tbl);
	arp_net_exit(fresh); /* nothing there: no harm */
	net_free(fresh);
}

/* --- A flush ----------------------------------------------------------------------------------------------------------- */
static const struct flush_row {
	const char *name;
	u8 state;
	bool stays;
} flush_rows[] = {
	{ "none", NUD_NONE, false },     { "incomplete", NUD_INCOMPLETE, false },
	{ "failed", NUD_FAILED, false }, { "reachable", NUD_REACHABLE, false },
	{ "stale", NUD_STALE, false },   { "delay", NUD_DELAY, false },
	{ "probe", NUD_PROBE, false },   { "permanent", NUD_PERMANENT, true },
};

/* An entry that is held stays in the table and knows nothing: the next packet asks everybody again. */
TEST_EACH(flush_of_a_held_entry, flush_rows)
{
	fixture_up(true);
	make(row->state);
	neigh_flush(net);
	CHECK_EQ(n->dead, false);
	CHECK_EQ(n->nud_state, row->stays ? NUD_PERMANENT : NUD_NONE);
	CHECK_EQ(n->arp_queue.qlen, 0);
	nr_frames = 0;
	host_clock_advance(20 * SEC); /* no timer of the past runs */
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(send_packet(0), 0);
	CHECK_EQ(questions(), !row->stays);
	neigh_release(n);
	fixture_down();
}

TEST_EACH(flush_of_a_free_entry, flush_rows)
{
	struct neighbour *again;

	fixture_up(true);
	make(row->state);
	again = n;
	neigh_release(n);
	neigh_flush(net);
	n = neigh_lookup_create(net, PEER_IP, dev);
	CHECK_EQ(n->nud_state, row->stays ? NUD_PERMANENT : NUD_NONE);
	CHECK(!row->stays || n == again);
	neigh_release(n);
	fixture_down();
}

KTEST_MAIN_BOOT()
