// SPDX-License-Identifier: MIT
/* Devices, NAPI, the way up, and the way down through queueing disciplines, with a driver made of a counter. */
#include <ktest.h>

#include <drivers/loopback.h>
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

/* A driver with a ring of @room slots; what it took is kept in order until complete(). */
static struct {
	u32 room, taken, doorbells, timeouts, busy;
	bool lie; /* answers BUSY without having stopped its queue */
	struct sk_buff_head ring;
} drv;
static struct net *net;
static struct net_device *dev;

static netdev_tx_t t_xmit(struct sk_buff *skb, struct net_device *d)
{
	if (drv.ring.qlen == drv.room) {
		drv.busy++;
		if (!drv.lie)
			netif_stop_queue(d);
		return NETDEV_TX_BUSY;
	}
	skb_queue_tail(&drv.ring, skb);
	drv.taken++;
	if (drv.ring.qlen == drv.room && !drv.lie)
		netif_stop_queue(d);
	netdev_defer_doorbell(d);
	return NETDEV_TX_OK;
}

static void t_doorbell(struct net_device *d)
{
	CHECK(in_bh());
	CHECK(!d->doorbell_pending);
	drv.doorbells++;
}

static void complete(u32 n);
static void t_timeout(struct net_device *d)
{
	(void)d;
	drv.timeouts++;
	complete(drv.ring.qlen);
}

static const struct net_device_ops t_ops = { .ndo_start_xmit = t_xmit,
					     .ndo_doorbell = t_doorbell,
					     .ndo_tx_timeout = t_timeout };

static void complete(u32 n)
{
	local_bh_disable();
	while (n--)
		consume_skb(skb_dequeue(&drv.ring));
	netif_wake_queue(dev);
	local_bh_enable();
}

/* Lets the deferred thread do what was handed over to it. */
static void settle(void)
{
	host_clock_advance(NSEC_PER_MSEC);
}

static void up(u32 room)
{
	if (!net) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
		mm_baseline();
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	dev = alloc_etherdev(net, 16);
	dev->netdev_ops = &t_ops;
	dev->features = NETIF_F_SG | NETIF_F_HW_CSUM;
	memset(&drv, 0, sizeof(drv));
	skb_queue_head_init(&drv.ring);
	drv.room = room;
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_STR(dev->name, "eth0");
	CHECK_EQ(dev_open(dev), 0);
	netif_tx_start_all_queues(dev);
}

static void down(void)
{
	unregister_netdev(dev);
	skb_queue_purge_reason(&drv.ring, SKB_DROP_REASON_DRIVER_STOP);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(timers_live(), 0);
	CHECK_EQ(mm_report_leaks(), 0);
}

static struct sk_buff *packet(u32 mark)
{
	struct sk_buff *skb = alloc_skb(100);

	skb_reserve(skb, 40);
	memset(skb_put(skb, 60), 0, 60);
	skb->dev = dev;
	skb->mark = mark;
	skb->protocol = htons(ETH_P_IP);
	return skb;
}

/* What the driver took came in the order of the marks, from @first on. */
static void in_order(u32 first)
{
	struct sk_buff *skb;

	skb_queue_walk(&drv.ring, skb)
		CHECK_EQ(skb->mark, first++);
}

TEST(idle_queue_is_bypassed_and_rings_once_per_burst)
{
	struct Qdisc *q;

	up(64);
	q = dev->_tx[0].qdisc;
	CHECK_STR(q->ops->id, "pfifo_fast");
	CHECK_EQ(dev_queue_xmit(packet(0)), 0);
	CHECK_EQ(drv.doorbells, 1);
	local_bh_disable();
	for (u32 i = 1; i < 11; i++)
		CHECK_EQ(dev_queue_xmit(packet(i)), 0);
	CHECK_EQ(drv.doorbells, 1);
	local_bh_enable();
	CHECK_EQ(drv.doorbells, 2);
	CHECK_EQ(q->bypass, 11);
	CHECK_EQ(q->packets, 11);
	CHECK_EQ(q->bytes, 660);
	in_order(0);
	down();
}

TEST(full_ring_queues_and_goes_on_in_order)
{
	struct Qdisc *q;
	u32 next = 0;

	up(8);
	q = dev->_tx[0].qdisc;
	for (u32 i = 0; i < 200; i++)
		CHECK_EQ(dev_queue_xmit(packet(i)), 0);
	CHECK_EQ(drv.taken, 8);
	CHECK_EQ(q->qlen, 192);
	while (drv.ring.qlen) {
		in_order(next);
		next += 3;
		complete(drv.ring.qlen < 3 ? drv.ring.qlen : 3);
		settle();
	}
	CHECK_EQ(drv.taken, 200);
	CHECK_EQ(q->qlen, 0);
	CHECK_EQ(q->backlog, 0);
	CHECK_EQ(q->packets, 200);
	CHECK(q->requeues > 0);
	CHECK_EQ(drv.busy, 0);
	down();
}

TEST(busy_driver_keeps_order_too)
{
	struct Qdisc *q;

	up(5);
	q = dev->_tx[0].qdisc;
	drv.lie = true;
	local_bh_disable();
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(qdisc_xmit(q, packet(i)), 0);
	CHECK(drv.busy > 0);
	CHECK_EQ(q->qlen, 15);
	in_order(0);
	drv.room = 100;
	local_bh_enable();
	settle();
	CHECK_EQ(drv.taken, 20);
	in_order(0);
	down();
}

TEST(a_run_is_64_packets)
{
	u64 runs;

	up(8);
	for (u32 i = 0; i < 208; i++)
		dev_queue_xmit(packet(i));
	runs = this_cpu()->softirq_runs[NET_TX_SOFTIRQ];
	drv.room = 1000;
	complete(0);
	settle();
	CHECK_EQ(drv.taken, 208);
	CHECK(this_cpu()->softirq_runs[NET_TX_SOFTIRQ] - runs >= 4); /* 200 in runs of 64 */
	in_order(0);
	down();
}

TEST(bands_and_limit)
{
	u64 dropped = skb_stats.drop[SKB_DROP_REASON_QDISC_DROP];
	struct sk_buff *skb;

	up(1);
	CHECK_EQ(dev_queue_xmit(packet(0)), 0);
	for (u32 i = 0; i < 1000; i++)
		CHECK_EQ(dev_queue_xmit(packet(100)), NET_XMIT_SUCCESS);
	CHECK_EQ(dev_queue_xmit(packet(100)), NET_XMIT_DROP);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_QDISC_DROP], dropped + 1);
	skb = packet(1);
	skb->priority = 6;
	CHECK_EQ(dev_queue_xmit(skb),
		 NET_XMIT_SUCCESS); /* a band of its own, and the first to go */
	complete(1);
	settle();
	in_order(1);
	CHECK_EQ(dev->_tx[0].qdisc->drops, 1);
	down();
}

TEST(no_link_holds_packets)
{
	up(64);
	netif_carrier_off(dev);
	CHECK(!(dev->flags & IFF_RUNNING));
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(dev_queue_xmit(packet(i)), 0);
	CHECK_EQ(drv.taken, 0);
	local_bh_disable();
	netif_carrier_on(dev);
	local_bh_enable();
	settle();
	CHECK_EQ(drv.taken, 5);
	in_order(0);
	down();
}

TEST(down_device_drops_as_a_congested_one)
{
	up(64);
	dev_close(dev);
	CHECK_EQ(dev_queue_xmit(packet(0)), NET_XMIT_CN);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(dev_queue_xmit(packet(0)), 0);
	CHECK_EQ(dev_set_mtu(dev, 67), -EINVAL);
	CHECK_EQ(dev_set_mtu(dev, 1400), 0);
	down();
}

TEST(watchdog_wakes_a_queue_that_stands_still)
{
	up(2);
	for (u32 i = 0; i < 4; i++)
		dev_queue_xmit(packet(i));
	host_clock_advance(4 * NSEC_PER_SEC);
	CHECK_EQ(drv.timeouts, 0);
	host_clock_advance(3 * NSEC_PER_SEC);
	CHECK_EQ(drv.timeouts, 1);
	CHECK_EQ(dev->_tx[0].trans_timeout, 1);
	CHECK_EQ(drv.taken, 4);
	down();
}

TEST(what_the_device_cannot_is_done_before)
{
	struct sk_buff *skb;
	u8 *page;

	up(8);
	dev->features = 0;
	skb = packet(0);
	page = alloc_page();
	memset(page, 5, 50);
	skb_add_frag(skb, page, 50);
	page_put(page);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = 60;
	skb->csum_offset = 16;
	CHECK_EQ(dev_queue_xmit(skb), 0);
	CHECK_EQ(drv.taken, 1);
	CHECK_EQ(skb_peek(&drv.ring)->data_len, 0);
	CHECK_EQ(skb_peek(&drv.ring)->ip_summed, CHECKSUM_NONE);
	down();
}

static u16 pick_tx(struct net_device *d, struct sk_buff *skb)
{
	u16 queue;

	local_bh_disable();
	queue = netdev_pick_tx(d, skb);
	local_bh_enable();
	return queue;
}

TEST(flows_spread_over_queues)
{
	struct net_device *many;
	u32 hits[4] = { 0 };

	up(8);
	many = alloc_netdev(net, 0, "many%d", 4);
	for (u32 i = 0; i < 4000; i++) {
		struct sk_buff *skb = packet(0);
		u16 pick;

		skb->network_header = 40;
		skb->data[0] = 0x45;
		skb->data[9] = 17;
		skb->data[20] = (u8)(i >> 8);
		skb->data[21] = (u8)i;
		pick = pick_tx(many, skb);
		CHECK_EQ(pick_tx(many, skb), pick);
		CHECK(pick < 4);
		hits[pick & 3]++;
		consume_skb(skb);
	}
	for (u32 i = 0; i < 4; i++)
		CHECK(hits[i] > 850 && hits[i] < 1150);
	free_netdev(many);
	down();
}

/* --- The way up --------------------------------------------------------------------------------------------------- */
static u32 received, nested;
static bool receiving;

static void t_rcv(struct sk_buff *skb, struct net_device *d)
{
	nested += receiving;
	receiving = true;
	received++;
	if (d == net->loopback_dev && skb->mark) { /* answers: must not come back on this stack */
		struct sk_buff *answer = packet(skb->mark - 1);

		answer->dev = d;
		CHECK_EQ(dev_queue_xmit(answer), 0);
	}
	CHECK_EQ(skb->network_header, skb->data - skb->head);
	consume_skb(skb);
	receiving = false;
}

static struct sk_buff *frame(u8 first, u16 type)
{
	struct sk_buff *skb = packet(0);

	memset(skb->data, first, 6);
	skb->data[12] = (u8)(type >> 8);
	skb->data[13] = (u8)type;
	skb->protocol = eth_type_trans(skb, dev);
	return skb;
}

static void receive(struct sk_buff *skb)
{
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

TEST(frames_find_their_receiver)
{
	u64 other = skb_stats.drop[SKB_DROP_REASON_OTHERHOST];
	u64 unknown = skb_stats.drop[SKB_DROP_REASON_UNHANDLED_PROTO];

	up(8);
	received = 0;
	memset(dev->dev_addr, 2, 6);
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), t_rcv), 0);
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), t_rcv), -EEXIST);
	receive(frame(2, ETH_P_IP));
	receive(frame(0xff, ETH_P_IP));
	receive(frame(1, ETH_P_IP));
	CHECK_EQ(received, 3);
	CHECK_EQ(dev->stats.multicast, 1);
	receive(frame(4, ETH_P_IP));
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_OTHERHOST], other + 1);
	receive(frame(2, 0x1234));
	receive(frame(2, 100)); /* 802.3 length */
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_UNHANDLED_PROTO], unknown + 2);
	CHECK_EQ(received, 3);
	dev_remove_pack(net, htons(ETH_P_IP));
	receive(frame(2, ETH_P_IP));
	CHECK_EQ(received, 3);
	down();
}

TEST(ethernet_header)
{
	struct sk_buff *skb;
	const u8 to[6] = { 2, 1, 2, 3, 4, 5 };

	up(8);
	memset(dev->dev_addr, 2, 6);
	skb = packet(0);
	CHECK_EQ(dev->header_ops->create(skb, dev, ETH_P_ARP, NULL, NULL), -EDESTADDRREQ);
	CHECK_EQ(skb->len, 60);
	CHECK_EQ(dev->header_ops->create(skb, dev, ETH_P_ARP, to, NULL), 14);
	CHECK(memcmp(skb->data, "\2\1\2\3\4\5\2\2\2\2\2\2\10\6", 14) == 0);
	skb->protocol = eth_type_trans(skb, dev);
	CHECK_EQ(skb->protocol, htons(ETH_P_ARP));
	CHECK_EQ(skb->pkt_type, PACKET_OTHERHOST);
	CHECK_EQ(skb->len, 60);
	consume_skb(skb);
	down();
}

TEST(loopback_never_nests)
{
	struct sk_buff *skb;
	u64 dropped;

	up(8);
	received = nested = 0;
	CHECK_EQ(loopback_init(net), 0);
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), t_rcv), 0);
	skb = packet(500);
	skb->dev = net->loopback_dev;
	CHECK_EQ(dev_queue_xmit(skb), 0);
	host_clock_advance(NSEC_PER_MSEC); /* what the deferred thread got */
	CHECK_EQ(received, 501);
	CHECK_EQ(nested, 0);
	CHECK_EQ(net->loopback_dev->stats.rx_packets, 501);
	CHECK_EQ(net->loopback_dev->_tx[0].qdisc->packets, 0);
	dropped = this_cpu()->softnet->dropped;
	local_bh_disable();
	for (u32 i = 0; i < 1003; i++) {
		skb = packet(0);
		skb->dev = net->loopback_dev;
		dev_queue_xmit(skb);
	}
	CHECK_EQ(this_cpu()->softnet->dropped - dropped, 3);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(received, 1501);
	local_bh_disable(); /* goes with packets in the backlog */
	skb = packet(0);
	skb->dev = net->loopback_dev;
	dev_queue_xmit(skb);
	netif_flush_backlog(net->loopback_dev);
	local_bh_enable();
	CHECK_EQ(received, 1501);
	loopback_exit(net);
	down();
}

/* --- NAPI --------------------------------------------------------------------------------------------------------------- */
static struct napi_struct napi[2];
static u32 work_left[2], polled;
static bool ask_again;

static int t_poll(struct napi_struct *n, int budget)
{
	u32 *left = &work_left[n - napi];
	int work = (int)min(*left, (u32)budget);

	polled++;
	*left -= (u32)work;
	if (work == budget)
		return work;
	if (ask_again) {
		ask_again = false;
		CHECK(!napi_schedule(n));
		CHECK(!napi_complete_done(n, work));
	} else {
		(void)napi_complete_done(n, work);
	}
	return work;
}

TEST(napi_budget_and_turns)
{
	u64 squeeze = this_cpu()->softnet->time_squeeze;

	up(8);
	for (u32 i = 0; i < 2; i++) {
		netif_napi_add(dev, &napi[i], t_poll, 64);
		CHECK(!napi_schedule(&napi[i])); /* disabled */
		napi_enable(&napi[i]);
	}
	polled = 0;
	work_left[0] = 10;
	local_bh_disable();
	CHECK(napi_schedule(&napi[0]));
	CHECK(!napi_schedule(&napi[0]));
	local_bh_enable();
	settle();
	CHECK_EQ(polled, 2); /* asked twice: once more, to be sure */
	CHECK(!napi[0].scheduled);
	CHECK_EQ(work_left[0], 0);

	work_left[0] = 1000;
	work_left[1] = 1000;
	local_bh_disable();
	napi_schedule(&napi[0]);
	napi_schedule(&napi[1]);
	net_rx_action();
	CHECK_EQ(work_left[0], 1000 - 64); /* one turn each, then the round is over */
	CHECK_EQ(work_left[1], 1000 - 64);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(work_left[0] + work_left[1], 0);
	CHECK_EQ(this_cpu()->softnet->time_squeeze, squeeze);

	host_clock_per_call(5 * NSEC_PER_MSEC); /* a slow poll: the limit of 8 ms */
	local_bh_disable();
	work_left[0] = work_left[1] = 64;
	napi_schedule(&napi[0]);
	napi_schedule(&napi[1]);
	net_rx_action();
	host_clock_per_call(0);
	CHECK_EQ(this_cpu()->softnet->time_squeeze, squeeze + 1);
	local_bh_enable();

	ask_again = true;
	polled = 0;
	napi_schedule(&napi[0]);
	host_clock_advance(NSEC_PER_MSEC);
	CHECK(polled >= 2);
	for (u32 i = 0; i < 2; i++) {
		napi_schedule(&napi[i]);
		napi_disable(&napi[i]);
		CHECK(!napi[i].scheduled);
		netif_napi_del(&napi[i]);
	}
	down();
}

TEST(pages)
{
	struct seq_file m = { .buf = malloc(4096), .size = 4096 };

	up(8);
	dev_queue_xmit(packet(0));
	m.buf[0] = 0;
	m.arg = net;
	dev_show(&m);
	CHECK(strstr(m.buf, "\n  eth0:       0       0 "));
	qdisc_show(&m);
	CHECK(strstr(m.buf, "qdisc pfifo_fast 0: dev eth0 root bands 3 priomap 1 2 2"));
	softnet_stat_show(&m);
	free(m.buf);
	down();
}

KTEST_MAIN_BOOT()
