// SPDX-License-Identifier: MIT
/*
 * A scoreboard for peers without SACK: each duplicate ACK says that one segment more has left the network, not which.
 *
 * They are counted in sacked_out, as if the first ones behind the hole were SACKed. An ACK of more takes its own part of them back. When
 * more have been counted than there are segments behind the hole, something else doubled or overtook them.
 *
 * Interface: tcp_add_reno_sack, tcp_remove_reno_sacks, tcp_limit_reno_sacked, tcp_newreno_mark_lost
 * Above: tcp_recovery.c, tcp_ack.c. Below: tcp_segment.c.
 * Context: BH off; owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 5681 3.2; RFC 6582 3.2; RFC 3042 (limited transmit: sacked_out makes room).
 */
#include "tcp_internal.h"

/**
 * tcp_limit_reno_sacked() - each segment is counted once: what is lost cannot also have left the network
 *
 * Context: owner or softirq. Return: more had been counted than can be.
 */
bool tcp_limit_reno_sacked(struct tcp_sock *tp)
{
	u32 holes = min(max(tp->lost_out, 1u), tp->packets_out);

	if (tp->sacked_out + holes <= tp->packets_out)
		return false;
	tp->sacked_out = tp->packets_out - holes;
	return true;
}

/* So many duplicates that not all of them can be of what is out: @acked segments and more were overtaken. */
static void tcp_check_reno_reordering(struct sock *sk, u32 acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tcp_limit_reno_sacked(tp))
		return;
	tp->reordering = min(tp->packets_out + acked, tcp_net_of(sk)->max_reordering);
	tp->reord_seen++;
	NET_INC_STATS(sk->sk_net, TCPRenoReorder);
}

/** tcp_add_reno_sack() - a duplicate ACK: one segment more was delivered. Context: owner or softirq. */
void tcp_add_reno_sack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 before_it = tp->sacked_out;

	NET_INC_STATS(sk->sk_net, TCPDupAcks);
	tp->sacked_out++;
	tcp_check_reno_reordering(sk, 0);
	if (tp->sacked_out > before_it)
		tp->delivered++;
}

/**
 * tcp_remove_reno_sacks() - @acked > 0 segments were acknowledged: one was the hole, the others had been counted by duplicates
 *
 * Context: owner or softirq.
 */
void tcp_remove_reno_sacks(struct sock *sk, u32 acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->delivered += acked > tp->sacked_out ? acked - tp->sacked_out : 1;
	tp->sacked_out -= min(tp->sacked_out, acked - 1);
	tcp_check_reno_reordering(sk, acked);
}

/**
 * tcp_newreno_mark_lost() - the first segment out is lost: enough others have left the network, or (@progress) in Recovery SND.UNA moved
 * and stands before the next hole
 *
 * Not the others of its packet: it is cut off. Without memory the whole packet counts as lost.
 *
 * Context: owner or softirq.
 */
void tcp_newreno_mark_lost(struct sock *sk, bool progress)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *head = tcp_rtx_head(tp);
	const struct tcp_skb_cb *cb;
	u32 end;

	testcase(tp->sacked_out + 1 == tp->reordering);
	if (tp->ca_state == TCP_CA_Recovery
		    ? !progress
		    : tp->ca_state > TCP_CA_Recovery || tp->sacked_out < tp->reordering)
		return;
	BUG_ON(!head); /* the caller has looked */
	cb = TCP_SKB_CB(head);
	if (cb->sacked & TCPCB_LOST)
		return;
	end = cb->gso_size + (after(tp->snd_una, cb->seq) ? tp->snd_una - cb->seq : 0);
	if (cb->segs > 1 && end < head->len)
		(void)tcp_fragment(sk, &tp->tcp_rtx_queue, head, end, cb->gso_size);
	tcp_mark_lost(sk, head);
}
