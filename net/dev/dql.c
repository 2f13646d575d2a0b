// SPDX-License-Identifier: MIT
/*
 * The dynamic queue limit's arithmetic: grow when the device ran dry while the stack was held back, shrink by what was there
 * unused whenever completions came.
 *
 * Interface: dql_reset(), dql_queued(), dql_completed().
 * Above: netdev.c.  Below: nothing.
 * Context: any that owns the queue.
 * Owns: nothing.
 * Why it finds the least limit that keeps the device busy: completions come in batches. Held back and dry means that one batch
 * was all there was: permission was missing. Held back and not dry means that the rest would have been enough; the least such
 * rest over a while is what the limit is too high by.
 */
#include <net/dql.h>

#include <lib/bug.h>

/**
 * dql_reset() - the queue is empty and knows nothing: begin of life, or the device was started afresh.
 * Context: any that owns the queue.
 */
void dql_reset(struct dql *q)
{
	*q = (struct dql){ .limit = DQL_INITIAL,
			   .min_limit = DQL_MIN,
			   .max_limit = DQL_MAX,
			   .lowest_slack = UINT32_MAX };
}

/**
 * dql_queued() - the device was given @bytes. Context: any that owns the queue.
 */
void dql_queued(struct dql *q, u32 bytes)
{
	q->queued += bytes;
	if (dql_avail(q) <= 0)
		q->held = true;
}

static void grow(struct dql *q, u32 bytes)
{
	q->limit = bytes < q->max_limit - q->limit ? q->limit + bytes : q->max_limit;
	q->lowest_slack = UINT32_MAX;
	q->slack_since_ns = 0;
}

/* The limit is too high by @slack at least. */
static void shrink(struct dql *q, u32 slack)
{
	q->limit = slack < q->limit - q->min_limit ? q->limit - slack : q->min_limit;
	q->lowest_slack = UINT32_MAX;
	q->slack_since_ns = 0;
}

/**
 * dql_completed() - the device sent @bytes of what it had (asserted); the limit learns from it
 * @q: queue
 * @bytes: sent since the last call
 * @now: monotonic time
 *
 * Context: any that owns the queue.
 */
void dql_completed(struct dql *q, u32 bytes, u64 now)
{
	bool held = q->held;

	BUG_ON(bytes > dql_in_flight(q));
	q->completed += bytes;
	q->held = dql_avail(q) <= 0;
	if (!held || !bytes)
		return;
	if (!dql_in_flight(q)) {
		grow(q, bytes);
		return;
	}
	if (!q->slack_since_ns)
		q->slack_since_ns = now;
	if (dql_in_flight(q) < q->lowest_slack)
		q->lowest_slack = dql_in_flight(q);
	if (now - q->slack_since_ns >= DQL_HOLD_TIME_NS)
		shrink(q, q->lowest_slack);
}
