// SPDX-License-Identifier: MIT
/*
 * Random applications: threads of the kernel that use sockets by the calls of struct proto_ops, as the system calls do.
 *
 * A flow is a connection (or a conversation of datagrams) between two hosts. Each of its ends has a plan, drawn from the
 * seed before anything runs: how much it sends, in what pieces, how it reads, how it ends. Whoever reads compares every
 * byte with the stream that the other end sends. Both ends of a connection have a sender and a receiver, two threads on
 * one socket.
 *
 * Interface: apps_plan, apps_run, apps_judge, apps_step, apps_print, apps_stream_key (world.h).
 * Above: world.c, oracle.c, observer.c. Below: <net/socket.h>, <kernel/sched.h>.
 * Context: process; apps_step() while everybody sleeps. Owns: flows, sockets.
 */
#include "world.h"

#include <kernel/fault.h>

#define MAX_FLOWS    48u
#define MAX_ATTEMPTS 16u
#define CLIENT_PORT  10000u /* + flow * MAX_ATTEMPTS + attempt */
#define UDP_FROM     30000u
#define UDP_TO       7000u
#define CLOSED_PORT  9u
#define CHUNK_MAX    65536u
#define UDP_MAX      65507u

enum flow_kind { FLOW_TCP, FLOW_REFUSED, FLOW_UDP, FLOW_UDP_REFUSED };
static const char *const kind_names[] = { "tcp", "closed port", "udp", "closed udp port" };
enum ending {
	END_ORDERLY, /* shutdown, read to the end, close */
	END_ABORT,   /* RST after some bytes were sent */
	END_EARLY,   /* close after some bytes were read, whatever there is still to read */
};
static const char *const ending_names[] = { "orderly", "abort", "early" };
/* How a connection begins: as ever; with sendto(MSG_FASTOPEN); with TCP_FASTOPEN_CONNECT, connect() and send(). */
enum opening { OPEN_PLAIN, OPEN_SENDTO, OPEN_LATE };
static const char *const opening_names[] = { "", " sendto()", " late" };
/* What the client knows of the server when it begins: what it has learned; the right cookie; one that is no longer right. */
enum cookie { COOKIE_LEARNED, COOKIE_RIGHT, COOKIE_EXPIRED };
enum op { OP_NONE, OP_CONNECT, OP_ACCEPT, OP_SEND, OP_RECV, OP_POLL_IN, OP_POLL_OUT };

struct end {
	struct flow *flow;
	struct host *host;
	struct socket *s;
	/* Plan */
	u64 key, to_send, stop_after;
	enum ending ending;
	u32 tx_hi, rx_hi; /* largest pieces */
	u32 pause_ppm;
	u64 pause_ns;
	int sndbuf, rcvbuf, keepidle, linger_s; /* 0: as it comes; keepidle -1: no keep-alive */
	bool nodelay, nonblock, peeks, waits_all, mores;
	struct rng tx, rx;
	/* What happened */
	u64 offered, sent, got;
	bool connected, fin, eof, rx_done, gone;
	int err;
	enum op op[2]; /* what the sender and the receiver sleep in */
	struct wait_queue_head wq;
};

struct flow {
	u32 id;
	enum flow_kind kind;
	u64 start_ns;
	u32 attempt;
	struct end end[2]; /* 0: who connects */
	enum opening opening;
	enum cookie cookie;
	bool new_key, old_key_too; /* the server changes its secret right before */
	struct rng fast;
	int result; /* of connect() to a closed port, or of a datagram there */
	u32 dgrams, dgrams_got;
	bool sender_done;
};

struct listener {
	struct socket *s;
	bool stopping, stopped;
};

static struct {
	struct flow flow[MAX_FLOWS];
	u32 nr_flows, live;
	struct wait_queue_head wq;
	struct listener listener[SIM_HOSTS];
	bool blocking_accept;
	u64 writers; /* calls that copy, so far; and under way */
	u32 writing;
	int backlog;
	u64 limit_ns;
} apps;

static struct end *other(const struct end *e)
{
	return &e->flow->end[e == &e->flow->end[0]];
}

static bool strict(const struct flow *f)
{
	return f->end[0].ending == END_ORDERLY && f->end[1].ending == END_ORDERLY && !world.starves;
}

const struct host *apps_first_client(const struct host **server, u16 *port, u64 *start_ns)
{
	for (u32 i = 0; i < apps.nr_flows; i++) {
		const struct flow *f = &apps.flow[i];

		if (f->kind != FLOW_TCP)
			continue;
		*server = f->end[1].host;
		*port = (u16)(CLIENT_PORT + i * MAX_ATTEMPTS);
		*start_ns = f->start_ns;
		return f->end[0].host;
	}
	return NULL;
}

u32 apps_flows(void)
{
	return apps.nr_flows;
}

/* --- Plan ------------------------------------------------------------------------------------------------------------------- */
static void plan_options(struct end *e, struct rng *r)
{
	bool small_snd = rng_ppm(r, 200000), small_rcv = rng_ppm(r, 250000),
	     lingers = rng_ppm(r, 100000);
	bool keeps = rng_ppm(r, 300000);

	e->sndbuf = (int)rng_log(r, 1, 100000);
	e->rcvbuf = (int)rng_log(r, 1, 100000);
	e->keepidle = (int)rng_between(r, 2, 40);
	e->linger_s = (int)rng_between(r, 1, 200);
	if (!small_snd)
		e->sndbuf = 0;
	if (!small_rcv)
		e->rcvbuf = 0;
	if (!lingers)
		e->linger_s = 0;
	if (!keeps)
		e->keepidle = 30;
	e->nodelay = rng_ppm(r, 300000);
	e->nonblock = rng_ppm(r, 250000);
	e->peeks = rng_ppm(r, 200000);
	e->waits_all = rng_ppm(r, 200000);
	e->mores = rng_ppm(r, 200000);
}

static void plan_end(struct flow *f, u32 side, struct rng *r, u64 largest)
{
	struct end *e = &f->end[side];
	bool sends = rng_ppm(r, 750000), pauses = rng_ppm(r, 300000);
	u32 how = rng_below(r, 100);
	struct rng key;

	e->flow = f;
	init_waitqueue_head(&e->wq);
	rng_stream(&key, sim_options.seed, "stream", f->id * 2 + side);
	e->key = rng_u64(&key);
	rng_stream(&e->tx, sim_options.seed, "send", f->id * 2 + side);
	rng_stream(&e->rx, sim_options.seed, "receive", f->id * 2 + side);
	e->to_send = rng_log(r, 1, largest);
	e->stop_after = rng_between(r, 0, largest);
	e->tx_hi = (u32)rng_log(r, 1, CHUNK_MAX);
	e->rx_hi = (u32)rng_log(r, 1, CHUNK_MAX);
	e->tx_hi = max(e->tx_hi, (u32)(e->to_send / 400 + 1)); /* not millions of calls */
	e->rx_hi = max(e->rx_hi, (u32)(largest / 400 + 1));
	e->pause_ppm = (u32)rng_log(r, 1000, 200000);
	e->pause_ns = rng_log(r, 10000, rng_ppm(r, 100000) ? 60 * NSEC_PER_SEC : 200 * MS);
	if (!sends)
		e->to_send = 0;
	if (!pauses)
		e->pause_ppm = 0;
	e->ending = how < 86 ? END_ORDERLY : how < 93 ? END_ABORT : END_EARLY;
	plan_options(e, r);
	e->waits_all &= e->ending != END_EARLY;
}

static void plan_flow(u32 id, bool swarm)
{
	struct flow *f = &apps.flow[id];
	u32 kind, from, to;
	u64 largest;
	struct rng r;

	rng_stream(&r, sim_options.seed, "plan", id + 1);
	f->id = id;
	kind = rng_below(&r, 100);
	f->kind = kind < 80   ? FLOW_TCP
		  : kind < 86 ? FLOW_REFUSED
		  : kind < 96 ? FLOW_UDP
			      : FLOW_UDP_REFUSED;
	from = rng_below(&r, world.nr_hosts);
	to = (from + 1 + rng_below(&r, world.nr_hosts - 1)) % world.nr_hosts;
	f->start_ns = rng_log(&r, 1000, swarm ? 200 * MS : 3 * NSEC_PER_SEC);
	largest = swarm ? 4096 : rng_ppm(&r, 60000) ? 524288 : 65536;
	plan_end(f, 0, &r, largest);
	plan_end(f, 1, &r, largest);
	f->end[0].host = &world.host[from];
	f->end[1].host = &world.host[to];
	f->dgrams = (u32)rng_log(&r, 1, 64);
}

static void plan_opening(struct flow *f)
{
	struct rng *r = &f->fast;
	bool plain, late;

	rng_stream(r, sim_options.seed, "fastopen", f->id + 1);
	plain = rng_ppm(r, 250000);
	late = rng_ppm(r, 400000);
	f->cookie = (enum cookie)rng_below(r, 3);
	f->new_key = rng_ppm(r, 100000);
	f->old_key_too = rng_ppm(r, 500000);
	if (world.fast && f->end[0].to_send && !plain)
		f->opening = late ? OPEN_LATE : OPEN_SENDTO;
}

void apps_plan(void)
{
	struct rng r;
	u32 profile;
	bool swarm;

	rng_stream(&r, sim_options.seed, "plan", 0);
	init_waitqueue_head(&apps.wq);
	profile = rng_below(&r, 100);
	swarm = profile >= 88;
	apps.nr_flows = profile < 65 ? (u32)rng_between(&r, 1, 4)
			: swarm      ? (u32)rng_between(&r, 16, MAX_FLOWS)
				     : (u32)rng_between(&r, 5, 12);
	apps.blocking_accept = rng_ppm(&r, 500000);
	apps.backlog = (int)rng_between(&r, 1, 16);
	for (u32 i = 0; i < apps.nr_flows; i++) {
		plan_flow(i, swarm);
		plan_opening(&apps.flow[i]);
	}
	apps.limit_ns = 900 * NSEC_PER_SEC + 16 * world.worst_cut_ns;
	for (u32 i = 0; i < apps.nr_flows; i++)
		for (u32 k = 0; k < 2; k++)
			apps.limit_ns += 400 * apps.flow[i].end[k].pause_ns +
					 (world.loses ? apps.flow[i].end[k].to_send * MS : 0);
}

void apps_print(void)
{
	for (u32 i = 0; i < apps.nr_flows; i++) {
		const struct flow *f = &apps.flow[i];

		printf(" flow %u: %s host%u > host%u at %llu us%s\n", i, kind_names[f->kind],
		       f->end[0].host->id, f->end[1].host->id,
		       (unsigned long long)f->start_ns / 1000, opening_names[f->opening]);
		for (u32 k = 0; k < 2 && f->kind == FLOW_TCP; k++) {
			const struct end *e = &f->end[k];

			printf("   %s sends %llu in pieces <= %u, reads <= %u, ends %s%s%s%s%s%s "
			       "sndbuf %d "
			       "rcvbuf %d keepidle %d linger %d pause %u ppm %llu us\n",
			       k ? "server" : "client", (unsigned long long)e->to_send, e->tx_hi,
			       e->rx_hi, ending_names[e->ending], e->nodelay ? " nodelay" : "",
			       e->nonblock ? " nonblock" : "", e->peeks ? " peeks" : "",
			       e->waits_all ? " waitall" : "", e->mores ? " more" : "", e->sndbuf,
			       e->rcvbuf, e->keepidle, e->linger_s, e->pause_ppm,
			       (unsigned long long)e->pause_ns / 1000);
		}
	}
}

static struct flow *flow_of_port(u16 cport, u32 *attempt)
{
	u32 n = cport - CLIENT_PORT;

	*attempt = n % MAX_ATTEMPTS;
	return cport >= CLIENT_PORT && n / MAX_ATTEMPTS < apps.nr_flows
		       ? &apps.flow[n / MAX_ATTEMPTS]
		       : NULL;
}

bool apps_stream_key(u16 cport, u16 sport, bool from_client, u64 *key)
{
	u32 attempt;
	const struct flow *f = flow_of_port(cport, &attempt);

	if (!f || f->kind != FLOW_TCP || sport != TCP_PORT)
		return false;
	*key = f->end[!from_client].key;
	return true;
}

/* --- Calls ------------------------------------------------------------------------------------------------------------------ */
static struct sockaddr_in address(const struct host *h, u32 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((u16)port),
				     .sin_addr = h->ip };
}

static void set_option(struct socket *s, int level, int opt, const void *v, u32 len)
{
	int err = level == SOL_SOCKET ? sock_setsockopt(s->sk, opt, v, len)
				      : s->ops->setsockopt(s, level, opt, v, len);

	if (err)
		sim_fail("call", "setsockopt(%d, %d): error %d", level, opt, err);
}

static void set_int_option(struct socket *s, int level, int opt, int v)
{
	set_option(s, level, opt, &v, sizeof(v));
}

static void options_before(struct end *e, struct socket *s)
{
	if (e->sndbuf)
		set_int_option(s, SOL_SOCKET, SO_SNDBUF, e->sndbuf);
	if (e->rcvbuf)
		set_int_option(s, SOL_SOCKET, SO_RCVBUF, e->rcvbuf);
	set_int_option(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int_option(s, SOL_TCP, TCP_KEEPIDLE, e->keepidle);
	set_int_option(s, SOL_TCP, TCP_NODELAY, e->nodelay);
}

static ssize_t put_to(struct socket *s, const void *p, size_t n, u32 flags, struct sockaddr_in *to)
{
	struct iovec v = { (void *)(unsigned long)p, n };
	struct msghdr m = { .msg_flags = flags };
	ssize_t r;

	m.msg_name = to;
	m.msg_namelen = to ? sizeof(*to) : 0;
	apps.writers++;
	apps.writing++;
	iov_iter_init(&m.msg_iter, &v, 1);
	r = s->ops->sendmsg(s, &m, n);
	apps.writing--;
	return r;
}

static ssize_t put(struct socket *s, const void *p, size_t n, u32 flags)
{
	return put_to(s, p, n, flags, NULL);
}

static ssize_t get(struct socket *s, void *p, size_t n, u32 flags)
{
	struct iovec v = { p, n };
	struct msghdr m = { 0 };

	iov_iter_init(&m.msg_iter, &v, 1);
	return s->ops->recvmsg(s, &m, n, flags);
}

static void pause_maybe(struct end *e, struct rng *r)
{
	u64 ns = rng_log(r, 1000, e->pause_ns);

	if (rng_ppm(r, e->pause_ppm))
		sleep_until(host_clock() + ns);
}

/* A thread must come: the kernel's own memory is not starved for that. */
static void start_thread(const char *name, void (*fn)(void *), void *arg)
{
	bool armed = faults_armed;

	faults_armed = false;
	if (!kthread_create(name, fn, arg))
		sim_fail("setup", "no thread");
	faults_armed = armed;
}

static void end_failed(struct end *e, const char *call, int err)
{
	trace((int)e->host->id, "flow %u %s: %s: error %d", e->flow->id,
	      e == &e->flow->end[0] ? "client" : "server", call, -err);
	if (!e->err)
		e->err = -err;
}

/* --- Receiving ---------------------------------------------------------------------------------------------------------------- */
static void judge_bytes(struct end *e, u8 *p, size_t n)
{
	const struct end *peer = other(e);
	size_t at;

	if (planted(PLANT_STREAM))
		p[n / 2] ^= 1;
	at = pattern_differs(peer->key, e->got, p, n);
	if (at != n)
		sim_fail("stream", "flow %u: byte %llu is not what was sent", e->flow->id,
			 (unsigned long long)(e->got + at));
	if (e->got + n > peer->offered)
		sim_fail("stream", "flow %u: %llu bytes arrived, %llu were sent", e->flow->id,
			 (unsigned long long)(e->got + n), (unsigned long long)peer->offered);
}

static void judge_eof(struct end *e)
{
	const struct end *peer = other(e);
	u64 got = e->got - (planted(PLANT_SHORT) ? 1 : 0);

	if (e->err) /* the sender was told of the error, so the stream just stops here */
		return;
	e->eof = true;
	if (!peer->fin || got != peer->sent)
		sim_fail("end", "flow %u: the stream ends after %llu bytes, %llu were sent%s",
			 e->flow->id, (unsigned long long)got, (unsigned long long)peer->sent,
			 peer->fin ? "" : " and it was not closed");
}

/* What is said to be there, and what is said to be on its way, was sent. */
static void judge_inq(const struct end *e)
{
	u64 inq_most = other(e)->offered - e->got,
	    outq_most = e->offered + 2; /* SYN-ACK of Fast Open, FIN */
	int inq = 0, outq = 0;

	midcall_soon(16);
	if (e->s->ops->ioctl(e->s, FIONREAD, &inq) || e->s->ops->ioctl(e->s, SIOCOUTQ, &outq))
		sim_fail("call", "flow %u: no ioctl()", e->flow->id);
	inq += planted(PLANT_INQ) ? INT32_MAX / 2 : 0;
	if (inq < 0 || (u64)inq > inq_most || outq < 0 || (u64)outq > outq_most)
		sim_fail("inq",
			 "flow %u: %d bytes to be read, %llu at the most; %d on their way, %llu at "
			 "the most",
			 e->flow->id, inq, (unsigned long long)inq_most, outq,
			 (unsigned long long)outq_most);
}

/* One call. Return: false at the end of the stream, for good or bad. */
static bool receive_some(struct end *e, u8 *buf)
{
	u32 n = (u32)rng_log(&e->rx, 1, e->rx_hi), dice = rng_below(&e->rx, 100);
	bool peek = e->peeks && dice < 30, all = e->waits_all && dice >= 30 && dice < 70;
	u32 flags =
		(peek ? MSG_PEEK : 0) | (all ? MSG_WAITALL : 0) | (e->nonblock ? MSG_DONTWAIT : 0);
	ssize_t r;

	judge_inq(e);
	e->op[1] = OP_RECV;
	r = get(e->s, buf, n, flags);
	if (r == -EAGAIN && e->nonblock) {
		e->op[1] = OP_POLL_IN;
		(void)wait_event_until(&e->s->sk->sk_wq,
				       e->s->ops->poll(e->s) & (POLLIN | POLLHUP | POLLERR),
				       WAIT_FOREVER);
		e->op[1] = OP_NONE;
		return true;
	}
	e->op[1] = OP_NONE;
	if (tracing())
		trace((int)e->host->id, "flow %u recv(%u, %x) = %zd", e->flow->id, n, flags, r);
	if (r < 0) {
		end_failed(e, "recv", (int)r);
		return false;
	}
	if (r == 0) {
		judge_eof(e);
		return false;
	}
	judge_bytes(e, buf, (size_t)r);
	if (!peek)
		e->got += (u64)r;
	sim_result.bytes += peek ? 0 : (u64)r;
	return true;
}

/* An early end stops in the middle, or with the last byte that the other has to send: the two must not wait for each other. */
static bool wants_more(const struct end *e)
{
	return e->ending != END_EARLY || e->got < min(e->stop_after, other(e)->to_send);
}

static void receiver(void *arg)
{
	struct end *e = arg;
	u8 *buf = malloc(e->rx_hi);

	if (!buf)
		abort();
	while (wants_more(e) && receive_some(e, buf))
		pause_maybe(e, &e->rx);
	free(buf);
	e->rx_done = true;
	wake_up(&e->wq);
}

/*
 * What TCP takes is copied once, and is new in the stream, byte for byte; a refused call copies nothing. While the call slept
 * others may have copied: then only the stream is judged.
 */
static ssize_t put_counted(const struct end *e, const u8 *buf, u32 n, u32 flags)
{
	const struct tcp_sock *tp = tcp_sk(e->s->sk);
	u64 copied = skb_stats.copied_tx, writer = apps.writers + 1;
	u32 seq = tp->write_seq, took;
	bool alone = !apps.writing;
	ssize_t r = put(e->s, buf, n, flags);

	took = r > 0 ? (u32)r : 0;
	copied = skb_stats.copied_tx - copied;
	if (alone && apps.writers == writer && copied + (planted(PLANT_COPIED) ? 1 : 0) != took)
		sim_fail("copied", "flow %u: %llu bytes were copied, send() took %u", e->flow->id,
			 (unsigned long long)copied, took);
	if (tp->write_seq - seq != took && e->s->sk->sk_state != TCP_CLOSE)
		sim_fail("copied", "flow %u: the stream grew by %u bytes, send() took %u",
			 e->flow->id, tp->write_seq - seq, took);
	return r;
}

/* --- Sending -------------------------------------------------------------------------------------------------------------------- */
/* One call. Return: false when no more is to be sent, or can be. */
static bool send_some(struct end *e, u8 *buf)
{
	u64 left = e->to_send - e->sent;
	u32 n = (u32)min_t(u64, left, rng_log(&e->tx, 1, e->tx_hi));
	bool more = e->mores && rng_ppm(&e->tx, 400000);
	u32 flags = (more ? MSG_MORE : 0) | (e->nonblock ? MSG_DONTWAIT : 0);
	ssize_t r;

	if (!n)
		return false;
	pattern_fill(e->key, e->sent, buf, n);
	e->offered = e->sent + n;
	e->op[0] = OP_SEND;
	r = put_counted(e, buf, n, flags);
	if (r == -EAGAIN && e->nonblock) {
		e->op[0] = OP_POLL_OUT;
		(void)wait_event_until(&e->s->sk->sk_wq,
				       e->s->ops->poll(e->s) & (POLLOUT | POLLHUP | POLLERR),
				       WAIT_FOREVER);
		e->op[0] = OP_NONE;
		return true;
	}
	e->op[0] = OP_NONE;
	if (tracing())
		trace((int)e->host->id, "flow %u send(%u, %x) = %zd", e->flow->id, n, flags, r);
	if (r < 0) {
		end_failed(e, "send", (int)r);
		return false;
	}
	e->sent += (u64)r;
	e->offered = e->sent;
	return !(e->ending == END_ABORT && e->sent >= e->stop_after);
}

/* RST, whatever the receiver does: it sleeps in a call that ends now. */
static void abort_connection(struct end *e)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct linger now = { .l_onoff = 1 };

	trace((int)e->host->id, "flow %u aborts", e->flow->id);
	if (e->rx_done)
		set_option(e->s, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	else
		(void)e->s->ops->connect(e->s, &unspec, sizeof(unspec), 0);
}

static void close_end(struct end *e)
{
	struct linger linger = { .l_onoff = 1, .l_linger = e->linger_s };
	struct socket *s = e->s;

	if (e->ending == END_ORDERLY && e->linger_s)
		set_option(e->s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	trace((int)e->host->id, "flow %u close()", e->flow->id);
	e->s = NULL;
	e->gone = true;
	if (e == &e->flow->end[0]) {
		sock_release(s);
	} else {
		s->ops->release(s);
		free(s);
	}
}

/* The life of a connected end: this thread sends, another receives. */
static void converse(struct end *e)
{
	u8 *buf = malloc(e->tx_hi);

	if (!buf)
		abort();
	e->connected = true;
	start_thread("receiver", receiver, e);
	while (send_some(e, buf))
		pause_maybe(e, &e->tx);
	free(buf);
	if (e->ending == END_ABORT) {
		abort_connection(e);
	} else if (e->ending == END_ORDERLY && !e->err) {
		int err;

		e->fin = true;
		err = e->s->ops->shutdown(e->s, SHUT_WR);
		if (err)
			end_failed(e, "shutdown", err);
	}
	(void)wait_event_until(&e->wq, e->rx_done, WAIT_FOREVER);
	if (e->ending != END_ABORT)
		e->fin = true; /* if nothing is left unread, close() is an orderly one */
	close_end(e);
}

static void flow_ended(void)
{
	apps.live--;
	wake_up(&apps.wq);
}

/* --- Clients and servers -------------------------------------------------------------------------------------------------------- */
static int wait_connected(struct end *e)
{
	struct socket *s = e->s;
	int err = 0;
	u32 len = sizeof(err);

	e->op[0] = OP_CONNECT;
	(void)wait_event_until(&s->sk->sk_wq, s->ops->poll(s) & (POLLOUT | POLLHUP | POLLERR),
			       WAIT_FOREVER);
	e->op[0] = OP_NONE;
	(void)sock_getsockopt(s->sk, SO_ERROR, &err, &len);
	return -err;
}

static void drop_socket(struct end *e)
{
	struct socket *s = e->s;

	e->s = NULL;
	sock_release(s);
}

/* --- Fast Open: the first data come with the SYN ----------------------------------------------------------------------- */
static void change_key(const struct flow *f, struct rng *r)
{
	struct net *net = f->end[1].host->net;
	const struct siphash_key *k = &net->tcp->fo_keys.key[0];
	u64 hi = rng_u64(r), lo = rng_u64(r);
	char text[80];
	int n = snprintf(text, sizeof(text), "%08x-%08x-%08x-%08x", (u32)hi, (u32)(hi >> 32),
			 (u32)lo, (u32)(lo >> 32));

	if (f->old_key_too)
		snprintf(text + n, sizeof(text) - (size_t)n, ",%08x-%08x-%08x-%08x", (u32)k->k0,
			 (u32)(k->k0 >> 32), (u32)k->k1, (u32)(k->k1 >> 32));
	if (tcp_sysctl_set(net, "tcp_fastopen_key", text))
		sim_fail("setup", "tcp_fastopen_key: %s", text);
}

/* The client has been there before; or long ago, and the cookie is stale. */
static void give_cookie(const struct flow *f)
{
	const struct host *server = f->end[1].host, *client = f->end[0].host;
	struct tcp_fastopen_cookie foc = { 0 };

	if (f->cookie == COOKIE_LEARNED)
		return;
	tcp_fastopen_cookie_gen(&server->net->tcp->fo_keys.key[0], client->ip, server->ip, &foc);
	foc.there = true;
	foc.val[0] ^= f->cookie == COOKIE_EXPIRED;
	local_bh_disable();
	tcp_fastopen_learn(client->net->tcp, server->ip, (u16)(server->dev->mtu - 40), &foc);
	local_bh_enable();
}

/* TCP_FASTOPEN_CONNECT: 0 when the SYN waits for data; 1 when the connection opens as ever; an error. */
static int connect_late(struct end *e, const struct sockaddr_in *to)
{
	int err;

	set_int_option(e->s, SOL_TCP, TCP_FASTOPEN_CONNECT, 1);
	e->op[0] = OP_CONNECT;
	err = e->s->ops->connect(e->s, (const struct sockaddr *)to, sizeof(*to),
				 e->nonblock ? O_NONBLOCK : 0);
	e->op[0] = OP_NONE;
	if (err == -EINPROGRESS)
		err = wait_connected(e);
	if (err)
		return err;
	return e->s->sk->inet_defer_connect ? 0 : 1;
}

/* What the SYN took is sent, whatever becomes of the SYN: when the connection opens at all, it arrives, once. */
static int open_fast(struct end *e, struct sockaddr_in *to)
{
	struct flow *f = e->flow;
	u32 most = min(e->tx_hi, 3000u), n = (u32)rng_log(&f->fast, 1, min((u64)most, e->to_send));
	int err = f->opening == OPEN_LATE ? connect_late(e, to) : 0;
	u32 flags = (e->nonblock ? MSG_DONTWAIT : 0) | (f->opening == OPEN_LATE ? 0 : MSG_FASTOPEN);
	u8 buf[3000];
	ssize_t r;

	if (err)
		return min(err, 0);
	pattern_fill(e->key, 0, buf, n);
	e->offered = max(e->offered, (u64)n);
	r = put_to(e->s, buf, n, flags, f->opening == OPEN_LATE ? NULL : to);
	trace((int)e->host->id, "flow %u first send(%u, %x) = %zd", f->id, n, flags, r);
	if (r < 0 && r != -EINPROGRESS)
		return (int)r;
	e->sent = r < 0 ? 0 : (u64)r;
	err = e->s->sk->sk_state == TCP_SYN_SENT ? wait_connected(e) : 0;
	if (err)
		e->sent = 0;
	return err;
}

static bool opens_fast(const struct end *e)
{
	return e->flow->opening != OPEN_PLAIN && e->host->net->tcp->fastopen & TFO_CLIENT_ENABLE;
}

static int try_connect(struct end *e, u32 port, u32 from_port)
{
	struct sockaddr_in to = address(other(e)->host, port), from = address(e->host, from_port);
	int err = sock_create_kern(e->host->net, AF_INET, SOCK_STREAM, 0, &e->s);

	if (err)
		return err;
	options_before(e, e->s);
	from.sin_addr = 0;
	err = kernel_bind(e->s, &from);
	if (!err && port == TCP_PORT && opens_fast(e)) {
		err = open_fast(e, &to);
	} else if (!err) {
		e->op[0] = OP_CONNECT;
		err = e->s->ops->connect(e->s, (const struct sockaddr *)&to, sizeof(to),
					 e->nonblock ? O_NONBLOCK : 0);
		e->op[0] = OP_NONE;
	}
	if (err == -EINPROGRESS)
		err = wait_connected(e);
	trace((int)e->host->id, "flow %u connect() = %d", e->flow->id, err);
	if (err)
		drop_socket(e);
	return err;
}

static void client(void *arg)
{
	struct flow *f = arg;
	struct end *e = &f->end[0];
	int err = -ETIMEDOUT;

	sleep_until(host_clock() + f->start_ns);
	if (f->new_key && world.fast)
		change_key(f, &f->fast);
	if (opens_fast(e))
		give_cookie(f);
	for (; f->attempt < MAX_ATTEMPTS; f->attempt++) {
		err = try_connect(e, TCP_PORT, CLIENT_PORT + f->id * MAX_ATTEMPTS + f->attempt);
		if (!err)
			break;
		if (!world.loses && !world.starves)
			break;
		if (f->attempt + 1 == MAX_ATTEMPTS)
			break;
		sleep_until(host_clock() + (1u << min(f->attempt, 6u)) * NSEC_PER_SEC);
	}
	if (err)
		end_failed(e, "connect", err);
	else
		converse(e);
	flow_ended();
}

static void refused_client(void *arg)
{
	struct flow *f = arg;
	struct end *e = &f->end[0];

	sleep_until(host_clock() + f->start_ns);
	f->result = try_connect(e, CLOSED_PORT, CLIENT_PORT + f->id * MAX_ATTEMPTS);
	if (e->s)
		sim_fail("call", "flow %u: connect() to a closed port succeeded", f->id);
	flow_ended();
}

static void server(void *arg)
{
	struct end *e = arg;

	options_before(e, e->s);
	converse(e);
	flow_ended();
}

/* Whose connection is this? Not the current attempt's: nobody wants it any more. */
static void accepted(struct socket *s)
{
	u32 attempt;
	struct flow *f = flow_of_port(ntohs(s->sk->sk_dport), &attempt);

	if (!f || attempt != f->attempt || f->end[1].s || f->end[1].gone) {
		s->ops->release(s);
		free(s);
		return;
	}
	f->end[1].s = s;
	apps.live++;
	trace((int)f->end[1].host->id, "flow %u accepted", f->id);
	start_thread("server", server, &f->end[1]);
}

static void listen_loop(void *arg)
{
	struct listener *l = arg;

	while (!l->stopping) {
		struct socket *s = calloc(1, sizeof(*s));
		int err;

		if (!s)
			abort();
		if (!apps.blocking_accept)
			(void)wait_event_until(&l->s->sk->sk_wq,
					       l->stopping || l->s->ops->poll(l->s) & POLLIN,
					       WAIT_FOREVER);
		err = l->s->ops->accept(l->s, s, apps.blocking_accept ? 0 : O_NONBLOCK);
		if (!err) {
			accepted(s);
			continue;
		}
		free(s);
		if (!l->stopping && err != -EAGAIN && !world.starves)
			sim_fail("call", "accept(): error %d", err);
	}
	sock_release(l->s);
	l->s = NULL;
	l->stopped = true;
	wake_up(&apps.wq);
}

static void listen_at(u32 i)
{
	struct listener *l = &apps.listener[i];
	struct sockaddr_in a = address(&world.host[i], TCP_PORT);
	int err = sock_create_kern(world.host[i].net, AF_INET, SOCK_STREAM, 0, &l->s);

	err = err ? err : kernel_bind(l->s, &a);
	if (!err && world.fast) {
		struct rng r;

		rng_stream(&r, sim_options.seed, "fastopen", 2000 + i);
		set_int_option(l->s, SOL_TCP, TCP_FASTOPEN, (int)rng_below(&r, 6));
	}
	err = err ? err : l->s->ops->listen(l->s, apps.backlog);
	if (err)
		sim_fail("setup", "no listener: error %d", err);
	start_thread("listener", listen_loop, l);
}

/* --- Datagrams -------------------------------------------------------------------------------------------------------------------- */
struct dgram_head {
	u32 flow, nr, len;
};

/* Too large for the threads' stacks. */
static u8 dgram_out[MAX_FLOWS][UDP_MAX], dgram_in[MAX_FLOWS][UDP_MAX], dgram_want[UDP_MAX];

static void dgram_fill(const struct end *e, u32 nr, u8 *buf, u32 len)
{
	struct dgram_head head = { e->flow->id, nr, len };

	pattern_fill(e->key ^ nr, 0, buf, len);
	memcpy(buf, &head, min_t(size_t, len, sizeof(head)));
}

static int udp_socket(struct end *e, u32 port, const struct end *peer, u32 peer_port)
{
	struct sockaddr_in from = address(e->host, port), to = address(peer->host, peer_port);
	int err = sock_create_kern(e->host->net, AF_INET, SOCK_DGRAM, 0, &e->s);

	if (err)
		return err;
	err = kernel_bind(e->s, &from);
	return err ? err : e->s->ops->connect(e->s, (const struct sockaddr *)&to, sizeof(to), 0);
}

static void udp_sender(void *arg)
{
	struct flow *f = arg;
	struct end *e = &f->end[0];
	bool refused = f->kind == FLOW_UDP_REFUSED;
	int err =
		udp_socket(e, UDP_FROM + f->id, &f->end[1], refused ? CLOSED_PORT : UDP_TO + f->id);
	u8 *buf = dgram_out[f - apps.flow];

	sleep_until(host_clock() + f->start_ns);
	for (u32 i = 0; !err && i < f->dgrams; i++) {
		/* Some in many fragments, which share one fate. */
		u32 most = rng_ppm(&e->tx, 150000) ? UDP_MAX
						   : min_t(u32, UDP_MAX, e->host->dev->mtu - 28);
		u32 len = (u32)rng_between(&e->tx, refused ? 0 : sizeof(struct dgram_head), most);
		ssize_t r;

		dgram_fill(e, i, buf, len);
		r = put(e->s, buf, len, 0);
		if (tracing())
			trace((int)e->host->id, "flow %u send(%u) = %zd", f->id, len, r);
		if (r == (ssize_t)len)
			e->sent++;
		else if (r == -ECONNREFUSED)
			f->result = (int)r;
		else if (r != -ENOBUFS && !(world.starves && (r == -ENOMEM || r == -EINVAL)) &&
			 !(world.loses && r == -EHOSTUNREACH))
			sim_fail("call", "flow %u: send of %u bytes = %zd", f->id, len, r);
		sleep_until(host_clock() + rng_log(&e->tx, 1000, 50 * MS));
	}
	sleep_until(host_clock() + 5 * NSEC_PER_SEC);
	if (e->s)
		drop_socket(e);
	f->sender_done = true;
	if (f->end[1].s)
		wake_up(&f->end[1].s->sk->sk_wq);
	flow_ended();
}

/* One datagram: whole, as one of those that were sent; or cut, with its true length when that is asked for. */
static void judge_dgram(struct flow *f, const u8 *buf, u32 room, ssize_t r, u32 flags)
{
	const struct end *from = &f->end[0];
	struct dgram_head head;
	u8 *want = dgram_want;
	u32 have;

	if (r < (ssize_t)sizeof(head))
		sim_fail("datagram", "flow %u: %zd bytes", f->id, r);
	memcpy(&head, buf, sizeof(head));
	if (head.flow != f->id || head.nr >= f->dgrams || head.len > UDP_MAX)
		sim_fail("datagram", "flow %u: nobody sent this one", f->id);
	have = min(head.len, room);
	if (r != (ssize_t)(flags & MSG_TRUNC ? head.len : have))
		sim_fail("datagram", "flow %u: %u bytes were sent, recv() says %zd", f->id,
			 head.len, r);
	dgram_fill(from, head.nr, want, head.len);
	if (memcmp(want, buf, have) != 0)
		sim_fail("datagram", "flow %u: datagram %u is not what was sent", f->id, head.nr);
	f->dgrams_got++;
	sim_result.bytes += have;
}

static void udp_receiver(void *arg)
{
	struct flow *f = arg;
	struct end *e = &f->end[1];
	u8 *buf = dgram_in[f - apps.flow];

	while (!f->sender_done) {
		u32 room = (u32)rng_between(&e->rx, sizeof(struct dgram_head), UDP_MAX);
		u32 flags = MSG_DONTWAIT | (rng_ppm(&e->rx, 200000) ? MSG_TRUNC : 0) |
			    (rng_ppm(&e->rx, 100000) ? MSG_PEEK : 0);
		ssize_t r = get(e->s, buf, room, flags);

		if (tracing())
			trace((int)e->host->id, "flow %u recv(%u, %x) = %zd", f->id, room, flags,
			      r);
		if (r >= 0 && flags & MSG_PEEK)
			continue;
		if (r >= 0)
			judge_dgram(f, buf, room, r, flags);
		else if (r == -EAGAIN)
			(void)wait_event_until(&e->s->sk->sk_wq,
					       f->sender_done || e->s->ops->poll(e->s) & POLLIN,
					       WAIT_FOREVER);
		else if (!(r == -ENOMEM && world.starves))
			sim_fail("call", "flow %u: recv() = %zd", f->id, r);
	}
	drop_socket(e);
	flow_ended();
}

static void start_udp(struct flow *f)
{
	struct end *e = &f->end[1];
	int err;

	if (f->kind == FLOW_UDP) {
		bool armed = faults_armed;

		faults_armed = false;
		err = udp_socket(e, UDP_TO + f->id, &f->end[0], UDP_FROM + f->id);
		faults_armed = armed;
		if (err)
			sim_fail("setup", "no UDP socket: error %d", err);
		apps.live++;
		start_thread("udp receiver", udp_receiver, f);
	}
	start_thread("udp sender", udp_sender, f);
}

/* --- All of them ------------------------------------------------------------------------------------------------------------------- */
static void wait_all(void)
{
	u64 limit = host_clock() + apps.limit_ns;

	do {
		(void)wait_event_until(&apps.wq, apps.live == 0, limit);
		if (apps.live) {
			for (u32 i = 0; i < apps.nr_flows; i++)
				for (u32 k = 0; k < 2; k++) {
					const struct end *e = &apps.flow[i].end[k];

					if (e->s)
						trace(-1,
						      "flow %u %s: sent %llu of %llu, got %llu, op "
						      "%d %d state %d",
						      i, k ? "server" : "client",
						      (unsigned long long)e->sent,
						      (unsigned long long)e->to_send,
						      (unsigned long long)e->got, e->op[0],
						      e->op[1], e->s->sk->sk_state);
				}
			sim_fail("progress", "%u applications did not end in %llu s", apps.live,
				 (unsigned long long)(apps.limit_ns / NSEC_PER_SEC));
		}
		sleep_until(host_clock() +
			    5 * NSEC_PER_SEC); /* a connection may wait to be accepted */
	} while (apps.live);
}

void apps_run(void)
{
	static void (*const start[])(void *) = { client, refused_client, NULL, NULL };
	bool armed = faults_armed;

	faults_armed = false;
	for (u32 i = 0; i < world.nr_hosts; i++)
		listen_at(i);
	faults_armed = armed;
	for (u32 i = 0; i < apps.nr_flows; i++) {
		struct flow *f = &apps.flow[i];

		apps.live++;
		if (start[f->kind])
			start_thread("client", start[f->kind], f);
		else
			start_udp(f);
	}
	wait_all();
	for (u32 i = 0; i < world.nr_hosts; i++) {
		struct listener *l = &apps.listener[i];

		l->stopping = true;
		if (apps.blocking_accept)
			(void)l->s->ops->shutdown(l->s, SHUT_RDWR);
		else
			wake_up(&l->s->sk->sk_wq);
		(void)wait_event_until(&apps.wq, l->stopped, WAIT_FOREVER);
	}
}

/* --- Judgement ---------------------------------------------------------------------------------------------------------------------- */
static bool error_allowed(const struct flow *f, int err)
{
	switch (err) {
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return !strict(f);
	case ENOMEM:
	case ENOBUFS:
	case ENFILE:
		return world.starves;
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ECONNREFUSED:
		return world.starves || (world.loses && !strict(f));
	default:
		return false;
	}
}

static void judge_tcp(const struct flow *f)
{
	/* Where frames are lost a request may go because the way back was not found: the client hears of that late. */
	if (world.loses && !f->end[1].connected && f->end[0].err == ECONNRESET)
		return;
	for (u32 k = 0; k < 2; k++) {
		const struct end *e = &f->end[k];

		if (e->err && !error_allowed(f, e->err))
			sim_fail("error", "flow %u %s: error %d", f->id, k ? "server" : "client",
				 e->err);
		if (strict(f) && !(e->connected && e->sent == e->to_send && e->eof))
			sim_fail("complete", "flow %u %s: sent %llu of %llu, got %llu%s", f->id,
				 k ? "server" : "client", (unsigned long long)e->sent,
				 (unsigned long long)e->to_send, (unsigned long long)e->got,
				 e->connected ? "" : ", never connected");
	}
}

static void judge_refused(const struct flow *f)
{
	bool fine = f->result == -ECONNREFUSED;

	if (world.loses || world.starves)
		fine |= f->result == -ETIMEDOUT || f->result == -EHOSTUNREACH;
	if (world.starves)
		fine |= f->result == -ENOMEM || f->result == -ENOBUFS || f->result == -ENFILE;
	if (!fine)
		sim_fail("error", "flow %u: connect() to a closed port: %d", f->id, f->result);
}

static void judge_udp(const struct flow *f)
{
	if (f->dgrams_got > f->end[0].sent && !world.doubles)
		sim_fail("datagram", "flow %u: %u arrived, %llu were sent", f->id, f->dgrams_got,
			 (unsigned long long)f->end[0].sent);
}

/*
 * How many datagrams may be missing: nobody promises that one arrives, but each that does not has ended somewhere, and
 * was counted there. Only first causes: pieces that time out were left behind by one that was lost.
 */
static u64 dgrams_given_up(void)
{
	static const enum skb_drop_reason first[] = {
		SKB_DROP_REASON_NEIGH_FAILED,    SKB_DROP_REASON_QDISC_DROP,
		SKB_DROP_REASON_QDISC_CONGESTED, SKB_DROP_REASON_QDISC_RESET,
		SKB_DROP_REASON_IP_FRAG_EVICTED, SKB_DROP_REASON_IP_FRAG_ABANDONED,
		SKB_DROP_REASON_SOCKET_RCVBUFF,  SKB_DROP_REASON_SOCKET_CLOSE,
	};
	u64 n = oracle_lost();

	for (u32 i = 0; i < ARRAY_SIZE(first); i++)
		n += skb_stats.drop[first[i]];
	return n;
}

/* Of all flows together: the counters do not say whose packets they counted. */
static void judge_missing(void)
{
	u64 missing = planted(PLANT_VANISHED) ? 1 : 0, given_up = dgrams_given_up();

	for (u32 i = 0; i < apps.nr_flows; i++) {
		const struct flow *f = &apps.flow[i];

		if (f->kind == FLOW_UDP && f->end[0].sent > f->dgrams_got)
			missing += f->end[0].sent - f->dgrams_got;
	}
	/* Allocations that fail and cards that misbehave lose packets in ways that other counters tell. */
	if (missing > given_up && !world.starves && !world.breaks)
		sim_fail("datagram", "%llu did not arrive, %llu packets and frames were given up",
			 (unsigned long long)missing, (unsigned long long)given_up);
}

void apps_judge(void)
{
	for (u32 i = 0; i < apps.nr_flows; i++) {
		const struct flow *f = &apps.flow[i];

		if (f->kind == FLOW_TCP)
			judge_tcp(f);
		else if (f->kind == FLOW_REFUSED)
			judge_refused(f);
		else
			judge_udp(f);
	}
	judge_missing();
}

/* --- Who sleeps although he could go on ---------------------------------------------------------------------------------------------- */
static bool readable(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return tp->rcv_nxt - tp->copied_seq - (tp->fin_rcvd ? 1 : 0) || sk->sk_err ||
	       (sk->sk_shutdown & RCV_SHUTDOWN) || sk->sk_state == TCP_CLOSE;
}

static bool writeable(const struct sock *sk)
{
	return sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) ||
	       (sk_stream_is_writeable(sk) && !world.starves);
}

static bool could_go_on(const struct sock *sk, enum op op)
{
	switch (op) {
	case OP_CONNECT:
		return sk->sk_state != TCP_SYN_SENT && sk->sk_state != TCP_SYN_RECV;
	case OP_RECV:
	case OP_POLL_IN:
		return readable(sk);
	case OP_SEND:
	case OP_POLL_OUT:
		return writeable(sk);
	default:
		return false;
	}
}

static void swallow(struct sock *sk)
{
	(void)sk;
}

static void end_step(struct end *e)
{
	static const char *const names[] = { "",       "connect()",    "accept()",     "send()",
					     "recv()", "poll(POLLIN)", "poll(POLLOUT)" };

	for (u32 t = 0; t < 2 && e->s; t++) {
		struct sock *sk = e->s->sk;

		if (e->op[t] == OP_NONE || sk->sk_owned)
			continue;
		if (e->op[t] == OP_RECV && sk->sk_state == TCP_ESTABLISHED && planted(PLANT_WAKEUP))
			sk->sk_data_ready = swallow;
		if (could_go_on(sk, e->op[t]))
			sim_fail("wakeup", "flow %u %s sleeps in %s and could go on", e->flow->id,
				 e == &e->flow->end[0] ? "client" : "server", names[e->op[t]]);
	}
}

void apps_step(void)
{
	for (u32 i = 0; i < apps.nr_flows; i++)
		if (apps.flow[i].kind == FLOW_TCP) {
			end_step(&apps.flow[i].end[0]);
			end_step(&apps.flow[i].end[1]);
		}
	for (u32 i = 0; i < world.nr_hosts; i++) {
		const struct listener *l = &apps.listener[i];

		if (l->s && !list_empty(&tcp_sk(l->s->sk)->accept_queue) && !l->s->sk->sk_owned)
			sim_fail("wakeup", "host%u: accept() sleeps and could go on", i);
	}
}
