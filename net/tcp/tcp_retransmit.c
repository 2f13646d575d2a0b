// SPDX-License-Identifier: MIT
/*
 * Sending again what is on the retransmit queue: shortened by what was acknowledged, cut to what may go, joined with small
 * ones behind it.
 *
 * Interface: tcp_send_again, tcp_retransmit_skb, tcp_xmit_retransmit_queue
 * Above: tcp_tlp.c, tcp_recovery.c, tcp_timer.c, tcp_control.c. Below: tcp_transmit.c, tcp_segment.c, the network layer by icsk_af_ops.
 * Context: BH off; owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 9293 3.8.1, 3.8.6; RFC 1122 4.2.2.15, 4.2.3.4; RFC 6298 (Karn's rule).
 */
#include "tcp_internal.h"

#include <net/skbuff_frags.h>
#include <net/trace.h>

/* @next, behind @skb on the retransmit queue, may be resent as its end. */
static bool tcp_can_collapse(const struct tcp_sock *tp, const struct sk_buff *skb,
			     const struct sk_buff *next, u32 room)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(next);

	return !TCP_SKB_CB(skb)->eor && cb->segs == 1 && !(cb->sacked & TCPCB_SACKED_ACKED) &&
	       next->len <= room && !after(cb->end_seq, tcp_wnd_end(tp));
}

/*
 * Small segments that follow are sent in the same packet (RFC 1122, 4.2.2.15 lets a retransmission repacketize): what a
 * dialogue wrote in drops comes back as one. @room: bytes that @skb may have in the end.
 */
static void tcp_retrans_try_collapse(struct sock *sk, struct sk_buff *skb, u32 room) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	struct sk_buff *next;

	if (!tcp_net_of(sk)->retrans_collapse || (cb->tcp_flags & TCPHDR_SYN) || cb->segs != 1)
		return;
	while ((next = skb_queue_next(&tp->tcp_rtx_queue, skb))) {
		if (!tcp_can_collapse(tp, skb, next, room - skb->len) || !tcp_merge(skb, next))
			return;
		if (!tp->sack_ok) /* one segment less can have left the network */
			tp->sacked_out -= min(tp->sacked_out, 1u);
		tcp_rtx_unlink_free(sk, next);
	}
}

/* The shape in which @skb goes: without what was acknowledged, @segs segments at most, inside the window. */
static int tcp_shape_for_retransmit(struct sock *sk, struct sk_buff *skb, u32 mss, u32 segs)
	__needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 room, len;

	if (tcp_trim_head(sk, skb))
		return -ENOMEM;
	if (before(cb->seq, tcp_wnd_end(tp)))
		room = tcp_wnd_end(tp) - cb->seq;
	else if (cb->seq == tp->snd_una)
		room = mss; /* a probe: the first unacknowledged octet goes in any case */
	else
		return -EAGAIN;
	len = min(mss * segs, room);
	if (len > mss)
		len = len / mss * mss;
	if (skb->len > len)
		return tcp_fragment(sk, &tp->tcp_rtx_queue, skb, len, mss);
	tcp_set_segs(sk, skb, mss, true);
	if (skb->len < min(room, mss))
		tcp_retrans_try_collapse(sk, skb, min(room, mss));
	return 0;
}

/**
 * tcp_send_again() - one skb of the retransmit queue once more
 * @sk: socket
 * @skb: on tcp_rtx_queue, where it stays
 * @segs: how many segments of it at most
 *
 * What is too large is cut first; nothing but the first unacknowledged octets go beyond a window that was pulled back
 * (RFC 9293, 3.8.6). A packet whose last copy has not left this host is not sent again: its completion will ask anew.
 * Its ACK gives no RTT sample.
 *
 * Context: BH off. Return: 0; -EBUSY the last copy is still here; -EAGAIN outside the window; -EHOSTUNREACH no route;
 * -ENOMEM, or tcp_transmit_skb()'s refusal.
 */
int tcp_send_again(struct sock *sk, struct sk_buff *skb, u32 segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 mss = tcp_current_mss(sk);
	u64 sent_ns;
	int err;

	trace_fn_tcp(tcp_retransmit_skb, sk, skb, cb->seq, tp->tcp_rtx_queue.qlen);
	tp->probe_size = 0; /* whether a probe of the path's MTU arrives says nothing now */
	if (skb_fclone_busy(skb, sk)) {
		tp->tsq_throttled = true;
		NET_INC_STATS(sk->sk_net, TCPSpuriousRtxHostQueues);
		return -EBUSY;
	}
	if ((TCP_SKB_CB(skb)->tcp_flags & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_SYN)
		tcp_ecn_clear_syn(sk, skb);
	err = tcp_shape_for_retransmit(sk, skb, mss, segs);
	tcp_check_space(
		sk); /* what was cut off or joined gave memory back, and no ACK may follow */
	if (err)
		return err;
	if (tp->icsk_af_ops->rebuild_header(sk)) {
		NET_INC_STATS(sk->sk_net, TCPRetransFail);
		return -EHOSTUNREACH;
	}
	sent_ns = skb->tstamp_ns;
	err = tcp_transmit_skb(sk, skb, true);
	TCP_ADD_STATS(sk->sk_net, RetransSegs, cb->segs);
	if (err) {
		skb->tstamp_ns = sent_ns; /* the copy that left is the one an ACK measures */
		NET_ADD_STATS(sk->sk_net, TCPRetransFail, cb->segs);
		return err;
	}
	if (cb->tcp_flags & TCPHDR_SYN)
		NET_INC_STATS(sk->sk_net, TCPSynRetrans);
	cb->sacked |= TCPCB_EVER_RETRANS;
	tp->total_retrans += cb->segs;
	tp->bytes_retrans += skb->len;
	tcp_tsorted_sent(tp, skb);
	return 0;
}

/**
 * tcp_retransmit_skb() - repairs a loss: tcp_send_again(), and the copy is counted in flight
 *
 * Context: BH off. Return: as tcp_send_again().
 */
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, u32 segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	int err;

	err = tcp_send_again(sk, skb, segs);
	if (err)
		return err;
	if (cb->sacked & TCPCB_SACKED_RETRANS)
		NET_INC_STATS(sk->sk_net, TCPLostRetransmit);
	else
		tp->retrans_out += cb->segs;
	cb->sacked |= TCPCB_SACKED_RETRANS;
	if (!tp->retrans_stamp_ns)
		tp->retrans_stamp_ns = ktime_get_ns();
	if (!tp->undo.stamp_ns)
		tp->undo.stamp_ns = skb->tstamp_ns;
	tp->undo.retrans = max(tp->undo.retrans, 0) + (s32)cb->segs;
	return 0;
}

/* Segments that may go again now in one packet. */
static u32 tcp_retrans_room(const struct tcp_sock *tp, u32 max_segs)
{
	u32 in_flight = tcp_packets_in_flight(tp);

	return in_flight < tp->cc.cwnd ? min(tp->cc.cwnd - in_flight, max_segs) : 0;
}

static void tcp_event_repaired(struct sock *sk, const struct sk_buff *skb) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 segs = TCP_SKB_CB(skb)->segs;

	if (tp->ca_state == TCP_CA_Loss)
		NET_ADD_STATS(sk->sk_net, TCPSlowStartRetrans, segs);
	else
		NET_ADD_STATS(sk->sk_net, TCPFastRetrans, segs);
	if (tcp_in_cwnd_reduction(tp))
		tp->prr.out += segs;
	if (skb == tcp_rtx_head(tp) && tp->pending != TCP_TIME_REO &&
	    tp->pending != TCP_TIME_REFUSED && !tcp_schedule_solicit(sk))
		tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, tcp_rto_ns(tp));
}

/**
 * tcp_xmit_retransmit_queue() - sends marked segments again, as far as the congestion window allows
 * @sk: socket in Recovery or Loss
 *
 * In the order of their numbers. One that this host refuses is tried again soon.
 *
 * Context: BH off.
 */
void tcp_xmit_retransmit_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 max_segs = tcp_tso_segs(sk, tcp_current_mss(sk));
	struct sk_buff *skb = tcp_index_find(&tp->rtx_index, tp->rtx_hint);

	if (!skb)
		skb = tcp_index_first(&tp->rtx_index);
	for (; skb && tp->retrans_out < tp->lost_out; skb = tcp_index_next(skb)) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
		u32 room;
		int err;

		tp->rtx_hint = cb->seq;
		if ((cb->sacked & (TCPCB_LOST | TCPCB_SACKED_RETRANS)) != TCPCB_LOST)
			continue;
		room = tcp_retrans_room(tp, max_segs);
		if (!room || tcp_pacing_holds(sk) || tcp_small_queue_check(sk, skb, 1))
			return;
		err = tcp_retransmit_skb(sk, skb, room);
		if (tcp_no_room(err))
			tcp_retry_refused(sk);
		if (err)
			return;
		tcp_event_repaired(sk, skb);
	}
}
