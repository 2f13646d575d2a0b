/* SPDX-License-Identifier: MIT */
/* Byte order: conversions between host (little endian) and wire, and unaligned loads and stores. */
#ifndef LIB_BYTEORDER_H
#define LIB_BYTEORDER_H
#include <lib/types.h>

#define htons(x)       ((__force __be16)__builtin_bswap16((u16)(x)))
#define ntohs(x)       __builtin_bswap16((__force u16)(x))
#define htonl(x)       ((__force __be32)__builtin_bswap32((u32)(x)))
#define ntohl(x)       __builtin_bswap32((__force u32)(x))
#define cpu_to_le16(x) ((__force __le16)(u16)(x))
#define cpu_to_le32(x) ((__force __le32)(u32)(x))
#define cpu_to_le64(x) ((__force __le64)(u64)(x))
#define le16_to_cpu(x) ((__force u16)(x))
#define le32_to_cpu(x) ((__force u32)(x))
#define le64_to_cpu(x) ((__force u64)(x))

static inline u16 get_unaligned_be16(const void *p)
{
	const u8 *b = p;
	return (u16)(b[0] << 8 | b[1]);
}

static inline u32 get_unaligned_be32(const void *p)
{
	const u8 *b = p;
	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

static inline void put_unaligned_be16(u16 v, void *p)
{
	u8 *b = p;
	b[0] = (u8)(v >> 8);
	b[1] = (u8)(v & 0xff);
}

static inline void put_unaligned_be32(u32 v, void *p)
{
	u8 *b = p;
	b[0] = (u8)(v >> 24);
	b[1] = (u8)(v >> 16);
	b[2] = (u8)(v >> 8);
	b[3] = (u8)(v & 0xff);
}
#endif
