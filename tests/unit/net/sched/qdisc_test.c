// SPDX-License-Identifier: MIT
/*
 * Queueing disciplines as tables: bands, limits, what a driver that is full gets back and in which order, quotas, the
 * watchdog, and the life of a discipline with its device. The driver is a ring of so many slots.
 */
#include <ktest.h>

#include <host.h>
#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/dst.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>

#define R(name) SKB_DROP_REASON_##name

static struct {
	u32 room, taken, timeouts, calls;
	bool lie; /* BUSY without stopping the queue */
	u32 marks[512];
} drv;
static struct net *net;
static struct net_device *dev;
static struct netdev_queue *txq;

static netdev_tx_t t_xmit(struct sk_buff *skb, struct net_device *d)
{
	drv.calls++;
	if (drv.taken == drv.room) {
		if (!drv.lie)
			netif_stop_queue(d);
		return NETDEV_TX_BUSY;
	}
	drv.marks[drv.taken++ % 512] = skb->mark;
	consume_skb(skb);
	if (drv.taken == drv.room && !drv.lie)
		netif_stop_queue(d);
	return NETDEV_TX_OK;
}

static void t_timeout(struct net_device *d)
{
	(void)d;
	drv.timeouts++;
}

static const struct net_device_ops t_ops = { .ndo_start_xmit = t_xmit,
					     .ndo_tx_timeout = t_timeout };
static const struct net_device_ops blind_ops = { .ndo_start_xmit = t_xmit };

static void up_with(const struct net_device_ops *ops, u32 room, u32 queues, u32 len, u32 priv_flags)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
		host_console_quiet(true);
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	dev = alloc_netdev(net, 0, "dummy%d", queues);
	dev->netdev_ops = ops;
	dev->features = NETIF_F_SG | NETIF_F_HW_CSUM;
	dev->tx_queue_len = len;
	dev->priv_flags = priv_flags;
	memset(&drv, 0, sizeof(drv));
	drv.room = room;
	txq = &dev->_tx[0];
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_EQ(dev_open(dev), 0);
}

static void up(u32 room)
{
	up_with(&t_ops, room, 1, 1000, 0);
}

static void down(void)
{
	unregister_netdev(dev);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
	CHECK(!this_cpu()->softnet->output_queue);
}

static struct sk_buff *packet(u32 mark, u32 priority)
{
	struct sk_buff *skb = alloc_skb(100);

	skb_reserve(skb, 40);
	memset(skb_put(skb, 50), 0, 50);
	skb->dev = dev;
	skb->mark = mark;
	skb->priority = priority;
	skb->protocol = htons(ETH_P_IP);
	return skb;
}

static u16 pick_tx(struct net_device *d, struct sk_buff *skb)
{
	u16 queue;

	local_bh_disable();
	queue = netdev_pick_tx(d, skb);
	local_bh_enable();
	return queue;
}

static void settle(void)
{
	host_clock_advance(NSEC_PER_MSEC);
}

/* Room for @room in all, and the queue wakes. */
static void wake(u32 room)
{
	drv.room = room;
	local_bh_disable();
	netif_wake_queue(dev);
	local_bh_enable();
	settle();
}

/* --- pfifo_fast --------------------------------------------------------------------------------------------------------- */

/* The place of a packet between one of band 0, one of band 1 and one of band 2 which all came before it. */
static const struct priority_row {
	const char *name;
	u32 priority, band;
} priorities[] = {
	{ "best_effort", 0, 1 },   { "filler", 1, 2 },           { "bulk", 2, 2 },
	{ "bulk_reserved", 3, 2 }, { "reserved_4", 4, 1 },       { "interactive_bulk", 5, 2 },
	{ "interactive", 6, 0 },   { "control", 7, 0 },          { "eight", 8, 1 },
	{ "fifteen", 15, 1 },      { "sixteen_is_zero", 16, 1 }, { "twenty_two_is_six", 22, 0 },
	{ "all_bits", ~0u, 1 },
};

TEST_EACH(band, priorities)
{
	u32 at = 99;

	up(0);
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(dev_queue_xmit(packet(2, 2)), 0);
	CHECK_EQ(dev_queue_xmit(packet(1, 0)), 0);
	CHECK_EQ(dev_queue_xmit(packet(0, 6)), 0);
	CHECK_EQ(dev_queue_xmit(packet(77, row->priority)), 0);
	CHECK_EQ(txq->qdisc->qlen, 4);
	CHECK_EQ(txq->qdisc->backlog, 200);
	wake(100);
	CHECK_EQ(drv.taken, 4);
	for (u32 i = 0; i < 4; i++)
		if (drv.marks[i] == 77)
			at = i;
	CHECK_EQ(at, row->band + 1); /* right behind the one of its band */
	CHECK_EQ(txq->qdisc->qlen, 0);
	CHECK_EQ(txq->qdisc->backlog, 0);
	down();
}

static const struct limit_row {
	const char *name;
	u32 limit, sent, queued;
} limits[] = {
	{ "of_0", 0, 3, 0 },       { "of_1", 1, 3, 1 },         { "one_below", 10, 9, 9 },
	{ "reached", 10, 10, 10 }, { "one_above", 10, 11, 10 }, { "far_above", 10, 100, 10 },
};

TEST_EACH(limit, limits)
{
	u64 dropped = skb_stats.drop[R(QDISC_DROP)];

	up_with(&t_ops, 0, 1, row->limit, 0);
	netif_tx_stop_all_queues(dev);
	for (u32 i = 0; i < row->sent; i++)
		CHECK_EQ(dev_queue_xmit(packet(i, 0)),
			 i < row->limit ? NET_XMIT_SUCCESS : NET_XMIT_DROP);
	CHECK_EQ(txq->qdisc->qlen, row->queued);
	CHECK_EQ(txq->qdisc->drops, row->sent - row->queued);
	CHECK_EQ(skb_stats.drop[R(QDISC_DROP)] - dropped, row->sent - row->queued);
	/* Another band has a limit of its own. */
	CHECK_EQ(dev_queue_xmit(packet(0, 6)), row->limit ? NET_XMIT_SUCCESS : NET_XMIT_DROP);
	wake(200);
	CHECK_EQ(drv.taken, row->queued + (row->limit != 0)); /* the newest were dropped */
	for (u32 i = 0; i < row->queued; i++)
		CHECK_EQ(drv.marks[i + 1], i);
	down();
}

/* --- A driver that is full in mid-list ------------------------------------------------------------------------------------- */

/* 20 packets wait; the driver takes @room of them, stops or lies, and gets room for all. */
static const struct room_row {
	const char *name;
	u32 room;
	bool lie;
	u32 requeued; /* of the list of 8 (the last: 4) that it broke off */
} rooms[] = {
	{ "takes_none", 0, false, 8 },        { "takes_one", 1, false, 7 },
	{ "seven_of_eight", 7, false, 1 },    { "a_whole_list", 8, false, 0 },
	{ "one_of_the_second", 9, false, 7 }, { "two_lists", 16, false, 0 },
	{ "all_but_one", 19, false, 1 },      { "all", 20, false, 0 },
	{ "lies_at_once", 0, true, 8 },       { "lies_in_mid_list", 5, true, 3 },
	{ "lies_between_lists", 8, true, 8 }, { "lies_at_the_last", 19, true, 1 },
};

TEST_EACH(driver, rooms)
{
	struct Qdisc *q;

	up(0);
	q = txq->qdisc;
	netif_tx_stop_all_queues(dev);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(dev_queue_xmit(packet(i, 0)), 0);
	drv.lie = row->lie;
	drv.room = row->room;
	local_bh_disable();
	netif_tx_start_all_queues(dev);
	qdisc_run(q);
	CHECK_EQ(drv.taken, row->room);
	CHECK_EQ(q->qlen, 20 - row->room);
	CHECK_EQ(q->backlog, 50 * (20 - row->room));
	CHECK_EQ(q->requeue.qlen, row->requeued);
	drv.lie = false;
	drv.room = 1000;
	local_bh_enable();
	wake(1000);
	CHECK_EQ(drv.taken, 20);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(drv.marks[i], i);
	CHECK_EQ(q->qlen + q->backlog + q->requeue.qlen, 0);
	CHECK_EQ(q->packets, 20); /* each counted once, however often it was tried */
	CHECK_EQ(q->bytes, 1000);
	down();
}

/* What came back goes before a packet of a better band. */
TEST(requeued_before_any_band)
{
	up(0);
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(dev_queue_xmit(packet(1, 2)), 0);
	drv.lie = true;
	local_bh_disable();
	netif_tx_start_all_queues(dev);
	qdisc_run(txq->qdisc);
	CHECK_EQ(txq->qdisc->requeue.qlen, 1);
	CHECK_EQ(qdisc_xmit(txq->qdisc, packet(2, 6)), 0);
	drv.lie = false;
	drv.room = 10;
	local_bh_enable();
	settle();
	CHECK_EQ(drv.taken, 2);
	CHECK_EQ(drv.marks[0], 1);
	CHECK_EQ(drv.marks[1], 2);
	down();
}

/* --- The route ---------------------------------------------------------------------------------------------------------------- */

static struct {
	bool there, counted;
	u32 refs;
} route_seen;

static netdev_tx_t route_xmit(struct sk_buff *skb, struct net_device *d)
{
	route_seen.there = skb_dst(skb) != NULL;
	route_seen.counted = route_seen.there && !(skb->_skb_refdst & 1);
	route_seen.refs = route_seen.there ? skb_dst(skb)->refs : 0;
	return t_xmit(skb, d);
}

static void no_destroy(struct dst_entry *dst)
{
	(void)dst;
	CHECK(false);
}

/* A device that needs no route gives it back at once; with another the packet holds a reference of its own. */
static const struct route_row {
	const char *name;
	u32 priv_flags;
	bool lent, stopped;
	bool there;
} routes[] = {
	{ "lent_and_given_back", IFF_XMIT_DST_RELEASE, true, false, false },
	{ "counted_and_given_back", IFF_XMIT_DST_RELEASE, false, false, false },
	{ "given_back_before_it_waits", IFF_XMIT_DST_RELEASE, true, true, false },
	{ "lent_and_kept", 0, true, false, true },
	{ "counted_and_kept", 0, false, false, true },
	{ "kept_while_it_waits", 0, true, true, true },
	{ "without_a_queue_given_back", IFF_XMIT_DST_RELEASE | IFF_NO_QUEUE, true, false, false },
	{ "without_a_queue_kept", IFF_NO_QUEUE, true, false, true },
};

TEST_EACH(route, routes)
{
	static const struct net_device_ops ops = { .ndo_start_xmit = route_xmit };
	static const struct dst_ops dst_ops = { .destroy = no_destroy };
	struct dst_entry dst = { .ops = &dst_ops, .refs = 1 };
	struct sk_buff *skb;

	up_with(&ops, 10, 1, 10, row->priv_flags);
	if (row->stopped)
		netif_tx_stop_all_queues(dev);
	local_bh_disable();
	skb = packet(1, 0);
	if (row->lent)
		skb_dst_set_noref(skb, &dst);
	else
		skb_dst_set(skb, dst_hold(&dst));
	CHECK_EQ(dev_queue_xmit(skb), 0);
	if (row->stopped)
		CHECK_EQ(dst.refs, 1 + row->there);
	local_bh_enable();
	if (row->stopped)
		wake(10);
	CHECK_EQ(drv.taken, 1);
	CHECK_EQ(route_seen.there, row->there);
	CHECK_EQ(route_seen.counted, row->there);
	CHECK_EQ(route_seen.refs, row->there ? 2 : 0);
	CHECK_EQ(dst.refs, 1);
	down();
}

/* --- Quota ------------------------------------------------------------------------------------------------------------------ */

static const struct quota_row {
	const char *name;
	u32 waiting, first_run;
	bool rest;
} quotas[] = {
	{ "one", 1, 1, false },          { "sixty_three", 63, 63, false },
	{ "sixty_four", 64, 64, false }, { "sixty_five", 65, 64, true },
	{ "two_runs", 128, 64, true },   { "two_hundred", 200, 64, true },
};

TEST_EACH(quota, quotas)
{
	struct Qdisc *q;

	up(0);
	q = txq->qdisc;
	netif_tx_stop_all_queues(dev);
	for (u32 i = 0; i < row->waiting; i++)
		CHECK_EQ(dev_queue_xmit(packet(i, 0)), 0);
	drv.room = 1000;
	local_bh_disable();
	netif_tx_start_all_queues(dev);
	qdisc_run(q);
	CHECK_EQ(drv.taken, row->first_run);
	CHECK_EQ(txq->sched, row->rest);
	local_bh_enable();
	settle();
	CHECK_EQ(drv.taken, row->waiting);
	for (u32 i = 0; i < row->waiting; i++)
		CHECK_EQ(drv.marks[i], i);
	down();
}

/* One list goes, then whoever waits has the CPU; NET_TX sends the rest. */
TEST(a_run_ends_when_somebody_needs_the_cpu)
{
	struct Qdisc *q;

	up(0);
	q = txq->qdisc;
	netif_tx_stop_all_queues(dev);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(dev_queue_xmit(packet(i, 0)), 0);
	drv.room = 1000;
	local_bh_disable();
	netif_tx_start_all_queues(dev);
	this_cpu()->need_resched = true;
	qdisc_run(q);
	this_cpu()->need_resched = false;
	CHECK_EQ(drv.taken, 8);
	CHECK(txq->sched);
	local_bh_enable();
	settle();
	CHECK_EQ(drv.taken, 20);
	down();
}

TEST(running_already_is_left_to_that_run)
{
	struct Qdisc *q;

	up(100);
	q = txq->qdisc;
	local_bh_disable();
	q->running = true; /* further down this stack */
	CHECK_EQ(qdisc_xmit(q, packet(1, 0)), 0);
	CHECK_EQ(q->qlen, 1); /* no way past those who run */
	qdisc_run(q);
	CHECK_EQ(drv.taken, 0);
	q->running = false;
	qdisc_run(q);
	CHECK_EQ(drv.taken, 1);
	local_bh_enable();
	down();
}

/* --- Past the queue ---------------------------------------------------------------------------------------------------------- */

static const struct bypass_row {
	const char *name;
	bool waiting, stopped, no_link, may_not;
	bool past;
} bypasses[] = {
	{ "idle", false, false, false, false, true },
	{ "others_wait", true, false, false, false, false },
	{ "stopped", false, true, false, false, false },
	{ "no_link", false, false, true, false, false },
	{ "discipline_wants_to_see_all", false, false, false, true, false },
};

TEST_EACH(bypass, bypasses)
{
	struct Qdisc *q;

	up(100);
	q = txq->qdisc;
	if (row->waiting) {
		netif_tx_stop_all_queues(dev);
		CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
		netif_tx_start_all_queues(dev);
	}
	if (row->stopped)
		netif_tx_stop_all_queues(dev);
	if (row->no_link)
		netif_carrier_off(dev);
	if (row->may_not)
		q->can_bypass = false;
	CHECK_EQ(dev_queue_xmit(packet(1, 0)), 0);
	CHECK_EQ(q->bypass, row->past);
	CHECK_EQ(q->qlen, row->stopped || row->no_link);
	CHECK_EQ(drv.taken, row->stopped || row->no_link ? 0 : 1 + row->waiting);
	netif_carrier_on(dev);
	wake(100);
	CHECK_EQ(drv.taken, 1 + row->waiting);
	down();
}

TEST(a_refused_bypass_is_requeued)
{
	up(0);
	CHECK_EQ(dev_queue_xmit(packet(1, 0)), 0); /* the driver stops at once */
	CHECK_EQ(txq->qdisc->bypass, 1);
	CHECK_EQ(txq->qdisc->requeue.qlen, 1);
	CHECK_EQ(txq->qdisc->requeues, 1);
	wake(5);
	CHECK_EQ(drv.taken, 1);
	down();
}

/* --- Fit for the device --------------------------------------------------------------------------------------------------------- */

static struct sk_buff *paged(u32 mark, bool partial)
{
	struct sk_buff *skb = packet(mark, 0);
	u8 *page = alloc_page();

	memset(page, 5, 200); /* more than the tail has room for */
	CHECK_EQ(skb_add_frag(skb, page, 200), 0);
	page_put(page);
	if (partial) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = 40;
		skb->csum_offset = 16;
	}
	return skb;
}

static const struct feature_row {
	const char *name;
	u32 features;
	bool linear, summed;
} features[] = {
	{ "none", 0, true, true },
	{ "scatter_gather", NETIF_F_SG, false, true },
	{ "checksum", NETIF_F_HW_CSUM, true, false },
	{ "both", NETIF_F_SG | NETIF_F_HW_CSUM, false, false },
};

TEST_EACH(device_with, features)
{
	struct sk_buff *skb;

	up(10);
	dev->features = row->features;
	local_bh_disable();
	skb = validate_xmit_skb_list(paged(1, true), dev);
	local_bh_enable();
	CHECK(skb != NULL);
	CHECK_EQ(skb->data_len == 0, row->linear);
	CHECK_EQ(skb->ip_summed == CHECKSUM_NONE, row->summed);
	CHECK_EQ(skb->len, 250);
	consume_skb(skb);
	down();
}

/* Three in a list; memory for the @nth is not there. */
static const struct lost_row {
	const char *name;
	u64 nth;
	u32 left[3];
} losts[] = {
	{ "first", 1, { 2, 3, 0 } },
	{ "middle", 2, { 1, 3, 0 } },
	{ "last", 3, { 1, 2, 0 } },
};

TEST_EACH(no_memory_for_the, losts)
{
	u64 nomem = skb_stats.drop[R(NOMEM)];
	struct sk_buff *list, *next;

	up(10);
	dev->features = 0;
	list = paged(1, false);
	list->next = paged(2, false);
	list->next->next = paged(3, false);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = row->nth };
	faults_armed = true;
	local_bh_disable();
	list = validate_xmit_skb_list(list, dev);
	local_bh_enable();
	faults_armed = false;
	for (u32 i = 0; i < 3 && list; i++) {
		CHECK_EQ(list->mark, row->left[i]);
		next = list->next;
		list->next = NULL;
		consume_skb(list);
		list = next;
	}
	CHECK(!list);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(skb_stats.drop[R(NOMEM)] - nomem, 1);
	down();
}

TEST(no_memory_on_the_way_past_the_queue)
{
	up(10);
	dev->features = 0;
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 2 };
	{
		struct sk_buff *skb = paged(1, false);

		faults[FAULT_ALLOC].at = 1;
		faults[FAULT_ALLOC].seen = 0;
		faults_armed = true;
		CHECK_EQ(dev_queue_xmit(skb), NET_XMIT_DROP); /* counted, and its sender told */
		faults_armed = false;
	}
	CHECK_EQ(drv.taken, 0);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(dev_queue_xmit(paged(2, false)), 0);
	CHECK_EQ(drv.taken, 1);
	down();
}

TEST(no_memory_without_a_queue_is_told)
{
	struct sk_buff *skb;

	up_with(&t_ops, 10, 1, 10, IFF_NO_QUEUE);
	dev->features = 0;
	skb = paged(1, false);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK_EQ(dev_queue_xmit(skb), -ENOMEM);
	faults_armed = false;
	CHECK_EQ(dev->stats.tx_dropped, 1);
	down();
}

/* --- Which queue -------------------------------------------------------------------------------------------------------------------- */

/* Two packets that differ in one thing: do they spread over 64 queues, or always go together? */
static const struct pick_row {
	const char *name;
	u8 at;    /* byte of the IP packet that varies */
	u16 frag; /* both are this fragment */
	bool spread;
} picks[] = {
	{ "source", 15, 0, true },
	{ "destination", 19, 0, true },
	{ "protocol", 9, 0, true },
	{ "source_port", 21, 0, true },
	{ "destination_port", 23, 0, true },
	{ "behind_the_ports", 24, 0, false },
	{ "service", 1, 0, false },
	{ "identification", 5, 0, false },
	{ "ttl", 8, 0, false },
	{ "ports_of_a_fragment", 21, 0x2000, false },
	{ "ports_of_a_later_fragment", 21, 0x0010, false },
	{ "source_of_a_fragment", 15, 0x2000, true },
};

TEST_EACH(pick_by, picks)
{
	struct net_device *many;
	u16 first = 0, differ = 0;

	up(10);
	many = alloc_netdev(net, 0, "many%d", 64);
	for (u32 i = 0; i < 64; i++) {
		struct sk_buff *skb = packet(0, 0);
		u16 pick;

		skb->network_header = 40;
		skb->data[0] = 0x45;
		skb->data[6] = (u8)(row->frag >> 8);
		skb->data[7] = (u8)row->frag;
		skb->data[row->at] = (u8)i;
		pick = pick_tx(many, skb);
		CHECK(pick < 64);
		first = i ? first : pick;
		differ += pick != first;
		consume_skb(skb);
	}
	CHECK_EQ(differ > 40, row->spread);
	if (!row->spread)
		CHECK_EQ(differ, 0);
	free_netdev(many);
	down();
}

TEST(pick_of_what_is_no_ip)
{
	struct net_device *many;
	struct sk_buff *skb;

	up(10);
	many = alloc_netdev(net, 0, "many%d", 64);
	skb = packet(0, 0);
	skb->network_header = 40;
	skb->protocol = htons(ETH_P_ARP);
	CHECK_EQ(pick_tx(many, skb), 0);
	skb->protocol = htons(ETH_P_IP);
	skb->network_header = 30; /* in front of the data: nobody set it */
	CHECK_EQ(pick_tx(many, skb), 0);
	skb->network_header = 40;
	skb_trim(skb, 19);
	CHECK_EQ(pick_tx(many, skb), 0);
	skb->hash = 0x80000000; /* somebody knows better */
	CHECK_EQ(pick_tx(many, skb), 32);
	skb->hash = 0xffffffff;
	CHECK_EQ(pick_tx(many, skb), 63);
	CHECK_EQ(pick_tx(dev, skb), 0); /* one queue: no question */
	consume_skb(skb);
	free_netdev(many);
	down();
}

/* --- The watchdog ------------------------------------------------------------------------------------------------------------------------ */

static const struct watchdog_row {
	const char *name;
	bool stopped, no_link, close;
	u32 timeo_ms;
	u64 wait_ms;
	u32 timeouts;
} watchdogs[] = {
	{ "running_queue", false, false, false, 5000, 60000, 0 },
	{ "before_its_time", true, false, false, 5000, 4990, 0 },
	{ "in_time", true, false, false, 5000, 5100, 1 },
	{ "again_and_again", true, false, false, 1000, 5100, 5 },
	{ "without_a_link", true, true, false, 5000, 60000, 0 },
	{ "after_the_end", true, false, true, 5000, 60000, 0 },
};

TEST_EACH(watchdog, watchdogs)
{
	up_with(&t_ops, 1, 1, 1000, 0);
	dev_close(dev);
	dev->watchdog_timeo_ms = row->timeo_ms;
	CHECK_EQ(dev_open(dev), 0);
	if (row->stopped)
		CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0); /* fills the ring: stopped */
	CHECK_EQ(txq->stopped, row->stopped);
	if (row->no_link)
		netif_carrier_off(dev);
	if (row->close)
		dev_close(dev);
	host_clock_advance(row->wait_ms * NSEC_PER_MSEC);
	CHECK_EQ(drv.timeouts, row->timeouts);
	CHECK_EQ(txq->trans_timeout, drv.timeouts);
	down();
}

TEST(a_link_that_returns_starts_the_watchdog_anew)
{
	up(1);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	host_clock_advance(4000 * NSEC_PER_MSEC);
	netif_carrier_off(dev);
	host_clock_advance(20000 * NSEC_PER_MSEC);
	CHECK_EQ(drv.timeouts, 0);
	netif_carrier_on(dev);
	host_clock_advance(4900 * NSEC_PER_MSEC);
	CHECK_EQ(drv.timeouts, 0); /* the time without a link does not count */
	host_clock_advance(200 * NSEC_PER_MSEC);
	CHECK_EQ(drv.timeouts, 1);
	down();
}

TEST(no_watchdog_for_a_driver_that_has_no_remedy)
{
	up_with(&blind_ops, 1, 1, 1000, 0);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	CHECK(!timer_pending(&dev->watchdog_timer));
	host_clock_advance(60000 * NSEC_PER_MSEC);
	CHECK_EQ(txq->trans_timeout, 0);
	down();
}

/* --- With the device ---------------------------------------------------------------------------------------------------------------------- */

TEST(going_down_drops_what_waits_in_every_place)
{
	u64 reset = skb_stats.drop[R(QDISC_RESET)];

	up(0);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0); /* on the requeue list */
	for (u32 prio = 0; prio < 8; prio++)
		CHECK_EQ(dev_queue_xmit(packet(1, prio)), 0);
	CHECK_EQ(txq->qdisc->qlen, 9);
	dev_close(dev);
	CHECK(!txq->qdisc);
	CHECK_EQ(skb_stats.drop[R(QDISC_RESET)] - reset, 9);
	CHECK_EQ(dev_queue_xmit(packet(2, 0)), NET_XMIT_CN);
	CHECK_EQ(dev_open(dev), 0);
	netif_tx_start_all_queues(dev);
	drv.room = 5;
	CHECK_EQ(dev_queue_xmit(packet(3, 0)), 0);
	CHECK_EQ(drv.marks[0], 3);
	down();
}

TEST(a_deactivated_discipline_takes_nothing)
{
	u64 refused = skb_stats.drop[R(DEV_DOWN)];
	struct Qdisc *q;

	up(10);
	q = txq->qdisc;
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	netif_tx_start_all_queues(dev);
	q->deactivated = true;
	local_bh_disable();
	CHECK_EQ(qdisc_xmit(q, packet(1, 0)), NET_XMIT_DROP);
	qdisc_run(q);
	local_bh_enable();
	CHECK_EQ(drv.taken, 0);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(skb_stats.drop[R(DEV_DOWN)] - refused, 1);
	down();
}

TEST(a_queue_scheduled_when_its_device_goes)
{
	up(0);
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	local_bh_disable();
	netif_wake_queue(dev); /* NET_TX has it on its list */
	CHECK(txq->sched);
	netif_unschedule(txq);
	CHECK(!txq->sched);
	local_bh_enable();
	settle();
	CHECK_EQ(drv.calls, 0);
	down();
}

/* Whoever asked first is served first. */
TEST(net_tx_runs_its_list_in_order)
{
	static const u32 asked[3] = { 2, 0, 1 };

	up_with(&t_ops, 100, 3, 10, 0);
	netif_tx_stop_all_queues(dev);
	local_bh_disable();
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(qdisc_xmit(dev->_tx[i].qdisc, packet(i, 0)), 0);
	netif_tx_start_all_queues(dev);
	for (u32 i = 0; i < 3; i++)
		__netif_schedule(&dev->_tx[asked[i]]);
	CHECK_EQ(drv.taken, 0);
	local_bh_enable();
	settle();
	CHECK_EQ(drv.taken, 3);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(drv.marks[i], asked[i]);
	down();
}

/* NET_TX finds queues whose discipline is gone, or has no queue, and leaves them. */
TEST(net_tx_passes_over_queues_without_a_discipline)
{
	struct net_device *bare;

	up_with(&t_ops, 10, 1, 10, IFF_NO_QUEUE);
	bare = alloc_netdev(net, 0, "bare%d", 2);
	local_bh_disable();
	__netif_schedule(txq);
	__netif_schedule(&bare->_tx[0]);
	__netif_schedule(&bare->_tx[1]);
	__netif_schedule(&bare->_tx[1]); /* once is enough */
	local_bh_enable();
	settle();
	CHECK(!txq->sched && !bare->_tx[0].sched && !bare->_tx[1].sched);
	CHECK_EQ(drv.calls, 0);
	free_netdev(bare);
	down();
}

TEST(each_queue_has_a_discipline_of_its_own)
{
	struct sk_buff *skb;

	up_with(&t_ops, 100, 4, 10, 0);
	for (u32 i = 0; i < 4; i++) {
		CHECK(dev->_tx[i].qdisc && dev->_tx[i].qdisc->txq == &dev->_tx[i]);
		skb = packet(i, 0);
		skb->hash = i << 30 | 1;
		CHECK_EQ(dev_queue_xmit(skb), 0);
		CHECK_EQ(dev->_tx[i].qdisc->packets, 1);
	}
	CHECK_EQ(drv.taken, 4);
	netif_carrier_off(dev);
	skb = packet(9, 0);
	skb->hash = 3u << 30;
	CHECK_EQ(dev_queue_xmit(skb), 0);
	CHECK_EQ(dev->_tx[3].qdisc->qlen, 1);
	netif_carrier_on(dev); /* every queue is run */
	settle();
	CHECK_EQ(drv.taken, 5);
	down();
}

/* --- Making and ending disciplines ---------------------------------------------------------------------------------------------------------- */

static int refuses(struct Qdisc *q, const struct qdisc_spec *spec)
{
	(void)q;
	(void)spec;
	return -ENOMEM;
}

static u32 destroyed;

static void ends(struct Qdisc *q)
{
	(void)q;
	destroyed++;
}

TEST(create_undoes_what_it_began)
{
	static const struct Qdisc_ops bad = { .id = "bad", .priv_size = 8, .init = refuses };
	static const struct Qdisc_ops small = { .id = "small", .destroy = ends };

	up(10);
	CHECK(!qdisc_create(&bad, txq));
	for (u64 nth = 1; nth <= 2; nth++) {
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
		faults_armed = true;
		CHECK(!qdisc_create(&pfifo_fast_ops, txq));
		faults_armed = false;
	}
	destroyed = 0;
	qdisc_destroy(qdisc_create(&small, txq));
	CHECK_EQ(destroyed, 1);
	qdisc_destroy(NULL);
	down();
}

TEST(a_device_without_memory_for_its_discipline_drops_packets)
{
	up(10);
	dev_close(dev);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK_EQ(dev_open(dev), 0);
	faults_armed = false;
	CHECK(!txq->qdisc);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), NET_XMIT_CN);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	dev_close(dev);
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	down();
}

/* --- Corners --------------------------------------------------------------------------------------------------------------------- */

static struct sk_buff *second;

/* A driver that has something to say while it takes a packet. */
static netdev_tx_t talkative_xmit(struct sk_buff *skb, struct net_device *d)
{
	struct sk_buff *mine = second;

	second = NULL;
	if (mine)
		CHECK_EQ(dev_queue_xmit(mine), 0);
	return t_xmit(skb, d);
}

TEST(a_packet_sent_from_inside_the_driver_follows)
{
	static const struct net_device_ops ops = { .ndo_start_xmit = talkative_xmit };

	up_with(&ops, 10, 1, 10, 0);
	second = packet(2, 6); /* of a better band: still behind the one that is being sent */
	CHECK_EQ(dev_queue_xmit(packet(1, 0)), 0);
	CHECK_EQ(drv.taken, 2);
	CHECK_EQ(drv.marks[0], 1);
	CHECK_EQ(drv.marks[1], 2);
	CHECK_EQ(txq->qdisc->qlen, 0);
	down();
}

TEST(no_memory_to_sum_shared_data)
{
	u64 nomem = skb_stats.drop[R(NOMEM)];
	struct sk_buff *skb, *c;

	up(10);
	dev->features = 0;
	skb = packet(1, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = 40;
	skb->csum_offset = 16;
	c = skb_clone(skb);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	local_bh_disable();
	CHECK(!validate_xmit_skb_list(skb, dev));
	local_bh_enable();
	faults_armed = false;
	CHECK_EQ(skb_stats.drop[R(NOMEM)] - nomem, 1);
	CHECK_EQ(c->ip_summed, CHECKSUM_PARTIAL); /* the other's is as it was */
	consume_skb(c);
	down();
}

/* A whole list that could not be made fit: nothing for the driver, and the next list follows. */
TEST(a_list_that_is_lost_does_not_stop_the_queue)
{
	up(0);
	dev->features = 0;
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(dev_queue_xmit(paged(0, false)), 0);
	for (u32 i = 1; i < 3; i++)
		CHECK_EQ(dev_queue_xmit(packet(i, 2)), 0);
	drv.room = 10;
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	local_bh_disable();
	netif_wake_queue(dev);
	local_bh_enable();
	settle();
	faults_armed = false;
	CHECK_EQ(drv.taken, 2);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(txq->qdisc->qlen, 0);
	down();
}

/* The injected fault: the discipline refuses. */
TEST(a_packet_dropped_by_a_fault)
{
	u64 dropped = skb_stats.drop[R(QDISC_DROP)];

	up(10);
	faults[FAULT_QDISC_DROP] = (struct fault){ .on = true, .at = 2 };
	faults_armed = true;
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), NET_XMIT_SUCCESS);
	CHECK_EQ(dev_queue_xmit(packet(1, 0)), NET_XMIT_DROP);
	CHECK_EQ(dev_queue_xmit(packet(2, 0)), NET_XMIT_SUCCESS);
	faults_armed = false;
	faults[FAULT_QDISC_DROP].on = false;
	CHECK_EQ(drv.taken, 2);
	CHECK_EQ(txq->qdisc->drops, 1);
	CHECK_EQ(skb_stats.drop[R(QDISC_DROP)] - dropped, 1);
	down();
}

TEST(a_queue_that_stands_still_for_a_moment_is_not_hung)
{
	up(1);
	host_clock_advance(3000 * NSEC_PER_MSEC);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0); /* stopped from now on */
	host_clock_advance(4000 * NSEC_PER_MSEC);  /* the watchdog looks at 5 s */
	CHECK_EQ(drv.timeouts, 0);
	host_clock_advance(3100 * NSEC_PER_MSEC); /* and at 10 s */
	CHECK_EQ(drv.timeouts, 1);
	down();
}

TEST(a_hung_queue_writes_few_lines)
{
	const char *at;
	u32 lines = 0;

	up_with(&t_ops, 1, 1, 1000, 0);
	dev->watchdog_timeo_ms = 10;
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	host_console_clear();
	host_clock_advance(7000 * NSEC_PER_MSEC); /* 200 firings after the first */
	for (at = host_console(); (at = strstr(at, "has stood still")); at++)
		lines++;
	CHECK(drv.timeouts > 100);
	CHECK(lines >= 1 && lines < drv.timeouts);
	down();
}

TEST(page)
{
	static char buf[2048];
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };
	struct net_device *bare;

	up_with(&t_ops, 100, 2, 7, 0);
	bare = alloc_netdev(net, 0, "bare%d", 1); /* never up: nothing leaves */
	bare->netdev_ops = &blind_ops;
	CHECK_EQ(register_netdev(bare), 0);
	CHECK_EQ(dev_queue_xmit(packet(0, 0)), 0);
	m.arg = net;
	qdisc_show(&m);
	CHECK(strstr(buf, "qdisc mq 0: dev dummy0 root\n"
			  " Sent 50 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)\n"
			  " backlog 0b 0p requeues 0\n"
			  "qdisc pfifo_fast 0: dev dummy0 parent :1 bands 3 priomap "));
	CHECK(strstr(buf, "  queue 0 stopped 0 trans_timeout 0 bypass 1 runs 0\n"
			  "  enqueued 0 dequeued 0 lost 0\n"
			  "qdisc pfifo_fast 0: dev dummy0 parent :2 bands 3 priomap "));
	CHECK(strstr(buf, "qdisc noop 0: dev bare0 queue 0\n"));
	unregister_netdev(bare);
	free_netdev(bare);
	down();
}

KTEST_MAIN_BOOT()
