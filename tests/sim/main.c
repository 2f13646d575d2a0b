// SPDX-License-Identifier: MIT
/*
 * The simulator: whole hosts on wires that do everything wires can do, in virtual time, all from one seed.
 *
 *   sim SEED [--pcap FILE] [--trace FILE] [--verbose] [--world NAME] [--plant NAME]
 *   sim SEED --lab NAME [--count N]   an experiment (lab.c); it prints its figures
 *   sim FIRST-LAST [--hashes] ...     each seed in a process of its own, forked from one that has booted the kernel
 *
 * A failing seed prints "seed N: ORACLE: what", or what the trap or the sanitizer said, and the command that runs it
 * again alone. The exit status is 0 when every seed passed.
 *
 * Interface: main, sim_fail, planted, sim_options, sim_result (sim.h).
 * Above: tests/sim/run. Below: world.c. Context: process. Owns: the child processes.
 */
#define _GNU_SOURCE
#include "sim.h"

#include "host.h"

#include <kernel/wait.h>
#include <net/init.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEED_LIMIT_S 120u
#define ARENA_BYTES  (32UL << 20)
#define PLANT_AT     20u
#define STATUS_FAIL  3
#define SAID_MAX     3000u /* of a sanitizer's report the begin says enough */

struct sim_options sim_options;
struct sim_result sim_result;

static const char *const plant_names[NR_PLANTS] = {
	"none",   "stream", "short",    "inq",      "wakeup",   "census",    "rmem",
	"wmem",   "leak",   "stall",    "window",   "cwnd",     "ack",       "backward",
	"shrink", "resent", "checksum", "address",  "rtt",      "stage",     "broken",
	"tsq",    "nagle",  "copied",   "vanished", "sack",     "young",     "taken",
	"greedy", "growth", "collapse", "held",     "timer",    "forgotten", "twice",
	"silent", "longer", "timid",    "stale",    "believed", "narrow",    "shy",
};

/*
 * Leaks are counted by the kernel's own accounts; a look at all memory would take longer than the run. Visible, or the
 * sanitizer's library would not find it; what the environment says comes after it and counts.
 */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=0:exitcode=99:allocator_may_return_null=1";
}

void sim_fail(const char *name, const char *fmt, ...)
{
	u64 now = host_clock();
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "seed %llu: %s: %s (at %llu.%06llu s, step %llu)\n",
		(unsigned long long)sim_options.seed, name, text,
		(unsigned long long)(now / NSEC_PER_SEC),
		(unsigned long long)(now % NSEC_PER_SEC / 1000),
		(unsigned long long)sim_result.steps);
	trace(-1, "FAILED %s: %s", name, text);
	fflush(NULL);
	_exit(STATUS_FAIL);
}

bool planted(enum plant p)
{
	static u32 asked;

	if (likely(sim_options.plant != p))
		return false;
	asked++;
	if (p == PLANT_STALL)
		return true;
	return asked == (p == PLANT_CENSUS ? PLANT_AT : 1);
}

static void say_result(void)
{
	printf("seed %llu ok %016llx: %llu steps, %llu frames, %llu bytes, %llu ms of virtual "
	       "time\n",
	       (unsigned long long)sim_options.seed, (unsigned long long)sim_result.pcap_hash,
	       (unsigned long long)sim_result.steps, (unsigned long long)sim_result.frames,
	       (unsigned long long)sim_result.bytes,
	       (unsigned long long)(sim_result.virtual_ns / NSEC_PER_MSEC));
}

/* The sanitizer has something to say at the first switch of stacks, once a process: here, and to nobody. */
static void first_switch(void)
{
	int stderr_was = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	sleep_until(host_clock() + NSEC_PER_MSEC);
	dup2(stderr_was, STDERR_FILENO);
	close(stderr_was);
	close(null);
}

static void boot(void)
{
	host_boot_seed(1, ARENA_BYTES);
	host_console_quiet(!sim_options.verbose);
	if (net_global_init())
		abort();
	first_switch();
}

/* --- Many seeds ------------------------------------------------------------------------------------------------------------- */
/* Runs one seed in a child whose words go to @out. Return: its wait status. */
static int run_child(int out, bool hashes)
{
	int status;
	pid_t pid;

	fflush(NULL);
	if (ftruncate(out, 0) || lseek(out, 0, SEEK_SET))
		abort();
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid) {
		dup2(out, STDERR_FILENO);
		alarm(SEED_LIMIT_S);
		sim_run();
		if (hashes)
			say_result();
		exit(0); /* not _exit(): counters of coverage are written on the way */
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			abort();
	return status;
}

static void report(int out, int status)
{
	static char said[SAID_MAX + 1];
	ssize_t n = pread(out, said, SAID_MAX, 0);

	said[n < 0 ? 0 : n] = '\0';
	if (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS_FAIL)
		printf("seed %llu: %s %d\n", (unsigned long long)sim_options.seed,
		       WIFSIGNALED(status) ? "killed by signal" : "ended with status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	printf("%s%s", said, n && said[n - 1] != '\n' ? "\n" : "");
	printf("FAILED seed %llu\n", (unsigned long long)sim_options.seed);
}

static int run_range(u64 first, u64 last, bool hashes)
{
	int out = memfd_create("said", 0);
	u64 failed = 0;

	if (out < 0) {
		perror("memfd_create");
		return 2;
	}
	for (u64 seed = first; seed <= last; seed++) {
		int status;

		sim_options.seed = seed;
		status = run_child(out, hashes);
		if (status) {
			report(out, status);
			failed++;
		}
	}
	printf("%llu seeds, %llu failed\n", (unsigned long long)(last - first + 1),
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}

/* --- Arguments ---------------------------------------------------------------------------------------------------------------- */
static int usage(void)
{
	fprintf(stderr,
		"usage: sim SEED|FIRST-LAST [--pcap FILE] [--trace FILE] [--verbose] [--hashes]\n"
		"       [--world clean|loss10|partition|flood|instant] [--plant NAME] [--lab NAME "
		"[--count "
		"N]]; plants:");
	for (u32 i = 1; i < NR_PLANTS; i++)
		fprintf(stderr, " %s", plant_names[i]);
	fprintf(stderr, "\n");
	return 2;
}

static bool take_plant(const char *name)
{
	for (u32 i = 1; i < NR_PLANTS; i++)
		if (!strcmp(name, plant_names[i])) {
			sim_options.plant = (enum plant)i;
			return true;
		}
	return false;
}

int main(int argc, char **argv)
{
	char *end;
	bool hashes = false;
	u64 first, last;

	if (argc < 2)
		return usage();
	first = last = strtoull(argv[1], &end, 10);
	if (*end == '-')
		last = strtoull(end + 1, &end, 10);
	if (*end || end == argv[1] || last < first)
		return usage();
	for (int i = 2; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--verbose"))
			sim_options.verbose = true;
		else if (!strcmp(argv[i], "--midcall"))
			sim_options.midcall = true;
		else if (!strcmp(argv[i], "--hashes"))
			hashes = true;
		else if (!strcmp(argv[i], "--pcap") && value)
			sim_options.pcap = argv[++i];
		else if (!strcmp(argv[i], "--trace") && value)
			sim_options.trace = argv[++i];
		else if (!strcmp(argv[i], "--world") && value)
			sim_options.world = argv[++i];
		else if (!strcmp(argv[i], "--lab") && value)
			sim_options.lab = argv[++i];
		else if (!strcmp(argv[i], "--count") && value)
			sim_options.count = (u32)atoi(argv[++i]);
		else if (strcmp(argv[i], "--plant") || !value || !take_plant(argv[++i]))
			return usage();
	}
	if (sim_options.lab && !lab_find())
		return usage();
	sim_options.seed = first;
	boot();
	if (last != first || hashes)
		return run_range(first, last, hashes);
	sim_run();
	say_result();
	fflush(NULL);
	_exit(0);
}
