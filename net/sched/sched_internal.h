/* SPDX-License-Identifier: MIT */
/*
 * What the files of net/sched share and nobody else sees.
 */
#ifndef NET_SCHED_INTERNAL_H
#define NET_SCHED_INTERNAL_H
#include <net/sch_generic.h>

/* --- The device's watchdog (dev_watchdog.c) ------------------------------------------------------------------------------ */
void dev_watchdog_setup(struct net_device *dev); /* at NETDEV_REGISTER; process */
void dev_watchdog_arm(
	struct net_device
		*dev); /* no-op while the device is down or has no link; process, softirq */
#endif
