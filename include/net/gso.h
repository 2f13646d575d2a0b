/* SPDX-License-Identifier: MIT */
/*
 * Segmentation in software: one packet that stands for many (gso_size bytes of payload each) becomes those, for a device
 * that cannot cut it itself, or for a path whose MTU is smaller than they are.
 *
 * What a packet to be cut looks like: IPv4 and TCP (or UDP) headers linear, network_header set, gso_type, gso_size and
 * gso_segs in the shared info, CHECKSUM_PARTIAL. Its own lengths may say anything: each segment gets its own.
 */
#ifndef NET_GSO_H
#define NET_GSO_H
#include <net/netdevice.h>

/*
 * The segments of @skb, linked by ->next; each begins as @skb does (with the link header or without one). @skb stays the
 * caller's, who consumes it; what its owner was charged moves to the last segment. ERR_PTR: -ENOMEM, -EINVAL (no packet
 * that can be cut); nothing has changed then. @features: of the device, NETIF_F_SG shares payload, NETIF_F_HW_CSUM leaves
 * the checksums to it. Process, softirq.
 */
struct sk_buff *skb_gso_segment(struct sk_buff *skb, u32 features);
/* What @dev can do for this one packet: its features without those that do not fit it. BH off. */
u32 netif_skb_features(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx);
/* Bytes from the network header on of the longest segment. */
u32 skb_gso_network_seglen(const struct sk_buff *skb);
/* Each segment fits into @mtu. For packets to be cut only. */
bool skb_gso_validate_network_len(const struct sk_buff *skb, u32 mtu);
/* Segments that @skb stands for; 1 for an ordinary packet. */
u32 skb_gso_count(const struct sk_buff *skb);
/* Bytes that @skb, which begins with its link header, is on the wire: the headers once for each segment. */
u32 skb_wire_len(const struct sk_buff *skb);

/* The device that has @features cannot cut @skb: software must. */
static inline bool netif_needs_gso(const struct sk_buff *skb, u32 features)
{
	return skb_is_gso(skb) && !(features & NETIF_F_TSO);
}
#endif
