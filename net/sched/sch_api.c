// SPDX-License-Identifier: MIT
/*
 * The life of queueing disciplines: made and destroyed, attached to a device that comes up and detached from one that goes
 * down, replaced while packets flow, shown.
 *
 * Interface: qdisc_create(), qdisc_create_spec(), qdisc_destroy(), qdisc_graft(); qdisc_set_default(), sched_net_init();
 * qdisc_show().
 * Above: net/init.c, boot/main.c; the device by notifier.  Below: the discipline by table; sch_params.c, dev_watchdog.c;
 * net/dev (__netif_schedule).
 * Context: process with BH off around what is attached.
 * Owns: every discipline: by its netdev_queue, and the root of a device with several queues by the device.
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
 * qdisc_create_spec() - an empty discipline for @txq as @spec says, not attached yet.
 * Context: process, softirq. Owns: the caller.
 * Return: the qdisc; NULL without memory.
 */
struct Qdisc *qdisc_create_spec(const struct qdisc_spec *spec, struct netdev_queue *txq)
{
	const struct Qdisc_ops *ops = spec->root.ops;
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
	if (!ops->init || ops->init(q, spec) == 0)
		return q;
	if (ops->destroy)
		ops->destroy(q);
out_free:
	kfree(q->priv);
	kfree(q);
	return NULL;
}

/**
 * qdisc_create() - an empty discipline for @txq with its defaults, not attached yet.
 * Context: process, softirq. Owns: the caller.
 * Return: the qdisc; NULL without memory.
 */
struct Qdisc *qdisc_create(const struct Qdisc_ops *ops, struct netdev_queue *txq)
{
	struct qdisc_spec spec;

	qdisc_spec_default(&spec, ops);
	return qdisc_create_spec(&spec, txq);
}

/* Whatever entered went out, was lost on the way, or is still here. */
static void check_conservation(const struct Qdisc *q)
{
	const struct sk_buff *skb;
	u32 requeued = 0;

	skb_queue_walk(&q->requeue, skb)
		requeued += qdisc_pkt_len(skb);
	BUG_ON(q->in.packets != q->out.packets + q->lost.packets + q->qlen - q->requeue.qlen);
	BUG_ON(q->in.bytes != q->out.bytes + q->lost.bytes + q->backlog - requeued);
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
	check_conservation(q);
	q->deactivated = true;
	if (q->ops->reset)
		q->ops->reset(q, &to_free);
	kfree_skb_list_reason(to_free, SKB_DROP_REASON_QDISC_RESET);
	while (!skb_queue_empty(&q->requeue)) {
		struct sk_buff *skb = skb_dequeue(&q->requeue);

		q->qlen--;
		q->backlog -= qdisc_pkt_len(skb);
		kfree_skb_reason(skb, SKB_DROP_REASON_QDISC_RESET);
	}
	BUG_ON(q->qlen || q->backlog);
	check_conservation(q);
	if (q->ops->destroy)
		q->ops->destroy(q);
	kfree(q->priv);
	kfree(q);
}

/* --- With the device ----------------------------------------------------------------------------------------------- */
/* The old one goes only when the new one stands in its place: what freeing its packets causes to be sent has a queue. */
static void swap_qdisc(struct netdev_queue *txq, struct Qdisc *q)
{
	struct Qdisc *old = txq->qdisc;

	BUG_ON(!in_bh());
	txq->qdisc = q;
	qdisc_destroy(old);
}

/* mq above several queues. Without memory for it the queues work all the same: it only adds them up. */
static void root_create(struct net_device *dev, const struct qdisc_spec *spec)
{
	if (dev->num_tx_queues > 1 && spec->root.ops->enqueue && !dev->qdisc)
		dev->qdisc = qdisc_create(&mq_qdisc_ops, &dev->_tx[0]);
	if (dev->num_tx_queues > 1 && spec->root.ops->enqueue && !dev->qdisc)
		pr_err("sched: %s: no memory for the root of its queues\n", dev->name);
}

static void root_destroy(struct net_device *dev)
{
	qdisc_destroy(dev->qdisc);
	dev->qdisc = NULL;
}

/* A queue without memory for its discipline stays without: nothing leaves by it. */
static void dev_activate(struct net_device *dev)
{
	struct qdisc_spec spec = dev->net->qdisc_default;

	if (dev->priv_flags & IFF_NO_QUEUE || !spec.root.ops)
		qdisc_spec_default(&spec, dev->priv_flags & IFF_NO_QUEUE ? &noqueue_qdisc_ops
									 : &pfifo_fast_ops);
	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		struct netdev_queue *txq = &dev->_tx[i];

		BUG_ON(txq->qdisc);
		txq->trans_start_ns = ktime_get_ns();
		txq->qdisc = qdisc_create_spec(&spec, txq);
		if (!txq->qdisc)
			pr_err("sched: %s: no memory for a queueing discipline\n", dev->name);
	}
	root_create(dev, &spec);
	dev_watchdog_arm(dev);
}

static void dev_deactivate(struct net_device *dev)
{
	del_timer(&dev->watchdog_timer);
	root_destroy(dev);
	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		struct netdev_queue *txq = &dev->_tx[i];

		local_bh_disable();
		swap_qdisc(txq, NULL);
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
 * qdisc_graft() - gives every queue of a device that is up the discipline @spec. All or nothing: without memory the old
 * ones stay. What they held is dropped, counted QDISC_RESET; a packet that the driver holds already is not touched.
 * Context: process. Borrows: @dev, @spec.
 * Return: 0; -ENETDOWN the device is not up; -EOPNOTSUPP it has no queue; -ENOMEM.
 */
int qdisc_graft(struct net_device *dev, const struct qdisc_spec *spec)
{
	struct Qdisc **fresh;
	u32 made = 0, n = dev->num_tx_queues;

	if (!netif_running(dev))
		return -ENETDOWN;
	if (dev->priv_flags & IFF_NO_QUEUE)
		return -EOPNOTSUPP;
	fresh = kzalloc(n * sizeof(struct Qdisc *));
	while (fresh && made < n && (fresh[made] = qdisc_create_spec(spec, &dev->_tx[made])))
		made++;
	if (made == n) {
		root_destroy(dev);
		root_create(dev, spec);
	}
	local_bh_disable();
	for (u32 i = 0; i < made; i++) {
		if (made == n)
			swap_qdisc(&dev->_tx[i], fresh[i]);
		else
			qdisc_destroy(fresh[i]);
	}
	local_bh_enable();
	kfree(fresh);
	return made == n ? 0 : -ENOMEM;
}

/**
 * qdisc_set_default() - devices of @net that come up from now on and have queues get @spec.
 * Context: process. Borrows: @spec, which is copied.
 */
void qdisc_set_default(struct net *net, const struct qdisc_spec *spec)
{
	net->qdisc_default = *spec;
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

/* --- Shown as tc -s qdisc shows it ---------------------------------------------------------------------------------------------- */
/* One discipline; @index of its queue, below mq counted from 1 as tc does; 0: it is the root. */
static void qdisc_show_one(struct seq_file *m, const struct net_device *dev, const struct Qdisc *q,
			   u32 parent)
{
	seq_printf(m, "qdisc %s 0: dev %s ", q->ops->id, dev->name);
	if (parent)
		seq_printf(m, "parent :%x", parent);
	else
		seq_puts(m, "root");
	if (q->ops->dump)
		q->ops->dump(q, m);
	seq_printf(m, "\n Sent %llu bytes %llu pkt (dropped %llu, overlimits %llu requeues %llu)\n",
		   (unsigned long long)q->bytes, (unsigned long long)q->packets,
		   (unsigned long long)q->drops, (unsigned long long)q->overlimits,
		   (unsigned long long)q->requeues);
	seq_printf(m, " backlog %ub %up requeues %llu\n", q->backlog, q->qlen,
		   (unsigned long long)q->requeues);
	if (q->ops->dump_stats)
		q->ops->dump_stats(q, m);
}

/* What tc does not have: our own counts, name and value in turn. */
static void qdisc_show_own(struct seq_file *m, const struct netdev_queue *txq, u32 index)
{
	const struct Qdisc *q = txq->qdisc;

	seq_printf(m, "  queue %u stopped %u trans_timeout %llu bypass %llu runs %llu\n", index,
		   (u32)txq->stopped, (unsigned long long)txq->trans_timeout,
		   (unsigned long long)q->bypass, (unsigned long long)q->runs);
	seq_printf(m, "  enqueued %llu dequeued %llu lost %llu\n",
		   (unsigned long long)q->in.packets, (unsigned long long)q->out.packets,
		   (unsigned long long)q->lost.packets);
}

static void qdisc_show_device(struct seq_file *m, const struct net_device *dev)
{
	if (dev->qdisc) {
		struct Qdisc sum = *dev->qdisc;

		mq_sum(dev, &sum);
		qdisc_show_one(m, dev, &sum, 0);
	}
	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		const struct netdev_queue *txq = &dev->_tx[i];

		if (!txq->qdisc) {
			seq_printf(m, "qdisc noop 0: dev %s queue %u\n", dev->name, i);
			continue;
		}
		qdisc_show_one(m, dev, txq->qdisc, dev->qdisc ? i + 1 : 0);
		qdisc_show_own(m, txq, i);
	}
}

/**
 * qdisc_show() - the page /proc/net/qdisc of the instance m->arg. Context: process.
 */
void qdisc_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct net_device *dev;

	list_for_each_entry(dev, &net->dev_base, dev_list)
		qdisc_show_device(m, dev);
}
