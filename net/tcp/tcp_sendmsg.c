// SPDX-License-Identifier: MIT
/*
 * The way down begins here: application bytes are copied, once, behind what waits to be sent, and pushed when that pays.
 *
 * The tail of sk_write_queue is filled up to the size goal: a segment, or as many as one packet may stand for where
 * something below cuts packets. Small amounts are copied into the linear part behind the headers, large ones into pages.
 *
 * Interface: tcp_sendmsg
 * Above: tcp.c (struct proto). Below: tcp_output.c, <net/skbuff_frags.h>, <net/sock.h> (waiting).
 * Context: process; the socket is not owned on entry.
 * Owns: nothing; the skbs it makes are the socket's, charged to sk_wmem_queued.
 * Specs: RFC 9293 3.9.1.2, 3.10.2; RFC 1122 4.2.3.4; POSIX send; Linux tcp(7) (cork, autocorking).
 */
#include "tcp_internal.h"

#include <net/ip.h>
#include <net/skbuff_frags.h>
#include <net/trace.h>

#define TCP_SKB_LINEAR    1460u /* bytes of room in a new skb, where a segment may be that large */
#define TCP_BACKLOG_EVERY 16u   /* new skbs after which a long call lets ACKs in */

/* One call on its way. */
struct tcp_send {
	struct msghdr *msg;
	size_t len, copied;
	u64 deadline;
	u32 mss, goal; /* segment; what is gathered in one skb */
	u32 fresh;     /* skbs made since the backlog was looked at */
};

static bool tcp_handshaking(const struct sock *sk)
{
	return sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV;
}

static bool tcp_may_send(const struct sock *sk)
{
	/* A connection that its SYN opened (Fast Open) need not wait for the end of the handshake. */
	return sk->sk_state == TCP_ESTABLISHED || sk->sk_state == TCP_CLOSE_WAIT ||
	       (sk->sk_state == TCP_SYN_RECV && tcp_sk(sk)->fo_child);
}

/* Sending before the handshake ended waits for it. Return: 0, -EAGAIN, -EPIPE (never connected, or failed). */
static int tcp_wait_connect(struct sock *sk, u64 deadline) __may_sleep __needs(sk)
{
	int err;

	if (tcp_may_send(sk))
		return 0;
	if (!tcp_handshaking(sk))
		return -EPIPE;
	if (!deadline)
		return -EAGAIN;
	sk->sk_write_pending++;
	err = sk_wait_event(sk, deadline, !tcp_handshaking(sk));
	sk->sk_write_pending--;
	if (err)
		return -EAGAIN;
	return tcp_may_send(sk) ? 0 : -EPIPE;
}

static void tcp_mark_push(struct tcp_sock *tp, struct sk_buff *skb)
{
	TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_PSH;
	tp->pushed_seq = tp->write_seq;
}

/* More than half of the largest window was written since the last PSH. */
static bool forced_push(const struct tcp_sock *tp)
{
	return after(tp->write_seq, tp->pushed_seq + tp->max_window / 2);
}

/* Segment size and goal follow the route, the window and the device. */
static void tcp_send_mss(struct sock *sk, struct tcp_send *s) __needs(sk)
{
	s->mss = tcp_current_mss(sk);
	s->goal = tcp_size_goal(sk, s->mss);
}

/* --- The tail -------------------------------------------------------------------------------------------------------------- */

/* Linear bytes of a new skb for @want more: all of a small amount; none when pages will take it; never 64 KiB for one byte. */
static u32 tcp_linear_size(const struct sock *sk, const struct tcp_send *s, size_t want)
{
	u32 size = (u32)min_t(size_t, s->goal, max_t(size_t, want, TCP_SKB_LINEAR));

	if (!sk_can_sg(sk) && !sk_can_gso(sk))
		return size;
	return size > TCP_SKB_LINEAR ? 0 : size;
}

/* Puts a new empty skb last. NULL without memory. */
static struct sk_buff *tcp_entail(struct sock *sk, struct tcp_send *s) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 linear = tcp_linear_size(sk, s, s->len - s->copied);
	struct sk_buff *skb;

	/* The page first: it stays when the rest fails, so that trying again needs less. */
	if (!linear && !page_frag_refill(&tcp_net_of(sk)->frag))
		return NULL;
	skb = alloc_skb_fclone(MAX_TCP_HEADER + linear);
	if (!skb)
		return NULL;
	/* Without a linear part all room is headroom, also what the buffer has too much. */
	skb_reserve(skb, linear ? MAX_TCP_HEADER : (u32)(skb->end - skb->tail));
	*TCP_SKB_CB(skb) = (struct tcp_skb_cb){ .seq = tp->write_seq,
						.end_seq = tp->write_seq,
						.tcp_flags = TCPHDR_ACK,
						.summed = linear && !sk_can_csum(sk) };
	skb_enter(skb, SKB_STAGE_SOCKET_OUT);
	if (!tcp_send_head(sk))
		tcp_chrono_start(tp, TCP_CHRONO_BUSY);
	skb_queue_tail(&sk->sk_write_queue, skb);
	sk->sk_wmem_queued += skb->truesize;
	tp->nonagle &= (u8)~TCP_NAGLE_PUSH;
	s->fresh++;
	trace_at_tcp(skb_entail, sk, skb, tp->write_seq, sk->sk_write_queue.qlen);
	return skb;
}

/* A tail without a byte (its copy failed) must not stay: nothing would ever acknowledge it. */
static void tcp_remove_empty_tail(struct sock *sk) __needs(sk)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);

	if (!skb || skb->len || TCP_SKB_CB(skb)->seq != TCP_SKB_CB(skb)->end_seq)
		return;
	skb_unlink(skb, &sk->sk_write_queue);
	tcp_wmem_free_skb(sk, skb);
	if (!tcp_send_head(sk))
		tcp_chrono_stop(sk, TCP_CHRONO_BUSY);
}

/*
 * Bytes that @skb may still take: up to the goal, in its tailroom or in pages. 0: none, it is full or closed. What is linear stays one segment where
 * pages can be had: cutting it below would copy it.
 */
static u32 tcp_room(const struct sock *sk, const struct sk_buff *skb, const struct tcp_send *s)
{
	bool pages = sk_can_sg(sk) || sk_can_gso(sk);
	bool linear = skb_headlen(skb) || skb_tailroom(skb);
	u32 goal = pages && linear ? min(s->mss, s->goal) : s->goal;
	u32 room = goal > skb->len ? goal - skb->len : 0;

	if (TCP_SKB_CB(skb)->eor || skb_shared_data(skb))
		return 0;
	if (skb_tailroom(skb))
		return min(room, skb_tailroom(skb));
	return pages ? room : 0;
}

/*
 * Copies what fits into @skb, at most @room. Return: bytes; -EFAULT; -ENOMEM no page; -EMSGSIZE all its fragments are used.
 */
static int tcp_copy(struct sock *sk, struct sk_buff *skb, struct tcp_send *s, u32 room) __needs(sk)
{
	struct page_frag *pf = &tcp_net_of(sk)->frag;
	struct iov_iter *from = &s->msg->msg_iter;
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 n = (u32)min_t(size_t, room, s->len - s->copied);
	int err;

	if (!skb_tailroom(skb)) {
		cb->summed = false;
		return page_frag_refill(pf) ? skb_add_data_frag(skb, pf, from, n) : -ENOMEM;
	}
	if (cb->summed)
		err = skb_add_data_csum(skb, from, n, &cb->csum);
	else
		err = skb_add_data(skb, from, n);
	return err ? err : (int)n;
}

/* --- Pushing --------------------------------------------------------------------------------------------------------------- */

/*
 * A small tail may wait for company when packets of ours are still in the queues below: their completion sends it, soon, and
 * with all that was written till then.
 */
static bool tcp_autocorks(struct sock *sk, const struct sk_buff *tail, u32 goal) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tail->len >= goal || !tcp_net_of(sk)->autocorking || TCP_SKB_CB(tail)->eor ||
	    skb_queue_empty(&tp->tcp_rtx_queue) || sk->sk_wmem_alloc <= tail->truesize)
		return false;
	if (!tp->tsq_throttled) {
		NET_INC_STATS(sk->sk_net, TCPAutoCorking);
		tp->tsq_throttled = true;
		trace_at_sk(tcp_autocork, sk, sk->sk_wmem_alloc);
	}
	return sk->sk_wmem_alloc >
	       tail->truesize; /* else they completed before the flag was there */
}

/* The call ends, or sleeps: its last byte is pushed unless more is announced. */
static void tcp_push(struct sock *sk, const struct tcp_send *s, u32 flags, u8 nonagle) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *tail = skb_peek_tail(&sk->sk_write_queue);

	if (!tail)
		return;
	if (s->copied && (!(flags & MSG_MORE) || forced_push(tp)))
		tcp_mark_push(tp, tail);
	if (flags & MSG_OOB)
		tp->snd_up = tp->write_seq;
	if (tcp_autocorks(sk, tail, s->goal))
		return;
	__tcp_push_pending_frames(sk, s->mss, flags & MSG_MORE ? TCP_NAGLE_CORK : nonagle);
}

/* @skb was filled to the goal and there is more: transmission on the way. */
static void tcp_push_while_copying(struct sock *sk, struct sk_buff *skb, u32 mss) __needs(sk)
{
	if (forced_push(tcp_sk(sk))) {
		tcp_mark_push(tcp_sk(sk), skb);
		__tcp_push_pending_frames(sk, mss, TCP_NAGLE_PUSH);
	} else if (skb == tcp_send_head(sk)) {
		tcp_push_one(sk, mss);
	}
}

/* --- The call -------------------------------------------------------------------------------------------------------------- */

/* What there is goes, then room is waited for. Return: 0, -EAGAIN, -EPIPE. */
static int tcp_wait_for_room(struct sock *sk, struct tcp_send *s) __may_sleep __needs(sk)
{
	bool had_room = sk_stream_memory_free(sk); /* so it was memory that there was not */
	int err = 0;

	tcp_remove_empty_tail(sk);
	sock_set_flag(sk, SOCK_NOSPACE); /* so that the way down knows why nothing follows */
	tcp_push(sk, s, s->msg->msg_flags & ~(u32)MSG_MORE, TCP_NAGLE_PUSH);
	/* What went out may have let the buffer grow, after ACKs that came while this call was at work: then nobody need be waited for. */
	if (had_room || !sk_stream_memory_free(sk))
		err = sk_stream_wait_memory(sk, s->deadline);
	tcp_send_mss(sk, s);
	return err;
}

/* The skb that takes the next byte; waits for memory. Return: 0 and *out with *room > 0, or the error of the wait. */
static int tcp_tail_with_room(struct sock *sk, struct tcp_send *s, struct sk_buff **out,
			      u32 *room) __may_sleep __needs(sk)
{
	for (;;) {
		struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
		bool idle = !skb && skb_queue_empty(&tcp_sk(sk)->tcp_rtx_queue);
		int err;

		if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
			return -EPIPE;
		*room = skb ? tcp_room(sk, skb, s) : 0;
		if (!*room && s->fresh >= TCP_BACKLOG_EVERY) {
			s->fresh = 0;
			if (sk_flush_backlog(sk)) {
				tcp_send_mss(sk, s);
				continue;
			}
		}
		/* Idle: one skb always, else a tiny SO_SNDBUF would never send. */
		if (!*room && (idle || sk_stream_memory_free(sk))) {
			skb = tcp_entail(sk, s);
			*room = skb ? tcp_room(sk, skb, s) : 0;
		}
		*out = skb;
		if (*room)
			return 0;
		err = tcp_wait_for_room(sk, s);
		if (err)
			return err;
	}
}

/* One step: some bytes into the tail, and out with it if it is full. Return: 0, -errno. */
static int tcp_send_step(struct sock *sk, struct tcp_send *s) __may_sleep __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	u32 room, truesize;
	int n = tcp_tail_with_room(sk, s, &skb, &room);

	if (n)
		return n;
	truesize = skb->truesize;
	n = tcp_copy(sk, skb, s, room);
	if (n == -ENOMEM)
		return tcp_wait_for_room(sk, s);
	if (n == -EMSGSIZE) { /* full before its time: many small pieces of pages */
		tcp_mark_push(tp, skb);
		TCP_SKB_CB(skb)->eor = true;
		return 0;
	}
	if (n < 0)
		return n;
	if (!s->copied)
		TCP_SKB_CB(skb)->tcp_flags &= (u8)~TCPHDR_PSH;
	trace_at_tcp(skb_add_data, sk, skb, tp->write_seq, sk->sk_write_queue.qlen);
	tp->write_seq += (u32)n;
	TCP_SKB_CB(skb)->end_seq += (u32)n;
	TCP_SKB_CB(skb)->segs = 0;
	s->copied += (u32)n;
	sk->sk_wmem_queued +=
		skb->truesize - truesize; /* a fragment's bytes are charged as they come */
	if (s->copied == s->len && (s->msg->msg_flags & MSG_EOR))
		TCP_SKB_CB(skb)->eor = true;
	/* What is urgent goes when all of it is here: its first segment says where it ends. */
	if (s->copied < s->len && !tcp_room(sk, skb, s) && !(s->msg->msg_flags & MSG_OOB))
		tcp_push_while_copying(sk, skb, s->mss);
	return 0;
}

/* What a call that took no byte says. */
static int tcp_took_nothing(struct sock *sk, int err) __needs(sk)
{
	/* Nothing is out whose ACK would tell that there is room. */
	if (err == -EAGAIN && !tcp_send_head(sk) && !tcp_rtx_head(tcp_sk(sk))) {
		sk->sk_write_space(sk);
		tcp_chrono_stop(sk, TCP_CHRONO_SNDBUF);
	}
	return sk_stream_error(sk, err);
}

static ssize_t tcp_sendmsg_owned(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep
	__needs(sk)
{
	struct tcp_send s = { .msg = msg,
			      .len = len,
			      .deadline = sock_snd_deadline(sk, msg->msg_flags & MSG_DONTWAIT) };
	int err;

	tcp_rate_check_app_limited(sk);
	err = tcp_wait_connect(sk, s.deadline);
	if (!err && (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN)))
		err = -EPIPE;
	if (!err)
		tcp_send_mss(sk, &s);
	while (!err && s.copied < len)
		err = tcp_send_step(sk, &s);
	tcp_remove_empty_tail(sk);
	if (!s.copied)
		return tcp_took_nothing(sk, err);
	tcp_push(sk, &s, msg->msg_flags, tcp_sk(sk)->nonagle);
	return (ssize_t)s.copied;
}

/**
 * tcp_sendmsg() - queues and sends application bytes (struct proto)
 * @sk: socket
 * @msg: where the bytes are; flags MSG_DONTWAIT, MSG_MORE, MSG_EOR (nothing is appended to what this call's last byte is in)
 * @len: how many
 *
 * Context: process; sleeps for room unless it must not. Return: bytes taken (partial counts win over errors); -EPIPE,
 * or the pending error first (ECONNRESET, ETIMEDOUT, ...); -EAGAIN; -EFAULT; -EOPNOTSUPP for MSG_FASTOPEN.
 */
ssize_t tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	ssize_t ret;

	trace_fn_sk(tcp_sendmsg, sk, (u32)len);
	if (msg->msg_flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	lock_sock(sk);
	ret = tcp_sendmsg_owned(sk, msg, len);
	release_sock(sk);
	return ret;
}
