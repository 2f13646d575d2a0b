// SPDX-License-Identifier: MIT
/*
 * endpoint - sockets of every temper, for tests that speak to them from the wire. An ordinary POSIX program.
 *
 *   TCP  7 echoes          9 discards       13 closes at once    14 resets at once
 *       15 closes its half 19 sends 32 KiB  21 closes unread     23 is never accepted from
 *   UDP  7 echoes         10 is never read  11 has one peer       1 takes orders, answered to the sender:
 *          connect ADDR PORT    a TCP connection that echoes; "connect ERRNO" when it is decided
 *          peer ADDR PORT       the peer of port 11; what comes from it is told as "heard TEXT" or "error ERRNO"
 *          say TEXT             sent on port 11
 *          tell ADDR PORT TEXT  sent from port 7
 *          quit                 ends the program
 *
 * Exit status: 0 told to quit, 1 a socket could not be made.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FDS    200
#define BLAST_SIZE 32768
#define BACKLOG    16

enum role {
	LISTENS,
	ECHO,
	DISCARD,
	CLOSE,
	RESET,
	HALF,
	BLAST,
	RUDE,
	DEAF,
	CONNECTS,
	UDP_ECHO,
	UDP_PEER,
	ORDERS
};

struct end {
	enum role role, child; /* child: what a listener makes of its connections */
};

static struct pollfd fds[MAX_FDS];
static struct end ends[MAX_FDS];
static nfds_t count;
static int udp_echo, udp_peer, orders;
static struct sockaddr_in chief;
static char buffer[65536];

static int fail(const char *what)
{
	fprintf(stderr, "endpoint: %s: %s\n", what, strerror(errno));
	return 1;
}

static void add(int fd, enum role role, enum role child)
{
	if (count == MAX_FDS) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fds[count] = (struct pollfd){ .fd = fd,
				      .events = role == CONNECTS ? POLLOUT
						: role == DEAF   ? 0
								 : POLLIN };
	ends[count++] = (struct end){ role, child };
}

static void drop(nfds_t i)
{
	close(fds[i].fd);
	fds[i].fd = -1; /* taken out after the round */
}

static struct sockaddr_in address(const char *host, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };

	if (host)
		inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

static int bound(int type, int port)
{
	struct sockaddr_in a = address(NULL, port);
	int s = socket(AF_INET, type, 0), one = 1;

	if (s < 0)
		return -1;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(s);
		return -1;
	}
	return s;
}

static void report(const char *what, int err)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s %d", what, err);

	sendto(orders, text, (size_t)n, 0, (struct sockaddr *)&chief, sizeof(chief));
}

/* A new connection gets the temper of its port. */
static void adopt(int c, enum role role)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (role == RESET)
		setsockopt(c, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (role == RESET || role == CLOSE) {
		close(c);
		return;
	}
	if (role == HALF)
		shutdown(c, SHUT_WR);
	add(c, role == HALF ? DISCARD : role == BLAST ? DISCARD : role, role);
	if (role == BLAST)
		send(c, buffer, BLAST_SIZE, MSG_NOSIGNAL);
}

static void stream_in(nfds_t i)
{
	ssize_t n;

	if (ends[i].role == RUDE) {
		drop(i);
		return;
	}
	n = recv(fds[i].fd, buffer, sizeof(buffer), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		drop(i);
	else if (ends[i].role == ECHO)
		send(fds[i].fd, buffer, (size_t)n, MSG_NOSIGNAL);
}

static void decided(nfds_t i)
{
	socklen_t len = sizeof(int);
	int err = 0;

	getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &err, &len);
	report("connect", err);
	if (err) {
		drop(i);
		return;
	}
	ends[i].role = ECHO;
	fds[i].events = POLLIN;
}

static void echo_datagram(int s)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(s, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len);

	if (n >= 0)
		sendto(s, buffer, (size_t)n, 0, (struct sockaddr *)&from, len);
}

static void peer_datagram(int s)
{
	char text[256] = "heard ";
	ssize_t n = recv(s, text + 6, sizeof(text) - 6, 0);

	if (n < 0)
		report("error", errno);
	else
		sendto(orders, text, (size_t)n + 6, 0, (struct sockaddr *)&chief, sizeof(chief));
}

/* Returns 1 for "quit". */
static int obey(void)
{
	socklen_t len = sizeof(chief);
	char line[256], host[32], text[128];
	struct sockaddr_in to;
	int port, s, err = 0;
	ssize_t n = recvfrom(orders, line, sizeof(line) - 1, 0, (struct sockaddr *)&chief, &len);

	if (n < 0)
		return 0;
	line[n] = '\0';
	if (strcmp(line, "quit") == 0)
		return 1;
	if (sscanf(line, "connect %31s %d", host, &port) == 2) {
		to = address(host, port);
		s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(s, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS) {
			add(s, CONNECTS, CONNECTS);
			return 0;
		}
		err = errno;
		close(s);
		report("connect", err);
	} else if (sscanf(line, "peer %31s %d", host, &port) == 2) {
		to = address(host, port);
		report("peer", connect(udp_peer, (struct sockaddr *)&to, sizeof(to)) ? errno : 0);
	} else if (strncmp(line, "say ", 4) == 0) {
		report("say", send(udp_peer, line + 4, strlen(line + 4), 0) < 0 ? errno : 0);
	} else if (sscanf(line, "tell %31s %d %127s", host, &port, text) == 3) {
		to = address(host, port);
		err = sendto(udp_echo, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)) <
				      0
			      ? errno
			      : 0;
		report("tell", err);
	}
	return 0;
}

/* One end with news. Returns 1 when the program shall end. */
static int serve(nfds_t i)
{
	int c;

	switch (ends[i].role) {
	case LISTENS:
		c = accept(fds[i].fd, NULL, NULL);
		if (c >= 0)
			adopt(c, ends[i].child);
		return 0;
	case CONNECTS:
		decided(i);
		return 0;
	case UDP_ECHO:
		echo_datagram(fds[i].fd);
		return 0;
	case UDP_PEER:
		peer_datagram(fds[i].fd);
		return 0;
	case ORDERS:
		return obey();
	case DEAF:
		return 0;
	default:
		stream_in(i);
		return 0;
	}
}

static void forget_closed(void)
{
	nfds_t kept = 0;

	for (nfds_t i = 0; i < count; i++) {
		if (fds[i].fd < 0)
			continue;
		fds[kept] = fds[i];
		ends[kept++] = ends[i];
	}
	count = kept;
}

static int open_all(void)
{
	static const struct {
		int port;
		enum role child;
	} listeners[] = { { 7, ECHO },  { 9, DISCARD }, { 13, CLOSE }, { 14, RESET },
			  { 15, HALF }, { 19, BLAST },  { 21, RUDE },  { 23, DEAF } };

	for (size_t i = 0; i < sizeof(listeners) / sizeof(*listeners); i++) {
		int s = bound(SOCK_STREAM, listeners[i].port);
		enum role child = listeners[i].child;

		if (s < 0 || listen(s, child == DEAF ? 1 : BACKLOG) != 0)
			return -1;
		add(s, child == DEAF ? DEAF : LISTENS, child);
	}
	udp_echo = bound(SOCK_DGRAM, 7);
	udp_peer = bound(SOCK_DGRAM, 11);
	orders = bound(SOCK_DGRAM, 1);
	add(udp_echo, UDP_ECHO, UDP_ECHO);
	add(udp_peer, UDP_PEER, UDP_PEER);
	add(orders, ORDERS, ORDERS);
	add(bound(SOCK_DGRAM, 10), DEAF, DEAF);
	return udp_echo < 0 || udp_peer < 0 || orders < 0 ? -1 : 0;
}

int main(void)
{
	if (open_all() != 0)
		return fail("cannot open");
	for (int i = 0; i < BLAST_SIZE; i++)
		buffer[i] = (char)i;
	printf("endpoint: ready\n");
	fflush(stdout);
	for (;;) {
		nfds_t n = count;

		if (poll(fds, n, -1) < 0)
			return fail("poll");
		for (nfds_t i = 0; i < n; i++) {
			if (fds[i].revents && serve(i))
				goto out;
		}
		forget_closed();
	}
out:
	for (nfds_t i = 0; i < count; i++)
		close(fds[i].fd);
	printf("endpoint: done\n");
	return 0;
}
