// SPDX-License-Identifier: MIT
/*
 * The receive window: how much the buffer is good for, what is offered in a SYN, what each segment announces.
 *
 * Half of the receive buffer is payload (tcp_adv_win_scale), the rest is what packets cost besides. Of that no more than rcv_ssthresh is announced, which grows
 * with what arrives in good shape (tcp_rcvspace.c).
 *
 * Interface: tcp_full_space, tcp_space, tcp_initial_window, tcp_select_window_size, tcp_select_window
 * Above: tcp_transmit.c and all further right. Below: nothing.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 9293 3.8.6, SHLD-14; RFC 1122 4.2.3.3; RFC 7323 2.
 */
#include "tcp_internal.h"

/* So much of @space bytes of buffer is payload (tcp_adv_win_scale); the rest is what packets cost besides. */
static u32 tcp_win_from_space(const struct sock *sk, u32 space)
{
	s32 scale = tcp_net_of(sk)->adv_win_scale;

	return scale <= 0 ? space >> -scale : space - (space >> scale);
}

/* What 16 bits of window say, for those who take them for signed. */
static u32 tcp_unscaled_limit(const struct sock *sk)
{
	return tcp_net_of(sk)->workaround_signed_windows ? 32767 : 65535;
}

/** tcp_full_space() - bytes of payload the receive buffer is good for. Context: any. Return: bytes. */
u32 tcp_full_space(const struct sock *sk)
{
	return tcp_win_from_space(sk, sk->sk_rcvbuf);
}

/** tcp_space() - the same of what is free now. Context: any. Return: bytes. */
u32 tcp_space(const struct sock *sk)
{
	u32 used = sk->sk_rmem_alloc + sk->sk_backlog_len;

	return sk->sk_rcvbuf > used ? tcp_win_from_space(sk, sk->sk_rcvbuf - used) : 0;
}

/**
 * tcp_initial_window() - what a SYN or SYN-ACK offers
 * @sk: the socket, or the listener of what will be one
 * @seg: payload of the peer's segments: the window is a whole number of them
 * @wscale: set to the shift with which the largest buffer can be announced
 *
 * Context: owner or softirq. Return: bytes, 65535 at most.
 */
u32 tcp_initial_window(const struct sock *sk, u32 seg, u8 *wscale)
{
	u32 clamp = tcp_sk(sk)->window_clamp, space = min(tcp_full_space(sk), clamp);
	u32 larger = max(tcp_net_of(sk)->rmem[2], sk->sk_net->core.rmem_max);
	u32 most = sk->sk_userlocks & SOCK_RCVBUF_LOCK ? space : max(space, larger);

	*wscale = tcp_select_wscale(min(most, clamp));
	return min(space > seg ? space / seg * seg : space, tcp_unscaled_limit(sk));
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
	u32 full = min(tp->window_clamp, tcp_full_space(sk)), space = tcp_space(sk);
	u32 mss = min(tp->rcv_mss, full), win = tp->rcv_wnd;

	if (!mss)
		return 0;
	if (space < full / 2) {
		tp->quick = 0; /* the sender is fast enough for us */
		space = space >> tp->rcv_wscale << tp->rcv_wscale;
		if (space < tcp_full_space(sk) / 16 || space < mss)
			return 0;
	}
	space = min(space, tp->rcv_ssthresh);
	if (tp->rcv_wscale)
		return ALIGN(space, 1u << tp->rcv_wscale);
	if (win + mss <= space || win > space)
		return space / mss * mss;
	if (mss == full && space > win + full / 2)
		return space;
	return win;
}

/** tcp_select_window() - chooses the window of an outgoing segment and remembers what was promised. Context: owner or softirq. Return: the 16 bits on the wire. */
u16 tcp_select_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 old_win = tp->rcv_wnd, cur = tcp_receive_window(tp), win = tcp_select_window_size(sk);

	if (win < cur) { /* RFC 9293 SHLD-14: never shrink */
		if (win == 0)
			NET_INC_STATS(sk->sk_net, TCPWantZeroWindowAdv);
		win = ALIGN(cur, 1u << tp->rcv_wscale);
	}
	win = min(win, tp->rcv_wscale ? 65535u << tp->rcv_wscale : tcp_unscaled_limit(sk));
	tp->rcv_wnd = win;
	tp->rcv_wup = tp->rcv_nxt;
	if (win == 0 && old_win)
		NET_INC_STATS(sk->sk_net, TCPToZeroWindowAdv);
	else if (win && old_win == 0)
		NET_INC_STATS(sk->sk_net, TCPFromZeroWindowAdv);
	return (u16)(win >> tp->rcv_wscale);
}
