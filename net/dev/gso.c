// SPDX-License-Identifier: MIT
/*
 * Segmentation in software: a TCP packet of many segments (or a UDP packet of many datagrams) becomes those, as late as
 * possible, just before a driver whose device cannot do it.
 *
 * Interface: skb_gso_segment(), netif_skb_features(), skb_gso_network_seglen(), skb_gso_validate_network_len(),
 * skb_gso_count(), skb_wire_len().
 * Above: net/sched (validate_xmit), net/ipv4 (a path with a smaller MTU).  Below: skbuff.c, checksum.c.
 * Context: process, softirq.
 * Owns: the segments until they are returned.
 * A segment has its own headers and shares the payload that lies in fragments: no byte of that is copied.
 * Specs: RFC 9293 (3.1: which fields each segment has for itself), RFC 6864 (identification), RFC 3168 (6.1.2: CWR on the
 * first segment of a window only), RFC 768; 8254x Software Developer's Manual section 3.5 (what hardware makes of it).
 */
#include <net/gso.h>

#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/dst.h>

enum {
	TCP_CHECK_OFFSET = 16, /* of the checksum field in its header */
	UDP_CHECK_OFFSET = 6,
};

/* Where the parts of a packet are, from data on. */
struct gso_cut {
	u32 network, transport, payload;
	u32 mss;
	u8 proto;
	bool copy; /* the device wants each segment in one piece */
};

/* --- What lies where ---------------------------------------------------------------------------------------------- */
/* Bytes of the transport header whose first ones lie at @offset; 0: there is none. */
static u32 transport_len(struct sk_buff *skb, u32 offset, u8 proto)
{
	const struct tcphdr *th;
	u32 len;

	if (proto == IPPROTO_UDP)
		return sizeof(struct udphdr);
	if (!pskb_may_pull(skb, offset + (u32)sizeof(*th)))
		return 0;
	th = (const struct tcphdr *)(const void *)(skb->data + offset);
	len = (u32)(th->doff >> 4) * 4;
	return len >= sizeof(*th) ? len : 0;
}

/* Finds the headers of @skb and makes them linear. 0; -EINVAL no packet that can be cut; -ENOMEM. */
static int gso_parse(struct sk_buff *skb, struct gso_cut *c)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	const struct iphdr *iph;
	u32 len;

	c->mss = si->gso_size;
	c->proto = si->gso_type == SKB_GSO_UDP_L4 ? IPPROTO_UDP : IPPROTO_TCP;
	if (!c->mss || skb->network_header < skb_headroom(skb))
		return -EINVAL;
	c->network = skb->network_header - skb_headroom(skb);
	if (!pskb_may_pull(skb, c->network + (u32)sizeof(*iph)))
		return -EINVAL;
	iph = (const struct iphdr *)(const void *)(skb->data + c->network);
	if (iph->ver_ihl >> 4 != 4 || ip_hdrlen(iph) < sizeof(*iph) || iph->protocol != c->proto ||
	    (iph->frag_off & htons(IP_MF | IP_OFFSET)))
		return -EINVAL;
	c->transport = c->network + ip_hdrlen(iph);
	len = transport_len(skb, c->transport, c->proto);
	c->payload = c->transport + len;
	if (!len || c->payload >= skb->len)
		return -EINVAL;
	return pskb_may_pull(skb, c->payload) ? 0 : -ENOMEM;
}

/* --- One segment ---------------------------------------------------------------------------------------------------- */
/* Length, identification and checksum of the IPv4 header of segment number @nr; the packet has its full length. */
static void fit_ip(struct sk_buff *seg, const struct gso_cut *c, u32 nr)
{
	struct iphdr *iph = (struct iphdr *)(void *)(seg->data + c->network);

	iph->tot_len = htons((u16)(seg->len - c->network));
	iph->id = htons((u16)(ntohs(iph->id) + nr));
	iph->check = 0;
	iph->check = ip_fast_csum(iph, ip_hdrlen(iph) / 4);
}

/* TCP's header of the segment that begins @at bytes into the payload. */
static void fit_tcp(struct sk_buff *seg, const struct gso_cut *c, u32 at, bool last)
{
	struct tcphdr *th = (struct tcphdr *)(void *)(seg->data + c->transport);

	th->seq = htonl(ntohl(th->seq) + at);
	if (at)
		th->flags &= 0xff ^ TCPHDR_CWR;
	if (!last)
		th->flags &= 0xff ^ (TCPHDR_FIN | TCPHDR_PSH);
}

/* The sum of the pseudo header where the device, or skb_checksum_help(), goes on. */
static void seed_checksum(struct sk_buff *seg, const struct gso_cut *c)
{
	const struct iphdr *iph = (const struct iphdr *)(const void *)(seg->data + c->network);
	u32 sum = csum_tcpudp_nofold(iph->saddr, iph->daddr, seg->len - c->transport, c->proto, 0);
	u16 seed = (u16) ~(__force u16)csum_fold(sum);

	seg->transport_header = (u16)(skb_headroom(seg) + c->transport);
	seg->csum_start = seg->transport_header;
	seg->csum_offset = c->proto == IPPROTO_UDP ? UDP_CHECK_OFFSET : TCP_CHECK_OFFSET;
	seg->ip_summed = CHECKSUM_PARTIAL;
	memcpy(seg->data + c->transport + seg->csum_offset, &seed, sizeof(seed));
}

/* What describes a packet beside its bytes and its owner; the route gets a reference of its own. */
static void copy_descriptor(struct sk_buff *seg, const struct sk_buff *skb)
{
	u32 shift = skb_headroom(seg) - skb_headroom(skb); /* modulo 2^32, as are the sums below */

	seg->dev = skb->dev;
	if (skb_dst(skb))
		skb_dst_set(seg, dst_hold(skb_dst(skb)));
	memcpy(seg->cb, skb->cb, sizeof(seg->cb));
	seg->protocol = skb->protocol;
	seg->queue_mapping = skb->queue_mapping;
	seg->mac_header = (u16)(skb->mac_header + shift);
	seg->network_header = (u16)(skb->network_header + shift);
	seg->pkt_type = skb->pkt_type;
	seg->ignore_df = skb->ignore_df;
	seg->dst_pending_confirm = skb->dst_pending_confirm;
	seg->priority = skb->priority;
	seg->mark = skb->mark;
	seg->hash = skb->hash;
	seg->clone_of = skb->id;
	seg->tstamp_ns = skb->tstamp_ns;
}

/* Payload bytes of [@at, @at + @n) that a segment holds in its linear part. */
static u32 linear_bytes(const struct sk_buff *skb, const struct gso_cut *c, u32 at, u32 n)
{
	u32 linear = skb_headlen(skb) - c->payload;

	if (c->copy)
		return n;
	return at < linear ? min(n, linear - at) : 0;
}

/* The segment of payload bytes [@at, @at + @n). NULL without memory. */
static struct sk_buff *gso_one(const struct sk_buff *skb, const struct gso_cut *c, u32 at, u32 n)
{
	bool last = c->payload + at + n == skb->len;
	struct sk_buff *seg = alloc_skb(LL_MAX_HEADER + c->payload + linear_bytes(skb, c, at, n));

	if (!seg)
		return NULL;
	skb_enter(seg, (enum skb_stage)skb->stage);
	skb_reserve(seg, LL_MAX_HEADER);
	memcpy(skb_put(seg, c->payload), skb->data, c->payload);
	/* Not more fragments than the whole packet has. */
	BUG_ON(skb_append_range(seg, skb, c->payload + at, n, c->copy));
	copy_descriptor(seg, skb);
	fit_ip(seg, c, at / c->mss);
	if (c->proto == IPPROTO_TCP)
		fit_tcp(seg, c, at, last);
	else
		((struct udphdr *)(void *)(seg->data + c->transport))->len =
			htons((u16)(seg->len - c->transport));
	seed_checksum(seg, c);
	trace_at_skb(skb_gso_segment, seg, 0);
	return seg;
}

static void free_segments(struct sk_buff *seg)
{
	while (seg) {
		struct sk_buff *next = seg->next;

		seg->next = NULL;
		kfree_skb_reason(seg, SKB_DROP_REASON_NOMEM);
		seg = next;
	}
}

/* Whoever was charged for the packet is paid back when the last segment ends, so that he sees all of it in flight. */
static void move_charge(struct sk_buff *last, struct sk_buff *skb)
{
	if (!skb->destructor)
		return;
	last->sk = skb->sk;
	last->destructor = skb->destructor;
	last->truesize = skb->truesize;
	skb->sk = NULL;
	skb->destructor = NULL;
}

/**
 * skb_gso_segment() - cuts a packet into the segments that it stands for
 * @skb: gso_size, gso_type and network_header set; data at the link or at the network header
 * @features: NETIF_F_SG: segments share the payload's fragments, else each is linear (one copy of the payload);
 * NETIF_F_HW_CSUM: the TCP or UDP checksum is left to the device, else it is complete
 *
 * Each segment has the packet's headers with length, identification (+1 each), sequence number and checksums of its own;
 * FIN and PSH stand on the last, CWR on the first. The charge of the owner moves to the last.
 *
 * Context: process, softirq. Borrows: @skb, which the caller consumes. Owns: the caller, the segments.
 * Return: the first segment, the others by ->next; ERR_PTR(-EINVAL) not IPv4 with TCP or UDP and payload;
 * ERR_PTR(-ENOMEM). On an error @skb is what it was, and segments already made are dropped, counted NOMEM.
 */
struct sk_buff *skb_gso_segment(struct sk_buff *skb, u32 features)
{
	struct sk_buff *first = NULL, *last = NULL, **tailp = &first;
	struct gso_cut c = { .copy = !(features & NETIF_F_SG) };
	int err = gso_parse(skb, &c);
	u32 len = skb->len - c.payload;

	if (err)
		return ERR_PTR(err);
	for (u32 at = 0; at < len; at += c.mss) {
		last = gso_one(skb, &c, at, min(c.mss, len - at));
		if (!last) {
			free_segments(first);
			return ERR_PTR(-ENOMEM);
		}
		if (!(features & NETIF_F_HW_CSUM)) /* its header is linear and nobody else's */
			BUG_ON(skb_checksum_help(last));
		*tailp = last;
		tailp = &last->next;
	}
	move_charge(last, skb);
	return first;
}

/* --- What a packet means ---------------------------------------------------------------------------------------------- */
/* Bytes of the transport header of a packet to be cut, whose headers are linear. */
static u32 gso_transport_len(const struct sk_buff *skb)
{
	if (skb_shinfo(skb)->gso_type == SKB_GSO_UDP_L4)
		return sizeof(struct udphdr);
	return (u32)(tcp_hdr(skb)->doff >> 4) * 4;
}

/**
 * skb_gso_network_seglen() - the longest segment of a packet to be cut, from the network header on
 * @skb: network_header and transport_header set
 *
 * Context: any. Borrows: @skb. Return: bytes.
 */
u32 skb_gso_network_seglen(const struct sk_buff *skb)
{
	u32 headers = (u32)skb->transport_header - skb->network_header + gso_transport_len(skb);

	return headers + skb_shinfo(skb)->gso_size;
}

/**
 * skb_gso_validate_network_len() - does each segment of a packet to be cut fit into @mtu?
 * Then it may go on whole, however long it is; if not, it is cut first, and then each segment is fragmented.
 * Context: any. Borrows: @skb. Return: true when they fit.
 */
bool skb_gso_validate_network_len(const struct sk_buff *skb, u32 mtu)
{
	BUG_ON(!skb_is_gso(skb));
	return skb_gso_network_seglen(skb) <= mtu;
}

/**
 * skb_gso_count() - how many segments a packet stands for. Context: any. Borrows: @skb.
 * Return: 1 for an ordinary packet.
 */
u32 skb_gso_count(const struct sk_buff *skb)
{
	const struct skb_shared_info *si = skb_shinfo(skb);

	return si->gso_size && si->gso_segs ? si->gso_segs : 1;
}

/**
 * skb_wire_len() - the bytes of frames that a packet becomes: what shapers and limits on bytes in flight count.
 * @skb: data at the link header; transport_header set when it is to be cut
 * Context: any. Borrows: @skb. Return: bytes.
 */
u32 skb_wire_len(const struct sk_buff *skb)
{
	u32 headers;

	if (!skb_is_gso(skb))
		return skb->len;
	headers = (u32)skb->transport_header - skb_headroom(skb) + gso_transport_len(skb);
	return skb->len + (skb_gso_count(skb) - 1) * headers;
}

/**
 * netif_skb_features() - what the device can do for this one packet
 * @skb: packet, link header in place
 * @dev: the device it leaves by
 *
 * A device that cuts adds up and gathers as well: without either it cannot cut. The driver may take away more
 * (ndo_features_check).
 *
 * Context: BH off. Borrows: @skb. Return: bits of enum netdev_features.
 */
u32 netif_skb_features(struct sk_buff *skb, struct net_device *dev)
{
	const u32 cuts = NETIF_F_SG | NETIF_F_HW_CSUM;
	u32 features = dev->features;

	if ((features & cuts) != cuts)
		features &= ~(u32)NETIF_F_TSO;
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type != SKB_GSO_TCPV4)
		features &= ~(u32)NETIF_F_TSO;
	if (dev->netdev_ops->ndo_features_check)
		features = dev->netdev_ops->ndo_features_check(skb, dev, features);
	return features;
}
