// SPDX-License-Identifier: MIT
/*
 * The wire of the machine of stack.h: what a peer sends, sound or not, and the judgement of what leaves.
 *
 * Interface: the second part of stack.h.
 * Above: stack.c.  Below: onehost.c; net/tcp's numbers are read, never written.
 * Context: process; stack_wire_out() wherever the device is handed a packet.  Owns: the list of segments sent in.
 */
#include "stack.h"

#include "../../net/tcp/tcp_internal.h"

#include <kernel/softirq.h>
#include <net/inetdevice.h>
#include <net/neighbour.h>
#include <wire/arp.h>

#define SENT_MAX    256u
#define PAYLOAD_MAX 1460u

/* Where a connection stands, seen by its peer. */
struct numbers {
	u32 rcv_nxt, rcv_wnd, snd_una, snd_nxt;
};

static struct {
	struct {
		u16 lport, rport;
		u32 seq, end;
	} sent[SENT_MAX]; /* every segment that was fed in */
	u32 nr_sent;
} wire;

u8 stack_byte(u32 seq)
{
	return (u8)(seq * 131 + (seq >> 8) * 17 + (seq >> 16) * 7 + (seq >> 24));
}

void stack_wire_begin(void)
{
	wire.nr_sent = 0;
}

/* --- Out ------------------------------------------------------------------------------------------------------------------ */

static void show_segment(const char *way, const u8 *ip, u32 len)
{
	const struct tcphdr *th = (const struct tcphdr *)(const void *)(ip + 20);

	if (getenv("HOST_VERBOSE"))
		fprintf(stderr, "%8.3f   %s %u>%u flags %02x seq %u ack %u win %u len %u\n",
			(double)host_clock() / 1e9, way, ntohs(th->source), ntohs(th->dest),
			th->flags, ntohl(th->seq), ntohl(th->ack_seq), ntohs(th->window),
			len - 20 - (th->doff >> 4) * 4u);
}

/* Somebody sent us the byte (or SYN, FIN) before @ack; a reset refers to the end of a segment, even of an empty one. */
static bool was_sent(u16 lport, u16 rport, u32 ack, bool reset)
{
	u32 n = wire.nr_sent < SENT_MAX ? wire.nr_sent : SENT_MAX;

	if (wire.nr_sent > SENT_MAX)
		return true; /* not all of them are remembered */
	for (u32 i = 0; i < n; i++)
		if (wire.sent[i].lport == lport && wire.sent[i].rport == rport &&
		    ((reset && ack == wire.sent[i].end) ||
		     (after(ack, wire.sent[i].seq) && !after(ack, wire.sent[i].end))))
			return true;
	return false;
}

static void check_payload(const u8 *p, u32 seq, u32 len)
{
	for (u32 i = 0; i < len; i++)
		FUZZ_CHECK_EQ(p[i], stack_byte(seq + i));
}

void stack_wire_out(const u8 *ip, u32 len)
{
	const struct iphdr *iph = (const struct iphdr *)(const void *)ip;
	const struct tcphdr *th = (const struct tcphdr *)(const void *)(ip + 20);
	u32 hlen = (th->doff >> 4) * 4u;

	if (iph->protocol != IPPROTO_TCP)
		return;
	show_segment("out", ip, len);
	if (!(th->flags & TCPHDR_RST))
		check_payload(ip + 20 + hlen, ntohl(th->seq) + !!(th->flags & TCPHDR_SYN),
			      len - 20 - hlen);
	if ((th->flags & TCPHDR_ACK) && !inet_addr_is_local(host.net, iph->daddr))
		FUZZ_CHECK(was_sent(ntohs(th->source), ntohs(th->dest), ntohl(th->ack_seq),
				    th->flags & TCPHDR_RST));
}

/* --- In: segments ------------------------------------------------------------------------------------------------------ */

static struct numbers numbers_of(const struct stack_target *t)
{
	struct numbers n = { 1000, 65535, 1000, 1000 };
	struct sock_common *c;

	local_bh_disable();
	c = inet_lookup_established(host.net->tcp_hash, t->raddr, htons(t->rport), OUR_IP, t->lport,
				    host.dev->ifindex);
	if (c && c->skc_state == TCP_NEW_SYN_RECV) {
		const struct tcp_request_sock *r = container_of(c, struct tcp_request_sock, c);

		n = (struct numbers){ r->rcv_isn + 1, r->rcv_wnd, r->snt_isn, r->snt_isn + 1 };
	} else if (c && c->skc_state == TCP_TIME_WAIT) {
		const struct tcp_timewait_sock *tw = container_of(c, struct tcp_timewait_sock, c);

		n = (struct numbers){ tw->rcv_nxt, tw->rcv_wnd, tw->snd_nxt, tw->snd_nxt };
	} else if (c) {
		const struct tcp_sock *tp = tcp_sk(container_of(c, struct sock, __sk_common));

		n = (struct numbers){ tp->rcv_nxt, tp->rcv_wnd, tp->snd_una, tp->snd_nxt };
		if (c->skc_state == TCP_SYN_SENT)
			n.rcv_nxt = 5000; /* the peer's choice */
	}
	local_bh_enable();
	return n;
}

struct segment {
	u32 seq, ack, len;
	u16 wnd;
	u8 flags, nr_opt;
	const u8 *opt;
};

static void send_segment(const struct stack_target *t, const struct segment *s)
{
	u8 p[20 + 60 + PAYLOAD_MAX] = { 0 };
	struct tcphdr *th = (struct tcphdr *)(void *)(p + 20);
	u32 hlen = 20u + s->nr_opt, i = wire.nr_sent % SENT_MAX;
	u32 first = s->seq + !!(s->flags & TCPHDR_SYN);

	onehost_ip_header(p, t->raddr, OUR_IP, IPPROTO_TCP, hlen + s->len);
	th->source = htons(t->rport);
	th->dest = htons(t->lport);
	th->seq = htonl(s->seq);
	th->ack_seq = htonl(s->ack);
	th->doff = (u8)(hlen / 4 << 4);
	th->flags = s->flags;
	th->window = htons(s->wnd);
	if (s->nr_opt)
		memcpy(th + 1, s->opt, s->nr_opt);
	for (u32 n = 0; n < s->len; n++)
		p[20 + hlen + n] = stack_byte(first + n);
	wire.sent[i].lport = t->lport;
	wire.sent[i].rport = t->rport;
	wire.sent[i].seq = s->seq;
	wire.sent[i].end = first + s->len + !!(s->flags & TCPHDR_FIN);
	wire.nr_sent++;
	onehost_fix_checksums(p, 20 + hlen + s->len);
	show_segment("in ", p, 20 + hlen + s->len);
	onehost_feed_ip(p, 20 + hlen + s->len);
}

static const struct {
	u8 len;
	u8 b[20];
} options[8] = {
	{ 0, { 0 } },
	{ 4, { 2, 4, 5, 0xb4 } },                        /* MSS 1460 */
	{ 8, { 2, 4, 5, 0xb4, 1, 3, 3, 7 } },            /* and a window scale */
	{ 4, { 2, 4, 0, 0 } },                           /* MSS 0 */
	{ 8, { 2, 4, 0, 88, 1, 3, 3, 14 } },             /* small, and the largest scale */
	{ 12, { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0 } }, /* timestamps, which we did not ask for */
	{ 12, { 1, 1, 5, 10, 0, 0, 16, 0, 0, 0, 32, 0 } }, /* SACK, which we did not ask for */
	{ 20, { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 0 } },
};

/* A segment of any kind, relative to where the connection stands. */
void stack_segment(struct fuzz_input *in)
{
	struct stack_target t = stack_target(in_u8(in));
	struct numbers n = numbers_of(&t);
	struct segment s = { .flags = in_u8(in) };
	u8 seq_base = in_u8(in);
	s16 seq_off = (s16)in_u16(in);
	u8 ack_base = in_u8(in), opt;
	s16 ack_off = (s16)in_u16(in);
	const u32 seqs[8] = { n.rcv_nxt,
			      n.rcv_nxt,
			      n.rcv_nxt + n.rcv_wnd,
			      n.rcv_nxt + 1448,
			      0,
			      n.rcv_nxt + n.rcv_wnd / 2,
			      n.rcv_nxt + 0x7fffffff,
			      n.rcv_nxt - 1 };
	const u32 acks[8] = { n.snd_nxt,
			      n.snd_nxt,
			      n.snd_una,
			      n.snd_una + 1448,
			      0,
			      n.snd_una - 1,
			      n.snd_nxt + 0x7fffffff,
			      n.snd_nxt + 1 };

	s.seq = seqs[seq_base % 8] + (u32)(seq_off * (seq_base & 8 ? 97 : 1));
	s.ack = acks[ack_base % 8] + (u32)(ack_off * (ack_base & 8 ? 97 : 1));
	s.wnd = in_u16(in);
	opt = in_u8(in) % 8;
	s.opt = options[opt].b;
	s.nr_opt = options[opt].len;
	s.len = in_u16(in) % (PAYLOAD_MAX + 1);
	send_segment(&t, &s);
}

/* What a peer does that follows the rules: numbers that fit. */
void stack_peer(struct fuzz_input *in)
{
	enum { OPEN, ANSWER, ACK, ACK_SOME, DUPACK, TEXT, LATER, FIN, RESET, SHUT, BARE, BOTH };
	struct stack_target t = stack_target(in_u8(in));
	struct numbers n = numbers_of(&t);
	u8 what = in_u8(in) % 12, much = in_u8(in);
	struct segment s = {
		.seq = n.rcv_nxt, .ack = n.snd_nxt, .wnd = 65535, .flags = TCPHDR_ACK
	};

	if (what == OPEN || what == ANSWER) {
		s.flags = what == OPEN ? TCPHDR_SYN : TCPHDR_SYN | TCPHDR_ACK;
		s.opt = options[much % 8].b;
		s.nr_opt = options[much % 8].len;
		s.seq = what == OPEN ? 5000u + much : n.rcv_nxt;
	} else if (what == ACK_SOME) {
		s.ack = n.snd_una + much * 16;
	} else if (what == DUPACK) {
		s.ack = n.snd_una;
	} else if (what == TEXT || what == LATER || what == BOTH) {
		s.len = much * 8;
		if (s.len > PAYLOAD_MAX)
			s.len = PAYLOAD_MAX;
		s.seq += what == LATER ? 1448 : 0;
		s.flags |= what == BOTH ? TCPHDR_PSH | TCPHDR_FIN : TCPHDR_PSH;
	} else if (what == FIN || what == RESET) {
		s.flags = what == FIN ? TCPHDR_ACK | TCPHDR_FIN : TCPHDR_RST | TCPHDR_ACK;
	} else if (what == SHUT) {
		s.wnd = much;
	}
	send_segment(&t, &s);
}

/* --- In: the others ------------------------------------------------------------------------------------------------------ */

/* An error about a segment of ours, or nearly. */
void stack_icmp(struct fuzz_input *in)
{
	struct stack_target t = stack_target(in_u8(in));
	struct numbers n = numbers_of(&t);
	u8 p[20 + 8 + 20 + 8] = { 0 }, type = in_u8(in);

	onehost_ip_header(p, PEER_IP, OUR_IP, IPPROTO_ICMP, 36);
	p[20] = (const u8[4]){ 3, 11, 12, 4 }[type % 4];
	p[21] = in_u8(in) % 16;
	put_unaligned_be16(in_u16(in), p + 26);
	onehost_ip_header(p + 28, OUR_IP, t.raddr, type & 0x80 ? IPPROTO_UDP : IPPROTO_TCP, 1400);
	put_unaligned_be16(t.lport, p + 48);
	put_unaligned_be16(t.rport, p + 50);
	put_unaligned_be32(n.snd_una + (u32)(s16)in_u16(in), p + 52);
	onehost_fix_checksums(p, sizeof(p));
	onehost_feed_ip(p, sizeof(p));
}

void stack_datagram(struct fuzz_input *in)
{
	struct stack_target t = stack_target(in_u8(in));
	u8 flags = in_u8(in), len = in_u8(in), p[28 + 255];
	struct udphdr *uh = (struct udphdr *)(void *)(p + 20);

	onehost_ip_header(p, t.raddr, flags & 1 ? IP4(10, 0, 0, 255) : OUR_IP, IPPROTO_UDP,
			  8u + len);
	*uh = (struct udphdr){ .source = htons(t.rport),
			       .dest = htons(flags & 2 ? flags : t.lport),
			       .len = htons(8u + len + (flags & 4 ? 1 : 0)) };
	for (u32 i = 0; i < len; i++)
		p[28 + i] = stack_byte(i);
	onehost_fix_checksums(p, 28u + len);
	onehost_feed_ip(p, 28u + len);
}

/* Any packet; of TCP only the header of IP is made right, so that it says nothing to a connection. */
void stack_raw(struct fuzz_input *in)
{
	u8 p[20 + 40] = { 0 };
	struct iphdr *iph = (struct iphdr *)(void *)p;
	size_t got;
	const u8 *b;

	onehost_ip_header(p, PEER_IP, OUR_IP, in_u8(in), 40);
	iph->ver_ihl = (u8)(0x45 + in_u8(in) % 4);
	iph->frag_off = htons(in_u16(in));
	b = in_bytes(in, 24, &got);
	memcpy(p + 20, b, got);
	if (iph->protocol == IPPROTO_TCP)
		iph->protocol = 7;
	onehost_fix_checksums(p, sizeof(p));
	onehost_feed_ip(p, sizeof(p));
}

void stack_arp(struct fuzz_input *in)
{
	u8 kind = in_u8(in), who = in_u8(in), frame[60] = { 0 };
	struct arphdr *a = (struct arphdr *)(void *)(frame + 14);
	u8 mac[6] = { 2, 0, 0, 0, (u8)(kind >> 6), (u8)(2 + who % 4) };

	if (host.link != ONEHOST_ETHERNET)
		return;
	memcpy(frame, our_mac, 6);
	if (kind & 2)
		memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	frame[12] = 8;
	frame[13] = 6;
	*a = (struct arphdr){ .ar_hrd = htons(1),
			      .ar_pro = htons(0x0800),
			      .ar_hln = 6,
			      .ar_pln = 4,
			      .ar_op = htons(kind & 1 ? ARPOP_REPLY : ARPOP_REQUEST),
			      .ar_sip = IP4(10, 0, 0, kind & 4 ? 1 : 2 + who % 4),
			      .ar_tip = kind & 8 ? IP4(10, 0, 0, 77) : OUR_IP };
	memcpy(a->ar_sha, mac, 6);
	memcpy(a->ar_tha, our_mac, 6);
	onehost_feed(frame, sizeof(frame));
}
