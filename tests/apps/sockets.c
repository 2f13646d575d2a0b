// SPDX-License-Identifier: MIT
/*
 * The socket calls over loopback: error numbers as Linux gives them (the same source runs there and must agree), many
 * sockets, a conversation, poll and select, timeouts, every kind of send and receive.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MANY 900

static struct sockaddr_in local(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}
#define SA(x) ((struct sockaddr *)&(x)), sizeof(x)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A listener on a port of the kernel's choice; *a gets its address. */
static int listener(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	*a = local(0);
	CHECK(bind(s, SA(*a)) == 0 && listen(s, 64) == 0);
	CHECK(getsockname(s, (struct sockaddr *)a, &len) == 0 && len == sizeof(*a) && a->sin_port);
	return s;
}

/* A connected pair over loopback. */
static void pair(int *a, int *b)
{
	struct sockaddr_in at;
	int l = listener(&at);

	*a = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(*a, SA(at)) == 0);
	*b = accept(l, NULL, NULL);
	CHECK(*b >= 0);
	close(l);
}

static void creation(void)
{
	int sv[2], s;

	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 253), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, 9, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, 11, 0), EINVAL);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 300), EINVAL);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
	CHECK_ERRNO(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM | 0x100000, 0), EINVAL);
	CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, sv), EOPNOTSUPP);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(s >= 0 && (fcntl(s, F_GETFL) & O_NONBLOCK) && fcntl(s, F_GETFD) == FD_CLOEXEC);
	close(s);
}

static void naming(void)
{
	struct sockaddr_in a = local(0), b = { .sin_family = AF_INET };
	char large[200] = { AF_INET };
	socklen_t len = 2;
	int s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);
	int fd = open("/dev/null", O_RDWR);

	CHECK_ERRNO(bind(9999, SA(a)), EBADF);
	CHECK_ERRNO(bind(fd, SA(a)), ENOTSOCK);
	CHECK_ERRNO(send(fd, "x", 1, 0), ENOTSOCK);
	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, 8), EINVAL);
	CHECK_ERRNO(bind(s, (struct sockaddr *)large, 200), EINVAL);
	a.sin_family = 77;
	CHECK_ERRNO(bind(s, SA(a)), EAFNOSUPPORT);
	a = local(0);
	a.sin_addr.s_addr = htonl(0xcb007107); /* 203.0.113.7 */
	CHECK_ERRNO(bind(s, SA(a)), EADDRNOTAVAIL);
	a = local(0);
	CHECK(bind(s, SA(a)) == 0);
	CHECK_ERRNO(bind(s, SA(a)), EINVAL);
	CHECK(getsockname(s, (struct sockaddr *)&b, &len) == 0 && len == sizeof(b) &&
	      b.sin_port == 0);
	len = sizeof(b);
	CHECK(getsockname(s, (struct sockaddr *)&b, &len) == 0 && b.sin_port != 0);
	CHECK_ERRNO(bind(t, SA(b)), EADDRINUSE);
	CHECK_ERRNO(getpeername(s, (struct sockaddr *)&b, &len), ENOTCONN);
	CHECK_ERRNO(listen(fd, 1), ENOTSOCK);
	CHECK_ERRNO(accept(s, NULL, NULL), EINVAL);
	CHECK_ERRNO(shutdown(s, SHUT_RDWR), ENOTCONN);
	CHECK_ERRNO(shutdown(s, 7), EINVAL);
	close(fd);
	close(s);
	close(t);
}

static void datagrams(void)
{
	struct sockaddr_in a = local(0), from;
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0);
	static char big[70000];
	char buf[64];

	CHECK_ERRNO(send(s, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(listen(s, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(s, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(recv(s, buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(sendto(s, "x", 1, 0, (struct sockaddr *)big, 200), EINVAL);
	a.sin_port = 0;
	CHECK_ERRNO(sendto(s, "x", 1, 0, SA(a)), EINVAL);
	CHECK(bind(t, SA(a)) == 0 && getsockname(t, (struct sockaddr *)&a, &len) == 0);
	CHECK_ERRNO(sendto(s, big, 65508, 0, SA(a)), EMSGSIZE);
	CHECK_ERRNO(sendto(s, big, 70000, 0, SA(a)), EMSGSIZE);
	CHECK(sendto(s, "hello", 5, 0, SA(a)) == 5);
	CHECK(getsockname(s, (struct sockaddr *)&from, &len) == 0 &&
	      ntohs(from.sin_port) >= 32768 && ntohs(from.sin_port) <= 60999);
	len = sizeof(from);
	CHECK(recvfrom(t, buf, 3, 0, (struct sockaddr *)&from, &len) == 3 &&
	      memcmp(buf, "hel", 3) == 0);
	CHECK(len == sizeof(from) && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK_ERRNO(recv(t, buf, 64, MSG_DONTWAIT), EAGAIN);
	CHECK(sendto(s, "", 0, 0, SA(a)) == 0 && recv(t, buf, 64, 0) == 0);
	CHECK(connect(s, SA(a)) == 0 && send(s, "abc", 3, 0) == 3);
	CHECK(recv(t, buf, 64, MSG_PEEK) == 3 && recv(t, buf, 2, MSG_TRUNC) == 3);
	close(t);
	CHECK(send(s, "x", 1, 0) == 1);
	CHECK_ERRNO(send(s, "x", 1, 0), ECONNREFUSED);
	close(s);
}

static void stream_errors(void)
{
	struct sockaddr_in a;
	struct linger hard = { 1, 0 };
	struct timeval tv = { 0, 1000000 };
	char buf[16];
	int s = socket(AF_INET, SOCK_STREAM, 0), t, l;

	CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(recv(s, buf, 1, 0), ENOTCONN);
	CHECK_ERRNO(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), EDOM);
	l = listener(&a);
	close(l);
	CHECK_ERRNO(connect(s, SA(a)), ECONNREFUSED);
	close(s);
	pair(&s, &t);
	CHECK_ERRNO(connect(s, SA(a)), EISCONN);
	CHECK(send(s, "", 0, 0) == 0);
	CHECK_ERRNO(recv(s, buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(shutdown(s, SHUT_WR) == 0);
	CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(recv(t, buf, 16, 0) == 0);
	CHECK(send(t, "still", 5, 0) == 5 && recv(s, buf, 16, 0) == 5);
	close(t);
	CHECK(recv(s, buf, 16, 0) == 0);
	close(s);
	pair(&s, &t);
	CHECK(setsockopt(t, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
	close(t);
	CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), ECONNRESET);
	CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(recv(s, buf, 16, 0) == 0);
	close(s);
}

static void timeouts(void)
{
	struct timeval tv = { 0, 200000 };
	char buf[4];
	double start;
	int s, t;

	pair(&s, &t);
	CHECK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	start = now();
	CHECK_ERRNO(recv(s, buf, 4, 0), EAGAIN);
	CHECK(now() - start >= 0.199 && now() - start < 1.0);
	close(s);
	close(t);
}

static void nonblocking(void)
{
	struct sockaddr_in a;
	struct pollfd p;
	socklen_t len = sizeof(int);
	int l = listener(&a), s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), t, err = 1,
	    on = 1;

	CHECK(ioctl(l, FIONBIO, &on) == 0);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	err = connect(s, SA(a));
	CHECK(err == 0 || errno == EINPROGRESS);
	p = (struct pollfd){ s, POLLOUT, 0 };
	CHECK(poll(&p, 1, 2000) == 1 && p.revents == POLLOUT);
	CHECK(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0);
	p = (struct pollfd){ l, POLLIN, 0 };
	CHECK(poll(&p, 1, 2000) == 1 && p.revents == POLLIN);
	t = accept(l, NULL, NULL);
	CHECK(t >= 0 && !(fcntl(t, F_GETFL) & O_NONBLOCK));
	CHECK_ERRNO(read(s, &err, 1), EAGAIN);
	close(t);
	close(s);
	close(l);
}

static void readiness(void)
{
	struct pollfd p[3];
	struct timeval tv = { 0, 50000 };
	fd_set in, out;
	char buf[8];
	double start;
	int s, t, n = 0;

	pair(&s, &t);
	p[0] = (struct pollfd){ s, POLLIN, 0 };
	p[1] = (struct pollfd){ -1, POLLIN, 99 };
	p[2] = (struct pollfd){ 9999, POLLIN, 0 };
	CHECK(poll(p, 3, 1000) == 1 && p[0].revents == 0 && p[1].revents == 0 &&
	      p[2].revents == POLLNVAL);
	start = now();
	CHECK(poll(p, 1, 100) == 0 && now() - start >= 0.099 && now() - start < 1.0);
	FD_ZERO(&in);
	FD_SET(s, &in);
	start = now();
	CHECK(select(s + 1, &in, NULL, NULL, &tv) == 0 && !FD_ISSET(s, &in) &&
	      now() - start >= 0.049);
	CHECK(write(t, "ping", 4) == 4);
	CHECK(poll(p, 1, 1000) == 1 && p[0].revents == POLLIN);
	CHECK(ioctl(s, FIONREAD, &n) == 0 && n == 4);
	FD_ZERO(&out);
	FD_SET(s, &in);
	FD_SET(t, &out);
	CHECK(select((s > t ? s : t) + 1, &in, &out, NULL, NULL) == 2 && FD_ISSET(s, &in) &&
	      FD_ISSET(t, &out));
	CHECK(read(s, buf, 8) == 4);
	close(t);
	p[0].events = POLLIN | POLLRDHUP;
	CHECK(poll(p, 1, 1000) == 1 && p[0].revents == (POLLIN | POLLRDHUP));
	close(s);
	FD_ZERO(&in);
	FD_SET(s, &in);
	CHECK_ERRNO(select(s + 1, &in, NULL, NULL, NULL), EBADF);
}

static void vectors(void)
{
	char a[] = "one", b[] = "two", c[] = "three", got[32] = "";
	struct iovec iov[3] = { { a, 3 }, { b, 3 }, { c, 5 } },
		     in[2] = { { got, 4 }, { got + 4, 20 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	int s, t;

	pair(&s, &t);
	CHECK(sendmsg(s, &m, 0) == 11 && recv(t, got, 11, MSG_WAITALL | MSG_PEEK) == 11);
	m.msg_iov = in;
	m.msg_iovlen = 2;
	CHECK(recvmsg(t, &m, 0) == 11 && memcmp(got, "onetwothree", 11) == 0);
	CHECK(writev(s, iov, 3) == 11 && readv(t, in, 2) == 11);
	m.msg_iovlen = 1025;
	CHECK_ERRNO(sendmsg(s, &m, 0), EMSGSIZE);
	close(s);
	close(t);
}

/* Half of the sockets talk to the other half, all at once; then the table of descriptors is filled. */
static void many(void)
{
	static int s[MANY];
	struct sockaddr_in at;
	char ch;
	int l = listener(&at), n = 0, got;

	for (; n + 1 < MANY; n += 2) {
		s[n] = socket(AF_INET, SOCK_STREAM, 0);
		if (s[n] < 0 || connect(s[n], SA(at)) != 0)
			break;
		s[n + 1] = accept(l, NULL, NULL);
		if (s[n + 1] < 0)
			break;
	}
	printf("sockets: %d connections at once\n", n / 2);
	CHECK(n >= 200);
	for (int i = 0; i < n; i += 2)
		CHECK(send(s[i], &i, 1, 0) == 1);
	for (int i = 1; i < n; i += 2)
		CHECK(recv(s[i], &ch, 1, 0) == 1 && ch == (char)(i - 1));
	for (int i = 0; i < n; i++)
		close(s[i]);
	close(l);
	for (n = 0; n < MANY && (s[n] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0; n++)
		;
	for (got = n; n > 0; n--)
		close(s[n - 1]);
	CHECK(got >= 500);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	creation();
	naming();
	datagrams();
	stream_errors();
	timeouts();
	nonblocking();
	readiness();
	vectors();
	many();
	return result("sockets");
}
