/* SPDX-License-Identifier: MIT */
/*
 * Memory: pages from the buddy allocator, objects from slab caches, scattered pages in the vmalloc window.
 *
 * RAM is identity-mapped: the address of a page is its physical address. Every allocation can fail and returns
 * NULL then; nothing here sleeps. Each call of the allocating macros is a site (file and line) whose live
 * objects are counted, so that a leak at exit is reported by name.
 * Context: process, softirq; not hardirq.
 */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H
#include <kernel/arch_page.h>
#include <lib/capability.h>
#include <lib/types.h>

struct boot_info;
struct seq_file;

/* One place in the source that allocates. Lives in section .alloc_sites, so all sites can be listed. */
struct alloc_site {
	const char *file;
	u32 line;
	u32 live;     /* objects from here that are not freed yet */
	u64 total;    /* allocations made here since boot */
	u64 failed;   /* of them refused */
	u32 baseline; /* live at mm_baseline() */
};
#define ALLOC_SITE()                                                                               \
	({                                                                                         \
		static struct alloc_site __aligned(8)                                              \
			__attribute__((section("alloc_sites"), used))                              \
			site_ = { .file = __FILE__, .line = __LINE__ };                            \
		&site_;                                                                            \
	})

/* The linker gives the bounds of a section whose name is an identifier; not all of them hide it. Sites are numbered from 1 in its order. */
extern struct alloc_site __start_alloc_sites[] __attribute__((visibility("hidden")));
extern struct alloc_site __stop_alloc_sites[] __attribute__((visibility("hidden")));
#define for_each_alloc_site(s_)                                                                    \
	for (struct alloc_site *s_ = __start_alloc_sites; s_ < __stop_alloc_sites; s_++)

/* --- Pages: buddy allocator, orders 0..MAX_ORDER-1 ------------------------------------------------------- */
#define MAX_ORDER 11
/*
 * Takes the regions below 4 GiB (what the early page tables map); vmalloc_init() adds the rest. Exits with status
 * 66 when RAM is too small.
 */
void page_alloc_init(const struct boot_info *b) __needs(irqs_off);
/* 2^order pages, naturally aligned, contents undefined; NULL when there are none. Caller owns them. */
#define alloc_pages(order)  alloc_pages_at(order, ALLOC_SITE())
#define alloc_page()        alloc_pages(0)
#define zalloc_pages(order) zalloc_pages_at(order, ALLOC_SITE())
/* @order must be the one allocated with: asserted. */
void free_pages(void *p, unsigned int order);
/* References on an allocated block (skb fragments share pages): taken with 1; the last put frees it. */
void page_get(void *p);
void page_put(void *p);
void *alloc_pages_at(unsigned int order, struct alloc_site *site) __freed_by(free_pages, 1);
void *zalloc_pages_at(unsigned int order, struct alloc_site *site) __freed_by(free_pages, 1);
u64 pages_total(void); /* pages the allocator manages: RAM without image, modules, page array */
u64 pages_free(void);

/* --- Slab ------------------------------------------------------------------------------------------------ */
struct kmem_cache;
void slab_init(void);
/* A cache of objects of @size bytes aligned to @align (a power of two, >= 8). NULL without memory. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align);
/* Every object must have been freed: asserted. */
void kmem_cache_destroy(struct kmem_cache *c);
void kmem_cache_free(struct kmem_cache *c, void *obj);
#define kmem_cache_alloc(c)  kmem_cache_alloc_at(c, ALLOC_SITE())
#define kmem_cache_zalloc(c) kmem_cache_zalloc_at(c, ALLOC_SITE())
void *kmem_cache_alloc_at(struct kmem_cache *c, struct alloc_site *site)
	__freed_by(kmem_cache_free, 2);
void *kmem_cache_zalloc_at(struct kmem_cache *c, struct alloc_site *site)
	__freed_by(kmem_cache_free, 2);
/* General sizes, 16-byte aligned; from 4 KiB up they are whole pages. kfree(NULL) is allowed. */
#define kmalloc(n) kmalloc_at(n, ALLOC_SITE())
#define kzalloc(n) kzalloc_at(n, ALLOC_SITE())
void kfree(void *p);
void *kmalloc_at(size_t n, struct alloc_site *site) __freed_by(kfree, 1);
void *kzalloc_at(size_t n, struct alloc_site *site) __freed_by(kfree, 1);

/* --- The vmalloc window ------------------------------------------------------------------------------------ */
void vmalloc_init(void)
	__needs(irqs_off); /* after arch_paging_init(): from here on all RAM is there */
/* @n bytes (rounded up to pages), zeroed, with an unmapped guard page on both sides; NULL without memory. */
#define vmalloc(n) vmalloc_at(n, ALLOC_SITE())
void vfree(void *p); /* NULL is allowed */
void *vmalloc_at(size_t n, struct alloc_site *site) __freed_by(vfree, 1);

/*
 * Address space in the window for mmap() and stacks that grow: reserved first, mapped piece by piece. @prot are
 * ARCH_PROT_* of <kernel/arch.h>. Addresses and lengths are page-aligned and lie in one reservation (asserted).
 */
/* @len bytes with guard pages around them, nothing mapped. NULL: no memory for the record or no such gap. */
void *vm_area_reserve(size_t len);
/* Maps zeroed pages of their own at pages not mapped yet. 0; -ENOMEM, and nothing is changed. */
int vm_area_map(void *va, size_t len, unsigned int prot);
/* Unmaps and frees the pages that are mapped in the range; the range stays reserved. */
void vm_area_unmap(void *va, size_t len);
/* Changes the protection; @present false: every access faults. 0; -ENOMEM when a page is not mapped. */
int vm_area_protect(void *va, size_t len, unsigned int prot, bool present);
/* Length of the reservation that begins at @va; 0 when none does. */
size_t vm_area_size(const void *va);
/* Unmaps what is mapped and gives the address space back. @va: what vm_area_reserve() returned. */
void vm_area_release(void *va);
u64 vm_areas_live(void); /* reservations, vmalloc() included */

/* Physical address for DMA of any kernel address. A range must be asked page by page. */
u64 virt_to_phys(const void *p);

/* --- Accounts ------------------------------------------------------------------------------------------------ */
/* Live allocations of all kinds; at exit it must be what it was at mm_baseline(). */
u64 mm_live_objects(void);
void mm_baseline(void); /* what lives now is the kernel's own and no leak */
/* Prints each site with more live objects than at the baseline; returns the number of leaked objects. */
u64 mm_report_leaks(void);
u64 slab_pages(void);                    /* pages that slabs hold */
void slabinfo_show(struct seq_file *m);  /* /proc/slabinfo */
void allocinfo_show(struct seq_file *m); /* /proc/allocinfo: the sites and their counts */
#endif
