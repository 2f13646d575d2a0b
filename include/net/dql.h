/* SPDX-License-Identifier: MIT */
/*
 * Dynamic queue limit: how many bytes a transmit queue may give its device ahead, found by watching completions. So few that a
 * packet with haste does not wait behind a whole ring, so many that the device never runs dry for want of permission.
 * Pure numbers; one struct for each queue. Counters are modulo 2^32.
 */
#ifndef NET_DQL_H
#define NET_DQL_H
#include <lib/types.h>

#define DQL_INITIAL      65536u /* one packet of the largest size */
#define DQL_MIN          3028u  /* two full Ethernet frames */
#define DQL_MAX          (1u << 24)
#define DQL_HOLD_TIME_NS 1000000000ULL /* what was never used for so long is taken away */

struct dql {
	u32 queued, completed; /* bytes given to the device; of these, sent */
	u32 limit; /* the device may be ahead by so many, and the packet that goes beyond */
	u32 min_limit, max_limit; /* bounds of limit */
	u32 lowest_slack;   /* least bytes that were still there when completions came, since ... */
	u64 slack_since_ns; /* ... then; 0: not yet */
	bool held;          /* the limit made somebody wait since the last completion */
};

void dql_reset(
	struct
	dql *q); /* nothing is with the device; the limit is the initial one again if it never was set */
void dql_queued(struct dql *q, u32 bytes);
/* The device sent @bytes of what it had, at @now. */
void dql_completed(struct dql *q, u32 bytes, u64 now);

/* Bytes that the device has. */
static inline u32 dql_in_flight(const struct dql *q)
{
	return q->queued - q->completed;
}

/* Bytes that it may still be given; 0 or less: it must complete some first. */
static inline s32 dql_avail(const struct dql *q)
{
	return (s32)(q->limit - dql_in_flight(q));
}
#endif
