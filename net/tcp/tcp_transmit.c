// SPDX-License-Identifier: MIT
/*
 * One segment, or a packet that stands for many: window, header, options, checksum, and the clone that goes down.
 *
 * The original stays with the socket until it is acknowledged; the clone is charged to sk_wmem_alloc until the device has
 * sent it. When that charge was what a sender waited for (TCP small queues, autocorking), its end wakes him by a tasklet.
 *
 * Interface: tcp_enter_cwr, tcp_transmit_skb, tcp_wfree
 * Above: tcp_output.c, tcp_control.c, tcp_data.c, tcp_tsq.c. Below: tcp_rtx_queue.c, tcp_reply.c, the network layer by icsk_af_ops.
 * Context: owner of the socket with BH off, or softirq while nobody owns it; the destructors wherever a packet ends.
 * Owns: each clone belongs to IP and holds the socket until it is freed; the list of sockets to wake, one reference each.
 * Specs: RFC 9293 3.1, 3.7.4, 3.8.6.2; RFC 1122 4.2.3.3; RFC 7323 2; RFC 4022 (OutSegs).
 */
#include "tcp_internal.h"

#include <kernel/softirq.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/trace.h>

/* --- One segment -------------------------------------------------------------------------------------------------------- */

/**
 * tcp_enter_cwr() - our own queue is full, or a router says that it nearly is: less in flight, once per window
 *
 * Context: owner or softirq.
 */
void tcp_enter_cwr(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->undo.prior_ssthresh = 0; /* whatever was undone would be congestion all the same */
	if (tp->ca_state >= TCP_CA_CWR)
		return;
	tp->undo.armed = false;
	tcp_init_cwnd_reduction(tp);
	tp->ca_state = TCP_CA_CWR;
}

/* An ACK left: what was pending is done. The last of the immediate ones lets the delay begin anew. */
static void tcp_event_ack_sent(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->compressed_ack)
		NET_ADD_STATS(sk->sk_net, TCPAckCompressed, tp->compressed_ack);
	tp->compressed_ack = 0;
	if (tp->quick && (tp->ack_pending & TCP_ACK_SCHED) && --tp->quick == 0)
		tp->ato_ns = TCP_DELACK_MIN_NS;
	tp->ack_pending = 0;
	tcp_stop_timer(sk, &tp->delack_timer);
}

static void tcp_event_sent(struct sock *sk, const struct tcp_skb_cb *cb, u32 len, u64 now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->segs_out += cb->segs;
	if (after(cb->end_seq, tp->snd_nxt) || cb->seq == cb->end_seq)
		TCP_ADD_STATS(sk->sk_net, OutSegs, cb->segs); /* RFC 4022: not what only repeats */
	if (cb->tcp_flags & TCPHDR_ACK)
		tcp_event_ack_sent(sk);
	if (!len)
		return;
	tp->data_segs_out += cb->segs;
	tp->bytes_sent += len;
	/* We answer what we just received: a dialogue. */
	if (tp->lrcvtime_ns && now - tp->lrcvtime_ns < tp->ato_ns)
		tp->pingpong = true;
	tp->lsndtime_ns = now;
}

/* --- Who is charged below ------------------------------------------------------------------------------------------------ */

/**
 * tcp_wfree() - destructor: the device, or whoever dropped it, is done with a clone
 *
 * A sender that waits for that (tsq_throttled) goes onto the list with the packet's reference; the tasklet lets it send,
 * from a context of its own.
 *
 * Context: process, softirq; never hardirq. Borrows: @skb, which is being freed.
 */
void tcp_wfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_net *tn = tcp_net_of(sk);

	trace_at_skb(tcp_wfree, skb, 0);
	count_sub(&sk->sk_wmem_alloc, skb->truesize);
	if (!tp->tsq_throttled || !list_empty(&tp->tsq_node)) {
		sock_put(sk);
		return;
	}
	local_bh_disable();
	tp->tsq_throttled = false;
	list_add_tail(&tp->tsq_node, &tn->tsq);
	tasklet_schedule(&tn->tsq_tasklet);
	local_bh_enable();
}

/* The same for what carries no text: it was not charged, so that acknowledgments do not hold data up. */
static void tcp_ack_wfree(struct sk_buff *skb)
{
	sock_put(skb->sk);
}

static void tcp_set_owner_w(struct sk_buff *skb, struct sock *sk, bool charged)
{
	skb_orphan(skb);
	sock_hold(sk);
	skb->sk = sk;
	skb->destructor = charged ? tcp_wfree : tcp_ack_wfree;
	if (charged)
		count_add(&sk->sk_wmem_alloc, skb->truesize);
}

/* --- Down ------------------------------------------------------------------------------------------------------------------ */

/* The descriptor that goes down: a clone, or a copy while an earlier clone still uses the bytes. NULL without memory. */
static struct sk_buff *tcp_copy_for_xmit(struct sk_buff *orig)
{
	/* What would be a route and a device, a priority and a mark, to whoever copies them. */
	struct list_head place = orig->tsorted;
	u32 first_us = orig->tx.first_us, at_us = orig->tx.delivered_us, n = orig->tx.delivered;
	struct sk_buff *skb;

	orig->dev = NULL;
	orig->_skb_refdst = 0;
	orig->priority = orig->mark = orig->hash = 0;
	skb = skb_shared_data(orig) ? pskb_copy(orig, MAX_TCP_HEADER) : skb_clone(orig);
	orig->tsorted = place;
	orig->tx.first_us = first_us;
	orig->tx.delivered_us = at_us;
	orig->tx.delivered = n;
	return skb;
}

/* What a segment carries: a SYN all that is to be negotiated, or was. */
static struct tcp_out_options tcp_out_options(const struct tcp_sock *tp,
					      const struct tcp_skb_cb *cb, u64 now)
{
	struct tcp_out_options o = { .tstamp_ok = tp->tstamp_ok,
				     .tsval = tcp_tsval(now, tp->tsoffset),
				     .tsecr = tp->ts_recent };

	if (cb->tcp_flags & TCPHDR_SYN) {
		o.mss = (u16)tp->advmss;
		o.wscale_ok = tp->wscale_ok;
		o.wscale = tp->rcv_wscale;
		o.sack_perm = tp->sack_ok;
		o.foc = tp->fo_cookie;
		return o;
	}
	o.num_sacks = (u8)tcp_sacks_to_tell(tp);
	o.sacks = tp->dsack ? &tp->rcv_sacks[0] : &tp->rcv_sacks[1];
	return o;
}

/* What is urgent ends behind this segment's begin: URG and the pointer, or how far a pointer can say (RFC 9293, 3.8.5). */
static void tcp_put_urgent(struct tcp_sock *tp, struct tcp_hdr_spec *h)
{
	u32 ptr = tp->snd_up - h->seq;

	if (!tcp_urg_mode(tp)) {
		tp->snd_up = tp->snd_una; /* so that it is never half of the numbers away */
		return;
	}
	if (!before(h->seq, tp->snd_up) || (ptr > 65535 && !after(h->seq + 65535, tp->snd_nxt)))
		return;
	h->urg_ptr = (u16)min(ptr, 65535u);
	h->flags |= TCPHDR_URG;
}

/* Options in front of the payload, and the window. Return: for the header. */
static struct tcp_hdr_spec tcp_build_header(struct sock *sk, struct sk_buff *skb,
					    const struct tcp_skb_cb *cb, u64 now) __needs(sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_out_options o = tcp_out_options(tp, cb, now);
	u32 len = skb->len;
	struct tcp_hdr_spec h = { .saddr = sk->inet_saddr,
				  .daddr = sk->sk_daddr,
				  .sport = htons(sk->sk_num),
				  .dport = sk->sk_dport,
				  .seq = cb->seq,
				  .ack = cb->tcp_flags & TCPHDR_ACK ? tp->rcv_nxt : 0,
				  .optlen = tcp_options_len(&o),
				  .flags = cb->tcp_flags };

	if (cb->segs > 1)
		h.flags |=
			TCPHDR_PSH; /* it is the end of what we can send now; stays on the last one */
	(void)tcp_options_write(skb_push(skb, h.optlen), &o);
	if (o.num_sacks)
		tp->dsack = false; /* told once (RFC 2883, 4) */
	if (cb->tcp_flags & TCPHDR_SYN) {
		h.wnd = (u16)min(tp->rcv_wnd, 65535u); /* RFC 7323, 2.2: never scaled */
		tp->rcv_wup = tp->rcv_nxt;
	} else {
		h.wnd = tcp_select_window(sk);
		h.flags |= tcp_ecn_send(tp, skb, cb, len);
		tcp_put_urgent(tp, &h);
	}
	return h;
}

/* The sum of the payload is known from its copy: only the header is left to sum, and nobody below need touch the bytes. */
static void tcp_finish_csum(struct sk_buff *skb, const struct tcp_hdr_spec *h, u32 payload_sum)
{
	struct tcphdr *th = tcp_hdr(skb);

	th->check = csum_tcpudp_magic(h->saddr, h->daddr, skb->len, IPPROTO_TCP,
				      csum_partial(th, TCP_HDR_LEN + h->optlen, payload_sum));
	skb->ip_summed = CHECKSUM_NONE;
}

/**
 * tcp_transmit_skb() - header, options, checksum, IP
 * @sk: socket
 * @skb: data at the payload, control block filled; more than one segment only where sk_can_gso()
 * @clone_it: @skb stays with the caller and a clone goes; otherwise @skb is consumed
 *
 * Both have the time at which it shall leave: from then on its round trip is measured, so that waiting in fq, which the rate asked for,
 * does not pass for a longer way and lower the rate further. fq keeps that time; other disciplines do not look at it.
 *
 * Context: BH off. Return: 0 accepted; -ENOBUFS no memory for the clone; NET_XMIT_DROP (positive) refused by the
 * queue below (the congestion window is reduced); other -errno from IP.
 */
int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone_it)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb cb = *TCP_SKB_CB(skb);
	struct sk_buff *orig = clone_it ? skb : NULL;
	u64 now = ktime_get_ns(), departs;
	u32 len = skb->len;
	struct tcp_hdr_spec h;
	int err;

	trace_fn_tcp(tcp_transmit_skb, sk, skb, cb.seq, sk->sk_write_queue.qlen);
	BUG_ON(cb.segs == 0 || (cb.segs > 1 && !cb.gso_size));
	departs = tcp_departure(sk, &cb, now);
	skb->tstamp_ns = departs;
	if (clone_it) {
		skb = tcp_copy_for_xmit(skb);
		if (!skb)
			return -ENOBUFS;
		skb->tstamp_ns = departs;
		trace_at_tcp(tcp_clone, sk, skb, cb.seq, sk->sk_write_queue.qlen);
	}
	h = tcp_build_header(sk, skb, &cb, departs);
	tcp_push_header(skb, &h);
	if (cb.summed && cb.segs == 1)
		tcp_finish_csum(skb, &h, cb.csum);
	else
		tp->icsk_af_ops->send_check(sk, skb);
	skb_shinfo(skb)->gso_size = cb.segs > 1 ? cb.gso_size : 0;
	skb_shinfo(skb)->gso_segs = (u16)cb.segs;
	skb_shinfo(skb)->gso_type = cb.segs > 1 ? SKB_GSO_TCPV4 : 0;
	if (cb.segs > 1 && (h.flags & TCPHDR_CWR))
		skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
	skb->priority = sk->sk_priority;
	skb->mark = sk->sk_mark;
	if (tp->dst_confirm) {
		skb->dst_pending_confirm = 1;
		tp->dst_confirm = false;
	}
	tcp_set_owner_w(skb, sk, cb.seq != cb.end_seq);
	tcp_event_sent(sk, &cb, len, now);
	err = tp->icsk_af_ops->queue_xmit(sk, skb);
	if (err > 0) {
		tcp_enter_cwr(sk);
		if (err == NET_XMIT_CN)
			err = 0;
	}
	if (!err && len)
		tcp_paced(sk, len, departs);
	if (!err && orig)
		tcp_rate_sent(tp, orig, departs);
	return err;
}
