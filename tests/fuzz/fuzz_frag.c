// SPDX-License-Identifier: MIT
/*
 * Reassembly: fragments of a few datagrams in any order, with gaps, overlaps, two ends and wrong sizes, and time that passes. Whatever comes:
 * the limits hold, what is delivered is consistent, nothing is left when its time is over.
 *
 * Input: records of 4 bytes. 0: which datagram (identification 0-3, source 4-5: one of four, 6: UDP or ICMP), bit 7: time passes (seconds: byte 1)
 * instead; 1: offset in units of 8 bytes; 2: length (bit 7 of byte 3: in units of 8, else in bytes); 3: bit 0 more fragments, bits 1-2 ECN, bit 3: far
 * behind (offset + 7936), bit 4: 4 bytes of options.
 * Specs: RFC 791 3.2; RFC 1122 3.3.2; RFC 3168 5.3.
 */
#include "onehost.h"

#include <kernel/softirq.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/ip.h>

#define PACKET_MAX 1500
#define WAIT_S     31

static u32 delivered;

/* Every fragment carries its place, so that the joined payload can be looked at. */
static u8 content(u32 at)
{
	return (u8)(at * 31 + at / 256);
}

/* The receiver of protocol 200: what is joined must be the bytes in their places. */
static void take(struct sk_buff *skb)
{
	static u8 bytes[65536];
	u32 len = skb->len;

	FUZZ_CHECK(len <= 65515);
	FUZZ_CHECK_EQ(skb_copy_bits(skb, 0, bytes, len), 0);
	for (u32 i = 0; i < len; i++)
		FUZZ_CHECK_EQ(bytes[i], content(i));
	FUZZ_CHECK_EQ(ntohs(ip_hdr(skb)->tot_len), ip_hdrlen(ip_hdr(skb)) + len);
	FUZZ_CHECK((ip_hdr(skb)->frag_off & htons(IP_MF | IP_OFFSET)) == 0);
	delivered++;
	consume_skb(skb);
}

static const struct net_protocol taker = { .handler = take };

void fuzz_setup(void)
{
	onehost_up(ONEHOST_BARE, true);
	host.guard = true;
	FUZZ_CHECK_EQ(inet_add_protocol(host.net, 200, &taker), 0);
	onehost_forget_neighbours();
	fuzz_census_begin();
}

static void fragment(u8 which, u8 unit, u8 size, u8 how)
{
	u8 packet[PACKET_MAX + 60] = { 0 };
	struct iphdr *ip = (struct iphdr *)(void *)packet;
	u32 offset = (unit + (how & 8 ? 7936u : 0)) * 8, len = how & 0x80 ? size * 8u : size;
	u32 hdr = 20 + (how & 16 ? 4u : 0);

	len = min_t(u32, len, PACKET_MAX - hdr);
	onehost_ip_header(packet, htonl(0x0a000002u + (which >> 4 & 3)), OUR_IP,
			  which & 0x40 ? IPPROTO_UDP : 200, hdr - 20 + len);
	ip->ver_ihl = (u8)(0x40 + hdr / 4);
	ip->id = htons(which & 15);
	ip->tos = how >> 1 & 3;
	ip->frag_off = htons(offset / 8 | (how & 1 ? IP_MF : 0));
	memset(packet + 20, 1, hdr - 20);
	for (u32 i = 0; i < len; i++)
		packet[hdr + i] = content(offset + i);
	ip->check = 0;
	ip->check = ip_fast_csum(ip, hdr / 4);
	onehost_feed(packet, hdr + len);
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	delivered = 0;
	while (in.left >= 4) {
		u8 which = in_u8(&in), unit = in_u8(&in), len = in_u8(&in), how = in_u8(&in);

		if (which & 0x80)
			host_clock_advance(unit % 40 * NSEC_PER_SEC);
		else
			fragment(which, unit, len, how);
		FUZZ_CHECK(host.net->frag.queues <= 64 && host.net->frag.truesize <= 256 * 1024);
		FUZZ_CHECK(host.net->frag.packets >= host.net->frag.queues);
		FUZZ_CHECK(host.net->frag.packets <= 64 * host.net->frag.queues);
	}
	host_clock_advance(WAIT_S * NSEC_PER_SEC);
	FUZZ_CHECK_EQ(host.net->frag.queues, 0);
	FUZZ_CHECK_EQ(host.net->frag.packets, 0);
	FUZZ_CHECK_EQ(host.net->frag.truesize, 0);
	onehost_forget_neighbours();
	fuzz_census_end();
}
