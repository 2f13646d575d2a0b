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

/*
 * A folder of settings that can be read and written, "/proc/sys/net/ipv4/": every name below it is @set's and @get's to know.
 * @set: 0, -ENOENT no such setting, another -errno. @get: the text without a newline into @text; its length, -ENOENT, or 0 for
 * what can only be written. @folder stays the caller's.
 */
#define PROC_SETTING_MAX 128 /* bytes of a value, with NUL */
struct proc_settings {
	const char *folder;
	int (*set)(void *arg, const char *name, const char *value);
	int (*get)(void *arg, const char *name, char text[PROC_SETTING_MAX]);
	void *arg;
};
int proc_settings_register(
	const struct proc_settings *s); /* 0, -EEXIST, -ENOMEM; copied. Process. */
void proc_settings_unregister(const char *folder);
int proc_setting_set(const char *path, const char *value);
int proc_setting_get(const char *path, char text[PROC_SETTING_MAX]);
void proc_init(void);      /* the kernel's own pages: version, uptime, meminfo, interrupts ... */
void proc_print_all(void); /* "== /proc/..." and text, each page, to the console */
#endif
