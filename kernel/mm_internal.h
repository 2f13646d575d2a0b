/* SPDX-License-Identifier: MIT */
/*
 * What the memory rooms (page_alloc.c, slab.c, vmalloc.c) share: the page array and the accounts per site.
 */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H
#include <kernel/mm.h>
#include <lib/capability.h>
#include <lib/types.h>

enum page_state {
	PAGE_RESERVED, /* not RAM, taken at boot, or inside a block whose first page says what it is */
	PAGE_FREE,     /* first page of a free block */
	PAGE_USED,     /* first page of an allocated block */
	PAGE_SLAB,     /* any page of a slab; .slab is valid */
};

/* One page of RAM. Free-list links are indices, so that memory that is not mapped yet can be listed. */
struct page {
	union {
		struct {
			u32 next, prev; /* PAGE_FREE: neighbours on the free list, or NO_PAGE */
		};
		struct slab *slab; /* PAGE_SLAB */
		u32 refs;          /* PAGE_USED */
	};
	u8 state; /* enum page_state */
	u8 order; /* PAGE_FREE, PAGE_USED and the first page of a slab */
	u16 site; /* PAGE_USED: site number */
};
#define NO_PAGE UINT32_MAX

void page_alloc_add_high(void)
	__needs(irqs_off); /* enters the RAM above 4 GiB; once, by vmalloc_init() */

/* The page that holds @p; BUG when @p is no memory of the page allocator. */
struct page *page_of(const void *p);

/*
 * Sites by number, to fit in 16 bits: SITE_NONE is the allocators' own use, which is no object of anybody.
 * SITE_FREE marks a free object in a slab.
 */
enum { SITE_NONE = 0, SITE_FREE = 0xffff };
/* Counts one allocation (@ok) or one refusal at @site; returns its number. NULL site: SITE_NONE. IF=0. */
u16 site_account(struct alloc_site *site, bool ok) __needs(irqs_off);
void site_release(u16 nr) __needs(irqs_off); /* counts one object less. IF=0 */

#endif
