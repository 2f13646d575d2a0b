// SPDX-License-Identifier: MIT
/* Hostile and unlucky segments: forged ones on a living connection, floods, TIME-WAIT, memory that runs out. */
#include "wire.h"

#include <kernel/fault.h>
#include <net/checksum.h>

/* What host 1 answered last, as seen on the wire. */
static struct {
	u32 frames, seq, ack, len;
	u16 wnd, id;
	u8 flags;
} seen;

static bool mute; /* host 0 hears nothing: its own stack would answer for the forger */

static bool watch(u32 from, const u8 *b, u32 len)
{
	const u8 *th = b + 34;

	if (from != 1 || len < 54 || b[23] != IPPROTO_TCP)
		return false;
	seen.frames++;
	seen.seq = get_unaligned_be32(th + 4);
	seen.ack = get_unaligned_be32(th + 8);
	seen.flags = th[13];
	seen.wnd = get_unaligned_be16(th + 14);
	seen.len = (u32)get_unaligned_be16(b + 16) - 20 - (u32)(th[12] >> 4) * 4;
	return mute;
}

/* A TCP segment from host 0 (address @src) to host 1, made by hand. */
struct forged {
	__be32 src;
	u16 sport, dport, urg;
	u32 seq, ack;
	u8 flags;
	u32 payload, optlen;
	const u8 *opt;
};

static void inject(const struct forged *f)
{
	u8 b[2000] = { 0 };
	u32 tlen = 20 + f->optlen + f->payload;
	struct iphdr *ip = (struct iphdr *)(void *)(b + 14);
	struct tcphdr *th = (struct tcphdr *)(void *)(b + 34);

	memcpy(b, devs[1]->dev_addr, 6);
	memcpy(b + 6, devs[0]->dev_addr, 6);
	b[12] = 8;
	ip->ver_ihl = 0x45;
	ip->tot_len = htons(20 + tlen);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = f->src ? f->src : IP4(10, 0, 0, 1);
	ip->daddr = IP4(10, 0, 0, 2);
	ip->check = ip_fast_csum(ip, 5);
	th->source = htons(f->sport);
	th->dest = htons(f->dport);
	th->seq = htonl(f->seq);
	th->ack_seq = htonl(f->ack);
	th->doff = (u8)((20 + f->optlen) / 4 << 4);
	th->flags = f->flags;
	th->window = htons(65535);
	th->urg_ptr = htons(f->urg);
	if (f->optlen)
		memcpy(b + 54, f->opt, f->optlen);
	fill(b + 54 + f->optlen, 0, f->payload);
	th->check = csum_tcpudp_magic(ip->saddr, ip->daddr, tlen, IPPROTO_TCP,
				      csum_partial(th, tlen, 0));
	memset(&seen, 0, sizeof(seen));
	wire_put(0, b, 34 + tlen, 1000);
	host_clock_advance(3000000);
}

/* A segment that fits the connection @s (host 1's end) exactly. */
static struct forged fitting(struct socket *s, u8 flags)
{
	const struct tcp_sock *tp = tcp_sk(s->sk);

	return (struct forged){ .sport = ntohs(s->sk->sk_dport),
				.dport = s->sk->sk_num,
				.seq = tp->rcv_nxt,
				.ack = tp->snd_nxt,
				.flags = flags };
}

TEST(blind_rst_and_syn)
{
	struct socket *s[2];
	struct forged f;
	u8 c;

	hosts_up(1);
	connected_pair(s);
	wire.filter = watch;
	f = fitting(s[1], TCPHDR_RST);
	f.seq += 100;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_ACK); /* challenged */
	CHECK_EQ(seen.ack, f.seq - 100);
	CHECK_EQ(state_of(s[1]), TCP_ESTABLISHED);
	for (u32 i = 0; i < 20; i++)
		inject(&f);
	CHECK_EQ(hosts[1]->mib.tcpext[LINUX_MIB_TCPChallengeACK], 1);
	f.seq += 1 << 20;
	inject(&f);
	CHECK_EQ(seen.frames, 0);
	host_clock_advance(NSEC_PER_SEC);
	f = fitting(s[1], TCPHDR_SYN);
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_ACK);
	CHECK_EQ(state_of(s[1]), TCP_ESTABLISHED);
	CHECK_EQ(put(s[0], "x", 1, 0), 1);
	CHECK_EQ(get(s[1], &c, 1, 0), 1);
	f = fitting(s[1], TCPHDR_RST);
	inject(&f);
	CHECK_EQ(state_of(s[1]), TCP_CLOSE);
	CHECK_EQ(get(s[1], &c, 1, 0), -ECONNRESET);
	close_accepted(s[1]);
	sock_release(s[0]);
	hosts_down();
}

TEST(blind_data)
{
	struct socket *s[2];
	struct forged f;
	u32 nxt;

	hosts_up(1);
	connected_pair(s);
	wire.filter = watch;
	nxt = tcp_sk(s[1]->sk)->rcv_nxt;
	f = fitting(s[1], TCPHDR_ACK);
	f.payload = 10;
	f.ack += 1; /* acknowledges what was never sent */
	inject(&f);
	CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt);
	f.ack -= 1 + (1 << 25); /* and what is too old */
	inject(&f);
	CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt);
	f = fitting(s[1], 0); /* no ACK at all */
	f.payload = 10;
	inject(&f);
	CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt);
	CHECK_EQ(seen.frames, 0);
	f = fitting(s[1], TCPHDR_ACK | TCPHDR_URG | TCPHDR_PSH);
	f.payload = 3;
	f.urg = 0xffff;
	inject(&f);
	CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt + 3);
	CHECK_EQ(seen.ack, nxt + 3);
	close_accepted(s[1]); /* unread: RST */
	sock_release(s[0]);
	hosts_down();
}

TEST(closed_port)
{
	struct forged f = { .sport = 77, .dport = 78, .seq = 1000, .flags = TCPHDR_SYN };

	hosts_up(1);
	inject(&f); /* teaches host 1 the neighbour */
	host_clock_advance(10000000);
	wire.filter = watch;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_RST | TCPHDR_ACK);
	CHECK_EQ(seen.seq, 0);
	CHECK_EQ(seen.ack, 1001);
	f.flags = TCPHDR_ACK;
	f.ack = 4711;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_RST);
	CHECK_EQ(seen.seq, 4711);
	f.flags = TCPHDR_FIN;
	f.payload = 5;
	inject(&f);
	CHECK_EQ(seen.ack, 1006);
	f.flags = TCPHDR_RST;
	inject(&f);
	CHECK_EQ(seen.frames, 0);
	hosts_down();
}

TEST(listener_flags_and_options)
{
	static const u8 bad_opt[4] = { 2, 0, 0, 0 };
	struct forged f = { .sport = 77, .dport = PORT, .seq = 1000 };
	struct socket *l;

	hosts_up(1);
	l = tcp_listener(1, PORT, 5);
	f.flags = TCPHDR_SYN;
	f.opt = bad_opt;
	f.optlen = 4;
	mute = true;
	wire.filter = watch;
	inject(&f);
	host_clock_advance(10000000);
	wire.filter = watch;
	f.sport++;
	inject(&f); /* the option is worthless, the SYN is not */
	CHECK_EQ(seen.flags, TCPHDR_SYN | TCPHDR_ACK);
	f.optlen = 0;
	f.sport++;
	f.flags = TCPHDR_SYN | TCPHDR_FIN;
	inject(&f);
	CHECK_EQ(seen.frames, 0);
	f.flags = TCPHDR_SYN | TCPHDR_RST;
	inject(&f);
	CHECK_EQ(seen.frames, 0);
	f.flags = 0;
	inject(&f);
	CHECK_EQ(seen.frames, 0);
	f.flags = TCPHDR_SYN | TCPHDR_ACK;
	f.ack = 99;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_RST);
	CHECK_EQ(seen.seq, 99);
	/* A wrong last ACK of the handshake is refused, the request stays. */
	f.flags = TCPHDR_SYN;
	inject(&f);
	f.flags = TCPHDR_ACK;
	f.ack = seen.seq + 2;
	f.seq++;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_RST);
	f.flags = TCPHDR_RST;
	inject(&f);
	CHECK_EQ(hosts[1]->mib.tcpext[LINUX_MIB_EmbryonicRsts], 1);
	mute = false;
	sock_release(l);
	hosts_down();
}

TEST(syn_flood)
{
	struct socket *l, *c, *a;
	struct forged f = { .dport = PORT, .flags = TCPHDR_SYN };
	u64 begin;

	hosts_up(1);
	l = tcp_listener(1, PORT, 5);
	for (u32 i = 0; i < 1000; i++) {
		f.src = IP4(10, 0, 0, 100 + i % 100);
		f.sport = (u16)(1000 + i);
		f.seq = i * 77;
		inject(&f);
	}
	CHECK(tcp_sk(l->sk)->syn_queue_len <= hosts[1]->tcp->max_syn_backlog);
	c = tcp_socket(0);
	begin = host_clock();
	CHECK_EQ(try_connect(c, 1, PORT, 0), 0);
	CHECK(host_clock() - begin < 100000000);
	a = accepted(l, 0);
	CHECK(a != NULL);
	host_clock_advance(200 * NSEC_PER_SEC);
	CHECK_EQ(tcp_sk(l->sk)->syn_queue_len, 0);
	sock_release(c);
	close_accepted(a);
	sock_release(l);
	hosts_down();
}

TEST(time_wait)
{
	struct socket *s[2], *l, *a;
	struct forged f;

	hosts_up(1);
	connected_pair(s);
	f = fitting(s[1], TCPHDR_RST);
	close_accepted(s[1]); /* host 1 closes first and holds TIME-WAIT */
	host_clock_advance(10000000);
	sock_release(s[0]);
	host_clock_advance(10000000);
	CHECK_EQ(hosts[1]->tcp->tw_count, 1);
	wire.filter = watch;
	f.seq += 1; /* behind the FIN */
	inject(&f);
	CHECK_EQ(hosts[1]->tcp->tw_count, 1); /* RFC 1337 */
	f.flags = TCPHDR_ACK | TCPHDR_FIN;
	f.seq -= 1;
	f.ack += 1;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_ACK); /* the FIN again: acknowledged again */
	host_clock_advance(NSEC_PER_SEC);
	f.flags = TCPHDR_SYN;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_ACK); /* an old SYN opens nothing */
	l = tcp_socket(1);
	l->sk->sk_reuse = 1;
	{
		struct sockaddr_in at = sin_of(1, PORT);

		/* The remains of a listener's port without SO_REUSEADDR hold it. */
		CHECK_EQ(kernel_bind(l, &at), -EADDRINUSE);
	}
	sock_release(l);
	host_clock_advance(61 * NSEC_PER_SEC);
	CHECK_EQ(hosts[1]->tcp->tw_count, 0);
	/* And with a listener in place a newer SYN is welcome. */
	l = tcp_listener(1, PORT, 5);
	s[0] = tcp_socket(0);
	CHECK_EQ(try_connect(s[0], 1, PORT, 0), 0);
	a = accepted(l, 0);
	f = fitting(a, TCPHDR_SYN);
	close_accepted(a);
	host_clock_advance(10000000);
	sock_release(s[0]);
	host_clock_advance(10000000);
	CHECK_EQ(hosts[1]->tcp->tw_count, 1);
	f.seq += 100000;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_SYN | TCPHDR_ACK);
	CHECK(after(seen.seq, f.ack));
	CHECK_EQ(hosts[1]->tcp->tw_count, 0);
	sock_release(l);
	hosts_down();
}

TEST(simultaneous_open)
{
	struct socket *s[2];
	struct sockaddr_in at;
	u8 c;

	hosts_up(1);
	connected_pair(s); /* fills both ARP tables first */
	sock_release(s[0]);
	close_accepted(s[1]);
	host_clock_advance(NSEC_PER_SEC);
	for (u32 i = 0; i < 2; i++) {
		s[i] = tcp_socket(i);
		at = sin_of(i, 6001);
		CHECK_EQ(kernel_bind(s[i], &at), 0);
	}
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(try_connect(s[i], !i, 6001, 04000), -EINPROGRESS);
	host_clock_advance(NSEC_PER_SEC);
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(state_of(s[i]), TCP_ESTABLISHED);
	CHECK_EQ(put(s[0], "q", 1, 0), 1);
	CHECK_EQ(get(s[1], &c, 1, 0), 1);
	CHECK_EQ(c, 'q');
	for (u32 i = 0; i < 2; i++)
		sock_release(s[i]);
	hosts_down();
}

TEST(tiny_segments_and_holes)
{
	struct socket *s[2];
	struct forged f;
	u32 rmem_max = 0, nxt;
	static u8 buf[70000];

	hosts_up(1);
	connected_pair(s);
	nxt = tcp_sk(s[1]->sk)->rcv_nxt;
	for (u32 i = 0; i < 3000; i++) { /* one byte each, with gaps */
		f = fitting(s[1], TCPHDR_ACK);
		f.seq = nxt + 3 + (i * 7919) % 60000 / 2 * 2;
		f.payload = 1;
		inject(&f);
		rmem_max = max(rmem_max, s[1]->sk->sk_rmem_alloc);
	}
	CHECK(rmem_max <= s[1]->sk->sk_rcvbuf);
	CHECK(hosts[1]->mib.tcpext[LINUX_MIB_OfoPruned] +
		      hosts[1]->mib.tcpext[LINUX_MIB_TCPOFODrop] >
	      0);
	CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt);
	close_accepted(s[1]);
	sock_release(s[0]);
	host_clock_advance(61 * NSEC_PER_SEC);
	connected_pair(s);
	rmem_max = 0;
	nxt = tcp_sk(s[1]->sk)->rcv_nxt;
	for (u32 i = 0; i < 30000; i++) { /* in order, nobody reads: packed together */
		f = fitting(s[1], TCPHDR_ACK);
		f.payload = 1;
		inject(&f);
		rmem_max = max(rmem_max, s[1]->sk->sk_rmem_alloc);
	}
	CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt + 30000);
	CHECK(rmem_max <= s[1]->sk->sk_rcvbuf);
	CHECK_EQ(get(s[1], buf, 30000, MSG_WAITALL), 30000);
	close_accepted(s[1]);
	sock_release(s[0]);
	hosts_down();
}

TEST(overlaps_every_order)
{
	/* Five overlapping pieces of 100 bytes in every order; the stream must be the pattern. */
	static const struct {
		u32 at, len;
	} piece[5] = { { 0, 30 }, { 20, 30 }, { 45, 10 }, { 40, 50 }, { 80, 20 } };
	u32 order[5] = { 0, 1, 2, 3, 4 }, runs = 0;

	hosts_up(1);
	for (u32 code = 0; code < 120; code++) {
		struct socket *s[2];
		u8 buf[100];
		u32 c = code, nxt, left = 5;

		for (u32 i = 0; i < 5; i++)
			order[i] = i;
		for (u32 i = 0; i < 5; i++) { /* the code-th permutation */
			u32 pick = i + c % left, t = order[i];

			c /= left--;
			order[i] = order[pick];
			order[pick] = t;
		}
		connected_pair(s);
		nxt = tcp_sk(s[1]->sk)->rcv_nxt;
		for (u32 i = 0; i < 5; i++) {
			struct sk_buff *skb = alloc_skb(200);
			struct tcp_seg seg = { .seq = nxt + piece[order[i]].at,
					       .len = piece[order[i]].len };

			seg.end_seq = seg.seq + seg.len;
			fill(skb_put(skb, seg.len), piece[order[i]].at, seg.len);
			local_bh_disable();
			tcp_data_queue(s[1]->sk, skb, &seg);
			local_bh_enable();
		}
		CHECK_EQ(tcp_sk(s[1]->sk)->rcv_nxt, nxt + 100);
		CHECK(skb_queue_empty(&tcp_sk(s[1]->sk)->out_of_order_queue));
		CHECK_EQ(get(s[1], buf, 100, MSG_WAITALL), 100);
		CHECK(same(buf, 0, 100));
		set_opt(s[1], SOL_SOCKET, SO_KEEPALIVE, 0);
		sock_set_flag(s[1]->sk, SOCK_LINGER);
		close_accepted(s[1]);
		sock_release(s[0]);
		host_clock_advance(5000000);
		runs++;
	}
	CHECK_EQ(runs, 120);
	hosts_down();
}

static bool rx_finished;
static u64 rx_bytes;
static bool rx_ok;
static struct socket *rx_sock;
static void rx_thread(void *arg)
{
	static u8 buf[8192];
	ssize_t n;

	(void)arg;
	while ((n = get(rx_sock, buf, sizeof(buf), 0)) > 0) {
		rx_ok &= same(buf, rx_bytes, (size_t)n);
		rx_bytes += (u64)n;
	}
	rx_finished = true;
}

TEST(memory_runs_out)
{
	/* Not so often that the period falls in step with the retransmission of one segment. */
	for (u64 every = 17; every < 60; every += 6) {
		struct socket *s[2];
		static u8 buf[300000];
		size_t sent = 0;

		hosts_up(every);
		connected_pair(s);
		rx_bytes = 0;
		rx_ok = true;
		rx_finished = false;
		rx_sock = s[1];
		CHECK(kthread_create("rx", rx_thread, NULL) != NULL);
		fill(buf, 0, sizeof(buf));
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 5, .every = every };
		faults_armed = true;
		while (sent < sizeof(buf)) {
			ssize_t n = put(s[0], buf + sent, sizeof(buf) - sent, 0);

			CHECK(n > 0);
			if (n <= 0)
				break;
			sent += (size_t)n;
		}
		s[0]->ops->shutdown(s[0], SHUT_WR);
		for (u32 i = 0; i < 60000 && !rx_finished; i++)
			host_clock_advance(10000000);
		CHECK(faults[FAULT_ALLOC].hits > 0);
		faults_armed = false;
		faults[FAULT_ALLOC].on = false;
		CHECK(rx_finished && rx_ok);
		CHECK_EQ(rx_bytes, sizeof(buf));
		sock_release(s[0]);
		close_accepted(s[1]);
		hosts_down();
	}
}

/* Every allocation fails from now on, or none. */
static void memory(bool there)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = !there, .at = 1, .every = 1 };
	faults_armed = !there;
}

TEST(fin_without_memory)
{
	for (u32 how = 0; how < 3; how++) { /* 0 shutdown, 1 close, 2 the memory never comes back */
		struct socket *s[2];
		u8 c;

		hosts_up(how + 1);
		connected_pair(s);
		CHECK_EQ(put(s[0], "x", 1, 0), 1);
		CHECK_EQ(get(s[1], &c, 1, 0), 1);
		host_clock_advance(
			NSEC_PER_SEC); /* acknowledged: no queue holds an skb for the FIN to ride on */
		memory(false);
		if (how == 1)
			sock_release(s[0]);
		else
			CHECK_EQ(s[0]->ops->shutdown(s[0], SHUT_WR), 0);
		host_clock_advance((how == 2 ? 60 : 3) * NSEC_PER_SEC);
		CHECK(faults[FAULT_ALLOC].hits > 5);
		memory(true);
		if (how == 2) {
			CHECK_EQ(state_of(s[0]), TCP_CLOSE);
			CHECK_EQ(put(s[0], "x", 1, 0), -ENOMEM);
			CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_TCPAbortOnMemory], 1);
		} else {
			host_clock_advance(3 * NSEC_PER_SEC);
			CHECK_EQ(state_of(s[1]), TCP_CLOSE_WAIT);
			CHECK_EQ(get(s[1], &c, 1, 0), 0);
		}
		if (how == 0)
			CHECK_EQ(state_of(s[0]), TCP_FIN_WAIT2);
		close_accepted(s[1]);
		if (how != 1)
			sock_release(s[0]);
		host_clock_advance(61 * NSEC_PER_SEC);
		hosts_down();
	}
}

/* A half-open connection answers what is out of place, but is no amplifier. */
TEST(syn_received_answers_are_limited)
{
	struct forged f = { .src = IP4(10, 0, 0, 1),
			    .sport = 999,
			    .dport = PORT,
			    .seq = 5000,
			    .flags = TCPHDR_ACK };
	struct socket *l;
	u32 answers[3] = { 0 };

	hosts_up(1);
	l = tcp_listener(1, PORT, 5);
	wire.filter = watch;
	inject(&f); /* not SYN: refused, but the neighbour is known from here on */
	host_clock_advance(NSEC_PER_SEC);
	mute = true;
	f.flags = TCPHDR_SYN;
	inject(&f);
	CHECK_EQ(seen.flags, TCPHDR_SYN | TCPHDR_ACK);
	f.ack = seen.seq + 1; /* a wrong one gets a RST each */
	for (u32 i = 0; i < 3 * 50; i++) {
		f.flags = i / 50 == 0 ? TCPHDR_SYN
				      : TCPHDR_ACK; /* the same SYN; far outside; a RST inside */
		f.flags = i / 50 == 2 ? TCPHDR_RST : f.flags;
		f.seq = i / 50 == 0 ? 5000 : i / 50 == 1 ? 5000 + (1 << 24) : 5100;
		if (i % 50 == 0)
			host_clock_advance(600000000);
		inject(&f);
		answers[i / 50] += seen.frames;
	}
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(answers[i], 1);
	CHECK_EQ(hosts[1]->mib.tcpext[LINUX_MIB_TCPACKSkippedSynRecv], 3 * 49);
	mute = false;
	sock_release(l);
	hosts_down();
}

TEST(frag_needed)
{
	struct socket *s[2];
	static u8 buf[100000];
	u8 quoted[28] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
	struct sk_buff *skb;

	hosts_up(1);
	connected_pair(s);
	for (u32 round = 0; round < 2; round++) {
		put_unaligned_be16(s[0]->sk->sk_num, quoted + 20);
		put_unaligned_be16(PORT, quoted + 22);
		put_unaligned_be32(tcp_sk(s[0]->sk)->snd_una - (round ? 0 : 1000), quoted + 24);
		skb = alloc_skb(100);
		skb->dev = devs[0];
		skb_reset_network_header(skb);
		memcpy(skb_put(skb, 28), quoted, 28);
		skb_pull(skb, 20);
		local_bh_disable();
		tcp_v4_err(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 68);
		local_bh_enable();
		consume_skb(skb);
		CHECK_EQ(tcp_sk(s[0]->sk)->mss_cache, round ? 500 : 1448);
	}
	CHECK_EQ(hosts[0]->mib.tcpext[LINUX_MIB_OutOfWindowIcmps], 1);
	fill(buf, 0, sizeof(buf));
	CHECK(put(s[0], buf, 20000, 0) == 20000);
	host_clock_advance(NSEC_PER_SEC);
	CHECK_EQ(get(s[1], buf, 20000, MSG_WAITALL), 20000);
	CHECK(same(buf, 0, 20000));
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

TEST(settings)
{
	hosts_up(1);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syn_retries", "3"), 0);
	CHECK_EQ(hosts[0]->tcp->syn_retries, 3);
	CHECK_EQ(hosts[1]->tcp->syn_retries, 7);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_rmem", "4096,65536,100000"), 0);
	CHECK_EQ(hosts[0]->tcp->rmem[1], 65536);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_rmem", "4096 65536"), -EINVAL);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_rmem", "4096 2 3"), -ERANGE);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_rmem", "a b c"), -EINVAL);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_nothing", "1"), -ENOENT);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syn_retries", "x"), -EINVAL);
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syn_retries", "500"), -ERANGE);
	hosts_down();
}

KTEST_MAIN_BOOT()
