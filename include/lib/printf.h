/* SPDX-License-Identifier: MIT */
/*
 * Formatted text. Conversions: d i u x X o c s p % with flags - 0 + space #, width, precision, and lengths
 * hh h l ll z j t; no floating point. Extensions, each taking a pointer:
 *   %pI4 IPv4 address (__be32 *) · %pM MAC (u8[6]) · %pS code address as function+offset (the pointer itself)
 * An unknown conversion is printed as it stands, so that a mistake is seen and no argument is misread.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H
#include <lib/types.h>

/* Both always terminate (size > 0) and return the number of characters stored, without the NUL. */
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* For %pS. Provided by the floor above (kernel/ksyms.c): name and offset, or NULL for an unknown address. */
const char *printf_symbol(unsigned long addr, unsigned long *offset);
#endif
