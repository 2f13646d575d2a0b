// SPDX-License-Identifier: MIT
/*
 * The watchdog of a device: a transmit queue that was stopped and that nobody wakes is logged, counted, and the driver is
 * asked to make its device go again.
 *
 * Interface: dev_watchdog_setup(), dev_watchdog_arm() ("sched_internal.h").
 * Above: sch_api.c, with the device's life.  Below: the driver by table (ndo_tx_timeout).
 * Context: softirq; setting up process.
 * Owns: dev->watchdog_timer.
 */
#include "sched_internal.h"

#include <kernel/printk.h>

static u64 watchdog_ns(const struct net_device *dev)
{
	return (u64)dev->watchdog_timeo_ms * NSEC_PER_MSEC;
}

/**
 * dev_watchdog_arm() - from now on the transmit queues of @dev are looked at, while it is up and has a link.
 * Context: process, softirq.
 */
void dev_watchdog_arm(struct net_device *dev)
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

		if (!netif_xmit_stopped(txq) || now - txq->trans_start_ns < watchdog_ns(dev))
			continue;
		txq->trans_timeout++;
		hung = true;
		pr_warn_ratelimited(
			"sched: %s: transmit queue %u has stood still for %llu ms\n", dev->name, i,
			(unsigned long long)((now - txq->trans_start_ns) / NSEC_PER_MSEC));
	}
	if (hung)
		dev->netdev_ops->ndo_tx_timeout(dev);
	dev_watchdog_arm(dev);
}

/**
 * dev_watchdog_setup() - prepares the watchdog of a new device. Context: process.
 */
void dev_watchdog_setup(struct net_device *dev)
{
	timer_setup(&dev->watchdog_timer, dev_watchdog);
}
