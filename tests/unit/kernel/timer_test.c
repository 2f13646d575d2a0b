// SPDX-License-Identifier: MIT
/* kernel/timer.c under virtual time, against a plain list of deadlines. */
#include "ktest.h"

#include <kernel/sched.h>
#include <kernel/timer.h>
#include <kernel/wait.h>

#include "host.h"

#define MS NSEC_PER_MSEC

struct probe {
	struct timer t;
	u64 want; /* absolute ns */
	u64 fired_at;
	int fired;
};

static void probe_fired(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, t);
	p->fired++;
	p->fired_at = host_clock();
}

static u64 tick_after(u64 ns)
{
	return (ns + MS - 1) / MS * MS;
}

TEST(fires_at_the_tick_never_early)
{
	struct probe p;
	timer_setup(&p.t, probe_fired);
	static const u64 after[] = { 1,
				     MS - 1,
				     MS,
				     MS + 1,
				     63 * MS,
				     64 * MS,
				     65 * MS,
				     4095 * MS,
				     4096 * MS,
				     4097 * MS,
				     3600ULL * 1000 * MS,
				     86400ULL * 100 * 1000 * MS };
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		p.fired = 0;
		p.want = host_clock() + after[i];
		CHECK(!mod_timer(&p.t, p.want));
		CHECK(timer_pending(&p.t) && timers_live() == 1);
		host_clock_advance(after[i] + MS);
		CHECK_EQ(p.fired, 1);
		CHECK_EQ(p.fired_at, tick_after(p.want));
		CHECK(!timer_pending(&p.t) && timers_live() == 0);
	}
}

TEST(past_means_now)
{
	struct probe p = { .fired = 0 }, q = { .fired = 0 };
	timer_setup(&p.t, probe_fired);
	timer_setup_precise(&q.t, probe_fired);
	mod_timer(&p.t, 0);
	mod_timer(&q.t, 0);
	host_clock_advance(0);
	CHECK(p.fired == 1 && q.fired == 1);
}

TEST(far_deadlines_do_not_wrap)
{
	struct probe p = { .fired = 0 };
	timer_setup(&p.t, probe_fired);
	mod_timer(&p.t, UINT64_MAX);
	host_clock_advance(10 * NSEC_PER_SEC);
	CHECK_EQ(p.fired, 0);
	CHECK(del_timer(&p.t));
	CHECK(!del_timer(&p.t));
}

/* Thousands of timers, armed, moved and taken back at random while time goes on. */
TEST(random_against_reference)
{
	enum { N = 600, STEPS = 12000 };
	static struct probe p[N];
	unsigned int seed = 77;
	for (int i = 0; i < N; i++)
		i % 8 ? timer_setup(&p[i].t, probe_fired)
		      : timer_setup_precise(&p[i].t, probe_fired);
	for (int step = 0; step < STEPS; step++) {
		struct probe *q = &p[rand_r(&seed) % N];
		unsigned int what = (unsigned int)rand_r(&seed) % 10;
		if (what < 6) {
			u64 d = (u64)(rand_r(&seed) % 1000) *
				(rand_r(&seed) % 3 ? MS / 7 : 37 * MS);
			bool was = q->want && !q->fired;
			q->want = host_clock() + d; /* first: with d == 0 it fires at once */
			q->fired = 0;
			CHECK_EQ(mod_timer(&q->t, q->want), was);
		} else if (what < 7) {
			CHECK_EQ(del_timer(&q->t), q->want && !q->fired);
			q->want = 0;
			q->fired = 0;
		} else {
			host_clock_advance((u64)(rand_r(&seed) % 100) * MS / 11);
		}
		u64 next = UINT64_MAX;
		u32 live = 0;
		for (int i = 0; i < N; i++) {
			u64 due = p[i].t.precise ? p[i].want : tick_after(p[i].want);
			if (!p[i].want)
				continue;
			if (p[i].fired) {
				CHECK_EQ(p[i].fired_at, due);
				CHECK_EQ(p[i].fired, 1);
				p[i].want = 0;
				continue;
			}
			live++;
			next = due < next ? due : next;
			CHECK(due >= host_clock());
		}
		CHECK_EQ(timers_live(), live);
		CHECK(timer_next_ns() <= next); /* never too late */
		if (ktest_failed)
			return;
	}
	for (int i = 0; i < N; i++)
		del_timer(&p[i].t);
	CHECK_EQ(timers_live(), 0);
	CHECK_EQ(timer_next_ns(), UINT64_MAX);
}

TEST(next_is_exact_without_removals)
{
	static struct probe p[300];
	unsigned int seed = 3;
	u64 next = UINT64_MAX;
	host_clock_advance(0); /* the hardware forgets what was taken back */
	for (int i = 0; i < 300; i++) {
		timer_setup(&p[i].t, probe_fired);
		p[i].want = host_clock() + (u64)rand_r(&seed) % (1u << 20) * MS + 1;
		mod_timer(&p[i].t, p[i].want);
		if (tick_after(p[i].want) < next)
			next = tick_after(p[i].want);
		CHECK_EQ(timer_next_ns(), next);
		CHECK_EQ(host_armed_ns(), next);
	}
	for (int i = 0; i < 300; i++)
		del_timer(&p[i].t);
}

TEST(moving_later_is_lazy_and_right)
{
	struct probe p = { .fired = 0 };
	timer_setup(&p.t, probe_fired);
	u64 irqs = host_timer_irqs();
	mod_timer(&p.t, host_clock() + 200 * MS);
	for (int i = 0; i < 1000; i++) { /* an ACK every 0.1 ms moves it on */
		host_clock_advance(MS / 10);
		mod_timer(&p.t, host_clock() + 200 * MS);
	}
	CHECK_EQ(p.fired, 0);
	p.want = host_clock() + 200 * MS;
	host_clock_advance(201 * MS);
	CHECK_EQ(p.fired, 1);
	CHECK_EQ(p.fired_at, tick_after(p.want));
	CHECK(host_timer_irqs() - irqs <= 3);
	mod_timer(&p.t, host_clock() + 100 * MS); /* later, then earlier again */
	mod_timer(&p.t, host_clock() + 200 * MS);
	mod_timer(&p.t, host_clock() + 5 * MS);
	host_clock_advance(6 * MS);
	CHECK_EQ(p.fired, 2);
}

static struct probe other;
static void kills_other(struct timer *t)
{
	(void)t;
	del_timer(&other.t);
}

static int rounds;
static void rearms(struct timer *t)
{
	if (++rounds < 50)
		mod_timer(t, t->precise ? host_clock() : host_clock() + MS);
}

TEST(handlers_may_touch_timers)
{
	struct timer k;
	timer_setup(&k, kills_other);
	timer_setup(&other.t, probe_fired);
	mod_timer(&k, host_clock() + 5 * MS);
	mod_timer(&other.t, host_clock() + 5 * MS);
	host_clock_advance(10 * MS);
	CHECK_EQ(other.fired, 0);
	for (int precise = 0; precise < 2; precise++) {
		precise ? timer_setup_precise(&k, rearms) : timer_setup(&k, rearms);
		rounds = 0;
		mod_timer(&k, host_clock() + MS);
		host_clock_advance(100 * MS);
		CHECK_EQ(rounds, 50);
	}
}

TEST(idle_is_tickless)
{
	u64 idles = host_idles(), t = host_clock();
	sleep_until(t + 3600 * NSEC_PER_SEC);
	CHECK_EQ(host_clock(), t + 3600 * NSEC_PER_SEC);
	CHECK(host_idles() - idles <= 2);
}

KTEST_MAIN_BOOT()
