// SPDX-License-Identifier: MIT
/*
 * IPv4 options that an application puts on its packets: checked when they are set, completed when a packet goes.
 *
 * What arrives with options is walked over in ip_input.c, and a source route is dropped there unless the user wants them. What goes
 * out is the application's own wish: loose and strict source routes, record route,
 * timestamps; anything else that is well formed goes as it is, but what RFC 6814 has retired.
 *
 * A source route as set names the hops in order and the destination not at all. On the wire the first hop is the header's
 * destination, the rest moves up one, and the last slot holds the real destination (RFC 1122, 3.2.1.8 (c)).
 *
 * Interface: "ipv4.h" (inet_ext_get(), ip_options_compile(), ip_options_build(), ip_options_echo()).
 * Above: ip_sockglue.c, ip_cmsg.c, igmp.c, ip_output.c.  Below: nothing.
 * Context: any.
 * Owns: nothing.
 * Specs: RFC 791 (3.1); RFC 1122 (3.2.1.8); RFC 6814; RFC 2113.
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <lib/reader.h>
#include <lib/string.h>

#define MS_PER_DAY     86400000u
#define TS_NONSTANDARD 0x80000000u /* no universal time: RFC 791 wants this bit then */
#define SRR_MIN        7u          /* kind, length, pointer, one address */
#define ROUTE_PTR      4u          /* first address, counted from 1 */
#define TS_PTR         5u

enum { TS_TSONLY = 0, TS_TSANDADDR = 1, TS_PRESPEC = 3 };

/**
 * inet_ext_get() - @sk's room for what few sockets have. Context: process, owner. Return: it; NULL without memory.
 */
struct inet_ext *inet_ext_get(struct sock *sk)
{
	if (!sk->inet_ext)
		sk->inet_ext = kzalloc(sizeof(*sk->inet_ext));
	return sk->inet_ext;
}

/* Kinds that nobody shall send any more (RFC 6814, 2; stream identifier: RFC 791 itself says so). */
static bool ipopt_retired(u8 kind)
{
	static const u8 retired[] = { 82, 136, 142, 144, 145, 147, 149, 150, 151, 152, 205 };

	for (u32 i = 0; i < ARRAY_SIZE(retired); i++) {
		if (retired[i] == kind)
			return true;
	}
	return false;
}

/* A source route of the application: whole addresses, none used up. The first hop is taken out. */
static int compile_srr(struct ip_options *opt, u32 at, u8 len)
{
	u8 *p = opt->data + at;

	if (opt->srr || len < SRR_MIN || (len - 3) % 4 || p[2] != ROUTE_PTR)
		return -EINVAL;
	memcpy(&opt->faddr, p + 3, 4);
	memmove(p + 3, p + 7, len - SRR_MIN);
	opt->srr = (u8)(at + 1);
	opt->strict = p[0] == IPOPT_SSRR;
	return 0;
}

/* Pointer at an empty slot or behind the last: what begins inside must end inside. */
static int compile_rr(struct ip_options *opt, u32 at, u8 len)
{
	u8 ptr;

	if (opt->rr || len < 3)
		return -EINVAL;
	ptr = opt->data[at + 2];
	if (ptr < ROUTE_PTR || (ptr <= len && ptr + 3 > len))
		return -EINVAL;
	opt->rr = (u8)(at + 1);
	return 0;
}

static int compile_ts(struct ip_options *opt, u32 at, u8 len)
{
	u8 ptr, form, need;

	if (opt->ts || len < 4)
		return -EINVAL;
	ptr = opt->data[at + 2];
	form = opt->data[at + 3] & 15;
	if (form != TS_TSONLY && form != TS_TSANDADDR && form != TS_PRESPEC)
		return -EINVAL;
	need = form == TS_TSONLY ? 4 : 8;
	if (ptr < TS_PTR || (ptr <= len && ptr + need - 1 > len))
		return -EINVAL;
	if (ptr > len && opt->data[at + 3] >> 4 == 15)
		return -EINVAL; /* full, and even the count of those who found it full */
	opt->ts = (u8)(at + 1);
	return 0;
}

static int compile_one(struct ip_options *opt, u32 at, u8 kind, u8 len)
{
	switch (kind) {
	case IPOPT_LSRR:
	case IPOPT_SSRR:
		return compile_srr(opt, at, len);
	case IPOPT_RR:
		return compile_rr(opt, at, len);
	case IPOPT_TS:
		return compile_ts(opt, at, len);
	case IPOPT_RA:
		return len == 4 ? 0 : -EINVAL;
	default:
		return ipopt_retired(kind) ? -EINVAL : 0;
	}
}

/**
 * ip_options_compile() - checks the options that an application wants on its packets.
 * @opt: result; filled up with END to a multiple of four bytes, what is behind an END is forgotten
 *
 * Context: any.
 * Return: 0; -EINVAL longer than 40 bytes, a length that is wrong, two of a kind that may stand once, a pointer that is wrong, a
 * kind that was retired. @opt is undefined then.
 */
int ip_options_compile(struct ip_options *opt, const void *data, u32 len)
{
	struct reader r = rd_init(data, len);

	if (len > IP_OPTIONS_MAX)
		return -EINVAL;
	*opt = (struct ip_options){ .optlen = (u8)ALIGN(len, 4) };
	memcpy(opt->data, data, len);
	memcpy(opt->orig, data, len);
	while (r.left) {
		u32 at = len - r.left;
		u8 kind = rd_u8(&r), optlen;

		if (kind == IPOPT_END) {
			memset(opt->data + at, 0, IP_OPTIONS_MAX - at);
			return 0;
		}
		if (kind == IPOPT_NOOP)
			continue;
		optlen = rd_u8(&r);
		if (r.bad || optlen < 2)
			return -EINVAL;
		(void)rd_take(&r, (u32)optlen - 2);
		if (r.bad || compile_one(opt, at, kind, optlen) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Milliseconds since midnight UT. */
static u32 ipopt_now(void)
{
	u64 ns = ktime_get_real_ns();

	if (ns < (u64)MS_PER_DAY * NSEC_PER_MSEC) /* nobody has set the clock */
		return (u32)(ns / NSEC_PER_MSEC) | TS_NONSTANDARD;
	return (u32)(ns / NSEC_PER_MSEC % MS_PER_DAY);
}

/* We are the first whose address a record route takes. */
static void build_rr(u8 *p, __be32 saddr)
{
	if (p[2] > p[1])
		return; /* full before it begins */
	memcpy(p + p[2] - 1, &saddr, 4);
	p[2] = (u8)(p[2] + 4);
}

static void build_ts(u8 *p, __be32 saddr)
{
	u8 form = p[3] & 15;
	u8 *slot = p + p[2] - 1;
	bool mine;

	if (p[2] > p[1]) {
		p[3] = (u8)(p[3] + 16); /* one more who found no room */
		return;
	}
	if (form == TS_TSONLY) {
		put_unaligned_be32(ipopt_now(), slot);
		p[2] = (u8)(p[2] + 4);
		return;
	}
	mine = form == TS_TSANDADDR || memcmp(slot, &saddr, 4) == 0;
	if (!mine)
		return;
	memcpy(slot, &saddr, 4);
	put_unaligned_be32(ipopt_now(), slot + 4);
	p[2] = (u8)(p[2] + 8);
}

/**
 * ip_options_build() - writes @opt into a packet that leaves from @saddr for @daddr (the real destination).
 * @to: opt->optlen bytes behind the header, whose own destination is ip_options_first_hop()
 *
 * Context: any.
 */
void ip_options_build(const struct ip_options *opt, u8 *to, __be32 saddr, __be32 daddr)
{
	memcpy(to, opt->data, opt->optlen);
	if (opt->srr) {
		u8 *p = to + opt->srr - 1;

		memcpy(p + p[1] - 4, &daddr, 4);
	}
	if (opt->rr)
		build_rr(to + opt->rr - 1, saddr);
	if (opt->ts)
		build_ts(to + opt->ts - 1, saddr);
}

/* A source route that brought a packet here from @saddr, turned round: the last router first. Its length. */
static u32 echo_route(const u8 *p, __be32 saddr, u8 *out)
{
	u32 len = p[1], n = 3;

	for (u32 at = len; at >= SRR_MIN; at -= 4) {
		/* The sender itself is no hop: it is where the answer goes. */
		if (at == SRR_MIN && memcmp(p + 3, &saddr, 4) == 0)
			break;
		memcpy(out + n, p + at - 4, 4);
		n += 4;
	}
	if (n == 3)
		return 0;
	out[0] = p[0];
	out[1] = (u8)n;
	out[2] = ROUTE_PTR;
	return n;
}

/**
 * ip_options_echo() - the options of a received packet as an answer to it should bear them, in the form that an application sets: a
 * source route reversed, record route and timestamp as they are (RFC 1122, 3.2.1.8).
 * @iph: options checked by ip_rcv(). @route_only: nothing but the source route.
 * @out: gets them, filled up to a multiple of four
 * Context: any. Return: bytes; 0: there is nothing to send back.
 */
u32 ip_options_echo(const struct iphdr *iph, bool route_only, u8 out[IP_OPTIONS_MAX])
{
	struct reader r = rd_init(iph + 1, ip_hdrlen(iph) - (u32)sizeof(*iph));
	u32 n = 0;

	memset(out, IPOPT_END, IP_OPTIONS_MAX);
	while (r.left) {
		const u8 *p = (const u8 *)iph + ip_hdrlen(iph) - r.left;
		u8 kind = rd_u8(&r), len;

		if (kind == IPOPT_END)
			break;
		if (kind == IPOPT_NOOP)
			continue;
		len = rd_u8(&r);
		(void)rd_take(&r, (u32)len - 2);
		BUG_ON(len < 2 || r.bad);
		if ((kind == IPOPT_LSRR || kind == IPOPT_SSRR) && (len - 3) % 4 == 0) {
			n += echo_route(p, iph->saddr, out + n);
		} else if ((kind == IPOPT_RR || kind == IPOPT_TS) && !route_only) {
			memcpy(out + n, p, len);
			n += len;
		}
	}
	return ALIGN(n, 4);
}

/**
 * ip_options_accept() - what the packets of a connection bear that @syn begins at listener @lsk: the source route by which it came,
 * turned round (RFC 1122, 4.2.3.8), else the listener's own options.
 * @syn: its IP header, checked by ip_rcv()
 * Context: any. Owns: the caller.
 * Return: the options; NULL: none; ERR_PTR(-ENOMEM).
 */
struct ip_options *ip_options_accept(const struct sock *lsk, const struct iphdr *syn)
{
	const struct ip_options *mine = ip_sk_options(lsk);
	u8 back[IP_OPTIONS_MAX];
	u32 len = ip_options_echo(syn, true, back);
	struct ip_options *opt;

	if (likely(!len && !mine))
		return NULL;
	opt = kmalloc(sizeof(*opt));
	if (!opt)
		return ERR_PTR(-ENOMEM);
	if (!len)
		*opt = *mine;
	else
		BUG_ON(ip_options_compile(opt, back, len)); /* one whole route: we made it */
	return opt;
}

/**
 * ip_options_give() - @child begins with a copy of @opt (NULL: none).
 * Context: any. Return: 0; -ENOMEM.
 */
int ip_options_give(struct sock *child, const struct ip_options *opt)
{
	struct inet_ext *ext;

	if (likely(!opt))
		return 0;
	ext = inet_ext_get(child);
	if (!ext)
		return -ENOMEM;
	ext->opt = *opt;
	return 0;
}
