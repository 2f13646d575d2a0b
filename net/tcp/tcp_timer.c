// SPDX-License-Identifier: MIT
/*
 * What happens when nothing happens: retransmission, window probe, delayed ACK, keep-alive, end of FIN-WAIT-2.
 *
 * A timer that fires while a thread owns the socket leaves a bit; release_sock() runs the work (tcp_release_cb).
 *
 * Interface: tcp_init_xmit_timers, tcp_release_cb, tcp_set_keepalive, tcp_keepalive_time_set, tcp_fin_time_ns, tcp_fin_wait2_orphan,
 * tcp_revert_backoff
 * Above: tcp_minisocks.c, tcp_input.c, tcp_ipv4.c, tcp.c. Below: tcp_recovery.c, tcp_tlp.c, tcp_control.c.
 * Context: handlers in TIMER_SOFTIRQ; tcp_release_cb in process context with BH off.
 * Owns: nothing; a pending timer and a deferred bit hold one reference on the socket each.
 * Specs: RFC 6298 5; RFC 6069 3; RFC 9293 3.8.3, 3.8.4, 3.8.6.1; RFC 1122 4.2.3.5, 4.2.3.6; RFC 5482 (user timeout).
 */
#include "tcp_internal.h"

#include <net/ip.h>

/** tcp_fin_time_ns() - how long an orphan waits in FIN-WAIT-2. Context: any. Return: ns; 0: not at all. */
u64 tcp_fin_time_ns(const struct sock *sk)
{
	s32 s = tcp_sk(sk)->linger2;

	return (u64)(s > 0 ? (u32)s : tcp_net_of(sk)->fin_timeout) * NSEC_PER_SEC;
}

/**
 * tcp_fin_wait2_orphan() - the application is gone and our FIN acknowledged: nothing but the peer's FIN is waited for
 * @sk: orphan in FIN-WAIT-2, without a segment to be processed
 *
 * For the last 60 s of that a mini socket will do.
 *
 * Context: BH off; the caller holds a reference.
 */
void tcp_fin_wait2_orphan(struct sock *sk)
{
	u64 wait = tcp_fin_time_ns(sk);

	if (wait > TCP_TIMEWAIT_NS)
		tcp_reset_timer(sk, &tcp_sk(sk)->keepalive_timer,
				ktime_get_ns() + wait - TCP_TIMEWAIT_NS);
	else
		tcp_time_wait(sk, TCP_FIN_WAIT2, wait);
}

/* The peer is silent for good: reported as the last soft error, or ETIMEDOUT. */
static void tcp_write_err(struct sock *sk) __needs(softirq_ctx, sk)
{
	NET_INC_STATS(sk->sk_net, TCPAbortOnTimeout);
	tcp_abort_with(sk, sk->sk_err_soft ? sk->sk_err_soft : ETIMEDOUT);
}

/* Time since the first retransmission that is still unanswered; 0: there was none. */
static u64 tcp_stalled_ns(const struct tcp_sock *tp)
{
	return tp->retrans_stamp_ns ? ktime_get_ns() - tp->retrans_stamp_ns : 0;
}

/*
 * The retransmissions have lasted as long as @retries of them would on a fast path, or the user timeout instead if there is one: a count
 * becomes a time, which a long round trip does not stretch.
 */
static bool tcp_timed_out(const struct sock *sk, u32 retries, bool user)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool syn = sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV;
	u64 limit = tp->user_timeout_ms * NSEC_PER_MSEC;

	if (!tp->retrans_stamp_ns ||
	    (!tp->retransmits && !syn)) /* a fast retransmission is no timeout */
		return false;
	if (!user || !limit)
		limit = tcp_rto_model_ns(syn ? TCP_TIMEOUT_INIT_NS : TCP_RTO_MIN_NS, retries);
	return tcp_stalled_ns(tp) >= limit;
}

/*
 * Retries of what nobody here waits for any more. tcp_orphan_retries 0: eight while the peer may still answer. @alive: the timeout has not
 * grown to its limit.
 */
static u32 tcp_orphan_retries(const struct sock *sk, bool alive)
{
	u32 retries = tcp_net_of(sk)->orphan_retries;

	if (sk->sk_err_soft && !alive)
		return 0; /* a router says why */
	return retries || !alive ? retries : 8;
}

/* A SYN, or the SYN-ACK of Fast Open, has gone out often enough. */
static bool tcp_syn_timed_out(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_net *tn = tcp_net_of(sk);
	u32 retries = tp->fo_child ? tn->synack_retries : tn->syn_retries;

	retries = tp->syn_retries ? tp->syn_retries : retries;
	/* What this host refused was not counted, but its time is over all the same. */
	return tp->retransmits >= retries || tcp_timed_out(sk, retries, true);
}

/* RFC 9293, 3.8.3: beyond R1 the route is asked anew, beyond R2 the connection is given up. Return: it is. */
static bool tcp_write_timeout(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_net *tn = tcp_net_of(sk);
	u32 retries = tn->retries2;
	bool give_up;

	if (sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV) {
		give_up = tcp_syn_timed_out(sk);
	} else if (!tp->snd_wnd && !sock_flag(sk, SOCK_DEAD)) {
		/* Pulled back: these are probes, and who answers lives (MUST-37). */
		give_up = ktime_get_ns() - tp->rcv_tstamp_ns > TCP_RTO_MAX_NS;
	} else {
		if (tcp_timed_out(sk, tn->retries1, false)) {
			tcp_mtu_probing(sk, 1);
			if (sk->sk_dst_cache)
				sk_dst_set(sk, NULL);
		}
		if (sock_flag(sk, SOCK_DEAD))
			retries = tcp_orphan_retries(sk, tcp_rto_ns(tp) < TCP_RTO_MAX_NS);
		give_up = tcp_timed_out(sk, retries, true);
	}
	if (give_up)
		tcp_write_err(sk);
	return give_up;
}

/* When to look again: the backed-off timeout, but not later than the user timeout. */
static u64 tcp_next_rto(const struct tcp_sock *tp)
{
	u64 rto = tcp_rto_ns(tp), limit = tp->user_timeout_ms * NSEC_PER_MSEC, stalled;

	if (!limit)
		return rto;
	stalled = tcp_stalled_ns(tp);
	return stalled >= limit ? NSEC_PER_MSEC : min(rto, limit - stalled);
}

/* So little is out that no duplicate ACK can tell of a loss, and the connection is past its beginning. */
static bool tcp_stream_is_thin(const struct tcp_sock *tp)
{
	return tp->packets_out < 4 && tp->cc.ssthresh < TCP_INFINITE_SSTHRESH;
}

/* One more timeout without an answer: the next one waits twice as long. */
static void tcp_back_off(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->retrans_stamp_ns)
		tp->retrans_stamp_ns = ktime_get_ns();
	if (tp->retransmits < UINT8_MAX)
		tp->retransmits++;
	if (tcp_net_of(sk)->thin_linear_timeouts && tcp_stream_is_thin(tp) &&
	    sk->sk_state == TCP_ESTABLISHED && tp->retransmits <= TCP_THIN_LINEAR_RETRIES)
		tp->backoff = 0;
	else if (tp->backoff < TCP_MAX_BACKOFF)
		tp->backoff++;
	tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, tcp_next_rto(tp));
}

/* In which state the timeout found the connection. */
static void tcp_count_failure(struct sock *sk) __needs(sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 *mib = sk->sk_net->mib.tcpext;

	if (tp->ca_state == TCP_CA_Recovery)
		mib[tp->sack_ok ? LINUX_MIB_TCPSackRecoveryFail : LINUX_MIB_TCPRenoRecoveryFail]++;
	else if (tp->ca_state == TCP_CA_Loss)
		mib[LINUX_MIB_TCPLossFailures]++;
	else if (tp->ca_state == TCP_CA_Disorder || tp->sacked_out)
		mib[tp->sack_ok ? LINUX_MIB_TCPSackFailures : LINUX_MIB_TCPRenoFailures]++;
}

static void tcp_retransmit_timer(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err;

	if (!tp->packets_out)
		return;
	if (tcp_write_timeout(sk))
		return;
	if (skb_fclone_busy(tcp_rtx_head(tp), sk)) {
		/* It has not left this host (ARP, a stopped queue): a second copy behind it helps nobody, and no path was slow. */
		NET_INC_STATS(sk->sk_net, TCPSpuriousRtxHostQueues);
		tcp_back_off(sk);
		return;
	}
	if (!tp->retransmits) {
		NET_INC_STATS(sk->sk_net, TCPTimeouts);
		tcp_count_failure(sk);
	}
	tcp_enter_loss(sk);
	if (!tp->retrans_stamp_ns)
		tp->retrans_stamp_ns = ktime_get_ns();
	err = tcp_retransmit_skb(sk, tcp_rtx_head(tp), 1);
	if (tcp_no_room(err)) { /* in our own host: that says nothing about the path */
		tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS,
				     min(tcp_rto_ns(tp), TCP_RESOURCE_PROBE_NS));
		return;
	}
	tcp_back_off(sk);
}

/**
 * tcp_revert_backoff() - a router had no way for the first segment out: that was no congestion, and the last doubling of the timeout is taken back
 * @sk: socket
 *
 * Only when the timeout sent that segment again. When the timeout is over now, it goes once more at once (RFC 6069, 3).
 *
 * Context: BH off, nobody else owns the socket; the caller holds a reference.
 */
void tcp_revert_backoff(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head = tcp_rtx_head(tp);
	u64 due, now = ktime_get_ns();

	if (!head || !tp->retransmits || !tp->backoff || tp->pending != TCP_TIME_RETRANS)
		return;
	tp->backoff--;
	due = head->tstamp_ns + tcp_rto_ns(tp);
	if (due > now) {
		tcp_reset_xmit_timer(sk, TCP_TIME_RETRANS, due - now);
	} else {
		tcp_clear_xmit_timer(sk);
		tcp_retransmit_timer(sk);
	}
}

/*
 * What this host refused is tried again: the first SYN, or what is marked lost. When the timeout is due that this stood before,
 * it is that one's turn. A refusal that lasts is not hammered.
 */
static void tcp_refused_timer(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 due = tp->rto_due_ns, now = ktime_get_ns();

	if (now >= due) {
		tcp_retransmit_timer(sk);
		return;
	}
	if (sk->sk_state != TCP_SYN_SENT)
		tcp_xmit_retransmit_queue(sk);
	else if (tcp_no_room(tcp_retry_syn(sk)))
		tcp_retry_refused(sk);
	if (tp->pending == TCP_TIME_REFUSED) {
		tp->rto_due_ns = due;
		tcp_reset_xmit_timer(sk, TCP_TIME_REFUSED, min(due - now, TCP_RESOURCE_PROBE_NS));
	} else {
		tcp_rearm_rto(sk);
	}
}

/*
 * RFC 9293 MUST-36: a peer that answers may keep its window shut for ever. One that is silent is given up like lost
 * data; an orphan holds no memory for long, answered or not (Sockstress).
 */
static void tcp_probe_timer(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 retries = tcp_net_of(sk)->retries2;
	u64 now = ktime_get_ns();
	bool give_up = false;

	if (tp->packets_out || !tcp_send_head(sk)) {
		tp->probes_out = 0;
		tp->probe_stamp_ns = 0;
		return;
	}
	if (sock_flag(sk, SOCK_DEAD)) {
		bool alive = tcp_rto_ns(tp) < TCP_RTO_MAX_NS;

		retries = tcp_orphan_retries(sk, alive);
		give_up = !alive && tp->backoff >= retries;
	}
	if (!tp->probe_stamp_ns)
		tp->probe_stamp_ns = now;
	else if (tp->user_timeout_ms &&
		 now - tp->probe_stamp_ns >= tp->user_timeout_ms * NSEC_PER_MSEC)
		give_up = true; /* answered or not: the text did not go */
	if (tp->probes_out >= retries)
		give_up = true;
	if (give_up)
		tcp_write_err(sk);
	else
		tcp_send_probe0(sk);
}

static void tcp_write_timer_run(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	enum tcp_time what = tp->pending;

	if (sk->sk_state == TCP_CLOSE || what == TCP_TIME_NONE || timer_pending(&tp->write_timer))
		return; /* nothing to do, or armed anew since it fired */
	if (what ==
	    TCP_TIME_REO) { /* they leave the timeout in their place, as if they had not been */
		tcp_rack_reo_timeout(sk);
		return;
	}
	if (what == TCP_TIME_LOSS_PROBE) {
		tcp_send_loss_probe(sk);
		return;
	}
	tp->pending = TCP_TIME_NONE;
	if (what == TCP_TIME_RETRANS)
		tcp_retransmit_timer(sk);
	else if (what == TCP_TIME_FIN)
		tcp_send_owed_fin(sk);
	else if (what == TCP_TIME_REFUSED)
		tcp_refused_timer(sk);
	else
		tcp_probe_timer(sk);
}

static void tcp_delack_timer_run(struct sock *sk) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sk->sk_state == TCP_CLOSE || !(tp->ack_pending & TCP_ACK_TIMER) ||
	    timer_pending(&tp->delack_timer))
		return;
	tp->ack_pending &= (u8)~TCP_ACK_TIMER;
	if (!(tp->ack_pending & TCP_ACK_SCHED))
		return;
	if (tp->compressed_ack) { /* the one that goes is not saved */
		tp->compressed_ack--;
		tcp_send_ack(sk);
		return;
	}
	if (tp->pingpong) { /* no answer took the ACK along: not a dialogue */
		tp->pingpong = false;
		tp->ato_ns = TCP_DELACK_MIN_NS;
	} else { /* nor did a second segment: they come further apart */
		tp->ato_ns = tcp_ato_bound(tp, 2ULL * tp->ato_ns);
	}
	NET_INC_STATS(sk->sk_net, DelayedACKs);
	tcp_send_ack(sk);
}

static u64 tcp_keepalive_time(const struct sock *sk)
{
	u32 s = tcp_sk(sk)->keepalive_time;

	return (u64)(s ? s : tcp_net_of(sk)->keepalive_time) * NSEC_PER_SEC;
}

static u64 tcp_keepalive_intvl(const struct sock *sk)
{
	u32 s = tcp_sk(sk)->keepalive_intvl;

	return (u64)(s ? s : tcp_net_of(sk)->keepalive_intvl) * NSEC_PER_SEC;
}

/* An idle connection: a probe when it was silent long enough (RFC 9293, 3.8.4). Return: when to come again, 0 never. */
static u64 tcp_keepalive_probe(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 probes = tp->keepalive_probes ? tp->keepalive_probes : tcp_net_of(sk)->keepalive_probes;
	u64 idle = ktime_get_ns() - tp->rcv_tstamp_ns, time = tcp_keepalive_time(sk);
	bool over;

	if (tp->packets_out || tcp_send_head(sk))
		return time; /* the retransmission timer watches */
	if (idle < time)
		return time - idle;
	over = tp->keepalive_sent >= probes;
	if (tp->user_timeout_ms)
		over = tp->keepalive_sent && idle >= tp->user_timeout_ms * NSEC_PER_MSEC;
	if (over) {
		tcp_send_active_reset(sk);
		tcp_write_err(sk);
		return 0;
	}
	if (!tcp_write_wakeup(sk)) {
		tp->keepalive_sent++;
		NET_INC_STATS(sk->sk_net, TCPKeepAlive);
		return tcp_keepalive_intvl(sk);
	}
	return TCP_RESOURCE_PROBE_NS;
}

static void tcp_keepalive_timer_run(struct sock *sk) __needs(softirq_ctx, sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 again;

	if (sk->sk_state == TCP_CLOSE || timer_pending(&tp->keepalive_timer))
		return;
	if (sk->sk_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD)) {
		if (tcp_fin_time_ns(sk) > TCP_TIMEWAIT_NS)
			tcp_time_wait(sk, TCP_FIN_WAIT2, TCP_TIMEWAIT_NS);
		else
			tcp_done(sk); /* the peer never closed: late segments meet a RST */
		return;
	}
	if (!sock_flag(sk, SOCK_KEEPOPEN) || sk->sk_state == TCP_SYN_SENT ||
	    sk->sk_state == TCP_LISTEN)
		return;
	again = tcp_keepalive_probe(sk);
	if (again)
		tcp_reset_timer(sk, &tp->keepalive_timer, ktime_get_ns() + again);
}

/* --- Firing, deferral --------------------------------------------------------------------------------------------------- */

/* Runs @fn now, or leaves @bit (and the timer's reference) for release_sock(). */
static void tcp_timer_fired(struct sock *sk, enum tcp_deferred bit, void (*fn)(struct sock *sk))
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!sock_owned_by_user(sk)) {
		sock_owned_by_me(sk);
		fn(sk);
		sock_put(sk);
		return;
	}
	if (tp->deferred & bit)
		sock_put(sk);
	else
		tp->deferred |= (u8)bit;
}

static void tcp_write_timer(struct timer *t)
{
	tcp_timer_fired(&container_of(t, struct tcp_sock, write_timer)->sk, TCP_DEFER_WRITE,
			tcp_write_timer_run);
}

static void tcp_delack_timer(struct timer *t)
{
	struct sock *sk = &container_of(t, struct tcp_sock, delack_timer)->sk;

	if (sock_owned_by_user(sk))
		NET_INC_STATS(sk->sk_net, DelayedACKLocked);
	tcp_timer_fired(sk, TCP_DEFER_DELACK, tcp_delack_timer_run);
}

static void tcp_keepalive_timer(struct timer *t)
{
	tcp_timer_fired(&container_of(t, struct tcp_sock, keepalive_timer)->sk, TCP_DEFER_KEEPALIVE,
			tcp_keepalive_timer_run);
}

/* The rate has carried what left: as after a completion. */
static void tcp_pacing_timer(struct timer *t)
{
	tcp_timer_fired(&container_of(t, struct tcp_sock, pacing_timer)->sk, TCP_DEFER_TSQ,
			tcp_tsq_write);
}

/** tcp_init_xmit_timers() - installs the handlers at a socket's birth. Context: process, softirq. */
void tcp_init_xmit_timers(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	timer_setup(&tp->write_timer, tcp_write_timer);
	timer_setup(&tp->delack_timer, tcp_delack_timer);
	timer_setup(&tp->keepalive_timer, tcp_keepalive_timer);
	timer_setup_precise(&tp->pacing_timer, tcp_pacing_timer);
}

/** tcp_set_keepalive() - SO_KEEPALIVE was switched (struct proto). Context: owner. */
void tcp_set_keepalive(struct sock *sk, bool on)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	if (on && !sock_flag(sk, SOCK_KEEPOPEN))
		tcp_reset_timer(sk, &tp->keepalive_timer, ktime_get_ns() + tcp_keepalive_time(sk));
	else if (!on)
		tcp_stop_timer(sk, &tp->keepalive_timer);
}

/**
 * tcp_keepalive_time_set() - TCP_KEEPIDLE was set: the silence until now counts, in every state that has a peer
 *
 * Context: owner.
 */
void tcp_keepalive_time_set(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns();

	sock_owned_by_me(sk);
	if (sock_flag(sk, SOCK_KEEPOPEN) && sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		tcp_reset_timer(sk, &tp->keepalive_timer,
				max(now, tp->rcv_tstamp_ns + tcp_keepalive_time(sk)));
}

/**
 * tcp_release_cb() - deferred work when the owner lets go (struct proto)
 *
 * Context: process with BH off; the caller holds a reference.
 */
void tcp_release_cb(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 todo = tp->deferred;

	tp->deferred = 0;
	if (todo & TCP_DEFER_WRITE) {
		tcp_write_timer_run(sk);
		sock_put(sk);
	}
	if (todo & TCP_DEFER_DELACK) {
		tcp_delack_timer_run(sk);
		sock_put(sk);
	}
	if (todo & TCP_DEFER_KEEPALIVE) {
		tcp_keepalive_timer_run(sk);
		sock_put(sk);
	}
	if (todo & TCP_DEFER_MTU)
		tp->icsk_af_ops->mtu_reduced(sk);
	if (todo & TCP_DEFER_NO_WAY)
		tcp_revert_backoff(sk);
	/* Else the peer has answered since, or the connection is over. */
	if ((todo & TCP_DEFER_ERR) && sk->sk_err_soft && sk->sk_state != TCP_CLOSE)
		tcp_unreachable(sk, count_take(&sk->sk_err_soft));
	if (todo & TCP_DEFER_TSQ) {
		tcp_tsq_write(sk);
		sock_put(sk);
	}
}
