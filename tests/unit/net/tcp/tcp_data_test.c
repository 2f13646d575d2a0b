// SPDX-License-Identifier: MIT
/*
 * Received text: where each piece of a stream with holes ends up, memory limits in truesize, packing of small segments,
 * FIN in and out of order, when a reader's progress is told to the peer.
 */
#include "peer.h"

/* --- Holes ---------------------------------------------------------------------------------------------------------------- */
struct piece {
	u16 at, len; /* relative to RCV.NXT at the start; len 0: end of the list */
};
#define WITH_FIN 0x8000 /* in a len */
struct ofo_row {
	const char *name;
	struct piece piece[8];
	u32 advance;
	const char *queue; /* "from-to " for each skb behind a hole */
};

static const struct ofo_row ofo_table[] = {
	{ "one", { { 10, 5 } }, 0, "10-15 " },
	{ "two_apart", { { 10, 5 }, { 20, 5 } }, 0, "10-15 20-25 " },
	{ "two_apart_backwards", { { 20, 5 }, { 10, 5 } }, 0, "10-15 20-25 " },
	{ "between_two", { { 10, 5 }, { 30, 5 }, { 20, 5 } }, 0, "10-15 20-25 30-35 " },
	{ "touching_behind",
	  { { 10, 5 }, { 15, 5 } },
	  0,
	  "10-20 " }, /* small ones share a buffer */
	{ "touching_before", { { 15, 5 }, { 10, 5 } }, 0, "10-20 " },
	{ "twice_the_same", { { 10, 5 }, { 10, 5 } }, 0, "10-15 " },
	{ "inside", { { 10, 10 }, { 12, 3 } }, 0, "10-20 " },
	{ "inside_at_the_left", { { 10, 10 }, { 10, 3 } }, 0, "10-20 " },
	{ "inside_at_the_right", { { 10, 10 }, { 17, 3 } }, 0, "10-20 " },
	{ "covers_one", { { 12, 3 }, { 10, 10 } }, 0, "10-20 " },
	{ "covers_one_same_start", { { 10, 3 }, { 10, 10 } }, 0, "10-20 " },
	{ "covers_one_same_end", { { 17, 3 }, { 10, 10 } }, 0, "10-20 " },
	{ "covers_three", { { 12, 2 }, { 15, 2 }, { 18, 2 }, { 10, 20 } }, 0, "10-30 " },
	{ "overlaps_behind", { { 10, 10 }, { 15, 10 } }, 0, "10-25 " },
	{ "overlaps_before", { { 15, 10 }, { 10, 10 } }, 0, "10-25 " },
	{ "overlaps_both", { { 10, 10 }, { 25, 10 }, { 15, 15 } }, 0, "10-35 " },
	{ "bridges_exactly", { { 10, 10 }, { 25, 10 }, { 20, 5 } }, 0, "10-35 " },
	{ "overlaps_one_covers_next", { { 10, 10 }, { 25, 5 }, { 15, 25 } }, 0, "10-40 " },
	{ "hole_filled", { { 10, 5 }, { 0, 10 } }, 15, "" },
	{ "hole_filled_by_overlap", { { 10, 5 }, { 0, 12 } }, 15, "" },
	{ "hole_filled_over_all", { { 10, 5 }, { 0, 20 } }, 20, "" },
	{ "hole_filled_in_part", { { 10, 5 }, { 0, 5 } }, 5, "10-15 " },
	{ "two_holes_one_filled", { { 10, 5 }, { 20, 5 }, { 0, 10 } }, 15, "20-25 " },
	{ "two_holes_both_filled", { { 10, 5 }, { 20, 5 }, { 15, 5 }, { 0, 10 } }, 25, "" },
	{ "old_front_is_cut", { { 0, 10 }, { 5, 10 } }, 15, "" },
	{ "fin_behind_a_hole", { { 10, 5 | WITH_FIN } }, 0, "10-16 " },
	{ "fin_when_filled", { { 10, 5 | WITH_FIN }, { 0, 10 } }, 16, "" },
	{ "text_behind_the_fin_is_nothing",
	  { { 20, 5 }, { 10, 5 | WITH_FIN }, { 0, 10 } },
	  16,
	  "" },
	{ "fin_cut_by_known_text", { { 15, 5 }, { 10, 5 | WITH_FIN } }, 0, "10-20 " },
};

TEST_EACH(holes, ofo_table)
{
	struct socket *s;
	struct tcp_sock *tp;
	struct sk_buff *skb;
	char text[128] = "";
	u8 in[100];
	u32 base, n = 0, bytes;

	peer_up();
	peer_begin(0xfffffff4u); /* the pieces lie around the wrap */
	s = peer_connected();
	tp = tcp_sk(s->sk);
	base = peer.seq;
	for (const struct piece *p = row->piece; p->len; p++)
		tell(TCPHDR_ACK | (p->len & WITH_FIN ? TCPHDR_FIN : 0), base + p->at, 0,
		     p->len & ~WITH_FIN);
	CHECK_EQ(tp->rcv_nxt - base, row->advance);
	skb_queue_walk(&tp->out_of_order_queue, skb)
		n += (u32)snprintf(text + n, sizeof(text) - n, "%u-%u ",
				   TCP_SKB_CB(skb)->seq - base, TCP_SKB_CB(skb)->end_seq - base);
	CHECK_STR(text, row->queue);
	bytes = row->advance - tp->fin_rcvd;
	if (bytes)
		CHECK_EQ(get(s, in, sizeof(in), 0), bytes);
	CHECK(same(in, 0, bytes));
	if (tp->fin_rcvd)
		CHECK_EQ(get(s, in, sizeof(in), 0), 0);
	sock_release(s);
	peer_down();
}

/* Every segment behind a hole is answered at once, and so is the one that fills it (RFC 5681, 4.2). */
TEST(holes_are_told_at_once)
{
	struct socket *s;
	u32 base;

	peer_up();
	s = peer_connected();
	tcp_sk(s->sk)->quick = 0;
	tcp_sk(s->sk)->ato_ns = TCP_DELACK_MIN_NS;
	tcp_sk(s->sk)->lrcvtime_ns = host_clock();
	base = peer.seq;
	for (u32 i = 1; i <= 4; i++) {
		tell(TCPHDR_ACK, base + i * 100, 0, 100);
		CHECK_EQ(peer.n, i);
		CHECK_EQ(said(0)->ack, base);
	}
	tell(TCPHDR_ACK, base, 0, 50); /* a part of it */
	CHECK_EQ(peer.n, 5);
	CHECK_EQ(said(0)->ack, base + 50);
	tell(TCPHDR_ACK, base + 50, 0, 50);
	CHECK_EQ(peer.n, 6);
	CHECK_EQ(said(0)->ack, base + 500);
	tell(TCPHDR_ACK, base + 500, 0, 10); /* no hole: may wait */
	CHECK_EQ(peer.n, 6);
	sock_release(s);
	peer_down();
}

/* --- Memory --------------------------------------------------------------------------------------------------------------- */
TEST(out_of_order_count_is_bounded)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	s->sk->sk_rcvbuf = 64u << 20;
	for (u32 i = 0; i < TCP_OFO_MAX_SKBS + 10; i++)
		tell(TCPHDR_ACK, peer.seq + 1 + 2 * i, 0, 1);
	CHECK_EQ(tp->out_of_order_queue.qlen, TCP_OFO_MAX_SKBS);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPOFODrop), 10);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPOFOQueue), TCP_OFO_MAX_SKBS);
	sock_release(s);
	peer_down();
}

/* Without room the farthest piece goes first; one that is farther still is not taken. */
TEST(pruning_keeps_what_is_near)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 one;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	tell(TCPHDR_ACK, peer.seq + 300, 0, 50);
	one = skb_peek(&tp->out_of_order_queue)->truesize;
	tell(TCPHDR_ACK, peer.seq + 500, 0, 50);
	s->sk->sk_rcvbuf = 2 * one;
	tp->rcv_wnd = one;                       /* nothing greater was promised */
	tell(TCPHDR_ACK, peer.seq + 600, 0, 50); /* farther: refused */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPOFODrop), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_OfoPruned), 0);
	tell(TCPHDR_ACK, peer.seq + 400, 0, 50); /* nearer: the one at 500 makes room */
	CHECK_EQ(peer_mib(LINUX_MIB_OfoPruned), 1);
	CHECK_EQ(tp->out_of_order_queue.qlen, 2);
	CHECK_EQ(TCP_SKB_CB(skb_peek_tail(&tp->out_of_order_queue))->seq - peer.seq, 400);
	CHECK_EQ(s->sk->sk_rmem_alloc, 2 * one);
	/* What is next in line pushes out what waits behind holes. */
	tell_text(100);
	tell(TCPHDR_ACK, peer.seq, 0, 100);
	CHECK(peer_mib(LINUX_MIB_PruneCalled) >= 1);
	CHECK(tp->out_of_order_queue.qlen < 2);
	sock_release(s);
	peer_down();
}

/* The promised window is taken though the limit sank, but buffers never cost more than twice of it: then segments are refused. */
TEST(receive_queue_is_bounded)
{
	struct socket *s;
	struct tcp_sock *tp;
	u32 most = 0, promised;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	s->sk->sk_rcvbuf = 8000;
	s->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	promised = tp->rcv_wnd;
	for (u32 i = 0; i < 300; i++) {
		u32 nxt = tp->rcv_nxt;

		tell(TCPHDR_ACK, peer.seq, 0, 1025); /* too long to be packed */
		peer.seq = tp->rcv_nxt;
		most = max(most, s->sk->sk_rmem_alloc);
		CHECK(tp->rcv_nxt - said(0)->ack <= 1025); /* every other one at least */
		if (tp->rcv_nxt == nxt)
			break;
	}
	CHECK(peer_mib(LINUX_MIB_TCPRcvQDrop) > 0);
	CHECK(most > promised);
	CHECK(most <= 2 * promised + 4096);
	sock_release(s);
	peer_down();
}

/*
 * SO_RCVBUF made small after the handshake: what overtook another segment waits for it, as far as the old window reaches. Dropped, each such
 * segment would cost the peer a timeout.
 */
TEST(promised_behind_a_hole_before_the_buffer_shrank)
{
	enum { SEGMENTS = 20, LEN = 1460 };
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK(tp->rcv_wnd > SEGMENTS * LEN);
	set_opt(s, SOL_SOCKET, SO_RCVBUF, 1);
	for (u32 i = 1; i <= SEGMENTS; i++) /* the first one comes last */
		tell(TCPHDR_ACK, peer.seq + i % SEGMENTS * LEN, 0, LEN);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPOFODrop), 0);
	CHECK_EQ(peer_mib(LINUX_MIB_OfoPruned), 0);
	CHECK_EQ(tp->rcv_nxt, peer.seq + SEGMENTS * LEN);
	sock_release(s);
	peer_down();
}

/* The old promise is no door for tiny segments with great buffers: what waits behind holes costs twice the window at most. */
TEST(promise_behind_a_hole_is_bounded)
{
	struct socket *s;
	u32 promised;

	peer_up();
	s = peer_connected();
	promised = tcp_sk(s->sk)->rcv_wnd;
	set_opt(s, SOL_SOCKET, SO_RCVBUF, 1);
	for (u32 i = 0; i < TCP_OFO_MAX_SKBS; i++) {
		tell(TCPHDR_ACK, peer.seq + 1 + 2 * i, 0, 1);
		CHECK(s->sk->sk_rmem_alloc <= 2 * promised);
	}
	CHECK(s->sk->sk_rmem_alloc > promised);
	CHECK(peer_mib(LINUX_MIB_TCPOFODrop) > 0);
	sock_release(s);
	peer_down();
}

/* An empty queue takes one segment whatever the limit says: a tiny SO_RCVBUF still receives. */
TEST(tiny_buffer_receives)
{
	static u8 in[1460];
	struct socket *s;

	peer_up();
	s = peer_connected();
	s->sk->sk_rcvbuf = 1;
	for (u32 i = 0; i < 5; i++) {
		tell_text(1000);
		CHECK_EQ(tcp_sk(s->sk)->rcv_nxt, peer.seq);
		CHECK_EQ(get(s, in, sizeof(in), 0), 1000);
		CHECK(same(in, 1000 * i, 1000));
	}
	sock_release(s);
	peer_down();
}

struct coalesce_row {
	const char *name;
	u32 len;
	bool pressed; /* a quarter of the buffer is used */
	bool memory;
	u32 skbs, packed; /* after ten more segments */
};

static const struct coalesce_row coalesce_table[] = {
	{ "small_under_pressure", 10, true, true, 1, 10 },
	{ "small_without_pressure", 10, false, true, 10, 0 },
	{ "1024_under_pressure", 1024, true, true, 4, 10 }, /* a buffer takes three */
	{ "1025_under_pressure", 1025, true, true, 10, 0 },
	{ "small_without_memory", 10, true, false, 1, 9 }, /* behind the first one is room */
};

TEST_EACH(packing, coalesce_table)
{
	static u8 in[20000];
	struct socket *s;
	struct sk_buff *held, *held_at;
	u32 next, before, total = 10 * row->len;

	peer_up();
	s = peer_connected();
	next = peer.seq;
	for (u32 i = 0; i < 5; i++, total += 1460)
		tell_text(1460);
	held = skb_clone(
		skb_peek_tail(&s->sk->sk_receive_queue)); /* nobody may write behind its bytes */
	s->sk->sk_rcvbuf = row->pressed ? 4 * s->sk->sk_rmem_alloc : 10000000;
	tcp_sk(s->sk)->window_clamp = 65535;
	before = s->sk->sk_receive_queue.qlen;
	for (u32 i = 0; i < 10; i++) {
		peer_memory(row->memory);
		tell_text(row->len);
		peer_memory(true);
	}
	CHECK_EQ(s->sk->sk_receive_queue.qlen - before, row->skbs);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPRcvCoalesce), row->packed);
	skb_queue_walk(&s->sk->sk_receive_queue,
		       held_at) /* each buffer knows what it holds, without gaps */
	{
		CHECK_EQ(TCP_SKB_CB(held_at)->seq, next);
		next += held_at->len;
		CHECK_EQ(TCP_SKB_CB(held_at)->end_seq, next);
	}
	CHECK_EQ(next, peer.seq);
	consume_skb(held);
	CHECK_EQ(get(s, in, sizeof(in), 0), total);
	CHECK(same(in, 0, total));
	sock_release(s);
	peer_down();
}

/* A segment whose bytes lie in fragments is cut only with memory for it; without, it is refused and comes again. */
TEST(trimming_needs_memory)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	for (u32 round = 0; round < 2; round++) {
		struct sk_buff *skb = alloc_skb(0);
		u8 *page = alloc_page();
		struct tcp_seg seg = { .seq = tp->rcv_nxt - 1400,
				       .len = 1500,
				       .end_seq = tp->rcv_nxt + 100,
				       .flags = TCPHDR_ACK };

		CHECK_EQ(skb_add_frag(skb, page, 1500), 0);
		page_put(page);
		peer_memory(round != 0);
		local_bh_disable();
		tcp_data_queue(s->sk, skb, &seg);
		local_bh_enable();
		peer_memory(true);
		CHECK_EQ(tp->rcv_nxt - peer.seq, round ? 100 : 0);
		CHECK_EQ(peer_mib(LINUX_MIB_TCPRcvQDrop), 1);
	}
	sock_release(s);
	peer_down();
}

/* --- Telling of the reader's progress ------------------------------------------------------------------------------------------ */
struct reader_row {
	const char *name;
	u32 told, read; /* window the peer knows; bytes read, of 20000 that are there */
	bool update;
};

static const struct reader_row reader_table[] = {
	{ "window_still_wide", 40000, 1460, false },
	{ "window_shut", 0, 20000, true },
	{ "half_known", 16384, 20000, true },
	{ "more_than_half_known", 40000, 20000, false },
	{ "little_read", 0, 100, false },
};

TEST_EACH(reading_opens_the_window, reader_table)
{
	static u8 in[20000];
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	s->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	for (u32 i = 0; i < 20000; i += 1000)
		tell_text(1000);
	host_clock_advance(NSEC_PER_SEC);
	s->sk->sk_rcvbuf = max(s->sk->sk_rmem_alloc, 131072u);
	if (!row->told && row->read < 20000)
		s->sk->sk_rcvbuf = s->sk->sk_rmem_alloc; /* full: a hundred bytes free nothing */
	tp->rcv_wnd = row->told;
	tp->rcv_wup = tp->rcv_nxt;
	peer_hush();
	CHECK_EQ(get(s, in, row->read, 0), row->read);
	CHECK_EQ(peer.n, row->update);
	if (row->update)
		CHECK(said(0)->wnd >= 2 * row->told);
	sock_release(s);
	peer_down();
}

/* A due ACK does not wait for the timer when the reader takes more than a segment. */
TEST(reading_sends_the_due_ack)
{
	static u8 in[4000];
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	tell_text(1460);
	tp->quick = 0;
	tp->lrcvtime_ns = host_clock();
	peer_hush();
	tell_text(1000);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(get(s, in, 100, 0), 100);
	CHECK_EQ(peer.n, 0); /* one segment: the timer does */
	tp->rcv_wup = tp->rcv_nxt - 1461;
	CHECK_EQ(get(s, in, 100, 0), 100);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->ack, peer.seq);
	sock_release(s);
	peer_down();
}

/* --- Nobody will read it -------------------------------------------------------------------------------------------------------- */
struct unread_row {
	const char *name;
	bool fin_acked; /* FIN-WAIT-2, else FIN-WAIT-1 */
	s32 off;
	u32 len;
	u8 flags;
	bool reset;
};

static const struct unread_row unread_table[] = {
	{ "new_text_in_fin_wait_1", false, 0, 10, 0, true },
	{ "new_text_in_fin_wait_2", true, 0, 10, 0, true },
	{ "one_new_byte", true, -9, 10, 0, true },
	{ "old_text", true, -10, 10, 0, false },
	{ "fin_alone", true, 0, 0, TCPHDR_FIN, false },
	{ "text_with_fin", true, 0, 1, TCPHDR_FIN, true },
	{ "nothing", true, 0, 0, 0, false },
};

/* The application closed: text that nobody will ever read meets a RST (RFC 9293 SHLD-3, RFC 2525 2.17). */
TEST_EACH(text_after_close, unread_table)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	sock_release(s);
	if (row->fin_acked)
		peer_ack();
	else
		peer_follow();
	peer_hush();
	tell(TCPHDR_ACK | row->flags, peer.seq + (u32)row->off, row->fin_acked ? 0 : -1, row->len);
	CHECK_EQ(said(0)->flags & TCPHDR_RST, row->reset ? TCPHDR_RST : 0);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPAbortOnData), row->reset);
	if (row->reset)
		CHECK_EQ(peer_found(), TCP_CLOSE);
	else
		CHECK(peer_found() != TCP_CLOSE);
	peer_down();
}

KTEST_MAIN_BOOT()
