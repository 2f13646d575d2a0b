// SPDX-License-Identifier: MIT
/*
 * The linked application: its first stack image, its thread, its end.
 *
 *   stack window | guard | ... grows down, page by page, at the first touch ... | strings | auxv envp argv argc | guard |
 *
 * The application is part of the image; its program headers (it needs PT_TLS) are the image's own, which the linker
 * script loads at __load_start.
 *
 * Interface: exec_start(), exec_wait(), app_stack_fault() (<kernel/posix.h>); app_exit(), app_killed() (private).
 * Above: boot/main.c, process.c, trap. Below: sched, vmalloc, the plinth's arch_enter_app().
 * Context: process; app_stack_fault() exception. Owns: the application's main stack.
 * Specs: System V ABI AMD64 3.4.1 (stack at process entry); musl's needs: AT_PHDR, AT_PHENT, AT_PHNUM, AT_RANDOM.
 */
#include "posix_internal.h"

#include <kernel/cmdline.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/wait.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/elf.h>

#define STACK_MAX       (8UL << 20)
#define STACK_MIN       (64UL << 10)
#define STACK_ALIGN     16UL
#define RANDOM_BYTES    16
#define CLOCK_TICKS     100 /* AT_CLKTCK */
#define STATUS_APP_MAX  63  /* larger ones are the kernel's */
#define STATUS_SIGNALED 63

/* The partially linked application and the image it is part of; absent in builds without one. */
extern void app_start(void) __attribute__((weak));
extern const char __load_start[] __attribute__((weak));

static struct {
	char *stack;       /* lowest byte of the window; NULL: none */
	size_t stack_size; /* bytes */
	unsigned long sp;  /* first stack pointer */
	u32 pid;
	bool ended;
	int status;
	struct wait_queue_head wq; /* exec_wait() */
} app;

/* --- The stack image ------------------------------------------------------------------------------------------------ */
struct stack_image {
	char *low;          /* strings are laid down from here downwards */
	unsigned long *out; /* next word of argc, argv, envp, auxv */
};

static char *push_bytes(struct stack_image *s, const void *data, size_t n)
{
	s->low -= n;
	memcpy(s->low, data, n);
	return s->low;
}

static void put_word(struct stack_image *s, unsigned long v)
{
	*s->out++ = v;
}

static void put_aux(struct stack_image *s, enum auxv_type type, unsigned long v)
{
	put_word(s, type);
	put_word(s, v);
}

static void put_auxv(struct stack_image *s, const char *name, const char *random)
{
	const struct elf64_ehdr *eh = (const struct elf64_ehdr *)(const void *)__load_start;

	put_aux(s, AT_PHDR, (unsigned long)__load_start + eh->e_phoff);
	put_aux(s, AT_PHENT, eh->e_phentsize);
	put_aux(s, AT_PHNUM, eh->e_phnum);
	put_aux(s, AT_PAGESZ, PAGE_SIZE);
	put_aux(s, AT_ENTRY, (unsigned long)app_start);
	put_aux(s, AT_UID, 0);
	put_aux(s, AT_EUID, 0);
	put_aux(s, AT_GID, 0);
	put_aux(s, AT_EGID, 0);
	put_aux(s, AT_SECURE, 0);
	put_aux(s, AT_CLKTCK, CLOCK_TICKS);
	put_aux(s, AT_HWCAP, 0);
	put_aux(s, AT_RANDOM, (unsigned long)random);
	put_aux(s, AT_EXECFN, (unsigned long)name);
	put_aux(s, AT_NULL, 0);
}

#define AUXV_WORDS 30UL

/* Writes the image below the stack's top, whose pages are mapped; the first stack pointer. */
static unsigned long build_image(const struct app_args *args)
{
	struct stack_image s = { .low = app.stack + app.stack_size };
	unsigned long words = 1 + (unsigned long)args->argc + 1 + 1 + AUXV_WORDS;
	char *argv[CMDLINE_MAX_ARGS];
	u8 random[RANDOM_BYTES];
	unsigned long sp;
	char *seed;

	get_random_bytes(random, sizeof(random));
	seed = push_bytes(&s, random, sizeof(random));
	for (int i = args->argc - 1; i >= 0; i--)
		argv[i] = push_bytes(&s, args->argv[i], strlen(args->argv[i]) + 1);
	sp = ALIGN_DOWN((unsigned long)s.low - words * sizeof(long), STACK_ALIGN);
	s.out = (unsigned long *)sp;
	put_word(&s, (unsigned long)args->argc);
	for (int i = 0; i < args->argc; i++)
		put_word(&s, (unsigned long)argv[i]);
	put_word(&s, 0);
	put_word(&s, 0); /* no environment */
	put_auxv(&s, argv[0], seed);
	BUG_ON((char *)s.out > s.low);
	return sp;
}

/* Bytes the image can take at most: the words, the arguments' text, alignment. */
#define IMAGE_MAX                                                                                  \
	((3 + CMDLINE_MAX_ARGS + AUXV_WORDS) * sizeof(long) +                                      \
	 sizeof(((struct app_args *)NULL)->text) + RANDOM_BYTES + STACK_ALIGN)

static int stack_create(void)
{
	size_t first = ALIGN(IMAGE_MAX, PAGE_SIZE);

	app.stack_size = min_t(size_t, STACK_MAX, (pages_total() << PAGE_SHIFT) / 4);
	app.stack_size = max_t(size_t, ALIGN_DOWN(app.stack_size, PAGE_SIZE), STACK_MIN);
	app.stack = vm_area_reserve(app.stack_size);
	if (!app.stack)
		return -ENOMEM;
	if (vm_area_map(app.stack + app.stack_size - first, first, ARCH_PROT_WRITE)) {
		exec_exit();
		return -ENOMEM;
	}
	return 0;
}

/* The application's thread: never returns here, its end is app_exit(). */
static void app_thread(void *arg)
{
	(void)arg;
	arch_enter_app((unsigned long)app_start, app.sp);
}

/**
 * exec_start() - starts the linked application in a thread of its own
 * @args: its arguments, argv[0] included; copied onto its stack
 *
 * Context: process, once. Return: 0; -ENOMEM; -ENOEXEC no application is linked in, or no argv[0].
 */
int exec_start(const struct app_args *args)
{
	struct thread *t;

	if (!app_start || args->argc < 1 || args->argc > CMDLINE_MAX_ARGS)
		return -ENOEXEC;
	BUG_ON(app.stack);
	init_waitqueue_head(&app.wq);
	app.ended = false;
	if (stack_create())
		return -ENOMEM;
	app.sp = build_image(args);
	t = kthread_create("app", app_thread, NULL);
	if (!t) {
		exec_exit();
		return -ENOMEM;
	}
	app.pid = t->tid;
	return 0;
}

/**
 * exec_wait() - blocks until the application ended
 * Context: process. Return: its exit status, 0..63; a larger one was logged and cut to 63.
 */
int exec_wait(void)
{
	int status;

	wait_event_until(&app.wq, READ_ONCE(app.ended), WAIT_FOREVER);
	status = app.status;
	if (status <= STATUS_APP_MAX)
		return status;
	pr_warn("exec: the application's status %d is reported as %d\n", status, STATUS_APP_MAX);
	return STATUS_APP_MAX;
}

/**
 * app_exit() - the application ends
 * @status: as given to exit(); the low 8 bits count
 *
 * Context: process, the application's thread.
 */
void app_exit(int status)
{
	BUG_ON(app.ended);
	app.status = status & 0xff;
	app.ended = true;
	wake_up(&app.wq);
	thread_exit();
}

/**
 * app_killed() - the application ends by a signal's default action
 * @signo: the signal
 *
 * Context: process, the application's thread.
 */
void app_killed(int signo)
{
	pr_err("exec: the application was killed by signal %d, reported as status %d\n", signo,
	       STATUS_SIGNALED);
	app_exit(STATUS_SIGNALED);
}

/**
 * app_pid() - number of the application's main thread
 * Context: any. Return: the number.
 */
u32 app_pid(void)
{
	return app.pid;
}

/**
 * app_stack_limit() - how large the main stack may grow
 * Context: any. Return: bytes.
 */
size_t app_stack_limit(void)
{
	return app.stack_size;
}

/**
 * app_stack_fault() - maps the page of the main stack that was touched for the first time
 * @addr: the address of the fault
 *
 * A fault comes from application text or from a copy to its memory, never from inside the allocator.
 * Context: exception, IF=0. Return: true when the access may be repeated; false outside the stack, on a page that is
 * there already, or without memory (which is logged).
 */
bool app_stack_fault(unsigned long addr)
{
	unsigned long base = (unsigned long)app.stack;
	void *page = (void *)ALIGN_DOWN(addr, PAGE_SIZE);

	if (!base || addr < base || addr - base >= app.stack_size)
		return false;
	if (!vm_area_protect(page, PAGE_SIZE, ARCH_PROT_WRITE, true))
		return false;
	if (vm_area_map(page, PAGE_SIZE, ARCH_PROT_WRITE)) {
		pr_crit("exec: out of memory while the application's stack grew\n");
		return false;
	}
	return true;
}

/**
 * exec_exit() - gives the application's stack back
 * Context: process; the application has ended, or never started.
 */
void exec_exit(void)
{
	if (app.stack)
		vm_area_release(app.stack);
	app.stack = NULL;
}
