// SPDX-License-Identifier: MIT
/*
 * IPv4 input: every check a packet from outside must pass before a protocol sees it.
 *
 *   ip_rcv             frame -> sane header, trimmed to its length     InReceives, InHdrErrors, InTruncatedPkts, InCsumErrors
 *   [PRE_ROUTING]      the filters' first look                         NETFILTER_DROP
 *     ip_rcv_finish    addresses and options that make sense for us    InAddrErrors, InHdrErrors
 *       ip_local_deliver  fragments joined (ip_defrag)                 Reasm*
 *       [LOCAL_IN]       the filters' last look
 *         ip_local_deliver_finish  the protocol                        InDelivers, InUnknownProtos
 *
 * A host is no router: what is not for us is dropped in silence.
 * Every length is compared with what is left before it is used.
 *
 * Interface: <net/ip.h> (ip_init, ip_exit).
 * Above: net_protocol handlers.  Below: net/dev (packet type), ip_reassembly.c, icmp.c for protocol unreachable.
 * Context: softirq.
 * Owns: the packet till the handler takes it.
 * Specs: RFC 791 (3.1); RFC 1122 (3.2.1, 3.3.6); RFC 7126 (source routes); RFC 6864.
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <lib/err.h>
#include <lib/reader.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/icmp.h>
#include <net/inetdevice.h>
#include <net/netfilter.h>

/* --- Checks ------------------------------------------------------------------------------------------------------------ */

/* A source route that ends here, the only one (@seen) and wanted: any other would have us forward, or answer by a stranger's way. */
static bool ip_route_ok(const struct net *net, const u8 *body, u32 len, bool *seen)
{
	bool ok = net->ipv4->accept_source_route && !*seen && len >= 3 && (len - 3) % 4 == 0 &&
		  body[0] > len;

	*seen = true;
	return ok;
}

/*
 * Walks the options of a packet: well-formed ones are skipped; a broken length drops it, and so does a source route unless
 * accept_source_route is set and the route has come to its end. No option is acted on or copied to an answer here.
 */
static bool ip_options_ok(const struct net *net, const struct iphdr *iph)
{
	bool seen = false;
	struct reader r = rd_init(iph + 1, ip_hdrlen(iph) - (u32)sizeof(*iph));

	while (r.left) {
		u8 kind = rd_u8(&r), len;
		const u8 *body;

		if (kind == IPOPT_END)
			return true;
		if (kind == IPOPT_NOOP)
			continue;
		len = rd_u8(&r);
		if (r.bad || len < 2)
			return false;
		body = rd_take(&r, (u32)len - 2);
		if (r.bad)
			return false;
		if ((kind == IPOPT_LSRR || kind == IPOPT_SSRR) &&
		    !ip_route_ok(net, body, len, &seen))
			return false;
	}
	return true;
}

/* A source that no honest packet from the wire can have (RFC 1122, 3.2.1.3); LAND is the case "our own address". */
static bool ip_martian_source(const struct net *net, const struct iphdr *iph)
{
	__be32 s = iph->saddr;

	if (ipv4_is_zeronet(s)) /* a host without address may broadcast (DHCP server side) */
		return s != INADDR_ANY || !ipv4_is_lbcast(iph->daddr);
	return ipv4_is_multicast(s) || ipv4_is_lbcast(s) || ipv4_is_loopback(s) ||
	       inet_addr_is_local(net, s) || inet_addr_is_bcast(net, s);
}

static void ip_account_ecn(struct net *net, const struct iphdr *iph)
{
	switch (iph->tos & INET_ECN_MASK) {
	case INET_ECN_NOT_ECT:
		IPEXT_INC_STATS(net, InNoECTPkts);
		break;
	case INET_ECN_ECT_1:
		IPEXT_INC_STATS(net, InECT1Pkts);
		break;
	case INET_ECN_ECT_0:
		IPEXT_INC_STATS(net, InECT0Pkts);
		break;
	default:
		IPEXT_INC_STATS(net, InCEPkts);
	}
}

static void ip_account_in(struct net *net, const struct sk_buff *skb, enum rtn_type type)
{
	if (type == RTN_MULTICAST) {
		IPEXT_INC_STATS(net, InMcastPkts);
		IPEXT_ADD_STATS(net, InMcastOctets, skb->len);
	} else if (type == RTN_BROADCAST) {
		IPEXT_INC_STATS(net, InBcastPkts);
		IPEXT_ADD_STATS(net, InBcastOctets, skb->len);
	}
}

/* --- Stages ------------------------------------------------------------------------------------------------------------------ */

/* Whole, for us, and accepted: the protocol. Consumes @skb: data at the IP header. */
static int ip_local_deliver_finish(struct net *net, struct sock *sk, struct sk_buff *skb)
	__needs(softirq_ctx)
{
	const struct net_protocol *prot;
	const struct iphdr *iph;
	bool raw = false; /* a raw socket wanted it */

	iph = ip_hdr(skb);
	prot = net->ipv4->protocol[iph->protocol];
	(void)sk;
	if (unlikely(net->ipv4->raw_rcv))
		raw = net->ipv4->raw_rcv(net, skb);
	if (!prot && raw) {
		IP_INC_STATS(net, InDelivers);
		consume_skb(skb);
		return 0;
	}
	if (!prot) {
		IP_INC_STATS(net, InUnknownProtos);
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
		kfree_skb_reason(skb, SKB_DROP_REASON_IP_NOPROTO);
		return 0;
	}
	IP_INC_STATS(net, InDelivers);
	skb_pull(skb, ip_hdrlen(iph));
	prot->handler(skb);
	return 0;
}

/* Consumes @skb: data at the IP header. */
static void ip_local_deliver(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	if (ip_hdr(skb)->frag_off & htons(IP_MF | IP_OFFSET)) {
		skb = ip_defrag(net, skb);
		if (!skb)
			return;
	}
	NF_HOOK(NF_INET_LOCAL_IN, net, NULL, skb, skb->dev, NULL, ip_local_deliver_finish);
}

/* Where it comes from and where it wants to go. Sets *@type. NR_DROP_REASONS: it is for us. */
static enum skb_drop_reason ip_check_addresses(struct net *net, const struct sk_buff *skb,
					       enum rtn_type *type) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	bool looped = (skb->dev->flags & IFF_LOOPBACK) || skb->pkt_type == PACKET_LOOPBACK;

	if (!looped && ip_martian_source(net, iph))
		return SKB_DROP_REASON_IP_MARTIAN;
	if (ipv4_is_zeronet(iph->daddr) || (!looped && ipv4_is_loopback(iph->daddr)))
		return SKB_DROP_REASON_IP_MARTIAN;
	*type = inet_addr_type(net, iph->daddr);
	if (*type == RTN_UNICAST)
		return SKB_DROP_REASON_IP_NOT_LOCAL;
	if (*type == RTN_MULTICAST && !ip_check_mc(skb->dev, iph->daddr, iph->saddr, iph->protocol))
		return SKB_DROP_REASON_IP_NOT_LOCAL;
	/* A frame to everybody with a packet to one host is an attack or a mistake (RFC 1122, 3.3.6). */
	if (*type == RTN_LOCAL &&
	    (skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST))
		return SKB_DROP_REASON_L2_CAST_MISMATCH;
	return NR_DROP_REASONS;
}

static int ip_rcv_finish(struct net *net, struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx)
{
	enum rtn_type type = RTN_UNSPEC;
	enum skb_drop_reason reason = ip_check_addresses(net, skb, &type);

	(void)sk;
	if (reason != NR_DROP_REASONS) {
		IP_INC_STATS(net, InAddrErrors);
		kfree_skb_reason(skb, reason);
		return 0;
	}
	if (ip_hdrlen(ip_hdr(skb)) > sizeof(struct iphdr) && !ip_options_ok(net, ip_hdr(skb))) {
		IP_INC_STATS(net, InHdrErrors);
		kfree_skb_reason(skb, SKB_DROP_REASON_IP_OPTIONS);
		return 0;
	}
	ip_account_in(net, skb, type);
	/* To everybody is to everybody, whatever the frame said: no transport may answer it as if it were meant. */
	if (type != RTN_LOCAL)
		skb->pkt_type = type == RTN_MULTICAST ? PACKET_MULTICAST : PACKET_BROADCAST;
	ip_local_deliver(net, skb);
	return 0;
}

/*
 * The header by itself: version, lengths, checksum; then the packet is cut to its length. NR_DROP_REASONS: sound; counters are kept
 * here.
 */
static enum skb_drop_reason ip_check_header(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph;
	u32 hlen, len;

	if (!pskb_may_pull(skb, sizeof(*iph))) {
		IPEXT_INC_STATS(net, InTruncatedPkts);
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	}
	skb_reset_network_header(skb);
	iph = ip_hdr(skb);
	hlen = ip_hdrlen(iph);
	if (iph->ver_ihl >> 4 != 4 || hlen < sizeof(*iph))
		goto inhdr;
	if (!pskb_may_pull(skb, hlen)) {
		IPEXT_INC_STATS(net, InTruncatedPkts);
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	}
	iph = ip_hdr(skb);
	if (ip_fast_csum(iph, hlen / 4) != 0) {
		IPEXT_INC_STATS(net, InCsumErrors);
		IP_INC_STATS(net, InHdrErrors);
		return SKB_DROP_REASON_IP_CSUM;
	}
	len = ntohs(iph->tot_len);
	if (len > skb->len) {
		IPEXT_INC_STATS(net, InTruncatedPkts);
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	}
	if (len < hlen)
		goto inhdr;
	if (pskb_trim(skb, len) < 0) { /* Ethernet's padding */
		IP_INC_STATS(net, InDiscards);
		return SKB_DROP_REASON_NOMEM;
	}
	skb_set_transport_header(skb, hlen);
	return NR_DROP_REASONS;
inhdr:
	IP_INC_STATS(net, InHdrErrors);
	return SKB_DROP_REASON_IP_INHDR;
}

/* The receiver of ETH_P_IP. Consumes @skb: data at the IP header. */
static void ip_rcv(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx)
{
	struct net *net = dev->net;
	enum skb_drop_reason reason = SKB_DROP_REASON_OTHERHOST;

	trace_fn_skb(ip_rcv, skb, 0);
	if (skb->pkt_type == PACKET_OTHERHOST)
		goto drop;
	IP_INC_STATS(net, InReceives);
	IPEXT_ADD_STATS(net, InOctets, skb->len);
	skb->dev = dev;
	skb_dst_drop(skb); /* a looped packet's route was the way out */
	reason = ip_check_header(net, skb);
	if (reason == NR_DROP_REASONS) {
		ip_account_ecn(net, ip_hdr(skb));
		NF_HOOK(NF_INET_PRE_ROUTING, net, NULL, skb, dev, NULL, ip_rcv_finish);
		return;
	}
drop:
	kfree_skb_reason(skb, reason);
}

/**
 * ip_source_route_set() - net.ipv4.conf.all.accept_source_route=VALUE: 1 takes packets that came here by a source route, 0 (so it begins)
 * drops them.
 * Context: process. Return: 0; -EINVAL no number; -ERANGE neither 0 nor 1.
 */
int ip_source_route_set(struct net *net, const char *value)
{
	u64 num;
	int err = kstrtou64(value, &num);

	if (err || num > 1)
		return err ? err : -ERANGE;
	net->ipv4->accept_source_route = num;
	return 0;
}

/* --- Life ----------------------------------------------------------------------------------------------------------------------- */

/**
 * ip_init() - raises the IPv4 state of @net and its receiver.
 * Context: process.
 * Return: 0; -ENOMEM; -ENOSPC no free receiver slot or notifier (everything undone).
 */
int ip_init(struct net *net)
{
	int err;

	BUG_ON(net->ipv4);
	net->ipv4 = kzalloc(sizeof(*net->ipv4));
	if (!net->ipv4)
		return -ENOMEM;
	net->ipv4->dst_output = ip_output;
	net->ipv4->dst_mc_output = ip_mc_output;
	ip_sysctl_init(net);
	igmp_init(net);
	err = dev_add_pack(net, htons(ETH_P_IP), ip_rcv);
	if (!err)
		err = register_netdevice_notifier(net, ip_mc_netdev_event);
	if (!err)
		err = ip_frag_init(net);
	if (err)
		ip_exit(net);
	return err;
}

/**
 * ip_exit() - takes it down; devices, protocols and routes are gone.
 * Context: process.
 */
void ip_exit(struct net *net)
{
	dev_remove_pack(net, htons(ETH_P_IP));
	ip_frag_exit(net);
	kfree(net->ipv4);
	net->ipv4 = NULL;
}
