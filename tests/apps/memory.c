// SPDX-License-Identifier: MIT
/* mmap and its relatives, and system calls with pointers that lead nowhere: an error each, never a crash. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t n, int prot)
{
	char *p = mmap(NULL, n, prot, ANON, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Is the page readable? The kernel says so without a fault of ours. */
static int readable(const char *p)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM, 0);
	errno = 0;
	return !(bind(fd, (const struct sockaddr *)p, 16) == -1 && errno == EFAULT);
}

static void pieces(void)
{
	char *p = map(8 * PAGE, PROT_READ | PROT_WRITE);

	CHECK(p && ((uintptr_t)p & (PAGE - 1)) == 0);
	for (size_t i = 0; i < 8 * PAGE; i++)
		CHECK(i % 997 || p[i] == 0);
	memset(p, 'a', 8 * PAGE);
	CHECK(munmap(p + 2 * PAGE, 2 * PAGE) == 0);
	CHECK(!readable(p + 2 * PAGE) && !readable(p + 3 * PAGE));
	CHECK(p[2 * PAGE - 1] == 'a' && p[4 * PAGE] == 'a');
	CHECK_ERRNO(mprotect(p, 8 * PAGE, PROT_READ), ENOMEM);
	CHECK((char *)mmap(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0) ==
	      p + 2 * PAGE);
	CHECK(p[2 * PAGE] == 0);
	p[2 * PAGE] = 'b';
	CHECK(munmap(p, 8 * PAGE) == 0);
	CHECK(!readable(p));
	CHECK(munmap(p, PAGE) == 0); /* nothing there: no error */
}

static void protections(void)
{
	char *p = map(64 * PAGE, PROT_NONE);

	CHECK(p && !readable(p));
	CHECK(mprotect(p + PAGE, 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(p[PAGE] == 0);
	memset(p + PAGE, 'x', 4 * PAGE);
	CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_NONE) == 0 && !readable(p + 2 * PAGE));
	CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0 && p[2 * PAGE] == 'x');
	CHECK(madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED) == 0 && p[3 * PAGE] == 0 &&
	      p[4 * PAGE] == 'x');
	CHECK(munmap(p, 64 * PAGE) == 0);
	CHECK_ERRNO(syscall(SYS_mprotect, 8, PAGE, PROT_READ), EINVAL); /* musl itself rounds */
	CHECK_ERRNO((long)mmap(NULL, 0, PROT_READ, ANON, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
}

static void growing(void)
{
	char *p = map(3 * PAGE, PROT_READ | PROT_WRITE), *q;

	CHECK(p != NULL);
	memset(p, 'r', 3 * PAGE);
	q = mremap(p, 3 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q[0] == 'r' && q[3 * PAGE - 1] == 'r' && q[3 * PAGE] == 0);
	q[40 * PAGE - 1] = 's';
	CHECK(mremap(q, 40 * PAGE, 2 * PAGE, 0) == q && q[2 * PAGE - 1] == 'r');
	CHECK(!readable(q + 2 * PAGE));
	CHECK(munmap(q, 2 * PAGE) == 0);
	CHECK_ERRNO((long)mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

static void break_moves(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *end;

	end = (char *)syscall(SYS_brk, start + 100000);
	CHECK(end == start + 100000 && start[99999] == 0);
	memset(start, 'k', 100000);
	CHECK((char *)syscall(SYS_brk, start + 5000) == start + 5000 && start[4999] == 'k');
	CHECK((char *)syscall(SYS_brk, start + 50000) == start + 50000 && start[49999] == 0);
	CHECK((char *)syscall(SYS_brk, 8) == start + 50000);
	CHECK((char *)syscall(SYS_brk, start) == start);
}

/* Many mappings at once, in and out of order. */
static void many(void)
{
	char *p[300];

	for (int i = 0; i < 300; i++) {
		p[i] = map(PAGE * (size_t)(1 + i % 3), PROT_READ | PROT_WRITE);
		CHECK(p[i] != NULL);
		if (p[i])
			p[i][0] = (char)i;
	}
	for (int i = 0; i < 300; i += 2)
		CHECK(!p[i] || munmap(p[i], PAGE * (size_t)(1 + i % 3)) == 0);
	for (int i = 1; i < 300; i += 2)
		CHECK(!p[i] ||
		      (p[i][0] == (char)i && munmap(p[i], PAGE * (size_t)(1 + i % 3)) == 0));
}

/* Each call once with a null page, once with an unmapped one, once with one that ends in a hole. */
static void bad_pointers(void)
{
	char *hole = map(2 * PAGE, PROT_READ | PROT_WRITE);
	int zero = open("/dev/zero", O_RDONLY), s = socket(AF_INET, SOCK_STREAM, 0);
	void *bad[3];

	CHECK(hole && zero >= 0 && s >= 0);
	CHECK(munmap(hole + PAGE, PAGE) == 0);
	bad[0] = (void *)8;
	bad[1] = hole + PAGE;
	bad[2] = hole + PAGE - 4;
	for (int i = 0; i < 3; i++) {
		CHECK_ERRNO(syscall(SYS_read, zero, i == 2 ? bad[1] : bad[i], 100), EFAULT);
		CHECK_ERRNO(syscall(SYS_open, i == 2 ? bad[1] : bad[i], 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_stat, "/dev/null", bad[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_readv, zero, bad[i], 2), EFAULT);
		CHECK_ERRNO(syscall(SYS_clock_gettime, 1, bad[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_nanosleep, bad[i], 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_bind, s, bad[i], 16), EFAULT);
		CHECK_ERRNO(syscall(SYS_connect, s, bad[i], 16), EFAULT);
		CHECK_ERRNO(syscall(SYS_setsockopt, s, SOL_SOCKET, SO_KEEPALIVE,
				    i == 2 ? bad[1] : bad[i], 4),
			    EFAULT);
		CHECK_ERRNO(syscall(SYS_getsockopt, s, SOL_SOCKET, SO_TYPE, hole,
				    i == 2 ? bad[1] : bad[i]),
			    EFAULT);
		CHECK_ERRNO(syscall(SYS_getsockname, s, hole, i == 2 ? bad[1] : bad[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_sendmsg, s, bad[i], 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_recvmsg, s, bad[i], 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_poll, bad[i], 1, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, bad[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_getrandom, i == 2 ? bad[1] : bad[i], 16, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, 10, bad[i], 0, 8), EFAULT);
	}
	CHECK_ERRNO(readv(zero, (struct iovec *)hole, 1025), EINVAL);
	CHECK_ERRNO(syscall(499), ENOSYS);
	CHECK_ERRNO(syscall(100000), ENOSYS);
	close(zero);
	close(s);
	munmap(hole, PAGE);
}

int main(void)
{
	pieces();
	protections();
	growing();
	many();
	bad_pointers();
	break_moves();
	return result("memory");
}
