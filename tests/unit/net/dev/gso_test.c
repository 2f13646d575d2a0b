// SPDX-License-Identifier: MIT
/*
 * Segmentation, held against a reference of its own: bytes in, the frames that must come out, computed from the RFCs one
 * byte at a time. Layouts of linear part and fragments at random; refusals; lack of memory; who is charged.
 */
#include <ktest.h>

#include <host.h>
#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/dst.h>
#include <net/gso.h>
#include <net/sch_generic.h>

#define R(name)   SKB_DROP_REASON_##name
#define PAYLOAD   66000
#define SG        NETIF_F_SG
#define CSUM      NETIF_F_HW_CSUM
#define MAX_PAGES 20

/* One packet to be cut, as plain numbers. */
struct spec {
	u32 link;      /* bytes before the IPv4 header: 14 or 0 */
	u32 ihl, doff; /* header lengths, bytes; doff 0: UDP */
	u32 len, mss;  /* payload */
	u32 linear;    /* of which lie in the linear part */
	u32 nr_frags;  /* the rest, in so many fragments */
	u8 flags;      /* of TCP */
	u16 id;
	u32 seq;
};

static u8 header[160], payload[PAYLOAD];
static u8 *pages[MAX_PAGES];
static u32 nr_pages, freed, charge;
static u64 rng = 88172645463325252ULL;

static u32 rnd(u32 below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 32) % below;
}

static void on_free(struct sk_buff *skb)
{
	freed++;
	charge -= skb->truesize;
}

static void put16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static u32 get16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

/* RFC 1071, word by word. */
static u32 sum16(const u8 *p, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The headers of the packet as the layers above left them: of its whole length, sums unfinished. */
static u32 make_header(const struct spec *s)
{
	u32 l4 = s->doff ? s->doff : 8, total = s->link + s->ihl + l4;
	u8 *ip = header + s->link, *th = ip + s->ihl;

	for (u32 i = 0; i < total; i++)
		header[i] = (u8)(i * 7 + 3);
	ip[0] = (u8)(0x40 | s->ihl / 4);
	put16(ip + 2, s->ihl + l4 + s->len);
	put16(ip + 4, s->id);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = s->doff ? 6 : 17;
	put16(ip + 10, 0x1234);
	if (s->doff) {
		put32(th + 4, s->seq);
		th[12] = (u8)(s->doff / 4 << 4);
		th[13] = s->flags;
	} else {
		put16(th + 4, 8 + s->len);
	}
	return total;
}

/* Adds the payload from @at on in @n fragments of random sizes, each in a page of its own. */
static void add_frags(struct sk_buff *skb, u32 at, u32 len, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u32 left = len - (n - 1 - i), part = i == n - 1 ? len : 1 + rnd(min(left, 4096u));
		u32 must = len > (n - 1 - i) * 4096 ? len - (n - 1 - i) * 4096
						    : 1; /* the rest must fit */
		u32 offset;

		part = min(max(part, must), 4096u);
		offset = rnd(4096 - part + 1);
		pages[nr_pages] = alloc_page();
		memcpy(pages[nr_pages] + offset, payload + at, part);
		CHECK_EQ(skb_add_frag(skb, pages[nr_pages] + offset, part), 0);
		nr_pages++;
		at += part;
		len -= part;
	}
	CHECK_EQ(len, 0);
}

static struct sk_buff *make(const struct spec *s)
{
	u32 total = make_header(s), frags = s->len - s->linear;
	struct sk_buff *skb = alloc_skb(96 + total + s->linear);
	u32 n = frags ? min(max(s->nr_frags, (frags + 4095) / 4096), frags) : 0;

	skb_reserve(skb, 96);
	memcpy(skb_put(skb, total), header, total);
	memcpy(skb_put(skb, s->linear), payload, s->linear);
	skb_reset_mac_header(skb);
	skb->network_header = (u16)(96 + s->link);
	skb->transport_header = (u16)(96 + s->link + s->ihl);
	skb->csum_start = skb->transport_header;
	skb->csum_offset = s->doff ? 16 : 6;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->protocol = htons(ETH_P_IP);
	skb->priority = 3;
	skb->mark = 77;
	skb->hash = 99;
	skb->queue_mapping = 2;
	skb->tstamp_ns = 123456789;
	skb->ignore_df = 1;
	memset(skb->cb, 0x5a, sizeof(skb->cb));
	add_frags(skb, s->linear, frags, n);
	skb_shinfo(skb)->gso_size = (u16)s->mss;
	skb_shinfo(skb)->gso_segs = (u16)((s->len + s->mss - 1) / s->mss);
	skb_shinfo(skb)->gso_type = s->doff ? SKB_GSO_TCPV4 : SKB_GSO_UDP_L4;
	skb->destructor = on_free;
	charge += skb->truesize;
	return skb;
}

static void drop_pages(void)
{
	while (nr_pages)
		page_put(pages[--nr_pages]);
}

/* The frame that segment number @k must be, sums complete or (@partial) only begun. Returns its length. */
static u32 expect(const struct spec *s, u32 k, bool partial, u8 *f)
{
	u32 l4 = s->doff ? s->doff : 8, total = s->link + s->ihl + l4, at = k * s->mss;
	u32 n = min(s->mss, s->len - at), sum;
	u8 *ip = f + s->link, *th = ip + s->ihl, *check = th + (s->doff ? 16 : 6);

	memcpy(f, header, total);
	memcpy(f + total, payload + at, n);
	put16(ip + 2, s->ihl + l4 + n);
	put16(ip + 4, s->id + k);
	put16(ip + 10, 0);
	put16(ip + 10, ~sum16(ip, s->ihl, 0));
	if (s->doff) {
		put32(th + 4, s->seq + at);
		if (k)
			th[13] &= 0x7f;
		if (at + n < s->len)
			th[13] &= 0xf6;
	} else {
		put16(th + 4, 8 + n);
	}
	put16(check, 0);
	sum = sum16(ip + 12, 8, (s->doff ? 6u : 17u) + l4 + n);
	if (!partial) {
		sum = ~sum16(th, l4 + n, sum) & 0xffff;
		if (!sum && !s->doff)
			sum = 0xffff;
	}
	put16(check, sum);
	return total + n;
}

/* A sum has two zeros; which one stands in an unfinished field is nobody's business. */
static bool same_frame(const u8 *a, const u8 *b, u32 len, u32 check)
{
	u32 x = get16(a + check), y = get16(b + check);

	return !memcmp(a, b, check) && !memcmp(a + check + 2, b + check + 2, len - check - 2) &&
	       (x == y || (x % 0xffff == 0 && y % 0xffff == 0));
}

static void check_segment(const struct spec *s, const struct sk_buff *seg, u32 k, u32 features)
{
	static u8 want[PAYLOAD], is[PAYLOAD];
	bool partial = features & CSUM;
	u32 len = expect(s, k, partial, want), check = s->link + s->ihl + (s->doff ? 16 : 6);

	CHECK_EQ(seg->len, len);
	if (seg->len != len)
		return;
	CHECK_EQ(skb_copy_bits(seg, 0, is, len), 0);
	CHECK(same_frame(is, want, len, check));
	CHECK_EQ(seg->ip_summed, partial ? CHECKSUM_PARTIAL : CHECKSUM_NONE);
	CHECK_EQ(seg->csum_start - skb_headroom(seg), s->link + s->ihl);
	CHECK_EQ(seg->network_header - skb_headroom(seg), s->link);
	CHECK_EQ(seg->transport_header - skb_headroom(seg), s->link + s->ihl);
	CHECK_EQ(seg->mac_header, skb_headroom(seg));
	CHECK(skb_headroom(seg) >= LL_MAX_HEADER);
	CHECK(!skb_is_gso(seg));
	CHECK_EQ(seg->data_len != 0 && !(features & SG), 0);
	CHECK(seg->priority == 3 && seg->mark == 77 && seg->hash == 99 && seg->queue_mapping == 2);
	CHECK(seg->tstamp_ns == 123456789 && seg->ignore_df && seg->cb[47] == 0x5a);
}

/* Cuts what @s describes, holds each segment against the reference, frees them in order. */
static void cut(const struct spec *s, u32 features)
{
	struct sk_buff *skb = make(s), *seg;
	u64 copied = skb_stats.copied_other, live = skb_stats.live;
	u32 segs = (s->len + s->mss - 1) / s->mss, k = 0, id = skb->id;

	freed = 0;
	seg = skb_gso_segment(skb, features);
	CHECK(!IS_ERR(seg));
	CHECK_EQ(skb_stats.copied_other - copied, features & SG ? s->linear : s->len);
	CHECK_EQ(skb_stats.live, live + segs);
	CHECK(!skb->destructor && !skb->sk);
	consume_skb(skb);
	drop_pages(); /* from now on the segments alone hold them */
	for (; seg && !IS_ERR(seg); k++) {
		struct sk_buff *next = seg->next;

		check_segment(s, seg, k, features);
		CHECK_EQ(seg->clone_of, id); /* one packet's way can be followed */
		CHECK_EQ(freed, 0);
		CHECK_EQ(seg->destructor != NULL, !next);
		seg->next = NULL;
		consume_skb(seg);
		seg = next;
	}
	CHECK_EQ(k, segs);
	CHECK_EQ(freed, 1); /* with the last one */
	CHECK_EQ(charge, 0);
	CHECK_EQ(skb_stats.live, live - 1);
}

static void once(void)
{
	if (!this_cpu()->softnet) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		host_console_quiet(true);
	}
	for (u32 i = 0; i < PAYLOAD; i++)
		payload[i] = (u8)rnd(256);
}

#define TCP(...) .link = 14, .ihl = 20, .doff = 20, .flags = 0x99, .id = 7, .seq = 1000, __VA_ARGS__
static const struct cut_row {
	const char *name;
	struct spec s;
} cuts[] = {
	{ "one_byte", { TCP(.len = 1, .mss = 1460, .linear = 1) } },
	{ "one_segment", { TCP(.len = 1460, .mss = 1460, .nr_frags = 1) } },
	{ "one_and_a_byte", { TCP(.len = 1461, .mss = 1460, .nr_frags = 1) } },
	{ "two_segments", { TCP(.len = 2920, .mss = 1460, .nr_frags = 1) } },
	{ "a_page_each", { TCP(.len = 40960, .mss = 4096, .nr_frags = 10) } },
	{ "forty_four", { TCP(.len = 64240, .mss = 1460, .nr_frags = 16) } },
	{ "forty_four_linear", { TCP(.len = 64240, .mss = 1460, .linear = 64240) } },
	{ "linear_then_frags", { TCP(.len = 10000, .mss = 1448, .linear = 2000, .nr_frags = 4) } },
	{ "mss_1", { TCP(.len = 100, .mss = 1, .linear = 50, .nr_frags = 1) } },
	{ "odd_mss", { TCP(.len = 9999, .mss = 333, .linear = 1, .nr_frags = 9) } },
	{ "id_wraps",
	  { .link = 14,
	    .ihl = 20,
	    .doff = 20,
	    .flags = 0x99,
	    .id = 0xfffe,
	    .seq = 1000,
	    .len = 5000,
	    .mss = 1000,
	    .nr_frags = 2 } },
	{ "sequence_wraps",
	  { .link = 14,
	    .ihl = 20,
	    .doff = 20,
	    .flags = 0x99,
	    .id = 7,
	    .seq = 0xfffffff0,
	    .len = 5000,
	    .mss = 1000,
	    .nr_frags = 2 } },
	{ "all_flags",
	  { .link = 14,
	    .ihl = 20,
	    .doff = 20,
	    .flags = 0xff,
	    .id = 7,
	    .seq = 1000,
	    .len = 5000,
	    .mss = 1000,
	    .nr_frags = 2 } },
	{ "no_flags",
	  { .link = 14,
	    .ihl = 20,
	    .doff = 20,
	    .flags = 0,
	    .id = 7,
	    .seq = 1000,
	    .len = 5000,
	    .mss = 1000,
	    .nr_frags = 2 } },
	{ "tcp_options",
	  { .link = 14,
	    .ihl = 20,
	    .doff = 32,
	    .flags = 0x99,
	    .id = 7,
	    .seq = 1000,
	    .len = 5000,
	    .mss = 1448,
	    .nr_frags = 2 } },
	{ "all_options",
	  { .link = 14,
	    .ihl = 60,
	    .doff = 60,
	    .flags = 0x99,
	    .id = 7,
	    .seq = 1000,
	    .len = 5000,
	    .mss = 1408,
	    .nr_frags = 2 } },
	{ "without_link_header",
	  { .link = 0,
	    .ihl = 20,
	    .doff = 20,
	    .flags = 0x99,
	    .id = 7,
	    .seq = 1000,
	    .len = 5000,
	    .mss = 1000,
	    .nr_frags = 2 } },
	{ "udp",
	  { .link = 14, .ihl = 20, .len = 5000, .mss = 1472, .linear = 100, .nr_frags = 3 } },
	{ "udp_one", { .link = 14, .ihl = 20, .len = 500, .mss = 1472, .linear = 500 } },
};

TEST_EACH(segments, cuts)
{
	once();
	cut(&row->s, 0);
	cut(&row->s, SG);
	cut(&row->s, CSUM);
	cut(&row->s, SG | CSUM);
}

/* Any layout. */
TEST(random_layouts)
{
	once();
	for (u32 i = 0; i < 3000; i++) {
		struct spec s = { .link = rnd(2) * 14,
				  .ihl = 20 + 4 * rnd(11),
				  .doff = rnd(4) ? 20 + 4 * rnd(11) : 0,
				  .len = 1 + rnd(rnd(8) ? 9000 : 64000),
				  .mss = 1 + rnd(rnd(4) ? 1460 : 9000),
				  .nr_frags = rnd(MAX_SKB_FRAGS + 1),
				  .flags = (u8)rnd(256),
				  .id = (u16)rnd(65536),
				  .seq = rnd(~0u) };

		if (s.len / s.mss > 200)
			s.mss = s.len / 200 + 1;
		s.linear = rnd(3) ? rnd(s.len + 1) : 0;
		while (s.len - s.linear > 15 * 4096u)
			s.linear += 4096;
		cut(&s, rnd(4));
	}
}

/* --- Refusals ------------------------------------------------------------------------------------------------------- */

static const struct bad_row {
	const char *name;
	u32 at; /* byte of the header that is spoilt */
	u8 value;
	u32 cut_to; /* else: the packet ends there */
	bool udp, no_network;
} bads[] = {
	{ "version_6", .at = 14, .value = 0x65 },
	{ "short_header", .at = 14, .value = 0x44 },
	{ "a_fragment", .at = 20, .value = 0x20 },
	{ "a_later_fragment", .at = 21, .value = 1 },
	{ "another_protocol", .at = 23, .value = 17 },
	{ "udp_but_tcp", .at = 23, .value = 6, .udp = true },
	{ "short_tcp_header", .at = 46, .value = 0x40 },
	{ "header_beyond_the_end", .at = 14, .value = 0x4f, .cut_to = 60 },
	{ "no_ip_header", .cut_to = 20 },
	{ "no_tcp_header", .cut_to = 50 },
	{ "no_options", .at = 46, .value = 0xf0, .cut_to = 80 },
	{ "no_payload", .cut_to = 54 },
	{ "no_udp_header", .cut_to = 40, .udp = true },
	{ "no_network_header", .no_network = true },
};

TEST_EACH(refused, bads)
{
	struct spec s = { TCP(.len = 5000, .mss = 1000, .linear = 5000) };
	struct sk_buff *skb;

	once();
	if (row->udp)
		s.doff = 0;
	skb = make(&s);
	if (row->at)
		skb->data[row->at] = row->value;
	if (row->cut_to)
		skb_trim(skb, row->cut_to);
	if (row->no_network)
		skb->network_header = 0;
	CHECK_EQ(PTR_ERR(skb_gso_segment(skb, SG | CSUM)), -EINVAL);
	CHECK_EQ(skb_stats.live, 1); /* nothing of it is left */
	consume_skb(skb);
	CHECK_EQ(charge, 0);
}

TEST(an_ordinary_packet_is_refused)
{
	struct spec s = { TCP(.len = 500, .mss = 1000, .linear = 500) };
	struct sk_buff *skb;

	once();
	skb = make(&s);
	skb_shinfo(skb)->gso_size = 0;
	CHECK_EQ(PTR_ERR(skb_gso_segment(skb, SG | CSUM)), -EINVAL);
	CHECK_EQ(skb_gso_count(skb), 1);
	CHECK_EQ(skb_wire_len(skb), 554);
	consume_skb(skb);
}

/* Each allocation fails in turn: nothing is left, the packet is whole, and the second try cuts it. */
TEST(without_memory_nothing_has_changed)
{
	struct spec s = { TCP(.len = 5000, .mss = 1000, .linear = 500, .nr_frags = 2) };
	u64 dropped = skb_stats.drop[R(NOMEM)];

	once();
	for (u32 at = 1; at <= 10; at++) {
		struct sk_buff *skb = make(&s), *seg;

		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		seg = skb_gso_segment(skb, SG);
		faults[FAULT_ALLOC].on = false;
		faults_armed = false;
		CHECK_EQ(PTR_ERR(seg), -ENOMEM);
		CHECK_EQ(skb_stats.live, 1);
		CHECK(skb->destructor == on_free);
		/* each segment takes two: descriptor and data */
		CHECK_EQ(skb_stats.drop[R(NOMEM)] - dropped, (at - 1) / 2);
		dropped = skb_stats.drop[R(NOMEM)];
		consume_skb(skb);
		drop_pages();
		cut(&s, SG);
	}
}

/* Headers that lie in a fragment are made linear first, when there is memory for that. */
TEST(headers_in_a_fragment)
{
	struct spec s = { TCP(.len = 5000, .mss = 1000, .nr_frags = 2) };
	struct sk_buff *skb;
	u8 *page = alloc_page();

	once();
	for (u32 fails = 0; fails < 2; fails++) {
		make_header(&s);
		memcpy(page, header, 54);
		memcpy(page + 54, payload, 2000);
		skb = alloc_skb(8);
		CHECK_EQ(skb_add_frag(skb, page, 2054), 0);
		skb->network_header = 14;
		skb_shinfo(skb)->gso_size = 1000;
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
		skb->tail = skb->end; /* no room for them */
		skb->data = skb->end;
		skb->network_header = (u16)(skb->data - skb->head + 14);
		faults[FAULT_ALLOC] = (struct fault){ .on = fails, .at = 1 };
		faults_armed = fails;
		struct sk_buff *seg = skb_gso_segment(skb, SG | CSUM);

		faults_armed = false;
		if (fails) {
			CHECK(IS_ERR(seg));
		} else {
			CHECK_EQ(seg->len, 1054);
			CHECK_EQ(seg->next->len, 1054);
			CHECK(!memcmp(seg->data + 54 - 34, header + 54 - 34, 4)); /* addresses */
			consume_skb(seg->next);
			seg->next = NULL;
			consume_skb(seg);
		}
		consume_skb(skb);
		CHECK_EQ(skb_stats.live, 0);
	}
	faults[FAULT_ALLOC].on = false;
	page_put(page);
}

/* --- What a packet means ------------------------------------------------------------------------------------------------ */

static const struct len_row {
	const char *name;
	struct spec s;
	u32 seglen, wire;
} lens[] = {
	{ "tcp", { TCP(.len = 14600, .mss = 1460, .nr_frags = 4) }, 1500, 14600 + 540 },
	{ "tcp_options",
	  { .link = 14,
	    .ihl = 20,
	    .doff = 32,
	    .flags = 0x99,
	    .id = 7,
	    .seq = 1000,
	    .len = 14480,
	    .mss = 1448,
	    .nr_frags = 4 },
	  1500,
	  14480 + 660 },
	{ "a_rest", { TCP(.len = 1461, .mss = 1460, .linear = 1461) }, 1500, 1461 + 108 },
	{ "udp",
	  { .link = 14, .ihl = 20, .len = 2944, .mss = 1472, .linear = 2944 },
	  1500,
	  2944 + 84 },
};

TEST_EACH(lengths, lens)
{
	struct sk_buff *skb;

	once();
	skb = make(&row->s);
	CHECK_EQ(skb_gso_network_seglen(skb), row->seglen);
	CHECK_EQ(skb_wire_len(skb), row->wire);
	CHECK(skb_gso_validate_network_len(skb, row->seglen));
	CHECK(!skb_gso_validate_network_len(skb, row->seglen - 1));
	consume_skb(skb);
	drop_pages();
}

static u32 no_features(struct sk_buff *skb, struct net_device *dev, u32 features)
{
	(void)dev;
	return skb->mark == 77 ? features & ~(u32)NETIF_F_TSO : features;
}

static const struct features_row {
	const char *name;
	u32 has, gives;
	bool udp, check, cwr;
} features[] = {
	{ "all", SG | CSUM | NETIF_F_TSO, SG | CSUM | NETIF_F_TSO, .udp = false },
	{ "no_gathering", CSUM | NETIF_F_TSO, CSUM, .udp = false },
	{ "no_sums", SG | NETIF_F_TSO, SG, .udp = false },
	{ "nothing", 0, 0, .udp = false },
	{ "udp_is_not_cut", SG | CSUM | NETIF_F_TSO, SG | CSUM, .udp = true },
	{ "cwr_is_not_repeated", SG | CSUM | NETIF_F_TSO, SG | CSUM, .cwr = true },
	{ "the_driver_knows_better", SG | CSUM | NETIF_F_TSO, SG | CSUM, .check = true },
};

TEST_EACH(features_of_a_packet, features)
{
	struct spec s = { TCP(.len = 5000, .mss = 1000, .linear = 5000) };
	struct net_device_ops ops = { .ndo_features_check = row->check ? no_features : NULL };
	struct net_device dev = { .netdev_ops = &ops, .features = row->has };
	struct sk_buff *skb;

	once();
	s.doff = row->udp ? 0 : 20;
	skb = make(&s);
	if (row->cwr)
		skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
	local_bh_disable();
	CHECK_EQ(netif_skb_features(skb, &dev), row->gives);
	local_bh_enable();
	CHECK_EQ(netif_needs_gso(skb, row->gives), !(row->gives & NETIF_F_TSO));
	skb_shinfo(skb)->gso_size = 0;
	CHECK(!netif_needs_gso(skb, 0));
	consume_skb(skb);
}

KTEST_MAIN_BOOT()
