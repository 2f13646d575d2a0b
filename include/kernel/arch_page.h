/* SPDX-License-Identifier: MIT */
/* Page geometry, shared by the plinth and the allocators. */
#ifndef KERNEL_ARCH_PAGE_H
#define KERNEL_ARCH_PAGE_H
#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#endif
