// SPDX-License-Identifier: MIT
/* kernel/lib/vsprintf.c against the C library's snprintf, over random formats. */
#include "ktest.h"

#include <lib/printf.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat"

static unsigned int seed = 42;

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static u64 value(void)
{
	static const u64 edge[] = { 0,          1,          7,          8,         9,
				    10,         127,        128,        255,       256,
				    0x7fff,     0x8000,     0xffff,     65536,     0x7fffffff,
				    0x80000000, 0xffffffff, 1ULL << 32, INT64_MAX, 1ULL << 63,
				    UINT64_MAX };
	return rnd(2) ? edge[rnd(ARRAY_SIZE(edge))] : (u64)rand_r(&seed) << rnd(34);
}

/* A random format of one conversion. Length modifiers as given. */
static void make_format(char *f, const char *len, char conv)
{
	f += sprintf(f, "<%%");
	for (int i = 0; i < 5; i++)
		if (!rnd(4))
			*f++ = "-0+ #"[i];
	if (rnd(2))
		f += sprintf(f, "%u", rnd(30));
	if (rnd(2))
		f += rnd(5) ? sprintf(f, ".%u", rnd(25)) : sprintf(f, ".");
	sprintf(f, "%s%c>", len, conv);
}

static void compare(const char *f, u64 v)
{
	char a[128], b[128];
	size_t size = rnd(4) ? sizeof(a) : rnd(20) + 1;
	int n = scnprintf(a, size, f, v);
	int m = snprintf(b, size, f, v);
	if (m >= (int)size)
		m = (int)size - 1;
	if (n != m || strcmp(a, b))
		printf("# format '%s' value %llx size %zu: '%s', libc '%s'\n", f,
		       (unsigned long long)v, size, a, b);
	CHECK(n == m && !strcmp(a, b));
}

TEST(integers_like_libc)
{
	static const char *const lens[] = { "hh", "h", "", "l", "ll", "z", "j", "t" };
	char f[64];
	for (int i = 0; i < 60000; i++) {
		make_format(f, lens[rnd(8)], "diuxXo"[rnd(6)]);
		compare(f, value());
	}
}

TEST(strings_and_chars_like_libc)
{
	static const char *const words[] = { "", "a", "hello", "a longer string than the width" };
	char f[64], a[128], b[128];
	for (int i = 0; i < 20000; i++) {
		char *p = f + sprintf(f, "%%%s", rnd(2) ? "-" : "");
		if (rnd(2))
			p += sprintf(p, "%u", rnd(40));
		if (rnd(2))
			p += sprintf(p, ".%u", rnd(10));
		sprintf(p, "s|");
		const char *w = words[rnd(4)];
		CHECK_EQ(scnprintf(a, sizeof(a), f, w), snprintf(b, sizeof(b), f, w));
		CHECK_STR(a, b);
	}
	scnprintf(a, sizeof(a), "%c%5c%-5c|%%", 'x', 'y', 'z');
	CHECK_STR(a, "x    yz    |%");
}

TEST(star_width_and_precision)
{
	char a[64], b[64];
	for (int w = -12; w <= 12; w++) {
		for (int p = -3; p <= 12; p++) {
			CHECK_EQ(scnprintf(a, sizeof(a), "%*.*d|%*s", w, p, 1234, w, "ab"),
				 snprintf(b, sizeof(b), "%*.*d|%*s", w, p, 1234, w, "ab"));
			CHECK_STR(a, b);
		}
	}
}

TEST(extensions)
{
	char a[64];
	u8 ip[4] = { 10, 0, 2, 15 }, mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 2 };
	scnprintf(a, sizeof(a), "%pI4|%16pI4|%-16pI4|", ip, ip, ip);
	CHECK_STR(a, "10.0.2.15|       10.0.2.15|10.0.2.15       |");
	scnprintf(a, sizeof(a), "%pM|", mac);
	CHECK_STR(a, "52:55:0a:00:02:02|");
	scnprintf(a, sizeof(a), "%p", (void *)0x1234);
	CHECK_STR(a, "0x1234");
	scnprintf(a, sizeof(a), "%pS", (void *)16);
	CHECK_STR(a, "0x10");
	const char *volatile nothing = NULL;
	scnprintf(a, sizeof(a), "%s", nothing);
	CHECK_STR(a, "(null)");
	scnprintf(a, sizeof(a), "%y %5f", 1);
	CHECK_STR(a, "%y %5f");
}

TEST(ends_of_the_buffer)
{
	char a[8] = "unhurt";
	CHECK_EQ(scnprintf(a, 0, "abc"), 0);
	CHECK_STR(a, "unhurt");
	CHECK_EQ(scnprintf(a, 1, "abc"), 0);
	CHECK_STR(a, "");
	CHECK_EQ(scnprintf(a, 4, "%s", "abcdef"), 3);
	CHECK_STR(a, "abc");
	CHECK_EQ(scnprintf(a, sizeof(a), "ab%"), 3);
	CHECK_STR(a, "ab%");
}

KTEST_MAIN()
