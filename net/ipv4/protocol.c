// SPDX-License-Identifier: MIT
/*
 * Who receives which IP protocol: the table by which packets and errors go up.
 *
 * Interface: <net/ip.h> (inet_add_protocol, ip_protocols_deliver).
 * Above: transports and ICMP enter themselves; ip_input.c, icmp.c and route.c look up.  Below: nothing.
 * Context: process enters, softirq reads.
 * Owns: the table; the entries are static tables of their protocols.
 * Specs: RFC 791 (3.1, protocol); RFC 1122 (3.2.2).
 */
#include "ipv4.h"

#include <lib/err.h>

/**
 * inet_add_protocol() - enters the receiver of @protocol; it stays as long as @net.
 * Context: process.
 * Return: 0; -EEXIST there is one.
 */
int inet_add_protocol(struct net *net, u8 protocol, const struct net_protocol *prot)
{
	BUG_ON(!prot->handler);
	if (net->ipv4->protocol[protocol])
		return -EEXIST;
	net->ipv4->protocol[protocol] = prot;
	return 0;
}

/**
 * ip_protocols_deliver() - hands an ICMP error to the protocol whose packet it quotes, and to raw sockets of it.
 *
 * @skb: network header at the quoted IP header, data at its transport header with at least 8 linear bytes; dev set.
 * Context: softirq. @skb stays the caller's.
 */
void ip_protocols_deliver(struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	const struct ipv4_net *ipv4 = skb->dev->net->ipv4;
	const struct net_protocol *prot = ipv4->protocol[ip_hdr(skb)->protocol];

	BUG_ON(skb_headlen(skb) < 8);
	if (ipv4->raw_err)
		ipv4->raw_err(skb, type, code, info);
	if (prot && prot->err_handler)
		prot->err_handler(skb, type, code, info);
}
