/* SPDX-License-Identifier: MIT */
/*
 * A tracepoint's site on iron: a 5-byte NOP, and an entry in the table of sites that says where it stands, where its code out
 * of line begins, and whose stage it is. arch_trace_patch() (kernel/x86/patch.c) turns NOPs into jumps and back.
 */
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H
#include <lib/types.h>

/* Addresses fit 32 bits: the image lies below 4 GiB. */
struct trace_site {
	u32 addr;   /* of the five bytes */
	u32 target; /* where they jump when the stage is on */
	u32 stage;
};
/* Bounds of the table, from linker.ld. */
extern const struct trace_site __start___trace_sites[], __stop___trace_sites[];

/* Is @stage, a constant, on? Costs the NOP when it is not. (A macro: without optimisation the constant would not get inside.) */
#define arch_trace_on(stage)                                                                       \
	({                                                                                         \
		__label__ on_, off_;                                                               \
		bool is_on_ = false;                                                               \
		__asm__ goto("1:	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"                             \
			     ".pushsection __trace_sites,\"a\"\n"                                  \
			     "	.long 1b, %l[on_], %c0\n"                                           \
			     ".popsection" ::"i"(stage)                                            \
			     :                                                                     \
			     : on_);                                                               \
		goto off_;                                                                         \
	on_:                                                                                       \
		is_on_ = true;                                                                     \
	off_:;                                                                                     \
		is_on_;                                                                            \
	})
#endif
