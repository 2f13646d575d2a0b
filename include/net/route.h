/* SPDX-License-Identifier: MIT */
/*
 * IPv4 routes: longest prefix match; each table entry owns one rtable that all users share, and a destination whose path MTU was
 * learned has a copy of its own.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H
#include <lib/capability.h>
#include <net/dst.h>
#include <net/netdevice.h>

enum rtn_type {
	RTN_UNSPEC,
	RTN_UNICAST,
	RTN_LOCAL,
	RTN_BROADCAST,
	RTN_MULTICAST,
	/* Lookups that end here say so: */
	RTN_BLACKHOLE,   /* -EINVAL */
	RTN_UNREACHABLE, /* -EHOSTUNREACH */
	RTN_PROHIBIT,    /* -EACCES */
};

struct rtable {
	struct dst_entry dst; /* first: a dst_entry * of ours is an rtable * */
	__be32 rt_gateway;    /* next hop; 0: the destination itself */
	__be32 rt_prefsrc;    /* source address of this route; 0: ask the device */
	u8 rt_type;           /* enum rtn_type */
};
static_assert(sizeof(struct rtable) <= 128, "budget: two cache lines");

struct flowi4 {
	__be32 daddr, saddr; /* saddr 0: chosen by the lookup, stored here */
	u32 oif;             /* device index that must be used; 0: any */
	u8 flowi4_proto, flowi4_tos;
	bool anysrc; /* an address of ours is not required (DHCP) */
	bool onlink; /* no gateway (SO_DONTROUTE) */
};

static inline struct rtable *dst_rtable(struct dst_entry *dst)
{
	return (struct rtable *)(void *)dst;
}

/* Next hop of a packet to @daddr by @rt. */
static inline __be32 rt_nexthop(const struct rtable *rt, __be32 daddr)
{
	return rt->rt_gateway ? rt->rt_gateway : daddr;
}

/* A route as a user states it. */
struct route_cfg {
	__be32 dst, gw,
		prefsrc; /* gw 0: the hosts are on the link; prefsrc 0: the device's address */
	u8 prefixlen;
	u8 type;                /* enum rtn_type */
	bool mtu_locked;        /* mtu is a fact: nothing is learned, no DF */
	u32 metric;             /* among equal prefixes the smallest wins */
	u32 mtu, advmss;        /* 0: the device's */
	struct net_device *dev; /* NULL: the gateway's, or none (routes that refuse) */
};

/*
 * A counted route for @fl, whose saddr is filled in. ERR_PTR(-ENETUNREACH), (-EINVAL) saddr not ours, (-ENODEV), or what a route
 * that refuses says. BH off or process.
 */
struct rtable *ip_route_output_key(struct net *net, struct flowi4 *fl);
/* What an address is to us. */
enum rtn_type inet_addr_type(const struct net *net, __be32 addr);
/*
 * A router (not the device) says that packets to @daddr by @oif (0: any) must not be larger than @mtu: remembered for 600 s, never
 * below 552 bytes, never more than was known. BH off. The protocol has checked that the message is about a packet of ours.
 */
void ip_update_pmtu(struct net *net, __be32 daddr, u32 oif, u32 mtu) __needs(softirq_ctx);
int ip_route_add_cfg(struct net *net, const struct route_cfg *r);
int ip_route_del_cfg(struct net *net, const struct route_cfg *r);
/* Adds dst/prefixlen via @gw (0: on link) by @dev. 0, -ENOMEM, -EEXIST, -ENETUNREACH gateway not on link. Process. */
int ip_route_add(struct net *net, __be32 dst, u8 prefixlen, __be32 gw, struct net_device *dev);
int ip_route_del(struct net *net, __be32 dst, u8 prefixlen, __be32 gw,
		 struct net_device *dev); /* 0, -ESRCH */
int ip_route_init(
	struct net *net); /* table, notifier (connected routes follow addresses); 0, -ENOMEM */
void ip_route_flush(struct net *net); /* path MTUs that were learned are forgotten; process */
void ip_route_exit(struct net *net);
void route_show(struct seq_file *m);         /* /proc/net/route; arg: struct net */
void rt_cache_show(struct seq_file *m);      /* /proc/net/rt_cache: path MTUs that were learned */
void rt_cache_stat_show(struct seq_file *m); /* /proc/net/stat/rt_cache: counts of lookups */
#endif
