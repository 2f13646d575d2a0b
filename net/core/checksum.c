// SPDX-License-Identifier: MIT
/*
 * The Internet checksum: pure functions of bytes.
 *
 * Interface: csum_partial(), csum_block_add(), ip_fast_csum(), csum_tcpudp_nofold(); folding is inline in the header.
 * Above: every protocol.  Below: nothing.
 * Context: any.
 * Owns: nothing.
 * Specs: RFC 1071 (the sum is independent of byte order and of grouping; a block at an odd offset is added
 * with its bytes swapped), RFC 791, RFC 9293 (3.1 pseudo header).
 */
#include <net/checksum.h>

#include <lib/byteorder.h>

/* Loads from any alignment, of bytes that were written as anything. */
struct word64 {
	u64 v;
} __packed __attribute__((may_alias));
struct word32 {
	u32 v;
} __packed __attribute__((may_alias));
struct word16 {
	u16 v;
} __packed __attribute__((may_alias));

typedef unsigned __int128 u128;

static u64 load64(const u8 *p)
{
	return ((const struct word64 *)(const void *)p)->v;
}

/* 2^64 is 1 in one's complement arithmetic: the carries come back at the low end. */
static u64 fold128(u128 x)
{
	u64 lo = (u64)x, hi = (u64)(x >> 64);

	lo += hi;
	return lo + (lo < hi);
}

static u32 fold64(u64 x)
{
	x = (x & 0xffffffff) + (x >> 32);
	x = (x & 0xffffffff) + (x >> 32);
	return (u32)x;
}

/**
 * csum_partial() - one's complement sum of @len bytes at @p, added to @sum.
 * Any alignment and length; a last odd byte counts as the first of a pair. 128-bit accumulators collect the
 * carries, two of them so that the additions do not wait for each other.
 * Context: any.
 * Return: the sum in 32 bits, not folded to 16.
 */
u32 csum_partial(const void *p, u32 len, u32 sum)
{
	const u8 *b = p;
	u128 even = sum, odd = 0;

	for (; len >= 64; len -= 64, b += 64) {
		even += load64(b);
		odd += load64(b + 8);
		even += load64(b + 16);
		odd += load64(b + 24);
		even += load64(b + 32);
		odd += load64(b + 40);
		even += load64(b + 48);
		odd += load64(b + 56);
	}
	for (; len >= 8; len -= 8, b += 8)
		even += load64(b);
	if (len & 4) {
		odd += ((const struct word32 *)(const void *)b)->v;
		b += 4;
	}
	if (len & 2) {
		odd += ((const struct word16 *)(const void *)b)->v;
		b += 2;
	}
	if (len & 1)
		odd += *b;
	return fold64(fold128(even + odd));
}

/**
 * csum_block_add() - the sum of two neighbouring blocks from their own sums.
 * @b: sum of the second block, which begins @offset bytes behind the first one's begin; an odd offset swaps its bytes
 * (RFC 1071, 2(B)).
 * Context: any.
 * Return: the sum, not folded.
 */
u32 csum_block_add(u32 a, u32 b, u32 offset)
{
	if (offset & 1)
		b = b << 8 | b >> 24;
	return fold64((u64)a + b);
}

/**
 * ip_fast_csum() - checksum of an IPv4 header of @ihl 32-bit words.
 * Context: any.
 * Return: what belongs into the field (when that was 0), or 0 when a header with its checksum is right.
 */
__be16 ip_fast_csum(const void *iph, u32 ihl)
{
	return csum_fold(csum_partial(iph, ihl * 4, 0));
}

/**
 * csum_tcpudp_nofold() - sum of the pseudo header, added to @sum.
 * @len: bytes of transport header and data, host order.
 * Context: any.
 * Return: the sum, not folded.
 */
u32 csum_tcpudp_nofold(__be32 saddr, __be32 daddr, u32 len, u8 proto, u32 sum)
{
	u64 s = sum;

	s += (__force u32)saddr;
	s += (__force u32)daddr;
	/* Both 16-bit fields in network order: on a little-endian machine a shift by 8, the carry folds around. */
	s += (u64)(len + proto) << 8;
	return fold64(s);
}
