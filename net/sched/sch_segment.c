// SPDX-License-Identifier: MIT
/*
 * Cutting inside a discipline: for one that must look at each packet of the wire, and not at 64 KiB at a time.
 *
 * Interface: qdisc_segment() ("sched_internal.h").
 * Above: sch_tbf.c, sch_netem.c.  Below: net/dev (skb_gso_segment).
 * Context: BH off.
 * Owns: nothing.
 */
#include "sched_internal.h"

#include <lib/err.h>

/**
 * qdisc_segment() - the packets of the wire that @skb stands for, linked by ->next.
 * Context: BH off. Consumes: @skb, but not when NULL is returned.
 * Return: the list; NULL when there is no memory, or the packet cannot be cut.
 */
struct sk_buff *qdisc_segment(struct sk_buff *skb, const struct Qdisc *q)
{
	struct net_device *dev = q->txq->dev;
	struct sk_buff *segs = skb_gso_segment(skb, netif_skb_features(skb, dev) & ~NETIF_F_TSO);

	if (IS_ERR(segs))
		return NULL;
	consume_skb(skb);
	return segs;
}
