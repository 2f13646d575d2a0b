/* SPDX-License-Identifier: MIT */
/* IPv4 in and out. */
#ifndef NET_IP_H
#define NET_IP_H
#include <lib/capability.h>
#include <net/netdevice.h>
#include <net/route.h>
#include <net/sock.h>

#define IP_OPTIONS_MAX     40
#define IP_MAX_MEMBERSHIPS 20
#define IP_MAX_SOURCES     40 /* in the filters of all groups of a socket */

/* Options for the packets of a socket, compiled (net/ipv4/ip_options.c). Places count from 1; 0: there is none. */
struct ip_options {
	__be32 faddr;   /* first hop of a source route */
	u8 optlen;      /* multiple of 4 */
	u8 srr, rr, ts; /* where source route, record route, timestamp begin in data */
	bool strict;    /* the source route is */
	u8 data[IP_OPTIONS_MAX], orig[IP_OPTIONS_MAX]; /* as they go out; as they were set */
};

/* What few sockets have, made when the first of it is set; freed with the sock, whose close() leaves the groups. */
struct inet_ext {
	struct ip_options opt;  /* optlen 0: none */
	__be32 mc_addr;         /* IP_MULTICAST_IF */
	u32 mc_index, uc_index; /* devices of IP_MULTICAST_IF and IP_UNICAST_IF; 0: by route */
	u32 nr_mc;
	struct {
		__be32 group;
		u32 ifindex;
		bool include; /* only the sources named are wanted; else only those are not */
	} mc[IP_MAX_MEMBERSHIPS];
	u32 nr_src;
	struct {
		__be32 group, addr;
		u32 ifindex;
	} src[IP_MAX_SOURCES];
};

/* Which sources a member wants: those named only, or (else) all but those. */
struct ip_mc_filter {
	bool include;
	u32 nr;
	__be32 addr[IP_MAX_SOURCES];
};

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
			  u8 protocol, u8 ttl, u8 tos, u32 oif, const struct ip_options *opt);
SKB_CONSUMER(ip_build_and_send_pkt, 2);
/*
 * UDP's and ICMP's way down: @rt's reference moves in, header built from @fl, whose daddr is the real destination, with @sk's
 * options; DF when @df says so. Larger than the MTU: fragments, or -EMSGSIZE with DF (but see skb->ignore_df). Consumes @skb.
 * Result of ip_local_out mapped by net_xmit_errno: 0, -ENOBUFS, -EMSGSIZE, -ENOMEM.
 */
int ip_send_skb(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		const struct flowi4 *fl, u8 ttl, bool df);
SKB_CONSUMER(ip_send_skb, 3);
/* The same with options of the datagram's own; NULL: the socket's. */
int ip_send_skb_options(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt,
			const struct flowi4 *fl, const struct ip_options *opt, u8 ttl, bool df);
SKB_CONSUMER(ip_send_skb_options, 3);
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
	return sk && !ip_sk_use_pmtu(sk) ? min_t(u32, dst->dev->mtu, IP_MAX_MTU) : dst->mtu;
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
	struct ip_options *opt; /* its own, kfree() at its end; NULL: the socket's */
};
/* What one datagram wants otherwise than its socket. */
struct ipcm {
	__be32 saddr; /* 0: the socket's */
	u32 oif;
	bool onlink; /* MSG_DONTROUTE, SO_DONTROUTE */
	s16 tos;
	u8 ttl;                 /* 0: the socket's */
	u16 gso_size;           /* UDP_SEGMENT */
	struct ip_options *opt; /* IP_RETOPTS: the caller's to kfree(); NULL: the socket's */
};
int ip_append_data(struct sock *sk, struct sk_buff_head *q, struct ip_cork *cork,
		   struct msghdr *msg, u32 len, u32 thlen, bool corked) __may_sleep;
struct sk_buff *ip_make_skb(struct sock *sk, struct sk_buff_head *q, struct ip_cork *cork);
void ip_flush_pending_frames(struct sk_buff_head *q);

/* --- Control messages and the error queue (net/ipv4/ip_cmsg.c) ----------------------------------------------------------- */
/* What the socket wants for a datagram, and what control data wants otherwise. 0; -EINVAL, -ENOMEM: nothing is left to free. */
int ip_cmsg_send(const struct sock *sk, const struct msghdr *msg, struct ipcm *ipc);
/* What the socket wants to know of @skb, whose network header is in place, come by device @iif. */
void ip_cmsg_recv(struct sock *sk, struct msghdr *msg, const struct sk_buff *skb, u32 iif);

/* What an ICMP error says, and about which part of what it quotes. */
struct ip_icmp_news {
	u8 type, code;
	__be16 port; /* of the destination; 0: there are none */
	u32 info;    /* the MTU of "fragmentation needed" */
	int payload; /* where the application's own bytes begin, from the quoted transport header */
};

/* In skb->cb of what err_handler gets: from the header that is quoted back to the one that brought it; 0: no ICMP came. */
static inline u16 *ip_err_outer(const struct sk_buff *skb)
{
	return (u16 *)(void *)(unsigned long)skb->cb;
}

int ip_icmp_errno(u8 type, u8 code, bool *hard);
void ip_icmp_error(struct sock *sk, struct sk_buff *skb, int err, const struct ip_icmp_news *news)
	__needs(softirq_ctx);
void ip_local_error(struct sock *sk, int err, __be32 daddr, __be16 port, u32 info);
ssize_t ip_recv_error(struct sock *sk, struct msghdr *msg, size_t len);

void ip_protocols_deliver(struct sk_buff *skb, u8 type, u8 code, u32 info)
	__needs(softirq_ctx); /* err_handler of the quoted packet's protocol */
/* Valid cached route of a socket, or NULL (the stale one is dropped). BH off or owner. */
struct dst_entry *__sk_dst_check(struct sock *sk);
/* The same, looked up when there is none: NULL without a peer or without a route (not counted). BH off or owner. */
struct dst_entry *ip_sk_dst(struct sock *sk);
/*
 * Fills the socket's route cache for sk_daddr; inet_saddr and sk_rcv_saddr too when they are unset. 0 or the lookup's error
 * (the caller counts OutNoRoutes). BH off or owner.
 */
int ip_route_connect_sk(struct sock *sk);

/* net.ipv4.ipfrag_NAME=VALUE: 0, -ENOENT, -EINVAL, -ERANGE. Process. */
int ip_frag_sysctl_set(struct net *net, const char *name, const char *value);
int ip_frag_sysctl_get(const struct net *net, const char *name, char *text); /* length, -ENOENT */
void ip_frag_flush(struct net *net); /* what is not whole yet is given up; process */
/* net.ipv4.igmp_NAME=VALUE, as above. */
int ip_igmp_sysctl_set(struct net *net, const char *name, const char *value);
int ip_igmp_sysctl_get(const struct net *net, const char *name, char *text);
/* Numbers of IP, ICMP and UDP, as above. */
int ip_sysctl_set(struct net *net, const char *name, const char *value);
int ip_sysctl_get(const struct net *net, const char *name, char *text);
void igmp_show(struct seq_file *m);     /* /proc/net/igmp; arg: struct net */
void mcfilter_show(struct seq_file *m); /* /proc/net/mcfilter; the same */

/* --- What a socket wants of the path MTU (RFC 1191; IP_MTU_DISCOVER) ---------------------------------------------------- */
/* Believes what routers say. */
static inline bool ip_sk_accept_pmtu(const struct sock *sk)
{
	return sk->inet_pmtudisc != IP_PMTUDISC_INTERFACE && sk->inet_pmtudisc != IP_PMTUDISC_OMIT;
}

/* DF on a packet that fits. */
static inline bool ip_dont_fragment(const struct sock *sk, const struct dst_entry *dst)
{
	return sk->inet_pmtudisc == IP_PMTUDISC_DO || sk->inet_pmtudisc == IP_PMTUDISC_PROBE ||
	       (sk->inet_pmtudisc == IP_PMTUDISC_WANT && !dst->mtu_locked);
}

/* DF on a datagram; larger ones, which are let through, are fragmented here and on the way. */
static inline bool ip_datagram_df(const struct sock *sk, const struct dst_entry *dst, bool fits)
{
	return sk->inet_pmtudisc == IP_PMTUDISC_DO || sk->inet_pmtudisc == IP_PMTUDISC_PROBE ||
	       (fits && ip_dont_fragment(sk, dst));
}

/* A router says that packets of @sk to @daddr must be at most @mtu: learned if @sk believes it. BH off. */
void ip_sk_update_pmtu(struct sock *sk, __be32 daddr, u32 mtu) __needs(softirq_ctx);

/* A transparent proxy speaks with @saddr, whoever's it is. */
static inline bool ip_sk_anysrc(const struct sock *sk, __be32 saddr)
{
	return saddr && (sk->inet_flags & INET_TRANSPARENT);
}

/* --- Options and groups of a socket -------------------------------------------------------------------------------------- */
/* NULL: none. */
static inline const struct ip_options *ip_sk_options(const struct sock *sk)
{
	return likely(!sk->inet_ext) || !sk->inet_ext->opt.optlen ? NULL : &sk->inet_ext->opt;
}

/* Bytes between the 20 of the header and the transport. */
static inline u32 ip_sk_optlen(const struct sock *sk)
{
	const struct ip_options *opt = ip_sk_options(sk);

	return opt ? opt->optlen : 0;
}

/* Options of a connection that packet @syn begins at @lsk: kfree(). NULL none; ERR_PTR(-ENOMEM). */
struct ip_options *ip_options_accept(const struct sock *lsk, const struct iphdr *syn);
int ip_options_give(struct sock *child, const struct ip_options *opt); /* 0, -ENOMEM */
int ip_source_route_set(struct net *net, const char *value);
/* Where a packet of @sk to @daddr goes first: a source route begins elsewhere. */
static inline __be32 ip_first_hop(const struct ip_options *opt, __be32 daddr)
{
	return opt && opt->srr ? opt->faddr : daddr;
}

static inline __be32 ip_sk_first_hop(const struct sock *sk, __be32 daddr)
{
	return ip_first_hop(ip_sk_options(sk), daddr);
}

/* Length of the IP header of a datagram. */
static inline u32 ipc_hdrlen(const struct sock *sk, const struct ipcm *ipc)
{
	return (u32)sizeof(struct iphdr) + (ipc->opt ? ipc->opt->optlen : ip_sk_optlen(sk));
}

/* A strict source route allows no router before its first hop. */
static inline bool ip_strict_ok(const struct ip_options *opt, const struct rtable *rt)
{
	return !opt || !opt->strict || !rt->rt_gateway;
}

static inline bool ip_sk_strict_ok(const struct sock *sk, const struct rtable *rt)
{
	return ip_strict_ok(ip_sk_options(sk), rt);
}

/*
 * Where datagrams of @sk leave: IP_MULTICAST_IF, IP_UNICAST_IF for what the socket has not bound. Fills oif, and for groups saddr.
 */
void ip_sk_flow_dev(const struct sock *sk, struct flowi4 *fl);
/* TTL of a datagram of @sk by @rt: IP_MULTICAST_TTL, IP_TTL or the default. */
u8 ip_sk_ttl(const struct sock *sk, const struct rtable *rt);
void ip_mc_drop_socket(struct sock *sk); /* close(): leaves all groups. Process. */
bool ip_mc_sf_allow(const struct sock *sk, __be32 group, __be32 source, u32 ifindex)
	__needs(softirq_ctx);

/*
 * Level SOL_IP for every transport: kernel copies. 0, -EINVAL, -ENOPROTOOPT, -ENOTCONN (IP_MTU without a route), and what groups
 * say. A proto's own setsockopt hands level SOL_IP here.
 */
int ip_setsockopt(struct sock *sk, int opt, const void *kval, u32 len) __needs(sk);
int ip_getsockopt(struct sock *sk, int opt, void *kval, u32 *len) __needs(sk);
#endif
