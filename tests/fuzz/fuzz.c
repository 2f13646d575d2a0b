// SPDX-License-Identifier: MIT
/*
 * libFuzzer's entry points, and what fuzz.h offers to every target.
 *
 * Interface: LLVMFuzzerInitialize, LLVMFuzzerTestOneInput; fuzz.h.
 * Above: libFuzzer.  Below: the target's fuzz_setup() and fuzz_one(); tests/host.
 * Context: process, thread "init".  Owns: the baseline of the census.
 */
#include "fuzz.h"

#include <kernel/arch.h>
#include <kernel/dma.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/timer.h>
#include <net/skbuff.h>
#include <stdarg.h>

#define ARENA_BYTES (64UL << 20)
#define SEED        1

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct {
	u64 objects, pages, packets, mappings;
	u32 timers;
} baseline;
static u64 clock_begin;

/* A quarantine for one input, short stacks: half of the time would go there. The census sees leaks by itself. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:malloc_context_size=10:detect_leaks=0:detect_stack_use_after_"
	       "return=0";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}

void fuzz_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

void fuzz_reset(void)
{
	FUZZ_CHECK_EQ(timers_live(), 0);
	host_clock_set(clock_begin);
	arch_irq_disable();
	arch_timer_arm(UINT64_MAX);
	timer_init();
	arch_irq_enable();
	random_init(true, SEED);
}

void fuzz_census_begin(void)
{
	baseline.objects = mm_live_objects();
	baseline.pages = pages_free();
	baseline.packets = skb_stats.live;
	baseline.timers = timers_live();
	baseline.mappings = dma_mapped();
}

void fuzz_census_end(void)
{
	FUZZ_CHECK_EQ(skb_stats.live, baseline.packets);
	FUZZ_CHECK_EQ(timers_live(), baseline.timers);
	FUZZ_CHECK_EQ(dma_mapped(), baseline.mappings);
	if (mm_live_objects() != baseline.objects) {
		printk_set_level(LOG_INFO);
		host_console_quiet(false);
		mm_report_leaks();
	}
	FUZZ_CHECK_EQ(mm_live_objects(), baseline.objects);
	FUZZ_CHECK_EQ(pages_free(), baseline.pages);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	host_boot_seed(SEED, ARENA_BYTES);
	host_console_quiet(!getenv("HOST_VERBOSE"));
	/* What nobody reads need not be put into words: that costs more than the parsers do. */
	printk_set_level(getenv("HOST_VERBOSE") ? LOG_DEBUG : LOG_EMERG);
	fuzz_setup();
	clock_begin = host_clock();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_one(data, size);
	return 0;
}
