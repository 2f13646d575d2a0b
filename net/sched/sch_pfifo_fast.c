// SPDX-License-Identifier: MIT
/*
 * pfifo_fast: three first-in-first-out bands; a lower band waits while a higher one has packets.
 *
 * Interface: pfifo_fast_ops.
 * Above: net/sched/sch_generic.c calls by table.  Below: <net/skbuff.h>.
 * Context: BH off.
 * Owns: the packets on its bands; at most q->limit per band, the newest is dropped.
 * Specs: tc-pfifo_fast(8); the priority map follows RFC 1349's type of service as Linux maps it.
 */
#include <net/sch_generic.h>

#include <kernel/proc.h>

enum { NR_BANDS = 3, PRIO_MASK = 15 };

struct pfifo_fast_priv {
	struct sk_buff_head band[NR_BANDS];
};

static const u8 prio2band[PRIO_MASK + 1] = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };

static int pfifo_fast_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	struct pfifo_fast_priv *p = q->priv;

	(void)spec;
	for (u32 i = 0; i < NR_BANDS; i++)
		skb_queue_head_init(&p->band[i]);
	q->limit = q->txq->dev->tx_queue_len;
	q->can_bypass = true;
	return 0;
}

static int pfifo_fast_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	struct pfifo_fast_priv *p = q->priv;
	struct sk_buff_head *band = &p->band[prio2band[skb->priority & PRIO_MASK]];

	if (band->qlen >= q->limit)
		return qdisc_refuse(skb, q, to_free);
	skb_queue_tail(band, skb);
	qdisc_enqueued(q, skb);
	return NET_XMIT_SUCCESS;
}

/* The oldest of the best band that has any. */
static struct sk_buff *pfifo_fast_take(struct pfifo_fast_priv *p)
{
	for (u32 i = 0; i < NR_BANDS; i++) {
		struct sk_buff *skb = skb_dequeue(&p->band[i]);

		if (skb)
			return skb;
	}
	return NULL;
}

static struct sk_buff *pfifo_fast_dequeue(struct Qdisc *q)
{
	struct sk_buff *skb = pfifo_fast_take(q->priv);

	if (skb)
		qdisc_dequeued(q, skb);
	return skb;
}

static void pfifo_fast_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct sk_buff *skb;

	while ((skb = pfifo_fast_take(q->priv))) {
		qdisc_lost(q, skb);
		qdisc_free_later(skb, to_free);
	}
}

static void pfifo_fast_walk(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
			    void *arg)
{
	const struct pfifo_fast_priv *p = q->priv;
	const struct sk_buff *skb;

	for (u32 i = 0; i < NR_BANDS; i++)
		skb_queue_walk(&p->band[i], skb)
			fn(skb, arg);
}

static void pfifo_fast_dump(const struct Qdisc *q, struct seq_file *m)
{
	(void)q;
	seq_printf(m, " bands %u priomap", (u32)NR_BANDS);
	for (u32 i = 0; i <= PRIO_MASK; i++)
		seq_printf(m, " %u", prio2band[i]);
}

const struct Qdisc_ops pfifo_fast_ops = {
	.id = "pfifo_fast",
	.priv_size = sizeof(struct pfifo_fast_priv),
	.init = pfifo_fast_init,
	.enqueue = pfifo_fast_enqueue,
	.dequeue = pfifo_fast_dequeue,
	.reset = pfifo_fast_reset,
	.walk = pfifo_fast_walk,
	.dump = pfifo_fast_dump,
};
