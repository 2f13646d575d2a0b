// SPDX-License-Identifier: MIT
/*
 * Text pages by name: what Linux keeps under /proc.
 *
 * A page is made when it is asked for: its function prints into a buffer; when that was too small, it runs again
 * with a larger one. Pages are listed in the order they were entered.
 *
 * Settings, what Linux keeps under /proc/sys, are no pages: a room enters a folder and answers for the names below it.
 *
 * Interface: proc_register(), proc_render(), proc_print_all(), proc_settings_register(), proc_setting_set(),
 * proc_setting_get(), seq_printf(), seq_puts().
 * Above: rooms with counters, kernel/posix (open), stats=1.  Below: slab, printf, console.
 * Context: process.  Owns: the records; rendered text is the caller's.
 */
#include <kernel/proc.h>

#include <kernel/arch.h>
#include <kernel/boot_info.h>
#include <kernel/cycles.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/list.h>
#include <lib/printf.h>
#include <lib/string.h>

enum { FIRST_SIZE = 4096, LARGEST_SIZE = 1 << 20 };

struct proc_page {
	struct list_head node;
	const char *path;
	proc_show_t show;
	void *arg;
};

struct proc_folder {
	struct list_head node;
	struct proc_settings s;
};

static struct list_head pages = LIST_HEAD_INIT(pages);
static struct list_head folders = LIST_HEAD_INIT(folders);

/**
 * seq_printf() - prints on a page.
 * Context: process.
 */
void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	m->len += (size_t)vscnprintf(m->buf + m->len, m->size - m->len, fmt, ap);
	va_end(ap);
	if (m->len + 1 >= m->size) /* full to the brim counts as cut */
		m->overflow = true;
}

/**
 * seq_puts() - puts a string on a page.
 * Context: process.
 */
void seq_puts(struct seq_file *m, const char *s)
{
	seq_printf(m, "%s", s);
}

static struct proc_page *page_find(const char *path)
{
	struct proc_page *p;
	list_for_each_entry(p, &pages, node)
		if (!strcmp(p->path, path))
			return p;
	return NULL;
}

/**
 * proc_register() - enters a page.
 * @path: "/proc/net/snmp"; stays the caller's.
 * Context: process.
 * Return: 0; -EEXIST; -ENOMEM.
 */
int proc_register(const char *path, proc_show_t show, void *arg)
{
	BUG_ON(!show);
	if (page_find(path))
		return -EEXIST;
	struct proc_page *p = kzalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->path = path;
	p->show = show;
	p->arg = arg;
	list_add_tail(&p->node, &pages);
	return 0;
}

/**
 * proc_unregister() - takes a page out; none of that name: no-op.
 * Context: process.
 */
void proc_unregister(const char *path)
{
	struct proc_page *p = page_find(path);
	if (!p)
		return;
	list_del_init(&p->node);
	kfree(p);
}

static char *page_render(const struct proc_page *p, size_t *len)
{
	for (size_t size = FIRST_SIZE; size <= LARGEST_SIZE; size *= 4) {
		struct seq_file m = { .size = size, .arg = p->arg };
		m.buf = kmalloc(size);
		if (!m.buf)
			break;
		m.buf[0] = '\0';
		p->show(&m);
		if (!m.overflow || size == LARGEST_SIZE) {
			*len = m.len;
			return m.buf;
		}
		kfree(m.buf);
	}
	return ERR_PTR(-ENOMEM);
}

/**
 * proc_render() - makes the text of a page.
 * @len: gets its length.
 * Context: process.
 * Return: the text, to be kfree()d by the caller; ERR_PTR(-ENOENT), ERR_PTR(-ENOMEM).
 */
char *proc_render(const char *path, size_t *len)
{
	struct proc_page *p = page_find(path);
	return p ? page_render(p, len) : ERR_PTR(-ENOENT);
}

/**
 * proc_exists() - whether there is a page of that name.
 * Context: process.
 * Return: true if so.
 */
bool proc_exists(const char *path)
{
	return page_find(path) != NULL;
}

/**
 * proc_print_all() - prints every page on the console, each under "== its name".
 * Context: process.
 */
void proc_print_all(void)
{
	struct proc_page *p;
	list_for_each_entry(p, &pages, node) {
		size_t len = 0;
		char *text = page_render(p, &len);
		console_fresh_line();
		console_write("== ", 3);
		console_write(p->path, strlen(p->path));
		console_write("\n", 1);
		if (IS_ERR(text))
			continue;
		console_write(text, len);
		console_fresh_line();
		kfree(text);
	}
}

static struct proc_folder *folder_find(const char *folder)
{
	struct proc_folder *f;
	list_for_each_entry(f, &folders, node)
		if (!strcmp(f->s.folder, folder))
			return f;
	return NULL;
}

/**
 * proc_settings_register() - enters a folder of settings.
 * @s: copied; its texts stay the caller's.
 * Context: process.
 * Return: 0; -EEXIST; -ENOMEM.
 */
int proc_settings_register(const struct proc_settings *s)
{
	BUG_ON(!s->set || !s->get);
	if (folder_find(s->folder))
		return -EEXIST;
	struct proc_folder *f = kzalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->s = *s;
	list_add_tail(&f->node, &folders);
	return 0;
}

/**
 * proc_settings_unregister() - takes a folder out; none of that name: no-op.
 * Context: process.
 */
void proc_settings_unregister(const char *folder)
{
	struct proc_folder *f = folder_find(folder);
	if (!f)
		return;
	list_del_init(&f->node);
	kfree(f);
}

/* Whose setting @path is; *name gets its name there. NULL: nobody's. */
static const struct proc_settings *folder_of(const char *path, const char **name)
{
	struct proc_folder *f;
	list_for_each_entry(f, &folders, node) {
		size_t len = strlen(f->s.folder);
		if (strncmp(path, f->s.folder, len) || !path[len])
			continue;
		*name = path + len;
		return &f->s;
	}
	return NULL;
}

/**
 * proc_setting_set() - gives a setting another value.
 * @path: "/proc/sys/net/ipv4/tcp_fin_timeout".
 * Context: process.
 * Return: 0; -ENOENT no such setting; what its owner says (-EINVAL, -ERANGE).
 */
int proc_setting_set(const char *path, const char *value)
{
	const char *name;
	const struct proc_settings *s = folder_of(path, &name);
	return s ? s->set(s->arg, name, value) : -ENOENT;
}

/**
 * proc_setting_get() - a setting as text.
 * Context: process.
 * Return: its length, 0 for what can only be written; -ENOENT.
 */
int proc_setting_get(const char *path, char text[PROC_SETTING_MAX])
{
	const char *name;
	const struct proc_settings *s = folder_of(path, &name);
	text[0] = '\0';
	return s ? s->get(s->arg, name, text) : -ENOENT;
}

static void uptime_show(struct seq_file *m)
{
	u64 up = arch_clock_ns() / (10 * NSEC_PER_MSEC),
	    idle = sched_idle_ns() / (10 * NSEC_PER_MSEC);
	seq_printf(m, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / 100),
		   (unsigned long long)(up % 100), (unsigned long long)(idle / 100),
		   (unsigned long long)(idle % 100));
}

static void meminfo_show(struct seq_file *m)
{
	const u64 kib = PAGE_SIZE >> 10;
	seq_printf(m, "MemTotal:       %8llu kB\n",
		   (unsigned long long)(boot_info.ram_bytes >> 10));
	seq_printf(m, "MemFree:        %8llu kB\n", (unsigned long long)(pages_free() * kib));
	seq_printf(m, "MemAvailable:   %8llu kB\n", (unsigned long long)(pages_free() * kib));
	seq_printf(m, "Slab:           %8llu kB\n", (unsigned long long)(slab_pages() * kib));
	seq_printf(m, "Managed:        %8llu kB\n", (unsigned long long)(pages_total() * kib));
	seq_printf(m, "LiveObjects:    %8llu\n", (unsigned long long)mm_live_objects());
}

static void version_show(struct seq_file *m)
{
	seq_puts(m, "Doorbell 0.1 (compiler " __VERSION__ ") x86_64\n");
}

static void cmdline_show(struct seq_file *m)
{
	seq_puts(m, boot_info.cmdline);
	seq_puts(m, "\n");
}

/**
 * proc_init() - enters the kernel's own pages.
 * Context: boot, once, after slab_init().
 */
void proc_init(void)
{
	static const struct {
		const char *path;
		proc_show_t show;
	} own[] = { { "/proc/version", version_show },
		    { "/proc/cmdline", cmdline_show },
		    { "/proc/uptime", uptime_show },
		    { "/proc/meminfo", meminfo_show },
		    { "/proc/slabinfo", slabinfo_show },
		    { "/proc/allocinfo", allocinfo_show },
		    { "/proc/interrupts", interrupts_show },
		    { "/proc/softirqs", softirqs_show },
		    { "/proc/stat", stat_show },
		    { "/proc/net/cycles", cycles_show },
		    { "/proc/net/trace", trace_show } };
	for (u32 i = 0; i < ARRAY_SIZE(own); i++)
		if (proc_register(own[i].path, own[i].show, NULL))
			boot_no_memory(own[i].path);
}
