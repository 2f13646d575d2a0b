// SPDX-License-Identifier: MIT
/*
 * Neighbours: from a next hop's address to its link address, for any protocol that can ask.
 *
 * Each entry walks the states of RFC 4861 (7.3.2): INCOMPLETE while it is asked for, REACHABLE while it is known to
 * answer, STALE when that knowledge is old, DELAY and PROBE while it is being refreshed without holding up traffic,
 * FAILED when nobody answered. Packets for an unresolved neighbour wait in its queue, bounded in bytes, oldest out.
 * A REACHABLE entry is not overwritten by a claim from the wire: the old owner is asked first, and only its silence for
 * one second lets the new address in (a forged reply changes nothing while the real host lives).
 *
 * Interface: <net/neighbour.h>; neigh.h for the plug-in (arp.c).
 * Above: net/ipv4 (finish_output2, route).  Below: dev_queue_xmit() of net/sched.
 * Context: process with BH off, softirq (receive and timers). Outputs are never called while a chain is walked.
 * Owns: the entries (table: one reference each) and the packets in their queues.
 * Specs: RFC 826; RFC 4861 (7.3); RFC 1122 (2.3.2).
 */
#include "neigh.h"

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/dst.h>
#include <net/sch_generic.h>

static int neigh_resolve_output(struct neighbour *n, struct sk_buff *skb) __needs(softirq_ctx);

/* --- Table ------------------------------------------------------------------------------------------------------ */

/* Multiplication by a secret odd number: an attacker who picks addresses cannot pick buckets. */
static u32 neigh_hash(const struct neigh_table *tbl, __be32 key, const struct net_device *dev)
{
	u64 k = (u64)ntohl(key) | (u64)dev->ifindex << 32;

	k ^= k >> 29;
	return (u32)((k * tbl->hash_rnd) >> (64 - tbl->shift));
}

/**
 * neigh_find() - the entry for @key on @dev.
 * Context: BH off.
 * Return: the entry, without a reference, or NULL.
 */
struct neighbour *neigh_find(struct neigh_table *tbl, __be32 key, const struct net_device *dev)
{
	struct neighbour *n;

	tbl->stats.lookups++;
	list_for_each_entry(n, &tbl->bucket[neigh_hash(tbl, key, dev)], node) {
		if (n->key == key && n->dev == dev) {
			tbl->stats.hits++;
			return n;
		}
	}
	return NULL;
}

/**
 * neigh_release() - gives one reference back.
 * Context: process, softirq. The last reference frees the entry; it is off the table then.
 */
void neigh_release(struct neighbour *n)
{
	if (!count_put(&n->refs))
		return;
	BUG_ON(!n->dead);
	BUG_ON(n->arp_queue.qlen != 0);
	n->tbl->stats.destroys++;
	kfree(n);
}

static void neigh_purge_queue(struct neighbour *n, enum skb_drop_reason reason)
{
	n->tbl->queued_bytes -= n->arp_queue_bytes;
	n->arp_queue_bytes = 0;
	skb_queue_purge_reason(&n->arp_queue, reason);
}

/* Off the table for good: no timer, no packets, no new users. */
static void neigh_remove(struct neighbour *n)
{
	BUG_ON(n->dead);
	list_del_init(&n->node);
	n->tbl->entries--;
	n->dead = true;
	n->hh_len = 0;
	del_timer(&n->timer);
	del_timer(&n->defend_timer);
	neigh_purge_queue(n, SKB_DROP_REASON_NEIGH_DEAD);
	neigh_release(n);
}

/*
 * Makes room: the least useful entry that nobody holds goes. FAILED ones first, then those that we never sent to (learnt
 * from a scan), then the least recently used. Gateways are held by their route, permanent entries stay.
 */
static bool neigh_evict(struct neigh_table *tbl)
{
	struct neighbour *n, *victim = NULL;
	u64 best = UINT64_MAX;

	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry(n, &tbl->bucket[i], node) {
			/* Never used ones sort below every used one, by age. */
			u64 rank = n->used_ns ? n->used_ns | BIT(63) : n->born_ns;

			if (n->refs > 1 || n->nud_state == NUD_PERMANENT)
				continue;
			if (n->nud_state == NUD_FAILED)
				rank = 0;
			if (rank < best) {
				best = rank;
				victim = n;
			}
		}
	}
	if (!victim)
		return false;
	tbl->stats.evictions++;
	neigh_remove(victim);
	return true;
}

/* --- States ------------------------------------------------------------------------------------------------------ */

static void neigh_build_hh(struct neighbour *n)
{
	struct ethhdr *eth = (struct ethhdr *)(void *)(n->hh + 2);

	n->hh_len = 0;
	if (!n->dev->header_ops || n->dev->hard_header_len != ETH_HLEN)
		return;
	memset(n->hh, 0, sizeof(n->hh));
	memcpy(eth->h_dest, n->ha, ETH_ALEN);
	memcpy(eth->h_source, n->dev->dev_addr, ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	n->hh_len = ETH_HLEN;
}

/* What has waited goes out, in order, each through the output of this moment. */
static void neigh_flush_queue(struct neighbour *n) __needs(softirq_ctx)
{
	struct sk_buff *skb;

	count_add(&n->refs, 1);
	while (!n->dead && (n->nud_state & NUD_VALID) && (skb = skb_dequeue(&n->arp_queue))) {
		n->arp_queue_bytes -= skb->truesize;
		n->tbl->queued_bytes -= skb->truesize;
		trace_at_skb(neigh_flushed, skb, n->arp_queue.qlen);
		(void)neigh_output(n, skb);
	}
	neigh_release(n);
}

static void neigh_solicit(struct neighbour *n, const u8 *lladdr)
{
	n->probes++;
	trace_at(neigh_solicit, n->arp_queue.qlen, n->probes, NULL);
	n->asked_ns = ktime_get_ns();
	n->tbl->ops->solicit(n, skb_peek(&n->arp_queue), lladdr);
}

/* Nobody answered: everyone who waits is told through his route, and the next packet starts anew. */
static void neigh_fail(struct neighbour *n) __needs(softirq_ctx)
{
	struct sk_buff *skb;

	count_add(&n->refs, 1);
	n->nud_state = NUD_FAILED;
	n->tbl->stats.res_failed++;
	while ((skb = skb_dequeue(&n->arp_queue))) {
		struct dst_entry *dst = skb_dst(skb);

		n->arp_queue_bytes -= skb->truesize;
		n->tbl->queued_bytes -= skb->truesize;
		if (dst && dst->ops->link_failure)
			dst->ops->link_failure(skb);
		kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_FAILED);
	}
	neigh_release(n);
}

static void neigh_set_reachable(struct neighbour *n, u64 now)
{
	n->nud_state = NUD_REACHABLE;
	n->confirmed_ns = now;
	n->refreshes = 0;
	n->reachable_ms = (u32)(n->tbl->reachable_ns / NSEC_PER_MSEC);
	mod_timer(&n->timer, now + n->tbl->reachable_ns / 5 * 4);
}

static void neigh_enter_probe(struct neighbour *n, u64 now)
{
	n->nud_state = NUD_PROBE;
	n->probes = 0;
	neigh_solicit(n, n->ha);
	mod_timer(&n->timer, now + NEIGH_RETRANS_NS);
}

/*
 * REACHABLE grows old. At four fifths of its time an entry that is in use is asked again, by unicast and without leaving
 * REACHABLE, so that no packet ever meets a doubtful one while its host answers.
 */
static void neigh_reachable_over(struct neighbour *n, u64 now)
{
	u64 reachable_ns = n->reachable_ms * NSEC_PER_MSEC;
	u64 end = n->confirmed_ns + reachable_ns;
	u64 refresh = n->confirmed_ns + reachable_ns / 5 * 4;

	if (now < refresh) { /* confirmed since the timer was set */
		n->refreshes = 0;
		mod_timer(&n->timer, refresh);
	} else if (now < end && n->used_ns > n->confirmed_ns && n->refreshes < NEIGH_PROBES) {
		n->refreshes++;
		n->tbl->stats.refreshes++;
		n->asked_ns = now;
		mod_timer(&n->timer, min(now + NEIGH_RETRANS_NS, end));
		n->tbl->ops->solicit(n, NULL, n->ha);
	} else if (now < end) {
		mod_timer(&n->timer, end);
	} else if (n->used_ns && now <= n->used_ns + NEIGH_DELAY_NS) {
		n->nud_state = NUD_DELAY;
		mod_timer(&n->timer, now + NEIGH_DELAY_NS);
	} else {
		n->nud_state = NUD_STALE;
	}
}

static void neigh_timer(struct timer *t) __needs(softirq_ctx)
{
	struct neighbour *n = container_of(t, struct neighbour, timer);
	u64 now = ktime_get_ns();

	BUG_ON(n->dead);
	switch (n->nud_state) {
	case NUD_REACHABLE:
		neigh_reachable_over(n, now);
		break;
	case NUD_DELAY:
		if (now <= n->confirmed_ns + NEIGH_DELAY_NS)
			neigh_set_reachable(n, now);
		else
			neigh_enter_probe(n, now);
		break;
	case NUD_INCOMPLETE:
	case NUD_PROBE:
		if (n->probes >= NEIGH_PROBES) {
			neigh_fail(n);
			break;
		}
		mod_timer(t, now + NEIGH_RETRANS_NS);
		neigh_solicit(n, n->nud_state == NUD_PROBE ? n->ha : NULL);
		break;
	default:
		break;
	}
}

/* Takes a link address over and lets waiting packets go. */
static void neigh_accept(struct neighbour *n, const u8 *lladdr, bool answer) __needs(softirq_ctx)
{
	u64 now = ktime_get_ns();

	memcpy(n->ha, lladdr, ETH_ALEN);
	n->contested = false;
	del_timer(&n->defend_timer);
	neigh_build_hh(n);
	if (answer) {
		neigh_set_reachable(n, now);
	} else {
		n->nud_state = NUD_STALE;
		del_timer(&n->timer);
	}
	neigh_flush_queue(n);
}

/* The old owner kept silent for a second: the address has moved. */
static void neigh_defend_over(struct timer *t) __needs(softirq_ctx)
{
	struct neighbour *n = container_of(t, struct neighbour, defend_timer);

	BUG_ON(n->dead || !n->contested);
	neigh_accept(n, n->cand_ha, false);
}

/* Another link address claims a neighbour that is known to answer: ask the known one. At most one question per second. */
static void neigh_contest(struct neighbour *n, const u8 *lladdr)
{
	u64 now = ktime_get_ns();

	if (n->contested || (n->asked_ns && now < n->asked_ns + NEIGH_RETRANS_NS))
		return;
	n->contested = true;
	memcpy(n->cand_ha, lladdr, ETH_ALEN);
	mod_timer(&n->defend_timer, now + NEIGH_DEFEND_NS);
	n->asked_ns = now;
	n->tbl->ops->solicit(n, NULL, n->ha);
}

/**
 * neigh_learn() - a packet says that @n has link address @lladdr.
 * @answer: it was an answer addressed to us, so the path works both ways.
 *
 * FIXED states (NOARP, PERMANENT) learn nothing. A changed address is taken at once while the entry is in doubt
 * (INCOMPLETE, STALE, PROBE, FAILED), and contested while it is REACHABLE or DELAY.
 * Context: softirq; sends what waited.
 */
void neigh_learn(struct neighbour *n, const u8 *lladdr, bool answer)
{
	bool same = ether_addr_equal(n->ha, lladdr);

	if (n->nud_state & (NUD_NOARP | NUD_PERMANENT))
		return;
	if (!(n->nud_state & (NUD_REACHABLE | NUD_DELAY))) {
		/* News that is no answer must not end a PROBE of the address it repeats. */
		if (answer || !same || !(n->nud_state & NUD_VALID))
			neigh_accept(n, lladdr, answer);
		return;
	}
	if (!same) {
		neigh_contest(n, lladdr);
		return;
	}
	if (!answer)
		return;
	if (n->contested) {
		n->contested = false;
		del_timer(&n->defend_timer);
		n->tbl->stats.conflicts++;
		pr_warn_ratelimited(
			"arp: %s: %pI4 is at %pM and answers; ignored the claim of %pM\n",
			n->dev->name, &n->key, n->ha, n->cand_ha);
	}
	neigh_set_reachable(n, ktime_get_ns());
}

/**
 * neigh_set_permanent() - fixes the link address for ever.
 * Context: BH off.
 */
void neigh_set_permanent(struct neighbour *n, const u8 *lladdr)
{
	memcpy(n->ha, lladdr, ETH_ALEN);
	n->nud_state = NUD_PERMANENT;
	n->contested = false;
	del_timer(&n->timer);
	del_timer(&n->defend_timer);
	neigh_build_hh(n);
	neigh_flush_queue(n);
}

/* --- Collection --------------------------------------------------------------------------------------------------- */

/* What nobody resolves (NOARP, PERMANENT) is never stale: it goes when the table is full, or with its device. */
static bool neigh_ages(const struct neighbour *n)
{
	return !(n->nud_state & (NUD_NOARP | NUD_PERMANENT));
}

static bool neigh_is_garbage(const struct neighbour *n, u64 now, u64 stale_ns)
{
	u64 last = max(n->used_ns, n->confirmed_ns);

	if (n->refs > 1)
		return false;
	if (n->nud_state == NUD_FAILED)
		return true;
	if (n->nud_state & (NUD_PERMANENT | NUD_INCOMPLETE | NUD_REACHABLE | NUD_DELAY | NUD_PROBE))
		return false;
	last = max(last, n->born_ns);
	return now > last + stale_ns;
}

/* Takes what nobody needs; how many entries are left that age. */
static u32 neigh_collect(struct neigh_table *tbl, u64 now, u64 stale_ns)
{
	struct neighbour *n, *next;
	u32 left = 0;

	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry_safe(n, next, &tbl->bucket[i], node) {
			if (neigh_is_garbage(n, now, stale_ns))
				neigh_remove(n);
			else if (neigh_ages(n))
				left++;
		}
	}
	return left;
}

/* --- Creation ---------------------------------------------------------------------------------------------------- */

/* Devices without a link header: nothing to resolve, nothing to prepend. */
static int neigh_direct_output(struct neighbour *n, struct sk_buff *skb)
{
	(void)n;
	return dev_queue_xmit(skb);
}

static void neigh_construct(struct neighbour *n)
{
	n->kind = (u8)n->tbl->ops->classify(n->key, n->dev, n->ha);
	n->output = n->dev->header_ops ? neigh_resolve_output : neigh_direct_output;
	n->nud_state = n->kind == NEIGH_RESOLVE ? NUD_NONE : NUD_NOARP;
	if (n->nud_state == NUD_NOARP)
		neigh_build_hh(n);
}

/* Twice the buckets when there are more entries than buckets. Without memory the chains are longer, that is all. */
static void neigh_hash_grow(struct neigh_table *tbl)
{
	u32 old = neigh_buckets(tbl), new = 2 * old;
	struct list_head *bucket, *from = tbl->bucket;
	struct neighbour *n, *next;

	if (tbl->entries <= old || tbl->shift == NEIGH_MAX_SHIFT)
		return;
	bucket = kmalloc(new * sizeof(*bucket));
	if (!bucket)
		return;
	for (u32 i = 0; i < new; i++)
		INIT_LIST_HEAD(&bucket[i]);
	tbl->bucket = bucket;
	tbl->shift++;
	for (u32 i = 0; i < old; i++) {
		list_for_each_entry_safe(n, next, &from[i], node) {
			list_del_init(&n->node);
			list_add_tail(&n->node, &bucket[neigh_hash(tbl, n->key, n->dev)]);
		}
	}
	kfree(from);
	tbl->stats.hash_grows++;
}

/* Room for one more entry; false: all that are there must stay. */
static bool neigh_make_way(struct neigh_table *tbl, u64 now)
{
	if (tbl->entries >= tbl->max_entries / 2 && now >= tbl->forced_gc_ns + NEIGH_FORCED_GC_NS) {
		tbl->forced_gc_ns = now;
		tbl->stats.forced_gc_runs++;
		(void)neigh_collect(tbl, now, NEIGH_FORCED_STALE_NS);
	}
	return tbl->entries < tbl->max_entries || neigh_evict(tbl);
}

/**
 * neigh_create() - a new entry for @key on @dev; there is none yet.
 * Context: BH off.
 * Return: the entry, without a reference for the caller; ERR_PTR(-EINVAL) the device is down, ERR_PTR(-ENOBUFS) the table
 * is full of entries that must stay, ERR_PTR(-ENOMEM).
 */
struct neighbour *neigh_create(struct neigh_table *tbl, __be32 key, struct net_device *dev)
{
	struct neighbour *n;

	if (!netif_running(dev))
		return ERR_PTR(-EINVAL);
	if (!neigh_make_way(tbl, ktime_get_ns())) {
		tbl->stats.table_fulls++;
		pr_warn_ratelimited("arp: neighbour table overflow (%u entries)\n", tbl->entries);
		return ERR_PTR(-ENOBUFS);
	}
	n = kzalloc(sizeof(*n));
	if (!n)
		return ERR_PTR(-ENOMEM);
	n->tbl = tbl;
	n->dev = dev;
	n->key = key;
	count_set(&n->refs, 1);
	n->born_ns = ktime_get_ns();
	skb_queue_head_init(&n->arp_queue);
	timer_setup(&n->timer, neigh_timer);
	timer_setup(&n->defend_timer, neigh_defend_over);
	neigh_construct(n);
	list_add(&n->node, &tbl->bucket[neigh_hash(tbl, key, dev)]);
	tbl->entries++;
	tbl->stats.allocs++;
	neigh_hash_grow(tbl);
	if (neigh_ages(n) && !timer_pending(&tbl->gc_timer))
		mod_timer(&tbl->gc_timer, n->born_ns + NEIGH_GC_INTERVAL_NS);
	return n;
}

/**
 * neigh_lookup_create() - the entry for @key on @dev, made if there is none.
 * Context: process, softirq.
 * Return: the entry with a reference for the caller (neigh_release()); ERR_PTR(-EINVAL), ERR_PTR(-ENOBUFS),
 * ERR_PTR(-ENOMEM) as neigh_create().
 */
struct neighbour *neigh_lookup_create(struct net *net, __be32 key, struct net_device *dev)
{
	struct neigh_table *tbl = net->arp_tbl;
	struct neighbour *n;

	local_bh_disable();
	n = neigh_find(tbl, key, dev);
	if (!n)
		n = neigh_create(tbl, key, dev);
	if (!IS_ERR(n))
		count_add(&n->refs, 1);
	local_bh_enable();
	return n;
}

/**
 * neigh_add_permanent() - enters "neigh=IP=MAC" of the command line.
 * Context: process.
 * Return: 0; -EINVAL the device is down or @lladdr is no unicast address; -ENOBUFS, -ENOMEM.
 */
int neigh_add_permanent(struct net *net, __be32 key, struct net_device *dev, const u8 *lladdr)
{
	struct neighbour *n;

	if (is_multicast_ether_addr(lladdr) || is_zero_ether_addr(lladdr))
		return -EINVAL;
	n = neigh_lookup_create(net, key, dev);
	if (IS_ERR(n))
		return (int)PTR_ERR(n);
	local_bh_disable();
	neigh_set_permanent(n, lladdr);
	local_bh_enable();
	neigh_release(n);
	return 0;
}

/**
 * neigh_confirm() - an upper layer saw progress that only a working path explains.
 * Context: BH off.
 */
void neigh_confirm(struct net *net, __be32 key, struct net_device *dev)
{
	struct neighbour *n = neigh_find(net->arp_tbl, key, dev);
	u64 now;

	if (!n || !(n->nud_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)))
		return;
	now = ktime_get_ns();
	if (n->nud_state == NUD_REACHABLE)
		n->confirmed_ns = now; /* the timer looks again when it fires */
	else
		neigh_set_reachable(n, now);
}

/* --- Output ------------------------------------------------------------------------------------------------------- */

/* Room for one more waiting packet: the oldest of this neighbour go. */
static void neigh_make_room(struct neighbour *n, u32 truesize)
{
	struct neigh_table *tbl = n->tbl;

	while (n->arp_queue.qlen && (n->arp_queue_bytes + truesize > NEIGH_UNRES_BYTES ||
				     tbl->queued_bytes + truesize > tbl->max_queued_bytes)) {
		struct sk_buff *old = skb_dequeue(&n->arp_queue);

		n->arp_queue_bytes -= old->truesize;
		tbl->queued_bytes -= old->truesize;
		tbl->stats.unres_discards++;
		kfree_skb_reason(old, SKB_DROP_REASON_NEIGH_QUEUEFULL);
	}
}

static void neigh_enqueue(struct neighbour *n, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct neigh_table *tbl = n->tbl;

	neigh_make_room(n, skb->truesize);
	if (tbl->queued_bytes + skb->truesize > tbl->max_queued_bytes) {
		tbl->stats.unres_discards++;
		kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_QUEUEFULL);
		return;
	}
	skb_dst_force(skb);
	n->arp_queue_bytes += skb->truesize;
	tbl->queued_bytes += skb->truesize;
	skb_queue_tail(&n->arp_queue, skb);
	trace_at_skb(neigh_queued, skb, n->arp_queue.qlen);
}

/*
 * The packet as an event of the state machine. True: it may be sent now with the address at hand. False: it waits in
 * the queue (or was dropped there).
 */
static bool neigh_event_send(struct neighbour *n, struct sk_buff *skb, u64 now) __needs(softirq_ctx)
{
	if (n->nud_state & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE))
		return true;
	if (n->nud_state == NUD_STALE) {
		n->nud_state = NUD_DELAY;
		mod_timer(&n->timer, now + NEIGH_DELAY_NS);
		return true;
	}
	if (n->nud_state == NUD_INCOMPLETE) {
		neigh_enqueue(n, skb);
		return false;
	}
	BUG_ON(n->nud_state != NUD_NONE && n->nud_state != NUD_FAILED);
	n->nud_state = NUD_INCOMPLETE;
	n->probes = 0;
	neigh_enqueue(n, skb);
	mod_timer(&n->timer, now + NEIGH_RETRANS_NS);
	/* Asked within the last second (and answered by none): the timer asks when the second is over. RFC 1122 (2.3.2.1) */
	if (n->asked_ns && now < n->asked_ns + NEIGH_RETRANS_NS)
		mod_timer(&n->timer, n->asked_ns + NEIGH_RETRANS_NS);
	else
		neigh_solicit(n, NULL);
	return false;
}

/* The long way: state machine, then a header built field by field. */
static int neigh_resolve_output(struct neighbour *n, struct sk_buff *skb) __needs(softirq_ctx)
{
	if (!neigh_event_send(n, skb, n->used_ns))
		return 0;
	if (n->dev->header_ops->create(skb, n->dev, ETH_P_IP, n->ha, NULL) < 0) {
		kfree_skb_reason(skb, SKB_DROP_REASON_DEV_HDR);
		return -EINVAL;
	}
	return dev_queue_xmit(skb);
}

/* The short way: the ready-made header, 16 bytes in one go when there is room for its padding too. */
static int neigh_hh_output(struct neighbour *n, struct sk_buff *skb)
{
	u32 room = skb_headroom(skb);

	n->tbl->stats.hh_hits++;
	skb_push(skb, ETH_HLEN);
	if (likely(room >= sizeof(n->hh)))
		__builtin_memcpy(skb->data - 2, n->hh, sizeof(n->hh));
	else
		memcpy(skb->data, n->hh + 2, ETH_HLEN);
	return dev_queue_xmit(skb);
}

/**
 * neigh_output() - sends @skb to neighbour @n, or parks it until the address is known.
 *
 * data stands at the network header and there is headroom for the link header (ip_finish_output2() sees to it).
 * Context: BH off. Consumes @skb. A parked packet holds its route counted.
 * Return: 0 sent or parked; NET_XMIT_DROP, NET_XMIT_CN, -ENETDOWN, -ENOMEM of dev_queue_xmit(); -EINVAL no header could be
 * built or the entry is dead.
 */
int neigh_output(struct neighbour *n, struct sk_buff *skb)
{
	BUG_ON(!in_bh());
	trace_fn_skb(neigh_output, skb, n->arp_queue.qlen);
	skb_enter(skb, SKB_STAGE_NEIGH);
	if (unlikely(n->dead)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_DEAD);
		return -EINVAL;
	}
	n->used_ns = ktime_get_ns();
	if (likely((n->nud_state & NUD_CONNECTED) && n->hh_len))
		return neigh_hh_output(n, skb);
	return n->output(n, skb);
}

/* --- Housekeeping -------------------------------------------------------------------------------------------------- */

static void neigh_randomise(struct neigh_table *tbl, u64 now)
{
	u32 half_ms = NEIGH_BASE_REACHABLE_S * 500;

	tbl->reachable_ns = (u64)(half_ms + get_random_below(2 * half_ms + 1)) * NSEC_PER_MSEC;
	tbl->rerandom_ns = now + NEIGH_RERANDOM_NS;
}

static void neigh_gc(struct timer *t)
{
	struct neigh_table *tbl = container_of(t, struct neigh_table, gc_timer);
	u64 now = ktime_get_ns();

	tbl->stats.periodic_gc_runs++;
	if (now >= tbl->rerandom_ns)
		neigh_randomise(tbl, now);
	/* Tickless: a table in which nothing ages needs no collector; neigh_create() starts it again. */
	if (neigh_collect(tbl, now, NEIGH_GC_STALE_NS))
		mod_timer(t, now + NEIGH_GC_INTERVAL_NS);
}

/**
 * neigh_flush_dev() - the device went down: its entries go, waiting packets are dropped (NEIGH_DEAD).
 * Context: BH off.
 */
void neigh_flush_dev(struct neigh_table *tbl, const struct net_device *dev)
{
	struct neighbour *n, *next;

	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry_safe(n, next, &tbl->bucket[i], node) {
			if (n->dev == dev)
				neigh_remove(n);
		}
	}
}

/* As if just made: nothing is known, nobody is asked. */
static void neigh_reset(struct neighbour *n)
{
	del_timer(&n->timer);
	del_timer(&n->defend_timer);
	neigh_purge_queue(n, SKB_DROP_REASON_NEIGH_DEAD);
	n->nud_state = NUD_NONE;
	n->contested = false;
	n->hh_len = 0;
	n->used_ns = 0;
}

/**
 * neigh_flush() - every entry that was learned is forgotten, waiting packets are dropped (NEIGH_DEAD); permanent ones stay.
 *
 * A gateway's entry, which its route holds, stays in the table and is empty.
 * Context: process.
 */
void neigh_flush(struct net *net)
{
	struct neigh_table *tbl = net->arp_tbl;
	struct neighbour *n, *next;

	local_bh_disable();
	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry_safe(n, next, &tbl->bucket[i], node) {
			if (!neigh_ages(n))
				continue;
			if (n->refs > 1)
				neigh_reset(n);
			else
				neigh_remove(n);
		}
	}
	local_bh_enable();
}

/**
 * neigh_reclassify() - an address of @dev changed: entries that now mean something else (a subnet broadcast, say) go.
 * Context: BH off.
 */
void neigh_reclassify(struct neigh_table *tbl, const struct net_device *dev)
{
	struct neighbour *n, *next;
	u8 ha[ETH_ALEN];

	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry_safe(n, next, &tbl->bucket[i], node) {
			if (n->dev == dev && n->nud_state != NUD_PERMANENT &&
			    n->kind != (u8)tbl->ops->classify(n->key, dev, ha))
				neigh_remove(n);
		}
	}
}

/**
 * neigh_table_alloc() - an empty table that asks through @ops.
 * Context: process.
 * Return: the table (caller owns it: neigh_table_free()), NULL without memory.
 */
struct neigh_table *neigh_table_alloc(struct net *net, const struct neigh_ops *ops)
{
	struct neigh_table *tbl = kzalloc(sizeof(*tbl));
	u64 bytes = pages_total() * 4096;

	if (!tbl)
		return NULL;
	tbl->shift = NEIGH_MIN_SHIFT;
	tbl->bucket = kmalloc(neigh_buckets(tbl) * sizeof(*tbl->bucket));
	if (!tbl->bucket) {
		kfree(tbl);
		return NULL;
	}
	tbl->net = net;
	tbl->ops = ops;
	tbl->hash_rnd = get_random_u64() | 1;
	tbl->max_entries = bytes < (16u << 20) ? NEIGH_MAX_SMALL : NEIGH_MAX;
	tbl->max_queued_bytes = (u32)min_t(u64, bytes / 16, 1u << 30);
	for (u32 i = 0; i < neigh_buckets(tbl); i++)
		INIT_LIST_HEAD(&tbl->bucket[i]);
	timer_setup(&tbl->gc_timer, neigh_gc);
	acd_init(&tbl->acd);
	neigh_randomise(tbl, ktime_get_ns());
	return tbl;
}

/**
 * neigh_table_free() - empties the table and frees it. Nobody may hold an entry any more.
 * Context: process.
 */
void neigh_table_free(struct neigh_table *tbl)
{
	struct neighbour *n, *next;

	if (!tbl)
		return;
	local_bh_disable();
	del_timer(&tbl->gc_timer);
	for (u32 i = 0; i < neigh_buckets(tbl); i++) {
		list_for_each_entry_safe(n, next, &tbl->bucket[i], node) {
			BUG_ON(n->refs != 1);
			neigh_remove(n);
		}
	}
	local_bh_enable();
	BUG_ON(tbl->acd.dev); /* devices are gone */
	BUG_ON(tbl->entries != 0 || tbl->queued_bytes != 0);
	kfree(tbl->bucket);
	kfree(tbl);
}

/**
 * neigh_stat_show() - counters of the table as "name value" lines. Context: process. arg: struct net.
 */
void neigh_stat_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct neigh_table *tbl = net->arp_tbl;
	const struct neigh_stats *s = &tbl->stats;

	seq_printf(m, "entries %u\nqueued_bytes %u\n", tbl->entries, tbl->queued_bytes);
	seq_printf(m, "allocs %lu\ndestroys %lu\nlookups %lu\nhits %lu\nhh_hits %lu\n", s->allocs,
		   s->destroys, s->lookups, s->hits, s->hh_hits);
	seq_printf(m, "res_failed %lu\nunres_discards %lu\ntable_fulls %lu\nevictions %lu\n",
		   s->res_failed, s->unres_discards, s->table_fulls, s->evictions);
	seq_printf(m, "conflicts %lu\nown_conflicts %lu\ndefences %lu\nacd_conflicts %lu\n",
		   s->conflicts, s->own_conflicts, s->defences, s->acd_conflicts);
	seq_printf(m, "rcv_probes_mcast %lu\nrcv_probes_ucast %lu\nrefreshes %lu\n",
		   s->rcv_probes_mcast, s->rcv_probes_ucast, s->refreshes);
	seq_printf(m, "hash_grows %lu\nperiodic_gc_runs %lu\nforced_gc_runs %lu\n", s->hash_grows,
		   s->periodic_gc_runs, s->forced_gc_runs);
}

/**
 * neigh_cache_show() - /proc/net/stat/arp_cache: Linux's columns, hexadecimal, one line for the one CPU. Context: process. arg:
 * struct net.
 */
void neigh_cache_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct neigh_stats *s = &net->arp_tbl->stats;

	seq_puts(m, "entries  allocs   destroys hash_grows lookups  hits     res_failed "
		    "rcv_probes_mcast rcv_probes_ucast periodic_gc_runs forced_gc_runs "
		    "unresolved_discards table_fulls\n");
	seq_printf(m, "%08x %08lx %08lx %08lx   %08lx %08lx %08lx   %08lx         %08lx         ",
		   net->arp_tbl->entries, s->allocs, s->destroys, s->hash_grows, s->lookups,
		   s->hits, s->res_failed, s->rcv_probes_mcast, s->rcv_probes_ucast);
	seq_printf(m, "%08lx         %08lx       %08lx            %08lx\n", s->periodic_gc_runs,
		   s->forced_gc_runs, s->unres_discards, s->table_fulls);
}
