// SPDX-License-Identifier: MIT
/*
 * BBR: the window and the rate follow a model of the path (tcp_bbr_model.c), not single losses.
 *
 *   STARTUP     the rate doubles each round trip, till three of them brought no quarter more, or lost too much
 *   DRAIN       the queue that this made goes
 *   DOWN        PROBE_BW: a little slower than the path, till no queue of ours is left
 *   CRUISE      as fast as the path, with room for others; two to three seconds, or as many round trips as a flow of NewReno would take
 *   REFILL      one round trip at full rate, so that the pipe is full when the probe begins
 *   UP          a quarter faster, and with ever more in flight, till nothing more comes through or too much is lost
 *   PROBE_RTT   half of what the pipe holds, for 200 ms: how long is the path without a queue?
 *
 * Left out of the draft: what makes the window larger where ACKs come in clumps (5.5.9). Other than there: how losses are counted
 * (tcp_bbr_model.c), and a mark of ECN, or a full queue of this host, counts as a round trip that lost too much.
 *
 * Interface: tcp_bbr_ops, tcp_cong_model
 * Above: tcp_cong.c, by table; tcp_ack.c. Below: tcp_bbr_model.c. Context: any. Owns: nothing.
 * Specs: draft-ietf-ccwg-bbr-05 5.3 (states), 5.4 (restart from idle), 5.6 (rate and window).
 */
#include "tcp_internal.h"

#include <kernel/random.h>

#define ONE           256u
#define MARGIN        99u /* percent: a queue that a rate just too high made would never go */
#define PROBE_RTT_MS  200u
#define WAIT_MS       2000u
#define WAIT_MORE_MS  1000u
#define RENO_ROUNDS   63u
#define RAISES_MAX    30u
#define FIRST_RTT_US  1000u /* while none was measured */
#define FLIGHT_BURSTS 3u    /* in this host, on the path, in the receiver's */

static const struct {
	u16 pace, window; /* of max_bw; of what the pipe holds; times 256 */
} gains[] = {
	[BBR_STARTUP] = { 709, 512 }, /* 4 ln 2 */
	[BBR_DRAIN] = { 90, 512 },    [BBR_DOWN] = { 230, 512 }, [BBR_CRUISE] = { ONE, 512 },
	[BBR_REFILL] = { ONE, 512 },  [BBR_UP] = { 320, 576 },   [BBR_PROBE_RTT] = { ONE, 128 },
};

static bool bbr_probes_bw(const struct tcp_bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

static void bbr_init(struct tcp_cc *cc)
{
	cc->ssthresh =
		TCP_INFINITE_SSTHRESH; /* no slow start ends there, no reduction leads there */
	cc->bbr = (struct tcp_bbr){ .short_bw = UINT32_MAX,
				    .short_flight = UINT32_MAX,
				    .long_flight = UINT32_MAX,
				    .long_before = UINT32_MAX,
				    .min_rtt_us = UINT32_MAX,
				    .recent_rtt_us = UINT32_MAX };
}

/* --- The pipe is full -------------------------------------------------------------------------------------------------------- */
static void bbr_watch_growth(struct tcp_bbr *b, u32 bw)
{
	b->full_bw = bw;
	b->full_rounds = 0;
}

static void bbr_check_full(struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	if (b->full_rounds == BBR_FULL || m->app_limited || !m->bw)
		return;
	if (m->bw / 5 >= b->full_bw / 4)
		bbr_watch_growth(b, m->bw);
	else if (m->round_start && ++b->full_rounds == BBR_FULL)
		b->full = true;
}

/* --- The cycle --------------------------------------------------------------------------------------------------------------- */
static u32 bbr_aim(const struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	return min(bbr_flight(&cc->bbr, bbr_bw(&cc->bbr), ONE, m), cc->cwnd);
}

static void bbr_enter(struct tcp_bbr *b, enum bbr_state state, const struct tcp_cc_news *m)
{
	b->state = (u8)state;
	b->phase_ms = m->now_ms;
	b->round_end = m->delivered;
}

static void bbr_go_down(struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	u32 chance = get_random_u32();

	b->wait_ms = (u16)(WAIT_MS + chance % WAIT_MORE_MS);
	b->rounds = (u8)(chance >> 31);
	b->stopping = true;
	bbr_enter(b, BBR_DOWN, m);
}

static void bbr_go_up(struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	b->probe_counts = true;
	b->raises = 0;
	b->raise_acked = 0;
	bbr_watch_growth(b, m->bw);
	bbr_enter(b, BBR_UP, m);
}

/* The probe fills what long_flight allows, and nothing says that it is too much: each round trip twice as much more is tried. */
static void bbr_raise(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;
	u32 each = max(cc->cwnd >> b->raises, 1u);

	if (!m->cwnd_limited || cc->cwnd < b->long_flight)
		return;
	b->raise_acked += m->acked;
	b->long_flight += b->raise_acked / each;
	b->raise_acked %= each;
	if (m->round_start && b->raises < RAISES_MAX)
		b->raises++;
}

/* What a probe says about long_flight. Its losses are known up to a round trip after its end. */
static void bbr_bound_probe(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;

	if (m->round_start && b->stopping) {
		b->stopping = b->probe_counts = false;
		if (bbr_probes_bw(b) && !m->app_limited && b->max_bw[0]) {
			b->max_bw[1] = b->max_bw[0];
			b->max_bw[0] = 0;
		}
	}
	if (m->too_high) {
		if (b->probe_counts) {
			bbr_flight_too_high(b, bbr_aim(cc, m), m);
			if (b->state == BBR_UP)
				bbr_go_down(b, m);
		}
	} else if (b->long_flight != UINT32_MAX) {
		if (m->sample_us)
			b->long_flight = max(b->long_flight, m->delivered - m->sample_delivered);
		if (b->state == BBR_UP)
			bbr_raise(cc, m);
	}
}

static bool bbr_time_to_probe(const struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	const struct tcp_bbr *b = &cc->bbr;

	return m->now_ms - b->phase_ms > b->wait_ms ||
	       b->rounds >= min(bbr_aim(cc, m), RENO_ROUNDS);
}

static bool bbr_is_drained(const struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	return m->in_flight <= bbr_flight(b, max(b->max_bw[0], b->max_bw[1]), ONE, m);
}

static void bbr_cycle(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;

	bbr_bound_probe(cc, m);
	if (b->state == BBR_REFILL) {
		if (m->round_start)
			bbr_go_up(b, m);
	} else if (b->state == BBR_UP) {
		if (m->cwnd_limited && cc->cwnd >= b->long_flight)
			bbr_watch_growth(b, m->bw); /* it is the bound that holds us back */
		else if (b->full_rounds == BBR_FULL)
			bbr_go_down(b, m);
	} else if (bbr_time_to_probe(cc, m)) {
		bbr_forget_losses(b);
		bbr_enter(b, BBR_REFILL, m);
	} else if (b->state == BBR_DOWN && m->in_flight <= bbr_headroom(b) &&
		   bbr_is_drained(b, m)) {
		b->state = BBR_CRUISE;
	}
}

/* --- PROBE_RTT --------------------------------------------------------------------------------------------------------------- */
static void bbr_save_cwnd(struct tcp_cc *cc)
{
	struct tcp_bbr *b = &cc->bbr;

	if (b->ca_state >= TCP_CA_Recovery || b->state == BBR_PROBE_RTT)
		b->prior_cwnd = max(b->prior_cwnd, cc->cwnd);
	else
		b->prior_cwnd = cc->cwnd;
}

static u32 bbr_probe_rtt_cwnd(const struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	return max(bbr_flight(b, bbr_bw(b), gains[BBR_PROBE_RTT].window, m), BBR_MIN_CWND);
}

static void bbr_leave_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;

	b->recent_rtt_ms = m->now_ms;
	cc->cwnd = max(cc->cwnd, b->prior_cwnd);
	bbr_forget_losses(b);
	if (b->full) {
		bbr_go_down(b, m);
		b->state = BBR_CRUISE;
	} else {
		bbr_enter(b, BBR_STARTUP, m);
	}
}

/* With so little in flight, for 200 ms and a round trip. */
static void bbr_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;

	if (b->state != BBR_PROBE_RTT) {
		if (!m->rtt_old || b->idle)
			return;
		bbr_save_cwnd(cc);
		b->stopping = true;
		b->low = 0;
		bbr_enter(b, BBR_PROBE_RTT, m);
	}
	if (!b->low) {
		if (m->in_flight <= bbr_probe_rtt_cwnd(b, m)) {
			b->low = 1;
			bbr_enter(b, BBR_PROBE_RTT, m);
		}
		return;
	}
	if (m->round_start)
		b->low = 2;
	if (b->low == 2 && m->now_ms - b->phase_ms > PROBE_RTT_MS)
		bbr_leave_probe_rtt(cc, m);
}

/* --- The window -------------------------------------------------------------------------------------------------------------- */
/* A recovery begins with what arrives, no more, for a round trip; after it the window is what it was. */
static void bbr_recover(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;
	bool now = m->ca_state >= TCP_CA_Recovery, was = b->ca_state >= TCP_CA_Recovery;

	cc->cwnd = max(cc->cwnd - min(cc->cwnd, m->newly_lost), 1u);
	if (m->ca_state == TCP_CA_Recovery && !was) {
		b->conserve = true;
		b->round_end = m->delivered;
		cc->cwnd = m->in_flight + max(m->acked, 1u);
	} else if (was && !now) {
		b->conserve = false;
		cc->cwnd = max(cc->cwnd, b->prior_cwnd);
	} else if (m->round_start || m->ca_state == TCP_CA_Loss) {
		b->conserve = false;
	}
	if (m->ca_state == TCP_CA_CWR && b->ca_state != TCP_CA_CWR)
		b->marked = true;
	b->ca_state = m->ca_state;
	if (b->conserve)
		cc->cwnd = max(cc->cwnd, m->in_flight + m->acked);
}

/* Segments that the model allows in flight. */
static u32 bbr_bound_by_model(const struct tcp_bbr *b)
{
	u32 most = b->short_flight;

	if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
		most = min(most, bbr_headroom(b));
	else if (bbr_probes_bw(b))
		most = min(most, b->long_flight);
	return max(most, BBR_MIN_CWND);
}

static void bbr_set_cwnd(struct tcp_cc *cc, const struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;
	u32 bw = bbr_bw(b), most = bbr_flight(b, bw, gains[b->state].window, m);

	most = max(most, FLIGHT_BURSTS * ((bw >> TCP_PACING_SHIFT) / m->mss));
	most = max(most, BBR_MIN_CWND);
	if (b->state == BBR_UP)
		most += 2;
	bbr_recover(cc, m);
	if (!b->conserve) {
		if (b->full)
			cc->cwnd = min(cc->cwnd + m->acked, most);
		else if (cc->cwnd < most || m->delivered < TCP_INIT_CWND)
			cc->cwnd += m->acked;
		cc->cwnd = max(cc->cwnd, BBR_MIN_CWND);
	}
	if (b->state == BBR_PROBE_RTT)
		cc->cwnd = min(cc->cwnd, bbr_probe_rtt_cwnd(b, m));
	most = min(bbr_bound_by_model(b), cc->clamp);
	cc->cwnd = min(cc->cwnd, most);
}

/* --- Calls ------------------------------------------------------------------------------------------------------------------- */
static bool bbr_control(struct tcp_cc *cc, struct tcp_cc_news *m)
{
	struct tcp_bbr *b = &cc->bbr;

	if (!b->heard) {
		b->heard = true;
		b->round_end = m->delivered;
		b->round_lost = m->lost;
		b->min_rtt_ms = b->recent_rtt_ms = m->now_ms;
	}
	bbr_take(cc, m, b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP);
	bbr_check_full(b, m);
	if (b->state == BBR_STARTUP) {
		if (m->lost_six && !b->full) {
			b->full = true;
			b->long_flight = max(bbr_aim(cc, m), b->round_flight);
		}
		if (b->full)
			bbr_enter(b, BBR_DRAIN, m);
	}
	if (b->state == BBR_DRAIN && bbr_is_drained(b, m))
		bbr_go_down(b, m);
	if (bbr_probes_bw(b))
		bbr_cycle(cc, m);
	bbr_probe_rtt(cc, m);
	if (m->acked)
		b->idle = false;
	bbr_set_cwnd(cc, m);
	return b->state == BBR_PROBE_RTT;
}

static u64 bbr_pacing_rate(const struct tcp_cc *cc, u64 rate, u32 mss, u32 srtt_us)
{
	const struct tcp_bbr *b = &cc->bbr;
	u32 bw = bbr_bw(b), gain = gains[b->state].pace;
	u64 next;

	if (!bw)
		return (u64)cc->cwnd * mss * gain / ONE * USEC_PER_SEC /
		       (srtt_us ? srtt_us : FIRST_RTT_US);
	if (b->idle && bbr_probes_bw(b))
		gain = ONE;
	next = max((u64)bw * gain * MARGIN / 100 / ONE, 1ull);
	return b->full ? next : max(next, rate);
}

/* The window was full, or was lost: here it does not fall, but it is restored when all is repaired. */
static u32 bbr_ssthresh(struct tcp_cc *cc)
{
	bbr_save_cwnd(cc);
	return cc->ssthresh;
}

static void bbr_undo(struct tcp_cc *cc)
{
	struct tcp_bbr *b = &cc->bbr;

	bbr_forget_losses(b);
	b->long_flight = max(b->long_flight, b->long_before);
	bbr_watch_growth(b, 0);
}

static void bbr_event(struct tcp_cc *cc, enum tcp_ca_event ev, u64 idle_us)
{
	(void)idle_us;
	if (ev == TCP_CA_EVENT_RESUME)
		cc->bbr.idle = true;
}

static void bbr_info(const struct tcp_cc *cc, struct tcp_bbr_info *i)
{
	const struct tcp_bbr *b = &cc->bbr;

	*i = (struct tcp_bbr_info){ .bbr_bw_lo = bbr_bw(b),
				    .bbr_min_rtt = b->min_rtt_us,
				    .bbr_pacing_gain = gains[b->state].pace,
				    .bbr_cwnd_gain = gains[b->state].window };
}

const struct tcp_congestion_ops tcp_bbr_ops = {
	.name = "bbr",
	.init = bbr_init,
	.ssthresh = bbr_ssthresh,
	.undo = bbr_undo,
	.event = bbr_event,
	.control = bbr_control,
	.pacing_rate = bbr_pacing_rate,
	.info = bbr_info,
};

/**
 * tcp_cong_model() - an ACK to an algorithm that models the path: the window is its affair
 * @tp: its socket
 * @acked: what the ACK says
 *
 * While the flow holds itself back what it delivers says no more of the path than what a late application gives.
 *
 * Context: owner or softirq.
 */
void tcp_cong_model(struct tcp_sock *tp, const struct tcp_acked *acked)
{
	struct tcp_cc_news m = { .now_ms = (u32)(acked->now_ns / NSEC_PER_MSEC),
				 .delivered = tp->delivered,
				 .lost = tp->lost,
				 .acked = acked->delivered,
				 .newly_lost = acked->lost,
				 .in_flight = tcp_packets_in_flight(tp),
				 .rtt_us = tcp_ack_least_rtt(acked),
				 .mss = tp->mss_cache,
				 .app_limited = acked->rate_app_limited,
				 .rtt_late = tcp_ack_is_lone(tp, acked),
				 .cwnd_limited = tp->is_cwnd_limited,
				 .ca_state = (u8)tp->ca_state };
	u32 us = max(acked->rate_sent_us, (u32)(acked->now_ns / NSEC_PER_USEC) - acked->rate_us);

	if (acked->rate_us && !acked->reneging && us >= tp->rtt.min_us) {
		m.sample_delivered = acked->rate_delivered;
		m.sample_us = us;
	}
	if (tp->ca_ops->control(&tp->cc, &m))
		tp->rate.app_limited = max(tp->delivered + m.in_flight, 1u);
}
