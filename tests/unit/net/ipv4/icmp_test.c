// SPDX-License-Identifier: MIT
/*
 * ICMP, case by case: which messages are answered and which only counted, about what an error is never sent and what
 * it quotes, how the two token buckets fill, and which error reaches which socket as which errno.
 */
#include "fixture.h"

#define MSEC    1000000ull
#define IC(n)   ICMP_MIB_##n
#define R(name) SKB_DROP_REASON_##name
#define NOTHING 0xffu

static struct ipframe f;
static u8 payload[1500];

static void up(void)
{
	fixture_up(true);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	for (u32 i = 0; i < sizeof(payload); i++)
		payload[i] = (u8)(i * 7 + 1);
}

static const struct icmphdr *sent_icmp(u32 i)
{
	return frame_ip(i) && frame_ip(i)->protocol == IPPROTO_ICMP
		       ? (const struct icmphdr *)(frames[i].b + 34)
		       : NULL;
}

/* --- Echo ------------------------------------------------------------------------------------------------------------- */

static const struct echo_row {
	const char *name;
	u32 len, frame;
	u8 code, tos;
	bool bad_sum;
	u32 answers;
} echoes[] = {
	{ "empty", 0, 60, 0, 0, false, 1 },
	{ "one_byte", 1, 60, 0, 0, false, 1 },
	{ "fills_the_least_frame", 18, 60, 0, 0, false, 1 },
	{ "one_more_than_the_least_frame", 19, 61, 0, 0, false, 1 },
	{ "odd", 57, 99, 0, 0, false, 1 },
	{ "one_below_the_mtu", 1471, 1513, 0, 0, false, 1 },
	{ "the_mtu", 1472, 1514, 0, 0, false, 1 },
	{ "code_is_copied", 8, 60, 9, 0, false, 1 },
	{ "service_is_copied", 8, 60, 0, 0x48, false, 1 },
	{ "bad_sum", 8, 60, 0, 0, true, 0 },
	{ "bad_sum_at_the_mtu", 1472, 1514, 0, 0, true, 0 },
};

TEST_EACH(echo, echoes)
{
	const struct icmphdr *ic;

	up();
	(void)icmp_make(&f, PEER_IP, ICMP_ECHO, row->code, 0xabcd0123, payload, row->len);
	f.ip.tos = row->tos;
	f.data[7] ^= row->bad_sum;
	feed_ip(&f, row->frame, true);
	CHECK_EQ(nr_frames, row->answers);
	CHECK_EQ(net->mib.icmp[IC(InMsgs)], 1);
	CHECK_EQ(net->mib.icmp[IC(InEchos)], row->answers);
	CHECK_EQ(net->mib.icmp[IC(OutEchoReps)], row->answers);
	CHECK_EQ(net->mib.icmp[IC(InCsumErrors)], row->bad_sum);
	CHECK_EQ(net->mib.icmp[IC(InErrors)], row->bad_sum);
	ic = sent_icmp(0);
	if (row->answers) {
		CHECK(ic && ic->type == ICMP_ECHOREPLY && ic->code == row->code);
		CHECK(!memcmp(frames[0].b + 38, "\xab\xcd\1\x23", 4));
		CHECK(!memcmp(frames[0].b + 42, payload, row->len));
		CHECK_EQ(frames[0].len, 42 + row->len);
		CHECK_EQ(frame_ip(0)->tos, row->tos);
		CHECK_EQ(csum_fold(csum_partial(ic, 8 + row->len, 0)), 0);
	}
	fixture_down();
}

/* --- What is only counted --------------------------------------------------------------------------------------------- */

static const struct type_row {
	const char *name;
	u8 type;
	int counter;
} counted[] = {
	{ "echo_reply", 0, IC(InEchoReps) },       { "unassigned_1", 1, IC(InMsgs) },
	{ "source_quench", 4, IC(InSrcQuenchs) },  { "redirect", 5, IC(InRedirects) },
	{ "router_advertisement", 9, IC(InMsgs) }, { "router_solicitation", 10, IC(InMsgs) },
	{ "timestamp", 13, IC(InTimestamps) },     { "timestamp_reply", 14, IC(InMsgs) },
	{ "information_request", 15, IC(InMsgs) }, { "address_mask_request", 17, IC(InMsgs) },
	{ "traceroute", 30, IC(InMsgs) },          { "type_255", 255, IC(InMsgs) },
};

TEST_EACH(counted_and_ignored, counted)
{
	u64 ignored = skb_stats.drop[R(ICMP_IGNORED)];

	up();
	feed_ip(&f, icmp_make(&f, PEER_IP, row->type, 0, 0, payload, 40), true);
	CHECK_EQ(net->mib.icmp[IC(InMsgs)], 1);
	CHECK_EQ(net->mib.icmp[row->counter], 1);
	CHECK_EQ(net->mib.icmp[IC(InErrors)], 0);
	CHECK_EQ(skb_stats.drop[R(ICMP_IGNORED)] - ignored, 1);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

TEST(an_echo_to_everybody_is_not_answered)
{
	static const u32 to[] = { 0x0a0000ff, 0x0a000000, 0xffffffff, 0xe0000001 };
	u64 ignored = skb_stats.drop[R(ICMP_IGNORED)];

	up();
	for (u32 i = 0; i < ARRAY_SIZE(to); i++) {
		u32 n = icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 0, payload, 8);

		f.ip.daddr = htonl(to[i]);
		memcpy(f.eth.h_dest, all_mac, 6);
		feed_ip(&f, n, true);
	}
	CHECK_EQ(net->mib.icmp[IC(InEchos)], 4);
	CHECK_EQ(nr_frames, 0);
	CHECK_EQ(skb_stats.drop[R(ICMP_IGNORED)] - ignored, 4);
	fixture_down();
}

/* --- About what an error may be sent (RFC 1122, 3.2.2) ------------------------------------------------------------------- */

static const struct subject_row {
	const char *name;
	u32 saddr, daddr;
	u16 frag_off;
	u8 protocol, icmp_type, pkt_type;
	bool on_lo;   /* it came over the loopback device */
	bool cut;     /* nothing linear behind the IP header */
	bool options; /* an IP header of 24 bytes */
	bool sent;
} subjects[] = {
#define PEER 0x0a000002
#define US   0x0a000001
	{ "udp", PEER, US, 0, 17, 0, PACKET_HOST, .sent = true },
	{ "tcp", PEER, US, 0, 6, 0, PACKET_HOST, .sent = true },
	{ "unknown_protocol", PEER, US, 0, 200, 0, PACKET_HOST, .sent = true },
	{ "options", PEER, US, 0, 17, 0, PACKET_HOST, .options = true, .sent = true },
	{ "header_only", PEER, US, 0, 17, 0, PACKET_HOST, .cut = true, .sent = true },
	{ "first_fragment", PEER, US, IP_MF, 17, 0, PACKET_HOST, .sent = true },
	{ "second_fragment", PEER, US, 185, 17, 0, PACKET_HOST, .sent = false },
	{ "middle_fragment", PEER, US, IP_MF | 185, 17, 0, PACKET_HOST, .sent = false },
	{ "echo_request", PEER, US, 0, 1, ICMP_ECHO, PACKET_HOST, .sent = true },
	{ "echo_reply", PEER, US, 0, 1, ICMP_ECHOREPLY, PACKET_HOST, .sent = true },
	{ "timestamp", PEER, US, 0, 1, ICMP_TIMESTAMP, PACKET_HOST, .sent = true },
	{ "timestamp_reply", PEER, US, 0, 1, ICMP_TIMESTAMP + 1, PACKET_HOST, .sent = true },
	{ "unreachable", PEER, US, 0, 1, ICMP_DEST_UNREACH, PACKET_HOST, .sent = false },
	{ "source_quench", PEER, US, 0, 1, ICMP_SOURCE_QUENCH, PACKET_HOST, .sent = false },
	{ "redirect", PEER, US, 0, 1, ICMP_REDIRECT, PACKET_HOST, .sent = false },
	{ "time_exceeded", PEER, US, 0, 1, ICMP_TIME_EXCEEDED, PACKET_HOST, .sent = false },
	{ "parameter_problem", PEER, US, 0, 1, ICMP_PARAMETERPROB, PACKET_HOST, .sent = false },
	{ "icmp_of_unknown_type", PEER, US, 0, 1, 40, PACKET_HOST, .sent = false },
	{ "icmp_without_a_type", PEER, US, 0, 1, ICMP_ECHO, PACKET_HOST, .cut = true },
	{ "error_behind_options", PEER, US, 0, 1, ICMP_DEST_UNREACH, PACKET_HOST, .options = true },
	{ "echo_behind_options", PEER, US, 0, 1, ICMP_ECHO, PACKET_HOST, .options = true,
	  .sent = true },
	{ "frame_to_all", PEER, US, 0, 17, 0, PACKET_BROADCAST, .sent = false },
	{ "frame_to_a_group", PEER, US, 0, 17, 0, PACKET_MULTICAST, .sent = false },
	{ "frame_to_another", PEER, US, 0, 17, 0, PACKET_OTHERHOST, .sent = false },
	{ "to_the_subnet", PEER, 0x0a0000ff, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "to_everybody", PEER, 0xffffffff, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "to_a_group", PEER, 0xe0000001, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "to_another_host", PEER, 0x0a000003, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_nobody", 0, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_net_0", 9, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_the_subnet", 0x0a0000ff, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_everybody", 0xffffffff, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_a_group", 0xe0000009, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_ourselves", US, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_loopback_on_the_wire", 0x7f000001, US, 0, 17, 0, PACKET_HOST, .sent = false },
	{ "from_ourselves_on_lo", US, US, 0, 17, 0, PACKET_HOST, .on_lo = true, .sent = true },
	{ "from_loopback_on_lo", 0x7f000001, 0x7f000001, 0, 17, 0, PACKET_HOST, .on_lo = true,
	  .sent = true },
};

static struct sk_buff *subject(const struct subject_row *row, u32 datalen)
{
	u32 hlen = row->options ? 24 : 20, len = row->cut ? hlen : hlen + datalen;
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + len);
	struct iphdr *iph;

	skb_reserve(skb, LL_MAX_HEADER);
	skb_reset_network_header(skb);
	iph = memset(skb_put(skb, len), 1, len); /* options of no-ops */
	iph->ver_ihl = (u8)(0x40 | hlen / 4);
	iph->tot_len = htons(len);
	iph->frag_off = htons(row->frag_off);
	iph->protocol = row->protocol;
	iph->saddr = htonl(row->saddr);
	iph->daddr = htonl(row->daddr);
	if (!row->cut)
		((u8 *)iph)[hlen] = row->icmp_type;
	skb->dev = row->on_lo ? net->loopback_dev : dev;
	skb->pkt_type = row->pkt_type;
	return skb;
}

TEST_EACH(error_about, subjects)
{
	struct sk_buff *skb;

	up();
	skb = subject(row, 40);
	local_bh_disable();
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
	local_bh_enable();
	CHECK_EQ(net->mib.icmp[IC(OutMsgs)], row->sent);
	CHECK_EQ(net->mib.icmp[IC(OutDestUnreachs)], row->sent);
	CHECK_EQ(net->mib.icmp[IC(OutRateLimitHost)], 0);
	CHECK_EQ(nr_frames, row->sent && !row->on_lo);
	if (nr_frames)
		CHECK(!memcmp(frames[0].b + 42, ip_hdr(skb), skb->len));
	consume_skb(skb);
	host_clock_advance(MSEC);
	fixture_down();
}

static const struct error_row {
	const char *name;
	u8 type, code;
	u32 info, datalen, quoted;
	int counter;
} errors[] = {
	{ "port", ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, 8, 28, IC(OutDestUnreachs) },
	{ "frag_needed_tells_the_mtu", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1280, 8, 28,
	  IC(OutDestUnreachs) },
	{ "only_frag_needed_has_info", ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 1280, 8, 28,
	  IC(OutDestUnreachs) },
	{ "time_exceeded", ICMP_TIME_EXCEEDED, 0, 4, 8, 28, IC(OutTimeExcds) },
	{ "parameter_problem", ICMP_PARAMETERPROB, 0, 0, 8, 28, IC(OutParmProbs) },
	{ "other_types_count_as_messages", ICMP_SOURCE_QUENCH, 0, 0, 8, 28, IC(OutMsgs) },
	{ "nothing_behind_the_header", ICMP_DEST_UNREACH, 3, 0, 0, 20, IC(OutDestUnreachs) },
	{ "one_below_the_most", ICMP_DEST_UNREACH, 3, 0, 527, 547, IC(OutDestUnreachs) },
	{ "the_most", ICMP_DEST_UNREACH, 3, 0, 528, 548, IC(OutDestUnreachs) },
	{ "one_above_the_most", ICMP_DEST_UNREACH, 3, 0, 529, 548, IC(OutDestUnreachs) },
	{ "a_whole_frame", ICMP_DEST_UNREACH, 3, 0, 1480, 548, IC(OutDestUnreachs) },
};

TEST_EACH(error_says, errors)
{
	struct subject_row udp = { "", PEER, US, 0, 17, 0, PACKET_HOST, .cut = !row->datalen };
	const struct icmphdr *ic;
	struct sk_buff *skb;

	up();
	skb = subject(&udp, row->datalen);
	local_bh_disable();
	icmp_send(skb, row->type, row->code, row->info);
	local_bh_enable();
	CHECK_EQ(nr_frames, 1);
	ic = sent_icmp(0);
	CHECK(ic && ic->type == row->type && ic->code == row->code);
	CHECK_EQ(frames[0].len, 42 + row->quoted);
	CHECK(!memcmp(frames[0].b + 42, ip_hdr(skb), row->quoted));
	CHECK_EQ(csum_fold(csum_partial(ic, 8 + row->quoted, 0)), 0);
	CHECK_EQ(get_unaligned_be32(frames[0].b + 38),
		 row->code == ICMP_FRAG_NEEDED ? row->info : 0);
	CHECK_EQ(frame_ip(0)->tos, 0xc0);
	CHECK(frame_ip(0)->saddr == OUR_IP && frame_ip(0)->daddr == PEER_IP);
	CHECK_EQ(net->mib.icmp[row->counter], 1);
	consume_skb(skb);
	fixture_down();
}

/* The bytes behind the packet's own length are padding of the frame: not quoted. */
TEST(a_quote_ends_where_the_packet_says)
{
	struct subject_row udp = { "", PEER, US, 0, 17, 0, PACKET_HOST, .sent = true };
	struct sk_buff *skb;

	up();
	skb = subject(&udp, 26);
	ip_hdr(skb)->tot_len = htons(30);
	local_bh_disable();
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	local_bh_enable();
	CHECK_EQ(frames[0].len, 42 + 30);
	consume_skb(skb);
	fixture_down();
}

/* What came in pieces is quoted like what came whole. */
TEST(a_quote_goes_on_in_the_pieces)
{
	struct subject_row udp = { "", PEER, US, 0, 17, 0, PACKET_HOST, .sent = true };
	struct sk_buff *skb, *piece = alloc_skb(60);

	up();
	skb = subject(&udp, 40);
	ip_hdr(skb)->tot_len = htons(20 + 100);
	memset(skb_put(piece, 60), 2, 60);
	skb_set_frag_list(skb, piece, 60);
	local_bh_disable();
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	local_bh_enable();
	CHECK_EQ(frames[0].len, 42 + 120);
	CHECK(!memcmp(frames[0].b + 42, ip_hdr(skb), 60));
	for (u32 i = 60; i < 120; i++)
		CHECK_EQ(frames[0].b[42 + i], 2);
	consume_skb(skb);
	fixture_down();
}

/* --- The buckets --------------------------------------------------------------------------------------------------------- */

static u32 errors_sent(u32 tries, u32 peer, u8 code)
{
	struct subject_row udp = { "", peer, US, 0, 17, 0, PACKET_HOST, .sent = true };
	u64 before = net->mib.icmp[IC(OutMsgs)];

	for (u32 i = 0; i < tries; i++) {
		struct sk_buff *skb = subject(&udp, 8);

		local_bh_disable();
		icmp_send(skb, ICMP_DEST_UNREACH, code, 0);
		local_bh_enable();
		consume_skb(skb);
	}
	return (u32)(net->mib.icmp[IC(OutMsgs)] - before);
}

/* One peer's bucket holds six and gets one a second. */
static const struct refill_row {
	const char *name;
	u64 wait_ms;
	u32 allowed;
} refills[] = {
	{ "at_once", 0, 0 },
	{ "after_999_ms", 999, 0 },
	{ "after_1_s", 1000, 1 },
	{ "after_1999_ms", 1999, 1 },
	{ "after_2_s", 2000, 2 },
	{ "after_5999_ms", 5999, 5 },
	{ "after_6_s", 6000, 6 },
	{ "after_7_s_no_more_than_the_burst", 7000, 6 },
	{ "after_a_day", 86400000, 6 },
};

TEST_EACH(peer_bucket, refills)
{
	up();
	CHECK_EQ(errors_sent(10, PEER, ICMP_PORT_UNREACH), 6);
	CHECK_EQ(net->mib.icmp[IC(OutRateLimitHost)], 4);
	host_clock_set(host_clock() + row->wait_ms * MSEC);
	CHECK_EQ(errors_sent(10, PEER, ICMP_PORT_UNREACH), row->allowed);
	fixture_down();
}

TEST(who_got_how_many_can_be_forgotten)
{
	up();
	CHECK_EQ(errors_sent(10, PEER, ICMP_PORT_UNREACH), 6);
	icmp_forget(net);
	CHECK_EQ(errors_sent(10, PEER, ICMP_PORT_UNREACH), 6);
	fixture_down();
}

TEST(the_wait_may_come_in_pieces)
{
	up();
	CHECK_EQ(errors_sent(6, PEER, ICMP_PORT_UNREACH), 6);
	for (u32 i = 0; i < 99; i++) {
		host_clock_set(host_clock() + 10 * MSEC);
		CHECK_EQ(errors_sent(1, PEER, ICMP_PORT_UNREACH), 0);
	}
	host_clock_set(host_clock() + 10 * MSEC);
	CHECK_EQ(errors_sent(2, PEER, ICMP_PORT_UNREACH), 1);
	fixture_down();
}

TEST(all_peers_together_share_fifty)
{
	u32 sent = 0;

	up();
	for (u32 i = 0; i < 100; i++)
		sent += errors_sent(1, 0x0a000002 + i, ICMP_PORT_UNREACH);
	CHECK_EQ(sent, 50);
	CHECK_EQ(net->mib.icmp[IC(OutRateLimitHost)], 50);
	host_clock_set(host_clock() + 10 * MSEC); /* ten more */
	sent = 0;
	for (u32 i = 100; i < 200; i++)
		sent += errors_sent(1, 0x0a000002 + i, ICMP_PORT_UNREACH);
	CHECK_EQ(sent, 10);
	fixture_down();
}

TEST(a_noisy_peer_does_not_use_up_what_is_shared)
{
	u32 sent = 0;

	up();
	CHECK_EQ(errors_sent(1000, PEER, ICMP_PORT_UNREACH), 6);
	for (u32 i = 1; i <= 44; i++)
		sent += errors_sent(1, 0x0a000002 + i, ICMP_PORT_UNREACH);
	CHECK(sent >= 43); /* one other may share the noisy one's bucket */
	fixture_down();
}

TEST(path_mtu_discovery_is_never_held_back)
{
	up();
	CHECK_EQ(errors_sent(200, PEER, ICMP_FRAG_NEEDED), 200);
	CHECK_EQ(net->mib.icmp[IC(OutRateLimitHost)], 0);
	CHECK_EQ(errors_sent(10, PEER, ICMP_PORT_UNREACH), 6); /* and takes nothing from the rest */
	fixture_down();
}

/* --- Errors for a connected UDP socket --------------------------------------------------------------------------------------- */

static const struct news_row {
	const char *name;
	u8 type, code;
	int err; /* 0: the socket hears nothing */
	u8 pmtudisc;
} news[] = {
	{ "net_unreachable_may_pass", 3, ICMP_NET_UNREACH, 0, 1 },
	{ "host_unreachable_may_pass", 3, ICMP_HOST_UNREACH, 0, 1 },
	{ "protocol_unreachable", 3, ICMP_PROT_UNREACH, ENOPROTOOPT, 1 },
	{ "port_unreachable", 3, ICMP_PORT_UNREACH, ECONNREFUSED, 1 },
	{ "frag_needed_with_discovery", 3, ICMP_FRAG_NEEDED, EMSGSIZE, 1 },
	{ "frag_needed_without_discovery", 3, ICMP_FRAG_NEEDED, 0, 0 },
	{ "source_route_failed_may_pass", 3, ICMP_SR_FAILED, 0, 1 },
	{ "net_unknown", 3, ICMP_NET_UNKNOWN, ENETUNREACH, 1 },
	{ "host_unknown", 3, ICMP_HOST_UNKNOWN, EHOSTDOWN, 1 },
	{ "host_isolated", 3, ICMP_HOST_ISOLATED, ENONET, 1 },
	{ "net_prohibited", 3, ICMP_NET_ANO, ENETUNREACH, 1 },
	{ "host_prohibited", 3, ICMP_HOST_ANO, EHOSTUNREACH, 1 },
	{ "net_for_that_service_may_pass", 3, ICMP_NET_UNR_TOS, 0, 1 },
	{ "host_for_that_service_may_pass", 3, ICMP_HOST_UNR_TOS, 0, 1 },
	{ "filtered", 3, ICMP_PKT_FILTERED, EHOSTUNREACH, 1 },
	{ "precedence_violation", 3, ICMP_PREC_VIOLATION, EHOSTUNREACH, 1 },
	{ "precedence_cutoff", 3, ICMP_PREC_CUTOFF, EHOSTUNREACH, 1 },
	{ "first_code_nobody_defined", 3, NR_ICMP_UNREACH, 0, 1 },
	{ "code_255", 3, 255, 0, 1 },
	{ "ttl_exceeded_may_pass", ICMP_TIME_EXCEEDED, 0, 0, 1 },
	{ "reassembly_time_may_pass", ICMP_TIME_EXCEEDED, 1, 0, 1 },
	{ "parameter_problem", ICMP_PARAMETERPROB, 0, EPROTO, 1 },
	{ "source_quench_is_obsolete", ICMP_SOURCE_QUENCH, 0, 0, 1 },
	{ "redirect_is_ignored", ICMP_REDIRECT, 1, 0, 1 },
};

static struct sock *connected(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(9),
				   .sin_addr = PEER_IP };
	struct sock *sk = udp_open();

	CHECK_EQ(udp_prot.get_port(sk, 5000), 0);
	CHECK_EQ(udp_prot.connect(sk, &sin, sizeof(sin), false), 0);
	return sk;
}

TEST_EACH(news_for_a_socket, news)
{
	struct sock *sk;
	u8 quote[28], buf[4];

	up();
	sk = connected();
	sk->inet_pmtudisc = row->pmtudisc;
	CHECK_EQ(udp_send(sk, 0, 0, "", 0, 0), 0);
	memcpy(quote, frames[0].b + 14, 28);
	feed_ip(&f, icmp_make(&f, PEER_IP, row->type, row->code, 1400, quote, 28), true);
	CHECK_EQ(sk->sk_err, row->err);
	CHECK_EQ(!!(udp_prot.poll(sk) & POLLERR), row->err != 0);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, NULL), row->err ? -row->err : -EAGAIN);
	CHECK_EQ(udp_recv(sk, buf, 4, MSG_DONTWAIT, NULL, NULL), -EAGAIN); /* told once */
	CHECK_EQ(net->mib.icmp[IC(InErrors)], 0);
	CHECK_EQ(nr_frames, 1);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* --- Quotes that are not ours, or nothing sound ---------------------------------------------------------------------------------- */

/* One byte of the quoted 36 (IP 20, UDP 8, data 8) is set, or the quote is cut. */
static const struct quote_row {
	const char *name;
	u32 len;
	u8 at, value;
	bool believed;
} quotes[] = {
	{ "whole", 36, 8, 64, true },
	{ "just_eight_bytes_of_udp", 28, 8, 64, true },
	{ "seven_bytes_of_udp", 27, 8, 64, false },
	{ "just_a_header", 20, 8, 64, false },
	{ "half_a_header", 10, 8, 64, false },
	{ "empty", 0, 8, 64, false },
	{ "any_ttl", 36, 8, 1, true },
	{ "any_checksum", 36, 10, 0x77, true },
	{ "any_service", 36, 1, 0xb8, true },
	{ "any_length_field", 36, 2, 0x13, true },
	{ "version_6", 36, 0, 0x65, false },
	{ "ihl_4", 36, 0, 0x44, false },
	{ "ihl_leaves_seven_bytes", 35, 0, 0x47, false },
	{ "ihl_beyond_the_quote", 36, 0, 0x4f, false },
	{ "later_fragment", 36, 7, 1, false },
	{ "first_fragment", 36, 6, 0x20, true },
	{ "not_from_us", 36, 15, 77, false },
	{ "not_to_the_peer", 36, 19, 77, false },
	{ "not_from_our_port", 36, 20, 0x77, false },
	{ "not_to_the_peers_port", 36, 23, 77, false },
	{ "another_protocol", 36, 9, 250, false },
	{ "about_icmp", 36, 9, 1, false },
};

TEST_EACH(quote, quotes)
{
	struct sock *sk;
	u8 b[36];

	up();
	sk = connected();
	CHECK_EQ(udp_send(sk, 0, 0, "12345678", 8, 0), 8);
	memcpy(b, frames[0].b + 14, 36);
	b[row->at] = row->value;
	feed_ip(&f, icmp_make(&f, PEER_IP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, b, row->len),
		true);
	CHECK_EQ(sk->sk_err, row->believed ? ECONNREFUSED : 0);
	CHECK_EQ(net->mib.icmp[IC(InDestUnreachs)], 1);
	CHECK_EQ(nr_frames, 1);
	if (row->believed)
		CHECK_EQ(net->mib.icmp[IC(InErrors)], 0);
	udp_prot.close(sk, 0);
	fixture_down();
}

/* The error's own sender is a router somewhere, or the peer: any unicast address will do, others will not. */
TEST(an_error_from_a_router_is_believed_from_a_martian_not)
{
	struct sock *sk;
	u8 b[28];

	up();
	sk = connected();
	CHECK_EQ(udp_send(sk, 0, 0, "", 0, 0), 0);
	memcpy(b, frames[0].b + 14, 28);
	feed_ip(&f,
		icmp_make(&f, IP4(224, 0, 0, 1), ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, b, 28),
		true);
	feed_ip(&f,
		icmp_make(&f, IP4(127, 0, 0, 1), ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, b, 28),
		true);
	CHECK_EQ(sk->sk_err, 0);
	feed_ip(&f,
		icmp_make(&f, IP4(192, 0, 2, 1), ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, 0, b, 28),
		true);
	CHECK_EQ(sk->sk_err, EHOSTDOWN);
	sk->sk_err = 0;
	udp_prot.close(sk, 0);
	fixture_down();
}

/* --- No memory, no way ----------------------------------------------------------------------------------------------------------- */

TEST(an_echo_without_memory_is_dropped)
{
	u64 nomem = skb_stats.drop[R(NOMEM)];
	u32 n, nth = 0;
	u64 hits;

	up();
	n = icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 0, payload, 40);
	f.ip.check = ip_fast_csum(&f.ip, 5);
	do {
		struct sk_buff *skb = netdev_alloc_skb(dev, n);

		memcpy(skb_put(skb, n), &f.eth, n);
		skb->protocol = eth_type_trans(skb, dev);
		fail_alloc(++nth);
		local_bh_disable();
		netif_receive_skb(skb);
		local_bh_enable();
		hits = fail_over();
		CHECK_EQ(skb_stats.live, 0);
	} while (hits && nth < 20);
	CHECK(nth >= 2);
	CHECK_EQ(net->mib.icmp[IC(OutErrors)], nth - 1);
	CHECK_EQ(nr_frames, 1); /* the last one */
	CHECK(skb_stats.drop[R(NOMEM)] > nomem);
	fixture_down();
}

TEST(an_error_without_memory_is_not_sent)
{
	struct subject_row udp = { "", PEER, US, 0, 17, 0, PACKET_HOST, .sent = true };
	struct sk_buff *skb;

	up();
	skb = subject(&udp, 8);
	fail_alloc(1);
	local_bh_disable();
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	local_bh_enable();
	CHECK_EQ(fail_over(), 1);
	CHECK_EQ(net->mib.icmp[IC(OutErrors)], 1);
	CHECK_EQ(net->mib.icmp[IC(OutMsgs)], 0);
	CHECK_EQ(nr_frames, 0);
	consume_skb(skb);
	fixture_down();
}

TEST(an_echo_from_where_no_route_leads_is_not_answered)
{
	up();
	feed_ip(&f, icmp_make(&f, IP4(8, 8, 8, 8), ICMP_ECHO, 0, 0, payload, 8), true);
	CHECK_EQ(net->mib.icmp[IC(InEchos)], 1);
	CHECK_EQ(net->mib.icmp[IC(OutErrors)], 1);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_OutNoRoutes], 1);
	CHECK_EQ(nr_frames, 0);
	fixture_down();
}

TEST(an_answer_larger_than_the_link_leaves_in_fragments)
{
	up();
	CHECK_EQ(dev_set_mtu(dev, 100), 0);
	feed_ip(&f, icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 0, payload, 73), true);
	CHECK_EQ(net->mib.icmp[IC(OutErrors)], 0);
	CHECK_EQ(net->mib.ip[IPSTATS_MIB_FragCreates], 2);
	CHECK_EQ(nr_frames, 2);
	feed_ip(&f, icmp_make(&f, PEER_IP, ICMP_ECHO, 0, 0, payload, 72), true);
	CHECK_EQ(nr_frames, 3);
	fixture_down();
}

/* A header that says it is longer than what is there, in a packet whose data is in pages. */
TEST(short_messages_of_every_length)
{
	for (u32 len = 0; len < 8; len++) {
		up();
		feed_ip(&f, ip_make(&f, PEER_IP, OUR_IP, IPPROTO_ICMP, len), true);
		CHECK_EQ(net->mib.icmp[IC(InErrors)], 1);
		CHECK_EQ(net->mib.icmp[IC(InMsgs)], 1);
		fixture_down();
	}
}

KTEST_MAIN_BOOT()
