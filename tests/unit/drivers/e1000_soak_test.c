// SPDX-License-Identifier: MIT
/*
 * The driver and a card with bad manners, under traffic both ways through the queueing discipline. Whatever the card
 * does: every packet ends exactly once, none is sent twice or in another order, what arrives arrives whole, the counters
 * add up, nothing stays mapped, and when the card is well again so is the driver.
 */
#include "rig.h"

#define STEPS 250u

static struct {
	u32 posted, on_wire, wrong, last_seq;
	u32 offered, lost_by_card, arrived, last_arrived;
	u64 seed;
	u8 *page;
} soak;

static u32 dice(u32 below)
{
	soak.seed = soak.seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((soak.seed >> 33) % below);
}

/* Byte @i of frame @seq: found again on the other side. */
static u8 pattern(u32 seq, u32 i)
{
	return (u8)(seq * 31 + i);
}

/* Bytes @from to @len of frame @seq are as they were, but for the two at @sum. */
static bool intact(const u8 *p, u32 from, u32 len, u32 seq, u32 sum)
{
	for (u32 i = from; i < len; i++)
		if (i != sum && i != sum + 1 && p[i] != pattern(seq, i))
			return false;
	return true;
}

static void wire_check(void *arg, const u8 *f, u32 len)
{
	u32 seq = get_unaligned_be32(f + 14), sum = f[18], sent_len = get_unaligned_be16(f + 20);

	(void)arg;
	soak.on_wire++;
	soak.wrong += seq <= soak.last_seq || sent_len != len;
	soak.wrong += !intact(f, 22, len, seq, sum);
	if (sum)
		soak.wrong += sum_of(f + 34, len - 34) != 0xffff;
	soak.last_seq = seq;
}

static void arrival_check(const struct sk_buff *skb)
{
	u32 seq = get_unaligned_be32(skb->data);

	soak.wrong +=
		seq <= soak.last_arrived || skb->len + 14 != get_unaligned_be16(skb->data + 4);
	soak.wrong += !intact(skb->data - 14, 20, skb->len + 14, seq, 0);
	soak.last_arrived = seq;
	soak.arrived++;
}

/* One packet: in one piece or in several, with a checksum to insert or without. */
static void send(void)
{
	u32 len = 60 + dice(1455), head = dice(2) ? len : 60, seq = ++soak.posted;
	struct sk_buff *skb = frame(head, 0);
	u8 *p = skb->data;

	for (u32 i = 22; i < head; i++)
		p[i] = pattern(seq, i);
	put_unaligned_be32(seq, p + 14);
	p[18] = p[19] = 0;
	put_unaligned_be16((u16)len, p + 20);
	for (u32 at = head; at < len;) {
		u32 n = min(len - at, 1 + dice(700));

		/* The page holds the pattern of every sequence number, shifted. */
		add_frag(skb, soak.page + pattern(seq, at), n);
		at += n;
	}
	if (dice(2)) {
		p[18] = 50;
		ask_checksum(skb, 34, 16, 0);
	}
	skb->protocol = htons(0x88b5);
	local_bh_disable();
	dev_queue_xmit(skb);
	local_bh_enable();
}

static void offer(void)
{
	static u8 f[1514];
	u32 len = 60 + dice(1455), seq = soak.offered + soak.lost_by_card + 1;
	u32 lost = model.reg[0x4010 / 4];

	for (u32 i = 20; i < len; i++)
		f[i] = pattern(seq, i);
	memcpy(f, dev->dev_addr, 6);
	f[12] = 8;
	f[13] = 0;
	put_unaligned_be32(seq, f + 14);
	put_unaligned_be16((u16)len, f + 18);
	if (!e1000_model_rx(&model, f, len, 0))
		return;
	if (model.reg[0x4010 / 4] != lost) /* MPC */
		soak.lost_by_card++;
	else
		soak.offered++;
}

struct manners {
	const char *name;
	u32 tx_ring, rx_ring;
	void (*set)(void);
	bool tx_all, rx_all;        /* nothing is lost */
	u32 resets_min, resets_max; /* of the transmitter */
	u32 swallowed;              /* frames that end up in the one before, which had no end */
};

static void good(void)
{
}

static void rate_10m(void)
{
	model.tx_rate_bps = 10000000;
}

static void rate_1m(void)
{
	model.tx_rate_bps = 1000000;
}

static void late_1ms(void)
{
	model.late_dd_ns = NSEC_PER_MSEC;
}

static void late_50ms(void)
{
	model.late_dd_ns = 50 * NSEC_PER_MSEC;
}

static void late_3s(void)
{
	model.late_dd_ns = 3 * NSEC_PER_SEC;
}

static void late_20s(void)
{
	model.late_dd_ns = 20 * NSEC_PER_SEC;
}

static void out_of_order(void)
{
	model.dd_jitter_ns = 5 * NSEC_PER_MSEC;
}

static void batches(void)
{
	model.late_dd_after = 4;
}

static void batch_beyond_ring(void)
{
	model.late_dd_after = 32;
}

static void lose_one_dd(void)
{
	model.lose_dd = 1;
}

static void lose_all_dd(void)
{
	model.no_dd = true;
}

static void hang_once(void)
{
	model.tx_hang = 1;
}

static void hang_twice(void)
{
	model.tx_hang = 2;
}

static void rx_late(void)
{
	model.rx_late_ns = 2 * NSEC_PER_MSEC;
}

static void rx_disorder(void)
{
	model.rx_jitter_ns = 2 * NSEC_PER_MSEC;
}

static void lose_eop(void)
{
	model.rx_lose_eop = 5;
}

static void lose_some_irqs(void)
{
	model.lose_irqs = 20;
}

static void lose_all_irqs(void)
{
	model.lose_irqs = UINT32_MAX;
}

static void irqs_late(void)
{
	model.irq_delay_ns = 3 * NSEC_PER_MSEC;
}

static void irqs_very_late(void)
{
	model.irq_delay_ns = 3 * NSEC_PER_SEC;
}

static void throttled(void)
{
	model.mitigation = true;
}

static void stormy(void)
{
	model.storm = 5000;
	model.storm_ns = 20 * NSEC_PER_USEC;
}

static void line_stuck(void)
{
	model.stuck_line = true;
	e1000_model_cause(&model, 0);
}

static void flapping(void)
{
	model.flaps = 21; /* ends without a link */
	model.flap_ns = 10 * NSEC_PER_MSEC;
}

static void link_off(void)
{
	e1000_model_link(&model, false);
	e1000_model_link_in(&model, true, 300 * NSEC_PER_MSEC);
}

static void overrun(void)
{
	model.overrun = true;
	model.irq_delay_ns = 3 * NSEC_PER_MSEC;
}

static void slow_registers(void)
{
	model.access_ns = 1000;
}

static void everything(void)
{
	rate_10m();
	late_1ms();
	out_of_order();
	rx_late();
	rx_disorder();
	lose_eop();
	lose_some_irqs();
	irqs_late();
	throttled();
	flapping();
	overrun();
	slow_registers();
}

static const struct manners table[] = {
	{ "good", 256, 256, good, true, true, 0, 0, 0 },
	{ "good_ring_of_8", 8, 8, good, true, true, 0, 0, 0 },
	{ "rate_10m", 64, 64, rate_10m, true, true, 0, 0, 0 },
	{ "rate_1m_ring_of_8", 8, 8, rate_1m, true, true, 0, 0, 0 },
	{ "late_1ms", 64, 64, late_1ms, true, true, 0, 0, 0 },
	{ "late_50ms_ring_of_16", 16, 16, late_50ms, true, true, 0, 0, 0 },
	{ "late_3s_ring_of_256", 256, 16, late_3s, true, true, 0, 0, 0 },
	{ "late_20s", 64, 64, late_20s, false, true, 1, 10, 0 },
	{ "out_of_order", 64, 64, out_of_order, true, true, 0, 0, 0 },
	{ "out_of_order_ring_of_8", 8, 8, out_of_order, true, true, 0, 0, 0 },
	{ "batches", 64, 64, batches, true, true, 0, 1, 0 },
	{ "batch_beyond_ring", 16, 16, batch_beyond_ring, false, true, 1, 10, 0 },
	{ "lose_one_dd", 64, 64, lose_one_dd, false, true, 1, 1, 0 },
	{ "lose_all_dd", 16, 16, lose_all_dd, false, true, 1, 10, 0 },
	{ "hang_once", 32, 32, hang_once, false, true, 1, 1, 0 },
	{ "hang_twice", 32, 32, hang_twice, false, true, 2, 2, 0 },
	{ "rx_late", 64, 64, rx_late, true, true, 0, 0, 0 },
	{ "rx_late_ring_of_8", 8, 8, rx_late, true, true, 0, 0, 0 },
	{ "rx_disorder", 64, 64, rx_disorder, true, true, 0, 0, 0 },
	{ "rx_disorder_ring_of_8", 8, 8, rx_disorder, true, true, 0, 0, 0 },
	{ "lose_eop", 64, 64, lose_eop, true, false, 0, 0, 5 },
	{ "lose_some_irqs", 64, 64, lose_some_irqs, true, true, 0, 0, 0 },
	{ "lose_all_irqs", 64, 64, lose_all_irqs, true, true, 0, 0, 0 },
	{ "lose_all_irqs_ring_of_8", 8, 8, lose_all_irqs, true, true, 0, 0, 0 },
	{ "irqs_late", 64, 64, irqs_late, true, true, 0, 0, 0 },
	{ "irqs_very_late", 16, 16, irqs_very_late, true, true, 0, 0, 0 },
	{ "throttled", 64, 64, throttled, true, true, 0, 0, 0 },
	{ "stormy", 64, 64, stormy, true, true, 0, 0, 0 },
	{ "line_stuck", 64, 64, line_stuck, true, true, 0, 0, 0 },
	{ "flapping", 64, 64, flapping, true, true, 0, 0, 0 },
	{ "link_off", 64, 64, link_off, true, true, 0, 0, 0 },
	{ "overrun", 64, 8, overrun, true, false, 0, 0, 0 },
	{ "slow_registers", 64, 64, slow_registers, true, true, 0, 0, 0 },
	{ "everything", 32, 16, everything, false, false, 0, 10, 5 },
};

/* The card is well again. */
static void mend(void)
{
	model.tx_rate_bps = model.late_dd_ns = model.dd_jitter_ns = 0;
	model.late_dd_after = model.lose_dd = 0;
	model.no_dd = model.stuck_line = model.mitigation = model.overrun = false;
	model.rx_late_ns = model.rx_jitter_ns = 0;
	model.rx_lose_eop = model.lose_irqs = model.storm = model.flaps = 0;
	model.irq_delay_ns = model.access_ns = 0;
	if (!model.link)
		e1000_model_link(&model, true);
	e1000_model_cause(&model, 0);
}

static void accounts(const struct manners *row)
{
	const struct net_device_stats *s = &dev->stats;

	CHECK_EQ(soak.wrong, 0);
	CHECK_EQ(freed, soak.posted);
	CHECK_EQ(dma_mapped(), row->rx_ring);
	CHECK_EQ(skb_stats.live, row->rx_ring + nic->rx_ring[0].spare.qlen);
	CHECK_EQ(nic->tx_ring[0].next_to_use, nic->tx_ring[0].next_to_clean);
	CHECK(!stopped());
	CHECK_EQ(s->tx_packets + s->tx_aborted_errors, soak.posted);
	CHECK_EQ(s->tx_dropped, 0);
	CHECK_EQ(nic->stats.tx_busy, 0);
	CHECK_EQ(s->rx_packets, soak.arrived);
	CHECK_EQ(s->rx_packets + s->rx_errors + s->rx_dropped, soak.offered - row->swallowed);
	CHECK(nic->stats.tx_timeouts >= row->resets_min);
	CHECK(nic->stats.tx_timeouts <= row->resets_max);
	if (row->tx_all)
		CHECK_EQ(soak.on_wire, soak.posted);
	if (row->rx_all)
		CHECK_EQ(soak.arrived, soak.offered);
	CHECK(soak.offered > 8);
}

TEST_EACH(soak, table)
{
	struct e1000_options o = options(row->tx_ring, row->rx_ring);
	u32 sent_before, arrived_before;

	net_tx = net_tx_action;
	rx_hook = arrival_check;
	memset(&soak, 0, sizeof(soak));
	soak.seed = 7;
	soak.page = alloc_page();
	for (u32 i = 0; i < PAGE_SIZE; i++)
		soak.page[i] = (u8)i;
	o.txqueuelen = 100000;
	up(o, 0x100e);
	model.tx = wire_check;
	row->set();
	for (u32 i = 0; i < STEPS; i++) {
		for (u32 k = dice(8); k; k--)
			send();
		for (u32 k = dice(8); k; k--)
			offer();
		host_clock_advance(dice(4 * NSEC_PER_MSEC));
	}
	for (u32 i = 0; i < 8; i++) {
		host_clock_advance(NSEC_PER_SEC);
		offer();
	}
	mend();
	host_clock_advance(60 * NSEC_PER_SEC);
	accounts(row);
	sent_before = soak.on_wire;
	arrived_before = soak.arrived;
	send();
	offer();
	host_clock_advance(3 * NSEC_PER_SEC);
	CHECK_EQ(soak.on_wire, sent_before + 1);
	CHECK_EQ(soak.arrived, arrived_before + 1);
	CHECK_EQ(freed, soak.posted);
	page_put(soak.page);
	down();
}

KTEST_MAIN_BOOT()
