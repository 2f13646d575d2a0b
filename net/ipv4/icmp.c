// SPDX-License-Identifier: MIT
/*
 * ICMP: echoes are answered, errors of others go up to the protocol they quote, our own errors go out, rarely.
 *
 * An error is never sent about an error, a broadcast, a later fragment or an odd source, and two token buckets hold the rest back:
 * 1000 a second in all (icmp_msgs_per_sec; burst 50) and one a second to each peer (icmp_ratelimit; burst 6); "fragmentation needed" passes freely, for path MTU
 * discovery dies without it. Redirects, source quenches and timestamps are counted and ignored: each lets strangers steer us.
 *
 * Interface: <net/icmp.h>.
 * Above: ip_input.c, UDP; ping sockets by pointer.  Below: route.c, ip_output.c, protocol.c.
 * Context: softirq.
 * Owns: what it builds until ip_send_skb().
 * Specs: RFC 792; RFC 1122 (3.2.2); RFC 1812 (4.3.2); RFC 6633; RFC 5927.
 */
#include <net/icmp.h>

#include "ipv4.h"

#include <kernel/random.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/inetdevice.h>

#define ICMP_BURST_PEER 6u
#define ICMP_ERROR_MAX  576u /* of an error message, its IP header included (RFC 1812, 4.3.2.3) */
#define ICMP_ERROR_TOS  0xc0 /* internetwork control (RFC 1812, 4.3.2.5) */

/* Errno by code of a destination unreachable, and whether it kills a connection attempt (RFC 1122, 4.2.3.9). */
const struct icmp_err icmp_err_convert[NR_ICMP_UNREACH] = {
	[ICMP_NET_UNREACH] = { ENETUNREACH, false },
	[ICMP_HOST_UNREACH] = { EHOSTUNREACH, false },
	[ICMP_PROT_UNREACH] = { ENOPROTOOPT, true },
	[ICMP_PORT_UNREACH] = { ECONNREFUSED, true },
	[ICMP_FRAG_NEEDED] = { EMSGSIZE, false },
	[ICMP_SR_FAILED] = { EOPNOTSUPP, false },
	[ICMP_NET_UNKNOWN] = { ENETUNREACH, true },
	[ICMP_HOST_UNKNOWN] = { EHOSTDOWN, true },
	[ICMP_HOST_ISOLATED] = { ENONET, true },
	[ICMP_NET_ANO] = { ENETUNREACH, true },
	[ICMP_HOST_ANO] = { EHOSTUNREACH, true },
	[ICMP_NET_UNR_TOS] = { ENETUNREACH, false },
	[ICMP_HOST_UNR_TOS] = { EHOSTUNREACH, false },
	[ICMP_PKT_FILTERED] = { EHOSTUNREACH, true },
	[ICMP_PREC_VIOLATION] = { EHOSTUNREACH, true },
	[ICMP_PREC_CUTOFF] = { EHOSTUNREACH, true },
};

/* --- Sending --------------------------------------------------------------------------------------------------------------- */

/**
 * icmp_out_count() - counts a message that was sent.
 * Context: process, softirq.
 */
void icmp_out_count(struct net *net, u8 type)
{
	ICMP_INC_STATS(net, OutMsgs);
	switch (type) {
	case ICMP_ECHOREPLY:
		ICMP_INC_STATS(net, OutEchoReps);
		break;
	case ICMP_DEST_UNREACH:
		ICMP_INC_STATS(net, OutDestUnreachs);
		break;
	case ICMP_TIME_EXCEEDED:
		ICMP_INC_STATS(net, OutTimeExcds);
		break;
	case ICMP_PARAMETERPROB:
		ICMP_INC_STATS(net, OutParmProbs);
		break;
	case ICMP_ECHO:
		ICMP_INC_STATS(net, OutEchos);
		break;
	default:
		break;
	}
}

/* An empty message with room for @len bytes of ICMP; NULL without memory (counted OutErrors). */
static struct sk_buff *icmp_alloc(struct net *net, u32 len)
{
	u32 room = LL_MAX_HEADER + (u32)sizeof(struct iphdr);
	struct sk_buff *skb = alloc_skb(room + len);

	if (!skb) {
		ICMP_INC_STATS(net, OutErrors);
		return NULL;
	}
	skb_reserve(skb, room);
	skb_reset_transport_header(skb);
	return skb;
}

/* Fills the checksum, finds the route, sends. Consumes @skb. */
static void icmp_push(struct net *net, struct sk_buff *skb, struct flowi4 *fl)
{
	struct icmphdr *icmph = icmp_hdr(skb);
	u8 type = icmph->type;
	struct rtable *rt;

	icmph->checksum = 0;
	icmph->checksum = csum_fold(skb_checksum(skb, 0, skb->len, 0));
	fl->flowi4_proto = IPPROTO_ICMP;
	rt = ip_route_output_key(net, fl);
	if (IS_ERR(rt)) {
		IP_INC_STATS(net, OutNoRoutes);
		ICMP_INC_STATS(net, OutErrors);
		kfree_skb_reason(skb, SKB_DROP_REASON_NO_ROUTE);
		return;
	}
	if (ip_send_skb(net, NULL, skb, rt, fl, 0, false) < 0)
		ICMP_INC_STATS(net, OutErrors);
	else
		icmp_out_count(net, type);
}

/* Takes one token if there is one. @rate of them come in @per seconds. */
static bool icmp_bucket_take(struct icmp_bucket *b, u64 now, u32 rate, u32 per, u32 burst)
{
	u64 gain;

	gain = min_t(u64, (now - b->stamp_ns) / NSEC_PER_MSEC, 1000000);
	if (gain) {
		b->millitokens =
			(u32)min_t(u64, b->millitokens + gain * rate / per, burst * 1000ULL);
		b->stamp_ns = now;
	}
	if (b->millitokens < 1000)
		return false;
	b->millitokens -= 1000;
	return true;
}

static bool icmp_rate_ok(struct net *net, const struct sk_buff *skb, __be32 peer, u8 type, u8 code)
{
	struct ipv4_net *ipv4 = net->ipv4;
	const struct ip_settings *set = &ipv4->set;
	u64 now = ktime_get_ns();
	u64 hash = siphash(&peer, sizeof(peer), &net->hash_key);

	if ((type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED) ||
	    !(set->icmp_ratemask >> type & 1) || (skb->dev && (skb->dev->flags & IFF_LOOPBACK)))
		return true; /* and we may tell ourselves as much as we like */
	/* The peer's bucket first: one noisy peer must not empty the common one. */
	if ((!set->icmp_ratelimit ||
	     icmp_bucket_take(&ipv4->icmp_peer[hash % ICMP_PEER_BUCKETS], now, 1000,
			      set->icmp_ratelimit, ICMP_BURST_PEER)) &&
	    icmp_bucket_take(&ipv4->icmp_all, now, set->icmp_msgs_per_sec, 1, set->icmp_msgs_burst))
		return true;
	ICMP_INC_STATS(net, OutRateLimitHost);
	return false;
}

static bool icmp_is_error(u8 type)
{
	return type != ICMP_ECHO && type != ICMP_ECHOREPLY && type != ICMP_TIMESTAMP &&
	       type != ICMP_TIMESTAMP + 1;
}

/* The cases in which no error may be sent (RFC 1122, 3.2.2). @linear: bytes from the IP header to the end of the linear data. */
static bool icmp_may_send(const struct net *net, const struct sk_buff *skb, u32 linear)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 hlen = ip_hdrlen(iph);

	if (skb->pkt_type != PACKET_HOST || inet_addr_type(net, iph->daddr) != RTN_LOCAL)
		return false;
	if (iph->frag_off & htons(IP_OFFSET))
		return false;
	if (inet_addr_type(net, iph->saddr) != RTN_UNICAST && !(skb->dev->flags & IFF_LOOPBACK))
		return false;
	if (iph->protocol != IPPROTO_ICMP)
		return true;
	return linear > hlen && !icmp_is_error(((const u8 *)iph)[hlen]);
}

/**
 * icmp_send() - tells the sender of @skb what was wrong with it.
 * @info: the MTU for "fragmentation needed", else 0.
 *
 * Quotes the packet from its IP header on, as much as fits into 576 bytes, also of what was joined.
 * Context: softirq. @skb stays the caller's; its network header lies in the linear data.
 */
void icmp_send(struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	struct net *net = skb->dev->net;
	const struct iphdr *iph = ip_hdr(skb);
	u32 linear = (u32)(skb->tail - (const u8 *)iph);
	u32 quote = ICMP_ERROR_MAX - (u32)(sizeof(struct iphdr) + sizeof(struct icmphdr));
	struct flowi4 fl = { .flowi4_tos = ICMP_ERROR_TOS };
	struct icmphdr *icmph;
	struct sk_buff *out;
	u8 *to;

	BUG_ON(linear < sizeof(*iph));
	if (!icmp_may_send(net, skb, linear) || !icmp_rate_ok(net, skb, iph->saddr, type, code))
		return;
	quote = min(quote, linear + skb->data_len);
	quote = min_t(u32, quote, ntohs(iph->tot_len));
	out = icmp_alloc(net, (u32)sizeof(*icmph) + quote);
	if (!out)
		return;
	icmph = skb_put(out, sizeof(*icmph));
	memset(icmph, 0, sizeof(*icmph));
	icmph->type = type;
	icmph->code = code;
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
		icmph->un.frag.mtu = htons(info);
	to = skb_put(out, quote);
	memcpy(to, iph, min(quote, linear));
	if (quote > linear)
		BUG_ON(skb_copy_bits(skb, skb_headlen(skb), to + linear, quote - linear));
	fl.saddr = iph->daddr;
	fl.daddr = iph->saddr;
	icmp_push(net, out, &fl);
}

/* --- Receiving ---------------------------------------------------------------------------------------------------------------- */

/* Answers with the same identifier, sequence and data, from the address that was asked (RFC 1122, 3.2.2.6). */
static enum skb_drop_reason icmp_echo(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct flowi4 fl = { .saddr = iph->daddr, .daddr = iph->saddr, .flowi4_tos = iph->tos };
	bool for_all = skb->pkt_type != PACKET_HOST || inet_addr_type(net, iph->daddr) != RTN_LOCAL;
	struct sk_buff *out;

	ICMP_INC_STATS(net, InEchos);
	if (net->ipv4->set.icmp_echo_ignore_all ||
	    (for_all && net->ipv4->set.icmp_echo_ignore_broadcasts))
		return SKB_DROP_REASON_ICMP_IGNORED; /* smurf */
	if (for_all)
		fl.saddr = INADDR_ANY; /* one of ours */
	out = icmp_alloc(net, skb->len);
	if (!out)
		return SKB_DROP_REASON_NOMEM;
	if (skb_copy_bits(skb, 0, skb_put(out, skb->len), skb->len) < 0) {
		kfree_skb_reason(out, SKB_DROP_REASON_LOCAL_ERROR);
		return SKB_DROP_REASON_ICMP_INVALID;
	}
	icmp_hdr(out)->type = ICMP_ECHOREPLY;
	icmp_push(net, out, &fl);
	return NR_DROP_REASONS;
}

/*
 * What "fragmentation needed" says. A router of old says 0: then the next of the MTUs that links are known to have, below the
 * length of what it could not forward (RFC 1191, 5 and 7).
 */
static u32 icmp_told_mtu(u32 mtu, u32 quoted_len)
{
	static const u16 plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };

	for (u32 i = 0; !mtu && i < ARRAY_SIZE(plateau); i++) {
		if (plateau[i] < quoted_len)
			mtu = plateau[i];
	}
	return mtu ? mtu : IP_MIN_MTU;
}

/*
 * An error about a packet of ours. The quoted header is checked like one from the wire, then @skb is turned so that it looks like
 * that packet, and its protocol decides whether it believes the news.
 */
static enum skb_drop_reason icmp_unreach(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	u8 type = icmp_hdr(skb)->type, code = icmp_hdr(skb)->code;
	u32 mtu = ntohs(icmp_hdr(skb)->un.frag.mtu), info = 0, hlen;
	u32 outer = ip_hdrlen(ip_hdr(skb)) + (u32)sizeof(struct icmphdr);

	if (type == ICMP_DEST_UNREACH && code >= NR_ICMP_UNREACH)
		return SKB_DROP_REASON_ICMP_IGNORED;
	if (!pskb_may_pull(skb, sizeof(struct icmphdr) + sizeof(struct iphdr)))
		goto invalid;
	skb_pull(skb, sizeof(struct icmphdr));
	skb_reset_network_header(skb);
	hlen = ip_hdrlen(ip_hdr(skb));
	if (ip_hdr(skb)->ver_ihl >> 4 != 4 || hlen < sizeof(struct iphdr) ||
	    !pskb_may_pull(skb, hlen + 8))
		goto invalid;
	/* Only a first fragment of a packet that we sent says whom it is about. */
	if (!inet_addr_is_local(net, ip_hdr(skb)->saddr) ||
	    (ip_hdr(skb)->frag_off & htons(IP_OFFSET)))
		goto invalid;
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
		info = icmp_told_mtu(mtu, ntohs(ip_hdr(skb)->tot_len));
	skb_pull(skb, hlen);
	skb_reset_transport_header(skb);
	*ip_err_outer(skb) = (u16)outer;
	ip_protocols_deliver(skb, type, code, info);
	return NR_DROP_REASONS;
invalid:
	ICMP_INC_STATS(net, InErrors);
	return SKB_DROP_REASON_ICMP_INVALID;
}

static enum skb_drop_reason icmp_dispatch(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	switch (icmp_hdr(skb)->type) {
	case ICMP_ECHO:
		return icmp_echo(net, skb);
	case ICMP_DEST_UNREACH:
		ICMP_INC_STATS(net, InDestUnreachs);
		return icmp_unreach(net, skb);
	case ICMP_TIME_EXCEEDED:
		ICMP_INC_STATS(net, InTimeExcds);
		return icmp_unreach(net, skb);
	case ICMP_PARAMETERPROB:
		ICMP_INC_STATS(net, InParmProbs);
		return icmp_unreach(net, skb);
	case ICMP_ECHOREPLY:
		ICMP_INC_STATS(net, InEchoReps);
		if (net->ipv4->ping_rcv && net->ipv4->ping_rcv(net, skb))
			return NR_DROP_REASONS;
		break;
	case ICMP_SOURCE_QUENCH:
		ICMP_INC_STATS(net, InSrcQuenchs);
		break;
	case ICMP_REDIRECT:
		ICMP_INC_STATS(net, InRedirects);
		break;
	case ICMP_TIMESTAMP:
		ICMP_INC_STATS(net, InTimestamps);
		break;
	default:
		break;
	}
	return SKB_DROP_REASON_ICMP_IGNORED;
}

/* The protocol handler. Consumes @skb: data at the ICMP header. */
static void icmp_rcv(struct sk_buff *skb) __needs(softirq_ctx)
{
	struct net *net = skb->dev->net;
	enum skb_drop_reason reason = SKB_DROP_REASON_PKT_TOO_SMALL;

	trace_fn_skb(icmp_rcv, skb, 0);
	ICMP_INC_STATS(net, InMsgs);
	if (!pskb_may_pull(skb, sizeof(struct icmphdr)))
		goto error;
	if (skb->ip_summed == CHECKSUM_NONE && csum_fold(skb_checksum(skb, 0, skb->len, 0)) != 0) {
		ICMP_INC_STATS(net, InCsumErrors);
		reason = SKB_DROP_REASON_ICMP_CSUM;
		goto error;
	}
	reason = icmp_dispatch(net, skb);
	if (reason == NR_DROP_REASONS)
		consume_skb(skb);
	else
		kfree_skb_reason(skb, reason);
	return;
error:
	ICMP_INC_STATS(net, InErrors);
	kfree_skb_reason(skb, reason);
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------ */

/* An error about an ICMP message of ours: only ping sockets have sent any that somebody waits for. */
static void icmp_err(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx)
{
	const struct ipv4_net *ipv4 = skb->dev->net->ipv4;

	if (ipv4->ping_err)
		ipv4->ping_err(skb, type, code, info);
}

static const struct net_protocol icmp_protocol = { .handler = icmp_rcv, .err_handler = icmp_err };

/**
 * icmp_forget() - fills the buckets: who got how many errors is forgotten. Context: process.
 */
void icmp_forget(struct net *net)
{
	struct ipv4_net *ipv4 = net->ipv4;
	u64 now = ktime_get_ns();

	ipv4->icmp_all = (struct icmp_bucket){ now, ipv4->set.icmp_msgs_burst * 1000 };
	for (u32 i = 0; i < ICMP_PEER_BUCKETS; i++)
		ipv4->icmp_peer[i] = (struct icmp_bucket){ now, ICMP_BURST_PEER * 1000 };
}

/**
 * icmp_init() - enters the receiver of ICMP and fills the buckets. After ip_init().
 * Context: process.
 * Return: 0; -EEXIST.
 */
int icmp_init(struct net *net)
{
	icmp_forget(net);
	return inet_add_protocol(net, IPPROTO_ICMP, &icmp_protocol);
}

/**
 * icmp_exit() - nothing is left behind: the table that names the receiver goes with ip_exit(). Context: process.
 */
void icmp_exit(struct net *net)
{
	BUG_ON(!net->ipv4);
}
