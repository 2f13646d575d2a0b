/* SPDX-License-Identifier: MIT */
/*
 * Copies from and to application memory. One address space, one privilege level: a page that is not there, and
 * memory no application has (neither image nor window), gives -EFAULT, not a panic. Process context.
 */
#ifndef KERNEL_UACCESS_H
#define KERNEL_UACCESS_H
#include <lib/types.h>

int copy_from_user(void *dst, const void *usrc, size_t n); /* 0, -EFAULT */
int copy_to_user(void *udst, const void *src, size_t n);   /* 0, -EFAULT */
/* Copies a NUL-terminated string: its length, -EFAULT, -ENAMETOOLONG when it does not end within @size. */
ssize_t strncpy_from_user(char *dst, const char *usrc, size_t size);
#endif
