// SPDX-License-Identifier: MIT
/*
 * When to acknowledge: at once while the peer needs it to get going, otherwise with every second full segment, with text of ours, or
 * when a timer says so that learns how far apart segments come.
 *
 * Interface: tcp_enter_quickack, tcp_measure_rcv_mss, tcp_event_data_recv, tcp_ack_snd_check, tcp_cleanup_rbuf
 * Above: tcp_data.c, tcp_input.c, tcp.c. Below: tcp_control.c, tcp_rcvspace.c.
 * Context: BH off; owner of the socket (backlog), or softirq while nobody owns it. tcp_cleanup_rbuf: owner.
 * Owns: nothing.
 * Specs: RFC 9293 3.8.6.2.2, 3.8.6.3, MUST-40, MUST-58; RFC 5681 4.2; RFC 1122 4.2.3.2, 4.2.3.3.
 */
#include "tcp_internal.h"

#define TCP_MIN_MSS 88u

/* Immediate ACKs for half of a window of segments: till then the sender has left slow start, or never will. */
static void tcp_incr_quickack(struct tcp_sock *tp)
{
	u32 n = tp->rcv_wnd / (2 * tp->rcv_mss);

	n = min(n ? n : 2, TCP_MAX_QUICKACKS);
	tp->quick = (u8)max(n, (u32)tp->quick);
}

/** tcp_enter_quickack() - the next ACKs go at once: the sender needs them to recover or to open its window. Context: BH off. */
void tcp_enter_quickack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_incr_quickack(tp);
	tp->pingpong = false;
	tp->ato_ns = TCP_DELACK_MIN_NS;
}

/**
 * tcp_measure_rcv_mss() - the guess of the peer's segment size
 * @tp: socket
 * @seg: a segment with text
 *
 * It follows a larger segment at once, a smaller one when it comes twice and is no last piece of something. What ends a write, or looks
 * like it, is remembered: when the application has taken it, the sender waits.
 *
 * Context: owner or softirq.
 */
void tcp_measure_rcv_mss(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	u32 last = tp->last_seg_size, len = seg->len;

	tp->last_seg_size = 0;
	if (len >= tp->rcv_mss) {
		tp->rcv_mss = min(len, tp->advmss - tcp_tstamp_len(tp));
		if (seg->flags & TCPHDR_PSH)
			tp->ack_pending |= TCP_ACK_PUSHED;
		return;
	}
	if (len + seg->optlen >= TCP_MSS_DEFAULT ||
	    (len + seg->optlen >= TCP_MIN_MSS && !(seg->flags & TCPHDR_PSH))) {
		len = len + seg->optlen - tcp_tstamp_len(tp); /* free of what SACK takes */
		tp->last_seg_size = (u16)min(len, 65535u);
		if (len == last) {
			tp->rcv_mss = len;
			return;
		}
	}
	if (tp->ack_pending & TCP_ACK_PUSHED)
		tp->ack_pending |= TCP_ACK_PUSHED2;
	tp->ack_pending |= TCP_ACK_PUSHED;
}

/* Segments come @gap_ns apart: the delay of an ACK goes half of the way towards what would catch the next one. */
static void tcp_update_ato(struct tcp_sock *tp, u64 gap_ns)
{
	if (gap_ns <= TCP_DELACK_MIN_NS / 2)
		tp->ato_ns = tp->ato_ns / 2 + (u32)TCP_DELACK_MIN_NS / 2;
	else if (gap_ns < tp->ato_ns)
		tp->ato_ns = tcp_ato_bound(tp, tp->ato_ns / 2 + gap_ns);
	else if (gap_ns > tcp_rto_ns(tp))
		tcp_incr_quickack(tp); /* the sender was silent long enough to start slowly */
}

/**
 * tcp_event_data_recv() - text arrived that is new: an ACK is due, sizes and times are learned
 * @sk: socket
 * @skb: the segment
 * @seg: its fields
 *
 * Context: BH off.
 */
void tcp_event_data_recv(struct sock *sk, const struct sk_buff *skb, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns();

	tp->ack_pending |= TCP_ACK_SCHED;
	tcp_measure_rcv_mss(tp, seg);
	tcp_rcv_rtt_measure(tp, seg);
	if (!tp->ato_ns) {
		tcp_incr_quickack(tp);
		tp->ato_ns = TCP_DELACK_MIN_NS;
	} else {
		tcp_update_ato(tp, now - tp->lrcvtime_ns);
	}
	tp->lrcvtime_ns = now;
	if (skb->len >= 128)
		tcp_grow_window(sk, skb);
}

/*
 * There is a hole, and three ACKs have said so: those for further segments are joined for a twentieth of the round trip, but not longer than
 * tcp_comp_sack_delay_ns nor for more than tcp_comp_sack_nr segments. Return: this one waits for the timer.
 */
static bool tcp_compress_sack(struct sock *sk)
{
	const struct tcp_net *tn = tcp_net_of(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u32 rtt8 = tp->rcv_rtt8_us;

	if (!tp->sack_ok || tp->compressed_ack >= tn->comp_sack_nr)
		return false;
	if (tp->compressed_rcv_nxt != tp->rcv_nxt) {
		tp->compressed_rcv_nxt = tp->rcv_nxt;
		tp->dup_acks = 0;
	}
	if (tp->dup_acks < TCP_DUPACK_THRESH) {
		tp->dup_acks++;
		return false;
	}
	if (tp->rtt.srtt8_us && tp->rtt.srtt8_us < rtt8)
		rtt8 = tp->rtt.srtt8_us;
	if (!rtt8)
		return false; /* nothing to take a twentieth of */
	if (tp->compressed_ack++)
		return true;
	tp->ack_pending |= TCP_ACK_SCHED | TCP_ACK_TIMER;
	tcp_reset_timer(sk, &tp->delack_timer,
			ktime_get_ns() +
				min((u64)tn->comp_sack_delay_ns, rtt8 * NSEC_PER_USEC / 8 / 20));
	return true;
}

/**
 * tcp_ack_snd_check() - acknowledges what came: now, or with a delay
 *
 * Now: asked for; more than a full segment unacknowledged; immediate ACKs are still granted and this is no dialogue; or a hole exists, and
 * its ACKs are not joined.
 *
 * Context: BH off.
 */
void tcp_ack_snd_check(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(tp->ack_pending & (TCP_ACK_SCHED | TCP_ACK_NOW)) || sk->sk_state == TCP_CLOSE)
		return;
	if ((tp->ack_pending & TCP_ACK_NOW) || tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss ||
	    (tp->quick && !tp->pingpong))
		tcp_send_ack(sk);
	else if (skb_queue_empty(&tp->out_of_order_queue))
		tcp_send_delayed_ack(sk);
	else if (!tcp_compress_sack(sk))
		tcp_send_ack(sk);
}

/* An ACK is due, and the reader has taken what it is for: more than a segment, or the end of a write that nobody answers. */
static bool tcp_read_wants_ack(const struct sock *sk, u32 copied)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!(tp->ack_pending & TCP_ACK_SCHED))
		return false;
	if (tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss)
		return true;
	return copied && !sk->sk_rmem_alloc &&
	       ((tp->ack_pending & TCP_ACK_PUSHED2) ||
		((tp->ack_pending & TCP_ACK_PUSHED) && !tp->pingpong));
}

/**
 * tcp_cleanup_rbuf() - the application took @copied bytes: the peer may want to know
 *
 * An ACK that is due goes when its text was read (see above). A window update goes when what can be offered is at least twice what
 * the peer knows (RFC 1122, 4.2.3.3).
 *
 * Context: owner.
 */
void tcp_cleanup_rbuf(struct sock *sk, u32 copied)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 known = tcp_receive_window(tp), can;

	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	if (tcp_read_wants_ack(sk, copied)) {
		tcp_send_ack(sk);
		return;
	}
	if (!copied || (sk->sk_shutdown & RCV_SHUTDOWN) || 2 * known > tp->window_clamp)
		return;
	can = min(tcp_select_window_size(sk),
		  65535u << tp->rcv_wscale); /* as the peer would see it */
	if (can && can >= 2 * known)
		tcp_send_ack(sk);
}
