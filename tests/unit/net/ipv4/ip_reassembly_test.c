// SPDX-License-Identifier: MIT
/*
 * Reassembly: what arrives in any order is joined byte for byte and without a copy; what contradicts itself is given up; every
 * limit holds; and a model that keeps a byte per byte agrees with it about random pieces.
 */
#include "fixture.h"

#include <net/init.h>

#define SEC     1000000000ull
#define IP(n)   net->mib.ip[IPSTATS_MIB_##n]
#define EXT(n)  net->mib.ipext[IPEXT_MIB_##n]
#define DROP(n) skb_stats.drop[SKB_DROP_REASON_##n]
#define PORT    4000u

static struct ipframe f;
static u8 dgram[66000]; /* UDP header and data of the datagram that is sent in pieces */
static u32 dgram_len;
static u8 got[66000];
static struct sock *sk;
static u32 rng = 1;

static u32 random_below(u32 n)
{
	rng = rng * 1664525u + 1013904223u;
	return (u32)((u64)(rng >> 8) * n >> 24);
}

/* A datagram of @len bytes, header included, with its checksum. */
static void dgram_make(u32 len)
{
	struct udphdr *uh = (struct udphdr *)(void *)dgram;

	for (u32 i = 8; i < len; i++)
		dgram[i] = (u8)(i * 7 + i / 256);
	*uh = (struct udphdr){ htons(9), htons(PORT), htons(len), 0 };
	uh->check =
		csum_tcpudp_magic(PEER_IP, OUR_IP, len, IPPROTO_UDP, csum_partial(dgram, len, 0));
	dgram_len = len;
}

static void up(u32 len)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	sk = udp_open();
	CHECK_EQ(udp_prot.get_port(sk, PORT), 0);
	dgram_make(len);
}

static void down(void)
{
	udp_prot.close(sk, 0);
	fixture_down();
}

struct piece {
	__be32 saddr;
	u16 id, offset, len;
	bool more;
	u8 tos, proto;
};

static void feed_piece(const struct piece *p)
{
	u32 n = ip_make(&f, p->saddr ? p->saddr : PEER_IP, OUR_IP,
			p->proto ? p->proto : IPPROTO_UDP, p->len);

	f.ip.id = htons(p->id);
	f.ip.tos = p->tos;
	f.ip.frag_off = htons(p->offset / 8 | (p->more ? IP_MF : 0));
	memcpy(f.data, dgram + p->offset, p->len);
	feed_ip(&f, n, true);
}

/* A piece of the datagram @id; the last one has no more behind. */
static void cut(u16 id, u32 offset, u32 len)
{
	feed_piece(&(struct piece){ .id = id,
				    .offset = (u16)offset,
				    .len = (u16)len,
				    .more = offset + len < dgram_len });
}

/* Whether the datagram came, whole and right. */
static bool came(void)
{
	long n = udp_recv(sk, got, sizeof(got), MSG_DONTWAIT, NULL, NULL);

	if (n == -EAGAIN)
		return false;
	CHECK_EQ(n, dgram_len - 8);
	CHECK_EQ(memcmp(got, dgram + 8, dgram_len - 8), 0);
	return true;
}

static void nothing_waits(void)
{
	CHECK_EQ(net->frag.queues, 0);
	CHECK_EQ(net->frag.packets, 0);
	CHECK_EQ(net->frag.truesize, 0);
}

/* --- Joining -------------------------------------------------------------------------------------------------------------- */

TEST(every_order_of_four_pieces_is_joined)
{
	static const u32 off[4] = { 0, 1000, 1008, 1808 }, len[4] = { 1000, 8, 800, 93 };

	up(1901);
	for (u32 perm = 0, n = 0; perm < 256; perm++) {
		u32 order[4] = { perm & 3, perm >> 2 & 3, perm >> 4 & 3, perm >> 6 };

		if ((1u << order[0] | 1u << order[1] | 1u << order[2] | 1u << order[3]) != 15)
			continue;
		for (u32 i = 0; i < 4; i++) {
			CHECK(!came());
			cut((u16)perm, off[order[i]], len[order[i]]);
		}
		CHECK(came());
		nothing_waits();
		CHECK_EQ(IP(ReasmOKs), ++n);
	}
	CHECK_EQ(IP(ReasmReqds), 96);
	CHECK_EQ(IP(ReasmFails), 0);
	CHECK_EQ(IP(InDelivers), 24);
	CHECK_EQ(net->mib.udp[UDP_MIB_InDatagrams], 24);
	down();
}

TEST(the_largest_datagram_is_joined_without_a_copy)
{
	u64 other;

	up(65515);
	other = skb_stats.copied_other;
	for (u32 off = 0; off < dgram_len; off += 1480)
		cut(7, off, dgram_len - off < 1480 ? dgram_len - off : 1480);
	CHECK_EQ(skb_stats.copied_other, other);
	CHECK(sk->sk_rmem_alloc > 65515);
	CHECK(came());
	nothing_waits();
	down();
}

TEST(a_broken_checksum_is_found_in_the_whole)
{
	up(3000);
	dgram[2900] ^= 1;
	cut(1, 0, 1480);
	cut(1, 1480, 1480);
	cut(1, 2960, 40);
	CHECK(!came());
	CHECK_EQ(IP(ReasmOKs), 1);
	CHECK_EQ(net->mib.udp[UDP_MIB_InCsumErrors], 1);
	down();
}

TEST(a_datagram_longer_than_its_udp_length_is_cut)
{
	up(3000);
	((struct udphdr *)(void *)dgram)->len = htons(1600);
	((struct udphdr *)(void *)dgram)->check = 0;
	cut(1, 1480, 1480);
	cut(1, 2960, 40);
	cut(1, 0, 1480);
	CHECK_EQ(udp_recv(sk, got, sizeof(got), MSG_DONTWAIT, NULL, NULL), 1592);
	CHECK_EQ(memcmp(got, dgram + 8, 1592), 0);
	nothing_waits();
	down();
}

/* Eight bytes at a time: the UDP header alone is a fragment, and the sum runs over odd lengths. */
TEST(tiny_pieces_are_joined)
{
	up(203);
	for (int off = 200; off >= 0; off -= 8)
		cut(1, (u32)off, off == 200 ? 3 : 8);
	CHECK(came());
	down();
}

TEST(echo_of_3000_bytes_is_answered_in_fragments)
{
	struct icmphdr *ic = (struct icmphdr *)(void *)dgram;
	u64 copied;

	up(3008);
	memset(ic, 0, sizeof(*ic));
	ic->type = ICMP_ECHO;
	ic->checksum = csum_fold(csum_partial(dgram, 3008, 0));
	copied = skb_stats.copied_frag;
	for (u32 off = 0; off < 3008; off += 1480)
		feed_piece(&(struct piece){ .id = 5,
					    .offset = (u16)off,
					    .len = (u16)(off < 2960 ? 1480 : 48),
					    .more = off < 2960,
					    .proto = IPPROTO_ICMP });
	CHECK_EQ(nr_frames, 3);
	CHECK_EQ(frames[0].len, 1514);
	CHECK_EQ(frames[1].len, 1514);
	CHECK_EQ(frames[2].len, 82);
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(memcmp(frames[i].b + 34 + (i ? 0 : 8), dgram + 1480 * i + (i ? 0 : 8),
				frames[i].len - 34 - (i ? 0 : 8)),
			 0);
		CHECK_EQ(ntohs(frame_ip(i)->frag_off), (i < 2 ? IP_MF : 0) | i * 185);
		CHECK_EQ(frame_ip(i)->id, frame_ip(0)->id);
	}
	CHECK_EQ(skb_stats.copied_frag - copied, 3008);
	down();
}

/* The first fragment's options are the datagram's, and its header is whole again. */
TEST(protocol_unreachable_quotes_the_joined_header)
{
	static const u8 nops[4] = { 1, 1, 1, 0 };
	const struct iphdr *q;
	u32 n;

	up(64);
	n = ip_make(&f, PEER_IP, OUR_IP, 200, 4 + 16);
	f.ip.ver_ihl = 0x46;
	f.ip.frag_off = htons(IP_MF);
	memcpy(f.data, nops, 4);
	memcpy(f.data + 4, dgram, 16);
	feed_ip(&f, n, true);
	feed_piece(&(struct piece){ .offset = 16, .len = 5, .proto = 200 });
	CHECK_EQ(nr_frames, 1);
	q = (const struct iphdr *)(const void *)(frames[0].b + 42);
	CHECK_EQ(frames[0].b[34], ICMP_DEST_UNREACH);
	CHECK_EQ(q->ver_ihl, 0x46);
	CHECK_EQ(ntohs(q->tot_len), 24 + 21);
	CHECK_EQ(q->frag_off, 0);
	CHECK_EQ(ip_fast_csum(q, 6), 0);
	down();
}

/* --- Keeping datagrams apart --------------------------------------------------------------------------------------------- */

TEST(datagrams_differ_by_source_id_and_protocol)
{
	up(1000);
	cut(1, 0, 496);
	cut(2, 496, 504);
	feed_piece(&(struct piece){ .id = 1, .offset = 496, .len = 504, .proto = IPPROTO_ICMP });
	feed_piece(
		&(struct piece){ .id = 1, .offset = 496, .len = 504, .saddr = IP4(10, 0, 0, 3) });
	CHECK_EQ(net->frag.queues, 4);
	CHECK(!came());
	cut(1, 496, 504);
	CHECK(came());
	CHECK_EQ(net->frag.queues, 3);
	down();
	CHECK_EQ(skb_stats.live, 0);
}

/* --- Contradictions --------------------------------------------------------------------------------------------------------- */

static const struct bad_row {
	const char *name;
	struct {
		u16 offset, len;
		bool more;
	} piece[4];
	u32 reqds, fails, overlaps,
		waiting; /* what they count, and datagrams that wait at the end */
} bads[] = {
	{ "overlap_by_8_behind", { { 0, 16, true }, { 8, 16, true } }, 2, 1, 1, 0 },
	{ "overlap_by_8_before", { { 8, 16, true }, { 0, 16, true } }, 2, 1, 1, 0 },
	{ "inside", { { 0, 64, true }, { 8, 16, true } }, 2, 1, 1, 0 },
	{ "around", { { 8, 16, true }, { 0, 64, true } }, 2, 1, 1, 0 },
	{ "same_begin_longer", { { 0, 16, true }, { 0, 24, true } }, 2, 1, 1, 0 },
	{ "same_end", { { 0, 24, true }, { 8, 16, true } }, 2, 1, 1, 0 },
	{ "two_ends_the_later_nearer", { { 64, 16, false }, { 32, 8, false } }, 2, 1, 1, 0 },
	{ "two_ends_the_later_further", { { 32, 8, false }, { 64, 16, false } }, 2, 1, 1, 0 },
	{ "end_before_what_is_here", { { 64, 8, true }, { 32, 8, false } }, 2, 1, 1, 0 },
	{ "end_where_more_was_said", { { 64, 8, true }, { 64, 8, false } }, 2, 1, 1, 0 },
	{ "more_behind_the_end", { { 32, 8, false }, { 64, 8, true } }, 2, 1, 1, 0 },
	{ "more_at_the_end", { { 64, 8, false }, { 64, 8, true } }, 2, 1, 1, 0 },
	{ "exact_duplicate", { { 0, 16, true }, { 0, 16, true }, { 0, 16, true } }, 3, 0, 0, 1 },
	{ "exact_duplicate_of_the_end", { { 64, 3, false }, { 64, 3, false } }, 2, 0, 0, 1 },
	{ "more_and_no_multiple_of_8", { { 0, 15, true }, { 16, 8, true } }, 2, 1, 0, 1 },
	{ "ping_of_death", { { 0, 64, true }, { 65528, 8, false } }, 2, 1, 0, 0 },
	{ "one_byte_too_long", { { 0, 64, true }, { 65512, 4, false } }, 2, 1, 0, 0 },
	{ "more_beyond_the_largest", { { 0, 64, true }, { 65512, 8, true } }, 2, 1, 0, 0 },
	{ "after_an_overlap_it_begins_anew",
	  { { 0, 16, true }, { 8, 16, true }, { 0, 16, true } },
	  3,
	  1,
	  1,
	  1 },
};

TEST_EACH(bad, bads)
{
	u64 dups;

	up(65999);
	dups = DROP(DUP_FRAG);
	for (u32 i = 0; i < 4 && row->piece[i].len; i++)
		feed_piece(&(struct piece){ .id = 9,
					    .offset = row->piece[i].offset,
					    .len = row->piece[i].len,
					    .more = row->piece[i].more });
	CHECK_EQ(IP(ReasmReqds), row->reqds);
	CHECK_EQ(IP(ReasmFails), row->fails);
	CHECK_EQ(EXT(ReasmOverlaps), row->overlaps);
	CHECK_EQ(IP(ReasmOKs), 0);
	CHECK_EQ(net->frag.queues, row->waiting);
	CHECK_EQ(IP(InDelivers), 0);
	CHECK_EQ(nr_frames, 0);
	if (!row->fails)
		CHECK_EQ(DROP(DUP_FRAG) - dups, row->reqds - 1);
	down();
}

TEST(a_fragment_without_payload_is_dropped)
{
	u64 invalid;

	up(64);
	invalid = DROP(IP_FRAG_INVALID);
	feed_piece(&(struct piece){ .offset = 8, .len = 0 });
	feed_piece(&(struct piece){ .offset = 0, .len = 0, .more = true });
	CHECK_EQ(DROP(IP_FRAG_INVALID) - invalid, 2);
	CHECK_EQ(IP(ReasmFails), 2);
	nothing_waits();
	down();
}

/* With the first fragment's options the header and 65515 bytes are too much, though no fragment alone was. */
static const struct tcp_piece_row {
	const char *name;
	u8 proto;
	u16 offset, len;
	bool kept;
} tcp_pieces[] = {
	{ "first_of_8", IPPROTO_TCP, 0, 8, false },
	{ "first_of_16", IPPROTO_TCP, 0, 16, true },
	{ "second_at_8", IPPROTO_TCP, 8, 104, false },
	{ "second_at_16", IPPROTO_TCP, 16, 104, true },
	{ "udp_first_of_8", IPPROTO_UDP, 0, 8, true },
	{ "udp_second_at_8", IPPROTO_UDP, 8, 104, true },
};

/* Pieces that hide a part of TCP's header from whoever looks at the first one only. */
TEST_EACH(tcp_header_in_pieces, tcp_pieces)
{
	u64 bad;

	up(1000);
	bad = DROP(IP_FRAG_INVALID);
	feed_piece(&(struct piece){ .id = 1,
				    .offset = row->offset,
				    .len = row->len,
				    .more = true,
				    .proto = row->proto });
	CHECK_EQ(net->frag.packets, row->kept);
	CHECK_EQ(DROP(IP_FRAG_INVALID) - bad, !row->kept);
	ip_frag_flush(net);
	down();
}

TEST(options_can_make_it_too_long)
{
	u32 n;

	up(65515);
	for (u32 off = 1480; off < dgram_len; off += 1480)
		cut(3, off, dgram_len - off < 1480 ? dgram_len - off : 1480);
	n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_UDP, 4 + 1472);
	f.ip.id = htons(3);
	f.ip.ver_ihl = 0x46;
	f.ip.frag_off = htons(IP_MF);
	memset(f.data, 1, 4);
	memcpy(f.data + 4, dgram, 1472);
	feed_ip(&f, n, true);
	CHECK_EQ(net->frag.queues, 1);
	feed_piece(&(struct piece){ .id = 3, .offset = 1472, .len = 8, .more = true });
	nothing_waits();
	CHECK_EQ(IP(ReasmFails), 1);
	CHECK_EQ(IP(InDelivers), 0);
	down();
}

/* RFC 3168, 5.3. */
static const struct ecn_row {
	const char *name;
	u8 tos[3];
	bool delivered;
	u8 result;
} ecns[] = {
	{ "none", { 0, 0, 0 }, true, 0 },
	{ "all_ect0", { 2, 2, 2 }, true, 2 },
	{ "all_ect1", { 1, 1, 1 }, true, 1 },
	{ "all_ce", { 3, 3, 3 }, true, 3 },
	{ "one_ce", { 2, 3, 2 }, true, 3 },
	{ "ce_and_not_ect", { 0, 3, 2 }, false, 0 },
	{ "not_ect_and_ect", { 0, 2, 2 }, true, 0 },
	{ "dscp_is_the_first_ones", { 0xb8, 0x20, 0 }, true, 0xb8 },
};

TEST_EACH(ecn, ecns)
{
	up(64);
	/* An unknown protocol, so that the quotation shows the header. */
	for (u32 i = 3; i-- > 0;)
		feed_piece(&(struct piece){ .offset = (u16)(8 * i),
					    .len = 8,
					    .more = i < 2,
					    .tos = row->tos[i],
					    .proto = 200 });
	CHECK_EQ(nr_frames, row->delivered);
	CHECK_EQ(IP(ReasmFails), !row->delivered);
	if (row->delivered)
		CHECK_EQ(frames[0].b[42 + 1], row->result);
	nothing_waits();
	down();
}

/* --- Limits --------------------------------------------------------------------------------------------------------------------- */

TEST(one_source_has_eight_datagrams_and_loses_its_oldest)
{
	u64 evicted;

	up(1000);
	evicted = DROP(IP_FRAG_EVICTED);
	feed_piece(&(struct piece){ .id = 50, .saddr = IP4(10, 0, 0, 3), .len = 8, .more = true });
	for (u16 id = 0; id < 9; id++)
		cut(id, 0, 496);
	CHECK_EQ(net->frag.queues, 9);
	CHECK_EQ(DROP(IP_FRAG_EVICTED) - evicted, 1);
	CHECK_EQ(IP(ReasmFails), 1);
	for (u16 id = 8; id >= 1; id--) {
		cut(id, 496, 504);
		CHECK(came());
	}
	cut(0, 496, 504);
	CHECK(!came());
	down();
}

TEST(there_are_64_datagrams_and_the_oldest_goes)
{
	up(1000);
	for (u32 i = 0; i < 65; i++)
		feed_piece(
			&(struct piece){ .saddr = htonl(0x0a000100u + i), .len = 8, .more = true });
	CHECK_EQ(net->frag.queues, 64);
	CHECK_EQ(net->frag.packets, 64);
	CHECK_EQ(IP(ReasmFails), 1);
	/* The first is gone: what follows it waits alone, in place of the second. */
	feed_piece(&(struct piece){ .saddr = htonl(0x0a000100u), .offset = 8, .len = 8 });
	CHECK_EQ(net->frag.queues, 64);
	CHECK_EQ(IP(ReasmFails), 2);
	CHECK_EQ(IP(ReasmOKs), 0);
	down();
}

TEST(a_datagram_has_64_fragments)
{
	up(65 * 8);
	for (u32 i = 0; i < 64; i++)
		cut(1, 8 * i, 8);
	CHECK_EQ(net->frag.packets, 64);
	cut(1, 8 * 64, 8);
	nothing_waits();
	CHECK_EQ(IP(ReasmFails), 1);
	dgram_make(64 * 8);
	for (u32 i = 0; i < 64; i++)
		cut(2, 8 * i, 8);
	CHECK(came());
	down();
}

TEST(there_are_256_kilobytes)
{
	u32 most = 0, source = 0;

	up(65515);
	for (u32 round = 0; round < 400; round++) {
		feed_piece(&(struct piece){ .saddr = htonl(0x0a000100u + source),
					    .id = 1,
					    .offset = (u16)(round % 40 * 1400),
					    .len = 1400,
					    .more = true });
		source += round % 40 == 39;
		most = max(most, net->frag.truesize);
		CHECK(net->frag.truesize <= 256u * 1024);
	}
	CHECK(most > 250u * 1024);
	CHECK(IP(ReasmFails) > 0);
	down();
}

/* The datagram that fills the room by itself is the oldest: it goes, with the fragment that was too much. */
TEST(who_fills_the_room_alone_loses_it)
{
	up(65515);
	for (u32 round = 0; net->frag.queues || !round; round++) {
		struct sk_buff *skb = netdev_alloc_skb(dev, 60000);
		u32 n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_UDP, 8);

		f.ip.frag_off = htons(IP_MF | round);
		f.ip.check = ip_fast_csum(&f.ip, 5);
		memcpy(skb_put(skb, n), &f.eth, n);
		skb->protocol = eth_type_trans(skb, dev);
		local_bh_disable();
		netif_receive_skb(skb);
		local_bh_enable();
		CHECK(round < 5);
	}
	nothing_waits();
	CHECK_EQ(IP(ReasmFails), 1);
	down();
}

/* 3,000 fragments of 3,000 datagrams: what waits stays bounded, a ping in the midst is answered at once, and another source's datagram is joined. */
TEST(a_flood_leaves_room_for_others)
{
	u32 n;

	up(1000);
	feed_piece(&(struct piece){
		.id = 1, .saddr = IP4(10, 0, 0, 3), .len = 8, .more = true, .proto = 200 });
	for (u32 i = 0; i < 3000; i++) {
		feed_piece(&(struct piece){
			.id = (u16)(random_below(65536)), .len = 8, .more = true });
		CHECK(net->frag.queues <= 9);
	}
	n = icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 1, dgram, 8);
	feed_ip(&f, n, true);
	CHECK_EQ(nr_frames, 1);
	feed_piece(&(struct piece){
		.id = 1, .saddr = IP4(10, 0, 0, 3), .offset = 8, .len = 8, .proto = 200 });
	CHECK_EQ(IP(ReasmOKs), 1);
	down();
}

/* --- Time ------------------------------------------------------------------------------------------------------------------------ */

TEST(after_30_s_the_sender_of_a_first_fragment_is_told)
{
	u64 late;

	up(1000);
	late = DROP(FRAG_REASM_TIMEOUT);
	cut(1, 0, 496);
	cut(2, 496, 504);
	host_clock_advance(30 * SEC - 2000000);
	CHECK_EQ(net->frag.queues, 2);
	host_clock_advance(4000000);
	nothing_waits();
	CHECK_EQ(IP(ReasmTimeout), 2);
	CHECK_EQ(IP(ReasmFails), 2);
	CHECK_EQ(DROP(FRAG_REASM_TIMEOUT) - late, 2);
	/* One message: about the datagram whose first fragment came. */
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frames[0].b[34], ICMP_TIME_EXCEEDED);
	CHECK_EQ(frames[0].b[35], ICMP_EXC_FRAGTIME);
	CHECK_EQ(((const struct iphdr *)(const void *)(frames[0].b + 42))->id, htons(1));
	CHECK_EQ(memcmp(frames[0].b + 62, dgram, 496), 0);
	down();
}

/* The time counts from the first arrival; a fragment that keeps coming does not hold it open. */
TEST(more_fragments_do_not_lengthen_the_time)
{
	up(1000);
	cut(1, 0, 496);
	host_clock_advance(29 * SEC);
	cut(1, 496, 496);
	host_clock_advance(2 * SEC);
	nothing_waits();
	cut(1, 992, 8);
	CHECK(!came());
	CHECK_EQ(net->frag.queues, 1);
	down();
}

/* --- Settings --------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *key, *value;
	int err;
} sysctls[] = {
	{ "high", "ipfrag_high_thresh", "131072", 0 },
	{ "high_none", "ipfrag_high_thresh", "0", 0 },
	{ "high_most", "ipfrag_high_thresh", "67108864", 0 },
	{ "high_too_much", "ipfrag_high_thresh", "67108865", -ERANGE },
	{ "high_negative", "ipfrag_high_thresh", "-1", -EINVAL },
	{ "high_words", "ipfrag_high_thresh", "256k", -EINVAL },
	{ "high_empty", "ipfrag_high_thresh", "", -EINVAL },
	{ "low", "ipfrag_low_thresh", "1000", 0 },
	{ "low_above_high", "ipfrag_low_thresh", "262145", -ERANGE },
	{ "low_as_high", "ipfrag_low_thresh", "262144", 0 },
	{ "time", "ipfrag_time", "3600", 0 },
	{ "time_none", "ipfrag_time", "0", -ERANGE },
	{ "time_too_long", "ipfrag_time", "3601", -ERANGE },
	{ "time_beyond_64_bits", "ipfrag_time", "18446744073709551616", -ERANGE },
	{ "dist", "ipfrag_max_dist", "0", 0 },
	{ "dist_too_much", "ipfrag_max_dist", "2147483648", -ERANGE },
	{ "unknown", "ipfrag_secret_interval", "1", -ENOENT },
	{ "only_the_begin", "ipfrag_", "1", -ENOENT },
};

TEST_EACH(sysctl, sysctls)
{
	up(1000);
	CHECK_EQ(net_sysctl_set(net, row->key, row->value), row->err);
	down();
}

static void set(const char *key, const char *value)
{
	CHECK_EQ(net_sysctl_set(net, key, value), 0);
}

/* Thirty sources with a fragment each: the most that waited, and what was left right after somebody had to go. */
static u32 fill(u32 *least)
{
	u32 most = 0, last = 0;

	*least = UINT32_MAX;
	for (u32 i = 0; i < 30; i++) {
		feed_piece(&(struct piece){
			.saddr = htonl(0x0a000100u + i), .len = 1400, .more = true });
		most = max(most, net->frag.truesize);
		if (net->frag.truesize <= last)
			*least = min(*least, net->frag.truesize);
		last = net->frag.truesize;
	}
	return most;
}

TEST(memory_for_fragments_can_be_set)
{
	u32 most, least;

	up(1000);
	set("ipfrag_high_thresh", "20000");
	most = fill(&least);
	CHECK(most <= 20000 && most > 15000);
	CHECK(least > 15000); /* one goes for one that comes */
	down();
	up(1000);
	set("ipfrag_high_thresh", "20000");
	set("ipfrag_low_thresh", "8000");
	most = fill(&least);
	CHECK(most <= 20000 && most > 15000);
	CHECK(least <= 8000 && least > 4000); /* the oldest go till the lower mark */
	down();
	up(1000);
	set("ipfrag_high_thresh", "0");
	CHECK_EQ(fill(&least), 0);
	CHECK_EQ(IP(ReasmFails), 30);
	down();
}

TEST(time_for_fragments_can_be_set)
{
	up(1000);
	set("ipfrag_time", "5");
	cut(1, 0, 496);
	host_clock_advance(5 * SEC - 2000000);
	CHECK_EQ(net->frag.queues, 1);
	host_clock_advance(4000000);
	nothing_waits();
	CHECK_EQ(IP(ReasmTimeout), 1);
	down();
}

static const struct {
	const char *name, *max_dist;
	u32 others;
	bool joined;
} dists[] = {
	{ "near", "64", 63, true },     { "too_far", "64", 64, false },
	{ "set_lower", "2", 2, false }, { "just_not", "2", 1, true },
	{ "never", "0", 1000, true },   { "one", "1", 1, false },
};

/* Others of the same source between two fragments of one datagram: the first may be from before the numbers came round. */
TEST_EACH(distance, dists)
{
	u64 far;

	up(1000);
	far = DROP(FRAG_TOO_FAR);
	set("ipfrag_max_dist", row->max_dist);
	cut(1, 0, 496);
	for (u32 i = 0; i < row->others; i += 2) {
		cut(2, 0, 496);
		if (i + 1 < row->others)
			cut(2, 496, 504);
		while (came())
			;
	}
	cut(1, 496, 504);
	CHECK_EQ(came(), row->joined);
	CHECK_EQ(DROP(FRAG_TOO_FAR) - far, !row->joined);
	CHECK_EQ(IP(ReasmFails), !row->joined);
	/* What was new waits by itself now, and the right first fragment completes it. */
	if (!row->joined) {
		cut(1, 0, 496);
		CHECK(came());
	}
	down();
}

/* Another source's fragments are no distance. */
TEST(only_the_own_source_counts_as_distance)
{
	up(1000);
	set("ipfrag_max_dist", "1");
	cut(1, 0, 496);
	for (u32 i = 0; i < 40; i++)
		feed_piece(&(struct piece){
			.saddr = htonl(0x0a000100u + i), .id = 1, .len = 8, .more = true });
	cut(1, 496, 504);
	CHECK(came());
	down();
}

TEST(what_waits_goes_with_its_device)
{
	u64 gone;

	up(1000);
	gone = DROP(DEV_DOWN);
	cut(1, 0, 496);
	cut(2, 0, 496);
	dev_close(dev);
	nothing_waits();
	CHECK_EQ(DROP(DEV_DOWN) - gone, 2);
	CHECK_EQ(dev_open(dev), 0);
	down();
}

TEST(what_waits_can_be_flushed)
{
	u64 gone;

	up(1000);
	gone = DROP(IP_FRAG_EVICTED);
	cut(1, 0, 496);
	cut(2, 0, 496);
	ip_frag_flush(net);
	nothing_waits();
	CHECK_EQ(DROP(IP_FRAG_EVICTED) - gone, 2);
	ip_frag_flush(net);
	down();
}

TEST(sockstat_shows_what_waits)
{
	up(1000);
	CHECK(page_has(sockstat_show, "FRAG: inuse 0 memory 0\n"));
	cut(1, 0, 496);
	CHECK(page_has(sockstat_show, "FRAG: inuse 1 memory "));
	down();
}

/* --- Memory and listeners ------------------------------------------------------------------------------------------------------------ */

/* A fragment that somebody else holds too: its header is made private before it is changed. */
TEST(a_shared_first_fragment_is_not_written_to)
{
	for (int fail = 0; fail < 2; fail++) {
		struct sk_buff *skb, *other;
		u32 n;

		up(1000);
		cut(1, 496, 504);
		n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_UDP, 496);
		f.ip.id = htons(1);
		f.ip.frag_off = htons(IP_MF);
		f.ip.check = ip_fast_csum(&f.ip, 5);
		memcpy(f.data, dgram, 496);
		skb = netdev_alloc_skb(dev, n);
		memcpy(skb_put(skb, n), &f.eth, n);
		skb->protocol = eth_type_trans(skb, dev);
		other = skb_clone(skb);
		if (fail)
			fail_alloc(1);
		local_bh_disable();
		netif_receive_skb(skb);
		local_bh_enable();
		CHECK_EQ(fail_over(), fail);
		CHECK_EQ(came(), !fail);
		CHECK_EQ(ntohs(((const struct iphdr *)(const void *)other->data)->tot_len), 516);
		nothing_waits();
		consume_skb(other);
		down();
	}
}

TEST(no_memory_for_the_room)
{
	for (u64 nth = 1;; nth++) {
		struct net *n = net_alloc();
		int err;

		fail_alloc(nth);
		err = ip_init(n);
		if (!fail_over()) {
			CHECK_EQ(err, 0);
			ip_exit(n);
			net_free(n);
			break;
		}
		CHECK_EQ(err, -ENOMEM);
		CHECK(!n->ipv4);
		net_free(n);
	}
}

/* --- The model ------------------------------------------------------------------------------------------------------------------------- */

/* One datagram, a byte per byte: 0 nothing came; else which fragment. */
static struct {
	u8 owner[600];
	u32 end, meat, count;
	bool alive, last, more[256];
	u32 from[256], to[256];
} m;

/* 0 goes on, 1 whole, -1 given up. */
static int model(u32 from, u32 to, bool more)
{
	u32 k;

	for (k = 1; k <= m.count; k++)
		if (m.from[k] == from && m.to[k] == to && m.more[k] == more)
			return 0;
	if (m.last && (more ? to >= m.end : to != m.end))
		return -1;
	for (k = 1; !more && k <= m.count; k++)
		if (m.more[k] ? m.to[k] >= to : m.to[k] > to)
			return -1;
	for (u32 i = from; i < to; i++)
		if (m.owner[i])
			return -1;
	m.count++;
	m.from[m.count] = from;
	m.to[m.count] = to;
	m.more[m.count] = more;
	memset(m.owner + from, (int)m.count, to - from);
	m.meat += to - from;
	if (!more) {
		m.last = true;
		m.end = to;
	}
	return m.last && m.meat == m.end;
}

TEST(the_model_agrees_about_random_pieces)
{
	u32 whole = 0, dead = 0;

	up(600);
	((struct udphdr *)(void *)dgram)->check = 0;
	for (u32 round = 0; round < 20000; round++) {
		u32 units = 2 + random_below(6);
		int verdict = 0;

		memset(&m, 0, sizeof(m));
		for (u32 step = 0; step < 40 && !verdict; step++) {
			u32 from = random_below(units),
			    to = from + 1 + random_below(random_below(4) ? 1 : units - from);
			bool more = to < units || !random_below(8);
			u64 oks = IP(ReasmOKs), fails = IP(ReasmFails);

			if (!random_below(12))
				more = !more;
			if (!from && !more)
				continue; /* that is no fragment */
			feed_piece(&(struct piece){ .id = (u16)round,
						    .offset = (u16)(8 * from),
						    .len = (u16)(8 * (to - from)),
						    .more = more });
			verdict = model(8 * from, 8 * to, more);
			CHECK_EQ(IP(ReasmOKs) - oks, verdict == 1);
			CHECK_EQ(IP(ReasmFails) - fails, verdict == -1);
			CHECK_EQ(net->frag.packets, verdict ? 0 : m.count);
		}
		whole += verdict == 1;
		dead += verdict == -1;
		host_clock_advance(31 * SEC);
		nr_frames = 0;
		nothing_waits();
	}
	CHECK(whole > 2000 && dead > 2000);
	down();
}

/* Cut at random, shuffled, with duplicates: it always arrives, once. */
TEST(random_cuts_in_random_order_arrive_once)
{
	for (u32 round = 0; round < 300; round++) {
		u32 cuts[66], n = 0, len = 100 + random_below(20000), at = 0;

		up(len);
		while (at < len && n < 64) {
			cuts[n++] = at;
			at += 8 * (1 + random_below(len / 8 / 10));
			at = n >= 50 && at + 1480 < len ? at + 320 : at;
		}
		cuts[n] = len;
		for (u32 i = 0; i < n; i++)
			if (cuts[i + 1] - cuts[i] > 1480)
				goto next; /* larger than a frame */
		for (u32 left = n, order[64]; left; left--) {
			u32 k;

			if (left == n)
				for (u32 i = 0; i < n; i++)
					order[i] = i;
			k = random_below(left);
			CHECK(!came());
			cut(9, cuts[order[k]], cuts[order[k] + 1] - cuts[order[k]]);
			if (left > 1 && !random_below(3))
				cut(9, cuts[order[k]], cuts[order[k] + 1] - cuts[order[k]]);
			order[k] = order[left - 1];
		}
		CHECK(came());
		CHECK(!came());
		nothing_waits();
	next:
		down();
	}
}

KTEST_MAIN_BOOT()
