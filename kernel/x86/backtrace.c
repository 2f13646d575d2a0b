// SPDX-License-Identifier: MIT
/*
 * Backtraces by frame pointers. The chain is believed only as far as it makes sense: each frame lies on a mapped
 * address above the one before, within one stack's reach, and its return address is in our text. Application
 * code may use the frame pointer for something else, so a chain that ends in it simply ends.
 *
 * Interface: arch_backtrace (<kernel/arch.h>), x86_backtrace. Above: kernel/panic.c, idt.c. Below: paging.c.
 * Context: any, also within a fault. Owns: nothing. Specs: psABI AMD64 3.2.2.
 */
#include <kernel/arch.h>

#include "x86.h"

#define FRAME_REACH (64UL << 10) /* from one frame to the next: larger than any stack of ours */

/**
 * x86_backtrace() - return addresses from a frame pointer on
 * @fp: the innermost frame pointer
 * @pc: where they go, innermost first
 * @max: how many fit
 *
 * Context: any. Return: how many were stored.
 */
unsigned int x86_backtrace(unsigned long fp, unsigned long *pc, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && fp && !(fp & 7) && x86_mapped(fp) && x86_mapped(fp + 15)) {
		const unsigned long *frame = (const unsigned long *)fp;

		if (frame[1] < (unsigned long)__text_start || frame[1] >= (unsigned long)__text_end)
			break;
		pc[n++] = frame[1];
		/* the softirq stack may lie below the one it was entered from, so only upward and near is asked of the same stack */
		if (frame[0] == fp)
			break;
		if (frame[0] < fp && fp - frame[0] < FRAME_REACH)
			break;
		fp = frame[0];
	}
	return n;
}

/**
 * arch_backtrace() - return addresses of the running code
 * @pc: where they go, innermost first
 * @max: how many fit
 *
 * Context: any. Return: how many were stored.
 */
unsigned int arch_backtrace(unsigned long *pc, unsigned int max)
{
	return x86_backtrace((unsigned long)__builtin_frame_address(0), pc, max);
}
