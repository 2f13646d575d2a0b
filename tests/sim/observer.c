// SPDX-License-Identifier: MIT
/*
 * The observer: reads every frame that leaves or reaches a card, knows nothing of the stack but what it reads, and
 * holds the stack to the RFCs.
 *
 * Of every frame sent: the source is the sender's, all checksums are right. Of every TCP segment (RFC 9293, 3.4, 3.8.4,
 * 3.8.6; RFC 1122, 4.2.2.16; RFC 7323, 2): its bytes are those of the stream at that place, the first time and every
 * time; it begins where something was sent before, or right behind it; it ends inside the window that reached the sender
 * (one byte beyond is a probe); it acknowledges what has reached the sender and nothing beyond, and never less than
 * before; its right edge of the window never moves back; it is no longer than the peer's MSS; nothing follows a FIN.
 * When new data leaves, what is in flight fits the congestion window, and a small segment has no small one before it that
 * is not acknowledged (Nagle's rule as modified by Minshall); these two look into the socket.
 *
 * Interface: observer_start, observer_sent, observer_delivered, observer_stop (world.h).
 * Above: wire.c. Below: apps.c for the streams' keys. Context: any, world stopped. Owns: its records.
 */
#include "world.h"

#include <net/inet_hashtables.h>

#define BUCKETS   64u
#define MAX_HOLES 4096u

/* What has reached a side beyond a hole. */
struct stretch {
	u32 lo, hi;
};

/* One side of a connection: as a sender, and as a receiver. */
struct side {
	const struct host *host;
	u16 port;
	bool syn; /* its SYN was seen: isn, mss, scale are known */
	u32 isn, mss;
	bool scale_offered;
	u8 scale;
	u32 snd_max; /* behind the last byte ever sent */
	bool fin;
	u32 fin_end;
	bool acked, offered; /* last_ack and edge are valid */
	u32 last_ack, edge;  /* the last acknowledgment sent; the right edge it offered */
	bool may_send;
	u32 may_edge; /* the greatest right edge that has reached it */
	bool got_syn;
	u32 rcv_isn, old_edge; /* of whose SYN; of the incarnation before */
	u32 rcv_edge;          /* all before has reached it */
	struct stretch *beyond;
	u32 nr_beyond;
	u64 got_ns; /* when something reached it last, and how much at that instant */
	u32 got_at_once;
	bool small; /* a small segment was sent; it ends at small_end */
	u32 small_end;
	u32 una; /* the greatest acknowledgment that has reached it; since may_send */
	u64 key; /* of the stream it sends */
	bool has_key;
	bool fast;   /* the SYN it got bore data */
	u32 syn_wnd; /* and this window */
};

struct conn {
	struct conn *next;
	struct side side[2]; /* 0: whose SYN came first */
};

/* A segment, taken apart. */
struct segment {
	u32 optlen;
	u32 seq, ack, len, end; /* end counts SYN and FIN */
	u16 wnd, sport, dport;
	u8 flags;
	__be32 saddr, daddr;
	const u8 *payload;
	u32 mss;
	bool has_scale;
	u8 scale;
};

static struct {
	struct conn *bucket[BUCKETS];
	u64 segments;
} seen;

void observer_start(void)
{
	memset(&seen, 0, sizeof(seen));
}

void observer_stop(void)
{
	for (u32 i = 0; i < BUCKETS; i++) {
		while (seen.bucket[i]) {
			struct conn *c = seen.bucket[i];

			seen.bucket[i] = c->next;
			free(c->side[0].beyond);
			free(c->side[1].beyond);
			free(c);
		}
	}
}

/* --- Frames ---------------------------------------------------------------------------------------------------------------- */
/* One's complement sum, not folded away: 0xffff when all is right. */
static u32 sum(const u8 *p, u32 len, u32 s)
{
	for (u32 i = 0; i + 1 < len; i += 2)
		s += (u32)p[i] << 8 | p[i + 1];
	if (len & 1)
		s += (u32)p[len - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static u32 be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

static u32 be32(const u8 *p)
{
	return be16(p) << 16 | be16(p + 2);
}

/* The IP datagram of a frame, or NULL; *len its length. */
static const u8 *datagram(const u8 *b, u32 frame_len, u32 *len)
{
	if (frame_len < 34 || be16(b + 12) != ETH_P_IP)
		return NULL;
	*len = be16(b + 16);
	return b + 14;
}

static void check_checksums(const struct host *h, const u8 *ip, u32 len)
{
	u32 hdr = (ip[0] & 15u) * 4, proto = ip[9], n = len - hdr;
	u32 pseudo = sum(ip + 12, 8, proto + n);
	const u8 *l4 = ip + hdr;
	u32 s = 0xffff;

	if (planted(PLANT_CHECKSUM))
		pseudo++;
	if (sum(ip, hdr, 0) != 0xffff)
		sim_fail("checksum", "host%u sent a wrong IP header checksum", h->id);
	if (be16(ip + 6) & (IP_MF | IP_OFFSET))
		return;
	if (proto == IPPROTO_TCP || (proto == IPPROTO_UDP && be16(l4 + 6)))
		s = sum(l4, n, pseudo);
	else if (proto == IPPROTO_ICMP)
		s = sum(l4, n, 0);
	if (s != 0xffff)
		sim_fail("checksum", "host%u sent a wrong checksum, protocol %u", h->id, proto);
}

static void check_frame(const struct host *h, const u8 *b, u32 len)
{
	u32 type = be16(b + 12), n = 0, least = ETH_ZLEN;
	const u8 *mac = h->dev->dev_addr, *ip;
	bool ours = memcmp(b + 6, mac, ETH_ALEN) == 0;

	/* The last segment that the card cut is as long as its bytes; a driver's packet is padded. */
	ip = datagram(b, len, &n);
	if (len < ETH_ZLEN && ip && ip[9] == IPPROTO_TCP && len == n + ETH_HLEN && n > 40)
		least = len;
	if (len < least || len > ETH_FRAME_LEN)
		sim_fail("frame", "host%u sent a frame of %u bytes", h->id, len);
	if (type == ETH_P_ARP)
		ours = ours && memcmp(b + 22, mac, ETH_ALEN) == 0 &&
		       (be32(b + 28) == ntohl(h->ip) || be32(b + 28) == 0);
	else if (ip)
		ours = ours && be32(ip + 12) == ntohl(h->ip);
	else
		sim_fail("frame", "host%u sent ethertype %04x", h->id, type);
	if (!ours || planted(PLANT_ADDRESS))
		sim_fail("address", "host%u sent in another's name", h->id);
	if (!ip)
		return;
	/* The last fragment of a datagram may be one byte. */
	if (n < (be16(ip + 6) & IP_OFFSET ? 21 : 28) || n + 14 > len || (ip[0] & 15) < 5 ||
	    ip[8] == 0)
		sim_fail("frame", "host%u sent a malformed datagram of %u bytes", h->id, n);
	check_checksums(h, ip, n);
}

/* --- Segments ---------------------------------------------------------------------------------------------------------------- */
static void read_options(struct segment *s, const u8 *p, u32 len)
{
	while (len && *p != TCPOPT_EOL) {
		u32 n = *p == TCPOPT_NOP ? 1 : len > 1 ? p[1] : 0;

		if (n == 0 || n > len || (*p != TCPOPT_NOP && n < 2))
			sim_fail("frame", "malformed TCP options");
		if (*p == TCPOPT_MSS)
			s->mss = be16(p + 2);
		if (*p == TCPOPT_WINDOW) {
			s->has_scale = true;
			s->scale = p[2];
		}
		p += n;
		len -= n;
	}
}

/* Takes a TCP segment apart. false: it is none. */
static bool read_segment(const u8 *b, u32 frame_len, struct segment *s)
{
	u32 n, hdr, doff;
	const u8 *ip = datagram(b, frame_len, &n), *t;

	if (!ip || ip[9] != IPPROTO_TCP)
		return false;
	hdr = (ip[0] & 15u) * 4;
	t = ip + hdr;
	doff = (t[12] >> 4) * 4u;
	if (doff < 20 || hdr + doff > n)
		sim_fail("frame", "malformed TCP header");
	*s = (struct segment){ .seq = be32(t + 4),
			       .ack = be32(t + 8),
			       .len = n - hdr - doff,
			       .wnd = (u16)be16(t + 14),
			       .sport = (u16)be16(t),
			       .dport = (u16)be16(t + 2),
			       .flags = t[13],
			       .payload = t + doff };
	memcpy(&s->saddr, ip + 12, 4);
	memcpy(&s->daddr, ip + 16, 4);
	s->end = s->seq + s->len + !!(s->flags & TCPHDR_SYN) + !!(s->flags & TCPHDR_FIN);
	s->optlen = doff - 20;
	read_options(s, t + 20, doff - 20);
	return true;
}

static const struct host *must_be_host(__be32 ip)
{
	const struct host *h = host_of_ip(ip);

	if (!h)
		sim_fail("address", "a frame goes to %08x, which is nobody's", ntohl(ip));
	return h;
}

/* The connection of @s, made by its first SYN; *from: which side sent it. NULL: none, and @s does not begin one. */
static struct conn *find_conn(const struct segment *s, u32 *from)
{
	struct conn **b = &seen.bucket[(s->sport ^ s->dport) % BUCKETS], *c;

	for (c = *b; c; c = c->next)
		for (u32 i = 0; i < 2; i++)
			if (c->side[i].port == s->sport && c->side[!i].port == s->dport &&
			    c->side[i].host->ip == s->saddr && c->side[!i].host->ip == s->daddr) {
				*from = i;
				return c;
			}
	if (!(s->flags & TCPHDR_SYN))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->side[0] = (struct side){ .host = must_be_host(s->saddr), .port = s->sport };
	c->side[1] = (struct side){ .host = must_be_host(s->daddr), .port = s->dport };
	for (u32 i = 0; i < 2; i++)
		c->side[i].has_key = apps_stream_key(s->sport, s->dport, i == 0, &c->side[i].key);
	c->next = *b;
	*b = c;
	*from = 0;
	return c;
}

static u32 window_of(const struct side *me, const struct side *peer, const struct segment *s)
{
	bool scaled = me->scale_offered && peer->scale_offered && !(s->flags & TCPHDR_SYN);

	return scaled ? (u32)s->wnd << me->scale : s->wnd;
}

#define WHO(side_) (side_)->host->id, (side_)->port

/* A SYN: the first of this incarnation, or the same again. */
static void sent_syn(struct side *me, struct side *peer, const struct segment *s)
{
	if (me->syn && me->isn == s->seq)
		return;
	if (me->syn &&
	    !(s->flags & TCPHDR_ACK)) { /* the ports are used again: nothing is known of the peer */
		const struct host *h = peer->host;
		u16 port = peer->port;
		u64 key = peer->key;
		bool has_key = peer->has_key;

		free(peer->beyond);
		*peer = (struct side){ .host = h, .port = port, .key = key, .has_key = has_key };
	}
	me->syn = true;
	me->isn = s->seq;
	me->snd_max = s->end;
	me->mss = s->mss ? s->mss : TCP_MSS_DEFAULT;
	me->scale_offered = s->has_scale;
	me->scale = min_t(u8, s->scale, TCP_MAX_WSCALE);
	me->fin = me->acked = me->offered = me->small = false;
	me->una = s->seq;
	if (!(s->flags & TCPHDR_ACK)) {
		me->may_send = me->got_syn = false;
		me->nr_beyond = 0;
	} else if (me->fast) { /* it may answer before the handshake is over (RFC 7413, 3) */
		me->may_send = true;
		me->may_edge = s->end + me->syn_wnd;
	}
}

static void check_bytes(const struct side *me, const struct segment *s)
{
	u32 off = s->seq + !!(s->flags & TCPHDR_SYN) - me->isn - 1;
	bool again = before(s->seq, me->snd_max);
	size_t at;

	if (!s->len || !me->has_key)
		return;
	at = pattern_differs(me->key, off, s->payload, s->len);
	if (again && planted(PLANT_RESENT))
		at = 0;
	if (at != s->len)
		sim_fail(again ? "resent" : "stream",
			 "host%u port %u %s at offset %zu of its stream what the application did "
			 "not",
			 WHO(me), again ? "repeats" : "sends", off + at);
}

static void check_sequence(const struct side *me, const struct side *peer, const struct segment *s)
{
	u32 limit = me->may_edge - (s->len > 1 && planted(PLANT_WINDOW) ? 100000 : 0);

	/* What the host itself dropped below TCP was never on the wire. */
	if (after(s->seq, me->snd_max) && !world.starves && !world.breaks && !me->host->gives_up)
		sim_fail("sequence", "host%u port %u leaves a gap of %u bytes", WHO(me),
			 s->seq - me->snd_max);
	if (me->fin && after(s->end, me->fin_end))
		sim_fail("sequence", "host%u port %u sends behind its FIN", WHO(me));
	/* What rides on a SYN (RFC 7413) goes by what the sender remembers of the peer. */
	if (s->flags & TCPHDR_SYN)
		return;
	if (s->len > (peer->mss ? peer->mss : TCP_MSS_DEFAULT))
		sim_fail("mss", "host%u port %u sends %u bytes, the peer takes %u", WHO(me), s->len,
			 peer->mss);
	if (s->len && (!me->may_send || after(s->end, limit)) && s->len != 1)
		sim_fail("window", "host%u port %u sends %u bytes beyond the peer's window",
			 WHO(me), s->end - limit);
}

static void check_ack(struct side *me, const struct side *peer, const struct segment *s)
{
	u32 edge = s->ack + window_of(me, peer, s), missed = planted(PLANT_ACK) ? 100 : 0;
	bool due = me->got_syn && !after(s->ack, me->rcv_edge - missed);

	/* A listener may have forgotten a half-open connection and begun it anew; the peer stays with what it has. */
	if (me->got_syn && !missed)
		due |= !after(s->ack, me->old_edge);
	if (!due)
		sim_fail("ack", "host%u port %u acknowledges %u bytes that did not reach it",
			 WHO(me), s->ack - me->rcv_edge + missed);
	/* Text that waited in fq for its time says what was true when it was made. */
	if (me->host->acks_overtake && (s->len || (s->flags & TCPHDR_FIN)))
		return;
	if (me->acked && (before(s->ack, me->last_ack) || planted(PLANT_BACKWARD)))
		sim_fail("backward", "host%u port %u takes back an acknowledgment of %u bytes",
			 WHO(me), me->last_ack - s->ack);
	/* The window of a SYN is not scaled, and a request may repeat its SYN after it was spoken to. */
	if (s->flags & TCPHDR_SYN && me->offered)
		return;
	if (me->offered && (before(edge, me->edge) || planted(PLANT_SHRINK)))
		sim_fail("shrink", "host%u port %u takes back %u bytes of its window", WHO(me),
			 me->edge - edge);
	me->acked = me->offered = true;
	me->last_ack = s->ack;
	me->edge = edge;
}

/* The socket that has sent @s as its last segment at this instant; NULL: it is gone, or @s waited below. */
static const struct sock *sock_that_sent(const struct side *me, const struct side *peer,
					 const struct segment *s)
{
	struct sock_common *c =
		inet_lookup_established(me->host->net->tcp_hash, peer->host->ip, htons(peer->port),
					me->host->ip, me->port, me->host->dev->ifindex);
	const struct sk_buff *last;
	const struct sock *sk;

	if (!c || c->skc_state == TCP_TIME_WAIT || c->skc_state == TCP_NEW_SYN_RECV)
		return NULL;
	sk = container_of(c, struct sock, __sk_common);
	last = skb_peek_tail(&tcp_sk(sk)->tcp_rtx_queue);
	if (!last || last->tstamp_ns != host_clock() || tcp_sk(sk)->snd_nxt != s->end ||
	    world.slow || world.shaped || world.starves)
		return NULL;
	return sk;
}

/*
 * New data: the doorbell rings at the end of a burst, so socket and wire agree at its last segment. A burst that answers
 * several segments is not judged: the last of them may have shut the window behind what the first let out.
 */
static void check_cwnd(const struct side *me, const struct side *peer, const struct segment *s)
{
	const struct sock *sk = sock_that_sent(me, peer, s);
	const struct tcp_sock *tp;
	u32 cwnd;

	if (!sk)
		return;
	tp = tcp_sk(sk);
	if (tp->ca_state == TCP_CA_CWR || (me->got_ns == host_clock() && me->got_at_once > 1))
		return;
	if (tp->tlp_out && tp->tlp_high_seq == tp->snd_nxt)
		return; /* a loss probe asks no window */
	cwnd = planted(PLANT_CWND) ? 0 : tp->cc.cwnd;
	if (tcp_packets_in_flight(tp) > cwnd + (s->flags & TCPHDR_FIN && !s->len))
		sim_fail("cwnd", "host%u port %u has %u segments in flight, its window is %u",
			 WHO(me), tcp_packets_in_flight(tp), cwnd);
}

/*
 * New data in a segment that is not full, at the end of what there is to send, while TCP_NODELAY is off: the one before that
 * was not full must have been acknowledged. Free to go are: what the window cuts off, probes, what a sender leaves behind
 * who waits for memory, and all before a FIN.
 */
static void check_nagle(struct side *me, const struct side *peer, const struct segment *s)
{
	const struct sock *sk = sock_that_sent(me, peer, s);
	u32 missed;
	bool before_it;

	/* SACK blocks take their room from a full segment. */
	if (!sk || s->len + s->optlen >= tcp_sk(sk)->mss_cache + tcp_tstamp_len(tcp_sk(sk)))
		return;
	before_it = me->small;
	missed = me->small_end;
	me->small = true;
	me->small_end = s->end;
	if (!before_it || tcp_sk(sk)->nonagle & TCP_NAGLE_OFF || s->flags & TCPHDR_FIN ||
	    sk->sk_shutdown & SEND_SHUTDOWN || !skb_queue_empty(&sk->sk_write_queue) ||
	    s->end == me->may_edge || s->len == 1 || !sk_stream_memory_free(sk))
		return;
	/* A loss probe, and what F-RTO sends to see whether it arrives, do not wait. */
	if ((tcp_sk(sk)->tlp_out && tcp_sk(sk)->tlp_high_seq == tcp_sk(sk)->snd_nxt) ||
	    tcp_sk(sk)->ca_state == TCP_CA_Loss)
		return;
	if (after(missed, me->una) || planted(PLANT_NAGLE))
		sim_fail("nagle",
			 "host%u port %u sends %u bytes, a small segment of before is not "
			 "acknowledged: %u bytes are out",
			 WHO(me), s->len, s->end - me->una);
}

static void trace_segment(const struct host *h, const char *what, const struct segment *s)
{
	if (tracing())
		trace((int)h->id, "%s %u > %u %s%s%s%s%s seq %u len %u ack %u win %u", what,
		      s->sport, s->dport, s->flags & TCPHDR_SYN ? "S" : "",
		      s->flags & TCPHDR_FIN ? "F" : "", s->flags & TCPHDR_RST ? "R" : "",
		      s->flags & TCPHDR_PSH ? "P" : "", s->flags & TCPHDR_ACK ? "." : "", s->seq,
		      s->len, s->ack, s->wnd);
}

void observer_sent(const struct host *h, const u8 *b, u32 len)
{
	struct segment s;
	struct side *me, *peer;
	struct conn *c;
	u32 from;

	check_frame(h, b, len);
	if (!read_segment(b, len, &s))
		return;
	trace_segment(h, "sends", &s);
	c = find_conn(&s, &from);
	if (s.flags & TCPHDR_RST) /* bears the numbers of what it answers */
		return;
	if (!c)
		sim_fail("sequence", "host%u port %u sends without a SYN", h->id, s.sport);
	me = &c->side[from];
	peer = &c->side[!from];
	seen.segments++;
	if (s.flags & TCPHDR_SYN)
		sent_syn(me, peer, &s);
	else if (!me->syn)
		sim_fail("sequence", "host%u port %u sends before its SYN", WHO(me));
	check_sequence(me, peer, &s);
	check_bytes(me, &s);
	if (s.flags & TCPHDR_ACK)
		check_ack(me, peer, &s);
	if (s.len && !before(s.seq, me->snd_max)) {
		check_cwnd(me, peer, &s);
		check_nagle(me, peer, &s);
	}
	if (after(s.end, me->snd_max))
		me->snd_max = s.end;
	if (s.flags & TCPHDR_FIN) {
		me->fin = true;
		me->fin_end = s.end;
	}
}

/* --- Delivery ------------------------------------------------------------------------------------------------------------------ */
static void remember(struct side *me, u32 lo, u32 hi)
{
	if (!after(hi, me->rcv_edge))
		return;
	if (!me->beyond)
		me->beyond = calloc(MAX_HOLES, sizeof(*me->beyond));
	if (!me->beyond)
		abort();
	if (after(lo, me->rcv_edge)) {
		if (me->nr_beyond == MAX_HOLES)
			sim_fail("observer", "more than %u stretches beyond a hole", MAX_HOLES);
		me->beyond[me->nr_beyond++] = (struct stretch){ lo, hi };
		return;
	}
	me->rcv_edge = hi;
	for (u32 i = 0;
	     i < me->nr_beyond;) { /* what the new edge touches moves over; again, as it moved */
		struct stretch b = me->beyond[i];

		if (after(b.lo, me->rcv_edge)) {
			i++;
			continue;
		}
		me->beyond[i] = me->beyond[--me->nr_beyond];
		if (after(b.hi, me->rcv_edge)) {
			me->rcv_edge = b.hi;
			i = 0;
		}
	}
}

void observer_delivered(const struct host *h, const u8 *b, u32 len)
{
	struct segment s;
	struct side *me, *peer;
	struct conn *c;
	u32 from, edge;

	if (!read_segment(b, len, &s) || host_of_ip(s.daddr) != h)
		return; /* a hub repeats to everybody */
	trace_segment(h, "gets", &s);
	if (s.flags & TCPHDR_RST)
		return;
	c = find_conn(&s, &from);
	if (!c)
		return;
	peer = &c->side[from];
	me = &c->side[!from];
	me->got_at_once = me->got_ns == host_clock() ? me->got_at_once + 1 : 1;
	me->got_ns = host_clock();
	if (s.flags & TCPHDR_SYN && (!me->got_syn || s.seq != me->rcv_isn)) {
		me->old_edge = me->got_syn ? me->rcv_edge : s.seq + 1;
		me->got_syn = true;
		me->rcv_isn = s.seq;
		me->rcv_edge = s.seq + 1;
		me->nr_beyond = 0;
		me->fast = s.len && !(s.flags & TCPHDR_ACK);
		me->syn_wnd = s.wnd;
	}
	if (me->got_syn)
		remember(me, s.seq + !!(s.flags & TCPHDR_SYN), s.end);
	if (!(s.flags & TCPHDR_ACK))
		return;
	edge = s.ack + window_of(peer, me, &s);
	if (!me->may_send || after(edge, me->may_edge))
		me->may_edge = edge;
	me->may_send = true;
	if (after(s.ack, me->una))
		me->una = s.ack;
}
