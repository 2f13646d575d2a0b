// SPDX-License-Identifier: MIT
/*
 * CoDel's law: a queue whose delay stays above target for an interval drops one packet, and while that does not help, more
 * and more often: the gaps shrink with the square root of their number.
 *
 * Interface: codel_judge(), codel_marked(), codel_empty(), codel_step_ns() ("codel.h").
 * Above: sch_fq_codel.c.  Below: nothing.
 * Context: any; pure.  Owns: nothing.
 * Specs: RFC 8289 (5.3 control law, 5.4 return to dropping, 5.5 dequeue).
 */
#include "codel.h"

#include <lib/bug.h>

/* The largest r with r * r <= n. */
static u64 isqrt(u64 n)
{
	u64 r = 0;

	for (u64 bit = 1ull << 62; bit; bit >>= 2) {
		if (n >= r + bit) {
			n -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return r;
}

/**
 * codel_step_ns() - the gap to the next drop: interval / sqrt(count), RFC 8289 (5.3), to the nanosecond below some 4 s.
 * Context: any; pure. @count is at least 1: asserted.
 * Return: nanoseconds.
 */
u64 codel_step_ns(u64 interval_ns, u32 count)
{
	u32 shift = 0;

	BUG_ON(!count);
	for (; interval_ns >> 32; interval_ns >>= 1) /* its square must fit */
		shift++;
	return isqrt(interval_ns * interval_ns / count) << shift;
}

/* Was the delay above target for a whole interval? RFC 8289 (5.5): dodequeue(). */
static bool ok_to_drop(struct codel_vars *v, const struct codel_params *p, u64 now_ns,
		       u64 sojourn_ns, bool last)
{
	if (sojourn_ns < p->target_ns || last) {
		v->first_above_ns = 0;
		return false;
	}
	if (!v->first_above_ns) {
		v->first_above_ns = now_ns + p->interval_ns;
		return false;
	}
	return now_ns >= v->first_above_ns;
}

/* Into the dropping state: when the last one is not long ago, about as often as it ended, RFC 8289 (5.4). */
static void begin_dropping(struct codel_vars *v, const struct codel_params *p, u64 now_ns)
{
	u32 delta = v->count - v->lastcount;

	v->dropping = true;
	v->fresh = true;
	v->count = 1;
	if (delta > 1 && (s64)(now_ns - v->drop_next_ns) < (s64)(16 * p->interval_ns))
		v->count = delta;
	v->drop_next_ns = now_ns + codel_step_ns(p->interval_ns, v->count);
	v->lastcount = v->count;
}

/**
 * codel_judge() - what becomes of the packet at the head of a queue, RFC 8289 (5.5).
 * @v: the queue
 * @sojourn_ns: how long the packet was in it
 * @last: hardly anything is behind it, so dropping it would not shorten any queue
 * @again: it stood behind one that was dropped at this very @now_ns
 *
 * Context: any; pure but for @v.
 * Return: CODEL_PASS; CODEL_DROP: drop it and ask for the next one, or mark it (codel_marked()) and pass it on.
 */
enum codel_verdict codel_judge(struct codel_vars *v, const struct codel_params *p, u64 now_ns,
			       u64 sojourn_ns, bool last, bool again)
{
	bool ok = ok_to_drop(v, p, now_ns, sojourn_ns, last);
	bool behind_the_first = again && v->fresh;

	v->fresh = false;
	if (!v->dropping) {
		if (!ok)
			return CODEL_PASS;
		begin_dropping(v, p, now_ns);
		return CODEL_DROP;
	}
	if (behind_the_first)
		return CODEL_PASS;
	if (!ok) {
		v->dropping = false;
		return CODEL_PASS;
	}
	if (again)
		v->drop_next_ns += codel_step_ns(p->interval_ns, v->count);
	if (now_ns < v->drop_next_ns)
		return CODEL_PASS;
	v->count++;
	return CODEL_DROP;
}

/**
 * codel_marked() - CODEL_DROP was followed by a mark: the sender was told, the packet passes.
 * Context: any; pure but for @v.
 */
void codel_marked(struct codel_vars *v, const struct codel_params *p)
{
	if (!v->fresh)
		v->drop_next_ns += codel_step_ns(p->interval_ns, v->count);
}

/**
 * codel_empty() - nothing is in the queue, so nothing waits too long. Context: any; pure but for @v.
 */
void codel_empty(struct codel_vars *v)
{
	v->first_above_ns = 0;
	v->dropping = false;
}
