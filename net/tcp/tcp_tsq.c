// SPDX-License-Identifier: MIT
/*
 * TCP small queues: a connection keeps little in the queues below; each completion lets it send on.
 *
 * The room to stop is tcp_output.c, the news that a clone was freed tcp_transmit.c; here is the work in between, in
 * TASKLET_SOFTIRQ, or in release_sock() when a thread owned the socket.
 *
 * Interface: tcp_tsq_init, tcp_tsq_exit, tcp_tsq_write
 * Above: tcp_timer.c (release_sock), tcp_net.c. Below: tcp_recovery.c, tcp_output.c.
 * Context: softirq; tcp_tsq_write: owner with BH off, or softirq while nobody owns the socket.
 * Owns: nothing; a socket on the list, or with TCP_DEFER_TSQ, is held once.
 * Specs: Linux ip-sysctl.rst (tcp_limit_output_bytes).
 */
#include "tcp_internal.h"

#include <kernel/softirq.h>
#include <net/trace.h>

/**
 * tcp_tsq_write() - the queues below have room again: first what is lost, then what is new
 *
 * Context: BH off; owner, or softirq while nobody owns the socket.
 */
void tcp_tsq_write(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	trace_fn_sk(tcp_tsq_write, sk, sk->sk_wmem_alloc);
	switch (sk->sk_state) {
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		if (tp->lost_out > tp->retrans_out && tcp_packets_in_flight(tp) < tp->cc.cwnd)
			tcp_xmit_retransmit_queue(sk);
		tcp_push_pending_frames(sk);
		break;
	default: /* nothing is sent in the others */
		break;
	}
}

/* The next socket on @list, with the reference that it was held by; NULL: none is left. */
static struct sock *tcp_tsq_take(struct list_head *list)
{
	struct tcp_sock *tp;

	if (list_empty(list))
		return NULL;
	tp = list_first_entry(list, struct tcp_sock, tsq_node);
	list_del_init(&tp->tsq_node);
	return &tp->sk;
}

static void tcp_tsq_tasklet(struct tasklet *t) __needs(softirq_ctx)
{
	struct tcp_net *tn = container_of(t, struct tcp_net, tsq_tasklet);
	LIST_HEAD(batch);
	struct sock *sk;
	trace_fn(tcp_tsq_tasklet, 0, 0, NULL);

	/* One round: who is throttled again meanwhile comes with the next completion. */
	list_splice_tail_init(&tn->tsq, &batch);
	while ((sk = tcp_tsq_take(&batch))) {
		struct tcp_sock *tp = tcp_sk(sk);

		if (!sock_owned_by_user(sk)) {
			sock_owned_by_me(sk);
			tcp_tsq_write(sk);
		} else if (!(tp->deferred & TCP_DEFER_TSQ)) {
			tp->deferred |= TCP_DEFER_TSQ; /* the reference goes to release_sock() */
			continue;
		}
		sock_put(sk);
	}
}

/** tcp_tsq_init() - an empty list and its tasklet. Context: process. */
void tcp_tsq_init(struct tcp_net *tn)
{
	INIT_LIST_HEAD(&tn->tsq);
	tasklet_setup(&tn->tsq_tasklet, tcp_tsq_tasklet);
}

/** tcp_tsq_exit() - nobody will be woken any more. Context: process; every socket is closed. */
void tcp_tsq_exit(struct tcp_net *tn)
{
	struct sock *sk;

	tasklet_kill(&tn->tsq_tasklet);
	local_bh_disable();
	while ((sk = tcp_tsq_take(&tn->tsq)))
		sock_put(sk);
	local_bh_enable();
}
