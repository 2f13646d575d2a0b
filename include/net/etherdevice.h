/* SPDX-License-Identifier: MIT */
/* Ethernet devices: header building and receive classification. */
#ifndef NET_ETHERDEVICE_H
#define NET_ETHERDEVICE_H
#include <lib/capability.h>
#include <net/netdevice.h>

void ether_setup(
	struct net_device *dev); /* what every Ethernet device has alike; before it is registered */
/* alloc_netdev() for an Ethernet device "eth%d": type, header ops, MTU 1500, broadcast address. NULL without memory. */
struct net_device *alloc_etherdev(struct net *net, u32 priv_size) __freed_by(free_netdev, 1);
/*
 * Pulls the 14-byte header of a received frame, sets dev, pkt_type and mac_header, returns the ethertype (frames with an
 * 802.3 length: 0). The frame has at least 14 bytes: the driver drops shorter ones.
 */
__be16 eth_type_trans(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx);
extern const struct header_ops eth_header_ops;
#endif
