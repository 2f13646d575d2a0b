// SPDX-License-Identifier: MIT
/*
 * UDP's large and corked datagrams: built in pieces with one copy, fragments as on Linux, every limit and every error; control data;
 * many datagrams by one call.
 */
#include "../ipv4/fixture.h"

#define MSEC    1000000ull
#define IP(n)   net->mib.ip[IPSTATS_MIB_##n]
#define UDP(n)  net->mib.udp[UDP_MIB_##n]
#define PATTERN 66000u

static u8 big[PATTERN], whole[70000];
static struct sock *sk;

static void up(u32 mtu)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	CHECK_EQ(dev_set_mtu(dev, mtu), 0);
	sk = udp_open();
	CHECK_EQ(udp_prot.get_port(sk, 4000), 0);
	for (u32 i = 0; i < PATTERN; i++)
		big[i] = (u8)(i * 3 + i / 251);
}

static void down(void)
{
	host_clock_advance(MSEC);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

static int set(int level, int opt, int val)
{
	return udp_prot.setsockopt(sk, level, opt, &val, sizeof(val));
}

static long send_to(u32 len, u32 flags)
{
	return udp_send(sk, PEER_IP, 9, big, len, flags);
}

/* Joins frames @from on into one datagram at whole[]: its length, checksum looked at. */
static u32 joined(u32 from, u32 n)
{
	const struct udphdr *uh = (const struct udphdr *)(const void *)whole;
	u32 at = 0;

	for (u32 i = from; i < from + n; i++) {
		const struct iphdr *ip = frame_ip(i);

		CHECK(ip != NULL);
		if (!ip)
			return 0;
		CHECK_EQ(ntohs(ip->frag_off), at / 8 | (i + 1 < from + n ? IP_MF : 0));
		CHECK_EQ(ip->id, frame_ip(from)->id);
		CHECK_EQ(ip_fast_csum(ip, 5), 0);
		memcpy(whole + at, frames[i].b + 34, frames[i].len - 34);
		at += frames[i].len - 34;
	}
	CHECK_EQ(ntohs(uh->len), at);
	CHECK_EQ(csum_tcpudp_magic(OUR_IP, PEER_IP, at, IPPROTO_UDP, csum_partial(whole, at, 0)),
		 0);
	return at;
}

/* --- Large ones -------------------------------------------------------------------------------------------------------------- */

TEST(udp_of_4000_bytes_leaves_as_1514_1514_1082)
{
	u64 tx, frag, other;

	up(1500);
	tx = skb_stats.copied_tx;
	frag = skb_stats.copied_frag;
	other = skb_stats.copied_other;
	CHECK_EQ(send_to(4000, 0), 4000);
	CHECK_EQ(nr_frames, 3);
	CHECK_EQ(frames[0].len, 1514);
	CHECK_EQ(frames[1].len, 1514);
	CHECK_EQ(frames[2].len, 1082);
	CHECK_EQ(joined(0, 3), 4008);
	CHECK_EQ(memcmp(whole + 8, big, 4000), 0);
	/* One copy, into pieces that only needed headers. */
	CHECK_EQ(skb_stats.copied_tx - tx, 4000);
	CHECK_EQ(skb_stats.copied_frag, frag);
	CHECK_EQ(skb_stats.copied_other, other);
	CHECK_EQ(IP(FragOKs), 1);
	CHECK_EQ(IP(FragCreates), 3);
	CHECK_EQ(IP(OutRequests), 1);
	CHECK_EQ(UDP(OutDatagrams), 1);
	down();
}

static const struct size_row {
	const char *name;
	u32 mtu, len;
	int disc; /* IP_MTU_DISCOVER */
	long ret;
	u32 frames;
	bool df; /* of a single frame */
} sizes[] = {
	{ "empty", 1500, 0, IP_PMTUDISC_WANT, 0, 1, true },
	{ "want_fits", 1500, 1472, IP_PMTUDISC_WANT, 1472, 1, true },
	{ "want_one_more", 1500, 1473, IP_PMTUDISC_WANT, 1473, 2, false },
	{ "dont_fits", 1500, 1472, IP_PMTUDISC_DONT, 1472, 1, false },
	{ "dont_one_more", 1500, 1473, IP_PMTUDISC_DONT, 1473, 2, false },
	{ "do_fits", 1500, 1472, IP_PMTUDISC_DO, 1472, 1, true },
	{ "do_one_more", 1500, 1473, IP_PMTUDISC_DO, -EMSGSIZE, 0, false },
	{ "probe_fits", 1500, 1472, IP_PMTUDISC_PROBE, 1472, 1, true },
	{ "probe_one_more", 1500, 1473, IP_PMTUDISC_PROBE, -EMSGSIZE, 0, false },
	{ "interface_fits", 1500, 1472, IP_PMTUDISC_INTERFACE, 1472, 1, false },
	{ "interface_one_more", 1500, 1473, IP_PMTUDISC_INTERFACE, -EMSGSIZE, 0, false },
	{ "omit_one_more", 1500, 1473, IP_PMTUDISC_OMIT, 1473, 2, false },
	{ "largest", 1500, 65507, IP_PMTUDISC_WANT, 65507, 45, false },
	{ "one_above_the_largest", 1500, 65508, IP_PMTUDISC_WANT, -EMSGSIZE, 0, false },
	{ "far_above", 1500, 65999, IP_PMTUDISC_WANT, -EMSGSIZE, 0, false },
	{ "odd_mtu_fits", 1499, 1471, IP_PMTUDISC_DO, 1471, 1, true },
	{ "odd_mtu_one_more", 1499, 1472, IP_PMTUDISC_WANT, 1472, 2, false },
	{ "least_mtu", 68, 500, IP_PMTUDISC_WANT, 500, 11, false },
};

TEST_EACH(size, sizes)
{
	up(row->mtu);
	CHECK_EQ(set(SOL_IP, IP_MTU_DISCOVER, row->disc), 0);
	CHECK_EQ(send_to(row->len, 0), row->ret);
	CHECK_EQ(nr_frames, row->frames);
	CHECK_EQ(UDP(OutDatagrams), row->ret >= 0);
	CHECK_EQ(IP(FragCreates), row->frames > 1 ? row->frames : 0);
	if (row->frames == 1)
		CHECK_EQ(ntohs(frame_ip(0)->frag_off), row->df ? IP_DF : 0);
	else if (row->frames)
		CHECK_EQ(joined(0, row->frames), row->len + 8);
	down();
}

/* What a router said of the path counts for those who believe it. */
TEST(a_learned_mtu_counts_but_for_probes)
{
	struct flowi4 fl = { .daddr = PEER_IP };
	struct rtable *rt;

	up(1500);
	rt = ip_route_output_key(net, &fl);
	rt->dst.mtu = 1000;
	CHECK_EQ(send_to(1400, 0), 1400);
	CHECK_EQ(nr_frames, 2);
	CHECK_EQ(set(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	CHECK_EQ(send_to(1400, 0), -EMSGSIZE);
	CHECK_EQ(set(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE), 0);
	CHECK_EQ(send_to(1400, 0), 1400);
	CHECK_EQ(nr_frames, 3);
	CHECK_EQ(ntohs(frame_ip(2)->frag_off), IP_DF);
	rt->dst.mtu = 30; /* less than any path has */
	CHECK_EQ(set(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT), 0);
	CHECK_EQ(send_to(1, 0), -EMSGSIZE);
	rt->dst.mtu = 1500;
	dst_release(&rt->dst);
	down();
}

TEST(the_largest_crosses_loopback_whole)
{
	struct sock *to;

	up(1500);
	to = udp_open();
	CHECK_EQ(udp_prot.get_port(to, 5000), 0);
	CHECK_EQ(udp_send(sk, IP4(127, 0, 0, 1), 5000, big, 65507, 0), 65507);
	host_clock_advance(MSEC);
	CHECK_EQ(udp_recv(to, whole, sizeof(whole), MSG_DONTWAIT, NULL, NULL), 65507);
	CHECK_EQ(memcmp(whole, big, 65507), 0);
	CHECK_EQ(IP(FragCreates), 0);
	CHECK_EQ(net->loopback_dev->stats.tx_packets, 1);
	udp_prot.close(to, 0);
	down();
}

TEST(without_checksum_when_the_socket_says_so)
{
	int val = 0;
	u32 len = 4;

	up(1500);
	val = 1;
	CHECK_EQ(sock_setsockopt(sk, SO_NO_CHECK, &val, 4), 0);
	val = 0;
	CHECK_EQ(sock_getsockopt(sk, SO_NO_CHECK, &val, &len), 0);
	CHECK_EQ(val, 1);
	CHECK_EQ(send_to(5, 0), 5);
	CHECK_EQ(send_to(3000, 0), 3000);
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(((const struct udphdr *)(const void *)(frames[i].b + 34))->check, 0);
	val = 0;
	CHECK_EQ(sock_setsockopt(sk, SO_NO_CHECK, &val, 4), 0);
	CHECK_EQ(send_to(3000, 0), 3000);
	CHECK_EQ(joined(4, 3), 3008);
	down();
}

/* A sum of 0 over many pieces is written as 0xffff. */
TEST(a_sum_of_zero_over_pieces)
{
	const struct udphdr *uh;
	u16 c;

	up(1500);
	memset(big, 0, 2);
	CHECK_EQ(send_to(3000, 0), 3000);
	uh = (const struct udphdr *)(const void *)(frames[0].b + 34);
	c = uh->check;
	memcpy(big, &c, 2);
	CHECK_EQ(send_to(3000, 0), 3000);
	uh = (const struct udphdr *)(const void *)(frames[3].b + 34);
	CHECK_EQ(uh->check, 0xffff);
	down();
}

/* --- Memory ------------------------------------------------------------------------------------------------------------------- */

TEST(every_allocation_of_a_large_send_may_fail)
{
	for (u64 nth = 1; nth < 100; nth++) {
		long ret;
		u64 errors;

		up(1500);
		errors = UDP(SndbufErrors);
		fail_alloc(nth);
		ret = send_to(4000, 0);
		if (!fail_over()) {
			CHECK_EQ(ret, 4000);
			CHECK(nth >= 6);
			down();
			return;
		}
		CHECK(ret == -ENOBUFS || ret == -ENOMEM || ret == 4000);
		if (ret == -ENOBUFS)
			CHECK_EQ(UDP(SndbufErrors) - errors, 1);
		down();
	}
	CHECK(false);
}

/* The first packet waits for room, those behind it are let through up to twice the buffer. */
TEST(the_send_buffer_bounds_a_datagram)
{
	int small = 1;

	up(1500);
	CHECK_EQ(sock_setsockopt(sk, SO_SNDBUF, &small, 4), 0);
	CHECK_EQ(send_to(20000, MSG_DONTWAIT), -ENOBUFS); /* above 2 * 4608 */
	CHECK_EQ(UDP(SndbufErrors), 1);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(send_to(5000, MSG_DONTWAIT), 5000);
	netif_tx_stop_all_queues(dev);
	CHECK_EQ(send_to(5000, MSG_DONTWAIT), 5000);
	CHECK_EQ(send_to(1, MSG_DONTWAIT), -EAGAIN);
	netif_wake_queue(dev);
	host_clock_advance(MSEC);
	CHECK_EQ(send_to(1, MSG_DONTWAIT), 1);
	down();
}

/* What a queue drops is no error of the call, and counted. */
TEST(a_full_queue_is_success_and_counted)
{
	up(1500);
	faults[FAULT_QDISC_DROP] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	CHECK_EQ(send_to(10, 0), 10);
	CHECK_EQ(send_to(4000, 0), 4000);
	faults_armed = false;
	faults[FAULT_QDISC_DROP].on = false;
	CHECK_EQ(UDP(SndbufErrors), 2);
	CHECK_EQ(UDP(OutDatagrams), 0);
	CHECK_EQ(IP(OutDiscards), 2);
	CHECK_EQ(IP(FragFails), 1);
	CHECK_EQ(IP(FragCreates), 0);
	down();
}

TEST(a_bad_buffer_sends_nothing)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(9),
				   .sin_addr = PEER_IP };
	struct iovec iov[2] = { { big, 2000 }, { (void *)1, 2000 } };
	struct msghdr msg = { .msg_name = &sin, .msg_namelen = sizeof(sin) };

	up(1500);
	for (u32 more = 0; more < 2; more++) {
		msg.msg_flags = more ? MSG_MORE : 0;
		iov_iter_init(&msg.msg_iter, iov, 2);
		CHECK_EQ(udp_prot.sendmsg(sk, &msg, 4000), -EFAULT);
		CHECK_EQ(sk->sk_wmem_alloc, 0);
	}
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(send_to(3, 0), 3); /* nothing was left from before */
	CHECK_EQ(frames[0].len, 45);
	down();
}

/* --- Corked ---------------------------------------------------------------------------------------------------------------------- */

TEST(three_corked_sends_are_one_datagram)
{
	up(1500);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 1), 0);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "aaa", 3, 0), 3);
	CHECK_EQ(udp_send(sk, IP4(10, 0, 0, 3), 77, "bbb", 3, 0),
		 3);                                  /* that address is not looked at */
	CHECK_EQ(udp_send(sk, 0, 0, "ccc", 3, 0), 3); /* nor is its absence */
	CHECK_EQ(nr_frames, 0);
	CHECK(sk->sk_wmem_alloc > 0);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 0), 0);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(ntohs(((const struct udphdr *)(const void *)(frames[0].b + 34))->len), 17);
	CHECK_EQ(((const struct udphdr *)(const void *)(frames[0].b + 34))->dest, htons(9));
	CHECK_EQ(frame_ip(0)->daddr, PEER_IP);
	CHECK_EQ(memcmp(frames[0].b + 42, "aaabbbccc", 9), 0);
	CHECK_EQ(ntohs(frame_ip(0)->frag_off), IP_DF);
	CHECK_EQ(UDP(OutDatagrams), 1);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 0), 0); /* nothing there: nothing leaves */
	CHECK_EQ(nr_frames, 1);
	down();
}

TEST(msg_more_and_a_send_without_it)
{
	up(1500);
	CHECK_EQ(send_to(3, MSG_MORE), 3);
	CHECK_EQ(send_to(0, MSG_MORE), 0);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(send_to(4, 0), 4);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frames[0].len, 34 + 8 + 7);
	CHECK_EQ(send_to(0, MSG_MORE), 0); /* a datagram of no bytes can be corked, too */
	CHECK_EQ(send_to(0, 0), 0);
	CHECK_EQ(frames[1].len, 34 + 8);
	down();
}

/* Any number of calls of any size are the same frames as one call. */
static const struct cork_row {
	const char *name;
	u32 mtu, parts[8], frames;
} corks[] = {
	{ "around_the_mtu", 1500, { 1000, 472 }, 1 },
	{ "one_above_the_mtu", 1500, { 1000, 473 }, 2 },
	{ "three_frames", 1500, { 1, 2000, 1999 }, 3 },
	{ "odd_mtu_that_fits", 1499, { 1000, 471 }, 1 },
	{ "odd_mtu_that_fits_to_the_byte", 1499, { 1464, 1, 1, 1, 1, 1, 1, 1 }, 1 },
	{ "odd_mtu_one_above", 1499, { 1000, 472 }, 2 },
	{ "largest", 1500, { 30000, 30000, 5507 }, 45 },
};

TEST_EACH(cork, corks)
{
	u32 at = 0;

	up(row->mtu);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 1), 0);
	for (u32 i = 0; i < 8 && row->parts[i]; at += row->parts[i++])
		CHECK_EQ(udp_send(sk, PEER_IP, 9, big + at, row->parts[i], 0), row->parts[i]);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 0), 0);
	CHECK_EQ(nr_frames, row->frames);
	if (row->frames > 1) {
		CHECK_EQ(joined(0, row->frames), at + 8);
		CHECK_EQ(memcmp(whole + 8, big, at), 0);
	} else {
		CHECK_EQ(frames[0].len, 42 + at);
		CHECK_EQ(memcmp(frames[0].b + 42, big, at), 0);
	}
	down();
}

TEST(a_corked_datagram_too_large_is_given_up)
{
	up(1500);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 1), 0);
	CHECK_EQ(send_to(60000, 0), 60000);
	CHECK_EQ(send_to(6000, 0), -EMSGSIZE);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 0), 0);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(set(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	CHECK_EQ(send_to(1000, MSG_MORE), 1000);
	CHECK_EQ(send_to(473, 0), -EMSGSIZE);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK_EQ(send_to(5, 0), 5);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frames[0].len, 47);
	down();
}

TEST(what_is_corked_goes_with_the_socket)
{
	up(1500);
	CHECK_EQ(send_to(3000, MSG_MORE), 3000);
	CHECK(sk->sk_wmem_alloc > 3000);
	udp_prot.close(sk, 0);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

/* Loopback's MTU is 64 KiB: a few corked bytes must not be charged as much. */
TEST(a_corked_packet_grows_as_it_needs)
{
	struct sock *to;

	up(1500);
	to = udp_open();
	CHECK_EQ(udp_prot.get_port(to, 5000), 0);
	CHECK_EQ(udp_send(sk, IP4(127, 0, 0, 1), 5000, big, 3, MSG_MORE), 3);
	CHECK(sk->sk_wmem_alloc < 4096);
	for (u32 i = 3; i < 40003; i += 1000)
		CHECK_EQ(udp_send(sk, IP4(127, 0, 0, 1), 5000, big + i, 1000, MSG_MORE), 1000);
	CHECK_EQ(udp_send(sk, IP4(127, 0, 0, 1), 5000, big, 0, 0), 0);
	host_clock_advance(MSEC);
	CHECK_EQ(udp_recv(to, whole, sizeof(whole), MSG_DONTWAIT, NULL, NULL), 40003);
	CHECK_EQ(memcmp(whole, big, 40003), 0);
	udp_prot.close(to, 0);
	down();
}

TEST(every_allocation_of_corked_sends_may_fail)
{
	for (u64 nth = 1; nth < 60; nth++) {
		u32 at = 0;
		bool failed = false;

		up(1499);
		CHECK_EQ(set(SOL_UDP, UDP_CORK, 1), 0);
		fail_alloc(nth);
		while (at < 1471 && !failed) {
			long n = udp_send(sk, PEER_IP, 9, big + at, at ? 7 : 1464, 0);

			failed = n < 0;
			at += failed ? 0 : (u32)n;
		}
		if (!failed && set(SOL_UDP, UDP_CORK, 0) == -ENOBUFS)
			failed = true;
		if (!fail_over()) {
			CHECK_EQ(nr_frames, 1);
			down();
			return;
		}
		CHECK(failed || nr_frames <= 1);
		CHECK_EQ(sk->sk_wmem_alloc, 0);
		down();
	}
	CHECK(false);
}

/* A writer that waits for the buffer in the first packet of a corked datagram, and a second one that comes meanwhile. */
static long second_ret;
static bool second_done;

static void second_writer(void *arg)
{
	(void)arg;
	second_ret = udp_send(sk, PEER_IP, 9, "b", 1, MSG_MORE | MSG_DONTWAIT);
	second_done = true;
}

TEST(a_second_writer_appends_to_what_the_first_began)
{
	up(1500);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "a", 1, MSG_MORE), 1);
	second_writer(NULL);
	CHECK(second_done);
	CHECK_EQ(second_ret, 1);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, "c", 1, 0), 1);
	CHECK_EQ(memcmp(frames[0].b + 42, "abc", 3), 0);
	down();
}

/* --- Options and control data ------------------------------------------------------------------------------------------------------ */

TEST(options_of_level_udp)
{
	u8 short_value = 1;
	int val = 7;
	u32 len = 4;

	up(1500);
	CHECK_EQ(udp_prot.setsockopt(sk, SOL_UDP, UDP_CORK, &short_value, 1), -EINVAL);
	CHECK_EQ(udp_prot.getsockopt(sk, SOL_UDP, UDP_CORK, &val, &len), 0);
	CHECK_EQ(val, 0);
	CHECK_EQ(set(SOL_UDP, UDP_CORK, 5), 0);
	CHECK_EQ(udp_prot.getsockopt(sk, SOL_UDP, UDP_CORK, &val, &len), 0);
	CHECK_EQ(val, 1);
	CHECK_EQ(set(SOL_UDP, UDP_SEGMENT, -1), -EINVAL);
	CHECK_EQ(set(SOL_UDP, UDP_SEGMENT, 65536), -EINVAL);
	CHECK_EQ(set(SOL_UDP, UDP_SEGMENT, 1000), 0);
	CHECK_EQ(udp_prot.getsockopt(sk, SOL_UDP, UDP_SEGMENT, &val, &len), 0);
	CHECK_EQ(val, 1000);
	CHECK_EQ(udp_prot.getsockopt(sk, SOL_UDP, 99, &val, &len), -ENOPROTOOPT);
	down();
}

struct item {
	struct cmsghdr c;
	u8 data[16];
};

static long send_control(const void *control, u32 controllen, u32 len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(9),
				   .sin_addr = PEER_IP };
	struct iovec iov = { big, len };
	struct msghdr msg = { .msg_name = &sin,
			      .msg_namelen = sizeof(sin),
			      .msg_control = (void *)(uintptr_t)control,
			      .msg_controllen = controllen };

	iov_iter_init(&msg.msg_iter, &iov, 1);
	return udp_prot.sendmsg(sk, &msg, len);
}

#define ANY_ERROR (-1000)

static const struct control_row {
	const char *name;
	int level, type;
	u32 len; /* of the data */
	int val;
	long ret;
	int ttl, tos;
} controls[] = {
	{ "ttl", SOL_IP, IP_TTL, 4, 7, 5, 7, 0 },
	{ "ttl_255", SOL_IP, IP_TTL, 4, 255, 5, 255, 0 },
	{ "ttl_0", SOL_IP, IP_TTL, 4, 0, -EINVAL, 0, 0 },
	{ "ttl_256", SOL_IP, IP_TTL, 4, 256, -EINVAL, 0, 0 },
	{ "ttl_negative", SOL_IP, IP_TTL, 4, -1, -EINVAL, 0, 0 },
	{ "ttl_of_one_byte", SOL_IP, IP_TTL, 1, 7, -EINVAL, 0, 0 },
	{ "tos", SOL_IP, IP_TOS, 4, 0x10, 5, 64, 0x10 },
	{ "tos_of_one_byte", SOL_IP, IP_TOS, 1, 0x10, 5, 64, 0x10 },
	{ "tos_of_two_bytes", SOL_IP, IP_TOS, 2, 0x10, -EINVAL, 0, 0 },
	{ "tos_256", SOL_IP, IP_TOS, 4, 256, -EINVAL, 0, 0 },
	{ "tos_negative", SOL_IP, IP_TOS, 4, -1, -EINVAL, 0, 0 },
	{ "pktinfo_short", SOL_IP, IP_PKTINFO, 8, 0, -EINVAL, 0, 0 },
	{ "pktinfo_of_nothing", SOL_IP, IP_PKTINFO, 12, 0, 5, 64, 0 },
	{ "pktinfo_of_no_such_device", SOL_IP, IP_PKTINFO, 12, 99, ANY_ERROR, 0, 0 },
	{ "ip_unknown", SOL_IP, 77, 4, 0, -EINVAL, 0, 0 },
	{ "socket_level", SOL_SOCKET, 1, 4, 0, -EINVAL, 0, 0 },
	{ "other_level", SOL_TCP, 1, 4, 0, 5, 64, 0 },
	{ "segment", SOL_UDP, UDP_SEGMENT, 2, 1000, 5, 64, 0 },
	{ "segment_of_four_bytes", SOL_UDP, UDP_SEGMENT, 4, 1000, -EINVAL, 0, 0 },
	{ "udp_unknown", SOL_UDP, UDP_CORK, 2, 0, -EINVAL, 0, 0 },
};

TEST_EACH(control, controls)
{
	struct item it = { .c = { sizeof(it.c) + row->len, row->level, row->type } };
	long ret;

	up(1500);
	memcpy(it.data, &row->val, 4);
	ret = send_control(&it, sizeof(it.c) + row->len, 5);
	CHECK(row->ret == ANY_ERROR ? ret < 0 : ret == row->ret);
	CHECK_EQ(nr_frames, row->ret > 0);
	if (row->ret > 0) {
		CHECK_EQ(frame_ip(0)->ttl, row->ttl);
		CHECK_EQ(frame_ip(0)->tos, row->tos);
		/* The next one is the socket's again. */
		CHECK_EQ(send_to(5, 0), 5);
		CHECK_EQ(frame_ip(1)->ttl, 64);
		CHECK_EQ(frame_ip(1)->tos, 0);
	}
	down();
}

TEST(control_data_must_be_whole)
{
	struct item it[2] = { { .c = { sizeof(it[0].c) + 4, SOL_IP, IP_TTL } },
			      { .c = { sizeof(it[0].c) + 4, SOL_IP, IP_TOS } } };

	up(1500);
	it[0].data[0] = 9;
	/* A second item right behind the first, at a multiple of 8. */
	memcpy((u8 *)it + 24,
	       &(struct item){ .c = { sizeof(it[0].c) + 4, SOL_IP, IP_TOS }, .data = { 8 } }, 20);
	CHECK_EQ(send_control(it, 44, 5), 5);
	CHECK_EQ(frame_ip(0)->ttl, 9);
	CHECK_EQ(frame_ip(0)->tos, 8);
	CHECK_EQ(send_control(it, 43, 5), -EINVAL); /* the second is cut off */
	CHECK_EQ(send_control(it, 24 + 15, 5), 5);  /* less than a header is nothing */
	it[0].c.cmsg_len = 15;
	CHECK_EQ(send_control(it, 20, 5), -EINVAL);
	it[0].c.cmsg_len = ~(size_t)0;
	CHECK_EQ(send_control(it, 20, 5), -EINVAL);
	down();
}

TEST(pktinfo_chooses_source_and_device)
{
	struct item it = { .c = { sizeof(it.c) + 12, SOL_IP, IP_PKTINFO } };
	struct in_pktinfo info = { .ipi_spec_dst = IP4(10, 0, 0, 50) };

	up(1500);
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 50), 24), 0);
	nr_frames = 0; /* it was announced */
	memcpy(it.data, &info, sizeof(info));
	CHECK_EQ(send_control(&it, 28, 5), 5);
	CHECK_EQ(frame_ip(0)->saddr, IP4(10, 0, 0, 50));
	info = (struct in_pktinfo){ .ipi_spec_dst = IP4(9, 9, 9, 9) };
	memcpy(it.data, &info, sizeof(info));
	CHECK_EQ(send_control(&it, 28, 5), -ENETUNREACH);
	info = (struct in_pktinfo){ .ipi_ifindex = (int)dev->ifindex };
	memcpy(it.data, &info, sizeof(info));
	CHECK_EQ(send_control(&it, 28, 5), 5);
	down();
}

/* --- Many datagrams by one call ------------------------------------------------------------------------------------------------------- */

TEST(segments_are_datagrams_of_their_own)
{
	up(1500);
	CHECK_EQ(set(SOL_UDP, UDP_SEGMENT, 1000), 0);
	CHECK_EQ(send_to(3500, 0), 3500);
	CHECK_EQ(nr_frames, 4);
	for (u32 i = 0; i < 4; i++) {
		const struct udphdr *uh = (const struct udphdr *)(const void *)(frames[i].b + 34);
		u32 len = 8 + (i < 3 ? 1000 : 500);

		CHECK_EQ(ntohs(uh->len), len);
		CHECK_EQ(csum_tcpudp_magic(OUR_IP, PEER_IP, len, IPPROTO_UDP,
					   csum_partial(uh, len, 0)),
			 0);
		CHECK_EQ(memcmp(uh + 1, big + 1000 * i, len - 8), 0);
		CHECK_EQ(ntohs(frame_ip(i)->frag_off) & (IP_MF | IP_OFFSET), 0);
	}
	CHECK_EQ(send_to(1000, 0), 1000); /* one is one */
	CHECK_EQ(nr_frames, 5);
	down();
}

static const struct segment_row {
	const char *name;
	u32 size, len;
	bool no_check, cork;
	long ret;
	u32 frames;
} segments[] = {
	{ "fills_the_mtu", 1472, 14720, false, false, 14720, 10 },
	{ "larger_than_the_mtu", 1473, 14720, false, false, -EINVAL, 0 },
	{ "sixty_four", 100, 6400, false, false, 6400, 64 },
	{ "one_more", 100, 6401, false, false, -EINVAL, 0 },
	{ "without_checksum", 1000, 3000, true, false, -EINVAL, 0 },
	{ "corked", 1000, 3000, false, true, 3000, 3 },
	{ "too_much_in_all", 1472, 65508, false, false, -EMSGSIZE, 0 },
};

TEST_EACH(segment, segments)
{
	int val = row->no_check;

	up(1500);
	CHECK_EQ(set(SOL_UDP, UDP_SEGMENT, (int)row->size), 0);
	CHECK_EQ(sock_setsockopt(sk, SO_NO_CHECK, &val, 4), 0);
	if (row->cork)
		CHECK_EQ(udp_send(sk, PEER_IP, 9, big, row->len / 2, MSG_MORE), row->len / 2);
	CHECK_EQ(udp_send(sk, PEER_IP, 9, big, row->cork ? row->len / 2 : row->len, 0),
		 row->cork ? row->ret / 2 : row->ret);
	CHECK_EQ(nr_frames, row->frames);
	down();
}

KTEST_MAIN_BOOT()
