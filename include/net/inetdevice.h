/* SPDX-License-Identifier: MIT */
/* IPv4 addresses of a device. Read by ARP, routing, ICMP and DHCP. Process context writes, BH off reads. */
#ifndef NET_INETDEVICE_H
#define NET_INETDEVICE_H
#include <lib/types.h>
#include <net/netdevice.h>

#define IN_DEV_MAX_ADDRS  4
#define IN_DEV_MAX_GROUPS 32
struct in_ifaddr {
	__be32 ifa_local; /* 0: slot free */
	__be32 ifa_mask, ifa_broadcast;
	u8 ifa_prefixlen;
};

/* A group of which somebody here is a member on this device (net/ipv4/igmp.c). */
struct in_mcgroup {
	__be32 group; /* 0: slot free */
	u32 users;    /* sockets */
};

struct in_device {
	struct in_ifaddr ifa[IN_DEV_MAX_ADDRS];
	struct in_mcgroup mc[IN_DEV_MAX_GROUPS];
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
