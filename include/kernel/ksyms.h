/* SPDX-License-Identifier: MIT */
/* The built-in symbol table: code address -> function name, for backtraces and %pS. Pure lookups, any context. */
#ifndef KERNEL_KSYMS_H
#define KERNEL_KSYMS_H
#include <lib/types.h>

struct ksym {
	u32 addr;     /* of the function; the image lies below 4 GiB */
	u32 name_off; /* of its name in ksym_names */
};
/* Made by tools/mkksyms.py from the first link; sorted by address. */
extern const struct ksym ksyms[];
extern const u32 nr_ksyms;
extern const char ksym_names[];

/* Name of the function that holds @addr and the offset in it; NULL when @addr is not in our text. */
const char *ksym_lookup(unsigned long addr, unsigned long *offset);
#endif
