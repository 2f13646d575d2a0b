// SPDX-License-Identifier: MIT
/*
 * ARP packets that we send: requests, replies, announcements and probes.
 *
 * Interface: neigh.h (arp_send, arp_probe), <net/neighbour.h> (arp_announce).
 * Above: arp.c, acd.c.  Below: dev_queue_xmit().
 * Context: process, softirq.
 * Owns: the packet until dev_queue_xmit().
 * Specs: RFC 826; RFC 5227 (1.1 probe and announcement).
 */
#include "neigh.h"

#include <lib/string.h>
#include <net/sch_generic.h>

#define ARP_PRIORITY 7u /* TC_PRIO_CONTROL: ahead of the data that waits for the answer */

/**
 * arp_send() - one ARP packet.
 * @hw: link destination; NULL: everybody
 * @tha: target hardware field; NULL: zeros
 * Context: process, softirq. Nothing is sent by a device that is down or has no link header, or without memory.
 */
void arp_send(struct net_device *dev, enum arp_op op, __be32 sip, __be32 tip, const u8 *hw,
	      const u8 *tha)
{
	struct sk_buff *skb;
	struct arphdr *arp;

	if (!netif_running(dev) || !dev->header_ops)
		return;
	skb = alloc_skb(LL_MAX_HEADER + (u32)sizeof(*arp));
	if (!skb)
		return; /* the next probe asks again */
	skb_reserve(skb, LL_MAX_HEADER);
	skb_reset_network_header(skb);
	arp = skb_put(skb, sizeof(*arp));
	arp->ar_hrd = htons(ARPHRD_ETHER);
	arp->ar_pro = htons(ETH_P_IP);
	arp->ar_hln = ETH_ALEN;
	arp->ar_pln = sizeof(__be32);
	arp->ar_op = htons(op);
	memcpy(arp->ar_sha, dev->dev_addr, ETH_ALEN);
	arp->ar_sip = sip;
	if (tha)
		memcpy(arp->ar_tha, tha, ETH_ALEN);
	else
		memset(arp->ar_tha, 0, ETH_ALEN);
	arp->ar_tip = tip;
	skb->dev = dev;
	skb->protocol = htons(ETH_P_ARP);
	skb->priority = ARP_PRIORITY;
	if (dev->header_ops->create(skb, dev, ETH_P_ARP, hw ? hw : dev->broadcast, NULL) < 0) {
		kfree_skb_reason(skb, SKB_DROP_REASON_DEV_HDR);
		return;
	}
	(void)dev_queue_xmit(skb);
}

/**
 * arp_announce() - tells the link that @addr is ours: a request for it from itself (RFC 5227, 2.3).
 * Context: process, softirq.
 */
void arp_announce(struct net_device *dev, __be32 addr)
{
	if (dev->flags & (IFF_LOOPBACK | IFF_NOARP))
		return;
	arp_send(dev, ARPOP_REQUEST, addr, addr, NULL, NULL);
}

/**
 * arp_probe() - asks whether somebody has @addr, without saying that we want it (RFC 5227, 2.1.1).
 * Context: process, softirq.
 */
void arp_probe(struct net_device *dev, __be32 addr)
{
	arp_send(dev, ARPOP_REQUEST, 0, addr, NULL, NULL);
}
