// SPDX-License-Identifier: MIT
/*
 * What an acknowledgment does: frees originals, measures the round trip, moves windows, lets new data go.
 *
 * Interface: tcp_ack, tcp_data_snd_check
 * Above: tcp_input.c (RFC 9293 3.10.7.4 step 5). Below: tcp_recovery.c, tcp_tlp.c, tcp_sack.c, tcp_prr.c, tcp_cong.c, tcp_rtt.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 9293 3.10.7.4 (fifth); RFC 5961 5; RFC 5681 2, 3.1; RFC 6298; RFC 7323 2.3.
 */
#include "tcp_internal.h"

#include <net/ip.h>

/* The segment is no newer than the last that set the window; it is, but says the same; it says something else. */
enum tcp_wnd_news { TCP_WND_OLD, TCP_WND_SAME, TCP_WND_CHANGED };

/*
 * SND.WND from a segment that is newer than the last that set it. A greater ACK is proof of that, whatever the sequence
 * number (a retransmission has a small one): without it SND.UNA would move and take the old window beyond the edge that
 * the peer offered.
 */
static enum tcp_wnd_news tcp_update_window(struct sock *sk, const struct tcp_seg *seg) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 wnd = seg->wnd;
	bool changed;

	if (!(seg->flags & TCPHDR_SYN))
		wnd <<= tp->snd_wscale;
	if (!tcp_may_update_window(tp, seg, wnd))
		return TCP_WND_OLD;
	changed = wnd != tp->snd_wnd;
	tp->snd_wl1 = seg->seq;
	tp->snd_wl2 = seg->ack;
	tp->snd_wnd = wnd;
	if (wnd > tp->max_window) {
		tp->max_window = wnd;
		if (tp->pmtu)
			(void)tcp_sync_mss(sk, tp->pmtu);
	}
	return changed ? TCP_WND_CHANGED : TCP_WND_SAME;
}

/* What the algorithm is told of an ACK. */
static struct tcp_cc_ack tcp_cc_news(const struct tcp_sock *tp, const struct tcp_acked *acked,
				     u32 segs)
{
	return (struct tcp_cc_ack){ .now_us = acked->now_ns / NSEC_PER_USEC,
				    .acked = segs,
				    .rtt_us = acked->last_rtt_us,
				    .srtt_us = tp->rtt.srtt8_us / 8,
				    .snd_una = tp->snd_una,
				    .snd_nxt = tp->snd_nxt };
}

/* It hears of all that arrives. */
static void tcp_cong_hear(struct tcp_sock *tp, const struct tcp_acked *acked)
{
	const struct tcp_cc_ack ack = tcp_cc_news(tp, acked, acked->segs);

	if (tp->ca_ops->pkts_acked)
		tp->ca_ops->pkts_acked(&tp->cc, &ack);
}

/* The congestion window grows, if it was what held us back. @segs were delivered. */
static void tcp_cong_avoid(struct tcp_sock *tp, const struct tcp_acked *acked, u32 segs)
{
	const struct tcp_cc_ack ack = tcp_cc_news(tp, acked, segs);
	if (tcp_is_cwnd_limited(tp))
		tp->ca_ops->cong_avoid(&tp->cc, &ack);
}

/*
 * Nothing is in flight: either the window is open again, or the probe timer goes on. @probed: nothing was, the timeout was that of probes;
 * what a retransmission doubled stays until something is measured (Karn; RFC 1122, 4.2.3.1).
 */
static void tcp_ack_probe(struct sock *sk, bool probed) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head = tcp_send_head(sk);
	u32 end;

	if (!head) {
		if (tp->pending == TCP_TIME_PROBE0)
			tcp_clear_xmit_timer(sk);
		return;
	}
	end = min(head->len, tp->mss_cache) + TCP_SKB_CB(head)->seq;
	if (!after(end, tcp_wnd_end(tp))) {
		if (probed)
			tp->backoff = 0;
		tp->probe_stamp_ns = 0;
		if (tp->pending == TCP_TIME_PROBE0)
			tcp_clear_xmit_timer(sk);
	} else {
		if (tp->pending != TCP_TIME_PROBE0)
			tp->probe_stamp_ns = 0;
		tcp_reset_probe_timer(sk, max(tcp_rto_ns(tp), TCP_RTO_MIN_NS));
	}
}

/*
 * The least round trip of the last five minutes. An ACK of one short segment alone may be one that was delayed: it makes the least only less,
 * or delayed ones would be all that is known of a path in the end.
 */
static void tcp_ack_update_min_rtt(struct sock *sk, const struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 rtt_us = tcp_ack_least_rtt(acked);

	if (rtt_us > tp->rtt.min_us && tcp_ack_is_lone(tp, acked))
		return;
	tcp_rtt_min_sample(&tp->rtt, rtt_us, (u32)(acked->now_ns / NSEC_PER_MSEC),
			   tcp_net_of(sk)->min_rtt_wlen * 1000u);
}

/*
 * The round trip of the first segment that was acknowledged or SACKed at its first attempt; of what was sent twice only the echo tells
 * which copy came. Return: there is a sample.
 */
static bool tcp_ack_update_rtt(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 now = acked->now_ns;

	if (acked->rtt_us == UINT32_MAX && acked->sack_first_ns && acked->sack_first_ns <= now)
		acked->rtt_us =
			(u32)min((now - acked->sack_first_ns) / NSEC_PER_USEC, (u64)UINT32_MAX - 1);
	if (acked->sack_last_ns && acked->sack_last_ns <= now)
		acked->last_rtt_us =
			(u32)min((now - acked->sack_last_ns) / NSEC_PER_USEC, (u64)UINT32_MAX - 1);
	if (acked->rtt_us == UINT32_MAX && acked->bytes)
		acked->rtt_us = acked->last_rtt_us = tcp_tsecr_rtt_us(tp, seg);
	if (acked->rtt_us == UINT32_MAX)
		return false;
	tcp_rtt_sample(&tp->rtt, acked->rtt_us, tp->snd_una, tp->snd_nxt);
	tcp_ack_update_min_rtt(sk, acked);
	tp->backoff = 0; /* Karn: only a sample ends the back-off */
	return true;
}

/* SND.UNA moves: the peer lives. */
static void tcp_snd_una_update(struct tcp_sock *tp, u32 ack, struct tcp_acked *acked)
{
	acked->bytes = ack - tp->snd_una;
	if (!acked->bytes)
		return;
	tp->bytes_acked += acked->bytes;
	tp->snd_una = ack;
	tp->retransmits = 0;
	tp->retrans_stamp_ns = 0;
	tp->dst_confirm = true;
}

/* Segments that arrived by what an ACK says, and whether marks were on their way; before @delivered had. */
static u32 tcp_newly_delivered(struct sock *sk, const struct tcp_seg *seg, u32 delivered)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 segs = tp->delivered - delivered;

	NET_ADD_STATS(sk->sk_net, TCPDelivered, segs);
	if (tcp_ecn_rcv_echo(tp, seg)) {
		tp->delivered_ce += segs;
		NET_ADD_STATS(sk->sk_net, TCPDeliveredCE, segs);
	}
	return segs;
}

/* The window after an ACK: it shrinks in proportion, or grows by what came; in order, while nothing says that order means little. */
static void tcp_cong_control(struct sock *sk, const struct tcp_acked *acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tcp_in_cwnd_reduction(tp))
		tcp_cwnd_reduction(tp, acked->delivered, acked->lost, acked->bytes != 0);
	else if (acked->segs || (acked->sacked && tp->reordering > tcp_net_of(sk)->reordering))
		tcp_cong_avoid(tp, acked, acked->delivered);
}

/* The loss probe, what takes its place in a recovery, or else the timeout, begins anew. */
static void tcp_set_xmit_timer(struct sock *sk) __needs(sk)
{
	if (tcp_schedule_loss_probe(sk, true))
		return;
	if (tcp_sk(sk)->ca_state < TCP_CA_Recovery || !tcp_schedule_solicit(sk))
		tcp_rearm_rto(sk);
}

/* The scoreboard, the originals, the round trip. */
static void tcp_ack_take(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked)
	__needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head;
	bool sampled;

	if (tp->sack_ok && seg->opt.num_sacks)
		tcp_sacktag(sk, seg, acked);
	tcp_clean_rtx_queue(sk, acked);
	if (unlikely(tp->probe_size))
		tcp_mtup_acked(sk);
	if (!tp->sack_ok && acked->segs) {
		tcp_remove_reno_sacks(sk, acked->segs);
		acked->orig &= !acked->retrans; /* no block says that it was the original */
	}
	sampled = tcp_ack_update_rtt(sk, seg, acked);
	head = tcp_rtx_head(tp);
	/* What is SACKed was sent before the first one out (again): that one's timeout stays where it is. */
	acked->set_timer = acked->segs || (sampled && acked->sack_first_ns && head &&
					   acked->sack_first_ns < head->tstamp_ns);
	tcp_cong_hear(tp, acked);
	tcp_rack_update_reo_wnd(sk);
}

/* What it says of what is out. */
static void tcp_ack_outstanding(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 delivered = tp->delivered, lost = tp->lost;
	bool out = tp->packets_out;

	acked->prior_high = tcp_sack_high(tp);
	acked->reord = tp->snd_nxt;
	tcp_snd_una_update(tp, seg->ack, acked);
	tcp_ack_take(sk, seg, acked);
	if (!out) {
		if (acked->dsack)
			tcp_fastretrans(sk, acked);
		if (tp->tlp_out)
			tcp_process_tlp_ack(sk, seg->ack, acked);
		(void)tcp_newly_delivered(sk, seg, delivered);
		return;
	}
	if (tp->tlp_out)
		tcp_process_tlp_ack(sk, seg->ack, acked);
	if (acked->dup || acked->sacked || acked->dsack || tp->ca_state != TCP_CA_Open)
		tcp_fastretrans(sk, acked);
	if (acked->set_timer)
		tcp_set_xmit_timer(sk);
	acked->delivered = tcp_newly_delivered(sk, seg, delivered);
	acked->lost = tp->lost - lost;
	tcp_rate_gen(tp, acked, acked->delivered);
	if (tp->ca_ops->control)
		tcp_cong_model(tp, acked);
	else
		tcp_cong_control(sk, acked);
	tcp_update_pacing_rate(sk);
	tcp_xmit_recovery(sk, acked->rexmit);
}

/* An ACK that was overtaken by others may bring blocks that they had no room for. */
static void tcp_ack_old(struct sock *sk, const struct tcp_seg *seg, struct tcp_acked *acked)
	__needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 delivered = tp->delivered;

	if (!tp->sack_ok || !seg->opt.num_sacks)
		return;
	acked->prior_high = tcp_sack_high(tp);
	acked->reord = tp->snd_nxt;
	tcp_sacktag(sk, seg, acked);
	tcp_fastretrans(sk, acked);
	(void)tcp_newly_delivered(sk, seg, delivered);
	tcp_xmit_recovery(sk, acked->rexmit);
}

/*
 * An ACK of news in a segment that is in all else as expected, which a prediction of headers would take, or another without
 * text. Before SND.UNA and RCV.NXT move.
 */
static void tcp_count_ack(const struct sock *sk, const struct tcp_seg *seg, bool wnd_changed)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sk->sk_state == TCP_ESTABLISHED &&
	    (seg->flags | TCPHDR_PSH) == (TCPHDR_ACK | TCPHDR_PSH) && seg->seq == tp->rcv_nxt &&
	    !wnd_changed && after(seg->ack, tp->snd_una))
		NET_INC_STATS(sk->sk_net, TCPHPAcks);
	else if (seg->len == 0 && !(seg->flags & (TCPHDR_SYN | TCPHDR_FIN)))
		NET_INC_STATS(sk->sk_net, TCPPureAcks);
}

/**
 * tcp_ack() - processes SEG.ACK and SEG.WND
 * @sk: socket in a synchronised state
 * @seg: segment with ACK
 *
 * Context: BH off. Return: 1 acceptable; 0 old, its text may still be good; -1 outside [SND.UNA - MAX.SND.WND, SND.NXT]:
 * challenged, the segment must be dropped (RFC 5961, 5.2).
 */
int tcp_ack(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 prior_una = tp->snd_una, prior_out = tp->packets_out;
	struct tcp_acked acked = { .now_ns = ktime_get_ns(),
				   .rtt_us = UINT32_MAX,
				   .last_rtt_us = UINT32_MAX,
				   .prior_una = prior_una,
				   .tsecr = seg->opt.tsecr,
				   .tsecr_ok =
					   tp->tstamp_ok && seg->opt.tstamp_ok && seg->opt.tsecr };
	enum tcp_wnd_news wnd;

	trace_fn_tcp(tcp_ack, sk, NULL, seg->ack, tp->tcp_rtx_queue.qlen);
	testcase(tp->snd_nxt < tp->snd_una); /* the numbers wrap in flight */
	testcase(seg->ack == tp->snd_nxt);
	testcase(seg->ack == tp->snd_nxt + 1);
	testcase(seg->ack == prior_una - 1);
	if (before(seg->ack, prior_una)) {
		testcase(seg->ack == tcp_oldest_ack(tp));
		testcase(seg->ack == tcp_oldest_ack(tp) - 1);
		if (!before(seg->ack, tcp_oldest_ack(tp))) {
			tcp_ack_old(sk, seg, &acked);
			return 0;
		}
		tcp_send_challenge_ack(sk);
		return -1;
	}
	if (after(seg->ack, tp->snd_nxt)) {
		tcp_send_challenge_ack(sk);
		return -1;
	}
	wnd = tcp_update_window(sk, seg);
	tp->rcv_tstamp_ns = acked.now_ns;
	tp->probes_out = 0;
	tp->solicits = 0;
	tp->keepalive_sent = 0;
	sk->sk_err_soft = 0;
	tcp_count_ack(sk, seg, wnd == TCP_WND_CHANGED);
	acked.dup = seg->ack == prior_una && wnd == TCP_WND_OLD && seg->len == 0 &&
		    tp->packets_out && !(seg->flags & (TCPHDR_SYN | TCPHDR_FIN));
	if (tcp_ecn_rcv_echo(tp, seg) && tp->packets_out)
		tcp_enter_cwr(sk); /* before it grows, once per window (RFC 3168, 6.1.2) */
	tcp_ack_outstanding(sk, seg, &acked);
	tcp_update_pacing_rate(sk);
	tcp_burst_begin(sk, tp->snd_una - prior_una);
	if (!tp->packets_out)
		tcp_ack_probe(sk, !prior_out);
	return 1;
}

/** tcp_data_snd_check() - after an ACK: what the windows allow now goes out. Context: BH off. */
void tcp_data_snd_check(struct sock *sk)
{
	tcp_push_pending_frames(sk);
	tcp_check_space(sk);
}
