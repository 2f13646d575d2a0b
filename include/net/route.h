/* SPDX-License-Identifier: MIT */
/* IPv4 routes: longest prefix match; each table entry owns one rtable that all users share. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H
#include <net/dst.h>
#include <net/netdevice.h>

enum rtn_type { RTN_UNSPEC, RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST };

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

/* A counted route for @fl, whose saddr is filled in. ERR_PTR(-ENETUNREACH), (-EINVAL) saddr not ours, (-ENETDOWN). BH off or process. */
struct rtable *ip_route_output_key(struct net *net, struct flowi4 *fl);
/* What an address is to us. */
enum rtn_type inet_addr_type(const struct net *net, __be32 addr);
/* Adds dst/prefixlen via @gw (0: on link) by @dev. 0, -ENOMEM, -EEXIST, -ENETUNREACH gateway not on link. Process. */
int ip_route_add(struct net *net, __be32 dst, u8 prefixlen, __be32 gw, struct net_device *dev);
int ip_route_del(struct net *net, __be32 dst, u8 prefixlen, __be32 gw,
		 struct net_device *dev); /* 0, -ESRCH */
int ip_route_init(
	struct net *net); /* table, notifier (connected routes follow addresses); 0, -ENOMEM */
void ip_route_exit(struct net *net);
void route_show(struct seq_file *m); /* /proc/net/route; arg: struct net */
#endif
