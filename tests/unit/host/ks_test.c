// SPDX-License-Identifier: MIT
/*
 * libdoorbell from outside: life, determinism, what blocks and what wakes. The peer is a handful of packets built here; the
 * clock is a number. Protocol behaviour is tests/conformance's.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kernel/mm.h>

#include "ks.h"
#include "ktest.h"

#define US   "192.168.0.1"
#define PEER "192.168.0.2"
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { OUR_PORT = 80, PEER_PORT = 5000, PEER_ISN = 1000 };

/* A datagram as it left: the fields tests ask for. */
struct sent {
	uint8_t proto, flags;
	uint32_t seq, ack;
	size_t len, payload;
};
static struct {
	uint64_t now_us;
	uint64_t rnd;
	uint64_t digest; /* FNV-1a over everything sent, with its time */
	unsigned sent, wakes, waits;
	struct sent last;
	int (*on_wait)(void *chan, uint64_t deadline_us);
} host;

static void digest(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n--)
		host.digest = (host.digest ^ *b++) * 0x100000001b3ULL;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void host_tx(const void *ip, size_t len)
{
	const uint8_t *p = ip;

	digest(&host.now_us, sizeof(host.now_us));
	digest(ip, len);
	host.sent++;
	host.last = (struct sent){ .proto = p[9], .len = len };
	if (p[9] == IPPROTO_TCP) {
		host.last.seq = get32(p + 24);
		host.last.ack = get32(p + 28);
		host.last.flags = p[33];
		host.last.payload = len - 20 - (size_t)(p[32] >> 4) * 4;
	}
}

static uint64_t host_now(void)
{
	return host.now_us;
}

static int host_wait(void *chan, uint64_t deadline_us)
{
	host.waits++;
	return host.on_wait(chan, deadline_us);
}

static void host_wake(void *chan)
{
	(void)chan;
	host.wakes++;
}

static void host_rnd(void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n--) {
		host.rnd = host.rnd * 6364136223846793005ULL + 1442695040888963407ULL;
		*p++ = (uint8_t)(host.rnd >> 56);
	}
}

static const struct ks_host hooks = { host_tx, host_now, host_wait, host_wake, host_rnd };

static struct ks_cfg config(void)
{
	return (struct ks_cfg){ .ip = inet_addr(US),
				.mask = inet_addr("255.255.0.0"),
				.gw = inet_addr(PEER),
				.mtu = 1500,
				.flags = "verbose,unknown" };
}

static void up(uint64_t seed)
{
	struct ks_cfg c = config();

	memset(&host, 0, sizeof(host));
	host.rnd = seed;
	host.digest = 0xcbf29ce484222325ULL;
	CHECK_EQ(ks_start(&hooks, &c), 0);
}

/* Time passes; every timer runs at its own time. */
static void pass(uint64_t us)
{
	uint64_t end = host.now_us + us, next;

	while ((next = ks_next_us()) <= end) {
		host.now_us = next > host.now_us ? next : host.now_us;
		ks_run();
	}
	host.now_us = end;
}

/* --- The peer ---------------------------------------------------------------------------------------------------------- */
static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	return ~(s + (s >> 16)) & 0xffff;
}

/* The peer sends a TCP segment with @n bytes of 'x'. */
static void segment(uint8_t flags, uint32_t seq, uint32_t ack, size_t n)
{
	uint8_t p[1500] = { 0x45 };

	put16(p + 2, (uint32_t)(40 + n));
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	put32(p + 12, ntohl(inet_addr(PEER)));
	put32(p + 16, ntohl(inet_addr(US)));
	put16(p + 10, fold(sum(p, 20, 0)));
	put16(p + 20, PEER_PORT);
	put16(p + 22, OUR_PORT);
	put32(p + 24, seq);
	put32(p + 28, ack);
	p[32] = 0x50;
	p[33] = flags;
	put16(p + 34, 65535);
	memset(p + 40, 'x', n);
	put16(p + 36, fold(sum(p + 12, 28 + n, (uint32_t)(IPPROTO_TCP + 20 + n))));
	ks_rx(p, 40 + n);
}

static int listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(OUR_PORT) };
	int s = ks_socket(AF_INET, SOCK_STREAM, 0), on = 1;

	CHECK(s >= 3);
	CHECK_EQ(ks_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	CHECK_EQ(ks_bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(ks_listen(s, 8), 0);
	return s;
}

/* A connection that the peer opened; the listener is closed again. *una: the number of our first byte. */
static int accepted(uint32_t *una)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	int l = listener(), s;

	CHECK_EQ(ks_accept(l, NULL, NULL), -EAGAIN);
	segment(SYN, PEER_ISN, 0, 0);
	CHECK_EQ(host.last.flags, SYN | ACK);
	*una = host.last.seq + 1;
	segment(ACK, PEER_ISN + 1, *una, 0);
	s = ks_accept(l, (struct sockaddr *)&a, &n);
	CHECK(s >= 0);
	CHECK_EQ(ntohs(a.sin_port), PEER_PORT);
	CHECK_EQ(a.sin_addr.s_addr, inet_addr(PEER));
	CHECK_EQ(ks_close(l), 0);
	return s;
}

static ssize_t give(int s, const char *text)
{
	struct iovec v = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return ks_sendmsg(s, &m, 0);
}

static ssize_t take(int s, char *buf, size_t n, int flags)
{
	struct iovec v = { buf, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return ks_recvmsg(s, &m, flags);
}

static void linger(int s, int seconds)
{
	struct linger l = { 1, seconds };

	CHECK_EQ(ks_setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
}

/* --- Life ---------------------------------------------------------------------------------------------------------------- */
TEST(refuses_wrong_arguments)
{
	struct ks_cfg c = config();
	struct ks_host h = hooks;

	memset(&host, 0, sizeof(host));
	h.wake = NULL;
	CHECK_EQ(ks_start(&h, &c), -EINVAL);
	CHECK_EQ(ks_start(NULL, &c), -EINVAL);
	CHECK_EQ(ks_start(&hooks, NULL), -EINVAL);
	c.mask = inet_addr("255.0.255.0");
	CHECK_EQ(ks_start(&hooks, &c), -EINVAL);
	c = config();
	c.mtu = 67;
	CHECK_EQ(ks_start(&hooks, &c), -EINVAL);
	c.mtu = 65536;
	CHECK_EQ(ks_start(&hooks, &c), -EINVAL);
	c = config();
	c.gw = inet_addr("10.1.2.3");
	CHECK_EQ(ks_start(&hooks, &c), -ENETUNREACH);
	c.gw = 0;
	CHECK_EQ(ks_start(&hooks, &c), 0);
	CHECK_EQ(ks_start(&hooks, &c), -EALREADY);
	ks_stop();
}

TEST(nothing_runs_before_start_and_after_stop)
{
	CHECK_EQ(ks_next_us(), KS_NEVER);
	CHECK_EQ(ks_socket(AF_INET, SOCK_STREAM, 0), -ENODEV);
	CHECK_EQ(ks_tune("tcp_syn_retries", "2"), -ENODEV);
	CHECK_EQ(ks_poll(3), POLLNVAL);
	CHECK_EQ(ks_poll_gen(3), 0);
	CHECK_EQ(ks_close(3), -EBADF);
	ks_rx("E", 1);
	ks_run();
	ks_stop();
}

TEST(an_idle_stack_has_no_timer)
{
	up(1);
	CHECK_EQ(ks_next_us(), KS_NEVER);
	CHECK_EQ(ks_close(ks_socket(AF_INET, SOCK_DGRAM, 0)), 0);
	CHECK_EQ(ks_next_us(), KS_NEVER);
	CHECK_EQ(host.sent, 0);
	ks_stop();
}

/* Stopped in the middle of everything: a listener with a half-open request, a connection with data both ways. */
static void busy(void)
{
	uint32_t una;
	int s = accepted(&una);

	CHECK(give(s, "hello") == 5);
	segment(ACK | PSH, PEER_ISN + 1, una, 100);
	segment(ACK | PSH, PEER_ISN + 201, una, 100);
	linger(s, 30);
	CHECK_EQ(ks_close(listener()), 0);
	CHECK_EQ(ks_close(ks_socket(AF_INET, SOCK_DGRAM, 0)), 0);
	CHECK(ks_next_us() != KS_NEVER);
}

TEST(restarts_a_thousand_times_from_nothing)
{
	uint64_t first = 0;
	unsigned differing = 0;

	for (unsigned i = 0; i < 1000; i++) {
		unsigned before;

		up(7);
		busy();
		before = host.sent;
		ks_stop();
		CHECK_EQ(host.sent, before); /* not a word to the peer */
		if (!i)
			first = host.digest;
		differing += host.digest != first;
	}
	CHECK_EQ(differing, 0);
}

TEST(starts_at_any_time_also_an_earlier_one)
{
	uint32_t una;

	for (int i = 0; i < 2; i++) {
		up(1);
		host.now_us = i ? 5 : 3600000000ULL;
		CHECK(accepted(&una) >= 0);
		pass(1000000);
		ks_stop();
	}
}

TEST(asking_for_the_next_timer_runs_none)
{
	uint64_t due;
	uint32_t una;
	int s;

	up(1);
	s = accepted(&una);
	CHECK_EQ(give(s, "hello"), 5);
	due = ks_next_us();
	host.now_us = due + 1000000;
	host.sent = 0;
	CHECK_EQ(ks_next_us(), due);
	CHECK_EQ(host.sent, 0);
	ks_run();
	CHECK_EQ(host.sent, 1);
	ks_stop();
}

TEST(what_was_due_happens_before_a_call)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = inet_addr(PEER) };
	int s;

	up(1);
	CHECK_EQ(ks_tune("tcp_syn_retries", "1"), 0);
	s = ks_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(ks_connect(s, (struct sockaddr *)&a, sizeof(a)), -EINPROGRESS);
	host.now_us = 1000000;
	CHECK_EQ(ks_poll(s), 0);
	host.now_us =
		3000000; /* nobody called ks_run() in between: the SYN's last timeout is over all the same */
	CHECK_EQ(ks_poll(s), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	ks_stop();
}

TEST(a_clock_that_goes_back_stands_still)
{
	uint32_t una;
	int s;

	up(1);
	host.now_us = 5000000;
	s = accepted(&una);
	CHECK_EQ(give(s, "hello"), 5);
	host.now_us = 1000000;
	ks_run();
	CHECK(ks_next_us() >= 5200000 && ks_next_us() <= 5201000); /* not set anew, not passed */
	ks_stop();
}

/* Runs @fn in a process of its own; what it writes to the descriptor comes back in @answer. Return: wait status. */
static int run_apart(void (*fn)(int fd), void *answer, size_t room)
{
	int fd[2], status = -1;
	ssize_t n;
	pid_t pid;

	CHECK_EQ(pipe(fd), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	while (room && (n = read(fd[0], answer, room)) > 0) {
		answer = (char *)answer + n;
		room -= (size_t)n;
	}
	close(fd[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void some_traffic(uint64_t seed)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = inet_addr(PEER) };
	int s;

	up(seed);
	busy();
	s = ks_socket(AF_INET, SOCK_STREAM, 0); /* an ephemeral port, an ISN, retransmissions */
	CHECK_EQ(ks_connect(s, (struct sockaddr *)&a, sizeof(a)), -EINPROGRESS);
	pass(10000000);
	CHECK(host.sent > 8);
	ks_stop();
}

static void traffic_child(int fd)
{
	some_traffic(42);
	if (write(fd, &host.digest, sizeof(host.digest)) < 0)
		_exit(1);
}

TEST(same_clock_and_randomness_give_the_same_bytes)
{
	uint64_t mine, child = 0;

	some_traffic(42);
	mine = host.digest;
	some_traffic(42);
	CHECK_EQ(host.digest, mine);
	CHECK_EQ(run_apart(traffic_child, &child, sizeof(child)), 0);
	CHECK_EQ(child, mine);
	some_traffic(43);
	CHECK(host.digest != mine);
}

static void leaking_child(int fd)
{
	dup2(fd, STDERR_FILENO);
	up(1);
	if (!kmalloc(10))
		_exit(1);
	ks_stop();
}

TEST(a_leak_is_told_and_ends_the_process)
{
	char text[4096] = { 0 };
	int status = run_apart(leaking_child, text, sizeof(text) - 1);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "ks_test.c") && strstr(text, "leak at ks_stop(): 1 objects"));
}

TEST(settings_are_known_by_name)
{
	up(1);
	CHECK_EQ(ks_tune("tcp_syn_retries", "2"), 0);
	CHECK_EQ(ks_tune("tcp_rmem", "4096 131072 6291456"), 0);
	CHECK_EQ(ks_tune("tcp_no_such_thing", "1"), -ENOENT);
	CHECK_EQ(ks_tune("syn_retries", "1"), -ENOENT);
	CHECK_EQ(ks_tune("tcp_syn_retries", "many"), -EINVAL);
	CHECK_EQ(ks_tune("tcp_syn_retries", "1000"), -ERANGE);
	CHECK_EQ(ks_tune(NULL, "1"), -EINVAL);
	ks_stop();
}

/* --- Descriptors ------------------------------------------------------------------------------------------------------- */
TEST(wrong_descriptors_are_refused)
{
	int on = 1;

	up(1);
	CHECK_EQ(ks_listen(0, 1), -ENOTSOCK); /* as in any process, 0 to 2 are something else */
	CHECK_EQ(ks_close(2), -EBADF);
	CHECK_EQ(ks_listen(99, 1), -EBADF);
	CHECK_EQ(ks_listen(-1, 1), -EBADF);
	CHECK_EQ(ks_ioctl(99, FIONBIO, &on), -EBADF);
	CHECK_EQ(ks_ioctl(99, FIONREAD, &on), -EBADF);
	CHECK_EQ(ks_socket(AF_INET6, SOCK_STREAM, 0), -EAFNOSUPPORT);
	CHECK_EQ(ks_socket(AF_INET, SOCK_RAW, 0), -EPROTONOSUPPORT);
	ks_stop();
}

TEST(nothing_blocks)
{
	int off = 0, s, n = -1;
	uint32_t una;
	char buf[10];

	up(1);
	s = accepted(&una);
	CHECK_EQ(ks_ioctl(s, FIONBIO, &off), 0);
	CHECK_EQ(take(s, buf, sizeof(buf), 0), -EAGAIN);
	segment(ACK | PSH, PEER_ISN + 1, una, 4);
	CHECK_EQ(ks_ioctl(s, FIONREAD, &n), 0);
	CHECK_EQ(n, 4);
	CHECK_EQ(take(s, buf, sizeof(buf), MSG_WAITALL), 4); /* what there is */
	CHECK_EQ(take(s, buf, sizeof(buf), MSG_WAITALL), -EAGAIN);
	CHECK_EQ(host.waits, 0);
	ks_stop();
}

TEST(header_of_a_message_goes_in_and_out)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(OUR_PORT) }, from;
	char one[3], two[4];
	struct iovec v[2] = { { one, sizeof(one) }, { two, sizeof(two) } };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = v,
			    .msg_iovlen = 2,
			    .msg_flags = -1 };
	uint8_t p[38] = { 0x45 };
	int s;

	up(1);
	s = ks_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(ks_bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	put16(p + 2, sizeof(p));
	p[8] = 64;
	p[9] = IPPROTO_UDP;
	put32(p + 12, ntohl(inet_addr(PEER)));
	put32(p + 16, ntohl(inet_addr(US)));
	put16(p + 10, fold(sum(p, 20, 0)));
	put16(p + 20, PEER_PORT);
	put16(p + 22, OUR_PORT);
	put16(p + 24, 18);
	memcpy(p + 28, "0123456789", 10);
	ks_rx(p, sizeof(p));
	CHECK_EQ(ks_recvmsg(s, &m, 0), 7);
	CHECK_EQ(m.msg_flags, MSG_TRUNC);
	CHECK_EQ(m.msg_namelen, sizeof(from));
	CHECK_EQ(ntohs(from.sin_port), PEER_PORT);
	CHECK_EQ(memcmp(one, "012", 3) | memcmp(two, "3456", 4), 0);
	m.msg_name = &from;
	v[1].iov_len = 0;
	CHECK_EQ(ks_sendmsg(s, &m, 0), 3);
	CHECK_EQ(host.last.proto, IPPROTO_UDP);
	CHECK_EQ(host.last.len, 31);
	ks_stop();
}

TEST(a_server_listens_again_while_its_connections_live)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(OUR_PORT) };
	int on = 1, s;
	uint32_t una;

	up(1);
	CHECK(accepted(&una) >= 0);
	CHECK(listener() >= 0);
	s = ks_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(ks_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	CHECK_EQ(ks_bind(s, (struct sockaddr *)&a, sizeof(a)), -EADDRINUSE); /* one is enough */
	ks_stop();
}

/* --- Readiness --------------------------------------------------------------------------------------------------------- */
TEST(each_event_wakes_and_is_counted)
{
	uint64_t gen;
	unsigned wakes;
	uint32_t una;
	int l, s;

	up(1);
	l = listener();
	CHECK_EQ(ks_poll(l), 0);
	gen = ks_poll_gen(l);
	CHECK(gen > 0);
	segment(SYN, PEER_ISN, 0, 0);
	CHECK_EQ(ks_poll_gen(l), gen);
	una = host.last.seq + 1;
	wakes = host.wakes;
	segment(ACK, PEER_ISN + 1, una, 0);
	CHECK(ks_poll_gen(l) > gen && host.wakes > wakes);
	CHECK_EQ(ks_poll(l), POLLIN);
	s = ks_accept(l, NULL, NULL);
	CHECK_EQ(ks_poll(s), POLLOUT);

	gen = ks_poll_gen(s);
	segment(ACK | PSH, PEER_ISN + 1, una, 10);
	CHECK_EQ(ks_poll(s), POLLIN | POLLOUT);
	CHECK(ks_poll_gen(s) > gen);
	gen = ks_poll_gen(s);
	segment(ACK | PSH, PEER_ISN + 11, una, 10); /* an edge although it was readable before */
	CHECK(ks_poll_gen(s) > gen);
	gen = ks_poll_gen(s);
	CHECK_EQ(ks_poll_gen(s), gen); /* asking is no event */
	segment(ACK | FIN, PEER_ISN + 21, una, 0);
	CHECK(ks_poll_gen(s) > gen);
	CHECK_EQ(ks_poll(s), POLLIN | POLLOUT | POLLRDHUP);

	wakes = host.wakes;
	segment(RST, PEER_ISN + 22, 0, 0);
	CHECK(host.wakes > wakes);
	CHECK_EQ(ks_poll(s), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_EQ(ks_close(s), 0);
	CHECK_EQ(ks_poll(s), POLLNVAL);
	CHECK_EQ(ks_poll_gen(s), 0);
	ks_stop();
}

TEST(room_for_a_writer_wakes)
{
	char block[5000];
	struct iovec v = { block, sizeof(block) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	uint32_t una, total = 0;
	uint64_t gen;
	ssize_t n;
	int s;

	up(1);
	memset(block, 'y', sizeof(block));
	s = accepted(&una);
	while ((n = ks_sendmsg(s, &m, 0)) > 0)
		total += (uint32_t)n;
	CHECK_EQ(n, -EAGAIN);
	CHECK_EQ(ks_poll(s), 0);
	gen = ks_poll_gen(s);
	for (uint32_t acked = 0; acked < total && !ks_poll(s);) {
		acked = host.last.seq + (uint32_t)host.last.payload - una;
		segment(ACK, PEER_ISN + 1, una + acked, 0);
	}
	CHECK_EQ(ks_poll(s), POLLOUT);
	CHECK(ks_poll_gen(s) > gen);
	ks_stop();
}

/* --- Closing that lingers ----------------------------------------------------------------------------------------------- */
static struct {
	uint32_t una;
	uint64_t began_us, deadline_us;
} close_case;

static int wait_out(void *chan, uint64_t deadline_us)
{
	CHECK(chan != NULL);
	close_case.deadline_us = deadline_us;
	pass(deadline_us - host.now_us);
	return -ETIMEDOUT;
}

TEST(a_lingering_close_waits_until_its_time_is_over)
{
	int s;

	up(1);
	host.on_wait = wait_out;
	s = accepted(&close_case.una);
	CHECK_EQ(give(s, "hello"), 5);
	linger(s, 3);
	host.now_us += 250;
	close_case.began_us = host.now_us;
	CHECK_EQ(ks_close(s), 0);
	CHECK_EQ(host.waits, 1);
	CHECK_EQ(close_case.deadline_us, close_case.began_us + 3000000);
	CHECK(host.sent > 4); /* meanwhile it was sent again */
	CHECK_EQ(ks_close(s), -EBADF);
	ks_stop();
}

static int acked_meanwhile(void *chan, uint64_t deadline_us)
{
	unsigned wakes = host.wakes;

	(void)chan;
	(void)deadline_us;
	host.now_us += 1000;
	segment(ACK, PEER_ISN + 1, close_case.una + 6, 0);
	CHECK(host.wakes > wakes);
	return 0;
}

TEST(the_acknowledgment_ends_a_lingering_close)
{
	int s;

	up(1);
	host.on_wait = acked_meanwhile;
	s = accepted(&close_case.una);
	CHECK_EQ(give(s, "hello"), 5);
	linger(s, 30);
	CHECK_EQ(ks_close(s), 0);
	CHECK_EQ(host.last.flags & FIN, FIN);
	CHECK_EQ(host.waits, 1);
	ks_stop();
}

TEST(close_without_linger_and_with_nothing_owed_does_not_wait)
{
	int s;

	up(1);
	s = accepted(&close_case.una);
	CHECK_EQ(give(s, "hello"), 5);
	CHECK_EQ(ks_close(s), 0);
	s = ks_socket(AF_INET, SOCK_STREAM, 0);
	linger(s, 30);
	CHECK_EQ(ks_close(s), 0);
	s = ks_socket(AF_INET, SOCK_DGRAM, 0);
	linger(s, 30);
	CHECK_EQ(ks_close(s), 0);
	CHECK_EQ(host.waits, 0);
	ks_stop();
}

static int spurious(void *chan, uint64_t deadline_us)
{
	return host.waits < 5 ? 0 : wait_out(chan, deadline_us);
}

TEST(a_spurious_wake_up_changes_nothing)
{
	int s;

	up(1);
	host.on_wait = spurious;
	s = accepted(&close_case.una);
	CHECK_EQ(give(s, "hello"), 5);
	linger(s, 2);
	close_case.began_us = host.now_us;
	CHECK_EQ(ks_close(s), 0);
	CHECK_EQ(host.waits, 5);
	CHECK_EQ(host.now_us, close_case.began_us + 2000000);
	ks_stop();
}

static int stop_meanwhile(void *chan, uint64_t deadline_us)
{
	(void)chan;
	(void)deadline_us;
	ks_stop();
	return 0;
}

TEST(stopping_ends_a_lingering_close)
{
	int s;

	up(1);
	host.on_wait = stop_meanwhile;
	s = accepted(&close_case.una);
	CHECK_EQ(give(s, "hello"), 5);
	linger(s, 30);
	CHECK_EQ(ks_close(s), 0);
	CHECK_EQ(ks_next_us(), KS_NEVER);
}

/* Real threads: one closes and sleeps, the other one brings the packet that wakes it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER, asleep = PTHREAD_COND_INITIALIZER;

static int sleep_in_wait(void *chan, uint64_t deadline_us)
{
	unsigned wakes = host.wakes;

	(void)chan;
	(void)deadline_us;
	pthread_cond_signal(&asleep);
	while (host.wakes == wakes)
		pthread_cond_wait(&woken, &lock);
	return 0;
}

static void *closing_thread(void *arg)
{
	pthread_mutex_lock(&lock);
	CHECK_EQ(ks_close(*(int *)arg), 0);
	pthread_mutex_unlock(&lock);
	return NULL;
}

TEST(another_thread_wakes_a_lingering_close)
{
	pthread_t t;
	int s, other;

	up(1);
	host.on_wait = sleep_in_wait;
	s = accepted(&close_case.una);
	CHECK_EQ(give(s, "hello"), 5);
	linger(s, 30);
	pthread_mutex_lock(&lock);
	CHECK_EQ(pthread_create(&t, NULL, closing_thread, &s), 0);
	while (!host.waits)
		pthread_cond_wait(&asleep, &lock);
	other = ks_socket(AF_INET, SOCK_STREAM, 0); /* the stack serves others meanwhile */
	CHECK_EQ(ks_close(other), 0);
	segment(ACK, PEER_ISN + 1, close_case.una + 6, 0);
	pthread_cond_signal(&woken);
	pthread_mutex_unlock(&lock);
	pthread_join(t, NULL);
	CHECK_EQ(host.waits, 1);
	ks_stop();
}

KTEST_MAIN()
