// SPDX-License-Identifier: MIT
/*
 * Time: the time stamp counter is the clock, the PIT's second channel tells its rate, the local APIC's timer (or the
 * PIT's channel 0, where there is no APIC) is the one-shot alarm.
 *
 * Calibration takes several windows of about 1 ms and keeps the least cycle count and, apart from it, the least APIC count per
 * PIT tick: a window brackets the PIT's reads from outside, so everything that disturbs it only adds to them. A host that takes the
 * processor away can disturb many windows in a row: they go on until the two least of each agree. Later arch_clock_refine()
 * compares over longer and longer intervals (channel 2 runs on; how often it wrapped follows from the rate known so
 * far) and changes the rate without a step of the clock.
 *
 * Interface: arch_time_init, arch_clock_ns, arch_timer_arm, arch_clock_refine (<kernel/arch.h>), clock_* (x86.h).
 * Above: kernel/timer.c, printk.c, idt.c. Below: apic.c, the PIT. Context: per function. Owns: PIT, port 0x61 bits
 * 0-1, the clock's base. Specs: Intel 8254 data sheet; SDM vol. 3 17.17 (TSC).
 */
#include <kernel/arch.h>
#include <kernel/printk.h>
#include <lib/bug.h>

#include "x86.h"

#define PIT_CH0       0x40U
#define PIT_CH2       0x42U
#define PIT_CMD       0x43U
#define PORT_B        0x61U
#define GATE2         0x01U
#define SPEAKER       0x02U
#define CMD_CH2_RATE  0xb4U /* channel 2, both bytes, mode 2, binary */
#define CMD_CH2_LATCH 0x80U
#define CMD_CH0_ONCE  0x30U /* channel 0, both bytes, mode 0, binary */
#define PIT_WRAP      65536U

#define WINDOWS         5
#define WINDOWS_MAX     200
#define WINDOW_TICKS    1193U /* about 1 ms */
#define AGREE_SHIFT     8     /* two counts agree when they are within 1/256 */
#define POLLS_MAX       100000U
#define ERROR_FLOOR_PPM 50ULL
#define ANCHOR_MAX_TICKS                                                                           \
	(30 * PIT_HZ) /* older anchors average over the host's own clock steering */
#define HZ_FALLBACK 1000000000ULL

#define PIT_SHOT_MAX  0xffffU /* ticks one shot of channel 0 can wait: 54.9 ms */
#define APIC_SHOT_MAX 0xfffffff0ULL
#define SHOT_MAX_NS   (4 * NSEC_PER_SEC) /* one shot never waits longer: products stay small */

/* One simultaneous look at both counters: the PIT was read somewhere between @before and @after. */
struct sample {
	u64 before, after;
	u32 apic;
	u16 pit; /* counts down */
};

/* ns = base_ns + (cycles - base_cycles) * mult / 2^32; @seq is odd while it changes. */
static struct {
	u32 seq;
	u64 base_cycles, base_ns;
	u64 mult;
} clk;

static u64 tsc_hz, apic_hz; /* apic_hz 0: the PIT is the alarm */
static u64 apic_mult;       /* APIC ticks per ns, 32 bits of fraction */
static u64 boot_cycles;
static u64 armed = UINT64_MAX; /* deadline the alarm is set for; UINT64_MAX: none */
static struct sample anchor;   /* where the refining interval begins */
static u64 error_ppm = 10000;  /* bound of the rate's error */

static u64 mul_shift32(u64 a, u64 b)
{
	return (u64)(((unsigned __int128)a * b) >> 32);
}

/* a * b / c, where the quotient fits; by hand, as the compiler would call its library for it. */
static u64 mul_div(u64 a, u64 b, u64 c)
{
	u64 lo, hi;

	__asm__("mulq %3" : "=a"(lo), "=d"(hi) : "a"(a), "rm"(b) : "cc");
	BUG_ON(hi >= c);
	__asm__("divq %4" : "=a"(lo), "=d"(hi) : "a"(lo), "d"(hi), "rm"(c) : "cc");
	return lo;
}

/** clock_boot_cycles() - cycle count at the first call, which is where time 0 is. Context: any. Return: it. */
u64 clock_boot_cycles(void)
{
	if (!boot_cycles)
		boot_cycles = arch_cycles();
	return boot_cycles;
}

static u16 pit_read(void)
{
	u8 lo;

	outb(PIT_CMD, CMD_CH2_LATCH);
	lo = inb(PIT_CH2);
	return (u16)(lo | inb(PIT_CH2) << 8);
}

static void sample_take(struct sample *s)
{
	s->before = arch_cycles();
	s->pit = pit_read();
	s->after = arch_cycles();
}

/* The best of several looks: a disturbed one has its edges far apart. */
static void sample_best(struct sample *s)
{
	struct sample t;

	sample_take(s);
	for (int i = 0; i < 7; i++) {
		sample_take(&t);
		if (t.after - t.before < s->after - s->before)
			*s = t;
	}
}

/* One window: cycles and APIC ticks during at least WINDOW_TICKS of the PIT. False when the PIT stands still. */
static bool window(u64 *cycles_per_wrap, u64 *apic_per_wrap)
{
	struct sample a, b;
	u32 ticks = 0;

	a.apic = apic_hz ? apic_timer_count() : 0;
	sample_take(&a);
	for (u32 i = 0; ticks < WINDOW_TICKS; i++) {
		if (i == POLLS_MAX)
			return false;
		sample_take(&b);
		ticks = (u16)(a.pit - b.pit);
	}
	b.apic = apic_hz ? apic_timer_count() : 0;
	*cycles_per_wrap = (b.after - a.before) * PIT_WRAP / ticks;
	*apic_per_wrap = (u64)(a.apic - b.apic) * PIT_WRAP / ticks;
	return true;
}

static void set_rate(u64 hz)
{
	u64 now = arch_cycles();
	u64 now_ns = clk.mult ? clk.base_ns + mul_shift32(now - clk.base_cycles, clk.mult) : 0;

	clk.seq++;
	barrier();
	if (clk.mult) {
		clk.base_ns = now_ns;
		clk.base_cycles = now;
	} else {
		clk.base_cycles = clock_boot_cycles();
	}
	clk.mult = (NSEC_PER_SEC << 32) / hz;
	barrier();
	clk.seq++;
	tsc_hz = hz;
}

/* The two least of what was seen. */
struct least {
	u64 first, second;
};

static void least_see(struct least *l, u64 n)
{
	l->second = min(l->second, max(l->first, n));
	l->first = min(l->first, n);
}

static bool least_agree(const struct least *l)
{
	return l->second - l->first <= l->first >> AGREE_SHIFT;
}

static void calibrate(void)
{
	struct least cycles = { UINT64_MAX, UINT64_MAX }, apic = cycles;
	int i;

	for (i = 0; i < WINDOWS || !least_agree(&cycles) || !least_agree(&apic); i++) {
		u64 c, a;

		if (i == WINDOWS_MAX) {
			pr_warn("clock: no two of %d measurements agree; time may run at a wrong "
				"rate",
				i);
			break;
		}
		if (!window(&c, &a))
			break;
		least_see(&cycles, c);
		least_see(&apic, a);
	}
	if (cycles.first == UINT64_MAX) {
		pr_err("clock: the PIT does not count; the cycle counter is taken for 1 GHz");
		set_rate(HZ_FALLBACK);
		apic_hz = apic_hz ? HZ_FALLBACK : 0;
		return;
	}
	set_rate(cycles.first * PIT_HZ / PIT_WRAP);
	if (apic_hz)
		apic_hz = max(apic.first * PIT_HZ / PIT_WRAP, (u64)1);
}

/**
 * arch_time_init() - starts the clock and finds the one-shot timer
 *
 * Takes about 5 ms, longer where the host takes the processor away. Context: boot, after arch_paging_init(), IF=0. Source: 8254 data sheet, modes 0 and 2.
 */
void arch_time_init(void)
{
	u64 alarm_hz;

	outb(PORT_B, (u8)((inb(PORT_B) & ~SPEAKER) | GATE2));
	outb(PIT_CMD, CMD_CH2_RATE);
	outb(PIT_CH2, 0);
	outb(PIT_CH2, 0);
	apic_hz = apic_init();
	if (apic_hz)
		apic_timer_free_run();
	calibrate();
	if (apic_hz) {
		apic_timer_start(0);
		apic_mult = (apic_hz << 32) / NSEC_PER_SEC;
	} else {
		outb(PIT_CMD, CMD_CH0_ONCE);
		arch_irq_unmask(0);
	}
	sample_best(&anchor);
	alarm_hz = apic_hz ? apic_hz : PIT_HZ;
	pr_info("clock: tsc %llu.%03llu MHz, alarm by %s %llu.%03llu MHz",
		(unsigned long long)(tsc_hz / 1000000), (unsigned long long)(tsc_hz / 1000 % 1000),
		apic_hz ? "local apic" : "pit", (unsigned long long)(alarm_hz / 1000000),
		(unsigned long long)(alarm_hz / 1000 % 1000));
}

/**
 * arch_clock_ns() - nanoseconds since boot
 *
 * Never goes back, never steps. Context: any, also hardirq. Return: the time; 0 before arch_time_init().
 */
u64 arch_clock_ns(void)
{
	u64 ns;
	u32 seq;

	do {
		seq = READ_ONCE(clk.seq);
		barrier();
		ns = clk.base_ns + mul_shift32(arch_cycles() - clk.base_cycles, clk.mult);
		barrier();
	} while ((seq & 1) || seq != READ_ONCE(clk.seq));
	return ns;
}

/**
 * arch_clock_refine() - improves the clock's rate by a longer comparison with the PIT
 *
 * The number of PIT wraps in the interval follows from the rate known so far, so an interval may not be longer than
 * that rate's error allows: call it first within a second or so, then with intervals up to ten times as long.
 * A call that comes too late begins a new interval. Context: process or softirq; briefly IF=0.
 */
void arch_clock_refine(void)
{
	unsigned long flags = arch_irq_save();
	struct sample s;
	u64 cycles, ticks, expect, hz, fault;
	u16 part;

	sample_best(&s);
	cycles = s.before - anchor.before;
	expect = mul_div(cycles, PIT_HZ, tsc_hz);
	/* a quarter wrap of doubt, at most: else the number of wraps would be a guess */
	if (expect < PIT_HZ / 100)
		goto out;
	if (expect > (u64)PIT_WRAP / 4 * 1000000 / error_ppm) {
		anchor = s;
		goto out;
	}
	part = (u16)(anchor.pit - s.pit);
	ticks = ALIGN_DOWN(expect - part + PIT_WRAP / 2, (u64)PIT_WRAP) + part;
	if (!ticks)
		goto out;
	hz = mul_div(cycles, PIT_HZ, ticks);
	fault = max(s.after - s.before, anchor.after - anchor.before);
	fault = fault * 1000000 / cycles + 2 * 1000000 / ticks + 1;
	if (fault < error_ppm && hz > tsc_hz - tsc_hz / 32 && hz < tsc_hz + tsc_hz / 32) {
		set_rate(hz);
		/* host and guest clocks drift a little against each other: never believe in less */
		error_ppm = max(fault, ERROR_FLOOR_PPM);
		pr_debug("clock: tsc %llu.%06llu MHz within %llu ppm",
			 (unsigned long long)(hz / 1000000), (unsigned long long)(hz % 1000000),
			 (unsigned long long)error_ppm);
	}
	if (expect > ANCHOR_MAX_TICKS)
		anchor = s;
out:
	arch_irq_restore(flags);
}

static void arm_hardware(u64 deadline_ns) __needs(irqs_off)
{
	u64 now = arch_clock_ns();
	u64 wait = deadline_ns > now ? min(deadline_ns - now, SHOT_MAX_NS) : 0;
	u64 count;

	if (apic_hz) {
		count = min(mul_shift32(wait, apic_mult) + 1, APIC_SHOT_MAX);
		apic_timer_start((u32)count);
		return;
	}
	count = min(mul_div(wait, PIT_HZ, NSEC_PER_SEC) + 1, (u64)PIT_SHOT_MAX);
	outb(PIT_CMD, CMD_CH0_ONCE);
	outb(PIT_CH0, (u8)count);
	outb(PIT_CH0, (u8)(count >> 8));
}

/**
 * arch_timer_arm() - sets the one alarm
 * @deadline_ns: clock value at or after which the timer handler is called; UINT64_MAX: not at all
 *
 * A deadline that has passed fires at once. Replaces the alarm set before. Context: IF=0.
 */
void arch_timer_arm(u64 deadline_ns)
{
	BUG_ON(!arch_irqs_disabled());
	armed = deadline_ns;
	if (deadline_ns != UINT64_MAX)
		arm_hardware(deadline_ns);
	else if (apic_hz)
		apic_timer_start(0);
	else
		outb(PIT_CMD, CMD_CH0_ONCE); /* no count follows: the channel waits */
}

/**
 * clock_timer_interrupt() - the alarm's interrupt
 * @timer_fn: whom to call when the deadline is reached
 *
 * An interrupt before the deadline (a wait too long for one shot, a rate that was off) sets the alarm again.
 * Context: hardirq, IF=0.
 */
void clock_timer_interrupt(void (*timer_fn)(void))
{
	if (armed == UINT64_MAX)
		return; /* fired while it was being disarmed */
	if (arch_clock_ns() < armed) {
		arm_hardware(armed);
		return;
	}
	armed = UINT64_MAX;
	timer_fn();
}

/** clock_timer_is_pit() - line 0 is the alarm. Context: any. Return: true when there is no APIC timer. */
bool clock_timer_is_pit(void)
{
	return !apic_hz;
}
