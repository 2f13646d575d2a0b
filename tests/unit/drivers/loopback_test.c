// SPDX-License-Identifier: MIT
/*
 * lo: what goes in comes out by NET_RX, once, in order, owned by nobody; beyond the backlog it is dropped by name.
 */
#include "host.h"
#include "ktest.h"

#include <drivers/loopback.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/dst.h>
#include <net/net.h>
#include <net/netdevice.h>
#include <net/sch_generic.h>
#include <net/skbuff.h>
#include <wire/arp.h>

static struct net *net;
static struct net_device *lo;
static u32 got, freed, inside;
static bool sending;
static struct sk_buff last; /* what the last packet looked like on arrival */
static u8 marks[64];

static void rx_handler(struct sk_buff *skb, struct net_device *from)
{
	CHECK(from == lo);
	inside += sending;
	if (got < sizeof(marks))
		marks[got] = skb->data[0];
	got++;
	last = *skb;
	consume_skb(skb);
}

static void on_free(struct sk_buff *skb)
{
	(void)skb;
	freed++;
}

static void up(void)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	}
	memset(faults, 0, sizeof(faults));
	got = freed = inside = 0;
	net = net_alloc();
	CHECK(net != NULL);
	CHECK_EQ(sched_net_init(net), 0);
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), rx_handler), 0);
}

static void lo_up(void)
{
	up();
	CHECK_EQ(loopback_init(net), 0);
	lo = net->loopback_dev;
}

static void down(void)
{
	loopback_exit(net);
	CHECK(net->loopback_dev == NULL);
	CHECK(dev_get_by_name(net, "lo") == NULL);
	CHECK_EQ(skb_stats.live, 0);
	net_free(net);
}

static struct sk_buff *packet(u8 mark, u32 len)
{
	struct sk_buff *skb = alloc_skb(len);

	memset(skb_put(skb, len), mark, len);
	skb->dev = lo;
	skb->protocol = htons(ETH_P_IP);
	skb->destructor = on_free;
	return skb;
}

static int send(struct sk_buff *skb)
{
	int rc;

	local_bh_disable();
	sending = true;
	rc = dev_queue_xmit(skb);
	sending = false;
	local_bh_enable();
	return rc;
}

TEST(device)
{
	lo_up();
	CHECK_STR(lo->name, "lo");
	CHECK(lo->_tx[0].qdisc && !lo->_tx[0].qdisc->ops->enqueue);
	CHECK(lo->flags & IFF_LOOPBACK);
	CHECK(lo->flags & IFF_UP);
	CHECK(lo->flags & IFF_NOARP);
	CHECK_EQ(lo->priv_flags, IFF_NO_QUEUE | IFF_LLTX);
	CHECK_EQ(lo->type, ARPHRD_LOOPBACK);
	CHECK_EQ(lo->addr_len, ETH_ALEN);
	CHECK_EQ(lo->max_mtu, 65536);
	CHECK_EQ(lo->mtu, 65536);
	CHECK(lo->features & NETIF_F_HW_CSUM);
	CHECK(lo->features & NETIF_F_LOOPBACK);
	CHECK(netif_carrier_ok(lo));
	CHECK(dev_get_by_name(net, "lo") == lo);
	down();
}

TEST(comes_back_later)
{
	lo_up();
	CHECK_EQ(send(packet(1, 40)), 0);
	CHECK_EQ(got, 1);
	CHECK_EQ(inside, 0); /* never on the sender's stack */
	CHECK_EQ(lo->stats.tx_packets, 1);
	CHECK_EQ(lo->stats.rx_packets, 1);
	CHECK_EQ(lo->stats.tx_bytes, 40);
	CHECK_EQ(lo->stats.rx_bytes, 40);
	down();
}

TEST(keeps_the_order)
{
	lo_up();
	local_bh_disable();
	for (u8 i = 0; i < 50; i++)
		CHECK_EQ(dev_queue_xmit(packet(i, 10u + i)), 0);
	CHECK_EQ(got, 0);
	CHECK_EQ(freed, 50); /* the sender's buffer is free before the packet arrives */
	local_bh_enable();
	CHECK_EQ(got, 50);
	for (u8 i = 0; i < 50; i++)
		CHECK_EQ(marks[i], i);
	CHECK_EQ(lo->stats.rx_bytes, 50 * 10 + 49 * 25);
	down();
}

struct summed {
	const char *name;
	u8 before, after;
};

static const struct summed sums[] = {
	{ "to_be_inserted", CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY },
	{ "none", CHECKSUM_NONE, CHECKSUM_NONE },
	{ "unnecessary", CHECKSUM_UNNECESSARY, CHECKSUM_UNNECESSARY },
};

TEST_EACH(checksum, sums)
{
	struct sk_buff *skb;

	lo_up();
	skb = packet(1, 100);
	skb->ip_summed = row->before;
	skb->csum_start = (u16)(skb->data - skb->head + 20);
	skb->csum_offset = 6;
	send(skb);
	CHECK_EQ(last.ip_summed, row->after);
	down();
}

/* Nothing of the way out is left on the packet that comes in. */
TEST(comes_back_clean)
{
	struct sk_buff *skb;

	lo_up();
	skb = packet(1, 40);
	skb->priority = 7;
	skb->tstamp_ns = 12345;
	skb->pkt_type = PACKET_OTHERHOST;
	send(skb);
	CHECK_EQ(last.priority, 0);
	CHECK_EQ(last.tstamp_ns, 0);
	CHECK_EQ(last.pkt_type, PACKET_HOST);
	CHECK(last.destructor == NULL);
	CHECK(last.dev == lo);
	down();
}

static void never_destroyed(struct dst_entry *dst)
{
	(void)dst;
	CHECK(false);
}

/* Lent on the way down; counted from the device layer on, for the packet waits in the backlog. */
TEST(the_route_stays_and_is_counted)
{
	static const struct dst_ops ops = { .destroy = never_destroyed };
	struct dst_entry dst = { .ops = &ops, .refs = 1 };
	struct sk_buff *skb;

	lo_up();
	dst.dev = lo;
	local_bh_disable();
	skb = packet(1, 40);
	skb_dst_set_noref(skb, &dst);
	CHECK_EQ(dev_queue_xmit(skb), 0);
	CHECK_EQ(got, 0);
	CHECK_EQ(dst.refs, 2);
	local_bh_enable();
	CHECK_EQ(got, 1);
	CHECK(last._skb_refdst == (unsigned long)&dst);
	CHECK_EQ(dst.refs, 1); /* it ended with the packet */
	down();
}

TEST(backlog_is_bounded)
{
	u64 drops = skb_stats.drop[SKB_DROP_REASON_CPU_BACKLOG];
	u32 most = this_cpu()->softnet->netdev_max_backlog;

	lo_up();
	local_bh_disable();
	for (u32 i = 0; i < most + 5; i++)
		dev_queue_xmit(packet(1, 10));
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_CPU_BACKLOG] - drops, 5);
	local_bh_enable();
	host_clock_advance(1); /* ksoftirqd's share */
	CHECK_EQ(got, most);
	CHECK_EQ(freed, most + 5);
	CHECK_EQ(lo->stats.tx_packets, most);
	CHECK_EQ(lo->stats.rx_packets, most);
	CHECK_EQ(lo->stats.rx_dropped, 5);
	down();
}

TEST(goes_with_packets_under_way)
{
	lo_up();
	local_bh_disable();
	for (u32 i = 0; i < 5; i++)
		dev_queue_xmit(packet(1, 10));
	netif_flush_backlog(lo);
	local_bh_enable();
	CHECK_EQ(got, 0);
	CHECK_EQ(freed, 5);
	down();
}

TEST(refused_while_down)
{
	u64 drops = skb_stats.drop[SKB_DROP_REASON_DEV_DOWN];

	lo_up();
	dev_close(lo);
	CHECK_EQ(send(packet(1, 10)), -ENETDOWN);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_DOWN] - drops, 1);
	CHECK_EQ(dev_open(lo), 0);
	CHECK_EQ(send(packet(1, 10)), 0);
	CHECK_EQ(got, 1);
	down();
}

/* Each allocation fails once. */
TEST(init_without_memory)
{
	u32 at;
	int err = -ENOMEM;

	up();
	for (at = 1; err && at < 50; at++) {
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		err = loopback_init(net);
		faults_armed = false;
		CHECK(err == 0 || err == -ENOMEM);
		CHECK_EQ(net->loopback_dev != NULL, err == 0);
		CHECK_EQ(dev_get_by_name(net, "lo") != NULL, err == 0);
		if (err == 0)
			break;
	}
	CHECK(at > 1);
	CHECK_EQ(err, 0);
	down();
}

static const struct net_device_ops other_ops;
static netdev_tx_t swallow(struct sk_buff *skb, struct net_device *dev)
{
	(void)dev;
	consume_skb(skb);
	return NETDEV_TX_OK;
}
static const struct net_device_ops other_ops = { .ndo_start_xmit = swallow };

TEST(name_is_taken)
{
	struct net_device *other;

	up();
	other = alloc_netdev(net, 0, "lo", 1);
	other->netdev_ops = &other_ops;
	CHECK_EQ(register_netdev(other), 0);
	CHECK_EQ(loopback_init(net), -EEXIST);
	CHECK(net->loopback_dev == NULL);
	unregister_netdev(other);
	free_netdev(other);
	CHECK_EQ(loopback_init(net), 0);
	down();
	/* Gone twice, or never there: nothing happens. */
	up();
	loopback_exit(net);
	down();
}

static void init_again(void *arg)
{
	loopback_init(arg);
}

TEST(only_once)
{
	lo_up();
	CHECK_EQ(host_catch_exit(init_again, net), 65);
	down();
}

KTEST_MAIN_BOOT()
