// SPDX-License-Identifier: MIT
/*
 * server - the smallest server there is: socket, bind, listen, accept, read, (work), send. And close.
 *
 *   server [PORT [COUNT]]      port 80; ends after COUNT connections, 0 or nothing: never
 *
 * It speaks just enough HTTP that curl is content: whatever comes, the answer says how long it was.
 * Exit status: 0 served, 2 usage, 1 anything else. An ordinary POSIX program; nothing in it knows on which kernel it runs.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* One connection: a request in, an answer out. */
static int serve(int listener)
{
	char request[4096], answer[256], body[64];
	int s = accept(listener, NULL, NULL), len, n;
	ssize_t got;

	if (s < 0)
		return fail("server: accept");
	got = read(s, request, sizeof(request));
	if (got < 0) {
		close(s);
		return fail("server: read");
	}
	n = snprintf(body, sizeof(body), "You sent %zd bytes.\n", got);
	len = snprintf(
		answer, sizeof(answer),
		"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", n,
		body);
	if (send(s, answer, (size_t)len, MSG_NOSIGNAL) != len) {
		close(s);
		return fail("server: send");
	}
	printf("server: %zd bytes came, %d went\n", got, len);
	return close(s) == 0 ? 0 : fail("server: close");
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	long port = argc > 1 ? atol(argv[1]) : 80, count = argc > 2 ? atol(argv[2]) : 0;
	int s;

	if (argc > 3 || port < 1 || port > 65535 || count < 0) {
		fprintf(stderr, "usage: server [PORT [COUNT]]\n");
		return 2;
	}
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0)
		return fail("server: socket");
	at.sin_port = htons((unsigned short)port);
	if (bind(s, (struct sockaddr *)&at, sizeof(at)) != 0)
		return fail("server: bind");
	if (listen(s, 16) != 0)
		return fail("server: listen");
	printf("server: ready on port %ld\n", port);
	for (long i = 0; count == 0 || i < count; i++)
		if (serve(s) != 0 && count)
			return 1;
	close(s);
	return 0;
}
