// SPDX-License-Identifier: MIT
/*
 * How much a connection may hold for sending.
 *
 * Interface: tcp_sndbuf_expand, tcp_check_space, tcp_stream_memory_free
 * Above: tcp_output.c (data went out), tcp_ack.c (originals were freed), tcp_control.c; net/core/sock.c through struct proto.
 * Below: <net/sock.h>.
 * Context: owner of the socket, or softirq while nobody owns it.
 * Owns: nothing.
 * Specs: Linux ip-sysctl.rst (tcp_wmem, tcp_notsent_lowat), tcp(7).
 */
#include "tcp_internal.h"

/* Linux's figures of what the headers of a segment in memory cost, so that the same window gives the same buffer. */
#define HEADERS_CHARGE 320u

static u32 roundup_pow2(u32 v)
{
	return v <= 1 ? 1 : 1u << (32 - (u32)__builtin_clz(v - 1));
}

/** tcp_sndbuf_expand() - the send buffer follows the congestion window, unless the application fixed it. Context: owner or softirq. */
void tcp_sndbuf_expand(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = max(tp->mss_cache, tp->mss_clamp);
	u32 per_mss = roundup_pow2(mss + HEADERS_CHARGE + SKB_INFO_CHARGE) + SKB_DESC_CHARGE;
	u32 least = max(TCP_INIT_CWND, TCP_DUPACK_THRESH + 1), segs = max(tp->cc.cwnd, least);
	u64 want = min(2ULL * segs * per_mss, (u64)tcp_net_of(sk)->wmem[2]);

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK)
		return;
	if (want > sk->sk_sndbuf)
		sk->sk_sndbuf = (u32)want;
}

/**
 * tcp_check_space() - originals were freed, or unsent data went out: room for a writer that waits?
 *
 * The buffer grows first if the congestion window has room that the application could not fill from it.
 *
 * Context: owner or softirq.
 */
void tcp_check_space(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!sock_flag(sk, SOCK_NOSPACE) || !sk->sk_socket)
		return;
	if (tcp_packets_in_flight(tp) < tp->cc.cwnd)
		tcp_sndbuf_expand(sk);
	sk->sk_write_space(sk);
	if (!sock_flag(sk, SOCK_NOSPACE))
		tcp_chrono_stop(sk, TCP_CHRONO_SNDBUF);
}

/**
 * tcp_stream_memory_free() - less is unsent than TCP_NOTSENT_LOWAT allows (struct proto)
 * @wake: half of it: worth waking a writer
 *
 * Context: any. Return: more may be written.
 */
bool tcp_stream_memory_free(const struct sock *sk, bool wake)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 limit = tp->notsent_lowat ? tp->notsent_lowat : tcp_net_of(sk)->notsent_lowat;

	return ((u64)(tp->write_seq - tp->snd_nxt) << wake) < limit;
}
