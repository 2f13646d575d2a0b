// SPDX-License-Identifier: MIT
/*
 * Objects: caches of equal-sized objects cut from pages, and kmalloc() on top of a row of such caches.
 *
 *   slab, 2^order pages:  | struct slab | site[nr] | pad | object 0 | object 1 | ... |
 *   object:               | [red zone] | the caller's bytes | [red zone] |     red zones in debug builds only
 *
 * Free objects of a slab form a list through their own first bytes. site[] says for each object who allocated it,
 * or SITE_FREE: so a double free is found by one look, in every build. With SLAB_DEBUG (the Makefile's -D: a constant, so that
 * both ways are always compiled) freed memory is filled with 0x6b (and checked when it is given out again), new memory
 * with 0x5a, and red zones are checked at free.
 * A cache keeps at most one empty slab.
 *
 * Interface: kmem_cache_*(), kmalloc(), kfree(), slabinfo_show().
 * Above: everybody.  Below: page_alloc.c.
 * Context: process, softirq; IF=0 for O(1) steps (making a slab: O(objects in it)).
 * Owns: the slabs' pages; an object belongs to whoever allocated it.
 */
#include <kernel/mm.h>

#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <lib/bug.h>
#include <lib/list.h>
#include <lib/string.h>

#include "mm_internal.h"

enum {
	RED = 16, /* bytes of red zone behind an object; before it: RED or the alignment */
	RED_BYTE = 0xbb,
	FREE_BYTE = 0x6b,
	NEW_BYTE = 0x5a,
	MAX_SLAB_ORDER = 3,
	NR_SIZES = 10,
	MAX_SMALL = 2048, /* larger ones are whole pages */
};

struct kmem_cache {
	const char *name;
	u32 size;   /* what the caller asked for */
	u32 align;  /* of the objects */
	u32 stride; /* from object to object */
	u32 lead;   /* bytes of red zone before the object */
	u32 recip;  /* 2^32 / stride, rounded up: index = offset * recip >> 32 */
	u32 order;  /* pages of a slab: 2^order, less when memory is short */
	u32 nr_slabs, nr_objects;
	struct list_head partial; /* slabs with free and used objects */
	struct list_head full;
	struct slab *empty; /* one spare, or NULL */
	struct list_head all;
};

struct slab {
	struct list_head node; /* on its cache's partial or full list */
	struct kmem_cache *cache;
	void *free; /* first free object */
	u8 *base;   /* of object 0, red zone included */
	u32 inuse, nr;
	u32 order;
	u16 site[]; /* per object */
};

static const u16 sizes[NR_SIZES] = { 16, 32, 64, 96, 128, 192, 256, 512, 1024, MAX_SMALL };

static struct {
	struct kmem_cache boot[NR_SIZES + 1]; /* kmalloc's caches, and the cache of caches */
	u8 class_of[MAX_SMALL / 16 + 1];      /* (size + 15) / 16 -> index of the kmalloc cache */
	struct list_head caches;
	u64 pages;
} slabs;

/**
 * slab_pages() - pages that slabs hold.
 * Context: any.
 * Return: the count.
 */
u64 slab_pages(void)
{
	return slabs.pages;
}

/* --- Slabs --------------------------------------------------------------------------------------------------- */
static u32 header_bytes(const struct kmem_cache *c, u32 nr)
{
	return (u32)ALIGN(sizeof(struct slab) + nr * sizeof(u16), (size_t)c->align);
}

static u32 objects_in(const struct kmem_cache *c, u32 order)
{
	u32 bytes = (u32)(PAGE_SIZE << order);
	u32 nr = bytes / c->stride;
	while (nr && header_bytes(c, nr) + nr * c->stride > bytes)
		nr--;
	return nr;
}

static u8 *object_at(const struct slab *s, u32 i)
{
	return s->base + i * s->cache->stride + s->cache->lead;
}

static u32 object_index(const struct slab *s, const void *obj)
{
	u64 off = (u64)((const u8 *)obj - s->base) - s->cache->lead;
	u32 i = (u32)(off * s->cache->recip >> 32);
	BUG_ON(i >= s->nr || object_at(s, i) != obj);
	return i;
}

static void fill_free(const struct kmem_cache *c, u8 *obj)
{
	memset(obj + sizeof(void *), FREE_BYTE, max(c->size, (u32)sizeof(void *)) - sizeof(void *));
}

static void check_free(const struct kmem_cache *c, const u8 *obj)
{
	for (u32 i = sizeof(void *); i < c->size; i++)
		BUG_ON(obj[i] != FREE_BYTE); /* somebody wrote to memory he had freed */
}

static void fill_red(const struct kmem_cache *c, u8 *obj)
{
	memset(obj - c->lead, RED_BYTE, c->lead);
	memset(obj + c->size, RED_BYTE, RED);
	memset(obj, NEW_BYTE, c->size);
}

static void check_red(const struct kmem_cache *c, const u8 *obj)
{
	for (u32 i = 1; i <= c->lead; i++)
		BUG_ON(obj[-(long)i] != RED_BYTE); /* written before the object's begin */
	for (u32 i = 0; i < RED; i++)
		BUG_ON(obj[c->size + i] != RED_BYTE); /* written behind its end */
}

static struct slab *slab_create(struct kmem_cache *c)
{
	u32 order = c->order;
	struct slab *s = alloc_pages_at(order, NULL);
	while (!s && order && objects_in(c, order - 1))
		s = alloc_pages_at(--order, NULL);
	if (!s)
		return NULL;
	u32 nr = objects_in(c, order);
	*s = (struct slab){ .cache = c, .nr = nr, .order = order };
	INIT_LIST_HEAD(&s->node);
	s->base = (u8 *)s + header_bytes(c, nr);
	for (u32 i = nr; i-- > 0;) {
		u8 *obj = object_at(s, i);
		s->site[i] = SITE_FREE;
		*(void **)obj = s->free;
		s->free = obj;
		if (SLAB_DEBUG)
			fill_free(c, obj);
	}
	for (u32 i = 0; i < 1u << order; i++) {
		struct page *p = page_of((u8 *)s + i * PAGE_SIZE);
		p->state = PAGE_SLAB;
		p->slab = s;
	}
	slabs.pages += 1u << order;
	c->nr_slabs++;
	return s;
}

static void slab_destroy(struct slab *s)
{
	u32 order = s->order;
	BUG_ON(s->inuse);
	s->cache->nr_slabs--;
	slabs.pages -= 1u << order;
	for (u32 i = 0; i < 1u << order; i++)
		page_of((u8 *)s + i * PAGE_SIZE)->state = PAGE_RESERVED;
	struct page *first = page_of(s);
	first->state = PAGE_USED;
	first->refs = 1;
	free_pages(s, order);
}

/* A slab with a free object, on the partial list. IF=0. */
static struct slab *slab_with_room(struct kmem_cache *c) __needs(irqs_off)
{
	if (!list_empty(&c->partial))
		return list_first_entry(&c->partial, struct slab, node);
	struct slab *s = c->empty;
	c->empty = NULL;
	if (!s)
		s = slab_create(c);
	if (s)
		list_add(&s->node, &c->partial);
	return s;
}

/* --- Caches --------------------------------------------------------------------------------------------------- */
static void cache_setup(struct kmem_cache *c, const char *name, size_t size, size_t align)
{
	BUG_ON(align & (align - 1));
	*c = (struct kmem_cache){ .name = name, .size = (u32)max(size, sizeof(void *)) };
	c->align = (u32)max_t(size_t, align, sizeof(void *));
	c->lead = SLAB_DEBUG ? max_t(u32, RED, c->align) : 0;
	c->stride = ALIGN(c->lead + c->size + (SLAB_DEBUG ? RED : 0), c->align);
	c->recip = (u32)((1ULL << 32) / c->stride) + 1;
	INIT_LIST_HEAD(&c->partial);
	INIT_LIST_HEAD(&c->full);
	while (c->order < MAX_SLAB_ORDER && objects_in(c, c->order) < 8)
		c->order++;
	BUG_ON(!objects_in(c, c->order));
	unsigned long flags = local_irq_save();
	list_add_tail(&c->all, &slabs.caches);
	local_irq_restore(flags);
}

/**
 * slab_init() - sets up kmalloc's caches.
 * Context: boot, once, after page_alloc_init().
 */
void slab_init(void)
{
	static const char *const names[NR_SIZES] = {
		"kmalloc-16",  "kmalloc-32",  "kmalloc-64",  "kmalloc-96",   "kmalloc-128",
		"kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1024", "kmalloc-2048",
	};
	INIT_LIST_HEAD(&slabs.caches);
	slabs.pages = 0;
	for (u32 i = 0; i < NR_SIZES; i++)
		cache_setup(&slabs.boot[i], names[i], sizes[i], sizes[i] % 64 ? 16 : 64);
	cache_setup(&slabs.boot[NR_SIZES], "kmem_cache", sizeof(struct kmem_cache), 8);
	for (u32 n = 0, i = 0; n < ARRAY_SIZE(slabs.class_of); n++) {
		if (n * 16 > sizes[i])
			i++;
		slabs.class_of[n] = (u8)i;
	}
}

/**
 * kmem_cache_create() - a cache of objects of one size.
 * @name: stays the caller's.
 * @align: a power of two; at least 8 is used.
 * Context: process.
 * Return: the cache, the caller's; NULL without memory.
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
	struct kmem_cache *c = kmem_cache_alloc_at(&slabs.boot[NR_SIZES], NULL);
	if (c)
		cache_setup(c, name, size, align);
	return c;
}

/**
 * kmem_cache_destroy() - ends a cache; every object must have been freed.
 * Context: process.
 * Consumes: @c.
 */
void kmem_cache_destroy(struct kmem_cache *c)
{
	BUG_ON(c->nr_objects);
	BUG_ON(!list_empty(&c->partial) || !list_empty(&c->full));
	unsigned long flags = local_irq_save();
	if (c->empty)
		slab_destroy(c->empty);
	list_del_init(&c->all);
	local_irq_restore(flags);
	kmem_cache_free(&slabs.boot[NR_SIZES], c);
}

/**
 * kmem_cache_alloc_at() - one object; its contents are undefined.
 * @site: whom to count it for; NULL for an allocator's own use.
 * Context: process, softirq.
 * Return: the object, the caller's; NULL without memory.
 */
void *kmem_cache_alloc_at(struct kmem_cache *c, struct alloc_site *site)
{
	bool refuse = site && fault_alloc(site);
	unsigned long flags = local_irq_save();
	struct slab *s = refuse ? NULL : slab_with_room(c);
	u16 nr = site_account(site, s);
	u8 *obj = NULL;
	if (s) {
		obj = s->free;
		s->free = *(void **)obj;
		u32 i = object_index(s, obj);
		BUG_ON(s->site[i] != SITE_FREE);
		s->site[i] = nr;
		c->nr_objects++;
		if (++s->inuse == s->nr) {
			list_del_init(&s->node);
			list_add(&s->node, &c->full);
		}
	}
	local_irq_restore(flags);
	if (SLAB_DEBUG && obj) {
		check_free(c, obj);
		fill_red(c, obj);
	}
	return obj;
}

/**
 * kmem_cache_zalloc_at() - kmem_cache_alloc_at(), filled with zeroes.
 * Context: process, softirq.
 * Return: the object, the caller's; NULL without memory.
 */
void *kmem_cache_zalloc_at(struct kmem_cache *c, struct alloc_site *site)
{
	void *obj = kmem_cache_alloc_at(c, site);
	if (obj)
		memset(obj, 0, c->size);
	return obj;
}

/* After a free: where the slab belongs now. IF=0. */
static void slab_settle(struct kmem_cache *c, struct slab *s, bool was_full) __needs(irqs_off)
{
	if (!s->inuse) {
		list_del_init(&s->node);
		if (c->empty)
			slab_destroy(s);
		else
			c->empty = s;
	} else if (was_full) {
		list_del_init(&s->node);
		list_add(&s->node, &c->partial);
	}
}

/**
 * kmem_cache_free() - gives an object back to its cache. A second free is a BUG.
 * Context: process, softirq.
 * Consumes: @obj.
 */
void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	struct page *page = page_of(obj);
	BUG_ON(page->state != PAGE_SLAB);
	struct slab *s = page->slab;
	BUG_ON(s->cache != c);
	unsigned long flags = local_irq_save();
	u32 i = object_index(s, obj);
	BUG_ON(s->site[i] == SITE_FREE); /* freed twice */
	if (SLAB_DEBUG) {
		check_red(c, obj);
		fill_free(c, obj);
	}
	site_release(s->site[i]);
	s->site[i] = SITE_FREE;
	*(void **)obj = s->free;
	s->free = obj;
	c->nr_objects--;
	slab_settle(c, s, s->inuse-- == s->nr);
	local_irq_restore(flags);
}

/* --- General sizes --------------------------------------------------------------------------------------------- */
static u32 order_for(size_t n)
{
	u32 order = 0;
	while (order < MAX_ORDER && (PAGE_SIZE << order) < n)
		order++;
	return order;
}

/**
 * kmalloc_at() - @n bytes, aligned to 16; the contents are undefined.
 * @site: whom to count it for.
 * Context: process, softirq.
 * Return: the memory, the caller's; NULL without memory or above 4 MiB.
 */
void *kmalloc_at(size_t n, struct alloc_site *site)
{
	if (n <= MAX_SMALL)
		return kmem_cache_alloc_at(&slabs.boot[slabs.class_of[(n + 15) / 16]], site);
	u32 order = order_for(n);
	return order < MAX_ORDER ? alloc_pages_at(order, site) : NULL;
}

/**
 * kzalloc_at() - kmalloc_at(), filled with zeroes.
 * Context: process, softirq.
 * Return: the memory, the caller's; NULL without memory.
 */
void *kzalloc_at(size_t n, struct alloc_site *site)
{
	void *p = kmalloc_at(n, site);
	if (p)
		memset(p, 0, n);
	return p;
}

/**
 * kfree() - gives back what kmalloc() gave; NULL is allowed.
 * Context: process, softirq.
 * Consumes: @p.
 */
void kfree(void *p)
{
	if (!p)
		return;
	struct page *page = page_of(p);
	if (page->state == PAGE_SLAB)
		kmem_cache_free(page->slab->cache, p);
	else
		free_pages(p, page->order);
}

/**
 * slabinfo_show() - /proc/slabinfo, in Linux's format (version 2.1, without tunables).
 * Context: process.
 */
void slabinfo_show(struct seq_file *m)
{
	struct kmem_cache *c;
	seq_puts(m, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab>\n");
	list_for_each_entry(c, &slabs.caches, all) {
		u32 per = objects_in(c, c->order);
		seq_printf(m, "%-17s %6u %6u %6u %4u %4u\n", c->name, c->nr_objects,
			   c->nr_slabs * per, c->size, per, 1u << c->order);
	}
}
