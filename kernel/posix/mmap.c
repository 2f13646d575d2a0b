// SPDX-License-Identifier: MIT
/*
 * The application's memory beside its image and stack: mmap and its relatives, brk.
 *
 *   area      one reservation of addresses in the vmalloc window, guard pages around
 *   page[i]   one byte per page: 0 a hole; OWNED it belongs to a mapping, with its protection; BACKED memory is there
 *
 * Only anonymous memory. Memory is taken when a page becomes accessible, not at the first touch: what mmap() and
 * mprotect() granted is there, and -ENOMEM is said in time. A mapping without access (PROT_NONE) costs addresses only.
 * No page is writable and executable at once.
 *
 * Interface: mmap_init() enters mmap, munmap, mprotect, mremap, madvise, brk; mmap_exit() gives everything back.
 * Above: posix.c. Below: kernel/vmalloc.c (vm_area_*). Context: process.
 * Owns: the areas, their records and pages.
 * Specs: POSIX.1-2017 mmap(), munmap(), mprotect(); Linux mremap(2), madvise(2), brk(2).
 */
#include "posix_internal.h"

#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/syscall_define.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/list.h>
#include <lib/string.h>
#include <uapi/mman.h>
#include <uapi/unistd.h>

#define PAGE_OWNED  BIT(7)
#define PAGE_BACKED BIT(6)
#define PAGE_PROT   (PROT_READ | PROT_WRITE | PROT_EXEC)

#define PIECE                                                                                      \
	256U /* pages that are mapped or unmapped between two looks at who waits for the CPU */

#define BRK_MIN (64UL << 20)
#define BRK_MAX (1UL << 30)

struct app_area {
	struct list_head node;
	unsigned long start;
	size_t nr;    /* pages */
	size_t owned; /* of them not holes */
	u8 page[];
};

static LIST_HEAD(app_areas);
static struct app_area *brk_area; /* also on the list; lives till the end */
static unsigned long brk_now;     /* the break, any byte of brk_area */

static unsigned long page_addr(const struct app_area *a, size_t i)
{
	return a->start + (i << PAGE_SHIFT);
}

static unsigned int arch_prot(unsigned int prot)
{
	return (prot & PROT_WRITE ? (unsigned int)ARCH_PROT_WRITE : 0) |
	       (prot & PROT_EXEC ? (unsigned int)ARCH_PROT_EXEC : 0);
}

static struct app_area *area_create(size_t nr)
{
	struct app_area *a = kzalloc(sizeof(*a) + nr);

	if (!a)
		return NULL;
	a->start = (unsigned long)vm_area_reserve(nr << PAGE_SHIFT);
	if (!a->start) {
		kfree(a);
		return NULL;
	}
	a->nr = nr;
	list_add_tail(&a->node, &app_areas);
	return a;
}

/* The area that holds the page-aligned range wholly, and the number of its first page there; NULL. */
static struct app_area *area_find(unsigned long addr, size_t nr, size_t *first)
{
	struct app_area *a;

	list_for_each_entry(a, &app_areas, node) {
		size_t i = (addr - a->start) >> PAGE_SHIFT;

		if (addr < a->start || i >= a->nr)
			continue;
		*first = i;
		return nr <= a->nr - i ? a : NULL;
	}
	return NULL;
}

/* Gives the memory behind pages back. */
static void pieces_unmap(const struct app_area *a, size_t first, size_t nr) __may_sleep
{
	for (size_t n; nr; first += n, nr -= n) {
		n = min_t(size_t, nr, PIECE);
		vm_area_unmap((void *)page_addr(a, first), n << PAGE_SHIFT);
		cond_resched();
	}
}

/* Puts memory behind pages that have none. 0, -ENOMEM (they have none then). */
static int pieces_map(const struct app_area *a, size_t first, size_t nr,
		      unsigned int prot) __may_sleep
{
	for (size_t done = 0, n; done < nr; done += n) {
		n = min_t(size_t, nr - done, PIECE);
		if (vm_area_map((void *)page_addr(a, first + done), n << PAGE_SHIFT, prot)) {
			pieces_unmap(a, first, done);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

static void area_destroy(struct app_area *a) __may_sleep
{
	list_del_init(&a->node);
	pieces_unmap(a, 0, a->nr);
	vm_area_release((void *)a->start);
	kfree(a);
}

/* Turns pages into holes and gives their memory back. */
static void area_clear(struct app_area *a, size_t first, size_t nr) __may_sleep
{
	BUG_ON(first > a->nr || nr > a->nr - first);
	pieces_unmap(a, first, nr);
	for (size_t i = first; i < first + nr; i++) {
		a->owned -= a->page[i] != 0;
		a->page[i] = 0;
	}
}

/* Turns holes into pages of a mapping. 0, -ENOMEM (they stay holes). */
static int area_fill(struct app_area *a, size_t first, size_t nr, unsigned int prot) __may_sleep
{
	u8 state = (u8)(PAGE_OWNED | prot);

	BUG_ON(first > a->nr || nr > a->nr - first);
	if (prot != PROT_NONE) {
		if (pieces_map(a, first, nr, arch_prot(prot)))
			return -ENOMEM;
		state |= (u8)PAGE_BACKED;
	}
	memset(a->page + first, state, nr);
	a->owned += nr;
	return 0;
}

/* Gives one page of a mapping another protection, and memory if it needs it. 0, -ENOMEM. */
static int page_protect(struct app_area *a, size_t i, unsigned int prot)
{
	void *va = (void *)page_addr(a, i);
	u8 old = a->page[i];

	if (old & PAGE_BACKED) {
		if (vm_area_protect(va, PAGE_SIZE, arch_prot(prot), prot != PROT_NONE))
			return -ENOMEM;
	} else if (prot != PROT_NONE) {
		if (vm_area_map(va, PAGE_SIZE, arch_prot(prot)))
			return -ENOMEM;
		old |= (u8)PAGE_BACKED;
	}
	a->page[i] = (u8)((old & ~PAGE_PROT) | prot);
	return 0;
}

static bool all_owned(const struct app_area *a, size_t first, size_t nr)
{
	for (size_t i = first; i < first + nr; i++)
		if (!(a->page[i] & PAGE_OWNED))
			return false;
	return true;
}

static bool none_owned(const struct app_area *a, size_t first, size_t nr)
{
	for (size_t i = first; i < first + nr; i++)
		if (a->page[i])
			return false;
	return true;
}

/* Pages of a length in bytes; 0 when it is 0 or beyond what any window holds. */
static size_t pages_of(size_t len)
{
	return len > SIZE_MAX - PAGE_SIZE ? 0 : DIV_ROUND_UP(len, PAGE_SIZE);
}

static int check_prot(unsigned int prot)
{
	if (prot & ~(unsigned int)PAGE_PROT)
		return -EINVAL;
	return (prot & PROT_WRITE) && (prot & PROT_EXEC) ? -EACCES : 0;
}

/* MAP_FIXED: only where the application has an area. */
static long map_fixed(unsigned long addr, size_t nr, unsigned int prot, bool replace) __may_sleep
{
	struct app_area *a;
	size_t first;
	int err;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	a = area_find(addr, nr, &first);
	if (!a)
		return -ENOMEM;
	if (!replace && !none_owned(a, first, nr))
		return -EEXIST;
	area_clear(a, first, nr);
	err = area_fill(a, first, nr, prot);
	return err ? err : (long)addr;
}

SYSCALL_DEFINE6(mmap, unsigned long, addr, size_t, len, unsigned int, prot, unsigned int, flags,
		int, fd, unsigned long, off)
{
	unsigned int type = flags & MAP_TYPE;
	size_t nr = pages_of(len);
	struct app_area *a;
	struct file *f;
	int err;

	if (!len || (off & (PAGE_SIZE - 1)) || (type != MAP_PRIVATE && type != MAP_SHARED))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fget(fd);
		if (!f)
			return -EBADF;
		fput(f);
		return -ENODEV; /* no file here can be mapped */
	}
	err = check_prot(prot);
	if (err)
		return err;
	if (!nr)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return map_fixed(addr, nr, prot, !(flags & MAP_FIXED_NOREPLACE));
	a = area_create(nr);
	if (!a)
		return -ENOMEM;
	err = area_fill(a, 0, nr, prot);
	if (err) {
		area_destroy(a);
		return err;
	}
	return (long)a->start;
}

SYSCALL_DEFINE2(munmap, unsigned long, addr, size_t, len)
{
	size_t nr = pages_of(len);
	unsigned long end = addr + (nr << PAGE_SHIFT);
	struct app_area *a, *next;

	if ((addr & (PAGE_SIZE - 1)) || !nr || end < addr)
		return -EINVAL;
	list_for_each_entry_safe(a, next, &app_areas, node) {
		unsigned long from = max(addr, a->start);
		unsigned long to = min(end, page_addr(a, a->nr));

		if (from >= to)
			continue;
		area_clear(a, (from - a->start) >> PAGE_SHIFT, (to - from) >> PAGE_SHIFT);
		if (!a->owned && a != brk_area)
			area_destroy(a);
	}
	return 0;
}

SYSCALL_DEFINE3(mprotect, unsigned long, addr, size_t, len, unsigned int, prot)
{
	size_t nr = pages_of(len), first;
	struct app_area *a;
	int err = check_prot(prot);

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (err || !len)
		return err;
	a = nr ? area_find(addr, nr, &first) : NULL;
	if (!a || !all_owned(a, first, nr))
		return -ENOMEM;
	for (size_t i = first; i < first + nr && !err; i++)
		err = page_protect(a, i, prot);
	return err;
}

/* Copies the contents of @nr pages of one mapping; the target's are writable. */
static int copy_pages(struct app_area *to, struct app_area *from, size_t first,
		      size_t nr) __may_sleep
{
	for (size_t i = 0; i < nr; i++) {
		void *src = (void *)page_addr(from, first + i);

		if (!(from->page[first + i] & PAGE_BACKED))
			continue;
		if (vm_area_protect(src, PAGE_SIZE, 0, true))
			return -ENOMEM;
		memcpy((void *)page_addr(to, i), src, PAGE_SIZE);
		cond_resched();
	}
	return 0;
}

/* A larger mapping elsewhere with the old one's contents. Consumes the old one when it returns an address. */
static long remap_elsewhere(struct app_area *a, size_t first, size_t nr, size_t nr_new) __may_sleep
{
	unsigned int prot = a->page[first] & PAGE_PROT;
	struct app_area *b = area_create(nr_new);
	int err = b ? 0 : -ENOMEM;
	bool bare = prot == PROT_NONE;

	for (size_t i = first; i < first + nr && bare; i++)
		bare = !(a->page[i] & PAGE_BACKED);
	if (!err)
		err = area_fill(b, 0, nr_new, bare ? PROT_NONE : PROT_READ | PROT_WRITE);
	if (!err)
		err = copy_pages(b, a, first, nr);
	for (size_t i = 0; i < nr_new && !err && !bare; i++)
		err = page_protect(b, i, prot);
	if (err) {
		if (b)
			area_destroy(b);
		for (size_t i = first; i < first + nr; i++)
			BUG_ON(page_protect(a, i, prot)); /* takes no memory: BACKED or PROT_NONE */
		return err;
	}
	area_clear(a, first, nr);
	if (!a->owned && a != brk_area)
		area_destroy(a);
	return (long)b->start;
}

SYSCALL_DEFINE4(mremap, unsigned long, old, size_t, old_len, size_t, new_len, unsigned int, flags)
{
	size_t nr = pages_of(old_len), nr_new = pages_of(new_len), first, more;
	struct app_area *a;

	if ((old & (PAGE_SIZE - 1)) || !nr || !nr_new || (flags & ~(unsigned int)MREMAP_MAYMOVE))
		return -EINVAL;
	a = area_find(old, nr, &first);
	if (!a || !all_owned(a, first, nr))
		return -EFAULT;
	for (size_t i = first + 1; i < first + nr; i++)
		if ((a->page[i] ^ a->page[first]) & PAGE_PROT)
			return -EFAULT; /* more than one mapping, as Linux sees it */
	if (nr_new <= nr) {
		area_clear(a, first + nr_new, nr - nr_new);
		return (long)old;
	}
	more = nr_new - nr;
	if (more <= a->nr - first - nr && none_owned(a, first + nr, more) && a != brk_area &&
	    !area_fill(a, first + nr, more, a->page[first] & PAGE_PROT))
		return (long)old;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return remap_elsewhere(a, first, nr, nr_new);
}

/* MADV_DONTNEED: the pages read as zero from now on. */
static int discard(struct app_area *a, size_t first, size_t nr) __may_sleep
{
	for (size_t i = first; i < first + nr; i++) {
		unsigned int prot = a->page[i] & PAGE_PROT;
		void *va = (void *)page_addr(a, i);

		if (!(a->page[i] & PAGE_BACKED))
			continue;
		if (vm_area_protect(va, PAGE_SIZE, ARCH_PROT_WRITE, true))
			return -ENOMEM;
		memset(va, 0, PAGE_SIZE);
		if (vm_area_protect(va, PAGE_SIZE, arch_prot(prot), prot != PROT_NONE))
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

SYSCALL_DEFINE3(madvise, unsigned long, addr, size_t, len, int, advice)
{
	size_t nr = pages_of(len), first;
	struct app_area *a;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!len)
		return 0;
	a = nr ? area_find(addr, nr, &first) : NULL;
	if (!a || !all_owned(a, first, nr))
		return -ENOMEM;
	switch (advice) {
	case MADV_DONTNEED:
		return discard(a, first, nr);
	case MADV_NORMAL: /* hints; MADV_FREE allows that the contents stay */
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_FREE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return 0;
	default:
		return -EINVAL;
	}
}

/* As much address space as there is memory, within bounds. */
static bool brk_reserve(void)
{
	size_t bytes = max_t(size_t, pages_total() << PAGE_SHIFT, BRK_MIN);

	bytes = min_t(size_t, bytes, BRK_MAX);
	brk_area = area_create(bytes >> PAGE_SHIFT);
	if (brk_area)
		brk_now = brk_area->start;
	return brk_area != NULL;
}

/* Linux's brk: returns the break after the call, which is the old one when it cannot be moved. */
SYSCALL_DEFINE1(brk, unsigned long, want)
{
	size_t have, need;

	if (!brk_area && !brk_reserve())
		return 0;
	if (want < brk_area->start || want > page_addr(brk_area, brk_area->nr))
		return (long)brk_now;
	have = DIV_ROUND_UP(brk_now - brk_area->start, PAGE_SIZE);
	need = DIV_ROUND_UP(want - brk_area->start, PAGE_SIZE);
	if (need > have && (!none_owned(brk_area, have, need - have) ||
			    area_fill(brk_area, have, need - have, PROT_READ | PROT_WRITE)))
		return (long)brk_now;
	if (need < have)
		area_clear(brk_area, need, have - need);
	brk_now = want;
	return (long)want;
}

/**
 * mmap_init() - enters the calls about memory
 * Context: boot, after syscall_init().
 */
void mmap_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_mmap, sys_mmap },         { __NR_munmap, sys_munmap },
		{ __NR_mprotect, sys_mprotect }, { __NR_mremap, sys_mremap },
		{ __NR_madvise, sys_madvise },   { __NR_brk, sys_brk },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}

/**
 * mmap_exit() - gives back what the application mapped and did not unmap
 * Context: process; the application has ended.
 */
void mmap_exit(void)
{
	struct app_area *a, *next;

	brk_area = NULL;
	list_for_each_entry_safe(a, next, &app_areas, node)
		area_destroy(a);
	BUG_ON(!list_empty(&app_areas));
}
