// SPDX-License-Identifier: MIT
/* kernel/cycles.c: whose time it is, to the cycle. The host's cycle counter is its virtual clock. */
#include "ktest.h"

#include <kernel/cycles.h>
#include <kernel/irq.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <kernel/wait.h>

#include "host.h"

static bool nested; /* the action is interrupted once */

static void takes(u64 cycles)
{
	host_clock_set(host_clock() + cycles);
}

static enum irqreturn handler(unsigned int irq, void *dev)
{
	(void)dev;
	takes(7);
	host_irq_set(irq, false);
	raise_softirq(NET_RX_SOFTIRQ);
	return IRQ_HANDLED;
}

static void action(void)
{
	takes(60);
	if (nested) {
		nested = false;
		host_irq_set(11, true);
	}
	takes(40);
}

static void begin(u64 was[NR_CPU_CONTEXTS])
{
	open_softirq(NET_RX_SOFTIRQ, action);
	while (threads_runnable())
		schedule();
	CHECK_EQ(request_irq(11, handler, "x", &nested), 0);
	cycles_read(was);
}

/* What each context got since @was: exactly this. */
static void spent(u64 was[NR_CPU_CONTEXTS], u64 process, u64 softirq, u64 hardirq, u64 idle)
{
	u64 now[NR_CPU_CONTEXTS];

	cycles_read(now);
	CHECK_EQ(now[CPU_PROCESS] - was[CPU_PROCESS], process);
	CHECK_EQ(now[CPU_SOFTIRQ] - was[CPU_SOFTIRQ], softirq);
	CHECK_EQ(now[CPU_HARDIRQ] - was[CPU_HARDIRQ], hardirq);
	CHECK_EQ(now[CPU_IDLE] - was[CPU_IDLE], idle);
	free_irq(11, &nested);
}

TEST(an_interrupt_and_its_softirq_are_not_the_callers_time)
{
	u64 was[NR_CPU_CONTEXTS];

	begin(was);
	takes(1000);
	host_irq_set(11, true);
	takes(500);
	spent(was, 1500, 100, 7, 0);
}

TEST(an_interrupt_within_a_softirq_gives_the_time_back_to_it)
{
	u64 was[NR_CPU_CONTEXTS];

	begin(was);
	nested = true;
	raise_softirq(NET_RX_SOFTIRQ);
	/* The interrupted action went on, and the one raised meanwhile ran once more. */
	spent(was, 0, 200, 7, 0);
}

TEST(bottom_halves_off_is_the_callers_time)
{
	u64 was[NR_CPU_CONTEXTS];

	begin(was);
	local_bh_disable();
	takes(300);
	local_bh_enable();
	spent(was, 300, 0, 0, 0);
}

TEST(waiting_is_idle)
{
	u64 was[NR_CPU_CONTEXTS];

	begin(was);
	sleep_until(ktime_get_ns() + 5 * NSEC_PER_MSEC);
	spent(was, 0, 0, 0, 5 * NSEC_PER_MSEC);
}

TEST(page_adds_up)
{
	char text[256];
	struct seq_file m = { .buf = text, .size = sizeof(text) };
	unsigned long long v[5];

	takes(12345);
	cycles_show(&m);
	CHECK_EQ(sscanf(text, "process %llu softirq %llu hardirq %llu idle %llu total %llu", &v[0],
			&v[1], &v[2], &v[3], &v[4]),
		 5);
	CHECK(v[0] >= 12345);
	CHECK_EQ(v[0] + v[1] + v[2] + v[3], v[4]);
}

KTEST_MAIN_BOOT()
