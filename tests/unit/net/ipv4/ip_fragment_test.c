// SPDX-License-Identifier: MIT
/*
 * Fragmentation: frames exactly as RFC 791 cuts them, without a copy when the datagram was built in pieces, with one when not; what may not be
 * cut, what fails in the middle, who is charged.
 */
#include "fixture.h"

#include "../../../../net/ipv4/ipv4.h"

#define IP(n)   net->mib.ip[IPSTATS_MIB_##n]
#define DROP(n) skb_stats.drop[SKB_DROP_REASON_##n]

static u8 pattern[66000];

static void up(u32 mtu)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	CHECK_EQ(dev_set_mtu(dev, mtu), 0);
	for (u32 i = 0; i < sizeof(pattern); i++)
		pattern[i] = (u8)(i ^ i >> 8);
}

static struct sk_buff *packet(const u8 *bytes, u32 len)
{
	struct sk_buff *skb = alloc_skb(128 + len);

	skb_reserve(skb, 128);
	memcpy(skb_put(skb, len), bytes, len);
	skb_reset_transport_header(skb);
	return skb;
}

/* The pattern as one packet and a list behind it; @sizes ends with 0. */
static struct sk_buff *pieces(const u32 *sizes)
{
	struct sk_buff *first = packet(pattern, sizes[0]), *list = NULL, **tailp = &list;
	u32 at = sizes[0];

	for (u32 i = 1; sizes[i]; at += sizes[i++]) {
		*tailp = packet(pattern + at, sizes[i]);
		tailp = &(*tailp)->next;
	}
	if (list)
		skb_set_frag_list(first, list, at - sizes[0]);
	return first;
}

static int send_it(struct sock *sk, struct sk_buff *skb, bool df)
{
	struct flowi4 fl = { .daddr = PEER_IP, .flowi4_proto = 200, .flowi4_tos = 0x10 };
	struct rtable *rt = ip_route_output_key(net, &fl);

	CHECK(!IS_ERR(rt));
	return ip_send_skb(net, sk, skb, rt, &fl, 33, df);
}

/* The frames are the pattern's @len bytes, cut for @mtu. */
static void frames_are_right(u32 len, u32 mtu)
{
	u32 room = len <= mtu - 20 ? len : (mtu - 20) & ~7u, at = 0, i = 0;

	for (; at < len && i < nr_frames; i++) {
		const struct iphdr *ip = frame_ip(i);
		u32 n = len - at < room ? len - at : room;

		CHECK_EQ(frames[i].len, 34 + n);
		CHECK_EQ(ntohs(ip->tot_len), 20 + n);
		CHECK_EQ(ip_fast_csum(ip, 5), 0);
		CHECK_EQ(ntohs(ip->frag_off), at / 8 | (at + n < len ? IP_MF : 0));
		CHECK_EQ(ip->id, frame_ip(0)->id);
		CHECK_EQ(ip->ttl, 33);
		CHECK_EQ(ip->tos, 0x10);
		CHECK_EQ(ip->protocol, 200);
		CHECK_EQ(memcmp(frames[i].b + 34, pattern + at, n), 0);
		at += n;
	}
	CHECK_EQ(at, len);
	CHECK_EQ(i, nr_frames);
}

static const struct size_row {
	const char *name;
	u32 mtu, len, frames;
} sizes[] = {
	{ "fits", 1500, 1480, 1 },
	{ "one_too_many", 1500, 1481, 2 },
	{ "two_full_ones", 1500, 2960, 2 },
	{ "udp_of_4000", 1500, 4008, 3 },
	{ "largest", 1500, 65515, 45 },
	{ "room_is_rounded_down", 1499, 1480, 2 },
	{ "just_fits_unrounded", 1499, 1479, 1 },
	{ "mtu_576", 576, 1500, 3 },
	{ "mtu_68", 68, 480, 10 },
};

TEST_EACH(slow_way, sizes)
{
	u64 copied;

	up(row->mtu);
	copied = skb_stats.copied_frag;
	CHECK_EQ(send_it(NULL, packet(pattern, row->len), false), 0);
	CHECK_EQ(nr_frames, row->frames);
	frames_are_right(row->len, row->mtu);
	CHECK_EQ(IP(FragCreates), row->frames > 1 ? row->frames : 0);
	CHECK_EQ(IP(FragOKs), row->frames > 1);
	CHECK_EQ(IP(FragFails), 0);
	CHECK_EQ(IP(OutRequests), 1);
	/* The copy counter rises only when a datagram is fragmented. */
	CHECK_EQ(skb_stats.copied_frag - copied, row->frames > 1 ? row->len : 0);
	fixture_down();
}

static const struct list_row {
	const char *name;
	u32 mtu, sizes[8];
	bool fast;
} lists[] = {
	{ "three_pieces", 1500, { 1480, 1480, 1048 }, true },
	{ "a_last_byte", 1500, { 1480, 1 }, true },
	{ "smaller_than_need_be", 1500, { 8, 16, 24, 3 }, true },
	{ "first_too_large", 1500, { 1488, 1480 }, false },
	{ "last_too_large", 1500, { 1480, 1481 }, false },
	{ "first_no_multiple_of_8", 1500, { 1479, 8 }, false },
	{ "middle_no_multiple_of_8", 1500, { 1480, 1479, 8 }, false },
	{ "mtu_became_smaller", 576, { 1480, 1480, 1048 }, false },
	{ "fits_by_now", 1500, { 800, 600 }, true },
};

TEST_EACH(list, lists)
{
	u64 copied;
	u32 len = 0, n = 0;

	up(row->mtu);
	copied = skb_stats.copied_frag;
	while (row->sizes[n])
		len += row->sizes[n++];
	CHECK_EQ(send_it(NULL, pieces(row->sizes), false), 0);
	CHECK_EQ(skb_stats.copied_frag - copied, row->fast ? 0 : len);
	if (!row->fast) {
		frames_are_right(len, row->mtu);
	} else {
		CHECK_EQ(nr_frames, n);
		for (u32 i = 0, at = 0; i < n; at += row->sizes[i++]) {
			CHECK_EQ(frames[i].len, 34 + row->sizes[i]);
			CHECK_EQ(ntohs(frame_ip(i)->frag_off), at / 8 | (i + 1 < n ? IP_MF : 0));
			CHECK_EQ(memcmp(frames[i].b + 34, pattern + at, row->sizes[i]), 0);
			CHECK_EQ(ip_fast_csum(frame_ip(i), 5), 0);
		}
	}
	CHECK_EQ(IP(FragOKs), 1);
	CHECK_EQ(IP(FragCreates), nr_frames);
	fixture_down();
}

/* Pieces that somebody else holds too, or without room for a header, cannot be used as they are. */
TEST(pieces_that_are_not_ours_alone_are_copied)
{
	static const u32 two[] = { 1480, 100, 0 };
	struct sk_buff *skb, *clone;
	u64 copied;

	up(1500);
	copied = skb_stats.copied_frag;
	for (int which = 0; which < 3; which++) {
		skb = pieces(two);
		clone = NULL;
		if (which == 0) {
			clone = skb_clone(skb_shinfo(skb)->frag_list);
		} else if (which == 1) {
			clone = skb_get(skb_shinfo(skb)->frag_list);
		} else {
			struct sk_buff *tight = alloc_skb(100);

			consume_skb(skb_take_frag_list(skb));
			memcpy(skb_put(tight, 100), pattern + 1480, 100);
			skb_set_frag_list(skb, tight, 100);
		}
		nr_frames = 0;
		CHECK_EQ(send_it(NULL, skb, false), 0);
		frames_are_right(1580, 1500);
		CHECK_EQ(skb_stats.copied_frag - copied, 1580 * (which + 1));
		consume_skb(clone);
	}
	fixture_down();
}

TEST(df_forbids_unless_the_sender_decides)
{
	struct sk_buff *skb;
	u64 big;

	up(1500);
	big = DROP(PKT_TOO_BIG);
	CHECK_EQ(send_it(NULL, packet(pattern, 1481), true), -EMSGSIZE);
	CHECK_EQ(IP(FragFails), 1);
	CHECK_EQ(IP(OutDiscards), 1);
	CHECK_EQ(DROP(PKT_TOO_BIG) - big, 1);
	CHECK_EQ(nr_frames, 0);
	skb = packet(pattern, 1481);
	skb->ignore_df = 1;
	CHECK_EQ(send_it(NULL, skb, true), 0);
	frames_are_right(1481, 1500); /* without DF: they are what DF wanted to prevent */
	fixture_down();
}

TEST(a_pending_checksum_is_finished_before_the_cut)
{
	u16 check;

	up(1500);
	for (int fail = 0; fail < 2; fail++) {
		struct sk_buff *skb = packet(pattern, 2000), *clone = NULL;

		memset(skb->data + 6, 0, 2);
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb->transport_header;
		skb->csum_offset = 6;
		if (fail)
			clone = skb_clone(skb);
		if (fail)
			fail_alloc(1);
		CHECK_EQ(send_it(NULL, skb, false), fail ? -ENOMEM : 0);
		CHECK_EQ(fail_over(), fail);
		consume_skb(clone);
	}
	CHECK_EQ(nr_frames, 2);
	CHECK_EQ(IP(FragFails), 1);
	memcpy(&check, frames[0].b + 34 + 6, 2);
	memset(pattern + 6, 0, 2);
	CHECK_EQ(check, csum_fold(csum_partial(pattern, 2000, 0)));
	fixture_down();
}

/* --- Options ---------------------------------------------------------------------------------------------------------------- */

static struct sk_buff *with_options(const u8 *opt, u32 optlen, u32 len)
{
	struct sk_buff *skb = packet(pattern, len);
	struct flowi4 fl = { .daddr = PEER_IP };
	struct iphdr *iph;

	memcpy(skb_push(skb, optlen), opt, optlen);
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	memset(iph, 0, sizeof(*iph));
	iph->ver_ihl = (u8)(0x45 + optlen / 4);
	iph->tot_len = htons(skb->len);
	iph->protocol = 200;
	iph->saddr = OUR_IP;
	iph->daddr = PEER_IP;
	skb_dst_set(skb, &ip_route_output_key(net, &fl)->dst);
	return skb;
}

static const struct option_row {
	const char *name;
	u8 first[12], later[12];
	u32 len;
} options[] = {
	{ "copied", { 0x94, 4, 0, 0 }, { 0x94, 4, 0, 0 }, 4 },
	{ "not_copied", { 7, 4, 4, 0 }, { 1, 1, 1, 1 }, 4 },
	{ "both", { 7, 4, 4, 0, 0x94, 4, 0, 0 }, { 1, 1, 1, 1, 0x94, 4, 0, 0 }, 8 },
	{ "nops_and_end", { 1, 0, 7, 4 }, { 1, 0, 7, 4 }, 4 },
	{ "length_0", { 7, 0, 7, 4 }, { 7, 0, 7, 4 }, 4 },
	{ "length_beyond", { 7, 9, 7, 4 }, { 7, 9, 7, 4 }, 4 },
	{ "no_length", { 1, 1, 1, 7 }, { 1, 1, 1, 7 }, 4 },
};

TEST_EACH(option, options)
{
	u32 hlen = 20 + row->len, room = (1500 - hlen) & ~7u;

	up(1500);
	local_bh_disable();
	CHECK_EQ(ip_output(net, NULL, with_options(row->first, row->len, 3000)), 0);
	local_bh_enable();
	CHECK_EQ(nr_frames, 3);
	for (u32 i = 0; i < nr_frames; i++) {
		CHECK_EQ(frame_ip(i)->ver_ihl, 0x40 + hlen / 4);
		CHECK_EQ(memcmp(frames[i].b + 34, i ? row->later : row->first, row->len), 0);
		CHECK_EQ(ip_fast_csum(frame_ip(i), hlen / 4), 0);
		CHECK_EQ(memcmp(frames[i].b + 14 + hlen, pattern + i * room,
				frames[i].len - 14 - hlen),
			 0);
	}
	fixture_down();
}

/* A fragment that is cut again keeps its place and its "more". */
TEST(a_fragment_can_be_cut_again)
{
	struct sk_buff *skb;

	up(576);
	skb = with_options(pattern, 0, 1000);
	ip_hdr(skb)->frag_off = htons(IP_MF | 100);
	local_bh_disable();
	CHECK_EQ(ip_output(net, NULL, skb), 0);
	local_bh_enable();
	CHECK_EQ(nr_frames, 2);
	CHECK_EQ(ntohs(frame_ip(0)->frag_off), IP_MF | 100);
	CHECK_EQ(ntohs(frame_ip(1)->frag_off), IP_MF | (100 + 552 / 8));
	fixture_down();
}

TEST(an_mtu_without_room_is_refused)
{
	struct rtable *rt;
	struct flowi4 fl = { .daddr = PEER_IP };

	up(1500);
	rt = ip_route_output_key(net, &fl);
	rt->dst.mtu = 27;
	CHECK_EQ(send_it(NULL, packet(pattern, 100), false), -EMSGSIZE);
	rt->dst.mtu = 10;
	CHECK_EQ(send_it(NULL, packet(pattern, 100), false), -EMSGSIZE);
	rt->dst.mtu = 28;
	CHECK_EQ(send_it(NULL, packet(pattern, 100), false), 0);
	CHECK_EQ(nr_frames, 13);
	dst_release(&rt->dst);
	fixture_down();
}

/* --- In the middle ------------------------------------------------------------------------------------------------------------- */

static u32 passed, pass;

static int some_pass(struct net *n, struct sk_buff *skb)
{
	(void)n;
	consume_skb(skb);
	return passed++ < pass ? 0 : NET_XMIT_DROP;
}

/* The first fragment that does not go ends it: the rest is dropped, and what was charged comes back. */
TEST(an_error_in_the_middle_ends_it)
{
	static const u32 four[] = { 480, 480, 480, 480, 0 };

	for (int fast = 0; fast < 2; fast++)
		for (pass = 0; pass < 4; pass++) {
			struct flowi4 fl = { .daddr = PEER_IP };
			u64 abandoned;
			struct sk_buff *skb;

			up(500);
			abandoned = DROP(IP_FRAG_ABANDONED);
			passed = 0;
			skb = fast ? pieces(four) : packet(pattern, 1920);
			skb_push(skb, 20);
			skb_reset_network_header(skb);
			memset(skb->data, 0, 20);
			ip_hdr(skb)->ver_ihl = 0x45;
			skb_dst_set(skb, &ip_route_output_key(net, &fl)->dst);
			skb->dev = dev;
			local_bh_disable();
			CHECK_EQ(ip_fragment(net, skb, 500, some_pass), NET_XMIT_DROP);
			local_bh_enable();
			CHECK_EQ(passed, pass + 1);
			CHECK_EQ(IP(FragCreates), pass);
			CHECK_EQ(IP(FragFails), 1);
			CHECK_EQ(IP(FragOKs), 0);
			CHECK_EQ(DROP(IP_FRAG_ABANDONED) - abandoned, fast ? 3 - pass : 1);
			fixture_down();
		}
}

TEST(an_allocation_in_the_middle_fails)
{
	for (u64 nth = 1; nth <= 6; nth++) {
		struct sk_buff *skb;
		int err;

		up(1500);
		skb = packet(pattern, 4008);
		fail_alloc(nth); /* two for each fragment */
		err = send_it(NULL, skb, false);
		CHECK_EQ(fail_over(), 1);
		CHECK_EQ(err, -ENOMEM);
		CHECK_EQ(nr_frames, (nth - 1) / 2);
		CHECK_EQ(IP(FragCreates), (nth - 1) / 2);
		CHECK_EQ(IP(FragFails), 1);
		CHECK_EQ(IP(OutDiscards), 1);
		fixture_down();
	}
}

/* The socket pays for fragments till they are sent. */
TEST(fragments_are_charged_to_the_socket)
{
	static const u32 three[] = { 1480, 1480, 1000, 0 };

	for (int fast = 0; fast < 2; fast++) {
		struct sk_buff *skb;
		struct sock *sk;

		up(1500);
		sk = udp_open();
		skb = fast ? pieces(three) : packet(pattern, 3960);
		for (struct sk_buff *p = skb_shinfo(skb)->frag_list; p; p = p->next)
			skb_set_owner_w(p, sk);
		skb_set_owner_w(skb, sk);
		netif_tx_stop_all_queues(dev);
		CHECK_EQ(send_it(sk, skb, false), 0);
		CHECK_EQ(nr_frames, 0);
		CHECK(sk->sk_wmem_alloc >= 3 * SKB_TRUESIZE(1000));
		CHECK(sk->sk_wmem_alloc < 4 * SKB_TRUESIZE(2048));
		netif_wake_queue(dev);
		host_clock_advance(1000000);
		frames_are_right(3960, 1500);
		CHECK_EQ(sk->sk_wmem_alloc, 0);
		sk->sk_state = TCP_CLOSE;
		udp_prot.close(sk, 0);
		fixture_down();
	}
}

/* --- Packets to be cut --------------------------------------------------------------------------------------------------- */

static u32 outs, out_gso, out_longest;
static int out_rc;

static int take_out(struct net *n, struct sk_buff *skb)
{
	(void)n;
	outs++;
	out_gso += skb_is_gso(skb);
	out_longest = max(out_longest, skb->len);
	consume_skb(skb);
	return outs == 1 ? out_rc : 0;
}

/* A TCP packet of 3000 bytes that stands for segments of @mss. */
static struct sk_buff *to_be_cut(u16 mss, bool df)
{
	struct flowi4 fl = { .daddr = PEER_IP };
	struct sk_buff *skb = packet(pattern, 3000);
	struct tcphdr *th = skb_push(skb, sizeof(*th));
	struct iphdr *iph;

	memset(th, 0, sizeof(*th));
	((u8 *)th)[12] = 0x50;
	skb_reset_transport_header(skb);
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	memset(iph, 0, sizeof(*iph));
	iph->ver_ihl = 0x45;
	iph->tot_len = htons(skb->len);
	iph->frag_off = htons(df ? IP_DF : 0);
	iph->protocol = IPPROTO_TCP;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = 16;
	skb->protocol = htons(ETH_P_IP);
	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_segs = (u16)DIV_ROUND_UP(3000, mss);
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb_dst_set(skb, &ip_route_output_key(net, &fl)->dst);
	skb->dev = dev;
	return skb;
}

static const struct gso_row {
	const char *name;
	u16 mss;
	bool df, no_memory, fails;
	u32 outs, gso, longest;
	int err;
} gsos[] = {
	{ "segments_fit", 560, true, .outs = 1, .gso = 1, .longest = 3040 },
	{ "segments_do_not_fit", 1000, false, .outs = 6, .longest = 596 },
	{ "not_all_segments_fit", 561, false, .outs = 11, .longest = 596 },
	{ "nor_may_they_be_cut", 1000, true, .outs = 0, .err = -EMSGSIZE },
	{ "no_memory", 1000, .no_memory = true, .outs = 0, .err = -ENOMEM },
	{ "the_first_fails", 1000, .fails = true, .outs = 5, .longest = 596, .err = -ENOBUFS },
};

TEST_EACH(gso, gsos)
{
	struct sk_buff *skb;
	int err;

	up(1500);
	outs = 0;
	out_gso = 0;
	out_longest = 0;
	out_rc = row->fails ? -ENOBUFS : 0;
	skb = to_be_cut(row->mss, row->df);
	if (row->no_memory)
		fail_alloc(1);
	local_bh_disable();
	err = ip_finish_output_gso(net, skb, 600, take_out);
	local_bh_enable();
	if (row->no_memory)
		CHECK_EQ(fail_over(), 1);
	CHECK_EQ(err, row->err);
	CHECK_EQ(outs, row->outs);
	CHECK_EQ(out_gso, row->gso);
	CHECK_EQ(out_longest, row->longest);
	fixture_down();
}

/* --- There and back ------------------------------------------------------------------------------------------------------------------ */

static u8 back[66000];
static u32 back_len, back_times;

static void take(struct sk_buff *skb)
{
	back_len = skb->len;
	back_times++;
	CHECK_EQ(skb_copy_bits(skb, 0, back, skb->len), 0);
	consume_skb(skb);
}

static const struct net_protocol taker = { .handler = take };

/* What is cut here is joined there, for every length around the borders and for every MTU. */
TEST(what_is_cut_is_joined_again)
{
	static const u32 mtus[] = { 68, 576, 1006, 1492, 1499, 1500 };

	for (u32 k = 0; k < ARRAY_SIZE(mtus); k++) {
		u32 room = (mtus[k] - 20) & ~7u;

		up(mtus[k]);
		CHECK_EQ(inet_add_protocol(net, 200, &taker), 0);
		for (u32 n = 1; n <= 4; n++)
			for (u32 d = 0; d < 17; d++) {
				u32 len = n * room + d - 8, nr;
				static struct frame copy[8];

				nr_frames = 0;
				back_times = 0;
				CHECK_EQ(send_it(NULL, packet(pattern, len), false), 0);
				nr = nr_frames;
				CHECK(nr <= ARRAY_SIZE(copy));
				nr = nr < ARRAY_SIZE(copy) ? nr : ARRAY_SIZE(copy);
				memcpy(copy, frames, nr * sizeof(copy[0]));
				for (u32 i = nr; i-- > 0;) {
					struct iphdr *ip = (struct iphdr *)(void *)(copy[i].b + 14);

					memcpy(copy[i].b, our_mac, 6);
					memcpy(copy[i].b + 6, peer_mac, 6);
					ip->saddr = PEER_IP;
					ip->daddr = OUR_IP;
					ip->check = 0;
					ip->check = ip_fast_csum(ip, 5);
					CHECK_EQ(back_times, 0);
					feed(copy[i].b, copy[i].len);
				}
				CHECK_EQ(back_times, 1);
				CHECK_EQ(back_len, len);
				CHECK_EQ(memcmp(back, pattern, len), 0);
			}
		fixture_down();
	}
}

KTEST_MAIN_BOOT()
