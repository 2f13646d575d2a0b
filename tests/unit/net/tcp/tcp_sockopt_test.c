// SPDX-License-Identifier: MIT
/* Socket options of level SOL_TCP: limits of each, wrong lengths, unknown ones, what they do to a living connection. */
#include "peer.h"

static int set_len(struct socket *s, int level, int opt, const void *v, u32 len)
{
	return s->ops->setsockopt(s, level, opt, v, len);
}

static int set_int(struct socket *s, int opt, int val)
{
	return set_len(s, SOL_TCP, opt, &val, sizeof(val));
}

static int get_int(struct socket *s, int opt)
{
	u32 len = sizeof(int);
	int val = -4711, err = s->ops->getsockopt(s, SOL_TCP, opt, &val, &len);

	CHECK_EQ(len, sizeof(int));
	return err ? err : val;
}

struct limit_row {
	const char *name;
	int opt, val, err, get; /* @get: what is read afterwards */
};

static const struct limit_row limit_table[] = {
	{ "nodelay_on", TCP_NODELAY, 1, 0, 1 },
	{ "nodelay_off", TCP_NODELAY, 0, 0, 0 },
	{ "nodelay_any_other_number", TCP_NODELAY, -5, 0, 1 },
	{ "cork_on", TCP_CORK, 1, 0, 1 },
	{ "cork_off", TCP_CORK, 0, 0, 0 },
	{ "cork_256", TCP_CORK, 256, 0, 1 },
	{ "maxseg_87", TCP_MAXSEG, 87, -EINVAL, 536 },
	{ "maxseg_88", TCP_MAXSEG, 88, 0, 88 },
	{ "maxseg_32767", TCP_MAXSEG, 32767, 0, 32767 },
	{ "maxseg_32768", TCP_MAXSEG, 32768, -EINVAL, 536 },
	{ "maxseg_negative", TCP_MAXSEG, -1, -EINVAL, 536 },
	{ "keepidle_0", TCP_KEEPIDLE, 0, -EINVAL, 7200 },
	{ "keepidle_1", TCP_KEEPIDLE, 1, 0, 1 },
	{ "keepidle_32767", TCP_KEEPIDLE, 32767, 0, 32767 },
	{ "keepidle_32768", TCP_KEEPIDLE, 32768, -EINVAL, 7200 },
	{ "keepintvl_0", TCP_KEEPINTVL, 0, -EINVAL, 75 },
	{ "keepintvl_1", TCP_KEEPINTVL, 1, 0, 1 },
	{ "keepintvl_32767", TCP_KEEPINTVL, 32767, 0, 32767 },
	{ "keepintvl_32768", TCP_KEEPINTVL, 32768, -EINVAL, 75 },
	{ "keepcnt_0", TCP_KEEPCNT, 0, -EINVAL, 9 },
	{ "keepcnt_1", TCP_KEEPCNT, 1, 0, 1 },
	{ "keepcnt_127", TCP_KEEPCNT, 127, 0, 127 },
	{ "keepcnt_128", TCP_KEEPCNT, 128, -EINVAL, 9 },
	{ "syncnt_0", TCP_SYNCNT, 0, -EINVAL, 7 },
	{ "syncnt_1", TCP_SYNCNT, 1, 0, 1 },
	{ "syncnt_127", TCP_SYNCNT, 127, 0, 127 },
	{ "syncnt_128", TCP_SYNCNT, 128, -EINVAL, 7 },
	{ "linger2_0_is_the_instances", TCP_LINGER2, 0, 0, 60 },
	{ "linger2_5", TCP_LINGER2, 5, 0, 5 },
	{ "linger2_60", TCP_LINGER2, 60, 0, 60 },
	{ "linger2_longer_than_the_instances", TCP_LINGER2, 61, 0, 61 },
	{ "linger2_capped", TCP_LINGER2, 121, 0, 120 },
	{ "save_syn", TCP_SAVE_SYN, 2, 0, 2 },
	{ "save_syn_3", TCP_SAVE_SYN, 3, -EINVAL, 0 },
	{ "inq", TCP_INQ, 1, 0, 1 },
	{ "inq_2", TCP_INQ, 2, -EINVAL, 0 },
	{ "maxseg_taken_back", TCP_MAXSEG, 0, 0, 536 },
	{ "linger2_negative", TCP_LINGER2, -7, 0, -1 },
	{ "user_timeout_0", TCP_USER_TIMEOUT, 0, 0, 0 },
	{ "user_timeout_most", TCP_USER_TIMEOUT, INT32_MAX, 0, INT32_MAX },
	{ "user_timeout_negative", TCP_USER_TIMEOUT, -1, -EINVAL, 0 },
	{ "window_clamp_1151", TCP_WINDOW_CLAMP, 1151, 0, 1152 },
	{ "window_clamp_1152", TCP_WINDOW_CLAMP, 1152, 0, 1152 },
	{ "window_clamp_most", TCP_WINDOW_CLAMP, INT32_MAX, 0, INT32_MAX },
	{ "window_clamp_0", TCP_WINDOW_CLAMP, 0, 0, 0 }, /* none */
	{ "window_clamp_negative", TCP_WINDOW_CLAMP, -1, 0, 1152 },
	{ "quickack_on", TCP_QUICKACK, 1, 0, 1 },
	{ "quickack_off", TCP_QUICKACK, 0, 0, 0 },
	{ "defer_accept", TCP_DEFER_ACCEPT, 5, 0, 7 },
	{ "defer_accept_never", TCP_DEFER_ACCEPT, -1, 0, 0 },
	{ "defer_accept_most", TCP_DEFER_ACCEPT, INT32_MAX, 0, 127 + 120 * 248 },
	{ "notsent_lowat", TCP_NOTSENT_LOWAT, 1, 0, 1 },
	{ "notsent_lowat_default", TCP_NOTSENT_LOWAT, 0, 0, 0 },
	{ "number_0_unknown", 0, 1, -ENOPROTOOPT, -ENOPROTOOPT },
	{ "number_999_unknown", 999, 1, -ENOPROTOOPT, -ENOPROTOOPT },
	{ "negative_number_unknown", -1, 1, -ENOPROTOOPT, -ENOPROTOOPT },
};

TEST_EACH(limits, limit_table)
{
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	CHECK_EQ(set_int(s, row->opt, row->val), row->err);
	CHECK_EQ(get_int(s, row->opt), row->get);
	sock_release(s);
	peer_down();
}

struct length_row {
	const char *name;
	u32 len;
	int err;
	u32 got; /* length after reading with this room */
};

static const struct length_row length_table[] = {
	{ "0", 0, -EINVAL, 0 }, { "1", 1, -EINVAL, 1 }, { "3", 3, -EINVAL, 3 },
	{ "4", 4, 0, 4 },       { "8", 8, 0, 4 },
};

TEST_EACH(lengths, length_table)
{
	static const int opts[] = { TCP_NODELAY,   TCP_CORK,         TCP_MAXSEG,      TCP_KEEPIDLE,
				    TCP_KEEPINTVL, TCP_KEEPCNT,      TCP_SYNCNT,      TCP_LINGER2,
				    TCP_QUICKACK,  TCP_USER_TIMEOUT, TCP_WINDOW_CLAMP };
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	for (u32 i = 0; i < ARRAY_SIZE(opts); i++) {
		int in[2] = { opts[i] == TCP_MAXSEG || opts[i] == TCP_WINDOW_CLAMP ? 2000 : 1, -1 };
		u8 out[8], whole[4];
		u32 len = row->len;

		CHECK_EQ(set_len(s, SOL_TCP, opts[i], in, row->len), row->err);
		memset(out, 0x5a, sizeof(out));
		CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, opts[i], out, &len), 0);
		CHECK_EQ(len, row->got);
		len = 4;
		CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, opts[i], whole, &len), 0);
		CHECK(memcmp(out, whole, row->got) == 0);
		for (u32 j = row->got; j < sizeof(out); j++)
			CHECK_EQ(out[j], 0x5a); /* nothing behind the room */
	}
	sock_release(s);
	peer_down();
}

struct level_row {
	const char *name;
	int level, opt, set, get;
};

static const struct level_row level_table[] = {
	{ "socket", SOL_SOCKET, SO_KEEPALIVE, 0, 0 },
	{ "socket_unknown", SOL_SOCKET, 9999, -ENOPROTOOPT, -ENOPROTOOPT },
	{ "ip_tos", SOL_IP, 1, 0, 0 },
	{ "ip_unknown", SOL_IP, 9999, -ENOPROTOOPT, -ENOPROTOOPT },
	{ "udp", 17, 1, -ENOPROTOOPT, -EOPNOTSUPP },
	{ "negative", -1, 1, -ENOPROTOOPT, -EOPNOTSUPP },
};

TEST_EACH(levels, level_table)
{
	struct socket *s;
	int v = 1;
	u32 len = sizeof(v);

	peer_up();
	s = tcp_socket(0);
	CHECK_EQ(tcp_setsockopt(s->sk, row->level, row->opt, &v, sizeof(v)), row->set);
	CHECK_EQ(tcp_getsockopt(s->sk, row->level, row->opt, &v, &len), row->get);
	sock_release(s);
	peer_down();
}

struct congestion_row {
	const char *name;
	const char *value;
	u32 len;
	int err;
};

static const struct congestion_row congestion_table[] = {
	{ "reno", "reno", 4, 0 },
	{ "reno_terminated", "reno", 5, 0 },
	{ "reno_in_16", "reno\0xxxxxxxxxxx", 16, 0 },
	{ "empty", "", 0, -ENOENT },
	{ "prefix", "reno", 3, -ENOENT },
	{ "unknown", "vegas", 5, -ENOENT },
	{ "too_long", "renorenorenorenoreno", 20, -ENOENT },
};

/* TCP_CC_INFO: nothing of who has no model; of BBR its five numbers, or as many as there is room for. */
TEST(congestion_info)
{
	u32 info[8], len = sizeof(info);
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_CC_INFO, info, &len), 0);
	CHECK_EQ(len, 0);
	CHECK_EQ(set_len(s, SOL_TCP, TCP_CONGESTION, "bbr", 3), 0);
	len = sizeof(info);
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_CC_INFO, info, &len), 0);
	CHECK_EQ(len, 20);
	CHECK_EQ(info[0], 0);
	CHECK_EQ(info[2], UINT32_MAX);
	CHECK_EQ(info[3], 709);
	CHECK_EQ(info[4], 512);
	len = 4;
	info[1] = 7;
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_CC_INFO, info, &len), 0);
	CHECK_EQ(len, 4);
	CHECK_EQ(info[1], 7);
	sock_release(s);
	peer_down();
}

TEST_EACH(congestion, congestion_table)
{
	struct socket *s;
	char name[32];
	u32 len = sizeof(name);

	peer_up();
	s = tcp_socket(0);
	CHECK_EQ(set_len(s, SOL_TCP, TCP_CONGESTION, row->value, row->len), row->err);
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &len), 0);
	CHECK_EQ(len, 16);
	CHECK_STR(name, "reno");
	len = 2;
	memset(name, 'x', sizeof(name));
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &len), 0);
	CHECK_EQ(len, 2);
	CHECK(memcmp(name, "rex", 3) == 0);
	sock_release(s);
	peer_down();
}

/* TCP_MAXSEG before a connection is the application's wish, afterwards what the two ends agreed on. */
struct maxseg_row {
	const char *name;
	int wish;
	u16 announced; /* by the peer */
	u32 said, used;
};

static const struct maxseg_row maxseg_table[] = {
	{ "no_wish", 0, 1460, 1460, 1460 },      { "peer_smaller", 0, 1000, 1460, 1000 },
	{ "wish_smaller", 900, 1460, 900, 900 }, { "wish_larger", 9000, 1460, 1460, 1460 },
	{ "both", 900, 700, 900, 700 },          { "peer_tiny", 0, 10, 1460, 48 },
	{ "peer_huge", 0, 65535, 1460, 1460 },
};

TEST_EACH(maxseg, maxseg_table)
{
	u8 opt[4] = { TCPOPT_MSS, TCPOLEN_MSS, (u8)(row->announced >> 8), (u8)row->announced };
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	if (row->wish)
		CHECK_EQ(set_int(s, TCP_MAXSEG, row->wish), 0);
	peer.sport = PORT;
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	CHECK_EQ(get_unaligned_be16(said(0)->opt + 2), row->said);
	peer.dport = said(0)->sport;
	peer.nxt = said(0)->seq + 1;
	peer_answer_syn(opt, 4);
	CHECK_EQ(get_int(s, TCP_MAXSEG), row->used);
	sock_release(s);
	peer_down();
}

TEST(switching_nagle_off_sends)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(put(s, "ab", 2, 0), 2);
	CHECK_EQ(put(s, "cd", 2, 0), 2); /* held: "ab" is not acknowledged */
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(set_int(s, TCP_NODELAY, 1), 0);
	CHECK_EQ(peer.n, 2);
	CHECK_EQ(said(0)->len, 2);
	sock_release(s);
	peer_down();
}

TEST(pulling_the_cork_sends)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	CHECK_EQ(set_int(s, TCP_CORK, 1), 0);
	CHECK_EQ(put(s, "ab", 2, 0), 2);
	CHECK_EQ(put(s, "cd", 2, 0), 2);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(set_int(s, TCP_CORK, 1), 0); /* again: still in */
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(set_int(s, TCP_CORK, 0), 0);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->len, 4);
	sock_release(s);
	peer_down();
}

/* Options that push are harmless where nothing can be pushed. */
TEST(pushing_options_in_other_states)
{
	struct socket *s;

	peer_up();
	s = tcp_listener(0, PORT, 1);
	CHECK_EQ(set_int(s, TCP_NODELAY, 1), 0);
	CHECK_EQ(set_int(s, TCP_CORK, 0), 0);
	sock_release(s);
	s = peer_connecting();
	CHECK_EQ(set_int(s, TCP_NODELAY, 1), 0);
	CHECK_EQ(set_int(s, TCP_CORK, 1), 0);
	CHECK_EQ(set_int(s, TCP_CORK, 0), 0);
	CHECK_EQ(peer.n, 1);
	tell_raw(TCPHDR_SYN, peer.seq, 0, 0);
	CHECK_EQ(state_of(s), TCP_SYN_RECV);
	CHECK_EQ(set_int(s, TCP_NODELAY, 1), 0);
	CHECK_EQ(peer.n, 2);
	sock_release(s);
	peer_down();
}

TEST(quickack)
{
	struct socket *s;
	u8 in[10];
	struct tcp_sock *tp;

	peer_up();
	s = peer_connected();
	tp = tcp_sk(s->sk);
	CHECK_EQ(set_int(s, TCP_QUICKACK, 0), 0);
	CHECK_EQ(tp->quick, 0);
	tell_text(10);
	CHECK_EQ(peer.n, 0); /* delayed */
	CHECK(tp->ack_pending & TCP_ACK_SCHED);
	CHECK_EQ(get(s, in, 10, 0), 10);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(set_int(s, TCP_QUICKACK, 1), 0);
	CHECK_EQ(peer.n, 1); /* what was due goes now */
	CHECK_EQ(said(0)->ack, peer.seq);
	CHECK_EQ(tp->ack_pending, 0);
	CHECK_EQ(set_int(s, TCP_QUICKACK, 1), 0);
	CHECK_EQ(peer.n, 1); /* nothing is due */
	tell_text(10);
	CHECK_EQ(peer.n, 2); /* at once */
	sock_release(s);
	peer_down();
}

/* The timer of a living connection follows the option, and the silence until then counts. */
TEST(keepidle_moves_the_timer)
{
	struct socket *s;

	peer_up();
	s = peer_connected();
	set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	host_clock_advance(100 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(set_int(s, TCP_KEEPIDLE, 150), 0);
	host_clock_advance(49 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 0);
	host_clock_advance(2 * NSEC_PER_SEC);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->seq, peer.nxt - 1);
	sock_release(s);
	peer_down();
}

/* Linux's struct tcp_info by offset: the reader has only the header of another C library. */
static u32 info32(const u8 *info, u32 off)
{
	u32 v;

	memcpy(&v, info + off, 4);
	return v;
}

TEST(info)
{
	struct socket *s;
	u8 info[300], in[100];
	u32 len = sizeof(info);

	peer_up();
	s = peer_connected_opt(peer_mss_ws7, 8);
	host_clock_advance(50000000);
	CHECK_EQ(put(s, "hello", 5, 0), 5);
	host_clock_advance(20000000);
	peer_ack();
	tell_text(100);
	CHECK_EQ(get(s, in, 100, 0), 100);
	CHECK_EQ(put(s, "hello", 5, 0), 5);
	host_clock_advance(7000000);
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_INFO, info, &len), 0);
	CHECK_EQ(len, 232);
	CHECK_EQ(info[0], TCP_ESTABLISHED);
	CHECK_EQ(info[1], TCP_CA_Open);
	CHECK_EQ(info[5], 4); /* TCPI_OPT_WSCALE */
	CHECK_EQ(info[6] & 15, 7);
	CHECK_EQ(info[6] >> 4, tcp_sk(s->sk)->rcv_wscale);
	CHECK_EQ(info32(info, 16), 1460);          /* snd_mss */
	CHECK_EQ(info32(info, 24), 1);             /* unacked */
	CHECK_EQ(info32(info, 44), 7);             /* last data sent, ms */
	CHECK_EQ(info32(info, 52), 7);             /* last data received */
	CHECK_EQ(info32(info, 60), 1500);          /* pmtu */
	CHECK(info32(info, 68) > 0);               /* rtt */
	CHECK_EQ(info32(info, 80), TCP_INIT_CWND); /* one segment does not use ten: no growth */
	CHECK_EQ(info32(info, 84), 1460);          /* advmss */
	CHECK_EQ(info32(info, 120), 6);            /* bytes acknowledged, and the SYN as on Linux */
	CHECK_EQ(info32(info, 128), 100);          /* bytes received */
	CHECK_EQ(info32(info, 228), 65535u << 7);
	memset(info, 0x77, sizeof(info));
	len = 1;
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_INFO, info, &len), 0);
	CHECK_EQ(len, 1);
	CHECK_EQ(info[0], TCP_ESTABLISHED);
	CHECK_EQ(info[1], 0x77);
	len = 0;
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_INFO, info, &len), 0);
	CHECK_EQ(len, 0);
	sock_release(s);
	peer_down();
}

/* A listener tells about its accept queue in the fields of a flight. */
TEST(info_of_a_listener)
{
	struct socket *l;
	u8 info[232];
	u32 len = sizeof(info);

	peer_up();
	l = tcp_listener(0, PORT, 7);
	CHECK_EQ(l->ops->getsockopt(l, SOL_TCP, TCP_INFO, info, &len), 0);
	CHECK_EQ(info[0], TCP_LISTEN);
	CHECK_EQ(info32(info, 24), 0);
	CHECK_EQ(info32(info, 28), 7);
	CHECK_EQ(info32(info, 44), 0); /* nothing was ever sent */
	peer_syn(peer_mss1460, 4);
	tell(TCPHDR_ACK, peer.seq, 0, 0);
	CHECK_EQ(l->ops->getsockopt(l, SOL_TCP, TCP_INFO, info, &len), 0);
	CHECK_EQ(info32(info, 24), 1);
	sock_release(l);
	peer_down();
}

/* TCP_FASTOPEN_KEY: one secret or two, nothing between; what is read is what was set. */
struct key_row {
	const char *name;
	u32 len;
	int err;
	u32 room, got;
};

static const struct key_row key_table[] = {
	{ "nothing", 0, -EINVAL, 40, 0 }, { "15", 15, -EINVAL, 40, 0 },
	{ "16", 16, 0, 40, 16 },          { "17", 17, -EINVAL, 40, 0 },
	{ "31", 31, -EINVAL, 40, 0 },     { "32", 32, 0, 40, 32 },
	{ "33", 33, -EINVAL, 40, 0 },     { "little_room", 32, 0, 5, 5 },
	{ "no_room", 32, 0, 0, 0 },
};

TEST_EACH(fastopen_key, key_table)
{
	u8 in[33], out[40];
	struct socket *s;
	u32 len = row->room;

	peer_up();
	fill(in, 7, sizeof(in));
	memset(out, 0x5a, sizeof(out));
	s = tcp_socket(0);
	CHECK_EQ(set_len(s, SOL_TCP, TCP_FASTOPEN_KEY, in, row->len), row->err);
	CHECK_EQ(s->ops->getsockopt(s, SOL_TCP, TCP_FASTOPEN_KEY, out, &len), 0);
	CHECK_EQ(len, row->got);
	CHECK(memcmp(out, in, row->got) == 0);
	CHECK_EQ(out[row->got < 40 ? row->got : 39], 0x5a);
	if (!row->err) /* and a second time takes the place of the first */
		CHECK_EQ(set_len(s, SOL_TCP, TCP_FASTOPEN_KEY, in + 1, 16), 0);
	sock_release(s);
	peer_down();
}

TEST(fastopen_key_without_memory)
{
	static const u8 key[16];
	struct socket *s;

	peer_up();
	s = tcp_socket(0);
	peer_memory(false);
	CHECK_EQ(set_len(s, SOL_TCP, TCP_FASTOPEN_KEY, key, 16), -ENOMEM);
	peer_memory(true);
	CHECK_EQ(set_len(s, SOL_TCP, TCP_FASTOPEN_KEY, key, 16), 0);
	sock_release(s);
	peer_down();
}
KTEST_MAIN_BOOT()
