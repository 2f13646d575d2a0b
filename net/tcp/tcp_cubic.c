// SPDX-License-Identifier: MIT
/*
 * CUBIC: in congestion avoidance the window is a function of the time since the last reduction, steep far from the window at
 * which loss occurred and flat around it, and never below what NewReno would have.
 *
 *   W_cubic(t) = 0.4 * (t - K)^3 + W_max, with K = cbrt((W_max - cwnd) / 0.4) seconds
 *
 * Windows are computed in 2^-10 segments and times in 2^-10 s; the growth per ACK is a fraction that is kept (2^-20), so
 * that large windows grow as exactly as small ones.
 *
 * Interface: tcp_cubic_ops, tcp_cubic_root
 * Above: tcp_cong.c, by table. Below: tcp_hystart.c.
 * Context: any. Owns: nothing. Pure functions of struct tcp_cc and what an ACK tells.
 * Specs: RFC 9438 4.1-4.10.
 */
#include "tcp_internal.h"

#define ONE   1024u /* a segment; a second; the ratio 1 */
#define BETA  717u  /* 0.7 */
#define CUBE  410u  /* C = 0.4 */
#define ALPHA 542u  /* 3 * (1 - beta) / (1 + beta): Reno-friendly growth per window */
#define T_MAX                                                                                      \
	(256u *                                                                                    \
	 ONE) /* beyond, the curve is steeper than the limit of its growth whatever the window */

/** tcp_cubic_root() - the greatest integer whose cube is at most @v < 2^63. Context: any. Return: it. */
u32 tcp_cubic_root(u64 v)
{
	u64 root = 0;

	for (s32 bit = 20; bit >= 0; bit--) {
		u64 try = root | 1ull << bit;

		if (try * try * try <= v)
			root = try;
	}
	return (u32)root;
}

static void cubic_init(struct tcp_cc *cc)
{
	cc->cwnd_cnt = 0;
	cc->cubic = (struct tcp_cubic){ 0 };
	tcp_hystart_reset(&cc->cubic.hystart);
}

/* Congestion avoidance begins: the curve is laid through the window as it is (RFC 9438, 4.2). */
static void cubic_start_epoch(struct tcp_cc *cc, u64 now_us)
{
	struct tcp_cubic *c = &cc->cubic;
	u64 cwnd = (u64)cc->cwnd * ONE;

	c->now.start_us = now_us;
	c->w_est = cwnd * ONE;
	c->frac = 0;
	if (c->now.w_max > cwnd) {
		/* (2^-10 s)^3 times 2^-10 segments: K^3 = d / C, with everything in its unit. */
		c->now.k = tcp_cubic_root((c->now.w_max - cwnd) * ONE * ONE / CUBE * ONE);
		c->now.origin = c->now.w_max;
	} else {
		c->now.k = 0;
		c->now.origin = (u32)cwnd;
	}
}

/* W_cubic(@t), @t in 2^-10 s since the epoch began. Return: 2^-10 segments, at least 0. */
static u64 cubic_window(const struct tcp_cubic_epoch *e, u64 t)
{
	bool below = t < e->k;
	u64 d = min(below ? e->k - t : t - e->k, (u64)T_MAX);
	u64 delta = (d * d * d / ONE * CUBE) / ONE / ONE;

	if (!below)
		return e->origin + delta;
	return delta < e->origin ? e->origin - delta : 0;
}

/* What NewReno would have by now (RFC 9438, 4.3). Return: segments. */
static u32 cubic_reno_window(struct tcp_cc *cc, u32 acked)
{
	struct tcp_cubic *c = &cc->cubic;
	u64 alpha = c->w_est >= (u64)c->cwnd_prior * ONE * ONE ? ONE : ALPHA;

	c->w_est += alpha * ONE * acked / cc->cwnd;
	return (u32)(c->w_est / (ONE * ONE));
}

static void cubic_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *ack, u32 acked)
{
	struct tcp_cubic *c = &cc->cubic;
	u64 cwnd = (u64)cc->cwnd * ONE, t, target, frac;
	u32 reno;

	if (!c->now.start_us)
		cubic_start_epoch(cc, ack->now_us);
	t = (ack->now_us - c->now.start_us + ack->srtt_us) * ONE / USEC_PER_SEC;
	target = cubic_window(&c->now, t);
	target = min(max(target, cwnd), cwnd + cwnd / 2);
	frac = c->frac + (target - cwnd) * ONE * acked / cc->cwnd;
	reno = cubic_reno_window(cc, acked);
	c->frac = (u32)(frac % (ONE * ONE));
	cc->cwnd += (u32)(frac / (ONE * ONE));
	cc->cwnd = min(max(cc->cwnd, reno), cc->clamp);
}

static void cubic_cong_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	u32 acked = ack->acked;

	BUG_ON(cc->cwnd == 0);
	if (cc->cwnd < cc->ssthresh)
		acked = tcp_hystart_slow_start(cc, &cc->cubic.hystart, acked);
	if (acked && cc->cwnd >= cc->ssthresh)
		cubic_avoid(cc, ack, acked);
}

static void cubic_pkts_acked(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	if (cc->ssthresh == TCP_INFINITE_SSTHRESH) /* RFC 9406, 4.3: the first slow start */
		tcp_hystart_acked(cc, &cc->cubic.hystart, ack);
}

/* Multiplicative decrease with fast convergence (RFC 9438, 4.6 and 4.7). */
static u32 cubic_ssthresh(struct tcp_cc *cc)
{
	struct tcp_cubic *c = &cc->cubic;
	u64 cwnd = (u64)cc->cwnd * ONE;

	c->before = c->now;
	c->now.w_max = (u32)(cwnd < c->now.w_max ? cwnd * (ONE + BETA) / (2 * ONE) : cwnd);
	c->now.start_us = 0;
	c->cwnd_prior = cc->cwnd;
	return max((u32)((u64)cc->cwnd * BETA / ONE), TCP_MIN_CWND);
}

/* RFC 9438, 4.9: the curve goes on as if nothing had happened. */
static void cubic_undo(struct tcp_cc *cc)
{
	cc->cubic.now = cc->cubic.before;
}

static void cubic_event(struct tcp_cc *cc, enum tcp_ca_event ev, u64 idle_us)
{
	struct tcp_cubic *c = &cc->cubic;

	if (ev == TCP_CA_EVENT_TIMEOUT) /* 4.8: the next epoch has its plateau where it begins */
		c->now = (struct tcp_cubic_epoch){ 0 };
	else if (c->now.start_us) /* 4.2: time in which nothing was sent does not count */
		c->now.start_us += idle_us;
}

const struct tcp_congestion_ops tcp_cubic_ops = {
	.name = "cubic",
	.init = cubic_init,
	.ssthresh = cubic_ssthresh,
	.cong_avoid = cubic_cong_avoid,
	.pkts_acked = cubic_pkts_acked,
	.undo = cubic_undo,
	.event = cubic_event,
};
