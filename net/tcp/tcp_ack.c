// SPDX-License-Identifier: MIT
/*
 * What an acknowledgment does: frees originals, measures the round trip, moves windows, lets new data go.
 *
 * Interface: tcp_ack, tcp_data_snd_check
 * Above: tcp_input.c (RFC 9293 3.10.7.4 step 5). Below: tcp_recovery.c, tcp_cong.c, tcp_rtt.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: RFC 9293 3.10.7.4 (fifth); RFC 5961 5; RFC 5681 2, 3.1; RFC 6298; RFC 7323 2.3.
 */
#include "tcp_internal.h"

#include <net/ip.h>

/*
 * SND.WND from a segment that is newer than the last that set it. A greater ACK is proof of that, whatever the sequence
 * number (a retransmission has a small one): without it SND.UNA would move and take the old window beyond the edge that
 * the peer offered. Return: the window changed.
 */
static bool tcp_update_window(struct sock *sk, const struct tcp_seg *seg) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 wnd = seg->wnd;
	bool changed;

	if (!(seg->flags & TCPHDR_SYN))
		wnd <<= tp->snd_wscale;
	if (!after(seg->ack, tp->snd_wl2) && !after(seg->seq, tp->snd_wl1) &&
	    !(seg->seq == tp->snd_wl1 && wnd > tp->snd_wnd))
		return false;
	changed = wnd != tp->snd_wnd;
	tp->snd_wl1 = seg->seq;
	tp->snd_wl2 = seg->ack;
	tp->snd_wnd = wnd;
	if (wnd > tp->max_window) {
		tp->max_window = wnd;
		if (tp->pmtu)
			(void)tcp_sync_mss(sk, tp->pmtu);
	}
	return changed;
}

/* The algorithm hears of every ACK; the congestion window grows only if it was what held us back. */
static void tcp_cong_avoid(struct tcp_sock *tp, const struct tcp_acked *acked, u64 now_ns)
{
	const struct tcp_cc_ack ack = { .now_us = now_ns / NSEC_PER_USEC,
					.acked = acked->segs,
					.rtt_us = acked->rtt_us,
					.srtt_us = tp->rtt.srtt8_us / 8,
					.snd_una = tp->snd_una,
					.snd_nxt = tp->snd_nxt };
	bool limited = tp->cc.cwnd < tp->cc.ssthresh ? tp->cc.cwnd < 2 * tp->max_packets_out
						     : tp->is_cwnd_limited;

	if (tp->ca_state == TCP_CA_Loss)
		limited = true;
	if (tp->ca_ops->pkts_acked)
		tp->ca_ops->pkts_acked(&tp->cc, &ack);
	if (tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery || !limited)
		return;
	tp->ca_ops->cong_avoid(&tp->cc, &ack);
}

/* Nothing is in flight: either the window is open again, or the probe timer goes on. */
static void tcp_ack_probe(struct sock *sk) __needs(sk)
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
		tp->backoff = 0;
		if (tp->pending == TCP_TIME_PROBE0)
			tcp_clear_xmit_timer(sk);
	} else {
		tcp_reset_xmit_timer(sk, TCP_TIME_PROBE0, max(tcp_rto_ns(tp), TCP_RTO_MIN_NS));
	}
}

/* snd_una moved from @prior: the originals, the round trip, the timer. */
static void tcp_ack_progress(struct sock *sk, const struct tcp_seg *seg, u64 now,
			     struct tcp_acked *acked) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 ack = seg->ack;

	acked->bytes = ack - tp->snd_una;
	tp->bytes_acked += acked->bytes;
	tp->snd_una = ack;
	tp->retransmits = 0;
	tp->retrans_stamp_ns = 0;
	tp->dst_confirm = true;
	tcp_clean_rtx_queue(sk, now, acked);
	if (acked->rtt_us == UINT32_MAX) /* of what was sent twice only the echo tells which copy */
		acked->rtt_us = tcp_tsecr_rtt_us(tp, seg);
	if (acked->rtt_us != UINT32_MAX) {
		tcp_rtt_sample(&tp->rtt, acked->rtt_us, tp->snd_una, tp->snd_nxt);
		tp->backoff = 0; /* Karn: only a sample ends the back-off */
	}
	tcp_rearm_rto(sk);
	if (acked->segs)
		tcp_cong_avoid(tp, acked, now);
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
	struct tcp_acked acked = { .rtt_us = UINT32_MAX };
	u32 prior_una = tp->snd_una;
	u64 now = ktime_get_ns();
	bool wnd_changed, dupack;

	trace_fn_tcp(tcp_ack, sk, NULL, seg->ack, tp->tcp_rtx_queue.qlen);
	testcase(tp->snd_nxt < tp->snd_una); /* the numbers wrap in flight */
	testcase(seg->ack == tp->snd_nxt);
	testcase(seg->ack == tp->snd_nxt + 1);
	testcase(seg->ack == prior_una - 1);
	testcase(seg->ack == prior_una - tp->max_window);
	testcase(seg->ack == prior_una - tp->max_window - 1);
	if (before(seg->ack, prior_una)) {
		if (!before(seg->ack, prior_una - tp->max_window))
			return 0;
		tcp_send_challenge_ack(sk);
		return -1;
	}
	if (after(seg->ack, tp->snd_nxt)) {
		tcp_send_challenge_ack(sk);
		return -1;
	}
	wnd_changed = tcp_update_window(sk, seg);
	tp->rcv_tstamp_ns = now;
	tp->probes_out = 0;
	tp->keepalive_sent = 0;
	sk->sk_err_soft = 0;
	tcp_count_ack(sk, seg, wnd_changed);
	dupack = seg->ack == prior_una && !wnd_changed && seg->len == 0 && tp->packets_out &&
		 !(seg->flags & (TCPHDR_SYN | TCPHDR_FIN));
	if (tcp_ecn_rcv_echo(tp, seg) && tp->packets_out)
		tcp_enter_cwr(sk); /* before it grows, once per window (RFC 3168, 6.1.2) */
	if (after(seg->ack, prior_una))
		tcp_ack_progress(sk, seg, now, &acked);
	if (dupack || acked.bytes)
		tcp_fastretrans(sk, &acked, dupack);
	tcp_update_pacing_rate(sk);
	if (!tp->packets_out)
		tcp_ack_probe(sk);
	return 1;
}

/** tcp_data_snd_check() - after an ACK: what the windows allow now goes out. Context: BH off. */
void tcp_data_snd_check(struct sock *sk)
{
	tcp_push_pending_frames(sk);
	tcp_check_space(sk);
}
