// SPDX-License-Identifier: MIT
/*
 * epoll as an application calls it, over loopback sockets: every wrong argument with Linux's error number, levels and edges, one shot,
 * what leaves when a file is closed, bounds, memory that runs out, files without a queue, an epoll file that is polled itself.
 */
#include "loopback.h"

static struct epoll_event out[16];

static void close_all(void)
{
	close_below(NR_FILES);
}

static int epoll(void)
{
	return (int)SYS(epoll_create1, 0);
}

static long ctl(int ep, int op, int fd, u32 events)
{
	struct epoll_event ev = { .events = events, .data = (u64)fd << 32 | 7 };

	return SYS(epoll_ctl, ep, op, fd, P(&ev));
}

static void add(int ep, int fd, u32 events)
{
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, events), 0);
}

/* What is there now. */
static long now(int ep)
{
	return SYS(epoll_wait, ep, P(out), ARRAY_SIZE(out), 0);
}

static void put(int fd)
{
	CHECK_EQ(SYS(write, fd, P("x"), 1), 1);
	settle();
}

static void get(int fd)
{
	char c;

	CHECK_EQ(SYS(read, fd, P(&c), 1), 1);
}

/* --- Wrong arguments ------------------------------------------------------------------------------------------------------ */
enum { EP, OTHER_EP, SOCK, IN_IT, REGULAR, CLOSED, NONE };

static const struct ctl_row {
	const char *name;
	int ep, op, fd;
	u32 events;
	bool no_event; /* NULL */
	long ret;
} ctls[] = {
	{ "add", EP, EPOLL_CTL_ADD, SOCK, EPOLLIN, false, 0 },
	{ "add_twice", EP, EPOLL_CTL_ADD, IN_IT, EPOLLIN, false, -EEXIST },
	{ "mod", EP, EPOLL_CTL_MOD, IN_IT, EPOLLOUT, false, 0 },
	{ "mod_nothing", EP, EPOLL_CTL_MOD, SOCK, EPOLLOUT, false, -ENOENT },
	{ "del", EP, EPOLL_CTL_DEL, IN_IT, 0, false, 0 },
	{ "del_without_event", EP, EPOLL_CTL_DEL, IN_IT, 0, true, 0 },
	{ "del_nothing", EP, EPOLL_CTL_DEL, SOCK, 0, true, -ENOENT },
	{ "add_without_event", EP, EPOLL_CTL_ADD, SOCK, 0, true, -EFAULT },
	{ "unknown_op", EP, 4, SOCK, EPOLLIN, false, -EINVAL },
	{ "op_0", EP, 0, SOCK, EPOLLIN, false, -EINVAL },
	{ "itself", EP, EPOLL_CTL_ADD, EP, EPOLLIN, false, -EINVAL },
	{ "another_epoll", EP, EPOLL_CTL_ADD, OTHER_EP, EPOLLIN, false, -ELOOP },
	{ "delete_another_epoll", EP, EPOLL_CTL_DEL, OTHER_EP, EPOLLIN, false, -ENOENT },
	{ "not_an_epoll", SOCK, EPOLL_CTL_ADD, IN_IT, EPOLLIN, false, -EINVAL },
	{ "a_page", EP, EPOLL_CTL_ADD, REGULAR, EPOLLIN, false, -EPERM },
	{ "closed", EP, EPOLL_CTL_ADD, CLOSED, EPOLLIN, false, -EBADF },
	{ "closed_epoll", CLOSED, EPOLL_CTL_ADD, SOCK, EPOLLIN, false, -EBADF },
	{ "minus_one", EP, EPOLL_CTL_ADD, NONE, EPOLLIN, false, -EBADF },
	{ "exclusive", EP, EPOLL_CTL_ADD, SOCK, EPOLLIN | EPOLLEXCLUSIVE, false, 0 },
	{ "exclusive_edges", EP, EPOLL_CTL_ADD, SOCK, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE,
	  false, 0 },
	{ "exclusive_one_shot", EP, EPOLL_CTL_ADD, SOCK, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE,
	  false, -EINVAL },
	{ "exclusive_rdhup", EP, EPOLL_CTL_ADD, SOCK, EPOLLRDHUP | EPOLLEXCLUSIVE, false, -EINVAL },
	{ "exclusive_epoll", EP, EPOLL_CTL_ADD, OTHER_EP, EPOLLIN | EPOLLEXCLUSIVE, false,
	  -EINVAL },
	{ "exclusive_mod", EP, EPOLL_CTL_MOD, IN_IT, EPOLLIN | EPOLLEXCLUSIVE, false, -EINVAL },
	{ "any_bits", EP, EPOLL_CTL_ADD, SOCK, 0x0fffffff & ~EPOLLEXCLUSIVE, false, 0 },
};

TEST_EACH(ctl, ctls)
{
	struct epoll_event ev = { .events = row->events };
	int fd[7];

	up();
	fd[EP] = epoll();
	fd[OTHER_EP] = epoll();
	fd[SOCK] = udp();
	fd[IN_IT] = udp();
	fd[REGULAR] = (int)SYS(open, P("/proc/allocinfo"), O_RDONLY, 0);
	fd[CLOSED] = 39;
	fd[NONE] = -1;
	add(fd[EP], fd[IN_IT], EPOLLIN);
	CHECK_EQ(SYS(epoll_ctl, (u64)fd[row->ep], row->op, (u64)fd[row->fd],
		     row->no_event ? 0 : P(&ev)),
		 row->ret);
	close_all();
}

static const struct wait_row {
	const char *name;
	bool epoll, nowhere;
	int most;
	long ret;
} waits[] = {
	{ "one", true, false, 1, 1 },
	{ "none", true, false, 0, -EINVAL },
	{ "fewer", true, false, -1, -EINVAL },
	{ "too_many", true, false, INT32_MAX / 12 + 1, -EINVAL },
	{ "nowhere", true, true, 1, -EFAULT },
	{ "no_epoll", false, false, 1, -EINVAL },
};

TEST_EACH(wait, waits)
{
	int ep, fd;

	up();
	ep = epoll();
	fd = udp();
	add(ep, fd, EPOLLOUT);
	CHECK_EQ(SYS(epoll_wait, row->epoll ? ep : fd, row->nowhere ? 8 : P(out),
		     (u64)(s64)row->most, 0),
		 row->ret);
	if (row->nowhere) /* nothing is lost */
		CHECK_EQ(now(ep), 1);
	CHECK_EQ(SYS(epoll_wait, 39, P(out), 1, 0), -EBADF);
	close_all();
}

TEST(create)
{
	int ep;

	up();
	CHECK_EQ(SYS(epoll_create, 0), -EINVAL);
	CHECK_EQ(SYS(epoll_create, (u64)-1), -EINVAL);
	CHECK_EQ(SYS(epoll_create1, 1), -EINVAL);
	ep = (int)SYS(epoll_create, 1);
	CHECK(ep >= 3);
	CHECK_EQ(SYS(fcntl, ep, F_GETFD, 0), 0);
	ep = (int)SYS(epoll_create1, O_CLOEXEC);
	CHECK_EQ(SYS(fcntl, ep, F_GETFD, 0), FD_CLOEXEC);
	CHECK_EQ(SYS(read, ep, P(out), 1), -EINVAL);
	for (u64 at = 1; at <= 2; at++) { /* the state, the file */
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		CHECK_EQ(SYS(epoll_create1, 0), -ENOMEM);
		faults_armed = false;
	}
	while ((ep = epoll()) > 0)
		;
	CHECK_EQ(ep, -EMFILE);
	close_all();
}

/* --- Levels and edges -------------------------------------------------------------------------------------------------------- */

TEST(a_level_is_told_while_it_holds)
{
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6001, &s);
	add(ep, s, EPOLLIN);
	CHECK_EQ(now(ep), 0);
	put(c);
	put(c);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(out[0].events, EPOLLIN);
	CHECK_EQ(out[0].data, (u64)s << 32 | 7);
	get(s);
	CHECK_EQ(now(ep), 1); /* one byte is left */
	get(s);
	CHECK_EQ(now(ep), 0);
	close_all();
}

TEST(an_edge_is_told_once)
{
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6002, &s);
	add(ep, s, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(out[0].events, EPOLLOUT);
	CHECK_EQ(now(ep), 0);
	put(c);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(out[0].events, EPOLLIN | EPOLLOUT);
	CHECK_EQ(now(ep), 0); /* though the byte was not read */
	put(c);
	CHECK_EQ(now(ep), 1); /* more came */
	CHECK_EQ(SYS(shutdown, c, SHUT_WR), 0);
	settle();
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(out[0].events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	CHECK_EQ(now(ep), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, s, EPOLLIN | EPOLLET), 0); /* asks anew */
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(now(ep), 0);
	close_all();
}

/* Who waits for room is not told of text. */
TEST(an_edge_of_another_kind_is_none)
{
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6003, &s);
	add(ep, s, EPOLLOUT | EPOLLET);
	CHECK_EQ(now(ep), 1);
	put(c);
	CHECK_EQ(now(ep), 0);
	close_all();
}

/* A writer that filled the buffer hears when there is room again, and not before. */
TEST(an_edge_of_room)
{
	static char buffer[100000];
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6004, &s);
	add(ep, c, EPOLLOUT | EPOLLET);
	CHECK_EQ(now(ep), 1);
	for (u32 i = 0; SYS(sendto, c, P(buffer), sizeof(buffer), MSG_DONTWAIT, 0, 0) > 0; i++)
		settle();
	(void)now(ep);
	settle();
	CHECK_EQ(now(ep), 0);
	while (SYS(read, s, P(buffer), sizeof(buffer)) > 0)
		settle();
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(out[0].events, EPOLLOUT);
	close_all();
}

TEST(one_shot)
{
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6005, &s);
	add(ep, s, EPOLLIN | EPOLLONESHOT);
	put(c);
	CHECK_EQ(now(ep), 1);
	put(c);
	CHECK_EQ(now(ep), 0); /* silent, and for errors too */
	CHECK_EQ(SYS(close, c), 0);
	settle();
	CHECK_EQ(now(ep), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, s, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(now(ep), 0);
	close_all();
}

/* Errors and hang-ups are told unasked. */
TEST(hang_up_unasked)
{
	struct linger l = { 1, 0 };
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6006, &s);
	add(ep, s, 0);
	put(c);
	CHECK_EQ(now(ep), 0);
	CHECK_EQ(SYS(setsockopt, c, SOL_SOCKET, SO_LINGER, P(&l), sizeof(l)), 0);
	CHECK_EQ(SYS(close, c), 0);
	settle();
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(out[0].events, EPOLLERR | EPOLLHUP);
	close_all();
}

/* A listener, and a handshake. */
TEST(connections)
{
	struct sockaddr_in a = loopback(6007);
	int ep, l, c;

	up();
	ep = epoll();
	l = tcp_listener(6007);
	c = tcp();
	add(ep, l, EPOLLIN | EPOLLET);
	add(ep, c, EPOLLOUT | EPOLLET);
	CHECK_EQ(now(ep), 1); /* not connected: HUP */
	CHECK_EQ(out[0].events, EPOLLOUT | EPOLLHUP);
	CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	settle();
	CHECK_EQ(now(ep), 2);
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(out[i].events, out[i].data >> 32 == (u64)l ? EPOLLIN : EPOLLOUT);
	close_all();
}

/* --- Many, closing, bounds ------------------------------------------------------------------------------------------------------ */

/* Three are ready and there is room for two: each has its turn. */
TEST(each_has_its_turn)
{
	u32 told[40] = { 0 };
	int ep, fd[3];

	up();
	ep = epoll();
	for (u32 i = 0; i < 3; i++) {
		fd[i] = udp();
		add(ep, fd[i], EPOLLOUT);
	}
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(SYS(epoll_wait, ep, P(out), 2, 0), 2);
		told[out[0].data >> 32]++;
		told[out[1].data >> 32]++;
	}
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(told[fd[i]], 2);
	close_all();
}

/* The last reference takes the watch along; as long as there is another, it stays, under the number that it was entered by. */
TEST(closing_ends_the_watch)
{
	int ep, fd, two;

	up();
	ep = epoll();
	fd = udp();
	add(ep, fd, EPOLLOUT);
	two = (int)SYS(dup, fd);
	add(ep, two, EPOLLOUT); /* another watch */
	CHECK_EQ(now(ep), 2);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(now(ep), 2);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), -EBADF);
	CHECK_EQ(SYS(close, two), 0);
	CHECK_EQ(now(ep), 0);
	fd = udp(); /* the number is another's now */
	add(ep, fd, EPOLLOUT);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(SYS(close, ep), 0); /* with a watch in it, on its list */
	close_all();
}

TEST(two_epolls_on_one_file)
{
	int a, b, c, s;

	up();
	a = epoll();
	b = epoll();
	c = tcp_pair(6008, &s);
	add(a, s, EPOLLIN);
	add(b, s, EPOLLIN | EPOLLET);
	put(c);
	CHECK_EQ(now(a), 1);
	CHECK_EQ(now(b), 1);
	CHECK_EQ(now(b), 0);
	CHECK_EQ(SYS(close, s), 0);
	CHECK_EQ(now(a), 0);
	close_all();
}

TEST(bounds)
{
	int ep, fd;
	long n = 0, err = 0;

	up();
	ep = epoll();
	fd = udp();
	/* A file under many numbers, each closed again: the watches stay. */
	for (; !err; n++) {
		int two = (int)SYS(fcntl, fd, F_DUPFD, 10 + n % 1000);

		if (n && n % 1000 == 0) { /* the numbers come round: another file */
			int other = udp();

			CHECK_EQ(SYS(close, two), 0);
			fd = other;
			two = (int)SYS(fcntl, fd, F_DUPFD, 10);
		}
		err = ctl(ep, EPOLL_CTL_ADD, two, EPOLLIN);
		CHECK_EQ(SYS(close, two), 0);
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(n, 4097);
	close_all();
	ep = epoll();
	fd = udp();
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN), -ENOMEM);
	faults_armed = false;
	add(ep, fd, EPOLLIN);
	close_all();
}

/* --- Waiting ---------------------------------------------------------------------------------------------------------------------- */

TEST(waits_as_long_as_it_was_told)
{
	struct timespec ts = { 0, 30 * NSEC_PER_MSEC };
	u64 t0;
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6009, &s);
	add(ep, s, EPOLLIN);
	t0 = ktime_get_ns();
	CHECK_EQ(SYS(epoll_wait, ep, P(out), 4, 20), 0);
	CHECK_EQ(ktime_get_ns() - t0, 20 * NSEC_PER_MSEC);
	t0 = ktime_get_ns();
	CHECK_EQ(SYS(epoll_pwait2, ep, P(out), 4, P(&ts), 0, 8), 0);
	CHECK_EQ(ktime_get_ns() - t0, 30 * NSEC_PER_MSEC);
	ts.tv_nsec = -1;
	CHECK_EQ(SYS(epoll_pwait2, ep, P(out), 4, P(&ts), 0, 8), -EINVAL);
	CHECK_EQ(SYS(write, c, P("x"), 1), 1); /* on its way: not here yet */
	CHECK_EQ(SYS(epoll_pwait, ep, P(out), 4, (u64)-1, 0, 8), 1);
	CHECK_EQ(SYS(epoll_pwait2, ep, P(out), 4, 0, 0, 8), 1);
	close_all();
}

/* The console has no queue: it is asked. Writing to it never waits. */
TEST(a_file_without_a_queue)
{
	u64 t0;
	int ep;

	up();
	ep = epoll();
	add(ep, 1, EPOLLOUT);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, 1, EPOLLOUT | EPOLLET), 0);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(now(ep), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, 1, EPOLLIN), 0);
	t0 = ktime_get_ns();
	CHECK_EQ(SYS(epoll_wait, ep, P(out), 4, 35), 0);
	CHECK(ktime_get_ns() - t0 >= 35 * NSEC_PER_MSEC);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, 1, 0), 0);
	CHECK_EQ(now(ep), 0);
	add(ep, 1, EPOLLOUT | EPOLLONESHOT);
	CHECK_EQ(now(ep), 1);
	CHECK_EQ(now(ep), 0);
	close_all();
}

/* An epoll file is readable when one of its watches has something to say. */
TEST(polled_itself)
{
	struct pollfd p = { .events = POLLIN };
	int ep, c, s;

	up();
	ep = epoll();
	c = tcp_pair(6010, &s);
	p.fd = ep;
	add(ep, s, EPOLLIN);
	CHECK_EQ(SYS(poll, P(&p), 1, 0), 0);
	CHECK_EQ(SYS(write, c, P("x"), 1), 1);
	CHECK_EQ(SYS(poll, P(&p), 1, 1000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(now(ep), 1); /* asking took nothing away */
	get(s);
	CHECK_EQ(SYS(poll, P(&p), 1, 0), 0);
	add(ep, 1, EPOLLIN);
	CHECK_EQ(SYS(poll, P(&p), 1, 20), 0);
	close_all();
}
KTEST_MAIN_BOOT()
