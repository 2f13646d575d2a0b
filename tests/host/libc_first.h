/* SPDX-License-Identifier: MIT */
/*
 * The C library's headers in a test that means the kernel's names where both have one: they come first in a file, and leave those free.
 *
 * Interface: none of its own. Above: ktest_calls.h, torture.h. Below: the C library.
 */
#ifndef LIBC_FIRST_H
#define LIBC_FIRST_H
#define timeval  host_timeval
#define timespec host_timespec
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef timeval
#undef timespec
#undef FD_SETSIZE
#undef SEEK_SET
#undef SEEK_CUR
#undef SEEK_END
#endif
