/* SPDX-License-Identifier: MIT */
/*
 * Open files: fd -> struct file -> file_operations. A socket is one kind of file. One table: there is one
 * application. Context: process.
 */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>

#define NR_FILES    16384 /* descriptors; the table grows as they are used */
#define O_RDONLY    0
#define O_WRONLY    1
#define O_RDWR      2
#define O_ACCMODE   3
#define O_CREAT     0100
#define O_TRUNC     01000
#define O_APPEND    02000
#define O_NONBLOCK  04000
#define O_DIRECTORY 0200000
#define O_CLOEXEC   02000000

struct iovec {
	void *iov_base;
	size_t iov_len;
};

struct file;
struct wait_queue_head;
struct file_operations {
	const char *name;
	/* Buffers are application memory. Return bytes done or -errno. NULL entry: -EINVAL. */
	ssize_t (*read)(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos);
	ssize_t (*write)(struct file *f, const struct iovec *iov, unsigned long nr, u64 *pos);
	s64 (*llseek)(struct file *f, s64 off, int whence); /* NULL: -ESPIPE */
	long (*ioctl)(struct file *f, unsigned long req, unsigned long arg);
	/* POLLIN | POLLOUT ... now; @wq gets the queue that is woken when that may change. */
	unsigned int (*poll)(struct file *f, struct wait_queue_head **wq);
	int (*size)(struct file *f, u64 *size, u32 *mode); /* for stat; NULL: size 0 */
	void (*release)(struct file *f);                   /* the last reference is gone */
};

/* Somebody who wants to know when the last reference goes (epoll). */
struct file_watcher {
	struct list_head node;                /* on file->watchers */
	void (*gone)(struct file_watcher *w); /* takes itself off; process */
};

struct file {
	const struct file_operations *ops;
	void *private_data;
	u32 refs;
	u32 flags; /* O_ACCMODE, O_NONBLOCK, O_APPEND */
	u64 pos;
	struct list_head watchers; /* of struct file_watcher */
};

void file_init(void);
void fput(struct file *f) __may_sleep; /* drops a reference; the last one releases */
/* A file with one reference; NULL without memory. */
struct file *file_alloc(const struct file_operations *ops, void *private_data, u32 flags)
	__freed_by(fput, 1);
struct file *fget(int fd) __freed_by(fput, 1); /* takes a reference; NULL: EBADF */
/* Lowest free descriptor >= @min for @f, whose reference moves into the table. fd, or -EMFILE (the reference stays the caller's). */
int fd_install(struct file *f, int min, bool cloexec);
int fd_close(int fd) __may_sleep; /* 0, -EBADF */
void fd_set_cloexec(int fd, bool on);
bool fd_cloexec(int fd);
void fd_close_all(void) __may_sleep; /* at exit */
u32 files_live(void);
#endif
