// SPDX-License-Identifier: MIT
/*
 * The last stage before the driver: a packet that stands for many is cut when the device cannot, is gathered and summed
 * when the device cannot, keeps its place among the others, and is dropped, counted, when there is no memory for that.
 */
#include <ktest.h>

#include <host.h>
#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/gso.h>
#include <net/sch_generic.h>

#define R(name) SKB_DROP_REASON_##name
#define ALL     (NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO)

static struct {
	u32 taken, room;
	struct {
		u32 len, mark, seq;
		bool gso, partial, linear;
	} got[512];
} drv;
static struct net *net;
static struct net_device *dev;
static struct netdev_queue *txq;
static u32 freed;

static netdev_tx_t t_xmit(struct sk_buff *skb, struct net_device *d)
{
	u32 i = drv.taken;

	if (drv.taken == drv.room) {
		netif_stop_queue(d);
		return NETDEV_TX_BUSY;
	}
	drv.got[i].len = skb->len;
	drv.got[i].mark = skb->mark;
	drv.got[i].seq = skb->len >= 54 ? ntohl(tcp_hdr(skb)->seq) : 0;
	drv.got[i].gso = skb_is_gso(skb);
	drv.got[i].partial = skb->ip_summed == CHECKSUM_PARTIAL;
	drv.got[i].linear = skb->data_len == 0;
	drv.taken++;
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops ops = { .ndo_start_xmit = t_xmit };

static void up(u32 features)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		host_console_quiet(true);
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	dev = alloc_netdev(net, 0, "t%d", 1);
	dev->netdev_ops = &ops;
	dev->features = features;
	txq = &dev->_tx[0];
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_EQ(dev_open(dev), 0);
	memset(&drv, 0, sizeof(drv));
	drv.room = 512;
	freed = 0;
}

static void down(void)
{
	unregister_netdev(dev);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
}

static void on_free(struct sk_buff *skb)
{
	(void)skb;
	freed++;
}

/* @len bytes of payload in pages, to be cut at 1000 each; 0: an ordinary packet of 60 bytes. */
static struct sk_buff *packet(u32 mark, u32 len)
{
	struct sk_buff *skb = alloc_skb(160);
	u8 *p;

	skb_reserve(skb, 64);
	p = skb_put(skb, len ? 54 : 60);
	memset(p, 0, skb->len);
	p[14] = 0x45;
	p[23] = 6;
	p[46] = 0x50;
	skb->dev = dev;
	skb->mark = mark;
	skb->protocol = htons(ETH_P_IP);
	skb->network_header = 64 + 14;
	skb->transport_header = 64 + 34;
	skb->csum_start = 64 + 34;
	skb->csum_offset = 16;
	skb->ip_summed = CHECKSUM_PARTIAL;
	while (len) {
		u32 n = min(len, 4096u);
		u8 *page = alloc_page();

		memset(page, 0, n);
		CHECK_EQ(skb_add_frag(skb, page, n), 0);
		page_put(page);
		len -= n;
		skb_shinfo(skb)->gso_size = 1000;
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	}
	skb_shinfo(skb)->gso_segs = (u16)((skb->data_len + 999) / 1000);
	skb->destructor = on_free;
	return skb;
}

static const struct way_row {
	const char *name;
	u32 features, frames;
	bool partial, linear;
} ways[] = {
	{ "all_offloads", ALL, 1, true, false },
	{ "no_tso", ALL & ~NETIF_F_TSO, 5, true, false },
	{ "no_sums", ALL & ~NETIF_F_HW_CSUM, 5, false, false },
	{ "no_gathering", ALL & ~NETIF_F_SG, 5, true, true },
	{ "nothing", 0, 5, false, true },
};

/* The same 5000 bytes, whatever the device can. */
TEST_EACH(device, ways)
{
	u32 bytes = 0;

	up(row->features);
	CHECK_EQ(dev_queue_xmit(packet(1, 5000)), NET_XMIT_SUCCESS);
	CHECK_EQ(drv.taken, row->frames);
	for (u32 i = 0; i < drv.taken; i++) {
		CHECK_EQ(drv.got[i].seq, bytes);
		CHECK_EQ(drv.got[i].gso, row->frames == 1);
		CHECK_EQ(drv.got[i].partial, row->partial);
		CHECK_EQ(drv.got[i].linear, row->linear);
		bytes += drv.got[i].len - 54;
	}
	CHECK_EQ(bytes, 5000);
	CHECK_EQ(freed, 1);
	down();
}

/* The driver has room for @room segments; nothing of what comes back is overtaken. */
static const struct room_row {
	const char *name;
	u32 room;
} rooms[] = { { "none", 0 }, { "one", 1 }, { "all_of_the_first", 5 }, { "one_of_the_third", 7 } };

TEST_EACH(segments_come_back_in_order, rooms)
{
	up(ALL & ~NETIF_F_TSO);
	drv.room = row->room;
	CHECK_EQ(dev_queue_xmit(packet(0, 5000)), NET_XMIT_SUCCESS);
	CHECK_EQ(dev_queue_xmit(packet(1, 0)), NET_XMIT_SUCCESS);
	CHECK_EQ(dev_queue_xmit(packet(2, 3000)), NET_XMIT_SUCCESS);
	CHECK_EQ(drv.taken, row->room);
	drv.room = 512;
	local_bh_disable();
	netif_wake_queue(dev);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(drv.taken, 9);
	for (u32 i = 0; i < 9; i++) {
		CHECK_EQ(drv.got[i].mark, i < 5 ? 0 : i < 6 ? 1 : 2);
		CHECK_EQ(drv.got[i].seq, i < 5 ? i * 1000 : i < 6 ? 0 : (i - 6) * 1000);
	}
	CHECK_EQ(txq->qdisc->qlen, 0);
	CHECK_EQ(txq->qdisc->backlog, 0);
	CHECK_EQ(freed, 3);
	down();
}

TEST(without_memory_the_whole_packet_is_dropped)
{
	u64 dropped = skb_stats.drop[R(NOMEM)];

	up(ALL & ~NETIF_F_TSO);
	for (u32 at = 1; at <= 10; at++) {
		struct sk_buff *skb = packet(1, 5000);

		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		CHECK_EQ(dev_queue_xmit(skb), NET_XMIT_DROP); /* the sender is told */
		faults[FAULT_ALLOC].on = false;
		faults_armed = false;
		CHECK_EQ(drv.taken, 0);
		CHECK_EQ(dev->stats.tx_dropped, at);
		CHECK_EQ(freed, at);
	}
	CHECK_EQ(skb_stats.drop[R(NOMEM)] - dropped, 10 + 2 * (0 + 1 + 2 + 3 + 4));
	CHECK_EQ(dev_queue_xmit(packet(2, 0)), NET_XMIT_SUCCESS); /* and life goes on */
	CHECK_EQ(drv.taken, 1);
	down();
}

TEST(what_cannot_be_cut_is_dropped)
{
	u64 dropped = skb_stats.drop[R(SKB_GSO_SEG)];
	struct sk_buff *skb;

	up(0);
	skb = packet(1, 5000);
	skb->data[14] = 0x65;
	CHECK_EQ(dev_queue_xmit(skb), NET_XMIT_DROP);
	CHECK_EQ(drv.taken, 0);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(skb_stats.drop[R(SKB_GSO_SEG)] - dropped, 1);
	down();
}

KTEST_MAIN_BOOT()
