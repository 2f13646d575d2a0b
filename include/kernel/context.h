/* SPDX-License-Identifier: MIT */
/*
 * Which context runs: asked and asserted at run time. What the compiler can see of it stands as contracts on the functions
 * (<lib/capability.h>); the assertions are for what comes through a pointer.
 */
#ifndef KERNEL_CONTEXT_H
#define KERNEL_CONTEXT_H
#include <kernel/cpu.h>
#include <lib/bug.h>
#include <lib/capability.h>

static inline bool in_hardirq(void)
{
	return this_cpu()->hardirq_depth != 0;
}

/* Softirq, or process context with bottom halves off: the two exclude each other on one CPU. */
static inline bool in_bh(void)
{
	return this_cpu()->bh_count != 0;
}

static inline bool in_serving_softirq(void)
{
	return this_cpu()->in_softirq;
}

/* Around an interrupt's functions; irq.c only. */
static inline void hardirq_enter(void) __takes(hardirq_ctx) __unchecked
{
	this_cpu()->hardirq_depth++;
}

static inline void hardirq_exit(void) __gives(hardirq_ctx) __unchecked
{
	this_cpu()->hardirq_depth--;
}

/* First line of every function that may block. */
static inline void might_sleep(void) __may_sleep
{
	BUG_ON(in_hardirq());
	BUG_ON(in_bh());
}
#endif
