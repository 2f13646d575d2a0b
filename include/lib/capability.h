/* SPDX-License-Identifier: MIT */
/*
 * Execution contexts as capabilities: what a function needs, takes, gives back or forbids, in words that clang's
 * thread-safety analysis checks (tools/check_contexts.py) and other compilers do not see.
 *
 *   softirq_ctx  bottom halves are off: softirq, or process between local_bh_disable() and local_bh_enable()
 *   hardirq_ctx  an interrupt's function runs
 *   irqs_off     interrupts are off: local_irq_save() ... local_irq_restore()
 *   process_ctx  a thread that may be put to sleep; nobody takes it: __may_sleep goes up from function to function
 *
 * A struct sock is a capability too: sock.h says who holds one.
 *
 * The analysis follows calls by name. Where a call goes through a pointer the contract is asserted at run time
 * (<kernel/context.h>). It wants to see one holder: a function that __needs(softirq_ctx) does not disable again itself.
 */
#ifndef LIB_CAPABILITY_H
#define LIB_CAPABILITY_H

#ifdef __clang__
#define __contract(x) __attribute__((x))
#else
#define __contract(x)
#endif

/* clang-format off */
struct __contract(capability("context")) capability {
	char unused;
};
/* clang-format on */
/* Names only: never defined. */
extern struct capability softirq_ctx, hardirq_ctx, irqs_off, process_ctx;

/* Held by the caller, on entry and on return. */
#define __needs(...) __contract(requires_capability(__VA_ARGS__))
/* Held on return (no more), and not (but) on entry. */
#define __takes(...) __contract(acquire_capability(__VA_ARGS__))
#define __gives(...) __contract(release_capability(__VA_ARGS__))
/* Returns only when it is held. */
#define __asserts(...) __contract(assert_capability(__VA_ARGS__))
/* The caller must not hold it. */
#define __forbids(...) __contract(locks_excluded(__VA_ARGS__))
#define __may_sleep    __needs(process_ctx) __forbids(softirq_ctx, hardirq_ctx, irqs_off)
/* Taken on trust: assembly, and the counters that stand for the capabilities. */
#define __unchecked __contract(no_thread_safety_analysis)
#endif
