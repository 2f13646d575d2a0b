// SPDX-License-Identifier: MIT
/*
 * CoDel's law against a reckoning of its own: RFC 8289's pseudocode in floating point, written for this test, on queues that
 * are made up packet by packet.
 */
#include "host.h"
#include "ktest.h"

#include "../../../../net/sched/codel.h"

#include <math.h>

#define MS NSEC_PER_MSEC

static const struct codel_params params = { 5 * MS, 100 * MS };

TEST(step_is_the_interval_over_the_root)
{
	for (u32 count = 1; count < 200000; count += 1 + count / 50) {
		double exact = 100e6 / sqrt(count);
		double ours = (double)codel_step_ns(100 * MS, count);

		CHECK(fabs(ours - exact) <= 1);
	}
	CHECK_EQ(codel_step_ns(100 * MS, 1), 100 * MS);
	CHECK_EQ(codel_step_ns(100 * MS, 4), 50 * MS);
	CHECK_EQ(codel_step_ns(100 * MS, 100), 10 * MS);
	CHECK_EQ(codel_step_ns(100 * MS, 0xffffffff), 1525); /* 100 ms / 65536, cut */
	CHECK_EQ(codel_step_ns(1, 9), 0);
	CHECK_EQ(codel_step_ns(100 * NSEC_PER_SEC, 4),
		 50 * NSEC_PER_SEC); /* too long to be squared */
}

/* --- RFC 8289 (5.5), as it stands there ------------------------------------------------------------------------------------- */
struct queue {
	u64 arrived[4096];
	u32 head, tail;
};

static struct reference {
	struct queue q;
	bool dropping;
	double first_above, drop_next;
	u32 count, lastcount;
	u64 dropped[4096];
	u32 nr_dropped;
} ref;

static bool ref_dodequeue(double now, bool *have)
{
	struct queue *q = &ref.q;
	bool ok = false;

	*have = q->head != q->tail;
	if (!*have) {
		ref.first_above = 0;
		return false;
	}
	double sojourn = now - (double)q->arrived[q->head++ % 4096];

	if (sojourn < 5e6 || q->head == q->tail) {
		ref.first_above = 0;
	} else if (ref.first_above == 0) {
		ref.first_above = now + 100e6;
	} else if (now >= ref.first_above) {
		ok = true;
	}
	return ok;
}

static void ref_drop(double now)
{
	ref.dropped[ref.nr_dropped++ % 4096] = (u64)now;
}

static void ref_dequeue(double now)
{
	bool have, ok = ref_dodequeue(now, &have);

	if (ref.dropping) {
		if (!ok)
			ref.dropping = false;
		while (now >= ref.drop_next && ref.dropping) {
			ref_drop(now);
			ref.count++;
			ok = ref_dodequeue(now, &have);
			if (!ok)
				ref.dropping = false;
			else
				ref.drop_next += 100e6 / sqrt(ref.count);
		}
	} else if (ok) {
		ref_drop(now);
		(void)ref_dodequeue(now, &have);
		ref.dropping = true;
		u32 delta = ref.count - ref.lastcount;

		ref.count = delta > 1 && now - ref.drop_next < 16 * 100e6 ? delta : 1;
		ref.drop_next = now + 100e6 / sqrt(ref.count);
		ref.lastcount = ref.count;
	}
}

static struct ours {
	struct queue q;
	struct codel_vars v;
	u64 dropped[4096];
	u32 nr_dropped;
} ours;

static void our_dequeue(u64 now)
{
	struct queue *q = &ours.q;

	for (bool again = false; q->head != q->tail; again = true) {
		u64 sojourn = now - q->arrived[q->head++ % 4096];

		if (codel_judge(&ours.v, &params, now, sojourn, q->head == q->tail, again) ==
		    CODEL_PASS)
			return;
		ours.dropped[ours.nr_dropped++ % 4096] = now;
	}
	codel_empty(&ours.v);
}

static void arrive(u64 now)
{
	ref.q.arrived[ref.q.tail++ % 4096] = now;
	ours.q.arrived[ours.q.tail++ % 4096] = now;
}

/* One packet a ms goes out; in come so many in a second, by phases of so many ms. */
static const struct load_row {
	const char *name;
	struct {
		u32 ms, per_s;
	} phase[6];
	u32 least; /* drops */
} loads[] = {
	{ "idle", { { 1000, 100 } }, 0 },
	{ "below_capacity", { { 3000, 900 } }, 0 },
	{ "overload", { { 5000, 1100 } }, 30 },
	{ "twice", { { 1500, 2000 } }, 20 },
	{ "bursts",
	  { { 200, 1500 }, { 300, 500 }, { 400, 1500 }, { 500, 500 }, { 300, 1400 }, { 800, 100 } },
	  3 },
	{ "again_soon",
	  { { 1500, 1200 }, { 700, 500 }, { 1500, 1200 }, { 400, 200 }, { 1500, 1300 } },
	  20 },
	{ "again_late", { { 1500, 1200 }, { 5000, 200 }, { 1500, 1200 } }, 10 },
	{ "empties_while_dropping", { { 600, 1500 }, { 600, 1 }, { 600, 1500 }, { 600, 1 } }, 3 },
};

TEST_EACH(drops_when_the_rfc_drops, loads)
{
	u64 now = 1000 * MS, credit = 0;

	memset(&ref, 0, sizeof(ref));
	memset(&ours, 0, sizeof(ours));
	for (u32 i = 0; i < ARRAY_SIZE(row->phase); i++)
		for (u32 ms = 0; ms < row->phase[i].ms; ms++, now += MS) {
			for (credit += row->phase[i].per_s; credit >= 1000; credit -= 1000)
				arrive(now);
			ref_dequeue((double)now);
			our_dequeue(now);
			CHECK_EQ(ours.q.head, ref.q.head);
		}
	CHECK_EQ(ours.nr_dropped, ref.nr_dropped);
	for (u32 i = 0; i < ref.nr_dropped; i++)
		CHECK_EQ(ours.dropped[i], ref.dropped[i]);
	CHECK(ref.nr_dropped >= row->least);
}

/* A queue that stands above target for ever: after the first interval, gaps of interval / sqrt(1), sqrt(2), ... */
TEST(schedule_of_a_standing_queue)
{
	struct codel_vars v = { 0 };
	double due = 1 + 100e6;
	u32 drops = 0;

	for (u64 now = 1; drops < 50; now += 1000) {
		if (codel_judge(&v, &params, now, 6 * MS, false, false) == CODEL_PASS)
			continue;
		CHECK((double)now >= due - 100 && (double)now < due + 1100);
		CHECK_EQ(v.count, ++drops);
		if (drops == 1)
			due = (double)now;
		due += 100e6 / sqrt(drops);
		codel_marked(&v, &params); /* marked, not dropped: the times are the same */
	}
}

TEST(a_mark_counts_as_a_drop)
{
	struct codel_vars v = { 0 };
	u64 now = 1;

	CHECK_EQ(codel_judge(&v, &params, now, 6 * MS, false, false), CODEL_PASS);
	now += 100 * MS;
	CHECK_EQ(codel_judge(&v, &params, now, 6 * MS, false, false), CODEL_DROP);
	codel_marked(&v, &params);
	CHECK_EQ(v.drop_next_ns, now + 100 * MS);
	/* The next one was not behind a dropped one: it is not let pass for nothing. */
	now += 100 * MS;
	CHECK_EQ(codel_judge(&v, &params, now, 6 * MS, false, false), CODEL_DROP);
	codel_marked(&v, &params);
	CHECK_EQ(v.drop_next_ns, now + codel_step_ns(100 * MS, 2));
	CHECK_EQ(codel_judge(&v, &params, now + 1, 6 * MS, false, false), CODEL_PASS);
	CHECK_EQ(codel_judge(&v, &params, now + 2, 4 * MS, false, false), CODEL_PASS);
	CHECK(!v.dropping);
}

TEST(the_last_packet_is_never_dropped)
{
	struct codel_vars v = { 0 };

	for (u64 now = 1; now < 10000 * MS; now += 50 * MS)
		CHECK_EQ(codel_judge(&v, &params, now, 9000 * MS, true, false), CODEL_PASS);
}

KTEST_MAIN()
