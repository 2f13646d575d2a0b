// SPDX-License-Identifier: MIT
/*
 * Delivery rate and busy time, where scripts do not reach: blocks and what they cover afterwards, repetitions that came at their first
 * attempt, clocks that wrap, what the application's pauses mean, queues that end without an ACK.
 */
#include "peer.h"

#define MSS 1460u

static u8 data[30 * MSS];

static struct socket *ten_out(void)
{
	struct socket *s = peer_connected();

	set_opt(s, SOL_SOCKET, SO_SNDBUF, 1000000);
	tcp_sk(s->sk)->sack_ok = true;
	CHECK_EQ(put(s, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
	CHECK_EQ(peer.n, 10);
	return s;
}

/* An ACK of @acked segments of the ten, with a block of others. */
static void sack(u32 acked, u32 from, u32 to)
{
	u32 base = said(peer.n - 1)->seq;

	peer.opt[0] = peer.opt[1] = TCPOPT_NOP;
	peer.opt[2] = TCPOPT_SACK;
	peer.opt[3] = 10;
	put_unaligned_be32(base + from * MSS, peer.opt + 4);
	put_unaligned_be32(base + to * MSS, peer.opt + 8);
	peer.optlen = to > from ? 12 : 0;
	tell_raw(TCPHDR_ACK, peer.seq, base + acked * MSS, 0);
	peer.optlen = 0;
}

/* What a block covers is a sample when the block comes, and none when it is acknowledged later. */
TEST(a_block_is_a_sample_once)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	tp->rtt.min_us = 100000; /* or what is missing would be lost at once */
	tp->rtt.srtt8_us = 800000;
	host_clock_advance(100 * NSEC_PER_MSEC);
	sack(0, 1, 3);
	CHECK_EQ(tp->rate.sample_segs, 2);
	CHECK_EQ(tp->rate.sample_us, 100000);
	CHECK_EQ(tcp_delivery_rate(tp), 2 * MSS * 10);
	sack(3, 0, 0); /* the first, too: sent at once with the others */
	CHECK_EQ(tp->rate.sample_segs, 3);
	CHECK_EQ(tp->rate.sample_us, 100000);
	sock_release(s);
	peer_down();
}

/* Sent again after a timeout, and acknowledged before any round trip could be: that was the first copy, and no measure. */
TEST(faster_than_any_round_trip_is_no_sample)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	host_clock_advance(100 * NSEC_PER_MSEC);
	sack(2, 0, 0);
	CHECK_EQ(tp->rate.sample_segs, 2);
	tp->rate.sample_segs = tp->rate.sample_us = 0;
	tp->rtt.min_us = 100000;
	host_clock_advance(NSEC_PER_SEC);
	CHECK(tp->total_retrans > 0);
	peer.n = 10; /* what went again is not looked at */
	tp->rate.delivered_us = tp->rate.first_us = (u32)(ktime_get_ns() / NSEC_PER_USEC);
	tcp_rtx_head(tp)->tx.delivered_us = tp->rate.delivered_us;
	tcp_rtx_head(tp)->tx.first_us = tp->rate.delivered_us;
	tcp_rtx_head(tp)->tstamp_ns = ktime_get_ns();
	host_clock_advance(NSEC_PER_MSEC);
	sack(3, 0, 0);
	CHECK_EQ(tp->rate.sample_us, 0);
	CHECK_EQ(tcp_delivery_rate(tp), 0);
	sock_release(s);
	peer_down();
}

/* The sample of a pause counts only when it is no slower. */
struct kept_row {
	const char *name;
	bool late;
	u32 us;
	u32 rate_us; /* of the sample kept: two segments in so many */
};

static const struct kept_row kept_table[] = {
	{ "slower_while_late", true, 300000, 100000 },
	{ "slower_in_time", false, 300000, 300000 },
	{ "as_fast_while_late", true, 100000, 100000 },
	{ "faster_while_late", true, 60000, 60000 },
};

TEST_EACH(kept, kept_table)
{
	struct tcp_acked acked = { .now_ns = 5000000ULL * NSEC_PER_USEC + row->us * NSEC_PER_USEC,
				   .rate_us = 5000000,
				   .rate_sent_us = 10,
				   .rate_delivered = 10,
				   .rate_app_limited = row->late };
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	tp->rtt.min_us = 1000;
	tp->rate.sample_segs = 2;
	tp->rate.sample_us = 100000;
	tp->rate.sample_app_limited = false;
	tp->delivered = 12;
	tcp_rate_gen(tp, &acked, 2);
	CHECK_EQ(tp->rate.sample_segs, 2);
	CHECK_EQ(tp->rate.sample_us, row->rate_us);
	CHECK_EQ(tp->rate.sample_app_limited, row->late && row->us <= 100000);
	CHECK_EQ(tp->rate.delivered_us, 5000000 + row->us);
	sock_release(s);
	peer_down();
}

/* Nothing delivered, or only what the peer takes back: no sample, and the clock of deliveries stands. */
TEST(no_sample_of_nothing_or_reneging)
{
	struct tcp_acked acked = { .now_ns = NSEC_PER_SEC, .rate_us = 1, .reneging = true };
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	tp->rate.delivered_us = 77;
	tcp_rate_gen(tp, &acked, 0);
	acked.rate_us = 0;
	acked.reneging = false;
	tcp_rate_gen(tp, &acked, 0);
	CHECK_EQ(tp->rate.sample_us, 0);
	CHECK_EQ(tp->rate.delivered_us, 77);
	CHECK_EQ(tcp_delivery_rate(tp), 0);
	CHECK_EQ(tp->rate.app_limited, 0); /* the bubble of the begin is through */
	sock_release(s);
	peer_down();
}

/* Microseconds are kept modulo 2^32, and zero means never. */
TEST(the_clock_wraps)
{
	struct tcp_acked acked = { .now_ns = (1ULL << 32) * NSEC_PER_USEC };
	struct sk_buff *skb;
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = tcp_socket(0);
	tp = tcp_sk(s->sk);
	skb = tcp_ctl_skb(100, TCPHDR_ACK);
	CHECK(skb != NULL);
	skb->tstamp_ns = (1ULL << 32) * NSEC_PER_USEC - 50 * NSEC_PER_USEC;
	tcp_rate_sent(tp, skb, skb->tstamp_ns);
	CHECK_EQ(skb->tx.delivered_us, UINT32_MAX - 49);
	tp->rtt.min_us = 10;
	tp->delivered = 1;
	tcp_rate_delivered(tp, skb, &acked);
	CHECK_EQ(skb->tx.delivered_us, 0);
	tcp_rate_gen(tp, &acked, 1);
	CHECK_EQ(tp->rate.sample_us, 51);
	CHECK_EQ(tp->rate.delivered_us, 1);
	tcp_rate_delivered(tp, skb, &acked); /* a second time is none */
	CHECK_EQ(acked.rate_us, UINT32_MAX - 49);
	consume_skb(skb);
	sock_release(s);
	peer_down();
}

/* Late is an application only when nothing else holds us back. */
struct late_row {
	const char *name;
	u32 unsent, below, lost;
	bool full, late;
};

static const struct late_row late_table[] = {
	{ "late", 0, 0, 0, false, true },
	{ "less_than_a_segment", MSS - 1, 0, 0, false, true },
	{ "a_segment_waits", MSS, 0, 0, false, false },
	{ "below_us_something_waits", 0, 10000, 0, false, false },
	{ "window_full", 0, 0, 0, true, false },
	{ "something_to_repair", 0, 0, 1, false, false },
};

TEST_EACH(late, late_table)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	tp->rate.app_limited = 0;
	tp->delivered = 0;
	tp->write_seq += row->unsent;
	count_add(&s->sk->sk_wmem_alloc, row->below);
	tp->packets_out = row->full ? tp->cc.cwnd : row->lost;
	tp->lost_out = row->lost;
	lock_sock(s->sk);
	tcp_rate_check_app_limited(s->sk);
	release_sock(s->sk);
	CHECK_EQ(tp->rate.app_limited != 0, row->late);
	tp->write_seq -= row->unsent;
	count_sub(&s->sk->sk_wmem_alloc, row->below);
	tp->packets_out = tp->lost_out = 0;
	sock_release(s);
	peer_down();
}

/* A reset ends the time that counts, and so does a writer whose first copy failed. */
TEST(busy_ends_with_the_queues)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	CHECK_EQ(tp->chrono, TCP_CHRONO_BUSY);
	host_clock_advance(3 * NSEC_PER_MSEC);
	CHECK_EQ(tcp_chrono_us(tp, TCP_CHRONO_BUSY), 3000);
	tell(TCPHDR_RST, peer.seq, 0, 0);
	CHECK_EQ(tp->chrono, TCP_CHRONO_NONE);
	host_clock_advance(NSEC_PER_SEC);
	CHECK_EQ(tcp_chrono_us(tp, TCP_CHRONO_BUSY), 3000);
	sock_release(s);
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(put(s, (const void *)8, 100, MSG_DONTWAIT), -EFAULT);
	CHECK_EQ(tp->chrono, TCP_CHRONO_NONE);
	sock_release(s);
	peer_down();
}

/* The weightier reason counts; taking it away leaves the one that always holds. */
TEST(the_weightier_reason_counts)
{
	struct socket *s;
	struct tcp_sock *tp;

	peer_up();
	s = ten_out();
	tp = tcp_sk(s->sk);
	lock_sock(s->sk);
	tcp_chrono_start(tp, TCP_CHRONO_SNDBUF);
	tcp_chrono_start(tp, TCP_CHRONO_RWND);
	CHECK_EQ(tp->chrono, TCP_CHRONO_SNDBUF);
	tcp_chrono_stop(s->sk, TCP_CHRONO_RWND);
	CHECK_EQ(tp->chrono, TCP_CHRONO_SNDBUF);
	tcp_chrono_stop(s->sk, TCP_CHRONO_SNDBUF);
	CHECK_EQ(tp->chrono, TCP_CHRONO_BUSY);
	tcp_chrono_stop(s->sk, TCP_CHRONO_BUSY); /* there is still something to do */
	CHECK_EQ(tp->chrono, TCP_CHRONO_BUSY);
	release_sock(s->sk);
	sock_release(s);
	peer_down();
}
KTEST_MAIN_BOOT()
