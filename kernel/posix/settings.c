// SPDX-License-Identifier: MIT
/*
 * A setting of /proc/sys as a file: reading gives its value now, each write is one whole value, a newline at its end is
 * left out. What can only be written reads as nothing.
 *
 * Interface: setting_open() (private). Above: files.c. Below: kernel/proc.c. Context: process.
 * Owns: the file's copy of its path.
 * Specs: Linux ip-sysctl.rst for the names; proc(5).
 */
#include "posix_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/posix.h>

#define SETTING_PATH_MAX 96

struct setting {
	char path[SETTING_PATH_MAX];
};

static ssize_t setting_read(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	const struct setting *s = f->private_data;
	char text[PROC_SETTING_MAX + 1];
	int len = proc_setting_get(s->path, text);
	ssize_t done = 0;

	if (len < 0)
		return len;
	if (len)
		text[len++] = '\n';
	for (; nr && *pos < (u64)len; iov++, nr--) {
		size_t n = min_t(u64, iov->iov_len, (u64)len - *pos);

		if (copy_to_user(iov->iov_base, text + *pos, n))
			return done ? done : -EFAULT;
		*pos += n;
		done += (ssize_t)n;
	}
	return done;
}

static ssize_t setting_write(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos)
{
	const struct setting *s = f->private_data;
	char value[PROC_SETTING_MAX];
	size_t len = 0;
	int err;

	(void)pos;
	for (; nr; iov++, nr--) {
		if (iov->iov_len >= sizeof(value) - len)
			return -EINVAL;
		if (copy_from_user(value + len, iov->iov_base, iov->iov_len))
			return -EFAULT;
		len += iov->iov_len;
	}
	value[len] = '\0';
	if (strlen(value) != len)
		return -EINVAL;
	if (len && value[len - 1] == '\n')
		value[len - 1] = '\0';
	err = proc_setting_set(s->path, value);
	return err ? err : (ssize_t)len;
}

static int setting_size(struct file *f, u64 *size, u32 *mode)
{
	(void)f;
	*size = 0;
	*mode = S_IFREG | 0644;
	return 0;
}

static void setting_release(struct file *f)
{
	kfree(f->private_data);
}

static const struct file_operations setting_fops = {
	.name = "setting",
	.read = setting_read,
	.write = setting_write,
	.size = setting_size,
	.release = setting_release,
};

/**
 * setting_open() - a file on a setting
 * @path: "/proc/sys/..."
 * @flags: access mode and O_NONBLOCK
 *
 * Context: process. Return: the file with one reference, the caller's; ERR_PTR(-ENOENT) no such setting,
 * ERR_PTR(-ENAMETOOLONG), ERR_PTR(-ENOMEM).
 */
struct file *setting_open(const char *path, u32 flags)
{
	char text[PROC_SETTING_MAX];
	struct setting *s;
	struct file *f;
	int len;

	if (strlen(path) >= SETTING_PATH_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	len = proc_setting_get(path, text);
	if (len < 0)
		return ERR_PTR(len);
	s = kzalloc(sizeof(*s));
	f = s ? file_alloc(&setting_fops, s, flags) : NULL;
	if (!f) {
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	strscpy(s->path, path, sizeof(s->path));
	return f;
}
