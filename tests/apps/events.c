// SPDX-License-Identifier: MIT
/*
 * An event loop as programs write them: one epoll, edge-triggered, nonblocking sockets. A listener, ten clients and their connections
 * in one process over loopback; each client sends 100,000 bytes, the server sends them back, both close. Status 0 when all came.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

#define CLIENTS 10
#define BYTES   100000
#define NR      64

/* What is known of a descriptor. */
static struct {
	int used, client, ended;
	long sent, got;
	char waiting[BYTES]; /* of a server's: to be sent back */
} conn[NR];
static char pattern[BYTES];
static int ep, open_conns, finished;

static void watch(int fd, int client)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	ev.data.fd = fd;
	conn[fd].used = 1;
	conn[fd].client = client;
	conn[fd].sent = conn[fd].got = conn[fd].ended = 0;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	open_conns++;
}

static void end(int fd)
{
	conn[fd].used = 0;
	open_conns--;
	CHECK(close(fd) == 0); /* and with it the watch */
}

/* Reads till there is nothing more, as edges demand. */
static void take(int fd)
{
	char buf[8192];
	long n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n && conn[fd].client; i++)
			if (buf[i] != (char)((conn[fd].got + i) * 7))
				failures++;
		if (!conn[fd].client)
			memcpy(conn[fd].waiting + conn[fd].got, buf, (size_t)n);
		conn[fd].got += n;
	}
	if (n == 0)
		conn[fd].ended = 1;
	else
		CHECK(errno == EAGAIN);
}

static void give(int fd)
{
	long most = conn[fd].client ? BYTES : conn[fd].got, n = 0;

	while (conn[fd].sent < most &&
	       (n = write(fd, (conn[fd].client ? pattern : conn[fd].waiting) + conn[fd].sent,
			  (size_t)(most - conn[fd].sent))) > 0)
		conn[fd].sent += n;
	CHECK(n >= 0 || errno == EAGAIN);
}

static void serve(int fd, unsigned int events)
{
	if (events & EPOLLIN)
		take(fd);
	give(fd);
	if (conn[fd].client && conn[fd].got == BYTES) {
		finished++;
		end(fd);
	} else if (!conn[fd].client && conn[fd].ended) {
		end(fd);
	}
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7000) };
	struct epoll_event ev = { .events = EPOLLIN }, got[8];
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), turns = 0, n;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < BYTES; i++)
		pattern[i] = (char)(i * 7);
	ep = epoll_create1(EPOLL_CLOEXEC);
	CHECK(ep >= 0);
	CHECK(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(l, CLIENTS) == 0);
	ev.data.fd = l;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev) == 0);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev), EEXIST);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	CHECK(epoll_wait(ep, got, 8, 20) == 0);
	for (int i = 0; i < CLIENTS; i++) {
		int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		CHECK_ERRNO(connect(c, (struct sockaddr *)&a, sizeof(a)), EINPROGRESS);
		watch(c, 1);
	}
	while (open_conns && turns++ < 100000) {
		n = epoll_wait(ep, got, 8, 5000);
		CHECK(n > 0);
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd, c;

			if (fd != l) {
				if (conn[fd].used)
					serve(fd, got[i].events);
				continue;
			}
			while ((c = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0)
				watch(c, 0);
			CHECK(errno == EAGAIN);
		}
	}
	CHECK(finished == CLIENTS);
	CHECK(open_conns == 0);
	CHECK(close(l) == 0);
	CHECK(epoll_wait(ep, got, 8, 0) == 0);
	CHECK(close(ep) == 0);
	return result("events");
}
