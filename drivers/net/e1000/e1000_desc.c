// SPDX-License-Identifier: MIT
/*
 * e1000, descriptors: how a packet lies in the transmit ring. What the device is to do with it (add up, cut) goes ahead in a
 * context descriptor, unless it still remembers the same; then come the pieces of linear part and fragments.
 *
 * Interface: e1000_features_check, e1000_tx_descs_needed, e1000_tx_post, e1000_tx_release_slot, e1000_tx_forget.
 * Above: e1000_tx.c, e1000_main.c; the stack by ndo_features_check. Below: <kernel/dma.h>, <net/skbuff.h>.
 * Context: BH off. Owns: nothing; the ring owns a packet that was posted.
 * Specs: 8254x Software Developer's Manual section 3.3 (descriptors), 3.5 (segmentation); 82540EM/82545 specification
 * updates (what parts do with the last buffer of a segmented packet).
 *
 * The device holds two contexts, one for packets that it cuts and one for the others.
 */
#include "e1000.h"

#include <kernel/mm.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/etherdevice.h>
#include <net/gso.h>

#define TCP_CSUM_AT  16u /* offset of TCP's checksum field; UDP's is 6 */
#define HEADER_MAX   255u
#define SENTINEL     4u /* bytes that get a descriptor of their own */
#define TSO_MSS_FIFO 4u /* a buffer of a packet that is cut has no more segments */

static_assert(sizeof(struct e1000_tx_buffer) <= 40, "budget: 10 KiB for a ring of 256");

/* How one packet is to be laid out. */
struct layout {
	u32 limit;     /* most bytes of one descriptor */
	bool sentinel; /* the last bytes stand apart */
};

/*
 * Parts write a descriptor back early when its buffer ends a packet that they cut, or is the first one after such a
 * packet: the last bytes get a descriptor of their own then. The FIFO takes four segments of a buffer, not more.
 */
static struct layout layout_of(const struct e1000_tx_ring *r, const struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);

	if (info->gso_size)
		return (struct layout){ min(TSO_MSS_FIFO * info->gso_size, E1000_DESC_BYTES),
					true };
	return (struct layout){ E1000_DESC_BYTES, r->last_tx_tso && !skb->data_len };
}

/* Bytes from @p on that one descriptor may carry: contiguous for the device. @end: the packet ends with them. */
static u32 tx_piece(const struct layout *l, const u8 *p, u32 len, bool end)
{
	u32 n = min(len, l->limit);
	u32 to_page_end = (u32)(PAGE_SIZE - ((unsigned long)p & (PAGE_SIZE - 1)));

	if (n > to_page_end && virt_to_phys(p + to_page_end) != virt_to_phys(p) + to_page_end)
		n = to_page_end;
	if (end && l->sentinel && n == len && len > 2 * SENTINEL)
		n -= SENTINEL;
	return n;
}

static u32 tx_pieces(const struct layout *l, const u8 *p, u32 len, bool end)
{
	u32 count = 0;

	while (len) {
		u32 n = tx_piece(l, p, len, end);

		p += n;
		len -= n;
		count++;
	}
	return count;
}

/* --- Contexts ------------------------------------------------------------------------------------------------------- */

/* Bytes of the headers of a packet that is to be cut. */
static u32 tso_header_len(const struct sk_buff *skb)
{
	return (u32)(skb->head + skb->transport_header - skb->data) +
	       (u32)(tcp_hdr(skb)->doff >> 4) * 4;
}

/*
 * What the device must know of @skb beforehand; false: nothing. Offsets count from the first byte of the frame, an end
 * of 0 is the packet's. TCP or UDP shows in where the checksum lies.
 */
static bool tx_context(const struct sk_buff *skb, struct e1000_tx_context *c)
{
	u32 css, cso, nh, headers;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return false;
	css = (u32)(skb->head + skb->csum_start - skb->data);
	cso = css + skb->csum_offset;
	BUG_ON(css < ETH_HLEN || cso > 255 || cso + 2 > skb_headlen(skb));
	c->offsets = (u64)css << E1000_TXD_TUCSS | (u64)cso << E1000_TXD_TUCSO;
	c->cmd = E1000_TXD_CMD_DEXT | (skb->csum_offset == TCP_CSUM_AT ? E1000_TXD_CMD_TCP : 0);
	c->upper = 0;
	if (!skb_is_gso(skb))
		return true;
	nh = (u32)(skb->head + skb->network_header - skb->data);
	headers = tso_header_len(skb);
	c->offsets |= nh | (nh + (u32)offsetof(struct iphdr, check)) << E1000_TXD_IPCSO |
		      (css - 1) << E1000_TXD_IPCSE;
	c->cmd |= E1000_TXD_CMD_TSE | E1000_TXD_CMD_IP | (skb->len - headers);
	c->upper = headers << E1000_TXD_HDRLEN | (u32)skb_shinfo(skb)->gso_size << E1000_TXD_MSS;
	return true;
}

static struct e1000_tx_context *context_held(struct e1000_tx_ring *r,
					     const struct e1000_tx_context *c)
{
	return &r->held[!!(c->cmd & E1000_TXD_CMD_TSE)];
}

static bool same_context(const struct e1000_tx_context *a, const struct e1000_tx_context *b)
{
	return a->offsets == b->offsets && a->cmd == b->cmd && a->upper == b->upper;
}

/**
 * e1000_tx_forget() - the device remembers nothing any more
 * @r: ring
 *
 * Context: any that owns the ring.
 */
void e1000_tx_forget(struct e1000_tx_ring *r)
{
	r->held[0] = r->held[1] = (struct e1000_tx_context){ 0 };
	r->last_tx_tso = false;
}

/* --- Asking ----------------------------------------------------------------------------------------------------------- */

/* Descriptors of the packet's bytes. */
static u32 tx_data_descs(const struct e1000_tx_ring *r, const struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	struct layout l = layout_of(r, skb);
	u32 nr = info->nr_frags, count = tx_pieces(&l, skb->data, skb_headlen(skb), !nr);

	for (u32 f = 0; f < nr; f++)
		count += tx_pieces(&l, info->frags[f].addr, info->frags[f].len, f + 1 == nr);
	return count;
}

/**
 * e1000_tx_descs_needed() - how many descriptors a packet takes
 * @r: ring
 * @skb: frame
 *
 * Context: any that owns the ring. Borrows: @skb. Return: descriptors, its context included when the device does not hold it.
 */
u32 e1000_tx_descs_needed(struct e1000_tx_ring *r, const struct sk_buff *skb)
{
	struct e1000_tx_context c;

	return tx_data_descs(r, skb) +
	       (tx_context(skb, &c) && !same_context(&c, context_held(r, &c)));
}

/**
 * e1000_features_check() - ndo_features_check: not every packet that is to be cut can be
 * @skb: frame
 * @dev: device
 * @features: what is left of the device's
 *
 * The ring must have room for it whenever the queue is not stopped; the headers must fit into their field and into one
 * buffer; CWR would be copied into each segment (RFC 3168, 6.1.2: once).
 *
 * Context: BH off. Borrows: @skb. Return: @features, without NETIF_F_TSO when software had better cut.
 */
u32 e1000_features_check(struct sk_buff *skb, struct net_device *dev, u32 features)
{
	const struct e1000_adapter *a = dev->priv;
	const struct e1000_tx_ring *r = &a->tx_ring[skb->queue_mapping];
	u32 headers;

	if (!skb_is_gso(skb) || !(features & NETIF_F_TSO))
		return features;
	headers = tso_header_len(skb);
	if (skb->ip_summed != CHECKSUM_PARTIAL || headers > HEADER_MAX ||
	    headers > skb_headlen(skb) || headers >= skb->len ||
	    headers > TSO_MSS_FIFO * skb_shinfo(skb)->gso_size ||
	    (tcp_hdr(skb)->flags & TCPHDR_CWR) || tx_data_descs(r, skb) + 1 > r->stop_below)
		features &= ~(u32)NETIF_F_TSO;
	return features;
}

/* --- Posting ------------------------------------------------------------------------------------------------------------ */

/**
 * e1000_tx_release_slot() - empties a slot: the mapping ends, the descriptor is cleared
 * @r: ring
 * @i: its index
 *
 * Context: any that owns the ring. Return: the packet that ended there, the caller's now; NULL.
 */
struct sk_buff *e1000_tx_release_slot(struct e1000_tx_ring *r, u32 i)
{
	struct e1000_tx_buffer *b = &r->buffer_info[i];
	struct sk_buff *skb = b->skb;

	if (b->length)
		dma_unmap_single(b->dma, b->length, DMA_TO_DEVICE);
	*b = (struct e1000_tx_buffer){ 0 };
	r->desc[i].upper = cpu_to_le32(0);
	return skb;
}

/* Maps one stretch of the packet into slots from *i on. 0; -ENOMEM: what was mapped stays in its slots. */
static int tx_map_stretch(struct e1000_tx_ring *r, const struct layout *l, const u8 *p, u32 len,
			  bool end, u32 *i)
{
	while (len) {
		struct e1000_tx_buffer *b = &r->buffer_info[*i];
		u32 n = tx_piece(l, p, len, end);
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
	struct layout l = layout_of(r, skb);
	u32 first = *i, nr = info->nr_frags;
	int err = tx_map_stretch(r, &l, skb->data, skb_headlen(skb), !nr, i);

	for (u32 f = 0; !err && f < nr; f++)
		err = tx_map_stretch(r, &l, info->frags[f].addr, info->frags[f].len, f + 1 == nr,
				     i);
	if (!err)
		return 0;
	while (*i != first) {
		*i = e1000_prev(*i, r->count);
		e1000_tx_release_slot(r, *i);
	}
	return err;
}

/* Fills the descriptors of slots @first up to before @end, all with @cmd and the same @popts; the last ends the packet. */
static void e1000_tx_queue(struct e1000_tx_ring *r, u32 first, u32 end, u32 cmd, u32 popts)
{
	u32 last = e1000_prev(end, r->count);

	for (u32 i = first; i != end; i = e1000_next(i, r->count)) {
		const struct e1000_tx_buffer *b = &r->buffer_info[i];
		struct e1000_tx_desc *d = &r->desc[i];
		u32 eop = i == last ? E1000_TXD_CMD_EOP | E1000_TXD_CMD_RS : 0;

		d->addr = cpu_to_le64(b->dma);
		d->lower = cpu_to_le32(cmd | eop | b->length);
		d->upper = cpu_to_le32(popts);
	}
}

/* Posts the context descriptor in slot @i: carries no data, belongs to the packet that follows. */
static void e1000_tx_context(struct e1000_tx_ring *r, u32 i, const struct e1000_tx_context *c)
{
	struct e1000_tx_desc *d = &r->desc[i];

	d->addr = cpu_to_le64(c->offsets);
	d->lower = cpu_to_le32(c->cmd);
	d->upper = cpu_to_le32(c->upper);
	*context_held(r, c) = *c;
	r->adapter->stats.context_descs++;
}

/*
 * Makes the headers the prototype that the manual wants: lengths and the IPv4 checksum are the device's to fill in, the
 * sum of the pseudo header goes without the length. They are written over when the packet pushed them itself, else made its
 * own first. 0, -ENOMEM.
 */
static int tso_prepare(struct sk_buff *skb)
{
	u32 headers_end = skb_headroom(skb) + tso_header_len(skb);
	struct iphdr *iph;
	u16 seed;

	if (skb_shared_data(skb) && headers_end > skb->own_headroom && pskb_expand_head(skb, 0, 0))
		return -ENOMEM;
	iph = ip_hdr(skb);
	iph->tot_len = 0;
	iph->check = 0;
	seed = (u16) ~(__force u16)csum_tcpudp_magic(iph->saddr, iph->daddr, 0, IPPROTO_TCP, 0);
	tcp_hdr(skb)->check = (__force __be16)seed;
	return 0;
}

/* Frames and bytes that the packet becomes, into the slot that it hangs in. */
static void account(struct e1000_adapter *a, struct e1000_tx_buffer *last,
		    const struct sk_buff *skb)
{
	u32 headers, payload;

	last->bytecount = skb->len;
	last->segs = 1;
	if (!skb_is_gso(skb))
		return;
	headers = tso_header_len(skb);
	payload = skb->len - headers;
	last->segs = (payload + skb_shinfo(skb)->gso_size - 1) / skb_shinfo(skb)->gso_size;
	last->bytecount += (last->segs - 1) * headers;
	a->stats.tx_tso_packets++;
	a->stats.tx_tso_segs += last->segs;
}

/**
 * e1000_tx_post() - puts a packet into the ring, which has room for it
 * @r: ring, open
 * @skb: frame, owned by the ring from now on
 *
 * Context: BH off. Consumes: @skb, on success. Return: 0; -ENOMEM it could not be mapped (or its headers not be made
 * private): the ring has not changed and @skb is the caller's.
 */
int e1000_tx_post(struct e1000_tx_ring *r, struct sk_buff *skb)
{
	bool tso = skb_is_gso(skb), partial, news;
	u32 first = r->next_to_use, data, end, last;
	u32 cmd = E1000_TXD_CMD_DEXT | E1000_TXD_CMD_IFCS | E1000_TXD_DTYP_D;
	struct e1000_tx_context c;

	if (tso && tso_prepare(skb))
		return -ENOMEM;
	partial = tx_context(skb, &c);
	news = partial && !same_context(&c, context_held(r, &c));
	data = end = news ? e1000_next(first, r->count) : first;
	if (e1000_tx_map(r, skb, &end))
		return -ENOMEM;
	trace_at_skb(e1000_tx_map, skb, e1000_tx_used(r));
	if (news)
		e1000_tx_context(r, first, &c);
	e1000_tx_queue(r, data, end, cmd | (tso ? E1000_TXD_CMD_TSE : 0),
		       (partial ? E1000_TXD_POPTS_TX : 0) | (tso ? E1000_TXD_POPTS_IP : 0));
	last = e1000_prev(end, r->count);
	r->buffer_info[last].skb = skb;
	account(r->adapter, &r->buffer_info[last], skb);
	r->buffer_info[first].next_to_watch = &r->desc[last];
	r->last_tx_tso = tso;
	r->next_to_use = end;
	return 0;
}
