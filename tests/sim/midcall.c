// SPDX-License-Identifier: MIT
/*
 * What comes in the middle of a call. Virtual time stands while code runs, so that nothing ever would: with --midcall the next thing that is
 * to happen happens now and then between two instructions of a thread, where an interrupt may come on the machine: a frame arrives, a
 * timer fires, a card has sent.
 *
 * Only FLAVOUR=race stops at each access to memory of net/ (tests/race/race.c).
 *
 * Interface: midcall_start, midcall_soon, midcall_stop (world.h).
 * Above: world.c. Below: host_moment, host_hasten() (host.h). Context: process. Owns: how long it is to the next moment.
 */
#include "world.h"

#include <kernel/cpu.h>

#define APART_MAX 3000u
#define AHEAD_MAX (300 * MS)

static struct {
	struct rng r;
	u32 left, apart; /* moments till the next one, and at the most */
	u64 idles, from_ns,
		ahead_ns; /* the machine halted last, when, and how long it may be busy since */
	u64 moments;
} midcall;

static void moment(void)
{
	const struct cpu *cpu = this_cpu();

	if (cpu->bh_count || cpu->in_softirq || cpu->hardirq_depth || arch_irqs_disabled())
		return;
	midcall.moments++;
	if (midcall.left--)
		return;
	midcall.left = rng_below(&midcall.r, midcall.apart);
	if (midcall.idles != host_idles()) {
		midcall.idles = host_idles();
		midcall.from_ns = host_clock();
	}
	if (host_clock() - midcall.from_ns >= midcall.ahead_ns)
		return;
	host_hasten(midcall.from_ns + midcall.ahead_ns - host_clock());
}

void midcall_start(void)
{
	if (!sim_options.midcall)
		return;
	rng_stream(&midcall.r, sim_options.seed, "midcall", 0);
	midcall.apart = (u32)rng_log(&midcall.r, 2, APART_MAX);
	midcall.ahead_ns = rng_log(&midcall.r, 1000, AHEAD_MAX);
	world.calm = false;
	host_moment = moment;
}

void midcall_soon(u32 accesses)
{
	if (host_moment)
		midcall.left = rng_below(&midcall.r, accesses);
}

void midcall_stop(void)
{
	host_moment = NULL;
	if (sim_options.midcall && !midcall.moments)
		sim_fail("midcall", "nothing happened in the middle of a call (FLAVOUR=race?)");
}
