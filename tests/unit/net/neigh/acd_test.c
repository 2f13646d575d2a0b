// SPDX-License-Identifier: MIT
/* Address conflict detection (RFC 5227): what is sent when, what counts as a conflict, and what each mode does about it. */
#include "../ipv4/fixture.h"

#include "../../../../net/neigh/neigh.h"

#define SEC  1000000000ull
#define MSEC 1000000ull

static const u8 other_mac[6] = { 2, 0, 0, 0, 0, 9 };
static const u8 no_mac[6];

static void up(enum acd_mode mode, bool with_address)
{
	fixture_up(with_address);
	acd_set_mode(net, mode);
	nr_frames = 0;
}

static bool is_announcement(u32 i)
{
	const struct arphdr *a = frame_arp(i);

	return a && a->ar_op == htons(ARPOP_REQUEST) && a->ar_sip == OUR_IP &&
	       a->ar_tip == OUR_IP && !memcmp(frames[i].b, all_mac, 6);
}

/* Sender 0, so that nobody learns from a question; target hardware 0 (RFC 5227, 2.1.1). */
static bool is_probe(u32 i)
{
	const struct arphdr *a = frame_arp(i);

	return a && a->ar_op == htons(ARPOP_REQUEST) && a->ar_sip == 0 && a->ar_tip == OUR_IP &&
	       !memcmp(a->ar_tha, no_mac, 6) && !memcmp(frames[i].b, all_mac, 6);
}

static u64 gap(u32 i)
{
	return frames[i].at_ns - frames[i - 1].at_ns;
}

#define WITHIN(x, lo_ms, hi_ms)                                                                    \
	CHECK((s64)(x) >= (lo_ms) * (s64)MSEC && (x) <= ((hi_ms) + 2) * MSEC)

TEST(background_announces_at_once_and_probes_later)
{
	for (u32 round = 0; round < 20; round++) {
		u64 t0;

		up(ACD_BACKGROUND, true);
		t0 = host_clock();
		acd_start(dev, OUR_IP);
		CHECK_EQ(nr_frames, 1); /* nobody waited */
		host_clock_advance(20 * SEC);
		CHECK_EQ(nr_frames, 5);
		CHECK(is_announcement(0) && is_announcement(1));
		CHECK(is_probe(2) && is_probe(3) && is_probe(4));
		CHECK_EQ(frames[0].at_ns, t0);
		WITHIN(gap(1), 2000, 2000);
		WITHIN(gap(2), 0, 1000);
		WITHIN(gap(3), 1000, 2000);
		WITHIN(gap(4), 1000, 2000);
		CHECK(!net->arp_tbl->acd.dev);
		fixture_down();
	}
}

TEST(strict_probes_before_the_address_is_used)
{
	for (u32 round = 0; round < 20; round++) {
		u64 t0;

		up(ACD_STRICT, false);
		t0 = host_clock();
		CHECK_EQ(acd_probe(dev, OUR_IP), 0);
		CHECK_EQ(nr_frames, 3);
		CHECK(is_probe(0) && is_probe(1) && is_probe(2));
		WITHIN(frames[0].at_ns - t0, 0, 1000);
		WITHIN(gap(1), 1000, 2000);
		WITHIN(gap(2), 1000, 2000);
		WITHIN(host_clock() - frames[2].at_ns, 2000, 2000);
		CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
		acd_start(dev, OUR_IP);
		host_clock_advance(20 * SEC);
		CHECK_EQ(nr_frames, 5); /* two announcements, no more probes */
		CHECK(is_announcement(3) && is_announcement(4));
		WITHIN(gap(4), 2000, 2000);
		fixture_down();
	}
}

TEST(off_says_nothing)
{
	up(ACD_OFF, true);
	CHECK_EQ(acd_probe(dev, OUR_IP), 0);
	acd_start(dev, OUR_IP);
	feed_arp_to(all_mac, ARPOP_REQUEST, other_mac, OUR_IP, no_mac, PEER_IP);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, 1);
	fixture_down();
}

TEST(only_strict_waits)
{
	u64 t0;

	up(ACD_BACKGROUND, false);
	t0 = host_clock();
	CHECK_EQ(acd_probe(dev, OUR_IP), 0);
	CHECK_EQ(host_clock(), t0);
	CHECK_EQ(nr_frames, 0);
	acd_start(net->loopback_dev, IP4(127, 0, 0, 1));
	acd_set_mode(net, ACD_STRICT);
	CHECK_EQ(acd_probe(net->loopback_dev, IP4(127, 0, 0, 1)), 0);
	CHECK_EQ(host_clock(), t0);
	fixture_down();
}

/* --- Conflicts while strict waits ---------------------------------------------------------------------------------------- */

static const struct said {
	const char *name;
	u16 op;
	const u8 *sha;
	__be32 sip, tip;
	int result;
} conflicts[] = {
	{ "answer", ARPOP_REPLY, other_mac, 0x0100000a, 0, -EADDRINUSE },
	{ "announcement", ARPOP_REQUEST, other_mac, 0x0100000a, 0x0100000a, -EADDRINUSE },
	{ "asks_somebody", ARPOP_REQUEST, other_mac, 0x0100000a, 0x0200000a, -EADDRINUSE },
	{ "probes_it_too", ARPOP_REQUEST, other_mac, 0, 0x0100000a, -EADDRINUSE },
	{ "probes_another", ARPOP_REQUEST, other_mac, 0, 0x0300000a, 0 },
	{ "asks_for_it", ARPOP_REQUEST, other_mac, 0x0200000a, 0x0100000a, 0 },
	{ "our_own_frame", ARPOP_REQUEST, our_mac, 0, 0x0100000a, 0 },
};

static const struct said *saying;
static u32 probe_answered;

static void answers_probe(const struct frame *f)
{
	(void)f;
	if (nr_frames == probe_answered)
		feed_arp_to(all_mac, saying->op, saying->sha, saying->sip, no_mac, saying->tip);
}

TEST_EACH(strict_hears, conflicts)
{
	for (probe_answered = 1; probe_answered <= 3; probe_answered++) {
		up(ACD_STRICT, false);
		saying = row;
		on_frame = answers_probe;
		CHECK_EQ(acd_probe(dev, OUR_IP), row->result);
		CHECK_EQ(nr_frames, row->result ? probe_answered : 3);
		CHECK_EQ(net->arp_tbl->stats.acd_conflicts, row->result != 0);
		on_frame = NULL;
		host_clock_advance(20 * SEC);
		CHECK_EQ(nr_frames, row->result ? probe_answered : 3);
		fixture_down();
	}
}

static void device_down(const struct frame *f)
{
	(void)f;
	on_frame = NULL;
	acd_stop(net->arp_tbl, dev);
}

TEST(strict_ends_with_its_device)
{
	up(ACD_STRICT, false);
	on_frame = device_down;
	CHECK_EQ(acd_probe(dev, OUR_IP), -ENETDOWN);
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

static void another_starts(const struct frame *f)
{
	(void)f;
	on_frame = NULL;
	acd_start(dev, PEER_IP);
}

TEST(strict_ends_when_another_address_is_started)
{
	up(ACD_STRICT, false);
	on_frame = another_starts;
	CHECK_EQ(acd_probe(dev, OUR_IP), -EAGAIN);
	fixture_down();
}

/* --- In use --------------------------------------------------------------------------------------------------------------- */

TEST(background_conflict_is_logged_and_defended)
{
	up(ACD_BACKGROUND, true);
	acd_start(dev, OUR_IP);
	host_clock_advance(20 * SEC);
	acd_start(dev, OUR_IP);
	host_clock_advance(3100 * MSEC); /* the first probe is out */
	nr_frames = 0;
	feed_arp_to(our_mac, ARPOP_REPLY, other_mac, OUR_IP, no_mac, 0);
	CHECK_EQ(net->arp_tbl->stats.acd_conflicts, 1);
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, 1);
	CHECK_EQ(nr_frames, 1);
	CHECK(is_announcement(0)); /* the defence */
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 1); /* what is known need not be asked */
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	fixture_down();
}

/* Somebody who looks whether our address is free hears that it is not, and that is all (RFC 5227, 2.1.1). */
TEST(a_probe_for_an_address_in_use_is_answered)
{
	up(ACD_BACKGROUND, true);
	acd_start(dev, OUR_IP);
	nr_frames = 0;
	feed_arp_to(all_mac, ARPOP_REQUEST, other_mac, 0, no_mac, OUR_IP);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frame_arp(0)->ar_op, htons(ARPOP_REPLY));
	CHECK_EQ(net->arp_tbl->stats.acd_conflicts, 0);
	CHECK_EQ(net->arp_tbl->entries, 0);
	fixture_down();
}

TEST(one_defence_in_ten_seconds)
{
	up(ACD_BACKGROUND, true);
	for (u32 i = 0; i < 21; i++) { /* at 0, 1, ... 20 s */
		feed_arp_to(all_mac, ARPOP_REQUEST, other_mac, OUR_IP, no_mac, PEER_IP);
		host_clock_advance(SEC);
	}
	CHECK_EQ(nr_frames, 3);
	CHECK(is_announcement(0) && is_announcement(1) && is_announcement(2));
	CHECK(gap(1) >= 10 * SEC && gap(2) >= 10 * SEC);
	CHECK_EQ(net->arp_tbl->stats.own_conflicts, 21);
	CHECK_EQ(net->arp_tbl->stats.defences, 3);
	CHECK(inet_dev_has_addr(dev, OUR_IP)); /* never given up */
	CHECK(page_has(neigh_stat_show, "defences 3\n"));
	fixture_down();
}

TEST(an_address_that_goes_is_not_announced_again)
{
	up(ACD_BACKGROUND, true);
	acd_start(dev, OUR_IP);
	CHECK_EQ(inet_addr_add(dev, IP4(10, 0, 0, 7), 24), 0); /* another one changes nothing */
	CHECK(net->arp_tbl->acd.dev == dev);
	CHECK_EQ(inet_addr_del(dev, OUR_IP), 0);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

TEST(a_device_that_goes_down_ends_it)
{
	up(ACD_BACKGROUND, true);
	acd_start(dev, OUR_IP);
	dev_close(dev);
	host_clock_advance(20 * SEC);
	CHECK_EQ(nr_frames, 1);
	fixture_down();
}

KTEST_MAIN_BOOT()
