// SPDX-License-Identifier: MIT
/* The small rooms: ksyms, proc, file, dma, syscall, uaccess, printk, panic. */
#include "ktest.h"

#include <kernel/cpu.h>
#include <kernel/dma.h>
#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/ksyms.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/err.h>
#include <lib/printf.h>

#include "host.h"

const struct ksym ksyms[] = { { 0x1000, 1 }, { 0x1100, 7 }, { 0x1180, 13 }, { 0x2000, 0 } };
const u32 nr_ksyms = 4;
const char ksym_names[] = "\0first\0other\0third";

TEST(ksyms_lookup)
{
	unsigned long off;
	CHECK(!ksym_lookup(0xfff, &off));
	CHECK_STR(ksym_lookup(0x1000, &off), "first");
	CHECK_EQ(off, 0);
	CHECK_STR(ksym_lookup(0x10ff, &off), "first");
	CHECK_EQ(off, 0xff);
	CHECK_STR(ksym_lookup(0x1100, &off), "other");
	CHECK_STR(ksym_lookup(0x1fff, &off), "third");
	CHECK(!ksym_lookup(0x2000, &off));
	char t[32];
	scnprintf(t, sizeof(t), "%pS", (void *)0x1184);
	CHECK_STR(t, "third+0x4");
}

static void big_page(struct seq_file *m)
{
	for (int i = 0; i < *(int *)m->arg; i++)
		seq_printf(m, "line %06d\n", i);
}

TEST(proc_pages)
{
	int lines = 3;
	size_t len;
	CHECK_EQ(proc_register("/proc/test", big_page, &lines), 0);
	CHECK_EQ(proc_register("/proc/test", big_page, &lines), -EEXIST);
	char *t = proc_render("/proc/test", &len);
	CHECK_STR(t, "line 000000\nline 000001\nline 000002\n");
	CHECK_EQ(len, 36);
	kfree(t);
	lines = 20000; /* several times the first buffer */
	t = proc_render("/proc/test", &len);
	CHECK(!IS_ERR(t) && len == 240000 && strlen(t) == len);
	kfree(t);
	proc_unregister("/proc/test");
	CHECK(PTR_ERR(proc_render("/proc/test", &len)) == -ENOENT);
	t = proc_render("/proc/meminfo", &len);
	CHECK(strstr(t, "MemTotal:") && strstr(t, " kB\n"));
	kfree(t);
	host_console_clear();
	proc_print_all();
	CHECK(strstr(host_console(), "== /proc/uptime\n"));
	CHECK(strstr(host_console(), "== /proc/interrupts\n           CPU0       \n"));
}

static int released;
static void release(struct file *f)
{
	CHECK(f->private_data == &released);
	released++;
}

TEST(files_and_descriptors)
{
	static const struct file_operations ops = { .name = "test", .release = release };
	struct file *f = file_alloc(&ops, &released, O_RDWR);
	CHECK_EQ(fd_install(f, 0, true), 0);
	CHECK(fd_cloexec(0));
	CHECK(fget(0) == f && fget(1) == NULL && fget(-1) == NULL && fget(NR_FILES) == NULL);
	CHECK_EQ(fd_install(f, 5, false), 5); /* the reference fget() took */
	CHECK(!fd_cloexec(5));
	CHECK_EQ(fd_close(0), 0);
	CHECK_EQ(fd_close(0), -EBADF);
	CHECK_EQ(released, 0);
	CHECK_EQ(fd_close(5), 0);
	CHECK(released == 1 && files_live() == 0);
	f = file_alloc(&ops, &released, 0);
	for (int i = 0; i < NR_FILES; i++) {
		CHECK_EQ(fd_install(f, 0, false), i);
		CHECK(fget(i) == f);
	}
	CHECK_EQ(fd_install(f, 0, false), -EMFILE);
	fput(f);
	CHECK_EQ(released, 1);
	fd_close_all();
	CHECK(released == 2 && files_live() == 0);
}

static void unmap_too_much(void *p)
{
	dma_unmap_single((dma_addr_t)(uintptr_t)p, 101, DMA_TO_DEVICE);
}

TEST(dma_pairs)
{
	static u8 buf[100];
	dma_addr_t a = dma_map_single(buf, 100, DMA_TO_DEVICE);
	CHECK(a == (uintptr_t)buf && dma_mapped() == 1);
	CHECK_EQ(host_catch_exit(unmap_too_much, buf), 65);
	dma_unmap_single(a, 100, DMA_TO_DEVICE);
	CHECK_EQ(dma_mapped(), 0);
	faults[FAULT_DMA_MAP] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK(dma_map_single(buf, 1, DMA_FROM_DEVICE) == DMA_MAPPING_ERROR);
	faults_armed = false;
	CHECK_EQ(dma_mapped(), 0);
	u8 *ring = dma_alloc_coherent(5000, &a);
	CHECK(ring && !((uintptr_t)ring & (PAGE_SIZE - 1)) && !ring[4999]);
	dma_free_coherent(ring, 5000, a);
}

static long forty_two(unsigned long a, unsigned long b, unsigned long c, unsigned long d,
		      unsigned long e, unsigned long f)
{
	return (long)(a + b + c + d + e + f);
}

TEST(system_calls)
{
	host_console_clear();
	CHECK_EQ(syscall_bad(29), -ENOSYS);
	CHECK_EQ(syscall_bad(29), -ENOSYS);
	CHECK_EQ(syscall_bad(334), -ENOSYS);
	const char *line = strstr(host_console(), "syscall: shmget (29) is not offered: ENOSYS\n");
	CHECK(line && !strstr(line + 10, "shmget"));
	CHECK(strstr(host_console(), "syscall: rseq (334) is"));
	for (int i = 0; i < NR_SYSCALLS; i++)
		CHECK(!sys_call_table[i]);
	syscall_register(39, forty_two);
	CHECK_EQ(sys_call_table[39](1, 2, 3, 4, 5, 27), 42);
	CHECK_EQ(syscall_bad(100000), -ENOSYS);
}

TEST(user_strings)
{
	char d[8];
	CHECK_EQ(strncpy_from_user(d, "abc", 8), 3);
	CHECK_STR(d, "abc");
	CHECK_EQ(strncpy_from_user(d, "12345678", 8), -ENAMETOOLONG);
	CHECK_EQ(strncpy_from_user(d, NULL, 8), -EFAULT);
	CHECK_EQ(copy_from_user(d, NULL, 1), -EFAULT);
	CHECK_EQ(copy_to_user(NULL, d, 1), -EFAULT);
}

TEST(log_lines)
{
	host_console_clear();
	host_clock_set(12345678);
	pr_info("hello %d", 1);
	pr_debug("not shown");
	pr_err("with newline\n");
	CHECK_STR(host_console(), "[    0.012345] hello 1\n[    0.012345] with newline\n");
	host_console_clear();
	console_write("prompt> ", 8);
	pr_info("x");
	CHECK_STR(host_console(), "prompt> \n[    0.012345] x\n");
	printk_set_level(LOG_ERR);
	pr_info("quiet");
	CHECK(!strstr(host_console(), "quiet"));
	printk_set_level(LOG_DEBUG);
	pr_debug("loud");
	CHECK(strstr(host_console(), "loud"));
	printk_set_level(LOG_INFO);
	static char longline[2000];
	memset(longline, 'x', sizeof(longline) - 1);
	host_console_clear();
	pr_info("%s", longline);
	CHECK(strlen(host_console()) < 520 && host_console()[strlen(host_console()) - 1] == '\n');
}

TEST(rate_limit)
{
	static struct ratelimit rl = { .interval_ns = NSEC_PER_SEC, .burst = 3 };
	int passed = 0;
	u64 dropped = printk_dropped();
	for (int i = 0; i < 10; i++)
		passed += ratelimit_ok(&rl, "test");
	CHECK_EQ(passed, 3);
	CHECK_EQ(printk_dropped() - dropped, 7);
	host_clock_set(host_clock() + 2 * NSEC_PER_SEC);
	host_console_clear();
	CHECK(ratelimit_ok(&rl, "test"));
	CHECK(strstr(host_console(), "printk: test: 7 lines held back"));
}

static void panics(void *arg)
{
	console_write("half a line", 11);
	panic("the %s is on fire", (char *)arg);
}

/* Last: a run ends once. */
TEST(panic_ends_with_status_64)
{
	host_console_clear();
	CHECK_EQ(host_catch_exit(panics, "printer"), 64);
	CHECK(strstr(host_console(), "half a line\n["));
	CHECK(strstr(host_console(), "PANIC: the printer is on fire\n"));
	size_t n = strlen(host_console());
	CHECK(n > 10 && !strcmp(host_console() + n - 10, "\nexit: 64\n"));
}

KTEST_MAIN_BOOT()
