// SPDX-License-Identifier: MIT
/*
 * Reassembly: fragments wait here until their datagram is whole. Strangers fill this room, so everything in it is bounded:
 *
 *   64 datagrams, 8 of them from one source, 64 fragments of one datagram, 256 KiB of buffers in all, 30 s of waiting. What comes
 *   beyond drives the oldest out; the hash is keyed and by source, so that nobody makes a bucket longer than his own eight entries.
 *   Bytes and time can be set (net.ipv4.ipfrag_*). Whose source sent 64 other fragments since is given up as well: by then
 *   identifications may have come round, and what is new must not be joined with what is old (RFC 4963).
 *
 * A datagram is joined without a copy: its fragments, in order, become the frag_list of the first one. Fragments that contradict
 * each other (overlap, two different ends, beyond 65535 bytes) give the whole datagram up: whichever bytes were chosen, a filter on the
 * way may have seen the others. Only an exact duplicate is ignored, as networks duplicate.
 *
 * Interface: ip_defrag(), ip_frag_init(), ip_frag_exit() (ipv4.h); ip_frag_sysctl_set(), ip_frag_sysctl_get(),
 * ip_frag_flush() (<net/ip.h>).
 * Above: ip_input.c, net/init.c.  Below: icmp.c (time exceeded), skbuff.c, timers.
 * Context: softirq, or BH off; init and exit process.
 * Owns: the fragments, from ip_defrag() on, till their datagram is whole or given up. net->frag counts them.
 * Counters: ReasmReqds per fragment; ReasmOKs per datagram; ReasmFails per datagram given up or fragment refused, ReasmTimeout and
 * ReasmOverlaps when that was why.
 * Specs: RFC 791 (3.2); RFC 815; RFC 1122 (3.3.2); RFC 1858, RFC 3128 (tiny and overlapping fragments); RFC 3168 (5.3); RFC 4963; RFC 5722;
 * Linux ip-sysctl.rst (ipfrag_*).
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/icmp.h>

#define FRAG_PER_SOURCE 8u
#define FRAG_PER_QUEUE  64u
#define FRAG_MEMORY     (256u * 1024)
#define FRAG_TIME_S     30u
#define TCP_FIRST_MIN   16u /* RFC 1858, 3.2.1 */
#define FRAG_MAX_DIST   64u
#define FRAG_MEMORY_MAX (64u << 20)

/* In cb of a fragment here: where its payload belongs. */
struct frag_cb {
	u32 offset, end;
};

static struct frag_cb *frag_cb(const struct sk_buff *skb)
{
	_Static_assert(sizeof(struct frag_cb) <= sizeof(skb->cb), "cb");
	return (struct frag_cb *)(void *)(uintptr_t)skb->cb;
}

/* --- The life of a queue -------------------------------------------------------------------------------------------------- */

/* Forgets the datagram; its fragments are somebody else's by now. */
static void ipq_release(struct ipq *q)
{
	struct net *net = q->all->net;

	BUG_ON(!skb_queue_empty(&q->fragments));
	BUG_ON(net->frag.queues == 0 || net->frag.truesize < q->truesize);
	net->frag.truesize -= q->truesize;
	net->frag.queues--;
	del_timer(&q->timer);
	list_del_init(&q->node);
	list_del_init(&q->age);
	list_add_tail(&q->age, &q->all->spare);
}

/* Gives the datagram up, for @reason. */
static void ipq_kill(struct ipq *q, enum skb_drop_reason reason)
{
	struct net *net = q->all->net;

	IP_INC_STATS(net, ReasmFails);
	net->frag.packets -= q->fragments.qlen;
	skb_queue_purge_reason(&q->fragments, reason);
	ipq_release(q);
}

/*
 * 30 s are over. The sender hears of it if the first fragment is here: only that one says, in the quotation, what it was about
 * (RFC 792, RFC 1122 3.3.2).
 */
static void ipq_expire(struct timer *t) __needs(softirq_ctx)
{
	struct ipq *q = container_of(t, struct ipq, timer);
	struct sk_buff *first = skb_peek(&q->fragments);

	BUG_ON(!first);
	trace_at_skb(ip_expire, first, q->fragments.qlen);
	IP_INC_STATS(q->all->net, ReasmTimeout);
	if (frag_cb(first)->offset == 0)
		icmp_send(first, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, 0);
	ipq_kill(q, SKB_DROP_REASON_FRAG_REASM_TIMEOUT);
}

static bool key_equal(const struct frag_key *a, const struct frag_key *b)
{
	return a->id == b->id && a->saddr == b->saddr && a->daddr == b->daddr &&
	       a->protocol == b->protocol && a->ifindex == b->ifindex;
}

static struct ipq *ipq_create(struct ip_frags *all, struct list_head *bucket,
			      const struct frag_key *key)
{
	struct ipq *q;

	if (list_empty(&all->spare))
		ipq_kill(list_first_entry(&all->live, struct ipq, age),
			 SKB_DROP_REASON_IP_FRAG_EVICTED);
	q = list_first_entry(&all->spare, struct ipq, age);
	list_del_init(&q->age);
	q->key = *key;
	q->meat = 0;
	q->len = 0;
	q->more_end = 0;
	q->truesize = 0;
	q->ecn_seen = 0;
	q->others = 0;
	q->last_in = false;
	list_add(&q->node, bucket);
	list_add_tail(&q->age, &all->live);
	all->net->frag.queues++;
	mod_timer(&q->timer, ktime_get_ns() + all->time_s * NSEC_PER_SEC);
	return q;
}

/* So many others came from its source since its last fragment that the next one may be of another datagram. */
static bool ipq_too_far(const struct ipq *q)
{
	return q->all->max_dist && q->others >= q->all->max_dist;
}

/* The queue of @key, made if need be: then the oldest of a source that has its share makes room. */
static struct ipq *ipq_find(struct ip_frags *all, const struct frag_key *key)
{
	u64 hash = siphash(&key->saddr, sizeof(key->saddr), &all->net->hash_key);
	struct list_head *bucket = &all->bucket[hash % FRAG_BUCKETS];
	struct ipq *q, *oldest = NULL, *found = NULL;
	u32 same = 0;

	list_for_each_entry(q, bucket, node) {
		if (q->key.saddr != key->saddr)
			continue;
		if (key_equal(&q->key, key)) {
			found = q;
			continue;
		}
		q->others++;
		oldest = q;
		same++;
	}
	if (found && !ipq_too_far(found)) {
		found->others = 0;
		return found;
	}
	if (found)
		ipq_kill(found, SKB_DROP_REASON_FRAG_TOO_FAR);
	else if (same >= FRAG_PER_SOURCE)
		ipq_kill(oldest, SKB_DROP_REASON_IP_FRAG_EVICTED);
	return ipq_create(all, bucket, key);
}

/* --- One more fragment -------------------------------------------------------------------------------------------------------- */

/* Does it agree with what is known of the datagram's end? NR_DROP_REASONS: yes. */
static enum skb_drop_reason ipq_check_end(struct ipq *q, const struct frag_cb *f, bool more)
{
	if (f->end > IP_MAX_MTU - sizeof(struct iphdr))
		return SKB_DROP_REASON_IP_FRAG_INVALID; /* the ping of death */
	if (more && q->last_in && f->end >= q->len)
		return SKB_DROP_REASON_IP_FRAG_OVERLAP;
	if (!more && (f->end <= q->more_end || (q->last_in && f->end != q->len)))
		return SKB_DROP_REASON_IP_FRAG_OVERLAP;
	return NR_DROP_REASONS;
}

/*
 * Its place, searched from the end, where it belongs when nothing was reordered; at most FRAG_PER_QUEUE steps. The fragment after which
 * to put it (the queue itself: first) in *@prev. NR_DROP_REASONS: it fits.
 */
static enum skb_drop_reason ipq_place(struct ipq *q, const struct frag_cb *f, struct sk_buff **prev)
{
	struct sk_buff *head = (struct sk_buff *)(void *)&q->fragments, *p = q->fragments.prev;
	const struct frag_cb *other;

	while (p != head && frag_cb(p)->offset > f->offset)
		p = p->prev;
	*prev = p;
	if (p != head) {
		other = frag_cb(p);
		if (other->offset == f->offset && other->end == f->end)
			return SKB_DROP_REASON_DUP_FRAG;
		if (other->end > f->offset)
			return SKB_DROP_REASON_IP_FRAG_OVERLAP;
	}
	if (p->next != head && frag_cb(p->next)->offset < f->end)
		return SKB_DROP_REASON_IP_FRAG_OVERLAP;
	return NR_DROP_REASONS;
}

static void ipq_insert(struct ipq *q, struct sk_buff *prev, struct sk_buff *skb, bool more)
{
	const struct frag_cb *f = frag_cb(skb);
	struct net *net = q->all->net;

	if (more) {
		q->more_end = max(q->more_end, f->end);
	} else {
		q->last_in = true;
		q->len = f->end;
	}
	q->ecn_seen |= (u8)(1u << (ip_hdr(skb)->tos & 3));
	q->meat += f->end - f->offset;
	q->truesize += skb->truesize;
	net->frag.truesize += skb->truesize;
	net->frag.packets++;
	if (f->offset)
		skb_pull(skb, ip_hdrlen(ip_hdr(skb)));
	skb_enter(skb, SKB_STAGE_REASSEMBLY);
	skb_queue_after(&q->fragments, prev, skb);
	trace_at_skb(ip_frag_queue, skb, q->fragments.qlen);
}

/*
 * Makes room for @truesize bytes: above high_thresh the oldest go until no more than low_thresh is left. false: @q itself was the
 * oldest, and is gone.
 */
static bool frag_make_room(struct ipq *q, u32 truesize)
{
	struct ip_frags *all = q->all;
	const struct net *net = all->net;

	if (net->frag.truesize + truesize <= all->high_thresh)
		return true;
	while (net->frag.truesize + truesize > all->low_thresh) {
		struct ipq *oldest = list_first_entry(&all->live, struct ipq, age);

		ipq_kill(oldest, SKB_DROP_REASON_IP_FRAG_EVICTED);
		if (oldest == q)
			return false;
	}
	return true;
}

/*
 * A fragment whose own header is wrong, or one that is made to lead a filter astray: a first piece without TCP's flags, a second one
 * that begins inside TCP's header (RFC 1858, 3; RFC 3128). Sets its place in the datagram.
 */
static bool frag_is_sane(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 len = skb->len - ip_hdrlen(iph);
	struct frag_cb *f = frag_cb(skb);

	f->offset = (ntohs(iph->frag_off) & IP_OFFSET) * 8u;
	f->end = f->offset + len;
	if (!len)
		return false;
	if (iph->protocol == IPPROTO_TCP && (f->offset == 8 || (!f->offset && len < TCP_FIRST_MIN)))
		return false;
	return !(iph->frag_off & htons(IP_MF)) || len % 8 == 0;
}

/* Takes @skb into @q. NR_DROP_REASONS: it is in; DUP_FRAG: the datagram lives on without it; else the datagram must be given up. */
static enum skb_drop_reason ipq_add(struct ipq *q, struct sk_buff *skb)
{
	bool more = ip_hdr(skb)->frag_off & htons(IP_MF);
	const struct frag_cb *f = frag_cb(skb);
	enum skb_drop_reason reason = ipq_check_end(q, f, more);
	struct sk_buff *prev;

	if (reason == NR_DROP_REASONS)
		reason = ipq_place(q, f, &prev);
	if (reason != NR_DROP_REASONS)
		return reason;
	if (q->fragments.qlen == FRAG_PER_QUEUE)
		return SKB_DROP_REASON_IP_FRAG_EVICTED;
	ipq_insert(q, prev, skb, more);
	return NR_DROP_REASONS;
}

/* --- The whole datagram ----------------------------------------------------------------------------------------------------------- */

/* Congestion that one fragment met is the datagram's, unless another says that nobody would listen (RFC 3168, 5.3). */
static bool ecn_contradicts(u8 seen)
{
	return (seen & (1u << 3)) && (seen & 1u);
}

/* Everything behind the first fragment becomes its frag_list. */
static void ipq_chain(struct ipq *q, struct sk_buff *first)
{
	struct sk_buff *list = NULL, **tailp = &list, *skb;
	u32 bytes = 0;

	while ((skb = skb_dequeue(&q->fragments))) {
		skb_dst_drop(skb);
		bytes += skb->len;
		first->truesize += skb->truesize;
		*tailp = skb;
		tailp = &skb->next;
	}
	skb_set_frag_list(first, list, bytes);
}

/* All is here: the datagram, its header that of the first fragment, and the queue is gone. NULL: given up, counted. */
static struct sk_buff *ipq_reassemble(struct ipq *q)
{
	struct net *net = q->all->net;
	struct sk_buff *first = skb_peek(&q->fragments);
	struct iphdr *iph;
	u32 hlen, pieces;

	BUG_ON(!first);
	hlen = ip_hdrlen(ip_hdr(first));
	if (hlen + q->len > IP_MAX_MTU) {
		ipq_kill(q, SKB_DROP_REASON_IP_FRAG_INVALID);
		return NULL;
	}
	if (ecn_contradicts(q->ecn_seen)) {
		ipq_kill(q, SKB_DROP_REASON_IP_FRAG_ECN);
		return NULL;
	}
	/* The header is written to, and it may be shared with somebody who listens on the device. */
	if (skb_shared_data(first) && pskb_expand_head(first, 0, 0)) {
		ipq_kill(q, SKB_DROP_REASON_NOMEM);
		return NULL;
	}
	pieces = q->fragments.qlen;
	net->frag.packets -= pieces;
	skb_unlink(first, &q->fragments);
	skb_enter(first, SKB_STAGE_RX);
	ipq_chain(q, first);
	iph = ip_hdr(first);
	iph->tot_len = htons(first->len);
	iph->frag_off = 0;
	if (q->ecn_seen & (1u << 3))
		iph->tos |= 3;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, hlen / 4);
	first->ip_summed = CHECKSUM_NONE; /* no device has seen all of it */
	ipq_release(q);
	IP_INC_STATS(net, ReasmOKs);
	trace_at_skb(ip_frag_reasm, first, pieces);
	return first;
}

/**
 * ip_defrag() - takes a fragment; gives back the datagram that it completes.
 *
 * @skb: a fragment (MF or an offset), data at its IP header, which ip_rcv() has checked, cut to its length.
 * Context: softirq, BH off. Consumes: @skb, on every return. Owns: the caller owns the datagram that is returned.
 * Return: the datagram, data at its IP header, which says the whole length; NULL: kept, or dropped and counted.
 */
struct sk_buff *ip_defrag(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct frag_key key = { iph->saddr, iph->daddr, iph->id, iph->protocol, skb->dev->ifindex };
	enum skb_drop_reason reason;
	struct ipq *q;
	trace_fn_skb(ip_defrag, skb, 0);

	IP_INC_STATS(net, ReasmReqds);
	if (!frag_is_sane(skb)) {
		IP_INC_STATS(net, ReasmFails);
		kfree_skb_reason(skb, SKB_DROP_REASON_IP_FRAG_INVALID);
		return NULL;
	}
	q = ipq_find(net->ipv4->frags, &key);
	if (!frag_make_room(q, skb->truesize)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_IP_FRAG_EVICTED);
		return NULL;
	}
	reason = ipq_add(q, skb);
	if (reason != NR_DROP_REASONS) {
		if (reason == SKB_DROP_REASON_IP_FRAG_OVERLAP)
			IPEXT_INC_STATS(net, ReasmOverlaps);
		if (reason != SKB_DROP_REASON_DUP_FRAG)
			ipq_kill(q, reason);
		kfree_skb_reason(skb, reason);
		return NULL;
	}
	return q->last_in && q->meat == q->len ? ipq_reassemble(q) : NULL;
}

/* --- Settings --------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset; /* of the u32 in struct ip_frags */
	u32 least, most;
} frag_sysctls[] = {
	{ "ipfrag_high_thresh", offsetof(struct ip_frags, high_thresh), 0, FRAG_MEMORY_MAX },
	{ "ipfrag_low_thresh", offsetof(struct ip_frags, low_thresh), 0, FRAG_MEMORY_MAX },
	{ "ipfrag_time", offsetof(struct ip_frags, time_s), 1, 3600 },
	{ "ipfrag_max_dist", offsetof(struct ip_frags, max_dist), 0, INT32_MAX },
};

/**
 * ip_frag_sysctl_set() - net.ipv4.ipfrag_NAME=VALUE: bytes above which the oldest datagrams go (high_thresh; 0: no fragment is taken)
 * and down to which (low_thresh, never above the other, which takes it along), seconds that a datagram waits (time), and after how
 * many other fragments of its source it is given up (max_dist; 0: never).
 *
 * Holds for what comes from now on.
 * Context: process.
 * Return: 0; -ENOENT no such setting; -EINVAL no number; -ERANGE too small or large, or low_thresh above high_thresh.
 */
int ip_frag_sysctl_set(struct net *net, const char *name, const char *value)
{
	struct ip_frags *all = net->ipv4->frags;
	u64 num;
	int err;

	for (u32 i = 0; i < ARRAY_SIZE(frag_sysctls); i++) {
		if (strcmp(name, frag_sysctls[i].name) != 0)
			continue;
		err = kstrtou64(value, &num);
		if (err)
			return err;
		if (num < frag_sysctls[i].least || num > frag_sysctls[i].most)
			return -ERANGE;
		if (frag_sysctls[i].offset == offsetof(struct ip_frags, low_thresh) &&
		    num > all->high_thresh)
			return -ERANGE;
		*(u32 *)(void *)((char *)all + frag_sysctls[i].offset) = (u32)num;
		if (frag_sysctls[i].offset == offsetof(struct ip_frags, high_thresh))
			all->low_thresh = (u32)num;
		return 0;
	}
	return -ENOENT;
}

/**
 * ip_frag_sysctl_get() - a setting as text.
 * @text: PROC_SETTING_MAX bytes.
 * Context: process.
 * Return: its length; -ENOENT no such setting.
 */
int ip_frag_sysctl_get(const struct net *net, const char *name, char *text)
{
	for (u32 i = 0; i < ARRAY_SIZE(frag_sysctls); i++) {
		const char *at = (const char *)net->ipv4->frags + frag_sysctls[i].offset;

		if (strcmp(name, frag_sysctls[i].name) == 0)
			return scnprintf(text, PROC_SETTING_MAX, "%u",
					 *(const u32 *)(const void *)at);
	}
	return -ENOENT;
}

/* --- Life ----------------------------------------------------------------------------------------------------------------------------- */

/* Fragments name their device: what came by one that goes is given up. */
static void frag_netdev_event(struct net_device *dev, enum netdev_event ev)
{
	struct ip_frags *all = dev->net->ipv4->frags;
	struct ipq *q, *n;

	if (ev != NETDEV_DOWN && ev != NETDEV_UNREGISTER)
		return;
	local_bh_disable();
	list_for_each_entry_safe(q, n, &all->live, age) {
		if (q->key.ifindex == dev->ifindex)
			ipq_kill(q, SKB_DROP_REASON_DEV_DOWN);
	}
	local_bh_enable();
}

/**
 * ip_frag_init() - room for the fragments of @net, at most FRAG_QUEUES datagrams: nothing is allocated later.
 * Context: process.
 * Return: 0; -ENOMEM; -ENOSPC no free notifier.
 */
int ip_frag_init(struct net *net)
{
	struct ip_frags *all = kzalloc(sizeof(*all));

	if (!all)
		return -ENOMEM;
	net->ipv4->frags = all;
	all->net = net;
	all->high_thresh = all->low_thresh = FRAG_MEMORY;
	all->time_s = FRAG_TIME_S;
	all->max_dist = FRAG_MAX_DIST;
	INIT_LIST_HEAD(&all->live);
	INIT_LIST_HEAD(&all->spare);
	for (u32 i = 0; i < FRAG_BUCKETS; i++)
		INIT_LIST_HEAD(&all->bucket[i]);
	for (u32 i = 0; i < FRAG_QUEUES; i++) {
		struct ipq *q = &all->queue[i];

		q->all = all;
		INIT_LIST_HEAD(&q->node);
		skb_queue_head_init(&q->fragments);
		timer_setup(&q->timer, ipq_expire);
		list_add_tail(&q->age, &all->spare);
	}
	return register_netdevice_notifier(net, frag_netdev_event);
}

/**
 * ip_frag_flush() - what is not whole yet is given up.
 * Context: process.
 */
void ip_frag_flush(struct net *net)
{
	struct ipq *q, *n;

	local_bh_disable();
	list_for_each_entry_safe(q, n, &net->ipv4->frags->live, age)
		ipq_kill(q, SKB_DROP_REASON_IP_FRAG_EVICTED);
	local_bh_enable();
}

/**
 * ip_frag_exit() - takes it down; the devices are gone, and with them every fragment: asserted. No-op without ip_frag_init().
 * Context: process.
 */
void ip_frag_exit(struct net *net)
{
	BUG_ON(net->frag.queues);
	kfree(net->ipv4->frags);
	net->ipv4->frags = NULL;
}
