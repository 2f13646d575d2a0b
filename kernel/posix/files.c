// SPDX-License-Identifier: MIT
/*
 * The files there are, by name, read-only or without content but for settings and lines:
 *   /boot/NAME       a boot module, by the last part of its path; /boot/file is the first module
 *   /proc/...        a page of text, as it was when the file was opened
 *   /etc/...         the same: resolv.conf and hosts, for the C library's resolver
 *   /proc/sys/...    a setting, to be read and written (settings.c)
 *   /dev/null, /dev/zero, /dev/urandom, /dev/random, /dev/console, /dev/ttyS1 (tty.c)
 * Nothing can be created (-EROFS). The working directory is always "/".
 *
 * Interface: files_init() enters open, openat, stat, lstat, newfstatat, access, getcwd, and fstat.
 * Above: posix.c. Below: kernel/proc.c, random, boot_info. Context: process.
 * Owns: a /proc file owns its text; a module's bytes are the loader's and stay where they are.
 * Specs: POSIX.1-2017 open(), stat().
 */
#include "posix_internal.h"

#include <kernel/boot_info.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/syscall_define.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/posix.h>
#include <uapi/socket.h>
#include <uapi/unistd.h>

#define PATH_MAX_HERE 256
#define BLOCK_SIZE    512
#define FILL_CHUNK    256

/* --- Files with bytes: a module, a page of /proc ----------------------------------------------------------------- */
struct bytes {
	const char *data;
	u64 len;
	char *owned; /* kfree()d at release; NULL: somebody else's */
};

static ssize_t bytes_read(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	const struct bytes *b = f->private_data;
	ssize_t done = 0;

	for (; nr && *pos < b->len; iov++, nr--) {
		size_t n = min_t(u64, iov->iov_len, b->len - *pos);

		if (copy_to_user(iov->iov_base, b->data + *pos, n))
			return done ? done : -EFAULT;
		*pos += n;
		done += (ssize_t)n;
	}
	return done;
}

static s64 bytes_llseek(struct file *f, s64 off, int whence)
{
	const struct bytes *b = f->private_data;
	s64 from;

	switch (whence) {
	case SEEK_SET:
		from = 0;
		break;
	case SEEK_CUR:
		from = (s64)f->pos;
		break;
	case SEEK_END:
		from = (s64)b->len;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(from, off, &from))
		return -EOVERFLOW;
	if (from < 0)
		return -EINVAL;
	f->pos = (u64)from;
	return from;
}

static int bytes_size(struct file *f, u64 *size, u32 *mode)
{
	const struct bytes *b = f->private_data;

	*size = b->len;
	*mode = S_IFREG | 0444;
	return 0;
}

static void bytes_release(struct file *f)
{
	struct bytes *b = f->private_data;

	kfree(b->owned);
	kfree(b);
}

static const struct file_operations bytes_fops = {
	.name = "bytes",
	.read = bytes_read,
	.llseek = bytes_llseek,
	.size = bytes_size,
	.release = bytes_release,
};

/* Consumes @owned also when it fails. */
static struct file *bytes_open(const char *data, u64 len, char *owned)
{
	struct bytes *b = kmalloc(sizeof(*b));
	struct file *f = b ? file_alloc(&bytes_fops, b, O_RDONLY) : NULL;

	if (!f) {
		kfree(b);
		kfree(owned);
		return ERR_PTR(-ENOMEM);
	}
	*b = (struct bytes){ .data = data, .len = len, .owned = owned };
	return f;
}

/* --- Devices without a device ------------------------------------------------------------------------------------- */
static ssize_t swallow(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	ssize_t done = 0;

	(void)f;
	(void)pos;
	for (; nr; iov++, nr--)
		done += (ssize_t)iov->iov_len;
	return done;
}

static ssize_t null_read(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	(void)f;
	(void)iov;
	(void)nr;
	(void)pos;
	return 0;
}

/* Fills the buffers piece by piece with what @make puts into a piece. */
static ssize_t fill(const struct iovec *iov, unsigned long nr,
		    void (*make)(void *buf, size_t n)) __may_sleep
{
	u8 piece[FILL_CHUNK];
	ssize_t done = 0;

	for (; nr; iov++, nr--) {
		for (size_t off = 0; off < iov->iov_len;) {
			size_t n = min_t(size_t, sizeof(piece), iov->iov_len - off);

			make(piece, n);
			if (copy_to_user((char *)iov->iov_base + off, piece, n))
				return done ? done : -EFAULT;
			off += n;
			done += (ssize_t)n;
			cond_resched();
		}
	}
	return done;
}

static void make_zero(void *buf, size_t n)
{
	memset(buf, 0, n);
}

static ssize_t zero_read(struct file *f, const struct iovec *iov, unsigned long nr,
			 u64 *pos) __may_sleep
{
	(void)f;
	(void)pos;
	return fill(iov, nr, make_zero);
}

static ssize_t random_read(struct file *f, const struct iovec *iov, unsigned long nr,
			   u64 *pos) __may_sleep
{
	(void)f;
	(void)pos;
	return fill(iov, nr, get_random_bytes);
}

static int device_size(struct file *f, u64 *size, u32 *mode)
{
	(void)f;
	*size = 0;
	*mode = S_IFCHR | 0666;
	return 0;
}

static const struct file_operations null_fops = {
	.name = "null",
	.read = null_read,
	.write = swallow,
	.size = device_size,
};
static const struct file_operations zero_fops = {
	.name = "zero",
	.read = zero_read,
	.write = swallow,
	.size = device_size,
};
static const struct file_operations random_fops = {
	.name = "random",
	.read = random_read,
	.write = swallow,
	.size = device_size,
};
static const struct {
	const char *path;
	const struct file_operations *fops;
} devices[] = {
	{ "/dev/null", &null_fops },
	{ "/dev/zero", &zero_fops },
	{ "/dev/urandom", &random_fops },
	{ "/dev/random", &random_fops },
};

/* --- By name ------------------------------------------------------------------------------------------------------- */
/* Is @name the last part of the module's path? The loader's text may have arguments behind a blank. */
static bool module_is(const struct boot_module *m, const char *name)
{
	const char *base = m->name, *p;

	for (p = m->name; *p && *p != ' '; p++)
		if (*p == '/')
			base = p + 1;
	return strlen(name) == (size_t)(p - base) && !strncmp(base, name, (size_t)(p - base));
}

static const struct boot_module *module_find(const char *name)
{
	for (u32 i = 0; i < boot_info.nr_modules; i++)
		if (module_is(&boot_info.module[i], name))
			return &boot_info.module[i];
	if (boot_info.nr_modules && !strcmp(name, "file"))
		return &boot_info.module[0];
	return NULL;
}

static struct file *open_proc(const char *path)
{
	size_t len;
	char *text = proc_render(path, &len);

	if (IS_ERR(text))
		return ERR_PTR(PTR_ERR(text));
	return bytes_open(text, len, text);
}

static struct file *open_device(const char *path, u32 flags)
{
	struct file *f = NULL;
	bool known = !strcmp(path, "/dev/console");

	if (!strcmp(path, "/dev/ttyS1"))
		return tty_open(flags);
	if (known)
		f = console_open(flags);
	for (size_t i = 0; i < ARRAY_SIZE(devices) && !known; i++) {
		known = !strcmp(path, devices[i].path);
		if (known)
			f = file_alloc(devices[i].fops, NULL, flags);
	}
	if (!known)
		return ERR_PTR(-ENOENT);
	return f ? f : ERR_PTR(-ENOMEM);
}

/* A file by its absolute path, one reference, the caller's; ERR_PTR. */
static struct file *open_path(const char *path, u32 flags) __may_sleep
{
	const struct boot_module *m;
	struct file *f = ERR_PTR(-ENOENT);

	if (!strncmp(path, "/dev/", 5)) {
		f = open_device(path, flags & (O_ACCMODE | O_NONBLOCK | O_APPEND));
	} else if (!strncmp(path, "/boot/", 6)) {
		m = module_find(path + 6);
		if (m)
			f = bytes_open((const char *)(uintptr_t)m->base, m->len, NULL);
	} else if (!strncmp(path, "/proc/sys/", 10)) {
		f = setting_open(path, flags & (O_ACCMODE | O_NONBLOCK | O_APPEND));
	} else if (!strncmp(path, "/proc/", 6) || !strncmp(path, "/etc/", 5)) {
		f = open_proc(path);
	}
	if (f == ERR_PTR(-ENOENT) && (flags & O_CREAT))
		return ERR_PTR(-EROFS);
	if (IS_ERR(f))
		return f;
	if (f->ops == &bytes_fops && (flags & (O_ACCMODE | O_TRUNC))) {
		fput(f);
		return ERR_PTR(-EROFS);
	}
	if (flags & O_DIRECTORY) {
		fput(f);
		return ERR_PTR(-ENOTDIR);
	}
	return f;
}

/* Copies the path in and makes it absolute: relative names start at "/". 0 or -errno. */
static int get_path(const char *upath, char *path)
{
	ssize_t len = strncpy_from_user(path + 1, upath, PATH_MAX_HERE - 1);

	if (len < 0)
		return (int)len;
	if (!len)
		return -ENOENT;
	path[0] = '/';
	if (path[1] == '/')
		memmove(path, path + 1, (size_t)len + 1);
	return 0;
}

static struct file *open_user(int dirfd, const char *upath, u32 flags) __may_sleep
{
	char path[PATH_MAX_HERE + 1];
	int err = get_path(upath, path);

	if (err)
		return ERR_PTR(err);
	/* There are no directories, so no descriptor of one. */
	if (dirfd != AT_FDCWD && path[0] != '/')
		return ERR_PTR(-ENOTDIR);
	return open_path(path, flags);
}

static long do_open(int dirfd, const char *upath, u32 flags) __may_sleep
{
	struct file *f = open_user(dirfd, upath, flags);
	int fd;

	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		fput(f);
	return fd;
}

SYSCALL_DEFINE2(open, const char *, path, u32, flags)
{
	return do_open(AT_FDCWD, path, flags);
}

SYSCALL_DEFINE3(openat, int, dirfd, const char *, path, u32, flags)
{
	return do_open(dirfd, path, flags);
}

/* --- What they are --------------------------------------------------------------------------------------------------- */
static long stat_file(struct file *f, void *ust)
{
	struct user_stat st = { .st_nlink = 1, .st_blksize = (s64)PAGE_SIZE };
	u64 size = 0;
	u32 mode = S_IFCHR | 0600;
	int err;

	if (f->ops->size) {
		err = f->ops->size(f, &size, &mode);
		if (err)
			return err;
	}
	st.st_mode = mode;
	st.st_size = (s64)size;
	st.st_blocks = (s64)DIV_ROUND_UP(size, BLOCK_SIZE);
	st.st_ino = (u64)(uintptr_t)f->private_data >> 4;
	return copy_to_user(ust, &st, sizeof(st));
}

static long stat_path(int dirfd, const char *upath, void *ust) __may_sleep
{
	struct file *f = open_user(dirfd, upath, O_RDONLY);
	long err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	err = stat_file(f, ust);
	fput(f);
	return err;
}

static long stat_fd(int fd, void *ust) __may_sleep
{
	struct file *f = fget(fd);
	long err;

	if (!f)
		return -EBADF;
	err = stat_file(f, ust);
	fput(f);
	return err;
}

SYSCALL_DEFINE2(fstat, int, fd, void *, ust)
{
	return stat_fd(fd, ust);
}

SYSCALL_DEFINE2(stat, const char *, path, void *, ust)
{
	return stat_path(AT_FDCWD, path, ust);
}

SYSCALL_DEFINE4(newfstatat, int, dirfd, const char *, path, void *, ust, int, flags)
{
	char first;

	if (flags & AT_EMPTY_PATH) {
		if (!path)
			return stat_fd(dirfd, ust);
		if (copy_from_user(&first, path, 1))
			return -EFAULT;
		if (!first)
			return stat_fd(dirfd, ust);
	}
	return stat_path(dirfd, path, ust);
}

SYSCALL_DEFINE2(access, const char *, path, int, mode)
{
	struct file *f;
	bool write = mode & 2, exec = mode & 1, fixed;

	if (mode & ~7)
		return -EINVAL;
	f = open_user(AT_FDCWD, path, O_RDONLY);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fixed = f->ops == &bytes_fops;
	fput(f);
	if (write && fixed)
		return -EROFS;
	return exec ? -EACCES : 0;
}

SYSCALL_DEFINE2(getcwd, char *, buf, size_t, size)
{
	if (size < 2)
		return -ERANGE;
	return copy_to_user(buf, "/", 2) ? -EFAULT : 2;
}

/**
 * files_init() - enters the calls about files by name
 * Context: boot, after syscall_init().
 */
void files_init(void)
{
	static const struct syscall_entry calls[] = {
		{ __NR_open, sys_open },     { __NR_openat, sys_openat },
		{ __NR_stat, sys_stat },     { __NR_lstat, sys_stat },
		{ __NR_fstat, sys_fstat },   { __NR_newfstatat, sys_newfstatat },
		{ __NR_access, sys_access }, { __NR_getcwd, sys_getcwd },
	};

	syscall_enter(calls, ARRAY_SIZE(calls));
}
