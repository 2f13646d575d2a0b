// SPDX-License-Identifier: MIT
/*
 * What we tell about text behind holes: SACK blocks, the latest first, and the one that names what came twice (D-SACK).
 *
 * A block is forgotten only when RCV.NXT passes it or when what it stands for had to be given up. tcp_transmit.c writes as many as fit
 * into each segment; a D-SACK is told once and comes first.
 *
 * Interface: tcp_dsack_set, tcp_dsack_extend, tcp_sack_new_block, tcp_sack_remove, tcp_sack_reset
 * Above: tcp_ofo.c, tcp_data.c, tcp_input.c. Below: tcp_control.c.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 2018 3, 4; RFC 2883 4.
 */
#include "tcp_internal.h"

#define TCP_SACKS_JOINED 2u /* ACKs are joined while their news is in the first blocks */

#include <lib/string.h>

/* [@seq, @end) lies in @b or touches it, which then holds both. */
static bool tcp_sack_extend(struct tcp_sack_block *b, u32 seq, u32 end)
{
	if (after(seq, b->end) || after(b->start, end))
		return false;
	if (before(seq, b->start))
		b->start = seq;
	if (after(end, b->end))
		b->end = end;
	return true;
}

/** tcp_dsack_set() - [@seq, @end) came a second time: the next segment says so. Context: owner or softirq. */
void tcp_dsack_set(struct sock *sk, u32 seq, u32 end)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->sack_ok || !tcp_net_of(sk)->dsack)
		return;
	if (before(seq, tp->rcv_nxt))
		NET_INC_STATS(sk->sk_net, TCPDSACKOldSent);
	else
		NET_INC_STATS(sk->sk_net, TCPDSACKOfoSent);
	tp->dsack = true;
	tp->rcv_sacks[0] = (struct tcp_sack_block){ seq, end };
}

/** tcp_dsack_extend() - the same of one of several pieces: they are told as one where they touch. Context: owner or softirq. */
void tcp_dsack_extend(struct sock *sk, u32 seq, u32 end)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->dsack)
		(void)tcp_sack_extend(&tp->rcv_sacks[0], seq, end);
	else
		tcp_dsack_set(sk, seq, end);
}

/* Block @i of those behind the D-SACK goes. */
static void tcp_sack_drop(struct tcp_sock *tp, u32 i)
{
	struct tcp_sack_block *b = &tp->rcv_sacks[1];

	tp->num_sacks--;
	memmove(b + i, b + i + 1, (tp->num_sacks - i) * sizeof(*b));
}

/* Of the blocks that are told, which one this belongs to; their number if it is a new one. */
static u32 tcp_sack_place(const struct tcp_sock *tp, u32 seq, u32 end)
{
	u32 i = 0;

	while (i < tp->num_sacks &&
	       (after(tp->rcv_sacks[1 + i].start, end) || before(tp->rcv_sacks[1 + i].end, seq)))
		i++;
	return i;
}

/**
 * tcp_sack_new_block() - a segment behind a hole was kept: its block is the first from now on (RFC 2018, 4)
 * @sk: socket
 * @seq: its first number
 * @end: behind its last
 *
 * Blocks that it makes touch become one; without room the oldest is forgotten.
 *
 * Context: owner or softirq.
 */
void tcp_sack_new_block(struct sock *sk, u32 seq, u32 end)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_sack_block *b = &tp->rcv_sacks[1], first = { seq, end };
	u32 i = 0;

	if (!tp->sack_ok)
		return;
	if (tp->compressed_ack && tcp_sack_place(tp, seq, end) >= TCP_SACKS_JOINED)
		tcp_send_ack(sk); /* what it would say does not fit into one */
	while (i < tp->num_sacks) {
		if (!tcp_sack_extend(&first, b[i].start, b[i].end)) {
			i++;
			continue;
		}
		tcp_sack_drop(tp, i);
		i = 0; /* it is longer now */
	}
	if (tp->num_sacks == TCP_MAX_SACKS)
		tp->num_sacks--;
	memmove(b + 1, b, tp->num_sacks * sizeof(*b));
	b[0] = first;
	tp->num_sacks++;
}

/** tcp_sack_remove() - RCV.NXT moved: blocks that it passed are no longer behind a hole. Context: owner or softirq. */
void tcp_sack_remove(struct tcp_sock *tp)
{
	const struct tcp_sack_block *b = &tp->rcv_sacks[1];
	u32 i = 0;

	if (skb_queue_empty(&tp->out_of_order_queue))
		tp->num_sacks = 0;
	while (i < tp->num_sacks) {
		if (after(b[i].start, tp->rcv_nxt))
			i++;
		else
			tcp_sack_drop(tp, i);
	}
}

/** tcp_sack_reset() - what stood behind holes was given up, or is of no interest. Context: owner or softirq. */
void tcp_sack_reset(struct tcp_sock *tp)
{
	tp->num_sacks = 0;
	tp->dsack = false;
}
