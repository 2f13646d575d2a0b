// SPDX-License-Identifier: MIT
/* TCP whose segments a filter of its own host drops: what the application sees, and that timers try again. */
#include "peer.h"

#include <net/nf_tables.h>

static char why[NFT_WHY_MAX];

static void rules(const char *text)
{
	nft_flush(hosts[0]);
	CHECK_EQ(nft_add(hosts[0], text, why), 0);
}

TEST(a_dropped_syn_is_sent_again_and_connect_succeeds)
{
	struct socket *s;
	u64 t0;

	peer_up();
	rules("out tcp flags syn drop");
	s = tcp_socket(0);
	peer.sport = PORT;
	t0 = host_clock();
	CHECK_EQ(try_connect(s, 1, PORT, 04000), -EINPROGRESS);
	CHECK_EQ(peer.n, 0);
	rules("");
	host_clock_advance(1100 * NSEC_PER_MSEC);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->flags, TCPHDR_SYN);
	CHECK(said(0)->at_ns - t0 >= NSEC_PER_SEC && said(0)->at_ns - t0 < 1010 * NSEC_PER_MSEC);
	peer.dport = said(0)->sport;
	peer.nxt = peer.una = said(0)->seq + 1;
	peer_answer_syn(peer_mss1460, 4);
	CHECK_EQ(state_of(s), TCP_ESTABLISHED);
	sock_release(s);
	peer_down();
}

TEST(a_syn_that_is_always_dropped_times_out)
{
	struct socket *s;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_syn_retries", "2"), 0);
	rules("out policy drop");
	s = tcp_socket(0);
	CHECK_EQ(try_connect(s, 1, PORT, 0), -ETIMEDOUT);
	CHECK_EQ(peer.n, 0);
	sock_release(s);
	nft_flush(hosts[0]);
	peer_down();
}

/* The first refusal comes while connect() owns the socket; the one of the second SYN, a second later, ends it. */
TEST(a_rejected_syn_is_refused)
{
	struct socket *s;
	u64 t0;

	peer_up();
	rules("out tcp dport 1-65535 reject with tcp reset");
	s = tcp_socket(0);
	t0 = host_clock();
	CHECK_EQ(try_connect(s, 1, PORT, 0), -ECONNREFUSED);
	CHECK(host_clock() - t0 < 1100 * NSEC_PER_MSEC);
	CHECK_EQ(peer.n, 0);
	sock_release(s);
	peer_down();
}

TEST(dropped_text_is_a_local_drop_that_a_timer_repeats)
{
	static const u8 text[100];
	struct socket *s;
	u64 drops;

	peer_up();
	s = peer_connected();
	rules("out ip length 41-1500 drop");
	drops = skb_stats.drop[SKB_DROP_REASON_NETFILTER_DROP];
	CHECK_EQ(put(s, text, sizeof(text), 0), 100); /* as far as the application can see */
	CHECK_EQ(peer.n, 0);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_NETFILTER_DROP] - drops, 1);
	CHECK_EQ(tcp_sk(s->sk)->packets_out, 0); /* nothing is in flight, nothing counts as sent */
	CHECK_EQ(peer_mib(LINUX_MIB_TCPOrigDataSent), 0);
	rules("");
	host_clock_advance(60 * NSEC_PER_MSEC);
	CHECK_EQ(peer.n, 1);
	CHECK_EQ(said(0)->len, 100);
	CHECK_EQ(hosts[0]->mib.tcp[TCP_MIB_RetransSegs], 0);
	peer_ack();
	sock_release(s);
	peer_down();
}

/* Text that never leaves the host ends the connection as text that is never acknowledged does (RFC 9293, 3.8.3). */
TEST(text_that_is_always_dropped_times_out)
{
	static const u8 text[100];
	struct socket *s;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_retries2", "3"), 0);
	s = peer_connected();
	rules("out policy drop");
	CHECK_EQ(put(s, text, sizeof(text), 0), 100);
	host_clock_advance(60 * NSEC_PER_SEC);
	CHECK_EQ(put(s, text, sizeof(text), 0), -ETIMEDOUT);
	sock_release(s);
	peer_down();
}

TEST(text_in_flight_that_can_not_be_repeated_times_out)
{
	static const u8 text[100];
	struct socket *s;

	peer_up();
	CHECK_EQ(tcp_sysctl_set(hosts[0], "tcp_retries2", "3"), 0);
	s = peer_connected();
	CHECK_EQ(put(s, text, sizeof(text), 0), 100);
	rules("out policy drop");
	host_clock_advance(60 * NSEC_PER_SEC);
	CHECK_EQ(put(s, text, sizeof(text), 0), -ETIMEDOUT);
	sock_release(s);
	peer_down();
}

KTEST_MAIN_BOOT()
