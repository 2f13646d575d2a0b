/* SPDX-License-Identifier: MIT */
/*
 * DMA mappings. Every map is paired with one unmap of the same length and direction; the counts must be equal
 * when a device is closed. The address is physical and contiguous: a mapping never crosses what virt_to_phys
 * says is contiguous (asserted); scattered memory is mapped page by page.
 */
#ifndef KERNEL_DMA_H
#define KERNEL_DMA_H
#include <kernel/mm.h>
#include <lib/types.h>

typedef u64 dma_addr_t;
enum dma_data_direction { DMA_TO_DEVICE, DMA_FROM_DEVICE };
#define DMA_MAPPING_ERROR (~0ULL)

/* Returns DMA_MAPPING_ERROR when the fault engine (or, one day, an IOMMU) refuses. Process, softirq. */
dma_addr_t dma_map_single(const void *p, size_t len, enum dma_data_direction dir);
void dma_unmap_single(dma_addr_t addr, size_t len, enum dma_data_direction dir);
/* Zeroed memory that device and CPU share, page-aligned, physically contiguous; NULL without memory. */
#define dma_alloc_coherent(len, addr) dma_alloc_coherent_at(len, addr, ALLOC_SITE())
void *dma_alloc_coherent_at(size_t len, dma_addr_t *addr, struct alloc_site *site);
void dma_free_coherent(void *p, size_t len, dma_addr_t addr);
u64 dma_mapped(void); /* live streaming mappings; 0 at exit */
u64 dma_map_total(void);
#endif
