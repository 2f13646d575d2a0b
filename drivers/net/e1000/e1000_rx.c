// SPDX-License-Identifier: MIT
/*
 * e1000, receive: the ring of empty buffers, and the way of a frame from it up to netif_receive_skb().
 *
 * Interface: e1000_setup_rx_resources, e1000_free_rx_resources, e1000_configure_rx, e1000_stop_rx,
 * e1000_clean_rx_irq, e1000_rx_waiting.
 * Above: e1000_main.c (open, stop, poll). Below: e1000_hw.c, <kernel/dma.h>, <net/skbuff.h>, netif_receive_skb.
 * Context: process for set-up and end, softirq for frames. Owns: the receive ring and the buffers in it.
 * Specs: 8254x Software Developer's Manual section 3.2.
 *
 * Every descriptor always has a buffer: a frame is taken out only when a new buffer could be put in its place, so the
 * ring never runs dry for lack of memory. The tail register names the one descriptor that stays ours. Some spare buffers
 * bridge moments without memory: what comes then is above all the acknowledgments that would give memory back.
 */
#include "e1000.h"

#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/etherdevice.h>

#define PARK_TRIES 100u

/* An empty buffer, from memory or else from the spare ones. NULL: neither. */
static struct sk_buff *rx_alloc_skb(struct e1000_rx_ring *r)
{
	struct sk_buff *skb = netdev_alloc_skb(r->adapter->dev, E1000_RX_BUFFER);

	if (likely(skb))
		return skb;
	r->adapter->stats.rx_alloc_failed++;
	return skb_dequeue(&r->spare);
}

/* Makes up for the spare buffers that were used, as long as there is memory. */
static void rx_fill_spare(struct e1000_rx_ring *r)
{
	while (r->spare.qlen < E1000_RX_SPARE) {
		struct sk_buff *skb = netdev_alloc_skb(r->adapter->dev, E1000_RX_BUFFER);

		if (!skb)
			return;
		skb_queue_tail(&r->spare, skb);
	}
}

/* A mapped buffer for one frame. 0, -ENOMEM with @b unchanged. */
static int rx_alloc_buffer(struct e1000_rx_ring *r, struct e1000_rx_buffer *b)
{
	struct sk_buff *skb = rx_alloc_skb(r);
	dma_addr_t dma;

	if (!skb)
		return -ENOMEM;
	BUG_ON(skb->len != 0 || skb_tailroom(skb) < E1000_RX_BUFFER);
	dma = dma_map_single(skb->data, E1000_RX_BUFFER, DMA_FROM_DEVICE);
	if (dma == DMA_MAPPING_ERROR) {
		r->adapter->stats.rx_alloc_failed++;
		consume_skb(skb);
		return -ENOMEM;
	}
	b->skb = skb;
	b->dma = dma;
	return 0;
}

/* Makes descriptor @i empty and the device's (once the tail says so). */
static void rx_arm(struct e1000_rx_ring *r, u32 i)
{
	struct e1000_rx_desc *d = &r->desc[i];

	d->addr = cpu_to_le64(r->buffer_info[i].dma);
	d->length = cpu_to_le16(0);
	d->csum = cpu_to_le16(0);
	d->errors = 0;
	d->special = cpu_to_le16(0);
	WRITE_ONCE(d->status, 0);
}

/**
 * e1000_rx_init() - prepares empty rings that are not open, one for each queue
 * @a: zeroed adapter
 * @count: descriptors, 8..4096, a multiple of 8
 *
 * Context: process.
 */
void e1000_rx_init(struct e1000_adapter *a, u32 count)
{
	BUG_ON(count < E1000_RING_MIN || count > E1000_RING_MAX || count % 8);
	a->num_rx_queues = a->info->rx_queues;
	BUG_ON(!a->num_rx_queues || a->num_rx_queues > E1000_MAX_QUEUES);
	e1000_for_each_rx_ring(a, r)
	{
		r->adapter = a;
		r->queue_index = (u32)(r - a->rx_ring);
		r->count = count;
	}
}

/* One ring with all its buffers. 0; -ENOMEM: what there is, e1000_free_all_rx_resources() frees. */
static int setup_rx_resources(struct e1000_rx_ring *r)
{
	BUG_ON(r->desc || r->buffer_info);
	skb_queue_head_init(&r->spare);
	r->buffer_info = kzalloc(r->count * sizeof(*r->buffer_info));
	if (!r->buffer_info)
		return -ENOMEM;
	r->desc = e1000_alloc_desc(r->count, &r->dma);
	if (!r->desc)
		return -ENOMEM;
	for (u32 i = 0; i < r->count; i++) {
		if (rx_alloc_buffer(r, &r->buffer_info[i]))
			return -ENOMEM;
		rx_arm(r, i);
	}
	r->untold = 0;
	r->dropping = false;
	return 0;
}

static void free_rx_resources(struct e1000_rx_ring *r)
{
	for (u32 i = 0; r->buffer_info && i < r->count; i++) {
		struct e1000_rx_buffer *b = &r->buffer_info[i];

		if (!b->skb)
			continue;
		dma_unmap_single(b->dma, E1000_RX_BUFFER, DMA_FROM_DEVICE);
		consume_skb(b->skb); /* never held a frame: no drop */
		b->skb = NULL;
	}
	while (!skb_queue_empty(&r->spare))
		consume_skb(skb_dequeue(&r->spare));
	if (r->desc)
		e1000_free_desc(r->desc, r->count, r->dma);
	kfree(r->buffer_info);
	r->desc = NULL;
	r->buffer_info = NULL;
}

/**
 * e1000_free_all_rx_resources() - frees the rings, every buffer in them, and the spare ones
 * @a: adapter; the device does not write there any more
 *
 * Context: process.
 */
void e1000_free_all_rx_resources(struct e1000_adapter *a)
{
	e1000_for_each_rx_ring(a, r) free_rx_resources(r);
}

/**
 * e1000_setup_all_rx_resources() - allocates each receive ring with all its buffers
 * @a: adapter after e1000_rx_init()
 *
 * Context: process. Return: 0; -ENOMEM with nothing left behind.
 */
int e1000_setup_all_rx_resources(struct e1000_adapter *a)
{
	e1000_for_each_rx_ring(a, r)
	{
		if (setup_rx_resources(r)) {
			e1000_free_all_rx_resources(a);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Tells the device up to where descriptors are empty again: all but the one before next_to_clean. */
static void rx_tell_tail(struct e1000_rx_ring *r)
{
	dma_wmb();
	e1000_rx_ew32(r, E1000_RDT, e1000_prev(r->next_to_clean, r->count));
	r->adapter->stats.rdt_writes++;
	r->untold = 0;
}

/**
 * e1000_configure_rx() - gives the ring to the device: from here on frames arrive
 * @a: adapter with receive resources; head and tail register are equal (nothing is received)
 *
 * The head register is read, not written: it may be written only while RCTL.EN is off, and RCTL is not to be touched.
 * At the first opening it is 0; later the ring goes on where the device stands.
 *
 * Context: process. Source: manual section 14.4.
 */
void e1000_configure_rx(struct e1000_adapter *a)
{
	e1000_for_each_rx_ring(a, r)
	{
		if (e1000_rx_er32(r, E1000_RDH) >= r->count) {
			/* a head outside the ring would run on through memory */
			ew32(a, E1000_RCTL, 0);
			a->rctl_written = false;
		}
	}
	e1000_for_each_rx_ring(a, r)
	{
		if (!a->rctl_written) { /* the receiver is off: only then may the head be written */
			e1000_rx_ew32(r, E1000_RDH, 0);
			e1000_rx_ew32(r, E1000_RDT, 0);
		}
		r->next_to_clean = a->rctl_written ? e1000_rx_er32(r, E1000_RDH) : 0;
		e1000_rx_ew32(r, E1000_RDBAL, (u32)r->dma);
		e1000_rx_ew32(r, E1000_RDBAH, (u32)(r->dma >> 32));
		e1000_rx_ew32(r, E1000_RDLEN, r->count * (u32)sizeof(*r->desc));
	}
	ew32(a, E1000_RDTR, 0);
	ew32(a, E1000_RADV, 0);
	ew32(a, E1000_ITR, 0);
	if (!a->rctl_written) {
		ew32(a, E1000_RCTL, a->rctl);
		a->rctl_written = true;
	}
	e1000_for_each_rx_ring(a, r) rx_tell_tail(r);
}

/* Whether the ring came to rest. */
static bool park(struct e1000_rx_ring *r)
{
	for (u32 i = 0; i < PARK_TRIES; i++) {
		u32 head = e1000_rx_er32(r, E1000_RDH);

		e1000_rx_ew32(r, E1000_RDT, head);
		if (e1000_rx_er32(r, E1000_RDH) == head)
			return true;
	}
	return false;
}

/**
 * e1000_stop_rx() - takes the rings away from the device: afterwards it writes to no buffer
 * @a: adapter; interrupts masked, NAPI off
 *
 * Tail = head means "no empty descriptor" and parks the receiver without a write of RCTL (which would cost a second
 * at the next opening). A frame may move the head between the read and the write: then tail stands behind head, which
 * means the whole ring, and it is tried again. If it never settles, RCTL is switched off after all.
 *
 * Context: process.
 */
void e1000_stop_rx(struct e1000_adapter *a)
{
	bool rests = true;

	e1000_for_each_rx_ring(a, r) rests &= park(r);
	if (rests)
		return;
	pr_warn(E1000_FMT "the receiver does not come to rest: switched off\n", E1000_WHO(a));
	ew32(a, E1000_RCTL, 0);
	a->rctl_written = false;
}

static bool ring_waiting(const struct e1000_rx_ring *r)
{
	return READ_ONCE(r->desc[r->next_to_clean].status) & E1000_RXD_STAT_DD;
}

/**
 * e1000_rx_waiting() - is there a frame in a ring that nobody took?
 * @a: adapter
 *
 * Context: any. Return: true when the next descriptor is done.
 */
bool e1000_rx_waiting(const struct e1000_adapter *a)
{
	bool waiting = false;

	for (u32 i = 0; i < a->num_rx_queues; i++)
		waiting |= ring_waiting(&a->rx_ring[i]);
	return waiting;
}

/* Judges what the device wrote: may this buffer go up as one frame? Each refusal has its counter. */
static bool rx_frame_ok(struct e1000_rx_ring *r, const struct e1000_rx_desc *d, u32 len)
{
	struct e1000_adapter *a = r->adapter;
	struct net_device_stats *s = &a->dev->stats;
	bool eop = d->status & E1000_RXD_STAT_EOP;

	if (r->dropping || !eop) {
		if (!r->dropping) { /* the first piece of a frame longer than a buffer */
			a->stats.rx_long++;
			s->rx_length_errors++;
			s->rx_errors++;
		}
		r->dropping = !eop;
		return false;
	}
	if ((d->errors & E1000_RXD_ERR_FRAME) || fault_hit(FAULT_RX_DROP)) {
		a->stats.rx_errors++;
		s->rx_errors++;
		return false;
	}
	if (len < ETH_HLEN || len > E1000_RX_BUFFER) {
		a->stats.rx_short += len < ETH_HLEN;
		a->stats.rx_long += len > E1000_RX_BUFFER;
		s->rx_length_errors++;
		s->rx_errors++;
		return false;
	}
	return true;
}

/*
 * A short frame in a buffer of its size, while the large one stays where it is: 2,048 bytes for each small datagram or piece would
 * use up a socket's buffer with a tenth of the payload. NULL: no memory; then it leaves in what it came in.
 */
static struct sk_buff *rx_copy(struct e1000_adapter *a, const struct sk_buff *from, u32 len)
{
	struct sk_buff *skb = netdev_alloc_skb(a->dev, len);

	if (!skb)
		return NULL;
	memcpy(skb_put(skb, len), from->data, len);
	a->stats.rx_copied++;
	return skb;
}

/* Takes the frame of slot @i out and puts a new buffer in; without one the frame is dropped and its buffer stays. */
static struct sk_buff *rx_take(struct e1000_rx_ring *r, u32 i, u32 len)
{
	struct e1000_rx_buffer *b = &r->buffer_info[i], old = *b;
	struct e1000_adapter *a = r->adapter;
	struct sk_buff *skb = len <= E1000_COPYBREAK ? rx_copy(a, old.skb, len) : NULL;

	if (skb)
		return skb;
	if (rx_alloc_buffer(r, b)) {
		a->dev->stats.rx_dropped++;
		return NULL;
	}
	dma_unmap_single(old.dma, E1000_RX_BUFFER, DMA_FROM_DEVICE);
	skb_put(old.skb, len);
	return old.skb;
}

static void rx_deliver(struct e1000_adapter *a, struct sk_buff *skb) __needs(softirq_ctx)
{
	a->dev->stats.rx_packets++;
	a->dev->stats.rx_bytes += skb->len;
	skb->ip_summed = CHECKSUM_NONE; /* these parts, as emulated, check nothing */
	skb->protocol = eth_type_trans(skb, a->dev);
	netif_receive_skb(skb);
}

/* Hands the frames of one ring up, @budget at most. Returns the descriptors handled; fewer than that: it is empty. */
static int clean_rx_ring(struct e1000_rx_ring *r, int budget) __needs(softirq_ctx)
{
	u32 batch = min(E1000_RDT_BATCH, r->count / 2);
	int done = 0;

	while (done < budget && ring_waiting(r)) {
		u32 i = r->next_to_clean;
		struct e1000_rx_desc *d = &r->desc[i];
		struct sk_buff *skb = NULL;
		u32 len;

		dma_rmb(); /* DD before the other words */
		len = le16_to_cpu(d->length);
		if (rx_frame_ok(r, d, len))
			skb = rx_take(r, i, len);
		rx_arm(r, i);
		r->next_to_clean = e1000_next(i, r->count);
		done++;
		if (++r->untold >= batch)
			rx_tell_tail(r);
		if (skb)
			rx_deliver(r->adapter, skb);
	}
	if (r->untold)
		rx_tell_tail(r);
	rx_fill_spare(r);
	return done;
}

/**
 * e1000_clean_rx_irq() - hands received frames up
 * @a: adapter, open
 * @budget: most frames
 *
 * A frame is given up only after its slot has a fresh buffer. The tail register is told every 16 frames (half a ring of less
 * than 32) and at the end, where the spare buffers are made up for.
 *
 * Context: softirq. Return: descriptors handled, <= @budget; fewer: the rings are empty. Source: manual section 3.2.
 */
int e1000_clean_rx_irq(struct e1000_adapter *a, int budget)
{
	int done = 0;

	e1000_for_each_rx_ring(a, r) done += clean_rx_ring(r, budget - done);
	return done;
}
