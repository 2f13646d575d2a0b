/* SPDX-License-Identifier: MIT */
/* Internet checksum (RFC 1071, incremental update RFC 1624). Pure functions of bytes. */
#ifndef NET_CHECKSUM_H
#define NET_CHECKSUM_H
#include <lib/types.h>

/* 32-bit one's complement sum of @len bytes, added to @sum; not folded. Any alignment; an odd tail counts as high byte. */
u32 csum_partial(const void *p, u32 len, u32 sum);
/* Adds two unfolded sums; the second block started at byte @offset of the first's packet (odd: swapped). */
u32 csum_block_add(u32 a, u32 b, u32 offset);
static inline __be16 csum_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__force __be16)(u16)~sum;
}

/* Checksum of an IPv4 header of @ihl words. */
__be16 ip_fast_csum(const void *iph, u32 ihl);
/* Unfolded sum of the pseudo header (RFC 9293, 3.1): @len of transport header and data, host order. */
u32 csum_tcpudp_nofold(__be32 saddr, __be32 daddr, u32 len, u8 proto, u32 sum);
static inline __be16 csum_tcpudp_magic(__be32 saddr, __be32 daddr, u32 len, u8 proto, u32 sum)
{
	return csum_fold(csum_tcpudp_nofold(saddr, daddr, len, proto, sum));
}
#endif
