// SPDX-License-Identifier: MIT
/*
 * ARP: the plug-in by which the neighbour table asks and learns on Ethernet.
 *
 * Learning is stingy: an entry is made only for a host on our link that asks for one of our addresses (it is about to
 * talk to us); everything else only refreshes what is there, and replies that nobody asked for never create anything.
 * Somebody who uses our own address is logged and answered with one announcement in ten seconds.
 *
 * Interface: <net/neighbour.h> (arp_*).
 * Above: net/ipv4, net/dhcp.  Below: neighbour.c, acd.c, arp_send.c.
 * Context: softirq (receive, timers), process with BH off.
 * Owns: nothing.
 * Specs: RFC 826; RFC 1122 (2.3.2); RFC 5227 (2.3, 2.4); RFC 1112 (6.4) for multicast addresses.
 */
#include "neigh.h"

#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/inetdevice.h>
#include <wire/arp.h>

#define ARP_DEFEND_INTERVAL_NS (10 * NSEC_PER_SEC)

/* Asks with the source address of the packet that waits, if that is ours, so that the answerer learns the right pair. */
static void arp_solicit(struct neighbour *n, const struct sk_buff *skb, const u8 *lladdr)
{
	__be32 sip = 0;

	if (skb && inet_dev_has_addr(n->dev, ip_hdr(skb)->saddr))
		sip = ip_hdr(skb)->saddr;
	if (!sip)
		sip = inet_select_addr(n->dev, n->key);
	if (!sip)
		return; /* without an address of ours an ARP request would be a conflict probe */
	if (fault_hit(FAULT_ARP_TIMEOUT))
		return; /* lost on the wire, as far as anybody can tell */
	arp_send(n->dev, ARPOP_REQUEST, sip, n->key, lladdr, lladdr);
}

/* --- Classification ------------------------------------------------------------------------------------------------- */

static bool arp_is_bcast(__be32 key, const struct net_device *dev)
{
	const struct in_device *in = dev->ip_ptr;

	if (ipv4_is_lbcast(key))
		return true;
	for (u32 i = 0; in && i < IN_DEV_MAX_ADDRS; i++) {
		const struct in_ifaddr *ifa = &in->ifa[i];

		if (!ifa->ifa_local || ifa->ifa_prefixlen > 30)
			continue;
		/* All ones and, by old custom, all zeros (RFC 1122, 3.3.6). */
		if (key == (ifa->ifa_local | ~ifa->ifa_mask) ||
		    key == (ifa->ifa_local & ifa->ifa_mask))
			return true;
	}
	return false;
}

static enum neigh_kind arp_classify(__be32 key, const struct net_device *dev, u8 *ha)
{
	u32 host = ntohl(key);

	if ((dev->flags & (IFF_LOOPBACK | IFF_NOARP)) || !dev->header_ops) {
		memcpy(ha, dev->dev_addr, ETH_ALEN);
		return NEIGH_OWN;
	}
	if (ipv4_is_multicast(key)) {
		/* 01:00:5e and the low 23 bits of the group. */
		ha[0] = 0x01;
		ha[1] = 0x00;
		ha[2] = 0x5e;
		ha[3] = (u8)(host >> 16 & 0x7f);
		ha[4] = (u8)(host >> 8);
		ha[5] = (u8)host;
		return NEIGH_MULTICAST;
	}
	if (arp_is_bcast(key, dev)) {
		memcpy(ha, dev->broadcast, ETH_ALEN);
		return NEIGH_BROADCAST;
	}
	return NEIGH_RESOLVE;
}

static const struct neigh_ops arp_neigh_ops = {
	.solicit = arp_solicit,
	.classify = arp_classify,
};

/* --- Receiving -------------------------------------------------------------------------------------------------------- */

/* RFC 826's "?" questions and what cannot be an address of a host (requirement A11). */
static bool arp_valid(const struct arphdr *arp)
{
	u16 hrd = ntohs(arp->ar_hrd), op = ntohs(arp->ar_op);
	__be32 sip = arp->ar_sip, tip = arp->ar_tip;

	if ((hrd != ARPHRD_ETHER && hrd != ARPHRD_IEEE802) || ntohs(arp->ar_pro) != ETH_P_IP)
		return false;
	if (arp->ar_hln != ETH_ALEN || arp->ar_pln != sizeof(__be32))
		return false;
	if (op != ARPOP_REQUEST && op != ARPOP_REPLY)
		return false;
	if (is_multicast_ether_addr(arp->ar_sha) || is_zero_ether_addr(arp->ar_sha))
		return false;
	if (ipv4_is_multicast(sip) || ipv4_is_lbcast(sip) || ipv4_is_loopback(sip))
		return false;
	if (ipv4_is_zeronet(sip) && (sip || op != ARPOP_REQUEST))
		return false;
	return !ipv4_is_multicast(tip) && !ipv4_is_loopback(tip);
}

/* Somebody else uses an address of ours: say so, and defend it at most once in ten seconds (RFC 5227, 2.4 (b)). */
static void arp_own_conflict(struct neigh_table *tbl, struct net_device *dev,
			     const struct arphdr *arp)
{
	__be32 sip = arp->ar_sip;
	u64 now = ktime_get_ns();

	tbl->stats.own_conflicts++;
	pr_warn_ratelimited("arp: %s: %pM uses our address %pI4\n", dev->name, arp->ar_sha, &sip);
	if (tbl->acd.mode == ACD_OFF)
		return;
	if (tbl->defended_addr == sip && now < tbl->defended_ns + ARP_DEFEND_INTERVAL_NS)
		return;
	tbl->defended_ns = now;
	tbl->defended_addr = sip;
	tbl->stats.defences++;
	arp_announce(dev, sip);
}

/* Learns from a valid packet and answers a request. The reason names what the packet was good for. */
static enum skb_drop_reason arp_process(struct neigh_table *tbl, struct net_device *dev,
					const struct arphdr *arp, bool to_us) __needs(softirq_ctx)
{
	bool request = arp->ar_op == htons(ARPOP_REQUEST);
	bool for_us = inet_dev_has_addr(dev, arp->ar_tip);
	__be32 sip = arp->ar_sip;
	struct neighbour *n;

	if (arp_is_bcast(sip, dev))
		return SKB_DROP_REASON_ARP_INVALID; /* everybody's address is nobody's */
	acd_look(tbl, dev, arp);
	if (sip && inet_addr_is_local(tbl->net, sip)) {
		if (ether_addr_equal(arp->ar_sha, dev->dev_addr))
			return SKB_DROP_REASON_ARP_INVALID; /* our own frame came back */
		arp_own_conflict(tbl, dev, arp);
		return SKB_DROP_REASON_ARP_INVALID;
	}
	if (sip) {
		n = neigh_find(tbl, sip, dev);
		if (!n && request && for_us && inet_addr_onlink(dev, sip) &&
		    arp_classify(sip, dev, (u8[ETH_ALEN]){ 0 }) == NEIGH_RESOLVE)
			n = neigh_create(tbl, sip, dev);
		if (n && !IS_ERR(n))
			neigh_learn(n, arp->ar_sha, !request && to_us && for_us);
	}
	if (request && for_us) {
		if (to_us)
			tbl->stats.rcv_probes_ucast++;
		else
			tbl->stats.rcv_probes_mcast++;
		arp_send(dev, ARPOP_REPLY, arp->ar_tip, sip, arp->ar_sha, arp->ar_sha);
	}
	return for_us ? NR_DROP_REASONS : SKB_DROP_REASON_ARP_NOT_OURS;
}

/* Consumes @skb: data at the ARP header. Softirq. */
static void arp_rcv(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx)
{
	struct neigh_table *tbl = dev->net->arp_tbl;
	enum skb_drop_reason reason = SKB_DROP_REASON_ARP_INVALID;
	struct arphdr arp;

	trace_fn_skb(arp_rcv, skb, 0);
	if (skb->pkt_type == PACKET_OTHERHOST) {
		reason = SKB_DROP_REASON_OTHERHOST;
		goto drop;
	}
	if (dev->flags & (IFF_NOARP | IFF_LOOPBACK))
		goto drop;
	if (skb_copy_bits(skb, 0, &arp, sizeof(arp)) < 0) {
		reason = SKB_DROP_REASON_PKT_TOO_SMALL;
		goto drop;
	}
	if (!arp_valid(&arp))
		goto drop;
	reason = arp_process(tbl, dev, &arp, skb->pkt_type == PACKET_HOST);
	if (reason == NR_DROP_REASONS) {
		consume_skb(skb);
		return;
	}
drop:
	kfree_skb_reason(skb, reason);
}

/* --- Life --------------------------------------------------------------------------------------------------------------- */

static void arp_netdev_event(struct net_device *dev, enum netdev_event ev)
{
	struct neigh_table *tbl = dev->net->arp_tbl;

	if (!tbl)
		return;
	local_bh_disable();
	if (ev == NETDEV_DOWN || ev == NETDEV_UNREGISTER) {
		acd_stop(tbl, dev);
		neigh_flush_dev(tbl, dev);
	} else if (ev == NETDEV_CHANGEADDR) {
		acd_address_changed(tbl, dev);
		neigh_reclassify(tbl, dev);
	}
	local_bh_enable();
}

/**
 * arp_net_init() - raises the neighbour table of @net and its ARP plug-in.
 * Context: process.
 * Return: 0; -ENOMEM; -ENOSPC no free receiver or notifier slot (everything undone).
 */
int arp_net_init(struct net *net)
{
	int err;

	BUG_ON(net->arp_tbl);
	net->arp_tbl = neigh_table_alloc(net, &arp_neigh_ops);
	if (!net->arp_tbl)
		return -ENOMEM;
	err = dev_add_pack(net, htons(ETH_P_ARP), arp_rcv);
	if (!err)
		err = register_netdevice_notifier(net, arp_netdev_event);
	if (err)
		arp_net_exit(net);
	return err;
}

/**
 * arp_net_exit() - takes it down; devices and routes are gone.
 * Context: process.
 */
void arp_net_exit(struct net *net)
{
	dev_remove_pack(net, htons(ETH_P_ARP));
	neigh_table_free(net->arp_tbl);
	net->arp_tbl = NULL;
}

/* --- /proc/net/arp ---------------------------------------------------------------------------------------------------------- */

static void arp_show_entry(struct seq_file *m, const struct neighbour *n)
{
	char ip[16], mac[18];
	unsigned int flags = 0; /* ATF_COM 2, ATF_PERM 4 */

	if (n->nud_state == NUD_PERMANENT)
		flags = 6;
	else if (n->nud_state & NUD_VALID)
		flags = 2;
	scnprintf(ip, sizeof(ip), "%pI4", &n->key);
	scnprintf(mac, sizeof(mac), "%pM", n->ha);
	seq_printf(m, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", ip, (unsigned int)n->dev->type,
		   flags, mac, n->dev->name);
}

/**
 * arp_show() - the table in the format of Linux's /proc/net/arp. Context: process. arg: struct net.
 */
void arp_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct neighbour *n;

	seq_puts(
		m,
		"IP address       HW type     Flags       HW address            Mask     Device\n");
	local_bh_disable();
	for (u32 i = 0; i < neigh_buckets(net->arp_tbl); i++) {
		list_for_each_entry(n, &net->arp_tbl->bucket[i], node) {
			if (n->nud_state != NUD_NOARP)
				arp_show_entry(m, n);
		}
	}
	local_bh_enable();
}
