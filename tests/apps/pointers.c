// SPDX-License-Identifier: MIT
/*
 * Pointers that are not the application's: into the kernel's RAM, device memory, holes, beyond what addresses can be.
 * Every call says EFAULT, and nobody's memory is touched. Then random calls with random arguments.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALLS 200000
#define POOL  64

static const uintptr_t bad[] = {
	1,
	8,
	0xfff,
	0x1000,
	0x9f000,
	0xb8000,
	0x3000000,
	0x3fff000,
	0xfee00000,
	0xfebe0000,
	0xffffffff,
	0x100000000,
	1ULL << 46,
	~0ULL >> 18,
	~0ULL >> 17,
	1ULL << 47,
	0xffff800000000000,
	~4095ULL,
	~7ULL,
	~0ULL,
};

static uint32_t seed = 1;
static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static int zero, page, udp;

#define FAULTS(...) CHECK_ERRNO(syscall(__VA_ARGS__), EFAULT)

static void written_to(void *p)
{
	struct iovec v[2] = { { p, 64 }, { p, 64 } };
	int len = 16;
	char buf[16];

	FAULTS(SYS_read, zero, p, 64);
	FAULTS(SYS_read, page, p, 8);
	FAULTS(SYS_pread64, page, p, 8, 0);
	FAULTS(SYS_readv, zero, v, 2);
	FAULTS(SYS_fstat, 1, p);
	FAULTS(SYS_stat, "/dev/null", p);
	FAULTS(SYS_newfstatat, AT_FDCWD, "/dev/null", p, 0);
	FAULTS(SYS_uname, p);
	FAULTS(SYS_sysinfo, p);
	FAULTS(SYS_prlimit64, 0, 7, 0, p);
	FAULTS(SYS_clock_gettime, 1, p);
	FAULTS(SYS_clock_getres, 1, p);
	FAULTS(SYS_gettimeofday, p, 0);
	FAULTS(SYS_time, p);
	FAULTS(SYS_getrandom, p, 16, 0);
	FAULTS(SYS_getcwd, p, 64);
	FAULTS(SYS_rt_sigaction, 10, 0, p, 8);
	FAULTS(SYS_rt_sigprocmask, 0, 0, p, 8);
	FAULTS(SYS_arch_prctl, 0x1003, p);
	FAULTS(SYS_getsockname, udp, p, &len);
	FAULTS(SYS_getsockname, udp, buf, p);
	FAULTS(SYS_getsockopt, udp, SOL_SOCKET, SO_TYPE, p, &len);
	FAULTS(SYS_select, 10, p, 0, 0, 0);
	FAULTS(SYS_ioctl, udp, 0x541b, p);
	CHECK(send(udp, "abcdefgh", 8, 0) == 8);
	FAULTS(SYS_recvfrom, udp, p, 8, 0, 0, 0);
}

static void read_from(const void *p)
{
	FAULTS(SYS_write, 1, p, 64);
	FAULTS(SYS_writev, 1, p, 1);
	FAULTS(SYS_sendto, udp, p, 8, 0, 0, 0);
	FAULTS(SYS_sendto, udp, "x", 1, 0, p, 16);
	FAULTS(SYS_sendmsg, udp, p, 0);
	FAULTS(SYS_recvmsg, udp, p, MSG_DONTWAIT);
	FAULTS(SYS_bind, udp, p, 16);
	FAULTS(SYS_connect, udp, p, 16);
	FAULTS(SYS_open, p, 0);
	FAULTS(SYS_access, p, 0);
	FAULTS(SYS_nanosleep, p, 0);
	FAULTS(SYS_poll, p, 1, 0);
	FAULTS(SYS_ppoll, 0, 0, p, 0, 8);
	FAULTS(SYS_setsockopt, udp, SOL_SOCKET, SO_KEEPALIVE, p, 4);
}

/* Left out: the calls that end, sleep or wait, print, and those that touch the C library's memory. */
static int harmless(long nr)
{
	static const short no[] = {
		SYS_read,       SYS_write,      SYS_mmap,       SYS_mprotect,
		SYS_munmap,     SYS_brk,        SYS_mremap,     SYS_madvise,
		SYS_poll,       SYS_ppoll,      SYS_select,     SYS_pselect6,
		SYS_nanosleep,  SYS_writev,     SYS_readv,      SYS_clock_nanosleep,
		SYS_exit,       SYS_exit_group, SYS_kill,       SYS_tkill,
		SYS_tgkill,     SYS_accept,     SYS_accept4,    SYS_recvfrom,
		SYS_recvmsg,    SYS_connect,    SYS_arch_prctl, SYS_pause,
		SYS_close,      SYS_dup2,       SYS_dup3,       SYS_close_range,
		SYS_epoll_wait, SYS_epoll_pwait
	};

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (no[i] == nr)
			return 0;
	return 1;
}

static void random_calls(void)
{
	static char own[8192];
	long pool[POOL], a[6];

	for (size_t i = 0; i < POOL; i++)
		pool[i] = i < sizeof(bad) / sizeof(bad[0]) ? (long)bad[i]
			  : i < 40                         ? (long)i - 20
			  : i < 48                         ? (long)(own + i)
				   : (long)((uintptr_t)next_random() << next_random() % 41 |
					    1UL << 27);
	for (int i = 0; i < CALLS; i++) {
		long nr = next_random() % 340;

		for (int k = 0; k < 6; k++)
			a[k] = pool[next_random() % POOL];
		if (nr == SYS_getrandom)
			a[1] &= 0xfff;
		if (harmless(nr))
			syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7777) };

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	zero = open("/dev/zero", O_RDONLY);
	page = open("/proc/version", O_RDONLY);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(bind(udp, (struct sockaddr *)&at, sizeof(at)) == 0);
	CHECK(connect(udp, (struct sockaddr *)&at, sizeof(at)) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		written_to((void *)bad[i]);
		read_from((const void *)bad[i]);
	}
	random_calls();
	return result("pointers");
}
