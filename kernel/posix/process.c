// SPDX-License-Identifier: MIT
/*
 * The calls about the process itself: who it is (one process, root, one main thread), how it ends, its TLS, its
 * limits, the system's name. Signal handlers are remembered but never called: nothing here raises a signal at
 * somebody who handles it. A signal a process sends itself acts by default (it ends) or is ignored.
 *
 * Interface: process_init() enters exit ... getrandom, about 25 calls of a few lines. Above: posix.c.
 * Below: exec.c, sched, random. Context: process. Owns: the table of signal actions, the signal mask.
 * Specs: POSIX.1-2017; Linux arch_prctl(2), set_tid_address(2), prlimit(2), getrandom(2).
 */
#include "posix_internal.h"

#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/syscall_define.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/posix.h>
#include <uapi/unistd.h>

#define UMASK_DEFAULT 022
#define FS_BASE_LIMIT (1UL << 47) /* addresses above are not canonical */
#define RANDOM_CHUNK  256
#define GRND_KNOWN    7 /* NONBLOCK, RANDOM, INSECURE: all served the same */

static struct user_sigaction actions[NSIG + 1];
static u64 blocked_signals;
static u32 creation_mask = UMASK_DEFAULT;

/* --- The end, signals ---------------------------------------------------------------------------------------------- */
SYSCALL_DEFINE1(exit_group, int, status)
{
	app_exit(status);
}

static bool ignored_by_default(int signo)
{
	return signo == SIGCHLD || signo == SIGCONT || signo == SIGURG || signo == SIGWINCH;
}

/* The process sends itself a signal. */
static long raise_signal(int signo) __may_sleep
{
	u64 handler;

	if (signo < 0 || signo > NSIG)
		return -EINVAL;
	if (!signo)
		return 0;
	handler = actions[signo].handler;
	if (handler == SIG_IGN || (handler == SIG_DFL && ignored_by_default(signo)))
		return 0;
	if (handler != SIG_DFL)
		return -ENOSYS; /* handlers are not called: say so */
	app_killed(signo);
}

SYSCALL_DEFINE2(kill, int, pid, int, signo)
{
	if (pid > 0 && (u32)pid != app_pid())
		return -ESRCH;
	return raise_signal(signo);
}

SYSCALL_DEFINE2(tkill, u32, tid, int, signo)
{
	return tid == app_pid() ? raise_signal(signo) : -ESRCH;
}

SYSCALL_DEFINE3(tgkill, u32, tgid, u32, tid, int, signo)
{
	return tgid == app_pid() && tid == app_pid() ? raise_signal(signo) : -ESRCH;
}

SYSCALL_DEFINE4(rt_sigaction, int, signo, const void *, unew, void *, uold, size_t, size)
{
	struct user_sigaction act;

	if (size != sizeof(u64) || signo < 1 || signo > NSIG)
		return -EINVAL;
	if (unew && (signo == SIGKILL || signo == SIGSTOP))
		return -EINVAL;
	if (unew && copy_from_user(&act, unew, sizeof(act)))
		return -EFAULT;
	if (uold && copy_to_user(uold, &actions[signo], sizeof(act)))
		return -EFAULT;
	if (unew)
		actions[signo] = act;
	return 0;
}

SYSCALL_DEFINE4(rt_sigprocmask, int, how, const void *, unew, void *, uold, size_t, size)
{
	u64 old = blocked_signals, set;

	if (size != sizeof(u64))
		return -EINVAL;
	if (unew) {
		if (copy_from_user(&set, unew, sizeof(set)))
			return -EFAULT;
		if (how == SIG_BLOCK)
			blocked_signals |= set;
		else if (how == SIG_UNBLOCK)
			blocked_signals &= ~set;
		else if (how == SIG_SETMASK)
			blocked_signals = set;
		else
			return -EINVAL;
	}
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

/* --- Who it is -------------------------------------------------------------------------------------------------------- */
SYSCALL_DEFINE0(getpid)
{
	return app_pid();
}

SYSCALL_DEFINE0(gettid)
{
	return current_thread()->tid;
}

/* User, group and parent: 0. */
SYSCALL_DEFINE0(zero)
{
	return 0;
}

SYSCALL_DEFINE1(set_tid_address, void *, utid)
{
	current_thread()->clear_child_tid = utid;
	return current_thread()->tid;
}

/* Kept nowhere: robust locks matter only when a thread dies while others live. */
SYSCALL_DEFINE2(set_robust_list, const void *, head, size_t, len)
{
	(void)head;
	return len == 3 * sizeof(long) ? 0 : -EINVAL;
}

SYSCALL_DEFINE2(arch_prctl, int, code, unsigned long, addr)
{
	switch (code) {
	case ARCH_SET_FS:
		if (addr >= FS_BASE_LIMIT)
			return -EPERM;
		current_thread()->arch.fs_base = addr;
		arch_set_fs_base(addr);
		return 0;
	case ARCH_GET_FS:
		return copy_to_user((void *)addr, &current_thread()->arch.fs_base, sizeof(addr));
	default:
		return -EINVAL;
	}
}

SYSCALL_DEFINE1(umask, u32, mask)
{
	u32 old = creation_mask;

	creation_mask = mask & 0777;
	return old;
}

SYSCALL_DEFINE0(sched_yield)
{
	schedule();
	return 0;
}

/* --- What the system is -------------------------------------------------------------------------------------------------- */
SYSCALL_DEFINE1(uname, void *, uname)
{
	/* The release is what programs compare with the Linux whose calls they use. */
	static const struct utsname names = {
		.sysname = "Doorbell",
		.nodename = "doorbell",
		.release = "6.1.0-doorbell",
		.version = "#1",
		.machine = "x86_64",
		.domainname = "(none)",
	};

	return copy_to_user(uname, &names, sizeof(names));
}

SYSCALL_DEFINE1(sysinfo, void *, uinfo)
{
	struct user_sysinfo info = {
		.uptime = (s64)(ktime_get_ns() / NSEC_PER_SEC),
		.totalram = pages_total() << PAGE_SHIFT,
		.freeram = pages_free() << PAGE_SHIFT,
		.procs = 1,
		.mem_unit = 1,
	};

	return copy_to_user(uinfo, &info, sizeof(info));
}

/* Limits can be asked, not changed. */
SYSCALL_DEFINE4(prlimit64, u32, pid, u32, resource, const void *, unew, void *, uold)
{
	struct rlimit64 r = { RLIM_INFINITY, RLIM_INFINITY }, new_;

	if (pid && pid != app_pid())
		return -ESRCH;
	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (resource == RLIMIT_NOFILE)
		r = (struct rlimit64){ NR_FILES, NR_FILES };
	else if (resource == RLIMIT_STACK)
		r = (struct rlimit64){ app_stack_limit(), app_stack_limit() };
	if (unew) {
		if (copy_from_user(&new_, unew, sizeof(new_)))
			return -EFAULT;
		if (new_.rlim_cur != r.rlim_cur || new_.rlim_max != r.rlim_max)
			return -EPERM;
	}
	return uold ? copy_to_user(uold, &r, sizeof(r)) : 0;
}

SYSCALL_DEFINE3(getrandom, char *, buf, size_t, len, u32, flags)
{
	u8 chunk[RANDOM_CHUNK];

	if (flags & ~(u32)GRND_KNOWN)
		return -EINVAL;
	len = min_t(size_t, len, MAX_RW_COUNT);
	for (size_t off = 0; off < len;) {
		size_t n = min_t(size_t, sizeof(chunk), len - off);

		get_random_bytes(chunk, n);
		if (copy_to_user(buf + off, chunk, n))
			return off ? (long)off : -EFAULT;
		off += n;
		cond_resched();
	}
	return (long)len;
}

/**
 * process_init() - enters the calls about the process
 * Context: boot, after syscall_init().
 */
void process_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_exit, sys_exit_group },
		{ __NR_exit_group, sys_exit_group },
		{ __NR_kill, sys_kill },
		{ __NR_tkill, sys_tkill },
		{ __NR_tgkill, sys_tgkill },
		{ __NR_rt_sigaction, sys_rt_sigaction },
		{ __NR_rt_sigprocmask, sys_rt_sigprocmask },
		{ __NR_getpid, sys_getpid },
		{ __NR_gettid, sys_gettid },
		{ __NR_getppid, sys_zero },
		{ __NR_getuid, sys_zero },
		{ __NR_geteuid, sys_zero },
		{ __NR_getgid, sys_zero },
		{ __NR_getegid, sys_zero },
		{ __NR_set_tid_address, sys_set_tid_address },
		{ __NR_set_robust_list, sys_set_robust_list },
		{ __NR_arch_prctl, sys_arch_prctl },
		{ __NR_umask, sys_umask },
		{ __NR_sched_yield, sys_sched_yield },
		{ __NR_uname, sys_uname },
		{ __NR_sysinfo, sys_sysinfo },
		{ __NR_prlimit64, sys_prlimit64 },
		{ __NR_getrandom, sys_getrandom },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}
