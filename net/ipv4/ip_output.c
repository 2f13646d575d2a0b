// SPDX-License-Identifier: MIT
/*
 * IPv4 output: a transport's packet gets its route and header, and goes to the neighbour. The stages, each with its counter:
 *
 *   ip_queue_xmit / ip_build_and_send_pkt / ip_send_skb    route, header, identification     OutNoRoutes, OutDiscards, FragFails
 *     -> ip_local_out                                      total length, header checksum
 *     [LOCAL_OUT]                                          the filters' first look           NETFILTER_DROP
 *       -> dst->output = ip_output                         device, protocol                  OutRequests, OutOctets
 *                        ip_mc_output                      the same for groups and broadcasts, and a copy for ourselves
 *       [POST_ROUTING]                                     and their last, before cutting
 *         -> ip_finish_output                              fits the path MTU, or ip_fragment FragOKs, FragCreates, FragFails
 *           -> ip_finish_output2                           headroom, next hop                OutMcastPkts, OutBcastPkts, ...
 *             -> neigh_output                              net/neigh
 *
 * Identification (RFC 6864): a connected socket counts for itself from a random start; a datagram that may not be fragmented and
 * has no connection carries 0; the rest take numbers from a bucket chosen by a keyed hash of addresses and protocol, advanced by
 * a random amount for the time since, so that nobody can count our packets to others.
 *
 * A socket keeps the route of its peer: one lookup serves it until something changes (__sk_dst_check()).
 *
 * Interface: <net/ip.h>.
 * Above: TCP, UDP, ICMP, raw and ping sockets.  Below: route.c, ip_options.c, igmp.c, net/neigh, the backlog of net/dev (our own copy).
 * Context: process (BH is taken off inside) and softirq; nothing sleeps.
 * Owns: the packet from entry on; every stage consumes it.
 * Specs: RFC 791; RFC 1122 (3.2.1, 3.3.7); RFC 6864 (4); RFC 1191 (DF); RFC 1112 (6.1, 7.1).
 */
#include "ipv4.h"

#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/neighbour.h>
#include <net/netfilter.h>

/* --- Identification ------------------------------------------------------------------------------------------------- */

static u16 ip_ident_reserve(struct net *net, __be32 saddr, __be32 daddr, u8 protocol, u32 segs)
{
	u32 tuple[3] = { (__force u32)saddr, (__force u32)daddr, protocol };
	u64 hash = siphash(tuple, sizeof(tuple), &net->hash_key);
	struct ip_ident *id = &net->ipv4->ident[hash % IP_IDENT_BUCKETS];
	u32 now = jiffies_ms();
	u32 idle = (now - id->stamp_ms) / 4; /* in ticks of 4 ms, as the steps elsewhere */

	id->next += segs + (idle ? get_random_below(idle) : 0);
	id->stamp_ms = now;
	/* The bucket's own secret offset per tuple: equal buckets do not show equal numbers. */
	return (u16)(id->next - segs + (u32)(hash >> 32));
}

/* A connected socket's own sequence. */
static u16 ip_sock_ident(struct sock *sk, const struct sk_buff *skb)
{
	u16 segs = skb_shinfo(skb)->gso_segs;
	u16 id = sk->inet_id;

	sk->inet_id = (u16)(id + (segs ? segs : 1));
	return id;
}

/* --- Stages ------------------------------------------------------------------------------------------------------------ */

static void ip_account_cast(struct net *net, const struct sk_buff *skb, u8 rt_type)
{
	if (rt_type == RTN_MULTICAST) {
		IPEXT_INC_STATS(net, OutMcastPkts);
		IPEXT_ADD_STATS(net, OutMcastOctets, skb->len);
	} else if (rt_type == RTN_BROADCAST) {
		IPEXT_INC_STATS(net, OutBcastPkts);
		IPEXT_ADD_STATS(net, OutBcastOctets, skb->len);
	}
}

/* Headroom for the link header, then the neighbour of the next hop. */
static int ip_finish_output2(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	const struct rtable *rt = dst_rtable(skb_dst(skb));
	struct net_device *dev = skb->dev;
	struct neighbour *n;
	int rc;

	trace_fn_skb(ip_finish_output2, skb, 0);
	ip_account_cast(net, skb, rt->rt_type);
	if (dev->header_ops) {
		u32 need = ALIGN((u32)dev->hard_header_len, 16);

		if (unlikely(skb_headroom(skb) < need) && pskb_expand_head(skb, need, 0) < 0) {
			kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
			return -ENOMEM;
		}
	}
	n = neigh_lookup_create(net, rt_nexthop(rt, ip_hdr(skb)->daddr), dev);
	if (IS_ERR(n)) {
		rc = (int)PTR_ERR(n);
		pr_warn_ratelimited("ip: %s: no neighbour entry: %d\n", dev->name, rc);
		kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_CREATEFAIL);
		return rc;
	}
	/* TCP saw this connection move since its last packet: the neighbour need not be asked. */
	if (skb->dst_pending_confirm) {
		skb->dst_pending_confirm = 0;
		neigh_confirm(net, rt_nexthop(rt, ip_hdr(skb)->daddr), dev);
	}
	rc = neigh_output(n, skb);
	neigh_release(n);
	return rc;
}

/* The last look at the size. A packet that is to be cut below is measured by its segments; one built in pieces leaves in pieces. */
static int ip_finish_output(struct net *net, struct sock *sk, struct sk_buff *skb)
	__needs(softirq_ctx)
{
	u32 mtu = ip_skb_dst_mtu(sk, skb);

	trace_fn_skb(ip_finish_output, skb, 0);
	if (skb_is_gso(skb))
		return ip_finish_output_gso(net, skb, mtu, ip_finish_output2);
	if (unlikely(skb->len > mtu || skb_has_frag_list(skb)))
		return ip_fragment(net, skb, mtu, ip_finish_output2);
	return ip_finish_output2(net, skb);
}

/* Counts a datagram once, whatever becomes of it below, and says where it leaves. */
static void ip_output_begin(struct net *net, struct sk_buff *skb)
{
	IP_INC_STATS(net, OutRequests);
	IPEXT_ADD_STATS(net, OutOctets, skb->len);
	skb->dev = skb_dst(skb)->dev;
	skb->protocol = htons(ETH_P_IP);
}

/**
 * ip_output() - dst->output of routes to one host.
 * Context: BH off. Consumes @skb.
 * Return: as neigh_output(); -EMSGSIZE larger than the path MTU, and DF; -ENOMEM; no neighbour entry: as neigh_create().
 */
int ip_output(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	trace_fn_skb(ip_output, skb, 0);
	ip_output_begin(net, skb);
	trace_at_skb(nf_post_routing, skb, 0);
	return NF_HOOK(NF_INET_POST_ROUTING, net, sk, skb, NULL, skb->dev, ip_finish_output);
}

/* A copy comes in again by the same device. Without memory the members here miss it, as if the wire had lost it. */
static void ip_loop_back(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct sk_buff *copy = skb_clone(skb);

	if (!copy) {
		IP_INC_STATS(net, InDiscards);
		return;
	}
	copy->pkt_type = PACKET_LOOPBACK;
	copy->ip_summed = CHECKSUM_UNNECESSARY; /* it never leaves this memory */
	(void)netif_rx(copy);
}

/* The filters have seen it: a copy for the members here, and out unless it is to stay. */
static int ip_mc_finish_output(struct net *net, struct sock *sk, struct sk_buff *skb)
	__needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (dst_rtable(skb_dst(skb))->rt_type == RTN_BROADCAST ||
	    ((!sk || sk->inet_mc_loop) &&
	     ip_check_mc(skb->dev, iph->daddr, iph->saddr, iph->protocol)))
		ip_loop_back(net, skb);
	if (ip_hdr(skb)->ttl == 0) {
		consume_skb(skb);
		return 0;
	}
	return ip_finish_output(net, sk, skb);
}

/**
 * ip_mc_output() - dst->output of routes to groups and broadcasts: out, and a copy for the members here (RFC 1112, 6.1).
 *
 * A broadcast always comes back; a group's datagram when somebody here is a member and the sender has not switched that off
 * (IP_MULTICAST_LOOP). With TTL 0 it stays on this host.
 * Context: BH off. Consumes @skb.
 * Return: as ip_output(); 0 when it stays here.
 */
int ip_mc_output(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	trace_fn_skb(ip_mc_output, skb, 0);
	ip_output_begin(net, skb);
	trace_at_skb(nf_post_routing, skb, 0);
	return NF_HOOK(NF_INET_POST_ROUTING, net, sk, skb, NULL, skb->dev, ip_mc_finish_output);
}

static int dst_output(struct net *net, struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx)
{
	return skb_dst(skb)->output(net, sk, skb);
}

/* The header is complete but for length and checksum. Consumes. */
static int ip_local_out(struct net *net, struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct iphdr *iph = ip_hdr(skb);

	trace_fn_skb(ip_local_out, skb, 0);
	if (unlikely(skb->len > IP_MAX_MTU)) {
		IP_INC_STATS(net, FragFails);
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return -EMSGSIZE;
	}
	iph->tot_len = htons(skb->len);
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ver_ihl & 0x0f);
	trace_at_skb(nf_local_out, skb, 0);
	return NF_HOOK(NF_INET_LOCAL_OUT, net, sk, skb, NULL, skb_dst(skb)->dev, dst_output);
}

struct ip_params {
	__be32 saddr, daddr;          /* daddr: the real destination */
	const struct ip_options *opt; /* NULL: none */
	u16 id;
	u8 ttl, tos, protocol;
	bool df;
};

/* The options, before the header is pushed. The transport need not have left room for them. 0; -ENOMEM and @skb is gone. */
static int ip_push_options(struct sk_buff *skb, const struct ip_params *p)
{
	u32 room = LL_MAX_HEADER + (u32)sizeof(struct iphdr) + p->opt->optlen;

	if (skb_cow_head(skb, room) < 0) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return -ENOMEM;
	}
	ip_options_build(p->opt, skb_push(skb, p->opt->optlen), p->saddr, p->daddr);
	return 0;
}

/* Pushes options and the 20 bytes; the transport left headroom for these (asserted by skb_push). 0; -ENOMEM and @skb is gone. */
static int ip_push_header(struct sk_buff *skb, const struct ip_params *p)
{
	u32 optlen = p->opt ? p->opt->optlen : 0;
	struct iphdr *iph;

	if (unlikely(optlen) && ip_push_options(skb, p) < 0)
		return -ENOMEM;
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	iph->ver_ihl = (u8)(0x45 + optlen / 4);
	iph->tos = p->tos;
	iph->id = htons(p->id);
	iph->frag_off = p->df ? htons(IP_DF) : 0;
	iph->ttl = p->ttl;
	iph->protocol = p->protocol;
	iph->saddr = p->saddr;
	iph->daddr = unlikely(optlen) && p->opt->srr ? p->opt->faddr : p->daddr;
	return 0;
}

/* --- The socket's route ---------------------------------------------------------------------------------------------------- */

/**
 * __sk_dst_check() - the route cached in @sk, if it is still good; a stale one is dropped.
 *
 * Good: nothing changed in the table since it was looked up, its entry is there, and a path MTU that was learned has not expired.
 * Context: BH off, or the owner.
 * Return: the route, borrowed from the socket, or NULL.
 */
struct dst_entry *__sk_dst_check(struct sock *sk)
{
	struct dst_entry *dst = sk->sk_dst_cache;

	if (!dst || likely(sk->sk_dst_gen == sk->sk_net->rt_genid && !dst->obsolete &&
			   (!dst->expires_ns || ktime_get_ns() < dst->expires_ns)))
		return dst;
	sk_dst_set(sk, NULL);
	return NULL;
}

/**
 * ip_route_connect_sk() - looks the route of a connected socket up and caches it.
 *
 * A source address that is not chosen yet (inet_saddr, sk_rcv_saddr 0) is taken from the route. With a source route in its
 * options the way is that of the first hop.
 * Context: BH off, or the owner.
 * Return: 0; what ip_route_output_key() says. The caller counts OutNoRoutes.
 */
int ip_route_connect_sk(struct sock *sk)
{
	struct flowi4 fl = {
		.daddr = ip_sk_first_hop(sk, sk->sk_daddr),
		.saddr = sk->inet_saddr,
		.oif = sk->sk_bound_dev_if,
		.flowi4_proto = (u8)sk->sk_protocol,
		.flowi4_tos = sk->inet_tos,
		.anysrc = ip_sk_anysrc(sk, sk->inet_saddr),
		.onlink = sock_flag(sk, SOCK_LOCALROUTE),
	};
	struct rtable *rt;

	if (sk->sk_type != SOCK_STREAM)
		ip_sk_flow_dev(sk, &fl);
	rt = ip_route_output_key(sk->sk_net, &fl);
	if (IS_ERR(rt))
		return (int)PTR_ERR(rt);
	if (!sk->inet_saddr)
		sk->inet_saddr = fl.saddr;
	if (!sk->sk_rcv_saddr)
		sk->sk_rcv_saddr = fl.saddr;
	sk_dst_set(sk, &rt->dst);
	return 0;
}

/**
 * ip_sk_dst() - the route of a connected socket: the cached one while it is good, else a new one.
 * Context: BH off, or the owner.
 * Return: the route, borrowed from the socket; NULL without a peer or a route.
 */
struct dst_entry *ip_sk_dst(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_check(sk);

	if (likely(dst) || !sk->sk_daddr || ip_route_connect_sk(sk) < 0)
		return dst;
	return sk->sk_dst_cache;
}

/**
 * ip_sk_update_pmtu() - "fragmentation needed" about a packet of @sk to @daddr, which the protocol found true.
 * Context: BH off. Nothing is learned by a socket that ignores routers (IP_PMTUDISC_INTERFACE, IP_PMTUDISC_OMIT).
 */
void ip_sk_update_pmtu(struct sock *sk, __be32 daddr, u32 mtu)
{
	if (ip_sk_accept_pmtu(sk))
		ip_update_pmtu(sk->sk_net, ip_sk_first_hop(sk, daddr), sk->sk_bound_dev_if, mtu);
}

/**
 * ip_sk_flow_dev() - the device of a datagram to @fl's destination, where the socket named one without being bound to it.
 * Context: BH off, or the owner.
 */
void ip_sk_flow_dev(const struct sock *sk, struct flowi4 *fl)
{
	const struct inet_ext *ext = sk->inet_ext;

	if (likely(!ext) || fl->oif)
		return;
	if (!ipv4_is_multicast(fl->daddr)) {
		fl->oif = ext->uc_index;
		return;
	}
	fl->oif = ext->mc_index;
	if (!fl->saddr)
		fl->saddr = ext->mc_addr;
}

/**
 * ip_sk_ttl() - the time to live of a datagram of @sk by @rt.
 * Context: BH off, or the owner. Return: 0 (groups: stays on this host) to 255.
 */
u8 ip_sk_ttl(const struct sock *sk, const struct rtable *rt)
{
	if (rt->rt_type == RTN_MULTICAST)
		return sk->inet_mc_ttl;
	return sk->inet_ttl > 0 ? (u8)sk->inet_ttl : sk->sk_net->ip_default_ttl;
}

/* --- Entries ------------------------------------------------------------------------------------------------------------------- */

static int ip_no_route(struct net *net, struct sk_buff *skb)
{
	IP_INC_STATS(net, OutNoRoutes);
	kfree_skb_reason(skb, SKB_DROP_REASON_NO_ROUTE);
	return -EHOSTUNREACH;
}

static int ip_queue_xmit_bh(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct net *net = sk->sk_net;
	struct ip_params p = {
		.saddr = sk->inet_saddr,
		.daddr = sk->sk_daddr,
		.ttl = sk->inet_ttl > 0 ? (u8)sk->inet_ttl : net->ip_default_ttl,
		.tos = (u8)(sk->inet_tos | (skb->ecn_ect ? INET_ECN_ECT_0 : 0)),
		.protocol = (u8)sk->sk_protocol,
		.opt = ip_sk_options(sk),
	};

	if (!skb_dst(skb)) { /* a packet may come with its own */
		struct dst_entry *dst = ip_sk_dst(sk);

		if (!dst)
			return ip_no_route(net, skb);
		p.saddr = sk->inet_saddr;
		/* Borrowed: the socket keeps the route while BH is off; a queue below counts it if it must wait. */
		skb_dst_set_noref(skb, dst);
	}
	if (unlikely(!ip_sk_strict_ok(sk, dst_rtable(skb_dst(skb)))))
		return ip_no_route(net, skb);
	p.df = !skb->ignore_df && ip_dont_fragment(sk, skb_dst(skb));
	p.id = ip_sock_ident(sk, skb);
	if (ip_push_header(skb, &p) < 0)
		return -ENOMEM;
	skb->priority = sk->sk_priority;
	skb->mark = sk->sk_mark;
	return ip_local_out(net, sk, skb);
}

/**
 * ip_queue_xmit() - the way down of a connected socket (TCP).
 *
 * data stands at the transport header, with headroom for 20 bytes and the link header. The socket's cached route is used, and
 * looked up when it is missing or obsolete.
 * Context: process, softirq. Consumes @skb.
 * Return: 0; NET_XMIT_DROP, NET_XMIT_CN (positive: TCP tells congestion from error); -EHOSTUNREACH no route; -EMSGSIZE,
 * -ENOMEM, -EINVAL, -ENETDOWN of the stages below.
 */
int ip_queue_xmit(struct sock *sk, struct sk_buff *skb)
{
	int rc;

	trace_fn_skb(ip_queue_xmit, skb, 0);
	skb_enter(skb, SKB_STAGE_IP_OUT);
	local_bh_disable();
	rc = ip_queue_xmit_bh(sk, skb);
	local_bh_enable();
	return rc;
}

/**
 * ip_build_and_send_pkt() - a TCP packet without a full socket: SYN-ACK, RST, ACK of a TIME-WAIT.
 *
 * The identification is 0 and DF set: the packet is atomic (RFC 6864, 4.1). @opt: its IP options, or NULL. @ttl 0 means the default. @oif 0: any device.
 * Context: process, softirq. Consumes @skb.
 * Return: as ip_queue_xmit().
 */
int ip_build_and_send_pkt(struct net *net, struct sk_buff *skb, __be32 saddr, __be32 daddr,
			  u8 protocol, u8 ttl, u8 tos, u32 oif, const struct ip_options *opt)
{
	struct flowi4 fl = {
		.daddr = ip_first_hop(opt, daddr),
		.saddr = saddr,
		.oif = oif,
		.flowi4_proto = protocol,
		.flowi4_tos = tos,
	};
	struct ip_params p = {
		.ttl = ttl ? ttl : net->ip_default_ttl,
		.tos = tos,
		.protocol = protocol,
		.opt = opt,
		.df = true,
	};
	struct rtable *rt;
	int rc;

	trace_fn_skb(ip_build_and_send_pkt, skb, 0);
	skb_enter(skb, SKB_STAGE_IP_OUT);
	local_bh_disable();
	rt = ip_route_output_key(net, &fl);
	if (IS_ERR(rt)) {
		rc = ip_no_route(net, skb);
		goto out;
	}
	skb_dst_drop(skb);
	skb_dst_set(skb, &rt->dst);
	p.saddr = fl.saddr;
	p.daddr = opt ? daddr : fl.daddr;
	if (unlikely(!ip_strict_ok(opt, rt))) {
		rc = ip_no_route(net, skb);
		goto out;
	}
	rc = ip_push_header(skb, &p);
	if (rc)
		IP_INC_STATS(net, OutDiscards);
	else
		rc = ip_local_out(net, skb->sk, skb);
out:
	local_bh_enable();
	return rc;
}

static u16 ip_datagram_ident(struct net *net, struct sock *sk, const struct sk_buff *skb,
			     const struct flowi4 *fl, bool df)
{
	if (sk && sk->sk_daddr)
		return ip_sock_ident(sk, skb);
	if (df)
		return 0;
	return ip_ident_reserve(net, fl->saddr, fl->daddr, fl->flowi4_proto, 1);
}

/**
 * ip_send_skb() - ip_send_skb_options() with the options of the socket.
 * Context: process, softirq. Consumes @skb. Return: the same.
 */
int ip_send_skb(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		const struct flowi4 *fl, u8 ttl, bool df)
{
	return ip_send_skb_options(net, sk, skb, rt, fl, NULL, ttl, df);
}

/**
 * ip_send_skb_options() - the way down of a datagram (UDP, ICMP).
 * @sk: who sends, for identification, priority and mark; NULL for the stack itself.
 * @rt: its reference moves in, on every return.
 * @fl: addresses, protocol and type of service of the header; daddr the real destination, also with a source route.
 * @opt: IP options of its own; NULL: the socket's.
 * @ttl: 0 means the default; of a socket's datagram to a group, that it stays on this host.
 *
 * Datagrams above the path MTU leave in fragments, unless @df forbids it.
 * Context: process, softirq. Consumes @skb.
 * Return: 0 (NET_XMIT_CN included); -ENOBUFS dropped by a queue below; -EHOSTUNREACH a strict source route and a router before
 * its first hop (OutNoRoutes); -EMSGSIZE; -ENOMEM, -EINVAL, -ENETDOWN. Every error but that one counts OutDiscards, -EMSGSIZE also
 * FragFails.
 */
int ip_send_skb_options(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt,
			const struct flowi4 *fl, const struct ip_options *opt, u8 ttl, bool df)
{
	struct ip_params p = {
		.saddr = fl->saddr,
		.daddr = fl->daddr,
		.ttl = ttl || (sk && rt->rt_type == RTN_MULTICAST) ? ttl : net->ip_default_ttl,
		.tos = fl->flowi4_tos,
		.protocol = fl->flowi4_proto,
		.opt = opt || !sk ? opt : ip_sk_options(sk),
		.df = df,
	};
	int rc;

	trace_fn_skb(ip_send_skb, skb, 0);
	skb_enter(skb, SKB_STAGE_IP_OUT);
	local_bh_disable();
	skb_dst_set(skb, &rt->dst);
	if (unlikely(!ip_strict_ok(p.opt, rt))) {
		rc = ip_no_route(net, skb);
		goto out;
	}
	p.id = ip_datagram_ident(net, sk, skb, fl, df);
	rc = ip_push_header(skb, &p);
	if (rc)
		goto discard;
	if (sk) {
		skb->priority = fl->flowi4_tos == sk->inet_tos ? sk->sk_priority
							       : rt_tos2priority(fl->flowi4_tos);
		skb->mark = sk->sk_mark;
	}
	rc = ip_local_out(net, sk, skb);
	if (rc > 0)
		rc = net_xmit_errno(rc);
discard:
	if (rc)
		IP_INC_STATS(net, OutDiscards);
out:
	local_bh_enable();
	return rc;
}

/**
 * ip_send_hdrincl() - the way down of a packet whose IP header an application wrote (raw sockets).
 * @rt: its reference moves in.
 *
 * network_header and data stand at that header; its length lies within the linear data. Filled in: total length, checksum, and
 * the identification when it is 0.
 * Context: BH off. Consumes @skb.
 * Return: as ip_send_skb().
 */
int ip_send_hdrincl(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt)
{
	struct iphdr *iph = ip_hdr(skb);
	int rc;

	skb_enter(skb, SKB_STAGE_IP_OUT);
	skb_dst_set(skb, &rt->dst);
	if (!iph->id)
		iph->id = htons(ip_ident_reserve(net, iph->saddr, iph->daddr, iph->protocol, 1));
	skb->priority = sk->sk_priority;
	skb->mark = sk->sk_mark;
	rc = ip_local_out(net, sk, skb);
	if (rc > 0)
		rc = net_xmit_errno(rc);
	if (rc)
		IP_INC_STATS(net, OutDiscards);
	return rc;
}
