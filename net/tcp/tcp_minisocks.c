// SPDX-License-Identifier: MIT
/*
 * Births: sockets, and the children of a listener.
 *
 * A SYN makes a request, or, when the SYN queue is full, a cookie; the last ACK of the handshake makes the child. The accept queue is
 * bounded: beyond it SYNs are dropped and that ACK is ignored, so that the peer goes on asking (or reset, tcp_abort_on_overflow).
 *
 * Interface: tcp_init_sock, tcp_free_sock, tcp_conn_request, tcp_create_openreq_child, tcp_check_req, tcp_cookie_child, tcp_child_established, tcp_listen_stop
 * Above: tcp_input.c, tcp_ipv4.c, tcp.c. Below: tcp_syncookies.c, tcp_request.c, tcp_fastopen.c, tcp_control.c, tcp_timer.c.
 * Context: BH off.
 * Owns: children not accepted yet (their first reference, on accept_queue).
 * Specs: RFC 9293 3.10.7.2, 3.10.7.4; RFC 4987 3.6; RFC 7413 4.2; Linux ip-sysctl.rst.
 */
#include "tcp_internal.h"

#include <kernel/mm.h>
#include <net/ip.h>

/**
 * tcp_init_sock() - a socket comes to life, without a network layer yet (icsk_af_ops)
 *
 * Context: process or softirq. Return: 0.
 */
int tcp_init_sock(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_net *tn = tcp_net_of(sk);

	skb_queue_head_init(&tp->tcp_rtx_queue);
	skb_queue_head_init(&tp->out_of_order_queue);
	INIT_LIST_HEAD(&tp->syn_queue);
	INIT_LIST_HEAD(&tp->accept_queue);
	INIT_LIST_HEAD(&tp->accept_node);
	INIT_LIST_HEAD(&tp->tsq_node);
	INIT_LIST_HEAD(&tp->tsorted);
	tcp_loss_init(sk);
	tcp_init_xmit_timers(sk);
	tcp_rtt_init(&tp->rtt);
	tcp_rate_init(tp);
	tp->ca_ops = tn->ca_ops;
	tp->cc = (struct tcp_cc){ .cwnd = TCP_INIT_CWND,
				  .ssthresh = TCP_INFINITE_SSTHRESH,
				  .clamp = UINT32_MAX };
	tp->ca_ops->init(&tp->cc);
	tp->mss_cache = TCP_MSS_DEFAULT;
	tp->mss_clamp = 65535;
	tp->window_clamp = 65535u << TCP_MAX_WSCALE;
	sk->sk_sndbuf = tn->wmem[1];
	sk->sk_rcvbuf = tn->rmem[1];
	sk->sk_write_space = sk_stream_write_space;
	return 0;
}

/** tcp_free_sock() - the last reference is gone (struct proto). Context: process or softirq. */
void tcp_free_sock(struct sock *sk)
{
	kfree(tcp_sk(sk)->fo_keys);
	kfree(tcp_sk(sk)->saved_syn);
}

/* --- Children ------------------------------------------------------------------------------------------------------------- */

/* What a child takes over from its listener. */
static void tcp_child_inherit(struct sock *child, const struct sock *lsk)
{
	struct tcp_sock *tp = tcp_sk(child);
	const struct tcp_sock *ltp = tcp_sk(lsk);

	child->sk_type = lsk->sk_type;
	child->sk_protocol = lsk->sk_protocol;
	child->inet_is_icsk = lsk->inet_is_icsk;
	child->sk_userlocks =
		lsk->sk_userlocks & (u8)~SOCK_BINDPORT_LOCK; /* it ends with the connection */
	child->inet_tos = lsk->inet_tos;
	child->inet_ttl = lsk->inet_ttl;
	child->inet_min_ttl = lsk->inet_min_ttl;
	child->inet_pmtudisc = lsk->inet_pmtudisc;
	child->inet_flags = lsk->inet_flags;
	count_flags_set(&child->sk_flags,
			lsk->sk_flags &
				(u32)(BIT(SOCK_KEEPOPEN) | BIT(SOCK_LINGER) | BIT(SOCK_URGINLINE) |
				      BIT(SOCK_LOCALROUTE) | BIT(SOCK_BROADCAST) |
				      BIT(SOCK_NO_CHECK_TX) | SOCK_TSTAMP_FLAGS));
	child->sk_lingertime_s = lsk->sk_lingertime_s;
	child->sk_sndbuf = lsk->sk_sndbuf;
	child->sk_rcvbuf = lsk->sk_rcvbuf;
	child->sk_rcvlowat = lsk->sk_rcvlowat;
	child->sk_priority = lsk->sk_priority;
	child->sk_mark = lsk->sk_mark;
	child->sk_max_pacing_rate = lsk->sk_max_pacing_rate;
	child->sk_pacing_rate = sk_pacing_limit(child);
	child->sk_sndtimeo_ns = lsk->sk_sndtimeo_ns;
	child->sk_rcvtimeo_ns = lsk->sk_rcvtimeo_ns;
	tp->nonagle = ltp->nonagle;
	tp->user_mss = ltp->user_mss;
	tp->keepalive_time = ltp->keepalive_time;
	tp->keepalive_intvl = ltp->keepalive_intvl;
	tp->keepalive_probes = ltp->keepalive_probes;
	tp->linger2 = ltp->linger2;
	tp->user_timeout_ms = ltp->user_timeout_ms;
	tp->notsent_lowat = ltp->notsent_lowat;
	tp->recvmsg_inq = ltp->recvmsg_inq;
	tp->window_clamp = ltp->window_clamp;
	tp->ca_ops = ltp->ca_ops;
	tp->ca_ops->init(&tp->cc);
	tp->icsk_af_ops = ltp->icsk_af_ops;
}

/* @early: the handshake is not over. */
static void tcp_child_numbers(struct sock *child, const struct tcp_request_sock *req, bool early)
{
	struct tcp_sock *tp = tcp_sk(child);

	child->sk_dport = req->c.skc_dport;
	child->sk_num = req->c.skc_num;
	child->inet_sport = htons(req->c.skc_num);
	child->sk_bound_dev_if = req->c.skc_bound_dev_if;
	child->sk_reuse = req->c.skc_reuse;
	child->sk_reuseport = req->c.skc_reuseport;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = req->rcv_isn + 1;
	tp->rcv_wnd = tcp_reqsk_window(req);
	tp->advmss = req->advmss;
	tp->sack_ok = req->sack_ok;
	tp->tstamp_ok = req->tstamp_ok;
	tp->tsoffset = tcp_ts_offset(child->sk_net, &req->c);
	if (req->tstamp_ok)
		tcp_store_ts_recent(tp, req->ts_recent);
	tp->rcv_ssthresh = req->rcv_wnd;
	tp->rcv_mss = min(tp->advmss, TCP_MSS_DEFAULT);
	tp->snd_una = tp->snd_nxt = tp->write_seq = tp->snd_up = req->snt_isn + 1;
	tp->snd_wl1 = req->rcv_isn;
	tp->snd_wl2 = tp->snd_una;
	tp->mss_clamp = req->mss;
	if (tp->user_mss)
		tp->mss_clamp = (u16)min(req->mss, tp->user_mss);
	tp->wscale_ok = req->wscale_ok;
	tp->ecn_flags = req->ecn_ok ? TCP_ECN_OK : 0;
	tp->snd_wscale = req->snd_wscale;
	tp->rcv_wscale = req->rcv_wscale;
	if (!req->wscale_ok)
		tp->window_clamp = min(tp->window_clamp, 65535u);
	tp->total_retrans = req->retrans;
	tp->segs_in = 1;                               /* the SYN */
	tp->delivered = !early;                        /* the SYN-ACK */
	if (!req->retrans && !early && req->sent_ns) { /* 0: a cookie, without timestamps */
		u64 now = ktime_get_ns();
		u32 rtt_us = (u32)((now - req->sent_ns) / NSEC_PER_USEC);

		tcp_rtt_sample(&tp->rtt, rtt_us, tp->snd_una, tp->snd_nxt);
		if (!req->cookie) /* whose is not exact */
			tcp_rtt_min_sample(&tp->rtt, rtt_us, (u32)(now / NSEC_PER_MSEC),
					   tcp_net_of(child)->min_rtt_wlen * 1000u);
	}
}

/**
 * tcp_create_openreq_child() - a full socket with what listener and request know; the network layer adds the addresses
 * @req: half-open connection; stays as it is
 * @early: the handshake is not over (Fast Open)
 *
 * Context: softirq, BH off. Owns: the caller has the child's only reference. Return: the child; NULL without memory.
 */
struct sock *tcp_create_openreq_child(struct tcp_request_sock *req, bool early)
{
	struct sock *lsk = req->listener;
	struct sock *child = sk_alloc(lsk->sk_net, (u16)lsk->sk_family, lsk->sk_prot);

	if (!child)
		return NULL;
	(void)tcp_init_sock(child);
	if (ip_options_give(child, req->opt)) {
		sock_put(child);
		return NULL;
	}
	tcp_child_inherit(child, lsk);
	tcp_child_numbers(child, req, early);
	tcp_sk(child)->saved_syn = req->saved_syn;
	req->saved_syn = NULL;
	return child;
}

/* A child that stands in the table of connections takes its listener's port. */
static void tcp_child_joins(struct sock *child, struct sock *lsk) __needs(softirq_ctx)
{
	tcp_sk(child)->listener = lsk;
	child->sk_state = TCP_SYN_RECV;
	inet_inherit_port(lsk->sk_net->tcp_hash, &child->__sk_common, lsk->sk_num);
	TCP_INC_STATS(lsk->sk_net, PassiveOpens);
}

/* The full socket of a completed handshake takes the request's place. NULL without memory; the request stays then. */
static struct sock *tcp_create_child(struct tcp_request_sock *req, bool early) __needs(softirq_ctx)
{
	struct sock *lsk = req->listener, *child;
	struct net *net = lsk->sk_net;

	child = tcp_sk(lsk)->icsk_af_ops->syn_recv_sock(req, early);
	if (!child)
		return NULL;
	inet_ehash_replace(net->tcp_hash, &req->c, &child->__sk_common);
	tcp_child_joins(child, lsk);
	tcp_reqsk_drop(req);
	return child;
}

/** tcp_child_established() - the child moves to its listener's accept queue. Context: softirq, BH off. */
void tcp_child_established(struct sock *child)
{
	struct tcp_sock *tp = tcp_sk(child);
	struct sock *lsk = tp->listener;

	BUG_ON(!lsk || lsk->sk_state != TCP_LISTEN);
	list_add_tail(&tp->accept_node, &tcp_sk(lsk)->accept_queue);
	lsk->sk_ack_backlog++;
	lsk->sk_data_ready(lsk);
}

/* --- Fast Open: a child before its handshake ends --------------------------------------------------------------------------- */

/* The text of a SYN, behind its number. Without memory it is left to be sent again. */
static void tcp_fastopen_text(struct sock *child, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, child)
{
	struct tcp_seg text = *seg;
	struct sk_buff *copy = seg->len ? skb_clone(skb) : NULL;

	if (!copy)
		return;
	text.seq++;
	text.flags &= (u8)~TCPHDR_SYN;
	copy->dev = NULL;
	(void)skb_pull(copy, copy->len - seg->len);
	tcp_sk(child)->syn_data_acked = true;
	tcp_data_queue(child, copy, &text);
}

/*
 * A valid cookie: the connection is there with its SYN (RFC 7413, 4.2.2), its SYN-ACK in the retransmit queue. Return: false
 * without memory: @req stands.
 */
static bool tcp_fastopen_child(struct tcp_request_sock *req, struct sk_buff *skb,
			       const struct tcp_seg *seg, const struct tcp_fastopen_cookie *foc)
	__needs(softirq_ctx)
{
	struct sock *lsk = req->listener, *child;
	u32 isn = req->snt_isn;
	struct sk_buff *synack =
		tcp_ctl_skb(isn, (u8)(TCPHDR_SYN | TCPHDR_ACK | (req->ecn_ok ? TCPHDR_ECE : 0)));
	struct tcp_sock *tp;

	child = synack ? tcp_create_child(req, true) : NULL;
	if (!child) {
		consume_skb(synack);
		return false;
	}
	sock_owned_by_me(child);
	tp = tcp_sk(child);
	tp->fo_child = true;
	sock_hold(lsk);
	tp->fo_listener = lsk;
	tcp_sk(lsk)->fo_qlen++;
	tp->snd_una = tp->snd_wl2 = tp->snd_up = isn; /* nothing is urgent */
	tp->snd_nxt = tp->write_seq = isn + 1;
	tp->snd_wl1 = seg->seq;
	tp->snd_wnd = tp->max_window = seg->wnd;
	child->sk_wmem_queued += synack->truesize;
	tcp_rtx_enqueue(child, synack);
	tcp_init_transfer(child);
	tcp_fastopen_text(child, skb, seg);
	tp->fo_cookie = foc;
	(void)tcp_transmit_skb(child, synack, true);
	tp->fo_cookie = NULL;
	tcp_reset_xmit_timer(child, TCP_TIME_RETRANS, tcp_rto_ns(tp));
	tcp_child_established(child);
	return true;
}

/* The SYN-ACK of a request, or with Fast Open the connection. */
static void tcp_answer_syn(struct tcp_request_sock *req, struct sk_buff *skb,
			   const struct tcp_seg *seg) __needs(softirq_ctx)
{
	struct net *net = req->c.skc_net;
	struct tcp_fastopen_cookie foc;
	bool early = tcp_fastopen_screen(req->listener, skb, seg, &foc);

	if (early && tcp_fastopen_child(req, skb, seg, foc.there ? &foc : NULL)) {
		NET_INC_STATS(net, TCPFastOpenPassive);
		return;
	}
	if (early)
		NET_INC_STATS(net, TCPFastOpenPassiveFail);
	(void)tcp_v4_send_synack(net, req, req->listener->inet_tos, foc.there ? &foc : NULL);
	tcp_reqsk_arm(req);
}

/* A SYN-ACK that says everything, and no memory of it (RFC 4987, 3.6). Return: NR_DROP_REASONS, or why there is none. */
static enum skb_drop_reason tcp_cookie_request(struct sock *lsk, const struct sk_buff *skb,
					       const struct tcp_seg *seg) __needs(softirq_ctx)
{
	struct tcp_request_sock req = { 0 };
	enum skb_drop_reason reason = NR_DROP_REASONS;

	if (tcp_reqsk_init(&req, lsk, skb, seg->seq, 0))
		return SKB_DROP_REASON_NOMEM;
	if (tcp_reqsk_windows(lsk, &req, &seg->opt)) {
		req.snt_isn = tcp_syncookie_isn(lsk, skb, seg, req.mss);
		req.ecn_ok = tcp_ecn_request_ok(lsk->sk_net->tcp, seg);
		tcp_syncookie_encode(&req);
		(void)tcp_v4_send_synack(lsk->sk_net, &req, lsk->inet_tos, NULL);
	} else {
		reason = SKB_DROP_REASON_NO_ROUTE;
	}
	kfree(req.opt);
	return reason;
}

/**
 * tcp_conn_request() - a SYN reached a listener (RFC 9293, 3.10.7.2)
 * @lsk: listener
 * @skb: the SYN, headers set; not consumed
 * @seg: its fields
 * @isn: initial sequence number that a TIME-WAIT predecessor demands; 0: choose
 *
 * Text and FIN on the SYN are left to be sent again, unless Fast Open knows the client. With a full accept queue the SYN is dropped; with a
 * full SYN queue it gets a cookie, or (tcp_syncookies 0) the oldest request makes room.
 *
 * Context: softirq, BH off. Return: NR_DROP_REASONS when it was answered, else why the SYN came to nothing.
 */
enum skb_drop_reason tcp_conn_request(struct sock *lsk, struct sk_buff *skb,
				      const struct tcp_seg *seg, u32 isn)
{
	enum skb_drop_reason reason = SKB_DROP_REASON_NOMEM;
	struct tcp_sock *ltp = tcp_sk(lsk);
	struct net *net = lsk->sk_net;
	struct tcp_request_sock *req;

	if (tcp_accept_queue_full(lsk)) {
		NET_INC_STATS(net, ListenOverflows);
		reason = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
		goto drop;
	}
	if (!isn && tcp_syncookie_wanted(lsk)) {
		reason = tcp_cookie_request(lsk, skb, seg);
		if (reason != NR_DROP_REASONS)
			goto drop;
		return reason;
	}
	if (ltp->syn_queue_len >= net->tcp->max_syn_backlog)
		tcp_reqsk_drop(list_first_entry(&ltp->syn_queue, struct tcp_request_sock, node));
	req = tcp_reqsk_alloc(lsk, skb, seg, isn);
	if (!req)
		goto drop;
	if (!tcp_reqsk_windows(lsk, req, &seg->opt)) {
		reason = SKB_DROP_REASON_NO_ROUTE;
		goto free_req;
	}
	if (!tcp_reqsk_enqueue(req)) {
		reason = SKB_DROP_REASON_LOCAL_ERROR;
		goto free_req;
	}
	tcp_answer_syn(req, skb, seg);
	return NR_DROP_REASONS;

free_req:
	tcp_reqsk_free(req);
drop:
	NET_INC_STATS(net, ListenDrops);
	return reason;
}

/**
 * tcp_check_req() - a segment for a half-open connection (RFC 9293, 3.10.7.4 in SYN-RECEIVED)
 * @req: request; may be gone on return
 * @skb: not consumed
 * @seg: its fields
 * @reason: set when there is no child: why the segment ends here; NR_DROP_REASONS, its normal end (a SYN, answered again)
 *
 * Context: softirq, BH off. Return: the child, which must process the same segment and whose only reference is
 * the caller's until tcp_child_established(); NULL: the segment is dealt with.
 */
struct sock *tcp_check_req(struct tcp_request_sock *req, struct sk_buff *skb,
			   const struct tcp_seg *seg, enum skb_drop_reason *reason)
{
	struct net *net = req->c.skc_net;
	struct sock *child;

	*reason = NR_DROP_REASONS;
	if (tcp_reqsk_syn_again(req, seg))
		return NULL;
	*reason = tcp_reqsk_screen(req, skb, seg);
	if (*reason != NR_DROP_REASONS || tcp_reqsk_deferred(req, seg))
		return NULL;
	child = tcp_accept_queue_full(req->listener) ? NULL : tcp_create_child(req, false);
	if (child)
		return child;
	NET_INC_STATS(net, ListenOverflows);
	NET_INC_STATS(net, ListenDrops);
	*reason = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
	if (net->tcp->abort_on_overflow) {
		NET_INC_STATS(net, EmbryonicRsts);
		tcp_v4_send_reset(net, skb, seg);
		tcp_reqsk_drop(req);
	} else {
		req->acked = true; /* the SYN-ACK goes again later, and its ACK may find room */
	}
	return NULL;
}

/**
 * tcp_cookie_child() - an ACK out of the blue at a listener: perhaps the answer to a cookie, and with it a connection
 * @lsk: listener
 * @skb: not consumed
 * @seg: its fields: ACK, neither SYN nor RST
 * @reason: why there is no child
 *
 * Who answers no cookie of ours meets a RST (RFC 9293, 3.10.7.2).
 *
 * Context: softirq, BH off. Return: the child, as of tcp_check_req(); NULL: the segment is dealt with.
 */
struct sock *tcp_cookie_child(struct sock *lsk, struct sk_buff *skb, const struct tcp_seg *seg,
			      enum skb_drop_reason *reason)
{
	struct net *net = lsk->sk_net;
	struct tcp_request_sock req = { 0 };
	struct tcp_options opt;
	struct sock *child = NULL;
	int err = tcp_syncookie_check(lsk, skb, seg, &req, &opt);

	if (err) {
		*reason = err == -ENOMEM ? SKB_DROP_REASON_NOMEM : SKB_DROP_REASON_TCP_FLAGS;
		if (err != -ENOMEM)
			tcp_v4_send_reset(net, skb, seg);
		return NULL;
	}
	*reason = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
	if (!tcp_reqsk_windows(lsk, &req, &opt))
		*reason = SKB_DROP_REASON_NO_ROUTE;
	else if (!tcp_accept_queue_full(lsk))
		child = tcp_sk(lsk)->icsk_af_ops->syn_recv_sock(&req, false);
	kfree(req.opt);
	if (!child) {
		NET_INC_STATS(net, ListenOverflows);
		NET_INC_STATS(net, ListenDrops);
		return NULL;
	}
	BUG_ON(inet_ehash_insert(net->tcp_hash, &child->__sk_common)); /* nobody was found there */
	tcp_child_joins(child, lsk);
	return child;
}

/**
 * tcp_listen_stop() - a listener closes: requests vanish, connections nobody accepted are reset
 * @sk: was LISTEN
 *
 * Context: owner, BH off.
 */
void tcp_listen_stop(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk), *child, *tmp;
	struct tcp_request_sock *req, *rtmp;

	list_for_each_entry_safe(req, rtmp, &tp->syn_queue, node)
		tcp_reqsk_drop(req);
	list_for_each_entry_safe(child, tmp, &tp->accept_queue, accept_node) {
		struct sock *csk = &child->sk;

		list_del_init(&child->accept_node);
		child->listener = NULL;
		sk->sk_ack_backlog--;
		sock_hold(csk);
		sock_owned_by_me(csk);
		tcp_orphan(csk);
		if (csk->sk_state == TCP_CLOSE) {
			tcp_destroy_sock(csk);
		} else {
			tcp_send_active_reset(csk);
			tcp_done(csk);
		}
		sock_put(csk);
	}
	BUG_ON(tp->syn_queue_len != 0 || sk->sk_ack_backlog != 0);
}
