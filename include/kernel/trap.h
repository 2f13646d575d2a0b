/* SPDX-License-Identifier: MIT */
/*
 * What the machine tells about an exception, in portable words; kernel/trap.c makes the report of it. Filled by
 * kernel/x86/idt.c, on the fault stack with interrupts off.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H
#include <lib/types.h>

#define TRAP_MAX_REGS  24
#define TRAP_MAX_TRACE 24

enum trap_kind { TRAP_OTHER, TRAP_PAGE_FAULT, TRAP_BUG };

struct trap_reg {
	const char *name; /* static text */
	u64 value;
};

struct trap_info {
	enum trap_kind kind;
	const char *name; /* of the exception, in words */
	u64 error;        /* error code as the CPU gave it */
	unsigned long pc, sp;
	unsigned long addr;        /* page fault: the address that was touched */
	bool write, exec, present; /* page fault: how, and whether a page is mapped there */
	const char *bug_file;      /* assertion: where and what */
	const char *bug_text;
	unsigned long bug_line;
	const char *
		guard; /* whose guard page was touched, when the machine side knows it; else NULL */
	u32 nr_regs, nr_trace;
	struct trap_reg reg[TRAP_MAX_REGS];
	unsigned long
		trace[TRAP_MAX_TRACE]; /* addresses of the interrupted code, innermost first */
};

/* A page that is not there was touched: true when it is there now and the access may be repeated. IF=0. */
bool trap_page_missing(unsigned long addr);
/* Prints the report and ends the run: status 65 for an assertion, 64 for the rest. */
void trap_report(const struct trap_info *t) __noreturn;
#endif
