// SPDX-License-Identifier: MIT
/* TCP per instance: every setting at its limits, life without memory, the page /proc/net/tcp, the end of all connections. */
#include "peer.h"

#include <kernel/proc.h>

/* --- Settings ------------------------------------------------------------------------------------------------------------- */
struct sysctl_row {
	const char *name, *setting, *value;
	int err;
	u32 offset, want;
};
#define F(field) offsetof(struct tcp_net, field)

static const struct sysctl_row sysctl_table[] = {
	{ "syn_retries_0", "tcp_syn_retries", "0", -ERANGE, F(syn_retries), 7 },
	{ "syn_retries_1", "tcp_syn_retries", "1", 0, F(syn_retries), 1 },
	{ "syn_retries_127", "tcp_syn_retries", "127", 0, F(syn_retries), 127 },
	{ "syn_retries_128", "tcp_syn_retries", "128", -ERANGE, F(syn_retries), 7 },
	{ "synack_retries_0", "tcp_synack_retries", "0", 0, F(synack_retries), 0 },
	{ "synack_retries_128", "tcp_synack_retries", "128", -ERANGE, F(synack_retries), 5 },
	{ "retries1_255", "tcp_retries1", "255", 0, F(retries1), 255 },
	{ "retries1_256", "tcp_retries1", "256", -ERANGE, F(retries1), 3 },
	{ "retries2_255", "tcp_retries2", "255", 0, F(retries2), 255 },
	{ "retries2_256", "tcp_retries2", "256", -ERANGE, F(retries2), 15 },
	{ "orphan_retries_256", "tcp_orphan_retries", "256", -ERANGE, F(orphan_retries), 0 },
	{ "fin_timeout_0", "tcp_fin_timeout", "0", -ERANGE, F(fin_timeout), 60 },
	{ "fin_timeout_32767", "tcp_fin_timeout", "32767", 0, F(fin_timeout), 32767 },
	{ "fin_timeout_32768", "tcp_fin_timeout", "32768", -ERANGE, F(fin_timeout), 60 },
	{ "keepalive_time_0", "tcp_keepalive_time", "0", -ERANGE, F(keepalive_time), 7200 },
	{ "keepalive_intvl_1", "tcp_keepalive_intvl", "1", 0, F(keepalive_intvl), 1 },
	{ "keepalive_probes_128", "tcp_keepalive_probes", "128", -ERANGE, F(keepalive_probes), 9 },
	{ "max_syn_backlog_0", "tcp_max_syn_backlog", "0", -ERANGE, F(max_syn_backlog), 256 },
	{ "max_syn_backlog_65536", "tcp_max_syn_backlog", "65536", 0, F(max_syn_backlog), 65536 },
	{ "max_tw_buckets_0", "tcp_max_tw_buckets", "0", 0, F(max_tw_buckets), 0 },
	{ "max_tw_buckets_1000001", "tcp_max_tw_buckets", "1000001", -ERANGE, F(max_tw_buckets),
	  4096 },
	{ "max_orphans_1000000", "tcp_max_orphans", "1000000", 0, F(max_orphans), 1000000 },
	{ "adv_win_scale_negative", "tcp_adv_win_scale", "-2", 0, F(adv_win_scale), (u32)-2 },
	{ "adv_win_scale_minus_32", "tcp_adv_win_scale", "-32", -ERANGE, F(adv_win_scale), 1 },
	{ "fastopen_all_bits", "tcp_fastopen", "0x70403", 0, F(fastopen), 0x70403 },
	{ "without_effect", "tcp_fack", "1", 0, F(fack), 1 },
	{ "window_scaling_2", "tcp_window_scaling", "2", -ERANGE, F(window_scaling), 1 },
	{ "slow_start_after_idle_0", "tcp_slow_start_after_idle", "0", 0, F(slow_start_after_idle),
	  0 },
	{ "congestion_control_unknown", "tcp_congestion_control", "vegas", -EINVAL, F(syn_retries),
	  7 },
	{ "congestion_control_empty", "tcp_congestion_control", "", -EINVAL, F(syn_retries), 7 },
	{ "without_prefix", "syn_retries", "4", 0, F(syn_retries), 4 },
	{ "prefix_twice", "tcp_tcp_syn_retries", "4", -ENOENT, F(syn_retries), 7 },
	{ "unknown", "tcp_sock", "1", -ENOENT, F(syn_retries), 7 },
	{ "empty_name", "", "1", -ENOENT, F(syn_retries), 7 },
	{ "prefix_alone", "tcp_", "1", -ENOENT, F(syn_retries), 7 },
	{ "longer_name", "tcp_syn_retries2", "1", -ENOENT, F(syn_retries), 7 },
	{ "no_number", "tcp_syn_retries", "many", -EINVAL, F(syn_retries), 7 },
	{ "empty_value", "tcp_syn_retries", "", -EINVAL, F(syn_retries), 7 },
	{ "negative", "tcp_syn_retries", "-1", -EINVAL, F(syn_retries), 7 },
	{ "number_and_text", "tcp_syn_retries", "3x", -EINVAL, F(syn_retries), 7 },
	{ "more_than_64_bits", "tcp_syn_retries", "18446744073709551617", -ERANGE, F(syn_retries),
	  7 },
	{ "more_than_32_bits", "tcp_syn_retries", "4294967297", -ERANGE, F(syn_retries), 7 },
};

TEST_EACH(sysctl, sysctl_table)
{
	u32 v;

	hosts_up(1);
	CHECK_EQ(tcp_sysctl_set(hosts[0], row->setting, row->value), row->err);
	memcpy(&v, (const u8 *)hosts[0]->tcp + row->offset, 4);
	CHECK_EQ(v, row->want);
	memcpy(&v, (const u8 *)hosts[1]->tcp + row->offset, 4);
	if (row->err == 0)
		CHECK(v != row->want); /* of that instance only */
	hosts_down();
}

struct triple_row {
	const char *name, *value;
	int err;
	u32 want[3];
};

static const struct triple_row triple_table[] = {
	{ "blanks", "4096 16384 65536", 0, { 4096, 16384, 65536 } },
	{ "commas", "4096,16384,65536", 0, { 4096, 16384, 65536 } },
	{ "tabs", "4096\t16384\t65536", 0, { 4096, 16384, 65536 } },
	{ "equal", "5000 5000 5000", 0, { 5000, 5000, 5000 } },
	{ "least", "1 1 1", 0, { 1, 1, 1 } },
	{ "most", "1 2 2147483647", 0, { 1, 2, 2147483647 } },
	{ "beyond_int", "1 2 2147483648", -ERANGE, { 0 } },
	{ "zero", "0 2 3", -ERANGE, { 0 } },
	{ "falling_at_the_second", "10 9 20", -ERANGE, { 0 } },
	{ "falling_at_the_third", "10 20 19", -ERANGE, { 0 } },
	{ "only_two", "10 20", -EINVAL, { 0 } },
	{ "only_one", "10", -EINVAL, { 0 } },
	{ "empty", "", -EINVAL, { 0 } },
	{ "four", "1 2 3 4", -EINVAL, { 0 } },
	{ "text", "a b c", -EINVAL, { 0 } },
	{ "third_is_text", "1 2 x", -EINVAL, { 0 } },
	{ "two_blanks", "1  2 3", 0, { 1, 2, 3 } },
	{ "trailing_blank", "1 2 3 ", 0, { 1, 2, 3 } },
	{ "twelve_digits", "1 2 123456789012", -ERANGE, { 0 } },
	{ "ten_digits", "1 2 4294967296", -ERANGE, { 0 } },
};

TEST_EACH(triple, triple_table)
{
	u32 rmem[3], wmem[3];

	hosts_up(1);
	memcpy(rmem, hosts[0]->tcp->rmem, sizeof(rmem));
	memcpy(wmem, hosts[0]->tcp->wmem, sizeof(wmem));
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_rmem", row->value), row->err);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "wmem", row->value), row->err);
	for (u32 i = 0; i < 3; i++) { /* all of them, or none */
		CHECK_EQ(hosts[0]->tcp->rmem[i], row->err ? rmem[i] : row->want[i]);
		CHECK_EQ(hosts[0]->tcp->wmem[i], row->err ? wmem[i] : row->want[i]);
	}
	hosts_down();
}

/* What can be set can be read, and reads as it was set. */
TEST_EACH(sysctl_reads_back, sysctl_table)
{
	char text[PROC_SETTING_MAX] = "";

	hosts_up(1);
	CHECK_EQ(tcp_sysctl_set(hosts[0], row->setting, row->value), row->err);
	if (tcp_sysctl_get(hosts[0], row->setting, text) > 0 && *text >= '0' && *text <= '9')
		CHECK_EQ(strtoull(text, NULL, 10), row->want);
	else if (*text == '-')
		CHECK_EQ((u32)strtoll(text, NULL, 10), row->want);
	else
		CHECK(row->err == -ENOENT || strncmp(row->setting, "tcp_", 4) || *text);
	CHECK_EQ(tcp_sysctl_get(hosts[0], "tcp_nothing", text), -ENOENT);
	hosts_down();
}

/* --- Birth without memory, at each allocation -------------------------------------------------------------------------------- */
TEST(init_without_memory)
{
	struct net *net;
	u32 failed = 0;

	hosts_up(1);
	for (u32 at = 1; at < 200; at++) {
		int err;

		net = net_alloc();
		CHECK(net != NULL);
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		err = net_init(net);
		faults_armed = false;
		faults[FAULT_ALLOC].on = false;
		if (!err) {
			net_exit(net);
			net_free(net);
			break;
		}
		failed++;
		CHECK_EQ(err, -ENOMEM);
		CHECK(net->tcp == NULL);
		CHECK(net->tcp_hash == NULL);
		net_free(net);
	}
	CHECK(failed >= 3);
	CHECK(failed < 199);
	hosts_down();
}

/* --- The page ----------------------------------------------------------------------------------------------------------------- */
static char page[8192];

static const char *shown(void)
{
	struct seq_file m = { .buf = page, .size = sizeof(page), .arg = hosts[0] };

	memset(page, 0, sizeof(page));
	tcp_show(&m);
	page[m.len < sizeof(page) ? m.len : sizeof(page) - 1] = '\0';
	return page;
}

static u32 lines(const char *text)
{
	u32 n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

#define HEADING                                                                                    \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "      \
	"timeout inode\n"

TEST(page_of_nothing)
{
	struct socket *s;

	peer_up();
	CHECK_STR(shown(), HEADING);
	s = tcp_socket(0);
	CHECK_STR(shown(), HEADING); /* CLOSE is not shown */
	sock_release(s);
	peer_down();
}

struct page_row {
	const char *name;
	u32 st, tx, rx, tr, retr;
	bool established; /* addresses of a connection */
};

static const struct page_row page_table[] = {
	{ "listen", TCP_LISTEN, 0, 0, 0, 0, false },
	{ "listen_with_one_waiting", TCP_LISTEN, 0, 1, 0, 0, false },
	{ "syn_sent", TCP_SYN_SENT, 1, 0, 1, 0, true },
	{ "syn_received", TCP_SYN_RECV, 0, 0, 1, 0, true },
	{ "syn_received_repeated", TCP_SYN_RECV, 0, 0, 1, 1, true },
	{ "established", TCP_ESTABLISHED, 0, 0, 0, 0, true },
	{ "unread", TCP_ESTABLISHED, 0, 100, 0, 0, true },
	{ "unacknowledged", TCP_ESTABLISHED, 77, 0, 1, 0, true },
	{ "repeated", TCP_ESTABLISHED, 77, 0, 1, 2, true },
	{ "shut_out", TCP_ESTABLISHED, 50, 0, 4, 0, true },
	{ "kept_alive", TCP_ESTABLISHED, 0, 0, 2, 0, true },
	{ "close_wait", TCP_CLOSE_WAIT, 0, 1, 0, 0, true },
	{ "time_wait", TCP_TIME_WAIT, 0, 0, 3, 0, true },
};

static struct socket *page_socket(const struct page_row *row)
{
	static u8 buf[100];
	struct socket *s = NULL;

	if (row->st == TCP_LISTEN || row->st == TCP_SYN_RECV) {
		s = tcp_listener(0, PORT, 5);
		if (row->st == TCP_SYN_RECV || row->rx)
			peer_syn(peer_mss1460, 4);
		if (row->rx)
			tell(TCPHDR_ACK, peer.seq, 0, 0);
		if (row->retr)
			host_clock_advance(1100000000);
		return s;
	}
	if (row->st == TCP_SYN_SENT)
		return peer_connecting();
	s = peer_connected();
	if (row->tr == 4) {
		peer.wnd = 0;
		tell(TCPHDR_ACK, peer.seq + 1, 0, 0);
	}
	if (row->tx)
		CHECK_EQ(put(s, buf, row->tx, 0), row->tx);
	if (row->tr == 2)
		set_opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (row->retr)
		host_clock_advance(700000000);
	if (row->st == TCP_CLOSE_WAIT)
		tell_fin();
	else if (row->rx)
		tell_text(row->rx);
	if (row->st == TCP_TIME_WAIT) {
		CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
		peer_ack();
		tell_fin();
	}
	return s;
}

TEST_EACH(page_line, page_table)
{
	struct socket *s;
	char want[200];
	const char *text;

	peer_up();
	s = page_socket(row);
	text = shown();
	/* The two addresses in the order of a little-endian machine, ports in hexadecimal: Linux's columns. */
	snprintf(want, sizeof(want), " %08X:%04X %08X:%04X %02X %08X:%08X %02X:00000000 %08X ",
		 0x0100000a, row->established ? peer.dport : PORT,
		 row->established ? 0x0200000a : 0, row->established ? peer.sport : 0, row->st,
		 row->tx, row->rx, row->tr, row->retr);
	if (!strstr(text, want))
		printf("# %s not in\n%s", want, text);
	CHECK(strstr(text, want) != NULL);
	CHECK_EQ(lines(text),
		 row->st == TCP_SYN_RECV || row->rx == 1 ? (row->st == TCP_CLOSE_WAIT ? 2 : 3) : 2);
	sock_release(s);
	peer_down();
}

/* --- The end ---------------------------------------------------------------------------------------------------------------------- */
struct drain_row {
	const char *name;
	bool answered, peer_fin; /* our FIN; the peer's */
	u32 grace_ms, cut;
	int rst; /* flags of the last segment */
};

static const struct drain_row drain_table[] = {
	{ "fin_unanswered", false, false, 1000, 1, TCPHDR_RST | TCPHDR_ACK },
	{ "no_grace", false, false, 0, 1, TCPHDR_RST | TCPHDR_ACK },
	{ "fin_wait_2_ends_silently", true, false, 1000, 0, 0 },
	{ "closing", false, true, 1000, 1, TCPHDR_RST | TCPHDR_ACK },
	{ "time_wait_ends_silently", true, true, 1000, 0, 0 },
};

TEST_EACH(drain, drain_table)
{
	struct socket *s;
	u64 t0;

	peer_up();
	s = peer_connected();
	sock_release(s);
	peer_follow();
	if (row->answered)
		peer_ack();
	if (row->peer_fin)
		tell(TCPHDR_FIN | TCPHDR_ACK, peer.seq, row->answered ? 0 : -1, 0);
	peer_hush();
	t0 = host_clock();
	CHECK_EQ(tcp_net_drain(hosts[0], row->grace_ms * NSEC_PER_MSEC), row->cut);
	if (row->answered)
		CHECK_EQ(host_clock(), t0); /* nothing to wait for */
	else
		CHECK(host_clock() - t0 >= row->grace_ms * NSEC_PER_MSEC);
	CHECK_EQ(said(0)->flags & TCPHDR_RST ? said(0)->flags : 0, row->rst);
	CHECK_EQ(peer_found(), TCP_CLOSE);
	CHECK_EQ(hosts[0]->tcp->tw_count, 0);
	CHECK_EQ(hosts[0]->tcp->orphan_count, 0);
	peer_down();
}

static void acknowledge_late(struct timer *t)
{
	(void)t;
	peer_ack();
}

/* The grace ends as soon as the last orphan is done. */
TEST(drain_waits_no_longer_than_needed)
{
	static struct timer answer;
	struct socket *late, *keep;
	u64 t0;

	peer_up();
	late = peer_connected();
	sock_release(late);
	peer_follow();
	keep = tcp_socket(0); /* sockets that an application holds are none of its business */
	t0 = host_clock();
	timer_setup_precise(&answer, acknowledge_late);
	mod_timer(&answer, t0 + 300000000);
	CHECK_EQ(tcp_net_drain(hosts[0], 60 * NSEC_PER_SEC), 0);
	CHECK(host_clock() - t0 >= 300000000);
	CHECK(host_clock() - t0 < 400000000);
	CHECK_EQ(state_of(keep), TCP_CLOSE);
	sock_release(keep);
	peer_down();
}

KTEST_MAIN_BOOT()
