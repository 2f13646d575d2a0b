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

/* --- Values to text, as tc prints them (sch_params.c) ---------------------------------------------------------------------- */
struct seq_file;
void qdisc_print_time(struct seq_file *m, u64 ns);
void qdisc_print_rate(struct seq_file *m, u64 bps);
void qdisc_print_size(struct seq_file *m, u64 bytes);
void qdisc_print_share(struct seq_file *m, u64 share); /* of QDISC_SHARE_ONE */

/* --- First in, first out (sch_fifo.c) ----------------------------------------------------------------------------------------- */
enum fifo_param { FIFO_LIMIT };

/* --- The root of several queues (sch_mq.c) -------------------------------------------------------------------------------------- */
void mq_sum(const struct net_device *dev, struct Qdisc *sum); /* process, softirq */

/* --- Cutting (sch_segment.c) ------------------------------------------------------------------------------------------------------ */
/* The segments of @skb, linked by ->next, @skb consumed; NULL: it cannot be cut now, @skb stays the caller's. BH off. */
struct sk_buff *qdisc_segment(struct sk_buff *skb, const struct Qdisc *q) __needs(softirq_ctx);
#endif
