// SPDX-License-Identifier: MIT
/*
 * Timestamps: our clock in TSval, the peer's that we echo, and the segments that are older than they can be.
 *
 * The clock ticks in milliseconds. To each connection it shows itself with another offset, a keyed hash of the 4-tuple: nobody learns
 * from it how long this host is up or that two addresses are one, and it goes on where it was when the same 4-tuple is used again.
 *
 * Interface: tcp_ts_offset, tcp_tsval, tcp_paws_ok, tcp_paws_reject, tcp_store_ts_recent, tcp_replace_ts_recent, tcp_tsecr_rtt_us
 * Above: tcp_reply.c and all further right. Below: <kernel/random.h>.
 * Context: any; what changes a socket: owner, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 7323 3-5, 7.1; RFC 6191.
 */
#include "tcp_internal.h"

#include <kernel/random.h>

#define PAWS_24_DAYS_S (24u * 24 * 60 * 60)
#define PAWS_MSL_S     60u

/** tcp_ts_offset() - what is added to our clock for the peer of @c; 0 where tcp_timestamps says so. Context: any. Return: milliseconds. */
u32 tcp_ts_offset(const struct net *net, const struct sock_common *c)
{
	struct {
		__be32 saddr, daddr;
		__be16 dport;
		u16 num;
		u32 purpose; /* the key serves other numbers as well */
	} tuple = { c->skc_rcv_saddr, c->skc_daddr, c->skc_dport, c->skc_num, TCPOPT_TIMESTAMP };

	if (net->tcp->timestamps != 1)
		return 0;
	return (u32)siphash(&tuple, sizeof(tuple), &net->hash_key);
}

/** tcp_tsval() - our clock at @now_ns as a peer sees it. Context: any. Return: TSval. */
u32 tcp_tsval(u64 now_ns, u32 offset)
{
	return (u32)(now_ns / NSEC_PER_MSEC) + offset;
}

static u32 tcp_now_secs(void)
{
	return (u32)(ktime_get_ns() / NSEC_PER_SEC);
}

/**
 * tcp_paws_ok() - a TSval is not older than the one we echo (RFC 7323, 5.3)
 * @ts_recent: that one; 0, which some hosts send in a SYN, says nothing
 * @ts_recent_secs: the second in which it came; after 24 days it says nothing either (5.5)
 * @tsval: of the segment
 * @slack: how much older is still good
 *
 * Context: any. Return: it may be newer.
 */
bool tcp_paws_ok(u32 ts_recent, u32 ts_recent_secs, u32 tsval, u32 slack)
{
	testcase(tsval == ts_recent - slack);
	testcase(tsval == ts_recent - slack - 1);
	return (s32)(ts_recent - tsval) <= (s32)slack || !ts_recent ||
	       tcp_now_secs() - ts_recent_secs >= PAWS_24_DAYS_S;
}

/**
 * tcp_paws_reject() - the same for a connection that is not, or no longer, whole
 *
 * The timestamp of a RST need not be new after a minute: whoever sends it may have forgotten what came before.
 *
 * Context: any. Return: @seg is old.
 */
bool tcp_paws_reject(u32 ts_recent, u32 ts_recent_secs, const struct tcp_seg *seg)
{
	if (!seg->opt.tstamp_ok || tcp_paws_ok(ts_recent, ts_recent_secs, seg->opt.tsval, 0))
		return false;
	return !(seg->flags & TCPHDR_RST) || tcp_now_secs() - ts_recent_secs < PAWS_MSL_S;
}

/** tcp_store_ts_recent() - this TSval is echoed from now on. Context: owner or softirq. */
void tcp_store_ts_recent(struct tcp_sock *tp, u32 tsval)
{
	tp->ts_recent = tsval;
	tp->ts_recent_secs = tcp_now_secs();
}

/**
 * tcp_replace_ts_recent() - echoes a segment's TSval if it begins at or before what we acknowledged last (RFC 7323, 4.3)
 *
 * So a sender that waits for a delayed ACK, or for the segment that fills a hole, measures all of that.
 *
 * Context: owner or softirq.
 */
void tcp_replace_ts_recent(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	testcase(seg->seq == tp->rcv_wup);
	testcase(seg->seq == tp->rcv_wup + 1);
	if (tp->tstamp_ok && seg->opt.tstamp_ok && !after(seg->seq, tp->rcv_wup) &&
	    tcp_paws_ok(tp->ts_recent, tp->ts_recent_secs, seg->opt.tsval, 0))
		tcp_store_ts_recent(tp, seg->opt.tsval);
}

/**
 * tcp_tsecr_rtt_us() - the round trip that the echo in @seg measures (RFC 7323, 4.1): also of what was sent twice
 *
 * Context: any. Return: microseconds, a millisecond at least; UINT32_MAX: there is no echo.
 */
u32 tcp_tsecr_rtt_us(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	u32 ms;

	if (!tp->tstamp_ok || !seg->opt.tstamp_ok || !seg->opt.tsecr)
		return UINT32_MAX;
	ms = tcp_tsval(ktime_get_ns(), tp->tsoffset) - seg->opt.tsecr;
	if (ms >= INT32_MAX / 1000)
		return UINT32_MAX; /* from the future, or half an hour old: no echo of ours */
	return max(ms, 1u) * 1000;
}
