// SPDX-License-Identifier: MIT
/*
 * A socket's error queue: packets that ended badly, for the application that asked to be told of each (MSG_ERRQUEUE).
 *
 * The queue is a ring of one pointer, for nearly every socket's is empty: sk_error_tail is the newest packet, whose next is the
 * oldest. What waits there is charged like received data and bounded by SO_RCVBUF. While something waits, poll() says POLLERR;
 * sk_err is the errno of the oldest error that a peer or router told us.
 *
 * Interface: <net/sock.h> (sock_queue_err_skb, sock_dequeue_err_skb, skb_errqueue_purge).
 * Above: net/ipv4's ip_cmsg.c, datagram.c, sock.c.  Below: skbuff.c.
 * Context: softirq, or process with BH off; sock_dequeue_err_skb() and skb_errqueue_purge() anywhere.
 * Owns: the packets on the queue.
 * Specs: Linux's ip(7) (IP_RECVERR), recv(2) (MSG_ERRQUEUE).
 */
#include <kernel/context.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <net/sock.h>

static void err_skb_free(struct sk_buff *skb)
{
	count_sub(&skb->sk->sk_rmem_alloc, skb->truesize);
}

/**
 * sock_queue_err_skb() - puts @skb, whose skb_ext_err() is filled, behind the errors that wait.
 * Context: BH off. Consumes: @skb on success only.
 * Return: 0; -ENOMEM the receive buffer has no room for it.
 */
int sock_queue_err_skb(struct sock *sk, struct sk_buff *skb)
{
	BUG_ON(!in_bh());
	if (sk->sk_rmem_alloc + skb->truesize >= sk->sk_rcvbuf)
		return -ENOMEM;
	skb_dst_drop(skb);
	skb->tstamp_ns = sk->sk_flags & SOCK_TSTAMP_FLAGS ? ktime_get_ns() : 0;
	skb_orphan(skb);
	skb_enter(skb, SKB_STAGE_SOCKET_IN);
	skb->sk = sk;
	skb->destructor = err_skb_free;
	count_add(&sk->sk_rmem_alloc, skb->truesize);
	skb->next = sk->sk_error_tail ? sk->sk_error_tail->next : skb;
	if (sk->sk_error_tail)
		sk->sk_error_tail->next = skb;
	sk->sk_error_tail = skb;
	sk->sk_error_report(sk);
	return 0;
}

static bool from_outside(const struct sk_buff *skb)
{
	return skb_ext_err(skb)->ee.ee_origin == SO_EE_ORIGIN_ICMP;
}

/* BH off. The oldest, off the ring; NULL: none. */
static struct sk_buff *take_oldest(struct sock *sk) __needs(softirq_ctx)
{
	struct sk_buff *tail = sk->sk_error_tail, *skb;

	if (!tail)
		return NULL;
	skb = tail->next;
	if (skb == tail)
		sk->sk_error_tail = NULL;
	else
		tail->next = skb->next;
	skb->next = NULL;
	return skb;
}

/**
 * sock_dequeue_err_skb() - takes the oldest error. The pending error becomes that of the next one; what was pending for this one is
 * over with it.
 * Context: any. Owns: the caller.
 * Return: the packet; NULL: nothing waits.
 */
struct sk_buff *sock_dequeue_err_skb(struct sock *sk)
{
	struct sk_buff *skb, *next;

	local_bh_disable();
	skb = take_oldest(sk);
	next = sk->sk_error_tail ? sk->sk_error_tail->next : NULL;
	if (next && from_outside(next))
		sk->sk_err = (int)skb_ext_err(next)->ee.ee_errno;
	else if (skb && from_outside(skb))
		sk->sk_err = 0;
	if (next)
		sk->sk_error_report(sk);
	local_bh_enable();
	return skb;
}

/**
 * skb_errqueue_purge() - nobody will read what waits.
 * Context: any.
 */
void skb_errqueue_purge(struct sock *sk)
{
	struct sk_buff *skb;

	local_bh_disable();
	while ((skb = take_oldest(sk)))
		consume_skb(skb); /* the packet itself was accounted for when it failed */
	local_bh_enable();
}
