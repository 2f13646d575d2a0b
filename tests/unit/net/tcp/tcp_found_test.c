// SPDX-License-Identifier: MIT
/* What the simulator found in TCP, each reduced to a few segments by hand. */
#include "wire.h"

#include <kernel/fault.h>
#include <net/checksum.h>

/* The last segment that host 1 sent, and whether host 0 hears of it. */
static struct {
	u32 frames, seq, ack, len;
	u16 wnd;
	u8 flags, payload[64];
} sent;
static bool deaf;

static bool watch(u32 from, const u8 *b, u32 len)
{
	const u8 *th = b + 34;
	u32 off = 34 + (u32)(th[12] >> 4) * 4;

	if (from != 1 || len < 54 || b[23] != IPPROTO_TCP)
		return false;
	sent.frames++;
	sent.seq = get_unaligned_be32(th + 4);
	sent.ack = get_unaligned_be32(th + 8);
	sent.flags = th[13];
	sent.wnd = get_unaligned_be16(th + 14);
	sent.len = (u32)get_unaligned_be16(b + 16) + 14 - off;
	memcpy(sent.payload, b + off, min_t(u32, sent.len, sizeof(sent.payload)));
	return deaf;
}

/* From port @sport of host 0 to PORT of host 1, @optlen bytes of options and @len of payload. */
struct hand_made {
	u16 sport, wnd;
	u32 seq, ack, len, optlen;
	u8 flags;
	const u8 *opt;
};

static void inject(const struct hand_made *f)
{
	u8 b[600] = { 0 };
	u32 tlen = 20 + f->optlen + f->len;
	struct iphdr *ip = (struct iphdr *)(void *)(b + 14);
	struct tcphdr *th = (struct tcphdr *)(void *)(b + 34);

	memcpy(b, devs[1]->dev_addr, 6);
	memcpy(b + 6, devs[0]->dev_addr, 6);
	b[12] = 8;
	ip->ver_ihl = 0x45;
	ip->tot_len = htons(20 + tlen);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = IP4(10, 0, 0, 1);
	ip->daddr = IP4(10, 0, 0, 2);
	ip->check = ip_fast_csum(ip, 5);
	th->source = htons(f->sport);
	th->dest = htons(PORT);
	th->seq = htonl(f->seq);
	th->ack_seq = htonl(f->ack);
	th->doff = (u8)((20 + f->optlen) / 4 << 4);
	th->flags = f->flags;
	th->window = htons(f->wnd);
	if (f->optlen)
		memcpy(b + 54, f->opt, f->optlen);
	fill(b + 54 + f->optlen, 0, f->len);
	th->check = csum_tcpudp_magic(ip->saddr, ip->daddr, tlen, IPPROTO_TCP,
				      csum_partial(th, tlen, 0));
	sent.frames = 0;
	wire_put(0, b, 34 + tlen, 1000);
	host_clock_advance(3000000);
}

static struct hand_made fitting(const struct socket *s, u8 flags)
{
	const struct tcp_sock *tp = tcp_sk(s->sk);

	return (struct hand_made){ .sport = ntohs(s->sk->sk_dport),
				   .wnd = 1000,
				   .seq = tp->rcv_nxt,
				   .ack = tp->snd_nxt,
				   .flags = flags };
}

/* An ACK in the middle of a segment: what is left goes again, and its headers stand at an address as good as ever. */
TEST(rest_of_a_segment_goes_again)
{
	struct socket *s[2];
	struct hand_made f;
	u8 buf[101];
	u32 una;

	hosts_up(1);
	connected_pair(s);
	wire.filter = watch;
	deaf = true;
	una = tcp_sk(s[1]->sk)->snd_una;
	fill(buf, 0, sizeof(buf));
	set_opt(s[1], SOL_TCP, TCP_NODELAY, 1);
	CHECK_EQ(put(s[1], buf, sizeof(buf), 0), (long)sizeof(buf));
	f = fitting(s[1], TCPHDR_ACK);
	f.ack = una + 51;
	inject(&f);
	host_clock_advance(NSEC_PER_SEC);
	CHECK(sent.frames >= 1);
	CHECK_EQ(sent.seq, una + 51);
	CHECK_EQ(sent.len, 50);
	CHECK(same(sent.payload, 51, 50));
	deaf = false;
	close_accepted(s[1]);
	sock_release(s[0]);
	host_clock_advance(200 * NSEC_PER_SEC);
	hosts_down();
}

/* A retransmission has a small sequence number; when it brings a greater ACK its window is the newer one all the same. */
TEST(greater_ack_brings_its_window)
{
	struct socket *s[2];
	struct hand_made f;
	struct tcp_sock *tp;
	u32 una, scale;

	hosts_up(1);
	connected_pair(s);
	wire.filter = watch;
	deaf = true;
	CHECK_EQ(state_of(s[1]), TCP_ESTABLISHED);
	tp = tcp_sk(s[1]->sk);
	scale = tp->snd_wscale;
	una = tp->snd_una;
	CHECK_EQ(put(s[1], "0123456789", 10, 0), 10);
	f = fitting(s[1], TCPHDR_ACK);
	f.ack = una;
	f.seq += 100; /* behind a hole */
	f.len = 10;
	inject(&f);
	CHECK_EQ(tp->snd_wnd, 1000u << scale);
	f.seq -= 100; /* fills it, sent later */
	f.len = 100;
	f.ack = una + 10;
	f.wnd = 900;
	inject(&f);
	CHECK_EQ(tp->snd_una, una + 10);
	CHECK_EQ(tp->snd_wnd, 900u << scale);
	f.seq += 110; /* an old one that comes late changes nothing: its ACK is older */
	f.len = 0;
	f.ack = una;
	f.wnd = 1000;
	inject(&f);
	CHECK_EQ(tp->snd_wnd, 900u << scale);
	deaf = false;
	close_accepted(s[1]);
	sock_release(s[0]);
	host_clock_advance(200 * NSEC_PER_SEC);
	hosts_down();
}

/* What a half-open connection answers is no SYN: the window in it is scaled. */
TEST(half_open_answers_with_a_scaled_window)
{
	static const u8 scale[] = { TCPOPT_NOP, TCPOPT_WINDOW, 3, 7 };
	struct hand_made syn = { .sport = 77,
				 .wnd = 1000,
				 .seq = 5000,
				 .flags = TCPHDR_SYN,
				 .optlen = 4,
				 .opt = scale };
	struct socket *l;
	u32 offered, shift;

	hosts_up(1);
	CHECK_EQ(dev_set_mtu(devs[1], 1069), 0); /* an MSS that no scale divides */
	l = tcp_listener(1, PORT, 4);
	wire.filter = watch;
	deaf = true;
	inject(&syn); /* teaches host 1 the neighbour */
	host_clock_advance(NSEC_PER_SEC / 10);
	CHECK_EQ(sent.flags, TCPHDR_SYN | TCPHDR_ACK);
	offered = sent.wnd;
	syn.flags = TCPHDR_ACK;
	syn.optlen = 0;
	syn.ack = sent.seq + 1; /* seq is one too old */
	sent.flags = 0;
	inject(&syn);
	CHECK_EQ(sent.flags, TCPHDR_ACK);
	CHECK(sent.wnd < offered);
	shift = tcp_select_wscale(tcp_net_of(l->sk)->rmem[2]);
	CHECK((offered & ((1u << shift) - 1)) != 0);
	CHECK_EQ(sent.wnd, (offered >> shift) + 1);
	deaf = false;
	sock_release(l);
	host_clock_advance(200 * NSEC_PER_SEC);
	hosts_down();
}

/* TIME-WAIT keeps the right edge that was offered, also when it has to send the first ACK of the FIN: rounded up. */
TEST(time_wait_takes_no_window_back)
{
	struct socket *s[2];
	struct hand_made f;
	u32 edge, scale, fin;

	hosts_up(1);
	connected_pair(s);
	wire.filter = watch;
	scale = tcp_sk(s[1]->sk)->rcv_wscale;
	CHECK(scale > 0);
	f = fitting(s[1], TCPHDR_ACK | TCPHDR_FIN);
	CHECK_EQ(put(s[0], "abc", 3, 0), 3);
	host_clock_advance(10000000);
	CHECK_EQ(sent.ack, f.seq + 3);
	CHECK_EQ(get(s[1], sent.payload, 3, 0), 3);
	close_accepted(s[1]);
	host_clock_advance(10000000);
	edge = sent.ack + ((u32)sent.wnd << scale);
	fin = sent.seq;
	sent.frames = 0;
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 5 }; /* the ACK of the FIN */
	faults_armed = true;
	sock_release(s[0]);
	host_clock_advance(10000000);
	faults_armed = false;
	CHECK_EQ(sent.frames, 0);
	CHECK_EQ(hosts[1]->tcp->tw_count, 1);
	f.seq += 3; /* its FIN again */
	f.ack = fin + 1;
	sent.wnd = 0;
	inject(&f);
	CHECK_EQ(sent.flags, TCPHDR_ACK);
	CHECK(!before(sent.ack + ((u32)sent.wnd << scale), edge));
	hosts_down();
}

/* SO_RCVBUF made small after the handshake: what the window promised before still comes, and nothing is dropped. */
TEST(promised_before_the_buffer_shrank)
{
	static u8 buf[28000]; /* fits the send buffer */
	struct socket *s[2];
	size_t got = 0;

	hosts_up(1);
	connected_pair(s);
	set_opt(s[1], SOL_SOCKET, SO_RCVBUF, 1);
	fill(buf, 0, sizeof(buf));
	CHECK_EQ(put(s[0], buf, sizeof(buf), MSG_DONTWAIT), (long)sizeof(buf));
	host_clock_advance(NSEC_PER_SEC);
	CHECK_EQ(hosts[1]->mib.tcpext[LINUX_MIB_TCPRcvQDrop], 0);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	while (got < sizeof(buf)) {
		ssize_t n = get(s[1], buf, sizeof(buf) - got, MSG_DONTWAIT);

		if (n <= 0)
			break;
		CHECK(same(buf, got, (size_t)n));
		got += (size_t)n;
	}
	CHECK_EQ(got, sizeof(buf));
	sock_release(s[0]);
	close_accepted(s[1]);
	hosts_down();
}

/* A retransmission that the queue below refused did not leave: the round trip counts from the copy that did. */
TEST(refused_retransmission_has_no_time)
{
	struct socket *s[2];
	u64 left;

	hosts_up(1);
	connected_pair(s);
	wire.filter = watch;
	deaf = true;
	CHECK_EQ(put(s[1], "abc", 3, 0), 3);
	left = tcp_rtx_head(tcp_sk(s[1]->sk))->tstamp_ns;
	faults[FAULT_QDISC_DROP] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	host_clock_advance(300 * NSEC_PER_MSEC);
	faults_armed = false;
	CHECK(hosts[1]->mib.tcpext[LINUX_MIB_TCPRetransFail] > 0);
	CHECK_EQ(tcp_rtx_head(tcp_sk(s[1]->sk))->tstamp_ns, left);
	deaf = false;
	host_clock_advance(NSEC_PER_SEC);
	close_accepted(s[1]);
	sock_release(s[0]);
	hosts_down();
}

KTEST_MAIN_BOOT()
