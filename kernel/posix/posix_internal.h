/* SPDX-License-Identifier: MIT */
/* Private to kernel/posix: what its rooms offer each other. Order of calls, no circle: posix -> files -> console,
 * tty, settings. */
#ifndef POSIX_INTERNAL_H
#define POSIX_INTERNAL_H
#include <kernel/file.h>
#include <lib/capability.h>
#include <lib/types.h>

/* console.c: a new file on the serial console; NULL without memory. */
struct file *console_open(u32 flags);

/* tty.c: a new file on the second serial line; ERR_PTR(-ENXIO), ERR_PTR(-ENOMEM). */
struct file *tty_open(u32 flags);
/* settings.c: a new file on a setting of /proc/sys; ERR_PTR(-ENOENT), ERR_PTR(-ENAMETOOLONG), ERR_PTR(-ENOMEM). */
struct file *setting_open(const char *path, u32 flags) __may_sleep;

/* poll.c */
int poll_deadline(const void *uts, u64 *deadline_ns); /* 0, -EFAULT, -EINVAL */

/* files.c, io.c, poll.c, epoll.c, mmap.c, clock.c, process.c: each enters its calls. */
void files_init(void);
void io_init(void);
void poll_init(void);
void epoll_init(void);
void mmap_init(void);
void clock_init(void);
void process_init(void);
void mmap_exit(void) __may_sleep; /* everything the application mapped goes back; process context */
void exec_exit(void);             /* its stack goes back; it has ended */

/* exec.c */
void app_exit(int status)
	__noreturn __may_sleep; /* the application ends itself; process context, its thread */
void app_killed(int signo) __noreturn __may_sleep; /* the same by a signal's default action */
u32 app_pid(void);                                 /* of its main thread */
size_t app_stack_limit(void);                      /* bytes its main stack may grow to */
#endif
