/* SPDX-License-Identifier: MIT */
/* POSIX that is not network: memory calls, console and module files, clocks, and the start of the application. */
#ifndef KERNEL_POSIX_H
#define KERNEL_POSIX_H
#include <kernel/uio.h>
#include <lib/capability.h>
#include <lib/types.h>

struct app_args;
void posix_init(void); /* enters the calls; fds 0, 1, 2 are the console */
/* Starts the linked application in a thread of its own. 0, -ENOMEM, -ENOEXEC none is linked in. */
int exec_start(const struct app_args *args);
/* Blocks until the application ended; returns its exit status 0..63 (larger ones are logged and cut). */
int exec_wait(void) __may_sleep;
void posix_exit(void) __may_sleep; /* unmaps what the application left; closes its files */
/* Grows the application's stack at a fault inside its window: true when the access may be repeated. Any context. */
bool app_stack_fault(unsigned long addr);

/* Vectors up to this many stay on the kernel stack. */
#define UIO_FASTIOV 8
/*
 * Copies a vector of @nr buffers from the application into @fast (UIO_FASTIOV entries) or, when that is too small, into memory
 * that the caller kfree()s: *iov != @fast. Lengths are cut so that the sum is at most MAX_RW_COUNT. Returns the sum, -EINVAL
 * (@nr, a length), -EFAULT, -ENOMEM.
 */
ssize_t import_iovec(const void *uvec, unsigned long nr, struct iovec *fast, struct iovec **iov);
#endif
