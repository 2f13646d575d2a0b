// SPDX-License-Identifier: MIT
/* A sender whose own host refuses it: no memory, no room in the queue. It waits as long as that takes, and no longer. */
#include "wire.h"

#include <kernel/fault.h>

static void fail(const char *rule)
{
	const char *why = "";

	memset(faults, 0, sizeof(faults));
	faults_armed = false;
	CHECK_EQ(fault_parse("fault", rule, NULL, &why), 0);
}

static void heal(void)
{
	faults_armed = false;
	memset(faults, 0, sizeof(faults));
}

/* The round trip is 1 ms, and measured. */
static void pair_up(struct socket *s[2])
{
	static u8 buf[4096];

	hosts_up(1);
	/* Without SACK: duplicate ACKs are counted. */
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_sack", "0"), 0);
	connected_pair(s);
	for (u32 i = 0; i < 8; i++) {
		CHECK_EQ(put(s[0], buf, sizeof(buf), 0), sizeof(buf));
		for (size_t n = 0; n < sizeof(buf);)
			n += (size_t)get(s[1], buf, sizeof(buf) - n, 0);
	}
	host_clock_advance(NSEC_PER_SEC);
}

static void pair_down(struct socket *s[2])
{
	heal();
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

TEST(what_is_acknowledged_is_memory_again)
{
	static u8 buf[8192];
	struct socket *s[2];
	u64 begin;

	pair_up(s);
	CHECK_EQ(put(s[0], buf, sizeof(buf), 0), sizeof(buf)); /* on its way */
	fail("alloc,site=net/tcp/tcp_sendmsg.c");
	begin = host_clock();
	CHECK_EQ(put(s[0], buf, 3000, 0), 3000);
	CHECK_EQ(faults[FAULT_ALLOC].hits, 1);
	CHECK(host_clock() - begin < 3 * NSEC_PER_MSEC); /* an ACK came; no pause of up to 204 ms */
	pair_down(s);
}

TEST(nothing_on_its_way_is_a_pause)
{
	static u8 buf[1000];
	struct socket *s[2];
	u64 begin;

	pair_up(s);
	fail("alloc,site=net/tcp/tcp_sendmsg.c");
	begin = host_clock();
	CHECK_EQ(put(s[0], buf, sizeof(buf), 0), sizeof(buf));
	CHECK_EQ(faults[FAULT_ALLOC].hits, 1);
	CHECK(host_clock() - begin >= 8 * NSEC_PER_MSEC);
	CHECK(host_clock() - begin <= 208 * NSEC_PER_MSEC);
	pair_down(s);
}

TEST(a_deadline_ends_the_pause)
{
	struct socket *s[2];
	struct timeval tv = { 0, 5000 };
	u64 begin;

	pair_up(s);
	CHECK_EQ(sock_setsockopt(s[0]->sk, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	fail("alloc,site=net/tcp/tcp_sendmsg.c,every=1");
	begin = host_clock();
	CHECK_EQ(put(s[0], "x", 1, 0), -EAGAIN);
	CHECK(host_clock() - begin >= 4 * NSEC_PER_MSEC &&
	      host_clock() - begin < 12 * NSEC_PER_MSEC);
	CHECK_EQ(put(s[0], "x", 1, MSG_DONTWAIT), -EAGAIN);
	pair_down(s);
}

TEST(a_refusal_below_is_tried_again_soon)
{
	struct socket *s[2];
	u64 begin;
	char c = 0;

	pair_up(s);
	fail("qdiscdrop");
	begin = host_clock();
	CHECK_EQ(put(s[0], "x", 1, 0), 1);
	CHECK_EQ(faults[FAULT_QDISC_DROP].hits, 1);
	CHECK_EQ(get(s[1], &c, 1, 0), 1);
	CHECK_EQ(c, 'x');
	CHECK(host_clock() - begin <
	      60 * NSEC_PER_MSEC); /* no retransmission timeout: nothing was lost */
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPTimeouts], 0);
	pair_down(s);
}

TEST(a_lasting_refusal_is_not_hammered)
{
	struct socket *s[2];
	char c = 0;

	pair_up(s);
	fail("qdiscdrop,every=1");
	CHECK_EQ(put(s[0], "x", 1, 0), 1);
	host_clock_advance(10 * NSEC_PER_SEC);
	CHECK(faults[FAULT_QDISC_DROP].hits >= 10 && faults[FAULT_QDISC_DROP].hits <= 25);
	CHECK_EQ(state_of(s[0]), TCP_ESTABLISHED);
	heal();
	CHECK_EQ(get(s[1], &c, 1, 0), 1);
	pair_down(s);
}

/* --- Refused on the way down --------------------------------------------------------------------------------------------------- */

/* A connection of its own, when the neighbour is known. */
static struct socket *another(struct socket *l)
{
	struct socket *s = tcp_socket(0);

	CHECK_EQ(try_connect(s, 1, PORT + 1, 0), 0);
	close_accepted(accepted(l, 0));
	return s;
}

TEST(a_syn_that_never_left_is_no_retransmission)
{
	struct socket *s[2], *l, *c;
	struct tcp_sock *tp;
	u64 begin;

	pair_up(s);
	l = tcp_listener(1, PORT + 1, 8);
	fail("qdiscdrop");
	begin = host_clock();
	c = another(l);
	tp = tcp_sk(c->sk);
	CHECK_EQ(faults[FAULT_QDISC_DROP].hits, 1);
	CHECK(host_clock() - begin < 60 * NSEC_PER_MSEC); /* not a second */
	CHECK_EQ(tp->total_retrans, 0);
	CHECK_EQ(tp->cc.cwnd, TCP_INIT_CWND);
	CHECK(tp->rtt.srtt8_us && tp->rtt.rto_ns < NSEC_PER_SEC); /* nor the careful timeout */
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPTimeouts], 0);
	sock_release(c);
	sock_release(l);
	pair_down(s);
}

TEST(a_syn_that_is_refused_for_long_is_given_up_as_a_lost_one)
{
	struct socket *s[2], *c;
	u64 begin;
	int retries = 1;

	pair_up(s);
	c = tcp_socket(0);
	CHECK_EQ(c->ops->setsockopt(c, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries)), 0);
	fail("qdiscdrop,every=1");
	begin = host_clock();
	CHECK_EQ(try_connect(c, 1, PORT + 1, 0), -ETIMEDOUT);
	CHECK(host_clock() - begin >= 3 * NSEC_PER_SEC && host_clock() - begin < 5 * NSEC_PER_SEC);
	CHECK(faults[FAULT_QDISC_DROP].hits >= 5 && faults[FAULT_QDISC_DROP].hits <= 10);
	sock_release(c);
	pair_down(s);
}

static u32 drop_data, dupacks, refusals;

/* Loses one data segment; the third duplicate ACK is the last one, and so many packets are refused behind it. */
static bool lose_then_refuse(u32 from, const u8 *b, u32 len)
{
	char rule[32];

	(void)b;
	if (from == 0)
		return len > 1000 && drop_data && !--drop_data;
	if (++dupacks != 3)
		return false;
	snprintf(rule, sizeof(rule), "qdiscdrop,every=1,times=%u", refusals);
	fail(rule);
	return false;
}

#define DUPACKS_REFUSED 6u

/* Ten segments, of which the first is lost; when it is to be sent again, this host has no room @n times. How long it took. */
static u64 recover_under(struct socket *s[2], u32 n)
{
	static u8 out[14600], in[14600];
	u64 begin = host_clock();

	fill(out, 0, sizeof(out));
	drop_data = 1;
	dupacks = 0;
	refusals = DUPACKS_REFUSED + n;
	wire.filter = lose_then_refuse;
	CHECK_EQ(put(s[0], out, sizeof(out), 0), sizeof(out));
	for (size_t got = 0; got < sizeof(in);) {
		ssize_t r = get(s[1], in + got, sizeof(in) - got, 0);

		CHECK(r > 0);
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	wire.filter = NULL;
	return host_clock() - begin;
}

TEST(a_retransmission_that_is_refused_is_tried_again_soon)
{
	struct socket *s[2];

	pair_up(s);
	CHECK(recover_under(s, 1) < 60 * NSEC_PER_MSEC);
	CHECK_EQ(faults[FAULT_QDISC_DROP].hits, DUPACKS_REFUSED + 1);
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPTimeouts], 0);
	CHECK_EQ(tcp_sk(s[0]->sk)->backoff, 0);
	pair_down(s);
}

/* The timeout stays where it was: it comes in its time though something else is tried before it. */
TEST(a_retransmission_that_is_refused_for_long_waits_for_its_timeout)
{
	struct socket *s[2];
	u64 took;

	pair_up(s);
	took = recover_under(s, 6);
	CHECK_EQ(faults[FAULT_QDISC_DROP].hits, DUPACKS_REFUSED + 6);
	CHECK(took >= 200 * NSEC_PER_MSEC && took < 4 * NSEC_PER_SEC);
	CHECK(hosts[0]->mib.tcpext[LINUX_MIB_TCPTimeouts] >= 1);
	CHECK(tcp_sk(s[0]->sk)->backoff <= 1); /* refusals are not counted */
	pair_down(s);
}

/* --- Every n-th allocation ----------------------------------------------------------------------------------------------------- */
static const struct {
	const char *name;
	u32 n;
} everies[] = { { "3", 3 }, { "4", 4 }, { "5", 5 },   { "6", 6 },   { "7", 7 },
		{ "8", 8 }, { "9", 9 }, { "10", 10 }, { "11", 11 }, { "12", 12 } };

/* However many allocations a try needs, none is always the one that fails: each try leaves something done for the next. */
TEST_EACH(every_nth_allocation_fails, everies)
{
	static u8 out[65536], in[65536];
	struct socket *s[2];
	u64 begin;
	char rule[64];

	for (u32 at = 1; at <= row->n; at++) {
		pair_up(s);
		devs[0]->features |=
			NETIF_F_SG |
			NETIF_F_GSO; /* many segments in a packet, which are cut below */
		fill(out, 0, sizeof(out));
		memset(in, 0, sizeof(in));
		snprintf(rule, sizeof(rule), "alloc,site=net/,at=%u,every=%u", at, row->n);
		fail(rule);
		begin = host_clock();
		CHECK_EQ(put(s[0], out, sizeof(out), 0), sizeof(out));
		for (size_t got = 0; got < sizeof(in);)
			got += (size_t)get(s[1], in + got, sizeof(in) - got, 0);
		CHECK(faults[FAULT_ALLOC].hits > 5);
		CHECK(host_clock() - begin < 20 * NSEC_PER_SEC);
		CHECK(memcmp(in, out, sizeof(in)) == 0);
		pair_down(s);
	}
}

/* --- No discipline -------------------------------------------------------------------------------------------------------------- */

/* The queue of a device that goes down, or had no memory, drops as a congested one: no call fails of that, TCP slows down. */
TEST(a_queue_without_a_discipline_takes_and_drops)
{
	struct sockaddr_in to = sin_of(1, PORT);
	struct socket *s[2], *u = NULL;
	struct Qdisc *q;
	u64 dropped;
	char c = 0;

	pair_up(s);
	CHECK_EQ(sock_create_kern(hosts[0], AF_INET, SOCK_DGRAM, 0, &u), 0);
	CHECK_EQ(u->ops->connect(u, (const struct sockaddr *)&to, sizeof(to), 0), 0);
	q = devs[0]->_tx[0].qdisc;
	devs[0]->_tx[0].qdisc = NULL;
	dropped = devs[0]->stats.tx_dropped;
	CHECK_EQ(put(u, "xyz", 3, 0), 3);
	CHECK_EQ(devs[0]->stats.tx_dropped - dropped, 1);
	CHECK_EQ(hosts[0]->mib.udp[UDP_MIB_SndbufErrors], 0);
	CHECK_EQ(put(s[0], "x", 1, 0), 1);
	CHECK_EQ(devs[0]->stats.tx_dropped - dropped, 2);
	CHECK_EQ(tcp_sk(s[0]->sk)->ca_state, TCP_CA_CWR);
	CHECK_EQ(tcp_sk(s[0]->sk)->packets_out, 1);
	devs[0]->_tx[0].qdisc = q;
	CHECK_EQ(get(s[1], &c, 1, 0), 1);
	CHECK_EQ(c, 'x');
	sock_release(u);
	pair_down(s);
}

KTEST_MAIN_BOOT()
