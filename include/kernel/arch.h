/* SPDX-License-Identifier: MIT */
/*
 * The plinth: everything the kernel asks of the machine. kernel/x86 answers on iron, tests/host on a laptop.
 * Only kernel/, drivers/pci and boot/ include this header; rooms above ask the kernel's own services.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H
#include <arch/cpu.h>
#include <kernel/arch_page.h>
#include <lib/capability.h>
#include <lib/types.h>

struct boot_info;
struct thread;

/* --- Bring-up ----------------------------------------------------------------------------------------- */
void arch_early_init(void); /* serial console; before the first printk */
/* Maps one GiB of RAM above the first four till arch_paging_init(); @table, a page below 4 GiB, is taken for it. */
void arch_early_map_gib(u64 base, u64 table);
void arch_cpu_init(void); /* GDT, TSS, IDT, FPU, syscall MSRs; IF stays 0 */
void arch_paging_init(
	const struct boot_info *b);          /* after page_alloc_init(): our own page tables, W^X */
void arch_time_init(void) __needs(irqs_off); /* TSC calibrated, one-shot timer found; <= 10 ms */
void arch_irqchip_init(void);                /* every line masked, spurious vectors known */

/* --- Console, power ----------------------------------------------------------------------------------- */
void arch_console_write(const char *s, size_t n); /* any context, polls the UART, never sleeps */
/* One byte from the console, or -1 when none waits. Any context. */
int arch_console_getc(void);
/* The second serial line, for programs (kernel/posix/tty.c); it interrupts on its own line. */
#define ARCH_SERIAL_IRQ 3
bool arch_serial_open(void); /* reset, silent; false: there is none. Process. */
void arch_serial_close(void);
void arch_serial_irqs(bool receive, bool transmit) __needs(irqs_off); /* what it interrupts for */
bool arch_serial_pending(void); /* an interrupt is pending; hardirq, till it says no */
int arch_serial_getc(void);     /* a byte, or -1 */
size_t arch_serial_room(void);  /* how many bytes put() takes now */
void arch_serial_put(const u8 *bytes, size_t n);
/* Ends the machine; @status 0..127 reaches the one who started it (isa-debug-exit on QEMU). */
void arch_exit(int status) __noreturn;

/* --- Time --------------------------------------------------------------------------------------------- */
u64 arch_clock_ns(void);      /* monotonic ns since boot; any context */
u64 arch_wallclock_sec(void); /* seconds since 1970 (RTC); process context, slow */
void arch_timer_arm(u64 deadline_ns)
	__needs(irqs_off); /* one-shot interrupt at or after @deadline_ns; U64_MAX disarms; IF=0 */
/*
 * Improves the calibration without a step of the clock. Process or softirq. First call within 1 s of
 * arch_time_init(), then the intervals may grow tenfold, up to a minute; a call that comes too late only begins anew.
 */
void arch_clock_refine(void);

/* --- Interrupts --------------------------------------------------------------------------------------- */
#define ARCH_NR_IRQS 16
void arch_irq_mask(unsigned int irq);
void arch_irq_unmask(unsigned int irq);
void arch_irq_eoi(unsigned int irq) __needs(irqs_off);
/* What the vectors call: @irq_fn for a device line, @timer_fn for the one-shot timer; both with IF=0. */
void arch_set_handlers(void (*irq_fn)(unsigned int irq), void (*timer_fn)(void),
		       void (*irq_exit_fn)(bool from_app));
u64 arch_spurious_irqs(void); /* spurious interrupts seen by the controller since boot */
/* IF=0 on entry: enables interrupts and halts in one step, so that none is lost between; IF=1 on return. */
void arch_idle(void) __gives(irqs_off);

/* --- DMA ------------------------------------------------------------------------------------------------ */
/*
 * In <arch/cpu.h>: arch_dma_map(addr, len, access) and arch_dma_unmap() with the same three. From the one to the other
 * devices may read or write these physical bytes. Only kernel/dma.c calls them; any context.
 */

/* --- Threads: the machine part of struct thread (<kernel/sched.h>) --------------------------------------- */
#define ARCH_KSTACK_SIZE 16384UL /* one thread's kernel stack, bytes; a guard page lies below */
struct arch_thread {
	unsigned long sp;          /* saved stack pointer while not running */
	unsigned long kstack_base; /* lowest byte of the kernel stack */
	unsigned long kstack_top;  /* one past its highest byte */
	unsigned long fs_base;     /* the application's TLS; 0 in kernel threads */
	bool uses_fpu;             /* application thread: vector state is kept across switches */
	u8 fxsave[512 + 16];       /* FXSAVE image, aligned to 16 inside */
};
/* Prepares a thread to enter @fn(@arg) at its first switch, with IF=0; the kernel stack is given. */
void arch_thread_init(struct arch_thread *t, void *kstack_base, void (*fn)(void *), void *arg);
/* Switches from the running thread to @next; returns when somebody switches back. IF=0. */
void arch_switch(struct arch_thread *prev, struct arch_thread *next) __needs(irqs_off);
/* Runs @fn on the stack that ends at @stack_top, then comes back to the caller's. */
void arch_call_on_stack(void (*fn)(void), void *stack_top);
void arch_set_fs_base(unsigned long base); /* of the running thread, at once */
/* Leaves the kernel into application code: entry point and initial stack pointer. Does not return. */
void arch_enter_app(unsigned long entry, unsigned long sp) __noreturn;

/* --- Memory ------------------------------------------------------------------------------------------- */
#define ARCH_PROT_WRITE   BIT(0)
#define ARCH_PROT_EXEC    BIT(1)
#define ARCH_PROT_NOCACHE BIT(2)
/* The one window of scattered pages (stacks with guards, mmap, large tables); see kernel/vmalloc.c. */
extern const unsigned long arch_vmalloc_base, arch_vmalloc_size;
/* Maps (unmaps) one page at @va in the window. 0 or -ENOMEM. Any context but hardirq. */
int arch_map_page(unsigned long va, u64 pa, unsigned int prot);
/* Returns the physical address that was mapped there, or 0. Flushes the TLB entry. */
u64 arch_unmap_page(unsigned long va);
/* Changes the protection of a mapped page; @prot 0 with @present false makes every access fault. 0, -ENOENT. */
int arch_protect_page(unsigned long va, unsigned int prot, bool present);
/* Physical address behind a mapped kernel address; BUG when nothing is mapped there. */
u64 arch_virt_to_phys(const void *va);
/* Maps device memory uncached, identity; NULL without memory for tables. Process context. */
void __iomem *arch_ioremap(u64 phys, size_t len);
/*
 * Copies between kernel and application memory under the exception table: 0, or -EFAULT when a page is not
 * there (how much was copied is then undefined). Process context.
 */
int arch_copy_user(void *dst, const void *src, size_t n);
/* May an application's pointer lead there? Only its image and the window (stack, mmap) belong to applications. */
bool arch_user_range(const void *addr, size_t n);

/*
 * Switches the sites of tracepoints (<arch/trace.h>): @on by enum trace_stage, @window two unused pages of the vmalloc window.
 * Returns how many changed. Process context.
 */
unsigned int arch_trace_patch(const bool *on, void *window);

/* --- Buses, randomness, diagnosis ---------------------------------------------------------------------- */
u32 arch_pci_read32(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg);
void arch_pci_write32(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg, u32 v);
/* Fills @buf with what entropy the machine has; returns a mask of sources: 1 RDRAND, 2 cycle jitter, 4 RTC. */
unsigned int arch_entropy(void *buf, size_t n);
/* Stores up to @max return addresses of the running code, innermost first; returns how many. */
unsigned int arch_backtrace(unsigned long *pc, unsigned int max);
/* True when @pc lies in the linked application's text: only there may a thread be preempted. */
bool arch_in_app_text(unsigned long pc);
#endif
