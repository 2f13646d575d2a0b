// SPDX-License-Identifier: MIT
/*
 * Segments that TCP sends of its own accord: SYN, ACK, FIN, RST, probes; and what is set at a connection's start.
 *
 * Interface: tcp_send_ack, tcp_send_delayed_ack, tcp_send_challenge_ack, tcp_send_dupack, tcp_send_fin, tcp_send_owed_fin,
 * tcp_send_active_reset, tcp_connect, tcp_retry_syn, tcp_send_synack, tcp_write_wakeup, tcp_send_probe0, tcp_init_transfer,
 * tcp_init_rcv_space
 * Above: tcp_recovery.c and all further right. Below: tcp_retransmit.c, tcp_output.c.
 * Context: owner of the socket (BH is turned off here where needed), or softirq while nobody owns it.
 * Owns: nothing; SYN and FIN are originals on the socket's queues, the rest is handed to IP.
 * Specs: RFC 9293 3.5, 3.6, 3.8.6.1, 3.10; RFC 5961 7; RFC 6298 5.7; RFC 6928; RFC 7323 2.
 */
#include "tcp_internal.h"

#include <kernel/random.h>
#include <kernel/softirq.h>
#include <net/ip.h>

/**
 * tcp_init_rcv_space() - receive side before the handshake: MSS to announce, window, scale
 * @sk: socket with its route, if it has one
 * @wscale_ok: announce window scaling (RFC 7323, 2.2)
 *
 * Context: owner, BH off.
 */
void tcp_init_rcv_space(struct sock *sk, bool wscale_ok)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct dst_entry *dst = ip_sk_dst(sk);
	u32 mss = dst ? dst->advmss : TCP_MSS_DEFAULT;
	u8 scale;

	if (tp->user_mss)
		mss = min(mss, tp->user_mss);
	tp->advmss = (u16)min(mss, 65495u);
	tp->rcv_wnd = tcp_initial_window(sk, tp->advmss, &scale);
	tp->rcv_ssthresh = tp->rcv_wnd;
	tp->wscale_ok = wscale_ok;
	tp->rcv_wscale = wscale_ok ? scale : 0;
	tp->rcv_mss = min(tp->advmss, TCP_MSS_DEFAULT);
}

/**
 * tcp_init_transfer() - the handshake is complete: windows and buffers for data
 * @sk: socket; rcv_nxt, snd_una and the peer's MSS are known
 *
 * Ten segments to begin with (RFC 6928), one and a careful timeout when the SYN had to be sent twice (RFC 6298, 5.7).
 *
 * Context: BH off.
 */
void tcp_init_transfer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct dst_entry *dst = ip_sk_dst(sk);

	(void)tcp_sync_mss(sk, dst ? ip_dst_mtu_of(sk, dst)
				   : min(tp->mss_clamp + tcp_headers_len(tp), (u32)IP_MAX_MTU));
	tcp_mtu_probing(sk, 2);
	tcp_clear_retrans(tp);
	tcp_loss_init(sk);
	tp->cc = (struct tcp_cc){ .cwnd = tp->total_retrans ? 1 : TCP_INIT_CWND,
				  .ssthresh = TCP_INFINITE_SSTHRESH,
				  .clamp = UINT32_MAX };
	tp->ca_ops->init(&tp->cc);
	tp->backoff = 0;
	tp->retransmits = 0;
	tp->retrans_stamp_ns = 0;
	if (tp->total_retrans && !tp->rtt.srtt8_us)
		tp->rtt.rto_ns = TCP_TIMEOUT_FALLBACK_NS;
	tp->copied_seq = tp->rcv_nxt;
	tp->quick = 0;
	tp->ato_ns = 0;
	tp->snd_sml = tp->snd_una;
	tp->pushed_seq = tp->snd_una;
	tp->rcv_tstamp_ns = tp->lsndtime_ns = tp->lrcvtime_ns = ktime_get_ns();
	tp->cwnd_usage_seq = tp->snd_nxt;
	tcp_initialize_rcv_mss(tp);
	tcp_init_buffer_space(sk);
	tcp_sndbuf_expand(sk);
	tcp_update_pacing_rate(sk);
}

/** tcp_ctl_skb() - an skb without payload for a socket's queues. Context: any. Owns: the caller. Return: it; NULL without memory. */
struct sk_buff *tcp_ctl_skb(u32 seq, u8 flags)
{
	struct sk_buff *skb = alloc_skb_fclone(MAX_TCP_HEADER);
	struct tcp_skb_cb *cb;

	if (!skb)
		return NULL;
	skb_enter(skb, SKB_STAGE_SOCKET_OUT);
	skb_reserve(skb, MAX_TCP_HEADER);
	cb = TCP_SKB_CB(skb);
	*cb = (struct tcp_skb_cb){ .seq = seq, .segs = 1, .tcp_flags = flags };
	cb->end_seq = seq + !!(flags & TCPHDR_SYN) + !!(flags & TCPHDR_FIN);
	return skb;
}

/* SEG.SEQ of a segment without data: SND.NXT, but never beyond a window that was pulled back; by less than a unit of the scale is no pulling. */
static u32 tcp_acceptable_seq(const struct tcp_sock *tp)
{
	u32 beyond = tp->snd_nxt - tcp_wnd_end(tp);

	if (!before(tcp_wnd_end(tp), tp->snd_nxt) ||
	    (tp->wscale_ok && beyond < 1u << tp->rcv_wscale))
		return tp->snd_nxt;
	return tcp_wnd_end(tp);
}

/** tcp_send_ack() - <SEQ=SND.NXT><ACK=RCV.NXT>; without memory a timer tries again soon. Context: owner or softirq. */
void tcp_send_ack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	if (sk->sk_state == TCP_CLOSE)
		return;
	local_bh_disable();
	skb = tcp_ctl_skb(tcp_acceptable_seq(tp), TCPHDR_ACK);
	if (skb) {
		(void)tcp_transmit_skb(sk, skb, false);
	} else {
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_TIMER;
		tcp_reset_timer(sk, &tp->delack_timer, ktime_get_ns() + TCP_LOCAL_RETRY_NS);
	}
	local_bh_enable();
}

/* How long an ACK may wait: as long as it takes to catch the next segment, within bounds; about a round trip if that is known. */
static u64 tcp_delack_ns(const struct tcp_sock *tp)
{
	u64 ato = tp->ato_ns, most = 500ULL * NSEC_PER_MSEC;
	u64 rtt = max((u64)tp->rtt.srtt8_us / 8 * NSEC_PER_USEC, TCP_DELACK_MIN_NS);

	if (ato > TCP_DELACK_MIN_NS) {
		if (tp->pingpong || (tp->ack_pending & TCP_ACK_PUSHED))
			most = TCP_DELACK_MAX_NS;
		if (tp->rtt.srtt8_us)
			most = min(most, rtt);
		ato = min(ato, most);
	}
	return min(max(ato, (u64)TCP_DELACK_MIN_NS), (u64)TCP_DELACK_MAX_NS);
}

/**
 * tcp_send_delayed_ack() - an ACK within 40 to 200 ms, unless data takes it along (RFC 9293 MUST-40)
 *
 * One that waits already is not put off; if it would go very soon, it goes now.
 *
 * Context: owner or softirq.
 */
void tcp_send_delayed_ack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns(), delay = tcp_delack_ns(tp), at = now + delay;

	if ((tp->ack_pending & TCP_ACK_TIMER) && timer_pending(&tp->delack_timer)) {
		if (tp->delack_timer.expires_ns <= now + delay / 4) {
			tcp_send_ack(sk);
			return;
		}
		at = min(at, tp->delack_timer.expires_ns);
	}
	tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_TIMER;
	tcp_reset_timer(sk, &tp->delack_timer, at);
}

/* What came is out of place: this connection has not answered such a thing for tcp_invalid_ratelimit (RFC 5961, 7). Return: it may. */
static bool tcp_oow_may_answer(struct sock *sk, enum tcpext_mib skipped)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns();

	if (tp->oow_ns && now < tp->oow_ns + tcp_net_of(sk)->invalid_ratelimit * NSEC_PER_MSEC) {
		sk->sk_net->mib.tcpext[skipped]++;
		return false;
	}
	tp->oow_ns = now;
	return true;
}

/*
 * The host as a whole sends no more than so many a second. How many is drawn anew each second, from half the limit to one and a half: a
 * stranger who counts those that he gets learns nothing about how many others got (CVE-2016-5696).
 */
static bool tcp_challenge_budget(struct tcp_net *tn)
{
	u64 second = ktime_get_ns() / NSEC_PER_SEC;
	u32 limit = tn->challenge_ack_limit;

	if (limit == INT32_MAX)
		return true;
	if (tn->challenge_s != second + 1) { /* 0: never */
		tn->challenge_s = second + 1;
		tn->challenge_left = (limit + 1) / 2 + get_random_below(limit);
	}
	if (!tn->challenge_left)
		return false;
	tn->challenge_left--;
	return true;
}

/**
 * tcp_send_challenge_ack() - "say that again with the right numbers" (RFC 5961, 3-5)
 *
 * At most one per connection in tcp_invalid_ratelimit, and tcp_challenge_ack_limit of the host a second.
 *
 * Context: BH off.
 */
void tcp_send_challenge_ack(struct sock *sk)
{
	if (!tcp_oow_may_answer(sk, LINUX_MIB_TCPACKSkippedChallenge))
		return;
	if (!tcp_challenge_budget(tcp_net_of(sk))) {
		NET_INC_STATS(sk->sk_net, TCPACKSkippedChallenge);
		return;
	}
	NET_INC_STATS(sk->sk_net, TCPChallengeACK);
	tcp_send_ack(sk);
}

/**
 * tcp_send_dupack() - answers an unacceptable segment without text (RFC 9293, 3.10.7.4), one in tcp_invalid_ratelimit
 * @skipped: counts what gets no answer
 *
 * Context: BH off.
 */
void tcp_send_dupack(struct sock *sk, enum tcpext_mib skipped)
{
	if (tcp_oow_may_answer(sk, skipped))
		tcp_send_ack(sk);
}

/**
 * tcp_send_fin() - the application will send no more: FIN behind the last byte
 * @sk: socket, state already FIN_WAIT1 or LAST_ACK
 *
 * Rides on the last unsent segment if there is one. Without memory it rides on the last sent one and goes with its
 * retransmission; without that either, its number is taken and a timer makes it when there is memory. It never rides on
 * a SYN, whose acknowledgment would split the two: then tcp_rearm_rto() starts that timer when the SYN is acknowledged.
 *
 * Context: owner.
 */
void tcp_send_fin(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	bool sent_already = false;

	if (!skb) {
		skb = tcp_ctl_skb(tp->write_seq, TCPHDR_ACK);
		if (skb) {
			skb_queue_tail(&sk->sk_write_queue, skb);
			sk->sk_wmem_queued += skb->truesize;
		} else {
			skb = skb_peek_tail(&tp->tcp_rtx_queue);
			sent_already = true;
		}
	}
	tp->write_seq++;
	if (!skb) {
		local_bh_disable();
		tcp_owe_fin(sk);
		local_bh_enable();
		return;
	}
	if (sent_already && (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN))
		return;
	TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_FIN | TCPHDR_ACK;
	TCP_SKB_CB(skb)->end_seq++;
	if (sent_already)
		tp->snd_nxt++;
	__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
}

/**
 * tcp_send_owed_fin() - the FIN for which tcp_send_fin() found no memory; given up after TCP_FIN_RETRIES
 * @sk: socket in FIN_WAIT1, CLOSING or LAST_ACK; both queues are empty, write_seq counts the FIN already
 *
 * Context: BH off, softirq or release_sock().
 */
void tcp_send_owed_fin(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_ctl_skb(tp->write_seq - 1, TCPHDR_FIN | TCPHDR_ACK);

	BUG_ON(tcp_send_head(sk) || tp->packets_out);
	if (skb) {
		tp->probes_out = 0;
		skb_queue_tail(&sk->sk_write_queue, skb);
		sk->sk_wmem_queued += skb->truesize;
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
	} else if (++tp->probes_out < TCP_FIN_RETRIES) {
		tcp_reset_xmit_timer(sk, TCP_TIME_FIN, (u64)tp->probes_out * TCP_FIN_RETRY_NS);
	} else {
		NET_INC_STATS(sk->sk_net, TCPAbortOnMemory);
		tcp_abort_with(sk, ENOMEM);
	}
}

/** tcp_send_active_reset() - <SEQ=SND.NXT><CTL=RST,ACK>: we give the connection up. Context: owner or softirq. */
void tcp_send_active_reset(struct sock *sk)
{
	struct sk_buff *skb;

	TCP_INC_STATS(sk->sk_net, OutRsts);
	local_bh_disable();
	skb = tcp_ctl_skb(tcp_acceptable_seq(tcp_sk(sk)), TCPHDR_RST | TCPHDR_ACK);
	if (skb)
		(void)tcp_transmit_skb(sk, skb, false);
	else
		NET_INC_STATS(sk->sk_net, TCPAbortFailed);
	local_bh_enable();
}

/* Numbers and sizes before the SYN: nothing is known of the peer (RFC 9293, 3.10.1). */
static void tcp_connect_init(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->sack_ok = tcp_net_of(sk)->sack;
	tp->tstamp_ok = tcp_net_of(sk)->timestamps;
	tp->tsoffset = tcp_ts_offset(sk->sk_net, &sk->__sk_common);
	tp->syn_tsval = tcp_tsval(ktime_get_ns(), tp->tsoffset);
	tp->ts_recent = tp->ts_recent_secs = 0;
	tcp_init_rcv_space(sk, tcp_net_of(sk)->window_scaling);
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = 0;
	tp->snd_una = tp->snd_nxt = tp->snd_sml = tp->pushed_seq = tp->snd_up = tp->write_seq;
	tp->snd_wnd = tp->max_window = 0;
	tp->mss_clamp = tp->user_mss ? tp->user_mss : 65535;
	tcp_rtt_init(&tp->rtt);
}

/* The SYN is charged and waits for its ACK, but never stands on the write queue: it is sent by name. */
static void tcp_connect_queue_skb(struct sock *sk, struct sk_buff *skb) __needs(sk)
{
	tcp_sk(sk)->write_seq++;
	sk->sk_wmem_queued += skb->truesize;
	tcp_rtx_enqueue(sk, skb);
}

/*
 * The SYN with data (RFC 7413, 4.2.1): on the wire one segment; in the retransmit queue two, because what is sent again, after a loss
 * or when the server took the SYN only, are a plain SYN and plain data. Data that does not fit, or is refused below, waits in the write
 * queue. Return: the SYN is on its way.
 */
static bool tcp_send_syn_data(struct sock *sk, struct tcp_fastopen_request *fo)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *data = fo->data;
	struct tcp_skb_cb *cb = TCP_SKB_CB(data);
	u32 room = min(tp->advmss, fo->mss) - TCP_MAX_OPTIONS;
	bool sent = false;

	fo->data = NULL;
	*cb = (struct tcp_skb_cb){ .seq = tp->write_seq - 1,
				   .end_seq = tp->write_seq + data->len,
				   .segs = 1,
				   .tcp_flags = TCP_SKB_CB(tcp_rtx_head(tp))->tcp_flags };
	if (data->len <= room) {
		tp->fo_cookie = &fo->foc;
		sent = tcp_transmit_skb(sk, data, true) == 0;
		tp->fo_cookie = NULL;
	}
	cb->seq++;
	cb->tcp_flags = TCPHDR_ACK | TCPHDR_PSH;
	tp->write_seq += data->len;
	tp->pushed_seq = tp->write_seq;
	sk->sk_wmem_queued += data->truesize;
	tcp_chrono_start(tp, TCP_CHRONO_BUSY);
	if (!sent) {
		cb->segs = 0;
		skb_queue_tail(&sk->sk_write_queue, data);
		return false;
	}
	tp->syn_data = true;
	tcp_rtx_enqueue(sk, data);
	NET_INC_STATS(sk->sk_net, TCPOrigDataSent);
	return true;
}

/**
 * tcp_connect() - builds and sends the SYN
 * @sk: socket in SYN_SENT, identity and write_seq (the ISN) set
 *
 * The SYN stands on the retransmit queue like any segment. One that this host refuses has not been sent: the timer tries again
 * soon (tcp_retry_syn), and nothing is concluded about the path.
 *
 * Context: owner, BH off. Return: 0; -EHOSTUNREACH the route is gone; -ENOMEM.
 */
int tcp_connect(struct sock *sk, struct tcp_fastopen_request *fo)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	u32 syn_end;
	int err = 0;

	if (tp->icsk_af_ops->rebuild_header(sk))
		return -EHOSTUNREACH;
	tcp_connect_init(sk);
	skb = tcp_ctl_skb(tp->write_seq, TCPHDR_SYN | tcp_ecn_send_syn(sk));
	if (!skb)
		return -ENOMEM;
	tcp_connect_queue_skb(sk, skb);
	syn_end = tp->write_seq;
	if (fo)
		tp->fo_asked = fo->foc.there;
	if (!fo || !fo->data) {
		tp->fo_cookie = fo ? &fo->foc : NULL;
		err = tcp_transmit_skb(sk, skb, true);
		tp->fo_cookie = NULL;
	} else if (!tcp_send_syn_data(sk, fo)) {
		err = tcp_transmit_skb(sk, skb, true);
	}
	tp->snd_nxt = tp->syn_data ? tp->write_seq : syn_end;
	TCP_INC_STATS(sk->sk_net, ActiveOpens);
	tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, tcp_rto_ns(tp));
	if (tcp_no_room(err))
		tcp_retry_refused(sk);
	return 0;
}

/**
 * tcp_retry_syn() - the SYN that found no room in this host, for the first time on its way
 *
 * Context: BH off, softirq. Return: 0; a refusal of tcp_transmit_skb().
 */
int tcp_retry_syn(struct sock *sk)
{
	tcp_tsorted_sent(tcp_sk(sk), tcp_rtx_head(tcp_sk(sk)));
	return tcp_transmit_skb(sk, tcp_rtx_head(tcp_sk(sk)), true);
}

/**
 * tcp_send_synack() - simultaneous open: our SYN again, now with an ACK (RFC 9293, 3.5, figure 8)
 *
 * Context: BH off. Return: 0; -EINVAL no SYN waits (asserted); tcp_transmit_skb()'s refusal (the timer repeats it).
 */
int tcp_send_synack(struct sock *sk)
{
	struct sk_buff *skb = tcp_rtx_head(tcp_sk(sk));

	if (NEVER(!skb || !(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN)))
		return -EINVAL;
	TCP_SKB_CB(skb)->tcp_flags = TCPHDR_SYN | TCPHDR_ACK;
	if (tcp_sk(sk)->ecn_flags & TCP_ECN_OK)
		TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_ECE;
	tcp_tsorted_sent(tcp_sk(sk), skb);
	return tcp_transmit_skb(sk, skb, true);
}

/*
 * An empty segment with an old number, which must be answered. If something is urgent that the window does not let out, one with the next
 * number goes first and says so: the pointer is heard through a shut window (RFC 9293 MUST-66).
 */
static int tcp_xmit_probe(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	if (between(tp->snd_up, tp->snd_una + 1, tp->snd_una + 0xffff)) {
		skb = tcp_ctl_skb(tp->snd_una, TCPHDR_ACK);
		if (skb)
			(void)tcp_transmit_skb(sk, skb, false);
	}
	skb = tcp_ctl_skb(tp->snd_una - 1, TCPHDR_ACK);
	return skb ? tcp_transmit_skb(sk, skb, false) : -ENOBUFS;
}

/**
 * tcp_write_wakeup() - makes the peer tell its window
 * @sk: socket
 *
 * If the window has room, the next segment (cut to it) is sent although a gate held it; otherwise an empty segment
 * with an old sequence number, which must be answered.
 *
 * Context: BH off. Return: 0; -EINVAL the socket is closed; -ENOBUFS, -ENOMEM no memory for the probe or for the cut;
 * tcp_transmit_skb()'s refusal.
 */
int tcp_write_wakeup(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_send_head(sk);
	u32 mss = tcp_current_mss(sk), room;
	int err;

	if (sk->sk_state == TCP_CLOSE)
		return -EINVAL;
	if (!skb || !before(TCP_SKB_CB(skb)->seq, tcp_wnd_end(tp))) {
		return tcp_xmit_probe(sk);
	}
	room = min(tcp_wnd_end(tp) - TCP_SKB_CB(skb)->seq, mss);
	if ((skb->len > room || after(TCP_SKB_CB(skb)->end_seq, tcp_wnd_end(tp))) &&
	    tcp_fragment(sk, &sk->sk_write_queue, skb, min(room, skb->len), mss))
		return -ENOMEM;
	TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_PSH;
	tcp_set_segs(sk, skb, mss, false);
	if (TCP_SKB_CB(skb)->seq == TCP_SKB_CB(skb)->end_seq)
		return 0; /* still empty: its writer sleeps */
	err = tcp_transmit_skb(sk, skb, true);
	if (!err)
		tcp_event_new_data_sent(sk, skb);
	return err;
}

/** tcp_send_probe0() - one window probe and the time of the next (RFC 9293, 3.8.6.1). Context: BH off, softirq. */
void tcp_send_probe0(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 delay = TCP_RESOURCE_PROBE_NS;
	int err = tcp_write_wakeup(sk);

	if (tp->packets_out ||
	    !tcp_send_head(sk)) { /* the probe was data, and is watched as such */
		tp->probes_out = 0;
		return;
	}
	if (!tcp_no_room(
		    err)) { /* refused for good (no route, a filter) is as lost as on the way */
		if (!err)
			NET_INC_STATS(sk->sk_net, TCPWinProbe);
		if (tp->backoff < TCP_MAX_BACKOFF)
			tp->backoff++;
		if (tp->probes_out < UINT8_MAX)
			tp->probes_out++;
		delay = max(tcp_rto_ns(tp), TCP_RTO_MIN_NS);
	}
	tcp_reset_probe_timer(sk, delay);
}
