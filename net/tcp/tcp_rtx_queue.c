// SPDX-License-Identifier: MIT
/*
 * The retransmit queue: what was sent and not acknowledged, in order of sequence; and the timer slot that watches it.
 *
 * Interface: tcp_rtx_enqueue, tcp_clean_rtx_queue, tcp_rearm_rto, tcp_reset_xmit_timer, tcp_reset_probe_timer, tcp_clear_xmit_timer, tcp_retry_refused,
 * tcp_owe_fin, tcp_reset_timer, tcp_stop_timer, tcp_wmem_free_skb, tcp_rtx_unlink_free, tcp_write_queue_purge, tcp_clear_retrans,
 * tcp_schedule_solicit, tcp_schedule_loss_probe, tcp_loss_init
 * Above: tcp_state.c and all further right. Below: tcp_sack.c, tcp_rack.c, tcp_segment.c, <net/sock.h>, <kernel/timer.h>.
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: the originals on tcp_rtx_queue and sk_write_queue (charged to sk_wmem_queued). A pending timer holds the socket.
 * Specs: RFC 6298 5.1-5.3; RFC 8985 7.2 (when a probe is due); Karn's rule (RFC 9293 MUST-18).
 */
#include "tcp_internal.h"

#include <net/trace.h>

/** tcp_reset_timer() - arms @t, which holds a reference on @sk while pending. Context: owner or softirq. */
void tcp_reset_timer(struct sock *sk, struct timer *t, u64 expires_ns)
{
	if (!mod_timer(t, expires_ns))
		sock_hold(sk);
}

/** tcp_stop_timer() - disarms @t and gives its reference back; the caller holds another one. Context: owner or softirq. */
void tcp_stop_timer(struct sock *sk, struct timer *t)
{
	if (del_timer(t)) {
		BUG_ON(sk->sk_refcnt < 2);
		sock_put(sk);
	}
}

/** tcp_reset_xmit_timer() - the one slot shared by retransmission and window probe. Context: owner or softirq. */
void tcp_reset_xmit_timer(struct sock *sk, enum tcp_time what, u64 delay_ns)
{
	struct tcp_sock *tp = tcp_sk(sk);

	BUG_ON(what == TCP_TIME_NONE);
	tp->pending = what;
	tcp_reset_timer(sk, &tp->write_timer, ktime_get_ns() + min(delay_ns, TCP_RTO_MAX_NS));
}

/** tcp_clear_xmit_timer() - nothing to wait for. Context: owner or softirq. */
void tcp_clear_xmit_timer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->pending = TCP_TIME_NONE;
	tcp_stop_timer(sk, &tp->write_timer);
}

/**
 * tcp_reset_probe_timer() - the window is shut: it is asked for after @delay_ns, but not later than the user timeout ends the wait
 *
 * Context: owner or softirq.
 */
void tcp_reset_probe_timer(struct sock *sk, u64 delay_ns)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 limit = tp->user_timeout_ms * NSEC_PER_MSEC, waited;

	if (limit && tp->probe_stamp_ns) {
		waited = ktime_get_ns() - tp->probe_stamp_ns;
		delay_ns = min(delay_ns, limit > waited + TCP_TIMEOUT_MIN_NS ? limit - waited
									     : TCP_TIMEOUT_MIN_NS);
	}
	tcp_reset_xmit_timer(sk, TCP_TIME_PROBE0, delay_ns);
}

/**
 * tcp_retry_refused() - this host had no room for what is in flight but not on its way: tried again soon, and not counted
 *
 * The retransmission timeout stays where it was: when it comes first, or nothing but refusals does, it counts.
 *
 * Context: owner or softirq.
 */
void tcp_retry_refused(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->pending == TCP_TIME_REFUSED)
		return;
	tp->rto_due_ns = tp->pending == TCP_TIME_RETRANS && timer_pending(&tp->write_timer)
				 ? tp->write_timer.expires_ns
				 : ktime_get_ns() + tcp_rto_ns(tp);
	tcp_reset_xmit_timer(sk, TCP_TIME_REFUSED, min(tcp_rto_ns(tp), TCP_LOCAL_RETRY_NS));
}

/** tcp_owe_fin() - a FIN found no memory: a timer makes it. Nothing is in flight or waits. Context: owner or softirq. */
void tcp_owe_fin(struct sock *sk)
{
	tcp_sk(sk)->probes_out = 0;
	tcp_reset_xmit_timer(sk, TCP_TIME_FIN, TCP_FIN_RETRY_NS);
}

/* How long the newest text, or the next, is still to wait: no loss can show before. */
static u64 tcp_pacing_delay(const struct sock *sk)
{
	u64 now, at = tcp_sk(sk)->wstamp_ns;

	if (!sk->sk_paced && !tcp_paces_itself(sk))
		return 0;
	now = ktime_get_ns();
	return at > now ? at - now : 0;
}

/* How far away the timeout of the first segment out is that was sent last: ns, 0 when it is over. */
static u64 tcp_rto_left(const struct tcp_sock *tp)
{
	const struct sk_buff *head = tcp_rtx_head(tp);
	u64 due, now = ktime_get_ns();

	BUG_ON(!head);
	due = head->tstamp_ns + tcp_rto_ns(tp);
	return due > now ? due - now : 0;
}

/**
 * tcp_rearm_rto() - after new data went out or was acknowledged (RFC 6298, 5.1-5.3)
 *
 * Where a loss probe or the reordering timer stood in its place, it is due as if they had never been.
 *
 * Context: owner or softirq.
 */
void tcp_rearm_rto(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 rto = tcp_rto_ns(tp);

	if (tp->packets_out) {
		if (tp->pending == TCP_TIME_REO || tp->pending == TCP_TIME_LOSS_PROBE)
			rto = max(tcp_rto_left(tp), NSEC_PER_MSEC);
		tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, rto + tcp_pacing_delay(sk));
	} else if (!tcp_send_head(sk) && tp->write_seq != tp->snd_nxt) {
		tcp_owe_fin(sk);
	} else {
		tcp_clear_xmit_timer(sk);
	}
}

/* Two round trips, and the peer's delayed ACK where @alone one segment is out. */
static u64 tcp_probe_delay(const struct tcp_sock *tp, bool alone)
{
	u64 delay = (u64)tp->rtt.srtt8_us / 4 * NSEC_PER_USEC;

	return DIV_ROUND_UP(delay, NSEC_PER_MSEC) * NSEC_PER_MSEC +
	       (alone ? TCP_RTO_MIN_NS : TCP_TIMEOUT_MIN_NS);
}

/**
 * tcp_schedule_solicit() - a silence in which the loss probe cannot help (it has gone, or a recovery goes on) will be ended by asking
 * for an ACK, where the timeout is many round trips away
 * @sk: socket
 *
 * New data that went as a probe may wait for a delayed ACK, or its answer was lost. RFC 8985 leaves that to the timeout: 200 ms at least
 * for one lost ACK, a thousand round trips on a short path. The longer the path the nearer its timeout, and from 5 ms on nothing is
 * asked. Nor where a round trip took no time: that was no path.
 *
 * Context: owner or softirq. Return: the slot is taken.
 */
bool tcp_schedule_solicit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 delay;

	if (tp->solicits >= tcp_net_of(sk)->solicit_acks || !tp->packets_out || !tp->sack_ok ||
	    tp->rtt.srtt8_us <= TCP_SOLICIT_RTT8_MIN || tp->retransmits)
		return false;
	/* A probe that was a copy had to be answered at once; that of one segment alone took as long as the timeout would have. */
	if (tp->ca_state < TCP_CA_Recovery &&
	    ((tp->tlp_out && tp->tlp_retrans) || tp->packets_out == 1))
		return false;
	delay = tcp_probe_delay(tp, false);
	if (delay * TCP_SOLICIT_PART > tcp_rto_left(tp))
		return false;
	tcp_reset_xmit_timer(sk, TCP_TIME_LOSS_PROBE,
			     (delay << tp->solicits) + tcp_pacing_delay(sk));
	return true;
}

/**
 * tcp_schedule_loss_probe() - two round trips without an ACK will be answered by a probe, if that is before the timeout
 * @sk: socket
 * @advancing: the timeout begins anew now
 *
 * With one segment out, the peer may be waiting for a second before it answers.
 *
 * Context: owner or softirq. Return: the slot is taken by the probe.
 */
bool tcp_schedule_loss_probe(struct sock *sk, bool advancing)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 mode = tcp_net_of(sk)->early_retrans;
	u64 delay = TCP_TIMEOUT_INIT_NS, rto;

	if ((mode != 3 && mode != 4) || !tp->packets_out || !tp->sack_ok ||
	    sk->sk_state == TCP_SYN_RECV ||
	    (tp->ca_state != TCP_CA_Open && tp->ca_state != TCP_CA_CWR))
		return false;
	if (tp->rtt.srtt8_us)
		delay = tcp_probe_delay(tp, tp->packets_out == 1);
	rto = advancing ? tcp_rto_ns(tp) : tcp_rto_left(tp);
	if (rto)
		delay = min(delay, rto);
	tcp_reset_xmit_timer(sk, TCP_TIME_LOSS_PROBE, delay + tcp_pacing_delay(sk));
	return true;
}

/** tcp_wmem_free_skb() - an original has done its work: uncharged and freed. Context: owner or softirq. Consumes: @skb. */
void tcp_wmem_free_skb(struct sock *sk, struct sk_buff *skb)
{
	BUG_ON(sk->sk_wmem_queued < skb->truesize);
	sk->sk_wmem_queued -= skb->truesize;
	consume_skb(skb);
}

/** tcp_clear_retrans() - forgets all counts of loss. Context: owner or softirq. */
void tcp_clear_retrans(struct tcp_sock *tp)
{
	tp->retrans_out = 0;
	tp->lost_out = 0;
	tp->sacked_out = 0;
}

/** tcp_loss_init() - nothing is known of losses on this path yet. Context: owner or softirq. */
void tcp_loss_init(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->ca_state = TCP_CA_Open;
	tp->rack = (struct tcp_rack){ .reo_wnd_steps = 1 };
	tp->prr = (struct tcp_prr){ 0 };
	tp->undo = (struct tcp_undo){ 0 };
	tp->reordering = tcp_net_of(sk)->reordering;
	tp->reord_seen = 0;
	tp->tlp_out = false;
	tp->rtx_hint = tp->snd_una;
}

/** tcp_write_queue_purge() - unsent and unacknowledged data go; the transmit timer too. Context: owner or softirq. */
void tcp_write_queue_purge(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&sk->sk_write_queue)))
		tcp_wmem_free_skb(sk, skb);
	while ((skb = skb_dequeue(&tp->tcp_rtx_queue))) {
		tcp_tsorted_del(skb);
		tcp_wmem_free_skb(sk, skb);
	}
	tp->rtx_index = (struct rb_root){ NULL };
	tcp_clear_retrans(tp);
	tp->packets_out = 0;
	tcp_chrono_stop(sk, TCP_CHRONO_BUSY);
	tcp_clear_xmit_timer(sk);
	BUG_ON(sk->sk_wmem_queued != 0);
}

/**
 * tcp_rtx_enqueue() - a sent original moves to the end of the queue; its segments are in flight
 *
 * Context: owner or softirq. Owns: the queue, from now on.
 */
void tcp_rtx_enqueue(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *tail = skb_peek_tail(&tp->tcp_rtx_queue);

	BUG_ON(tail && before(TCP_SKB_CB(skb)->seq, TCP_SKB_CB(tail)->end_seq));
	BUG_ON(TCP_SKB_CB(skb)->segs == 0);
	BUG_ON(skb->dev || skb->_skb_refdst); /* their place is the order of sending's */
	skb_queue_tail(&tp->tcp_rtx_queue, skb);
	tcp_index_add_after(&tp->rtx_index, tcp_index_last(&tp->rtx_index), skb);
	tcp_tsorted_sent(tp, skb);
	tp->packets_out += TCP_SKB_CB(skb)->segs;
}

/* Counts of an skb that leaves the queue. */
static void tcp_rtx_uncount(struct tcp_sock *tp, const struct tcp_skb_cb *cb)
{
	BUG_ON(tp->packets_out < cb->segs);
	tp->packets_out -= cb->segs;
	if (cb->sacked & TCPCB_LOST)
		tp->lost_out -= cb->segs;
	if (cb->sacked & TCPCB_SACKED_RETRANS)
		tp->retrans_out -= cb->segs;
	if (cb->sacked & TCPCB_SACKED_ACKED)
		tp->sacked_out -= cb->segs;
}

/** tcp_rtx_unlink_free() - an original leaves the retransmit queue, its counts too. Context: owner or softirq. Consumes: @skb. */
void tcp_rtx_unlink_free(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_rtx_uncount(tp, TCP_SKB_CB(skb));
	if (!(TCP_SKB_CB(skb)->sacked & TCPCB_SACKED_ACKED))
		tcp_index_del(&tp->rtx_index, skb);
	tcp_tsorted_del(skb);
	skb_unlink(skb, &tp->tcp_rtx_queue);
	tcp_wmem_free_skb(sk, skb);
}

/*
 * An RTT sample from an acknowledged packet that was sent once (Karn). None of one that left before its time, which happens when fq is
 * replaced by a discipline that does not keep it.
 */
static void tcp_sample(const struct sk_buff *skb, struct tcp_acked *res)
{
	u64 ns = res->now_ns - skb->tstamp_ns;

	if (res->now_ns < skb->tstamp_ns)
		return;
	res->last_rtt_us = (u32)min(ns / NSEC_PER_USEC, (u64)UINT32_MAX - 1);
	if (res->rtt_us == UINT32_MAX)
		res->rtt_us = res->last_rtt_us;
}

/* @segs segments of @skb, which began at @seq, are acknowledged. */
static void tcp_one_acked(struct tcp_sock *tp, struct sk_buff *skb, u32 seq, u32 segs,
			  struct tcp_acked *res)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	res->segs += segs;
	if (cb->sacked & TCPCB_RETRANS) {
		res->retrans = true;
	} else if (!(cb->sacked & TCPCB_SACKED_ACKED)) {
		tcp_sample(skb, res);
		if (before(seq, res->prior_una))
			seq = res->prior_una; /* what an ACK took half of is no news from before it */
		if (before(seq, res->reord))
			res->reord = seq;
		if (!after(cb->end_seq, tp->high_seq))
			res->orig = true;
	}
	if (cb->sacked & TCPCB_SACKED_ACKED)
		return; /* counted when the block came */
	tcp_rate_delivered(tp, skb, res);
	if (!tp->sack_ok)
		return; /* duplicates counted it, or will not (tcp_newreno.c) */
	tp->delivered += segs;
	if (!((cb->sacked & TCPCB_RETRANS) && tcp_echo_before(tp, res, skb->tstamp_ns)))
		tcp_rack_advance(tp, skb, res->now_ns);
}

/**
 * tcp_clean_rtx_queue() - frees what snd_una covers
 * @sk: socket; snd_una is advanced already
 * @res: what was acknowledged is added
 *
 * Of a partly covered skb the whole segments are counted as acknowledged.
 *
 * Context: owner of the socket, or softirq while nobody owns it.
 */
void tcp_clean_rtx_queue(struct sock *sk, struct tcp_acked *res)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = tcp_rtx_head(tp))) {
		u32 seq = TCP_SKB_CB(skb)->seq;

		if (after(TCP_SKB_CB(skb)->end_seq, tp->snd_una)) {
			u32 part = tcp_count_acked(sk, skb);

			if (part)
				tcp_one_acked(tp, skb, seq, part, res);
			break;
		}
		tcp_one_acked(tp, skb, seq, TCP_SKB_CB(skb)->segs, res);
		trace_at_tcp(original_freed, sk, skb, seq, tp->tcp_rtx_queue.qlen - 1);
		tcp_rtx_unlink_free(sk, skb);
	}
	if (!skb)
		tcp_chrono_stop(sk, TCP_CHRONO_BUSY);
	if (before(tp->rtx_hint, tp->snd_una))
		tp->rtx_hint = tp->snd_una;
	res->reneging = skb && (TCP_SKB_CB(skb)->sacked & TCPCB_SACKED_ACKED);
	if (res->retrans) /* the ACK may have been caused by the second copy, for later segments too */
		res->rtt_us = res->last_rtt_us = UINT32_MAX;
	if (tp->sack_ok && res->segs && before(res->reord, res->prior_high))
		tcp_sack_reordering(sk, res->reord, LINUX_MIB_TCPSACKReorder);
}
