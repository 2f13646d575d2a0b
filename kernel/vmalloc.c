// SPDX-License-Identifier: MIT
/*
 * The one window where addresses are not physical: scattered pages in a row, with unmapped guard pages around.
 *
 *   window   | guard | area, len bytes | guard | ... free ... | area | guard | ...
 *
 * Used for thread stacks (the guard turns an overflow into a report), large tables, and the application's mmap.
 * Areas are kept on a list sorted by address; a new one takes the first gap that is large enough. They are few,
 * so the walk is short. The page table remembers which page stands where.
 *
 * Interface: vmalloc_init(), vmalloc(), vfree(), vm_area_*(); virt_to_phys(), ioremap().
 * Above: sched (stacks), kernel/posix (mmap), tables of net.  Below: page_alloc.c, slab, arch_map_page().
 * Context: process, softirq.  Owns: the window's areas and the pages mapped there.
 */
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/io.h>
#include <kernel/mm.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/list.h>
#include <lib/string.h>

#include "mm_internal.h"

struct vm_area {
	struct list_head node;    /* on areas.list, by address */
	unsigned long start, len; /* bytes, without the guard behind it */
	u16 site;                 /* vmalloc(): whom it is counted for */
};

static struct {
	struct list_head list;
	u64 nr;
} areas = { .list = LIST_HEAD_INIT(areas.list) };

/**
 * vmalloc_init() - enters the RAM the early page tables did not map; the window is usable from the start.
 * Context: boot, once, after arch_paging_init(), IF=0.
 */
void vmalloc_init(void)
{
	BUG_ON(!list_empty(&areas.list));
	page_alloc_add_high();
}

/* Finds the first gap for @len bytes and a guard; links @a there. False when no gap is large enough. IF=0. */
static bool area_place(struct vm_area *a, unsigned long len) __needs(irqs_off)
{
	unsigned long at = arch_vmalloc_base + PAGE_SIZE;
	unsigned long end = arch_vmalloc_base + arch_vmalloc_size;
	struct list_head *before = &areas.list;
	struct vm_area *x;
	list_for_each_entry(x, &areas.list, node) {
		if (x->start - at >= len + PAGE_SIZE) {
			before = &x->node;
			break;
		}
		at = x->start + x->len + PAGE_SIZE;
	}
	if (at > end || end - at < len + PAGE_SIZE)
		return false;
	a->start = at;
	a->len = len;
	list_add_tail(&a->node, before);
	areas.nr++;
	return true;
}

static struct vm_area *area_create(size_t len)
{
	struct vm_area *a;
	if (!len || len > arch_vmalloc_size)
		return NULL;
	a = kmalloc_at(sizeof(*a), NULL);
	if (!a)
		return NULL;
	a->site = SITE_NONE;
	unsigned long flags = local_irq_save();
	bool ok = area_place(a, ALIGN(len, PAGE_SIZE));
	local_irq_restore(flags);
	if (!ok) {
		kfree(a);
		return NULL;
	}
	return a;
}

/* Enters @a (NULL: it was refused) in the account of @site. Gives its begin. */
static void *area_account(struct vm_area *a, struct alloc_site *site)
{
	unsigned long flags = local_irq_save();
	u16 nr = site_account(site, a);
	if (a)
		a->site = nr;
	local_irq_restore(flags);
	return a ? (void *)a->start : NULL;
}

static struct vm_area *area_at(unsigned long va)
{
	struct vm_area *a, *found = NULL;
	unsigned long flags = local_irq_save();
	list_for_each_entry(a, &areas.list, node) {
		if (va >= a->start && va < a->start + a->len) {
			found = a;
			break;
		}
	}
	local_irq_restore(flags);
	return found;
}

/* The area that holds all of the range; asserted, because addresses of applications are checked above. */
static struct vm_area *area_around(const void *va, size_t len)
{
	unsigned long start = (unsigned long)va;
	struct vm_area *a = area_at(start);
	BUG_ON((start | len) & (PAGE_SIZE - 1));
	BUG_ON(!a || len > a->start + a->len - start);
	return a;
}

static void area_destroy(struct vm_area *a)
{
	vm_area_unmap((void *)a->start, a->len);
	unsigned long flags = local_irq_save();
	site_release(a->site);
	list_del_init(&a->node);
	areas.nr--;
	local_irq_restore(flags);
	kfree(a);
}

/* One zeroed page at @va. */
static int map_one(unsigned long va, unsigned int prot)
{
	void *page = alloc_page();
	if (!page)
		return -ENOMEM;
	/* Zeroed through its place in the window: that is the address it will be used by. */
	int err = arch_map_page(va, (u64)(uintptr_t)page, ARCH_PROT_WRITE);
	if (err) {
		free_pages(page, 0);
		return err;
	}
	memset((void *)va, 0, PAGE_SIZE);
	if (prot != ARCH_PROT_WRITE)
		err = arch_protect_page(va, prot, true);
	BUG_ON(err);
	return 0;
}

/**
 * vm_area_reserve() - address space for @len bytes with guard pages around, nothing mapped.
 * Context: process.
 * Return: its begin, the caller's until vm_area_release(); NULL without memory or gap.
 */
void *vm_area_reserve(size_t len)
{
	struct alloc_site *site = ALLOC_SITE();
	struct vm_area *a = fault_alloc(site) ? NULL : area_create(len);
	return area_account(a, site);
}

/**
 * vm_area_map() - maps zeroed pages in a reservation, at pages that are not mapped yet.
 * @prot: ARCH_PROT_*.
 * Context: process.
 * Return: 0; -ENOMEM, and what was mapped by this call is unmapped again.
 */
int vm_area_map(void *va, size_t len, unsigned int prot)
{
	unsigned long start = (unsigned long)va;
	area_around(va, len);
	for (unsigned long off = 0; off < len; off += PAGE_SIZE) {
		int err = map_one(start + off, prot);
		if (err) {
			vm_area_unmap(va, off);
			return err;
		}
	}
	return 0;
}

/**
 * vm_area_unmap() - unmaps and frees what is mapped in a part of a reservation.
 * Context: process.
 */
void vm_area_unmap(void *va, size_t len)
{
	unsigned long start = (unsigned long)va;
	if (!len)
		return;
	area_around(va, len);
	for (unsigned long off = 0; off < len; off += PAGE_SIZE) {
		u64 pa = arch_unmap_page(start + off);
		if (pa)
			free_pages((void *)(uintptr_t)pa, 0);
	}
}

/**
 * vm_area_protect() - changes the protection of mapped pages.
 * @present: false makes every access fault, the pages stay.
 * Context: process.
 * Return: 0; -ENOMEM a page of the range is not mapped (those before it are changed).
 */
int vm_area_protect(void *va, size_t len, unsigned int prot, bool present)
{
	unsigned long start = (unsigned long)va;
	area_around(va, len);
	for (unsigned long off = 0; off < len; off += PAGE_SIZE)
		if (arch_protect_page(start + off, prot, present))
			return -ENOMEM;
	return 0;
}

/**
 * vm_area_size() - length of the reservation that begins at @va.
 * Context: process.
 * Return: bytes; 0 when none begins there.
 */
size_t vm_area_size(const void *va)
{
	struct vm_area *a = area_at((unsigned long)va);
	return a && a->start == (unsigned long)va ? a->len : 0;
}

/**
 * vm_area_release() - unmaps what is mapped and gives the address space back.
 * Context: process.
 * Consumes: the reservation that begins at @va.
 */
void vm_area_release(void *va)
{
	struct vm_area *a = area_at((unsigned long)va);
	BUG_ON(!a || a->start != (unsigned long)va);
	area_destroy(a);
}

/**
 * vm_areas_live() - how many reservations there are.
 * Context: any.
 * Return: the count.
 */
u64 vm_areas_live(void)
{
	return areas.nr;
}

/**
 * vmalloc_at() - @n zeroed bytes in a row, guard pages around.
 * @site: whom to count it for.
 * Context: process, softirq.
 * Return: the memory, page-aligned, the caller's; NULL without memory.
 */
void *vmalloc_at(size_t n, struct alloc_site *site)
{
	bool refuse = site && fault_alloc(site);
	struct vm_area *a = refuse ? NULL : area_create(n);
	if (a && vm_area_map((void *)a->start, a->len, ARCH_PROT_WRITE)) {
		area_destroy(a);
		a = NULL;
	}
	return area_account(a, site);
}

/**
 * vfree() - gives back what vmalloc() gave; NULL is allowed.
 * Context: process, softirq.
 * Consumes: @p.
 */
void vfree(void *p)
{
	if (p)
		vm_area_release(p);
}

/**
 * virt_to_phys() - physical address behind a mapped kernel address, for DMA. BUG when nothing is mapped there.
 * Context: process, softirq.
 * Return: the address; it says nothing about the next page.
 */
u64 virt_to_phys(const void *p)
{
	return arch_virt_to_phys(p);
}

/**
 * ioremap() - makes device memory usable, uncached.
 * Context: process.
 * Return: where it is; NULL without memory for page tables.
 */
void __iomem *ioremap(u64 phys, size_t len)
{
	BUG_ON(!len);
	return arch_ioremap(phys, len);
}
