// SPDX-License-Identifier: MIT
/*
 * Congestion control: the table of algorithms, and NewReno's window arithmetic in segments. Pure functions of struct tcp_cc.
 * An algorithm says how far the window grows and falls; when it may is decided above (tcp_ack.c, tcp_recovery.c).
 *
 * Interface: tcp_reno, tcp_cong_find
 * Above: tcp_ack.c (growth), tcp_recovery.c and tcp_output.c (reduction). Below: tcp_cubic.c.
 * Context: any. Owns: nothing.
 * Specs: RFC 5681 3.1 and equation 4; RFC 3465 (what counts is what was acknowledged, so ACK division wins nothing).
 */
#include "tcp_internal.h"

#include <lib/string.h>

static void tcp_reno_init(struct tcp_cc *cc)
{
	cc->cwnd_cnt = 0;
}

static void tcp_reno_cong_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	u32 acked = ack->acked;

	BUG_ON(cc->cwnd == 0);
	if (cc->cwnd < cc->ssthresh) {
		acked = tcp_slow_start(cc, acked);
		if (!acked)
			return;
	}
	/* One segment per window acknowledged. */
	cc->cwnd_cnt += acked;
	if (cc->cwnd_cnt >= cc->cwnd) {
		u32 add = cc->cwnd_cnt / cc->cwnd;

		cc->cwnd_cnt -= add * cc->cwnd;
		cc->cwnd = min(cc->cwnd + add, cc->clamp);
	}
}

static u32 tcp_reno_ssthresh(struct tcp_cc *cc)
{
	return max(cc->cwnd / 2, TCP_MIN_CWND);
}

const struct tcp_congestion_ops tcp_reno = {
	.name = "reno",
	.init = tcp_reno_init,
	.ssthresh = tcp_reno_ssthresh,
	.cong_avoid = tcp_reno_cong_avoid,
};

static const struct tcp_congestion_ops *const tcp_cong_table[] = { &tcp_cubic_ops, &tcp_reno };

/** tcp_cong_find() - an algorithm by name. Context: any. Return: static table entry, or NULL. */
const struct tcp_congestion_ops *tcp_cong_find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(tcp_cong_table); i++)
		if (strcmp(tcp_cong_table[i]->name, name) == 0)
			return tcp_cong_table[i];
	return NULL;
}
