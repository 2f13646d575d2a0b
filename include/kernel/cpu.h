/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data. There is one CPU today; every room reaches its part through this_cpu() all the same.
 *
 * Context levels, highest first: hardirq (IF=0, hardirq_depth > 0), softirq (inside the softirq loop), process
 * with bottom halves off (bh_count > 0), process.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H
#include <arch/cpu.h>
#include <lib/capability.h>
#include <lib/types.h>

/* Whose time it is: <kernel/cycles.h>. */
enum cpu_context { CPU_PROCESS, CPU_SOFTIRQ, CPU_HARDIRQ, CPU_IDLE, NR_CPU_CONTEXTS };

struct thread;
struct softnet_data;

struct cpu {
	struct thread *current; /* the running thread */
	u32 hardirq_depth;      /* nesting of interrupt handlers; 0 or 1 in practice */
	u32 bh_count;           /* local_bh_disable() nesting, softirq loop included */
	bool in_softirq;        /* the softirq loop is running on this CPU */
	bool need_resched;   /* a better thread waits; honoured at interrupt exit and at yields */
	u32 softirq_pending; /* bit per softirq; written with interrupts off */
	u64 softirq_runs[8]; /* how often each softirq's action ran */
	/*
	 * Work at the outermost end of a bottom-half-off section and of each softirq pass (the deferred
	 * doorbells); set by net/init.c. The flag is cleared before the call, which runs with bh_count > 0.
	 */
	bool bh_exit_pending;
	void (*bh_exit)(struct cpu *cpu);
	struct softnet_data *softnet; /* entered by net/init.c */
	/* kernel/cycles.c; interrupts off */
	enum cpu_context context;            /* whose time it is now */
	u64 context_since;                   /* cycle counter at the last change */
	u64 context_cycles[NR_CPU_CONTEXTS]; /* spent in each, up to the last change */
};

extern struct cpu boot_cpu;

static inline struct cpu *this_cpu(void)
{
	return &boot_cpu;
}

/* Its number: there is one. */
static inline u32 smp_processor_id(void)
{
	return 0;
}

static inline unsigned long local_irq_save(void) __takes(irqs_off)
{
	return arch_irq_save();
}

static inline void local_irq_restore(unsigned long flags) __gives(irqs_off)
{
	arch_irq_restore(flags);
}
#endif
