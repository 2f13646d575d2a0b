// SPDX-License-Identifier: MIT
/*
 * Several cards in one machine, each in a net of its own: own registers, own address, own counter page; lines are
 * shared, four cards on two lines and eight on four.
 */
#include "e1000_model.h"
#include "host.h"
#include "ktest.h"

#include <drivers/e1000.h>
#include <kernel/dma.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/net.h>
#include <net/netdevice.h>
#include <net/skbuff.h>

#define CARDS E1000_MODEL_SLOTS

static struct e1000_model card[CARDS];
static struct net *net[CARDS];
static struct net_device *dev[CARDS];
static struct pci_host *pci;
static u32 got[CARDS], sent[CARDS];
static void (*order)(const struct sk_buff *skb, const struct net_device *from); /* may be NULL */

static void rx_handler(struct sk_buff *skb, struct net_device *from)
{
	for (u32 i = 0; i < CARDS; i++)
		got[i] += from == dev[i];
	if (order)
		order(skb, from);
	consume_skb(skb);
}

static void on_wire(void *arg, const u8 *frame, u32 len)
{
	(void)frame;
	(void)len;
	++*(u32 *)arg;
}

static void nothing(void)
{
}

static void once(void)
{
	if (net[0])
		return;
	skb_init();
	CHECK_EQ(softnet_init(this_cpu()), 0);
	open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	open_softirq(NET_TX_SOFTIRQ, nothing);
	for (u32 i = 0; i < CARDS; i++) {
		net[i] = net_alloc();
		CHECK(net[i] != NULL);
		CHECK_EQ(dev_add_pack(net[i], htons(ETH_P_IP), rx_handler), 0);
	}
}

/* Eight cards, card i in net i. */
static void up(void)
{
	once();
	memset(got, 0, sizeof(got));
	memset(sent, 0, sizeof(sent));
	e1000_model_unplug_all();
	for (u32 i = 0; i < CARDS; i++) {
		e1000_model_plug_at(&card[i], 0x100e, i);
		card[i].tx = on_wire;
		card[i].arg = &sent[i];
	}
	pci = pci_scan();
	CHECK_EQ(pci_count_class(pci, 0x0200), CARDS);
	for (u32 i = 0; i < CARDS; i++) {
		struct e1000_options o = {
			.net = net[i], .tx_ring = 8, .rx_ring = 8, .mtu = 1500, .txqueuelen = 10
		};

		CHECK_EQ(pci_bind_device(pci_get_slot(pci, 0, (u8)(3 + i), 0), &e1000_driver, &o),
			 0);
		dev[i] = dev_get_by_name(net[i], "eth0");
		CHECK(dev[i] != NULL);
		CHECK_EQ(dev_open(dev[i]), 0);
	}
	host_clock_advance(1100 * NSEC_PER_MSEC);
}

static void down(void)
{
	pci_unbind(pci, &e1000_driver);
	pci_free(pci);
	e1000_model_unplug_all();
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(dma_mapped(), 0);
}

static bool deliver(u32 i)
{
	u8 f[60] = { 0 };

	memcpy(f, dev[i]->dev_addr, 6);
	f[12] = 8;
	return e1000_model_rx(&card[i], f, sizeof(f), 0);
}

static void send(u32 i)
{
	struct sk_buff *skb = alloc_skb(100);

	memset(skb_put(skb, 60), 0, 60);
	skb->dev = dev[i];
	skb_reset_mac_header(skb);
	local_bh_disable();
	CHECK_EQ(dev[i]->netdev_ops->ndo_start_xmit(skb, dev[i]), NETDEV_TX_OK);
	local_bh_enable();
}

TEST(each_card_has_its_own_net)
{
	up();
	for (u32 i = 0; i < CARDS; i++) {
		CHECK_EQ(dev[i]->dev_addr[0], 0x52);
		CHECK_EQ(dev[i]->dev_addr[5], 0x56 + i);
		CHECK(dev[i]->net == net[i]);
	}
	for (u32 i = 0; i < CARDS; i++) {
		for (u32 k = 0; k < i + 1; k++)
			CHECK(deliver(i));
		send(i);
	}
	for (u32 i = 0; i < CARDS; i++) {
		CHECK_EQ(got[i], i + 1);
		CHECK_EQ(dev[i]->stats.rx_packets, i + 1);
		CHECK_EQ(sent[i], 1);
	}
	down();
}

/* Two cards interrupt at once on one line: one interrupt serves both, the line falls only after both were asked. */
TEST(lines_are_shared)
{
	up();
	CHECK_EQ(e1000_model_irq(1), e1000_model_irq(5));
	CHECK(e1000_model_irq(0) != e1000_model_irq(1));
	u64 before = irq_count(e1000_model_irq(1)), other = irq_count(e1000_model_irq(0));
	unsigned long flags = local_irq_save();
	CHECK(deliver(1));
	CHECK(deliver(5));
	local_irq_restore(flags);
	CHECK_EQ(got[1], 1);
	CHECK_EQ(got[5], 1);
	CHECK_EQ(irq_count(e1000_model_irq(1)) - before, 1);
	CHECK_EQ(irq_count(e1000_model_irq(0)), other);
	down();
}

/* One card goes, the one on the same line and all others stay. */
TEST(one_card_leaves)
{
	up();
	pci_unbind_device(pci_get_slot(pci, 0, 4, 0));
	CHECK(dev_get_by_name(net[1], "eth0") == NULL);
	CHECK(deliver(5));
	CHECK_EQ(got[5], 1);
	CHECK(deliver(0));
	CHECK_EQ(got[0], 1);
	down();
}

/* The counter pages of cards whose devices all have the same name. */
TEST(counter_pages_do_not_clash)
{
	static const char *const pages[] = { "/proc/net/nic", "/proc/net/nic.eth0",
					     "/proc/net/nic.0000:00:05.0",
					     "/proc/net/nic.0000:00:0a.0" };
	size_t len;

	up();
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		char *text = proc_render(pages[i], &len);

		CHECK(!IS_ERR(text));
		if (!IS_ERR(text))
			kfree(text);
	}
	down();
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
		CHECK(IS_ERR(proc_render(pages[i], &len)));
}

/* --- A wire between two cards on one line ------------------------------------------------------------------------ */

#define LEFT  1u
#define RIGHT 5u /* the same line as LEFT */

static u32 wrong, refused, last_seq[CARDS];

static void across(void *arg, const u8 *f, u32 len)
{
	refused += !e1000_model_rx(arg, f, len, 0);
}

/* Called for each packet that arrived: by number and in order. */
static void check_order(const struct sk_buff *skb, const struct net_device *from)
{
	u32 i = from == dev[LEFT] ? LEFT : RIGHT, seq = get_unaligned_be32(skb->data);

	wrong += seq != last_seq[i] + 1;
	last_seq[i] = seq;
}

static void send_numbered(u32 from, u32 to, u32 seq, u32 len)
{
	struct sk_buff *skb = alloc_skb(len + 16);
	u8 *p = skb_put(skb, len);

	memset(p, 0, len);
	memcpy(p, dev[to]->dev_addr, 6);
	memcpy(p + 6, dev[from]->dev_addr, 6);
	p[12] = 8;
	put_unaligned_be32(seq, p + 14);
	skb->dev = dev[from];
	skb_reset_mac_header(skb);
	local_bh_disable();
	CHECK_EQ(dev[from]->netdev_ops->ndo_start_xmit(skb, dev[from]), NETDEV_TX_OK);
	local_bh_enable();
}

struct wire {
	const char *name;
	u64 rate, late_dd, irq_delay, rx_late, access;
	bool mitigation;
};

static const struct wire wires[] = {
	{ "at_once", 0, 0, 0, 0, 0, false },
	{ "gigabit", 1000000000, 0, 0, 0, 0, false },
	{ "throttled", 0, 0, 0, 0, 0, true },
	{ "late_interrupts", 0, 0, 30000, 0, 0, false },
	{ "late_completions", 100000000, 50000, 0, 0, 0, true },
	{ "late_arrivals", 100000000, 0, 0, 40000, 0, true },
	{ "slow_registers", 1000000000, 0, 0, 0, 700, false },
	{ "all_of_it", 100000000, 20000, 10000, 20000, 700, true },
};

/*
 * Each card's interrupts are looked at by the other's driver as well, in the middle of its poll, and reading the causes
 * clears them: nothing may be forgotten by that.
 */
TEST_EACH(two_on_a_line, wires)
{
	u32 seq = 0, x = 1;

	up();
	wrong = refused = 0;
	memset(last_seq, 0, sizeof(last_seq));
	order = check_order;
	card[LEFT].tx = card[RIGHT].tx = across;
	card[LEFT].arg = &card[RIGHT];
	card[RIGHT].arg = &card[LEFT];
	host_set_events(e1000_models_next, e1000_models_run, NULL);
	for (u32 i = LEFT; i <= RIGHT; i += RIGHT - LEFT) {
		card[i].tx_rate_bps = row->rate;
		card[i].late_dd_ns = row->late_dd;
		card[i].irq_delay_ns = row->irq_delay;
		card[i].rx_late_ns = row->rx_late;
		card[i].access_ns = row->access;
		card[i].mitigation = row->mitigation;
	}
	for (u32 step = 0; step < 500; step++) {
		for (u32 n = x % 3 + 1; n; n--) {
			seq++;
			send_numbered(LEFT, RIGHT, seq, 60 + seq % 500);
			send_numbered(RIGHT, LEFT, seq, 60 + seq % 700);
		}
		x = x * 1103515245 + 12345;
		host_clock_advance(500000 + (x >> 8) % 500000);
	}
	host_clock_advance(10 * NSEC_PER_MSEC);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(refused, 0);
	CHECK_EQ(got[LEFT], seq);
	CHECK_EQ(got[RIGHT], seq);
	CHECK_EQ(dev[LEFT]->stats.tx_packets, seq);
	CHECK_EQ(dev[RIGHT]->stats.tx_packets, seq);
	order = NULL;
	host_set_events(NULL, NULL, NULL);
	down();
}

TEST(nothing_is_left)
{
	e1000_model_plug_at(&card[0], 0x100e, 7);
	pci = pci_scan();
	CHECK(pci_get_slot(pci, 0, 10, 0) != NULL);
	CHECK(pci_get_slot(pci, 0, 3, 0) == NULL);
	pci_free(pci);
	e1000_model_unplug_all();
	pci = pci_scan();
	CHECK_EQ(pci_count_class(pci, 0x0200), 0);
	pci_free(pci);
	CHECK_EQ(timers_live(), 0);
}

KTEST_MAIN_BOOT()
