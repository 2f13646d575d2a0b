// SPDX-License-Identifier: MIT
/*
 * Exceptions in words: what happened, to whom, with which registers, called from where; then the run ends. The
 * machine's half (vectors, registers, repair by the exception table) is kernel/x86/idt.c.
 *
 * Interface: trap_page_missing, trap_report (<kernel/trap.h>). Above: nothing. Below: kernel/printk.c, panic.c,
 * sched.c, kernel/posix (application stack). Context: exception, IF=0, own stack. Owns: nothing.
 */
#include <kernel/trace.h>
#include <kernel/trap.h>

#include <kernel/arch.h>
#include <kernel/ksyms.h>
#include <kernel/posix.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <lib/printf.h>

#define LINE_MAX 100

/**
 * trap_page_missing() - tries to make a missing page present
 * @addr: the address that was touched
 *
 * Context: exception, IF=0. Return: true when the access may be repeated.
 */
bool trap_page_missing(unsigned long addr)
{
	return app_stack_fault(addr);
}

/* Guard pages lie right below a stack: the running thread's, or one the machine side knows by name. */
static bool describe_overflow(const struct trap_info *t)
{
	const struct thread *me = current_thread();

	if (t->guard) {
		printk(LOG_EMERG, "trap: %s: stack overflow: guard page of the %s at 0x%lx",
		       t->name, t->guard, t->addr);
		return true;
	}
	if (me && me->arch.kstack_base && t->addr < me->arch.kstack_base &&
	    t->addr >= me->arch.kstack_base - PAGE_SIZE) {
		printk(LOG_EMERG, "trap: %s: stack overflow: guard page of thread '%s' at 0x%lx",
		       t->name, me->name ? me->name : "?", t->addr);
		return true;
	}
	if (t->kind == TRAP_PAGE_FAULT && !t->present && !t->exec &&
	    t->addr - t->sp + PAGE_SIZE < 2 * PAGE_SIZE) {
		printk(LOG_EMERG,
		       "trap: %s: stack overflow: no page at 0x%lx, where the stack pointer is",
		       t->name, t->addr);
		return true;
	}
	return false;
}

static void describe(const struct trap_info *t)
{
	if (t->kind == TRAP_BUG) {
		printk(LOG_EMERG, "assertion failed: %s:%lu: %s", t->bug_file, t->bug_line,
		       t->bug_text);
		return;
	}
	if (t->addr >= PAGE_SIZE && describe_overflow(t))
		return;
	if (t->kind == TRAP_PAGE_FAULT) {
		const char *what = t->exec ? "execution of" : t->write ? "write to" : "read of";
		const char *why = t->present ? "protected" : "not present";

		printk(LOG_EMERG, "trap: %s: %s 0x%lx (%s%s)", t->name, what, t->addr, why,
		       t->addr < PAGE_SIZE ? ", page 0: null pointer" : "");
		return;
	}
	printk(LOG_EMERG, "trap: %s (error code 0x%llx)", t->name, (unsigned long long)t->error);
}

static void print_registers(const struct trap_info *t)
{
	char line[LINE_MAX];
	int len = 0;

	for (u32 i = 0; i < t->nr_regs && i < TRAP_MAX_REGS; i++) {
		len += scnprintf(line + len, sizeof(line) - (size_t)len, " %5s %016llx",
				 t->reg[i].name, (unsigned long long)t->reg[i].value);
		if (i % 4 == 3 || i + 1 == t->nr_regs) {
			printk(LOG_EMERG, "trap:%s", line);
			len = 0;
		}
	}
}

/**
 * trap_report() - the end of a run by exception
 * @t: what happened; the machine side's
 *
 * Context: exception, IF=0.
 */
void trap_report(const struct trap_info *t)
{
	const struct thread *me = current_thread();
	unsigned long offset;

	describe(t);
	printk(LOG_EMERG, "trap: in thread '%s', %s, at %pS", me && me->name ? me->name : "?",
	       arch_in_app_text(t->pc)       ? "application code"
	       : ksym_lookup(t->pc, &offset) ? "kernel code"
					     : "no code",
	       (void *)t->pc);
	print_registers(t);
	dump_backtrace(t->trace, t->nr_trace);
	trace_dump(TRACE_IN_CRASH);
	kernel_exit(t->kind == TRAP_BUG ? EXIT_ASSERTION : EXIT_PANIC);
}
