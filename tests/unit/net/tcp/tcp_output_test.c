// SPDX-License-Identifier: MIT
/*
 * Sending: Nagle, cork and push; cutting into segments; the peer's window and the congestion window at their edges;
 * segment size; cutting queued data in two; a full queue of our own; idle connections.
 */
#include "peer.h"

static u8 data[200000];

static int on(struct socket *s, int opt)
{
	int one = 1;

	return s->ops->setsockopt(s, SOL_TCP, opt, &one, sizeof(one));
}

/* --- Nagle as modified by Minshall, cork, MSG_MORE ------------------------------------------------------------------------ */
struct nagle_row {
	const char *name;
	int opt;     /* 0: none */
	u16 lens[4]; /* writes; MORE: with MSG_MORE */
	u16 wire[5]; /* lengths of the segments that go at once */
};
#define MORE 0x8000

static const struct nagle_row nagle_table[] = {
	{ "idle_small", 0, { 1 }, { 1 } },
	{ "small_behind_small", 0, { 1, 2 }, { 1 } },
	{ "smalls_are_gathered", 0, { 1, 2, 3 }, { 1 } },
	{ "full_segment_goes_anyway", 0, { 1, 1460 }, { 1, 1460 } },
	{ "less_one_waits", 0, { 1, 1459 }, { 1 } },
	{ "gathered_to_a_full_one", 0, { 1, 1459, 1 }, { 1, 1460 } },
	{ "gathered_and_one_more", 0, { 1, 1459, 2 }, { 1, 1460 } },
	{ "small_behind_full_goes", 0, { 1460, 1 }, { 1460, 1 } }, /* Minshall */
	{ "tail_of_a_large_write", 0, { 1461 }, { 1460, 1 } },
	{ "tail_behind_a_tail", 0, { 1461, 1461 }, { 1460, 1, 1460 } },
	{ "nodelay", TCP_NODELAY, { 1, 2, 3 }, { 1, 2, 3 } },
	{ "nodelay_with_more", TCP_NODELAY, { 1, 2 | MORE, 3 }, { 1, 5 } },
	{ "more_holds_the_first", 0, { 1 | MORE }, { 0 } },
	{ "more_then_not", 0, { 1 | MORE, 2 }, { 3 } },
	{ "more_of_a_full_one", 0, { 1460 | MORE }, { 1460 } },
	{ "more_of_one_byte_over", 0, { 1461 | MORE }, { 1460 } },
	{ "cork_holds", TCP_CORK, { 1, 2 }, { 0 } },
	{ "cork_lets_full_ones_go", TCP_CORK, { 1459, 1 }, { 1460 } },
	{ "cork_keeps_the_tail", TCP_CORK, { 3000 }, { 1460, 1460 } },
	{ "cork_wins_over_nagle", TCP_CORK, { 1460, 1 }, { 1460 } },
};

TEST_EACH(nagle, nagle_table)
{
	struct socket *s;
	u32 n = 0;

	peer_up();
	s = peer_connected();
	if (row->opt)
		CHECK_EQ(on(s, row->opt), 0);
	for (u32 i = 0; i < 4 && row->lens[i]; i++) {
		u32 len = row->lens[i] & ~MORE;

		CHECK_EQ(put(s, data, len, row->lens[i] & MORE ? MSG_MORE : 0), len);
	}
	while (row->wire[n])
		n++;
	CHECK_EQ(peer.n, n);
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(peer.out[i].len, row->wire[i]);
	sock_release(s);
	peer_down();
}

/* What Nagle held goes when the small one is acknowledged; what the cork held, with the end of the stream or a probe. */
TEST(held_data_goes_with_the_ack)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 1, 0), 1);
	CHECK_EQ(put(s, data, 2, 0), 2);
	CHECK_EQ(put(s, data, 3, 0), 3);
	CHECK_EQ(peer.n, 1);
	peer_ack();
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(said(0)->len, 5);
	sock_release(s);
	peer_down();
}

TEST(held_data_goes_with_the_fin)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 1, 0), 1);
	CHECK_EQ(put(s, data, 2, 0), 2);
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(said(0)->len, 2);
	CHECK_EQ(said(0)->flags & TCPHDR_FIN, TCPHDR_FIN);
	sock_release(s);
	peer_down();
}

TEST(cork_is_not_for_ever)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(on(s, TCP_CORK), 0);
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(250000000); /* 200 ms: the probe timer finds it */
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->len, 100);
	sock_release(s);
	peer_down();
}

/* --- Into segments -------------------------------------------------------------------------------------------------------- */
struct split_row {
	const char *name;
	u16 mss;
	u32 len;
	u32 segs, last; /* number; length of the last */
};

static const struct split_row split_table[] = {
	{ "mss_less_1", 1460, 1459, 1, 1459 },   { "mss", 1460, 1460, 1, 1460 },
	{ "mss_and_1", 1460, 1461, 2, 1 },       { "two_less_1", 1460, 2919, 2, 1459 },
	{ "two", 1460, 2920, 2, 1460 },          { "two_and_1", 1460, 2921, 3, 1 },
	{ "ten", 1460, 14600, 10, 1460 },        { "ten_of_ten_and_1", 1460, 14601, 10, 1460 },
	{ "536_and_1", 536, 537, 2, 1 },         { "smallest", 48, 100, 3, 4 },
	{ "announced_below_48", 20, 100, 3, 4 }, { "announced_47", 47, 96, 2, 48 },
	{ "announced_49", 49, 98, 2, 49 },
};

TEST_EACH(split, split_table)
{
	u8 opt[4] = { TCPOPT_MSS, TCPOLEN_MSS, (u8)(row->mss >> 8), (u8)row->mss };
	struct socket *s;
	u32 seq;

	peer_up();
	s = peer_connected_opt(opt, 4);
	seq = peer.nxt;
	CHECK_EQ(put(s, data, row->len, 0), row->len);
	CHECK_EQ(peer.n, row->segs);
	CHECK_EQ(said(0)->len, row->last);
	for (u32 i = 0; i < row->segs; i++) { /* without gaps */
		CHECK_EQ(peer.out[i].seq, seq);
		seq += peer.out[i].len;
		CHECK_EQ(peer.out[i].flags & ~TCPHDR_PSH, TCPHDR_ACK);
	}
	if (row->segs < 10)
		CHECK_EQ(said(0)->flags & TCPHDR_PSH, TCPHDR_PSH); /* the end of what was written */
	sock_release(s);
	peer_down();
}

/* --- While a call is still copying ------------------------------------------------------------------------------------------- */
static struct sock *writer;
static u32 begun,
	written[64]; /* for each segment on the wire: what was in the queue when it left */

static bool note_written(u32 from, const u8 *b, u32 len)
{
	if (!from && b[23] == IPPROTO_TCP && peer.n < ARRAY_SIZE(written))
		written[peer.n] = tcp_sk(writer)->write_seq - begun;
	return peer_record(from, b, len);
}

static void watch(struct socket *s)
{
	peer_hush();
	writer = s->sk;
	begun = tcp_sk(writer)->write_seq;
	wire.filter = note_written;
}

TEST(a_full_segment_leaves_before_the_next_byte_is_copied)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	watch(s);
	CHECK_EQ(put(s, data, 4 * 1460 + 100, 0), 4 * 1460 + 100);
	CHECK_EQ(peer.n, 5);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(written[i], (i + 1) * 1460);
	CHECK_EQ(written[4], 4 * 1460 + 100);
	sock_release(s);
	peer_down();
}

/* Only the first unsent packet is pushed alone: what Nagle held goes when the call ends, and all behind it in order. */
TEST(a_full_segment_behind_an_unsent_one_waits_for_the_end_of_the_call)
{
	static const u32 lens[] = { 100, 1460, 1460 };
	struct socket *s;

	peer_up();
	s = peer_connected();
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(put(s, data, 100, MSG_EOR), 100);
	CHECK_EQ(peer.n, 1);
	watch(s);
	CHECK_EQ(put(s, data, 2 * 1460 + 10, 0), 2 * 1460 + 10);
	CHECK_EQ(peer.n, ARRAY_SIZE(lens));
	for (u32 i = 0; i < ARRAY_SIZE(lens); i++) {
		CHECK_EQ(peer.out[i].len, lens[i]);
		CHECK_EQ(written[i], 2 * 1460 + 10);
	}
	sock_release(s);
	peer_down();
}

/* The forced push is for all that waits, not for one packet: the largest window is 8760, so it comes with the fourth full one. */
TEST(a_forced_push_sends_all_that_waits)
{
	static const u32 lens[] = { 100, 1460, 1460, 1460, 1460, 1460 };
	struct socket *s;

	peer_up();
	peer.wnd = 8760;
	s = peer_connected();
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(put(s, data, 100, MSG_EOR), 100);
	CHECK_EQ(peer.n, 1); /* Nagle has the other */
	watch(s);
	CHECK_EQ(put(s, data, 6 * 1460, 0), 6 * 1460);
	CHECK_EQ(peer.n, ARRAY_SIZE(lens));
	for (u32 i = 0; i < ARRAY_SIZE(lens); i++) {
		CHECK_EQ(peer.out[i].len, lens[i]);
		CHECK_EQ(written[i], i < 5 ? 4 * 1460 : 5 * 1460);
		CHECK_EQ(peer.out[i].flags & TCPHDR_PSH, i == 0 || i == 4 ? TCPHDR_PSH : 0);
	}
	sock_release(s);
	peer_down();
}

/* A long write pushes on the way: after each half of the largest window the peer has offered. */
TEST(forced_push)
{
	struct socket *s;
	u32 pushes = 0;

	peer_up();
	peer.wnd = 8760;
	s = peer_connected();
	set_opt(s, SOL_SOCKET, SO_SNDBUF, 200000);
	CHECK_EQ(put(s, data, 60000, MSG_DONTWAIT), 60000);
	for (u32 i = 0; i < 30; i++) {
		peer_ack();
		host_clock_advance(1000000);
	}
	for (u32 i = 0; i < peer.n; i++)
		pushes += !!(peer.out[i].flags & TCPHDR_PSH);
	CHECK(peer.n >= 41);
	CHECK(pushes >= 60000 / 4380 / 2);
	CHECK(pushes <= 60000 / 4380 + 2);
	sock_release(s);
	peer_down();
}

/* --- Windows ------------------------------------------------------------------------------------------------------------- */
struct wnd_row {
	const char *name;
	u16 wnd;
	u32 segs, bytes; /* of 14600 bytes, at once */
};

static const struct wnd_row wnd_table[] = {
	{ "0", 0, 0, 0 },
	{ "1", 1, 0, 0 },
	{ "mss_less_1", 1459, 0, 0 },
	{ "mss", 1460, 1, 1460 },
	{ "mss_and_1", 1461, 1, 1460 },
	{ "two_less_1", 2919, 1, 1460 },
	{ "two", 2920, 2, 2920 },
	{ "nine_and_a_half", 13870, 9, 13140 },
	{ "ten_less_1", 14599, 9, 13140 },
	{ "ten", 14600, 10, 14600 },
	{ "more_than_the_data", 65535, 10, 14600 },
};

TEST_EACH(peers_window, wnd_table)
{
	struct socket *s;
	u32 bytes = 0;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 1, 0), 1);
	peer_follow();
	peer.wnd = row->wnd;
	peer_ack(); /* nothing in flight, this window */
	peer_hush();
	CHECK_EQ(put(s, data, 14600, 0), 14600);
	CHECK_EQ(peer.n, row->segs);
	for (u32 i = 0; i < peer.n; i++)
		bytes += peer.out[i].len;
	CHECK_EQ(bytes, row->bytes);
	CHECK(!after(tcp_sk(s->sk)->snd_nxt, tcp_wnd_end(tcp_sk(s->sk))));
	sock_release(s);
	peer_down();
}

struct update_row {
	const char *name;
	s32 seq, ack; /* relative to the segment that set the window last */
	u16 wnd;
	u32 want;
};

/* Which segment may set SND.WND (RFC 9293, 3.10.7.4): newer ones, by SND.WL1 and SND.WL2. Before: 5000. */
static const struct update_row update_table[] = {
	{ "the_same_wider", 0, 0, 6000, 6000 },
	{ "the_same_narrower", 0, 0, 4000, 5000 }, /* an old one, reordered */
	{ "newer_ack_narrower", 0, 10, 4000, 4000 },
	{ "newer_ack_wider", 0, 10, 6000, 6000 },
	{ "older_ack_wider", 0, -10, 6000, 5000 },
	{ "newer_seq_narrower", 1, 0, 4000, 4000 },
	{ "newer_seq_zero", 1, 0, 0, 0 },
	{ "older_seq_wider", -1, 0, 6000, 5000 },
};

TEST_EACH(window_update, update_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 100, 0), 100);
	tell_text(1); /* so that there is an older number within the window */
	peer_follow();
	peer.wnd = 5000;
	tell(TCPHDR_ACK, peer.seq, -20, 0);
	CHECK_EQ(tp->snd_wnd, 5000);
	peer.wnd = row->wnd;
	tell(TCPHDR_ACK, peer.seq + (u32)row->seq, -20 + row->ack, 0);
	CHECK_EQ(tp->snd_wnd, row->want);
	sock_release(s);
	peer_down();
}

/* The window's shift is the peer's; on a SYN it never counts (RFC 7323, 2.2). */
TEST(window_scale)
{
	struct socket *s;

	peer_up();
	peer.wnd = 1000;
	s = peer_connecting();
	peer_answer_syn(peer_mss_ws7, 8);
	CHECK_EQ(tcp_sk(s->sk)->snd_wnd, 1000);
	tell(TCPHDR_ACK, peer.seq, 0, 1);
	CHECK_EQ(tcp_sk(s->sk)->snd_wnd, 1000 << 7);
	sock_release(s);
	peer_down();
}

struct cwnd_row {
	const char *name;
	u32 cwnd, segs;
};

static const struct cwnd_row cwnd_table[] = {
	{ "1", 1, 1 }, { "2", 2, 2 }, { "9", 9, 9 }, { "11", 11, 11 }, { "20", 20, 20 },
};

TEST_EACH(congestion_window, cwnd_table)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	set_opt(s, SOL_SOCKET, SO_SNDBUF, 200000);
	tcp_sk(s->sk)->cc.cwnd = row->cwnd;
	CHECK_EQ(put(s, data, 40000, MSG_DONTWAIT), 40000);
	CHECK_EQ(peer.n, row->segs);
	CHECK_EQ(tcp_packets_in_flight(tcp_sk(s->sk)), row->segs);
	CHECK(tcp_sk(s->sk)->is_cwnd_limited);
	tell_raw(TCPHDR_ACK, peer.seq, peer.nxt + 1460,
		 0); /* one acknowledged: slow start lets two go */
	CHECK_EQ(peer.n, row->segs + 2);
	sock_release(s);
	peer_down();
}

/* A lone FIN costs no room in the congestion window. */
TEST(fin_passes_the_congestion_window)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 14600, 0), 14600);
	CHECK_EQ(peer.n, 10);
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	CHECK_EQ(peer.n, 11);
	CHECK_EQ(said(0)->flags & TCPHDR_FIN, TCPHDR_FIN);
	CHECK_EQ(said(0)->len, 0);
	sock_release(s);
	peer_down();
}

/* --- Segment size --------------------------------------------------------------------------------------------------------- */
struct mss_row {
	const char *name;
	u32 pmtu, clamp, max_window, want;
};

static const struct mss_row mss_table[] = {
	{ "ethernet", 1500, 65535, 65535, 1460 },
	{ "peers_mss", 1500, 1000, 65535, 1000 },
	{ "half_of_a_small_window", 1500, 65535, 2000, 1000 },
	{ "window_537", 1500, 65535, 537, 268 },
	{ "window_536_whole", 1500, 65535, 536, 536 },
	{ "window_100_whole", 1500, 65535, 100, 100 },
	{ "window_10_least", 1500, 65535, 10, 48 },
	{ "no_window_yet", 1500, 65535, 0, 1460 },
	{ "mtu_68", 68, 65535, 65535, 48 },
	{ "mtu_88", 88, 65535, 65535, 48 },
	{ "mtu_89", 89, 65535, 65535, 49 },
	{ "mtu_40", 40, 65535, 65535, 48 },
	{ "mtu_0", 0, 65535, 65535, 48 },
	{ "loopback", 65535, 65535, 1 << 20, 65495 },
};

TEST_EACH(sync_mss, mss_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	tp->mss_clamp = row->clamp;
	tp->max_window = row->max_window;
	CHECK_EQ(tcp_sync_mss(s->sk, row->pmtu), row->want);
	CHECK_EQ(tp->mss_cache, row->want);
	CHECK_EQ(tcp_current_mss(s->sk), row->want); /* no route: stays */
	sock_release(s);
	peer_down();
}

/* --- Cutting in two ------------------------------------------------------------------------------------------------------- */
struct cut_row {
	const char *name;
	u32 len, at;
	bool sent; /* on the retransmit queue */
	u8 sacked;
	bool memory;
};

static const struct cut_row cut_table[] = {
	{ "unsent_first_byte", 1000, 1, false, 0, true },
	{ "unsent_middle", 1000, 500, false, 0, true },
	{ "unsent_last_byte", 1000, 999, false, 0, true },
	{ "unsent_without_memory", 1000, 500, false, 0, false },
	{ "sent", 1000, 500, true, 0, true },
	{ "sent_and_lost", 1000, 500, true, TCPCB_LOST, true },
	{ "sent_lost_again", 1000, 500, true,
	  TCPCB_LOST | TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS, true },
	{ "sent_without_memory", 1000, 500, true, TCPCB_LOST, false },
};

TEST_EACH(cut, cut_table)
{
	struct socket *s;
	struct tcp_sock *tp;
	struct sk_buff_head *q;
	struct sk_buff *skb, *rest;
	u32 queued, seq, lost = !!(row->sacked & TCPCB_LOST),
			 again = !!(row->sacked & TCPCB_SACKED_RETRANS);
	u8 copy[1000];

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	fill(data, 0, sizeof(data));
	CHECK_EQ(put(s, data, row->len, row->sent ? 0 : MSG_MORE), row->len);
	q = row->sent ? &tp->tcp_rtx_queue : &s->sk->sk_write_queue;
	skb = skb_peek(q);
	CHECK_EQ(skb->len, row->len);
	TCP_SKB_CB(skb)->sacked = row->sacked;
	TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_PSH | TCPHDR_FIN;
	tp->lost_out = lost;
	tp->retrans_out = again;
	queued = s->sk->sk_wmem_queued;
	seq = TCP_SKB_CB(skb)->seq;
	peer_memory(row->memory);
	CHECK_EQ(tcp_fragment(s->sk, q, skb, row->at, 1460), row->memory ? 0 : -ENOMEM);
	peer_memory(true);
	if (row->memory) {
		rest = skb_queue_next(q, skb);
		CHECK_EQ(q->qlen, 2);
		CHECK_EQ(skb->len, row->at);
		CHECK_EQ(rest->len, row->len - row->at);
		CHECK_EQ(TCP_SKB_CB(skb)->end_seq, seq + row->at);
		CHECK_EQ(TCP_SKB_CB(rest)->seq, seq + row->at);
		CHECK_EQ(TCP_SKB_CB(rest)->end_seq, seq + row->len);
		CHECK_EQ(TCP_SKB_CB(skb)->tcp_flags & (TCPHDR_PSH | TCPHDR_FIN), 0);
		CHECK_EQ(TCP_SKB_CB(rest)->tcp_flags & (TCPHDR_PSH | TCPHDR_FIN),
			 TCPHDR_PSH | TCPHDR_FIN);
		CHECK_EQ(TCP_SKB_CB(rest)->sacked, row->sacked);
		CHECK_EQ(s->sk->sk_wmem_queued, queued + rest->truesize);
		CHECK_EQ(tp->packets_out, row->sent ? 2 : 0);
		CHECK_EQ(tp->lost_out, row->sent ? 2 * lost : lost);
		CHECK_EQ(tp->retrans_out, row->sent ? 2 * again : again);
		CHECK_EQ(skb_copy_bits(skb, 0, copy, row->at), 0);
		CHECK_EQ(skb_copy_bits(rest, 0, copy + row->at, rest->len), 0);
		CHECK(same(copy, 0, row->len));
	} else {
		CHECK_EQ(q->qlen, 1);
		CHECK_EQ(skb->len, row->len);
		CHECK_EQ(s->sk->sk_wmem_queued, queued);
	}
	skb_queue_walk(q, skb)
		TCP_SKB_CB(skb)->tcp_flags &= (u8)~TCPHDR_FIN;
	sock_release(s);
	peer_down();
}

/* The rest stands right behind what it was cut from, before everything that was written later. */
TEST(the_rest_of_a_cut_comes_before_what_was_written_later)
{
	static const u32 lens[] = { 400, 600, 50 };
	struct sk_buff *skb;
	struct socket *s;
	u32 i = 0, seq;

	peer_up();
	s = peer_connected();
	peer.wnd = 0;
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(put(s, data, 1000, MSG_EOR), 1000);
	CHECK_EQ(put(s, data, 50, 0), 50);
	CHECK_EQ(peer.n, 0);
	skb = skb_peek(&s->sk->sk_write_queue);
	seq = TCP_SKB_CB(skb)->seq;
	CHECK_EQ(tcp_fragment(s->sk, &s->sk->sk_write_queue, skb, 400, 1460), 0);
	CHECK_EQ(s->sk->sk_write_queue.qlen, ARRAY_SIZE(lens));
	skb_queue_walk(&s->sk->sk_write_queue, skb) {
		CHECK_EQ(TCP_SKB_CB(skb)->seq, seq);
		CHECK_EQ(skb->len, lens[i++]);
		seq += skb->len;
	}
	sock_release(s);
	peer_down();
}

/* --- Our own queue is full ---------------------------------------------------------------------------------------------------- */
struct cwr_row {
	const char *name;
	enum tcp_ca_state state;
	u32 cwnd, out, want_cwnd, want_ssthresh;
	enum tcp_ca_state want;
};

static const struct cwr_row cwr_table[] = {
	{ "open", TCP_CA_Open, 20, 20, 20, 10, TCP_CA_CWR }, /* it shrinks as ACKs come */
	{ "disorder", TCP_CA_Disorder, 20, 20, 20, 10, TCP_CA_CWR },
	{ "once_a_window", TCP_CA_CWR, 20, 20, 20, TCP_INFINITE_SSTHRESH, TCP_CA_CWR },
	{ "recovery_has_its_own", TCP_CA_Recovery, 20, 20, 20, TCP_INFINITE_SSTHRESH,
	  TCP_CA_Recovery },
	{ "loss_has_its_own", TCP_CA_Loss, 20, 20, 20, TCP_INFINITE_SSTHRESH, TCP_CA_Loss },
	{ "small_window", TCP_CA_Open, 3, 20, 3, 2, TCP_CA_CWR },
	{ "never_below_two", TCP_CA_Open, 1, 1, 1, 2, TCP_CA_CWR },
};

TEST_EACH(enter_cwr, cwr_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	tp->ca_state = row->state;
	tp->cc.cwnd = row->cwnd;
	tp->packets_out = row->out;
	tp->snd_nxt = 77;
	tcp_enter_cwr(s->sk);
	CHECK_EQ(tp->cc.cwnd, row->want_cwnd);
	CHECK_EQ(tp->cc.ssthresh, row->want_ssthresh);
	CHECK_EQ(tp->ca_state, row->want);
	CHECK_EQ(tp->high_seq, row->want == row->state ? 0 : 77);
	tp->packets_out = 0;
	sock_release(s);
	peer_down();
}

/* A refusal below: nothing counts as sent, less goes out from now on, and a timer tries again. */
TEST(refused_by_our_own_queue)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	peer_clog(4);
	CHECK_EQ(put(s, data, 14600, 0), 14600);
	CHECK_EQ(tp->packets_out, 4); /* what the queue took */
	CHECK_EQ(tp->ca_state, TCP_CA_CWR);
	CHECK_EQ(tp->cc.ssthresh, 5);
	CHECK_EQ(tp->snd_nxt, peer.nxt + 4 * 1460);
	CHECK_EQ(peer.n, 0);
	peer_unclog();
	CHECK_EQ(peer.n, 4);
	peer_ack();
	CHECK_EQ(tp->ca_state, TCP_CA_CWR); /* till more than that is acknowledged */
	peer_ack();
	CHECK_EQ(tp->ca_state, TCP_CA_Open); /* a window later */
	CHECK_EQ(tp->cc.cwnd, 6);
	for (u32 i = 0; i < 10; i++)
		peer_ack();
	CHECK_EQ(tp->snd_una, peer.nxt);
	CHECK_EQ(tp->packets_out, 0);
	CHECK(skb_queue_empty(&s->sk->sk_write_queue));
	sock_release(s);
	peer_down();
}

TEST(refused_with_nothing_in_flight)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer_clog(0);
	CHECK_EQ(put(s, data, 1000, 0), 1000);
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	CHECK_EQ(tcp_sk(s->sk)->pending, TCP_TIME_PROBE0); /* somebody watches */
	host_clock_advance(300000000); /* tried again after 50 ms, then every half second */
	CHECK_EQ(peer.n, 0);
	peer_unclog();
	host_clock_advance(300000000);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->len, 1000);
	sock_release(s);
	peer_down();
}

/* The segment is still on our own queue: a second copy behind it would help nobody. Its completion asks again. */
TEST(not_retransmitted_while_still_here)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	peer_clog(100);
	CHECK_EQ(put(s, data, 1000, 0), 1000);
	CHECK(skb_fclone_busy(tcp_rtx_head(tp), s->sk));
	local_bh_disable();
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), -EBUSY);
	local_bh_enable();
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSpuriousRtxHostQueues), 1);
	CHECK(tp->tsq_throttled);
	CHECK_EQ(tp->retrans_out, 0);
	peer_unclog();
	CHECK(!tp->tsq_throttled);
	CHECK(!skb_fclone_busy(tcp_rtx_head(tp), s->sk));
	CHECK_EQ(peer.n, 1);
	sock_release(s);
	peer_down();
}

/* Somebody else reads the bytes (a tap): what goes again is a copy with headers of its own. */
TEST(retransmitted_as_a_copy_while_the_bytes_are_shared)
{
	struct socket *s;
	struct tcp_sock *tp;
	struct sk_buff *tap;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	fill(data, 0, sizeof(data));
	CHECK_EQ(put(s, data, 1000, 0), 1000);
	tap = peer_tap(tcp_rtx_head(tp));
	CHECK(!skb_fclone_busy(tcp_rtx_head(tp), s->sk));
	local_bh_disable();
	peer_memory(false);
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), -ENOBUFS);
	peer_memory(true);
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), 0);
	local_bh_enable();
	CHECK_EQ(peer_mib(LINUX_MIB_TCPRetransFail), 1);
	CHECK_EQ(tp->retrans_out, 1);
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(peer.out[0].seq, peer.out[1].seq);
	CHECK_EQ(peer.out[0].first, peer.out[1].first);
	consume_skb(tap);
	sock_release(s);
	peer_down();
}

/* --- Sending again ---------------------------------------------------------------------------------------------------------- */
TEST(partly_acknowledged_is_cut)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	fill(data, 0, sizeof(data));
	CHECK_EQ(put(s, data, 1000, 0), 1000);
	tell_raw(TCPHDR_ACK, peer.seq, peer.nxt + 400, 0);
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 1);
	host_clock_advance(300000000);
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(said(0)->seq, peer.nxt + 400);
	CHECK_EQ(said(0)->len, 600);
	CHECK_EQ(said(0)->first, pattern(400));
	sock_release(s);
	peer_down();
}

/* A window that was pulled back: only the first octet outstanding may go beyond it (RFC 9293, 3.8.6). */
TEST(window_pulled_back)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 2920, 0), 2920);
	CHECK_EQ(peer.n, 2);
	tp->snd_wnd = 0;
	local_bh_disable();
	CHECK_EQ(tcp_retransmit_skb(s->sk, skb_queue_next(&tp->tcp_rtx_queue, tcp_rtx_head(tp)), 1),
		 -EAGAIN);
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), 0);
	tp->snd_wnd = 1460;
	CHECK_EQ(tcp_retransmit_skb(s->sk, skb_queue_next(&tp->tcp_rtx_queue, tcp_rtx_head(tp)), 1),
		 -EAGAIN);
	tp->snd_wnd = 1461; /* room for one octet of it */
	CHECK_EQ(tcp_retransmit_skb(s->sk, skb_queue_next(&tp->tcp_rtx_queue, tcp_rtx_head(tp)), 1),
		 0);
	CHECK_EQ(said(0)->len, 1);
	CHECK_EQ(tp->packets_out, 3);
	local_bh_enable();
	/* An empty segment bears no number beyond the window either. */
	tp->snd_wnd = 100;
	peer_hush();
	local_bh_disable();
	tcp_send_ack(s->sk);
	local_bh_enable();
	CHECK_EQ(said(0)->seq, tp->snd_una + 100);
	sock_release(s);
	peer_down();
}

TEST(smaller_mss_cuts_what_goes_again)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	peer_path_mtu(s->sk, 552);
	local_bh_disable();
	peer_memory(false);
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), -ENOMEM);
	peer_memory(true);
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), 0);
	CHECK_EQ(said(0)->len, 512);
	CHECK_EQ(tp->packets_out, 3); /* 512 and 948 bytes */
	CHECK_EQ(tcp_retransmit_skb(s->sk, tcp_rtx_head(tp), 1), 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPLostRetransmit), 1);
	CHECK_EQ(tp->retrans_out, 1); /* counted once */
	CHECK_EQ(tp->total_retrans, 2);
	CHECK_EQ(tp->bytes_retrans, 1024);
	local_bh_enable();
	sock_release(s);
	peer_down();
}

/* --- After a pause (RFC 5681, 4.1) -------------------------------------------------------------------------------------------- */
struct idle_row {
	const char *name;
	u32 cwnd, idle_ms; /* the timeout is 201 ms or so */
	const char *setting;
	u32 want, ssthresh;
};

static const struct idle_row idle_table[] = {
	{ "short", 80, 150, "1", 80, TCP_INFINITE_SSTHRESH },
	{ "one_timeout", 80, 250, "1", 40, TCP_INFINITE_SSTHRESH },
	{ "two", 80, 500, "1", 20, TCP_INFINITE_SSTHRESH },
	{ "three", 80, 700, "1", 10, TCP_INFINITE_SSTHRESH },
	{ "for_long_not_below_ten", 80, 60000, "1", 10, TCP_INFINITE_SSTHRESH },
	{ "small_window_stays", 4, 60000, "1", 4, TCP_INFINITE_SSTHRESH },
	{ "switched_off", 80, 60000, "0", 80, TCP_INFINITE_SSTHRESH },
};

TEST_EACH(idle, idle_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_slow_start_after_idle", row->setting), 0);
	s = peer_connected();
	tp = tcp_sk(s->sk);
	for (u32 i = 0; i < 30; i++) {
		CHECK_EQ(put(s, data, 1, 0), 1);
		peer_ack();
	}
	tp->cc.cwnd = row->cwnd;
	host_clock_advance(row->idle_ms * NSEC_PER_MSEC);
	CHECK_EQ(put(s, data, 1, 0), 1);
	CHECK_EQ(tp->cc.cwnd, row->want);
	CHECK_EQ(tp->cc.ssthresh, row->ssthresh);
	sock_release(s);
	peer_down();
}

/* ssthresh remembers three quarters of the window that idleness took away. */
TEST(idle_remembers)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 1, 0), 1);
	peer_ack();
	tp->cc.cwnd = 80;
	tp->cc.ssthresh = 20;
	host_clock_advance(10 * NSEC_PER_SEC);
	CHECK_EQ(put(s, data, 1, 0), 1);
	CHECK_EQ(tp->cc.cwnd, 10);
	CHECK_EQ(tp->cc.ssthresh, 60);
	sock_release(s);
	peer_down();
}

/* The window does not grow while the application sends less than it allows (RFC 7661's idea). */
TEST(unused_window_does_not_grow)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	for (u32 i = 0; i < 50; i++) {
		CHECK_EQ(put(s, data, 1000, 0), 1000);
		peer_ack();
	}
	CHECK_EQ(tcp_sk(s->sk)->cc.cwnd, TCP_INIT_CWND);
	sock_release(s);
	peer_down();
}

/* --- Nothing goes from a dead connection ---------------------------------------------------------------------------------------- */
TEST(closed_sends_nothing)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	tcp_push_one(s->sk, 1460);
	__tcp_push_pending_frames(s->sk, 1460, TCP_NAGLE_PUSH);
	tcp_push_pending_frames(s->sk);
	tcp_send_ack(s->sk);
	local_bh_disable();
	CHECK_EQ(tcp_write_wakeup(s->sk), -EINVAL);
	local_bh_enable();
	CHECK_EQ(peer.n, 0);
	sock_release(s);
	peer_down();
}

/* What the socket's options say stands in each header. */
TEST(tos_and_ttl)
{
	struct socket *s;
	int tos = 0x28, ttl = 5;

	peer_up();
	s = peer_connected();
	CHECK_EQ(s->ops->setsockopt(s, SOL_IP, IP_TOS, &tos, 4), 0);
	CHECK_EQ(s->ops->setsockopt(s, SOL_IP, IP_TTL, &ttl, 4), 0);
	CHECK_EQ(put(s, data, 1, 0), 1);
	CHECK_EQ(said(0)->tos, 0x28);
	CHECK_EQ(said(0)->ttl, 5);
	sock_release(s);
	peer_down();
}

/* The RST that gives a connection up may find no memory: counted, nothing else. */
TEST(reset_without_memory)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer_memory(false);
	tcp_send_active_reset(s->sk);
	peer_memory(true);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPAbortFailed), 1);
	tcp_send_active_reset(s->sk);
	CHECK_EQ(said(0)->flags, TCPHDR_RST | TCPHDR_ACK);
	CHECK_EQ(said(0)->seq, peer.nxt);
	sock_release(s);
	peer_down();
}

/* --- Buffers ------------------------------------------------------------------------------------------------------------- */
struct sndbuf_row {
	const char *name;
	u32 cwnd, mss, sndbuf, cap;
	bool locked;
	u32 want;
};

static const struct sndbuf_row sndbuf_table[] = {
	{ "grows", 100, 1460, 16384, 4 << 20, false, 2 * 100 * 4352 },
	{ "ten_segments_at_least", 1, 1460, 16384, 4 << 20, false, 87040 },
	{ "segments_of_1408_cost_half", 10, 1408, 16384, 4 << 20, false, 2 * 10 * 2304 },
	{ "of_9000_bytes", 10, 8960, 16384, 4 << 20, false, 2 * 10 * (16384 + 256) },
	{ "capped", 100000, 1460, 16384, 500000, false, 500000 },
	{ "never_shrinks", 10, 536, 300000, 4 << 20, false, 300000 },
	{ "fixed_by_the_application", 100, 1460, 16384, 4 << 20, true, 16384 },
};

TEST_EACH(send_buffer_follows, sndbuf_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	tp->cc.cwnd = row->cwnd;
	tp->mss_cache = tp->mss_clamp = row->mss;
	s->sk->sk_sndbuf = row->sndbuf;
	hosts[0]->tcp->wmem[2] = row->cap;
	if (row->locked)
		s->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	tcp_sndbuf_expand(s->sk);
	CHECK_EQ(s->sk->sk_sndbuf, row->want);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
