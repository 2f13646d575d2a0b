/* SPDX-License-Identifier: MIT */
/* The assertion trap on iron: ud2, and a __bug_table entry that maps its address to file, line and text. */
#ifndef ARCH_BUG_H
#define ARCH_BUG_H
#include <stdint.h>

/* Addresses fit 32 bits: the image lies below 4 GiB. */
struct bug_entry {
	uint32_t addr; /* of the ud2 */
	uint32_t file; /* both are addresses of C strings; text: the condition that held */
	uint32_t text;
	uint32_t line;
};

#define arch_bug(text)                                                                             \
	do {                                                                                       \
		__asm__ volatile("1:	ud2\n"                                                        \
				 ".pushsection __bug_table,\"a\"\n"                                \
				 "	.long 1b, %c0, %c1, %c2\n"                                      \
				 ".popsection" ::"i"(__FILE__),                                    \
				 "i"(text), "i"(__LINE__));                                        \
		__builtin_unreachable();                                                           \
	} while (0)
#endif
