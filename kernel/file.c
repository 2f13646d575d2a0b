// SPDX-License-Identifier: MIT
/*
 * Open files: fd -> struct file -> file_operations.
 *
 * The table holds one reference per descriptor; whoever works with a file holds another from fget() to fput(), so
 * that close() during a call ends nothing under the call's feet. The last reference runs ops->release.
 *
 * Interface: file_alloc(), fget(), fput(), fd_install(), fd_close(), fd_close_all(), files_live().
 * Above: net/socket, kernel/posix.  Below: slab.
 * Context: process.  Owns: struct file, from file_alloc() to the last fput().
 */
#include <kernel/file.h>

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>

#define PIECE 1024 /* descriptors that the table grows by */

struct fd_piece {
	struct file *fd[PIECE];
	u64 cloexec[PIECE / 64]; /* bit per descriptor */
};

static struct {
	struct kmem_cache *cache;
	struct fd_piece first; /* most programs need no more */
	struct fd_piece *piece[NR_FILES / PIECE];
	int lowest; /* below it none is free */
	u32 live;
} files;

/* Where descriptor @fd stands; NULL: it is none, or the table is not that long yet. */
static struct file **fd_slot(int fd)
{
	if (fd < 0 || fd >= NR_FILES || !files.piece[fd / PIECE])
		return NULL;
	return &files.piece[fd / PIECE]->fd[fd % PIECE];
}

static struct file *fd_file(int fd)
{
	struct file **slot = fd_slot(fd);

	return slot ? *slot : NULL;
}

/**
 * file_alloc() - a file with one reference.
 * @private_data: handed to @ops; ops->release disposes of it.
 * Context: process.
 * Return: the file, the caller's; NULL without memory (@private_data stays the caller's).
 */
struct file *file_alloc(const struct file_operations *ops, void *private_data, u32 flags)
{
	struct file *f = kmem_cache_zalloc(files.cache);
	BUG_ON(!ops);
	if (!f)
		return NULL;
	f->ops = ops;
	f->private_data = private_data;
	f->flags = flags;
	f->refs = 1;
	INIT_LIST_HEAD(&f->watchers);
	files.live++;
	return f;
}

/**
 * fget() - the file behind a descriptor, with a reference more.
 * Context: process.
 * Return: the file, until fput(); NULL: no such descriptor (EBADF).
 */
struct file *fget(int fd)
{
	struct file *f = fd_file(fd);

	if (f)
		f->refs++;
	return f;
}

/**
 * fput() - drops a reference; the last one tells who watches, releases and frees the file.
 * Context: process; may sleep in ops->release.
 * Consumes: the reference.
 */
void fput(struct file *f)
{
	might_sleep();
	BUG_ON(!f->refs);
	if (--f->refs)
		return;
	while (!list_empty(&f->watchers)) {
		struct file_watcher *w = list_first_entry(&f->watchers, struct file_watcher, node);

		w->gone(w);
		BUG_ON(f->watchers.next == &w->node);
	}
	if (f->ops->release)
		f->ops->release(f);
	files.live--;
	kmem_cache_free(files.cache, f);
}

/**
 * fd_install() - gives @f the lowest free descriptor from @min on.
 * Context: process.
 * Consumes: the caller's reference, on success only.
 * Return: the descriptor; -EMFILE, also where the table finds no memory to grow; -EINVAL for a bad @min.
 */
int fd_install(struct file *f, int min_fd, bool cloexec)
{
	if (min_fd < 0 || min_fd >= NR_FILES)
		return -EINVAL;
	for (int fd = max(min_fd, files.lowest); fd < NR_FILES; fd++) {
		struct fd_piece **piece = &files.piece[fd / PIECE];

		if (!*piece)
			*piece = kzalloc(sizeof(**piece));
		if (!*piece)
			break;
		if ((*piece)->fd[fd % PIECE])
			continue;
		(*piece)->fd[fd % PIECE] = f;
		fd_set_cloexec(fd, cloexec);
		if (min_fd <= files.lowest)
			files.lowest = fd + 1;
		return fd;
	}
	return -EMFILE;
}

/**
 * fd_set_cloexec() - stores the close-on-exec mark of an open descriptor.
 * Context: process.
 */
void fd_set_cloexec(int fd, bool on)
{
	u64 bit = 1ULL << (fd % 64), *word;

	BUG_ON(!fd_slot(fd));
	word = &files.piece[fd / PIECE]->cloexec[fd % PIECE / 64];
	if (on)
		*word |= bit;
	else
		*word &= ~bit;
}

/**
 * fd_cloexec() - the close-on-exec mark of an open descriptor.
 * Context: process.
 * Return: the mark.
 */
bool fd_cloexec(int fd)
{
	BUG_ON(!fd_slot(fd));
	return files.piece[fd / PIECE]->cloexec[fd % PIECE / 64] >> (fd % 64) & 1;
}

/**
 * fd_close() - takes a descriptor out of the table and drops its reference.
 * Context: process; may sleep.
 * Return: 0; -EBADF.
 */
int fd_close(int fd)
{
	struct file *f = fd_file(fd);

	if (!f)
		return -EBADF;
	*fd_slot(fd) = NULL; /* first: release may sleep */
	files.lowest = min(files.lowest, fd);
	fput(f);
	return 0;
}

/**
 * fd_close_all() - closes what the application left open.
 * Context: process; may sleep.
 */
void fd_close_all(void)
{
	for (int fd = 0; fd < NR_FILES; fd++)
		fd_close(fd);
	for (int i = 1; i < NR_FILES / PIECE; i++) {
		kfree(files.piece[i]);
		files.piece[i] = NULL;
	}
}

/**
 * files_live() - files with a reference somewhere.
 * Context: any.
 * Return: the count.
 */
u32 files_live(void)
{
	return files.live;
}

/**
 * file_init() - the cache of files.
 * Context: boot, once.
 */
void file_init(void)
{
	files.piece[0] = &files.first;
	files.cache = kmem_cache_create("file", sizeof(struct file), 8);
	if (!files.cache)
		boot_no_memory("the cache of files");
}
