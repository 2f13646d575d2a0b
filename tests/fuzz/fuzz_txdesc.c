// SPDX-License-Identifier: MIT
/*
 * The driver's transmit ring under packets of every geometry: any headroom, linear part and fragments, with and without
 * a checksum to insert, in bursts; the card's model judges the descriptors, and each frame must leave as it was made.
 *
 * Input: records: flags, offset of the linear part, its length (2), number of fragments, then a byte of length for each.
 *   bits 0-1: how large fragments are     bit 2: a checksum is asked for     bit 3: the burst ends here
 *   bit 4: time passes, the ring is reclaimed     bits 5-7: where the checksum begins and goes
 * Specs: 8254x Software Developer's Manual section 3.3.
 */
#include "e1000_model.h"
#include "fuzz.h"

#include <drivers/e1000.h>
#include <drivers/pci.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <net/checksum.h>
#include <net/etherdevice.h>
#include <net/init.h>

enum { RING = 32, FRAME_MAX = 15000, BURST_MAX = 8 };

static struct e1000_model model;
static struct net_device *dev;
/* What has to leave next, in order. */
static struct {
	u8 bytes[BURST_MAX][FRAME_MAX];
	u32 len[BURST_MAX];
	u32 nr, left;
} expected;

static void on_wire(void *arg, const u8 *frame, u32 len)
{
	u32 i = expected.left++;

	(void)arg;
	FUZZ_CHECK(i < expected.nr);
	FUZZ_CHECK_EQ(len, expected.len[i]);
	FUZZ_CHECK_EQ(memcmp(frame, expected.bytes[i], len), 0);
}

void fuzz_setup(void)
{
	struct net *net;
	struct e1000_options o = {
		.tx_ring = RING, .rx_ring = 8, .mtu = ETH_DATA_LEN, .csum = true, .txqueuelen = 100
	};

	FUZZ_CHECK_EQ(net_global_init(), 0);
	net = net_alloc();
	FUZZ_CHECK(net && net_init(net) == 0);
	o.net = net;
	e1000_model_plug(&model, 0x100e);
	model.tx = on_wire;
	FUZZ_CHECK_EQ(pci_bind(pci_scan(), &e1000_driver, &o), 1);
	dev = dev_get_by_name(net, "eth0");
	FUZZ_CHECK(dev && dev_open(dev) == 0);
	host_clock_advance(1100 * NSEC_PER_MSEC);
	fuzz_census_begin();
}

static u8 content(u32 packet, u32 i)
{
	return (u8)(packet * 59 + i * 3 + (i >> 8));
}

static void add_fragments(struct sk_buff *skb, struct fuzz_input *in, u8 flags, u8 nr, u32 packet)
{
	for (u32 f = 0; f < nr % (MAX_SKB_FRAGS + 1); f++) {
		u32 len = in_u8(in) * (flags & 1 ? 16u : 1u) + (flags & 2 ? 1 : 0);
		u8 *page = len && skb->len + len <= FRAME_MAX && len <= 4096 ? alloc_page() : NULL;
		u32 at = page ? (f * 97) % (4096 - len + 1) : 0;

		if (!page)
			continue;
		for (u32 i = 0; i < len; i++)
			page[at + i] = content(packet, skb->len + i);
		FUZZ_CHECK_EQ(skb_add_frag(skb, page + at, len), 0);
		page_put(page); /* the packet holds it */
	}
}

/* What the card must make of it: padded, with the checksum in its place. */
static void expect(struct sk_buff *skb)
{
	u8 *b = expected.bytes[expected.nr];
	u32 len = skb->len;

	FUZZ_CHECK_EQ(skb_copy_bits(skb, 0, b, len), 0);
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		u32 start = skb->csum_start - (u32)(skb->data - skb->head);
		__be16 sum;

		if (len < 60) {
			memset(b + len, 0, 60 - len);
			len = 60;
		}
		sum = csum_fold(csum_partial(b + start, len - start, 0));
		if (!sum)
			sum = htons(0xffff);
		memcpy(b + start + skb->csum_offset, &sum, 2);
	} else if (len < 60) {
		memset(b + len, 0, 60 - len);
		len = 60;
	}
	expected.len[expected.nr++] = len;
}

static struct sk_buff *packet(struct fuzz_input *in, u8 flags, u32 number)
{
	u32 offset = in_u8(in) % 128, linear = in_u16(in) % 3000;
	u8 nr = in_u8(in);
	struct sk_buff *skb;
	u8 *p;

	linear = linear < 54 ? 54 : linear;
	skb = alloc_skb(128 + linear + 64);
	FUZZ_CHECK(skb != NULL);
	skb_reserve(skb, offset);
	p = skb_put(skb, linear);
	for (u32 i = 0; i < linear; i++)
		p[i] = content(number, i);
	skb->dev = dev;
	add_fragments(skb, in, flags, nr, number);
	if (flags & 4) {
		const u8 fields[4][2] = { { 34, 16 }, { 34, 6 }, { 14, 10 }, { 38, 16 } };
		const u8 *f = fields[flags >> 5 & 3];

		skb->ip_summed = CHECKSUM_PARTIAL;
		if (f[0] + f[1] + 2u > linear)
			f = fields[0];
		skb->csum_start = (u16)(offset + f[0]);
		skb->csum_offset = f[1];
	}
	return skb;
}

/* The ring is empty again: the card is done with everything, the driver has it back. */
static void settle(void)
{
	host_clock_advance(10 * NSEC_PER_MSEC);
	FUZZ_CHECK_EQ(expected.left, expected.nr);
	expected.nr = expected.left = 0;
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	for (u32 i = 0; in.left && i < 16; i++) {
		u8 flags;

		local_bh_disable();
		do {
			struct sk_buff *skb;

			flags = in_u8(&in);
			if (netif_tx_queue_stopped(netdev_get_tx_queue(dev, 0)))
				break;
			skb = packet(&in, flags, expected.nr);
			expect(skb);
			FUZZ_CHECK_EQ(dev->netdev_ops->ndo_start_xmit(skb, dev), NETDEV_TX_OK);
		} while (!(flags & 8) && in.left && expected.nr < BURST_MAX);
		local_bh_enable();
		if ((flags & 0x10) || expected.nr > BURST_MAX / 2)
			settle();
	}
	settle();
	fuzz_census_end();
}
