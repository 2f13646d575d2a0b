/* SPDX-License-Identifier: MIT */
/*
 * Threads: few (init, application, ksoftirqd, idle), each with a guarded kernel stack. A thread runs until it
 * blocks or yields, or, when it was interrupted in application text, until need_resched at interrupt exit. Run
 * queue is first in, first out; while two threads are runnable a slice of 4 ms is enforced by the timer.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H
#include <kernel/arch.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>

enum thread_state { THREAD_RUNNING, THREAD_BLOCKED, THREAD_DEAD };

struct thread {
	struct arch_thread arch;
	struct list_head run; /* on the run queue; empty while running, blocked or dead */
	enum thread_state
		state; /* BLOCKED is a mark: only a voluntary schedule() takes it off the CPU */
	u32 tid;
	const char *name;      /* static text */
	u64 slice_end_ns;      /* when the running thread's slice is over, if others wait */
	void *clear_child_tid; /* set_tid_address(); application memory */
	struct list_head all;  /* every thread, for reports */
	int exit_code;
	void (*fn)(void *arg); /* what it runs; set once */
	void *fn_arg;
};

void sched_init(void); /* the caller becomes thread "init" */
/* Starts a kernel thread; it ends when @fn returns. NULL without memory. Process context. */
struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg);
struct thread *current_thread(void);
/*
 * Gives the CPU away. A thread marked BLOCKED leaves the run queue till thread_wake(); others go to its end.
 * Process context, bottom halves on.
 */
void schedule(void) __may_sleep;
/* Gives the CPU away only if somebody better waits. For loops in kernel code. Process context. */
void cond_resched(void) __may_sleep;
/* Makes @t runnable and asks for a reschedule. Any context. Returns false if it was not blocked. */
bool thread_wake(struct thread *t);
bool need_resched(void);
void thread_exit(void)
	__noreturn __may_sleep; /* the running thread ends; its stack is freed by the next */
u32 threads_runnable(void);
/*
 * Called by irq.c at the end of an interrupt, after the softirqs; @from_app: it came in application text, the
 * only place where a thread is preempted. IF=0.
 */
void sched_irq_exit(bool from_app) __needs(irqs_off);
/*
 * When the running thread's slice ends, if others wait; UINT64_MAX otherwise. For the one-shot timer. IF=0.
 * sched_tick() asks for a reschedule when that time has come; hardirq.
 */
u64 sched_slice_end_ns(void) __needs(irqs_off);
void sched_tick(u64 now_ns) __needs(hardirq_ctx, irqs_off);
/*
 * The floors above enter what the scheduler has to call, both with IF=0: before the CPU is halted (softirqs look for
 * work), and when the end of the running thread's slice may have changed (the one-shot timer is armed anew).
 */
void sched_on_idle(void (*fn)(void));
void sched_on_slice(void (*fn)(void));
struct seq_file;
void stat_show(struct seq_file *m); /* /proc/stat */
u64 sched_idle_ns(void);            /* time the CPU was halted since boot */
void threads_show(void);            /* one line per thread on the console, for crash reports */
#endif
