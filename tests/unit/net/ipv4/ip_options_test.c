// SPDX-License-Identifier: MIT
/* IP options: what an application may set, and what stands on the wire. */
#include "fixture.h"

#include "../../../../net/ipv4/ipv4.h"

#define HOP1 10, 0, 0, 2
#define HOP2 10, 0, 9, 9

static int set(struct sock *sk, const void *opt, u32 len)
{
	int err;

	lock_sock(sk);
	err = ip_setsockopt(sk, IP_OPTIONS, opt, len);
	release_sock(sk);
	return err;
}

static u32 get(struct sock *sk, void *opt, u32 room)
{
	lock_sock(sk);
	CHECK_EQ(ip_getsockopt(sk, IP_OPTIONS, opt, &room), 0);
	release_sock(sk);
	return room;
}

/* --- What may be set ---------------------------------------------------------------------------------------------------- */

static const struct set_row {
	const char *name;
	u32 len;
	u8 opt[44];
	int err;
	u32 optlen;
} sets[] = {
	{ "nothing", 0, { 0 }, 0, 0 },
	{ "one_nop_is_filled_up", 1, { 1 }, 0, 4 },
	{ "five_nops", 5, { 1, 1, 1, 1, 1 }, 0, 8 },
	{ "forty", 40, { 7, 39, 4 }, 0, 40 },
	{ "forty_one", 41, { 1 }, -EINVAL, 0 },
	{ "end_and_rubbish", 8, { 0, 7, 255, 255, 131, 0, 9, 9 }, 0, 8 },
	{ "kind_without_length", 1, { 7 }, -EINVAL, 0 },
	{ "length_0", 4, { 7, 0, 4, 0 }, -EINVAL, 0 },
	{ "length_1", 4, { 94, 1, 4, 0 }, -EINVAL, 0 },
	{ "length_past_the_end", 4, { 94, 5, 0, 0 }, -EINVAL, 0 },
	{ "unknown", 4, { 94, 4, 1, 2 }, 0, 4 },
	{ "retired_stream_id", 4, { 136, 4, 0, 1 }, -EINVAL, 0 },
	{ "retired_traceroute", 12, { 82, 12 }, -EINVAL, 0 },
	{ "router_alert", 4, { 148, 4, 0, 0 }, 0, 4 },
	{ "router_alert_too_short", 3, { 148, 3, 0 }, -EINVAL, 0 },
	{ "record_route", 7, { 7, 7, 4 }, 0, 8 },
	{ "record_route_twice", 8, { 7, 4, 4, 0, 7, 4, 4, 0 }, -EINVAL, 0 },
	{ "record_route_full", 7, { 7, 7, 8 }, 0, 8 },
	{ "record_route_of_nothing", 3, { 7, 3, 4 }, 0, 4 },
	{ "record_route_too_short", 2, { 7, 2 }, -EINVAL, 0 },
	{ "record_route_pointer_before", 7, { 7, 7, 3 }, -EINVAL, 0 },
	{ "record_route_pointer_0", 7, { 7, 7, 0 }, -EINVAL, 0 },
	{ "record_route_half_a_slot", 7, { 7, 7, 5 }, -EINVAL, 0 },
	{ "loose_source_route", 7, { 131, 7, 4, HOP1 }, 0, 8 },
	{ "strict_source_route", 11, { 137, 11, 4, HOP1, HOP2 }, 0, 12 },
	{ "source_route_of_nothing", 3, { 131, 3, 4 }, -EINVAL, 0 },
	{ "source_route_half_an_address", 9, { 131, 9, 4, HOP1, 1, 1 }, -EINVAL, 0 },
	{ "source_route_used_up", 7, { 131, 7, 8, HOP1 }, -EINVAL, 0 },
	{ "source_route_twice", 15, { 131, 7, 4, HOP1, 137, 7, 4, HOP1 }, -EINVAL, 0 },
	{ "timestamps", 8, { 68, 8, 5, 0 }, 0, 8 },
	{ "timestamps_and_addresses", 12, { 68, 12, 5, 1 }, 0, 12 },
	{ "timestamps_of_these", 12, { 68, 12, 5, 3, HOP1 }, 0, 12 },
	{ "timestamps_form_2", 12, { 68, 12, 5, 2 }, -EINVAL, 0 },
	{ "timestamps_too_short", 3, { 68, 3, 5 }, -EINVAL, 0 },
	{ "timestamps_half_a_slot", 8, { 68, 8, 6, 0 }, -EINVAL, 0 },
	{ "timestamps_pointer_before", 8, { 68, 8, 4, 0 }, -EINVAL, 0 },
	{ "timestamps_and_no_room_for_the_address", 8, { 68, 8, 5, 1 }, -EINVAL, 0 },
	{ "timestamps_twice", 8, { 68, 4, 5, 0, 68, 4, 5, 0 }, -EINVAL, 0 },
	{ "timestamps_full", 8, { 68, 8, 9, 0xe0 }, 0, 8 },
	{ "timestamps_full_and_overflown", 8, { 68, 8, 9, 0xf0 }, -EINVAL, 0 },
};

TEST_EACH(set_options, sets)
{
	static const u8 before[4] = { 1, 1, 1, 0 };
	u8 got[44];
	struct sock *sk;

	fixture_up(true);
	sk = udp_open();
	CHECK_EQ(set(sk, before, 4), 0);
	CHECK_EQ(set(sk, row->opt, row->len), row->err);
	/* What is refused changes nothing; what is read is what was set. */
	CHECK_EQ(get(sk, got, sizeof(got)), row->err ? 4 : row->optlen);
	CHECK(!memcmp(got, row->err ? before : row->opt, row->err ? 4 : row->len));
	CHECK_EQ(ip_sk_optlen(sk), row->err ? 4 : row->optlen);
	CHECK_EQ(get(sk, got, 2), row->err || row->optlen ? 2 : 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(without_memory_nothing_is_set)
{
	static const u8 nop[4] = { 1, 1, 1, 1 };
	u8 got[4];
	struct sock *sk;

	fixture_up(true);
	sk = udp_open();
	CHECK_EQ(set(sk, NULL, 0), 0); /* taking away what is not there needs none */
	CHECK(!sk->inet_ext);
	fail_allocs_from(1);
	CHECK_EQ(set(sk, nop, 4), -ENOMEM);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(get(sk, got, 4), 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* --- What goes out ---------------------------------------------------------------------------------------------------------- */

#define OURS 10, 0, 0, 1
#define FAR  8, 8, 8, 8

static const struct wire_row {
	const char *name;
	u32 len;
	u8 opt[40];
	u8 to[4], header_to[4]; /* sendto(), and what stands in the header */
	u32 wlen;
	u8 wire[40]; /* a 0xee is any byte */
} wires[] = {
	{ "nops", 3, { 1, 1, 1 }, { HOP1 }, { HOP1 }, 4, { 1, 1, 1, 0 } },
	{ "first_hop_is_the_destination",
	  7,
	  { 131, 7, 4, HOP1 },
	  { FAR },
	  { HOP1 },
	  8,
	  { 131, 7, 4, FAR, 0 } },
	{ "the_real_one_is_the_last",
	  11,
	  { 137, 11, 4, HOP1, HOP2 },
	  { FAR },
	  { HOP1 },
	  12,
	  { 137, 11, 4, HOP2, FAR, 0 } },
	{ "source_route_behind_a_nop",
	  8,
	  { 1, 131, 7, 4, HOP1 },
	  { FAR },
	  { HOP1 },
	  8,
	  { 1, 131, 7, 4, FAR } },
	{ "we_are_recorded",
	  11,
	  { 7, 11, 4 },
	  { HOP1 },
	  { HOP1 },
	  12,
	  { 7, 11, 8, OURS, 0, 0, 0, 0, 0 } },
	{ "nobody_is_recorded_when_it_is_full",
	  7,
	  { 7, 7, 8, HOP2 },
	  { HOP1 },
	  { HOP1 },
	  8,
	  { 7, 7, 8, HOP2, 0 } },
	{ "a_time",
	  12,
	  { 68, 12, 5, 0 },
	  { HOP1 },
	  { HOP1 },
	  12,
	  { 68, 12, 9, 0, 0xee, 0xee, 0xee, 0xee, 0, 0, 0, 0 } },
	{ "a_time_and_our_address",
	  12,
	  { 68, 12, 5, 1 },
	  { HOP1 },
	  { HOP1 },
	  12,
	  { 68, 12, 13, 1, OURS, 0xee, 0xee, 0xee, 0xee } },
	{ "a_time_where_we_are_asked",
	  12,
	  { 68, 12, 5, 3, OURS },
	  { HOP1 },
	  { HOP1 },
	  12,
	  { 68, 12, 13, 3, OURS, 0xee, 0xee, 0xee, 0xee } },
	{ "no_time_where_another_is_asked",
	  12,
	  { 68, 12, 5, 3, HOP2 },
	  { HOP1 },
	  { HOP1 },
	  12,
	  { 68, 12, 5, 3, HOP2, 0, 0, 0, 0 } },
	{ "one_more_for_whom_there_was_no_room",
	  8,
	  { 68, 8, 9, 0x10, 9, 9, 9, 9 },
	  { HOP1 },
	  { HOP1 },
	  8,
	  { 68, 8, 9, 0x20, 9, 9, 9, 9 } },
};

/* The datagram in frame @i: its options, and a checksum over the real destination. */
static void check_wire(u32 i, const u8 *opt, u32 len, const u8 *header_to, __be32 to)
{
	const struct iphdr *iph = frame_ip(i);
	const u8 *p = (const u8 *)iph + 20;

	CHECK(iph != NULL);
	CHECK_EQ(ip_hdrlen(iph), 20 + len);
	CHECK_EQ(ntohs(iph->tot_len), 20 + len + 8 + 5);
	CHECK_EQ(ip_fast_csum(iph, 5 + len / 4), 0);
	CHECK(!memcmp(&iph->daddr, header_to, 4));
	for (u32 k = 0; k < len; k++)
		CHECK(opt[k] == 0xee || p[k] == opt[k]);
	CHECK_EQ(csum_tcpudp_magic(iph->saddr, to, 13, IPPROTO_UDP, csum_partial(p + len, 13, 0)),
		 0);
}

TEST_EACH(on_the_wire, wires)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sock *sk;

	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	sk = udp_open();
	CHECK_EQ(set(sk, row->opt, row->len), 0);
	memcpy(&sin.sin_addr, row->to, 4);
	CHECK_EQ(udp_send(sk, sin.sin_addr, 9, "hello", 5, 0), 5);
	CHECK_EQ(nr_frames, 1);
	check_wire(0, row->wire, row->wlen, row->header_to, sin.sin_addr);
	/* Connected it is the same, and once more. */
	CHECK_EQ(udp_prot.connect(sk, &sin, sizeof(sin), false), 0);
	CHECK_EQ(udp_send(sk, 0, 0, "hello", 5, 0), 5);
	CHECK_EQ(udp_send(sk, 0, 0, "hello", 5, 0), 5);
	check_wire(1, row->wire, row->wlen, row->header_to, sin.sin_addr);
	check_wire(2, row->wire, row->wlen, row->header_to, sin.sin_addr);
	CHECK_EQ(set(sk, NULL, 0), 0);
	CHECK_EQ(udp_send(sk, 0, 0, "hello", 5, 0), 5);
	CHECK_EQ(ip_hdrlen(frame_ip(3)), 20);
	CHECK(!memcmp(&frame_ip(3)->daddr, row->to, 4));
	udp_prot.close(sk, 0);
	fixture_down();
}

/* The first hop of a strict route is on our link, or the packet does not go (RFC 791). */
static const struct strict_row {
	const char *name;
	u8 opt[7];
	long result;
} stricts[] = {
	{ "neighbour", { 137, 7, 4, HOP1 }, 5 },
	{ "beyond_a_router", { 137, 7, 4, FAR }, -EHOSTUNREACH },
	{ "loose_beyond_a_router", { 131, 7, 4, FAR }, 5 },
};

TEST_EACH(strict, stricts)
{
	struct sk_buff *skb;
	struct sock *sk;

	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	sk = udp_open();
	CHECK_EQ(set(sk, row->opt, 7), 0);
	CHECK_EQ(udp_send(sk, IP4(9, 9, 9, 9), 9, "hello", 5, 0), row->result);
	CHECK_EQ(nr_frames, row->result == 5);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], row->result < 0);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutDiscards], 0);
	/* TCP's way down says the same. */
	sk->sk_daddr = IP4(9, 9, 9, 9);
	sk->sk_protocol = 200;
	skb = alloc_skb(200);
	skb_reserve(skb, 180);
	CHECK_EQ(ip_queue_xmit(sk, skb), row->result < 0 ? row->result : 0);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], row->result < 0 ? 2 : 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(options_take_their_room_from_the_datagram)
{
	static const u8 rr[40] = { 7, 39, 4 };
	static u8 data[1500];
	struct sock *sk;
	int how = IP_PMTUDISC_DO;

	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	sk = udp_open();
	lock_sock(sk);
	CHECK_EQ(ip_setsockopt(sk, IP_MTU_DISCOVER, &how, sizeof(how)), 0);
	release_sock(sk);
	CHECK_EQ(set(sk, rr, 40), 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, data, 1433, 0), -EMSGSIZE);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, data, 1432, 0), 1432);
	CHECK_EQ(frames[0].len, 1514);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(no_room_before_the_header_and_no_memory_for_it)
{
	static const u8 rr[40] = { 7, 39, 4 };
	struct sk_buff *skb;
	struct sock *sk;
	u64 nomem;

	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	nomem = skb_stats.drop[SKB_DROP_REASON_NOMEM];
	sk = udp_open();
	sk->sk_daddr = PEER_IP;
	sk->sk_protocol = 200;
	CHECK_EQ(set(sk, rr, 40), 0);
	for (u32 i = 0; i < 2; i++) {
		skb = alloc_skb(20);
		skb_reserve(skb, 20);
		CHECK(ip_sk_dst(sk) != NULL);
		if (!i)
			fail_allocs_from(1);
		CHECK_EQ(ip_queue_xmit(sk, skb), i ? 0 : -ENOMEM);
		(void)fail_over();
	}
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_NOMEM] - nomem, 1);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(ip_hdrlen(frame_ip(0)), 60);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* Nothing of what came in goes out again: an answer has no options. */
TEST(answers_bear_no_options)
{
	static struct ipframe f;
	u32 n;

	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_ICMP, 8 + 8);
	f.ip.ver_ihl = 0x47;
	memcpy(f.data, "\7\7\4\0\0\0\0\0", 8);
	memset(f.data + 8, 0, 8);
	f.data[8] = 8;
	put_unaligned_be16(0xf7ff, f.data + 10);
	feed_ip(&f, n, true);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(ip_hdrlen(frame_ip(0)), 20);
	/* And a source route is not followed, not answered, not kept. */
	memcpy(f.data, "\203\7\4\12\0\0\1\0", 8);
	feed_ip(&f, n, true);
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

KTEST_MAIN_BOOT()
