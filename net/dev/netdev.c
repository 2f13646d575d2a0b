// SPDX-License-Identifier: MIT
/*
 * net_device: registry, up and down, the state of transmit queues, and the last call down, by table, to the driver.
 *
 * Interface: alloc_netdev() .. free_netdev(), dev_open(), dev_close(), netif_carrier_*(), netif_*_queue(),
 * __netif_schedule(), dev_hard_start_xmit(), netdev_defer_doorbell(), netdev_tx_*_queue(), dev_show(), txqueues_show().
 * Above: drivers register and stop/wake; net/sched transmits.  Below: dql.c; kernel softirq; the driver's net_device_ops.
 * Nothing here calls net/sched: a woken queue is put on softnet_data.output_queue and NET_TX is raised.
 * Context: registry process; queues BH off; __netif_schedule() any.
 * Owns: the net_device until free_netdev() (the driver asks for it); no packets.
 */
#include <net/netdevice.h>

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/inetdevice.h>

enum { DEFAULT_TX_QUEUE_LEN = 1000, DEFAULT_WATCHDOG_MS = 5000, MAX_NAME_NR = 100 };

/**
 * alloc_netdev() - a device that nobody knows yet, link up, queues running, with @priv_size zeroed bytes at ->priv.
 * @name_fmt: "lo", or "eth%d" for the first free number.
 * Context: process. Owns: the driver; free_netdev().
 * Return: the device; NULL without memory.
 */
struct net_device *alloc_netdev(struct net *net, u32 priv_size, const char *name_fmt,
				u32 nr_tx_queues)
{
	struct net_device *dev = kzalloc(sizeof(*dev));

	BUG_ON(!nr_tx_queues);
	if (!dev)
		return NULL;
	dev->_tx = kzalloc(nr_tx_queues * sizeof(*dev->_tx));
	dev->priv = kzalloc(max(priv_size, 1u));
	if (!dev->_tx || !dev->priv) {
		kfree(dev->_tx);
		kfree(dev->priv);
		kfree(dev);
		return NULL;
	}
	BUG_ON(strscpy(dev->name, name_fmt, sizeof(dev->name)) < 0);
	INIT_LIST_HEAD(&dev->dev_list);
	INIT_LIST_HEAD(&dev->napi_list);
	dev->net = net;
	dev->num_tx_queues = dev->real_num_tx_queues = nr_tx_queues;
	for (u32 i = 0; i < nr_tx_queues; i++) {
		dev->_tx[i].dev = dev;
		dql_reset(&dev->_tx[i].dql);
	}
	dev->tx_queue_len = DEFAULT_TX_QUEUE_LEN;
	dev->watchdog_timeo_ms = DEFAULT_WATCHDOG_MS;
	dev->carrier = true;
	return dev;
}

/**
 * free_netdev() - the end of an unregistered device.
 * Context: process. Consumes: @dev; NULL is allowed.
 */
void free_netdev(struct net_device *dev)
{
	if (!dev)
		return;
	BUG_ON(!list_empty(&dev->dev_list));
	BUG_ON(!list_empty(&dev->napi_list));
	BUG_ON(dev->doorbell_pending);
	BUG_ON(timer_pending(&dev->watchdog_timer));
	for (u32 i = 0; i < dev->num_tx_queues; i++)
		BUG_ON(dev->_tx[i].qdisc || dev->_tx[i].sched);
	inetdev_destroy(dev);
	kfree(dev->priv);
	kfree(dev->_tx);
	kfree(dev);
}

/* Puts the first free number where the name has "%d". */
static int dev_alloc_name(struct net_device *dev)
{
	char name[IFNAMSIZ], *p = strchr(dev->name, '%');

	if (!p)
		return dev_get_by_name(dev->net, dev->name) ? -EEXIST : 0;
	*p = '\0';
	for (u32 nr = 0; nr < MAX_NAME_NR; nr++) {
		scnprintf(name, sizeof(name), "%s%u", dev->name, nr);
		if (dev_get_by_name(dev->net, name))
			continue;
		strscpy(dev->name, name, sizeof(dev->name));
		return 0;
	}
	return -EEXIST;
}

/**
 * register_netdev() - the device gets name and number and becomes known.
 * Context: process. Owns: the list borrows @dev until unregister_netdev().
 * Return: 0; -EEXIST the name (or every number) is taken.
 */
int register_netdev(struct net_device *dev)
{
	int err;

	BUG_ON(!dev->netdev_ops || !dev->netdev_ops->ndo_start_xmit);
	BUG_ON(!list_empty(&dev->dev_list));
	err = dev_alloc_name(dev);
	if (err)
		return err;
	local_bh_disable();
	dev->ifindex = ++dev->net->dev_index;
	list_add_tail(&dev->dev_list, &dev->net->dev_base);
	local_bh_enable();
	call_netdevice_notifiers(dev, NETDEV_REGISTER);
	return 0;
}

/**
 * unregister_netdev() - closes the device and makes it unknown; no packet refers to it afterwards.
 * Context: process.
 */
void unregister_netdev(struct net_device *dev)
{
	BUG_ON(list_empty(&dev->dev_list));
	dev_close(dev);
	call_netdevice_notifiers(dev, NETDEV_UNREGISTER);
	netif_flush_backlog(dev);
	for (u32 i = 0; i < dev->num_tx_queues; i++)
		netif_unschedule(&dev->_tx[i]);
	local_bh_disable();
	list_del_init(&dev->dev_list);
	local_bh_enable();
}

static void update_running(struct net_device *dev)
{
	if ((dev->flags & IFF_UP) && dev->carrier)
		dev->flags |= IFF_RUNNING;
	else
		dev->flags &= ~(u32)IFF_RUNNING;
}

/**
 * dev_open() - brings the device up; the notifiers give it its queueing disciplines.
 * Context: process.
 * Return: 0 (also when it is up already); what ndo_open said, and the device is down.
 */
int dev_open(struct net_device *dev)
{
	int err;

	might_sleep();
	if (netif_running(dev))
		return 0;
	err = dev->netdev_ops->ndo_open ? dev->netdev_ops->ndo_open(dev) : 0;
	if (err)
		return err;
	local_bh_disable(); /* the link comes and goes in softirqs */
	dev->flags |= IFF_UP;
	update_running(dev);
	local_bh_enable();
	call_netdevice_notifiers(dev, NETDEV_UP);
	return 0;
}

/**
 * dev_close() - takes the device down; packets it held are dropped, counted. No-op when it is down.
 * Context: process.
 */
void dev_close(struct net_device *dev)
{
	might_sleep();
	if (!netif_running(dev))
		return;
	call_netdevice_notifiers(dev, NETDEV_GOING_DOWN);
	local_bh_disable();
	dev->flags &= ~(u32)IFF_UP;
	update_running(dev);
	local_bh_enable();
	if (dev->netdev_ops->ndo_stop)
		(void)dev->netdev_ops->ndo_stop(dev);
	call_netdevice_notifiers(dev, NETDEV_DOWN);
}

/**
 * dev_set_mtu() - changes the MTU within the device's bounds; the notifiers hear of it.
 * Context: process.
 * Return: 0; -EINVAL out of bounds, or what the driver said.
 */
int dev_set_mtu(struct net_device *dev, u32 mtu)
{
	int err = 0;

	if (mtu < dev->min_mtu || (dev->max_mtu && mtu > dev->max_mtu))
		return -EINVAL;
	if (dev->netdev_ops->ndo_change_mtu)
		err = dev->netdev_ops->ndo_change_mtu(dev, mtu);
	if (err)
		return err;
	dev->mtu = mtu;
	call_netdevice_notifiers(dev, NETDEV_CHANGEMTU);
	return 0;
}

/* One more or less wants what @flag stands for; the driver hears of the first and the last. */
static void count_rx_flag(struct net_device *dev, u16 *count, u32 flag, int inc)
{
	u32 flags = dev->flags;

	BUG_ON(!in_bh() || (inc < 0 ? !*count : *count == UINT16_MAX));
	*count = (u16)(*count + inc);
	dev->flags = *count ? flags | flag : flags & ~flag;
	if (dev->flags != flags && dev->netdev_ops->ndo_set_rx_mode)
		dev->netdev_ops->ndo_set_rx_mode(dev);
}

/**
 * dev_set_promiscuity() - one more (@inc 1) or less (-1) wants every frame of the wire, whoever it is for.
 * Context: BH off. A driver without ndo_set_rx_mode receives no more than before.
 */
void dev_set_promiscuity(struct net_device *dev, int inc)
{
	count_rx_flag(dev, &dev->promiscuity, IFF_PROMISC, inc);
}

/**
 * dev_set_allmulti() - one more (@inc 1) or less (-1) wants the frames to every group, joined or not.
 * Context: BH off. A driver without ndo_set_rx_mode receives no more than before.
 */
void dev_set_allmulti(struct net_device *dev, int inc)
{
	count_rx_flag(dev, &dev->allmulti, IFF_ALLMULTI, inc);
}

/**
 * dev_get_flags() - the flags that an application is shown: of IFF_PROMISC and IFF_ALLMULTI what it set itself, not what sockets wish.
 * Context: any. Return: enum netdev_flags.
 */
u32 dev_get_flags(const struct net_device *dev)
{
	return (dev->flags & ~(u32)(IFF_PROMISC | IFF_ALLMULTI)) | dev->gflags;
}

static void change_rx_flag(struct net_device *dev, u32 flags, u16 flag,
			   void (*count)(struct net_device *dev, int inc)) __needs(softirq_ctx)
{
	if (!((flags ^ dev->gflags) & flag))
		return;
	dev->gflags ^= flag;
	count(dev, flags & flag ? 1 : -1);
}

/**
 * dev_change_flags() - sets what may be set of a device's flags: IFF_UP opens and closes it, IFF_PROMISC and IFF_ALLMULTI count once
 * beside those of sockets. The others are what they are.
 * Context: process.
 * Return: 0; what ndo_open said.
 */
int dev_change_flags(struct net_device *dev, u32 flags)
{
	int err = 0;

	might_sleep();
	local_bh_disable();
	change_rx_flag(dev, flags, IFF_PROMISC, dev_set_promiscuity);
	change_rx_flag(dev, flags, IFF_ALLMULTI, dev_set_allmulti);
	local_bh_enable();
	if (flags & IFF_UP)
		err = dev_open(dev);
	else
		dev_close(dev);
	return err;
}

static void carrier_set(struct net_device *dev, bool on)
{
	if (dev->carrier == on)
		return;
	dev->carrier = on;
	update_running(dev);
	if (netif_running(dev))
		call_netdevice_notifiers(dev, NETDEV_CHANGE);
}

/**
 * netif_carrier_on() - the link came up: packets that waited for it leave. Context: process, softirq.
 */
void netif_carrier_on(struct net_device *dev)
{
	carrier_set(dev, true);
}

/**
 * netif_carrier_off() - the link went down: packets wait in the queueing discipline. Context: process, softirq.
 */
void netif_carrier_off(struct net_device *dev)
{
	carrier_set(dev, false);
}

/* --- Transmit queues ------------------------------------------------------------------------------------------------ */
/**
 * netif_tx_start_all_queues() - the driver may be given packets (in ndo_open). Context: process, softirq.
 */
void netif_tx_start_all_queues(struct net_device *dev)
{
	for (u32 i = 0; i < dev->num_tx_queues; i++)
		dev->_tx[i].stopped = false;
}

/**
 * netif_tx_stop_all_queues() - the driver may not be given packets. Context: process, softirq.
 */
void netif_tx_stop_all_queues(struct net_device *dev)
{
	for (u32 i = 0; i < dev->num_tx_queues; i++)
		dev->_tx[i].stopped = true;
}

/**
 * netif_set_real_num_tx_queues() - how many of a device's queues are used: the first @n. For a device that is down, so that no
 * packet waits in one that is not used any more.
 * Context: process.
 * Return: 0; -EINVAL none, or more than there are; -EBUSY the device is up.
 */
int netif_set_real_num_tx_queues(struct net_device *dev, u32 n)
{
	if (!n || n > dev->num_tx_queues)
		return -EINVAL;
	if (netif_running(dev))
		return -EBUSY;
	dev->real_num_tx_queues = n;
	return 0;
}

/**
 * netif_set_xps_queue() - the CPUs that are given a queue: what they send goes into one of those that they were given. A CPU without
 * one uses any queue.
 * @cpus: a bit each; 0: nobody is given it any more
 * @index: of the queue
 * Context: process.
 * Return: 0; -EINVAL there is no such queue.
 */
int netif_set_xps_queue(struct net_device *dev, u64 cpus, u32 index)
{
	if (index >= dev->num_tx_queues)
		return -EINVAL;
	dev->_tx[index].xps_cpus = cpus;
	dev->xps_cpus = 0;
	for (u32 i = 0; i < dev->num_tx_queues; i++)
		dev->xps_cpus |= dev->_tx[i].xps_cpus;
	return 0;
}

/**
 * netif_tx_stop_queue() - no room in the ring of this queue. Whoever stops it wakes it. Context: BH off.
 */
void netif_tx_stop_queue(struct netdev_queue *txq)
{
	BUG_ON(!in_bh());
	txq->stopped = true;
}

/**
 * netif_tx_wake_queue() - room again: NET_TX runs the queue's discipline. Context: process, softirq.
 */
void netif_tx_wake_queue(struct netdev_queue *txq)
{
	if (!txq->stopped)
		return;
	txq->stopped = false;
	txq->restarts++;
	__netif_schedule(txq);
}

/**
 * netif_stop_queue() - netif_tx_stop_queue() of a device's only queue. Context: BH off.
 */
void netif_stop_queue(struct net_device *dev)
{
	netif_tx_stop_queue(&dev->_tx[0]);
}

/**
 * netif_wake_queue() - netif_tx_wake_queue() of a device's only queue. Context: process, softirq.
 */
void netif_wake_queue(struct net_device *dev)
{
	netif_tx_wake_queue(&dev->_tx[0]);
}

/**
 * netdev_tx_sent_queue() - the ring took @bytes of frames.
 * Context: BH off.
 * Return: true when that is enough for now: the queue is held until the device has sent some, and the driver sees to it that
 * it hears of that soon.
 */
bool netdev_tx_sent_queue(struct netdev_queue *txq, u32 bytes)
{
	BUG_ON(!in_bh());
	dql_queued(&txq->dql, bytes);
	if (!txq->held && dql_avail(&txq->dql) <= 0) {
		txq->held = true;
		trace_at(bql_stop, 0, dql_in_flight(&txq->dql), NULL);
	}
	return txq->held;
}

/* The device may be given more. */
static void bql_release(struct netdev_queue *txq)
{
	if (!txq->held)
		return;
	txq->held = false;
	trace_at(bql_start, 0, dql_in_flight(&txq->dql), NULL);
	if (!txq->stopped)
		__netif_schedule(txq);
}

/**
 * netdev_tx_completed_queue() - the device sent @packets frames of @bytes: a queue that was held goes on.
 * Context: BH off, or process.
 */
void netdev_tx_completed_queue(struct netdev_queue *txq, u32 packets, u32 bytes)
{
	if (!packets)
		return;
	dql_completed(&txq->dql, bytes, ktime_get_ns());
	if (dql_avail(&txq->dql) > 0)
		bql_release(txq);
}

/**
 * netdev_tx_reset_queue() - the ring was emptied by force: the device has nothing more. Context: BH off, or process.
 */
void netdev_tx_reset_queue(struct netdev_queue *txq)
{
	dql_reset(&txq->dql);
	bql_release(txq);
}

/**
 * __netif_schedule() - puts the queue on the list of those that NET_TX runs, once.
 * Context: any.
 */
void __netif_schedule(struct netdev_queue *txq)
{
	struct softnet_data *sd = this_cpu()->softnet;
	unsigned long flags = local_irq_save();
	bool first = !txq->sched;

	if (first) {
		txq->sched = true;
		txq->next_sched = NULL;
		*sd->output_queue_tailp = txq;
		sd->output_queue_tailp = &txq->next_sched;
	}
	local_irq_restore(flags);
	if (first)
		trace_at(netif_schedule, txq->qdisc ? 1 : 0, 0, NULL);
	if (first)
		raise_softirq(NET_TX_SOFTIRQ); /* from plain process context it is served here */
}

/**
 * netif_unschedule() - takes the queue off that list: its device goes. Context: process.
 */
void netif_unschedule(struct netdev_queue *txq)
{
	struct softnet_data *sd = this_cpu()->softnet;
	unsigned long flags = local_irq_save();
	struct netdev_queue **p = &sd->output_queue;

	while (txq->sched && *p && *p != txq)
		p = &(*p)->next_sched;
	if (txq->sched && *p == txq) {
		*p = txq->next_sched;
		if (sd->output_queue_tailp == &txq->next_sched)
			sd->output_queue_tailp = p;
	}
	txq->sched = false;
	local_irq_restore(flags);
}

/**
 * dev_hard_start_xmit() - gives a packet, or a list linked by ->next, to the driver.
 * Context: BH off, device up, queue not stopped.
 * Consumes: what the driver took. *@rc: its last answer; NETDEV_TX_BUSY also when it stopped the queue in mid-list.
 * Return: NULL, or the packet it had no room for and those behind it.
 */
struct sk_buff *dev_hard_start_xmit(struct sk_buff *first, struct net_device *dev,
				    struct netdev_queue *txq, int *rc)
{
	const struct net_device_ops *ops = dev->netdev_ops;
	struct sk_buff *skb = first;

	BUG_ON(!in_bh());
	BUG_ON(netif_xmit_stopped(txq));
	*rc = NETDEV_TX_OK;
	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		trace_fn_skb(dev_hard_start_xmit, skb, 0);
		if (dev_tapped(dev->net))
			dev_tap_xmit(skb, dev);
		skb_enter(skb, SKB_STAGE_DRIVER);
		*rc = (int)ops->ndo_start_xmit(skb, dev);
		if (unlikely(*rc != NETDEV_TX_OK)) {
			skb_enter(skb, SKB_STAGE_DEV);
			skb->next = next;
			break;
		}
		skb = next;
		if (skb && netif_xmit_stopped(txq)) {
			*rc = NETDEV_TX_BUSY;
			break;
		}
	}
	if (skb != first)
		txq->trans_start_ns = ktime_get_ns();
	return skb;
}

/**
 * netdev_defer_doorbell() - the driver posted packets and did not tell its device: ring once, at the end of this BH-off
 * section or softirq pass.
 * Context: BH off.
 */
void netdev_defer_doorbell(struct net_device *dev)
{
	struct cpu *cpu = this_cpu();

	BUG_ON(!in_bh());
	if (dev->doorbell_pending)
		return;
	dev->doorbell_pending = true;
	dev->next_doorbell = cpu->softnet->doorbell;
	cpu->softnet->doorbell = dev;
	cpu->bh_exit_pending = true;
}

/**
 * netdev_ring_doorbells() - rings every deferred doorbell.
 * Context: BH off; called as cpu->bh_exit by kernel/softirq.c.
 */
void netdev_ring_doorbells(struct cpu *cpu)
{
	struct softnet_data *sd = cpu->softnet;

	cpu->bh_exit_pending = false;
	while (sd->doorbell) {
		struct net_device *dev = sd->doorbell;

		sd->doorbell = dev->next_doorbell;
		dev->next_doorbell = NULL;
		dev->doorbell_pending = false;
		sd->doorbells++;
		if (ALWAYS(dev->netdev_ops->ndo_doorbell))
			dev->netdev_ops->ndo_doorbell(dev);
	}
}

/* --- The page --------------------------------------------------------------------------------------------------------- */
static void dev_show_one(struct seq_file *m, struct net_device *dev)
{
	struct net_device_stats s = dev->stats;

	if (dev->netdev_ops->ndo_get_stats)
		dev->netdev_ops->ndo_get_stats(dev, &s);
	seq_printf(m, "%6s: %7llu %7llu %4llu %4llu %4llu %5llu %10u %9llu ", dev->name,
		   (unsigned long long)s.rx_bytes, (unsigned long long)s.rx_packets,
		   (unsigned long long)s.rx_errors,
		   (unsigned long long)(s.rx_dropped + s.rx_missed_errors),
		   (unsigned long long)s.rx_fifo_errors,
		   (unsigned long long)(s.rx_length_errors + s.rx_over_errors + s.rx_crc_errors +
					s.rx_frame_errors),
		   0u, (unsigned long long)s.multicast);
	seq_printf(m, "%8llu %7llu %4llu %4llu %4llu %5u %7llu %10u\n",
		   (unsigned long long)s.tx_bytes, (unsigned long long)s.tx_packets,
		   (unsigned long long)s.tx_errors, (unsigned long long)s.tx_dropped,
		   (unsigned long long)s.tx_fifo_errors, 0u,
		   (unsigned long long)(s.tx_carrier_errors + s.tx_aborted_errors), 0u);
}

/**
 * dev_show() - the page /proc/net/dev of the instance m->arg. Context: process.
 */
void dev_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct net_device *dev;

	seq_puts(m,
		 "Inter-|   Receive                                                |  Transmit\n");
	seq_puts(m, " face |bytes    packets errs drop fifo frame compressed multicast"
		    "|bytes    packets errs drop fifo colls carrier compressed\n");
	list_for_each_entry(dev, &net->dev_base, dev_list)
		dev_show_one(m, dev);
}

/**
 * txqueues_show() - the page /proc/net/tx_queues of the instance m->arg: a line for each transmit queue. Context: process.
 */
void txqueues_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct net_device *dev;

	list_for_each_entry(dev, &net->dev_base, dev_list) {
		for (u32 i = 0; i < dev->real_num_tx_queues; i++) {
			const struct netdev_queue *txq = &dev->_tx[i];

			seq_printf(
				m,
				"%s %u stopped %u held %u limit %u inflight %u trans_timeout %llu "
				"restart_queue %llu\n",
				dev->name, i, (u32)txq->stopped, (u32)txq->held, txq->dql.limit,
				dql_in_flight(&txq->dql), (unsigned long long)txq->trans_timeout,
				(unsigned long long)txq->restarts);
		}
	}
}
