// SPDX-License-Identifier: MIT
/*
 * Proportional rate reduction: on its way to ssthresh the window is what is in flight plus what the last ACK earned, so that the
 * clock of ACKs goes on while it shrinks, and a burst of losses does not stop it.
 *
 * Above ssthresh each delivered segment earns ssthresh/prior of one. Below, as much as was delivered, and one more when the ACK moved
 * SND.UNA and nothing new was found lost: then the window grows as in slow start, up to ssthresh.
 *
 * Interface: tcp_current_ssthresh, tcp_init_cwnd_reduction, tcp_cwnd_reduction, tcp_end_cwnd_reduction
 * Above: tcp_transmit.c (a queue of ours is full), tcp_tlp.c, tcp_recovery.c, tcp_ack.c. Below: tcp_ecn.c; the algorithm, by table.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 6937 3 (PRR-SSRB, with the conservative bound unless SND.UNA moves); RFC 9438 4.6 and RFC 5681 3.2 for ssthresh.
 */
#include "tcp_internal.h"

/** tcp_current_ssthresh() - where slow start would end if it began now. Context: owner or softirq. Return: segments. */
u32 tcp_current_ssthresh(const struct tcp_sock *tp)
{
	if (tcp_in_cwnd_reduction(tp))
		return tp->cc.ssthresh;
	return max(tp->cc.ssthresh, tp->cc.cwnd / 2 + tp->cc.cwnd / 4);
}

/**
 * tcp_init_cwnd_reduction() - a reduction begins: the algorithm names its end
 * @tp: not in one
 *
 * Context: owner or softirq.
 */
void tcp_init_cwnd_reduction(struct tcp_sock *tp)
{
	tp->high_seq = tp->snd_nxt;
	tp->tlp_out = false;
	tp->cc.cwnd_cnt = 0;
	tp->prr = (struct tcp_prr){ .prior_cwnd = tp->cc.cwnd };
	tp->cc.ssthresh = tp->ca_ops->ssthresh(&tp->cc);
	tcp_ecn_queue_cwr(tp);
}

/**
 * tcp_cwnd_reduction() - what an ACK earns
 * @tp: in CWR or Recovery
 * @delivered: segments that the ACK says have arrived; 0: nothing changes
 * @lost: segments that it made us give up
 * @progress: it moved SND.UNA
 *
 * Context: owner or softirq.
 */
void tcp_cwnd_reduction(struct tcp_sock *tp, u32 delivered, u32 lost, bool progress)
{
	u32 flight = tcp_packets_in_flight(tp);
	s32 room = (s32)(tp->cc.ssthresh - flight), send;

	if (!delivered)
		return;
	BUG_ON(!tp->prr.prior_cwnd);
	tp->prr.delivered += delivered;
	if (room < 0) {
		u64 due = (u64)tp->cc.ssthresh * tp->prr.delivered + tp->prr.prior_cwnd - 1;

		send = (s32)(due / tp->prr.prior_cwnd) - (s32)tp->prr.out;
	} else {
		send = max((s32)(tp->prr.delivered - tp->prr.out), (s32)delivered);
		if (progress && !lost)
			send++;
		send = min(send, room);
	}
	/* The first retransmission goes in any case. */
	send = max(send, tp->prr.out ? 0 : 1);
	tp->cc.cwnd = max(flight + (u32)send, 1u);
}

/** tcp_end_cwnd_reduction() - the window is where the reduction led, unless it was undone. Context: owner or softirq. */
void tcp_end_cwnd_reduction(struct tcp_sock *tp)
{
	if (tp->cc.ssthresh < TCP_INFINITE_SSTHRESH &&
	    (tp->ca_state == TCP_CA_CWR || tp->undo.armed))
		tp->cc.cwnd = tp->cc.ssthresh;
}
