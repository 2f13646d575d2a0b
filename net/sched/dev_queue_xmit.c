// SPDX-License-Identifier: MIT
/*
 * The entry of the device layer: one way down for every network protocol, and NET_TX, which goes on where it stopped.
 *
 * Interface: dev_queue_xmit(), net_tx_action().
 * Above: net/neigh, net/ipv4.  Below: pick_tx.c, sch_generic.c; net/dev for devices without a queue.
 * Context: process or softirq, never hardirq; BH is off all the way down.
 * Owns: the packet, on every return.
 * Specs: docs/PATH.md A14, A17; A16 for NET_TX.
 */
#include <net/sch_generic.h>

#include <kernel/context.h>
#include <kernel/printk.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <net/sock.h>

enum { XMIT_RECURSION_LIMIT = 8 };

/* Drops a packet, or the rest of a list. */
static int xmit_drop(struct sk_buff *skb, struct net_device *dev, enum skb_drop_reason reason)
{
	for (const struct sk_buff *s = skb; s; s = s->next)
		dev->stats.tx_dropped++;
	kfree_skb_list_reason(skb, reason);
	return -ENETDOWN;
}

/*
 * No discipline: the device is down, or there was no memory for one. A device with queues answers as a queue that drops what
 * it likes (the discipline "noop"): the sender is told to slow down, and it is no error of his. One without says so.
 */
static int xmit_noop(struct sk_buff *skb, struct net_device *dev)
{
	int err = xmit_drop(skb, dev, SKB_DROP_REASON_DEV_DOWN);

	return dev->priv_flags & IFF_NO_QUEUE ? err : NET_XMIT_CN;
}

/* May this stack enter the driver of @txq once more? Not the same queue twice, but for virtual devices; those nest so deep. */
static bool may_enter(const struct netdev_queue *txq)
{
	return !txq->xmit_active && this_cpu()->softnet->xmit_recursion < XMIT_RECURSION_LIMIT;
}

/* Straight to the driver. Returns what it did not take. */
static struct sk_buff *xmit_direct(struct sk_buff *skb, struct netdev_queue *txq)
	__needs(softirq_ctx)
{
	struct softnet_data *sd = this_cpu()->softnet;
	int rc;

	if (netif_xmit_stopped(txq))
		return skb;
	sd->xmit_recursion++;
	txq->xmit_active = !(txq->dev->priv_flags & IFF_LLTX);
	skb = dev_hard_start_xmit(skb, txq->dev, txq, &rc);
	txq->xmit_active = false;
	sd->xmit_recursion--;
	return skb;
}

/*
 * Devices without a queue (loopback, tunnels): straight to the driver, which may come back here for another device. When a list
 * of segments went in part, that is no error that whoever counts packets could make sense of.
 */
static int xmit_noqueue(struct sk_buff *skb, struct net_device *dev, struct netdev_queue *txq)
	__needs(softirq_ctx)
{
	struct sk_buff *first;

	if (!may_enter(txq)) {
		pr_warn_ratelimited("sched: dead loop on virtual device %s\n", dev->name);
		return xmit_drop(skb, dev, SKB_DROP_REASON_DEV_RECURSION);
	}
	first = validate_xmit_skb_list(skb, dev);
	if (!first)
		return -ENOMEM;
	skb = xmit_direct(first, txq);
	if (!skb)
		return NET_XMIT_SUCCESS;
	pr_warn_ratelimited("sched: virtual device %s asks to queue a packet\n", dev->name);
	xmit_drop(skb, dev, SKB_DROP_REASON_DEV_READY);
	return skb == first ? -ENETDOWN : NET_XMIT_SUCCESS;
}

/**
 * dev_queue_xmit() - sends a packet, link header in place, by skb->dev.
 * Context: process or softirq; not hardirq. Consumes: @skb, on every return.
 * Return: NET_XMIT_SUCCESS sent or queued; NET_XMIT_DROP, NET_XMIT_CN from the queue, also when its device is down; -ENETDOWN
 * a device without a queue is down or refused, -ENOMEM no memory to make the packet fit for it.
 */
int dev_queue_xmit(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct netdev_queue *txq;
	int rc;

	BUG_ON(in_hardirq());
	BUG_ON(skb->next || skb->prev);
	skb_enter(skb, SKB_STAGE_DEV);
	skb_reset_mac_header(skb);
	trace_fn_skb(dev_queue_xmit, skb, 0);
	local_bh_disable();
	if (!skb->priority && skb->sk)
		skb->priority = skb->sk->sk_priority;
	/* A route is of use above only; in a queue it would live on for nothing, or outlive the table. */
	if (dev->priv_flags & IFF_XMIT_DST_RELEASE)
		skb_dst_drop(skb);
	else
		skb_dst_force(skb);
	skb->queue_mapping = netdev_pick_tx(dev, skb);
	txq = netdev_get_tx_queue(dev, skb->queue_mapping);
	if (!netif_running(dev) || !txq->qdisc)
		rc = xmit_noop(skb, dev);
	else if (txq->qdisc->ops->enqueue)
		rc = qdisc_xmit(txq->qdisc, skb);
	else
		rc = xmit_noqueue(skb, dev, txq);
	local_bh_enable();
	return rc;
}

/* Frees what hardirq could not. */
static void run_completions(struct softnet_data *sd)
{
	for (;;) {
		unsigned long flags = local_irq_save();
		struct sk_buff *skb = skb_dequeue(&sd->completion_queue);

		local_irq_restore(flags);
		if (!skb)
			return;
		consume_skb(skb);
	}
}

/**
 * net_tx_action() - NET_TX_SOFTIRQ: frees what hardirq handed over, then runs every queue that asked for it, in order.
 * Context: softirq.
 */
void net_tx_action(void)
{
	struct softnet_data *sd = this_cpu()->softnet;
	struct netdev_queue *txq;
	unsigned long flags;

	BUG_ON(!in_bh());
	trace_fn(net_tx_action, 0, 0, NULL);
	run_completions(sd);
	flags = local_irq_save();
	txq = sd->output_queue;
	sd->output_queue = NULL;
	sd->output_queue_tailp = &sd->output_queue;
	local_irq_restore(flags);
	while (txq) {
		struct netdev_queue *next = txq->next_sched;

		/* Before the run: whoever schedules the queue from inside it must get another one. */
		flags = local_irq_save();
		txq->next_sched = NULL;
		txq->sched = false;
		local_irq_restore(flags);
		if (txq->qdisc && txq->qdisc->ops->enqueue)
			qdisc_run(txq->qdisc);
		txq = next;
	}
}
