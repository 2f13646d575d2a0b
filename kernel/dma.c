// SPDX-License-Identifier: MIT
/*
 * DMA mappings: the address a device uses for memory of ours, and the proof that each is given back.
 *
 * On this machine an address for a device is a physical address and the caches are coherent, so a mapping costs
 * nothing; what is kept is the account: how many are live, and how many bytes per direction. The plinth is told of each
 * range, for what stands between devices and memory: nothing on iron, on the host what checks the models of devices.
 *
 * Interface: dma_map_single(), dma_unmap_single(), dma_alloc_coherent(), dma_free_coherent(), dma_mapped().
 * Above: drivers, net/dev.  Below: virt_to_phys(), page_alloc.c, arch_dma_map().
 * Context: process, softirq.  Owns: coherent memory belongs to the caller.
 */
#include <kernel/dma.h>

#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <lib/bug.h>

static struct {
	u64 live;     /* streaming mappings */
	u64 total;    /* of them since boot */
	u64 bytes[2]; /* live, per direction */
} dma;

static unsigned int access_of(enum dma_data_direction dir)
{
	return dir == DMA_TO_DEVICE ? ARCH_DMA_READ : ARCH_DMA_WRITE;
}

/* Physical begin of a range that must be contiguous. */
static u64 contiguous(const void *p, size_t len)
{
	const u8 *b = p;
	u64 phys = virt_to_phys(p);
	size_t off = PAGE_SIZE - ((uintptr_t)p & (PAGE_SIZE - 1));
	for (; off < len; off += PAGE_SIZE)
		BUG_ON(virt_to_phys(b + off) != phys + off);
	return phys;
}

/**
 * dma_map_single() - makes @len bytes at @p known to devices.
 * Context: process, softirq.
 * Owns: the memory must stay until dma_unmap_single() with the same length and direction.
 * Return: the address; DMA_MAPPING_ERROR when the fault engine refuses.
 */
dma_addr_t dma_map_single(const void *p, size_t len, enum dma_data_direction dir)
{
	BUG_ON(!len);
	if (fault_hit(FAULT_DMA_MAP))
		return DMA_MAPPING_ERROR;
	dma_addr_t addr = contiguous(p, len);
	unsigned long flags = local_irq_save();
	dma.live++;
	dma.total++;
	dma.bytes[dir] += len;
	arch_dma_map(addr, len, access_of(dir));
	local_irq_restore(flags);
	return addr;
}

/**
 * dma_unmap_single() - ends a mapping; the memory is the CPU's again.
 * Context: process, softirq.
 */
void dma_unmap_single(dma_addr_t addr, size_t len, enum dma_data_direction dir)
{
	BUG_ON(addr == DMA_MAPPING_ERROR);
	unsigned long flags = local_irq_save();
	BUG_ON(!dma.live || dma.bytes[dir] < len);
	arch_dma_unmap(addr, len, access_of(dir));
	dma.live--;
	dma.bytes[dir] -= len;
	BUG_ON(!dma.live && (dma.bytes[0] || dma.bytes[1])); /* lengths did not pair */
	local_irq_restore(flags);
}

static unsigned int order_of(size_t len)
{
	unsigned int order = 0;
	while ((PAGE_SIZE << order) < len)
		order++;
	return order;
}

/**
 * dma_alloc_coherent_at() - zeroed memory that device and CPU share, page-aligned, contiguous.
 * @addr: gets its address for the device.
 * Context: process.
 * Return: the memory, the caller's until dma_free_coherent(); NULL without memory.
 */
void *dma_alloc_coherent_at(size_t len, dma_addr_t *addr, struct alloc_site *site)
{
	BUG_ON(!len);
	unsigned int order = order_of(len);
	void *p = order < MAX_ORDER ? zalloc_pages_at(order, site) : NULL;
	if (!p)
		return NULL;
	*addr = virt_to_phys(p);
	arch_dma_map(*addr, len, ARCH_DMA_READ | ARCH_DMA_WRITE);
	return p;
}

/**
 * dma_free_coherent() - gives back what dma_alloc_coherent() gave, with the same length.
 * Context: process.
 * Consumes: @p.
 */
void dma_free_coherent(void *p, size_t len, dma_addr_t addr)
{
	BUG_ON(virt_to_phys(p) != addr);
	arch_dma_unmap(addr, len, ARCH_DMA_READ | ARCH_DMA_WRITE);
	free_pages(p, order_of(len));
}

/**
 * dma_mapped() - live streaming mappings.
 * Context: any.
 * Return: the count; 0 at exit.
 */
u64 dma_mapped(void)
{
	return dma.live;
}

/**
 * dma_map_total() - streaming mappings made since boot.
 * Context: any.
 * Return: the count.
 */
u64 dma_map_total(void)
{
	return dma.total;
}
