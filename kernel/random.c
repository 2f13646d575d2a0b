// SPDX-License-Identifier: MIT
/*
 * Randomness: ChaCha20 as a generator with fast key erasure, and SipHash for hash tables and sequence numbers.
 *
 * The pool is filled by eight ChaCha20 blocks; the first 32 bytes become the next key at once, the rest is given
 * out and wiped as it goes, so that a later look at memory tells nothing about what was given out before.
 *
 * Interface: random_init(), get_random_bytes(), get_random_u32(), get_random_below(), siphash(), chacha20_block().
 * Above: net (ports, ISN, ids), kernel/posix (getrandom).  Below: arch_entropy().
 * Context: process, softirq; IF=0 while the pool is touched.  Owns: key and pool.
 * Specs: RFC 8439 (2.3) ChaCha20 block; SipHash-2-4 (Aumasson, Bernstein 2012).
 */
#include <kernel/random.h>

#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/string.h>

enum { KEY_BYTES = 32, BLOCK_BYTES = 64, POOL_BLOCKS = 8 };

static struct {
	u32 key[KEY_BYTES / 4];
	u8 pool[POOL_BLOCKS * BLOCK_BYTES];
	u32 left; /* bytes at the end of the pool that were not given out */
	bool ready;
} rng;

static inline u32 rotl32(u32 v, u32 n)
{
	return v << n | v >> (32 - n);
}

static inline u64 rotl64(u64 v, u32 n)
{
	return v << n | v >> (64 - n);
}

static void quarter_round(u32 *x, u32 a, u32 b, u32 c, u32 d)
{
	x[a] += x[b];
	x[d] = rotl32(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl32(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl32(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl32(x[b] ^ x[c], 7);
}

/**
 * chacha20_block() - one block of key stream, RFC 8439 (2.3.1).
 * Context: any, pure.
 */
void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64])
{
	u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	u32 x[16];
	memcpy(in + 4, key, KEY_BYTES);
	in[12] = counter;
	memcpy(in + 13, nonce, 12);
	memcpy(x, in, sizeof(x));
	for (u32 i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (u32 i = 0; i < 16; i++)
		x[i] += in[i];
	memcpy(out, x, sizeof(x)); /* little endian, as the words are */
}

/* A new pool, and at once a new key. IF=0. */
static void refill(void) __needs(irqs_off)
{
	static const u32 nonce[3];
	for (u32 i = 0; i < POOL_BLOCKS; i++)
		chacha20_block(rng.key, i, nonce, rng.pool + i * BLOCK_BYTES);
	memcpy(rng.key, rng.pool, KEY_BYTES);
	memset(rng.pool, 0, KEY_BYTES);
	rng.left = sizeof(rng.pool) - KEY_BYTES;
}

/**
 * get_random_bytes() - fills @buf.
 * Context: process, softirq; after random_init().
 */
void get_random_bytes(void *buf, size_t n)
{
	u8 *out = buf;
	BUG_ON(!rng.ready);
	while (n) {
		unsigned long flags = local_irq_save();
		if (!rng.left)
			refill();
		u32 take = (u32)min(n, (size_t)rng.left);
		u8 *from = rng.pool + sizeof(rng.pool) - rng.left;
		memcpy(out, from, take);
		memset(from, 0, take);
		rng.left -= take;
		local_irq_restore(flags);
		out += take;
		n -= take;
	}
}

/**
 * get_random_u32() - 32 random bits.
 * Context: process, softirq.
 * Return: the number.
 */
u32 get_random_u32(void)
{
	u32 v;
	get_random_bytes(&v, sizeof(v));
	return v;
}

/**
 * get_random_u64() - 64 random bits.
 * Context: process, softirq.
 * Return: the number.
 */
u64 get_random_u64(void)
{
	u64 v;
	get_random_bytes(&v, sizeof(v));
	return v;
}

/**
 * get_random_below() - a number in [0, @ceil), each equally likely.
 * Numbers from the incomplete last run of the multiplication are thrown away (Lemire 2019).
 * Context: process, softirq.
 * Return: the number.
 */
u32 get_random_below(u32 ceil)
{
	BUG_ON(!ceil);
	u32 threshold = (0 - ceil) % ceil; /* 2^32 mod ceil */
	u64 m;
	do {
		m = (u64)get_random_u32() * ceil;
	} while ((u32)m < threshold);
	return (u32)(m >> 32);
}

/**
 * random_init() - keys the generator.
 * @seeded: true: from @seed alone, the same numbers in each run (tests only; announced).
 * Context: boot, once.
 */
void random_init(bool seeded, u64 seed)
{
	unsigned int sources = 0;
	memset(rng.key, 0, sizeof(rng.key));
	if (seeded) {
		memcpy(rng.key, &seed, sizeof(seed));
		pr_warn("random: NOT RANDOM: rng.seed=%llu gives the same numbers in every run",
			(unsigned long long)seed);
	} else {
		sources = arch_entropy(rng.key, sizeof(rng.key));
		pr_info("random: keyed from%s%s%s%s", (sources & 1) ? " RDRAND" : "",
			(sources & 2) ? " cycle jitter" : "", (sources & 4) ? " RTC" : "",
			sources ? "" : " nothing");
	}
	rng.left = 0;
	rng.ready = true;
}

struct sip {
	u64 v0, v1, v2, v3;
};

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl64(s->v1, 13) ^ s->v0;
	s->v0 = rotl64(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl64(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl64(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl64(s->v1, 17) ^ s->v2;
	s->v2 = rotl64(s->v2, 32);
}

/**
 * siphash() - SipHash-2-4 of @len bytes.
 * Context: any, pure.
 * Return: the hash.
 */
u64 siphash(const void *data, size_t len, const struct siphash_key *key)
{
	const u8 *p = data;
	struct sip s = { key->k0 ^ 0x736f6d6570736575ULL, key->k1 ^ 0x646f72616e646f6dULL,
			 key->k0 ^ 0x6c7967656e657261ULL, key->k1 ^ 0x7465646279746573ULL };
	u64 m, last = (u64)len << 56;
	size_t left = len;
	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&m, p, 8);
		s.v3 ^= m;
		sip_round(&s);
		sip_round(&s);
		s.v0 ^= m;
	}
	while (left--)
		last |= (u64)p[left] << (8 * left);
	s.v3 ^= last;
	sip_round(&s);
	sip_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	for (u32 i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
