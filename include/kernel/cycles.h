/* SPDX-License-Identifier: MIT */
/*
 * Where the CPU's time goes: every cycle since boot belongs to one of four contexts, counted at each change of context
 * from the cycle counter itself, so the four add up to the whole exactly. Sampled ticks cannot do that.
 */
#ifndef KERNEL_CYCLES_H
#define KERNEL_CYCLES_H
#include <kernel/cpu.h>
#include <lib/bug.h>

struct seq_file;

/*
 * The CPU's time is @next's from here on. Interrupts off. Return: whose it was, to be given back when a nested context ends
 * (an interrupt gives the time back to what it interrupted).
 */
static inline enum cpu_context cycles_enter(enum cpu_context next) __needs(irqs_off)
{
	struct cpu *cpu = this_cpu();
	enum cpu_context prev = cpu->context;
	u64 now = arch_cycles();

	BUG_ON(next >= NR_CPU_CONTEXTS);
	cpu->context_cycles[prev] += now - cpu->context_since;
	cpu->context_since = now;
	cpu->context = next;
	return prev;
}

void cycles_init(void); /* boot, once: counting begins, in process context */
/* Cycles of each context up to now; their sum is the time since cycles_init(). Any context. */
void cycles_read(u64 cycles[NR_CPU_CONTEXTS]);
void cycles_show(struct seq_file *m); /* /proc/net/cycles */
#endif
