// SPDX-License-Identifier: MIT
/*
 * Questions about network devices, which POSIX programs ask any socket: names, numbers, flags, addresses, MTU. Only questions:
 * devices are set up at boot.
 *
 * Interface: sock_if_ioctl() (socket_internal.h).
 * Above: socket.c, for requests that the protocol does not know.  Below: net->dev_base, <net/inetdevice.h>.
 * Context: process.
 * Owns: nothing.
 * Specs: Linux's netdevice(7).
 */
#include "socket_internal.h"

#include <kernel/softirq.h>
#include <kernel/uaccess.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>
#include <net/netdevice.h>
#include <uapi/if.h>

/* The first address of a device; NULL. */
static const struct in_ifaddr *first_address(const struct net_device *dev)
{
	for (u32 i = 0; dev->ip_ptr && i < IN_DEV_MAX_ADDRS; i++)
		if (dev->ip_ptr->ifa[i].ifa_local)
			return &dev->ip_ptr->ifa[i];
	return NULL;
}

static int get_address(const struct net_device *dev, u32 req, struct ifreq *ifr)
{
	const struct in_ifaddr *ifa = first_address(dev);

	if (!ifa)
		return -EADDRNOTAVAIL;
	ifr->u.ifru_in = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr = req == SIOCGIFADDR      ? ifa->ifa_local
			    : req == SIOCGIFNETMASK ? ifa->ifa_mask
						    : ifa->ifa_broadcast,
	};
	return 0;
}

static int get_hwaddr(const struct net_device *dev, struct ifreq *ifr)
{
	ifr->u.ifru_addr = (struct sockaddr){ .sa_family = dev->type };
	memcpy(ifr->u.ifru_addr.sa_data, dev->dev_addr,
	       min_t(u32, dev->addr_len, sizeof(ifr->u.ifru_addr.sa_data)));
	return 0;
}

/* One answer about one device. 0, -EADDRNOTAVAIL, -ENOTTY. */
static int answer(const struct net_device *dev, u32 req, struct ifreq *ifr)
{
	switch (req) {
	case SIOCGIFNAME:
		return strscpy(ifr->ifr_name, dev->name, sizeof(ifr->ifr_name)) < 0 ? -EINVAL : 0;
	case SIOCGIFFLAGS:
		ifr->u.ifru_flags = (s16)dev_get_flags(dev);
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return get_address(dev, req, ifr);
	case SIOCGIFHWADDR:
		return get_hwaddr(dev, ifr);
	case SIOCGIFMTU:
		ifr->u.ifru_int = (int)dev->mtu;
		return 0;
	case SIOCGIFINDEX:
		ifr->u.ifru_int = (int)dev->ifindex;
		return 0;
	case SIOCGIFTXQLEN:
		ifr->u.ifru_int = (int)dev->tx_queue_len;
		return 0;
	default:
		return -ENOTTY;
	}
}

/* Name and address of every device that has one, as many as there is room for; without a buffer the bytes that it takes. */
static long get_conf(struct net *net, void *arg)
{
	struct net_device *dev;
	struct ifconf ifc;
	int used = 0;

	if (copy_from_user(&ifc, arg, sizeof(ifc)))
		return -EFAULT;
	list_for_each_entry(dev, &net->dev_base, dev_list) {
		struct ifreq ifr = { .ifr_name = "" };

		if (get_address(dev, SIOCGIFADDR, &ifr))
			continue;
		memcpy(ifr.ifr_name, dev->name, sizeof(ifr.ifr_name));
		if (ifc.ifc_buf && ifc.ifc_len - used < (int)sizeof(ifr))
			break;
		if (ifc.ifc_buf && copy_to_user((u8 *)ifc.ifc_buf + used, &ifr, sizeof(ifr)))
			return -EFAULT;
		used += (int)sizeof(ifr);
	}
	ifc.ifc_len = used;
	return copy_to_user(arg, &ifc, sizeof(ifc));
}

/**
 * sock_if_ioctl() - answers a question about a network device, or changes its flags (SIOCSIFFLAGS)
 * @net: the instance
 * @req: SIOCG..., SIOCSIFFLAGS
 * @arg: the application's struct ifreq or ifconf
 *
 * Context: process. Return: 0; -ENOTTY another request; -EFAULT; -ENODEV; -EADDRNOTAVAIL the device has no address; -EINVAL; -EPERM; what
 * dev_change_flags() says.
 */
long sock_if_ioctl(struct net *net, unsigned long req, void *arg)
{
	struct net_device *dev;
	struct ifreq ifr;
	int err;

	if (req == SIOCGIFCONF)
		return get_conf(net, arg);
	if (req < SIOCGIFNAME || req > SIOCGIFTXQLEN)
		return -ENOTTY;
	if (copy_from_user(&ifr, arg, sizeof(ifr)))
		return -EFAULT;
	ifr.ifr_name[sizeof(ifr.ifr_name) - 1] = '\0';
	if (req == SIOCGIFNAME)
		dev = dev_get_by_index(net, (u32)ifr.u.ifru_int);
	else
		dev = dev_get_by_name(net, ifr.ifr_name);
	if (!dev)
		return -ENODEV;
	if (req ==
	    SIOCSIFFLAGS) /* who may not listen to the wire may not open it to others either */
		return sock_may_open_raw(net) ? dev_change_flags(dev, (u16)ifr.u.ifru_flags)
					      : -EPERM;
	err = answer(dev, (u32)req, &ifr);
	return err ? err : copy_to_user(arg, &ifr, sizeof(ifr));
}
