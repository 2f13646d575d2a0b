// SPDX-License-Identifier: MIT
/*
 * struct sock in tables: each option of SOL_SOCKET at its limits and in wrong lengths, buffers, timeouts, deadlines, the
 * backlog's bound, when a writer is woken, the page /proc/net/sockstat.
 */
#include "../tcp/peer.h"

#include <kernel/proc.h>
#include <kernel/sched.h>

static struct sock *sk;

static int set_int(int opt, int val)
{
	return sock_setsockopt(sk, opt, &val, sizeof(val));
}

static int get_int(int opt)
{
	int val = -4711;
	u32 len = sizeof(val);
	int err = sock_getsockopt(sk, opt, &val, &len);

	if (!err)
		CHECK_EQ(len, 4);
	return err ? err : val;
}

/* --- One int ---------------------------------------------------------------------------------------------------------------- */
struct int_row {
	const char *name;
	int opt, val, err, get;
};

static const struct int_row int_table[] = {
	{ "reuseaddr_on", SO_REUSEADDR, 1, 0, 1 },
	{ "reuseaddr_any_number", SO_REUSEADDR, -7, 0, 1 },
	{ "reuseaddr_off", SO_REUSEADDR, 0, 0, 0 },
	{ "broadcast", SO_BROADCAST, 256, 0, 1 },
	{ "broadcast_off", SO_BROADCAST, 0, 0, 0 },
	{ "keepalive", SO_KEEPALIVE, 1, 0, 1 },
	{ "oobinline", SO_OOBINLINE, 2, 0, 1 },
	{ "priority_7", SO_PRIORITY, 7, 0, 7 },
	{ "priority_negative", SO_PRIORITY, -1, 0, -1 },
	{ "mark", SO_MARK, 0x7fffffff, 0, 0x7fffffff },
	{ "rcvlowat_0_is_1", SO_RCVLOWAT, 0, 0, 1 },
	{ "rcvlowat_1", SO_RCVLOWAT, 1, 0, 1 },
	{ "rcvlowat_5000", SO_RCVLOWAT, 5000, 0, 5000 },
	{ "rcvlowat_negative_is_most", SO_RCVLOWAT, -1, 0,
	  261120 }, /* of what the buffer grows to */
	{ "sndbuf_0_is_least", SO_SNDBUF, 0, 0, SOCK_MIN_SNDBUF },
	{ "sndbuf_least", SO_SNDBUF, SOCK_MIN_SNDBUF / 2, 0, SOCK_MIN_SNDBUF },
	{ "sndbuf_least_and_1", SO_SNDBUF, SOCK_MIN_SNDBUF / 2 + 1, 0, SOCK_MIN_SNDBUF + 2 },
	{ "sndbuf_doubled", SO_SNDBUF, 50000, 0, 100000 },
	{ "rcvbuf_0_is_least", SO_RCVBUF, 0, 0, SOCK_MIN_RCVBUF },
	{ "rcvbuf_least_and_1", SO_RCVBUF, SOCK_MIN_RCVBUF / 2 + 1, 0, SOCK_MIN_RCVBUF + 2 },
	{ "rcvbuf_doubled", SO_RCVBUF, 50000, 0, 100000 },
	{ "type_is_read_only", SO_TYPE, 5, -ENOPROTOOPT, SOCK_STREAM },
	{ "error_is_read_only", SO_ERROR, 5, -ENOPROTOOPT, 0 },
	{ "acceptconn_is_read_only", SO_ACCEPTCONN, 1, -ENOPROTOOPT, 0 },
	{ "protocol_is_read_only", SO_PROTOCOL, 1, -ENOPROTOOPT, IPPROTO_TCP },
	{ "domain_is_read_only", SO_DOMAIN, 1, -ENOPROTOOPT, AF_INET },
	{ "dontroute", SO_DONTROUTE, 5, 0, 1 },
	{ "incoming_cpu", SO_INCOMING_CPU, 0, 0, 0 },
	{ "incoming_cpu_that_there_is_not", SO_INCOMING_CPU, 3, 0, -1 },
	{ "times_of_a_stream", SO_TIMESTAMPING, 24, -ENOPROTOOPT, -ENOPROTOOPT },
	{ "sndlowat_is_1", SO_SNDLOWAT, 9, -ENOPROTOOPT, 1 },
	{ "reuseport", SO_REUSEPORT, 7, 0, 1 },
	{ "reuseport_off", SO_REUSEPORT, 0, 0, 0 },
	{ "number_0_unknown", 0, 1, -ENOPROTOOPT, -ENOPROTOOPT },
	{ "number_9999_unknown", 9999, 1, -ENOPROTOOPT, -ENOPROTOOPT },
};

TEST_EACH(one_int, int_table)
{
	struct socket *s;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	CHECK_EQ(set_int(row->opt, row->val), row->err);
	CHECK_EQ(get_int(row->opt), row->get);
	sock_release(s);
	hosts_down();
}

/* Neither a huge nor a negative wish gives a huge buffer. */
TEST(buffers_are_capped)
{
	struct socket *s;
	int most;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	CHECK_EQ(set_int(SO_SNDBUF, INT32_MAX), 0);
	most = get_int(SO_SNDBUF);
	CHECK(most > 65536);
	CHECK(most <= 64 << 20);
	CHECK_EQ(set_int(SO_SNDBUF, -1), 0);
	CHECK(get_int(SO_SNDBUF) >= SOCK_MIN_SNDBUF);
	CHECK(get_int(SO_SNDBUF) <= most);
	CHECK_EQ(set_int(SO_RCVBUF, INT32_MAX), 0);
	CHECK_EQ(get_int(SO_RCVBUF), most);
	CHECK_EQ(sk->sk_userlocks, SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK);
	sock_release(s);
	hosts_down();
}

struct length_row {
	const char *name;
	u32 len;
	int err;
	u32 got;
};

static const struct length_row length_table[] = {
	{ "0", 0, -EINVAL, 0 }, { "1", 1, -EINVAL, 1 }, { "3", 3, -EINVAL, 3 },
	{ "4", 4, 0, 4 },       { "16", 16, 0, 4 },
};

TEST_EACH(lengths, length_table)
{
	static const int opts[] = { SO_REUSEADDR, SO_BROADCAST, SO_KEEPALIVE, SO_OOBINLINE,
				    SO_PRIORITY,  SO_MARK,      SO_RCVLOWAT };
	struct socket *s;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	for (u32 i = 0; i < ARRAY_SIZE(opts); i++) {
		int in[4] = { 1, -1, -1, -1 };
		u8 out[16];
		u32 len = row->len;

		CHECK_EQ(sock_setsockopt(sk, opts[i], in, row->len), row->err);
		memset(out, 0x5a, sizeof(out));
		CHECK_EQ(sock_getsockopt(sk, opts[i], out, &len), 0);
		CHECK_EQ(len, row->got);
		for (u32 j = row->got; j < sizeof(out); j++)
			CHECK_EQ(out[j], 0x5a);
	}
	sock_release(s);
	hosts_down();
}

/* SO_ERROR takes the error; without one it gives, and takes, the soft one. */
TEST(pending_error)
{
	struct socket *s;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	sk->sk_err = ECONNRESET;
	sk->sk_err_soft = EHOSTUNREACH;
	CHECK_EQ(get_int(SO_ERROR), ECONNRESET);
	CHECK_EQ(get_int(SO_ERROR), EHOSTUNREACH);
	CHECK_EQ(get_int(SO_ERROR), 0);
	CHECK_EQ(sk_stream_error(sk, -EPIPE), -EPIPE);
	sk->sk_err = ETIMEDOUT;
	CHECK_EQ(sk_stream_error(sk, -EAGAIN), -EAGAIN); /* only EPIPE gives way */
	CHECK_EQ(sk_stream_error(sk, -EPIPE), -ETIMEDOUT);
	CHECK_EQ(sk_stream_error(sk, -EPIPE), -EPIPE);
	sock_release(s);
	hosts_down();
}

/* --- Timeouts ----------------------------------------------------------------------------------------------------------------- */
struct timeo_row {
	const char *name;
	s64 sec, usec;
	int err;
	u64 ns; /* WAIT_FOREVER, 0: not at all */
	s64 get_sec, get_usec;
};

static const struct timeo_row timeo_table[] = {
	{ "zero_is_for_ever", 0, 0, 0, WAIT_FOREVER, 0, 0 },
	{ "1_s", 1, 0, 0, NSEC_PER_SEC, 1, 0 },
	{ "1500_ms", 1, 500000, 0, 1500 * NSEC_PER_MSEC, 1, 500000 },
	{ "largest_fraction", 0, 999999, 0, 0, 1, 0 },
	{ "a_million_us", 0, 1000000, -EDOM, WAIT_FOREVER, 0, 0 },
	{ "negative_us", 1, -1, -EDOM, WAIT_FOREVER, 0, 0 },
	{ "negative_s_is_not_at_all", -1, 0, 0, 0, 0, 0 },
	{ "centuries_are_for_ever", INT64_MAX, 0, 0, WAIT_FOREVER, 0, 0 },
	{ "just_below_for_ever", INT64_MAX / 1000000000 - 1, 0, 0, 0, INT64_MAX / 1000000000 - 1,
	  0 },
};

TEST_EACH(timeout, timeo_table)
{
	static const int opts[] = { SO_RCVTIMEO, SO_SNDTIMEO };
	struct socket *s;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	for (u32 i = 0; i < 2; i++) {
		struct timeval tv = { row->sec, row->usec }, out;
		u32 len = sizeof(out);
		u64 ns;

		CHECK_EQ(sock_setsockopt(sk, opts[i], &tv, sizeof(tv) - 1), -EINVAL);
		CHECK_EQ(sock_setsockopt(sk, opts[i], &tv, sizeof(tv)), row->err);
		ns = i ? sk->sk_sndtimeo_ns : sk->sk_rcvtimeo_ns;
		if (row->ns || row->sec < 0)
			CHECK_EQ(ns, row->ns);
		CHECK_EQ(sock_getsockopt(sk, opts[i], &out, &len), 0);
		CHECK_EQ(len, sizeof(out));
		CHECK_EQ(out.tv_sec, row->get_sec);
		CHECK_EQ(out.tv_usec, row->get_usec);
	}
	sock_release(s);
	hosts_down();
}

struct deadline_row {
	const char *name;
	u64 timeo;
	bool nonblock;
	u64 want; /* relative to now; 0 and WAIT_FOREVER: just that */
};

static const struct deadline_row deadline_table[] = {
	{ "nonblocking", WAIT_FOREVER, true, 0 },
	{ "nonblocking_with_timeout", 5, true, 0 },
	{ "not_at_all", 0, false, 0 },
	{ "for_ever", WAIT_FOREVER, false, WAIT_FOREVER },
	{ "1_s", NSEC_PER_SEC, false, NSEC_PER_SEC },
	{ "beyond_the_end_of_time", WAIT_FOREVER - 1, false, WAIT_FOREVER },
};

TEST_EACH(deadline, deadline_table)
{
	struct socket *s;
	u64 want;

	hosts_up(1);
	host_clock_advance(1000); /* the end of time is nearer than a whole range */
	s = tcp_socket(0);
	sk = s->sk;
	sk->sk_rcvtimeo_ns = sk->sk_sndtimeo_ns = row->timeo;
	want = row->want && row->want != WAIT_FOREVER ? host_clock() + row->want : row->want;
	CHECK_EQ(sock_rcv_deadline(sk, row->nonblock), want);
	CHECK_EQ(sock_snd_deadline(sk, row->nonblock), want);
	sock_release(s);
	hosts_down();
}

struct linger_row {
	const char *name;
	int on, s;
	u32 len;
	int err;
	bool flag;
	u32 want;
};

static const struct linger_row linger_table[] = {
	{ "on_5", 1, 5, 8, 0, true, 5 },
	{ "on_0", 1, 0, 8, 0, true, 0 },
	{ "off", 0, 7, 8, 0, false, 99 },
	{ "any_number_is_on", -3, 5, 8, 0, true, 5 },
	{ "negative_is_long", 1, -1, 8, 0, true, 0xffffffffu },
	{ "too_short", 1, 5, 7, -EINVAL, false, 99 },
	{ "only_an_int", 1, 5, 4, -EINVAL, false, 99 },
};

TEST_EACH(linger, linger_table)
{
	int v[2] = { row->on, row->s }, out[2];
	u32 len = sizeof(out);
	struct socket *s;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	sk->sk_lingertime_s = 99;
	CHECK_EQ(sock_setsockopt(sk, SO_LINGER, v, row->len), row->err);
	CHECK_EQ(sock_flag(sk, SOCK_LINGER), row->flag);
	CHECK_EQ(sk->sk_lingertime_s, row->want);
	CHECK_EQ(sock_getsockopt(sk, SO_LINGER, out, &len), 0);
	CHECK_EQ(len, 8);
	CHECK_EQ(out[0], row->flag);
	CHECK_EQ((u32)out[1], row->want);
	sock_reset_flag(sk, SOCK_LINGER);
	sock_release(s);
	hosts_down();
}

/* --- A device ----------------------------------------------------------------------------------------------------------------- */
struct device_row {
	const char *name;
	const char *dev;
	u32 len;
	int err;
	bool bound;
};

static const struct device_row device_table[] = {
	{ "by_name", "eth0", 4, 0, true },
	{ "by_name_terminated", "eth0", 5, 0, true },
	{ "loopback", "lo", 2, 0, true },
	{ "unknown", "eth9", 4, -ENODEV, false },
	{ "prefix", "eth0", 3, -ENODEV, false },
	{ "empty_unbinds", "", 0, 0, false },
	{ "zero_byte_unbinds", "", 1, 0, false },
	{ "too_long_a_name", "eth0eth0eth0eth0eth0", 20, -ENODEV, false },
};

TEST_EACH(bind_to_device, device_table)
{
	char out[IFNAMSIZ] = "";
	struct socket *s;
	u32 len = sizeof(out);

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	CHECK_EQ(sock_setsockopt(sk, SO_BINDTODEVICE, row->dev, row->len), row->err);
	CHECK_EQ(sk->sk_bound_dev_if != 0, row->bound);
	CHECK_EQ(sock_getsockopt(sk, SO_BINDTODEVICE, out, &len), 0);
	CHECK_EQ(len, row->bound ? strlen(row->dev) + 1 : 0);
	CHECK_STR(out, row->bound ? row->dev : "");
	if (row->bound) {
		len = IFNAMSIZ - 1;
		CHECK_EQ(sock_getsockopt(sk, SO_BINDTODEVICE, out, &len), -EINVAL);
		sk->sk_bound_dev_if = 4711; /* it is gone */
		len = IFNAMSIZ;
		CHECK_EQ(sock_getsockopt(sk, SO_BINDTODEVICE, out, &len), -ENODEV);
		CHECK_EQ(sock_setsockopt(sk, SO_BINDTODEVICE, "", 0), 0);
		CHECK_EQ(sk->sk_bound_dev_if, 0);
	}
	sock_release(s);
	hosts_down();
}

/* Binding to a device forgets the route that may leave by another. */
TEST(binding_forgets_the_route)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK(s->sk->sk_dst_cache != NULL);
	CHECK_EQ(sock_setsockopt(s->sk, SO_BINDTODEVICE, "eth0", 4), 0);
	CHECK(s->sk->sk_dst_cache == NULL);
	CHECK_EQ(put(s, "x", 1, 0), 1);
	CHECK(s->sk->sk_dst_cache != NULL);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* --- Room ----------------------------------------------------------------------------------------------------------------------- */
struct room_row {
	const char *name;
	u32 sndbuf, queued;
	bool free, writeable;
};

static const struct room_row room_table[] = {
	{ "empty", 3000, 0, true, true },
	{ "a_third_free", 3000, 2000, true, true },
	{ "less_than_a_third", 3000, 2001, true, false },
	{ "one_byte", 3000, 2999, true, false },
	{ "full", 3000, 3000, false, false },
	{ "overfull", 3000, 9000, false, false },
	{ "no_buffer", 0, 0, false, false },
};

TEST_EACH(room, room_table)
{
	struct socket *s;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	sk->sk_sndbuf = row->sndbuf;
	sk->sk_wmem_queued = row->queued;
	CHECK_EQ(sk_stream_memory_free(sk), row->free);
	CHECK_EQ(sk_stream_is_writeable(sk), row->writeable);
	sock_set_flag(sk, SOCK_NOSPACE);
	sk_stream_write_space(sk);
	CHECK_EQ(sock_flag(sk, SOCK_NOSPACE), !row->writeable); /* woken, and only then */
	sk->sk_wmem_queued = 0;
	sock_release(s);
	hosts_down();
}

struct wait_row {
	const char *name;
	u32 queued; /* of 3000 */
	int err;
	u8 shutdown;
	u32 limit_ms; /* 0: must not wait */
	int ret;
	u32 least_ms, most_ms;
};

static const struct wait_row wait_table[] = {
	{ "full_must_not_wait", 3000, 0, 0, 0, -EAGAIN, 0, 0 },
	{ "full_time_is_up", 3000, 0, 0, 50, -EAGAIN, 50, 60 },
	{ "error", 3000, ECONNRESET, 0, 50, -EPIPE, 0, 0 },
	{ "shut_down", 3000, 0, SEND_SHUTDOWN, 50, -EPIPE, 0, 0 },
	{ "reading_shut_down_is_no_end", 3000, 0, RCV_SHUTDOWN, 50, -EAGAIN, 50, 60 },
	/* Room, but the allocation failed: a short pause, then another try. */
	{ "no_memory_pause", 0, 0, 0, 10000, 0, 2, 300 },
	{ "no_memory_must_not_wait", 0, 0, 0, 0, -EAGAIN, 0, 0 },
};

TEST_EACH(wait_for_room, wait_table)
{
	struct socket *s;
	u64 t0;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	sk->sk_sndbuf = 3000;
	sk->sk_wmem_queued = row->queued;
	sk->sk_err = row->err;
	sk->sk_shutdown = row->shutdown;
	t0 = host_clock();
	lock_sock(sk);
	CHECK_EQ(sk_stream_wait_memory(sk, row->limit_ms ? t0 + row->limit_ms * NSEC_PER_MSEC : 0),
		 row->ret);
	release_sock(sk);
	CHECK((host_clock() - t0) / NSEC_PER_MSEC >= row->least_ms);
	CHECK((host_clock() - t0) / NSEC_PER_MSEC <= row->most_ms);
	CHECK_EQ(sk->sk_write_pending, 0);
	sk->sk_wmem_queued = 0;
	sk->sk_err = 0;
	sock_release(s);
	hosts_down();
}

static struct timer early, late_room;

/* Somebody wakes the writer for another reason: the wish to be woken for room is gone with it. */
static void wake_for_nothing(struct timer *t)
{
	(void)t;
	sock_reset_flag(sk, SOCK_NOSPACE);
	wake_up(&sk->sk_wq);
}

static void make_room(struct timer *t)
{
	(void)t;
	sk->sk_wmem_queued = 0;
	sk_stream_write_space(sk);
}

TEST(woken_for_nothing_waits_on)
{
	struct socket *s;
	u64 t0;

	hosts_up(1);
	s = tcp_socket(0);
	sk = s->sk;
	sk->sk_sndbuf = 3000;
	sk->sk_wmem_queued = 3000;
	t0 = host_clock();
	timer_setup_precise(&early, wake_for_nothing);
	timer_setup_precise(&late_room, make_room);
	mod_timer(&early, t0 + 10 * NSEC_PER_MSEC);
	mod_timer(&late_room, t0 + 30 * NSEC_PER_MSEC);
	lock_sock(sk);
	CHECK_EQ(sk_stream_wait_memory(sk, t0 + NSEC_PER_SEC), 0);
	release_sock(sk);
	CHECK_EQ((host_clock() - t0) / NSEC_PER_MSEC, 30);
	sock_release(s);
	hosts_down();
}

/* --- The page ------------------------------------------------------------------------------------------------------------------- */
static char page[1024];

static const char *sockstat(void)
{
	struct seq_file m = { .buf = page, .size = sizeof(page), .arg = hosts[0] };

	memset(page, 0, sizeof(page));
	sockstat_show(&m);
	return page;
}

struct account_row {
	const char *name;
	u32 room;  /* what the reader has for the answer */
	u32 words; /* what he gets */
};
static const struct account_row account_table[] = {
	{ "whole", 64, 9 },
	{ "half", 16, 4 },
	{ "none", 0, 0 },
};

/* A segment that waits in the queue below is in both accounts; sent, in one; acknowledged, in none. The page adds them up. */
TEST_EACH(accounts_to_be_read, account_table)
{
	struct sk_mem {
		u32 rmem, rcvbuf, wmem, sndbuf, ahead, queued, options, backlog, drops, no_more[7];
	} m;
	static const u8 data[1000];
	struct socket *s;
	u32 len, want, pages;
	char line[40];

	peer_up();
	s = peer_connected();
	peer_clog(100);
	CHECK_EQ(put(s, data, sizeof(data), 0), sizeof(data));
	want = tcp_rtx_head(tcp_sk(s->sk))->truesize;
	pages = DIV_ROUND_UP(2 * want, PAGE_SIZE);
	snprintf(line, sizeof(line), "alloc 1 mem %u\n", pages);
	CHECK(strstr(sockstat(), line) != NULL);
	for (u32 i = 0; i < 3; i++) {
		memset(&m, 0xee, sizeof(m));
		len = row->room;
		CHECK_EQ(sock_getsockopt(s->sk, SO_MEMINFO, &m, &len), 0);
		CHECK_EQ(len, row->words * 4);
		CHECK_EQ(m.no_more[0], 0xeeeeeeee);
		CHECK_EQ(m.wmem, row->words < 3 ? 0xeeeeeeee : i < 1 ? want : 0);
		CHECK_EQ(m.sndbuf, row->words < 4 ? 0xeeeeeeee : s->sk->sk_sndbuf);
		CHECK_EQ(m.queued, row->words < 6 ? 0xeeeeeeee : i < 2 ? want : 0);
		CHECK_EQ(m.rcvbuf, row->words < 2 ? 0xeeeeeeee : s->sk->sk_rcvbuf);
		if (i == 0)
			peer_unclog();
		else
			peer_ack();
	}
	len = 4;
	CHECK_EQ(sock_setsockopt(s->sk, SO_MEMINFO, &m, len), -ENOPROTOOPT);
	sock_release(s);
	peer_down();
}

/* SO_PEERNAME is getpeername() that still answers when the connection is over; SO_COOKIE a number for life. */
TEST(peer_and_cookie)
{
	struct sockaddr_in sin = { 0 };
	struct socket *s, *other;
	u64 cookie = 0, again = 0;
	u32 len = sizeof(sin);

	peer_up();
	CHECK_EQ(sock_create_kern(hosts[0], AF_INET, SOCK_STREAM, 0, &other), 0);
	CHECK_EQ(sock_getsockopt(other->sk, SO_PEERNAME, &sin, &len), -ENOTCONN);
	s = peer_connected();
	CHECK_EQ(sock_getsockopt(s->sk, SO_PEERNAME, &sin, &len), 0);
	CHECK_EQ(len, sizeof(sin));
	CHECK(sin.sin_family == AF_INET && sin.sin_addr == s->sk->sk_daddr &&
	      sin.sin_port == s->sk->sk_dport);
	len = 4;
	CHECK_EQ(sock_getsockopt(s->sk, SO_PEERNAME, &sin, &len), 0);
	CHECK_EQ(len, 4);
	len = 17;
	CHECK_EQ(sock_getsockopt(s->sk, SO_PEERNAME, &sin, &len), -EINVAL);
	CHECK_EQ(sock_setsockopt(s->sk, SO_PEERNAME, &sin, 16), -ENOPROTOOPT);
	len = 8;
	CHECK_EQ(sock_getsockopt(s->sk, SO_COOKIE, &cookie, &len), 0);
	CHECK_EQ(sock_getsockopt(s->sk, SO_COOKIE, &again, &len), 0);
	CHECK(cookie && cookie == again);
	CHECK_EQ(sock_getsockopt(other->sk, SO_COOKIE, &again, &len), 0);
	CHECK(cookie != again);
	len = 7;
	CHECK_EQ(sock_getsockopt(s->sk, SO_COOKIE, &cookie, &len), -EINVAL);
	CHECK_EQ(sock_setsockopt(s->sk, SO_COOKIE, &cookie, 8), -ENOPROTOOPT);
	sock_release(other);
	sock_release(s);
	peer_down();
}

TEST(page_counts)
{
	struct socket *s[3], *u = NULL;
	static u8 data[8000];

	peer_up();
	CHECK_STR(sockstat(),
		  "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\n"
		  "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n");
	s[0] = tcp_socket(0); /* allocated, in no table */
	CHECK_EQ(strncmp(sockstat(), "sockets: used 1\nTCP: inuse 0 orphan 0 tw 0 alloc 1 mem 0\n",
			 57),
		 0);
	s[1] = tcp_listener(0, 77, 5);
	s[2] = peer_connected();
	CHECK_EQ(strncmp(sockstat(), "sockets: used 3\nTCP: inuse 2 orphan 0 tw 0 alloc 3 mem 0\n",
			 57),
		 0);
	CHECK_EQ(put(s[2], data, sizeof(data), 0), sizeof(data));
	CHECK(strstr(sockstat(), "alloc 3 mem 0") == NULL); /* the queue costs pages */
	sock_release(s[2]);
	CHECK(strstr(sockstat(), "sockets: used 2\nTCP: inuse 2 orphan 1 tw 0 alloc 3 ") != NULL);
	peer_ack();
	tell_fin();
	CHECK(strstr(sockstat(), "sockets: used 2\nTCP: inuse 1 orphan 0 tw 1 alloc 2 mem 0\n") !=
	      NULL);
	CHECK_EQ(sock_create_kern(hosts[0], AF_INET, SOCK_DGRAM, 0, &u), 0);
	{
		struct sockaddr_in a = sin_of(0, 9000);

		CHECK_EQ(kernel_bind(u, &a), 0);
	}
	CHECK(strstr(sockstat(), "sockets: used 3\n") != NULL);
	CHECK(strstr(sockstat(), "\nUDP: inuse 1 mem 0\n") != NULL);
	sock_release(u);
	sock_release(s[0]);
	sock_release(s[1]);
	peer_down();
}

KTEST_MAIN_BOOT()
