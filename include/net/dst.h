/* SPDX-License-Identifier: MIT */
/*
 * dst_entry: where a packet goes next, the part of a route that every layer may hold. Counted; made by net/ipv4/route.c.
 * Vocabulary header.
 */
#ifndef NET_DST_H
#define NET_DST_H
#include <kernel/count.h>
#include <lib/bug.h>
#include <lib/types.h>

struct net;
struct sock;
struct sk_buff;
struct net_device;
struct dst_entry;

struct dst_ops {
	void (*destroy)(struct dst_entry *dst); /* last reference gone */
	void (*link_failure)(
		struct sk_buff *skb); /* the neighbour failed: tell the sender; does not consume */
};

struct dst_entry {
	struct net_device *dev;
	const struct dst_ops *ops;
	int (*output)(struct net *net, struct sock *sk, struct sk_buff *skb); /* consumes */
	count_t refs;
	bool obsolete;   /* its entry went: holders look up again */
	bool mtu_locked; /* the MTU is not to be discovered: no DF */
	u32 mtu;         /* path MTU now known, bytes */
	u32 advmss;      /* MSS to announce */
	u64 expires_ns;  /* of a learned mtu: holders look up again; 0: never */
};
static_assert(sizeof(struct dst_entry) <= 64, "budget: one cache line");

static inline struct dst_entry *dst_hold(struct dst_entry *dst)
{
	count_add(&dst->refs, 1);
	return dst;
}

static inline void dst_release(struct dst_entry *dst)
{
	if (!dst)
		return;
	if (count_put(&dst->refs))
		dst->ops->destroy(dst);
}
#endif
