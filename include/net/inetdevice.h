/* SPDX-License-Identifier: MIT */
/* IPv4 addresses of a device. Read by ARP, routing, ICMP and DHCP. Process context writes, BH off reads. */
#ifndef NET_INETDEVICE_H
#define NET_INETDEVICE_H
#include <kernel/timer.h>
#include <lib/types.h>
#include <net/netdevice.h>

#define IN_DEV_MAX_ADDRS  4
#define IN_DEV_MAX_GROUPS 32
#define IGMP_MAX_QUERIED  8 /* sources of one query that are kept */
struct in_ifaddr {
	__be32 ifa_local; /* 0: slot free */
	__be32 ifa_mask, ifa_broadcast;
	u8 ifa_prefixlen;
};

/* A source that sockets name in their filters of a group, or did until now. */
struct in_mcsource {
	__be32 addr;
	u32 wanted, refused; /* by so many that want only what they name, that want all else */
	u8 unsent;           /* times that its coming or going is still to be told */
	bool was_listed;     /* before the change at hand (net/ipv4/igmp.c) */
};

/*
 * A group of which somebody here is a member on this device (net/ipv4/igmp.c), or was until now, and what is still to be said about it
 * (igmp_report.c).
 */
struct in_mcgroup {
	__be32 group; /* 0: slot free */
	u32 users;    /* sockets; 0: only the end of the membership is to be told */
	u32 excluders; /* of them those that want all sources but some: while there is one, so does the device */
	u8 unsent;     /* times that a change from one kind to the other is still to be told */
	bool reporter; /* the last report on the link was ours (versions 1 and 2) */
	u8 nr_asked;   /* sources asked for; 0: all */
	u64 report_ns; /* an answer is due then; 0: none */
	__be32 asked[IGMP_MAX_QUERIED];
	u32 nr_sources, room;
	struct in_mcsource
		*sources; /* of all sockets' filters; NULL while there is no room for any */
};

/* What a device has heard of routers, and what is due. Times of the monotonic clock, 0: none. */
struct igmp {
	struct net_device *dev; /* NULL: nothing was to be said yet */
	struct timer timer;
	u64 change_ns, general_ns;    /* joins and leaves; the answer for all groups */
	u64 v1_until_ns, v2_until_ns; /* a router of that version is there */
	u32 interval_s;               /* of the querier */
	u8 qrv;                       /* its robustness variable; 0: the instance's */
};

struct in_device {
	struct in_ifaddr ifa[IN_DEV_MAX_ADDRS];
	struct in_mcgroup mc[IN_DEV_MAX_GROUPS];
	struct igmp igmp;
};

/* Adds (replaces) an address and tells the notifiers NETDEV_CHANGEADDR. 0, -EINVAL, -ENOSPC, -ENOMEM. */
int inet_addr_add(struct net_device *dev, __be32 addr, u8 prefixlen);
/* 0, -EADDRNOTAVAIL. */
int inet_addr_del(struct net_device *dev, __be32 addr);
/* Best source address on @dev towards @dst: one on the same subnet, else the first; 0 when there is none. */
__be32 inet_select_addr(const struct net_device *dev, __be32 dst);
bool inet_addr_is_local(const struct net *net, __be32 addr); /* on any device, 127/8 included */
bool inet_dev_has_addr(const struct net_device *dev, __be32 addr);
bool inet_addr_onlink(const struct net_device *dev, __be32 addr); /* in a subnet of @dev */
bool inet_addr_is_bcast(const struct net *net,
			__be32 addr); /* a subnet's or the limited broadcast */
void inetdev_destroy(struct net_device *dev);
#endif
