// SPDX-License-Identifier: MIT
/*
 * Half-open requests, children and TIME-WAIT: what a listener answers, repeats, inherits and limits; what is left of a
 * connection for a minute.
 */
#include "peer.h"

#include <kernel/fault.h>

/* --- What the SYN-ACK announces ------------------------------------------------------------------------------------------- */
struct offer_row {
	const char *name;
	u8 opt[12], optlen;  /* of the SYN */
	const char *scaling; /* tcp_window_scaling */
	int rcvbuf, maxseg;  /* of the listener; 0: default */
	u32 mss;             /* announced by us */
	s32 wscale;          /* announced by us, -1: none */
	u32 snd_mss;         /* of the child */
	u8 snd_wscale;
};

static const struct offer_row offer_table[] = {
	{ "no_option", { 0 }, 0, "1", 0, 0, 1460, -1, 536, 0 },
	{ "mss_1460", { 2, 4, 5, 0xb4 }, 4, "1", 0, 0, 1460, -1, 1460, 0 },
	{ "mss_700", { 2, 4, 2, 0xbc }, 4, "1", 0, 0, 1460, -1, 700, 0 },
	{ "mss_0_is_none", { 2, 4, 0, 0 }, 4, "1", 0, 0, 1460, -1, 536, 0 },
	{ "mss_10_is_48", { 2, 4, 0, 10 }, 4, "1", 0, 0, 1460, -1, 48, 0 },
	{ "scale_7", { 2, 4, 5, 0xb4, 1, 3, 3, 7 }, 8, "1", 0, 0, 1460, 5, 1460, 7 },
	{ "scale_0", { 2, 4, 5, 0xb4, 1, 3, 3, 0 }, 8, "1", 0, 0, 1460, 5, 1460, 0 },
	{ "scale_20_is_14", { 2, 4, 5, 0xb4, 1, 3, 3, 20 }, 8, "1", 0, 0, 1460, 5, 1460, 14 },
	{ "scaling_switched_off", { 2, 4, 5, 0xb4, 1, 3, 3, 7 }, 8, "0", 0, 0, 1460, -1, 1460, 0 },
	{ "own_buffer_fixes_the_scale",
	  { 2, 4, 5, 0xb4, 1, 3, 3, 7 },
	  8,
	  "1",
	  30000,
	  0,
	  1460,
	  0,
	  1460,
	  7 },
	{ "own_maxseg", { 2, 4, 5, 0xb4 }, 4, "1", 0, 1000, 1000, -1, 1000, 0 },
	{ "own_maxseg_above_the_peers", { 2, 4, 2, 0xbc }, 4, "1", 0, 1000, 1000, -1, 700, 0 },
	{ "sack_and_timestamp",
	  { 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0 },
	  12,
	  "1",
	  0,
	  0,
	  1460,
	  -1,
	  524,
	  0 },
};

TEST_EACH(offer, offer_table)
{
	struct socket *l, *c;
	struct tcp_options o;
	struct tcp_sock *tp;
	u32 space, seg;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_window_scaling", row->scaling), 0);
	hosts[0]->tcp->rmem[2] = 1 << 20;
	l = tcp_listener(0, PORT, 5);
	if (row->rcvbuf)
		set_opt(l, SOL_SOCKET, SO_RCVBUF, row->rcvbuf);
	if (row->maxseg)
		set_opt(l, SOL_TCP, TCP_MAXSEG, row->maxseg);
	space = min(tcp_full_space(l->sk), 65535u);
	peer_syn(row->opt, row->optlen);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN | TCPHDR_ACK);
	CHECK_EQ(said(0)->ack, peer.iss + 1);
	tcp_options_parse(said(0)->opt, said(0)->optlen, &o);
	CHECK_EQ(o.mss, row->mss);
	CHECK_EQ(o.wscale_ok ? o.wscale : -1, row->wscale);
	CHECK_EQ(o.sack_ok, row->opt[0] == TCPOPT_SACK_PERM); /* not announced: not used */
	CHECK_EQ(o.tstamp_ok, o.sack_ok);
	seg = o.tstamp_ok ? row->mss - TCP_TSTAMP_LEN : row->mss;
	CHECK_EQ(said(0)->wnd, space / seg * seg);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	CHECK(c != NULL);
	tp = tcp_sk(c->sk);
	CHECK_EQ(tp->mss_cache, row->snd_mss);
	CHECK_EQ(tp->snd_wscale, row->snd_wscale);
	CHECK_EQ(tp->rcv_wscale, row->wscale < 0 ? 0 : row->wscale);
	CHECK_EQ(tp->snd_wnd, 65535u << row->snd_wscale);
	CHECK_EQ(tp->rcv_nxt, peer.seq);
	CHECK_EQ(tp->snd_nxt, peer.nxt);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

/* --- The SYN-ACK again ---------------------------------------------------------------------------------------------------- */
struct synack_row {
	const char *name;
	const char *retries;
	u32 gone_s, sent;
};

static const struct synack_row synack_table[] = {
	{ "0", "0", 1, 1 },
	{ "1", "1", 3, 2 },
	{ "3", "3", 15, 4 },
	{ "5_the_default", NULL, 63, 6 },
};

TEST_EACH(synack_retries, synack_table)
{
	struct socket *l;

	peer_up();
	if (row->retries)
		CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_synack_retries", row->retries), 0);
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	host_clock_advance(row->gone_s * NSEC_PER_SEC - 100000000);
	CHECK_EQ(peer_found(), TCP_NEW_SYN_RECV);
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 1);
	host_clock_advance(300000000);
	CHECK_EQ(peer_found(), TCP_LISTEN);
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 0);
	CHECK_EQ(peer.n, row->sent);
	for (u32 i = 1; i < peer.n; i++) {
		CHECK_EQ(peer.out[i].seq, peer.out[0].seq);
		CHECK_EQ(peer.out[i].flags, TCPHDR_SYN | TCPHDR_ACK);
	}
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_AttemptFails], 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSynRetrans), row->sent - 1);
	sock_release(l);
	peer_down();
}

/* A SYN-ACK that went twice: no RTT sample of it, one segment to begin with (RFC 6298, 5.7). */
TEST(repeated_synack_is_no_sample)
{
	struct socket *l, *c;

	for (u32 again = 0; again < 2; again++) {
		peer_up();
		l = tcp_listener(0, PORT, 5);
		peer_syn(peer_mss1460, 4);
		host_clock_advance(again ? 1500000000 : 100000000);
		CHECK_EQ(peer.n, 1 + again);
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		c = accepted(l, 04000);
		CHECK_EQ(tcp_sk(c->sk)->cc.cwnd, again ? 1 : TCP_INIT_CWND);
		CHECK_EQ(tcp_sk(c->sk)->rtt.srtt8_us / 8 / 1000, again ? 0 : 100);
		CHECK_EQ(tcp_sk(c->sk)->rtt.rto_ns / NSEC_PER_MSEC, again ? 3000 : 300);
		close_accepted(c);
		sock_release(l);
		peer_down();
	}
}

/* --- Segments at a half-open connection ---------------------------------------------------------------------------------- */
struct half_row {
	const char *name;
	u8 flags;
	s32 seq, ack; /* relative to what would complete it */
	u32 len;
	enum tcp_state state;
	int answer;
};

static const struct half_row half_table[] = {
	{ "no_flags", 0, 0, 0, 0, TCP_NEW_SYN_RECV, 0 },
	{ "only_fin", TCPHDR_FIN, 0, 0, 0, TCP_NEW_SYN_RECV, 0 },
	{ "only_push", TCPHDR_PSH, 0, 0, 10, TCP_NEW_SYN_RECV, 0 },
	{ "ack_one_less", TCPHDR_ACK, 0, -1, 0, TCP_NEW_SYN_RECV, TCPHDR_RST },
	{ "ack_one_more", TCPHDR_ACK, 0, 1, 0, TCP_NEW_SYN_RECV, TCPHDR_RST },
	{ "text_before_the_window", TCPHDR_ACK, -10, 0, 5, TCP_NEW_SYN_RECV, TCPHDR_ACK },
	{ "behind_the_window", TCPHDR_ACK, 70000, 0, 0, TCP_NEW_SYN_RECV, TCPHDR_ACK },
	{ "rst_behind_the_window", TCPHDR_RST, 70000, 0, 0, TCP_NEW_SYN_RECV, 0 },
	{ "same_syn_again", TCPHDR_SYN, -1, 0, 0, TCP_NEW_SYN_RECV, TCPHDR_SYN | TCPHDR_ACK },
	{ "same_syn_with_ack", TCPHDR_SYN | TCPHDR_ACK, -1, 0, 0, TCP_NEW_SYN_RECV, TCPHDR_ACK },
	{ "another_syn", TCPHDR_SYN, 5, 0, 0, TCP_LISTEN, TCPHDR_RST | TCPHDR_ACK },
	{ "rst_in_the_window", TCPHDR_RST, 5, 0, 0, TCP_NEW_SYN_RECV, TCPHDR_ACK },
	{ "rst_with_a_wrong_ack", TCPHDR_RST | TCPHDR_ACK, 0, 1, 0, TCP_LISTEN, 0 },
	{ "keep_alive", TCPHDR_ACK, -1, 0, 0, TCP_NEW_SYN_RECV, TCPHDR_ACK },
	{ "syn_and_rst", TCPHDR_SYN | TCPHDR_RST, 0, 0, 0, TCP_LISTEN, 0 },
	{ "ack_later_in_the_window", TCPHDR_ACK, 100, 0, 0, TCP_ESTABLISHED, 0 },
	{ "ack_with_text_behind_a_hole", TCPHDR_ACK, 100, 0, 10, TCP_ESTABLISHED, TCPHDR_ACK },
	{ "ack_with_old_octet", TCPHDR_ACK, -1, 0, 2, TCP_ESTABLISHED, TCPHDR_ACK },
};

TEST_EACH(half_open, half_table)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	peer_hush();
	tell(row->flags, peer.seq + (u32)row->seq, row->ack, row->len);
	CHECK_EQ(peer_found(), row->state);
	CHECK_EQ(said(0)->flags, row->answer);
	CHECK(peer.n <= 1);
	sock_release(l);
	peer_down();
}

/* --- Limits --------------------------------------------------------------------------------------------------------------- */
TEST(syn_queue_gives_up_the_oldest)
{
	struct socket *l;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syncookies", "0"), 0);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_max_syn_backlog", "4"), 0);
	l = tcp_listener(0, PORT, 5);
	for (u16 i = 0; i < 6; i++) {
		peer.sport = (u16)(1000 + i);
		tell_raw(TCPHDR_SYN, 100u * i, 0, 0);
	}
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 4);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPReqQFullDrop), 2);
	for (u16 i = 0; i < 6; i++) {
		peer.sport = (u16)(1000 + i);
		CHECK_EQ(peer_found(), i < 2 ? TCP_LISTEN : TCP_NEW_SYN_RECV);
	}
	sock_release(l);
	peer_down();
}

struct backlog_row {
	const char *name;
	int backlog;
	u32 room; /* connections that become established */
};

static const struct backlog_row backlog_table[] = {
	{ "0", 0, 1 },
	{ "1", 1, 2 },
	{ "5", 5, 6 },
};

/* Beyond the backlog the last ACK of a handshake is ignored, and so are SYNs. */
TEST_EACH(accept_queue, backlog_table)
{
	struct socket *l, *c;
	u32 held = row->room + 1; /* the one that finds it full with its last ACK */

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syncookies", "0"), 0);
	l = tcp_listener(0, PORT, row->backlog);
	for (u32 i = 0; i < held; i++) { /* all SYNs first */
		peer.sport = (u16)(1000 + i);
		peer_begin(1000u * i);
		peer_syn(peer_mss1460, 4);
		CHECK_EQ(peer_found(), TCP_NEW_SYN_RECV);
	}
	for (u32 i = 0; i < held; i++) {
		peer.sport = (u16)(1000 + i);
		tell_raw(TCPHDR_ACK, 1000u * i + 1, peer.out[i].seq + 1, 0);
		CHECK_EQ(peer_found(), i < row->room ? TCP_ESTABLISHED : TCP_NEW_SYN_RECV);
	}
	CHECK_EQ(l->sk->sk_ack_backlog, row->room);
	CHECK_EQ(peer_mib(LINUX_MIB_ListenOverflows), 1);
	peer.sport = 2000;
	peer_hush();
	tell_raw(TCPHDR_SYN, 5, 0, 0);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(peer_mib(LINUX_MIB_ListenOverflows), 2);
	CHECK_EQ(peer_mib(LINUX_MIB_ListenDrops), 2);
	/* One is accepted: the ignored one completes with the repeated SYN-ACK's answer. */
	c = accepted(l, 04000);
	CHECK(c != NULL);
	host_clock_advance(1100000000);
	peer.sport = (u16)(1000 + row->room);
	tell_raw(TCPHDR_ACK, 1000u * row->room + 1, said(0)->seq + 1, 0);
	CHECK_EQ(peer_found(), TCP_ESTABLISHED);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

static int read_saved(struct socket *s, u8 *b, u32 *len)
{
	return tcp_getsockopt(s->sk, SOL_TCP, TCP_SAVED_SYN, b, len);
}

/* The SYN's headers, IP's first: read once, by who has room for all of them. */
TEST(saved_headers_of_a_syn)
{
	static const int on = 1;
	struct socket *l, *c;
	u8 b[128];
	u32 len = 43;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	CHECK_EQ(tcp_setsockopt(l->sk, SOL_TCP, TCP_SAVE_SYN, &on, sizeof(on)), 0);
	for (u64 n = 1; n < 8 && len; n++) { /* one of these is the memory for the headers */
		peer.sport++;
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = n };
		faults_armed = true;
		peer_syn(peer_mss1460, 4);
		faults_armed = false;
		faults[FAULT_ALLOC].on = false;
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		if (peer_found() != TCP_ESTABLISHED)
			continue;
		c = accepted(l, 04000);
		len = sizeof(b);
		CHECK_EQ(read_saved(c, b, &len), 0);
		close_accepted(c);
	}
	CHECK_EQ(len, 0); /* no memory: nothing to be read, nothing else missing */
	peer.sport++;
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	len = 43;
	CHECK_EQ(read_saved(c, b, &len), -EINVAL);
	CHECK_EQ(len, 44); /* so much it wants */
	len = sizeof(b);
	CHECK_EQ(read_saved(c, b, &len), 0);
	CHECK_EQ(len, 44);
	CHECK(b[0] == 0x45 && b[8] == 64 && get_unaligned_be32(b + 12) == 0x0a000002);
	CHECK_EQ(get_unaligned_be16(b + 20), peer.sport);
	CHECK(b[33] == TCPHDR_SYN && !memcmp(b + 40, peer_mss1460, 4));
	CHECK_EQ(read_saved(c, b, &len), 0);
	CHECK_EQ(len, 0);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

struct memory_row {
	const char *name;
	bool at_ack; /* memory is out at the last ACK, not at the SYN */
	enum tcp_state state;
	u32 answers;
};

static const struct memory_row memory_table[] = {
	{ "no_request", false, TCP_LISTEN, 0 },
	{ "no_child", true, TCP_NEW_SYN_RECV, 0 },
};

TEST_EACH(without_memory, memory_table)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_memory(row->at_ack);
	peer_syn(peer_mss1460, 4);
	peer_memory(true);
	if (row->at_ack) {
		peer_hush();
		peer_memory(false);
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		peer_memory(true);
	}
	CHECK_EQ(peer_found(), row->state);
	CHECK_EQ(peer.n, row->answers);
	CHECK(peer_mib(LINUX_MIB_ListenDrops) == 1);
	/* It was only a moment. */
	if (!row->at_ack)
		peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(peer_found(), TCP_ESTABLISHED);
	sock_release(l);
	peer_down();
}

/* A request whose SYN-ACK finds no memory sends it with its timer. */
TEST(synack_without_memory)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 2, .every = 1 };
	faults_armed = true;
	tell_raw(TCPHDR_SYN, peer.seq, 0, 0);
	peer_memory(true);
	CHECK_EQ(peer_found(), TCP_NEW_SYN_RECV);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(1100000000);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN | TCPHDR_ACK);
	sock_release(l);
	peer_down();
}

/* No way back to the peer: no request. */
TEST(syn_without_a_route)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer.src = IP4(203, 0, 113, 9); /* not on the link, and there is no gateway */
	tell_raw(TCPHDR_SYN, peer.seq, 0, 0);
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 0);
	CHECK_EQ(peer.n, 0);
	sock_release(l);
	peer_down();
}

/* --- What a child inherits ------------------------------------------------------------------------------------------------ */
struct inherit_row {
	const char *name;
	int level, opt, val;
};

static const struct inherit_row inherit_table[] = {
	{ "nodelay", SOL_TCP, TCP_NODELAY, 1 },
	{ "keepidle", SOL_TCP, TCP_KEEPIDLE, 77 },
	{ "keepintvl", SOL_TCP, TCP_KEEPINTVL, 7 },
	{ "keepcnt", SOL_TCP, TCP_KEEPCNT, 3 },
	{ "linger2", SOL_TCP, TCP_LINGER2, 9 },
	{ "user_timeout", SOL_TCP, TCP_USER_TIMEOUT, 12345 },
	{ "keepalive", SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ "oobinline", SOL_SOCKET, SO_OOBINLINE, 1 },
	{ "priority", SOL_SOCKET, SO_PRIORITY, 5 },
	{ "rcvlowat", SOL_SOCKET, SO_RCVLOWAT, 100 },
	{ "reuseaddr", SOL_SOCKET, SO_REUSEADDR, 1 },
	{ "tos", SOL_IP, IP_TOS, 0x10 },
	{ "ttl", SOL_IP, IP_TTL, 9 },
};

TEST_EACH(inherits, inherit_table)
{
	struct socket *l, *c;
	int val = -1;
	u32 len = sizeof(val);

	peer_up();
	l = tcp_listener(0, PORT, 5);
	CHECK_EQ(tcp_setsockopt(l->sk, row->level, row->opt, &row->val, 4), 0);
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	CHECK_EQ(tcp_getsockopt(c->sk, row->level, row->opt, &val, &len), 0);
	CHECK_EQ(val, row->val);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

/* SO_KEEPALIVE of the listener runs in the child without another call. */
TEST(inherited_keepalive_probes)
{
	struct socket *l, *c;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	set_opt(l, SOL_TCP, TCP_KEEPIDLE, 3);
	set_opt(l, SOL_SOCKET, SO_KEEPALIVE, 1);
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	peer_hush();
	host_clock_advance(3100000000);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->seq, peer.nxt - 1);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

/* --- The listener closes -------------------------------------------------------------------------------------------------- */
TEST(listener_closes)
{
	struct socket *l;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	for (u16 i = 0; i < 3;
	     i++) { /* one half-open, one waiting, one waiting and reset by its peer */
		peer.sport = (u16)(1000 + i);
		peer_begin(PEER_ISS);
		peer_syn(peer_mss1460, 4);
		if (i)
			tell(TCPHDR_ACK, peer.seq, 0, 0);
	}
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
	CHECK_EQ(l->sk->sk_ack_backlog, 2);
	peer_hush();
	sock_release(l);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->flags, TCPHDR_RST | TCPHDR_ACK);
	CHECK_EQ(said(0)->dport, 1001);
	for (u16 i = 0; i < 3; i++) {
		peer.sport = (u16)(1000 + i);
		CHECK_EQ(peer_found(), TCP_CLOSE);
	}
	CHECK_EQ(hosts[0]->tcp->orphan_count, 0);
	peer_down();
}

/* A connection that its peer ended while it waited is still handed out, and tells. */
TEST(accepting_the_dead)
{
	struct socket *l, *c;
	u8 b;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
	c = accepted(l, 04000);
	CHECK(c != NULL);
	CHECK_EQ(state_of(c), TCP_CLOSE);
	CHECK_EQ(get(c, &b, 1, 0), -ECONNRESET);
	CHECK_EQ(get(c, &b, 1, 0), 0);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

/* --- TIME-WAIT ------------------------------------------------------------------------------------------------------------ */
static void into_time_wait(void)
{
	struct socket *s = peer_connected();

	sock_release(s);
	peer_ack();
	tell_fin();
	CHECK_EQ(peer_found(), TCP_TIME_WAIT);
	CHECK_EQ(hosts[0]->tcp->tw_count, 1);
	peer_hush();
}

struct tw_row {
	const char *name;
	u8 flags;
	s32 seq;
	u32 len;
	int answer;
	bool again; /* the minute begins anew */
};

static const struct tw_row tw_table[] = {
	{ "last_ack_once_more", TCPHDR_ACK, 0, 0, 0, false },
	{ "fin_again", TCPHDR_FIN | TCPHDR_ACK, -1, 0, TCPHDR_ACK, true },
	{ "text", TCPHDR_ACK, 0, 10, TCPHDR_ACK, false },
	{ "old_text", TCPHDR_ACK, -100, 10, TCPHDR_ACK, false },
	{ "rst", TCPHDR_RST, 0, 0, 0, false }, /* RFC 1337 */
	{ "old_syn", TCPHDR_SYN, -100, 0, TCPHDR_ACK, false },
	{ "equal_syn", TCPHDR_SYN, 0, 0, TCPHDR_ACK, false },
	{ "syn_with_ack", TCPHDR_SYN | TCPHDR_ACK, 100, 0, TCPHDR_ACK, false },
	{ "ack_elsewhere", TCPHDR_ACK, 5, 0, TCPHDR_ACK, false },
};

TEST_EACH(time_wait, tw_table)
{
	peer_up();
	into_time_wait();
	host_clock_advance(40 * NSEC_PER_SEC);
	tell(row->flags, peer.seq + (u32)row->seq, 0, row->len);
	host_clock_advance(10000000); /* the neighbour is asked for again */
	CHECK_EQ(said(0)->flags, row->answer);
	if (row->answer) {
		CHECK_EQ(said(0)->seq, peer.nxt);
		CHECK_EQ(said(0)->ack, peer.seq);
	}
	host_clock_advance(25 * NSEC_PER_SEC);
	CHECK_EQ(peer_found(), row->again ? TCP_TIME_WAIT : TCP_CLOSE);
	host_clock_advance(40 * NSEC_PER_SEC);
	CHECK_EQ(peer_found(), TCP_CLOSE);
	CHECK_EQ(hosts[0]->tcp->tw_count, 0);
	peer_down();
}

/* Answers to what has neither text nor FIN are limited: two a second. */
TEST(time_wait_answers_are_limited)
{
	peer_up();
	into_time_wait();
	for (u32 i = 0; i < 100; i++) {
		tell(TCPHDR_ACK, peer.seq + 1000000, 0, 0);
		host_clock_advance(10000000);
	}
	CHECK_EQ(peer.n, 2);
	tell(TCPHDR_ACK, peer.seq, 0, 10);
	tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq - 1, 0, 0);
	CHECK_EQ(peer.n, 4);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPACKSkippedTimeWait), 98);
	peer_down();
}

/* A newer SYN opens the connection anew where somebody listens; its number lies beyond all that the old one used. */
TEST(time_wait_reopens)
{
	struct socket *l, *c, *next;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	close_accepted(c); /* this side closes first */
	peer_ack();
	tell_fin();
	CHECK_EQ(peer_found(), TCP_TIME_WAIT);
	peer_hush();
	tell_raw(TCPHDR_SYN, peer.seq + 1, 0, 0);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN | TCPHDR_ACK);
	CHECK_EQ(said(0)->seq, peer.nxt + 65537);
	CHECK_EQ(peer_found(), TCP_NEW_SYN_RECV);
	CHECK_EQ(hosts[0]->tcp->tw_count, 0);
	tell_raw(TCPHDR_ACK, peer.seq + 2, said(0)->seq + 1, 0);
	next = accepted(l, 04000);
	CHECK(next != NULL);
	close_accepted(next);
	sock_release(l);
	peer_down();
}

struct overflow_row {
	const char *name;
	bool memory, orphan;
	const char *buckets;
};

static const struct overflow_row overflow_table[] = {
	{ "no_memory", false, false, "100" },
	{ "no_bucket", true, false, "0" },
	{ "no_memory_in_fin_wait_2", false, true, "100" },
	{ "no_bucket_in_fin_wait_2", true, true, "0" },
};

TEST_EACH(time_wait_overflow, overflow_table)
{
	struct socket *s;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_max_tw_buckets", row->buckets), 0);
	s = peer_connected();
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	if (row->orphan)
		sock_release(s);
	peer_memory(row->memory);
	peer_ack();
	tell_fin();
	peer_memory(true);
	if (!row->orphan)
		sock_release(s);
	CHECK_EQ(peer_found(), TCP_CLOSE);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPTimeWaitOverflow), 1);
	CHECK_EQ(hosts[0]->tcp->tw_count, 0);
	CHECK_EQ(hosts[0]->tcp->orphan_count, 0);
	peer_down();
}

/* The window of the answers is the one last offered, scaled as it was. */
TEST(time_wait_window)
{
	struct socket *s;
	u16 wnd;

	peer_up();
	s = peer_connected_opt(peer_mss_ws7, 8);
	tell_text(1);
	wnd = said(0)->wnd;
	CHECK(wnd > 0);
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	peer_ack();
	tell_fin();
	CHECK_EQ(peer_found(), TCP_TIME_WAIT);
	host_clock_advance(NSEC_PER_SEC);
	peer_hush();
	tell(TCPHDR_ACK, peer.seq, 0, 5);
	CHECK(said(0)->wnd <= wnd);
	CHECK(said(0)->wnd >= wnd - 1);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
