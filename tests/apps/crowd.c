// SPDX-License-Identifier: MIT
/*
 * crowd - very many connections, at once or one after the other.
 *
 *   crowd open PORT COUNT     accepts COUNT connections, reads 64 bytes of each and sends them back; when all are open it says what
 *                             memory one of them takes; then reads each to its end
 *   crowd churn PORT COUNT    COUNT connections one after the other: accept, 64 bytes there and back, to the end, close
 *
 * Exit status: 0 all went well, 1 not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define SAYS    64
#define BACKLOG 4096
#define MOST    16000

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

static int churn(int l, long count)
{
	unsigned long before = 0;

	for (long i = 0; i < count; i++) {
		int s = accept(l, NULL, NULL);

		if (s < 0)
			return fail("accept", i);
		if (echo(s) != 0 || ends(s) != 0)
			return fail("conversation", i);
		close(s);
		if (i == 1000) /* caches are as full as they get */
			before = free_bytes();
	}
	printf("crowd: %ld opened, used and closed; %ld bytes more in use than after 1000\n", count,
	       before ? (long)(before - free_bytes()) : 0);
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc == 4 ? atol(argv[3]) : 0;
	int l, status;

	if (count < 1 || (!strcmp(argv[1], "open") && count > MOST)) {
		fprintf(stderr, "usage: crowd open|churn PORT COUNT\n");
		return 2;
	}
	l = listen_on(atoi(argv[2]));
	if (l < 0)
		return fail("listen", 0);
	status = strcmp(argv[1], "open") ? churn(l, count) : open_all(l, count);
	close(l);
	return status;
}
