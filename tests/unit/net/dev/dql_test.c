// SPDX-License-Identifier: MIT
/*
 * The dynamic queue limit: what it allows, how it grows when the device ran dry, how it shrinks when part of it is never used;
 * and that on a device of constant speed it finds what that device needs.
 */
#include <ktest.h>

#include <host.h>
#include <net/dql.h>

#define SEC 1000000000ULL

static struct dql q;

static void nothing(void *arg)
{
	dql_completed(&q, (u32)(unsigned long)arg, 1);
}

TEST(begins_with_one_large_packet)
{
	dql_reset(&q);
	CHECK_EQ(q.limit, DQL_INITIAL);
	CHECK_EQ(dql_avail(&q), DQL_INITIAL);
	CHECK_EQ(dql_in_flight(&q), 0);
	dql_queued(&q, DQL_INITIAL - 1);
	CHECK_EQ(dql_avail(&q), 1);
	CHECK(!q.held);
	dql_queued(&q, 1514); /* the one that goes beyond goes */
	CHECK_EQ(dql_avail(&q), -1513);
	CHECK(q.held);
}

TEST(more_than_was_given_cannot_be_done)
{
	dql_reset(&q);
	dql_queued(&q, 100);
	CHECK_EQ(host_catch_exit(nothing, (void *)101), 65);
}

TEST(not_held_back_nothing_is_learnt)
{
	dql_reset(&q);
	for (u64 t = 1; t < 100 * SEC; t += SEC / 10) {
		dql_queued(&q, 10000);
		dql_completed(&q, 10000, t);
	}
	CHECK_EQ(q.limit, DQL_INITIAL);
}

TEST(dry_and_held_back_it_grows)
{
	dql_reset(&q);
	dql_queued(&q, DQL_INITIAL);
	dql_completed(&q, DQL_INITIAL, 1);
	CHECK_EQ(q.limit, 2 * DQL_INITIAL);
	CHECK(!q.held);
	/* Up to its bound. */
	for (u32 i = 0; i < 100; i++) {
		dql_queued(&q, q.limit);
		dql_completed(&q, dql_in_flight(&q), 1);
	}
	CHECK_EQ(q.limit, DQL_MAX);
}

TEST(what_is_never_used_is_taken_away_after_a_while)
{
	u64 t = 5;

	dql_reset(&q);
	dql_queued(&q, DQL_INITIAL);
	/* Half of it is still there whenever something is done. */
	for (; t < SEC; t += SEC / 100) {
		dql_completed(&q, DQL_INITIAL / 2, t);
		dql_queued(&q, DQL_INITIAL / 2);
		CHECK_EQ(q.limit, DQL_INITIAL);
	}
	dql_completed(&q, DQL_INITIAL / 2, SEC + 5);
	CHECK_EQ(q.limit, DQL_INITIAL / 2);
	/* Not below two frames. */
	for (t = 10 * SEC; t < 200 * SEC; t += SEC / 2) {
		while (dql_avail(&q) > 0)
			dql_queued(&q, 1514);
		dql_completed(&q, 60, t);
	}
	CHECK_EQ(q.limit, DQL_MIN);
}

TEST(the_least_slack_counts)
{
	dql_reset(&q);
	dql_queued(&q, DQL_INITIAL);
	dql_completed(&q, DQL_INITIAL - 100, 1); /* once, all but 100 bytes were needed */
	dql_queued(&q, DQL_INITIAL);
	dql_completed(&q, 1000, 2);
	dql_queued(&q, DQL_INITIAL);
	dql_completed(&q, 1000, SEC + 1);
	CHECK_EQ(q.limit, DQL_INITIAL - 100);
}

TEST(counters_wrap)
{
	dql_reset(&q);
	q.queued = q.completed = 0xffffff00;
	dql_queued(&q, 0x1000);
	CHECK_EQ(dql_in_flight(&q), 0x1000);
	dql_completed(&q, 0x1000, 1);
	CHECK_EQ(dql_in_flight(&q), 0);
	CHECK_EQ(dql_avail(&q), DQL_INITIAL);
	dql_completed(&q, 0, 2);
	CHECK_EQ(q.limit, DQL_INITIAL);
}

/* A device that sends so many bytes a second and tells of it every so often: it must never run dry, and not be far ahead. */
static const struct speed_row {
	const char *name;
	u64 bytes_per_s, every_ns;
	u32 most; /* of limit, at the end */
} speeds[] = {
	{ "10_mbit", 1250000, 1000000, 8000 },
	{ "100_mbit", 12500000, 1000000, 40000 },
	{ "gigabit", 125000000, 1000000, 400000 },
	{ "gigabit_often", 125000000, 128000, 64000 },
};

TEST_EACH(finds_what_the_device_needs, speeds)
{
	u64 t = 1, dry = 0, sent = 0;
	u32 batch = (u32)(row->bytes_per_s * row->every_ns / SEC);

	dql_reset(&q);
	for (u64 i = 0; t < 40 * SEC; i++, t += row->every_ns) {
		u32 n;

		while (dql_avail(&q) > 0) /* the stack always has more */
			dql_queued(&q, 1514);
		n = dql_in_flight(&q) < batch ? dql_in_flight(&q) : batch;
		if (n < batch && t > 20 * SEC)
			dry++;
		sent += n;
		dql_completed(&q, n, t);
	}
	CHECK(q.limit <= row->most);
	CHECK(dry * 50 < 20 * SEC / row->every_ns); /* 98 of 100 times it had enough */
	CHECK(sent > row->bytes_per_s * 39);
}

KTEST_MAIN()
