// SPDX-License-Identifier: MIT
/*
 * Round-trip time and retransmission timeout. Pure functions of their arguments.
 *
 * Interface: tcp_rtt_init, tcp_rtt_sample, tcp_rtt_min_sample, tcp_rto_backoff, tcp_rto_model_ns
 * Above: tcp_ack.c, tcp_timer.c, tcp_minisocks.c. Below: nothing.
 * Context: any. Owns: nothing.
 * Specs: RFC 6298 2 and 5, with a least deviation term of 200 ms instead of the recommended least timeout of 1 s: the
 * timeout is srtt + max(4 * rttvar, 200 ms), at most 120 s.
 */
#include "tcp_internal.h"

#define RTO_MIN_US ((u32)(TCP_RTO_MIN_NS / NSEC_PER_USEC))
#define RTT_MAX_US 60000000u /* keeps the scaled values inside 32 bits */

/** tcp_rtt_init() - before the first sample: timeout 1 s (RFC 6298, 2.1). Context: any. */
void tcp_rtt_init(struct tcp_rtt *r)
{
	*r = (struct tcp_rtt){ .rto_ns = TCP_TIMEOUT_INIT_NS };
	for (u32 i = 0; i < TCP_RTT_LEAST; i++)
		r->least[i].us = UINT32_MAX;
}

/* A new deviation from the old one and this error: gain 1/4, but 1/32 when a sudden fall of the RTT would raise it. */
static u32 tcp_rtt_deviation(u32 dev4, s32 err)
{
	u32 mag = err < 0 ? (u32)-err : (u32)err;
	u32 dev = dev4 / 4;

	if (mag <= dev)
		return dev4 - (dev - mag);
	if (err < 0)
		return dev4 + (mag - dev) / 8;
	return dev4 + (mag - dev);
}

/**
 * tcp_rtt_sample() - takes one measurement in
 * @r: estimator
 * @rtt_us: measured on a segment that was sent once (Karn)
 * @snd_una: oldest unacknowledged after this ACK
 * @snd_nxt: next to be sent: its acknowledgment will end the round during which peaks are kept
 *
 * Context: any.
 */
void tcp_rtt_sample(struct tcp_rtt *r, u32 rtt_us, u32 snd_una, u32 snd_nxt)
{
	u32 rtt = min(rtt_us, RTT_MAX_US);

	rtt = max(rtt, 1u);
	if (r->srtt8_us == 0) {
		r->srtt8_us = rtt * 8;
		r->dev4_us = rtt * 2;
		r->var4_us = max(r->dev4_us, RTO_MIN_US);
		r->peak4_us = r->var4_us;
		r->round_end = snd_nxt;
	} else {
		s32 err = (s32)rtt - (s32)(r->srtt8_us / 8);

		r->srtt8_us = max((u32)((s32)r->srtt8_us + err), 1u);
		r->dev4_us = tcp_rtt_deviation(r->dev4_us, err);
		r->peak4_us = max(r->peak4_us, r->dev4_us);
		r->var4_us = max(r->var4_us, r->peak4_us);
		if (after(snd_una, r->round_end)) {
			r->var4_us -= (r->var4_us - r->peak4_us) / 4;
			r->round_end = snd_nxt;
			r->peak4_us = RTO_MIN_US;
		}
	}
	r->rto_ns = min((u64)(r->srtt8_us / 8 + r->var4_us) * NSEC_PER_USEC, TCP_RTO_MAX_NS);
}

/**
 * tcp_rtt_min_sample() - the least round trip of a window of time, without remembering all of them (Kathleen Nichols' way)
 * @r: estimator; min_us is the answer
 * @rtt_us: a sample
 * @now_ms: when it came
 * @window_ms: how long one counts
 *
 * Three are kept: the least of the window, the least of what came after that one, and the least of what came after those. When the first
 * gets too old the second takes its place, which is right as long as they lie apart: so the second is taken anew from the window's second
 * quarter, and the third from its second half.
 * Context: any.
 */
void tcp_rtt_min_sample(struct tcp_rtt *r, u32 rtt_us, u32 now_ms, u32 window_ms)
{
	struct tcp_rtt_min now = { max(rtt_us, 1u), now_ms }, *m = r->least;
	u32 beaten = TCP_RTT_LEAST, age;

	while (beaten && now.us <= m[beaten - 1].us)
		beaten--;
	if (now_ms - m[TCP_RTT_LEAST - 1].ms > window_ms) /* nothing came for so long */
		beaten = 0;
	for (u32 i = beaten; i < TCP_RTT_LEAST; i++)
		m[i] = now;
	while (now_ms - m[0].ms > window_ms) {
		for (u32 i = 1; i < TCP_RTT_LEAST; i++)
			m[i - 1] = m[i];
		m[TCP_RTT_LEAST - 1] = now;
	}
	age = now_ms - m[0].ms;
	if (m[1].ms == m[0].ms && age > window_ms / 4)
		m[1] = m[2] = now;
	else if (m[2].ms == m[1].ms && age > window_ms / 2)
		m[2] = now;
}

/** tcp_rto_backoff() - timeout after @shift doublings, at most 120 s (RFC 6298, 5.5). Context: any. Return: ns. */
u64 tcp_rto_backoff(u64 rto_ns, u32 shift)
{
	u64 v = rto_ns << min(shift, TCP_MAX_BACKOFF);

	return min(v, TCP_RTO_MAX_NS);
}

/**
 * tcp_rto_model_ns() - how long @retries retransmissions last when the first timeout is @rto_base_ns
 *
 * Turns a count of retries into a time limit, so that a long measured RTT does not stretch it: 15 from 200 ms are 924.6 s.
 * Context: any. Return: ns.
 */
u64 tcp_rto_model_ns(u64 rto_base_ns, u32 retries)
{
	u64 sum = 0;

	for (u32 i = 0; i <= min(retries, 255u); i++)
		sum += tcp_rto_backoff(rto_base_ns, i);
	return sum;
}
