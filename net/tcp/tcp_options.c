// SPDX-License-Identifier: MIT
/*
 * TCP header and options as bytes: parsing what the wire brings, writing what a segment carries. Pure functions.
 *
 * Interface: tcp_options_parse, tcp_options_len, tcp_options_write, tcp_seg_parse, tcp_select_wscale
 * Above: every other file of net/tcp. Below: <lib/reader.h>.
 * Context: any. Owns: nothing.
 * Specs: RFC 9293 3.1, 3.2, 3.7.1; RFC 7323 2; RFC 2018 2, 3; RFC 6691.
 */
#include "tcp_internal.h"

#include <lib/reader.h>
#include <lib/string.h>

/* A cookie, or the request for one; with a wrong length it was never there (RFC 7413, 4.1.1). */
static void tcp_option_fastopen(struct reader *r, struct tcp_options *o, bool exp)
{
	u32 len = r->left;

	if (len && (len < TCP_FASTOPEN_COOKIE_MIN || len > TCP_FASTOPEN_COOKIE_MAX || len % 2))
		return;
	o->foc.there = true;
	o->foc.exp = exp;
	o->foc.len = (u8)len;
	for (u32 i = 0; i < len; i++)
		o->foc.val[i] = rd_u8(r);
}

/* Up to four blocks; a length that holds no whole number of them, or none: the option is worthless (RFC 2018, 3). */
static void tcp_option_sack(struct reader *r, struct tcp_options *o)
{
	u32 len = r->left;

	if (!len || len % TCPOLEN_SACK_PERBLOCK || len > TCP_MAX_SACKS * TCPOLEN_SACK_PERBLOCK)
		return;
	o->num_sacks = (u8)(len / TCPOLEN_SACK_PERBLOCK);
	for (u32 i = 0; i < o->num_sacks; i++) {
		o->sacks[i].start = rd_be32(r);
		o->sacks[i].end = rd_be32(r);
	}
}

/* One option of known kind whose body is @r; a wrong length makes the option, not the segment, worthless. */
static void tcp_option_one(u8 kind, struct reader *r, struct tcp_options *o)
{
	u32 len = r->left;

	switch (kind) {
	case TCPOPT_MSS:
		if (len == TCPOLEN_MSS - 2)
			o->mss = rd_be16(r);
		break;
	case TCPOPT_WINDOW:
		if (len == TCPOLEN_WINDOW - 2) {
			u8 shift = rd_u8(r);

			o->wscale_ok = true;
			o->wscale = shift > TCP_MAX_WSCALE ? TCP_MAX_WSCALE : shift;
		}
		break;
	case TCPOPT_SACK_PERM:
		o->sack_ok = len == TCPOLEN_SACK_PERM - 2;
		break;
	case TCPOPT_SACK:
		tcp_option_sack(r, o);
		break;
	case TCPOPT_TIMESTAMP:
		if (len == TCPOLEN_TIMESTAMP - 2) {
			o->tstamp_ok = true;
			o->tsval = rd_be32(r);
			o->tsecr = rd_be32(r);
		}
		break;
	case TCPOPT_FASTOPEN:
		tcp_option_fastopen(r, o, false);
		break;
	case TCPOPT_EXP: /* RFC 6994: the first two bytes say whose experiment it is */
		if (len >= 2 && rd_be16(r) == TCP_FASTOPEN_MAGIC)
			tcp_option_fastopen(r, o, true);
		break;
	default: /* RFC 9293 MUST-6: unknown ones are skipped by their length */
		break;
	}
}

/**
 * tcp_options_parse() - reads the option bytes of a header
 * @p: first option byte
 * @len: bytes of options, 0..40
 * @o: filled; fields of absent options are zero
 *
 * Parsing stops at EOL, at a length below 2 and at one past the end; what was read before counts (RFC 9293 MUST-7, MUST-64).
 *
 * Context: any.
 */
void tcp_options_parse(const u8 *p, u32 len, struct tcp_options *o)
{
	struct reader r = rd_init(p, len);

	*o = (struct tcp_options){ 0 };
	while (r.left) {
		u8 kind = rd_u8(&r), olen;
		struct reader body;

		if (kind == TCPOPT_EOL)
			return;
		if (kind == TCPOPT_NOP)
			continue;
		olen = rd_u8(&r);
		if (olen < 2)
			return;
		body = rd_sub(&r, olen - 2u);
		if (body.bad)
			return;
		tcp_option_one(kind, &body, o);
	}
}

/* Bytes of Fast Open's option with its padding. */
static u32 tcp_fastopen_len(const struct tcp_fastopen_cookie *foc)
{
	u32 base = foc->exp ? TCPOLEN_EXP_FASTOPEN_BASE : TCPOLEN_FASTOPEN_BASE;

	return foc->there ? ALIGN(base + foc->len, 4u) : 0;
}

/** tcp_options_len() - bytes that tcp_options_write() will write. Context: any. Return: a multiple of 4, 40 at most. */
u32 tcp_options_len(const struct tcp_out_options *o)
{
	u32 len = (o->mss ? TCPOLEN_MSS : 0) + (o->wscale_ok ? 4u : 0);

	if (o->tstamp_ok)
		len += TCP_TSTAMP_LEN; /* SACK-permitted stands where its NOPs would */
	else if (o->sack_perm)
		len += 4;
	if (o->num_sacks)
		len += 4u + o->num_sacks * TCPOLEN_SACK_PERBLOCK;
	if (o->foc && len + tcp_fastopen_len(o->foc) <= TCP_MAX_OPTIONS)
		len += tcp_fastopen_len(o->foc);
	BUG_ON(len > TCP_MAX_OPTIONS);
	return len;
}

/* Two NOPs, or SACK-permitted in their place; then a kind and its length. Return: behind them. */
static u8 *tcp_put_kind(u8 *p, bool sack_perm, u8 kind, u8 len)
{
	p[0] = sack_perm ? TCPOPT_SACK_PERM : TCPOPT_NOP;
	p[1] = sack_perm ? TCPOLEN_SACK_PERM : TCPOPT_NOP;
	p[2] = kind;
	p[3] = len;
	return p + 4;
}

static u8 *tcp_put_word(u8 *p, u32 v)
{
	put_unaligned_be32(v, p);
	return p + 4;
}

/* A cookie, or the request for one, padded behind. */
static void tcp_put_fastopen(u8 *p, const struct tcp_fastopen_cookie *foc)
{
	u32 base = foc->exp ? TCPOLEN_EXP_FASTOPEN_BASE : TCPOLEN_FASTOPEN_BASE;
	u32 end = tcp_fastopen_len(foc);

	if (!foc->there)
		return;
	BUG_ON(foc->len > TCP_FASTOPEN_COOKIE_MAX);
	p[0] = foc->exp ? TCPOPT_EXP : TCPOPT_FASTOPEN;
	p[1] = (u8)(base + foc->len);
	if (foc->exp)
		put_unaligned_be16(TCP_FASTOPEN_MAGIC, p + 2);
	memcpy(p + base, foc->val, foc->len);
	for (u32 i = base + foc->len; i < end; i++)
		p[i] = TCPOPT_NOP;
}

/**
 * tcp_options_write() - the options of a segment: MSS, SACK-permitted, timestamps, window scale, SACK blocks, Fast Open
 * @p: room for tcp_options_len() bytes
 * @o: what there is; Fast Open's is left out when the others leave no room for it
 *
 * The order and the padding are those of the hosts that peers know best; each option begins so that its words are aligned.
 *
 * Context: any. Return: bytes written, a multiple of 4.
 */
u32 tcp_options_write(u8 *p, const struct tcp_out_options *o)
{
	u32 len = tcp_options_len(o);
	u8 *end = p + len;

	BUG_ON(o->wscale > TCP_MAX_WSCALE || o->num_sacks > TCP_MAX_SACKS);
	if (o->mss) {
		p[0] = TCPOPT_MSS;
		p[1] = TCPOLEN_MSS;
		put_unaligned_be16(o->mss, p + 2);
		p += TCPOLEN_MSS;
	}
	if (o->tstamp_ok) {
		p = tcp_put_kind(p, o->sack_perm, TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP);
		p = tcp_put_word(tcp_put_word(p, o->tsval), o->tsecr);
	} else if (o->sack_perm) {
		p = tcp_put_kind(p, false, TCPOPT_SACK_PERM, TCPOLEN_SACK_PERM);
	}
	if (o->wscale_ok) {
		p[0] = TCPOPT_NOP;
		p[1] = TCPOPT_WINDOW;
		p[2] = TCPOLEN_WINDOW;
		p[3] = o->wscale;
		p += 4;
	}
	if (o->num_sacks) {
		p = tcp_put_kind(p, false, TCPOPT_SACK,
				 (u8)(TCPOLEN_SACK_BASE + o->num_sacks * TCPOLEN_SACK_PERBLOCK));
		for (u32 i = 0; i < o->num_sacks; i++)
			p = tcp_put_word(tcp_put_word(p, o->sacks[i].start), o->sacks[i].end);
	}
	if (p < end)
		tcp_put_fastopen(p, o->foc);
	return len;
}

/**
 * tcp_seg_parse() - the fields of the segment at skb->data, lengths checked
 * @skb: data at the TCP header, header linear as far as it claims
 * @seg: filled
 *
 * Context: any. Return: false when the data offset is below 5 words or beyond the linear bytes (RFC 9293, 3.1).
 */
bool tcp_seg_parse(const struct sk_buff *skb, struct tcp_seg *seg)
{
	const struct tcphdr *th = (const struct tcphdr *)(const void *)skb->data;
	u32 hlen;

	if (skb_headlen(skb) < TCP_HDR_LEN)
		return false;
	hlen = (u32)(th->doff >> 4) * 4;
	if (hlen < TCP_HDR_LEN || hlen > skb_headlen(skb))
		return false;
	seg->seq = ntohl(th->seq);
	seg->ack = ntohl(th->ack_seq);
	seg->wnd = ntohs(th->window);
	seg->flags = th->flags;
	seg->ip_ecn = INET_ECN_NOT_ECT; /* it is not in this header */
	seg->urg_ptr = ntohs(th->urg_ptr);
	seg->len = skb->len - hlen;
	seg->optlen = (u16)(hlen - TCP_HDR_LEN);
	seg->end_seq =
		seg->seq + seg->len + !!(th->flags & TCPHDR_SYN) + !!(th->flags & TCPHDR_FIN);
	tcp_options_parse(skb->data + TCP_HDR_LEN, hlen - TCP_HDR_LEN, &seg->opt);
	return true;
}

/** tcp_select_wscale() - least shift with which 16 bits can announce @space bytes (RFC 7323, 2.3). Context: any. Return: 0..14. */
u8 tcp_select_wscale(u32 space)
{
	u8 shift = 0;

	while (shift < TCP_MAX_WSCALE && (space >> shift) > 65535)
		shift++;
	return shift;
}
