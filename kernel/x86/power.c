// SPDX-License-Identifier: MIT
/*
 * The power switch, and the idle state.
 *
 * Interface: arch_exit, arch_idle (<kernel/arch.h>). Above: kernel/panic.c, kernel/sched.c. Below: serial.c.
 * Context: exit any, idle with IF=0. Owns: port 0xf4. Specs: QEMU isa-debug-exit (status becomes (v << 1) | 1).
 */
#include <kernel/arch.h>

#include "serial.h"
#include "x86.h"

#define DEBUG_EXIT_PORT 0xf4U

/**
 * arch_exit() - ends the machine
 * @status: 0..127, reaches the one who started it through isa-debug-exit
 *
 * Where no such device listens, the CPU halts for good with interrupts off. Context: any.
 */
void arch_exit(int status)
{
	arch_irq_disable();
	serial_drain();
	outl(DEBUG_EXIT_PORT, (u32)status);
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

/**
 * arch_idle() - halts until an interrupt
 *
 * Context: IF=0 on entry, so that the caller's last look and the halt are one step: sti takes effect after the
 * instruction that follows it. IF=1 on return. Source: Intel SDM vol. 2, STI.
 */
void arch_idle(void) __unchecked
{
	__asm__ volatile("sti\n\thlt" ::: "memory");
}
