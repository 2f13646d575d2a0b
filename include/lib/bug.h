/* SPDX-License-Identifier: MIT */
/*
 * Assertions. They stay on in every build and are for our own mistakes only: wire input, arguments of
 * applications and lack of memory never assert. BUG_ON is a trap instruction, not a call, so that even the
 * lowest floor may use it; the trap ends the run with status 65 and the text of the condition.
 */
#ifndef LIB_BUG_H
#define LIB_BUG_H
#include <lib/types.h>

#include <arch/bug.h> /* arch_bug(text): trap with file, line and the text of the condition */

#define BUG() arch_bug("BUG")
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			arch_bug(#cond);                                                           \
	} while (0)
/*
 * A defensive branch that must be true (false): asserts. It stands alone in its if (), so that the count of branches can
 * leave it out. testcase(X) marks a boundary that some test must meet from both sides (a wrap of sequence numbers, a
 * window of 0, one segment and a byte more): free of code and of effects, except where coverage is counted.
 */
#ifndef COVERAGE
#define ALWAYS(x)   (likely(x) ? 1 : (({ arch_bug("ALWAYS " #x); }), 0))
#define NEVER(x)    (unlikely(x) ? (({ arch_bug("NEVER " #x); }), 1) : 0)
#define testcase(x) ((void)sizeof(!(x)))
#else
/* Still evaluated and asserted, but the way out that must not be taken is no code that could be missed. */
#define ALWAYS(x) (bug_unless(x, "ALWAYS " #x), 1)
#define NEVER(x)  (bug_unless(!(x), "NEVER " #x), 0)
#define testcase(x)                                                                                \
	do {                                                                                       \
		if (x)                                                                             \
			__asm__ volatile("");                                                      \
	} while (0)

static inline void bug_unless(bool fine, const char *text)
{
	if (!fine)
		arch_bug(text);
}
#endif
#endif
