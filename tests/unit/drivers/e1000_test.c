// SPDX-License-Identifier: MIT
/*
 * The e1000 driver against the register model: every path from probe to remove, with the counts that the design
 * promises (one doorbell a burst, one RCTL write, no read of a head register while packets flow, every mapping undone).
 */
#include "rig.h"

#include <kernel/irq.h>

#include <kernel/proc.h>
#include <lib/err.h>

TEST(ring_arithmetic)
{
	CHECK_EQ(e1000_desc_unused(8, 0, 0), 7);
	CHECK_EQ(e1000_desc_unused(8, 7, 0), 0);
	CHECK_EQ(e1000_desc_unused(8, 3, 4), 0);
	CHECK_EQ(e1000_desc_unused(8, 3, 3), 7);
	CHECK_EQ(e1000_desc_unused(8, 2, 5), 2);
	CHECK_EQ(e1000_desc_unused(4096, 4095, 0), 0);
	for (u32 use = 0; use < 16; use++)
		for (u32 clean = 0; clean < 16; clean++)
			CHECK_EQ(e1000_desc_unused(16, use, clean), 15 - ((use - clean) & 15));
	CHECK_EQ(e1000_next(7, 8), 0);
	CHECK_EQ(e1000_next(0, 8), 1);
	CHECK_EQ(e1000_prev(0, 8), 7);
	CHECK_EQ(e1000_prev(7, 8), 6);
}

TEST(probe_open_close)
{
	up(options(256, 256), 0x100e);
	CHECK(strstr(host_console(),
		     "e1000 0000:00:03.0 eth0: 82540EM 52:54:00:12:34:56 irq 11\n"));
	CHECK(strstr(host_console(), "eth0: link up 1000 Mbit/s full duplex\n"));
	CHECK(netif_carrier_ok(dev));
	CHECK_EQ(model.reg[E1000_RCTL / 4], 0x04008002);
	CHECK_EQ(e1000_model_writes(&model, E1000_RCTL), 1);
	CHECK_EQ(model.reg[E1000_TCTL / 4], 0x0103f0fa);
	CHECK_EQ(model.reg[E1000_RDT / 4], 255);
	CHECK_EQ(model.reg[E1000_IMS / 4], 0x94);
	CHECK_EQ(dma_mapped(), 256);
	CHECK_EQ(nic->tx_ring[0].stop_below, 24);
	CHECK_EQ(nic->tx_ring[0].wake_at, 32);
	CHECK(nic->stats.mmio_reads + nic->stats.mmio_writes < 400);
	down();
	CHECK_EQ(model.reg[E1000_IMS / 4], 0);
	CHECK_EQ(model.reg[E1000_RDH / 4], model.reg[E1000_RDT / 4]);
	CHECK_EQ(e1000_model_writes(&model, E1000_RCTL), 1);
}

TEST(every_model_has_its_name)
{
	up(options(8, 8), 0x100f);
	CHECK(strstr(host_console(), "82545EM"));
	down();
	up(options(8, 8), 0x100c);
	CHECK(strstr(host_console(), "82544GC"));
	CHECK_EQ(nic->tx_ring[0].stop_below, 2);
	CHECK_EQ(nic->tx_ring[0].wake_at, 4);
	down();
}

/* Address from the EEPROM when the register is empty; no address, no device. */
TEST(mac_from_eeprom)
{
	struct e1000_options o = options(8, 8);
	once();
	o.net = net;
	e1000_model_plug(&model, 0x100e);
	model.reg[E1000_RAH / 4] = 0;
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), 1);
	dev = dev_get_by_name(net, "eth0");
	CHECK_EQ(dev->dev_addr[5], 0x56);
	CHECK_EQ(model.reg[E1000_RAH / 4], 0x80005634);
	down();
	e1000_model_plug(&model, 0x100e);
	model.reg[E1000_RAH / 4] = 0;
	model.eeprom_off = true;
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), -EIO);
	CHECK(strstr(host_console(), "no valid MAC address"));
	CHECK(pci_find_class(pci, 0x0200) != NULL);
	CHECK(!(model.config[1] & 4));
	pci_free(pci);
	CHECK_EQ(skb_stats.live, 0);
}

TEST(burst_rings_once)
{
	up(options(256, 256), 0x100e);
	u32 before = e1000_model_writes(&model, E1000_TDT);
	u32 heads = e1000_model_reads(&model, E1000_TDH) + e1000_model_reads(&model, E1000_RDH) +
		    e1000_model_reads(&model, E1000_STATUS);
	CHECK_EQ(burst(20), 20);
	CHECK_EQ(e1000_model_writes(&model, E1000_TDT) - before, 1);
	CHECK_EQ(sent.frames, 20);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ(sent.mark[i], i);
	CHECK_EQ(e1000_model_reads(&model, E1000_TDH) + e1000_model_reads(&model, E1000_RDH) +
			 e1000_model_reads(&model, E1000_STATUS),
		 heads);
	CHECK_EQ(burst(1), 1);
	CHECK_EQ(e1000_model_writes(&model, E1000_TDT) - before, 2);
	CHECK_EQ(burst(66), 66); /* more than 32 wait: rings at 33 and 66 */
	CHECK_EQ(e1000_model_writes(&model, E1000_TDT) - before, 4);
	CHECK_EQ(sent.frames, 87);
	CHECK_EQ(nic->stats.tx_irqs, 0);
	CHECK_EQ(nic->stats.interrupts, 0);
	down();
	CHECK_EQ(freed, 87);
}

/* What a card has sent when the doorbell returns is given back there, without an interrupt. */
TEST(sent_at_once_is_given_back_behind_the_doorbell)
{
	up(options(256, 256), 0x100e);
	burst(3);
	CHECK_EQ(freed, 3);
	CHECK_EQ(nic->stats.reclaim_in_xmit, 3);
	CHECK_EQ(nic->stats.interrupts, 0);
	down();
}

/* A card that takes its time: nothing interrupts, yet 2 ms later at the latest every packet is freed. */
TEST(timer_bounds_age)
{
	up(options(256, 256), 0x100e);
	model.late_dd_ns = NSEC_PER_MSEC;
	burst(3);
	CHECK_EQ(freed, 0);
	host_clock_advance(2 * NSEC_PER_MSEC + 1);
	CHECK_EQ(freed, 3);
	CHECK_EQ(nic->stats.reclaim_by_timer, 3);
	CHECK_EQ(dma_mapped(), 256);
	CHECK(!timer_pending(&nic->tx_ring[0].reclaim_timer));
	CHECK_EQ(dev->stats.tx_packets, 3);
	CHECK_EQ(dev->stats.tx_bytes, 300);
	down();
}

TEST(reclaim_in_xmit)
{
	up(options(64, 8), 0x100e);
	for (int i = 0; i < 100; i++)
		burst(1);
	CHECK_EQ(sent.frames, 100);
	CHECK(nic->stats.reclaim_in_xmit > 60);
	CHECK_EQ(nic->stats.tx_queue_stopped, 0);
	down();
	CHECK_EQ(freed, 100);
}

TEST(pads_to_sixty)
{
	up(options(8, 8), 0x100e);
	local_bh_disable();
	xmit(frame(42, 7));
	local_bh_enable();
	CHECK_EQ(sent.last_len, 60);
	CHECK_EQ(sent.last[20], 7);
	for (u32 i = 42; i < 60; i++)
		CHECK_EQ(sent.last[i], 0);
	down();
}

/* A context is posted only when it differs from the one the device has. */
TEST(checksum_context_is_kept)
{
	up(options(64, 8), 0x100e);
	local_bh_disable();
	for (int i = 0; i < 3; i++) {
		struct sk_buff *skb = frame(200, (u8)i);
		ask_checksum(skb, 34, 16, 0);
		xmit(skb);
	}
	xmit(frame(200, 9)); /* without: no context, none lost */
	struct sk_buff *skb = frame(200, 3);
	ask_checksum(skb, 34, 16, 0);
	xmit(skb);
	local_bh_enable();
	CHECK_EQ(model.contexts, 1);
	CHECK_EQ(nic->stats.context_descs, 1);
	CHECK_EQ(sum_of(sent.last + 34, 166), 0xffff);
	local_bh_disable();
	skb = frame(200, 4);
	ask_checksum(skb, 34, 6, 0x1234); /* UDP, with a pseudo header's sum */
	xmit(skb);
	local_bh_enable();
	CHECK_EQ(model.contexts, 2);
	u16 field = get_unaligned_be16(sent.last + 40);
	put_unaligned_be16(0x1234, sent.last + 40);
	CHECK_EQ((u16)~sum_of(sent.last + 34, 166), field);
	down();
}

/* Fragments: one frame of many descriptors, each page its own; the slot rule holds (asserted in the driver). */
TEST(scatter_gather)
{
	up(options(64, 8), 0x100e);
	u8 *page = alloc_page(), *other = alloc_page();
	memset(page, 0xab, PAGE_SIZE);
	memset(other, 0xab, PAGE_SIZE);
	local_bh_disable();
	struct sk_buff *skb = frame(54, 1);
	add_frag(skb, page, 700);
	add_frag(skb, page + 3000, 500);
	add_frag(skb, other, 100);
	u32 descs = model.tx_descs;
	xmit(skb);
	local_bh_enable();
	CHECK_EQ(model.tx_descs - descs, 4);
	CHECK_EQ(sent.frames, 1);
	CHECK_EQ(sent.last_len, 1354);
	CHECK_EQ(sent.last[54], 0xab);
	CHECK_EQ(sent.last[1353], 0xab);
	host_clock_advance(3 * NSEC_PER_MSEC);
	page_put(page);
	page_put(other);
	down();
}

/* Memory that is not contiguous for the device is cut at the page. */
TEST(scattered_memory)
{
	up(options(64, 8), 0x100e);
	u8 *va = vmalloc(4 * PAGE_SIZE);
	bool apart = virt_to_phys(va) + PAGE_SIZE != virt_to_phys(va + PAGE_SIZE);
	u32 descs = model.tx_descs;
	local_bh_disable();
	struct sk_buff *skb = frame(60, 1);
	memset(va, 0x77, 4 * PAGE_SIZE);
	skb_shinfo(skb)->frags[0] = (struct skb_frag){ .addr = va + PAGE_SIZE - 100, .len = 300 };
	skb_shinfo(skb)->nr_frags = 1;
	skb->len += 300;
	skb->data_len += 300;
	if (apart)
		xmit(skb);
	else
		consume_skb(frame(60, 1));
	local_bh_enable();
	if (apart) {
		CHECK_EQ(model.tx_descs - descs, 3);
		CHECK_EQ(sent.last_len, 360);
		CHECK_EQ(sent.last[359], 0x77);
		skb_shinfo(skb)->nr_frags =
			0; /* the window's pages are not counted: ours to free */
		skb->len -= 300;
		skb->data_len -= 300;
	} else {
		skb_shinfo(skb)->nr_frags = 0;
		consume_skb(skb);
	}
	down();
	vfree(va);
}

TEST(packet_larger_than_ring)
{
	up(options(8, 8), 0x100e);
	u8 *page = alloc_page();
	memset(page, 0x31, PAGE_SIZE);
	local_bh_disable();
	struct sk_buff *skb = frame(54, 1);
	for (u32 i = 0; i < 10; i++)
		add_frag(skb, page + 200 * i, 100);
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	CHECK_EQ(nic->stats.tx_linearized, 1);
	CHECK_EQ(sent.last_len, 1054);
	CHECK_EQ(sent.last[1053], 0x31);
	CHECK_EQ(nic->stats.tx_busy, 0);
	page_put(page);
	down();
}

/* A tiny ring: the queue stops before it is full, rings, reclaims and goes on; nothing is refused or lost. */
TEST(tiny_ring_stops_and_wakes)
{
	up(options(8, 8), 0x100e);
	local_bh_disable();
	for (u32 i = 0; i < 100; i++) {
		CHECK(!stopped());
		CHECK_EQ(xmit(frame(100, (u8)i)), NETDEV_TX_OK);
	}
	local_bh_enable();
	CHECK_EQ(sent.frames, 100);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(sent.mark[i], i);
	CHECK(nic->stats.tx_queue_stopped > 0);
	CHECK_EQ(nic->stats.tx_restart_queue, nic->stats.tx_queue_stopped);
	CHECK_EQ(nic->stats.tx_busy, 0);
	CHECK(net_tx_runs > 0);
	down();
}

/* TCTL.EN off: descriptors pile up, the queue stops, completions are asked for; after it everything drains. */
TEST(stall_stops_and_drains)
{
	up(options(32, 8), 0x100e);
	faults[FAULT_TX_STALL] = (struct fault){ .on = true, .at = 5, .ms = 3000 };
	faults_armed = true;
	u32 n = burst(100);
	faults_armed = false;
	CHECK(n < 32);
	CHECK(stopped());
	CHECK(sent.frames < n);
	CHECK(model.reg[E1000_IMS / 4] & 1);
	host_clock_advance(2500 * NSEC_PER_MSEC);
	CHECK(stopped());
	host_clock_advance(600 * NSEC_PER_MSEC);
	CHECK_EQ(sent.frames, n);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(sent.mark[i], i);
	CHECK(!stopped());
	CHECK_EQ(freed, n);
	CHECK_EQ(nic->stats.tx_restart_queue, 1);
	CHECK_EQ(nic->stats.tx_irqs, 1);
	CHECK_EQ(nic->stats.tx_timeouts, 0);
	CHECK(!(model.reg[E1000_IMS / 4] & 1)); /* masked again */
	down();
}

/* A real hang: the driver's watchdog resets the ring; what was in it is dropped by name, what follows goes out. */
TEST(hang_is_reset)
{
	up(options(32, 8), 0x100e);
	u64 drops = skb_stats.drop[SKB_DROP_REASON_DRIVER_RESET];
	model.reg[E1000_TCTL / 4] &= ~2u;
	burst(4);
	CHECK_EQ(sent.frames, 0);
	host_clock_advance(9 * NSEC_PER_SEC);
	CHECK_EQ(nic->stats.tx_timeouts, 1);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DRIVER_RESET] - drops, 4);
	CHECK(strstr(host_console(),
		     "transmitter hangs: TDH 0 TDT 4 next_to_use 4 next_to_clean 0"));
	CHECK_EQ(burst(2), 2);
	CHECK_EQ(sent.frames, 2);
	host_clock_advance(3 * NSEC_PER_MSEC);
	CHECK_EQ(freed, 6);
	down();
}

/* The stack's watchdog may ask for the reset too, with the queue stopped. */
TEST(timeout_wakes_queue)
{
	up(options(16, 8), 0x100e);
	model.reg[E1000_TCTL / 4] &= ~2u;
	u32 n = burst(100);
	CHECK(stopped());
	local_bh_disable();
	dev->netdev_ops->ndo_tx_timeout(dev);
	local_bh_enable();
	CHECK(!stopped());
	CHECK_EQ(freed, n);
	CHECK_EQ(burst(3), 3);
	CHECK_EQ(sent.frames, 3);
	down();
}

/* Completions that are never written: close drops what is in the ring, nothing leaks. */
TEST(close_with_packets_in_the_ring)
{
	up(options(32, 8), 0x100e);
	u64 drops = skb_stats.drop[SKB_DROP_REASON_DRIVER_STOP];
	model.no_dd = true;
	burst(5);
	down();
	CHECK_EQ(freed, 5);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DRIVER_STOP] - drops, 5);
}

TEST(mapping_refused)
{
	up(options(64, 8), 0x100e);
	u8 *page = alloc_page();
	u64 live = dma_mapped();
	for (u32 at = 1; at <= 3; at++) {
		u64 drops = skb_stats.drop[SKB_DROP_REASON_DMA_MAP];
		struct sk_buff *skb = frame(100, 1);
		add_frag(skb, page, 100);
		add_frag(skb, page + 100, 100);
		ask_checksum(skb, 34, 16, 0);
		faults[FAULT_DMA_MAP] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		local_bh_disable();
		CHECK_EQ(xmit(skb), NETDEV_TX_OK);
		local_bh_enable();
		faults_armed = false;
		CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DMA_MAP] - drops, 1);
		CHECK_EQ(dma_mapped(), live);
		CHECK_EQ(nic->tx_ring[0].next_to_use, nic->tx_ring[0].next_to_clean);
	}
	CHECK_EQ(nic->stats.tx_dma_failed, 3);
	CHECK_EQ(dev->stats.tx_dropped, 3);
	CHECK_EQ(model.contexts, 0); /* a context that was not posted is not remembered */
	struct sk_buff *skb = frame(100, 1);
	ask_checksum(skb, 34, 16, 0);
	local_bh_disable();
	xmit(skb);
	local_bh_enable();
	CHECK_EQ(model.contexts, 1);
	CHECK_EQ(sent.frames, 1);
	page_put(page);
	down();
}

TEST(receives)
{
	up(options(8, 64), 0x100e);
	u32 rdt = e1000_model_writes(&model, E1000_RDT);
	u32 icr = e1000_model_reads(&model, E1000_ICR);
	CHECK(deliver(60, 1, 0));
	CHECK_EQ(got.frames, 1);
	CHECK_EQ(got.last_len, 46);
	CHECK_EQ(got.last_mark, 1);
	CHECK_EQ(e1000_model_writes(&model, E1000_RDT) - rdt, 1);
	CHECK_EQ(e1000_model_reads(&model, E1000_ICR) - icr, 1);
	for (u32 i = 0; i < 500; i++)
		CHECK(deliver(1514, (u8)i, 0));
	CHECK_EQ(got.frames, 501);
	CHECK_EQ(got.last_len, 1500);
	CHECK_EQ(dev->stats.rx_packets, 501);
	CHECK_EQ(dma_mapped(), 64);
	down();
}

/* Frames pile up while interrupts are off; one interrupt takes them all, the tail is told in batches of 16. */
TEST(receives_a_batch)
{
	up(options(8, 64), 0x100e);
	u32 rdt = e1000_model_writes(&model, E1000_RDT);
	unsigned long flags = local_irq_save();
	u32 n = 0;
	while (deliver(100, (u8)n, 0))
		n++;
	CHECK_EQ(n, 63);
	local_irq_restore(flags);
	CHECK_EQ(got.frames, 63);
	CHECK_EQ(nic->stats.interrupts, 1);
	CHECK_EQ(e1000_model_writes(&model, E1000_RDT) - rdt, 4);
	down();
}

TEST(bad_frames_are_dropped)
{
	up(options(8, 8), 0x100e);
	model.any_frame = true;
	CHECK(deliver(13, 0, 0));
	CHECK_EQ(nic->stats.rx_short, 1);
	CHECK(deliver(100, 0, 0x01)); /* CRC */
	CHECK_EQ(nic->stats.rx_errors, 1);
	CHECK(deliver(100, 0, 0x60)); /* checksums: the stack's business */
	CHECK_EQ(got.frames, 1);
	CHECK(deliver(5000, 0, 0)); /* three buffers */
	CHECK_EQ(nic->stats.rx_long, 1);
	CHECK_EQ(got.frames, 1);
	CHECK(deliver(100, 5, 0));
	CHECK_EQ(got.frames, 2);
	CHECK_EQ(got.last_mark, 5);
	CHECK_EQ(dev->stats.rx_errors, 3);
	down();
}

static const struct copy_row {
	const char *name;
	u32 len;
	bool copied;
} copies[] = {
	{ "smallest", 60, true },
	{ "acknowledgment", 66, true },
	{ "largest", E1000_COPYBREAK, true },
	{ "one_more", E1000_COPYBREAK + 1, false },
	{ "full", 1514, false },
};

/* A short frame moves into a buffer of its size, and the large one stays in the ring; it counts as what it holds. */
TEST_EACH(short_frames_are_copied, copies)
{
	up(options(8, 8), 0x100e);
	struct sk_buff *before = nic->rx_ring[0].buffer_info[0].skb;
	CHECK(deliver(row->len, 7, 0));
	CHECK_EQ(got.frames, 1);
	CHECK_EQ(got.last_mark, 7);
	CHECK_EQ(got.last_len, row->len - ETH_HLEN);
	CHECK_EQ(nic->stats.rx_copied, row->copied);
	CHECK_EQ(nic->rx_ring[0].buffer_info[0].skb == before, row->copied);
	CHECK_EQ(got.last_truesize <= 1024, row->copied);
	CHECK_EQ(dma_mapped(), 8);
	down();
}

/* Without memory for the copy it goes up in what it came in. */
TEST(a_short_frame_without_memory_for_the_copy)
{
	up(options(8, 8), 0x100e);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK(deliver(60, 9, 0));
	faults_armed = false;
	CHECK_EQ(got.last_mark, 9);
	CHECK_EQ(nic->stats.rx_copied, 0);
	CHECK_EQ(dev->stats.rx_dropped, 0);
	down();
}

/* Without memory for a new buffer the frame is dropped and its buffer stays: the ring never runs dry. */
TEST(no_memory_for_buffers)
{
	up(options(8, 8), 0x100e);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	for (u32 i = 0; i < 20; i++)
		CHECK(deliver(300, (u8)i, 0));
	faults_armed = false;
	CHECK_EQ(got.frames, 0);
	CHECK_EQ(nic->stats.rx_alloc_failed, 20);
	CHECK_EQ(dev->stats.rx_dropped, 20);
	CHECK(deliver(300, 21, 0));
	CHECK_EQ(got.last_mark, 21);
	down();
}

/* A short time without memory costs no frame: spare buffers take the places, and are made up for afterwards. */
TEST(spare_buffers_bridge_a_moment_without_memory)
{
	up(options(8, 8), 0x100e);
	CHECK(deliver(300, 1, 0));
	CHECK_EQ(nic->rx_ring[0].spare.qlen, E1000_RX_SPARE);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	for (u32 i = 0; i < E1000_RX_SPARE + 3; i++)
		CHECK(deliver(300, (u8)(2 + i), 0));
	faults_armed = false;
	CHECK_EQ(got.frames, 1 + E1000_RX_SPARE);
	CHECK_EQ(got.last_mark, 1 + E1000_RX_SPARE);
	CHECK_EQ(nic->stats.rx_alloc_failed, E1000_RX_SPARE + 3);
	CHECK_EQ(dev->stats.rx_dropped, 3);
	CHECK_EQ(nic->rx_ring[0].spare.qlen, 0);
	CHECK(deliver(300, 50, 0));
	CHECK_EQ(got.last_mark, 50);
	CHECK_EQ(nic->rx_ring[0].spare.qlen, E1000_RX_SPARE);
	CHECK_EQ(skb_stats.live, 8 + E1000_RX_SPARE);
	down();
}

/* Every third allocation fails, and a buffer needs two: each frame arrives all the same. */
TEST(every_third_allocation_fails_and_no_frame_is_lost)
{
	up(options(8, 8), 0x100e);
	CHECK(deliver(300, 0, 0));
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .every = 3 };
	faults_armed = true;
	for (u32 i = 1; i < 200; i++)
		CHECK(deliver(300, (u8)i, 0));
	faults_armed = false;
	CHECK(nic->stats.rx_alloc_failed > 10);
	CHECK_EQ(got.frames, 200);
	CHECK_EQ(dev->stats.rx_dropped, 0);
	down();
}

TEST(link_goes_and_comes)
{
	up(options(8, 8), 0x100e);
	host_console_clear();
	e1000_model_link(&model, false);
	CHECK(!netif_carrier_ok(dev));
	CHECK(strstr(host_console(), "eth0: link down\n"));
	e1000_model_link(&model, true);
	CHECK(netif_carrier_ok(dev));
	CHECK_EQ(nic->stats.link_changes, 3);
	model.link = false; /* without an interrupt: the watchdog sees it */
	host_clock_advance(2100 * NSEC_PER_MSEC);
	CHECK(!netif_carrier_ok(dev));
	down();
}

TEST(txirq_always)
{
	struct e1000_options o = options(64, 8);
	o.txirq_always = true;
	up(o, 0x100e);
	burst(3);
	CHECK_EQ(nic->stats.tx_irqs, 1);
	CHECK_EQ(nic->stats.reclaim_in_poll, 3);
	CHECK_EQ(freed, 3);
	CHECK(model.reg[E1000_IMS / 4] & 1);
	down();
}

/* Down and up again a hundred times: no leak, RCTL untouched, the receiver goes on where it stood. */
TEST(reopen)
{
	up(options(8, 16), 0x100e);
	for (u32 i = 0; i < 100; i++) {
		for (u32 k = 0; k < i % 7; k++)
			CHECK(deliver(100, 1, 0));
		u32 before = got.frames;
		burst(i % 5);
		dev_close(dev);
		CHECK_EQ(skb_stats.live, 0);
		CHECK_EQ(dma_mapped(), 0);
		CHECK_EQ(timers_live(), 0);
		CHECK(!deliver(100, 2, 0));
		CHECK_EQ(dev_open(dev), 0);
		CHECK(deliver(100, 3, 0));
		CHECK_EQ(got.frames, before + 1);
		CHECK_EQ(burst(1), 1);
	}
	CHECK_EQ(e1000_model_writes(&model, E1000_RCTL), 1);
	down();
}

static u32 unmasked; /* writes of IMS while the device opens */

static bool handler_entered(void)
{
	char text[2000] = "";
	struct seq_file m = { .buf = text, .size = sizeof(text) };

	interrupts_show(&m);
	return strstr(text, "eth0") != NULL;
}

/* Before each access of a register while the device opens: what must be there by then, and what must not. */
static void opening(void *arg, u32 reg, bool write)
{
	(void)arg;
	if (!write || unmasked > 1)
		return;
	CHECK(nic->tx_ring[0].desc && nic->tx_ring[0].buffer_info && nic->rx_ring[0].desc &&
	      nic->rx_ring[0].buffer_info);
	CHECK(netif_tx_queue_stopped(netdev_get_tx_queue(dev, 0))); /* the queue is the last */
	for (u32 i = 0; reg == E1000_TDBAL && i < 8; i++) /* whoever had the memory before */
		CHECK(!nic->tx_ring[0].desc[i].addr && !nic->tx_ring[0].desc[i].lower &&
		      !nic->tx_ring[0].desc[i].upper);
	if (reg == E1000_TDBAL || reg == E1000_TCTL || reg == E1000_RDBAL)
		CHECK(!handler_entered() && !nic->napi.enabled);
	if (reg != E1000_IMS)
		return;
	unmasked++;
	CHECK(model.reg[E1000_TCTL / 4] & E1000_TCTL_EN);
	CHECK(model.reg[E1000_RDT / 4] != 0);
	CHECK(handler_entered() && nic->napi.enabled);
}

/* Rings, card, handler, poll, interrupts, queue: none before what it needs is there. */
TEST(opens_in_order)
{
	up(options(8, 8), 0x100e);
	burst(4);
	dev_close(dev);
	CHECK(!handler_entered());
	unmasked = 0;
	model.on_access = opening;
	CHECK_EQ(dev_open(dev), 0);
	model.on_access = NULL;
	CHECK_EQ(unmasked, 1);
	CHECK(nic->tx_ring[0].next_to_use == 0 && nic->tx_ring[0].next_to_clean == 0 &&
	      nic->tx_ring[0].tail == 0);
	CHECK(!netif_tx_queue_stopped(netdev_get_tx_queue(dev, 0)));
	down();
}

/* Every allocation of opening fails once: an error, nothing left, and the next try succeeds. */
TEST(open_without_memory)
{
	up(options(8, 8), 0x100e);
	dev_close(dev);
	u32 at;
	for (at = 1; at < 100; at++) {
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		int err = dev_open(dev);
		faults_armed = false;
		if (!err)
			break;
		CHECK_EQ(err, -ENOMEM);
		CHECK_EQ(skb_stats.live, 0);
		CHECK_EQ(dma_mapped(), 0);
		CHECK_EQ(timers_live(), 0);
	}
	CHECK(at > 8);
	CHECK(deliver(100, 3, 0));
	CHECK_EQ(got.frames, 1);
	down();
}

/* Every counter has its line, in this order, and says what happened. */
TEST(counter_page)
{
	static const char *const names[] = {
		"tx_packets",       "tx_bytes",        "rx_packets",      "rx_bytes",
		"tdt_writes",       "rdt_writes",      "mmio_reads",      "mmio_writes",
		"interrupts",       "tx_irqs",         "irq_rescues",     "tx_queue_stopped",
		"tx_restart_queue", "tx_linearized",   "tx_dma_failed",   "tx_busy",
		"tx_timeouts",      "rx_copied",       "rx_alloc_failed", "rx_errors",
		"rx_long",          "rx_short",        "rx_overruns",     "link_changes",
		"context_descs",    "reclaim_in_xmit", "reclaim_in_poll", "reclaim_by_timer",
		"tx_ring",          "rx_ring",         "tx_rings",
	};
	char *text, *at, *found, want[64];
	size_t len;

	up(options(64, 16), 0x100e);
	model.late_dd_ns = NSEC_PER_MSEC;
	burst(2);
	host_clock_advance(3 * NSEC_PER_MSEC);
	CHECK(deliver(100, 1, 0));
	text = proc_render("/proc/net/nic", &len);
	CHECK(!IS_ERR(text));
	CHECK(!strncmp(text, "NIC statistics:\n", 16));
	at = text;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(want, sizeof(want), "\n     %s: ", names[i]);
		found = strstr(at, want);
		CHECK(found != NULL);
		if (found)
			at = found;
	}
	CHECK(strstr(text, "\n     tx_packets: 2\n     tx_bytes: 200\n"));
	CHECK(strstr(text, "\n     rx_packets: 1\n     rx_bytes: 100\n"));
	CHECK(strstr(text, "\n     tdt_writes: 1\n     rdt_writes: 2\n"));
	CHECK(strstr(text, "\n     interrupts: 1\n     tx_irqs: 0\n"));
	CHECK(strstr(text, "\n     link_changes: 1\n     context_descs: 0\n"));
	CHECK(strstr(text, "\n     reclaim_by_timer: 2\n"));
	CHECK(strstr(text, "\n     tx_ring: 64\n     rx_ring: 16\n     tx_rings: 1\n"));
	kfree(text);
	down();
	CHECK(IS_ERR(proc_render("/proc/net/nic", &len)));
}

KTEST_MAIN_BOOT()
