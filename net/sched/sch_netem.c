// SPDX-License-Identifier: MIT
/*
 * netem: a bad network inside the queue: packets are delayed, lost, doubled, overtaken, bent. Every decision comes from a
 * generator of its own: same seed and same packets, same decisions.
 *
 * Interface: netem_qdisc_ops.
 * Above: sch_generic.c by table.  Below: sch_watchdog.c, sch_segment.c.
 * Context: BH off.
 * Owns: the packets on their way, ordered by when they leave; at most limit of them.
 * Specs: tc-netem(8). Burst loss is Gilbert's model (E. N. Gilbert, Bell System Technical Journal 39, 1960): a good state
 * that loses nothing and a bad one that loses all; share and mean length of the bursts are given.
 */
#include "sched_internal.h"

#include <kernel/proc.h>
#include <kernel/random.h>
#include <lib/bug.h>
#include <lib/err.h>

enum netem_param {
	NETEM_LIMIT,
	NETEM_DELAY,
	NETEM_JITTER,
	NETEM_LOSS,
	NETEM_BURST,
	NETEM_DUP,
	NETEM_REORDER,
	NETEM_GAP,
	NETEM_CORRUPT,
	NETEM_SEED
};

struct netem_priv {
	struct sk_buff_head queue; /* by departure */
	u64 delay_ns, jitter_ns;
	u64 loss, dup, reorder, corrupt; /* of QDISC_SHARE_ONE */
	u64 to_bad, to_good; /* chances of changing state; to_good 0: losses come singly */
	u32 burst, gap;      /* packets */
	bool bad;
	u32 since;         /* packets delayed since the last one that overtook */
	u64 seed, entropy; /* the generator: what it began with, where it is */
	struct qdisc_watchdog watchdog;
	u64 lost, duplicated, reordered, corrupted, alloc_errors;
};

struct netem_cb {
	u64 departs_ns;
};
static_assert(sizeof(struct netem_cb) <= QDISC_CB_ROOM, "scratch");

static struct netem_cb *netem_cb(const struct sk_buff *skb)
{
	return qdisc_cb(skb);
}

static int netem_check(struct qdisc_level *l, const char **why)
{
	u64 *val = l->val;

	*why = "jitter cannot be more than delay";
	if (val[NETEM_JITTER] > val[NETEM_DELAY])
		return -EINVAL;
	*why = "reorder needs a delay: who is not delayed overtakes the others";
	if (val[NETEM_REORDER] && !val[NETEM_DELAY])
		return -EINVAL;
	*why = "gap needs reorder";
	if (val[NETEM_GAP] && !val[NETEM_REORDER])
		return -EINVAL;
	*why = "burst needs a loss below 100%";
	if (val[NETEM_BURST] && (!val[NETEM_LOSS] || val[NETEM_LOSS] == QDISC_SHARE_ONE))
		return -EINVAL;
	return 0;
}

/*
 * In the long run the bad state has the share loss, and a stay in it lasts burst packets: leaving it has the chance 1/burst,
 * and entering it that times loss / (1 - loss).
 */
static void gilbert_init(struct netem_priv *p)
{
	if (!p->burst)
		return;
	p->to_good = QDISC_SHARE_ONE / p->burst;
	p->to_bad = min(p->to_good * p->loss / (QDISC_SHARE_ONE - p->loss), QDISC_SHARE_ONE);
}

static int netem_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	struct netem_priv *p = q->priv;
	const u64 *val = spec->root.val;

	q->limit = (u32)val[NETEM_LIMIT];
	p->delay_ns = val[NETEM_DELAY];
	p->jitter_ns = val[NETEM_JITTER];
	p->loss = val[NETEM_LOSS];
	p->burst = (u32)val[NETEM_BURST];
	p->dup = val[NETEM_DUP];
	p->reorder = val[NETEM_REORDER];
	p->gap = (u32)val[NETEM_GAP];
	p->corrupt = val[NETEM_CORRUPT];
	p->seed = val[NETEM_SEED] == QDISC_UNLIMITED ? get_random_u32() : val[NETEM_SEED];
	p->entropy = p->seed;
	gilbert_init(p);
	skb_queue_head_init(&p->queue);
	qdisc_watchdog_init(&p->watchdog, q);
	return 0;
}

/* --- Decisions ------------------------------------------------------------------------------------------------------------------ */
/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static u64 draw(struct netem_priv *p)
{
	u64 z = p->entropy += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0 .. @ceil - 1, even; @ceil below 2^32. */
static u64 draw_below(struct netem_priv *p, u64 ceil)
{
	return (draw(p) >> 32) * ceil >> 32;
}

/* True with the chance @share; what never happens draws nothing. */
static bool happens(struct netem_priv *p, u64 share)
{
	return share && draw_below(p, QDISC_SHARE_ONE) < share;
}

static bool is_lost(struct netem_priv *p)
{
	if (!p->burst)
		return happens(p, p->loss);
	p->bad = p->bad ? !happens(p, p->to_good) : happens(p, p->to_bad);
	return p->bad;
}

static u64 draw_delay(struct netem_priv *p)
{
	u64 span = 2 * p->jitter_ns + 1, at;

	if (!p->jitter_ns)
		return p->delay_ns;
	/* Longer than 4 s does not fit into 32 bits: the grain gets coarser. */
	for (at = 1; span / at > UINT32_MAX; at <<= 1)
		;
	return p->delay_ns - p->jitter_ns + draw_below(p, span / at) * at;
}

/* One bit of the packet turns, after it was summed, so that the receiver can see it. false: no memory for a copy of its own. */
static bool bend(struct netem_priv *p, struct sk_buff *skb)
{
	u64 bit;

	if (skb_linearize(skb))
		return false;
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		return false;
	if (skb_shared_data(skb) && pskb_expand_head(skb, 0, 0))
		return false;
	bit = draw_below(p, (u64)skb->len * 8);
	skb->data[bit / 8] ^= (u8)(1 << bit % 8);
	p->corrupted++;
	return true;
}

/* --- In ------------------------------------------------------------------------------------------------------------------------- */
/* Behind those that leave earlier or at the same time. */
static void queue_add(struct netem_priv *p, struct sk_buff *skb)
{
	struct sk_buff *at = skb_peek_tail(&p->queue);

	while (at && netem_cb(at)->departs_ns > netem_cb(skb)->departs_ns)
		at = at == skb_peek(&p->queue) ? NULL : at->prev;
	if (at)
		skb_queue_after(&p->queue, at, skb);
	else
		skb_queue_head(&p->queue, skb);
}

/* Does this packet go at once, past all that wait? With a gap every so many-th may. */
static bool overtakes(struct netem_priv *p)
{
	if (!p->reorder)
		return false;
	if (p->gap && p->since + 1 < p->gap)
		return false;
	return happens(p, p->reorder);
}

static int netem_queue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	struct netem_priv *p = q->priv;
	u64 now = ktime_get_ns();

	if (p->queue.qlen >= q->limit)
		return qdisc_refuse(skb, q, to_free);
	if (overtakes(p)) {
		p->since = 0;
		p->reordered++;
		netem_cb(skb)->departs_ns = now;
	} else {
		p->since++;
		netem_cb(skb)->departs_ns = now + draw_delay(p);
	}
	queue_add(p, skb);
	qdisc_enqueued(q, skb);
	return NET_XMIT_SUCCESS;
}

/* One of the packets bends; of one that stands for many, the first. Consumes. */
static int netem_queue_bent(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
	__needs(softirq_ctx)
{
	struct netem_priv *p = q->priv;
	struct sk_buff *rest = NULL;
	int rc;

	if (skb_is_gso(skb)) {
		struct sk_buff *segs = qdisc_segment(skb, q);

		if (!segs)
			goto out_refuse;
		skb = segs;
		rest = skb->next;
		skb->next = NULL;
	}
	if (!bend(p, skb))
		goto out_refuse;
	rc = netem_queue(skb, q, to_free);
	goto out_rest;
out_refuse:
	p->alloc_errors++;
	rc = qdisc_refuse(skb, q, to_free);
out_rest:
	while (rest) {
		struct sk_buff *next = rest->next;

		rest->next = NULL;
		(void)netem_queue(rest, q, to_free);
		rest = next;
	}
	return rc;
}

/* A lost packet is gone like on a wire: the sender is not told. One that is both doubled and lost stays one. */
static int netem_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
	__needs(softirq_ctx)
{
	struct netem_priv *p = q->priv;
	bool twice = happens(p, p->dup), lost = is_lost(p);

	if (lost && !twice) {
		p->lost++;
		(void)qdisc_refuse(skb, q, to_free);
		return NET_XMIT_SUCCESS;
	}
	if (twice && !lost) {
		struct sk_buff *second = skb_clone(skb);

		p->duplicated += second != NULL;
		p->alloc_errors += second == NULL;
		if (second) {
			skb_enter(second, (enum skb_stage)skb->stage);
			(void)netem_queue(second, q, to_free);
		}
	}
	if (happens(p, p->corrupt))
		return netem_queue_bent(skb, q, to_free);
	return netem_queue(skb, q, to_free);
}

/* --- Out ------------------------------------------------------------------------------------------------------------------------ */
static struct sk_buff *netem_dequeue(struct Qdisc *q)
{
	struct netem_priv *p = q->priv;
	struct sk_buff *skb = skb_peek(&p->queue);

	if (!skb)
		return NULL;
	if (netem_cb(skb)->departs_ns > ktime_get_ns()) {
		qdisc_watchdog_schedule_ns(&p->watchdog, netem_cb(skb)->departs_ns);
		return NULL;
	}
	skb_unlink(skb, &p->queue);
	qdisc_dequeued(q, skb);
	return skb;
}

static void netem_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct netem_priv *p = q->priv;
	struct sk_buff *skb;

	qdisc_watchdog_cancel(&p->watchdog);
	while ((skb = skb_dequeue(&p->queue))) {
		qdisc_lost(q, skb);
		qdisc_free_later(skb, to_free);
	}
}

static void netem_walk(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
		       void *arg)
{
	const struct netem_priv *p = q->priv;
	const struct sk_buff *skb;

	skb_queue_walk(&p->queue, skb)
		fn(skb, arg);
}

/* --- Shown ---------------------------------------------------------------------------------------------------------------------- */
static void dump_share(struct seq_file *m, const char *name, u64 share)
{
	if (!share)
		return;
	seq_printf(m, " %s ", name);
	qdisc_print_share(m, share);
}

static void dump_loss(struct seq_file *m, const struct netem_priv *p)
{
	if (!p->burst) {
		dump_share(m, "loss", p->loss);
		return;
	}
	seq_puts(m, " loss gemodel p ");
	qdisc_print_share(m, p->to_bad);
	seq_puts(m, " r ");
	qdisc_print_share(m, p->to_good);
	seq_puts(m, " 1-h 100% 1-k 0%");
}

static void netem_dump(const struct Qdisc *q, struct seq_file *m)
{
	const struct netem_priv *p = q->priv;

	seq_printf(m, " limit %u", q->limit);
	if (p->delay_ns) {
		seq_puts(m, " delay ");
		qdisc_print_time(m, p->delay_ns);
	}
	if (p->jitter_ns) {
		seq_puts(m, "  ");
		qdisc_print_time(m, p->jitter_ns);
	}
	dump_loss(m, p);
	dump_share(m, "duplicate", p->dup);
	dump_share(m, "reorder", p->reorder);
	dump_share(m, "corrupt", p->corrupt);
	if (p->gap)
		seq_printf(m, " gap %u", p->gap);
	seq_printf(m, " seed %llu", (unsigned long long)p->seed);
}

static void netem_dump_stats(const struct Qdisc *q, struct seq_file *m)
{
	const struct netem_priv *p = q->priv;

	seq_printf(m,
		   "  lost_wire %llu duplicated %llu reordered %llu corrupted %llu alloc_errors "
		   "%llu\n",
		   (unsigned long long)p->lost, (unsigned long long)p->duplicated,
		   (unsigned long long)p->reordered, (unsigned long long)p->corrupted,
		   (unsigned long long)p->alloc_errors);
}

static const struct qdisc_param netem_params[] = {
	[NETEM_LIMIT] = { "limit", QDISC_PACKETS, 1000, 1, 1000000 },
	[NETEM_DELAY] = { "delay", QDISC_TIME, 0, 0, 1000 * NSEC_PER_SEC },
	[NETEM_JITTER] = { "jitter", QDISC_TIME, 0, 0, 1000 * NSEC_PER_SEC },
	[NETEM_LOSS] = { "loss", QDISC_SHARE, 0, 0, QDISC_SHARE_ONE },
	[NETEM_BURST] = { "burst", QDISC_NUMBER, 0, 1, 1000000 },
	[NETEM_DUP] = { "dup", QDISC_SHARE, 0, 0, QDISC_SHARE_ONE },
	[NETEM_REORDER] = { "reorder", QDISC_SHARE, 0, 0, QDISC_SHARE_ONE },
	[NETEM_GAP] = { "gap", QDISC_NUMBER, 0, 1, 1000000 },
	[NETEM_CORRUPT] = { "corrupt", QDISC_SHARE, 0, 0, QDISC_SHARE_ONE },
	[NETEM_SEED] = { "seed", QDISC_NUMBER, QDISC_UNLIMITED, 0, QDISC_UNLIMITED - 1 },
};

const struct Qdisc_ops netem_qdisc_ops = {
	.id = "netem",
	.priv_size = sizeof(struct netem_priv),
	.params = netem_params,
	.nr_params = ARRAY_SIZE(netem_params),
	.check = netem_check,
	.init = netem_init,
	.enqueue = netem_enqueue,
	.dequeue = netem_dequeue,
	.reset = netem_reset,
	.walk = netem_walk,
	.dump = netem_dump,
	.dump_stats = netem_dump_stats,
};
