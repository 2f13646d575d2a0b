// SPDX-License-Identifier: MIT
/*
 * The loopback device "lo": what is sent comes back through the receive backlog.
 *
 * Interface: loopback_init(), loopback_exit().
 * Above: boot; net/sched calls by table.  Below: <net/netdevice.h> netif_rx().
 * Context: process; transmit BH off. Delivery is always NET_RX's: a sender never meets its receiver on one stack.
 * Owns: the net_device; no packets.
 * Specs: RFC 1122 (3.2.1.3 (g): 127/8 never leaves the host).
 */
#include <drivers/loopback.h>

#include <lib/bug.h>
#include <lib/err.h>
#include <net/netdevice.h>
#include <net/skbuff.h>
#include <wire/arp.h>

enum { LOOPBACK_MTU = 65536 };

static netdev_tx_t loopback_xmit(struct sk_buff *skb, struct net_device *dev) __needs(softirq_ctx)
{
	u32 len = skb->len;

	skb_orphan(skb); /* sent, as far as the sender's buffer is concerned */
	skb->pkt_type = PACKET_HOST;
	skb->dev = dev;
	skb->tstamp_ns = 0;
	skb->priority = 0;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		skb->ip_summed = CHECKSUM_UNNECESSARY; /* it never left this memory */
	if (netif_rx(skb) == 0) {
		dev->stats.tx_packets++;
		dev->stats.tx_bytes += len;
		dev->stats.rx_packets++;
		dev->stats.rx_bytes += len;
	}
	return NETDEV_TX_OK;
}

static const struct net_device_ops loopback_ops = { .ndo_start_xmit = loopback_xmit };

/**
 * loopback_init() - registers lo in @net and opens it. Its address is net/init.c's to give.
 * Context: process. Owns: net->loopback_dev, until loopback_exit().
 * Return: 0; -ENOMEM; -EEXIST.
 */
int loopback_init(struct net *net)
{
	struct net_device *dev;
	int err;

	BUG_ON(net->loopback_dev);
	dev = alloc_netdev(net, 0, "lo", 1);
	if (!dev)
		return -ENOMEM;
	dev->netdev_ops = &loopback_ops;
	dev->flags = IFF_LOOPBACK | IFF_NOARP;
	dev->priv_flags = IFF_NO_QUEUE | IFF_LLTX; /* the route stays, counted, up to ip_rcv() */
	dev->features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_GSO |
			NETIF_F_LOOPBACK | NETIF_F_RXCSUM;
	dev->type = ARPHRD_LOOPBACK;
	dev->addr_len = ETH_ALEN;
	dev->mtu = LOOPBACK_MTU;
	dev->max_mtu = LOOPBACK_MTU;
	err = register_netdev(dev);
	if (err)
		goto out_free;
	net->loopback_dev = dev;
	err = dev_open(dev);
	BUG_ON(err); /* without ndo_open nobody can refuse */
	return 0;
out_free:
	free_netdev(dev);
	return err;
}

/**
 * loopback_exit() - the reverse; no-op when there is none. Context: process.
 */
void loopback_exit(struct net *net)
{
	struct net_device *dev = net->loopback_dev;

	if (!dev)
		return;
	unregister_netdev(dev);
	net->loopback_dev = NULL;
	free_netdev(dev);
}
