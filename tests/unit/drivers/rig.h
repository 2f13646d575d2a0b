/* SPDX-License-Identifier: MIT */
/*
 * One card with its driver on a bench: up() powers the machine on, down() takes everything apart and checks that
 * nothing is left. Included by one test program each.
 */
#ifndef RIG_H
#define RIG_H
#include "e1000_model.h"
#include "host.h"
#include "ktest.h"

#include "../../../drivers/net/e1000/e1000.h"

#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <net/etherdevice.h>
#include <net/net.h>
#include <net/sch_generic.h>

#define SENT_MAX 4096

static struct e1000_model model;
static struct net *net;
static struct pci_host *pci;
static struct net_device *dev;
static struct e1000_adapter *nic;
static struct {
	u32 frames, bytes;
	u8 last[E1000_MODEL_FRAME];
	u32 last_len;
	u8 mark[SENT_MAX]; /* byte 20 of each frame, in order */
} sent;
static struct {
	u32 frames;
	u32 last_len;
	u8 last_mark;
	u32 last_truesize;
} got;
static u32 freed; /* destructors that ran */
static u32 net_tx_runs;
static void (*rx_hook)(const struct sk_buff *skb); /* may be NULL: looks at each packet */
static void (*net_tx)(void);                       /* the floor above; NULL: only counts its runs */

static inline void on_wire(void *arg, const u8 *frame, u32 len)
{
	(void)arg;
	if (sent.frames < SENT_MAX)
		sent.mark[sent.frames] = frame[20];
	sent.frames++;
	sent.bytes += len;
	memcpy(sent.last, frame, len);
	sent.last_len = len;
}

static inline void rx_handler(struct sk_buff *skb, struct net_device *from)
{
	CHECK(from == dev);
	if (rx_hook)
		rx_hook(skb);
	got.frames++;
	got.last_len = skb->len;
	got.last_mark = skb->data[6];
	got.last_truesize = skb->truesize;
	consume_skb(skb);
}

/* The floor above: only remembers that the queue was scheduled. */
static inline void count_net_tx(void)
{
	struct softnet_data *sd = this_cpu()->softnet;
	unsigned long flags = local_irq_save();
	struct netdev_queue *q = sd->output_queue;

	sd->output_queue = NULL;
	sd->output_queue_tailp = &sd->output_queue;
	local_irq_restore(flags);
	for (; q; q = q->next_sched) {
		q->sched = false;
		net_tx_runs++;
	}
}

static inline struct e1000_options options(u32 tx_ring, u32 rx_ring)
{
	return (struct e1000_options){ .net = net,
				       .tx_ring = tx_ring,
				       .rx_ring = rx_ring,
				       .csum = true,
				       .mtu = 1500,
				       .txqueuelen = 1000 };
}

static inline void once(void)
{
	if (net)
		return;
	skb_init();
	CHECK_EQ(softnet_init(this_cpu()), 0);
	open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	open_softirq(NET_TX_SOFTIRQ, net_tx ? net_tx : count_net_tx);
	net = net_alloc();
	CHECK(net != NULL);
	if (net_tx)
		CHECK_EQ(sched_net_init(net), 0);
	CHECK_EQ(dev_add_pack(net, htons(ETH_P_IP), rx_handler), 0);
}

/* Powers the machine on with one card, probed and open. */
static inline void up(struct e1000_options o, u16 device)
{
	once();
	o.net = net;
	memset(&sent, 0, sizeof(sent));
	memset(&got, 0, sizeof(got));
	memset(faults, 0, sizeof(faults));
	freed = net_tx_runs = 0;
	host_console_clear();
	e1000_model_plug(&model, device);
	model.tx = on_wire;
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), 1);
	dev = dev_get_by_name(net, "eth0");
	CHECK(dev != NULL);
	nic = dev->priv;
	CHECK_EQ(dev_open(dev), 0);
	host_clock_advance(1100 * NSEC_PER_MSEC); /* the receiver's second */
}

static inline void down(void)
{
	pci_unbind(pci, &e1000_driver);
	pci_free(pci);
	CHECK(dev_get_by_name(net, "eth0") == NULL);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(dma_mapped(), 0);
	CHECK_EQ(host_dma_live(), 0);
	CHECK_EQ(timers_live(), 0);
	CHECK(!(model.config[1] & 4)); /* no DMA any more */
	e1000_model_silence(&model);
	host_clock_advance(10 * NSEC_PER_SEC); /* nobody comes back to the card */
	e1000_model_unplug_all();
}

static inline void on_free(struct sk_buff *skb)
{
	(void)skb;
	freed++;
}

static inline struct sk_buff *frame(u32 len, u8 mark)
{
	struct sk_buff *skb = alloc_skb(len + 64);
	u8 *p;

	skb_reserve(skb, 32);
	p = skb_put(skb, len);
	memset(p, 0, len);
	memset(p, 0x52, 12);
	p[12] = 8;
	if (len > 20)
		p[20] = mark;
	skb->dev = dev;
	skb->destructor = on_free;
	skb_reset_mac_header(skb);
	return skb;
}

/* A fragment, as the layer that built the packet adds it: before anybody is charged. */
static inline void add_frag(struct sk_buff *skb, u8 *addr, u32 len)
{
	skb->destructor = NULL;
	CHECK_EQ(skb_add_frag(skb, addr, len), 0);
	skb->destructor = on_free;
}

static inline netdev_tx_t xmit(struct sk_buff *skb)
{
	return dev->netdev_ops->ndo_start_xmit(skb, dev);
}

static inline bool stopped(void)
{
	return netif_tx_queue_stopped(netdev_get_tx_queue(dev, 0));
}

/* Sends @n frames in one BH-off section, as far as the queue lets. Returns how many went. */
static inline u32 burst(u32 n)
{
	u32 i;

	local_bh_disable();
	for (i = 0; i < n && !stopped(); i++)
		CHECK_EQ(xmit(frame(100, (u8)i)), NETDEV_TX_OK);
	local_bh_enable();
	return i;
}

static inline bool deliver(u32 len, u8 mark, u8 errors)
{
	static u8 f[8192];
	memset(f, 0, sizeof(f));
	memcpy(f, dev->dev_addr, 6);
	f[12] = 8;
	f[20] = mark;
	return e1000_model_rx(&model, f, len, errors);
}

static inline void ask_checksum(struct sk_buff *skb, u32 start, u16 offset, u16 seed)
{
	u8 *p = skb->data;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u16)(skb->data - skb->head + start);
	skb->csum_offset = offset;
	p[start + offset] = (u8)(seed >> 8);
	p[start + offset + 1] = (u8)seed;
}

static inline u16 sum_of(const u8 *p, u32 len)
{
	u32 sum = 0;
	for (u32 i = 0; i < len; i++)
		sum += (u32)p[i] << (i & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

#endif
