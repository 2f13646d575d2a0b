/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target shares: the kernel booted once, the same clock and the same random numbers for every
 * input, a reader that never runs dry, assertions that end the run, and a census of what may not be left behind.
 *
 * A target is one file fuzz_NAME.c with three functions: fuzz_setup(), fuzz_one(), and, where there is something to
 * count, fuzz_census(). libFuzzer's own entry points are in fuzz.c.
 */
#ifndef FUZZ_H
#define FUZZ_H
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library has one too; the kernel's headers come after this one. */
#define timeval kernel_timeval

/* Once, after host_boot(): nothing is printed from here on unless the target raises the log level. */
void fuzz_setup(void);
/* One input. Whatever it leaves behind must not change what the next one does. */
void fuzz_one(const u8 *data, size_t size);

/* Time, timers and random numbers as they were for the first input. Timers must be gone: asserted. */
void fuzz_reset(void);
/* Remembers what lives now; then asserts that nothing more lives: objects, pages, packets, timers. */
void fuzz_census_begin(void);
void fuzz_census_end(void);

void fuzz_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
#define FUZZ_CHECK(cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fuzz_fail(__FILE__, __LINE__, "%s", #cond);                                \
	} while (0)
#define FUZZ_CHECK_EQ(a, b)                                                                        \
	do {                                                                                       \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
		if (a_ != b_)                                                                      \
			fuzz_fail(__FILE__, __LINE__, "%s is %lld, not %s = %lld", #a, a_, #b,     \
				  b_);                                                             \
	} while (0)

/* --- Reading an input: past its end everything is 0 -------------------------------------------------------------- */
struct fuzz_input {
	const u8 *p;
	size_t left;
};

static inline u8 in_u8(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static inline u16 in_u16(struct fuzz_input *in)
{
	u16 hi = in_u8(in);

	return (u16)(hi << 8 | in_u8(in));
}

static inline u32 in_u32(struct fuzz_input *in)
{
	u32 hi = in_u16(in);

	return hi << 16 | in_u16(in);
}

/* Up to @n bytes: where they are; *@got says how many there were. */
static inline const u8 *in_bytes(struct fuzz_input *in, size_t n, size_t *got)
{
	const u8 *p = in->p;

	*got = n < in->left ? n : in->left;
	in->p += *got;
	in->left -= *got;
	return p;
}
#endif
