/* SPDX-License-Identifier: MIT */
/* Linux's structures and values (x86-64) of calls that are not network, as applications see them. */
#ifndef UAPI_POSIX_H
#define UAPI_POSIX_H
#include <lib/types.h>

struct timespec {
	s64 tv_sec, tv_nsec;
};

struct pollfd {
	int fd;
	s16 events, revents;
};

#define FD_SETSIZE 1024

/* Packed on x86-64. */
struct epoll_event {
	u32 events; /* those of poll(), and how they are told */
	u64 data;
} __packed;
enum epoll_op { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD };
#define EPOLLIN        1U
#define EPOLLPRI       2U
#define EPOLLOUT       4U
#define EPOLLERR       8U
#define EPOLLHUP       16U
#define EPOLLRDHUP     0x2000U
#define EPOLLEXCLUSIVE (1U << 28)
#define EPOLLWAKEUP    (1U << 29)
#define EPOLLONESHOT   (1U << 30)
#define EPOLLET        (1U << 31)
_Static_assert(sizeof(struct epoll_event) == 12, "ABI");

struct user_stat {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	struct timespec st_atim, st_mtim, st_ctim;
	s64 unused[3];
};
#define S_IFCHR  0020000
#define S_IFREG  0100000
#define S_IFSOCK 0140000

struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

struct user_sysinfo {
	s64 uptime;
	u64 loads[3];
	u64 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u32 pad2;
	u64 totalhigh, freehigh;
	u32 mem_unit, pad3;
};

struct rlimit64 {
	u64 rlim_cur, rlim_max;
};
#define RLIM_INFINITY UINT64_MAX
enum rlimit_resource { RLIMIT_STACK = 3, RLIMIT_NOFILE = 7, RLIM_NLIMITS = 16 };

struct user_sigaction {
	u64 handler, flags, restorer, mask;
};
#define SIG_DFL 0
#define SIG_IGN 1
#define NSIG    64
enum signal_nr {
	SIGKILL = 9,
	SIGCHLD = 17,
	SIGCONT = 18,
	SIGSTOP = 19,
	SIGURG = 23,
	SIGWINCH = 28
};
enum sigprocmask_how { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

enum clock_id {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
};
#define TIMER_ABSTIME 1

#define AT_FDCWD      (-100)
#define AT_EMPTY_PATH 0x1000
enum fcntl_cmd {
	F_DUPFD,
	F_GETFD,
	F_SETFD,
	F_GETFL,
	F_SETFL,
	F_DUPFD_CLOEXEC = 1030,
};
#define FD_CLOEXEC 1
enum lseek_whence { SEEK_SET, SEEK_CUR, SEEK_END };
#define UIO_MAXIOV 1024
/* The most one read or write moves: INT_MAX rounded down to a page. */
#define MAX_RW_COUNT 0x7ffff000UL

struct winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

/* A line's settings, as TCGETS and TCSETS move them (the C library's structure is longer). */
struct termios {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[19];
};
#define CS8     0000060U
#define CREAD   0000200U
#define CLOCAL  0004000U
#define B115200 0010002U
enum cc_index { VTIME = 5, VMIN = 6 };
enum { TCGETS = 0x5401, TCSETS = 0x5402, TCSETSW = 0x5403, TCSETSF = 0x5404, TCFLSH = 0x540B };
enum tcflush_queue { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { FIONCLEX = 0x5450, FIOCLEX = 0x5451 };

enum arch_prctl_code { ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003 };

_Static_assert(sizeof(struct user_stat) == 144, "ABI");
_Static_assert(sizeof(struct user_sysinfo) == 112, "ABI");
_Static_assert(sizeof(struct utsname) == 390, "ABI");
_Static_assert(sizeof(struct termios) == 36, "ABI");
_Static_assert(sizeof(struct pollfd) == 8, "ABI");
#endif
