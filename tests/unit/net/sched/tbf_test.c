// SPDX-License-Identifier: MIT
/*
 * tbf: the rate to the packet over any time, the burst, what is too long, what is too much, the child that holds the packets.
 */
#include "rig.h"

/* The driver is never in the way: what is late is late because of tbf. */
static const struct rate_row {
	const char *name, *text;
	u64 rate; /* bits a second */
	u32 burst, len, packets;
} rates[] = {
	{ "10mbit", "tbf,rate=10mbit,burst=3000,limit=100mb", 10000000, 3000, 1500, 20000 },
	{ "small_packets", "tbf,rate=10mbit,burst=3000,limit=100mb", 10000000, 3000, 60, 20000 },
	{ "a_rate_that_divides_nothing", "tbf,rate=9999991,burst=1600,limit=100mb", 9999991, 1600,
	  1499, 20000 },
	{ "slow", "tbf,rate=8kbit,burst=1500,limit=100mb", 8000, 1500, 333, 500 },
	{ "gigabit", "tbf,rate=1gbit,burst=64kb,limit=100mb", 1000000000, 65536, 1514, 20000 },
	{ "burst_of_one_packet", "tbf,rate=100mbit,burst=1514,limit=100mb", 100000000, 1514, 1514,
	  20000 },
};

TEST_EACH(long_run, rates)
{
	u64 begin, total;
	double bytes, exact;

	up(row->text);
	begin = ktime_get_ns();
	for (u32 i = 0; i < row->packets; i++)
		CHECK_EQ(send(1, i, row->len), 0);
	total = (u64)row->packets * row->len * 8 * NSEC_PER_SEC / row->rate;
	/* Never more than burst and rate allow, never a packet less, whenever one looks. */
	for (u32 step = 0; step < 50; step++) {
		host_clock_advance(total / 50 + step);
		exact = row->burst + (double)(ktime_get_ns() - begin) * (double)row->rate / 8e9;
		bytes = (double)wire.bytes;
		CHECK(bytes <= exact + 0.001);
		if (wire.n < row->packets)
			CHECK(bytes > exact - row->len - 1);
	}
	CHECK_EQ(wire.n, row->packets);
	for (u32 i = 0; i < wire.n; i++)
		CHECK_EQ(wire.log[i].mark, i);
	CHECK(txq->qdisc->overlimits > 0);
	CHECK_EQ(txq->qdisc->drops, 0);
	check_conserved(txq->qdisc);
	down();
}

TEST(a_full_bucket_goes_at_once)
{
	up("tbf,rate=1mbit,burst=5000,limit=100kb");
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	CHECK_EQ(wire.n, 5);
	CHECK_EQ(txq->qdisc->qlen, 5);
	host_clock_advance(7999 * US);
	CHECK_EQ(wire.n, 5);
	host_clock_advance(1 * US);
	CHECK_EQ(wire.n, 6); /* 1000 bytes take 8 ms, to the ns */
	CHECK_EQ(wire.log[5].at_ns - wire.log[4].at_ns, 8 * MS);
	host_clock_advance(1000 * MS);
	CHECK_EQ(wire.n, 10);
	/* It fills up to burst and not beyond. */
	host_clock_advance(100000 * MS);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	CHECK_EQ(wire.n, 15);
	down();
}

/* A queue of @limit bytes, one packet of them with the bucket already. */
static const struct limit_row {
	const char *name, *text;
	u32 sent, queued;
} limits[] = {
	{ "by_bytes", "tbf,rate=1mbit,burst=1000,limit=3000", 10, 3 },
	{ "not_a_whole_packet", "tbf,rate=1mbit,burst=1000,limit=3999", 10, 3 },
	{ "none", "tbf,rate=1mbit,burst=1000,limit=0", 10, 0 },
	/* 1 Mbit/s for 40 ms are 5000 bytes, and the burst. */
	{ "by_latency", "tbf,rate=1mbit,burst=1000,latency=40ms", 10, 6 },
	{ "enough", "tbf,rate=1mbit,burst=1000,latency=1s", 10, 9 },
};

TEST_EACH(limit, limits)
{
	u32 refused = 0;

	up(row->text);
	if (!row->queued) {
		CHECK_EQ(send(1, 0, 1000), NET_XMIT_DROP);
		check_conserved(txq->qdisc);
		down();
		return;
	}
	for (u32 i = 0; i < row->sent; i++)
		refused += send(1, i, 1000) == NET_XMIT_DROP;
	/* One left by the bucket, one waits in front for its time: the child counts only those behind. */
	CHECK_EQ(wire.n, 1);
	CHECK_EQ(txq->qdisc->qlen, min(row->queued + 1, row->sent - 1));
	CHECK_EQ(refused, row->sent - 1 - txq->qdisc->qlen);
	CHECK_EQ(txq->qdisc->drops, refused);
	check_conserved(txq->qdisc);
	down();
}

TEST(too_long_for_the_bucket)
{
	up("tbf,rate=1mbit,burst=1000,limit=100kb");
	CHECK_EQ(send(1, 0, 1001), NET_XMIT_DROP);
	CHECK_EQ(txq->qdisc->drops, 1);
	CHECK_EQ(send(1, 0, 1000), 0);
	CHECK_EQ(wire.n, 1);
	check_conserved(txq->qdisc);
	down();
}

/* A packet of UDP that stands for @n segments of 1000 bytes. */
static struct sk_buff *big_packet(u32 n)
{
	struct sk_buff *skb = packet(1, 7, RIG_PAYLOAD + 1000 * n);

	skb_shinfo(skb)->gso_size = 1000;
	skb_shinfo(skb)->gso_segs = (u16)n;
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = 6;
	return skb;
}

TEST(what_can_be_cut_is_cut)
{
	up("tbf,rate=8mbit,burst=1042,limit=100kb");
	CHECK_EQ(dev_queue_xmit(big_packet(5)), 0);
	CHECK_EQ(wire.n, 1);
	CHECK_EQ(txq->qdisc->qlen, 4);
	host_clock_advance(1042 * US);
	CHECK_EQ(wire.n, 2);
	host_clock_advance(10 * MS);
	CHECK_EQ(wire.n, 5);
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(wire.log[i].len, 1042);
	/* It fits into the bucket: the wire's bytes are counted, and the driver's layer cuts it. */
	check_conserved(txq->qdisc);
	down();
	up("tbf,rate=8mbit,burst=10000,limit=100kb");
	CHECK_EQ(dev_queue_xmit(big_packet(5)), 0);
	CHECK_EQ(wire.n, 5);
	CHECK_EQ(txq->qdisc->bytes, 5210);
	down();
}

static const struct cut_row {
	const char *name, *text;
	u64 fails;
	int rc;
	u32 drops;
} cuts[] = {
	{ "segments_too_long", "tbf,rate=8mbit,burst=1041,limit=100kb", 0, NET_XMIT_DROP, 5 },
	{ "no_memory", "tbf,rate=8mbit,burst=1042,limit=100kb", 1, NET_XMIT_DROP, 1 },
	{ "room_for_three", "tbf,rate=8mbit,burst=1042,limit=3200", 0, NET_XMIT_SUCCESS, 2 },
};

TEST_EACH(cut, cuts)
{
	struct sk_buff *skb;

	up(row->text);
	wire_close();
	skb = big_packet(5);
	if (row->fails)
		fail_alloc(row->fails, 1);
	CHECK_EQ(dev_queue_xmit(skb), row->rc);
	fail_none();
	CHECK_EQ(txq->qdisc->drops, row->drops);
	check_conserved(txq->qdisc);
	down();
}

/* --- The child --------------------------------------------------------------------------------------------------------------- */
TEST(child_overflow_is_ours)
{
	up("tbf,rate=1mbit,burst=1500,limit=0/fq_codel,limit=10");
	for (u32 i = 0; i < 100; i++)
		CHECK(send(i % 3, i, 1000) != NET_XMIT_DROP);
	CHECK(txq->qdisc->drops > 50);
	CHECK_EQ(txq->qdisc->drops, txq->qdisc->lost.packets);
	CHECK(txq->qdisc->qlen <= 11);
	check_conserved(txq->qdisc);
	host_clock_advance(1000 * MS);
	CHECK_EQ(txq->qdisc->qlen, 0);
	CHECK_EQ(wire.n + txq->qdisc->drops, 100);
	check_conserved(txq->qdisc);
	down();
}

TEST(child_that_drops_on_the_way_out)
{
	up("tbf,rate=1mbit,burst=1500,limit=0/fq_codel");
	for (u32 i = 0; i < 200; i++) {
		CHECK_EQ(send(1, i, 1000), 0);
		host_clock_advance(4 * MS); /* twice the rate */
		check_conserved(txq->qdisc);
	}
	CHECK(txq->qdisc->drops > 3);
	host_clock_advance(5000 * MS);
	CHECK_EQ(wire.n + txq->qdisc->drops, 200);
	CHECK_EQ(skb_stats.live, 0);
	down();
}

TEST(child_with_a_clock_of_its_own)
{
	up("tbf,rate=80mbit,burst=1500,limit=0/fq,maxrate=8mbit");
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	host_clock_advance(9 * MS);
	CHECK_EQ(wire.n, 10);
	for (u32 i = 1; i < 10; i++)
		CHECK_EQ(wire.log[i].at_ns - wire.log[i - 1].at_ns, MS);
	down();
}

TEST(child_refusal_is_a_drop)
{
	up("tbf,rate=1mbit,burst=1500,limit=0/pfifo,limit=2");
	for (u32 i = 0; i < 10; i++)
		(void)send(1, i, 1000);
	CHECK_EQ(wire.n, 1);
	CHECK_EQ(txq->qdisc->qlen, 3);
	CHECK_EQ(txq->qdisc->drops, 6);
	CHECK_EQ(txq->qdisc->lost.packets, 0);
	check_conserved(txq->qdisc);
	down();
}

TEST(no_memory)
{
	struct qdisc_spec spec;

	up("pfifo_fast");
	spec = spec_of("tbf,rate=1mbit,burst=1500,limit=0/fq");
	for (u64 nth = 1; nth <= 5; nth++) {
		fail_alloc(nth, 0);
		CHECK(!qdisc_create_spec(&spec, txq));
		fail_none();
	}
	CHECK_EQ(timers_live(), 0);
	down();
}

TEST(the_end_with_a_packet_in_front)
{
	u64 reset = skb_stats.drop[R(QDISC_RESET)];

	up("tbf,rate=1mbit,burst=1500,latency=1s");
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	CHECK(timers_live() > 0);
	CHECK_EQ(txq->qdisc->qlen, 9);
	down();
	CHECK_EQ(skb_stats.drop[R(QDISC_RESET)] - reset, 9);
}

/* The driver stops while the bucket has time: nothing is lost, nothing overtakes. */
TEST(a_driver_that_stops)
{
	up("tbf,rate=8mbit,burst=2000,limit=100kb");
	wire.closed = true;
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	CHECK(txq->qdisc->requeue.qlen > 0);
	host_clock_advance(50 * MS);
	check_conserved(txq->qdisc);
	CHECK_EQ(wire.n, 0);
	wire_open();
	host_clock_advance(50 * MS);
	CHECK_EQ(wire.n, 10);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(wire.log[i].mark, i);
	down();
}

KTEST_MAIN_BOOT()
