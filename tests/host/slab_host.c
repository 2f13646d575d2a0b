// SPDX-License-Identifier: MIT
/*
 * kernel/slab.c's twin on the host: each object is one malloc(), so that the sanitizer sees every overrun, every
 * use after free and every leak; accounts per site and fail-the-nth (fault.h) work as in the kernel.
 *
 *   | struct head (poisoned) | the caller's bytes |
 *
 * Interface: the slab part of <kernel/mm.h>.  Owns: the heads.
 */
#include <stdlib.h>
#include <string.h>

#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <lib/bug.h>

#include "../../kernel/mm_internal.h"

#define MAGIC 0x51ab51abu

struct kmem_cache {
	const char *name;
	size_t size, align;
	u64 objects;
};

struct head {                     /* right before the object */
	struct kmem_cache *cache; /* NULL: kmalloc() */
	size_t lead;              /* bytes from the malloc() block to the object */
	u16 site;
	u32 magic;
};

extern void __asan_poison_memory_region(const volatile void *p, size_t n) __attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *p, size_t n) __attribute__((weak));

static void *object_alloc(struct kmem_cache *c, size_t size, size_t align, struct alloc_site *site)
{
	bool refuse = site && fault_alloc(site);
	size_t lead = ALIGN(sizeof(struct head), align);
	void *p = NULL;
	u8 *block = refuse || posix_memalign(&p, align, lead + size) ? NULL
								     : p; /* the exact end counts */
	unsigned long flags = local_irq_save();
	u16 nr = site_account(site, block);
	local_irq_restore(flags);
	if (!block)
		return NULL;
	struct head *h = (struct head *)(block + lead) - 1;
	*h = (struct head){ .cache = c, .lead = lead, .site = nr, .magic = MAGIC };
	memset(block + lead, 0x5a, size);
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(block, lead);
	return block + lead;
}

static void object_free(struct kmem_cache *c, void *obj)
{
	struct head *h = (struct head *)obj - 1;
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(h, sizeof(*h));
	BUG_ON(h->magic != MAGIC || h->cache != c);
	u8 *block = (u8 *)obj - h->lead;
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(block, h->lead);
	unsigned long flags = local_irq_save();
	site_release(h->site);
	local_irq_restore(flags);
	h->magic = 0;
	free(block);
}

void slab_init(void)
{
}

u64 slab_pages(void)
{
	return 0;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
	struct kmem_cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->name = name;
	c->size = size;
	c->align = align < 16 ? 16 : align;
	return c;
}

void kmem_cache_destroy(struct kmem_cache *c)
{
	BUG_ON(c->objects);
	free(c);
}

void *kmem_cache_alloc_at(struct kmem_cache *c, struct alloc_site *site)
{
	void *p = object_alloc(c, c->size, c->align, site);
	c->objects += p != NULL;
	return p;
}

void *kmem_cache_zalloc_at(struct kmem_cache *c, struct alloc_site *site)
{
	void *p = kmem_cache_alloc_at(c, site);
	return p ? memset(p, 0, c->size) : NULL;
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	object_free(c, obj);
	c->objects--;
}

void *kmalloc_at(size_t n, struct alloc_site *site)
{
	if (n > PAGE_SIZE << (MAX_ORDER - 1))
		return NULL;
	return object_alloc(NULL, n, n > 2048 ? PAGE_SIZE : n % 64 || !n ? 16 : 64, site);
}

void *kzalloc_at(size_t n, struct alloc_site *site)
{
	void *p = kmalloc_at(n, site);
	return p ? memset(p, 0, n) : NULL;
}

void kfree(void *p)
{
	if (p)
		object_free(NULL, p);
}

void slabinfo_show(struct seq_file *m)
{
	seq_puts(m, "slabinfo - version: 2.1\n");
}
