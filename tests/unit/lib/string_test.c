// SPDX-License-Identifier: MIT
/* kernel/lib/string.c against the C library, over lengths, alignments and overlaps. */
#include "ktest.h"

#include <lib/err.h>
#include <lib/types.h>

void *k_memcpy(void *d, const void *s, size_t n);
void *k_memmove(void *d, const void *s, size_t n);
void *k_memset(void *d, int c, size_t n);
int k_memcmp(const void *a, const void *b, size_t n);
void *k_memchr(const void *s, int c, size_t n);
size_t k_strlen(const char *s);
size_t k_strnlen(const char *s, size_t max);
int k_strcmp(const char *a, const char *b);
int k_strncmp(const char *a, const char *b, size_t n);
char *k_strchr(const char *s, int c);
char *k_strrchr(const char *s, int c);
ssize_t strscpy(char *dst, const char *src, size_t size);
int kstrtou64(const char *s, u64 *out);

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void fill(u8 *p, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (u8)(rand_r(&seed) >> 3);
}

TEST(memcpy_all_lengths_and_alignments)
{
	u8 src[300], a[300], b[300];
	fill(src, sizeof(src), 1);
	for (size_t n = 0; n < 200; n++) {
		for (size_t so = 0; so < 9; so++) {
			memset(a, 0xee, sizeof(a));
			memset(b, 0xee, sizeof(b));
			CHECK(k_memcpy(a + 8 - so, src + so, n) == a + 8 - so);
			memcpy(b + 8 - so, src + so, n);
			CHECK(!memcmp(a, b, sizeof(a)));
		}
	}
}

TEST(memmove_overlaps)
{
	u8 a[400], b[400];
	for (int shift = -80; shift <= 80; shift++) {
		for (size_t n = 0; n < 200; n += 7) {
			fill(a, sizeof(a), (unsigned int)n);
			memcpy(b, a, sizeof(a));
			k_memmove(a + 100 + shift, a + 100, n);
			memmove(b + 100 + shift, b + 100, n);
			CHECK(!memcmp(a, b, sizeof(a)));
		}
	}
}

TEST(memset_exact)
{
	u8 a[300], b[300];
	for (size_t n = 0; n < 200; n++) {
		memset(a, 1, sizeof(a));
		memset(b, 1, sizeof(b));
		k_memset(a + n % 9, 0x1a5, n);
		memset(b + n % 9, 0x1a5, n);
		CHECK(!memcmp(a, b, sizeof(a)));
	}
}

TEST(memcmp_memchr)
{
	u8 a[64], b[64];
	fill(a, 64, 3);
	for (size_t i = 0; i < 64; i++) {
		memcpy(b, a, 64);
		b[i] ^= 0x80;
		CHECK_EQ(sign(k_memcmp(a, b, 64)), sign(memcmp(a, b, 64)));
		CHECK_EQ(k_memcmp(a, b, i), 0);
		CHECK(k_memchr(a, a[i], 64) == memchr(a, a[i], 64));
		CHECK(k_memchr(a, a[i], 0) == NULL);
	}
}

TEST(strings)
{
	static const char *const s[] = { "", "a", "ab", "abc", "abd", "b", "\xff", "abcabc" };
	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		CHECK_EQ(k_strlen(s[i]), strlen(s[i]));
		CHECK_EQ(k_strnlen(s[i], 2), strnlen(s[i], 2));
		for (int c = 0; c < 256; c++) {
			CHECK(k_strchr(s[i], c) == strchr(s[i], c));
			CHECK(k_strrchr(s[i], c) == strrchr(s[i], c));
		}
		for (size_t j = 0; j < ARRAY_SIZE(s); j++) {
			CHECK_EQ(sign(k_strcmp(s[i], s[j])), sign(strcmp(s[i], s[j])));
			for (size_t n = 0; n < 5; n++)
				CHECK_EQ(sign(k_strncmp(s[i], s[j], n)),
					 sign(strncmp(s[i], s[j], n)));
		}
	}
}

TEST(strscpy_cuts)
{
	char d[4];
	CHECK_EQ(strscpy(d, "abc", 4), 3);
	CHECK_STR(d, "abc");
	CHECK_EQ(strscpy(d, "abcd", 4), -E2BIG);
	CHECK_STR(d, "abc");
	CHECK_EQ(strscpy(d, "x", 0), -E2BIG);
	CHECK_EQ(strscpy(d, "", 1), 0);
}

TEST(kstrtou64_bounds)
{
	u64 v = 7;
	CHECK(!kstrtou64("18446744073709551615", &v) && v == UINT64_MAX);
	CHECK_EQ(kstrtou64("18446744073709551616", &v), -ERANGE);
	CHECK(!kstrtou64("0xfFffffffFFFFFFFF", &v) && v == UINT64_MAX);
	CHECK_EQ(kstrtou64("0x10000000000000000", &v), -ERANGE);
	CHECK(!kstrtou64("0", &v) && v == 0);
	CHECK_EQ(kstrtou64("", &v), -EINVAL);
	CHECK_EQ(kstrtou64("0x", &v), -EINVAL);
	CHECK_EQ(kstrtou64("12a", &v), -EINVAL);
	CHECK_EQ(kstrtou64("-1", &v), -EINVAL);
	CHECK_EQ(kstrtou64(" 1", &v), -EINVAL);
}

KTEST_MAIN()
