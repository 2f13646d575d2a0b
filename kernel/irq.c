// SPDX-License-Identifier: MIT
/*
 * Device interrupts: which functions belong to which line, and the way in and out of an interrupt.
 *
 * Lines are level-triggered and shared: all functions of a line run at each interrupt, because the line stays
 * asserted as long as one device wants something. Order of an interrupt: functions, end-of-interrupt at the
 * controller, softirqs (softirq_irq_exit), preemption (sched_irq_exit).
 *
 * Interface: request_irq(), free_irq(), interrupts_show(), irq_count().
 * Above: drivers, timer.  Below: arch_irq_*(), arch_set_handlers().
 * Context: entering and leaving a function: process, IF=0 for the list. Functions: hardirq, IF=0.
 * Owns: the records of entered functions.
 */
#include <kernel/irq.h>

#include <kernel/arch.h>
#include <kernel/context.h>
#include <kernel/cycles.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/list.h>

enum { MAX_UNHANDLED = 1000 };

struct irqaction {
	struct list_head node;
	irq_handler_t fn;
	const char *name;
	void *dev;
};

struct irq_line {
	struct list_head actions;
	u64 count;     /* interrupts */
	u64 unhandled; /* of them claimed by nobody */
	u32 in_a_row;  /* unhandled since the last claimed one */
	bool stuck;    /* masked because of too many in a row */
};

static struct {
	struct irq_line line[ARCH_NR_IRQS];
	u64 timer_count;
} irqs;

static void line_stuck(unsigned int irq, struct irq_line *l)
{
	l->stuck = true;
	arch_irq_mask(irq);
	pr_err("irq %u: %u interrupts in a row that nobody claims: line masked", irq, l->in_a_row);
}

/* Every function of the line; IRQ_HANDLED when one of them claimed it. */
static enum irqreturn run_handlers(struct irq_line *l, unsigned int irq)
{
	trace_fn(irq, 0, irq, NULL);
	struct irqaction *a;
	enum irqreturn claimed = IRQ_NONE;
	list_for_each_entry(a, &l->actions, node)
		claimed |= a->fn(irq, a->dev);
	return claimed;
}

/* A device line fired. IF=0. */
static void irq_dispatch(unsigned int irq) __needs(irqs_off)
{
	BUG_ON(irq >= ARCH_NR_IRQS);
	struct irq_line *l = &irqs.line[irq];
	enum cpu_context interrupted = cycles_enter(CPU_HARDIRQ);
	hardirq_enter();
	l->count++;
	if (run_handlers(l, irq)) {
		l->in_a_row = 0;
	} else {
		l->unhandled++;
		if (++l->in_a_row >= MAX_UNHANDLED)
			line_stuck(irq, l);
	}
	arch_irq_eoi(irq);
	hardirq_exit();
	(void)cycles_enter(interrupted);
}

/* The one-shot timer fired. IF=0. */
static void timer_dispatch(void) __needs(irqs_off)
{
	enum cpu_context interrupted = cycles_enter(CPU_HARDIRQ);
	hardirq_enter();
	irqs.timer_count++;
	trace_at(timer_irq, 0, 0, NULL);
	timer_interrupt();
	hardirq_exit();
	(void)cycles_enter(interrupted);
}

/* The plinth leaves an interrupt. IF=0. */
static void irq_exit(bool from_app) __needs(irqs_off)
{
	BUG_ON(this_cpu()->hardirq_depth);
	softirq_irq_exit();
	sched_irq_exit(from_app);
}

/**
 * request_irq() - has @fn called at each interrupt of a line, with @dev.
 * @name: for /proc/interrupts; stays the caller's, as does @dev.
 * Context: process.
 * Return: 0; -EINVAL no such line; -ENOMEM.
 */
int request_irq(unsigned int irq, irq_handler_t fn, const char *name, void *dev)
{
	if (irq >= ARCH_NR_IRQS || !fn)
		return -EINVAL;
	struct irqaction *a = kzalloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->fn = fn;
	a->name = name;
	a->dev = dev;
	struct irq_line *l = &irqs.line[irq];
	unsigned long flags = local_irq_save();
	bool first = list_empty(&l->actions);
	list_add_tail(&a->node, &l->actions);
	if (first) {
		l->in_a_row = 0;
		l->stuck = false;
		arch_irq_unmask(irq);
	}
	local_irq_restore(flags);
	return 0;
}

/**
 * free_irq() - takes out the function that was entered with @dev; masks the line after the last.
 * Context: process.
 */
void free_irq(unsigned int irq, void *dev)
{
	struct irqaction *a, *found = NULL;
	BUG_ON(irq >= ARCH_NR_IRQS);
	struct irq_line *l = &irqs.line[irq];
	unsigned long flags = local_irq_save();
	list_for_each_entry(a, &l->actions, node)
		if (a->dev == dev)
			found = a;
	BUG_ON(!found);
	list_del_init(&found->node);
	if (list_empty(&l->actions))
		arch_irq_mask(irq);
	local_irq_restore(flags);
	kfree(found);
}

/**
 * irq_count() - interrupts of a line since boot.
 * Context: any.
 * Return: the count; 0 for no such line.
 */
u64 irq_count(unsigned int irq)
{
	return irq < ARCH_NR_IRQS ? irqs.line[irq].count : 0;
}

/**
 * interrupts_show() - /proc/interrupts, in Linux's format.
 * Context: process.
 */
void interrupts_show(struct seq_file *m)
{
	u64 unhandled = 0;
	seq_puts(m, "           CPU0       \n");
	for (unsigned int i = 0; i < ARCH_NR_IRQS; i++) {
		struct irq_line *l = &irqs.line[i];
		struct irqaction *a;
		const char *sep = "  ";
		unhandled += l->unhandled;
		if (!l->count && list_empty(&l->actions))
			continue;
		seq_printf(m, "%3u: %10llu   XT-PIC  %2u-level   ", i, (unsigned long long)l->count,
			   i);
		list_for_each_entry(a, &l->actions, node) {
			seq_printf(m, "%s%s", sep, a->name);
			sep = ", ";
		}
		seq_puts(m, "\n");
	}
	seq_printf(m, "LOC: %10llu   Local timer interrupts\n",
		   (unsigned long long)irqs.timer_count);
	seq_printf(m, "SPU: %10llu   Spurious interrupts\n",
		   (unsigned long long)arch_spurious_irqs());
	seq_printf(m, "UNH: %10llu   Unhandled interrupts\n", (unsigned long long)unhandled);
}

/**
 * irq_init() - enters the ways in with the plinth; all lines are masked.
 * Context: boot, once, after arch_irqchip_init(), IF=0.
 */
void irq_init(void)
{
	for (unsigned int i = 0; i < ARCH_NR_IRQS; i++)
		INIT_LIST_HEAD(&irqs.line[i].actions);
	arch_set_handlers(irq_dispatch, timer_dispatch, irq_exit);
}
