// SPDX-License-Identifier: MIT
/*
 * The life of queueing disciplines: made and destroyed, attached to a device that comes up and detached from one that goes
 * down, shown.
 *
 * Interface: qdisc_create(), qdisc_destroy(); sched_net_init(); qdisc_show().
 * Above: net/init.c; the device by notifier.  Below: the discipline by table; dev_watchdog.c; net/dev (__netif_schedule).
 * Context: process with BH off around what is attached.
 * Owns: every discipline, by its netdev_queue.
 */
#include "sched_internal.h"

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>

/* --- Life ---------------------------------------------------------------------------------------------------------------- */
/* Devices whose packets go straight to the driver: the missing enqueue says so. */
const struct Qdisc_ops noqueue_qdisc_ops = { .id = "noqueue" };

/**
 * qdisc_create() - an empty discipline for @txq, not attached yet.
 * Context: process, softirq. Owns: the caller.
 * Return: the qdisc; NULL without memory.
 */
struct Qdisc *qdisc_create(const struct Qdisc_ops *ops, struct netdev_queue *txq)
{
	struct Qdisc *q = kzalloc(sizeof(*q));

	if (!q)
		return NULL;
	q->ops = ops;
	q->txq = txq;
	skb_queue_head_init(&q->requeue);
	if (ops->priv_size) {
		q->priv = kzalloc(ops->priv_size);
		if (!q->priv)
			goto out_free;
	}
	if (ops->init && ops->init(q))
		goto out_free;
	return q;
out_free:
	kfree(q->priv);
	kfree(q);
	return NULL;
}

/**
 * qdisc_destroy() - the end of a detached discipline; what it holds is dropped, counted QDISC_RESET.
 * Context: process, softirq, not from inside its own run. Consumes: @q; NULL is allowed.
 */
void qdisc_destroy(struct Qdisc *q)
{
	struct sk_buff *to_free = NULL;

	if (!q)
		return;
	BUG_ON(q->running);
	q->deactivated = true;
	if (q->ops->reset)
		q->ops->reset(q, &to_free);
	kfree_skb_list_reason(to_free, SKB_DROP_REASON_QDISC_RESET);
	while (!skb_queue_empty(&q->requeue)) {
		struct sk_buff *skb = skb_dequeue(&q->requeue);

		q->qlen--;
		q->backlog -= skb->len;
		kfree_skb_reason(skb, SKB_DROP_REASON_QDISC_RESET);
	}
	BUG_ON(q->qlen || q->backlog);
	if (q->ops->destroy)
		q->ops->destroy(q);
	kfree(q->priv);
	kfree(q);
}

/* --- With the device ----------------------------------------------------------------------------------------------- */
/* A queue without memory for its discipline stays without: dev_queue_xmit() answers -ENETDOWN. */
static void dev_activate(struct net_device *dev)
{
	const struct Qdisc_ops *ops =
		dev->priv_flags & IFF_NO_QUEUE ? &noqueue_qdisc_ops : &pfifo_fast_ops;

	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		struct netdev_queue *txq = &dev->_tx[i];

		BUG_ON(txq->qdisc);
		txq->trans_start_ns = ktime_get_ns();
		txq->qdisc = qdisc_create(ops, txq);
		if (!txq->qdisc)
			pr_err("sched: %s: no memory for a queueing discipline\n", dev->name);
	}
	dev_watchdog_arm(dev);
}

static void dev_deactivate(struct net_device *dev)
{
	del_timer(&dev->watchdog_timer);
	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		struct netdev_queue *txq = &dev->_tx[i];
		struct Qdisc *q = txq->qdisc;

		local_bh_disable();
		txq->qdisc = NULL;
		qdisc_destroy(q);
		local_bh_enable();
		netif_unschedule(txq);
	}
}

/* Link news: what waited leaves; without a link nothing can stand still too long. */
static void carrier_changed(struct net_device *dev)
{
	if (!netif_carrier_ok(dev)) {
		del_timer(&dev->watchdog_timer);
		return;
	}
	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		dev->_tx[i].trans_start_ns = ktime_get_ns();
		__netif_schedule(&dev->_tx[i]);
	}
	dev_watchdog_arm(dev);
}

static void sched_netdev_event(struct net_device *dev, enum netdev_event ev)
{
	switch (ev) {
	case NETDEV_REGISTER:
		dev_watchdog_setup(dev);
		break;
	case NETDEV_UP:
		dev_activate(dev);
		break;
	case NETDEV_GOING_DOWN:
		dev_deactivate(dev);
		break;
	case NETDEV_CHANGE:
		carrier_changed(dev);
		break;
	default:
		break;
	}
}

/**
 * sched_net_init() - from now on devices of @net that come up get their disciplines. The first room to listen, so that
 * the others may send when they hear of a device.
 * Context: process.
 * Return: 0; -ENOSPC.
 */
int sched_net_init(struct net *net)
{
	return register_netdevice_notifier(net, sched_netdev_event);
}

static void qdisc_show_one(struct seq_file *m, const struct netdev_queue *txq, u32 index)
{
	const struct Qdisc *q = txq->qdisc;

	seq_printf(m, "qdisc %s dev %s queue %u limit %u stopped %u trans_timeout %llu\n",
		   q->ops->id, txq->dev->name, index, q->limit, (u32)txq->stopped,
		   (unsigned long long)txq->trans_timeout);
	seq_printf(m, " packets %llu bytes %llu drops %llu overlimits %llu requeues %llu\n",
		   (unsigned long long)q->packets, (unsigned long long)q->bytes,
		   (unsigned long long)q->drops, (unsigned long long)q->overlimits,
		   (unsigned long long)q->requeues);
	seq_printf(m, " qlen %u backlog %u bypass %llu runs %llu\n", q->qlen, q->backlog,
		   (unsigned long long)q->bypass, (unsigned long long)q->runs);
}

/**
 * qdisc_show() - the page /proc/net/qdisc of the instance m->arg. Context: process.
 */
void qdisc_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct net_device *dev;

	list_for_each_entry(dev, &net->dev_base, dev_list) {
		for (u32 i = 0; i < dev->num_tx_queues; i++)
			if (dev->_tx[i].qdisc)
				qdisc_show_one(m, &dev->_tx[i], i);
	}
}
