/* SPDX-License-Identifier: MIT */
/* The assertion trap on the host: report to stderr and abort, so that sanitizers and ctest see it. */
#ifndef ARCH_BUG_H
#define ARCH_BUG_H
void host_bug(const char *file, int line, const char *text) __attribute__((noreturn));
#define arch_bug(text) host_bug(__FILE__, __LINE__, text)
#endif
