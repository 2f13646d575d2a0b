// SPDX-License-Identifier: MIT
/* The C library on this kernel: start-up, TLS, printf, malloc under pressure, clocks, files, a large stack, exit handlers. */
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 512
#define ROUNDS 20000

static __thread int tls_value = 42;
static __thread int tls_zero;
static __thread char tls_large[512] = "thread";
static int constructed;

__attribute__((constructor)) static void construct(void)
{
	constructed = 7;
}

static uint32_t seed = 1;
static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void start_up(int argc, char **argv)
{
	CHECK(argc >= 1 && argv[0] && argv[argc] == NULL);
	CHECK(constructed == 7);
	CHECK(tls_value == 42 && tls_zero == 0 && strcmp(tls_large, "thread") == 0);
	CHECK(getpid() > 0 && getuid() == geteuid());
	CHECK(sysconf(_SC_PAGESIZE) == 4096);
}

static void text(void)
{
	char buf[128];

	snprintf(buf, sizeof(buf), "%d %5.3f %-6s|%08lx %lld %c %%", -7, 3.14159, "ab", 0xbeefUL,
		 LLONG_MIN, 'x');
	CHECK(strcmp(buf, "-7 3.142 ab    |0000beef -9223372036854775808 x %") == 0);
	snprintf(buf, sizeof(buf), "%.17g %e %a", 0.1, 12345.678, 1.0);
	CHECK(strcmp(buf, "0.10000000000000001 1.234568e+04 0x1p+0") == 0);
	CHECK(strtod("2.5e3", NULL) == 2500.0 && strtol("-123", NULL, 10) == -123);
}

/* Blocks of 1 byte to 300 KiB come, grow, shrink and go; each carries its own pattern. */
static void heap(void)
{
	static struct {
		unsigned char *p;
		size_t n;
		unsigned char mark;
	} b[BLOCKS];
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t k = next_random() % BLOCKS;
		size_t n = next_random() % 16 ? next_random() % 700 + 1 : next_random() % 30000 + 1;

		if (next_random() % 500 == 0)
			n = next_random() % 300000 + 1;
		if (b[k].p && (b[k].p[0] != b[k].mark || b[k].p[b[k].n - 1] != b[k].mark))
			bad++;
		if (next_random() % 3 == 0) {
			free(b[k].p);
			b[k].p = NULL;
			continue;
		}
		unsigned char *p = realloc(b[k].p, n);

		if (!p)
			continue; /* the machine may be small: what is there stays valid */
		if (b[k].p && p[0] != b[k].mark)
			bad++;
		b[k].p = p;
		b[k].n = n;
		b[k].mark = (unsigned char)i;
		memset(p, b[k].mark, n);
	}
	for (int k = 0; k < BLOCKS; k++)
		free(b[k].p);
	CHECK(bad == 0);
	CHECK_ERRNO((long)malloc((size_t)1 << 60) - 1, ENOMEM);
}

static void clocks(void)
{
	struct timespec a, b, nap = { 0, 20 * 1000 * 1000 };

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(nanosleep(&nap, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	CHECK(took >= 0.020 && took < 1.0);
	CHECK(time(NULL) > 1500000000);
	CHECK_ERRNO(clock_gettime(99, &a), EINVAL);
	nap.tv_nsec = 1000000000;
	CHECK_ERRNO(nanosleep(&nap, NULL), EINVAL);
}

static void files(void)
{
	char buf[64], buf2[8];
	struct iovec iov[2] = { { buf, 5 }, { buf2, 8 } };
	struct stat st;
	struct utsname u;
	int fd = open("/dev/zero", O_RDONLY), fd2;

	CHECK(fd >= 3);
	memset(buf, 1, sizeof(buf));
	CHECK(read(fd, buf, sizeof(buf)) == sizeof(buf) && buf[0] == 0 && buf[63] == 0);
	CHECK(readv(fd, iov, 2) == 13);
	CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
	CHECK((fd2 = dup(fd)) > fd && close(fd) == 0 && read(fd2, buf, 1) == 1);
	CHECK(dup2(fd2, 77) == 77 && fcntl(77, F_GETFD) == 0);
	CHECK(fcntl(77, F_SETFD, FD_CLOEXEC) == 0 && fcntl(77, F_GETFD) == FD_CLOEXEC);
	CHECK(close(77) == 0 && close(fd2) == 0);
	CHECK_ERRNO(close(77), EBADF);
	CHECK_ERRNO(read(fd2, buf, 1), EBADF);
	CHECK_ERRNO(open("/no/such/file", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("", O_RDONLY), ENOENT);
	CHECK_ERRNO(lseek(1000, 0, SEEK_SET), EBADF);
	fd = open("/proc/meminfo", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, sizeof(buf)) > 10);
	close(fd);
	CHECK(uname(&u) == 0 && strcmp(u.machine, "x86_64") == 0);
	CHECK(getcwd(buf, sizeof(buf)) != NULL && buf[0] == '/');
}

/* Two MiB of frames, touched from the top to the bottom in one step each. */
static int recurse(int depth)
{
	volatile char frame[8192];

	frame[0] = (char)depth;
	return depth ? recurse(depth - 1) + (frame[0] != (char)depth) : 0;
}

static void at_exit(void)
{
	printf("libc: exit handler ran\n");
}

int main(int argc, char **argv)
{
	start_up(argc, argv);
	text();
	heap();
	clocks();
	files();
	CHECK(recurse(argc > 1 ? atoi(argv[1]) : 128) == 0);
	atexit(at_exit);
	return result("libc");
}
