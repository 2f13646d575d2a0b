/* SPDX-License-Identifier: MIT */
/*
 * For the test programs here: CHECK() counts what does not hold and goes on; main() ends with result(). The programs are
 * ordinary POSIX, so the same source says on Linux whether an expectation is true.
 */
#ifndef CHECK_H
#define CHECK_H
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int checks, failures;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		checks++;                                                                          \
		if (!(cond)) {                                                                     \
			failures++;                                                                \
			printf("FAILED %s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #cond,     \
			       errno, strerror(errno));                                            \
		}                                                                                  \
	} while (0)

/* The call fails with exactly this errno. */
#define CHECK_ERRNO(call, err)                                                                     \
	do {                                                                                       \
		long ret_;                                                                         \
		checks++;                                                                          \
		errno = 0;                                                                         \
		ret_ = (long)(call);                                                               \
		if (ret_ != -1 || errno != (err)) {                                                \
			failures++;                                                                \
			printf("FAILED %s:%d: %s = %ld, errno %d (%s), not %s\n", __FILE__,        \
			       __LINE__, #call, ret_, errno, strerror(errno), #err);               \
		}                                                                                  \
	} while (0)

static inline int result(const char *name)
{
	printf("%s: %d checks, %d failed\n", name, checks, failures);
	return failures != 0;
}
#endif
