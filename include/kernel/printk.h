/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log on the console: "[    0.012345] text". Any context. A line above the log level is dropped
 * silently, one that a rate limit holds back is counted and the count is printed with the next that passes.
 * Every message starts with its room's name ("arp: ...", "e1000 0000:00:03.0 eth0: ...").
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H
#include <lib/types.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG
};

void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void printk_set_level(enum log_level max); /* loglevel=n: levels 0..n are printed */
u64 printk_dropped(void);                  /* lines held back by rate limits since boot */

/*
 * Everything that goes to the console goes through here (application output too), so that a kernel line and
 * the exit line always begin at column 0. Any context.
 */
void console_write(const char *s, size_t n);
void console_fresh_line(void); /* ends a line that stands open */

#define pr_crit(...)  printk(LOG_CRIT, __VA_ARGS__)
#define pr_err(...)   printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_WARNING, __VA_ARGS__)
#define pr_info(...)  printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/* Rate limit: @burst lines per @interval_ns, then silence (counted) till the interval is over. */
struct ratelimit {
	u64 interval_ns, begin_ns;
	u32 burst, printed, missed;
};
#define RATELIMIT_INIT                                                                             \
	{                                                                                          \
		.interval_ns = 5 * NSEC_PER_SEC, .burst = 10                                       \
	}
bool ratelimit_ok(struct ratelimit *rl, const char *what);
#define pr_warn_ratelimited(...)                                                                   \
	do {                                                                                       \
		static struct ratelimit rl_ = RATELIMIT_INIT;                                      \
		if (ratelimit_ok(&rl_, __func__))                                                  \
			pr_warn(__VA_ARGS__);                                                      \
	} while (0)

/* --- The ends of a run ---------------------------------------------------------------------------------- */
enum exit_status {
	EXIT_PANIC = 64,
	EXIT_ASSERTION,
	EXIT_NO_MEMORY,
	EXIT_LEAK,
	EXIT_NO_NIC,
	EXIT_NO_ADDRESS,
	EXIT_BAD_CMDLINE,
	EXIT_NO_LONG_MODE,
};
/* Prints the message, registers if known, a backtrace with names, and ends with EXIT_PANIC. Any context. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
/* The run cannot begin for lack of memory: says what for, and ends with EXIT_NO_MEMORY. Any context. */
void boot_no_memory(const char *what) __noreturn;
/* Prints "exit: N" as the last line and ends the machine with it. Any context. */
void kernel_exit(int status) __noreturn;
/* Backtrace of the running code, or (with @pc given) one that a trap collected, with function names. */
void dump_backtrace(const unsigned long *pc, unsigned int n);
#endif
