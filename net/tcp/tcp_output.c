// SPDX-License-Identifier: MIT
/*
 * Sending: from the write queue through the three gates (congestion window, peer's window, Nagle) to IP.
 *
 * The original stays with the socket until it is acknowledged; what goes down is a clone. An original moves from
 * sk_write_queue to tcp_rtx_queue only when the layers below accepted its clone.
 *
 * Interface: tcp_sync_mss, tcp_current_mss, tcp_space, tcp_full_space, tcp_select_window_size, tcp_enter_cwr,
 * tcp_transmit_skb, tcp_fragment, tcp_event_new_data_sent, __tcp_push_pending_frames, tcp_push_pending_frames,
 * tcp_push_one, tcp_retransmit_skb
 * Above: tcp_control.c, tcp_recovery.c, tcp_ack.c, tcp.c. Below: tcp_rtx_queue.c, <net/ip.h>.
 * Context: owner of the socket (these functions turn BH off), or softirq while nobody owns it.
 * Owns: nothing of its own; each clone belongs to IP and holds the socket until it is freed.
 * Specs: RFC 9293 3.7, 3.8; RFC 1122 4.2.3.3, 4.2.3.4; RFC 5681; RFC 7323 2; RFC 6691; Nagle as modified by Minshall.
 */
#include "tcp_internal.h"

#include <kernel/softirq.h>
#include <net/ip.h>

/**
 * tcp_sync_mss() - computes the segment size for a path MTU
 * @sk: socket
 * @pmtu: bytes of IP
 *
 * Never below 48 (a peer that announces less wants to make us work), never above half of the largest window the
 * peer offered, so that two segments fit (RFC 1122, 4.2.3.4).
 *
 * Context: owner or softirq. Return: payload bytes per segment.
 */
u32 tcp_sync_mss(struct sock *sk, u32 pmtu)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 mss, cutoff;

	if (tp->mtu_info)
		pmtu = min(pmtu, tp->mtu_info);
	mss = pmtu > IP_TCP_HDRS ? pmtu - IP_TCP_HDRS : 0;
	mss = min(mss, tp->mss_clamp);
	cutoff = tp->max_window > TCP_MSS_DEFAULT ? tp->max_window / 2 : tp->max_window;
	if (cutoff)
		mss = min(mss, cutoff);
	mss = max(mss, TCP_MIN_SND_MSS);
	tp->pmtu = pmtu;
	tp->mss_cache = mss;
	return mss;
}

/** tcp_current_mss() - segment size now; follows the route's MTU. Context: owner or softirq. Return: bytes. */
u32 tcp_current_mss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct dst_entry *dst = __sk_dst_check(sk);
	u32 mtu;

	if (!dst)
		return tp->mss_cache;
	mtu = tp->mtu_info ? min(dst->mtu, tp->mtu_info) : dst->mtu;
	return mtu == tp->pmtu ? tp->mss_cache : tcp_sync_mss(sk, mtu);
}

/* --- Receive window to announce ------------------------------------------------------------------------------------- */

/** tcp_full_space() - bytes of payload the receive buffer is good for: half, the rest is overhead. Context: any. Return: bytes. */
u32 tcp_full_space(const struct sock *sk)
{
	return min(sk->sk_rcvbuf / 2, tcp_sk(sk)->window_clamp);
}

/** tcp_space() - the same of what is free now. Context: any. Return: bytes. */
u32 tcp_space(const struct sock *sk)
{
	u32 used = sk->sk_rmem_alloc + sk->sk_backlog_len;

	return sk->sk_rcvbuf > used ? min((sk->sk_rcvbuf - used) / 2, tcp_sk(sk)->window_clamp) : 0;
}

/**
 * tcp_select_window_size() - window to announce now, before scaling
 *
 * Nothing below one segment or a sixteenth of the buffer (silly window avoidance, RFC 1122 4.2.3.3); small changes
 * are held back. The caller never moves the right edge left.
 *
 * Context: owner or softirq. Return: bytes.
 */
u32 tcp_select_window_size(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 full = tcp_full_space(sk), space = min(tcp_space(sk), full);
	u32 mss = min(tp->rcv_mss, full), win = tp->rcv_wnd;

	if (space < full / 16 || space < mss || mss == 0)
		return 0;
	if (tp->rcv_wscale)
		return ALIGN(space, 1u << tp->rcv_wscale);
	if (win > space || win + mss <= space)
		win = space / mss * mss;
	return win;
}

/* Chooses the window of an outgoing segment and remembers what was promised. Return: the 16 bits on the wire. */
static u16 tcp_select_window(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 old_win = tp->rcv_wnd, cur = tcp_receive_window(tp), win = tcp_select_window_size(sk);

	if (win < cur) { /* RFC 9293 SHLD-14: never shrink */
		if (win == 0)
			NET_INC_STATS(sk->sk_net, TCPWantZeroWindowAdv);
		win = ALIGN(cur, 1u << tp->rcv_wscale);
	}
	win = min(win, 65535u << tp->rcv_wscale);
	tp->rcv_wnd = win;
	tp->rcv_wup = tp->rcv_nxt;
	if (win == 0 && old_win)
		NET_INC_STATS(sk->sk_net, TCPToZeroWindowAdv);
	else if (win && old_win == 0)
		NET_INC_STATS(sk->sk_net, TCPFromZeroWindowAdv);
	return (u16)(win >> tp->rcv_wscale);
}

/* --- One segment -------------------------------------------------------------------------------------------------------- */

/**
 * tcp_enter_cwr() - our own queue is full: less in flight, once per window
 *
 * Context: owner or softirq.
 */
void tcp_enter_cwr(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ca_state >= TCP_CA_CWR)
		return;
	tp->cc.ssthresh = tp->ca_ops->ssthresh(&tp->cc, tp->packets_out);
	tp->cc.cwnd = min(tp->cc.cwnd, tp->cc.ssthresh);
	tp->cc.cwnd_cnt = 0;
	tp->ca_state = TCP_CA_CWR;
	tp->high_seq = tp->snd_nxt;
}

/* An ACK left: what was pending is done. */
static void tcp_event_ack_sent(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->quick)
		tp->quick--;
	tp->ack_pending = 0;
	tcp_stop_timer(sk, &tp->delack_timer);
}

static void tcp_event_sent(struct sock *sk, const struct tcp_skb_cb *cb, u32 len, u64 now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->segs_out++;
	if (after(cb->end_seq, tp->snd_nxt) || cb->seq == cb->end_seq)
		TCP_INC_STATS(sk->sk_net, OutSegs); /* RFC 4022: not what only repeats */
	if (cb->tcp_flags & TCPHDR_ACK)
		tcp_event_ack_sent(sk);
	if (!len)
		return;
	tp->data_segs_out++;
	tp->bytes_sent += len;
	/* We answer what we just received: a dialogue. */
	if (tp->lrcvtime_ns && now - tp->lrcvtime_ns < TCP_DELACK_MIN_NS)
		tp->pingpong = true;
	tp->lsndtime_ns = now;
}

/* The descriptor that goes down: a clone, or a copy while an earlier clone still uses the bytes. NULL without memory. */
static struct sk_buff *tcp_copy_for_xmit(struct sk_buff *orig)
{
	return skb_shared_data(orig) ? pskb_copy(orig, MAX_TCP_HEADER) : skb_clone(orig);
}

/**
 * tcp_transmit_skb() - header, options, checksum, IP
 * @sk: socket
 * @skb: data at the payload, control block filled
 * @clone_it: @skb stays with the caller and a clone goes; otherwise @skb is consumed
 *
 * Context: BH off. Return: 0 accepted; -ENOBUFS no memory for the clone; NET_XMIT_DROP (positive) refused by the
 * queue below (the congestion window is reduced); other -errno from IP.
 */
int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone_it)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb cb = *TCP_SKB_CB(skb);
	u64 now = ktime_get_ns();
	u32 len = skb->len;
	struct tcp_hdr_spec h = { .saddr = sk->inet_saddr,
				  .daddr = sk->sk_daddr,
				  .sport = htons(sk->sk_num),
				  .dport = sk->sk_dport,
				  .seq = cb.seq,
				  .flags = cb.tcp_flags };
	int err;

	trace_fn_tcp(tcp_transmit_skb, sk, skb, cb.seq, sk->sk_write_queue.qlen);
	skb->tstamp_ns = now;
	if (clone_it) {
		skb = tcp_copy_for_xmit(skb);
		if (!skb)
			return -ENOBUFS;
		skb->tstamp_ns = now;
		trace_at_tcp(tcp_clone, sk, skb, cb.seq, sk->sk_write_queue.qlen);
	}
	h.ack = cb.tcp_flags & TCPHDR_ACK ? tp->rcv_nxt : 0;
	if (cb.tcp_flags & TCPHDR_SYN) {
		bool ws = tp->wscale_ok;

		h.optlen = tcp_options_syn_len(ws);
		(void)tcp_options_build_syn(skb_push(skb, h.optlen), (u16)tp->advmss, ws,
					    tp->rcv_wscale);
		h.wnd = (u16)min(tp->rcv_wnd, 65535u); /* RFC 7323, 2.2: never scaled */
		tp->rcv_wup = tp->rcv_nxt;
	} else {
		h.wnd = tcp_select_window(sk);
	}
	tcp_push_header(skb, &h);
	skb->priority = sk->sk_priority;
	skb->mark = sk->sk_mark;
	if (tp->dst_confirm) {
		skb->dst_pending_confirm = 1;
		tp->dst_confirm = false;
	}
	skb_set_owner_w(skb, sk);
	tcp_event_sent(sk, &cb, len, now);
	err = ip_queue_xmit(sk, skb);
	if (err > 0) {
		tcp_enter_cwr(sk);
		if (err == NET_XMIT_CN)
			err = 0;
	}
	return err;
}

/**
 * tcp_fragment() - cuts an skb in two
 * @sk: socket
 * @q: the queue it stands on (write or retransmit)
 * @skb: keeps the first @len bytes
 * @len: 0 < len < skb->len
 *
 * FIN and PSH go with the second part, which stands right behind the first.
 *
 * Context: owner or softirq. Owns: @q, both parts. Return: 0, -ENOMEM (nothing changed).
 */
int tcp_fragment(struct sock *sk, struct sk_buff_head *q, struct sk_buff *skb, u32 len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb), *ncb;
	u32 rest = skb->len - len;
	struct sk_buff *nskb;

	BUG_ON(len == 0 || len >= skb->len);
	nskb = alloc_skb_fclone(MAX_TCP_HEADER + rest);
	if (!nskb)
		return -ENOMEM;
	skb_enter(nskb, SKB_STAGE_SOCKET_OUT);
	skb_reserve(nskb, MAX_TCP_HEADER);
	if (skb_copy_bits(skb, len, skb_put(nskb, rest), rest)) {
		consume_skb(nskb);
		return -ENOMEM;
	}
	ncb = TCP_SKB_CB(nskb);
	*ncb = *cb;
	ncb->seq = cb->seq + len;
	cb->end_seq = ncb->seq;
	cb->tcp_flags &= (u8) ~(TCPHDR_FIN | TCPHDR_PSH);
	nskb->tstamp_ns = skb->tstamp_ns;
	nskb->clone_of = skb->id;
	trace_at_tcp(tcp_fragment, sk, nskb, ncb->seq, q->qlen);
	skb_trim(skb, len);
	skb_queue_after(q, skb, nskb);
	sk->sk_wmem_queued += nskb->truesize;
	if (q == &tp->tcp_rtx_queue) { /* one more segment in flight, with the marks of the first */
		tp->packets_out += ncb->segs;
		if (ncb->sacked & TCPCB_LOST)
			tp->lost_out += ncb->segs;
		if (ncb->sacked & TCPCB_SACKED_RETRANS)
			tp->retrans_out += ncb->segs;
	}
	return 0;
}

/* --- The gates -------------------------------------------------------------------------------------------------------------- */

static bool tcp_cwnd_test(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	if ((TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) && skb->len == 0)
		return true; /* a lone FIN costs nothing */
	return tcp_packets_in_flight(tp) < tp->cc.cwnd;
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

/* Nagle: a small segment waits while an earlier small one is not acknowledged, or while corked. */
static bool tcp_nagle_test(const struct tcp_sock *tp, const struct sk_buff *skb, u32 mss,
			   u8 nonagle)
{
	bool small_out;

	testcase(skb->len == mss - 1);
	testcase(skb->len == mss);
	testcase(skb->len == mss + 1); /* cut by a smaller MSS since it was written */
	if ((nonagle & TCP_NAGLE_PUSH) || skb->len >= mss ||
	    (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN))
		return true;
	if (nonagle & TCP_NAGLE_CORK)
		return false;
	if ((nonagle & TCP_NAGLE_OFF) || !tp->packets_out)
		return true;
	small_out = after(tp->snd_sml, tp->snd_una) && !after(tp->snd_sml, tp->snd_nxt);
	return !small_out;
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
		NET_INC_STATS(sk->sk_net, TCPOrigDataSent);
	if (!prior || tp->pending != TCP_TIME_RETRANS)
		tcp_rearm_rto(sk);
}

/* How far the congestion window is used decides whether it may grow (RFC 7661's idea, RFC 5681 3.1). */
static void tcp_cwnd_validate(struct tcp_sock *tp, bool limited)
{
	if (!before(tp->snd_una, tp->cwnd_usage_seq) || tp->packets_out > tp->max_packets_out ||
	    limited) {
		tp->max_packets_out = tp->packets_out;
		tp->cwnd_usage_seq = tp->snd_nxt;
		tp->is_cwnd_limited = limited;
	}
}

/* A queue that stood still longer than one timeout must not burst (RFC 5681, 4.1): halve for each one. */
static void tcp_slow_start_after_idle(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 idle = ktime_get_ns() - tp->lsndtime_ns, rto = tcp_rto_ns(tp);
	u32 restart = min(tp->cc.cwnd, TCP_INIT_CWND);

	if (tp->packets_out || !tp->lsndtime_ns || !tcp_net_of(sk)->slow_start_after_idle ||
	    idle <= rto)
		return;
	tp->cc.ssthresh = max(tp->cc.ssthresh, tp->cc.cwnd / 2 + tp->cc.cwnd / 4);
	for (u32 cwnd = tp->cc.cwnd; idle > rto && cwnd > restart; idle -= rto) {
		cwnd /= 2;
		tp->cc.cwnd = max(cwnd, restart);
	}
	tp->cc.cwnd_cnt = 0;
	tp->lsndtime_ns = ktime_get_ns();
}

/*
 * Sends what the gates allow. @push_one: at most one segment. Runs in one BH-off section, so that the device's
 * doorbell rings once for the whole flight. Return: 0; when nothing is in flight though data waits, how long a timer
 * must watch: a retransmission timeout for the peer's window, less when it was our own host that refused.
 */
static u64 tcp_write_xmit(struct sock *sk, u32 mss_now, u8 nonagle, bool push_one)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	bool cwnd_limited = false, refused = false;
	u32 sent = 0;

	trace_fn_sk(tcp_write_xmit, sk, mss_now);
	tcp_slow_start_after_idle(sk);
	while ((skb = tcp_send_head(sk))) {
		bool last = !skb_queue_next(&sk->sk_write_queue, skb);

		if (!tcp_cwnd_test(tp, skb)) {
			cwnd_limited = true;
			break;
		}
		if (!tcp_snd_wnd_test(tp, skb, mss_now))
			break;
		if (!tcp_nagle_test(tp, skb, mss_now, last ? nonagle : TCP_NAGLE_PUSH))
			break;
		refused = skb->len > mss_now &&
			  tcp_fragment(sk, &sk->sk_write_queue, skb, mss_now) != 0;
		if (refused || TCP_SKB_CB(skb)->seq == TCP_SKB_CB(skb)->end_seq)
			break; /* empty: its writer sleeps before the first byte */
		TCP_SKB_CB(skb)->segs = 1;
		refused = tcp_transmit_skb(sk, skb, true) != 0;
		if (refused)
			break;
		tcp_event_new_data_sent(sk, skb);
		if (skb->len < mss_now)
			tp->snd_sml = TCP_SKB_CB(skb)->end_seq;
		sent++;
		if (push_one)
			break;
	}
	if (sent || cwnd_limited)
		tcp_cwnd_validate(tp, cwnd_limited);
	if (tp->packets_out || !tcp_send_head(sk))
		return 0;
	return refused ? min(tcp_rto_ns(tp), TCP_LOCAL_RETRY_NS)
		       : max(tcp_rto_ns(tp), TCP_RTO_MIN_NS);
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
	u64 delay;

	if (sk->sk_state == TCP_CLOSE || !tcp_send_head(sk))
		return;
	trace_fn_sk(tcp_push, sk, mss_now);
	local_bh_disable();
	delay = tcp_write_xmit(sk, mss_now, nonagle, false);
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

/** tcp_push_one() - sends the one segment at the send head, if it may go. Context: owner or softirq. */
void tcp_push_one(struct sock *sk, u32 mss_now)
{
	trace_fn_sk(tcp_push_one, sk, mss_now);
	local_bh_disable();
	if (sk->sk_state != TCP_CLOSE && tcp_send_head(sk))
		(void)tcp_write_xmit(sk, mss_now, TCP_NAGLE_PUSH, true);
	local_bh_enable();
}

/* --- Again ---------------------------------------------------------------------------------------------------------------------- */

/* Cuts what snd_una covers off the front of the retransmit queue's head. Return: false without memory. */
static bool tcp_rtx_trim_head(struct tcp_sock *tp, struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 n = tp->snd_una - cb->seq;

	if (!after(tp->snd_una, cb->seq))
		return true;
	BUG_ON(n > skb->len || (cb->tcp_flags & TCPHDR_SYN));
	if (!skb_pull(skb, n))
		return false;
	cb->seq += n;
	return true;
}

/**
 * tcp_retransmit_skb() - sends one skb of the retransmit queue again
 * @sk: socket
 * @skb: on tcp_rtx_queue, where it stays
 *
 * What a smaller MSS cannot carry is cut first; nothing but the first unacknowledged octet goes beyond a window
 * that was pulled back (RFC 9293, 3.8.6). The segment is marked: its ACK gives no RTT sample.
 *
 * Context: BH off. Return: 0; -EAGAIN outside the window; -ENOMEM, or tcp_transmit_skb()'s refusal.
 */
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 mss = tcp_current_mss(sk);
	u64 sent_ns;
	int err;

	trace_fn_tcp(tcp_retransmit_skb, sk, skb, cb->seq, tp->tcp_rtx_queue.qlen);
	if (!tcp_rtx_trim_head(tp, skb))
		return -ENOMEM;
	if (!before(cb->seq, tcp_wnd_end(tp)) && cb->seq != tp->snd_una)
		return -EAGAIN;
	if (skb->len > mss && tcp_fragment(sk, &tp->tcp_rtx_queue, skb, mss))
		return -ENOMEM;
	sent_ns = skb->tstamp_ns;
	err = tcp_transmit_skb(sk, skb, true);
	TCP_INC_STATS(sk->sk_net, RetransSegs);
	if (err) {
		skb->tstamp_ns = sent_ns; /* the copy that left is the one an ACK measures */
		NET_INC_STATS(sk->sk_net, TCPRetransFail);
		return err;
	}
	if (cb->tcp_flags & TCPHDR_SYN)
		NET_INC_STATS(sk->sk_net, TCPSynRetrans);
	if (cb->sacked & TCPCB_SACKED_RETRANS)
		NET_INC_STATS(sk->sk_net, TCPLostRetransmit);
	else
		tp->retrans_out += cb->segs;
	cb->sacked |= TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS;
	tp->total_retrans++;
	tp->bytes_retrans += skb->len;
	if (!tp->retrans_stamp_ns)
		tp->retrans_stamp_ns = ktime_get_ns();
	return 0;
}
