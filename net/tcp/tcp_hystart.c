// SPDX-License-Identifier: MIT
/*
 * Slow start, and when to leave it: HyStart++ sees the round trips of a round grow before the bottleneck's queue overflows.
 *
 * A round that takes clearly longer than the one before begins Conservative Slow Start, in which the window grows at a quarter
 * of the speed. If the round trips fall back below what made us suspicious, that was noise and slow start goes on; if five rounds
 * pass, the window is where congestion avoidance begins.
 *
 * Interface: tcp_slow_start, tcp_hystart_reset, tcp_hystart_acked, tcp_hystart_slow_start
 * Above: tcp_cong.c, tcp_cubic.c. Below: nothing.
 * Context: any. Owns: nothing. Pure functions of their arguments.
 * Specs: RFC 5681 3.1; RFC 3465 with L unbounded (what a burst may be is the pacing's affair); RFC 9406 4.2, 4.3.
 */
#include "tcp_internal.h"

#define MIN_RTT_THRESH_US  4000u
#define MAX_RTT_THRESH_US  16000u
#define MIN_RTT_DIVISOR    8u
#define N_RTT_SAMPLE       8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS         5u

/**
 * tcp_slow_start() - one segment more for each one acknowledged, up to ssthresh
 *
 * Context: any. Return: acknowledged segments left over for congestion avoidance.
 */
u32 tcp_slow_start(struct tcp_cc *cc, u32 acked)
{
	u32 room = cc->ssthresh > cc->cwnd ? cc->ssthresh - cc->cwnd : 0;
	u32 step = min(acked, room);

	cc->cwnd = min(cc->cwnd + step, cc->clamp);
	return acked - step;
}

/** tcp_hystart_reset() - before the first round. Context: any. */
void tcp_hystart_reset(struct tcp_hystart *h)
{
	*h = (struct tcp_hystart){ .last_min_us = UINT32_MAX, .cur_min_us = UINT32_MAX };
}

/* Everything that was out when the round began is acknowledged. Return: conservative slow start is over. */
static bool hystart_next_round(struct tcp_hystart *h, const struct tcp_cc_ack *ack)
{
	bool over = false;

	if (h->running) {
		h->last_min_us = h->cur_min_us;
		over = h->baseline_us && ++h->css_rounds >= CSS_ROUNDS;
	}
	h->running = true;
	h->cur_min_us = UINT32_MAX;
	h->samples = 0;
	h->round_end = ack->snd_nxt;
	return over;
}

/* How much longer a round may take: an eighth, between 4 and 16 ms. */
static u32 hystart_thresh_us(const struct tcp_hystart *h)
{
	return max(MIN_RTT_THRESH_US, min(h->last_min_us / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US));
}

/**
 * tcp_hystart_acked() - an ACK in the first slow start: counts rounds, compares round trips, may end slow start by ssthresh
 * @cc: window; ssthresh is still infinite
 * @h: state of the rounds
 * @ack: what was acknowledged
 *
 * Context: any.
 */
void tcp_hystart_acked(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *ack)
{
	if ((!h->running || !before(ack->snd_una, h->round_end)) && hystart_next_round(h, ack)) {
		cc->ssthresh = cc->cwnd;
		return;
	}
	if (ack->rtt_us == UINT32_MAX)
		return;
	h->cur_min_us = min(h->cur_min_us, ack->rtt_us);
	if (h->samples < N_RTT_SAMPLE)
		h->samples++;
	if (h->samples < N_RTT_SAMPLE || h->last_min_us == UINT32_MAX)
		return;
	if (!h->baseline_us && h->cur_min_us >= h->last_min_us + hystart_thresh_us(h)) {
		h->baseline_us = h->cur_min_us;
		h->css_rounds = 0;
	} else if (h->baseline_us && h->cur_min_us < h->baseline_us) {
		h->baseline_us = 0;
	}
}

/**
 * tcp_hystart_slow_start() - tcp_slow_start(), at a quarter of the speed while @h is suspicious
 *
 * Context: any. Return: acknowledged segments left over for congestion avoidance.
 */
u32 tcp_hystart_slow_start(struct tcp_cc *cc, const struct tcp_hystart *h, u32 acked)
{
	u32 quarter;

	if (!h->baseline_us)
		return tcp_slow_start(cc, acked);
	cc->cwnd_cnt += acked;
	quarter = cc->cwnd_cnt / CSS_GROWTH_DIVISOR;
	cc->cwnd_cnt %= CSS_GROWTH_DIVISOR;
	return tcp_slow_start(cc, quarter);
}
