// SPDX-License-Identifier: MIT
/* The table of filter rules on a living stack: what each condition matches, what each verdict does, counters, cost, changes. */
#include "fixture.h"

#include <net/nf_tables.h>

#define IP(n) IPSTATS_MIB_##n
#define R(n)  SKB_DROP_REASON_##n
#define SEC   1000000000ull

static struct sock *usk;
static char why[NFT_WHY_MAX];

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(nft_init(net), 0);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	usk = udp_open();
	nr_frames = 0;
}

static void down(void)
{
	udp_prot.close(usk, 0);
	nft_exit(net);
	for (u32 i = 0; i < NF_INET_NUMHOOKS; i++)
		CHECK(!net->nf[i]);
	fixture_down();
}

static void rule(const char *text)
{
	why[0] = 0;
	CHECK_EQ(nft_add(net, text, why), 0);
	CHECK_STR(why, "");
}

static long say(u16 port)
{
	return udp_send(usk, PEER_IP, port, "data", 4, 0);
}

static bool listed(const char *text)
{
	return page_has(nft_show, text);
}

/* --- Conditions: a UDP datagram, a TCP segment and an ICMP message from the wire --------------------------------------- */

enum { UDP = 1, TCP = 2, ICMP = 4, LATER = 8 /* a fragment without transport header */ };

static void hear(u32 what)
{
	struct ipframe f;
	u32 n;

	if (what == UDP) {
		n = udp_make(&f, PEER_IP, 1000, OUR_IP, 9, "abc", 3);
	} else if (what == TCP) {
		struct tcphdr *th = (struct tcphdr *)f.data;

		n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_TCP, sizeof(*th));
		*th = (struct tcphdr){
			.source = htons(2000), .dest = htons(80), .doff = 0x50, .flags = TCPHDR_SYN
		};
	} else if (what == ICMP) {
		n = icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 0, "abcd", 4);
	} else {
		n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_UDP, 16);
		f.ip.frag_off = htons(1);
	}
	f.ip.tos = 46 << 2;
	feed_ip(&f, n, true);
}

static const struct {
	const char *name, *condition;
	u32 matches;
} conditions[] = {
	{ "everything", "counter", UDP | TCP | ICMP | LATER },
	{ "saddr", "ip saddr 10.0.0.2", UDP | TCP | ICMP | LATER },
	{ "saddr_other", "ip saddr 10.0.0.3", 0 },
	{ "saddr_not", "ip saddr != 10.0.0.2", 0 },
	{ "saddr_not_other", "ip saddr != 10.0.0.3", UDP | TCP | ICMP | LATER },
	{ "saddr_prefix", "ip saddr 10.0.0.128/24", UDP | TCP | ICMP | LATER },
	{ "saddr_prefix_31", "ip saddr 10.0.0.0/31", 0 },
	{ "saddr_range", "ip saddr 10.0.0.2-10.0.0.3", UDP | TCP | ICMP | LATER },
	{ "saddr_range_below", "ip saddr 10.0.0.0-10.0.0.1", 0 },
	{ "saddr_range_above", "ip saddr 10.0.0.3-10.0.0.9", 0 },
	{ "daddr", "ip daddr 10.0.0.1", UDP | TCP | ICMP | LATER },
	{ "protocol", "ip protocol tcp", TCP },
	{ "protocol_not", "ip protocol != tcp", UDP | ICMP | LATER },
	{ "udp_dport", "udp dport 9", UDP },
	{ "udp_dport_range", "udp dport 8-10", UDP },
	{ "udp_dport_other", "udp dport 10-11", 0 },
	{ "udp_sport", "udp sport 1000", UDP },
	{ "udp_dport_not", "udp dport != 10",
	  UDP }, /* a fragment that shows no port matches neither */
	{ "tcp_dport", "tcp dport 80", TCP },
	{ "tcp_sport", "tcp sport 2000", TCP },
	{ "tcp_dport_of_udp", "tcp dport 9", 0 },
	{ "flags_any", "tcp flags syn,rst", TCP },
	{ "flags_none", "tcp flags != syn", 0 },
	{ "flags_other", "tcp flags ack", 0 },
	{ "flags_mask", "tcp flags syn/syn,ack", TCP },
	{ "flags_mask_other", "tcp flags ack/syn,ack", 0 },
	{ "icmp_type", "icmp type echo-request", ICMP },
	{ "icmp_type_other", "icmp type echo-reply", 0 },
	{ "ttl", "ip ttl 1", UDP | TCP | ICMP | LATER },
	{ "dscp", "ip dscp 46", UDP | TCP | ICMP | LATER },
	{ "length", "ip length 0-31", UDP },
	{ "mark", "meta mark 0", UDP | TCP | ICMP | LATER },
	{ "mark_other", "meta mark 1", 0 },
	{ "two", "ip saddr 10.0.0.2 udp dport 9", UDP },
	{ "two_of_which_one_fails", "ip saddr 10.0.0.3 udp dport 9", 0 },
};

TEST_EACH(matches, conditions)
{
	char text[128];

	for (u32 what = UDP; what <= LATER; what <<= 1) {
		u64 drops;

		up();
		drops = skb_stats.drop[R(NETFILTER_DROP)];
		snprintf(text, sizeof(text), "pre %s drop", row->condition);
		rule(text);
		hear(what);
		CHECK_EQ(skb_stats.drop[R(NETFILTER_DROP)] - drops, !!(row->matches & what));
		down();
	}
}

TEST(interfaces_are_matched_by_name)
{
	up();
	rule("pre iif eth0 counter; pre iif != eth0 counter; pre iif lo counter");
	rule("out oif eth0 counter; post oif != eth0 counter");
	hear(UDP); /* and our port unreachable */
	CHECK(listed("meta iifname \"eth0\" counter packets 1 bytes 31"));
	CHECK(listed("meta iifname != \"eth0\" counter packets 0"));
	CHECK(listed("meta iifname \"lo\" counter packets 0"));
	CHECK(listed("meta oifname \"eth0\" counter packets 1 bytes 59"));
	CHECK(listed("meta oifname != \"eth0\" counter packets 0"));
	down();
}

/* --- Verdicts ------------------------------------------------------------------------------------------------------------ */

TEST(drop_is_EPERM_counted_and_nothing_leaves)
{
	up();
	rule("out drop ip daddr 10.0.0.2 udp dport 9");
	CHECK_EQ(say(9), -EPERM);
	CHECK_EQ(say(9), -EPERM);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(net->mib.ip[IP(OutDiscards)], 2);
	CHECK_EQ(net->mib.ip[IP(OutRequests)], 0);
	CHECK(listed(
		"\t\tip daddr 10.0.0.2 udp dport 9 counter packets 2 bytes 64 drop # handle 1\n"));
	CHECK_EQ(say(10), 4);
	CHECK_EQ(nr_frames, 1);
	CHECK(listed("# policy: packets 1 bytes 32"));
	down();
}

TEST(first_verdict_decides)
{
	up();
	rule("out udp dport 9 accept; out drop");
	CHECK_EQ(say(9), 4);
	CHECK_EQ(say(10), -EPERM);
	rule("out accept"); /* too late */
	CHECK_EQ(say(10), -EPERM);
	CHECK(listed("counter packets 0 bytes 0 accept # handle 3"));
	down();
}

TEST(policy_decides_behind_the_last_rule)
{
	up();
	rule("out policy drop");
	CHECK_EQ(say(9), -EPERM);
	CHECK(listed("policy drop;"));
	rule("out udp dport 9 accept");
	CHECK_EQ(say(9), 4);
	CHECK_EQ(say(10), -EPERM);
	CHECK(listed("# policy: packets 2 bytes 64"));
	rule("out policy accept");
	CHECK_EQ(say(10), 4);
	down();
}

TEST(a_rule_without_verdict_counts_and_goes_on)
{
	up();
	rule("out counter; out udp dport 9 meta mark set 5; out mark 5 drop");
	CHECK_EQ(say(10), 4);
	CHECK_EQ(say(9), -EPERM);
	CHECK(listed("\t\tcounter packets 2 bytes 64 # handle 1"));
	down();
}

TEST(set_ttl_and_dscp_keep_the_checksum_right)
{
	up();
	rule("out ip ttl set 7 ip dscp set 46");
	CHECK_EQ(say(9), 4);
	CHECK_EQ(frame_ip(0)->ttl, 7);
	CHECK_EQ(frame_ip(0)->tos, 46 << 2);
	CHECK_EQ(ip_fast_csum(frame_ip(0), 5), 0);
	down();
}

TEST(the_post_place_counts_what_leaves)
{
	up();
	rule("post udp dport 9 drop");
	CHECK_EQ(say(9), -EPERM);
	CHECK_EQ(net->mib.ip[IP(OutRequests)], 1);
	CHECK_EQ(nr_frames, 0);
	down();
}

TEST(a_limit_lets_the_burst_and_then_the_rate_pass)
{
	u32 passed = 0;

	up();
	rule("out limit rate 10/second burst 3 packets accept; out drop");
	for (u32 i = 0; i < 10; i++)
		passed += say(9) == 4;
	CHECK_EQ(passed, 3);
	host_clock_advance(SEC / 10 - 1);
	CHECK_EQ(say(9), -EPERM);
	host_clock_advance(1);
	CHECK_EQ(say(9), 4);
	CHECK_EQ(say(9), -EPERM);
	host_clock_advance(3600 * SEC);
	for (passed = 0; say(9) == 4; passed++)
		;
	CHECK_EQ(passed, 3);
	down();
}

TEST(over_a_limit_matches_the_rest)
{
	u32 passed = 0;

	up();
	rule("out limit rate over 1/minute burst 2 packets drop");
	for (u32 i = 0; i < 10; i++)
		passed += say(9) == 4;
	CHECK_EQ(passed, 2);
	down();
}

/* --- Refusals -------------------------------------------------------------------------------------------------------------- */

TEST(reject_in_answers_port_unreachable)
{
	up();
	rule("in udp dport 9 reject");
	hear(UDP);
	CHECK_EQ(nr_frames, 1);
	CHECK_EQ(frame_ip(0)->protocol, IPPROTO_ICMP);
	CHECK_EQ(frames[0].b[34], ICMP_DEST_UNREACH);
	CHECK_EQ(frames[0].b[35], ICMP_PORT_UNREACH);
	CHECK_EQ(net->mib.ip[IP(InDelivers)], 0);
	down();
}

static const struct {
	const char *name;
	u8 flags;
	u32 seq, ack, text;
	bool answered;
	u8 rflags;
	u32 rseq, rack;
} segments[] = {
	{ "syn", TCPHDR_SYN, 100, 0, 0, true, TCPHDR_RST | TCPHDR_ACK, 0, 101 },
	{ "syn_with_text", TCPHDR_SYN, 100, 0, 10, true, TCPHDR_RST | TCPHDR_ACK, 0, 111 },
	{ "fin_without_ack", TCPHDR_FIN, 100, 0, 5, true, TCPHDR_RST | TCPHDR_ACK, 0, 106 },
	{ "data", TCPHDR_ACK, 100, 7000, 10, true, TCPHDR_RST, 7000, 0 },
	{ "rst", TCPHDR_RST, 100, 0, 0, false, 0, 0, 0 },
};

static void hear_segment(u8 flags, u32 seq, u32 ack, u32 text, bool spoil, bool later)
{
	struct ipframe f;
	struct tcphdr *th = (struct tcphdr *)f.data;
	u32 n = ip_make(&f, PEER_IP, OUR_IP, IPPROTO_TCP, sizeof(*th) + text);

	memset(f.data, 0x11, sizeof(*th) + text);
	*th = (struct tcphdr){ .source = htons(2000),
			       .dest = htons(80),
			       .seq = htonl(seq),
			       .ack_seq = htonl(ack),
			       .doff = 0x50,
			       .flags = flags };
	th->check = csum_tcpudp_magic(PEER_IP, OUR_IP, sizeof(*th) + text, IPPROTO_TCP,
				      csum_partial(th, sizeof(*th) + text, 0));
	if (spoil)
		th->check ^= 1;
	if (later)
		f.ip.frag_off = htons(IP_MF);
	feed_ip(&f, n, true);
}

TEST_EACH(reject_with_reset, segments)
{
	const struct tcphdr *th = (const struct tcphdr *)(frames[0].b + 34);

	up();
	rule("in tcp dport 80 reject with tcp reset");
	hear_segment(row->flags, row->seq, row->ack, row->text, false, false);
	CHECK_EQ(nr_frames, row->answered);
	if (row->answered) {
		CHECK_EQ(th->flags, row->rflags);
		CHECK_EQ(ntohl(th->seq), row->rseq);
		CHECK_EQ(ntohl(th->ack_seq), row->rack);
		CHECK_EQ(ntohs(th->source), 80);
		CHECK_EQ(ntohs(th->dest), 2000);
		CHECK_EQ(csum_tcpudp_magic(OUR_IP, PEER_IP, 20, IPPROTO_TCP,
					   csum_partial(th, 20, 0)),
			 0);
	}
	CHECK_EQ(net->mib.tcp[TCP_MIB_OutRsts], row->answered);
	down();
}

TEST(no_reset_for_what_is_not_sound)
{
	up();
	rule("pre ip protocol tcp reject with tcp reset");
	hear_segment(TCPHDR_SYN, 1, 0, 0, true, false); /* checksum */
	hear_segment(TCPHDR_SYN, 1, 0, 0, false, true); /* a first fragment */
	CHECK_EQ(nr_frames, 0);
	fail_alloc(3); /* two of the frame, one of the reset */
	hear_segment(TCPHDR_SYN, 1, 0, 0, false, false);
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(nr_frames, 0);
	down();
}

/* A connected socket hears of its refusal as of a closed port (RFC 1122, 4.1.3.3), one call later. */
TEST(reject_out_refuses_the_socket)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr = PEER_IP };

	up();
	rule("out udp dport 9 reject");
	lock_sock(usk);
	CHECK_EQ(udp_prot.connect(usk, &to, sizeof(to), false), 0);
	release_sock(usk);
	CHECK_EQ(udp_send(usk, 0, 0, "x", 1, 0), -EPERM);
	CHECK_EQ(udp_send(usk, 0, 0, "x", 1, 0), -ECONNREFUSED);
	CHECK_EQ(udp_send(usk, 0, 0, "x", 1, 0), -EPERM);
	CHECK_EQ(nr_frames, 0);
	down();
}

TEST(a_refusal_of_everything_ends)
{
	up();
	rule("out reject");
	CHECK_EQ(say(9), -EPERM); /* and the refusal itself is an ICMP error: dropped in silence */
	hear(UDP);                /* so is the answer to somebody else */
	CHECK_EQ(nr_frames, 0);
	CHECK(listed("counter packets 3 "));
	for (u64 nth = 3; nth <= 4; nth++) { /* behind the datagram's two */
		fail_alloc(nth);
		CHECK_EQ(say(9), -EPERM);
		CHECK_EQ(fail_over(), 1);
	}
	down();
}

/* --- Cost -------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	u32 rules;
} costs[] = { { "none", 0 }, { "ten", 10 }, { "thousand", 1000 } };

TEST_EACH(cost_is_linear_in_rules, costs)
{
	char text[64];

	up();
	for (u32 i = 0; i < row->rules; i++) {
		snprintf(text, sizeof(text), "out udp dport %u drop", 10000 + i);
		rule(text);
	}
	CHECK_EQ(!net->nf[NF_INET_LOCAL_OUT], row->rules == 0);
	for (u32 i = 0; i < 7; i++)
		CHECK_EQ(say(9), 4);
	snprintf(text, sizeof(text), "# rules evaluated %u\n", 7 * row->rules);
	{
		static char buf[200000];
		struct seq_file m = { .buf = buf, .size = sizeof(buf), .arg = net };

		nft_show(&m);
		CHECK(strstr(buf, text) != NULL);
	}
	down();
}

/* --- Changes -------------------------------------------------------------------------------------------------------------------- */

TEST(rules_come_and_go)
{
	up();
	CHECK(!net->nf[NF_INET_LOCAL_OUT]);
	rule("out udp dport 9 drop; out udp dport 10 drop; in counter");
	CHECK(net->nf[NF_INET_LOCAL_OUT] && net->nf[NF_INET_LOCAL_IN]);
	CHECK_EQ(nft_delete(net, 1), 0);
	CHECK_EQ(nft_delete(net, 1), -ENOENT);
	CHECK_EQ(say(9), 4);
	CHECK_EQ(say(10), -EPERM);
	CHECK_EQ(nft_delete(net, 2), 0);
	CHECK(!net->nf[NF_INET_LOCAL_OUT]);
	CHECK_EQ(say(10), 4);
	rule("out policy drop");
	CHECK(net->nf[NF_INET_LOCAL_OUT] != NULL);
	nft_flush(net);
	CHECK(!net->nf[NF_INET_LOCAL_OUT] && !net->nf[NF_INET_LOCAL_IN]);
	CHECK_EQ(say(10), 4);
	CHECK(listed("table ip filter {\n}\n"));
	down();
}

TEST(all_of_a_text_or_nothing)
{
	up();
	rule("out udp dport 1 drop");
	CHECK_EQ(nft_add(net, "out udp dport 9 drop; out udp dport x", why), -EINVAL);
	CHECK_STR(why, "'x': no value that fits here");
	CHECK_EQ(say(9), 4);
	for (u64 nth = 1; nth <= 3; nth++) { /* rule, rule, its place */
		fail_alloc(nth);
		CHECK_EQ(nft_add(net, "out policy drop; out udp dport 9 drop; in drop", why),
			 -ENOMEM);
		CHECK_EQ(fail_over(), 1);
		CHECK_EQ(say(9), 4);
		CHECK_EQ(say(1), -EPERM);
		CHECK(!net->nf[NF_INET_LOCAL_IN]);
	}
	down();
}

TEST(the_table_is_bounded)
{
	up();
	for (u32 i = 0; i < NFT_MAX_RULES - 1; i++)
		rule("post counter");
	CHECK_EQ(nft_add(net, "post counter; post counter", why), -ENOSPC);
	rule("post counter");
	CHECK_EQ(nft_add(net, "post counter", why), -ENOSPC);
	rule("post policy drop");
	down();
}

TEST(no_table_without_memory)
{
	fixture_up(true);
	fail_alloc(1);
	CHECK_EQ(nft_init(net), -ENOMEM);
	CHECK_EQ(fail_over(), 1);
	fixture_down();
}

KTEST_MAIN_BOOT()
