// SPDX-License-Identifier: MIT
/*
 * Congestion control: the table of algorithms, and NewReno's window arithmetic in segments. Pure functions of struct tcp_cc.
 * An algorithm says how far the window grows and falls; when it may is decided above (tcp_ack.c, tcp_recovery.c).
 *
 * Interface: tcp_cong_list, tcp_cong_set_allowed, tcp_reno, tcp_cong_find
 * Above: tcp_ack.c (growth), tcp_recovery.c and tcp_output.c (reduction). Below: tcp_cubic.c, tcp_bbr.c.
 * Context: any. Owns: nothing.
 * Specs: RFC 5681 3.1 and equation 4; RFC 3465 (what counts is what was acknowledged, so ACK division wins nothing).
 */
#include "tcp_internal.h"

#include <kernel/proc.h>
#include <lib/err.h>
#include <lib/printf.h>
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

static const struct tcp_congestion_ops *const tcp_cong_table[] = { &tcp_reno, &tcp_cubic_ops,
								   &tcp_bbr_ops };
static_assert(ARRAY_SIZE(tcp_cong_table) == 3 && TCP_CONG_ALL == 7, "a bit for each");

/** tcp_cong_find() - an algorithm by name. Context: any. Return: static table entry, or NULL. */
const struct tcp_congestion_ops *tcp_cong_find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(tcp_cong_table); i++)
		if (strcmp(tcp_cong_table[i]->name, name) == 0)
			return tcp_cong_table[i];
	return NULL;
}

/** tcp_cong_list() - the names of those in @mask, with blanks between. @text: PROC_SETTING_MAX bytes. Context: any. Return: its length. */
int tcp_cong_list(u32 mask, char *text)
{
	int len = 0;

	text[0] = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(tcp_cong_table); i++) {
		if (mask & BIT(i))
			len += scnprintf(text + len, PROC_SETTING_MAX - (size_t)len, "%s%s",
					 len ? " " : "", tcp_cong_table[i]->name);
	}
	return len;
}

/**
 * tcp_cong_set_allowed() - which algorithms programs without privileges may take. Here they all have them: it is only told.
 * Context: process. Return: 0; -ENOENT one of the names is none, and nothing changes.
 */
int tcp_cong_set_allowed(struct tcp_net *tn, const char *names)
{
	u32 allowed = 0;

	while (*names) {
		u32 len = 0, i = 0;

		while (names[len] && names[len] != ' ')
			len++;
		while (i < ARRAY_SIZE(tcp_cong_table) &&
		       (strncmp(names, tcp_cong_table[i]->name, len) != 0 ||
			tcp_cong_table[i]->name[len]))
			i++;
		if (len && i == ARRAY_SIZE(tcp_cong_table))
			return -ENOENT;
		allowed |= len ? (u32)BIT(i) : 0;
		names += len + (names[len] == ' ');
	}
	tn->cong_allowed = allowed;
	return 0;
}
