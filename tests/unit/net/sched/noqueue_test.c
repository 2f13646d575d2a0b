// SPDX-License-Identifier: MIT
/* Devices without a queue: loops, refusals, hardirq's deferred frees; and every allocation on the way down failing once. */
#include <ktest.h>

#include <host.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>

static struct net *net;
static struct net_device *dev;
static u32 depth, deepest;

/* A tunnel that ends in itself. */
static netdev_tx_t loop_xmit(struct sk_buff *skb, struct net_device *d)
{
	skb->dev = d;
	deepest = ++depth > deepest ? depth : deepest;
	(void)dev_queue_xmit(skb);
	depth--;
	return NETDEV_TX_OK;
}

static netdev_tx_t busy_xmit(struct sk_buff *skb, struct net_device *d)
{
	(void)skb;
	(void)d;
	return NETDEV_TX_BUSY;
}

static netdev_tx_t sink_xmit(struct sk_buff *skb, struct net_device *d)
{
	(void)d;
	if (skb_padto(skb, ETH_ZLEN) == 0)
		consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops loop_ops = { .ndo_start_xmit = loop_xmit };
static const struct net_device_ops busy_ops = { .ndo_start_xmit = busy_xmit };
static const struct net_device_ops sink_ops = { .ndo_start_xmit = sink_xmit };

static void up(const struct net_device_ops *ops, u32 priv_flags)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	dev = alloc_netdev(net, 0, "dummy%d", 1);
	dev->netdev_ops = ops;
	dev->priv_flags = priv_flags;
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_EQ(dev_open(dev), 0);
}

static void down(void)
{
	unregister_netdev(dev);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
}

static struct sk_buff *packet(void)
{
	struct sk_buff *skb = alloc_skb(100);

	if (skb) {
		memset(skb_put(skb, 40), 0, 40);
		skb->dev = dev;
	}
	return skb;
}

static u32 lines_with(const char *words)
{
	u32 n = 0;

	for (const char *at = host_console(); (at = strstr(at, words)); at++)
		n++;
	return n;
}

TEST(a_loop_ends_with_one_line)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION];
	up(&loop_ops, IFF_NO_QUEUE | IFF_LLTX);
	host_console_quiet(true);
	host_console_clear();
	CHECK_EQ(dev_queue_xmit(packet()), 0);
	CHECK_EQ(deepest, 8);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION], dropped + 1);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(lines_with("dead loop"), 1);
	for (u32 i = 0; i < 100; i++)
		dev_queue_xmit(packet());
	CHECK_EQ(dev->stats.tx_dropped, 101);
	CHECK(lines_with("dead loop") <=
	      10); /* whoever makes such a device does not fill the log */
	down();
}

/* A device that is not made to be entered again is not, not even once. */
TEST(a_real_device_is_not_entered_twice)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION];

	up(&loop_ops, IFF_NO_QUEUE);
	deepest = 0;
	CHECK_EQ(dev_queue_xmit(packet()), 0);
	CHECK_EQ(deepest, 1);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION], dropped + 1);
	CHECK_EQ(dev_queue_xmit(packet()), 0); /* and is free again afterwards */
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION], dropped + 2);
	down();
}

static struct net_device *other;

static netdev_tx_t ping_pong_xmit(struct sk_buff *skb, struct net_device *d)
{
	return loop_xmit(skb, d == dev ? other : dev);
}

/* Two devices that send to each other nest as deep as one that sends to itself. */
TEST(a_loop_over_two_devices_is_as_deep)
{
	static const struct net_device_ops pair_ops = { .ndo_start_xmit = ping_pong_xmit };
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION];

	up(&pair_ops, IFF_NO_QUEUE | IFF_LLTX);
	other = alloc_netdev(net, 0, "other%d", 1);
	other->netdev_ops = &pair_ops;
	other->priv_flags = IFF_NO_QUEUE | IFF_LLTX;
	CHECK_EQ(register_netdev(other), 0);
	CHECK_EQ(dev_open(other), 0);
	deepest = 0;
	CHECK_EQ(dev_queue_xmit(packet()), 0);
	CHECK_EQ(deepest, 8);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION], dropped + 1);
	CHECK_EQ(dev->stats.tx_dropped + other->stats.tx_dropped, 1);
	unregister_netdev(other);
	free_netdev(other);
	down();
}

TEST(a_device_that_is_down_drops)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_DEV_DOWN];

	up(&sink_ops, IFF_NO_QUEUE);
	dev_close(dev);
	CHECK_EQ(dev_queue_xmit(packet()), -ENETDOWN);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_DOWN], dropped + 1);
	down();
}

TEST(a_virtual_device_may_not_refuse)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_DEV_READY];

	up(&busy_ops, IFF_NO_QUEUE);
	host_console_clear();
	CHECK_EQ(dev_queue_xmit(packet()), -ENETDOWN);
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(dev_queue_xmit(packet()), -ENETDOWN);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_READY], dropped + 2);
	CHECK_EQ(dev->stats.tx_dropped, 2);
	CHECK_EQ(lines_with("virtual device dummy0 asks to queue a packet"), 2);
	for (u32 i = 0; i < 100; i++)
		dev_queue_xmit(packet());
	CHECK(lines_with("asks to queue") <= 10);
	down();
}

TEST(what_waits_is_dropped_when_the_device_goes)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_QDISC_RESET];

	up(&busy_ops, 0);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(dev_queue_xmit(packet()), 0);
	CHECK_EQ(dev->_tx[0].qdisc->qlen, 10);
	CHECK_EQ(dev->_tx[0].qdisc->backlog, 400);
	down();
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_QDISC_RESET], dropped + 10);
	CHECK(!this_cpu()->softnet->output_queue);
}

TEST(hardirq_leaves_the_free_to_net_tx)
{
	struct sk_buff *skb;

	up(&sink_ops, 0);
	skb = packet();
	this_cpu()->hardirq_depth++;
	dev_consume_skb_any(skb);
	this_cpu()->hardirq_depth--;
	CHECK_EQ(skb_stats.live, 1);
	host_clock_advance(NSEC_PER_MSEC);
	local_bh_disable();
	local_bh_enable();
	CHECK_EQ(skb_stats.live, 0);
	down();
}

/* A clone of a packet with a fragment through a device that can nothing: copies, sums, pads. */
static void send_all_kinds(void)
{
	struct sk_buff *skb = packet(), *c;
	u8 *page = alloc_page();

	if (skb && page && skb_add_frag(skb, page, 10) == 0) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_offset = 16;
		c = skb_clone(skb);
		if (c)
			dev_queue_xmit(c);
		c = pskb_copy(skb, 50);
		if (c)
			dev_queue_xmit(c);
		c = skb_clone(skb);
		if (c) {
			(void)pskb_trim(c, 45);
			kfree_skb_reason(c, SKB_DROP_REASON_LOCAL_ERROR);
		}
	}
	if (page)
		page_put(page);
	consume_skb(skb);
}

TEST(every_allocation_may_fail)
{
	struct fault *f = &faults[FAULT_ALLOC];
	u64 n = 0;

	up(&sink_ops, 0);
	mm_baseline();
	do {
		*f = (struct fault){ .on = true, .at = ++n };
		faults_armed = true;
		send_all_kinds();
		faults_armed = false;
		CHECK_EQ(skb_stats.live, 0);
		CHECK_EQ(mm_report_leaks(), 0);
	} while (f->hits && n < 100);
	CHECK(n > 6 && n < 100);
	f->on = false;
	down();
}

KTEST_MAIN_BOOT()
