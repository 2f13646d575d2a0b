// SPDX-License-Identifier: MIT
/*
 * The receive window, segment by segment (RFC 9293, 3.10.7.4 first): everything at, before and behind both of its edges,
 * also where sequence numbers wrap; a window of zero; which window is announced.
 */
#include "peer.h"

enum edge { LEFT, RIGHT };

struct accept_row {
	const char *name;
	enum edge edge; /* @off is relative to it */
	s32 off;
	u32 len;     /* WHOLE: the window */
	s32 more;    /* added to @len */
	u8 flags;    /* besides ACK */
	s32 advance; /* of RCV.NXT; WHOLE: the window */
	int answer;
	u32 holes; /* segments on the out-of-order queue */
};
#define WHOLE 0x7fffffff

static const struct accept_row accept_table[] = {
	{ "empty_at_left", LEFT, 0, 0, 0, 0, 0, 0, 0 },
	{ "empty_before_left", LEFT, -1, 0, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "empty_in_the_middle", LEFT, 1000, 0, 0, 0, 0, 0, 0 },
	{ "empty_at_right", RIGHT, 0, 0, 0, 0, 0, 0, 0 },
	{ "empty_behind_right", RIGHT, 1, 0, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "byte_at_left", LEFT, 0, 1, 0, 0, 1, TCPHDR_ACK, 0 },
	{ "old_byte", LEFT, -1, 1, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "old_and_new_byte", LEFT, -1, 2, 0, 0, 1, TCPHDR_ACK, 0 },
	{ "ten_old", LEFT, -10, 10, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "ten_old_one_new", LEFT, -10, 11, 0, 0, 1, TCPHDR_ACK, 0 },
	{ "far_before", LEFT, -200000, 100, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "byte_behind_a_hole", LEFT, 1, 1, 0, 0, 0, TCPHDR_ACK, 1 },
	{ "last_byte_of_window", RIGHT, -1, 1, 0, 0, 0, TCPHDR_ACK, 1 },
	{ "last_byte_and_one_more", RIGHT, -1, 2, 0, 0, 0, TCPHDR_ACK, 1 },
	{ "byte_at_right", RIGHT, 0, 1, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "byte_behind_right", RIGHT, 1, 1, 0, 0, 0, TCPHDR_ACK, 0 },
	{ "whole_window", LEFT, 0, WHOLE, 0, 0, WHOLE, TCPHDR_ACK, 0 },
	{ "window_less_one", LEFT, 0, WHOLE, -1, 0, WHOLE, TCPHDR_ACK, 0 },
	{ "window_and_one", LEFT, 0, WHOLE, 1, 0, WHOLE, TCPHDR_ACK, 0 },
	{ "beyond_both_edges", LEFT, -5, WHOLE, 10, 0, WHOLE, TCPHDR_ACK, 0 },
	{ "fin_at_left", LEFT, 0, 0, 0, TCPHDR_FIN, 1, TCPHDR_ACK, 0 },
	{ "text_and_fin", LEFT, 0, 10, 0, TCPHDR_FIN, 11, TCPHDR_ACK, 0 },
	{ "fin_behind_a_hole", LEFT, 5, 0, 0, TCPHDR_FIN, 0, TCPHDR_ACK, 1 },
	{ "fin_as_last_of_window", RIGHT, -1, 0, 0, TCPHDR_FIN, 0, TCPHDR_ACK, 1 },
	{ "fin_at_right", RIGHT, 0, 0, 0, TCPHDR_FIN, 0, TCPHDR_ACK, 0 },
	{ "window_then_fin", LEFT, 0, WHOLE, 0, TCPHDR_FIN, WHOLE, TCPHDR_ACK, 0 },
	{ "window_less_one_then_fin", LEFT, 0, WHOLE, -1, TCPHDR_FIN, WHOLE, TCPHDR_ACK, 0 },
	{ "old_fin_alone", LEFT, -1, 0, 0, TCPHDR_FIN, 0, TCPHDR_ACK, 0 },
	{ "urgent_text", LEFT, 0, 3, 0, TCPHDR_URG, 3, TCPHDR_ACK, 0 },
	{ "pushed_text", LEFT, 0, 3, 0, TCPHDR_PSH, 3, TCPHDR_ACK, 0 },
	{ "ece_cwr_text", LEFT, 0, 3, 0, TCPHDR_ECE | TCPHDR_CWR, 3, TCPHDR_ACK, 0 },
};

static void accept_one(const struct accept_row *row, u32 iss)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 nxt, wnd, len, seq, advance;

	peer_up();
	peer_begin(iss);
	s = peer_connected();
	tp = tcp_sk(s->sk);
	nxt = tp->rcv_nxt;
	CHECK_EQ(nxt, iss + 1);
	wnd = tcp_receive_window(tp);
	CHECK_EQ(
		wnd,
		65535 / 1460 *
			1460); /* whole segments, as far as they are known, of what 16 bits can say */
	len = (row->len == WHOLE ? wnd : row->len) + (u32)row->more;
	seq = (row->edge == LEFT ? nxt : nxt + wnd) + (u32)row->off;
	advance = row->advance != WHOLE ? (u32)row->advance
					: min(wnd, seq + len + !!(row->flags & TCPHDR_FIN) - nxt);
	tell(row->flags | TCPHDR_ACK, seq, 0, len);
	CHECK_EQ(tp->rcv_nxt - nxt, advance);
	CHECK_EQ(said(0)->flags, row->answer);
	if (row->answer)
		CHECK_EQ(said(0)->ack, nxt + advance);
	CHECK(peer.n <= 1);
	CHECK_EQ(tp->out_of_order_queue.qlen, row->holes);
	if (row->holes)
		CHECK(!after(TCP_SKB_CB(skb_peek(&tp->out_of_order_queue))->end_seq, nxt + wnd));
	CHECK_EQ(tp->fin_rcvd,
		 (row->flags & TCPHDR_FIN) && advance && after(tp->rcv_nxt, seq + len));
	sock_release(s);
	peer_down();
}

TEST_EACH(acceptable, accept_table)
{
	accept_one(row, PEER_ISS);
}
/* RCV.NXT itself is 0: everything old lies behind the wrap. */
TEST_EACH(acceptable_left_edge_wraps, accept_table)
{
	accept_one(row, 0xffffffffu);
}
/* The wrap lies inside of the window. */
TEST_EACH(acceptable_window_wraps, accept_table)
{
	accept_one(row, 0xffffff00u);
}
/* The signed half: comparisons by value instead of distance fail here. */
TEST_EACH(acceptable_at_half, accept_table)
{
	accept_one(row, 0x7ffffff0u);
}

/* --- A window of zero ---------------------------------------------------------------------------------------------------------- */
struct zero_row {
	const char *name;
	s32 off;
	u32 len;
	u8 flags;
	int answer;
	u32 dropped; /* TCPZeroWindowDrop */
	enum tcp_state state;
};

static const struct zero_row zero_table[] = {
	{ "ack_is_taken", 0, 0, TCPHDR_ACK, 0, 0, TCP_ESTABLISHED },
	{ "probe_of_the_old_kind", -1, 0, TCPHDR_ACK, TCPHDR_ACK, 0, TCP_ESTABLISHED },
	{ "probe_with_an_old_byte", -1, 1, TCPHDR_ACK, TCPHDR_ACK, 0, TCP_ESTABLISHED },
	{ "probe_with_a_new_byte", 0, 1, TCPHDR_ACK, TCPHDR_ACK, 1, TCP_ESTABLISHED },
	{ "segment", 0, 1460, TCPHDR_ACK, TCPHDR_ACK, 1, TCP_ESTABLISHED },
	{ "ack_behind", 1, 0, TCPHDR_ACK, TCPHDR_ACK, 0, TCP_ESTABLISHED },
	{ "fin_does_not_fit", 0, 0, TCPHDR_FIN | TCPHDR_ACK, TCPHDR_ACK, 1, TCP_ESTABLISHED },
	{ "rst_is_taken", 0, 0, TCPHDR_RST, 0, 0, TCP_CLOSE }, /* RFC 9293 MUST-66 */
	{ "rst_behind", 1, 0, TCPHDR_RST, 0, 0, TCP_ESTABLISHED },
};

/* The application does not read: the buffer fills, the window closes. */
static void shut_window(const struct tcp_sock *tp)
{
	for (u32 i = 0; i < 1000 && tcp_receive_window(tp); i++)
		tell_text(min(tcp_receive_window(tp), 1460u));
	CHECK_EQ(tcp_receive_window(tp), 0);
	host_clock_advance(50 * NSEC_PER_MSEC); /* the last ACK may have been delayed */
}

TEST_EACH(zero_window, zero_table)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 nxt;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	shut_window(tp);
	CHECK_EQ(said(0)->wnd, 0);
	CHECK_EQ(tcp_receive_window(tp), 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPToZeroWindowAdv), 1);
	host_clock_advance(NSEC_PER_SEC);
	peer_hush();
	nxt = tp->rcv_nxt;
	tell(row->flags, nxt + (u32)row->off, 0, row->len);
	CHECK_EQ(tp->rcv_nxt, nxt);
	CHECK_EQ(said(0)->flags, row->answer);
	if (row->answer) {
		CHECK_EQ(said(0)->ack, nxt);
		CHECK_EQ(said(0)->wnd, 0);
	}
	CHECK_EQ(peer_mib(LINUX_MIB_TCPZeroWindowDrop), row->dropped);
	CHECK_EQ(state_of(s), row->state);
	sock_release(s);
	peer_down();
}

/* Reading opens it again, in steps that are worth a segment: no silly window (RFC 1122, 4.2.3.3). */
TEST(window_opens_without_silliness)
{
	static u8 buf[70000];
	struct socket *s;
	struct tcp_sock *tp;
	u32 read = 0, last_edge, updates = 0;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	shut_window(tp);
	host_clock_advance(NSEC_PER_SEC);
	peer_hush();
	last_edge = tp->rcv_nxt;
	for (u32 i = 0; i < 10000 && tp->rcv_nxt != tp->copied_seq; i++) {
		ssize_t n = get(s, buf, 100, 0);

		CHECK(n > 0);
		CHECK(same(buf, read, (size_t)n));
		read += (u32)n;
		for (; peer.n; peer.n--) {
			u32 edge = said(0)->ack + said(0)->wnd;

			CHECK_EQ(said(0)->flags, TCPHDR_ACK);
			CHECK(said(0)->wnd >= 1460);
			CHECK(after(edge, last_edge));
			last_edge = edge;
			updates++;
		}
	}
	CHECK(updates >= 2);
	CHECK(updates <= 10); /* it doubles, or nearly so */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPFromZeroWindowAdv), 1);
	sock_release(s);
	peer_down();
}

/* --- Which window is announced -------------------------------------------------------------------------------------------------- */
struct select_row {
	const char *name;
	u32 rcvbuf, used, rcv_mss, rcv_wnd; /* used: bytes of truesize; rcv_wnd: told last */
	u8 wscale;
	u32 clamp, want;
};

static const struct select_row select_table[] = {
	{ "empty_buffer", 131072, 0, 1460, 0, 0, 65535u << 14, 65536 / 1460 * 1460 },
	{ "told_already", 131072, 0, 1460, 65000, 0, 65535u << 14, 65000 },
	{ "told_more_than_there_is", 131072, 100000, 1460, 65000, 0, 65535u << 14,
	  15536 / 1460 * 1460 },
	{ "small_change_held_back", 131072, 0, 1460, 64800, 0, 65535u << 14, 64800 },
	{ "less_than_a_segment", 131072, 131072 - 2 * 1459, 1460, 5000, 0, 65535u << 14, 0 },
	{ "less_than_a_sixteenth", 131072, 131072 - 2 * 4095, 1460, 5000, 0, 65535u << 14, 0 },
	{ "a_sixteenth", 131072, 131072 - 2 * 4096, 1460, 5000, 0, 65535u << 14,
	  4096 / 1460 * 1460 },
	{ "full", 131072, 131072, 1460, 5000, 0, 65535u << 14, 0 },
	{ "overfull", 131072, 200000, 1460, 5000, 0, 65535u << 14, 0 },
	{ "clamped", 131072, 0, 1460, 0, 0, 4000, 2920 },
	{ "clamp_below_a_segment", 131072, 0, 1460, 0, 0, 1152, 1152 },
	{ "scaled", 131072, 0, 1460, 0, 2, 65535u << 14, 65536 },
	{ "scaled_rounds_up", 131072, 6, 1460, 0, 3, 65535u << 14, 65536 },
	{ "scaled_full", 131072, 131072, 1460, 0, 2, 65535u << 14, 0 },
	{ "no_buffer_at_all", 0, 0, 1460, 0, 0, 65535u << 14, 0 },
};

TEST_EACH(select_window, select_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	s->sk->sk_rcvbuf = row->rcvbuf;
	count_set(&s->sk->sk_rmem_alloc, row->used);
	tp->rcv_mss = row->rcv_mss;
	tp->rcv_wnd = row->rcv_wnd;
	tp->rcv_wscale = row->wscale;
	tp->window_clamp = tp->rcv_ssthresh = row->clamp;
	CHECK_EQ(tcp_select_window_size(s->sk), row->want);
	count_set(&s->sk->sk_rmem_alloc, 0);
	sock_release(s);
	peer_down();
}

/* The backlog of an owned socket counts as used. */
TEST(backlog_narrows_the_window)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	s->sk->sk_rcvbuf = 20000;
	CHECK_EQ(tcp_space(s->sk), 10000);
	s->sk->sk_backlog_len = 5000;
	CHECK_EQ(tcp_space(s->sk), 7500);
	CHECK_EQ(tcp_full_space(s->sk), 10000);
	s->sk->sk_backlog_len = 20000;
	CHECK_EQ(tcp_space(s->sk), 0);
	s->sk->sk_backlog_len = 0;
	sock_release(s);
	peer_down();
}

/* RFC 9293 SHLD-14: what was promised is never taken back, even when the buffer shrinks. */
TEST(right_edge_never_moves_left)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 edge;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	edge = tp->rcv_nxt + tcp_receive_window(tp);
	s->sk->sk_rcvbuf = 4000;
	for (u32 i = 0; i < 20; i++) {
		tell_text(100);
		host_clock_advance(NSEC_PER_SEC);
		CHECK_EQ(said(0)->ack + said(0)->wnd, edge);
	}
	CHECK(peer_mib(LINUX_MIB_TCPWantZeroWindowAdv) > 0);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
