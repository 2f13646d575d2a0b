/* SPDX-License-Identifier: MIT */
/*
 * Text pages by name (/proc/net/snmp ...): a room registers a function that writes its page. Pages are read by
 * the application through open("/proc/...") and printed at the end with stats=1.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H
#include <lib/types.h>

struct seq_file {
	char *buf;     /* NUL-terminated text so far */
	size_t size;   /* bytes at buf */
	size_t len;    /* characters stored */
	bool overflow; /* the page did not fit: proc_render() tries again with more */
	void *arg;     /* as registered */
};

void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);

typedef void (*proc_show_t)(struct seq_file *m);
/* @path ("/proc/net/snmp") stays the caller's. 0, -EEXIST, -ENOMEM. Process context. */
int proc_register(const char *path, proc_show_t show, void *arg);
void proc_unregister(const char *path);
bool proc_exists(const char *path);
/* Renders a page into memory the caller kfree()s; *len gets its length. ERR_PTR(-ENOENT), ERR_PTR(-ENOMEM). */
char *proc_render(const char *path, size_t *len);
void proc_init(void);      /* the kernel's own pages: version, uptime, meminfo, interrupts ... */
void proc_print_all(void); /* "== /proc/..." and text, each page, to the console */
#endif
