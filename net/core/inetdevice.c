// SPDX-License-Identifier: MIT
/*
 * IPv4 addresses of devices: who are we, on which link?
 *
 * Interface: inet_addr_add(), inet_addr_del() change; inet_select_addr() and the inet_addr_is_*() questions read.
 * Above: ARP, routing, ICMP, DHCP, boot.  Below: the notifier chain of struct net tells of every change.
 * Context: changes process or softirq (DHCP's timers), questions with BH off.
 * Owns: dev->ip_ptr, made with the first address, freed with the device.
 * Specs: RFC 1122 (3.2.1.3 addresses), RFC 919 (broadcast), RFC 3021 (/31 has none).
 */
#include <net/inetdevice.h>

#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <wire/ipv4.h>

static bool same_subnet(const struct in_ifaddr *ifa, __be32 addr)
{
	return ((ifa->ifa_local ^ addr) & ifa->ifa_mask) == 0;
}

/* The entry of @addr on @dev; INADDR_ANY finds a free slot. NULL: none. */
static struct in_ifaddr *ifa_find(const struct net_device *dev, __be32 addr)
{
	if (!dev->ip_ptr)
		return NULL;
	for (u32 i = 0; i < IN_DEV_MAX_ADDRS; i++)
		if (dev->ip_ptr->ifa[i].ifa_local == addr)
			return &dev->ip_ptr->ifa[i];
	return NULL;
}

static int ifa_enter(struct net_device *dev, __be32 addr, u8 prefixlen)
{
	struct in_ifaddr *ifa;
	__be32 mask = inet_make_mask(prefixlen);

	if (!dev->ip_ptr)
		dev->ip_ptr = kzalloc(sizeof(*dev->ip_ptr));
	if (!dev->ip_ptr)
		return -ENOMEM;
	ifa = ifa_find(dev, addr);
	if (!ifa)
		ifa = ifa_find(dev, INADDR_ANY);
	if (!ifa)
		return -ENOSPC;
	ifa->ifa_local = addr;
	ifa->ifa_mask = mask;
	ifa->ifa_prefixlen = prefixlen;
	ifa->ifa_broadcast =
		(dev->flags & IFF_BROADCAST) && prefixlen < 31 ? addr | ~mask : INADDR_ANY;
	return 0;
}

/*
 * Is @addr a broadcast of this subnet? All zeros in the host part is the directed broadcast of old (RFC 1122, 3.3.6): routes and ARP
 * send it to everybody, so it must not pass for the address of a host either. On loopback there is only the highest address.
 */
static bool ifa_is_bcast(const struct net_device *dev, const struct in_ifaddr *ifa, __be32 addr)
{
	if (ifa->ifa_local == INADDR_ANY)
		return false;
	if (dev->flags & IFF_LOOPBACK)
		return ifa->ifa_prefixlen < 31 && addr == (ifa->ifa_local | ~ifa->ifa_mask);
	return ifa->ifa_broadcast &&
	       (addr == ifa->ifa_broadcast || addr == (ifa->ifa_local & ifa->ifa_mask));
}

/**
 * inet_addr_add() - gives @dev an address, or an address it has a new prefix length; the notifiers hear of it.
 * Context: process, softirq.
 * Return: 0; -EINVAL no host address; -ENOSPC all slots used; -ENOMEM.
 */
int inet_addr_add(struct net_device *dev, __be32 addr, u8 prefixlen)
{
	int err;

	if (prefixlen > 32 || ipv4_is_zeronet(addr) || ipv4_is_multicast(addr) ||
	    ipv4_is_lbcast(addr))
		return -EINVAL;
	local_bh_disable();
	err = ifa_enter(dev, addr, prefixlen);
	if (!err)
		call_netdevice_notifiers(dev, NETDEV_CHANGEADDR);
	local_bh_enable();
	return err;
}

/**
 * inet_addr_del() - takes an address from @dev; the notifiers hear of it.
 * Context: process, softirq.
 * Return: 0; -EADDRNOTAVAIL.
 */
int inet_addr_del(struct net_device *dev, __be32 addr)
{
	struct in_ifaddr *ifa;

	if (addr == INADDR_ANY)
		return -EADDRNOTAVAIL;
	local_bh_disable();
	ifa = ifa_find(dev, addr);
	if (ifa) {
		*ifa = (struct in_ifaddr){ 0 };
		call_netdevice_notifiers(dev, NETDEV_CHANGEADDR);
	}
	local_bh_enable();
	return ifa ? 0 : -EADDRNOTAVAIL;
}

/**
 * inet_select_addr() - the source address on @dev towards @dst.
 * Context: process, softirq.
 * Return: one on @dst's subnet, else the device's first; INADDR_ANY when it has none.
 */
__be32 inet_select_addr(const struct net_device *dev, __be32 dst)
{
	__be32 first = INADDR_ANY;

	if (!dev->ip_ptr)
		return INADDR_ANY;
	for (u32 i = 0; i < IN_DEV_MAX_ADDRS; i++) {
		const struct in_ifaddr *ifa = &dev->ip_ptr->ifa[i];

		if (ifa->ifa_local == INADDR_ANY)
			continue;
		if (same_subnet(ifa, dst))
			return ifa->ifa_local;
		if (first == INADDR_ANY)
			first = ifa->ifa_local;
	}
	return first;
}

/**
 * inet_addr_is_local() - is @addr ours, on any device? All of 127/8 is (RFC 1122, 3.2.1.3 (g)), but for its broadcast address
 * while loopback has one.
 * Context: process, softirq. Return: true when a packet to it is for us.
 */
bool inet_addr_is_local(const struct net *net, __be32 addr)
{
	const struct net_device *dev;

	if (ipv4_is_loopback(addr))
		return !inet_addr_is_bcast(net, addr);
	list_for_each_entry(dev, &net->dev_base, dev_list)
		if (inet_dev_has_addr(dev, addr))
			return true;
	return false;
}

/**
 * inet_dev_has_addr() - is @addr one of @dev's? Context: process, softirq. Return: that.
 */
bool inet_dev_has_addr(const struct net_device *dev, __be32 addr)
{
	return addr != INADDR_ANY && ifa_find(dev, addr);
}

/**
 * inet_addr_onlink() - does @addr lie in a subnet of @dev? Context: process, softirq. Return: that.
 */
bool inet_addr_onlink(const struct net_device *dev, __be32 addr)
{
	if (!dev->ip_ptr)
		return false;
	for (u32 i = 0; i < IN_DEV_MAX_ADDRS; i++) {
		const struct in_ifaddr *ifa = &dev->ip_ptr->ifa[i];

		if (ifa->ifa_local != INADDR_ANY && same_subnet(ifa, addr))
			return true;
	}
	return false;
}

/**
 * inet_addr_is_bcast() - the limited broadcast, or the directed one of a subnet of ours, loopback's included?
 * Context: process, softirq. Return: true when it is either.
 */
bool inet_addr_is_bcast(const struct net *net, __be32 addr)
{
	const struct net_device *dev;

	if (ipv4_is_lbcast(addr))
		return true;
	if (addr == INADDR_ANY)
		return false;
	list_for_each_entry(dev, &net->dev_base, dev_list) {
		for (u32 i = 0; dev->ip_ptr && i < IN_DEV_MAX_ADDRS; i++)
			if (ifa_is_bcast(dev, &dev->ip_ptr->ifa[i], addr))
				return true;
	}
	return false;
}

/**
 * inetdev_destroy() - the device goes: its addresses with it, without news. Context: process.
 */
void inetdev_destroy(struct net_device *dev)
{
	for (u32 i = 0; dev->ip_ptr && i < IN_DEV_MAX_GROUPS; i++)
		kfree(dev->ip_ptr->mc[i].sources);
	kfree(dev->ip_ptr);
	dev->ip_ptr = NULL;
}
