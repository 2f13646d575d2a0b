// SPDX-License-Identifier: MIT
/*
 * Loss and repair as a sequence of ACKs and timeouts: fast retransmit, limited transmit, NewReno's partial ACKs, go-back-N,
 * what a duplicate ACK is, a smaller path MTU. Ten segments of thirty are out at the start.
 */
#include "peer.h"

#define MSS 1460u

static u8 data[30 * MSS];
static u32 base; /* sequence number of the first byte */

static struct socket *ten_out(void)
{
	struct socket *s = peer_connected();

	set_opt(s, SOL_SOCKET, SO_SNDBUF, 1000000);
	base = peer.nxt;
	tell_raw(TCPHDR_ACK, peer.seq, base,
		 0); /* newer than the SYN-ACK: what follows may be duplicates */
	CHECK_EQ(put(s, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
	CHECK_EQ(peer.n, 10);
	peer.n = 0;
	return s;
}

/* 'd' a duplicate ACK, 'aNN' an ACK of the first NN segments, 't' 300 ms without news. */
static void play(const char *script)
{
	u32 acked = 0;

	for (const char *p = script; *p; p++) {
		if (*p == 'd') {
			tell_raw(TCPHDR_ACK, peer.seq, base + acked * MSS, 0);
		} else if (*p == 'a') {
			acked = (u32)(p[1] - '0') * 10 + (u32)(p[2] - '0');
			tell_raw(TCPHDR_ACK, peer.seq, base + acked * MSS, 0);
			p += 2;
		} else if (*p == 't') {
			host_clock_advance(300000000);
		}
	}
}

struct script_row {
	const char *name, *script;
	enum tcp_ca_state state;
	u32 cwnd, ssthresh; /* 0: never set */
	u32 sent, last;     /* segments that went; number of the last of them */
	u32 flight;
};

static const struct script_row script_table[] = {
	{ "nothing", "", TCP_CA_Open, 10, 0, 0, 0, 10 },
	{ "one_duplicate", "d", TCP_CA_Disorder, 10, 0, 1, 10,
	  10 }, /* limited transmit, RFC 3042 */
	{ "two_duplicates", "dd", TCP_CA_Disorder, 10, 0, 2, 11, 10 },
	/* ssthresh is half of the window (limited transmit does not count); PRR gets there with one for two that arrive. */
	{ "three_duplicates", "ddd", TCP_CA_Recovery, 9, 5, 3, 0, 9 },
	{ "four", "dddd", TCP_CA_Recovery, 8, 5, 3, 0, 8 },
	{ "five_let_one_out", "ddddd", TCP_CA_Recovery, 8, 5, 4, 12, 8 },
	{ "seven_let_two_out", "ddddddd", TCP_CA_Recovery, 7, 5, 5, 13, 7 },
	{ "eight", "dddddddd", TCP_CA_Recovery, 6, 5, 5, 13, 6 },
	{ "eleven_are_all_there_can_be", "ddddddddddd", TCP_CA_Recovery, 5, 5, 7, 15, 5 },
	{ "disorder_ends_with_progress", "dda01", TCP_CA_Open, 11, 0, 2, 11, 11 },
	{ "counted_anew_after_progress", "dda01dd", TCP_CA_Disorder, 11, 0, 4, 13, 11 },
	{ "partial_ack_of_one", "ddda01", TCP_CA_Recovery, 7, 5, 3, 0, 7 },
	{ "partial_ack_of_five", "ddda05", TCP_CA_Recovery, 7, 5, 4, 5, 7 },
	{ "two_partial_acks", "ddda01a02", TCP_CA_Recovery, 7, 5, 4, 2, 7 },
	{ "all_but_the_last_hole", "ddda11", TCP_CA_Recovery, 5, 5, 8, 15, 5 },
	{ "full_ack", "ddda12", TCP_CA_Recovery, 5, 5, 8, 16, 5 },
	{ "full_ack_and_growth", "ddda12a13", TCP_CA_Open, 5, 5, 9, 17, 5 },
	{ "recovery_once_more", "ddda12a13ddd", TCP_CA_Recovery, 4, 2, 12, 13, 4 },
	{ "timeout", "t", TCP_CA_Loss, 1, 5, 1, 0, 1 },
	{ "timeout_then_one", "ta01", TCP_CA_Loss, 2, 5, 3, 11, 2 }, /* F-RTO: new data */
	{ "timeout_was_spurious", "ta01a02", TCP_CA_Open, 11, 0, 4, 12, 11 },
	{ "timeout_was_not", "ta01d", TCP_CA_Loss, 2, 5, 4, 1, 2 },
	{ "timeout_duplicates_are_ignored", "tddd", TCP_CA_Loss, 1, 5, 1, 0, 1 },
	{ "timeout_then_all", "ta10", TCP_CA_Loss, 6, 5, 7, 15, 6 },
	{ "no_fast_retransmit_at_recover", "ta10ddd", TCP_CA_Loss, 6, 5, 7, 15,
	  6 }, /* RFC 6582, 4 */
	{ "fast_retransmit_beyond_recover", "ta10a11ddd", TCP_CA_Recovery, 5, 3, 11, 11, 5 },
	{ "timeout_in_disorder", "ddt", TCP_CA_Loss, 1, 5, 3, 0, 1 },
	{ "timeout_in_recovery_keeps_ssthresh", "dddt", TCP_CA_Loss, 1, 5, 4, 0, 1 },
	{ "old_ack_is_no_duplicate", "a02a01", TCP_CA_Open, 12, 0, 4, 13, 12 },
};

TEST_EACH(repair, script_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	play(row->script);
	CHECK_EQ(tp->ca_state, row->state);
	CHECK_EQ(tp->cc.cwnd, row->cwnd);
	CHECK_EQ(tp->cc.ssthresh, row->ssthresh ? row->ssthresh : TCP_INFINITE_SSTHRESH);
	CHECK_EQ(peer.n, row->sent);
	if (row->sent) {
		CHECK_EQ((said(0)->seq - base) / MSS, row->last);
		CHECK_EQ(said(0)->len, MSS);
	}
	CHECK_EQ(tcp_packets_in_flight(tp), row->flight);
	CHECK(tp->lost_out + tp->sacked_out <= tp->packets_out);
	sock_release(s);
	peer_down();
}

/* --- What a duplicate ACK is (RFC 5681, 2) --------------------------------------------------------------------------------- */
struct dup_row {
	const char *name;
	s32 ack;
	u32 len;
	u16 wnd;
	u8 flags;
	bool counts;
};

static const struct dup_row dup_table[] = {
	{ "the_same_again", 0, 0, 65535, 0, true },
	{ "with_text", 0, 1, 65535, 0, false },
	{ "with_fin", 0, 0, 65535, TCPHDR_FIN, false },
	{ "narrower_by_an_old_segment", 0, 0, 60000, 0, true }, /* the window does not follow it */
	{ "older", -1, 0, 65535, 0, false },
	{ "newer", 1, 0, 65535, 0, false },
	{ "with_push", 0, 0, 65535, TCPHDR_PSH, true },
};

TEST_EACH(duplicate, dup_table)
{
	struct socket *s;

	peer_up();
	s = ten_out();
	tell_raw(TCPHDR_ACK, peer.seq, base + MSS, 0);
	peer.wnd = row->wnd;
	tell_raw(TCPHDR_ACK | row->flags, peer.seq, base + MSS + (u32)row->ack, row->len);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDupAcks), row->counts);
	CHECK_EQ(tcp_sk(s->sk)->sacked_out, row->counts);
	sock_release(s);
	peer_down();
}

TEST(window_update_is_no_duplicate)
{
	struct socket *s;

	peer_up();
	peer.wnd = 30000;
	s = ten_out();
	for (u32 i = 0; i < 5; i++) {
		peer.wnd += 1000;
		tell_raw(TCPHDR_ACK, peer.seq, base, 0);
	}
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDupAcks), 0);
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Open);
	sock_release(s);
	peer_down();
}

TEST(nothing_out_no_duplicate)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	for (u32 i = 0; i < 5; i++)
		tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDupAcks), 0);
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Open);
	sock_release(s);
	peer_down();
}

/* More duplicates than segments: forged or not, the count stays below what is out. */
TEST(duplicates_without_end)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	for (u32 i = 0; i < 500; i++) {
		tell_raw(TCPHDR_ACK, peer.seq, base, 0);
		CHECK(tp->sacked_out < tp->packets_out);
		CHECK(tp->packets_out <= 30);
	}
	CHECK_EQ(peer_mib(LINUX_MIB_TCPFastRetrans), 1);
	peer_follow();
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(tp->packets_out, 0);
	CHECK_EQ(tp->ca_state, TCP_CA_Open);
	sock_release(s);
	peer_down();
}

/* One segment out, lost: duplicates cannot come; the timer repairs (and one forged duplicate triggers nothing). */
TEST(one_segment)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 100, 0), 100);
	for (u32 i = 0; i < 5; i++)
		tell_raw(TCPHDR_ACK, peer.seq, peer.nxt, 0);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(tcp_sk(s->sk)->sacked_out, 0);
	host_clock_advance(300000000);
	CHECK_EQ(peer.n, 2);
	sock_release(s);
	peer_down();
}

/*
 * The first copy of every segment is lost: the stream comes through in the end, and the counts come to zero. Without timestamps no copy is
 * measured, so it takes long: the timeout stays doubled.
 */
TEST(repair_of_everything)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 have = 0, seen[30] = { 0 };

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	for (u32 round = 0; round < 20000 && have < 30; round++) {
		for (u32 i = 0; i < peer.n; i++) {
			u32 nr = (peer.out[i].seq - base) / MSS;

			seen[nr]++;
		}
		peer.n = 0;
		while (have < 30 && seen[have] >= 2) /* the first copy of each was lost */
			have++;
		tell_raw(TCPHDR_ACK, peer.seq, base + have * MSS, 0);
		host_clock_advance(100000000);
	}
	CHECK_EQ(have, 30);
	CHECK_EQ(tp->snd_una, base + sizeof(data));
	CHECK_EQ(tp->packets_out, 0);
	CHECK_EQ(tp->lost_out, 0);
	CHECK_EQ(tp->retrans_out, 0);
	CHECK_EQ(tp->sacked_out, 0);
	sock_release(s);
	peer_down();
}

/* Our own queue refuses in the middle of a repair: the rest waits, nothing is lost of the account. */
TEST(refused_while_repairing)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	play("t");
	CHECK_EQ(peer.n, 1);
	peer_clog(0);
	play("a01");
	CHECK_EQ(peer.n, 1);
	CHECK(peer_mib(LINUX_MIB_TCPRetransFail) >= 1);
	CHECK_EQ(tp->retrans_out, 0);
	peer_unclog();
	host_clock_advance(3 * NSEC_PER_SEC);
	CHECK(peer.n > 1);
	CHECK_EQ((peer.out[1].seq - base) / MSS, 1);
	sock_release(s);
	peer_down();
}

/* Reduced by our own queue already: recovery does not halve again within the window. */
TEST(recovery_after_cwr)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	local_bh_disable();
	tcp_enter_cwr(s->sk);
	local_bh_enable();
	CHECK_EQ(tp->cc.ssthresh, 5);
	play("ddd");
	CHECK_EQ(tp->ca_state, TCP_CA_Recovery);
	CHECK_EQ(tp->cc.ssthresh, 5);
	CHECK_EQ(tp->cc.cwnd, 8); /* on its way */
	sock_release(s);
	peer_down();
}

TEST(cwr_ends_with_its_window)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	local_bh_disable();
	tcp_enter_cwr(s->sk);
	local_bh_enable();
	play("a09");
	CHECK_EQ(tp->ca_state, TCP_CA_CWR);
	CHECK_EQ(tp->cc.cwnd, 5); /* does not grow meanwhile */
	play("a10");
	CHECK_EQ(tp->ca_state, TCP_CA_CWR);
	play("a11"); /* CWR was heard by now */
	CHECK_EQ(tp->ca_state, TCP_CA_Open);
	sock_release(s);
	peer_down();
}

/* --- The path MTU fell (RFC 1191) ---------------------------------------------------------------------------------------------- */
struct pmtu_row {
	const char *name;
	u32 mtu, segs_out, mss; /* told by ICMP; the segment size then */
	const char *script;     /* before it */
	u32 sent;               /* segments that go at once */
	enum tcp_ca_state state;
};

static const struct pmtu_row pmtu_table[] = {
	{ "1400", 1400, 10, 1360, "", 10, TCP_CA_Loss },
	{ "1499", 1499, 10, 1459, "", 10, TCP_CA_Loss },
	{ "1500_is_no_news", 1500, 10, 1460, "", 0, TCP_CA_Open },
	{ "larger_is_no_news", 9000, 10, 1460, "", 0, TCP_CA_Open },
	{ "68_is_taken_for_552", 68, 10, 512, "", 10, TCP_CA_Loss },
	{ "0_is_taken_for_552", 0, 10, 512, "", 10, TCP_CA_Loss },
	{ "in_recovery", 1400, 10, 1360, "ddd", 9, TCP_CA_Loss },
};

TEST_EACH(path_mtu, pmtu_table)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 edge;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	play(row->script);
	peer.n = 0;
	edge = tp->snd_nxt;
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, row->mtu, base, 8);
	CHECK_EQ(tp->mss_cache, row->mss);
	CHECK_EQ(tp->ca_state, row->state);
	CHECK_EQ(peer.n, row->sent);
	for (u32 i = 0; i < peer.n; i++)
		CHECK(peer.out[i].len <= row->mss);
	CHECK_EQ(tp->cc.cwnd, *row->script ? 9 : 10); /* no sign of congestion */
	CHECK_EQ(tp->snd_nxt, edge);
	/* The same ICMP again, or a larger MTU: nothing. */
	peer.n = 0;
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, row->mtu, base, 8);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, row->mtu + 100, base, 8);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(tp->mss_cache, row->mss);
	sock_release(s);
	peer_down();
}

/* Nothing too large is out: only the size changes. */
TEST(path_mtu_with_small_segments)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 100, 0), 100);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 600, peer.nxt, 8);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 560);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(tcp_sk(s->sk)->ca_state, TCP_CA_Open);
	sock_release(s);
	peer_down();
}

/* While the application owns the socket the news waits. */
TEST(path_mtu_waits_for_the_owner)
{
	struct socket *s;

	peer_up();
	s = ten_out();
	lock_sock(s->sk);
	peer_icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 600, base, 8);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 1460);
	CHECK_EQ(tcp_sk(s->sk)->deferred, TCP_DEFER_MTU);
	CHECK_EQ(peer.n, 0);
	release_sock(s->sk);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 560);
	CHECK_EQ(peer.n, 10);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
