// SPDX-License-Identifier: MIT
/*
 * e1000, transmit: room in the ring, the doorbell, and reclaiming what the device has sent.
 *
 * Interface: e1000_tx_init, e1000_setup_tx_resources, e1000_free_tx_resources, e1000_configure_tx, e1000_stop_tx,
 * e1000_xmit_frame, e1000_doorbell, e1000_clean_tx_poll, e1000_tx_done, e1000_tx_timeout.
 * Above: e1000_main.c; the stack by ndo_start_xmit, ndo_doorbell, ndo_tx_timeout. Below: e1000_desc.c (a packet becomes
 * descriptors), e1000_hw.c, <net/skbuff.h>, the queue's stop and wake in <net/netdevice.h>.
 * Context: BH off or softirq; process for set-up and end. Owns: the transmit ring, the packets in it.
 * Specs: 8254x Software Developer's Manual section 3.3 to 3.5.
 *
 * Three rules carry the room:
 * - The doorbell (TDT) is rung once per burst: packets are posted and the outermost end of the BH-off section rings.
 *   A queue that just stopped, or more than 32 descriptors, ring at once.
 * - Reclaiming costs no interrupt: behind the doorbell what the card has sent by then, in xmit when half the ring is used, in every poll, and 2 ms after a packet at the latest by a
 *   timer; completions interrupt only while somebody waits for one (queue stopped, or the timer found nothing done).
 * - The queue stops before a packet does not fit: NETDEV_TX_BUSY is a counted mistake.
 */
#include "e1000.h"

#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>

#define STOP_BELOW  24u /* unused descriptors: a packet of 17 fragments and some */
#define WAKE_AT     32u
#define FLUSH_TRIES 1000u /* register reads while the last packets leave: about a millisecond */

/* --- The ring's memory and life ------------------------------------------------------------------------------- */

static void reclaim_timer_fn(struct timer *t) __needs(softirq_ctx);
static void stall_timer_fn(struct timer *t);
static void full_timer_fn(struct timer *t);

/**
 * e1000_tx_init() - prepares an empty ring that is not open
 * @a: zeroed adapter
 * @count: descriptors, 8..4096, a multiple of 8
 *
 * Context: process.
 */
void e1000_tx_init(struct e1000_adapter *a, u32 count)
{
	BUG_ON(count < E1000_RING_MIN || count > E1000_RING_MAX || count % 8);
	a->tx.count = count;
	a->tx.stop_below = min(STOP_BELOW, count / 4);
	a->tx.wake_at = min(WAKE_AT, count / 2);
	timer_setup_precise(&a->tx.reclaim_timer, reclaim_timer_fn);
	timer_setup(&a->tx.stall_timer, stall_timer_fn);
	timer_setup(&a->tx.full_timer, full_timer_fn);
}

/**
 * e1000_setup_tx_resources() - allocates both arrays of the transmit ring
 * @a: adapter after e1000_tx_init()
 *
 * Context: process. Return: 0; -ENOMEM with nothing left behind.
 */
int e1000_setup_tx_resources(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;

	BUG_ON(r->desc || r->buffer_info);
	r->buffer_info = kzalloc(r->count * sizeof(*r->buffer_info));
	if (!r->buffer_info)
		return -ENOMEM;
	r->desc = e1000_alloc_desc(r->count, &r->dma);
	if (!r->desc) {
		kfree(r->buffer_info);
		r->buffer_info = NULL;
		return -ENOMEM;
	}
	r->next_to_use = r->next_to_clean = r->tail = 0;
	return 0;
}

/**
 * e1000_free_tx_resources() - frees both arrays; every slot is empty (asserted)
 * @a: adapter after e1000_stop_tx()
 *
 * Context: process.
 */
void e1000_free_tx_resources(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;

	BUG_ON(r->next_to_use != r->next_to_clean);
	e1000_free_desc(r->desc, r->count, r->dma);
	kfree(r->buffer_info);
	r->desc = NULL;
	r->buffer_info = NULL;
}

/* Head and tail to the start of the ring, transmitter on. The ring is empty. */
static void tx_start(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;

	BUG_ON(r->next_to_use != r->next_to_clean);
	r->next_to_use = r->next_to_clean = r->tail = 0;
	e1000_tx_forget(r); /* what the device remembers is not trusted over a stop */
	r->stalled = r->full = false;
	ew32(a, E1000_TDH, 0);
	ew32(a, E1000_TDT, 0);
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE);
}

/**
 * e1000_configure_tx() - gives the empty ring to the device and switches the transmitter on
 * @a: adapter with transmit resources; TCTL.EN is off
 *
 * Context: process. Source: manual section 14.5.
 */
void e1000_configure_tx(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;

	ew32(a, E1000_TDBAL, (u32)r->dma);
	ew32(a, E1000_TDBAH, (u32)(r->dma >> 32));
	ew32(a, E1000_TDLEN, r->count * (u32)sizeof(*r->desc));
	ew32(a, E1000_TIPG, E1000_TIPG_VALUE);
	ew32(a, E1000_TXDCTL, E1000_TXDCTL_ONE);
	ew32(a, E1000_TIDV, E1000_TIDV_VALUE);
	ew32(a, E1000_TADV, E1000_TADV_VALUE);
	tx_start(a);
}

/* --- Reclaiming ------------------------------------------------------------------------------------------------- */

/* What left the ring: a packet that the device cut counts as its frames. */
struct tx_sent {
	u32 frames, bytes;
};

/*
 * Empties all slots of the oldest packet. Returns it; *sent gets its frames and their bytes. next_to_clean has moved
 * on before the caller frees it, because the packet's destructor may lead back here.
 */
static struct sk_buff *tx_take_oldest(struct e1000_tx_ring *r, struct tx_sent *sent)
{
	u32 i = r->next_to_clean;
	u32 last = (u32)(r->buffer_info[i].next_to_watch - r->desc);
	struct sk_buff *skb;

	BUG_ON(last >= r->count);
	sent->frames += r->buffer_info[last].segs;
	sent->bytes += r->buffer_info[last].bytecount;
	while (i != last) {
		BUG_ON(r->buffer_info[i]
			       .skb); /* the packet hangs at its last slot and nowhere else */
		e1000_tx_release_slot(r, i);
		i = e1000_next(i, r->count);
	}
	skb = e1000_tx_release_slot(r, last);
	BUG_ON(!skb);
	r->next_to_clean = e1000_next(last, r->count);
	r->reclaimed++;
	return skb;
}

static struct netdev_queue *tx_queue(const struct e1000_adapter *a)
{
	return netdev_get_tx_queue(a->dev, a->tx.queue_index);
}

static void tx_wake_if_room(struct e1000_adapter *a)
{
	if (a->closing || a->tx.full || !netif_tx_queue_stopped(tx_queue(a)))
		return;
	if (e1000_tx_unused(&a->tx) < a->tx.wake_at)
		return;
	a->stats.tx_restart_queue++;
	netif_tx_wake_queue(tx_queue(a));
}

/* Frees every packet whose last descriptor is done; wakes the queue. Returns how many. At most one ring of them. */
static u32 clean_tx_irq(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;
	struct tx_sent sent = { 0 };
	u32 packets;

	trace_fn(e1000_clean_tx, e1000_tx_used(r), 0, NULL);
	r->cleaning = true;
	for (packets = 0; packets < r->count; packets++) {
		struct e1000_tx_desc *eop = r->buffer_info[r->next_to_clean].next_to_watch;
		struct sk_buff *skb;

		if (!eop || !(le32_to_cpu(READ_ONCE(eop->upper)) & E1000_TXD_STAT_DD))
			break;
		dma_rmb();
		skb = tx_take_oldest(r, &sent);
		trace_at_skb(clone_freed, skb, e1000_tx_used(r));
		consume_skb(skb);
	}
	r->cleaning = false;
	a->dev->stats.tx_packets += sent.frames;
	a->dev->stats.tx_bytes += sent.bytes;
	netdev_tx_completed_queue(tx_queue(a), sent.frames, sent.bytes);
	if (packets)
		tx_wake_if_room(a);
	return packets;
}

/**
 * e1000_tx_done() - is there a packet in the ring that the device has sent and nobody reclaimed?
 * @a: adapter, open
 *
 * Context: any. Return: true when the oldest one is done.
 */
bool e1000_tx_done(const struct e1000_adapter *a)
{
	const struct e1000_tx_desc *eop = a->tx.buffer_info[a->tx.next_to_clean].next_to_watch;

	return eop && (le32_to_cpu(READ_ONCE(eop->upper)) & E1000_TXD_STAT_DD);
}

/*
 * Whoever waits for a completion has one coming: an interrupt while the queue is stopped or @by_irq is wished, else
 * the timer as long as anything is unreclaimed.
 */
static void tx_expect_completion(struct e1000_adapter *a, bool by_irq) __needs(softirq_ctx)
{
	struct e1000_tx_ring *r = &a->tx;
	bool pending = r->next_to_use != r->next_to_clean;
	bool irq = a->txirq_always || netif_xmit_stopped(tx_queue(a)) || (pending && by_irq);

	e1000_set_txdw(a, irq);
	if (pending && !irq && !timer_pending(&r->reclaim_timer))
		mod_timer(&r->reclaim_timer, ktime_get_ns() + E1000_RECLAIM_NS);
}

/* 2 ms after a packet was posted. When nothing was done by then, the device is asked for an interrupt instead. */
static void reclaim_timer_fn(struct timer *t) __needs(softirq_ctx)
{
	struct e1000_adapter *a = container_of(t, struct e1000_adapter, tx.reclaim_timer);
	u32 packets = clean_tx_irq(a);

	a->stats.reclaim_by_timer += packets;
	tx_expect_completion(a, packets == 0);
}

/**
 * e1000_clean_tx_poll() - the transmit half of a NAPI poll
 * @a: adapter, open
 *
 * Context: softirq.
 */
void e1000_clean_tx_poll(struct e1000_adapter *a)
{
	a->stats.reclaim_in_poll += clean_tx_irq(a);
	tx_expect_completion(a, false);
}

/* --- The doorbell ------------------------------------------------------------------------------------------------- */

/* Descriptors that are filled and that the device was not told of. */
static u32 tx_untold(const struct e1000_tx_ring *r)
{
	return r->next_to_use - r->tail + (r->next_to_use < r->tail ? r->count : 0);
}

/**
 * e1000_doorbell() - ndo_doorbell: tells the device about all that was posted, with one register write
 * @dev: device; nothing happens when there is no news or it is closed
 *
 * Context: BH off.
 */
void e1000_doorbell(struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;
	struct e1000_tx_ring *r = &a->tx;

	if (!r->desc || r->tail == r->next_to_use)
		return;
	trace_at(e1000_doorbell, tx_untold(r), r->next_to_use, NULL);
	r->tail = r->next_to_use;
	dma_wmb(); /* descriptors before the tail */
	ew32(a, E1000_TDT, r->tail);
	a->stats.tdt_writes++;
	/* What is sent already is given back now: a small queue (TSQ) or a corked tail may wait for it, and nobody tells us. */
	if (!a->txirq_always && !r->cleaning)
		a->stats.reclaim_in_xmit += clean_tx_irq(a);
}

/* --- Room ----------------------------------------------------------------------------------------------------------------- */

/*
 * Makes @skb fit into what is unused: reclaims, and if need be puts it into one piece. Returns 0; -ENOMEM: no memory
 * for that; -EBUSY: it does not fit. The skb stays the caller's.
 */
static int tx_make_room(struct e1000_adapter *a, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct e1000_tx_ring *r = &a->tx;
	u32 need = e1000_tx_descs_needed(r, skb);

	if (unlikely(r->full))
		return -EBUSY;
	if (e1000_tx_unused(r) < r->count / 2)
		a->stats.reclaim_in_xmit += clean_tx_irq(a);
	if (need <= e1000_tx_unused(r))
		return 0;
	e1000_doorbell(a->dev);
	a->stats.reclaim_in_xmit += clean_tx_irq(a);
	if (need <= e1000_tx_unused(r))
		return 0;
	if (skb_shinfo(skb)->nr_frags && !skb_is_gso(skb)) {
		a->stats.tx_linearized++;
		if (skb_linearize(skb))
			return -ENOMEM;
	}
	return e1000_tx_descs_needed(r, skb) <= e1000_tx_unused(r) ? 0 : -EBUSY;
}

/*
 * After a packet was posted: stop before the next one does not fit, ring now or at the end of the burst. Whether the ring has
 * no more room or the byte limit says enough: what is done already is reclaimed before anybody waits.
 */
static void tx_after_post(struct e1000_adapter *a) __needs(softirq_ctx)
{
	struct e1000_tx_ring *r = &a->tx;
	u32 bytes = r->buffer_info[e1000_prev(r->next_to_use, r->count)].bytecount;
	bool held = netdev_tx_sent_queue(tx_queue(a), bytes);

	if (e1000_tx_unused(r) < r->stop_below) {
		a->stats.tx_queue_stopped++;
		netif_tx_stop_queue(tx_queue(a));
		held = true;
	}
	if (held) {
		e1000_doorbell(a->dev);
		a->stats.reclaim_in_xmit += clean_tx_irq(a);
		tx_expect_completion(a, true);
		return;
	}
	if (tx_untold(r) > E1000_DOORBELL_MAX)
		e1000_doorbell(a->dev);
	else
		netdev_defer_doorbell(a->dev);
	if (!timer_pending(&r->reclaim_timer) && !(a->ims & E1000_ICR_TXDW))
		mod_timer(&r->reclaim_timer, ktime_get_ns() + E1000_RECLAIM_NS);
}

/* fault=txstall: the transmitter stops fetching descriptors for a while, which no emulated one does by itself. */
static void tx_stall(struct e1000_adapter *a)
{
	if (a->tx.stalled)
		return;
	a->tx.stalled = true;
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE & ~E1000_TCTL_EN);
	mod_timer(&a->tx.stall_timer, ktime_get_ns() + fault_ms(FAULT_TX_STALL) * NSEC_PER_MSEC);
	pr_info(E1000_FMT "fault: transmitter off for %llu ms\n", E1000_WHO(a),
		(unsigned long long)fault_ms(FAULT_TX_STALL));
}

static void stall_timer_fn(struct timer *t)
{
	struct e1000_adapter *a = container_of(t, struct e1000_adapter, tx.stall_timer);

	a->tx.stalled = false;
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE);
	pr_info(E1000_FMT "fault: transmitter on again\n", E1000_WHO(a));
}

/* fault=ringfull: for a while the ring has no room, whatever is in it, and completions wake nobody. */
static void tx_fill(struct e1000_adapter *a)
{
	a->tx.full = true;
	mod_timer(&a->tx.full_timer, ktime_get_ns() + fault_ms(FAULT_RING_FULL) * NSEC_PER_MSEC);
}

static void full_timer_fn(struct timer *t)
{
	struct e1000_adapter *a = container_of(t, struct e1000_adapter, tx.full_timer);

	a->tx.full = false;
	tx_wake_if_room(a);
}

/**
 * e1000_xmit_frame() - ndo_start_xmit: posts one frame
 * @skb: frame with its Ethernet header; CHECKSUM_PARTIAL is served by the device
 * @dev: device, open, queue not stopped
 *
 * Short frames are padded here: real parts corrupt some when they pad, the emulated ones do not pad. A packet of more
 * descriptors than the ring can give is put into one piece first.
 *
 * Context: BH off. Return: NETDEV_TX_OK: @skb is consumed, by the ring or (no memory, no mapping) dropped and counted;
 * NETDEV_TX_BUSY: it stays the caller's, the queue is stopped and will be woken. Source: manual section 3.3.
 */
netdev_tx_t e1000_xmit_frame(struct sk_buff *skb, struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;
	int err;

	BUG_ON(!a->tx.desc);
	trace_fn_skb(e1000_xmit_frame, skb, e1000_tx_used(&a->tx));
	if (fault_hit(FAULT_TX_STALL))
		tx_stall(a);
	if (fault_hit(FAULT_RING_FULL))
		tx_fill(a);
	if (skb_padto(skb, ETH_ZLEN)) {
		dev->stats.tx_dropped++;
		return NETDEV_TX_OK;
	}
	err = tx_make_room(a, skb);
	if (err == -EBUSY) {
		a->stats.tx_busy++;
		trace_at_skb(e1000_tx_busy, skb, e1000_tx_used(&a->tx));
		netif_tx_stop_queue(tx_queue(a));
		tx_expect_completion(a, true);
		return NETDEV_TX_BUSY;
	}
	if (err) {
		dev->stats.tx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return NETDEV_TX_OK;
	}
	if (e1000_tx_post(a, skb)) {
		a->stats.tx_dma_failed++;
		dev->stats.tx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_DMA_MAP);
		return NETDEV_TX_OK;
	}
	tx_after_post(a);
	return NETDEV_TX_OK;
}

/* --- Ends and restarts ------------------------------------------------------------------------------------------------- */

/* Transmitter off; what it had done ends as sent, the rest is dropped for @reason. The ring is empty then. */
static void tx_empty_ring(struct e1000_adapter *a, enum skb_drop_reason reason)
{
	struct e1000_tx_ring *r = &a->tx;

	ew32(a, E1000_TCTL, E1000_TCTL_VALUE & ~E1000_TCTL_EN);
	del_timer(&r->stall_timer);
	del_timer(&r->full_timer);
	clean_tx_irq(a);
	while (r->next_to_clean != r->next_to_use) {
		struct tx_sent lost = { 0 };
		struct sk_buff *skb = tx_take_oldest(r, &lost);

		a->dev->stats.tx_aborted_errors += lost.frames;
		a->dev->stats.tx_errors += lost.frames;
		kfree_skb_reason(skb, reason);
	}
	netdev_tx_reset_queue(tx_queue(a));
}

/**
 * e1000_stop_tx() - takes the ring away from the device: lets posted packets leave, drops what does not
 * @a: adapter; queue stopped, interrupts masked, NAPI off
 *
 * Context: process with BH off. Drops: DRIVER_STOP.
 */
void e1000_stop_tx(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;

	e1000_doorbell(a->dev);
	clean_tx_irq(a);
	for (u32 i = 0; i < FLUSH_TRIES && r->next_to_clean != r->next_to_use && !r->stalled; i++) {
		er32(a, E1000_STATUS); /* a register read is the delay here */
		clean_tx_irq(a);
	}
	tx_empty_ring(a, SKB_DROP_REASON_DRIVER_STOP);
	del_timer(&r->reclaim_timer);
}

/**
 * e1000_tx_timeout() - ndo_tx_timeout: the transmitter hangs; says where, starts it afresh
 * @dev: device, open
 *
 * What is in the ring is dropped (DRIVER_RESET): the device may have sent it or not.
 *
 * Context: softirq.
 */
void e1000_tx_timeout(struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;
	struct e1000_tx_ring *r = &a->tx;
	const struct e1000_tx_desc *eop;

	if (!r->desc)
		return;
	eop = r->buffer_info[r->next_to_clean].next_to_watch;
	a->stats.tx_timeouts++;
	pr_warn(E1000_FMT "transmitter hangs: TDH %u TDT %u next_to_use %u next_to_clean %u "
			  "next_to_watch %ld status %08x TCTL %08x; ring reset\n",
		E1000_WHO(a), er32(a, E1000_TDH), er32(a, E1000_TDT), r->next_to_use,
		r->next_to_clean, eop ? (long)(eop - r->desc) : -1L,
		eop ? le32_to_cpu(eop->upper) : 0, er32(a, E1000_TCTL));
	tx_empty_ring(a, SKB_DROP_REASON_DRIVER_RESET);
	tx_start(a);
	if (netif_tx_queue_stopped(tx_queue(a))) {
		a->stats.tx_restart_queue++;
		netif_tx_wake_queue(tx_queue(a));
	}
	tx_expect_completion(a, false);
}
