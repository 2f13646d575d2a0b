// SPDX-License-Identifier: MIT
/*
 * The ends of a run: panic with a backtrace, and the exit line that scripts believe.
 *
 * A panic inside a panic, or an end inside an end, must still end: each step is taken once, and what fails
 * inside it falls through to the next, shorter one.
 *
 * Interface: panic(), boot_no_memory(), kernel_exit(), dump_backtrace().
 * Above: everybody.  Below: printk, ksyms (through %pS), arch_backtrace(), arch_exit().
 * Context: any.  Owns: nothing.
 */
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/trace.h>
#include <lib/printf.h>
#include <lib/string.h>

enum { TRACE_MAX = 32 };

static struct {
	bool panicking;
	bool exiting;
} end;

/**
 * dump_backtrace() - prints return addresses with function names, innermost first.
 * @pc: the addresses, or NULL for those of the running code.
 * @n: how many stand at @pc; ignored when @pc is NULL.
 * Context: any.
 */
void dump_backtrace(const unsigned long *pc, unsigned int n)
{
	unsigned long own[TRACE_MAX];
	if (!pc) {
		n = arch_backtrace(own, TRACE_MAX);
		pc = own;
	}
	pr_crit("backtrace:");
	for (unsigned int i = 0; i < n; i++)
		pr_crit("  #%-2u 0x%08lx %pS", i, pc[i], (const void *)pc[i]);
}

/**
 * panic() - a condition the kernel cannot go on from: message, backtrace, status EXIT_PANIC.
 * Context: any.
 */
void panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	local_irq_save();
	if (end.panicking)
		kernel_exit(EXIT_PANIC);
	end.panicking = true;
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_crit("PANIC: %s", text);
	dump_backtrace(NULL, 0);
	trace_dump(TRACE_IN_CRASH);
	kernel_exit(EXIT_PANIC);
}

/**
 * boot_no_memory() - the machine is too small to start, which is nobody's mistake: a message and EXIT_NO_MEMORY.
 * @what: for what there was none.
 * Context: any.
 */
void boot_no_memory(const char *what)
{
	pr_crit("boot: out of memory: %s", what);
	kernel_exit(EXIT_NO_MEMORY);
}

/**
 * kernel_exit() - prints "exit: N" as the last line and ends the machine.
 * @status: 0..127.
 * Context: any.
 */
void kernel_exit(int status)
{
	char line[32];
	local_irq_save();
	if (!end.exiting) {
		end.exiting = true;
		fault_report();
		int n = scnprintf(line, sizeof(line), "exit: %d\n", status & 127);
		console_fresh_line();
		console_write(line, (size_t)n);
	}
	arch_exit(status & 127);
}
