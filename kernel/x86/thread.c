// SPDX-License-Identifier: MIT
/*
 * Threads, the machine's part: first stack image, switch, FS base, vector state. Vector registers belong to
 * application threads only (the kernel is compiled without them), so they are saved and restored when such a
 * thread leaves or takes the CPU, by FXSAVE: CR4.OSXSAVE is off, so no program believes in AVX.
 *
 * Interface: arch_thread_init, arch_switch, arch_set_fs_base, arch_enter_app (<kernel/arch.h>), x86_kstack_top.
 * Above: kernel/sched.c, kernel/posix. Below: switch.asm. Context: IF=0 for the switch, else process.
 * Owns: FS base, vector registers, the kernel stack pointer that the entry code uses.
 * Specs: Intel SDM vol. 1 10.5 (FXSAVE), vol. 3 4.1; psABI AMD64 3.4.1.
 */
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/syscall.h>
#include <lib/bug.h>
#include <lib/string.h>

#include "x86.h"

/* syscall.asm has these two as numbers */
_Static_assert(offsetof(struct cpu, need_resched) == 17, "CPU_NEED_RESCHED in syscall.asm");
_Static_assert(NR_SYSCALLS == 512, "NR_SYSCALLS in syscall.asm");

#define FX_FCW     0 /* offsets in the FXSAVE image */
#define FX_MXCSR   24
#define FCW_INIT   0x37fU
#define MXCSR_INIT 0x1f80U

/* Words x86_switch_stack pops: r15 r14 r13 r12 rbx rbp and the return address, and two of padding above. */
enum { INIT_R12 = 3, INIT_RBX = 4, INIT_RIP = 6, INIT_WORDS = 9 };

unsigned long x86_kstack_top;
static struct arch_thread *running; /* NULL until the first switch */

static void *fx_area(struct arch_thread *t)
{
	return (void *)ALIGN((unsigned long)t->fxsave, 16);
}

static void fx_save(struct arch_thread *t)
{
	__asm__ volatile("fxsave64 (%0)" ::"r"(fx_area(t)) : "memory");
}

static void fx_restore(struct arch_thread *t)
{
	__asm__ volatile("fxrstor64 (%0)" ::"r"(fx_area(t)) : "memory");
}

static unsigned long read_fs_base(void)
{
	unsigned long base;

	if (!x86_features.fsgsbase)
		return rdmsr(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static void write_fs_base(unsigned long base)
{
	if (x86_features.fsgsbase)
		__asm__ volatile("wrfsbase %0" ::"r"(base));
	else
		wrmsr(MSR_FS_BASE, base);
}

/**
 * arch_thread_init() - prepares a thread's first switch
 * @t: its machine part; overwritten
 * @kstack_base: its kernel stack, ARCH_KSTACK_SIZE bytes, 16-byte aligned; stays the caller's
 * @fn: where it starts, with interrupts as the switch left them (off)
 * @arg: for @fn
 *
 * Context: process.
 */
void arch_thread_init(struct arch_thread *t, void *kstack_base, void (*fn)(void *), void *arg)
{
	u32 mxcsr = MXCSR_INIT;
	u16 fcw = FCW_INIT;
	unsigned long *sp;

	BUG_ON((unsigned long)kstack_base & 15);
	memset(t, 0, sizeof(*t));
	t->kstack_base = (unsigned long)kstack_base;
	t->kstack_top = t->kstack_base + ARCH_KSTACK_SIZE;
	memcpy((char *)fx_area(t) + FX_FCW, &fcw, sizeof(fcw));
	memcpy((char *)fx_area(t) + FX_MXCSR, &mxcsr, sizeof(mxcsr));
	/* after the return address was popped, the stack is 16-byte aligned, as before a call */
	sp = (unsigned long *)t->kstack_top - INIT_WORDS;
	memset(sp, 0, INIT_WORDS * sizeof(*sp));
	sp[INIT_R12] = (unsigned long)arg;
	sp[INIT_RBX] = (unsigned long)fn;
	sp[INIT_RIP] = (unsigned long)x86_thread_start;
	t->sp = (unsigned long)sp;
}

/**
 * arch_switch() - from the running thread to another
 * @prev: the running thread; its registers are stored there
 * @next: goes on where it was switched away, or starts
 *
 * Context: IF=0, kernel stack. Returns when somebody switches back.
 */
void arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	BUG_ON(!arch_irqs_disabled());
	BUG_ON(prev == next);
	if (prev->uses_fpu) {
		fx_save(prev);
		prev->fs_base = read_fs_base();
	}
	if (next->uses_fpu) {
		fx_restore(next);
		write_fs_base(next->fs_base);
	}
	running = next;
	x86_kstack_top = next->kstack_top;
	x86_switch_stack(&prev->sp, next->sp);
}

/**
 * arch_set_fs_base() - the running thread's FS base, at once
 * @base: where its TLS block is
 *
 * Context: process. A switch away stores it with the thread.
 */
void arch_set_fs_base(unsigned long base)
{
	if (running)
		running->fs_base = base;
	write_fs_base(base);
}

/**
 * arch_enter_app() - leaves the kernel into application code
 * @entry: first instruction
 * @sp: stack pointer, 16-byte aligned, at argc
 *
 * From here on the thread owns vector state, fresh as at exec. Context: process, on a thread's kernel stack, which
 * is empty from now on. Source: psABI AMD64 3.4.1 (registers at process entry).
 */
void arch_enter_app(unsigned long entry, unsigned long sp)
{
	BUG_ON(!running || (sp & 15));
	arch_irq_disable();
	running->uses_fpu = true;
	fx_restore(running);
	write_fs_base(running->fs_base);
	x86_enter_app(entry, sp);
}
