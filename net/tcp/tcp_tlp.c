// SPDX-License-Identifier: MIT
/*
 * Tail loss probe: when the end of a flight is lost no later segment can show it, so after two round trips without an ACK one is
 * sent, new data if there is some, else the last segment again. Its SACK starts RACK's recovery long before the timeout.
 *
 * When a copy repaired the only loss nobody would hear of it: an ACK beyond the probe without a D-SACK is one congestion.
 *
 * One probe is all that RFC 8985 knows, and none in a recovery. When its answer is lost, or the one ACK of a flight was, or what was sent
 * again, that is a timeout of 200 ms, however short the path. Where the timeout is far away an ACK is asked for instead, tcp_solicit_acks times at most.
 *
 * Interface: tcp_send_loss_probe, tcp_process_tlp_ack
 * Above: tcp_timer.c, tcp_ack.c. Below: tcp_undo.c, tcp_retransmit.c, tcp_output.c, tcp_prr.c; tcp_rtx_queue.c says when it is due.
 * Context: BH off; owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 8985 7.3, 7.4.
 */
#include "tcp_internal.h"

/* The last segment of @skb, by itself. NULL without memory to cut it off. */
static struct sk_buff *tcp_tail_segment(struct sock *sk, struct sk_buff *skb) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = tcp_current_mss(sk), segs, front;

	BUG_ON(!skb); /* a probe is for what is out */
	segs = TCP_SKB_CB(skb)->segs;
	front = skb->len ? (skb->len - 1) / mss * mss : 0;
	if (segs == 1 || !front)
		return skb;
	if (TCP_SKB_CB(skb)->sacked & TCPCB_SACKED_ACKED)
		return NULL; /* nothing of it is missing */
	if (tcp_fragment(sk, &tp->tcp_rtx_queue, skb, front, mss))
		return NULL;
	return skb_queue_next(&tp->tcp_rtx_queue, skb);
}

/* Return: a copy of the last segment is on its way. */
static bool tcp_probe_again(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct sk_buff *skb = tcp_tail_segment(sk, skb_peek_tail(&tcp_sk(sk)->tcp_rtx_queue));

	return skb && tcp_send_again(sk, skb, 1) == 0;
}

/* RFC 8985, 7.3. */
static void tcp_probe_tail(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int sent;

	tp->tlp_retrans = false;
	sent = tcp_push_probe(sk);
	if (sent == -EAGAIN)
		sent = tp->tlp_retrans = tcp_probe_again(sk);
	if (sent <= 0)
		return;
	tp->tlp_out = true;
	tp->tlp_high_seq = tp->snd_nxt;
	tp->pending = TCP_TIME_NONE; /* the timeout is counted from the probe */
	NET_INC_STATS(sk->sk_net, TCPLossProbes);
}

/*
 * The last segment that no ACK told of goes again: whether it or its first copy has arrived, its receiver answers at once, and all
 * ACKs that were lost are made good. What is marked lost is repaired by that; what is not stays what it is.
 */
static void tcp_solicit_ack(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_index_last(&tp->rtx_index);

	tp->solicits++; /* refused by this host or not */
	skb = skb ? tcp_tail_segment(sk, skb) : NULL;
	if (!skb)
		return;
	if (TCP_SKB_CB(skb)->sacked & TCPCB_LOST) {
		if (tcp_retransmit_skb(sk, skb, 1))
			return;
		if (tcp_in_cwnd_reduction(tp))
			tp->prr.out++;
	} else {
		if (tcp_send_again(sk, skb, 1))
			return;
		if (tp->undo.armed) /* the D-SACK that it asks for must not speak for a repair */
			tp->undo.retrans = max(tp->undo.retrans, 0) + 1;
	}
	NET_INC_STATS(sk->sk_net, TCPAckSolicits);
}

/**
 * tcp_send_loss_probe() - the probe's time has come; then the timeout watches, or an ACK is asked for again
 *
 * Context: BH off, softirq.
 */
void tcp_send_loss_probe(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->packets_out)
		return;
	if (tp->tlp_out || tp->ca_state >= TCP_CA_Recovery)
		tcp_solicit_ack(sk);
	else
		tcp_probe_tail(sk);
	if (!tcp_schedule_solicit(sk))
		tcp_rearm_rto(sk);
}

/**
 * tcp_process_tlp_ack() - an ACK while a probe is out (7.4)
 * @sk: socket
 * @ack: SEG.ACK
 * @acked: what it says
 *
 * Context: owner or softirq.
 */
void tcp_process_tlp_ack(struct sock *sk, u32 ack, const struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->tlp_out || before(ack, tp->tlp_high_seq))
		return;
	if (!tp->tlp_retrans || acked->dsack_tlp) {
		tp->tlp_out = false; /* new data arrived; or both copies did */
	} else if (after(ack, tp->tlp_high_seq)) {
		tcp_init_cwnd_reduction(tp);
		tp->ca_state = TCP_CA_CWR;
		tcp_end_cwnd_reduction(tp);
		tcp_try_keep_open(tp);
		NET_INC_STATS(sk->sk_net, TCPLossProbeRecovery);
	} else if (acked->dup && !acked->bytes && !acked->sacked) {
		tp->tlp_out = false; /* one copy was superfluous */
	}
}
