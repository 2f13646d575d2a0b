// SPDX-License-Identifier: MIT
/*
 * Time and timers: one clock, a hierarchical wheel of 1 ms slots, an ordered queue for precise timers, and the
 * one-shot interrupt behind both.
 *
 * Wheel: seven levels of 64 slots. A timer for time e stands on the level of the highest 6-bit digit in which e
 * differs from the wheel's clock, in the slot of e's digit there. So all of level n comes before all of level
 * n + 1, the lowest set bit of the lowest non-empty bitmap is the next slot, and moving the clock into a slot of a
 * higher level spreads its timers over lower ones. Each slot keeps the earliest time placed in it, so the next
 * expiry is known without walking (it may be too early after a removal, never too late).
 *
 *   clock  ...|  digit 2  |  digit 1  |  digit 0  |     level 0: 1 ms a slot, level 1: 64 ms, level 2: 4096 ms ...
 *
 * Moving a pending timer later only writes its new time; when the slot fires, the timer is placed again. TCP does
 * this for every ACK.
 *
 * Interface: ktime_get_ns(), mod_timer(), del_timer(), timer_next_ns(), timer_rearm_hw(), timer_interrupt().
 * Above: everybody.  Below: arch_clock_ns(), arch_timer_arm(), softirq.
 * Context: lists are changed with IF=0; handlers run in TIMER_SOFTIRQ. The interrupt only reads.
 * Owns: nothing; timers are embedded in what they serve.
 */
#include <kernel/timer.h>

#include <kernel/arch.h>
#include <kernel/context.h>
#include <kernel/cpu.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/bug.h>

enum { LEVELS = 7, DIGIT_BITS = 6, SLOTS = 1 << DIGIT_BITS, LEVEL_DUE = 0xff };
#define SPAN_MASK ((1ULL << (LEVELS * DIGIT_BITS)) - 1) /* ms; 139 years */

static struct {
	u64 clk_ms; /* everything up to here has been moved to due */
	u64 bitmap[LEVELS];
	u64 slot_min_ms[LEVELS][SLOTS]; /* valid while the slot's bit is set; a lower bound */
	struct list_head slot[LEVELS][SLOTS];
	struct list_head due;     /* wheel timers whose time has come */
	struct list_head precise; /* by expiry */
	u64 armed_ns;             /* what the hardware is armed for; UINT64_MAX: nothing */
	u64 real_base_ns;         /* wall clock minus monotonic clock */
	u32 live;                 /* pending timers */
	bool ready;               /* the hardware may be armed */
	bool running;             /* the softirq runs and will arm the hardware at its end */
	struct timer refine;
	u64 refine_ns; /* interval of the next refinement */
} tm;

/**
 * ktime_get_ns() - the monotonic clock, ns since boot.
 * Context: any.
 * Return: the time.
 */
u64 ktime_get_ns(void)
{
	return arch_clock_ns();
}

/**
 * ktime_get_real_ns() - wall clock, ns since 1970; precise to the second of the RTC at boot.
 * Context: any.
 * Return: the time.
 */
u64 ktime_get_real_ns(void)
{
	return tm.real_base_ns + arch_clock_ns();
}

/**
 * jiffies_ms() - low 32 bits of the clock in ms; wraps after 49 days.
 * Context: any.
 * Return: the time.
 */
u32 jiffies_ms(void)
{
	return (u32)(arch_clock_ns() / NSEC_PER_MSEC);
}

/* First ms tick at or after @ns: a timer never fires early. */
static u64 tick_of(u64 ns)
{
	return ns / NSEC_PER_MSEC + (ns % NSEC_PER_MSEC != 0);
}

/* --- The wheel. All with IF=0 ------------------------------------------------------------------------------ */
static void wheel_place(struct timer *t) __needs(irqs_off)
{
	u64 ms = min(tick_of(t->expires_ns), tm.clk_ms | SPAN_MASK);
	t->slot_ms = ms;
	if (ms <= tm.clk_ms) {
		t->level = LEVEL_DUE;
		list_add_tail(&t->node, &tm.due);
		return;
	}
	u32 level = (63u - (u32)__builtin_clzll(ms ^ tm.clk_ms)) / DIGIT_BITS;
	u32 s = (ms >> (level * DIGIT_BITS)) % SLOTS;
	BUG_ON(level >= LEVELS);
	t->level = (u8)level;
	t->slot = (u8)s;
	if (!(tm.bitmap[level] & 1ULL << s) || ms < tm.slot_min_ms[level][s])
		tm.slot_min_ms[level][s] = ms;
	tm.bitmap[level] |= 1ULL << s;
	list_add_tail(&t->node, &tm.slot[level][s]);
}

static void timer_unlink(struct timer *t)
{
	list_del_init(&t->node);
	if (t->precise || t->level == LEVEL_DUE)
		return;
	if (list_empty(&tm.slot[t->level][t->slot]))
		tm.bitmap[t->level] &= ~(1ULL << t->slot);
}

/* The next slot in time: false when the wheel is empty. */
static bool wheel_first(u32 *level, u32 *s)
{
	for (*level = 0; *level < LEVELS; (*level)++) {
		if (tm.bitmap[*level]) {
			*s = (u32)__builtin_ctzll(tm.bitmap[*level]);
			return true;
		}
	}
	return false;
}

/* Begin of slot @s of @level, seen from the wheel's clock, in ms. */
static u64 slot_begin(u32 level, u32 s)
{
	u32 shift = level * DIGIT_BITS;
	u64 above = tm.clk_ms >> shift >> DIGIT_BITS;
	return (above << DIGIT_BITS | s) << shift;
}

static void slot_spread(u32 level, u32 s) __needs(irqs_off)
{
	LIST_HEAD(batch);
	list_splice_tail_init(&tm.slot[level][s], &batch);
	tm.bitmap[level] &= ~(1ULL << s);
	while (!list_empty(&batch)) {
		struct timer *t = list_first_entry(&batch, struct timer, node);
		list_del_init(&t->node);
		if (t->slot_ms <= tm.clk_ms) { /* lazy ones too: they are looked at when due */
			t->level = LEVEL_DUE;
			list_add_tail(&t->node, &tm.due);
		} else {
			wheel_place(t);
		}
	}
}

/* Moves the wheel's clock to @now_ms; what expires on the way goes to tm.due, in order of time. */
static void wheel_advance(u64 now_ms) __needs(irqs_off)
{
	u32 level, s;
	while (wheel_first(&level, &s)) {
		u64 begin = slot_begin(level, s);
		if (begin > now_ms)
			break;
		BUG_ON(begin <= tm.clk_ms);
		tm.clk_ms = begin;
		slot_spread(level, s);
	}
	tm.clk_ms = max(tm.clk_ms, now_ms);
}

static u64 wheel_next_ns(void)
{
	u32 level, s;
	if (!list_empty(&tm.due))
		return 0;
	if (!wheel_first(&level, &s))
		return UINT64_MAX;
	return tm.slot_min_ms[level][s] * NSEC_PER_MSEC;
}

/* --- The ordered queue. IF=0 ------------------------------------------------------------------------------------ */
static void precise_place(struct timer *t) __needs(irqs_off)
{
	struct list_head *at = tm.precise.prev;
	while (at != &tm.precise && list_entry(at, struct timer, node)->expires_ns > t->expires_ns)
		at = at->prev;
	list_add(&t->node, at);
}

static u64 precise_next_ns(void)
{
	if (list_empty(&tm.precise))
		return UINT64_MAX;
	return list_first_entry(&tm.precise, struct timer, node)->expires_ns;
}

/* --- The hardware. IF=0 ------------------------------------------------------------------------------------------- */
static void hw_arm(u64 ns) __needs(irqs_off)
{
	if (!tm.ready || ns == tm.armed_ns)
		return;
	tm.armed_ns = ns;
	arch_timer_arm(ns);
}

/**
 * timer_next_ns() - the earliest time at which a timer wants the CPU. Not late; early at most after del_timer()
 * or when a timer was moved later.
 * Context: any, IF=0.
 * Return: the time, maybe past; UINT64_MAX when there are no timers.
 */
u64 timer_next_ns(void)
{
	return min(wheel_next_ns(), precise_next_ns());
}

/**
 * timer_rearm_hw() - arms the one-shot for the next timer, or for the end of the running thread's slice when
 * others wait. While TIMER_SOFTIRQ is pending what is due needs no further interrupt.
 * Context: any, IF=0.
 */
void timer_rearm_hw(void)
{
	u64 next = UINT64_MAX;
	if (!(this_cpu()->softirq_pending & 1u << TIMER_SOFTIRQ) && !tm.running)
		next = timer_next_ns();
	hw_arm(min(next, sched_slice_end_ns()));
}

/**
 * timer_interrupt() - the one-shot fired: marks the softirq and the end of a slice, arms the next.
 * Context: hardirq.
 */
void timer_interrupt(void)
{
	u64 now = arch_clock_ns();
	tm.armed_ns = UINT64_MAX;
	if (timer_next_ns() <= now)
		raise_softirq_irqoff(TIMER_SOFTIRQ);
	sched_tick(now);
	timer_rearm_hw();
}

/* --- Timers --------------------------------------------------------------------------------------------------------- */
/**
 * timer_setup() - prepares a timer of 1 ms grain; it is not pending.
 * @fn: runs in softirq context; may re-arm or free the timer.
 * Context: any.
 */
void timer_setup(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
	INIT_LIST_HEAD(&t->node);
}

/**
 * timer_setup_precise() - prepares a timer that is not rounded to 1 ms; for few timers.
 * @fn: as with timer_setup().
 * Context: any.
 */
void timer_setup_precise(struct timer *t, void (*fn)(struct timer *t))
{
	timer_setup(t, fn);
	t->precise = true;
}

/* Places a timer anew; returns when its slot will want the CPU. IF=0. */
static u64 timer_place(struct timer *t, u64 expires_ns) __needs(irqs_off)
{
	if (t->pending)
		timer_unlink(t);
	t->expires_ns = expires_ns;
	if (t->precise) {
		precise_place(t);
		return expires_ns;
	}
	u32 level, s;
	if (!wheel_first(&level, &s)) /* empty: its clock may have stood still for long */
		tm.clk_ms = max(tm.clk_ms, arch_clock_ns() / NSEC_PER_MSEC);
	wheel_place(t);
	return t->slot_ms * NSEC_PER_MSEC;
}

/**
 * mod_timer() - (re-)arms a timer; a time in the past means at the next TIMER_SOFTIRQ.
 * Context: process, softirq.
 * Return: whether it was pending before.
 */
bool mod_timer(struct timer *t, u64 expires_ns)
{
	BUG_ON(!t->fn);
	BUG_ON(this_cpu()->hardirq_depth);
	unsigned long flags = local_irq_save();
	bool was = t->pending;
	bool lazy =
		was && !t->precise && t->level != LEVEL_DUE && tick_of(expires_ns) >= t->slot_ms;
	if (lazy) {
		t->expires_ns = expires_ns;
	} else {
		u64 at = timer_place(t, expires_ns);
		if (at < tm.armed_ns && !tm.running)
			hw_arm(at);
	}
	t->pending = true;
	tm.live += !was;
	local_irq_restore(flags);
	return was;
}

/**
 * del_timer() - disarms a timer; after it the handler does not run.
 * Context: process, softirq.
 * Return: whether it was pending.
 */
bool del_timer(struct timer *t)
{
	unsigned long flags = local_irq_save();
	bool was = t->pending;
	if (was) {
		timer_unlink(t);
		t->pending = false;
		tm.live--;
	}
	local_irq_restore(flags);
	return was;
}

/**
 * timers_live() - pending timers, without the clock's own.
 * Context: any.
 * Return: the count.
 */
u32 timers_live(void)
{
	return tm.live - (tm.refine.pending ? 1 : 0);
}

/* Runs what stands on @batch; a wheel timer that was moved later is placed again. IF=0 on entry and return. */
static void fire_batch(struct list_head *batch) __needs(irqs_off)
{
	while (!list_empty(batch)) {
		struct timer *t = list_first_entry(batch, struct timer, node);
		list_del_init(&t->node);
		if (!t->precise && tick_of(t->expires_ns) > tm.clk_ms) {
			wheel_place(t);
			continue;
		}
		t->pending = false;
		tm.live--;
		arch_irq_enable();
		t->fn(t);
		arch_irq_disable();
	}
}

/* TIMER_SOFTIRQ. Timers that handlers arm for the past wait for the next pass, which the loop bounds. */
static void timer_softirq(void)
{
	LIST_HEAD(batch);
	u64 now = arch_clock_ns();
	BUG_ON(!in_bh());
	arch_irq_disable();
	tm.running = true;
	while (precise_next_ns() <= now) {
		struct timer *t = list_first_entry(&tm.precise, struct timer, node);
		list_del_init(&t->node);
		list_add_tail(&t->node, &batch);
	}
	wheel_advance(now / NSEC_PER_MSEC);
	list_splice_tail_init(&tm.due, &batch);
	fire_batch(&batch);
	tm.running = false;
	if (timer_next_ns() <= arch_clock_ns())
		raise_softirq_irqoff(TIMER_SOFTIRQ);
	timer_rearm_hw();
	arch_irq_enable();
}

/* --- Init ------------------------------------------------------------------------------------------------------------- */
static void refine_fired(struct timer *t)
{
	arch_clock_refine();
	tm.refine_ns = min(2 * tm.refine_ns, 10 * NSEC_PER_SEC);
	mod_timer(t, arch_clock_ns() + tm.refine_ns);
}

/**
 * clock_refine_start() - refines the clock's calibration after 50 ms and then ever more rarely.
 * Context: boot, once, after timer_init() and softirq_init().
 */
void clock_refine_start(void)
{
	tm.refine_ns = 50 * NSEC_PER_MSEC;
	timer_setup(&tm.refine, refine_fired);
	mod_timer(&tm.refine, arch_clock_ns() + tm.refine_ns);
}

/**
 * timer_init() - an empty wheel; from here on the hardware is armed.
 * Context: boot, once, after arch_time_init().
 */
void timer_init(void)
{
	u64 now = arch_clock_ns();
	for (u32 l = 0; l < LEVELS; l++)
		for (u32 s = 0; s < SLOTS; s++)
			INIT_LIST_HEAD(&tm.slot[l][s]);
	INIT_LIST_HEAD(&tm.due);
	INIT_LIST_HEAD(&tm.precise);
	tm.clk_ms = now / NSEC_PER_MSEC;
	tm.armed_ns = UINT64_MAX;
	tm.real_base_ns = arch_wallclock_sec() * NSEC_PER_SEC - now;
	open_softirq(TIMER_SOFTIRQ, timer_softirq);
	tm.ready = true;
	sched_on_slice(timer_rearm_hw);
}
