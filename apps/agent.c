// SPDX-License-Identifier: MIT
/*
 * agent - socket calls by RPC over a serial line, for a tester outside. An ordinary POSIX program.
 *
 *   agent [LINE]      /dev/ttyS1, a terminal that is made raw
 *
 * A request and its answer look the same, little endian:
 *
 *   u32 length of what follows | u16 id | u16 op | i32 a[4] | payload
 *
 * The answer repeats id and op; a[0] is the result or -errno, the payload is the data that comes out.
 *
 *    1 socket(a0, a1, a2)               9 close(a0)
 *    2 bind(a0; address)               10 getsockopt(a0, level a1, option a2, size a3)
 *    3 listen(a0, a1)                  11 setsockopt(a0, a1, a2; value)
 *    4 accept(a0) -> address           12 ioctl(a0, a1; argument, or an int in a2) -> a[1]
 *    5 connect(a0; address)            13 poll(a0; events a1, 0: all) -> events
 *    6 recv(a0, flags a1, size a2)     14 tune("name=value"), a sysctl
 *    7 send(a0, flags a1; a2 bytes     15 close all, forget what was learned of others, restore what was tuned
 *      of address, then data)
 *    8 shutdown(a0, a1)
 *
 * recv tells more: a[1] the message's flags, a[2] and a[3] the sender's address and port as the wire has them; with a3 in the
 * request up to a3 bytes of control messages follow the a[0] bytes of data. Op 0x7865 ends the program with status a0.
 *
 * One thread serves all. What would block waits in a list, and its answer comes when poll() says so; requests that came later are
 * answered meanwhile. Every socket is non-blocking; one that was made or set so by the tester (SOCK_NONBLOCK, FIONBIO), and
 * MSG_DONTWAIT, get their answer at once. SO_RCVTIMEO and SO_SNDTIMEO end a wait as they would end the call. Only close() of a
 * socket with SO_LINGER stops everybody.
 *
 * A request that is too short or too long, or ends in the middle, gets an error as its answer when the line has been silent
 * for a moment; then the next one begins.
 *
 * Exit status: as told, 1 the line is lost, 2 usage or no such line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FIXED       20 /* id, op, a[4] */
#define LIMIT       (1 << 20)
#define MAX_FD      1024
#define MAX_WAITING 256
#define MAX_TUNED   64
#define JUNK_MS     50 /* a line that brings nonsense is heard again after so much silence */
#define PARTIAL_MS  2000
#define SYSCTLS     "/proc/sys/net/ipv4/"

enum op {
	SOCKET = 1,
	BIND,
	LISTEN,
	ACCEPT,
	CONNECT,
	RECV,
	SEND,
	SHUTDOWN,
	CLOSE,
	GETSOCKOPT,
	SETSOCKOPT,
	IOCTL,
	POLL,
	TUNE,
	RESET,
	EXIT = 0x7865
};

#define PENDING INT32_MIN /* no result yet */

struct request {
	struct request *next;
	uint16_t id, op;
	int32_t a[4];
	size_t len, done; /* of the payload; what a send or a recv has moved */
	int64_t deadline; /* ms; -1: none */
	unsigned char *data;
};

static int line;
static struct {
	bool open, nonblock;
} fds[MAX_FD];
static struct request *waiting;
static size_t nr_waiting;
static struct {
	char path[96], value[128];
} tuned[MAX_TUNED];
static size_t nr_tuned;
static unsigned char in[4 + FIXED + LIMIT], out[4 + FIXED + LIMIT];
static size_t in_len;
static uint32_t junk; /* bytes that are still to be thrown away */
static struct request junk_of;
static int32_t out_a[4];
static size_t out_len;
static int exit_status = -1;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint32_t get(const unsigned char *p, int bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void put(unsigned char *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* The answer's data lie in out[] already: out_len bytes of them. */
static void answer(const struct request *r, int32_t result)
{
	size_t size = 4 + FIXED + out_len;
	ssize_t n;

	out_a[0] = result;
	put(out, (uint32_t)(FIXED + out_len), 4);
	put(out + 4, r->id, 2);
	put(out + 6, r->op, 2);
	for (int i = 0; i < 4; i++)
		put(out + 8 + 4 * i, (uint32_t)out_a[i], 4);
	for (size_t off = 0; off < size; off += (size_t)n) {
		struct pollfd p = { .fd = line, .events = POLLOUT };

		n = write(line, out + off, size - off);
		if (n >= 0)
			continue;
		if (errno != EINTR && errno != EAGAIN)
			exit(1);
		n = 0;
		poll(&p, 1, -1);
	}
	memset(out_a, 0, sizeof(out_a));
	out_len = 0;
}

static unsigned char *out_data(void)
{
	return out + 4 + FIXED;
}

static int32_t result(long n)
{
	return n < 0 ? -errno : (int32_t)n;
}

/* A new descriptor of the tester's. */
static int32_t enter(int fd, bool nonblock)
{
	if (fd < 0)
		return -errno;
	if (fd >= MAX_FD) {
		close(fd);
		return -EMFILE;
	}
	fds[fd].open = true;
	fds[fd].nonblock = nonblock;
	return fd;
}

/* --- Calls that may wait ------------------------------------------------------------------------------------------- */
static int32_t do_accept(struct request *r)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(r->a[0], (struct sockaddr *)&from, &len, SOCK_NONBLOCK);

	if (fd >= 0) {
		out_len = len < sizeof(from) ? len : sizeof(from);
		memcpy(out_data(), &from, out_len);
	}
	return enter(fd, r->a[1] & SOCK_NONBLOCK);
}

/* Asked again when the socket is writable, connect() says what came of it. */
static int32_t do_connect(struct request *r)
{
	if (connect(r->a[0], (struct sockaddr *)r->data, (socklen_t)r->len) == 0)
		return 0;
	if (r->deadline != 0 && errno == EISCONN)
		return 0; /* it was this request that connected it */
	return -errno;
}

static int32_t do_recv(struct request *r)
{
	struct sockaddr_in from = { 0 };
	size_t size = (size_t)r->a[2], control = (size_t)r->a[3];
	struct iovec v = { out_data() + r->done, size - r->done };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &v, .msg_iovlen = 1
	};
	char oob[512];
	ssize_t n;

	if (control) {
		m.msg_control = oob;
		m.msg_controllen = control < sizeof(oob) ? control : sizeof(oob);
	}
	if (r->done)
		memcpy(out_data(), r->data, r->done);
	n = recvmsg(r->a[0], &m, (r->a[1] & ~MSG_WAITALL) | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	out_a[1] = m.msg_flags;
	if (m.msg_namelen >= sizeof(from) && from.sin_family == AF_INET) {
		out_a[2] = (int32_t)from.sin_addr.s_addr;
		out_a[3] = from.sin_port;
	}
	out_len = r->done +
		  ((size_t)n < v.iov_len ? (size_t)n : v.iov_len); /* MSG_TRUNC tells more */
	if (control && m.msg_controllen && out_len + m.msg_controllen <= LIMIT) {
		memcpy(out_data() + out_len, oob, m.msg_controllen);
		out_len += m.msg_controllen;
	}
	return (int32_t)(r->done + (size_t)n);
}

static bool is_stream(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	return type == SOCK_STREAM;
}

/* MSG_WAITALL: what has come is kept until there is enough. PENDING, or the result. */
static int32_t recv_all(struct request *r)
{
	int32_t n = do_recv(r);

	if (n < 0 || !(r->a[1] & MSG_WAITALL) || r->a[1] & MSG_PEEK || !is_stream(r->a[0]))
		return n == -EAGAIN && r->done ? PENDING : n;
	if (n == r->a[2] || (size_t)n == r->done)
		return n;
	if (!r->data)
		r->data = malloc((size_t)r->a[2]);
	if (!r->data)
		return n;
	memcpy(r->data, out_data(), (size_t)n);
	r->done = (size_t)n;
	return PENDING;
}

static int32_t do_send(struct request *r)
{
	size_t addr = (size_t)r->a[2];
	bool stream = is_stream(r->a[0]);

	for (;;) {
		const unsigned char *from = r->data + addr + r->done;
		size_t left = r->len - addr - r->done;
		bool first = !r->done && r->deadline == 0;
		int flags =
			(first ? r->a[1] : r->a[1] & ~MSG_FASTOPEN) | MSG_DONTWAIT | MSG_NOSIGNAL;
		bool named = addr && (first || !stream);
		ssize_t n = sendto(r->a[0], from, left, flags,
				   named ? (const struct sockaddr *)(const void *)r->data : NULL,
				   named ? (socklen_t)addr : 0);

		if (n < 0)
			return r->done && errno != EAGAIN ? (int32_t)r->done : -errno;
		r->done += (size_t)n;
		if (!stream || r->done == r->len - addr)
			return (int32_t)r->done;
		if (r->a[1] & MSG_DONTWAIT || fds[r->a[0]].nonblock)
			return (int32_t)r->done;
	}
}

static int32_t try_once(struct request *r)
{
	switch (r->op) {
	case ACCEPT:
		return do_accept(r);
	case CONNECT:
		return do_connect(r);
	case RECV:
		return recv_all(r);
	default:
		return do_send(r);
	}
}

/* Would a blocking call go on waiting after @result? */
static bool would_block(const struct request *r, int32_t result)
{
	if (result == PENDING || result == -EAGAIN)
		return true;
	if (r->op == CONNECT)
		return result == -EINPROGRESS || (result == -EALREADY && r->deadline != 0);
	return r->op == SEND && r->a[1] & MSG_FASTOPEN && result == -EINPROGRESS;
}

/* What a blocking call says when its SO_RCVTIMEO or SO_SNDTIMEO is over. */
static int32_t at_deadline(const struct request *r)
{
	if (r->op == CONNECT)
		return -EINPROGRESS;
	if (!r->done)
		return -EAGAIN;
	if (r->op == RECV) {
		memcpy(out_data(), r->data, r->done);
		out_len = r->done;
	}
	return (int32_t)r->done;
}

static short events_of(const struct request *r)
{
	if (r->op == CONNECT || r->op == SEND)
		return POLLOUT;
	return r->op == RECV && r->a[1] & MSG_OOB ? POLLPRI : POLLIN;
}

/* Is an older request of the same direction waiting on this descriptor? */
static bool is_behind(const struct request *r)
{
	for (const struct request *q = waiting; q && q != r; q = q->next)
		if (q->a[0] == r->a[0] && (events_of(q) == POLLOUT) == (events_of(r) == POLLOUT))
			return true;
	return false;
}

/* Only now is it known that it has to wait: deadline becomes other than 0. */
static void set_deadline(struct request *r)
{
	struct timeval t = { 0 };
	socklen_t len = sizeof(t);

	if (r->deadline)
		return;
	getsockopt(r->a[0], SOL_SOCKET, events_of(r) == POLLOUT ? SO_SNDTIMEO : SO_RCVTIMEO, &t,
		   &len);
	r->deadline =
		t.tv_sec || t.tv_usec ? now_ms() + t.tv_sec * 1000 + (t.tv_usec + 999) / 1000 : -1;
}

/* Puts a copy of @r at the end of the list. 0, or -errno. */
static int32_t wait_in_line(const struct request *r)
{
	struct request **at = &waiting, *copy;

	if (nr_waiting == MAX_WAITING)
		return -ENOBUFS;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *r;
	if (r->op != RECV) {
		copy->data = malloc(r->len + 1);
		if (!copy->data) {
			free(copy);
			return -ENOMEM;
		}
		memcpy(copy->data, r->data, r->len);
	}
	while (*at)
		at = &(*at)->next;
	*at = copy;
	nr_waiting++;
	return 0;
}

/* Answers, unless it has to wait. */
static void maybe_wait(struct request *r)
{
	bool at_once = fds[r->a[0]].nonblock ||
		       (r->op != ACCEPT && r->op != CONNECT && r->a[1] & MSG_DONTWAIT);
	int32_t res = -EAGAIN;

	if (r->op == RECV && r->a[1] & MSG_ERRQUEUE)
		at_once = true;
	if (r->op == RECV)
		r->data = NULL;
	if (at_once || !is_behind(r))
		res = try_once(r);
	if (at_once && res == PENDING)
		res = (int32_t)r->done; /* recv_all's data are in out[] */
	if (!at_once && would_block(r, res)) {
		out_len = 0;
		set_deadline(r);
		res = wait_in_line(r);
		if (res == 0)
			return;
	}
	answer(r, res);
	if (r->op == RECV)
		free(r->data);
}

static void remove_waiting(struct request **at)
{
	struct request *r = *at;

	*at = r->next;
	nr_waiting--;
	free(r->data);
	free(r);
}

/* Everyone who waits for @fd (-1: for anything) hears that it is gone. */
static void cancel(int fd)
{
	struct request **at = &waiting;

	while (*at) {
		if (fd >= 0 && (*at)->a[0] != fd) {
			at = &(*at)->next;
			continue;
		}
		answer(*at, -EBADF);
		remove_waiting(at);
	}
}

/* --- Settings -------------------------------------------------------------------------------------------------------- */
/* A file's text without its newline; its length, or -errno. */
static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -err;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return (int)strlen(text);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int err = errno;

	if (fd >= 0)
		close(fd);
	return n < 0 ? -err : 0;
}

/* "tcp_sack" or "net.ipv4.tcp_sack" as a path. False: no name of a setting. */
static bool sysctl_path(const char *name, size_t len, char *path, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-./";
	size_t at;

	at = strncmp(name, "net.", 4) == 0 ? strlen(strcpy(path, "/proc/sys/"))
					   : strlen(strcpy(path, SYSCTLS));
	if (!len || at + len >= size)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!strchr(letters, name[i]))
			return false;
		path[at + i] = name[i] == '.' ? '/' : name[i];
	}
	path[at + len] = '\0';
	return true;
}

static int32_t do_tune(const struct request *r)
{
	char text[256], path[96], old[128];
	char *eq;
	int err;

	if (r->len >= sizeof(text))
		return -EINVAL;
	memcpy(text, r->data, r->len);
	text[r->len] = '\0';
	eq = strchr(text, '=');
	if (!eq || !sysctl_path(text, (size_t)(eq - text), path, sizeof(path)))
		return -EINVAL;
	err = read_text(path, old, sizeof(old));
	if (err == -ENOENT)
		return err;
	for (size_t i = 0; i < nr_tuned; i++)
		if (strcmp(tuned[i].path, path) == 0)
			return write_text(path, eq + 1);
	if (err > 0 && nr_tuned == MAX_TUNED)
		return -ENOBUFS;
	err = write_text(path, eq + 1);
	if (err == 0 && *old) {
		strcpy(tuned[nr_tuned].path, path);
		strcpy(tuned[nr_tuned++].value, old);
	}
	return err;
}

/* Linux has no order for it: each entry of /proc/net/arp is deleted by itself. */
static void forget_neighbours(void)
{
	char row[256], addr[64];
	struct arpreq q;
	FILE *f = fopen("/proc/net/arp", "r");
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	while (f && s >= 0 && fgets(row, sizeof(row), f)) {
		struct sockaddr_in to = { .sin_family = AF_INET };

		if (sscanf(row, "%63s", addr) != 1 || inet_pton(AF_INET, addr, &to.sin_addr) != 1)
			continue;
		memset(&q, 0, sizeof(q));
		memcpy(&q.arp_pa, &to, sizeof(to));
		strcpy(q.arp_dev, "eth0");
		ioctl(s, SIOCDARP, &q);
	}
	if (f)
		fclose(f);
	if (s >= 0)
		close(s);
}

/* Connections end without a farewell, so that nothing of them goes on. */
static int32_t do_reset(void)
{
	static const struct linger abort_it = { .l_onoff = 1, .l_linger = 0 };

	cancel(-1);
	for (int fd = 0; fd < MAX_FD; fd++) {
		if (!fds[fd].open)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
		close(fd);
		fds[fd].open = false;
	}
	while (nr_tuned) {
		nr_tuned--;
		write_text(tuned[nr_tuned].path, tuned[nr_tuned].value);
	}
	write_text(SYSCTLS "route/flush", "1");
	if (write_text(SYSCTLS "flush", "1") != 0)
		forget_neighbours();
	return 0;
}

/* --- Calls that do not wait ------------------------------------------------------------------------------------------- */
static int32_t do_close(int fd)
{
	cancel(fd);
	fds[fd].open = false;
	return result(close(fd));
}

static int32_t do_getsockopt(const struct request *r)
{
	socklen_t len = (socklen_t)r->a[3];
	int err;

	if (r->a[3] < 0 || r->a[3] > LIMIT)
		return -EINVAL;
	err = getsockopt(r->a[0], r->a[1], r->a[2], out_data(), &len);
	if (err)
		return -errno;
	out_len = len < (socklen_t)r->a[3] ? len : (socklen_t)r->a[3];
	return 0;
}

/* An argument of any size comes and goes as payload; an int goes in a[1] as well. */
static int32_t do_ioctl(const struct request *r)
{
	unsigned char arg[4096] = { 0 };
	int32_t value;
	int err;

	if (r->len > sizeof(arg))
		return -EINVAL;
	put(arg, (uint32_t)r->a[2], 4);
	memcpy(arg, r->data, r->len);
	memcpy(&value, arg, 4);
	if ((uint32_t)r->a[1] == FIONBIO) {
		fds[r->a[0]].nonblock = value != 0;
		return 0;
	}
	err = ioctl(r->a[0], (int)r->a[1], arg);
	if (err < 0)
		return -errno;
	memcpy(&value, arg, 4);
	out_a[1] = value;
	out_len = r->len > 4 ? r->len : 0;
	memcpy(out_data(), arg, out_len);
	return err;
}

static int32_t do_poll(const struct request *r)
{
	struct pollfd p = { .fd = r->a[0], .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP };

	if (r->a[1])
		p.events = (short)r->a[1];
	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

static int32_t call(const struct request *r)
{
	const struct sockaddr *addr = (const struct sockaddr *)(const void *)r->data;
	int fd = r->a[0];

	switch (r->op) {
	case BIND:
		return result(bind(fd, addr, (socklen_t)r->len));
	case LISTEN:
		return result(listen(fd, r->a[1]));
	case SHUTDOWN:
		return result(shutdown(fd, r->a[1]));
	case CLOSE:
		return do_close(fd);
	case GETSOCKOPT:
		return do_getsockopt(r);
	case SETSOCKOPT:
		return result(setsockopt(fd, r->a[1], r->a[2], r->data, (socklen_t)r->len));
	case IOCTL:
		return do_ioctl(r);
	default:
		return do_poll(r);
	}
}

/* Arguments that our own buffers depend on. */
static bool sound(const struct request *r)
{
	if (r->op == RECV)
		return r->a[2] >= 0 && r->a[2] <= LIMIT && r->a[3] >= 0;
	if (r->op == SEND)
		return r->a[2] >= 0 && (size_t)r->a[2] <= r->len;
	return true;
}

static void serve(struct request *r)
{
	int fd = r->a[0];

	if (r->op == SOCKET) {
		answer(r, enter(socket(r->a[0], r->a[1] | SOCK_NONBLOCK, r->a[2]),
				r->a[1] & SOCK_NONBLOCK));
	} else if (r->op == TUNE) {
		answer(r, do_tune(r));
	} else if (r->op == RESET) {
		answer(r, do_reset());
	} else if (r->op == EXIT) {
		exit_status = r->a[0] & 63;
		answer(r, 0);
	} else if (r->op < SOCKET || r->op > RESET) {
		answer(r, -ENOSYS);
	} else if (fd < 0 || fd >= MAX_FD || !fds[fd].open) {
		answer(r, -EBADF);
	} else if (!sound(r)) {
		answer(r, -EINVAL);
	} else if (r->op >= ACCEPT && r->op <= SEND) {
		maybe_wait(r);
	} else {
		answer(r, call(r));
	}
}

/* --- The line ------------------------------------------------------------------------------------------------------------ */
/* What is there of a request's fixed part. */
static struct request head_of(const unsigned char *p, size_t len)
{
	struct request r = { .id = 0 };

	if (len >= 2)
		r.id = (uint16_t)get(p, 2);
	if (len >= 4)
		r.op = (uint16_t)get(p + 2, 2);
	for (size_t i = 0; i < 4 && len >= FIXED; i++)
		r.a[i] = (int32_t)get(p + 4 + 4 * i, 4);
	return r;
}

/* Begins to throw @n bytes away, behind which @r gets its error. */
static void skip(const struct request *r, uint32_t n)
{
	junk_of = *r;
	junk = n;
}

/* Serves one request from @p on, if it is all there; how many bytes it was. */
static size_t take(unsigned char *p, size_t have)
{
	uint32_t len = have >= 4 ? get(p, 4) : 0;
	struct request r;

	if (have < 4)
		return 0;
	if (len > FIXED + LIMIT) {
		if (have < 4 + FIXED)
			return 0;
		r = head_of(p + 4, FIXED);
		skip(&r, len - FIXED);
		return 4 + FIXED;
	}
	if (have < 4 + (size_t)len)
		return 0;
	r = head_of(p + 4, len);
	if (len < FIXED) {
		answer(&r, -EINVAL);
	} else {
		r.data = p + 4 + FIXED;
		r.len = len - FIXED;
		serve(&r);
	}
	return 4 + (size_t)len;
}

static void hear(void)
{
	ssize_t n = read(line, in + in_len, sizeof(in) - in_len);
	size_t at = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		exit(1);
	in_len += (size_t)n;
	while (at < in_len && exit_status < 0) {
		size_t used = in_len - at < junk ? in_len - at : junk;

		if (used) {
			junk -= (uint32_t)used;
			if (!junk)
				answer(&junk_of, -EMSGSIZE);
		} else {
			used = take(in + at, in_len - at);
		}
		if (!used)
			break;
		at += used;
	}
	memmove(in, in + at, in_len - at);
	in_len -= at;
}

/* The line is silent in the middle of something: that is over. */
static void silence(void)
{
	struct request r = junk_of;
	int32_t err = -EMSGSIZE;

	if (!junk) {
		r = head_of(in + 4, in_len > 4 ? in_len - 4 : 0);
		err = -ETIMEDOUT;
	}
	junk = 0;
	in_len = 0;
	answer(&r, err);
}

/* --- Waiting -------------------------------------------------------------------------------------------------------------- */
/* Tries @r again; true when it has its answer. */
static bool try_again(struct request *r, short revents, int64_t now)
{
	bool late = r->deadline > 0 && now >= r->deadline;
	int32_t res = revents ? try_once(r) : PENDING;

	if (would_block(r, res) && !late) {
		out_len = 0;
		return false;
	}
	answer(r, would_block(r, res) ? at_deadline(r) : res);
	return true;
}

/* Milliseconds until something is late; -1: nothing can be. */
static int patience(int64_t heard, int64_t now)
{
	int64_t until = -1;

	if (junk || in_len)
		until = heard + (junk ? JUNK_MS : PARTIAL_MS);
	for (struct request *r = waiting; r; r = r->next)
		if (r->deadline > 0 && (until < 0 || r->deadline < until))
			until = r->deadline;
	if (until < 0)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

/* Tries what poll() says may go on. True: something besides errors was reported. */
static bool serve_waiting(const struct pollfd *p, nfds_t n, int64_t now)
{
	struct request **at = &waiting;
	bool useful = false;

	for (nfds_t i = 0; i < n; i++, p++) {
		useful = useful || (p->revents & p->events);
		if (try_again(*at, p->fd < 0 ? 0 : p->revents, now))
			remove_waiting(at);
		else
			at = &(*at)->next;
	}
	return useful;
}

static void loop(void)
{
	static struct pollfd p[1 + MAX_WAITING];
	int64_t heard = now_ms(), now;

	while (exit_status < 0) {
		nfds_t n = 1;
		int ready;

		p[0] = (struct pollfd){ .fd = line, .events = POLLIN };
		for (struct request *r = waiting; r; r = r->next, n++)
			p[n] = (struct pollfd){ .fd = is_behind(r) ? -1 : r->a[0],
						.events = events_of(r) };
		ready = poll(p, n, patience(heard, now_ms()));
		if (ready < 0 && errno != EINTR)
			exit(1);
		now = now_ms();
		if (!serve_waiting(p + 1, n - 1, now) && ready > 0 && !p[0].revents)
			usleep(1000); /* an error that nobody asks for stays: poll() would return at once for ever */
		if (p[0].revents) {
			heard = now;
			hear();
		} else if ((junk || in_len) && now >= heard + (junk ? JUNK_MS : PARTIAL_MS)) {
			silence();
		}
	}
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/ttyS1";
	struct termios raw;

	if (argc > 2) {
		fprintf(stderr, "usage: agent [LINE]\n");
		return 2;
	}
	line = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (line < 0) {
		fprintf(stderr, "agent: %s: %s\n", path, strerror(errno));
		return 2;
	}
	if (tcgetattr(line, &raw) == 0) {
		cfmakeraw(&raw);
		cfsetspeed(&raw, B115200);
		tcsetattr(line, TCSANOW, &raw);
	}
	signal(SIGPIPE, SIG_IGN);
	printf("agent: ready on %s\n", path);
	fflush(stdout);
	loop();
	return exit_status;
}
