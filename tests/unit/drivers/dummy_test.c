// SPDX-License-Identifier: MIT
/* The dummy devices: names, what they swallow, the one that sends to itself, queues of their own; with and without memory. */
#include <ktest.h>

#include <drivers/dummy.h>
#include <host.h>
#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>

static struct net *net;

static int up(u32 devices, u32 queues, bool loop)
{
	struct dummy_options o = { .devices = devices, .queues = queues, .loop = loop };

	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		host_console_quiet(true);
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	host_console_clear();
	return dummy_init(net, &o);
}

static void down(void)
{
	dummy_exit(net);
	CHECK(list_empty(&net->dev_base));
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
}

static struct sk_buff *packet(struct net_device *dev, u8 flow)
{
	struct sk_buff *skb = alloc_skb(160);
	u8 *p;

	skb_reserve(skb, 32);
	p = skb_put(skb, 60);
	memset(p, 0, 60);
	p[14] = 0x45;
	p[23] = 17;
	p[35] = flow;
	skb->network_header = 32 + 14;
	skb->protocol = htons(ETH_P_IP);
	skb->dev = dev;
	return skb;
}

TEST(devices)
{
	struct net_device *dev;
	char text[4000] = "";
	struct seq_file m = { .buf = text, .size = sizeof(text) };

	CHECK_EQ(up(2, 0, false), 0);
	dev = dev_get_by_name(net, "dummy1");
	CHECK(dev && dev_get_by_name(net, "dummy0") && !dev_get_by_name(net, "dummy2"));
	CHECK_EQ(dev->flags, IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST | IFF_NOARP);
	CHECK(dev->priv_flags & IFF_NO_QUEUE);
	CHECK(dev->mtu == 1500 && dev->hard_header_len == 14 && dev->header_ops);
	CHECK(dev->dev_addr[0] == 2 && dev->dev_addr[5] == dev->ifindex);
	CHECK_EQ(dev_queue_xmit(packet(dev, 1)), NET_XMIT_SUCCESS);
	CHECK(dev->stats.tx_packets == 1 && dev->stats.tx_bytes == 60 && !dev->stats.tx_dropped);
	m.arg = net;
	dev_show(&m);
	CHECK(strstr(text, "dummy0:") && strstr(text, "dummy1:"));
	down();
}

TEST(none)
{
	CHECK_EQ(up(0, 0, false), 0);
	down();
}

/* The tunnel to itself: nine times through the driver's door at most, one line, and the packet is dropped there. */
TEST(loop_to_itself_ends_with_one_line)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION];
	struct net_device *dev;
	const char *line;

	CHECK_EQ(up(1, 0, true), 0);
	dev = dev_get_by_name(net, "dummy0");
	for (u32 i = 0; i < 50; i++)
		CHECK_EQ(dev_queue_xmit(packet(dev, 1)), NET_XMIT_SUCCESS);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DEV_RECURSION] - dropped, 50);
	CHECK_EQ(dev->stats.tx_dropped, 50);
	CHECK_EQ(dev->stats.tx_packets, 50 * 8);
	line = strstr(host_console(), "dead loop on virtual device dummy0");
	CHECK(line != NULL);
	down();
}

/* With a queue the run of the discipline that is on the stack takes what comes back: it goes round, and ends by its quota. */
TEST(loop_through_a_queue_does_not_nest)
{
	struct net_device *dev;
	struct Qdisc *q;

	CHECK_EQ(up(1, 1, true), 0);
	dev = dev_get_by_name(net, "dummy0");
	q = dev->_tx[0].qdisc;
	local_bh_disable();
	this_cpu()->need_resched = false;
	CHECK_EQ(dev_queue_xmit(packet(dev, 1)), NET_XMIT_SUCCESS);
	CHECK_EQ(dev->stats.tx_packets, 1 + 64);
	CHECK_EQ(q->qlen, 1);
	CHECK(dev->_tx[0].sched); /* NET_TX's turn */
	this_cpu()->need_resched = true;
	netif_unschedule(&dev->_tx[0]);
	qdisc_run(q);
	CHECK_EQ(dev->stats.tx_packets, 1 + 64 + 1); /* somebody else wants to run */
	netif_tx_stop_queue(&dev->_tx[0]);
	this_cpu()->need_resched = false;
	local_bh_enable();
	down();
}

TEST(flows_are_spread_over_its_queues)
{
	struct net_device *dev;
	u32 used = 0;

	CHECK_EQ(up(1, 4, false), 0);
	dev = dev_get_by_name(net, "dummy0");
	CHECK_EQ(dev->real_num_tx_queues, 4);
	CHECK(!(dev->priv_flags & IFF_NO_QUEUE));
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(dev_queue_xmit(packet(dev, (u8)i)), NET_XMIT_SUCCESS);
	CHECK_EQ(dev->stats.tx_packets, 100);
	for (u32 i = 0; i < 4; i++)
		used += dev->_tx[i].qdisc->packets > 5;
	CHECK_EQ(used, 4);
	down();
}

/* Whole packets are swallowed whole. */
TEST(cuts_nothing)
{
	struct net_device *dev;
	struct sk_buff *skb;
	u8 *page = alloc_page();

	CHECK_EQ(up(1, 0, false), 0);
	dev = dev_get_by_name(net, "dummy0");
	skb = packet(dev, 1);
	CHECK_EQ(skb_add_frag(skb, page, 4000), 0);
	page_put(page);
	skb->transport_header = 32 + 34;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb_shinfo(skb)->gso_size = 1000;
	skb_shinfo(skb)->gso_segs = 4;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	CHECK_EQ(dev_queue_xmit(skb), NET_XMIT_SUCCESS);
	CHECK_EQ(dev->stats.tx_packets, 1);
	CHECK_EQ(dev->stats.tx_bytes, 4060);
	down();
}

TEST(without_memory_there_is_none)
{
	u64 n = 0;
	int err;

	CHECK_EQ(up(0, 0, false), 0);
	do {
		struct dummy_options o = { .devices = 2, .queues = 2 };

		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = ++n };
		faults_armed = true;
		err = dummy_init(net, &o);
		faults_armed = false;
		faults[FAULT_ALLOC].on = false;
		CHECK(!err || err == -ENOMEM);
		if (err)
			CHECK(list_empty(&net->dev_base));
		dummy_exit(net);
	} while (faults[FAULT_ALLOC].hits && n < 50);
	CHECK(n > 6);
	CHECK_EQ(err, 0);
	down();
}

KTEST_MAIN_BOOT()
