// SPDX-License-Identifier: MIT
/* The acknowledgment field at its edges, also where numbers wrap; what an ACK frees, measures and lets go. */
#include "peer.h"

static u8 data[20000];

/* --- SEG.ACK (RFC 9293, 3.10.7.4 fifth; RFC 5961, 5) ---------------------------------------------------------------------- */
struct ack_row {
	const char *name;
	enum {
		UNA,
		NXT,
		WINDOW,
		SENT
	} from; /* SND.UNA, SND.NXT, SND.UNA - MAX.SND.WND, the first of 100 that were sent */
	s32 off;
	bool text;      /* the ten bytes that come along are taken */
	bool challenge; /* asked back */
	u32 freed;      /* bytes acknowledged, of 1000 that are out */
};

static const struct ack_row ack_table[] = {
	{ "una", UNA, 0, true, false, 0 },
	{ "una_less_1", UNA, -1, true, false, 0 },
	{ "una_and_1", UNA, 1, true, false, 1 },
	{ "nxt_less_1", NXT, -1, true, false, 999 },
	{ "nxt", NXT, 0, true, false, 1000 },
	{ "nxt_and_1", NXT, 1, false, true, 0 },
	{ "far_beyond", NXT, 1 << 30, false, true, 0 },
	{ "oldest_that_counts", WINDOW, 0, true, false, 0 },
	{ "one_older", WINDOW, -1, false, true, 0 },
	{ "first_that_was_sent", SENT, 0, true, false, 0 },
	{ "never_sent", SENT, -1, false, true, 0 },
	{ "far_before", WINDOW, -(1 << 30), false, true, 0 },
};

static void ack_one(const struct ack_row *row, u32 una)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 shift, ack;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	shift = una - tp->snd_una; /* nothing is out: the numbers may be moved */
	tp->snd_una = tp->snd_nxt = tp->write_seq = tp->pushed_seq = tp->snd_sml =
		tp->snd_una + shift;
	tp->snd_wl2 = tp->cwnd_usage_seq = una;
	peer.nxt += shift;
	CHECK_EQ(put(s, data, 1000, 0), 1000);
	CHECK_EQ(said(0)->seq, una);
	peer.n = 0;
	tp->bytes_acked = row->from == SENT ? 100 : 1u << 31;
	ack = (row->from == UNA    ? una
	       : row->from == NXT  ? una + 1000
	       : row->from == SENT ? una - 100
				   : una - tp->max_window) +
	      (u32)row->off;
	tell_raw(TCPHDR_ACK, peer.seq, ack, 10);
	CHECK_EQ(tp->rcv_nxt - peer.seq, row->text ? 10 : 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPChallengeACK), row->challenge);
	CHECK_EQ(tp->snd_una - una, row->freed);
	CHECK_EQ(tp->packets_out, row->freed < 1000);
	CHECK_EQ(said(0)->flags, TCPHDR_ACK); /* for the text, or the challenge */
	CHECK_EQ(said(0)->seq, una + 1000);
	sock_release(s);
	peer_down();
}

TEST_EACH(field, ack_table)
{
	ack_one(row, 0x10000000u);
}
TEST_EACH(field_flight_wraps, ack_table)
{
	ack_one(row, 0xffffff00u);
}
TEST_EACH(field_old_side_wraps, ack_table)
{
	ack_one(row, 100);
}
TEST_EACH(field_una_is_zero, ack_table)
{
	ack_one(row, 0);
}

/* Challenges of a connection: two a second at most, a little at random (RFC 5961, 7). */
/* What the next segment counts: as expected and all news, another without text, or none of the two. */
struct kind_row {
	const char *name;
	u32 acks;  /* of 1000 bytes that are out */
	u32 text;  /* that comes along */
	s32 ahead; /* of what is expected */
	s32 wider; /* the window, so much wider */
	u8 flags;
	u32 hp, pure;
};

static const struct kind_row kind_table[] = {
	{ "all", 1000, 0, 0, 0, 0, 1, 0 },
	{ "some", 1, 0, 0, 0, 0, 1, 0 },
	{ "with_text", 1000, 10, 0, 0, TCPHDR_PSH, 1, 0 },
	{ "nothing_new", 0, 0, 0, 0, 0, 0, 1 },
	{ "text_and_nothing_new", 0, 10, 0, 0, 0, 0, 0 },
	{ "another_window", 1000, 0, 0, 100, 0, 0, 1 },
	{ "a_number_ahead", 1000, 0, 1, 0, 0, 0, 1 },
	{ "at_the_end", 1000, 0, 0, 0, TCPHDR_FIN, 0, 0 },
};

TEST_EACH(counts, kind_table)
{
	struct socket *s;
	u64 hp, pure;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 1000, 0), 1000);
	hp = peer_mib(LINUX_MIB_TCPHPAcks);
	pure = peer_mib(LINUX_MIB_TCPPureAcks);
	peer.wnd = (u16)(peer.wnd + row->wider);
	tell_raw(TCPHDR_ACK | row->flags, peer.seq + (u32)row->ahead,
		 tcp_sk(s->sk)->snd_una + row->acks, row->text);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPHPAcks) - hp, row->hp);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPPureAcks) - pure, row->pure);
	sock_release(s);
	peer_down();
}

TEST(challenges_are_limited)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	for (u32 i = 0; i < 1000; i++) {
		tell(TCPHDR_ACK, peer.seq, 1, 0);
		host_clock_advance(10000000);
	}
	CHECK(peer.n >= 17);
	CHECK(peer.n <= 21);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPACKSkippedChallenge), 1000 - peer.n);
	sock_release(s);
	peer_down();
}

/* --- What it frees ------------------------------------------------------------------------------------------------------------ */
struct free_row {
	const char *name;
	u32 ack, left,
		queued; /* bytes acknowledged of three segments; segments that stay; whole segments unsent */
};

static const struct free_row free_table[] = {
	{ "nothing", 0, 3, 0 }, { "a_part", 1459, 3, 0 },
	{ "one", 1460, 2, 0 },  { "one_and_a_bit", 1461, 2, 0 },
	{ "two", 2920, 1, 0 },  { "all_but_one_byte", 4379, 1, 0 },
	{ "all", 4380, 0, 0 },
};

TEST_EACH(frees, free_table)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 queued;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 4380, 0), 4380);
	queued = s->sk->sk_wmem_queued;
	tell_raw(TCPHDR_ACK, peer.seq, peer.nxt + row->ack, 0);
	CHECK_EQ(tp->packets_out, row->left);
	CHECK_EQ(tp->tcp_rtx_queue.qlen, row->left);
	CHECK_EQ(s->sk->sk_wmem_queued, queued / 3 * row->left);
	CHECK_EQ(tp->pending, row->left ? TCP_TIME_RETRANS : TCP_TIME_NONE);
	CHECK_EQ(tp->bytes_acked, row->ack + 1); /* and the SYN */
	sock_release(s);
	peer_down();
}

/* --- What it measures: the first segment that is covered, if all went only once (Karn) --------------------------------------------------------------- */
TEST(measures_the_round_trip)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	tcp_rtt_init(&tp->rtt);
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	host_clock_advance(30000000);
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	host_clock_advance(50000000);
	tell_raw(TCPHDR_ACK, peer.seq, peer.nxt + 2920, 0);
	CHECK_EQ(tp->rtt.srtt8_us / 8, 80000);
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	host_clock_advance(400000000); /* repeated */
	tell_raw(TCPHDR_ACK, peer.seq, peer.nxt + 4380, 0);
	CHECK_EQ(tp->rtt.srtt8_us / 8, 80000);
	CHECK_EQ(tp->rtt.min_us, 50000); /* of the last */
	sock_release(s);
	peer_down();
}

/* --- A FIN without memory, while data is out: it rides on that ------------------------------------------------------------------- */
TEST(fin_rides_on_what_was_sent)
{
	struct socket *s;
	struct tcp_sock *tp;

	for (u32 acked = 0; acked < 2; acked++) { /* the peer has the data already, or not */
		peer_up();
		s = peer_connected();
		tp = tcp_sk(s->sk);
		CHECK_EQ(put(s, data, 100, 0), 100);
		CHECK_EQ(peer.n, 1);
		peer_follow();
		peer_memory(false);
		CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
		peer_memory(true);
		CHECK_EQ(peer.n, 1); /* nothing went */
		CHECK_EQ(state_of(s), TCP_FIN_WAIT1);
		CHECK_EQ(tp->snd_nxt, peer.nxt + 1);
		if (acked)
			tell(TCPHDR_ACK, peer.seq, 0, 0);
		CHECK_EQ(tp->packets_out, 1);
		host_clock_advance(300000000);
		CHECK_EQ(peer.n, 2);
		CHECK_EQ(said(0)->flags & TCPHDR_FIN, TCPHDR_FIN);
		CHECK_EQ(said(0)->len, acked ? 0 : 100);
		CHECK_EQ(said(0)->seq + said(0)->len, peer.nxt);
		peer_ack();
		CHECK_EQ(state_of(s), TCP_FIN_WAIT2);
		sock_release(s);
		peer_down();
	}
}

/* --- The owner finds a RST and more on his backlog -------------------------------------------------------------------------------- */
TEST(text_behind_a_reset)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	lock_sock(s->sk);
	tell_raw(TCPHDR_RST, peer.seq, 0, 0);
	tell(TCPHDR_ACK, peer.seq, 0, 10);
	release_sock(s->sk);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	CHECK_EQ(s->sk->sk_err, ECONNRESET);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_EstabResets], 1);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_OutRsts], 1);
	CHECK_EQ(peer.n, 1); /* the text meets a closed connection */
	CHECK_EQ(said(0)->flags, TCPHDR_RST);
	CHECK_EQ(said(0)->seq, peer.nxt);
	sock_release(s);
	peer_down();
}

/* --- Written for a larger segment size -------------------------------------------------------------------------------------------- */
struct resize_row {
	const char *name;
	u32 mtu, segs, first;
	bool memory;
};

static const struct resize_row resize_table[] = {
	{ "one_byte_less", 1499, 3, 1459, true }, /* each of two is cut into 1459 and 1 */
	{ "much_less", 552, 5, 512, true },       /* the last piece is Nagle's */
	{ "no_memory_to_cut", 1499, 0, 0, false },
};

TEST_EACH(unsent_is_cut_anew, resize_table)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer.wnd = 0;
	CHECK_EQ(put(s, data, 1, 0), 1);
	peer_ack();
	CHECK_EQ(put(s, data, 2920, 0), 2920); /* waits for the window */
	peer_path_mtu(s->sk, row->mtu);
	peer_hush();
	peer.wnd = 65535;
	peer_memory(row->memory);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	peer_memory(true);
	CHECK_EQ(peer.n, row->segs);
	if (row->segs)
		CHECK_EQ(peer.out[0].len, row->first);
	for (u32 i = 0; i < 10; i++) {
		host_clock_advance(300000000);
		peer_ack();
	}
	CHECK_EQ(tcp_sk(s->sk)->snd_una, tcp_sk(s->sk)->write_seq); /* in the end all of it */
	sock_release(s);
	peer_down();
}

/* --- Timers again and again ----------------------------------------------------------------------------------------------------------- */
TEST(a_timer_fires_twice_under_its_owner)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 100, 0), 100);
	lock_sock(s->sk);
	host_clock_advance(300000000);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_WRITE);
	local_bh_disable();
	tcp_reset_xmit_timer(s->sk, TCP_TIME_RETRANS, 1000000);
	local_bh_enable();
	host_clock_advance(100000000);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_WRITE);
	release_sock(s->sk);
	CHECK_EQ(peer.n, 2); /* once */
	sock_release(s);
	peer_down(); /* no reference is left over: asserted */
}

/* Counters of repetitions end at their greatest value. */
TEST(counts_do_not_wrap)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_retries2", "255"), 0);
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 100, 0), 100);
	tp->retransmits = UINT8_MAX;
	tp->backoff = TCP_MAX_BACKOFF;
	host_clock_advance(NSEC_PER_SEC);
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(tp->retransmits, UINT8_MAX);
	CHECK_EQ(tp->backoff, TCP_MAX_BACKOFF);
	peer_ack();
	peer.wnd = 0;
	tell(TCPHDR_ACK, peer.seq + 1, 0, 0);
	CHECK_EQ(put(s, data, 100, 0), 100);
	tp->backoff = TCP_MAX_BACKOFF;
	tp->probes_out = UINT8_MAX - 1;
	peer_hush();
	tell(TCPHDR_ACK, peer.seq, 0,
	     0); /* resets the count of unanswered ones, not the back-off */
	CHECK_EQ(tp->probes_out, 0);
	CHECK_EQ(tp->backoff, TCP_MAX_BACKOFF);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
