// SPDX-License-Identifier: MIT
/* TCP and its route: asked once, asked anew when it changed, missed and found again; the path MTU learned and forgotten. */
#include "peer.h"

#include <kernel/proc.h>
#include <stdlib.h>

#define MSEC 1000000ull
#define SEC  1000000000ull

static u8 data[65536];

/* Lookups in host 0's table so far, from its page. */
static u32 lookups(void)
{
	static char buf[1024];
	struct seq_file m = { .buf = buf, .size = sizeof(buf), .arg = hosts[0] };
	const char *p;

	buf[0] = 0;
	rt_cache_stat_show(&m);
	p = strchr(buf, '\n') + 1;
	for (u32 field = 0; field < 9; field++) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return (u32)strtoul(p, NULL, 16);
}

static u64 no_routes(void)
{
	return hosts[0]->mib.ip[IPSTATS_MIB_OutNoRoutes];
}

static int refuse(bool yes)
{
	struct route_cfg r = { .dst = htonl(0x0a000002), .prefixlen = 32, .type = RTN_UNREACHABLE };

	return yes ? ip_route_add_cfg(hosts[0], &r) : ip_route_del_cfg(hosts[0], &r);
}

TEST(one_lookup_for_a_thousand_segments)
{
	struct socket *s;
	u32 before, segs = 0;

	peer_up();
	before = lookups();
	s = peer_connected();
	CHECK_EQ(lookups() - before, 1);
	while (segs < 1000) {
		peer_hush();
		CHECK_EQ(put(s, data, 1460, 0), 1460);
		segs += peer.n;
		peer_ack();
	}
	CHECK_EQ(tcp_sk(s->sk)->snd_una, tcp_sk(s->sk)->write_seq);
	CHECK_EQ(lookups() - before, 1);
	/* Anything that changes in the table costs each connection one more. */
	CHECK_EQ(ip_route_add(hosts[0], IP4(8, 8, 0, 0), 16, IP4(10, 0, 0, 2), devs[0]), 0);
	for (u32 i = 0; i < 10; i++) {
		CHECK_EQ(put(s, data, 1460, 0), 1460);
		peer_ack();
	}
	CHECK_EQ(lookups() - before, 2);
	sock_release(s);
	peer_down();
}

/* The route goes while text is in flight: the timer goes on asking; the route comes back: so does the text. */
TEST(the_route_goes_in_mid_connection_and_comes_back)
{
	struct socket *s;
	u64 missed;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(refuse(true), 0);
	peer.n = 0;
	host_clock_advance(3 * SEC);
	CHECK_EQ(peer.n, 0);
	missed = no_routes();
	CHECK(missed >= 2); /* retransmissions, on their timer */
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(put(s, data, 50, 0), 50); /* is taken: TCP tries, the application need not */
	host_clock_advance(10 * SEC);
	CHECK(no_routes() > missed);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(refuse(false), 0);
	host_clock_advance(30 * SEC);
	CHECK(peer.n >= 1);
	peer_ack();
	host_clock_advance(1 * SEC);
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->snd_una, tcp_sk(s->sk)->write_seq);
	missed = no_routes();
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(no_routes(), missed);
	sock_release(s);
	peer_down();
}

/* Nothing is in flight when the route is gone: what was never sent goes when there is one again. */
TEST(text_written_without_a_route_goes_later)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(refuse(true), 0);
	CHECK_EQ(put(s, data, 100, 0), 100);
	CHECK_EQ(peer.n, 0);
	CHECK(no_routes() >= 1);
	host_clock_advance(5 * SEC);
	CHECK_EQ(refuse(false), 0);
	host_clock_advance(60 * SEC);
	CHECK(peer.n >= 1);
	peer_ack();
	CHECK_EQ(tcp_sk(s->sk)->snd_una, tcp_sk(s->sk)->write_seq);
	sock_release(s);
	peer_down();
}

TEST(segments_follow_what_is_learned_and_grow_when_it_expires)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	peer_path_mtu(s->sk, 1000);
	peer_hush();
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	host_clock_advance(10 * MSEC); /* after that long the neighbour is asked first */
	CHECK_EQ(peer.out[0].len, 960);
	peer_ack();
	host_clock_advance(599 * SEC);
	peer_hush();
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	host_clock_advance(10 * MSEC); /* after that long the neighbour is asked first */
	CHECK_EQ(peer.out[0].len, 960);
	peer_ack();
	host_clock_advance(1 * SEC);
	peer_hush();
	CHECK_EQ(put(s, data, 1460, 0), 1460);
	host_clock_advance(10 * MSEC); /* after that long the neighbour is asked first */
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(peer.out[0].len, 1460);
	CHECK_EQ(tcp_sk(s->sk)->pmtu, 1500);
	peer_ack();
	sock_release(s);
	peer_down();
}

/* Options take their room from the segment, and give it back. */
TEST(segments_make_room_for_ip_options)
{
	static const u8 rr[12] = { 7, 11, 4 };
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(tcp_current_mss(s->sk), 1460);
	CHECK_EQ(tcp_prot.setsockopt(s->sk, SOL_IP, IP_OPTIONS, rr, sizeof(rr)), 0);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 1448);
	CHECK_EQ(tcp_prot.setsockopt(s->sk, SOL_IP, IP_OPTIONS, rr, 41), -EINVAL);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 1448);
	CHECK_EQ(tcp_prot.setsockopt(s->sk, SOL_IP, IP_OPTIONS, NULL, 0), 0);
	CHECK_EQ(tcp_sk(s->sk)->mss_cache, 1460);
	sock_release(s);
	peer_down();
}

static const struct refusal_row {
	const char *name;
	u8 type;
	int err;
} refusals[] = {
	{ "blackhole", RTN_BLACKHOLE, -EINVAL },
	{ "unreachable", RTN_UNREACHABLE, -EHOSTUNREACH },
	{ "prohibit", RTN_PROHIBIT, -EACCES },
};

TEST_EACH(connect_hears_what_the_route_says, refusals)
{
	struct route_cfg r = { .dst = htonl(0x0a000000), .prefixlen = 30, .type = row->type };
	struct socket *s;

	peer_up();
	CHECK_EQ(ip_route_add_cfg(hosts[0], &r), 0);
	s = tcp_socket(0);
	CHECK_EQ(try_connect(s, 1, PORT, 04000), row->err);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(ip_route_del_cfg(hosts[0], &r), 0);
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
