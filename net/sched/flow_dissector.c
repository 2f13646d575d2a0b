// SPDX-License-Identifier: MIT
/*
 * What tells flows apart: addresses, protocol and ports of an IPv4 packet, as one number.
 *
 * Interface: skb_get_hash().
 * Above: dev_queue_xmit.c (which queue), disciplines (which flow).  Below: <kernel/random.h> siphash.
 * Context: any.  Owns: nothing.
 */
#include <net/sch_generic.h>

#include <kernel/random.h>
#include <lib/byteorder.h>
#include <wire/ipv4.h>

/**
 * skb_get_hash() - the flow of a packet. Same flow, same number, so same queue, so no reordering. Fragments go by addresses
 * and protocol alone, since only the first has ports.
 * Context: any. Borrows: @skb, which keeps the number.
 * Return: the hash; 0 for what is not IPv4.
 */
u32 skb_get_hash(const struct net *net, struct sk_buff *skb)
{
	struct {
		__be32 saddr, daddr;
		u32 ports, proto;
	} key = { 0 };
	u32 offset = (u32)skb->network_header - skb_headroom(skb);
	struct iphdr ip;

	if (skb->hash)
		return skb->hash;
	if (skb->protocol != htons(ETH_P_IP) || skb->network_header < skb_headroom(skb) ||
	    skb_copy_bits(skb, offset, &ip, sizeof(ip)))
		return 0;
	key.saddr = ip.saddr;
	key.daddr = ip.daddr;
	key.proto = ip.protocol;
	if (!(ip.frag_off & htons(IP_MF | IP_OFFSET)))
		(void)skb_copy_bits(skb, offset + ip_hdrlen(&ip), &key.ports, sizeof(key.ports));
	skb->hash = (u32)siphash(&key, sizeof(key), &net->hash_key);
	return skb->hash;
}
