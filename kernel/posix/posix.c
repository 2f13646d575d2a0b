// SPDX-License-Identifier: MIT
/*
 * POSIX that is not network, as boot/main.c sees it: all its rooms up, all its rooms down.
 *
 * Interface: posix_init(), posix_exit() (<kernel/posix.h>). Above: boot/main.c. Below: the rooms of this folder.
 * Context: process. Owns: nothing.
 */
#include <kernel/posix.h>

#include <kernel/file.h>
#include <kernel/printk.h>
#include <lib/bug.h>

#include "posix_internal.h"

#define STD_FILES 3

/* Descriptors 0, 1, 2 are one file, as a shell leaves them. */
static void open_console(void)
{
	struct file *f = console_open(O_RDWR);

	for (int want = 0; f && want < STD_FILES; want++) {
		int fd = fd_install(f, 0, false);

		BUG_ON(fd != want);
		if (want + 1 < STD_FILES)
			f = fget(fd); /* each descriptor holds a reference */
	}
	if (!f)
		pr_err("posix: out of memory: the application has no console\n");
}

/**
 * posix_init() - enters the calls; descriptors 0, 1 and 2 are the console
 * Context: boot, after file_init() and syscall_init().
 */
void posix_init(void)
{
	files_init();
	io_init();
	poll_init();
	epoll_init();
	mmap_init();
	clock_init();
	process_init();
	open_console();
}

/**
 * posix_exit() - closes and unmaps what the application left
 * Context: process, after exec_wait().
 */
void posix_exit(void)
{
	fd_close_all();
	mmap_exit();
	exec_exit();
}
