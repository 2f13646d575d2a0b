// SPDX-License-Identifier: MIT
/*
 * Copies from and to application memory.
 *
 * Interface: copy_from_user(), copy_to_user(), strncpy_from_user().
 * Free memory and other people's pages are mapped too, so an address is first asked for its range: a wild pointer
 * into the kernel's RAM gets -EFAULT and not somebody's data.
 *
 * Above: system calls.  Below: arch_copy_user(), which survives a page that is not there; arch_user_range().
 * Context: process.  Owns: nothing.
 */
#include <kernel/uaccess.h>

#include <kernel/arch.h>
#include <lib/err.h>

/**
 * copy_from_user() - copies @n bytes from the application.
 * Context: process.
 * Return: 0; -EFAULT (how much of @dst was written is then undefined).
 */
int copy_from_user(void *dst, const void *usrc, size_t n)
{
	return arch_user_range(usrc, n) ? arch_copy_user(dst, usrc, n) : -EFAULT;
}

/**
 * copy_to_user() - copies @n bytes to the application.
 * Context: process.
 * Return: 0; -EFAULT (how much was written is then undefined).
 */
int copy_to_user(void *udst, const void *src, size_t n)
{
	return arch_user_range(udst, n) ? arch_copy_user(udst, src, n) : -EFAULT;
}

/**
 * strncpy_from_user() - copies a NUL-terminated string of the application.
 * Byte by byte: nothing behind the NUL is read, so a string may end right before a page that is not there.
 * Context: process.
 * Return: its length; -EFAULT; -ENAMETOOLONG when it does not end within @size bytes.
 */
ssize_t strncpy_from_user(char *dst, const char *usrc, size_t size)
{
	for (size_t n = 0; n < size; n++) {
		int err = copy_from_user(dst + n, usrc + n, 1);
		if (err)
			return err;
		if (!dst[n])
			return (ssize_t)n;
	}
	return -ENAMETOOLONG;
}
