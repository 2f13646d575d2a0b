// SPDX-License-Identifier: MIT
/* kernel/sched.c and kernel/wait.c on host threads. */
#include "ktest.h"

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <lib/err.h>

#include "host.h"

static char order[64];
static struct wait_queue_head wq;
static int ready;

static void note(const char *s)
{
	if (strlen(order) + strlen(s) < sizeof(order))
		strcat(order, s);
}

static void drain(void)
{
	while (threads_runnable())
		schedule();
}

static void begin(void)
{
	drain();
	init_waitqueue_head(&wq);
	order[0] = '\0';
	ready = 0;
}

static void yields(void *arg)
{
	for (int i = 0; i < 3; i++) {
		note(arg);
		schedule();
	}
}

TEST(first_in_first_out)
{
	begin();
	CHECK(kthread_create("a", yields, "a") && kthread_create("b", yields, "b"));
	CHECK_EQ(threads_runnable(), 2);
	drain();
	CHECK_STR(order, "ababab");
}

static void waits(void *arg)
{
	CHECK_EQ(wait_event_until(&wq, ready, WAIT_FOREVER), 0);
	note(arg);
}

TEST(wake_up_wakes_all_in_order)
{
	begin();
	kthread_create("1", waits, "1");
	kthread_create("2", waits, "2");
	kthread_create("3", waits, "3");
	drain();
	CHECK(waitqueue_active(&wq));
	wake_up(&wq); /* the condition does not hold: they wait again */
	drain();
	CHECK_STR(order, "");
	ready = 1;
	wake_up(&wq);
	drain();
	CHECK_STR(order, "123");
	CHECK(!waitqueue_active(&wq));
}

TEST(no_lost_wakeup_between_test_and_sleep)
{
	struct wait_queue_entry w;
	begin();
	init_wait(&w);
	prepare_to_wait(&wq, &w);
	wake_up(&wq); /* what an interrupt does right after the test */
	CHECK_EQ(current_thread()->state, THREAD_RUNNING);
	CHECK_EQ(schedule_until(WAIT_FOREVER), 0); /* comes back: it is runnable */
	finish_wait(&wq, &w);
}

TEST(timeouts)
{
	begin();
	u64 t = host_clock();
	CHECK_EQ(wait_event_until(&wq, ready, t + 1234567), -ETIMEDOUT);
	CHECK_EQ(host_clock(), t + 1234567);
	CHECK_EQ(wait_event_until(&wq, ready, t), -ETIMEDOUT); /* already past */
	CHECK_EQ(current_thread()->state, THREAD_RUNNING);
	ready = 1;
	CHECK_EQ(wait_event_until(&wq, ready, t), 0);
	CHECK_EQ(timers_live(), 0);
	sleep_until(host_clock() + 50);
	CHECK_EQ(timers_live(), 0);
}

static void waker(struct timer *t)
{
	(void)t;
	CHECK(in_serving_softirq());
	ready = 1;
	wake_up(&wq);
}

TEST(woken_from_softirq_before_the_deadline)
{
	struct timer t;
	begin();
	timer_setup_precise(&t, waker);
	u64 now = host_clock();
	mod_timer(&t, now + 3000000);
	CHECK_EQ(wait_event_until(&wq, ready, now + NSEC_PER_SEC), 0);
	CHECK_EQ(host_clock(), now + 3000000);
	CHECK_EQ(timers_live(), 0);
}

static int called;
static void on_wake(struct wait_queue_entry *w, unsigned int events)
{
	(void)events;
	(void)w;
	called++;
}

TEST(entries_with_a_function)
{
	struct wait_queue_entry w;
	begin();
	init_wait(&w);
	w.func = on_wake;
	add_wait_queue(&wq, &w);
	wake_up(&wq);
	wake_up(&wq);
	CHECK_EQ(called, 2);
	remove_wait_queue(&w);
	remove_wait_queue(&w);
	wake_up(&wq);
	CHECK_EQ(called, 2);
}

static void ends(void *arg)
{
	(void)arg;
}

TEST(threads_give_their_memory_back)
{
	begin();
	kthread_create("warm", ends, NULL);
	drain();
	u64 live = mm_live_objects(), free = pages_free();
	for (int i = 0; i < 100; i++) {
		CHECK(kthread_create("short", ends, NULL));
		drain();
	}
	CHECK_EQ(mm_live_objects(), live);
	CHECK_EQ(pages_free(), free);
}

/* While two threads are runnable the timer interrupts at least every 4 ms and asks for a reschedule. */
TEST(slices)
{
	begin();
	kthread_create("other", ends, NULL);
	CHECK(host_armed_ns() <= host_clock() + 4 * NSEC_PER_MSEC);
	this_cpu()->need_resched = false;
	for (int i = 0; i < 10; i++) {
		u64 irqs = host_timer_irqs();
		unsigned long flags = local_irq_save();
		host_clock_set(host_clock() + 4 * NSEC_PER_MSEC);
		local_irq_restore(flags);
		CHECK_EQ(host_timer_irqs(), irqs + 1);
		CHECK(need_resched());
	}
	cond_resched();
	CHECK_EQ(threads_runnable(), 0);
}

static void sleeps_in_bh(void *arg)
{
	(void)arg;
	local_bh_disable();
	schedule();
}

TEST(sleeping_with_bottom_halves_off_is_caught)
{
	begin();
	CHECK_EQ(host_catch_exit(sleeps_in_bh, NULL), 65);
	local_bh_enable();
}

KTEST_MAIN_BOOT()
