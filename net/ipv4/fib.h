/* SPDX-License-Identifier: MIT */
/*
 * The forwarding information base, shared by fib.c (what the table holds) and route.c (what a lookup makes of it).
 */
#ifndef IPV4_FIB_H
#define IPV4_FIB_H
#include "ipv4.h"

#define FIB_BUCKETS_SHIFT 8u
#define FIB_LENGTHS       33u /* prefix lengths 0 to 32 */
#define FIB_MAX_USER      1024u
#define PMTU_BUCKETS      64u
#define PMTU_MAX          256u /* destinations whose path MTU is remembered */

struct neighbour;

struct fib_entry {
	struct list_head node; /* in fib_table.entries */
	struct list_head hash; /* in its bucket */
	/* Whose address or state made it (of a local route not the device it leaves by); NULL: a user's refusing route. */
	struct net_device *owner;
	__be32 dst, mask, gw, prefsrc;
	u32 metric, mtu, advmss; /* 0: the device's */
	u8 prefixlen;
	u8 type; /* enum rtn_type */
	bool mtu_locked;
	bool by_user;              /* ip_route_add(), not fib_sync_dev() */
	bool stale;                /* mark of fib_sync_dev() */
	struct rtable *rt;         /* shared by all users; NULL: the route refuses */
	struct neighbour *gateway; /* held; NULL without gateway */
};

/* A path MTU that a router told us, for one destination. */
struct pmtu_entry {
	struct list_head hash, lru; /* lru: the oldest news first */
	__be32 daddr;
	u32 mtu;
	bool locked; /* told less than we believe: the routers may cut */
	u64 expires_ns;
	struct rtable *rt;            /* a copy of base's with this MTU, NULL: not made yet */
	const struct fib_entry *base; /* of rt; compared only */
	u32 genid;                    /* of rt */
};

struct fib_table {
	struct net *net;
	struct list_head
		entries; /* longest prefix first, then the smaller metric, then the older */
	/* By prefix and its length; entries of one prefix stand in the order of entries. */
	struct list_head bucket[1u << FIB_BUCKETS_SHIFT];
	u64 lengths; /* bit n: somebody has prefix length n */
	u32 of_length[FIB_LENGTHS];
	u32 user_entries;
	struct list_head pmtu_bucket[PMTU_BUCKETS], pmtu_lru;
	u32 nr_pmtu;
	u64 out_slow_tot, out_slow_mc,
		no_route; /* lookups: all others, of groups, without success */
};

struct fib_entry *fib_lookup(struct fib_table *fib, __be32 daddr, const struct net_device *dev,
			     bool onlink) __needs(softirq_ctx);
struct rtable *rt_clone(const struct rtable *base);
void rt_retire(struct rtable *rt);
/* Every cached route is asked for anew. */
static inline void fib_changed(struct fib_table *fib)
{
	fib->net->rt_genid++;
}

int fib_table_init(struct net *net);
void fib_table_exit(struct net *net);
#endif
