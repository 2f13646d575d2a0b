// SPDX-License-Identifier: MIT
/* Internet checksum: known vectors, sums put together from pieces at every cut, and pseudo headers against the definition. */
#include <ktest.h>

#include <lib/byteorder.h>
#include <net/checksum.h>

static u16 folded(u32 sum)
{
	return ntohs((__be16)~csum_fold(sum));
}

/* RFC 1071, word by word in network order. */
static u16 plain(const u8 *p, u32 len)
{
	u32 sum = 0;

	for (u32 i = 0; i < len; i += 2) {
		sum += (u32)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (u16)sum;
}

static bool equal(u16 a, u16 b)
{
	return a % 0xffff == b % 0xffff; /* 0 and 0xffff are one number */
}

struct vector_row {
	const char *name;
	u8 b[20];
	u32 len;
	u16 sum;
};

static const struct vector_row
	vector_table[] = {
		{ "nothing", { 0 }, 0, 0 },
		{ "one_byte_counts_high", { 0x12 }, 1, 0x1200 },
		{ "one_word", { 0x12, 0x34 }, 2, 0x1234 },
		{ "three_bytes", { 0x12, 0x34, 0x56 }, 3, 0x6834 },
		{ "rfc_1071_example",
		  { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 },
		  8,
		  0xddf2 },
		{ "carry_comes_round", { 0xff, 0xff, 0x00, 0x01 }, 4, 0x0001 },
		{ "two_carries", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x03 }, 8, 0x0003 },
		{ "zeros", { 0, 0, 0, 0, 0, 0, 0, 0 }, 8, 0 },
		{ "ip_header_whole",
		  { 0x45, 0,    0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
		    0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7 },
		  20,
		  0xffff },
		{ "ip_header_without_its_field",
		  { 0x45, 0, 0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
		    0,    0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7 },
		  20,
		  0x479e },
	};

TEST_EACH(vector, vector_table)
{
	for (u32 shift = 0; shift < 8;
	     shift++) { /* at each alignment, in memory of exactly that size */
		u8 *p = malloc(row->len + shift + 1);

		memcpy(p + shift, row->b, row->len);
		CHECK(equal(folded(csum_partial(p + shift, row->len, 0)), row->sum));
		free(p);
	}
	if (row->len == 20)
		CHECK(equal(ntohs((__be16)~ip_fast_csum(row->b, 5)), row->sum));
}

struct piece_row {
	const char *name;
	u32 len, a, b; /* cut at a and b */
};

static const struct piece_row piece_table[] = {
	{ "even_even", 1000, 300, 600 },       { "odd_even", 1000, 301, 600 },
	{ "even_odd", 1000, 300, 601 },        { "odd_odd", 1000, 301, 601 },
	{ "odd_length", 999, 301, 600 },       { "first_byte_apart", 1000, 1, 2 },
	{ "last_byte_apart", 1000, 998, 999 }, { "empty_piece", 1000, 500, 500 },
	{ "empty_at_odd", 1000, 501, 501 },    { "all_in_the_last", 1000, 0, 0 },
	{ "large", 65535, 1461, 40001 },
};

/* A sum is the sum of its pieces, wherever they were cut (odd ones change places). */
TEST_EACH(pieces, piece_table)
{
	static u8 buf[65536];
	u64 x = 88172645463325252;

	for (u32 round = 0; round < 20; round++) {
		u32 sum;

		for (u32 i = 0; i < row->len; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			buf[i] = round == 0 ? 0xff : round == 1 ? 0 : (u8)x;
		}
		sum = csum_partial(buf, row->a, 0);
		sum = csum_block_add(sum, csum_partial(buf + row->a, row->b - row->a, 0), row->a);
		sum = csum_block_add(sum, csum_partial(buf + row->b, row->len - row->b, 0), row->b);
		CHECK(equal(folded(sum), plain(buf, row->len)));
		CHECK(equal(folded(csum_partial(buf, row->len, 0)), plain(buf, row->len)));
	}
}

struct pseudo_row {
	const char *name;
	u32 saddr, daddr, len;
	u8 proto;
};

static const struct pseudo_row pseudo_table[] = {
	{ "empty", 0x0a000001, 0x0a000002, 0, 6 },
	{ "tcp_header", 0x0a000001, 0x0a000002, 20, 6 },
	{ "udp", 0xc0a80001, 0x08080808, 8, 17 },
	{ "largest", 0xffffffff, 0xffffffff, 65535, 255 },
	{ "zeros", 0, 0, 0, 0 },
	{ "odd_length", 0x7f000001, 0x7f000001, 1461, 6 },
};

TEST_EACH(pseudo_header, pseudo_table)
{
	u8 h[12] = { 0 };
	__be16 check;

	put_unaligned_be32(row->saddr, h);
	put_unaligned_be32(row->daddr, h + 4);
	h[9] = row->proto;
	put_unaligned_be16((u16)row->len, h + 10);
	CHECK(equal(folded(csum_tcpudp_nofold(htonl(row->saddr), htonl(row->daddr), row->len,
					      row->proto, 0)),
		    plain(h, 12)));
	check = csum_tcpudp_magic(htonl(row->saddr), htonl(row->daddr), row->len, row->proto,
				  0x1234);
	CHECK_EQ(csum_tcpudp_magic(htonl(row->saddr), htonl(row->daddr), row->len, row->proto,
				   csum_partial(&check, 2, 0x1234)),
		 0); /* with its own checksum the sum is complete */
}

KTEST_MAIN()
