// SPDX-License-Identifier: MIT
/*
 * Groups: which sockets are members of which multicast groups, on which device.
 *
 * A socket joins; the device keeps a counted list, by which IP input knows which groups are ours, and its driver which frames to
 * take. This is level 2 of RFC 1112; what routers are told of it is igmp_report.c's.
 *
 * A socket may want some sources of a group only, or all but some. The device takes what at least one of them wants, and routers are told so:
 * each of its sources has two counts, of those who want it and of those who do not, and from them follows whether it is listed.
 *
 * Interface: <net/ip.h> (ip_mc_drop_socket(), ip_mc_sf_allow()); "ipv4.h" (ip_mc_join(), ip_mc_leave(), ip_mc_source(),
 * ip_mc_set_filter(), ip_mc_get_filter(), ip_mc_netdev_event()).
 * Above: ip_mcast.c, ip_input.c, ip_output.c, the transports.  Below: igmp_report.c, route.c, addresses of devices.
 * Context: process (join, leave), BH off (questions).
 * Owns: the devices' lists (they lie in struct in_device, their sources in memory of their own); each socket's list lies in its struct inet_ext.
 * Specs: RFC 1112 (6, 7); RFC 3376 (3.1, 3.2); RFC 3678 (4.1); Linux's ip(7).
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
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
	if (slot) {
		kfree(slot->sources);
		*slot = (struct in_mcgroup){ 0 };
	}
	return slot;
}

/* Room for @n sources more. 0, -ENOBUFS. */
static int mc_reserve(struct in_mcgroup *slot, u32 n)
{
	u32 room = max(slot->nr_sources + n, 2 * slot->room);
	struct in_mcsource *more;

	if (slot->nr_sources + n <= slot->room)
		return 0;
	more = kmalloc(room * sizeof(*more));
	if (!more)
		return -ENOBUFS;
	if (slot->nr_sources)
		memcpy(more, slot->sources, slot->nr_sources * sizeof(*more));
	kfree(slot->sources);
	slot->sources = more;
	slot->room = room;
	return 0;
}

/* The device has a slot for @group, with room for @n sources more. 0; -ENODEV it has no addresses; -ENOBUFS. */
static int mc_prepare(struct net_device *dev, __be32 group, u32 n)
{
	struct in_mcgroup *slot = mc_slot(dev, group);
	int err;

	if (!dev->ip_ptr)
		return -ENODEV;
	if (!slot)
		slot = mc_new_slot(dev);
	if (!slot)
		return -ENOBUFS;
	err = mc_reserve(slot, n);
	if (!err)
		slot->group = group;
	return err;
}

/* --- Filters ---------------------------------------------------------------------------------------------------------------- */

/* Is source @j one of membership @i? */
static bool mc_is_source_of(const struct inet_ext *ext, u32 j, u32 i)
{
	return ext->src[j].group == ext->mc[i].group && ext->src[j].ifindex == ext->mc[i].ifindex;
}

/* The filter of membership @i. */
static void mc_filter_of(const struct inet_ext *ext, u32 i, struct ip_mc_filter *f)
{
	*f = (struct ip_mc_filter){ .include = ext->mc[i].include };
	for (u32 j = 0; j < ext->nr_src; j++) {
		if (mc_is_source_of(ext, j, i))
			f->addr[f->nr++] = ext->src[j].addr;
	}
}

/* Which of its sources @addr is; -1: none. */
static int mc_filter_at(const struct ip_mc_filter *f, __be32 addr)
{
	for (u32 i = 0; i < f->nr; i++) {
		if (f->addr[i] == addr)
			return (int)i;
	}
	return -1;
}

/* The source of the device's group; made when it is new, for which there is room. */
static struct in_mcsource *mc_source_of(struct in_mcgroup *slot, __be32 addr)
{
	for (u32 i = 0; i < slot->nr_sources; i++) {
		if (slot->sources[i].addr == addr)
			return &slot->sources[i];
	}
	BUG_ON(slot->nr_sources >= slot->room);
	slot->sources[slot->nr_sources] = (struct in_mcsource){ .addr = addr };
	return &slot->sources[slot->nr_sources++];
}

/* One socket more (@by 1) or less (-1) with that filter. */
static void mc_count(struct in_mcgroup *slot, const struct ip_mc_filter *f, int by)
{
	BUG_ON(by < 0 && (!slot->users || (!f->include && !slot->excluders)));
	slot->users += (u32)by;
	slot->excluders += f->include ? 0 : (u32)by;
	for (u32 i = 0; i < f->nr; i++) {
		struct in_mcsource *s = mc_source_of(slot, f->addr[i]);

		BUG_ON(by < 0 && !(f->include ? s->wanted : s->refused));
		if (f->include)
			s->wanted += (u32)by;
		else
			s->refused += (u32)by;
	}
}

/* Membership @i of the socket becomes one with filter @f, or ends (NULL). */
static void mc_store(struct inet_ext *ext, u32 i, const struct ip_mc_filter *f)
{
	for (u32 j = ext->nr_src; j-- > 0;) {
		if (mc_is_source_of(ext, j, i))
			ext->src[j] = ext->src[--ext->nr_src];
	}
	if (!f) {
		ext->mc[i] = ext->mc[--ext->nr_mc];
		return;
	}
	ext->mc[i].include = f->include;
	for (u32 j = 0; j < f->nr; j++) {
		ext->src[ext->nr_src].group = ext->mc[i].group;
		ext->src[ext->nr_src].ifindex = ext->mc[i].ifindex;
		ext->src[ext->nr_src++].addr = f->addr[j];
	}
}

/* The device counts filter @to instead of @from, and routers learn what changes by that. NULL: no member before, or from now on. */
static void mc_recount(struct net_device *dev, __be32 group, const struct ip_mc_filter *from,
		       const struct ip_mc_filter *to) __needs(softirq_ctx)
{
	struct in_mcgroup *slot = mc_slot(dev, group);
	struct mc_before before;

	BUG_ON(!slot);
	before = (struct mc_before){ slot->users, slot->excluders != 0 };
	for (u32 i = 0; i < slot->nr_sources; i++)
		slot->sources[i].was_listed = mc_listed(slot, &slot->sources[i]);
	if (from)
		mc_count(slot, from, -1);
	if (to)
		mc_count(slot, to, 1);
	if (!before.users != !slot->users)
		mc_tell_driver(dev);
	igmp_group_changed(dev, slot, &before);
}

/* Membership @i gets another filter. 0; -ENOBUFS: it stays as it is. */
static int mc_refilter(struct inet_ext *ext, u32 i, struct net_device *dev,
		       const struct ip_mc_filter *f) __needs(softirq_ctx)
{
	struct ip_mc_filter old;

	mc_filter_of(ext, i, &old);
	if (ext->nr_src - old.nr + f->nr > IP_MAX_SOURCES ||
	    mc_prepare(dev, ext->mc[i].group, f->nr))
		return -ENOBUFS;
	mc_store(ext, i, f);
	mc_recount(dev, ext->mc[i].group, &old, f);
	return 0;
}

/* BH off. A device that is gone has taken its list along. */
static void mc_forget(struct sock *sk, u32 i) __needs(softirq_ctx)
{
	struct inet_ext *ext = sk->inet_ext;
	struct net_device *dev = dev_get_by_index(sk->sk_net, ext->mc[i].ifindex);
	__be32 group = ext->mc[i].group;
	struct ip_mc_filter old;

	mc_filter_of(ext, i, &old);
	mc_store(ext, i, NULL);
	if (dev && dev->ip_ptr)
		mc_recount(dev, group, &old, NULL);
}

/* --- Members ---------------------------------------------------------------------------------------------------------------- */

/* As ip_mc_join(), with a filter; 1: it is a member already. BH off. */
static int mc_join(struct sock *sk, const struct ip_mreqn *mr, const struct ip_mc_filter *f)
	__needs(softirq_ctx)
{
	struct net_device *dev = mc_dev(sk->sk_net, mr);
	struct inet_ext *ext = sk->inet_ext;
	int err;

	if (!dev)
		return -ENODEV;
	if (mc_member(ext, mr->imr_multiaddr, dev->ifindex) >= 0)
		return 1;
	if (ext->nr_mc >= sk->sk_net->ipv4->igmp_max_memberships ||
	    ext->nr_src + f->nr > IP_MAX_SOURCES)
		return -ENOBUFS;
	err = mc_prepare(dev, mr->imr_multiaddr, f->nr);
	if (err)
		return err;
	ext->mc[ext->nr_mc].group = mr->imr_multiaddr;
	ext->mc[ext->nr_mc++].ifindex = dev->ifindex;
	mc_store(ext, ext->nr_mc - 1, f);
	mc_recount(dev, mr->imr_multiaddr, NULL, f);
	return 0;
}

/**
 * ip_mc_join() - @sk becomes a member of @mr's group.
 * Context: process, owner.
 * Return: 0; -EINVAL no group; -ENODEV no such device, or one without addresses; -EADDRINUSE it is one already; -ENOBUFS 20 groups
 * of the socket or 32 of the device; -ENOMEM.
 */
int ip_mc_join(struct sock *sk, const struct ip_mreqn *mr)
{
	static const struct ip_mc_filter all = { .include = false };
	int err;

	if (!ipv4_is_multicast(mr->imr_multiaddr))
		return -EINVAL;
	if (!inet_ext_get(sk))
		return -ENOMEM;
	local_bh_disable();
	err = mc_join(sk, mr, &all);
	local_bh_enable();
	return err > 0 ? -EADDRINUSE : err;
}

/**
 * ip_mc_leave() - @sk is no member of @mr's group any more; without a device named, on the first where it was.
 * Context: process, owner.
 * Return: 0; -ENODEV no device is named and none is on the way to the group; -EADDRNOTAVAIL it was no member.
 */
int ip_mc_leave(struct sock *sk, const struct ip_mreqn *mr)
{
	bool named = mr->imr_ifindex || mr->imr_address;
	const struct net_device *dev;
	int i = -1, err = -EADDRNOTAVAIL;

	local_bh_disable();
	dev = mc_dev(sk->sk_net, mr);
	if (dev || !named)
		i = mc_member(sk->inet_ext, mr->imr_multiaddr, named ? dev->ifindex : 0);
	if (i >= 0) {
		mc_forget(sk, (u32)i);
		err = 0;
	} else if (!dev && !named) {
		err = -ENODEV;
	}
	local_bh_enable();
	return err;
}

/* Membership @i without source @addr. */
static int mc_remove_source(struct sock *sk, u32 i, struct net_device *dev, struct ip_mc_filter *f,
			    __be32 addr) __needs(softirq_ctx)
{
	int at = mc_filter_at(f, addr);

	if (at < 0)
		return -EADDRNOTAVAIL;
	if (f->include && f->nr == 1) { /* who wants nobody is no member */
		mc_forget(sk, i);
		return 0;
	}
	f->addr[at] = f->addr[--f->nr];
	return mc_refilter(sk->inet_ext, i, dev, f);
}

/* Owner, BH off. */
static int mc_source(struct sock *sk, int opt, const struct ip_mreqn *mr, __be32 addr)
	__needs(softirq_ctx)
{
	bool include = opt == IP_ADD_SOURCE_MEMBERSHIP || opt == IP_DROP_SOURCE_MEMBERSHIP;
	struct net_device *dev = mc_dev(sk->sk_net, mr);
	struct inet_ext *ext = sk->inet_ext;
	struct ip_mc_filter f;
	int i, err = 0;

	if (!dev)
		return -ENODEV;
	i = mc_member(ext, mr->imr_multiaddr, dev->ifindex);
	if (i < 0)
		return -EINVAL;
	mc_filter_of(ext, (u32)i, &f);
	if (f.nr && f.include != include)
		return -EINVAL;
	if (f.include != include) { /* without sources it may become the other kind */
		f.include = include;
		if (opt != IP_ADD_SOURCE_MEMBERSHIP)
			err = mc_refilter(ext, (u32)i, dev, &f);
	}
	if (err)
		return err;
	if (opt == IP_DROP_SOURCE_MEMBERSHIP || opt == IP_UNBLOCK_SOURCE)
		return mc_remove_source(sk, (u32)i, dev, &f, addr);
	if (f.nr && f.nr >= sk->sk_net->ipv4->set.igmp_max_msf)
		return -ENOBUFS;
	if (mc_filter_at(&f, addr) >= 0)
		return -EADDRNOTAVAIL;
	if (f.nr == IP_MAX_SOURCES)
		return -ENOBUFS;
	f.addr[f.nr++] = addr;
	return mc_refilter(ext, (u32)i, dev, &f);
}

/**
 * ip_mc_source() - the filter of a membership changes by one source (RFC 3678, 4.1.2, 4.1.3)
 * @opt: IP_ADD_SOURCE_MEMBERSHIP (joins, if need be), IP_DROP_SOURCE_MEMBERSHIP (the last one leaves), IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE
 *
 * Context: process, owner.
 * Return: 0; -EINVAL no group, no member of it, or one with a filter of the other kind; -ENODEV; -EADDRNOTAVAIL the source is named
 * already, or is not; -ENOBUFS, -ENOMEM as ip_mc_join(), and more sources than igmp_max_msf or 40 of the socket.
 */
int ip_mc_source(struct sock *sk, int opt, const struct ip_mreqn *mr, __be32 source)
{
	struct ip_mc_filter only = { .include = true, .nr = 1, .addr = { source } };
	int err = 1;

	if (!ipv4_is_multicast(mr->imr_multiaddr))
		return -EINVAL;
	if (opt == IP_ADD_SOURCE_MEMBERSHIP && !inet_ext_get(sk))
		return -ENOMEM;
	local_bh_disable();
	if (opt == IP_ADD_SOURCE_MEMBERSHIP)
		err = mc_join(sk, mr, &only);
	if (err > 0) /* a member: what it wants changes */
		err = mc_source(sk, opt, mr, source);
	local_bh_enable();
	return err;
}

/**
 * ip_mc_set_filter() - all of a membership's filter at once (RFC 3678, 4.1.1); who wants nobody leaves.
 * Context: process, owner.
 * Return: 0; -EINVAL no group, or no member of it; -ENODEV; -EADDRNOTAVAIL it was no member that could leave; -ENOBUFS no memory, or more
 * than 40 sources of the socket.
 */
int ip_mc_set_filter(struct sock *sk, const struct ip_mreqn *mr, const struct ip_mc_filter *f)
{
	struct net_device *dev;
	int i, err = -ENODEV;

	if (!ipv4_is_multicast(mr->imr_multiaddr))
		return -EINVAL;
	local_bh_disable();
	dev = mc_dev(sk->sk_net, mr);
	if (!dev)
		goto out;
	i = mc_member(sk->inet_ext, mr->imr_multiaddr, dev->ifindex);
	if (i < 0)
		err = f->include && !f->nr ? -EADDRNOTAVAIL : -EINVAL;
	else
		err = f->include && !f->nr ? 0 : mc_refilter(sk->inet_ext, (u32)i, dev, f);
	if (!err && f->include && !f->nr)
		mc_forget(sk, (u32)i);
out:
	local_bh_enable();
	return err;
}

/**
 * ip_mc_get_filter() - what ip_mc_set_filter() set.
 * Context: process, owner.
 * Return: 0; -EINVAL no group; -ENODEV; -EADDRNOTAVAIL no member of it.
 */
int ip_mc_get_filter(struct sock *sk, const struct ip_mreqn *mr, struct ip_mc_filter *f)
{
	const struct net_device *dev;
	int i, err = -ENODEV;

	if (!ipv4_is_multicast(mr->imr_multiaddr))
		return -EINVAL;
	local_bh_disable();
	dev = mc_dev(sk->sk_net, mr);
	if (dev) {
		i = mc_member(sk->inet_ext, mr->imr_multiaddr, dev->ifindex);
		err = i < 0 ? -EADDRNOTAVAIL : 0;
		if (!err)
			mc_filter_of(sk->inet_ext, (u32)i, f);
	}
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
 * ip_mc_sf_allow() - may @sk have a packet for @group (any, if it is none) from @source that came by device @ifindex? As a member whose filter lets it
 * through, or when it takes what others here have joined (IP_MULTICAST_ALL, the default).
 * Context: BH off. Return: that.
 */
bool ip_mc_sf_allow(const struct sock *sk, __be32 group, __be32 source, u32 ifindex)
{
	const struct inet_ext *ext = sk->inet_ext;
	int i = mc_member(ext, group, ifindex);

	if (!ipv4_is_multicast(group))
		return true;
	if (i < 0)
		return sk->inet_mc_all;
	for (u32 j = 0; j < ext->nr_src; j++) {
		if (ext->src[j].addr == source && mc_is_source_of(ext, j, (u32)i))
			return ext->mc[i].include;
	}
	return !ext->mc[i].include;
}
