// SPDX-License-Identifier: MIT
/*
 * How large a receive window is worth its memory: as much as the application took in the last round trip, twice over, and more while that
 * grows. The receiver measures the round trip for itself, by echoed timestamps or by the time that a window of data takes.
 *
 * Interface: tcp_init_buffer_space, tcp_initialize_rcv_mss, tcp_rcv_rtt_measure, tcp_rcv_space_adjust, tcp_grow_window, tcp_clamp_window
 * Above: tcp_delack.c, tcp_data.c, tcp.c. Below: tcp_window.c, tcp_tstamp.c.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 9293 3.8.6; RFC 7323 4 (measuring); Linux ip-sysctl.rst (tcp_moderate_rcvbuf, tcp_rmem).
 */
#include "tcp_internal.h"

#define TCP_MIN_RCV_MSS 88u

/** tcp_initialize_rcv_mss() - a first, careful guess at the size of the peer's segments. Context: owner or softirq. */
void tcp_initialize_rcv_mss(struct tcp_sock *tp)
{
	u32 hint = min(tp->advmss - tcp_tstamp_len(tp), tp->mss_cache);

	hint = min(hint, tp->rcv_wnd / 2);
	hint = min(hint, TCP_MSS_DEFAULT);
	tp->rcv_mss = max(hint, TCP_MIN_RCV_MSS);
}

/**
 * tcp_init_buffer_space() - the handshake is complete: the window may grow to what the buffer holds less one segment
 *
 * Context: BH off.
 */
void tcp_init_buffer_space(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 full = tcp_full_space(sk), advmss = tp->advmss - tcp_tstamp_len(tp);
	u32 app_win = tcp_net_of(sk)->app_win;

	tp->rcvq_ns = ktime_get_ns();
	tp->rcvq_seq = tp->copied_seq;
	if (tp->window_clamp >= full) {
		tp->window_clamp = full;
		if (app_win && full > 4 * advmss)
			tp->window_clamp = max(full - (full >> app_win), 4 * advmss);
	}
	if (app_win && tp->window_clamp > 2 * advmss && tp->window_clamp + advmss > full)
		tp->window_clamp = max(2 * advmss, full - advmss);
	tp->rcv_ssthresh = min(tp->rcv_wnd, tp->window_clamp);
	tp->rcvq_space = min(tp->rcv_ssthresh, TCP_INIT_CWND * advmss);
}

/* One more sample. What depends on the window is a bound from above: the least counts. */
static void tcp_rcv_rtt_update(struct tcp_sock *tp, u32 us, bool by_window)
{
	u32 now8 = min(us, 60000000u) * 8;

	if (!tp->rcv_rtt8_us || (by_window && now8 < tp->rcv_rtt8_us))
		tp->rcv_rtt8_us = now8;
	else if (!by_window)
		tp->rcv_rtt8_us += now8 / 8 - tp->rcv_rtt8_us / 8; /* modulo 2^32 */
}

/* By the time that a whole window takes to arrive. */
static void tcp_rcv_rtt_by_window(struct tcp_sock *tp, u64 now)
{
	if (tp->rcv_rtt_ns) {
		if (before(tp->rcv_nxt, tp->rcv_rtt_seq))
			return;
		tcp_rcv_rtt_update(
			tp,
			(u32)min(max((now - tp->rcv_rtt_ns) / NSEC_PER_USEC, 1ULL), 60000000ULL),
			true);
	}
	tp->rcv_rtt_seq = tp->rcv_nxt + tp->rcv_wnd;
	tp->rcv_rtt_ns = now;
}

/**
 * tcp_rcv_rtt_measure() - a segment with text came: what it says of the round trip
 *
 * Context: owner or softirq.
 */
void tcp_rcv_rtt_measure(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	u32 us;

	tcp_rcv_rtt_by_window(tp, ktime_get_ns());
	/* A full segment whose echo is new was sent because of what we sent then. */
	if (!tp->tstamp_ok || !seg->opt.tstamp_ok || seg->opt.tsecr == tp->rcv_rtt_tsecr ||
	    seg->end_seq - seg->seq < tp->rcv_mss)
		return;
	tp->rcv_rtt_tsecr = seg->opt.tsecr;
	us = tcp_tsecr_rtt_us(tp, seg);
	if (us != UINT32_MAX)
		tcp_rcv_rtt_update(tp, us, false);
}

/**
 * tcp_rcv_space_adjust() - the application took data: once per round trip, the buffer follows how much it was
 *
 * Twice that, so that a loss does not stop the peer, and four times while it doubles. Never above tcp_rmem, never when SO_RCVBUF was set.
 *
 * Context: owner.
 */
void tcp_rcv_space_adjust(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns(), win, buf;
	u32 copied;

	if (!tp->rcv_rtt8_us || (now - tp->rcvq_ns) / NSEC_PER_USEC < tp->rcv_rtt8_us / 8)
		return;
	copied = tp->copied_seq - tp->rcvq_seq;
	if (copied > tp->rcvq_space) {
		if (tcp_net_of(sk)->moderate_rcvbuf && !(sk->sk_userlocks & SOCK_RCVBUF_LOCK)) {
			win = 2ULL * copied + 16ULL * tp->advmss;
			win += 2 * (win * (copied - tp->rcvq_space) / max(tp->rcvq_space, 1u));
			buf = min(2 * win, (u64)tcp_net_of(sk)->rmem[2]);
			if (buf > sk->sk_rcvbuf) {
				sk->sk_rcvbuf = (u32)buf;
				tp->window_clamp = tcp_full_space(sk);
			}
		}
		tp->rcvq_space = copied;
	}
	tp->rcvq_seq = tp->copied_seq;
	tp->rcvq_ns = now;
}

/**
 * tcp_grow_window() - a segment came whose bytes are worth their buffer: more of the buffer may be announced
 * @sk: socket
 * @skb: the segment
 *
 * A small one in a large buffer moves the window only while much of the receive buffer is free.
 *
 * Context: owner or softirq.
 */
void tcp_grow_window(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 limit = min(tp->window_clamp, tcp_space(sk)), incr = 0;
	u32 truesize = skb->truesize / 2, window = tcp_net_of(sk)->rmem[2] / 4;

	if (limit <= tp->rcv_ssthresh)
		return;
	if (truesize <= skb->len)
		incr = 2 * tp->advmss;
	for (; !incr && window >= tp->rcv_ssthresh; window /= 2, truesize /= 2)
		if (truesize <= skb->len)
			incr = 2 * tp->rcv_mss;
	if (!incr)
		return;
	incr = max(incr, 2 * skb->len);
	tp->rcv_ssthresh += min(limit - tp->rcv_ssthresh, incr);
	tp->quick |= 1;
}

/**
 * tcp_clamp_window() - the receive buffer is full: it grows to what it holds, as far as tcp_rmem lets it, and the window shrinks
 *
 * Context: owner or softirq.
 */
void tcp_clamp_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->quick = 0;
	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK) && sk->sk_rcvbuf < tcp_net_of(sk)->rmem[2])
		sk->sk_rcvbuf = max(sk->sk_rcvbuf, min(sk->sk_rmem_alloc, tcp_net_of(sk)->rmem[2]));
	if (sk->sk_rmem_alloc > sk->sk_rcvbuf)
		tp->rcv_ssthresh = min(tp->window_clamp, 2u * tp->advmss);
}
