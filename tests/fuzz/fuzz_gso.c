// SPDX-License-Identifier: MIT
/*
 * Segmentation of any bytes: a packet that can be cut becomes segments whose payload, one after the other, is the packet's, and
 * whose lengths say what they are; any other is refused and untouched.
 *
 * Input: flags, gso_size (2), bytes of the linear part, length of each fragment; then the packet from its network header on.
 *   bit 0: UDP     bit 1: gathering     bit 2: checksums are left to the device     bit 3: behind a link header
 * Specs: RFC 791, RFC 9293, RFC 768.
 */
#include "fuzz.h"

#include <kernel/mm.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/gso.h>
#include <net/init.h>

enum { LINK = 14, ROOM = 64, MOST = 8192 };

static u8 whole[LINK + MOST];

void fuzz_setup(void)
{
	FUZZ_CHECK_EQ(net_global_init(), 0);
	fuzz_census_begin();
}

static struct sk_buff *build(const u8 *p, u32 len, u32 linear, u32 frag)
{
	struct sk_buff *skb = alloc_skb(ROOM + LINK + linear);

	skb_reserve(skb, ROOM);
	memcpy(skb_put(skb, linear), p, linear);
	for (u32 at = linear; at < len;) {
		u32 n = min(len - at, frag);
		u8 *page = alloc_page();

		memcpy(page, p + at, n);
		if (skb_add_frag(skb, page, n))
			n = len - at; /* no more fragments: that is all of it */
		page_put(page);
		at += n;
	}
	return skb;
}

/* A segment says its lengths, has right sums, and the next piece of the payload; returns how long that is. */
static u32 judge(const struct sk_buff *seg, u32 link, bool udp, bool complete, u32 at, u32 mss)
{
	const struct iphdr *ip = (const struct iphdr *)(const void *)(seg->data + link);
	u32 l4 = link + ip_hdrlen(ip), headers, sum;

	headers = l4 + (udp ? 8u : (u32)(seg->data[l4 + 12] >> 4) * 4);
	FUZZ_CHECK_EQ(ntohs(ip->tot_len), seg->len - link);
	FUZZ_CHECK_EQ(ip_fast_csum(ip, ip_hdrlen(ip) / 4), 0);
	FUZZ_CHECK(seg->len > headers && seg->len - headers <= mss);
	if (complete) {
		sum = csum_tcpudp_nofold(ip->saddr, ip->daddr, seg->len - l4, ip->protocol, 0);
		FUZZ_CHECK_EQ(csum_fold(skb_checksum(seg, l4, seg->len - l4, sum)), 0);
	}
	for (u32 i = headers; i < seg->len; i++) {
		u8 b;

		FUZZ_CHECK_EQ(skb_copy_bits(seg, i, &b, 1), 0);
		FUZZ_CHECK_EQ(b, whole[headers + at + i - headers]);
	}
	return seg->len - headers;
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u32 flags = in_u8(&in), mss = in_u16(&in), linear = in_u8(&in), frag = in_u8(&in) * 16 + 1;
	u32 features = (flags & 2 ? NETIF_F_SG : 0) | (flags & 4 ? NETIF_F_HW_CSUM : 0);
	u32 link = flags & 8 ? LINK : 0, at = 0, len;
	struct sk_buff *skb, *seg;
	size_t got;
	const u8 *p = in_bytes(&in, MOST, &got);

	memset(whole, 0, sizeof(whole));
	memcpy(whole + link, p, got);
	len = link + (u32)got;
	skb = build(whole, len, min(linear, len), frag);
	len = skb->len;
	skb->network_header = (u16)(ROOM + link);
	skb->protocol = htons(ETH_P_IP);
	skb_shinfo(skb)->gso_size = (u16)mss;
	skb_shinfo(skb)->gso_type = flags & 1 ? SKB_GSO_UDP_L4 : SKB_GSO_TCPV4;
	seg = skb_gso_segment(skb, features);
	if (IS_ERR(seg))
		FUZZ_CHECK_EQ(PTR_ERR(seg), -EINVAL);
	FUZZ_CHECK_EQ(skb->len, len);
	while (!IS_ERR(seg) && seg) {
		struct sk_buff *next = seg->next;

		at += judge(seg, link, flags & 1, !(flags & 4), at, mss);
		seg->next = NULL;
		if (!next)
			FUZZ_CHECK(at < len); /* the headers are the rest */
		consume_skb(seg);
		seg = next;
	}
	consume_skb(skb);
	fuzz_census_end();
}
