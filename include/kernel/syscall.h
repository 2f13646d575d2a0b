/* SPDX-License-Identifier: MIT */
/*
 * System calls by Linux's x86-64 numbers. Rooms enter their calls at init; what nobody entered is -ENOSYS,
 * logged once by name.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H
#include <lib/capability.h>
#include <lib/types.h>

#define NR_SYSCALLS 512
typedef long (*syscall_fn_t)(unsigned long a, unsigned long b, unsigned long c, unsigned long d,
			     unsigned long e, unsigned long f);
/* The entry stub calls through it; an empty slot goes to syscall_bad(). */
extern syscall_fn_t sys_call_table[NR_SYSCALLS];
void syscall_init(void); /* every slot is empty */
void syscall_register(unsigned int nr, syscall_fn_t fn);
/* Called by the stub before it returns to the application: yields when need_resched. */
void syscall_exit_work(void) __may_sleep;
/* Called by the stub for a number that is not there: -ENOSYS, logged once by name. */
long syscall_bad(unsigned long nr);
#endif
