/* SPDX-License-Identifier: MIT */
/* Private to kernel/x86: ports, MSRs, CPUID, what the linker and the assembly files define, the frames. */
#ifndef X86_X86_H
#define X86_X86_H
#include <lib/capability.h>
#include <lib/types.h>

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port) : "memory");
}

static inline u32 inl(u16 port)
{
	u32 v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)(v & UINT32_MAX)), "d"((u32)(v >> 32))
			 : "memory");
}

#define MSR_APIC_BASE 0x1bU
#define MSR_EFER      0xc0000080U
#define MSR_STAR      0xc0000081U
#define MSR_LSTAR     0xc0000082U
#define MSR_FMASK     0xc0000084U
#define MSR_FS_BASE   0xc0000100U
#define EFER_SCE      BIT(0)
#define EFER_NXE      BIT(11)

/* What CPUID said; set by arch_cpu_init(), read by the others. */
struct x86_features {
	char vendor[13];
	bool apic, pge, nx, smep, smap, umip, fsgsbase, rdrand;
};
extern struct x86_features x86_features;

/* From linker.ld. */
extern const char __load_start[], __text_start[], __text_end[], __app_text[], __app_text_end[];
extern const char __rodata_start[], __rodata_end[], __data_start[], __bss_end[];

/* From the assembly files. */
extern const unsigned long vector_table[256];
extern char ist1_guard[], ist1_top[], ist2_guard[], ist2_top[], ist3_guard[], ist3_top[];
extern char boot_stack_guard[], boot_stack[], boot_stack_top[];
extern u64 boot_pdpt[512];
void syscall_entry(void);
void x86_thread_start(void);
void x86_switch_stack(unsigned long *save_sp, unsigned long sp);
void x86_enter_app(unsigned long entry, unsigned long sp) __noreturn;

/* thread.c; the entry code reads it */
extern unsigned long x86_kstack_top;

/* vectors.asm: what the interrupt entry left on the stack. */
struct irq_frame {
	u64 r11, r10, r9, r8, rdi, rsi, rcx, rdx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* vectors.asm: what the exception entry left on the stack. */
struct fault_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};
void irq_entry(const struct irq_frame *f) __needs(irqs_off);
void fault_entry(struct fault_frame *f);

#define VECTOR_IRQ0          0x20U /* 16 lines of the PIC */
#define VECTOR_APIC_TIMER    0x40U
#define VECTOR_APIC_SPURIOUS 0xffU

/* i8259.c */
bool i8259_spurious(unsigned int irq)
	__needs(irqs_off); /* line 7 or 15 without a request: counted and acknowledged here */
/* irqs of vectors that nobody raises, and the APIC's spurious one */
void x86_count_spurious(void);

/* apic.c: the local APIC, when CPUID knows one. */
bool apic_init(void); /* false: there is none that we use */
void apic_eoi(void);
u32 apic_timer_count(void);
void apic_timer_free_run(void); /* counts down from the maximum, masked: for calibration */
void apic_timer_start(u32 count) __needs(irqs_off); /* one interrupt after @count; 0 stops it */

/* clock.c */
u64 clock_boot_cycles(void);
void clock_timer_interrupt(void (*timer_fn)(void))
	__needs(irqs_off); /* the one-shot timer fired: re-arms it or calls @timer_fn */
bool clock_timer_is_pit(void);
#define PIT_HZ 1193182ULL

/* paging.c */
bool x86_mapped(unsigned long va);            /* a page is present there, by our own tables */
const char *x86_guard_name(unsigned long va); /* whose fixed guard page this is, or NULL */

/* backtrace.c */
unsigned int x86_backtrace(unsigned long fp, unsigned long *pc, unsigned int max);
#endif
