// SPDX-License-Identifier: MIT
/* The parts of TCP that are functions of their arguments: sequence arithmetic, options, RTT, congestion window. */
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

TEST(sequence_edges)
{
	CHECK(before(0xffffffffu, 0));
	CHECK(after(0, 0xffffffffu));
	CHECK(!before(5, 5));
	CHECK(!after(5, 5));
	CHECK(before(0x7fffffffu, 0x80000000u));
	CHECK(before(0x80000001u, 0));
	CHECK(before(0, 0x7fffffffu));
	CHECK(between(0, 0xfffffff0u, 10));
	CHECK(between(0xfffffff0u, 0xfffffff0u, 10));
	CHECK(between(10, 0xfffffff0u, 10));
	CHECK(!between(11, 0xfffffff0u, 10));
	CHECK(!between(0xffffffefu, 0xfffffff0u, 10));
}

TEST(options_good)
{
	static const u8 syn[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7 };
	struct tcp_options o;

	tcp_options_parse(syn, sizeof(syn), &o);
	CHECK_EQ(o.mss, 1460);
	CHECK(o.sack_ok && o.tstamp_ok && o.wscale_ok);
	CHECK_EQ(o.wscale, 7);
	CHECK_EQ(o.tsval, 1);
	CHECK_EQ(o.tsecr, 2);
}

TEST(options_bad)
{
	static const struct {
		u8 b[12];
		u32 len;
		u16 mss;
	} t[] = {
		{ { 2, 0 }, 2, 0 },
		{ { 2, 1 }, 2, 0 },
		{ { 2, 40, 5, 0xb4 }, 4, 0 },
		{ { 2 }, 1, 0 },
		{ { 2, 3, 5, 2, 4, 5, 0xb4 },
		  7,
		  1460 }, /* wrong length: skipped, the next counts */
		{ { 253, 4, 1, 1, 2, 4, 5, 0xb4 }, 8, 1460 },
		{ { 2, 4, 5, 0xb4, 2, 0 }, 6, 1460 },
		{ { 0, 2, 4, 5, 0xb4 }, 5, 0 }, /* behind the end */
		{ { 1, 1, 1, 2, 4, 5, 0xb4 }, 7, 1460 },
	};
	struct tcp_options o;
	static const u8 scale[] = { 3, 3, 255 };

	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		u8 *exact = malloc(t[i].len); /* the sanitizer sees each byte read beyond */

		memcpy(exact, t[i].b, t[i].len);
		tcp_options_parse(exact, t[i].len, &o);
		CHECK_EQ(o.mss, t[i].mss);
		free(exact);
	}
	tcp_options_parse(scale, 3, &o);
	CHECK(o.wscale_ok);
	CHECK_EQ(o.wscale, 14);
}

TEST(options_built)
{
	static const u8 want[] = { 2, 4, 5, 0xb4, 1, 3, 3, 7 };
	struct tcp_out_options o = { .mss = 1460, .wscale_ok = true, .wscale = 7 };
	u8 b[8] = { 0 };

	CHECK_EQ(tcp_options_write(b, &o), 8);
	CHECK(memcmp(b, want, 8) == 0);
	o.wscale_ok = false;
	CHECK_EQ(tcp_options_write(b, &o), 4);
	CHECK_EQ(tcp_select_wscale(65535), 0);
	CHECK_EQ(tcp_select_wscale(65536), 1);
	CHECK_EQ(tcp_select_wscale(6u << 20), 7);
	CHECK_EQ(tcp_select_wscale(0xffffffffu), 14);
}

/* When the least gets too old, the least of what came in the rest of the window takes its place, and then that one's. */
TEST(least_round_trip_has_successors)
{
	static const struct {
		u32 ms, us, least;
	} t[] = {
		{ 0, 10, 10 },      { 90000, 20, 10 },  { 270000, 30, 10 },
		{ 315000, 40, 20 }, { 396000, 50, 30 },
	};
	struct tcp_rtt r;

	tcp_rtt_init(&r);
	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		tcp_rtt_min_sample(&r, t[i].us, t[i].ms, 300000);
		CHECK_EQ(r.min_us, t[i].least);
	}
}

/* The least of a window of 300 s, against one that remembers every sample. */
static const struct {
	const char *name;
	u32 window_ms, step_ms, steps;
	u32 start_ms;
} least_rows[] = {
	{ "often", 300000, 7000, 400, 0 },
	{ "across_the_wrap", 300000, 7000, 400, 0xfff00000 },
	{ "seldom", 300000, 140000, 50, 5 },
	{ "more_seldom_than_the_window", 300000, 301000, 20, 0 },
	{ "no_window", 0, 10, 20, 1 },
};
TEST_EACH(least_round_trip, least_rows)
{
	static u32 us[400];
	struct tcp_rtt r;
	u32 seed = 1;

	tcp_rtt_init(&r);
	for (u32 i = 0; i < row->steps; i++) {
		u32 least = UINT32_MAX, near = UINT32_MAX;

		seed = seed * 1103515245 + 12345;
		us[i] = 1 + (seed >> 16) % 5000;
		tcp_rtt_min_sample(&r, us[i], row->start_ms + i * row->step_ms, row->window_ms);
		for (u32 j = 0; j <= i; j++) {
			u32 age = (i - j) * row->step_ms;

			if (age <= row->window_ms)
				least = min(least, us[j]);
			if (age <= row->window_ms / 4)
				near = min(near, us[j]);
		}
		/* Never less than the window's least, nor more than the least of its last quarter. */
		CHECK(r.min_us >= least && r.min_us <= near);
	}
}

TEST(a_short_round_trip_is_forgotten_after_the_window)
{
	struct tcp_rtt r;

	tcp_rtt_init(&r);
	tcp_rtt_min_sample(&r, 0, 1000, 300000);
	CHECK_EQ(r.min_us, 1);
	for (u32 ms = 2000; ms <= 301000; ms += 1000) {
		tcp_rtt_min_sample(&r, 50000, ms, 300000);
		CHECK_EQ(r.min_us, 1);
	}
	tcp_rtt_min_sample(&r, 60000, 302000, 300000);
	CHECK_EQ(r.min_us, 50000);
	tcp_rtt_min_sample(&r, 10, 303000, 300000);
	CHECK_EQ(r.min_us, 10);
}

TEST(rtt)
{
	struct tcp_rtt r;

	tcp_rtt_init(&r);
	CHECK_EQ(r.rto_ns, 1000000000);
	tcp_rtt_sample(&r, 100000, 1000, 2000);
	CHECK_EQ(r.rto_ns, 300000000); /* R + max(2R, 200 ms) */
	tcp_rtt_init(&r);
	tcp_rtt_sample(&r, 500000, 1000, 2000);
	CHECK_EQ(r.rto_ns, 1500000000);
	for (u32 i = 0; i < 1000; i++) /* steady: the deviation term sinks to its floor */
		tcp_rtt_sample(&r, 500000, 3000 + i * 1000, 3000 + i * 1000 + 500);
	CHECK(r.rto_ns >= 700000000 && r.rto_ns < 720000000);
	tcp_rtt_sample(&r, 2000000, 2000000, 2000500); /* a peak is followed at once */
	CHECK(r.rto_ns > 2000000000);
	tcp_rtt_sample(&r, 0xffffffffu, 0, 0);
	CHECK(r.rto_ns <= 120 * NSEC_PER_SEC);
	tcp_rtt_init(&r);
	tcp_rtt_sample(&r, 0, 1, 2);
	CHECK(r.srtt8_us > 0);
	CHECK(r.rto_ns >= 200000000);
	CHECK_EQ(tcp_rto_backoff(200000000, 1), 400000000);
	CHECK_EQ(tcp_rto_backoff(200000000, 200), 120 * NSEC_PER_SEC);
	CHECK_EQ(tcp_rto_model_ns(TCP_RTO_MIN_NS, 15) / 100000000, 9246);
}

TEST(reno)
{
	struct tcp_cc cc = { .cwnd = 10, .ssthresh = 16, .clamp = 100 };
	const struct tcp_congestion_ops *ops = tcp_cong_find("reno");

	CHECK(ops != NULL);
	CHECK(tcp_cong_find("nobody") == NULL);
	ops->cong_avoid(&cc, &(struct tcp_cc_ack){ .acked = 4 });
	CHECK_EQ(cc.cwnd, 14);
	ops->cong_avoid(&cc,
			&(struct tcp_cc_ack){
				.acked = 4 }); /* two to ssthresh, two count towards the next one */
	CHECK_EQ(cc.cwnd, 16);
	CHECK_EQ(cc.cwnd_cnt, 2);
	ops->cong_avoid(&cc, &(struct tcp_cc_ack){ .acked = 14 });
	CHECK_EQ(cc.cwnd, 17);
	cc.cwnd = 100;
	ops->cong_avoid(&cc, &(struct tcp_cc_ack){ .acked = 1000 });
	CHECK_EQ(cc.cwnd, 100);
	CHECK_EQ(ops->ssthresh(&cc), 50);
	cc.cwnd = 1;
	CHECK_EQ(ops->ssthresh(&cc), 2);
}

KTEST_MAIN()
