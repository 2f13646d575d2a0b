// SPDX-License-Identifier: MIT
/*
 * What is left of a connection: mini sockets in TIME-WAIT, and in FIN-WAIT-2 when the application is gone and only the peer's FIN is
 * waited for.
 *
 * Interface: tcp_time_wait, tcp_timewait_process, tcp_timewait_kill, tcp_timewait_gives_way
 * Above: tcp_timer.c, tcp_input.c, tcp_ipv4.c, tcp.c. Below: tcp_state.c, tcp_reply.c, tcp_tstamp.c.
 * Context: BH off.
 * Owns: the mini sockets, by their timer; counted in net->socks_live.
 * Specs: RFC 9293 3.6.1, 3.10.7.4; RFC 1337 (tcp_rfc1337); RFC 6191; RFC 7323 5; RFC 2525 2.17.
 */
#include "tcp_internal.h"

#include <kernel/mm.h>
#include <lib/string.h>

/** tcp_timewait_kill() - the end of a TIME-WAIT. Context: BH off. */
void tcp_timewait_kill(struct net *net, struct tcp_timewait_sock *tw)
{
	(void)del_timer(&tw->timer);
	inet_ehash_remove(&tw->c);
	inet_unbind_port(&tw->c);
	BUG_ON(net->tcp->tw_count == 0 || net->socks_live == 0);
	net->tcp->tw_count--;
	net->socks_live--;
	kfree(tw);
}

static void tcp_timewait_timer(struct timer *t) __needs(softirq_ctx)
{
	struct tcp_timewait_sock *tw = container_of(t, struct tcp_timewait_sock, timer);

	tcp_timewait_kill(tw->c.skc_net, tw);
}

/* The window as its sender knows it. Rounded up, as tcp_select_window() does: the right edge does not move back (RFC 9293 SHLD-14). */
static void tcp_tw_numbers(struct tcp_timewait_sock *tw, const struct tcp_sock *tp)
{
	tw->rcv_nxt = tp->rcv_nxt;
	tw->snd_nxt = tp->snd_nxt;
	tw->rcv_wscale = tp->rcv_wscale;
	tw->rcv_wnd =
		min(ALIGN(tcp_receive_window(tp), 1u << tp->rcv_wscale) >> tp->rcv_wscale, 65535u);
	tw->tstamp_ok = tp->tstamp_ok;
	tw->ts_recent = tp->ts_recent;
	tw->ts_recent_secs = tp->ts_recent_secs;
	tw->ts_off = tp->tsoffset;
}

/**
 * tcp_time_wait() - a mini socket takes the connection's place; the full one is done
 * @sk: socket; caller holds a reference
 * @substate: TCP_TIME_WAIT: both FINs are acknowledged, the 4-tuple is kept for 60 s; TCP_FIN_WAIT2: only the peer's is missing, and there
 *	is nobody to read what comes before it
 * @wait_ns: how long FIN-WAIT-2 lasts; at least 3.5 retransmission timeouts
 *
 * Without memory, or beyond tcp_max_tw_buckets, the connection just ends (TCPTimeWaitOverflow).
 *
 * Context: BH off.
 */
void tcp_time_wait(struct sock *sk, enum tcp_state substate, u64 wait_ns)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->sk_net;
	struct tcp_timewait_sock *tw = NULL;
	u64 rto = tp->rtt.rto_ns;

	if (net->tcp->tw_count < net->tcp->max_tw_buckets)
		tw = kzalloc(sizeof(*tw));
	if (!tw) {
		NET_INC_STATS(net, TCPTimeWaitOverflow);
		tcp_done(sk);
		return;
	}
	memcpy(&tw->c, &sk->__sk_common, sizeof(tw->c));
	tw->c.skc_state = TCP_TIME_WAIT;
	count_set(&tw->c.skc_refcnt, 1);
	INIT_LIST_HEAD(&tw->c.skc_node);
	INIT_LIST_HEAD(&tw->c.skc_bind_node);
	tw->substate = (u8)substate;
	tcp_tw_numbers(tw, tp);
	inet_ehash_replace(net->tcp_hash, &sk->__sk_common, &tw->c);
	inet_inherit_port(net->tcp_hash, &tw->c, sk->sk_num);
	net->tcp->tw_count++;
	net->socks_live++;
	wait_ns = substate == TCP_TIME_WAIT ? TCP_TIMEWAIT_NS : max(wait_ns, 4 * rto - rto / 2);
	if (wait_ns <= TCP_TIMEWAIT_SHORT_NS)
		NET_INC_STATS(net, TWKilled);
	else
		NET_INC_STATS(net, TW);
	timer_setup(&tw->timer, tcp_timewait_timer);
	(void)mod_timer(&tw->timer, ktime_get_ns() + wait_ns);
	tcp_done(sk);
}

/* Beyond all numbers of the old connection, and not 0, which means "choose". */
static u32 tcp_timewait_isn(u32 snd_nxt)
{
	u32 isn = snd_nxt + 65535 + 2;

	return isn ? isn : 1;
}

/**
 * tcp_timewait_gives_way() - a TIME-WAIT gives its 4-tuple to a connection that this host opens (struct proto)
 * @old: who has it
 * @new_: a socket that connects; its first number lies beyond all that the old connection used
 *
 * tcp_tw_reuse 1, or 2 within this host. Only with timestamps, at least a second later: old segments are known by theirs (RFC 6191).
 *
 * Context: softirq, BH off. Return: true: @old is gone.
 */
bool tcp_timewait_gives_way(struct sock_common *old, struct sock_common *new_)
{
	struct tcp_timewait_sock *tw = container_of(old, struct tcp_timewait_sock, c);
	struct net *net = new_->skc_net;
	bool within =
		(ntohl(new_->skc_daddr) >> 24) == 127 || (ntohl(new_->skc_rcv_saddr) >> 24) == 127;

	if (old->skc_state != TCP_TIME_WAIT || !tw->tstamp_ok || !net->tcp->tw_reuse ||
	    (net->tcp->tw_reuse == 2 && !within) ||
	    (u32)(ktime_get_ns() / NSEC_PER_SEC) == tw->ts_recent_secs)
		return false;
	tcp_sk(container_of(new_, struct sock, __sk_common))->write_seq =
		tcp_timewait_isn(tw->snd_nxt);
	NET_INC_STATS(net, TWRecycled);
	tcp_timewait_kill(net, tw);
	return true;
}

/* Where we are. Without text or FIN limited (Linux's tcp_invalid_ratelimit): it may be one half of a loop. */
static void tcp_tw_answer(struct net *net, struct tcp_timewait_sock *tw, const struct tcp_seg *seg,
			  enum tcpext_mib skipped) __needs(softirq_ctx)
{
	bool limited = seg->end_seq == seg->seq || (seg->flags & TCPHDR_SYN);
	const struct tcp_mini_ack a = { .seq = tw->snd_nxt,
					.ack = tw->rcv_nxt,
					.wnd = (u16)tw->rcv_wnd,
					.tstamp_ok = tw->tstamp_ok,
					.ts_off = tw->ts_off,
					.ts_recent = tw->ts_recent };
	u64 now = ktime_get_ns();

	if (limited && now < tw->next_ack_ns) {
		net->mib.tcpext[skipped]++;
		return;
	}
	if (limited)
		tw->next_ack_ns = now + net->tcp->invalid_ratelimit * NSEC_PER_MSEC;
	tcp_v4_send_ack(net, &tw->c, &a);
}

static void tcp_tw_store_ts(struct tcp_timewait_sock *tw, const struct tcp_seg *seg)
{
	if (!tw->tstamp_ok || !seg->opt.tstamp_ok)
		return;
	tw->ts_recent = seg->opt.tsval;
	tw->ts_recent_secs = (u32)(ktime_get_ns() / NSEC_PER_SEC);
}

/*
 * FIN-WAIT-2 with nobody at home: the FIN is taken, text meets a RST (RFC 2525, 2.17), and what is no news is passed over. A SYN is asked
 * back (RFC 5961, 4), like everything outside of the window.
 */
static void tcp_tw_fin_wait2(struct net *net, struct tcp_timewait_sock *tw, struct sk_buff *skb,
			     const struct tcp_seg *seg, bool old) __needs(softirq_ctx)
{
	u32 right = tw->rcv_nxt + (tw->rcv_wnd << tw->rcv_wscale);
	bool within = tcp_in_window(seg->seq, seg->end_seq, tw->rcv_nxt, right);

	testcase(seg->seq == right);
	testcase(seg->end_seq == tw->rcv_nxt);
	if (seg->flags & TCPHDR_RST) {
		if (seg->seq == tw->rcv_nxt && !old)
			tcp_timewait_kill(net, tw);
		else if (within && !old)
			tcp_tw_answer(net, tw, seg, LINUX_MIB_TCPACKSkippedChallenge);
		return;
	}
	if (old || !within || (seg->flags & TCPHDR_SYN)) {
		tcp_tw_answer(net, tw, seg, LINUX_MIB_TCPACKSkippedFinWait2);
		return;
	}
	if (!(seg->flags & TCPHDR_ACK) || !after(seg->end_seq, tw->rcv_nxt) ||
	    seg->end_seq == seg->seq)
		return;
	if (!(seg->flags & TCPHDR_FIN) || seg->end_seq != tw->rcv_nxt + 1) {
		NET_INC_STATS(net, TCPAbortOnData);
		tcp_v4_send_reset(net, skb, seg);
		tcp_timewait_kill(net, tw);
		return;
	}
	tw->substate = TCP_TIME_WAIT;
	tw->rcv_nxt = seg->end_seq;
	tcp_tw_store_ts(tw, seg);
	tcp_tw_answer(net, tw, seg, LINUX_MIB_TCPACKSkippedTimeWait);
	(void)mod_timer(&tw->timer, ktime_get_ns() + TCP_TIMEWAIT_NS);
}

/**
 * tcp_timewait_process() - a segment for a connection of which a mini socket is left
 * @net: instance
 * @tw: mini socket; gone when *isn was set, and after a RST that was heeded
 * @skb: not consumed
 * @seg: its fields
 * @listens: somebody would take a new connection; without him a SYN is old, or a forgery that must not end the wait
 * @isn: set (not 0) when a new SYN may open the connection again: least initial sequence number for it
 *
 * In TIME-WAIT a RST is ignored, unless tcp_rfc1337 is 0 (RFC 1337); a FIN sent again is acknowledged and restarts the 60 s (RFC 9293,
 * 3.10.7.4). A SYN is new when its number is, or, where timestamps were used, its timestamp (RFC 6191).
 *
 * Context: softirq, BH off.
 */
void tcp_timewait_process(struct net *net, struct tcp_timewait_sock *tw, struct sk_buff *skb,
			  const struct tcp_seg *seg, bool listens, u32 *isn)
{
	bool ts = tw->tstamp_ok && seg->opt.tstamp_ok;
	bool old = ts && tcp_paws_reject(tw->ts_recent, tw->ts_recent_secs, seg);

	*isn = 0;
	if (tw->substate == TCP_FIN_WAIT2) {
		tcp_tw_fin_wait2(net, tw, skb, seg, old);
		return;
	}
	if (seg->flags & TCPHDR_RST) {
		if (!net->tcp->rfc1337 && !old && seg->seq == tw->rcv_nxt)
			tcp_timewait_kill(net, tw);
		return;
	}
	if (listens && !old && (seg->flags & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_SYN &&
	    (after(seg->seq, tw->rcv_nxt) || (ts && after(seg->opt.tsval, tw->ts_recent)))) {
		*isn = tcp_timewait_isn(tw->snd_nxt);
		tcp_timewait_kill(net, tw);
		return;
	}
	if (old)
		NET_INC_STATS(net, PAWSEstab);
	if (seg->flags & TCPHDR_FIN)
		(void)mod_timer(&tw->timer, ktime_get_ns() + TCP_TIMEWAIT_NS);
	if (!old && seg->seq == tw->rcv_nxt && seg->end_seq == seg->seq) {
		tcp_tw_store_ts(tw, seg);
		return; /* the last ACK of the peer, once more */
	}
	tcp_tw_answer(net, tw, seg, LINUX_MIB_TCPACKSkippedTimeWait);
}
