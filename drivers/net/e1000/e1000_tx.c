// SPDX-License-Identifier: MIT
/*
 * e1000, transmit: room in the ring, the doorbell, and reclaiming what the device has sent.
 *
 * Interface: e1000_tx_init, e1000_setup_all_tx_resources, e1000_free_all_tx_resources, e1000_configure_tx, e1000_stop_tx,
 * e1000_xmit_frame, e1000_doorbell, e1000_clean_tx_poll, e1000_tx_done, e1000_tx_hangs, e1000_tx_timeout.
 * Above: e1000_main.c; the stack by ndo_start_xmit, ndo_doorbell, ndo_tx_timeout. Below: e1000_desc.c (a packet becomes
 * descriptors), e1000_hw.c, <net/skbuff.h>, the queue's stop and wake in <net/netdevice.h>.
 * Context: BH off or softirq; process for set-up and end. Owns: the transmit rings (one for each queue), the packets in them.
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
 * e1000_tx_init() - prepares empty rings that are not open, one for each queue
 * @a: zeroed adapter
 * @count: descriptors, 8..4096, a multiple of 8
 *
 * Context: process.
 */
void e1000_tx_init(struct e1000_adapter *a, u32 count)
{
	BUG_ON(count < E1000_RING_MIN || count > E1000_RING_MAX || count % 8);
	a->num_tx_queues = a->info->tx_queues;
	BUG_ON(!a->num_tx_queues || a->num_tx_queues > E1000_MAX_QUEUES);
	timer_setup(&a->stall_timer, stall_timer_fn);
	e1000_for_each_tx_ring(a, r)
	{
		r->adapter = a;
		r->queue_index = (u32)(r - a->tx_ring);
		r->count = count;
		r->stop_below = min(STOP_BELOW, count / 4);
		r->wake_at = min(WAKE_AT, count / 2);
		timer_setup_precise(&r->reclaim_timer, reclaim_timer_fn);
		timer_setup(&r->full_timer, full_timer_fn);
	}
}

/* Both arrays of one ring. 0; -ENOMEM with nothing left behind. */
static int setup_tx_resources(struct e1000_tx_ring *r)
{
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
 * e1000_free_all_tx_resources() - frees both arrays of each ring; every slot is empty (asserted)
 * @a: adapter after e1000_stop_tx(), or a set-up that failed: rings without arrays are passed over
 *
 * Context: process.
 */
void e1000_free_all_tx_resources(struct e1000_adapter *a)
{
	e1000_for_each_tx_ring(a, r)
	{
		if (!r->desc)
			continue;
		BUG_ON(r->next_to_use != r->next_to_clean);
		e1000_free_desc(r->desc, r->count, r->dma);
		kfree(r->buffer_info);
		r->desc = NULL;
		r->buffer_info = NULL;
	}
}

/**
 * e1000_setup_all_tx_resources() - allocates the arrays of each transmit ring
 * @a: adapter after e1000_tx_init()
 *
 * Context: process. Return: 0; -ENOMEM with nothing left behind.
 */
int e1000_setup_all_tx_resources(struct e1000_adapter *a)
{
	e1000_for_each_tx_ring(a, r)
	{
		if (setup_tx_resources(r)) {
			e1000_free_all_tx_resources(a);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Heads and tails to the start of the rings, transmitter on. The rings are empty. */
static void tx_start(struct e1000_adapter *a)
{
	a->tx_stalled = false;
	e1000_for_each_tx_ring(a, r)
	{
		BUG_ON(r->next_to_use != r->next_to_clean);
		r->next_to_use = r->next_to_clean = r->tail = 0;
		e1000_tx_forget(r); /* what the device remembers is not trusted over a stop */
		r->full = false;
		e1000_tx_ew32(r, E1000_TDH, 0);
		e1000_tx_ew32(r, E1000_TDT, 0);
	}
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE);
}

/**
 * e1000_configure_tx() - gives the empty rings to the device and switches the transmitter on
 * @a: adapter with transmit resources; TCTL.EN is off
 *
 * Context: process. Source: manual section 14.5.
 */
void e1000_configure_tx(struct e1000_adapter *a)
{
	e1000_for_each_tx_ring(a, r)
	{
		e1000_tx_ew32(r, E1000_TDBAL, (u32)r->dma);
		e1000_tx_ew32(r, E1000_TDBAH, (u32)(r->dma >> 32));
		e1000_tx_ew32(r, E1000_TDLEN, r->count * (u32)sizeof(*r->desc));
		e1000_tx_ew32(r, E1000_TXDCTL, E1000_TXDCTL_ONE);
	}
	ew32(a, E1000_TIPG, E1000_TIPG_VALUE);
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

static struct netdev_queue *tx_queue(const struct e1000_tx_ring *r)
{
	return netdev_get_tx_queue(r->adapter->dev, r->queue_index);
}

static void tx_wake_if_room(struct e1000_tx_ring *r)
{
	if (r->adapter->closing || r->full || !netif_tx_queue_stopped(tx_queue(r)))
		return;
	if (e1000_tx_unused(r) < r->wake_at)
		return;
	r->adapter->stats.tx_restart_queue++;
	netif_tx_wake_queue(tx_queue(r));
}

/* Frees every packet whose last descriptor is done; wakes the queue. Returns how many. At most one ring of them. */
static u32 clean_tx_irq(struct e1000_tx_ring *r)
{
	struct net_device *dev = r->adapter->dev;
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
	dev->stats.tx_packets += sent.frames;
	dev->stats.tx_bytes += sent.bytes;
	netdev_tx_completed_queue(tx_queue(r), sent.frames, sent.bytes);
	if (packets)
		tx_wake_if_room(r);
	return packets;
}

static bool ring_done(const struct e1000_tx_ring *r)
{
	const struct e1000_tx_desc *eop = r->buffer_info[r->next_to_clean].next_to_watch;

	return eop && (le32_to_cpu(READ_ONCE(eop->upper)) & E1000_TXD_STAT_DD);
}

/**
 * e1000_tx_done() - is there a packet in a ring that the device has sent and nobody reclaimed?
 * @a: adapter, open
 *
 * Context: any. Return: true when the oldest one of a ring is done.
 */
bool e1000_tx_done(const struct e1000_adapter *a)
{
	bool done = false;

	for (u32 i = 0; i < a->num_tx_queues; i++)
		done |= ring_done(&a->tx_ring[i]);
	return done;
}

/**
 * e1000_tx_hangs() - a tick of the watchdog: has a ring packets, and finished none for E1000_TX_HUNG_TICKS ticks?
 * @a: adapter, open
 *
 * Context: softirq. Return: true once; then it counts anew.
 */
bool e1000_tx_hangs(struct e1000_adapter *a)
{
	bool hangs = false;

	e1000_for_each_tx_ring(a, r)
	{
		bool pending = r->next_to_use != r->next_to_clean;

		r->hung_ticks =
			pending && r->reclaimed == r->hung_reclaimed ? r->hung_ticks + 1 : 0;
		r->hung_reclaimed = r->reclaimed;
		if (r->hung_ticks < E1000_TX_HUNG_TICKS)
			continue;
		r->hung_ticks = 0;
		hangs = true;
	}
	return hangs;
}

/* Somebody waits for a completion of this ring, or is to. */
static bool ring_wants_irq(const struct e1000_tx_ring *r, bool by_irq)
{
	return netif_xmit_stopped(tx_queue(r)) || (r->next_to_use != r->next_to_clean && by_irq);
}

/*
 * Whoever waits for a completion has one coming: an interrupt while a queue is stopped or @by_irq is wished, else
 * the timer as long as anything is unreclaimed. All rings share the cause.
 */
static void tx_expect_completion(struct e1000_tx_ring *r, bool by_irq) __needs(softirq_ctx)
{
	struct e1000_adapter *a = r->adapter;
	bool irq = a->txirq_always || ring_wants_irq(r, by_irq);

	e1000_for_each_tx_ring(a, other) irq |= other != r && ring_wants_irq(other, false);
	e1000_set_txdw(a, irq);
	if (r->next_to_use != r->next_to_clean && !irq && !timer_pending(&r->reclaim_timer))
		mod_timer(&r->reclaim_timer, ktime_get_ns() + E1000_RECLAIM_NS);
}

/* 2 ms after a packet was posted. When nothing was done by then, the device is asked for an interrupt instead. */
static void reclaim_timer_fn(struct timer *t) __needs(softirq_ctx)
{
	struct e1000_tx_ring *r = container_of(t, struct e1000_tx_ring, reclaim_timer);
	u32 packets = clean_tx_irq(r);

	r->adapter->stats.reclaim_by_timer += packets;
	tx_expect_completion(r, packets == 0);
}

/**
 * e1000_clean_tx_poll() - the transmit half of a NAPI poll
 * @a: adapter, open
 *
 * Context: softirq.
 */
void e1000_clean_tx_poll(struct e1000_adapter *a)
{
	e1000_for_each_tx_ring(a, r)
	{
		a->stats.reclaim_in_poll += clean_tx_irq(r);
		tx_expect_completion(r, false);
	}
}

/* --- The doorbell ------------------------------------------------------------------------------------------------- */

/* Descriptors that are filled and that the device was not told of. */
static u32 tx_untold(const struct e1000_tx_ring *r)
{
	return r->next_to_use - r->tail + (r->next_to_use < r->tail ? r->count : 0);
}

/* Tells the device about all that was posted to this ring, with one register write. */
static void ring_doorbell(struct e1000_tx_ring *r)
{
	struct e1000_adapter *a = r->adapter;

	if (!r->desc || r->tail == r->next_to_use)
		return;
	trace_at(e1000_doorbell, tx_untold(r), r->next_to_use, NULL);
	r->tail = r->next_to_use;
	dma_wmb(); /* descriptors before the tail */
	e1000_tx_ew32(r, E1000_TDT, r->tail);
	a->stats.tdt_writes++;
	/* What is sent already is given back now: a small queue (TSQ) or a corked tail may wait for it, and nobody tells us. */
	if (!a->txirq_always && !r->cleaning)
		a->stats.reclaim_in_xmit += clean_tx_irq(r);
}

/**
 * e1000_doorbell() - ndo_doorbell: tells the device about all that was posted, with one register write for each ring
 * @dev: device; nothing happens when there is no news or it is closed
 *
 * Context: BH off.
 */
void e1000_doorbell(struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;

	e1000_for_each_tx_ring(a, r) ring_doorbell(r);
}

/* --- Room ----------------------------------------------------------------------------------------------------------------- */

/*
 * Makes @skb fit into what is unused: reclaims, and if need be puts it into one piece. Returns 0; -ENOMEM: no memory
 * for that; -EBUSY: it does not fit. The skb stays the caller's.
 */
static int tx_make_room(struct e1000_tx_ring *r, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct e1000_stats *stats = &r->adapter->stats;
	u32 need = e1000_tx_descs_needed(r, skb);

	if (unlikely(r->full))
		return -EBUSY;
	if (e1000_tx_unused(r) < r->count / 2)
		stats->reclaim_in_xmit += clean_tx_irq(r);
	if (need <= e1000_tx_unused(r))
		return 0;
	ring_doorbell(r);
	stats->reclaim_in_xmit += clean_tx_irq(r);
	if (need <= e1000_tx_unused(r))
		return 0;
	if (skb_shinfo(skb)->nr_frags && !skb_is_gso(skb)) {
		stats->tx_linearized++;
		if (skb_linearize(skb))
			return -ENOMEM;
	}
	return e1000_tx_descs_needed(r, skb) <= e1000_tx_unused(r) ? 0 : -EBUSY;
}

/*
 * After a packet was posted: stop before the next one does not fit, ring now or at the end of the burst. Whether the ring has
 * no more room or the byte limit says enough: what is done already is reclaimed before anybody waits.
 */
static void tx_after_post(struct e1000_tx_ring *r) __needs(softirq_ctx)
{
	struct e1000_adapter *a = r->adapter;
	u32 bytes = r->buffer_info[e1000_prev(r->next_to_use, r->count)].bytecount;
	bool held = netdev_tx_sent_queue(tx_queue(r), bytes);

	if (e1000_tx_unused(r) < r->stop_below) {
		a->stats.tx_queue_stopped++;
		netif_tx_stop_queue(tx_queue(r));
		held = true;
	}
	if (held) {
		ring_doorbell(r);
		a->stats.reclaim_in_xmit += clean_tx_irq(r);
		tx_expect_completion(r, true);
		return;
	}
	if (tx_untold(r) > E1000_DOORBELL_MAX)
		ring_doorbell(r);
	else
		netdev_defer_doorbell(a->dev);
	if (!timer_pending(&r->reclaim_timer) && !(a->ims & E1000_ICR_TXDW))
		mod_timer(&r->reclaim_timer, ktime_get_ns() + E1000_RECLAIM_NS);
}

/* fault=txstall: the transmitter stops fetching descriptors for a while, which no emulated one does by itself. */
static void tx_stall(struct e1000_adapter *a)
{
	if (a->tx_stalled)
		return;
	a->tx_stalled = true;
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE & ~E1000_TCTL_EN);
	mod_timer(&a->stall_timer, ktime_get_ns() + fault_ms(FAULT_TX_STALL) * NSEC_PER_MSEC);
	pr_info(E1000_FMT "fault: transmitter off for %llu ms\n", E1000_WHO(a),
		(unsigned long long)fault_ms(FAULT_TX_STALL));
}

static void stall_timer_fn(struct timer *t)
{
	struct e1000_adapter *a = container_of(t, struct e1000_adapter, stall_timer);

	a->tx_stalled = false;
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE);
	pr_info(E1000_FMT "fault: transmitter on again\n", E1000_WHO(a));
}

/* fault=ringfull: for a while the ring has no room, whatever is in it, and completions wake nobody. */
static void tx_fill(struct e1000_tx_ring *r)
{
	r->full = true;
	mod_timer(&r->full_timer, ktime_get_ns() + fault_ms(FAULT_RING_FULL) * NSEC_PER_MSEC);
}

static void full_timer_fn(struct timer *t)
{
	struct e1000_tx_ring *r = container_of(t, struct e1000_tx_ring, full_timer);

	r->full = false;
	tx_wake_if_room(r);
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
	struct e1000_tx_ring *r = &a->tx_ring[skb->queue_mapping];
	int err;

	BUG_ON(skb->queue_mapping >= a->num_tx_queues || !r->desc);
	trace_fn_skb(e1000_xmit_frame, skb, e1000_tx_used(r));
	if (fault_hit(FAULT_TX_STALL))
		tx_stall(a);
	if (fault_hit(FAULT_RING_FULL))
		tx_fill(r);
	if (skb_padto(skb, ETH_ZLEN)) {
		dev->stats.tx_dropped++;
		return NETDEV_TX_OK;
	}
	err = tx_make_room(r, skb);
	if (err == -EBUSY) {
		a->stats.tx_busy++;
		trace_at_skb(e1000_tx_busy, skb, e1000_tx_used(r));
		netif_tx_stop_queue(tx_queue(r));
		tx_expect_completion(r, true);
		return NETDEV_TX_BUSY;
	}
	if (err) {
		dev->stats.tx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return NETDEV_TX_OK;
	}
	if (e1000_tx_post(r, skb)) {
		a->stats.tx_dma_failed++;
		dev->stats.tx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_DMA_MAP);
		return NETDEV_TX_OK;
	}
	tx_after_post(r);
	return NETDEV_TX_OK;
}

/* --- Ends and restarts ------------------------------------------------------------------------------------------------- */

/* What the device had done ends as sent, the rest is dropped for @reason. The ring is empty then. */
static void empty_ring(struct e1000_tx_ring *r, enum skb_drop_reason reason)
{
	struct net_device *dev = r->adapter->dev;

	del_timer(&r->full_timer);
	clean_tx_irq(r);
	while (r->next_to_clean != r->next_to_use) {
		struct tx_sent lost = { 0 };
		struct sk_buff *skb = tx_take_oldest(r, &lost);

		dev->stats.tx_aborted_errors += lost.frames;
		dev->stats.tx_errors += lost.frames;
		kfree_skb_reason(skb, reason);
	}
	netdev_tx_reset_queue(tx_queue(r));
}

/* Transmitter off, every ring empty. */
static void tx_empty_rings(struct e1000_adapter *a, enum skb_drop_reason reason)
{
	ew32(a, E1000_TCTL, E1000_TCTL_VALUE & ~E1000_TCTL_EN);
	del_timer(&a->stall_timer);
	e1000_for_each_tx_ring(a, r) empty_ring(r, reason);
}

/**
 * e1000_stop_tx() - takes the rings away from the device: lets posted packets leave, drops what does not
 * @a: adapter; queues stopped, interrupts masked, NAPI off
 *
 * Context: process with BH off. Drops: DRIVER_STOP.
 */
void e1000_stop_tx(struct e1000_adapter *a)
{
	e1000_for_each_tx_ring(a, r)
	{
		ring_doorbell(r);
		clean_tx_irq(r);
		for (u32 i = 0;
		     i < FLUSH_TRIES && r->next_to_clean != r->next_to_use && !a->tx_stalled; i++) {
			er32(a, E1000_STATUS); /* a register read is the delay here */
			clean_tx_irq(r);
		}
	}
	tx_empty_rings(a, SKB_DROP_REASON_DRIVER_STOP);
	e1000_for_each_tx_ring(a, r) del_timer(&r->reclaim_timer);
}

static void tell_hang(struct e1000_tx_ring *r)
{
	const struct e1000_tx_desc *eop = r->buffer_info[r->next_to_clean].next_to_watch;
	struct e1000_adapter *a = r->adapter;

	pr_warn(E1000_FMT "transmitter hangs: TDH %u TDT %u next_to_use %u next_to_clean %u "
			  "next_to_watch %ld status %08x TCTL %08x; ring reset\n",
		E1000_WHO(a), e1000_tx_er32(r, E1000_TDH), e1000_tx_er32(r, E1000_TDT),
		r->next_to_use, r->next_to_clean, eop ? (long)(eop - r->desc) : -1L,
		eop ? le32_to_cpu(eop->upper) : 0, er32(a, E1000_TCTL));
}

/**
 * e1000_tx_timeout() - ndo_tx_timeout: the transmitter hangs; says where, starts it afresh
 * @dev: device, open
 *
 * What is in the rings is dropped (DRIVER_RESET): the device may have sent it or not.
 *
 * Context: softirq.
 */
void e1000_tx_timeout(struct net_device *dev)
{
	struct e1000_adapter *a = dev->priv;

	if (!a->tx_ring[0].desc)
		return;
	a->stats.tx_timeouts++;
	e1000_for_each_tx_ring(a, r) tell_hang(r);
	tx_empty_rings(a, SKB_DROP_REASON_DRIVER_RESET);
	tx_start(a);
	e1000_for_each_tx_ring(a, r)
	{
		if (netif_tx_queue_stopped(tx_queue(r))) {
			a->stats.tx_restart_queue++;
			netif_tx_wake_queue(tx_queue(r));
		}
		tx_expect_completion(r, false);
	}
}
