// SPDX-License-Identifier: MIT
/*
 * Births and remains: sockets, half-open requests of a listener, children, TIME-WAIT.
 *
 * The SYN queue is bounded; when it is full the oldest half-open request makes room, so that a flood of false SYNs does
 * not shut out a peer that answers within a round trip (RFC 4987, 3.3). The accept queue is bounded: beyond it the last
 * ACK of a handshake is ignored and the SYN-ACK repeated.
 *
 * Interface: tcp_init_sock, tcp_conn_request, tcp_create_openreq_child, tcp_check_req, tcp_reqsk_drop, tcp_child_established, tcp_listen_stop,
 * tcp_time_wait, tcp_timewait_process, tcp_timewait_kill
 * Above: tcp_input.c, tcp_ipv4.c, tcp.c. Below: tcp_timer.c, tcp_control.c, tcp_reply.c.
 * Context: BH off.
 * Owns: requests (on the listener's syn_queue), children not accepted yet (their first reference, on accept_queue),
 * TIME-WAIT mini sockets (by their timer). All are counted in net->socks_live.
 * Specs: RFC 9293 3.10.7.2, 3.10.7.4, 3.6.1; RFC 1337; RFC 6191 (by sequence number); RFC 6298 (SYN-ACK timer).
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
	tcp_init_xmit_timers(sk);
	tcp_rtt_init(&tp->rtt);
	tp->ca_ops = tn->ca_ops;
	tp->cc = (struct tcp_cc){ .cwnd = TCP_INIT_CWND,
				  .ssthresh = TCP_INFINITE_SSTHRESH,
				  .clamp = UINT32_MAX };
	tp->ca_ops->init(&tp->cc);
	tp->mss_cache = TCP_MSS_DEFAULT;
	tp->mss_clamp = 65535;
	tp->window_clamp = 65535u << TCP_MAX_WSCALE;
	tp->quick = TCP_MAX_QUICKACKS;
	sk->sk_sndbuf = tn->wmem[1];
	sk->sk_rcvbuf = tn->rmem[1];
	sk->sk_write_space = sk_stream_write_space;
	return 0;
}

/* --- Half-open requests -------------------------------------------------------------------------------------------------- */

/** tcp_reqsk_drop() - a request ends: out of tables and queue, freed. Context: BH off. */
void tcp_reqsk_drop(struct tcp_request_sock *req)
{
	struct net *net = req->c.skc_net;

	(void)del_timer(&req->timer);
	inet_ehash_remove(&req->c);
	inet_unbind_port(&req->c);
	list_del_init(&req->node);
	BUG_ON(tcp_sk(req->listener)->syn_queue_len == 0);
	tcp_sk(req->listener)->syn_queue_len--;
	BUG_ON(net->socks_live == 0);
	net->socks_live--;
	kfree(req->opt);
	kfree(req);
}

static void tcp_synack_timer(struct timer *t) __needs(softirq_ctx)
{
	struct tcp_request_sock *req = container_of(t, struct tcp_request_sock, timer);
	struct net *net = req->c.skc_net;

	if (req->retrans >= net->tcp->synack_retries) {
		TCP_INC_STATS(net, AttemptFails);
		tcp_reqsk_drop(req);
		return;
	}
	req->retrans++;
	TCP_INC_STATS(net, RetransSegs);
	NET_INC_STATS(net, TCPSynRetrans);
	(void)tcp_v4_send_synack(net, req, req->listener->inet_tos, NULL);
	(void)mod_timer(&req->timer,
			ktime_get_ns() + tcp_rto_backoff(TCP_TIMEOUT_INIT_NS, req->retrans));
}

static bool tcp_accept_queue_full(const struct sock *lsk)
{
	testcase(lsk->sk_ack_backlog == lsk->sk_max_ack_backlog);
	return lsk->sk_ack_backlog > lsk->sk_max_ack_backlog;
}

/* What we announce in the SYN-ACK; needs the route. Return: false when there is none. */
static bool tcp_req_windows(const struct sock *lsk, struct tcp_request_sock *req,
			    const struct tcp_options *opt)
{
	const struct tcp_net *tn = tcp_net_of(lsk);
	struct flowi4 fl = { .daddr = ip_first_hop(req->opt, req->c.skc_daddr),
			     .saddr = req->c.skc_rcv_saddr,
			     .oif = req->c.skc_bound_dev_if,
			     .flowi4_proto = IPPROTO_TCP };
	struct rtable *rt = ip_route_output_key(lsk->sk_net, &fl);
	u32 space = tcp_full_space(lsk), mss, scale_for, seg;

	if (IS_ERR(rt))
		return false;
	mss = min(rt->dst.advmss, 65495u);
	dst_release(&rt->dst);
	if (tcp_sk(lsk)->user_mss)
		mss = min(mss, tcp_sk(lsk)->user_mss);
	scale_for = lsk->sk_userlocks & SOCK_RCVBUF_LOCK ? space : max(space, tn->rmem[2]);
	req->advmss = (u16)mss;
	req->mss = opt->mss ? opt->mss : TCP_MSS_DEFAULT;
	req->sack_ok = opt->sack_ok && tn->sack;
	if (opt->tstamp_ok && tn->timestamps) {
		req->tstamp_ok = true;
		req->ts_recent = opt->tsval;
	}
	if (opt->wscale_ok && tn->window_scaling) {
		req->wscale_ok = true;
		req->snd_wscale = opt->wscale;
		req->rcv_wscale = tcp_select_wscale(min(scale_for, tcp_sk(lsk)->window_clamp));
	}
	seg = mss - (req->tstamp_ok ? TCP_TSTAMP_LEN : 0); /* what the peer's segments will hold */
	req->rcv_wnd = (u16)min(space > seg ? space / seg * seg : space, 65535u);
	return true;
}

/* A request with identity and numbers from the SYN; not in any table yet. NULL without memory. */
static struct tcp_request_sock *tcp_req_alloc(struct sock *lsk, const struct sk_buff *skb,
					      const struct tcp_seg *seg, u32 isn)
{
	struct tcp_request_sock *req = kzalloc(sizeof(*req));
	struct net *net = lsk->sk_net;

	if (!req)
		return NULL;
	req->opt = ip_options_accept(lsk, ip_hdr(skb));
	if (IS_ERR(req->opt)) {
		kfree(req);
		return NULL;
	}
	req->c.skc_daddr = ip_hdr(skb)->saddr;
	req->c.skc_rcv_saddr = ip_hdr(skb)->daddr;
	req->c.skc_dport = tcp_hdr(skb)->source;
	req->c.skc_num = lsk->sk_num;
	req->c.skc_family = AF_INET;
	req->c.skc_state = TCP_NEW_SYN_RECV;
	req->c.skc_reuse = lsk->sk_reuse;
	req->c.skc_bound_dev_if = lsk->sk_bound_dev_if;
	req->c.skc_prot = lsk->sk_prot;
	req->c.skc_net = net;
	req->c.skc_refcnt = 1;
	INIT_LIST_HEAD(&req->c.skc_node);
	INIT_LIST_HEAD(&req->c.skc_bind_node);
	req->listener = lsk;
	req->rcv_isn = seg->seq;
	req->ecn_ok = tcp_ecn_request_ok(net->tcp, seg);
	req->snt_isn = isn ? isn
			   : tcp_v4_init_seq(net, req->c.skc_rcv_saddr, htons(req->c.skc_num),
					     req->c.skc_daddr, req->c.skc_dport);
	timer_setup(&req->timer, tcp_synack_timer);
	return req;
}

/* What a child takes over from its listener. */
static void tcp_child_inherit(struct sock *child, const struct sock *lsk)
{
	struct tcp_sock *tp = tcp_sk(child);
	const struct tcp_sock *ltp = tcp_sk(lsk);

	child->sk_type = lsk->sk_type;
	child->sk_protocol = lsk->sk_protocol;
	child->sk_userlocks = lsk->sk_userlocks;
	child->inet_tos = lsk->inet_tos;
	child->inet_ttl = lsk->inet_ttl;
	child->inet_pmtudisc = lsk->inet_pmtudisc;
	child->inet_flags = lsk->inet_flags;
	child->sk_flags =
		lsk->sk_flags & (u32)(BIT(SOCK_KEEPOPEN) | BIT(SOCK_LINGER) | BIT(SOCK_URGINLINE));
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
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = req->rcv_isn + 1;
	tp->rcv_wnd = req->rcv_wnd;
	tp->advmss = req->advmss;
	tp->sack_ok = req->sack_ok;
	tp->tstamp_ok = req->tstamp_ok;
	tp->tsoffset = tcp_ts_offset(child->sk_net, &req->c);
	if (req->tstamp_ok)
		tcp_store_ts_recent(tp, req->ts_recent);
	tp->rcv_mss = min(tp->advmss, TCP_MSS_DEFAULT);
	tp->snd_una = tp->snd_nxt = tp->write_seq = req->snt_isn + 1;
	tp->snd_wl1 = req->rcv_isn;
	tp->snd_wl2 = tp->snd_una;
	tp->mss_clamp = tp->user_mss ? min((u32)req->mss, tp->user_mss) : req->mss;
	tp->wscale_ok = req->wscale_ok;
	tp->ecn_flags = req->ecn_ok ? TCP_ECN_OK : 0;
	tp->snd_wscale = req->snd_wscale;
	tp->rcv_wscale = req->rcv_wscale;
	if (!req->wscale_ok)
		tp->window_clamp = min(tp->window_clamp, 65535u);
	tp->total_retrans = req->retrans;
	tp->delivered = !early; /* the SYN-ACK */
	if (!req->retrans && !early)
		tcp_rtt_sample(&tp->rtt, (u32)((ktime_get_ns() - req->sent_ns) / NSEC_PER_USEC),
			       tp->snd_una, tp->snd_nxt);
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
	return child;
}

/* The full socket of a completed handshake takes the request's place. NULL without memory; the request stays then. */
static struct sock *tcp_create_child(struct tcp_request_sock *req, bool early) __needs(softirq_ctx)
{
	struct sock *lsk = req->listener, *child;
	struct net *net = lsk->sk_net;

	child = tcp_sk(lsk)->icsk_af_ops->syn_recv_sock(req, early);
	if (!child)
		return NULL;
	tcp_sk(child)->listener = lsk;
	child->sk_state = TCP_SYN_RECV;
	inet_ehash_replace(net->tcp_hash, &req->c, &child->__sk_common);
	inet_inherit_port(net->tcp_hash, &child->__sk_common, lsk->sk_num);
	TCP_INC_STATS(net, PassiveOpens);
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
			       const struct tcp_seg *seg) __needs(softirq_ctx)
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
	tp->snd_una = tp->snd_wl2 = isn;
	tp->snd_nxt = tp->write_seq = isn + 1;
	tp->snd_wl1 = seg->seq;
	tp->snd_wnd = tp->max_window = seg->wnd;
	child->sk_wmem_queued += synack->truesize;
	tcp_rtx_enqueue(child, synack);
	tcp_init_transfer(child);
	tcp_fastopen_text(child, skb, seg);
	(void)tcp_transmit_skb(child, synack, true);
	tcp_reset_xmit_timer(child, TCP_TIME_RETRANS, tcp_rto_ns(tp));
	tcp_child_established(child);
	return true;
}

/**
 * tcp_conn_request() - a SYN reached a listener (RFC 9293, 3.10.7.2)
 * @lsk: listener
 * @skb: the SYN, headers set; not consumed
 * @seg: its fields
 * @isn: initial sequence number that a TIME-WAIT predecessor demands; 0: choose
 *
 * Text and FIN on the SYN are left to be sent again, unless Fast Open knows the client.
 *
 * Context: softirq, BH off. Return: NR_DROP_REASONS when a request stands, else why the SYN came to nothing.
 */
enum skb_drop_reason tcp_conn_request(struct sock *lsk, struct sk_buff *skb,
				      const struct tcp_seg *seg, u32 isn)
{
	enum skb_drop_reason reason = SKB_DROP_REASON_NOMEM;
	struct tcp_sock *ltp = tcp_sk(lsk);
	struct net *net = lsk->sk_net;
	struct tcp_request_sock *req;
	struct tcp_fastopen_cookie foc;
	bool early;

	if (tcp_accept_queue_full(lsk)) {
		NET_INC_STATS(net, ListenOverflows);
		reason = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
		goto drop;
	}
	if (ltp->syn_queue_len >= net->tcp->max_syn_backlog) {
		NET_INC_STATS(net, TCPReqQFullDrop);
		tcp_reqsk_drop(list_first_entry(&ltp->syn_queue, struct tcp_request_sock, node));
	}
	req = tcp_req_alloc(lsk, skb, seg, isn);
	if (!req)
		goto drop;
	if (!tcp_req_windows(lsk, req, &seg->opt)) {
		reason = SKB_DROP_REASON_NO_ROUTE;
		goto free_req;
	}
	if (inet_ehash_insert(net->tcp_hash, &req->c)) {
		reason = SKB_DROP_REASON_LOCAL_ERROR;
		goto free_req;
	}
	inet_inherit_port(net->tcp_hash, &req->c, lsk->sk_num);
	list_add_tail(&req->node, &ltp->syn_queue);
	ltp->syn_queue_len++;
	net->socks_live++;
	req->sent_ns = ktime_get_ns();
	req->next_ack_ms = (u16)(req->sent_ns / NSEC_PER_MSEC);
	early = tcp_fastopen_screen(lsk, skb, seg, &foc);
	if (early && tcp_fastopen_child(req, skb, seg)) {
		NET_INC_STATS(net, TCPFastOpenPassive);
		return NR_DROP_REASONS;
	}
	if (early)
		NET_INC_STATS(net, TCPFastOpenPassiveFail);
	(void)tcp_v4_send_synack(net, req, lsk->inet_tos, foc.there ? &foc : NULL);
	(void)mod_timer(&req->timer, req->sent_ns + TCP_TIMEOUT_INIT_NS);
	return NR_DROP_REASONS;

free_req:
	kfree(req->opt);
	kfree(req);
drop:
	NET_INC_STATS(net, ListenDrops);
	return reason;
}

/* A segment out of place is worth an answer, but not each of a flood (RFC 5961, 7). Return: now. */
static bool tcp_req_may_answer(struct tcp_request_sock *req)
{
	u16 now = (u16)(ktime_get_ns() / NSEC_PER_MSEC);

	if ((s16)(now - req->next_ack_ms) < 0) {
		NET_INC_STATS(req->c.skc_net, TCPACKSkippedSynRecv);
		return false;
	}
	req->next_ack_ms = (u16)(now + TCP_INVALID_RATELIMIT_NS / NSEC_PER_MSEC);
	return true;
}

/* Where we are, to somebody who is elsewhere. */
static void tcp_req_answer(struct tcp_request_sock *req) __needs(softirq_ctx)
{
	/* No SYN any more, so it is scaled (RFC 7323, 2.2); rounded up, so that the right edge does not move back. */
	u32 scale = req->wscale_ok ? req->rcv_wscale : 0;
	const struct tcp_mini_ack a = {
		.seq = req->snt_isn + 1,
		.ack = req->rcv_isn + 1,
		.wnd = (u16)min(ALIGN((u32)req->rcv_wnd, 1u << scale) >> scale, 65535u),
		.tstamp_ok = req->tstamp_ok,
		.ts_off = tcp_ts_offset(req->c.skc_net, &req->c),
		.ts_recent = req->ts_recent
	};

	if (tcp_req_may_answer(req))
		tcp_v4_send_ack(req->c.skc_net, &req->c, &a);
}

/* The timestamp is older than the SYN's. */
static bool tcp_req_paws_reject(const struct tcp_request_sock *req, const struct tcp_seg *seg)
{
	return req->tstamp_ok &&
	       tcp_paws_reject(req->ts_recent, (u32)(req->sent_ns / NSEC_PER_SEC), seg);
}

/* The echo is of nothing that we sent: neither of our first SYN-ACK nor of what followed. */
static bool tcp_req_tsecr_reject(const struct tcp_request_sock *req, const struct tcp_seg *seg)
{
	u32 off = tcp_ts_offset(req->c.skc_net, &req->c);

	return req->tstamp_ok && seg->opt.tstamp_ok && seg->opt.tsecr &&
	       !between(seg->opt.tsecr, tcp_tsval(req->sent_ns, off),
			tcp_tsval(ktime_get_ns(), off));
}

/* What a half-open connection does not take: why not, answered where an answer is due. NR_DROP_REASONS: its ACK may follow. */
static enum skb_drop_reason tcp_req_screen(struct tcp_request_sock *req, struct sk_buff *skb,
					   const struct tcp_seg *seg) __needs(softirq_ctx)
{
	struct net *net = req->c.skc_net;
	u32 rcv_nxt = req->rcv_isn + 1;
	bool old = tcp_req_paws_reject(req, seg), strange = tcp_req_tsecr_reject(req, seg);

	if (old || strange || before(seg->end_seq, rcv_nxt) ||
	    after(seg->seq, rcv_nxt + req->rcv_wnd)) {
		if (!(seg->flags & TCPHDR_RST))
			tcp_req_answer(req);
		if (old)
			NET_INC_STATS(net, PAWSEstab);
		else if (strange)
			NET_INC_STATS(net, TSEcrRejected);
		return old || strange ? SKB_DROP_REASON_TCP_PAWS
				      : SKB_DROP_REASON_TCP_INVALID_SEQUENCE;
	}
	if (req->tstamp_ok && seg->opt.tstamp_ok && !after(seg->seq, rcv_nxt))
		req->ts_recent = seg->opt.tsval;
	if (seg->flags & TCPHDR_RST) {
		if (seg->seq ==
		    rcv_nxt) { /* RFC 5961: only the exact number; back to LISTEN without a word */
			NET_INC_STATS(net, EmbryonicRsts);
			TCP_INC_STATS(net, AttemptFails);
			tcp_reqsk_drop(req);
		}
		return SKB_DROP_REASON_TCP_RESET;
	}
	if (seg->flags & TCPHDR_SYN) {
		NET_INC_STATS(net, TCPSYNChallenge);
		tcp_req_answer(req);
		return SKB_DROP_REASON_TCP_INVALID_SYN;
	}
	if (!(seg->flags & TCPHDR_ACK))
		return SKB_DROP_REASON_TCP_FLAGS;
	if (seg->ack != req->snt_isn + 1) {
		tcp_v4_send_reset(net, skb, seg);
		return SKB_DROP_REASON_TCP_INVALID_ACK;
	}
	return NR_DROP_REASONS;
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
	if ((seg->flags & TCPHDR_SYN) && seg->seq == req->rcv_isn &&
	    !(seg->flags & (TCPHDR_RST | TCPHDR_ACK)) && !tcp_req_paws_reject(req, seg)) {
		if (tcp_req_may_answer(req)) /* our SYN-ACK was lost */
			(void)tcp_v4_send_synack(net, req, req->listener->inet_tos, NULL);
		return NULL;
	}
	*reason = tcp_req_screen(req, skb, seg);
	if (*reason != NR_DROP_REASONS)
		return NULL;
	child = tcp_accept_queue_full(req->listener) ? NULL : tcp_create_child(req, false);
	if (!child) { /* the SYN-ACK goes again later, and its ACK may find room */
		NET_INC_STATS(net, ListenOverflows);
		NET_INC_STATS(net, ListenDrops);
		*reason = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
	}
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

/* --- TIME-WAIT --------------------------------------------------------------------------------------------------------------- */

/** tcp_timewait_kill() - the end of a TIME-WAIT. Context: BH off. */
void tcp_timewait_kill(struct net *net, struct tcp_timewait_sock *tw)
{
	(void)del_timer(&tw->timer);
	inet_ehash_remove(&tw->c);
	inet_unbind_port(&tw->c);
	BUG_ON(net->tcp->tw_count == 0 || net->socks_live == 0);
	net->tcp->tw_count--;
	net->socks_live--;
	kfree(tw);
}

static void tcp_timewait_timer(struct timer *t) __needs(softirq_ctx)
{
	struct tcp_timewait_sock *tw = container_of(t, struct tcp_timewait_sock, timer);

	tcp_timewait_kill(tw->c.skc_net, tw);
}

/**
 * tcp_time_wait() - both FINs are acknowledged: a mini socket keeps the 4-tuple for 60 s, the full one is done
 * @sk: socket; caller holds a reference
 *
 * Without memory, or beyond tcp_max_tw_buckets, the connection just ends (TCPTimeWaitOverflow).
 *
 * Context: BH off.
 */
void tcp_time_wait(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->sk_net;
	struct tcp_timewait_sock *tw = NULL;

	if (net->tcp->tw_count < net->tcp->max_tw_buckets)
		tw = kzalloc(sizeof(*tw));
	if (!tw) {
		NET_INC_STATS(net, TCPTimeWaitOverflow);
		tcp_done(sk);
		return;
	}
	tw->c = sk->__sk_common;
	tw->c.skc_state = TCP_TIME_WAIT;
	tw->c.skc_refcnt = 1;
	INIT_LIST_HEAD(&tw->c.skc_node);
	INIT_LIST_HEAD(&tw->c.skc_bind_node);
	tw->rcv_nxt = tp->rcv_nxt;
	tw->snd_nxt = tp->snd_nxt;
	/* Rounded up, as tcp_select_window() does: the right edge does not move back (RFC 9293 SHLD-14). */
	tw->rcv_wnd =
		min(ALIGN(tcp_receive_window(tp), 1u << tp->rcv_wscale) >> tp->rcv_wscale, 65535u);
	tw->tstamp_ok = tp->tstamp_ok;
	tw->ts_recent = tp->ts_recent;
	tw->ts_recent_secs = tp->ts_recent_secs;
	tw->ts_off = tp->tsoffset;
	inet_ehash_replace(net->tcp_hash, &sk->__sk_common, &tw->c);
	inet_inherit_port(net->tcp_hash, &tw->c, sk->sk_num);
	net->tcp->tw_count++;
	net->socks_live++;
	NET_INC_STATS(net, TW);
	timer_setup(&tw->timer, tcp_timewait_timer);
	(void)mod_timer(&tw->timer, ktime_get_ns() + TCP_TIMEWAIT_NS);
	tcp_done(sk);
}

/**
 * tcp_timewait_process() - a segment for a connection in TIME-WAIT
 * @net: instance
 * @tw: mini socket; gone when *isn was set
 * @skb: not consumed
 * @seg: its fields
 * @listens: somebody would take a new connection; without him a SYN is old, or a forgery that must not end the wait
 * @isn: set (not 0) when a new SYN may open the connection again: least initial sequence number for it
 *
 * RST is ignored (RFC 1337); a FIN sent again is acknowledged and restarts the 60 s (RFC 9293, 3.10.7.4). A SYN is new when its
 * number is, or, where timestamps were used, its timestamp (RFC 6191).
 *
 * Context: softirq, BH off.
 */
void tcp_timewait_process(struct net *net, struct tcp_timewait_sock *tw, struct sk_buff *skb,
			  const struct tcp_seg *seg, bool listens, u32 *isn)
{
	u64 now = ktime_get_ns();
	bool ts = tw->tstamp_ok && seg->opt.tstamp_ok;
	bool old = ts && tcp_paws_reject(tw->ts_recent, tw->ts_recent_secs, seg);

	(void)skb;
	*isn = 0;
	if (seg->flags & TCPHDR_RST)
		return;
	if (listens && !old && (seg->flags & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_SYN &&
	    (after(seg->seq, tw->rcv_nxt) || (ts && after(seg->opt.tsval, tw->ts_recent)))) {
		*isn = tw->snd_nxt + 65535 + 2;
		if (*isn == 0)
			*isn = 1;
		tcp_timewait_kill(net, tw);
		return;
	}
	if (old)
		NET_INC_STATS(net, PAWSEstab);
	if (seg->flags & TCPHDR_FIN)
		(void)mod_timer(&tw->timer, now + TCP_TIMEWAIT_NS);
	if (!old && seg->seq == tw->rcv_nxt && seg->end_seq == seg->seq) {
		if (ts) {
			tw->ts_recent = seg->opt.tsval;
			tw->ts_recent_secs = (u32)(now / NSEC_PER_SEC);
		}
		return; /* the last ACK of the peer, once more */
	}
	if (now < tw->next_ack_ns)
		return;
	tw->next_ack_ns = now + TCP_INVALID_RATELIMIT_NS / 5;
	tcp_v4_send_ack(net, &tw->c,
			&(struct tcp_mini_ack){ .seq = tw->snd_nxt,
						.ack = tw->rcv_nxt,
						.wnd = (u16)tw->rcv_wnd,
						.tstamp_ok = tw->tstamp_ok,
						.ts_off = tw->ts_off,
						.ts_recent = tw->ts_recent });
}
