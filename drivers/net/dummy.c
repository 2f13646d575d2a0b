// SPDX-License-Identifier: MIT
/*
 * Dummy devices: an end of the transmit path without hardware. What they are given is counted as sent and freed; a looping
 * one hands it to the device layer once more, by itself, as a tunnel would whose way leads through the tunnel.
 *
 * Interface: dummy_init(), dummy_exit().
 * Above: boot; net/sched calls by table.  Below: <net/netdevice.h>; dev_queue_xmit() for the looping ones.
 * Context: process; transmit BH off.
 * Owns: the net_devices; no packets.
 */
#include <drivers/dummy.h>

#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>
#include <net/skbuff.h>

static void count(struct net_device *dev, const struct sk_buff *skb)
{
	dev->stats.tx_packets++;
	dev->stats.tx_bytes += skb->len;
}

static netdev_tx_t dummy_xmit(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx)
{
	count(dev, skb);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

/* What comes of it below is counted there; for us it was sent. */
static netdev_tx_t dummy_loop_xmit(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx)
{
	count(dev, skb);
	(void)dev_queue_xmit(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops dummy_ops = { .ndo_start_xmit = dummy_xmit };
static const struct net_device_ops dummy_loop_ops = { .ndo_start_xmit = dummy_loop_xmit };

static bool is_dummy(const struct net_device *dev)
{
	return dev->netdev_ops == &dummy_ops || dev->netdev_ops == &dummy_loop_ops;
}

static void setup(struct net_device *dev, const struct dummy_options *o)
{
	static const u8 address[ETH_ALEN] = { 0x02, 0xd0 }; /* locally administered */

	ether_setup(dev);
	dev->netdev_ops = o->loop ? &dummy_loop_ops : &dummy_ops;
	dev->flags |= IFF_NOARP; /* nobody would answer */
	dev->priv_flags = IFF_XMIT_DST_RELEASE | IFF_LLTX | (o->queues ? 0 : IFF_NO_QUEUE);
	dev->features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_GSO;
	memcpy(dev->dev_addr, address, sizeof(address));
}

static int add_one(struct net *net, const struct dummy_options *o) __may_sleep
{
	struct net_device *dev = alloc_netdev(net, 0, "dummy%d", max(o->queues, 1u));
	int err;

	if (!dev)
		return -ENOMEM;
	setup(dev, o);
	err = register_netdev(dev);
	if (err) {
		free_netdev(dev);
		return err;
	}
	dev->dev_addr[ETH_ALEN - 1] = (u8)dev->ifindex;
	err = dev_open(dev);
	BUG_ON(err); /* without ndo_open nobody can refuse */
	return 0;
}

/**
 * dummy_init() - registers and opens dummy devices in @net, beside those that it has. Their addresses are the caller's to give.
 * Context: process. Owns: the devices, until dummy_exit().
 * Return: 0; -ENOMEM; -EEXIST the name is taken; none is there then.
 */
int dummy_init(struct net *net, const struct dummy_options *o)
{
	BUG_ON(o->devices > DUMMY_MAX || o->queues > DUMMY_QUEUES_MAX);
	for (u32 i = 0; i < o->devices; i++) {
		int err = add_one(net, o);

		if (err) {
			dummy_exit(net);
			return err;
		}
	}
	return 0;
}

/**
 * dummy_exit() - the reverse, for all of them. Context: process.
 */
void dummy_exit(struct net *net)
{
	struct net_device *dev, *next;

	list_for_each_entry_safe(dev, next, &net->dev_base, dev_list) {
		if (!is_dummy(dev))
			continue;
		unregister_netdev(dev);
		free_netdev(dev);
	}
}
