// SPDX-License-Identifier: MIT
/*
 * Cycles by context: how much of the CPU went to process context (with bottom halves off or on), softirqs, interrupts and idle.
 *
 * The changes are where the contexts are made: irq.c (an interrupt begins and ends), softirq.c (a pass begins and ends, inline
 * or in ksoftirqd), sched.c (the halt). Between two changes all cycles belong to one context; nothing is sampled.
 *
 * Interface: <kernel/cycles.h>.
 * Above: irq, softirq, sched, proc.  Below: arch_cycles().
 * Context: any; changes happen with IF=0.
 * Owns: nothing; the counts lie in struct cpu.
 */
#include <kernel/cycles.h>

#include <kernel/proc.h>

/**
 * cycles_init() - counting begins, with process context.
 * Context: boot, once.
 */
void cycles_init(void)
{
	struct cpu *cpu = this_cpu();

	for (u32 i = 0; i < NR_CPU_CONTEXTS; i++)
		cpu->context_cycles[i] = 0;
	cpu->context = CPU_PROCESS;
	cpu->context_since = arch_cycles();
}

/**
 * cycles_read() - the counts up to this moment.
 * Context: any.
 */
void cycles_read(u64 cycles[NR_CPU_CONTEXTS])
{
	struct cpu *cpu = this_cpu();
	unsigned long flags = local_irq_save();

	(void)cycles_enter(cpu->context);
	for (u32 i = 0; i < NR_CPU_CONTEXTS; i++)
		cycles[i] = cpu->context_cycles[i];
	local_irq_restore(flags);
}

/**
 * cycles_show() - the page /proc/net/cycles: "name cycles" lines; total is the sum of the others.
 * Context: process.
 */
void cycles_show(struct seq_file *m)
{
	static const char *const names[NR_CPU_CONTEXTS] = { [CPU_PROCESS] = "process",
							    [CPU_SOFTIRQ] = "softirq",
							    [CPU_HARDIRQ] = "hardirq",
							    [CPU_IDLE] = "idle" };
	u64 cycles[NR_CPU_CONTEXTS], total = 0;

	cycles_read(cycles);
	for (u32 i = 0; i < NR_CPU_CONTEXTS; i++) {
		seq_printf(m, "%s %llu\n", names[i], (unsigned long long)cycles[i]);
		total += cycles[i];
	}
	seq_printf(m, "total %llu\n", (unsigned long long)total);
}
