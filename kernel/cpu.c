// SPDX-License-Identifier: MIT
/*
 * The one CPU's data. Everybody reaches it through this_cpu().
 *
 * Interface: boot_cpu.  Context: any.  Specs: none.
 */
#include <kernel/cpu.h>

struct cpu boot_cpu;
