// SPDX-License-Identifier: MIT
/*
 * The calls of an application in each state: connect, disconnect, listen, accept, send, recv, poll, ioctl, shutdown,
 * close. What they return, what goes out, when they sleep and what wakes them.
 */
#include "peer.h"

#define NONBLOCK 04000u

static u8 buf[100000];

/* --- Something happens while a call sleeps -------------------------------------------------------------------------------- */
static struct timer meanwhile;

static void later(u32 ms, void (*fn)(struct timer *t))
{
	timer_setup_precise(&meanwhile, fn);
	mod_timer(&meanwhile, host_clock() + ms * NSEC_PER_MSEC);
}

static void ack_arrives(struct timer *t)
{
	(void)t;
	peer_ack();
}

static void text_arrives(struct timer *t)
{
	(void)t;
	tell_text(100);
}

static void fin_arrives(struct timer *t)
{
	(void)t;
	tell_fin();
}

static void rst_arrives(struct timer *t)
{
	(void)t;
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
}

static void syn_ack_arrives(struct timer *t)
{
	(void)t;
	peer_answer_syn(peer_mss1460, 4);
}

static void refusal_arrives(struct timer *t)
{
	(void)t;
	tell(TCPHDR_RST | TCPHDR_ACK, peer.seq, 0, 0);
}

static void client_arrives(struct timer *t)
{
	(void)t;
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
}

/* --- A socket in each state ------------------------------------------------------------------------------------------------ */
static struct socket *in_state(enum tcp_state state)
{
	struct socket *s;

	switch (state) {
	case TCP_CLOSE:
		return tcp_socket(0);
	case TCP_LISTEN:
		return tcp_listener(0, PORT, 5);
	case TCP_SYN_SENT:
		return peer_connecting();
	case TCP_SYN_RECV:
		s = peer_connecting();
		tell_raw(TCPHDR_SYN, peer.seq++, 0, 0);
		break;
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		s = peer_connected();
		tell_fin();
		if (state == TCP_LAST_ACK)
			CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
		break;
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
		s = peer_connected();
		CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
		peer_follow();
		if (state == TCP_FIN_WAIT2)
			peer_ack();
		if (state == TCP_CLOSING)
			tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq++, -1, 0);
		break;
	default:
		s = peer_connected();
		break;
	}
	CHECK_EQ(state_of(s), state);
	peer_hush();
	return s;
}

struct state_row {
	const char *name;
	enum tcp_state state;
	int connect, listen, shutdown_wr; /* what the calls return */
	enum tcp_state after_shutdown;
	int fin;            /* shutdown sends one */
	int disconnect;     /* flags of what it sends */
	ssize_t send, recv; /* one byte, without waiting */
	u32 poll;
	int inq, outq; /* ioctl: value, or -errno */
};

#define IN  (POLLIN | POLLRDNORM)
#define OUT (POLLOUT | POLLWRNORM)
static const struct state_row state_table[] = {
	{ "close", TCP_CLOSE, 0, 0, -ENOTCONN, TCP_CLOSE, 0, 0, -EPIPE, -ENOTCONN, POLLHUP | OUT, 0,
	  0 },
	{ "listen", TCP_LISTEN, -EISCONN, 0, -ENOTCONN, TCP_LISTEN, 0, 0, -EPIPE, -ENOTCONN, 0,
	  -EINVAL, -EINVAL },
	{ "syn_sent", TCP_SYN_SENT, -EALREADY, -EINVAL, 0, TCP_CLOSE, 0, 0, -EAGAIN, -EAGAIN, 0, 0,
	  0 },
	{ "syn_received", TCP_SYN_RECV, -EALREADY, -EINVAL, 0, TCP_FIN_WAIT1, 1,
	  TCPHDR_RST | TCPHDR_ACK, -EAGAIN, -EAGAIN, 0, 0, 0 },
	{ "established", TCP_ESTABLISHED, -EISCONN, -EINVAL, 0, TCP_FIN_WAIT1, 1,
	  TCPHDR_RST | TCPHDR_ACK, 1, -EAGAIN, OUT, 0, 0 },
	{ "fin_wait_1", TCP_FIN_WAIT1, -EISCONN, -EINVAL, 0, TCP_FIN_WAIT1, 0,
	  TCPHDR_RST | TCPHDR_ACK, -EPIPE, -EAGAIN, OUT, 0, 1 },
	{ "fin_wait_2", TCP_FIN_WAIT2, -EISCONN, -EINVAL, 0, TCP_FIN_WAIT2, 0,
	  TCPHDR_RST | TCPHDR_ACK, -EPIPE, -EAGAIN, OUT, 0, 0 },
	{ "close_wait", TCP_CLOSE_WAIT, -EISCONN, -EINVAL, 0, TCP_LAST_ACK, 1,
	  TCPHDR_RST | TCPHDR_ACK, 1, 0, IN | POLLRDHUP | OUT, 0, 0 },
	{ "closing", TCP_CLOSING, -EISCONN, -EINVAL, 0, TCP_CLOSING, 0, 0, -EPIPE, 0,
	  POLLHUP | IN | POLLRDHUP | OUT, 0, 1 },
	{ "last_ack", TCP_LAST_ACK, -EISCONN, -EINVAL, 0, TCP_LAST_ACK, 0, 0, -EPIPE, 0,
	  POLLHUP | IN | POLLRDHUP | OUT, 0, 1 },
};

TEST_EACH(connect_in, state_table)
{
	struct sockaddr_in a = sin_of(1, 9);
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	CHECK_EQ(tcp_prot.connect(s->sk, &a, sizeof(a), true), row->connect);
	if (row->connect) {
		CHECK_EQ(state_of(s), row->state);
		CHECK_EQ(peer.n, row->state == TCP_SYN_SENT); /* the first SYN */
	}
	sock_release(s);
	peer_down();
}

TEST_EACH(listen_in, state_table)
{
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	CHECK_EQ(tcp_prot.listen(s->sk, 3), row->listen);
	CHECK_EQ(state_of(s), row->listen ? row->state : TCP_LISTEN);
	if (!row->listen)
		CHECK_EQ(s->sk->sk_max_ack_backlog, 3);
	sock_release(s);
	peer_down();
}

TEST_EACH(shutdown_in, state_table)
{
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	peer.n = 0;
	CHECK_EQ(tcp_prot.shutdown(s->sk, SEND_SHUTDOWN), row->shutdown_wr);
	CHECK_EQ(state_of(s), row->after_shutdown);
	CHECK_EQ(said(0)->flags & TCPHDR_FIN, row->fin);
	sock_release(s);
	peer_down();
}

/* Reading is over, nothing is told. */
TEST_EACH(shutdown_reading_in, state_table)
{
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	peer.n = 0;
	CHECK_EQ(tcp_prot.shutdown(s->sk, RCV_SHUTDOWN), row->shutdown_wr);
	CHECK_EQ(state_of(s), row->state);
	CHECK_EQ(peer.n, 0);
	if (!row->shutdown_wr)
		CHECK_EQ(get(s, buf, 1, 0), 0);
	sock_release(s);
	peer_down();
}

/* connect(AF_UNSPEC): as new, and the peer hears of it. Then the socket can connect again. */
TEST_EACH(disconnect_in, state_table)
{
	struct sockaddr_in a = sin_of(1, 9);
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	peer.n = 0;
	lock_sock(s->sk);
	CHECK_EQ(tcp_prot.disconnect(s->sk), 0);
	release_sock(s->sk);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(said(0)->flags, row->disconnect);
	CHECK_EQ(s->sk->sk_num, row->state == TCP_LISTEN ? PORT : 0); /* bound by its number */
	CHECK_EQ(s->sk->sk_shutdown, 0);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	CHECK_EQ(peer_found(), TCP_CLOSE);
	peer.n = 0;
	CHECK_EQ(tcp_prot.connect(s->sk, &a, sizeof(a), true), 0);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN);
	CHECK_EQ(s->sk->sk_err, 0);
	sock_release(s);
	peer_down();
}

/* MSG_FASTOPEN without an address: only the begin of a connection needs one. */
static int fastopen_in(struct socket *s, int send)
{
	switch (s->state) {
	case SS_UNCONNECTED:
		return -EINVAL;
	case SS_CONNECTED:
		return -EISCONN;
	default:
		return state_of(s) == TCP_SYN_SENT || state_of(s) == TCP_SYN_RECV ? -EALREADY
										  : send;
	}
}

TEST_EACH(send_in, state_table)
{
	struct socket *s;
	int want;

	peer_up();
	s = in_state(row->state);
	CHECK_EQ(put(s, "x", 1, MSG_DONTWAIT), row->send);
	want = fastopen_in(s, row->send);
	CHECK_EQ(put(s, "x", 1, MSG_DONTWAIT | MSG_FASTOPEN), want);
	sock_release(s);
	peer_down();
}

TEST_EACH(recv_in, state_table)
{
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	CHECK_EQ(get(s, buf, 1, MSG_DONTWAIT), row->recv);
	CHECK_EQ(get(s, buf, 1, MSG_DONTWAIT | MSG_OOB),
		 state_of(s) == TCP_LISTEN ? -ENOTCONN : -EINVAL);
	CHECK_EQ(get(s, buf, 1, MSG_DONTWAIT | MSG_PEEK), row->recv);
	sock_release(s);
	peer_down();
}

TEST_EACH(poll_in, state_table)
{
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	CHECK_EQ(tcp_prot.poll(s->sk), row->poll);
	s->sk->sk_err = ECONNRESET;
	CHECK_EQ(tcp_prot.poll(s->sk), row->state == TCP_LISTEN ? 0 : row->poll | POLLERR);
	s->sk->sk_err = 0;
	sock_release(s);
	peer_down();
}

TEST_EACH(ioctl_in, state_table)
{
	struct socket *s;
	int v;

	peer_up();
	s = in_state(row->state);
	v = -1;
	CHECK_EQ(tcp_prot.ioctl(s->sk, FIONREAD, &v), row->inq < 0 ? row->inq : 0);
	CHECK_EQ(v, row->inq < 0 ? -1 : row->inq);
	v = -1;
	CHECK_EQ(tcp_prot.ioctl(s->sk, SIOCOUTQ, &v), row->outq < 0 ? row->outq : 0);
	CHECK_EQ(v, row->outq < 0 ? -1 : row->outq);
	CHECK_EQ(tcp_prot.ioctl(s->sk, 0x1234, &v), row->inq < 0 ? row->inq : -ENOTTY);
	sock_release(s);
	peer_down();
}

/* --- connect: arguments ------------------------------------------------------------------------------------------------------ */
TEST(connect_arguments)
{
	struct sockaddr_in a = sin_of(1, 9);
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	CHECK_EQ(tcp_prot.connect(s->sk, &a, sizeof(a) - 1, true), -EINVAL);
	CHECK_EQ(tcp_prot.connect(s->sk, &a, 0, true), -EINVAL);
	a.sin_family = 10;
	CHECK_EQ(tcp_prot.connect(s->sk, &a, sizeof(a), true), -EAFNOSUPPORT);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(peer.n, 0);
	sock_release(s);
	peer_down();
}

/* --- listen, accept --------------------------------------------------------------------------------------------------------------- */
struct backlog_row {
	const char *name;
	int backlog;
	u32 want;
};

static const struct backlog_row backlog_table[] = {
	{ "negative", -1, SOMAXCONN },
	{ "0", 0, 0 },
	{ "1", 1, 1 },
	{ "most", SOMAXCONN, SOMAXCONN },
	{ "beyond", SOMAXCONN + 1, SOMAXCONN },
	{ "least_int", INT32_MIN, SOMAXCONN },
};

TEST_EACH(backlog, backlog_table)
{
	struct socket *s;

	peer_up();
	s = tcp_listener(0, PORT, row->backlog);
	CHECK_EQ(s->sk->sk_max_ack_backlog, row->want);
	CHECK_EQ(s->ops->listen(s, 7), 0); /* again: only the number changes */
	CHECK_EQ(s->sk->sk_max_ack_backlog, 7);
	CHECK_EQ(s->sk->sk_num, PORT);
	sock_release(s);
	peer_down();
}

/* Two may share a port by SO_REUSEADDR, but only one may listen. */
TEST(listen_beside_a_listener)
{
	struct socket *s[2];
	struct sockaddr_in a = sin_of(0, PORT);

	peer_up();
	for (u32 i = 0; i < 2; i++) {
		s[i] = tcp_socket(0);
		set_opt(s[i], SOL_SOCKET, SO_REUSEADDR, 1);
		CHECK_EQ(kernel_bind(s[i], &a), 0);
	}
	CHECK_EQ(s[0]->ops->listen(s[0], 1), 0);
	CHECK_EQ(tcp_prot.listen(s[1]->sk, 1), -EADDRINUSE);
	CHECK_EQ(state_of(s[1]), TCP_CLOSE);
	sock_release(s[0]);
	sock_release(s[1]);
	peer_down();
}

/* listen() without bind() finds a port of its own. */
TEST(listen_unbound)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	CHECK_EQ(tcp_prot.listen(s->sk, 1), 0);
	CHECK(s->sk->sk_num >= 32768);
	CHECK_EQ(s->sk->inet_sport, htons(s->sk->sk_num));
	sock_release(s);
	peer_down();
}

TEST(accept_nothing)
{
	struct socket *l;
	int err = 0;
	u64 t0;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	CHECK(tcp_prot.accept(l->sk, true, &err) == NULL);
	CHECK_EQ(err, -EAGAIN);
	l->sk->sk_rcvtimeo_ns = 500 * NSEC_PER_MSEC;
	t0 = host_clock();
	CHECK(tcp_prot.accept(l->sk, false, &err) == NULL);
	CHECK_EQ(err, -EAGAIN);
	CHECK(host_clock() - t0 >= 500 * NSEC_PER_MSEC);
	sock_release(l);
	l = tcp_socket(0);
	CHECK(tcp_prot.accept(l->sk, false, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	sock_release(l);
	peer_down();
}

TEST(accept_sleeps_for_a_client)
{
	struct socket *l, *c;
	u64 t0;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	CHECK_EQ(tcp_prot.poll(l->sk), 0);
	t0 = host_clock();
	later(70, client_arrives);
	c = accepted(l, 0);
	CHECK(c != NULL);
	CHECK_EQ((host_clock() - t0) / NSEC_PER_MSEC, 70);
	CHECK_EQ(state_of(c), TCP_ESTABLISHED);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

TEST(poll_of_a_listener)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	CHECK_EQ(tcp_prot.poll(l->sk), 0); /* half-open is nothing yet */
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(tcp_prot.poll(l->sk), IN);
	sock_release(l);
	peer_down();
}

static struct socket *stopping;
static void stop_listening(void *arg)
{
	(void)arg;
	lock_sock(stopping->sk);
	(void)tcp_prot.disconnect(stopping->sk);
	release_sock(stopping->sk);
}

TEST(accept_ends_with_the_listener)
{
	int err = 0;

	peer_up();
	stopping = tcp_listener(0, PORT, 5);
	CHECK(kthread_create("stop", stop_listening, NULL) != NULL);
	CHECK(tcp_prot.accept(stopping->sk, false, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	sock_release(stopping);
	peer_down();
}

/* --- send -------------------------------------------------------------------------------------------------------------------------- */
struct early_row {
	const char *name;
	void (*news)(struct timer *t);
	u32 timeo_ms;
	ssize_t ret;
};

static const struct early_row early_table[] = {
	{ "connected", syn_ack_arrives, 0, 5 },
	{ "refused", refusal_arrives, 0, -ECONNREFUSED },
	{ "time_is_up", syn_ack_arrives, 20, -EAGAIN },
};

/* send() before the handshake is over waits for its end. */
TEST_EACH(send_while_connecting, early_table)
{
	struct socket *s;

	peer_up();
	s = peer_connecting();
	if (row->timeo_ms)
		s->sk->sk_sndtimeo_ns = row->timeo_ms * NSEC_PER_MSEC;
	later(50, row->news);
	CHECK_EQ(put(s, "hello", 5, 0), row->ret);
	CHECK_EQ(s->sk->sk_write_pending, 0);
	if (row->ret == 5)
		CHECK_EQ(said(0)->len, 5);
	del_timer(&meanwhile);
	sock_release(s);
	peer_down();
}

struct room_row {
	const char *name;
	void (*news)(struct timer *t);
	u32 timeo_ms; /* SO_SNDTIMEO */
	u32 flags;
	bool all; /* every byte is taken in the end */
	int then; /* what the next send gives */
};

static const struct room_row room_table[] = {
	{ "dontwait", NULL, 0, MSG_DONTWAIT, false, -EAGAIN },
	{ "timeout", NULL, 300, 0, false, -EAGAIN },
	{ "reset", rst_arrives, 0, 0, false, -ECONNRESET },
};

/* The buffer is full: a part is taken, then it depends. */
TEST_EACH(send_more_than_there_is_room, room_table)
{
	struct socket *s;
	ssize_t n;

	peer_up();
	s = peer_connected();
	set_opt(s, SOL_SOCKET, SO_SNDBUF, 20000);
	s->sk->sk_sndtimeo_ns = row->timeo_ms ? row->timeo_ms * NSEC_PER_MSEC : WAIT_FOREVER;
	if (row->news)
		later(50, row->news);
	n = put(s, buf, sizeof(buf), row->flags);
	CHECK(n > 10000);
	CHECK(n < 60000);
	if (!row->news) /* nothing was acknowledged */
		CHECK_EQ(tcp_sk(s->sk)->write_seq - tcp_sk(s->sk)->snd_una, n);
	CHECK_EQ(put(s, buf, 1000, row->flags), row->then);
	if (row->then == -EAGAIN)
		CHECK_EQ(tcp_prot.poll(s->sk) & OUT, 0);
	sock_release(s);
	peer_down();
}

static u32 acks_left;
static void keep_acking(struct timer *t)
{
	peer_ack();
	if (acks_left--)
		mod_timer(t, host_clock() + 10 * NSEC_PER_MSEC);
}

/* ACKs make room: the writer goes on, in order. */
TEST(send_sleeps_for_room)
{
	struct socket *s;
	u32 total = 0;

	peer_up();
	s = peer_connected();
	set_opt(s, SOL_SOCKET, SO_SNDBUF, 20000);
	fill(buf, 0, sizeof(buf));
	acks_left = 100;
	later(10, keep_acking);
	CHECK_EQ(put(s, buf, sizeof(buf), 0), sizeof(buf));
	host_clock_advance(2 * NSEC_PER_SEC);
	for (u32 i = 0; i < peer.n; i++)
		total += peer.out[i].len;
	CHECK_EQ(total, sizeof(buf));
	CHECK_EQ(tcp_sk(s->sk)->snd_una, tcp_sk(s->sk)->write_seq);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	sock_release(s);
	peer_down();
}

/* A tiny buffer still sends: one skb whenever nothing is out. */
TEST(send_with_a_tiny_buffer)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	s->sk->sk_sndbuf = 1;
	s->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(put(s, buf, 100, MSG_DONTWAIT), 100);
		CHECK_EQ(put(s, buf, 5000, MSG_DONTWAIT), -EAGAIN);
		peer_ack();
	}
	CHECK_EQ(peer.n, 3);
	sock_release(s);
	peer_down();
}

/* Poll says "writable" only with a third of the buffer free, and remembers that somebody asked. */
TEST(poll_for_room)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(tcp_prot.poll(s->sk), OUT);
	while (put(s, buf, 1000, MSG_DONTWAIT) == 1000)
		;
	CHECK_EQ(tcp_prot.poll(s->sk), 0);
	CHECK(sock_flag(s->sk, SOCK_NOSPACE));
	for (u32 i = 0; i < 10; i++)
		peer_ack();
	CHECK_EQ(tcp_prot.poll(s->sk), OUT);
	CHECK(!sock_flag(s->sk, SOCK_NOSPACE));
	sock_release(s);
	peer_down();
}

static struct sock *asked;

static void acks_in_between(const volatile void *count)
{
	if (count != &asked->sk_flags)
		return;
	host_before_count = NULL;
	for (u32 i = 0; i < 10; i++)
		peer_ack();
}

/* The ACKs come between the look at the buffer and the flag that asks to be woken: nobody would be. */
TEST(poll_for_room_that_comes_meanwhile)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	while (put(s, buf, 1000, MSG_DONTWAIT) == 1000)
		;
	asked = s->sk;
	host_before_count = acks_in_between;
	CHECK_EQ(tcp_prot.poll(s->sk), OUT);
	CHECK(!host_before_count);
	sock_release(s);
	peer_down();
}

struct fault_row {
	const char *name;
	size_t good; /* bytes before the bad address */
	ssize_t ret;
};

static const struct fault_row fault_table[] = {
	{ "at_once", 0, -EFAULT },           { "inside_the_first_segment", 100, -EFAULT },
	{ "after_one_segment", 1460, 1460 }, { "after_two", 2920, 2920 },
	{ "inside_the_second", 2000, 1460 },
};

/* Bytes that are not there: what was copied before counts; nothing empty stays on the queue. */
TEST_EACH(send_from_a_bad_address, fault_table)
{
	struct iovec v[2] = { { buf, row->good }, { (void *)8, 5000 } };
	struct msghdr m = { 0 };
	struct socket *s;

	peer_up();
	s = peer_connected();
	iov_iter_init(&m.msg_iter, row->good ? v : v + 1, row->good ? 2 : 1);
	CHECK_EQ(s->ops->sendmsg(s, &m, row->good + 5000), row->ret);
	CHECK(skb_queue_empty(&s->sk->sk_write_queue));
	CHECK_EQ(tcp_sk(s->sk)->write_seq - tcp_sk(s->sk)->snd_una, row->ret > 0 ? row->ret : 0);
	CHECK_EQ(put(s, "x", 1, 0), 1); /* the stream goes on */
	sock_release(s);
	peer_down();
}

TEST(send_without_memory)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer_memory(false);
	CHECK_EQ(put(s, buf, 1000, MSG_DONTWAIT), -EAGAIN);
	s->sk->sk_sndtimeo_ns = 100 * NSEC_PER_MSEC;
	CHECK_EQ(put(s, buf, 1000, 0), -EAGAIN);
	peer_memory(true);
	CHECK_EQ(put(s, buf, 1000, 0), 1000);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/*
 * ACKs that came while a long call was at work opened the congestion window; the buffer grows when the call has filled it and pushes. Then
 * nobody is waited for.
 */
TEST(send_goes_on_in_a_buffer_that_grew)
{
	struct socket *s;
	u64 t0;

	peer_up();
	s = peer_connected();
	s->sk->sk_sndbuf = 20000;
	tcp_sk(s->sk)->cc.cwnd = 2;
	CHECK_EQ(put(s, buf, 10000, 0), 10000);
	CHECK_EQ(peer.n, 2);
	tcp_sk(s->sk)->cc.cwnd = 100;
	t0 = host_clock();
	CHECK_EQ(put(s, buf, 50000, 0), 50000);
	CHECK_EQ(host_clock() - t0, 0);
	CHECK(s->sk->sk_sndbuf > 60000);
	sock_release(s);
	peer_down();
}

TEST(send_nothing)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, buf, 0, 0), 0);
	CHECK_EQ(peer.n, 0);
	sock_release(s);
	peer_down();
}

/* --- recv -------------------------------------------------------------------------------------------------------------------------- */
struct recv_row {
	const char *name;
	u32 there, len, flags; /* bytes that arrived in tens; asked for */
	ssize_t ret;
	u32 left; /* FIONREAD afterwards */
};

static const struct recv_row recv_table[] = {
	{ "less_than_there_is", 100, 30, 0, 30, 70 },
	{ "a_part_of_one", 100, 5, 0, 5, 95 },
	{ "exactly_one", 100, 10, 0, 10, 90 },
	{ "one_and_a_bit", 100, 11, 0, 11, 89 },
	{ "all", 100, 100, 0, 100, 0 },
	{ "more_than_there_is", 100, 200, 0, 100, 0 },
	{ "nothing_asked", 100, 0, 0, 0, 100 },
	{ "peek", 100, 30, MSG_PEEK, 30, 100 },
	{ "peek_all", 100, 200, MSG_PEEK, 100, 100 },
	{ "truncate", 100, 30, MSG_TRUNC, 30, 70 },
	{ "truncate_all", 100, 200, MSG_TRUNC, 100, 0 },
	{ "waitall_when_all_is_there", 100, 100, MSG_WAITALL, 100, 0 },
	{ "waitall_dontwait", 100, 200, MSG_WAITALL | MSG_DONTWAIT, 100, 0 },
	{ "peek_waitall_dontwait", 100, 200, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT, 100, 100 },
	{ "dontwait_nothing", 0, 10, MSG_DONTWAIT, -EAGAIN, 0 },
};

TEST_EACH(recv, recv_table)
{
	struct socket *s;
	int v = 0;

	peer_up();
	s = peer_connected();
	for (u32 i = 0; i < row->there; i += 10)
		tell_text(10);
	memset(buf, 0xee, 300);
	CHECK_EQ(get(s, buf, row->len, row->flags), row->ret);
	if (row->ret > 0 && !(row->flags & MSG_TRUNC))
		CHECK(same(buf, 0, (size_t)row->ret));
	else
		CHECK_EQ(buf[0], 0xee); /* counted, not copied */
	CHECK_EQ(tcp_prot.ioctl(s->sk, FIONREAD, &v), 0);
	CHECK_EQ(v, row->left);
	sock_release(s);
	peer_down();
}

struct sleep_row {
	const char *name;
	void (*news)(struct timer *t);
	u32 flags, timeo_ms, lowat, len;
	ssize_t ret, then; /* 50 bytes are there; the news comes after 50 ms */
	u32 ms;            /* how long it slept */
};

static const struct sleep_row sleep_table[] = {
	{ "waitall_text", text_arrives, MSG_WAITALL, 0, 1, 150, 150, -EAGAIN, 50 },
	{ "waitall_fin", fin_arrives, MSG_WAITALL, 0, 1, 100, 50, 0, 50 },
	{ "waitall_rst", rst_arrives, MSG_WAITALL, 0, 1, 100, 50, -ECONNRESET, 50 },
	{ "waitall_timeout", text_arrives, MSG_WAITALL, 20, 1, 100, 50, -EAGAIN, 20 },
	{ "lowat", text_arrives, 0, 0, 120, 200, 150, -EAGAIN, 50 },
	{ "lowat_above_what_is_asked", text_arrives, 0, 0, 120, 40, 40, 10, 0 },
	{ "lowat_fin", fin_arrives, 0, 0, 120, 200, 50, 0, 50 },
	{ "peek_waitall", text_arrives, MSG_PEEK | MSG_WAITALL, 0, 1, 150, 150, 150, 50 },
};

TEST_EACH(recv_sleeps, sleep_table)
{
	struct socket *s;
	u64 t0;

	peer_up();
	s = peer_connected();
	tell_text(50);
	s->sk->sk_rcvlowat = row->lowat;
	if (row->timeo_ms)
		s->sk->sk_rcvtimeo_ns = row->timeo_ms * NSEC_PER_MSEC;
	t0 = host_clock();
	later(50, row->news);
	CHECK_EQ(get(s, buf, row->len, row->flags), row->ret);
	CHECK_EQ((host_clock() - t0) / NSEC_PER_MSEC, row->ms);
	CHECK(same(buf, 0, (size_t)row->ret));
	s->sk->sk_rcvlowat = 1;
	CHECK_EQ(get(s, buf, 1000, MSG_DONTWAIT), row->then);
	del_timer(&meanwhile);
	sock_release(s);
	peer_down();
}

struct wake_row {
	const char *name;
	void (*news)(struct timer *t);
	u32 timeo_ms;
	ssize_t ret;
	u32 ms;
};

static const struct wake_row wake_table[] = {
	{ "text", text_arrives, 0, 100, 50 },
	{ "fin", fin_arrives, 0, 0, 50 },
	{ "rst", rst_arrives, 0, -ECONNRESET, 50 },
	{ "timeout", text_arrives, 30, -EAGAIN, 30 },
	{ "an_ack_is_no_news", ack_arrives, 80, -EAGAIN, 80 },
};

TEST_EACH(recv_wakes, wake_table)
{
	struct socket *s;
	u64 t0;

	peer_up();
	s = peer_connected();
	if (row->timeo_ms)
		s->sk->sk_rcvtimeo_ns = row->timeo_ms * NSEC_PER_MSEC;
	t0 = host_clock();
	later(50, row->news);
	CHECK_EQ(get(s, buf, 1000, 0), row->ret);
	CHECK_EQ((host_clock() - t0) / NSEC_PER_MSEC, row->ms);
	del_timer(&meanwhile);
	sock_release(s);
	peer_down();
}

TEST_EACH(recv_into_a_bad_address, fault_table)
{
	struct iovec v[2] = { { buf, row->good }, { (void *)8, 5000 } };
	struct msghdr m = { 0 };
	struct socket *s;
	ssize_t ret;

	peer_up();
	s = peer_connected();
	for (u32 i = 0; i < 3; i++)
		tell_text(1460);
	iov_iter_init(&m.msg_iter, row->good ? v : v + 1, row->good ? 2 : 1);
	ret = s->ops->recvmsg(s, &m, row->good + 5000, 0);
	CHECK_EQ(ret, row->ret);
	/* What was not given is still there. */
	CHECK_EQ(get(s, buf, sizeof(buf), MSG_DONTWAIT), 3 * 1460 - (ret > 0 ? ret : 0));
	CHECK(same(buf, ret > 0 ? (u64)ret : 0, 1460));
	sock_release(s);
	peer_down();
}

/* Text before a FIN or a reset is read first; an error is told once. */
TEST(text_before_the_end)
{
	struct socket *s;

	for (u32 reset = 0; reset < 2; reset++) {
		peer_up();
		s = peer_connected();
		tell_text(10);
		if (reset)
			tell_raw(TCPHDR_RST, peer.seq, 0, 0);
		else
			tell_fin();
		CHECK_EQ(tcp_prot.poll(s->sk) & (POLLIN | POLLERR | POLLHUP),
			 reset ? POLLIN | POLLERR | POLLHUP : POLLIN);
		CHECK_EQ(get(s, buf, 100, MSG_PEEK), 10);
		CHECK_EQ(get(s, buf, 100, 0), 10);
		if (reset)
			CHECK_EQ(get(s, buf, 100, 0), -ECONNRESET);
		CHECK_EQ(get(s, buf, 100, 0), 0);
		CHECK_EQ(get(s, buf, 100, 0), 0);
		sock_release(s);
		peer_down();
	}
}

/* Low-water mark: poll speaks only when it is reached. */
TEST(poll_and_the_low_water_mark)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	s->sk->sk_rcvlowat = 20;
	tell_text(19);
	CHECK_EQ(tcp_prot.poll(s->sk), OUT);
	tell_text(1);
	CHECK_EQ(tcp_prot.poll(s->sk), OUT | IN);
	sock_release(s);
	peer_down();
}

/* --- close -------------------------------------------------------------------------------------------------------------------------- */
struct close_row {
	const char *name;
	enum tcp_state state;
	bool unread, linger0;
	enum tcp_state after;
	int flags; /* of what goes out; 0: nothing */
};

static const struct close_row close_table[] = {
	{ "close", TCP_CLOSE, false, false, TCP_CLOSE, 0 },
	{ "listen", TCP_LISTEN, false, false, TCP_CLOSE, 0 },
	{ "syn_sent", TCP_SYN_SENT, false, false, TCP_CLOSE, 0 },
	{ "syn_sent_linger_0", TCP_SYN_SENT, false, true, TCP_CLOSE, 0 },
	{ "syn_received", TCP_SYN_RECV, false, false, TCP_FIN_WAIT1, TCPHDR_FIN | TCPHDR_ACK },
	{ "established", TCP_ESTABLISHED, false, false, TCP_FIN_WAIT1, TCPHDR_FIN | TCPHDR_ACK },
	{ "established_unread", TCP_ESTABLISHED, true, false, TCP_CLOSE, TCPHDR_RST | TCPHDR_ACK },
	{ "established_linger_0", TCP_ESTABLISHED, false, true, TCP_CLOSE,
	  TCPHDR_RST | TCPHDR_ACK },
	{ "close_wait", TCP_CLOSE_WAIT, false, false, TCP_LAST_ACK, TCPHDR_FIN | TCPHDR_ACK },
	{ "close_wait_linger_0", TCP_CLOSE_WAIT, false, true, TCP_CLOSE, TCPHDR_RST | TCPHDR_ACK },
	{ "fin_wait_1", TCP_FIN_WAIT1, false, false, TCP_FIN_WAIT1, 0 },
	{ "fin_wait_1_unread", TCP_FIN_WAIT1, true, false, TCP_CLOSE, TCPHDR_RST | TCPHDR_ACK },
	{ "fin_wait_2", TCP_FIN_WAIT2, false, false, TCP_FIN_WAIT2, 0 },
	{ "closing", TCP_CLOSING, false, false, TCP_CLOSING, 0 },
	{ "last_ack", TCP_LAST_ACK, false, false, TCP_LAST_ACK, 0 },
	{ "last_ack_linger_0", TCP_LAST_ACK, false, true, TCP_CLOSE, 0 }, /* RFC 9293, 3.10.5 */
	{ "closing_linger_0", TCP_CLOSING, false, true, TCP_CLOSE, 0 },
};

TEST_EACH(close_in, close_table)
{
	struct socket *s;

	peer_up();
	s = in_state(row->state);
	if (row->unread)
		tell(TCPHDR_ACK, peer.seq, row->state == TCP_FIN_WAIT1 ? -1 : 0, 10);
	if (row->linger0)
		sock_set_flag(s->sk, SOCK_LINGER);
	peer_hush();
	sock_release(s);
	CHECK_EQ(peer_found(), row->after);
	CHECK_EQ(said(0)->flags & ~TCPHDR_PSH, row->flags);
	/* In FIN-WAIT-2 a mini socket is enough. */
	CHECK_EQ(hosts[0]->tcp->orphan_count,
		 row->after != TCP_CLOSE && row->after != TCP_FIN_WAIT2);
	CHECK_EQ(hosts[0]->tcp->tw_count, row->after == TCP_FIN_WAIT2);
	peer_down();
}

struct linger_row {
	const char *name;
	u32 s;
	void (*news)(struct timer *t);
	bool data;
	u32 ms;
	enum tcp_state after;
};

static const struct linger_row linger_table[] = {
	{ "acknowledged", 5, ack_arrives, false, 50, TCP_FIN_WAIT2 },
	{ "acknowledged_with_data", 5, ack_arrives, true, 50, TCP_FIN_WAIT2 },
	{ "time_is_up", 1, NULL, false, 1000, TCP_FIN_WAIT1 },
	{ "reset", 5, rst_arrives, true, 50, TCP_CLOSE },
	{ "fin_of_the_peer_is_not_enough", 1, fin_arrives, false, 1000, TCP_LAST_ACK },
};

/* SO_LINGER: close() sleeps until the peer has it all, or time is up. */
TEST_EACH(close_lingers, linger_table)
{
	struct socket *s;
	u64 t0;

	peer_up();
	s = peer_connected();
	sock_set_flag(s->sk, SOCK_LINGER);
	s->sk->sk_lingertime_s = row->s;
	if (row->data)
		CHECK_EQ(put(s, buf, 1000, 0), 1000);
	t0 = host_clock();
	if (row->news)
		later(50, row->news);
	sock_release(s);
	CHECK_EQ((host_clock() - t0) / NSEC_PER_MSEC, row->ms);
	if (row->after == TCP_LAST_ACK) /* simultaneous: the FIN acknowledged nothing of ours */
		CHECK(peer_found() == TCP_CLOSING);
	else
		CHECK_EQ(peer_found(), row->after);
	peer_down();
}

struct orphan_row {
	const char *name;
	const char *most;
	u32 left;
};

static const struct orphan_row orphan_table[] = {
	{ "0", "0", 0 },
	{ "1", "1", 1 },
	{ "3", "3", 3 },
	{ "5", "5", 4 },
};

/* Orphans beyond tcp_max_orphans are cut. Four connections are closed. */
TEST_EACH(orphans, orphan_table)
{
	struct socket *s[4];
	u32 ports[4];

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_max_orphans", row->most), 0);
	for (u32 i = 0; i < 4; i++) {
		peer_begin(PEER_ISS + i);
		s[i] = peer_connected();
		ports[i] = peer.dport;
	}
	for (u32 i = 0; i < 4; i++)
		sock_release(s[i]);
	CHECK_EQ(hosts[0]->tcp->orphan_count, row->left);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPAbortOnMemory), 4 - row->left);
	for (u32 i = 0; i < 4; i++) {
		peer.dport = (u16)ports[i];
		CHECK_EQ(peer_found(), i < row->left ? TCP_FIN_WAIT1 : TCP_CLOSE);
	}
	peer_down();
}

/* Each accepted connection is a socket and a sock of its own, with its own queues; the listener is neither, and goes on listening. */
TEST(accepted_connections_live_and_die_alone)
{
	struct socket *l, *c[3], *s[3];
	u8 got[8];

	hosts_up(1);
	l = tcp_listener(1, PORT, 8);
	for (u32 i = 0; i < 3; i++) {
		c[i] = tcp_socket(0);
		CHECK_EQ(try_connect(c[i], 1, PORT, 0), 0);
		s[i] = accepted(l, 0);
		CHECK(s[i] && s[i]->sk != l->sk && s[i]->sk->sk_socket == s[i]);
		for (u32 k = 0; k < i; k++)
			CHECK(s[k]->sk != s[i]->sk && s[k]->sk->sk_dport != s[i]->sk->sk_dport);
		CHECK(state_of(l) == TCP_LISTEN && l->sk->sk_socket == l);
	}
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(put(c[i], "one" + i, 1, 0), 1);
	host_clock_advance(10000000);
	close_accepted(s[1]);
	for (u32 i = 0; i < 3; i += 2) {
		CHECK_EQ(get(s[i], got, sizeof(got), MSG_DONTWAIT), 1);
		CHECK_EQ(got[0], "one"[i]);
		CHECK_EQ(put(s[i], "back", 4, 0), 4);
		CHECK_EQ(get(c[i], got, sizeof(got), 0), 4);
	}
	sock_release(l);
	CHECK_EQ(put(s[0], "back", 4, 0), 4);
	CHECK_EQ(get(c[0], got, sizeof(got), 0), 4);
	for (u32 i = 0; i < 3; i++) {
		sock_release(c[i]);
		if (i != 1)
			close_accepted(s[i]);
	}
	hosts_down();
}

/* Bound, never connected: the port is free after close(). */
TEST(close_frees_the_port)
{
	struct sockaddr_in a = sin_of(0, 7001);
	struct socket *s;

	peer_up();
	for (u32 i = 0; i < 3; i++) {
		s = tcp_socket(0);
		CHECK_EQ(kernel_bind(s, &a), 0);
		sock_release(s);
	}
	peer_down();
}

KTEST_MAIN_BOOT()
