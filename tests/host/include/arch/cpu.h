/* SPDX-License-Identifier: MIT */
/*
 * The inline half of the plinth on the host: interrupts are a flag, the cycle counter is the virtual clock,
 * device registers go to a model that a test enters with host_mmio_set(), DMA mappings to a table that models ask.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H
#include <lib/types.h>

extern bool host_irqs_off;
u64 host_cycles(void);
u32 host_mmio_read(const volatile void *addr);
void host_mmio_write(u32 v, volatile void *addr);
void host_store_barrier(void); /* a device may see what was stored so far */
void host_irqs_enabled(void);  /* a pending virtual interrupt is delivered here */

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = host_irqs_off;
	host_irqs_off = true;
	return flags;
}

static inline void arch_irq_enable(void)
{
	host_irqs_off = false;
	host_irqs_enabled();
}

static inline void arch_irq_restore(unsigned long flags)
{
	if (!flags)
		arch_irq_enable();
}

static inline void arch_irq_disable(void)
{
	host_irqs_off = true;
}

static inline bool arch_irqs_disabled(void)
{
	return host_irqs_off;
}

static inline u64 arch_cycles(void)
{
	return host_cycles();
}

static inline void cpu_relax(void)
{
}

static inline u32 readl(const volatile void __iomem *addr)
{
	return host_mmio_read((const volatile void __force *)addr);
}

static inline void writel(u32 v, volatile void __iomem *addr)
{
	host_mmio_write(v, (volatile void __force *)addr);
}

static inline void dma_wmb(void)
{
	barrier();
	host_store_barrier();
}

static inline void dma_rmb(void)
{
	barrier();
}

/*
 * What an interrupt cannot divide. Before it one may come: a test enters here what happens then, and looks whether it is the count it is
 * after.
 */
extern void (*host_before_count)(const volatile void *count);

/* Called before each access to memory where that is instrumented (tests/race), in any context: an interrupt may come there. */
extern void (*host_moment)(void);

static inline void host_count(const volatile void *count)
{
	if (host_before_count)
		host_before_count(count);
}

static inline void arch_add32(u32 *p, u32 n)
{
	host_count(p);
	(void)__atomic_fetch_add(p, n, __ATOMIC_RELAXED);
}

static inline void arch_add64(u64 *p, u64 n)
{
	host_count(p);
	(void)__atomic_fetch_add(p, n, __ATOMIC_RELAXED);
}

static inline bool arch_dec_and_test32(u32 *p)
{
	host_count(p);
	return __atomic_sub_fetch(p, 1, __ATOMIC_RELAXED) == 0;
}

static inline u32 arch_xchg32(u32 *p, u32 v)
{
	host_count(p);
	return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);
}

static inline void arch_or16(u16 *p, u16 bits)
{
	host_count(p);
	(void)__atomic_fetch_or(p, bits, __ATOMIC_RELAXED);
}

static inline void arch_and16(u16 *p, u16 bits)
{
	host_count(p);
	(void)__atomic_fetch_and(p, bits, __ATOMIC_RELAXED);
}

#define ARCH_DMA_READ  1u /* the device reads */
#define ARCH_DMA_WRITE 2u
/* tests/host/iommu_host.c: ranges are remembered, and a model of a device asks before it touches memory. */
void arch_dma_map(u64 addr, size_t len, unsigned int access);
void arch_dma_unmap(u64 addr, size_t len, unsigned int access);
#endif
