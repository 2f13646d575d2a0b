// SPDX-License-Identifier: MIT
/*
 * Two hosts and a wire: each has a stack of its own and the e1000 driver on a model of the card; what one card sends
 * arrives at the other a tenth of a millisecond later. Every step of coming up may fail, and is undone then.
 *
 * Interface: machine_up(), machine_down(), wire_put(), census().
 * Above: scenarios.c, torture.c.  Below: the product; tests/host.
 * Context: process.  Owns: both hosts, the cards, the frames on the wire (the C library's memory).
 */
#include "torture.h"

#include "e1000_model.h"
#include "host.h"

#include "../../drivers/net/e1000/e1000.h"

#include <drivers/e1000.h>
#include <drivers/loopback.h>
#include <kernel/dma.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <kernel/syscall.h>
#include <net/dhcp.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/tcp.h>

#define WIRE_DELAY_NS 100000ULL
#define RING          8 /* descriptors: few, so that rings wrap and fill */

struct wire_frame {
	struct wire_frame *next;
	u64 at_ns;
	u32 to, len;
	u8 b[];
};

struct host hosts[2];
bool (*wire_filter)(u32 from, const u8 *frame, u32 len);

static struct e1000_model card[2];
static struct pci_host *pci;
static struct {
	struct wire_frame *first, **tail;
} wire;

/* --- The wire -------------------------------------------------------------------------------------------------------------- */
void wire_put(u32 to, const void *frame, u32 len)
{
	struct wire_frame *f = malloc(sizeof(*f) + len);

	if (!f)
		abort();
	*f = (struct wire_frame){ .at_ns = host_clock() + WIRE_DELAY_NS, .to = to, .len = len };
	memcpy(f->b, frame, len);
	*wire.tail = f;
	wire.tail = &f->next;
}

static void leaves_card(void *arg, const u8 *frame, u32 len)
{
	u32 from = arg == &card[1];

	if (!wire_filter || !wire_filter(from, frame, len))
		wire_put(!from, frame, len);
}

static u64 wire_next(void *arg)
{
	(void)arg;
	return wire.first ? wire.first->at_ns : UINT64_MAX;
}

static struct wire_frame *wire_take(void)
{
	struct wire_frame *f = wire.first;

	wire.first = f->next;
	if (!wire.first)
		wire.tail = &wire.first;
	return f;
}

/* A card that cannot take a frame (its ring is full, it is closed) loses it. */
static void wire_run(void *arg)
{
	while (wire_next(arg) <= host_clock()) {
		struct wire_frame *f = wire_take();

		(void)e1000_model_rx(&card[f->to], f->b, f->len, 0);
		free(f);
	}
}

/* --- Up --------------------------------------------------------------------------------------------------------------------- */
static int stack_up(struct host *h)
{
	int err;

	h->net = net_alloc();
	if (!h->net)
		return -ENOMEM;
	err = net_init(h->net);
	h->rooms = !err;
	if (!err)
		err = loopback_init(h->net);
	h->lo = h->rooms && !err;
	if (!err)
		err = net_loopback_address(h->net);
	return err;
}

/* Host 0 is the one of the system calls and of the pages. */
static void calls_up(void)
{
	net_proc_init(hosts[0].net);
	syscall_init();
	posix_init();
	socket_init(hosts[0].net);
}

static int card_up(u32 i, bool address)
{
	struct e1000_options o = { .net = hosts[i].net,
				   .tx_ring = RING,
				   .rx_ring = RING,
				   .csum = i == 0,
				   .mtu = 1500,
				   .txqueuelen = 32 };
	struct pci_dev *d = pci_get_slot(pci, 0, (u8)(3 + i), 0);
	int err = d ? pci_bind_device(d, &e1000_driver, &o) : -ENODEV;

	if (err)
		return err;
	hosts[i].bound = true;
	hosts[i].dev = dev_get_by_name(hosts[i].net, "eth0");
	err = dev_open(hosts[i].dev);
	if (!err && address)
		err = inet_addr_add(hosts[i].dev, HOST_IP(i), 24);
	return err;
}

int machine_up(bool addresses)
{
	int err = 0;

	wire.first = NULL;
	wire.tail = &wire.first;
	host_set_events(wire_next, wire_run, NULL);
	e1000_model_unplug_all();
	for (u32 i = 0; i < 2; i++) {
		e1000_model_plug_at(&card[i], 0x100e, i);
		card[i].tx = leaves_card;
		card[i].arg = &card[i];
	}
	pci = pci_scan();
	if (!pci)
		return -ENOMEM;
	for (u32 i = 0; i < 2 && !err; i++)
		err = stack_up(&hosts[i]);
	if (err)
		return err;
	calls_up();
	for (u32 i = 0; i < 2 && !err; i++)
		err = card_up(i, addresses || i == 1);
	if (!err)
		host_clock_advance(1100 *
				   NSEC_PER_MSEC); /* a receiver is deaf for its first second */
	return err;
}

/* --- Down ----------------------------------------------------------------------------------------------------------------------- */
static void card_down(u32 i)
{
	if (hosts[i].bound)
		pci_unbind_device(pci_get_slot(pci, 0, (u8)(3 + i), 0));
	hosts[i].bound = false;
	hosts[i].dev = NULL;
}

static void stack_down(struct host *h)
{
	if (h->lo)
		loopback_exit(h->net);
	if (h->rooms)
		net_exit(h->net);
	if (h->net)
		net_free(h->net);
	*h = (struct host){ 0 };
}

void machine_down(void)
{
	posix_exit();
	for (u32 i = 0; i < 2; i++)
		if (hosts[i].rooms)
			(void)tcp_net_drain(hosts[i].net, 2 * SEC);
	host_clock_advance(SEC / 10);
	wire_filter = NULL;
	for (u32 i = 0; i < 2; i++) {
		if (hosts[i].net && hosts[i].net->dhcp)
			dhcp_stop(hosts[i].net);
		card_down(i);
	}
	for (u32 i = 0; i < 2; i++)
		stack_down(&hosts[i]);
	if (pci)
		pci_free(pci);
	pci = NULL;
	e1000_model_unplug_all();
	host_set_events(NULL, NULL, NULL);
	while (wire.first)
		free(wire_take());
}

void card_never_done(u32 host, bool on)
{
	card[host].no_dd = on;
}

static u64 count_of(const struct net_device *dev, enum fault_point p)
{
	const struct e1000_adapter *a = dev->priv;

	switch (p) {
	case FAULT_DMA_MAP:
		return a->stats.tx_dma_failed + a->stats.rx_alloc_failed;
	case FAULT_RING_FULL:
		return a->stats.tx_busy;
	case FAULT_RX_DROP:
		return dev->stats.rx_errors;
	default:
		return 0;
	}
}

bool machine_count(enum fault_point p, u64 *n)
{
	bool known = p == FAULT_DMA_MAP || p == FAULT_RING_FULL || p == FAULT_RX_DROP;

	*n = p == FAULT_QDISC_DROP ? skb_stats.drop[SKB_DROP_REASON_QDISC_DROP] : 0;
	for (u32 i = 0; known && i < 2; i++) {
		if (!hosts[i].dev)
			return false;
		*n += count_of(hosts[i].dev, p);
	}
	return known || p == FAULT_QDISC_DROP;
}

u64 machine_resets(void)
{
	u64 n = 0;

	for (u32 i = 0; i < 2; i++)
		n += ((const struct e1000_adapter *)hosts[i].dev->priv)->stats.tx_timeouts;
	return n;
}

struct census census(void)
{
	return (struct census){ .skbs = skb_stats.live,
				.objects = mm_live_objects(),
				.mappings = dma_mapped(),
				.timers = timers_live(),
				.files = files_live(),
				.areas = vm_areas_live() };
}
