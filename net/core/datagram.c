// SPDX-License-Identifier: MIT
/*
 * What sockets of messages share, whatever the protocol: waiting for the next one, copying it out, room to send, readiness.
 *
 * Interface: skb_recv_datagram(), skb_copy_datagram_msg(), datagram_poll(), datagram_ioctl(), sock_wait_for_wmem(),
 * datagram_queue_rcv(), datagram_close() (<net/sock.h>).
 * Above: UDP, raw and ping sockets, AF_PACKET.  Below: errqueue.c, sock.c, skbuff.c.
 * Context: process; what does not wait (MSG_DONTWAIT) also softirq. Nothing takes the socket's ownership: BH off is lock
 * enough for a queue.
 * Owns: a message between the queue and the application.
 * Specs: POSIX.1-2017 recv(), poll(); Linux's ip(7), raw(7), packet(7).
 */
#include <net/sock.h>

#include <kernel/context.h>
#include <kernel/softirq.h>
#include <lib/err.h>

static bool readable(const struct sock *sk)
{
	return !skb_queue_empty(&sk->sk_receive_queue) || sk->sk_err ||
	       (sk->sk_shutdown & RCV_SHUTDOWN);
}

/**
 * skb_recv_datagram() - the next message, off the queue or (MSG_PEEK) with one more reference.
 * Context: process; softirq with MSG_DONTWAIT. Owns: the caller, who gives it to skb_copy_datagram_msg().
 * Return: the message; NULL with *@err: 0 shut down, for who would wait; -EAGAIN none till the deadline; or the pending error, which
 * comes before messages.
 */
struct sk_buff *skb_recv_datagram(struct sock *sk, u32 flags, int *err)
{
	u64 deadline = sock_rcv_deadline(sk, flags & MSG_DONTWAIT);

	for (;;) {
		struct sk_buff *skb;

		*err = sock_error(sk);
		if (*err)
			return NULL;
		local_bh_disable();
		if (flags & MSG_PEEK) {
			skb = skb_peek(&sk->sk_receive_queue);
			if (skb)
				skb_get(skb);
		} else {
			skb = skb_dequeue(&sk->sk_receive_queue);
		}
		local_bh_enable();
		if (skb || (deadline && (sk->sk_shutdown & RCV_SHUTDOWN)))
			return skb;
		*err = -EAGAIN;
		if (!deadline || wait_event_until(&sk->sk_wq, readable(sk), deadline))
			return NULL;
	}
}

/**
 * skb_copy_datagram_msg() - copies a message out; what does not fit is gone, and MSG_TRUNC in @msg says so.
 * Context: process, softirq. Consumes: @skb.
 * Return: bytes copied, or the message's whole length with MSG_TRUNC in @flags; -EFAULT.
 */
ssize_t skb_copy_datagram_msg(struct sk_buff *skb, struct msghdr *msg, size_t len, u32 flags)
{
	u32 copied = (u32)min_t(size_t, len, skb->len);
	ssize_t ret;

	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	ret = skb_copy_datagram_iter(skb, 0, &msg->msg_iter, copied);
	if (!ret)
		ret = (ssize_t)(flags & MSG_TRUNC ? skb->len : copied);
	local_bh_disable();
	consume_skb(skb);
	local_bh_enable();
	return ret;
}

/**
 * datagram_queue_rcv() - hands a message to the reader; a full buffer drops it, counted in sk_drops.
 * Context: softirq. Consumes: @skb.
 * Return: it was queued.
 */
bool datagram_queue_rcv(struct sock *sk, struct sk_buff *skb)
{
	bool queued;

	sock_hold(sk); /* the callback may close it */
	sock_set_flag(sk, SOCK_ON_CPU);
	queued = sock_queue_rcv_skb(sk, skb) == 0;
	if (!queued) {
		count_add(&sk->sk_drops, 1);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
	}
	sock_put(sk);
	return queued;
}

/**
 * datagram_poll() - readiness of a socket of messages. Half of the send buffer free is writable: the mark at which
 * sock_wfree() wakes writers.
 * Context: process. Return: enum poll_events.
 */
unsigned int datagram_poll(struct sock *sk)
{
	unsigned int mask = 0;

	if (sk->sk_err || sk->sk_error_tail)
		mask |= POLLERR;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		mask |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (sk->sk_shutdown == SHUTDOWN_MASK)
		mask |= POLLHUP;
	if (!skb_queue_empty(&sk->sk_receive_queue))
		mask |= POLLIN | POLLRDNORM;
	if ((u64)sk->sk_wmem_alloc * 2 <= sk->sk_sndbuf)
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

/**
 * datagram_ioctl() - FIONREAD: length of the next message; SIOCOUTQ: bytes below that are not sent.
 * Context: process. Return: 0 with *@val; -ENOTTY another request.
 */
int datagram_ioctl(struct sock *sk, unsigned long req, int *val)
{
	const struct sk_buff *skb;

	if (req == SIOCOUTQ) {
		*val = (int)sk->sk_wmem_alloc;
		return 0;
	}
	if (req != FIONREAD)
		return -ENOTTY;
	local_bh_disable();
	skb = skb_peek(&sk->sk_receive_queue);
	*val = skb ? (int)skb->len : 0;
	local_bh_enable();
	return 0;
}

/**
 * sock_wait_for_wmem() - room in the send buffer for one more message, whatever its size.
 * Context: process; softirq with @nonblock.
 * Return: 0; the pending error; -EPIPE shut down; -EAGAIN no room, at once or till the timeout.
 */
int sock_wait_for_wmem(struct sock *sk, bool nonblock)
{
	u64 deadline = sock_snd_deadline(sk, nonblock);

	for (;;) {
		int err = 0;

		if (sk->sk_err)
			return sock_error(sk);
		if (sk->sk_shutdown & SEND_SHUTDOWN)
			return -EPIPE;
		if (sk->sk_wmem_alloc < sk->sk_sndbuf)
			return 0;
		if (deadline)
			err = wait_event_until(&sk->sk_wq,
					       sk->sk_wmem_alloc < sk->sk_sndbuf || sk->sk_err ||
						       (sk->sk_shutdown & SEND_SHUTDOWN),
					       deadline);
		if (!deadline || err)
			return -EAGAIN;
	}
}

/**
 * datagram_close() - the end of a socket that no packet finds any more: what nobody read is dropped. Messages below keep
 * the sock until they are sent.
 * Context: process. Consumes: the socket layer's reference.
 */
void datagram_close(struct sock *sk)
{
	sock_orphan(sk);
	local_bh_disable();
	skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	skb_errqueue_purge(sk);
	sock_put(sk);
	local_bh_enable();
}
