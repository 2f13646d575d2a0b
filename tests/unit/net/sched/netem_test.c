// SPDX-License-Identifier: MIT
/*
 * netem: what happens to how many packets, when they leave, and that the seed alone decides it.
 */
#include "rig.h"

static u64 stat(const char *name)
{
	const char *at = strstr(page(), name);

	CHECK(at);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

enum { MANY = 20000 };

/* 20,000 packets a ms apart; everything that left is in wire. */
static void run(const char *text)
{
	up(text);
	for (u32 i = 0; i < MANY; i++) {
		CHECK(send(1, i, 100) != NET_XMIT_DROP);
		host_clock_advance(MS);
	}
	host_clock_advance(2000 * MS);
	CHECK_EQ(txq->qdisc->qlen, 0);
	check_conserved(txq->qdisc);
}

static const struct share_row {
	const char *name, *text, *counter;
	double share; /* of the packets */
	int left;     /* for each one counted, so many packets more leave */
} shares[] = {
	{ "loses_none", "netem,delay=1ms,seed=1", "lost_wire ", 0, -1 },
	{ "loses_1", "netem,loss=1%,seed=1", "lost_wire ", 0.01, -1 },
	{ "loses_half", "netem,loss=50%,seed=2", "lost_wire ", 0.5, -1 },
	{ "loses_all", "netem,loss=100%,seed=3", "lost_wire ", 1, -1 },
	{ "loses_in_bursts", "netem,loss=10%,burst=5,seed=4", "lost_wire ", 0.1, -1 },
	{ "loses_most_in_bursts", "netem,loss=70%,burst=10,seed=5", "lost_wire ", 0.7, -1 },
	{ "doubles", "netem,dup=5%,seed=6", "duplicated ", 0.05, 1 },
	{ "doubles_all", "netem,dup=100%,seed=7", "duplicated ", 1, 1 },
	{ "overtakes", "netem,delay=10ms,reorder=25%,seed=8", "reordered ", 0.25, 0 },
	{ "bends", "netem,corrupt=2%,seed=9", "corrupted ", 0.02, 0 },
};

TEST_EACH(share, shares)
{
	double got, slack = 0.015;
	u64 n;

	run(row->text);
	n = stat(row->counter);
	got = (double)n / MANY;
	CHECK(got >= row->share - slack && got <= row->share + slack);
	if (row->share < 0.05)
		CHECK(got >= row->share * 0.8 && got <= row->share * 1.2);
	CHECK_EQ((s64)wire.n, MANY + row->left * (s64)n);
	CHECK_EQ(txq->qdisc->drops, row->left < 0 ? n : 0);
	down();
}

TEST(lost_is_dropped_and_the_sender_is_not_told)
{
	u64 dropped = skb_stats.drop[R(QDISC_DROP)];

	up("netem,loss=100%,seed=1");
	CHECK_EQ(send(1, 0, 100), NET_XMIT_SUCCESS);
	CHECK_EQ(txq->qdisc->drops, 1);
	CHECK_EQ(skb_stats.drop[R(QDISC_DROP)] - dropped, 1);
	down();
}

/* Losses come in runs of the length asked for; the runs are geometrical. */
TEST(mean_length_of_a_burst)
{
	u32 bursts = 0, lost = 0, next = 0, longest = 0;

	run("netem,loss=10%,burst=5,seed=11");
	for (u32 i = 0; i <= wire.n; i++) {
		u32 mark = i < wire.n ? wire.log[i].mark : MANY;

		if (mark != next) {
			bursts++;
			lost += mark - next;
			longest = max(longest, mark - next);
		}
		next = mark + 1;
	}
	CHECK((double)lost / bursts > 4.3 && (double)lost / bursts < 5.7);
	CHECK(longest > 15);
	down();
}

TEST(single_losses_do_not_come_in_bursts)
{
	u32 bursts = 0, lost = 0, next = 0;

	run("netem,loss=10%,seed=11");
	for (u32 i = 0; i < wire.n; i++) {
		bursts += wire.log[i].mark != next;
		lost += wire.log[i].mark - next;
		next = wire.log[i].mark + 1;
	}
	CHECK((double)lost / bursts < 1.2);
	down();
}

/* Delays are even over delay - jitter .. delay + jitter. */
static const struct delay_row {
	const char *name, *text;
	u64 lo_ns, hi_ns;
} delays[] = {
	{ "fixed", "netem,delay=20ms,seed=1", 20 * MS, 20 * MS },
	{ "jitter", "netem,delay=20ms,jitter=5ms,seed=2", 15 * MS, 25 * MS },
	{ "down_to_nothing", "netem,delay=1ms,jitter=1ms,seed=3", 0, 2 * MS },
	{ "one_ns", "netem,delay=1000ns,jitter=1ns,seed=4", 999, 1001 },
	{ "long", "netem,delay=600s,jitter=500s,seed=5", 100000 * MS, 1100000 * MS },
};

TEST_EACH(delay, delays)
{
	enum { N = 900 };
	u64 begin, least = UINT64_MAX, most = 0, below = 0, mid = (row->lo_ns + row->hi_ns) / 2;

	up(row->text);
	begin = ktime_get_ns();
	for (u32 i = 0; i < N; i++)
		CHECK_EQ(send(1, i, 100), 0);
	host_clock_advance(row->hi_ns);
	CHECK_EQ(wire.n, N);
	for (u32 i = 0; i < N; i++) {
		u64 at = wire.log[i].at_ns - begin;

		CHECK(!i || wire.log[i].at_ns >= wire.log[i - 1].at_ns);
		least = min(least, at);
		most = max(most, at);
		below += at < mid;
	}
	CHECK(least >= row->lo_ns && most <= row->hi_ns);
	if (row->hi_ns - row->lo_ns > 1000) {
		CHECK(least < row->lo_ns + (row->hi_ns - row->lo_ns) / 50);
		CHECK(most > row->hi_ns - (row->hi_ns - row->lo_ns) / 50);
		CHECK(below > N * 4 / 10 && below < N * 6 / 10);
	}
	down();
}

TEST(a_fixed_delay_keeps_the_order)
{
	run("netem,delay=20ms,seed=1");
	for (u32 i = 0; i < wire.n; i++)
		CHECK_EQ(wire.log[i].mark, i);
	down();
}

/* Every fifth packet goes at once, past those that wait. */
TEST(gap)
{
	up("netem,delay=10ms,reorder=100%,gap=5,seed=1");
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(send(1, i, 100), 0);
	CHECK_EQ(wire.n, 4);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(wire.log[i].mark, 4 + 5 * i);
	host_clock_advance(10 * MS);
	CHECK_EQ(wire.n, 20);
	CHECK_EQ(stat("reordered "), 4);
	down();
}

/* --- The seed ------------------------------------------------------------------------------------------------------------------- */
static u64 fingerprint(const char *text)
{
	u64 h = 14695981039346656037ull, begin;

	up(text);
	begin = ktime_get_ns();
	for (u32 i = 0; i < 500; i++) {
		(void)send(1, i, 100);
		host_clock_advance(MS);
	}
	host_clock_advance(1000 * MS);
	for (u32 i = 0; i < wire.n; i++)
		h = (h ^ wire.log[i].mark ^ (wire.log[i].at_ns - begin) << 20) * 1099511628211ull;
	down();
	return h;
}

#define ALL "netem,delay=20ms,jitter=10ms,loss=5%,dup=3%,reorder=10%,corrupt=2%"
TEST(same_seed_same_decisions)
{
	CHECK_EQ(fingerprint(ALL ",seed=7"), fingerprint(ALL ",seed=7"));
	CHECK(fingerprint(ALL ",seed=7") != fingerprint(ALL ",seed=8"));
	CHECK(fingerprint(ALL) != fingerprint(ALL)); /* none given: drawn, and shown */
	up(ALL);
	CHECK(strstr(page(), " seed "));
	down();
}

/* --- Corruption ------------------------------------------------------------------------------------------------------------------ */
static u32 differ;
static bool partial;

static void count_bits(struct sk_buff *skb)
{
	struct sk_buff *good = packet(1, skb->mark, skb->len);

	partial |= skb->ip_summed == CHECKSUM_PARTIAL;
	CHECK_EQ(skb->data_len, 0);
	for (u32 i = 0; i < skb->len; i++)
		differ += (u32)__builtin_popcount(skb->data[i] ^ good->data[i]);
	consume_skb(good);
}

TEST(one_bit_of_one_copy)
{
	struct sk_buff *original, *copy;

	up("netem,corrupt=100%,seed=1");
	wire.look = count_bits;
	differ = 0;
	original = packet(1, 0, 200);
	copy = skb_clone(original);
	CHECK_EQ(dev_queue_xmit(copy), 0);
	CHECK_EQ(wire.n, 1);
	CHECK_EQ(differ, 1);
	differ = 0;
	count_bits(original);
	CHECK_EQ(differ, 0); /* who shares the data does not see it */
	consume_skb(original);
	CHECK_EQ(send(1, 0, 200), 0);
	CHECK_EQ(differ, 1);
	down();
}

TEST(bent_after_it_was_summed)
{
	struct sk_buff *skb;
	u8 *frag;

	up("netem,corrupt=100%,seed=1");
	wire.look = NULL;
	skb = packet(1, 0, 100);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = 6;
	frag = alloc_page();
	memset(frag, 1, 100);
	CHECK_EQ(skb_add_frag(skb, frag, 100), 0);
	page_put(frag);
	local_bh_disable();
	{
		struct sk_buff *to_free = NULL;

		CHECK_EQ(txq->qdisc->ops->enqueue(skb, txq->qdisc, &to_free), 0);
		skb = txq->qdisc->ops->dequeue(txq->qdisc);
	}
	local_bh_enable();
	CHECK(skb && skb->data_len == 0 && skb->len == 200);
	CHECK_EQ(skb->ip_summed, CHECKSUM_NONE);
	consume_skb(skb);
	down();
}

TEST(of_many_in_one_a_single_one_bends)
{
	struct sk_buff *skb;

	up("netem,corrupt=100%,seed=1");
	skb = packet(1, 0, RIG_PAYLOAD + 5000);
	skb_shinfo(skb)->gso_size = 1000;
	skb_shinfo(skb)->gso_segs = 5;
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = 6;
	CHECK_EQ(dev_queue_xmit(skb), 0);
	CHECK_EQ(wire.n, 5);
	CHECK_EQ(stat("corrupted "), 1);
	check_conserved(txq->qdisc);
	down();
}

/* Without memory nothing is lost silently: a copy that cannot be made is not made, a packet that cannot bend is dropped. */
static const struct memory_row {
	const char *name, *text;
	u64 fails;
	bool cloned, big;
	int rc;
	u32 left, drops;
} memories[] = {
	{ "to_double", "netem,dup=100%,seed=1", 1, false, false, 0, 1, 0 },
	{ "to_bend_shared_data", "netem,corrupt=100%,seed=1", 1, true, false, NET_XMIT_DROP, 0, 1 },
	{ "to_bend_of_two", "netem,dup=100%,corrupt=100%,seed=1", 2, false, false, NET_XMIT_DROP, 1,
	  1 },
	{ "to_cut", "netem,corrupt=100%,seed=1", 1, false, true, NET_XMIT_DROP, 0, 1 },
};

TEST_EACH(no_memory, memories)
{
	struct sk_buff *skb, *original = NULL;

	up(row->text);
	skb = packet(1, 0, row->big ? RIG_PAYLOAD + 5000 : 200);
	if (row->big) {
		skb_shinfo(skb)->gso_size = 1000;
		skb_shinfo(skb)->gso_segs = 5;
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb->transport_header;
		skb->csum_offset = 6;
	}
	if (row->cloned) {
		original = skb;
		skb = skb_clone(original);
	}
	fail_alloc(row->fails, 1);
	CHECK_EQ(dev_queue_xmit(skb), row->rc);
	fail_none();
	CHECK_EQ(wire.n, row->left);
	CHECK_EQ(txq->qdisc->drops, row->drops);
	CHECK_EQ(stat("alloc_errors "), 1);
	if (original)
		consume_skb(original);
	check_conserved(txq->qdisc);
	down();
}

TEST(limit)
{
	up("netem,delay=1s,limit=10,seed=1");
	for (u32 i = 0; i < 15; i++)
		CHECK_EQ(send(1, i, 100), i < 10 ? NET_XMIT_SUCCESS : NET_XMIT_DROP);
	CHECK_EQ(txq->qdisc->drops, 5);
	check_conserved(txq->qdisc);
	host_clock_advance(1000 * MS);
	CHECK_EQ(wire.n, 10);
	down();
}

TEST(the_end_gives_everything_back)
{
	u64 reset = skb_stats.drop[R(QDISC_RESET)];

	up("netem,delay=1s,dup=100%,seed=1");
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, i, 100), 0);
	CHECK_EQ(txq->qdisc->qlen, 20);
	down();
	CHECK_EQ(skb_stats.drop[R(QDISC_RESET)] - reset, 20);
}

KTEST_MAIN_BOOT()
