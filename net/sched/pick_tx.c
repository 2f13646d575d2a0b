// SPDX-License-Identifier: MIT
/*
 * Which transmit queue a packet takes: where its socket's earlier ones went, as long as any of those is in this host; else the
 * queues that its CPU was given, else all of them, spread by flow.
 *
 * Interface: netdev_pick_tx().
 * Above: dev_queue_xmit.c.  Below: flow_dissector.c.
 * Context: BH off.
 * Owns: nothing.
 * One flow never has packets in two queues, so the choice reorders nothing.
 */
#include <net/sch_generic.h>

#include <kernel/context.h>
#include <lib/bug.h>
#include <net/sock.h>

/* @hash scaled to 0 .. @n - 1. */
static u32 scale(u32 hash, u32 n)
{
	return (u32)((u64)hash * n >> 32);
}

/* One of the queues that this CPU was given and that are in use; -1: it was given none. */
static int xps_queue(const struct net_device *dev, struct sk_buff *skb)
{
	u64 set = dev->xps_map;
	u32 n = 0;

	if (dev->real_num_tx_queues < 64)
		set &= (1ULL << dev->real_num_tx_queues) - 1;
	if (!set)
		return -1;
	for (u64 rest = set; rest; rest &= rest - 1)
		n++;
	for (u32 skip = n == 1 ? 0 : scale(skb_get_hash(dev->net, skb), n); skip; skip--)
		set &= set - 1;
	return __builtin_ctzll(set);
}

static u32 new_queue(const struct net_device *dev, struct sk_buff *skb)
{
	int queue = xps_queue(dev, skb);

	return queue >= 0 ? (u32)queue
			  : scale(skb_get_hash(dev->net, skb), dev->real_num_tx_queues);
}

/* No packet of the socket but this one is in the host: another queue cannot let it overtake any. */
static bool ooo_okay(const struct sk_buff *skb)
{
	return skb->sk->sk_wmem_alloc <= skb->truesize;
}

/**
 * netdev_pick_tx() - the transmit queue for a packet: 0 on devices with one, without a look; else its socket's, or by its CPU
 * and flow.
 * Context: BH off. Borrows: @skb.
 * Return: an index below dev->real_num_tx_queues.
 */
u16 netdev_pick_tx(struct net_device *dev, struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	u32 queue;

	BUG_ON(!in_bh());
	if (dev->real_num_tx_queues == 1)
		return 0;
	if (sk && sk->sk_tx_queue && sk->sk_tx_queue <= dev->real_num_tx_queues && !ooo_okay(skb))
		return sk->sk_tx_queue - 1;
	queue = new_queue(dev, skb);
	if (sk)
		sk->sk_tx_queue = (u16)(queue + 1);
	return (u16)queue;
}
