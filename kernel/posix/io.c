// SPDX-License-Identifier: MIT
/*
 * Calls on open files: each finds the file behind a descriptor and hands over to its operations.
 *
 * Interface: io_init() enters read, write, readv, writev, pread64, lseek, close, dup, dup2, dup3, fcntl, ioctl.
 * Above: posix.c. Below: kernel/file.c. Context: process.
 * Owns: nothing; every call drops the reference it took.
 * Specs: POSIX.1-2017 read() ... fcntl(); docs/PATH.md A3.3, A3.4.
 */
#include "posix_internal.h"

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <kernel/syscall_define.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <uapi/posix.h>
#include <uapi/socket.h>
#include <uapi/unistd.h>

#define SETFL_MASK (O_NONBLOCK | O_APPEND)

static ssize_t file_read(struct file *f, const struct iovec *iov, unsigned long nr,
			 u64 *pos) __may_sleep
{
	might_sleep();
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	return f->ops->read ? f->ops->read(f, iov, nr, pos) : -EINVAL;
}

static ssize_t file_write(struct file *f, const struct iovec *iov, unsigned long nr,
			  u64 *pos) __may_sleep
{
	might_sleep();
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	return f->ops->write ? f->ops->write(f, iov, nr, pos) : -EINVAL;
}

typedef ssize_t (*transfer_fn)(struct file *, const struct iovec *, unsigned long, u64 *);

static long transfer(int fd, void *buf, size_t len, transfer_fn fn) __may_sleep
{
	struct iovec iov = { buf, min_t(size_t, len, MAX_RW_COUNT) };
	struct file *f = fget(fd);
	ssize_t done;

	if (!f)
		return -EBADF;
	done = (ssize_t)len < 0 ? -EINVAL : fn(f, &iov, 1, &f->pos);
	fput(f);
	return done;
}

static long transferv(int fd, const void *uvec, unsigned long nr, transfer_fn fn) __may_sleep
{
	struct iovec fast[UIO_FASTIOV], *iov;
	struct file *f = fget(fd);
	ssize_t done;

	if (!f)
		return -EBADF;
	done = import_iovec(uvec, nr, fast, &iov);
	if (done >= 0) {
		done = fn(f, iov, nr, &f->pos);
		if (iov != fast)
			kfree(iov);
	}
	fput(f);
	return done;
}

SYSCALL_DEFINE3(read, int, fd, void *, buf, size_t, len)
{
	return transfer(fd, buf, len, file_read);
}

SYSCALL_DEFINE3(write, int, fd, void *, buf, size_t, len)
{
	return transfer(fd, buf, len, file_write);
}

SYSCALL_DEFINE3(readv, int, fd, const void *, uvec, unsigned long, nr)
{
	return transferv(fd, uvec, nr, file_read);
}

SYSCALL_DEFINE3(writev, int, fd, const void *, uvec, unsigned long, nr)
{
	return transferv(fd, uvec, nr, file_write);
}

SYSCALL_DEFINE4(pread64, int, fd, void *, buf, size_t, len, s64, off)
{
	struct iovec iov = { buf, min_t(size_t, len, MAX_RW_COUNT) };
	struct file *f;
	u64 pos = (u64)off;
	ssize_t done;

	if (off < 0)
		return -EINVAL;
	f = fget(fd);
	if (!f)
		return -EBADF;
	if (!f->ops->llseek)
		done = -ESPIPE;
	else
		done = file_read(f, &iov, 1, &pos);
	fput(f);
	return done;
}

SYSCALL_DEFINE3(lseek, int, fd, s64, off, int, whence)
{
	struct file *f = fget(fd);
	s64 at;

	if (!f)
		return -EBADF;
	at = f->ops->llseek ? f->ops->llseek(f, off, whence) : -ESPIPE;
	fput(f);
	return at;
}

SYSCALL_DEFINE1(close, int, fd)
{
	return fd_close(fd);
}

/* The lowest free descriptor from @min on becomes a second name of @fd's file. */
static long do_dup(int fd, int min_fd, bool cloexec) __may_sleep
{
	struct file *f;
	int fd2;

	if (min_fd < 0 || min_fd >= NR_FILES)
		return -EINVAL;
	f = fget(fd);
	if (!f)
		return -EBADF;
	fd2 = fd_install(f, min_fd, cloexec);
	if (fd2 < 0)
		fput(f);
	return fd2;
}

/* One application, and no other thread runs between the two steps: the closed number is the lowest free one. */
static long do_dup_to(int fd, int to, bool cloexec) __may_sleep
{
	struct file *f = fget(fd);

	if (!f)
		return -EBADF;
	fput(f);
	if (to < 0 || to >= NR_FILES)
		return -EBADF;
	fd_close(to);
	return do_dup(fd, to, cloexec);
}

SYSCALL_DEFINE1(dup, int, fd)
{
	return do_dup(fd, 0, false);
}

SYSCALL_DEFINE2(dup2, int, fd, int, to)
{
	struct file *f;

	if (fd != to)
		return do_dup_to(fd, to, false);
	f = fget(fd);
	if (!f)
		return -EBADF;
	fput(f);
	return to;
}

SYSCALL_DEFINE3(dup3, int, fd, int, to, u32, flags)
{
	if (fd == to || (flags & ~(u32)O_CLOEXEC))
		return -EINVAL;
	return do_dup_to(fd, to, flags & O_CLOEXEC);
}

SYSCALL_DEFINE3(fcntl, int, fd, int, cmd, unsigned long, arg)
{
	struct file *f = fget(fd);
	long ret = 0;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		ret = do_dup(fd, (int)arg, cmd == F_DUPFD_CLOEXEC);
		break;
	case F_GETFD: /* kept, though nothing can be executed */
		ret = fd_cloexec(fd);
		break;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		break;
	case F_GETFL:
		ret = (long)f->flags;
		break;
	case F_SETFL:
		f->flags = (f->flags & ~(u32)SETFL_MASK) | ((u32)arg & SETFL_MASK);
		break;
	default:
		ret = -EINVAL;
	}
	fput(f);
	return ret;
}

SYSCALL_DEFINE3(ioctl, int, fd, u32, req, unsigned long, arg)
{
	struct file *f = fget(fd);
	long ret = 0;
	int on;

	if (!f)
		return -EBADF;
	switch (req) {
	case FIONBIO:
		ret = copy_from_user(&on, (const void *)arg, sizeof(on));
		if (!ret)
			f->flags = (f->flags & ~(u32)O_NONBLOCK) | (on ? (u32)O_NONBLOCK : 0);
		break;
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(fd, req == FIOCLEX);
		break;
	default:
		ret = f->ops->ioctl ? f->ops->ioctl(f, req, arg) : -ENOTTY;
	}
	fput(f);
	return ret;
}

/**
 * io_init() - enters the calls on open files
 * Context: boot, after syscall_init().
 */
void io_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_read, sys_read },       { __NR_write, sys_write },
		{ __NR_readv, sys_readv },     { __NR_writev, sys_writev },
		{ __NR_pread64, sys_pread64 }, { __NR_lseek, sys_lseek },
		{ __NR_close, sys_close },     { __NR_dup, sys_dup },
		{ __NR_dup2, sys_dup2 },       { __NR_dup3, sys_dup3 },
		{ __NR_fcntl, sys_fcntl },     { __NR_ioctl, sys_ioctl },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}
