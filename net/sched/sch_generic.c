// SPDX-License-Identifier: MIT
/*
 * What every queueing discipline shares: running it within a quota, handing its packets to the driver in order, taking
 * back what the driver had no room for. Its life is sch_api.c's.
 *
 * Interface: qdisc_xmit(), qdisc_run(), validate_xmit_skb_list().
 * Above: dev_queue_xmit.c.  Below: net/dev (dev_hard_start_xmit, __netif_schedule), the discipline by table.
 * Context: BH off.
 * Owns: packets in the discipline and on q->requeue.
 * Order: the requeue list is served before the discipline, always; packets of one queue never overtake each other.
 * Specs: docs/PATH.md A15.
 */
#include <net/sch_generic.h>

#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <net/gso.h>

enum {
	DEV_TX_WEIGHT = 64, /* packets of one run; the rest is NET_TX's */
	QDISC_BULK = 8,     /* packets handed to the driver in one list */
};

/* --- Down to the driver ------------------------------------------------------------------------------------------- */
/*
 * Makes one packet fit for the device, or drops it: counted NOMEM, or SKB_GSO_SEG when it is none that can be cut. Returns a
 * list when it was to be cut and the device cannot.
 */
static struct sk_buff *validate_xmit_skb(struct sk_buff *skb, struct net_device *dev)
	__needs(softirq_ctx)
{
	u32 features = netif_skb_features(skb, dev);
	enum skb_drop_reason reason = SKB_DROP_REASON_NOMEM;

	trace_at_skb(validate_xmit_skb, skb, 0);
	if (netif_needs_gso(skb, features)) {
		struct sk_buff *segs = skb_gso_segment(skb, features);

		if (!IS_ERR(segs)) {
			consume_skb(skb);
			return segs;
		}
		if (PTR_ERR(segs) == -EINVAL)
			reason = SKB_DROP_REASON_SKB_GSO_SEG;
		goto out_drop;
	}
	if (skb->data_len && (!(features & NETIF_F_SG) || skb_has_frag_list(skb)) &&
	    skb_linearize(skb))
		goto out_drop;
	if (skb->ip_summed == CHECKSUM_PARTIAL && !(features & NETIF_F_HW_CSUM) &&
	    skb_checksum_help(skb))
		goto out_drop;
	return skb;
out_drop:
	dev->stats.tx_dropped++;
	kfree_skb_reason(skb, reason);
	return NULL;
}

/**
 * validate_xmit_skb_list() - makes each packet of a list fit for the device: cut where it cannot, linear without
 * scatter-gather, summed without checksum offload.
 * Context: BH off. Consumes: what could not be made so, counted NOMEM (SKB_GSO_SEG) and tx_dropped.
 * Return: the list that is left, in order; NULL.
 */
struct sk_buff *validate_xmit_skb_list(struct sk_buff *skb, struct net_device *dev)
{
	struct sk_buff *first = NULL, **tailp = &first;

	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		skb = validate_xmit_skb(skb, dev);
		*tailp = skb;
		while (*tailp)
			tailp = &(*tailp)->next;
		skb = next;
	}
	return first;
}

/* The driver may be given packets now. */
static bool txq_ready(const struct netdev_queue *txq)
{
	return !netif_xmit_stopped(txq) && netif_carrier_ok(txq->dev);
}

/*
 * Puts a list back in front of everything. NET_TX will try again: now, when the driver only said BUSY; when it stopped the
 * queue or the link is down, the wake-up will schedule.
 */
static void dev_requeue_skb(struct Qdisc *q, struct sk_buff *skb)
{
	struct sk_buff_head back;
	struct sk_buff *s;

	skb_queue_head_init(&back);
	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		q->qlen++;
		q->backlog += qdisc_pkt_len(skb);
		q->requeues++;
		trace_at_skb(qdisc_requeue, skb, q->qlen);
		skb_queue_tail(&back, skb);
		skb = next;
	}
	while ((s = skb_peek_tail(&back))) {
		skb_unlink(s, &back);
		skb_queue_head(&q->requeue, s);
	}
	if (txq_ready(q->txq))
		__netif_schedule(q->txq);
}

/*
 * Hands a list to the driver. false: it did not take all, the rest is requeued; else whether more is queued. *@fit: something was
 * left of it when it had been made fit for the device; NULL: it is already.
 */
static bool sch_direct_xmit(struct sk_buff *skb, struct Qdisc *q, bool *fit) __needs(softirq_ctx)
{
	struct netdev_queue *txq = q->txq;
	int rc;

	trace_fn_skb(sch_direct_xmit, skb, q->qlen);
	if (fit) {
		skb = validate_xmit_skb_list(skb, txq->dev);
		*fit = skb != NULL;
	}
	if (skb && txq_ready(txq))
		skb = dev_hard_start_xmit(skb, txq->dev, txq, &rc);
	if (skb) {
		dev_requeue_skb(q, skb);
		return false;
	}
	return q->qlen != 0;
}

/* A list that is taken out of the queue: how long it is, and may still become. */
struct bulk {
	struct sk_buff *first, **tailp;
	u32 packets, most;
	s32 budget; /* bytes that the device may be given ahead (byte queue limits); the packet that goes beyond still goes */
};

static bool bulk_open(const struct bulk *b)
{
	return b->packets < b->most && (!b->packets || b->budget > 0);
}

static void bulk_add(struct bulk *b, struct sk_buff *skb)
{
	b->packets++;
	b->budget -= (s32)skb_wire_len(skb);
	*b->tailp = skb;
	b->tailp = &skb->next;
}

/* Takes packets off the requeue list, which were validated and counted already. */
static void dequeue_requeued(struct Qdisc *q, struct bulk *b)
{
	struct sk_buff *skb;

	while (bulk_open(b) && (skb = skb_dequeue(&q->requeue))) {
		q->qlen--;
		q->backlog -= qdisc_pkt_len(skb);
		trace_at_skb(qdisc_dequeue_requeued, skb, q->qlen);
		bulk_add(b, skb);
	}
}

/*
 * The next packets to send: what came back first, alone; else from the discipline. None when there are none or the driver may
 * not be given any. Whether they are to be validated.
 */
static bool dequeue_skb(struct Qdisc *q, struct bulk *b)
{
	struct sk_buff *skb;

	if (!txq_ready(q->txq))
		return false;
	if (!skb_queue_empty(&q->requeue)) {
		dequeue_requeued(q, b);
		return false;
	}
	while (bulk_open(b) && (skb = q->ops->dequeue(q))) {
		q->packets++;
		q->bytes += qdisc_pkt_len(skb);
		trace_at_skb(qdisc_dequeue, skb, q->qlen);
		bulk_add(b, skb);
	}
	return true;
}

/* One list from the queue to the driver, within @quota. Whether there is more to send now. */
static bool qdisc_restart(struct Qdisc *q, int *quota) __needs(softirq_ctx)
{
	struct bulk b = { .most = min((u32)*quota, (u32)QDISC_BULK),
			  .budget = dql_avail(&q->txq->dql) };
	bool validate, fit;

	b.tailp = &b.first;
	validate = dequeue_skb(q, &b);
	*quota -= (int)b.packets;
	return b.first && sch_direct_xmit(b.first, q, validate ? &fit : NULL);
}

/* The caller set q->running. */
static void __qdisc_run(struct Qdisc *q) __needs(softirq_ctx)
{
	int quota = DEV_TX_WEIGHT;

	q->runs++;
	while (qdisc_restart(q, &quota)) {
		if (quota <= 0 || need_resched()) {
			__netif_schedule(q->txq);
			break;
		}
	}
}

/**
 * qdisc_run() - sends what the discipline holds, within the quota.
 * When it runs already, further down this stack, that run will send our packets too.
 * Context: BH off.
 */
void qdisc_run(struct Qdisc *q)
{
	BUG_ON(!in_bh());
	if (q->running || q->deactivated)
		return;
	trace_fn(qdisc_run, q->qlen, 0, NULL);
	q->running = true;
	__qdisc_run(q);
	q->running = false;
}

/*
 * Past the empty queue. A sender whose packet could not be made fit (no memory to cut it, to make it linear) is told so: he may have
 * the bytes still, and need not wait till a silence tells him that they were lost.
 */
static int qdisc_bypass(struct Qdisc *q, struct sk_buff *skb) __needs(softirq_ctx)
{
	bool fit;

	q->running = true;
	q->packets++;
	q->bytes += qdisc_pkt_len(skb);
	q->bypass++;
	trace_at_skb(qdisc_bypass, skb, 0);
	if (sch_direct_xmit(skb, q, &fit))
		__qdisc_run(q);
	q->running = false;
	return fit ? NET_XMIT_SUCCESS : NET_XMIT_DROP;
}

/**
 * qdisc_xmit() - one packet into the queue; when that is empty and the driver ready, past it.
 * Context: BH off. Consumes: @skb.
 * Return: NET_XMIT_SUCCESS, NET_XMIT_DROP (also when it could not be made fit for the device on the way past the queue),
 * NET_XMIT_CN.
 */
int qdisc_xmit(struct Qdisc *q, struct sk_buff *skb)
{
	struct sk_buff *to_free = NULL;
	int rc;

	BUG_ON(!in_bh());
	if (q->deactivated) {
		q->txq->dev->stats.tx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_DEV_DOWN);
		return NET_XMIT_DROP;
	}
	if (fault_hit(FAULT_QDISC_DROP)) {
		q->drops++;
		kfree_skb_reason(skb, SKB_DROP_REASON_QDISC_DROP);
		return NET_XMIT_DROP;
	}
	if (q->can_bypass && q->qlen == 0 && !q->running && txq_ready(q->txq))
		return qdisc_bypass(q, skb);
	trace_at_skb(qdisc_enqueue, skb, q->qlen);
	rc = q->ops->enqueue(skb, q, &to_free);
	qdisc_run(q);
	kfree_skb_list_reason(to_free, SKB_DROP_REASON_QDISC_DROP);
	return rc;
}
