// SPDX-License-Identifier: MIT
/*
 * The second serial line as a file, /dev/ttyS1: bytes as they are, both ways, for programs that talk to a program outside.
 * What comes is kept in a ring by the interrupt; when the ring is full the line is not listened to until a reader made
 * room, so that a sender who heeds flow control (QEMU does) loses nothing. Who writes more than the UART takes at once
 * sleeps until it has sent what it has. The line is always raw: settings are kept for those who ask, and change nothing.
 *
 * Interface: tty_open() (private). Above: files.c. Below: the plinth's arch_serial_*, kernel/irq.c, wait.
 * Context: process; the interrupt's function: hardirq.
 * Owns: the ring, the interrupt line while somebody has the file open.
 * Specs: POSIX.1-2017 11 (MIN 1, TIME 0); Linux's termios for the ioctls.
 */
#include "posix_internal.h"

#include <kernel/irq.h>
#include <kernel/sched.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <uapi/posix.h>
#include <uapi/socket.h>

#define RING_SIZE 8192u /* a power of two */
#define TTY_CHUNK 256

static struct {
	u8 ring[RING_SIZE];
	u32 head, tail; /* taken, stored: they run freely */
	u32 openers;
	bool transmit_irq; /* a writer waits for room */
	struct termios settings;
	struct wait_queue_head wq; /* bytes have come, or there is room to send */
} tty;

static u32 ring_used(void)
{
	return tty.tail - tty.head;
}

/* IF=0. */
static void choose_irqs(void) __needs(irqs_off)
{
	arch_serial_irqs(ring_used() < RING_SIZE, tty.transmit_irq);
}

/* Takes what has come; IF=0. */
static void receive_bytes(void) __needs(irqs_off)
{
	while (ring_used() < RING_SIZE) {
		int ch = arch_serial_getc();

		if (ch < 0)
			break;
		tty.ring[tty.tail++ % RING_SIZE] = (u8)ch;
	}
}

static enum irqreturn tty_interrupt(unsigned int irq, void *dev) __needs(irqs_off)
{
	enum irqreturn mine = IRQ_NONE;

	(void)irq;
	(void)dev;
	while (arch_serial_pending()) {
		mine = IRQ_HANDLED;
		receive_bytes();
		if (tty.transmit_irq && arch_serial_room())
			tty.transmit_irq = false;
		choose_irqs();
	}
	if (mine)
		wake_up(&tty.wq);
	return mine;
}

/* At most @n bytes out of the ring; the line is listened to again. */
static size_t ring_take(u8 *out, size_t n)
{
	unsigned long flags = local_irq_save();
	size_t done = 0;

	for (; done < n && ring_used(); done++)
		out[done] = tty.ring[tty.head++ % RING_SIZE];
	choose_irqs();
	local_irq_restore(flags);
	return done;
}

static void ring_clear(void)
{
	unsigned long flags = local_irq_save();

	tty.head = tty.tail;
	choose_irqs();
	local_irq_restore(flags);
}

static ssize_t tty_read(struct file *f, const struct iovec *iov, unsigned long nr,
			u64 *pos) __may_sleep
{
	u8 chunk[TTY_CHUNK];
	ssize_t done = 0;

	(void)pos;
	for (; nr; iov++, nr--) {
		for (size_t off = 0; off < iov->iov_len;) {
			size_t n = ring_take(chunk, min_t(size_t, TTY_CHUNK, iov->iov_len - off));

			if (!n && done)
				return done;
			if (!n && f->flags & O_NONBLOCK)
				return -EAGAIN;
			if (!n) {
				wait_event_until(&tty.wq, ring_used(), WAIT_FOREVER);
				continue;
			}
			if (copy_to_user((char *)iov->iov_base + off, chunk, n))
				return done ? done : -EFAULT;
			off += n;
			done += (ssize_t)n;
		}
	}
	return done;
}

/* Sleeps until the UART takes bytes. */
static void wait_for_room(void) __may_sleep
{
	unsigned long flags = local_irq_save();

	tty.transmit_irq = true;
	choose_irqs();
	local_irq_restore(flags);
	wait_event_until(&tty.wq, arch_serial_room(), WAIT_FOREVER);
}

static ssize_t tty_write(struct file *f, const struct iovec *iov, unsigned long nr,
			 u64 *pos) __may_sleep
{
	u8 chunk[TTY_CHUNK];
	ssize_t done = 0;

	(void)pos;
	for (; nr; iov++, nr--) {
		for (size_t off = 0; off < iov->iov_len;) {
			size_t n = min_t(size_t, arch_serial_room(), iov->iov_len - off);

			if (!n && f->flags & O_NONBLOCK)
				return done ? done : -EAGAIN;
			if (!n) {
				wait_for_room();
				continue;
			}
			if (copy_from_user(chunk, (const char *)iov->iov_base + off, n))
				return done ? done : -EFAULT;
			arch_serial_put(chunk, n);
			off += n;
			done += (ssize_t)n;
			cond_resched(); /* the line is slow */
		}
	}
	return done;
}

static unsigned int tty_poll(struct file *f, struct wait_queue_head **wq)
{
	unsigned long flags;

	(void)f;
	*wq = &tty.wq;
	flags = local_irq_save();
	if (!arch_serial_room()) {
		tty.transmit_irq = true; /* who polls is told when there is room */
		choose_irqs();
	}
	local_irq_restore(flags);
	return (ring_used() ? POLLIN | POLLRDNORM : 0U) |
	       (arch_serial_room() ? POLLOUT | POLLWRNORM : 0U);
}

static long tty_ioctl(struct file *f, unsigned long req, unsigned long arg)
{
	static const struct winsize none;
	int n;

	(void)f;
	switch (req) {
	case TCGETS:
		return copy_to_user((void *)arg, &tty.settings, sizeof(tty.settings));
	case TCSETSF:
		ring_clear();
		return copy_from_user(&tty.settings, (const void *)arg, sizeof(tty.settings));
	case TCSETS:
	case TCSETSW:
		return copy_from_user(&tty.settings, (const void *)arg, sizeof(tty.settings));
	case TCFLSH:
		if (arg > TCIOFLUSH)
			return -EINVAL;
		if (arg != TCOFLUSH)
			ring_clear();
		return 0;
	case TIOCGWINSZ:
		return copy_to_user((void *)arg, &none, sizeof(none));
	case FIONREAD:
		n = (int)ring_used();
		return copy_to_user((void *)arg, &n, sizeof(n));
	default:
		return -ENOTTY;
	}
}

static int tty_size(struct file *f, u64 *size, u32 *mode)
{
	(void)f;
	*size = 0;
	*mode = S_IFCHR | 0660;
	return 0;
}

static void tty_shut(void)
{
	unsigned long flags = local_irq_save();

	arch_serial_irqs(false, false);
	local_irq_restore(flags);
	free_irq(ARCH_SERIAL_IRQ, &tty);
	arch_serial_close();
}

static void tty_release(struct file *f)
{
	(void)f;
	BUG_ON(!tty.openers);
	if (--tty.openers == 0)
		tty_shut();
}

static const struct file_operations tty_fops = {
	.name = "tty",
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
	.size = tty_size,
	.release = tty_release,
};

/* The first opener brings the line up. 0, -ENXIO, -ENOMEM. */
static int tty_up(void)
{
	int err;

	if (tty.openers)
		return 0;
	if (!arch_serial_open())
		return -ENXIO;
	init_waitqueue_head(&tty.wq);
	tty.head = tty.tail = 0;
	tty.transmit_irq = false;
	tty.settings = (struct termios){ .c_cflag = B115200 | CS8 | CREAD | CLOCAL };
	tty.settings.c_cc[VMIN] = 1;
	err = request_irq(ARCH_SERIAL_IRQ, tty_interrupt, "ttyS1", &tty);
	if (err) {
		arch_serial_close();
		return err;
	}
	ring_clear();
	return 0;
}

/**
 * tty_open() - a file on the second serial line
 * @flags: access mode and O_NONBLOCK
 *
 * Context: process. Return: the file with one reference, the caller's; ERR_PTR(-ENXIO) no such line, ERR_PTR(-ENOMEM).
 */
struct file *tty_open(u32 flags)
{
	int err = tty_up();
	struct file *f;

	if (err)
		return ERR_PTR(err);
	f = file_alloc(&tty_fops, NULL, flags);
	if (!f) {
		if (!tty.openers)
			tty_shut();
		return ERR_PTR(-ENOMEM);
	}
	tty.openers++;
	return f;
}
