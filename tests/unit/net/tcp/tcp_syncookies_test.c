// SPDX-License-Identifier: MIT
/*
 * SYN cookies: what comes back, how long, how often, and what they cost.
 */
#include "peer.h"

static struct socket *flooded_listener(int backlog)
{
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syncookies", "2"), 0);
	return tcp_listener(0, PORT, backlog);
}

struct mss_row {
	const char *name;
	u16 said, back;
};

static const struct mss_row mss_table[] = {
	{ "none", 0, 536 },     { "least", 48, 48 },    { "47_is_48", 47, 48 },
	{ "215", 215, 48 },     { "216", 216, 216 },    { "535", 535, 216 },
	{ "536", 536, 536 },    { "1299", 1299, 536 },  { "1300", 1300, 1300 },
	{ "1439", 1439, 1300 }, { "1440", 1440, 1440 }, { "1459", 1459, 1440 },
	{ "1460", 1460, 1460 }, { "4311", 4311, 1460 }, { "4312", 4312, 4312 },
	{ "8959", 8959, 4312 }, { "8960", 8960, 8960 }, { "most", 65535, 8960 },
};

TEST_EACH(mss, mss_table)
{
	const u8 opt[4] = { TCPOPT_MSS, TCPOLEN_MSS, (u8)(row->said >> 8), (u8)row->said };
	struct socket *l, *c;

	peer_up();
	l = flooded_listener(5);
	peer_syn(opt, 4);
	CHECK_EQ(peer_found(), TCP_LISTEN);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	CHECK(c != NULL);
	CHECK_EQ(tcp_sk(c->sk)->mss_clamp, row->back);
	CHECK_EQ(tcp_sk(c->sk)->rtt.srtt8_us, 0); /* nobody knows when the SYN-ACK went */
	CHECK_EQ(peer_mib(LINUX_MIB_SyncookiesSent), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_SyncookiesRecv), 1);
	CHECK_EQ(peer_mib(LINUX_MIB_SyncookiesFailed), 0);
	close_accepted(c);
	sock_release(l);
	peer_down();
}

struct age_row {
	const char *name;
	u64 begin_s, age_s; /* of the clock's 64 s; till the answer */
	bool good;
};

static const struct age_row age_table[] = {
	{ "at_once", 5, 0, true },
	{ "same_counter", 0, 63, true },
	{ "next_counter", 60, 10, true },
	{ "next_counter_to_its_end", 0, 127, true },
	{ "the_one_after", 0, 128, false },
	{ "the_one_after_sooner", 63, 66, false },
	{ "much_later", 0, 64 * 255, false },
	{ "counter_wrapped", 0, 64 * 256, false }, /* 8 bits: but the flood is long over */
};

TEST_EACH(age, age_table)
{
	struct socket *l;
	u64 now;

	peer_up();
	l = flooded_listener(5);
	now = ktime_get_ns() % (64 * NSEC_PER_SEC);
	host_clock_advance(64 * NSEC_PER_SEC - now + row->begin_s * NSEC_PER_SEC);
	peer_syn(peer_mss1460, 4);
	host_clock_advance(10000000); /* the neighbour may have to be asked for */
	peer.nxt = said(0)->seq + 1;
	peer.seq = peer.iss + 1;
	peer_hush();
	if (row->age_s)
		host_clock_advance(row->age_s * NSEC_PER_SEC - 10000000);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	host_clock_advance(10000000);
	CHECK_EQ(peer_found(), row->good ? TCP_ESTABLISHED : TCP_LISTEN);
	CHECK_EQ(said(0)->flags, row->good ? 0 : TCPHDR_RST);
	sock_release(l);
	peer_down();
}

struct ts_row {
	const char *name;
	u8 opt[20], optlen;
	const char *off; /* sysctl that is switched off before the answer */
	bool good, sack;
	s32 wscale; /* -1: none */
};

#define TS(sack_perm) (sack_perm) ? 4 : 1, (sack_perm) ? 2 : 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0
static const struct ts_row ts_table[] = {
	{ "timestamps_alone", { TS(false) }, 12, NULL, true, false, -1 },
	{ "sack", { TS(true) }, 12, NULL, true, true, -1 },
	{ "scale_0", { TS(false), 1, 3, 3, 0 }, 16, NULL, true, false, 0 },
	{ "scale_14_and_sack", { TS(true), 1, 3, 3, 14 }, 16, NULL, true, true, 14 },
	{ "timestamps_switched_off", { TS(true), 1, 3, 3, 7 }, 16, "tcp_timestamps", false, 0, 0 },
	{ "sack_switched_off", { TS(true), 1, 3, 3, 7 }, 16, "tcp_sack", false, 0, 0 },
	{ "scaling_switched_off", { TS(true), 1, 3, 3, 7 }, 16, "tcp_window_scaling", false, 0, 0 },
	{ "sack_was_off_anyway", { TS(false), 1, 3, 3, 7 }, 16, "tcp_sack", true, false, 7 },
};

TEST_EACH(timestamp, ts_table)
{
	struct socket *l, *c;
	struct tcp_options o;

	peer_up();
	l = flooded_listener(5);
	peer_syn(row->opt, row->optlen);
	tcp_options_parse(said(0)->opt, said(0)->optlen, &o);
	CHECK(o.tstamp_ok);
	CHECK_EQ(o.wscale_ok, row->optlen == 16);
	host_clock_advance(30000000);
	if (row->off)
		CHECK_EQ(tcp_sysctl_set(hosts[0], row->off, "0"), 0);
	peer.optlen = 12;
	memcpy(peer.opt, (u8[8]){ 1, 1, 8, 10, 0, 0, 0, 10 }, 8);
	put_unaligned_be32(o.tsval, peer.opt + 8);
	peer_hush();
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	c = accepted(l, 04000);
	CHECK_EQ(c != NULL, row->good);
	if (c) {
		CHECK(tcp_sk(c->sk)->tstamp_ok);
		CHECK_EQ(tcp_sk(c->sk)->ts_recent, 10);
		CHECK_EQ(tcp_sk(c->sk)->sack_ok, row->sack);
		CHECK_EQ(tcp_sk(c->sk)->wscale_ok ? tcp_sk(c->sk)->snd_wscale : -1, row->wscale);
		close_accepted(c);
	} else {
		CHECK_EQ(said(0)->flags, TCPHDR_RST);
		CHECK_EQ(peer_mib(LINUX_MIB_SyncookiesFailed), 1);
	}
	sock_release(l);
	peer_down();
}

/* Numbers near the cookie are none. */
TEST(neighbours_of_a_cookie_are_refused)
{
	struct socket *l;
	s32 off[] = { -1000, -100, -2, -1, 1, 2, 8, 1000 };

	peer_up();
	l = flooded_listener(5);
	peer_syn(peer_mss1460, 4);
	for (u32 i = 0; i < ARRAY_SIZE(off); i++) {
		tell(TCPHDR_ACK, peer.seq, off[i], 0);
		CHECK_EQ(said(0)->flags, TCPHDR_RST);
		tell(TCPHDR_ACK, peer.seq + (u32)off[i], 0, 0);
		CHECK_EQ(said(0)->flags, TCPHDR_RST);
	}
	CHECK_EQ(peer_mib(LINUX_MIB_SyncookiesFailed), 2 * ARRAY_SIZE(off));
	CHECK_EQ(peer_found(), TCP_LISTEN);
	sock_release(l);
	peer_down();
}

/* 10,000 SYNs: not one request, no memory kept; a client among them connects. */
TEST(flood_leaves_nothing_behind)
{
	struct socket *l;
	u32 live;

	peer_up();
	l = tcp_listener(0, PORT, 5);
	live = hosts[0]->socks_live;
	for (u32 i = 0; i < 10000; i++) {
		peer.sport = (u16)(1024 + i);
		tell_raw(TCPHDR_SYN, i * 77, 0, 0);
	}
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 6);
	CHECK_EQ(hosts[0]->socks_live, live + 6);
	CHECK_EQ(peer_mib(LINUX_MIB_SyncookiesSent), 10000 - 6);
	CHECK_EQ(peer_mib(LINUX_MIB_TCPReqQFullDoCookies), 10000 - 6);
	CHECK(tcp_sk(l->sk)->synflood_warned);
	peer.sport = 1000;
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(peer_found(), TCP_ESTABLISHED);
	sock_release(l);
	peer_down();
}

struct nothing_row {
	const char *name;
	bool at_ack, route; /* memory is out at the ACK, not at the SYN; there is a way back */
	u32 drops;
};

static const struct nothing_row nothing_table[] = {
	{ "no_memory_for_the_child", true, true, 1 },
	{ "no_memory_for_the_syn_ack", false, true, 0 }, /* the peer asks again */
	{ "no_route", false, false, 1 },
};

TEST_EACH(missing, nothing_table)
{
	struct socket *l;

	peer_up();
	l = flooded_listener(5);
	if (!row->route)
		peer.src = IP4(203, 0, 113, 9); /* not on the link, and there is no gateway */
	peer_memory(row->at_ack || !row->route);
	peer_syn(peer_mss1460, 4);
	CHECK_EQ(peer.n, row->at_ack);
	peer_hush();
	peer_memory(false);
	if (row->at_ack)
		tell(TCPHDR_ACK, peer.seq, 0, 0);
	peer_memory(true);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(peer_found(), TCP_LISTEN);
	CHECK_EQ(l->sk->sk_ack_backlog, 0);
	CHECK_EQ(peer_mib(LINUX_MIB_ListenDrops), row->drops);
	sock_release(l);
	peer_down();
}

KTEST_MAIN_BOOT()
