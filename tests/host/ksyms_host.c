// SPDX-License-Identifier: MIT
/* The host build has no symbol table of its own; a test may bring one (these are weak). */
#include <kernel/ksyms.h>

__attribute__((weak)) const struct ksym ksyms[1] = { { 0, 0 } };
__attribute__((weak)) const u32 nr_ksyms = 0;
__attribute__((weak)) const char ksym_names[1] = "";
