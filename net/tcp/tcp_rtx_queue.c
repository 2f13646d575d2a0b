// SPDX-License-Identifier: MIT
/*
 * The retransmit queue: what was sent and not acknowledged, in order of sequence; and the timer slot that watches it.
 *
 * Interface: tcp_rtx_enqueue, tcp_clean_rtx_queue, tcp_rearm_rto, tcp_reset_xmit_timer, tcp_clear_xmit_timer, tcp_retry_refused,
 * tcp_owe_fin, tcp_reset_timer, tcp_stop_timer, tcp_wmem_free_skb, tcp_rtx_unlink_free, tcp_write_queue_purge, tcp_clear_retrans
 * Above: tcp_state.c and all further right. Below: tcp_segment.c, <net/sock.h>, <kernel/timer.h>.
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: the originals on tcp_rtx_queue and sk_write_queue (charged to sk_wmem_queued). A pending timer holds the socket.
 * Specs: RFC 6298 5.1-5.3; Karn's rule (RFC 9293 MUST-18).
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

/* How long the newest text is still to wait in fq: no loss can show before. */
static u64 tcp_pacing_delay(const struct sock *sk)
{
	u64 now, at = tcp_sk(sk)->wstamp_ns;

	if (!sk->sk_paced)
		return 0;
	now = ktime_get_ns();
	return at > now ? at - now : 0;
}

/** tcp_rearm_rto() - after new data went out or was acknowledged (RFC 6298, 5.1-5.3). Context: owner or softirq. */
void tcp_rearm_rto(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->packets_out)
		tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, tcp_rto_ns(tp) + tcp_pacing_delay(sk));
	else if (!tcp_send_head(sk) && tp->write_seq != tp->snd_nxt)
		tcp_owe_fin(sk);
	else
		tcp_clear_xmit_timer(sk);
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

/** tcp_write_queue_purge() - unsent and unacknowledged data go; the transmit timer too. Context: owner or softirq. */
void tcp_write_queue_purge(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&sk->sk_write_queue)))
		tcp_wmem_free_skb(sk, skb);
	while ((skb = skb_dequeue(&tp->tcp_rtx_queue)))
		tcp_wmem_free_skb(sk, skb);
	tcp_clear_retrans(tp);
	tp->packets_out = 0;
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
	skb_queue_tail(&tp->tcp_rtx_queue, skb);
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
}

/** tcp_rtx_unlink_free() - an original leaves the retransmit queue, its counts too. Context: owner or softirq. Consumes: @skb. */
void tcp_rtx_unlink_free(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_rtx_uncount(tp, TCP_SKB_CB(skb));
	skb_unlink(skb, &tp->tcp_rtx_queue);
	tcp_wmem_free_skb(sk, skb);
}

/*
 * An RTT sample from an acknowledged packet, or the mark that there can be none (Karn). None either of one that left before its time,
 * which happens when fq is replaced by a discipline that does not keep it.
 */
static void tcp_sample(const struct sk_buff *skb, u64 now_ns, struct tcp_acked *res)
{
	if (TCP_SKB_CB(skb)->sacked & TCPCB_EVER_RETRANS)
		res->retrans = true;
	else if (now_ns >= skb->tstamp_ns)
		res->rtt_us =
			(u32)min((now_ns - skb->tstamp_ns) / NSEC_PER_USEC, (u64)UINT32_MAX - 1);
}

/**
 * tcp_clean_rtx_queue() - frees what snd_una covers
 * @sk: socket; snd_una is advanced already
 * @now_ns: time of the ACK
 * @res: what was acknowledged; the RTT sample is that of the last segment sent only once
 *
 * Of a partly covered skb the whole segments are counted as acknowledged.
 *
 * Context: owner of the socket, or softirq while nobody owns it.
 */
void tcp_clean_rtx_queue(struct sock *sk, u64 now_ns, struct tcp_acked *res)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	res->segs = 0;
	res->rtt_us = UINT32_MAX;
	res->retrans = false;
	while ((skb = tcp_rtx_head(tp))) {
		if (after(TCP_SKB_CB(skb)->end_seq, tp->snd_una)) {
			u32 part = tcp_count_acked(sk, skb);

			res->segs += part;
			if (part)
				tcp_sample(skb, now_ns, res);
			break;
		}
		tcp_sample(skb, now_ns, res);
		res->segs += TCP_SKB_CB(skb)->segs;
		trace_at_tcp(original_freed, sk, skb, TCP_SKB_CB(skb)->seq,
			     tp->tcp_rtx_queue.qlen - 1);
		tcp_rtx_unlink_free(sk, skb);
	}
	tp->delivered += res->segs;
	if (res->retrans) /* the ACK may have been caused by the second copy, for later segments too */
		res->rtt_us = UINT32_MAX;
}
