// SPDX-License-Identifier: MIT
/*
 * What a packet says of itself in a trace record: its numbers, its socket's, and TCP's sequence number, which is read from the
 * header, so that every stage below TCP shows it without being told.
 *
 * Interface: <net/trace.h>.
 * Above: every room of net/ and the drivers, while a stage is on.  Below: kernel/trace.c.
 * Context: any.  Owns: nothing.
 */
#include <net/trace.h>

#include <lib/byteorder.h>
#include <net/skbuff.h>
#include <net/sock.h>

#define REASON_NAME(name_) #name_,
static const char *const reasons[] = { DROP_REASONS(REASON_NAME) };
static_assert(ARRAY_SIZE(reasons) == NR_DROP_REASONS, "every reason has its name");

/* The header at @offset of head lies in the linear part. */
static bool header_there(const struct sk_buff *skb, u32 offset, size_t len)
{
	return offset && offset + len <= (size_t)(skb->tail - skb->head);
}

static bool is_tcp(const struct sk_buff *skb)
{
	if (skb->sk && !header_there(skb, skb->network_header, sizeof(struct iphdr)))
		return skb->sk->sk_protocol == IPPROTO_TCP;
	/* On the way down the ethertype comes after the header. */
	return (skb->protocol == htons(ETH_P_IP) || (!skb->protocol && skb->sk)) &&
	       header_there(skb, skb->network_header, sizeof(struct iphdr)) &&
	       ip_hdr(skb)->ver_ihl >> 4 == 4 && ip_hdr(skb)->protocol == IPPROTO_TCP;
}

static u32 header_seq(const struct sk_buff *skb)
{
	if (!is_tcp(skb) || !header_there(skb, skb->transport_header, sizeof(struct tcphdr)))
		return 0;
	return ntohl(tcp_hdr(skb)->seq);
}

static struct trace_record record_of(const struct sk_buff *skb, const struct sock *sk)
{
	struct trace_record r = { .sock = sk ? sk->sk_trace_id : 0 };

	if (skb) {
		r.skb = skb->id;
		r.clone_of = skb->clone_of;
		r.len = skb->len;
	}
	return r;
}

/**
 * trace_skb_hit() - a stage met a packet; called by the macros.
 * Context: any. Borrows: @skb, NULL is allowed.
 */
void trace_skb_hit(enum trace_stage stage, enum trace_kind kind, const struct sk_buff *skb,
		   u32 qlen)
{
	struct trace_record r = record_of(skb, skb ? skb->sk : NULL);

	r.stage = (u16)stage;
	r.kind = (u8)kind;
	r.seq = skb ? header_seq(skb) : 0;
	r.qlen = qlen;
	trace_write(&r);
}

/**
 * trace_tcp_hit() - a stage met a packet of @sk that has no TCP header yet.
 * Context: any. Borrows: @sk, and @skb, NULL is allowed.
 */
void trace_tcp_hit(enum trace_stage stage, enum trace_kind kind, const struct sock *sk,
		   const struct sk_buff *skb, u32 seq, u32 qlen)
{
	struct trace_record r = record_of(skb, sk);

	r.stage = (u16)stage;
	r.kind = (u8)kind;
	r.seq = seq;
	r.qlen = qlen;
	trace_write(&r);
}

/**
 * trace_sk_hit() - a stage met a socket, without a packet.
 * @len: bytes that it is about.
 * Context: any. Borrows: @sk, NULL is allowed.
 */
void trace_sk_hit(enum trace_stage stage, enum trace_kind kind, const struct sock *sk, u32 len)
{
	struct trace_record r = record_of(NULL, sk);

	r.stage = (u16)stage;
	r.kind = (u8)kind;
	r.len = len;
	trace_write(&r);
}

/**
 * trace_drop_hit() - a packet is about to be dropped.
 * @reason: enum skb_drop_reason.
 * Context: any. Borrows: @skb.
 */
void trace_drop_hit(enum trace_stage stage, const struct sk_buff *skb, u32 reason)
{
	struct trace_record r = record_of(skb, skb->sk);

	r.stage = (u16)stage;
	r.kind = TRACE_AT;
	r.seq = header_seq(skb);
	r.note = reasons[reason];
	trace_write(&r);
}
