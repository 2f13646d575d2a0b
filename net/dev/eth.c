// SPDX-License-Identifier: MIT
/*
 * Ethernet: building the header of frames that go, classifying those that came.
 *
 * Interface: ether_setup(), alloc_etherdev(), eth_type_trans(), eth_header_ops.
 * Above: Ethernet drivers; net/neigh builds headers through dev->header_ops.  Below: <net/skbuff.h>, wire format.
 * Context: process with BH off, softirq.
 * Owns: nothing.
 * Specs: RFC 894; IEEE 802.3 (3.2.6: a type field below 0x0600 is a length).
 */
#include <net/etherdevice.h>

#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
#include <wire/arp.h>
#include <wire/ethernet.h>

/*
 * Pushes the header. Without a destination there is none to push: the caller asks the neighbour first.
 */
static int eth_header(struct sk_buff *skb, struct net_device *dev, u16 type, const u8 *daddr,
		      const u8 *saddr)
{
	struct ethhdr *eth;

	if (!daddr)
		return -EDESTADDRREQ;
	if (skb_cow_head(skb, ETH_HLEN))
		return -ENOMEM;
	eth = skb_push(skb, ETH_HLEN);
	memcpy(eth->h_dest, daddr, ETH_ALEN);
	memcpy(eth->h_source, saddr ? saddr : dev->dev_addr, ETH_ALEN);
	eth->h_proto = htons(type);
	return ETH_HLEN;
}

const struct header_ops eth_header_ops = { .create = eth_header };

/**
 * ether_setup() - what every Ethernet device has alike: type, header, MTU, broadcast address.
 * Context: process, before the device is registered. Borrows: @dev.
 */
void ether_setup(struct net_device *dev)
{
	dev->flags = IFF_BROADCAST | IFF_MULTICAST;
	dev->priv_flags = IFF_XMIT_DST_RELEASE;
	dev->type = ARPHRD_ETHER;
	dev->hard_header_len = ETH_HLEN;
	dev->addr_len = ETH_ALEN;
	dev->mtu = ETH_DATA_LEN;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_DATA_LEN;
	dev->header_ops = &eth_header_ops;
	memset(dev->broadcast, 0xff, ETH_ALEN);
}

/**
 * alloc_etherdev() - alloc_netdev() for an Ethernet device "eth%d".
 * Context: process. Owns: the driver.
 * Return: the device; NULL without memory.
 */
struct net_device *alloc_etherdev(struct net *net, u32 priv_size)
{
	struct net_device *dev = alloc_netdev(net, priv_size, "eth%d", 1);

	if (dev)
		ether_setup(dev);
	return dev;
}

/**
 * eth_type_trans() - pulls the header of a received frame and says what it carries and whom it was for.
 * The frame has at least 14 bytes: the driver dropped shorter ones.
 * Context: softirq. Borrows: @skb and @dev.
 * Return: the ethertype; 0 for a frame with an 802.3 length (nobody here receives those).
 */
__be16 eth_type_trans(struct sk_buff *skb, struct net_device *dev)
{
	const struct ethhdr *eth;

	skb->dev = dev;
	skb_reset_mac_header(skb);
	BUG_ON(!skb_pull(skb, ETH_HLEN));
	eth = eth_hdr(skb);
	if (is_broadcast_ether_addr(eth->h_dest))
		skb->pkt_type = PACKET_BROADCAST;
	else if (is_multicast_ether_addr(eth->h_dest))
		skb->pkt_type = PACKET_MULTICAST;
	else if (!ether_addr_equal(eth->h_dest, dev->dev_addr))
		skb->pkt_type = PACKET_OTHERHOST;
	else
		skb->pkt_type = PACKET_HOST;
	return ntohs(eth->h_proto) >= ETH_P_802_3_MIN ? eth->h_proto : htons(0);
}
