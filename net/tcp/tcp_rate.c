// SPDX-License-Identifier: MIT
/*
 * How fast the network delivers, and whether that says anything about it.
 *
 * Each packet remembers, when it leaves, how much had been delivered by then and when; its delivery makes a sample: what was delivered
 * meanwhile, over the time in which it was sent or in which it was acknowledged, whichever is longer. While the application gives less
 * than the window takes, samples say how fast the application is: they are marked, and only count when they are higher.
 *
 * Interface: tcp_rate_sent, tcp_rate_delivered, tcp_rate_gen, tcp_rate_check_app_limited, tcp_rate_init, tcp_delivery_rate
 * Above: tcp_sack.c, tcp_rtx_queue.c, tcp_transmit.c, tcp_ack.c, tcp_sendmsg.c, tcp_sockopt.c. Below: nothing.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: draft-cheng-iccrg-delivery-rate-estimation-02; RFC 7661's question, asked for TCP_INFO.
 */
#include "tcp_internal.h"

/* Microseconds modulo 2^32, as packets keep them; 0 is left for "never". */
static u32 rate_us(u64 ns)
{
	u32 us = (u32)(ns / NSEC_PER_USEC);

	return us ? us : 1;
}

/** tcp_rate_init() - nothing was measured; there is a bubble in the pipe at least until the first ACK. Context: owner or softirq. */
void tcp_rate_init(struct tcp_sock *tp)
{
	tp->rate = (struct tcp_rate){ .app_limited = UINT32_MAX, .sample_app_limited = true };
}

/**
 * tcp_rate_sent() - @skb, an original, left at @departs_ns; it is not counted in packets_out yet if it did so for the first time
 *
 * Context: owner or softirq. Borrows: @skb.
 */
void tcp_rate_sent(struct tcp_sock *tp, struct sk_buff *skb, u64 departs_ns)
{
	if (!tp->packets_out) /* a new flight: the pause before it is not the network's */
		tp->rate.first_us = tp->rate.delivered_us = rate_us(departs_ns);
	skb->tx.first_us = tp->rate.first_us;
	skb->tx.delivered_us = tp->rate.delivered_us;
	skb->tx.delivered = tp->delivered;
	TCP_SKB_CB(skb)->app_limited = tp->rate.app_limited != 0;
}

/* The later one tells more; among those that left together, the one behind. */
static bool rate_sent_later(const struct sk_buff *skb, u32 us, const struct tcp_sock *tp,
			    const struct tcp_acked *acked)
{
	s32 later = (s32)(us - tp->rate.first_us);

	return later > 0 || (!later && after(TCP_SKB_CB(skb)->end_seq, acked->rate_end_seq));
}

/**
 * tcp_rate_delivered() - @skb was acknowledged or SACKed, and not before
 * @acked: of the packet that left last it keeps what it remembered
 *
 * Context: owner or softirq. Borrows: @skb.
 */
void tcp_rate_delivered(struct tcp_sock *tp, struct sk_buff *skb, struct tcp_acked *acked)
{
	u32 us = rate_us(skb->tstamp_ns);

	if (!skb->tx.delivered_us)
		return;
	if (!acked->rate_us || rate_sent_later(skb, us, tp, acked)) {
		acked->rate_delivered = skb->tx.delivered;
		acked->rate_us = skb->tx.delivered_us;
		acked->rate_end_seq = TCP_SKB_CB(skb)->end_seq;
		acked->rate_app_limited = TCP_SKB_CB(skb)->app_limited;
		acked->rate_sent_us = us - skb->tx.first_us;
		tp->rate.first_us = us;
	}
	skb->tx.delivered_us = 0;
}

/**
 * tcp_rate_gen() - an ACK is taken in: its sample, if it gave one
 * @delivered: segments that it says have arrived
 *
 * A sample over less time than any round trip took is no measure: what was sent twice came at its first attempt.
 *
 * Context: owner or softirq.
 */
void tcp_rate_gen(struct tcp_sock *tp, const struct tcp_acked *acked, u32 delivered)
{
	struct tcp_rate *r = &tp->rate;
	u32 now = rate_us(acked->now_ns), segs = tp->delivered - acked->rate_delivered, us;

	if (r->app_limited && after(tp->delivered, r->app_limited))
		r->app_limited = 0; /* the bubble is through */
	if (delivered)
		r->delivered_us = now;
	if (!acked->rate_us || acked->reneging)
		return;
	us = max(acked->rate_sent_us, now - acked->rate_us);
	if (us < tp->rtt.min_us)
		return;
	if (acked->rate_app_limited && (u64)segs * r->sample_us < (u64)r->sample_segs * us)
		return;
	r->sample_segs = segs;
	r->sample_us = us;
	r->sample_app_limited = acked->rate_app_limited;
}

/**
 * tcp_rate_check_app_limited() - before the application gives more: is it late?
 *
 * It is when less than a segment waits, none is in the queues below, the window has room, and nothing is left to repair. Samples of what
 * is sent until all that is out now has been delivered are the application's.
 *
 * Context: owner.
 */
void tcp_rate_check_app_limited(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 in_flight = tcp_packets_in_flight(tp), until = tp->delivered + in_flight;

	if (tp->write_seq - tp->snd_nxt >= tp->mss_cache || sk->sk_wmem_alloc >= SKB_TRUESIZE(1) ||
	    in_flight >= tp->cc.cwnd || tp->lost_out > tp->retrans_out)
		return;
	tp->rate.app_limited = until ? until : 1;
}

/** tcp_delivery_rate() - by the last sample. Context: owner or softirq. Return: bytes a second; 0: there is none. */
u64 tcp_delivery_rate(const struct tcp_sock *tp)
{
	if (!tp->rate.sample_us)
		return 0;
	return (u64)tp->rate.sample_segs * tp->mss_cache * USEC_PER_SEC / tp->rate.sample_us;
}
