// SPDX-License-Identifier: MIT
/*
 * Half-open connections of a listener: small requests on its SYN queue, each with the timer of its SYN-ACK.
 *
 * With TCP_DEFER_ACCEPT a bare last ACK is heard and set aside: the connection waits, as a request, for its first text. When the time of
 * that is over the SYN-ACK goes once more, and whatever answers it makes the connection.
 *
 * Interface: tcp_reqsk_init, tcp_reqsk_alloc, tcp_reqsk_windows, tcp_reqsk_enqueue, tcp_reqsk_drop, tcp_reqsk_arm, tcp_reqsk_screen,
 * tcp_reqsk_syn_again, tcp_reqsk_window, tcp_reqsk_deferred, tcp_accept_queue_full
 * Above: tcp_syncookies.c, tcp_minisocks.c, tcp_ipv4.c. Below: tcp_reply.c, tcp_options.c, tcp_tstamp.c.
 * Context: BH off.
 * Owns: the requests, on the listener's syn_queue; counted in net->socks_live.
 * Specs: RFC 9293 3.10.7.2, 3.10.7.4 (SYN-RECEIVED); RFC 5961; RFC 6298 (SYN-ACK timer); RFC 7323 2, 5; Linux tcp(7) (TCP_DEFER_ACCEPT).
 */
#include "tcp_internal.h"

#include <kernel/mm.h>
#include <lib/string.h>
#include <net/ip.h>

/** tcp_reqsk_free() - a request that never got into a table. Context: any. Consumes: @req. */
void tcp_reqsk_free(struct tcp_request_sock *req)
{
	kfree(req->opt);
	kfree(req->saved_syn);
	kfree(req);
}

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
	tcp_reqsk_free(req);
}

/** tcp_reqsk_arm() - the timer of the SYN-ACK, twice as long each time. Context: any. */
void tcp_reqsk_arm(struct tcp_request_sock *req)
{
	(void)mod_timer(&req->timer,
			ktime_get_ns() + tcp_rto_backoff(TCP_TIMEOUT_INIT_NS, req->timeouts));
}

/*
 * Nobody answered the SYN-ACK, or somebody whose text is waited for: that one keeps its request till then, and hears the SYN-ACK
 * again only when the time is over.
 */
static void tcp_synack_timer(struct timer *t) __needs(softirq_ctx)
{
	struct tcp_request_sock *req = container_of(t, struct tcp_request_sock, timer);
	const struct tcp_sock *ltp = tcp_sk(req->listener);
	struct net *net = req->c.skc_net;
	u32 retries = ltp->syn_retries ? ltp->syn_retries : net->tcp->synack_retries;
	bool waits = ltp->defer_accept && req->acked;

	if (req->timeouts >= retries && (!waits || req->timeouts >= ltp->defer_accept)) {
		TCP_INC_STATS(net, AttemptFails);
		tcp_reqsk_drop(req);
		return;
	}
	if (!waits || req->timeouts + 1 >= ltp->defer_accept) {
		if (req->retrans < UINT8_MAX)
			req->retrans++;
		TCP_INC_STATS(net, RetransSegs);
		NET_INC_STATS(net, TCPSynRetrans);
		(void)tcp_v4_send_synack(net, req, req->listener->inet_tos, NULL);
	}
	req->timeouts++;
	tcp_reqsk_arm(req);
}

/** tcp_accept_queue_full() - nobody accepted backlog + 1 connections. Context: any. Return: so it is. */
bool tcp_accept_queue_full(const struct sock *lsk)
{
	testcase(lsk->sk_ack_backlog == lsk->sk_max_ack_backlog);
	return lsk->sk_ack_backlog > lsk->sk_max_ack_backlog;
}

/**
 * tcp_reqsk_windows() - what we announce in the SYN-ACK, and what both sides agree on
 * @opt: options of the SYN
 *
 * Context: BH off. Return: false when there is no route to the peer.
 */
bool tcp_reqsk_windows(const struct sock *lsk, struct tcp_request_sock *req,
		       const struct tcp_options *opt)
{
	const struct tcp_net *tn = tcp_net_of(lsk);
	struct flowi4 fl = { .daddr = ip_first_hop(req->opt, req->c.skc_daddr),
			     .saddr = req->c.skc_rcv_saddr,
			     .oif = req->c.skc_bound_dev_if,
			     .flowi4_proto = IPPROTO_TCP };
	struct rtable *rt = ip_route_output_key(lsk->sk_net, &fl);
	u32 mss;
	u8 scale;

	if (IS_ERR(rt))
		return false;
	mss = min(rt->dst.advmss, 65495u);
	dst_release(&rt->dst);
	if (tcp_sk(lsk)->user_mss)
		mss = min(mss, tcp_sk(lsk)->user_mss);
	req->advmss = (u16)mss;
	req->mss = opt->mss ? opt->mss : TCP_MSS_DEFAULT;
	req->sack_ok = opt->sack_ok && tn->sack;
	if (opt->tstamp_ok && tn->timestamps) {
		req->tstamp_ok = true;
		req->ts_recent = opt->tsval;
	}
	if (opt->wscale_ok && tn->window_scaling) {
		req->wscale_ok = true;
		req->snd_wscale = opt->wscale & 15u;
	}
	req->rcv_wnd =
		(u16)tcp_initial_window(lsk, mss - (req->tstamp_ok ? TCP_TSTAMP_LEN : 0), &scale);
	if (req->wscale_ok)
		req->rcv_wscale = scale & 15u;
	return true;
}

/**
 * tcp_reqsk_init() - identity and numbers of a half-open connection
 * @req: zeroed
 * @lsk: its listener
 * @skb: SYN, or the ACK of a cookie: where the addresses and IP options are from
 * @rcv_isn: the peer's first number, @snt_isn: ours
 *
 * Context: BH off. Owns: req->opt is the request's. Return: 0; -ENOMEM.
 */
int tcp_reqsk_init(struct tcp_request_sock *req, struct sock *lsk, const struct sk_buff *skb,
		   u32 rcv_isn, u32 snt_isn)
{
	req->opt = ip_options_accept(lsk, ip_hdr(skb));
	if (IS_ERR(req->opt))
		return -ENOMEM;
	req->c.skc_daddr = ip_hdr(skb)->saddr;
	req->c.skc_rcv_saddr = ip_hdr(skb)->daddr;
	req->c.skc_dport = tcp_hdr(skb)->source;
	req->c.skc_num = lsk->sk_num;
	req->c.skc_family = AF_INET;
	req->c.skc_state = TCP_NEW_SYN_RECV;
	req->c.skc_reuse = lsk->sk_reuse;
	req->c.skc_reuseport = lsk->sk_reuseport;
	req->c.skc_bound_dev_if = lsk->sk_bound_dev_if;
	req->c.skc_prot = lsk->sk_prot;
	req->c.skc_net = lsk->sk_net;
	count_set(&req->c.skc_refcnt, 1);
	INIT_LIST_HEAD(&req->c.skc_node);
	INIT_LIST_HEAD(&req->c.skc_bind_node);
	req->listener = lsk;
	req->rcv_isn = rcv_isn;
	req->snt_isn = snt_isn;
	return 0;
}

/* The headers of the SYN, if the listener wants them; without memory there are none. */
static struct tcp_saved_syn *tcp_save_syn(const struct sock *lsk, const struct sk_buff *skb)
{
	u32 end = skb->transport_header + (u32)(tcp_hdr(skb)->doff >> 4) * 4;
	u32 at = tcp_sk(lsk)->save_syn == 2 ? skb->mac_header : skb->network_header;
	struct tcp_saved_syn *saved;

	if (likely(!tcp_sk(lsk)->save_syn))
		return NULL;
	if (at > skb->network_header || skb->network_header - at > LL_MAX_HEADER)
		at = skb->network_header; /* no link's header came with it */
	saved = kmalloc(sizeof(*saved) + end - at);
	if (!saved)
		return NULL;
	saved->len = end - at;
	memcpy(saved->data, skb->head + at, saved->len);
	return saved;
}

/**
 * tcp_reqsk_alloc() - a request for a SYN, in no table yet
 * @isn: our first number; 0: choose
 *
 * Context: BH off. Owns: the caller, till tcp_reqsk_enqueue(). Return: it; NULL without memory.
 */
struct tcp_request_sock *tcp_reqsk_alloc(struct sock *lsk, const struct sk_buff *skb,
					 const struct tcp_seg *seg, u32 isn)
{
	struct tcp_request_sock *req = kzalloc(sizeof(*req));

	if (!req)
		return NULL;
	if (!isn)
		isn = tcp_v4_init_seq(lsk->sk_net, ip_hdr(skb)->daddr, htons(lsk->sk_num),
				      ip_hdr(skb)->saddr, tcp_hdr(skb)->source);
	if (tcp_reqsk_init(req, lsk, skb, seg->seq, isn)) {
		kfree(req);
		return NULL;
	}
	req->saved_syn = tcp_save_syn(lsk, skb);
	req->ecn_ok = tcp_ecn_request_ok(lsk->sk_net->tcp, seg);
	timer_setup(&req->timer, tcp_synack_timer);
	return req;
}

/**
 * tcp_reqsk_enqueue() - the request takes its place in tables and SYN queue; the time of its SYN-ACK is now
 *
 * Context: BH off. Consumes: @req, the queue has it. Return: false: the 4-tuple is taken, @req is still the caller's.
 */
bool tcp_reqsk_enqueue(struct tcp_request_sock *req)
{
	struct tcp_sock *ltp = tcp_sk(req->listener);
	struct net *net = req->c.skc_net;

	if (inet_ehash_insert(net->tcp_hash, &req->c))
		return false;
	inet_inherit_port(net->tcp_hash, &req->c, req->c.skc_num);
	list_add_tail(&req->node, &ltp->syn_queue);
	ltp->syn_queue_len++;
	net->socks_live++;
	req->sent_ns = ktime_get_ns();
	req->next_ack_4ms = (u16)(req->sent_ns / (4 * NSEC_PER_MSEC));
	return true;
}

/* A segment out of place is worth an answer, but not each of a flood (RFC 5961, 7). Return: now. */
static bool tcp_req_may_answer(struct tcp_request_sock *req)
{
	u16 now = (u16)(ktime_get_ns() / (4 * NSEC_PER_MSEC));

	if ((s16)(now - req->next_ack_4ms) < 0) {
		NET_INC_STATS(req->c.skc_net, TCPACKSkippedSynRecv);
		return false;
	}
	req->next_ack_4ms = (u16)(now + req->c.skc_net->tcp->invalid_ratelimit / 4);
	return true;
}

/* What rcv_wnd is in a segment without SYN: scaled (RFC 7323, 2.2), and rounded up, so that the right edge does not move back. */
static u16 tcp_req_scaled(const struct tcp_request_sock *req)
{
	u32 scale = req->wscale_ok ? req->rcv_wscale : 0;

	return (u16)min(ALIGN((u32)req->rcv_wnd, 1u << scale) >> scale, 65535u);
}

/** tcp_reqsk_window() - what the peer of a half-open connection was promised: the child keeps it. Context: any. Return: bytes. */
u32 tcp_reqsk_window(const struct tcp_request_sock *req)
{
	return req->scaled ? (u32)tcp_req_scaled(req) << req->rcv_wscale : req->rcv_wnd;
}

/* Where we are, to somebody who is elsewhere. Text is sent again until it is answered, so it always is: that ends no loop of ACKs. */
static void tcp_req_answer(struct tcp_request_sock *req, const struct tcp_seg *seg)
	__needs(softirq_ctx)
{
	bool text = seg->len && !(seg->flags & TCPHDR_SYN);
	const struct tcp_mini_ack a = { .seq = req->snt_isn + 1,
					.ack = req->rcv_isn + 1,
					.wnd = tcp_req_scaled(req),
					.tstamp_ok = req->tstamp_ok,
					.ts_off = tcp_ts_offset(req->c.skc_net, &req->c),
					.ts_recent = req->ts_recent };

	if (!text && !tcp_req_may_answer(req))
		return;
	req->scaled = req->wscale_ok;
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

/**
 * tcp_reqsk_syn_again() - the SYN that made the request came once more: our SYN-ACK was lost
 *
 * Context: softirq, BH off. Return: it was that, and is answered (not too often).
 */
bool tcp_reqsk_syn_again(struct tcp_request_sock *req, const struct tcp_seg *seg)
{
	if ((seg->flags & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK)) != TCPHDR_SYN ||
	    seg->seq != req->rcv_isn || tcp_req_paws_reject(req, seg))
		return false;
	if (tcp_req_may_answer(req))
		(void)tcp_v4_send_synack(req->c.skc_net, req, req->listener->inet_tos, NULL);
	return true;
}

/**
 * tcp_reqsk_deferred() - the last ACK of the handshake is good, but the application asked for no connection without text
 *
 * Context: softirq, BH off. Return: the ACK is set aside.
 */
bool tcp_reqsk_deferred(struct tcp_request_sock *req, const struct tcp_seg *seg)
{
	if (req->timeouts >= tcp_sk(req->listener)->defer_accept ||
	    seg->end_seq != req->rcv_isn + 1)
		return false;
	req->acked = true;
	NET_INC_STATS(req->c.skc_net, TCPDeferAcceptDrop);
	return true;
}

/* The peer wants no connection, or another one. */
static void tcp_reqsk_refused(struct tcp_request_sock *req) __needs(softirq_ctx)
{
	NET_INC_STATS(req->c.skc_net, EmbryonicRsts);
	TCP_INC_STATS(req->c.skc_net, AttemptFails);
	tcp_reqsk_drop(req);
}

/**
 * tcp_reqsk_screen() - what a half-open connection does not take is answered where an answer is due
 *
 * Context: softirq, BH off. Borrows: @skb. Return: why the segment ends here, and the request with it after a RST or SYN; NR_DROP_REASONS: it is
 * the last ACK.
 */
enum skb_drop_reason tcp_reqsk_screen(struct tcp_request_sock *req, struct sk_buff *skb,
				      const struct tcp_seg *seg)
{
	struct net *net = req->c.skc_net;
	u32 rcv_nxt = req->rcv_isn + 1;
	bool old = tcp_req_paws_reject(req, seg), strange = tcp_req_tsecr_reject(req, seg);
	bool outside = !tcp_in_window(seg->seq, seg->end_seq, rcv_nxt, rcv_nxt + req->rcv_wnd);

	/* Before all else: who answers a SYN-ACK that we have forgotten learns only by a RST that this is another connection. */
	if ((seg->flags & (TCPHDR_ACK | TCPHDR_RST)) == TCPHDR_ACK &&
	    seg->ack != req->snt_isn + 1) {
		tcp_v4_send_reset(net, skb, seg);
		return SKB_DROP_REASON_TCP_INVALID_ACK;
	}
	if (old || strange || outside) {
		if (!(seg->flags & TCPHDR_RST))
			tcp_req_answer(req, seg);
		if (old)
			NET_INC_STATS(net, PAWSEstab);
		else if (strange)
			NET_INC_STATS(net, TSEcrRejected);
		return old || strange ? SKB_DROP_REASON_TCP_PAWS
				      : SKB_DROP_REASON_TCP_INVALID_SEQUENCE;
	}
	if (seg->flags & TCPHDR_RST) {
		if (seg->seq != rcv_nxt) { /* RFC 5961: only the exact number counts */
			tcp_req_answer(req, seg);
			return SKB_DROP_REASON_TCP_RESET;
		}
		tcp_reqsk_refused(req); /* back to LISTEN without a word */
		return SKB_DROP_REASON_TCP_RESET;
	}
	if (seg->flags &
	    TCPHDR_SYN) { /* another connection: back to LISTEN, where it may begin (fourth) */
		tcp_v4_send_reset(net, skb, seg);
		tcp_reqsk_refused(req);
		return SKB_DROP_REASON_TCP_INVALID_SYN;
	}
	if (!(seg->flags & TCPHDR_ACK))
		return SKB_DROP_REASON_TCP_FLAGS;
	if (req->tstamp_ok && seg->opt.tstamp_ok && !after(seg->seq, rcv_nxt))
		req->ts_recent = seg->opt.tsval;
	return NR_DROP_REASONS;
}
