/* SPDX-License-Identifier: MIT */
/*
 * Bounds-checked reader: the only way bytes from outside with inner lengths (options, TLVs) are walked.
 * A read past the end returns false (or 0) and leaves the reader in the failed state (left == 0, bad set).
 */
#ifndef LIB_READER_H
#define LIB_READER_H
#include <lib/byteorder.h>
#include <lib/types.h>

struct reader {
	const u8 *p; /* next unread byte */
	u32 left;    /* bytes that may still be read */
	bool bad;    /* a read went past the end */
};

static inline struct reader rd_init(const void *p, u32 len)
{
	return (struct reader){ .p = p, .left = len };
}

/* Takes @n bytes: pointer to them, or NULL (reader is bad from then on). */
static inline const u8 *rd_take(struct reader *r, u32 n)
{
	const u8 *p = r->p;
	if (n > r->left) {
		r->left = 0;
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline u8 rd_u8(struct reader *r)
{
	const u8 *p = rd_take(r, 1);
	return p ? *p : 0;
}

static inline u16 rd_be16(struct reader *r)
{
	const u8 *p = rd_take(r, 2);
	return p ? get_unaligned_be16(p) : 0;
}

static inline u32 rd_be32(struct reader *r)
{
	const u8 *p = rd_take(r, 4);
	return p ? get_unaligned_be32(p) : 0;
}

/* A reader over the next @n bytes only; empty and bad when there are not that many. */
static inline struct reader rd_sub(struct reader *r, u32 n)
{
	const u8 *p = rd_take(r, n);
	return (struct reader){ .p = p, .left = p ? n : 0, .bad = !p };
}
#endif
