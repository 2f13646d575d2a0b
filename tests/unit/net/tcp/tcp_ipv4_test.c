// SPDX-License-Identifier: MIT
/*
 * TCP over IPv4: headers and checksums that are wrong, whose segment it is, ICMP errors in each state and of each kind,
 * where connect() cannot go, segments that wait for the socket's owner.
 */
#include "peer.h"

#include <net/ip.h>

/* --- Headers -------------------------------------------------------------------------------------------------------------- */
struct header_row {
	const char *name;
	u32 tlen;  /* bytes of TCP */
	u8 doff;   /* words */
	bool csum; /* right */
	u64 errs, csum_errs;
	bool answered;
};

static const struct header_row header_table[] = {
	{ "good", 20, 5, true, 0, 0, true },
	{ "with_options", 60, 15, true, 0, 0, true },
	{ "nineteen_bytes", 19, 5, true, 1, 0, false },
	{ "one_byte", 1, 5, true, 1, 0, false },
	{ "doff_4", 20, 4, true, 1, 0, false },
	{ "doff_0", 20, 0, true, 1, 0, false },
	{ "doff_6_of_20_bytes", 20, 6, true, 1, 0, false },
	{ "doff_15_of_59_bytes", 59, 15, true, 1, 0, false },
	{ "wrong_checksum", 20, 5, false, 1, 1, false },
	{ "wrong_checksum_of_text", 100, 5, false, 1, 1, false },
	{ "wrong_header_comes_first", 20, 4, false, 1, 0, false },
};

TEST_EACH(header, header_table)
{
	u8 b[120] = { 0 };
	struct iphdr *ip = (struct iphdr *)(void *)b;
	struct tcphdr *th = (struct tcphdr *)(void *)(b + 20);
	__be16 sum;

	peer_up();
	*ip = (struct iphdr){ .ver_ihl = 0x45,
			      .tot_len = htons(20 + row->tlen),
			      .ttl = 64,
			      .protocol = IPPROTO_TCP,
			      .saddr = IP4(10, 0, 0, 2),
			      .daddr = IP4(10, 0, 0, 1) };
	ip->check = ip_fast_csum(ip, 5);
	th->source = htons(1);
	th->dest = htons(2);
	if (row->tlen >= 14) {
		th->doff = (u8)(row->doff << 4);
		th->flags = TCPHDR_ACK;
	}
	memset(b + 40, 1, row->tlen > 20 ? row->tlen - 20 : 0);
	sum = csum_tcpudp_magic(ip->saddr, ip->daddr, row->tlen, IPPROTO_TCP,
				csum_partial(th, row->tlen, 0));
	if (row->tlen >= 18)
		th->check = row->csum ? sum : sum ^ htons(0x100);
	peer_packet(b, 20 + row->tlen);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_InSegs], 1);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_InErrs], row->errs);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_InCsumErrors], row->csum_errs);
	CHECK_EQ(peer.n, row->answered);
	peer_down();
}

/* Not for this host at the link layer, or for many: not even counted as a segment. */
TEST(broadcast_is_no_segment)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	{
		u8 b[40] = { 0 };
		struct iphdr *ip = (struct iphdr *)(void *)b;
		struct tcphdr *th = (struct tcphdr *)(void *)(b + 20);

		*ip = (struct iphdr){ .ver_ihl = 0x45,
				      .tot_len = htons(40),
				      .ttl = 64,
				      .protocol = IPPROTO_TCP,
				      .saddr = IP4(10, 0, 0, 2),
				      .daddr = IP4(10, 0, 0, 255) };
		ip->check = ip_fast_csum(ip, 5);
		th->source = htons(1);
		th->dest = htons(PORT);
		th->doff = 5 << 4;
		th->flags = TCPHDR_SYN;
		th->check = csum_tcpudp_magic(ip->saddr, ip->daddr, 20, IPPROTO_TCP,
					      csum_partial(th, 20, 0));
		peer_packet(b, 40);
		CHECK_EQ(peer.n, 0);
		CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 0);
		for (u32 type = 0; type < 4; type++) { /* the same by each kind of frame */
			struct sk_buff *skb = alloc_skb(40);

			ip->daddr = IP4(10, 0, 0, 1);
			th->check = 0;
			th->check = csum_tcpudp_magic(ip->saddr, ip->daddr, 20, IPPROTO_TCP,
						      csum_partial(th, 20, 0));
			memcpy(skb_put(skb, 40), b, 40);
			skb->dev = devs[0];
			skb->pkt_type = (u8)type;
			skb_reset_network_header(skb);
			skb_pull(skb, 20);
			skb_reset_transport_header(skb);
			local_bh_disable();
			tcp_v4_rcv(skb);
			local_bh_enable();
			CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 1); /* PACKET_HOST comes first */
		}
	}
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_InSegs], 1);
	sock_release(l);
	peer_down();
}

/* --- Whose segment is it? -------------------------------------------------------------------------------------------------- */
struct demux_row {
	const char *name;
	u16 sport, dport; /* of the segment, relative to the connection's */
	__be32 src;
	bool ours;
};

static const struct demux_row demux_table[] = {
	{ "the_connection", 0, 0, 0, true },     { "another_port_of_the_peer", 1, 0, 0, false },
	{ "another_port_here", 0, 1, 0, false }, { "another_host", 0, 0, 0x0300000a, false },
	{ "ports_exchanged", 2, 2, 0, false },
};

TEST_EACH(demux, demux_table)
{
	struct socket *s;
	u16 sport, dport;

	peer_up();
	s = peer_connected();
	sport = peer.sport;
	dport = peer.dport;
	peer.sport = row->sport == 2 ? dport : (u16)(sport + row->sport);
	peer.dport = row->sport == 2 ? sport : (u16)(dport + row->dport);
	peer.src = (__force __be32)row->src;
	tell(TCPHDR_ACK, peer.seq, 0, 10);
	CHECK_EQ(tcp_sk(s->sk)->bytes_received, row->ours ? 10 : 0);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_OutRsts], !row->ours);
	sock_release(s);
	peer_down();
}

/* A listener on the address itself is nearer than one on any. */
TEST(nearer_listener)
{
	struct socket *any, *exact, *c;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	peer_up();
	any = tcp_socket(0);
	set_opt(any, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_EQ(kernel_bind(any, &a), 0);
	exact = tcp_socket(0);
	set_opt(exact, SOL_SOCKET, SO_REUSEADDR, 1);
	a.sin_addr = IP4(10, 0, 0, 1);
	CHECK_EQ(kernel_bind(exact, &a), 0);
	CHECK_EQ(any->ops->listen(any, 5), 0);
	if (exact->ops->listen(exact, 5) == 0) {
		peer_syn(peer_mss1460, 4);
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		c = accepted(any, 04000);
		CHECK(c == NULL);
		c = accepted(exact, 04000);
		CHECK(c != NULL);
		close_accepted(c);
	} else { /* the rules of SO_REUSEADDR: no two listeners overlap */
		CHECK_EQ(state_of(exact), TCP_CLOSE);
		peer_syn(peer_mss1460, 4);
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		c = accepted(any, 04000);
		CHECK(c != NULL);
		close_accepted(c);
	}
	sock_release(any);
	sock_release(exact);
	peer_down();
}

/* --- ICMP, kind by kind ------------------------------------------------------------------------------------------------------ */
struct icmp_row {
	const char *name;
	u8 type, code;
	int err;  /* connect() fails with it; 0: the SYN goes on */
	int soft; /* remembered by a connection */
};

static const struct icmp_row icmp_table[] = {
	{ "net_unreachable", ICMP_DEST_UNREACH, 0, ENETUNREACH, ENETUNREACH },
	{ "host_unreachable", ICMP_DEST_UNREACH, 1, EHOSTUNREACH, EHOSTUNREACH },
	{ "protocol_unreachable", ICMP_DEST_UNREACH, 2, ENOPROTOOPT, ENOPROTOOPT },
	{ "port_unreachable", ICMP_DEST_UNREACH, 3, ECONNREFUSED, ECONNREFUSED },
	{ "fragmentation_needed", ICMP_DEST_UNREACH, 4, 0, 0 },
	{ "source_route_failed", ICMP_DEST_UNREACH, 5, EOPNOTSUPP, EOPNOTSUPP },
	{ "net_unknown", ICMP_DEST_UNREACH, 6, ENETUNREACH, ENETUNREACH },
	{ "host_unknown", ICMP_DEST_UNREACH, 7, EHOSTDOWN, EHOSTDOWN },
	{ "host_isolated", ICMP_DEST_UNREACH, 8, ENONET, ENONET },
	{ "net_prohibited", ICMP_DEST_UNREACH, 9, ENETUNREACH, ENETUNREACH },
	{ "host_prohibited", ICMP_DEST_UNREACH, 10, EHOSTUNREACH, EHOSTUNREACH },
	{ "net_unreachable_for_tos", ICMP_DEST_UNREACH, 11, ENETUNREACH, ENETUNREACH },
	{ "host_unreachable_for_tos", ICMP_DEST_UNREACH, 12, EHOSTUNREACH, EHOSTUNREACH },
	{ "filtered", ICMP_DEST_UNREACH, 13, EHOSTUNREACH, EHOSTUNREACH },
	{ "precedence_violation", ICMP_DEST_UNREACH, 14, EHOSTUNREACH, EHOSTUNREACH },
	{ "precedence_cutoff", ICMP_DEST_UNREACH, 15, EHOSTUNREACH, EHOSTUNREACH },
	{ "code_16_unknown", ICMP_DEST_UNREACH, 16, 0, 0 },
	{ "code_255_unknown", ICMP_DEST_UNREACH, 255, 0, 0 },
	{ "time_exceeded", ICMP_TIME_EXCEEDED, 0, EHOSTUNREACH, EHOSTUNREACH },
	{ "parameter_problem", ICMP_PARAMETERPROB, 0, EPROTO, EPROTO },
	{ "source_quench_is_dead", 4, 0, 0, 0 }, /* RFC 6633 */
	{ "redirect_is_no_error", 5, 1, 0, 0 },
};

TEST_EACH(icmp_while_connecting, icmp_table)
{
	struct socket *s;

	peer_up();
	s = peer_connecting();
	peer_icmp(row->type, row->code, 0, peer.nxt - 1, 8);
	CHECK_EQ(state_of(s), row->err ? TCP_CLOSE : TCP_SYN_SENT);
	CHECK_EQ(s->sk->sk_err, row->err);
	sock_release(s);
	peer_down();
}

TEST_EACH(icmp_while_connected, icmp_table)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "x", 1, 0), 1);
	peer_icmp(row->type, row->code, 1500, peer.nxt, 8);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(s->sk->sk_err, 0);
	CHECK_EQ(s->sk->sk_err_soft, row->soft);
	peer_ack(); /* the peer answers: forgotten */
	CHECK_EQ(s->sk->sk_err_soft, 0);
	sock_release(s);
	peer_down();
}

/* --- ICMP, by sequence number (RFC 5927) and by state --------------------------------------------------------------------------- */
struct forgery_row {
	const char *name;
	s32 off; /* from SND.UNA; 1000 bytes are out */
	bool believed;
};

static const struct forgery_row forgery_table[] = {
	{ "first_octet_out", 0, true },   { "in_the_middle", 500, true },
	{ "last_octet_out", 999, true },  { "snd_nxt", 1000, true },
	{ "one_beyond", 1001, false },    { "one_before", -1, false },
	{ "far_beyond", 1 << 30, false }, { "far_before", -(1 << 30), false },
};

TEST_EACH(icmp_forged, forgery_table)
{
	static u8 buf[1000];
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, buf, 1000, 0), 1000);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, peer.nxt + (u32)row->off, 8);
	CHECK_EQ(s->sk->sk_err_soft, row->believed ? EHOSTUNREACH : 0);
	CHECK_EQ(peer_mib(LINUX_MIB_OutOfWindowIcmps), !row->believed);
	sock_release(s);
	peer_down();
}

TEST(icmp_for_syn_received)
{
	struct socket *s;

	peer_up();
	s = peer_connecting();
	tell_raw(TCPHDR_SYN, peer.seq, 0, 0);
	CHECK_EQ(state_of(s), TCP_SYN_RECV);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, peer.nxt - 1, 8);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(s->sk->sk_err, EHOSTUNREACH);
	sock_release(s);
	peer_down();
}

struct half_icmp_row {
	const char *name;
	u8 type, code;
	s32 seq;
	bool gone;
};

static const struct half_icmp_row half_icmp_table[] = {
	{ "unreachable", ICMP_DEST_UNREACH, 1, 0, true },
	{ "forged_number", ICMP_DEST_UNREACH, 1, 1, false },
	{ "fragmentation_needed", ICMP_DEST_UNREACH, 4, 0, false },
	{ "port_unreachable", ICMP_DEST_UNREACH, 3, 0, false },
	{ "time_exceeded", ICMP_TIME_EXCEEDED, 0, 0, true },
};

TEST_EACH(icmp_for_a_request, half_icmp_table)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	peer_icmp(row->type, row->code, 0, peer.nxt - 1 + (u32)row->seq, 8);
	CHECK_EQ(peer_found(), row->gone ? TCP_LISTEN : TCP_NEW_SYN_RECV);
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, !row->gone);
	CHECK_EQ(peer_mib(LINUX_MIB_OutOfWindowIcmps), row->seq != 0);
	sock_release(l);
	peer_down();
}

TEST(icmp_for_nobody)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer.sport++;
	peer_icmp(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, peer.nxt, 8); /* another connection */
	peer.sport--;
	peer_icmp(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, peer.nxt,
		  7); /* too short to say whose */
	CHECK_EQ(s->sk->sk_err_soft, 0);
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	peer_ack();
	tell_fin();
	CHECK_EQ(peer_found(), TCP_TIME_WAIT);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, peer.nxt, 8);
	CHECK_EQ(peer_found(), TCP_TIME_WAIT);
	CHECK_EQ(s->sk->sk_err, 0);
	sock_release(s);
	peer_down();
}

/* Seven octets of the quoted header do not tell whose it is (called as IP calls it). */
TEST(icmp_quotes_too_little)
{
	struct socket *s;
	u8 quoted[27] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
	struct sk_buff *skb;

	peer_up();
	s = peer_connecting();
	put_unaligned_be16(peer.dport, quoted + 20);
	put_unaligned_be16(peer.sport, quoted + 22);
	skb = alloc_skb(100);
	skb->dev = devs[0];
	skb_reset_network_header(skb);
	memcpy(skb_put(skb, 27), quoted, 27);
	skb_pull(skb, 20);
	local_bh_disable();
	tcp_v4_err(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	local_bh_enable();
	consume_skb(skb);
	CHECK_EQ(state_of(s), TCP_SYN_SENT);
	sock_release(s);
	peer_down();
}

/* The owner is at work, in connect() itself perhaps: the error waits until it lets go, and then decides as it always does. */
TEST_EACH(icmp_waits_for_who_connects, icmp_table)
{
	struct socket *s;

	peer_up();
	s = peer_connecting();
	lock_sock(s->sk);
	peer_icmp(row->type, row->code, 0, peer.nxt - 1, 8);
	CHECK_EQ(state_of(s), TCP_SYN_SENT);
	release_sock(s->sk);
	CHECK_EQ(state_of(s), row->err ? TCP_CLOSE : TCP_SYN_SENT);
	CHECK_EQ(s->sk->sk_err, row->err);
	CHECK_EQ(peer_mib(LINUX_MIB_LockDroppedIcmps), 0);
	sock_release(s);
	peer_down();
}

struct owned_icmp_row {
	const char *name;
	u8 inet_flags;
	int err;
};

static const struct owned_icmp_row owned_icmp_table[] = {
	{ "remembered", 0, 0 },
	{ "reported", INET_RECVERR, EHOSTUNREACH },
};

/* An open connection outlives it: the last doubling of the timeout goes back, and who asked for errors hears. */
TEST_EACH(icmp_waits_for_who_sends, owned_icmp_table)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	s->sk->inet_flags |= row->inet_flags;
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	host_clock_advance(900 * NSEC_PER_MSEC);
	CHECK_EQ(tcp_sk(s->sk)->backoff, 2);
	lock_sock(s->sk);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, tcp_sk(s->sk)->snd_una, 8);
	CHECK_EQ(tcp_sk(s->sk)->backoff, 2);
	CHECK_EQ(s->sk->sk_err, 0);
	release_sock(s->sk);
	CHECK_EQ(tcp_sk(s->sk)->backoff, 1);
	CHECK_EQ(s->sk->sk_err, row->err);
	CHECK_EQ(s->sk->sk_err_soft, row->err ? 0 : EHOSTUNREACH);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	sock_release(s);
	peer_down();
}

/* The answer of the peer came meanwhile as well: what opened outlives what a router said before. */
TEST(icmp_waits_behind_the_backlog)
{
	struct socket *s;

	peer_up();
	s = peer_connecting();
	lock_sock(s->sk);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, peer.nxt - 1, 8);
	tell_raw(TCPHDR_SYN | TCPHDR_ACK, peer.seq, peer.nxt, 0);
	release_sock(s->sk);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(s->sk->sk_err, 0);
	sock_release(s);
	peer_down();
}

/* The peer has ended the connection meanwhile: why it ended is not what a router said before. */
TEST_EACH(icmp_waits_till_the_end, owned_icmp_table)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	s->sk->inet_flags |= row->inet_flags;
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	lock_sock(s->sk);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, tcp_sk(s->sk)->snd_una, 8);
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
	release_sock(s->sk);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(s->sk->sk_err, ECONNRESET);
	sock_release(s);
	peer_down();
}

/* --- The backlog --------------------------------------------------------------------------------------------------------------- */
TEST(segments_wait_for_the_owner)
{
	static u8 in[100];
	struct socket *s;

	peer_up();
	s = peer_connected();
	lock_sock(s->sk);
	tell_text(10);
	tell_text(20);
	CHECK_EQ(tcp_sk(s->sk)->rcv_nxt, peer.seq - 30);
	CHECK_EQ(peer.n, 0);
	CHECK(s->sk->sk_backlog_len > 0);
	release_sock(s->sk);
	CHECK_EQ(tcp_sk(s->sk)->rcv_nxt, peer.seq);
	CHECK_EQ(s->sk->sk_backlog_len, 0);
	CHECK_EQ(get(s, in, 100, 0), 30);
	CHECK(same(in, 0, 30));
	sock_release(s);
	peer_down();
}

TEST(backlog_is_bounded)
{
	struct socket *s;
	u32 dropped;

	peer_up();
	s = peer_connected();
	s->sk->sk_rcvbuf = 4096;
	s->sk->sk_sndbuf = 4096;
	lock_sock(s->sk);
	for (u32 i = 0; i < 200; i++)
		tell(TCPHDR_ACK, peer.seq, 0, 1);
	dropped = (u32)peer_mib(LINUX_MIB_TCPBacklogDrop);
	CHECK(dropped > 0);
	CHECK(dropped < 200);
	release_sock(s->sk);
	CHECK_EQ(tcp_sk(s->sk)->rcv_nxt, peer.seq + 1);
	sock_release(s);
	peer_down();
}

/* --- Out ------------------------------------------------------------------------------------------------------------------------ */
struct connect_row {
	const char *name;
	__be32 to, from; /* from: bound before, 0: not */
	int err;
};

#define BE(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
static const struct connect_row connect_table[] = {
	{ "neighbour", BE(10, 0, 0, 2), 0, -EINPROGRESS },
	{ "own_address", BE(10, 0, 0, 1), 0, -EINPROGRESS },
	{ "loopback", BE(127, 0, 0, 1), 0, -EINPROGRESS },
	{ "zero_is_this_host", 0, 0, -EINPROGRESS },
	{ "no_route", BE(203, 0, 113, 1), 0, -ENETUNREACH },
	{ "broadcast_of_the_link", BE(10, 0, 0, 255), 0, -ENETUNREACH },
	{ "limited_broadcast", BE(255, 255, 255, 255), 0, -ENETUNREACH },
	{ "group", BE(224, 0, 0, 1), 0, -ENETUNREACH },
	{ "from_the_own_address", BE(10, 0, 0, 2), BE(10, 0, 0, 1), -EINPROGRESS },
};

TEST_EACH(connecting, connect_table)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr = (__force __be32)row->to };
	struct sockaddr_in b = { .sin_family = AF_INET, .sin_addr = (__force __be32)row->from };
	struct socket *s;
	int err;

	peer_up();
	s = tcp_socket(0);
	if (row->from)
		CHECK_EQ(kernel_bind(s, &b), 0);
	err = s->ops->connect(s, (const struct sockaddr *)&a, sizeof(a), 04000);
	if (row->err == -EINPROGRESS &&
	    err == -ECONNREFUSED) /* over loopback the answer is there already */
		err = -EINPROGRESS;
	CHECK_EQ(err, row->err);
	if (err != -EINPROGRESS) { /* as if it had not been tried */
		CHECK_EQ(state_of(s), TCP_CLOSE);
		CHECK_EQ(s->sk->sk_num, 0);
		CHECK_EQ(s->sk->sk_daddr, 0);
		CHECK_EQ(peer.n, 0);
	}
	sock_release(s);
	peer_down();
}

/* What the connection starts with: address and port of ours, and every number of RFC 9293 (3.10.1) and RFC 6298 (2.1). */
TEST(identity_and_numbers_are_set_before_the_syn)
{
	struct sockaddr_storage name;
	const struct sockaddr_in *at = (const struct sockaddr_in *)(const void *)&name;
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connecting();
	tp = tcp_sk(s->sk);
	CHECK_EQ(s->ops->getname(s, &name, false), sizeof(*at));
	CHECK_EQ(at->sin_addr, IP4(10, 0, 0, 1));
	CHECK(ntohs(at->sin_port) == said(0)->sport && said(0)->sport >= 32768);
	CHECK(s->sk->sk_dst_cache != NULL);
	CHECK_EQ(said(0)->seq, tp->snd_una);
	CHECK_EQ(said(0)->wnd, tp->rcv_wnd);
	CHECK(tp->snd_nxt == tp->snd_una + 1 && tp->write_seq == tp->snd_nxt);
	CHECK(tp->snd_wnd == 0 && tp->max_window == 0);
	CHECK_EQ(tp->advmss, 1460);
	CHECK(tp->wscale_ok);
	CHECK_EQ(tcp_rto_ns(tp), NSEC_PER_SEC);
	sock_release(s);
	peer_down();
}

static int no_route(struct sock *sk)
{
	(void)sk;
	return -EHOSTUNREACH;
}

/* The route went away between its choice and the SYN. */
TEST(a_route_that_is_gone_before_the_syn_ends_the_connect)
{
	struct inet_connection_sock_af_ops gone = ipv4_specific;
	struct socket *s;

	peer_up();
	gone.rebuild_header = no_route;
	s = tcp_socket(0);
	tcp_sk(s->sk)->icsk_af_ops = &gone;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EHOSTUNREACH);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK(s->sk->sk_num == 0 && s->sk->sk_wmem_queued == 0);
	tcp_sk(s->sk)->icsk_af_ops = &ipv4_specific;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* The SYN stands where what was sent waits for its ACK, charged, and never in the queue of what is to be sent. */
TEST(the_syn_is_charged_but_not_in_the_write_queue)
{
	struct socket *s;
	struct tcp_sock *tp;
	const struct sk_buff *syn;

	peer_up();
	s = peer_connecting();
	tp = tcp_sk(s->sk);
	syn = tcp_rtx_head(tp);
	CHECK(skb_queue_empty(&s->sk->sk_write_queue));
	CHECK_EQ(tp->tcp_rtx_queue.qlen, 1);
	CHECK(syn && TCP_SKB_CB(syn)->tcp_flags == TCPHDR_SYN && syn->len == 0);
	CHECK_EQ(s->sk->sk_wmem_queued, syn ? syn->truesize : 0);
	CHECK(s->sk->sk_wmem_queued > 0);
	CHECK_EQ(tp->packets_out, 1);
	CHECK_EQ(tp->snd_nxt, tp->snd_una + 1);
	peer_answer_syn(peer_mss1460, 4);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	sock_release(s);
	peer_down();
}

/* The limit of the send buffer is for text: with none left, a connection still begins. */
TEST(the_syn_needs_no_room_in_the_send_buffer)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	s->sk->sk_sndbuf = 0;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN);
	sock_release(s);
	peer_down();
}

TEST(connect_without_memory)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	for (u32 at = 1; at < 10; at++) {
		int err;

		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		err = try_connect(s, 1, PORT, 04000);
		faults_armed = false;
		faults[FAULT_ALLOC].on = false;
		if (err == -EINPROGRESS)
			break;
		CHECK(err == -ENOMEM || err == -EADDRNOTAVAIL || err == -ENOBUFS);
		CHECK_EQ(state_of(s), TCP_CLOSE);
		CHECK_EQ(s->sk->sk_num, 0);
		CHECK_EQ(s->sk->sk_wmem_queued, 0);
	}
	CHECK_EQ(state_of(s), TCP_SYN_SENT);
	CHECK_EQ(peer.n, 1); /* and the SYN is out */
	sock_release(s);
	peer_down();
}

/* A port is bound, all others are taken by the same pair of addresses: there is none left. */
TEST(connect_with_the_same_four)
{
	struct socket *s[2];
	struct sockaddr_in at = sin_of(0, 7000);

	peer_up();
	for (u32 i = 0; i < 2; i++) {
		s[i] = tcp_socket(0);
		set_opt(s[i], SOL_SOCKET, SO_REUSEADDR, 1);
		CHECK_EQ(kernel_bind(s[i], &at), 0);
	}
	CHECK_EQ(try_connect(s[0], 1, PORT, 04000), -EINPROGRESS);
	CHECK_EQ(try_connect(s[1], 1, PORT, 04000), -EADDRNOTAVAIL);
	CHECK_EQ(state_of(s[1]), TCP_CLOSE);
	CHECK_EQ(try_connect(s[1], 1, PORT + 1, 04000), -EINPROGRESS);
	sock_release(s[0]);
	sock_release(s[1]);
	peer_down();
}

/* --- Segments of no socket --------------------------------------------------------------------------------------------------------- */
struct stranger_row {
	const char *name;
	u8 flags;
	u32 len;
	int answer; /* flags; 0: none */
	u32 seq, ack;
};

/* SEG.SEQ 1000, SEG.ACK 2000 at a port where nobody is (RFC 9293, 3.10.7.1). */
static const struct stranger_row stranger_table[] = {
	{ "ack", TCPHDR_ACK, 0, TCPHDR_RST, 2000, 0 },
	{ "ack_with_text", TCPHDR_ACK, 100, TCPHDR_RST, 2000, 0 },
	{ "syn_ack", TCPHDR_SYN | TCPHDR_ACK, 0, TCPHDR_RST, 2000, 0 },
	{ "fin_ack", TCPHDR_FIN | TCPHDR_ACK, 0, TCPHDR_RST, 2000, 0 },
	{ "syn", TCPHDR_SYN, 0, TCPHDR_RST | TCPHDR_ACK, 0, 1001 },
	{ "syn_with_text", TCPHDR_SYN, 100, TCPHDR_RST | TCPHDR_ACK, 0, 1101 },
	{ "syn_fin", TCPHDR_SYN | TCPHDR_FIN, 0, TCPHDR_RST | TCPHDR_ACK, 0, 1002 },
	{ "fin", TCPHDR_FIN, 0, TCPHDR_RST | TCPHDR_ACK, 0, 1001 },
	{ "text", 0, 7, TCPHDR_RST | TCPHDR_ACK, 0, 1007 },
	{ "nothing", 0, 0, TCPHDR_RST | TCPHDR_ACK, 0, 1000 },
	{ "rst", TCPHDR_RST, 0, 0, 0, 0 },
	{ "rst_ack", TCPHDR_RST | TCPHDR_ACK, 0, 0, 0, 0 },
	{ "everything", 0xff, 0, 0, 0, 0 },
};

TEST_EACH(stranger, stranger_table)
{
	peer_up();
	tell_raw(row->flags, 1000, 2000, row->len);
	CHECK_EQ(peer.n, row->answer != 0);
	CHECK_EQ(said(0)->flags, row->answer);
	if (row->answer) {
		CHECK_EQ(said(0)->seq, row->seq);
		CHECK_EQ(said(0)->ack, row->ack);
		CHECK_EQ(said(0)->wnd, 0);
		CHECK_EQ(said(0)->len, 0);
		CHECK_EQ(said(0)->sport, PORT);
		CHECK_EQ(said(0)->dport, PEER_SPORT);
	}
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_OutRsts], row->answer != 0);
	/* Without memory: no answer, and nothing else. */
	peer_memory(false);
	tell_raw(row->flags, 1000, 2000, row->len);
	peer_memory(true);
	CHECK_EQ(peer.n, row->answer != 0);
	peer_down();
}

/* A mini socket's answer without memory is just not sent. */
TEST(mini_socket_answers_without_memory)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	peer_hush();
	peer_memory(false);
	tell(TCPHDR_ACK, peer.seq + 70000, 0, 0);
	tell(TCPHDR_ACK, peer.seq, 5, 0);
	host_clock_advance(NSEC_PER_SEC);
	tell_raw(TCPHDR_SYN, peer.iss, 0, 0);
	peer_memory(true);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(peer_found(), TCP_NEW_SYN_RECV);
	sock_release(l);
	peer_down();
}

/* Initial sequence numbers: another tuple, another number; the clock runs (RFC 6528). */
TEST(initial_sequence_numbers)
{
	u32 a, b;

	peer_up();
	a = tcp_v4_init_seq(hosts[0], 1, 2, 3, 4);
	CHECK_EQ(tcp_v4_init_seq(hosts[0], 1, 2, 3, 4), a);
	CHECK(tcp_v4_init_seq(hosts[0], 1, 2, 3, 5) != a);
	CHECK(tcp_v4_init_seq(hosts[0], 1, 2, 5, 4) != a);
	CHECK(tcp_v4_init_seq(hosts[0], 1, 5, 3, 4) != a);
	CHECK(tcp_v4_init_seq(hosts[0], 5, 2, 3, 4) != a);
	CHECK(tcp_v4_init_seq(hosts[1], 1, 2, 3, 4) != a); /* a key of its own */
	host_clock_advance(NSEC_PER_SEC);
	b = tcp_v4_init_seq(hosts[0], 1, 2, 3, 4);
	CHECK_EQ(b - a, 250000); /* 4 us each */
	peer_down();
}

/* --- The table of what is below ------------------------------------------------------------------------------------------- */
static struct {
	u32 xmit, check, rebuild, syn, child, mtu, set, get;
} called;

static int counted_xmit(struct sock *sk, struct sk_buff *skb)
{
	called.xmit++;
	return ipv4_specific.queue_xmit(sk, skb);
}

static void counted_check(const struct sock *sk, struct sk_buff *skb)
{
	called.check++;
	ipv4_specific.send_check(sk, skb);
}

static int counted_rebuild(struct sock *sk)
{
	called.rebuild++;
	return ipv4_specific.rebuild_header(sk);
}

static enum skb_drop_reason counted_syn(struct sock *lsk, struct sk_buff *skb,
					const struct tcp_seg *seg, u32 isn)
{
	called.syn++;
	return ipv4_specific.conn_request(lsk, skb, seg, isn);
}

static struct sock *counted_child(struct tcp_request_sock *req, bool early)
{
	called.child++;
	return ipv4_specific.syn_recv_sock(req, early);
}

static void counted_mtu(struct sock *sk)
{
	called.mtu++;
	ipv4_specific.mtu_reduced(sk);
}

static int counted_set(struct sock *sk, int opt, const void *kval, u32 len)
{
	called.set++;
	return ipv4_specific.setsockopt(sk, opt, kval, len);
}

static int counted_get(struct sock *sk, int opt, void *kval, u32 *len)
{
	called.get++;
	return ipv4_specific.getsockopt(sk, opt, kval, len);
}

/* A layer below with a header of 40 bytes and addresses of 28, which counts what it is asked for. */
static const struct inet_connection_sock_af_ops counted_ops = {
	.queue_xmit = counted_xmit,
	.send_check = counted_check,
	.rebuild_header = counted_rebuild,
	.conn_request = counted_syn,
	.syn_recv_sock = counted_child,
	.mtu_reduced = counted_mtu,
	.setsockopt = counted_set,
	.getsockopt = counted_get,
	.net_header_len = 40,
	.sockaddr_len = 28,
};

TEST(a_new_socket_stands_on_ipv4)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	CHECK(tcp_sk(s->sk)->icsk_af_ops == &ipv4_specific);
	CHECK(ipv4_specific.queue_xmit == ip_queue_xmit);
	CHECK(ipv4_specific.send_check == tcp_v4_send_check);
	CHECK(ipv4_specific.setsockopt == ip_setsockopt);
	CHECK(ipv4_specific.getsockopt == ip_getsockopt);
	CHECK_EQ(ipv4_specific.net_header_len, 20);
	CHECK_EQ(ipv4_specific.sockaddr_len, 16);
	sock_release(s);
	peer_down();
}

/* The segment size is what the path MTU leaves behind both headers. */
TEST(segment_size_follows_the_network_headers_length)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(tp->mss_cache, 1460);
	tp->icsk_af_ops = &counted_ops;
	CHECK_EQ(tcp_sync_mss(s->sk, 1500), 1440);
	CHECK_EQ(tcp_sync_mss(s->sk, 109), 49);
	CHECK_EQ(tcp_sync_mss(s->sk, 60), 48);
	local_bh_disable();
	sock_owned_by_me(s->sk);
	tcp_init_transfer(s->sk); /* as at the end of a handshake */
	local_bh_enable();
	CHECK_EQ(tp->mss_cache, 1440);
	sock_release(s);
	peer_down();
}

TEST(a_connection_goes_down_by_its_table)
{
	struct socket *s;
	int tos = 8;
	u32 len = 4, n;

	called = (__typeof__(called)){ 0 };
	peer_up();
	s = tcp_socket(0);
	tcp_sk(s->sk)->icsk_af_ops = &counted_ops;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINVAL); /* 16 bytes are no address of 28 */
	sock_release(s);
	s = peer_connected();
	tcp_sk(s->sk)->icsk_af_ops = &counted_ops;
	CHECK_EQ(put(s, "text", 4, 0), 4);
	CHECK_EQ(called.xmit, 1);
	CHECK_EQ(called.check, 0); /* summed while it was copied */
	tell(TCPHDR_ACK, peer.seq, 0, 10);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	n = called.xmit;
	CHECK(n > 1);
	CHECK_EQ(called.check, n - 1); /* acknowledgments are summed below */
	CHECK_EQ(s->ops->setsockopt(s, SOL_IP, IP_TOS, &tos, 4), 0);
	CHECK_EQ(s->ops->getsockopt(s, SOL_IP, IP_TOS, &tos, &len), 0);
	CHECK_EQ(called.set, 1);
	CHECK_EQ(called.get, 1);
	CHECK_EQ(called.rebuild, 0);
	host_clock_advance(NSEC_PER_SEC); /* nobody acknowledges "text" */
	CHECK(called.rebuild > 0);
	CHECK(called.xmit > n);
	sock_release(s);
	peer_down();
}

/* The news of a smaller MTU comes by the table: at once, or when the owner lets go. */
TEST(a_smaller_path_mtu_is_told_by_the_table)
{
	struct socket *s;

	called = (__typeof__(called)){ 0 };
	peer_up();
	s = peer_connected();
	tcp_sk(s->sk)->icsk_af_ops = &counted_ops;
	CHECK_EQ(put(s, "text", 4, 0), 4);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1000, said(0)->seq, 8);
	CHECK_EQ(called.mtu, 1);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 940);
	lock_sock(s->sk);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 900, said(0)->seq, 8);
	CHECK_EQ(called.mtu, 1);
	release_sock(s->sk);
	CHECK_EQ(called.mtu, 2);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 840);
	sock_release(s);
	peer_down();
}

/* A listener takes requests and makes children by its table, which the children have too. */
TEST(a_listeners_children_have_its_table)
{
	struct socket *l, *s;

	called = (__typeof__(called)){ 0 };
	peer_up();
	l = tcp_listener(0, PORT, 1);
	tcp_sk(l->sk)->icsk_af_ops = &counted_ops;
	peer.dport = PORT;
	peer_syn(peer_mss1460, 4);
	CHECK_EQ(called.syn, 1);
	CHECK_EQ(called.child, 0);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(called.child, 1);
	s = accepted(l, 04000);
	CHECK(s != NULL);
	if (s) {
		CHECK(tcp_sk(s->sk)->icsk_af_ops == &counted_ops);
		CHECK_EQ(tcp_sk(s->sk)->mss_cache, 1440);
		CHECK_EQ(s->sk->sk_daddr, IP4(10, 0, 0, 2));
		CHECK_EQ(s->sk->inet_saddr, IP4(10, 0, 0, 1));
		close_accepted(s);
	}
	sock_release(l);
	peer_down();
}

KTEST_MAIN_BOOT()
