// SPDX-License-Identifier: MIT
/*
 * The scoreboard: what a peer says it has beyond SND.UNA, and what it says it has twice.
 *
 * A peer may name any range in any order. tp->rtx_index holds what no block covered yet, so a block costs a search and each packet is
 * visited once, when it is SACKed, whatever the peer repeats. A packet of many segments is cut at the edges, at whole segments.
 *
 * Interface: tcp_sacktag, tcp_sack_high, tcp_sack_reordering, tcp_sack_forget
 * Above: tcp_rtx_queue.c, tcp_undo.c, tcp_recovery.c, tcp_ack.c. Below: tcp_rack.c, tcp_segment.c, tcp_seq_index.c.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 2018 3, 5, 8; RFC 2883 4; RFC 6675 4; RFC 8985 6.2 step 3 (reordering).
 */
#include "tcp_internal.h"

/** tcp_sack_high() - behind the highest byte that is known to have arrived; without SACK, that may have. Context: owner or softirq. Return: a sequence number. */
u32 tcp_sack_high(const struct tcp_sock *tp)
{
	if (!tp->sack_ok)
		return tp->sacked_out ? tp->snd_nxt : tp->snd_una;
	return tp->sacked_out && after(tp->sack_high, tp->snd_una) ? tp->sack_high : tp->snd_una;
}

/**
 * tcp_sack_reordering() - something from @low_seq on was overtaken, and not lost
 * @sk: socket
 * @low_seq: its number
 * @mib: how that is counted
 *
 * Context: owner or softirq.
 */
void tcp_sack_reordering(struct sock *sk, u32 low_seq, enum tcpext_mib mib)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 high = tcp_sack_high(tp), segs;

	if (!before(low_seq, high))
		return;
	segs = DIV_ROUND_UP(high - low_seq, tp->mss_cache);
	if (high - low_seq > tp->reordering * tp->mss_cache)
		tp->reordering = min(segs, tcp_net_of(sk)->max_reordering);
	tp->reord_seen++;
	sk->sk_net->mib.tcpext[mib]++;
}

/* A block that can be meant: of what was sent and not acknowledged; a D-SACK of what undo still has an interest in, too. */
static bool sack_valid(const struct tcp_sock *tp, bool dsack, const struct tcp_sack_block *b)
{
	if (after(b->end, tp->snd_nxt) || !before(b->start, b->end) ||
	    !before(b->start, tp->snd_nxt))
		return false;
	if (after(b->start, tp->snd_una))
		return true;
	if (!dsack || !tp->undo.armed || after(b->end, tp->snd_una))
		return false;
	if (!before(b->start, tp->undo.marker))
		return true;
	return after(b->end, tp->undo.marker) && !before(b->start, b->end - tp->max_window);
}

/* Segments that the peer got twice. 0: more than it can have, or more than was sent twice. */
static u32 dsack_segs(struct tcp_sock *tp, const struct tcp_sack_block *b, struct tcp_acked *acked)
{
	u32 len = b->end - b->start, segs = 1;

	if (!before(b->start, b->end) || len > tp->max_window)
		return 0;
	if (len > tp->mss_cache)
		segs = DIV_ROUND_UP(len, tp->mss_cache);
	else if (tp->tlp_out && tp->tlp_high_seq == b->end)
		acked->dsack_tlp = true;
	tp->dsack_dups += segs;
	if (tp->dsack_dups > tp->total_retrans)
		return 0; /* the network doubled it */
	if (tp->reord_seen && !acked->dsack_tlp)
		tp->rack.dsack_seen = true;
	acked->dsack = true;
	tp->delivered += segs;
	return segs;
}

/* The first block lies below SEG.ACK, or inside the second: a D-SACK (RFC 2883, 4). Return: it is one, and taken for good. */
static bool sack_check_dsack(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked)
	__needs(sk)
{
	const struct tcp_sack_block *b = seg->opt.sacks;
	struct tcp_sock *tp = tcp_sk(sk);
	u32 segs;

	if (before(b[0].start, seg->ack))
		NET_INC_STATS(sk->sk_net, TCPDSACKRecv);
	else if (seg->opt.num_sacks > 1 && !after(b[0].end, b[1].end) &&
		 !before(b[0].start, b[1].start))
		NET_INC_STATS(sk->sk_net, TCPDSACKOfoRecv);
	else
		return false;
	segs = dsack_segs(tp, b, acked);
	if (!segs) {
		NET_INC_STATS(sk->sk_net, TCPDSACKIgnoredDubious);
		return false;
	}
	NET_ADD_STATS(sk->sk_net, TCPDSACKRecvSegs, segs);
	if (tp->undo.armed && tp->undo.retrans > 0 && after(b[0].end, tp->undo.marker))
		tp->undo.retrans = max(0, tp->undo.retrans - (s32)segs);
	return true;
}

/* @skb, on which no mark says so yet, has arrived. */
static void sack_one(struct tcp_sock *tp, struct sk_buff *skb, struct tcp_acked *acked)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	tcp_rack_advance(tp, skb, acked->now_ns);
	tcp_rate_delivered(tp, skb, acked);
	if (!(cb->sacked & TCPCB_RETRANS)) {
		if (before(cb->seq, tcp_sack_high(tp)) && before(cb->seq, acked->reord))
			acked->reord = cb->seq;
		if (!after(cb->end_seq, tp->high_seq))
			acked->orig = true;
		if (!acked->sack_first_ns)
			acked->sack_first_ns = skb->tstamp_ns;
		acked->sack_last_ns = skb->tstamp_ns;
	}
	if (cb->sacked & TCPCB_LOST) {
		tp->lost_out -= cb->segs;
		if (cb->sacked & TCPCB_SACKED_RETRANS)
			tp->retrans_out -= cb->segs;
		cb->sacked &= (u8) ~(TCPCB_LOST | TCPCB_SACKED_RETRANS);
	}
	cb->sacked |= TCPCB_SACKED_ACKED;
	tp->sacked_out += cb->segs;
	tp->delivered += cb->segs;
	if (tp->sacked_out == cb->segs || after(cb->end_seq, tp->sack_high))
		tp->sack_high = cb->end_seq;
	acked->sacked = true;
	tcp_index_del(&tp->rtx_index, skb);
	tcp_tsorted_del(skb);
}

/*
 * How many bytes of a packet of many segments, which the block does not cover as a whole, come before its edge; rounded so that only whole
 * segments are SACKed. 0: no cut helps.
 */
static u32 sack_cut(const struct sk_buff *skb, const struct tcp_sack_block *b)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 mss = cb->gso_size, at;

	if (after(b->start, cb->seq))
		at = DIV_ROUND_UP(b->start - cb->seq, mss) * mss;
	else
		at = (b->end - cb->seq) / mss * mss;
	return at < skb->len ? at : 0;
}

/*
 * Everything of [start, end) that was not SACKed. Packets are visited once: those at the edges are cut, those between SACKed.
 * What cannot be cut for want of memory is not SACKed; the peer will say it again.
 */
static void sack_walk(struct sock *sk, const struct tcp_sack_block *b, struct tcp_acked *acked)
	__needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_index_find(&tp->rtx_index, b->start), *next;

	if (!skb)
		skb = tcp_index_first(&tp->rtx_index);
	for (; skb && before(TCP_SKB_CB(skb)->seq, b->end); skb = next) {
		struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
		bool inside = !after(b->start, cb->seq) && !before(b->end, cb->end_seq);

		if (!inside && cb->segs > 1 && after(cb->end_seq, b->start)) {
			u32 at = sack_cut(skb, b);

			if (at && tcp_fragment(sk, &tp->tcp_rtx_queue, skb, at, cb->gso_size))
				return;
			inside = !after(b->start, cb->seq) && !before(b->end, cb->end_seq);
		}
		next = tcp_index_next(skb);
		if (inside)
			sack_one(tp, skb, acked);
	}
}

/* Why a block is not looked at, for the counters. */
static void sack_discard(struct sock *sk, const struct tcp_seg *seg, const struct tcp_sack_block *b,
			 bool dsack)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (dsack && tp->undo.armed)
		NET_INC_STATS(sk->sk_net, TCPDSACKIgnoredOld);
	else if (dsack)
		NET_INC_STATS(sk->sk_net, TCPDSACKIgnoredNoUndo);
	else if (seg->ack == tp->snd_una || after(b->end, tp->snd_una))
		NET_INC_STATS(sk->sk_net, TCPSACKDiscard); /* else the ACK is merely old */
}

/* The blocks worth a walk, in the order of their numbers: what fills a hole of this very ACK is not late. Return: how many. */
static u32 sack_sort(struct sock *sk, const struct tcp_seg *seg, const struct tcp_acked *acked,
		     bool dsack, struct tcp_sack_block *sorted)
{
	u32 n = 0;

	for (u32 i = 0; i < seg->opt.num_sacks; i++) {
		const struct tcp_sack_block *b = &seg->opt.sacks[i];
		u32 at = n;

		if (!sack_valid(tcp_sk(sk), !i && dsack, b)) {
			sack_discard(sk, seg, b, !i && dsack);
			continue;
		}
		if (!after(b->end, acked->prior_una))
			continue;
		for (; at && after(sorted[at - 1].start, b->start); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = *b;
		n++;
	}
	return n;
}

/**
 * tcp_sacktag() - takes the SACK blocks of an ACK in
 * @sk: socket with sack_ok; snd_una is advanced already, the queue is not cleaned yet
 * @seg: with at least one block
 * @acked: prior_una and reord are set; what is new is added
 *
 * Context: owner or softirq.
 */
void tcp_sacktag(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool dsack = sack_check_dsack(sk, seg, acked);
	struct tcp_sack_block sorted[TCP_MAX_SACKS];
	u32 n;

	if (!tp->packets_out)
		return;
	n = sack_sort(sk, seg, acked, dsack, sorted);
	for (u32 i = 0; i < n; i++)
		sack_walk(sk, &sorted[i], acked);
	if (tp->ca_state != TCP_CA_Loss || tp->undo.armed)
		tcp_sack_reordering(sk, acked->reord, LINUX_MIB_TCPSACKReorder);
	acked->reord = tp->snd_nxt;
}

/** tcp_sack_forget() - the peer has dropped what it had SACKed (RFC 2018, 8): no block is believed. Context: owner or softirq. */
void tcp_sack_forget(struct tcp_sock *tp)
{
	struct sk_buff *skb, *prev = NULL;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		if (cb->sacked & TCPCB_SACKED_ACKED) {
			cb->sacked &= (u8)~TCPCB_SACKED_ACKED;
			tp->sacked_out -= cb->segs;
			tcp_index_add_after(&tp->rtx_index, prev, skb);
		}
		prev = skb;
	}
	BUG_ON(tp->sacked_out);
}
