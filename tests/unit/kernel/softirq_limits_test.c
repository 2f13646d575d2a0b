// SPDX-License-Identifier: MIT
/* How much softirqs may do before they give the CPU away: the bounds of one pass, at the bound and beside it. */
#include "host.h"
#include "ktest.h"

#include <kernel/context.h>
#include <kernel/irq.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>

static u32 ran, left;
static u64 cost_ns; /* of one action */

static void action(void)
{
	ran++;
	host_clock_set(host_clock() + cost_ns);
	if (left && left--)
		raise_softirq(NET_RX_SOFTIRQ);
}

static void settle(void)
{
	while (threads_runnable())
		schedule();
}

static const struct load {
	const char *name;
	u32 again;   /* how often the action raises itself */
	u64 cost_ns; /* what each takes */
	u32 at_once; /* actions before raise_softirq() returns */
} loads[] = {
	{ "one", 0, 0, 1 },
	{ "two", 1, 0, 2 },
	{ "nine", 8, 0, 9 },
	{ "ten", 9, 0, 10 },
	{ "eleven", 10, 0, 10 },
	{ "twenty", 19, 0, 10 },
	{ "hundred", 99, 0, 10 },
	{ "long_one", 0, 5000000, 1 },
	{ "two_of_a_millisecond", 1, 1000000, 2 },
	{ "three_of_a_millisecond", 2, 1000000, 2 },
	{ "two_of_just_below_2_ms", 1, 1999999, 2 },
	{ "two_of_2_ms", 1, 2000000, 1 },
	{ "ten_of_a_tenth", 9, 100000, 10 },
	{ "nine_of_a_quarter", 8, 250000, 8 },
};

TEST_EACH(a_pass_is_bounded, loads)
{
	settle();
	open_softirq(NET_RX_SOFTIRQ, action);
	ran = 0;
	left = row->again;
	cost_ns = row->cost_ns;
	raise_softirq(NET_RX_SOFTIRQ);
	CHECK_EQ(ran, row->at_once);
	CHECK_EQ(threads_runnable(), ran < row->again + 1); /* ksoftirqd has the rest */
	settle();
	CHECK_EQ(ran, row->again + 1);
	CHECK(!in_bh() && !in_serving_softirq());
}

/* Where a softirq that is raised gets its turn. */
static const struct place {
	const char *name;
	u32 bh, irqs_off; /* levels of either around the raise */
} places[] = {
	{ "plain", 0, 0 },          { "in_one_section", 1, 0 }, { "in_three_sections", 3, 0 },
	{ "interrupts_off", 0, 1 }, { "both", 1, 1 },           { "both_deep", 2, 2 }
};

TEST_EACH(served_at_the_outermost_end, places)
{
	unsigned long flags[4];

	settle();
	open_softirq(NET_RX_SOFTIRQ, action);
	ran = left = 0;
	cost_ns = 0;
	for (u32 i = 0; i < row->bh; i++)
		local_bh_disable();
	for (u32 i = 0; i < row->irqs_off; i++)
		flags[i] = local_irq_save();
	raise_softirq(NET_RX_SOFTIRQ);
	raise_softirq(NET_RX_SOFTIRQ); /* a bit, no count */
	CHECK_EQ(ran, row->bh || row->irqs_off ? 0 : 2);
	for (u32 i = row->irqs_off; i-- > 0;)
		local_irq_restore(flags[i]);
	for (u32 i = 0; i < row->bh; i++) {
		CHECK_EQ(ran, 0);
		local_bh_enable();
	}
	if (row->irqs_off && !row->bh) { /* the next serving point */
		local_bh_disable();
		local_bh_enable();
	}
	CHECK_EQ(ran, row->bh || row->irqs_off ? 1 : 2);
}

static u32 tasks;
static struct tasklet task;

static void task_fn(struct tasklet *t)
{
	CHECK(t == &task && in_serving_softirq());
	tasks++;
}

TEST(a_tasklet_that_is_killed_never_runs)
{
	tasklet_setup(&task, task_fn);
	local_bh_disable();
	tasklet_schedule(&task);
	tasklet_schedule(&task);
	tasklet_kill(&task);
	local_bh_enable();
	settle();
	CHECK_EQ(tasks, 0);
	tasklet_kill(&task); /* again is nothing */
	tasklet_schedule(&task);
	CHECK_EQ(tasks, 1);
}

/* --- Lines ------------------------------------------------------------------------------------------------------------------- */
static u32 handled[3];

static enum irqreturn handler(unsigned int irq, void *dev)
{
	u32 i = (u32)(size_t)dev;

	CHECK(in_hardirq());
	handled[i]++;
	host_irq_set(irq, false);
	return i ? IRQ_HANDLED : IRQ_NONE;
}

static const struct line {
	const char *name;
	unsigned int irq;
	int err;
} lines[] = {
	{ "0", 0, 0 }, { "11", 11, 0 }, { "15", 15, 0 }, { "16", 16, -22 }, { "255", 255, -22 }
};

TEST_EACH(request_of_line, lines)
{
	u64 before = irq_count(row->irq);

	handled[1] = 0;
	CHECK_EQ(request_irq(row->irq, handler, "test", (void *)1), row->err);
	if (row->err)
		return;
	CHECK_EQ(request_irq(row->irq, NULL, "test", NULL), -22);
	host_irq_set(row->irq, true);
	CHECK_EQ(handled[1], 1);
	CHECK_EQ(irq_count(row->irq), before + 1);
	free_irq(row->irq, (void *)1);
	host_irq_set(row->irq, true); /* nobody is there: masked */
	CHECK_EQ(handled[1], 1);
	host_irq_set(row->irq, false);
}

TEST(all_of_a_line_are_asked)
{
	memset(handled, 0, sizeof(handled));
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(request_irq(9, handler, "test", (void *)i), 0);
	host_irq_set(9, true);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(handled[i], 1);
	free_irq(9, (void *)1);
	host_irq_set(9, true);
	CHECK(handled[0] == 2 && handled[1] == 1 && handled[2] == 2);
	free_irq(9, (void *)0);
	free_irq(9, (void *)2);
}

KTEST_MAIN_BOOT()
