// SPDX-License-Identifier: MIT
/* kernel/random.c: published vectors, and the generator's behaviour. */
#include "ktest.h"

#include <kernel/random.h>

#include "host.h"

/* RFC 8439 (2.3.2). */
TEST(chacha20_rfc8439)
{
	static const u8 want[64] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f,
				     0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7,
				     0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4,
				     0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09,
				     0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12,
				     0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8,
				     0xa2, 0x50, 0x3c, 0x4e };
	u8 kb[32], out[64];
	u32 key[8], nonce[3] = { 0x09000000, 0x4a000000, 0 };
	for (u8 i = 0; i < 32; i++)
		kb[i] = i;
	memcpy(key, kb, 32);
	chacha20_block(key, 1, nonce, out);
	CHECK(!memcmp(out, want, 64));
}

/* The reference vectors: key 00..0f, message 00, 00 01, ... of growing length; as bytes of the result. */
TEST(siphash_reference_vectors)
{
	static const u64 want[] = { 0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL,
				    0x0d6c8009d9a94f5aULL, 0x85676696d7fb7e2dULL,
				    0xcf2794e0277187b7ULL, 0x18765564cd99a68dULL,
				    0xcbc9466e58fee3ceULL, 0xab0200f58b01d137ULL,
				    0x93f5f5799a932462ULL };
	struct siphash_key k = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
	u8 m[16];
	for (u8 i = 0; i < 16; i++)
		m[i] = i;
	for (size_t n = 0; n < ARRAY_SIZE(want); n++)
		CHECK(siphash(m, n, &k) == want[n]);
	CHECK(siphash(m, 15, &k) == 0xa129ca6149be45e5ULL); /* the paper's example */
}

TEST(same_seed_same_numbers)
{
	u8 a[1000], b[1000];
	random_init(true, 7);
	get_random_bytes(a, sizeof(a));
	random_init(true, 7);
	for (size_t i = 0; i < sizeof(b); i += 8)
		get_random_bytes(b + i, 8);
	CHECK(!memcmp(a, b, sizeof(a)));
	random_init(true, 8);
	get_random_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
}

TEST(below_is_uniform_enough)
{
	u32 count[7] = { 0 };
	for (int i = 0; i < 70000; i++)
		count[get_random_below(7)]++;
	for (int i = 0; i < 7; i++)
		CHECK(count[i] > 9500 && count[i] < 10500);
	CHECK_EQ(get_random_below(1), 0);
	CHECK(get_random_u64() != get_random_u64());
	CHECK(get_random_u32() != get_random_u32());
}

KTEST_MAIN_BOOT()
