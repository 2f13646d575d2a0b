/* SPDX-License-Identifier: MIT */
/* Randomness: ChaCha20 keyed from the machine's entropy, or from rng.seed= in tests (announced loudly). */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H
#include <lib/types.h>

struct siphash_key {
	u64 k0, k1;
};
void random_init(bool seeded, u64 seed);    /* prints the sources used */
void get_random_bytes(void *buf, size_t n); /* process, softirq */
u32 get_random_u32(void);
u64 get_random_u64(void);
u32 get_random_below(u32 ceil); /* uniform in [0, ceil), ceil > 0 */
/* One block of key stream, RFC 8439 (2.3.1). Pure. */
void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64]);
/* SipHash-2-4 of @len bytes. Pure. */
u64 siphash(const void *data, size_t len, const struct siphash_key *key);
#endif
