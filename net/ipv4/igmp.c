// SPDX-License-Identifier: MIT
/*
 * Groups: which sockets are members of which multicast groups, on which device.
 *
 * A socket joins; the device keeps a counted list, by which IP input knows which groups are ours, and its driver which frames to
 * take. This is level 2 of RFC 1112; what routers are told of it is igmp_report.c's.
 *
 * A socket may want some sources of a group only, or all but some. That is its own filter: the device takes all, and routers are told so.
 *
 * Interface: <net/ip.h> (ip_mc_drop_socket(), ip_mc_sf_allow()); "ipv4.h" (ip_mc_join(), ip_mc_leave(), ip_mc_source(),
 * ip_mc_netdev_event()).
 * Above: ip_sockglue.c, ip_input.c, ip_output.c, UDP.  Below: igmp_report.c, route.c, addresses of devices.
 * Context: process (join, leave), BH off (questions).
 * Owns: the devices' lists (they lie in struct in_device); each socket's list lies in its struct inet_ext.
 * Specs: RFC 1112 (6, 7); RFC 3376 (3.1); RFC 3678 (4.1); Linux's ip(7).
 */
#include "ipv4.h"

#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/inetdevice.h>

/* The slot of @group on @dev; INADDR_ANY finds a free one. NULL: none. */
static struct in_mcgroup *mc_slot(const struct net_device *dev, __be32 group)
{
	if (!dev->ip_ptr)
		return NULL;
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		if (dev->ip_ptr->mc[i].group == group)
			return &dev->ip_ptr->mc[i];
	}
	return NULL;
}

/* The driver learns which groups to take: ours, and 224.0.0.1 always. BH off. */
static void mc_tell_driver(struct net_device *dev)
{
	u8 mac[IN_DEV_MAX_GROUPS + 1][ETH_ALEN];
	u32 count = 0;

	if (!dev->netdev_ops->ndo_set_groups)
		return;
	for (u32 i = 0; i <= IN_DEV_MAX_GROUPS; i++) {
		u32 group = IP_ALL_HOSTS;

		if (i < IN_DEV_MAX_GROUPS)
			group = dev->ip_ptr && dev->ip_ptr->mc[i].users
					? ntohl(dev->ip_ptr->mc[i].group)
					: 0;
		if (!group)
			continue;
		/* 01:00:5e and the low 23 bits (RFC 1112, 6.4) */
		put_unaligned_be16(0x0100, mac[count]);
		put_unaligned_be32(0x5e000000 | (group & 0x7fffff), mac[count++] + 2);
	}
	dev->netdev_ops->ndo_set_groups(dev, mac, count);
}

/**
 * ip_mc_netdev_event() - a device came up: it shall take what is for all hosts, and the groups of before, and routers learn of them;
 * or it is down, or goes. Context: process.
 */
void ip_mc_netdev_event(struct net_device *dev, enum netdev_event ev)
{
	local_bh_disable();
	if (ev == NETDEV_UP) {
		mc_tell_driver(dev);
		igmp_up(dev);
	} else if (ev == NETDEV_DOWN || ev == NETDEV_UNREGISTER) {
		igmp_down(dev);
	}
	local_bh_enable();
}

/* Index of the membership in @ext, -1 when there is none. @ifindex 0: on any device. */
static int mc_member(const struct inet_ext *ext, __be32 group, u32 ifindex)
{
	for (u32 i = 0; ext && i < ext->nr_mc; i++) {
		if (ext->mc[i].group == group && (!ifindex || ext->mc[i].ifindex == ifindex))
			return (int)i;
	}
	return -1;
}

/* The device that the application means: by index, by address, or where the route of the group leads. NULL: none. */
static struct net_device *mc_dev(struct net *net, const struct ip_mreqn *mr)
{
	struct flowi4 fl = { .daddr = mr->imr_multiaddr };
	struct net_device *dev;
	struct rtable *rt;

	if (mr->imr_ifindex)
		return dev_get_by_index(net, (u32)mr->imr_ifindex);
	if (mr->imr_address) {
		list_for_each_entry(dev, &net->dev_base, dev_list) {
			if (inet_dev_has_addr(dev, mr->imr_address))
				return dev;
		}
		return NULL;
	}
	rt = ip_route_output_key(net, &fl);
	if (IS_ERR(rt))
		return NULL;
	dev = rt->dst.dev;
	dst_release(&rt->dst);
	return dev;
}

/* A slot for one more group: a free one, or one of which only the end is to be told once more. NULL: none. */
static struct in_mcgroup *mc_new_slot(const struct net_device *dev)
{
	struct in_mcgroup *slot = mc_slot(dev, INADDR_ANY);

	for (u32 i = 0; i < IN_DEV_MAX_GROUPS && !slot; i++) {
		if (!dev->ip_ptr->mc[i].users)
			slot = &dev->ip_ptr->mc[i];
	}
	return slot;
}

static int mc_dev_join(struct net_device *dev, __be32 group) __needs(softirq_ctx)
{
	struct in_mcgroup *slot = mc_slot(dev, group);

	if (!dev->ip_ptr)
		return -ENODEV;
	if (!slot)
		slot = mc_new_slot(dev);
	if (!slot)
		return -ENOBUFS;
	slot->group = group;
	if (slot->users++ == 0) {
		mc_tell_driver(dev);
		igmp_group_added(dev, slot);
	}
	return 0;
}

static void mc_dev_leave(struct net_device *dev, __be32 group) __needs(softirq_ctx)
{
	struct in_mcgroup *slot = mc_slot(dev, group);

	BUG_ON(!slot || slot->users == 0);
	if (--slot->users)
		return;
	mc_tell_driver(dev);
	igmp_group_left(dev, slot);
}

/**
 * ip_mc_join() - @sk becomes a member of @mr's group.
 * Context: process, owner.
 * Return: 0; -EINVAL no group; -ENODEV no such device, or one without addresses; -EADDRINUSE it is one already; -ENOBUFS 20 groups
 * of the socket or 32 of the device; -ENOMEM.
 */
int ip_mc_join(struct sock *sk, const struct ip_mreqn *mr)
{
	struct inet_ext *ext = inet_ext_get(sk);
	struct net_device *dev;
	int err = -ENODEV;

	if (!ipv4_is_multicast(mr->imr_multiaddr))
		return -EINVAL;
	if (!ext)
		return -ENOMEM;
	local_bh_disable();
	dev = mc_dev(sk->sk_net, mr);
	if (!dev)
		goto out;
	err = -EADDRINUSE;
	if (mc_member(ext, mr->imr_multiaddr, dev->ifindex) >= 0)
		goto out;
	err = -ENOBUFS;
	if (ext->nr_mc < sk->sk_net->ipv4->igmp_max_memberships)
		err = mc_dev_join(dev, mr->imr_multiaddr);
	if (!err) {
		ext->mc[ext->nr_mc].group = mr->imr_multiaddr;
		ext->mc[ext->nr_mc].include = false;
		ext->mc[ext->nr_mc++].ifindex = dev->ifindex;
	}
out:
	local_bh_enable();
	return err;
}

/* Is source @j one of membership @i? */
static bool mc_is_source_of(const struct inet_ext *ext, u32 j, u32 i)
{
	return ext->src[j].group == ext->mc[i].group && ext->src[j].ifindex == ext->mc[i].ifindex;
}

/* How many sources membership @i names; in *@at the one that is @addr, -1: it is not among them. */
static u32 mc_sources(const struct inet_ext *ext, u32 i, __be32 addr, int *at)
{
	u32 n = 0;

	*at = -1;
	for (u32 j = 0; j < ext->nr_src; j++) {
		if (!mc_is_source_of(ext, j, i))
			continue;
		n++;
		if (ext->src[j].addr == addr)
			*at = (int)j;
	}
	return n;
}

/* BH off. A device that is gone has taken its list along. */
static void mc_forget(struct sock *sk, u32 i) __needs(softirq_ctx)
{
	struct inet_ext *ext = sk->inet_ext;
	struct net_device *dev = dev_get_by_index(sk->sk_net, ext->mc[i].ifindex);

	if (dev && dev->ip_ptr)
		mc_dev_leave(dev, ext->mc[i].group);
	for (u32 j = ext->nr_src; j-- > 0;)
		if (mc_is_source_of(ext, j, i))
			ext->src[j] = ext->src[--ext->nr_src];
	ext->mc[i] = ext->mc[--ext->nr_mc];
}

/**
 * ip_mc_leave() - @sk is no member of @mr's group any more; without a device named, on the first where it was.
 * Context: process, owner.
 * Return: 0; -ENODEV no such device; -EADDRNOTAVAIL it was no member.
 */
int ip_mc_leave(struct sock *sk, const struct ip_mreqn *mr)
{
	bool named = mr->imr_ifindex || mr->imr_address;
	const struct net_device *dev = NULL;
	int i, err = -ENODEV;

	local_bh_disable();
	if (named)
		dev = mc_dev(sk->sk_net, mr);
	if (named && !dev)
		goto out;
	err = -EADDRNOTAVAIL;
	i = mc_member(sk->inet_ext, mr->imr_multiaddr, dev ? dev->ifindex : 0);
	if (i >= 0) {
		mc_forget(sk, (u32)i);
		err = 0;
	}
out:
	local_bh_enable();
	return err;
}

/* Membership @i gets source @addr, which it does not name. 0; -ENOBUFS. */
static int mc_add_source(struct sock *sk, u32 i, u32 named, __be32 addr)
{
	struct inet_ext *ext = sk->inet_ext;

	if (named >= sk->sk_net->ipv4->set.igmp_max_msf || ext->nr_src == IP_MAX_SOURCES)
		return -ENOBUFS;
	ext->src[ext->nr_src].group = ext->mc[i].group;
	ext->src[ext->nr_src].ifindex = ext->mc[i].ifindex;
	ext->src[ext->nr_src++].addr = addr;
	return 0;
}

/* Owner, BH off. */
static int mc_source(struct sock *sk, int opt, const struct ip_mreq_source *mr, u32 ifindex)
	__needs(softirq_ctx)
{
	bool include = opt == IP_ADD_SOURCE_MEMBERSHIP || opt == IP_DROP_SOURCE_MEMBERSHIP;
	struct inet_ext *ext = sk->inet_ext;
	int i = mc_member(ext, mr->imr_multiaddr, ifindex), at;
	u32 named;

	if (i < 0)
		return -EINVAL;
	named = mc_sources(ext, (u32)i, mr->imr_sourceaddr, &at);
	if (named && ext->mc[i].include != include)
		return -EINVAL;
	ext->mc[i].include = include; /* without sources it may become the other kind */
	if (opt == IP_ADD_SOURCE_MEMBERSHIP || opt == IP_BLOCK_SOURCE)
		return at >= 0 ? -EADDRNOTAVAIL
			       : mc_add_source(sk, (u32)i, named, mr->imr_sourceaddr);
	if (at < 0)
		return -EADDRNOTAVAIL;
	ext->src[at] = ext->src[--ext->nr_src];
	if (include && named == 1) /* who wants nobody is no member */
		mc_forget(sk, (u32)i);
	return 0;
}

/**
 * ip_mc_source() - the filter of a membership changes by one source (RFC 3678, 4.1.2, 4.1.3)
 * @opt: IP_ADD_SOURCE_MEMBERSHIP (joins, if need be), IP_DROP_SOURCE_MEMBERSHIP (the last one leaves), IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE
 *
 * Context: process, owner.
 * Return: 0; -EINVAL no group, no member of it, or one with a filter of the other kind; -ENODEV; -EADDRNOTAVAIL the source is named
 * already, or is not; -ENOBUFS, -ENOMEM as ip_mc_join(), and more sources than igmp_max_msf or 40 of the socket.
 */
int ip_mc_source(struct sock *sk, int opt, const struct ip_mreq_source *mr)
{
	struct ip_mreqn join = { mr->imr_multiaddr, mr->imr_interface, 0 };
	struct net_device *dev;
	int err = 0;

	if (!ipv4_is_multicast(mr->imr_multiaddr))
		return -EINVAL;
	if (opt == IP_ADD_SOURCE_MEMBERSHIP)
		err = ip_mc_join(sk, &join);
	if (err && err != -EADDRINUSE)
		return err;
	local_bh_disable();
	dev = mc_dev(sk->sk_net, &join);
	err = dev ? mc_source(sk, opt, mr, dev->ifindex) : -ENODEV;
	local_bh_enable();
	return err;
}

/**
 * ip_mc_drop_socket() - @sk leaves all its groups; first thing in the close() of a protocol that can join. Context: process, BH off.
 */
void ip_mc_drop_socket(struct sock *sk)
{
	local_bh_disable();
	while (sk->inet_ext && sk->inet_ext->nr_mc)
		mc_forget(sk, sk->inet_ext->nr_mc - 1);
	local_bh_enable();
}

/**
 * ip_mc_sf_allow() - may @sk have a datagram for @group from @source that came by device @ifindex? As a member whose filter lets it
 * through, or when it takes what others here have joined (IP_MULTICAST_ALL, the default).
 * Context: BH off. Return: that.
 */
bool ip_mc_sf_allow(const struct sock *sk, __be32 group, __be32 source, u32 ifindex)
{
	int i = mc_member(sk->inet_ext, group, ifindex), at;

	if (i < 0)
		return sk->inet_mc_all;
	(void)mc_sources(sk->inet_ext, (u32)i, source, &at);
	return (at >= 0) == sk->inet_ext->mc[i].include;
}
