/* SPDX-License-Identifier: MIT */
/*
 * One real host and a peer made of numbers: host 0 (10.0.0.1) speaks TCP, the test is 10.0.0.2 and says each segment by
 * hand. Whatever host 0 sends is recorded and goes no further (host 1 only answers ARP), so a test states exactly what
 * came in, what went out and what the socket thinks.
 *
 *   peer_up();                          the host, its neighbour resolved, nothing recorded
 *   s = peer_connected();               a connection in ESTABLISHED, opened by the host
 *   tell(TCPHDR_ACK, peer.seq, 0, 10);  ten bytes arrive; then said(0) is the host's latest segment
 *   peer_down();
 *
 * peer.seq is the number the host expects next, peer.una and peer.nxt the host's own SND.UNA and SND.NXT as the peer
 * saw them; tell() takes the acknowledgment relative to peer.nxt.
 */
#ifndef PEER_H
#define PEER_H
#include "wire.h"

#include <kernel/fault.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/sch_generic.h>

#define PEER_ISS   0x10000000u
#define PEER_SPORT 40000

/* A segment of the host, as the wire saw it. */
struct peer_said {
	u32 seq, ack, len, optlen;
	u16 wnd, sport, dport;
	u8 flags, tos, ttl;
	u8 opt[40];
	u8 first; /* byte of the payload */
	u64 at_ns;
};

static struct {
	struct peer_said out[512];
	u32 n;              /* recorded */
	u32 iss;            /* the peer's SYN; the payload's pattern begins behind it */
	u32 seq, una, nxt;  /* see above */
	u16 sport, dport;   /* the peer's; the host's */
	u16 wnd;            /* what the peer announces */
	u8 opt[40], optlen; /* on each segment told */
	__be32 src;         /* 0: 10.0.0.2 */
	bool bad_csum;
	u32 other; /* IPv4 frames of the host that were not TCP */
} peer;

/* The segment recorded @back before the last. */
static struct peer_said *said(u32 back)
{
	static struct peer_said nothing;

	nothing = (struct peer_said){ 0 };
	return back < peer.n ? &peer.out[(peer.n - 1 - back) % ARRAY_SIZE(peer.out)] : &nothing;
}

static bool peer_record(u32 from, const u8 *b, u32 len)
{
	const u8 *th = b + 34;
	u32 tlen = (u32)get_unaligned_be16(b + 16) - 20;
	struct peer_said *o;

	if (from != 0)
		return true;
	if (b[23] != IPPROTO_TCP) {
		peer.other++;
		return true;
	}
	CHECK(len >= 54);
	CHECK_EQ(csum_tcpudp_magic(htonl(get_unaligned_be32(b + 26)),
				   htonl(get_unaligned_be32(b + 30)), tlen, IPPROTO_TCP,
				   csum_partial(th, tlen, 0)),
		 0);
	CHECK_EQ(get_unaligned_be16(th + 18), 0); /* nothing here is urgent */
	o = &peer.out[peer.n++ % ARRAY_SIZE(peer.out)];
	*o = (struct peer_said){ .sport = get_unaligned_be16(th),
				 .dport = get_unaligned_be16(th + 2),
				 .seq = get_unaligned_be32(th + 4),
				 .ack = get_unaligned_be32(th + 8),
				 .optlen = (u32)(th[12] >> 4) * 4 - 20,
				 .flags = th[13],
				 .wnd = get_unaligned_be16(th + 14),
				 .tos = b[15],
				 .ttl = b[22],
				 .at_ns = host_clock() };
	o->len = tlen - 20 - o->optlen;
	memcpy(o->opt, th + 20, o->optlen);
	o->first = o->len ? th[20 + o->optlen] : 0;
	return true;
}

/* Bytes of an IPv4 packet arrive at the host. */
static void peer_packet(const u8 *ip, u32 len)
{
	bool armed = faults_armed;
	struct sk_buff *skb;

	faults_armed = false;
	skb = netdev_alloc_skb(devs[0], 14 + len);
	faults_armed = armed;
	CHECK(skb != NULL);
	memcpy(skb_put(skb, 14), (u8[14]){ 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 }, 14);
	memcpy(skb_put(skb, len), ip, len);
	skb->protocol = eth_type_trans(skb, devs[0]);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

/* A router has said how large packets to the peer may be, and @sk has looked its route up since. */
static inline void peer_path_mtu(struct sock *sk, u32 mtu)
{
	local_bh_disable();
	ip_update_pmtu(hosts[0], htonl(0x0a000002), 0, mtu);
	CHECK(ip_sk_dst(sk) && ip_sk_dst(sk)->mtu == mtu);
	local_bh_enable();
}

/* A segment with these very numbers; the payload is the pattern of its place in the stream. */
static void tell_raw(u8 flags, u32 seq, u32 ack, u32 len)
{
	static u8 b[70000];
	u32 tlen = 20u + peer.optlen + len;
	struct iphdr *ip = (struct iphdr *)(void *)b;
	struct tcphdr *th = (struct tcphdr *)(void *)(b + 20);

	memset(b, 0, 40);
	ip->ver_ihl = 0x45;
	ip->tot_len = htons(20 + tlen);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = peer.src ? peer.src : IP4(10, 0, 0, 2);
	ip->daddr = IP4(10, 0, 0, 1);
	ip->check = ip_fast_csum(ip, 5);
	th->source = htons(peer.sport);
	th->dest = htons(peer.dport);
	th->seq = htonl(seq);
	th->ack_seq = htonl(ack);
	th->doff = (u8)((20u + peer.optlen) / 4 << 4);
	th->flags = flags;
	th->window = htons(peer.wnd);
	memcpy(b + 40, peer.opt, peer.optlen);
	fill(b + 40 + peer.optlen, seq - peer.iss - 1, len);
	th->check = csum_tcpudp_magic(ip->saddr, ip->daddr, tlen, IPPROTO_TCP,
				      csum_partial(th, tlen, 0));
	if (peer.bad_csum)
		th->check ^= htons(1);
	peer_packet(b, 20 + tlen);
}

/* The same with the acknowledgment relative to peer.nxt (0: everything the host sent). */
static void tell(u8 flags, u32 seq, s32 ack, u32 len)
{
	tell_raw(flags, seq, peer.nxt + (u32)ack, len);
}

/* In-order text: peer.seq moves on. */
static void tell_text(u32 len)
{
	tell(TCPHDR_ACK, peer.seq, 0, len);
	peer.seq += len;
}

static void tell_fin(void)
{
	tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq, 0, 0);
	peer.seq++;
}

/* Takes the numbers of what the host sent last: everything counts as received. */
static void peer_follow(void)
{
	for (u32 i = 0; i < peer.n && i < ARRAY_SIZE(peer.out); i++) {
		const struct peer_said *o = &peer.out[i];
		u32 end = o->seq + o->len + !!(o->flags & TCPHDR_SYN) + !!(o->flags & TCPHDR_FIN);

		if (after(end, peer.nxt))
			peer.nxt = end;
	}
}

/* Acknowledges all the host has sent. */
static void peer_ack(void)
{
	peer_follow();
	peer.una = peer.nxt;
	tell(TCPHDR_ACK, peer.seq, 0, 0);
}

/* Forgets what was recorded. */
static void peer_hush(void)
{
	peer_follow();
	peer.n = 0;
}

/* The peer's next SYN has this number. */
static void peer_begin(u32 iss)
{
	peer.seq = peer.iss = iss;
}

static void peer_up(void)
{
	hosts_up(1);
	/* Windows that can be computed in one's head; tcp_cubic_test.c is CUBIC's. */
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_congestion_control", "reno"), 0);
	memset(&peer, 0, sizeof(peer));
	wire.filter = peer_record;
	peer.sport = PEER_SPORT;
	peer.dport = PORT;
	peer.wnd = 65535;
	tell_raw(TCPHDR_ACK, 1, 1, 0); /* the refusal finds out who 10.0.0.2 is */
	host_clock_advance(10000000);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->flags, TCPHDR_RST);
	memset(&hosts[0]->mib, 0, sizeof(hosts[0]->mib));
	peer.n = 0;
	peer_begin(PEER_ISS);
}

static void peer_down(void)
{
	hosts_down();
}

/* Every allocation fails from now on, or none. The fixture's own never do. */
static void peer_memory(bool there)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = !there, .at = 1, .every = 1 };
	faults_armed = !there;
}

/* Somebody else uses the bytes of an original too. Its place in the order of sending is a device and a route to a clone. */
static inline struct sk_buff *peer_tap(struct sk_buff *orig)
{
	struct list_head place = orig->tsorted;
	struct sk_buff *tap;

	orig->dev = NULL;
	orig->_skb_refdst = 0;
	tap = skb_clone(orig);
	orig->tsorted = place;
	return tap;
}

/* The host's queue to the wire stops and takes @limit packets, then it refuses. */
static void peer_clog(u32 limit)
{
	local_bh_disable();
	netif_stop_queue(devs[0]);
	devs[0]->_tx[0].qdisc->limit = limit;
	local_bh_enable();
}

static void peer_unclog(void)
{
	local_bh_disable();
	devs[0]->_tx[0].qdisc->limit = devs[0]->tx_queue_len;
	netif_wake_queue(devs[0]);
	local_bh_enable();
}

static u64 peer_mib(enum tcpext_mib m)
{
	return hosts[0]->mib.tcpext[m];
}

/* connect() is under way: the SYN is out. */
static struct socket *peer_connecting(void)
{
	struct socket *s = tcp_socket(0);

	peer.sport = PORT;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN);
	peer.dport = said(0)->sport;
	peer.nxt = said(0)->seq + 1;
	peer.una = peer.nxt;
	return s;
}

/* The peer's SYN-ACK with these options; the host's ACK completes the handshake. */
static void peer_answer_syn(const u8 *opt, u8 optlen)
{
	memcpy(peer.opt, opt, optlen);
	peer.optlen = optlen;
	tell(TCPHDR_SYN | TCPHDR_ACK, peer.seq, 0, 0);
	peer.optlen = 0;
	peer.seq++;
}

static const u8 peer_mss1460[4] = { TCPOPT_MSS, TCPOLEN_MSS, 1460 >> 8, 1460 & 255 };
static const u8 peer_mss_ws7[8] = { TCPOPT_MSS, TCPOLEN_MSS,   1460 >> 8,      1460 & 255,
				    TCPOPT_NOP, TCPOPT_WINDOW, TCPOLEN_WINDOW, 7 };

/* A connection opened by the host; nothing of it is in @peer.out any more. */
static struct socket *peer_connected_opt(const u8 *opt, u8 optlen)
{
	struct socket *s = peer_connecting();

	peer_answer_syn(opt, optlen);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(said(0)->flags, TCPHDR_ACK);
	CHECK_EQ(said(0)->ack, peer.seq);
	peer_hush();
	return s;
}

static struct socket *peer_connected(void)
{
	return peer_connected_opt(peer_mss1460, 4);
}

/* The peer's SYN at a listener of the host: SYN-ACK recorded, peer.nxt behind it. */
static void peer_syn(const u8 *opt, u8 optlen)
{
	memcpy(peer.opt, opt, optlen);
	peer.optlen = optlen;
	tell_raw(TCPHDR_SYN, peer.seq, 0, 0);
	peer.optlen = 0;
	if (said(0)->flags == (TCPHDR_SYN | TCPHDR_ACK)) {
		peer.seq++;
		peer.nxt = peer.una = said(0)->seq + 1;
	}
}

/* What the host's tables say about the connection: TCP_CLOSE when nobody has it. */
static enum tcp_state peer_found(void)
{
	struct sock_common *c;
	enum tcp_state state = TCP_CLOSE;

	local_bh_disable();
	c = inet_lookup_established(hosts[0]->tcp_hash, IP4(10, 0, 0, 2), htons(peer.sport),
				    IP4(10, 0, 0, 1), peer.dport, devs[0]->ifindex);
	if (c && c->skc_state == TCP_TIME_WAIT)
		state = (enum tcp_state)container_of(c, struct tcp_timewait_sock, c)->substate;
	else if (c)
		state = (enum tcp_state)c->skc_state;
	else if (inet_lookup_listener(hosts[0]->tcp_hash, IP4(10, 0, 0, 2), htons(peer.sport),
				      IP4(10, 0, 0, 1), peer.dport, devs[0]->ifindex))
		state = TCP_LISTEN;
	local_bh_enable();
	return state;
}

/* An ICMP error that quotes the segment with sequence number @seq of the connection. */
static void peer_icmp(u8 type, u8 code, u32 info, u32 seq, u32 quoted_len)
{
	u8 b[20 + 8 + 28] = { 0 };
	struct iphdr *ip = (struct iphdr *)(void *)b, *q = (struct iphdr *)(void *)(b + 28);
	u32 len = 28 + 20 + quoted_len;

	*q = (struct iphdr){ .ver_ihl = 0x45,
			     .tot_len = htons(40),
			     .ttl = 60,
			     .protocol = IPPROTO_TCP,
			     .saddr = IP4(10, 0, 0, 1),
			     .daddr = IP4(10, 0, 0, 2) };
	q->check = ip_fast_csum(q, 5);
	put_unaligned_be16(peer.dport, b + 48);
	put_unaligned_be16(peer.sport, b + 50);
	put_unaligned_be32(seq, b + 52);
	b[20] = type;
	b[21] = code;
	put_unaligned_be32(info, b + 24);
	*ip = (struct iphdr){ .ver_ihl = 0x45,
			      .tot_len = htons(len),
			      .ttl = 64,
			      .protocol = IPPROTO_ICMP,
			      .saddr = IP4(10, 0, 0, 2),
			      .daddr = IP4(10, 0, 0, 1) };
	ip->check = ip_fast_csum(ip, 5);
	*(__be16 *)(void *)(b + 22) = (__force __be16)csum_fold(csum_partial(b + 20, len - 20, 0));
	peer_packet(b, len);
}
#endif
