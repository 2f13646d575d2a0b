// SPDX-License-Identifier: MIT
/*
 * duplex - both ways at once on one connection: duplex ADDR PORT BYTES [chunk=N] [pause=SECONDS] [nodelay]
 *
 * Sends and receives BYTES of one pattern in one loop, then closes its half and waits for the peer's end. With pause= it
 * stops receiving for so long after a quarter, so that its window closes. chunk= is the largest write; each is of a
 * length of its own below it.
 *
 * Exit status: 0 all bytes as they should be, 1 anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PERIOD 251
#define ROOM   65536

static unsigned char pattern[ROOM + PERIOD], buffer[ROOM];
static long total, sent, received, chunk = ROOM;
static int nodelay;
static time_t pause_for, paused_at;

static int fail(const char *what)
{
	fprintf(stderr, "duplex: %s: %s (sent %ld, received %ld)\n", what, strerror(errno), sent,
		received);
	return 1;
}

static int dial(const char *host, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, host, &to.sin_addr);
	if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	if (nodelay)
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
	fcntl(s, F_SETFL, O_NONBLOCK);
	return s;
}

static int put(int s)
{
	long n = chunk < ROOM ? 1 + sent % chunk : ROOM;
	ssize_t did = send(s, pattern + sent % PERIOD,
			   (size_t)(n < total - sent ? n : total - sent), MSG_NOSIGNAL);

	if (did < 0)
		return errno == EAGAIN ? 0 : -1;
	sent += did;
	return sent == total ? shutdown(s, SHUT_WR) : 0;
}

/* Returns 1 at the peer's end. */
static int get(int s)
{
	ssize_t n = recv(s, buffer, ROOM, 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (memcmp(buffer, pattern + received % PERIOD, (size_t)n) != 0) {
		errno = EILSEQ;
		return -1;
	}
	received += n;
	return n == 0;
}

/* Whether the receiver rests now. */
static int resting(void)
{
	if (!pause_for || received < total / 4)
		return 0;
	if (!paused_at)
		paused_at = time(NULL);
	if (time(NULL) - paused_at < pause_for)
		return 1;
	pause_for = 0;
	return 0;
}

int main(int argc, char **argv)
{
	struct pollfd p;
	int end = 0;

	if (argc < 4)
		return fail("usage: duplex ADDR PORT BYTES [chunk=N] [pause=SECONDS] [nodelay]");
	total = atol(argv[3]);
	for (int i = 4; i < argc; i++) {
		sscanf(argv[i], "chunk=%ld", &chunk);
		sscanf(argv[i], "pause=%ld", &pause_for);
		nodelay |= strcmp(argv[i], "nodelay") == 0;
	}
	for (int i = 0; i < ROOM + PERIOD; i++)
		pattern[i] = (unsigned char)(i % PERIOD);
	sleep(1); /* QEMU's e1000 hears nothing for a second after its start: the SYN would go twice, and cwnd be 1 */
	p.fd = dial(argv[1], atoi(argv[2]));
	if (p.fd < 0)
		return fail("connect");
	while (end == 0) {
		p.events = (short)((sent < total ? POLLOUT : 0) | (resting() ? 0 : POLLIN));
		if (poll(&p, 1, 100) < 0)
			return fail("poll");
		if ((p.revents & POLLOUT) && sent < total && put(p.fd) != 0)
			return fail("send");
		if ((p.revents & (POLLIN | POLLHUP | POLLERR)) && (p.events & POLLIN))
			end = get(p.fd);
	}
	if (end < 0)
		return fail("recv");
	while (sent < total) {
		p.events = POLLOUT;
		if (poll(&p, 1, -1) < 0 || put(p.fd) != 0)
			return fail("send");
	}
	close(p.fd);
	printf("duplex: sent %ld, received %ld\n", sent, received);
	return received == total ? 0 : 1;
}
