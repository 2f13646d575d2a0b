// SPDX-License-Identifier: MIT
/*
 * Who listens beside the stack: taps see every packet on its way up and every frame on its way into a driver, after all that
 * could hold it back.
 *
 * Interface: dev_add_tap(), dev_remove_tap(); dev_tap_receive(), dev_tap_xmit() (<net/netdevice.h>).
 * Above: net/packet.  Below: skbuff.c.  Called by receive.c and netdev.c, only while there is a tap (dev_tapped()).
 * Context: softirq; dev_tap_xmit() also process with BH off.
 * Owns: nothing: what a tap gets is the tap's, the packet itself stays the caller's.
 *
 * Up, a tap gets a clone. Down it gets a copy of the linear part: a clone that waits to be read would look as if the frame
 * were still with the driver, and the transport would not retransmit what it believes to be on its way.
 */
#include <net/netdevice.h>

#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <wire/ethernet.h>

/**
 * dev_add_tap() - @tap->func gets packets of @tap's type and device from now on.
 * Context: process. Borrows: @tap, until dev_remove_tap().
 */
void dev_add_tap(struct net *net, struct packet_tap *tap)
{
	local_bh_disable();
	list_add_tail(&tap->node, &net->taps);
	local_bh_enable();
}

/**
 * dev_remove_tap() - no packet comes any more.
 * Context: process, and from inside @tap->func.
 */
void dev_remove_tap(struct packet_tap *tap)
{
	local_bh_disable();
	list_del_init(&tap->node);
	local_bh_enable();
}

static bool tap_on(const struct packet_tap *tap, const struct net_device *dev)
{
	return !tap->ifindex || tap->ifindex == dev->ifindex;
}

/**
 * dev_tap_receive() - shows a packet on its way up: data at the network header.
 * Context: softirq. Borrows: @skb.
 */
void dev_tap_receive(struct sk_buff *skb, struct net_device *dev)
{
	struct packet_tap *tap, *next;
	struct sk_buff *clone;

	list_for_each_entry_safe(tap, next, &dev->net->taps, node) {
		if (!tap_on(tap, dev) ||
		    (tap->type != htons(ETH_P_ALL) && tap->type != skb->protocol))
			continue;
		clone = skb_clone(skb);
		if (clone)
			tap->func(tap, clone, dev);
	}
}

/**
 * dev_tap_xmit() - shows a frame to those who want every type, but not to its sender: data at the link header.
 * Context: BH off. Borrows: @skb.
 */
void dev_tap_xmit(const struct sk_buff *skb, struct net_device *dev)
{
	struct packet_tap *tap, *next;
	struct sk_buff *copy;

	list_for_each_entry_safe(tap, next, &dev->net->taps, node) {
		if (!tap_on(tap, dev) || tap->type != htons(ETH_P_ALL) ||
		    (skb->sk && skb->sk == tap->sk))
			continue;
		copy = pskb_copy(skb, LL_MAX_HEADER);
		if (!copy)
			continue;
		skb_reset_mac_header(copy);
		copy->network_header = (u16)(copy->mac_header + dev->hard_header_len);
		copy->pkt_type = PACKET_OUTGOING;
		copy->tstamp_ns = ktime_get_ns();
		tap->func(tap, copy, dev);
	}
}
