/* SPDX-License-Identifier: MIT */
/*
 * CoDel (RFC 8289): the state of one queue and its control law, free of packets, so that the law can be held against an
 * independent reckoning. Who owns the queue tells it how long each packet waited, and is told what to do with it.
 */
#ifndef NET_SCHED_CODEL_H
#define NET_SCHED_CODEL_H
#include <lib/types.h>

struct codel_params {
	u64 target_ns, interval_ns;
};

struct codel_vars {
	u64 first_above_ns; /* when delay will have been above target for an interval; 0: it is not above */
	u64 drop_next_ns; /* while dropping: when the next one is due */
	u32 count;        /* drops since the dropping state began */
	u32 lastcount;    /* count when it began last */
	bool dropping;
	bool fresh; /* the dropping state began with the packet before */
};

enum codel_verdict { CODEL_PASS, CODEL_DROP };

/* interval / sqrt(count), in ns; @count at least 1. Pure. */
u64 codel_step_ns(u64 interval_ns, u32 count);
/*
 * What becomes of the packet at the head, which waited @sojourn_ns; @last: hardly anything is behind it; @again: it stood
 * behind one that was dropped just now. Pure but for @v.
 */
enum codel_verdict codel_judge(struct codel_vars *v, const struct codel_params *p, u64 now_ns,
			       u64 sojourn_ns, bool last, bool again);
/* The packet that was to be dropped is marked instead and passes. */
void codel_marked(struct codel_vars *v, const struct codel_params *p);
/* The queue is empty: it is not above target. */
void codel_empty(struct codel_vars *v);
#endif
