// SPDX-License-Identifier: MIT
/*
 * Experiments: worlds that are built for one question, and answered with a figure. The seed decides what chance decides in
 * them (keys, ports, jitter, which frame is lost); everything else is the experiment's.
 *
 *   fair_cubic, fair_reno   two flows share a bottleneck within 10 %
 *   growth                  CUBIC's window follows RFC 9438's formula within 5 % after a loss
 *   floor                   10 % of all frames are lost: how much still arrives
 *   silence                 3 % are lost on a path of a fifth of a millisecond: no gap as long as a timeout
 *   heal_timer, heal_peer   after a partition of 30 s data flows again when the timer that was running fires; at the peer's first segment
 *   bbr_alone, bbr_loss, bbr_fair, bbr_beside, heal_bbr, bbr_change, bbr_late   what BBR promises (below)
 *   many                    connections opened, used and closed, --count of them: everything is given back
 *   fastopen                data in SYNs that are lost and doubled
 *   mtu                     a hop drops what is large and says nothing: how large segments may be is found out, and slows nobody down
 *
 * Each of them proves that it can fail: --plant (sim.h) makes a flow greedy, a timer late, a socket forgotten, and the experiment must
 * say so (tests/sim/run, LAB_PLANTS).
 *
 * Interface: lab_find, lab_plan, lab_run (world.h).
 * Above: world.c. Below: <net/socket.h>, <kernel/sched.h>, wire.c by struct link.
 * Context: process. Owns: its sockets.
 */
#include "world.h"

#include <kernel/mm.h>

#include <math.h>

#define LAB_PORT 6000u
#define FLOWS    2u
#define CHUNK    65536u
#define SAMPLE   (100 * MS)
#define FAR_AWAY (3600 * NSEC_PER_SEC)
#define LATE_NS  (20 * MS)

/* One flow: a sender that always has more, a receiver that reads all. */
struct bulk {
	struct host *from, *to;
	u16 port;
	const char *cc;
	u64 until_ns;   /* the sender stops */
	u32 late_bytes; /* it gives so much and rests; 0: it always has more */
	struct socket *listener, *out, *in;
	u64 got, last_ns,
		gap_ns; /* of the receiver: bytes, the last ones, the longest time without */
	u32 ended;
	struct wait_queue_head wq;
};

static struct bulk bulk[FLOWS];
static u8 zeros[CHUNK], dump[CHUNK];

static void must_not(const char *what, int err)
{
	if (err)
		sim_fail("lab", "%s: error %d", what, err);
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	printf("# %s seed %llu: ", sim_options.lab, (unsigned long long)sim_options.seed);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* --- Sockets -------------------------------------------------------------------------------------------------------------- */
static struct sockaddr_in at(const struct host *h, u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = h->ip };
}

static ssize_t send_to(struct socket *s, const void *p, size_t n, u32 flags, struct sockaddr_in *to)
{
	struct iovec v = { (void *)(unsigned long)p, n };
	struct msghdr m = { .msg_flags = flags };

	if (to) {
		m.msg_name = to;
		m.msg_namelen = sizeof(*to);
	}
	iov_iter_init(&m.msg_iter, &v, 1);
	return s->ops->sendmsg(s, &m, n);
}

static ssize_t take(struct socket *s, void *p, size_t n, u32 flags)
{
	struct iovec v = { p, n };
	struct msghdr m = { 0 };

	iov_iter_init(&m.msg_iter, &v, 1);
	return s->ops->recvmsg(s, &m, n, flags);
}

static struct socket *new_socket(const struct host *h)
{
	struct socket *s = NULL;

	must_not("socket", sock_create_kern(h->net, AF_INET, SOCK_STREAM, 0, &s));
	return s;
}

static struct socket *listen_at(const struct host *h, u16 port, int backlog)
{
	struct socket *s = new_socket(h);
	struct sockaddr_in a = at(h, port);

	must_not("bind", kernel_bind(s, &a));
	must_not("listen", s->ops->listen(s, backlog));
	return s;
}

static struct socket *accept_from(struct socket *l, u32 flags)
{
	struct socket *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	if (l->ops->accept(l, s, flags)) {
		free(s);
		return NULL;
	}
	return s;
}

static void drop_accepted(struct socket *s)
{
	s->ops->release(s);
	free(s);
}

static void thread(const char *name, void (*fn)(void *), void *arg)
{
	if (!kthread_create(name, fn, arg))
		sim_fail("lab", "no thread");
}

static void rest(u64 ns)
{
	sleep_until(host_clock() + ns);
}

/* --- Bulk flows ----------------------------------------------------------------------------------------------------------- */
static void bulk_sender(void *arg)
{
	struct bulk *b = arg;

	while (host_clock() < b->until_ns &&
	       send_to(b->out, zeros, b->late_bytes ? b->late_bytes : CHUNK, 0, NULL) > 0)
		if (b->late_bytes)
			rest(LATE_NS);
	must_not("shutdown", b->out->ops->shutdown(b->out, SHUT_WR));
	b->ended++;
	wake_up(&b->wq);
}

static void bulk_receiver(void *arg)
{
	struct bulk *b = arg;
	ssize_t n;

	while ((n = take(b->in, dump, CHUNK, 0)) > 0) {
		u64 now = host_clock();

		b->gap_ns = max(b->gap_ns, now - (b->got ? b->last_ns : now));
		b->last_ns = now;
		b->got += (u64)n;
		sim_result.bytes += (u64)n;
	}
	if (n)
		sim_fail("lab", "recv: error %zd", n);
	b->ended++;
	wake_up(&b->wq);
}

static void bulk_start(struct bulk *b, struct host *from, struct host *to, const char *cc, u64 ns)
{
	struct sockaddr_in a;

	*b = (struct bulk){ .from = from,
			    .to = to,
			    .port = (u16)(LAB_PORT + (b - bulk)),
			    .cc = cc,
			    .until_ns = host_clock() + ns };
	init_waitqueue_head(&b->wq);
	b->listener = listen_at(to, b->port, 1);
	b->out = new_socket(from);
	must_not("TCP_CONGESTION",
		 b->out->ops->setsockopt(b->out, SOL_TCP, TCP_CONGESTION, cc, (u32)strlen(cc)));
	a = at(to, b->port);
	must_not("connect",
		 b->out->ops->connect(b->out, (const struct sockaddr *)&a, sizeof(a), 0));
	b->in = accept_from(b->listener, 0);
	if (!b->in)
		sim_fail("lab", "nothing was accepted");
	thread("bulk sender", bulk_sender, b);
	thread("bulk receiver", bulk_receiver, b);
}

static void bulk_end(struct bulk *b)
{
	(void)wait_event_until(&b->wq, b->ended == 2, WAIT_FOREVER);
	sock_release(b->out);
	drop_accepted(b->in);
	sock_release(b->listener);
}

static struct tcp_sock *sender_of(const struct bulk *b)
{
	return tcp_sk(b->out->sk);
}

/* --- What is planted in flows -------------------------------------------------------------------------------------------- */
#define HELD_NS (10 * NSEC_PER_SEC)

/* Every second loss has no consequence. */
static void greedy(void *arg)
{
	const struct bulk *b = arg;
	struct tcp_sock *tp = sender_of(b);
	bool second = false;

	for (; host_clock() < b->until_ns; rest(MS)) {
		u32 was = tp->prr.prior_cwnd;

		if (tp->ca_state != TCP_CA_Recovery)
			continue;
		while (tp->ca_state != TCP_CA_Open && host_clock() < b->until_ns)
			rest(MS);
		second = !second;
		if (second && host_clock() < b->until_ns)
			tp->cc.cwnd = tp->cc.ssthresh = was;
	}
}

static void collapse(void *arg)
{
	const u64 bytes_a_second = 40000;

	must_not("SO_MAX_PACING_RATE",
		 sock_setsockopt(((const struct bulk *)arg)->out->sk, SO_MAX_PACING_RATE,
				 &bytes_a_second, sizeof(bytes_a_second)));
}

static void hold(void *arg)
{
	struct sock *sk = ((const struct bulk *)arg)->out->sk;

	lock_sock(sk);
	rest(HELD_NS);
	release_sock(sk);
}

static void plant_in(struct bulk *b, enum plant p, void (*fault)(void *))
{
	if (planted(p))
		thread("planted", fault, b);
}

/* --- Worlds --------------------------------------------------------------------------------------------------------------- */
static void plain_links(u64 delay_ns)
{
	for (u32 i = 0; i < world.nr_hosts; i++)
		world.host[i].up.delay_ns = delay_ns;
}

/* Hosts 0 and 1 behind a bottleneck to host 2: 10 Mbit/s, 30 ms there and back, a queue of one round trip. */
#define FAIR_BPS   10000000u
#define FAIR_QUEUE 25u
#define FAIR_WARM  (10 * NSEC_PER_SEC) /* slow starts are over */
#define FAIR_S     90u

static void fair_plan(void)
{
	plain_links(15 * MS);
	world.host[2].down.bps = FAIR_BPS;
	world.host[2].down.queue_frames = FAIR_QUEUE;
	for (u32 i = 0; i < 2; i++)
		world.host[i].up.jitter_ns =
			MS; /* no two senders are so regular that one always finds the queue full */
}

static void fair(const char *cc)
{
	u64 ns = (sim_options.count ? sim_options.count : FAIR_S) * NSEC_PER_SEC, got[2], all;
	double share;

	bulk_start(&bulk[0], &world.host[0], &world.host[2], cc, FAIR_WARM + ns);
	plant_in(&bulk[0], PLANT_GREEDY, greedy);
	rest(NSEC_PER_SEC);
	bulk_start(&bulk[1], &world.host[1], &world.host[2], cc, FAIR_WARM + ns - NSEC_PER_SEC);
	rest(FAIR_WARM - NSEC_PER_SEC);
	got[0] = bulk[0].got;
	got[1] = bulk[1].got;
	rest(ns - NSEC_PER_SEC);
	got[0] = bulk[0].got - got[0];
	got[1] = bulk[1].got - got[1];
	bulk_end(&bulk[0]);
	bulk_end(&bulk[1]);
	all = got[0] + got[1];
	share = (double)got[0] / (double)all;
	say("shares %.3f %.3f, %.1f %% of the link", share, 1 - share,
	    100.0 * (double)all * 8 / ((double)FAIR_BPS * (double)(ns - NSEC_PER_SEC) / 1e9));
	if (fabs(share - 0.5) > 0.05)
		sim_fail("fair", "one flow has %.3f of what both have", share);
	if ((double)all * 8 < 0.85 * FAIR_BPS * (double)(ns - NSEC_PER_SEC) / 1e9)
		sim_fail("fair", "the link is not used");
}

static void fair_cubic(void)
{
	fair("cubic");
}

static void fair_reno(void)
{
	fair("reno");
}

/* --- CUBIC's growth ----------------------------------------------------------------------------------------------------------- */
#define GROWTH_RTT  (100 * MS)
#define GROWTH_LOSS 400u /* segments, when the one is lost */
#define GROWTH_S    12u

static void growth_plan(void)
{
	plain_links(GROWTH_RTT / 2);
}

/* RFC 9438, figures 1 and 2: segments, @t seconds after the window was @w0. */
static double w_cubic(double t, double w_max, double w0)
{
	return 0.4 * pow(t - cbrt((w_max - w0) / 0.4), 3) + w_max;
}

static void growth(void)
{
	double t = 0, worst = 0, w = 0, want = 0, w0, w_max,
	       seconds = sim_options.count ? sim_options.count : GROWTH_S,
	       lie = planted(PLANT_GROWTH) ? 1.1 : 1;
	struct tcp_sock *tp;
	u64 begin;

	bulk_start(&bulk[0], &world.host[0], &world.host[1], "cubic", FAR_AWAY);
	tp = sender_of(&bulk[0]);
	while (tp->cc.cwnd < GROWTH_LOSS)
		rest(MS);
	world.host[0].up.lose_next = 1;
	while (tp->ca_state != TCP_CA_Recovery)
		rest(MS);
	w_max = tp->prr.prior_cwnd;
	while (tp->ca_state != TCP_CA_Open)
		rest(MS / 10);
	begin = host_clock();
	w0 = tp->cc.cwnd;
	if (fabs(w0 - 0.7 * w_max) > 0.02 * w_max)
		sim_fail("growth", "after a loss at %.0f the window is %.0f", w_max, w0);
	while (t < seconds) {
		rest(GROWTH_RTT);
		t = (double)(host_clock() - begin) / 1e9;
		want = w_cubic(t, w_max, w0);
		w = w0 + lie * (tp->cc.cwnd - w0);
		worst = max(worst, fabs(w - want) / want);
		if (tracing())
			trace(0, "growth %.1f s: window %.0f, formula %.1f", t, w, want);
	}
	bulk[0].until_ns = 0;
	bulk_end(&bulk[0]);
	say("loss at %.0f, then %.0f, after %.0f s %.0f; at most %.1f %% off the formula", w_max,
	    w0, t, w, 100 * worst);
	if (worst > 0.05)
		sim_fail("growth", "%.1f %% off the formula", 100 * worst);
	if (fabs((w - w0) / (want - w0) - 1) > 0.05)
		sim_fail("growth", "it grew by %.0f segments, not %.0f", w - w0, want - w0);
	if (tp->total_retrans != 1)
		sim_fail("growth", "%u segments were sent again, one was lost", tp->total_retrans);
}

/* --- One frame of ten is lost ------------------------------------------------------------------------------------------------- */
#define FLOOR_S    60u
#define FLOOR_RATE 60000u             /* bytes a second */
#define FLOOR_GAP  (8 * NSEC_PER_SEC) /* some timeouts in a row; the round trip is 20 ms */

static void floor_plan(void)
{
	plain_links(10 * MS);
	world.loses = true;
}

static void floor_run(void)
{
	u64 rate;

	bulk_start(&bulk[0], &world.host[0], &world.host[1],
		   sim_options.seed % 2 ? "cubic" : "reno", FLOOR_S * NSEC_PER_SEC);
	for (u32 i = 0; i < world.nr_hosts; i++)
		world.host[i].up.loss = world.host[i].up.bad_loss = 100000;
	plant_in(&bulk[0], PLANT_COLLAPSE, collapse);
	plant_in(&bulk[0], PLANT_HELD, hold);
	rest(FLOOR_S * NSEC_PER_SEC);
	rate = bulk[0].got / FLOOR_S;
	bulk_end(&bulk[0]);
	say("%llu bytes a second, longest time without any %llu ms", (unsigned long long)rate,
	    (unsigned long long)(bulk[0].gap_ns / MS));
	if (rate < FLOOR_RATE)
		sim_fail("floor", "%llu bytes a second at 10 %% loss", (unsigned long long)rate);
	if (bulk[0].gap_ns > FLOOR_GAP)
		sim_fail("floor", "nothing for %llu ms", (unsigned long long)(bulk[0].gap_ns / MS));
}

/* --- A short path that loses -------------------------------------------------------------------------------------------------- */
#define SILENCE_S    3u
#define SILENCE_LOSS 30000u
#define SILENCE_RATE 20000000u  /* bytes a second */
#define SILENCE_GAP  (100 * MS) /* half of the least timeout; the receiver's delayed ACK is 40 ms */

static void silence_plan(void)
{
	plain_links(100000);
	for (u32 i = 0; i < world.nr_hosts; i++)
		world.host[i].up.bps = 1000000000;
	world.loses = true;
}

static void silence(void)
{
	const u64 *tcpext = world.host[0].net->mib.tcpext;

	if (planted(PLANT_SILENT))
		must_not("sysctl", tcp_sysctl_set(world.host[0].net, "tcp_solicit_acks", "0"));
	bulk_start(&bulk[0], &world.host[0], &world.host[1], "cubic", SILENCE_S * NSEC_PER_SEC);
	for (u32 i = 0; i < world.nr_hosts; i++)
		world.host[i].up.loss = world.host[i].up.bad_loss = SILENCE_LOSS;
	rest(SILENCE_S * NSEC_PER_SEC);
	bulk_end(&bulk[0]);
	say("%llu bytes a second, longest time without any %llu ms, %llu timeouts, %llu probes, "
	    "%llu ACKs asked for",
	    (unsigned long long)(bulk[0].got / SILENCE_S),
	    (unsigned long long)(bulk[0].gap_ns / MS),
	    (unsigned long long)tcpext[LINUX_MIB_TCPTimeouts],
	    (unsigned long long)tcpext[LINUX_MIB_TCPLossProbes],
	    (unsigned long long)tcpext[LINUX_MIB_TCPAckSolicits]);
	if (bulk[0].got / SILENCE_S < SILENCE_RATE)
		sim_fail("silence", "so little arrived");
	if (bulk[0].gap_ns > SILENCE_GAP)
		sim_fail("silence", "nothing for %llu ms",
			 (unsigned long long)(bulk[0].gap_ns / MS));
}

/* --- After a partition ---------------------------------------------------------------------------------------------------------- */
#define CUT_NS    (30 * NSEC_PER_SEC)
#define HEAL_RTT  (20 * MS)
#define HEAL_MORE (300 * MS) /* the queue of a wire of 20 Mbit/s takes some of it */

static void heal_plan(void)
{
	plain_links(HEAL_RTT / 2);
	for (u32 i = 0; i < world.nr_hosts; i++)
		world.host[i].up.bps = 20000000;
	world.loses = true;
}

/* A flow is cut off for 30 s, both ways. Return: what its receiver had when the wire was whole again. */
static u64 cut_off(const char *cc)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "device", 0);
	bulk_start(&bulk[0], &world.host[0], &world.host[1], cc, FAR_AWAY);
	rest(NSEC_PER_SEC + rng_between(&r, 0, 3 * NSEC_PER_SEC));
	world.host[0].cut++;
	rest(CUT_NS + rng_between(&r, 0, 5 * NSEC_PER_SEC));
	world.host[0].cut--;
	if (!timer_pending(&sender_of(&bulk[0])->write_timer))
		sim_fail("heal", "no timer runs");
	return bulk[0].got;
}

static void heal_end(u64 healed_ns, u64 had)
{
	u64 took = host_clock() - healed_ns;

	rest(NSEC_PER_SEC);
	say("data again %llu ms after the wire was whole, %llu bytes in the second after that",
	    (unsigned long long)(took / MS), (unsigned long long)(bulk[0].got - had));
	if (bulk[0].got - had < 500000)
		sim_fail("heal", "%llu bytes in a second", (unsigned long long)(bulk[0].got - had));
	bulk[0].until_ns = 0;
	bulk_end(&bulk[0]);
}

/* A data segment leaves in this millisecond, and when it and an answer have crossed the wire and its queue the receiver has news. */
static void heals_now(u32 data_segs, u64 had, const char *what)
{
	u64 sent_ns = host_clock();

	if (sender_of(&bulk[0])->data_segs_out == data_segs)
		sim_fail("heal", "%s, and nothing was sent", what);
	while (bulk[0].got == had && host_clock() < sent_ns + HEAL_MORE)
		rest(MS);
	if (bulk[0].got == had)
		sim_fail("heal", "%s, and nothing new arrived", what);
}

static void heal_timer_of(const char *cc)
{
	u64 had = cut_off(cc), healed = host_clock(),
	    due = sender_of(&bulk[0])->write_timer.expires_ns;
	u32 segs = sender_of(&bulk[0])->data_segs_out;

	if (planted(PLANT_TIMER))
		mod_timer(&sender_of(&bulk[0])->write_timer, due + HELD_NS);
	rest(due - healed + MS);
	heals_now(segs, had, "the timer fired");
	heal_end(healed, had);
}

static void heal_timer(void)
{
	heal_timer_of("cubic");
}

static void heal_peer(void)
{
	u64 had = cut_off("cubic"), healed = host_clock();
	const struct tcp_sock *tp = sender_of(&bulk[0]);
	u32 in = tp->segs_in, segs = tp->data_segs_out;

	plant_in(&bulk[0], PLANT_HELD, hold);
	if (send_to(bulk[0].in, "x", 1, 0, NULL) != 1)
		sim_fail("lab", "the peer cannot send");
	while (tp->segs_in == in &&
	       host_clock() < healed + HEAL_MORE) /* it asks for our address first */
		rest(MS);
	heals_now(segs, had, "the peer spoke");
	heal_end(healed, had);
}

/* --- BBR --------------------------------------------------------------------------------------------------------------------------- */
/*
 *   bbr_alone    a flow alone has 90 % of the link, and its queue is far below CUBIC's: the seed chooses a path of those below
 *   bbr_loss     one frame of a hundred is lost at random: 85 % of the link, where CUBIC has less than half
 *   bbr_fair     two flows share within 20 % over 30 s, when they have lived for 30 s: each probe moves a part of the difference
 *   bbr_beside   beside CUBIC neither starves, whether the queue is short or long: the seed's parity says
 *   heal_bbr     after a partition of 30 s data flows again when the timer fires
 *   bbr_change   the link becomes four times faster, and as slow again: both are found within seconds
 *   bbr_late     an application that gives too little does not lower the estimate
 */
#define BBR_FRAME   1538.0 /* on the wire, of ... */
#define BBR_PAYLOAD 1448.0
#define BBR_WARM    (5 * NSEC_PER_SEC)
#define BBR_SAMPLE  (MS / 2)

static const struct path {
	u32 mbit, rtt_ms, queue_tenths; /* of what the path holds */
} paths[] = {
	{ 10, 30, 20 }, { 10, 100, 5 },   { 10, 10, 100 }, { 10, 1, 100 },  { 20, 50, 50 },
	{ 50, 20, 10 }, { 100, 10, 100 }, { 100, 1, 20 },  { 100, 100, 5 }, { 100, 30, 20 },
};

static struct {
	struct link *link;
	u64 until_ns, sum_ns, n;
} queue;

static const struct path *bbr_path(void)
{
	return &paths[(sim_options.seed - 1) % ARRAY_SIZE(paths)];
}

/* The last host's link down is the bottleneck, and its queue at least eight frames. */
static void bbr_bottleneck(u32 mbit, u32 rtt_ms, u32 queue_tenths)
{
	struct link *l = &world.host[world.nr_hosts - 1].down;
	u32 frames = (u32)((u64)mbit * 1000 * rtt_ms / 8 / (u32)BBR_FRAME * queue_tenths / 10);

	plain_links((u64)rtt_ms * MS / 2);
	l->bps = (u64)mbit * 1000000;
	l->queue_frames = max(frames, 8u);
}

/* What has waited in front of the bottleneck, on the average. */
static void queue_watcher(void *arg)
{
	(void)arg;
	for (; host_clock() < queue.until_ns; rest(BBR_SAMPLE)) {
		u64 now = host_clock();

		queue.sum_ns += queue.link->free_ns > now ? queue.link->free_ns - now : 0;
		queue.n++;
	}
}

static u64 queue_mean_us(void)
{
	return queue.n ? queue.sum_ns / queue.n / 1000 : 0;
}

/* Of what the link can carry, @bytes in @ns. */
static double bbr_used(u64 bytes, u64 ns)
{
	const struct link *l = &world.host[world.nr_hosts - 1].down;

	return (double)bytes * 8 * BBR_FRAME / BBR_PAYLOAD / ((double)l->bps * (double)ns / 1e9);
}

/* A flow alone from host 0. Return: its part of the link once it has begun; the queue meanwhile. */
static double bbr_run(const char *cc, u64 ns, void (*fault)(void *), u64 *queue_us)
{
	struct bulk *b = &bulk[0];
	u64 had;

	bulk_start(b, &world.host[0], &world.host[world.nr_hosts - 1], cc, BBR_WARM + ns);
	if (fault)
		thread("planted", fault, b);
	rest(BBR_WARM);
	memset(&queue, 0, sizeof(queue));
	queue.link = &world.host[world.nr_hosts - 1].down;
	queue.until_ns = host_clock() + ns;
	thread("queue", queue_watcher, NULL);
	had = b->got;
	rest(ns);
	had = b->got - had;
	*queue_us = queue_mean_us();
	bulk_end(b);
	return bbr_used(had, ns);
}

/* --- What is planted in BBR's model -------------------------------------------------------------------------------------------- */
static struct tcp_bbr *bbr_of(const struct bulk *b)
{
	return &sender_of(b)->cc.bbr;
}

/* The path is taken for six times as long. */
static void longer(void *arg)
{
	const struct bulk *b = arg;
	u32 rtt_us = 6 * bbr_path()->rtt_ms * 1000;

	for (; host_clock() < b->until_ns; rest(MS)) {
		bbr_of(b)->min_rtt_us = max(bbr_of(b)->min_rtt_us, rtt_us);
		bbr_of(b)->recent_rtt_us = max(bbr_of(b)->recent_rtt_us, rtt_us);
	}
}

/* Each loss counts. */
static void timid(void *arg)
{
	const struct bulk *b = arg;
	struct tcp_sock *tp = sender_of(b);
	u32 lost = tp->lost;

	for (; host_clock() < b->until_ns; rest(MS))
		if (tp->lost != lost) {
			lost = tp->lost;
			bbr_of(b)->short_bw = bbr_bw(bbr_of(b)) / 2;
		}
}

/* What was measured once is never forgotten. */
static void stale(void *arg)
{
	const struct bulk *b = arg;
	u32 most = 0;

	for (; host_clock() < b->until_ns; rest(MS)) {
		most = max(most, bbr_of(b)->max_bw[0]);
		bbr_of(b)->max_bw[0] = most;
	}
}

/* What the application gives is believed to be what the path carries. */
static void believed(void *arg)
{
	const struct bulk *b = arg;

	for (; host_clock() < b->until_ns; rest(MS / 10)) {
		const struct sk_buff *skb;

		sender_of(b)->rate.app_limited = 0;
		skb_queue_walk(&sender_of(b)->tcp_rtx_queue, skb)
			tcp_cb(skb)->app_limited = false;
	}
}

/* --- One flow ------------------------------------------------------------------------------------------------------------------- */
static void bbr_alone_plan(void)
{
	bbr_bottleneck(bbr_path()->mbit, bbr_path()->rtt_ms, bbr_path()->queue_tenths);
}

static void bbr_alone(void)
{
	u64 ns = (sim_options.count ? sim_options.count : 15) * NSEC_PER_SEC, queue_us, cubic_us;
	const struct path *p = bbr_path();
	double used, cubic;

	used = bbr_run("bbr", ns, planted(PLANT_LONGER) ? longer : NULL, &queue_us);
	rest(NSEC_PER_SEC);
	cubic = bbr_run("cubic", ns, NULL, &cubic_us);
	say("%u Mbit/s, %u ms, a queue of %.1f: %.1f %% of the link and %llu us in the queue, "
	    "CUBIC %.1f %% "
	    "and %llu us",
	    p->mbit, p->rtt_ms, p->queue_tenths / 10.0, 100 * used, (unsigned long long)queue_us,
	    100 * cubic, (unsigned long long)cubic_us);
	if (used < 0.9)
		sim_fail("bbr", "%.1f %% of the link", 100 * used);
	/* Three bursts of a millisecond are more than a path of one holds. */
	if (queue_us > cubic_us / (p->queue_tenths >= 20 && p->rtt_ms > 1 ? 2 : 1))
		sim_fail("bbr", "%llu us in the queue, CUBIC %llu us", (unsigned long long)queue_us,
			 (unsigned long long)cubic_us);
}

static void bbr_loss_plan(void)
{
	bbr_bottleneck(sim_options.seed % 2 ? 50 : 20, 40, 10);
	world.host[0].up.loss = world.host[0].up.bad_loss = 10000;
	world.loses = true;
}

static void bbr_loss(void)
{
	u64 ns = (sim_options.count ? sim_options.count : 20) * NSEC_PER_SEC, us;
	double used, cubic;

	used = bbr_run("bbr", ns, planted(PLANT_TIMID) ? timid : NULL, &us);
	rest(NSEC_PER_SEC);
	cubic = bbr_run("cubic", ns, NULL, &us);
	say("1 %% lost: %.1f %% of the link, CUBIC %.1f %%", 100 * used, 100 * cubic);
	if (used < 0.85)
		sim_fail("bbr", "%.1f %% of the link", 100 * used);
	if (cubic > used / 2)
		sim_fail("bbr", "CUBIC has %.1f %% of the link", 100 * cubic);
}

static void heal_bbr(void)
{
	heal_timer_of("bbr");
}

/* How long until a tenth of a second brings @part of the link or more. */
static u64 bbr_found_ms(double part, u64 most_ns)
{
	u64 begin = host_clock(), had;

	do {
		had = bulk[0].got;
		rest(SAMPLE);
	} while (bbr_used(bulk[0].got - had, SAMPLE) < part && host_clock() - begin < most_ns);
	return (host_clock() - begin) / MS;
}

static void bbr_change_plan(void)
{
	bbr_bottleneck(20, 40, 20);
}

static void bbr_change(void)
{
	struct link *l = &world.host[1].down;
	u64 up_ms, down_ms = 0;

	bulk_start(&bulk[0], &world.host[0], &world.host[1], "bbr", FAR_AWAY);
	plant_in(&bulk[0], PLANT_STALE, stale);
	rest(BBR_WARM);
	l->bps *= 4;
	up_ms = bbr_found_ms(0.85, 20 * NSEC_PER_SEC);
	rest(BBR_WARM);
	l->bps /= 4;
	/* Found: the estimate is within a quarter of the truth. */
	while (bbr_bw(bbr_of(&bulk[0])) > l->bps / 8 * 5 / 4 && down_ms < 20000) {
		rest(SAMPLE);
		down_ms += SAMPLE / MS;
	}
	bulk[0].until_ns = 0;
	bulk_end(&bulk[0]);
	say("four times as fast: found after %llu ms; as slow again: after %llu ms",
	    (unsigned long long)up_ms, (unsigned long long)down_ms);
	if (up_ms > 5000 || down_ms > 10000)
		sim_fail("bbr", "a change of bandwidth is found after %llu and %llu ms",
			 (unsigned long long)up_ms, (unsigned long long)down_ms);
}

#define LATE_S 20u

static void bbr_late(void)
{
	const struct link *l = &world.host[1].down;
	struct bulk *b = &bulk[0];
	u64 had;
	double part, again;

	bulk_start(b, &world.host[0], &world.host[1], "bbr", FAR_AWAY);
	rest(BBR_WARM);
	plant_in(b, PLANT_BELIEVED, believed);
	b->late_bytes = (u32)(l->bps / 8 / 5 * LATE_NS / NSEC_PER_SEC); /* a fifth of the link */
	rest(LATE_S * NSEC_PER_SEC);
	part = 8.0 * bbr_bw(bbr_of(b)) / (double)l->bps;
	had = b->got;
	b->late_bytes = 0;
	rest(NSEC_PER_SEC);
	again = bbr_used(b->got - had, NSEC_PER_SEC);
	b->until_ns = 0;
	bulk_end(b);
	say("after %u s of a fifth of the link the estimate is %.2f of it; a second later %.1f %% "
	    "are used",
	    LATE_S, part, 100 * again);
	if (part < 0.8)
		sim_fail("bbr", "the estimate fell to %.2f of the link", part);
	if (again < 0.8)
		sim_fail("bbr", "%.1f %% of the link in the second after", 100 * again);
}

/* --- Two flows -------------------------------------------------------------------------------------------------------------------- */
#define BBR_SHARE_S 30u

static double bbr_share(const char *first, const char *second, bool crawls, u64 settle, u64 ns)
{
	u64 got[2];

	bulk_start(&bulk[0], &world.host[0], &world.host[2], first, settle + ns);
	if (crawls)
		thread("planted", collapse, &bulk[0]);
	rest(NSEC_PER_SEC);
	bulk_start(&bulk[1], &world.host[1], &world.host[2], second, settle + ns - NSEC_PER_SEC);
	rest(settle - NSEC_PER_SEC);
	got[0] = bulk[0].got;
	got[1] = bulk[1].got;
	rest(ns - MS);
	got[0] = bulk[0].got - got[0];
	got[1] = bulk[1].got - got[1];
	bulk_end(&bulk[0]);
	bulk_end(&bulk[1]);
	say("%s %.3f, %s %.3f, %.1f %% of the link", first,
	    (double)got[0] / (double)(got[0] + got[1]), second,
	    (double)got[1] / (double)(got[0] + got[1]), 100 * bbr_used(got[0] + got[1], ns - MS));
	return (double)got[0] / (double)(got[0] + got[1]);
}

static void bbr_fair_plan(void)
{
	bbr_bottleneck(20, 30, sim_options.seed % 2 ? 20 : 10);
	for (u32 i = 0; i < 2; i++)
		world.host[i].up.jitter_ns = MS / 2;
}

static void bbr_fair(void)
{
	u64 ns = (sim_options.count ? sim_options.count : BBR_SHARE_S) * NSEC_PER_SEC;
	double share =
		bbr_share("bbr", "bbr", planted(PLANT_COLLAPSE), BBR_SHARE_S * NSEC_PER_SEC, ns);

	if (fabs(share - 0.5) > 0.1)
		sim_fail("bbr", "one flow has %.3f of what both have", share);
}

static void bbr_beside_plan(void)
{
	bbr_bottleneck(20, 30, sim_options.seed % 2 ? 10 : 40);
}

#define BBR_LEAST 0.15

static void bbr_beside(void)
{
	u64 ns = (sim_options.count ? sim_options.count : 2 * BBR_SHARE_S) * NSEC_PER_SEC;
	double share = bbr_share("bbr", "cubic", planted(PLANT_COLLAPSE), 2 * BBR_WARM, ns);

	if (share < BBR_LEAST || share > 1 - BBR_LEAST)
		sim_fail("bbr", "BBR has %.3f of what both have", share);
}

/* --- Many connections --------------------------------------------------------------------------------------------------------------- */
#define AT_ONCE   500u
#define PER_REST  20000u /* TIME-WAIT is waited for after so many */
#define SAYS      100u
#define MANY_WAIT (30 * NSEC_PER_SEC)

static struct {
	struct socket *client[AT_ONCE], *server[AT_ONCE];
} many_socks;

static void many_plan(void)
{
	plain_links(MS);
	world.blind = true;
}

/* Nothing is lost here: what does not come soon does not come. */
static struct socket *many_accept(struct socket *l)
{
	u64 until = host_clock() + MANY_WAIT;
	struct socket *s;

	while (!(s = accept_from(l, O_NONBLOCK))) {
		if (host_clock() > until)
			sim_fail("many", "nothing was accepted");
		rest(MS);
	}
	return s;
}

static void many_take(struct socket *s)
{
	u64 until = host_clock() + MANY_WAIT;
	u8 text[SAYS];
	ssize_t n;

	while ((n = take(s, text, SAYS, MSG_DONTWAIT)) == -EAGAIN && host_clock() < until)
		rest(MS);
	if (n != SAYS)
		sim_fail("many", "a connection delivers %zd in state %u", n, s->sk->sk_state);
}

static void many_batch(struct socket *l, u32 n)
{
	const struct sockaddr_in a = at(&world.host[1], LAB_PORT);

	for (u32 i = 0; i < n; i++) {
		struct socket *s = many_socks.client[i] = new_socket(&world.host[0]);
		int err = s->ops->connect(s, (const struct sockaddr *)&a, sizeof(a), O_NONBLOCK);

		must_not("connect", err == -EINPROGRESS ? 0 : err);
	}
	for (u32 i = 0; i < n; i++)
		many_socks.server[i] = many_accept(l);
	for (u32 i = 0; i < n; i++)
		if (send_to(many_socks.client[i], zeros, SAYS, 0, NULL) != SAYS ||
		    send_to(many_socks.server[i], zeros, SAYS, 0, NULL) != SAYS)
			sim_fail("many", "a connection does not carry");
	for (u32 i = 0; i < n; i++) {
		many_take(many_socks.client[i]);
		many_take(many_socks.server[i]);
	}
	/* By turns: who closes first keeps TIME-WAIT; one of seven is reset. */
	for (u32 i = 0; i < n; i++) {
		struct socket *s = many_socks.client[i];
		struct linger now = { .l_onoff = 1 };

		if (i % 7 == 0)
			must_not("SO_LINGER", sock_setsockopt(s->sk, SO_LINGER, &now, sizeof(now)));
		if (i % 2)
			sock_release(s);
		else
			drop_accepted(many_socks.server[i]);
	}
	rest(5 * MS);
	for (u32 i = 0; i < n; i++)
		if (i % 2)
			drop_accepted(many_socks.server[i]);
		else
			sock_release(many_socks.client[i]);
}

/* What must be as before: objects, pages, packets, timers, sockets of each host. */
struct counts {
	u64 objects, areas, pages, skbs, dma;
	u32 timers, socks[2];
};

static bool same_counts(const struct counts *a, const struct counts *b)
{
	return a->objects == b->objects && a->areas == b->areas && a->pages == b->pages &&
	       a->skbs == b->skbs && a->dma == b->dma && a->timers == b->timers &&
	       a->socks[0] == b->socks[0] && a->socks[1] == b->socks[1];
}

static struct counts count_all(void)
{
	return (struct counts){ .objects = mm_live_objects(),
				.areas = vm_areas_live(),
				.pages = pages_free(),
				.skbs = skb_stats.live,
				.dma = dma_mapped(),
				.timers = timers_live(),
				.socks = { world.host[0].net->socks_live,
					   world.host[1].net->socks_live } };
}

static void many(void)
{
	struct socket *l = listen_at(&world.host[1], LAB_PORT, (int)AT_ONCE);
	struct counts before = { 0 }, after;
	u32 count = sim_options.count ? sim_options.count : PER_REST, wait = 0;

	must_not("sysctl", tcp_sysctl_set(world.host[1].net, "tcp_max_syn_backlog", "4096"));
	for (u32 done = 0; done < count;) {
		u32 n = min(count - done, AT_ONCE);

		many_batch(l, n);
		done += n;
		wait += n;
		if (wait >= PER_REST || done == count || !before.objects) {
			rest(70 * NSEC_PER_SEC);
			wait = 0;
		}
		if (!before.objects) /* neighbours, routes and caches are as full as they get */
			before = count_all();
	}
	if (planted(PLANT_FORGOTTEN))
		(void)new_socket(&world.host[0]);
	after = count_all();
	say("%u connections; %llu objects, %llu packets, %u timers, %u and %u sockets, %lld pages "
	    "less than after the first %u",
	    count, (unsigned long long)after.objects, (unsigned long long)after.skbs, after.timers,
	    after.socks[0], after.socks[1], (long long)(before.pages - after.pages), AT_ONCE);
	if (!same_counts(&before, &after))
		sim_fail("many",
			 "objects %llu %llu, areas %llu %llu, pages %llu %llu, packets %llu %llu, "
			 "timers %u %u, sockets %u %u, %u %u",
			 (unsigned long long)before.objects, (unsigned long long)after.objects,
			 (unsigned long long)before.areas, (unsigned long long)after.areas,
			 (unsigned long long)before.pages, (unsigned long long)after.pages,
			 (unsigned long long)before.skbs, (unsigned long long)after.skbs,
			 before.timers, after.timers, before.socks[0], after.socks[0],
			 before.socks[1], after.socks[1]);
	sock_release(l);
}

/* --- Fast Open ---------------------------------------------------------------------------------------------------------------------- */
#define FAST_CONNECTIONS 60u

static void fastopen_plan(void)
{
	plain_links(5 * MS);
	for (u32 i = 0; i < world.nr_hosts; i++) {
		world.host[i].up.loss = world.host[i].up.bad_loss = 50000;
		world.host[i].up.dup = 50000;
	}
	world.loses = world.doubles = true;
}

/* Reads to the end of the stream and sends as many bytes back; a doubled SYN may have opened a connection that nobody uses. */
static void fastopen_serve(void *arg)
{
	struct socket *s = arg;
	u8 *text = malloc(CHUNK);
	u64 got = 0, key = 0;
	ssize_t n;

	if (!text)
		abort();
	while ((n = take(s, text, CHUNK, 0)) > 0) {
		if (!got)
			key = ntohs(s->sk->sk_dport);
		if (pattern_differs(key, got, text, (size_t)n) != (size_t)n)
			sim_fail("fastopen", "byte %llu is not what was sent",
				 (unsigned long long)got);
		if (planted(PLANT_TWICE))
			(void)send_to(s, text, 1, 0, NULL);
		if (send_to(s, text, (size_t)n, 0, NULL) < 0)
			break;
		got += (u64)n;
	}
	free(text);
	drop_accepted(s);
	bulk[0].ended++;
	wake_up(&bulk[0].wq);
}

static void fastopen_listen(void *arg)
{
	struct socket *s;

	(void)arg;
	while ((s = accept_from(bulk[0].listener, 0))) {
		bulk[1].ended++;
		thread("server", fastopen_serve, s);
	}
	bulk[0].ended++;
	wake_up(&bulk[0].wq);
}

/* One connection whose first bytes ride on the SYN, once the cookie is known. Return: false when all questions for an address were lost. */
static bool fastopen_once(struct rng *r, u32 i)
{
	struct host *from = &world.host[0];
	struct socket *s = new_socket(from);
	struct sockaddr_in to = at(&world.host[1], LAB_PORT), mine = at(from, (u16)(20000 + i));
	u32 len = (u32)rng_log(r, 1, 6000), sent = 0, got = 0;
	u8 *text = malloc(len);
	ssize_t n;

	if (!text)
		abort();
	mine.sin_addr = 0;
	must_not("bind", kernel_bind(s, &mine));
	pattern_fill(20000 + i, 0, text, len);
	n = send_to(s, text, len, MSG_FASTOPEN, &to);
	while (n > 0 && (sent += (u32)n) < len)
		n = send_to(s, text + sent, len - sent, 0, NULL);
	if (n == -EHOSTUNREACH) {
		free(text);
		sock_release(s);
		return false;
	}
	if (n < 0)
		sim_fail("fastopen", "send: error %zd after %u bytes", n, sent);
	must_not("shutdown", s->ops->shutdown(s, SHUT_WR));
	while ((n = take(s, text, len, 0)) > 0) {
		if (pattern_differs(20000 + i, got, text, (size_t)n) != (size_t)n)
			sim_fail("fastopen", "what came back differs behind byte %u", got);
		got += (u32)n;
	}
	if (n < 0 || got != len)
		sim_fail("fastopen", "%u bytes of %u came back, error %zd", got, len, n);
	free(text);
	sock_release(s);
	return true;
}

static void fastopen(void)
{
	const struct net_mib *client = &world.host[0].net->mib, *server = &world.host[1].net->mib;
	struct rng r;

	rng_stream(&r, sim_options.seed, "plan", 0);
	for (u32 i = 0; i < 2; i++)
		must_not("sysctl", tcp_sysctl_set(world.host[i].net, "tcp_fastopen",
						  "1027")); /* client, server, all listeners */
	init_waitqueue_head(&bulk[0].wq);
	bulk[0].listener = listen_at(&world.host[1], LAB_PORT, 64);
	thread("listener", fastopen_listen, NULL);
	for (u32 i = 0; i < FAST_CONNECTIONS; i++) {
		if (!fastopen_once(&r, i))
			continue;
		/* A path that lost a SYN with data is left alone for a minute, and longer. */
		rest(rng_ppm(&r, 300000) ? 700 * NSEC_PER_SEC : rng_log(&r, MS, NSEC_PER_SEC));
	}
	(void)bulk[0].listener->ops->shutdown(bulk[0].listener, SHUT_RDWR);
	(void)wait_event_until(&bulk[0].wq, bulk[0].ended == bulk[1].ended + 1, WAIT_FOREVER);
	sock_release(bulk[0].listener);
	say("%u connections, %llu SYNs with data were taken, %llu were not, %llu of the server's",
	    FAST_CONNECTIONS, (unsigned long long)client->tcpext[LINUX_MIB_TCPFastOpenActive],
	    (unsigned long long)client->tcpext[LINUX_MIB_TCPFastOpenActiveFail],
	    (unsigned long long)server->tcpext[LINUX_MIB_TCPFastOpenPassive]);
	if (client->tcpext[LINUX_MIB_TCPFastOpenActive] < FAST_CONNECTIONS / 4)
		sim_fail("fastopen", "hardly any SYN carried data");
}

/* --- A hop that takes no large packets and says nothing ------------------------------------------------------------------------- */
#define MTU_LEAST 600u /* of the hop */
#define MTU_MOST  1490u
#define MTU_BASE  1064u /* where the search begins: tcp_base_mss and headers */
#define MTU_NEAR  8u    /* tcp_probe_threshold */
#define MTU_FIND  (24 * NSEC_PER_SEC)

static u32 mtu_hop;

static void mtu_plan(void)
{
	struct rng r;

	rng_stream(&r, sim_options.seed, "topology", 2);
	mtu_hop = (u32)rng_between(&r, MTU_LEAST, MTU_MOST);
	plain_links(10 * MS);
	for (u32 i = 0; i < world.nr_hosts; i++)
		world.host[i].up.bps = 5000000;
	world.loses = true;
}

/* For so long nothing may slow the flow down: its window, in bytes, does not fall. */
static void mtu_watch(u64 ns)
{
	struct tcp_sock *tp = sender_of(&bulk[0]);
	const u64 *fails = &world.host[0].net->mib.tcpext[LINUX_MIB_TCPMTUPFail];
	u64 until = host_clock() + ns, failed = 0, window = 0;

	if (planted(PLANT_NARROW))
		tp->search_high = tp->search_low;
	for (; host_clock() < until; rest(MS)) {
		u64 now = (u64)tp->cc.cwnd * tp->mss_cache;

		if (now < window * 3 / 4)
			sim_fail("mtu",
				 "the window fell from %llu bytes to %llu after %llu lost probes",
				 (unsigned long long)window, (unsigned long long)now,
				 (unsigned long long)*fails);
		window = max(window, now);
		if (*fails != failed && planted(PLANT_SHY))
			tp->cc.cwnd /= 2;
		failed = *fails;
	}
}

/* What the search has found is what the hop takes, or a few bytes less. */
static void mtu_found(const char *when, u32 hop)
{
	const struct tcp_sock *tp = sender_of(&bulk[0]);

	if (tp->search_low > hop || tp->search_low + MTU_NEAR <= hop)
		sim_fail("mtu", "%s the hop takes %u bytes, found were %u (to %u)", when, hop,
			 tp->search_low, tp->search_high);
	if (tp->mss_cache + tcp_headers_len(tp) + tcp_tstamp_len(tp) != tp->search_low)
		sim_fail("mtu", "%s segments are of %u bytes", when, tp->mss_cache);
}

static void mtu(void)
{
	const u64 *tcpext = world.host[0].net->mib.tcpext;
	bool always = sim_options.seed % 2, calm = always && mtu_hop >= MTU_BASE;
	struct rng r;
	u32 again;
	u64 had;

	rng_stream(&r, sim_options.seed, "plan", 0);
	again = (u32)rng_between(&r, MTU_LEAST, MTU_MOST);
	must_not("sysctl",
		 tcp_sysctl_set(world.host[0].net, "tcp_mtu_probing", always ? "2" : "1"));
	must_not("sysctl", tcp_sysctl_set(world.host[0].net, "tcp_probe_interval", "10"));
	/* The queue before the wire holds all that may be in flight: nothing is lost but probes. */
	must_not("sysctl", tcp_sysctl_set(world.host[1].net, "tcp_rmem", "4096 131072 131072"));
	world.host[0].up.eats_above = mtu_hop;
	bulk_start(&bulk[0], &world.host[0], &world.host[1], "cubic", FAR_AWAY);
	if (calm)
		mtu_watch(MTU_FIND / 3);
	else
		rest(MTU_FIND);
	mtu_found("at first", mtu_hop);
	if (calm && (tcpext[LINUX_MIB_TCPTimeouts] || tcpext[LINUX_MIB_TCPSackRecovery]))
		sim_fail("mtu", "lost probes were taken for congestion");
	world.host[0].up.eats_above = 0;
	rest(MTU_FIND);
	mtu_found("without it", 1500);
	world.host[0].up.eats_above = again;
	rest(MTU_FIND);
	mtu_found("then", again);
	had = bulk[0].got;
	rest(NSEC_PER_SEC);
	say("mode %u, %u, 1500, %u bytes: found; %llu probes arrived, %llu were lost, %llu "
	    "timeouts; %llu "
	    "bytes in the last second",
	    always ? 2 : 1, mtu_hop, again, (unsigned long long)tcpext[LINUX_MIB_TCPMTUPSuccess],
	    (unsigned long long)tcpext[LINUX_MIB_TCPMTUPFail],
	    (unsigned long long)tcpext[LINUX_MIB_TCPTimeouts],
	    (unsigned long long)(bulk[0].got - had));
	if (bulk[0].got - had < 300000)
		sim_fail("mtu", "the link is not used");
	bulk[0].until_ns = 0;
	bulk_end(&bulk[0]);
}

/* --- The list ------------------------------------------------------------------------------------------------------------------------- */
static const struct lab {
	const char *name;
	u32 hosts;
	void (*plan)(void), (*run)(void);
} all[] = {
	{ "fair_cubic", 3, fair_plan, fair_cubic },
	{ "fair_reno", 3, fair_plan, fair_reno },
	{ "growth", 2, growth_plan, growth },
	{ "floor", 2, floor_plan, floor_run },
	{ "silence", 2, silence_plan, silence },
	{ "heal_timer", 2, heal_plan, heal_timer },
	{ "heal_peer", 2, heal_plan, heal_peer },
	{ "many", 2, many_plan, many },
	{ "fastopen", 2, fastopen_plan, fastopen },
	{ "bbr_alone", 2, bbr_alone_plan, bbr_alone },
	{ "bbr_loss", 2, bbr_loss_plan, bbr_loss },
	{ "bbr_fair", 3, bbr_fair_plan, bbr_fair },
	{ "bbr_beside", 3, bbr_beside_plan, bbr_beside },
	{ "heal_bbr", 2, heal_plan, heal_bbr },
	{ "bbr_change", 2, bbr_change_plan, bbr_change },
	{ "bbr_late", 2, bbr_change_plan, bbr_late },
	{ "mtu", 2, mtu_plan, mtu },
};

static const struct lab *lab(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, sim_options.lab))
			return &all[i];
	return NULL;
}

bool lab_find(void)
{
	return lab() != NULL;
}

void lab_plan(void)
{
	wire_plain(lab()->hosts);
	lab()->plan();
}

void lab_run(void)
{
	for (u32 i = 0; i < world.nr_hosts; i++) {
		must_not("sysctl",
			 tcp_sysctl_set(world.host[i].net, "tcp_wmem", "4096 16384 4194304"));
		must_not("sysctl",
			 tcp_sysctl_set(world.host[i].net, "tcp_rmem", "4096 131072 6291456"));
	}
	lab()->run();
}
