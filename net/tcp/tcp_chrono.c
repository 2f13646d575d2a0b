// SPDX-License-Identifier: MIT
/*
 * What a connection spends its time with while it has something to send: TCP_INFO's busy time, and how much of it went by because the
 * peer's window, or the send buffer, was too small.
 *
 * Where several reasons hold, the one with the highest number counts; a connection without data is not busy.
 *
 * Interface: tcp_chrono_start, tcp_chrono_stop, tcp_chrono_us
 * Above: tcp_sndbuf.c, tcp_rtx_queue.c, tcp_output.c, tcp_control.c, tcp_sendmsg.c, tcp_sockopt.c. Below: <kernel/timer.h>.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: Linux tcp(7) (TCP_INFO).
 */
#include "tcp_internal.h"

static void chrono_set(struct tcp_sock *tp, enum tcp_chrono what)
{
	u64 now = ktime_get_ns();

	if (tp->chrono)
		tp->chrono_spent_ns[tp->chrono - 1] += now - tp->chrono_ns;
	tp->chrono = (u8)what;
	tp->chrono_ns = now;
}

/** tcp_chrono_start() - from now on time is spent with @what, unless it is with something weightier. Context: owner or softirq. */
void tcp_chrono_start(struct tcp_sock *tp, enum tcp_chrono what)
{
	if (what > tp->chrono)
		chrono_set(tp, what);
}

/** tcp_chrono_stop() - no longer with @what; when both queues are empty, with nothing. Context: owner or softirq. */
void tcp_chrono_stop(struct sock *sk, enum tcp_chrono what)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->chrono)
		return;
	if (skb_queue_empty(&sk->sk_write_queue) && skb_queue_empty(&tp->tcp_rtx_queue))
		chrono_set(tp, TCP_CHRONO_NONE);
	else if (tp->chrono == what && what != TCP_CHRONO_BUSY)
		chrono_set(tp, TCP_CHRONO_BUSY);
}

/** tcp_chrono_us() - how long until now, the present included. Context: owner or softirq. Return: microseconds. */
u64 tcp_chrono_us(const struct tcp_sock *tp, enum tcp_chrono what)
{
	u64 ns = tp->chrono_spent_ns[what - 1];

	if (tp->chrono == what)
		ns += ktime_get_ns() - tp->chrono_ns;
	return ns / NSEC_PER_USEC;
}
