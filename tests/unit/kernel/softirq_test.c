// SPDX-License-Identifier: MIT
/* kernel/softirq.c and kernel/irq.c: order, restarts, hand-over, bottom-half sections, shared lines. */
#include "ktest.h"

#include <kernel/arch.h>
#include <kernel/context.h>
#include <kernel/irq.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/err.h>

#include "host.h"

static char ran[64];
static int reraise; /* how often NET_RX raises itself again */

static void note(char c)
{
	size_t n = strlen(ran);
	CHECK(in_bh() && in_serving_softirq() && !in_hardirq() && !arch_irqs_disabled());
	if (n + 1 < sizeof(ran)) {
		ran[n] = c;
		ran[n + 1] = '\0';
	}
}

static void tx(void)
{
	note('t');
}

static void rx(void)
{
	note('r');
	if (reraise && reraise--)
		raise_softirq(NET_RX_SOFTIRQ);
}

static void begin(void)
{
	open_softirq(NET_TX_SOFTIRQ, tx);
	open_softirq(NET_RX_SOFTIRQ, rx);
	while (threads_runnable())
		schedule();
	ran[0] = '\0';
	reraise = 0;
}

TEST(raised_in_process_runs_at_once)
{
	begin();
	raise_softirq(NET_RX_SOFTIRQ);
	CHECK_STR(ran, "r");
}

TEST(low_bit_first_at_the_outermost_enable)
{
	begin();
	local_bh_disable();
	local_bh_disable();
	raise_softirq(NET_RX_SOFTIRQ);
	raise_softirq(NET_TX_SOFTIRQ);
	local_bh_enable();
	CHECK_STR(ran, "");
	local_bh_enable();
	CHECK_STR(ran, "tr");
}

TEST(not_with_interrupts_off)
{
	begin();
	unsigned long flags = local_irq_save();
	raise_softirq(NET_RX_SOFTIRQ);
	local_bh_disable();
	local_bh_enable();
	CHECK_STR(ran, "");
	local_irq_restore(flags);
	local_bh_disable();
	local_bh_enable();
	CHECK_STR(ran, "r");
}

TEST(restarts_then_ksoftirqd)
{
	begin();
	reraise = 25;
	u64 runs = this_cpu()->softirq_runs[NET_RX_SOFTIRQ];
	raise_softirq(NET_RX_SOFTIRQ);
	CHECK_EQ(strlen(ran), 10); /* ten passes, then handed over */
	CHECK_EQ(threads_runnable(), 1);
	CHECK(need_resched());
	raise_softirq(NET_TX_SOFTIRQ); /* nobody serves inline now */
	CHECK_EQ(strlen(ran), 10);
	while (threads_runnable())
		schedule();
	CHECK_EQ(strlen(ran), 27);
	CHECK_EQ(this_cpu()->softirq_runs[NET_RX_SOFTIRQ] - runs, 26);
	raise_softirq(NET_TX_SOFTIRQ); /* and now again */
	CHECK_EQ(strlen(ran), 28);
}

TEST(two_milliseconds_then_ksoftirqd)
{
	begin();
	reraise = 5;
	host_clock_per_call(1500 * NSEC_PER_USEC);
	raise_softirq(NET_RX_SOFTIRQ);
	host_clock_per_call(0);
	CHECK_EQ(strlen(ran), 2);
	while (threads_runnable())
		schedule();
	CHECK_EQ(strlen(ran), 6);
}

static int doorbells;
static void bell(struct cpu *cpu)
{
	CHECK(cpu->bh_count == 1);
	CHECK(!cpu->bh_exit_pending);
	doorbells++;
}

static void asks_for_bell(void)
{
	this_cpu()->bh_exit_pending = true;
}

TEST(bh_exit_runs_once_at_the_outermost_end)
{
	begin();
	this_cpu()->bh_exit = bell;
	doorbells = 0;
	local_bh_disable();
	local_bh_disable();
	this_cpu()->bh_exit_pending = true;
	local_bh_enable();
	CHECK_EQ(doorbells, 0);
	local_bh_enable();
	CHECK_EQ(doorbells, 1);
	open_softirq(NET_TX_SOFTIRQ, asks_for_bell);
	raise_softirq(NET_TX_SOFTIRQ); /* also at the end of a pass of the loop */
	CHECK_EQ(doorbells, 2);
}

static void forgets_enable(void)
{
	local_bh_disable();
}

static void raise_it(void *arg)
{
	(void)arg;
	raise_softirq(NET_TX_SOFTIRQ);
}

/* --- Tasklets --- */
static int tasklets_ran;
static void tasklet_fn(struct tasklet *t)
{
	CHECK(in_serving_softirq());
	if (++tasklets_ran == 1)
		tasklet_schedule(t); /* from inside: runs once more */
}

TEST(tasklets_run_once_per_schedule)
{
	struct tasklet t, u;
	begin();
	tasklets_ran = 0;
	tasklet_setup(&t, tasklet_fn);
	tasklet_setup(&u, tasklet_fn);
	local_bh_disable();
	tasklet_schedule(&t);
	tasklet_schedule(&t);
	tasklet_schedule(&u);
	tasklet_kill(&u);
	local_bh_enable();
	CHECK_EQ(tasklets_ran, 2);
}

/* --- Interrupts --- */
static int handled[2];
static bool mine[2];
static enum irqreturn handler(unsigned int irq, void *dev)
{
	int i = (int)((int *)dev - handled);
	CHECK(in_hardirq() && arch_irqs_disabled());
	handled[i]++;
	if (!mine[i])
		return IRQ_NONE;
	raise_softirq(NET_RX_SOFTIRQ);
	host_irq_set(irq, false);
	return IRQ_HANDLED;
}

TEST(shared_line_runs_all_and_softirq_at_exit)
{
	begin();
	CHECK_EQ(request_irq(99, handler, "x", NULL), -EINVAL);
	CHECK_EQ(request_irq(11, handler, "eth0", &handled[0]), 0);
	CHECK_EQ(request_irq(11, handler, "eth1", &handled[1]), 0);
	mine[1] = true;
	unsigned long flags = local_irq_save();
	host_irq_set(11, true);
	CHECK_EQ(handled[0], 0);
	local_irq_restore(flags);
	CHECK(handled[0] == 1 && handled[1] == 1);
	CHECK_STR(ran, "r");
	CHECK_EQ(irq_count(11), 1);
	char text[1024];
	struct seq_file m = { .buf = text, .size = sizeof(text) };
	interrupts_show(&m);
	CHECK(strstr(text, " 11:          1   XT-PIC  11-level     eth0, eth1\n"));
	free_irq(11, &handled[0]);
	host_irq_set(11, true);
	CHECK(handled[0] == 1 && handled[1] == 2);
	free_irq(11, &handled[1]);
	host_irq_set(11, true); /* masked: nothing */
	CHECK_EQ(irq_count(11), 2);
	host_irq_set(11, false);
}

TEST(stuck_line_is_masked)
{
	begin();
	mine[0] = false;
	handled[0] = 0;
	CHECK_EQ(request_irq(5, handler, "stuck", &handled[0]), 0);
	host_console_clear();
	host_irq_set(5, true);
	CHECK_EQ(handled[0], 1000);
	CHECK(strstr(host_console(), "irq 5: 1000 interrupts in a row"));
	host_irq_set(5, false);
	free_irq(5, &handled[0]);
}

TEST(report)
{
	char text[512];
	struct seq_file m = { .buf = text, .size = sizeof(text) };
	softirqs_show(&m);
	CHECK(strstr(text, "      NET_RX: "));
}

/* Last: the loop is left in the middle. */
TEST(unbalanced_action_is_caught)
{
	begin();
	open_softirq(NET_TX_SOFTIRQ, forgets_enable);
	CHECK_EQ(host_catch_exit(raise_it, NULL), 65);
}

KTEST_MAIN_BOOT()
