/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints for packets and sockets: what <kernel/trace.h> has, with the packet's own numbers filled in.
 *
 *   trace_at_skb(stage, skb, qlen)            a packet: its id, clone-of id, socket, sequence number, length
 *   trace_fn_skb(stage, skb, qlen)            the same as a slice; the packet may be gone at its end
 *   trace_at_tcp(stage, sk, skb, seq, qlen)   a packet on a queue of TCP: it has no header yet, and no owner
 *   trace_fn_tcp(stage, sk, skb, seq, qlen)
 *   trace_at_sk(stage, sk, len), trace_fn_sk(stage, sk, len)   a socket alone
 *
 * Identity: skb->id is the descriptor's own number, skb->clone_of the number of the packet it was made from (0: an original).
 * So a segment is followed through its clones, and a large packet through its pieces. Any context.
 */
#ifndef NET_TRACE_H
#define NET_TRACE_H
#include <kernel/trace.h>

struct sk_buff;
struct sock;

void trace_skb_hit(enum trace_stage stage, enum trace_kind kind, const struct sk_buff *skb,
		   u32 qlen) __attribute__((cold, noinline));
void trace_tcp_hit(enum trace_stage stage, enum trace_kind kind, const struct sock *sk,
		   const struct sk_buff *skb, u32 seq, u32 qlen) __attribute__((cold, noinline));
void trace_sk_hit(enum trace_stage stage, enum trace_kind kind, const struct sock *sk, u32 len)
	__attribute__((cold, noinline));
void trace_drop_hit(enum trace_stage stage, const struct sk_buff *skb, u32 reason)
	__attribute__((cold, noinline));

#define trace_at_skb(stage, skb, qlen)                                                             \
	do {                                                                                       \
		if (trace_on(stage))                                                               \
			trace_skb_hit(TRACE_##stage, TRACE_AT, skb, qlen);                         \
	} while (0)
#define trace_fn_skb(stage, skb, qlen)                                                             \
	trace_scope(stage, trace_skb_hit(TRACE_##stage, TRACE_ENTER, skb, qlen))
#define trace_at_tcp(stage, sk, skb, seq, qlen)                                                    \
	do {                                                                                       \
		if (trace_on(stage))                                                               \
			trace_tcp_hit(TRACE_##stage, TRACE_AT, sk, skb, seq, qlen);                \
	} while (0)
#define trace_fn_tcp(stage, sk, skb, seq, qlen)                                                    \
	trace_scope(stage, trace_tcp_hit(TRACE_##stage, TRACE_ENTER, sk, skb, seq, qlen))
#define trace_at_sk(stage, sk, len)                                                                \
	do {                                                                                       \
		if (trace_on(stage))                                                               \
			trace_sk_hit(TRACE_##stage, TRACE_AT, sk, len);                            \
	} while (0)
#define trace_fn_sk(stage, sk, len)                                                                \
	trace_scope(stage, trace_sk_hit(TRACE_##stage, TRACE_ENTER, sk, len))
/* A drop, for its enum skb_drop_reason. */
#define trace_drop_skb(stage, skb, reason)                                                         \
	do {                                                                                       \
		if (trace_on(stage))                                                               \
			trace_drop_hit(TRACE_##stage, skb, reason);                                \
	} while (0)
#endif
