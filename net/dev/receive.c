// SPDX-License-Identifier: MIT
/*
 * The way up: from a driver, directly or through the backlog, to whoever registered for the ethertype.
 *
 * Interface: netif_receive_skb(), netif_rx(), dev_add_pack(); netif_flush_backlog(); dev_consume_skb_any().
 * Above: IPv4 and ARP enter themselves in net->ptype.  Below: tap.c; drivers; napi.c polls the backlog.
 * Context: softirq; netif_rx() also process with BH off.
 * Owns: packets on the backlog (at most netdev_max_backlog) and on the completion queue.
 * Specs: RFC 1122 (2.3.1, 2.4: frames for others and unknown types are dropped silently, counted here).
 */
#include <net/netdevice.h>

#include <kernel/context.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>

/**
 * dev_add_pack() - @func receives every packet of ethertype @type from now on.
 * Context: process.
 * Return: 0; -EEXIST the type has a receiver; -ENOSPC.
 */
int dev_add_pack(struct net *net, __be16 type, packet_rcv_fn func)
{
	for (u32 i = 0; i < NET_MAX_PTYPES; i++) {
		if (net->ptype[i].func) {
			if (net->ptype[i].type == type)
				return -EEXIST;
			continue;
		}
		net->ptype[i].type = type;
		net->ptype[i].func = func;
		return 0;
	}
	return -ENOSPC;
}

/**
 * dev_remove_pack() - nobody receives @type any more; the room goes.
 * Context: process.
 */
void dev_remove_pack(struct net *net, __be16 type)
{
	local_bh_disable();
	for (u32 i = 0; i < NET_MAX_PTYPES; i++)
		if (net->ptype[i].func && net->ptype[i].type == type)
			net->ptype[i].func = NULL;
	local_bh_enable();
}

/**
 * netif_receive_skb() - up from a driver: protocol, pkt_type and dev are set, data stands at the network header.
 * Context: softirq. Consumes: @skb.
 */
void netif_receive_skb(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct net *net = dev->net;

	BUG_ON(!in_bh());
	skb_enter(skb, SKB_STAGE_RX);
	this_cpu()->softnet->processed++;
	skb_reset_network_header(skb);
	trace_fn_skb(netif_receive_skb, skb, 0);
	if (!skb->tstamp_ns)
		skb->tstamp_ns = ktime_get_ns();
	if (dev_tapped(net))
		dev_tap_receive(skb, dev);
	if (skb->pkt_type == PACKET_OTHERHOST) {
		kfree_skb_reason(skb, SKB_DROP_REASON_OTHERHOST);
		return;
	}
	if (skb->pkt_type == PACKET_MULTICAST)
		dev->stats.multicast++;
	for (u32 i = 0; i < NET_MAX_PTYPES; i++) {
		if (net->ptype[i].func && net->ptype[i].type == skb->protocol) {
			net->ptype[i].func(skb, dev);
			return;
		}
	}
	dev->stats.rx_dropped++;
	kfree_skb_reason(skb, SKB_DROP_REASON_UNHANDLED_PROTO);
}

/**
 * netif_rx() - up through the backlog: the packet is delivered by NET_RX, never on the caller's stack.
 * Context: process with BH off, softirq; no hardirq touches the backlog. Consumes: @skb.
 * Return: 0; 1 dropped, the backlog is full.
 */
int netif_rx(struct sk_buff *skb)
{
	struct softnet_data *sd = this_cpu()->softnet;

	BUG_ON(!in_bh());
	BUG_ON(in_hardirq());
	skb_enter(skb, SKB_STAGE_BACKLOG);
	if (sd->input_pkt_queue.qlen >= sd->netdev_max_backlog) {
		sd->dropped++;
		skb->dev->stats.rx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_CPU_BACKLOG);
		return 1;
	}
	skb_dst_force(skb);
	skb_queue_tail(&sd->input_pkt_queue, skb);
	trace_at_skb(netif_rx, skb, sd->input_pkt_queue.qlen);
	if (!sd->backlog.scheduled)
		napi_schedule(&sd->backlog);
	return 0;
}

/**
 * netif_flush_backlog() - drops what the backlog holds of @dev, which goes. Context: process.
 */
void netif_flush_backlog(struct net_device *dev)
{
	struct softnet_data *sd = this_cpu()->softnet;
	struct sk_buff *skb, *tmp;

	local_bh_disable();
	skb_queue_walk_safe(&sd->input_pkt_queue, skb, tmp) {
		if (skb->dev != dev)
			continue;
		skb_unlink(skb, &sd->input_pkt_queue);
		kfree_skb_reason(skb, SKB_DROP_REASON_DEV_DOWN);
	}
	local_bh_enable();
}

/**
 * dev_consume_skb_any() - normal end of a packet from any context; from hardirq NET_TX does it.
 * Context: any. Consumes: @skb.
 */
void dev_consume_skb_any(struct sk_buff *skb)
{
	unsigned long flags;

	if (!in_hardirq()) {
		consume_skb(skb);
		return;
	}
	flags = local_irq_save();
	skb_queue_tail(&this_cpu()->softnet->completion_queue, skb);
	raise_softirq_irqoff(NET_TX_SOFTIRQ);
	local_irq_restore(flags);
}
