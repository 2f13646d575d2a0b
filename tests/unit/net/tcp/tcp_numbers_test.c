// SPDX-License-Identifier: MIT
/* TCP's arithmetic in tables: sequence numbers at every edge, the RTT estimator, back-off, the congestion window. */
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

/* --- Sequence numbers (RFC 9293, 3.4) ---------------------------------------------------------------------------------- */
struct order_row {
	const char *name;
	u32 a, b;
	bool before, after;
};

static const struct order_row order_table[] = {
	{ "equal_0", 0, 0, false, false },
	{ "equal_top", 0xffffffffu, 0xffffffffu, false, false },
	{ "one_apart", 1, 2, true, false },
	{ "one_back", 2, 1, false, true },
	{ "over_the_wrap", 0xffffffffu, 0, true, false },
	{ "back_over_the_wrap", 0, 0xffffffffu, false, true },
	{ "far_over_the_wrap", 0xf0000000u, 0x0fffffffu, true, false },
	{ "half_minus_1", 0, 0x7fffffffu, true, false },
	{ "half_plus_1", 0, 0x80000001u, false, true },
	{ "half_minus_1_elsewhere", 0xc0000000u, 0x3fffffffu, true, false },
	{ "half_plus_1_elsewhere", 0xc0000000u, 0x40000001u, false, true },
	{ "signed_edge", 0x7fffffffu, 0x80000000u, true, false },
};

TEST_EACH(order, order_table)
{
	CHECK_EQ(before(row->a, row->b), row->before);
	CHECK_EQ(after(row->a, row->b), row->after);
	CHECK_EQ(before(row->b, row->a), row->after); /* mirrored */
	for (u32 shift = 1; shift; shift <<= 1)       /* only the distance counts */
		CHECK_EQ(before(row->a + shift, row->b + shift), row->before);
}

struct between_row {
	const char *name;
	u32 x, lo, hi;
	bool in;
};

static const struct between_row between_table[] = {
	{ "point", 7, 7, 7, true },
	{ "left_of_point", 6, 7, 7, false },
	{ "right_of_point", 8, 7, 7, false },
	{ "left_edge", 10, 10, 20, true },
	{ "left_of_edge", 9, 10, 20, false },
	{ "right_edge", 20, 10, 20, true },
	{ "right_of_edge", 21, 10, 20, false },
	{ "wrap_left_edge", 0xfffffff0u, 0xfffffff0u, 16, true },
	{ "wrap_left_of_edge", 0xffffffefu, 0xfffffff0u, 16, false },
	{ "wrap_top", 0xffffffffu, 0xfffffff0u, 16, true },
	{ "wrap_zero", 0, 0xfffffff0u, 16, true },
	{ "wrap_right_edge", 16, 0xfffffff0u, 16, true },
	{ "wrap_right_of_edge", 17, 0xfffffff0u, 16, false },
	{ "ends_at_top", 0, 0xfffffff0u, 0xffffffffu, false },
	{ "begins_at_zero", 0xffffffffu, 0, 5, false },
};

TEST_EACH(between, between_table)
{
	CHECK_EQ(between(row->x, row->lo, row->hi), row->in);
}

struct window_row {
	const char *name;
	u32 rcv_nxt, rcv_wup, rcv_wnd, want;
};

static const struct window_row window_table[] = {
	{ "all", 100, 100, 1000, 1000 },
	{ "half_used", 600, 100, 1000, 500 },
	{ "one_left", 1099, 100, 1000, 1 },
	{ "none_left", 1100, 100, 1000, 0 },
	{ "overrun", 1200, 100, 1000, 0 },
	{ "zero_promised", 100, 100, 0, 0 },
	{ "over_the_wrap", 5, 0xfffffff0u, 1000, 979 },
	{ "largest", 1, 1, 65535u << 14, 65535u << 14 },
};

TEST_EACH(receive_window, window_table)
{
	struct tcp_sock tp = { .rcv_nxt = row->rcv_nxt,
			       .rcv_wup = row->rcv_wup,
			       .rcv_wnd = row->rcv_wnd };

	CHECK_EQ(tcp_receive_window(&tp), row->want);
}

/* --- Round trips (RFC 6298) ------------------------------------------------------------------------------------------------ */
struct first_row {
	const char *name;
	u32 rtt_us, srtt8, rto_ms;
};

static const struct first_row first_table[] = {
	{ "zero_counts_as_1_us", 0, 8, 200 },
	{ "one_us", 1, 8, 200 },
	{ "1_ms", 1000, 8000, 201 },
	{ "99_ms", 99000, 8 * 99000, 299 },
	{ "100_ms", 100000, 8 * 100000, 300 }, /* 2R reaches the least variance */
	{ "101_ms", 101000, 8 * 101000, 303 }, /* 3R */
	{ "1_s", 1000000, 8 * 1000000, 3000 },
	{ "39_s", 39000000, 8 * 39000000, 117000 },
	{ "41_s_capped", 41000000, 8 * 41000000, 120000 },
	{ "60_s", 60000000, 8u * 60000000, 120000 },
	{ "61_s_counts_as_60", 61000000, 8u * 60000000, 120000 },
	{ "largest", 0xffffffffu, 8u * 60000000, 120000 },
};

TEST_EACH(first_sample, first_table)
{
	struct tcp_rtt r;

	tcp_rtt_init(&r);
	CHECK_EQ(r.rto_ns, NSEC_PER_SEC);
	CHECK_EQ(r.min_us, UINT32_MAX);
	tcp_rtt_sample(&r, row->rtt_us, 0, 100);
	tcp_rtt_min_sample(&r, row->rtt_us, 0, 300000);
	CHECK_EQ(r.srtt8_us, row->srtt8);
	CHECK_EQ(r.rto_ns / NSEC_PER_MSEC, row->rto_ms);
	CHECK_EQ(r.round_end, 100);
	CHECK_EQ(r.min_us, max(row->rtt_us, 1U));
}

struct series_row {
	const char *name;
	u32 first, then, n; /* @n samples of @then after one of @first, one a round trip */
	u32 srtt_lo, srtt_hi, rto_lo_ms, rto_hi_ms;
};

static const struct series_row series_table[] = {
	{ "steady_50_ms", 50000, 50000, 100, 50000, 50000, 250, 251 },
	{ "steady_500_ms", 500000, 500000, 100, 500000, 500000, 700, 720 },
	{ "rises_10_to_300", 10000, 300000, 100, 299000, 300000, 490, 520 },
	{ "falls_300_to_10", 300000, 10000, 100, 10000, 11000, 205, 260 },
	{ "jump_once", 10000, 300000, 1, 46250, 46250, 340, 460 }, /* 7/8 * 10 + 1/8 * 300 */
	{ "fall_once", 300000, 10000, 1, 263750, 263750, 800, 1000 },
	{ "microseconds", 20, 30, 50, 20, 30, 200, 201 },
};

TEST_EACH(series, series_table)
{
	struct tcp_rtt r;
	u32 seq = 0xffffff00u; /* the round trips pass the wrap */

	tcp_rtt_init(&r);
	tcp_rtt_sample(&r, row->first, seq, seq + 100);
	for (u32 i = 0; i < row->n; i++) {
		seq += 200;
		tcp_rtt_sample(&r, row->then, seq, seq + 100);
		CHECK(r.rto_ns >= TCP_RTO_MIN_NS);
		CHECK(r.rto_ns <= TCP_RTO_MAX_NS);
		CHECK(r.rto_ns / 1000 >= r.srtt8_us / 8 + 200000);
	}
	CHECK(r.srtt8_us / 8 >= row->srtt_lo);
	CHECK(r.srtt8_us / 8 <= row->srtt_hi);
	CHECK(r.rto_ns / NSEC_PER_MSEC >= row->rto_lo_ms);
	CHECK(r.rto_ns / NSEC_PER_MSEC <= row->rto_hi_ms);
}

/* A peak raises the timeout at once; within the same round trip it never sinks again. */
TEST(peak_holds_for_a_round)
{
	struct tcp_rtt r;
	u64 high;

	tcp_rtt_init(&r);
	for (u32 i = 0; i < 20; i++)
		tcp_rtt_sample(&r, 50000, 100 * i, 100 * i + 50);
	tcp_rtt_sample(&r, 2000000, 2000, 2050);
	high = r.var4_us;
	CHECK(high > 400000);
	for (u32 i = 0; i < 30; i++) {
		tcp_rtt_sample(&r, 50000, 2000, 2050);
		CHECK(r.var4_us >= high);
	}
	for (u32 i = 1; i < 60; i++)
		tcp_rtt_sample(&r, 50000, 2050 + 100 * i, 2100 + 100 * i);
	CHECK(r.var4_us < high / 2);
}

struct backoff_row {
	const char *name;
	u64 rto_ms;
	u32 shift;
	u64 want_ms;
};

static const struct backoff_row backoff_table[] = {
	{ "200_ms_0", 200, 0, 200 },
	{ "200_ms_1", 200, 1, 400 },
	{ "200_ms_2", 200, 2, 800 },
	{ "200_ms_5", 200, 5, 6400 },
	{ "200_ms_9", 200, 9, 102400 },
	{ "200_ms_10_capped", 200, 10, 120000 },
	{ "200_ms_15", 200, 15, 120000 },
	{ "200_ms_16", 200, 16, 120000 },
	{ "1_us_15", 0, 15, 0 },
	{ "1_s_6", 1000, 6, 64000 },
	{ "1_s_7_capped", 1000, 7, 120000 },
	{ "3_s_5", 3000, 5, 96000 },
	{ "120_s_0", 120000, 0, 120000 },
	{ "121_s_0_capped", 121000, 0, 120000 },
	{ "120_s_all_ones", 120000, 0xffffffffu, 120000 },
	{ "60_s_1", 60000, 1, 120000 },
};

TEST_EACH(backoff, backoff_table)
{
	CHECK_EQ(tcp_rto_backoff(row->rto_ms * NSEC_PER_MSEC, row->shift),
		 row->want_ms * NSEC_PER_MSEC);
}

struct model_row {
	const char *name;
	u32 retries;
	u64 want_ms;
};

static const struct model_row model_table[] = {
	{ "0", 0, 200 },
	{ "1", 1, 600 },
	{ "3", 3, 3000 },
	{ "8", 8, 102200 },
	{ "9", 9, 204600 },
	{ "10", 10, 324600 },
	{ "15", 15, 924600 },
	{ "255", 255, 204600 + 246 * 120000 },
	{ "256_as_255", 256, 204600 + 246 * 120000 },
};

TEST_EACH(retries_as_time, model_table)
{
	CHECK_EQ(tcp_rto_model_ns(TCP_RTO_MIN_NS, row->retries), row->want_ms * NSEC_PER_MSEC);
}

/* --- Congestion window (RFC 5681) ------------------------------------------------------------------------------------------ */
struct reno_row {
	const char *name;
	struct tcp_cc cc;
	u32 acked, cwnd, cnt;
};

static const struct reno_row reno_table[] = {
	{ "slow_start_1",
	  { .cwnd = 10, .ssthresh = TCP_INFINITE_SSTHRESH, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  1,
	  11,
	  0 },
	{ "slow_start_10",
	  { .cwnd = 10, .ssthresh = TCP_INFINITE_SSTHRESH, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  10,
	  20,
	  0 },
	{ "slow_start_to_ssthresh",
	  { .cwnd = 10, .ssthresh = 16, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  6,
	  16,
	  0 },
	{ "one_beyond_ssthresh",
	  { .cwnd = 10, .ssthresh = 16, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  7,
	  16,
	  1 },
	{ "one_below_ssthresh",
	  { .cwnd = 15, .ssthresh = 16, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  1,
	  16,
	  0 },
	{ "at_ssthresh",
	  { .cwnd = 16, .ssthresh = 16, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  1,
	  16,
	  1 },
	{ "avoidance_not_yet",
	  { .cwnd = 20, .ssthresh = 10, .cwnd_cnt = 18, .clamp = UINT32_MAX },
	  1,
	  20,
	  19 },
	{ "avoidance_now",
	  { .cwnd = 20, .ssthresh = 10, .cwnd_cnt = 19, .clamp = UINT32_MAX },
	  1,
	  21,
	  0 },
	{ "avoidance_rest",
	  { .cwnd = 20, .ssthresh = 10, .cwnd_cnt = 19, .clamp = UINT32_MAX },
	  3,
	  21,
	  2 },
	{ "avoidance_twice",
	  { .cwnd = 10, .ssthresh = 5, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  25,
	  12,
	  5 },
	{ "nothing_acked",
	  { .cwnd = 20, .ssthresh = 10, .cwnd_cnt = 7, .clamp = UINT32_MAX },
	  0,
	  20,
	  7 },
	{ "clamp_in_slow_start",
	  { .cwnd = 10, .ssthresh = 100, .cwnd_cnt = 0, .clamp = 12 },
	  10,
	  12,
	  0 },
	{ "clamp_in_avoidance",
	  { .cwnd = 12, .ssthresh = 10, .cwnd_cnt = 11, .clamp = 12 },
	  1,
	  12,
	  0 },
	{ "after_timeout",
	  { .cwnd = 1, .ssthresh = 5, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  1,
	  2,
	  0 },
	{ "after_timeout_at_2",
	  { .cwnd = 1, .ssthresh = 2, .cwnd_cnt = 0, .clamp = UINT32_MAX },
	  2,
	  2,
	  1 },
};

TEST_EACH(reno, reno_table)
{
	struct tcp_cc cc = row->cc;

	tcp_reno.cong_avoid(&cc, &(struct tcp_cc_ack){ .acked = row->acked });
	CHECK_EQ(cc.cwnd, row->cwnd);
	CHECK_EQ(cc.cwnd_cnt, row->cnt);
	CHECK_EQ(cc.ssthresh, row->cc.ssthresh);
}

struct thresh_row {
	const char *name;
	u32 cwnd, want;
};

static const struct thresh_row thresh_table[] = {
	{ "0", 0, 2 }, { "1", 1, 2 }, { "3", 3, 2 },   { "4", 4, 2 },
	{ "5", 5, 2 }, { "6", 6, 3 }, { "10", 10, 5 }, { "largest", 0xffffffffu, 0x7fffffffu },
};

TEST_EACH(ssthresh_is_half_the_window, thresh_table)
{
	struct tcp_cc cc = { .cwnd = row->cwnd };

	CHECK_EQ(tcp_reno.ssthresh(&cc), row->want);
	CHECK_EQ(cc.cwnd, row->cwnd);
}

struct find_row {
	const char *name;
	const char *algorithm;
	bool there;
};

static const struct find_row find_table[] = {
	{ "reno", "reno", true },     { "empty", "", false },    { "prefix", "ren", false },
	{ "longer", "reno2", false }, { "case", "Reno", false }, { "cubic", "cubic", true },
	{ "other", "vegas", false },  { "bbr", "bbr", true },
};

TEST_EACH(find, find_table)
{
	const struct tcp_congestion_ops *ops = tcp_cong_find(row->algorithm);

	CHECK_EQ(ops != NULL, row->there);
	if (ops)
		CHECK_STR(ops->name, row->algorithm);
}

TEST(window_end_wraps)
{
	struct tcp_sock tp = { .snd_una = 0xfffffff0u, .snd_wnd = 0x20 };

	CHECK_EQ(tcp_wnd_end(&tp), 0x10);
	tp.snd_wnd = 0;
	CHECK_EQ(tcp_wnd_end(&tp), 0xfffffff0u);
}

TEST(flight)
{
	struct tcp_sock tp = { .packets_out = 10 };

	CHECK_EQ(tcp_packets_in_flight(&tp), 10);
	tp.sacked_out = 3;
	CHECK_EQ(tcp_packets_in_flight(&tp), 7);
	tp.lost_out = 7;
	CHECK_EQ(tcp_packets_in_flight(&tp), 0);
	tp.retrans_out = 2;
	CHECK_EQ(tcp_packets_in_flight(&tp), 2);
}

KTEST_MAIN()
