// SPDX-License-Identifier: MIT
/* The wheel of timers where its digits roll over, and the clocks that wrap: each edge with deadlines on both sides. */
#include "host.h"
#include "ktest.h"

#include <kernel/arch.h>
#include <kernel/timer.h>

#define MS NSEC_PER_MSEC

struct probe {
	struct timer t;
	u64 want, fired_at;
	u32 fired;
};

static void fired(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, t);

	p->fired++;
	p->fired_at = host_clock();
}

static u64 tick_after(u64 ns)
{
	return (ns + MS - 1) / MS * MS;
}

/* Where digits of the wheel's clock, jiffies or a 32-bit count of something roll over; in rising order, two minutes apart. */
static const struct edge {
	const char *name;
	u64 at_ns;
} edges[] = {
	{ "2^32_ns", 1ULL << 32 },
	{ "level_1_slot", 64 * 2000 * MS },
	{ "level_2_wraps", (1ULL << 18) * MS },
	{ "2^31_us", (1ULL << 31) * NSEC_PER_USEC },
	{ "2^32_us", (1ULL << 32) * NSEC_PER_USEC },
	{ "level_3_wraps", (1ULL << 24) * MS },
	{ "level_4_wraps", (1ULL << 30) * MS },
	{ "jiffies_sign", (1ULL << 31) * MS },
	{ "jiffies_wrap", (1ULL << 32) * MS },
	{ "level_5_wraps", (1ULL << 36) * MS },
	{ "level_6_slot", (1ULL << 37) * MS },
	{ "a_century", 100ULL * 365 * 86400 * NSEC_PER_SEC },
};

TEST_EACH(deadlines_around, edges)
{
	/* In ms after the start, which is 70 ms before the edge. */
	static const u64 offset[] = { 1,   5,   63,  64,   65,   69,   70,   71,
				      127, 128, 134, 4095, 4096, 4097, 70000 };
	struct probe p[ARRAY_SIZE(offset)];

	CHECK(timer_next_ns() == UINT64_MAX); /* the machine slept till here */
	host_clock_set(row->at_ns - 70 * MS - 3);
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = (struct probe){ .want = host_clock() + offset[i] * MS };
		timer_setup(&p[i].t, fired);
		CHECK(!mod_timer(&p[i].t, p[i].want));
	}
	CHECK_EQ(timers_live(), ARRAY_SIZE(p));
	host_clock_advance(80000 * MS);
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		CHECK_EQ(p[i].fired, 1);
		CHECK_EQ(p[i].fired_at, tick_after(p[i].want));
	}
	CHECK_EQ(timers_live(), 0);
	CHECK_EQ(jiffies_ms(), (u32)(host_clock() / MS));
}

/* What happens to a timer before its time comes, across each edge: it fires once, at its last time, or not at all. */
static const struct move {
	const char *name;
	u64 first_ms, then_ms; /* then_ms 0: deleted */
	bool precise;
} moves[] = {
	{ "later_in_its_slot", 100, 101, false },  { "later_by_a_level", 10, 5000, false },
	{ "much_later", 1, 300000, false },        { "earlier", 5000, 10, false },
	{ "earlier_by_levels", 300000, 3, false }, { "to_the_same", 77, 77, false },
	{ "deleted_near", 3, 0, false },           { "deleted_far", 300000, 0, false },
	{ "precise_later", 10, 5000, true },       { "precise_earlier", 5000, 10, true },
	{ "precise_deleted", 50, 0, true },        { "precise_to_the_same", 50, 50, true },
};

TEST_EACH(moved, moves)
{
	struct probe p = { .fired = 0 };
	u64 begin = host_clock(), want = begin + row->then_ms * MS;

	if (row->precise)
		timer_setup_precise(&p.t, fired);
	else
		timer_setup(&p.t, fired);
	CHECK(!mod_timer(&p.t, begin + row->first_ms * MS));
	CHECK(row->then_ms ? mod_timer(&p.t, want) : del_timer(&p.t));
	CHECK_EQ(timer_pending(&p.t), row->then_ms != 0);
	host_clock_advance(310000 * MS);
	CHECK_EQ(p.fired, row->then_ms != 0);
	if (row->then_ms)
		CHECK_EQ(p.fired_at, row->precise ? want : tick_after(want));
	CHECK(!timer_pending(&p.t) && !del_timer(&p.t));
}

static void again(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, t);

	if (++p->fired < 5)
		mod_timer(t, host_clock() + p->want);
}

static const struct period {
	const char *name;
	u64 ns;
} periods[] = { { "of_1_ms", MS },
		{ "of_less_than_a_tick", 1 },
		{ "of_64_ms", 64 * MS },
		{ "of_a_tick_and_a_bit", MS + 1 },
		{ "of_an_hour", 3600 * NSEC_PER_SEC } };

TEST_EACH(rearms_itself, periods)
{
	struct probe p = { .want = row->ns };

	timer_setup(&p.t, again);
	mod_timer(&p.t, host_clock() + row->ns);
	host_clock_advance(6 * (row->ns + MS));
	CHECK_EQ(p.fired, 5);
	CHECK_EQ(timers_live(), 0);
}

TEST(wall_clock_runs_with_the_monotonic_one)
{
	u64 real = ktime_get_real_ns(), mono = ktime_get_ns();

	host_clock_set(host_clock() + 123456789);
	CHECK_EQ(ktime_get_real_ns() - real, 123456789);
	CHECK_EQ(ktime_get_ns() - mono, 123456789);
	CHECK(real / NSEC_PER_SEC > 1600000000);
}

KTEST_MAIN_BOOT()
