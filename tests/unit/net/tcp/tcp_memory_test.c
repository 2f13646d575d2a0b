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

KTEST_MAIN_BOOT()
