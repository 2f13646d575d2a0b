/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4), for programs of one file: sha256_init, any number of sha256_update, sha256_final.
 * The words of the specification keep its names: H (hash), W (schedule), a..h (working variables), Ch, Maj.
 */
#ifndef SHA256_H
#define SHA256_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SHA256_BLOCK  64
#define SHA256_DIGEST 32

struct sha256 {
	uint32_t H[8];
	uint64_t bytes; /* so far */
	uint8_t block[SHA256_BLOCK];
};

static inline uint32_t sha256_rotr(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* FIPS 180-4, 6.2.2: one block of the message. */
static void sha256_block(struct sha256 *s, const uint8_t *p)
{
	/* 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes */
	static const uint32_t K[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
		0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
		0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
		0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
		0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
		0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
		0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
		0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
		0xc67178f2,
	};
	uint32_t W[64], a = s->H[0], b = s->H[1], c = s->H[2], d = s->H[3];
	uint32_t e = s->H[4], f = s->H[5], g = s->H[6], h = s->H[7];

	for (int t = 0; t < 16; t++, p += 4)
		W[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	for (int t = 16; t < 64; t++) {
		uint32_t x = W[t - 15], y = W[t - 2];

		W[t] = (sha256_rotr(y, 17) ^ sha256_rotr(y, 19) ^ y >> 10) + W[t - 7] +
		       (sha256_rotr(x, 7) ^ sha256_rotr(x, 18) ^ x >> 3) + W[t - 16];
	}
	for (int t = 0; t < 64; t++) {
		uint32_t sum1 = sha256_rotr(e, 6) ^ sha256_rotr(e, 11) ^ sha256_rotr(e, 25);
		uint32_t sum0 = sha256_rotr(a, 2) ^ sha256_rotr(a, 13) ^ sha256_rotr(a, 22);
		uint32_t Ch = (e & f) ^ (~e & g), Maj = (a & b) ^ (a & c) ^ (b & c);
		uint32_t T1 = h + sum1 + Ch + K[t] + W[t], T2 = sum0 + Maj;

		h = g;
		g = f;
		f = e;
		e = d + T1;
		d = c;
		c = b;
		b = a;
		a = T1 + T2;
	}
	s->H[0] += a;
	s->H[1] += b;
	s->H[2] += c;
	s->H[3] += d;
	s->H[4] += e;
	s->H[5] += f;
	s->H[6] += g;
	s->H[7] += h;
}

static inline void sha256_init(struct sha256 *s)
{
	/* 5.3.3: of the square roots of the first 8 primes */
	static const uint32_t H0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->H, H0, sizeof(H0));
	s->bytes = 0;
}

static inline void sha256_update(struct sha256 *s, const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t have = s->bytes % SHA256_BLOCK;

	s->bytes += n;
	if (have) {
		size_t take = n < SHA256_BLOCK - have ? n : SHA256_BLOCK - have;

		memcpy(s->block + have, p, take);
		p += take;
		n -= take;
		if (have + take < SHA256_BLOCK)
			return;
		sha256_block(s, s->block);
	}
	for (; n >= SHA256_BLOCK; p += SHA256_BLOCK, n -= SHA256_BLOCK)
		sha256_block(s, p);
	memcpy(s->block, p, n);
}

/* 5.1.1: a one bit, zeros, the length in bits. */
static inline void sha256_final(struct sha256 *s, uint8_t digest[SHA256_DIGEST])
{
	static const uint8_t pad[SHA256_BLOCK] = { 0x80 };
	uint64_t bits = s->bytes * 8;
	size_t have = s->bytes % SHA256_BLOCK;
	uint8_t length[8];

	sha256_update(s, pad, (have < 56 ? 56 : 120) - have);
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	sha256_update(s, length, sizeof(length));
	for (int i = 0; i < SHA256_DIGEST; i++)
		digest[i] = (uint8_t)(s->H[i / 4] >> (24 - 8 * (i % 4)));
}
#endif
