// SPDX-License-Identifier: MIT
/*
 * Pages: a buddy allocator over the loader's memory map, and the accounts of who allocates.
 *
 * A block of order n is 2^n pages, aligned to its size in physical addresses. Only the first page of a block says
 * what the block is; all other entries of the page array read PAGE_RESERVED, so "is my buddy free?" is one look
 * at one entry. The array (16 bytes a page) lies in the lowest RAM that has room. Lower addresses are given out
 * first. RAM above 4 GiB is entered by page_alloc_add_high() when the kernel's own page tables map it.
 *
 *   page array    [0] . . . [i] . . .         index = (address >> 12) - base_pfn
 *   free_list[n] -> first page of a free block -> ... -> NO_PAGE
 *
 * Interface: alloc_pages(), free_pages(), page_get(), page_put(), pages_*(); mm_live_objects(), mm_baseline(),
 * mm_report_leaks(), allocinfo_show().
 * Above: slab, vmalloc, everybody.  Below: boot_info, printk.
 * Context: process, softirq; IF=0 for O(MAX_ORDER) steps.  Owns: all RAM that is free.
 */
#include <kernel/mm.h>

#include <kernel/boot_info.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <lib/bug.h>
#include <lib/string.h>

#include "mm_internal.h"

#define EARLY_LIMIT (1ULL << 32) /* the early page tables map this much */
#define MIN_PAGES                                                                                  \
	(2560 / (PAGE_SIZE >> 10)) /* 2.5 MiB: less cannot carry stack, rings and a socket */
enum { MAX_HOLES = BOOT_MAX_MODULES + 3, KIB_PER_PAGE = PAGE_SIZE >> 10 };

struct hole {
	u64 base, end;
};

static struct {
	struct page *page; /* the array */
	u64 base_pfn;
	u32 nr;                   /* entries */
	u32 free_list[MAX_ORDER]; /* index of the first block, or NO_PAGE */
	u64 total, free;          /* pages */
	struct hole hole[MAX_HOLES];
	u32 nr_holes;
	const struct boot_info *boot; /* till high memory is entered */
} pg;

static_assert(sizeof(struct page) == 16, "the page array costs 16 bytes a page");

/* --- Accounts per site ------------------------------------------------------------------------------------ */
/**
 * site_account() - counts one allocation (@ok) or one refusal at @site.
 * Context: any, IF=0.
 * Return: the site's number; SITE_NONE for a refusal or a NULL site.
 */
u16 site_account(struct alloc_site *site, bool ok)
{
	if (!site)
		return SITE_NONE;
	if (!ok) {
		site->failed++;
		return SITE_NONE;
	}
	size_t nr = (size_t)(site - __start_alloc_sites) + 1;
	BUG_ON(nr >= SITE_FREE);
	site->live++;
	site->total++;
	return (u16)nr;
}

/**
 * site_release() - counts one object of site number @nr less.
 * Context: any, IF=0.
 */
void site_release(u16 nr)
{
	if (nr == SITE_NONE)
		return;
	struct alloc_site *site = &__start_alloc_sites[nr - 1];
	BUG_ON(!site->live);
	site->live--;
}

/**
 * mm_live_objects() - counts what is allocated and not freed, of all kinds and sites.
 * Context: any.
 * Return: the count.
 */
u64 mm_live_objects(void)
{
	u64 n = 0;
	for_each_alloc_site(s) n += s->live;
	return n;
}

/**
 * mm_baseline() - declares what lives now the kernel's own: no leak at exit.
 * Context: process.
 */
void mm_baseline(void)
{
	for_each_alloc_site(s) s->baseline = s->live;
}

/**
 * mm_report_leaks() - prints each site that has more live objects than at the baseline.
 * Context: process.
 * Return: number of objects above the baseline.
 */
u64 mm_report_leaks(void)
{
	u64 n = 0;
	for_each_alloc_site(s)
	{
		if (s->live <= s->baseline)
			continue;
		n += s->live - s->baseline;
		pr_err("mm: leak: %u live from %s:%u (of %llu allocated)", s->live - s->baseline,
		       s->file, s->line, (unsigned long long)s->total);
	}
	return n;
}

/**
 * allocinfo_show() - /proc/allocinfo: a line for each allocation site, in the order of their numbers.
 * Context: process.
 */
void allocinfo_show(struct seq_file *m)
{
	seq_puts(m, "allocinfo - version: 1.0, counts by object\n# live    total   failed site\n");
	for_each_alloc_site(s)
		seq_printf(m, "%6u %8llu %8llu %s:%u\n", s->live, (unsigned long long)s->total,
			   (unsigned long long)s->failed, s->file, s->line);
}

/* --- The page array ------------------------------------------------------------------------------------------ */
static u32 index_of(const void *p)
{
	u64 i = ((u64)(uintptr_t)p >> PAGE_SHIFT) - pg.base_pfn;
	BUG_ON(i >= pg.nr);
	return (u32)i;
}

static void *address_of(u32 i)
{
	return (void *)(uintptr_t)((pg.base_pfn + i) << PAGE_SHIFT);
}

/**
 * page_of() - the entry of the page that holds @p; BUG when @p is no memory of ours.
 * Context: any.
 * Return: the entry.
 */
struct page *page_of(const void *p)
{
	return &pg.page[index_of(p)];
}

static void list_push(u32 i, u32 order)
{
	struct page *p = &pg.page[i];
	u32 head = pg.free_list[order];
	p->state = PAGE_FREE;
	p->order = (u8)order;
	p->next = head;
	p->prev = NO_PAGE;
	if (head != NO_PAGE)
		pg.page[head].prev = i;
	pg.free_list[order] = i;
}

static void list_take(u32 i)
{
	struct page *p = &pg.page[i];
	BUG_ON(p->state != PAGE_FREE);
	if (p->prev == NO_PAGE)
		pg.free_list[p->order] = p->next;
	else
		pg.page[p->prev].next = p->next;
	if (p->next != NO_PAGE)
		pg.page[p->next].prev = p->prev;
	p->state = PAGE_RESERVED;
}

/* Index of the block of @order that together with @i makes one of order + 1. By physical address. */
static u64 buddy_of(u32 i, u32 order)
{
	return ((pg.base_pfn + i) ^ (1ULL << order)) - pg.base_pfn;
}

/* Enters a free block and joins it with its buddies. IF=0. */
static void block_free(u32 i, u32 order) __needs(irqs_off)
{
	pg.free += 1ULL << order;
	while (order < MAX_ORDER - 1) {
		u64 b = buddy_of(i, order);
		if (b >= pg.nr || pg.page[b].state != PAGE_FREE || pg.page[b].order != order)
			break;
		list_take((u32)b);
		i = min(i, (u32)b);
		order++;
	}
	list_push(i, order);
}

/* Takes a block, splitting a larger one: the lower half goes on, the upper one stays free. IF=0. */
static u32 block_alloc(u32 order) __needs(irqs_off)
{
	u32 o = order;
	while (o < MAX_ORDER && pg.free_list[o] == NO_PAGE)
		o++;
	if (o == MAX_ORDER)
		return NO_PAGE;
	u32 i = pg.free_list[o];
	list_take(i);
	while (o > order) {
		o--;
		list_push(i + (1u << o), o);
	}
	pg.free -= 1ULL << order;
	return i;
}

/**
 * alloc_pages_at() - takes 2^@order pages, aligned to their size; the contents are undefined.
 * @site: whom to count it for; NULL for an allocator's own use.
 * Context: process, softirq.
 * Return: the block, owned by the caller with one reference; NULL when there is none.
 */
void *alloc_pages_at(unsigned int order, struct alloc_site *site)
{
	BUG_ON(order >= MAX_ORDER);
	bool refuse = site && fault_alloc(site);
	unsigned long flags = local_irq_save();
	u32 i = refuse ? NO_PAGE : block_alloc(order);
	u16 nr = site_account(site, i != NO_PAGE);
	if (i != NO_PAGE) {
		struct page *p = &pg.page[i];
		p->state = PAGE_USED;
		p->order = (u8)order;
		p->refs = 1;
		p->site = nr;
	}
	local_irq_restore(flags);
	return i == NO_PAGE ? NULL : address_of(i);
}

/**
 * zalloc_pages_at() - alloc_pages_at(), filled with zeroes.
 * Context: process, softirq.
 * Return: the block, the caller's; NULL when there is none.
 */
void *zalloc_pages_at(unsigned int order, struct alloc_site *site)
{
	void *p = alloc_pages_at(order, site);
	if (p)
		memset(p, 0, PAGE_SIZE << order);
	return p;
}

static void block_release(void *p, struct page *page) __needs(irqs_off)
{
	site_release(page->site);
	page->state = PAGE_RESERVED;
	block_free(index_of(p), page->order);
}

/**
 * free_pages() - gives a block back that nobody else holds a reference on.
 * @order: the one it was allocated with; asserted, as is a second free.
 * Context: process, softirq.
 * Consumes: @p.
 */
void free_pages(void *p, unsigned int order)
{
	struct page *page = page_of(p);
	BUG_ON((uintptr_t)p & (PAGE_SIZE - 1));
	unsigned long flags = local_irq_save();
	BUG_ON(page->state != PAGE_USED);
	BUG_ON(page->order != order);
	BUG_ON(page->refs != 1);
	block_release(p, page);
	local_irq_restore(flags);
}

/**
 * page_get() - one more reference on the allocated block that begins at @p.
 * Context: process, softirq.
 */
void page_get(void *p)
{
	struct page *page = page_of(p);
	unsigned long flags = local_irq_save();
	BUG_ON(page->state != PAGE_USED || !page->refs);
	page->refs++;
	local_irq_restore(flags);
}

/**
 * page_put() - drops a reference on the block that begins at @p; the last one frees it.
 * Context: process, softirq.
 * Consumes: the reference.
 */
void page_put(void *p)
{
	struct page *page = page_of(p);
	unsigned long flags = local_irq_save();
	BUG_ON(page->state != PAGE_USED || !page->refs);
	if (--page->refs == 0)
		block_release(p, page);
	local_irq_restore(flags);
}

/**
 * pages_total() - pages the allocator manages, free or not.
 * Context: any.
 * Return: the count.
 */
u64 pages_total(void)
{
	return pg.total;
}

/**
 * pages_free() - pages that are free now.
 * Context: any.
 * Return: the count.
 */
u64 pages_free(void)
{
	return pg.free;
}

/* --- Boot ------------------------------------------------------------------------------------------------------ */
static void add_hole(u64 base, u64 end)
{
	if (base >= end)
		return;
	BUG_ON(pg.nr_holes >= MAX_HOLES);
	pg.hole[pg.nr_holes].base = ALIGN_DOWN(base, PAGE_SIZE);
	pg.hole[pg.nr_holes++].end = ALIGN(end, PAGE_SIZE);
}

/*
 * The next piece of RAM in [@at, @end) that no hole touches: true with its bounds. Holes are few and unsorted.
 */
static bool next_piece(u64 at, u64 end, u64 *from, u64 *to)
{
	bool moved = true;
	while (moved && at < end) {
		moved = false;
		for (u32 i = 0; i < pg.nr_holes; i++) {
			if (pg.hole[i].base <= at && at < pg.hole[i].end) {
				at = pg.hole[i].end;
				moved = true;
			}
		}
	}
	if (at >= end)
		return false;
	for (u32 i = 0; i < pg.nr_holes; i++)
		if (pg.hole[i].base > at && pg.hole[i].base < end)
			end = pg.hole[i].base;
	*from = at;
	*to = end;
	return true;
}

/* Frees the pages of [@from, @to) in the largest aligned blocks, upper ones first: the lowest is used first. */
static void free_range(u64 from, u64 to) __needs(irqs_off)
{
	u64 lo = from >> PAGE_SHIFT, hi = to >> PAGE_SHIFT;
	pg.total += hi - lo;
	while (hi > lo) {
		u32 order = MAX_ORDER - 1;
		while ((hi & ((1ULL << order) - 1)) || (1ULL << order) > hi - lo)
			order--;
		hi -= 1ULL << order;
		block_free((u32)(hi - pg.base_pfn), order);
	}
}

/* Enters what lies in [@lo, @hi) of region @r, without the holes. Pieces go in from above. */
static void add_region(const struct boot_region *r, u64 lo, u64 hi) __needs(irqs_off)
{
	u64 at = max(r->base, lo), end = min(r->base + r->len, hi);
	while (at < end) {
		u64 from = 0, to = 0, last_from = 0, last_to = 0, scan = at;
		while (next_piece(scan, end, &from, &to)) {
			last_from = from;
			last_to = to;
			scan = to;
		}
		if (last_to <= last_from)
			return;
		free_range(last_from, last_to);
		end = last_from;
	}
}

static void add_regions(u64 lo, u64 hi) __needs(irqs_off)
{
	for (u32 i = pg.boot->nr_regions; i-- > 0;)
		add_region(&pg.boot->region[i], lo, hi);
}

/* The lowest @bytes of RAM that are in nobody's way; 0 when there are none. */
static u64 find_room(u64 bytes)
{
	for (u32 i = 0; i < pg.boot->nr_regions; i++) {
		const struct boot_region *r = &pg.boot->region[i];
		u64 from, to, at = r->base;
		while (next_piece(at, r->base + r->len, &from, &to)) {
			if (to - from >= bytes)
				return from;
			at = to;
		}
	}
	return 0;
}

static void __noreturn too_small(u64 pages)
{
	pr_err("page_alloc: only %llu KiB of memory beside image and modules, at least %lu KiB are "
	       "needed",
	       (unsigned long long)(pages * KIB_PER_PAGE), MIN_PAGES * KIB_PER_PAGE);
	kernel_exit(EXIT_NO_MEMORY);
}

/* The array spans all regions, but not a far one that would make it cost more than 1/32 of RAM. */
static u64 choose_span(const struct boot_info *b)
{
	for (u32 n = b->nr_regions; n > 0; n--) {
		const struct boot_region *top = &b->region[n - 1];
		u64 pages = ((top->base + top->len) >> PAGE_SHIFT) - pg.base_pfn;
		if (pages < NO_PAGE && pages * sizeof(struct page) <= b->ram_bytes / 32 + PAGE_SIZE)
			return pages;
		pr_warn("page_alloc: RAM at 0x%llx lies too far away to be used",
			(unsigned long long)top->base);
	}
	return 0;
}

static u64 early_end(void)
{
	return (pg.base_pfn << PAGE_SHIFT) + EARLY_LIMIT;
}

static u64 array_end(void)
{
	return (pg.base_pfn + pg.nr) << PAGE_SHIFT;
}

/**
 * page_alloc_init() - builds the page array and enters the RAM below 4 GiB.
 * @b: the memory map; must stay (the high part is read by vmalloc_init()).
 * Context: boot, once, IF=0. Ends the run with EXIT_NO_MEMORY when there is too little.
 */
void page_alloc_init(const struct boot_info *b)
{
	pg.boot = b;
	pg.total = pg.free = 0;
	pg.nr_holes = 0;
	for (u32 o = 0; o < MAX_ORDER; o++)
		pg.free_list[o] = NO_PAGE;
	if (!b->nr_regions)
		too_small(0);
	pg.base_pfn = b->region[0].base >> PAGE_SHIFT;
	add_hole(0, PAGE_SIZE); /* BIOS data, and the page that catches NULL */
	add_hole(b->image_base, b->image_end);
	for (u32 i = 0; i < b->nr_modules; i++)
		add_hole(b->module[i].base, b->module[i].base + b->module[i].len);
	u64 span = choose_span(b);
	u64 bytes = ALIGN(span * sizeof(struct page), PAGE_SIZE);
	u64 at = span ? find_room(bytes) : 0;
	if (!at)
		too_small(b->ram_bytes >> PAGE_SHIFT);
	pg.page = (struct page *)(uintptr_t)at;
	pg.nr = (u32)span;
	memset(pg.page, 0, bytes);
	add_hole(at, at + bytes);
	add_regions(0, min(early_end(), array_end()));
	if (pg.free < MIN_PAGES)
		too_small(pg.free);
}

/**
 * page_alloc_add_high() - enters the RAM the early page tables did not map.
 * Context: boot, once, from vmalloc_init(), IF=0.
 */
void page_alloc_add_high(void)
{
	if (array_end() > early_end())
		add_regions(early_end(), array_end());
}
