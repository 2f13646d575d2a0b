/* SPDX-License-Identifier: MIT */
/*
 * ktest.h for a test that speaks to the kernel as an application does: SYS(bind, fd, P(&name), 16).
 *
 * It comes first in a file (libc_first.h).
 */
#ifndef KTEST_CALLS_H
#define KTEST_CALLS_H
#include "libc_first.h"

#include "host.h"
#include "ktest.h"

#include <kernel/syscall.h>
#include <lib/err.h>
#include <uapi/posix.h>
#include <uapi/unistd.h>

static inline long ktest_call(unsigned int nr, const u64 *a)
{
	return sys_call_table[nr](a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define SYS(n, ...) ktest_call(__NR_##n, (const u64[6]){ __VA_ARGS__ })
#define P(x)        ((u64)(uintptr_t)(x))
#endif
