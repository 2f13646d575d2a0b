// SPDX-License-Identifier: MIT
/*
 * Which transmit queue a packet takes: where its socket's earlier ones went, as long as any of those is in this host; else the
 * queues that its CPU was given, else all of them, spread by flow.
 *
 * Interface: netdev_pick_tx(), netdev_pick_tx_cpu().
 * Above: dev_queue_xmit.c.  Below: flow_dissector.c.
 * Context: BH off.
 * Owns: nothing.
 * One flow never has packets in two queues, so the choice reorders nothing.
 */
#include <net/sch_generic.h>

#include <kernel/context.h>
#include <kernel/cpu.h>
#include <lib/bug.h>
#include <net/sock.h>

/* @hash scaled to 0 .. @n - 1. */
static u32 scale(u32 hash, u32 n)
{
	return (u32)((u64)hash * n >> 32);
}

/* One of the queues that @cpu was given and that are in use; -1: it was given none. */
static int xps_queue(const struct net_device *dev, struct sk_buff *skb, u32 cpu)
{
	u32 n = 0, nth, last = 0;

	if (!(dev->xps_cpus >> cpu & 1))
		return -1;
	for (u32 i = 0; i < dev->real_num_tx_queues; i++) {
		if (!(dev->_tx[i].xps_cpus >> cpu & 1))
			continue;
		last = i;
		n++;
	}
	if (n <= 1)
		return n ? (int)last : -1;
	nth = scale(skb_get_hash(dev->net, skb), n);
	for (u32 i = 0;; i++) {
		if (dev->_tx[i].xps_cpus >> cpu & 1 && !nth--)
			return (int)i;
	}
}

static u32 new_queue(const struct net_device *dev, struct sk_buff *skb, u32 cpu)
{
	int queue = xps_queue(dev, skb, cpu);

	return queue >= 0 ? (u32)queue
			  : scale(skb_get_hash(dev->net, skb), dev->real_num_tx_queues);
}

/* No packet of the socket but this one is in the host: another queue cannot let it overtake any. */
static bool ooo_okay(const struct sk_buff *skb)
{
	return skb->sk->sk_wmem_alloc <= skb->truesize;
}

/**
 * netdev_pick_tx_cpu() - the transmit queue for a packet that @cpu sends: 0 on devices with one, without a look; else its socket's,
 * or by CPU and flow.
 * Context: BH off. Borrows: @skb.
 * Return: an index below dev->real_num_tx_queues.
 */
u16 netdev_pick_tx_cpu(struct net_device *dev, struct sk_buff *skb, u32 cpu)
{
	struct sock *sk = skb->sk;
	u32 queue;

	BUG_ON(!in_bh() || cpu >= XPS_MAX_CPUS);
	if (dev->real_num_tx_queues == 1)
		return 0;
	if (sk && sk->sk_tx_queue && sk->sk_tx_queue <= dev->real_num_tx_queues && !ooo_okay(skb))
		return sk->sk_tx_queue - 1;
	queue = new_queue(dev, skb, cpu);
	if (sk)
		sk->sk_tx_queue = (u16)(queue + 1);
	return (u16)queue;
}

/**
 * netdev_pick_tx() - netdev_pick_tx_cpu() for the CPU that runs this.
 * Context: BH off. Borrows: @skb.
 * Return: an index below dev->real_num_tx_queues.
 */
u16 netdev_pick_tx(struct net_device *dev, struct sk_buff *skb)
{
	return netdev_pick_tx_cpu(dev, skb, smp_processor_id());
}
