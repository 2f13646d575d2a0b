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
/* A defensive branch that must be true (false): asserts; coverage may treat it as constant. */
#define ALWAYS(x) (likely(x) ? 1 : (({ arch_bug("ALWAYS " #x); }), 0))
#define NEVER(x)  (unlikely(x) ? (({ arch_bug("NEVER " #x); }), 1) : 0)
#endif
