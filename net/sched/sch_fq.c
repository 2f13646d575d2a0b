// SPDX-License-Identifier: MIT
/*
 * fq: every socket is a flow, flows share the device byte by byte, and each packet leaves when its time has come: the time
 * its sender wrote on it (TCP does once it sees fq below), or the one that the rate allows: the flow's, or its socket's.
 *
 *   new flows -(quantum used up)-> old flows, in turn -(empty)-> detached, kept for a while with its credit
 *                  \_ next packet not due yet -> throttled, by time; the watchdog brings them back
 *
 * Interface: fq_qdisc_ops.
 * Above: sch_generic.c and sch_tbf.c call by table.  Below: sch_watchdog.c, flow_dissector.c.
 * Context: BH off.
 * Owns: the packets in its flows, at most limit, and flow_limit in each; the flows themselves.
 * Order: within a flow by departure time, then as they came. A packet of control priority goes before all flows.
 * Specs: tc-fq(8); RFC 9002 (7.7) on why senders pace.
 */
#include "sched_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <net/sock.h>

enum fq_param {
	FQ_LIMIT,
	FQ_FLOW_LIMIT,
	FQ_BUCKETS,
	FQ_QUANTUM,
	FQ_INITIAL,
	FQ_MAXRATE,
	FQ_REFILL,
	FQ_HORIZON,
	FQ_HORIZON_CAP
};
/* Packets without a socket, which anybody on the network may cause, make so many flows at most. */
enum { ORPHAN_FLOWS = 1024, ORPHAN_SPREAD = 0x61c88647 };
enum { PRIO_CONTROL = 7, PRIO_MASK = 15, GC_BATCH = 8 };
#define GC_AGE_NS    (3 * NSEC_PER_SEC)
#define PAUSE_MAX_NS NSEC_PER_SEC /* between two packets of a flow, however slow it is to be */

enum fq_state { FQ_DETACHED, FQ_NEW, FQ_OLD, FQ_THROTTLED };

struct fq_flow {
	struct list_head list;   /* new, old or throttled; none when detached */
	struct list_head bucket; /* beside those of the same hash */
	const struct sock *sk;   /* whose; only compared; NULL: told by hash alone */
	u32 hash;
	u32 qlen;
	struct sk_buff_head queue; /* by departure time */
	s64 credit;                /* bytes it may still send in this round */
	u64 next_ns;               /* its rate allows the next packet then */
	u64 wake_ns;               /* throttled till then */
	u64 idle_ns;               /* since when it is detached */
	enum fq_state state;
};

struct fq_priv {
	struct list_head *buckets;
	u32 nr_buckets, flow_limit;
	s64 quantum, initial_quantum;
	u64 maxrate; /* bits a second for each flow */
	u64 refill_ns, horizon_ns;
	bool horizon_cap; /* too far in the future: sent at the horizon, not dropped */
	struct list_head new_flows, old_flows, throttled; /* throttled: by wake_ns */
	struct fq_flow internal; /* control, and those without memory for a flow */
	struct qdisc_watchdog watchdog;
	u32 flows, inactive, nr_throttled;
	u64 gc_flows, highprio, throttles, flows_plimit, alloc_errors, horizon_drops, horizon_caps;
};

struct fq_cb {
	u64 departs_ns;
};
static_assert(sizeof(struct fq_cb) <= QDISC_CB_ROOM, "scratch");

static struct fq_cb *fq_cb(const struct sk_buff *skb)
{
	return qdisc_cb(skb);
}

static void flow_init(struct fq_flow *f, const struct sock *sk, u32 hash)
{
	*f = (struct fq_flow){ .sk = sk, .hash = hash };
	INIT_LIST_HEAD(&f->list);
	INIT_LIST_HEAD(&f->bucket);
	skb_queue_head_init(&f->queue);
}

static int fq_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	struct fq_priv *p = q->priv;
	const u64 *val = spec->root.val;

	q->limit = (u32)val[FQ_LIMIT];
	p->nr_buckets = (u32)val[FQ_BUCKETS];
	p->flow_limit = (u32)val[FQ_FLOW_LIMIT];
	p->quantum = (s64)val[FQ_QUANTUM];
	p->initial_quantum = (s64)val[FQ_INITIAL];
	p->maxrate = val[FQ_MAXRATE];
	p->refill_ns = val[FQ_REFILL];
	p->horizon_ns = val[FQ_HORIZON];
	p->horizon_cap = val[FQ_HORIZON_CAP];
	INIT_LIST_HEAD(&p->new_flows);
	INIT_LIST_HEAD(&p->old_flows);
	INIT_LIST_HEAD(&p->throttled);
	flow_init(&p->internal, NULL, 0);
	qdisc_watchdog_init(&p->watchdog, q);
	p->buckets = kmalloc(p->nr_buckets * sizeof(*p->buckets));
	if (!p->buckets)
		return -ENOMEM;
	for (u32 i = 0; i < p->nr_buckets; i++)
		INIT_LIST_HEAD(&p->buckets[i]);
	return 0;
}

/* --- Flows ------------------------------------------------------------------------------------------------------------------ */
static void flow_free(struct fq_priv *p, struct fq_flow *f)
{
	BUG_ON(f->qlen || f->state != FQ_DETACHED);
	list_del_init(&f->bucket);
	p->flows--;
	p->inactive--;
	kfree(f);
}

/* Frees some flows of a bucket that nobody used for long. */
static void bucket_gc(struct fq_priv *p, struct list_head *bucket, u64 now)
{
	struct fq_flow *f, *next;
	u32 n = 0;

	list_for_each_entry_safe(f, next, bucket, bucket) {
		if (f->state != FQ_DETACHED || now - f->idle_ns < GC_AGE_NS || n == GC_BATCH)
			continue;
		flow_free(p, f);
		p->gc_flows++;
		n++;
	}
}

/* Which of several flows with one hash: a socket's identity, so that the same seed gives the same order. */
static u32 flow_hash(const struct Qdisc *q, struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;
	struct {
		__be32 saddr, daddr;
		u32 ports, proto;
	} key;

	if (!sk)
		return skb_get_hash(q->txq->dev->net, skb) % ORPHAN_FLOWS * ORPHAN_SPREAD;
	key.saddr = sk->sk_rcv_saddr;
	key.daddr = sk->sk_daddr;
	key.ports = (u32)sk->sk_num << 16 | (__force u16)sk->sk_dport;
	key.proto = sk->sk_protocol;
	return (u32)siphash(&key, sizeof(key), &q->txq->dev->net->hash_key);
}

/* The flow of a packet, made when there is none; without memory the one that all share. */
static struct fq_flow *classify(struct Qdisc *q, struct sk_buff *skb, u64 now)
{
	struct fq_priv *p = q->priv;
	struct list_head *bucket;
	struct fq_flow *f;
	u32 hash;

	if ((skb->priority & PRIO_MASK) == PRIO_CONTROL)
		return &p->internal;
	hash = flow_hash(q, skb);
	bucket = &p->buckets[(u64)hash * p->nr_buckets >> 32];
	list_for_each_entry(f, bucket, bucket)
		if (f->hash == hash && f->sk == skb->sk)
			return f;
	bucket_gc(p, bucket, now);
	f = kmalloc(sizeof(*f));
	if (!f) {
		p->alloc_errors++;
		return &p->internal;
	}
	if (skb->sk)
		skb->sk->sk_paced = 1; /* its transport may say when packets shall leave */
	flow_init(f, skb->sk, hash);
	f->credit = p->initial_quantum;
	f->idle_ns = now;
	list_add_tail(&f->bucket, bucket);
	p->flows++;
	p->inactive++;
	return f;
}

/* The flow changes lists: to the tail of @to, or to none. */
static void flow_move(struct fq_priv *p, struct fq_flow *f, enum fq_state state,
		      struct list_head *to)
{
	p->inactive -= f->state == FQ_DETACHED;
	p->inactive += state == FQ_DETACHED;
	p->nr_throttled -= f->state == FQ_THROTTLED;
	p->nr_throttled += state == FQ_THROTTLED;
	list_del_init(&f->list);
	if (to)
		list_add_tail(&f->list, to);
	f->state = state;
}

/* Till @wake_ns nothing of this flow may leave. */
static void flow_throttle(struct fq_priv *p, struct fq_flow *f, u64 wake_ns)
{
	struct list_head *at;

	flow_move(p, f, FQ_THROTTLED, NULL);
	f->wake_ns = wake_ns;
	at = p->throttled.prev;
	while (at != &p->throttled && list_entry(at, struct fq_flow, list)->wake_ns > wake_ns)
		at = at->prev;
	list_add(&f->list, at);
}

/* When the first packet of a flow that has one may leave. */
static u64 flow_due(const struct fq_flow *f)
{
	return max(fq_cb(skb_peek(&f->queue))->departs_ns, f->next_ns);
}

/* --- In ------------------------------------------------------------------------------------------------------------------------ */
/* When the packet may leave at the earliest; false: too far in the future to be kept. */
static bool departure(struct fq_priv *p, const struct sk_buff *skb, u64 now)
{
	u64 at = max(skb->tstamp_ns, now);

	if (at - now > p->horizon_ns) {
		if (!p->horizon_cap) {
			p->horizon_drops++;
			return false;
		}
		p->horizon_caps++;
		at = now + p->horizon_ns;
	}
	fq_cb(skb)->departs_ns = at;
	return true;
}

/* Behind those that leave earlier or at the same time. */
static void flow_add(struct fq_flow *f, struct sk_buff *skb)
{
	struct sk_buff *at = skb_peek_tail(&f->queue);

	while (at && fq_cb(at)->departs_ns > fq_cb(skb)->departs_ns)
		at = at == skb_peek(&f->queue) ? NULL : at->prev;
	if (at)
		skb_queue_after(&f->queue, at, skb);
	else
		skb_queue_head(&f->queue, skb);
	f->qlen++;
}

static int fq_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	struct fq_priv *p = q->priv;
	u64 now = ktime_get_ns();
	struct fq_flow *f;

	if (q->qlen - q->requeue.qlen >= q->limit || !departure(p, skb, now))
		return qdisc_refuse(skb, q, to_free);
	f = classify(q, skb, now);
	if (f == &p->internal) {
		p->highprio++;
	} else if (f->qlen >= p->flow_limit) {
		p->flows_plimit++;
		return qdisc_refuse(skb, q, to_free);
	} else if (f->state == FQ_DETACHED) {
		flow_move(p, f, FQ_NEW, &p->new_flows);
		if (now - f->idle_ns > p->refill_ns)
			f->credit = max(f->credit, p->quantum);
	}
	flow_add(f, skb);
	qdisc_enqueued(q, skb);
	if (f->state == FQ_THROTTLED && flow_due(f) < f->wake_ns)
		flow_throttle(p, f, flow_due(f));
	return NET_XMIT_SUCCESS;
}

/* --- Out ----------------------------------------------------------------------------------------------------------------------- */
/* Flows whose time has come are old ones again. */
static void unthrottle(struct fq_priv *p, u64 now)
{
	while (!list_empty(&p->throttled)) {
		struct fq_flow *f = list_first_entry(&p->throttled, struct fq_flow, list);

		if (f->wake_ns > now) {
			qdisc_watchdog_schedule_ns(&p->watchdog, f->wake_ns);
			return;
		}
		flow_move(p, f, FQ_OLD, &p->old_flows);
	}
	qdisc_watchdog_cancel(&p->watchdog);
}

/*
 * The flow's limit; for a packet without a departure time its socket's as well (SO_MAX_PACING_RATE). A transport that wrote the time on
 * it has kept to its rate already.
 */
static u64 flow_rate(const struct fq_priv *p, const struct sk_buff *skb)
{
	u64 rate = skb->sk && !skb->tstamp_ns ? skb->sk->sk_pacing_rate : QDISC_UNLIMITED;

	return rate < QDISC_UNLIMITED / 8 ? min(p->maxrate, rate * 8) : p->maxrate;
}

/*
 * A packet leaves at @now which was due at @due: the next one is due when the rate has carried this one. Who comes late by less
 * than that does not lose the time, so the long run keeps the rate; who comes later than that does not catch up in a burst.
 */
static void flow_pace(struct fq_flow *f, u32 len, u64 rate, u64 due, u64 now)
{
	u64 took;

	if (rate == QDISC_UNLIMITED || !rate)
		return;
	took = min((u64)len * 8 * NSEC_PER_SEC / rate, PAUSE_MAX_NS);
	f->next_ns = max(due, now > took ? now - took : 0) + took;
}

static struct sk_buff *flow_pop(struct fq_flow *f)
{
	struct sk_buff *skb = skb_dequeue(&f->queue);

	if (skb)
		f->qlen--;
	return skb;
}

/* The next packet of @f when it is due; else NULL, and the flow stands where it belongs. */
static struct sk_buff *flow_next(struct fq_priv *p, struct fq_flow *f, u64 now)
{
	struct sk_buff *skb = skb_peek(&f->queue);
	u64 due;

	if (!skb) {
		/* A new flow passes the old ones once before it may be new again. */
		if (f->state == FQ_NEW && !list_empty(&p->old_flows)) {
			flow_move(p, f, FQ_OLD, &p->old_flows);
		} else {
			flow_move(p, f, FQ_DETACHED, NULL);
			f->idle_ns = now;
		}
		return NULL;
	}
	due = flow_due(f);
	if (due > now) {
		p->throttles++;
		flow_throttle(p, f, due);
		return NULL;
	}
	(void)flow_pop(f);
	f->credit -= qdisc_pkt_len(skb);
	flow_pace(f, qdisc_pkt_len(skb), flow_rate(p, skb), due, now);
	return skb;
}

static struct sk_buff *fq_dequeue(struct Qdisc *q)
{
	struct fq_priv *p = q->priv;
	struct sk_buff *skb = flow_pop(&p->internal);
	u64 now = ktime_get_ns();

	if (!skb)
		unthrottle(p, now);
	while (!skb) {
		struct list_head *flows = list_empty(&p->new_flows) ? &p->old_flows : &p->new_flows;
		struct fq_flow *f;

		if (list_empty(flows)) {
			unthrottle(p, now); /* who was throttled just now may be the first */
			return NULL;
		}
		f = list_first_entry(flows, struct fq_flow, list);
		if (f->credit <= 0) {
			f->credit += p->quantum;
			flow_move(p, f, FQ_OLD, &p->old_flows);
			continue;
		}
		skb = flow_next(p, f, now);
	}
	qdisc_dequeued(q, skb);
	return skb;
}

/* --- The rest ------------------------------------------------------------------------------------------------------------------ */
static void flow_reset(struct Qdisc *q, struct fq_flow *f, struct sk_buff **to_free)
{
	struct sk_buff *skb;

	while ((skb = flow_pop(f))) {
		qdisc_lost(q, skb);
		qdisc_free_later(skb, to_free);
	}
}

static void fq_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct fq_priv *p = q->priv;
	struct fq_flow *f, *next;

	qdisc_watchdog_cancel(&p->watchdog);
	flow_reset(q, &p->internal, to_free);
	for (u32 i = 0; i < p->nr_buckets; i++)
		list_for_each_entry_safe(f, next, &p->buckets[i], bucket) {
			flow_reset(q, f, to_free);
			if (f->state != FQ_DETACHED)
				flow_move(p, f, FQ_DETACHED, NULL);
			flow_free(p, f);
		}
	BUG_ON(p->flows || p->inactive || p->nr_throttled);
}

static void fq_destroy(struct Qdisc *q)
{
	struct fq_priv *p = q->priv;

	kfree(p->buckets);
}

static void fq_walk(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
		    void *arg)
{
	const struct fq_priv *p = q->priv;
	const struct sk_buff *skb;
	const struct fq_flow *f;

	skb_queue_walk(&p->internal.queue, skb)
		fn(skb, arg);
	for (u32 i = 0; i < p->nr_buckets; i++)
		list_for_each_entry(f, &p->buckets[i], bucket)
			skb_queue_walk(&f->queue, skb)
				fn(skb, arg);
}

static void fq_dump(const struct Qdisc *q, struct seq_file *m)
{
	const struct fq_priv *p = q->priv;

	seq_printf(m, " limit %up flow_limit %up buckets %u quantum %llub initial_quantum %llub",
		   q->limit, p->flow_limit, p->nr_buckets, (unsigned long long)p->quantum,
		   (unsigned long long)p->initial_quantum);
	if (p->maxrate != QDISC_UNLIMITED) {
		seq_puts(m, " maxrate ");
		qdisc_print_rate(m, p->maxrate);
	}
	seq_puts(m, " refill_delay ");
	qdisc_print_time(m, p->refill_ns);
	seq_puts(m, " horizon ");
	qdisc_print_time(m, p->horizon_ns);
	seq_puts(m, p->horizon_cap ? " horizon_cap" : " horizon_drop");
}

static void fq_dump_stats(const struct Qdisc *q, struct seq_file *m)
{
	const struct fq_priv *p = q->priv;

	seq_printf(m, "  flows %u (inactive %u throttled %u)", p->flows, p->inactive,
		   p->nr_throttled);
	if (timer_pending(&p->watchdog.timer)) {
		u64 now = ktime_get_ns(), at = p->watchdog.timer.expires_ns;

		seq_printf(m, " next packet delay %llu ns",
			   (unsigned long long)(at > now ? at - now : 0));
	}
	seq_printf(m, "\n  gc %llu highprio %llu throttled %llu flows_plimit %llu",
		   (unsigned long long)p->gc_flows, (unsigned long long)p->highprio,
		   (unsigned long long)p->throttles, (unsigned long long)p->flows_plimit);
	seq_printf(m, " alloc_errors %llu horizon_drops %llu horizon_caps %llu\n",
		   (unsigned long long)p->alloc_errors, (unsigned long long)p->horizon_drops,
		   (unsigned long long)p->horizon_caps);
}

static const struct qdisc_param fq_params[] = {
	[FQ_LIMIT] = { "limit", QDISC_PACKETS, 10000, 1, 1000000 },
	[FQ_FLOW_LIMIT] = { "flow_limit", QDISC_PACKETS, 100, 1, 1000000 },
	[FQ_BUCKETS] = { "buckets", QDISC_NUMBER, 1024, 1, 65536 },
	[FQ_QUANTUM] = { "quantum", QDISC_BYTES, 2 * 1514, 1, 1 << 20 },
	[FQ_INITIAL] = { "initial_quantum", QDISC_BYTES, 10 * 1514, 0, 1 << 20 },
	[FQ_MAXRATE] = { "maxrate", QDISC_RATE, QDISC_UNLIMITED, 8, 1000 * 1000000000ull },
	[FQ_REFILL] = { "refill_delay", QDISC_TIME, 40 * NSEC_PER_MSEC, 0, 100 * NSEC_PER_SEC },
	[FQ_HORIZON] = { "horizon", QDISC_TIME, 10 * NSEC_PER_SEC, 0, 1000 * NSEC_PER_SEC },
	[FQ_HORIZON_CAP] = { "horizon_cap", QDISC_FLAG, 0, 0, 1 },
};

const struct Qdisc_ops fq_qdisc_ops = {
	.id = "fq",
	.priv_size = sizeof(struct fq_priv),
	.params = fq_params,
	.nr_params = ARRAY_SIZE(fq_params),
	.init = fq_init,
	.enqueue = fq_enqueue,
	.dequeue = fq_dequeue,
	.reset = fq_reset,
	.destroy = fq_destroy,
	.walk = fq_walk,
	.dump = fq_dump,
	.dump_stats = fq_dump_stats,
};
