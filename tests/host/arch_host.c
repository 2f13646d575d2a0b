// SPDX-License-Identifier: MIT
/*
 * The plinth on the host: <kernel/arch.h> answered by a process instead of a machine.
 *
 * Time is a number that only arch_idle() and host_clock_advance() move. Interrupts are a flag and a level per
 * line. Threads are user contexts with stacks of their own (the kernel's 16 KiB ones are too small for
 * instrumented code and the C library). The vmalloc window is reserved address space, opened page by page, so
 * that guards are real; the pages behind it are accounted for, not aliased.
 *
 * Interface: <kernel/arch.h>, <arch/cpu.h>, "host.h".  Context: any.
 * Owns: user contexts, kept for reuse by kernel stack address.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <kernel/arch.h>
#include <kernel/boot_info.h>
#include <kernel/file.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <lib/bug.h>
#include <lib/err.h>

#include "host.h"

#define WINDOW_SIZE      (1UL << 30)
#define HOST_STACK       (256UL << 10)
#define SERIAL_LOG_SIZE  32768u
#define CONSOLE_LOG_SIZE (64UL << 10)

/* Present only when the sanitizer is linked. */
extern void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size)
	__attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size)
	__attribute__((weak));
extern void __lsan_register_root_region(const void *p, size_t n) __attribute__((weak));

struct host_thread {
	ucontext_t uc;
	unsigned long kstack_base; /* key for reuse; 0: the thread main() runs in */
	char *stack;
	void (*fn)(void *);
	void *arg;
	void *fake_stack;
	const void *bottom; /* of the stack, for the sanitizer */
	size_t size;
	struct host_thread *next;
};

static struct {
	u64 now, per_call, armed, idles, timer_irqs;
	bool level[ARCH_NR_IRQS], masked[ARCH_NR_IRQS];
	bool delivering;
	void (*irq_fn)(unsigned int irq);
	void (*timer_fn)(void);
	void (*irq_exit_fn)(bool from_app);
	u64 (*ev_next)(void *arg);
	void (*ev_run)(void *arg);
	void *ev_arg;
	bool (*idle)(void);
	u32 (*mmio_rd)(void *arg, u64 addr);
	void (*mmio_wr)(void *arg, u64 addr, u32 v);
	void (*stored)(void);
	void *mmio_arg;
	u64 (*phys)(const void *va);
	u32 (*pci_rd)(unsigned int, unsigned int, unsigned int, unsigned int);
	void (*pci_wr)(unsigned int, unsigned int, unsigned int, unsigned int, u32);
	struct host_thread *threads, *switching_from;
	u64 *window_pa;
	char log[CONSOLE_LOG_SIZE];
	size_t log_len;
	bool quiet, catching;
	jmp_buf catch_env;
	u64 entropy;
	void (*entropy_fn)(void *buf, size_t n);
} H = { .armed = UINT64_MAX, .entropy = 1 };

bool host_irqs_off;
void (*host_before_count)(const volatile void *count);
void (*host_moment)(void);
struct boot_info boot_info;
const unsigned long arch_vmalloc_base = 0x200000000000UL, arch_vmalloc_size = WINDOW_SIZE;

/* --- Time ------------------------------------------------------------------------------------------------- */
u64 arch_clock_ns(void)
{
	H.now += H.per_call;
	return H.now;
}

u64 host_cycles(void)
{
	return H.now;
}

u64 arch_wallclock_sec(void)
{
	return 1700000000ULL + H.now / NSEC_PER_SEC;
}

void arch_timer_arm(u64 deadline_ns)
{
	BUG_ON(!host_irqs_off);
	H.armed = deadline_ns;
}

void arch_clock_refine(void)
{
}

void arch_time_init(void)
{
}

u64 host_clock(void)
{
	return H.now;
}

void host_clock_set(u64 ns)
{
	H.now = ns;
}

void host_clock_per_call(u64 ns)
{
	H.per_call = ns;
}

u64 host_idles(void)
{
	return H.idles;
}

u64 host_timer_irqs(void)
{
	return H.timer_irqs;
}

u64 host_armed_ns(void)
{
	return H.armed;
}

void host_set_events(u64 (*next)(void *arg), void (*run)(void *arg), void *arg)
{
	H.ev_next = next;
	H.ev_run = run;
	H.ev_arg = arg;
}

void host_set_idle(bool (*fn)(void))
{
	H.idle = fn;
}

/* --- Interrupts ----------------------------------------------------------------------------------------- */
static bool line_pending(unsigned int *irq)
{
	for (*irq = 0; *irq < ARCH_NR_IRQS; (*irq)++)
		if (H.level[*irq] && !H.masked[*irq])
			return true;
	return false;
}

/* One interrupt, if any waits: IF=0 as on the machine. Returns whether there was one. */
static bool deliver_one(void)
{
	unsigned int irq;
	bool timer = H.armed <= H.now && H.timer_fn;
	bool line = !timer && H.irq_fn && line_pending(&irq);
	if (!timer && !line)
		return false;
	host_irqs_off = true;
	if (timer) {
		H.armed = UINT64_MAX;
		H.timer_irqs++;
		H.timer_fn();
	} else {
		H.irq_fn(irq);
	}
	H.irq_exit_fn(false);
	host_irqs_off = false;
	return true;
}

void host_irqs_enabled(void)
{
	if (H.ev_next && H.ev_next(H.ev_arg) <= H.now) {
		host_irqs_off = true;
		H.ev_run(H.ev_arg);
		host_irqs_off = false;
	}
	while (deliver_one())
		;
}

void host_irq_set(unsigned int irq, bool asserted)
{
	BUG_ON(irq >= ARCH_NR_IRQS);
	H.level[irq] = asserted;
	if (asserted && !host_irqs_off)
		host_irqs_enabled();
}

void arch_irq_mask(unsigned int irq)
{
	H.masked[irq] = true;
}

void arch_irq_unmask(unsigned int irq)
{
	H.masked[irq] = false;
	if (!host_irqs_off)
		host_irqs_enabled();
}

void arch_irq_eoi(unsigned int irq)
{
	(void)irq;
}

void arch_irqchip_init(void)
{
	memset(H.masked, true, sizeof(H.masked));
}

void arch_set_handlers(void (*irq_fn)(unsigned int irq), void (*timer_fn)(void),
		       void (*irq_exit_fn)(bool from_app))
{
	H.irq_fn = irq_fn;
	H.timer_fn = timer_fn;
	H.irq_exit_fn = irq_exit_fn;
}

u64 arch_spurious_irqs(void)
{
	return 0;
}

/* The time at which something happens by itself. */
static u64 next_happening(void)
{
	u64 ev = H.ev_next ? H.ev_next(H.ev_arg) : UINT64_MAX;
	return ev < H.armed ? ev : H.armed;
}

void arch_idle(void)
{
	unsigned int irq;
	BUG_ON(!host_irqs_off);
	H.idles++;
	if (!line_pending(&irq)) {
		u64 t = next_happening();
		if (t == UINT64_MAX && !(H.idle && H.idle())) {
			fprintf(stderr, "host: deadlock: nothing runnable, no deadline\n");
			abort();
		}
		if (t != UINT64_MAX && t > H.now)
			H.now = t;
	}
	arch_irq_enable();
}

void host_hasten(u64 ns)
{
	unsigned long flags = arch_irq_save();
	u64 t;

	timer_rearm_hw();
	t = next_happening();
	if (t > H.now && t - H.now <= ns)
		H.now = t;
	arch_irq_restore(flags);
}

void host_clock_advance(u64 ns)
{
	u64 target = H.now + ns;
	for (;;) {
		while (threads_runnable())
			schedule();
		unsigned long flags = arch_irq_save();
		timer_rearm_hw();
		u64 t = next_happening();
		if (t > target) {
			arch_irq_restore(flags);
			break;
		}
		if (t > H.now)
			H.now = t;
		arch_irq_restore(flags);
	}
	if (H.now < target)
		H.now = target;
}

/* --- Threads ------------------------------------------------------------------------------------------------ */
static void arrived(struct host_thread *me)
{
	const void *bottom = NULL;
	size_t size = 0;
	if (!__sanitizer_finish_switch_fiber)
		return;
	__sanitizer_finish_switch_fiber(me->fake_stack, &bottom, &size);
	if (H.switching_from && !H.switching_from->bottom) { /* main()'s own stack is learnt here */
		H.switching_from->bottom = bottom;
		H.switching_from->size = size;
	}
}

static void thread_entry(unsigned int lo, unsigned int hi)
{
	struct host_thread *me = (void *)((unsigned long)hi << 32 | lo);
	arrived(me);
	me->fn(me->arg);
	abort(); /* the kernel's trampoline never returns */
}

static struct host_thread *host_thread_get(unsigned long kstack_base)
{
	struct host_thread *t;
	for (t = H.threads; t; t = t->next)
		if (kstack_base && t->kstack_base == kstack_base)
			return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->kstack_base = kstack_base;
	t->next = H.threads;
	H.threads = t;
	return t;
}

void host_stack_changed(void)
{
	for (struct host_thread *t = H.threads; t; t = t->next)
		if (!t->kstack_base)
			t->bottom = NULL;
}

void arch_thread_init(struct arch_thread *at, void *kstack_base, void (*fn)(void *), void *arg)
{
	struct host_thread *t = host_thread_get((unsigned long)kstack_base);
	unsigned long self = (unsigned long)t;
	if (!t->stack)
		t->stack = aligned_alloc(64, HOST_STACK);
	if (!t->stack)
		abort();
	at->kstack_base = (unsigned long)kstack_base;
	at->kstack_top = at->kstack_base + ARCH_KSTACK_SIZE;
	at->sp = self;
	t->fn = fn;
	t->arg = arg;
	t->fake_stack = NULL;
	t->bottom = t->stack;
	t->size = HOST_STACK;
	getcontext(&t->uc);
	t->uc.uc_stack.ss_sp = t->stack;
	t->uc.uc_stack.ss_size = HOST_STACK;
	t->uc.uc_link = NULL;
	makecontext(&t->uc, (void (*)(void))thread_entry, 2, (unsigned int)self,
		    (unsigned int)(self >> 32));
}

void arch_switch(struct arch_thread *prev, struct arch_thread *next)
{
	BUG_ON(!host_irqs_off);
	if (!prev->sp)
		prev->sp = (unsigned long)host_thread_get(0);
	struct host_thread *p = (void *)prev->sp, *n = (void *)next->sp;
	H.switching_from = p;
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(&p->fake_stack, n->bottom, n->size);
	swapcontext(&p->uc, &n->uc);
	arrived(p);
}

void arch_call_on_stack(void (*fn)(void), void *stack_top)
{
	(void)stack_top;
	fn();
}

void arch_set_fs_base(unsigned long base)
{
	(void)base;
}

void arch_enter_app(unsigned long entry, unsigned long sp)
{
	(void)sp;
	((void (*)(void))entry)();
	abort();
}

/* --- Memory ------------------------------------------------------------------------------------------------- */
static u64 *window_slot(unsigned long va)
{
	BUG_ON(va < arch_vmalloc_base || va >= arch_vmalloc_base + WINDOW_SIZE);
	return &H.window_pa[(va - arch_vmalloc_base) >> PAGE_SHIFT];
}

static void window_open(void)
{
	void *p = mmap((void *)arch_vmalloc_base, WINDOW_SIZE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (p != (void *)arch_vmalloc_base)
		abort();
	/* What is readable in it may hold the only pointer to an object: all of it at once, for each region costs the check a walk. */
	if (__lsan_register_root_region)
		__lsan_register_root_region(p, WINDOW_SIZE);
	H.window_pa = calloc(WINDOW_SIZE >> PAGE_SHIFT, sizeof(*H.window_pa));
	if (!H.window_pa)
		abort();
}

static int host_prot(unsigned int prot, bool present)
{
	if (!present)
		return PROT_NONE;
	return PROT_READ | ((prot & ARCH_PROT_WRITE) ? PROT_WRITE : 0);
}

int arch_map_page(unsigned long va, u64 pa, unsigned int prot)
{
	u64 *slot = window_slot(va);
	BUG_ON(*slot || !pa);
	if (mprotect((void *)va, PAGE_SIZE, host_prot(prot, true)))
		return -ENOMEM;
	*slot = pa;
	return 0;
}

u64 arch_unmap_page(unsigned long va)
{
	u64 *slot = window_slot(va);
	u64 pa = *slot;
	*slot = 0;
	if (pa) {
		madvise((void *)va, PAGE_SIZE, MADV_DONTNEED);
		mprotect((void *)va, PAGE_SIZE, PROT_NONE);
	}
	return pa;
}

int arch_protect_page(unsigned long va, unsigned int prot, bool present)
{
	if (!*window_slot(va))
		return -ENOENT;
	return mprotect((void *)va, PAGE_SIZE, host_prot(prot, present)) ? -ENOMEM : 0;
}

void host_phys_set(u64 (*fn)(const void *va))
{
	H.phys = fn;
}

u64 arch_virt_to_phys(const void *va)
{
	u64 phys = H.phys ? H.phys(va) : 0;

	return phys ? phys : (u64)(uintptr_t)va;
}

void __iomem *arch_ioremap(u64 phys, size_t len)
{
	(void)len;
	return (void __iomem *)(uintptr_t)phys;
}

int arch_copy_user(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst < PAGE_SIZE || (uintptr_t)src < PAGE_SIZE)
		return n ? -EFAULT : 0;
	memcpy(dst, src, n);
	return 0;
}

bool arch_user_range(const void *addr, size_t n)
{
	(void)addr;
	(void)n;
	return true;
}

void arch_paging_init(const struct boot_info *b)
{
	(void)b;
}

/* --- Devices -------------------------------------------------------------------------------------------------- */
void host_mmio_set(u32 (*rd)(void *arg, u64 addr), void (*wr)(void *arg, u64 addr, u32 v),
		   void *arg)
{
	H.mmio_rd = rd;
	H.mmio_wr = wr;
	H.mmio_arg = arg;
}

void host_barrier_set(void (*fn)(void))
{
	H.stored = fn;
}

void host_store_barrier(void)
{
	if (H.stored)
		H.stored();
}

u32 host_mmio_read(const volatile void *addr)
{
	return H.mmio_rd ? H.mmio_rd(H.mmio_arg, (u64)(uintptr_t)addr) : UINT32_MAX;
}

void host_mmio_write(u32 v, volatile void *addr)
{
	if (H.mmio_wr)
		H.mmio_wr(H.mmio_arg, (u64)(uintptr_t)addr, v);
}

void host_pci_set(u32 (*rd)(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg),
		  void (*wr)(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg,
			     u32 v))
{
	H.pci_rd = rd;
	H.pci_wr = wr;
}

u32 arch_pci_read32(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg)
{
	return H.pci_rd ? H.pci_rd(bus, dev, fn, reg) : UINT32_MAX;
}

void arch_pci_write32(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg, u32 v)
{
	if (H.pci_wr)
		H.pci_wr(bus, dev, fn, reg, v);
}

unsigned int arch_entropy(void *buf, size_t n)
{
	u8 *p = buf;
	if (H.entropy_fn) {
		H.entropy_fn(buf, n);
		return 0;
	}
	while (n--) { /* reproducible on purpose: the same seed gives the same run */
		H.entropy = H.entropy * 6364136223846793005ULL + 1442695040888963407ULL;
		*p++ = (u8)(H.entropy >> 56);
	}
	return 0;
}

void host_set_entropy(void (*fn)(void *buf, size_t n))
{
	H.entropy_fn = fn;
}

unsigned int arch_backtrace(unsigned long *pc, unsigned int max)
{
	(void)pc;
	(void)max;
	return 0;
}

bool arch_in_app_text(unsigned long pc)
{
	(void)pc;
	return false;
}

/* --- Console, ends ---------------------------------------------------------------------------------------------- */
void arch_early_init(void)
{
}

void arch_cpu_init(void)
{
}

void arch_console_write(const char *s, size_t n)
{
	if (!H.quiet)
		fwrite(s, 1, n, stderr);
	if (n >= CONSOLE_LOG_SIZE)
		n = CONSOLE_LOG_SIZE - 1;
	if (H.log_len + n >= CONSOLE_LOG_SIZE)
		H.log_len = 0;
	memcpy(H.log + H.log_len, s, n);
	H.log_len += n;
	H.log[H.log_len] = '\0';
}

int arch_console_getc(void)
{
	return -1;
}

/* --- The second serial line: what the test typed, and what was sent ------------------------------------------------ */
#define SERIAL_FIFO 16u
static struct {
	bool plugged, open, stuck, irq_rx, irq_tx;
	u8 in[SERIAL_LOG_SIZE], out[SERIAL_LOG_SIZE];
	size_t in_head, in_tail, out_len;
} serial;

/* The line's level follows from the registers. */
static void serial_level(void)
{
	host_irq_set(ARCH_SERIAL_IRQ, arch_serial_pending());
}

void host_serial_plug(bool there)
{
	serial.plugged = there;
}

void host_serial_type(const void *bytes, size_t n)
{
	BUG_ON(serial.in_tail + n > SERIAL_LOG_SIZE);
	memcpy(serial.in + serial.in_tail, bytes, n);
	serial.in_tail += n;
	serial_level();
}

void host_serial_stuck(bool stuck)
{
	serial.stuck = stuck;
	serial_level();
}

size_t host_serial_sent(const u8 **bytes)
{
	*bytes = serial.out;
	return serial.out_len;
}

bool arch_serial_open(void)
{
	serial.open = serial.plugged;
	serial.irq_rx = serial.irq_tx = false;
	serial.in_head = serial.in_tail = serial.out_len = 0;
	return serial.open;
}

void arch_serial_close(void)
{
	serial.open = false;
}

void arch_serial_irqs(bool receive, bool transmit)
{
	serial.irq_rx = receive;
	serial.irq_tx = transmit;
	serial_level();
}

bool arch_serial_pending(void)
{
	return serial.open && ((serial.irq_rx && serial.in_head != serial.in_tail) ||
			       (serial.irq_tx && !serial.stuck));
}

int arch_serial_getc(void)
{
	int ch = serial.in_head != serial.in_tail ? serial.in[serial.in_head++] : -1;

	if (serial.in_head == serial.in_tail)
		serial.in_head = serial.in_tail = 0;
	serial_level();
	return ch;
}

size_t arch_serial_room(void)
{
	return serial.open && !serial.stuck ? SERIAL_FIFO : 0;
}

void arch_serial_put(const u8 *bytes, size_t n)
{
	BUG_ON(serial.out_len + n > SERIAL_LOG_SIZE || serial.stuck);
	memcpy(serial.out + serial.out_len, bytes, n);
	serial.out_len += n;
}

void host_console_quiet(bool quiet)
{
	H.quiet = quiet;
}

const char *host_console(void)
{
	return H.log;
}

void host_console_clear(void)
{
	H.log_len = 0;
	H.log[0] = '\0';
}

void arch_exit(int status)
{
	if (H.catching)
		longjmp(H.catch_env, status + 1);
	exit(status);
}

void host_bug(const char *file, int line, const char *text)
{
	if (H.catching)
		longjmp(H.catch_env, 65 + 1);
	fprintf(stderr, "BUG: %s:%d: %s\n", file, line, text);
	abort();
}

int host_catch_exit(void (*fn)(void *arg), void *arg)
{
	bool irqs = host_irqs_off;
	H.catching = true;
	int r = setjmp(H.catch_env);
	if (!r)
		fn(arg);
	H.catching = false;
	host_irqs_off = irqs;
	return r - 1;
}

/* --- Boot --------------------------------------------------------------------------------------------------------- */
/*
 * The machine's memory, mapped by itself: the leak check looks for pointers in what malloc() gave, and would read, and thereby make,
 * every page of it at the end of every process.
 */
static void *arena_map(size_t bytes)
{
	size_t align = PAGE_SIZE << (MAX_ORDER - 1);
	char *p = mmap(NULL, bytes + align, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p + (-(uintptr_t)p & (align - 1));
}

void host_boot_memory(size_t arena_bytes)
{
	void *arena = arena_map(arena_bytes);

	boot_info.nr_regions = 1;
	boot_info.region[0].base = (u64)(uintptr_t)arena;
	boot_info.region[0].len = arena_bytes;
	boot_info.ram_bytes = arena_bytes;
	host_irqs_off = false;
	window_open();
	page_alloc_init(&boot_info);
	slab_init();
	vmalloc_init();
}

void host_boot_seed(u64 seed, size_t arena_bytes)
{
	H.entropy = seed;
	H.quiet = !getenv("HOST_VERBOSE");
	host_boot_memory(arena_bytes);
	sched_init();
	arch_irqchip_init();
	irq_init();
	timer_init();
	softirq_init();
	random_init(true, seed);
	syscall_init();
	file_init();
	proc_init();
	mm_baseline();
	host_console_clear();
}

void host_boot(void)
{
	host_boot_seed(1, 64UL << 20);
}
