// SPDX-License-Identifier: MIT
/*
 * Second thoughts: what was taken for loss was delay, and the window is what it was.
 *
 * Three kinds of proof: the ACK of what was sent again echoes a timestamp from before that (Eifel); D-SACKs call every retransmission
 * needless; after a timeout something comes that was sent once only (F-RTO, whose steps are in tcp_recovery.c).
 *
 * Interface: tcp_any_retrans_done, tcp_init_undo, tcp_try_keep_open, tcp_try_undo_recovery, tcp_try_undo_partial, tcp_try_undo_dsack,
 * tcp_try_undo_loss
 * Above: tcp_tlp.c, tcp_recovery.c. Below: tcp_sack.c; the algorithm, by table.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 3522 3.2; RFC 4015; RFC 3708 3; RFC 5682 3; RFC 9438 4.9.
 */
#include "tcp_internal.h"

/** tcp_any_retrans_done() - of what is out, something was sent twice. Context: owner or softirq. Return: so it is. */
bool tcp_any_retrans_done(const struct tcp_sock *tp)
{
	const struct sk_buff *head = tcp_rtx_head(tp);

	return tp->retrans_out || (head && (TCP_SKB_CB(head)->sacked & TCPCB_EVER_RETRANS));
}

/** tcp_init_undo() - a recovery begins: from here on proof is gathered. Context: owner or softirq. */
void tcp_init_undo(struct tcp_sock *tp)
{
	tp->undo.armed = true;
	tp->undo.marker = tp->snd_una;
	/* What is out already may be called needless too; 0 would mean that all has been. */
	tp->undo.retrans = tp->retrans_out ? (s32)tp->retrans_out : -1;
}

/** tcp_try_keep_open() - neither recovery nor reduction: is everything in order? Context: owner or softirq. */
void tcp_try_keep_open(struct tcp_sock *tp)
{
	enum tcp_ca_state state = TCP_CA_Open;

	if (tp->sacked_out || tp->lost_out || tcp_any_retrans_done(tp))
		state = TCP_CA_Disorder;
	if (tp->ca_state == state)
		return;
	tp->ca_state = state;
	tp->high_seq = tp->snd_nxt;
}

/* The echo is from before the first retransmission: it was the first copy that arrived (RFC 3522, 3.2 step 4). */
static bool tcp_packet_delayed(const struct tcp_sock *tp, const struct tcp_acked *acked)
{
	return tp->undo.stamp_ns && tcp_echo_before(tp, acked, tp->undo.stamp_ns);
}

static bool tcp_may_undo(const struct tcp_sock *tp, const struct tcp_acked *acked)
{
	return tp->undo.armed && (!tp->undo.retrans || tcp_packet_delayed(tp, acked));
}

/* The window and ssthresh from before the reduction. @unmark: nothing that is out was lost. */
static void tcp_undo_reduction(struct tcp_sock *tp, bool unmark)
{
	struct sk_buff *skb;

	if (unmark) {
		skb_queue_walk(&tp->tcp_rtx_queue, skb)
			TCP_SKB_CB(skb)->sacked &= (u8)~TCPCB_LOST;
		tp->lost_out = 0;
	}
	if (tp->undo.prior_ssthresh) {
		tp->cc.cwnd = max(tp->cc.cwnd, tp->prr.prior_cwnd);
		tp->cc.ssthresh = max(tp->cc.ssthresh, tp->undo.prior_ssthresh);
		tp->ecn_flags &= (u8)~TCP_ECN_QUEUE_CWR; /* nothing to tell the peer */
		if (tp->ca_ops->undo)
			tp->ca_ops->undo(&tp->cc);
	}
	tp->undo.armed = false;
	tp->rack.advanced = true; /* what is really lost is found again */
}

/* Without SACK the old state stays until more than high_seq is acknowledged, or late duplicates would begin a new recovery (RFC 6582, 4). */
static bool tcp_must_not_reopen(struct tcp_sock *tp)
{
	if (tp->sack_ok || tp->snd_una != tp->high_seq)
		return false;
	if (!tcp_any_retrans_done(tp))
		tp->undo.stamp_ns = 0;
	return true;
}

/**
 * tcp_try_undo_recovery() - all that was out when recovery began is acknowledged: it ends, and was needless if that is proved
 *
 * Context: owner or softirq. Return: true: the old state stays.
 */
bool tcp_try_undo_recovery(struct sock *sk, const struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tcp_may_undo(tp, acked)) {
		if (tp->ca_state == TCP_CA_Loss)
			NET_INC_STATS(sk->sk_net, TCPLossUndo);
		else
			NET_INC_STATS(sk->sk_net, TCPFullUndo);
		tcp_undo_reduction(tp, false);
	} else if (tp->rack.reo_wnd_persist) {
		tp->rack.reo_wnd_persist--;
	}
	if (tcp_must_not_reopen(tp))
		return true;
	tp->ca_state = TCP_CA_Open;
	return false;
}

/**
 * tcp_try_undo_partial() - in Recovery SND.UNA moved, but not by a retransmission
 *
 * Context: owner or softirq. Return: true: nothing more is to be concluded from this ACK.
 */
bool tcp_try_undo_partial(struct sock *sk, const struct tcp_acked *acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->undo.armed || !tcp_packet_delayed(tp, acked))
		return false;
	tcp_sack_reordering(sk, acked->prior_una, LINUX_MIB_TCPTSReorder);
	if (tp->retrans_out)
		return true; /* they will tell */
	if (!tcp_any_retrans_done(tp))
		tp->undo.stamp_ns = 0;
	tcp_undo_reduction(tp, true);
	NET_INC_STATS(sk->sk_net, TCPPartialUndo);
	tcp_try_keep_open(tp);
	return false;
}

/** tcp_try_undo_dsack() - the last retransmission was called needless (RFC 3708, 3). Context: owner or softirq. Return: undone. */
bool tcp_try_undo_dsack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->undo.armed || tp->undo.retrans)
		return false;
	tp->rack.reo_wnd_persist = (u8)min(TCP_RACK_PERSIST, tp->rack.reo_wnd_persist + 1u);
	tcp_undo_reduction(tp, false);
	NET_INC_STATS(sk->sk_net, TCPDSACKUndo);
	return true;
}

/**
 * tcp_try_undo_loss() - in Loss SND.UNA moved, or something came that was sent once
 * @frto: that is the proof
 *
 * Context: owner or softirq. Return: the timeout was spurious.
 */
bool tcp_try_undo_loss(struct sock *sk, const struct tcp_acked *acked, bool frto)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!frto && !tcp_may_undo(tp, acked))
		return false;
	tcp_undo_reduction(tp, true);
	NET_INC_STATS(sk->sk_net, TCPLossUndo);
	if (frto)
		NET_INC_STATS(sk->sk_net, TCPSpuriousRTOs);
	tp->retransmits = 0;
	if (!tcp_must_not_reopen(tp) && (frto || tp->sack_ok))
		tp->ca_state = TCP_CA_Open;
	return true;
}
