// SPDX-License-Identifier: MIT
/*
 * tbf: a bucket that fills with time; a packet leaves when there is as much time in it as the rate needs to carry it. So the
 * device sends at most burst at once and rate in the long run, and never reorders.
 *
 * A packet longer than burst would never leave: one that can be cut is cut, another is dropped.
 *
 * Interface: tbf_qdisc_ops.
 * Above: sch_generic.c by table.  Below: a discipline of its own that holds the packets (bfifo, or what the configuration
 * says behind the slash), by table; sch_api.c makes and ends that; sch_watchdog.c, sch_segment.c.
 * Context: BH off.
 * Owns: its child, the packets there, and the one packet that was taken from there and must wait.
 * Specs: tc-tbf(8). Time is counted in ns with the remainder of every division kept, so the rate is exact over any time.
 */
#include "sched_internal.h"

#include <kernel/proc.h>
#include <lib/bug.h>
#include <lib/err.h>

enum tbf_param { TBF_RATE, TBF_BURST, TBF_LIMIT, TBF_LATENCY };

struct tbf_priv {
	struct Qdisc *child;
	struct sk_buff *head; /* taken from the child, waits for time */
	u64 rate;             /* bits a second */
	u32 burst, limit;     /* bytes */
	u64 bucket_ns;        /* room of the bucket: the time that burst takes */
	u64 tokens_ns;        /* time in the bucket */
	u64 filled_ns;        /* when it was filled last */
	u64 rest; /* of the divisions: what the packets so far took beyond whole ns, in ns * rate */
	struct qdisc_watchdog watchdog;
};

/* limit follows from latency: what comes in while a full bucket and a whole queue go out. */
static int tbf_check(struct qdisc_level *l, const char **why)
{
	u64 limit;

	*why = "tbf needs rate, burst, and latency or limit";
	if (l->val[TBF_RATE] == QDISC_UNLIMITED || l->val[TBF_BURST] == QDISC_UNLIMITED ||
	    (l->val[TBF_LIMIT] == QDISC_UNLIMITED && l->val[TBF_LATENCY] == QDISC_UNLIMITED))
		return -EINVAL;
	*why = "tbf takes latency or limit, not both";
	if (l->val[TBF_LIMIT] != QDISC_UNLIMITED && l->val[TBF_LATENCY] != QDISC_UNLIMITED)
		return -EINVAL;
	if (l->val[TBF_LIMIT] != QDISC_UNLIMITED)
		return 0;
	*why = "rate and latency make a queue that is too long";
	limit = l->val[TBF_RATE] / 8 * (l->val[TBF_LATENCY] / NSEC_PER_USEC) / 1000000 +
		l->val[TBF_BURST];
	if (limit > 1u << 30)
		return -ERANGE;
	l->val[TBF_LIMIT] = limit;
	return 0;
}

static int tbf_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	struct tbf_priv *p = q->priv;
	const u64 *val = spec->root.val;
	struct qdisc_spec child;

	p->rate = val[TBF_RATE];
	p->burst = (u32)val[TBF_BURST];
	p->limit = (u32)val[TBF_LIMIT];
	p->bucket_ns = (u64)p->burst * 8 * NSEC_PER_SEC / p->rate;
	p->tokens_ns = p->bucket_ns;
	p->filled_ns = ktime_get_ns();
	qdisc_watchdog_init(&p->watchdog, q);
	q->limit = p->limit;
	qdisc_spec_default(&child, &bfifo_qdisc_ops);
	child.root.val[FIFO_LIMIT] = p->limit;
	if (spec->child.ops)
		child.root = spec->child;
	p->child = qdisc_create_spec(&child, q->txq);
	return p->child ? 0 : -ENOMEM;
}

/* What the child lost since it was looked at last was ours, too. */
static void child_lost(struct Qdisc *q, const struct qdisc_count *before)
{
	const struct tbf_priv *p = q->priv;
	u64 packets = p->child->lost.packets - before->packets;
	u64 bytes = p->child->lost.bytes - before->bytes;

	q->qlen -= (u32)packets;
	q->backlog -= (u32)bytes;
	q->lost.packets += packets;
	q->lost.bytes += bytes;
	q->drops += packets;
}

static int tbf_put(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	struct tbf_priv *p = q->priv;
	struct qdisc_count in = p->child->in, lost = p->child->lost;
	int rc = p->child->ops->enqueue(skb, p->child, to_free);
	u32 packets = (u32)(p->child->in.packets - in.packets);
	u64 bytes = p->child->in.bytes - in.bytes;

	q->qlen += packets;
	q->backlog += (u32)bytes;
	q->in.packets += packets;
	q->in.bytes += bytes;
	q->drops += !packets;
	child_lost(q, &lost);
	return rc;
}

/* Too long for the bucket, but it stands for several that may not be. */
static int tbf_enqueue_cut(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
	__needs(softirq_ctx)
{
	const struct tbf_priv *p = q->priv;
	struct sk_buff *seg = qdisc_segment(skb, q), *next;
	int rc = NET_XMIT_DROP;

	if (!seg)
		return qdisc_refuse(skb, q, to_free);
	for (; seg; seg = next) {
		next = seg->next;
		seg->next = NULL;
		if (qdisc_pkt_len(seg) > p->burst)
			(void)qdisc_refuse(seg, q, to_free);
		else if (tbf_put(seg, q, to_free) != NET_XMIT_DROP)
			rc = NET_XMIT_SUCCESS;
	}
	return rc;
}

static int tbf_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
	__needs(softirq_ctx)
{
	const struct tbf_priv *p = q->priv;

	if (qdisc_pkt_len(skb) <= p->burst)
		return tbf_put(skb, q, to_free);
	return skb_is_gso(skb) ? tbf_enqueue_cut(skb, q, to_free) : qdisc_refuse(skb, q, to_free);
}

/* --- Out ----------------------------------------------------------------------------------------------------------------------- */
static void bucket_fill(struct tbf_priv *p, u64 now)
{
	p->tokens_ns = min(p->tokens_ns + (now - p->filled_ns), p->bucket_ns);
	p->filled_ns = now;
}

/* The time that a packet takes. *@rest gets what is left of the division. */
static u64 carry_ns(const struct tbf_priv *p, const struct sk_buff *skb, u64 *rest)
{
	u64 n = (u64)qdisc_pkt_len(skb) * 8 * NSEC_PER_SEC + p->rest;

	*rest = n % p->rate;
	return n / p->rate;
}

static struct sk_buff *tbf_dequeue(struct Qdisc *q)
{
	struct tbf_priv *p = q->priv;
	struct sk_buff *skb = p->head;
	u64 now = ktime_get_ns(), need, rest;

	if (!skb) {
		struct qdisc_count lost = p->child->lost;

		skb = p->head = p->child->ops->dequeue(p->child);
		child_lost(q, &lost);
	}
	if (!skb)
		return NULL;
	bucket_fill(p, now);
	need = carry_ns(p, skb, &rest);
	/* A whole bucket is enough for every packet that got in; the remainder must not make it one ns too long. */
	if (need > p->tokens_ns && p->tokens_ns < p->bucket_ns) {
		q->overlimits++;
		qdisc_watchdog_schedule_ns(&p->watchdog,
					   now + min(need, p->bucket_ns) - p->tokens_ns);
		return NULL;
	}
	p->tokens_ns -= min(need, p->tokens_ns);
	p->rest = rest;
	p->head = NULL;
	qdisc_dequeued(q, skb);
	return skb;
}

/* --- The rest ------------------------------------------------------------------------------------------------------------------ */
static void tbf_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct tbf_priv *p = q->priv;
	struct sk_buff *held = NULL;
	u64 drops = q->drops;
	struct qdisc_count lost = p->child->lost;

	qdisc_watchdog_cancel(&p->watchdog);
	p->child->ops->reset(p->child, to_free);
	child_lost(q, &lost);
	q->drops = drops; /* an end is no drop */
	held = p->head;
	p->head = NULL;
	if (held) {
		qdisc_lost(q, held);
		qdisc_free_later(held, to_free);
	}
}

static void tbf_destroy(struct Qdisc *q)
{
	struct tbf_priv *p = q->priv;

	qdisc_destroy(p->child);
}

static void tbf_walk(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
		     void *arg)
{
	const struct tbf_priv *p = q->priv;

	if (p->head)
		fn(p->head, arg);
	p->child->ops->walk(p->child, fn, arg);
}

static void tbf_dump(const struct Qdisc *q, struct seq_file *m)
{
	const struct tbf_priv *p = q->priv;

	seq_puts(m, " rate ");
	qdisc_print_rate(m, p->rate);
	seq_puts(m, " burst ");
	qdisc_print_size(m, p->burst);
	seq_puts(m, " limit ");
	qdisc_print_size(m, p->limit);
}

/* The child in one line, and what it counts itself. */
static void tbf_dump_stats(const struct Qdisc *q, struct seq_file *m)
{
	const struct tbf_priv *p = q->priv;

	seq_printf(m, "  child %s", p->child->ops->id);
	if (p->child->ops->dump)
		p->child->ops->dump(p->child, m);
	seq_printf(m, " dropped %llu backlog %ub %up\n", (unsigned long long)p->child->drops,
		   p->child->backlog, p->child->qlen);
	if (p->child->ops->dump_stats)
		p->child->ops->dump_stats(p->child, m);
}

static const struct qdisc_param tbf_params[] = {
	[TBF_RATE] = { "rate", QDISC_RATE, QDISC_UNLIMITED, 8, 100 * 1000000000ull },
	[TBF_BURST] = { "burst", QDISC_BYTES, QDISC_UNLIMITED, 64, 256 << 20 },
	[TBF_LIMIT] = { "limit", QDISC_BYTES, QDISC_UNLIMITED, 0, 1 << 30 },
	[TBF_LATENCY] = { "latency", QDISC_TIME, QDISC_UNLIMITED, 0, 100 * NSEC_PER_SEC },
};

const struct Qdisc_ops tbf_qdisc_ops = {
	.id = "tbf",
	.priv_size = sizeof(struct tbf_priv),
	.params = tbf_params,
	.nr_params = ARRAY_SIZE(tbf_params),
	.classful = true,
	.check = tbf_check,
	.init = tbf_init,
	.enqueue = tbf_enqueue,
	.dequeue = tbf_dequeue,
	.reset = tbf_reset,
	.destroy = tbf_destroy,
	.walk = tbf_walk,
	.dump = tbf_dump,
	.dump_stats = tbf_dump_stats,
};
