// SPDX-License-Identifier: MIT
/*
 * What happens when nothing happens, second by second: SYN and data retransmission with back-off, limits by count and by
 * time, window probes, delayed ACKs, keep-alive, FIN-WAIT-2, timers that fire while the application owns the socket.
 */
#include "peer.h"

/* Milliseconds of host time at which the host said something since @t0, one after the other; checked against @want. */
static void said_at_ms(u64 t0, const u32 *want, u32 n)
{
	CHECK_EQ(peer.n, n);
	for (u32 i = 0; i < n && i < peer.n; i++) {
		u32 ms = (u32)((peer.out[i].at_ns - t0) / NSEC_PER_MSEC);

		/* Each timer keeps its time to a few milliseconds. */
		if (ms < want[i] || ms > want[i] + 8 * (i + 1))
			printf("# segment %u at %u ms, wanted %u\n", i, ms, want[i]);
		CHECK(ms >= want[i] && ms <= want[i] + 8 * (i + 1));
	}
}

/* --- SYN --------------------------------------------------------------------------------------------------------------- */
struct syn_row {
	const char *name;
	int syncnt; /* 0: the instance's */
	const char *sysctl;
	u32 user_timeout_ms, end_s, syns;
	int soft; /* an ICMP before: reason given in the end */
	int err;
};

static const struct syn_row syn_table[] = {
	{ "once", 1, NULL, 0, 3, 2, 0, ETIMEDOUT },
	{ "twice", 2, NULL, 0, 7, 3, 0, ETIMEDOUT },
	{ "five_times", 5, NULL, 0, 63, 6, 0, ETIMEDOUT },
	{ "default_7_last_two_capped", 0, NULL, 0, 247, 8, 0, ETIMEDOUT },
	{ "sysctl_3", 0, "3", 0, 15, 4, 0, ETIMEDOUT },
	{ "own_count_beats_sysctl", 1, "6", 0, 3, 2, 0, ETIMEDOUT },
	{ "user_timeout_2_s", 6, NULL, 2000, 3, 2, 0, ETIMEDOUT },
	{ "soft_error_is_the_reason", 1, NULL, 0, 3, 2, EHOSTUNREACH, EHOSTUNREACH },
};

TEST_EACH(syn, syn_table)
{
	static const u32 at_ms[] = { 0, 1000, 3000, 7000, 15000, 31000, 63000, 127000 };
	struct socket *s;
	u64 t0;

	peer_up();
	if (row->sysctl)
		CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syn_retries", row->sysctl), 0);
	s = tcp_socket(0);
	if (row->syncnt)
		set_opt(s, SOL_TCP, TCP_SYNCNT, row->syncnt);
	if (row->user_timeout_ms)
		set_opt(s, SOL_TCP, TCP_USER_TIMEOUT, (int)row->user_timeout_ms);
	t0 = host_clock();
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	s->sk->sk_err_soft = row->soft;
	host_clock_advance(row->end_s * NSEC_PER_SEC - 100000000);
	CHECK_EQ(state_of(s), TCP_SYN_SENT);
	host_clock_advance(300000000);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(s->sk->sk_err, row->err);
	said_at_ms(t0, at_ms, row->syns);
	for (u32 i = 0; i < peer.n; i++) {
		CHECK_EQ(peer.out[i].flags, TCPHDR_SYN);
		CHECK_EQ(peer.out[i].seq, peer.out[0].seq);
	}
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSynRetrans), row->syns - 1);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_AttemptFails], 1);
	sock_release(s);
	peer_down();
}

/* --- Data -------------------------------------------------------------------------------------------------------------- */
struct rto_row {
	const char *name;
	u32 rtt_ms;   /* of the handshake and one exchange */
	u32 at_ms[6]; /* transmissions of a lost segment */
};

static const struct rto_row rto_table[] = {
	{ "no_round_trip_to_speak_of", 0, { 0, 200, 600, 1400, 3000, 6200 } },
	{ "50_ms", 50, { 0, 250, 750, 1750, 3750, 7750 } },
	{ "100_ms", 100, { 0, 300, 900, 2100, 4500, 9300 } },
};

TEST_EACH(rto, rto_table)
{
	struct socket *s;
	u64 t0;
	u32 nxt;

	peer_up();
	s = peer_connecting();
	host_clock_advance(row->rtt_ms * NSEC_PER_MSEC);
	peer_answer_syn(peer_mss1460, 4);
	for (u32 i = 0; i < 40; i++) { /* the deviation settles */
		CHECK_EQ(put(s, "x", 1, 0), 1);
		host_clock_advance(row->rtt_ms * NSEC_PER_MSEC);
		peer_ack();
	}
	peer_hush();
	nxt = peer.nxt;
	t0 = host_clock();
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	host_clock_advance(10 * NSEC_PER_SEC);
	peer.n = min(peer.n, 6u);
	said_at_ms(t0, row->at_ms, 6);
	for (u32 i = 0; i < 6; i++) {
		CHECK_EQ(peer.out[i].seq, nxt);
		CHECK_EQ(peer.out[i].len, 4);
	}
	CHECK_EQ(tcp_sk(s->sk)->cc.cwnd, 1);
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Loss);
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->retransmits, 0);
	CHECK(tcp_sk(s->sk)->backoff > 0); /* Karn: the ACK of a repetition is no sample */
	CHECK_EQ(tcp_sk(s->sk)->ca_state,
		 TCP_CA_Loss); /* till more is acknowledged than was out then */
	CHECK_EQ(put(s, "x", 1, 0), 1);
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Open);
	CHECK_EQ(tcp_sk(s->sk)->backoff, 0); /* but that of a new segment is */
	sock_release(s);
	peer_down();
}

struct give_up_row {
	const char *name;
	const char *setting, *value;
	u32 user_timeout_ms;
	u32 lives_s, dead_s;
	bool orphan;
};

static const struct give_up_row give_up_table[] = {
	{ "retries2_15", NULL, NULL, 0, 900, 1050, false },
	{ "retries2_3", "tcp_retries2", "3", 0, 2, 7, false },
	{ "retries2_0", "tcp_retries2", "0", 0, 0, 1, false },
	{ "user_timeout_500_ms", NULL, NULL, 500, 0, 1, false },
	{ "user_timeout_5_s", NULL, NULL, 5000, 4, 6, false },
	{ "user_timeout_beats_retries", "tcp_retries2", "100", 3000, 2, 4, false },
	{ "user_timeout_replaces_retries", "tcp_retries2", "3", 60000, 60, 61, false },
	{ "orphan_8", NULL, NULL, 0, 90, 250, true },
	{ "orphan_2", "tcp_orphan_retries", "2", 0, 1, 4, true },
	{ "orphan_0_means_8", "tcp_orphan_retries", "0", 0, 90, 250, true },
};

TEST_EACH(give_up, give_up_table)
{
	struct socket *s;
	struct sock *sk;

	peer_up();
	if (row->setting)
		CHECK_EQ(tcp_sysctl_set(hosts[0], row->setting, row->value), 0);
	s = peer_connected();
	sk = s->sk;
	sock_hold(sk);
	if (row->user_timeout_ms)
		set_opt(s, SOL_TCP, TCP_USER_TIMEOUT, (int)row->user_timeout_ms);
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	if (row->orphan)
		sock_release(s);
	host_clock_advance(row->lives_s * NSEC_PER_SEC + 10000000);
	CHECK(sk->sk_state != TCP_CLOSE);
	host_clock_advance((row->dead_s - row->lives_s) * NSEC_PER_SEC);
	CHECK_EQ(sk->sk_state, TCP_CLOSE);
	CHECK_EQ(sk->sk_err, ETIMEDOUT);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPAbortOnTimeout), 1);
	CHECK_EQ(hosts[0]->tcp->orphan_count, 0);
	if (!row->orphan)
		sock_release(s);
	sock_put(sk);
	peer_down();
}

/* An ICMP that came while data was stuck is the reason in the end (RFC 1122, 4.2.3.9), but it ends nothing. */
TEST(soft_error_while_stuck)
{
	struct socket *s;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_retries2", "3"), 0);
	s = peer_connected();
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, peer.nxt, 8);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	host_clock_advance(7 * NSEC_PER_SEC);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(s->sk->sk_err, EHOSTUNREACH);
	sock_release(s);
	peer_down();
}

/* The clone needs no memory: a retransmission goes whatever there is. */
TEST(retransmission_without_memory)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	peer_memory(false);
	host_clock_advance(250000000);
	CHECK_EQ(peer.n, 2);
	peer_memory(true);
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	sock_release(s);
	peer_down();
}

/* Without a route the timer goes on as if the segment were lost on the way, and so it finds the route that comes back. */
TEST(retransmission_without_route)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	CHECK_EQ(inet_addr_del(devs[0], IP4(10, 0, 0, 1)), 0);
	host_clock_advance(2 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPRetransFail), 3); /* 200, 600, 1400 ms */
	CHECK_EQ(tcp_sk(s->sk)->backoff, 3);
	CHECK_EQ(tcp_sk(s->sk)->retransmits, 3);
	CHECK_EQ(inet_addr_add(devs[0], IP4(10, 0, 0, 1), 24), 0);
	host_clock_advance(1100000000);
	CHECK_EQ(peer.n, 2); /* 3000 ms */
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	sock_release(s);
	peer_down();
}

/* Loss again in the middle of repairing loss: counted apart, ssthresh falls once a window (RFC 5681, 3.1). */
TEST(timeout_in_loss)
{
	static u8 buf[14600];
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, buf, sizeof(buf), 0), sizeof(buf));
	CHECK_EQ(peer.n, 10);
	host_clock_advance(250000000);
	CHECK_EQ(tp->ca_state, TCP_CA_Loss);
	CHECK_EQ(tp->cc.ssthresh, 5);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPTimeouts), 1);
	host_clock_advance(NSEC_PER_SEC);
	CHECK_EQ(tp->cc.ssthresh, 5); /* the repetition was lost too */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPTimeouts), 1);
	tell_raw(TCPHDR_ACK, peer.seq, peer.nxt + 1460, 0); /* progress: two more may go */
	CHECK_EQ(tp->cc.cwnd, 2);
	host_clock_advance(10 * NSEC_PER_SEC);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPLossFailures), 1);
	sock_release(s);
	peer_down();
}

TEST(timeout_in_recovery)
{
	static u8 buf[14600];
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, buf, sizeof(buf), 0), sizeof(buf));
	for (u32 i = 0; i < 4; i++) /* the first is newer than the SYN-ACK: no duplicate */
		tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Recovery);
	host_clock_advance(300000000);
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Loss);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPRenoRecoveryFail), 1);
	sock_release(s);
	peer_down();
}

/* Beyond R1 the route is asked anew (RFC 9293, 3.8.3): what a dead one held is let go of. */
TEST(route_is_dropped_after_r1)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	host_clock_advance(1300000000); /* 200, 600 ms: two repetitions */
	CHECK_EQ(tcp_sk(s->sk)->retransmits, 2);
	CHECK(s->sk->sk_dst_cache != NULL);
	CHECK_EQ(inet_addr_del(devs[0], IP4(10, 0, 0, 1)), 0); /* no route could be found now */
	tcp_sk(s->sk)->retransmits = 3;                        /* R1 */
	host_clock_advance(200000000);
	CHECK(s->sk->sk_dst_cache == NULL);
	CHECK_EQ(inet_addr_add(devs[0], IP4(10, 0, 0, 1), 24), 0);
	host_clock_advance(4 * NSEC_PER_SEC);
	CHECK(s->sk->sk_dst_cache != NULL);
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	sock_release(s);
	peer_down();
}

/* --- Window probes (RFC 9293, 3.8.6.1) ------------------------------------------------------------------------------------- */
static struct socket *shut_out(void)
{
	static u8 buf[3000];
	struct socket *s = peer_connected();

	peer.wnd = 0;
	CHECK_EQ(put(s, "x", 1, 0), 1);
	peer_ack(); /* and the window is shut */
	CHECK_EQ(put(s, buf, sizeof(buf), 0), sizeof(buf));
	CHECK_EQ(tcp_sk(s->sk)->pending, TCP_TIME_PROBE0);
	peer_hush();
	return s;
}

TEST(probes_back_off)
{
	static const u32 at_ms[] = { 200,   600,   1400,   3000,   6200,   12600,
				     25400, 51000, 102200, 204600, 324600, 444600 };
	struct socket *s;
	u64 t0;

	peer_up();
	s = shut_out();
	t0 = host_clock();
	for (u32 i = 0; i < 12; i++) {
		while (peer.n <= i && host_clock() - t0 < 500 * NSEC_PER_SEC)
			host_clock_advance(5000000);
		CHECK_EQ(said(0)->seq, peer.nxt - 1); /* an old number: must be answered */
		CHECK_EQ(said(0)->len, 0);
		tell(TCPHDR_ACK, peer.seq, 0, 0); /* still shut */
	}
	/* The answer restarts the clock of the next. */
	said_at_ms(t0, at_ms, 12);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPWinProbe), 12);
	sock_release(s);
	peer_down();
}

struct probe_row {
	const char *name;
	u16 wnd;       /* opened to this */
	u32 segs, len; /* what goes at once: segments, length of the first */
	bool probing;  /* the timer goes on */
};

static const struct probe_row probe_table[] = {
	{ "still_0", 0, 0, 0, true },
	{ "1_byte", 1, 0, 0, true },
	{ "less_than_a_segment", 1459, 0, 0, true },
	{ "a_segment", 1460, 1, 1460, false },
	{ "more_than_one", 1461, 1, 1460, false },
	{ "two", 2920, 2, 1460, false },
	{ "everything", 3000, 3, 1460, false },
};

TEST_EACH(window_opens, probe_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = shut_out();
	tp = tcp_sk(s->sk);
	peer.wnd = row->wnd;
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(peer.n, row->segs);
	if (row->segs)
		CHECK_EQ(peer.out[0].len, row->len);
	CHECK_EQ(tp->pending, row->probing ? TCP_TIME_PROBE0 : TCP_TIME_RETRANS);
	if (row->probing && row->wnd) { /* the probe is real data then, cut to the window */
		host_clock_advance(NSEC_PER_SEC / 4);
		CHECK_EQ(peer.n, 1);
		CHECK_EQ(said(0)->len, row->wnd);
		CHECK(said(0)->flags & TCPHDR_PSH);
		CHECK_EQ(tp->pending, TCP_TIME_RETRANS);
	}
	sock_release(s);
	peer_down();
}

struct probe_end_row {
	const char *name;
	const char *setting, *value;
	u32 user_timeout_ms;
	bool orphan, answered;
	u32 lives_s, dead_s; /* 0: lives */
};

static const struct probe_end_row probe_end_table[] = {
	{ "answered_lives", NULL, NULL, 0, false, true, 2000, 0 },
	{ "silent_15", NULL, NULL, 0, false, false, 800, 1300 },
	{ "silent_3", "tcp_retries2", "3", 0, false, false, 1, 5 },
	{ "user_timeout_10_s", NULL, NULL, 10000, false, false, 9, 26 },
	{ "orphan_answered", NULL, NULL, 0, true, true, 250, 450 },
	{ "user_timeout_answered", NULL, NULL, 10000, false, true, 9, 26 },
	{ "orphan_2", "tcp_orphan_retries", "2", 0, true, false, 1, 4 },
};

TEST_EACH(probing_ends, probe_end_table)
{
	struct socket *s;
	struct sock *sk;
	u64 end;

	peer_up();
	if (row->setting)
		CHECK_EQ(tcp_sysctl_set(hosts[0], row->setting, row->value), 0);
	s = shut_out();
	sk = s->sk;
	sock_hold(sk);
	if (row->user_timeout_ms)
		set_opt(s, SOL_TCP, TCP_USER_TIMEOUT, (int)row->user_timeout_ms);
	if (row->orphan)
		sock_release(s);
	end = host_clock() + row->lives_s * NSEC_PER_SEC;
	for (u32 seen = 0; host_clock() < end;) {
		host_clock_advance(100000000);
		if (row->answered && peer.n > seen)
			tell(TCPHDR_ACK, peer.seq, 0, 0);
		seen = peer.n;
	}
	CHECK(sk->sk_state != TCP_CLOSE);
	if (row->dead_s) {
		host_clock_advance((row->dead_s - row->lives_s) * NSEC_PER_SEC);
		CHECK_EQ(sk->sk_state, TCP_CLOSE);
		CHECK_EQ(sk->sk_err, ETIMEDOUT);
	}
	if (!row->orphan)
		sock_release(s);
	sock_put(sk);
	peer_down();
}

TEST(probe_without_memory)
{
	struct socket *s;

	peer_up();
	s = shut_out();
	peer_memory(false);
	host_clock_advance(2 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(tcp_sk(s->sk)->probes_out, 0); /* none went: the peer is not to blame */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPWinProbe), 0);
	peer_memory(true);
	host_clock_advance(600000000);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* --- Delayed ACKs (RFC 9293 MUST-40) ------------------------------------------------------------------------------------------ */
struct delack_row {
	const char *name;
	u32 lens[4];    /* segments that arrive together */
	bool dialogue;  /* no immediate ACKs are granted any more */
	u32 now, later; /* ACKs at once; ACKs by the timer */
};

static const struct delack_row delack_table[] = {
	{ "first_ones_at_once", { 10 }, false, 1, 0 },
	{ "one_small", { 10 }, true, 0, 1 },
	{ "two_small", { 10, 10 }, true, 0, 1 },
	{ "one_full", { 1460 }, true, 0, 1 },
	{ "two_full", { 1460, 1460 }, true, 1, 0 },
	{ "full_and_one_byte", { 1460, 1 }, true, 1, 0 },
	{ "three_full", { 1460, 1460, 1460 }, true, 1, 1 },
	{ "four_full", { 1460, 1460, 1460, 1460 }, true, 2, 0 },
};

TEST_EACH(delayed_ack, delack_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	tell_text(1460); /* the size of a segment is known */
	host_clock_advance(NSEC_PER_SEC);
	if (row->dialogue)
		tp->quick = 0;
	tp->lrcvtime_ns = host_clock(); /* no pause */
	peer_hush();
	for (u32 i = 0; i < 4 && row->lens[i]; i++)
		tell_text(row->lens[i]);
	CHECK_EQ(peer.n, row->now);
	host_clock_advance(39000000);
	CHECK_EQ(peer.n, row->now);
	host_clock_advance(11000000);
	CHECK_EQ(peer.n, row->now + row->later);
	CHECK_EQ(said(0)->ack, peer.seq);
	CHECK_EQ(peer_mib(LINUX_MIB_DelayedACKs), row->later);
	host_clock_advance(NSEC_PER_SEC);
	CHECK_EQ(peer.n, row->now + row->later);
	sock_release(s);
	peer_down();
}

/* Data takes the ACK along: no segment of its own. */
TEST(ack_rides_on_data)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	tcp_sk(s->sk)->quick = 0;
	tcp_sk(s->sk)->ato_ns = TCP_DELACK_MIN_NS;
	tcp_sk(s->sk)->lrcvtime_ns = host_clock();
	tell_text(10);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(put(s, "answer", 6, 0), 6);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->ack, peer.seq);
	host_clock_advance(NSEC_PER_SEC / 10);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(tcp_sk(s->sk)->ack_pending, 0);
	CHECK(tcp_sk(s->sk)->pingpong);
	sock_release(s);
	peer_down();
}

/* An ACK without memory is only late. */
TEST(ack_without_memory)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer_memory(false);
	tell_text(10);
	CHECK_EQ(peer.n, 0);
	peer_memory(true);
	host_clock_advance(45000000);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(10000000);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->ack, peer.seq);
	sock_release(s);
	peer_down();
}

/* A sender that was silent for a timeout starts slowly again: immediate ACKs help it. */
TEST(quick_again_after_silence)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	tell_text(10);
	tcp_sk(s->sk)->quick = 0;
	tcp_sk(s->sk)->ato_ns = TCP_DELACK_MIN_NS;
	host_clock_advance(100000000);
	peer_hush();
	tell_text(10);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(2 * NSEC_PER_SEC);
	peer_hush();
	tell_text(10);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* --- Keep-alive (RFC 9293, 3.8.4) ------------------------------------------------------------------------------------------- */
static struct socket *kept_alive(int idle, int intvl, int cnt)
{
	struct socket *s = peer_connected();

	set_opt(s, SOL_TCP, TCP_KEEPIDLE, idle);
	set_opt(s, SOL_TCP, TCP_KEEPINTVL, intvl);
	set_opt(s, SOL_TCP, TCP_KEEPCNT, cnt);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	return s;
}

TEST(keepalive_schedule)
{
	static const u32 at_ms[] = { 5000, 7000, 9000, 11000 };
	struct socket *s;
	u64 t0;

	peer_up();
	s = kept_alive(5, 2, 3);
	t0 = host_clock();
	host_clock_advance(20 * NSEC_PER_SEC);
	said_at_ms(t0, at_ms, 4);
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(peer.out[i].seq, peer.nxt - 1);
		CHECK_EQ(peer.out[i].flags, TCPHDR_ACK);
		CHECK_EQ(peer.out[i].len, 0);
	}
	CHECK_EQ(peer.out[3].flags, TCPHDR_RST | TCPHDR_ACK);
	CHECK_EQ(s->sk->sk_err, ETIMEDOUT);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	sock_release(s);
	peer_down();
}

TEST(keepalive_answered_begins_anew)
{
	struct socket *s;

	peer_up();
	s = kept_alive(5, 2, 3);
	for (u32 i = 0; i < 10; i++) {
		host_clock_advance(5100000000);
		CHECK_EQ(peer.n, 1);
		tell(TCPHDR_ACK, peer.seq, 0, 0);
		peer_hush();
	}
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPKeepAlive), 10);
	sock_release(s);
	peer_down();
}

/* Traffic of the peer puts the first probe off; data in flight leaves the watch to its own timer. */
TEST(keepalive_waits_for_idleness)
{
	struct socket *s;

	peer_up();
	s = kept_alive(5, 2, 3);
	host_clock_advance(4 * NSEC_PER_SEC);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	host_clock_advance(4 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(1100000000);
	CHECK_EQ(peer.n, 1);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	peer_hush();
	CHECK_EQ(put(s, "x", 1, 0), 1);
	host_clock_advance(6 * NSEC_PER_SEC);
	for (u32 i = 0; i < peer.n; i++)
		CHECK_EQ(peer.out[i].len, 1); /* repetitions, no probes */
	peer_ack();
	sock_release(s);
	peer_down();
}

TEST(keepalive_with_user_timeout)
{
	struct socket *s;

	peer_up();
	s = kept_alive(2, 1, 100);
	set_opt(s, SOL_TCP, TCP_USER_TIMEOUT, 6500);
	host_clock_advance(6 * NSEC_PER_SEC);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	host_clock_advance(1500000000);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(s->sk->sk_err, ETIMEDOUT);
	sock_release(s);
	peer_down();
}

TEST(keepalive_without_memory)
{
	struct socket *s;

	peer_up();
	s = kept_alive(2, 1, 2);
	peer_memory(false);
	host_clock_advance(10 * NSEC_PER_SEC);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED); /* no probe went, so nobody failed to answer */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPKeepAlive), 0);
	peer_memory(true);
	host_clock_advance(600000000);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* Switched off, on, on again; before, during and after a connection. */
TEST(keepalive_switch)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	set_opt(s, SOL_TCP, TCP_KEEPIDLE, 3);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1); /* before: begins with the connection */
	peer.sport = PORT;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	peer.dport = said(0)->sport;
	peer.nxt = said(0)->seq + 1;
	peer_answer_syn(peer_mss1460, 4);
	peer_hush();
	host_clock_advance(3100000000);
	CHECK_EQ(peer.n, 1);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 0);
	peer_hush();
	host_clock_advance(20 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 0);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	host_clock_advance(3100000000);
	CHECK_EQ(peer.n, 1);
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 0);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	sock_release(s);
	peer_down();
}

/* The default of two hours (RFC 9293 MUST-28), from the instance's setting. */
TEST(keepalive_by_the_instance)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	host_clock_advance(7199 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(2 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 1);
	host_clock_advance(75 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 2);
	host_clock_advance(7 * 75 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 9);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	host_clock_advance(76 * NSEC_PER_SEC);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	sock_release(s);
	peer_down();
}

/* --- FIN-WAIT-2 of an orphan -------------------------------------------------------------------------------------------------- */
struct linger_row {
	const char *name;
	int linger2; /* 0: the instance's */
	const char *fin_timeout;
	u32 lives_ms, dead_ms;
};

static const struct linger_row linger_table[] = {
	{ "default_60_s", 0, NULL, 59000, 61000 },
	{ "instance_5_s", 0, "5", 4500, 5500 },
	{ "own_3_s", 3, NULL, 2500, 3500 },
	{ "own_longer_than_the_instance", 30, "5", 29500, 30500 },
};

TEST_EACH(fin_wait_2, linger_table)
{
	struct socket *s;

	peer_up();
	if (row->fin_timeout)
		CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_fin_timeout", row->fin_timeout), 0);
	s = peer_connected();
	if (row->linger2)
		set_opt(s, SOL_TCP, TCP_LINGER2, row->linger2);
	sock_release(s);
	peer_ack();
	CHECK_EQ(peer_found(), TCP_FIN_WAIT2);
	host_clock_advance(row->lives_ms * NSEC_PER_MSEC);
	CHECK_EQ(peer_found(), TCP_FIN_WAIT2);
	host_clock_advance((row->dead_ms - row->lives_ms) * NSEC_PER_MSEC);
	CHECK_EQ(peer_found(), TCP_CLOSE);
	peer_hush();
	tell_fin(); /* late: a RST */
	CHECK_EQ(said(0)->flags, TCPHDR_RST);
	peer_down();
}

TEST(linger2_negative_waits_for_nothing)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	set_opt(s, SOL_TCP, TCP_LINGER2, -1);
	sock_release(s);
	CHECK_EQ(peer_found(), TCP_FIN_WAIT1);
	peer_ack();
	CHECK_EQ(peer_found(), TCP_CLOSE);
	CHECK_EQ(hosts[0]->tcp->orphan_count, 0);
	peer_down();
}

/* close() when FIN-WAIT-2 is there already (after shutdown()). */
TEST(close_in_fin_wait_2)
{
	struct socket *s;

	for (u32 how = 0; how < 2; how++) {
		peer_up();
		s = peer_connected();
		if (how)
			set_opt(s, SOL_TCP, TCP_LINGER2, -1);
		CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
		peer_ack();
		CHECK_EQ(peer_found(), TCP_FIN_WAIT2);
		host_clock_advance(100 * NSEC_PER_SEC); /* half-closed may last */
		CHECK_EQ(peer_found(), TCP_FIN_WAIT2);
		peer_hush();
		sock_release(s);
		if (how) {
			host_clock_advance(10000000); /* the neighbour is asked for again */
			CHECK_EQ(peer_found(), TCP_CLOSE);
			CHECK_EQ(said(0)->flags, TCPHDR_RST | TCPHDR_ACK);
			CHECK_EQ(peer_mib(LINUX_MIB_TCPAbortOnLinger), 1);
		} else {
			host_clock_advance(59 * NSEC_PER_SEC);
			CHECK_EQ(peer_found(), TCP_FIN_WAIT2);
			host_clock_advance(2 * NSEC_PER_SEC);
			CHECK_EQ(peer_found(), TCP_CLOSE);
		}
		peer_down();
	}
}

/* --- Fired while the application owns the socket -------------------------------------------------------------------------------- */
TEST(retransmission_waits_for_the_owner)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "lost", 4, 0), 4);
	lock_sock(s->sk);
	host_clock_advance(300000000);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_WRITE);
	release_sock(s->sk);
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(tcp_sk(s->sk)->deferred, 0);
	sock_release(s);
	peer_down();
}

TEST(delayed_ack_waits_for_the_owner)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	tcp_sk(s->sk)->quick = 0;
	tcp_sk(s->sk)->ato_ns = TCP_DELACK_MIN_NS;
	tcp_sk(s->sk)->lrcvtime_ns = host_clock();
	tell_text(10);
	lock_sock(s->sk);
	host_clock_advance(100000000);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_DELACK);
	CHECK_EQ(peer_mib(LINUX_MIB_DelayedACKLocked), 1);
	release_sock(s->sk);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

TEST(keepalive_waits_for_the_owner)
{
	struct socket *s;

	peer_up();
	s = kept_alive(2, 1, 5);
	lock_sock(s->sk);
	host_clock_advance(3 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_KEEPALIVE);
	release_sock(s->sk);
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* Deferred, but meanwhile there is nothing left to do: the ACK came on the backlog first. */
TEST(deferred_work_may_be_over)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "late", 4, 0), 4);
	peer_follow();
	lock_sock(s->sk);
	host_clock_advance(300000000);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_WRITE);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 1);
	release_sock(s->sk); /* backlog, then the timer */
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	CHECK_EQ(tcp_sk(s->sk)->retransmits, 0);
	/* The same with a RST: every deferred handler meets CLOSE. */
	CHECK_EQ(put(s, "late", 4, 0), 4);
	set_opt(s, SOL_TCP, TCP_KEEPIDLE, 1);
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	tcp_sk(s->sk)->quick = 0;
	tcp_sk(s->sk)->ato_ns = TCP_DELACK_MIN_NS;
	tcp_sk(s->sk)->lrcvtime_ns = host_clock();
	tell_text(10);
	lock_sock(s->sk);
	host_clock_advance(2 * NSEC_PER_SEC);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_WRITE | TCP_DEFER_DELACK | TCP_DEFER_KEEPALIVE);
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
	release_sock(s->sk);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(tcp_sk(s->sk)->deferred, 0);
	CHECK_EQ(peer.n, 2);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
