// SPDX-License-Identifier: MIT
/* IPv4 output: sizes around the MTU, every field of the header, identification, routes of sockets, what fails how; and the options of level SOL_IP. */
#include "fixture.h"

#include "../../../../net/neigh/neigh.h"

/* The options want the socket's owner, as the protocols do it. */
static int owner_sets(struct sock *sk, int opt, const void *kval, u32 len)
{
	int err;

	lock_sock(sk);
	err = ip_setsockopt(sk, opt, kval, len);
	release_sock(sk);
	return err;
}

static int owner_gets(struct sock *sk, int opt, void *kval, u32 *len)
{
	int err;

	lock_sock(sk);
	err = ip_getsockopt(sk, opt, kval, len);
	release_sock(sk);
	return err;
}

#define MSEC   1000000ull
#define SEC    1000000000ull
#define IP(n)  IPSTATS_MIB_##n
#define EXT(n) IPEXT_MIB_##n
#define R(n)   SKB_DROP_REASON_##n

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
}

static struct sk_buff *packet(u32 len)
{
	struct sk_buff *skb = alloc_skb(100 + len);

	skb_reserve(skb, 100);
	memset(skb_put(skb, len), 0x42, len);
	skb_reset_transport_header(skb);
	return skb;
}

static struct rtable *route(__be32 daddr, struct flowi4 *fl)
{
	struct rtable *rt;

	*fl = (struct flowi4){ .daddr = daddr, .flowi4_proto = 200 };
	rt = ip_route_output_key(net, fl);
	CHECK(!IS_ERR(rt));
	return rt;
}

/* A datagram of @len bytes of payload to @daddr. */
static int send_to(__be32 daddr, u32 len, u8 ttl, bool df)
{
	struct flowi4 fl;
	struct rtable *rt = route(daddr, &fl);

	return ip_send_skb(net, NULL, packet(len), rt, &fl, ttl, df);
}

/* A connected socket as TCP's, made of UDP's. */
static struct sock *peer_sock(__be32 daddr)
{
	struct sock *sk = udp_open();

	sk->sk_protocol = 200;
	sk->sk_daddr = daddr;
	sk->inet_id = 0x1000;
	return sk;
}

static void put_sock(struct sock *sk)
{
	sk->sk_state = TCP_CLOSE;
	udp_prot.close(sk, 0);
}

/* --- Sizes -------------------------------------------------------------------------------------------------------------- */

static const struct size_row {
	const char *name;
	u32 mtu, total;
	bool df;
	int err;
} sizes[] = {
	{ "header_only", 1500, 20, true, 0 },
	{ "one_below_1500", 1500, 1499, true, 0 },
	{ "the_1500", 1500, 1500, true, 0 },
	{ "one_above_1500", 1500, 1501, true, -EMSGSIZE },
	{ "the_1500_without_df", 1500, 1500, false, 0 },
	{ "one_below_576", 576, 575, true, 0 },
	{ "the_576", 576, 576, true, 0 },
	{ "one_above_576", 576, 577, true, -EMSGSIZE },
	{ "one_below_the_least", 68, 67, true, 0 },
	{ "the_least", 68, 68, true, 0 },
	{ "one_above_the_least", 68, 69, true, -EMSGSIZE },
};

TEST_EACH(size, sizes)
{
	u64 too_big = skb_stats.drop[R(PKT_TOO_BIG)];

	up();
	CHECK_EQ(dev_set_mtu(dev, row->mtu), 0);
	CHECK_EQ(send_to(PEER_IP, row->total - 20, 0, row->df), row->err);
	CHECK_EQ(nr_frames, !row->err);
	CHECK_EQ(net->mib.ip[IP(FragFails)], row->err != 0);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], row->err != 0);
	CHECK_EQ(net->mib.ip[IP(OutRequests)], 1);
	CHECK_EQ(net->mib.ipext[EXT(OutOctets)], row->total);
	CHECK_EQ(skb_stats.drop[R(PKT_TOO_BIG)] - too_big, row->err != 0);
	if (!row->err) {
		CHECK_EQ(frames[0].len, 14 + row->total);
		CHECK_EQ(ntohs(frame_ip(0)->tot_len), row->total);
		CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
	}
	fixture_down();
}

/* The largest packet there can be has 65535 bytes, whatever the device could take. */
static const struct largest_row {
	const char *name;
	u32 total;
	int err;
} largests[] = {
	{ "one_below", 65534, 0 },
	{ "the_largest", 65535, 0 },
	{ "one_above", 65536, -EMSGSIZE },
};

TEST_EACH(largest, largests)
{
	up();
	CHECK_EQ(send_to(IP4(127, 0, 0, 1), row->total - 20, 0, true), row->err);
	host_clock_advance(MSEC);
	CHECK_EQ(net->mib.ip[IP(InUnknownProtos)], !row->err);
	CHECK_EQ(net->mib.ip[IP(FragFails)], row->err != 0);
	/* The packet, and the answer that nobody speaks that protocol. */
	CHECK_EQ(net->loopback_dev->stats.rx_packets, row->err ? 0 : 2);
	fixture_down();
}

/* --- Header ---------------------------------------------------------------------------------------------------------------- */

static const struct field_row {
	const char *name;
	u8 ttl, tos;
	bool df;
	u8 want_ttl;
} fields[] = {
	{ "defaults", 0, 0, true, 64 },           { "ttl_1", 1, 0, true, 1 },
	{ "ttl_255", 255, 0, true, 255 },         { "service", 0, 0xb8, true, 64 },
	{ "service_and_ecn", 0, 0xff, true, 64 }, { "may_be_cut", 0, 0, false, 64 },
};

TEST_EACH(field, fields)
{
	struct flowi4 fl;
	struct rtable *rt;
	const struct iphdr *iph;

	up();
	rt = route(PEER_IP, &fl);
	fl.flowi4_tos = row->tos;
	CHECK_EQ(ip_send_skb(net, NULL, packet(8), rt, &fl, row->ttl, row->df), 0);
	iph = frame_ip(0);
	CHECK(iph != NULL);
	CHECK_EQ(iph->ver_ihl, 0x45);
	CHECK_EQ(iph->tos, row->tos);
	CHECK_EQ(iph->ttl, row->want_ttl);
	CHECK_EQ(iph->protocol, 200);
	CHECK_EQ(iph->frag_off, row->df ? htons(IP_DF) : 0);
	if (row->df)
		CHECK_EQ(iph->id, 0); /* atomic: RFC 6864 (4.1) */
	CHECK(iph->saddr == OUR_IP && iph->daddr == PEER_IP);
	fixture_down();
}

TEST(numbers_count_per_destination_and_start_in_secret)
{
	u16 id[4];

	up();
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 3), dev, peer_mac), 0);
	CHECK_EQ(send_to(PEER_IP, 8, 0, false), 0);
	CHECK_EQ(send_to(IP4(10, 0, 0, 3), 8, 0, false), 0);
	CHECK_EQ(send_to(PEER_IP, 8, 0, false), 0);
	CHECK_EQ(send_to(IP4(10, 0, 0, 3), 8, 0, false), 0);
	for (u32 i = 0; i < 4; i++)
		id[i] = ntohs(frame_ip(i)->id);
	CHECK_EQ((u16)(id[2] - id[0]), 1);
	CHECK_EQ((u16)(id[3] - id[1]), 1);
	CHECK(id[0] != id[1]);
	/* After a while the next number is anywhere within the ticks that passed. */
	host_clock_set(host_clock() + 4000 * MSEC);
	CHECK_EQ(send_to(PEER_IP, 8, 0, false), 0);
	CHECK((u16)(ntohs(frame_ip(4)->id) - id[2]) >= 1);
	CHECK((u16)(ntohs(frame_ip(4)->id) - id[2]) <= 1001);
	fixture_down();
}

TEST(a_socket_numbers_its_own)
{
	struct flowi4 fl;
	struct rtable *rt;
	struct sock *sk;

	up();
	sk = peer_sock(PEER_IP);
	sk->sk_priority = 6;
	sk->sk_mark = 77;
	for (u32 i = 0; i < 3; i++) {
		rt = route(PEER_IP, &fl);
		CHECK_EQ(ip_send_skb(net, sk, packet(8), rt, &fl, 0, i & 1), 0);
		CHECK_EQ(ntohs(frame_ip(i)->id), 0x1000 + i);
	}
	put_sock(sk);
	fixture_down();
}

TEST(packets_to_many_are_counted)
{
	up();
	CHECK_EQ(send_to(IP4(10, 0, 0, 255), 80, 0, true), 0);
	CHECK_EQ(send_to(INADDR_BROADCAST, 80, 0, true), 0);
	CHECK_EQ(send_to(IP4(224, 0, 0, 9), 30, 0, true), 0);
	CHECK_EQ(send_to(PEER_IP, 30, 0, true), 0);
	CHECK_EQ(net->mib.ipext[EXT(OutBcastPkts)], 2);
	CHECK_EQ(net->mib.ipext[EXT(OutBcastOctets)], 200);
	CHECK_EQ(net->mib.ipext[EXT(OutMcastPkts)], 1);
	CHECK_EQ(net->mib.ipext[EXT(OutMcastOctets)], 50);
	CHECK_EQ(net->mib.ip[IP(OutRequests)], 4);
	CHECK_EQ(net->mib.ipext[EXT(OutOctets)], 300);
	fixture_down();
}

/* --- What fails below ----------------------------------------------------------------------------------------------------- */

/* A queue that has no room drops; ip_send_skb() makes an errno of it, ip_queue_xmit() tells TCP. */
TEST(a_full_queue_is_enobufs_for_datagrams_and_congestion_for_tcp)
{
	struct sock *sk;

	up();
	netif_tx_stop_all_queues(dev);
	dev->_tx[0].qdisc->limit = 0;
	CHECK_EQ(send_to(PEER_IP, 8, 0, true), -ENOBUFS);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], 1);
	sk = peer_sock(PEER_IP);
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), NET_XMIT_DROP);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], 1);
	put_sock(sk);
	fixture_down();
}

static int cn_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	(void)q;
	skb->next = *to_free;
	*to_free = skb;
	return NET_XMIT_CN;
}

static struct sk_buff *cn_dequeue(struct Qdisc *q)
{
	(void)q;
	return NULL;
}

TEST(congestion_below_is_success_for_a_datagram)
{
	static const struct Qdisc_ops cn_ops = { .id = "cn",
						 .enqueue = cn_enqueue,
						 .dequeue = cn_dequeue };
	struct Qdisc *mine, *old;
	struct sock *sk;

	up();
	old = dev->_tx[0].qdisc;
	mine = qdisc_create(&cn_ops, &dev->_tx[0]);
	dev->_tx[0].qdisc = mine;
	CHECK_EQ(send_to(PEER_IP, 8, 0, true), 0);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], 0);
	sk = peer_sock(PEER_IP);
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), NET_XMIT_CN);
	put_sock(sk);
	dev->_tx[0].qdisc = old;
	local_bh_disable();
	qdisc_destroy(mine);
	local_bh_enable();
	fixture_down();
}

static u32 seen_priority, seen_mark;

static int seeing_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	seen_priority = skb->priority;
	seen_mark = skb->mark;
	return cn_enqueue(skb, q, to_free);
}

TEST(priority_and_mark_of_the_socket_go_with_the_packet)
{
	static const struct Qdisc_ops seeing = { .id = "seeing",
						 .enqueue = seeing_enqueue,
						 .dequeue = cn_dequeue };
	struct Qdisc *mine, *old;
	struct sock *sk;

	up();
	old = dev->_tx[0].qdisc;
	mine = qdisc_create(&seeing, &dev->_tx[0]);
	dev->_tx[0].qdisc = mine;
	sk = peer_sock(PEER_IP);
	sk->sk_priority = 6;
	sk->sk_mark = 0xcafe;
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), NET_XMIT_CN);
	CHECK_EQ(seen_priority, 6);
	CHECK_EQ(seen_mark, 0xcafe);
	put_sock(sk);
	dev->_tx[0].qdisc = old;
	local_bh_disable();
	qdisc_destroy(mine);
	local_bh_enable();
	fixture_down();
}

TEST(a_device_that_goes_down_on_the_way)
{
	struct flowi4 fl;
	struct rtable *rt;

	up();
	rt = route(PEER_IP, &fl);
	dev_close(dev);
	CHECK_EQ(ip_send_skb(net, NULL, packet(8), rt, &fl, 0, true),
		 -EINVAL); /* no neighbour on a dead link */
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], 1);
	fixture_down();
}

TEST(no_entry_for_the_neighbour)
{
	u64 failed = skb_stats.drop[R(NEIGH_CREATEFAIL)];
	struct neighbour *n[4];

	up();
	net->arp_tbl->max_entries = 5;
	for (u32 i = 0; i < 4; i++) /* held, so that none can be evicted */
		n[i] = neigh_lookup_create(net, htonl(0x0a000010 + i), dev);
	host_console_clear();
	CHECK_EQ(send_to(IP4(10, 0, 0, 77), 8, 0, true), -ENOBUFS);
	CHECK_EQ(skb_stats.drop[R(NEIGH_CREATEFAIL)] - failed, 1);
	CHECK(strstr(host_console(), "no neighbour entry"));
	CHECK(page_has(neigh_stat_show, "table_fulls 1\n"));
	CHECK_EQ(send_to(PEER_IP, 8, 0, true), 0);
	for (u32 i = 0; i < 4; i++)
		neigh_release(n[i]);
	CHECK_EQ(send_to(IP4(10, 0, 0, 77), 8, 0, true), 0); /* now one may go */
	fixture_down();
}

/* The frame goes to the router, the packet to the host behind it, which is no neighbour. */
TEST(the_next_hop_is_the_gateway_or_the_destination_itself)
{
	static const u8 router_mac[6] = { 2, 0, 0, 0, 0, 3 };
	const __be32 router = IP4(10, 0, 0, 3), far = IP4(192, 168, 7, 7);

	up();
	CHECK_EQ(neigh_add_permanent(net, router, dev, router_mac), 0);
	CHECK_EQ(ip_route_add(net, IP4(192, 168, 0, 0), 16, router, dev), 0);
	CHECK_EQ(send_to(PEER_IP, 8, 0, true), 0);
	CHECK_EQ(send_to(far, 8, 0, true), 0);
	CHECK_EQ(nr_frames, 2);
	CHECK(memcmp(frames[0].b, peer_mac, 6) == 0 && frame_ip(0)->daddr == PEER_IP);
	CHECK(memcmp(frames[1].b, router_mac, 6) == 0 && frame_ip(1)->daddr == far);
	local_bh_disable();
	CHECK(!neigh_find(net->arp_tbl, far, dev));
	local_bh_enable();
	fixture_down();
}

TEST(no_headroom_and_no_memory_for_more)
{
	u64 nomem = skb_stats.drop[R(NOMEM)];
	struct flowi4 fl;
	struct rtable *rt;
	struct sk_buff *skb;

	up();
	rt = route(PEER_IP, &fl);
	skb = alloc_skb(20);
	skb_reserve(skb, 20);
	fail_alloc(1);
	CHECK_EQ(ip_send_skb(net, NULL, skb, rt, &fl, 0, true), -ENOMEM);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(skb_stats.drop[R(NOMEM)] - nomem, 1);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], 1);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

/* --- ip_queue_xmit(): a socket's own way ----------------------------------------------------------------------------------------- */

static const struct sock_row {
	const char *name;
	s16 ttl;
	u8 pmtudisc, tos;
	bool ignore_df;
	u16 gso_segs;
	u8 want_ttl;
	bool want_df;
	u16 want_step; /* of the identification */
} socks[] = {
	{ "defaults", -1, 1, 0, false, 0, 64, true, 1 },
	{ "discovery_forced", -1, 2, 0, false, 0, 64, true, 1 },
	{ "discovery_off", -1, 0, 0, false, 0, 64, false, 1 },
	{ "this_packet_may_be_cut", -1, 1, 0, true, 0, 64, false, 1 },
	{ "ttl_1", 1, 1, 0, false, 0, 1, true, 1 },
	{ "ttl_255", 255, 1, 0, false, 0, 255, true, 1 },
	{ "service", -1, 1, 0x10, false, 0, 64, true, 1 },
	{ "one_segment", -1, 1, 0, false, 1, 64, true, 1 },
	{ "a_number_for_each_of_seven_segments", -1, 1, 0, false, 7, 64, true, 7 },
};

TEST_EACH(queue_xmit, socks)
{
	struct sk_buff *skb;
	struct sock *sk;

	up();
	sk = peer_sock(PEER_IP);
	sk->inet_ttl = row->ttl;
	sk->inet_pmtudisc = row->pmtudisc;
	sk->inet_tos = row->tos;
	skb = packet(32);
	skb->ignore_df = row->ignore_df;
	skb_shinfo(skb)->gso_segs = row->gso_segs;
	CHECK_EQ(ip_queue_xmit(sk, skb), 0);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frame_ip(0)->ttl, row->want_ttl);
	CHECK_EQ(frame_ip(0)->tos, row->tos);
	CHECK_EQ(frame_ip(0)->frag_off, row->want_df ? htons(IP_DF) : 0);
	CHECK_EQ(ntohs(frame_ip(0)->id), 0x1000);
	CHECK_EQ(sk->inet_id, 0x1000 + row->want_step);
	CHECK(sk->inet_saddr == OUR_IP && sk->sk_rcv_saddr == OUR_IP);
	CHECK(sk->sk_dst_cache && !sk->sk_dst_cache->obsolete);
	put_sock(sk);
	fixture_down();
}

TEST(identification_wraps)
{
	struct sock *sk;

	up();
	sk = peer_sock(PEER_IP);
	sk->inet_id = 0xffff;
	CHECK_EQ(ip_queue_xmit(sk, packet(8)) | ip_queue_xmit(sk, packet(8)), 0);
	CHECK_EQ(ntohs(frame_ip(0)->id), 0xffff);
	CHECK_EQ(ntohs(frame_ip(1)->id), 0);
	put_sock(sk);
	fixture_down();
}

TEST(a_route_that_became_obsolete_is_looked_up_again)
{
	struct dst_entry *first;
	struct sock *sk;

	up();
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 3), dev, our_mac), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	sk = peer_sock(IP4(8, 8, 8, 8));
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), 0);
	first = __sk_dst_check(sk);
	CHECK(first != NULL);
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), 0);
	CHECK(__sk_dst_check(sk) == first);
	CHECK(!memcmp(frames[1].b, peer_mac, 6));
	CHECK_EQ(ip_route_add(net, IP4(8, 0, 0, 0), 8, IP4(10, 0, 0, 3), dev), 0);
	CHECK(sk->sk_dst_gen != net->rt_genid);
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), 0);
	CHECK(!memcmp(frames[2].b, our_mac, 6));
	CHECK(__sk_dst_check(sk) && __sk_dst_check(sk) != first);
	/* And when there is none any more: an error, counted, and nothing cached. */
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	CHECK(!__sk_dst_check(sk));
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), -EHOSTUNREACH);
	CHECK_EQ(net->mib.ip[IP(OutNoRoutes)], 1);
	CHECK(!sk->sk_dst_cache);
	put_sock(sk);
	fixture_down();
}

TEST(a_packet_may_bring_its_own_route)
{
	struct flowi4 fl;
	struct sk_buff *skb;
	struct sock *sk;

	up();
	sk = peer_sock(PEER_IP);
	sk->inet_saddr = OUR_IP;
	skb = packet(8);
	skb_dst_set(skb, &route(PEER_IP, &fl)->dst);
	CHECK_EQ(ip_queue_xmit(sk, skb), 0);
	CHECK_EQ(nr_frames, 1);
	CHECK(!sk->sk_dst_cache);
	put_sock(sk);
	fixture_down();
}

/* What a filter, or a queue, sees of the route of a packet on its way down. */
static struct {
	struct dst_entry *dst;
	u32 refs;
	bool lent;
} carried;

static u32 look_at_route(void *arg, struct sk_buff *skb, const struct nf_hook_state *state)
{
	(void)arg;
	(void)state;
	carried.dst = skb_dst(skb);
	carried.refs = carried.dst ? carried.dst->refs : 0;
	carried.lent = skb->_skb_refdst & 1;
	return NF_ACCEPT;
}

/* The socket's reference carries the packet down; one that must wait takes its own. */
TEST(the_route_is_borrowed_and_counted_only_to_wait)
{
	const struct nf_hook_ops ops = { NF_INET_POST_ROUTING, 0, look_at_route, NULL };
	struct sock *sk;
	u32 before;

	fixture_up(true); /* nobody knows the neighbour */
	sk = peer_sock(PEER_IP);
	CHECK_EQ(ip_route_connect_sk(sk), 0);
	before = sk->sk_dst_cache->refs;
	CHECK_EQ(nf_register_net_hook(net, &ops), 0);
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), 0);
	CHECK(carried.dst == sk->sk_dst_cache && carried.lent);
	CHECK_EQ(carried.refs, before);
	CHECK_EQ(sk->sk_dst_cache->refs, before + 1); /* it waits for the address */
	peer_answers();
	CHECK_EQ(sk->sk_dst_cache->refs, before);
	CHECK_EQ(ip_queue_xmit(sk, packet(8)), 0);
	CHECK_EQ(carried.refs, before);
	CHECK_EQ(sk->sk_dst_cache->refs, before);
	nf_unregister_net_hook(net, &ops);
	put_sock(sk);
	fixture_down();
}

/* Progress that the transport saw makes a neighbour in doubt reachable without a question. */
static const struct confirm_row {
	const char *name;
	u8 before, after;
} confirms[] = {
	{ "reachable", NUD_REACHABLE, NUD_REACHABLE },
	{ "stale", NUD_STALE, NUD_REACHABLE },
	{ "delay", NUD_DELAY, NUD_REACHABLE },
	{ "probe", NUD_PROBE, NUD_REACHABLE },
	{ "permanent_stays", NUD_PERMANENT, NUD_PERMANENT },
};

TEST_EACH(confirm, confirms)
{
	struct neighbour *n;
	struct sk_buff *skb;
	struct sock *sk;

	up();
	n = neigh_lookup_create(net, PEER_IP, dev);
	n->nud_state = row->before;
	n->confirmed_ns = 1;
	sk = peer_sock(PEER_IP);
	skb = packet(8);
	skb->dst_pending_confirm = 1;
	host_clock_set(host_clock() + SEC);
	CHECK_EQ(ip_queue_xmit(sk, skb), 0);
	CHECK_EQ(n->nud_state, row->after);
	CHECK_EQ(n->confirmed_ns, row->after == NUD_PERMANENT ? 1 : host_clock());
	neigh_release(n);
	put_sock(sk);
	fixture_down();
}

/* --- ip_route_connect_sk() ------------------------------------------------------------------------------------------------------------ */

static const struct connect_row {
	const char *name;
	u32 daddr, saddr, rcv_saddr;
	u32 oif;
	int err;
	u32 want_saddr, want_rcv;
} connects[] = {
	{ "both_chosen", 0x0a000002, 0, 0, 0, 0, 0x0a000001, 0x0a000001 },
	{ "source_given", 0x0a000002, 0x0a000001, 0x0a000001, 0, 0, 0x0a000001, 0x0a000001 },
	{ "bound_to_a_group_keeps_it", 0x0a000002, 0, 0xe0000005, 0, 0, 0x0a000001, 0xe0000005 },
	{ "to_ourselves", 0x0a000001, 0, 0, 0, 0, 0x0a000001, 0x0a000001 },
	{ "to_loopback", 0x7f000001, 0, 0, 0, 0, 0x7f000001, 0x7f000001 },
	{ "no_route", 0x08080808, 0, 0, 0, -ENETUNREACH, 0, 0 },
	{ "foreign_source", 0x0a000002, 0x01020304, 0, 0, -ENETUNREACH, 0x01020304, 0 },
	{ "no_such_device", 0x0a000002, 0, 0, 9, -ENODEV, 0, 0 },
};

TEST_EACH(connect_route, connects)
{
	struct sock *sk;

	up();
	sk = peer_sock(htonl(row->daddr));
	sk->inet_saddr = htonl(row->saddr);
	sk->sk_rcv_saddr = htonl(row->rcv_saddr);
	sk->sk_bound_dev_if = row->oif;
	CHECK_EQ(ip_route_connect_sk(sk), row->err);
	CHECK_EQ(ntohl(sk->inet_saddr), row->want_saddr);
	CHECK_EQ(ntohl(sk->sk_rcv_saddr), row->want_rcv);
	CHECK_EQ(sk->sk_dst_cache != NULL, row->err == 0);
	if (!row->err)
		CHECK_EQ(ip_route_connect_sk(sk), 0); /* again: the old one is given back */
	put_sock(sk);
	fixture_down();
}

/* --- ip_build_and_send_pkt(): without a socket -------------------------------------------------------------------------------------------- */

static const struct bare_row {
	const char *name;
	u32 saddr, daddr;
	u8 ttl, tos;
	u32 oif;
	int err;
	u8 want_ttl;
} bares[] = {
	{ "answer", 0x0a000001, 0x0a000002, 0, 0, 0, 0, 64 },
	{ "source_chosen", 0, 0x0a000002, 0, 0, 0, 0, 64 },
	{ "ttl_given", 0x0a000001, 0x0a000002, 255, 0, 0, 0, 255 },
	{ "service_given", 0x0a000001, 0x0a000002, 0, 0xc0, 0, 0, 64 },
	{ "by_its_device", 0x0a000001, 0x0a000002, 0, 0, 2, 0, 64 },
	{ "by_no_device", 0x0a000001, 0x0a000002, 0, 0, 9, -EHOSTUNREACH, 0 },
	{ "no_route", 0x0a000001, 0x08080808, 0, 0, 0, -EHOSTUNREACH, 0 },
	{ "source_not_ours", 0x0a000009, 0x0a000002, 0, 0, 0, -EHOSTUNREACH, 0 },
};

TEST_EACH(bare, bares)
{
	up();
	CHECK_EQ(ip_build_and_send_pkt(net, packet(20), htonl(row->saddr), htonl(row->daddr), 6,
				       row->ttl, row->tos, row->oif, NULL),
		 row->err);
	CHECK_EQ(nr_frames, !row->err);
	CHECK_EQ(net->mib.ip[IP(OutNoRoutes)], row->err != 0);
	if (!row->err) {
		CHECK_EQ(frame_ip(0)->ttl, row->want_ttl);
		CHECK_EQ(frame_ip(0)->tos, row->tos);
		CHECK_EQ(frame_ip(0)->protocol, 6);
		CHECK(frame_ip(0)->id == 0 && frame_ip(0)->frag_off == htons(IP_DF));
		CHECK(frame_ip(0)->saddr == OUR_IP);
	}
	fixture_down();
}

/* --- Options of level SOL_IP -------------------------------------------------------------------------------------------------------------- */

static const struct setopt_row {
	const char *name;
	int opt, val;
	u32 len;
	int err, reads; /* what getsockopt says afterwards */
} setopts[] = {
	{ "tos", IP_TOS, 0x10, 4, 0, 0x10 },
	{ "tos_all_bits", IP_TOS, 0xff, 4, 0, 0xff },
	{ "tos_is_a_byte", IP_TOS, 0x1b8, 4, 0, 0xb8 },
	{ "tos_in_one_byte", IP_TOS, 0x20, 1, 0, 0x20 },
	{ "tos_in_three_bytes_reads_one", IP_TOS, 0x20, 3, 0, 0x20 },
	{ "tos_in_more_than_an_int", IP_TOS, 0x30, 8, 0, 0x30 },
	{ "tos_in_nothing_is_0", IP_TOS, 0x10, 0, 0, 0 },
	{ "ttl_1", IP_TTL, 1, 4, 0, 1 },
	{ "ttl_255", IP_TTL, 255, 4, 0, 255 },
	{ "ttl_255_in_one_byte", IP_TTL, 255, 1, 0, 255 },
	{ "ttl_minus_1_is_the_default", IP_TTL, -1, 4, 0, 64 },
	{ "ttl_0", IP_TTL, 0, 4, -EINVAL, 64 },
	{ "ttl_256", IP_TTL, 256, 4, -EINVAL, 64 },
	{ "ttl_minus_2", IP_TTL, -2, 4, -EINVAL, 64 },
	{ "ttl_in_nothing", IP_TTL, 9, 0, -EINVAL, 64 },
	{ "discover_in_nothing_is_0", IP_MTU_DISCOVER, 5, 0, 0, 0 },
	{ "discover_0", IP_MTU_DISCOVER, 0, 4, 0, 0 },
	{ "discover_5", IP_MTU_DISCOVER, 5, 4, 0, 5 },
	{ "discover_6", IP_MTU_DISCOVER, 6, 4, -EINVAL, 1 },
	{ "discover_minus_1", IP_MTU_DISCOVER, -1, 4, -EINVAL, 1 },
};

TEST_EACH(set_option, setopts)
{
	u8 kval[8] = { 0 };
	int got = -7;
	u32 len = sizeof(got);
	struct sock *sk;

	up();
	sk = udp_open();
	if (row->opt == IP_TOS)
		sk->inet_tos = 0x44;
	memcpy(kval, &row->val, 4);
	CHECK_EQ(owner_sets(sk, row->opt, kval, row->len), row->err);
	CHECK_EQ(owner_gets(sk, row->opt, &got, &len), 0);
	CHECK_EQ(len, 4);
	CHECK_EQ(got, row->reads);
	put_sock(sk);
	fixture_down();
}

TEST(ecn_bits_of_a_stream_belong_to_tcp)
{
	struct sock *sk;
	int val = 0xff;

	up();
	sk = udp_open();
	sk->sk_type = SOCK_STREAM;
	sk->inet_tos = 2;
	CHECK_EQ(owner_sets(sk, IP_TOS, &val, 4), 0);
	CHECK_EQ(sk->inet_tos, 0xfe);
	put_sock(sk);
	fixture_down();
}

static const struct unknown_row {
	const char *name;
	int opt;
} unknowns[] = { { "zero", 0 }, { "negative", -1 }, { "large", 999 } };

TEST_EACH(unknown_option, unknowns)
{
	int val = 1;
	u32 len = 4;
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(owner_sets(sk, row->opt, &val, 4), -ENOPROTOOPT);
	CHECK_EQ(owner_gets(sk, row->opt, &val, &len), -ENOPROTOOPT);
	put_sock(sk);
	fixture_down();
}

/* A small value fits into one byte, when there is no room for an int (ip(7)). */
static const struct room_row {
	const char *name;
	int opt;
	u32 room, stored;
	u8 first;
} rooms[] = {
	{ "none", IP_TTL, 0, 0, 0xee },
	{ "one_byte", IP_TTL, 1, 1, 64 },
	{ "two_bytes", IP_TTL, 2, 1, 64 },
	{ "three_bytes", IP_TTL, 3, 1, 64 },
	{ "an_int", IP_TTL, 4, 4, 64 },
	{ "more", IP_TTL, 64, 4, 64 },
	{ "large_value_none", IP_MTU, 0, 0, 0xee },
	{ "large_value_one_byte", IP_MTU, 1, 1, 1500 & 255 },
	{ "large_value_three", IP_MTU, 3, 3, 1500 & 255 },
	{ "large_value_int", IP_MTU, 4, 4, 1500 & 255 },
};

TEST_EACH(get_option_room, rooms)
{
	u8 kval[65];
	u32 len = row->room;
	struct sock *sk;

	up();
	sk = peer_sock(PEER_IP);
	CHECK_EQ(ip_route_connect_sk(sk), 0);
	memset(kval, 0xee, sizeof(kval));
	CHECK_EQ(owner_gets(sk, row->opt, kval, &len), 0);
	CHECK_EQ(len, row->stored);
	CHECK_EQ(kval[row->stored], 0xee);
	CHECK_EQ(kval[0], row->first);
	put_sock(sk);
	fixture_down();
}

TEST(path_mtu_of_a_socket)
{
	struct sock *sk;
	int val = 0;
	u32 len = 4;

	up();
	sk = peer_sock(PEER_IP);
	CHECK_EQ(owner_gets(sk, IP_MTU, &val, &len), -ENOTCONN);
	CHECK_EQ(owner_sets(sk, IP_MTU, &val, 4), -ENOPROTOOPT); /* read only */
	CHECK_EQ(ip_route_connect_sk(sk), 0);
	CHECK_EQ(owner_gets(sk, IP_MTU, &val, &len), 0);
	CHECK_EQ(val, 1500);
	CHECK_EQ(dev_set_mtu(dev, 1280), 0);
	CHECK_EQ(owner_gets(sk, IP_MTU, &val, &len), 0);
	CHECK_EQ(val, 1280);
	put_sock(sk);
	fixture_down();
}

KTEST_MAIN_BOOT()
