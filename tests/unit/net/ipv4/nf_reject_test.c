// SPDX-License-Identifier: MIT
/* Refusals that must not be sent, or not be sent twice: errors about errors, fragments, what was not meant for us (RFC 1122, 3.2.2). */
#include "../socket/calls.h"

#include <net/nf_tables.h>
#include <wire/icmp.h>
#include <wire/tcp.h>

#define MIB_ICMP(n) net->mib.icmp[ICMP_MIB_##n]

static u8 packet[64];
static char why[NFT_WHY_MAX];

static void rule(const char *text)
{
	up();
	nft_flush(net);
	CHECK_EQ(nft_add(net, text, why), 0);
	CHECK_STR(why, "");
}

static void done(void)
{
	nft_flush(net);
	all_gone();
}

/* --- Our own packets: the refusal is an ICMP error from ourselves to ourselves ------------------------------------------- */

static const struct {
	const char *name;
	u8 type;
	u32 len;
	bool told;
} own_icmp[] = {
	{ "echo", ICMP_ECHO, 8, true },
	{ "timestamp", 13, 8, true },
	{ "dest_unreach", ICMP_DEST_UNREACH, 8, false },
	{ "source_quench", ICMP_SOURCE_QUENCH, 8, false },
	{ "redirect", ICMP_REDIRECT, 8, false },
	{ "time_exceeded", ICMP_TIME_EXCEEDED, 8, false },
	{ "parameter_problem", ICMP_PARAMETERPROB, 8, false },
	{ "less_than_a_refusal_quotes", ICMP_ECHO, 7, false },
};

TEST_EACH(own_icmp_message, own_icmp)
{
	u8 m[8] = { row->type };
	u64 heard;
	int fd;

	rule("out ip daddr 10.0.0.2 reject");
	heard = MIB_ICMP(InDestUnreachs);
	fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	CHECK_EQ(send_to(fd, m, row->len, PEER_IP), -EPERM);
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(MIB_ICMP(InDestUnreachs), heard + row->told);
	CHECK_EQ(nr_frames, 0);
	done();
}

static const struct {
	const char *name;
	__be32 saddr;
	u16 frag_off;
	bool told;
	u32 no_route;
} own_header[] = {
	{ "whole", 0x0100000a, 0, true, 0 },
	{ "first_fragment", 0x0100000a, IP_MF, true, 0 },
	{ "later_fragment", 0x0100000a, 5, false, 0 },
	{ "from_where_no_route_leads", 0x04030201, 0, false, 1 },
};

TEST_EACH(own_packet_with_a_header_of_its_own, own_header)
{
	struct iphdr *iph = (struct iphdr *)(void *)packet;
	u64 heard, drops = skb_stats.drop[SKB_DROP_REASON_NO_ROUTE];
	int fd;

	rule("out ip daddr 10.0.0.2 reject");
	heard = MIB_ICMP(InDestUnreachs);
	fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	memset(packet, 0, sizeof(packet));
	*iph = (struct iphdr){ .ver_ihl = 0x45,
			       .frag_off = htons(row->frag_off),
			       .ttl = 9,
			       .protocol = 250,
			       .saddr = row->saddr,
			       .daddr = PEER_IP };
	CHECK_EQ(send_to(fd, packet, 28, PEER_IP), -EPERM);
	host_clock_advance(NSEC_PER_MSEC);
	CHECK_EQ(MIB_ICMP(InDestUnreachs), heard + row->told);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_NO_ROUTE], drops + row->no_route);
	done();
}

/* --- Segments from the wire: a reset for a sound one that was meant for us alone ------------------------------------------ */

static const struct {
	const char *name;
	u32 len; /* of header and text */
	u16 frag_off;
	__be32 daddr;
	bool all; /* to everybody's link address */
	u8 summed;
	u16 spoil;
	bool answered;
} segments[] = {
	{ "sound", 20, 0, 0x0100000a, false, CHECKSUM_NONE, 0, true },
	{ "checksum", 20, 0, 0x0100000a, false, CHECKSUM_NONE, 1, false },
	{ "checked_by_the_card", 20, 0, 0x0100000a, false, CHECKSUM_UNNECESSARY, 1, true },
	{ "broadcast_frame", 20, 0, 0x0100000a, true, CHECKSUM_NONE, 0, false },
	{ "broadcast_address", 20, 0, 0xff00000a, false, CHECKSUM_NONE, 0, false },
	{ "other_host", 20, 0, 0x0900000a, false, CHECKSUM_NONE, 0, false },
	{ "first_fragment", 20, IP_MF, 0x0100000a, false, CHECKSUM_NONE, 0, false },
	{ "later_fragment", 20, 4, 0x0100000a, false, CHECKSUM_NONE, 0, false },
	{ "header_is_cut", 19, 0, 0x0100000a, false, CHECKSUM_NONE, 0, false },
};

TEST_EACH(segment_from_the_wire, segments)
{
	static const u8 all_mac[6] = { 255, 255, 255, 255, 255, 255 };
	struct ipframe f = { 0 };
	struct tcphdr *th = (struct tcphdr *)(void *)f.data;
	struct sk_buff *skb;
	u64 resets;

	rule("pre ip protocol tcp reject with tcp reset");
	resets = net->mib.tcp[TCP_MIB_OutRsts];
	memcpy(f.eth.h_dest, row->all ? all_mac : our_mac, 6);
	memcpy(f.eth.h_source, peer_mac, 6);
	f.eth.h_proto = htons(ETH_P_IP);
	f.ip = (struct iphdr){ .ver_ihl = 0x45,
			       .tot_len = htons((u16)(20 + row->len)),
			       .frag_off = htons(row->frag_off),
			       .ttl = 9,
			       .protocol = IPPROTO_TCP,
			       .saddr = PEER_IP,
			       .daddr = row->daddr };
	f.ip.check = ip_fast_csum(&f.ip, 5);
	*th = (struct tcphdr){
		.source = htons(2000), .dest = htons(80), .doff = 0x50, .flags = TCPHDR_SYN
	};
	th->check = csum_tcpudp_magic(PEER_IP, row->daddr, row->len, IPPROTO_TCP,
				      csum_partial(th, row->len, 0));
	th->check ^= row->spoil;
	skb = netdev_alloc_skb(dev, 34 + row->len);
	memcpy(skb_put(skb, 34 + row->len), &f.eth, 34 + row->len);
	skb->protocol = eth_type_trans(skb, dev);
	skb->ip_summed = row->summed;
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	CHECK_EQ(nr_frames, row->answered);
	CHECK_EQ(net->mib.tcp[TCP_MIB_OutRsts], resets + row->answered);
	if (row->answered)
		CHECK_EQ(((const struct tcphdr *)(const void *)(frames[0].b + 34))->flags,
			 TCPHDR_RST | TCPHDR_ACK);
	done();
}

KTEST_MAIN_BOOT()
