// SPDX-License-Identifier: MIT
/*
 * The states of loss recovery, and the timeout.
 *
 *   Open      nothing is missing
 *   Disorder  something is, perhaps: it was overtaken
 *   CWR       the window shrinks although nothing is missing (ECN, a full queue of our own)
 *   Recovery  something is lost: RACK says what (without SACK, or with tcp_recovery 0: the count of what left the network), PRR how
 *             fast it is repaired
 *   Loss      the timeout expired: all that was sent a round trip ago is lost, the window begins anew; F-RTO doubts it
 *
 * Recovery and Loss end when what was out at their beginning (high_seq) is acknowledged; without SACK, when more than that is.
 *
 * Interface: tcp_fastretrans, tcp_xmit_recovery, tcp_enter_loss, tcp_rack_reo_timeout, tcp_simple_retransmit
 * Above: tcp_ack.c, tcp_timer.c. Below: tcp_newreno.c, tcp_undo.c, tcp_retransmit.c, tcp_rack.c, tcp_prr.c.
 * Context: BH off; owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 8985 6; RFC 6675 5 (states); RFC 5681 3.1; RFC 5682 3; RFC 6298 5.4-5.6; RFC 2018 8; RFC 1191.
 */
#include "tcp_internal.h"

#define RENEGE_DELAY_MIN_NS (10 * NSEC_PER_MSEC)

static bool tcp_uses_rack(const struct sock *sk)
{
	return tcp_sk(sk)->sack_ok && (tcp_net_of(sk)->recovery & TCP_RACK_LOSS_DETECTION);
}

/* --- The timeout ---------------------------------------------------------------------------------------------------------------- */

/*
 * What is lost: everything, or what was sent so long ago that it should have come. When the first segment is SACKed but not acknowledged,
 * the peer has thrown away what it said it had (RFC 2018, 8).
 */
static void tcp_timeout_mark_lost(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *head = tcp_rtx_head(tp), *skb;
	bool renege = (TCP_SKB_CB(head)->sacked & TCPCB_SACKED_ACKED) != 0;
	u64 now = ktime_get_ns();

	if (renege) {
		NET_INC_STATS(sk->sk_net, TCPSACKReneging);
		tcp_sack_forget(tp);
	} else if (!tp->sack_ok) {
		tp->sacked_out = 0;
	}
	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		if (!renege && tcp_uses_rack(sk) && skb != head && !tcp_rack_overdue(tp, skb, now))
			continue;
		tcp_mark_lost(sk, skb);
	}
	tp->rtx_hint = tp->snd_una;
}

/**
 * tcp_enter_loss() - the retransmission timer fired
 * @sk: socket with packets_out > 0
 *
 * ssthresh is set once per window of data, not again when the retransmission is lost too (RFC 5681, 3.1).
 *
 * Context: BH off.
 */
void tcp_enter_loss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool first = tp->ca_state < TCP_CA_Recovery;

	BUG_ON(!tp->packets_out);
	tcp_timeout_mark_lost(sk);
	if (tp->ca_state <= TCP_CA_Disorder || !before(tp->snd_una, tp->high_seq) ||
	    (tp->ca_state == TCP_CA_Loss && !tp->retransmits)) {
		tp->undo.prior_ssthresh = tcp_current_ssthresh(tp);
		tp->prr.prior_cwnd = tp->cc.cwnd;
		tp->cc.ssthresh = tp->ca_ops->ssthresh(&tp->cc);
		tcp_init_undo(tp);
	}
	tp->cc.cwnd = tcp_packets_in_flight(tp) + 1;
	tp->cc.cwnd_cnt = 0;
	if (tp->ca_ops->event)
		tp->ca_ops->event(&tp->cc, TCP_CA_EVENT_TIMEOUT, 0);
	if (tp->ca_state <= TCP_CA_Disorder && tp->sacked_out >= tcp_net_of(sk)->reordering)
		tp->reordering = min(tp->reordering, tcp_net_of(sk)->reordering);
	tp->ca_state = TCP_CA_Loss;
	tp->high_seq = tp->snd_nxt;
	tp->tlp_out = false;
	tcp_ecn_queue_cwr(tp);
	tp->undo.frto = tcp_net_of(sk)->frto && (first || tp->retransmits) && !tp->probe_size;
}

/* --- Path MTU --------------------------------------------------------------------------------------------------------------------- */

/* @skb was sent in segments that are larger than the path takes now. */
static bool tcp_too_large(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	return (cb->segs > 1 ? cb->gso_size : skb->len) > tp->mss_cache;
}

/**
 * tcp_simple_retransmit() - the path MTU fell: what is too large for it was dropped and goes again, no congestion
 * @sk: socket, mss_cache already new
 *
 * In order, under the present window, which is not smaller for it: its segments are.
 *
 * Context: BH off.
 */
void tcp_simple_retransmit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	skb_queue_walk(&tp->tcp_rtx_queue, skb)
		if (tcp_too_large(tp, skb))
			tcp_mark_lost(sk, skb);
	if (!tp->lost_out)
		return;
	if (!tp->sack_ok)
		(void)tcp_limit_reno_sacked(tp);
	if (tp->ca_state != TCP_CA_Loss) {
		tp->high_seq = tp->snd_nxt;
		tp->cc.ssthresh = tcp_current_ssthresh(tp);
		tp->undo.prior_ssthresh = 0;
		tp->undo.armed = false;
		tp->ca_state = TCP_CA_Loss;
	}
	tcp_xmit_retransmit_queue(sk);
}

/* What is lost is a probe of the path's MTU, and nothing else: its text goes again, and that is all. */
static bool tcp_probe_lost(struct sock *sk) __needs(softirq_ctx, sk)
{
	if (!tcp_mtup_failed(sk))
		return false;
	tcp_simple_retransmit(sk);
	return true;
}

/* --- Open, Disorder, Recovery ------------------------------------------------------------------------------------------------ */

static void tcp_enter_recovery(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->sack_ok)
		NET_INC_STATS(sk->sk_net, TCPSackRecovery);
	else
		NET_INC_STATS(sk->sk_net, TCPRenoRecovery);
	tp->undo.prior_ssthresh = 0;
	tcp_init_undo(tp);
	if (!tcp_in_cwnd_reduction(tp)) {
		tp->undo.prior_ssthresh = tcp_current_ssthresh(tp);
		tcp_init_cwnd_reduction(tp);
	}
	tp->ca_state = TCP_CA_Recovery;
}

/* More than tcp_reordering segments separate SND.UNA from the highest that was SACKed. */
static bool tcp_far_behind(const struct tcp_sock *tp)
{
	return after(tcp_sack_high(tp), tp->snd_una + tp->reordering * tp->mss_cache);
}

/*
 * Without RACK: what has @reordering SACKed segments or more behind it is lost (RFC 6675, IsLost()); when @first, the first segment in any
 * case.
 */
static void tcp_update_scoreboard(struct sock *sk, bool first) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 behind = tp->sacked_out;
	struct sk_buff *skb;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		if (cb->sacked & TCPCB_SACKED_ACKED)
			behind -= cb->segs;
		if (behind < tp->reordering && !first)
			break;
		if (!(cb->sacked & TCPCB_LOST))
			tcp_mark_lost(sk, skb);
		first = false;
	}
}

/* What is overdue is lost; for what is only late a timer is set in place of the timeout. */
static void tcp_identify_loss(struct sock *sk, struct tcp_acked *acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 retrans = tp->retrans_out;
	u64 wait;

	if (!tp->packets_out)
		return;
	if (!tp->sack_ok)
		tcp_newreno_mark_lost(sk, acked->bytes != 0);
	if (!tcp_uses_rack(sk) || !tp->rack.advanced)
		return;
	tp->rack.advanced = false;
	wait = tcp_rack_detect_loss(sk, acked->now_ns);
	if (wait) {
		wait = DIV_ROUND_UP(wait, NSEC_PER_MSEC) * NSEC_PER_MSEC + TCP_TIMEOUT_MIN_NS;
		tcp_reset_xmit_timer(sk, TCP_TIME_REO, min(wait, tcp_rto_ns(tp)));
		acked->set_timer = false;
	}
	if (tp->retrans_out < retrans)
		acked->lost_again = true;
}

/* Something is lost, or enough others have come that it must be. */
static bool tcp_time_to_recover(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return tp->lost_out || (!tcp_uses_rack(sk) && tp->sacked_out >= tp->reordering);
}

/* Nothing is lost. */
static void tcp_try_to_open(struct tcp_sock *tp)
{
	if (!tcp_any_retrans_done(tp))
		tp->undo.stamp_ns = 0;
	if (tp->ca_state != TCP_CA_CWR)
		tcp_try_keep_open(tp);
}

/* CWR and Recovery end; Loss is asked in its own steps. Return: true: nothing more is to be concluded from this ACK. */
static bool tcp_try_to_end(struct sock *sk, const struct tcp_acked *acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ca_state == TCP_CA_Open) {
		tp->undo.stamp_ns = 0;
		return false;
	}
	if (before(tp->snd_una, tp->high_seq))
		return false;
	if (tp->ca_state == TCP_CA_CWR && tp->snd_una != tp->high_seq) {
		tcp_end_cwnd_reduction(tp);
		tp->ca_state = TCP_CA_Open;
	} else if (tp->ca_state == TCP_CA_Recovery) {
		if (!tp->sack_ok)
			tp->sacked_out = 0;
		if (tcp_try_undo_recovery(sk, acked))
			return true;
		tcp_end_cwnd_reduction(tp);
	}
	return false;
}

static void tcp_in_recovery(struct sock *sk, struct tcp_acked *acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!acked->bytes) {
		if (!tp->sack_ok && acked->dup)
			tcp_add_reno_sack(sk);
	} else {
		if (tcp_try_undo_partial(sk, acked))
			return;
		acked->scoreboard = tcp_far_behind(tp);
	}
	if (tcp_try_undo_dsack(sk))
		tcp_try_keep_open(tp);
	tcp_identify_loss(sk, acked);
	if (tp->ca_state != TCP_CA_Recovery) {
		if (!tcp_time_to_recover(sk))
			return;
		tcp_enter_recovery(sk); /* that one was needless, but this is a loss */
	}
	acked->rexmit = TCP_REXMIT_LOST;
}

/* --- Loss ------------------------------------------------------------------------------------------------------------------------ */

/*
 * RFC 5682, 3.1: the first ACK after the timeout moves SND.UNA: new data goes instead of old. If then something comes that was never sent
 * twice, the timeout was spurious. Return: this ACK is dealt with.
 */
static bool tcp_frto(struct sock *sk, struct tcp_acked *acked, bool recovered) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (acked->orig && tcp_try_undo_loss(sk, acked, true))
		return true;
	if (after(tp->snd_nxt, tp->high_seq)) {
		if (acked->sacked || acked->dup)
			tp->undo.frto = false; /* step 3.a: the loss was real */
	} else if (acked->bytes && !recovered) {
		tp->high_seq = tp->snd_nxt;
		if (tcp_send_head(sk) && after(tcp_wnd_end(tp), tp->snd_nxt)) {
			acked->rexmit = TCP_REXMIT_NEW; /* step 2.b */
			return true;
		}
		tp->undo.frto = false;
	}
	return false;
}

static void tcp_process_loss(struct sock *sk, struct tcp_acked *acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool recovered = !before(tp->snd_una, tp->high_seq);

	if (acked->bytes && tcp_try_undo_loss(sk, acked, false))
		return;
	if (tp->undo.frto && tcp_frto(sk, acked, recovered))
		return;
	if (recovered) {
		(void)tcp_try_undo_recovery(sk, acked);
		return;
	}
	if (!tp->sack_ok) {
		/* A duplicate now means that the new data of F-RTO's step 2.b has arrived. */
		if (after(tp->snd_nxt, tp->high_seq) && acked->dup)
			tcp_add_reno_sack(sk);
		else if (acked->bytes)
			tp->sacked_out = 0;
	}
	acked->rexmit = TCP_REXMIT_LOST;
}

/* --- An ACK ---------------------------------------------------------------------------------------------------------------------- */

/*
 * The peer SACKed what SND.UNA now points at, and does not acknowledge it: a slow ACK, or it has thrown it away. A little later the
 * timeout decides (RFC 2018, 8).
 */
static bool tcp_check_reneging(struct sock *sk, struct tcp_acked *acked) __needs(sk)
{
	u64 half_ns = (u64)tcp_sk(sk)->rtt.srtt8_us / 16 * NSEC_PER_USEC;

	if (!acked->reneging || !acked->bytes)
		return false;
	tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, max(half_ns, RENEGE_DELAY_MIN_NS));
	acked->set_timer = false;
	return true;
}

/* Open, Disorder and CWR, or Loss that has just ended. Return: a recovery began. */
static bool tcp_try_to_recover(struct sock *sk, struct tcp_acked *acked) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->sack_ok) {
		if (acked->bytes)
			tp->sacked_out = 0;
		if (acked->dup)
			tcp_add_reno_sack(sk);
	}
	if (tp->ca_state <= TCP_CA_Disorder)
		(void)tcp_try_undo_dsack(sk);
	tcp_identify_loss(sk, acked);
	if (!tcp_time_to_recover(sk)) {
		tcp_try_to_open(tp);
		return false;
	}
	if (tcp_probe_lost(sk))
		return false;
	tcp_enter_recovery(sk);
	return true;
}

/**
 * tcp_fastretrans() - what an ACK means for loss detection; after scoreboard and queue know it
 * @sk: socket
 * @acked: what the ACK says; rexmit, lost_again and set_timer are decided here
 *
 * Context: BH off.
 */
void tcp_fastretrans(struct sock *sk, struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool begins = false;

	acked->dup &= !acked->bytes && !acked->dsack;
	acked->scoreboard = acked->dup || (acked->sacked && tcp_far_behind(tp));
	if (!tp->packets_out)
		tp->sacked_out = 0;
	if (tcp_check_reneging(sk, acked))
		return;
	BUG_ON(tp->sacked_out + tp->lost_out > tp->packets_out);
	if (tcp_try_to_end(sk, acked))
		return;
	if (tp->ca_state == TCP_CA_Recovery) {
		tcp_in_recovery(sk, acked);
		if (acked->rexmit == TCP_REXMIT_NONE)
			return;
	} else {
		if (tp->ca_state == TCP_CA_Loss) {
			tcp_process_loss(sk, acked);
			tcp_identify_loss(sk, acked);
			if (tp->ca_state != TCP_CA_Open && !acked->lost_again)
				return;
		}
		begins = tcp_try_to_recover(sk, acked);
		if (!begins)
			return;
	}
	if (tp->sack_ok && !tcp_uses_rack(sk) && acked->scoreboard)
		tcp_update_scoreboard(sk, begins);
	acked->rexmit = TCP_REXMIT_LOST;
}

/**
 * tcp_xmit_recovery() - after the window knows the ACK: what is lost goes again, or (F-RTO) what is new goes first
 *
 * Context: BH off.
 */
void tcp_xmit_recovery(struct sock *sk, enum tcp_rexmit rexmit)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (rexmit == TCP_REXMIT_NONE || sk->sk_state == TCP_SYN_SENT)
		return;
	if (rexmit == TCP_REXMIT_NEW) {
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
		if (after(tp->snd_nxt, tp->high_seq))
			return;
		tp->undo.frto = false;
	}
	tcp_xmit_retransmit_queue(sk);
}

/** tcp_rack_reo_timeout() - what was only late is overdue now (RFC 8985, 6.3). Context: BH off, softirq. */
void tcp_rack_reo_timeout(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 in_flight = tcp_packets_in_flight(tp), lost = tp->lost;

	(void)tcp_rack_detect_loss(sk, ktime_get_ns());
	if (tcp_packets_in_flight(tp) != in_flight && !tcp_probe_lost(sk)) {
		if (tp->ca_state != TCP_CA_Recovery) {
			tcp_enter_recovery(sk);
			tcp_cwnd_reduction(tp, 1, tp->lost - lost, false);
		}
		tcp_xmit_retransmit_queue(sk);
	}
	if (tp->pending == TCP_TIME_REO &&
	    !(tp->ca_state == TCP_CA_Recovery && tcp_schedule_solicit(sk)))
		tcp_rearm_rto(sk);
}
