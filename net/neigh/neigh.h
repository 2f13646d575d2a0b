/* SPDX-License-Identifier: MIT */
/*
 * Inside of the neighbour room: the entry, the table and what an address resolution protocol plugs in. neighbour.c
 * knows states and timers and no packet format; arp.c knows the packets and no states.
 */
#ifndef NEIGH_NEIGH_H
#define NEIGH_NEIGH_H
#include <kernel/wait.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <net/neighbour.h>
#include <wire/arp.h>

#define NEIGH_RETRANS_NS       (1 * NSEC_PER_SEC)
#define NEIGH_BASE_REACHABLE_S 30u
#define NEIGH_RERANDOM_NS      (300 * NSEC_PER_SEC)
#define NEIGH_DELAY_NS         (5 * NSEC_PER_SEC)
#define NEIGH_DEFEND_NS        (1 * NSEC_PER_SEC)
#define NEIGH_GC_STALE_NS      (60 * NSEC_PER_SEC)
#define NEIGH_GC_INTERVAL_NS   (15 * NSEC_PER_SEC)
#define NEIGH_PROBES           3u
#define NEIGH_UNRES_BYTES      212992u
#define NEIGH_MIN_SHIFT        3u /* of the hash: 8 buckets, which double up to 256 */
#define NEIGH_MAX_SHIFT        8u
#define NEIGH_MAX              1024u
#define NEIGH_MAX_SMALL        256u /* of a machine below 16 MiB */
/* Above half of the maximum the collector also runs when an entry is made, and is stricter. */
#define NEIGH_FORCED_GC_NS    (5 * NSEC_PER_SEC) /* at most this often */
#define NEIGH_FORCED_STALE_NS (5 * NSEC_PER_SEC)

/* How a destination address maps to the link, decided once when the entry is made. */
enum neigh_kind { NEIGH_RESOLVE, NEIGH_MULTICAST, NEIGH_BROADCAST, NEIGH_OWN };

struct neigh_table;

struct neighbour {
	struct list_head node; /* in its hash bucket; empty once dead */
	struct neigh_table *tbl;
	struct net_device *dev;
	__be32 key;
	count_t refs; /* the table's one included */
	u8 nud_state; /* enum nud_state */
	u8 kind;      /* enum neigh_kind */
	bool dead;    /* off the table: holders look up again */
	u8 ha[ETH_ALEN];
	/* Ready-made link header behind two bytes of padding, so that 16 bytes are copied; valid while hh_len != 0. */
	u8 hh[16] __aligned(8);
	u8 hh_len;
	u8 probes;    /* requests sent in this INCOMPLETE or PROBE */
	u8 refreshes; /* and in this REACHABLE, before it is over */
	/* A claim that the address moved to cand_ha: the old owner is being asked (defend_timer runs). */
	bool contested;
	u8 cand_ha[ETH_ALEN];
	u64 used_ns; /* last packet of ours; 0: never */
	u64 confirmed_ns;
	u64 born_ns;
	u64 asked_ns; /* last request sent */
	struct timer timer, defend_timer;
	int (*output)(struct neighbour *n, struct sk_buff *skb);
	struct sk_buff_head arp_queue; /* waiting for the address; each holds a counted route */
	u32 arp_queue_bytes;
	u32 reachable_ms; /* how long this REACHABLE lasts: the table's time when it was entered */
};
static_assert(sizeof(struct neighbour) <= 256, "budget: four cache lines");

struct neigh_ops {
	/* Asks who has n->key: @unicast to @lladdr, or everybody when NULL. @skb: the packet that waits, or NULL. */
	void (*solicit)(struct neighbour *n, const struct sk_buff *skb, const u8 *lladdr);
	/* What kind of destination @key is on @dev; fills @ha unless it must be resolved. */
	enum neigh_kind (*classify)(__be32 key, const struct net_device *dev, u8 *ha);
};

struct neigh_stats {
	u64 allocs, destroys, lookups, hits, hh_hits, res_failed, unres_discards, table_fulls,
		evictions;
	u64 conflicts;     /* a claim to another's address that the owner answered */
	u64 own_conflicts; /* somebody uses an address of ours */
	u64 defences;      /* announcements because of that */
	u64 acd_conflicts; /* found by probing */
	u64 rcv_probes_mcast,
		rcv_probes_ucast; /* requests for an address of ours, to all and to us */
	u64 refreshes;            /* unicast requests before REACHABLE was over */
	u64 hash_grows, periodic_gc_runs, forced_gc_runs;
};

/* The address on trial; acd.c. */
struct acd {
	struct net_device *dev; /* NULL: none */
	__be32 addr;
	u8 mode;                  /* enum acd_mode */
	bool waited;              /* for the end of the probes: it is not in use yet */
	u8 announcements, probes; /* still to be sent */
	int result;
	acd_done_fn done; /* is told the result; NULL: nobody */
	void *done_arg;
	struct timer timer;
	struct wait_queue_head wq;
};

struct neigh_table {
	struct net *net;
	const struct neigh_ops *ops;
	struct list_head *bucket;
	u32 shift;    /* of the number of buckets */
	u64 hash_rnd; /* odd */
	u32 entries, max_entries;
	u32 queued_bytes, max_queued_bytes; /* truesize waiting in all entries */
	u64 reachable_ns, rerandom_ns;
	u64 forced_gc_ns; /* last forced run of the collector */
	struct timer gc_timer;
	u64 defended_ns;      /* last defence of an own address; arp.c */
	__be32 defended_addr; /* 0: none yet */
	struct acd acd;
	struct neigh_stats stats;
};

void arp_send(struct net_device *dev, enum arp_op op, __be32 sip, __be32 tip, const u8 *hw,
	      const u8 *tha);
void arp_probe(struct net_device *dev, __be32 addr);
void acd_init(struct acd *a);
void acd_look(struct neigh_table *tbl, const struct net_device *dev, const struct arphdr *arp)
	__needs(softirq_ctx);
void acd_stop(struct neigh_table *tbl, const struct net_device *dev) __needs(softirq_ctx);
void acd_address_changed(struct neigh_table *tbl, const struct net_device *dev)
	__needs(softirq_ctx);
static inline u32 neigh_buckets(const struct neigh_table *tbl)
{
	return 1u << tbl->shift;
}

struct neigh_table *neigh_table_alloc(struct net *net, const struct neigh_ops *ops);
void neigh_table_free(struct neigh_table *tbl);
struct neighbour *neigh_find(struct neigh_table *tbl, __be32 key, const struct net_device *dev)
	__needs(softirq_ctx);
struct neighbour *neigh_create(struct neigh_table *tbl, __be32 key, struct net_device *dev)
	__needs(softirq_ctx);
void neigh_learn(struct neighbour *n, const u8 *lladdr, bool answer) __needs(softirq_ctx);
void neigh_set_permanent(struct neighbour *n, const u8 *lladdr) __needs(softirq_ctx);
void neigh_flush_dev(struct neigh_table *tbl, const struct net_device *dev) __needs(softirq_ctx);
void neigh_reclassify(struct neigh_table *tbl, const struct net_device *dev) __needs(softirq_ctx);
#endif
