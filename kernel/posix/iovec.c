// SPDX-License-Identifier: MIT
/*
 * The application's vectors of buffers, copied in and checked before anybody reads a length from them.
 *
 * Interface: import_iovec() (<kernel/posix.h>). Above: io.c, net/socket. Below: uaccess.
 * Context: process. Owns: nothing; a large vector's memory moves to the caller.
 * Specs: POSIX.1-2017 readv(), writev(); Linux's limits.
 */
#include <kernel/posix.h>

#include <kernel/mm.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <uapi/posix.h>

/**
 * import_iovec() - copies a vector from the application and bounds it
 * @uvec: the application's array of struct iovec
 * @nr: its entries, at most UIO_MAXIOV
 * @fast: room for UIO_FASTIOV entries
 * @iov: set to @fast, or to memory the caller kfree()s
 *
 * Lengths are cut so that the sum stays within MAX_RW_COUNT, as Linux does: a longer transfer is a short one.
 * Context: process. Return: the sum of lengths; -EINVAL too many entries or a negative length; -EFAULT; -ENOMEM.
 * On error nothing is left to free.
 */
ssize_t import_iovec(const void *uvec, unsigned long nr, struct iovec *fast, struct iovec **iov)
{
	struct iovec *v = fast;
	ssize_t err = -EFAULT;
	size_t total = 0;

	*iov = fast;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FASTIOV) {
		v = kmalloc(nr * sizeof(*v));
		if (!v)
			return -ENOMEM;
	}
	if (copy_from_user(v, uvec, nr * sizeof(*v)))
		goto out_free;
	err = -EINVAL;
	for (unsigned long i = 0; i < nr; i++) {
		if ((ssize_t)v[i].iov_len < 0)
			goto out_free;
		v[i].iov_len = min_t(size_t, v[i].iov_len, MAX_RW_COUNT - total);
		total += v[i].iov_len;
	}
	*iov = v;
	return (ssize_t)total;
out_free:
	if (v != fast)
		kfree(v);
	return err;
}
