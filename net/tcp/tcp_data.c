// SPDX-License-Identifier: MIT
/*
 * Receiving text: in order to sk_receive_queue, out of order to a bounded ordered queue; when to acknowledge.
 *
 * Memory is accounted in truesize, so that tiny segments pay for the buffers they occupy. Under pressure small segments
 * are copied together (the only second copy on the way up, counted in copied_other).
 *
 * Interface: tcp_data_queue, tcp_ack_snd_check, tcp_cleanup_rbuf, tcp_enter_quickack
 * Above: tcp_input.c, tcp.c. Below: tcp_control.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it. tcp_cleanup_rbuf: owner.
 * Owns: the skbs on both queues (charged to sk_rmem_alloc).
 * Specs: RFC 9293 3.10.7.4 (seventh), 3.8.6.2.2, 3.8.6.3; RFC 5681 4.2; RFC 1122 4.2.3.2, 4.2.3.3.
 */
#include "tcp_internal.h"

#define TCP_COALESCE_MAX  1024u /* longer segments are worth a buffer of their own */
#define TCP_COALESCE_ROOM (4096u - MAX_TCP_HEADER)

/** tcp_enter_quickack() - the next ACKs go at once: the sender needs them to recover or to open its window. Context: BH off. */
void tcp_enter_quickack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->quick = TCP_MAX_QUICKACKS;
	tp->pingpong = false;
}

/**
 * tcp_ack_snd_check() - acknowledges what came: now, or with a delay
 *
 * Now: asked for; a hole exists; two segments unacknowledged; immediate ACKs are still granted. Context: BH off.
 */
void tcp_ack_snd_check(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(tp->ack_pending & (TCP_ACK_SCHED | TCP_ACK_NOW)) || sk->sk_state == TCP_CLOSE)
		return;
	if ((tp->ack_pending & TCP_ACK_NOW) || !skb_queue_empty(&tp->out_of_order_queue) ||
	    tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss || (tp->quick && !tp->pingpong))
		tcp_send_ack(sk);
	else
		tcp_send_delayed_ack(sk);
}

/* News about arriving text: the ACK is due, the peer's segment size shows. */
static void tcp_event_data_recv(struct tcp_sock *tp, u32 len)
{
	u64 now = ktime_get_ns();

	tp->ack_pending |= TCP_ACK_SCHED;
	if (len > tp->rcv_mss)
		tp->rcv_mss = min(len, tp->advmss);
	/* A sender that was silent for a timeout starts slowly: help it. */
	if (tp->lrcvtime_ns && now - tp->lrcvtime_ns > tcp_rto_ns(tp))
		tp->quick = TCP_MAX_QUICKACKS;
	tp->lrcvtime_ns = now;
}

/* Cuts @n bytes of sequence space off the front. Return: false when memory is out (drop it, it will come again). */
static bool tcp_trim_front(struct sk_buff *skb, u32 n)
{
	if (!n)
		return true;
	BUG_ON(n > skb->len);
	if (!pskb_may_pull(skb, n))
		return false;
	(void)skb_pull(skb, n);
	TCP_SKB_CB(skb)->seq += n;
	return true;
}

/* Cuts what lies at or behind @edge, a FIN there included. */
static void tcp_trim_back(struct sk_buff *skb, u32 edge)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	if (!after(cb->end_seq, edge))
		return;
	cb->tcp_flags &= (u8)~TCPHDR_FIN;
	skb_trim(skb, edge - cb->seq);
	cb->end_seq = edge;
}

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
	tp->rcv_nxt = cb->end_seq;
	tp->bytes_received += skb->len;
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

/* A hole was filled: what stands behind it and is contiguous now moves over. */
static void tcp_ofo_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = skb_peek(&tp->out_of_order_queue)) &&
	       !after(TCP_SKB_CB(skb)->seq, tp->rcv_nxt)) {
		skb_unlink(skb, &tp->out_of_order_queue);
		skb_orphan(skb); /* the charge is taken anew by the receive queue */
		if (!after(TCP_SKB_CB(skb)->end_seq, tp->rcv_nxt) || tp->fin_rcvd ||
		    !tcp_trim_front(skb, tp->rcv_nxt - TCP_SKB_CB(skb)->seq)) {
			kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OFOMERGE);
			continue;
		}
		tcp_queue_rcv(sk, skb);
	}
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

/* Makes room for @need bytes of truesize by dropping the farthest out-of-order segments beyond @seq. Return: there is room. */
static bool tcp_prune_ofo(struct sock *sk, u32 seq, u32 need)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 limit = tcp_rmem_limit(sk);
	struct sk_buff *tail;

	testcase(sk->sk_rmem_alloc + need == limit);
	while (sk->sk_rmem_alloc + need > limit) {
		tail = skb_peek_tail(&tp->out_of_order_queue);
		if (!tail || !after(TCP_SKB_CB(tail)->seq, seq))
			return false;
		NET_INC_STATS(sk->sk_net, OfoPruned);
		skb_unlink(tail, &tp->out_of_order_queue);
		kfree_skb_reason(tail, SKB_DROP_REASON_TCP_OFO_QUEUE_PRUNE);
	}
	return true;
}

/*
 * Puts @skb into its place; bytes that are there already win (first come, RFC 9293's choice is free). Pieces may be cut
 * at both ends; what lies inside of @skb is replaced by it as a whole.
 */
static void tcp_ofo_insert(struct tcp_sock *tp, struct sk_buff *skb)
{
	struct sk_buff_head *q = &tp->out_of_order_queue;
	struct sk_buff *prev = skb_peek_tail(q), *next;
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	while (prev && after(TCP_SKB_CB(prev)->seq, cb->seq))
		prev = prev == skb_peek(q) ? NULL : prev->prev;
	if (prev && after(TCP_SKB_CB(prev)->end_seq, cb->seq)) {
		if (!after(cb->end_seq, TCP_SKB_CB(prev)->end_seq) ||
		    !tcp_trim_front(skb, TCP_SKB_CB(prev)->end_seq - cb->seq)) {
			kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OFOMERGE);
			return;
		}
	}
	next = prev ? skb_queue_next(q, prev) : skb_peek(q);
	while (next && !after(TCP_SKB_CB(next)->end_seq, cb->end_seq)) {
		struct sk_buff *gone = next;

		next = skb_queue_next(q, gone);
		skb_unlink(gone, q);
		kfree_skb_reason(gone, SKB_DROP_REASON_TCP_OFOMERGE);
	}
	if (next)
		tcp_trim_back(skb, TCP_SKB_CB(next)->seq);
	if (cb->seq == cb->end_seq) {
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OFOMERGE);
		return;
	}
	if (prev)
		skb_queue_after(q, prev, skb);
	else
		skb_queue_head(q, skb);
}

/* A segment behind a hole. @skb is consumed. */
static void tcp_data_queue_ofo(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
	if (tp->out_of_order_queue.qlen >= TCP_OFO_MAX_SKBS ||
	    !tcp_prune_ofo(sk, TCP_SKB_CB(skb)->seq, skb->truesize)) {
		NET_INC_STATS(sk->sk_net, TCPOFODrop);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
		return;
	}
	NET_INC_STATS(sk->sk_net, TCPOFOQueue);
	skb_set_owner_r(skb, sk);
	tcp_ofo_insert(tp, skb);
}

/* Room in the receive buffer for a segment that is next. An empty queue takes one whatever the limit says. */
static bool tcp_rmem_ok(struct sock *sk, const struct sk_buff *skb)
{
	if (skb_queue_empty(&sk->sk_receive_queue) ||
	    sk->sk_rmem_alloc + skb->truesize <= tcp_rmem_limit(sk))
		return true;
	NET_INC_STATS(sk->sk_net, PruneCalled);
	if (tcp_prune_ofo(sk, TCP_SKB_CB(skb)->seq, skb->truesize))
		return true;
	/*
	 * What was promised may come, whatever its buffers cost: small segments are packed, so a window fits into this. The
	 * promise may be older than the limit, which SO_RCVBUF makes smaller at any time.
	 */
	return sk->sk_rmem_alloc <= 2 * (u64)max(sk->sk_rcvbuf, tcp_sk(sk)->rcv_wnd);
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
	if (!after(seg->end_seq,
		   tp->rcv_nxt)) { /* a duplicate: our ACK was lost, or it was sent too early */
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
		NET_INC_STATS(sk->sk_net, DelayedACKLost);
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OLD_DATA);
		return;
	}
	testcase(seg->end_seq == edge);
	testcase(seg->end_seq == edge + 1);
	testcase(seg->end_seq == tp->rcv_nxt + 1); /* one octet is new */
	tcp_trim_back(skb, edge);
	if (!after(TCP_SKB_CB(skb)->end_seq, tp->rcv_nxt)) { /* nothing of it fits */
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
		NET_INC_STATS(sk->sk_net, TCPZeroWindowDrop);
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OVERWINDOW);
		return;
	}
	tcp_event_data_recv(tp, seg->len);
	if (after(TCP_SKB_CB(skb)->seq, tp->rcv_nxt)) {
		tcp_data_queue_ofo(sk, skb);
		return;
	}
	if (!tcp_rmem_ok(sk, skb) || !tcp_trim_front(skb, tp->rcv_nxt - TCP_SKB_CB(skb)->seq)) {
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
		NET_INC_STATS(sk->sk_net, TCPRcvQDrop);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
		return;
	}
	tcp_queue_rcv(sk, skb);
	tcp_ofo_queue(sk);
	if (had_hole || tp->fin_rcvd)
		tp->ack_pending |= TCP_ACK_NOW;
	if (tp->rcv_nxt != old_nxt && !sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

/**
 * tcp_cleanup_rbuf() - the application took @copied bytes: tell the peer if the window grew enough
 *
 * An update goes when the window that can be offered is at least twice what the peer knows (RFC 1122, 4.2.3.3), or when
 * a due ACK would otherwise wait for the timer although more than one segment is unacknowledged.
 *
 * Context: owner.
 */
void tcp_cleanup_rbuf(struct sock *sk, u32 copied)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 known = tcp_receive_window(tp), can;

	if (!copied || sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN))
		return;
	if ((tp->ack_pending & TCP_ACK_SCHED) && tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss) {
		tcp_send_ack(sk);
		return;
	}
	if (2 * known > tcp_full_space(sk))
		return;
	can = tcp_select_window_size(sk);
	if (can && can >= 2 * known)
		tcp_send_ack(sk);
}
