// SPDX-License-Identifier: MIT
/*
 * e1000, transmit: from an sk_buff to descriptors, the doorbell, and reclaiming what the device has sent.
 *
 * Interface: e1000_tx_init, e1000_setup_tx_resources, e1000_free_tx_resources, e1000_configure_tx, e1000_stop_tx,
 * e1000_xmit_frame, e1000_doorbell, e1000_clean_tx_poll, e1000_tx_done, e1000_tx_timeout.
 * Above: e1000_main.c; the stack by ndo_start_xmit, ndo_doorbell, ndo_tx_timeout. Below: e1000_hw.c, <kernel/dma.h>,
 * <net/skbuff.h>, the queue's stop and wake in <net/netdevice.h>.
 * Context: BH off or softirq; process for set-up and end. Owns: the transmit ring, the packets in it.
 * Specs: 8254x Software Developer's Manual section 3.3 to 3.5.
 *
 * Three rules carry the room:
 * - The doorbell (TDT) is rung once per burst: packets are posted and the outermost end of the BH-off section rings.
 *   A queue that just stopped, or more than 32 descriptors, ring at once.
 * - Reclaiming is lazy: in xmit when half the ring is used, in every poll, and 2 ms after a packet at the latest by a
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

#define STOP_BELOW    24u /* unused descriptors: a packet of 17 fragments and some */
#define WAKE_AT       32u
#define FLUSH_TRIES   1000u /* register reads while the last packets leave: about a millisecond */
#define TCP_CSUM_AT   16u   /* offset of TCP's checksum field; UDP's is 6 */
#define CONTEXT_VALID (1ULL << 63)

static_assert(sizeof(struct e1000_tx_buffer) <= 40, "budget: 10 KiB for a ring of 256");

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
	r->context = 0; /* what the device remembers is not trusted over a stop */
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

/* Empties slot @i: the mapping ends, the descriptor is cleared. Returns the packet that ended there, or NULL. */
static struct sk_buff *tx_release_slot(struct e1000_tx_ring *r, u32 i)
{
	struct e1000_tx_buffer *b = &r->buffer_info[i];
	struct sk_buff *skb = b->skb;

	if (b->length)
		dma_unmap_single(b->dma, b->length, DMA_TO_DEVICE);
	*b = (struct e1000_tx_buffer){ 0 };
	r->desc[i].upper = cpu_to_le32(0);
	return skb;
}

/*
 * Empties all slots of the oldest packet. Returns it; *bytes gets the length of its frame. next_to_clean has moved
 * on before the caller frees it, because the packet's destructor may lead back here.
 */
static struct sk_buff *tx_take_oldest(struct e1000_tx_ring *r, u32 *bytes)
{
	u32 i = r->next_to_clean;
	u32 last = (u32)(r->buffer_info[i].next_to_watch - r->desc);
	struct sk_buff *skb;

	BUG_ON(last >= r->count);
	*bytes = r->buffer_info[last].bytecount;
	while (i != last) {
		BUG_ON(r->buffer_info[i]
			       .skb); /* the packet hangs at its last slot and nowhere else */
		tx_release_slot(r, i);
		i = e1000_next(i, r->count);
	}
	skb = tx_release_slot(r, last);
	BUG_ON(!skb);
	r->next_to_clean = e1000_next(last, r->count);
	r->reclaimed++;
	return skb;
}

static void tx_wake_if_room(struct e1000_adapter *a)
{
	if (a->closing || a->tx.full || !netif_tx_queue_stopped(netdev_get_tx_queue(a->dev, 0)))
		return;
	if (e1000_tx_unused(&a->tx) < a->tx.wake_at)
		return;
	a->stats.tx_restart_queue++;
	netif_wake_queue(a->dev);
}

/* Slots that hold what was posted and not reclaimed. */
static u32 tx_used(const struct e1000_tx_ring *r)
{
	return r->next_to_use - r->next_to_clean +
	       (r->next_to_use < r->next_to_clean ? r->count : 0);
}

/* Frees every packet whose last descriptor is done; wakes the queue. Returns how many. At most one ring of them. */
static u32 clean_tx_irq(struct e1000_adapter *a)
{
	struct e1000_tx_ring *r = &a->tx;
	u32 packets;

	trace_fn(e1000_clean_tx, tx_used(r), 0, NULL);
	for (packets = 0; packets < r->count; packets++) {
		struct e1000_tx_desc *eop = r->buffer_info[r->next_to_clean].next_to_watch;
		struct sk_buff *skb;
		u32 bytes;

		if (!eop || !(le32_to_cpu(READ_ONCE(eop->upper)) & E1000_TXD_STAT_DD))
			break;
		dma_rmb();
		skb = tx_take_oldest(r, &bytes);
		a->dev->stats.tx_packets++;
		a->dev->stats.tx_bytes += bytes;
		trace_at_skb(clone_freed, skb, tx_used(r));
		consume_skb(skb);
	}
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
	bool irq = a->txirq_always || netif_tx_queue_stopped(netdev_get_tx_queue(a->dev, 0)) ||
		   (pending && by_irq);

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
}

/* --- Posting a packet ------------------------------------------------------------------------------------------------ */

/* Bytes from @p on that one descriptor may carry: 4 KiB at most, and contiguous for the device. */
static u32 tx_piece(const u8 *p, u32 len)
{
	u32 n = min(len, E1000_DESC_BYTES);
	u32 to_page_end = (u32)(PAGE_SIZE - ((unsigned long)p & (PAGE_SIZE - 1)));

	if (n > to_page_end && virt_to_phys(p + to_page_end) != virt_to_phys(p) + to_page_end)
		n = to_page_end;
	return n;
}

static u32 tx_pieces(const u8 *p, u32 len)
{
	u32 count = 0;

	while (len) {
		u32 n = tx_piece(p, len);

		p += n;
		len -= n;
		count++;
	}
	return count;
}

/*
 * The context descriptor's first half that @skb wants; 0 when the device has nothing to add up. Offsets count from
 * the first byte of the frame. Valid contexts are told from 0 by bit 63, which tucse (0: to the end) leaves free.
 */
static u64 tx_wanted_context(const struct sk_buff *skb)
{
	u32 css, cso;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;
	css = (u32)(skb->head + skb->csum_start - skb->data);
	cso = css + skb->csum_offset;
	BUG_ON(css < ETH_HLEN || cso > 255 || cso + 2 > skb_headlen(skb));
	return CONTEXT_VALID | (u64)css << E1000_TXD_TUCSS | (u64)cso << E1000_TXD_TUCSO;
}

/* Descriptors for @skb, its context included when the device does not hold it. */
static u32 tx_descs_needed(const struct e1000_tx_ring *r, const struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	u32 count = tx_pieces(skb->data, skb_headlen(skb));
	u64 context = tx_wanted_context(skb);

	for (u32 f = 0; f < info->nr_frags; f++)
		count += tx_pieces(info->frags[f].addr, info->frags[f].len);
	if (context && context != r->context)
		count++;
	return count;
}

/* Maps one stretch of the packet into slots from *i on. 0; -ENOMEM: what was mapped stays in its slots. */
static int tx_map_stretch(struct e1000_tx_ring *r, const u8 *p, u32 len, u32 *i)
{
	while (len) {
		struct e1000_tx_buffer *b = &r->buffer_info[*i];
		u32 n = tx_piece(p, len);
		dma_addr_t dma = dma_map_single(p, n, DMA_TO_DEVICE);

		if (dma == DMA_MAPPING_ERROR)
			return -ENOMEM;
		BUG_ON(b->skb || b->length || b->next_to_watch); /* the slot was reclaimed */
		b->dma = dma;
		b->length = n;
		p += n;
		len -= n;
		*i = e1000_next(*i, r->count);
	}
	return 0;
}

/*
 * Maps the whole packet into slots from *i on; *i is then one past the last. Nothing is written to descriptors, so
 * that a failure is undone by unmapping alone. 0, -ENOMEM with every slot empty again.
 */
static int e1000_tx_map(struct e1000_tx_ring *r, const struct sk_buff *skb, u32 *i)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	u32 first = *i;
	int err = tx_map_stretch(r, skb->data, skb_headlen(skb), i);

	for (u32 f = 0; !err && f < info->nr_frags; f++)
		err = tx_map_stretch(r, info->frags[f].addr, info->frags[f].len, i);
	if (!err)
		return 0;
	while (*i != first) {
		*i = e1000_prev(*i, r->count);
		tx_release_slot(r, *i);
	}
	return err;
}

/* Fills the descriptors of slots @first up to before @end. Every one carries the same POPTS; the last ends it. */
static void e1000_tx_queue(struct e1000_tx_ring *r, u32 first, u32 end, u32 popts)
{
	u32 last = e1000_prev(end, r->count);

	for (u32 i = first; i != end; i = e1000_next(i, r->count)) {
		const struct e1000_tx_buffer *b = &r->buffer_info[i];
		struct e1000_tx_desc *d = &r->desc[i];
		u32 cmd = E1000_TXD_CMD_DEXT | E1000_TXD_CMD_IFCS | E1000_TXD_DTYP_D;

		if (i == last)
			cmd |= E1000_TXD_CMD_EOP | E1000_TXD_CMD_RS;
		d->addr = cpu_to_le64(b->dma);
		d->lower = cpu_to_le32(cmd | b->length);
		d->upper = cpu_to_le32(popts);
	}
}

/*
 * Posts the context descriptor in slot @i: carries no data, belongs to the packet that follows. TCP or UDP, which the
 * command tells apart, shows in where the checksum lies.
 */
static void e1000_tx_context(struct e1000_adapter *a, u32 i, u64 context, u16 csum_offset)
{
	struct e1000_tx_ring *r = &a->tx;
	u32 cmd = E1000_TXD_CMD_DEXT | (csum_offset == TCP_CSUM_AT ? E1000_TXD_CMD_TCP : 0);

	r->desc[i].addr = cpu_to_le64(context & ~CONTEXT_VALID);
	r->desc[i].lower = cpu_to_le32(cmd);
	r->desc[i].upper = cpu_to_le32(0);
	r->context = context;
	a->stats.context_descs++;
}

/* Posts @skb, for which there is room: the ring owns it. -ENOMEM: it could not be mapped, nothing has changed. */
static int tx_post(struct e1000_adapter *a, struct sk_buff *skb)
{
	struct e1000_tx_ring *r = &a->tx;
	u32 first = r->next_to_use, data, end, last;
	u64 context = tx_wanted_context(skb);
	bool news = context && context != r->context;

	data = end = news ? e1000_next(first, r->count) : first;
	if (e1000_tx_map(r, skb, &end))
		return -ENOMEM;
	trace_at_skb(e1000_tx_map, skb, tx_used(r));
	if (news)
		e1000_tx_context(a, first, context, skb->csum_offset);
	e1000_tx_queue(r, data, end, context ? E1000_TXD_POPTS_TX : 0);
	last = e1000_prev(end, r->count);
	r->buffer_info[last].skb = skb;
	r->buffer_info[last].bytecount = skb->len;
	r->buffer_info[first].next_to_watch = &r->desc[last];
	r->next_to_use = end;
	return 0;
}

/*
 * Makes @skb fit into what is unused: reclaims, and if need be puts it into one piece. Returns 0; -ENOMEM: no memory
 * for that; -EBUSY: it does not fit. The skb stays the caller's.
 */
static int tx_make_room(struct e1000_adapter *a, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct e1000_tx_ring *r = &a->tx;
	u32 need = tx_descs_needed(r, skb);

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
	if (skb_shinfo(skb)->nr_frags) {
		a->stats.tx_linearized++;
		if (skb_linearize(skb))
			return -ENOMEM;
	}
	return tx_descs_needed(r, skb) <= e1000_tx_unused(r) ? 0 : -EBUSY;
}

/* After a packet was posted: stop before the next one does not fit, ring now or at the end of the burst. */
static void tx_after_post(struct e1000_adapter *a) __needs(softirq_ctx)
{
	struct e1000_tx_ring *r = &a->tx;

	if (e1000_tx_unused(r) < r->stop_below) {
		a->stats.tx_queue_stopped++;
		netif_stop_queue(a->dev);
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
	trace_fn_skb(e1000_xmit_frame, skb, tx_used(&a->tx));
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
		trace_at_skb(e1000_tx_busy, skb, tx_used(&a->tx));
		netif_stop_queue(dev);
		tx_expect_completion(a, true);
		return NETDEV_TX_BUSY;
	}
	if (err) {
		dev->stats.tx_dropped++;
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return NETDEV_TX_OK;
	}
	if (tx_post(a, skb)) {
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
		u32 bytes;
		struct sk_buff *skb = tx_take_oldest(r, &bytes);

		a->dev->stats.tx_aborted_errors++;
		a->dev->stats.tx_errors++;
		kfree_skb_reason(skb, reason);
	}
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
	if (netif_tx_queue_stopped(netdev_get_tx_queue(dev, 0))) {
		a->stats.tx_restart_queue++;
		netif_wake_queue(dev);
	}
	tx_expect_completion(a, false);
}
