// SPDX-License-Identifier: MIT
/*
 * sk_buff: one packet, its descriptor and its data apart (picture in <net/skbuff.h>).
 *
 * Interface: alloc_skb() and relatives, skb_clone(), consume_skb(), kfree_skb_reason(); geometry (put, push, pull, trim,
 * expand, linearize, pad); the copies from and to the application; queues; the census that proves at exit that
 * every descriptor came back.
 * Above: every room of net/ and the drivers.  Below: <kernel/mm.h>.
 * Context: process (BH on or off) and softirq; a descriptor belongs to one owner at a time, so there is no lock.
 * Owns: the caches and the census, process-wide like the allocator they stand on.
 * Data buffers come in three linear sizes that fill Linux's classes of 512 and 2048 bytes and the receive buffer of a
 * NIC; larger ones come from kmalloc. The size tells free which it was. truesize is SKB_TRUESIZE(linear size).
 */
#include <net/skbuff.h>

#include <kernel/context.h>
#include <kernel/proc.h>
#include <kernel/uio.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/dst.h>

enum {
	SKB_LINEAR_SMALL = 192, /* headers alone: ACK, ARP, SYN; 512 with Linux's shared info */
	SKB_LINEAR_FULL = 1728, /* a full Ethernet segment behind MAX_TCP_HEADER; 2048 */
	SKB_LINEAR_RX = 2112,   /* a 2048-byte NIC buffer and its headroom */
	SKB_LINEAR_MAX = 128 * 1024,
};
#define SKB_POISON_NEXT ((struct sk_buff *)0xdead000000000100UL)
#define SKB_POISON_DATA ((u8 *)0xdead000000000200UL)
/* Offset of the checksum field in the UDP header: there 0 means "none" (RFC 768). */
#define UDP_CSUM_OFFSET 6

/* A descriptor and the one its first clone will use. */
struct sk_buff_fclones {
	struct sk_buff skb1, skb2;
	u32 refs; /* how many of the two live */
};

static struct {
	struct kmem_cache *head, *fclone, *small, *full, *rx;
} pool; /* set once by skb_init() */

struct skb_stats skb_stats;

/**
 * skb_init() - makes the caches.
 * Context: process, once, before the first packet.
 * Return: 0; -ENOMEM.
 */
int skb_init(void)
{
	const size_t info = sizeof(struct skb_shared_info);

	pool.head = kmem_cache_create("skb_head", sizeof(struct sk_buff), SMP_CACHE_BYTES);
	pool.fclone =
		kmem_cache_create("skb_fclone", sizeof(struct sk_buff_fclones), SMP_CACHE_BYTES);
	pool.small = kmem_cache_create("skb_data_small", SKB_LINEAR_SMALL + info, 16);
	pool.full = kmem_cache_create("skb_data_full", SKB_LINEAR_FULL + info, 16);
	pool.rx = kmem_cache_create("skb_data_rx", SKB_LINEAR_RX + info, 16);
	if (!pool.head || !pool.fclone || !pool.small || !pool.full || !pool.rx)
		return -ENOMEM;
	return 0;
}

/* --- Data buffers -------------------------------------------------------------------------------------------- */
static struct kmem_cache *data_cache(u32 linear)
{
	switch (linear) {
	case SKB_LINEAR_SMALL:
		return pool.small;
	case SKB_LINEAR_FULL:
		return pool.full;
	case SKB_LINEAR_RX:
		return pool.rx;
	default:
		return NULL;
	}
}

/* A buffer of at least *linear bytes with its shared info behind; *linear gets the real size. */
static u8 *data_alloc(u32 *linear, struct alloc_site *site)
{
	struct skb_shared_info *si;
	u8 *head;

	if (*linear > SKB_LINEAR_MAX)
		return NULL;
	if (*linear <= SKB_LINEAR_SMALL)
		*linear = SKB_LINEAR_SMALL;
	else if (*linear <= SKB_LINEAR_FULL)
		*linear = SKB_LINEAR_FULL;
	else if (*linear <= SKB_LINEAR_RX)
		*linear = SKB_LINEAR_RX;
	else
		*linear = ALIGN(*linear, SMP_CACHE_BYTES);
	if (data_cache(*linear))
		head = kmem_cache_alloc_at(data_cache(*linear), site);
	else
		head = kmalloc_at(*linear + sizeof(*si), site);
	if (!head)
		return NULL;
	si = (struct skb_shared_info *)(void *)(head + *linear);
	si->dataref = 1;
	si->gso_size = 0;
	si->gso_segs = 0;
	si->gso_type = 0;
	si->nr_frags = 0;
	si->frag_list = NULL;
	return head;
}

static void frag_get(const struct skb_frag *f)
{
	page_get(f->addr - f->offset);
}

static void frag_put(const struct skb_frag *f)
{
	page_put(f->addr - f->offset);
}

static void frag_list_free(struct sk_buff *list);

/*
 * Drops one reference on the data between @head and @end; the last one frees fragments and buffer. Returns the list of packets that hung there,
 * now the caller's to free: they are freed by the same functions, one level up.
 */
static struct sk_buff *data_release(u8 *head, u8 *end)
{
	struct skb_shared_info *si = (struct skb_shared_info *)(void *)end;
	struct kmem_cache *cache = data_cache((u32)(end - head));
	struct sk_buff *list;

	if (!count_put(&si->dataref))
		return NULL;
	for (u32 i = 0; i < si->nr_frags; i++)
		frag_put(&si->frags[i]);
	list = si->frag_list;
	if (cache)
		kmem_cache_free(cache, head);
	else
		kfree(head);
	return list;
}

/**
 * skb_shared_data() - does another descriptor use the same data?
 * Context: any.
 * Return: true when linear part and fragments must not be written.
 */
bool skb_shared_data(const struct sk_buff *skb)
{
	return skb->cloned && skb_shinfo(skb)->dataref > 1;
}

/**
 * skb_fclone_busy() - has the clone beside @skb not been freed yet?
 * A clone that somebody else took over (loopback's receiver, a tap) does not count: it is charged to nobody of ours.
 * Context: any.
 * Return: true while a queue or a device of this host holds it for @sk.
 */
bool skb_fclone_busy(const struct sk_buff *skb, const struct sock *sk)
{
	const struct sk_buff_fclones *pair;

	if (skb->fclone != SKB_FCLONE_ORIG)
		return false;
	pair = container_of(skb, const struct sk_buff_fclones, skb1);
	return pair->refs > 1 && pair->skb2.sk == sk;
}

/* --- Allocation ------------------------------------------------------------------------------------------------ */
/* Makes @skb an empty packet on its own buffer. false without memory. */
static bool skb_setup(struct sk_buff *skb, u32 size, enum skb_fclone fclone,
		      struct alloc_site *site)
{
	u8 *head = data_alloc(&size, site);

	if (!head)
		return false;
	memset(skb, 0, sizeof(*skb));
	skb->head = head;
	skb->data = head;
	skb->tail = head;
	skb->end = head + size;
	skb->truesize = SKB_TRUESIZE(size);
	skb->users = 1;
	skb->fclone = (unsigned int)fclone & 3u;
	count64(&skb_stats.allocs, 1);
	skb->id = (u32)(skb_stats.allocs + skb_stats.clones);
	count64(&skb_stats.live, 1);
	trace_at_skb(alloc_skb, skb, 0);
	return true;
}

/**
 * alloc_skb_at() - an empty packet with @size bytes of linear room, headroom included.
 * Context: process, softirq. Owns: the caller, one reference.
 * Return: the skb; NULL without memory.
 */
struct sk_buff *alloc_skb_at(u32 size, struct alloc_site *site)
{
	struct sk_buff *skb = kmem_cache_alloc_at(pool.head, site);

	BUG_ON(in_hardirq());
	if (!skb)
		return NULL;
	if (!skb_setup(skb, size, SKB_FCLONE_NONE, site)) {
		kmem_cache_free(pool.head, skb);
		return NULL;
	}
	return skb;
}

/**
 * alloc_skb_fclone_at() - the same with a second descriptor beside it, so that the first clone allocates nothing.
 * Context: process, softirq. Owns: the caller, one reference.
 * Return: the skb; NULL without memory.
 */
struct sk_buff *alloc_skb_fclone_at(u32 size, struct alloc_site *site)
{
	struct sk_buff_fclones *pair = kmem_cache_alloc_at(pool.fclone, site);

	BUG_ON(in_hardirq());
	if (!pair)
		return NULL;
	if (!skb_setup(&pair->skb1, size, SKB_FCLONE_ORIG, site)) {
		kmem_cache_free(pool.fclone, pair);
		return NULL;
	}
	memset(&pair->skb2, 0, sizeof(pair->skb2));
	pair->skb2.fclone = SKB_FCLONE_CLONE;
	pair->refs = 1;
	return &pair->skb1;
}

/**
 * netdev_alloc_skb_at() - a packet for @dev to receive into: the NIC may write @len bytes at data.
 * Context: process, softirq. Owns: the caller.
 * Return: the skb with dev set, headroom reserved so that the IP header is 16-aligned; NULL without memory.
 */
struct sk_buff *netdev_alloc_skb_at(struct net_device *dev, u32 len, struct alloc_site *site)
{
	struct sk_buff *skb;

	if (len > SKB_LINEAR_MAX - LL_MAX_HEADER - NET_IP_ALIGN)
		return NULL;
	skb = alloc_skb_at(len + LL_MAX_HEADER + NET_IP_ALIGN, site);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER + NET_IP_ALIGN);
	skb->dev = dev;
	return skb;
}

/* --- Release ----------------------------------------------------------------------------------------------------- */
/* Gives the descriptor back; of a pair, when both are gone. */
static void skb_free_head(struct sk_buff *skb)
{
	struct sk_buff_fclones *pair;

	if (skb->fclone == SKB_FCLONE_NONE) {
		kmem_cache_free(pool.head, skb);
		return;
	}
	if (skb->fclone == SKB_FCLONE_ORIG)
		pair = container_of(skb, struct sk_buff_fclones, skb1);
	else
		pair = container_of(skb, struct sk_buff_fclones, skb2);
	if (count_put(&pair->refs))
		kmem_cache_free(pool.fclone, pair);
}

/* Drops a reference. true when it was the last one. */
static bool skb_unref(struct sk_buff *skb)
{
	BUG_ON(in_hardirq());
	return count_put(&skb->users); /* BUG: freed twice */
}

/* The last reference is gone: route, owner's charge, data, descriptor, in this order. Returns what hung behind it. */
static struct sk_buff *free_one(struct sk_buff *skb)
{
	struct sk_buff *list;

	BUG_ON(skb->next && skb->next != SKB_POISON_NEXT && skb->prev); /* still on a queue */
	BUG_ON(skb_stats.live == 0);
	skb_dst_drop(skb);
	skb_orphan(skb);
	list = data_release(skb->head, skb->end);
	skb->next = SKB_POISON_NEXT;
	skb->prev = SKB_POISON_NEXT;
	skb->head = SKB_POISON_DATA;
	skb->data = SKB_POISON_DATA;
	skb->tail = SKB_POISON_DATA;
	skb->end = SKB_POISON_DATA;
	count64(&skb_stats.frees, 1);
	count64(&skb_stats.live, -1ULL);
	skb_free_head(skb);
	return list;
}

/* Packets linked by ->next, none with a list of its own. What became of them their head says. */
static void frag_list_free(struct sk_buff *list)
{
	while (list) {
		struct sk_buff *next = list->next, *none;

		list->next = NULL;
		if (skb_unref(list)) {
			trace_at_skb(consume_skb, list, 0);
			count64(&skb_stats.ended[list->stage], 1);
			none = free_one(list);
			BUG_ON(none);
		}
		list = next;
	}
}

static void __kfree_skb(struct sk_buff *skb)
{
	frag_list_free(free_one(skb));
}

/**
 * consume_skb() - normal end of a packet that did its work.
 * Context: process, softirq; not hardirq. Consumes: one reference on @skb; NULL is allowed.
 */
void consume_skb(struct sk_buff *skb)
{
	if (!skb || !skb_unref(skb))
		return;
	trace_at_skb(consume_skb, skb, 0);
	count64(&skb_stats.ended[skb->stage], 1);
	__kfree_skb(skb);
}

/**
 * kfree_skb_reason() - drops a packet and counts why.
 * Context: process, softirq; not hardirq. Consumes: one reference on @skb; NULL is allowed.
 */
void kfree_skb_reason(struct sk_buff *skb, enum skb_drop_reason reason)
{
	BUG_ON((u32)reason >= NR_DROP_REASONS);
	if (!skb || !skb_unref(skb))
		return;
	count64(&skb_stats.drops, 1);
	count64(&skb_stats.drop[reason], 1);
	trace_drop_skb(kfree_skb, skb, reason);
	count64(&skb_stats.dropped[skb->stage], 1);
	__kfree_skb(skb);
}

/**
 * kfree_skb_list_reason() - drops a list of packets linked by ->next, each counted.
 * Context: process, softirq; not hardirq. Consumes: the list; NULL is allowed.
 */
void kfree_skb_list_reason(struct sk_buff *skb, enum skb_drop_reason reason)
{
	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		kfree_skb_reason(skb, reason);
		skb = next;
	}
}

/**
 * skb_get() - one more reference on the descriptor, for somebody who only reads.
 * Context: process, softirq.
 * Return: @skb.
 */
struct sk_buff *skb_get(struct sk_buff *skb)
{
	BUG_ON(skb->users == 0);
	count_add(&skb->users, 1);
	return skb;
}

/**
 * skb_orphan() - pays the owner back now; the packet goes on without one.
 * Context: process, softirq. Borrows: @skb.
 */
void skb_orphan(struct sk_buff *skb)
{
	if (skb->destructor) {
		void (*destructor)(struct sk_buff * s) = skb->destructor;

		skb->destructor = NULL;
		destructor(skb);
	}
	skb->sk = NULL;
}

/* --- Clones and private copies ------------------------------------------------------------------------------------- */
/* A descriptor for a clone: the pair's second when it is free. */
static struct sk_buff *clone_head(struct sk_buff *skb, enum skb_fclone *fclone,
				  struct alloc_site *site)
{
	if (skb->fclone == SKB_FCLONE_ORIG) {
		struct sk_buff_fclones *pair = container_of(skb, struct sk_buff_fclones, skb1);

		if (pair->refs == 1) {
			pair->refs = 2;
			*fclone = SKB_FCLONE_CLONE;
			return &pair->skb2;
		}
	}
	*fclone = SKB_FCLONE_NONE;
	return kmem_cache_alloc_at(pool.head, site);
}

/* Copies what describes the packet, not who holds it: no queue, no owner; the route gets its own reference. */
static void copy_header(struct sk_buff *to, const struct sk_buff *from, enum skb_fclone fclone)
{
	*to = *from;
	to->next = NULL;
	to->prev = NULL;
	to->sk = NULL;
	to->destructor = NULL;
	to->users = 1;
	to->fclone = (unsigned int)fclone & 3u;
	to->own_headroom = 0;
	to->stage = SKB_STAGE_NEW;
	if (skb_dst(to)) {
		dst_hold(skb_dst(to));
		to->_skb_refdst &= ~1UL;
	}
	count64(&skb_stats.live, 1);
}

/**
 * skb_clone_at() - a second descriptor on the same data, which is read-only from then on.
 * What the clone pushes into the headroom is its own, but only the first clone that lives: see own_headroom.
 * Context: process, softirq. Owns: the caller owns the clone; @skb stays his.
 * Return: the clone without owner, users 1; NULL without memory.
 */
struct sk_buff *skb_clone_at(struct sk_buff *skb, struct alloc_site *site)
{
	bool first = !skb_shared_data(skb);
	enum skb_fclone fclone;
	struct sk_buff *c = clone_head(skb, &fclone, site);

	if (!c)
		return NULL;
	copy_header(c, skb, fclone);
	c->own_headroom = first ? (u16)min_t(u32, skb_headroom(skb), 0xffff) : 0;
	c->cloned = 1;
	skb->cloned = 1;
	skb->own_headroom = 0;
	count_add(&skb_shinfo(skb)->dataref, 1);
	count64(&skb_stats.clones, 1);
	c->id = (u32)(skb_stats.clones + skb_stats.allocs);
	c->clone_of = skb->id;
	trace_at_skb(skb_clone, c, 0);
	return c;
}

/* Moves @skb's header offsets when data moved by @delta bytes relative to head. */
static void shift_offsets(struct sk_buff *skb, long delta)
{
	skb->mac_header = (u16)(skb->mac_header + delta);
	skb->network_header = (u16)(skb->network_header + delta);
	skb->transport_header = (u16)(skb->transport_header + delta);
	skb->csum_start = (u16)(skb->csum_start + delta);
}

/* Everything behind the linear part of @skb to @tail: pieces of shared data have one owner, so a second one needs the bytes. */
static u32 copy_rest(const struct sk_buff *skb, u8 *tail, u64 *count)
{
	BUG_ON(skb_copy_bits(skb, skb_headlen(skb), tail, skb->data_len));
	*count += skb->data_len;
	return skb->data_len;
}

/* The fragments again, each with a reference more; and the list, which has one owner. */
static void share_frags(struct skb_shared_info *nsi, struct skb_shared_info *si)
{
	nsi->nr_frags = si->nr_frags;
	for (u32 i = 0; i < si->nr_frags; i++) {
		nsi->frags[i] = si->frags[i];
		frag_get(&nsi->frags[i]);
	}
	nsi->frag_list = si->frag_list;
	si->frag_list = NULL;
}

/*
 * Copies @skb's headers before data (what fits), linear part and fragment list into a new buffer with @headroom and
 * @tailroom, and lets @to stand on it. @to is a copy of @skb's descriptor. -ENOMEM: nothing changed.
 * A list of packets moves along when @skb is what it moves from; else all is copied, and the new packet is linear. *@count goes up
 * by what was copied from data on.
 */
static int copy_linear(struct sk_buff *to, const struct sk_buff *skb, u32 headroom, u32 tailroom,
		       u64 *count)
{
	struct skb_shared_info *si = skb_shinfo(skb), *nsi;
	bool flat = si->frag_list && (to != skb || si->dataref > 1);
	u32 headlen = skb_headlen(skb), size = headroom + (flat ? skb->len : headlen) + tailroom;
	u32 keep = min(headroom, skb_headroom(skb));
	u8 *head = data_alloc(&size, ALLOC_SITE()), *data;

	if (!head)
		return -ENOMEM;
	data = head + headroom;
	memcpy(data - keep, skb->data - keep, keep + headlen);
	*count += headlen;
	nsi = (struct skb_shared_info *)(void *)(head + size);
	nsi->gso_size = si->gso_size;
	nsi->gso_segs = si->gso_segs;
	nsi->gso_type = si->gso_type;
	if (flat)
		headlen += copy_rest(skb, data + headlen, count);
	else
		share_frags(nsi, si);
	shift_offsets(to, (long)headroom - (long)skb_headroom(skb));
	to->head = head;
	to->data = data;
	to->tail = data + headlen;
	to->end = head + size;
	to->data_len = flat ? 0 : skb->data_len;
	to->cloned = 0;
	to->own_headroom = 0;
	return 0;
}

/**
 * pskb_copy() - new descriptor and private copy of the linear part, fragments shared.
 * For a retransmission whose earlier clone is still in flight: headers may be written here.
 * Context: process, softirq. Owns: the caller owns the copy.
 * Return: the copy with exactly @headroom before data; NULL without memory.
 */
struct sk_buff *pskb_copy(const struct sk_buff *skb, u32 headroom)
{
	struct sk_buff *c = kmem_cache_alloc(pool.head);

	if (!c)
		return NULL;
	copy_header(c, skb, SKB_FCLONE_NONE);
	if (copy_linear(c, skb, headroom, 0, &skb_stats.copied_other)) {
		count64(&skb_stats.live, -1ULL);
		dst_release(skb_dst(c));
		kmem_cache_free(pool.head, c);
		return NULL;
	}
	c->truesize = SKB_TRUESIZE(c->end - c->head) + c->data_len;
	count64(&skb_stats.allocs, 1);
	c->id = (u32)(skb_stats.allocs + skb_stats.clones);
	c->clone_of = skb->id;
	trace_at_skb(skb_clone, c, 0);
	return c;
}

/* pskb_expand_head() with a counter of what it copied. */
static int expand_head(struct sk_buff *skb, u32 headroom, u32 tailroom, u64 *count)
{
	u8 *head = skb->head, *end = skb->end;
	u32 room;

	BUG_ON(skb->users != 1);
	headroom = max(headroom, skb_headroom(skb));
	if (copy_linear(skb, skb, headroom, tailroom, count))
		return -ENOMEM;
	frag_list_free(data_release(head, end));
	room = (u32)(skb->end - skb->head);
	if (!skb->destructor) /* who is charged pays back what he was charged */
		skb->truesize +=
			ALIGN(room, SMP_CACHE_BYTES) - ALIGN((u32)(end - head), SMP_CACHE_BYTES);
	return 0;
}

/**
 * pskb_expand_head() - gives @skb a private linear part with at least @headroom and @tailroom.
 * Context: process, softirq. Borrows: @skb. Every pointer into the packet is stale afterwards; offsets are right.
 * Return: 0; -ENOMEM, and @skb is unchanged.
 */
int pskb_expand_head(struct sk_buff *skb, u32 headroom, u32 tailroom)
{
	return expand_head(skb, headroom, tailroom, &skb_stats.copied_other);
}

/**
 * skb_cow_head() - lets the caller push and write @headroom bytes of headers before data.
 * Context: process, softirq. Borrows: @skb. Pointers into the packet may be stale afterwards.
 * Return: 0; -ENOMEM, and @skb is unchanged.
 */
int skb_cow_head(struct sk_buff *skb, u32 headroom)
{
	bool own = !skb_shared_data(skb) || skb_headroom(skb) <= skb->own_headroom;

	if (own && skb_headroom(skb) >= headroom)
		return 0;
	return pskb_expand_head(skb, headroom, 0);
}

/* --- Geometry ---------------------------------------------------------------------------------------------------------- */
/**
 * skb_put() - grows the packet by @n bytes at the tail. The room must be there: asserted.
 * Context: any. Borrows: @skb, and the bytes stay its own. Return: the first new byte.
 */
void *skb_put(struct sk_buff *skb, u32 n)
{
	u8 *p = skb->tail;

	BUG_ON(skb->data_len);
	BUG_ON((long)n > skb->end - skb->tail);
	skb->tail += n;
	skb->len += n;
	return p;
}

/**
 * skb_push() - grows the packet by @n bytes at the head. The room must be there: asserted.
 * Context: any. Borrows: @skb, and the bytes stay its own. Return: the new first byte.
 */
void *skb_push(struct sk_buff *skb, u32 n)
{
	BUG_ON(n > skb_headroom(skb));
	skb->data -= n;
	skb->len += n;
	return skb->data;
}

/**
 * skb_pull() - takes @n bytes off the front.
 * Context: any. Borrows: @skb, and the bytes stay its own.
 * Return: the new first byte; NULL (and nothing is taken) when there are not so many linear ones.
 */
void *skb_pull(struct sk_buff *skb, u32 n)
{
	if (n > skb_headlen(skb))
		return NULL;
	skb->data += n;
	skb->len -= n;
	return skb->data;
}

/* Cuts the fragments to @left bytes in all. */
static void trim_frags(struct sk_buff *skb, u32 left)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	u32 keep = 0;

	for (u32 i = 0; i < si->nr_frags; i++) {
		struct skb_frag *f = &si->frags[i];

		if (!left) {
			frag_put(f);
			continue;
		}
		f->len = min(f->len, left);
		left -= f->len;
		keep++;
	}
	BUG_ON(left);
	si->nr_frags = (u8)keep;
}

/* Bytes in the fragments of @skb itself. */
static u32 frags_len(const struct sk_buff *skb)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	u32 n = 0;

	for (u32 i = 0; i < si->nr_frags; i++)
		n += si->frags[i].len;
	return n;
}

/* Cuts @skb, which has no list, to @len bytes. */
static void trim_own(struct sk_buff *skb, u32 len)
{
	u32 headlen = skb_headlen(skb);

	if (skb->data_len) {
		BUG_ON(skb_shared_data(skb));
		skb->data_len = len > headlen ? len - headlen : 0;
		trim_frags(skb, skb->data_len);
	}
	skb->len = len;
	if (len < headlen)
		skb->tail = skb->data + len;
}

/* Fragments of shared data are made private before they are cut. -ENOMEM: nothing changed. */
static int trim_prepare(struct sk_buff *skb)
{
	return skb->data_len && skb_shared_data(skb) ? pskb_expand_head(skb, 0, 0) : 0;
}

/* Cuts the list to @left bytes in all. -ENOMEM: nothing changed. */
static int trim_list(struct sk_buff *skb, u32 left)
{
	struct sk_buff **p = &skb_shinfo(skb)->frag_list, *rest;

	while (*p && left >= (*p)->len) {
		left -= (*p)->len;
		p = &(*p)->next;
	}
	if (left && *p) {
		if (trim_prepare(*p))
			return -ENOMEM;
		trim_own(*p, left);
		p = &(*p)->next;
	}
	rest = *p;
	*p = NULL;
	frag_list_free(rest);
	return 0;
}

/**
 * skb_trim() - cuts the packet to @len bytes if it is longer.
 * Context: any. Borrows: @skb. Fragments of shared data may not be cut this way, nor a list in its middle: asserted; see pskb_trim().
 */
void skb_trim(struct sk_buff *skb, u32 len)
{
	if (len >= skb->len)
		return;
	if (skb_has_frag_list(skb)) {
		BUG_ON(skb_shared_data(skb) || len > skb_headlen(skb) + frags_len(skb));
		frag_list_free(skb_take_frag_list(skb));
	}
	trim_own(skb, len);
}

/**
 * pskb_trim() - the same for any packet; shared fragments are made private first.
 * Context: process, softirq. Borrows: @skb. Return: 0; -ENOMEM, and @skb's bytes are unchanged.
 */
int pskb_trim(struct sk_buff *skb, u32 len)
{
	u32 own;

	if (len >= skb->len)
		return 0;
	if (trim_prepare(skb))
		return -ENOMEM;
	own = skb_headlen(skb) + frags_len(skb);
	if (!skb_has_frag_list(skb) || len <= own) {
		skb_trim(skb, len);
		return 0;
	}
	if (trim_list(skb, len - own))
		return -ENOMEM;
	skb->data_len -= skb->len - len;
	skb->len = len;
	return 0;
}

/**
 * skb_add_frag() - appends @len bytes at @addr, within one page (a block of order 0), as a fragment.
 * Context: process, softirq. Owns: the skb takes its own reference on the page.
 * Return: 0; -EMSGSIZE when all fragments are used.
 */
int skb_add_frag(struct sk_buff *skb, u8 *addr, u32 len)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	u32 offset = (u32)((unsigned long)addr & (PAGE_SIZE - 1));

	BUG_ON(!len || offset + len > PAGE_SIZE);
	BUG_ON(skb->destructor || skb_shared_data(skb) || si->frag_list);
	if (si->nr_frags == MAX_SKB_FRAGS)
		return -EMSGSIZE;
	si->frags[si->nr_frags] = (struct skb_frag){ .addr = addr, .len = len, .offset = offset };
	frag_get(&si->frags[si->nr_frags]);
	si->nr_frags++;
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
	return 0;
}

/* Appends a part of somebody's fragment, which gets a reference more. 0, -EMSGSIZE. */
static int share_frag(struct sk_buff *to, const struct skb_frag *f, u32 offset, u32 len)
{
	struct skb_shared_info *si = skb_shinfo(to);

	if (si->nr_frags == MAX_SKB_FRAGS)
		return -EMSGSIZE;
	si->frags[si->nr_frags] = (struct skb_frag){ .addr = f->addr + offset,
						     .len = len,
						     .offset = f->offset + offset };
	frag_get(&si->frags[si->nr_frags]);
	si->nr_frags++;
	to->len += len;
	to->data_len += len;
	to->truesize += len;
	return 0;
}

/* The next bytes of a range that lie together: behind the linear part in fragment *@f; NULL in *@f: in the linear one. */
static const u8 *range_piece(const struct sk_buff *skb, u32 offset, u32 want, u32 *n,
			     const struct skb_frag **f)
{
	const struct skb_shared_info *si = skb_shinfo(skb);

	*f = NULL;
	if (offset < skb_headlen(skb)) {
		*n = min(want, skb_headlen(skb) - offset);
		return skb->data + offset;
	}
	offset -= skb_headlen(skb);
	for (*f = si->frags; offset >= (*f)->len; (*f)++)
		offset -= (*f)->len;
	*n = min(want, (*f)->len - offset);
	return (*f)->addr + offset;
}

/**
 * skb_append_range() - appends a part of another packet: its linear bytes are copied, its fragments shared
 * @copy: fragments are copied as well; then all of it, else its linear bytes, must fit into the tailroom: asserted
 *
 * Context: process, softirq. Borrows: @from. Owns: @to takes references on what it shares; nobody is charged for it yet,
 * and its data is its own. The range must lie in @from: asserted.
 * Return: 0; -EMSGSIZE when all fragments of @to are used; what fitted was appended.
 */
int skb_append_range(struct sk_buff *to, const struct sk_buff *from, u32 offset, u32 len, bool copy)
{
	BUG_ON(skb_has_frag_list(from));
	BUG_ON(offset > from->len || len > from->len - offset);
	BUG_ON(to->destructor || skb_shared_data(to));
	while (len) {
		const struct skb_frag *f;
		u32 n;
		const u8 *p = range_piece(from, offset, len, &n, &f);

		if (!f || copy) {
			memcpy(skb_put(to, n), p, n);
			skb_stats.copied_other += n;
		} else if (share_frag(to, f, (u32)(p - f->addr), n)) {
			return -EMSGSIZE;
		}
		offset += n;
		len -= n;
	}
	return 0;
}

/**
 * skb_set_frag_list() - hangs whole packets behind @skb, whose bytes they continue.
 * @list: linked by ->next, at least one, none with a list of its own: asserted; with or without owners (see the header).
 * @bytes: the sum of their lengths.
 *
 * Context: process, softirq. Owns: @skb owns @list; it has no list yet and its data is its own: asserted.
 */
void skb_set_frag_list(struct sk_buff *skb, struct sk_buff *list, u32 bytes)
{
	BUG_ON(!list || skb_has_frag_list(skb) || skb_has_frag_list(list));
	BUG_ON(skb_shared_data(skb));
	skb_shinfo(skb)->frag_list = list;
	skb->data_len += bytes;
	skb->len += bytes;
}

/**
 * skb_take_frag_list() - takes the packets off again.
 * Context: process, softirq. Owns: the caller owns the list; @skb's data is its own: asserted.
 * Return: the first one; NULL when there was none.
 */
struct sk_buff *skb_take_frag_list(struct sk_buff *skb)
{
	struct sk_buff *list = skb_shinfo(skb)->frag_list;

	if (!list)
		return NULL;
	BUG_ON(skb_shared_data(skb));
	skb_shinfo(skb)->frag_list = NULL;
	skb->len = skb_headlen(skb) + frags_len(skb);
	skb->data_len = frags_len(skb);
	return list;
}

/* Moves the first @n bytes of the fragments behind the linear part, where there is room for them. */
static void pull_tail(struct sk_buff *skb, u32 n, u64 *count)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	u32 first = 0;

	BUG_ON(n > skb->data_len || (long)n > skb->end - skb->tail);
	BUG_ON(skb_shared_data(skb));
	skb->data_len -= n;
	*count += n;
	while (n) {
		struct skb_frag *f = &si->frags[first];
		u32 part = min(n, f->len);

		memcpy(skb->tail, f->addr, part);
		skb->tail += part;
		n -= part;
		if (part == f->len) {
			frag_put(f);
			first++;
			continue;
		}
		f->addr += part;
		f->offset += part;
		f->len -= part;
	}
	si->nr_frags = (u8)(si->nr_frags - first);
	memmove(si->frags, si->frags + first, si->nr_frags * sizeof(si->frags[0]));
}

/* Everything into the linear part: headers that reach into the list are rare, and one copy is simpler than many moves. */
static bool flatten(struct sk_buff *skb, u64 *count)
{
	struct sk_buff *list;
	u32 rest = skb->data_len;

	if (expand_head(skb, 0, rest, count))
		return false;
	if (!skb->data_len) /* it was shared: the copy is linear already */
		return true;
	(void)copy_rest(skb, skb->tail, count);
	list = skb_shinfo(skb)->frag_list;
	skb_shinfo(skb)->frag_list = NULL;
	for (const struct sk_buff *p = list; p && !skb->destructor; p = p->next)
		skb->truesize -= p->destructor ? 0 : p->truesize;
	frag_list_free(list);
	trim_frags(skb, 0);
	skb->tail += rest;
	skb->data_len = 0;
	return true;
}

/* pskb_may_pull() with a counter of what it copied. */
static bool may_pull(struct sk_buff *skb, u32 n, u64 *count)
{
	u32 headlen = skb_headlen(skb), more = n - headlen;

	if (likely(n <= headlen))
		return true;
	if (n > skb->len)
		return false;
	if (skb_has_frag_list(skb) && more > frags_len(skb))
		return flatten(skb, count);
	if ((skb_shared_data(skb) || skb->end - skb->tail < (long)more) &&
	    expand_head(skb, 0, more, count))
		return false;
	pull_tail(skb, more, count);
	return true;
}

/**
 * pskb_may_pull() - makes the first @n bytes linear.
 * Context: process, softirq. Borrows: @skb. Pointers into the packet may be stale afterwards.
 * Return: true; false when the packet is shorter, or memory is out (the packet is unchanged).
 */
bool pskb_may_pull(struct sk_buff *skb, u32 n)
{
	return may_pull(skb, n, &skb_stats.copied_other);
}

/**
 * skb_linearize() - all data into the linear part.
 * Context: process, softirq. Borrows: @skb. Pointers into the packet may be stale afterwards.
 * Return: 0; -ENOMEM, and @skb is unchanged.
 */
int skb_linearize(struct sk_buff *skb)
{
	return pskb_may_pull(skb, skb->len) ? 0 : -ENOMEM;
}

/**
 * skb_padto() - appends zeros until the packet has @n bytes.
 * Shared data, and what lies in pages, is copied first, counted in copied_pad: behind our tail may lie somebody else's bytes. So each FIN that goes alone,
 * and each small segment, costs the copy of less than a short frame.
 * Context: process, softirq. Consumes: @skb on failure only, counted NOMEM.
 * Return: 0; -ENOMEM.
 */
int skb_padto(struct sk_buff *skb, u32 n)
{
	u32 pad;

	if (likely(skb->len >= n))
		return 0;
	pad = n - skb->len;
	if (!may_pull(skb, skb->len, &skb_stats.copied_pad))
		goto out_nomem;
	if ((skb_shared_data(skb) || skb_tailroom(skb) < pad) &&
	    expand_head(skb, 0, pad, &skb_stats.copied_pad))
		goto out_nomem;
	memset(skb_put(skb, pad), 0, pad);
	return 0;
out_nomem:
	kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
	return -ENOMEM;
}

/* --- Data --------------------------------------------------------------------------------------------------------------- */
/* The contiguous bytes at *@offset of @skb's own; NULL: it lies behind them, and *@offset counts from there. */
static const u8 *own_piece(const struct sk_buff *skb, u32 *offset, u32 want, u32 *n)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	u32 headlen = skb_headlen(skb);

	if (*offset < headlen) {
		*n = min(want, headlen - *offset);
		return skb->data + *offset;
	}
	*offset -= headlen;
	for (u32 i = 0; i < si->nr_frags; i++) {
		const struct skb_frag *f = &si->frags[i];

		if (*offset < f->len) {
			*n = min(want, f->len - *offset);
			return f->addr + *offset;
		}
		*offset -= f->len;
	}
	return NULL;
}

/* The contiguous bytes at @offset, at most @want of them; *n gets how many. @offset lies in the packet. */
static const u8 *skb_piece(const struct sk_buff *skb, u32 offset, u32 want, u32 *n)
{
	const u8 *p = own_piece(skb, &offset, want, n);

	/* A packet without bytes of its own at @offset has a list: in_packet() was asked. */
	for (skb = skb_shinfo(skb)->frag_list; !p; skb = skb->next) {
		BUG_ON(!skb);
		p = own_piece(skb, &offset, want, n);
	}
	return p;
}

static bool in_packet(const struct sk_buff *skb, u32 offset, u32 len)
{
	return offset <= skb->len && len <= skb->len - offset;
}

/**
 * skb_copy_bits() - copies @len bytes at @offset of the packet to kernel memory.
 * Context: any. Return: 0; -EFAULT when that goes beyond the end (nothing is copied).
 */
int skb_copy_bits(const struct sk_buff *skb, u32 offset, void *to, u32 len)
{
	u8 *dst = to;

	if (!in_packet(skb, offset, len))
		return -EFAULT;
	while (len) {
		u32 n;
		const u8 *p = skb_piece(skb, offset, len, &n);

		memcpy(dst, p, n);
		dst += n;
		offset += n;
		len -= n;
	}
	return 0;
}

/**
 * skb_add_data() - the one copy on the way down: @len bytes of the application to the tail.
 * Context: process. Borrows: @skb. The tailroom must be there and the data be ours alone: asserted.
 * Return: 0; -EFAULT, and @skb is unchanged (the position of @from is undefined).
 */
int skb_add_data(struct sk_buff *skb, struct iov_iter *from, u32 len)
{
	BUG_ON(skb_tailroom(skb) < len);
	BUG_ON(skb_shared_data(skb));
	if (copy_from_iter(skb->tail, len, from))
		return -EFAULT;
	skb_put(skb, len);
	*(from->ours ? &skb_stats.copied_kernel : &skb_stats.copied_tx) += len;
	return 0;
}

/**
 * skb_copy_datagram_iter() - the one copy on the way up: @len bytes at @offset to the application.
 * Context: process. Return: 0; -EFAULT (the position of @to is undefined).
 */
int skb_copy_datagram_iter(const struct sk_buff *skb, u32 offset, struct iov_iter *to, u32 len)
{
	if (NEVER(!in_packet(skb, offset, len)))
		return -EFAULT;
	*(to->ours ? &skb_stats.copied_kernel : &skb_stats.copied_rx) += len;
	while (len) {
		u32 n;
		const u8 *p = skb_piece(skb, offset, len, &n);

		if (copy_to_iter(p, n, to))
			return -EFAULT;
		offset += n;
		len -= n;
	}
	return 0;
}

/**
 * skb_checksum() - one's complement sum of @len bytes at @offset, added to @csum.
 * Context: any. The bytes must lie in the packet: asserted.
 * Return: the sum, not folded.
 */
u32 skb_checksum(const struct sk_buff *skb, u32 offset, u32 len, u32 csum)
{
	u32 done = 0;

	BUG_ON(!in_packet(skb, offset, len));
	while (done < len) {
		u32 n;
		const u8 *p = skb_piece(skb, offset + done, len - done, &n);

		csum = csum_block_add(csum, csum_partial(p, n, 0), done);
		done += n;
	}
	return csum;
}

/**
 * skb_checksum_help() - finishes a CHECKSUM_PARTIAL packet in software.
 * A clone writes the field without copying when it pushed that header itself.
 * Context: process, softirq. Borrows: @skb. Pointers into the packet may be stale afterwards.
 * Return: 0, ip_summed is CHECKSUM_NONE; -ENOMEM, and @skb is unchanged.
 */
int skb_checksum_help(struct sk_buff *skb)
{
	u32 field_end = (u32)skb->csum_start + skb->csum_offset + 2, start;
	__be16 check;

	BUG_ON(skb->ip_summed != CHECKSUM_PARTIAL);
	BUG_ON(skb->csum_start < skb_headroom(skb));
	if (!pskb_may_pull(skb, field_end - skb_headroom(skb)))
		return -ENOMEM;
	if (skb_shared_data(skb) &&
	    (u32)skb->csum_start + skb->csum_offset + 2 > skb->own_headroom &&
	    pskb_expand_head(skb, 0, 0))
		return -ENOMEM;
	start = skb->csum_start - skb_headroom(skb);
	check = csum_fold(skb_checksum(skb, start, skb->len - start, 0));
	if (!check && skb->csum_offset == UDP_CSUM_OFFSET)
		check = (__force __be16)0xffff;
	memcpy(skb->data + start + skb->csum_offset, &check, sizeof(check));
	skb->ip_summed = CHECKSUM_NONE;
	return 0;
}

/* --- Routes ---------------------------------------------------------------------------------------------------------------- */
/**
 * skb_dst_set() - gives the packet a route. Context: process, softirq. Consumes: the caller's reference on @dst.
 */
void skb_dst_set(struct sk_buff *skb, struct dst_entry *dst)
{
	BUG_ON((unsigned long)dst & 1);
	skb_dst_drop(skb);
	skb->_skb_refdst = (unsigned long)dst;
}

/**
 * skb_dst_set_noref() - lends the packet a route that outlives the BH-off section. Context: BH off. Borrows: @skb.
 */
void skb_dst_set_noref(struct sk_buff *skb, struct dst_entry *dst)
{
	BUG_ON((unsigned long)dst & 1);
	BUG_ON(!in_bh());
	skb_dst_drop(skb);
	skb->_skb_refdst = (unsigned long)dst | 1;
}

/**
 * skb_dst_force() - makes a borrowed route a counted one, before the packet waits somewhere. Context: BH off. Borrows: @skb.
 */
void skb_dst_force(struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);

	if (!dst || !(skb->_skb_refdst & 1))
		return;
	skb->_skb_refdst = (unsigned long)dst_hold(dst);
}

/**
 * skb_dst_drop() - the packet needs its route no more. Context: process, softirq. Borrows: @skb.
 */
void skb_dst_drop(struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	bool counted = !(skb->_skb_refdst & 1);

	skb->_skb_refdst = 0;
	if (dst && counted)
		dst_release(dst);
}

/* --- Queues ------------------------------------------------------------------------------------------------------------------ */
static struct sk_buff *queue_end(struct sk_buff_head *q)
{
	return (struct sk_buff *)(void *)q;
}

/**
 * skb_queue_head_init() - an empty queue. Context: any. The queue's owner guards it (BH off, or interrupts off).
 */
void skb_queue_head_init(struct sk_buff_head *q)
{
	q->next = queue_end(q);
	q->prev = queue_end(q);
	q->qlen = 0;
}

/**
 * skb_queue_after() - puts @skb behind @prev on @q. Owns: the queue, from now on. Context: any that guards @q.
 */
void skb_queue_after(struct sk_buff_head *q, struct sk_buff *prev, struct sk_buff *skb)
{
	struct sk_buff *next = prev->next;

	BUG_ON(skb->next || skb->prev); /* on another queue, or freed */
	skb->next = next;
	skb->prev = prev;
	prev->next = skb;
	next->prev = skb;
	q->qlen++;
}

/**
 * skb_queue_tail() - puts @skb last. Owns: the queue, from now on. Context: any that guards @q.
 */
void skb_queue_tail(struct sk_buff_head *q, struct sk_buff *skb)
{
	skb_queue_after(q, q->prev, skb);
}

/**
 * skb_queue_head() - puts @skb first. Owns: the queue, from now on. Context: any that guards @q.
 */
void skb_queue_head(struct sk_buff_head *q, struct sk_buff *skb)
{
	skb_queue_after(q, queue_end(q), skb);
}

/**
 * skb_unlink() - takes @skb off @q. Owns: the caller, from now on. Context: any that guards @q.
 */
void skb_unlink(struct sk_buff *skb, struct sk_buff_head *q)
{
	BUG_ON(q->qlen == 0);
	BUG_ON(!skb->next || !skb->prev);
	skb->next->prev = skb->prev;
	skb->prev->next = skb->next;
	skb->next = NULL;
	skb->prev = NULL;
	q->qlen--;
}

/**
 * skb_dequeue() - takes the first packet off @q. Context: any that guards @q.
 * Return: the packet, now the caller's; NULL when the queue is empty.
 */
struct sk_buff *skb_dequeue(struct sk_buff_head *q)
{
	struct sk_buff *skb = skb_peek(q);

	if (skb)
		skb_unlink(skb, q);
	return skb;
}

/**
 * skb_queue_purge_reason() - drops everything on @q, counted as @reason. Context: process or softirq that guards @q.
 */
void skb_queue_purge_reason(struct sk_buff_head *q, enum skb_drop_reason reason)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(q)))
		kfree_skb_reason(skb, reason);
}

/**
 * skb_show() - the page /proc/net/skb: "name value" lines. Context: process.
 */
void skb_show(struct seq_file *m)
{
	const struct skb_stats *s = &skb_stats;

	seq_printf(m, "allocs %llu\n", (unsigned long long)s->allocs);
	seq_printf(m, "clones %llu\n", (unsigned long long)s->clones);
	seq_printf(m, "frees %llu\n", (unsigned long long)s->frees);
	seq_printf(m, "drops %llu\n", (unsigned long long)s->drops);
	seq_printf(m, "live %llu\n", (unsigned long long)s->live);
	seq_printf(m, "copied_tx %llu\n", (unsigned long long)s->copied_tx);
	seq_printf(m, "copied_rx %llu\n", (unsigned long long)s->copied_rx);
	seq_printf(m, "copied_kernel %llu\n", (unsigned long long)s->copied_kernel);
	seq_printf(m, "copied_other %llu\n", (unsigned long long)s->copied_other);
	seq_printf(m, "copied_pad %llu\n", (unsigned long long)s->copied_pad);
	seq_printf(m, "copied_frag %llu\n", (unsigned long long)s->copied_frag);
}
