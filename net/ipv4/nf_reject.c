// SPDX-License-Identifier: MIT
/*
 * Refusals: what the sender of a forbidden packet is told. A port that nobody has looks the same from outside: ICMP port
 * unreachable, or a TCP reset.
 *
 * A packet of our own is refused by a message that we send to ourselves, through loopback: the socket hears of it later, in
 * softirq, and never from inside its own send.
 *
 * Interface: nft.h (nf_reject_send).
 * Above: nf_tables.c.  Below: icmp.c, route.c, ip_output.c.
 * Context: BH off.
 * Owns: what it builds until IP has it; the refused packet stays the caller's.
 * Specs: RFC 792, RFC 1122 (3.2.2: what no error is sent about); RFC 9293 (3.5.2: resets).
 */
#include "nft.h"

#include "ipv4.h"

#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/icmp.h>

#define REJECT_ROOM (LL_MAX_HEADER + (u32)sizeof(struct iphdr))

/* An error about an error would never end (RFC 1122, 3.2.2). @skb is known to hold what a refusal quotes. */
static bool reject_is_icmp_error(const struct sk_buff *skb)
{
	u8 type;

	if (ip_hdr(skb)->protocol != IPPROTO_ICMP)
		return false;
	BUG_ON(skb_copy_bits(skb, ip_hdrlen(ip_hdr(skb)), &type, 1) < 0);
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* Port unreachable from ourselves to ourselves, about header and eight bytes of @skb. */
static void reject_own(struct net *net, const struct sk_buff *skb) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 quote = ip_hdrlen(iph) + 8;
	struct flowi4 fl = { .daddr = iph->saddr,
			     .saddr = iph->saddr,
			     .flowi4_proto = IPPROTO_ICMP };
	struct icmphdr *icmph;
	struct sk_buff *out;
	struct rtable *rt;

	if (quote > skb->len || (iph->frag_off & htons(IP_OFFSET)) || reject_is_icmp_error(skb))
		return;
	out = alloc_skb(REJECT_ROOM + (u32)sizeof(*icmph) + quote);
	if (!out)
		return; /* the verdict says it too */
	skb_reserve(out, REJECT_ROOM);
	skb_reset_transport_header(out);
	icmph = skb_put(out, sizeof(*icmph));
	memset(icmph, 0, sizeof(*icmph));
	icmph->type = ICMP_DEST_UNREACH;
	icmph->code = ICMP_PORT_UNREACH;
	BUG_ON(skb_copy_bits(skb, 0, skb_put(out, quote), quote) < 0);
	icmph->checksum = csum_fold(skb_checksum(out, 0, out->len, 0));
	rt = ip_route_output_key(net, &fl);
	if (IS_ERR(rt)) {
		kfree_skb_reason(out, SKB_DROP_REASON_NO_ROUTE);
		return;
	}
	(void)ip_send_skb(net, NULL, out, rt, &fl, 0, false);
}

/* The header of the reset that @th, with @len bytes of header and text, deserves; false: none (RFC 9293, 3.5.2). */
static bool reject_reset_header(const struct tcphdr *th, u32 len, struct tcphdr *r)
{
	if (th->flags & TCPHDR_RST)
		return false;
	*r = (struct tcphdr){ .source = th->dest,
			      .dest = th->source,
			      .doff = sizeof(*r) / 4 << 4,
			      .flags = TCPHDR_RST };
	if (th->flags & TCPHDR_ACK) {
		r->seq = th->ack_seq;
	} else {
		u32 text = len - min(len, (u32)(th->doff >> 4) * 4);

		r->flags |= TCPHDR_ACK;
		r->ack_seq = htonl(ntohl(th->seq) + text + !!(th->flags & TCPHDR_SYN) +
				   !!(th->flags & TCPHDR_FIN));
	}
	return true;
}

/* A reset to the sender of a sound segment that was meant for us alone. */
static void reject_reset(struct net *net, const struct sk_buff *skb) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 hlen = ip_hdrlen(iph), len = skb->len - hlen;
	struct tcphdr th, reset;
	struct sk_buff *out;

	if (skb->pkt_type != PACKET_HOST || inet_addr_type(net, iph->daddr) != RTN_LOCAL ||
	    (iph->frag_off & htons(IP_MF | IP_OFFSET)) || skb_copy_bits(skb, hlen, &th, sizeof(th)))
		return;
	if (skb->ip_summed == CHECKSUM_NONE &&
	    csum_tcpudp_magic(iph->saddr, iph->daddr, len, IPPROTO_TCP,
			      skb_checksum(skb, hlen, len, 0)))
		return;
	if (!reject_reset_header(&th, len, &reset))
		return;
	out = alloc_skb(REJECT_ROOM + (u32)sizeof(reset));
	if (!out)
		return;
	skb_reserve(out, REJECT_ROOM);
	skb_reset_transport_header(out);
	reset.check = csum_tcpudp_magic(iph->daddr, iph->saddr, sizeof(reset), IPPROTO_TCP,
					csum_partial(&reset, sizeof(reset), 0));
	memcpy(skb_put(out, sizeof(reset)), &reset, sizeof(reset));
	TCP_INC_STATS(net, OutSegs);
	TCP_INC_STATS(net, OutRsts);
	(void)ip_build_and_send_pkt(net, out, iph->daddr, iph->saddr, IPPROTO_TCP, 0, 0, 0, NULL);
}

/**
 * nf_reject_send() - tells the sender of @skb that it was refused.
 * @tcp_reset: by a reset instead of port unreachable, when the sender is another host
 * Context: BH off. @skb stays the caller's.
 */
void nf_reject_send(struct sk_buff *skb, const struct nf_hook_state *state, bool tcp_reset)
{
	if (state->hook == NF_INET_LOCAL_OUT)
		reject_own(state->net, skb);
	else if (tcp_reset)
		reject_reset(state->net, skb);
	else
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
}
