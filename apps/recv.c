// SPDX-License-Identifier: MIT
/*
 * recv - accepts TCP connections and tells what came: length and SHA-256.
 *
 *   recv PORT [COUNT]      COUNT connections, one after the other; 1 when left out
 *
 * Exit status: 0 all received to their end, 2 usage, 6 a connection was lost, 1 anything else. An ordinary POSIX
 * program; nothing in it knows on which kernel it runs.
 */
#include "sha256.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define BACKLOG      16

enum status { OK = 0, OTHER = 1, USAGE = 2, LOST = 6 };

static char buffer[BUFFER_BYTES];

static int fail(const char *what)
{
	fprintf(stderr, "recv: %s: %s\n", what, strerror(errno));
	return OTHER;
}

/* A number between @lo and @hi that fills @text; -1 when it is something else. */
static long number(const char *text, long lo, long hi)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *text < '0' || *text > '9' || *end != '\0' || n < lo || n > hi ? -1 : n;
}

static int listen_on(long port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (s < 0)
		return -1;
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(s, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(s, BACKLOG) != 0) {
		close(s);
		return -1;
	}
	return s;
}

/* Everything one connection brings; prints the line about it. */
static int receive(int c)
{
	uint8_t digest[SHA256_DIGEST];
	struct sha256 sha;
	long long bytes = 0;
	ssize_t n;

	sha256_init(&sha);
	while ((n = recv(c, buffer, sizeof(buffer), 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail("connection lost");
			return LOST;
		}
		sha256_update(&sha, buffer, (size_t)n);
		bytes += n;
	}
	sha256_final(&sha, digest);
	printf("recv: %lld bytes sha256 ", bytes);
	for (int i = 0; i < SHA256_DIGEST; i++)
		printf("%02x", digest[i]);
	printf("\n");
	fflush(stdout);
	return OK;
}

int main(int argc, char **argv)
{
	long port, count = 1;
	int s, status = OK;

	port = argc == 2 || argc == 3 ? number(argv[1], 1, 65535) : -1;
	if (argc == 3)
		count = number(argv[2], 1, 1000000);
	if (port < 0 || count < 0) {
		fprintf(stderr, "usage: recv PORT [COUNT]\n");
		return USAGE;
	}
	s = listen_on(port);
	if (s < 0)
		return fail("cannot listen");
	printf("recv: listening on port %ld\n", port);
	fflush(stdout);
	for (; count > 0 && status == OK; count--) {
		int c = accept(s, NULL, NULL);

		if (c < 0) {
			status = fail("cannot accept");
			break;
		}
		status = receive(c);
		close(c);
	}
	close(s);
	return status;
}
