// SPDX-License-Identifier: MIT
/*
 * The console as a file: descriptors 0, 1 and 2. What is written goes through the kernel's console, so that kernel
 * lines always begin at column 0; what is typed is read byte by byte from the serial line, which has no interrupt
 * here: a reader that waits asks every 10 ms.
 *
 * Interface: console_open() (private). Above: posix.c, files.c. Below: printk's console_write, the plinth's getc.
 * Context: process. Owns: one byte read ahead for poll().
 * Specs: POSIX.1-2017 11 (canonical input without editing: carriage return arrives as newline).
 */
#include "posix_internal.h"

#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <lib/err.h>
#include <uapi/posix.h>
#include <uapi/socket.h>

#define CONSOLE_CHUNK   256
#define CONSOLE_ASK_NS  (10 * NSEC_PER_MSEC)
#define CONSOLE_ROWS    25
#define CONSOLE_COLUMNS 80

static int read_ahead = -1; /* a byte poll() saw, or -1 */

static int console_getc(void)
{
	int ch = read_ahead >= 0 ? read_ahead : arch_console_getc();

	read_ahead = -1;
	return ch == '\r' ? '\n' : ch;
}

static ssize_t console_write_iov(struct file *f, const struct iovec *iov, unsigned long nr,
				 u64 *pos) __may_sleep
{
	char chunk[CONSOLE_CHUNK];
	ssize_t done = 0;

	(void)f;
	(void)pos;
	for (; nr; iov++, nr--) {
		for (size_t off = 0; off < iov->iov_len;) {
			size_t n = min_t(size_t, sizeof(chunk), iov->iov_len - off);

			if (copy_from_user(chunk, (const char *)iov->iov_base + off, n))
				return done ? done : -EFAULT;
			console_write(chunk, n);
			off += n;
			done += (ssize_t)n;
			cond_resched(); /* the line is slow */
		}
	}
	return done;
}

static ssize_t console_read_iov(struct file *f, const struct iovec *iov, unsigned long nr,
				u64 *pos) __may_sleep
{
	ssize_t done = 0;

	(void)pos;
	for (; nr; iov++, nr--) {
		for (size_t off = 0; off < iov->iov_len; off++) {
			int ch = console_getc();
			char byte;

			while (ch < 0 && !done) {
				if (f->flags & O_NONBLOCK)
					return -EAGAIN;
				sleep_until(ktime_get_ns() + CONSOLE_ASK_NS);
				ch = console_getc();
			}
			if (ch < 0)
				return done;
			byte = (char)ch;
			if (copy_to_user((char *)iov->iov_base + off, &byte, 1))
				return done ? done : -EFAULT;
			done++;
			if (byte == '\n')
				return done;
		}
	}
	return done;
}

static long console_ioctl(struct file *f, unsigned long req, unsigned long arg)
{
	static const struct winsize ws = { .ws_row = CONSOLE_ROWS, .ws_col = CONSOLE_COLUMNS };

	(void)f;
	if (req != TIOCGWINSZ)
		return -ENOTTY;
	return copy_to_user((void *)arg, &ws, sizeof(ws));
}

/* No queue: nobody is told when a byte arrives, so poll() has to ask again. */
static unsigned int console_poll(struct file *f, struct wait_queue_head **wq)
{
	(void)f;
	*wq = NULL;
	if (read_ahead < 0)
		read_ahead = arch_console_getc();
	return POLLOUT | POLLWRNORM | (read_ahead >= 0 ? POLLIN | POLLRDNORM : 0U);
}

static int console_size(struct file *f, u64 *size, u32 *mode)
{
	(void)f;
	*size = 0;
	*mode = S_IFCHR | 0620;
	return 0;
}

static const struct file_operations console_fops = {
	.name = "console",
	.read = console_read_iov,
	.write = console_write_iov,
	.ioctl = console_ioctl,
	.poll = console_poll,
	.size = console_size,
};

/**
 * console_open() - a file on the console
 * @flags: access mode and O_NONBLOCK
 *
 * Context: process. Return: the file with one reference, the caller's; NULL without memory.
 */
struct file *console_open(u32 flags)
{
	return file_alloc(&console_fops, NULL, flags);
}
