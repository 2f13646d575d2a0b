// SPDX-License-Identifier: MIT
/*
 * Explicit congestion notification: a router marks a packet instead of dropping it, the receiver echoes the mark until the
 * sender says that it has slowed down.
 *
 * Only new text travels as ECN-capable: a mark on a bare ACK, a SYN, a probe or a repetition could not be answered.
 *
 * Interface: tcp_ecn_send_syn, tcp_ecn_clear_syn, tcp_ecn_rcv_syn, tcp_ecn_rcv_synack, tcp_ecn_request_ok, tcp_ecn_queue_cwr,
 * tcp_ecn_send, tcp_ecn_rcv_cwr, tcp_ecn_rcv_mark, tcp_ecn_rcv_echo
 * Above: tcp_transmit.c, tcp_control.c, tcp_recovery.c, tcp_input.c, tcp_minisocks.c. Below: nothing.
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 3168 6.1; Linux ip-sysctl.rst (tcp_ecn, tcp_ecn_fallback).
 */
#include "tcp_internal.h"

#define TCPHDR_ECN (TCPHDR_ECE | TCPHDR_CWR)

/** tcp_ecn_send_syn() - a SYN goes out: ask for ECN if the instance says so. Context: owner. Return: flags for it. */
u8 tcp_ecn_send_syn(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->ecn_flags = 0;
	if (tcp_net_of(sk)->ecn != 1)
		return 0;
	tp->ecn_flags = TCP_ECN_OK;
	return TCPHDR_ECN;
}

/** tcp_ecn_clear_syn() - a SYN that asked was lost: maybe for that (RFC 3168, 6.1.1.1). Context: owner or softirq. Borrows: @skb. */
void tcp_ecn_clear_syn(struct sock *sk, struct sk_buff *skb)
{
	if (!tcp_net_of(sk)->ecn_fallback)
		return;
	tcp_sk(sk)->ecn_flags = 0;
	TCP_SKB_CB(skb)->tcp_flags = (u8)(TCP_SKB_CB(skb)->tcp_flags & ~(u32)TCPHDR_ECN);
}

/** tcp_ecn_rcv_syn() - SYNs crossed: theirs must have asked as well. Context: owner or softirq. */
void tcp_ecn_rcv_syn(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	if ((seg->flags & TCPHDR_ECN) != TCPHDR_ECN)
		tp->ecn_flags = 0;
}

/** tcp_ecn_rcv_synack() - the answer to our SYN: ECE alone agrees; both bits only reflect ours. Context: owner or softirq. */
void tcp_ecn_rcv_synack(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	if ((seg->flags & TCPHDR_ECN) != TCPHDR_ECE)
		tp->ecn_flags = 0;
}

/**
 * tcp_ecn_request_ok() - a SYN asks for ECN and may have it
 *
 * One that travelled as ECN-capable itself comes from something else than RFC 3168.
 *
 * Context: owner or softirq. Return: the SYN-ACK shall agree.
 */
bool tcp_ecn_request_ok(const struct tcp_net *tn, const struct tcp_seg *seg)
{
	return tn->ecn && (seg->flags & TCPHDR_ECN) == TCPHDR_ECN &&
	       seg->ip_ecn == INET_ECN_NOT_ECT;
}

/** tcp_ecn_queue_cwr() - the window was reduced: the next new text says so. Context: owner or softirq. */
void tcp_ecn_queue_cwr(struct tcp_sock *tp)
{
	if (tp->ecn_flags & TCP_ECN_OK)
		tp->ecn_flags |= TCP_ECN_QUEUE_CWR;
}

/**
 * tcp_ecn_send() - what a segment that is no SYN says of congestion
 * @tp: connection
 * @skb: the descriptor that goes down: marked ECN-capable if it may be
 * @cb: its numbers
 * @len: bytes of text in it: an ACK alone is not capable (RFC 3168, 6.1.4), and says nothing of a reduced window
 *
 * Context: owner or softirq. Borrows: @skb. Return: flags for the header.
 */
u8 tcp_ecn_send(struct tcp_sock *tp, struct sk_buff *skb, const struct tcp_skb_cb *cb, u32 len)
{
	u8 flags = 0;

	if (!(tp->ecn_flags & TCP_ECN_OK))
		return 0;
	if (len && !before(cb->seq, tp->snd_nxt)) {
		skb->ecn_ect = 1;
		if (tp->ecn_flags & TCP_ECN_QUEUE_CWR)
			flags |= TCPHDR_CWR;
		tp->ecn_flags &= (u8)~TCP_ECN_QUEUE_CWR;
	}
	if (tp->ecn_flags & TCP_ECN_DEMAND_CWR)
		flags |= TCPHDR_ECE;
	return flags;
}

/** tcp_ecn_rcv_cwr() - the peer has slowed down: no more echo; it learns at once that we heard. Context: owner or softirq. */
void tcp_ecn_rcv_cwr(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	if (!(seg->flags & TCPHDR_CWR))
		return;
	tp->ecn_flags &= (u8)~TCP_ECN_DEMAND_CWR;
	if (seg->len)
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
}

/** tcp_ecn_rcv_mark() - text came: was it marked on its way? Context: owner or softirq. */
void tcp_ecn_rcv_mark(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	if (!(tp->ecn_flags & TCP_ECN_OK) || seg->ip_ecn == INET_ECN_NOT_ECT)
		return;
	tp->ecn_flags |= TCP_ECN_SEEN;
	if (seg->ip_ecn != INET_ECN_CE || (tp->ecn_flags & TCP_ECN_DEMAND_CWR))
		return;
	tp->ecn_flags |= TCP_ECN_DEMAND_CWR;
	tp->ack_pending |=
		TCP_ACK_SCHED | TCP_ACK_NOW; /* the news is worth an ACK (RFC 8257, 3.2's reason) */
}

/** tcp_ecn_rcv_echo() - an ACK carries the echo of a mark. Context: owner or softirq. Return: the window must fall. */
bool tcp_ecn_rcv_echo(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	return (tp->ecn_flags & TCP_ECN_OK) &&
	       (seg->flags & (TCPHDR_ECE | TCPHDR_SYN)) == TCPHDR_ECE;
}
