// SPDX-License-Identifier: MIT
/*
 * Pacing, by fq or by TCP itself: segments leave at the rate, their round trip is measured from the time they left, and no timer takes
 * a wait for a loss.
 */
#include "wire.h"

#include <net/sch_generic.h>

#define MS   1000000ull
#define SEC  1000000000ull
#define MSS  1448u /* beside timestamps */
#define SEGS 2000u
#define RTT  (100 * MS)

static u8 data[70 * MSS], sink[100000];
static struct {
	u64 at_ns[SEGS];
	u32 len[SEGS], n;
	u32 fin_at, acks; /* text before the FIN; segments without */
} left;                   /* text of host 0 */

static bool watch(u32 from, const u8 *b, u32 len)
{
	u32 total = (u32)b[16] << 8 | b[17], hdr = 20 + (u32)(b[46] >> 4) * 4;

	(void)len;
	if (from == 0 && b[23] == IPPROTO_TCP && (b[47] & TCPHDR_FIN) && !left.fin_at)
		left.fin_at = left.n + (total > hdr);
	left.acks += from == 0 && b[23] == IPPROTO_TCP && total == hdr && !(b[47] & TCPHDR_FIN);
	if (from == 0 && b[23] == IPPROTO_TCP && total > hdr && left.n < SEGS) {
		left.at_ns[left.n] = ktime_get_ns();
		left.len[left.n++] = total - hdr;
	}
	return false;
}

static void discipline(const char *text)
{
	const char *why = "";
	struct qdisc_spec spec;

	CHECK_EQ(qdisc_parse(text, &spec, &why), 0);
	CHECK_EQ(qdisc_graft(devs[0], &spec), 0);
}

static void up(struct socket *s[2], const char *text)
{
	hosts_up(1);
	wire.delay_ns = RTT / 2;
	memset(&left, 0, sizeof(left));
	if (text)
		discipline(text);
	connected_pair(s);
	wire.filter = watch;
}

static void down(struct socket *s[2])
{
	wire.filter = NULL;
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

/* Sends as much as goes and reads as much as came, for @ns. Returns the bytes that were sent. */
static u64 run(struct socket *s[2], u64 most, u64 ns)
{
	u64 until = ktime_get_ns() + ns, sent = 0;

	while (ktime_get_ns() < until) {
		while (sent < most) {
			ssize_t n = put(s[0], data, min_t(u64, sizeof(data), most - sent),
					MSG_DONTWAIT);

			if (n <= 0)
				break;
			sent += (u64)n;
		}
		while (get(s[1], sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
		host_clock_advance(MS);
	}
	return sent;
}

static void limit_rate(struct socket *s, u32 rate)
{
	CHECK_EQ(sock_setsockopt(s->sk, SO_MAX_PACING_RATE, &rate, sizeof(rate)), 0);
}

/* Bytes a second from segment @from on. */
static u64 rate_from(u32 from)
{
	u64 bytes = 0;

	for (u32 i = from; i + 1 < left.n; i++)
		bytes += left.len[i];
	return bytes * SEC / (left.at_ns[left.n - 1] - left.at_ns[from]);
}

/* The ACK of a segment waits for the next one, or for as long as these have been apart. */
static const struct {
	const char *name, *qdisc;
	u32 rate, least; /* it is not what bounds the fast one for long */
	u64 rtt_most_ns;
} limits[] = {
	{ "100_kB", "fq", 100000, 90000,
	  RTT + 20 * MS }, /* the first of two waits for the second */
	{ "20_kB", "fq", 20000, 18000, RTT + 80 * MS },
	{ "1_MB", "fq", 1000000, 700000, RTT + 10 * MS },
	{ "100_kB_without_fq", NULL, 100000, 90000, RTT + 20 * MS }, /* TCP holds itself back */
	{ "20_kB_without_fq", NULL, 20000, 18000, RTT + 80 * MS },
	{ "1_MB_without_fq", NULL, 1000000, 700000, RTT + 10 * MS },
};

/* The limit of the socket is what leaves, evenly; the wait for it is no part of the round trip, and no loss. */
TEST_EACH(rate_of_the_option, limits)
{
	struct socket *s[2];
	u64 gap = (u64)MSS * SEC / row->rate, rate;

	up(s, row->qdisc);
	limit_rate(s[0], row->rate);
	(void)run(s, UINT64_MAX, 10 * SEC);
	CHECK_EQ(s[0]->sk->sk_paced, row->qdisc != NULL);
	CHECK(s[0]->sk->sk_pacing_rate <= row->rate);
	CHECK(left.n > 50);
	for (u32 i = 15; i + 1 < left.n; i++)
		CHECK(left.at_ns[i + 1] - left.at_ns[i] >= gap / 2);
	rate = rate_from(15);
	CHECK(rate <= row->rate + row->rate / 50);
	CHECK(rate >= row->least);
	CHECK(tcp_sk(s[0]->sk)->rtt.srtt8_us / 8 >= RTT / 1000);
	CHECK(tcp_sk(s[0]->sk)->rtt.srtt8_us / 8 < row->rtt_most_ns / 1000);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	down(s);
}

static const struct {
	const char *name, *qdisc;
} places[] = { { "in_fq", "fq" }, { "in_TCP", NULL } };

/* However slow: a pause is a second at most, and the retransmission timer waits with it. */
TEST_EACH(no_pause_above_a_second_and_no_timeout_in_it, places)
{
	struct socket *s[2];

	up(s, row->qdisc);
	limit_rate(s[0], 100);
	CHECK_EQ(run(s, 20 * MSS, 30 * SEC), 20 * MSS);
	CHECK_EQ(left.n, 20);
	for (u32 i = 11; i + 1 < left.n; i++) {
		CHECK(left.at_ns[i + 1] - left.at_ns[i] <= SEC + 50 * MS);
		CHECK(left.at_ns[i + 1] - left.at_ns[i] >= SEC / 2);
	}
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	down(s);
}

/* The most segments that left at one time, behind the first ten. */
static u32 largest_burst(void)
{
	u32 most = 0, n = 1;

	for (u32 i = 11; i < left.n; i++) {
		n = left.at_ns[i] - left.at_ns[i - 1] < 10000 ? n + 1 : 1;
		most = max(most, n);
	}
	return most;
}

/* TCP's own rate: a window is spread over the round trip where fq lies below, and goes at once elsewhere. */
TEST(own_rate_spreads_the_window)
{
	struct socket *s[2];
	u32 srtt_us;

	up(s, "fq");
	(void)run(s, UINT64_MAX, 2 * SEC);
	srtt_us = tcp_sk(s[0]->sk)->rtt.srtt8_us / 8;
	CHECK(left.n > 100);
	CHECK(largest_burst() <= 2);
	CHECK(srtt_us >= RTT / 1000 && srtt_us < RTT / 1000 + 10000); /* it does not run away */
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	down(s);
	up(s, NULL);
	(void)run(s, UINT64_MAX, 2 * SEC);
	CHECK(!s[0]->sk->sk_paced);
	CHECK(largest_burst() > 2);
	down(s);
}

/* What has a place in the stream keeps it: a FIN leaves behind the text that waits. An ACK does not wait with it. */
TEST(fin_does_not_overtake_and_an_ack_does_not_wait)
{
	struct socket *s[2];

	up(s, "fq");
	limit_rate(s[0], 2000);
	CHECK_EQ(run(s, 13 * MSS, 300 * MS), 13 * MSS);
	CHECK_EQ(s[0]->ops->shutdown(s[0], SHUT_WR), 0);
	CHECK(left.n < 13);
	left.acks = 0;
	CHECK_EQ(put(s[1], data, MSS, MSG_DONTWAIT), MSS);
	CHECK_EQ(put(s[1], data, MSS, MSG_DONTWAIT), MSS);
	host_clock_advance(60 * MS); /* two segments: answered at once */
	CHECK(left.n < 13);
	CHECK(left.acks >= 1);
	(void)run(s, 0, 10 * SEC);
	CHECK_EQ(left.n, 13);
	CHECK_EQ(left.fin_at, 13);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	down(s);
}

/* Who has learned to pace and loses fq goes on; what left before its time is no sample. */
TEST(fq_goes_while_segments_wait)
{
	struct socket *s[2];
	u32 srtt_us, n;

	up(s, "fq");
	limit_rate(s[0], 20000);
	(void)run(s, UINT64_MAX, 2 * SEC);
	discipline("pfifo_fast");
	n = left.n;
	(void)run(s, UINT64_MAX, 3 * SEC);
	srtt_us = tcp_sk(s[0]->sk)->rtt.srtt8_us / 8;
	CHECK(left.n > n + 10); /* what waited in fq is lost with it */
	CHECK(srtt_us < RTT / 1000 + 80000);
	down(s);
}

TEST(option)
{
	struct socket *s[2];
	u32 rate = 5000, len = sizeof(rate);
	u64 wide = 1ull << 40;

	up(s, NULL);
	CHECK_EQ(sock_getsockopt(s[0]->sk, SO_MAX_PACING_RATE, &rate, &len), 0);
	CHECK(rate == UINT32_MAX && len == 4);
	CHECK_EQ(sock_setsockopt(s[0]->sk, SO_MAX_PACING_RATE, &rate, 3), -EINVAL);
	limit_rate(s[0], 5000);
	CHECK_EQ(s[0]->sk->sk_pacing_rate, 5000);
	len = sizeof(wide);
	CHECK_EQ(sock_getsockopt(s[0]->sk, SO_MAX_PACING_RATE, &wide, &len), 0);
	CHECK(wide == 5000 && len == 8);
	wide = 1ull << 40; /* beyond 32 bits: any */
	CHECK_EQ(sock_setsockopt(s[0]->sk, SO_MAX_PACING_RATE, &wide, sizeof(wide)), 0);
	CHECK_EQ(sock_getsockopt(s[0]->sk, SO_MAX_PACING_RATE, &wide, &len), 0);
	CHECK_EQ(wide, UINT64_MAX);
	CHECK_EQ(s[0]->sk->sk_pacing_rate, 5000); /* the next ACK finds TCP's own */
	down(s);
}

KTEST_MAIN_BOOT()
