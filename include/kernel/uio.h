/* SPDX-License-Identifier: MIT */
/* A position in scattered application memory, consumed as bytes are copied. Process context. */
#ifndef KERNEL_UIO_H
#define KERNEL_UIO_H
#include <kernel/file.h>
#include <lib/types.h>

struct iov_iter {
	const struct iovec *iov; /* kernel copy of the vector; borrowed */
	unsigned long nr;        /* vectors left */
	size_t offset;           /* bytes of iov[0] consumed */
	size_t count;            /* bytes left in all */
	bool ours;               /* kernel memory: cannot fault */
};

static inline size_t iov_iter_count(const struct iov_iter *i)
{
	return i->count;
}

void iov_iter_init(struct iov_iter *i, const struct iovec *iov, unsigned long nr);
/* The same over kernel memory, for those that use sockets from inside. */
void iov_iter_kvec(struct iov_iter *i, const struct iovec *iov, unsigned long nr);
/* Copies @n <= count bytes and advances; on -EFAULT the position is undefined. */
int copy_from_iter(void *dst, size_t n, struct iov_iter *i);
int copy_to_iter(const void *src, size_t n, struct iov_iter *i);
void iov_iter_advance(struct iov_iter *i, size_t n);
#endif
