// SPDX-License-Identifier: MIT
/*
 * epoll: a file that remembers which others one waits for. Each watch stands on the queue of its file; when that is woken, the watch goes
 * onto the ready list, and epoll_wait() asks only those. One that is level-triggered stays on the list while its file is ready,
 * an edge-triggered one (EPOLLET) till it was reported, one with EPOLLONESHOT is silent afterwards till it is changed.
 *
 * A file without a queue (the console) is asked every 10 ms. What is watched by its last reference leaves with it. A watch is of a file
 * under one descriptor: a second descriptor of the same file is another. An epoll file does not watch epoll files (ELOOP).
 *
 * Interface: epoll_init() enters epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2. Above: posix.c.
 * Below: file_operations.poll, kernel/file.c (watchers), wait queues.
 * Context: process; a watch's function runs in any, IF=0. Ready lists are changed with IF=0.
 * Owns: the watches, at most EP_MAX_WATCHES of a file; no references on what they watch. Signal masks are without effect: there are no signals.
 * Specs: Linux epoll(7), epoll_ctl(2), epoll_wait(2).
 */
#include "posix_internal.h"

#include <kernel/context.h>
#include <kernel/cpu.h>
#include <kernel/mm.h>
#include <kernel/syscall_define.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <uapi/posix.h>
#include <uapi/socket.h>
#include <uapi/unistd.h>

#define EP_ASK_NS      (10 * NSEC_PER_MSEC)
#define EP_BUCKETS     64
#define EP_MAX_WATCHES 4096u
#define EP_MAX_EVENTS  (INT32_MAX / (int)sizeof(struct epoll_event))
/* What says how a watch reports, not what: it stays when EPOLLONESHOT takes the rest away. */
#define EP_HOW (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EP_EXCLUSIVE_OK                                                                            \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

struct eventpoll {
	struct list_head bucket[EP_BUCKETS]; /* of watches, by descriptor */
	struct list_head ready;
	struct wait_queue_head wq; /* who waits for this file: epoll_wait(), and poll() of it */
	u32 watches, no_queue;     /* how many; of them, on files without a queue */
};

struct ep_watch {
	struct list_head node;  /* in its bucket */
	struct list_head ready; /* on the ready list; empty: not */
	struct file_watcher on_file;
	struct wait_queue_entry wait; /* on the file's queue */
	struct eventpoll *ep;
	struct file *file; /* borrowed: on_file is told when it goes */
	int fd;
	struct epoll_event event;
	unsigned int seen; /* of a file without a queue: what was reported */
	bool no_queue;
};

/* Any context, IF=0. */
static void ep_ready(struct ep_watch *w)
{
	if (list_empty(&w->ready))
		list_add_tail(&w->ready, &w->ep->ready);
	wake_up(&w->ep->wq);
}

static bool ep_asleep(const struct ep_watch *w)
{
	return !(w->event.events & ~EP_HOW);
}

/* Any context, IF=0: the queue of the file is being woken, for @events (0: for whatever). */
static void ep_woken(struct wait_queue_entry *wait, unsigned int events)
{
	struct ep_watch *w = container_of(wait, struct ep_watch, wait);

	if (!ep_asleep(w) && (!events || (events & w->event.events)))
		ep_ready(w);
}

/* What of the file's state the watch wants to hear of. Enters the file's queue the first time. */
static unsigned int ep_ask(struct ep_watch *w)
{
	struct wait_queue_head *wq = NULL;
	unsigned int mask = w->file->ops->poll(w->file, &wq);

	if (!wq) {
		if (!w->no_queue)
			w->ep->no_queue++;
		w->no_queue = true;
	} else if (list_empty(&w->wait.node)) {
		add_wait_queue(wq, &w->wait);
		mask = w->file->ops->poll(w->file, &wq);
	}
	return mask & w->event.events;
}

static void ep_unready(struct ep_watch *w)
{
	unsigned long flags = local_irq_save();

	list_del_init(&w->ready);
	local_irq_restore(flags);
}

static void ep_requeue(struct ep_watch *w, bool first)
{
	unsigned long flags = local_irq_save();

	if (list_empty(&w->ready)) {
		if (first)
			list_add(&w->ready, &w->ep->ready);
		else
			list_add_tail(&w->ready, &w->ep->ready);
	}
	local_irq_restore(flags);
}

static void ep_free_watch(struct ep_watch *w)
{
	remove_wait_queue(&w->wait);
	ep_unready(w);
	list_del_init(&w->on_file.node);
	list_del_init(&w->node);
	w->ep->watches--;
	w->ep->no_queue -= w->no_queue;
	kfree(w);
}

/* The last reference of the file goes. */
static void ep_file_gone(struct file_watcher *fw)
{
	ep_free_watch(container_of(fw, struct ep_watch, on_file));
}

/* --- The file ----------------------------------------------------------------------------------------------------------- */

static void ep_release(struct file *f)
{
	struct eventpoll *ep = f->private_data;
	struct ep_watch *w, *next;

	for (u32 i = 0; i < EP_BUCKETS; i++)
		list_for_each_entry_safe(w, next, &ep->bucket[i], node)
			ep_free_watch(w);
	BUG_ON(ep->watches || ep->no_queue || !list_empty(&ep->ready));
	kfree(ep);
}

/* Those without a queue whose state is not what it was; level-triggered ones whatever it is. */
static void ep_ask_unqueued(struct eventpoll *ep)
{
	struct ep_watch *w;

	for (u32 i = 0; ep->no_queue && i < EP_BUCKETS; i++) {
		list_for_each_entry(w, &ep->bucket[i], node) {
			unsigned int mask = w->no_queue && !ep_asleep(w) ? ep_ask(w) : 0;

			if (mask & ((w->event.events & EPOLLET) ? ~w->seen : UINT32_MAX))
				ep_requeue(w, false);
			w->seen &= mask;
		}
	}
}

/* Is there anything to report? What is on the list and not ready any more leaves it. */
static bool ep_any_ready(struct eventpoll *ep)
{
	struct ep_watch *w;

	ep_ask_unqueued(ep);
	while (!list_empty(&ep->ready)) {
		w = list_first_entry(&ep->ready, struct ep_watch, ready);
		ep_unready(w);
		if (ep_ask(w)) {
			ep_requeue(w, true);
			return true;
		}
	}
	return false;
}

static unsigned int ep_poll(struct file *f, struct wait_queue_head **wq)
{
	struct eventpoll *ep = f->private_data;

	*wq = ep->no_queue ? NULL : &ep->wq;
	return ep_any_ready(ep) ? POLLIN | POLLRDNORM : 0;
}

static const struct file_operations ep_ops = {
	.name = "epoll",
	.poll = ep_poll,
	.release = ep_release,
};

static long ep_create(bool cloexec) __may_sleep
{
	struct eventpoll *ep = kzalloc(sizeof(*ep));
	struct file *f;
	long fd;

	if (!ep)
		return -ENOMEM;
	f = file_alloc(&ep_ops, ep, O_RDWR);
	if (!f) {
		kfree(ep);
		return -ENOMEM;
	}
	for (u32 i = 0; i < EP_BUCKETS; i++)
		INIT_LIST_HEAD(&ep->bucket[i]);
	INIT_LIST_HEAD(&ep->ready);
	init_waitqueue_head(&ep->wq);
	fd = fd_install(f, 0, cloexec);
	if (fd < 0)
		fput(f);
	return fd;
}

SYSCALL_DEFINE1(epoll_create, int, size)
{
	return size > 0 ? ep_create(false) : -EINVAL;
}

SYSCALL_DEFINE1(epoll_create1, int, flags)
{
	return flags & ~O_CLOEXEC ? -EINVAL : ep_create(flags & O_CLOEXEC);
}

/* --- What is watched ------------------------------------------------------------------------------------------------------ */

static struct list_head *ep_bucket(struct eventpoll *ep, int fd)
{
	return &ep->bucket[(u32)fd % EP_BUCKETS];
}

static struct ep_watch *ep_find(struct eventpoll *ep, const struct file *file, int fd)
{
	struct ep_watch *w;

	list_for_each_entry(w, ep_bucket(ep, fd), node)
		if (w->fd == fd && w->file == file)
			return w;
	return NULL;
}

/* The watch is new, or wants something else: it may be ready right now. */
static void ep_begin(struct ep_watch *w)
{
	w->seen = 0;
	if (!ep_ask(w))
		return;
	ep_requeue(w, false);
	wake_up(&w->ep->wq);
}

static int ep_add(struct eventpoll *ep, struct file *file, int fd, const struct epoll_event *ev)
{
	struct ep_watch *w;

	if (ep->watches >= EP_MAX_WATCHES)
		return -ENOSPC;
	w = kzalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->ep = ep;
	w->file = file;
	w->fd = fd;
	w->event = *ev;
	w->on_file.gone = ep_file_gone;
	INIT_LIST_HEAD(&w->ready);
	init_wait(&w->wait);
	w->wait.func = ep_woken;
	list_add(&w->node, ep_bucket(ep, fd));
	list_add(&w->on_file.node, &file->watchers);
	ep->watches++;
	ep_begin(w);
	return 0;
}

static int ep_change(struct eventpoll *ep, int op, struct file *file, int fd,
		     struct epoll_event *ev)
{
	struct ep_watch *w = ep_find(ep, file, fd);

	ev->events |= EPOLLERR | EPOLLHUP; /* which are always told */
	switch (op) {
	case EPOLL_CTL_ADD:
		return w ? -EEXIST : ep_add(ep, file, fd, ev);
	case EPOLL_CTL_DEL:
		if (w)
			ep_free_watch(w);
		return w ? 0 : -ENOENT;
	case EPOLL_CTL_MOD:
		if (!w)
			return -ENOENT;
		if (w->event.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		w->event = *ev;
		ep_begin(w);
		return 0;
	default:
		return -EINVAL;
	}
}

/* Does @f, an epoll file or not, take @op on @target? */
static int ep_check(const struct file *f, const struct file *target, int op,
		    const struct epoll_event *ev)
{
	if (!target->ops->poll)
		return -EPERM;
	if (f == target || f->ops != &ep_ops)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) &&
	    (op == EPOLL_CTL_MOD || target->ops == &ep_ops || (ev->events & ~EP_EXCLUSIVE_OK)))
		return -EINVAL;
	return op == EPOLL_CTL_ADD && target->ops == &ep_ops ? -ELOOP : 0;
}

SYSCALL_DEFINE4(epoll_ctl, int, epfd, int, op, int, fd, const struct epoll_event *, uev)
{
	struct epoll_event ev = { 0 };
	struct file *f, *target;
	int err = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, uev, sizeof(ev)))
		return -EFAULT;
	f = fget(epfd);
	target = fget(fd);
	if (f && target)
		err = ep_check(f, target, op, &ev);
	if (f && target && !err)
		err = ep_change(f->private_data, op, target, fd, &ev);
	if (target)
		fput(target);
	if (f)
		fput(f);
	return err;
}

/* --- Waiting --------------------------------------------------------------------------------------------------------------- */

/* @w was on the list: reports what it has. 1, 0: nothing any more; -EFAULT. */
static int ep_report(struct ep_watch *w, struct epoll_event *uev)
{
	struct epoll_event ev = { .events = ep_ask(w), .data = w->event.data };

	if (!ev.events)
		return 0;
	if (copy_to_user(uev, &ev, sizeof(ev)))
		return -EFAULT;
	if (w->event.events & EPOLLONESHOT)
		w->event.events &= EP_HOW;
	else if (!(w->event.events & EPOLLET))
		ep_requeue(w, false); /* behind the others: each has its turn */
	w->seen |= ev.events;
	return 1;
}

/* Reports of those on the list, each asked once. Their number; -EFAULT when there is none. */
static int ep_send(struct eventpoll *ep, struct epoll_event *uev, int most)
{
	u32 turns = 0;
	int n = 0;
	struct ep_watch *w;

	ep_ask_unqueued(ep);
	list_for_each_entry(w, &ep->ready, ready)
		turns++;
	for (; turns && n < most && !list_empty(&ep->ready); turns--) {
		int got;

		w = list_first_entry(&ep->ready, struct ep_watch, ready);
		ep_unready(w);
		got = ep_report(w, uev + n);
		if (got < 0) {
			ep_requeue(w, true);
			return n ? n : got;
		}
		n += got;
	}
	return n;
}

static int ep_wait(struct eventpoll *ep, struct epoll_event *uev, int most,
		   u64 deadline_ns) __may_sleep
{
	int n = ep_send(ep, uev, most);

	while (!n) {
		u64 ask = ktime_get_ns() + EP_ASK_NS;
		u64 until = ep->no_queue ? min(deadline_ns, ask) : deadline_ns;
		bool late = wait_event_until(&ep->wq, !list_empty(&ep->ready), until) != 0;

		n = ep_send(ep, uev, most);
		if (late && until == deadline_ns)
			break;
	}
	return n;
}

static long do_epoll_wait(int epfd, struct epoll_event *uev, int most, u64 deadline_ns) __may_sleep
{
	struct file *f;
	long ret = -EINVAL;

	if (most <= 0 || most > EP_MAX_EVENTS)
		return -EINVAL;
	f = fget(epfd);
	if (!f)
		return -EBADF;
	if (f->ops == &ep_ops)
		ret = ep_wait(f->private_data, uev, most, deadline_ns);
	fput(f);
	return ret;
}

static u64 ep_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? WAIT_FOREVER : ktime_get_ns() + (u64)timeout_ms * NSEC_PER_MSEC;
}

SYSCALL_DEFINE4(epoll_wait, int, epfd, struct epoll_event *, uev, int, most, int, timeout_ms)
{
	return do_epoll_wait(epfd, uev, most, ep_deadline(timeout_ms));
}

SYSCALL_DEFINE4(epoll_pwait, int, epfd, struct epoll_event *, uev, int, most, int, timeout_ms)
{
	return do_epoll_wait(epfd, uev, most, ep_deadline(timeout_ms));
}

SYSCALL_DEFINE4(epoll_pwait2, int, epfd, struct epoll_event *, uev, int, most, const void *, uts)
{
	u64 deadline;
	int err = poll_deadline(uts, &deadline);

	return err ? err : do_epoll_wait(epfd, uev, most, deadline);
}

/**
 * epoll_init() - enters the calls
 * Context: boot, after syscall_init().
 */
void epoll_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_epoll_create, sys_epoll_create }, { __NR_epoll_create1, sys_epoll_create1 },
		{ __NR_epoll_ctl, sys_epoll_ctl },       { __NR_epoll_wait, sys_epoll_wait },
		{ __NR_epoll_pwait, sys_epoll_pwait },   { __NR_epoll_pwait2, sys_epoll_pwait2 },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}
