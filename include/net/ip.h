/* SPDX-License-Identifier: MIT */
/* IPv4 in and out. */
#ifndef NET_IP_H
#define NET_IP_H
#include <lib/capability.h>
#include <net/netdevice.h>
#include <net/route.h>
#include <net/sock.h>

struct net_protocol {
	/* Consumes @skb: data at the transport header, transport_header set, length cut to the datagram. Softirq. */
	void (*handler)(struct sk_buff *skb);
	/*
	 * An ICMP error about a packet of ours: ip_hdr(skb) is the quoted IP header, data at its first transport byte, at least 8
	 * bytes there. @info: MTU for frag needed. Does not consume. Softirq.
	 */
	void (*err_handler)(struct sk_buff *skb, u8 type, u8 code, u32 info);
};

int ip_init(struct net *net); /* protocol table, ETH_P_IP receiver, ids; 0, -ENOMEM, -ENOSPC */
void ip_exit(struct net *net);
int inet_add_protocol(struct net *net, u8 protocol,
		      const struct net_protocol *prot); /* 0, -EEXIST */

/*
 * TCP's way down: route of the socket (looked up and cached when missing), IP header, out. data at the transport header,
 * headroom for 20 + link. Consumes @skb. 0, NET_XMIT_DROP/CN (positive), -EHOSTUNREACH no route, -ENOMEM. BH off or process.
 */
int ip_queue_xmit(struct sock *sk, struct sk_buff *skb);
SKB_CONSUMER(ip_queue_xmit, 2);
/* The same without a full socket (SYN-ACK, RST, TIME-WAIT ACK): addresses given, route looked up here. */
int ip_build_and_send_pkt(struct net *net, struct sk_buff *skb, __be32 saddr, __be32 daddr,
			  u8 protocol, u8 ttl, u8 tos, u32 oif);
SKB_CONSUMER(ip_build_and_send_pkt, 2);
/*
 * UDP's and ICMP's way down: @rt's reference moves in, header built from @fl, DF when @df says so. Larger than the MTU: fragments, or
 * -EMSGSIZE with DF (but see skb->ignore_df). Consumes @skb. Result of ip_local_out mapped by net_xmit_errno: 0, -ENOBUFS, -EMSGSIZE, -ENOMEM.
 */
int ip_send_skb(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		const struct flowi4 *fl, u8 ttl, bool df);
SKB_CONSUMER(ip_send_skb, 3);
/* IP_MTU_DISCOVER of the sender: may it be fragmented here, whatever the header's DF says to others? */
static inline bool ip_sk_ignore_df(const struct sock *sk)
{
	return sk->inet_pmtudisc < IP_PMTUDISC_DO || sk->inet_pmtudisc == IP_PMTUDISC_OMIT;
}

/* Does what ICMP said of the path count for it? */
static inline bool ip_sk_use_pmtu(const struct sock *sk)
{
	return sk->inet_pmtudisc < IP_PMTUDISC_PROBE;
}

/* The largest packet to @dst without fragments; @sk may be NULL. */
static inline u32 ip_dst_mtu_of(const struct sock *sk, const struct dst_entry *dst)
{
	return sk && !ip_sk_use_pmtu(sk) ? dst->dev->mtu : dst->mtu;
}

static inline u32 ip_skb_dst_mtu(const struct sock *sk, const struct sk_buff *skb)
{
	return ip_dst_mtu_of(sk, skb_dst(skb));
}

/* --- Building datagrams (net/ipv4/ip_append.c) --------------------------------------------------------------------------- */
/* A datagram that is being built. */
struct ip_cork {
	struct rtable *rt; /* counted */
	struct flowi4 fl;
	u32 mtu;      /* the largest packet without fragments */
	u32 hdrlen;   /* of IP's header, options included */
	u32 length;   /* bytes so far, the transport's header included */
	u16 gso_size; /* payload of each datagram that it stands for; 0: it is one */
	__be16 dport; /* the transport's */
	u8 ttl;
};
/* What one datagram wants otherwise than its socket. */
struct ipcm {
	__be32 saddr; /* 0: the socket's */
	u32 oif;
	s16 tos;
	u8 ttl;       /* 0: the socket's */
	u16 gso_size; /* UDP_SEGMENT */
};
int ip_append_data(struct sock *sk, struct sk_buff_head *q, struct ip_cork *cork,
		   struct msghdr *msg, u32 len, u32 thlen, bool corked) __may_sleep;
struct sk_buff *ip_make_skb(struct sock *sk, struct sk_buff_head *q, struct ip_cork *cork);
void ip_flush_pending_frames(struct sk_buff_head *q);
int ip_cmsg_send(const struct msghdr *msg, struct ipcm *ipc);
int cmsg_next(const struct msghdr *msg, u32 *at, struct cmsghdr *c, const u8 **data);

void ip_protocols_deliver(struct sk_buff *skb, u8 type, u8 code, u32 info)
	__needs(softirq_ctx); /* err_handler of the quoted packet's protocol */
/* Valid cached route of a socket, or NULL (the stale one is dropped). BH off or owner. */
struct dst_entry *__sk_dst_check(struct sock *sk);
/*
 * Fills the socket's route cache for sk_daddr; inet_saddr and sk_rcv_saddr too when they are unset. 0 or the lookup's error
 * (the caller counts OutNoRoutes). BH off or owner.
 */
int ip_route_connect_sk(struct sock *sk);

/*
 * Level SOL_IP for every transport (IP_TOS, IP_TTL, IP_MTU_DISCOVER, IP_MTU): kernel copies. 0, -EINVAL, -ENOPROTOOPT,
 * -ENOTCONN (IP_MTU without a route). A proto's own setsockopt hands level SOL_IP here.
 */
int ip_setsockopt(struct sock *sk, int opt, const void *kval, u32 len) __needs(sk);
int ip_getsockopt(struct sock *sk, int opt, void *kval, u32 *len) __needs(sk);
#endif
