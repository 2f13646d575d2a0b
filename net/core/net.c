// SPDX-License-Identifier: MIT
/*
 * struct net: one instance of the stack, with its list of devices and the chain of those who want news about them.
 *
 * Interface: net_alloc(), net_free(); dev_get_by_name(), dev_get_by_index(); register_netdevice_notifier(),
 * call_netdevice_notifiers().
 * Above: net/dev fills the list and rings the chain; every room hangs its own state here.  Below: <kernel/mm.h>.
 * Context: process; the chain also softirq (a carrier that changes).
 * Owns: the struct. Devices are their drivers', the state behind the pointers is each room's.
 */
#include <net/net.h>

#include <kernel/mm.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inet_hashtables.h>
#include <net/netdevice.h>

/**
 * net_alloc() - an empty instance with a secret of its own.
 * Context: process. Owns: the caller.
 * Return: the instance; NULL without memory.
 */
struct net *net_alloc(void)
{
	struct net *net = kzalloc(sizeof(*net));

	if (!net)
		return NULL;
	INIT_LIST_HEAD(&net->dev_base);
	INIT_LIST_HEAD(&net->taps);
	INIT_LIST_HEAD(&net->packets);
	INIT_LIST_HEAD(&net->socks);
	net->port_min = PORT_MIN_DEFAULT;
	net->ip_default_ttl = IPDEFTTL;
	net->port_max = PORT_MAX_DEFAULT;
	net_core_defaults(net);
	get_random_bytes(&net->hash_key, sizeof(net->hash_key));
	return net;
}

/**
 * net_free() - the end of an instance; every room must have gone and every count be zero: asserted.
 * Context: process. Consumes: @net.
 */
void net_free(struct net *net)
{
	BUG_ON(!list_empty(&net->dev_base));
	BUG_ON(!list_empty(&net->taps) || !list_empty(&net->packets));
	BUG_ON(!list_empty(&net->socks));
	BUG_ON(net->socks_live);
	BUG_ON(net->loopback_dev);
	BUG_ON(net->arp_tbl || net->fib || net->ipv4 || net->nft || net->nf_queue);
	for (u32 i = 0; i < NF_INET_NUMHOOKS; i++)
		BUG_ON(net->nf[i]);
	BUG_ON(net->frag.queues || net->frag.packets || net->frag.truesize);
	BUG_ON(net->tcp_hash || net->tcp || net->udp || net->inet || net->dhcp);
	kfree(net);
}

/**
 * dev_get_by_name() - the device called @name.
 * Context: process, softirq.
 * Return: the device, borrowed; NULL when there is none.
 */
struct net_device *dev_get_by_name(struct net *net, const char *name)
{
	struct net_device *dev;

	list_for_each_entry(dev, &net->dev_base, dev_list)
		if (strcmp(dev->name, name) == 0)
			return dev;
	return NULL;
}

/**
 * dev_get_by_index() - the device number @ifindex.
 * Context: process, softirq.
 * Return: the device, borrowed; NULL when there is none.
 */
struct net_device *dev_get_by_index(struct net *net, u32 ifindex)
{
	struct net_device *dev;

	list_for_each_entry(dev, &net->dev_base, dev_list)
		if (dev->ifindex == ifindex)
			return dev;
	return NULL;
}

/**
 * register_netdevice_notifier() - @fn hears of everything that happens to devices from now on.
 * Called in order of registration. There is no way out: rooms live as long as the instance.
 * Context: process.
 * Return: 0; -ENOSPC.
 */
int register_netdevice_notifier(struct net *net, netdev_notifier_fn fn)
{
	for (u32 i = 0; i < NET_MAX_NOTIFIERS; i++) {
		BUG_ON(net->notifier[i] == fn);
		if (net->notifier[i])
			continue;
		net->notifier[i] = fn;
		return 0;
	}
	return -ENOSPC;
}

/**
 * call_netdevice_notifiers() - tells everybody that @ev happened to @dev.
 * Context: that of the event: process; NETDEV_CHANGE and NETDEV_CHANGEADDR softirq too.
 */
void call_netdevice_notifiers(struct net_device *dev, enum netdev_event ev)
{
	struct net *net = dev->net;

	for (u32 i = 0; i < NET_MAX_NOTIFIERS && net->notifier[i]; i++)
		net->notifier[i](dev, ev);
}
