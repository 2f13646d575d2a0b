/* SPDX-License-Identifier: MIT */
/* Private to boot/: what long_mode.asm calls. */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H
#include <lib/types.h>

/* Fills boot_info from the loader's information at physical @mbi. Boot, IF=0. */
void multiboot_parse(u32 magic, u32 mbi);
#endif
