// SPDX-License-Identifier: MIT
/* Internet checksum against the definition, over every small length and alignment and random large ones. */
#include <ktest.h>

#include <lib/byteorder.h>
#include <net/checksum.h>

static u8 buf[70000 + 16];

static void fill(unsigned int seed)
{
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)((seed = seed * 1103515245 + 12345) >> 16);
}

/* RFC 1071 word by word, in network order, folded at each step. */
static u16 naive(const u8 *p, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i += 2) {
		sum += (u32)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (u16)sum;
}

static u16 folded(u32 sum)
{
	return ntohs((__be16)~csum_fold(sum));
}

static bool same(u16 a, u16 b)
{
	return a % 0xffff == b % 0xffff; /* 0 and 0xffff are one number */
}

TEST(every_small_length_and_alignment)
{
	fill(1);
	for (u32 align = 0; align < 9; align++)
		for (u32 len = 0; len < 300; len++)
			CHECK(same(folded(csum_partial(buf + align, len, 0)),
				   naive(buf + align, len, 0)));
}

TEST(random_lengths)
{
	for (u32 i = 0; i < 300; i++) {
		u32 len = (u32)rand() % 70000, align = (u32)rand() % 16;

		fill(i);
		CHECK(same(folded(csum_partial(buf + align, len, 0)), naive(buf + align, len, 0)));
	}
}

TEST(all_ones_and_a_full_sum)
{
	memset(buf, 0xff, sizeof(buf));
	CHECK(same(folded(csum_partial(buf, 65535, 0xffffffff)), naive(buf, 65535, 0)));
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(csum_partial(buf, 1000, 0), 0);
	CHECK_EQ(csum_fold(0), 0xffff);
}

TEST(blocks_at_any_offset)
{
	fill(7);
	for (u32 len = 0; len < 200; len++)
		for (u32 cut = 0; cut <= len; cut++) {
			u32 sum = csum_block_add(csum_partial(buf, cut, 0),
						 csum_partial(buf + cut, len - cut, 0), cut);
			CHECK(same(folded(sum), naive(buf, len, 0)));
		}
}

/* The header in the Wikipedia article on IPv4's checksum, known to everybody. */
TEST(ip_header)
{
	static u8 h[20] = { 0x45, 0, 0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
			    0,    0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7 };
	__be16 check = ip_fast_csum(h, 5);

	CHECK_EQ(ntohs(check), 0xb861);
	memcpy(h + 10, &check, 2);
	CHECK_EQ(ip_fast_csum(h, 5), 0);
}

TEST(pseudo_header)
{
	for (u32 len = 0; len < 66000; len += 997) {
		u8 ph[12] = { 10, 0, 2, 15, 192, 168, 255, 254, 0, 17 };
		__be32 s, d;

		memcpy(&s, ph, 4);
		memcpy(&d, ph + 4, 4);
		put_unaligned_be16((u16)len, ph + 10);
		if (len <= 0xffff)
			CHECK(same(folded(csum_tcpudp_nofold(s, d, len, 17, 0x1234)),
				   naive(ph, 12, htons(0x1234))));
	}
}

KTEST_MAIN()
