// SPDX-License-Identifier: MIT
/*
 * The local APIC, used for two things: its one-shot timer, and letting the 8259s' interrupts through (virtual wire:
 * LINT0 = ExtINT, LINT1 = NMI). Its own spurious vector is counted in idt.c.
 *
 * Interface: apic_* (x86.h). Above: clock.c, idt.c. Below: paging.c (arch_ioremap). Context: boot; timer calls with
 * IF=0. Owns: the APIC's registers. Specs: Intel SDM vol. 3 chapter 10.
 */
#include <kernel/arch.h>
#include <lib/bug.h>

#include "x86.h"

#define APIC_TPR        0x080U
#define APIC_EOI        0x0b0U
#define APIC_SVR        0x0f0U
#define APIC_LVT_TIMER  0x320U
#define APIC_LVT_LINT0  0x350U
#define APIC_LVT_LINT1  0x360U
#define APIC_LVT_ERROR  0x370U
#define APIC_TIMER_INIT 0x380U
#define APIC_TIMER_NOW  0x390U
#define APIC_TIMER_DIV  0x3e0U
#define SVR_ENABLE      0x100U
#define LVT_MASKED      0x10000U
#define LVT_EXTINT      0x700U
#define LVT_NMI         0x400U
#define DIV_BY_1        0x0bU
#define BASE_ENABLE     BIT(11)
#define BASE_X2APIC     BIT(10)
#define BASE_ADDRESS    0x000ffffffffff000UL

static void __iomem *apic;

static u32 apic_read(u32 reg)
{
	return readl((char __iomem *)apic + reg);
}

static void apic_write(u32 reg, u32 v)
{
	writel(v, (char __iomem *)apic + reg);
}

/**
 * apic_init() - finds and enables the local APIC in virtual-wire mode
 *
 * Context: boot, after arch_paging_init(), IF=0. Return: false when there is none, when the firmware left it in
 * x2APIC mode (no memory-mapped registers then), or without memory for its mapping. Source: SDM vol. 3 10.4, 10.5.
 */
bool apic_init(void)
{
	u64 base;

	if (!x86_features.apic)
		return false;
	base = rdmsr(MSR_APIC_BASE);
	if (base & BASE_X2APIC)
		return false;
	wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
	apic = arch_ioremap(base & BASE_ADDRESS, PAGE_SIZE);
	if (!apic)
		return false;
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_APIC_SPURIOUS);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_APIC_TIMER);
	apic_write(APIC_LVT_ERROR, LVT_MASKED | VECTOR_APIC_SPURIOUS);
	apic_write(APIC_LVT_LINT0, LVT_EXTINT);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_TIMER_DIV, DIV_BY_1);
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_EOI, 0);
	return true;
}

/** apic_eoi() - the APIC's interrupt was taken. Context: hardirq. */
void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/** apic_timer_count() - what the timer has still to count. Context: any. Return: the count. */
u32 apic_timer_count(void)
{
	return apic_read(APIC_TIMER_NOW);
}

/** apic_timer_free_run() - counts down from the maximum without interrupting. Context: boot. */
void apic_timer_free_run(void)
{
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_APIC_TIMER);
	apic_write(APIC_TIMER_INIT, UINT32_MAX);
}

/**
 * apic_timer_start() - one interrupt after @count
 * @count: timer ticks; 0 stops the timer
 *
 * Context: IF=0. Source: SDM vol. 3 10.5.4.
 */
void apic_timer_start(u32 count)
{
	BUG_ON(!apic);
	if (count)
		apic_write(APIC_LVT_TIMER, VECTOR_APIC_TIMER);
	apic_write(APIC_TIMER_INIT, count);
}
