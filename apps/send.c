// SPDX-License-Identifier: MIT
/*
 * send - sends a file over TCP and waits until the other side has it all.
 *
 *   send [-v] tcp:HOST:PORT [FILE]      HOST numeric; FILE is the boot module (/boot/file) when left out
 *
 * After the last byte it closes its half and waits for the peer to close the other: then the peer's stack has
 * acknowledged everything and its program has seen the end.
 *
 * Exit status: 0 sent, 2 usage, 3 the file cannot be opened or read, 4 refused, 5 unreachable or timed out,
 * 6 connection lost, 1 anything else. An ordinary POSIX program; nothing in it knows on which kernel it runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_FILE "/boot/file"
#define BUFFER_BYTES 65536

enum status { OK, OTHER, USAGE, NO_FILE, REFUSED, UNREACHABLE, LOST };

static char buffer[BUFFER_BYTES];

static int usage(void)
{
	fprintf(stderr,
		"usage: send [-v] tcp:HOST:PORT [FILE]   (HOST is a numeric IPv4 address; "
		"FILE defaults to %s)\n",
		DEFAULT_FILE);
	return USAGE;
}

/* Says what went wrong, with errno's words, and turns errno into our exit status. */
static int fail(const char *what, const char *whom)
{
	int err = errno;

	fprintf(stderr, "send: %s %s: %s\n", what, whom, strerror(err));
	switch (err) {
	case ECONNREFUSED:
		return REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENONET:
	case ETIMEDOUT:
		return UNREACHABLE;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
		return LOST;
	default:
		return OTHER;
	}
}

/* "tcp:HOST:PORT" -> address; 0, or -1 when it is something else. */
static int parse_target(const char *text, struct sockaddr_in *to)
{
	char host[INET_ADDRSTRLEN];
	const char *colon;
	char *end;
	long port;

	if (strncmp(text, "tcp:", 4) != 0)
		return -1;
	text += 4;
	colon = strrchr(text, ':');
	if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || colon[1] < '0' ||
	    colon[1] > '9')
		return -1;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = strtol(colon + 1, &end, 10);
	memset(to, 0, sizeof(*to));
	to->sin_family = AF_INET;
	to->sin_port = htons((unsigned short)port);
	if (*end != '\0' || port < 1 || port > 65535)
		return -1;
	return inet_pton(AF_INET, host, &to->sin_addr) == 1 ? 0 : -1;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* All of @n bytes; 0, or -1 with errno. */
static int send_all(int s, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = send(s, data, n, MSG_NOSIGNAL);

		if (done < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The whole file; bytes sent, or -1 with *status set. */
static long long send_file(int s, int fd, const char *path, const char *target, int *status)
{
	long long total = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		if (send_all(s, buffer, (size_t)n) != 0) {
			*status = fail("lost the connection to", target);
			return -1;
		}
		total += n;
	}
	if (n < 0) {
		fail("cannot read", path);
		*status = NO_FILE;
		return -1;
	}
	return total;
}

/* Reads until the peer closes; what it says meanwhile is of no interest. */
static int wait_for_close(int s, const char *target)
{
	char scrap[512];
	ssize_t n;

	if (shutdown(s, SHUT_WR) != 0)
		return fail("cannot close", target);
	do
		n = recv(s, scrap, sizeof(scrap), 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0 ? OK : fail("no end from", target);
}

int main(int argc, char **argv)
{
	const char *path = DEFAULT_FILE, *target;
	struct sockaddr_in to;
	int verbose, fd, s, status = OK;
	double start, took;
	long long bytes;

	signal(SIGPIPE, SIG_IGN);
	verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	argc -= verbose;
	argv += verbose;
	if (argc < 2 || argc > 3 || parse_target(argv[1], &to) != 0)
		return usage();
	target = argv[1];
	if (argc == 3)
		path = argv[2];
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		fail("cannot open", path);
		return NO_FILE;
	}
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0)
		return fail("no socket for", target);
	start = seconds();
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) != 0)
		return fail("cannot connect to", target);
	if (verbose)
		printf("send: connected to %s after %.6f s\n", target, seconds() - start);
	start = seconds();
	bytes = send_file(s, fd, path, target, &status);
	if (bytes >= 0)
		status = wait_for_close(s, target);
	took = seconds() - start;
	close(s);
	close(fd);
	if (status == OK)
		printf("send: %lld bytes in %.6f s\n", bytes, took);
	return status;
}
