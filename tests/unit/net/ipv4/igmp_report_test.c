// SPDX-License-Identifier: MIT
/* IGMP beside what the scripts of tests/conformance/ip/igmp show: devices that go and come, slots, the page, memory. */
#include "fixture.h"

#include "../../../../net/ipv4/ipv4.h"

#define GROUP(n) htonl(0xef010200u + (n))
#define SEC      1000000000ull

static struct sock *sk;

static void up(void)
{
	fixture_up(true);
	sk = udp_open();
	nr_frames = 0;
}

static void down(void)
{
	udp_prot.close(sk, 0);
	fixture_down();
}

static int member(int name, __be32 group)
{
	struct ip_mreqn mr = { .imr_multiaddr = group, .imr_ifindex = (int)dev->ifindex };
	int err;

	lock_sock(sk);
	err = ip_setsockopt(sk, name, &mr, sizeof(mr));
	release_sock(sk);
	return err;
}

/* Records of frame @i, when that is a sound report of version 3. 0: it is not. */
static u32 records(u32 i)
{
	const struct iphdr *iph = frame_ip(i);
	const u8 *p = (const u8 *)iph + 24;

	if (!iph || iph->protocol != IPPROTO_IGMP || iph->ver_ihl != 0x46 || iph->ttl != 1 ||
	    iph->daddr != htonl(0xe0000016) || iph->saddr != OUR_IP || p[0] != 0x22)
		return 0;
	CHECK_EQ(csum_fold(csum_partial(p, ntohs(iph->tot_len) - 24u, 0)), 0);
	return get_unaligned_be16(p + 6);
}

static u8 record_type(u32 i, u32 rec)
{
	return ((const u8 *)frame_ip(i))[24 + 8 + 8 * rec];
}

TEST(a_device_that_comes_back_tells_its_groups_again)
{
	up();
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(1)), 0);
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(2)), 0);
	dev_close(dev);
	nr_frames = 0;
	host_clock_advance(20 * SEC);
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(3)), 0); /* heard later */
	CHECK_EQ(member(IP_DROP_MEMBERSHIP, GROUP(1)), 0);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(records(0), 2);
	CHECK(record_type(0, 0) == 4 && record_type(0, 1) == 4);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 2);
	CHECK_EQ(records(1), 2);
	down();
}

TEST(a_device_that_goes_says_nothing_more)
{
	up();
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(1)), 0);
	CHECK_EQ(member(IP_DROP_MEMBERSHIP, GROUP(1)), 0); /* to be said once more */
	CHECK_EQ(dev->ip_ptr->mc[0].users, 0);
	CHECK_EQ(dev->ip_ptr->mc[0].group, GROUP(1));
	dev_close(dev);
	CHECK_EQ(dev->ip_ptr->mc[0].group, 0);
	nr_frames = 0;
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 0);
	down();
}

TEST(slots_of_groups_that_were_left_are_given_to_others)
{
	struct sock *other;

	up();
	other = sk;
	for (u32 i = 0; i < IN_DEV_MAX_GROUPS; i++) {
		if (i == 20)
			sk = udp_open();
		CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(i)), 0);
	}
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(99)), -ENOBUFS);
	CHECK_EQ(member(IP_DROP_MEMBERSHIP, GROUP(25)), 0);
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(99)), 0);
	nr_frames = 0;
	host_clock_advance(5 * SEC);
	CHECK(nr_frames >= 1);
	udp_prot.close(other, 0);
	down();
}

TEST(nothing_is_said_on_loopback)
{
	struct ip_mreqn mr = { .imr_multiaddr = GROUP(1), .imr_address = htonl(0x7f000001) };

	up();
	lock_sock(sk);
	CHECK_EQ(ip_setsockopt(sk, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)), 0);
	release_sock(sk);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(skb_stats.live, 0);
	down();
}

TEST(what_has_no_memory_is_said_the_next_time)
{
	up();
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(9)), 0);
	host_clock_advance(20 * SEC);
	nr_frames = 0;
	fail_allocs_from(1);
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(1)), 0);
	CHECK(fail_over() > 0);
	CHECK_EQ(nr_frames, 0);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(records(0), 1);
	down();
}

/* A query of version @v, code 10. */
static void query(u32 v)
{
	static struct ipframe f;
	u32 len = v == 3 ? 12 : 8, n = ip_make(&f, PEER_IP, htonl(0xe0000001), IPPROTO_IGMP, len);

	memset(f.data, 0, len);
	f.data[0] = 0x11;
	f.data[1] = v == 1 ? 0 : 10;
	f.data[8] = 2;
	f.data[9] = 125;
	put_unaligned_be16(0, f.data + 2);
	memcpy(f.data + 2, &(u16){ csum_fold(csum_partial(f.data, len, 0)) }, 2);
	memcpy(f.eth.h_dest, "\1\0\x5e\0\0\1", 6);
	feed_ip(&f, n, true);
}

TEST(versions_and_the_page)
{
	char text[PROC_SETTING_MAX];

	up();
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(3)), 0);
	host_clock_advance(20 * SEC);
	CHECK(page_has(igmp_show,
		       "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"));
	CHECK(page_has(igmp_show, "2\teth0      :     2      V3\n"
				  "\t\t\t\t030201EF     1 0:00000000\t\t0\n"
				  "\t\t\t\t010000E0     1 0:00000000\t\t0\n"));
	query(2);
	CHECK(page_has(igmp_show, "V2\n\t\t\t\t030201EF     1 1:0000"));
	host_clock_advance(2 * SEC);
	CHECK(page_has(igmp_show, "V2\n\t\t\t\t030201EF     1 0:00000000\t\t1\n"));
	query(1);
	CHECK(page_has(igmp_show, "V1\n"));
	query(3); /* a newer router does not make the older one go */
	CHECK(page_has(igmp_show, "V1\n"));
	host_clock_advance(270 * SEC);
	CHECK(page_has(igmp_show, "V3\n"));
	CHECK_EQ(ip_igmp_sysctl_set(net, "igmp_qrv", "7"), 0);
	CHECK_EQ(ip_igmp_sysctl_set(net, "igmp_qrv", "8"), -ERANGE);
	CHECK(ip_igmp_sysctl_get(net, "igmp_qrv", text) == 1 && text[0] == '7');
	CHECK_EQ(ip_igmp_sysctl_get(net, "igmp_max_memberships", text), 2);
	CHECK_EQ(ip_igmp_sysctl_get(net, "igmp_qrvx", text), -ENOENT);
	CHECK_EQ(ip_igmp_sysctl_set(net, "igmp_link_local_mcast_reports", "1"), -ENOENT);
	down();
}

/* Codes of eight bits: 128 and more are mantissa and exponent. */
TEST(a_long_time_for_answers)
{
	static struct ipframe f;
	u32 n = ip_make(&f, PEER_IP, htonl(0xe0000001), IPPROTO_IGMP, 12), least = 0;

	up();
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(3)), 0);
	host_clock_advance(20 * SEC);
	memset(f.data, 0, 12);
	f.data[0] = 0x11;
	f.data[1] = 0xff; /* 31 << 10 tenths: 3174.4 s */
	memcpy(f.data + 2, &(u16){ csum_fold(csum_partial(f.data, 12, 0)) }, 2);
	memcpy(f.eth.h_dest, "\1\0\x5e\0\0\1", 6);
	for (u32 i = 0; i < 20; i++) {
		u64 t0 = host_clock();

		nr_frames = 0;
		feed_ip(&f, n, true);
		host_clock_advance(3175 * SEC);
		CHECK_EQ(nr_frames, 1);
		CHECK_EQ(records(0), 1);
		least += frames[0].at_ns - t0 > 100 * SEC;
	}
	CHECK(least > 10); /* spread over all of it */
	down();
}

/* Sources in record @rec of frame @i; where it begins in *@at. */
static u32 record_sources(u32 i, u32 rec, const u8 **at)
{
	const u8 *p = (const u8 *)frame_ip(i) + 24 + 8;

	while (rec--)
		p += 8 + 4 * get_unaligned_be16(p + 2);
	*at = p;
	return get_unaligned_be16(p + 2);
}

static void whole_filter(struct sock *s, __be32 group, u32 mode, u32 from, u32 n)
{
	struct {
		struct ip_msfilter h;
		__be32 addr[40];
	} f = { { group, OUR_IP, mode, n }, { 0 } };

	for (u32 i = 0; i < n; i++)
		f.addr[i] = htonl(0x0a090000 + from + i);
	lock_sock(s);
	CHECK_EQ(ip_setsockopt(s, IP_MSFILTER, &f, 16 + 4 * n), 0);
	release_sock(s);
}

/* A list of those wanted goes on in the next report; one of those that are not is cut. */
TEST(long_lists_are_split_or_cut)
{
	struct sock *other;
	const u8 *at;

	up();
	CHECK_EQ(ip_sysctl_set(net, "igmp_max_msf", "40"), 0);
	other = udp_open();
	CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(1)), 0);
	host_clock_advance(20 * SEC);
	dev->mtu = 68; /* 44 bytes beside the header: seven sources */
	nr_frames = 0;
	whole_filter(sk, GROUP(1), MCAST_EXCLUDE, 0,
		     20); /* the kind stays: three records of BLOCK */
	CHECK_EQ(nr_frames, 3);
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(records(i), 1);
		CHECK_EQ(record_type(i, 0), 6);
		CHECK_EQ(record_sources(i, 0, &at), i < 2 ? 7 : 6);
	}
	host_clock_advance(20 * SEC);
	nr_frames = 0;
	query(3);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(record_type(0, 0), 2);
	CHECK_EQ(record_sources(0, 0, &at), 7);
	nr_frames = 0;
	whole_filter(sk, GROUP(1), MCAST_INCLUDE, 0, 9);
	CHECK_EQ(nr_frames, 2);
	CHECK(record_type(0, 0) == 3 && record_sources(0, 0, &at) == 7);
	CHECK(record_type(1, 0) == 3 && record_sources(1, 0, &at) == 2);
	CHECK_EQ(get_unaligned_be32(at + 12), 0x0a090008);
	CHECK(get_unaligned_be32(at + 4) == 0xef010201);
	udp_prot.close(other, 0);
	down();
}

/* Records of several groups share a report while there is room. */
TEST(reports_are_filled)
{
	u32 all = 0;

	up();
	for (u32 i = 0; i < 12; i++)
		CHECK_EQ(member(IP_ADD_MEMBERSHIP, GROUP(i)), 0);
	host_clock_advance(20 * SEC);
	dev->mtu = 124; /* 100 bytes: 8 and records of 8, with room for a source */
	nr_frames = 0;
	query(3);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 2);
	for (u32 i = 0; i < nr_frames; i++)
		all += records(i);
	CHECK_EQ(all, 12);
	CHECK_EQ(records(0), 11);
	down();
}

/* The device takes what it did before when it comes back: told as sources, where only those are wanted. */
TEST(sources_are_told_again_by_a_device_that_comes_back)
{
	struct ip_mreq_source mr = { GROUP(1), OUR_IP, htonl(0x0a090001) };
	const u8 *at;

	up();
	lock_sock(sk);
	CHECK_EQ(ip_setsockopt(sk, IP_ADD_SOURCE_MEMBERSHIP, &mr, sizeof(mr)), 0);
	release_sock(sk);
	dev_close(dev);
	host_clock_advance(20 * SEC);
	nr_frames = 0;
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(nr_frames, 1);
	CHECK(records(0) == 1 && record_type(0, 0) == 5 && record_sources(0, 0, &at) == 1);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 2);
	down();
}

KTEST_MAIN_BOOT()
