// SPDX-License-Identifier: MIT
/* BBR: its filters and its states, an ACK at a time. What it makes of whole paths is asked in the simulator (tests/sim/lab.c). */
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

#define MSS    1000u
#define RTT_US 100000u
#define RATE   (800u * MSS * 10) /* of 800 segments in a round trip of 100 ms */

struct flow {
	struct tcp_cc cc;
	struct tcp_cc_news m;
	u64 rate;         /* of the socket */
	bool holds, late; /* it holds itself back; its application does */
};

static struct flow start(void)
{
	struct flow f = { .cc = { .cwnd = 10, .clamp = UINT32_MAX },
			  .m = { .mss = MSS, .rtt_us = RTT_US, .now_ms = 5 },
			  .rate = UINT64_MAX };

	tcp_bbr_ops.init(&f.cc);
	f.rate = tcp_bbr_ops.pacing_rate(&f.cc, f.rate, MSS, RTT_US);
	return f;
}

/* The news of an ACK are given: the model takes them, and those of one ACK are gone. */
static void hear(struct flow *f)
{
	f->m.bw = 0;
	f->m.app_limited = f->late || f->holds;
	f->m.round_start = f->m.too_high = f->m.lost_six = f->m.rtt_old = false;
	f->holds = tcp_bbr_ops.control(&f->cc, &f->m);
	f->rate = tcp_bbr_ops.pacing_rate(&f->cc, f->rate, MSS, RTT_US);
	f->m.acked = f->m.newly_lost = f->m.sample_us = 0;
}

/* A round trip in which @segs arrived and @lost did not: one ACK says it all. */
static void round_of(struct flow *f, u32 segs, u32 lost)
{
	f->m.sample_delivered = f->m.delivered;
	f->m.sample_us = RTT_US;
	f->m.delivered += segs;
	f->m.acked = segs;
	f->m.lost += lost;
	f->m.newly_lost = lost;
	f->m.now_ms += RTT_US / 1000;
	hear(f);
}

/* The path carries 800 segments a round trip. */
static struct flow with_full_pipe(void)
{
	struct flow f = start();

	for (u32 segs = 100; segs <= 800; segs *= 2)
		round_of(&f, segs, 0);
	f.m.in_flight = 1600;
	for (u32 i = 0; i < 3; i++)
		round_of(&f, 800, 0);
	return f;
}

/* Rounds of @segs until it is in @state. Return: how many. */
static u32 until(struct flow *f, enum bbr_state state, u32 segs)
{
	u32 n = 0, flight = f->m.in_flight;

	for (; n < 200 && f->cc.bbr.state != state; n++) {
		/* what PROBE_RTT asks for happens */
		f->m.in_flight = f->cc.bbr.state == BBR_PROBE_RTT ? BBR_MIN_CWND : flight;
		round_of(f, segs, 0);
	}
	f->m.in_flight = flight;
	CHECK_EQ(f->cc.bbr.state, state);
	return n;
}

static struct flow in_state(enum bbr_state state)
{
	struct flow f = with_full_pipe();

	f.m.in_flight = 700;
	(void)until(&f, state, 800);
	return f;
}

static u64 paced(u64 bw, u32 gain)
{
	return bw * gain * 99 / 100 / 256;
}

TEST(the_first_rate_is_the_initial_window_times_the_gain)
{
	struct flow f = start();

	CHECK_EQ(f.rate, 10ull * MSS * 709 / 256 * 10);
	CHECK_EQ(tcp_bbr_ops.pacing_rate(&f.cc, 1, MSS, 0), 10ull * MSS * 709 / 256 * 1000);
}

TEST(startup_doubles_and_ends_after_three_rounds_without_growth)
{
	struct flow f = start();

	for (u32 segs = 100; segs <= 800; segs *= 2) {
		round_of(&f, segs, 0);
		CHECK_EQ(f.cc.bbr.state, BBR_STARTUP);
		CHECK_EQ(bbr_bw(&f.cc.bbr), segs * MSS * 10);
		CHECK_EQ(f.rate, paced(segs * MSS * 10, 709));
	}
	f.m.in_flight = 1600;
	round_of(&f, 990, 0); /* not a quarter more */
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_STARTUP);
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_DRAIN);
	CHECK_EQ(f.rate, paced(990 * MSS * 10, 90));
	f.m.in_flight = 992;
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_DRAIN);
	f.m.in_flight = 991;
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_CRUISE);
}

TEST(a_late_application_ends_no_startup)
{
	struct flow f = start();

	round_of(&f, 800, 0);
	f.late = true;
	for (u32 i = 0; i < 10; i++)
		round_of(&f, 100, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_STARTUP);
	CHECK_EQ(bbr_bw(&f.cc.bbr), RATE);
	CHECK_EQ(f.rate, paced(RATE, 709));
	round_of(&f, 900, 0); /* but more is more */
	CHECK_EQ(bbr_bw(&f.cc.bbr), 900 * MSS * 10);
}

struct startup_row {
	const char *name;
	u32 lost, state;
};

static const struct startup_row startup_table[] = {
	{ "none", 0, BBR_STARTUP },
	{ "five", 5, BBR_STARTUP },
	{ "six_of_a_hundred", 6, BBR_DRAIN },
};

TEST_EACH(too_much_loss_ends_startup, startup_table)
{
	struct flow f = start();

	f.m.in_flight = 400;
	round_of(&f, 100, 0);
	round_of(&f, 200, row->lost);
	CHECK_EQ(f.cc.bbr.state, row->state);
	CHECK_EQ(f.cc.bbr.long_flight, row->state == BBR_DRAIN ? 200 : UINT32_MAX);
}

/* Two cycles later the fastest is forgotten, and nothing of a late application takes its place. */
TEST(the_fastest_is_remembered_for_two_cycles)
{
	struct flow f = in_state(BBR_CRUISE);
	u32 probes = 0;
	bool up = false;

	f.late = true;
	f.m.in_flight = 150;
	for (u32 i = 0; i < 300; i++)
		round_of(&f, 200, 0);
	CHECK_EQ(bbr_bw(&f.cc.bbr), RATE);
	f.late = false;
	while (bbr_bw(&f.cc.bbr) == RATE && probes < 10) {
		round_of(&f, 200, 0);
		probes += f.cc.bbr.state == BBR_UP && !up;
		up = f.cc.bbr.state == BBR_UP;
	}
	CHECK(probes >= 1);
	CHECK(probes <= 2);
	CHECK_EQ(bbr_bw(&f.cc.bbr), 200 * MSS * 10);
}

TEST(the_cycle_goes_round)
{
	struct flow f = in_state(BBR_CRUISE);
	u32 cruised = f.m.now_ms;

	CHECK_EQ(f.rate, paced(RATE, 256));
	(void)until(&f, BBR_REFILL, 800);
	CHECK(f.m.now_ms - cruised >= 1700);
	CHECK(f.m.now_ms - cruised <= 3200);
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_UP);
	CHECK_EQ(f.rate, paced(RATE, 320));
	CHECK_EQ(f.cc.cwnd, 801 * 576 / 512 * 2 + 1);
	f.m.in_flight = 900;
	round_of(&f, 800, 0);
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_UP);
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_DOWN);
	CHECK_EQ(f.rate, paced(RATE, 230));
	f.m.in_flight = 801;
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_CRUISE);
}

/* Small flights probe as often as NewReno would have grown back. */
TEST(a_small_flow_probes_after_as_many_rounds_as_it_has_segments)
{
	struct flow f = start();
	u32 rounds;

	for (u32 i = 0; i < 2; i++) {
		(void)until(&f, BBR_UP, 8);
		(void)until(&f, BBR_CRUISE, 8);
		rounds = until(&f, BBR_REFILL, 8);
	}
	CHECK(rounds >= 6);
	CHECK(rounds <= 9);
}

struct loss_row {
	const char *name;
	u32 segs, lost;
	bool marked, too_high;
};

static const struct loss_row loss_table[] = {
	{ "one_of_thirty_is_chance", 29, 1, false, false },
	{ "three_are", 27, 3, false, false },
	{ "four_are_not", 26, 4, false, true },
	{ "two_per_cent", 980, 19, false, false },
	{ "more", 980, 20, false, false },
	{ "more_still", 980, 21, false, true },
	{ "a_mark", 800, 0, true, true },
};

/* In a probe it ends it and bounds the flight; outside it bounds rate and flight by what came through, at most to 0.7. */
TEST_EACH(losses, loss_table)
{
	struct flow f = in_state(BBR_UP);
	u32 floor;

	round_of(&f, row->segs, 0);
	f.m.in_flight = 1200;
	f.cc.bbr.marked = row->marked;
	floor = min(f.cc.cwnd, 801u) * 7 / 10;
	round_of(&f, row->segs, row->lost);
	CHECK_EQ(f.cc.bbr.state, row->too_high ? BBR_DOWN : BBR_UP);
	if (row->too_high)
		CHECK(f.cc.bbr.long_flight >= floor);
	else
		CHECK_EQ(f.cc.bbr.long_flight, UINT32_MAX);

	f = in_state(BBR_CRUISE);
	round_of(&f, row->segs, 0);
	f.cc.bbr.marked = row->marked;
	round_of(&f, row->segs, row->lost);
	CHECK_EQ(f.cc.bbr.short_bw != UINT32_MAX, row->too_high);
	if (row->too_high) {
		CHECK(f.cc.bbr.short_bw >= RATE / 10 * 7 - 10);
		CHECK(f.cc.bbr.short_flight >= 800 * 7 / 10);
		CHECK_EQ(f.rate, paced(f.cc.bbr.short_bw, 256));
	}
}

TEST(the_bounds_of_losses_end_with_the_next_probe)
{
	struct flow f = in_state(BBR_CRUISE);

	round_of(&f, 600, 200);
	CHECK(f.cc.bbr.short_bw != UINT32_MAX);
	(void)until(&f, BBR_REFILL, 800);
	CHECK_EQ(f.cc.bbr.short_bw, UINT32_MAX);
	CHECK_EQ(f.cc.bbr.short_flight, UINT32_MAX);
}

/* Room for others while nothing is probed; a probe that fills the bound raises it, by twice as much each round trip. */
TEST(the_bound_of_a_probe_leaves_room_and_rises)
{
	struct flow f = in_state(BBR_UP);
	u32 base, first, second;

	round_of(&f, 900, 100);
	CHECK_EQ(f.cc.bbr.long_flight, 900);
	CHECK_EQ(bbr_headroom(&f.cc.bbr), 765);
	(void)until(&f, BBR_CRUISE, 800);
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.cwnd, 765);
	(void)until(&f, BBR_UP, 800);
	f.m.cwnd_limited = true;
	round_of(&f, 1000, 0);
	CHECK_EQ(f.cc.cwnd, 1000);
	round_of(&f, 1000, 0);
	base = f.cc.bbr.long_flight;
	round_of(&f, 1000, 0);
	first = f.cc.bbr.long_flight;
	round_of(&f, 1000, 0);
	second = f.cc.bbr.long_flight;
	CHECK(first > base);
	CHECK(second - first > first - base);
}

TEST(undo_takes_the_bounds_back)
{
	struct flow f = in_state(BBR_UP);

	round_of(&f, 900, 100);
	CHECK_EQ(f.cc.bbr.long_flight, 900);
	tcp_bbr_ops.undo(&f.cc);
	CHECK_EQ(f.cc.bbr.long_flight, UINT32_MAX);
	CHECK_EQ(f.cc.bbr.short_bw, UINT32_MAX);
}

/* A longer way is believed after ten seconds, and not because one ACK was delayed. */
TEST(the_shortest_round_trip_is_that_of_ten_seconds)
{
	struct flow f = in_state(BBR_CRUISE);

	f.m.rtt_us = 90000;
	round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.min_rtt_us, 90000);
	f.m.rtt_us = 150000;
	f.m.rtt_late = true;
	for (u32 i = 0; i < 120; i++)
		round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.min_rtt_us, 90000);
	f.m.rtt_late = false;
	for (u32 i = 0; i < 110; i++)
		round_of(&f, 800, 0);
	CHECK_EQ(f.cc.bbr.min_rtt_us, 150000);
}

TEST(probe_rtt_after_five_seconds_with_half_of_the_pipe)
{
	struct flow f = in_state(BBR_CRUISE);
	u32 began = f.m.now_ms, before_it = f.cc.cwnd, entered;

	f.m.rtt_us = RTT_US + 1;
	CHECK(!f.holds);
	(void)until(&f, BBR_PROBE_RTT, 800);
	CHECK(f.m.now_ms - began <= 5200);
	CHECK(f.holds); /* samples are those of a flow that holds itself back */
	CHECK_EQ(f.cc.cwnd, 401);
	f.m.in_flight = 402;
	round_of(&f, 400, 0);
	round_of(&f, 400, 0);
	round_of(&f, 400, 0);
	round_of(&f, 400, 0);
	CHECK_EQ(f.cc.bbr.state, BBR_PROBE_RTT);
	f.m.in_flight = 401;
	round_of(&f, 400, 0);
	entered = f.m.now_ms;
	(void)until(&f, BBR_CRUISE, 400);
	CHECK_EQ(f.m.now_ms - entered, 300); /* 200 ms, and the ACK after that */
	CHECK_EQ(f.cc.bbr.state, BBR_CRUISE);
	CHECK(f.cc.cwnd >= before_it);
}

TEST(a_flow_that_was_idle_probes_no_round_trip_and_restarts_at_the_rate_of_the_path)
{
	struct flow f = in_state(BBR_UP);

	CHECK_EQ(f.rate, paced(RATE, 320));
	tcp_bbr_ops.event(&f.cc, TCP_CA_EVENT_RESUME, 7000000);
	CHECK_EQ(tcp_bbr_ops.pacing_rate(&f.cc, f.rate, MSS, RTT_US), paced(RATE, 256));
	f.m.now_ms += 7000;
	f.m.rtt_us = RTT_US + 1;
	f.late = true;
	round_of(&f, 10, 0);
	CHECK(f.cc.bbr.state != BBR_PROBE_RTT);
	CHECK_EQ(bbr_bw(&f.cc.bbr), RATE);
}

/* In the first round trip of a recovery what arrives earns as much; then it grows to what the model allows, and it is whole after the end. */
TEST(recovery_conserves_for_a_round_trip_and_restores)
{
	struct flow f = in_state(BBR_CRUISE);
	u32 was = f.cc.cwnd;

	CHECK_EQ(tcp_bbr_ops.ssthresh(&f.cc), TCP_INFINITE_SSTHRESH);
	f.m.ca_state = TCP_CA_Recovery;
	f.m.in_flight = 690;
	f.m.delivered += 5;
	f.m.acked = 5;
	f.m.lost += 1;
	f.m.newly_lost = 1;
	hear(&f);
	CHECK_EQ(f.cc.cwnd, 695);
	f.m.in_flight = 693;
	f.m.acked = 2;
	f.m.delivered += 2;
	hear(&f);
	CHECK_EQ(f.cc.cwnd, 695);
	round_of(&f, 100, 0);
	CHECK_EQ(f.cc.cwnd, 795);
	f.m.ca_state = TCP_CA_Open;
	hear(&f);
	CHECK_EQ(f.cc.cwnd, was);
}

TEST(after_a_timeout_the_window_grows_by_what_arrives)
{
	struct flow f = in_state(BBR_CRUISE);
	u32 was = f.cc.cwnd;

	(void)tcp_bbr_ops.ssthresh(&f.cc);
	f.cc.cwnd = 1;
	f.m.ca_state = TCP_CA_Loss;
	f.m.in_flight = 1;
	round_of(&f, 1, 0);
	CHECK_EQ(f.cc.cwnd, BBR_MIN_CWND);
	round_of(&f, 4, 0);
	CHECK_EQ(f.cc.cwnd, 8);
	f.m.ca_state = TCP_CA_Open;
	hear(&f);
	CHECK_EQ(f.cc.cwnd, was);
}

TEST(a_new_cwr_is_a_mark)
{
	struct flow f = in_state(BBR_CRUISE);

	f.m.ca_state = TCP_CA_CWR;
	hear(&f);
	CHECK(f.cc.bbr.marked);
	round_of(&f, 800, 0);
	CHECK(f.cc.bbr.short_bw != UINT32_MAX);
	CHECK(!f.cc.bbr.marked);
}

/* However short the path, the bursts of a millisecond have room; never less than four segments. */
TEST(short_paths_hold_bursts)
{
	struct flow f = start();

	f.m.rtt_us = 100;
	for (u32 i = 0; i < 10; i++)
		round_of(&f, 800, 0); /* 7,812 bytes in 2^-10 s */
	CHECK_EQ(f.cc.cwnd, 3 * 7 + (f.cc.bbr.state == BBR_UP ? 2 : 0));
	f = start();
	f.m.rtt_us = 100;
	for (u32 i = 0; i < 10; i++)
		round_of(&f, 2, 0);
	CHECK_EQ(f.cc.cwnd, BBR_MIN_CWND + (f.cc.bbr.state == BBR_UP ? 2 : 0));
}

TEST(an_unknown_path_takes_the_initial_window)
{
	struct flow f = start();

	CHECK_EQ(bbr_flight(&f.cc.bbr, 0, 256, &f.m), TCP_INIT_CWND);
	CHECK_EQ(bbr_flight(&f.cc.bbr, RATE, 256, &f.m), TCP_INIT_CWND);
	CHECK_EQ(bbr_headroom(&f.cc.bbr), UINT32_MAX);
}

TEST(what_it_says_of_itself)
{
	struct flow f = in_state(BBR_CRUISE);
	struct tcp_bbr_info i;

	tcp_bbr_ops.info(&f.cc, &i);
	CHECK_EQ(i.bbr_bw_lo, RATE);
	CHECK_EQ(i.bbr_bw_hi, 0);
	CHECK_EQ(i.bbr_min_rtt, RTT_US);
	CHECK_EQ(i.bbr_pacing_gain, 256);
	CHECK_EQ(i.bbr_cwnd_gain, 512);
}

KTEST_MAIN_BOOT()
