/* SPDX-License-Identifier: MIT */
/*
 * Writing a system call: SYSCALL_DEFINEn(name, type, argument, ...) { body } makes static sys_name() of the table's
 * type, with the arguments cast to what the body wants. long is wide enough for every argument and result. It runs in the
 * calling thread and may sleep.
 */
#ifndef KERNEL_SYSCALL_DEFINE_H
#define KERNEL_SYSCALL_DEFINE_H
#include <kernel/syscall.h>
#include <lib/capability.h>

#define SYSCALL_ARGS                                                                               \
	__unused unsigned long a, __unused unsigned long b, __unused unsigned long c,              \
		__unused unsigned long d, __unused unsigned long e, __unused unsigned long f
#define SYSCALL_BODY(name, params, args)                                                           \
	static inline long do_sys_##name params __may_sleep;                                       \
	static long sys_##name(SYSCALL_ARGS) __may_sleep                                           \
	{                                                                                          \
		return do_sys_##name args;                                                         \
	}                                                                                          \
	static inline long do_sys_##name params

#define SYSCALL_DEFINE0(name)                 SYSCALL_BODY(name, (void), ())
#define SYSCALL_DEFINE1(name, ta, na)         SYSCALL_BODY(name, (ta na), ((ta)a))
#define SYSCALL_DEFINE2(name, ta, na, tb, nb) SYSCALL_BODY(name, (ta na, tb nb), ((ta)a, (tb)b))
#define SYSCALL_DEFINE3(name, ta, na, tb, nb, tc, nc)                                              \
	SYSCALL_BODY(name, (ta na, tb nb, tc nc), ((ta)a, (tb)b, (tc)c))
#define SYSCALL_DEFINE4(name, ta, na, tb, nb, tc, nc, td, nd)                                      \
	SYSCALL_BODY(name, (ta na, tb nb, tc nc, td nd), ((ta)a, (tb)b, (tc)c, (td)d))
#define SYSCALL_DEFINE5(name, ta, na, tb, nb, tc, nc, td, nd, te, ne)                              \
	SYSCALL_BODY(name, (ta na, tb nb, tc nc, td nd, te ne), ((ta)a, (tb)b, (tc)c, (td)d, (te)e))
#define SYSCALL_DEFINE6(name, ta, na, tb, nb, tc, nc, td, nd, te, ne, tf, nf)                      \
	SYSCALL_BODY(name, (ta na, tb nb, tc nc, td nd, te ne, tf nf),                             \
		     ((ta)a, (tb)b, (tc)c, (td)d, (te)e, (tf)f))

/* A room's calls: { __NR_x, sys_x }, entered at its init. */
struct syscall_entry {
	unsigned int nr;
	syscall_fn_t fn;
};
static inline void syscall_enter(const struct syscall_entry *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		syscall_register(calls[i].nr, calls[i].fn);
}
#endif
