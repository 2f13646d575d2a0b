// SPDX-License-Identifier: MIT
/*
 * fq_codel: flows that share, new ones that go first, the fattest that loses, marks instead of drops, memory, the end. Time
 * is virtual and the driver is closed while queues fill.
 */
#include "rig.h"

/* Takes one packet by hand and says whose it was; ~0: none. */
static u32 next_mark(void)
{
	struct sk_buff *skb = take();
	u32 mark = skb ? skb->mark : ~0u;

	if (skb)
		consume_skb(skb);
	return mark;
}

static const char *stats_line(const char *name)
{
	const char *at = strstr(page(), name);

	CHECK(at);
	return at ? at + strlen(name) : "";
}

static u64 stat(const char *name)
{
	return strtoull(stats_line(name), NULL, 10);
}

TEST(counters_by_default)
{
	up("fq_codel");
	CHECK_EQ(send(1, 0, 100), 0);
	CHECK_EQ(txq->qdisc->bypass, 1);
	CHECK(strstr(page(),
		     " Sent 100 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)\n"
		     " backlog 0b 0p requeues 0\n"
		     "  maxpacket 256 drop_overlimit 0 new_flow_count 0 ecn_mark 0 memory_used 0 "
		     "drop_overmemory 0\n"
		     "  new_flows_len 0 old_flows_len 0\n"));
	wire_close();
	CHECK_EQ(send(1, 0, 1000), 0);
	CHECK_EQ(send(1, 0, 1000), 0);
	CHECK_EQ(send(2, 0, 1000), 0);
	CHECK_EQ(stat("new_flow_count "), 2);
	CHECK_EQ(stat("new_flows_len "), 2);
	CHECK(stat("memory_used ") > 3000);
	check_conserved(txq->qdisc);
	wire_open();
	CHECK_EQ(wire.n, 4);
	CHECK_EQ(stat("memory_used "), 0);
	CHECK_EQ(stat("maxpacket "), 1000);
	check_conserved(txq->qdisc);
	down();
}

/* Flow 1 sends packets of @a bytes, flow 2 of @b: in the long run each has the same bytes. */
static const struct share_row {
	const char *name;
	const char *qdisc;
	u32 a, b;
} shares[] = {
	{ "equal", "fq_codel,target=100s", 1000, 1000 },
	{ "ten_to_one", "fq_codel,target=100s", 1500, 150 },
	{ "small_quantum", "fq_codel,target=100s,quantum=300", 1500, 100 },
	{ "large_quantum", "fq_codel,target=100s,quantum=9000", 1500, 500 },
};

TEST_EACH(fair_by_bytes, shares)
{
	u64 bytes[3] = { 0 };

	up(row->qdisc);
	wire_close();
	for (u32 i = 0; i < 1000; i++)
		CHECK_EQ(send(1, 1, row->a), 0);
	for (u32 i = 0; i < 1000 * row->a / row->b && i < 9000; i++)
		CHECK_EQ(send(2, 2, row->b), 0);
	for (u32 i = 0; i < 900; i++) {
		struct sk_buff *skb = take();

		CHECK(skb);
		bytes[skb->mark] += skb->len;
		consume_skb(skb);
	}
	CHECK(bytes[1] + 9000 + 1514 > bytes[2] && bytes[2] + 9000 + 1514 > bytes[1]);
	check_conserved(txq->qdisc);
	down();
}

/* RFC 8290 (1.3): a flow that was not there goes before those that queue. */
TEST(a_new_flow_goes_first)
{
	up("fq_codel");
	wire_close();
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, 1, 1500), 0);
	CHECK_EQ(next_mark(), 1);
	CHECK_EQ(next_mark(), 1); /* the quantum was not used up by the first */
	CHECK_EQ(next_mark(), 1); /* an old one now, but alone */
	CHECK_EQ(send(2, 2, 100), 0);
	CHECK_EQ(next_mark(), 2);
	CHECK_EQ(next_mark(), 1);
	down();
}

/* Who sends one packet at a time does not stay new for ever: it passes the old flows once. */
TEST(a_sparse_flow_cannot_starve_the_others)
{
	u32 own = 0, others = 0;

	up("fq_codel,target=100s");
	wire_close();
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(send(1, 1, 1500), 0);
	for (u32 i = 0; i < 40; i++) {
		u32 mark;

		CHECK_EQ(send(2, 2, 1500), 0);
		mark = next_mark();
		own += mark == 2;
		others += mark == 1;
	}
	CHECK(others >= 15 && own >= 15);
	down();
}

/* @others send @each packets, flow 1 sends @fat: @dropped go when the limit is passed, all from flow 1's head. */
static const struct fat_row {
	const char *name, *qdisc;
	u32 others, each, fat, dropped, first;
	bool own; /* flow 1 sent the last packet */
} fats[] = {
	{ "half_of_the_fattest", "fq_codel,limit=100", 10, 4, 60, 30, 30, false },
	{ "at_most_a_batch", "fq_codel,limit=400", 10, 4, 360, 64, 64, false },
	{ "a_batch_of_one", "fq_codel,limit=100,drop_batch=1", 10, 4, 60, 1, 1, false },
	{ "own_flow", "fq_codel,limit=60", 0, 0, 60, 31, 31, true },
};

TEST_EACH(overflow, fats)
{
	u64 dropped = skb_stats.drop[R(QDISC_DROP)];

	up(row->qdisc);
	wire_close();
	for (u32 i = 0; i < row->fat; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	for (u32 f = 0; f < row->others; f++)
		for (u32 i = 0; i < row->each; i++)
			CHECK_EQ(send(10 + f, 1000, 100), 0);
	CHECK_EQ(txq->qdisc->drops, 0);
	CHECK_EQ(send(row->own ? 1 : 10, 2000, row->own ? 1000 : 100),
		 row->own ? NET_XMIT_CN : NET_XMIT_SUCCESS);
	CHECK_EQ(txq->qdisc->drops, row->dropped);
	CHECK_EQ(txq->qdisc->lost.packets, row->dropped);
	CHECK_EQ(skb_stats.drop[R(QDISC_DROP)] - dropped, row->dropped);
	CHECK_EQ(stat("drop_overlimit "), row->dropped);
	CHECK_EQ(stat("drop_overmemory "), 0);
	check_conserved(txq->qdisc);
	CHECK_EQ(next_mark(), row->first); /* the oldest of flow 1 that is left */
	down();
}

TEST(memory_is_limited_too)
{
	up("fq_codel,memory_limit=100kb");
	wire_close();
	for (u32 i = 0; i < 200; i++)
		CHECK(send(1, i, 1000) != NET_XMIT_DROP);
	CHECK(stat("memory_used ") <= 100 * 1024);
	CHECK(stat("drop_overmemory ") > 0);
	CHECK_EQ(stat("drop_overmemory "), stat("drop_overlimit "));
	check_conserved(txq->qdisc);
	down();
}

/* The queue stood above target for an interval: the next packet is marked when it can be, else dropped. */
static const struct mark_row {
	const char *name, *qdisc;
	u8 tos;
	bool shared, no_memory, arp;
	u8 left; /* tos of the packet that leaves; 0xff: it was dropped, the next one leaves */
} marks[] = {
	{ "ect_0", "fq_codel", 0x02, false, false, false, 0x03 },
	{ "ect_1", "fq_codel", 0x01, false, false, false, 0x03 },
	{ "with_a_code_point", "fq_codel", 0xb9 | 0x02, false, false, false, 0xbb },
	{ "marked_already", "fq_codel", 0x03, false, false, false, 0x03 },
	{ "shared_header", "fq_codel", 0x02, true, false, false, 0x03 },
	{ "shared_and_no_memory", "fq_codel", 0x02, true, true, false, 0xff },
	{ "not_capable", "fq_codel", 0x00, false, false, false, 0xff },
	{ "not_wanted", "fq_codel,noecn", 0x02, false, false, false, 0xff },
	{ "no_ip", "fq_codel", 0x02, false, false, true, 0xff },
};

static struct sk_buff *with_tos(u32 mark, u8 tos, bool arp)
{
	struct sk_buff *skb = packet(1, mark, 1500);

	ip_hdr(skb)->tos = tos;
	ip_hdr(skb)->check = 0;
	ip_hdr(skb)->check = ip_fast_csum(ip_hdr(skb), 5);
	if (arp)
		skb->protocol = htons(ETH_P_ARP);
	return skb;
}

TEST_EACH(congestion, marks)
{
	u64 dropped = skb_stats.drop[R(QDISC_CONGESTED)];
	struct sk_buff *skb, *original = NULL;

	up(row->qdisc);
	wire_close();
	for (u32 i = 0; i < 6; i++) {
		skb = with_tos(i, row->tos, row->arp);
		if (row->shared && i == 1) {
			original = skb;
			skb = skb_clone(original);
			consume_skb(
				skb_clone(original)); /* not the first one: nothing is its own */
			skb->own_headroom = 0;
		}
		CHECK_EQ(dev_queue_xmit(skb), 0);
	}
	host_clock_advance(10 * MS);
	CHECK_EQ(next_mark(), 0); /* above target since now */
	host_clock_advance(100 * MS);
	if (row->no_memory)
		fail_alloc(1, 1);
	skb = take();
	fail_none();
	CHECK(skb);
	if (row->left == 0xff) {
		CHECK_EQ(skb->mark, 2);
		CHECK_EQ(txq->qdisc->drops, 1);
		CHECK_EQ(skb_stats.drop[R(QDISC_CONGESTED)] - dropped, 1);
		CHECK_EQ(stat("ecn_mark "), 0);
	} else {
		CHECK_EQ(skb->mark, 1);
		CHECK_EQ(ip_hdr(skb)->tos, row->left);
		CHECK_EQ(ip_fast_csum(ip_hdr(skb), 5), 0);
		CHECK_EQ(stat("ecn_mark "), 1);
		CHECK_EQ(txq->qdisc->drops, 0);
	}
	consume_skb(skb);
	if (original) {
		CHECK_EQ(ip_hdr(original)->tos, row->tos); /* nobody else's byte was touched */
		consume_skb(original);
	}
	check_conserved(txq->qdisc);
	down();
}

/* A long queue drains: CoDel drops ever more often, until the delay is below target; every one is counted. */
TEST(a_standing_queue_shrinks)
{
	u32 sent = 0;

	up("fq_codel");
	wire_close();
	for (u32 t = 0; t < 4000; t++) { /* in: 1.2 packets a ms, out: 1 */
		for (u32 i = 0; i < 1 + (t % 5 == 0); i++, sent++)
			CHECK_EQ(send(1, sent, 1000), 0);
		(void)next_mark();
		host_clock_advance(MS);
	}
	CHECK(txq->qdisc->drops > 100);
	CHECK_EQ(sent, txq->qdisc->out.packets + txq->qdisc->drops + txq->qdisc->qlen);
	check_conserved(txq->qdisc);
	down();
}

TEST(no_memory_for_the_flows)
{
	struct qdisc_spec spec;

	up("pfifo_fast");
	spec = spec_of("fq_codel");
	for (u64 nth = 1; nth <= 3; nth++) {
		fail_alloc(nth, 0);
		CHECK(!qdisc_create_spec(&spec, txq));
		fail_none();
	}
	down();
}

TEST(the_end_gives_everything_back)
{
	u64 reset = skb_stats.drop[R(QDISC_RESET)];

	up("fq_codel");
	wire_close();
	for (u32 i = 0; i < 300; i++)
		CHECK_EQ(send(i, i, 100), 0);
	CHECK_EQ(txq->qdisc->qlen, 300);
	down();
	CHECK_EQ(skb_stats.drop[R(QDISC_RESET)] - reset, 300);
}

/* Packets without a flow that is known share one. */
TEST(what_is_no_ip_is_one_flow)
{
	up("fq_codel");
	wire_close();
	for (u32 i = 0; i < 10; i++) {
		struct sk_buff *skb = packet(i, i, 100);

		skb->protocol = htons(ETH_P_ARP);
		CHECK_EQ(dev_queue_xmit(skb), 0);
	}
	CHECK_EQ(stat("new_flow_count "), 1);
	down();
}

KTEST_MAIN_BOOT()
