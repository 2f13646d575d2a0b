// SPDX-License-Identifier: MIT
/*
 * Loss recovery for peers without SACK: fast retransmit on the third duplicate ACK, one hole per round trip.
 *
 * Duplicate ACKs are counted in sacked_out: each says that one segment left the network. The segments marked
 * TCPCB_LOST and not yet sent again wait for room in the congestion window (struct tcp_sock's pipe arithmetic), which gives
 * RFC 5681's inflation and RFC 6582's partial deflation without changing the window itself.
 *
 * Interface: tcp_newreno_fastretrans, tcp_newreno_flight
 * Above: tcp_recovery.c, tcp_ack.c. Below: tcp_retransmit.c, tcp_segment.c.
 * Context: BH off; owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 5681 3.2; RFC 6582; RFC 3042 (limited transmit: sacked_out makes room).
 */
#include "tcp_internal.h"

/*
 * The first segment outstanding is lost, not the others of its packet: it is cut off. Without memory the whole packet
 * counts as lost.
 */
static void tcp_mark_head_lost(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *head = tcp_rtx_head(tp);
	const struct tcp_skb_cb *cb;
	u32 end;

	BUG_ON(!head); /* a duplicate ACK, or one of a part, of something */
	cb = TCP_SKB_CB(head);
	if (cb->sacked & TCPCB_LOST)
		return;
	end = cb->gso_size + (after(tp->snd_una, cb->seq) ? tp->snd_una - cb->seq : 0);
	if (cb->segs > 1 && end < head->len)
		(void)tcp_fragment(sk, &tp->tcp_rtx_queue, head, end, cb->gso_size);
	tcp_mark_lost(sk, head);
}

/* Each segment is counted once: what is lost cannot also have left the network. */
static void tcp_limit_reno_sacked(struct tcp_sock *tp)
{
	u32 holes = max(tp->lost_out, 1u);

	BUG_ON(tp->lost_out > tp->packets_out);
	if (tp->sacked_out + holes > tp->packets_out)
		tp->sacked_out = tp->packets_out > holes ? tp->packets_out - holes : 0;
}

/**
 * tcp_newreno_flight() - FlightSize of RFC 5681's equation (4): without the segments that limited transmit added to a full window (3.2,
 * step 2)
 *
 * Context: owner or softirq. Return: segments.
 */
u32 tcp_newreno_flight(const struct tcp_sock *tp)
{
	return min(tp->packets_out, tp->cc.cwnd);
}

static void tcp_newreno_enter(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ca_state != TCP_CA_CWR)
		tp->cc.ssthresh = tp->ca_ops->ssthresh(&tp->cc, tcp_newreno_flight(tp));
	tp->cc.cwnd = tp->cc.ssthresh;
	tp->cc.cwnd_cnt = 0;
	tp->ca_state = TCP_CA_Recovery;
	tp->high_seq = tp->snd_nxt;
	tp->recover_valid = false;
	tcp_ecn_queue_cwr(tp);
	NET_INC_STATS(sk->sk_net, TCPRenoRecovery);
	tcp_mark_head_lost(sk);
	tcp_limit_reno_sacked(tp);
	tcp_rearm_rto(sk);
	tcp_xmit_retransmit_queue(sk);
}

/* Recovery or Loss is over: slow start goes on where it must, but no burst larger than an initial window leaves. */
static void tcp_end_recovery(struct tcp_sock *tp)
{
	tp->sacked_out = 0;
	if (tp->ca_state == TCP_CA_Recovery)
		tp->cc.cwnd = min(tp->cc.ssthresh, tcp_packets_in_flight(tp) + TCP_INIT_CWND);
	tp->cc.cwnd = max(tp->cc.cwnd, 1u);
	tp->ca_state = TCP_CA_Open;
}

/* An ACK in Recovery that covers some but not all of what was out: the next hole begins at snd_una (RFC 6582, 3.2 step 3). */
static void tcp_partial_ack(struct sock *sk, u32 segs) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	/* All but the retransmitted one were counted by duplicate ACKs when they left. */
	if (segs > 1)
		tp->sacked_out -= min(tp->sacked_out, segs - 1);
	tcp_mark_head_lost(sk);
	tcp_limit_reno_sacked(tp);
}

/* Open, Disorder and CWR: counts duplicate ACKs up to the threshold. */
static void tcp_newreno_try_enter(struct sock *sk, bool dupack, bool progress)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (progress) {
		tp->sacked_out = 0;
		if (tp->ca_state == TCP_CA_CWR && before(tp->snd_una, tp->high_seq))
			return;
		if (tp->ca_state == TCP_CA_CWR)
			tcp_end_cwnd_reduction(tp);
		tp->ca_state = TCP_CA_Open;
	}
	if (!dupack)
		return;
	NET_INC_STATS(sk->sk_net, TCPDupAcks);
	tp->sacked_out++;
	tcp_limit_reno_sacked(tp);
	if (tp->ca_state == TCP_CA_Open)
		tp->ca_state = TCP_CA_Disorder;
	testcase(tp->sacked_out == TCP_DUPACK_THRESH - 1);
	if (tp->sacked_out < TCP_DUPACK_THRESH)
		return;
	/* After a timeout, duplicates of what was sent twice prove nothing (RFC 6582, 3.2 step 1 and 4.). */
	if (tp->recover_valid && !after(tp->snd_una, tp->high_seq))
		return;
	tcp_newreno_enter(sk);
}

/**
 * tcp_newreno_fastretrans() - what an ACK means for loss detection; after the queue was cleaned
 * @sk: socket
 * @acked: what the ACK covered
 *
 * Context: BH off.
 */
void tcp_newreno_fastretrans(struct sock *sk, const struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool progress = acked->bytes != 0, dupack = acked->dup && tp->packets_out;

	if (tp->ca_state < TCP_CA_Recovery) {
		tcp_newreno_try_enter(sk, dupack, progress);
		return;
	}
	if (progress && !before(tp->snd_una, tp->high_seq)) {
		tcp_end_recovery(tp);
		return;
	}
	if (tp->ca_state == TCP_CA_Recovery) {
		if (progress) {
			tcp_partial_ack(sk, acked->segs);
		} else if (dupack) {
			NET_INC_STATS(sk->sk_net, TCPDupAcks);
			tp->sacked_out++;
			tcp_limit_reno_sacked(tp);
		}
	}
	tcp_xmit_retransmit_queue(sk);
}
