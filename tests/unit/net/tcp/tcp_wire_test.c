// SPDX-License-Identifier: MIT
/* Two stacks and a wire: every byte arrives, every order of closing ends, nothing is left. */
#include "wire.h"

static struct {
	struct socket *s;
	u64 total, done, chunk;
	bool ok, finished;
	ssize_t last;
} job[2];

/* Reads to the end of the stream and compares. */
static void reader(void *arg)
{
	u32 me = (u32)(unsigned long)arg;
	static u8 buf[2][65536];
	ssize_t n;

	job[me].ok = true;
	while ((n = get(job[me].s, buf[me], sizeof(buf[me]), 0)) > 0) {
		if (!same(buf[me], job[me].done, (size_t)n))
			job[me].ok = false;
		job[me].done += (u64)n;
	}
	job[me].last = n;
	job[me].finished = true;
}

/* Sends job[me].total bytes, then half-closes. */
static void send_all(struct socket *s, u64 total, size_t chunk)
{
	static u8 buf[65536];
	u64 off = 0;

	while (off < total) {
		size_t n = chunk < total - off ? chunk : (size_t)(total - off);
		ssize_t r;

		fill(buf, off, n);
		r = put(s, buf, n, 0);
		if (r <= 0) {
			CHECK_EQ(r, (ssize_t)n);
			return;
		}
		off += (u64)r;
	}
	CHECK_EQ(s->ops->shutdown(s, SHUT_WR), 0);
}

static void wait_finished(u32 me, u64 limit_ns)
{
	for (u64 t = 0; t < limit_ns && !job[me].finished; t += 10000000)
		host_clock_advance(10000000);
	CHECK(job[me].finished);
}

/* @total bytes from host @from to the other. Returns the virtual time it took. */
static u64 transfer(u32 from, u64 total, size_t chunk)
{
	struct socket *s[2];
	u64 begin = host_clock(), end;
	u32 to = !from;

	connected_pair(s);
	memset(job, 0, sizeof(job));
	job[to].s = s[to];
	CHECK(kthread_create("reader", reader, (void *)(unsigned long)to) != NULL);
	send_all(s[from], total, chunk);
	wait_finished(to, 120 * NSEC_PER_SEC);
	end = host_clock();
	CHECK_EQ(job[to].done, total);
	CHECK_EQ(job[to].last, 0);
	CHECK(job[to].ok);
	sock_release(s[0]);
	close_accepted(s[1]);
	return end - begin;
}

TEST(handshake_and_bytes)
{
	static const u64 sizes[] = { 0, 1, 1459, 1460, 1461, 65536, 1048583 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		hosts_up(i);
		transfer(i & 1, sizes[i], 65536);
		CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs] +
				 hosts[1]->mib.tcp[TCP_MIB_RetransSegs],
			 0);
		CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_OutRsts] + hosts[1]->mib.tcp[TCP_MIB_OutRsts],
			 0);
		CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_CurrEstab], 0);
		CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_ActiveOpens] +
				 hosts[1]->mib.tcp[TCP_MIB_ActiveOpens],
			 1);
		CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_PassiveOpens] +
				 hosts[1]->mib.tcp[TCP_MIB_PassiveOpens],
			 1);
		CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_EstabResets] +
				 hosts[1]->mib.tcp[TCP_MIB_EstabResets],
			 0);
		hosts_down();
	}
}

TEST(one_copy_per_byte)
{
	u64 tx = skb_stats.copied_tx, rx = skb_stats.copied_rx, other = skb_stats.copied_other;

	hosts_up(1);
	transfer(0, 4 << 20, 65536);
	hosts_down();
	CHECK_EQ(skb_stats.copied_tx - tx, 4 << 20);
	CHECK_EQ(skb_stats.copied_rx - rx, 4 << 20);
	/* The wire of this test reads every frame with skb_copy_bits. */
	CHECK(skb_stats.copied_other - other < 5u << 20);
}

TEST(lossy_wire)
{
	for (u64 seed = 1; seed <= 6; seed++) {
		u64 took;

		hosts_up(seed);
		wire.loss_pm = wire.dup_pm = wire.reorder_pm = wire.corrupt_pm = 10;
		took = transfer(seed & 1, 4 << 20, 10000);
		if (took > 60 * NSEC_PER_SEC)
			printf("# seed %d took %d ms\n", (int)seed, (int)(took / 1000000));
		CHECK(took < 60 * NSEC_PER_SEC);
		CHECK(hosts[seed & 1]->mib.tcp[TCP_MIB_RetransSegs] > 0);
		hosts_down();
	}
}

TEST(heavy_loss)
{
	hosts_up(77);
	wire.loss_pm = 100;
	transfer(0, 200000, 5000);
	hosts_down();
}

TEST(sequence_wrap)
{
	/* ISNs follow the clock (4 us) plus a hash: find a time at which host 0 starts 20000 below 2^32. */
	struct socket *s[2];
	u64 begin;

	hosts_up(5);
	connected_pair(s);
	begin = tcp_sk(s[0]->sk)->snd_nxt;
	(void)begin;
	/* Move the empty connection's numbers of both sides to the edge: nothing is in flight. */
	for (u32 i = 0; i < 2; i++) {
		struct tcp_sock *a = tcp_sk(s[i]->sk), *b = tcp_sk(s[!i]->sk);
		u32 n = 0xffffffff - 20000;

		a->snd_una = a->snd_nxt = a->write_seq = a->pushed_seq = a->snd_sml = n;
		a->snd_wl2 = a->cwnd_usage_seq = a->high_seq = n;
		b->rcv_nxt = b->copied_seq = b->rcv_wup = n;
		b->snd_wl1 = n;
	}
	memset(job, 0, sizeof(job));
	job[1].s = s[1];
	wire.loss_pm = 20;
	kthread_create("reader", reader, (void *)1UL);
	send_all(s[0], 1 << 20, 3000);
	wait_finished(1, 60 * NSEC_PER_SEC);
	CHECK(job[1].ok);
	CHECK_EQ(job[1].done, 1 << 20);
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

TEST(close_orders)
{
	for (u32 order = 0; order < 6; order++) {
		struct socket *s[2];
		u8 c;

		hosts_up(order + 1);
		connected_pair(s);
		switch (order) {
		case 0: /* active on the client, then the server */
			sock_release(s[0]);
			CHECK_EQ(get(s[1], &c, 1, 0), 0);
			CHECK_EQ(state_of(s[1]), TCP_CLOSE_WAIT);
			close_accepted(s[1]);
			break;
		case 1: /* active on the server */
			close_accepted(s[1]);
			CHECK_EQ(get(s[0], &c, 1, 0), 0);
			sock_release(s[0]);
			break;
		case 2: /* both at once: CLOSING */
			sock_release(s[0]);
			close_accepted(s[1]);
			break;
		case 3: /* half close, the other side goes on sending */
			CHECK_EQ(s[0]->ops->shutdown(s[0], SHUT_WR), 0);
			CHECK_EQ(get(s[1], &c, 1, 0), 0);
			CHECK_EQ(put(s[1], "abc", 3, 0), 3);
			CHECK_EQ(get(s[0], &c, 1, 0), 1);
			CHECK_EQ(c, 'a');
			CHECK_EQ(get(s[0], &c, 1, 0), 1);
			CHECK_EQ(get(s[0], &c, 1, 0), 1);
			close_accepted(s[1]);
			CHECK_EQ(get(s[0], &c, 1, 0), 0);
			sock_release(s[0]);
			break;
		case 4: /* unread data: RST */
			CHECK_EQ(put(s[0], "abc", 3, 0), 3);
			host_clock_advance(10000000);
			close_accepted(s[1]);
			host_clock_advance(10000000);
			CHECK_EQ(get(s[0], &c, 1, 0), -ECONNRESET);
			CHECK_EQ(get(s[0], &c, 1, 0), 0);
			CHECK_EQ(put(s[0], "x", 1, 0), -EPIPE);
			sock_release(s[0]);
			break;
		case 5: /* SO_LINGER 0: RST */
			set_opt(s[0], SOL_SOCKET, SO_KEEPALIVE, 1);
			sock_set_flag(s[0]->sk, SOCK_LINGER);
			s[0]->sk->sk_lingertime_s = 0;
			sock_release(s[0]);
			host_clock_advance(10000000);
			CHECK_EQ(put(s[1], "x", 1, 0), -ECONNRESET);
			CHECK_EQ(put(s[1], "x", 1, 0), -EPIPE);
			close_accepted(s[1]);
			break;
		}
		host_clock_advance(50000000);
		if (order < 4)
			CHECK_EQ(hosts[0]->tcp->tw_count + hosts[1]->tcp->tw_count,
				 order == 2 ? 2 : 1);
		else
			CHECK_EQ(hosts[0]->tcp->tw_count + hosts[1]->tcp->tw_count, 0);
		host_clock_advance(61 * NSEC_PER_SEC);
		CHECK_EQ(hosts[0]->tcp->tw_count + hosts[1]->tcp->tw_count, 0);
		hosts_down();
	}
}

TEST(zero_window_and_probe)
{
	struct socket *s[2];
	static u8 buf[800000];
	size_t sent = 0;
	ssize_t n;

	hosts_up(9);
	connected_pair(s);
	fill(buf, 0, sizeof(buf));
	while ((n = put(s[0], buf + sent, sizeof(buf) - sent, MSG_DONTWAIT)) > 0 || n == -EAGAIN) {
		if (n > 0)
			sent += (size_t)n;
		if (sent == sizeof(buf) || hosts[1]->mib.tcpext[LINUX_MIB_TCPToZeroWindowAdv] > 100)
			break;
		host_clock_advance(100000000);
		if (tcp_sk(s[0]->sk)->snd_wnd < 1460 &&
		    hosts[0]->mib.tcpext[LINUX_MIB_TCPWinProbe] >= 5)
			break;
	}
	CHECK(hosts[0]->mib.tcpext[LINUX_MIB_TCPWinProbe] >= 5);
	CHECK(s[1]->sk->sk_rmem_alloc <= 2 * s[1]->sk->sk_rcvbuf);
	host_clock_advance(600 * NSEC_PER_SEC); /* ten minutes shut: the connection lives */
	CHECK_EQ(state_of(s[0]), TCP_ESTABLISHED);
	memset(job, 0, sizeof(job));
	job[1].s = s[1];
	kthread_create("reader", reader, (void *)1UL);
	while (sent < sizeof(buf)) {
		n = put(s[0], buf + sent, sizeof(buf) - sent, 0);
		CHECK(n > 0);
		sent += (size_t)n;
	}
	sock_release(s[0]);
	wait_finished(1, 200 * NSEC_PER_SEC);
	CHECK(job[1].ok);
	CHECK_EQ(job[1].done, sizeof(buf));
	close_accepted(s[1]);
	hosts_down();
}

TEST(refused_unreachable_timeout)
{
	struct socket *s;
	u64 begin;

	hosts_up(3);
	s = tcp_socket(0);
	CHECK_EQ(try_connect(s, 1, 9, 0), -ECONNREFUSED);
	sock_release(s);
	s = tcp_socket(0);
	begin = host_clock();
	CHECK_EQ(try_connect(s, 6, 9, 0), -EHOSTUNREACH); /* 10.0.0.7: nobody answers ARP */
	CHECK(host_clock() - begin < 4 * NSEC_PER_SEC);
	sock_release(s);
	s = tcp_socket(0);
	wire.loss_pm = 1000;
	set_opt(s, SOL_TCP, TCP_SYNCNT, 3);
	begin = host_clock();
	CHECK_EQ(try_connect(s, 1, 9, 0), -ETIMEDOUT);
	CHECK((host_clock() - begin) / NSEC_PER_SEC == 15); /* 1 + 2 + 4 + 8 */
	sock_release(s);
	wire.loss_pm = 0;
	s = tcp_socket(0);
	CHECK_EQ(try_connect(s, 1, 9, 04000), -EINPROGRESS);
	host_clock_advance(10000000);
	CHECK_EQ(try_connect(s, 1, 9, 04000), -ECONNREFUSED);
	sock_release(s);
	hosts_down();
}

/* What has not left the host is not sent twice, and costs neither the initial window nor the RTT its meaning. */
TEST(timeout_in_our_own_queue)
{
	struct socket *l, *s, *peer;

	hosts_up(5);
	l = tcp_listener(1, PORT, 8);
	s = tcp_socket(0);
	local_bh_disable();
	netif_stop_queue(devs[0]);
	local_bh_enable();
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	host_clock_advance(1500000000);
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPSpuriousRtxHostQueues], 1);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	local_bh_disable();
	netif_wake_queue(devs[0]);
	local_bh_enable();
	host_clock_advance(100000000);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	CHECK_EQ(tcp_sk(s->sk)->cc.cwnd, TCP_INIT_CWND);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_OutSegs], 2); /* SYN, ACK */
	peer = accepted(l, 04000);
	CHECK(peer != NULL);
	sock_release(s);
	close_accepted(peer);
	sock_release(l);
	hosts_down();
}

TEST(silent_peer_times_out)
{
	struct socket *s[2];
	u8 c;

	hosts_up(4);
	connected_pair(s);
	set_opt(s[0], SOL_TCP, TCP_USER_TIMEOUT, 3000);
	wire.loss_pm = 1000;
	CHECK_EQ(put(s[0], "abc", 3, 0), 3);
	host_clock_advance(2500000000);
	CHECK_EQ(state_of(s[0]), TCP_ESTABLISHED);
	host_clock_advance(1000000000);
	CHECK_EQ(get(s[0], &c, 1, 0), -ETIMEDOUT);
	sock_release(s[0]);
	/* The other side sends too, without a limit of its own: 924.6 s. */
	CHECK_EQ(put(s[1], "abc", 3, 0), 3);
	host_clock_advance(900 * NSEC_PER_SEC);
	CHECK_EQ(state_of(s[1]), TCP_ESTABLISHED);
	host_clock_advance(200 * NSEC_PER_SEC);
	CHECK_EQ(get(s[1], &c, 1, 0), -ETIMEDOUT);
	close_accepted(s[1]);
	hosts_down();
}

TEST(keepalive)
{
	struct socket *s[2];
	u8 c;

	hosts_up(4);
	connected_pair(s);
	set_opt(s[0], SOL_TCP, TCP_KEEPIDLE, 2);
	set_opt(s[0], SOL_TCP, TCP_KEEPINTVL, 1);
	set_opt(s[0], SOL_TCP, TCP_KEEPCNT, 3);
	set_opt(s[0], SOL_SOCKET, SO_KEEPALIVE, 1);
	host_clock_advance(60 * NSEC_PER_SEC);
	CHECK_EQ(state_of(s[0]), TCP_ESTABLISHED);
	CHECK(hosts[0]->mib.tcpext[LINUX_MIB_TCPKeepAlive] >= 20);
	wire.loss_pm = 1000;
	host_clock_advance(8 * NSEC_PER_SEC);
	CHECK_EQ(get(s[0], &c, 1, 0), -ETIMEDOUT);
	wire.loss_pm = 0;
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

static u32 data_frames, first_flight;
static bool hold_acks;
static bool count_data(u32 from, const u8 *b, u32 len)
{
	if (from == 0 && len > 14 + 20 + 20 + 100)
		data_frames++;
	return from == 1 && hold_acks &&
	       (b[14 + 20 + 13] & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_ACK;
}

TEST(initial_window_is_ten)
{
	struct socket *s[2];
	static u8 buf[40000];

	hosts_up(4);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_early_retrans", "0"), 0); /* no probe beyond it */
	connected_pair(s);
	wire.filter = count_data;
	hold_acks = true;
	data_frames = 0;
	CHECK(put(s[0], buf, sizeof(buf), MSG_DONTWAIT) > 14600);
	host_clock_advance(100000000);
	first_flight = data_frames;
	CHECK_EQ(first_flight, 10);
	hold_acks = false;
	host_clock_advance(5 * NSEC_PER_SEC);
	CHECK_EQ(tcp_sk(s[0]->sk)->packets_out, 0);
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

TEST(nagle_and_cork)
{
	struct socket *s[2];
	u8 buf[64];

	hosts_up(4);
	connected_pair(s);
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(put(s[0], "ab", 2, 0), 2);
	host_clock_advance(300000000);
	CHECK_EQ(tcp_sk(s[0]->sk)->data_segs_out,
		 2); /* 2 bytes at once, 8 when they were acknowledged */
	CHECK_EQ(get(s[1], buf, sizeof(buf), 0), 10);
	set_opt(s[0], SOL_TCP, TCP_NODELAY, 1);
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(put(s[0], "ab", 2, 0), 2);
	CHECK_EQ(tcp_sk(s[0]->sk)->data_segs_out, 7);
	CHECK_EQ(put(s[0], "ab", 2, MSG_MORE), 2);
	CHECK_EQ(tcp_sk(s[0]->sk)->data_segs_out, 7);
	CHECK_EQ(put(s[0], "cd", 2, 0), 2);
	CHECK_EQ(tcp_sk(s[0]->sk)->data_segs_out, 8);
	sock_release(s[0]);
	host_clock_advance(100000000);
	CHECK_EQ(get(s[1], buf, sizeof(buf), MSG_WAITALL), 14);
	close_accepted(s[1]);
	hosts_down();
}

TEST(accept_queue_is_bounded)
{
	struct socket *l, *c[8], *a;
	u32 done = 0;

	hosts_up(4);
	l = tcp_listener(1, PORT, 2);
	for (u32 i = 0; i < 8; i++) {
		c[i] = tcp_socket(0);
		CHECK_EQ(try_connect(c[i], 1, PORT, 04000), -EINPROGRESS);
		host_clock_advance(20000000);
	}
	for (u32 i = 0; i < 8; i++)
		done += state_of(c[i]) == TCP_ESTABLISHED;
	CHECK_EQ(done, 3); /* backlog + 1, as on Linux */
	CHECK(hosts[1]->mib.tcpext[LINUX_MIB_ListenOverflows] > 0);
	for (u32 i = 0; i < 3; i++) {
		a = accepted(l, 04000);
		CHECK(a != NULL);
		if (a)
			close_accepted(a);
	}
	CHECK(accepted(l, 04000) == NULL);
	host_clock_advance(5 * NSEC_PER_SEC); /* the repeated SYNs find room */
	done = 0;
	for (u32 i = 0; i < 8; i++)
		done += state_of(c[i]) != TCP_SYN_SENT;
	CHECK(done >= 6);
	sock_release(l); /* resets what nobody accepted */
	for (u32 i = 0; i < 8; i++)
		sock_release(c[i]);
	host_clock_advance(NSEC_PER_SEC);
	hosts_down();
}

TEST(loopback)
{
	struct socket *l, *c, *a;
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(PORT),
				  .sin_addr = IP4(127, 0, 0, 1) };
	static u8 buf[30000], in[30000];

	hosts_up(4);
	l = tcp_socket(0);
	CHECK_EQ(kernel_bind(l, &at), 0);
	CHECK_EQ(l->ops->listen(l, 5), 0);
	c = tcp_socket(0);
	CHECK_EQ(c->ops->connect(c, (const struct sockaddr *)&at, sizeof(at), 0), 0);
	a = accepted(l, 0);
	CHECK(a != NULL);
	fill(buf, 0, sizeof(buf));
	CHECK_EQ(put(c, buf, sizeof(buf), 0), sizeof(buf));
	CHECK_EQ(get(a, in, sizeof(in), MSG_WAITALL), sizeof(in));
	CHECK(same(in, 0, sizeof(in)));
	sock_release(c);
	close_accepted(a);
	sock_release(l);
	hosts_down();
}

TEST(drain_cuts_what_cannot_finish)
{
	struct socket *s[2];
	static u8 buf[10000];

	hosts_up(4);
	connected_pair(s);
	wire.loss_pm = 1000;
	CHECK_EQ(put(s[0], buf, sizeof(buf), 0), sizeof(buf));
	sock_release(s[0]);
	CHECK_EQ(tcp_net_drain(hosts[0], NSEC_PER_SEC), 1);
	wire.loss_pm = 0;
	close_accepted(s[1]);
	hosts_down();
}

KTEST_MAIN_BOOT()
