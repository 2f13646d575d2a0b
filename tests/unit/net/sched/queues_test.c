// SPDX-License-Identifier: MIT
/*
 * Devices with many transmit queues, two at once: which queue a packet takes (by CPU, by flow, with its socket's others), that
 * each queue stops, is held, requeues and wakes for itself, and that no flow is reordered meanwhile. The driver is a ring of so
 * many slots for each queue.
 */
#define timeval libc_timeval
#include <ktest.h>
#undef timeval

#include <host.h>
#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#define QUEUES 8

/* A driver with a ring for each queue: what it took waits there till the test says that it was sent. */
struct ring {
	u32 room, nr;
	struct sk_buff *at[512];
};
struct card {
	struct ring ring[QUEUES];
	u32 marks[QUEUES][2048], taken[QUEUES], timeouts;
	bool counts; /* byte queue limits */
};

static struct net *net;
static struct net_device *dev, *dev2;
static u64 rng = 5;

static u32 rnd(u32 below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 32) % below;
}

static netdev_tx_t card_xmit(struct sk_buff *skb, struct net_device *d)
{
	struct card *c = d->priv;
	u32 i = skb->queue_mapping;
	struct ring *r = &c->ring[i];

	CHECK(i < d->real_num_tx_queues);
	CHECK(r->nr < r->room);
	if (r->nr == r->room)
		return NETDEV_TX_BUSY;
	c->marks[i][c->taken[i]++ % 2048] = skb->mark;
	r->at[r->nr++] = skb;
	if (c->counts)
		(void)netdev_tx_sent_queue(netdev_get_tx_queue(d, i), skb->len);
	if (r->nr == r->room)
		netif_tx_stop_queue(netdev_get_tx_queue(d, i));
	return NETDEV_TX_OK;
}

/* The device has sent the first @n of its queue @i. */
static void complete(struct net_device *d, u32 i, u32 n)
{
	struct card *c = d->priv;
	struct ring *r = &c->ring[i];
	u32 bytes = 0;

	n = min(n, r->nr);
	local_bh_disable();
	for (u32 k = 0; k < n; k++) {
		bytes += r->at[k]->len;
		consume_skb(r->at[k]);
	}
	r->nr -= n;
	for (u32 k = 0; k < r->nr; k++)
		r->at[k] = r->at[k + n];
	if (c->counts)
		netdev_tx_completed_queue(netdev_get_tx_queue(d, i), n, bytes);
	if (r->nr < r->room)
		netif_tx_wake_queue(netdev_get_tx_queue(d, i));
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
}

static void card_timeout(struct net_device *d)
{
	((struct card *)d->priv)->timeouts++;
}

static const struct net_device_ops card_ops = { .ndo_start_xmit = card_xmit,
						.ndo_tx_timeout = card_timeout };

static struct net_device *add_card(u32 queues, u32 room)
{
	struct net_device *d = alloc_netdev(net, sizeof(struct card), "q%d", queues);
	struct card *c = d->priv;

	d->netdev_ops = &card_ops;
	d->features = NETIF_F_SG | NETIF_F_HW_CSUM;
	for (u32 i = 0; i < QUEUES; i++)
		c->ring[i].room = room;
	CHECK_EQ(register_netdev(d), 0);
	CHECK_EQ(dev_open(d), 0);
	return d;
}

static void up(u32 queues, u32 room)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		host_console_quiet(true);
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	dev = add_card(queues, room);
	dev2 = NULL;
}

static void take_down(struct net_device *d)
{
	unregister_netdev(d);
	for (u32 i = 0; i < d->num_tx_queues; i++)
		complete(d, i, 512);
	free_netdev(d);
}

static void down(void)
{
	take_down(dev);
	if (dev2)
		take_down(dev2);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
	CHECK(!this_cpu()->softnet->output_queue);
}

/* A UDP packet of flow number @flow. */
static struct sk_buff *packet_on(struct net_device *d, u32 flow, u32 mark)
{
	struct sk_buff *skb = alloc_skb(128);
	u8 *p;

	skb_reserve(skb, 32);
	p = skb_put(skb, 60);
	memset(p, 0, 60);
	p[14] = 0x45;
	p[23] = 17;
	p[26] = 10;
	p[29] = 1;
	p[30] = 10;
	p[33] = (u8)(flow >> 16);
	p[34] = (u8)(flow >> 8);
	p[35] = (u8)flow;
	skb->network_header = 32 + 14;
	skb->protocol = htons(ETH_P_IP);
	skb->dev = d;
	skb->mark = mark;
	return skb;
}

static u32 pick_by(struct sk_buff *skb, u32 cpu)
{
	u32 queue;

	local_bh_disable();
	queue = netdev_pick_tx_cpu(skb->dev, skb, cpu);
	local_bh_enable();
	return queue;
}

static u32 pick(struct sk_buff *skb)
{
	u32 queue;

	local_bh_disable();
	queue = netdev_pick_tx(skb->dev, skb);
	local_bh_enable();
	return queue;
}

static u32 pick_flow(u32 flow)
{
	struct sk_buff *skb = packet_on(dev, flow, 0);
	u32 queue = pick(skb);

	consume_skb(skb);
	return queue;
}

static u32 pick_flow_by(u32 flow, u32 cpu)
{
	struct sk_buff *skb = packet_on(dev, flow, 0);
	u32 queue = pick_by(skb, cpu);

	consume_skb(skb);
	return queue;
}

/* --- The choice -------------------------------------------------------------------------------------------------------- */

TEST(one_queue_is_taken_without_a_look)
{
	struct sk_buff *skb;

	up(1, 10);
	skb = packet_on(dev, 7, 0);
	CHECK_EQ(pick(skb), 0);
	CHECK_EQ(skb->hash, 0); /* nobody computed one */
	consume_skb(skb);
	down();
}

static const struct spread_row {
	const char *name;
	u32 queues;
} spreads[] = { { "two", 2 }, { "three", 3 }, { "four", 4 }, { "seven", 7 }, { "eight", 8 } };

/* Many flows: each queue gets its share within a fifth. */
TEST_EACH(flows_are_spread, spreads)
{
	u32 n[QUEUES] = { 0 };

	up(row->queues, 10);
	for (u32 flow = 0; flow < 8000; flow++)
		n[pick_flow(flow)]++;
	for (u32 i = 0; i < row->queues; i++)
		CHECK(n[i] > 8000 / row->queues * 4 / 5 && n[i] < 8000 / row->queues * 6 / 5);
	for (u32 i = row->queues; i < QUEUES; i++)
		CHECK_EQ(n[i], 0);
	down();
}

TEST(a_flow_stays_in_its_queue)
{
	up(QUEUES, 10);
	for (u32 flow = 0; flow < 100; flow++) {
		u32 first = pick_flow(flow);

		for (u32 i = 0; i < 10; i++)
			CHECK_EQ(pick_flow(flow), first);
	}
	down();
}

/* Only the first fragment shows ports; so that all take one queue, none is asked for them. */
TEST(fragments_of_a_datagram_stay_together)
{
	up(QUEUES, 10);
	for (u32 flow = 0; flow < 50; flow++) {
		struct sk_buff *first = packet_on(dev, flow, 0), *later = packet_on(dev, flow, 0);

		first->data[20] = 0x20;
		later->data[21] = 1;
		memset(later->data + 34, (int)flow, 8);
		CHECK_EQ(pick(first), pick(later));
		consume_skb(first);
		consume_skb(later);
	}
	down();
}

TEST(what_is_not_ipv4_takes_the_first)
{
	struct sk_buff *skb;

	up(QUEUES, 10);
	skb = packet_on(dev, 77, 0);
	skb->protocol = htons(ETH_P_ARP);
	CHECK_EQ(pick(skb), 0);
	skb->protocol = htons(ETH_P_IP);
	skb->network_header = 0;
	CHECK_EQ(pick(skb), 0);
	skb->network_header = 32 + 50; /* no header fits there */
	CHECK_EQ(pick(skb), 0);
	consume_skb(skb);
	down();
}

/* Which CPUs were given each queue, and what one of them may take then. */
static const struct xps_row {
	const char *name;
	u64 cpus[QUEUES];
	u32 cpu, real;
	u32 may; /* queues that may be taken, a bit each */
} xps[] = {
	{ "one", { [4] = 1 }, 0, 8, 0x10 },
	{ "two", { [1] = 1, [5] = 1 }, 0, 8, 0x22 },
	{ "all", { 1, 1, 1, 1, 1, 1, 1, 1 }, 0, 8, 0xff },
	{ "none_is_any", { 0 }, 0, 8, 0xff },
	{ "not_in_use", { [6] = 1, [7] = 1 }, 0, 4, 0x0f },
	{ "partly_in_use", { [1] = 1, [6] = 1, [7] = 1 }, 0, 4, 0x02 },
	{ "of_another_cpu", { [2] = 2 }, 0, 8, 0xff },
	{ "second_cpu", { [2] = 2, [3] = 1 }, 1, 8, 0x04 },
	{ "shared_by_two", { [0] = 5, [7] = 4, [3] = 1 }, 2, 8, 0x81 },
	{ "last_cpu", { [5] = 1ULL << 63 }, 63, 8, 0x20 },
};

TEST_EACH(queues_of_the_cpu, xps)
{
	u32 seen = 0;

	up(QUEUES, 10);
	dev_close(dev);
	CHECK_EQ(netif_set_real_num_tx_queues(dev, row->real), 0);
	for (u32 i = 0; i < QUEUES; i++)
		CHECK_EQ(netif_set_xps_queue(dev, row->cpus[i], i), 0);
	for (u32 flow = 0; flow < 500; flow++)
		seen |= 1u << pick_flow_by(flow, row->cpu);
	CHECK_EQ(seen, row->may);
	for (u32 i = 0; i < QUEUES; i++) /* taken back: any again */
		CHECK_EQ(netif_set_xps_queue(dev, 0, i), 0);
	for (u32 flow = 0; flow < 500; flow++)
		seen |= 1u << pick_flow_by(flow, row->cpu);
	CHECK_EQ(seen, (1u << row->real) - 1);
	CHECK_EQ(netif_set_xps_queue(dev, 1, QUEUES), -EINVAL);
	down();
}

/* Eight CPUs, eight queues: each sends into its own, whatever the flow; this one is number 0. */
TEST(each_cpu_has_its_queue)
{
	up(QUEUES, 10);
	for (u32 i = 0; i < QUEUES; i++)
		CHECK_EQ(netif_set_xps_queue(dev, 1ULL << (QUEUES - 1 - i), i), 0);
	for (u32 flow = 0; flow < 50; flow++) {
		for (u32 cpu = 0; cpu < QUEUES; cpu++)
			CHECK_EQ(pick_flow_by(flow, cpu), QUEUES - 1 - cpu);
		CHECK_EQ(pick_flow(flow), QUEUES - 1);
	}
	down();
}

static const struct real_row {
	const char *name;
	u32 n;
	bool up;
	int err;
} reals[] = {
	{ "none", 0, false, -EINVAL },     { "one", 1, false, 0 },    { "all", 8, false, 0 },
	{ "too_many", 9, false, -EINVAL }, { "up", 4, true, -EBUSY },
};

TEST_EACH(queues_in_use, reals)
{
	up(QUEUES, 10);
	if (!row->up)
		dev_close(dev);
	CHECK_EQ(netif_set_real_num_tx_queues(dev, row->n), row->err);
	CHECK_EQ(dev->real_num_tx_queues, row->err ? QUEUES : row->n);
	for (u32 flow = 0; flow < 100; flow++)
		CHECK(pick_flow(flow) < dev->real_num_tx_queues);
	down();
}

/* --- The socket's queue ------------------------------------------------------------------------------------------------ */

static struct proto t_proto = { .name = "T", .obj_size = sizeof(struct sock) };

static struct sock *new_sock(void)
{
	struct sock *sk = sk_alloc(net, AF_INET, &t_proto);

	sock_init_data(NULL, sk);
	return sk;
}

static struct sk_buff *sock_packet(struct sock *sk, u32 flow, u32 mark)
{
	struct sk_buff *skb = packet_on(dev, flow, mark);

	skb_set_owner_w(skb, sk);
	return skb;
}

/* While packets of the socket are in the host the queue stays, whatever the flow hash says; then it may change. */
TEST(socket_changes_its_queue_only_with_nothing_in_the_host)
{
	struct sock *sk;
	u32 first, other;

	up(QUEUES, 10);
	sk = new_sock();
	first = pick_flow(1);
	for (other = 2; pick_flow(other) == first; other++)
		;
	CHECK_EQ(dev_queue_xmit(sock_packet(sk, 1, 1)), 0);
	CHECK_EQ(sk->sk_tx_queue, first + 1);
	CHECK_EQ(dev_queue_xmit(sock_packet(sk, other, 2)), 0); /* one of it is in the ring */
	CHECK_EQ(((struct card *)dev->priv)->taken[first], 2);
	complete(dev, first, 1);
	CHECK_EQ(dev_queue_xmit(sock_packet(sk, other, 3)), 0); /* one still is */
	CHECK_EQ(((struct card *)dev->priv)->taken[first], 3);
	complete(dev, first, 2);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK_EQ(dev_queue_xmit(sock_packet(sk, other, 4)), 0);
	CHECK_EQ(((struct card *)dev->priv)->taken[first], 3);
	CHECK_EQ(sk->sk_tx_queue, pick_flow(other) + 1);
	for (u32 i = 0; i < QUEUES; i++)
		complete(dev, i, 9);
	sock_put(sk);
	down();
}

/* The socket remembers a queue that the device does not have (any more): another is picked, whatever is in the host. */
TEST(a_queue_that_is_gone_is_not_taken)
{
	struct sock *sk;
	struct sk_buff *a, *b;

	up(QUEUES, 10);
	dev_close(dev);
	sk = new_sock();
	a = sock_packet(sk, 1, 1);
	b = sock_packet(sk, 1, 2);
	CHECK_EQ(netif_set_real_num_tx_queues(dev, 4), 0);
	sk->sk_tx_queue = 7;
	CHECK_EQ(pick(a), pick_flow(1));
	CHECK_EQ(sk->sk_tx_queue, pick_flow(1) + 1);
	sk->sk_tx_queue = 4;
	CHECK_EQ(pick(b), 3); /* the last that there is */
	consume_skb(a);
	consume_skb(b);
	sock_put(sk);
	down();
}

TEST(priority_of_the_socket)
{
	struct sock *sk;
	struct sk_buff *skb;

	up(1, 10);
	sk = new_sock();
	sk->sk_priority = 6;
	netif_tx_stop_all_queues(dev);
	skb = sock_packet(sk, 1, 4);
	skb->priority = 4; /* its own: the band of those without any */
	CHECK_EQ(dev_queue_xmit(skb), 0);
	CHECK_EQ(dev_queue_xmit(sock_packet(sk, 1, 1)), 0);
	skb = sock_packet(sk, 1, 2);
	skb->priority = 2; /* its own */
	CHECK_EQ(dev_queue_xmit(skb), 0);
	CHECK_EQ(dev_queue_xmit(sock_packet(sk, 1, 3)), 0);
	complete(dev, 0, 0);
	CHECK_EQ(((struct card *)dev->priv)->marks[0][0], 1);
	CHECK_EQ(((struct card *)dev->priv)->marks[0][1], 3);
	CHECK_EQ(((struct card *)dev->priv)->marks[0][2], 4);
	CHECK_EQ(((struct card *)dev->priv)->marks[0][3], 2);
	complete(dev, 0, 9);
	sock_put(sk);
	down();
}

/* --- Many queues at work -------------------------------------------------------------------------------------------------- */

/* Two devices, each with a queue that is stopped: the others go on, and what waited leaves in order when it wakes. */
TEST(queues_stop_and_wake_for_themselves)
{
	u32 flow, stopped, other;
	struct card *c, *c2;

	up(4, 512);
	dev2 = add_card(3, 512);
	c = dev->priv;
	c2 = dev2->priv;
	/* Not the first queue, which is also what a driver of one queue stops. */
	for (flow = 1; pick_flow(flow) == 0; flow++)
		;
	stopped = pick_flow(flow);
	for (other = flow + 1; pick_flow(other) == stopped; other++)
		;
	local_bh_disable();
	netif_tx_stop_queue(netdev_get_tx_queue(dev, stopped));
	local_bh_enable();
	for (u32 i = 0; i < 20; i++) {
		CHECK_EQ(dev_queue_xmit(packet_on(dev, flow, i)), 0);
		CHECK_EQ(dev_queue_xmit(packet_on(dev, other, i)), 0);
		CHECK_EQ(dev_queue_xmit(packet_on(dev2, 1, i)), 0);
	}
	CHECK_EQ(c->taken[stopped], 0);
	CHECK_EQ(netdev_get_tx_queue(dev, stopped)->qdisc->qlen, 20);
	CHECK_EQ(c->taken[pick_flow(other)], 20);
	CHECK_EQ(c2->taken[0] + c2->taken[1] + c2->taken[2], 20);
	complete(dev, stopped, 0);
	CHECK_EQ(c->taken[stopped], 20);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(c->marks[stopped][i], i);
	CHECK_EQ(netdev_get_tx_queue(dev, stopped)->restarts, 1);
	CHECK_EQ(netdev_get_tx_queue(dev, pick_flow(other))->restarts, 0);
	down();
}

/* Small rings, completions at random, two devices: nothing is lost and no flow is reordered. */
TEST(no_flow_is_reordered)
{
	enum { FLOWS = 40, PACKETS = 3000 };
	u32 sent[2][FLOWS] = { { 0 } };

	up(5, 7);
	dev2 = add_card(8, 3);
	((struct card *)dev->priv)->counts = true;
	for (u32 i = 0; i < PACKETS; i++) {
		u32 d = rnd(2), flow = rnd(FLOWS);

		CHECK_EQ(dev_queue_xmit(
				 packet_on(d ? dev2 : dev, flow, flow << 16 | sent[d][flow]++)),
			 0);
		if (!rnd(3)) {
			d = rnd(2);
			complete(d ? dev2 : dev, rnd(d ? 8 : 5), 1 + rnd(4));
		}
	}
	for (u32 d = 0; d < 2; d++) {
		struct net_device *x = d ? dev2 : dev;
		struct card *c = x->priv;
		u32 seen[FLOWS] = { 0 }, total = 0, want = 0;

		for (u32 round = 0; round < 2000; round++)
			complete(x, round % x->num_tx_queues, 512);
		for (u32 q = 0; q < x->num_tx_queues; q++) {
			CHECK_EQ(x->_tx[q].qdisc->qlen, 0);
			total += c->taken[q];
			for (u32 i = 0; i < c->taken[q]; i++) {
				u32 flow = c->marks[q][i] >> 16;

				CHECK_EQ(c->marks[q][i] & 0xffff, seen[flow]);
				seen[flow]++;
			}
		}
		for (u32 flow = 0; flow < FLOWS; flow++)
			want += sent[d][flow];
		CHECK_EQ(total, want);
	}
	down();
}

/* --- Byte queue limits ------------------------------------------------------------------------------------------------------ */

TEST(held_by_bytes_until_some_are_sent)
{
	struct netdev_queue *txq;
	struct card *c;

	up(1, 512);
	c = dev->priv;
	c->counts = true;
	txq = netdev_get_tx_queue(dev, 0);
	txq->dql.limit = 300; /* five packets of 60 */
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(dev_queue_xmit(packet_on(dev, 1, i)), 0);
	CHECK_EQ(c->taken[0], 5);
	CHECK(txq->held && !txq->stopped && netif_xmit_stopped(txq));
	CHECK_EQ(txq->qdisc->qlen, 15);
	CHECK_EQ(dql_in_flight(&txq->dql), 300);
	complete(dev, 0, 2);
	CHECK_EQ(c->taken[0], 7);
	CHECK(txq->held);
	complete(dev, 0, 5); /* it ran dry: it may have more from now on */
	CHECK_EQ(txq->dql.limit, 300 + 300);
	CHECK_EQ(c->taken[0], 17);
	complete(dev, 0, 100);
	CHECK_EQ(c->taken[0], 20);
	CHECK(!txq->held);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(c->marks[0][i], i);
	CHECK_EQ(txq->qdisc->requeues,
		 0); /* the list was cut to the budget, nothing had to come back */
	complete(dev, 0, 100);
	down();
}

/* Stopped by the driver and held by bytes: it goes on when neither is. */
TEST(both_reasons_must_go)
{
	struct netdev_queue *txq;

	up(1, 512);
	((struct card *)dev->priv)->counts = true;
	txq = netdev_get_tx_queue(dev, 0);
	txq->dql.limit = 60;
	CHECK_EQ(dev_queue_xmit(packet_on(dev, 1, 0)), 0);
	CHECK_EQ(dev_queue_xmit(packet_on(dev, 1, 1)), 0);
	CHECK(txq->held);
	local_bh_disable();
	netif_tx_stop_queue(txq);
	netdev_tx_completed_queue(txq, 1, 60);
	local_bh_enable();
	host_clock_advance(NSEC_PER_MSEC);
	CHECK(!txq->held && txq->stopped);
	CHECK_EQ(((struct card *)dev->priv)->taken[0], 1);
	((struct card *)dev->priv)->counts = false;
	complete(dev, 0, 1);
	CHECK_EQ(((struct card *)dev->priv)->taken[0], 2);
	down();
}

TEST(a_ring_emptied_by_force_holds_nobody)
{
	struct netdev_queue *txq;

	up(1, 512);
	((struct card *)dev->priv)->counts = true;
	txq = netdev_get_tx_queue(dev, 0);
	txq->dql.limit = 60;
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(dev_queue_xmit(packet_on(dev, 1, i)), 0);
	CHECK(txq->held);
	netdev_tx_reset_queue(txq);
	CHECK(!txq->held);
	CHECK_EQ(txq->dql.limit, DQL_INITIAL);
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(((struct card *)dev->priv)->taken[0], 3);
	netdev_tx_reset_queue(txq); /* not held: nothing to do */
	CHECK(!txq->sched);
	((struct card *)dev->priv)->counts = false;
	down();
}

/* Held too long is hung as well: said once, the driver is told, each time is counted. */
TEST(watchdog_looks_at_held_queues)
{
	struct netdev_queue *txq;
	struct card *c;

	up(2, 512);
	c = dev->priv;
	c->counts = true;
	txq = netdev_get_tx_queue(dev, pick_flow(1));
	txq->dql.limit = 60;
	CHECK_EQ(dev_queue_xmit(packet_on(dev, 1, 0)), 0);
	host_console_clear();
	host_clock_advance(4 * NSEC_PER_SEC);
	CHECK_EQ(c->timeouts, 0);
	host_clock_advance(7 * NSEC_PER_SEC);
	CHECK(c->timeouts >= 1);
	CHECK_EQ(txq->trans_timeout, c->timeouts);
	CHECK_EQ(netdev_get_tx_queue(dev, !(txq - dev->_tx))->trans_timeout, 0);
	CHECK(strstr(host_console(), "has stood still"));
	complete(dev, (u32)(txq - dev->_tx), 1);
	host_clock_advance(20 * NSEC_PER_SEC);
	CHECK_EQ(txq->trans_timeout, c->timeouts);
	down();
}

TEST(the_page)
{
	struct netdev_queue *txq;
	char text[2000] = "";
	struct seq_file m = { .buf = text, .size = sizeof(text), .arg = NULL };

	up(2, 512);
	m.arg = net;
	((struct card *)dev->priv)->counts = true;
	txq = netdev_get_tx_queue(dev, 1);
	txq->trans_timeout = 3;
	txq->restarts = 4;
	txq->stopped = txq->held = true;
	txqueues_show(&m);
	CHECK_STR(text,
		  "q0 0 stopped 0 held 0 limit 65536 inflight 0 trans_timeout 0 restart_queue 0\n"
		  "q0 1 stopped 1 held 1 limit 65536 inflight 0 trans_timeout 3 restart_queue 4\n");
	txq->stopped = txq->held = false;
	down();
}

KTEST_MAIN_BOOT()
