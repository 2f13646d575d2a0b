// SPDX-License-Identifier: MIT
/* CUBIC against its formula in floating point, in all regions; HyStart++ round by round. */
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

#include <math.h>

#define MS 1000ull

static struct tcp_cc fresh(u32 cwnd, u32 ssthresh)
{
	struct tcp_cc cc = { .cwnd = cwnd, .ssthresh = ssthresh, .clamp = UINT32_MAX };

	tcp_cubic_ops.init(&cc);
	return cc;
}

/* One window is acknowledged, an ACK for every second segment, spread over the round trip that ends at @now_us + @rtt_us. */
static void round_trip(struct tcp_cc *cc, u64 *now_us, u32 rtt_us)
{
	u32 acks = (cc->cwnd + 1) / 2, left = cc->cwnd;

	for (u32 i = 0; i < acks; i++, left -= 2) {
		const struct tcp_cc_ack ack = { .now_us = *now_us + (u64)rtt_us * i / acks,
						.acked = left < 2 ? left : 2,
						.rtt_us = rtt_us,
						.srtt_us = rtt_us };

		tcp_cubic_ops.cong_avoid(cc, &ack);
	}
	*now_us += rtt_us;
}

static double cubic(double t, double w_max, double cwnd)
{
	double k = w_max > cwnd ? cbrt((w_max - cwnd) / 0.4) : 0;

	return 0.4 * pow(t - k, 3) + (w_max > cwnd ? w_max : cwnd);
}

struct curve_row {
	const char *name;
	u32 window; /* at the loss */
	u32 rtt_us, rounds;
};

static const struct curve_row curve_table[] = {
	{ "small_window_long_trip", 60, 200000, 60 }, { "up_to_the_plateau", 400, 100000, 60 },
	{ "beyond_the_plateau", 400, 100000, 140 },   { "large_window", 4000, 100000, 200 },
	{ "very_long_trip", 1000, 500000, 40 },
};

/* RFC 9438, figure 1: in each round after a loss the window is the curve's, within 5 % (and the segment that is not whole yet). */
TEST_EACH(growth_follows_the_formula, curve_table)
{
	struct tcp_cc cc = fresh(row->window, row->window);
	u64 now = 1000 * MS, start;
	double worst = 0, w0;

	cc.ssthresh = tcp_cubic_ops.ssthresh(&cc);
	CHECK_EQ(cc.ssthresh, row->window * 717 / 1024);
	cc.cwnd = cc.ssthresh;
	w0 = cc.cwnd;
	start = now;
	for (u32 i = 0; i < row->rounds; i++) {
		double want, off;

		round_trip(&cc, &now, row->rtt_us);
		/* the last ACK of the round aimed at the window one round trip later */
		want = cubic((double)(now - start) / 1e6, row->window, w0);
		off = fabs(cc.cwnd - want) / want;
		if (fabs(cc.cwnd - want) > 1.5 && off > worst)
			worst = off;
	}
	CHECK(worst < 0.05);
	CHECK(cc.cwnd > (u32)w0);
}

/* RFC 9438, 4.3: where the curve is slower than NewReno (short round trips), the window is what NewReno would have. */
TEST(short_round_trips_grow_like_newreno)
{
	struct tcp_cc cc = fresh(40, 40);
	u64 now = 1000 * MS;
	double want;

	cc.ssthresh = tcp_cubic_ops.ssthresh(&cc);
	cc.cwnd = cc.ssthresh;
	for (u32 i = 0; i < 20; i++)
		round_trip(&cc, &now, 1000);
	want = 28 + 20 * 3 * 0.3 / 1.7; /* alpha segments a round trip */
	CHECK(fabs(cc.cwnd - want) <= 1.5);
	for (u32 i = 0; i < 30; i++)
		round_trip(&cc, &now, 1000);
	/* above the window of the loss: one segment a round trip */
	CHECK(cc.cwnd >= 40 + 20);
	CHECK(cc.cwnd <= 40 + 32);
}

TEST(fast_convergence_gives_room_when_the_window_shrinks)
{
	struct tcp_cc cc = fresh(100, 100);

	(void)tcp_cubic_ops.ssthresh(&cc);
	CHECK_EQ(cc.cubic.now.w_max, 100 * 1024);
	cc.cwnd = 80; /* lost again before the old window was reached */
	(void)tcp_cubic_ops.ssthresh(&cc);
	CHECK_EQ(cc.cubic.now.w_max / 1024, 68); /* 80 * (1 + 0.7) / 2 */
	cc.cwnd = 90;
	(void)tcp_cubic_ops.ssthresh(&cc);
	CHECK_EQ(cc.cubic.now.w_max, 90 * 1024);
}

TEST(an_undone_reduction_leaves_the_curve_as_it_was)
{
	struct tcp_cc cc = fresh(100, 100);
	struct tcp_cubic_epoch was;
	u64 now = 1000 * MS;

	cc.ssthresh = tcp_cubic_ops.ssthresh(&cc);
	cc.cwnd = cc.ssthresh;
	for (u32 i = 0; i < 10; i++)
		round_trip(&cc, &now, 50000);
	was = cc.cubic.now;
	(void)tcp_cubic_ops.ssthresh(&cc);
	tcp_cubic_ops.event(&cc, TCP_CA_EVENT_TIMEOUT, 0);
	tcp_cubic_ops.undo(&cc);
	CHECK_EQ(cc.cubic.now.start_us, was.start_us);
	CHECK_EQ(cc.cubic.now.w_max, was.w_max);
	CHECK_EQ(cc.cubic.now.k, was.k);
}

/* RFC 9438, 4.8: the plateau of the epoch after a timeout is where it begins. */
TEST(after_a_timeout_the_curve_begins_flat)
{
	struct tcp_cc cc = fresh(100, 100);
	u64 now = 1000 * MS;

	cc.ssthresh = tcp_cubic_ops.ssthresh(&cc);
	tcp_cubic_ops.event(&cc, TCP_CA_EVENT_TIMEOUT, 0);
	cc.cwnd = cc.ssthresh; /* slow start brought it here */
	round_trip(&cc, &now, 100000);
	CHECK_EQ(cc.cubic.now.k, 0);
	CHECK_EQ(cc.cubic.now.origin, cc.ssthresh * 1024);
}

/* RFC 9438, 4.2: a pause is no time of the curve. */
TEST(time_without_data_does_not_count)
{
	struct tcp_cc a = fresh(200, 200), b;
	u64 now = 1000 * MS, later;

	a.ssthresh = tcp_cubic_ops.ssthresh(&a);
	a.cwnd = a.ssthresh;
	for (u32 i = 0; i < 10; i++)
		round_trip(&a, &now, 100000);
	b = a;
	later = now + 60000 * MS;
	tcp_cubic_ops.event(&b, TCP_CA_EVENT_RESUME, 60000 * MS);
	for (u32 i = 0; i < 10; i++) {
		round_trip(&a, &now, 100000);
		round_trip(&b, &later, 100000);
		CHECK_EQ(a.cwnd, b.cwnd);
	}
}

/* An hour of silence on the path, or a clock far ahead, may not blow the window up: at most half more per round trip. */
TEST(growth_is_bounded_by_half_a_window_a_round_trip)
{
	struct tcp_cc cc = fresh(100, 50);
	u64 now = 1000 * MS;
	u32 before;

	round_trip(&cc, &now, 100000);
	now += 3600 * 1000 * MS;
	before = cc.cwnd;
	round_trip(&cc, &now, 100000);
	CHECK(cc.cwnd > before);
	CHECK(cc.cwnd <= before + before * 13 / 20); /* compounded within the round */
}

TEST(the_clamp_holds)
{
	struct tcp_cc cc = fresh(10, 5);
	u64 now = 1000 * MS;

	cc.clamp = 12;
	for (u32 i = 0; i < 100; i++)
		round_trip(&cc, &now, 100000);
	CHECK_EQ(cc.cwnd, 12);
}

TEST(never_below_two_segments)
{
	for (u32 cwnd = 1; cwnd < 6; cwnd++) {
		struct tcp_cc cc = fresh(cwnd, 100);

		CHECK(tcp_cubic_ops.ssthresh(&cc) >= 2);
	}
}

TEST(cube_root)
{
	bool ok = true;

	for (u64 r = 0; r < 4096; r += 7) {
		ok &= tcp_cubic_root(r * r * r) == r;
		ok &= r == 0 || tcp_cubic_root(r * r * r - 1) == r - 1;
	}
	CHECK(ok);
	CHECK_EQ(tcp_cubic_root(INT64_MAX), 2097151);
}

/* --- HyStart++ (RFC 9406) ------------------------------------------------------------------------------------------------- */
struct flow {
	struct tcp_cc cc;
	u32 una, nxt;
};

static struct flow start(void)
{
	return (struct flow){ fresh(10, TCP_INFINITE_SSTHRESH), 0xfffff000u, 0xfffff000u };
}

/* What is out is acknowledged segment by segment, each after @rtt_us; as much as the window allows goes out meanwhile. */
static void hystart_round(struct flow *f, u32 rtt_us)
{
	u32 end = f->nxt = f->una + f->cc.cwnd * 1000;

	while (f->una != end) {
		struct tcp_cc_ack ack = {
			.now_us = 1, .acked = 1, .rtt_us = rtt_us, .srtt_us = rtt_us
		};

		f->una += 1000;
		f->nxt = f->una + f->cc.cwnd * 1000;
		ack.snd_una = f->una;
		ack.snd_nxt = f->nxt;
		tcp_cubic_ops.pkts_acked(&f->cc, &ack);
		tcp_cubic_ops.cong_avoid(&f->cc, &ack);
	}
}

TEST(steady_round_trips_double_the_window)
{
	struct flow f = start();

	for (u32 i = 0; i < 5; i++)
		hystart_round(&f, 50000);
	CHECK_EQ(f.cc.cwnd, 320);
	CHECK_EQ(f.cc.ssthresh, TCP_INFINITE_SSTHRESH);
}

struct grow_row {
	const char *name;
	u32 before, after;
	bool suspicious;
};

/* The threshold is an eighth of the round trip, between 4 and 16 ms. */
static const struct grow_row grow_table[] = {
	{ "short_trip_below", 1000, 4999, false }, { "short_trip_at_4_ms", 1000, 5000, true },
	{ "middle_below", 80000, 89999, false },   { "middle_at_an_eighth", 80000, 90000, true },
	{ "long_below", 400000, 415999, false },   { "long_at_16_ms", 400000, 416000, true },
	{ "falling", 80000, 40000, false },
};

TEST_EACH(a_longer_round_is_suspicious, grow_table)
{
	struct flow f = start();
	u32 window;

	hystart_round(&f, row->before);
	hystart_round(&f, row->before);
	hystart_round(&f, row->after);
	CHECK_EQ(f.cc.cubic.hystart.baseline_us != 0, row->suspicious);
	window = f.cc.cwnd;
	hystart_round(&f, row->after);
	/* the conservative quarter, or the double */
	if (row->suspicious)
		CHECK(f.cc.cwnd - window - window / 4 <= 1); /* a remainder is kept */
	else
		CHECK_EQ(f.cc.cwnd, 2 * window);
}

TEST(after_five_conservative_rounds_congestion_avoidance_begins)
{
	struct flow f = start();

	hystart_round(&f, 20000);
	hystart_round(&f, 20000);
	hystart_round(&f, 30000);
	for (u32 i = 0; i < 4; i++)
		hystart_round(&f, 30000);
	CHECK_EQ(f.cc.ssthresh, TCP_INFINITE_SSTHRESH);
	hystart_round(&f, 30000);
	CHECK(f.cc.ssthresh < TCP_INFINITE_SSTHRESH);
	CHECK(f.cc.cwnd >= f.cc.ssthresh);
}

TEST(a_false_alarm_ends_when_the_round_trip_falls)
{
	struct flow f = start();
	u32 window;

	hystart_round(&f, 20000);
	hystart_round(&f, 20000);
	hystart_round(&f, 30000);
	CHECK(f.cc.cubic.hystart.baseline_us != 0);
	hystart_round(&f, 25000);
	CHECK_EQ(f.cc.cubic.hystart.baseline_us, 0);
	window = f.cc.cwnd;
	hystart_round(&f, 25000);
	CHECK_EQ(f.cc.cwnd, 2 * window);
	CHECK_EQ(f.cc.ssthresh, TCP_INFINITE_SSTHRESH);
}

TEST(fewer_than_eight_samples_prove_nothing)
{
	struct flow f = start();

	f.cc.cwnd = 4;
	hystart_round(&f, 20000);
	f.cc.cwnd = 4;
	hystart_round(&f, 90000);
	CHECK_EQ(f.cc.cubic.hystart.baseline_us, 0);
}

TEST(acks_without_a_sample_are_no_sample)
{
	struct flow f = start();

	hystart_round(&f, 20000);
	hystart_round(&f, UINT32_MAX);
	CHECK_EQ(f.cc.cubic.hystart.baseline_us, 0);
	CHECK_EQ(f.cc.cubic.hystart.samples, 0);
}

TEST(after_the_first_loss_the_rounds_are_not_watched)
{
	struct flow f = start();

	f.cc.ssthresh = 1000;
	hystart_round(&f, 20000);
	hystart_round(&f, 20000);
	hystart_round(&f, 90000);
	CHECK_EQ(f.cc.cubic.hystart.baseline_us, 0);
	CHECK_EQ(f.cc.cwnd, 80);
}

KTEST_MAIN()
