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

enum { NR_BANDS = 3, PRIO_MASK = 15 };

struct pfifo_fast_priv {
	struct sk_buff_head band[NR_BANDS];
};

static const u8 prio2band[PRIO_MASK + 1] = { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };

static int pfifo_fast_init(struct Qdisc *q)
{
	struct pfifo_fast_priv *p = q->priv;

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

	if (band->qlen >= q->limit) {
		skb->next = *to_free;
		*to_free = skb;
		q->drops++;
		return NET_XMIT_DROP;
	}
	skb_queue_tail(band, skb);
	q->qlen++;
	q->backlog += skb->len;
	return NET_XMIT_SUCCESS;
}

static struct sk_buff *pfifo_fast_dequeue(struct Qdisc *q)
{
	struct pfifo_fast_priv *p = q->priv;

	for (u32 i = 0; i < NR_BANDS; i++) {
		struct sk_buff *skb = skb_dequeue(&p->band[i]);

		if (!skb)
			continue;
		q->qlen--;
		q->backlog -= skb->len;
		return skb;
	}
	return NULL;
}

static void pfifo_fast_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct sk_buff *skb;

	while ((skb = pfifo_fast_dequeue(q))) {
		skb->next = *to_free;
		*to_free = skb;
	}
}

const struct Qdisc_ops pfifo_fast_ops = {
	.id = "pfifo_fast",
	.priv_size = sizeof(struct pfifo_fast_priv),
	.init = pfifo_fast_init,
	.enqueue = pfifo_fast_enqueue,
	.dequeue = pfifo_fast_dequeue,
	.reset = pfifo_fast_reset,
};
