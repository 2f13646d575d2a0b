/* SPDX-License-Identifier: MIT */
/*
 * Waiting. The protocol that loses no wake-up:
 *   prepare_to_wait()           on the queue, marked BLOCKED
 *   <release what others need>  (the socket: its backlog is drained here)
 *   test the condition          always after both
 *   schedule_until(deadline)    only if it does not hold
 *   <take it again>, repeat; finish_wait() at the end.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H
#include <kernel/sched.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>

#define WAIT_FOREVER UINT64_MAX

struct wait_queue_head {
	struct list_head waiters;
};

struct wait_queue_entry {
	struct list_head node;
	struct thread *thread;
	/* Called at wake-up, any context, IF=0, instead of waking @thread when set (poll, epoll). @events: as of wake_up_poll(). */
	void (*func)(struct wait_queue_entry *w, unsigned int events);
};

static inline void init_waitqueue_head(struct wait_queue_head *wq)
{
	INIT_LIST_HEAD(&wq->waiters);
}

static inline bool waitqueue_active(const struct wait_queue_head *wq)
{
	return !list_empty(&wq->waiters);
}

void init_wait(struct wait_queue_entry *w); /* for the running thread */
void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *w);
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *w);
void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *w);
void remove_wait_queue(struct wait_queue_entry *w);
/* Wakes every waiter. Any context. */
void wake_up(struct wait_queue_head *wq);
/* The same, and says of what kind the news is (POLLIN | ...; 0: any). */
void wake_up_poll(struct wait_queue_head *wq, unsigned int events);
/*
 * schedule() with a limit on the monotonic clock. Returns 0 when woken, -ETIMEDOUT when @deadline_ns passed
 * first (the thread is RUNNING again either way). Process context.
 */
int schedule_until(u64 deadline_ns) __may_sleep;
void sleep_until(u64 deadline_ns) __may_sleep; /* plain sleep; process context */

/* Waits till @cond holds or @deadline_ns passes; value 0 or -ETIMEDOUT. Process context, nothing held. */
#define wait_event_until(wq, cond, deadline_ns)                                                    \
	({                                                                                         \
		struct wait_queue_entry wait_;                                                     \
		int ret_ = 0;                                                                      \
		init_wait(&wait_);                                                                 \
		for (;;) {                                                                         \
			prepare_to_wait(wq, &wait_);                                               \
			if (cond) {                                                                \
				ret_ = 0;                                                          \
				break;                                                             \
			}                                                                          \
			if (ret_)                                                                  \
				break;                                                             \
			ret_ = schedule_until(deadline_ns);                                        \
		}                                                                                  \
		finish_wait(wq, &wait_);                                                           \
		ret_;                                                                              \
	})
#endif
