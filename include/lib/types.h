/* SPDX-License-Identifier: MIT */
/*
 * Fixed-width types and the handful of macros every room uses. No state, no code that is called.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#ifndef __ssize_t_defined
typedef long ssize_t;
#define __ssize_t_defined
#endif

/* Values in network byte order, and device memory: sparse tells them from plain integers. */
#ifdef __CHECKER__
#define __bitwise __attribute__((bitwise))
#define __force   __attribute__((force))
#define __iomem   __attribute__((noderef, address_space(2)))
#else
#define __bitwise
#define __force
#define __iomem
#endif
typedef u16 __bitwise __be16;
typedef u32 __bitwise __be32;
typedef u16 __bitwise __le16;
typedef u32 __bitwise __le32;
typedef u64 __bitwise __le64;

#define __packed     __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __noreturn   __attribute__((noreturn))
#define __unused     __attribute__((unused))
#define __must_check __attribute__((warn_unused_result))
/*
 * What the function returns is memory or an object that @fn, to whose argument number @arg it is handed, takes back: gcc's
 * analyzer then sees leaks, double frees and uses after hand-over. A function may have several.
 */
#ifdef __clang__
#define __freed_by(fn, arg)
#else
#define __freed_by(fn, arg) __attribute__((malloc(fn, arg)))
#endif
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define fallthrough         __attribute__((fallthrough))
#define likely(x)           __builtin_expect(!!(x), 1)
#define unlikely(x)         __builtin_expect(!!(x), 0)
#define barrier()           __asm__ volatile("" ::: "memory")
#define READ_ONCE(x)        (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)    (*(volatile __typeof__(x) *)&(x) = (v))

#define static_assert _Static_assert

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) _a = (a);                                                            \
		__typeof__(b) _b = (b);                                                            \
		_a < _b ? _a : _b;                                                                 \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) _m = (a);                                                            \
		__typeof__(b) _n = (b);                                                            \
		_m > _n ? _m : _n;                                                                 \
	})
#define min_t(t, a, b)     min((t)(a), (t)(b))
#define max_t(t, a, b)     max((t)(a), (t)(b))
#define ALIGN(x, a)        (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define BIT(n)             (1UL << (n))

#define USEC_PER_SEC  1000000ULL
#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC  1000000000ULL
#endif
