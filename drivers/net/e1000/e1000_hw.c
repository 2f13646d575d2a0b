// SPDX-License-Identifier: MIT
/*
 * e1000, the part that only knows registers: quick start, MAC address, link state, the interrupt mask, ring memory.
 *
 * Interface: e1000_init_hw, e1000_set_groups, e1000_set_rx_mode, e1000_read_mac_addr, e1000_check_link, e1000_set_txdw, e1000_alloc_desc,
 * e1000_free_desc.
 * Above: e1000_main.c, e1000_tx.c, e1000_rx.c. Below: <kernel/io.h>, <kernel/dma.h>; news of the link goes up
 * through netif_carrier_on/off.
 * Context: process, but the link is looked at in softirq. Owns: the device's registers outside the rings.
 * Specs: 8254x Software Developer's Manual sections 5.6 (EEPROM), 13.4 (registers), 14 (initialisation).
 *
 * The device is not reset: the models this driver is for ignore CTRL.RST, so every register that matters is written.
 */
#include "e1000.h"

#include <kernel/cpu.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/etherdevice.h>

#define EEPROM_TRIES 10000u /* reads of a register: 10 ms on a real bus */

/*
 * Starts the receiver: RCTL gets its final value in one write, before anything else. Each write of RCTL keeps the
 * emulated receiver shut for a second, which passes this way while the machine boots. Nothing arrives meanwhile,
 * because head and tail are equal. Firmware may have left the receiver running: then, and only then, it is shut
 * first.
 */
static void start_receiver(struct e1000_adapter *a)
{
	if (er32(a, E1000_RCTL) & E1000_RCTL_EN)
		ew32(a, E1000_RCTL, 0);
	if (er32(a, E1000_RDH) || er32(a, E1000_RDT)) {
		ew32(a, E1000_RDH, 0);
		ew32(a, E1000_RDT, 0);
	}
	ew32(a, E1000_RCTL, a->rctl);
	a->rctl_written = true;
}

/**
 * e1000_init_hw() - quick start: from the state that firmware left to a quiet device with the link coming up
 * @a: adapter with hw_addr; memory decoding and bus mastering are on
 *
 * Afterwards no cause may interrupt, both rings are empty, the transmitter is off, multicast and VLAN filters are
 * clear. The rings are programmed when the device is opened.
 *
 * Context: process. Source: manual section 14.3 to 14.5.
 */
void e1000_init_hw(struct e1000_adapter *a)
{
	u32 ctrl;

	ew32(a, E1000_IMC, ~0u);
	er32(a, E1000_ICR);
	start_receiver(a);
	ctrl = er32(a, E1000_CTRL) | E1000_CTRL_SLU | E1000_CTRL_ASDE;
	ctrl &= ~(E1000_CTRL_LRST | E1000_CTRL_FRCSPD | E1000_CTRL_FRCDPX | E1000_CTRL_ILOS |
		  E1000_CTRL_PHY_RST | E1000_CTRL_VME);
	ew32(a, E1000_CTRL, ctrl);
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE & ~E1000_TCTL_EN);
	ew32(a, E1000_VET, E1000_VET_DEFAULT);
	for (u32 i = 0; i < E1000_MTA_WORDS; i++)
		ew32(a, E1000_MTA + 4 * i, 0);
	for (u32 i = 0; i < E1000_VFTA_WORDS; i++)
		ew32(a, E1000_VFTA + 4 * i, 0);
	for (u32 i = 1; i < E1000_RA_ENTRIES; i++) {
		ew32(a, E1000_RAH + 8 * i, 0); /* the valid bit first */
		ew32(a, E1000_RAL + 8 * i, 0);
	}
}

/* The table says what is joined, or everything. */
static void write_mta(struct e1000_adapter *a)
{
	for (u32 i = 0; i < E1000_MTA_WORDS; i++)
		ew32(a, E1000_MTA + 4 * i, a->allmulti ? ~0u : a->mta[i]);
}

/**
 * e1000_set_groups() - the multicast table: a bit for each group, by twelve bits of its address (net_device_ops)
 * @groups: @count addresses
 *
 * RCTL stays as it is: a write of it would keep the emulated receiver shut for a second.
 * Context: BH off. Source: manual section 13.5.1 (MO 0: bits 47 to 36).
 */
void e1000_set_groups(struct net_device *dev, const u8 (*groups)[ETH_ALEN], u32 count)
{
	struct e1000_adapter *a = dev->priv;

	memset(a->mta, 0, sizeof(a->mta));
	for (u32 i = 0; i < count; i++) {
		u32 hash = ((u32)groups[i][5] << 8 | groups[i][4]) >> 4;

		a->mta[hash >> 5] |= 1u << (hash & 31);
	}
	write_mta(a);
}

/**
 * e1000_set_rx_mode() - which frames the card takes (net_device_ops): IFF_PROMISC all, IFF_ALLMULTI those to every group
 *
 * Every group is a full table, which costs no write of RCTL. All frames do cost one, and so, with the emulated card, a second in which
 * nothing comes in (QEMU keeps the frames meanwhile): only for who asks, and when the first one does or the last one ends.
 * Context: BH off. Source: manual section 13.4.22 (UPE, MPE).
 */
void e1000_set_rx_mode(struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;
	bool allmulti = dev->flags & IFF_ALLMULTI;
	u32 rctl = E1000_RCTL_VALUE;

	if (dev->flags & IFF_PROMISC)
		rctl |= E1000_RCTL_UPE | E1000_RCTL_MPE;
	if (allmulti != a->allmulti) {
		a->allmulti = allmulti;
		write_mta(a);
	}
	if (rctl == a->rctl)
		return;
	a->rctl = rctl;
	if (a->rctl_written)
		ew32(a, E1000_RCTL, rctl);
}

/* One EEPROM word. 0; -EIO when the device does not answer in 10 ms. */
static int eeprom_read(struct e1000_adapter *a, u32 word, u16 *out)
{
	ew32(a, E1000_EERD, word << a->info->eerd_addr_shift | E1000_EERD_START);
	for (u32 i = 0; i < EEPROM_TRIES; i++) {
		u32 v = er32(a, E1000_EERD);

		if (v & a->info->eerd_done) {
			*out = (u16)(v >> 16);
			return 0;
		}
		cpu_relax();
	}
	return -EIO;
}

/**
 * e1000_read_mac_addr() - the address the device answers to
 * @a: adapter
 * @mac: result, 6 bytes
 *
 * The first receive address register holds it after power-on. When that is not valid, the EEPROM's first three words
 * are read and entered there, so that the receive filter knows it too.
 *
 * Context: process. Return: 0; -EIO when there is no valid unicast address. Source: manual section 5.6.1, 13.5.
 */
int e1000_read_mac_addr(struct e1000_adapter *a, u8 *mac)
{
	u32 low = er32(a, E1000_RAL), high = er32(a, E1000_RAH);

	if (!(high & E1000_RAH_AV)) {
		u16 word[3];

		for (u32 i = 0; i < ARRAY_SIZE(word); i++)
			if (eeprom_read(a, i, &word[i]))
				return -EIO;
		low = word[0] | (u32)word[1] << 16;
		high = word[2] | E1000_RAH_AV;
		ew32(a, E1000_RAL, low);
		ew32(a, E1000_RAH, high);
	}
	for (u32 i = 0; i < 4; i++)
		mac[i] = (u8)(low >> 8 * i);
	mac[4] = (u8)high;
	mac[5] = (u8)(high >> 8);
	if (is_multicast_ether_addr(mac) || is_zero_ether_addr(mac))
		return -EIO;
	return 0;
}

/**
 * e1000_check_link() - compares the device's link with what the stack knows, and tells news
 * @a: adapter
 *
 * The only reader of STATUS: called when the device is opened, after an LSC interrupt, and by the watchdog.
 *
 * Context: softirq, or process with BH off.
 */
void e1000_check_link(struct e1000_adapter *a)
{
	static const u32 mbits[] = { 10, 100, 1000, 1000 };
	u32 status = er32(a, E1000_STATUS);
	bool up = status & E1000_STATUS_LU;

	if (up == netif_carrier_ok(a->dev))
		return;
	a->stats.link_changes++;
	if (up) {
		pr_info(E1000_FMT "link up %u Mbit/s %s duplex\n", E1000_WHO(a),
			mbits[status >> E1000_STATUS_SPEED_SHIFT & 3],
			status & E1000_STATUS_FD ? "full" : "half");
		netif_carrier_on(a->dev);
	} else {
		pr_info(E1000_FMT "link down\n", E1000_WHO(a));
		netif_carrier_off(a->dev);
	}
}

/**
 * e1000_set_txdw() - lets completions interrupt, or not
 * @a: adapter
 * @on: they may
 *
 * While all causes are masked (the poll is on) only the wish is noted: the end of the poll writes it. A completion
 * from before the call interrupts at once, because the cause is still latched: none is lost.
 *
 * Context: process with BH off, softirq.
 */
void e1000_set_txdw(struct e1000_adapter *a, bool on)
{
	unsigned long flags;

	if (on == !!(a->ims & E1000_ICR_TXDW))
		return;
	flags = local_irq_save();
	a->ims ^= E1000_ICR_TXDW;
	if (!a->irqs_off)
		ew32(a, on ? E1000_IMS : E1000_IMC, E1000_ICR_TXDW);
	local_irq_restore(flags);
}

/**
 * e1000_alloc_desc() - memory for the descriptors of one ring
 * @count: descriptors
 * @dma: result: its address for the device
 *
 * Context: process. Return: zeroed, on a page boundary, not across a 64 KiB boundary (82545 erratum 23: asserted);
 * the caller's, until e1000_free_desc(). NULL without memory.
 */
void *e1000_alloc_desc(u32 count, dma_addr_t *dma)
{
	size_t size = E1000_RING_BYTES(count);
	void *desc = dma_alloc_coherent(size, dma);

	if (!desc)
		return NULL;
	BUG_ON(*dma & (PAGE_SIZE - 1));
	BUG_ON(*dma >> 16 != (*dma + size - 1) >> 16);
	return desc;
}

/**
 * e1000_free_desc() - gives the memory back
 * @desc: from e1000_alloc_desc(); the device does not use it any more
 * @count: as allocated
 * @dma: as allocated
 *
 * Context: process.
 */
void e1000_free_desc(void *desc, u32 count, dma_addr_t dma)
{
	dma_free_coherent(desc, E1000_RING_BYTES(count), dma);
}
