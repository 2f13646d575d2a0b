/* SPDX-License-Identifier: MIT */
/*
 * A device with a queueing discipline, in virtual time: what left, when, and what did not. The driver takes everything at once
 * unless it is given a speed; every departure is written down.
 */
#ifndef SCHED_RIG_H
#define SCHED_RIG_H
/* The C library has one too. */
#include <ktest.h>
#define timeval kernel_timeval

#include <host.h>
#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#define R(name) SKB_DROP_REASON_##name
#define MS      NSEC_PER_MSEC
#define US      NSEC_PER_USEC

enum { RIG_SENT = 65536, RIG_PAYLOAD = 14 + 20 + 8 };

struct sent {
	u32 mark, len;
	u64 at_ns;
};

static struct {
	struct sent log[RIG_SENT];
	u32 n;
	u64 bytes;
	bool closed; /* takes nothing */
	void (*look)(struct sk_buff *skb);
} wire;
static struct net *net;
static struct net_device *dev;
static struct netdev_queue *txq;

static netdev_tx_t rig_xmit(struct sk_buff *skb, struct net_device *d)
{
	if (wire.closed) {
		netif_stop_queue(d);
		return NETDEV_TX_BUSY;
	}
	wire.log[wire.n++ % RIG_SENT] = (struct sent){ skb->mark, skb->len, ktime_get_ns() };
	wire.bytes += skb->len;
	if (wire.look)
		wire.look(skb);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops rig_ops = { .ndo_start_xmit = rig_xmit };

/* What @text says, or the test ends. */
static struct qdisc_spec spec_of(const char *text)
{
	const char *why = "";
	struct qdisc_spec spec;

	if (qdisc_parse(text, &spec, &why)) {
		printf("# %s: %s\n", text, why);
		CHECK(!"a good discipline");
	}
	return spec;
}

static void up_queues(const char *text, u32 queues)
{
	struct qdisc_spec spec = spec_of(text);

	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
		host_console_quiet(true);
	}
	net = net_alloc();
	CHECK_EQ(sched_net_init(net), 0);
	qdisc_set_default(net, &spec);
	dev = alloc_netdev(net, 0, "eth%d", queues);
	dev->netdev_ops = &rig_ops;
	dev->features = NETIF_F_SG | NETIF_F_HW_CSUM;
	dev->hard_header_len = 14;
	dev->mtu = 1500;
	memset(&wire, 0, sizeof(wire));
	txq = &dev->_tx[0];
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_EQ(dev_open(dev), 0);
}

static void up(const char *text)
{
	up_queues(text, 1);
}

static void down(void)
{
	unregister_netdev(dev);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(timers_live(), 0);
	CHECK(!this_cpu()->softnet->output_queue);
}

/* An IPv4 packet of UDP of flow @flow, @len bytes with its link header. */
static struct sk_buff *packet(u32 flow, u32 mark, u32 len)
{
	struct sk_buff *skb = alloc_skb(len + 64);
	struct iphdr *iph;
	u8 *p;

	skb_reserve(skb, 32);
	p = skb_put(skb, len);
	memset(p, 0, len);
	skb->dev = dev;
	skb->mark = mark;
	skb->protocol = htons(ETH_P_IP);
	skb->network_header = 32 + 14;
	skb->transport_header = 32 + 34;
	iph = ip_hdr(skb);
	iph->ver_ihl = 0x45;
	iph->ttl = 64;
	iph->protocol = IPPROTO_UDP;
	iph->tot_len = htons((u16)(len - 14));
	iph->saddr = htonl(0x0a000001);
	iph->daddr = htonl(0x0a000002);
	iph->check = ip_fast_csum(iph, 5);
	udp_hdr(skb)->source = htons((u16)(1000 + flow));
	udp_hdr(skb)->dest = htons(9);
	return skb;
}

static __unused int send(u32 flow, u32 mark, u32 len)
{
	return dev_queue_xmit(packet(flow, mark, len));
}

/* From now on the driver takes nothing, or everything again. */
static __unused void wire_close(void)
{
	wire.closed = true;
	netif_tx_stop_all_queues(dev);
}

static __unused void wire_open(void)
{
	wire.closed = false;
	local_bh_disable();
	netif_tx_start_all_queues(dev);
	for (u32 i = 0; i < dev->num_tx_queues; i++)
		__netif_schedule(&dev->_tx[i]);
	local_bh_enable();
}

/* The discipline's own dequeue, by hand: NULL when it has nothing for now. */
static __unused struct sk_buff *take(void)
{
	struct sk_buff *skb;

	local_bh_disable();
	skb = txq->qdisc->ops->dequeue(txq->qdisc);
	local_bh_enable();
	if (skb) {
		txq->qdisc->packets++;
		txq->qdisc->bytes += qdisc_pkt_len(skb);
	}
	return skb;
}

static __unused void count_held(const struct sk_buff *skb, void *arg)
{
	struct qdisc_count *held = arg;

	held->packets++;
	held->bytes += qdisc_pkt_len(skb);
}

/* Entered = handed out + given up + here, in packets and bytes; and what is here is what it counts. */
static __unused void check_conserved(const struct Qdisc *q)
{
	struct qdisc_count held = { 0, 0 };
	const struct sk_buff *skb;

	q->ops->walk(q, count_held, &held);
	CHECK_EQ(q->in.packets, q->out.packets + q->lost.packets + held.packets);
	CHECK_EQ(q->in.bytes, q->out.bytes + q->lost.bytes + held.bytes);
	skb_queue_walk(&q->requeue, skb)
		count_held(skb, &held);
	CHECK_EQ(q->qlen, held.packets);
	CHECK_EQ(q->backlog, held.bytes);
	CHECK_EQ(q->packets, q->bypass + q->out.packets);
}

/* The page of all disciplines. */
static __unused const char *page(void)
{
	static char buf[8192];
	struct seq_file m = { .buf = buf, .size = sizeof(buf), .arg = net };

	buf[0] = '\0';
	qdisc_show(&m);
	return buf;
}

/* Lets the @nth allocation from now on fail, or with @every all that follow, too. */
static __unused void fail_alloc(u64 nth, u64 every)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth, .every = every };
	faults_armed = true;
}

static __unused void fail_none(void)
{
	faults_armed = false;
	memset(faults, 0, sizeof(faults));
}
#endif
