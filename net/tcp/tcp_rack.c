// SPDX-License-Identifier: MIT
/*
 * RACK: a segment is lost when another that was sent later has been delivered, and the reordering window has passed.
 *
 * Times are those of departure (skb->tstamp_ns), of the last copy where there are several; those of equal time are in the order of their
 * numbers. tp->tsorted is that order; what is found lost here leaves it, until it is sent again, so looking again costs nothing.
 *
 * Interface: tcp_rack_advance, tcp_rack_overdue, tcp_rack_detect_loss, tcp_rack_update_reo_wnd
 * Above: tcp_sack.c and tcp_rtx_queue.c (delivered segments), tcp_recovery.c. Below: tcp_segment.c (marks).
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 8985 6.2 (steps 1 to 5).
 */
#include "tcp_internal.h"

/* 6.2: sent later; or together, and behind. */
static bool rack_sent_after(u64 t1, u32 end1, u64 t2, u32 end2)
{
	return t1 > t2 || (t1 == t2 && after(end1, end2));
}

static u32 rack_us_since(u64 then_ns, u64 now_ns)
{
	u64 us = now_ns > then_ns ? (now_ns - then_ns) / NSEC_PER_USEC : 0;

	return (u32)min(us, (u64)INT32_MAX);
}

/**
 * tcp_rack_advance() - @skb was delivered (step 2)
 * @tp: connection
 * @skb: on the retransmit queue; its marks are those before the ACK
 * @now_ns: of the ACK
 *
 * What was sent twice and came back in less than any round trip took is the first copy's ACK and says nothing about the second.
 *
 * Context: owner or softirq. Borrows: @skb.
 */
void tcp_rack_advance(struct tcp_sock *tp, const struct sk_buff *skb, u64 now_ns)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 rtt_us = rack_us_since(skb->tstamp_ns, now_ns);

	if (rtt_us < tp->rtt.min_us && (cb->sacked & TCPCB_RETRANS))
		return;
	tp->rack.advanced = true;
	tp->rack.rtt_us = rtt_us;
	if (rack_sent_after(skb->tstamp_ns, cb->end_seq, tp->rack.sent_ns, tp->rack.end_seq)) {
		tp->rack.sent_ns = skb->tstamp_ns;
		tp->rack.end_seq = cb->end_seq;
	}
}

/* Step 4. Without signs of reordering the third segment SACKed is proof enough, as ever (RFC 5681). */
static u32 rack_reo_wnd_us(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 wnd;

	if (!tp->reord_seen) {
		if (tp->ca_state >= TCP_CA_Recovery)
			return 0;
		if (tp->sacked_out >= tp->reordering &&
		    !(tcp_net_of(sk)->recovery & TCP_RACK_NO_DUPTHRESH))
			return 0;
	}
	wnd = (u64)(tp->rtt.min_us / 4) * tp->rack.reo_wnd_steps;
	return (u32)min(wnd, (u64)(tp->rtt.srtt8_us / 8));
}

/* How long @skb may still take; 0 or less: it is lost. */
static s64 rack_remaining_us(const struct tcp_sock *tp, const struct sk_buff *skb, u32 reo_wnd,
			     u64 now_ns)
{
	return (s64)tp->rack.rtt_us + reo_wnd - rack_us_since(skb->tstamp_ns, now_ns);
}

/** tcp_rack_overdue() - @skb was sent a round trip ago or more. Context: owner or softirq. Borrows: @skb. Return: it was. */
bool tcp_rack_overdue(const struct tcp_sock *tp, const struct sk_buff *skb, u64 now_ns)
{
	return rack_remaining_us(tp, skb, 0, now_ns) <= 0;
}

/**
 * tcp_rack_detect_loss() - marks what should have been delivered by now (step 5)
 *
 * Context: owner or softirq. Return: ns until the last of those that may only be late is overdue too; 0: there is none.
 */
u64 tcp_rack_detect_loss(struct sock *sk, u64 now_ns)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 reo_wnd = rack_reo_wnd_us(sk);
	struct sk_buff *skb, *tmp;
	s64 wait = 0;

	list_for_each_entry_safe(skb, tmp, &tp->tsorted, tsorted) {
		s64 remaining;

		if ((TCP_SKB_CB(skb)->sacked & (TCPCB_LOST | TCPCB_SACKED_RETRANS)) == TCPCB_LOST)
			continue; /* by the timeout; not sent again yet */
		if (!rack_sent_after(tp->rack.sent_ns, tp->rack.end_seq, skb->tstamp_ns,
				     TCP_SKB_CB(skb)->end_seq))
			break;
		remaining = rack_remaining_us(tp, skb, reo_wnd, now_ns);
		if (remaining <= 0) {
			tcp_mark_lost(sk, skb);
			tcp_tsorted_del(skb);
		} else {
			wait = max(wait, remaining);
		}
	}
	return (u64)wait * NSEC_PER_USEC;
}

/**
 * tcp_rack_update_reo_wnd() - a D-SACK widens the window by a quarter of the least round trip, once per round trip; without any it goes
 * back after 16 recoveries (step 4)
 *
 * Context: owner or softirq.
 */
void tcp_rack_update_reo_wnd(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_rack *r = &tp->rack;

	if (tcp_net_of(sk)->recovery & TCP_RACK_STATIC_REO_WND)
		return;
	if (r->dsack_waits && !before(tp->snd_una, r->dsack_round))
		r->dsack_waits = false;
	if (r->dsack_seen && !r->dsack_waits) {
		if (r->reo_wnd_steps < UINT8_MAX)
			r->reo_wnd_steps++;
		r->reo_wnd_persist = TCP_RACK_PERSIST;
		r->dsack_round = tp->snd_nxt;
		r->dsack_waits = true;
	} else if (!r->reo_wnd_persist) {
		r->reo_wnd_steps = 1;
	}
	r->dsack_seen = false;
}
