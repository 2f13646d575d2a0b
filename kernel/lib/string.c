// SPDX-License-Identifier: MIT
/*
 * Memory and string primitives for a world without a C library.
 *
 * The movers work in 64-bit words: the kernel has no vector registers, and an emulated CPU runs unrolled word
 * moves several times faster than byte moves. An empty asm in each loop keeps the compiler from recognising
 * the loop and calling the very function it is compiling.
 *
 * Interface: mem*, str*, strscpy(), kstrtou64().
 * Above: everybody.  Below: nothing.  Context: any.  Owns: nothing, no state.
 * Specs: ISO C11 7.24 for the functions that bear its names.
 */
#include <lib/err.h>
#include <lib/string.h>

struct word { /* an unaligned u64 that may alias anything */
	u64 v;
} __packed __attribute__((may_alias));

enum { WORD = sizeof(struct word), BLOCK = 8 * WORD };

#define OPAQUE(p) __asm__ volatile("" : "+r"(p))

static inline void copy_block(struct word *d, const struct word *s)
{
	/* All loads before all stores: right for overlapping ranges in either direction. */
	u64 a = s[0].v, b = s[1].v, c = s[2].v, e = s[3].v;
	u64 f = s[4].v, g = s[5].v, h = s[6].v, i = s[7].v;
	d[0].v = a;
	d[1].v = b;
	d[2].v = c;
	d[3].v = e;
	d[4].v = f;
	d[5].v = g;
	d[6].v = h;
	d[7].v = i;
}

static void copy_up(u8 *d, const u8 *s, size_t n)
{
	for (; n >= BLOCK; n -= BLOCK, d += BLOCK, s += BLOCK) {
		copy_block((struct word *)d, (const struct word *)s);
		OPAQUE(d);
	}
	for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
		((struct word *)d)->v = ((const struct word *)s)->v;
		OPAQUE(d);
	}
	for (; n; n--) {
		*d++ = *s++;
		OPAQUE(d);
	}
}

static void copy_down(u8 *d, const u8 *s, size_t n)
{
	d += n;
	s += n;
	while (n >= WORD) {
		n -= WORD;
		d -= WORD;
		s -= WORD;
		((struct word *)d)->v = ((const struct word *)s)->v;
		OPAQUE(d);
	}
	for (; n; n--) {
		*--d = *--s;
		OPAQUE(d);
	}
}

/**
 * memcpy() - copies @n bytes; the ranges must not overlap.
 * Context: any.
 * Return: @dst, the caller's.
 */
void *memcpy(void *dst, const void *src, size_t n)
{
	copy_up(dst, src, n);
	return dst;
}

/**
 * memmove() - copies @n bytes; the ranges may overlap.
 * Context: any.
 * Return: @dst, the caller's.
 */
void *memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_up(dst, src, n); /* unsigned wrap: also true when dst lies below src */
	else
		copy_down(dst, src, n);
	return dst;
}

/**
 * memset() - stores the byte @c @n times.
 * Context: any.
 * Return: @dst, the caller's.
 */
void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	u64 v = (u8)c * 0x0101010101010101ULL;
	for (; n >= BLOCK; n -= BLOCK, d += BLOCK) {
		struct word *w = (struct word *)d;
		w[0].v = v;
		w[1].v = v;
		w[2].v = v;
		w[3].v = v;
		w[4].v = v;
		w[5].v = v;
		w[6].v = v;
		w[7].v = v;
		OPAQUE(d);
	}
	for (; n >= WORD; n -= WORD, d += WORD) {
		((struct word *)d)->v = v;
		OPAQUE(d);
	}
	for (; n; n--) {
		*d++ = (u8)c;
		OPAQUE(d);
	}
	return dst;
}

/**
 * memcmp() - compares @n bytes as unsigned numbers.
 * Context: any.
 * Return: <0, 0 or >0 as @a is less, equal or greater at the first difference.
 */
int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;
	while (n >= WORD && ((const struct word *)x)->v == ((const struct word *)y)->v) {
		x += WORD;
		y += WORD;
		n -= WORD;
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

/**
 * memchr() - finds the byte @c in the first @n bytes of @s.
 * Context: any.
 * Return: pointer to it, inside the caller's @s; NULL when it is not there.
 */
void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;
	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

/**
 * strlen() - length of @s without its NUL.
 * Context: any.
 * Return: the length.
 */
size_t strlen(const char *s)
{
	const char *p = s;
	while (*p) {
		p++;
		OPAQUE(p);
	}
	return (size_t)(p - s);
}

/**
 * strnlen() - length of @s, at most @max; nothing behind @max is read.
 * Context: any.
 * Return: the length.
 */
size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;
	while (n < max && s[n])
		n++;
	return n;
}

/**
 * strcmp() - compares two strings as unsigned bytes.
 * Context: any.
 * Return: <0, 0 or >0.
 */
int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

/**
 * strncmp() - compares at most @n bytes of two strings.
 * Context: any.
 * Return: <0, 0 or >0.
 */
int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	}
	return 0;
}

/**
 * strchr() - first occurrence of @c in @s; the NUL counts as part of @s.
 * Context: any.
 * Return: pointer to it, NULL when it is not there.
 */
char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

/**
 * strrchr() - last occurrence of @c in @s; the NUL counts as part of @s.
 * Context: any.
 * Return: pointer to it, NULL when it is not there.
 */
char *strrchr(const char *s, int c)
{
	const char *found = NULL;
	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)(uintptr_t)found;
	}
}

/**
 * strscpy() - copies a string into @size bytes, cut if it must be, always terminated when @size > 0.
 * Context: any.
 * Return: length of the copy; -E2BIG when it was cut (or @size is 0).
 */
ssize_t strscpy(char *dst, const char *src, size_t size)
{
	if (!size)
		return -E2BIG;
	size_t n = strnlen(src, size);
	if (n < size) {
		memcpy(dst, src, n + 1);
		return (ssize_t)n;
	}
	memcpy(dst, src, size - 1);
	dst[size - 1] = '\0';
	return -E2BIG;
}

static int digit_of(char c, u32 base)
{
	int d = -1;
	if (c >= '0' && c <= '9')
		d = c - '0';
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		d = (c | 0x20) - 'a' + 10;
	return d >= 0 && (u32)d < base ? d : -1;
}

/**
 * kstrtou64() - parses the whole of @s as an unsigned number, decimal or hexadecimal with 0x.
 * @out: gets the number; untouched on error.
 * Context: any.
 * Return: 0; -EINVAL empty or a character that is no digit; -ERANGE does not fit 64 bits.
 */
int kstrtou64(const char *s, u64 *out)
{
	u32 base = 10;
	u64 v = 0;
	if (s[0] == '0' && (s[1] | 0x20) == 'x') {
		base = 16;
		s += 2;
	}
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		int d = digit_of(*s, base);
		if (d < 0)
			return -EINVAL;
		if (v > (UINT64_MAX - (u64)d) / base)
			return -ERANGE;
		v = v * base + (u64)d;
	}
	*out = v;
	return 0;
}
