// SPDX-License-Identifier: MIT
/*
 * Waiting for many files at once. Each file shows the queue that is woken when its readiness may change; an entry
 * on each of them rings one private bell, and every ring has all files asked again. A file without a queue (the
 * console) is asked every 10 ms.
 *
 * Interface: poll_init() enters poll, ppoll, select, pselect6; poll_deadline(). Above: posix.c, epoll.c. Below: file_operations.poll, wait.
 * Context: process; the entries' function runs in any, IF=0.
 * Owns: references on the files while it waits. The signal masks of ppoll and pselect6 are without effect: there
 * are no signals.
 * Specs: POSIX.1-2017 poll(), select().
 */
#include "posix_internal.h"

#include <kernel/mm.h>
#include <kernel/syscall_define.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/posix.h>
#include <uapi/socket.h>
#include <uapi/unistd.h>

#define ASK_NS       (10 * NSEC_PER_MSEC)
#define SELECT_IN    (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define SELECT_OUT   (POLLOUT | POLLWRNORM | POLLERR)
#define SELECT_EX    POLLPRI
#define SELECT_WORDS (FD_SETSIZE / 64)

struct poll_bell {
	struct wait_queue_head wq;
	bool rung;
};

struct poll_entry {
	struct wait_queue_entry wait; /* on the file's queue */
	struct poll_bell *bell;
	struct file *file; /* counted; NULL: no such descriptor, or ignored */
	struct pollfd fd;
};

/* Any context, IF=0: the file's queue is being woken. */
static void ring(struct wait_queue_entry *w, unsigned int events)
{
	struct poll_bell *bell = container_of(w, struct poll_entry, wait)->bell;

	(void)events;
	bell->rung = true;
	wake_up(&bell->wq);
}

/* What the file is now. Enters the queue before it looks, so that no change falls between. */
static unsigned int ask(struct poll_entry *e, bool *no_queue)
{
	struct wait_queue_head *wq = NULL;
	unsigned int mask;

	if (!e->file->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	mask = e->file->ops->poll(e->file, &wq);
	if (!wq)
		*no_queue = true;
	if (!wq || !list_empty(&e->wait.node))
		return mask;
	add_wait_queue(wq, &e->wait);
	return e->file->ops->poll(e->file, &wq);
}

/* Asks all; the number of those with something to report. */
static int ask_all(struct poll_entry *e, size_t n, bool *no_queue)
{
	int ready = 0;

	*no_queue = false;
	for (; n; e++, n--) {
		unsigned int wanted = (u16)e->fd.events | POLLERR | POLLHUP;

		e->fd.revents = 0;
		if (e->file)
			e->fd.revents = (s16)(ask(e, no_queue) & wanted);
		else if (e->fd.fd >= 0)
			e->fd.revents = POLLNVAL;
		ready += e->fd.revents != 0;
	}
	return ready;
}

/* Waits until one of @n entries (fd and events set) has something to report. Their number; 0 at the deadline. */
static int poll_wait(struct poll_entry *e, size_t n, u64 deadline_ns) __may_sleep
{
	struct poll_bell bell = { .rung = false };
	bool no_queue, late = false;
	int ready;

	init_waitqueue_head(&bell.wq);
	for (size_t i = 0; i < n; i++) {
		init_wait(&e[i].wait);
		e[i].wait.func = ring;
		e[i].bell = &bell;
		e[i].file = e[i].fd.fd >= 0 ? fget(e[i].fd.fd) : NULL;
	}
	for (;;) {
		u64 until = deadline_ns;

		bell.rung = false;
		ready = ask_all(e, n, &no_queue);
		if (ready || late)
			break;
		if (no_queue)
			until = min(until, ktime_get_ns() + ASK_NS);
		wait_event_until(&bell.wq, READ_ONCE(bell.rung), until);
		late = deadline_ns != WAIT_FOREVER && ktime_get_ns() >= deadline_ns;
	}
	for (size_t i = 0; i < n; i++) {
		remove_wait_queue(&e[i].wait);
		if (e[i].file)
			fput(e[i].file);
	}
	return ready;
}

static u64 deadline_after(u64 ns)
{
	u64 deadline;

	return __builtin_add_overflow(ktime_get_ns(), ns, &deadline) ? WAIT_FOREVER : deadline;
}

/* A time span of the application; NULL: for ever. 0, -EFAULT, -EINVAL. @per: ns in a unit of the second word. */
static int get_deadline(const void *utime, u64 per, u64 *deadline_ns)
{
	s64 t[2];
	u64 ns;

	*deadline_ns = WAIT_FOREVER;
	if (!utime)
		return 0;
	if (copy_from_user(t, utime, sizeof(t)))
		return -EFAULT;
	if (t[0] < 0 || t[1] < 0 || (u64)t[1] >= NSEC_PER_SEC / per)
		return -EINVAL;
	if (!__builtin_mul_overflow((u64)t[0], NSEC_PER_SEC, &ns) &&
	    !__builtin_add_overflow(ns, (u64)t[1] * per, &ns))
		*deadline_ns = deadline_after(ns);
	return 0;
}

static long do_poll(struct pollfd *ufds, u64 n, u64 deadline_ns) __may_sleep
{
	struct poll_entry *e;
	long ret = 0;

	if (n > NR_FILES)
		return -EINVAL;
	e = kmalloc(max_t(size_t, n, 1) * sizeof(*e));
	if (!e)
		return -ENOMEM;
	for (size_t i = 0; i < n && !ret; i++)
		ret = copy_from_user(&e[i].fd, &ufds[i], sizeof(e[i].fd));
	if (!ret)
		ret = poll_wait(e, n, deadline_ns);
	for (size_t i = 0; i < n && ret >= 0; i++)
		if (copy_to_user(&ufds[i].revents, &e[i].fd.revents, sizeof(e[i].fd.revents)))
			ret = -EFAULT;
	kfree(e);
	return ret;
}

SYSCALL_DEFINE3(poll, struct pollfd *, ufds, u32, n, int, timeout_ms)
{
	u64 deadline =
		timeout_ms < 0 ? WAIT_FOREVER : deadline_after((u64)timeout_ms * NSEC_PER_MSEC);

	return do_poll(ufds, n, deadline);
}

SYSCALL_DEFINE3(ppoll, struct pollfd *, ufds, u32, n, const void *, uts)
{
	u64 deadline;
	int err = get_deadline(uts, 1, &deadline);

	return err ? err : do_poll(ufds, n, deadline);
}

/* --- select: the same in bit masks -------------------------------------------------------------------------------- */
struct fd_sets {
	u64 in[SELECT_WORDS], out[SELECT_WORDS], ex[SELECT_WORDS];
};

static bool bit_is_set(const u64 *set, int fd)
{
	return set[fd / 64] & BIT(fd % 64);
}

static int get_set(u64 *set, const void *uset, int n)
{
	memset(set, 0, SELECT_WORDS * sizeof(*set));
	if (!uset || copy_from_user(set, uset, (size_t)DIV_ROUND_UP(n, 64) * sizeof(*set)))
		return uset ? -EFAULT : 0;
	return 0;
}

static int put_set(void *uset, const u64 *set, int n)
{
	return uset ? copy_to_user(uset, set, (size_t)DIV_ROUND_UP(n, 64) * sizeof(*set)) : 0;
}

/* An entry for each descriptor that is in a set; their number. */
static size_t sets_to_entries(const struct fd_sets *s, int n, struct poll_entry *e)
{
	size_t used = 0;

	for (int fd = 0; fd < n; fd++) {
		unsigned int events = (bit_is_set(s->in, fd) ? POLLIN | POLLRDNORM : 0U) |
				      (bit_is_set(s->out, fd) ? POLLOUT | POLLWRNORM : 0U) |
				      (bit_is_set(s->ex, fd) ? (unsigned int)POLLPRI : 0U);

		if (events)
			e[used++].fd = (struct pollfd){ .fd = fd, .events = (s16)events };
	}
	return used;
}

static long put_bit(u64 *set, int fd, bool on)
{
	bool keep = on && bit_is_set(set, fd);

	if (!keep)
		set[fd / 64] &= ~BIT(fd % 64);
	return keep;
}

/* Leaves in the sets what is ready; the number of bits, or -EBADF. */
static long entries_to_sets(struct fd_sets *s, const struct poll_entry *e, size_t used)
{
	long bits = 0;

	for (; used; e++, used--) {
		unsigned int got = (u16)e->fd.revents;

		if (got & POLLNVAL)
			return -EBADF;
		bits += put_bit(s->in, e->fd.fd, got & SELECT_IN);
		bits += put_bit(s->out, e->fd.fd, got & SELECT_OUT);
		bits += put_bit(s->ex, e->fd.fd, got & SELECT_EX);
	}
	return bits;
}

static long do_select(int n, void *uin, void *uout, void *uex, u64 deadline_ns) __may_sleep
{
	struct fd_sets s;
	struct poll_entry *e;
	size_t used;
	long ret;

	if (n < 0)
		return -EINVAL;
	n = min(n, FD_SETSIZE);
	if (get_set(s.in, uin, n) || get_set(s.out, uout, n) || get_set(s.ex, uex, n))
		return -EFAULT;
	e = kmalloc((size_t)max(n, 1) * sizeof(*e));
	if (!e)
		return -ENOMEM;
	used = sets_to_entries(&s, n, e);
	poll_wait(e, used, deadline_ns);
	ret = entries_to_sets(&s, e, used);
	kfree(e);
	if (ret >= 0 && (put_set(uin, s.in, n) || put_set(uout, s.out, n) || put_set(uex, s.ex, n)))
		ret = -EFAULT;
	return ret;
}

/* Linux's select tells what is left of the time. */
SYSCALL_DEFINE5(select, int, n, void *, uin, void *, uout, void *, uex, void *, utv)
{
	struct timeval left = { 0, 0 };
	u64 deadline, now;
	int err = get_deadline(utv, NSEC_PER_USEC, &deadline);
	long ret = err ? err : do_select(n, uin, uout, uex, deadline);

	now = ktime_get_ns();
	if (!utv || err || deadline == WAIT_FOREVER)
		return ret;
	if (deadline > now) {
		left.tv_sec = (s64)((deadline - now) / NSEC_PER_SEC);
		left.tv_usec = (s64)((deadline - now) % NSEC_PER_SEC / NSEC_PER_USEC);
	}
	if (copy_to_user(utv, &left, sizeof(left)) && ret >= 0)
		ret = -EFAULT;
	return ret;
}

SYSCALL_DEFINE5(pselect6, int, n, void *, uin, void *, uout, void *, uex, const void *, uts)
{
	u64 deadline;
	int err = get_deadline(uts, 1, &deadline);

	return err ? err : do_select(n, uin, uout, uex, deadline);
}

/**
 * poll_deadline() - when a call that waits ends, of a struct timespec of the application; NULL: never
 * Context: process. Return: 0; -EFAULT; -EINVAL.
 */
int poll_deadline(const void *uts, u64 *deadline_ns)
{
	return get_deadline(uts, 1, deadline_ns);
}

/**
 * poll_init() - enters the calls that wait for many files
 * Context: boot, after syscall_init().
 */
void poll_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_poll, sys_poll },
		{ __NR_ppoll, sys_ppoll },
		{ __NR_select, sys_select },
		{ __NR_pselect6, sys_pselect6 },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}
