// SPDX-License-Identifier: MIT
/*
 * Packets that the card cuts: frame by frame the same as those that software makes of the same packet (net/dev/gso.c,
 * which has a reference of its own), with a ring that wraps, contexts that are remembered, packets of other kinds between
 * them; and which packets the driver leaves to software.
 */
#include "rig.h"

#include <lib/err.h>
#include <net/gso.h>

#define FRAMES     128
#define FLAG(name) TCPHDR_##name

static struct {
	u32 n, len[FRAMES];
	u8 b[FRAMES][1600];
} wire, want;
static u64 rng = 1;

static u32 rnd(u32 below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 32) % below;
}

static void keep(void *arg, const u8 *f, u32 len)
{
	(void)arg;
	CHECK(wire.n < FRAMES && len <= 1514);
	if (wire.n == FRAMES || len > sizeof(wire.b[0]))
		return;
	memcpy(wire.b[wire.n], f, len);
	wire.len[wire.n++] = len;
}

static void up_tso(u32 ring)
{
	struct e1000_options o = options(ring, 8);

	o.tso = true;
	up(o, 0x100e);
	model.tx = keep;
	wire.n = want.n = 0;
}

struct shape {
	u32 ihl, doff, len, mss, linear, nr_frags;
	u8 flags;
};

/* A packet to be cut, its bytes the same for the same @seed. */
static struct sk_buff *packet(const struct shape *s, u32 seed)
{
	u32 headers = 14 + s->ihl + s->doff, left = s->len - s->linear, at = 0;
	struct sk_buff *skb = alloc_skb(64 + headers + s->linear);
	u8 *p;

	skb_reserve(skb, 64);
	p = skb_put(skb, headers + s->linear);
	for (u32 i = 0; i < skb->len; i++)
		p[i] = (u8)(i * 31 + seed);
	p[12] = 8;
	p[13] = 0;
	p[14] = (u8)(0x40 | s->ihl / 4);
	p[20] = 0x40;
	p[21] = 0;
	p[23] = 6;
	p[14 + s->ihl + 12] = (u8)(s->doff << 2);
	p[14 + s->ihl + 13] = s->flags;
	skb->dev = dev;
	skb->network_header = 64 + 14;
	skb->transport_header = (u16)(64 + 14 + s->ihl);
	skb->csum_start = skb->transport_header;
	skb->csum_offset = 16;
	skb->ip_summed = CHECKSUM_PARTIAL;
	for (u32 f = 0; left; f++) {
		u32 rest = MAX_SKB_FRAGS - 1 - f, n = 1 + (seed * 97 + f * 1009) % 4096;
		u8 *page = alloc_page();

		if (f + 1 >= s->nr_frags || left > rest * 4096 + n)
			n = 4096;
		n = min(n, left);

		for (u32 i = 0; i < n; i++)
			page[4096 - n + i] = (u8)((at + i) * 7 + seed);
		CHECK_EQ(skb_add_frag(skb, page + 4096 - n, n), 0);
		page_put(page);
		at += n;
		left -= n;
	}
	skb_shinfo(skb)->gso_size = (u16)s->mss;
	skb_shinfo(skb)->gso_segs = (u16)((s->len + s->mss - 1) / s->mss);
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb->destructor = on_free;
	return skb;
}

/* What software makes of it. */
static void expect(struct sk_buff *skb)
{
	struct sk_buff *seg = skb_gso_segment(skb, 0);

	CHECK(!IS_ERR(seg));
	consume_skb(skb);
	while (seg) {
		struct sk_buff *next = seg->next;

		want.len[want.n] = max(seg->len, 60u);
		memset(want.b[want.n], 0, 60);
		CHECK_EQ(skb_copy_bits(seg, 0, want.b[want.n++], seg->len), 0);
		seg->next = NULL;
		consume_skb(seg);
		seg = next;
	}
}

static bool zero(const u8 *sum)
{
	return (!sum[0] && !sum[1]) || (sum[0] == 0xff && sum[1] == 0xff);
}

/* The same frames; the two zeros of a sum are one. */
static void compare(u32 check)
{
	CHECK_EQ(wire.n, want.n);
	for (u32 i = 0; i < min(wire.n, want.n); i++) {
		u8 *a = wire.b[i], *b = want.b[i];

		/* Segments are padded by the card, if it pads: the model is one that does not. */
		CHECK_EQ(max(wire.len[i], 60u), want.len[i]);
		if ((!a[check] && !a[check + 1]) || (!b[check] && !b[check + 1]))
			CHECK(zero(a + check) && zero(b + check));
		else
			CHECK(a[check] == b[check] && a[check + 1] == b[check + 1]);
		memcpy(a + check, b + check, 2);
		CHECK(!memcmp(a, b, wire.len[i]));
	}
	wire.n = want.n = 0;
}

static bool cuts(struct sk_buff *skb)
{
	return netif_skb_features(skb, dev) & NETIF_F_TSO;
}

#define WHOLE .ihl = 20, .doff = 20, .flags = FLAG(ACK) | FLAG(PSH)
static const struct shape_row {
	const char *name;
	struct shape s;
} shapes[] = {
	{ "two", { WHOLE, .len = 2920, .mss = 1460, .nr_frags = 1 } },
	{ "one_and_a_byte", { WHOLE, .len = 1461, .mss = 1460, .nr_frags = 1 } },
	{ "one", { WHOLE, .len = 1000, .mss = 1460, .nr_frags = 1 } },
	{ "forty_five", { WHOLE, .len = 65000, .mss = 1460, .nr_frags = 16 } },
	{ "linear", { WHOLE, .len = 20000, .mss = 1460, .linear = 20000 } },
	{ "mixed", { WHOLE, .len = 20000, .mss = 1460, .linear = 3, .nr_frags = 9 } },
	{ "fin",
	  { .ihl = 20,
	    .doff = 20,
	    .flags = FLAG(ACK) | FLAG(FIN),
	    .len = 4000,
	    .mss = 1460,
	    .nr_frags = 1 } },
	{ "timestamps",
	  { .ihl = 20, .doff = 32, .flags = FLAG(ACK), .len = 14480, .mss = 1448, .nr_frags = 4 } },
	{ "all_options",
	  { .ihl = 60, .doff = 60, .flags = FLAG(ACK), .len = 9000, .mss = 1380, .nr_frags = 3 } },
	{ "ece",
	  { .ihl = 20,
	    .doff = 20,
	    .flags = FLAG(ACK) | FLAG(ECE),
	    .len = 4000,
	    .mss = 1460,
	    .nr_frags = 1 } },
	{ "small_mss", { WHOLE, .len = 5000, .mss = 536, .nr_frags = 2 } },
	{ "odd_mss", { WHOLE, .len = 7777, .mss = 777, .nr_frags = 2 } },
	{ "last_of_four_bytes",
	  { WHOLE, .len = 1464, .mss = 1460, .linear = 1460, .nr_frags = 1 } },
	{ "last_of_nine_bytes",
	  { WHOLE, .len = 1469, .mss = 1460, .linear = 1460, .nr_frags = 1 } },
};

TEST_EACH(as_software_would, shapes)
{
	const struct shape *s = &row->s;
	u32 segs = (s->len + s->mss - 1) / s->mss, headers = 14 + s->ihl + s->doff;
	u64 frames, bytes;

	up_tso(256);
	frames = dev->stats.tx_packets;
	bytes = dev->stats.tx_bytes;
	for (u32 i = 0; i < 30; i++) {
		struct sk_buff *skb = packet(s, i);

		expect(packet(s, i));
		freed = 0;
		local_bh_disable();
		CHECK(cuts(skb));
		CHECK_EQ(xmit(skb), NETDEV_TX_OK);
		local_bh_enable();
		host_clock_advance(10 * NSEC_PER_MSEC);
		CHECK_EQ(freed, 1);
		compare(14 + s->ihl + 16);
	}
	CHECK_EQ(dev->stats.tx_packets - frames, 30 * segs);
	CHECK_EQ(dev->stats.tx_bytes - bytes, 30 * (u64)(s->len + segs * headers));
	CHECK_EQ(nic->stats.tx_tso_packets, 30);
	CHECK_EQ(nic->stats.tx_tso_segs, 30 * segs);
	CHECK_EQ(nic->stats.context_descs, 1); /* they are all alike */
	CHECK_EQ(model.tso_packets, 30);
	CHECK_EQ(nic->stats.tx_busy, 0);
	down();
}

/* Packets that are cut, that are only added up, and plain ones, in turn: the card keeps two contexts. */
TEST(kinds_of_packets_in_turn)
{
	struct shape s = { WHOLE, .len = 4000, .mss = 1460, .nr_frags = 1 };

	up_tso(256);
	for (u32 i = 0; i < 20; i++) {
		struct sk_buff *one = packet(&s, 99), *plain = frame(1000, 5);

		s.len = 4000 + i / 10; /* another context from the tenth on */
		expect(packet(&s, i));
		s.len = 4000;
		expect(packet(&(struct shape){ WHOLE, .len = 300, .mss = 1460, .linear = 300 },
			      99));
		memset(want.b[want.n], 0, 1000);
		memcpy(want.b[want.n], plain->data, 1000);
		want.len[want.n++] = 1000;
		consume_skb(one);
		one = packet(&(struct shape){ WHOLE, .len = 300, .mss = 1460, .linear = 300 }, 99);
		skb_shinfo(one)->gso_size = 0;
		{ /* as TCP seeds it, and IP sums its header */
			struct iphdr *ip = ip_hdr(one);
			u8 *p = one->data + 34;
			u32 sum = sum_of((u8 *)&ip->saddr, 8) + 6 + 320;

			ip->tot_len = htons(340);
			ip->check = 0;
			ip->check = htons((u16)~sum_of((u8 *)ip, 20));
			sum = (sum & 0xffff) + (sum >> 16);
			p[16] = (u8)(sum >> 8);
			p[17] = (u8)sum;
		}
		s.len = 4000 + i / 10;
		local_bh_disable();
		CHECK_EQ(xmit(packet(&s, i)), NETDEV_TX_OK);
		CHECK_EQ(xmit(one), NETDEV_TX_OK);
		CHECK_EQ(xmit(plain), NETDEV_TX_OK);
		local_bh_enable();
		host_clock_advance(10 * NSEC_PER_MSEC);
		compare(50);
	}
	CHECK_EQ(nic->stats.context_descs, 3);
	down();
}

/* Any shape and any ring; what the driver would not take is cut by software, as the layer above does. */
TEST(random_shapes_and_rings)
{
	u32 by_card = 0, by_software = 0;

	for (u32 round = 0; round < 40; round++) {
		up_tso(8 + 8 * rnd(40));
		for (u32 i = 0; i < 20; i++) {
			struct shape s = { .ihl = 20 + 4 * rnd(11),
					   .doff = 20 + 4 * rnd(11),
					   .len = 1 + rnd(60000),
					   .mss = 88 + rnd(1292),
					   .nr_frags = rnd(17),
					   .flags = (u8)(rnd(256) & ~(rnd(8) ? FLAG(CWR) : 0)) };
			struct sk_buff *skb, *list;

			if (s.len / s.mss > 100)
				s.len = s.mss * 100;
			s.linear = rnd(2) ? rnd(s.len) : 0;
			while (s.len - s.linear > 4096 * 14)
				s.linear += 4096;
			s.nr_frags = s.len - s.linear > 4096 * 3 ? 0 : min(s.nr_frags, 12u);
			expect(packet(&s, i));
			skb = packet(&s, i);
			local_bh_disable();
			*(cuts(skb) ? &by_card : &by_software) += 1;
			for (list = validate_xmit_skb_list(skb, dev); list; list = skb) {
				skb = list->next;
				list->next = NULL;
				while (stopped() || xmit(list) != NETDEV_TX_OK) {
					local_bh_enable();
					host_clock_advance(10 * NSEC_PER_MSEC);
					local_bh_disable();
				}
			}
			local_bh_enable();
			host_clock_advance(10 * NSEC_PER_MSEC);
			compare(14 + s.ihl + 16);
		}
		down();
	}
	CHECK(by_card > 100 && by_software > 50);
}

static const struct left_row {
	const char *name;
	struct shape s;
	u32 ring;
	bool complete;
} left[] = {
	{ "cwr",
	  { .ihl = 20, .doff = 20, .flags = FLAG(CWR), .len = 4000, .mss = 1460, .nr_frags = 1 },
	  256,
	  false },
	{ "more_pieces_than_room",
	  { WHOLE, .len = 40000, .mss = 1460, .nr_frags = 10 },
	  16,
	  false },
	{ "a_ring_of_8", { WHOLE, .len = 4000, .mss = 1460, .nr_frags = 1 }, 8, false },
	{ "headers_beyond_a_buffer",
	  { .ihl = 60, .doff = 60, .flags = 0, .len = 300, .mss = 30, .nr_frags = 1 },
	  256,
	  false },
	{ "sums_are_complete", { WHOLE, .len = 4000, .mss = 1460, .nr_frags = 1 }, 256, true },
};

TEST_EACH(left_to_software, left)
{
	struct sk_buff *skb;

	up_tso(row->ring);
	skb = packet(&row->s, 1);
	if (row->complete)
		skb->ip_summed = CHECKSUM_NONE;
	local_bh_disable();
	CHECK(!cuts(skb));
	local_bh_enable();
	consume_skb(skb);
	down();
}

TEST(the_82544_does_not_cut)
{
	struct e1000_options o = options(256, 8);

	o.tso = true;
	up(o, 0x100c);
	CHECK(!(dev->features & NETIF_F_TSO));
	CHECK(dev->features & NETIF_F_GSO);
	down();
}

static const struct switch_row {
	const char *name;
	bool csum, tso, no_sg, no_gso;
	u32 features;
} switches[] = {
	{ "none", false, false, false, false, NETIF_F_SG | NETIF_F_GSO },
	{ "csum", true, false, false, false, NETIF_F_SG | NETIF_F_GSO | NETIF_F_HW_CSUM },
	{ "tso", true, true, false, false,
	  NETIF_F_SG | NETIF_F_GSO | NETIF_F_HW_CSUM | NETIF_F_TSO },
	{ "no_sg", false, false, true, false, NETIF_F_GSO },
	{ "no_gso", false, false, false, true, NETIF_F_SG },
};

TEST_EACH(switches, switches)
{
	struct e1000_options o = options(256, 8);

	o.csum = row->csum;
	o.tso = row->tso;
	o.no_sg = row->no_sg;
	o.no_gso = row->no_gso;
	up(o, 0x100e);
	CHECK_EQ(dev->features, row->features);
	down();
}

/* Headers that are shared are made private first, not written over. */
TEST(shared_headers_are_not_touched)
{
	struct shape s = { WHOLE, .len = 4000, .mss = 1460, .nr_frags = 1 };
	struct sk_buff *orig, *skb;
	u8 before[54];

	up_tso(256);
	orig = packet(&s, 1);
	memcpy(before, orig->data, 54);
	skb = skb_clone(orig);
	expect(packet(&s, 1));
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	CHECK(!memcmp(orig->data, before, 54));
	compare(50);
	skb = skb_clone(orig);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK); /* dropped, counted */
	local_bh_enable();
	faults_armed = false;
	faults[FAULT_ALLOC].on = false;
	CHECK_EQ(wire.n, 0);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	consume_skb(orig);
	down();
}

/* A mapping fails in mid-packet: all of it is undone, the next one leaves as it should. */
TEST(without_a_mapping_nothing_is_posted)
{
	struct shape s = { WHOLE, .len = 20000, .mss = 1460, .nr_frags = 5 };

	up_tso(256);
	for (u32 at = 1; at <= 6; at++) {
		faults[FAULT_DMA_MAP] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		local_bh_disable();
		CHECK_EQ(xmit(packet(&s, at)), NETDEV_TX_OK);
		local_bh_enable();
		faults_armed = false;
		faults[FAULT_DMA_MAP].on = false;
		CHECK_EQ(nic->stats.tx_dma_failed, at);
		CHECK_EQ(wire.n, 0);
		expect(packet(&s, at));
		local_bh_disable();
		CHECK_EQ(xmit(packet(&s, at)), NETDEV_TX_OK);
		local_bh_enable();
		compare(50);
	}
	host_clock_advance(10 * NSEC_PER_MSEC);
	down();
}

KTEST_MAIN_BOOT()
