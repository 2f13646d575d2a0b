// SPDX-License-Identifier: MIT
/* ARP and the neighbour states in virtual time, seen from the wire. */
#include "../ipv4/fixture.h"

#define SEC 1000000000ull

static const u8 evil_mac[6] = { 2, 0, 0, 0, 6, 6 };

static u32 count_arp(u16 op)
{
	u32 n = 0;

	for (u32 i = 0; i < nr_frames; i++)
		n += frame_arp(i) && frame_arp(i)->ar_op == htons(op);
	return n;
}

TEST(answers_only_for_us)
{
	fixture_up(true);
	feed_arp_to(all_mac, ARPOP_REQUEST, peer_mac, PEER_IP, (u8[6]){ 0 }, IP4(10, 0, 0, 77));
	CHECK_EQ(nr_frames, 0);
	CHECK(!page_has(arp_show, "10.0.0.2"));
	feed_arp_to(all_mac, ARPOP_REQUEST, peer_mac, PEER_IP, (u8[6]){ 0 }, OUR_IP);
	CHECK_EQ(nr_frames, 1);
	CHECK(frame_arp(0) && frame_arp(0)->ar_op == htons(ARPOP_REPLY) &&
	      frame_arp(0)->ar_sip == OUR_IP);
	CHECK(!memcmp(frames[0].b, peer_mac, 6) && !memcmp(frame_arp(0)->ar_sha, our_mac, 6));
	CHECK(page_has(
		arp_show,
		"10.0.0.2         0x1         0x2         02:00:00:00:00:02     *        eth0\n"));
	/* An address probe is answered without learning. */
	feed_arp_to(all_mac, ARPOP_REQUEST, evil_mac, 0, (u8[6]){ 0 }, OUR_IP);
	CHECK_EQ(nr_frames, 2);
	CHECK(!page_has(arp_show, "06:06"));
	fixture_down();
}

TEST(malformed_and_unsolicited_change_nothing)
{
	u8 b[42] = { 0 };

	fixture_up(true);
	feed_arp_to(our_mac, ARPOP_REPLY, peer_mac, PEER_IP, our_mac, OUR_IP); /* nobody asked */
	feed_arp_to(our_mac, 0, peer_mac, PEER_IP, our_mac, OUR_IP);
	feed_arp_to(our_mac, ARPOP_REQUEST, all_mac, PEER_IP, our_mac, OUR_IP);
	feed_arp_to(our_mac, ARPOP_REQUEST, peer_mac, IP4(224, 0, 0, 9), our_mac, OUR_IP);
	feed_arp_to(our_mac, ARPOP_REQUEST, peer_mac, IP4(10, 0, 0, 255), our_mac, OUR_IP);
	memcpy(b, our_mac, 6);
	memcpy(b + 6, peer_mac, 6);
	b[12] = 8;
	b[13] = 6;
	for (u32 len = 14; len < 42; len++)
		feed(b, len);
	CHECK(!page_has(arp_show, "eth0"));
	fixture_down();
}

TEST(queue_is_sent_in_order_when_the_answer_comes)
{
	struct sock *sk;

	fixture_up(true);
	sk = udp_open();
	for (u8 i = 0; i < 3; i++)
		CHECK_EQ(udp_send(sk, PEER_IP, 9, &i, 1, MSG_DONTWAIT), 1);
	CHECK_EQ(nr_frames, 1); /* one question, broadcast, from our address */
	CHECK(frame_arp(0) && !memcmp(frames[0].b, all_mac, 6) && frame_arp(0)->ar_sip == OUR_IP &&
	      frame_arp(0)->ar_tip == PEER_IP);
	CHECK(sk->sk_wmem_alloc > 0);
	peer_answers();
	CHECK_EQ(nr_frames, 4);
	for (u32 i = 0; i < 3; i++) {
		CHECK(frame_ip(1 + i) && !memcmp(frames[1 + i].b, peer_mac, 6) &&
		      !memcmp(frames[1 + i].b + 6, our_mac, 6));
		CHECK_EQ(frames[1 + i].b[42], i);
	}
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK(page_has(neigh_stat_show, "hh_hits 3\n"));
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(three_questions_a_second_apart_then_failure)
{
	struct sock *sk;
	u64 t0;

	fixture_up(true);
	sk = udp_open();
	t0 = host_clock();
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1);
	host_clock_advance(5 * SEC);
	CHECK_EQ(count_arp(ARPOP_REQUEST), 3);
	for (u32 i = 0; i < 3 && i < nr_frames; i++)
		CHECK(frames[i].at_ns - t0 >= i * SEC && frames[i].at_ns - t0 < i * SEC + SEC / 50);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK(page_has(neigh_stat_show, "res_failed 1\n"));
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1); /* starts anew */
	CHECK_EQ(count_arp(ARPOP_REQUEST), 4);
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(queue_is_bounded_in_bytes_oldest_out)
{
	static u8 big[1400];
	struct sock *sk;
	u32 waiting;

	fixture_up(true);
	sk = udp_open();
	sk->sk_sndbuf = 10 * SYSCTL_MEM_DEFAULT;
	for (u32 i = 0; i < 200; i++) {
		big[0] = (u8)i;
		CHECK_EQ(udp_send(sk, PEER_IP, 9, big, sizeof(big), MSG_DONTWAIT),
			 (long)sizeof(big));
	}
	CHECK(sk->sk_wmem_alloc <= 212992);
	waiting = sk->sk_wmem_alloc / SKB_TRUESIZE(60 + sizeof(big));
	peer_answers();
	CHECK(nr_frames > 90 && nr_frames < 130 && waiting > 90);
	CHECK_EQ(frames[nr_frames - 1].b[42], 199);
	CHECK_EQ(frames[1].b[42], 200 - (nr_frames - 1)); /* the newest ones, all of them */
	CHECK(skb_stats.drop[SKB_DROP_REASON_NEIGH_QUEUEFULL] >= 200 - (nr_frames - 1));
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(ages_and_asks_the_known_address_first)
{
	struct sock *sk;

	fixture_up(true);
	sk = udp_open();
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1);
	peer_answers();
	host_clock_advance(50 * SEC); /* REACHABLE is over, nobody used it: STALE */
	nr_frames = 0;
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(nr_frames, 1); /* sent at once with the old address: DELAY */
	CHECK(frame_ip(0) != NULL);
	host_clock_advance(6 * SEC); /* PROBE */
	CHECK(frame_arp(1) && !memcmp(frames[1].b, peer_mac, 6));
	peer_answers();
	host_clock_advance(3 * SEC);
	CHECK_EQ(count_arp(ARPOP_REQUEST), nr_frames - 1);
	CHECK(page_has(arp_show, "02:00:00:00:00:02"));
	CHECK(page_has(neigh_stat_show, "res_failed 0\n"));
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(a_forged_reply_does_not_move_a_live_neighbour)
{
	struct sock *sk;

	fixture_up(true);
	sk = udp_open();
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1);
	peer_answers();
	host_clock_advance(2 * SEC);
	nr_frames = 0;
	feed_arp_to(our_mac, ARPOP_REPLY, evil_mac, PEER_IP, our_mac, OUR_IP);
	CHECK_EQ(nr_frames, 1); /* the old owner is asked, alone */
	CHECK(frame_arp(0) && !memcmp(frames[0].b, peer_mac, 6));
	peer_answers();
	host_clock_advance(2 * SEC);
	CHECK(page_has(arp_show, "02:00:00:00:00:02") && !page_has(arp_show, "06:06"));
	CHECK(page_has(neigh_stat_show, "conflicts 1\n"));
	/* The same claim, and the owner is silent: within 1.5 s it is believed. */
	feed_arp_to(all_mac, ARPOP_REQUEST, evil_mac, PEER_IP, (u8[6]){ 0 }, PEER_IP);
	host_clock_advance(3 * SEC / 2);
	CHECK(page_has(arp_show, "02:00:00:00:06:06"));
	udp_prot.close(sk, 0);
	fixture_down();
}

TEST(own_address_is_defended_once_in_ten_seconds)
{
	fixture_up(true);
	for (u32 i = 0; i < 5; i++) {
		feed_arp_to(all_mac, ARPOP_REQUEST, evil_mac, OUR_IP, (u8[6]){ 0 }, OUR_IP);
		host_clock_advance(SEC);
	}
	CHECK_EQ(nr_frames, 1);
	CHECK(frame_arp(0) && frame_arp(0)->ar_sip == OUR_IP && frame_arp(0)->ar_tip == OUR_IP);
	CHECK(!page_has(arp_show, "06:06"));
	CHECK(page_has(neigh_stat_show, "own_conflicts 5\n"));
	fixture_down();
}

TEST(a_scan_cannot_evict_gateway_or_permanent)
{
	u8 mac[6] = { 2, 1, 0, 0, 0, 0 };

	fixture_up(false);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 16), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 3), dev, evil_mac), 0);
	for (u32 i = 0; i < 5000; i++) {
		mac[4] = (u8)(i >> 8);
		mac[5] = (u8)i;
		feed_arp_to(our_mac, ARPOP_REQUEST, mac, htonl(0x0a000100 + i), our_mac, OUR_IP);
	}
	CHECK(page_has(neigh_stat_show, "entries 1024\n") ||
	      page_has(neigh_stat_show, "entries 256\n"));
	CHECK(page_has(neigh_stat_show, "table_fulls 0\n"));
	nr_frames = 0;
	feed_arp_to(our_mac, ARPOP_REPLY, peer_mac, PEER_IP, our_mac, OUR_IP);
	{
		struct sock *sk = udp_open();

		CHECK_EQ(udp_send(sk, IP4(8, 8, 8, 8), 9, "x", 1, MSG_DONTWAIT), 1);
		CHECK_EQ(udp_send(sk, IP4(10, 0, 0, 3), 9, "x", 1, MSG_DONTWAIT), 1);
		udp_prot.close(sk, 0);
	}
	CHECK_EQ(nr_frames, 2);
	CHECK(!memcmp(frames[0].b, peer_mac, 6) && !memcmp(frames[1].b, evil_mac, 6));
	host_clock_advance(120 * SEC); /* the collector empties it */
	CHECK(page_has(neigh_stat_show, "entries 2\n"));
	fixture_down();
}

TEST(multicast_and_broadcast_need_no_question)
{
	static const u8 group[6] = { 1, 0, 0x5e, 1, 2, 3 };
	struct sock *sk;

	fixture_up(true);
	sk = udp_open();
	sock_set_flag(sk, SOCK_BROADCAST);
	CHECK_EQ(udp_send(sk, IP4(239, 129, 2, 3), 9, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(udp_send(sk, IP4(10, 0, 0, 255), 9, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(udp_send(sk, INADDR_BROADCAST, 9, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(nr_frames, 3);
	CHECK(!memcmp(frames[0].b, group, 6) && frame_ip(0)->ttl == 1);
	CHECK(!memcmp(frames[1].b, all_mac, 6) && !memcmp(frames[2].b, all_mac, 6));
	CHECK_EQ(net->mib.ipext[IPEXT_MIB_OutBcastPkts], 2);
	CHECK_EQ(net->mib.ipext[IPEXT_MIB_OutMcastPkts], 1);
	udp_prot.close(sk, 0);
	fixture_down();
}

KTEST_MAIN_BOOT()
