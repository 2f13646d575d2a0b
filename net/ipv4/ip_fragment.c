// SPDX-License-Identifier: MIT
/*
 * Fragmentation: a datagram larger than the path's MTU leaves in pieces, each with a header of its own.
 *
 * The fast path takes a datagram that was built in pieces of the right size (ip_append.c: a frag_list): it only puts headers in front, and
 * no payload is touched. Everything else goes the slow way: each fragment is a new packet and its payload is copied, once more
 * than anybody would like (skb_stats.copied_frag says how much). Either way the loss of one fragment loses the datagram, so the first error
 * ends it: what is left is dropped, counted IP_FRAG_ABANDONED.
 *
 * TCP does not come here: its segments fit the MTU, and a late one that does not has DF set. A packet that stands for many (gso_size) goes
 * on whole when its segments fit; else it is cut into them first.
 *
 * Interface: ip_fragment(), ip_finish_output_gso() (ipv4.h).
 * Above: ip_output.c, which also says what comes next (@output).  Below: skbuff.c, net/dev/gso.c.
 * Context: BH off; nothing sleeps.
 * Owns: the packet, on every return.
 * Counters: FragCreates per fragment that went down well, FragOKs or FragFails per datagram.
 * Specs: RFC 791 (2.3, 3.2: pieces of 8 bytes; 3.1: which options are copied); RFC 1122 (3.3.3); RFC 1191 (DF); RFC 6864.
 */
#include "ipv4.h"

#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/gso.h>
#include <net/trace.h>

#define IP_MAX_HDR      60u
#define IPOPT_COPIED    0x80 /* this option goes into every fragment */
#define IPOPT_END_KIND  0
#define IPOPT_NOOP_KIND 1

/* What every fragment of a datagram has in common. */
struct frag_plan {
	u8 hdr[IP_MAX_HDR] __aligned(4); /* header of the next fragment, options included */
	u32 hlen;
	u32 room;         /* payload of all fragments but the last: a multiple of 8 */
	u32 headroom;     /* for IP and link header */
	u32 offset;       /* of the next one's payload */
	bool more_behind; /* the datagram is itself a fragment, and not the last */
	struct dst_entry *dst;
	struct net_device *dev;
	u32 priority, mark, id;
};

/* Options of later fragments: those not marked to be copied become NOPs, so that the length of the header stays (RFC 791, 3.1). */
static void frag_options(struct frag_plan *plan)
{
	u8 *opt = plan->hdr + sizeof(struct iphdr);
	u32 left = plan->hlen - (u32)sizeof(struct iphdr);

	while (left) {
		u32 len = 1;

		if (*opt == IPOPT_END_KIND)
			return;
		if (*opt != IPOPT_NOOP_KIND) {
			if (left < 2 || opt[1] < 2 || opt[1] > left)
				return;
			len = opt[1];
			if (!(*opt & IPOPT_COPIED))
				memset(opt, IPOPT_NOOP_KIND, len);
		}
		opt += len;
		left -= len;
	}
}

static void frag_plan_init(struct frag_plan *plan, const struct sk_buff *skb, u32 mtu)
{
	const struct iphdr *iph = ip_hdr(skb);
	u16 frag_off = ntohs(iph->frag_off);

	plan->hlen = ip_hdrlen(iph);
	memcpy(plan->hdr, iph, plan->hlen);
	plan->room = mtu > plan->hlen ? (mtu - plan->hlen) & ~7u : 0;
	plan->headroom = plan->hlen + ALIGN((u32)skb->dev->hard_header_len, 16);
	plan->offset = (frag_off & IP_OFFSET) * 8u;
	plan->more_behind = frag_off & IP_MF;
	plan->dst = skb_dst(skb);
	plan->dev = skb->dev;
	plan->priority = skb->priority;
	plan->mark = skb->mark;
	plan->id = skb->id;
}

/* The header before data of @skb, which may be pushed already; the plan moves on to the next fragment. */
static void frag_header(struct frag_plan *plan, struct sk_buff *skb, bool last)
{
	u32 len = skb->len - plan->hlen;
	struct iphdr *iph = ip_hdr(skb);

	memcpy(iph, plan->hdr, plan->hlen);
	iph->tot_len = htons(skb->len);
	iph->frag_off = htons(plan->offset / 8 | (last && !plan->more_behind ? 0 : IP_MF));
	iph->check = 0;
	iph->check = ip_fast_csum(iph, plan->hlen / 4);
	if (!(ntohs(iph->frag_off) & IP_OFFSET))
		frag_options(plan);
	plan->offset += len;
	trace_at_skb(ip_fragment_made, skb, 0);
}

/* @skb holds the payload of a later fragment: room for its header, and what the stages below ask of a packet. */
static void frag_dress(const struct frag_plan *plan, struct sk_buff *skb)
{
	skb_enter(skb, SKB_STAGE_IP_OUT);
	skb_push(skb, plan->hlen);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, plan->hlen);
	skb_dst_set(skb, dst_hold(plan->dst));
	skb->dev = plan->dev;
	skb->protocol = htons(ETH_P_IP);
	skb->priority = plan->priority;
	skb->mark = plan->mark;
	skb->clone_of = plan->id;
}

/* --- The fast path -------------------------------------------------------------------------------------------------------- */

/* A piece that needs nothing but a header. */
static bool frag_piece_fits(const struct frag_plan *plan, const struct sk_buff *skb, u32 len,
			    bool last)
{
	return len && len <= plan->room && (last || len % 8 == 0) && skb->users == 1 &&
	       !skb_shared_data(skb);
}

static bool frag_list_fits(const struct frag_plan *plan, const struct sk_buff *skb)
{
	const struct sk_buff *p = skb_shinfo(skb)->frag_list;
	u32 behind = 0;

	if (!p)
		return false;
	for (; p; p = p->next) {
		if (!frag_piece_fits(plan, p, p->len, !p->next) || skb_headroom(p) < plan->headroom)
			return false;
		behind += p->len;
	}
	return frag_piece_fits(plan, skb, skb->len - behind - plan->hlen, false);
}

static void frag_abandon(struct sk_buff *list)
{
	while (list) {
		struct sk_buff *next = list->next;

		list->next = NULL;
		kfree_skb_reason(list, SKB_DROP_REASON_IP_FRAG_ABANDONED);
		list = next;
	}
}

/* Headers in front of the pieces, and off they go. Consumes @skb and its list. */
static int frag_fast(struct net *net, struct sk_buff *skb, struct frag_plan *plan,
		     ip_output_fn output) __needs(softirq_ctx)
{
	struct sk_buff *list = skb_take_frag_list(skb);
	int err;

	frag_header(plan, skb, false);
	for (;;) {
		err = output(net, skb);
		if (err)
			break;
		IP_INC_STATS(net, FragCreates);
		skb = list;
		if (!skb)
			return 0;
		list = skb->next;
		skb->next = NULL;
		frag_dress(plan, skb);
		frag_header(plan, skb, !list);
	}
	frag_abandon(list);
	return err;
}

/* --- The slow path --------------------------------------------------------------------------------------------------------- */

/* A packet of its own with @len bytes at @offset of @skb. NULL without memory. */
static struct sk_buff *frag_copy(const struct frag_plan *plan, const struct sk_buff *skb,
				 u32 offset, u32 len)
{
	struct sk_buff *frag = alloc_skb(plan->headroom + len);

	if (!frag)
		return NULL;
	skb_reserve(frag, plan->headroom);
	BUG_ON(skb_copy_bits(skb, offset, skb_put(frag, len), len));
	skb_stats.copied_frag += len;
	if (skb->sk)
		skb_set_owner_w(frag, skb->sk);
	frag_dress(plan, frag);
	return frag;
}

/* Consumes @skb. */
static int frag_slow(struct net *net, struct sk_buff *skb, struct frag_plan *plan,
		     ip_output_fn output) __needs(softirq_ctx)
{
	u32 at = plan->hlen, len;
	int err = 0;

	for (; !err && at < skb->len; at += len) {
		struct sk_buff *frag;

		len = min(plan->room, skb->len - at);
		frag = frag_copy(plan, skb, at, len);
		if (!frag) {
			err = -ENOMEM;
			break;
		}
		frag_header(plan, frag, at + len == skb->len);
		err = output(net, frag);
		if (!err)
			IP_INC_STATS(net, FragCreates);
	}
	if (err)
		kfree_skb_reason(skb, SKB_DROP_REASON_IP_FRAG_ABANDONED);
	else
		consume_skb(skb);
	return err;
}

static int frag_refuse(struct net *net, struct sk_buff *skb, enum skb_drop_reason reason, int err)
{
	IP_INC_STATS(net, FragFails);
	kfree_skb_reason(skb, reason);
	return err;
}

/**
 * ip_fragment() - sends a datagram in pieces of at most @mtu bytes.
 * @skb: data at its complete IP header; route and device set.
 * @output: takes each fragment on; consumes it.
 *
 * Context: BH off. Consumes: @skb.
 * Return: 0; -EMSGSIZE it may not be fragmented (DF, unless ignore_df), or @mtu has no room; -ENOMEM; what @output said of the first
 * fragment that did not go (NET_XMIT_DROP and NET_XMIT_CN are positive): the rest is dropped.
 */
int ip_fragment(struct net *net, struct sk_buff *skb, u32 mtu, ip_output_fn output)
{
	struct frag_plan plan;
	int err;

	trace_fn_skb(ip_fragment, skb, 0);
	if ((ip_hdr(skb)->frag_off & htons(IP_DF)) && !skb->ignore_df)
		return frag_refuse(net, skb, SKB_DROP_REASON_PKT_TOO_BIG, -EMSGSIZE);
	/* The checksum lies in the first fragment and is the sum of all: no device below could complete it. */
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		return frag_refuse(net, skb, SKB_DROP_REASON_NOMEM, -ENOMEM);
	frag_plan_init(&plan, skb, mtu);
	if (!plan.room)
		return frag_refuse(net, skb, SKB_DROP_REASON_PKT_TOO_BIG, -EMSGSIZE);
	(void)dst_hold(plan.dst);
	err = frag_list_fits(&plan, skb) ? frag_fast(net, skb, &plan, output)
					 : frag_slow(net, skb, &plan, output);
	dst_release(plan.dst);
	if (err)
		IP_INC_STATS(net, FragFails);
	else
		IP_INC_STATS(net, FragOKs);
	return err;
}

/**
 * ip_finish_output_gso() - sends a packet that stands for many: as it is when each of those fits into @mtu, else one by one.
 * @skb: data at its complete IP header, gso_size set; route and device set.
 * @output: as ip_fragment()'s.
 *
 * Segments that are too large all the same are fragmented, or refused with DF.
 * Context: BH off. Consumes: @skb.
 * Return: 0; -ENOMEM; -EINVAL it cannot be cut; the first error of its segments, all of which were tried.
 */
int ip_finish_output_gso(struct net *net, struct sk_buff *skb, u32 mtu, ip_output_fn output)
{
	struct sk_buff *segs;
	int err = 0;

	if (likely(skb_gso_validate_network_len(skb, mtu)))
		return output(net, skb);
	segs = skb_gso_segment(skb, 0); /* no offload: they may have to be cut once more */
	if (IS_ERR(segs))
		return frag_refuse(net, skb, SKB_DROP_REASON_SKB_GSO_SEG, (int)PTR_ERR(segs));
	consume_skb(skb);
	while (segs) {
		struct sk_buff *seg = segs;
		int rc;

		segs = seg->next;
		seg->next = NULL;
		rc = seg->len > mtu ? ip_fragment(net, seg, mtu, output) : output(net, seg);
		err = err ? err : rc;
	}
	return err;
}
