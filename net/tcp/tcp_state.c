// SPDX-License-Identifier: MIT
/*
 * The state of a connection and its end.
 *
 * Interface: tcp_set_state, tcp_forget_names, tcp_done, tcp_destroy_sock, tcp_abort_with, tcp_unreachable, tcp_orphan
 * Above: tcp_output.c and all further right. Below: tcp_rtx_queue.c, <net/inet_hashtables.h>.
 * Context: owner of the socket with BH off, or softirq while nobody owns it.
 * Owns: the first reference of a socket, which means "the connection or its application lives"; tcp_destroy_sock()
 * drops it when both have ended.
 * Specs: RFC 9293 3.3.2; RFC 4022 (counters).
 */
#include "tcp_internal.h"

static bool tcp_counts_as_established(enum tcp_state s)
{
	return s == TCP_ESTABLISHED || s == TCP_CLOSE_WAIT;
}

/* The states in which a closed socket still owes the peer data or the acknowledgment of its FIN; news for tcp_net_drain(). */
static void tcp_orphan_news(struct sock *sk)
{
	if (sock_flag(sk, SOCK_DEAD) && waitqueue_active(&tcp_net_of(sk)->drain_wq))
		wake_up(&tcp_net_of(sk)->drain_wq);
}

/**
 * tcp_set_state() - the one place where a full socket changes its state
 * @sk: socket
 * @state: new; TCP_CLOSE takes it out of the tables; a port that the application asked for stays its own till the socket is closed
 *
 * Context: BH off.
 */
void tcp_set_state(struct sock *sk, enum tcp_state state)
{
	enum tcp_state old = sk->sk_state;

	if (old == state)
		return;
	if (tcp_counts_as_established(state) && !tcp_counts_as_established(old))
		TCP_INC_STATS(sk->sk_net, CurrEstab);
	if (!tcp_counts_as_established(state) && tcp_counts_as_established(old))
		TCP_DEC_STATS(sk->sk_net, CurrEstab);
	if (state == TCP_CLOSE) {
		sk->inet_defer_connect = 0;
		if (tcp_counts_as_established(old))
			TCP_INC_STATS(sk->sk_net, EstabResets);
		inet_ehash_remove(&sk->__sk_common);
		if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK)) {
			inet_unbind_port(&sk->__sk_common);
			sk->sk_num = 0; /* it may be bound again; inet_sport still names the last */
		}
	}
	if (old == TCP_SYN_RECV)
		tcp_fastopen_settled(sk);
	sk->sk_state = (u8)state;
	tcp_orphan_news(sk);
}

/**
 * tcp_forget_names() - the socket has no peer any more, and no address of its own but one that bind() gave it. Its port, which it may have given
 * back, is what getsockname() goes on to say, as on Linux.
 *
 * Context: owner, BH off, state CLOSE.
 */
void tcp_forget_names(struct sock *sk)
{
	sk->sk_daddr = 0;
	sk->sk_dport = 0;
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		sk->sk_rcv_saddr = 0;
		sk->inet_saddr = 0;
	}
}

/**
 * tcp_orphan() - the application's end is gone; the connection may live on
 *
 * Context: owner, BH off.
 */
void tcp_orphan(struct sock *sk)
{
	BUG_ON(sock_flag(sk, SOCK_DEAD));
	sock_orphan(sk);
	tcp_net_of(sk)->orphan_count++;
}

/**
 * tcp_destroy_sock() - connection and application have both ended: queues, timers and the first reference go
 * @sk: state CLOSE, orphaned. The caller holds another reference, or does not touch it any more.
 *
 * Context: BH off.
 */
void tcp_destroy_sock(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	BUG_ON(sk->sk_state != TCP_CLOSE);
	BUG_ON(!sock_flag(sk, SOCK_DEAD));
	BUG_ON(!list_empty(&tp->accept_node));
	inet_unbind_port(&sk->__sk_common);
	tcp_write_queue_purge(sk);
	tcp_index_purge(&tp->ofo_index, &tp->out_of_order_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	tcp_net_of(sk)->orphan_count--;
	tcp_orphan_news(sk);
	sock_put(sk);
}

/**
 * tcp_done() - the connection is over: CLOSE, no timers, nothing to send
 * @sk: caller holds a reference of its own
 *
 * Data received and not read stays readable. An orphan is destroyed.
 *
 * Context: BH off.
 */
void tcp_done(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sk->sk_state == TCP_CLOSE)
		return;
	if (sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV)
		TCP_INC_STATS(sk->sk_net, AttemptFails);
	tcp_set_state(sk, TCP_CLOSE);
	tcp_write_queue_purge(sk);
	tcp_index_purge(&tp->ofo_index, &tp->out_of_order_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	tcp_stop_timer(sk, &tp->delack_timer);
	tcp_stop_timer(sk, &tp->keepalive_timer);
	tcp_stop_timer(sk, &tp->pacing_timer);
	tp->ack_pending = 0;
	sk->sk_shutdown = SHUTDOWN_MASK;
	if (sock_flag(sk, SOCK_DEAD))
		tcp_destroy_sock(sk);
	else
		sk->sk_state_change(sk);
}

/** tcp_abort_with() - the connection fails with (positive) @err: reported, then tcp_done(). Context: BH off. */
void tcp_abort_with(struct sock *sk, int err)
{
	BUG_ON(err <= 0);
	sk->sk_err = err;
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_error_report(sk);
	tcp_done(sk);
}

/**
 * tcp_unreachable() - somebody says, believably, that a segment in flight does not arrive
 * @sk: socket
 * @err: why (positive errno)
 *
 * While connecting that decides. An open connection lives on: it remembers the reason, or reports it at once to who asked for that
 * (IP_RECVERR). RFC 9293 MUST-56; RFC 5461.
 *
 * Context: BH off, nobody else owns the socket; the caller holds a reference.
 */
void tcp_unreachable(struct sock *sk, int err)
{
	if (sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV) {
		tcp_abort_with(sk, err);
	} else if (sk->inet_flags & INET_RECVERR) {
		sk->sk_err = err;
		sk->sk_error_report(sk);
	} else {
		sk->sk_err_soft = err;
	}
}
