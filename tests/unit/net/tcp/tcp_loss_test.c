// SPDX-License-Identifier: MIT
/*
 * Recovery with SACK: what PRR earns, what each kind of end and of second thought is counted as. Ten segments of thirty are out at the
 * start, the window is NewReno's.
 */
#include "peer.h"

#define MSS 1448u /* leaves room for timestamps */
#define MS  NSEC_PER_MSEC

static u8 data[30 * MSS];
static u32 base;  /* sequence number of the first byte */
static u32 tsval; /* of the host's clock when the ten went */
static struct socket *s;
static struct tcp_sock *tp;

enum { PLAIN = 0, STAMPS = 1, NO_PROBES = 2 };

/* Each test begins with ten segments out, and ends with the connection. */
static void ten_out(u32 how)
{
	static const u8 mss[4] = { TCPOPT_MSS, TCPOLEN_MSS, MSS >> 8, MSS & 255 };

	peer_up();
	if (how & NO_PROBES)
		CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_early_retrans", "0"), 0);
	s = peer_connected_opt(mss, 4);
	tp = tcp_sk(s->sk);
	set_opt(s, SOL_SOCKET, SO_SNDBUF, 1000000);
	tp->sack_ok = true;
	tp->tstamp_ok = how & STAMPS;
	tp->rtt.min_us = 10000;
	tp->rtt.srtt8_us = 80000;
	base = peer.nxt;
	tsval = tcp_tsval(host_clock(), tp->tsoffset);
	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	peer.n = 0;
}

static void end(void)
{
	sock_release(s);
	peer_down();
}

/* An ACK of @acked segments with one block, [@from, @to) segments, if there is one; and an echo of @echo ms behind the ten. */
static void told(u32 acked, u32 from, u32 to, s32 echo)
{
	u8 *p = peer.opt;

	peer.optlen = 0;
	if (echo >= 0) {
		p[0] = p[1] = TCPOPT_NOP;
		p[2] = TCPOPT_TIMESTAMP;
		p[3] = TCPOLEN_TIMESTAMP;
		put_unaligned_be32(1, p + 4);
		put_unaligned_be32(tsval + (u32)echo, p + 8);
		peer.optlen = 12;
	}
	if (from != to) {
		p += peer.optlen;
		p[0] = p[1] = TCPOPT_NOP;
		p[2] = TCPOPT_SACK;
		p[3] = 10;
		put_unaligned_be32(base + from * MSS, p + 4);
		put_unaligned_be32(base + to * MSS, p + 8);
		peer.optlen = (u8)(peer.optlen + 12);
	}
	tell_raw(TCPHDR_ACK, peer.seq, base + acked * MSS, 0);
	peer.optlen = 0;
}

/* --- PRR (RFC 6937, 3) ------------------------------------------------------------------------------------------------------- */
static const struct prr_row {
	const char *name;
	u32 ssthresh, prior, flight; /* segments */
	u32 had, out;                /* delivered and sent before */
	u32 delivered, lost;         /* by this ACK */
	bool progress;
	u32 want;
} prr_table[] = {
	{ "nothing_delivered", 7, 10, 9, 0, 0, 0, 0, false, 33 },
	{ "first_goes_in_any_case", 7, 10, 12, 0, 0, 1, 1, false, 13 },
	{ "in_proportion", 7, 10, 8, 1, 1, 1, 0, false, 9 },
	{ "in_proportion_none", 7, 10, 8, 3, 3, 1, 0, false, 8 },
	{ "ssthresh_is_reached", 7, 10, 7, 4, 3, 1, 0, false, 7 },
	{ "below_it_what_was_delivered", 7, 10, 5, 5, 5, 1, 0, false, 6 },
	{ "below_it_what_is_owed", 7, 10, 3, 8, 5, 1, 0, false, 7 },
	{ "below_it_one_more_with_progress", 7, 10, 4, 5, 5, 1, 0, true, 6 },
	{ "not_if_something_is_newly_lost", 7, 10, 4, 5, 5, 1, 2, true, 5 },
	{ "never_beyond_ssthresh", 7, 10, 6, 5, 1, 3, 0, true, 7 },
	{ "never_below_one", 2, 10, 0, 5, 20, 1, 0, false, 1 },
};

TEST_EACH(prr, prr_table)
{
	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	tp->ca_state = TCP_CA_Recovery;
	tp->cc.cwnd = 33;
	tp->cc.ssthresh = row->ssthresh;
	tp->prr = (struct tcp_prr){ row->had, row->out, row->prior };
	tp->packets_out = row->flight;
	tcp_cwnd_reduction(tp, row->delivered, row->lost, row->progress);
	CHECK_EQ(tp->cc.cwnd, row->want);
	tp->packets_out = 0;
	tp->ca_state = TCP_CA_Open;
	end();
}

/* --- What is counted ------------------------------------------------------------------------------------------------------------- */
TEST(recovery_and_its_undo_by_dsack)
{
	ten_out(PLAIN);
	host_clock_advance(10 * MS);
	told(0, 1, 4, -1);
	CHECK_EQ(tp->ca_state, TCP_CA_Recovery);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSackRecovery), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPFastRetrans), 1);
	told(10, 0, 0, -1);
	CHECK_EQ(tp->ca_state, TCP_CA_Open);
	CHECK_EQ(tp->cc.cwnd, 6); /* 5, and more than a window came */
	told(10, 0, 1, -1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDSACKRecv), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDSACKRecvSegs), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDSACKUndo), 1);
	CHECK_EQ(tp->cc.cwnd, 10);
	CHECK_EQ(tp->cc.ssthresh, TCP_INFINITE_SSTHRESH);
	end();
}

TEST(dsack_of_what_was_sent_once_is_dubious)
{
	ten_out(PLAIN);
	told(3, 0, 1, -1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDSACKIgnoredDubious), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPDSACKRecvSegs), 0);
	end();
}

TEST(a_filled_hole_is_reordering)
{
	ten_out(PLAIN);
	told(0, 8, 9, -1);
	told(0, 1, 2, -1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSACKReorder), 1);
	CHECK_EQ(tp->reord_seen, 1);
	CHECK_EQ(tp->reordering, 8); /* segments by which it was overtaken */
	told(9, 0, 0, -1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSACKReorder), 2);
	end();
}

TEST(timeouts_by_the_state_they_find)
{
	ten_out(NO_PROBES);
	host_clock_advance(10 * MS);
	told(0, 9, 10, -1); /* RACK waits */
	CHECK_EQ(tp->ca_state, TCP_CA_Disorder);
	tcp_reset_xmit_timer(s->sk, TCP_TIME_RETRANS, MS);
	host_clock_advance(2 * MS);
	CHECK_EQ(tp->ca_state, TCP_CA_Loss);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSackFailures), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPTimeouts), 1);
	CHECK_EQ(tp->sacked_out, 1);
	end();
}

TEST(timeout_in_recovery)
{
	ten_out(PLAIN);
	host_clock_advance(10 * MS);
	told(0, 1, 4, -1);
	host_clock_advance(2000 * MS);
	CHECK_EQ(tp->ca_state, TCP_CA_Loss);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSackRecoveryFail), 1);
	end();
}

TEST(frto)
{
	ten_out(NO_PROBES);
	host_clock_advance(1500 * MS);
	CHECK_EQ(tp->ca_state, TCP_CA_Loss);
	CHECK(tp->undo.frto);
	told(2, 0, 0, -1); /* the second was sent once */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSpuriousRTOs), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPLossUndo), 1);
	CHECK_EQ(tp->cc.ssthresh, TCP_INFINITE_SSTHRESH);
	CHECK(tp->cc.cwnd >= 10);
	end();
}

TEST(eifel_in_recovery)
{
	ten_out(STAMPS);
	host_clock_advance(10 * MS);
	told(0, 2, 5, 0);
	CHECK_EQ(tp->retrans_out, 1); /* of two that are lost */
	host_clock_advance(5 * MS);
	told(1, 2, 5, 0); /* the first original: it was late, and so is the other */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPTSReorder), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPPartialUndo), 1);
	CHECK_EQ(tp->ca_state, TCP_CA_Disorder);
	CHECK_EQ(tp->lost_out, 0);
	CHECK_EQ(tp->cc.ssthresh, TCP_INFINITE_SSTHRESH);
	told(5, 0, 0, 0);
	CHECK_EQ(tp->ca_state, TCP_CA_Open);
	end();
}

TEST(eifel_at_the_end_of_recovery)
{
	ten_out(STAMPS);
	host_clock_advance(10 * MS);
	told(0, 1, 4, 0);
	host_clock_advance(5 * MS);
	told(10, 0, 0, 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPFullUndo), 1);
	CHECK_EQ(tp->cc.ssthresh, TCP_INFINITE_SSTHRESH);
	end();
}

TEST(probe_that_repaired_a_loss)
{
	ten_out(PLAIN);
	host_clock_advance(10 * MS);
	told(1, 0, 0, -1);
	host_clock_advance(30 * MS);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPLossProbes), 1);
	CHECK(tp->tlp_out && tp->tlp_retrans);
	CHECK_EQ(said(0)->seq, base + 9 * MSS);
	CHECK_EQ(put(s, data, MSS, MSG_DONTWAIT), MSS);
	told(11, 0, 0, -1);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPLossProbeRecovery), 1);
	CHECK_EQ(tp->cc.ssthresh, 5);
	end();
}

TEST(probe_that_is_refused_here_leaves_the_timeout)
{
	ten_out(PLAIN);
	peer_clog(0);
	host_clock_advance(30 * MS);
	peer_unclog();
	CHECK_EQ(peer_mib(LINUX_MIB_TCPLossProbes), 0);
	CHECK(!tp->tlp_out);
	CHECK_EQ(tp->pending, TCP_TIME_RETRANS);
	end();
}

KTEST_MAIN_BOOT()
