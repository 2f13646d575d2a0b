/* SPDX-License-Identifier: MIT */
/*
 * Counts that threads change with softirqs on and softirqs change too: references, accounts, flags, statistics.
 *
 * A thread that reads a count and writes it back, in two steps, forgets what a softirq did in between: a socket that stays for ever, an
 * account that never comes back to zero. Each of these functions is one instruction, which an interrupt cannot divide; there is one CPU,
 * so it locks nothing. A count_t is read as a number and written by nothing else: the compiler sees to it.
 *
 * Any context.
 */
#ifndef KERNEL_COUNT_H
#define KERNEL_COUNT_H
#include <arch/cpu.h>
#include <lib/bug.h>
#include <lib/types.h>

typedef const volatile u32 count_t;
typedef const volatile u16 count_flags_t;

/* Of what nobody else sees yet. */
static inline void count_set(count_t *c, u32 n)
{
	*(volatile u32 *)c = n;
}

static inline void count_add(count_t *c, u32 n)
{
	arch_add32((u32 *)c, n);
}

/* BUG: less than @n are there. */
static inline void count_sub(count_t *c, u32 n)
{
	BUG_ON(*c < n);
	arch_add32((u32 *)c, -n);
}

/* One reference less. BUG: there is none. Return: it was the last one. */
static inline bool count_put(count_t *c)
{
	BUG_ON(*c == 0);
	return arch_dec_and_test32((u32 *)c);
}

/* What @v was; it is 0 now. */
static inline int count_take(int *v)
{
	return (int)arch_xchg32((u32 *)v, 0);
}

static inline void count_flags_set(count_flags_t *f, u16 bits)
{
	arch_or16((u16 *)f, bits);
}

static inline void count_flags_clear(count_flags_t *f, u16 bits)
{
	arch_and16((u16 *)f, (u16)~bits);
}

/* Statistics. */
static inline void count64(u64 *c, u64 n)
{
	arch_add64(c, n);
}
#endif
