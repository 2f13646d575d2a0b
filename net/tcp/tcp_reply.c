// SPDX-License-Identifier: MIT
/*
 * The TCP header itself, and segments that no full socket sends: RST to a stranger, ACK of a half-open or TIME-WAIT
 * connection, SYN-ACK of a request. Also the initial sequence number.
 *
 * Interface: tcp_push_header, tcp_v4_send_check, tcp_v4_send_reset, tcp_v4_send_ack, tcp_v4_send_synack, tcp_v4_init_seq
 * Above: tcp_output.c, tcp_minisocks.c, tcp_input.c, tcp_ipv4.c. Below: <net/ip.h>.
 * Context: softirq, or process with BH off.
 * Owns: nothing; every packet is handed to IP.
 * Specs: RFC 9293 3.1, 3.10.7.1; RFC 6528 3.
 */
#include "tcp_internal.h"

#include <kernel/random.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/ip.h>

/**
 * tcp_push_header() - puts the 20 fixed bytes in front, without a checksum
 * @skb: data at the options (or payload when @h->optlen is 0), 20 bytes of headroom
 * @h: fields; the addresses are not among them
 *
 * Context: any. Borrows: @skb.
 */
void tcp_push_header(struct sk_buff *skb, const struct tcp_hdr_spec *h)
{
	struct tcphdr *th;
	u32 hlen = TCP_HDR_LEN + h->optlen;

	BUG_ON(h->optlen & 3);
	th = skb_push(skb, TCP_HDR_LEN);
	skb_reset_transport_header(skb);
	th->source = h->sport;
	th->dest = h->dport;
	th->seq = htonl(h->seq);
	th->ack_seq = htonl(h->ack);
	th->doff = (u8)(hlen / 4 << 4);
	th->flags = h->flags;
	th->window = htons(h->wnd);
	th->urg_ptr = htons(h->urg_ptr);
	th->check = 0;
}

/* Whoever is below sums header and payload; the pseudo header is in the field already (CHECKSUM_PARTIAL). */
static void __tcp_v4_send_check(struct sk_buff *skb, __be32 saddr, __be32 daddr)
{
	tcp_hdr(skb)->check = (__force __be16)(u16) ~(__force u16)csum_tcpudp_magic(
		saddr, daddr, skb->len, IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/**
 * tcp_v4_send_check() - the checksum of a connection's segment is left to those below (ipv4_specific)
 * @sk: socket, for its addresses
 * @skb: data at the TCP header
 *
 * Context: owner or softirq. Borrows: @skb.
 */
void tcp_v4_send_check(const struct sock *sk, struct sk_buff *skb)
{
	__tcp_v4_send_check(skb, sk->inet_saddr, sk->sk_daddr);
}

/* An skb for a segment without payload; NULL without memory (the peer will ask again). */
static struct sk_buff *tcp_reply_skb(void)
{
	struct sk_buff *skb = alloc_skb(MAX_TCP_HEADER);

	if (skb)
		skb_reserve(skb, MAX_TCP_HEADER);
	return skb;
}

/**
 * tcp_v4_send_reset() - answers a segment that no connection wants
 * @net: instance
 * @skb: the segment: network header set; not consumed
 * @seg: its fields
 *
 * With ACK the reset takes its sequence number from it; without, it acknowledges what came (RFC 9293, 3.5.2 and
 * 3.10.7.1). A RST is never answered.
 *
 * Context: softirq, or BH off.
 */
void tcp_v4_send_reset(struct net *net, const struct sk_buff *skb, const struct tcp_seg *seg)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcp_hdr_spec h = { .saddr = iph->daddr,
				  .daddr = iph->saddr,
				  .sport = th->dest,
				  .dport = th->source,
				  .flags = TCPHDR_RST };
	struct sk_buff *out;

	if (seg->flags & TCPHDR_RST)
		return;
	out = tcp_reply_skb();
	if (!out)
		return;
	if (seg->flags & TCPHDR_ACK) {
		h.seq = seg->ack;
	} else {
		h.flags |= TCPHDR_ACK;
		h.ack = seg->end_seq;
	}
	tcp_push_header(out, &h);
	__tcp_v4_send_check(out, h.saddr, h.daddr);
	TCP_INC_STATS(net, OutSegs);
	TCP_INC_STATS(net, OutRsts);
	(void)ip_build_and_send_pkt(net, out, h.saddr, h.daddr, IPPROTO_TCP, 0, 0, 0, NULL);
}

/**
 * tcp_v4_send_ack() - a bare ACK in the name of a mini socket
 * @net: instance
 * @c: identity of the connection
 * @a: its numbers, window and timestamps
 *
 * Context: softirq, or BH off.
 */
void tcp_v4_send_ack(struct net *net, const struct sock_common *c, const struct tcp_mini_ack *a)
{
	const struct tcp_out_options o = { .tstamp_ok = a->tstamp_ok,
					   .tsval = tcp_tsval(ktime_get_ns(), a->ts_off),
					   .tsecr = a->ts_recent };
	struct tcp_hdr_spec h = { .saddr = c->skc_rcv_saddr,
				  .daddr = c->skc_daddr,
				  .sport = htons(c->skc_num),
				  .dport = c->skc_dport,
				  .seq = a->seq,
				  .ack = a->ack,
				  .optlen = tcp_options_len(&o),
				  .flags = TCPHDR_ACK,
				  .wnd = a->wnd };
	struct sk_buff *out = tcp_reply_skb();

	if (!out)
		return;
	(void)tcp_options_write(skb_push(out, h.optlen), &o);
	tcp_push_header(out, &h);
	__tcp_v4_send_check(out, h.saddr, h.daddr);
	TCP_INC_STATS(net, OutSegs);
	(void)ip_build_and_send_pkt(net, out, h.saddr, h.daddr, IPPROTO_TCP, 0, 0,
				    c->skc_bound_dev_if, NULL);
}

/**
 * tcp_v4_send_synack() - the second segment of a handshake
 * @net: instance
 * @req: half-open connection
 * @tos: of the listener
 * @foc: Fast Open's cookie for the client; NULL: none
 *
 * Context: softirq, or BH off. Return: 0, -ENOMEM, or what IP said.
 */
int tcp_v4_send_synack(struct net *net, const struct tcp_request_sock *req, u8 tos,
		       const struct tcp_fastopen_cookie *foc)
{
	const struct sock_common *c = &req->c;
	const struct tcp_out_options o = { .mss = req->advmss,
					   .wscale_ok = req->wscale_ok,
					   .wscale = req->rcv_wscale,
					   .sack_perm = req->sack_ok,
					   .tstamp_ok = req->tstamp_ok,
					   .tsval = tcp_tsval(ktime_get_ns(),
							      tcp_ts_offset(net, c)) -
						    (req->cookie ? req->ts_back_ms : 0),
					   .tsecr = req->ts_recent,
					   .foc = foc };
	struct tcp_hdr_spec h = { .saddr = c->skc_rcv_saddr,
				  .daddr = c->skc_daddr,
				  .sport = htons(c->skc_num),
				  .dport = c->skc_dport,
				  .seq = req->snt_isn,
				  .ack = req->rcv_isn + 1,
				  .optlen = tcp_options_len(&o),
				  .flags = (u8)(TCPHDR_SYN | TCPHDR_ACK |
						(req->ecn_ok ? TCPHDR_ECE : 0)),
				  .wnd = req->rcv_wnd };
	struct sk_buff *out = tcp_reply_skb();

	if (!out)
		return -ENOMEM;
	(void)tcp_options_write(skb_push(out, h.optlen), &o);
	tcp_push_header(out, &h);
	__tcp_v4_send_check(out, h.saddr, h.daddr);
	TCP_INC_STATS(net, OutSegs);
	return ip_build_and_send_pkt(net, out, h.saddr, h.daddr, IPPROTO_TCP, 0, tos,
				     c->skc_bound_dev_if, req->opt);
}

/**
 * tcp_v4_init_seq() - initial send sequence number
 *
 * A clock of 4 us plus a keyed hash of the 4-tuple: grows for each tuple, unknown to others (RFC 6528, 3).
 * Context: any. Return: the number.
 */
u32 tcp_v4_init_seq(const struct net *net, __be32 saddr, __be16 sport, __be32 daddr, __be16 dport)
{
	struct {
		__be32 saddr, daddr;
		__be16 sport, dport;
	} tuple = { saddr, daddr, sport, dport };
	u64 clock = ktime_get_ns() / (4 * NSEC_PER_USEC);

	return (u32)siphash(&tuple, sizeof(tuple), &net->hash_key) + (u32)clock;
}
