// SPDX-License-Identifier: MIT
/*
 * What must be true of every socket at every moment: order of the sequence numbers, queues that are whole, accounts
 * that are the sum of what they account for.
 *
 * Interface: stack_check_all().
 * Above: stack.c.  Below: net/tcp's state, read only.
 * Context: process, nobody owns a socket.  Owns: nothing.
 */
#include "stack.h"

#include "../../net/tcp/tcp_internal.h"

#include <kernel/softirq.h>

static u32 truesize_of(const struct sk_buff_head *q)
{
	const struct sk_buff *skb;
	u32 sum = 0, n = 0;

	skb_queue_walk(q, skb) {
		sum += skb->truesize;
		n++;
	}
	FUZZ_CHECK_EQ(n, q->qlen);
	return sum;
}

/* The queue's segments follow each other without a gap from @seq on. Gives the end. */
static u32 check_contiguous(const struct sk_buff_head *q, u32 seq)
{
	const struct sk_buff *skb;

	skb_queue_walk(q, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		FUZZ_CHECK_EQ(cb->seq, seq);
		FUZZ_CHECK_EQ(cb->end_seq - cb->seq, skb->len + !!(cb->tcp_flags & TCPHDR_SYN) +
							     !!(cb->tcp_flags & TCPHDR_FIN));
		seq = cb->end_seq;
	}
	return seq;
}

static void check_out_of_order(const struct tcp_sock *tp)
{
	const struct sk_buff *skb;
	u32 last = tp->rcv_nxt;

	skb_queue_walk(&tp->out_of_order_queue, skb) {
		FUZZ_CHECK(after(TCP_SKB_CB(skb)->seq, tp->rcv_nxt));
		FUZZ_CHECK(!before(TCP_SKB_CB(skb)->seq, last));
		FUZZ_CHECK(!after(TCP_SKB_CB(skb)->seq, TCP_SKB_CB(skb)->end_seq));
		last = TCP_SKB_CB(skb)->end_seq;
	}
	FUZZ_CHECK(tp->out_of_order_queue.qlen <= TCP_OFO_MAX_SKBS);
}

/* A FIN has its number, but waits for memory, or first for the acknowledgment of a SYN. */
static bool fin_is_owed(const struct sock *sk)
{
	const struct sk_buff *tail = skb_peek_tail(&tcp_sk(sk)->tcp_rtx_queue);

	return tcp_sk(sk)->pending == TCP_TIME_FIN ||
	       (sk->sk_state == TCP_FIN_WAIT1 && skb_queue_empty(&sk->sk_write_queue) && tail &&
		(TCP_SKB_CB(tail)->tcp_flags & TCPHDR_SYN));
}

static void check_send_side(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 end;

	FUZZ_CHECK(!after(tp->snd_una, tp->snd_nxt));
	FUZZ_CHECK(!after(tp->snd_nxt, tp->write_seq));
	FUZZ_CHECK(tp->cc.cwnd >= 1);
	FUZZ_CHECK(tp->sacked_out <= tp->packets_out && tp->lost_out <= tp->packets_out &&
		   tp->retrans_out <= tp->packets_out);
	FUZZ_CHECK(tp->sacked_out + tp->lost_out <= tp->packets_out);
	FUZZ_CHECK_EQ(tp->packets_out == 0, skb_queue_empty(&tp->tcp_rtx_queue));
	if (!skb_queue_empty(&tp->tcp_rtx_queue)) {
		const struct sk_buff *first = skb_peek(&tp->tcp_rtx_queue);

		FUZZ_CHECK(!after(TCP_SKB_CB(first)->seq, tp->snd_una));
		end = check_contiguous(&tp->tcp_rtx_queue, TCP_SKB_CB(first)->seq);
		FUZZ_CHECK_EQ(end, tp->snd_nxt);
		FUZZ_CHECK(tp->pending != TCP_TIME_NONE || tp->deferred);
	} else {
		FUZZ_CHECK_EQ(tp->snd_una, tp->snd_nxt);
	}
	end = check_contiguous(&sk->sk_write_queue, tp->snd_nxt);
	if (fin_is_owed(sk))
		end++;
	FUZZ_CHECK_EQ(end, tp->write_seq);
}

static void check_receive_side(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *skb;
	u32 seq = tp->rcv_nxt - tp->fin_rcvd;

	FUZZ_CHECK(!after(tp->copied_seq, tp->rcv_nxt));
	FUZZ_CHECK(!after(tp->rcv_wup, tp->rcv_nxt));
	check_out_of_order(tp);
	if (skb_queue_empty(&sk->sk_receive_queue))
		return;
	skb = skb_peek_tail(&sk->sk_receive_queue);
	FUZZ_CHECK_EQ(TCP_SKB_CB(skb)->seq + skb->len, seq);
	skb = skb_peek(&sk->sk_receive_queue);
	FUZZ_CHECK(!after(TCP_SKB_CB(skb)->seq, tp->copied_seq));
}

/* What waits on the error queue, a ring whose newest has a name. */
static u32 truesize_of_errors(const struct sock *sk)
{
	const struct sk_buff *tail = sk->sk_error_tail, *skb = tail;
	u32 sum = 0;

	if (!tail)
		return 0;
	do {
		sum += skb->truesize;
		skb = skb->next;
	} while (skb != tail);
	return sum;
}

static void check_tcp(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	FUZZ_CHECK_EQ(sk->sk_wmem_queued,
		      truesize_of(&sk->sk_write_queue) + truesize_of(&tp->tcp_rtx_queue));
	FUZZ_CHECK_EQ(sk->sk_rmem_alloc, truesize_of(&sk->sk_receive_queue) +
						 truesize_of(&tp->out_of_order_queue) +
						 truesize_of_errors(sk));
	if (sk->sk_state == TCP_LISTEN) {
		FUZZ_CHECK_EQ(sk->sk_wmem_queued, 0);
		FUZZ_CHECK_EQ(sk->sk_rmem_alloc, 0);
		return;
	}
	if (sk->sk_state == TCP_CLOSE)
		return;
	check_send_side(sk);
	if (sk->sk_state != TCP_SYN_SENT)
		check_receive_side(sk);
}

void stack_check_all(void)
{
	const struct sock *sk;
	u32 n = 0;

	local_bh_disable();
	list_for_each_entry(sk, &host.net->socks, sk_all) {
		n++;
		FUZZ_CHECK(sk->sk_refcnt >= 1 && sk->sk_refcnt < 100000);
		FUZZ_CHECK(!sk->sk_owned);
		FUZZ_CHECK_EQ(sk->sk_backlog_len, 0);
		if (sk->sk_prot == &tcp_prot)
			check_tcp(sk);
		else
			FUZZ_CHECK_EQ(sk->sk_rmem_alloc, truesize_of(&sk->sk_receive_queue));
	}
	FUZZ_CHECK(n <= host.net->socks_live);
	local_bh_enable();
}
