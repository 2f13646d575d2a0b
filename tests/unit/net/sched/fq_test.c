// SPDX-License-Identifier: MIT
/*
 * fq: flows share by bytes, packets leave at their time to the ns, flows come and go.
 */
#include "rig.h"

static u64 stat(const char *name)
{
	const char *at = strstr(page(), name);

	CHECK(at);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static int send_at(u32 flow, u32 mark, u64 at_ns)
{
	struct sk_buff *skb = packet(flow, mark, 1000);

	skb->tstamp_ns = at_ns;
	return dev_queue_xmit(skb);
}

static int send_control(u32 mark)
{
	struct sk_buff *skb = packet(1, mark, 100);

	skb->priority = 7;
	return dev_queue_xmit(skb);
}

static u32 next_mark(void)
{
	struct sk_buff *skb = take();
	u32 mark = skb ? skb->mark : ~0u;

	if (skb)
		consume_skb(skb);
	return mark;
}

static const struct share_row {
	const char *name, *text;
	u32 a, b;
} shares[] = {
	{ "equal", "fq,flow_limit=10000", 1000, 1000 },
	{ "fifteen_to_one", "fq,flow_limit=10000", 1500, 100 },
	{ "small_quantum", "fq,flow_limit=10000,quantum=100", 1500, 700 },
};

TEST_EACH(fair_by_bytes, shares)
{
	u64 bytes[3] = { 0 };

	up(row->text);
	wire_close();
	for (u32 i = 0; i < 600; i++)
		CHECK_EQ(send(1, 1, row->a), 0);
	for (u32 i = 0; i < 600 * row->a / row->b && i < 9000; i++)
		CHECK_EQ(send(2, 2, row->b), 0);
	for (u32 i = 0; i < 500; i++) {
		struct sk_buff *skb = take();

		CHECK(skb);
		bytes[skb->mark] += skb->len;
		consume_skb(skb);
	}
	/* The first quantum of a flow is larger, and a packet may be on top. */
	CHECK(bytes[1] + 15140 + 3028 + 1514 > bytes[2] &&
	      bytes[2] + 15140 + 3028 + 1514 > bytes[1]);
	check_conserved(txq->qdisc);
	down();
}

TEST(a_new_flow_has_its_first_quantum_before_the_others)
{
	u32 first = 0;

	up("fq");
	wire_close();
	for (u32 i = 0; i < 50; i++)
		CHECK_EQ(send(1, 1, 1514), 0);
	for (u32 i = 0; i < 21; i++) /* ten, then two at a time: one of two is left */
		(void)next_mark();
	for (u32 i = 0; i < 50; i++)
		CHECK_EQ(send(2, 2, 1514), 0);
	while (next_mark() == 2)
		first++;
	CHECK_EQ(first, 10);
	for (u32 i = 0; i < 5; i++) { /* from now on two each */
		CHECK_EQ(next_mark(), 2);
		CHECK_EQ(next_mark(), 2);
		CHECK_EQ(next_mark(), 1);
		CHECK_EQ(next_mark(), 1);
	}
	down();
}

static const struct rate_row {
	const char *name, *text;
	u32 len;
	u64 gap_ns;
} rates[] = {
	{ "8mbit", "fq,maxrate=8mbit", 1000, MS },
	{ "1gbit", "fq,maxrate=1gbit", 1500, 12 * US },
	{ "slow", "fq,maxrate=8kbit", 500, 500 * MS },
	{ "to_the_ns", "fq,maxrate=1600mbit", 1000, 5 * US },
};

TEST_EACH(paced, rates)
{
	up(row->text);
	for (u32 i = 0; i < 50; i++) {
		CHECK_EQ(send(1, i, row->len), 0);
		CHECK_EQ(send(2, 100 + i, row->len), 0);
	}
	CHECK_EQ(stat("flows "), 2);
	host_clock_advance(49 * row->gap_ns);
	CHECK_EQ(wire.n, 100);
	for (u32 flow = 0; flow < 2; flow++) {
		u64 first = 0, n = 0;

		for (u32 i = 0; i < wire.n; i++) {
			if (wire.log[i].mark / 100 != flow)
				continue;
			first = n ? first : wire.log[i].at_ns;
			CHECK_EQ(wire.log[i].mark % 100, n);
			CHECK_EQ(wire.log[i].at_ns - first, n * row->gap_ns);
			n++;
		}
		CHECK_EQ(n, 50);
	}
	CHECK(stat("gc 0 highprio 0 throttled ") >= 98);
	check_conserved(txq->qdisc);
	down();
}

/* Packets of a driver that was late by less than a packet keep the grid; who was later does not get a burst. */
TEST(late_is_made_up_for_by_one_packet_at_most)
{
	up("fq,maxrate=8mbit");
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	host_clock_advance(1500 * US);
	CHECK_EQ(wire.n, 2);
	wire_close();
	host_clock_advance(10 * MS + 250 * US);
	wire_open(); /* at 11.75 ms: due since 2 */
	CHECK(wire.n >= 3 && wire.n <= 4);
	host_clock_advance(100 * MS);
	CHECK_EQ(wire.n, 20);
	for (u32 i = 5; i < 20; i++)
		CHECK_EQ(wire.log[i].at_ns - wire.log[i - 1].at_ns, MS);
	down();
}

static const struct time_row {
	const char *name, *text;
	s64 at_ms[4]; /* departures, relative to now; in order of sending */
	u32 order[4];
	u64 drops, caps;
	u64 last_ms;
} times[] = {
	{ "as_they_come", "fq", { 0, 0, 0, 0 }, { 0, 1, 2, 3 }, 0, 0, 0 },
	{ "past_is_now", "fq", { -5, -1, -50, 0 }, { 0, 1, 2, 3 }, 0, 0, 0 },
	{ "in_order", "fq", { 1, 2, 3, 4 }, { 0, 1, 2, 3 }, 0, 0, 4 },
	{ "backwards", "fq", { 4, 3, 2, 1 }, { 3, 2, 1, 0 }, 0, 0, 4 },
	{ "equal_times_as_they_come", "fq", { 2, 1, 2, 1 }, { 1, 3, 0, 2 }, 0, 0, 2 },
	{ "horizon", "fq", { 1, 10000, 10001, 2 }, { 0, 3, 1, 9 }, 1, 0, 10000 },
	{ "horizon_cap", "fq,horizon_cap", { 1, 99999, 3, 2 }, { 0, 3, 2, 1 }, 0, 1, 10000 },
	{ "short_horizon", "fq,horizon=2ms", { 1, 3, 2, 100 }, { 0, 2, 9, 9 }, 2, 0, 2 },
};

TEST_EACH(departs, times)
{
	u64 now;
	u32 left = 4 - (u32)row->drops;

	up(row->text);
	host_clock_advance(100 * MS);
	now = ktime_get_ns();
	for (u32 i = 0; i < 4; i++)
		(void)send_at(1, i, now + (u64)(row->at_ms[i] * (s64)MS));
	CHECK_EQ(stat("horizon_drops "), row->drops);
	CHECK_EQ(stat("horizon_caps "), row->caps);
	CHECK_EQ(txq->qdisc->drops, row->drops);
	check_conserved(txq->qdisc);
	host_clock_advance(20000 * MS);
	CHECK_EQ(wire.n, left);
	for (u32 i = 0; i < left; i++)
		CHECK_EQ(wire.log[i].mark, row->order[i]);
	CHECK_EQ(wire.log[left - 1].at_ns - now, row->last_ms * MS);
	down();
}

TEST(an_earlier_packet_wakes_a_throttled_flow)
{
	u64 now;

	up("fq");
	now = ktime_get_ns();
	CHECK_EQ(send_at(1, 1, now + 50 * MS), 0);
	CHECK_EQ(send_at(2, 2, now + 20 * MS), 0);
	CHECK_EQ(stat("throttled "), 2);
	CHECK(strstr(page(), " next packet delay 20000000 ns"));
	CHECK_EQ(send_at(1, 3, now + 5 * MS), 0);
	CHECK(strstr(page(), " next packet delay 5000000 ns"));
	host_clock_advance(100 * MS);
	CHECK_EQ(wire.n, 3);
	CHECK(wire.log[0].mark == 3 && wire.log[0].at_ns == now + 5 * MS);
	CHECK(wire.log[1].mark == 2 && wire.log[1].at_ns == now + 20 * MS);
	CHECK(wire.log[2].mark == 1 && wire.log[2].at_ns == now + 50 * MS);
	down();
}

TEST(control_goes_before_everything)
{
	up("fq,maxrate=8kbit");
	wire_close();
	CHECK_EQ(send(1, 1, 1000), 0);
	CHECK_EQ(send_control(2), 0);
	CHECK_EQ(send_control(3), 0);
	CHECK_EQ(next_mark(), 2);
	CHECK_EQ(next_mark(), 3);
	CHECK_EQ(next_mark(), 1);
	CHECK_EQ(stat("highprio "), 2);
	down();
}

static const struct limit_row {
	const char *name, *text;
	u32 flows, each, queued, plimit;
} limits[] = {
	{ "of_a_flow", "fq", 1, 150, 100, 50 },
	{ "of_each_flow", "fq,flow_limit=3", 5, 10, 15, 35 },
	{ "of_all", "fq,limit=12", 5, 10, 12, 0 },
	{ "of_one", "fq,limit=1,flow_limit=1", 2, 2, 1, 0 },
};

TEST_EACH(limit, limits)
{
	up(row->text);
	wire_close();
	for (u32 i = 0; i < row->each; i++)
		for (u32 f = 0; f < row->flows; f++)
			(void)send(f, i, 100);
	CHECK_EQ(txq->qdisc->qlen, row->queued);
	CHECK_EQ(txq->qdisc->drops, row->flows * row->each - row->queued);
	CHECK_EQ(stat("flows_plimit "), row->plimit);
	check_conserved(txq->qdisc);
	down();
}

/* --- Flows ---------------------------------------------------------------------------------------------------------------------- */
/* Packets of a socket are one flow, whatever their addresses. */
TEST(a_socket_is_a_flow)
{
	struct sock a = { .sk_num = 1 }, b = { .sk_num = 1 };

	up("fq");
	wire_close();
	for (u32 i = 0; i < 6; i++) {
		struct sk_buff *skb = packet(i, i, 100);

		skb->sk = i % 2 ? &a : &b; /* same identity, two sockets */
		CHECK_EQ(dev_queue_xmit(skb), 0);
	}
	CHECK_EQ(stat("flows "), 2);
	wire_open();
	CHECK_EQ(wire.n, 6);
	CHECK(strstr(page(), "flows 2 (inactive 2 throttled 0)"));
	down();
}

/* Who sends packets that belong to no socket cannot make more flows than this. */
TEST(flows_without_socket_are_bounded)
{
	up("fq,limit=100000");
	wire_close();
	for (u32 i = 0; i < 20000; i++)
		CHECK(send(i, i, 100) != NET_XMIT_CN);
	CHECK(stat("flows ") > 900 && stat("flows ") <= 1024);
	check_conserved(txq->qdisc);
	down();
}

TEST(idle_flows_are_collected)
{
	struct sock sk[64];

	memset(sk, 0, sizeof(sk));
	up("fq,buckets=1");
	for (u32 i = 0; i < 64; i++) {
		struct sk_buff *skb = packet(i, i, 100);

		sk[i].sk_num = (u16)i;
		skb->sk = &sk[i];
		CHECK_EQ(dev_queue_xmit(skb), 0);
	}
	CHECK_EQ(stat("flows "), 64);
	host_clock_advance(2999 * MS);
	CHECK_EQ(send(1, 0, 100), 0); /* a flow without socket: the first of its own */
	CHECK_EQ(stat("flows "), 65);
	host_clock_advance(10 * MS);
	CHECK_EQ(send(2, 0, 100), 0); /* eight at a time */
	CHECK_EQ(stat("flows "), 58);
	CHECK_EQ(stat("gc "), 8);
	check_conserved(txq->qdisc);
	down();
}

/* After a pause a flow has a quantum again, but not less than it had. */
TEST(credit_is_refilled_after_a_pause)
{
	up("fq,initial_quantum=1000");
	CHECK_EQ(send(1, 0, 1500), 0); /* in debt */
	host_clock_advance(39 * MS);
	wire_close();
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(send(2, 2, 1000), 0);
		CHECK_EQ(send(1, 1, 1000), 0);
	}
	CHECK_EQ(next_mark(), 2);
	wire_open();
	host_clock_advance(41 * MS);
	wire_close();
	CHECK_EQ(send(1, 1, 3000), 0);
	CHECK_EQ(send(1, 1, 1000), 0);
	CHECK_EQ(send(2, 2, 1000), 0);
	CHECK_EQ(next_mark(), 1);
	CHECK_EQ(next_mark(), 1); /* 3028 were there */
	CHECK_EQ(next_mark(), 2);
	down();
}

TEST(no_memory_for_a_flow)
{
	struct sk_buff *skb;

	up("fq,maxrate=8kbit");
	skb = packet(1, 5, 100);
	fail_alloc(1, 0);
	CHECK_EQ(dev_queue_xmit(skb), 0); /* it leaves by the flow that all share */
	fail_none();
	CHECK_EQ(wire.n, 1);
	CHECK_EQ(stat("alloc_errors "), 1);
	CHECK_EQ(stat("flows "), 0);
	check_conserved(txq->qdisc);
	down();
}

TEST(no_memory_for_the_discipline)
{
	struct qdisc_spec spec;

	up("pfifo_fast");
	spec = spec_of("fq");
	for (u64 nth = 1; nth <= 3; nth++) {
		fail_alloc(nth, 0);
		CHECK(!qdisc_create_spec(&spec, txq));
		fail_none();
	}
	down();
}

TEST(the_end_gives_everything_back)
{
	u64 reset = skb_stats.drop[R(QDISC_RESET)], now;

	up("fq");
	now = ktime_get_ns();
	CHECK_EQ(send(1, 1, 100), 0);              /* its flow is idle */
	CHECK_EQ(send_at(2, 2, now + 50 * MS), 0); /* throttled */
	wire_close();
	CHECK_EQ(send(3, 3, 100), 0);
	CHECK_EQ(send_control(4), 0);
	down();
	CHECK_EQ(skb_stats.drop[R(QDISC_RESET)] - reset, 3);
}

/* --- The rate of a socket ----------------------------------------------------------------------------------------------------- */
static int send_of(struct sock *sk, u32 mark, u64 at_ns)
{
	struct sk_buff *skb = packet(1, mark, 1000);

	skb->sk = sk;
	skb->tstamp_ns = at_ns;
	return dev_queue_xmit(skb);
}

static const struct sk_rate_row {
	const char *name, *text;
	u64 rate; /* bytes a second */
	bool stamped;
	u64 gap_ns;
} sk_rates[] = {
	{ "its_own", "fq", 1000000, false, MS },
	{ "lower_is_the_flows", "fq,maxrate=4mbit", 1000000, false, 2 * MS },
	{ "lower_is_its_own", "fq,maxrate=80mbit", 1000000, false, MS },
	{ "any", "fq", UINT64_MAX, false, 0 },
	{ "beyond_what_bits_can_say", "fq", UINT64_MAX / 8 + 1, false, 0 },
	{ "none_is_any", "fq", 0, false, 0 },
	{ "no_pause_above_a_second", "fq", 10, false, 1000 * MS },
	/* Who writes the time has kept to his rate already: it is not asked for twice. */
	{ "not_of_who_says_when", "fq", 1000000, true, 0 },
	{ "but_the_flows", "fq,maxrate=4mbit", 1000000, true, 2 * MS },
};

TEST_EACH(paced_by_socket, sk_rates)
{
	static struct sock sk;

	memset(&sk, 0, sizeof(sk));
	sk.sk_pacing_rate = row->rate;
	up(row->text);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(send_of(&sk, i, row->stamped ? ktime_get_ns() : 0), 0);
	CHECK(sk.sk_paced);
	host_clock_advance(19 * row->gap_ns);
	CHECK_EQ(wire.n, 20);
	for (u32 i = 0; i < wire.n; i++) {
		CHECK_EQ(wire.log[i].mark, i);
		CHECK_EQ(wire.log[i].at_ns - wire.log[0].at_ns, i * row->gap_ns);
	}
	check_conserved(txq->qdisc);
	down();
}

/* Only fq keeps times, so only fq says so. */
TEST(other_disciplines_do_not_pace)
{
	static const char *const texts[] = { "pfifo_fast", "fq_codel" };
	static struct sock sk;

	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		memset(&sk, 0, sizeof(sk));
		sk.sk_pacing_rate = 1000;
		up(texts[i]);
		for (u32 k = 0; k < 5; k++)
			CHECK_EQ(send_of(&sk, k, 0), 0);
		CHECK_EQ(wire.n, 5);
		CHECK(!sk.sk_paced);
		down();
	}
}

KTEST_MAIN_BOOT()
