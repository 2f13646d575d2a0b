// SPDX-License-Identifier: MIT
/*
 * Softirqs: the deferred half of interrupts, and the context in which nearly all of the network runs.
 *
 * A raised bit is served at the next of these points: interrupt exit, the end of the outermost bottom-half-off
 * section, idle. The loop takes a snapshot of the pending bits and serves them low bit first with interrupts on;
 * bits raised meanwhile give another pass, at most MAX_RESTART of them, 2 ms, or until a thread waits for the CPU.
 * What is left goes to the thread ksoftirqd, and while that is runnable nobody serves inline, so that a flood of
 * packets cannot keep the application from the CPU.
 *
 * Interface: raise_softirq(), local_bh_disable(), local_bh_enable(), open_softirq(), tasklets.
 * Above: timer, net/dev, net/sched.  Below: sched, arch_call_on_stack().
 * Context: pending bits and the tasklet list: IF=0. Actions: softirq, bh_count > 0, IF=1, never nested.
 * Owns: the softirq stack.
 */
#include <kernel/softirq.h>

#include <kernel/arch.h>
#include <kernel/context.h>
#include <kernel/cycles.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/trace.h>
#include <lib/bug.h>

#define MAX_TIME_NS (2 * NSEC_PER_MSEC)
enum { MAX_RESTART = 10 };

static struct {
	void (*action[NR_SOFTIRQS])(void);
	struct thread *ksoftirqd;
	bool handed_over; /* ksoftirqd is runnable for what is pending: nobody serves inline */
	u8 *stack;        /* ARCH_KSTACK_SIZE bytes; one suffices, the loop never nests */
	struct list_head tasklets;
	u64 deferred; /* passes that ended with work left */
} softirq = { .tasklets = LIST_HEAD_INIT(softirq.tasklets) };

static const char *const names[NR_SOFTIRQS] = { [TIMER_SOFTIRQ] = "TIMER",
						[NET_TX_SOFTIRQ] = "NET_TX",
						[NET_RX_SOFTIRQ] = "NET_RX",
						[TASKLET_SOFTIRQ] = "TASKLET" };

/* The work others left for the end of a bottom-half-off section. bh_count > 0. */
static void run_bh_exit(struct cpu *cpu)
{
	if (!cpu->bh_exit_pending)
		return;
	BUG_ON(!in_bh());
	cpu->bh_exit_pending = false;
	cpu->bh_exit(cpu);
}

static void run_actions(struct cpu *cpu, u32 pending)
{
	while (pending) {
		u32 nr = (u32)__builtin_ctz(pending);
		u32 bh_count = cpu->bh_count;
		pending &= pending - 1;
		cpu->softirq_runs[nr]++;
		trace_fn(softirq, 0, nr, names[nr]);
		softirq.action[nr]();
		BUG_ON(cpu->bh_count != bh_count); /* an action must leave the level as it was */
		BUG_ON(arch_irqs_disabled());
	}
}

/* The loop. IF=0 on entry and return. */
static void serve(void) __needs(irqs_off)
{
	struct cpu *cpu = this_cpu();
	u64 end = arch_clock_ns() + MAX_TIME_NS;
	u32 restarts = MAX_RESTART;
	BUG_ON(cpu->in_softirq || cpu->bh_count || cpu->hardirq_depth);
	enum cpu_context interrupted = cycles_enter(CPU_SOFTIRQ);
	cpu->in_softirq = true;
	cpu->bh_count++;
	do {
		u32 pending = cpu->softirq_pending;
		cpu->softirq_pending = 0;
		arch_irq_enable();
		run_actions(cpu, pending);
		run_bh_exit(cpu);
		arch_irq_disable();
	} while (cpu->softirq_pending && !cpu->need_resched && --restarts && arch_clock_ns() < end);
	cpu->bh_count--;
	cpu->in_softirq = false;
	(void)cycles_enter(interrupted);
	if (cpu->softirq_pending && softirq.ksoftirqd) {
		softirq.handed_over = true;
		softirq.deferred++;
		thread_wake(softirq.ksoftirqd);
	}
}

/* Serves what is pending, unless this is not the place or it is ksoftirqd's. IF=0. */
static void serve_inline(struct cpu *cpu) __needs(irqs_off)
{
	if (!cpu->softirq_pending || cpu->bh_count || cpu->hardirq_depth)
		return;
	if (!softirq.ksoftirqd || softirq.handed_over)
		return;
	arch_call_on_stack(serve, softirq.stack + ARCH_KSTACK_SIZE);
}

static void ksoftirqd_main(void *arg) __may_sleep
{
	struct cpu *cpu = this_cpu();
	(void)arg;
	for (;;) {
		arch_irq_disable();
		if (cpu->softirq_pending)
			serve();
		if (!cpu->softirq_pending) {
			softirq.handed_over = false;
			current_thread()->state = THREAD_BLOCKED;
		}
		arch_irq_enable();
		schedule();
	}
}

/**
 * open_softirq() - enters the action of a softirq.
 * Context: boot.
 */
void open_softirq(enum softirq_nr nr, void (*action)(void))
{
	BUG_ON(nr >= NR_SOFTIRQS);
	softirq.action[nr] = action;
}

/**
 * raise_softirq_irqoff() - marks a softirq pending; somebody will pass a serving point.
 * Context: any, IF=0.
 */
void raise_softirq_irqoff(enum softirq_nr nr)
{
	BUG_ON(!softirq.action[nr]);
	this_cpu()->softirq_pending |= 1u << nr;
}

/**
 * raise_softirq() - marks a softirq pending; from process context with bottom halves and interrupts on it is
 * served before the call returns, unless ksoftirqd has work already.
 * Context: any.
 */
void raise_softirq(enum softirq_nr nr)
{
	struct cpu *cpu = this_cpu();
	bool irqs_on = !arch_irqs_disabled();
	unsigned long flags = local_irq_save();
	raise_softirq_irqoff(nr);
	if (irqs_on)
		serve_inline(cpu);
	local_irq_restore(flags);
}

/**
 * local_bh_disable() - keeps softirqs away from what follows. Nests.
 * Context: process, softirq.
 */
void local_bh_disable(void) __unchecked
{
	BUG_ON(in_hardirq());
	this_cpu()->bh_count++;
	barrier();
}

/**
 * local_bh_enable() - ends local_bh_disable(); the outermost one does the work left for it (bh_exit), then serves
 * pending softirqs.
 * Context: process, softirq.
 */
void local_bh_enable(void) __unchecked
{
	struct cpu *cpu = this_cpu();
	BUG_ON(in_hardirq());
	BUG_ON(!cpu->bh_count);
	barrier();
	if (cpu->bh_count == 1)
		run_bh_exit(cpu);
	cpu->bh_count--;
	if (cpu->bh_count || !READ_ONCE(cpu->softirq_pending) || arch_irqs_disabled())
		return;
	unsigned long flags = local_irq_save();
	serve_inline(cpu);
	local_irq_restore(flags);
}

/**
 * softirq_irq_exit() - a serving point: the last handler of an interrupt returned, or the CPU goes idle.
 * Context: IF=0.
 */
void softirq_irq_exit(void)
{
	serve_inline(this_cpu());
}

/* --- Tasklets -------------------------------------------------------------------------------------------------- */
static void tasklet_action(void)
{
	LIST_HEAD(batch);
	unsigned long flags = local_irq_save();
	list_splice_tail_init(&softirq.tasklets, &batch);
	while (!list_empty(&batch)) {
		struct tasklet *t = list_first_entry(&batch, struct tasklet, node);
		list_del_init(&t->node); /* from here on it may be scheduled again */
		local_irq_restore(flags);
		t->fn(t);
		flags = local_irq_save();
	}
	local_irq_restore(flags);
}

/**
 * tasklet_setup() - prepares a tasklet; it is not scheduled.
 * Context: any.
 */
void tasklet_setup(struct tasklet *t, void (*fn)(struct tasklet *t))
{
	INIT_LIST_HEAD(&t->node);
	t->fn = fn;
}

/**
 * tasklet_schedule() - has the function run once, soon, in TASKLET_SOFTIRQ; already scheduled: no-op.
 * Context: any.
 */
void tasklet_schedule(struct tasklet *t)
{
	unsigned long flags = local_irq_save();
	bool fresh = list_empty(&t->node);
	if (fresh)
		list_add_tail(&t->node, &softirq.tasklets);
	local_irq_restore(flags);
	if (fresh)
		raise_softirq(TASKLET_SOFTIRQ);
}

/**
 * tasklet_kill() - takes a tasklet back; on return it is not scheduled and not running.
 * Context: process with bottom halves on or off, softirq; not from its own function.
 */
void tasklet_kill(struct tasklet *t)
{
	unsigned long flags = local_irq_save();
	list_del_init(&t->node);
	local_irq_restore(flags);
}

/* --- Reports, init ---------------------------------------------------------------------------------------------- */
/**
 * softirqs_show() - /proc/softirqs, in Linux's format.
 * Context: process.
 */
void softirqs_show(struct seq_file *m)
{
	seq_puts(m, "                    CPU0       \n");
	for (u32 i = 0; i < NR_SOFTIRQS; i++)
		if (names[i])
			seq_printf(m, "%12s: %10llu\n", names[i],
				   (unsigned long long)this_cpu()->softirq_runs[i]);
}

/**
 * softirq_init() - the softirq stack and ksoftirqd.
 * Context: boot, once, after sched_init().
 */
void softirq_init(void)
{
	BUG_ON(softirq.ksoftirqd);
	open_softirq(TASKLET_SOFTIRQ, tasklet_action);
	sched_on_idle(softirq_irq_exit);
	softirq.stack = vmalloc(ARCH_KSTACK_SIZE);
	softirq.ksoftirqd = kthread_create("ksoftirqd", ksoftirqd_main, NULL);
	if (!softirq.stack || !softirq.ksoftirqd)
		boot_no_memory("ksoftirqd and its stack");
}
