// SPDX-License-Identifier: MIT
/*
 * Devices as tables: names, MTU bounds, flags, the order of news, Ethernet headers both ways, receivers, the backlog,
 * NAPI's budgets, doorbells, and every allocation that may fail.
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
#include <net/etherdevice.h>
#include <net/inetdevice.h>
#include <net/sch_generic.h>

#define R(name) SKB_DROP_REASON_##name

static struct net *net;
static struct net_device *dev;
static int open_result, mtu_result;
static u32 opens, stops, rings;
static char news[256];

static void note(const char *what)
{
	strncat(news, what, sizeof(news) - strlen(news) - 1);
}

static netdev_tx_t t_xmit(struct sk_buff *skb, struct net_device *d)
{
	netdev_defer_doorbell(d);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static int t_open(struct net_device *d)
{
	(void)d;
	note("open ");
	opens++;
	return open_result;
}

static int t_stop(struct net_device *d)
{
	(void)d;
	note("stop ");
	stops++;
	return 0;
}

static void t_doorbell(struct net_device *d)
{
	CHECK(!d->doorbell_pending);
	rings++;
}

static int t_mtu(struct net_device *d, u32 mtu)
{
	(void)d;
	(void)mtu;
	return mtu_result;
}

static void t_stats(struct net_device *d, struct net_device_stats *s)
{
	(void)d;
	s->rx_packets += 1000;
	s->rx_missed_errors = 7;
	s->rx_crc_errors = 3;
	s->tx_aborted_errors = 2;
}

static const struct net_device_ops t_ops = { .ndo_open = t_open,
					     .ndo_stop = t_stop,
					     .ndo_start_xmit = t_xmit,
					     .ndo_doorbell = t_doorbell,
					     .ndo_change_mtu = t_mtu,
					     .ndo_get_stats = t_stats };
static const struct net_device_ops plain_ops = { .ndo_start_xmit = t_xmit,
						 .ndo_doorbell = t_doorbell };

static void hears(struct net_device *d, enum netdev_event ev)
{
	static const char *const names[] = {
		"REGISTER ", "UP ",        "GOING_DOWN ", "DOWN ",
		"CHANGE ",   "CHANGEMTU ", "CHANGEADDR ", "UNREGISTER "
	};

	note(names[ev]);
	if (ev == NETDEV_UP || ev == NETDEV_GOING_DOWN)
		note(d->flags & IFF_UP ? "(up) " : "(down) ");
}

static void second_ear(struct net_device *d, enum netdev_event ev)
{
	(void)d;
	if (ev == NETDEV_UP)
		note("second ");
}

static struct net_device *make(const char *name, const struct net_device_ops *ops)
{
	struct net_device *d = alloc_etherdev(net, 0);

	strcpy(d->name, name);
	d->netdev_ops = ops;
	memcpy(d->dev_addr, "\2\0\0\0\0\1", 6);
	return d;
}

static void up(void)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
		host_console_quiet(true);
	}
	open_result = mtu_result = 0;
	opens = stops = rings = 0;
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	dev = make("eth%d", &t_ops);
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_EQ(dev_open(dev), 0);
	news[0] = '\0';
}

static void down(void)
{
	unregister_netdev(dev);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
}

static void fail_at(u64 nth)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
	faults_armed = true;
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

/* --- Names ----------------------------------------------------------------------------------------------------------------- */

/* eth0 is there, and eth2. */
static const struct name_row {
	const char *name, *format, *gets;
	int err;
} device_names[] = {
	{ "fills_the_gap", "eth%d", "eth1", 0 },
	{ "another_family", "lan%d", "lan0", 0 },
	{ "fixed", "wan", "wan", 0 },
	{ "fixed_number", "eth7", "eth7", 0 },
	{ "taken", "eth0", NULL, -EEXIST },
	{ "taken_too", "eth2", NULL, -EEXIST },
	{ "the_longest", "fifteen_letters", "fifteen_letters", 0 },
	{ "case_matters", "ETH0", "ETH0", 0 },
};

TEST_EACH(device_name, device_names)
{
	struct net_device *two, *d;

	up();
	two = make("eth2", &plain_ops);
	CHECK_EQ(register_netdev(two), 0);
	d = make(row->format, &plain_ops);
	CHECK_EQ(register_netdev(d), row->err);
	if (!row->err) {
		CHECK_STR(d->name, row->gets);
		CHECK_EQ(d->ifindex, 3);
		CHECK(dev_get_by_name(net, row->gets) == d);
		CHECK(dev_get_by_index(net, 3) == d);
		unregister_netdev(d);
		CHECK(!dev_get_by_name(net, row->gets));
		CHECK(!dev_get_by_index(net, 3));
	}
	free_netdev(d);
	unregister_netdev(two);
	free_netdev(two);
	down();
}

TEST(a_hundred_numbers)
{
	static struct net_device *d[100];
	struct net_device *late;

	up();
	for (u32 i = 1; i < 100; i++) {
		d[i] = make("eth%d", &plain_ops);
		CHECK_EQ(register_netdev(d[i]), 0);
	}
	CHECK_STR(d[99]->name, "eth99");
	late = make("eth%d", &plain_ops);
	CHECK_EQ(register_netdev(late), -EEXIST);
	unregister_netdev(d[50]);
	strcpy(late->name, "eth%d");
	CHECK_EQ(register_netdev(late), 0);
	CHECK_STR(late->name, "eth50");
	CHECK_EQ(late->ifindex, 101); /* numbers are not used twice */
	unregister_netdev(late);
	free_netdev(late);
	free_netdev(d[50]);
	for (u32 i = 1; i < 100; i++) {
		if (i == 50)
			continue;
		unregister_netdev(d[i]);
		free_netdev(d[i]);
	}
	down();
}

/* --- MTU --------------------------------------------------------------------------------------------------------------------- */

static const struct mtu_row {
	const char *name;
	u32 mtu, min, max;
	int driver, err;
} mtus[] = {
	{ "one_below_the_least", 67, 68, 1500, 0, -EINVAL },
	{ "the_least", 68, 68, 1500, 0, 0 },
	{ "one_above_the_least", 69, 68, 1500, 0, 0 },
	{ "one_below_the_most", 1499, 68, 1500, 0, 0 },
	{ "the_most", 1500, 68, 1500, 0, 0 },
	{ "one_above_the_most", 1501, 68, 1500, 0, -EINVAL },
	{ "zero", 0, 68, 1500, 0, -EINVAL },
	{ "no_bound_above", 1000000, 68, 0, 0, 0 },
	{ "no_bound_below", 0, 0, 1500, 0, 0 },
	{ "jumbo_driver", 9000, 68, 9216, 0, 0 },
	{ "the_driver_says_no", 1000, 68, 1500, -EBUSY, -EBUSY },
};

TEST_EACH(mtu, mtus)
{
	up();
	CHECK_EQ(register_netdevice_notifier(net, hears), 0);
	dev->min_mtu = row->min;
	dev->max_mtu = row->max;
	mtu_result = row->driver;
	CHECK_EQ(dev_set_mtu(dev, row->mtu), row->err);
	CHECK_EQ(dev->mtu, row->err ? 1500 : row->mtu);
	CHECK_STR(news, row->err ? "" : "CHANGEMTU ");
	down();
}

TEST(an_mtu_without_the_drivers_say)
{
	up();
	dev->netdev_ops = &plain_ops;
	CHECK_EQ(dev_set_mtu(dev, 1000), 0);
	CHECK_EQ(dev->mtu, 1000);
	dev->netdev_ops = &t_ops;
	down();
}

/* A driver that says nothing else has Ethernet's limits. */
TEST(an_ethernet_device_takes_1500_bytes)
{
	struct net_device *d;

	up();
	d = make("eth9", &plain_ops);
	CHECK_EQ(dev_set_mtu(d, 1501), -EINVAL);
	CHECK_EQ(dev_set_mtu(d, 67), -EINVAL);
	CHECK_EQ(d->mtu, 1500);
	free_netdev(d);
	down();
}

/* --- The order of news ------------------------------------------------------------------------------------------------------------ */

static void a_close(void)
{
	dev_close(dev);
}

static void a_open_again(void)
{
	CHECK_EQ(dev_open(dev), 0);
}

static void a_close_open(void)
{
	dev_close(dev);
	CHECK_EQ(dev_open(dev), 0);
}

static void a_close_twice(void)
{
	dev_close(dev);
	dev_close(dev);
}

static void a_open_fails(void)
{
	dev_close(dev);
	open_result = -EIO;
	CHECK_EQ(dev_open(dev), -EIO);
	CHECK(!(dev->flags & (IFF_UP | IFF_RUNNING)));
}

static void a_link_goes(void)
{
	netif_carrier_off(dev);
	CHECK(dev->flags & IFF_UP);
	CHECK(!(dev->flags & IFF_RUNNING));
}

static void a_link_goes_twice(void)
{
	netif_carrier_off(dev);
	netif_carrier_off(dev);
}

static void a_link_returns(void)
{
	netif_carrier_off(dev);
	netif_carrier_on(dev);
	CHECK(dev->flags & IFF_RUNNING);
}

static void a_link_while_down(void)
{
	dev_close(dev);
	netif_carrier_off(dev);
	netif_carrier_on(dev);
	CHECK(!(dev->flags & IFF_RUNNING));
}

static void a_up_without_link(void)
{
	dev_close(dev);
	netif_carrier_off(dev);
	CHECK_EQ(dev_open(dev), 0);
	CHECK(dev->flags & IFF_UP);
	CHECK(!(dev->flags & IFF_RUNNING));
}

static void a_address(void)
{
	CHECK_EQ(inet_addr_add(dev, htonl(0x0a000001), 24), 0);
	CHECK_EQ(inet_addr_del(dev, htonl(0x0a000001)), 0);
	CHECK_EQ(inet_addr_del(dev, htonl(0x0a000001)), -EADDRNOTAVAIL); /* no news */
}

static void a_whole_life(void)
{
	struct net_device *d = make("lan%d", &t_ops);

	CHECK_EQ(register_netdev(d), 0);
	CHECK_EQ(dev_open(d), 0);
	unregister_netdev(d); /* closes it */
	free_netdev(d);
}

static const struct news_row {
	const char *name;
	void (*act)(void);
	const char *heard;
} newses[] = {
	{ "close", a_close, "GOING_DOWN (up) stop DOWN " },
	{ "open_again", a_open_again, "" },
	{ "close_open", a_close_open, "GOING_DOWN (up) stop DOWN open UP (up) second " },
	{ "close_twice", a_close_twice, "GOING_DOWN (up) stop DOWN " },
	{ "open_fails", a_open_fails, "GOING_DOWN (up) stop DOWN open " },
	{ "link_goes", a_link_goes, "CHANGE " },
	{ "link_goes_twice", a_link_goes_twice, "CHANGE " },
	{ "link_returns", a_link_returns, "CHANGE CHANGE " },
	{ "link_while_down", a_link_while_down, "GOING_DOWN (up) stop DOWN " },
	{ "up_without_link", a_up_without_link, "GOING_DOWN (up) stop DOWN open UP (up) second " },
	{ "address", a_address, "CHANGEADDR CHANGEADDR " },
	{ "whole_life", a_whole_life,
	  "REGISTER open UP (up) second GOING_DOWN (up) stop DOWN UNREGISTER " },
};

TEST_EACH(news_of, newses)
{
	up();
	CHECK_EQ(register_netdevice_notifier(net, hears), 0);
	CHECK_EQ(register_netdevice_notifier(net, second_ear), 0);
	row->act();
	CHECK_STR(news, row->heard);
	down();
}

TEST(a_driver_without_open_and_stop)
{
	struct net_device *d;

	up();
	d = make("lan%d", &plain_ops);
	CHECK_EQ(register_netdev(d), 0);
	CHECK_EQ(dev_open(d), 0);
	CHECK(netif_running(d));
	dev_close(d);
	CHECK(!netif_running(d));
	unregister_netdev(d);
	free_netdev(d);
	down();
}

/* --- Memory --------------------------------------------------------------------------------------------------------------------------- */

TEST(no_memory_for_a_device)
{
	up();
	for (u64 nth = 1; nth <= 3; nth++) {
		fail_at(nth);
		CHECK(!alloc_netdev(net, 16, "x%d", 2));
		fail_at(nth);
		CHECK(!alloc_etherdev(net, 16));
		faults_armed = false;
	}
	free_netdev(NULL);
	down();
}

TEST(no_memory_for_the_state_of_the_cpu)
{
	struct softnet_data *before;

	up();
	before = this_cpu()->softnet;
	fail_at(1);
	CHECK_EQ(softnet_init(this_cpu()), -ENOMEM);
	faults_armed = false;
	CHECK(this_cpu()->softnet == before); /* untouched */
	down();
	softnet_exit(this_cpu());
	CHECK(!this_cpu()->softnet && !this_cpu()->bh_exit);
	CHECK_EQ(softnet_init(this_cpu()), 0);
}

/* --- Ethernet, on the way up ------------------------------------------------------------------------------------------------------------ */

static const struct frame_row {
	const char *name;
	u8 to[6];
	u16 type;
	u8 pkt_type;
	u16 protocol;
} frame_rows[] = {
	{ "to_us", { 2, 0, 0, 0, 0, 1 }, ETH_P_IP, PACKET_HOST, ETH_P_IP },
	{ "to_another", { 2, 0, 0, 0, 0, 2 }, ETH_P_IP, PACKET_OTHERHOST, ETH_P_IP },
	{ "differs_in_the_first_byte", { 6, 0, 0, 0, 0, 1 }, ETH_P_IP, PACKET_OTHERHOST, ETH_P_IP },
	{ "differs_in_the_middle", { 2, 0, 0, 9, 0, 1 }, ETH_P_IP, PACKET_OTHERHOST, ETH_P_IP },
	{ "to_all", { 255, 255, 255, 255, 255, 255 }, ETH_P_ARP, PACKET_BROADCAST, ETH_P_ARP },
	{ "almost_all", { 255, 255, 255, 255, 255, 254 }, ETH_P_ARP, PACKET_MULTICAST, ETH_P_ARP },
	{ "to_a_group", { 1, 0, 0x5e, 0, 0, 1 }, ETH_P_IP, PACKET_MULTICAST, ETH_P_IP },
	{ "group_bit_alone", { 3, 0, 0, 0, 0, 1 }, ETH_P_IP, PACKET_MULTICAST, ETH_P_IP },
	{ "zeros", { 0 }, ETH_P_IP, PACKET_OTHERHOST, ETH_P_IP },
	{ "first_type", { 2, 0, 0, 0, 0, 1 }, 0x0600, PACKET_HOST, 0x0600 },
	{ "last_length", { 2, 0, 0, 0, 0, 1 }, 0x05ff, PACKET_HOST, 0 },
	{ "length_0", { 2, 0, 0, 0, 0, 1 }, 0, PACKET_HOST, 0 },
	{ "type_ffff", { 2, 0, 0, 0, 0, 1 }, 0xffff, PACKET_HOST, 0xffff },
};

TEST_EACH(frame, frame_rows)
{
	struct sk_buff *skb;

	up();
	skb = packet(0);
	memcpy(skb->data, row->to, 6);
	skb->data[12] = (u8)(row->type >> 8);
	skb->data[13] = (u8)row->type;
	CHECK_EQ(ntohs(eth_type_trans(skb, dev)), row->protocol);
	CHECK_EQ(skb->pkt_type, row->pkt_type);
	CHECK_EQ(skb->len, 46);
	CHECK(skb->dev == dev);
	CHECK(!memcmp(eth_hdr(skb)->h_dest, row->to, 6));
	consume_skb(skb);
	down();
}

/* --- Ethernet, on the way down --------------------------------------------------------------------------------------------------------- */

static const struct create_row {
	const char *name;
	u32 headroom;
	bool to, from, no_memory;
	int ret;
} creates[] = {
	{ "ours_is_the_source", 40, true, false, false, 14 },
	{ "given_source", 40, true, true, false, 14 },
	{ "just_the_headroom", 14, true, false, false, 14 },
	{ "one_byte_short_is_made", 13, true, false, false, 14 },
	{ "no_headroom_is_made", 0, true, false, false, 14 },
	{ "no_headroom_no_memory", 0, true, false, true, -ENOMEM },
	{ "nobody_to_send_to", 40, false, false, false, -EDESTADDRREQ },
};

TEST_EACH(header, creates)
{
	static const u8 to[6] = { 2, 9, 9, 9, 9, 9 }, from[6] = { 2, 8, 8, 8, 8, 8 };
	struct sk_buff *skb;

	up();
	skb = alloc_skb(row->headroom + 60);
	skb_reserve(skb, row->headroom);
	memset(skb_put(skb, 60), 0x33, 60);
	if (row->no_memory)
		fail_at(1);
	CHECK_EQ(dev->header_ops->create(skb, dev, ETH_P_ARP, row->to ? to : NULL,
					 row->from ? from : NULL),
		 row->ret);
	faults_armed = false;
	CHECK_EQ(skb->len, row->ret == 14 ? 74 : 60);
	if (row->ret == 14) {
		CHECK(!memcmp(skb->data, to, 6));
		CHECK(!memcmp(skb->data + 6, row->from ? from : dev->dev_addr, 6));
		CHECK(skb->data[12] == 8 && skb->data[13] == 6 && skb->data[14] == 0x33);
	}
	consume_skb(skb);
	down();
}

TEST(a_clones_header_does_not_show_in_the_original)
{
	struct sk_buff *skb, *c;
	u8 before[14];

	up();
	skb = packet(0);
	memcpy(before, skb->data - 14, 14);
	c = skb_clone(skb);
	CHECK_EQ(dev->header_ops->create(c, dev, ETH_P_IP, dev->broadcast, NULL), 14);
	CHECK_EQ(skb->len, 60);
	CHECK_EQ(c->len, 74);
	CHECK(!memcmp(c->data, dev->broadcast, 6));
	consume_skb(c);
	consume_skb(skb);
	down();
}

/* --- Receivers --------------------------------------------------------------------------------------------------------------------------- */

static u32 received;
static u64 stamp;

static void t_rcv(struct sk_buff *skb, struct net_device *d)
{
	CHECK(d == skb->dev);
	received++;
	stamp = skb->tstamp_ns;
	consume_skb(skb);
}

static void receive(struct sk_buff *skb)
{
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

static const struct dispatch_row {
	const char *name;
	u16 protocol;
	u8 pkt_type;
	u32 received, multicast, dropped;
} dispatches[] = {
	{ "known", 0x9001, PACKET_HOST, 1, 0, 0 },
	{ "known_to_all", 0x9001, PACKET_BROADCAST, 1, 0, 0 },
	{ "known_to_a_group", 0x9001, PACKET_MULTICAST, 1, 1, 0 },
	{ "known_for_another", 0x9001, PACKET_OTHERHOST, 0, 0, 0 },
	{ "last_of_eight", 0x9008, PACKET_HOST, 1, 0, 0 },
	{ "unknown", 0x9009, PACKET_HOST, 0, 0, 1 },
	{ "unknown_to_a_group", 0x9009, PACKET_MULTICAST, 0, 1, 1 },
	{ "bytes_swapped", 0x0190, PACKET_HOST, 0, 0, 1 },
	{ "length_instead_of_type", 0, PACKET_HOST, 0, 0, 1 },
};

TEST_EACH(dispatch, dispatches)
{
	struct sk_buff *skb;
	u64 processed;

	up();
	received = 0;
	for (u32 i = 1; i <= NET_MAX_PTYPES; i++)
		CHECK_EQ(dev_add_pack(net, htons(0x9000 + i), t_rcv), 0);
	CHECK_EQ(dev_add_pack(net, htons(0x9009), t_rcv), -ENOSPC);
	CHECK_EQ(dev_add_pack(net, htons(0x9008), t_rcv), -EEXIST);
	skb = packet(0);
	skb->protocol = htons(row->protocol);
	skb->pkt_type = row->pkt_type;
	processed = this_cpu()->softnet->processed;
	receive(skb);
	CHECK_EQ(this_cpu()->softnet->processed - processed, 1); /* whatever became of it */
	CHECK_EQ(received, row->received);
	CHECK_EQ(dev->stats.multicast, row->multicast);
	CHECK_EQ(dev->stats.rx_dropped, row->dropped);
	dev_remove_pack(net, htons(0x9004));
	dev_remove_pack(net, htons(0x9004));                  /* gone already: no harm */
	CHECK_EQ(dev_add_pack(net, htons(0x9009), t_rcv), 0); /* into the free place */
	down();
}

TEST(arrival_is_stamped_once)
{
	struct sk_buff *skb;

	up();
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), t_rcv), 0);
	host_clock_set(host_clock() + 12345);
	receive(packet(0));
	CHECK_EQ(stamp, host_clock());
	skb = packet(0);
	skb->tstamp_ns = 77; /* the driver knew better */
	receive(skb);
	CHECK_EQ(stamp, 77);
	down();
}

/* --- The backlog ---------------------------------------------------------------------------------------------------------------------------- */

static const struct backlog_row {
	const char *name;
	u32 limit, sent, kept;
} backlogs[] = {
	{ "of_0", 0, 2, 0 },       { "of_1", 1, 2, 1 },         { "one_below", 10, 9, 9 },
	{ "reached", 10, 10, 10 }, { "one_above", 10, 11, 10 },
};

TEST_EACH(backlog, backlogs)
{
	struct softnet_data *sd;
	u64 dropped = skb_stats.drop[R(CPU_BACKLOG)], before;

	up();
	sd = this_cpu()->softnet;
	before = sd->dropped;
	received = 0;
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), t_rcv), 0);
	sd->netdev_max_backlog = row->limit;
	local_bh_disable();
	for (u32 i = 0; i < row->sent; i++)
		CHECK_EQ(netif_rx(packet(i)), i >= row->limit);
	CHECK_EQ(sd->input_pkt_queue.qlen, row->kept);
	CHECK_EQ(received, 0); /* never on the caller's stack */
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(received, row->kept);
	CHECK_EQ(sd->dropped - before, row->sent - row->kept);
	CHECK_EQ(skb_stats.drop[R(CPU_BACKLOG)] - dropped, row->sent - row->kept);
	CHECK_EQ(dev->stats.rx_dropped, row->sent - row->kept);
	sd->netdev_max_backlog = 1000;
	down();
}

TEST(a_flush_takes_one_devices_packets_only)
{
	u64 dropped = skb_stats.drop[R(DEV_DOWN)];
	struct net_device *other;

	up();
	received = 0;
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), t_rcv), 0);
	other = make("lan%d", &plain_ops);
	CHECK_EQ(register_netdev(other), 0);
	local_bh_disable();
	for (u32 i = 0; i < 6; i++) {
		struct sk_buff *skb = packet(i);

		skb->dev = i & 1 ? other : dev;
		CHECK_EQ(netif_rx(skb), 0);
	}
	netif_flush_backlog(other);
	CHECK_EQ(this_cpu()->softnet->input_pkt_queue.qlen, 3);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(received, 3);
	CHECK_EQ(skb_stats.drop[R(DEV_DOWN)] - dropped, 3);
	unregister_netdev(other);
	free_netdev(other);
	down();
}

/* --- NAPI ------------------------------------------------------------------------------------------------------------------------------------ */

static struct napi_struct napi[8];
static u32 left[8], polled[8];

static int t_poll(struct napi_struct *n, int budget)
{
	u32 i = (u32)(n - napi);
	int work = (int)min(left[i], (u32)budget);

	polled[i]++;
	left[i] -= (u32)work;
	if (work < budget)
		(void)napi_complete_done(n, work);
	return work;
}

/* One pass over @nr contexts with @work each: how many got a turn before the budget was used. */
static const struct budget_row {
	const char *name;
	u32 nr, work, budget;
	int weight;
	u32 turns;
	bool squeezed;
} budgets[] = {
	{ "one_with_little", 1, 10, 300, 64, 1, false },
	{ "one_with_a_weight", 1, 64, 300, 64, 1, false },
	{ "one_with_more_than_a_weight", 1, 65, 300, 64, 1, false },
	{ "four_weights_fit", 4, 64, 300, 64, 4, false },
	{ "five_weights_do_not", 6, 64, 300, 64, 5, true },
	{ "budget_is_just_used", 4, 64, 256, 64, 4, true },
	{ "one_frame_of_budget", 3, 64, 1, 64, 1, true },
	{ "small_weight", 3, 100, 300, 1, 3, false },
	{ "nothing_to_do_costs_nothing", 8, 0, 1, 64, 8, false },
};

TEST_EACH(budget, budgets)
{
	struct softnet_data *sd;
	u64 squeeze;
	u32 turns = 0;

	up();
	sd = this_cpu()->softnet;
	squeeze = sd->time_squeeze;
	sd->netdev_budget = row->budget;
	local_bh_disable();
	for (u32 i = 0; i < row->nr; i++) {
		netif_napi_add(dev, &napi[i], t_poll, row->weight);
		napi_enable(&napi[i]);
		left[i] = row->work;
		polled[i] = 0;
		CHECK(napi_schedule(&napi[i]));
	}
	net_rx_action();
	for (u32 i = 0; i < row->nr; i++)
		turns += polled[i];
	CHECK_EQ(turns, row->turns);
	CHECK_EQ(sd->time_squeeze - squeeze, row->squeezed);
	local_bh_enable();
	host_clock_advance(2 * NSEC_PER_MSEC);
	sd->netdev_budget = 300;
	for (u32 i = 0; i < row->nr; i++) {
		CHECK_EQ(left[i], 0); /* in the end everybody is served */
		CHECK(!napi[i].scheduled);
		CHECK_EQ(napi[i].completes, 1);
		napi_disable(&napi[i]);
		netif_napi_del(&napi[i]);
	}
	down();
}

/* The clock moves on by @step with each reading; the pass may last 8 ms. */
static const struct pass_row {
	const char *name;
	u64 step_ns;
	u32 turns;
	bool squeezed;
} passes[] = {
	{ "no_time_at_all", 0, 4, false },
	{ "just_below_the_limit", 8 * NSEC_PER_MSEC - 1, 2, true },
	{ "the_limit", 8 * NSEC_PER_MSEC, 1, true },
	{ "a_third_of_it", 8 * NSEC_PER_MSEC / 3 + 1, 3, true },
};

TEST_EACH(pass_time, passes)
{
	struct softnet_data *sd;
	u64 squeeze;
	u32 turns = 0;

	up();
	sd = this_cpu()->softnet;
	squeeze = sd->time_squeeze;
	local_bh_disable();
	for (u32 i = 0; i < 4; i++) {
		netif_napi_add(dev, &napi[i], t_poll, 64);
		napi_enable(&napi[i]);
		left[i] = 1;
		polled[i] = 0;
		CHECK(napi_schedule(&napi[i]));
	}
	host_clock_per_call(row->step_ns);
	net_rx_action();
	host_clock_per_call(0);
	for (u32 i = 0; i < 4; i++)
		turns += polled[i];
	CHECK_EQ(turns, row->turns);
	CHECK_EQ(sd->time_squeeze - squeeze, row->squeezed);
	local_bh_enable();
	host_clock_advance(2 * NSEC_PER_MSEC);
	for (u32 i = 0; i < 4; i++) {
		CHECK_EQ(left[i], 0);
		napi_disable(&napi[i]);
		netif_napi_del(&napi[i]);
	}
	down();
}

TEST(a_poll_that_disables_itself_is_not_polled_again)
{
	up();
	netif_napi_add(NULL, &napi[0], t_poll, 64); /* no device: as the backlog */
	napi_enable(&napi[0]);
	left[0] = 1000;
	polled[0] = 0;
	local_bh_disable();
	CHECK(napi_schedule(&napi[0]));
	net_rx_action();
	CHECK_EQ(polled[0], 1);
	local_bh_enable();
	napi_disable(&napi[0]);
	CHECK(!napi_schedule(&napi[0]));
	polled[0] = 0;
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(polled[0], 0);
	netif_napi_del(&napi[0]);
	down();
}

/* --- Doorbells ---------------------------------------------------------------------------------------------------------------------------------- */

TEST(each_device_is_rung_once_at_the_outermost_end)
{
	struct net_device *other;
	struct sk_buff *skb;
	u64 before;

	up();
	other = make("lan%d", &plain_ops);
	CHECK_EQ(register_netdev(other), 0);
	CHECK_EQ(dev_open(other), 0);
	before = this_cpu()->softnet->doorbells;
	local_bh_disable();
	for (u32 i = 0; i < 6; i++) {
		local_bh_disable();
		skb = packet(i);
		skb->dev = i & 1 ? other : dev;
		CHECK_EQ(dev_queue_xmit(skb), 0);
		local_bh_enable();
		CHECK_EQ(rings, 0);
	}
	CHECK(dev->doorbell_pending && other->doorbell_pending);
	local_bh_enable();
	CHECK_EQ(rings, 2);
	CHECK_EQ(this_cpu()->softnet->doorbells - before, 2);
	CHECK(!dev->doorbell_pending && !other->doorbell_pending);
	unregister_netdev(other);
	free_netdev(other);
	down();
}

/* --- Transmit queues ------------------------------------------------------------------------------------------------------------------------------ */

/* Three queues are scheduled; one is taken off; NET_TX gets the others in order. */
static const struct unschedule_row {
	const char *name;
	u32 which;
} unschedules[] = { { "first", 0 }, { "middle", 1 }, { "last", 2 }, { "none_of_them", 3 } };

TEST_EACH(unschedule, unschedules)
{
	struct softnet_data *sd;
	struct net_device *many;
	struct netdev_queue *txq;
	u32 n = 0;

	up();
	sd = this_cpu()->softnet;
	many = alloc_netdev(net, 0, "many%d", 4);
	local_bh_disable();
	for (u32 i = 0; i < 3; i++)
		__netif_schedule(&many->_tx[i]);
	netif_unschedule(&many->_tx[row->which]);
	CHECK(!many->_tx[row->which].sched);
	for (txq = sd->output_queue; txq; txq = txq->next_sched)
		n++;
	CHECK_EQ(n, row->which < 3 ? 2 : 3);
	__netif_schedule(&many->_tx[3]); /* the tail is right */
	for (txq = sd->output_queue; txq && txq->next_sched; txq = txq->next_sched)
		;
	CHECK(txq == &many->_tx[3]);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	for (u32 i = 0; i < 4; i++)
		CHECK(!many->_tx[i].sched);
	free_netdev(many);
	down();
}

/* However often a queue asks, it stands on the list once, in its first place; NET_TX is raised. */
TEST(a_queue_is_scheduled_once)
{
	struct softnet_data *sd;
	struct net_device *many;

	up();
	sd = this_cpu()->softnet;
	many = alloc_netdev(net, 0, "many%d", 3);
	local_bh_disable();
	CHECK(!(this_cpu()->softirq_pending & 1u << NET_TX_SOFTIRQ));
	__netif_schedule(&many->_tx[1]);
	CHECK(this_cpu()->softirq_pending & 1u << NET_TX_SOFTIRQ);
	__netif_schedule(&many->_tx[0]);
	__netif_schedule(&many->_tx[1]);
	__netif_schedule(&many->_tx[2]);
	__netif_schedule(&many->_tx[0]);
	CHECK(sd->output_queue == &many->_tx[1]);
	CHECK(many->_tx[1].next_sched == &many->_tx[0]);
	CHECK(many->_tx[0].next_sched == &many->_tx[2]);
	CHECK(many->_tx[2].next_sched == NULL);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK(!sd->output_queue);
	free_netdev(many);
	down();
}

TEST(waking_a_running_queue_does_nothing)
{
	up();
	local_bh_disable();
	netif_wake_queue(dev);
	CHECK(!dev->_tx[0].sched);
	netif_stop_queue(dev);
	CHECK(netif_tx_queue_stopped(&dev->_tx[0]));
	netif_wake_queue(dev);
	CHECK(dev->_tx[0].sched && !netif_tx_queue_stopped(&dev->_tx[0]));
	local_bh_enable();
	down();
}

TEST(a_packet_is_freed_at_once_outside_of_hardirq)
{
	up();
	dev_consume_skb_any(packet(0));
	CHECK_EQ(skb_stats.live, 0);
	down();
}

/* --- Pages ------------------------------------------------------------------------------------------------------------------------------------------ */

TEST(page_adds_what_hardware_counts)
{
	static char buf[2048];
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };
	struct net_device *other;

	up();
	other = make("lan%d", &plain_ops);
	CHECK_EQ(register_netdev(other), 0);
	dev->stats.rx_packets = 5;
	dev->stats.rx_dropped = 1;
	m.arg = net;
	dev_show(&m);
	CHECK(strstr(buf, "\n  eth0:       0    1005    0    8    0     3          0         0 "));
	CHECK(strstr(buf, "\n  lan0:       0       0    0    0 "));
	CHECK_EQ(dev->stats.rx_packets, 5); /* the page does not change the counters */
	unregister_netdev(other);
	free_netdev(other);
	down();
}

KTEST_MAIN_BOOT()
