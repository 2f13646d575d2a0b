/* SPDX-License-Identifier: MIT */
/*
 * The mem* and str* functions of the kernel, freestanding. The host build renames them (-Dmemcpy=k_memcpy ...)
 * so that they never meet the C library's.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H
#include <lib/types.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* Copies with truncation, always terminates; returns strlen(dst), or -E2BIG when truncated. */
ssize_t strscpy(char *dst, const char *src, size_t size);
/* Parses an unsigned number (decimal, 0x hex) that must fill @s up to its end: 0, -EINVAL, -ERANGE. */
int kstrtou64(const char *s, u64 *out);
#endif
