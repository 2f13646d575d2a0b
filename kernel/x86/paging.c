// SPDX-License-Identifier: MIT
/*
 * Page tables. RAM is identity-mapped, tightly: usable regions and nothing else, by 2 MiB pages where they fit;
 * text read-execute, rodata and modules read-only, the rest read-write and never executable; page 0 and the
 * guard pages of the fixed stacks are not mapped. Device memory is mapped uncached at its own address on demand.
 * One window far above all RAM maps scattered pages; its tables come and go with its pages, so that they do not
 * look like leaks: an entry that points to a table keeps the number of used entries in its ignored bits 52..61.
 *
 * Interface: arch_paging_init, arch_map_page, arch_unmap_page, arch_protect_page, arch_virt_to_phys, arch_ioremap,
 * arch_vmalloc_base/size, arch_user_range (<kernel/arch.h>), x86_mapped, x86_guard_name, arch_early_map_gib. Above: kernel/vmalloc.c,
 * drivers. Below: kernel/page_alloc.c for tables. Context: boot; window calls any but hardirq.
 * Owns: CR3 and every table. Specs: Intel SDM vol. 3 4.5, 4.6, 4.10.
 */
#include <kernel/arch.h>
#include <kernel/boot_info.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>

#include "x86.h"

#define PTE_P      BIT(0)
#define PTE_W      BIT(1)
#define PTE_PWT    BIT(3)
#define PTE_PCD    BIT(4)
#define PTE_PS     BIT(7) /* in a directory: a 2 MiB page */
#define PTE_G      BIT(8)
#define PTE_NX     BIT(63)
#define PTE_ADDR   0x000ffffffffff000UL
#define PTE_COUNT  52 /* bits 52..61 of an entry that points to a table: its used entries */
#define COUNT_MASK (0x3ffUL << PTE_COUNT)
#define BIG_PAGE   (2UL << 20)
#define ENTRIES    512
#define LEVELS     4 /* level 3 is the root, level 0 holds 4 KiB pages */

const unsigned long arch_vmalloc_base = 0x400000000000UL;
const unsigned long arch_vmalloc_size = 16UL << 30;

static u64 *root;   /* NULL while the boot tables are in use */
static u64 nx;      /* PTE_NX where the CPU has it */
static u64 ram_top; /* one past the highest byte that is identity-mapped RAM */

static unsigned int index_of(unsigned long va, int level)
{
	return va >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

static u64 *table_of(u64 entry)
{
	return (u64 *)(entry & PTE_ADDR);
}

static void flush_page(unsigned long va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static u64 page_flags(unsigned int prot)
{
	return PTE_P | PTE_G | ((prot & ARCH_PROT_WRITE) ? PTE_W : 0) |
	       ((prot & ARCH_PROT_EXEC) ? 0 : nx) |
	       ((prot & ARCH_PROT_NOCACHE) ? PTE_PCD | PTE_PWT : 0);
}

/* The same page's worth of 4 KiB entries in place of a 2 MiB one. False without memory. */
static bool split(u64 *entry)
{
	u64 *table = zalloc_pages_at(0, NULL);
	u64 old = *entry;

	if (!table)
		return false;
	for (u64 i = 0; i < ENTRIES; i++)
		table[i] = (old & ~PTE_PS) + (i << PAGE_SHIFT);
	*entry = (u64)table | PTE_P | PTE_W;
	return true;
}

/* The entry for @va at @level (0 or 1), with the tables above it made. NULL without memory. */
static u64 *entry_at(unsigned long va, int level)
{
	u64 *table = root;

	for (int l = LEVELS - 1; l > level; l--) {
		u64 *e = &table[index_of(va, l)];

		if (!(*e & PTE_P)) {
			u64 *fresh = zalloc_pages_at(0, NULL);

			if (!fresh)
				return NULL;
			*e = (u64)fresh | PTE_P | PTE_W;
		} else if (l == 1 && (*e & PTE_PS) && !split(e)) {
			return NULL;
		}
		table = table_of(*e);
	}
	return &table[index_of(va, level)];
}

/* Identity-maps [from, to) with @flags; 0 unmaps. Overrides what was there. 0 or -ENOMEM. */
static int map_identity(u64 from, u64 to, u64 flags)
{
	BUG_ON((from | to) & (PAGE_SIZE - 1));
	while (from < to) {
		bool big = !(from & (BIG_PAGE - 1)) && to - from >= BIG_PAGE;
		u64 *e = entry_at(from, big);

		if (!e)
			return -ENOMEM;
		if (big && (*e & PTE_P) && !(*e & PTE_PS)) { /* split before: page by page */
			big = false;
			e = entry_at(from, 0);
		}
		*e = flags ? from | flags | (big ? PTE_PS : 0) : 0;
		flush_page(from);
		from += big ? BIG_PAGE : PAGE_SIZE;
	}
	return 0;
}

static const struct {
	const char *page;
	const char *name;
} guards[] = {
	{ boot_stack_guard, "boot stack" },
	{ ist1_guard, "interrupt entry stack" },
	{ ist2_guard, "fault stack" },
	{ ist3_guard, "double fault stack" },
};

/**
 * x86_guard_name() - whose fixed guard page is this?
 * @va: an address
 *
 * Context: any. Return: the stack's name (static text), NULL when it is none.
 */
const char *x86_guard_name(unsigned long va)
{
	for (size_t i = 0; i < ARRAY_SIZE(guards); i++)
		if (va - (unsigned long)guards[i].page < PAGE_SIZE)
			return guards[i].name;
	return NULL;
}

static int map_image(const struct boot_info *b)
{
	u64 text = (u64)__text_start, rodata = (u64)__rodata_start, data = (u64)__data_start;
	int err = map_identity(text, rodata, page_flags(ARCH_PROT_EXEC));

	err = err ? err : map_identity(rodata, data, page_flags(0));
	err = err ? err : map_identity(data, b->image_end, page_flags(ARCH_PROT_WRITE));
	for (size_t i = 0; i < ARRAY_SIZE(guards) && !err; i++)
		err = map_identity((u64)guards[i].page, (u64)guards[i].page + PAGE_SIZE, 0);
	return err;
}

static int map_everything(const struct boot_info *b)
{
	int err = 0;

	for (u32 i = 0; i < b->nr_regions && !err; i++) {
		const struct boot_region *r = &b->region[i];

		err = map_identity(r->base, r->base + r->len, page_flags(ARCH_PROT_WRITE));
		ram_top = max(ram_top, r->base + r->len);
	}
	for (u32 i = 0; i < b->nr_modules && !err; i++) {
		const struct boot_module *m = &b->module[i];

		err = map_identity(ALIGN_DOWN(m->base, PAGE_SIZE),
				   ALIGN(m->base + m->len, PAGE_SIZE), page_flags(0));
		ram_top = max(ram_top, ALIGN(m->base + m->len, PAGE_SIZE));
	}
	return err ? err : map_image(b);
}

/**
 * arch_paging_init() - our own page tables in place of the boot tables
 * @b: the regions, modules and image to map
 *
 * Ends the run with status 66 when memory does not suffice for the tables. Context: boot, after
 * page_alloc_init(), IF=0. Source: SDM vol. 3 4.5.
 */
void arch_paging_init(const struct boot_info *b)
{
	nx = x86_features.nx ? PTE_NX : 0;
	root = zalloc_pages_at(0, NULL);
	/* the window's top table is made now and stays: so the tables below it can come and go in pairs */
	if (!root || map_everything(b) || !entry_at(arch_vmalloc_base, 2)) {
		printk(LOG_EMERG, "paging: not enough memory for page tables");
		kernel_exit(EXIT_NO_MEMORY);
	}
	BUG_ON(ram_top > arch_vmalloc_base);
	__asm__ volatile("mov %0, %%cr3" ::"r"(root) : "memory");
}

/**
 * arch_early_map_gib() - boot tables: one GiB more, above the first four
 * @base: its first address
 * @table: a page below 4 GiB that becomes its directory; taken for good
 *
 * Context: boot, before arch_paging_init().
 */
void arch_early_map_gib(u64 base, u64 table)
{
	u64 gib = base >> 30;
	u64 *directory = (u64 *)table;

	BUG_ON(root || gib >= ENTRIES || (base & ((1UL << 30) - 1)));
	for (u64 i = 0; i < ENTRIES; i++)
		directory[i] = base + i * BIG_PAGE + (PTE_P | PTE_W | PTE_PS);
	boot_pdpt[gib] = table | PTE_P | PTE_W;
}

/* The entry that maps @va, or NULL when some table on the way is missing; *level gets 0 or 1. */
static u64 *lookup(unsigned long va, int *level)
{
	u64 *table = root;

	for (int l = LEVELS - 1;; l--) {
		u64 *e = &table[index_of(va, l)];

		*level = l;
		if (l == 0 || (l == 1 && (*e & PTE_PS)))
			return e;
		if (!(*e & PTE_P))
			return NULL;
		table = table_of(*e);
	}
}

/**
 * x86_mapped() - may @va be read without a fault?
 * @va: any address
 *
 * Context: any. Return: true when a page is there; before our own tables, for all but page 0 below 4 GiB.
 */
bool x86_mapped(unsigned long va)
{
	const u64 *e;
	int level;

	if (!root)
		return va >= PAGE_SIZE && va < 4UL << 30;
	if (va >> 47)
		return false;
	e = lookup(va, &level);
	return e && (*e & PTE_P);
}

static bool in_window(unsigned long va)
{
	return va - arch_vmalloc_base < arch_vmalloc_size;
}

/* Takes tables of the window back that hold nothing any more: @va's, then the one above it. */
static void release_tables(unsigned long va)
{
	u64 *third = table_of(root[index_of(va, 3)]);
	u64 *second = table_of(third[index_of(va, 2)]);
	u64 *e1 = &second[index_of(va, 1)], *e2 = &third[index_of(va, 2)];
	u64 gone;

	if (*e1 & COUNT_MASK)
		return;
	gone = *e1;
	*e1 = 0;
	flush_page(va); /* also forgets the cached upper levels: SDM vol. 3 4.10.4.1 */
	free_pages(table_of(gone), 0);
	*e2 -= 1UL << PTE_COUNT;
	if (*e2 & COUNT_MASK)
		return;
	gone = *e2;
	*e2 = 0;
	flush_page(va);
	free_pages(table_of(gone), 0);
}

/**
 * arch_map_page() - maps one page in the window
 * @va: where, page-aligned, nothing mapped there
 * @pa: the page; stays the caller's
 * @prot: ARCH_PROT_* bits
 *
 * Context: any but hardirq. Return: 0, -ENOMEM (nothing changed then).
 */
int arch_map_page(unsigned long va, u64 pa, unsigned int prot)
{
	unsigned long flags = arch_irq_save();
	u64 *third, *second, *e2, *e1, *e;
	int err = -ENOMEM;

	BUG_ON(!in_window(va) || ((va | pa) & (PAGE_SIZE - 1)));
	third = table_of(root[index_of(va, 3)]);
	e2 = &third[index_of(va, 2)];
	if (!*e2) {
		second = zalloc_pages_at(0, NULL);
		if (!second)
			goto out;
		*e2 = (u64)second | PTE_P | PTE_W;
	}
	second = table_of(*e2);
	e1 = &second[index_of(va, 1)];
	if (!*e1) {
		u64 *first = zalloc_pages_at(0, NULL);

		if (!first) {
			if (!(*e2 & COUNT_MASK)) { /* made above, holds nothing */
				*e2 = 0;
				free_pages(second, 0);
			}
			goto out;
		}
		*e1 = (u64)first | PTE_P | PTE_W;
		*e2 += 1UL << PTE_COUNT;
	}
	e = &table_of(*e1)[index_of(va, 0)];
	BUG_ON(*e);
	*e = pa | page_flags(prot);
	*e1 += 1UL << PTE_COUNT;
	err = 0;
out:
	arch_irq_restore(flags);
	return err;
}

/* The window's entry for @va, used or not; NULL when no table is there. */
static u64 *window_entry(unsigned long va)
{
	int level;

	BUG_ON(!in_window(va) || (va & (PAGE_SIZE - 1)));
	return lookup(va, &level);
}

/**
 * arch_unmap_page() - takes one page out of the window
 * @va: page-aligned
 *
 * Context: any but hardirq. Return: the physical address that was entered there (present or not), 0 when none.
 */
u64 arch_unmap_page(unsigned long va)
{
	unsigned long flags = arch_irq_save();
	u64 *e = window_entry(va);
	u64 pa = 0;

	if (e && *e) {
		u64 *third = table_of(root[index_of(va, 3)]);
		u64 *second = table_of(third[index_of(va, 2)]);

		pa = *e & PTE_ADDR;
		*e = 0;
		flush_page(va);
		second[index_of(va, 1)] -= 1UL << PTE_COUNT;
		release_tables(va);
	}
	arch_irq_restore(flags);
	return pa;
}

/**
 * arch_protect_page() - changes how a page of the window may be used
 * @va: page-aligned
 * @prot: ARCH_PROT_* bits
 * @present: false makes every access fault; the page stays entered
 *
 * Context: any. Return: 0, -ENOENT when no page is entered there.
 */
int arch_protect_page(unsigned long va, unsigned int prot, bool present)
{
	unsigned long flags = arch_irq_save();
	u64 *e = window_entry(va);
	int err = -ENOENT;

	if (e && *e) {
		*e = (*e & PTE_ADDR) | page_flags(prot);
		if (!present)
			*e &= ~PTE_P;
		flush_page(va);
		err = 0;
	}
	arch_irq_restore(flags);
	return err;
}

/**
 * arch_virt_to_phys() - where a mapped kernel address really lies
 * @va: in RAM, in the image, or in the window
 *
 * Context: any. Return: the physical address; asserts when nothing is mapped there.
 */
u64 arch_virt_to_phys(const void *va)
{
	unsigned long a = (unsigned long)va;
	const u64 *e;
	int level;

	if (likely(!in_window(a))) {
		BUG_ON(a < PAGE_SIZE || a >= ram_top);
		return a;
	}
	e = lookup(a, &level);
	BUG_ON(!e || !*e);
	return (*e & PTE_ADDR) | (a & (PAGE_SIZE - 1));
}

/**
 * arch_user_range() - may an application's pointer lead there?
 * @addr: the application's word for it
 * @n: bytes
 *
 * An application has memory in the image and in the window; all other RAM is the kernel's. Pages of these two that are
 * not there are for arch_copy_user() to find. Context: any. Return: true when the range lies wholly in one of them.
 */
bool arch_user_range(const void *addr, size_t n)
{
	unsigned long image = (unsigned long)__load_start, a = (unsigned long)addr;
	unsigned long image_size = (unsigned long)__bss_end - image;

	if (in_window(a))
		return n <= arch_vmalloc_base + arch_vmalloc_size - a;
	return a - image < image_size && n <= image + image_size - a;
}

/**
 * arch_ioremap() - maps device memory uncached at its own address
 * @phys: its physical address
 * @len: bytes
 *
 * Stays mapped for good. Context: process. Return: the registers; NULL without memory, for an empty or absurd range,
 * and for RAM (the cached mapping must remain the only one).
 */
void __iomem *arch_ioremap(u64 phys, size_t len)
{
	u64 from = ALIGN_DOWN(phys, PAGE_SIZE), to = ALIGN(phys + len, PAGE_SIZE);
	u64 flags = page_flags(ARCH_PROT_WRITE | ARCH_PROT_NOCACHE);

	if (!len || phys < PAGE_SIZE || to <= from || to > arch_vmalloc_base)
		return NULL;
	for (u64 a = from; a < to; a += PAGE_SIZE) {
		int level;
		const u64 *e = lookup(a, &level);

		if (e && (*e & PTE_P) && !(*e & PTE_PCD))
			return NULL;
	}
	if (map_identity(from, to, flags))
		return NULL;
	return (void __iomem *)phys;
}
