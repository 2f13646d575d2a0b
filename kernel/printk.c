// SPDX-License-Identifier: MIT
/*
 * The kernel's voice on the console, and the one gate through which every byte to the console passes.
 *
 * A line is formatted on the stack and written with interrupts off, so that lines of different contexts never
 * mix. The room remembers whether the console stands in the middle of a line (an application may print a
 * prompt without a newline): a kernel line always begins at column 0.
 *
 * Interface: printk(), pr_*(), printk_set_level(), ratelimit_ok(), console_write().
 * Above: everybody.  Below: arch_console_write(), arch_clock_ns().
 * Context: any.  Owns: nothing that is allocated.
 */
#include <kernel/printk.h>

#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <lib/printf.h>
#include <lib/string.h>

enum { LINE_MAX = 512 };

static struct {
	enum log_level max_level; /* set once at boot: loglevel= */
	bool mid_line;            /* the last byte written was no newline */
	u64 dropped;              /* lines held back by rate limits */
} console = { .max_level = LOG_INFO };

/**
 * console_write() - writes @n bytes to the console as they are.
 * Context: any.
 */
void console_write(const char *s, size_t n)
{
	unsigned long flags = local_irq_save();
	if (n) {
		arch_console_write(s, n);
		console.mid_line = s[n - 1] != '\n';
	}
	local_irq_restore(flags);
}

/**
 * console_fresh_line() - ends the line that stands open on the console, if one does.
 * Context: any.
 */
void console_fresh_line(void)
{
	unsigned long flags = local_irq_save();
	if (console.mid_line)
		console_write("\n", 1);
	local_irq_restore(flags);
}

static void emit(const char *fmt, va_list ap)
{
	char line[LINE_MAX];
	u64 us = arch_clock_ns() / NSEC_PER_USEC;
	int n = scnprintf(line, sizeof(line), "[%5llu.%06llu] ", (unsigned long long)(us / 1000000),
			  (unsigned long long)(us % 1000000));
	n += vscnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	if (line[n - 1] != '\n')
		line[n++] = '\n'; /* the room for it was kept back above */
	unsigned long flags = local_irq_save();
	console_fresh_line();
	console_write(line, (size_t)n);
	local_irq_restore(flags);
}

/**
 * printk() - one line of the kernel log; the newline at its end may be left out.
 * @level: lines above the log level are dropped silently.
 * Lines are cut at about 500 characters.
 * Context: any.
 */
void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	if (level > console.max_level)
		return;
	va_start(ap, fmt);
	emit(fmt, ap);
	va_end(ap);
}

/**
 * printk_set_level() - lines of level @max and more urgent are printed.
 * Context: process.
 */
void printk_set_level(enum log_level max)
{
	console.max_level = max;
}

/**
 * printk_dropped() - how many lines rate limits held back since boot.
 * Context: any.
 * Return: the count.
 */
u64 printk_dropped(void)
{
	return console.dropped;
}

/**
 * ratelimit_ok() - asks whether one more line may be printed under @rl.
 * @what: named in the message about lines that were held back.
 * Context: any.
 * Return: true when the caller may print.
 */
bool ratelimit_ok(struct ratelimit *rl, const char *what)
{
	unsigned long flags = local_irq_save();
	u64 now = arch_clock_ns();
	u32 missed = 0;
	if (!rl->printed || now - rl->begin_ns >= rl->interval_ns) {
		rl->begin_ns = now;
		rl->printed = 0;
		missed = rl->missed;
		rl->missed = 0;
	}
	bool ok = rl->printed < rl->burst;
	if (ok) {
		rl->printed++;
	} else {
		rl->missed++;
		console.dropped++;
	}
	local_irq_restore(flags);
	if (missed)
		pr_warn("printk: %s: %u lines held back", what, missed);
	return ok;
}
