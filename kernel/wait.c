// SPDX-License-Identifier: MIT
/*
 * Wait queues: who sleeps for what, and the sleep with a limit.
 *
 * The protocol stands in <kernel/wait.h>. An entry stays on its queue until its owner takes it off, so a loop that
 * tests again needs no second enqueue to be woken again. Waiters are woken in the order they came.
 *
 * Interface: prepare_to_wait(), finish_wait(), wake_up(), wake_up_poll(), schedule_until(), sleep_until().
 * Above: sockets, poll, exec.  Below: sched, timer.
 * Context: waiting: process; waking: any. Queues are changed with IF=0.
 * Owns: nothing; entries live on the waiter's stack.
 */
#include <kernel/wait.h>

#include <kernel/context.h>
#include <kernel/cpu.h>
#include <kernel/timer.h>
#include <lib/bug.h>
#include <lib/err.h>

/**
 * init_wait() - prepares an entry for the running thread; it is on no queue.
 * Context: process.
 */
void init_wait(struct wait_queue_entry *w)
{
	INIT_LIST_HEAD(&w->node);
	w->thread = current_thread();
	w->func = NULL;
}

/**
 * add_wait_queue() - puts an entry at the queue's end; the thread is not marked.
 * Context: any.
 */
void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *w)
{
	unsigned long flags = local_irq_save();
	BUG_ON(!list_empty(&w->node));
	list_add_tail(&w->node, &wq->waiters);
	local_irq_restore(flags);
}

/**
 * remove_wait_queue() - takes an entry off whatever queue it is on; off every queue already: no-op.
 * Context: any.
 */
void remove_wait_queue(struct wait_queue_entry *w)
{
	unsigned long flags = local_irq_save();
	list_del_init(&w->node);
	local_irq_restore(flags);
}

/**
 * prepare_to_wait() - puts the running thread on @wq (once) and marks it BLOCKED.
 * Context: process, bottom halves on or off; after it the condition must be tested.
 */
void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *w)
{
	unsigned long flags = local_irq_save();
	BUG_ON(w->thread != current_thread());
	if (list_empty(&w->node))
		list_add_tail(&w->node, &wq->waiters);
	w->thread->state = THREAD_BLOCKED;
	local_irq_restore(flags);
}

/**
 * finish_wait() - the thread is RUNNING again and off the queue.
 * Context: process.
 */
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *w)
{
	(void)wq;
	unsigned long flags = local_irq_save();
	w->thread->state = THREAD_RUNNING;
	list_del_init(&w->node);
	local_irq_restore(flags);
}

/**
 * wake_up_poll() - wakes every waiter, in the order they came; entries with a function get that instead, and of what kind the news is.
 * @events: POLLIN | ...; 0: any
 * Context: any.
 */
void wake_up_poll(struct wait_queue_head *wq, unsigned int events)
{
	struct wait_queue_entry *w, *n;
	unsigned long flags = local_irq_save();
	list_for_each_entry_safe(w, n, &wq->waiters, node) {
		if (w->func)
			w->func(w, events);
		else
			thread_wake(w->thread);
	}
	local_irq_restore(flags);
}

/**
 * wake_up() - wakes every waiter, for whatever it waits.
 * Context: any.
 */
void wake_up(struct wait_queue_head *wq)
{
	wake_up_poll(wq, 0);
}

struct sleeper {
	struct timer timer;
	struct thread *thread;
	bool fired;
};

static void sleeper_fired(struct timer *t)
{
	struct sleeper *s = container_of(t, struct sleeper, timer);
	s->fired = true;
	thread_wake(s->thread);
}

/**
 * schedule_until() - schedule() with a limit on the monotonic clock.
 * @deadline_ns: WAIT_FOREVER for none.
 * Context: process, marked BLOCKED by prepare_to_wait(). Sleeps.
 * Return: 0 woken; -ETIMEDOUT the deadline passed. The thread is RUNNING either way.
 */
int schedule_until(u64 deadline_ns)
{
	struct sleeper s = { .thread = current_thread() };
	might_sleep();
	if (deadline_ns == WAIT_FOREVER) {
		schedule();
		return 0;
	}
	if (ktime_get_ns() >= deadline_ns) {
		s.thread->state = THREAD_RUNNING;
		return -ETIMEDOUT;
	}
	timer_setup_precise(&s.timer, sleeper_fired);
	mod_timer(&s.timer, deadline_ns);
	schedule();
	del_timer(&s.timer);
	return s.fired ? -ETIMEDOUT : 0;
}

/**
 * sleep_until() - sleeps until the monotonic clock reaches @deadline_ns.
 * Context: process. Sleeps.
 */
void sleep_until(u64 deadline_ns)
{
	might_sleep();
	do {
		current_thread()->state = THREAD_BLOCKED;
	} while (schedule_until(deadline_ns) == 0);
}
