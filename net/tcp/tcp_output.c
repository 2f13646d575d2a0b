// SPDX-License-Identifier: MIT
/*
 * Sending: from the write queue through the gates (congestion window, peer's window, Nagle, the queues below) to IP.
 *
 * The original stays with the socket until it is acknowledged; what goes down is a clone. An original moves from
 * sk_write_queue to tcp_rtx_queue only when the layers below accepted its clone.
 *
 * Interface: tcp_current_mss, tcp_size_goal, tcp_tso_segs, tcp_small_queue_check, tcp_event_new_data_sent,
 * __tcp_push_pending_frames, tcp_push_pending_frames, tcp_push_one, tcp_push_probe
 * Above: tcp_retransmit.c, tcp_control.c, tcp_recovery.c, tcp_ack.c, tcp_sendmsg.c. Below: tcp_transmit.c, tcp_mtup.c, tcp_rtx_queue.c.
 * Context: owner of the socket (these functions turn BH off), or softirq while nobody owns it.
 * Owns: nothing of its own.
 * Specs: RFC 9293 3.7, 3.8; RFC 1122 4.2.3.3, 4.2.3.4; RFC 5681; RFC 6691; Nagle as modified by Minshall.
 */
#include "tcp_internal.h"

#include <kernel/softirq.h>
#include <net/ip.h>

/* What SACK blocks leave of a segment: they take their room while there are holes, but never all of it. */
static u32 tcp_sack_room(const struct tcp_sock *tp, u32 mss)
{
	u32 len = tcp_sack_len(tp);

	return mss > len + 8 ? mss - len : mss;
}

/** tcp_current_mss() - segment size now; follows the route's MTU, down and (what was learned expires) up. Context: owner or softirq. Return: bytes. */
u32 tcp_current_mss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct dst_entry *dst = ip_sk_dst(sk);
	u32 mtu, mss;

	if (!dst)
		return tcp_sack_room(tp, tp->mss_cache);
	mtu = ip_dst_mtu_of(sk, dst);
	mss = mtu == tp->pmtu ? tp->mss_cache : tcp_sync_mss(sk, mtu);
	return tcp_sack_room(tp, mss);
}

/* Bytes of payload of a packet that stands for many: what an IPv4 header can count, headers off, and never more than half
 * of the largest window, so that two of them fit. */
static u32 tcp_gso_bytes(const struct tcp_sock *tp)
{
	u32 cutoff = tp->max_window > TCP_MSS_DEFAULT ? tp->max_window / 2 : tp->max_window;

	return cutoff ? min(TCP_GSO_MAX_SIZE - MAX_TCP_HEADER, cutoff)
		      : TCP_GSO_MAX_SIZE - MAX_TCP_HEADER;
}

/**
 * tcp_size_goal() - how much is gathered in one skb: a whole number of segments
 * @sk: socket
 * @mss: of tcp_current_mss()
 *
 * One segment where nobody below cuts packets.
 *
 * Context: owner or softirq. Return: payload bytes, at least @mss.
 */
u32 tcp_size_goal(const struct sock *sk, u32 mss)
{
	if (!sk_can_gso(sk))
		return mss;
	return max(tcp_gso_bytes(tcp_sk(sk)) / mss * mss, mss);
}

/* --- The gates -------------------------------------------------------------------------------------------------------------- */

/* Segments that the congestion window lets go now, at most half of it at once: the ACK clock then has two bursts to tick with. */
static u32 tcp_cwnd_quota(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	u32 in_flight = tcp_packets_in_flight(tp), half = max(tp->cc.cwnd / 2, 1u);

	if ((TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) && skb->len == 0)
		return 1; /* a lone FIN costs nothing */
	return in_flight < tp->cc.cwnd ? min(half, tp->cc.cwnd - in_flight) : 0;
}

/* The first segment of @skb ends inside the peer's window. */
static bool tcp_snd_wnd_test(const struct tcp_sock *tp, const struct sk_buff *skb, u32 mss)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 end = skb->len > mss ? cb->seq + mss : cb->end_seq;

	testcase(tp->snd_wnd == 0);
	testcase(tp->snd_wnd == 1);
	testcase(end == tcp_wnd_end(tp));
	testcase(end == tcp_wnd_end(tp) + 1);
	return !after(end, tcp_wnd_end(tp));
}

/* A small segment must wait: corked, or an earlier small one is not acknowledged (Minshall). */
static bool tcp_nagle_holds(const struct tcp_sock *tp, u8 nonagle)
{
	if (nonagle & TCP_NAGLE_PUSH)
		return false;
	if (nonagle & TCP_NAGLE_CORK)
		return true;
	return !(nonagle & TCP_NAGLE_OFF) && tp->packets_out && after(tp->snd_sml, tp->snd_una) &&
	       !after(tp->snd_sml, tp->snd_nxt);
}

static bool tcp_nagle_test(const struct tcp_sock *tp, const struct sk_buff *skb, u32 mss,
			   u8 nonagle)
{
	testcase(skb->len == mss - 1);
	testcase(skb->len == mss);
	return skb->len >= mss || tcp_urg_mode(tp) || (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) ||
	       !tcp_nagle_holds(tp, nonagle);
}

/**
 * tcp_tso_segs() - segments that one packet should stand for at most
 * @sk: socket
 * @mss: of tcp_current_mss()
 *
 * About a millisecond of the rate we send at, so that slow connections do not burst; more on short round trips, where the
 * rate is an estimate of little worth; never less than two. One where nobody below cuts packets.
 *
 * Context: owner or softirq. Return: segments.
 */
u32 tcp_tso_segs(const struct sock *sk, u32 mss)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 bytes = sk->sk_pacing_rate >> TCP_PACING_SHIFT;
	u32 r = tp->rtt.min_us >> TCP_TSO_RTT_SHIFT;

	if (tcp_urg_mode(tp)) /* each segment has its own urgent pointer */
		return 1;
	if (r < 32 && !tp->ca_ops->pacing_rate) /* a model's rate is no guess */
		bytes += TCP_GSO_MAX_SIZE >> r;
	bytes = min(bytes, (u64)(TCP_GSO_MAX_SIZE - MAX_TCP_HEADER));
	return min(max((u32)bytes / mss, tcp_net_of(sk)->min_tso_segs), sk_gso_max_segs(sk));
}

/**
 * tcp_small_queue_check() - enough of ours is in the queues below: the next completion continues
 * @sk: socket
 * @skb: what would go next
 * @factor: 0 for new data, 1 for retransmissions, which may have twice as much there
 *
 * A millisecond of what we send, two packets at least, 1 MiB at most. What would leave the retransmit queue empty or with
 * one packet goes in any case: it may be all that keeps the ACKs coming.
 *
 * Context: BH off. Return: stop.
 */
bool tcp_small_queue_check(struct sock *sk, const struct sk_buff *skb, u32 factor)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 limit = max(2ULL * skb->truesize, sk->sk_pacing_rate >> TCP_PACING_SHIFT);

	limit = min(limit, (u64)tcp_net_of(sk)->limit_output_bytes) << factor;
	if (sk->sk_wmem_alloc <= limit || tp->tcp_rtx_queue.qlen <= 1)
		return false;
	tp->tsq_throttled = true;
	trace_at_sk(tcp_throttled, sk, sk->sk_wmem_alloc);
	return true;
}

/* The timeout runs already, or what stands before it and is not put off by new data: in a recovery too, where it asks for an ACK. */
static bool tcp_timer_stays(const struct tcp_sock *tp)
{
	return tp->pending == TCP_TIME_RETRANS || tp->pending == TCP_TIME_REFUSED ||
	       tp->pending == TCP_TIME_REO ||
	       (tp->pending == TCP_TIME_LOSS_PROBE && tp->ca_state >= TCP_CA_Recovery);
}

/**
 * tcp_event_new_data_sent() - the clone of the send head was accepted: the original moves to the retransmit queue
 *
 * Context: BH off. Owns: the retransmit queue, @skb from now on.
 */
void tcp_event_new_data_sent(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 prior = tp->packets_out;

	skb_unlink(skb, &sk->sk_write_queue);
	tp->snd_nxt = TCP_SKB_CB(skb)->end_seq;
	tcp_rtx_enqueue(sk, skb);
	trace_at_tcp(tcp_event_new_data_sent, sk, skb, TCP_SKB_CB(skb)->seq,
		     tp->tcp_rtx_queue.qlen);
	if (skb->len)
		NET_ADD_STATS(sk->sk_net, TCPOrigDataSent, TCP_SKB_CB(skb)->segs);
	if (!prior || !tcp_timer_stays(tp))
		tcp_rearm_rto(sk);
	tcp_check_space(sk); /* less is unsent */
}

/* How far the congestion window is used decides whether it may grow (RFC 7661's idea, RFC 5681 3.1). */
static void tcp_cwnd_validate(struct sock *sk, bool limited) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!before(tp->snd_una, tp->cwnd_usage_seq) || limited ||
	    (!tp->is_cwnd_limited && tp->packets_out > tp->max_packets_out)) {
		tp->max_packets_out = tp->packets_out;
		tp->cwnd_usage_seq = tp->snd_nxt;
		tp->is_cwnd_limited = limited;
	}
	/* All is sent, the window has room, and a writer waits: what he waits for is the buffer. */
	if (!tcp_is_cwnd_limited(tp) && !tcp_send_head(sk) && sk->sk_socket &&
	    sock_flag(sk, SOCK_NOSPACE) &&
	    (sk->sk_state == TCP_ESTABLISHED || sk->sk_state == TCP_CLOSE_WAIT))
		tcp_chrono_start(tp, TCP_CHRONO_SNDBUF);
}

/*
 * Data goes out after a pause with nothing in flight. The algorithm's clock stood still meanwhile; and a queue that stood still
 * longer than one timeout must not burst (RFC 5681, 4.1): halve for each one.
 */
static void tcp_cwnd_resume(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 idle = ktime_get_ns() - tp->lsndtime_ns, rto = tcp_rto_ns(tp);
	u32 restart = min(tp->cc.cwnd, TCP_INIT_CWND);

	if (tp->packets_out || !tp->lsndtime_ns)
		return;
	if (tp->ca_ops->event)
		tp->ca_ops->event(&tp->cc, TCP_CA_EVENT_RESUME, idle / NSEC_PER_USEC);
	tp->lsndtime_ns += idle;   /* the pause is accounted for */
	if (tp->ca_ops->control) { /* its rate bounds the burst */
		tcp_update_pacing_rate(sk);
		return;
	}
	if (!tcp_net_of(sk)->slow_start_after_idle || idle <= rto)
		return;
	tp->cc.ssthresh = max(tp->cc.ssthresh, tp->cc.cwnd / 2 + tp->cc.cwnd / 4);
	for (u32 cwnd = tp->cc.cwnd; idle > rto && cwnd > restart; idle -= rto) {
		cwnd /= 2;
		tp->cc.cwnd = max(cwnd, restart);
	}
	tp->cc.cwnd_cnt = 0;
}

/* One pass over the write queue. */
struct tcp_pass {
	u32 mss, tso_segs, max_segs; /* of a packet; of the next one */
	u8 nonagle;
	enum tcp_push_one push_one;
	bool cwnd_limited, rwnd_limited;
	bool refused; /* by our own host: no memory, a full queue */
	bool held;    /* until the rate allows it */
	u32 sent;     /* segments */
};

/* The send head is many segments, but soon it could be more: worth waiting for the ACK that is on its way? */
static bool tcp_tso_should_defer(const struct sock *sk, const struct sk_buff *skb,
				 struct tcp_pass *p)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head = tcp_rtx_head(tp);
	u32 send_win = tcp_wnd_end(tp) - TCP_SKB_CB(skb)->seq;
	u32 cong_win = (tp->cc.cwnd - min(tp->cc.cwnd, tcp_packets_in_flight(tp))) * p->mss;
	u32 limit = min(send_win, cong_win), div = tcp_net_of(sk)->tso_win_divisor;
	u64 now = ktime_get_ns(), srtt_ns = (u64)tp->rtt.srtt8_us / 8 * NSEC_PER_USEC, due;

	if (tp->ca_state >= TCP_CA_Recovery || now - tp->lsndtime_ns > NSEC_PER_MSEC)
		return false; /* the clock must not stop */
	if (limit >= p->max_segs * p->mss)
		return false;
	if (skb_queue_next(&sk->sk_write_queue, skb) && limit >= skb->len)
		return false; /* it will not get larger */
	if (div ? limit >= min(tp->snd_wnd, tp->cc.cwnd * p->mss) / div : limit > 3 * p->mss)
		return false;
	if (!head)
		return false;
	due = head->tstamp_ns + srtt_ns;
	if (due > now && due - now > min(srtt_ns / 2, NSEC_PER_MSEC))
		return false; /* that ACK is far away */
	if (limit <= skb->len) {
		p->cwnd_limited |= cong_win < send_win;
		p->rwnd_limited |= cong_win >= send_win;
		return true;
	}
	return !(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) && !TCP_SKB_CB(skb)->eor;
}

/* Where the send head of many segments is cut: windows, whole segments, and no small rest that Nagle would hold. */
static u32 tcp_mss_split_point(const struct sock *sk, const struct sk_buff *skb,
			       const struct tcp_pass *p, u32 segs)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 window = tcp_wnd_end(tp) - TCP_SKB_CB(skb)->seq, most = p->mss * segs;
	u32 can = min(skb->len, window);
	bool last = !skb_queue_next(&sk->sk_write_queue, skb);

	if (most <= window && !last)
		return most;
	if (most <= can)
		return most;
	if (can % p->mss && tcp_nagle_holds(tp, last ? p->nonagle : TCP_NAGLE_PUSH))
		return can - can % p->mss;
	return can;
}

/* How many bytes of the send head may go now. 0: a gate is shut. */
static u32 tcp_gates(const struct sock *sk, const struct sk_buff *skb, struct tcp_pass *p)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool last = !skb_queue_next(&sk->sk_write_queue, skb);
	u32 quota = tcp_cwnd_quota(tp, skb);

	if (!quota && p->push_one != TCP_PUSH_PROBE) {
		p->cwnd_limited = true;
		return 0;
	}
	if (!tcp_snd_wnd_test(tp, skb, p->mss)) {
		p->rwnd_limited = true;
		return 0;
	}
	if (TCP_SKB_CB(skb)->segs == 1)
		return tcp_nagle_test(tp, skb, p->mss, last ? p->nonagle : TCP_NAGLE_PUSH) ? p->mss
											   : 0;
	if (p->push_one == TCP_PUSH_ALL && p->max_segs > 1 && tcp_tso_should_defer(sk, skb, p))
		return 0;
	return tcp_mss_split_point(sk, skb, p, min(max(quota, 1u), p->max_segs));
}

/* Sends the send head, or as much of it as may go. false: this pass is over. */
static bool tcp_xmit_head(struct sock *sk, struct tcp_pass *p) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_send_head(sk);
	bool cut, throttled;
	u32 limit;

	if (!skb)
		return false;
	p->held = tcp_paces_itself(sk) && tcp_pacing_holds(sk);
	if (p->held)
		return false;
	p->max_segs = tcp_burst_room(tp, p->tso_segs);
	tcp_set_segs(sk, skb, p->mss, false);
	limit = tcp_gates(sk, skb, p);
	if (!limit)
		return false;
	/* The FIN of many segments may lie beyond the window that their text just fills. */
	cut = skb->len > limit ||
	      (TCP_SKB_CB(skb)->segs > 1 && after(TCP_SKB_CB(skb)->end_seq, tcp_wnd_end(tp)));
	p->refused = cut &&
		     tcp_fragment(sk, &sk->sk_write_queue, skb, min(limit, skb->len), p->mss) != 0;
	if (p->refused || tcp_small_queue_check(sk, skb, 0))
		return false;
	if (TCP_SKB_CB(skb)->seq == TCP_SKB_CB(skb)->end_seq)
		return false; /* empty: its writer sleeps before the first byte */
	/* What is refused below is freed there: that is no completion, and who waits for one must not be sent on by it, for ever. */
	throttled = tp->tsq_throttled;
	tp->tsq_throttled = false;
	p->refused = tcp_transmit_skb(sk, skb, true) != 0;
	tp->tsq_throttled = throttled && sk->sk_wmem_alloc;
	if (p->refused)
		return false;
	tcp_event_new_data_sent(sk, skb);
	if (skb->len < TCP_SKB_CB(skb)->segs * p->mss)
		tp->snd_sml = TCP_SKB_CB(skb)->end_seq;
	p->sent += TCP_SKB_CB(skb)->segs;
	tcp_burst_sent(tp, TCP_SKB_CB(skb)->segs);
	return p->push_one == TCP_PUSH_ALL;
}

/*
 * Sends what the gates allow, in one BH-off section, so that the device's doorbell rings once for the whole flight.
 * Return: 0; when nothing is in flight though data waits, how long a timer must watch: a retransmission timeout for the
 * peer's window, less when it was our own host that refused.
 */
static u64 tcp_write_xmit(struct sock *sk, u32 mss_now, u8 nonagle, enum tcp_push_one push_one)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_pass p = { .mss = mss_now, .nonagle = nonagle, .push_one = push_one };

	trace_fn_sk(tcp_write_xmit, sk, mss_now);
	tcp_cwnd_resume(sk);
	p.tso_segs = tcp_tso_segs(sk, mss_now);
	while (tcp_xmit_head(sk, &p))
		;
	if (p.rwnd_limited)
		tcp_chrono_start(tp, TCP_CHRONO_RWND);
	else
		tcp_chrono_stop(sk, TCP_CHRONO_RWND);
	p.cwnd_limited |= tcp_packets_in_flight(tp) >= tp->cc.cwnd;
	if (p.sent || p.cwnd_limited)
		tcp_cwnd_validate(sk, p.cwnd_limited);
	if (p.sent && tcp_in_cwnd_reduction(tp))
		tp->prr.out += p.sent;
	if (p.sent && push_one != TCP_PUSH_PROBE && tp->pending != TCP_TIME_REFUSED)
		(void)tcp_schedule_loss_probe(sk, false);
	if (tp->burst && push_one == TCP_PUSH_ALL && !p.held && !p.refused && !tp->tsq_throttled &&
	    !tp->ca_ops->pacing_rate)
		tp->burst = 0; /* what the ACK allowed has left */
	if (tp->packets_out || !tcp_send_head(sk) || p.held)
		return 0;
	return p.refused ? min(tcp_rto_ns(tp), TCP_LOCAL_RETRY_NS)
			 : max(tcp_rto_ns(tp), TCP_RTO_MIN_NS);
}

/* A probe of the path's MTU leaves, if one is due. Return: the others may follow. */
static bool tcp_mtu_probe(struct sock *sk, u32 mss_now) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 size = tcp_mtup_build(sk, mss_now), nxt = tp->snd_nxt;

	if (size > mss_now) {
		(void)tcp_write_xmit(sk, size, TCP_NAGLE_PUSH, TCP_PUSH_ONE);
		if (tp->snd_nxt != nxt)
			tcp_mtup_sent(sk, size);
	}
	return size != 0;
}

/**
 * __tcp_push_pending_frames() - sends what windows and Nagle allow; a probe timer watches what cannot go
 * @sk: socket
 * @mss_now: segment size
 * @nonagle: enum tcp_nagle for the last, maybe small, segment
 *
 * Context: owner or softirq; BH is off inside.
 */
void __tcp_push_pending_frames(struct sock *sk, u32 mss_now, u8 nonagle)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 delay = 0;

	if (sk->sk_state == TCP_CLOSE || !tcp_send_head(sk))
		return;
	trace_fn_sk(tcp_push, sk, mss_now);
	local_bh_disable();
	if (likely(!tp->search_low) || tcp_mtu_probe(sk, mss_now))
		delay = tcp_write_xmit(sk, mss_now, nonagle, TCP_PUSH_ALL);
	if (delay && tp->pending == TCP_TIME_NONE)
		tcp_reset_xmit_timer(sk, TCP_TIME_PROBE0, delay);
	local_bh_enable();
}

/** tcp_push_pending_frames() - the same with the socket's own settings. Context: owner or softirq. */
void tcp_push_pending_frames(struct sock *sk)
{
	if (tcp_send_head(sk))
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), tcp_sk(sk)->nonagle);
}

/** tcp_push_one() - sends the one packet at the send head, if it may go. Context: owner or softirq. */
void tcp_push_one(struct sock *sk, u32 mss_now)
{
	trace_fn_sk(tcp_push_one, sk, mss_now);
	local_bh_disable();
	if (sk->sk_state != TCP_CLOSE && tcp_send_head(sk))
		(void)tcp_write_xmit(sk, mss_now, TCP_NAGLE_PUSH, TCP_PUSH_ONE);
	local_bh_enable();
}

/**
 * tcp_push_probe() - one segment of new data, whatever the congestion window says (RFC 8985, 7.3)
 *
 * Context: BH off. Return: 1 it is on its way; 0 it was refused below; -EAGAIN there is none that the peer's window allows.
 */
int tcp_push_probe(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = tcp_current_mss(sk), out = tp->packets_out;
	const struct sk_buff *skb = tcp_send_head(sk);

	if (!skb || !tcp_snd_wnd_test(tp, skb, mss))
		return -EAGAIN;
	(void)tcp_write_xmit(sk, mss, TCP_NAGLE_OFF, TCP_PUSH_PROBE);
	return tp->packets_out > out;
}
