// SPDX-License-Identifier: MIT
/*
 * The scoreboard: what each kind of block does to the counts, the index and the order of sending; packets of many segments are cut at
 * the edges; blocks that mean nothing; D-SACK; how much work a hostile peer can cause. Ten segments of thirty are out at the start.
 */
#include "peer.h"

#define MSS 1460u

static u8 data[30 * MSS];
static u32 base; /* sequence number of the first byte */

static struct socket *ten_out(void)
{
	struct socket *s = peer_connected();

	set_opt(s, SOL_SOCKET, SO_SNDBUF, 1000000);
	tcp_sk(s->sk)->sack_ok = true;
	base = peer.nxt;
	CHECK_EQ(put(s, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
	CHECK_EQ(peer.n, 10);
	peer.n = 0;
	return s;
}

/* An ACK of the first @acked bytes with blocks, each begin and end in bytes; UINT32_MAX ends them. */
static void sack_bytes(u32 acked, const u32 *edge)
{
	u8 *p = peer.opt;

	p[0] = p[1] = TCPOPT_NOP;
	p[2] = TCPOPT_SACK;
	peer.optlen = 4;
	for (; *edge != UINT32_MAX; edge += 2) {
		put_unaligned_be32(base + edge[0], p + peer.optlen);
		put_unaligned_be32(base + edge[1], p + peer.optlen + 4);
		peer.optlen = (u8)(peer.optlen + 8);
	}
	p[3] = (u8)(peer.optlen - 2);
	if (peer.optlen == 4)
		peer.optlen = 0;
	tell_raw(TCPHDR_ACK, peer.seq, base + acked, 0);
	peer.optlen = 0;
}

/* All counts from the marks; index and order of sending hold what they should. */
static void check_counts(const struct tcp_sock *tp)
{
	u32 out = 0, sacked = 0, lost = 0, again = 0, listed = 0;
	const struct sk_buff *skb, *next = tcp_index_first(&tp->rtx_index), *prev = NULL;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

		out += cb->segs;
		sacked += cb->sacked & TCPCB_SACKED_ACKED ? cb->segs : 0;
		lost += cb->sacked & TCPCB_LOST ? cb->segs : 0;
		again += cb->sacked & TCPCB_SACKED_RETRANS ? cb->segs : 0;
		listed += skb->tsorted.next != NULL;
		if (cb->sacked & TCPCB_SACKED_ACKED) {
			CHECK(!skb->tsorted.next);
			CHECK(!(cb->sacked & TCPCB_LOST));
			continue;
		}
		CHECK(skb == next);
		next = tcp_index_next(skb);
	}
	CHECK(!next);
	CHECK_EQ(out, tp->packets_out);
	CHECK_EQ(sacked, tp->sacked_out);
	CHECK_EQ(lost, tp->lost_out);
	CHECK_EQ(again, tp->retrans_out);
	list_for_each_entry(skb, &tp->tsorted, tsorted) {
		CHECK(!prev || prev->tstamp_ns <= skb->tstamp_ns);
		prev = skb;
		listed--;
	}
	CHECK_EQ(listed, 0);
}

struct block_row {
	const char *name;
	u32 acked;    /* bytes */
	u32 edge[10]; /* bytes; UINT32_MAX: the end */
	u32 sacked;   /* segments, of those that were out */
	u64 discarded;
};
#define END  UINT32_MAX
#define S(n) ((n)*MSS)
static const struct block_row block_table[] = {
	{ "none", 0, { END }, 0, 0 },
	{ "second_segment", 0, { S(1), S(2), END }, 1, 0 },
	{ "two_blocks", 0, { S(1), S(2), S(3), S(4), END }, 2, 0 },
	{ "four_blocks", 0, { S(1), S(2), S(3), S(4), S(5), S(6), S(7), S(8), END }, 4, 0 },
	{ "blocks_in_any_order", 0, { S(7), S(8), S(1), S(2), S(4), S(6), END }, 4, 0 },
	{ "overlapping_blocks", 0, { S(1), S(4), S(2), S(6), S(1), S(6), END }, 5, 0 },
	{ "all_but_the_first", 0, { S(1), S(10), END }, 9, 0 },
	{ "behind_what_it_acknowledges", S(2), { S(3), S(5), END }, 2, 0 },
	{ "part_of_a_segment", 0, { S(1) + 1, S(2), END }, 0, 0 },
	{ "begins_in_a_segment", 0, { S(1) + 1, S(3), END }, 1, 0 },
	{ "ends_in_a_segment", 0, { S(1), S(3) - 1, END }, 1, 0 },
	{ "one_byte", 0, { S(4), S(4) + 1, END }, 0, 0 },
	{ "reversed", 0, { S(4), S(3), END }, 0, 1 },
	{ "empty", 0, { S(3), S(3), END }, 0, 1 },
	{ "never_sent", 0, { S(29), S(30), END }, 0, 1 },
	{ "ends_beyond_what_was_sent", 0, { S(9), S(13) + 1, END }, 0, 1 },
	{ "begins_at_snd_una", 0, { 0, S(1), END }, 0, 1 },
	{ "what_it_acknowledges", S(2), { S(2), S(3), END }, 0, 1 },
	{ "half_the_numbers_away", 0, { S(1), S(1) + 0x80000001u, END }, 0, 1 },
	{ "good_after_bad", 0, { S(4), S(3), S(1), S(2), END }, 1, 1 },
};

TEST_EACH(block, block_table)
{
	struct tcp_sock *tp;
	struct socket *s;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	sack_bytes(row->acked, row->edge);
	CHECK_EQ(tp->sacked_out, row->sacked);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSACKDiscard), row->discarded);
	check_counts(tp);
	/* The same once more is no news. */
	sack_bytes(row->acked, row->edge);
	CHECK_EQ(tp->sacked_out, row->sacked);
	check_counts(tp);
	sack_bytes(S(10), (const u32[]){ END });
	CHECK_EQ(tp->sacked_out, 0);
	CHECK_EQ(tp->lost_out, 0);
	CHECK_EQ(tp->retrans_out, 0);
	check_counts(tp);
	sock_release(s);
	peer_down();
}

/* --- Packets of many segments ------------------------------------------------------------------------------------------------ */
struct cut_row {
	const char *name;
	u32 edge[6];
	u32 sacked;
};
static const struct cut_row cut_table[] = {
	{ "whole", { S(1), S(10), END }, 9 },
	{ "in_front", { S(1), S(3), END }, 2 },
	{ "behind", { S(6), S(10), END }, 4 },
	{ "in_the_middle", { S(4), S(6), END }, 2 },
	{ "edges_inside_segments", { S(4) + 1, S(7) - 1, END }, 1 },
	{ "less_than_a_segment", { S(4) + 1, S(5) - 1, END }, 0 },
	{ "two_pieces", { S(2), S(3), S(5), S(6), END }, 2 },
};

TEST_EACH(cut, cut_table)
{
	struct tcp_sock *tp;
	struct socket *s;

	peer_up();
	devs[0]->features |= NETIF_F_SG | NETIF_F_GSO;
	s = ten_out();
	tp = tcp_sk(s->sk);
	CHECK_EQ(tp->tcp_rtx_queue.qlen, 2);
	check_counts(tp);
	sack_bytes(0, row->edge);
	CHECK_EQ(tp->sacked_out, row->sacked);
	check_counts(tp);
	sack_bytes(0, row->edge);
	CHECK_EQ(tp->sacked_out, row->sacked);
	check_counts(tp);
	sock_release(s);
	peer_down();
}

/* --- A hostile peer ---------------------------------------------------------------------------------------------------------- */

/* Four thousand ACKs with every kind of edge, in no order: counts are those of the marks after each, and the end is a clean one. */
TEST(any_blocks_whatsoever)
{
	struct tcp_sock *tp;
	struct socket *s;
	u32 r = 12345;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	for (u32 i = 0; i < 4000 && tp->packets_out; i++) {
		u32 edge[9] = { 0 }, n = 1 + i % 4, acked = i / 400 * MSS;

		for (u32 k = 0; k < 2 * n; k++) {
			r = r * 1664525u + 1013904223u;
			edge[k] = (r >> 8) % S(14);
			if (i % 3)
				edge[k] = edge[k] / MSS * MSS;
		}
		edge[2 * n] = END;
		sack_bytes(acked, edge);
		check_counts(tp);
		if (i % 100 == 99)
			host_clock_advance(50000000);
	}
	check_counts(tp);
	sock_release(s);
	peer_down();
}

/* --- Taken back (RFC 2018, 8) -------------------------------------------------------------------------------------------------- */
TEST(what_was_taken_back_goes_again)
{
	struct tcp_sock *tp;
	struct socket *s;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	sack_bytes(0, (const u32[]){ S(1), S(10), END });
	CHECK_EQ(tp->sacked_out, 9);
	/* The first arrives, and the peer says that it has nothing else. */
	sack_bytes(S(1), (const u32[]){ END });
	CHECK_EQ(tp->pending, TCP_TIME_RETRANS);
	peer_hush();
	host_clock_advance(20000000);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSACKReneging), 1);
	CHECK_EQ(tp->sacked_out, 0);
	CHECK_EQ(tp->ca_state, TCP_CA_Loss);
	CHECK_EQ(said(0)->seq, base + S(1));
	check_counts(tp);
	sock_release(s);
	peer_down();
}
KTEST_MAIN_BOOT()
