/* SPDX-License-Identifier: MIT */
/*
 * Softirqs: the deferred half of interrupts. A raised bit is served at interrupt exit, at the end of the
 * outermost local_bh_disable() section, or by the deferred thread (ksoftirqd), in fixed order, interrupts on,
 * never nested, on a stack of its own. One pass of the loop ends after 10 restarts, 2 ms, or need_resched; what
 * is still pending then goes to ksoftirqd, and while that is runnable nobody serves softirqs inline.
 */
#ifndef KERNEL_SOFTIRQ_H
#define KERNEL_SOFTIRQ_H
#include <kernel/cpu.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>

struct seq_file;
/* Linux's numbers; the gaps are softirqs that have no meaning here. */
enum softirq_nr {
	TIMER_SOFTIRQ = 1,
	NET_TX_SOFTIRQ = 2,
	NET_RX_SOFTIRQ = 3,
	TASKLET_SOFTIRQ = 6,
	NR_SOFTIRQS = 8
};

void softirq_init(void); /* starts ksoftirqd; after sched_init() */
void open_softirq(enum softirq_nr nr, void (*action)(void));
/* Any context. The _irqoff form: interrupts are off already, and somebody will pass a serving point. */
void raise_softirq(enum softirq_nr nr);
void raise_softirq_irqoff(enum softirq_nr nr) __needs(irqs_off);
/* Process context and softirq, nests; not hardirq. The outermost enable serves what is pending. */
void local_bh_disable(void) __takes(softirq_ctx) __forbids(hardirq_ctx);
void local_bh_enable(void) __gives(softirq_ctx) __forbids(hardirq_ctx);
/* Called by irq.c when the last handler returned, IF=0. */
void softirq_irq_exit(void) __needs(irqs_off);
void softirqs_show(struct seq_file *m); /* /proc/softirqs */

/* A tasklet: one function run once, in TASKLET_SOFTIRQ, after each schedule. Owner: whoever embeds it. */
struct tasklet {
	struct list_head node;
	void (*fn)(struct tasklet *t);
};
void tasklet_setup(struct tasklet *t, void (*fn)(struct tasklet *t));
void tasklet_schedule(struct tasklet *t); /* any context; already scheduled: no-op */
void tasklet_kill(struct tasklet *t);     /* process or softirq: not scheduled any more on return */
#endif
