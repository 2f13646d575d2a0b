// SPDX-License-Identifier: MIT
/* The second serial line and the settings of /proc/sys, as files of an application. */
#include "ktest_calls.h"

#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/irq.h>
#include <kernel/posix.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <uapi/socket.h>

#define C(x)             ((unsigned long)(x))
#define CALL(n, a, b, c) sys_call_table[__NR_##n](C(a), C(b), C(c), 0, 0, 0)
#define DEVICE           "/dev/ttyS1"
#define SETTING          "/proc/sys/test/number"
#define READABLE         (POLLIN | POLLRDNORM)
#define WRITABLE         (POLLOUT | POLLWRNORM)

static void once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	posix_init();
}

static long open_line(u32 flags)
{
	once();
	host_serial_plug(true);
	return CALL(open, DEVICE, flags, 0);
}

static unsigned int ready(long fd)
{
	struct pollfd p = { .fd = (int)fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };

	CHECK(CALL(poll, &p, 1, 0) >= 0);
	return (u16)p.revents;
}

TEST(no_line_no_file)
{
	once();
	host_serial_plug(false);
	CHECK_EQ(CALL(open, DEVICE, O_RDWR, 0), -ENXIO);
}

TEST(bytes_pass_as_they_are)
{
	static const u8 odd[] = { 0, '\r', '\n', 3, 4, 17, 19, 26, 0x7f, 0x80, 0xff };
	u8 buf[32];
	const u8 *sent;
	long fd = open_line(O_RDWR);

	CHECK(fd >= 0);
	host_serial_type(odd, sizeof(odd));
	CHECK_EQ(CALL(read, fd, buf, 32), sizeof(odd));
	CHECK(memcmp(buf, odd, sizeof(odd)) == 0);
	CHECK_EQ(CALL(write, fd, odd, sizeof(odd)), sizeof(odd));
	CHECK_EQ(host_serial_sent(&sent), sizeof(odd));
	CHECK(memcmp(sent, odd, sizeof(odd)) == 0);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

TEST(a_read_takes_what_is_there)
{
	u8 buf[8];
	long fd = open_line(O_RDWR | O_NONBLOCK);
	int n = 0;

	CHECK_EQ(ready(fd), WRITABLE);
	CHECK_EQ(CALL(read, fd, buf, 8), -EAGAIN);
	CHECK_EQ(CALL(read, fd, buf, 0), 0);
	host_serial_type("abcde", 5);
	CHECK_EQ(ready(fd), READABLE | WRITABLE);
	CHECK_EQ(CALL(ioctl, fd, FIONREAD, &n), 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(CALL(read, fd, buf, 3), 3);
	CHECK_EQ(CALL(read, fd, buf, 8), 2);
	CHECK(buf[0] == 'd' && buf[1] == 'e');
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

/* More than the ring holds: the line is not listened to meanwhile, and nothing is lost. */
TEST(a_full_ring_loses_nothing)
{
	static u8 in[20000], out[20000];
	long fd = open_line(O_RDWR | O_NONBLOCK), n;
	size_t got = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (u8)(i * 7 + i / 256);
	host_serial_type(in, sizeof(in));
	CHECK_EQ(CALL(ioctl, fd, FIONREAD, &n), 0);
	CHECK_EQ((int)n, 8192);
	while ((n = CALL(read, fd, out + got, 777)) > 0)
		got += (size_t)n;
	CHECK_EQ(n, -EAGAIN);
	CHECK_EQ(got, sizeof(in));
	CHECK(memcmp(in, out, got) == 0);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

static bool unstick(void)
{
	host_serial_stuck(false);
	return true;
}

static bool type_one(void)
{
	host_serial_type("!", 1);
	return true;
}

TEST(a_reader_sleeps_until_a_byte_comes)
{
	char ch = 0;
	long fd = open_line(O_RDWR);

	host_set_idle(type_one);
	CHECK_EQ(CALL(read, fd, &ch, 1), 1);
	CHECK_EQ(ch, '!');
	host_set_idle(NULL);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

TEST(a_writer_sleeps_until_the_line_takes_bytes)
{
	const u8 *sent;
	long fd = open_line(O_RDWR);

	host_serial_stuck(true);
	host_set_idle(unstick);
	CHECK_EQ(CALL(write, fd, "hello", 5), 5);
	CHECK_EQ(host_serial_sent(&sent), 5);
	host_set_idle(NULL);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

TEST(a_stuck_line_is_not_writable)
{
	struct pollfd p;
	long fd = open_line(O_RDWR | O_NONBLOCK);

	host_serial_stuck(true);
	CHECK_EQ(CALL(write, fd, "hello", 5), -EAGAIN);
	CHECK_EQ(ready(fd), 0);
	host_set_idle(unstick);
	p = (struct pollfd){ .fd = (int)fd, .events = POLLOUT };
	CHECK_EQ(CALL(poll, &p, 1, -1), 1);
	host_set_idle(NULL);
	CHECK_EQ(CALL(write, fd, "hello", 5), 5);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

TEST(settings_of_the_line_are_kept)
{
	struct termios t = { 0 };
	struct winsize ws = { .ws_row = 1 };
	char ch;
	long fd = open_line(O_RDWR | O_NONBLOCK);

	CHECK_EQ(CALL(ioctl, fd, TCGETS, &t), 0);
	CHECK_EQ(t.c_lflag, 0);
	CHECK_EQ(t.c_cc[VMIN], 1);
	t.c_cc[VTIME] = 3;
	CHECK_EQ(CALL(ioctl, fd, TCSETS, &t), 0);
	t.c_cc[VTIME] = 0;
	CHECK_EQ(CALL(ioctl, fd, TCGETS, &t), 0);
	CHECK_EQ(t.c_cc[VTIME], 3);
	host_serial_type("x", 1);
	CHECK_EQ(CALL(ioctl, fd, TCSETSF, &t), 0); /* what came is thrown away */
	CHECK_EQ(CALL(read, fd, &ch, 1), -EAGAIN);
	host_serial_type("x", 1);
	CHECK_EQ(CALL(ioctl, fd, TCFLSH, TCOFLUSH), 0);
	CHECK_EQ(CALL(read, fd, &ch, 1), 1);
	host_serial_type("x", 1);
	CHECK_EQ(CALL(ioctl, fd, TCFLSH, TCIFLUSH), 0);
	CHECK_EQ(CALL(read, fd, &ch, 1), -EAGAIN);
	CHECK_EQ(CALL(ioctl, fd, TCFLSH, 3), -EINVAL);
	CHECK_EQ(CALL(ioctl, fd, TIOCGWINSZ, &ws), 0);
	CHECK_EQ(ws.ws_row, 0);
	CHECK_EQ(CALL(ioctl, fd, 0x1234, &t), -ENOTTY);
	CHECK_EQ(CALL(ioctl, fd, TCGETS, NULL), -EFAULT);
	CHECK_EQ(CALL(read, fd, NULL, 0), 0);
	host_serial_type("x", 1);
	CHECK_EQ(CALL(read, fd, NULL, 1), -EFAULT);
	CHECK_EQ(CALL(write, fd, NULL, 1), -EFAULT);
	CHECK_EQ(CALL(lseek, fd, 0, SEEK_SET), -ESPIPE);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

TEST(two_openers_share_the_line)
{
	long a = open_line(O_RDWR | O_NONBLOCK), b = open_line(O_RDONLY | O_NONBLOCK);
	struct user_stat st;
	char ch;

	CHECK(a >= 0 && b >= 0);
	CHECK_EQ(CALL(fstat, a, &st, 0), 0);
	CHECK_EQ(st.st_mode, S_IFCHR | 0660);
	CHECK_EQ(CALL(write, b, "x", 1), -EBADF);
	CHECK_EQ(CALL(close, a, 0, 0), 0);
	host_serial_type("y", 1);
	CHECK_EQ(CALL(read, b, &ch, 1), 1);
	CHECK_EQ(CALL(close, b, 0, 0), 0);
	host_serial_type("z", 1); /* nobody listens */
	CHECK_EQ(irq_count(ARCH_SERIAL_IRQ) > 0, true);
}

TEST(without_memory_there_is_no_file)
{
	u32 live = files_live();

	once();
	host_serial_plug(true);
	for (u32 at = 1; at <= 2; at++) {
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		CHECK_EQ(CALL(open, DEVICE, O_RDWR, 0), -ENOMEM);
		faults_armed = false;
		memset(faults, 0, sizeof(faults));
		CHECK_EQ(files_live(), live);
	}
}

/* --- Settings ---------------------------------------------------------------------------------------------------- */
static u64 number = 7;

static int number_set(void *arg, const char *name, const char *value)
{
	u64 n;

	if (strcmp(name, "number") != 0)
		return strcmp(name, "order") == 0 ? 0 : -ENOENT;
	if (kstrtou64(value, &n))
		return -EINVAL;
	*(u64 *)arg = n;
	return 0;
}

static int number_get(void *arg, const char *name, char text[PROC_SETTING_MAX])
{
	if (strcmp(name, "number") != 0)
		return strcmp(name, "order") == 0 ? 0 : -ENOENT;
	return scnprintf(text, PROC_SETTING_MAX, "%llu", (unsigned long long)*(u64 *)arg);
}

static void folder_once(void)
{
	static const struct proc_settings s = { "/proc/sys/test/", number_set, number_get,
						&number };
	static bool done;

	once();
	if (!done) {
		CHECK_EQ(proc_settings_register(&s), 0);
		CHECK_EQ(proc_settings_register(&s), -EEXIST);
	}
	done = true;
}

TEST(a_setting_is_read_and_written)
{
	struct user_stat st;
	char buf[16] = "";
	long fd;

	folder_once();
	number = 7;
	fd = CALL(open, SETTING, O_RDWR, 0);
	CHECK(fd >= 0);
	CHECK_EQ(CALL(read, fd, buf, 1), 1);
	CHECK_EQ(CALL(read, fd, buf + 1, 15), 1);
	CHECK_STR(buf, "7\n");
	CHECK_EQ(CALL(read, fd, buf, 16), 0);
	CHECK_EQ(CALL(write, fd, "12\n", 3), 3);
	CHECK_EQ(number, 12);
	CHECK_EQ(CALL(write, fd, "13", 2), 2);
	CHECK_EQ(number, 13);
	CHECK_EQ(CALL(fstat, fd, &st, 0), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

TEST(wrong_values_change_nothing)
{
	char large[PROC_SETTING_MAX + 1];
	long fd;

	folder_once();
	number = 7;
	memset(large, '1', sizeof(large));
	fd = CALL(open, SETTING, O_WRONLY, 0);
	CHECK_EQ(CALL(write, fd, "x", 1), -EINVAL);
	CHECK_EQ(CALL(write, fd, "", 0), -EINVAL);
	CHECK_EQ(CALL(write, fd, "1\0002", 3), -EINVAL);
	CHECK_EQ(CALL(write, fd, large, sizeof(large)), -EINVAL);
	CHECK_EQ(CALL(write, fd, NULL, 1), -EFAULT);
	CHECK_EQ(CALL(read, fd, large, 1), -EBADF);
	CHECK_EQ(number, 7);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

static const struct {
	const char *name, *path;
	int err;
} no_settings[] = {
	{ "unknown", "/proc/sys/test/other", -ENOENT },
	{ "folder", "/proc/sys/test/", -ENOENT },
	{ "no_folder", "/proc/sys/kernel/panic", -ENOENT },
	{ "long",
	  "/proc/sys/test/"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  -ENAMETOOLONG },
};

TEST_EACH(no_such_setting, no_settings)
{
	folder_once();
	CHECK_EQ(CALL(open, row->path, O_RDONLY, 0), row->err);
}

TEST(an_order_reads_as_nothing)
{
	char ch;
	long fd;

	folder_once();
	fd = CALL(open, "/proc/sys/test/order", O_RDWR, 0);
	CHECK_EQ(CALL(read, fd, &ch, 1), 0);
	CHECK_EQ(CALL(write, fd, "1", 1), 1);
	CHECK_EQ(CALL(close, fd, 0, 0), 0);
}

KTEST_MAIN_BOOT()
