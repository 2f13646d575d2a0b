// SPDX-License-Identifier: MIT
/*
 * Loss: fast retransmit, NewReno recovery, go-back-N after a timeout.
 *
 * Duplicate ACKs are counted in sacked_out: each says that one segment left the network. The segments marked
 * TCPCB_LOST and not yet sent again wait for room in the congestion window (struct tcp_sock's pipe arithmetic), which gives
 * RFC 5681's inflation and RFC 6582's partial deflation without changing the window itself.
 *
 * Interface: tcp_fastretrans, tcp_enter_loss, tcp_xmit_retransmit_queue, tcp_simple_retransmit
 * Above: tcp_ack.c, tcp_timer.c. Below: tcp_retransmit.c, tcp_output.c.
 * Context: BH off; owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 5681 3.2; RFC 6582; RFC 3042 (limited transmit: sacked_out makes room); RFC 6298 5.4-5.6; RFC 1191.
 */
#include "tcp_internal.h"

static void tcp_mark_lost(struct tcp_sock *tp, struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	if (cb->sacked & TCPCB_LOST)
		return;
	cb->sacked |= TCPCB_LOST;
	tp->lost_out += cb->segs;
}

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
	end = cb->gso_size + (after(tp->snd_una, cb->seq) ? tp->snd_una - cb->seq : 0);
	if (cb->segs > 1 && !(cb->sacked & TCPCB_LOST) && end < head->len)
		(void)tcp_fragment(sk, &tp->tcp_rtx_queue, head, end, cb->gso_size);
	tcp_mark_lost(tp, head);
}

/* Each segment is counted once: what is lost cannot also have left the network. */
static void tcp_limit_reno_sacked(struct tcp_sock *tp)
{
	u32 holes = max(tp->lost_out, 1u);

	BUG_ON(tp->lost_out > tp->packets_out);
	if (tp->sacked_out + holes > tp->packets_out)
		tp->sacked_out = tp->packets_out > holes ? tp->packets_out - holes : 0;
}

/* FlightSize of RFC 5681's equation (4): without the segments that limited transmit added to a full window (3.2, step 2). */
static u32 tcp_flight_size(const struct tcp_sock *tp)
{
	return min(tp->packets_out, tp->cc.cwnd);
}

/**
 * tcp_xmit_retransmit_queue() - sends marked segments again, as far as the congestion window allows
 * @sk: socket in Recovery or Loss
 *
 * The first one goes in any case: it is what everything waits for. One that this host refuses is tried again soon.
 *
 * Context: BH off.
 */
void tcp_xmit_retransmit_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 max_segs = tcp_tso_segs(sk, tcp_current_mss(sk));
	struct sk_buff *skb, *tmp;
	int err;

	if (tp->retrans_out >= tp->lost_out)
		return;
	skb_queue_walk_safe(&tp->tcp_rtx_queue, skb, tmp) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
		u32 in_flight = tcp_packets_in_flight(tp), room = 1;

		if (!(cb->sacked & TCPCB_LOST))
			break; /* the marks form a prefix of the queue */
		if (cb->sacked & TCPCB_SACKED_RETRANS)
			continue;
		if (in_flight < tp->cc.cwnd)
			room = min(tp->cc.cwnd - in_flight, max_segs);
		else if (skb != tcp_rtx_head(tp))
			break;
		if (tcp_small_queue_check(sk, skb, 1))
			break;
		err = tcp_retransmit_skb(sk, skb, room);
		if (tcp_no_room(err))
			tcp_retry_refused(sk);
		if (err)
			break;
		if (tp->ca_state == TCP_CA_Recovery)
			NET_ADD_STATS(sk->sk_net, TCPFastRetrans, cb->segs);
		else
			NET_ADD_STATS(sk->sk_net, TCPSlowStartRetrans, cb->segs);
		tmp = skb_queue_next(&tp->tcp_rtx_queue, skb); /* it may have been cut in two */
		if (!tmp)
			break;
	}
}

/**
 * tcp_enter_loss() - the retransmission timer fired: everything in flight is taken for lost
 * @sk: socket with packets_out > 0
 *
 * ssthresh is set once per window of data, not again when the retransmission is lost too (RFC 5681, 3.1).
 *
 * Context: BH off.
 */
void tcp_enter_loss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	BUG_ON(!tp->packets_out);
	if (tp->ca_state <= TCP_CA_Disorder || !before(tp->snd_una, tp->high_seq))
		tp->cc.ssthresh = tp->ca_ops->ssthresh(&tp->cc, tcp_flight_size(tp));
	tp->cc.cwnd = 1;
	tp->cc.cwnd_cnt = 0;
	if (tp->ca_ops->event)
		tp->ca_ops->event(&tp->cc, TCP_CA_EVENT_TIMEOUT, 0);
	tcp_clear_retrans(tp);
	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		TCP_SKB_CB(skb)->sacked &= (u8) ~(TCPCB_LOST | TCPCB_SACKED_RETRANS);
		tcp_mark_lost(tp, skb);
	}
	BUG_ON(tp->lost_out != tp->packets_out);
	tp->ca_state = TCP_CA_Loss;
	tp->high_seq = tp->snd_nxt;
	tp->recover_valid = true;
	tcp_ecn_queue_cwr(tp);
}

static void tcp_enter_recovery(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ca_state != TCP_CA_CWR)
		tp->cc.ssthresh = tp->ca_ops->ssthresh(&tp->cc, tcp_flight_size(tp));
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
static void tcp_try_enter_recovery(struct sock *sk, bool dupack, bool progress)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (progress) {
		tp->sacked_out = 0;
		if (tp->ca_state == TCP_CA_Disorder ||
		    (tp->ca_state == TCP_CA_CWR && !before(tp->snd_una, tp->high_seq)))
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
	tcp_enter_recovery(sk);
}

/**
 * tcp_fastretrans() - what an ACK means for loss detection; after the queue was cleaned
 * @sk: socket
 * @acked: what the ACK covered
 * @dupack: it was a duplicate (RFC 5681, 2)
 *
 * Context: BH off.
 */
void tcp_fastretrans(struct sock *sk, const struct tcp_acked *acked, bool dupack)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool progress = acked->bytes != 0;

	if (!tp->packets_out)
		dupack = false;
	if (tp->ca_state < TCP_CA_Recovery) {
		tcp_try_enter_recovery(sk, dupack, progress);
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

/**
 * tcp_simple_retransmit() - the path MTU fell: what is too large for it was dropped and goes again, no congestion
 * @sk: socket, mss_cache already new
 *
 * Context: BH off.
 */
void tcp_simple_retransmit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	bool any = false;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		any |= (cb->segs > 1 ? cb->gso_size : skb->len) > tp->mss_cache;
	}
	if (!any || tp->ca_state >= TCP_CA_Recovery)
		return;
	/* All of them, so that the marks stay a prefix of the queue; in order, under the present window. */
	tcp_clear_retrans(tp);
	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		TCP_SKB_CB(skb)->sacked &= (u8) ~(TCPCB_LOST | TCPCB_SACKED_RETRANS);
		tcp_mark_lost(tp, skb);
	}
	tp->cc.ssthresh = max(tp->cc.cwnd, TCP_MIN_CWND);
	tp->ca_state = TCP_CA_Loss;
	tp->high_seq = tp->snd_nxt;
	tp->recover_valid = true;
	tcp_rearm_rto(sk);
	tcp_xmit_retransmit_queue(sk);
}
