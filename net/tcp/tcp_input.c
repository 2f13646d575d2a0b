// SPDX-License-Identifier: MIT
/*
 * Segment arrives: RFC 9293, 3.10.7, one function per numbered step.
 *
 * A step says STEP_NEXT, or why the segment goes no further. The segment's fields travel in one const struct tcp_seg.
 *
 * Interface: tcp_rcv_state_process
 * Above: tcp_ipv4.c. Below: tcp_data.c, tcp_ack.c, tcp_minisocks.c, tcp_control.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it. The caller holds a reference.
 * Owns: the segment until it is queued or freed.
 * Specs: RFC 9293 3.10.7.3, 3.10.7.4; RFC 5961 3-5; RFC 7323 2, 4.3, 5.
 */
#include "tcp_internal.h"

/* Beyond the drop reasons: what else a step can say. */
enum tcp_step { STEP_NEXT = NR_DROP_REASONS, STEP_CONSUMED };

/* The peer ends the connection: which error the application sees (RFC 9293, 3.10.7.4, second). */
static void tcp_reset(struct sock *sk) __needs(softirq_ctx, sk)
{
	int err = ECONNRESET;

	if (sk->sk_state == TCP_SYN_RECV)
		tcp_fastopen_was_reset(sk);
	if (sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV)
		err = ECONNREFUSED;
	else if (sk->sk_state == TCP_CLOSE_WAIT)
		err = EPIPE;
	tcp_abort_with(sk, err);
}

/* What the peer announced in its SYN. */
static void tcp_apply_syn_options(struct tcp_sock *tp, const struct tcp_options *opt)
{
	u32 mss = opt->mss ? opt->mss : TCP_MSS_DEFAULT;

	tp->mss_clamp = (u16)min(tp->mss_clamp, mss);
	tp->sack_ok &= opt->sack_ok;
	tp->tstamp_ok &= opt->tstamp_ok;
	if (tp->tstamp_ok)
		tcp_store_ts_recent(tp, opt->tsval);
	if (tp->wscale_ok && opt->wscale_ok) {
		tp->snd_wscale = opt->wscale;
		return;
	}
	tp->wscale_ok = false;
	tp->snd_wscale = 0;
	tp->rcv_wscale = 0;
	tp->window_clamp = min(tp->window_clamp, 65535u);
}

/* SYN-SENT and the SYN is good: numbers of the peer. */
static void tcp_synsent_numbers(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = seg->seq + 1;
	tp->snd_wl1 = seg->seq - 1; /* so that this segment sets the window */
	tcp_apply_syn_options(tp, &seg->opt);
}

/* The handshake is complete on a socket that connect() made. */
static void tcp_finish_connect(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_set_state(sk, TCP_ESTABLISHED);
	tcp_init_transfer(sk);
	if (sock_flag(sk, SOCK_KEEPOPEN)) {
		tp->keepalive_sent = 0;
		tcp_reset_timer(sk, &tp->keepalive_timer,
				ktime_get_ns() + (u64)(tp->keepalive_time
							       ? tp->keepalive_time
							       : tcp_net_of(sk)->keepalive_time) *
							 NSEC_PER_SEC);
	}
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
}

/* The SYN timed out and with it the data it carried: nothing is known of a loss of data yet, and the SYN-ACK says what arrived. */
static void tcp_forget_syn_loss(struct tcp_sock *tp)
{
	struct sk_buff *skb;

	tcp_clear_retrans(tp);
	tp->ca_state = TCP_CA_Open;
	skb_queue_walk(&tp->tcp_rtx_queue, skb)
		TCP_SKB_CB(skb)->sacked &= TCPCB_EVER_RETRANS;
}

/*
 * The SYN-ACK answers a SYN with Fast Open's option: its cookie is kept, and data that it did not acknowledge goes again now (RFC 7413,
 * 4.2.1). Return: it does, so no bare ACK is due.
 */
static bool tcp_rcv_fastopen_synack(struct sock *sk, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_net *tn = tcp_net_of(sk);
	struct sk_buff *data = tcp_rtx_head(tp);

	if (tp->fo_asked)
		tcp_fastopen_learn(tn, sk->sk_daddr, seg->opt.mss, &seg->opt.foc);
	/* Only a SYN without the option was answered: the ones with it do not come through. */
	if (tp->fo_asked && tp->total_retrans && !seg->opt.foc.there && (data || !tp->syn_data))
		tcp_fastopen_lost(tn, sk->sk_daddr);
	if (data) {
		tp->fo_fail = tp->total_retrans ? TFO_FAIL_SYN_AGAIN : TFO_FAIL_DATA_NOT_ACKED;
		NET_INC_STATS(sk->sk_net, TCPFastOpenActiveFail);
		tcp_mark_lost(sk, data);
		return tcp_retransmit_skb(sk, data, 1) == 0;
	}
	tp->syn_data_acked = tp->syn_data;
	if (tp->syn_data)
		NET_INC_STATS(sk->sk_net, TCPFastOpenActive);
	return false;
}

/* What comes in SYN-SENT is older than our SYN, or the SYN of an older connection (RFC 7323, 3.2 and 5.3). Return: why it is dropped. */
static int tcp_synsent_tstamp(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 now = tcp_tsval(ktime_get_ns(), tp->tsoffset);

	if (!tp->tstamp_ok || !seg->opt.tstamp_ok || !(seg->flags & TCPHDR_ACK) ||
	    !seg->opt.tsecr || between(seg->opt.tsecr, tp->syn_tsval, now))
		return STEP_NEXT;
	NET_INC_STATS(sk->sk_net, PAWSActive);
	tcp_v4_send_reset(sk->sk_net, skb, seg);
	return SKB_DROP_REASON_TCP_PAWS;
}

/*
 * The peer speaks of a connection that it still has and we forgot (RFC 9293, 3.5.1, half-open). Our RST ends it, so the SYN, which it did not
 * take, need not wait out its second; once, for whoever guesses may say so too.
 */
static void tcp_synsent_half_open(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->retransmits && tp->pending == TCP_TIME_RETRANS)
		tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, TCP_TIMEOUT_MIN_NS);
}

/* RFC 9293, 3.10.7.3. Return: reason of the drop (the segment never carries on: text on a SYN is sent again). */
static int tcp_rcv_synsent(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int r;

	if ((seg->flags & TCPHDR_ACK) &&
	    (!after(seg->ack, tp->snd_una) || after(seg->ack, tp->snd_nxt))) {
		tcp_v4_send_reset(sk->sk_net, skb, seg);
		tcp_synsent_half_open(sk);
		return SKB_DROP_REASON_TCP_INVALID_ACK;
	}
	r = tcp_synsent_tstamp(sk, skb, seg);
	if (r != STEP_NEXT)
		return r;
	if (seg->flags & TCPHDR_RST) {
		if (seg->flags & TCPHDR_ACK)
			tcp_reset(sk);
		return SKB_DROP_REASON_TCP_RESET;
	}
	if (!(seg->flags & TCPHDR_SYN))
		return SKB_DROP_REASON_TCP_FLAGS;
	tcp_synsent_numbers(tp, seg);
	if (!(seg->flags & TCPHDR_ACK)) { /* simultaneous open */
		tp->snd_wnd = seg->wnd;
		tp->max_window = seg->wnd;
		tp->snd_wl1 = seg->seq;
		tp->snd_wl2 = tp->snd_una;
		tcp_ecn_rcv_syn(tp, seg);
		tcp_set_state(sk, TCP_SYN_RECV);
		(void)tcp_send_synack(sk);
		return STEP_CONSUMED;
	}
	tcp_ecn_rcv_synack(tp, seg);
	if (tp->syn_data)
		tcp_forget_syn_loss(tp);
	(void)tcp_ack(sk, seg);
	tcp_finish_connect(sk);
	if ((tp->fo_asked || tp->syn_data) && tcp_rcv_fastopen_synack(sk, seg))
		return STEP_CONSUMED;
	if (tp->defer_accept) { /* text will follow at once, and take the ACK along */
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_TIMER;
		tcp_reset_timer(sk, &tp->delack_timer, ktime_get_ns() + TCP_DELACK_MAX_NS);
	} else {
		tcp_send_ack(sk);
	}
	return STEP_CONSUMED;
}

/*
 * The answer to a segment that is not ours, or no longer: where we are. Text was sent again because an ACK of ours was lost; the rest
 * may be one half of a loop, so it is limited.
 */
static void tcp_answer_unacceptable(struct sock *sk, const struct tcp_seg *seg,
				    enum tcpext_mib skipped) __needs(softirq_ctx, sk)
{
	u32 rcv_nxt = tcp_sk(sk)->rcv_nxt;

	if (seg->flags & TCPHDR_SYN) { /* nothing of this connection's: no D-SACK (RFC 5961, 4) */
		NET_INC_STATS(sk->sk_net, TCPSYNChallenge);
		tcp_send_challenge_ack(sk);
	} else if (seg->end_seq != seg->seq) {
		if (before(seg->seq, rcv_nxt)) {
			NET_INC_STATS(sk->sk_net, DelayedACKLost);
			tcp_enter_quickack(sk);
			tcp_dsack_set(sk, seg->seq,
				      after(seg->end_seq, rcv_nxt) ? rcv_nxt : seg->end_seq);
		}
		tcp_send_ack(sk);
	} else {
		tcp_send_dupack(sk, skipped);
	}
}

/* Nothing new in a bare ACK that was overtaken by others of about its age: not worth an answer, and no harm (RFC 7323, 5.3 R1's purpose). */
static bool tcp_disordered_ack(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	u32 wnd = (u32)seg->wnd << tp->snd_wscale;

	return (seg->flags & (TCPHDR_ACK | TCPHDR_SYN | TCPHDR_FIN | TCPHDR_RST)) == TCPHDR_ACK &&
	       !seg->len && seg->seq == tp->rcv_nxt && seg->ack == tp->snd_una &&
	       !tcp_may_update_window(tp, seg, wnd) &&
	       tcp_paws_ok(tp->ts_recent, tp->ts_recent_secs, seg->opt.tsval,
			   (u32)min(tcp_rto_ns(tp) / NSEC_PER_MSEC, (u64)INT32_MAX));
}

/* Before the first, RFC 7323 5.3 R1: a timestamp from before the wrap of the sequence numbers. Never of a RST (5.2). */
static int tcp_step0_paws(struct sock *sk, const struct tcp_seg *seg) __needs(softirq_ctx, sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->tstamp_ok || !seg->opt.tstamp_ok || (seg->flags & TCPHDR_RST) ||
	    tcp_paws_ok(tp->ts_recent, tp->ts_recent_secs, seg->opt.tsval, TCP_PAWS_SLACK) ||
	    tcp_disordered_ack(tp, seg))
		return STEP_NEXT;
	if ((seg->flags & (TCPHDR_ACK | TCPHDR_SYN)) == TCPHDR_ACK && seg->end_seq == seg->seq &&
	    before(seg->seq, tp->rcv_nxt)) { /* overtaken on the way: no news for its sender */
		NET_INC_STATS(sk->sk_net, PAWSOldAck);
		return SKB_DROP_REASON_TCP_PAWS;
	}
	if (!(seg->flags & TCPHDR_SYN))
		NET_INC_STATS(sk->sk_net, PAWSEstab);
	tcp_answer_unacceptable(sk, seg, LINUX_MIB_TCPACKSkippedPAWS);
	return SKB_DROP_REASON_TCP_PAWS;
}

/* Some hosts that have sent their FIN reset with the number before it: that is exact, too. */
static bool tcp_rst_before_fin(const struct sock *sk, const struct tcp_seg *seg)
{
	return seg->seq + 1 == tcp_sk(sk)->rcv_nxt &&
	       (sk->sk_state == TCP_CLOSE_WAIT || sk->sk_state == TCP_LAST_ACK ||
		sk->sk_state == TCP_CLOSING);
}

/* What was lost on the way does not make a RST wrong: whoever knows what we told by SACK last knows as much as RCV.NXT (RFC 5961, 3 meant). */
static bool tcp_rst_behind_sack(const struct tcp_sock *tp, const struct tcp_seg *seg)
{
	const struct sk_buff *last = skb_peek_tail(&tp->out_of_order_queue);

	return tp->sack_ok && last && seg->seq == TCP_SKB_CB(last)->end_seq;
}

/* First: the sequence number. A segment that ends before what we acknowledged last, or begins behind the window, is not ours. */
static int tcp_step1_sequence(struct sock *sk, const struct tcp_seg *seg) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 right = tp->rcv_nxt + tcp_receive_window(tp);

	testcase(right == tp->rcv_nxt); /* a window of zero */
	testcase(right < tp->rcv_nxt);  /* the numbers wrap in the window */
	testcase(seg->end_seq == tp->rcv_wup);
	testcase(seg->end_seq == tp->rcv_wup - 1);
	testcase(seg->seq == right);
	testcase(seg->seq == right + 1);
	if (!before(seg->end_seq, tp->rcv_wup) && !after(seg->seq, right))
		return STEP_NEXT;
	if ((seg->flags & TCPHDR_RST) && tcp_rst_before_fin(sk, seg))
		return STEP_NEXT;
	if (seg->flags & TCPHDR_RST)
		return SKB_DROP_REASON_TCP_INVALID_SEQUENCE;
	tcp_answer_unacceptable(sk, seg, LINUX_MIB_TCPACKSkippedSeq);
	return before(seg->end_seq, tp->rcv_wup) && seg->len ? SKB_DROP_REASON_TCP_OLD_DATA
							     : SKB_DROP_REASON_TCP_INVALID_SEQUENCE;
}

/* Second: RST. Only an exact number counts; another one in the window is asked back (RFC 5961, 3). */
static int tcp_step2_rst(struct sock *sk, const struct tcp_seg *seg) __needs(softirq_ctx, sk)
{
	if (!(seg->flags & TCPHDR_RST))
		return STEP_NEXT;
	if (seg->seq == tcp_sk(sk)->rcv_nxt || tcp_rst_before_fin(sk, seg) ||
	    tcp_rst_behind_sack(tcp_sk(sk), seg))
		tcp_reset(sk);
	else
		tcp_send_challenge_ack(sk);
	return SKB_DROP_REASON_TCP_RESET;
}

/* Third: security and compartment: no such option is carried (RFC 9293, A.1). */

/* Fourth: SYN. In a synchronised state it is asked back (RFC 5961, 4); in SYN-RECEIVED the other half of a simultaneous open. */
static int tcp_step4_syn(struct sock *sk, const struct tcp_seg *seg) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(seg->flags & TCPHDR_SYN))
		return STEP_NEXT;
	if (sk->sk_state == TCP_SYN_RECV && (seg->flags & TCPHDR_ACK) &&
	    seg->seq + 1 == tp->rcv_nxt && seg->ack == tp->snd_nxt)
		return STEP_NEXT;
	NET_INC_STATS(sk->sk_net, TCPSYNChallenge);
	tcp_send_challenge_ack(sk);
	return SKB_DROP_REASON_TCP_INVALID_SYN;
}

/* Fifth, SYN-RECEIVED: the ACK of our SYN completes the handshake. */
static int tcp_step5_syn_recv(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool ok = tp->packets_out ? after(seg->ack, tp->snd_una) : !before(seg->ack, tp->snd_una);

	if (!ok || after(seg->ack, tp->snd_nxt)) {
		tcp_v4_send_reset(sk->sk_net, skb, seg);
		return SKB_DROP_REASON_TCP_INVALID_ACK;
	}
	tp->snd_wl1 = seg->seq - 1;
	(void)tcp_ack(sk, seg);
	if (tp->fo_child) { /* it has been at work since its SYN */
		tcp_set_state(sk, TCP_ESTABLISHED);
		if (!sock_flag(sk, SOCK_DEAD))
			sk->sk_state_change(sk);
		return STEP_NEXT;
	}
	tcp_finish_connect(sk);
	if (tp->listener)
		tcp_child_established(sk);
	return STEP_NEXT;
}

/* Fifth, after our FIN: it is acknowledged. */
static int tcp_step5_fin_acked(struct sock *sk, const struct tcp_seg *seg) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	switch (sk->sk_state) {
	case TCP_FIN_WAIT1:
		tcp_set_state(sk, TCP_FIN_WAIT2);
		sk->sk_shutdown |= SEND_SHUTDOWN;
		if (!sock_flag(sk, SOCK_DEAD)) {
			sk->sk_state_change(sk); /* close() may linger */
		} else if (tp->linger2 < 0) {
			tcp_done(sk);
			return STEP_CONSUMED;
		} else if (seg->end_seq == seg->seq && skb_queue_empty(&tp->out_of_order_queue)) {
			tcp_fin_wait2_orphan(sk);
			return STEP_CONSUMED;
		} else { /* it brings the FIN, perhaps, or text that ends all */
			tcp_reset_timer(sk, &tp->keepalive_timer,
					ktime_get_ns() + tcp_fin_time_ns(sk));
		}
		return STEP_NEXT;
	case TCP_CLOSING:
		tcp_time_wait(sk, TCP_TIME_WAIT, 0);
		return STEP_CONSUMED;
	case TCP_LAST_ACK:
		tcp_done(sk);
		return STEP_CONSUMED;
	default:
		return STEP_NEXT;
	}
}

/* Fifth: the ACK field. */
static int tcp_step5_ack(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(seg->flags & TCPHDR_ACK))
		return SKB_DROP_REASON_TCP_FLAGS;
	if (between(seg->ack, tcp_oldest_ack(tp), tp->snd_nxt))
		tcp_replace_ts_recent(tp, seg);
	if (sk->sk_state == TCP_SYN_RECV) {
		int r = tcp_step5_syn_recv(sk, skb, seg);

		if (r != STEP_NEXT)
			return r;
	} else if (tcp_ack(sk, seg) < 0) {
		return before(seg->ack, tp->snd_una) ? SKB_DROP_REASON_TCP_OLD_ACK
						     : SKB_DROP_REASON_TCP_ACK_UNSENT_DATA;
	}
	if (tp->snd_una == tp->write_seq)
		return tcp_step5_fin_acked(sk, seg);
	return STEP_NEXT;
}

/* Sixth: URG is tcp_urg.c's. */

/* Seventh: the segment text. */
static int tcp_step7_text(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool fin_wait = sk->sk_state == TCP_FIN_WAIT1 || sk->sk_state == TCP_FIN_WAIT2;
	u32 right = tp->rcv_nxt + tcp_receive_window(tp);

	if (seg->end_seq == seg->seq) {
		if (sk->sk_state == TCP_ESTABLISHED || fin_wait)
			tcp_urg(sk, skb, seg);
		return STEP_CONSUMED;
	}
	if (sk->sk_state != TCP_ESTABLISHED && !fin_wait) {
		if (seg->seq == right)
			tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW; /* it is outside */
		if (!before(seg->seq, tp->rcv_nxt))
			return STEP_CONSUMED; /* behind the peer's FIN there is no text */
		/* The FIN or text again: our ACK was lost, and without another one the peer repeats it till it gives up. */
		tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
		NET_INC_STATS(sk->sk_net, DelayedACKLost);
		tcp_dsack_set(sk, seg->seq,
			      after(seg->end_seq, tp->rcv_nxt) ? tp->rcv_nxt : seg->end_seq);
		return SKB_DROP_REASON_TCP_OLD_DATA;
	}
	tcp_urg(sk, skb, seg);
	if (fin_wait && (sk->sk_shutdown & RCV_SHUTDOWN) &&
	    after(seg->seq + seg->len, tp->rcv_nxt) &&
	    (seg->seq != right || right == tp->rcv_nxt)) {
		/* Nobody will ever read it, nor what is missing before a FIN that came too early: say so (RFC 9293 SHLD-3, RFC 2525 2.17). */
		NET_INC_STATS(sk->sk_net, TCPAbortOnData);
		tcp_v4_send_reset(sk->sk_net, skb, seg);
		tcp_abort_with(sk, ECONNRESET);
		return SKB_DROP_REASON_TCP_ABORT;
	}
	tcp_ecn_rcv_cwr(tp, seg);
	tcp_ecn_rcv_mark(tp, seg);
	tcp_data_queue(sk, skb, seg);
	return STEP_NEXT;
}

/* Eighth: RCV.NXT passed the peer's FIN. */
static void tcp_step8_fin(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->fin_rcvd || sock_flag(sk, SOCK_DONE))
		return;
	sk->sk_shutdown |= RCV_SHUTDOWN;
	sock_set_flag(sk, SOCK_DONE);
	tcp_index_purge(&tp->ofo_index, &tp->out_of_order_queue, SKB_DROP_REASON_TCP_OVERWINDOW);
	tp->num_sacks = 0; /* what came twice is told all the same */
	tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_NOW;
	switch (sk->sk_state) {
	case TCP_ESTABLISHED:
		tcp_set_state(sk, TCP_CLOSE_WAIT);
		break;
	case TCP_FIN_WAIT1: /* simultaneous close */
		tcp_set_state(sk, TCP_CLOSING);
		break;
	case TCP_FIN_WAIT2:
		tcp_send_ack(sk);
		tcp_time_wait(sk, TCP_TIME_WAIT, 0);
		return; /* it has woken the waiters */
	default:
		BUG();
	}
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
}

/* Steps one to six for every state but CLOSED, LISTEN and SYN-SENT. */
static int tcp_steps(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	int r;

	/* Our SYN-ACK did not arrive: to the peer, which asks again without its data, that is all there is to say. */
	if (sk->sk_state == TCP_SYN_RECV && tcp_sk(sk)->fo_child &&
	    (seg->flags & (TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST)) == TCPHDR_SYN &&
	    seg->seq == tcp_sk(sk)->snd_wl1) {
		(void)tcp_send_synack(sk);
		return STEP_CONSUMED;
	}
	if (!(seg->flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)))
		return SKB_DROP_REASON_TCP_FLAGS; /* the fifth step would drop it; wherever it lies, it is nobody's */
	r = tcp_step0_paws(sk, seg);
	if (r == STEP_NEXT)
		r = tcp_step1_sequence(sk, seg);
	if (r == STEP_NEXT)
		r = tcp_step2_rst(sk, seg);
	if (r == STEP_NEXT)
		r = tcp_step4_syn(sk, seg);
	if (r == STEP_NEXT)
		r = tcp_step5_ack(sk, skb, seg);
	return r;
}

/**
 * tcp_rcv_state_process() - processes one segment
 * @sk: full socket, not LISTEN; the caller holds a reference
 * @skb: data at the payload, headers set, no route; consumed
 * @seg: its fields
 *
 * Context: BH off.
 */
void tcp_rcv_state_process(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
{
	bool queued = false, opening = sk->sk_state == TCP_SYN_SENT;
	int r;

	sock_owned_by_me(sk);
	BUG_ON(sk->sk_state == TCP_LISTEN);
	tcp_sk(sk)->segs_in++;
	tcp_sk(sk)->data_segs_in += seg->len != 0;
	/* What waits for its first data has said nothing yet, and there is nothing to answer. */
	if (sk->sk_state == TCP_CLOSE || sk->inet_defer_connect) {
		tcp_v4_send_reset(sk->sk_net, skb, seg);
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_CLOSE);
		return;
	}
	if (sk->sk_state == TCP_SYN_SENT) {
		r = tcp_rcv_synsent(sk, skb, seg);
	} else {
		r = tcp_steps(sk, skb, seg);
		if (r == STEP_NEXT) {
			r = tcp_step7_text(sk, skb, seg);
			queued = r == STEP_NEXT;
		}
	}
	if (queued)
		tcp_step8_fin(sk);
	else if (r == STEP_CONSUMED)
		consume_skb(skb);
	else
		kfree_skb_reason(skb, (enum skb_drop_reason)r);
	if (sk->sk_state == TCP_CLOSE)
		return;
	tcp_data_snd_check(sk);
	if (!opening) /* the SYN-ACK is acknowledged already, or its ACK waits for text */
		tcp_ack_snd_check(sk);
}
