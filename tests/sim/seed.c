// SPDX-License-Identifier: MIT
/*
 * The seed's streams and the bytes that applications send.
 *
 * Interface: rng_stream .. rng_ppm, pattern_fill, pattern_differs (sim.h).
 * Context: any, pure. Owns: nothing.
 * The generator is SplitMix64 (Steele, Lea, Flood 2014): one 64-bit word of state, every stream its own.
 */
#include "sim.h"

#include <string.h>

static u64 mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void rng_stream(struct rng *r, u64 seed, const char *name, u32 index)
{
	u64 h = mix(seed + 0x9e3779b97f4a7c15ULL);

	while (*name)
		h = mix(h ^ (u8)*name++);
	r->state = mix(h ^ (u64)index << 8);
}

u64 rng_u64(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15ULL;
	return mix(r->state);
}

u32 rng_below(struct rng *r, u32 ceil)
{
	return (u32)(((rng_u64(r) >> 32) * ceil) >> 32);
}

u64 rng_between(struct rng *r, u64 lo, u64 hi)
{
	return lo + rng_u64(r) % (hi - lo + 1);
}

u64 rng_log(struct rng *r, u64 lo, u64 hi)
{
	u32 low = 64u - (u32)__builtin_clzll(lo | 1), high = 64u - (u32)__builtin_clzll(hi | 1);
	u32 bits = low + rng_below(r, high - low + 1);
	u64 top = 1ULL << (bits - 1), v = top + rng_u64(r) % top;

	return v < lo ? lo : v > hi ? hi : v;
}

bool rng_ppm(struct rng *r, u32 ppm)
{
	return rng_below(r, 1000000) < ppm;
}

static u64 pattern_word(u64 key, u64 off)
{
	return mix(key + (off >> 3) * 0x9e3779b97f4a7c15ULL);
}

void pattern_fill(u64 key, u64 off, u8 *p, size_t n)
{
	while (n) {
		u64 w = pattern_word(key, off);
		size_t skip = off & 7, take = 8 - skip < n ? 8 - skip : n;

		memcpy(p, (const u8 *)&w + skip, take);
		p += take;
		off += take;
		n -= take;
	}
}

size_t pattern_differs(u64 key, u64 off, const u8 *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		u64 at = off + i, w = pattern_word(key, at);
		size_t skip = at & 7, take = 8 - skip < n - i ? 8 - skip : n - i;

		for (size_t k = 0; k < take; k++)
			if (p[i + k] != ((const u8 *)&w)[skip + k])
				return i + k;
		i += take;
	}
	return n;
}
