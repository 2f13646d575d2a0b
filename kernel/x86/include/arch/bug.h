/* SPDX-License-Identifier: MIT */
/* The assertion trap on iron: ud2, and a __bug_table entry that maps its address to file, line and text. */
#ifndef ARCH_BUG_H
#define ARCH_BUG_H

struct bug_entry {
	unsigned long addr; /* of the ud2 */
	const char *file;
	const char *text; /* the condition that held */
	unsigned long line;
};

#define arch_bug(text)                                                                             \
	do {                                                                                       \
		__asm__ volatile("1:	ud2\n"                                                        \
				 ".pushsection __bug_table,\"a\"\n"                                \
				 "	.quad 1b, %c0, %c1, %c2\n"                                      \
				 ".popsection" ::"i"(__FILE__),                                    \
				 "i"(text), "i"(__LINE__));                                        \
		__builtin_unreachable();                                                           \
	} while (0)
#endif
