// SPDX-License-Identifier: MIT
/*
 * The search for the path's MTU: when a probe is due, what it is made of, where the search begins and how it falls back. What becomes of a
 * probe on its way is told by conformance/tcp/pmtu and by the experiment "mtu" of the simulator.
 */
#include "peer.h"

#define BASE  1024u
#define PROBE 1242u /* an MTU in the middle of 1064 and 1500 */

static u8 data[40000];

/* Ten segments are out, twenty wait. */
static struct socket *searched(const char *mode)
{
	struct socket *s;

	peer_up();
	fill(data, 0, sizeof(data));
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_mtu_probing", mode), 0);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_wmem", "4096 262144 262144"), 0);
	s = peer_connected();
	return s;
}

static void done(struct socket *s)
{
	sock_release(s);
	peer_down();
}

static u32 build(struct socket *s)
{
	u32 n;

	lock_sock(s->sk);
	local_bh_disable();
	n = tcp_mtup_build(s->sk, BASE);
	local_bh_enable();
	release_sock(s->sk);
	return n;
}

/* What waits is still data[@at], ...: nothing is lost or doubled by being put together. */
static void check_queue(const struct socket *s, u32 at)
{
	const struct tcp_sock *tp = tcp_sk(s->sk);
	u32 seq = tp->snd_nxt, charged = 0;
	struct sk_buff *skb;
	static u8 b[70000];

	skb_queue_walk(&s->sk->sk_write_queue, skb) {
		CHECK_EQ(TCP_SKB_CB(skb)->seq, seq);
		CHECK_EQ(TCP_SKB_CB(skb)->end_seq - seq, skb->len);
		CHECK_EQ(skb->stage, SKB_STAGE_SOCKET_OUT);
		CHECK_EQ(skb_copy_bits(skb, 0, b, skb->len), 0);
		CHECK(memcmp(b, data + at + (seq - tp->snd_nxt), skb->len) == 0);
		seq += skb->len;
		charged += skb->truesize;
	}
	CHECK_EQ(seq, tp->write_seq);
	skb_queue_walk(&tp->tcp_rtx_queue, skb)
		charged += skb->truesize;
	CHECK_EQ(s->sk->sk_wmem_queued, charged);
}

static const struct due {
	const char *name;
	u32 cwnd, threshold;
	u16 low, high, out; /* low: 1064 unless another */
	u8 ca_state, num_sacks;
	bool dsack;
	u32 wnd, want;
} due_table[] = {
	{ "room_for_two", 12, 8, 1064, 1500, 0, TCP_CA_Open, 0, false, 65535, PROBE },
	{ "room_for_one_waits", 11, 8, 1064, 1500, 0, TCP_CA_Open, 0, false, 65535, 0 },
	{ "small_window_of_congestion", 10, 8, 1064, 1500, 0, TCP_CA_Open, 0, false, 65535, BASE },
	{ "one_at_a_time", 12, 8, 1064, 1500, 1282, TCP_CA_Open, 0, false, 65535, BASE },
	{ "something_is_missing", 12, 8, 1064, 1500, 0, TCP_CA_Disorder, 0, false, 65535, BASE },
	{ "blocks_to_tell", 12, 8, 1064, 1500, 0, TCP_CA_Open, 1, false, 65535, BASE },
	{ "a_doubled_one_to_tell", 12, 8, 1064, 1500, 0, TCP_CA_Open, 0, true, 65535, BASE },
	{ "range_of_8", 12, 8, 1064, 1072, 0, TCP_CA_Open, 0, false, 65535, 1028 },
	{ "range_of_7", 12, 8, 1064, 1071, 0, TCP_CA_Open, 0, false, 65535, BASE },
	{ "range_of_1_is_none", 12, 0, 1064, 1065, 0, TCP_CA_Open, 0, false, 65535, BASE },
	{ "range_of_0_is_none", 12, 0, 1064, 1064, 0, TCP_CA_Open, 0, false, 65535, BASE },
	{ "route_below", 12, 8, 1064, 900, 0, TCP_CA_Open, 0, false, 65535, BASE },
	{ "window_that_waits", 12, 8, 1064, 1500, 0, TCP_CA_Open, 0, false, 15577, 0 },
	{ "window_that_suffices", 12, 8, 1064, 1500, 0, TCP_CA_Open, 0, false, 15578, PROBE },
	{ "window_that_never_will", 12, 8, 1064, 1500, 0, TCP_CA_Open, 0, false, 5337, BASE },
};

TEST_EACH(due, due_table)
{
	struct socket *s = searched("2");
	struct tcp_sock *tp = tcp_sk(s->sk);

	CHECK_EQ(put(s, data, 30 * BASE, MSG_DONTWAIT), 30 * BASE);
	CHECK_EQ(tp->packets_out, 10);
	tp->cc.cwnd = row->cwnd;
	hosts[0]->tcp->probe_threshold = row->threshold;
	tp->search_low = row->low;
	tp->search_high = row->high;
	tp->probe_size = row->out;
	tp->ca_state = row->ca_state;
	tp->num_sacks = row->num_sacks;
	tp->dsack = row->dsack;
	tp->snd_wnd = row->wnd;
	CHECK_EQ(build(s), row->want);
	CHECK_EQ(tcp_send_head(s->sk)->len, max(row->want, BASE));
	check_queue(s, 10 * BASE);
	tp->num_sacks = 0;
	tp->dsack = false;
	tp->ca_state = TCP_CA_Open;
	done(s);
}

/* Nothing is out: what cannot go now will not be able to later. */
TEST(with_nothing_in_flight_nothing_is_waited_for)
{
	struct socket *s = searched("2");
	struct tcp_sock *tp = tcp_sk(s->sk);

	CHECK_EQ(put(s, data, 30 * BASE, MSG_DONTWAIT), 30 * BASE);
	tp->cc.cwnd = 11;
	CHECK_EQ(build(s), 0);
	tp->sacked_out = 10;
	CHECK_EQ(build(s), PROBE);
	tp->sacked_out = 0;
	done(s);
}

static const struct material {
	const char *name;
	bool gso;
	u32 piece, eor_at, want; /* eor_at: the piece that ends a record, counted from 1 */
	bool memory, shared;
} material_table[] = {
	{ "one_call", false, 20480, 0, PROBE, true, false },
	{ "drops", false, 100, 0, PROBE, true, false },
	{ "one_call_in_pages", true, 20480, 0, PROBE, true, false },
	{ "drops_before_a_device_that_cuts", true, 100, 0, PROBE, true, false },
	{ "a_record_ends_within", false, 600, 1, BASE, true, false },
	{ "a_record_ends_in_the_second", false, 600, 2, BASE, true, false },
	{ "a_record_ends_behind_it", false, 600, 3, PROBE, true, false },
	{ "no_memory", false, 20480, 0, BASE, false, false },
	{ "no_memory_for_the_rest", true, 20480, 0, BASE, false, false },
	{ "bytes_in_use_elsewhere", false, 20480, 0, BASE, true, true },
};

/* A probe is made of what waits: one packet cut, or several put together, whatever they are made of. */
TEST_EACH(material, material_table)
{
	struct socket *s = searched("2");
	struct tcp_sock *tp = tcp_sk(s->sk);
	struct sk_buff *tap = NULL;
	u32 at = 10 * BASE, n = 0;

	if (row->gso)
		devs[0]->features |= NETIF_F_SG | NETIF_F_GSO;
	CHECK_EQ(put(s, data, at, MSG_DONTWAIT), at);
	while (at < 30 * BASE) {
		u32 len = min(row->piece, 30 * BASE - at);

		CHECK_EQ(put(s, data + at, len,
			     MSG_DONTWAIT | (++n == row->eor_at ? (u32)MSG_EOR : 0)),
			 len);
		at += len;
	}
	tp->cc.cwnd = 12;
	if (row->shared)
		tap = skb_clone(tcp_send_head(s->sk)->next);
	peer_memory(row->memory);
	CHECK_EQ(build(s), row->want);
	peer_memory(true);
	if (tap)
		consume_skb(tap);
	check_queue(s, 10 * BASE);
	/* And all of it arrives. */
	tp->cc.cwnd = 100;
	tp->snd_wnd = 65535;
	peer_ack();
	for (u32 i = 0; i < 10 && tp->packets_out; i++) {
		host_clock_advance(NSEC_PER_MSEC);
		peer_ack();
	}
	CHECK_EQ(tp->snd_una, tp->write_seq);
	CHECK_EQ(s->sk->sk_wmem_queued, 0);
	done(s);
}

static const struct retreat {
	const char *name;
	u32 base, floor, least;
	u32 before, want; /* segment size before; 0: no search is on */
} retreat_table[] = {
	{ "begins", 1024, 48, 48, 0, 1024 },
	{ "halves", 1024, 48, 48, 1000, 500 },
	{ "never_above_the_base", 512, 48, 48, 1400, 512 },
	{ "floor", 1024, 400, 48, 600, 400 },
	{ "least_segment", 1024, 48, 500, 600, 500 },
	{ "base_above_the_route", INT32_MAX, 48, 48, 0, 1460 },
	{ "base_of_nothing", 0, 48, 48, 0, 48 },
};

TEST_EACH(retreat, retreat_table)
{
	struct socket *s = searched("0");
	struct tcp_sock *tp = tcp_sk(s->sk);
	struct tcp_net *tn = hosts[0]->tcp;

	CHECK_EQ(tp->mss_cache, 1460);
	CHECK_EQ(tp->search_low, 0);
	tn->mtu_probing = 1;
	tn->base_mss = row->base;
	tn->mtu_probe_floor = row->floor;
	tn->min_snd_mss = row->least;
	if (row->before) {
		tp->search_low = (u16)(row->before + 40);
		tp->search_high = 1500;
	}
	lock_sock(s->sk);
	tcp_mtu_probing(s->sk, 2);
	CHECK_EQ(tp->mss_cache, 1460);
	tcp_mtu_probing(s->sk, 1);
	release_sock(s->sk);
	CHECK_EQ(tp->mss_cache, row->want);
	CHECK_EQ(tp->search_high, 1500);
	done(s);
}

/* The route's MTU falls and rises: the search ends below it, and goes on below where it was. */
TEST(the_route_bounds_the_search)
{
	struct socket *s = searched("2");
	struct tcp_sock *tp = tcp_sk(s->sk);

	lock_sock(s->sk);
	CHECK_EQ(tcp_sync_mss(s->sk, 1500), BASE);
	CHECK_EQ(tcp_sync_mss(s->sk, 1200), BASE);
	CHECK_EQ(tp->search_high, 1200);
	CHECK_EQ(tcp_sync_mss(s->sk, 900), 860);
	CHECK_EQ(tcp_sync_mss(s->sk, 1500), BASE);
	CHECK_EQ(tp->search_high, 900);
	CHECK_EQ(tp->pmtu, 1500);
	release_sock(s->sk);
	done(s);
}

/* The largest numbers: an MTU of 65535 and a peer that takes as much. */
TEST(sizes_fit_sixteen_bits)
{
	struct socket *s = searched("0");
	struct tcp_sock *tp = tcp_sk(s->sk);

	hosts[0]->tcp->mtu_probing = 2;
	tp->mss_clamp = 65535;
	tp->max_window = 1 << 20;
	lock_sock(s->sk);
	CHECK_EQ(tcp_sync_mss(s->sk, 65535), 65495);
	tcp_mtu_probing(s->sk, 2);
	CHECK_EQ(tp->search_high, 65535);
	CHECK_EQ(tp->mss_cache, BASE);
	tp->search_low = tp->search_high;
	CHECK_EQ(tcp_sync_mss(s->sk, 65535), 65495);
	release_sock(s->sk);
	done(s);
}

/* A second connection of the same socket knows nothing of the first one's path. */
TEST(disconnect_forgets_the_search)
{
	struct socket *s = searched("2");
	struct tcp_sock *tp = tcp_sk(s->sk);

	CHECK(tp->search_low);
	tp->probe_size = 1282;
	lock_sock(s->sk);
	CHECK_EQ(s->sk->sk_prot->disconnect(s->sk), 0);
	release_sock(s->sk);
	CHECK_EQ(tp->search_low, 0);
	CHECK_EQ(tp->probe_size, 0);
	done(s);
}

KTEST_MAIN_BOOT()
