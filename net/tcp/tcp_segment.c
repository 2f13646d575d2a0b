// SPDX-License-Identifier: MIT
/*
 * Queued data as segments: how many an skb is, cutting it in two, shortening it from the front. What is counted in flight
 * follows each change, and so do the two orders in which sent data is kept (tp->rtx_index, tp->tsorted).
 *
 * Interface: tcp_set_segs, tcp_fragment, tcp_merge, tcp_count_acked, tcp_trim_head, tcp_mark_lost
 * Above: tcp_rack.c and all further right. Below: tcp_seq_index.c, <net/skbuff_frags.h>.
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: nothing; the originals are the socket's, charged to sk_wmem_queued.
 * Specs: RFC 9293 3.8.6; RFC 6298 5.2; Karn's rule is the caller's.
 */
#include "tcp_internal.h"

#include <net/skbuff_frags.h>
#include <net/trace.h>

#define WQUEUE_SLACK (2 * SKB_TRUESIZE(TCP_GSO_MAX_SIZE))

/* Segments of @mss that @skb still has to bring across: what snd_una covers of it is done with. */
static u32 tcp_segs_of(const struct tcp_sock *tp, const struct sk_buff *skb, u32 mss)
{
	u32 seq = TCP_SKB_CB(skb)->seq, acked = after(tp->snd_una, seq) ? tp->snd_una - seq : 0;
	u32 left = skb->len > acked ? skb->len - acked : 0;

	return left > mss ? DIV_ROUND_UP(left, mss) : 1;
}

/* @skb on the retransmit queue is @segs segments now. */
static void tcp_adjust_segs(struct tcp_sock *tp, struct tcp_skb_cb *cb, u32 segs)
{
	u32 more = segs - cb->segs; /* modulo 2^32 */

	tp->packets_out += more;
	if (cb->sacked & TCPCB_LOST)
		tp->lost_out += more;
	if (cb->sacked & TCPCB_SACKED_RETRANS)
		tp->retrans_out += more;
	if (cb->sacked & TCPCB_SACKED_ACKED)
		tp->sacked_out += more;
	cb->segs = segs;
}

/* @next was cut off @skb, which no block covers: it stands behind it in both orders. */
static void tcp_split_orders(struct tcp_sock *tp, struct sk_buff *skb, struct sk_buff *next)
{
	BUG_ON(TCP_SKB_CB(skb)->sacked & TCPCB_SACKED_ACKED);
	tcp_index_add_after(&tp->rtx_index, skb, next);
	if (skb->tsorted.next)
		list_add(&next->tsorted, &skb->tsorted);
}

/**
 * tcp_mark_lost() - @skb is taken for lost: out of the pipe, to be sent again
 * @sk: socket
 * @skb: on the retransmit queue; what a SACK block covers stays as it is
 *
 * Of what was sent again already, the copy is lost.
 *
 * Context: owner or softirq.
 */
void tcp_mark_lost(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	if (cb->sacked & TCPCB_SACKED_ACKED)
		return;
	if (before(cb->seq, tp->rtx_hint))
		tp->rtx_hint = cb->seq;
	if (cb->sacked & TCPCB_SACKED_RETRANS) {
		cb->sacked &= (u8)~TCPCB_SACKED_RETRANS;
		tp->retrans_out -= cb->segs;
		NET_ADD_STATS(sk->sk_net, TCPLostRetransmit, cb->segs);
	} else if (cb->sacked & TCPCB_LOST) {
		return;
	}
	tp->lost += cb->segs;
	if (!(cb->sacked & TCPCB_LOST))
		tp->lost_out += cb->segs;
	cb->sacked |= TCPCB_LOST;
}

/**
 * tcp_set_segs() - counts an skb in segments of @mss, which is what it is cut by from now on
 * @sk: socket
 * @skb: on the write queue (@sent false) or the retransmit queue
 * @mss: payload bytes per segment
 * @sent: it is counted in flight
 *
 * Context: owner or softirq.
 */
void tcp_set_segs(struct sock *sk, struct sk_buff *skb, u32 mss, bool sent)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 segs = tcp_segs_of(tp, skb, mss);

	BUG_ON(!mss || mss > UINT16_MAX);
	if (sent)
		tcp_adjust_segs(tp, cb, segs);
	else
		cb->segs = segs;
	cb->gso_size = (u16)mss;
}

/* Fragments are to change, and a clone in flight uses the same list: a list of our own. 0, -ENOMEM (nothing changed). */
static int tcp_own_frags(struct sock *sk, struct sk_buff *skb) __needs(sk)
{
	u32 before = skb->truesize;
	int err;

	if (!skb->data_len || !skb_shared_data(skb))
		return 0;
	err = pskb_expand_head(skb, 0, 0);
	sk->sk_wmem_queued += skb->truesize - before;
	return err;
}

/**
 * tcp_fragment() - cuts an skb in two
 * @sk: socket
 * @q: the queue it stands on (write or retransmit)
 * @skb: keeps the first @len bytes
 * @len: 0 < len < skb->len; skb->len parts text and FIN
 * @mss: both are counted in segments of so many bytes
 *
 * Payload in fragments is moved, not copied. FIN and PSH go with the second part, which stands right behind the first. A
 * peer whose acknowledgments make us cut sent data ever finer is refused beyond twice the send buffer (TCPWqueueTooBig).
 *
 * Context: owner or softirq. Owns: @q, both parts. Return: 0, -ENOMEM (nothing changed).
 */
int tcp_fragment(struct sock *sk, struct sk_buff_head *q, struct sk_buff *skb, u32 len, u32 mss)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb), *ncb;
	u32 linear = skb_headlen(skb) > len ? skb_headlen(skb) - len : 0;
	bool sent = q == &tp->tcp_rtx_queue;
	struct sk_buff *nskb;

	BUG_ON(len == 0 || len > skb->len || (len == skb->len && !(cb->tcp_flags & TCPHDR_FIN)));
	if (sent && skb != skb_peek(q) && skb != skb_peek_tail(q) &&
	    sk->sk_wmem_queued / 2 > sk->sk_sndbuf + WQUEUE_SLACK) {
		NET_INC_STATS(sk->sk_net, TCPWqueueTooBig);
		return -ENOMEM;
	}
	if (tcp_own_frags(sk, skb))
		return -ENOMEM;
	nskb = alloc_skb_fclone(MAX_TCP_HEADER + linear);
	if (!nskb)
		return -ENOMEM;
	skb_enter(nskb, SKB_STAGE_SOCKET_OUT);
	skb_reserve(nskb, linear ? MAX_TCP_HEADER : (u32)(nskb->end - nskb->tail));
	sk->sk_wmem_queued += nskb->truesize; /* what moves takes its charge along */
	if (len < skb->len)
		skb_split(skb, nskb, len);
	ncb = TCP_SKB_CB(nskb);
	*ncb = *cb;
	ncb->seq = cb->seq + len;
	cb->end_seq = ncb->seq;
	cb->tcp_flags &= (u8) ~(TCPHDR_FIN | TCPHDR_PSH);
	cb->eor = false;
	cb->summed = ncb->summed = false;
	nskb->tstamp_ns = skb->tstamp_ns;
	nskb->tx = skb->tx;
	nskb->clone_of = skb->id;
	trace_at_tcp(tcp_fragment, sk, nskb, ncb->seq, q->qlen);
	skb_queue_after(q, skb, nskb);
	ncb->segs = 0;
	tcp_set_segs(sk, skb, mss, sent);
	tcp_set_segs(sk, nskb, mss, sent);
	if (sent)
		tcp_split_orders(tp, skb, nskb);
	return 0;
}

/**
 * tcp_merge() - what @next carries joins @skb, which stands before it on the same queue
 *
 * Context: owner or softirq. Borrows: both; @next is empty then, to be taken off its queue and freed. Return: false: there is no room.
 */
bool tcp_merge(struct sk_buff *skb, struct sk_buff *next)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	const struct tcp_skb_cb *ncb = TCP_SKB_CB(next);

	if (!skb_try_merge(skb, next))
		return false;
	cb->end_seq = ncb->end_seq;
	cb->tcp_flags |= ncb->tcp_flags;
	cb->sacked |= ncb->sacked & TCPCB_EVER_RETRANS;
	cb->eor = ncb->eor;
	cb->summed = false;
	return true;
}

/* Takes @n payload bytes off the front. */
static void tcp_cut_front(struct sock *sk, struct sk_buff *skb, u32 n) __needs(sk)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 before = skb->truesize;

	BUG_ON(n > skb->len || (cb->tcp_flags & TCPHDR_SYN));
	skb_trim_front(skb, n);
	sk->sk_wmem_queued -= before - skb->truesize;
	cb->seq += n;
	cb->summed = false;
}

/**
 * tcp_count_acked() - an ACK covers part of the retransmit queue's head
 * @sk: socket, snd_una is advanced already
 * @skb: the head, not covered to its end
 *
 * Whole segments of it are in flight no more. Their bytes go as well, if that needs no memory.
 *
 * Context: owner or softirq. Borrows: @skb. Return: how many segments.
 */
u32 tcp_count_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 before = cb->segs;

	if (before == 1 || !after(tp->snd_una, cb->seq))
		return 0;
	tcp_adjust_segs(tp, cb, tcp_segs_of(tp, skb, cb->gso_size));
	if (!skb_shared_data(skb))
		tcp_cut_front(sk, skb, min(tp->snd_una - cb->seq, skb->len));
	return before - cb->segs;
}

/**
 * tcp_trim_head() - what snd_una covers is cut off the front before the rest goes again
 *
 * Context: owner or softirq. Borrows: @skb. Return: 0; -ENOMEM (nothing changed).
 */
int tcp_trim_head(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 seq = TCP_SKB_CB(skb)->seq;

	if (!after(tp->snd_una, seq))
		return 0;
	if (tp->snd_una - seq > skb_headlen(skb) && tcp_own_frags(sk, skb))
		return -ENOMEM;
	tcp_cut_front(sk, skb, tp->snd_una - seq);
	return 0;
}
