/* SPDX-License-Identifier: MIT */
/* Which context runs, asked and asserted. */
#ifndef KERNEL_CONTEXT_H
#define KERNEL_CONTEXT_H
#include <kernel/cpu.h>
#include <lib/bug.h>

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

/* First line of every function that may block. */
static inline void might_sleep(void)
{
	BUG_ON(in_hardirq());
	BUG_ON(in_bh());
}
#endif
