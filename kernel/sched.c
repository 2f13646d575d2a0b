// SPDX-License-Identifier: MIT
/*
 * Threads and the run queue.
 *
 * A handful of threads, one queue, first in, first out. The running thread is not on the queue. BLOCKED is a mark
 * a thread puts on itself before it tests its condition; only its own schedule() takes it off the CPU for that,
 * so that a wake-up in between is never lost. Application text is preempted at interrupt exit; kernel code is not.
 *
 *   RUNNING, on the queue <-> RUNNING, current -> BLOCKED --thread_wake()--> RUNNING, on the queue
 *                                              -> DEAD, freed by the next thread that runs
 *
 * Interface: kthread_create(), schedule(), thread_wake(), thread_exit(), sched_irq_exit(), stat_show().
 * Softirqs and timers are floors above: they enter themselves by sched_on_idle() and sched_on_slice().
 *
 * Above: softirq, timer, wait, kernel/posix.  Below: arch_switch(), arch_clock_ns(), vmalloc (stacks), slab.
 * Context: as each function says; the queue is changed with IF=0, O(1).
 * Owns: struct thread and its stack, from kthread_create() to the switch after thread_exit().
 */
#include <kernel/sched.h>

#include <kernel/context.h>
#include <kernel/cpu.h>
#include <kernel/cycles.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/trace.h>
#include <lib/bug.h>

#define SLICE_NS (4 * NSEC_PER_MSEC)

/* Until the floors above have entered theirs. */
static void nothing(void)
{
}

static struct {
	struct list_head queue; /* runnable threads that do not run */
	u32 nr_queued;
	struct list_head all;
	struct thread init;  /* whoever called sched_init(): runs on the boot stack */
	struct thread *idle; /* runs when the queue is empty; never on it */
	struct thread *dead; /* exited, its stack still in use until the switch is done */
	u32 next_tid;
	void (*on_idle)(void);  /* sched_on_idle() */
	void (*on_slice)(void); /* sched_on_slice() */
	u64 switches;
	u64 preempted; /* of them out of application text */
	u64 idle_ns;   /* time spent halted */
} sched = { .queue = LIST_HEAD_INIT(sched.queue),
	    .all = LIST_HEAD_INIT(sched.all),
	    .on_idle = nothing,
	    .on_slice = nothing };

/**
 * current_thread() - the running thread.
 * Context: any (in an interrupt: the interrupted one).
 * Return: the thread, borrowed; NULL before sched_init().
 */
struct thread *current_thread(void)
{
	return this_cpu()->current;
}

/**
 * need_resched() - whether somebody better waits for the CPU.
 * Context: any.
 * Return: true if so.
 */
bool need_resched(void)
{
	return this_cpu()->need_resched;
}

/**
 * threads_runnable() - threads that could run now, besides the running one.
 * Context: any.
 * Return: the count.
 */
u32 threads_runnable(void)
{
	return sched.nr_queued;
}

static void enqueue(struct thread *t)
{
	BUG_ON(!list_empty(&t->run));
	list_add_tail(&t->run, &sched.queue);
	sched.nr_queued++;
}

static struct thread *dequeue(void)
{
	if (list_empty(&sched.queue))
		return sched.idle;
	struct thread *t = list_first_entry(&sched.queue, struct thread, run);
	list_del_init(&t->run);
	sched.nr_queued--;
	return t;
}

static void thread_free(struct thread *t)
{
	vfree((void *)t->arch.kstack_base);
	kfree(t);
}

/* First thing on the new thread's side of a switch. IF=0. */
static void switch_done(void) __needs(irqs_off)
{
	struct thread *dead = sched.dead;
	sched.dead = NULL;
	if (dead)
		thread_free(dead);
	if (sched.nr_queued)
		sched.on_slice(); /* its slice counts from now */
}

/* Gives the CPU to the next; @voluntary: a BLOCKED mark counts. IF=0. */
static void switch_away(bool voluntary) __needs(irqs_off)
{
	struct cpu *cpu = this_cpu();
	struct thread *prev = cpu->current;
	BUG_ON(cpu->hardirq_depth || cpu->bh_count);
	cpu->need_resched = false;
	bool stays = prev->state == THREAD_RUNNING || (prev->state == THREAD_BLOCKED && !voluntary);
	if (stays && !sched.nr_queued) /* nobody else: go on */
		return;
	if (stays && prev != sched.idle)
		enqueue(prev);
	struct thread *next = dequeue();
	BUG_ON(!next || next == prev);
	if (prev->state == THREAD_DEAD)
		sched.dead = prev;
	next->slice_end_ns = arch_clock_ns() + SLICE_NS;
	cpu->current = next;
	sched.switches++;
	sched.preempted += !voluntary;
	arch_switch(&prev->arch, &next->arch);
	switch_done();
}

/**
 * schedule() - gives the CPU away: a thread marked BLOCKED till thread_wake(), others to the queue's end.
 * Context: process, bottom halves on. Sleeps.
 */
void schedule(void)
{
	might_sleep();
	unsigned long flags = local_irq_save();
	switch_away(true);
	local_irq_restore(flags);
}

/**
 * cond_resched() - gives the CPU away if somebody better waits.
 * Context: process, bottom halves on. May sleep.
 */
void cond_resched(void)
{
	might_sleep();
	if (this_cpu()->need_resched)
		schedule();
}

/**
 * thread_wake() - makes a BLOCKED thread runnable, at the end of the queue, and asks for a reschedule.
 * Context: any.
 * Return: false when it was not blocked.
 */
bool thread_wake(struct thread *t)
{
	struct cpu *cpu = this_cpu();
	unsigned long flags = local_irq_save();
	bool blocked = t->state == THREAD_BLOCKED;
	if (blocked) {
		t->state = THREAD_RUNNING;
		trace_at(thread_wake, 0, t->tid, t->name);
		/* Still current, or preempted with the mark on: it has not left the CPU or the queue. */
		if (t != cpu->current && list_empty(&t->run)) {
			enqueue(t);
			cpu->need_resched = true;
			if (cpu->current != sched.idle)
				sched.on_slice();
		}
	}
	local_irq_restore(flags);
	return blocked;
}

/* Every thread begins here, with IF=0, at its first switch. */
static void thread_main(void *arg) __needs(process_ctx) __gives(irqs_off)
{
	struct thread *t = arg;
	switch_done();
	arch_irq_enable();
	t->fn(t->fn_arg);
	thread_exit();
}

static struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *t = kzalloc(sizeof(*t));
	void *stack = t ? vmalloc(ARCH_KSTACK_SIZE) : NULL;
	if (!stack) {
		kfree(t);
		return NULL;
	}
	INIT_LIST_HEAD(&t->run);
	t->name = name;
	t->fn = fn;
	t->fn_arg = arg;
	arch_thread_init(&t->arch, stack, thread_main, t);
	unsigned long flags = local_irq_save();
	t->tid = ++sched.next_tid;
	list_add_tail(&t->all, &sched.all);
	local_irq_restore(flags);
	return t;
}

/**
 * kthread_create() - starts a thread that runs @fn(@arg) and ends when it returns.
 * @name: static text.
 * Context: process.
 * Return: the thread, which frees itself after its end; NULL without memory.
 */
struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *t = thread_create(name, fn, arg);
	if (!t)
		return NULL;
	t->state = THREAD_BLOCKED; /* woken for the first time */
	thread_wake(t);
	return t;
}

/**
 * thread_exit() - ends the running thread; its stack and struct are freed by the next one that runs.
 * Context: process, bottom halves on. Does not return.
 */
void thread_exit(void)
{
	struct thread *t = current_thread();
	might_sleep();
	BUG_ON(t == &sched.init || t == sched.idle);
	local_irq_save();
	list_del_init(&t->all);
	t->state = THREAD_DEAD;
	switch_away(true);
	BUG();
	for (;;)
		cpu_relax();
}

/**
 * sched_irq_exit() - end of an interrupt, softirqs done: preempts application text if somebody better waits.
 * The idle thread needs nothing here: it looks at the queue when arch_idle() returns.
 * Context: IF=0, no handler running.
 */
void sched_irq_exit(bool from_app)
{
	struct cpu *cpu = this_cpu();
	if (from_app && cpu->need_resched && !cpu->hardirq_depth && !cpu->bh_count)
		switch_away(false);
}

/**
 * sched_on_idle() - enters what is done before the CPU is halted.
 * Context: boot.
 */
void sched_on_idle(void (*fn)(void))
{
	sched.on_idle = fn;
}

/**
 * sched_on_slice() - enters what is told that the end of the running thread's slice may have changed.
 * Context: boot.
 */
void sched_on_slice(void (*fn)(void))
{
	sched.on_slice = fn;
}

/**
 * stat_show() - /proc/stat: Linux's names where it has them.
 * Context: process.
 */
void stat_show(struct seq_file *m)
{
	seq_printf(m, "ctxt %llu\npreempted %llu\nprocesses %u\nprocs_running %u\n",
		   (unsigned long long)sched.switches, (unsigned long long)sched.preempted,
		   sched.next_tid, sched.nr_queued + 1);
}

/**
 * sched_idle_ns() - how long the CPU was halted since boot.
 * Context: any.
 * Return: ns.
 */
u64 sched_idle_ns(void)
{
	return sched.idle_ns;
}

/**
 * sched_slice_end_ns() - when the running thread's slice is over.
 * Context: any, IF=0.
 * Return: the time; UINT64_MAX while nobody else waits.
 */
u64 sched_slice_end_ns(void)
{
	struct thread *t = this_cpu()->current;
	if (!sched.nr_queued || !t || t == sched.idle)
		return UINT64_MAX;
	return t->slice_end_ns;
}

/**
 * sched_tick() - asks for a reschedule when the running thread's slice is over.
 * Context: hardirq.
 */
void sched_tick(u64 now_ns)
{
	struct thread *t = this_cpu()->current;
	if (now_ns < sched_slice_end_ns())
		return;
	this_cpu()->need_resched = true;
	t->slice_end_ns = now_ns + SLICE_NS; /* kernel code goes on; asked again then */
}

/*
 * Nothing to do: halt until something happens. Interrupts stay off from the look at the queue to the halt, so
 * that nothing can slip in between.
 */
static void idle_loop(void *arg)
{
	(void)arg;
	for (;;) {
		arch_irq_disable();
		sched.on_idle();
		if (sched.nr_queued) {
			switch_away(true);
			arch_irq_enable();
			continue;
		}
		sched.on_slice();
		u64 begin = arch_clock_ns();
		(void)cycles_enter(CPU_IDLE);
		arch_idle();
		unsigned long flags = local_irq_save();
		(void)cycles_enter(CPU_PROCESS);
		local_irq_restore(flags);
		sched.idle_ns += arch_clock_ns() - begin;
	}
}

/**
 * sched_init() - the caller becomes thread "init"; the idle thread is made.
 * Context: boot, once, after slab_init() and vmalloc_init().
 */
void sched_init(void)
{
	struct thread *init = &sched.init;
	BUG_ON(this_cpu()->current);
	INIT_LIST_HEAD(&init->run);
	init->name = "init";
	init->state = THREAD_RUNNING;
	init->tid = ++sched.next_tid;
	list_add_tail(&init->all, &sched.all);
	this_cpu()->current = init;
	cycles_init();
	sched.idle = thread_create("idle", idle_loop, NULL);
	if (!sched.idle)
		boot_no_memory("the idle thread");
}

/**
 * threads_show() - prints the threads, for crash reports.
 * Context: any.
 */
void threads_show(void)
{
	static const char *const names[] = { "running", "blocked", "dead" };
	struct thread *t;
	list_for_each_entry(t, &sched.all, all)
		pr_crit("thread %u %s: %s%s", t->tid, t->name, names[t->state],
			t == this_cpu()->current ? ", on the CPU" : "");
}
