// SPDX-License-Identifier: MIT
/* Socket tables as tables: who may share a port, which 4-tuples exclude each other, who is found, when ports run out. */
#define timeval libc_timeval
#include <ktest.h>
#undef timeval

#include <host.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/inet_hashtables.h>

enum { FIRST_PORT = 32768, LAST_PORT = 60999, PORTS = LAST_PORT - FIRST_PORT + 1 };

static struct net *net;
static struct inet_hashinfo *h;
static struct sock socks[4];

/* 10.0.0.@n; 0: any. */
static __be32 A(u32 n)
{
	return n ? htonl(0x0a000000u + n) : 0;
}

static struct sock_common *skc(u32 i)
{
	return &socks[i].__sk_common;
}

static void begin(u32 buckets)
{
	if (!net)
		net = net_alloc();
	local_bh_disable();
	h = inet_hashinfo_alloc(net, buckets);
	memset(socks, 0, sizeof(socks));
}

static void end(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(socks); i++) {
		inet_ehash_remove(skc(i));
		inet_unbind_port(skc(i));
	}
	inet_hashinfo_free(h);
	local_bh_enable();
}

/* --- Sharing a port ----------------------------------------------------------------------------------------------------- */
struct claim {
	u32 addr; /* 0: any */
	u32 dev;
	bool reuse, listens;
};

struct share_row {
	const char *name;
	struct claim first, second;
	bool may;
};

#define LISTENS true, true
static const struct share_row share_table[] = {
	{ "any_any", { 0, 0, false, false }, { 0, 0, false, false }, false },
	{ "any_one", { 0, 0, false, false }, { 1, 0, false, false }, false },
	{ "one_any", { 1, 0, false, false }, { 0, 0, false, false }, false },
	{ "one_same", { 1, 0, false, false }, { 1, 0, false, false }, false },
	{ "one_other", { 1, 0, false, false }, { 2, 0, false, false }, true },
	{ "devices_differ", { 0, 1, false, false }, { 0, 2, false, false }, true },
	{ "devices_equal", { 0, 1, false, false }, { 0, 1, false, false }, false },
	{ "device_and_none", { 0, 1, false, false }, { 0, 0, false, false }, false },
	{ "none_and_device", { 0, 0, false, false }, { 0, 1, false, false }, false },
	{ "reuse_both", { 0, 0, true, false }, { 0, 0, true, false }, true },
	{ "reuse_first", { 0, 0, true, false }, { 0, 0, false, false }, false },
	{ "reuse_second", { 0, 0, false, false }, { 0, 0, true, false }, false },
	{ "reuse_both_first_listens", { 0, 0, LISTENS }, { 0, 0, true, false }, false },
	{ "reuse_both_second_listens", { 0, 0, true, false }, { 0, 0, LISTENS }, true },
	{ "listens_other_address", { 1, 0, LISTENS }, { 2, 0, LISTENS }, true },
	{ "listens_other_device", { 1, 1, LISTENS }, { 1, 2, LISTENS }, true },
};

static void claim(u32 i, const struct claim *c)
{
	skc(i)->skc_rcv_saddr = A(c->addr);
	skc(i)->skc_bound_dev_if = c->dev;
	skc(i)->skc_reuse = c->reuse & 1;
	skc(i)->skc_state = c->listens ? TCP_LISTEN : TCP_CLOSE;
}

TEST_EACH(share, share_table)
{
	begin(64);
	claim(0, &row->first);
	claim(1, &row->second);
	CHECK_EQ(inet_bind_port(h, skc(0), 80), 0);
	CHECK_EQ(inet_bind_port(h, skc(1), 80), row->may ? 0 : -EADDRINUSE);
	CHECK_EQ(skc(1)->skc_num, row->may ? 80 : 0);
	inet_unbind_port(skc(0)); /* and when the first is gone it may in any case */
	if (!row->may)
		CHECK_EQ(inet_bind_port(h, skc(1), 80), 0);
	end();
}

/* Another port in the same bucket is another port. */
TEST(ports_in_one_bucket)
{
	begin(1);
	for (u16 i = 0; i < 3; i++)
		CHECK_EQ(inet_bind_port(h, skc(i), (u16)(80 + i)), 0);
	CHECK_EQ(inet_bind_port(h, skc(3), 81), -EADDRINUSE);
	inet_unbind_port(skc(1));
	inet_unbind_port(skc(1)); /* twice is once */
	CHECK_EQ(inet_bind_port(h, skc(3), 81), 0);
	end();
}

/* --- 4-tuples ------------------------------------------------------------------------------------------------------------ */
struct tuple_row {
	const char *name;
	u32 laddr, raddr, dev;
	u16 lport, rport;
	bool same; /* as 10.0.0.1:80 - 10.0.0.2:9, no device */
};

static const struct tuple_row tuple_table[] = {
	{ "equal", 1, 2, 0, 80, 9, true },
	{ "other_local_address", 3, 2, 0, 80, 9, false },
	{ "other_peer", 1, 3, 0, 80, 9, false },
	{ "other_local_port", 1, 2, 0, 81, 9, false },
	{ "other_peers_port", 1, 2, 0, 80, 10, false },
	{ "exchanged", 2, 1, 0, 9, 80, false },
	{ "a_device_against_none", 1, 2, 7, 80, 9, true },
};

TEST_EACH(tuple, tuple_table)
{
	for (u32 buckets = 1; buckets <= 256; buckets *= 256) { /* all in one bucket, or spread */
		begin(buckets);
		skc(0)->skc_rcv_saddr = A(1);
		skc(0)->skc_daddr = A(2);
		skc(0)->skc_num = 80;
		skc(0)->skc_dport = htons(9);
		skc(1)->skc_rcv_saddr = A(row->laddr);
		skc(1)->skc_daddr = A(row->raddr);
		skc(1)->skc_num = row->lport;
		skc(1)->skc_dport = htons(row->rport);
		skc(1)->skc_bound_dev_if = row->dev;
		CHECK_EQ(inet_ehash_insert(h, skc(0)), 0);
		CHECK_EQ(inet_ehash_insert(h, skc(1)), row->same ? -EADDRNOTAVAIL : 0);
		CHECK(inet_lookup_established(h, A(2), htons(9), A(1), 80, 7) == skc(0));
		CHECK(inet_lookup_established(h, A(row->raddr), htons(row->rport), A(row->laddr),
					      row->lport, 7) == (row->same ? skc(0) : skc(1)));
		inet_ehash_remove(skc(0));
		inet_ehash_remove(skc(0));
		CHECK(inet_lookup_established(h, A(2), htons(9), A(1), 80, 7) == NULL);
		end();
	}
}

/* Bound to different devices the same four parts are two connections; each device finds its own. */
TEST(tuples_on_two_devices)
{
	begin(16);
	for (u32 i = 0; i < 3; i++) {
		skc(i)->skc_rcv_saddr = A(1);
		skc(i)->skc_daddr = A(2);
		skc(i)->skc_num = 80;
		skc(i)->skc_dport = htons(9);
		skc(i)->skc_bound_dev_if = i == 2 ? 1 : i + 1;
	}
	CHECK_EQ(inet_ehash_insert(h, skc(0)), 0);
	CHECK_EQ(inet_ehash_insert(h, skc(1)), 0);
	CHECK_EQ(inet_ehash_insert(h, skc(2)), -EADDRNOTAVAIL);
	CHECK(inet_lookup_established(h, A(2), htons(9), A(1), 80, 1) == skc(0));
	CHECK(inet_lookup_established(h, A(2), htons(9), A(1), 80, 2) == skc(1));
	CHECK(inet_lookup_established(h, A(2), htons(9), A(1), 80, 3) == NULL);
	inet_ehash_replace(h, skc(0), skc(2));
	CHECK(inet_lookup_established(h, A(2), htons(9), A(1), 80, 1) == skc(2));
	end();
}

/* --- Who listens ---------------------------------------------------------------------------------------------------------- */
struct ear {
	u16 port;
	u32 addr, dev;
	bool deaf; /* bound, not listening */
};

struct listener_row {
	const char *name;
	struct ear ear[3]; /* port 0: none */
	int found;         /* index; -1: nobody, for 10.0.0.1:80 on device 7 */
};

static const struct listener_row listener_table[] = {
	{ "nobody", { { 0, 0, 0, false } }, -1 },
	{ "any", { { 80, 0, 0, false } }, 0 },
	{ "address", { { 80, 1, 0, false } }, 0 },
	{ "another_address", { { 80, 2, 0, false } }, -1 },
	{ "another_port", { { 81, 0, 0, false } }, -1 },
	{ "a_port_of_the_same_bucket", { { 80 + 16, 0, 0, false } }, -1 },
	{ "not_listening", { { 80, 0, 0, true } }, -1 },
	{ "another_device", { { 80, 0, 8, false } }, -1 },
	{ "device", { { 80, 0, 7, false } }, 0 },
	{ "address_beats_any", { { 80, 0, 0, false }, { 80, 1, 0, false } }, 1 },
	{ "address_beats_any_in_either_order", { { 80, 1, 0, false }, { 80, 0, 0, false } }, 0 },
	{ "address_beats_device", { { 80, 0, 7, false }, { 80, 1, 0, false } }, 1 },
	{ "device_beats_any", { { 80, 0, 0, false }, { 80, 0, 7, false } }, 1 },
	{ "both_beat_one", { { 80, 1, 0, false }, { 80, 1, 7, false }, { 80, 0, 7, false } }, 1 },
	{ "the_nearer_one_is_deaf", { { 80, 1, 0, true }, { 80, 0, 0, false } }, 1 },
};

TEST_EACH(listener, listener_table)
{
	struct sock *sk;

	begin(16);
	for (u32 i = 0; i < 3 && row->ear[i].port; i++) {
		skc(i)->skc_rcv_saddr = A(row->ear[i].addr);
		skc(i)->skc_bound_dev_if = row->ear[i].dev;
		skc(i)->skc_reuse = 1;
		skc(i)->skc_state = TCP_CLOSE;
		CHECK_EQ(inet_bind_port(h, skc(i), row->ear[i].port), 0);
	}
	for (u32 i = 0; i < 3; i++)
		if (row->ear[i].port && !row->ear[i].deaf)
			skc(i)->skc_state = TCP_LISTEN;
	sk = inet_lookup_listener(h, A(9), htons(9), A(1), 80, 7);
	CHECK_EQ(sk ? sk - socks : -1, row->found);
	end();
}

/* --- Whose datagram -------------------------------------------------------------------------------------------------------- */
struct box {
	u16 port;
	u32 addr, peer;
	u16 peers_port;
	u32 dev;
};

struct dgram_row {
	const char *name;
	struct box box[3];
	int found; /* for 10.0.0.2:9 to 10.0.0.1:80 on device 7 */
};

static const struct dgram_row dgram_table[] = {
	{ "nobody", { { 0, 0, 0, 0, 0 } }, -1 },
	{ "any", { { 80, 0, 0, 0, 0 } }, 0 },
	{ "another_port", { { 81, 0, 0, 0, 0 } }, -1 },
	{ "a_port_of_the_same_bucket", { { 96, 0, 0, 0, 0 } }, -1 },
	{ "address", { { 80, 1, 0, 0, 0 } }, 0 },
	{ "another_address", { { 80, 3, 0, 0, 0 } }, -1 },
	{ "peer", { { 80, 0, 2, 9, 0 } }, 0 },
	{ "another_peer", { { 80, 0, 3, 9, 0 } }, -1 },
	{ "another_port_of_the_peer", { { 80, 0, 2, 10, 0 } }, -1 },
	{ "device", { { 80, 0, 0, 0, 7 } }, 0 },
	{ "another_device", { { 80, 0, 0, 0, 8 } }, -1 },
	{ "connected_beats_bound", { { 80, 1, 0, 0, 0 }, { 80, 1, 2, 9, 0 } }, 1 },
	{ "connected_beats_bound_in_either_order", { { 80, 1, 2, 9, 0 }, { 80, 1, 0, 0, 0 } }, 0 },
	{ "connected_to_another_is_no_rival", { { 80, 1, 3, 9, 0 }, { 80, 0, 0, 0, 0 } }, 1 },
	{ "everything_beats_all",
	  { { 80, 1, 2, 9, 0 }, { 80, 1, 2, 9, 7 }, { 80, 0, 0, 0, 7 } },
	  1 },
	{ "the_last_bound_of_equals", { { 80, 0, 0, 0, 0 }, { 80, 0, 0, 0, 0 } }, 1 },
};

TEST_EACH(datagram, dgram_table)
{
	struct sock *sk;

	begin(16);
	for (u32 i = 0; i < 3 && row->box[i].port; i++) {
		skc(i)->skc_rcv_saddr = A(row->box[i].addr);
		skc(i)->skc_daddr = A(row->box[i].peer);
		skc(i)->skc_dport = htons(row->box[i].peers_port);
		skc(i)->skc_bound_dev_if = row->box[i].dev;
		skc(i)->skc_reuse = 1;
		skc(i)->skc_state = TCP_CLOSE;
		CHECK_EQ(inet_bind_port(h, skc(i), row->box[i].port), 0);
	}
	sk = inet_lookup_dgram(h, A(2), htons(9), A(1), 80, 7);
	CHECK_EQ(sk ? sk - socks : -1, row->found);
	end();
}

/* --- Ports run out ---------------------------------------------------------------------------------------------------------- */
static struct sock_common *crowd;

static void crowd_in(u32 n, bool connected)
{
	crowd = calloc(n, sizeof(*crowd));
	for (u32 i = 0; i < n; i++) {
		struct sock_common *c = &crowd[i];

		if (connected) {
			c->skc_rcv_saddr = A(1);
			c->skc_daddr = A(2);
			c->skc_dport = htons(9);
			CHECK_EQ(inet_hash_connect(h, c), 0);
		} else {
			CHECK_EQ(inet_bind_port(h, c, 0), 0);
		}
	}
}

static void crowd_out(u32 n)
{
	for (u32 i = 0; i < n; i++) {
		inet_ehash_remove(&crowd[i]);
		inet_unbind_port(&crowd[i]);
	}
	free(crowd);
}

/* First connections to many hosts begin all over the range (RFC 6056, 3.3.4), not in a part of it. */
TEST(first_ports_lie_everywhere)
{
	enum { HOSTS = 400 };
	u32 quarter[4] = { 0 };

	begin(64);
	for (u32 n = 0; n < HOSTS; n++) {
		struct sock_common *c = skc(0);

		memset(&socks[0], 0, sizeof(socks[0]));
		c->skc_rcv_saddr = A(1);
		c->skc_daddr = A(2 + n);
		c->skc_dport = htons(9);
		CHECK_EQ(inet_hash_connect(h, c), 0);
		quarter[(c->skc_num - FIRST_PORT) * 4 / PORTS]++;
		inet_ehash_remove(c);
		inet_unbind_port(c);
	}
	for (u32 q = 0; q < ARRAY_SIZE(quarter); q++)
		CHECK(quarter[q] > HOSTS / 8);
	end();
}

/* Every ephemeral port is given once, then there is none; one that comes back is found. */
TEST(every_port_bound)
{
	static bool seen[65536];

	begin(65536);
	memset(seen, 0, sizeof(seen));
	crowd_in(PORTS, false);
	for (u32 i = 0; i < PORTS; i++) {
		u16 port = crowd[i].skc_num;

		CHECK(port >= FIRST_PORT && port <= LAST_PORT);
		CHECK(!seen[port]);
		seen[port] = true;
	}
	CHECK_EQ(inet_bind_port(h, skc(0), 0), -EAGAIN);
	CHECK_EQ(inet_bind_port(h, skc(0), 1024), 0); /* but others are free */
	skc(1)->skc_daddr = A(2);
	skc(1)->skc_dport = htons(9);
	CHECK_EQ(inet_hash_connect(h, skc(1)), -EADDRNOTAVAIL); /* none that only connections use */
	CHECK_EQ(skc(1)->skc_num, 0);
	inet_unbind_port(&crowd[1000]);
	CHECK_EQ(inet_hash_connect(h, skc(1)), 0);
	CHECK_EQ(skc(1)->skc_num, crowd[1000].skc_num);
	crowd_out(PORTS);
	end();
}

/* As many connections to one place as there are ports; to another place each port serves again. */
TEST(every_port_connected)
{
	begin(65536);
	crowd_in(PORTS, true);
	for (u32 i = 0; i < 3; i++) {
		skc(i)->skc_rcv_saddr = A(1);
		skc(i)->skc_daddr = A(i == 0 ? 3 : 2);
		skc(i)->skc_dport = htons(i == 1 ? 10 : 9);
	}
	CHECK_EQ(inet_hash_connect(h, skc(2)), -EADDRNOTAVAIL);
	CHECK_EQ(skc(2)->skc_num, 0);
	CHECK_EQ(inet_hash_connect(h, skc(0)), 0); /* another host */
	CHECK_EQ(inet_hash_connect(h, skc(1)), 0); /* another port of it */
	inet_ehash_remove(&crowd[777]);
	inet_unbind_port(&crowd[777]);
	CHECK_EQ(inet_hash_connect(h, skc(2)), 0);
	CHECK_EQ(skc(2)->skc_num, crowd[777].skc_num);
	crowd_out(PORTS);
	end();
}

/* --- All of them ------------------------------------------------------------------------------------------------------------- */
static u32 visits, stop_at;

static bool visit(struct sock_common *c, void *arg)
{
	CHECK(arg == &visits);
	CHECK(c == skc(0) || c == skc(1) || c == skc(2));
	return ++visits == stop_at;
}

static bool take_out(struct sock_common *c, void *arg)
{
	(void)arg;
	visits++;
	inet_ehash_remove(c);
	inet_unbind_port(c);
	return false;
}

struct visit_row {
	const char *name;
	u32 stop, visits;
};

static const struct visit_row visit_table[] = {
	{ "all", 0, 3 },
	{ "stop_at_the_first", 1, 1 },
	{ "stop_at_the_second", 2, 2 },
	{ "stop_at_the_third", 3, 3 },
};

/* Each entry once, though a connection is in both tables. */
TEST_EACH(for_each, visit_table)
{
	begin(4);
	for (u32 i = 0; i < 3; i++) {
		skc(i)->skc_rcv_saddr = A(1);
		skc(i)->skc_daddr = A(2 + i);
		skc(i)->skc_dport = htons(9);
		if (i < 2)
			CHECK_EQ(inet_hash_connect(h, skc(i)), 0);
		else
			CHECK_EQ(inet_bind_port(h, skc(i), 80), 0);
	}
	visits = 0;
	stop_at = row->stop;
	inet_hash_for_each(h, visit, &visits);
	CHECK_EQ(visits, row->visits);
	visits = 0;
	inet_hash_for_each(h, take_out, NULL);
	CHECK_EQ(visits, 3);
	visits = 0;
	inet_hash_for_each(h, take_out, NULL);
	CHECK_EQ(visits, 0);
	end();
}

TEST(without_memory)
{
	u32 failed = 0;

	if (!net)
		net = net_alloc();
	for (u32 nth = 1; nth < 10; nth++) {
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
		faults_armed = true;
		h = inet_hashinfo_alloc(net, 64);
		faults_armed = false;
		if (h)
			break;
		failed++;
	}
	CHECK_EQ(failed, 3);
	inet_hashinfo_free(h);
	inet_hashinfo_free(NULL);
}

KTEST_MAIN_BOOT()
