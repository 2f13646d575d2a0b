// SPDX-License-Identifier: MIT
/*
 * e1000: driver of Intel's 8254x Ethernet controllers (82540EM, 82545EM, 82544GC): probe, open and stop, interrupt,
 * NAPI poll, watchdog, counter page.
 *
 * Interface: e1000_driver (<drivers/e1000.h>).
 * Above: boot binds it; the stack reaches it by net_device_ops and NAPI. Below: e1000_tx.c, e1000_rx.c, e1000_hw.c,
 * <drivers/pci.h>, <kernel/irq.h>, <kernel/timer.h>.
 * Context: process (probe, open, stop), hardirq (e1000_intr only), softirq (poll, watchdog).
 * Owns: struct e1000_adapter, which is the device's priv.
 * Specs: 8254x Software Developer's Manual.
 *
 * What belongs to a queue lies in its ring (e1000.h); these parts have one each way, one INTx line and one NAPI context for all.
 */
#include "e1000.h"

#include <kernel/fault.h>
#include <kernel/irq.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/etherdevice.h>

#define INTEL           0x8086
#define EERD_DONE_8254X 0x00000010u
#define IMS_BASE        (E1000_ICR_LSC | E1000_ICR_RXDMT0 | E1000_ICR_RXT0)

static const struct e1000_info infos[] = {
	{ 0x100e, "82540EM", EERD_DONE_8254X, 8, true, 1, 1 },
	{ 0x100f, "82545EM", EERD_DONE_8254X, 8, true, 1, 1 },
	{ 0x100c, "82544GC", EERD_DONE_8254X, 8, false, 1,
	  1 }, /* wants payload in the first buffer */
};

static const struct pci_device_id ids[] = {
	{ INTEL, 0x100e },
	{ INTEL, 0x100f },
	{ INTEL, 0x100c },
	{ 0, 0 },
};

/* --- Interrupt and poll ------------------------------------------------------------------------------------------ */

/*
 * The hard interrupt: asks what happened (which clears it and lowers the line), masks the device, has it polled.
 * Nothing else: no ring, no allocation, no freeing.
 */
static enum irqreturn e1000_intr(unsigned int irq, void *arg)
{
	struct e1000_adapter *a = arg;
	u32 icr = er32(a, E1000_ICR);

	(void)irq;
	trace_fn(e1000_intr, 0, icr, NULL);
	if (!icr)
		return IRQ_NONE;
	if (fault_hit(FAULT_LOST_IRQ))
		return IRQ_HANDLED; /* the causes are gone with the read: nobody will tell of them again */
	a->stats.interrupts++;
	a->stats.tx_irqs +=
		icr & a->ims & E1000_ICR_TXDW; /* not one that was latched while masked */
	if (icr & E1000_ICR_RXO) {
		a->stats.rx_overruns++;
		a->dev->stats.rx_over_errors++;
	}
	if (icr & E1000_ICR_LSC)
		a->link_event = true;
	ew32(a, E1000_IMC, ~0u);
	a->irqs_off = true;
	napi_schedule(&a->napi);
	return IRQ_HANDLED;
}

/*
 * The poll: link news, transmit completions, then received frames. When it is done the device may interrupt again;
 * causes that came meanwhile are latched and do so at once. The ring is looked at once more all the same: the
 * device holds interrupts back for up to 128 us.
 */
static int e1000_poll(struct napi_struct *n, int budget) __needs(softirq_ctx)
{
	struct e1000_adapter *a = container_of(n, struct e1000_adapter, napi);
	int work;

	if (a->link_event) {
		a->link_event = false;
		e1000_check_link(a);
	}
	e1000_clean_tx_poll(a);
	work = e1000_clean_rx_irq(a, budget);
	if (work >= budget || !napi_complete_done(n, work))
		return work;
	a->irqs_off = false;
	ew32(a, E1000_IMS, a->ims);
	if (e1000_rx_waiting(a))
		napi_schedule(n);
	return work;
}

/*
 * Work that lies in the rings although the device may interrupt: its interrupt was lost, or its line is masked for good
 * because something else on it would not be quiet. The poll does not need one. When it was only late, an empty poll is
 * all it costs.
 */
static void rescue_irq(struct e1000_adapter *a)
{
	bool tx = (a->ims & E1000_ICR_TXDW) && e1000_tx_done(a);

	if (a->irqs_off || !(tx || e1000_rx_waiting(a)))
		return;
	a->stats.irq_rescues++;
	ew32(a, E1000_IMC, ~0u);
	a->irqs_off = true;
	napi_schedule(&a->napi);
}

/* Every 2 s: the link, a lost interrupt, and a transmitter that has packets but does not finish any. */
static void watchdog_timer_fn(struct timer *t) __needs(softirq_ctx)
{
	struct e1000_adapter *a = container_of(t, struct e1000_adapter, watchdog_timer);

	e1000_check_link(a);
	rescue_irq(a);
	if (e1000_tx_hangs(a))
		e1000_tx_timeout(a->dev);
	mod_timer(&a->watchdog_timer, ktime_get_ns() + E1000_WATCHDOG_NS);
}

/* --- Open, stop ------------------------------------------------------------------------------------------------------ */

static void device_off(struct e1000_adapter *a)
{
	pci_set_intx(a->pdev, false);
	ew32(a, E1000_IMC, ~0u);
	a->irqs_off = true;
	local_bh_disable();
	e1000_stop_rx(a);
	e1000_stop_tx(a);
	local_bh_enable();
}

/*
 * ndo_open: rings, device, interrupt, NAPI, interrupts on, queue on, link. 0; -ENOMEM, -EINVAL (no such line) with
 * everything undone in reverse.
 */
static int e1000_open(struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;
	int err = e1000_setup_all_tx_resources(a);

	if (err)
		return err;
	err = e1000_setup_all_rx_resources(a);
	if (err)
		goto out_tx;
	e1000_configure_tx(a);
	e1000_configure_rx(a);
	a->irqs_off = true;
	a->ims = IMS_BASE | (a->txirq_always ? E1000_ICR_TXDW : 0);
	err = request_irq(a->pdev->irq, e1000_intr, dev->name, a);
	if (err)
		goto out_off;
	napi_enable(&a->napi);
	pci_set_intx(a->pdev, true);
	er32(a, E1000_ICR); /* what happened before is no news */
	a->irqs_off = false;
	ew32(a, E1000_IMS, a->ims);
	a->closing = false;
	netif_tx_start_all_queues(dev);
	local_bh_disable();
	e1000_check_link(a);
	local_bh_enable();
	e1000_for_each_tx_ring(a, r) r->hung_ticks = 0;
	mod_timer(&a->watchdog_timer, ktime_get_ns() + E1000_WATCHDOG_NS);
	return 0;

out_off:
	device_off(a);
	e1000_free_all_rx_resources(a);
out_tx:
	e1000_free_all_tx_resources(a);
	return err;
}

/* ndo_stop: the reverse of open. Returns 0. */
static int e1000_stop(struct net_device *dev) __may_sleep
{
	struct e1000_adapter *a = dev->priv;

	a->closing = true;
	netif_tx_stop_all_queues(dev);
	del_timer(&a->watchdog_timer);
	napi_disable(&a->napi);
	device_off(a);
	free_irq(a->pdev->irq, a);
	e1000_free_all_rx_resources(a);
	e1000_free_all_tx_resources(a);
	a->link_event = false;
	local_bh_disable();
	netif_carrier_off(dev);
	local_bh_enable();
	return 0;
}

/* ndo_change_mtu: the buffers hold any frame of an allowed MTU, so there is nothing to do. 0, -EINVAL. */
static int e1000_change_mtu(struct net_device *dev, u32 mtu)
{
	return mtu < dev->min_mtu || mtu > dev->max_mtu ? -EINVAL : 0;
}

static const struct net_device_ops e1000_netdev_ops = {
	.ndo_open = e1000_open,
	.ndo_stop = e1000_stop,
	.ndo_start_xmit = e1000_xmit_frame,
	.ndo_doorbell = e1000_doorbell,
	.ndo_tx_timeout = e1000_tx_timeout,
	.ndo_features_check = e1000_features_check,
	.ndo_change_mtu = e1000_change_mtu,
	.ndo_set_rx_mode = e1000_set_rx_mode,
	.ndo_set_groups = e1000_set_groups,
};

/* --- Counter page ------------------------------------------------------------------------------------------------------- */

struct named_stat {
	const char *name;
	size_t offset; /* in struct e1000_stats */
};
#define STAT(field_)                                                                               \
	{                                                                                          \
#field_, offsetof(struct e1000_stats, field_)                                      \
	}
static const struct named_stat stat_names[] = {
	STAT(tdt_writes),      STAT(rdt_writes),       STAT(mmio_reads),
	STAT(mmio_writes),     STAT(interrupts),       STAT(tx_irqs),
	STAT(irq_rescues),     STAT(tx_queue_stopped), STAT(tx_restart_queue),
	STAT(tx_linearized),   STAT(tx_dma_failed),    STAT(tx_busy),
	STAT(tx_timeouts),     STAT(rx_copied),        STAT(rx_alloc_failed),
	STAT(rx_errors),       STAT(rx_long),          STAT(rx_short),
	STAT(rx_overruns),     STAT(link_changes),     STAT(context_descs),
	STAT(tx_tso_packets),  STAT(tx_tso_segs),      STAT(reclaim_in_xmit),
	STAT(reclaim_in_poll), STAT(reclaim_by_timer),
};
static_assert(ARRAY_SIZE(stat_names) * sizeof(u64) == sizeof(struct e1000_stats),
	      "every counter is printed");

static void show_line(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "     %s: %llu\n", name, (unsigned long long)value);
}

/* /proc/net/nic: the driver's counters in the form of ethtool -S. */
static void e1000_nic_show(struct seq_file *m)
{
	const struct e1000_adapter *a = m->arg;
	const struct net_device_stats *s = &a->dev->stats;
	const u8 *base = (const u8 *)&a->stats;

	seq_puts(m, "NIC statistics:\n");
	show_line(m, "tx_packets", s->tx_packets);
	show_line(m, "tx_bytes", s->tx_bytes);
	show_line(m, "rx_packets", s->rx_packets);
	show_line(m, "rx_bytes", s->rx_bytes);
	for (size_t i = 0; i < ARRAY_SIZE(stat_names); i++) {
		u64 value;

		memcpy(&value, base + stat_names[i].offset, sizeof(value));
		show_line(m, stat_names[i].name, value);
	}
	show_line(m, "tx_ring", a->tx_ring[0].count);
	show_line(m, "rx_ring", a->rx_ring[0].count);
	show_line(m, "tx_rings", a->dev->num_tx_queues);
}

/*
 * The first card has the plain name, further ones add their device's name. In another net that name may be taken as
 * well; the slot is nobody else's. 0, -ENOMEM.
 */
static int register_page(struct e1000_adapter *a)
{
	const char *const names[] = { "", a->dev->name, a->pdev->name };
	int err = -EEXIST;

	for (size_t i = 0; err == -EEXIST && i < ARRAY_SIZE(names); i++) {
		scnprintf(a->page, sizeof(a->page), "/proc/net/nic%s%s", i ? "." : "", names[i]);
		err = proc_register(a->page, e1000_nic_show, a);
	}
	return err;
}

/* --- Probe, remove --------------------------------------------------------------------------------------------------------- */

/* @device is one of ids[]. */
static const struct e1000_info *find_info(u16 device)
{
	const struct e1000_info *info = infos;

	for (; info->device != device; info++)
		BUG_ON(info + 1 == infos + ARRAY_SIZE(infos));
	return info;
}

static void adapter_init(struct e1000_adapter *a, struct net_device *dev, struct pci_dev *pdev,
			 const struct e1000_options *o)
{
	a->dev = dev;
	a->pdev = pdev;
	a->info = find_info(pdev->device);
	a->txirq_always = o->txirq_always;
	a->irqs_off = true;
	a->ims = IMS_BASE;
	a->rctl = E1000_RCTL_VALUE;
	e1000_rx_init(a, o->rx_ring);
	e1000_tx_init(a, o->tx_ring);
	timer_setup(&a->watchdog_timer, watchdog_timer_fn);
}

static void netdev_setup(struct net_device *dev, const struct e1000_options *o)
{
	struct e1000_adapter *a = dev->priv;

	dev->netdev_ops = &e1000_netdev_ops;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_DATA_LEN;
	dev->mtu = o->mtu;
	dev->tx_queue_len = o->txqueuelen;
	dev->features = (o->no_sg ? 0 : NETIF_F_SG) | (o->csum ? NETIF_F_HW_CSUM : 0) |
			(o->tso && a->info->tso ? NETIF_F_TSO : 0) | (o->no_gso ? 0 : NETIF_F_GSO);
	dev->watchdog_timeo_ms = E1000_TX_TIMEOUT_MS;
	dev->carrier = false; /* not registered yet: nobody is to be told */
	netif_napi_add(dev, &a->napi, e1000_poll, E1000_NAPI_WEIGHT);
}

/* Finds the device's registers and address. 0, -ENODEV, -EIO. */
static int device_setup(struct e1000_adapter *a)
{
	int err;

	pci_enable_device(a->pdev);
	a->hw_addr = pci_iomap(a->pdev, 0);
	if (!a->hw_addr)
		return -ENODEV;
	e1000_init_hw(a);
	err = e1000_read_mac_addr(a, a->dev->dev_addr);
	if (err)
		pr_err("e1000 %s: no valid MAC address\n", a->pdev->name);
	return err;
}

/* Takes one card. 0; -ENOMEM, -ENODEV (no registers), -EIO (no address), -EINVAL (MTU), with everything undone. */
static int e1000_probe(struct pci_dev *pdev, void *ctx) __may_sleep
{
	const struct e1000_options *o = ctx;
	struct net_device *dev;
	struct e1000_adapter *a;
	int err = -EINVAL;

	if (o->mtu < ETH_MIN_MTU || o->mtu > ETH_DATA_LEN)
		return err;
	dev = alloc_etherdev(o->net, sizeof(*a));
	if (!dev)
		return -ENOMEM;
	a = dev->priv;
	adapter_init(a, dev, pdev, o);
	netdev_setup(dev, o);
	err = device_setup(a);
	if (err)
		goto out_free;
	err = register_netdev(dev);
	if (err)
		goto out_free;
	err = register_page(a);
	if (err)
		goto out_unregister;
	pdev->drvdata = a;
	pr_info(E1000_FMT "%s %pM irq %u\n", E1000_WHO(a), a->info->name, dev->dev_addr, pdev->irq);
	return 0;

out_unregister:
	unregister_netdev(dev);
out_free:
	pci_disable_device(pdev);
	netif_napi_del(&a->napi);
	free_netdev(dev);
	return err;
}

static void e1000_remove(struct pci_dev *pdev) __may_sleep
{
	struct e1000_adapter *a = pdev->drvdata;

	proc_unregister(a->page);
	unregister_netdev(a->dev); /* closes it */
	pci_disable_device(pdev);
	netif_napi_del(&a->napi);
	pdev->drvdata = NULL;
	free_netdev(a->dev);
}

const struct pci_driver e1000_driver = {
	.name = "e1000",
	.ids = ids,
	.probe = e1000_probe,
	.remove = e1000_remove,
};
