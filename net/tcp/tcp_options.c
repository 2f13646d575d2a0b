// SPDX-License-Identifier: MIT
/*
 * TCP header and options as bytes: parsing what the wire brings, building what a SYN announces. Pure functions.
 *
 * Interface: tcp_options_parse, tcp_options_build_syn, tcp_options_syn_len, tcp_seg_parse, tcp_select_wscale
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

/** tcp_options_syn_len() - bytes that tcp_options_build_syn() will write. Return: 4 or 8. Context: any. */
u32 tcp_options_syn_len(bool wscale_ok)
{
	return wscale_ok ? 8 : 4;
}

/**
 * tcp_options_build_syn() - the options of a SYN or SYN-ACK: MSS, then NOP and window scale
 * @p: room for tcp_options_syn_len() bytes
 * @mss: payload we can receive (RFC 6691: without options)
 * @wscale_ok: announce @wscale
 * @wscale: shift of the windows we shall announce, <= 14
 *
 * Context: any. Return: bytes written, a multiple of 4.
 */
u32 tcp_options_build_syn(u8 *p, u16 mss, bool wscale_ok, u8 wscale)
{
	BUG_ON(wscale > TCP_MAX_WSCALE);
	p[0] = TCPOPT_MSS;
	p[1] = TCPOLEN_MSS;
	put_unaligned_be16(mss, p + 2);
	if (!wscale_ok)
		return 4;
	p[4] = TCPOPT_NOP;
	p[5] = TCPOPT_WINDOW;
	p[6] = TCPOLEN_WINDOW;
	p[7] = wscale;
	return 8;
}

/** tcp_options_fastopen_len() - bytes of the option with its padding; 0 when there is none. Context: any. Return: them. */
u32 tcp_options_fastopen_len(const struct tcp_fastopen_cookie *foc)
{
	u32 base = foc->exp ? TCPOLEN_EXP_FASTOPEN_BASE : TCPOLEN_FASTOPEN_BASE;

	return foc->there ? ALIGN(base + foc->len, 4u) : 0;
}

/**
 * tcp_options_build_fastopen() - a cookie, or the request for one, padded behind
 * @p: room for tcp_options_fastopen_len() bytes
 *
 * Context: any.
 */
void tcp_options_build_fastopen(u8 *p, const struct tcp_fastopen_cookie *foc)
{
	u32 base = foc->exp ? TCPOLEN_EXP_FASTOPEN_BASE : TCPOLEN_FASTOPEN_BASE;
	u32 end = tcp_options_fastopen_len(foc);

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
	seg->len = skb->len - hlen;
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
