// SPDX-License-Identifier: MIT
/*
 * An index by sequence number beside a queue that is in that order: the place of a number is found in O(log n), whatever order a
 * peer asks in. The queue itself stays the way to walk.
 *
 * Interface: tcp_index_add, tcp_index_add_after, tcp_index_del, tcp_index_purge, tcp_index_find, tcp_index_first, tcp_index_last,
 * tcp_index_next
 * Above: whoever keeps such a queue. Below: <lib/rbtree.h>.
 * Context: that of the queue: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: none; RFC 2018 and RFC 9293 3.10.7.4 make peers name any place.
 */
#include "tcp_internal.h"

static struct sk_buff *tcp_index_skb(const struct rb_node *n)
{
	const struct tcp_skb_cb *cb = container_of(n, const struct tcp_skb_cb, rbnode);

	return (struct sk_buff *)((unsigned long)cb - offsetof(struct sk_buff, cb));
}

/**
 * tcp_index_add() - enters a packet that has just been put into its place on the queue
 * @index: of @q; all others on @q are in it
 * @q: in order of sequence
 * @skb: on @q
 *
 * Context: owner or softirq. Borrows: @skb.
 */
void tcp_index_add(struct rb_root *index, struct sk_buff_head *q, struct sk_buff *skb)
{
	struct sk_buff *prev = skb == skb_peek(q) ? NULL : skb->prev, *next;

	/* Of two neighbours in order, one has a free side towards the other. */
	if (prev && !TCP_SKB_CB(prev)->rbnode.child[1]) {
		rb_insert(index, &TCP_SKB_CB(skb)->rbnode, &TCP_SKB_CB(prev)->rbnode, 1);
		return;
	}
	next = skb_queue_next(q, skb);
	rb_insert(index, &TCP_SKB_CB(skb)->rbnode, next ? &TCP_SKB_CB(next)->rbnode : NULL, 0);
}

/** tcp_index_purge() - all of a queue and its index goes. Context: owner or softirq. */
void tcp_index_purge(struct rb_root *index, struct sk_buff_head *q, enum skb_drop_reason reason)
{
	index->node = NULL;
	skb_queue_purge_reason(q, reason);
}

/** tcp_index_del() - takes a packet out of the index; before or after it leaves the queue. Context: owner or softirq. Borrows: @skb. */
void tcp_index_del(struct rb_root *index, struct sk_buff *skb)
{
	rb_erase(index, &TCP_SKB_CB(skb)->rbnode);
}

/** tcp_index_find() - the last packet that begins at or before @seq. Context: owner or softirq. Return: it, or NULL. Borrowed. */
struct sk_buff *tcp_index_find(const struct rb_root *index, u32 seq)
{
	const struct rb_node *n = index->node;
	struct sk_buff *found = NULL;

	while (n) {
		bool here = !after(TCP_SKB_CB(tcp_index_skb(n))->seq, seq);

		if (here)
			found = tcp_index_skb(n);
		n = n->child[here];
	}
	return found;
}

/**
 * tcp_index_add_after() - enters a packet where the index lacks some of its queue
 * @index: in order of sequence
 * @prev: the last packet in @index before @skb; NULL: none is
 * @skb: in no index
 *
 * Context: owner or softirq. Borrows: both.
 */
void tcp_index_add_after(struct rb_root *index, struct sk_buff *prev, struct sk_buff *skb)
{
	struct rb_node *next = prev ? rb_next(&TCP_SKB_CB(prev)->rbnode) : rb_first(index);

	/* Of two neighbours in order, one has a free side towards the other. */
	if (prev && !TCP_SKB_CB(prev)->rbnode.child[1])
		rb_insert(index, &TCP_SKB_CB(skb)->rbnode, &TCP_SKB_CB(prev)->rbnode, 1);
	else
		rb_insert(index, &TCP_SKB_CB(skb)->rbnode, next, 0);
}

/** tcp_index_first() - the packet with the least number. Context: owner or softirq. Return: it, or NULL. Borrowed. */
struct sk_buff *tcp_index_first(const struct rb_root *index)
{
	const struct rb_node *n = rb_first(index);

	return n ? tcp_index_skb(n) : NULL;
}

/** tcp_index_last() - the packet with the greatest number. Context: owner or softirq. Return: it, or NULL. Borrowed. */
struct sk_buff *tcp_index_last(const struct rb_root *index)
{
	const struct rb_node *n = rb_last(index);

	return n ? tcp_index_skb(n) : NULL;
}

/** tcp_index_next() - the packet behind @skb, which is in an index. Context: owner or softirq. Return: it, or NULL. Borrowed. */
struct sk_buff *tcp_index_next(const struct sk_buff *skb)
{
	const struct rb_node *n = rb_next(&TCP_SKB_CB(skb)->rbnode);

	return n ? tcp_index_skb(n) : NULL;
}
