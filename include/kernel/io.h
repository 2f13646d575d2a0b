/* SPDX-License-Identifier: MIT */
/* Device registers for drivers: readl, writel, dma_wmb, dma_rmb, and the mapping of device memory. */
#ifndef KERNEL_IO_H
#define KERNEL_IO_H
#include <arch/cpu.h>
#include <lib/types.h>

/* Maps @len bytes of device memory at physical @phys, uncached. NULL without memory. Process context. */
void __iomem *ioremap(u64 phys, size_t len);
#endif
