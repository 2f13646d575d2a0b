/* SPDX-License-Identifier: MIT */
/* What the loader told us, copied: no pointer into loader memory but the modules' bytes. Set once at boot. */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H
#include <lib/types.h>

#define BOOT_MAX_REGIONS 64
#define BOOT_MAX_MODULES 16
#define BOOT_CMDLINE_MAX 4096

struct boot_region {
	u64 base, len; /* bytes; usable RAM only, page-aligned inwards, sorted, no overlap */
};

struct boot_module {
	u64 base, len; /* the file's bytes, in RAM (identity-mapped, read-only to everybody) */
	char name
		[256]; /* its command line as the loader gave it (GRUB: arguments; QEMU: path and arguments) */
};

struct boot_info {
	char loader[64];
	char cmdline[BOOT_CMDLINE_MAX]; /* without the kernel's own path */
	u32 nr_regions;
	u32 nr_modules;
	struct boot_region region[BOOT_MAX_REGIONS];
	struct boot_module module[BOOT_MAX_MODULES];
	u64 image_base, image_end; /* the kernel with its bss, page-aligned outwards */
	u64 ram_bytes;             /* sum of the regions before anything is taken */
};

extern struct boot_info boot_info;
#endif
