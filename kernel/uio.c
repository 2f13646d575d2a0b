// SPDX-License-Identifier: MIT
/*
 * iov_iter: a position in scattered application memory, moved on as bytes are copied.
 *
 * Interface: iov_iter_init(), iov_iter_kvec(), copy_from_iter(), copy_to_iter(), iov_iter_advance().
 * Above: the socket layer and the protocols' one copy (net/core/skbuff.c).  Below: <kernel/uaccess.h>.
 * Context: process; a page that is not there gives -EFAULT, never a panic.
 * Owns: nothing; the vector is borrowed for as long as the iterator lives.
 */
#include <kernel/uio.h>

#include <kernel/uaccess.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>

/**
 * iov_iter_init() - sets @i to the first byte of the @nr vectors at @iov.
 * @iov: kernel copy, borrowed; the caller has checked that the lengths' sum does not overflow.
 * Context: any.
 */
void iov_iter_init(struct iov_iter *i, const struct iovec *iov, unsigned long nr)
{
	i->iov = iov;
	i->nr = nr;
	i->offset = 0;
	i->count = 0;
	i->ours = false;
	for (unsigned long k = 0; k < nr; k++) {
		BUG_ON(i->count + iov[k].iov_len < i->count);
		i->count += iov[k].iov_len;
	}
}

/**
 * iov_iter_kvec() - iov_iter_init() for vectors that lie in kernel memory.
 * Context: any.
 */
void iov_iter_kvec(struct iov_iter *i, const struct iovec *iov, unsigned long nr)
{
	iov_iter_init(i, iov, nr);
	i->ours = true;
}

/* The contiguous bytes at the position, at most @n of them; steps over empty vectors. */
static void *iter_piece(struct iov_iter *i, size_t n, size_t *len)
{
	while (i->nr && i->offset == i->iov->iov_len) {
		i->iov++;
		i->nr--;
		i->offset = 0;
	}
	BUG_ON(!i->nr);
	*len = min(n, i->iov->iov_len - i->offset);
	return (char *)i->iov->iov_base + i->offset;
}

static void iter_step(struct iov_iter *i, size_t len)
{
	i->offset += len;
	i->count -= len;
}

/**
 * copy_from_iter() - copies the next @n bytes of the application to @dst and moves on.
 * Context: process. @n may not exceed iov_iter_count(): asserted.
 * Return: 0; -EFAULT, and the position is undefined.
 */
int copy_from_iter(void *dst, size_t n, struct iov_iter *i)
{
	u8 *to = dst;

	BUG_ON(n > i->count);
	while (n) {
		size_t len;
		const void *from = iter_piece(i, n, &len);

		if (i->ours)
			memcpy(to, from, len);
		else if (copy_from_user(to, from, len))
			return -EFAULT;
		iter_step(i, len);
		to += len;
		n -= len;
	}
	return 0;
}

/**
 * copy_to_iter() - copies @n bytes from @src to the application and moves on.
 * Context: process. @n may not exceed iov_iter_count(): asserted.
 * Return: 0; -EFAULT, and the position is undefined.
 */
int copy_to_iter(const void *src, size_t n, struct iov_iter *i)
{
	const u8 *from = src;

	BUG_ON(n > i->count);
	while (n) {
		size_t len;
		void *to = iter_piece(i, n, &len);

		if (i->ours)
			memcpy(to, from, len);
		else if (copy_to_user(to, from, len))
			return -EFAULT;
		iter_step(i, len);
		from += len;
		n -= len;
	}
	return 0;
}

/**
 * iov_iter_advance() - moves the position on by @n bytes without copying.
 * Context: any. @n may not exceed iov_iter_count(): asserted.
 */
void iov_iter_advance(struct iov_iter *i, size_t n)
{
	BUG_ON(n > i->count);
	while (n) {
		size_t len;

		(void)iter_piece(i, n, &len);
		iter_step(i, len);
		n -= len;
	}
}
