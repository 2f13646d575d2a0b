// SPDX-License-Identifier: MIT
/*
 * When text may leave: at the rate that the congestion window and the round trip give, or at the one the application allows.
 *
 * Where fq lies below, each packet bears its time of departure and fq keeps it until then. Elsewhere two kinds of connections hold
 * themselves back, by a timer: those with SO_MAX_PACING_RATE, and those that an ACK of very many segments has just allowed a burst,
 * of which the first ten (or a millisecond of the rate, if that is more) go at once.
 *
 * Interface: tcp_update_pacing_rate, tcp_departure, tcp_paced, tcp_pacing_holds, tcp_burst_begin
 * Above: tcp_transmit.c, tcp_output.c, tcp_retransmit.c, tcp_ack.c, tcp_control.c. Below: tcp_rtx_queue.c (timers).
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: nothing; pacing_timer is armed here, and handled in tcp_timer.c.
 * Specs: tc-fq(8), socket(7) for the option; RFC 9406 4.2 (paced senders) for the burst.
 */
#include "tcp_internal.h"

#include <net/trace.h>

/**
 * tcp_update_pacing_rate() - twice a window per round trip while the window doubles, 1.2 windows later (sysctls); or by the algorithm's model,
 * which is kept to without fq too
 *
 * One millisecond of it is also what a packet and the queues below may hold.
 *
 * Context: owner or softirq.
 */
void tcp_update_pacing_rate(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_net *tn = tcp_net_of(sk);
	u64 rate = (u64)tp->mss_cache * max(tp->cc.cwnd, tp->packets_out);

	if (tp->ca_ops->pacing_rate) {
		rate = tp->ca_ops->pacing_rate(&tp->cc, sk->sk_pacing_rate, tp->mss_cache,
					       tp->rtt.srtt8_us / 8);
		sk->sk_pacing_rate = min(rate, sk_pacing_limit(sk));
		tp->burst = TCP_BURST_PACED;
		return;
	}

	rate *= tp->cc.cwnd < tp->cc.ssthresh / 2 ? tn->pacing_ss_ratio : tn->pacing_ca_ratio;
	if (tp->rtt.srtt8_us) /* without a sample nothing slows it down */
		sk->sk_pacing_rate = min(rate * (USEC_PER_SEC / 100) * 8 / tp->rtt.srtt8_us,
					 sk_pacing_limit(sk));
}

/**
 * tcp_departure() - when a segment is to leave (earliest departure time)
 * @sk: socket
 * @cb: the segment
 * @now: time
 *
 * What has a place in the stream, a FIN too, waits for its turn in fq, if that is what lies below; what has none goes at once, for
 * somebody waits for an ACK.
 *
 * Context: owner or softirq. Return: the time.
 */
u64 tcp_departure(const struct sock *sk, const struct tcp_skb_cb *cb, u64 now)
{
	u64 at = tcp_sk(sk)->wstamp_ns;

	if (cb->seq == cb->end_seq || !sk->sk_paced || at <= now)
		return now;
	return min(at, now + TCP_PACING_AHEAD_NS);
}

/**
 * tcp_paced() - text leaves: the next shall when the rate has carried it
 * @sk: socket
 * @len: bytes
 * @departs: of tcp_departure()
 *
 * Who comes late by up to half of that does not lose the time, for timers are late.
 *
 * Context: owner or softirq.
 */
void tcp_paced(struct sock *sk, u32 len, u64 departs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 late = departs > tp->wstamp_ns ? departs - tp->wstamp_ns : 0, rate = sk->sk_pacing_rate;
	u64 took;

	tp->wstamp_ns = departs;
	if ((!sk->sk_paced && !tcp_paces_itself(sk)) || !rate || rate == UINT64_MAX ||
	    tp->data_segs_out < TCP_PACING_FREE_SEGS)
		return;
	took = (u64)len * NSEC_PER_SEC / rate;
	took -= min(took / 2, late);
	tp->wstamp_ns += min(took, (u64)TCP_PACING_PAUSE_NS);
}

/**
 * tcp_pacing_holds() - nothing may leave yet: the timer will send on
 *
 * Context: owner or softirq. Return: hold.
 */
bool tcp_pacing_holds(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tcp_paces_itself(sk) || tp->wstamp_ns <= ktime_get_ns())
		return false;
	if (tp->burst > TCP_BURST_PACED && sk->sk_max_pacing_rate == UINT32_MAX)
		return false;
	if (!timer_pending(&tp->pacing_timer)) {
		trace_at_sk(tcp_pacing, sk, sk->sk_write_queue.qlen);
		tcp_reset_timer(sk, &tp->pacing_timer, tp->wstamp_ns);
	}
	return true;
}

/**
 * tcp_burst_begin() - an ACK of @bytes bytes came
 *
 * One of very many segments would let as many out at once, or twice as many: the bottleneck's queue has to hold them all. Not
 * where the round trip is so short that the rate of a millisecond is the whole window.
 *
 * Context: owner or softirq.
 */
void tcp_burst_begin(struct sock *sk, u32 bytes)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 at_once = (sk->sk_pacing_rate >> TCP_PACING_SHIFT) / tp->mss_cache;

	if (bytes <= TCP_STRETCH_SEGS * tp->mss_cache || sk->sk_paced || !tp->rtt.srtt8_us ||
	    tp->ca_ops->pacing_rate)
		return;
	at_once = max(at_once, (u64)TCP_INIT_CWND);
	if (at_once < tp->cc.cwnd)
		tp->burst =
			(u8)(TCP_BURST_PACED + min(at_once, (u64)(UINT8_MAX - TCP_BURST_PACED)));
}
