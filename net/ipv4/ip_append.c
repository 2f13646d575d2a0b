// SPDX-License-Identifier: MIT
/*
 * Building datagrams: the application's bytes, copied exactly once, into packets of which each is one fragment on the wire already.
 *
 * A datagram that fits into the MTU is one packet. A larger one is a first packet with others behind it (frag_list), each with room for its
 * headers, all but the last full to a multiple of 8 bytes: ip_fragment() needs to copy nothing. A corked datagram grows in the same way, call
 * by call, on a queue of the socket; what its end shows to fit into one packet after all is put into one.
 *
 *   ip_append_data()         payload to the end of the queue, in packets as needed
 *   ip_make_skb()            the queue becomes one packet, ready for the transport's header
 *   ip_flush_pending_frames() the queue is given up
 *
 * Interface: <net/ip.h>.
 * Above: UDP.  Below: skbuff.c, struct sock's send account.
 * Context: process; softirq with MSG_DONTWAIT.
 * Owns: nothing; the queue is the caller's, its packets are charged to the socket.
 * Specs: RFC 791 (2.3); RFC 1122 (3.3.3, 4.1); ip(7), udp(7) (errors).
 */
#include "ipv4.h"

#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/gso.h>

/* A corked packet begins with this much room, so that a large MTU (loopback) does not charge a socket 64 KiB for three bytes. */
#define CORK_FIRST_ROOM 1600u

/* --- Memory ------------------------------------------------------------------------------------------------------------ */

/* An empty packet with @room bytes behind its headers, charged and queued. 0; -ENOBUFS. */
static int ip_new_piece(struct sock *sk, struct sk_buff_head *q, const struct ip_cork *cork,
			u32 room, bool corked)
{
	u32 headroom = LL_MAX_HEADER + cork->hdrlen;
	struct sk_buff *skb = alloc_skb(headroom + room);

	if (!skb)
		return -ENOBUFS;
	skb_reserve(skb, headroom);
	local_bh_disable();
	skb_set_owner_w(skb, sk);
	local_bh_enable();
	if (corked)
		skb_enter(skb, SKB_STAGE_SOCKET_OUT);
	skb_queue_tail(q, skb);
	return 0;
}

/* --- Building ------------------------------------------------------------------------------------------------------------ */

/* What one packet takes of a datagram of which @total bytes are known. */
static u32 ip_piece_max(const struct ip_cork *cork, u32 total, bool corked)
{
	u32 whole = cork->mtu - cork->hdrlen;

	if (cork->gso_size)
		return IP_MAX_MTU - cork->hdrlen;
	return !corked && total <= whole ? whole : whole & ~7u;
}

/* Room for the next @want bytes, in the last packet or a new one: how many of them; -ENOBUFS. */
static int ip_make_room(struct sock *sk, struct sk_buff_head *q, const struct ip_cork *cork,
			u32 max, u32 want, bool corked)
{
	struct sk_buff *tail = skb_peek_tail(q);
	u32 n;

	if (!tail || tail->len >= max) {
		n = min(max, want);
		if (tail && sk->sk_wmem_alloc > 2 * sk->sk_sndbuf)
			return -ENOBUFS;
		if (ip_new_piece(sk, q, cork, corked ? min(max, max(n, CORK_FIRST_ROOM)) : n,
				 corked))
			return -ENOBUFS;
		return (int)n;
	}
	n = min(max - tail->len, want);
	if (skb_tailroom(tail) < n && pskb_expand_head(tail, 0, max(n, tail->len)))
		return -ENOBUFS;
	return (int)n;
}

/**
 * ip_append_data() - appends @len bytes of the application to the datagram on @q.
 * @cork: route, flow, MTU and header length are set; length is kept here.
 * @thlen: room for the transport's header at the begin; with the first data only, else 0.
 * @corked: more may follow.
 *
 * The first packet waits for room in the send buffer; those behind it are refused only above twice that, so that no datagram stops in
 * the middle.
 * Context: process; softirq with MSG_DONTWAIT in @msg. On error the caller flushes @q.
 * Return: 0; -EMSGSIZE above 65535 bytes, or above the MTU and the socket wants no fragments; -EAGAIN, -EPIPE, the pending error;
 * -ENOBUFS; -EFAULT.
 */
int ip_append_data(struct sock *sk, struct sk_buff_head *q, struct ip_cork *cork,
		   struct msghdr *msg, u32 len, u32 thlen, bool corked)
{
	u32 limit = ip_sk_ignore_df(sk) || cork->gso_size ? IP_MAX_MTU : cork->mtu;
	u32 left = thlen + len, max;
	int err;

	BUG_ON(!thlen != !skb_queue_empty(q));
	if (cork->mtu <
	    cork->hdrlen + thlen + 8) /* no path has so little, nor room for a fragment in it */
		return -EMSGSIZE;
	if (cork->length + left > limit - cork->hdrlen) {
		ip_local_error(sk, EMSGSIZE, cork->fl.daddr, cork->dport,
			       cork->mtu - (cork->hdrlen - (u32)sizeof(struct iphdr)));
		return -EMSGSIZE;
	}
	if (thlen) {
		err = sock_wait_for_wmem(sk, msg->msg_flags & MSG_DONTWAIT);
		if (err)
			return err;
	}
	max = ip_piece_max(cork, cork->length + left, corked);
	while (left) {
		int n = ip_make_room(sk, q, cork, max, left, corked);
		struct sk_buff *tail = skb_peek_tail(q);

		if (n < 0)
			return n;
		if (thlen) {
			skb_reset_transport_header(tail);
			memset(skb_put(tail, thlen), 0, thlen);
		}
		err = skb_add_data(tail, &msg->msg_iter, (u32)n - thlen);
		if (err)
			return err;
		left -= (u32)n;
		cork->length += (u32)n;
		thlen = 0;
	}
	return 0;
}

/* Corked packets are filled to a multiple of 8; the few bytes behind the first that fit into one packet all the same move there. */
static int ip_merge_rest(struct sk_buff_head *q, const struct ip_cork *cork)
{
	struct sk_buff *first = skb_peek(q), *rest;

	BUG_ON(!first);
	rest = skb_queue_next(q, first);
	if (!rest || cork->length > cork->mtu - cork->hdrlen)
		return 0;
	if (skb_tailroom(first) < rest->len && pskb_expand_head(first, 0, rest->len))
		return -ENOBUFS;
	BUG_ON(skb_copy_bits(rest, 0, skb_put(first, rest->len), rest->len));
	skb_stats.copied_other += rest->len;
	skb_unlink(rest, q);
	consume_skb(rest);
	BUG_ON(q->qlen != 1);
	return 0;
}

/**
 * ip_make_skb() - the datagram on @q as one packet, data at the transport's header, the rest behind it as frag_list.
 * Context: process, softirq. Owns: the caller; @q, which must not be empty, is empty afterwards.
 * Return: the packet; NULL without memory (@q is flushed).
 */
struct sk_buff *ip_make_skb(struct sock *sk, struct sk_buff_head *q, struct ip_cork *cork)
{
	struct sk_buff *first, *list = NULL, **tailp = &list, *skb;

	if (ip_merge_rest(q, cork)) {
		ip_flush_pending_frames(q);
		return NULL;
	}
	first = skb_dequeue(q);
	BUG_ON(!first);
	while ((skb = skb_dequeue(q))) {
		*tailp = skb;
		tailp = &skb->next;
	}
	if (list)
		skb_set_frag_list(first, list, cork->length - first->len);
	BUG_ON(first->len != cork->length);
	first->ignore_df = ip_sk_ignore_df(sk);
	return first;
}

/**
 * ip_flush_pending_frames() - the datagram on @q is given up.
 * Context: process, softirq.
 */
void ip_flush_pending_frames(struct sk_buff_head *q)
{
	local_bh_disable();
	skb_queue_purge_reason(q, SKB_DROP_REASON_LOCAL_ERROR);
	local_bh_enable();
}
