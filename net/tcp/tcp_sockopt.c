// SPDX-License-Identifier: MIT
/*
 * Socket options of level SOL_TCP, TCP_INFO included.
 *
 * Interface: tcp_setsockopt, tcp_getsockopt
 * Above: tcp.c (struct proto). Below: tcp_output.c, tcp_control.c, tcp_timer.c; <net/sock.h>, <net/ip.h> for the other levels.
 * Context: process; the socket is not owned on entry.
 * Owns: nothing.
 * Specs: Linux tcp(7); RFC 5482 (user timeout).
 */
#include "tcp_internal.h"

#include <lib/string.h>
#include <net/ip.h>

/* Linux's struct tcp_info. What it does not know itself reads zero: last_ack_sent, fackets. */
struct tcp_info {
	u8 tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
	u8 tcpi_wscale;                    /* low nibble: the peer's, high: ours */
	u8 tcpi_delivery_rate_app_limited; /* bit 0; bits 1, 2: enum tcp_fastopen_fail */
	u32 tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
	u32 tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
	u32 tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
	u32 tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd,
		tcpi_advmss, tcpi_reordering, tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
	u64 tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
	u32 tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in,
		tcpi_data_segs_out;
	u64 tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
	u32 tcpi_delivered, tcpi_delivered_ce;
	u64 tcpi_bytes_sent, tcpi_bytes_retrans;
	u32 tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd;
};
_Static_assert(sizeof(struct tcp_info) == 232, "ABI");
enum tcpi_options {
	TCPI_OPT_TIMESTAMPS = 1,
	TCPI_OPT_SACK = 2,
	TCPI_OPT_WSCALE = 4,
	TCPI_OPT_ECN = 8,
	TCPI_OPT_ECN_SEEN = 16,
	TCPI_OPT_SYN_DATA = 32
};

static u32 tcp_ms_since(u64 now, u64 then)
{
	return then ? (u32)((now - then) / NSEC_PER_MSEC) : 0;
}

static u8 tcp_info_options(const struct tcp_sock *tp)
{
	return (u8)((tp->tstamp_ok ? TCPI_OPT_TIMESTAMPS : 0) | (tp->sack_ok ? TCPI_OPT_SACK : 0) |
		    (tp->wscale_ok ? TCPI_OPT_WSCALE : 0) |
		    (tp->ecn_flags & TCP_ECN_OK ? TCPI_OPT_ECN : 0) |
		    (tp->ecn_flags & TCP_ECN_SEEN ? TCPI_OPT_ECN_SEEN : 0) |
		    (tp->syn_data_acked ? TCPI_OPT_SYN_DATA : 0));
}

/* How fast, and what holds it up. */
static void tcp_get_info_rates(const struct sock *sk, struct tcp_info *i)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 rwnd = tcp_chrono_us(tp, TCP_CHRONO_RWND),
	    sndbuf = tcp_chrono_us(tp, TCP_CHRONO_SNDBUF);

	i->tcpi_busy_time = tcp_chrono_us(tp, TCP_CHRONO_BUSY) + rwnd + sndbuf;
	i->tcpi_rwnd_limited = rwnd;
	i->tcpi_sndbuf_limited = sndbuf;
	i->tcpi_delivery_rate = tcp_delivery_rate(tp);
	i->tcpi_delivery_rate_app_limited = (u8)(tp->rate.sample_app_limited | tp->fo_fail << 1);
}

/* Of a listener: how many wait to be accepted, and how many may. */
static void tcp_get_info_listener(const struct sock *sk, struct tcp_info *i)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	*i = (struct tcp_info){ .tcpi_state = sk->sk_state,
				.tcpi_unacked = sk->sk_ack_backlog,
				.tcpi_sacked = sk->sk_max_ack_backlog,
				.tcpi_snd_cwnd = tp->cc.cwnd,
				.tcpi_reordering = tp->reordering,
				.tcpi_pacing_rate = sk->sk_pacing_rate,
				.tcpi_max_pacing_rate = sk_pacing_limit(sk) };
}

static void tcp_get_info(const struct sock *sk, struct tcp_info *i)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns();
	bool asked = sk->sk_state == TCP_SYN_SENT; /* and nothing agreed yet */

	if (sk->sk_state == TCP_LISTEN) {
		tcp_get_info_listener(sk, i);
		return;
	}
	*i = (struct tcp_info){
		.tcpi_state = sk->sk_state,
		.tcpi_ca_state = (u8)tp->ca_state,
		.tcpi_retransmits = tp->retransmits,
		.tcpi_probes = (u8)min(tp->probes_out + tp->keepalive_sent, UINT8_MAX),
		.tcpi_backoff = tp->backoff,
		.tcpi_options = asked ? (u8)0 : tcp_info_options(tp),
		.tcpi_wscale = (u8)(asked ? 0 : tp->snd_wscale | tp->rcv_wscale << 4),
		.tcpi_rto = (u32)(tcp_rto_ns(tp) / NSEC_PER_USEC),
		.tcpi_ato = tp->ato_ns / NSEC_PER_USEC,
		.tcpi_snd_mss = tp->mss_cache,
		.tcpi_rcv_mss = tp->rcv_mss,
		.tcpi_unacked = tp->packets_out,
		.tcpi_sacked = tp->sacked_out,
		.tcpi_lost = tp->lost_out,
		.tcpi_retrans = tp->retrans_out,
		.tcpi_last_data_sent = tcp_ms_since(now, tp->lsndtime_ns),
		.tcpi_last_data_recv = tcp_ms_since(now, tp->lrcvtime_ns),
		.tcpi_last_ack_recv = tcp_ms_since(now, tp->rcv_tstamp_ns),
		.tcpi_pmtu = tp->pmtu,
		.tcpi_rtt = tp->rtt.srtt8_us / 8,
		.tcpi_rttvar = tp->rtt.dev4_us / 4,
		.tcpi_snd_ssthresh = tp->cc.ssthresh,
		.tcpi_snd_cwnd = tp->cc.cwnd,
		.tcpi_advmss = tp->advmss - (asked ? 0 : tcp_tstamp_len(tp)),
		.tcpi_reordering = tp->reordering,
		.tcpi_rcv_ssthresh = tp->rcv_ssthresh,
		.tcpi_rcv_rtt = tp->rcv_rtt8_us / 8,
		.tcpi_rcv_space = tp->rcvq_space,
		.tcpi_rcv_ooopack = tp->rcv_ooopack,
		.tcpi_total_retrans = tp->total_retrans,
		.tcpi_pacing_rate = sk->sk_pacing_rate,
		.tcpi_max_pacing_rate = sk_pacing_limit(sk),
		.tcpi_bytes_acked = tp->bytes_acked,
		.tcpi_bytes_received = tp->bytes_received,
		.tcpi_segs_out = tp->segs_out,
		.tcpi_segs_in = tp->segs_in,
		.tcpi_notsent_bytes = tp->write_seq - tp->snd_nxt,
		.tcpi_delivered = tp->delivered,
		.tcpi_delivered_ce = tp->delivered_ce,
		.tcpi_min_rtt = tp->rtt.min_us,
		.tcpi_data_segs_in = tp->data_segs_in,
		.tcpi_data_segs_out = tp->data_segs_out,
		.tcpi_bytes_sent = tp->bytes_sent,
		.tcpi_bytes_retrans = tp->bytes_retrans,
		.tcpi_dsack_dups = tp->dsack_dups,
		.tcpi_reord_seen = tp->reord_seen,
		.tcpi_snd_wnd = tp->snd_wnd,
	};
	tcp_get_info_rates(sk, i);
}

/*
 * Switching Nagle or the cork off sends what they held; TCP_NODELAY what is queued now even while corked, once: the next
 * new skb takes PUSH away.
 */
static void tcp_set_nagle(struct sock *sk, u8 bit, bool on) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->nonagle = (u8)(on ? tp->nonagle | bit : tp->nonagle & ~bit);
	if ((bit == TCP_NAGLE_OFF) == on && (tp->nonagle & TCP_NAGLE_OFF))
		tp->nonagle |= TCP_NAGLE_PUSH;
	if ((bit == TCP_NAGLE_OFF) == on && sk->sk_state != TCP_SYN_SENT &&
	    sk->sk_state != TCP_SYN_RECV && sk->sk_state != TCP_LISTEN)
		tcp_push_pending_frames(sk);
}

enum { TCP_LEAST_MAXSEG = 88, TCP_MOST_LINGER2 = 120 };
#define TCP_LEAST_CLAMP 1152u
#define TCP_NO_CLAMP    (65535u << TCP_MAX_WSCALE)

/* Little is raised to what a window must have; nothing means no limit, as long as there is no connection. */
static int tcp_set_window_clamp(struct sock *sk, u32 val)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!val && sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	tp->window_clamp = val ? (u32)max((s32)val, (s32)TCP_LEAST_CLAMP) : TCP_NO_CLAMP;
	tp->rcv_ssthresh = max(tp->rcv_ssthresh, min(tp->rcv_wnd, tp->window_clamp));
	return 0;
}

/* A time or count option: within its limits, or -EINVAL. */
static int tcp_set_limited(struct sock *sk, int opt, int val) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	static const struct {
		int opt, least, most;
	} limit[] = {
		{ TCP_MAXSEG, 0, 32767 },
		{ TCP_KEEPIDLE, 1, 32767 },
		{ TCP_KEEPINTVL, 1, 32767 },
		{ TCP_KEEPCNT, 1, 127 },
		{ TCP_SYNCNT, 1, 127 },
		{ TCP_USER_TIMEOUT, 0, INT32_MAX },
		{ TCP_WINDOW_CLAMP, INT32_MIN, INT32_MAX },
		{ TCP_INQ, 0, 1 },
	};
	u32 i = 0;

	while (i < ARRAY_SIZE(limit) && limit[i].opt != opt)
		i++;
	if (i == ARRAY_SIZE(limit))
		return -ENOPROTOOPT;
	if (val < limit[i].least || val > limit[i].most)
		return -EINVAL;
	if (opt == TCP_MAXSEG && val && val < TCP_LEAST_MAXSEG)
		return -EINVAL; /* 0 takes it back */
	switch (opt) {
	case TCP_MAXSEG:
		tp->user_mss = (u16)val;
		break;
	case TCP_KEEPIDLE:
		tp->keepalive_time = (u32)val;
		tcp_keepalive_time_set(sk);
		break;
	case TCP_KEEPINTVL:
		tp->keepalive_intvl = (u32)val;
		break;
	case TCP_KEEPCNT:
		tp->keepalive_probes = (u8)val;
		break;
	case TCP_SYNCNT:
		tp->syn_retries = (u8)val;
		break;
	case TCP_USER_TIMEOUT:
		tp->user_timeout_ms = (u32)val;
		break;
	case TCP_WINDOW_CLAMP:
		return tcp_set_window_clamp(sk, (u32)val);
	default:
		tp->recvmsg_inq = val != 0;
		break;
	}
	return 0;
}

/* How long @n timeouts of the SYN-ACK last. */
static u32 tcp_timeouts_to_secs(u8 n)
{
	u64 sum = 0;

	for (u8 i = 0; i < n; i++)
		sum += tcp_rto_backoff(TCP_TIMEOUT_INIT_NS, i);
	return (u32)(sum / NSEC_PER_SEC);
}

/* TCP_DEFER_ACCEPT: so many timeouts of the SYN-ACK, doubled each time, last @secs. */
static u8 tcp_secs_to_timeouts(int secs)
{
	u8 n = 0;

	while (secs > 0 && n < UINT8_MAX && tcp_timeouts_to_secs(n) < (u32)secs)
		n++;
	return n;
}

/* Options of Fast Open: of a listener, and of who is going to connect. */
static int tcp_set_fastopen(struct sock *sk, int opt, int val)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool settled = sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN;

	if (val < 0 || (val > 1 && opt != TCP_FASTOPEN))
		return -EINVAL;
	if (opt == TCP_FASTOPEN_CONNECT && !(tcp_net_of(sk)->fastopen & TFO_CLIENT_ENABLE))
		return -EOPNOTSUPP;
	if (settled || (opt == TCP_FASTOPEN_CONNECT && sk->sk_state == TCP_LISTEN))
		return -EINVAL;
	if (opt == TCP_FASTOPEN)
		tp->fo_max_qlen = (u16)min((u32)val, tcp_net_of(sk)->somaxconn);
	else if (opt == TCP_FASTOPEN_CONNECT)
		tp->fo_connect = val != 0;
	else
		tp->fo_no_cookie = val != 0;
	return 0;
}

static int tcp_set_int(struct sock *sk, int opt, int val) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	switch (opt) {
	case TCP_NODELAY:
		tcp_set_nagle(sk, TCP_NAGLE_OFF, val != 0);
		return 0;
	case TCP_CORK:
		tcp_set_nagle(sk, TCP_NAGLE_CORK, val != 0);
		return 0;
	case TCP_LINGER2:
		tp->linger2 = val < 0 ? -1 : min_t(s32, val, TCP_MOST_LINGER2);
		return 0;
	case TCP_NOTSENT_LOWAT:
		tp->notsent_lowat = (u32)val;
		sk->sk_write_space(sk);
		return 0;
	case TCP_QUICKACK:
		tp->pingpong = !val;
		if (val && (tp->ack_pending & TCP_ACK_SCHED)) {
			tp->ack_pending |= TCP_ACK_PUSHED;
			tcp_cleanup_rbuf(sk, 1);
			tp->pingpong = !(val & 1);
		}
		return 0;
	case TCP_SAVE_SYN:
		if (val < 0 || val > 2)
			return -EINVAL;
		tp->save_syn = (u8)val;
		return 0;
	case TCP_DEFER_ACCEPT:
		tp->defer_accept = tcp_secs_to_timeouts(val);
		return 0;
	case TCP_FASTOPEN_NO_COOKIE:
	case TCP_FASTOPEN:
	case TCP_FASTOPEN_CONNECT:
		return tcp_set_fastopen(sk, opt, val);
	default:
		return tcp_set_limited(sk, opt, val);
	}
}

/** tcp_setsockopt() - SOL_TCP here, SOL_SOCKET and SOL_IP below. Return: 0, -EINVAL, -ENOPROTOOPT, -ENOENT, -EOPNOTSUPP, -ENOMEM. Context: process. */
int tcp_setsockopt(struct sock *sk, int level, int opt, const void *kval, u32 len)
{
	int val, err;

	if (level == SOL_SOCKET)
		return sock_setsockopt(sk, opt, kval, len);
	if (level == SOL_IP) {
		lock_sock(sk);
		err = tcp_sk(sk)->icsk_af_ops->setsockopt(sk, opt, kval, len);
		if (tcp_sk(sk)->pmtu) /* IP options take their room from the segment */
			(void)tcp_sync_mss(sk, tcp_sk(sk)->pmtu);
		release_sock(sk);
		return err;
	}
	if (level != SOL_TCP)
		return -ENOPROTOOPT;
	if (opt == TCP_CONGESTION) {
		const struct tcp_congestion_ops *ops;
		char name[16] = { 0 };

		memcpy(name, kval, min(len, 15u));
		ops = tcp_cong_find(name);
		if (!ops)
			return -ENOENT;
		lock_sock(sk);
		tcp_sk(sk)->ca_ops = ops;
		ops->init(&tcp_sk(sk)->cc);
		if (tcp_sk(sk)->rtt.srtt8_us)
			tcp_update_pacing_rate(sk);
		release_sock(sk);
		return 0;
	}
	if (opt == TCP_FASTOPEN_KEY) {
		lock_sock(sk);
		err = tcp_fastopen_own_keys(sk, kval, len);
		release_sock(sk);
		return err;
	}
	if (len < sizeof(val))
		return -EINVAL;
	memcpy(&val, kval, sizeof(val));
	lock_sock(sk);
	err = tcp_set_int(sk, opt, val);
	release_sock(sk);
	return err;
}

/* A time or count: the socket's own, or else the instance's. 0, -ENOPROTOOPT. */
static int tcp_get_limited(const struct sock *sk, int opt, u32 *v)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_net *tn = tcp_net_of(sk);

	switch (opt) {
	case TCP_KEEPIDLE:
		*v = tp->keepalive_time ? tp->keepalive_time : tn->keepalive_time;
		return 0;
	case TCP_KEEPINTVL:
		*v = tp->keepalive_intvl ? tp->keepalive_intvl : tn->keepalive_intvl;
		return 0;
	case TCP_KEEPCNT:
		*v = tp->keepalive_probes ? tp->keepalive_probes : tn->keepalive_probes;
		return 0;
	case TCP_SYNCNT:
		*v = tp->syn_retries ? tp->syn_retries : tn->syn_retries;
		return 0;
	case TCP_LINGER2:
		*v = tp->linger2 < 0 ? (u32)-1 : (u32)(tcp_fin_time_ns(sk) / NSEC_PER_SEC);
		return 0;
	case TCP_USER_TIMEOUT:
		*v = tp->user_timeout_ms;
		return 0;
	case TCP_WINDOW_CLAMP: /* that there is none is only said while there is no connection */
		*v = tp->window_clamp == TCP_NO_CLAMP &&
				     (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
			     ? 0
			     : tp->window_clamp;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* Value of an integer option: 0, -ENOPROTOOPT. */
static int tcp_get_int(const struct sock *sk, int opt, int *val)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int err = 0;
	u32 v;

	switch (opt) {
	case TCP_NODELAY:
		v = !!(tp->nonagle & TCP_NAGLE_OFF);
		break;
	case TCP_CORK:
		v = !!(tp->nonagle & TCP_NAGLE_CORK);
		break;
	case TCP_MAXSEG:
		v = sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN
			    ? (tp->user_mss ? tp->user_mss : TCP_MSS_DEFAULT)
			    : tp->mss_cache;
		break;
	case TCP_QUICKACK:
		v = !tp->pingpong;
		break;
	case TCP_DEFER_ACCEPT:
		v = tcp_timeouts_to_secs(tp->defer_accept);
		break;
	case TCP_FASTOPEN_NO_COOKIE:
		v = tp->fo_no_cookie;
		break;
	case TCP_FASTOPEN:
		v = tp->fo_max_qlen;
		break;
	case TCP_FASTOPEN_CONNECT:
		v = tp->fo_connect;
		break;
	case TCP_NOTSENT_LOWAT:
		v = tp->notsent_lowat;
		break;
	case TCP_SAVE_SYN:
		v = tp->save_syn;
		break;
	case TCP_INQ:
		v = tp->recvmsg_inq;
		break;
	default:
		err = tcp_get_limited(sk, opt, &v);
		break;
	}
	if (!err)
		*val = (int)v;
	return err;
}

/* The secrets of this listener alone; nothing where there are none. */
static void tcp_get_fastopen_key(const struct sock *sk, void *kval, u32 *len)
{
	const struct tcp_fastopen_keys *keys = tcp_sk(sk)->fo_keys;

	*len = keys ? min_t(u32, *len, keys->n * sizeof(keys->key[0])) : 0;
	if (*len)
		memcpy(kval, keys->key, *len);
}

/* Read once, or nothing. -EINVAL: *@len says how much room it wants. */
static int tcp_get_saved_syn(struct sock *sk, void *kval, u32 *len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 room = *len;

	*len = tp->saved_syn ? tp->saved_syn->len : 0;
	if (!*len)
		return 0;
	if (room < *len)
		return -EINVAL;
	memcpy(kval, tp->saved_syn->data, *len);
	kfree(tp->saved_syn);
	tp->saved_syn = NULL;
	return 0;
}

/**
 * tcp_getsockopt() - an option of level SOL_TCP (SOL_SOCKET and SOL_IP go to their own rooms)
 * @kval: result; *@len shrinks to what was written
 *
 * Context: process. Return: 0; -ENOPROTOOPT no such option; -EOPNOTSUPP no such level; -EINVAL too little room for TCP_SAVED_SYN; what sock_getsockopt() or ip_getsockopt() say.
 */
int tcp_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len)
{
	struct tcp_info info;
	int val, err;

	if (level == SOL_SOCKET)
		return sock_getsockopt(sk, opt, kval, len);
	if (level == SOL_IP) {
		lock_sock(sk);
		err = tcp_sk(sk)->icsk_af_ops->getsockopt(sk, opt, kval, len);
		release_sock(sk);
		return err;
	}
	if (level != SOL_TCP)
		return -EOPNOTSUPP;
	if (opt == TCP_INFO) {
		lock_sock(sk);
		tcp_get_info(sk, &info);
		release_sock(sk);
		*len = min_t(u32, *len, sizeof(info));
		memcpy(kval, &info, *len);
		return 0;
	}
	if (opt == TCP_CONGESTION) {
		char name[16] = { 0 };

		(void)strscpy(name, tcp_sk(sk)->ca_ops->name, sizeof(name));
		*len = min_t(u32, *len, sizeof(name));
		memcpy(kval, name, *len);
		return 0;
	}
	if (opt == TCP_CC_INFO) { /* nothing, where the algorithm has nothing to say */
		struct tcp_bbr_info cc;
		const struct tcp_congestion_ops *ops;

		lock_sock(sk);
		ops = tcp_sk(sk)->ca_ops;
		*len = ops->info ? min_t(u32, *len, sizeof(cc)) : 0;
		if (ops->info)
			ops->info(&tcp_sk(sk)->cc, &cc);
		release_sock(sk);
		if (*len)
			memcpy(kval, &cc, *len);
		return 0;
	}
	if (opt == TCP_SAVED_SYN) {
		lock_sock(sk);
		err = tcp_get_saved_syn(sk, kval, len);
		release_sock(sk);
		return err;
	}
	if (opt == TCP_FASTOPEN_KEY) {
		tcp_get_fastopen_key(sk, kval, len);
		return 0;
	}
	err = tcp_get_int(sk, opt, &val);
	if (err)
		return err;
	*len = min_t(u32, *len, sizeof(val));
	memcpy(kval, &val, *len);
	return 0;
}
