// SPDX-License-Identifier: MIT
/*
 * What BBR believes about the path: how fast it delivers, how long it is, and how much it holds without losing.
 *
 *   max_bw        the fastest that it delivered in this cycle of probing and in the one before; what an application that was late
 *                 measured counts only when it is more
 *   min_rtt_us    the shortest round trip of ten seconds, looked for by PROBE_RTT when none came in five
 *   long_flight   segments in flight at which a probe lost more than two per cent; it rises while probes do not
 *   short_bw, short_flight   what remained after such losses outside of probes, till the next one begins
 *
 * Loss is judged by the round trip, and never by fewer than four segments: one of a flight of thirty is chance, not two per cent. (The draft
 * would take that one for congestion, and hold a small flight down at the least random loss.)
 *
 * Interface: bbr_bw, bbr_flight, bbr_headroom, bbr_take, bbr_flight_too_high, bbr_forget_losses
 * Above: tcp_bbr.c. Below: nothing. Context: any. Owns: nothing. Pure functions of struct tcp_bbr and what an ACK tells.
 * Specs: draft-ietf-ccwg-bbr-05 5.5 (path model), 5.5.10 (loss).
 */
#include "tcp_internal.h"

#define LOSS_LEAST    4u
#define LOSS_STARTUP  6u
#define LOSS_PART     50u /* one of so many: 2 % */
#define MIN_RTT_MS    10000u
#define RECENT_RTT_MS 5000u
#define BETA_PERCENT  70u
#define ROOM_PERCENT  15u /* of long_flight: left to others while nothing is probed */
#define NO_BOUND      UINT32_MAX

/** bbr_bw() - what the path carries now. Context: any. Return: bytes a second; 0: nothing was measured yet. */
u32 bbr_bw(const struct tcp_bbr *b)
{
	return min(max(b->max_bw[0], b->max_bw[1]), b->short_bw);
}

/**
 * bbr_flight() - so much is in flight when the pipe is full @gain / 256 times
 * @bw: bytes a second
 * @m: for the size of segments
 *
 * Context: any. Return: segments; the initial window while the path is not known.
 */
u32 bbr_flight(const struct tcp_bbr *b, u32 bw, u32 gain, const struct tcp_cc_news *m)
{
	u64 bytes;

	if (!bw || b->min_rtt_us == NO_BOUND)
		return TCP_INIT_CWND;
	bytes = (u64)bw * min(b->min_rtt_us, 1u << 24) / 256 * gain / USEC_PER_SEC;
	return (u32)min(bytes / m->mss + 1, (u64)INT32_MAX);
}

/** bbr_headroom() - long_flight without what is left to others. Context: any. Return: segments; UINT32_MAX: no bound. */
u32 bbr_headroom(const struct tcp_bbr *b)
{
	u32 room = max((u32)((u64)b->long_flight * ROOM_PERCENT / 100), 1u);

	if (b->long_flight == NO_BOUND)
		return NO_BOUND;
	return max(b->long_flight - room, BBR_MIN_CWND);
}

/** bbr_forget_losses() - the bounds of the last losses end. Context: any. */
void bbr_forget_losses(struct tcp_bbr *b)
{
	b->short_bw = b->short_flight = NO_BOUND;
}

/* Segments that were out together with the one that this ACK measures. */
static u32 bbr_sample_flight(const struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	u32 segs = m->sample_us ? m->delivered - m->sample_delivered : 0;

	return max(segs, b->round_flight) + (m->lost - b->round_lost);
}

/* More than 2 % of a flight are lost, or it was marked. */
static bool bbr_loss_too_high(const struct tcp_bbr *b, const struct tcp_cc_news *m)
{
	u32 lost = m->lost - b->round_lost;

	return b->marked || (lost >= LOSS_LEAST && (u64)lost * LOSS_PART > bbr_sample_flight(b, m));
}

/**
 * bbr_flight_too_high() - a probe found the bound; never less than 0.7 of what is aimed at, and once a probe
 * @aim: that, segments
 *
 * Context: any.
 */
void bbr_flight_too_high(struct tcp_bbr *b, u32 aim, const struct tcp_cc_news *m)
{
	b->probe_counts = false;
	b->long_before = b->long_flight;
	if (!m->app_limited)
		b->long_flight = max(bbr_sample_flight(b, m), (u32)((u64)aim * BETA_PERCENT / 100));
}

/* A round trip outside of probes lost too much: 0.7 of what went before, but not less than what came through. */
static void bbr_bound(struct tcp_bbr *b, const struct tcp_cc *cc)
{
	if (b->short_bw == NO_BOUND)
		b->short_bw = max(b->max_bw[0], b->max_bw[1]);
	if (b->short_flight == NO_BOUND)
		b->short_flight = cc->cwnd;
	b->short_bw = max((u32)((u64)b->short_bw * BETA_PERCENT / 100), b->round_bw);
	b->short_flight = max((u32)((u64)b->short_flight * BETA_PERCENT / 100), b->round_flight);
}

static void bbr_take_rtt(struct tcp_bbr *b, struct tcp_cc_news *m)
{
	m->rtt_old = m->now_ms - b->recent_rtt_ms > RECENT_RTT_MS;
	if (m->rtt_us < b->recent_rtt_us ||
	    (m->rtt_old && !m->rtt_late && m->rtt_us != UINT32_MAX)) {
		b->recent_rtt_us = m->rtt_us;
		b->recent_rtt_ms = m->now_ms;
	}
	if (b->recent_rtt_us < b->min_rtt_us || m->now_ms - b->min_rtt_ms > MIN_RTT_MS) {
		b->min_rtt_us = b->recent_rtt_us;
		b->min_rtt_ms = b->recent_rtt_ms;
	}
}

/* A round trip ended: its losses are judged, and the next one is counted from here. */
static void bbr_round(struct tcp_cc *cc, struct tcp_cc_news *m, bool probing)
{
	struct tcp_bbr *b = &cc->bbr;

	if (m->too_high && !probing)
		bbr_bound(b, cc);
	m->lost_six = m->too_high && m->lost - b->round_lost >= LOSS_STARTUP;
	b->round_bw = m->bw;
	b->round_flight = m->delivered - m->sample_delivered;
	b->round_lost = m->lost;
	b->round_end = m->delivered;
	b->marked = false;
	if (b->rounds < UINT8_MAX)
		b->rounds++;
}

/**
 * bbr_take() - what an ACK says of the path
 * @cc: an algorithm's state, BBR's
 * @m: the ACK; what the model makes of it is filled in
 * @probing: more than the path is known to carry is sent: losses are expected
 *
 * Context: any.
 */
void bbr_take(struct tcp_cc *cc, struct tcp_cc_news *m, bool probing)
{
	struct tcp_bbr *b = &cc->bbr;

	if (m->sample_us) {
		u32 segs = m->delivered - m->sample_delivered;
		u64 bw = (u64)segs * m->mss * USEC_PER_SEC / m->sample_us;

		m->bw = (u32)min(bw, (u64)UINT32_MAX - 1);
		m->round_start = !before(m->sample_delivered, b->round_end);
		b->round_bw = max(b->round_bw, m->bw);
		b->round_flight = max(b->round_flight, segs);
		/* What is more than was ever measured holds, whoever was late. */
		if (m->bw > b->max_bw[0] && (!m->app_limited || m->bw >= b->max_bw[1]))
			b->max_bw[0] = m->bw;
	}
	m->too_high = bbr_loss_too_high(b, m);
	if (m->round_start)
		bbr_round(cc, m, probing);
	bbr_take_rtt(b, m);
}
