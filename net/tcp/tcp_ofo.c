// SPDX-License-Identifier: MIT
/*
 * Text behind holes: kept in order of sequence, found in O(log n), bounded in bytes and in pieces.
 *
 * Pieces never overlap: a byte that is there already stays, what comes later for it is cut or overwritten, be it out of order or the text
 * that fills the hole before. Small pieces that touch are
 * copied together, so that a stream of them behind one hole costs one buffer. Without memory the farthest goes first: the nearest is
 * what the peer's next retransmission will need.
 *
 * Interface: tcp_ofo_add, tcp_ofo_take, tcp_ofo_overlay, tcp_ofo_prune, tcp_trim_front, tcp_trim_back
 * Above: tcp_data.c. Below: tcp_sack_recv.c, tcp_seq_index.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it.
 * Owns: the skbs on the out-of-order queue (charged to sk_rmem_alloc).
 * Specs: RFC 9293 3.10.7.4 (seventh), SHLD-31; RFC 2018; RFC 2883; RFC 5681 4.2.
 */
#include "tcp_internal.h"

#include <lib/string.h>

#define TCP_OFO_COPY_MAX 1024u /* longer pieces are worth a buffer of their own */

/** tcp_trim_front() - cuts @n bytes of sequence space off the front. Context: owner or softirq. Borrows: @skb. Return: false when memory is out (it comes again). */
bool tcp_trim_front(struct sk_buff *skb, u32 n)
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

/** tcp_trim_back() - cuts what lies at or behind @edge, a FIN there included. Context: owner or softirq. Borrows: @skb. */
void tcp_trim_back(struct sk_buff *skb, u32 edge)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	if (!after(cb->end_seq, edge))
		return;
	cb->tcp_flags &= (u8)~TCPHDR_FIN;
	skb_trim(skb, edge - cb->seq);
	cb->end_seq = edge;
}

static void tcp_ofo_unlink(struct tcp_sock *tp, struct sk_buff *skb)
{
	tcp_index_del(&tp->ofo_index, skb);
	skb_unlink(skb, &tp->out_of_order_queue);
}

/**
 * tcp_ofo_take() - a hole was filled: the next piece that is contiguous now
 * @sk: socket
 *
 * What is in it twice is told by D-SACK. Pieces that hold nothing new are dropped here.
 *
 * Context: owner or softirq. Owns: the caller has the piece, charged to nobody, its first byte RCV.NXT. Return: it; NULL: none.
 */
struct sk_buff *tcp_ofo_take(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = skb_peek(&tp->out_of_order_queue)) &&
	       !after(TCP_SKB_CB(skb)->seq, tp->rcv_nxt)) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		tcp_ofo_unlink(tp, skb);
		skb_orphan(skb); /* the charge is taken anew by the receive queue */
		if (before(cb->seq, tp->rcv_nxt))
			tcp_dsack_extend(sk, cb->seq,
					 before(cb->end_seq, tp->rcv_nxt) ? cb->end_seq
									  : tp->rcv_nxt);
		if (after(cb->end_seq, tp->rcv_nxt) && !tp->fin_rcvd &&
		    tcp_trim_front(skb, tp->rcv_nxt - cb->seq))
			return skb;
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OFOMERGE);
	}
	return NULL;
}

/**
 * tcp_ofo_prune() - makes room for @need bytes of truesize by dropping the farthest pieces beyond @seq
 * @sk: socket
 * @limit: bytes of truesize that the receive queues may cost
 *
 * The peer was told of them: its blocks are all forgotten, so that it can see (RFC 2018, 8).
 *
 * Context: owner or softirq. Return: there is room.
 */
bool tcp_ofo_prune(struct sock *sk, u32 seq, u32 need, u32 limit)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *tail;

	testcase(sk->sk_rmem_alloc + need == limit);
	while (sk->sk_rmem_alloc + need > limit) {
		tail = skb_peek_tail(&tp->out_of_order_queue);
		if (!tail || !after(TCP_SKB_CB(tail)->seq, seq))
			return false;
		NET_INC_STATS(sk->sk_net, OfoPruned);
		tcp_ofo_unlink(tp, tail);
		kfree_skb_reason(tail, SKB_DROP_REASON_TCP_OFO_QUEUE_PRUNE);
		tcp_sack_reset(tp);
	}
	return true;
}

/* The bytes of @old stay where @skb has others. One that cannot be written to wins: the peer sent it twice anyway. */
static void tcp_ofo_keep_first(const struct sk_buff *old, struct sk_buff *skb)
{
	u32 at = TCP_SKB_CB(old)->seq - TCP_SKB_CB(skb)->seq, n = min(old->len, skb->len - at);

	if (at + n <= skb_headlen(skb) && !skb_shared_data(skb))
		BUG_ON(skb_copy_bits(old, 0, skb->data + at, n) != 0);
}

/**
 * tcp_ofo_overlay() - @skb begins at RCV.NXT; what waits behind the hole that it fills was here first
 *
 * Whoever reads along, a filter on the way or this application, shall see one stream: of a byte that comes twice the first copy.
 *
 * Context: owner or softirq. Borrows: @skb.
 */
void tcp_ofo_overlay(const struct sock *sk, struct sk_buff *skb)
{
	const struct sk_buff *piece;

	skb_queue_walk(&tcp_sk(sk)->out_of_order_queue, piece) {
		if (!before(TCP_SKB_CB(piece)->seq, TCP_SKB_CB(skb)->seq + skb->len))
			return;
		tcp_ofo_keep_first(piece, skb);
	}
}

/* @b is small, touches the end of @a, and @a has room for it. */
static bool tcp_ofo_mergeable(const struct sk_buff *a, const struct sk_buff *b)
{
	const struct tcp_skb_cb *acb = TCP_SKB_CB(a);

	return acb->end_seq == TCP_SKB_CB(b)->seq && !(acb->tcp_flags & TCPHDR_FIN) && b->len &&
	       b->len <= TCP_OFO_COPY_MAX && b->len <= skb_tailroom(a) && !skb_shared_data(a);
}

/* Copies @b, on no queue, behind the bytes of @a. @b is consumed. */
static void tcp_ofo_merge(struct sock *sk, struct sk_buff *a, struct sk_buff *b)
{
	struct tcp_skb_cb *acb = TCP_SKB_CB(a);

	BUG_ON(skb_copy_bits(b, 0, skb_put(a, b->len), b->len) != 0);
	skb_stats.copied_other += b->len;
	acb->end_seq = TCP_SKB_CB(b)->end_seq;
	acb->tcp_flags |= TCP_SKB_CB(b)->tcp_flags & TCPHDR_FIN;
	NET_INC_STATS(sk->sk_net, TCPRcvCoalesce);
	consume_skb(b);
}

/*
 * Of @skb only what @prev, which begins at or before it, does not have. Return: behind the last number that is here in any case; *@skb is
 * NULL, and freed, when nothing is left of it.
 */
static u32 tcp_ofo_cut_front(struct sock *sk, const struct sk_buff *prev, struct sk_buff **skb)
{
	const struct tcp_skb_cb *p = TCP_SKB_CB(prev), *cb = TCP_SKB_CB(*skb);
	u32 end = cb->end_seq;

	if (!after(p->end_seq, cb->seq))
		return end;
	if (after(end, p->end_seq)) {
		tcp_dsack_set(sk, cb->seq, p->end_seq);
		if (tcp_trim_front(*skb, p->end_seq - cb->seq))
			return end;
		end = p->end_seq; /* without memory the rest comes again */
	} else {
		tcp_dsack_set(sk, cb->seq, end);
	}
	NET_INC_STATS(sk->sk_net, TCPOFOMerge);
	kfree_skb_reason(*skb, SKB_DROP_REASON_TCP_OFOMERGE);
	*skb = NULL;
	return end;
}

/* What stands behind @prev and is in @skb too: whole pieces make room for it, it makes room for the last. */
static void tcp_ofo_cut_back(struct sock *sk, const struct sk_buff *prev, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff_head *q = &tp->out_of_order_queue;
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	struct sk_buff *next;

	while ((next = prev ? skb_queue_next(q, prev) : skb_peek(q))) {
		const struct tcp_skb_cb *n = TCP_SKB_CB(next);

		if (!after(cb->end_seq, n->seq))
			return;
		if (before(cb->end_seq, n->end_seq)) {
			tcp_dsack_extend(sk, n->seq, cb->end_seq);
			tcp_trim_back(skb, n->seq);
			return;
		}
		tcp_dsack_extend(sk, n->seq, n->end_seq);
		tcp_ofo_keep_first(next, skb);
		NET_INC_STATS(sk->sk_net, TCPOFOMerge);
		tcp_ofo_unlink(tp, next);
		kfree_skb_reason(next, SKB_DROP_REASON_TCP_OFOMERGE);
	}
}

/* @skb, in which nothing is that the queue has, gets its place behind @prev, or becomes a part of it. */
static void tcp_ofo_insert(struct sock *sk, struct sk_buff *prev, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff_head *q = &tp->out_of_order_queue;
	struct sk_buff *next;

	skb_set_owner_r(skb, sk);
	if (prev && tcp_ofo_mergeable(prev, skb)) {
		tcp_ofo_merge(sk, prev, skb);
		skb = prev;
	} else {
		if (prev)
			skb_queue_after(q, prev, skb);
		else
			skb_queue_head(q, skb);
		tcp_index_add(&tp->ofo_index, q, skb);
	}
	next = skb_queue_next(q, skb);
	if (next && tcp_ofo_mergeable(skb, next)) {
		tcp_ofo_unlink(tp, next);
		tcp_ofo_merge(sk, skb, next);
	}
}

/**
 * tcp_ofo_add() - keeps a segment behind a hole
 * @sk: socket
 * @skb: control block filled, inside the window, charged to nobody; consumed
 *
 * The caller has seen that there is memory. The next ACK tells of it (SACK), and of what was here already (D-SACK).
 *
 * Context: BH off.
 */
void tcp_ofo_add(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 seq = TCP_SKB_CB(skb)->seq, end = TCP_SKB_CB(skb)->end_seq;
	struct sk_buff *prev = tcp_index_find(&tp->ofo_index, seq);

	if (prev)
		end = tcp_ofo_cut_front(sk, prev, &skb);
	if (skb)
		tcp_ofo_cut_back(sk, prev, skb);
	if (skb && TCP_SKB_CB(skb)->seq == TCP_SKB_CB(skb)->end_seq)
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_OFOMERGE); /* between two that touch */
	else if (skb)
		tcp_ofo_insert(sk, prev, skb);
	tcp_sack_new_block(sk, seq, end);
}
