// SPDX-License-Identifier: MIT
/* Files as an application sees them: each call with its edges, and the errno that Linux gives there. */
#include "ktest_calls.h"

#include <kernel/boot_info.h>
#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <uapi/mman.h>
#include <uapi/socket.h>

static const char text[] = "0123456789abcdef";
#define TEXT_LEN ((s64)sizeof(text) - 1)

static long call(unsigned int nr, unsigned long a, unsigned long b, unsigned long c,
		 unsigned long d, unsigned long e, unsigned long f)
{
	return sys_call_table[nr](a, b, c, d, e, f);
}
#define C(x)                ((unsigned long)(x))
#define SYS1(n, a)          call(__NR_##n, C(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b)       call(__NR_##n, C(a), C(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c)    call(__NR_##n, C(a), C(b), C(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) call(__NR_##n, C(a), C(b), C(c), C(d), 0, 0)

static void once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	boot_info.nr_modules = 1;
	boot_info.module[0].base = C(text);
	boot_info.module[0].len = (u64)TEXT_LEN;
	strcpy(boot_info.module[0].name, "/somewhere/data.bin and more");
	syscall_init();
	posix_init();
}

static const struct opening {
	const char *name, *path;
	u32 flags;
	int err; /* 0: a descriptor */
} openings[] = {
	{ "module_by_name", "/boot/data.bin", O_RDONLY, 0 },
	{ "module_first", "/boot/file", O_RDONLY, 0 },
	{ "module_relative", "boot/file", O_RDONLY, 0 },
	{ "module_nonblock", "/boot/file", O_NONBLOCK, 0 },
	{ "page", "/proc/meminfo", O_RDONLY, 0 },
	{ "null", "/dev/null", O_RDWR, 0 },
	{ "console", "/dev/console", O_WRONLY, 0 },
	{ "no_such_module", "/boot/other", O_RDONLY, -ENOENT },
	{ "half_a_name", "/boot/data", O_RDONLY, -ENOENT },
	{ "no_such_page", "/proc/nothing", O_RDONLY, -ENOENT },
	{ "no_such_device", "/dev/sda", O_RDONLY, -ENOENT },
	{ "empty", "", O_RDONLY, -ENOENT },
	{ "root", "/", O_RDONLY, -ENOENT },
	{ "null_pointer", NULL, O_RDONLY, -EFAULT },
	{ "module_for_writing", "/boot/file", O_WRONLY, -EROFS },
	{ "module_truncated", "/boot/file", O_TRUNC, -EROFS },
	{ "page_for_both", "/proc/meminfo", O_RDWR, -EROFS },
	{ "new_file", "/etc/passwd", O_WRONLY | O_CREAT, -EROFS },
	{ "as_a_folder", "/boot/file", O_DIRECTORY, -ENOTDIR },
};

TEST_EACH(open, openings)
{
	u32 live = files_live();
	long fd;

	once();
	live = files_live();
	fd = SYS3(open, row->path, row->flags, 0);
	CHECK(row->err ? fd == row->err : fd >= 0);
	if (fd >= 0)
		CHECK_EQ(SYS1(close, fd), 0);
	CHECK_EQ(files_live(), live);
}

static const struct seek {
	const char *name;
	s64 from, off;
	int whence;
	s64 want;
} seeks[] = {
	{ "begin", 5, 0, SEEK_SET, 0 },
	{ "set", 0, 7, SEEK_SET, 7 },
	{ "set_beyond", 0, 1000, SEEK_SET, 1000 },
	{ "set_negative", 0, -1, SEEK_SET, -EINVAL },
	{ "forth", 5, 3, SEEK_CUR, 8 },
	{ "back", 5, -5, SEEK_CUR, 0 },
	{ "back_too_far", 5, -6, SEEK_CUR, -EINVAL },
	{ "end", 0, 0, SEEK_END, TEXT_LEN },
	{ "before_the_end", 0, -1, SEEK_END, TEXT_LEN - 1 },
	{ "end_too_far_back", 0, -17, SEEK_END, -EINVAL },
	{ "overflow", 5, INT64_MAX, SEEK_CUR, -EOVERFLOW },
	{ "whence_3", 0, 0, 3, -EINVAL },
	{ "whence_minus_1", 0, 0, -1, -EINVAL },
};

TEST_EACH(seek, seeks)
{
	long fd;

	once();
	fd = SYS3(open, "/boot/file", O_RDONLY, 0);
	CHECK_EQ(SYS3(lseek, fd, row->from, SEEK_SET), row->from);
	CHECK_EQ(SYS3(lseek, fd, row->off, row->whence), row->want);
	CHECK_EQ(SYS3(lseek, fd, 0, SEEK_CUR),
		 row->want < 0 ? row->from : row->want); /* an error moves nothing */
	CHECK_EQ(SYS1(close, fd), 0);
}

static const struct reading {
	const char *name;
	s64 at;
	size_t len;
	long want;
} readings[] = {
	{ "all", 0, 16, 16 },          { "more_than_all", 0, 100, 16 }, { "one", 15, 1, 1 },
	{ "last_and_more", 15, 9, 1 }, { "at_the_end", 16, 5, 0 },      { "beyond", 99, 5, 0 },
	{ "nothing", 3, 0, 0 },
};

TEST_EACH(read, readings)
{
	char buf[128] = { 0 };
	long fd;

	once();
	fd = SYS3(open, "/boot/file", O_RDONLY, 0);
	CHECK_EQ(SYS3(lseek, fd, row->at, SEEK_SET), row->at);
	CHECK_EQ(SYS3(read, fd, buf, row->len), row->want);
	CHECK(!memcmp(buf, text + (row->want > 0 ? row->at : 0), (size_t)row->want));
	CHECK_EQ(SYS3(lseek, fd, 0, SEEK_CUR), row->at + row->want);
	CHECK_EQ(SYS4(pread64, fd, buf, 4, 8), 4);
	CHECK(!memcmp(buf, "89ab", 4));
	CHECK_EQ(SYS3(lseek, fd, 0, SEEK_CUR), row->at + row->want); /* pread() moves nothing */
	CHECK_EQ(SYS1(close, fd), 0);
}

/* Calls on descriptors that are not there, or not for that. */
enum which { MISSING = -1, MODULE, NULL_DEVICE };
static const struct refusal {
	const char *name;
	unsigned int nr;
	enum which which;
	unsigned long b, c, d;
	long want;
} refusals[] = {
	{ "read_nothing_open", __NR_read, MISSING, 0, 0, 0, -EBADF },
	{ "write_module", __NR_write, MODULE, 4096, 1, 0, -EBADF },
	{ "read_to_null", __NR_read, MODULE, 0, 1, 0, -EFAULT },
	{ "read_negative", __NR_read, MODULE, 4096, C(-1), 0, -EINVAL },
	{ "pread_negative", __NR_pread64, MODULE, 4096, 1, C(-1), -EINVAL },
	{ "pread_of_a_stream", __NR_pread64, NULL_DEVICE, 4096, 1, 0, -ESPIPE },
	{ "seek_of_a_stream", __NR_lseek, NULL_DEVICE, 0, 0, 0, -ESPIPE },
	{ "readv_too_many", __NR_readv, MODULE, 4096, 1025, 0, -EINVAL },
	{ "readv_from_null", __NR_readv, MODULE, 0, 1, 0, -EFAULT },
	{ "readv_many_from_null", __NR_readv, MODULE, 0, 20, 0, -EFAULT },
	{ "close_nothing_open", __NR_close, MISSING, 0, 0, 0, -EBADF },
	{ "dup_nothing_open", __NR_dup, MISSING, 0, 0, 0, -EBADF },
	{ "dup2_nothing_open", __NR_dup2, MISSING, 7, 0, 0, -EBADF },
	{ "dup2_to_minus_1", __NR_dup2, MODULE, C(-1), 0, 0, -EBADF },
	{ "dup2_beyond_the_table", __NR_dup2, MODULE, NR_FILES, 0, 0, -EBADF },
	{ "dup3_bad_flags", __NR_dup3, MODULE, 9, O_NONBLOCK, 0, -EINVAL },
	{ "fcntl_unknown", __NR_fcntl, MODULE, 999, 0, 0, -EINVAL },
	{ "fcntl_dup_from_minus_1", __NR_fcntl, MODULE, F_DUPFD, C(-1), 0, -EINVAL },
	{ "fcntl_dup_from_beyond_the_table", __NR_fcntl, MODULE, F_DUPFD, NR_FILES, 0, -EINVAL },
	{ "ioctl_of_a_file", __NR_ioctl, MODULE, TIOCGWINSZ, 4096, 0, -ENOTTY },
	{ "fionbio_from_null", __NR_ioctl, MODULE, FIONBIO, 0, 0, -EFAULT },
	{ "fstat_nothing_open", __NR_fstat, MISSING, 4096, 0, 0, -EBADF },
	{ "fstat_to_null", __NR_fstat, MODULE, 0, 0, 0, -EFAULT },
};

TEST_EACH(refused, refusals)
{
	static const char *const paths[] = { "/boot/file", "/dev/null" };
	u32 live;
	long fd = 999;

	once();
	live = files_live();
	if (row->which != MISSING)
		fd = SYS3(open, paths[row->which], row->which == MODULE ? O_RDONLY : O_RDWR, 0);
	CHECK_EQ(call(row->nr, C(fd), row->b, row->c, row->d, 0, 0), row->want);
	if (row->which != MISSING)
		CHECK_EQ(SYS1(close, fd), 0);
	CHECK_EQ(files_live(), live);
}

TEST(second_names)
{
	long fd, two;

	once();
	fd = SYS3(open, "/boot/file", O_RDONLY, 0);
	CHECK_EQ(SYS2(dup2, fd, fd), fd);
	CHECK_EQ(SYS3(dup3, fd, fd, 0), -EINVAL);
	CHECK_EQ(SYS3(dup3, fd, 40, O_CLOEXEC), 40);
	CHECK_EQ(SYS2(fcntl, 40, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(SYS2(fcntl, fd, F_GETFD), 0);
	CHECK_EQ(SYS3(fcntl, 40, F_SETFD, 0), 0);
	CHECK_EQ(SYS2(fcntl, 40, F_GETFD), 0);
	two = SYS3(fcntl, fd, F_DUPFD, 20);
	CHECK_EQ(two, 20);
	CHECK_EQ(SYS3(fcntl, fd, F_DUPFD_CLOEXEC, 20), 21);
	CHECK_EQ(SYS2(fcntl, 21, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(SYS3(lseek, two, 5, SEEK_SET), 5); /* one position for all names */
	CHECK_EQ(SYS3(lseek, fd, 0, SEEK_CUR), 5);
	CHECK_EQ(SYS3(fcntl, fd, F_SETFL, O_NONBLOCK | O_RDWR), 0);
	CHECK_EQ(SYS2(fcntl, two, F_GETFL), O_NONBLOCK); /* the access mode stays */
	CHECK_EQ(SYS1(close, fd), 0);
	CHECK_EQ(SYS1(close, 20), 0);
	CHECK_EQ(SYS1(close, 21), 0);
	CHECK_EQ(SYS1(close, 40), 0);
}

TEST(devices)
{
	char buf[64];
	long fd;

	once();
	fd = SYS3(open, "/dev/null", O_RDWR, 0);
	CHECK_EQ(SYS3(write, fd, buf, 64), 64);
	CHECK_EQ(SYS3(read, fd, buf, 64), 0);
	CHECK_EQ(SYS1(close, fd), 0);
	fd = SYS3(open, "/dev/zero", O_RDONLY, 0);
	memset(buf, 1, sizeof(buf));
	CHECK_EQ(SYS3(read, fd, buf, 64), 64);
	CHECK(!buf[0] && !buf[63]);
	CHECK_EQ(SYS3(write, fd, buf, 1), -EBADF);
	CHECK_EQ(SYS1(close, fd), 0);
	fd = SYS3(open, "/dev/urandom", O_RDONLY, 0);
	CHECK_EQ(SYS3(read, fd, buf, 64), 64);
	CHECK(memcmp(buf, buf + 32, 32) != 0);
	CHECK_EQ(SYS1(close, fd), 0);
}

static const struct stat_case {
	const char *name, *path;
	u32 mode;
	s64 size;
	long err;
} stats[] = {
	{ "module", "/boot/file", S_IFREG | 0444, 16, 0 },
	{ "null", "/dev/null", S_IFCHR | 0666, 0, 0 },
	{ "console", "/dev/console", S_IFCHR | 0620, 0, 0 },
	{ "missing", "/boot/x", 0, 0, -ENOENT },
};

TEST_EACH(stat, stats)
{
	struct user_stat st = { 0 };

	once();
	CHECK_EQ(SYS2(stat, row->path, &st), row->err);
	CHECK_EQ(st.st_mode, row->mode);
	CHECK_EQ(st.st_size, row->size);
	CHECK_EQ(SYS4(newfstatat, AT_FDCWD, row->path, &st, 0), row->err);
}

static const struct access {
	const char *name, *path;
	int mode;
	long want;
} accesses[] = {
	{ "exists", "/boot/file", 0, 0 },         { "read", "/boot/file", 4, 0 },
	{ "write", "/boot/file", 2, -EROFS },     { "execute", "/boot/file", 1, -EACCES },
	{ "device_write", "/dev/null", 2, 0 },    { "missing", "/boot/x", 0, -ENOENT },
	{ "bad_mode", "/boot/file", 8, -EINVAL },
};

TEST_EACH(access, accesses)
{
	once();
	CHECK_EQ(SYS2(access, row->path, row->mode), row->want);
}

static const struct mapping {
	const char *name;
	unsigned long len;
	int prot, flags, fd;
	long err; /* 0: an address */
} maps[] = {
	{ "page", 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 },
	{ "byte", 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 },
	{ "none", 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 },
	{ "of_nothing", 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, -EINVAL },
	{ "neither_private_nor_shared", 4096, PROT_READ, MAP_ANONYMOUS, -1, -EINVAL },
	{ "larger_than_all", 1UL << 46, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, -ENOMEM },
};

TEST_EACH(mmap, maps)
{
	u64 areas;
	long p;

	once();
	areas = vm_areas_live();
	p = call(__NR_mmap, 0, row->len, C(row->prot), C(row->flags), C(row->fd), 0);
	CHECK(row->err ? p == row->err : p > 0 && !(p & 4095));
	if (p > 0) {
		if (row->prot & PROT_WRITE)
			memset((void *)p, 1, row->len);
		CHECK_EQ(SYS2(munmap, p, 4096), 0);
	}
	CHECK_EQ(vm_areas_live(), areas);
}

KTEST_MAIN_BOOT()
