// SPDX-License-Identifier: MIT
/*
 * Tail loss probe: when the end of a flight is lost no later segment can show it, so after two round trips without an ACK one is
 * sent, new data if there is some, else the last segment again. Its SACK starts RACK's recovery long before the timeout.
 *
 * When a copy repaired the only loss nobody would hear of it: an ACK beyond the probe without a D-SACK is one congestion.
 *
 * Interface: tcp_send_loss_probe, tcp_process_tlp_ack
 * Above: tcp_timer.c, tcp_ack.c. Below: tcp_undo.c, tcp_retransmit.c, tcp_output.c, tcp_prr.c; tcp_rtx_queue.c says when it is due.
 * Context: BH off; owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 8985 7.3, 7.4.
 */
#include "tcp_internal.h"

/* The last segment that is out, by itself. NULL without memory to cut it off. */
static struct sk_buff *tcp_tail_segment(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = skb_peek_tail(&tp->tcp_rtx_queue);
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
	struct sk_buff *skb = tcp_tail_segment(sk);

	return skb && tcp_send_again(sk, skb, 1) == 0;
}

/** tcp_send_loss_probe() - the probe's time has come; the timeout watches from now on. Context: BH off, softirq. */
void tcp_send_loss_probe(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int sent;

	if (!tp->packets_out)
		return;
	if (!tp->tlp_out) {
		tp->tlp_retrans = false;
		sent = tcp_push_probe(sk);
		if (sent == -EAGAIN)
			sent = tp->tlp_retrans = tcp_probe_again(sk);
		if (sent > 0) {
			tp->tlp_out = true;
			tp->tlp_high_seq = tp->snd_nxt;
			NET_INC_STATS(sk->sk_net, TCPLossProbes);
			tp->pending = TCP_TIME_NONE; /* the timeout is counted from the probe */
		}
	}
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
