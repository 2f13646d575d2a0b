// SPDX-License-Identifier: MIT
/*
 * TCP over IPv4: finding the socket of a segment, opening a connection, ICMP errors, and the table by which TCP reaches IPv4.
 *
 * Interface: tcp_v4_init_sock, ipv4_specific, tcp_v4_rcv, tcp_v4_err, tcp_v4_backlog_rcv, tcp_v4_connect
 * Above: tcp.c (registers them); all of net/tcp, by the table. Below: tcp_input.c, tcp_minisocks.c, tcp_timewait.c, <net/inet_hashtables.h>, <net/ip.h>.
 * Context: softirq for what IP calls; owner of the socket for connect and backlog.
 * Owns: each segment IP delivers, until a socket queues it or it is freed with a reason.
 * Specs: RFC 9293 3.1, 3.9.1, 3.10.7.1, 3.10.7.2; RFC 5927 (ICMP is believed only with a sequence number in flight); RFC 1122 4.2.3.9.
 */
#include "tcp_internal.h"

#include <kernel/random.h>
#include <kernel/softirq.h>
#include <net/checksum.h>
#include <net/ip.h>

/* --- In ------------------------------------------------------------------------------------------------------------------ */

static bool tcp_v4_checksum_ok(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (skb->ip_summed == CHECKSUM_UNNECESSARY || skb->ip_summed == CHECKSUM_PARTIAL)
		return true; /* PARTIAL: it never left this host */
	return csum_fold(skb_checksum(
		       skb, 0, skb->len,
		       csum_tcpudp_nofold(iph->saddr, iph->daddr, skb->len, IPPROTO_TCP, 0))) == 0;
}

/* Lengths and checksum; on success the fields are in @seg. On failure @skb is freed and counted. */
static bool tcp_v4_validate(struct net *net, struct sk_buff *skb, struct tcp_seg *seg)
{
	const struct tcphdr *th;

	if (skb->pkt_type != PACKET_HOST && skb->pkt_type != PACKET_LOOPBACK) {
		kfree_skb_reason(skb, SKB_DROP_REASON_L2_CAST_MISMATCH);
		return false;
	}
	TCP_INC_STATS(net, InSegs);
	if (!pskb_may_pull(skb, TCP_HDR_LEN))
		goto bad_header;
	th = (const struct tcphdr *)(const void *)skb->data;
	if (th->doff >> 4 < TCP_HDR_LEN / 4 || !pskb_may_pull(skb, (u32)(th->doff >> 4) * 4) ||
	    !tcp_seg_parse(skb, seg))
		goto bad_header;
	if (!tcp_v4_checksum_ok(skb)) {
		TCP_INC_STATS(net, InCsumErrors);
		TCP_INC_STATS(net, InErrs);
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_CSUM);
		return false;
	}
	seg->ip_ecn = ip_hdr(skb)->tos & INET_ECN_MASK;
	return true;

bad_header:
	TCP_INC_STATS(net, InErrs);
	kfree_skb_reason(skb, SKB_DROP_REASON_TCP_HEADER);
	return false;
}

/* A full socket processes the segment; the caller holds a reference. */
static void tcp_v4_do_rcv(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx, sk)
{
	sock_set_flag(sk, SOCK_ON_CPU);
	skb->dev = NULL; /* borrowed until now; the skb may stay on a queue */
	(void)skb_pull(skb, skb->len - seg->len);
	tcp_rcv_state_process(sk, skb, seg);
}

/**
 * tcp_v4_backlog_rcv() - a segment that waited for the owner (struct proto)
 *
 * Context: owner, BH off. Consumes: @skb.
 */
void tcp_v4_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_seg seg;

	if (NEVER(!tcp_seg_parse(skb, &seg))) {
		kfree_skb_reason(skb, SKB_DROP_REASON_TCP_HEADER);
		return;
	}
	seg.ip_ecn = ip_hdr(skb)->tos & INET_ECN_MASK;
	tcp_v4_do_rcv(sk, skb, &seg);
}

/* A segment ends here. */
static void tcp_v4_discard(struct sk_buff *skb, enum skb_drop_reason reason)
{
	if (reason == NR_DROP_REASONS)
		consume_skb(skb);
	else
		kfree_skb_reason(skb, reason);
}

/* The last ACK of a handshake, perhaps with text: the child that is born of it processes it. NULL: there is none, for @reason. */
static void tcp_v4_child_rcv(struct sock *child, struct sk_buff *skb, const struct tcp_seg *seg,
			     enum skb_drop_reason reason) __needs(softirq_ctx)
{
	bool queued;

	if (!child) {
		tcp_v4_discard(skb, reason);
		return;
	}
	sock_hold(child);
	sock_owned_by_me(child);
	tcp_v4_do_rcv(child, skb, seg);
	queued = !list_empty(&tcp_sk(child)->accept_node);
	if (!queued) { /* the segment that made it also ended it, before anybody could know of it */
		tcp_sk(child)->listener = NULL;
		tcp_orphan(child);
		if (child->sk_state == TCP_CLOSE)
			tcp_destroy_sock(child);
		else
			tcp_done(child);
	}
	sock_put(child);
}

/* RFC 9293, 3.10.7.2: RST ignored, ACK refused unless it answers a cookie, SYN opens; SYN with FIN is nobody's idea of a connection. */
static void tcp_v4_listen_rcv(struct sock *lsk, struct sk_buff *skb, const struct tcp_seg *seg,
			      u32 isn) __needs(softirq_ctx)
{
	enum skb_drop_reason reason = SKB_DROP_REASON_TCP_FLAGS;
	struct sock *child = NULL;

	if (seg->flags & TCPHDR_RST)
		reason = SKB_DROP_REASON_TCP_RESET;
	else if ((seg->flags & (TCPHDR_ACK | TCPHDR_SYN)) == TCPHDR_ACK)
		child = tcp_cookie_child(lsk, skb, seg, &reason);
	else if (seg->flags & TCPHDR_ACK)
		tcp_v4_send_reset(lsk->sk_net, skb, seg);
	else if ((seg->flags & TCPHDR_SYN) && !(seg->flags & TCPHDR_FIN))
		reason = tcp_sk(lsk)->icsk_af_ops->conn_request(lsk, skb, seg, isn);
	tcp_v4_child_rcv(child, skb, seg, reason);
}

static void tcp_v4_req_rcv(struct tcp_request_sock *req, struct sk_buff *skb,
			   const struct tcp_seg *seg) __needs(softirq_ctx)
{
	enum skb_drop_reason reason = NR_DROP_REASONS;
	struct sock *child = tcp_check_req(req, skb, seg, &reason);

	tcp_v4_child_rcv(child, skb, seg, reason);
}

static void tcp_v4_sock_rcv(struct sock *sk, struct sk_buff *skb, const struct tcp_seg *seg)
	__needs(softirq_ctx)
{
	sock_hold(sk);
	if (!sock_owned_by_user(sk)) {
		sock_owned_by_me(sk);
		tcp_v4_do_rcv(sk, skb, seg);
	} else if (sk_add_backlog(sk, skb)) {
		NET_INC_STATS(sk->sk_net, TCPBacklogDrop);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_BACKLOG);
	}
	sock_put(sk);
}

/* Does the packet, which may be one that came back in an ICMP message, have the time to live that the socket wants (RFC 5082)? */
static bool tcp_v4_ttl_ok(const struct sock *sk, const struct sk_buff *skb)
{
	if (likely(ip_hdr(skb)->ttl >= sk->inet_min_ttl))
		return true;
	NET_INC_STATS(sk->sk_net, TCPMinTTLDrop);
	return false;
}

/* It does; else @skb is gone. */
static bool tcp_v4_near(const struct sock *sk, struct sk_buff *skb)
{
	if (likely(tcp_v4_ttl_ok(sk, skb)))
		return true;
	kfree_skb_reason(skb, SKB_DROP_REASON_TCP_MINTTL);
	return false;
}

/**
 * tcp_v4_rcv() - a TCP segment arrived (struct net_protocol)
 * @skb: data at the TCP header; consumed
 *
 * Context: softirq.
 */
void tcp_v4_rcv(struct sk_buff *skb)
{
	struct net *net = skb->dev->net;
	u32 dif = skb->dev->ifindex, isn = 0;
	struct tcp_seg seg;
	const struct iphdr *iph;
	const struct tcphdr *th;
	struct sock_common *c;
	struct sock *lsk, *sk;

	trace_fn_skb(tcp_v4_rcv, skb, 0);
	if (!tcp_v4_validate(net, skb, &seg))
		return;
	skb_dst_drop(skb);
	iph = ip_hdr(skb);
	th = tcp_hdr(skb);
	c = inet_lookup_established(net->tcp_hash, iph->saddr, th->source, iph->daddr,
				    ntohs(th->dest), dif);
	if (c && c->skc_state == TCP_TIME_WAIT) {
		lsk = inet_lookup_listener(net->tcp_hash, iph->saddr, th->source, iph->daddr,
					   ntohs(th->dest), dif);
		tcp_timewait_process(net, container_of(c, struct tcp_timewait_sock, c), skb, &seg,
				     lsk != NULL, &isn);
		if (!isn) {
			kfree_skb_reason(skb, SKB_DROP_REASON_TCP_TIMEWAIT);
			return;
		}
	} else if (c && c->skc_state == TCP_NEW_SYN_RECV) {
		tcp_v4_req_rcv(container_of(c, struct tcp_request_sock, c), skb, &seg);
		return;
	} else if (c) {
		sk = container_of(c, struct sock, __sk_common);
		if (likely(tcp_v4_near(sk, skb)))
			tcp_v4_sock_rcv(sk, skb, &seg);
		return;
	}
	lsk = inet_lookup_listener(net->tcp_hash, iph->saddr, th->source, iph->daddr,
				   ntohs(th->dest), dif);
	if (lsk) {
		if (likely(tcp_v4_near(lsk, skb)))
			tcp_v4_listen_rcv(lsk, skb, &seg, isn);
		return;
	}
	tcp_v4_send_reset(net, skb, &seg);
	kfree_skb_reason(skb, SKB_DROP_REASON_NO_SOCKET);
}

/* --- ICMP ---------------------------------------------------------------------------------------------------------------- */

/* Frag needed, about a segment that is in flight: the path MTU is learned, now or when the owner lets go. */
static void tcp_v4_frag_needed(struct sock *sk, u32 mtu) __needs(softirq_ctx)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->mtu_info = (u16)min(mtu, (u32)IP_MAX_MTU);
	if (sock_owned_by_user(sk)) {
		tp->deferred |= TCP_DEFER_MTU;
		return;
	}
	sock_owned_by_me(sk);
	tp->icsk_af_ops->mtu_reduced(sk);
}

/* There is no route to the network or the host. */
static bool tcp_icmp_no_way(u8 type, u8 code)
{
	return type == ICMP_DEST_UNREACH && (code == ICMP_NET_UNREACH || code == ICMP_HOST_UNREACH);
}

/* An error about a segment that is in flight on @sk: heeded now or when the owner lets go. */
static void tcp_v4_sock_err(struct sock *sk, struct sk_buff *skb, u8 type, u8 code, u32 info)
	__needs(softirq_ctx)
{
	struct ip_icmp_news news = { .type = type, .code = code, .info = info };
	int err;
	bool hard, no_way;

	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED) {
		tcp_v4_frag_needed(sk, info);
		return;
	}
	err = ip_icmp_errno(type, code, &hard);
	news.port = sk->sk_dport;
	/* Who connects may ask for the whole story afterwards, also without IP_RECVERR. */
	if ((sk->inet_flags & INET_RECVERR) || sk->sk_state == TCP_SYN_SENT ||
	    sk->sk_state == TCP_SYN_RECV)
		ip_icmp_error(sk, skb, err, &news);
	no_way = tcp_icmp_no_way(type, code) &&
		 get_unaligned_be32(skb->data + 4) == tcp_sk(sk)->snd_una;
	if (sock_owned_by_user(sk)) { /* in connect() perhaps, whose SYN has only just left */
		sk->sk_err_soft = err;
		tcp_sk(sk)->deferred |= no_way ? TCP_DEFER_ERR | TCP_DEFER_NO_WAY : TCP_DEFER_ERR;
		return;
	}
	sock_owned_by_me(sk);
	if (no_way)
		tcp_revert_backoff(sk);
	tcp_unreachable(sk, err);
}

/**
 * tcp_v4_err() - an ICMP error, or a failed neighbour, about a segment of ours (struct net_protocol)
 * @skb: network header at the quoted IP header, data at the quoted TCP header (8 bytes at least); not consumed
 * @type: ICMP type
 * @code: ICMP code
 * @info: MTU for frag needed
 *
 * Context: BH off: softirq, or a thread whose packet met a failing neighbour.
 */
void tcp_v4_err(struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	struct net *net = skb->dev->net;
	const struct iphdr *iph = ip_hdr(skb);
	const u8 *p = skb->data;
	__be16 sport, dport;
	struct sock_common *c;
	struct sock *sk;
	u32 seq;

	if (skb_headlen(skb) < 8 || (type == ICMP_TIME_EXCEEDED && code == ICMP_EXC_FRAGTIME))
		return; /* a piece was lost: as good as a segment that was */
	sport = htons(get_unaligned_be16(p));
	dport = htons(get_unaligned_be16(p + 2));
	seq = get_unaligned_be32(p + 4);
	c = inet_lookup_established(net->tcp_hash, iph->daddr, dport, iph->saddr, ntohs(sport),
				    skb->dev->ifindex);
	if (!c || c->skc_state == TCP_TIME_WAIT)
		return;
	if (c->skc_state == TCP_NEW_SYN_RECV) {
		struct tcp_request_sock *req = container_of(c, struct tcp_request_sock, c);

		if (seq != req->snt_isn)
			NET_INC_STATS(net, OutOfWindowIcmps);
		else if (type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB ||
			 tcp_icmp_no_way(type, code))
			tcp_reqsk_drop(req);
		return;
	}
	sk = container_of(c, struct sock, __sk_common);
	if (sk->sk_state != TCP_CLOSE && !tcp_v4_ttl_ok(sk, skb))
		return;
	if (sk->sk_state == TCP_CLOSE || !between(seq, tcp_sk(sk)->snd_una, tcp_sk(sk)->snd_nxt)) {
		NET_INC_STATS(net, OutOfWindowIcmps);
		return;
	}
	sock_hold(sk);
	tcp_v4_sock_err(sk, skb, type, code, info);
	sock_put(sk);
}

/* --- Out ----------------------------------------------------------------------------------------------------------------- */

/**
 * tcp_v4_connect() - gives a socket its identity and sends the SYN
 * @sk: socket in CLOSE
 * @addr: peer, AF_INET
 * @fo: Fast Open: what the SYN carries, or that it waits for data; NULL: no such thing
 *
 * Context: owner. Return: 0 the SYN is out (or will be repeated); -ENETUNREACH no route, or a group or broadcast
 * address; -EADDRNOTAVAIL no port left; -ENOMEM; what the route lookup says. On failure the socket is in CLOSE, with no port but one that was asked for.
 */
int tcp_v4_connect(struct sock *sk, const struct sockaddr_in *addr, struct tcp_fastopen_request *fo)
{
	struct net *net = sk->sk_net;
	struct tcp_sock *tp = tcp_sk(sk);
	__be32 daddr = ipv4_this_host(addr->sin_addr, sk->inet_saddr);
	struct flowi4 fl = { .daddr = ip_sk_first_hop(sk, daddr),
			     .saddr = sk->inet_saddr,
			     .oif = sk->sk_bound_dev_if,
			     .flowi4_proto = IPPROTO_TCP,
			     .flowi4_tos = sk->inet_tos,
			     .anysrc = ip_sk_anysrc(sk, sk->inet_saddr),
			     .onlink = sock_flag(sk, SOCK_LOCALROUTE) };
	__be32 bound = sk->sk_rcv_saddr;
	struct rtable *rt = ip_route_output_key(net, &fl);
	int err;

	if (IS_ERR(rt)) {
		if (PTR_ERR(rt) == -ENETUNREACH)
			IP_INC_STATS(net, OutNoRoutes);
		return (int)PTR_ERR(rt);
	}
	if (rt->rt_type == RTN_MULTICAST || rt->rt_type == RTN_BROADCAST) {
		dst_release(&rt->dst);
		return -ENETUNREACH;
	}
	local_bh_disable();
	sk_dst_set(sk, &rt->dst);
	sk->inet_saddr = fl.saddr;
	sk->sk_rcv_saddr = fl.saddr;
	sk->sk_daddr = daddr;
	sk->sk_dport = addr->sin_port;
	tcp_set_state(sk, TCP_SYN_SENT);
	tp->write_seq = 0;
	err = inet_hash_connect(net->tcp_hash, &sk->__sk_common);
	if (err)
		goto out_fail;
	sk->inet_sport = htons(sk->sk_num);
	sk->inet_id = (u16)get_random_u32();
	if (!tp->write_seq) /* a TIME-WAIT before us says where to begin */
		tp->write_seq =
			tcp_v4_init_seq(net, fl.saddr, sk->inet_sport, fl.daddr, addr->sin_port);
	sk->sk_err = sk->sk_err_soft = 0;
	if (fo && fo->defer) {
		sk->inet_defer_connect = 1;
		tp->snd_una = tp->snd_nxt = tp->write_seq;
		local_bh_enable();
		return 0;
	}
	err = tcp_connect(sk, fo);
	if (err)
		goto out_fail;
	local_bh_enable();
	return 0;

out_fail:
	tcp_set_state(sk, TCP_CLOSE);
	sk->sk_rcv_saddr = sk->inet_saddr = bound;
	tcp_forget_names(sk);
	local_bh_enable();
	return err;
}

/* --- The table ------------------------------------------------------------------------------------------------------------ */

/* A stale route is looked up again; that there is none is counted, for no packet will say so. */
static int inet_sk_rebuild_header(struct sock *sk)
{
	if (ip_sk_dst(sk))
		return 0;
	IP_INC_STATS(sk->sk_net, OutNoRoutes);
	return -EHOSTUNREACH;
}

static enum skb_drop_reason tcp_v4_conn_request(struct sock *lsk, struct sk_buff *skb,
						const struct tcp_seg *seg, u32 isn)
	__needs(softirq_ctx)
{
	return tcp_conn_request(lsk, skb, seg, isn);
}

/* The child of a request between two IPv4 addresses. */
static struct sock *tcp_v4_syn_recv_sock(struct tcp_request_sock *req, bool early)
	__needs(softirq_ctx)
{
	struct sock *child = tcp_create_openreq_child(req, early);

	if (!child)
		return NULL;
	child->sk_daddr = req->c.skc_daddr;
	child->sk_rcv_saddr = req->c.skc_rcv_saddr;
	child->inet_saddr = req->c.skc_rcv_saddr;
	/* Its MTU bounds the first segment. Without a route now, the first packet looks for one. */
	(void)ip_route_connect_sk(child);
	return child;
}

/*
 * A router has said mtu_info: the route learns it (for 600 s), segments are smaller from now on, and those in flight that are too
 * large go again (RFC 1191, 6).
 */
static void tcp_v4_mtu_reduced(struct sock *sk) __needs(softirq_ctx)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct dst_entry *dst;
	u32 mtu;

	sock_owned_by_me(sk);
	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	ip_sk_update_pmtu(sk, sk->sk_daddr, tp->mtu_info);
	dst = ip_sk_dst(sk);
	mtu = dst ? ip_dst_mtu_of(sk, dst) : tp->pmtu;
	if (sk->inet_pmtudisc == IP_PMTUDISC_DONT || mtu >= tp->pmtu)
		return;
	(void)tcp_sync_mss(sk, mtu);
	tcp_simple_retransmit(sk);
}

const struct inet_connection_sock_af_ops ipv4_specific = {
	.queue_xmit = ip_queue_xmit,
	.send_check = tcp_v4_send_check,
	.rebuild_header = inet_sk_rebuild_header,
	.conn_request = tcp_v4_conn_request,
	.syn_recv_sock = tcp_v4_syn_recv_sock,
	.mtu_reduced = tcp_v4_mtu_reduced,
	.setsockopt = ip_setsockopt,
	.getsockopt = ip_getsockopt,
	.net_header_len = sizeof(struct iphdr),
	.sockaddr_len = sizeof(struct sockaddr_in),
};
static_assert(sizeof(struct iphdr) == 20 && sizeof(struct sockaddr_in) == 16, "what IPv4 says");

/** tcp_v4_init_sock() - a TCP socket over IPv4 comes to life (struct proto). Context: process or softirq. Return: 0. */
int tcp_v4_init_sock(struct sock *sk)
{
	int err = tcp_init_sock(sk);

	tcp_sk(sk)->icsk_af_ops = &ipv4_specific;
	return err;
}
