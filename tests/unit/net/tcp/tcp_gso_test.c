// SPDX-License-Identifier: MIT
/*
 * Packets that stand for many segments, and what bounds them below the transport: flights, cutting, partial
 * acknowledgments, small queues, autocorking; copies and checksums counted; both frees of a segment, in order.
 */
#include "peer.h"

#include <kernel/cpu.h>

#define MSS 1460u

static u8 data[200000];

/* A connection over a device for which software cuts packets; the handshake took @rtt_ns. */
static struct socket *gso_connected(u64 rtt_ns)
{
	struct socket *s;

	peer_up();
	fill(data, 0, sizeof(data));
	devs[0]->features |= NETIF_F_SG | NETIF_F_GSO;
	s = peer_connecting();
	host_clock_advance(rtt_ns);
	peer_answer_syn(peer_mss1460, 4);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	peer_hush();
	return s;
}

static void done(struct socket *s)
{
	sock_release(s);
	peer_down();
}

static u32 rtx_segs(const struct tcp_sock *tp, u32 nr)
{
	const struct sk_buff *skb;

	skb_queue_walk(&tp->tcp_rtx_queue, skb)
		if (!nr--)
			return TCP_SKB_CB(skb)->segs;
	return 0;
}

static void check_pushes(u32 first, u32 n, u32 every)
{
	for (u32 i = 0; i < n; i++) {
		CHECK_EQ(peer.out[first + i].len, MSS);
		CHECK_EQ(peer.out[first + i].flags & TCPHDR_PSH, (i + 1) % every ? 0 : TCPHDR_PSH);
	}
}

/* --- Flights ------------------------------------------------------------------------------------------------------------- */
/* Half of the congestion window at once: 5, 5, then 10 segments, PSH on the last of each packet. */
TEST(first_flights_are_five_five_and_ten)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);

	CHECK_EQ(put(s, data, 60 * MSS, MSG_DONTWAIT), 60 * MSS);
	CHECK_EQ(peer.n, 10);
	CHECK_EQ(rtx_segs(tp, 0), 5);
	CHECK_EQ(rtx_segs(tp, 1), 5);
	CHECK_EQ(tp->packets_out, 10);
	check_pushes(0, 10, 5);
	peer_ack();
	CHECK_EQ(tp->cc.cwnd, 20);
	CHECK_EQ(peer.n, 30);
	CHECK_EQ(rtx_segs(tp, 0), 10);
	check_pushes(10, 20, 10);
	CHECK_EQ(tp->data_segs_out, 30);
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPOrigDataSent], 30);
	done(s);
}

static struct sock *writer;
static u32 begun, written[64];

static bool note_written(u32 from, const u8 *b, u32 len)
{
	if (!from && b[23] == IPPROTO_TCP && peer.n < ARRAY_SIZE(written))
		written[peer.n] = tcp_sk(writer)->write_seq - begun;
	return peer_record(from, b, len);
}

/* A packet of 22 segments is full: five go, though the window has room for ten; the rest is filled up again, and five more go. */
TEST(pushing_one_sends_one_packet)
{
	struct socket *s = gso_connected(0);

	writer = s->sk;
	begun = tcp_sk(writer)->write_seq;
	wire.filter = note_written;
	CHECK_EQ(put(s, data, 60 * MSS, MSG_DONTWAIT), 60 * MSS);
	CHECK_EQ(peer.n, 10);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(written[i], (i < 5 ? 22 : 27) * MSS);
	done(s);
}

/* A millisecond of the rate: on a slow path two segments, the least. */
TEST(slow_connections_send_two_at_a_time)
{
	struct socket *s = gso_connected(100 * NSEC_PER_MSEC);
	struct tcp_sock *tp = tcp_sk(s->sk);

	CHECK_EQ(s->sk->sk_pacing_rate, 10ull * MSS * 2 * 10); /* two windows in 100 ms */
	CHECK_EQ(tcp_tso_segs(s->sk, MSS), 2);
	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	CHECK_EQ(rtx_segs(tp, 0), 2);
	check_pushes(0, 10, 2);
	done(s);
}

struct goal_row {
	const char *name;
	u32 max_window, mss, want;
	bool gso;
};
static const struct goal_row goal_table[] = {
	{ "one_segment_where_nobody_cuts", 65535, 1460, 1460, false },
	{ "whole_segments_in_half_a_window", 65535, 1460, 22 * 1460, true },
	{ "what_ipv4_counts", 1 << 20, 1460, 44 * 1460, true },
	{ "at_least_one_segment", 2000, 1460, 1460, true },
	{ "large_segments", 1 << 20, 65000, 65000, true },
};

TEST_EACH(size_goal, goal_table)
{
	struct socket *s = gso_connected(0);

	if (!row->gso)
		devs[0]->features &= ~(u32)NETIF_F_GSO;
	tcp_sk(s->sk)->max_window = row->max_window;
	CHECK_EQ(tcp_size_goal(s->sk, row->mss), row->want);
	done(s);
}

/* --- Cuts ---------------------------------------------------------------------------------------------------------------- */
struct cut_row {
	const char *name;
	u16 wnd;
	bool small_out; /* a small segment is not acknowledged */
	u32 write, sent;
};
static const struct cut_row cuts[] = {
	{ "all_fits", 65535, false, 3 * MSS + 700, 3 * MSS + 700 },
	{ "nagle_holds_the_small_rest", 65535, true, 3 * MSS + 700, 3 * MSS },
	{ "window_cuts_in_a_segment", 4000, false, 10 * MSS, 4000 },
	{ "window_of_one_segment", 1460, false, 10 * MSS, 1460 },
	{ "window_below_one_segment", 1459, false, 10 * MSS, 0 },
};

TEST_EACH(cut_at, cuts)
{
	struct socket *s = gso_connected(0);
	u32 sent = 0;

	peer.wnd = row->wnd;
	CHECK_EQ(put(s, data, 1, 0), 1);
	if (row->small_out)
		peer_hush();
	else
		peer_ack();
	peer_hush();
	CHECK_EQ(put(s, data + 1, row->write, MSG_DONTWAIT), row->write);
	for (u32 i = 0; i < peer.n; i++)
		sent += peer.out[i].len;
	CHECK_EQ(sent, row->sent);
	done(s);
}

/* The text of many segments just fills the window: the FIN waits for the window to move. */
TEST(fin_is_parted_where_the_window_ends)
{
	struct socket *s = gso_connected(0);

	CHECK_EQ(put(s, data, 1, 0), 1);
	peer_follow();
	peer.wnd = 0;
	peer_ack();
	peer_hush();
	CHECK_EQ(put(s, data, 4000, MSG_DONTWAIT), 4000);
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	peer.wnd = 4000;
	peer_ack();
	CHECK_EQ(peer.n, 3);
	CHECK_EQ(said(0)->len, 4000 - 2 * MSS);
	CHECK_EQ(said(0)->flags & TCPHDR_FIN, 0);
	peer_ack();
	CHECK_EQ(said(0)->flags & TCPHDR_FIN, TCPHDR_FIN);
	CHECK_EQ(said(0)->len, 0);
	done(s);
}

/* --- Copies --------------------------------------------------------------------------------------------------------------- */
TEST(one_copy_per_byte_sent)
{
	struct socket *s = gso_connected(0);
	u64 tx = skb_stats.copied_tx, other = skb_stats.copied_other;

	CHECK_EQ(put(s, data, 50 * MSS + 3, MSG_DONTWAIT), 50 * MSS + 3);
	for (u32 i = 0; i < 5; i++)
		peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->bytes_sent, 50 * MSS + 3);
	CHECK_EQ(skb_stats.copied_tx - tx, 50 * MSS + 3);
	CHECK_EQ(skb_stats.copied_other - other, 0); /* cut by moving references */
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	done(s);
}

/* What goes down is a clone of the packet that stays: of a linear one nothing is copied either. */
TEST(a_small_segment_is_copied_once)
{
	struct socket *s;
	u64 tx, other;

	peer_up();
	s = peer_connected();
	tx = skb_stats.copied_tx;
	other = skb_stats.copied_other;
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(skb_headlen(tcp_rtx_head(tcp_sk(s->sk))), 100);
	CHECK_EQ(skb_stats.copied_tx - tx, 100);
	CHECK_EQ(skb_stats.copied_other - other, 0);
	peer_ack();
	done(s);
}

/* Bytes beside the headers are cloned, not copied: what goes down costs a descriptor, and not even that is allocated. */
TEST(linear_bytes_are_copied_once_too)
{
	struct socket *s;
	u64 tx, other, allocs, clones;

	peer_up();
	s = peer_connected();
	tx = skb_stats.copied_tx;
	other = skb_stats.copied_other;
	allocs = skb_stats.allocs;
	clones = skb_stats.clones;
	CHECK_EQ(put(s, data, 5 * MSS + 3, 0), 5 * MSS + 3);
	CHECK_EQ(peer.n, 6);
	CHECK_EQ(skb_stats.copied_tx - tx, 5 * MSS + 3);
	CHECK_EQ(skb_stats.copied_other - other, 0);
	CHECK_EQ(skb_stats.allocs - allocs, 6); /* the originals */
	CHECK_EQ(skb_stats.clones - clones, 6);
	peer_ack();
	done(s);
}

/* Small ends of large calls are linear; what is cut below is not, so that software cuts without a copy. */
TEST(small_and_large_calls_are_never_mixed_in_one_packet)
{
	static const u32 sizes[] = {
		300, 6 * MSS, 4 * MSS + 900, 400, 7 * MSS, 1400, 200, 3 * MSS
	};
	struct socket *s = gso_connected(0);
	struct sk_buff *skb;
	u32 n = 0;

	tcp_sk(s->sk)->snd_wnd = 0; /* all of it stays where it can be looked at */
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK_EQ(put(s, data, sizes[i], MSG_DONTWAIT | MSG_MORE), (ssize_t)sizes[i]);
	skb_queue_walk(&s->sk->sk_write_queue, skb) {
		CHECK(!skb_headlen(skb) || !skb->data_len);
		CHECK(!skb_headlen(skb) || skb->len <= MSS);
		n += skb->len;
	}
	CHECK(n > 20 * MSS);
	done(s);
}

struct sum_row {
	const char *name;
	u16 piece[5];
	bool hw;
	bool summed;
};
static const struct sum_row sums[] = {
	{ "one_byte", { 1 }, false, true },
	{ "odd_and_odd", { 3, 5, 7 }, false, true },
	{ "even", { 100, 200 }, false, true },
	{ "odd_boundaries", { 1, 1, 1, 1, 1456 }, false, true },
	{ "a_whole_segment", { 1460 }, false, true },
	{ "the_device_sums", { 3, 5, 7 }, true, false },
};

/* A device that does not sum: the copy has done it; peer.h checks each segment against the reference. */
TEST_EACH(summed_by_the_copy, sums)
{
	struct socket *s;
	struct sk_buff *skb;
	u32 n = 0;

	peer_up();
	fill(data, 0, sizeof(data));
	s = peer_connected();
	if (row->hw)
		devs[0]->features |= NETIF_F_HW_CSUM;
	for (u32 i = 0; i < 5 && row->piece[i]; i++) {
		CHECK_EQ(put(s, data + n, row->piece[i], MSG_MORE), row->piece[i]);
		n += row->piece[i];
	}
	skb = skb_peek(&s->sk->sk_write_queue);
	if (!skb)
		skb = tcp_rtx_head(tcp_sk(s->sk));
	CHECK_EQ(TCP_SKB_CB(skb)->summed, row->summed);
	if (row->summed)
		CHECK_EQ(csum_fold(TCP_SKB_CB(skb)->csum), csum_fold(csum_partial(data, n, 0)));
	devs[0]->features &= ~(u32)NETIF_F_HW_CSUM; /* the wire wants sums */
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
	CHECK(peer.n > 0);
	done(s);
}

/* Two sockets write by turns: no piece continues the last one, and a packet has 17 fragments. */
TEST(a_packet_out_of_fragments_is_full)
{
	struct socket *s = gso_connected(0), *t = tcp_socket(0);
	struct sk_buff *skb;

	CHECK_EQ(put(s, data, 2000, MSG_MORE), 2000);
	skb = skb_peek_tail(&s->sk->sk_write_queue);
	if (!skb)
		skb = skb_peek_tail(&tcp_sk(s->sk)->tcp_rtx_queue);
	peer_hush();
	tcp_sk(s->sk)->nonagle |= TCP_NAGLE_CORK;
	tcp_sk(s->sk)->cc.cwnd = 1; /* nothing leaves */
	for (u32 i = 0; i < 40; i++) {
		CHECK_EQ(put(s, data, 100, MSG_MORE), 100);
		hosts[0]->tcp->frag.used += 8; /* as if another had written */
		if (hosts[0]->tcp->frag.used > PAGE_SIZE)
			hosts[0]->tcp->frag.used = PAGE_SIZE;
	}
	skb_queue_walk(&s->sk->sk_write_queue, skb)
		CHECK(skb_shinfo(skb)->nr_frags <= MAX_SKB_FRAGS);
	CHECK(s->sk->sk_write_queue.qlen >= 2);
	sock_release(t);
	done(s);
}

/* --- Acknowledgments -------------------------------------------------------------------------------------------------------- */
TEST(partial_ack_counts_whole_segments)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);
	u32 queued, seq = peer.nxt;

	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	queued = s->sk->sk_wmem_queued;
	tell_raw(TCPHDR_ACK, peer.seq, seq + 3 * MSS + 100, 0);
	CHECK_EQ(tp->packets_out, 7);
	CHECK_EQ(rtx_segs(tp, 0), 2);
	CHECK_EQ(TCP_SKB_CB(tcp_rtx_head(tp))->seq, seq + 3 * MSS + 100);
	CHECK_EQ(s->sk->sk_wmem_queued, queued - 3 * MSS - 100);
	CHECK_EQ(tp->delivered, 1 + 3);
	tell_raw(TCPHDR_ACK, peer.seq, seq + 10 * MSS, 0);
	CHECK_EQ(tp->packets_out, 0);
	CHECK_EQ(tp->delivered, 1 + 10);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	done(s);
}

/* While the card holds the bytes the list of fragments is not ours to change: the segments are counted all the same. */
TEST(partial_ack_while_the_packet_is_still_here)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);
	struct sk_buff *tap;
	u32 seq = peer.nxt;

	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	tap = peer_tap(tcp_rtx_head(tp));
	tell_raw(TCPHDR_ACK, peer.seq, seq + 2 * MSS, 0);
	CHECK_EQ(tp->packets_out, 8);
	CHECK_EQ(TCP_SKB_CB(tcp_rtx_head(tp))->seq, seq);
	host_clock_advance(300000000); /* sent again: shortened now, by a list of its own */
	CHECK_EQ(said(0)->seq, seq + 2 * MSS);
	CHECK_EQ(said(0)->len, MSS);
	CHECK_EQ(said(0)->first, pattern(2 * MSS));
	CHECK_EQ(tp->packets_out, 8);
	consume_skb(tap);
	done(s);
}

static u32 text_seen;

/* Each byte of each segment is the stream's, however often it was cut. */
static bool check_text(u32 from, const u8 *b, u32 len)
{
	u32 seq = get_unaligned_be32(b + 38), hdr = 34 + (u32)(b[46] >> 4) * 4;
	u32 end = 14u + get_unaligned_be16(b + 16);

	(void)len;
	if (!from && b[23] == IPPROTO_TCP && end > hdr && !(b[47] & TCPHDR_SYN)) {
		CHECK(same(b + hdr, seq - text_seen, end - hdr));
	}
	return peer_record(from, b, len);
}

TEST(lost_segments_come_again_byte_for_byte)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);
	u32 seq = peer.nxt;

	text_seen = seq;
	wire.filter = check_text;
	CHECK_EQ(put(s, data, 12 * MSS, MSG_DONTWAIT), 12 * MSS);
	CHECK_EQ(peer.n, 10);
	host_clock_advance(250000000); /* the timeout: the first segment, alone */
	CHECK_EQ(peer.n, 11);
	CHECK_EQ(said(0)->seq, seq);
	CHECK_EQ(said(0)->len, MSS);
	CHECK_EQ(tp->lost_out, 10);
	tell_raw(TCPHDR_ACK, peer.seq, seq + MSS, 0);
	CHECK_EQ(peer.n, 13); /* slow start: two */
	for (u32 i = 0; i < 12; i++)
		peer_ack();
	CHECK_EQ(tp->snd_una, seq + 12 * MSS);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPSlowStartRetrans),
		 hosts[0]->mib.tcp[TCP_MIB_RetransSegs] - 1);
	done(s);
}

/* Three duplicates: the first segment of the packet is lost, not the packet. */
TEST(fast_retransmit_is_one_segment)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);
	u32 seq = peer.nxt;

	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	for (u32 i = 0; i < 4; i++) /* the first is newer than the SYN-ACK, which set the window */
		tell_raw(TCPHDR_ACK, peer.seq, seq, 0);
	CHECK_EQ(peer.n, 11);
	CHECK_EQ(said(0)->seq, seq);
	CHECK_EQ(said(0)->len, MSS);
	CHECK_EQ(tp->lost_out, 1);
	CHECK_EQ(tp->packets_out, 10);
	CHECK_EQ(tp->retrans_out, 1);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 1);
	done(s);
}

/* --- Below the transport ------------------------------------------------------------------------------------------------------ */
/*
 * The first clone lives on with a receiver of its own (a tap, the other end of loopback), its headers before the bytes that it shares: the
 * second transmission writes its own somewhere else.
 */
TEST(a_second_transmission_leaves_the_headers_of_the_first_alone)
{
	struct sk_buff *orig, *kept;
	struct socket *s;
	u8 mark[40];

	peer_up();
	s = peer_connected();
	memset(mark, 0xee, sizeof(mark));
	CHECK_EQ(put(s, data, 100, 0), 100);
	orig = tcp_rtx_head(tcp_sk(s->sk));
	kept = peer_tap(orig);
	CHECK(kept && skb_shared_data(orig) && skb_headroom(kept) >= sizeof(mark));
	memcpy(kept->data - sizeof(mark), mark, sizeof(mark));
	host_clock_advance(NSEC_PER_SEC + NSEC_PER_SEC / 2);
	CHECK(peer.n >= 2);
	CHECK_EQ(said(0)->len, 100);
	CHECK_EQ(said(0)->seq, peer.out[0].seq);
	CHECK_EQ(said(0)->first, peer.out[0].first);
	CHECK(memcmp(kept->data - sizeof(mark), mark, sizeof(mark)) == 0);
	consume_skb(kept);
	peer_ack();
	done(s);
}

TEST(clone_is_freed_when_sent_and_the_original_when_acknowledged)
{
	struct socket *s;
	u64 frees;

	peer_up();
	s = peer_connected();
	peer_clog(100);
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(s->sk->sk_wmem_alloc, tcp_rtx_head(tcp_sk(s->sk))->truesize);
	frees = skb_stats.frees;
	peer_unclog();
	CHECK_EQ(s->sk->sk_wmem_alloc, 0); /* the clone has gone */
	CHECK(skb_stats.frees > frees);
	CHECK_EQ(tcp_sk(s->sk)->tcp_rtx_queue.qlen, 1);
	CHECK(s->sk->sk_wmem_queued > 0);
	frees = skb_stats.frees;
	peer_ack();
	CHECK_EQ(s->sk->sk_wmem_queued, 0); /* so has the original */
	CHECK(skb_stats.frees > frees);
	CHECK(!tcp_rtx_head(tcp_sk(s->sk)));
	done(s);
}

TEST(small_queue_stops_and_completions_go_on)
{
	struct socket *s = gso_connected(100 * NSEC_PER_MSEC);
	struct tcp_sock *tp = tcp_sk(s->sk);
	u64 runs = this_cpu()->softirq_runs[TASKLET_SOFTIRQ];
	u32 truesize;

	peer_clog(100);
	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	truesize = tcp_rtx_head(tp)->truesize;
	CHECK(tp->tsq_throttled);
	CHECK_EQ(tp->packets_out, 6); /* two packets, and the one that went beyond */
	CHECK(s->sk->sk_wmem_alloc <= 3 * truesize);
	peer_unclog();
	CHECK_EQ(peer.n, 10);
	CHECK_EQ(tp->packets_out, 10);
	CHECK_EQ(s->sk->sk_wmem_alloc, 0);
	CHECK(this_cpu()->softirq_runs[TASKLET_SOFTIRQ] > runs);
	done(s);
}

/* A thread owns the socket when the completion comes: it sends when it lets go. */
TEST(completion_for_an_owned_socket_waits_for_its_owner)
{
	struct socket *s = gso_connected(100 * NSEC_PER_MSEC);
	struct tcp_sock *tp = tcp_sk(s->sk);

	peer_clog(100);
	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	CHECK_EQ(tp->packets_out, 6);
	lock_sock(s->sk);
	peer_unclog();
	CHECK_EQ(tp->packets_out, 6);
	CHECK_EQ(tp->deferred & TCP_DEFER_TSQ, TCP_DEFER_TSQ);
	release_sock(s->sk);
	CHECK_EQ(tp->packets_out, 10);
	CHECK_EQ(tp->deferred, 0);
	done(s);
}

/* What waits for a completion that never comes does not hold the instance up. */
TEST(throttled_socket_dies)
{
	struct socket *s = gso_connected(100 * NSEC_PER_MSEC);

	peer_clog(100);
	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	CHECK(tcp_sk(s->sk)->tsq_throttled);
	tell(TCPHDR_RST, peer.seq, 0, 0);
	CHECK_EQ(state_of(s), TCP_CLOSE);
	peer_unclog();
	done(s);
}

struct cork_row {
	const char *name;
	bool on, clogged;
	u32 segs, corked;
};
static const struct cork_row cork_table[] = {
	{ "waits_for_the_completion", true, true, 2, 1 },
	{ "switched_off", false, true, 4, 0 },
	{ "nothing_below", true, false, 4, 0 },
};

TEST_EACH(autocork, cork_table)
{
	struct socket *s;
	struct tcp_sock *tp;
	int one = 1;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_autocorking", row->on ? "1" : "0"), 0);
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(s->ops->setsockopt(s, SOL_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	if (row->clogged)
		peer_clog(100);
	CHECK_EQ(put(s, data, 2 * MSS, 0), 2 * MSS);
	CHECK_EQ(put(s, data, 10, 0), 10);
	CHECK_EQ(put(s, data, 10, 0), 10);
	CHECK_EQ(tp->packets_out, row->segs);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPAutoCorking), row->corked);
	if (row->clogged)
		peer_unclog();
	CHECK_EQ(tp->packets_out, row->corked ? 3 : 4); /* both writes in one segment */
	CHECK_EQ(said(0)->len, row->corked ? 20 : 10);
	done(s);
}

static void unclog_in_between(const volatile void *count)
{
	if (count != &hosts[0]->mib.tcpext[LINUX_MIB_TCPAutoCorking])
		return;
	host_before_count = NULL;
	peer_unclog();
}

/* The last completion comes between the look at what is below and the flag that asks for it: nobody would send on. */
TEST(autocork_is_too_late)
{
	struct socket *s;
	int one = 1;

	peer_up();
	s = peer_connected();
	CHECK_EQ(s->ops->setsockopt(s, SOL_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	peer_clog(100);
	CHECK_EQ(put(s, data, 2 * MSS, 0), 2 * MSS);
	host_before_count = unclog_in_between;
	CHECK_EQ(put(s, data, 10, 0), 10);
	CHECK(!host_before_count);
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 3);
	CHECK_EQ(said(0)->len, 10);
	done(s);
}

/* --- Writing ------------------------------------------------------------------------------------------------------------------ */
TEST(end_of_record_is_not_appended_to)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 1, 0), 1);
	CHECK_EQ(put(s, data, 10, MSG_EOR), 10);
	CHECK_EQ(put(s, data, 20, 0), 20);
	CHECK_EQ(said(0)->len, 10); /* it is not the last any more: nothing can join it */
	CHECK_EQ(s->sk->sk_write_queue.qlen, 1);
	peer_ack();
	CHECK_EQ(said(0)->len, 20);
	done(s);
}

struct again_row {
	const char *name;
	u16 len[3];
	const char *collapse;
	u32 flags; /* of the first write */
	u32 want;
};
static const struct again_row again_table[] = {
	{ "two_and_eight_are_ten", { 2, 8 }, "1", 0, 10 },
	{ "three_of_them", { 2, 8, 100 }, "1", 0, 110 },
	{ "not_beyond_a_segment", { 1000, 460, 1 }, "1", 0, 1460 },
	{ "too_large_together", { 1000, 461 }, "1", 0, 1000 },
	{ "switched_off", { 2, 8 }, "0", 0, 2 },
	{ "not_over_the_end_of_a_record", { 2, 8 }, "1", MSG_EOR, 2 },
};

TEST_EACH(sent_again, again_table)
{
	struct socket *s;
	int one = 1;

	peer_up();
	fill(data, 0, sizeof(data));
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_retrans_collapse", row->collapse), 0);
	s = peer_connected();
	CHECK_EQ(s->ops->setsockopt(s, SOL_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	for (u32 i = 0; i < 3 && row->len[i]; i++)
		CHECK_EQ(put(s, data, row->len[i], i ? 0 : row->flags), row->len[i]);
	host_clock_advance(250000000);
	CHECK_EQ(said(0)->len, row->want);
	CHECK_EQ(said(0)->seq, peer.nxt);
	peer_follow();
	for (u32 i = 0; i < 3; i++)
		peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	done(s);
}

/* The same for payload in pages: fragments are moved. */
TEST(fragments_are_joined_when_sent_again)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);
	struct sk_buff *skb;

	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	local_bh_disable();
	skb = tcp_rtx_head(tp); /* cut into small ones, as a peer's acknowledgments may do */
	CHECK_EQ(tcp_fragment(s->sk, &tp->tcp_rtx_queue, skb, 400, MSS), 0);
	CHECK_EQ(tcp_fragment(s->sk, &tp->tcp_rtx_queue, skb_queue_next(&tp->tcp_rtx_queue, skb),
			      400, MSS),
		 0);
	CHECK_EQ(tcp_retransmit_skb(s->sk, skb, 1), 0);
	local_bh_enable();
	CHECK_EQ(said(0)->len, 800);
	CHECK_EQ(skb->len, 800);
	peer_ack();
	CHECK_EQ(tp->packets_out, 0);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	done(s);
}

TEST(too_many_pieces_are_refused)
{
	struct socket *s = gso_connected(0);
	struct tcp_sock *tp = tcp_sk(s->sk);
	struct sk_buff *skb;

	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS);
	local_bh_disable();
	skb = tcp_rtx_head(tp);
	CHECK_EQ(tcp_fragment(s->sk, &tp->tcp_rtx_queue, skb, MSS, MSS), 0);
	skb = skb_queue_next(&tp->tcp_rtx_queue, skb);
	s->sk->sk_wmem_queued += 16 << 20;
	CHECK_EQ(tcp_fragment(s->sk, &tp->tcp_rtx_queue, skb, MSS, MSS), -ENOMEM);
	s->sk->sk_wmem_queued -= 16 << 20;
	CHECK_EQ(peer_mib(LINUX_MIB_TCPWqueueTooBig), 1);
	CHECK_EQ(tcp_fragment(s->sk, &tp->tcp_rtx_queue, skb, MSS, MSS), 0);
	local_bh_enable();
	done(s);
}

TEST(unsent_bytes_are_limited)
{
	struct socket *s = gso_connected(0);
	int low = 5000, val = 0;

	CHECK_EQ(s->ops->setsockopt(s, SOL_TCP, TCP_NOTSENT_LOWAT, &low, sizeof(low)), 0);
	CHECK_EQ(put(s, data, 10 * MSS, MSG_DONTWAIT), 10 * MSS); /* all of it is sent */
	CHECK(put(s, data, 100000, MSG_DONTWAIT) < 100000);
	CHECK_EQ(put(s, data, 1, MSG_DONTWAIT), -EAGAIN);
	CHECK_EQ(s->sk->sk_prot->ioctl(s->sk, SIOCOUTQNSD, &val), 0);
	CHECK(val >= low);
	CHECK_EQ(s->sk->sk_prot->poll(s->sk) & POLLOUT, 0);
	for (u32 i = 0; i < 6; i++)
		peer_ack();
	CHECK_EQ(s->sk->sk_prot->ioctl(s->sk, SIOCOUTQNSD, &val), 0);
	CHECK_EQ(val, 0);
	CHECK_EQ(s->sk->sk_prot->poll(s->sk) & POLLOUT, POLLOUT);
	done(s);
}

TEST(send_buffer_begins_with_ten_segments)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(s->sk->sk_sndbuf, 87040);
	done(s);
}

/* A long call lets the ACKs in that wait for it. */
TEST(backlog_is_let_in)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, data, 100, 0), 100);
	lock_sock(s->sk);
	CHECK(!sk_flush_backlog(s->sk));
	peer_ack();
	CHECK_EQ(tp->packets_out, 1);
	CHECK(sk_flush_backlog(s->sk));
	CHECK_EQ(tp->packets_out, 0);
	CHECK(sock_owned_by_user(s->sk));
	release_sock(s->sk);
	done(s);
}

/* TCP_NODELAY pushes what the cork holds, once. */
TEST(nodelay_pushes_through_the_cork)
{
	struct socket *s;
	int one = 1;

	peer_up();
	s = peer_connected();
	CHECK_EQ(s->ops->setsockopt(s, SOL_TCP, TCP_CORK, &one, sizeof(one)), 0);
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(s->ops->setsockopt(s, SOL_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(peer.n, 1); /* the cork holds again */
	done(s);
}

/* No page for a large write: what fitted into none is not taken, and later it is. */
TEST(no_page_is_a_full_buffer)
{
	struct socket *s = gso_connected(0);
	const char *why;

	CHECK_EQ(fault_parse("fault", "alloc,site=net/core/skb_frags.c", NULL, &why), 0);
	CHECK_EQ(put(s, data, 10000, MSG_DONTWAIT), -EAGAIN);
	CHECK(skb_queue_empty(&s->sk->sk_write_queue));
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	peer_memory(true);
	CHECK_EQ(put(s, data, 10000, MSG_DONTWAIT), 10000);
	done(s);
}

KTEST_MAIN_BOOT()
