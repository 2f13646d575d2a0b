// SPDX-License-Identifier: MIT
/* Socket tables: ports, 4-tuples, which socket a packet finds. */
#define timeval libc_timeval
#include <ktest.h>
#undef timeval

#include <host.h>
#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/inet_hashtables.h>

static struct net *net;
static struct inet_hashinfo *h;
#define A(n) htonl(0x0a000000u + (n))

static struct sock socks[32];

static struct sock_common *skc(u32 i)
{
	return &socks[i].__sk_common;
}

static void begin(void)
{
	if (!net)
		net = net_alloc();
	local_bh_disable();
	h = inet_hashinfo_alloc(net, 64);
	memset(socks, 0, sizeof(socks)); /* nodes of zeros count as "in no table" */
}

static void end(void)
{
	for (u32 i = 0; i < 32; i++) {
		inet_ehash_remove(skc(i));
		inet_unbind_port(skc(i));
	}
	inet_hashinfo_free(h);
	local_bh_enable();
}

static void bound(u32 i, __be32 addr, bool reuse)
{
	skc(i)->skc_rcv_saddr = addr;
	skc(i)->skc_reuse = reuse & 1;
	skc(i)->skc_state = TCP_CLOSE;
}

TEST(port_conflicts)
{
	begin();
	bound(0, INADDR_ANY, false);
	bound(1, A(1), false);
	CHECK_EQ(inet_bind_port(h, skc(0), 80), 0);
	CHECK_EQ(inet_bind_port(h, skc(1), 80), -EADDRINUSE);
	CHECK_EQ(inet_bind_port(h, skc(1), 81), 0);
	bound(2, A(2), false);
	CHECK_EQ(inet_bind_port(h, skc(2), 81), 0);
	bound(3, A(2), true);
	CHECK_EQ(inet_bind_port(h, skc(3), 81), -EADDRINUSE);
	skc(2)->skc_reuse = 1;
	CHECK_EQ(inet_bind_port(h, skc(3), 81), 0);
	skc(2)->skc_state = TCP_LISTEN;
	bound(4, A(2), true);
	CHECK_EQ(inet_bind_port(h, skc(4), 81), -EADDRINUSE);
	inet_unbind_port(skc(2));
	inet_unbind_port(skc(2));
	CHECK_EQ(inet_bind_port(h, skc(4), 81), 0);
	end();
}

TEST(ephemeral_ports_differ_and_lie_in_the_range)
{
	u32 neighbours = 0;

	begin();
	for (u32 i = 0; i < 32; i++) {
		bound(i, INADDR_ANY, true);
		skc(i)->skc_state = TCP_LISTEN;
		CHECK_EQ(inet_bind_port(h, skc(i), 0), 0);
		CHECK(skc(i)->skc_num >= 32768 && skc(i)->skc_num <= 60999);
		for (u32 k = 0; k < i; k++)
			CHECK(skc(k)->skc_num != skc(i)->skc_num);
		neighbours += i && skc(i)->skc_num == skc(i - 1)->skc_num + 1;
	}
	CHECK(neighbours < 2); /* by chance: the next one cannot be told from the last */
	end();
}

static bool count(struct sock_common *c, void *arg)
{
	(void)c;
	return ++*(u32 *)arg == 1000;
}

TEST(connections)
{
	u32 n = 0;

	begin();
	for (u32 i = 0; i < 20; i++) {
		skc(i)->skc_rcv_saddr = A(1);
		skc(i)->skc_daddr = A(2);
		skc(i)->skc_dport = htons(5001);
		CHECK_EQ(inet_hash_connect(h, skc(i)), 0);
		CHECK(skc(i)->skc_num >= 32768 && skc(i)->skc_num <= 60999);
	}
	for (u32 i = 0; i < 20; i++) {
		CHECK(inet_lookup_established(h, A(2), htons(5001), A(1), skc(i)->skc_num, 1) ==
		      skc(i));
		CHECK(!inet_lookup_established(h, A(2), htons(5002), A(1), skc(i)->skc_num, 1));
	}
	inet_hash_for_each(h, count, &n);
	CHECK_EQ(n, 20); /* each once, though it is in both tables */
	/* A mini socket takes the place; the same 4-tuple a second time does not fit. */
	skc(20)->skc_rcv_saddr = A(1);
	skc(20)->skc_daddr = A(2);
	skc(20)->skc_dport = htons(5001);
	skc(20)->skc_num = skc(3)->skc_num;
	CHECK_EQ(inet_ehash_insert(h, skc(20)), -EADDRNOTAVAIL);
	inet_ehash_replace(h, skc(3), skc(20));
	inet_inherit_port(h, skc(20), skc(20)->skc_num);
	inet_unbind_port(skc(3));
	CHECK(inet_lookup_established(h, A(2), htons(5001), A(1), skc(20)->skc_num, 1) == skc(20));
	/* A device that is bound to must be the one the packet came by. */
	skc(20)->skc_bound_dev_if = 2;
	CHECK(!inet_lookup_established(h, A(2), htons(5001), A(1), skc(20)->skc_num, 1));
	end();
}

TEST(ports_to_one_peer_are_not_predictable_steps)
{
	u32 steps = 0;

	begin();
	for (u32 i = 0; i < 32; i++) {
		skc(i)->skc_rcv_saddr = A(1);
		skc(i)->skc_daddr = A(100 + i);
		skc(i)->skc_dport = htons(80);
		CHECK_EQ(inet_hash_connect(h, skc(i)), 0);
		steps += i && (u16)(skc(i)->skc_num - skc(i - 1)->skc_num) < 16;
	}
	CHECK(steps < 4);
	end();
}

TEST(best_listener)
{
	begin();
	for (u32 i = 0; i < 3; i++)
		skc(i)->skc_state = TCP_LISTEN;
	bound(3, A(1), true); /* bound, does not listen */
	skc(0)->skc_rcv_saddr = INADDR_ANY;
	skc(1)->skc_rcv_saddr = A(1);
	skc(2)->skc_rcv_saddr = A(2);
	for (u32 i = 0; i < 4; i++)
		inet_inherit_port(h, skc(i), 80);
	CHECK(inet_lookup_listener(h, A(9), htons(9), A(1), 80, 1) == &socks[1]);
	CHECK(inet_lookup_listener(h, A(9), htons(9), A(2), 80, 1) == &socks[2]);
	CHECK(inet_lookup_listener(h, A(9), htons(9), A(3), 80, 1) == &socks[0]);
	CHECK(!inet_lookup_listener(h, A(9), htons(9), A(3), 81, 1));
	skc(2)->skc_bound_dev_if = 7;
	CHECK(inet_lookup_listener(h, A(9), htons(9), A(2), 80, 1) == &socks[0]);
	end();
}

TEST(best_datagram_socket)
{
	begin();
	skc(1)->skc_rcv_saddr = A(1);
	skc(2)->skc_rcv_saddr = A(1);
	skc(2)->skc_daddr = A(9);
	skc(2)->skc_dport = htons(53);
	for (u32 i = 0; i < 3; i++)
		inet_inherit_port(h, skc(i), 1000);
	CHECK(inet_lookup_dgram(h, A(9), htons(53), A(1), 1000, 1) == &socks[2]);
	CHECK(inet_lookup_dgram(h, A(9), htons(54), A(1), 1000, 1) == &socks[1]);
	CHECK(inet_lookup_dgram(h, A(9), htons(53), A(2), 1000, 1) == &socks[0]);
	CHECK(!inet_lookup_dgram(h, A(9), htons(53), A(2), 1001, 1));
	end();
}

KTEST_MAIN_BOOT()
