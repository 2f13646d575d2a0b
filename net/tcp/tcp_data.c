// SPDX-License-Identifier: MIT
/*
 * Receiving text: in order to sk_receive_queue, out of order to the queue of tcp_ofo.c.
 *
 * Memory is accounted in truesize, so that tiny segments pay for the buffers they occupy. Under pressure small segments
 * are copied together (the only second copy on the way up, counted in copied_other).
 *
 * Interface: tcp_data_queue
 * Above: tcp_input.c, tcp.c. Below: tcp_ofo.c, tcp_delack.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it.
 * Owns: the skbs on the receive queue (charged to sk_rmem_alloc).
 * Specs: RFC 9293 3.10.7.4 (seventh), 3.8.6.2.2, 3.8.6.3; RFC 5681 4.2; RFC 1122 4.2.3.2, 4.2.3.3.
 */
#include "tcp_internal.h"

#define TCP_COALESCE_MAX  1024u /* longer segments are worth a buffer of their own */
#define TCP_COALESCE_ROOM (4096u - MAX_TCP_HEADER)

/* Appends a small segment's bytes to the last buffer of the receive queue. Return: done, @skb is consumed. */
static bool tcp_try_coalesce(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	u32 len = skb->len;

	if (len > TCP_COALESCE_MAX || sk->sk_rmem_alloc < sk->sk_rcvbuf / 4)
		return false;
	if (!tail || skb_tailroom(tail) < len || skb_shared_data(tail)) {
		tail = alloc_skb(TCP_COALESCE_ROOM);
		if (!tail)
			return false;
		*TCP_SKB_CB(tail) = *TCP_SKB_CB(skb);
		TCP_SKB_CB(tail)->end_seq = TCP_SKB_CB(skb)->seq;
		TCP_SKB_CB(tail)->tcp_flags = 0;
		skb_set_owner_r(tail, sk);
		skb_queue_tail(&sk->sk_receive_queue, tail);
	}
	if (NEVER(skb_copy_bits(skb, 0, skb_put(tail, len), len)))
		return false;
	TCP_SKB_CB(tail)->end_seq += len;
	NET_INC_STATS(sk->sk_net, TCPRcvCoalesce);
	consume_skb(skb);
	return true;
}

/* The segment begins at RCV.NXT: rcv_nxt moves over it, its bytes are readable. @skb is consumed. */
static void tcp_queue_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	BUG_ON(cb->seq != tp->rcv_nxt);
	tp->bytes_received += cb->end_seq - tp->rcv_nxt; /* a FIN counts */
	tp->rcv_nxt = cb->end_seq;
	if (cb->tcp_flags & TCPHDR_FIN)
		tp->fin_rcvd = true;
	if (!skb->len) {
		consume_skb(skb);
		return;
	}
	if (tcp_try_coalesce(sk, skb))
		return;
	skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_receive_queue, skb);
}

/*
 * Bytes of truesize that both queues may cost. Half of the buffer is announced, so the second term is the greater one only when SO_RCVBUF became
 * smaller than what was promised before: the right edge stands (RFC 9293, 3.8.6), and a segment of the promise that overtook another is dropped
 * at the price of one timeout.
 */
static u32 tcp_rmem_limit(const struct sock *sk)
{
	return max(sk->sk_rcvbuf, 2 * tcp_sk(sk)->rcv_wnd);
}

/* A segment behind a hole. @skb is consumed. */
static void tcp_data_queue_ofo(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->ack_pending |= TCP_ACK_SCHED;
	if (tp->out_of_order_queue.qlen >= TCP_OFO_MAX_SKBS ||
	    !tcp_ofo_prune(sk, TCP_SKB_CB(skb)->seq, skb->truesize, tcp_rmem_limit(sk))) {
		NET_INC_STATS(sk->sk_net, TCPOFODrop);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
		return;
	}
	NET_INC_STATS(sk->sk_net, TCPOFOQueue);
	tp->rcv_ooopack++;
	tcp_measure_rcv_mss(tp, seg);
	if (tp->sack_ok) /* without SACK only what says the same again is a duplicate ACK */
		tcp_grow_window(sk, skb);
	tcp_ofo_add(sk, skb);
}

/* Room in the receive buffer for a segment that is next. An empty queue takes one whatever the limit says. */
static bool tcp_rmem_ok(struct sock *sk, const struct sk_buff *skb)
{
	if (skb_queue_empty(&sk->sk_receive_queue) ||
	    sk->sk_rmem_alloc + skb->truesize <= tcp_rmem_limit(sk))
		return true;
	NET_INC_STATS(sk->sk_net, PruneCalled);
	tcp_clamp_window(sk);
	if (tcp_ofo_prune(sk, TCP_SKB_CB(skb)->seq, skb->truesize, tcp_rmem_limit(sk)))
		return true;
	/*
	 * What was promised may come, whatever its buffers cost: small segments are packed, so a window fits into this. The
	 * promise may be older than the limit, which SO_RCVBUF makes smaller at any time.
	 */
	return sk->sk_rmem_alloc <= 2 * (u64)max(sk->sk_rcvbuf, tcp_sk(sk)->rcv_wnd);
}

/* Nothing in @skb is wanted: the sender is told where we are, and helped along. @skb is consumed. */
static void tcp_refuse(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)
	__needs(softirq_ctx, sk)
{
	tcp_enter_quickack(sk);
	tcp_sk(sk)->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
	kfree_skb_reason(skb, reason);
}

/**
 * tcp_data_queue() - text of an acceptable segment
 * @sk: socket in ESTABLISHED, FIN_WAIT1 or FIN_WAIT2
 * @skb: data at the payload; consumed
 * @seg: its fields
 *
 * Sets tp->fin_rcvd when RCV.NXT passes a FIN.
 *
 * Context: BH off.
 */
void tcp_data_queue(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 edge = tp->rcv_nxt + tcp_receive_window(tp), old_nxt = tp->rcv_nxt;
	bool had_hole = !skb_queue_empty(&tp->out_of_order_queue);

	BUG_ON(tp->fin_rcvd);
	*TCP_SKB_CB(skb) = (struct tcp_skb_cb){ .seq = seg->seq,
						.end_seq = seg->end_seq,
						.tcp_flags = seg->flags };
	if (!after(seg->end_seq, tp->rcv_nxt)) { /* our ACK was lost, or it was sent too early */
		NET_INC_STATS(sk->sk_net, DelayedACKLost);
		tcp_dsack_set(sk, seg->seq, seg->end_seq);
		tcp_refuse(sk, skb, SKB_DROP_REASON_TCP_OLD_DATA);
		return;
	}
	testcase(seg->end_seq == edge);
	testcase(seg->end_seq == edge + 1);
	testcase(seg->end_seq == tp->rcv_nxt + 1); /* one octet is new */
	if (before(seg->seq, tp->rcv_nxt))
		tcp_dsack_set(sk, seg->seq, tp->rcv_nxt);
	tcp_trim_back(skb, edge);
	if (!after(TCP_SKB_CB(skb)->end_seq, tp->rcv_nxt) ||
	    !before(seg->seq, edge)) { /* nothing of it fits */
		if (edge == tp->rcv_nxt)
			NET_INC_STATS(sk->sk_net, TCPZeroWindowDrop);
		tcp_refuse(sk, skb, SKB_DROP_REASON_TCP_OVERWINDOW);
		return;
	}
	if (after(TCP_SKB_CB(skb)->seq, tp->rcv_nxt)) {
		tcp_data_queue_ofo(sk, skb, seg);
		return;
	}
	if (!tcp_rmem_ok(sk, skb) || !tcp_trim_front(skb, tp->rcv_nxt - TCP_SKB_CB(skb)->seq)) {
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
		NET_INC_STATS(sk->sk_net, TCPRcvQDrop);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
		return;
	}
	tcp_event_data_recv(sk, skb, seg);
	tcp_ofo_overlay(sk, skb);
	tcp_queue_rcv(sk, skb);
	while ((skb = tcp_ofo_take(sk)))
		tcp_queue_rcv(sk, skb);
	tcp_sack_remove(tp);
	if (had_hole || tp->fin_rcvd)
		tp->ack_pending |= TCP_ACK_NOW;
	if (tp->rcv_nxt != old_nxt && !sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}
