// SPDX-License-Identifier: MIT
/*
 * Clocks as calls: two of them, the one since boot and the wall's. Sleeps end when their time has come and never
 * earlier: there are no signals that interrupt.
 *
 * Interface: clock_init() enters clock_gettime, clock_getres, gettimeofday, time, nanosleep, clock_nanosleep.
 * Above: posix.c. Below: kernel/timer.c, wait.c. Context: process. Owns: nothing.
 * Specs: POSIX.1-2017 clock_gettime(), nanosleep().
 */
#include "posix_internal.h"

#include <kernel/syscall_define.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <lib/err.h>
#include <uapi/posix.h>
#include <uapi/socket.h>
#include <uapi/unistd.h>

/* Reads clock @id; -EINVAL for one that does not exist here (CPU time is not measured). */
static int read_clock(int id, u64 *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = ktime_get_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = ktime_get_ns();
		return 0;
	default:
		return -EINVAL;
	}
}

static struct timespec to_timespec(u64 ns)
{
	return (struct timespec){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };
}

/* Copies a time span in; 0, -EFAULT, -EINVAL. What does not fit in 64 bits of ns is "very long". */
static int get_timespec(const void *uts, u64 *ns)
{
	struct timespec ts;

	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow((u64)ts.tv_sec, NSEC_PER_SEC, ns) ||
	    __builtin_add_overflow(*ns, (u64)ts.tv_nsec, ns))
		*ns = WAIT_FOREVER;
	return 0;
}

SYSCALL_DEFINE2(clock_gettime, int, id, void *, uts)
{
	struct timespec ts;
	u64 ns;
	int err = read_clock(id, &ns);

	if (err)
		return err;
	ts = to_timespec(ns);
	return copy_to_user(uts, &ts, sizeof(ts));
}

SYSCALL_DEFINE2(clock_getres, int, id, void *, uts)
{
	struct timespec ts = { 0, 1 };
	u64 ns;
	int err = read_clock(id, &ns);

	if (err || !uts)
		return err;
	return copy_to_user(uts, &ts, sizeof(ts));
}

SYSCALL_DEFINE2(gettimeofday, void *, utv, void *, utz)
{
	static const int no_zone[2];
	u64 us = ktime_get_real_ns() / NSEC_PER_USEC;
	struct timeval tv = { (s64)(us / 1000000), (s64)(us % 1000000) };

	if (utv && copy_to_user(utv, &tv, sizeof(tv)))
		return -EFAULT;
	return utz ? copy_to_user(utz, no_zone, sizeof(no_zone)) : 0;
}

SYSCALL_DEFINE1(time, void *, ut)
{
	s64 t = (s64)(ktime_get_real_ns() / NSEC_PER_SEC);

	if (ut && copy_to_user(ut, &t, sizeof(t)))
		return -EFAULT;
	return t;
}

static void sleep_for(u64 ns) __may_sleep
{
	u64 deadline;

	if (__builtin_add_overflow(ktime_get_ns(), ns, &deadline))
		deadline = WAIT_FOREVER;
	sleep_until(deadline);
}

SYSCALL_DEFINE1(nanosleep, const void *, uts)
{
	u64 ns;
	int err = get_timespec(uts, &ns);

	if (!err)
		sleep_for(ns);
	return err;
}

SYSCALL_DEFINE3(clock_nanosleep, int, id, int, flags, const void *, uts)
{
	u64 ns, now;
	int err = read_clock(id, &now);

	if (!err)
		err = get_timespec(uts, &ns);
	if (err)
		return err;
	if (!(flags & TIMER_ABSTIME))
		sleep_for(ns);
	else if (ns > now)
		sleep_for(ns - now);
	return 0;
}

/**
 * clock_init() - enters the calls about time
 * Context: boot, after syscall_init().
 */
void clock_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_clock_gettime, sys_clock_gettime },
		{ __NR_clock_getres, sys_clock_getres },
		{ __NR_gettimeofday, sys_gettimeofday },
		{ __NR_time, sys_time },
		{ __NR_nanosleep, sys_nanosleep },
		{ __NR_clock_nanosleep, sys_clock_nanosleep },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}
