// SPDX-License-Identifier: MIT
/*
 * What every queueing discipline shares: running it within a quota, handing its packets to the driver in order, taking
 * back what the driver had no room for; and its life with the device (up, down, link, watchdog).
 *
 * Interface: qdisc_xmit(), qdisc_run(), validate_xmit_skb_list(); qdisc_create(), qdisc_destroy(); sched_net_init();
 * qdisc_show().
 * Above: dev_queue_xmit.c.  Below: net/dev (dev_hard_start_xmit, __netif_schedule), the discipline by table.
 * Context: BH off; attaching and detaching process; the watchdog softirq.
 * Owns: packets in the discipline and on q->requeue.
 * Order: the requeue list is served before the discipline, always; packets of one queue never overtake each other.
 * Specs: transmit-path stages B14, B16.
 */
#include <net/sch_generic.h>

#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>

enum {
	DEV_TX_WEIGHT = 64, /* packets of one run; the rest is NET_TX's */
	QDISC_BULK = 8,     /* packets handed to the driver in one list */
};

/* A list that did not make it into the queue, or was taken out of it. */
static void free_list(struct sk_buff *skb, enum skb_drop_reason reason)
{
	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		kfree_skb_reason(skb, reason);
		skb = next;
	}
}

/* --- Down to the driver ------------------------------------------------------------------------------------------- */
/* Makes one packet fit for the device, or drops it. */
static struct sk_buff *validate_xmit_skb(struct sk_buff *skb, struct net_device *dev)
{
	/* Nobody builds packets to be cut below: such a one must not reach a device that cannot cut. */
	BUG_ON(skb_shinfo(skb)->gso_size && !(dev->features & NETIF_F_TSO));
	if (skb->data_len && !(dev->features & NETIF_F_SG) && skb_linearize(skb))
		goto out_drop;
	if (skb->ip_summed == CHECKSUM_PARTIAL && !(dev->features & NETIF_F_HW_CSUM) &&
	    skb_checksum_help(skb))
		goto out_drop;
	return skb;
out_drop:
	dev->stats.tx_dropped++;
	kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
	return NULL;
}

/**
 * validate_xmit_skb_list() - makes each packet of a list fit for the device: linear without scatter-gather, summed
 * without checksum offload.
 * Context: BH off. Consumes: what could not be made so, counted NOMEM and tx_dropped.
 * Return: the list that is left, in order; NULL.
 */
struct sk_buff *validate_xmit_skb_list(struct sk_buff *skb, struct net_device *dev)
{
	struct sk_buff *first = NULL, **tailp = &first;

	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		skb = validate_xmit_skb(skb, dev);
		if (skb) {
			*tailp = skb;
			tailp = &skb->next;
		}
		skb = next;
	}
	return first;
}

/* The driver may be given packets now. */
static bool txq_ready(const struct netdev_queue *txq)
{
	return !txq->stopped && netif_carrier_ok(txq->dev);
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
		q->backlog += skb->len;
		q->requeues++;
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

/* Hands a list to the driver. false: it did not take all, the rest is requeued; else whether more is queued. */
static bool sch_direct_xmit(struct sk_buff *skb, struct Qdisc *q, bool validate)
	__needs(softirq_ctx)
{
	struct netdev_queue *txq = q->txq;
	int rc;

	if (validate)
		skb = validate_xmit_skb_list(skb, txq->dev);
	if (skb && txq_ready(txq))
		skb = dev_hard_start_xmit(skb, txq->dev, txq, &rc);
	if (skb) {
		dev_requeue_skb(q, skb);
		return false;
	}
	return q->qlen != 0;
}

/* Takes up to QDISC_BULK packets off the requeue list, which were validated and counted already. */
static struct sk_buff *dequeue_requeued(struct Qdisc *q, u32 *packets)
{
	struct sk_buff *first = NULL, **tailp = &first, *skb;

	while (*packets < QDISC_BULK && (skb = skb_dequeue(&q->requeue))) {
		q->qlen--;
		q->backlog -= skb->len;
		(*packets)++;
		*tailp = skb;
		tailp = &skb->next;
	}
	return first;
}

/* The next packets to send, linked by ->next; NULL when there are none or the driver may not be given any. */
static struct sk_buff *dequeue_skb(struct Qdisc *q, bool *validate, u32 *packets)
{
	struct sk_buff *first = NULL, **tailp = &first, *skb;

	*packets = 0;
	*validate = false;
	if (!txq_ready(q->txq))
		return NULL;
	if (!skb_queue_empty(&q->requeue))
		return dequeue_requeued(q, packets);
	*validate = true;
	while (*packets < QDISC_BULK && (skb = q->ops->dequeue(q))) {
		q->packets++;
		q->bytes += skb->len;
		(*packets)++;
		*tailp = skb;
		tailp = &skb->next;
	}
	return first;
}

/* One list from the queue to the driver. Whether there is more to send now. */
static bool qdisc_restart(struct Qdisc *q, u32 *packets) __needs(softirq_ctx)
{
	bool validate;
	struct sk_buff *skb = dequeue_skb(q, &validate, packets);

	return skb && sch_direct_xmit(skb, q, validate);
}

/* The caller set q->running. */
static void __qdisc_run(struct Qdisc *q) __needs(softirq_ctx)
{
	int quota = DEV_TX_WEIGHT;
	u32 packets;

	q->runs++;
	while (qdisc_restart(q, &packets)) {
		quota -= (int)packets;
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
	q->running = true;
	__qdisc_run(q);
	q->running = false;
}

/**
 * qdisc_xmit() - one packet into the queue; when that is empty and the driver ready, past it.
 * Context: BH off. Consumes: @skb.
 * Return: NET_XMIT_SUCCESS, NET_XMIT_DROP, NET_XMIT_CN.
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
	if (q->can_bypass && q->qlen == 0 && !q->running && txq_ready(q->txq)) {
		q->running = true;
		q->packets++;
		q->bytes += skb->len;
		q->bypass++;
		if (sch_direct_xmit(skb, q, true))
			__qdisc_run(q);
		q->running = false;
		return NET_XMIT_SUCCESS;
	}
	rc = q->ops->enqueue(skb, q, &to_free);
	qdisc_run(q);
	free_list(to_free, SKB_DROP_REASON_QDISC_DROP);
	return rc;
}

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
	free_list(to_free, SKB_DROP_REASON_QDISC_RESET);
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

/* --- Watchdog: a stopped queue that nobody wakes ------------------------------------------------------------------- */
static u64 watchdog_ns(const struct net_device *dev)
{
	return (u64)dev->watchdog_timeo_ms * NSEC_PER_MSEC;
}

static void watchdog_arm(struct net_device *dev)
{
	if (dev->netdev_ops->ndo_tx_timeout && netif_running(dev) && netif_carrier_ok(dev))
		mod_timer(&dev->watchdog_timer, ktime_get_ns() + watchdog_ns(dev));
}

static void dev_watchdog(struct timer *t)
{
	struct net_device *dev = container_of(t, struct net_device, watchdog_timer);
	u64 now = ktime_get_ns();
	bool hung = false;

	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		struct netdev_queue *txq = &dev->_tx[i];

		if (!txq->stopped || now - txq->trans_start_ns < watchdog_ns(dev))
			continue;
		txq->trans_timeout++;
		hung = true;
		pr_warn_ratelimited(
			"sched: %s: transmit queue %u has stood still for %llu ms\n", dev->name, i,
			(unsigned long long)((now - txq->trans_start_ns) / NSEC_PER_MSEC));
	}
	if (hung)
		dev->netdev_ops->ndo_tx_timeout(dev);
	watchdog_arm(dev);
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
	watchdog_arm(dev);
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
	watchdog_arm(dev);
}

static void sched_netdev_event(struct net_device *dev, enum netdev_event ev)
{
	switch (ev) {
	case NETDEV_REGISTER:
		timer_setup(&dev->watchdog_timer, dev_watchdog);
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
