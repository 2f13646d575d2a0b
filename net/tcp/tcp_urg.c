// SPDX-License-Identifier: MIT
/*
 * Urgent data, for the applications that still use it: a pointer into the stream, and the one byte in front of it, which can be taken
 * out of band. It is a byte of the stream in any case; the pointer is never used as a length.
 *
 * Interface: tcp_urg, tcp_recv_urg, tcp_urg_gate, tcp_urg_passed, tcp_at_mark, tcp_urg_inq
 * Above: tcp_input.c, tcp.c. Below: nothing.
 * Context: owner of the socket, or softirq while nobody owns it. Owns: nothing.
 * Specs: RFC 9293 3.8.5, MUST-30, MUST-31, MUST-62; RFC 6093 (the byte before the pointer, as all the world does); POSIX recv, sockatmark.
 */
#include "tcp_internal.h"

/** tcp_at_mark() - what is read next is the urgent byte. Context: owner or softirq. Return: it is. */
bool tcp_at_mark(const struct tcp_sock *tp, u32 seq)
{
	return tp->urg_data && tp->urg_seq == seq;
}

/* The last byte that was read was urgent too, and is skipped now that another one becomes the mark. */
static void tcp_urg_skip_old(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

	if (!tcp_at_mark(tp, tp->copied_seq) || sock_flag(sk, SOCK_URGINLINE) ||
	    tp->copied_seq == tp->rcv_nxt)
		return;
	tp->copied_seq++;
	if (skb && !before(tp->copied_seq, TCP_SKB_CB(skb)->end_seq)) {
		skb_unlink(skb, &sk->sk_receive_queue);
		consume_skb(skb);
	}
}

/* A segment with URG: a new mark, unless it is old. */
static void tcp_check_urg(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 at = seg->seq + seg->urg_ptr - (seg->urg_ptr && !tcp_net_of(sk)->stdurg ? 1 : 0);

	testcase(seg->urg_ptr == 0);
	testcase(at == tp->rcv_nxt);
	if (after(tp->copied_seq, at) || before(at, tp->rcv_nxt) ||
	    (tp->urg_data && !after(at, tp->urg_seq)))
		return;
	tcp_urg_skip_old(sk);
	tp->urg_data = TCP_URG_NOTYET;
	tp->urg_seq = at;
}

/**
 * tcp_urg() - sixth step: the urgent pointer, and its byte if that has come
 * @sk: socket
 * @skb: the segment, data at the payload; borrowed
 * @seg: its fields
 *
 * Context: BH off.
 */
void tcp_urg(struct sock *sk, const struct sk_buff *skb, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 byte;

	if (seg->flags & TCPHDR_URG)
		tcp_check_urg(sk, seg);
	if (tp->urg_data != TCP_URG_NOTYET || tp->urg_seq - seg->seq >= seg->len)
		return;
	if (NEVER(skb_copy_bits(skb, tp->urg_seq - seg->seq, &byte, 1)))
		return;
	tp->urg_data = (u16)(TCP_URG_VALID | byte);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

/**
 * tcp_recv_urg() - the urgent byte, out of band (MSG_OOB)
 *
 * Context: owner. Return: 1, or 0 when the stream has ended or there is no room for it (MSG_TRUNC is set then); -EINVAL there is none, it was
 * read, or it comes in line; -EAGAIN it is announced and not here yet; -ENOTCONN; -EFAULT.
 */
ssize_t tcp_recv_urg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 byte = (u8)tp->urg_data;

	if (sock_flag(sk, SOCK_URGINLINE) || !tp->urg_data || tp->urg_data == TCP_URG_READ)
		return -EINVAL;
	if (sk->sk_state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;
	if (!(tp->urg_data & TCP_URG_VALID))
		return sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN) ? 0 : -EAGAIN;
	if (!(flags & MSG_PEEK))
		tp->urg_data = TCP_URG_READ;
	msg->msg_flags |= MSG_OOB;
	if (!len) {
		msg->msg_flags |= MSG_TRUNC;
		return 0;
	}
	if (!(flags & MSG_TRUNC) && copy_to_iter(&byte, 1, &msg->msg_iter))
		return -EFAULT;
	return 1;
}

/**
 * tcp_urg_gate() - how far a read at @seq may go: up to the mark, which is skipped unless it is in line
 * @sk: socket
 * @seq: of the next byte to read
 * @n: bytes that would be read; less on return
 *
 * Context: owner. Return: bytes to skip first, 0 or 1.
 */
u32 tcp_urg_gate(const struct sock *sk, u32 seq, u32 *n)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 at = tp->urg_seq - seq;

	if (!tp->urg_data || at >= *n)
		return 0;
	if (at) {
		*n = at;
		return 0;
	}
	if (sock_flag(sk, SOCK_URGINLINE))
		return 0;
	(*n)--;
	return 1;
}

/** tcp_urg_passed() - the reader is behind the mark: there is none any more. Context: owner. */
void tcp_urg_passed(struct tcp_sock *tp)
{
	if (tp->urg_data && after(tp->copied_seq, tp->urg_seq))
		tp->urg_data = 0;
}

/** tcp_urg_inq() - of @n bytes that are here, those in front of the mark. Context: any. Return: bytes. */
u32 tcp_urg_inq(const struct sock *sk, u32 n)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sock_flag(sk, SOCK_URGINLINE) || !tp->urg_data || before(tp->urg_seq, tp->copied_seq) ||
	    !before(tp->urg_seq, tp->rcv_nxt))
		return n;
	return tp->urg_seq - tp->copied_seq;
}
