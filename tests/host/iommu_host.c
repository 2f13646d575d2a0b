// SPDX-License-Identifier: MIT
/*
 * The host's IOMMU: every range that is mapped for devices, and the question whether a device may touch some bytes.
 *
 * A range is found by the page it begins in; a search looks at as many pages before as the longest range ever spanned.
 * The same bytes may be mapped more than once (a segment that is sent again): each mapping is an entry of its own, and
 * ends with exactly the address, length and direction it began with.
 *
 * Interface: <kernel/arch.h> arch_dma_map(), arch_dma_unmap(); "host.h" host_dma_allowed(), host_dma_live().
 * Context: any. Owns: the entries, kept for reuse.
 */
#include <stdlib.h>

#include <kernel/arch.h>
#include <lib/bug.h>

#include "host.h"

#define BUCKETS 4096u

struct range {
	u64 addr;
	size_t len;
	unsigned int access;
	struct range *next;
};

static struct {
	struct range *bucket[BUCKETS], *unused;
	u64 live, span; /* span: pages, besides the first, that the longest range reached into */
} iommu;

static struct range **bucket_of(u64 page)
{
	return &iommu.bucket[(page * 0x9e3779b97f4a7c15ULL) >> 52];
}

void arch_dma_map(u64 addr, size_t len, unsigned int access)
{
	struct range *r = iommu.unused, **b = bucket_of(addr >> PAGE_SHIFT);
	u64 span = ((addr + len - 1) >> PAGE_SHIFT) - (addr >> PAGE_SHIFT);

	if (r)
		iommu.unused = r->next;
	else
		r = malloc(sizeof(*r));
	if (!r)
		abort();
	*r = (struct range){ addr, len, access, *b };
	*b = r;
	iommu.live++;
	if (span > iommu.span)
		iommu.span = span;
}

void arch_dma_unmap(u64 addr, size_t len, unsigned int access)
{
	struct range **at = bucket_of(addr >> PAGE_SHIFT), *r;

	while (*at && ((*at)->addr != addr || (*at)->len != len || (*at)->access != access))
		at = &(*at)->next;
	r = *at;
	BUG_ON(!r); /* never mapped, or not with this length and direction */
	*at = r->next;
	r->next = iommu.unused;
	iommu.unused = r;
	iommu.live--;
}

bool host_dma_allowed(u64 addr, size_t len, unsigned int access)
{
	u64 page = addr >> PAGE_SHIFT;

	for (u64 back = 0; back <= iommu.span && back <= page; back++)
		for (const struct range *r = *bucket_of(page - back); r; r = r->next)
			if (addr >= r->addr && addr + len <= r->addr + r->len &&
			    (r->access & access) == access)
				return true;
	return false;
}

u64 host_dma_live(void)
{
	return iommu.live;
}
