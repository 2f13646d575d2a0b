// SPDX-License-Identifier: MIT
/*
 * UDP as tables: datagrams that lie about themselves, which socket gets what, who may bind what, what the calls answer,
 * how much a buffer holds.
 */
#include "../ipv4/fixture.h"

#define MSEC    1000000ull
#define UM(n)   UDP_MIB_##n
#define R(name) SKB_DROP_REASON_##name
#define GOOD    NR_DROP_REASONS

static struct ipframe f;
static u8 big[70000];

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
}

static struct sock *bound(u16 port)
{
	struct sock *sk = udp_open();

	CHECK_EQ(udp_prot.get_port(sk, port), 0);
	return sk;
}

static int do_connect(struct sock *sk, u32 addr, u16 port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr = htonl(addr) };

	return udp_prot.connect(sk, &sin, sizeof(sin), false);
}

static void close_sock(struct sock *sk)
{
	udp_prot.close(sk, 0);
}

/* --- Datagrams that lie ------------------------------------------------------------------------------------------------ */

/* @there: bytes behind the IP header. @ulen: what the UDP header says. */
static const struct datagram_row {
	const char *name;
	u32 there, ulen;
	int csum;      /* added to the right one; 999: none made (0) */
	bool verified; /* the device says it looked */
	enum skb_drop_reason reason;
	long received;
} datagrams[] = {
	{ "exact", 14, 14, 0, false, GOOD, 6 },
	{ "empty", 8, 8, 0, false, GOOD, 0 },
	{ "one_byte", 9, 9, 0, false, GOOD, 1 },
	{ "odd", 15, 15, 0, false, GOOD, 7 },
	{ "header_cut_at_7", 7, 7, 0, false, R(PKT_TOO_SMALL), 0 },
	{ "nothing_at_all", 0, 8, 0, false, R(PKT_TOO_SMALL), 0 },
	{ "says_0", 14, 0, 0, false, R(UDP_LENGTH), 0 },
	{ "says_7", 14, 7, 0, false, R(UDP_LENGTH), 0 },
	{ "says_8_of_14", 14, 8, 0, false, GOOD, 0 },
	{ "says_one_less", 14, 13, 0, false, GOOD, 5 },
	{ "says_one_more", 14, 15, 0, false, R(UDP_LENGTH), 0 },
	{ "says_65535", 14, 65535, 0, false, R(UDP_LENGTH), 0 },
	{ "sum_one_more", 14, 14, 1, false, R(UDP_CSUM), 0 },
	{ "sum_one_less", 14, 14, -1, false, R(UDP_CSUM), 0 },
	{ "sum_other_byte", 15, 15, 256, false, R(UDP_CSUM), 0 },
	{ "no_sum_made", 14, 14, 999, false, GOOD, 6 },
	{ "no_sum_made_odd", 15, 15, 999, false, GOOD, 7 },
	{ "bad_sum_but_the_device_looked", 14, 14, 1, true, GOOD, 6 },
	{ "device_looked_but_length_lies", 14, 15, 0, true, R(UDP_LENGTH), 0 },
};

TEST_EACH(datagram, datagrams)
{
	struct udphdr *uh = (struct udphdr *)f.data;
	u64 before[NR_DROP_REASONS];
	struct sk_buff *skb;
	struct sock *sk;
	u8 buf[64];

	up();
	sk = bound(7);
	(void)ip_make(&f, PEER_IP, OUR_IP, IPPROTO_UDP, row->there);
	memcpy(f.data + 8, "abcdefghij", 10);
	*uh = (struct udphdr){ htons(55), htons(7), htons(row->ulen), 0 };
	if (row->ulen >= 8 && row->ulen <= row->there)
		uh->check = csum_tcpudp_magic(PEER_IP, OUR_IP, row->ulen, IPPROTO_UDP,
					      csum_partial(uh, row->ulen, 0));
	uh->check = row->csum == 999 ? 0 : htons(ntohs(uh->check) + (u32)row->csum);
	f.ip.check = ip_fast_csum(&f.ip, 5);
	skb = netdev_alloc_skb(dev, 34 + row->there);
	memcpy(skb_put(skb, 34 + row->there), &f.eth, 34 + row->there);
	skb->protocol = eth_type_trans(skb, dev);
	if (row->verified)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	memcpy(before, skb_stats.drop, sizeof(before));
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	for (u32 i = 0; i < NR_DROP_REASONS; i++)
		CHECK_EQ(skb_stats.drop[i] - before[i], i == row->reason);
	CHECK_EQ(net->mib.udp[UM(InErrors)], row->reason != GOOD);
	CHECK_EQ(net->mib.udp[UM(InCsumErrors)], row->reason == R(UDP_CSUM));
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(udp_recv(sk, buf, 64, MSG_DONTWAIT, NULL, NULL),
		 row->reason == GOOD ? row->received : -EAGAIN);
	if (row->reason == GOOD)
		CHECK(!memcmp(buf, "abcdefghij", (size_t)row->received) && !buf[row->received]);
	CHECK_EQ(net->mib.udp[UM(InDatagrams)], row->reason == GOOD);
	CHECK_EQ(nr_frames, 0);
	close_sock(sk);
	fixture_down();
}

/* A sum that comes out as zero travels as 0xffff, and that is right on arrival. */
TEST(sum_of_all_ones)
{
	struct udphdr *uh = (struct udphdr *)f.data;
	struct sock *sk;
	u32 n;
	u8 buf[4];

	up();
	sk = bound(7);
	n = udp_make(&f, PEER_IP, 55, OUR_IP, 7, "\0\0", 2);
	f.data[8] = ((u8 *)&uh->check)[0];
	f.data[9] = ((u8 *)&uh->check)[1];
	uh->check = 0xffff;
	feed_ip(&f, n, true);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, NULL), 2);
	close_sock(sk);
	fixture_down();
}

/* --- Which socket --------------------------------------------------------------------------------------------------------- */

/* Four sockets on port 7: 0 any; 1 our address; 2 connected to 10.0.0.2:55; 3 any, but on the other device. */
static const struct winner_row {
	const char *name;
	u32 saddr;
	u16 sport;
	u32 daddr;
	u16 dport;
	u8 open;    /* which of the four exist, as bits */
	int winner; /* -1: none, unreachable */
} winners[] = {
	{ "any_alone", 0x0a000002, 55, 0x0a000001, 7, 1, 0 },
	{ "address_beats_any", 0x0a000002, 55, 0x0a000001, 7, 3, 1 },
	{ "peer_beats_address", 0x0a000002, 55, 0x0a000001, 7, 7, 2 },
	{ "another_peer_falls_back", 0x0a000003, 55, 0x0a000001, 7, 7, 1 },
	{ "another_port_of_the_peer_falls_back", 0x0a000002, 56, 0x0a000001, 7, 7, 1 },
	{ "another_port_of_the_peer_to_any", 0x0a000002, 56, 0x0a000001, 7, 5, 0 },
	{ "second_address_of_ours_is_not_the_first", 0x0a000002, 56, 0x0a000005, 7, 7, 0 },
	{ "peer_socket_alone_another_peer", 0x0a000003, 55, 0x0a000001, 7, 4, -1 },
	{ "address_socket_alone_other_address", 0x0a000002, 55, 0x0a000005, 7, 2, -1 },
	{ "another_port", 0x0a000002, 55, 0x0a000001, 8, 7, -1 },
	{ "port_0", 0x0a000002, 55, 0x0a000001, 0, 7, -1 },
	{ "another_devices_socket", 0x0a000002, 55, 0x0a000001, 7, 8, -1 },
	{ "any_beside_another_devices", 0x0a000002, 55, 0x0a000001, 7, 9, 0 },
	{ "source_port_0_is_a_port", 0x0a000002, 0, 0x0a000001, 7, 1, 0 },
};

TEST_EACH(winner, winners)
{
	struct sock *sk[4] = { NULL };
	u8 buf[4];
	u32 n;

	up();
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 5), 24), 0);
	for (u32 i = 0; i < 4; i++) {
		if (!(row->open >> i & 1))
			continue;
		sk[i] = udp_open();
		sk[i]->sk_reuse = 1;
		if (i == 1)
			sk[i]->sk_rcv_saddr = sk[i]->inet_saddr = OUR_IP;
		if (i == 3)
			sk[i]->sk_bound_dev_if = net->loopback_dev->ifindex;
		CHECK_EQ(udp_prot.get_port(sk[i], 7), 0);
		if (i == 2)
			CHECK_EQ(do_connect(sk[i], 0x0a000002, 55), 0);
	}
	n = udp_make(&f, htonl(row->saddr), row->sport, htonl(row->daddr), row->dport, "w", 1);
	feed_ip(&f, n, true);
	for (int i = 0; i < 4; i++)
		if (sk[i])
			CHECK_EQ(udp_recv(sk[i], buf, 4, MSG_DONTWAIT, NULL, NULL),
				 i == row->winner ? 1 : -EAGAIN);
	CHECK_EQ(net->mib.udp[UM(NoPorts)], row->winner < 0);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_OutDestUnreachs], row->winner < 0);
	for (u32 i = 0; i < 4; i++)
		if (sk[i])
			close_sock(sk[i]);
	fixture_down();
}

/* To everybody: a copy for each socket that wants it. */
static const struct flood_row {
	const char *name;
	u16 dport;
	u32 rcv_saddr, peer;
	u16 peer_port;
	int device; /* 0 any, 1 lo, 2 eth0 */
	bool gets;
} floods[] = {
	{ "any", 7, 0, 0, 0, 0, true },
	{ "bound_to_the_broadcast", 7, 0x0a0000ff, 0, 0, 0, true },
	{ "bound_to_our_address", 7, 0x0a000001, 0, 0, 0, false },
	{ "another_port", 8, 0, 0, 0, 0, false },
	{ "connected_to_the_sender", 7, 0, 0x0a000002, 55, 0,
	  false }, /* connect() chose our address */
	{ "connected_elsewhere", 7, 0, 0x0a000003, 55, 0, false },
	{ "on_that_device", 7, 0, 0, 0, 2, true },
	{ "on_another_device", 7, 0, 0, 0, 1, false },
};

TEST_EACH(broadcast_to, floods)
{
	struct sock *sk;
	u8 buf[4];

	up();
	sk = udp_open();
	sk->sk_rcv_saddr = htonl(row->rcv_saddr);
	sk->sk_bound_dev_if = (u32)row->device;
	CHECK_EQ(udp_prot.get_port(sk, 7), 0);
	if (row->peer)
		CHECK_EQ(do_connect(sk, row->peer, row->peer_port), 0);
	(void)udp_make(&f, PEER_IP, 55, IP4(10, 0, 0, 255), row->dport, "b", 1);
	memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, 43, true);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, NULL), row->gets ? 1 : -EAGAIN);
	CHECK_EQ(net->mib.udp[UM(IgnoredMulti)], !row->gets);
	CHECK_EQ(nr_frames, 0);
	close_sock(sk);
	fixture_down();
}

/* A socket whose address is the broadcast, connected: peer and port are looked at too. */
TEST(a_broadcast_for_connected_sockets)
{
	static const struct {
		u32 peer;
		u16 port;
		bool gets;
	} cases[] = { { 0x0a000002, 55, true },
		      { 0x0a000003, 55, false },
		      { 0x0a000002, 56, false } };
	u8 buf[4];

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sock *sk;

		up();
		sk = udp_open();
		sk->sk_rcv_saddr = IP4(10, 0, 0, 255);
		sk->inet_saddr = OUR_IP;
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
		CHECK_EQ(udp_prot.get_port(sk, 7), 0);
		CHECK_EQ(do_connect(sk, cases[i].peer, cases[i].port), 0);
		(void)udp_make(&f, PEER_IP, 55, IP4(10, 0, 0, 255), 7, "b", 1);
		memcpy(f.eth.h_dest, all_mac, 6);
		feed_ip(&f, 43, true);
		CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, NULL),
			 cases[i].gets ? 1 : -EAGAIN);
		close_sock(sk);
		fixture_down();
	}
}

TEST(no_memory_for_a_copy_is_counted)
{
	struct sock *sk;
	struct sk_buff *skb;

	up();
	sk = bound(7);
	(void)udp_make(&f, PEER_IP, 55, INADDR_BROADCAST, 7, "b", 1);
	memcpy(f.eth.h_dest, all_mac, 6);
	f.ip.check = ip_fast_csum(&f.ip, 5);
	skb = netdev_alloc_skb(dev, 43);
	memcpy(skb_put(skb, 43), &f.eth, 43);
	skb->protocol = eth_type_trans(skb, dev);
	fail_alloc(1);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(net->mib.udp[UM(MemErrors)], 1);
	CHECK(skb_queue_empty(&sk->sk_receive_queue));
	close_sock(sk);
	fixture_down();
}

TEST(no_memory_to_cut_a_datagram)
{
	struct udphdr *uh = (struct udphdr *)f.data;
	struct sk_buff *skb, *c;
	struct sock *sk;
	u8 *page;

	up();
	sk = bound(7);
	(void)udp_make(&f, PEER_IP, 55, OUR_IP, 7, big, 40);
	uh->len = htons(20);
	uh->check = 0;
	f.ip.check = ip_fast_csum(&f.ip, 5);
	skb = netdev_alloc_skb(dev, 42);
	page = alloc_page();
	memset(page, 0, 40);
	memcpy(skb_put(skb, 42), &f.eth, 42);
	CHECK_EQ(skb_add_frag(skb, page, 40), 0);
	page_put(page);
	skb->protocol = eth_type_trans(skb, dev);
	c = skb_clone(skb);
	fail_alloc(1);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(net->mib.udp[UM(MemErrors)], 1);
	CHECK_EQ(net->mib.udp[UM(InErrors)], 1);
	consume_skb(c);
	close_sock(sk);
	fixture_down();
}

/* --- Who may bind what ------------------------------------------------------------------------------------------------------- */

static const struct bind_row {
	const char *name;
	u32 a_addr;
	bool a_reuse;
	u32 b_addr;
	bool b_reuse;
	u16 b_port;
	int a_dev, b_dev;
	int err;
} binds[] = {
	{ "any_and_any", 0, false, 0, false, 7, 0, 0, -EADDRINUSE },
	{ "any_and_any_one_reuses", 0, true, 0, false, 7, 0, 0, -EADDRINUSE },
	{ "any_and_any_the_other_reuses", 0, false, 0, true, 7, 0, 0, -EADDRINUSE },
	{ "any_and_any_both_reuse", 0, true, 0, true, 7, 0, 0, 0 },
	{ "any_and_one", 0, false, 0x0a000001, false, 7, 0, 0, -EADDRINUSE },
	{ "one_and_any", 0x0a000001, false, 0, false, 7, 0, 0, -EADDRINUSE },
	{ "one_and_any_both_reuse", 0x0a000001, true, 0, true, 7, 0, 0, 0 },
	{ "same_one", 0x0a000001, false, 0x0a000001, false, 7, 0, 0, -EADDRINUSE },
	{ "two_addresses", 0x0a000001, false, 0x7f000001, false, 7, 0, 0, 0 },
	{ "another_port", 0, false, 0, false, 8, 0, 0, 0 },
	{ "same_bucket_another_port", 0, false, 0, false, 7 + 256, 0, 0, 0 },
	{ "two_devices", 0, false, 0, false, 7, 1, 2, 0 },
	{ "same_device", 0, false, 0, false, 7, 2, 2, -EADDRINUSE },
	{ "a_device_and_any", 0, false, 0, false, 7, 2, 0, -EADDRINUSE },
};

TEST_EACH(bind, binds)
{
	struct sock *a, *b;

	up();
	a = udp_open();
	b = udp_open();
	a->sk_rcv_saddr = htonl(row->a_addr);
	b->sk_rcv_saddr = htonl(row->b_addr);
	a->sk_reuse = row->a_reuse;
	b->sk_reuse = row->b_reuse;
	a->sk_bound_dev_if = (u32)row->a_dev;
	b->sk_bound_dev_if = (u32)row->b_dev;
	CHECK_EQ(udp_prot.get_port(a, 7), 0);
	CHECK_EQ(udp_prot.get_port(b, row->b_port), row->err);
	CHECK_EQ(ntohs(b->inet_sport), row->err ? 0 : row->b_port);
	close_sock(a); /* gives the port back */
	if (row->err)
		CHECK_EQ(udp_prot.get_port(b, row->b_port), 0);
	close_sock(b);
	fixture_down();
}

TEST(when_every_ephemeral_port_is_taken)
{
	enum { FIRST = 32768, LAST = 60999 };
	static struct sock *all[LAST - FIRST + 1];
	struct sock *sk, *other;

	up();
	for (u32 port = FIRST; port <= LAST; port++)
		all[port - FIRST] = bound((u16)port);
	sk = udp_open();
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), -EAGAIN);
	CHECK_EQ(do_connect(sk, 0x0a000002, 9), -EAGAIN);
	CHECK_EQ(sk->sk_num, 0);
	other = bound(1000); /* ports outside the range are another matter */
	close_sock(other);
	close_sock(all[12345]);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(sk->sk_num, FIRST + 12345);
	all[12345] = sk;
	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		close_sock(all[i]);
	fixture_down();
}

/* --- sendmsg() ------------------------------------------------------------------------------------------------------------------ */

static const struct send_row {
	const char *name;
	u16 family;
	u32 addr;
	u16 port;
	int namelen;
	u32 len, flags;
	bool broadcast, connected;
	long ret;
} sends[] = {
	{ "to_the_peer", AF_INET, 0x0a000002, 9, 16, 1, 0, false, false, 1 },
	{ "family_may_be_left_out", AF_UNSPEC, 0x0a000002, 9, 16, 1, 0, false, false, 1 },
	{ "longer_name", AF_INET, 0x0a000002, 9, 128, 1, 0, false, false, 1 },
	{ "one_byte_short_name", AF_INET, 0x0a000002, 9, 15, 1, 0, false, false, -EINVAL },
	{ "name_of_no_bytes", AF_INET, 0x0a000002, 9, 0, 1, 0, false, false, -EINVAL },
	{ "other_family", AF_UNIX, 0x0a000002, 9, 16, 1, 0, false, false, -EAFNOSUPPORT },
	{ "port_0", AF_INET, 0x0a000002, 0, 16, 1, 0, false, false, -EINVAL },
	{ "nowhere_is_this_host", AF_INET, 0, 9, 16, 1, 0, false, false, 1 },
	{ "no_route", AF_INET, 0x08080808, 9, 16, 1, 0, false, false, -ENETUNREACH },
	{ "to_the_subnet_without_leave", AF_INET, 0x0a0000ff, 9, 16, 1, 0, false, false, -EACCES },
	{ "to_the_subnet_with_leave", AF_INET, 0x0a0000ff, 9, 16, 1, 0, true, false, 1 },
	{ "to_everybody_without_leave", AF_INET, 0xffffffff, 9, 16, 1, 0, false, false, -EACCES },
	{ "to_everybody_with_leave", AF_INET, 0xffffffff, 9, 16, 1, 0, true, false, 1 },
	{ "to_a_group_needs_no_leave", AF_INET, 0xe0000005, 9, 16, 1, 0, false, false, 1 },
	{ "nothing", AF_INET, 0x0a000002, 9, 16, 0, 0, false, false, 0 },
	{ "one_below_the_mtu", AF_INET, 0x0a000002, 9, 16, 1471, 0, false, false, 1471 },
	{ "the_mtu", AF_INET, 0x0a000002, 9, 16, 1472, 0, false, false, 1472 },
	{ "one_above_the_mtu", AF_INET, 0x0a000002, 9, 16, 1473, 0, false, false, 1473 },
	{ "the_largest_datagram", AF_INET, 0x7f000001, 9, 16, 65507, 0, false, false, 65507 },
	{ "one_above_the_largest", AF_INET, 0x7f000001, 9, 16, 65508, 0, false, false, -EMSGSIZE },
	{ "length_field_full", AF_INET, 0x7f000001, 9, 16, 65535, 0, false, false, -EMSGSIZE },
	{ "one_above_the_length_field", AF_INET, 0x7f000001, 9, 16, 65536, 0, false, false,
	  -EMSGSIZE },
	{ "out_of_band", AF_INET, 0x0a000002, 9, 16, 1, MSG_OOB, false, false, -EOPNOTSUPP },
	{ "unknown_flags_are_ignored", AF_INET, 0x0a000002, 9, 16, 1, MSG_NOSIGNAL | MSG_DONTROUTE,
	  false, false, 1 },
	{ "connected_without_name", 0, 0, 0, -1, 5, 0, false, true, 5 },
	{ "connected_to_somebody_else", AF_INET, 0x0a000003, 9, 16, 1, 0, false, true, 1 },
	{ "not_connected_without_name", 0, 0, 0, -1, 5, 0, false, false, -EDESTADDRREQ },
};

TEST_EACH(sendmsg, sends)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;
	struct iovec iov = { big, row->len };
	struct msghdr msg = { .msg_name = row->namelen < 0 ? NULL : &ss,
			      .msg_namelen = row->namelen,
			      .msg_flags = row->flags | MSG_DONTWAIT };
	struct sock *sk;

	up();
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 3), dev, peer_mac), 0);
	sk = udp_open();
	if (row->broadcast)
		sock_set_flag(sk, SOCK_BROADCAST);
	if (row->connected)
		CHECK_EQ(do_connect(sk, 0x0a000002, 9), 0);
	*sin = (struct sockaddr_in){ .sin_family = row->family,
				     .sin_port = htons(row->port),
				     .sin_addr = htonl(row->addr) };
	iov_iter_init(&msg.msg_iter, &iov, 1);
	CHECK_EQ(udp_prot.sendmsg(sk, &msg, row->len), row->ret);
	CHECK_EQ(net->mib.udp[UM(OutDatagrams)], row->ret >= 0);
	host_clock_advance(MSEC);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	close_sock(sk);
	host_clock_advance(MSEC);
	fixture_down();
}

/* The fields of the IP header that a socket decides. */
TEST(options_of_the_socket_reach_the_wire)
{
	struct sock *sk;
	int val;

	up();
	sk = bound(4000);
	val = 7;
	CHECK_EQ(udp_prot.setsockopt(sk, SOL_IP, IP_TTL, &val, 4), 0);
	val = 0x10;
	CHECK_EQ(udp_prot.setsockopt(sk, SOL_IP, IP_TOS, &val, 4), 0);
	val = 0;
	CHECK_EQ(udp_prot.setsockopt(sk, SOL_IP, IP_MTU_DISCOVER, &val, 4), 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, 0), 1);
	CHECK(frame_ip(0) && frame_ip(0)->ttl == 7 && frame_ip(0)->tos == 0x10 &&
	      frame_ip(0)->frag_off == 0);
	CHECK_EQ(udp_send(sk, IP4(224, 0, 0, 5), 9, "x", 1, 0), 1);
	CHECK_EQ(frame_ip(1)->ttl,
		 1); /* a group: the link, unless asked otherwise by an option we do not have */
	close_sock(sk);
	fixture_down();
}

static const struct level_row {
	const char *name;
	int level, opt, err;
} levels[] = {
	{ "ip", SOL_IP, IP_TOS, 0 },
	{ "ip_unknown", SOL_IP, 77, -ENOPROTOOPT },
	{ "udp", SOL_UDP, UDP_CORK, 0 },
	{ "udp_segment", SOL_UDP, UDP_SEGMENT, 0 },
	{ "udp_unknown", SOL_UDP, 2, -ENOPROTOOPT },
	{ "tcp", SOL_TCP, TCP_NODELAY, -ENOPROTOOPT },
	{ "level_99", 99, 1, -ENOPROTOOPT },
};

TEST_EACH(option_level, levels)
{
	int val = 0;
	u32 len = 4;
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(udp_prot.setsockopt(sk, row->level, row->opt, &val, 4), row->err);
	CHECK_EQ(udp_prot.getsockopt(sk, row->level, row->opt, &val, &len),
		 row->level == SOL_IP || row->level == SOL_UDP ? row->err : -EOPNOTSUPP);
	close_sock(sk);
	fixture_down();
}

TEST(every_allocation_of_a_send_may_fail)
{
	struct sock *sk;
	u32 n = 0, failed = 0;
	u64 hits;
	long ret;

	up();
	sk = bound(4000);
	do {
		fail_alloc(++n);
		ret = udp_send(sk, PEER_IP, 9, "x", 1, 0);
		hits = fail_over();
		if (hits)
			CHECK(ret == -ENOBUFS || ret == -ENOMEM);
		failed += ret < 0;
		CHECK_EQ(sk->sk_wmem_alloc, 0);
	} while (hits && n < 20);
	CHECK(n >= 2 && n < 20);
	CHECK_EQ(net->mib.udp[UM(OutDatagrams)], n - failed);
	CHECK(net->mib.udp[UM(SndbufErrors)] >= 1);
	close_sock(sk);
	fixture_down();
}

TEST(a_bad_buffer_sends_nothing)
{
	struct sock *sk;

	up();
	sk = bound(4000);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, (void *)8, 5, 0), -EFAULT);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK_EQ(net->mib.udp[UM(OutDatagrams)], 0);
	close_sock(sk);
	fixture_down();
}

TEST(a_device_that_is_down_or_gone)
{
	struct sock *sk;

	up();
	sk = bound(4000);
	sk->sk_bound_dev_if = 99;
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, 0), -ENODEV);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], 0);
	sk->sk_bound_dev_if = 0;
	dev_close(dev);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, 0), -ENETUNREACH);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], 1);
	close_sock(sk);
	fixture_down();
}

TEST(confirm_makes_the_neighbour_reachable)
{
	struct sock *sk;

	fixture_up(true);
	sk = bound(4000);
	feed_arp_to(all_mac, ARPOP_REQUEST, peer_mac, PEER_IP, (u8[6]){ 0 }, OUR_IP); /* STALE */
	nr_frames = 0;
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, MSG_CONFIRM), 1);
	host_clock_advance(8000 * MSEC); /* no question after the delay */
	CHECK_EQ(nr_frames, 1);
	close_sock(sk);
	fixture_down();
}

/* A socket bound to a device may speak before the device has an address, to everybody and nobody else (DHCP). */
static const struct early_row {
	const char *name;
	bool bound_to_device;
	u32 to;
	long ret;
} earlies[] = {
	{ "everybody_by_its_device", true, 0xffffffff, 1 },
	{ "everybody_by_any", false, 0xffffffff, -ENETUNREACH },
	{ "a_host_by_its_device", true, 0x0a000002, -ENETUNREACH },
};

TEST_EACH(without_an_address, earlies)
{
	struct sock *sk;

	fixture_up(false);
	sk = bound(68);
	sock_set_flag(sk, SOCK_BROADCAST);
	if (row->bound_to_device)
		sk->sk_bound_dev_if = dev->ifindex;
	CHECK_EQ(udp_send(sk, htonl(row->to), 67, "x", 1, MSG_DONTWAIT), row->ret);
	CHECK_EQ(nr_frames, row->ret == 1);
	if (nr_frames)
		CHECK(frame_ip(0) && frame_ip(0)->saddr == 0);
	close_sock(sk);
	fixture_down();
}

/* --- connect() --------------------------------------------------------------------------------------------------------------------- */

static const struct connect_row {
	const char *name;
	u16 family;
	u32 addr;
	int len;
	bool broadcast;
	int err;
	u32 peer, source;
} connects[] = {
	{ "peer", AF_INET, 0x0a000002, 16, false, 0, 0x0a000002, 0x0a000001 },
	{ "this_host", AF_INET, 0, 16, false, 0, 0x7f000001, 0x7f000001 },
	{ "ourselves", AF_INET, 0x0a000001, 16, false, 0, 0x0a000001, 0x0a000001 },
	{ "group", AF_INET, 0xe0000005, 16, false, 0, 0xe0000005, 0x0a000001 },
	{ "longer", AF_INET, 0x0a000002, 28, false, 0, 0x0a000002, 0x0a000001 },
	{ "one_byte_short", AF_INET, 0x0a000002, 15, false, -EINVAL, 0, 0 },
	{ "other_family", AF_UNIX, 0x0a000002, 16, false, -EAFNOSUPPORT, 0, 0 },
	{ "no_route", AF_INET, 0x08080808, 16, false, -ENETUNREACH, 0, 0 },
	{ "subnet_without_leave", AF_INET, 0x0a0000ff, 16, false, -EACCES, 0, 0 },
	{ "subnet_with_leave", AF_INET, 0x0a0000ff, 16, true, 0, 0x0a0000ff, 0x0a000001 },
};

TEST_EACH(connect, connects)
{
	struct sockaddr_in sin = { .sin_family = row->family,
				   .sin_port = htons(9),
				   .sin_addr = htonl(row->addr) };
	struct sock *sk;

	up();
	sk = udp_open();
	if (row->broadcast)
		sock_set_flag(sk, SOCK_BROADCAST);
	CHECK_EQ(udp_prot.connect(sk, &sin, row->len, false), row->err);
	CHECK_EQ(ntohl(sk->sk_daddr), row->peer);
	CHECK_EQ(ntohl(sk->inet_saddr), row->source);
	CHECK_EQ(ntohl(sk->sk_rcv_saddr), row->source);
	CHECK_EQ(ntohs(sk->sk_dport), row->err ? 0 : 9);
	CHECK_EQ(sk->sk_state, row->err ? TCP_CLOSE : TCP_ESTABLISHED);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], row->err == -ENETUNREACH);
	close_sock(sk);
	fixture_down();
}

TEST(connect_again_and_dissolve)
{
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(do_connect(sk, 0x0a000002, 9), 0);
	CHECK_EQ(do_connect(sk, 0x7f000001, 9),
		 0); /* the address chosen for the first does not stick */
	CHECK_EQ(sk->inet_saddr, IP4(127, 0, 0, 1));
	CHECK_EQ(do_connect(sk, 0x08080808, 9), -ENETUNREACH);
	CHECK_EQ(sk->sk_state, TCP_ESTABLISHED); /* and the old peer stays */
	CHECK(sk->sk_daddr == IP4(127, 0, 0, 1) && sk->inet_saddr == IP4(127, 0, 0, 1));
	sk->sk_err = ECONNREFUSED;
	CHECK_EQ(udp_prot.disconnect(sk), 0);
	CHECK_EQ(sk->sk_err, ECONNREFUSED); /* it happened all the same */
	CHECK_EQ(sk->sk_num, 0);
	CHECK_EQ(sk->inet_sport, 0); /* the port was ours to choose: given back */
	close_sock(sk);
	sk = bound(4000);
	sk->inet_saddr = sk->sk_rcv_saddr = OUR_IP; /* as bind() does */
	sk->sk_userlocks |= SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK;
	CHECK_EQ(do_connect(sk, 0x0a000002, 9), 0);
	CHECK_EQ(udp_prot.disconnect(sk), 0);
	CHECK(sk->inet_saddr == OUR_IP && sk->sk_rcv_saddr == OUR_IP &&
	      sk->inet_sport == htons(4000));
	close_sock(sk);
	fixture_down();
}

TEST(a_connected_socket_follows_the_routes)
{
	struct sock *sk;

	up();
	CHECK_EQ(neigh_add_permanent(net, IP4(10, 0, 0, 3), dev, our_mac), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0);
	sk = udp_open();
	CHECK_EQ(do_connect(sk, 0x08080808, 9), 0);
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK(!memcmp(frames[0].b, peer_mac, 6));
	CHECK_EQ(ip_route_add(net, IP4(8, 0, 0, 0), 8, IP4(10, 0, 0, 3), dev), 0);
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK(!memcmp(frames[1].b, our_mac, 6));
	CHECK(sk->sk_dst_cache && !sk->sk_dst_cache->obsolete); /* kept for the next one */
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	CHECK_EQ((u16)(ntohs(frame_ip(2)->id) - ntohs(frame_ip(1)->id)), 1);
	close_sock(sk);
	fixture_down();
}

TEST(a_route_to_somebody_is_kept_for_the_peer_only)
{
	struct sock *sk;

	up();
	sk = udp_open();
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, 0), 1);
	CHECK(!sk->sk_dst_cache);
	close_sock(sk);
	fixture_down();
}

/* --- recvmsg() ------------------------------------------------------------------------------------------------------------------------ */

static const struct recv_row {
	const char *name;
	u32 sent, room, flags;
	long ret;
	bool truncated;
	long then; /* what a plain call gets next */
} recvs[] = {
	{ "fits", 5, 5, 0, 5, false, -EAGAIN },
	{ "room_to_spare", 5, 50, 0, 5, false, -EAGAIN },
	{ "one_byte_lost", 5, 4, 0, 4, true, -EAGAIN },
	{ "all_lost", 5, 0, 0, 0, true, -EAGAIN },
	{ "empty_datagram", 0, 5, 0, 0, false, -EAGAIN },
	{ "empty_datagram_without_room", 0, 0, 0, 0, false, -EAGAIN },
	{ "whole_length_told", 5, 4, MSG_TRUNC, 5, true, -EAGAIN },
	{ "whole_length_told_when_it_fits", 5, 5, MSG_TRUNC, 5, false, -EAGAIN },
	{ "peek", 5, 5, MSG_PEEK, 5, false, 5 },
	{ "peek_cuts", 5, 2, MSG_PEEK, 2, true, 5 },
	{ "peek_at_the_length", 5, 0, MSG_PEEK | MSG_TRUNC, 5, true, 5 },
	{ "waitall_means_nothing", 5, 50, MSG_WAITALL, 5, false, -EAGAIN },
	{ "out_of_band_means_nothing", 5, 5, MSG_OOB, 5, false, -EAGAIN },
	{ "error_queue_is_empty", 5, 5, MSG_ERRQUEUE, -EAGAIN, false, 5 },
};

TEST_EACH(recvmsg, recvs)
{
	struct sockaddr_in from;
	struct sock *sk;
	u32 mflags = 0;
	u8 buf[64];

	up();
	sk = bound(7);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", row->sent), true);
	memset(buf, 0xee, sizeof(buf));
	CHECK_EQ(udp_recv(sk, buf, row->room, row->flags | MSG_DONTWAIT, &from, &mflags), row->ret);
	if (row->ret >= 0) {
		CHECK_EQ(mflags, row->truncated ? MSG_TRUNC : 0);
		CHECK(from.sin_family == AF_INET && from.sin_addr == PEER_IP &&
		      from.sin_port == htons(55));
		CHECK(!memcmp(buf, "hello", min(row->sent, row->room)));
	}
	CHECK_EQ(buf[row->room], 0xee);
	CHECK_EQ(net->mib.udp[UM(InDatagrams)], row->then == -EAGAIN);
	CHECK_EQ(udp_recv(sk, buf, 64, MSG_DONTWAIT, NULL, NULL), row->then);
	CHECK_EQ(sk->sk_rmem_alloc, 0);
	close_sock(sk);
	fixture_down();
}

TEST(a_bad_buffer_loses_the_datagram)
{
	struct sock *sk;

	up();
	sk = bound(7);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", 5), true);
	CHECK_EQ(udp_recv(sk, (void *)8, 5, MSG_DONTWAIT | MSG_PEEK, NULL, NULL), -EFAULT);
	CHECK_EQ(sk->sk_receive_queue.qlen, 1);
	CHECK_EQ(udp_recv(sk, (void *)8, 5, MSG_DONTWAIT, NULL, NULL), -EFAULT);
	CHECK_EQ(sk->sk_receive_queue.qlen, 0);
	CHECK_EQ(sk->sk_rmem_alloc, 0);
	CHECK_EQ(net->mib.udp[UM(InDatagrams)], 0);
	close_sock(sk);
	fixture_down();
}

/* As on Linux one datagram may go beyond the limit, so a small buffer still receives. */
static const struct buffer_row {
	const char *name;
	u32 rcvbuf; /* in truesizes of the datagram, in quarters */
	u32 fit;
} buffers[] = {
	{ "none_at_all", 0, 0 },       { "a_quarter_of_one", 1, 1 }, { "exactly_one", 4, 1 },
	{ "one_and_a_quarter", 5, 2 }, { "exactly_two", 8, 2 },      { "seven_and_a_half", 30, 8 },
};

TEST_EACH(receive_buffer, buffers)
{
	u64 full = skb_stats.drop[R(SOCKET_RCVBUFF)];
	struct sock *sk;
	u32 size, n;
	u8 buf[8];

	up();
	sk = bound(7);
	n = udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", 5);
	feed_ip(&f, n, true);
	size = sk->sk_rmem_alloc;
	CHECK(size > 0 && size % 4 == 0);
	CHECK_EQ(udp_recv(sk, buf, 8, MSG_DONTWAIT, NULL, NULL), 5);
	sk->sk_rcvbuf = row->rcvbuf * size / 4;
	for (u32 i = 0; i < 10; i++)
		feed_ip(&f, n, true);
	CHECK_EQ(sk->sk_receive_queue.qlen, row->fit);
	CHECK_EQ(net->mib.udp[UM(RcvbufErrors)], 10 - row->fit);
	CHECK_EQ(net->mib.udp[UM(InErrors)], 10 - row->fit);
	CHECK_EQ(skb_stats.drop[R(SOCKET_RCVBUFF)] - full, 10 - row->fit);
	close_sock(sk);
	fixture_down();
}

/* What waits is dropped with its socket, counted. */
TEST(close_drops_what_nobody_read)
{
	u64 dropped = skb_stats.drop[R(SOCKET_CLOSE)];
	struct sock *sk;

	up();
	sk = bound(7);
	for (u32 i = 0; i < 3; i++)
		feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", 5), true);
	close_sock(sk);
	CHECK_EQ(skb_stats.drop[R(SOCKET_CLOSE)] - dropped, 3);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", 5), true);
	CHECK_EQ(net->mib.udp[UM(NoPorts)], 1);
	fixture_down();
}

TEST(an_error_comes_before_data_and_once)
{
	struct sock *sk;
	u8 buf[8];

	up();
	sk = bound(7);
	CHECK_EQ(do_connect(sk, 0x0a000002, 55), 0);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", 5), true);
	sk->sk_err = ECONNREFUSED;
	CHECK_EQ(udp_recv(sk, buf, 8, MSG_DONTWAIT | MSG_PEEK, NULL, NULL), -ECONNREFUSED);
	CHECK_EQ(udp_recv(sk, buf, 8, MSG_DONTWAIT, NULL, NULL), 5);
	sk->sk_err = ECONNREFUSED;
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), -ECONNREFUSED);
	CHECK_EQ(udp_send(sk, 0, 0, "x", 1, 0), 1);
	close_sock(sk);
	fixture_down();
}

/* --- Waiting -------------------------------------------------------------------------------------------------------------------------- */

static struct sock *waiter;
static u64 due;

static u64 next_event(void *arg)
{
	(void)arg;
	return due;
}

static void wakes_with_data(void *arg)
{
	(void)arg;
	due = UINT64_MAX;
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "late", 4), true);
}

static void wakes_with_error(void *arg)
{
	(void)arg;
	due = UINT64_MAX;
	waiter->sk_err = EHOSTUNREACH;
	waiter->sk_error_report(waiter);
}

static void wakes_with_shutdown(void *arg)
{
	(void)arg;
	due = UINT64_MAX;
	(void)udp_prot.shutdown(waiter, RCV_SHUTDOWN);
}

static void wakes_for_nothing(void *arg)
{
	(void)arg;
	due = UINT64_MAX;
	waiter->sk_state_change(waiter);
}

static const struct wait_row {
	const char *name;
	void (*event)(void *arg);
	u64 timeout_ms; /* 0: for ever */
	long ret;
	u64 after_ms;
} waits[] = {
	{ "data", wakes_with_data, 0, 4, 100 },
	{ "error", wakes_with_error, 0, -EHOSTUNREACH, 100 },
	{ "shutdown", wakes_with_shutdown, 0, 0, 100 },
	{ "data_before_the_timeout", wakes_with_data, 200, 4, 100 },
	{ "timeout_before_the_data", wakes_with_data, 50, -EAGAIN, 50 },
	{ "woken_for_nothing_goes_on_waiting", wakes_for_nothing, 300, -EAGAIN, 300 },
};

TEST_EACH(a_reader_waits_for, waits)
{
	u8 buf[8];
	u64 t0;

	up();
	waiter = bound(7);
	t0 = host_clock();
	due = t0 + 100 * MSEC;
	if (row->timeout_ms)
		waiter->sk_rcvtimeo_ns = row->timeout_ms * MSEC;
	host_set_events(next_event, row->event, NULL);
	CHECK_EQ(udp_recv(waiter, buf, 8, 0, NULL, NULL), row->ret);
	CHECK(host_clock() - t0 >= row->after_ms * MSEC &&
	      host_clock() - t0 < (row->after_ms + 10) * MSEC);
	host_clock_advance(200 * MSEC);
	host_set_events(NULL, NULL, NULL);
	close_sock(waiter);
	fixture_down();
}

static void writer_error(void *arg)
{
	(void)arg;
	due = UINT64_MAX;
	waiter->sk_err = EHOSTUNREACH;
	waiter->sk_error_report(waiter);
}

static void writer_shutdown(void *arg)
{
	(void)arg;
	due = UINT64_MAX;
	(void)udp_prot.shutdown(waiter, SEND_SHUTDOWN);
}

static const struct wait_row writer_waits[] = {
	{ "room", wakes_for_nothing, 0, 1,
	  3000 }, /* the neighbour fails: what waited for it is given back */
	{ "error", writer_error, 0, -EHOSTUNREACH, 100 },
	{ "shutdown", writer_shutdown, 0, -EPIPE, 100 },
	{ "timeout", wakes_for_nothing, 300, -EAGAIN, 300 },
	{ "timeout_before_the_error", writer_error, 50, -EAGAIN, 50 },
};

TEST_EACH(a_writer_waits_for, writer_waits)
{
	u64 t0;

	fixture_up(true); /* nobody answers ARP */
	waiter = bound(7);
	waiter->sk_sndbuf = 1;
	CHECK_EQ(udp_send(waiter, PEER_IP, 9, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(udp_send(waiter, PEER_IP, 9, "x", 1, MSG_DONTWAIT), -EAGAIN);
	t0 = host_clock();
	due = t0 + 100 * MSEC;
	if (row->timeout_ms)
		waiter->sk_sndtimeo_ns = row->timeout_ms * MSEC;
	host_set_events(next_event, row->event, NULL);
	CHECK_EQ(udp_send(waiter, PEER_IP, 9, "x", 1, 0), row->ret);
	CHECK(host_clock() - t0 >= row->after_ms * MSEC &&
	      host_clock() - t0 < (row->after_ms + 50) * MSEC);
	host_clock_advance(10000 * MSEC);
	host_set_events(NULL, NULL, NULL);
	close_sock(waiter);
	fixture_down();
}

/* --- poll(), ioctl(), shutdown() ------------------------------------------------------------------------------------------------------- */

static const struct poll_row {
	const char *name;
	bool data;
	int err;
	u8 shutdown;
	u32 wmem; /* in quarters of the buffer */
	u32 mask;
} polls[] = {
	{ "idle", false, 0, 0, 0, POLLOUT | POLLWRNORM },
	{ "data", true, 0, 0, 0, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM },
	{ "error", false, ECONNREFUSED, 0, 0, POLLERR | POLLOUT | POLLWRNORM },
	{ "data_and_error", true, ECONNREFUSED, 0, 0,
	  POLLERR | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM },
	{ "no_more_reading", false, 0, RCV_SHUTDOWN, 0,
	  POLLRDHUP | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM },
	{ "no_more_writing", false, 0, SEND_SHUTDOWN, 0, POLLOUT | POLLWRNORM },
	{ "neither", false, 0, SHUTDOWN_MASK, 0,
	  POLLHUP | POLLRDHUP | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM },
	{ "half_full_is_writable", false, 0, 0, 2, POLLOUT | POLLWRNORM },
	{ "more_than_half_full", false, 0, 0, 3, 0 },
	{ "full_with_data", true, 0, 0, 4, POLLIN | POLLRDNORM },
};

TEST_EACH(poll, polls)
{
	struct sock *sk;

	up();
	sk = bound(7);
	if (row->data)
		feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "x", 1), true);
	sk->sk_err = row->err;
	sk->sk_shutdown = row->shutdown;
	count_set(&sk->sk_wmem_alloc, sk->sk_sndbuf / 4 * row->wmem);
	CHECK_EQ(udp_prot.poll(sk), row->mask);
	count_set(&sk->sk_wmem_alloc, 0);
	close_sock(sk);
	fixture_down();
}

TEST(ioctl_tells_lengths)
{
	struct sock *sk;
	int val = 77;

	fixture_up(true); /* nobody answers ARP: what we send waits */
	sk = bound(7);
	CHECK_EQ(udp_prot.ioctl(sk, FIONREAD, &val), 0);
	CHECK_EQ(val, 0);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "hello", 5), true);
	feed_ip(&f, udp_make(&f, PEER_IP, 55, OUR_IP, 7, "x", 1), true);
	CHECK_EQ(udp_prot.ioctl(sk, FIONREAD, &val), 0);
	CHECK_EQ(val, 5); /* of the next one */
	CHECK_EQ(udp_prot.ioctl(sk, SIOCOUTQ, &val), 0);
	CHECK_EQ(val, 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "x", 1, 0), 1);
	CHECK_EQ(udp_prot.ioctl(sk, SIOCOUTQ, &val), 0);
	CHECK_EQ(val, sk->sk_wmem_alloc);
	CHECK(val > 0);
	CHECK_EQ(udp_prot.ioctl(sk, TIOCGWINSZ, &val), -ENOTTY);
	close_sock(sk);
	host_clock_advance(4000 * MSEC);
	fixture_down();
}

static const struct shutdown_row {
	const char *name;
	u8 mask;
	bool connected;
	int err;
	long send, recv;
} shutdowns[] = {
	{ "reading", RCV_SHUTDOWN, true, 0, 1, -EAGAIN },
	{ "writing", SEND_SHUTDOWN, true, 0, -EPIPE, -EAGAIN },
	{ "both", SHUTDOWN_MASK, true, 0, -EPIPE, -EAGAIN },
	{ "both_without_a_peer", SHUTDOWN_MASK, false, -ENOTCONN, -EPIPE, -EAGAIN },
};

TEST_EACH(shutdown, shutdowns)
{
	struct sock *sk;
	u8 buf[4];

	up();
	sk = bound(7);
	if (row->connected)
		CHECK_EQ(do_connect(sk, 0x0a000002, 9), 0);
	CHECK_EQ(udp_prot.shutdown(sk, row->mask), row->err);
	CHECK_EQ(udp_send(sk, row->connected ? 0 : PEER_IP, 9, "x", 1, 0), row->send);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, NULL), row->recv);
	if (row->mask & RCV_SHUTDOWN) /* who would wait learns the end */
		CHECK_EQ(udp_recv(sk, buf, 4, 0, NULL, NULL), 0);
	close_sock(sk);
	fixture_down();
}

/* --- Errors that concern nobody -------------------------------------------------------------------------------------------------------------- */

TEST(an_error_about_a_socket_that_is_gone_is_counted)
{
	struct sock *sk;
	u8 quote[28];

	up();
	sk = bound(4000);
	CHECK_EQ(do_connect(sk, 0x0a000002, 9), 0);
	CHECK_EQ(udp_send(sk, 0, 0, "", 0, 0), 0);
	memcpy(quote, frames[0].b + 14, 28);
	close_sock(sk);
	feed_ip(&f, icmp_make(&f, PEER_IP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, quote, 28),
		true);
	CHECK_EQ(net->mib.icmp[ICMP_MIB_InErrors], 1);
	fixture_down();
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------------------- */

TEST(comes_up_or_not_at_all)
{
	static const struct net_protocol other = { .handler = consume_skb };
	struct net *n = net_alloc();

	CHECK_EQ(ip_init(n), 0);
	for (u64 nth = 1; nth <= 4; nth++) {
		fail_alloc(nth);
		CHECK_EQ(udp_net_init(n), -ENOMEM);
		CHECK_EQ(fail_over(), 1);
		CHECK(!n->udp);
	}
	CHECK_EQ(inet_add_protocol(n, IPPROTO_UDP, &other), 0);
	CHECK_EQ(udp_net_init(n), -EEXIST);
	CHECK(!n->udp);
	udp_net_exit(n); /* nothing there: no harm */
	ip_exit(n);
	net_free(n);
}

TEST(page_of_many_sockets_ends_when_it_is_full)
{
	static char buf[400];
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };
	struct sock *sk[8];

	up();
	for (u32 i = 0; i < 8; i++)
		sk[i] = bound((u16)(1000 + i));
	CHECK_EQ(do_connect(sk[3], 0x0a000002, 9), 0);
	CHECK(page_has(udp_show, "0100000A:03EB 0200000A:0009 01 "));
	m.arg = net;
	udp_show(&m);
	CHECK(m.overflow && m.len < sizeof(buf));
	for (u32 i = 0; i < 8; i++)
		close_sock(sk[i]);
	fixture_down();
}

KTEST_MAIN_BOOT()
