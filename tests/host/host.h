/* SPDX-License-Identifier: MIT */
/*
 * The kernel on a laptop: real sources, virtual time, interrupts as a flag, threads as user contexts.
 *
 * A test boots the kernel with host_boot(); its main() is then the thread "init". Time stands still while code
 * runs and jumps to the next deadline when every thread blocks (arch_idle), or step by step in
 * host_clock_advance(). So a test of minutes takes milliseconds and gives the same result each time.
 *
 * By hand, from the top of the tree:
 *   W="-std=gnu11 -g -O1 -fsanitize=address,undefined -fno-omit-frame-pointer -Iinclude -Itests/host/include"
 *   for f in kernel/lib/[a-z]*.c $(ls kernel/[a-z]*.c | grep -v -e trap.c -e slab.c) <net sources>; do
 *           gcc $W -include tests/host/rename.h -c $f ...; done
 *   gcc $W -Itests/host tests/host/[a-z]*.c tests/unit/.../x_test.c <those objects> -o x_test
 * (tests/host/slab_host.c stands in for kernel/slab.c, so that the sanitizer sees each object; a test of the
 * real slab.c links that and leaves slab_host.c out.)
 */
#ifndef HOST_H
#define HOST_H
#include <lib/types.h>

/* --- Boot ------------------------------------------------------------------------------------------------- */
/* Memory, slab, threads, timers, softirqs, interrupts, randomness (seed 1), files, pages. Once per process. */
void host_boot(void);
void host_boot_seed(u64 seed, size_t arena_bytes);
/* Only the arena and the page allocator, for tests of the allocators. */
void host_boot_memory(size_t arena_bytes);

/* --- Virtual time --------------------------------------------------------------------------------------------- */
u64 host_clock(void);
void host_clock_set(u64 ns); /* jumps; nothing runs */
/* Lets @ns pass: timers fire and threads run, each at its time. Process context. */
void host_clock_advance(u64 ns);
/* What is to happen next happens now, if it would within @ns. Process context; comes back to the same thread. */
void host_hasten(u64 ns);
void host_clock_per_call(
	u64 ns); /* every reading of the clock moves it on by @ns; 0 at the start */
/*
 * A model outside the kernel (a wire, a peer) that does things at its own times: @next says when (UINT64_MAX:
 * never), @run is called with interrupts off when that time has come; it may raise interrupt lines. One source.
 */
void host_set_events(u64 (*next)(void *arg), void (*run)(void *arg), void *arg);
/* Called when nothing is runnable and no deadline stands: returns false for "deadlock" (the test aborts). */
void host_set_idle(bool (*fn)(void));

/* Where arch_entropy() draws from instead of its own seeded generator; NULL: that again. */
void host_set_entropy(void (*fn)(void *buf, size_t n));
/* Another thread of the process plays "init" from now on (they take turns): the sanitizer learns its stack anew. */
void host_stack_changed(void);

/* --- Interrupts, device registers -------------------------------------------------------------------------- */
void host_irq_set(unsigned int irq,
		  bool asserted); /* level of a line; delivered when interrupts are on */
u64 host_idles(void);             /* how often the machine halted */
u64 host_timer_irqs(void);        /* one-shot interrupts delivered */
u64 host_armed_ns(void);          /* deadline of the one-shot; UINT64_MAX: disarmed */
void host_mmio_set(u32 (*rd)(void *arg, u64 addr), void (*wr)(void *arg, u64 addr, u32 v),
		   void *arg);
void host_barrier_set(void (*fn)(void)); /* called at each store barrier for devices */
void host_pci_set(u32 (*rd)(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg),
		  void (*wr)(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg,
			     u32 v));

/* --- DMA: what models of devices may touch ---------------------------------------------------------------- */
#define HOST_DMA_READ  1u /* the device reads */
#define HOST_DMA_WRITE 2u
/* Do these bytes lie in one live mapping that allows @access? */
bool host_dma_allowed(u64 addr, size_t len, unsigned int access);
/*
 * On the host a physical address is the virtual one. A test may have another answer for memory of its own: @fn says
 * where @va lies for devices, 0: as usual. NULL: no such memory any more.
 */
void host_phys_set(u64 (*fn)(const void *va));
u64 host_dma_live(void); /* live mappings, coherent memory included */

/* --- Console, ends -------------------------------------------------------------------------------------------- */
void host_console_quiet(
	bool quiet); /* keep the text only in the log; HOST_VERBOSE=1 in the environment echoes it to stderr */
const char *
host_console(void); /* everything printed since the last clear (the last 64 KiB of it) */
void host_console_clear(void);
/* The second serial line: none until it is plugged in. A stuck one takes no bytes. What was sent since it was opened. */
void host_serial_plug(bool there);
void host_serial_type(const void *bytes, size_t n);
void host_serial_stuck(bool stuck);
size_t host_serial_sent(const u8 **bytes);
/* Runs @fn and catches its end: status of kernel_exit(), 65 for a BUG; -1 when @fn came back. */
int host_catch_exit(void (*fn)(void *arg), void *arg);
#endif
