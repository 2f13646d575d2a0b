/* SPDX-License-Identifier: MIT */
/*
 * The inline half of the plinth on iron: interrupt flag, cycle counter, device registers. The out-of-line half
 * is <kernel/arch.h>; tests/host/include/arch/cpu.h is this header's twin for the host build.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H
#include <lib/capability.h>
#include <lib/types.h>

/* These are what the analysis takes on trust. */
static inline unsigned long arch_irq_save(void) __takes(irqs_off) __unchecked
{
	unsigned long flags;
	__asm__ volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(flags)::"memory");
	return flags;
}

static inline void arch_irq_restore(unsigned long flags) __gives(irqs_off) __unchecked
{
	if (flags & BIT(9))
		__asm__ volatile("sti" ::: "memory");
}

static inline void arch_irq_enable(void) __gives(irqs_off) __unchecked
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void arch_irq_disable(void) __takes(irqs_off) __unchecked
{
	__asm__ volatile("cli" ::: "memory");
}

static inline bool arch_irqs_disabled(void)
{
	unsigned long flags;
	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags)::"memory");
	return !(flags & BIT(9));
}

/* Time stamp counter; its rate is known to kernel/x86/clock.c only. */
static inline u64 arch_cycles(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

/* Device registers: 32-bit, naturally aligned, in order among themselves. */
static inline u32 readl(const volatile void __iomem *addr)
{
	u32 v;
	__asm__ volatile("movl %1, %0"
			 : "=r"(v)
			 : "m"(*(const volatile u32 __force *)addr)
			 : "memory");
	return v;
}

static inline void writel(u32 v, volatile void __iomem *addr)
{
	__asm__ volatile("movl %0, %1" ::"r"(v), "m"(*(volatile u32 __force *)addr) : "memory");
}

/* Orders descriptor stores before the doorbell, and a descriptor's status before its other words. */
static inline void dma_wmb(void)
{
	barrier(); /* x86 keeps stores in order, also before an uncached one */
}

static inline void dma_rmb(void)
{
	barrier(); /* x86 keeps loads in order */
}

/* One instruction each: an interrupt comes before or after it. Without a lock prefix: there is one CPU, and devices see none of these. */
static inline void arch_add32(u32 *p, u32 n)
{
	__asm__ volatile("addl %1, %0" : "+m"(*p) : "ri"(n) : "cc");
}

static inline void arch_add64(u64 *p, u64 n)
{
	__asm__ volatile("addq %1, %0" : "+m"(*p) : "re"(n) : "cc");
}

static inline bool arch_dec_and_test32(u32 *p)
{
	bool zero;
	__asm__ volatile("decl %0" : "+m"(*p), "=@ccz"(zero) : : "cc");
	return zero;
}

static inline u32 arch_xchg32(u32 *p, u32 v)
{
	__asm__ volatile("xchgl %1, %0" : "+m"(*p), "+r"(v));
	return v;
}

static inline void arch_or16(u16 *p, u16 bits)
{
	__asm__ volatile("orw %1, %0" : "+m"(*p) : "ri"(bits) : "cc");
}

static inline void arch_and16(u16 *p, u16 bits)
{
	__asm__ volatile("andw %1, %0" : "+m"(*p) : "ri"(bits) : "cc");
}

#define ARCH_DMA_READ  1u /* the device reads */
#define ARCH_DMA_WRITE 2u

/* No IOMMU is set up: devices reach all memory, and nobody is to be told. */
static inline void arch_dma_map(u64 addr, size_t len, unsigned int access)
{
	(void)addr;
	(void)len;
	(void)access;
}

static inline void arch_dma_unmap(u64 addr, size_t len, unsigned int access)
{
	(void)addr;
	(void)len;
	(void)access;
}
#endif
