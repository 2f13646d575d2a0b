/* SPDX-License-Identifier: MIT */
/*
 * Given to every kernel source of the host build by -include: the kernel's mem* and str* get names of their own,
 * so that they never meet the C library's. Test sources and tests/host do without it.
 */
#ifndef HOST_RENAME_H
#define HOST_RENAME_H
#define memcpy  k_memcpy
#define memmove k_memmove
#define memset  k_memset
#define memcmp  k_memcmp
#define memchr  k_memchr
#define strlen  k_strlen
#define strnlen k_strnlen
#define strcmp  k_strcmp
#define strncmp k_strncmp
#define strchr  k_strchr
#define strrchr k_strrchr
#endif
