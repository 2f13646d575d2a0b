/* SPDX-License-Identifier: MIT */
/*
 * Time and timers. One monotonic clock in nanoseconds since boot; timers live in a hierarchical wheel of 1 ms
 * slots (a bitmap per level gives the next expiry at once), precise ones in a small ordered queue. Handlers run
 * in TIMER_SOFTIRQ. The machine is tickless: one one-shot interrupt is armed for timer_next_ns().
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>

struct timer {
	struct list_head node;
	u64 expires_ns;              /* absolute; valid while pending */
	void (*fn)(struct timer *t); /* softirq context; may re-arm or free its own timer */
	u64 slot_ms;    /* wheel: the time it was placed for; later than this is lazy */
	u8 level, slot; /* where in the wheel */
	bool pending;
	bool precise; /* ordered queue instead of the wheel: no rounding to 1 ms */
};
static_assert(sizeof(struct timer) <= 48, "budget: three of them in every tcp_sock");

void timer_init(void);
u64 ktime_get_ns(void);      /* any context */
u64 ktime_get_real_ns(void); /* wall clock, ns since 1970; any context */
/* Prepares a timer; it is not pending. Owner: whoever embeds it. */
void timer_setup(struct timer *t, void (*fn)(struct timer *t));
void timer_setup_precise(struct timer *t, void (*fn)(struct timer *t));
/*
 * (Re-)arms @t to fire at or after @expires_ns (past: at the next TIMER_SOFTIRQ). Returns whether it was
 * pending before. Process and softirq context. Moving a pending wheel timer later is cheap: it stays in its slot
 * and is put right when that slot fires.
 */
bool mod_timer(struct timer *t, u64 expires_ns);
/* Disarms; returns whether it was pending. After it the handler does not run (one CPU: it cannot be running). */
bool del_timer(struct timer *t);
static inline bool timer_pending(const struct timer *t)
{
	return t->pending;
}
u64 timer_next_ns(void) __needs(irqs_off); /* earliest expiry of all timers, U64_MAX when none */
void timer_rearm_hw(void)
	__needs(irqs_off); /* arms the one-shot for timer_next_ns() (and the 4 ms slice); IF=0 */
u32 timers_live(void);     /* pending timers, for the leak check at exit */
u32 jiffies_ms(void);      /* low 32 bits of the clock in ms; wraps */
void clock_refine_start(
	void); /* calls arch_clock_refine() now and then; not counted by timers_live() */
/* The one-shot interrupt; called by irq.c, hardirq. */
void timer_interrupt(void) __needs(hardirq_ctx, irqs_off);
#endif
