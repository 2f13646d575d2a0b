// SPDX-License-Identifier: MIT
/*
 * First in, first out: pfifo is limited in packets, bfifo in bytes; the newest is dropped. Plain enough to stand below a
 * discipline that shapes.
 *
 * Interface: pfifo_qdisc_ops, bfifo_qdisc_ops.
 * Above: net/sched/sch_generic.c and sch_tbf.c call by table.  Below: <net/skbuff.h>.
 * Context: BH off.
 * Owns: the packets on its queue.
 * Specs: tc-pfifo(8).
 */
#include "sched_internal.h"

#include <kernel/proc.h>

struct fifo_priv {
	struct sk_buff_head queue;
};

static int fifo_init(struct Qdisc *q, u64 limit, u64 unlimited)
{
	struct fifo_priv *p = q->priv;

	skb_queue_head_init(&p->queue);
	q->limit = (u32)(limit == QDISC_UNLIMITED ? min_t(u64, unlimited, UINT32_MAX) : limit);
	q->can_bypass = true;
	return 0;
}

static int pfifo_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	return fifo_init(q, spec->root.val[FIFO_LIMIT], q->txq->dev->tx_queue_len);
}

static int bfifo_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	const struct net_device *dev = q->txq->dev;

	return fifo_init(q, spec->root.val[FIFO_LIMIT],
			 (u64)dev->tx_queue_len * (dev->mtu + dev->hard_header_len));
}

static int fifo_queue(struct sk_buff *skb, struct Qdisc *q)
{
	struct fifo_priv *p = q->priv;

	skb_queue_tail(&p->queue, skb);
	qdisc_enqueued(q, skb);
	return NET_XMIT_SUCCESS;
}

static int pfifo_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	struct fifo_priv *p = q->priv;

	return p->queue.qlen < q->limit ? fifo_queue(skb, q) : qdisc_refuse(skb, q, to_free);
}

static int bfifo_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	return (u64)q->backlog + qdisc_pkt_len(skb) <= q->limit ? fifo_queue(skb, q)
								: qdisc_refuse(skb, q, to_free);
}

static struct sk_buff *fifo_dequeue(struct Qdisc *q)
{
	struct fifo_priv *p = q->priv;
	struct sk_buff *skb = skb_dequeue(&p->queue);

	if (skb)
		qdisc_dequeued(q, skb);
	return skb;
}

static void fifo_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct fifo_priv *p = q->priv;
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&p->queue))) {
		qdisc_lost(q, skb);
		qdisc_free_later(skb, to_free);
	}
}

static void fifo_walk(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
		      void *arg)
{
	const struct fifo_priv *p = q->priv;
	const struct sk_buff *skb;

	skb_queue_walk(&p->queue, skb)
		fn(skb, arg);
}

static void pfifo_dump(const struct Qdisc *q, struct seq_file *m)
{
	seq_printf(m, " limit %up", q->limit);
}

static void bfifo_dump(const struct Qdisc *q, struct seq_file *m)
{
	seq_puts(m, " limit ");
	qdisc_print_size(m, q->limit);
}

static const struct qdisc_param pfifo_params[] = {
	[FIFO_LIMIT] = { "limit", QDISC_PACKETS, QDISC_UNLIMITED, 0, 1000000 },
};

const struct Qdisc_ops pfifo_qdisc_ops = {
	.id = "pfifo",
	.priv_size = sizeof(struct fifo_priv),
	.params = pfifo_params,
	.nr_params = ARRAY_SIZE(pfifo_params),
	.init = pfifo_init,
	.enqueue = pfifo_enqueue,
	.dequeue = fifo_dequeue,
	.reset = fifo_reset,
	.walk = fifo_walk,
	.dump = pfifo_dump,
};

static const struct qdisc_param bfifo_params[] = {
	[FIFO_LIMIT] = { "limit", QDISC_BYTES, QDISC_UNLIMITED, 0, 1 << 30 },
};

const struct Qdisc_ops bfifo_qdisc_ops = {
	.id = "bfifo",
	.priv_size = sizeof(struct fifo_priv),
	.params = bfifo_params,
	.nr_params = ARRAY_SIZE(bfifo_params),
	.init = bfifo_init,
	.enqueue = bfifo_enqueue,
	.dequeue = fifo_dequeue,
	.reset = fifo_reset,
	.walk = fifo_walk,
	.dump = bfifo_dump,
};
