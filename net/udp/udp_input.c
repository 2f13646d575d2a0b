// SPDX-License-Identifier: MIT
/*
 * UDP, up: from IP to the application.
 *
 * Length and checksum are verified in softirq, so that nobody wakes for a broken datagram; then it waits on the receive queue with
 * data at its payload and its headers still in front. A broadcast or a datagram to a group goes to every socket that it concerns.
 * ICMP errors find the socket whose datagram they quote.
 *
 * Interface: udp_internal.h (udp_recvmsg, udp_protocol).
 * Above: net/socket, by struct proto.  Below: net/ipv4's datagram.c and ip_cmsg.c, icmp.c; net/core's port table and datagram.c.
 * Context: process (udp_recvmsg; with MSG_DONTWAIT also softirq); softirq (the rest).
 * Owns: datagrams on receive queues (charged to sk_rmem_alloc).
 * Specs: RFC 768; RFC 1122 (4.1); POSIX.1-2008 for the calls.
 */
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/icmp.h>
#include <net/inet_hashtables.h>

#include "udp_internal.h"

/* --- The application's side --------------------------------------------------------------------------------------------- */

static void udp_fill_name(struct msghdr *msg, const struct sk_buff *skb)
{
	struct sockaddr_in *sin = msg->msg_name;

	if (!sin)
		return;
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = udp_hdr(skb)->source;
	sin->sin_addr = ip_hdr(skb)->saddr;
	msg->msg_namelen = sizeof(*sin);
}

/**
 * udp_recvmsg() - proto.recvmsg: one datagram, who sent it and what the socket wants to know about it; with MSG_ERRQUEUE one error.
 * Context: process; softirq with MSG_DONTWAIT.
 * MSG_OOB means nothing here.
 * Return: its length as skb_copy_datagram_msg(); 0 after shutdown; -EAGAIN; -EFAULT; or the error an ICMP message left.
 */
ssize_t udp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags)
{
	struct sk_buff *skb;
	ssize_t ret;
	int err;

	if (flags & MSG_ERRQUEUE)
		return ip_recv_error(sk, msg, len);
	skb = skb_recv_datagram(sk, flags, &err);
	if (!skb)
		return err;
	udp_fill_name(msg, skb);
	ip_cmsg_recv(sk, msg, skb, *ip4_datagram_iif(skb));
	ret = skb_copy_datagram_msg(skb, msg, len, flags);
	if (ret >= 0 && !(flags & MSG_PEEK))
		UDP_INC_STATS(sk->sk_net, InDatagrams);
	return ret;
}

/* --- From IP --------------------------------------------------------------------------------------------------------------- */

/* Consumes @skb: data at the UDP header, verified. BH off. */
static void udp_queue_rcv(struct net *net, struct sock *sk, struct sk_buff *skb)
	__needs(softirq_ctx)
{
	skb_pull(skb, sizeof(struct udphdr));
	if (ip4_datagram_queue_rcv(sk, skb))
		return;
	UDP_INC_STATS(net, RcvbufErrors);
	UDP_INC_STATS(net, InErrors);
}

struct udp_flood {
	struct net *net;
	struct sk_buff *skb;
	u32 copies;
};

/* A copy for each socket that a broadcast or multicast concerns. */
static bool udp_flood_one(struct sock_common *skc, void *arg) __needs(softirq_ctx)
{
	struct udp_flood *f = arg;
	struct sock *sk = container_of(skc, struct sock, __sk_common);
	const struct iphdr *iph = ip_hdr(f->skb);
	const struct udphdr *uh = udp_hdr(f->skb);
	struct sk_buff *copy;

	if (skc->skc_num != ntohs(uh->dest) ||
	    (skc->skc_rcv_saddr && skc->skc_rcv_saddr != iph->daddr) ||
	    (skc->skc_daddr && skc->skc_daddr != iph->saddr) ||
	    (skc->skc_dport && skc->skc_dport != uh->source) ||
	    (skc->skc_bound_dev_if && skc->skc_bound_dev_if != f->skb->dev->ifindex))
		return false;
	if (!ip_mc_sf_allow(sk, iph->daddr, iph->saddr, f->skb->dev->ifindex))
		return false;
	f->copies++;
	copy = skb_clone(f->skb);
	if (copy)
		udp_queue_rcv(f->net, sk, copy);
	else
		UDP_INC_STATS(f->net, MemErrors);
	return false;
}

static void udp_flood_rcv(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct udp_flood f = { .net = net, .skb = skb };

	inet_hash_for_each(net->udp->hash, udp_flood_one, &f);
	if (f.copies) {
		consume_skb(skb);
		return;
	}
	UDP_INC_STATS(net, IgnoredMulti);
	kfree_skb_reason(skb, SKB_DROP_REASON_NO_SOCKET);
}

/* Length and checksum (0: the sender made none). NR_DROP_REASONS: sound, cut to its length. */
static enum skb_drop_reason udp_check(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 ulen;

	if (!pskb_may_pull(skb, sizeof(struct udphdr)))
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	iph = ip_hdr(skb);
	ulen = ntohs(udp_hdr(skb)->len);
	if (ulen < sizeof(struct udphdr) || ulen > skb->len)
		return SKB_DROP_REASON_UDP_LENGTH;
	if (pskb_trim(skb, ulen) < 0) {
		UDP_INC_STATS(net, MemErrors);
		return SKB_DROP_REASON_NOMEM;
	}
	if (!udp_hdr(skb)->check || skb->ip_summed != CHECKSUM_NONE)
		return NR_DROP_REASONS;
	if (csum_fold(skb_checksum(
		    skb, 0, ulen,
		    csum_tcpudp_nofold(iph->saddr, iph->daddr, ulen, IPPROTO_UDP, 0)))) {
		UDP_INC_STATS(net, InCsumErrors);
		return SKB_DROP_REASON_UDP_CSUM;
	}
	return NR_DROP_REASONS;
}

/* The protocol handler. Consumes @skb: data at the UDP header. */
static void udp_rcv(struct sk_buff *skb) __needs(softirq_ctx)
{
	struct net *net = skb->dev->net;
	enum skb_drop_reason reason = udp_check(net, skb);
	const struct udphdr *uh;
	const struct iphdr *iph;
	enum rtn_type type;
	struct sock *sk;

	trace_fn_skb(udp_rcv, skb, 0);
	if (reason != NR_DROP_REASONS) {
		UDP_INC_STATS(net, InErrors);
		kfree_skb_reason(skb, reason);
		return;
	}
	iph = ip_hdr(skb);
	uh = udp_hdr(skb);
	type = inet_addr_type(net, iph->daddr);
	if (type == RTN_BROADCAST || type == RTN_MULTICAST) {
		udp_flood_rcv(net, skb);
		return;
	}
	sk = inet_lookup_dgram(net->udp->hash, iph->saddr, uh->source, iph->daddr, ntohs(uh->dest),
			       skb->dev->ifindex);
	if (sk) {
		udp_queue_rcv(net, sk, skb);
		return;
	}
	UDP_INC_STATS(net, NoPorts);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	kfree_skb_reason(skb, SKB_DROP_REASON_NO_SOCKET);
}

/* The protocol's ear for errors. @skb: ip_hdr() quoted, data at the quoted UDP header. */
static void udp_err(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct udphdr *uh = (const struct udphdr *)(const void *)skb->data;
	struct net *net = skb->dev->net;
	struct sock *sk;

	BUG_ON(type == ICMP_DEST_UNREACH && code >= NR_ICMP_UNREACH);
	/* Seen from our socket: the quoted destination is the peer. */
	sk = inet_lookup_dgram(net->udp->hash, iph->daddr, uh->dest, iph->saddr, ntohs(uh->source),
			       skb->dev->ifindex);
	if (!sk) {
		ICMP_INC_STATS(net, InErrors);
		return;
	}
	ip4_datagram_error(sk, skb,
			   &(struct ip_icmp_news){ .type = type,
						   .code = code,
						   .info = info,
						   .port = uh->dest,
						   .payload = sizeof(*uh) });
}

const struct net_protocol udp_protocol = { .handler = udp_rcv, .err_handler = udp_err };
