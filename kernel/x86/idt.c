// SPDX-License-Identifier: MIT
/*
 * Where the CPU comes in: the descriptor table, the dispatch of interrupts to whom arch_set_handlers() named, and
 * the machine half of exceptions. A page fault may be repaired (application stack grows, an instruction of the
 * exception table goes on elsewhere); every other exception becomes a struct trap_info for kernel/trap.c. A
 * fault while a report is under way ends the run at once, so that none can hang.
 *
 * Interface: idt_init, irq_entry, fault_entry, arch_set_handlers, arch_in_app_text. Above: kernel/trap.c,
 * kernel/irq.c. Below: vectors.asm, i8259.c, apic.c. Context: hardirq; exceptions on their own stack, IF=0.
 * Owns: the IDT. Specs: Intel SDM vol. 3 6.10-6.15.
 */
#include <kernel/arch.h>
#include <kernel/printk.h>
#include <kernel/trap.h>
#include <lib/bug.h>
#include <lib/string.h>

#include "idt.h"
#include "x86.h"

#define GATE_INTERRUPT 0x8eU /* present, ring 0, IF cleared on entry */
#define IST_DEVICE     1
#define IST_FAULT      2
#define IST_FATAL      3
#define VEC_NMI        2
#define VEC_UD         6
#define VEC_DF         8
#define VEC_GP         13
#define VEC_PF         14
#define VEC_MC         18
#define PF_PRESENT     BIT(0)
#define PF_WRITE       BIT(1)
#define PF_FETCH       BIT(4)

struct gate {
	u16 offset0, selector;
	u8 ist, type;
	u16 offset1;
	u32 offset2, zero;
};

struct ex_entry {
	unsigned long addr, go_on;
};

extern const struct ex_entry __start___ex_table[], __stop___ex_table[];
extern const struct bug_entry __start___bug_table[], __stop___bug_table[];

static struct gate idt[256];
static void (*irq_fn)(unsigned int irq);
static void (*timer_fn)(void);
static void (*irq_exit_fn)(bool from_app);
static u32 reports; /* how deep in reporting an exception */

static const char *const vector_name[32] = {
	"divide error",
	"debug exception",
	"non-maskable interrupt",
	"breakpoint",
	"overflow",
	"bound range exceeded",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor segment overrun",
	"invalid task state segment",
	"segment not present",
	"stack segment fault",
	"general protection fault",
	"page fault",
	"exception 15",
	"x87 floating-point error",
	"alignment check",
	"machine check",
	"SIMD floating-point error",
	"virtualization exception",
	"control protection exception",
	"exception 22",
	"exception 23",
	"exception 24",
	"exception 25",
	"exception 26",
	"exception 27",
	"hypervisor injection exception",
	"VMM communication exception",
	"security exception",
	"exception 31",
};

/** idt_init() - enters all 256 vectors. Context: boot, IF=0. Source: SDM vol. 3 6.14.1. */
void idt_init(void)
{
	struct __packed {
		u16 limit;
		u64 base;
	} idtr = { sizeof(idt) - 1, (u64)idt };

	for (unsigned int v = 0; v < ARRAY_SIZE(idt); v++) {
		unsigned long a = vector_table[v];
		u8 ist = v >= 32 ? IST_DEVICE : IST_FAULT;

		if (v == VEC_NMI || v == VEC_DF || v == VEC_MC)
			ist = IST_FATAL;
		idt[v] = (struct gate){ (u16)a,         8, ist, GATE_INTERRUPT, (u16)(a >> 16),
					(u32)(a >> 32), 0 };
	}
	__asm__ volatile("lidt %0" ::"m"(idtr) : "memory");
}

/**
 * arch_set_handlers() - names whom the vectors call
 * @irq: a device line interrupted; masks and acknowledges it
 * @timer: the one-shot timer fired
 * @irq_exit: after each of them; may enable interrupts, run softirqs and switch threads
 *
 * Context: boot, IF=0. The functions run in hardirq, IF=0.
 */
void arch_set_handlers(void (*irq)(unsigned int irq), void (*timer)(void),
		       void (*irq_exit)(bool from_app))
{
	BUG_ON(!irq || !timer || !irq_exit);
	irq_fn = irq;
	timer_fn = timer;
	irq_exit_fn = irq_exit;
}

/**
 * arch_in_app_text() - is this application code?
 * @pc: a code address
 *
 * Context: any. Return: true when it lies in the linked application's text or in its own pages.
 */
bool arch_in_app_text(unsigned long pc)
{
	return (pc >= (unsigned long)__app_text && pc < (unsigned long)__app_text_end) ||
	       pc - arch_vmalloc_base < arch_vmalloc_size;
}

/* Kernel text alone may not be preempted. What else runs is the application's, also code it made in pages of its own. */
static bool in_kernel_text(unsigned long pc)
{
	return pc >= (unsigned long)__text_start && pc < (unsigned long)__app_text;
}

/**
 * irq_entry() - every vector from 32 up
 * @f: the frame, on the interrupted thread's kernel stack
 *
 * Context: hardirq, IF=0; the exit work may turn interrupts on before it returns.
 */
void irq_entry(const struct irq_frame *f)
{
	unsigned int irq = (unsigned int)f->vector - VECTOR_IRQ0;

	BUG_ON(!irq_exit_fn); /* interrupts were enabled before there was anybody to take them */
	if (f->vector == VECTOR_APIC_TIMER) {
		apic_eoi();
		clock_timer_interrupt(timer_fn);
	} else if (irq >= ARCH_NR_IRQS) {
		x86_count_spurious();
		return;
	} else if (i8259_spurious(irq)) {
		return;
	} else if (irq == 0 && clock_timer_is_pit()) {
		arch_irq_eoi(0);
		clock_timer_interrupt(timer_fn);
	} else {
		irq_fn(irq);
	}
	irq_exit_fn(!in_kernel_text(f->rip));
}

static bool fix_exception(struct fault_frame *f)
{
	unsigned long bytes = (unsigned long)__stop___ex_table - (unsigned long)__start___ex_table;

	for (size_t i = 0; i < bytes / sizeof(struct ex_entry); i++) {
		const struct ex_entry *e = &__start___ex_table[i];

		if (e->addr == f->rip) {
			f->rip = e->go_on;
			return true;
		}
	}
	return false;
}

static void find_bug(struct trap_info *t)
{
	unsigned long bytes =
		(unsigned long)__stop___bug_table - (unsigned long)__start___bug_table;

	for (size_t i = 0; i < bytes / sizeof(struct bug_entry); i++) {
		const struct bug_entry *b = &__start___bug_table[i];

		if (b->addr == t->pc) {
			t->kind = TRAP_BUG;
			t->bug_file = (const char *)(unsigned long)b->file;
			t->bug_text = (const char *)(unsigned long)b->text;
			t->bug_line = b->line;
		}
	}
}

static void add_reg(struct trap_info *t, const char *name, u64 value)
{
	BUG_ON(t->nr_regs >= TRAP_MAX_REGS);
	t->reg[t->nr_regs++] = (struct trap_reg){ name, value };
}

static void list_registers(struct trap_info *t, const struct fault_frame *f, unsigned long cr2)
{
	unsigned long cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	add_reg(t, "rip", f->rip);
	add_reg(t, "rsp", f->rsp);
	add_reg(t, "rbp", f->rbp);
	add_reg(t, "flags", f->rflags);
	add_reg(t, "rax", f->rax);
	add_reg(t, "rbx", f->rbx);
	add_reg(t, "rcx", f->rcx);
	add_reg(t, "rdx", f->rdx);
	add_reg(t, "rsi", f->rsi);
	add_reg(t, "rdi", f->rdi);
	add_reg(t, "r8", f->r8);
	add_reg(t, "r9", f->r9);
	add_reg(t, "r10", f->r10);
	add_reg(t, "r11", f->r11);
	add_reg(t, "r12", f->r12);
	add_reg(t, "r13", f->r13);
	add_reg(t, "r14", f->r14);
	add_reg(t, "r15", f->r15);
	add_reg(t, "cr2", cr2);
	add_reg(t, "cr3", cr3);
}

static void list_callers(struct trap_info *t, const struct fault_frame *f)
{
	t->trace[t->nr_trace++] = f->rip;
	/* a jump to nowhere was a call: who called stands on the stack, no frame was made yet */
	if (t->exec && !(f->rsp & 7) && x86_mapped(f->rsp))
		t->trace[t->nr_trace++] = *(const unsigned long *)f->rsp;
	t->nr_trace += x86_backtrace(f->rbp, t->trace + t->nr_trace, TRAP_MAX_TRACE - t->nr_trace);
}

/* A fault inside the report: whatever printk is made of may be what is broken, so the console is asked directly. */
static void __noreturn give_up(void)
{
	static const char text[] = "\ntrap: another fault while reporting one\nexit: 64\n";

	if (reports == 2)
		arch_console_write(text, sizeof(text) - 1);
	arch_exit(EXIT_PANIC);
}

/**
 * fault_entry() - every exception
 * @f: the interrupted state, on the fault stack
 *
 * Returns only when the instruction may be repeated or the exception table changed f->rip; else the run ends.
 * Context: IF=0. Source: SDM vol. 3 6.15.
 */
void fault_entry(struct fault_frame *f)
{
	static struct trap_info t; /* large, and one is enough: the second ends the run */
	unsigned long cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	if (!reports && f->vector == VEC_PF && !(f->error & PF_PRESENT) && trap_page_missing(cr2))
		return;
	if ((f->vector == VEC_PF || f->vector == VEC_GP) && fix_exception(f))
		return;
	if (reports++)
		give_up();
	t.name = f->vector < 32 ? vector_name[f->vector] : "unknown vector";
	t.error = f->error;
	t.pc = f->rip;
	t.sp = f->rsp;
	if (f->vector == VEC_PF || f->vector == VEC_DF) {
		/* a double fault comes most often from a page fault on a bad stack: CR2 tells which */
		t.addr = cr2;
		t.guard = x86_guard_name(cr2);
	}
	if (f->vector == VEC_PF) {
		t.kind = TRAP_PAGE_FAULT;
		t.write = f->error & PF_WRITE;
		t.exec = f->error & PF_FETCH;
		t.present = f->error & PF_PRESENT;
	}
	if (f->vector == VEC_UD)
		find_bug(&t);
	list_registers(&t, f, cr2);
	list_callers(&t, f);
	trap_report(&t);
}
