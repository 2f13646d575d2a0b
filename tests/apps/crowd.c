// SPDX-License-Identifier: MIT
/*
 * crowd - very many connections, at once or one after the other.
 *
 *   crowd open PORT COUNT     accepts COUNT connections, reads 64 bytes of each and sends them back; when all are open it says what
 *                             memory one of them takes; then reads each to its end
 *   crowd churn PORT COUNT OURS
 *                             COUNT connections one after the other: accept, 64 bytes there and back, to the end, close; then OURS
 *                             more of which this side closes first. What lives before and afterwards is printed, page by page.
 *   crowd dial ADDRESS PORT COUNT OURS
 *                             the peer of churn, on Linux
 *
 * Exit status: 0 all went well, 1 not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SAYS    64
#define BACKLOG 4096
#define MOST    16000
#define WARM    64 /* connections after which caches are as full as they get */

/* The peer's ports: many, so that none comes again before its TIME-WAIT is over; few, so that each meets the guest's. */
#define FIRST_PORT 10000
#define MANY_PORTS 50000
#define FEW_PORTS  500

static int conns[MOST];

static int fail(const char *what, long n)
{
	printf("crowd: %s, connection %ld: %s\n", what, n, strerror(errno));
	return 1;
}

static unsigned long free_bytes(void)
{
	struct sysinfo si;

	return sysinfo(&si) == 0 ? si.freeram : 0;
}

static int listen_on(int port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(s, BACKLOG) != 0)
		return -1;
	printf("crowd: listening\n");
	fflush(stdout);
	return s;
}

/* 64 bytes, and back. */
static int echo(int s)
{
	char text[SAYS];

	return recv(s, text, SAYS, MSG_WAITALL) == SAYS && send(s, text, SAYS, 0) == SAYS ? 0 : -1;
}

/* Nothing more comes. */
static int ends(int s)
{
	char c;

	return recv(s, &c, 1, 0) == 0 ? 0 : -1;
}

static int open_all(int l, long count)
{
	unsigned long before = free_bytes();

	for (long i = 0; i < count; i++) {
		conns[i] = accept(l, NULL, NULL);
		if (conns[i] < 0)
			return fail("accept", i);
		if (echo(conns[i]) != 0)
			return fail("echo", i);
	}
	printf("crowd: %ld open, %lu bytes each, %lu KiB free of %lu\n", count,
	       (before - free_bytes()) / (unsigned long)count, free_bytes() / 1024, before / 1024);
	fflush(stdout);
	for (long i = 0; i < count; i++) { /* once more, now that all are there */
		if (echo(conns[i]) != 0)
			return fail("second echo", i);
	}
	for (long i = 0; i < count; i++) {
		if (ends(conns[i]) != 0)
			return fail("end", i);
		close(conns[i]);
	}
	return 0;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static char page[1 << 18];

static const char *read_page(const char *path)
{
	int f = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n = 0;

	while (f >= 0 && len < sizeof(page) - 1 &&
	       (n = read(f, page + len, sizeof(page) - 1 - len)) > 0)
		len += (size_t)n;
	page[len] = '\0';
	close(f);
	return page;
}

/* Forgets what is learned of others, and what is in TIME-WAIT. */
static int forget(void)
{
	int f = open("/proc/sys/net/ipv4/flush", O_WRONLY);
	int err = f < 0 || write(f, "1", 1) != 1;

	close(f);
	return err ? fail("flush", 0) : 0;
}

/* All that is left of connections is one listener. */
static int settle(void)
{
	for (int i = 0; i < 100; i++) {
		if (strstr(read_page("/proc/net/sockstat"), "TCP: inuse 1 orphan 0 tw 0 alloc 1 "))
			return 0;
		pause_ms(50);
	}
	printf("crowd: still there: %s\n", page);
	return -1;
}

/* What lives, for the test to compare: sockets, objects by the call that made them, what is learned of others. */
static void tell(const char *when)
{
	static const char *const paths[] = {
		"/proc/net/sockstat",       "/proc/net/tcp", "/proc/allocinfo",
		"/proc/net/flow",           "/proc/net/arp", "/proc/net/rt_cache",
		"/proc/net/stat/arp_cache", "/proc/meminfo"
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		printf("crowd: %s %s\n%s", when, paths[i], read_page(paths[i]));
	printf("crowd: %s end\n", when);
	fflush(stdout);
}

/* @ours: this side closes first, and the connection waits in TIME-WAIT here. */
static int one_after_the_other(int l, long count, int ours)
{
	for (long i = 0; i < count; i++) {
		int s = accept(l, NULL, NULL);

		if (s < 0)
			return fail("accept", i);
		if (echo(s) != 0 || (!ours && ends(s) != 0))
			return fail("conversation", i);
		close(s);
	}
	return 0;
}

static int churn(int l, long count, long ours)
{
	double began;

	if (one_after_the_other(l, WARM, 0) || settle())
		return 1;
	printf("crowd: %.3f s\n", seconds()); /* which takes as much stack as we ever do */
	tell("before");
	began = seconds();
	if (one_after_the_other(l, count, 0))
		return 1;
	printf("crowd: %ld opened, used and closed, %.0f a second\n", count,
	       (double)count / (seconds() - began));
	if (one_after_the_other(l, ours, 1))
		return 1;
	pause_ms(200);
	printf("crowd: %ld closed first\n%s", ours, read_page("/proc/net/sockstat"));
	if (forget() || settle())
		return 1;
	tell("after");
	return 0;
}

/* One conversation from a port of our own. @ours: the other side closes first. */
static int dial(const struct sockaddr_in *to, int port, long n, int ours)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_port = htons((unsigned short)port) };
	struct timeval patience = { .tv_sec = 60 };
	char said[SAYS + 1], heard[SAYS];
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    bind(s, (struct sockaddr *)&from, sizeof(from)) != 0)
		return fail("port", n);
	if (connect(s, (const struct sockaddr *)to, sizeof(*to)) != 0)
		return fail("connect", n);
	snprintf(said, sizeof(said), "%063ld\n", n);
	if (send(s, said, SAYS, 0) != SAYS || recv(s, heard, SAYS, MSG_WAITALL) != SAYS)
		return fail("speech", n);
	if (memcmp(said, heard, SAYS) != 0)
		return fail("what was heard", n);
	if (ours && ends(s) != 0)
		return fail("end", n);
	close(s);
	return 0;
}

static int dial_all(const char *address, int port, long count, long ours)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	double worst = 0;
	long slow = 0;

	inet_pton(AF_INET, address, &to.sin_addr);
	for (long i = -WARM; i < count + ours; i++) {
		double began = seconds(), took;
		int range = i < count ? MANY_PORTS : FEW_PORTS;

		if (dial(&to, FIRST_PORT + (int)((i + WARM) % range), i, i >= count))
			return 1;
		took = seconds() - began;
		if (i == -1)
			pause_ms(500); /* the guest counts */
		slow += i > 0 && took > 0.15;
		worst = i > 0 && took > worst ? took : worst;
	}
	printf("crowd: %ld dialled, %ld of them took more than 0.15 s, the worst %.3f s\n",
	       count + ours, slow, worst);
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? atol(argv[3]) : 0;
	int l, status;

	if (argc == 6 && !strcmp(argv[1], "dial"))
		return dial_all(argv[2], atoi(argv[3]), atol(argv[4]), atol(argv[5]));
	if (count < 1 || argc != (strcmp(argv[1], "open") ? 5 : 4) || (argc == 4 && count > MOST)) {
		fprintf(stderr, "usage: crowd open PORT COUNT | churn PORT COUNT OURS | dial "
				"ADDRESS PORT COUNT OURS\n");
		return 2;
	}
	l = listen_on(atoi(argv[2]));
	if (l < 0)
		return fail("listen", 0);
	status = argc == 5 ? churn(l, count, atol(argv[4])) : open_all(l, count);
	close(l);
	return status;
}
