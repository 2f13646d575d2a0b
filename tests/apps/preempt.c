// SPDX-License-Identifier: MIT
/*
 * Application text under interrupts that end in another thread: red zone, vector registers, and code in pages of its
 * own that the kernel knows nothing about. SECONDS (default 3); prints how often it was interrupted and preempted.
 */
#include "check.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LOCALS 14
#define TERMS  20000
#define ROUNDS 200000

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The number behind @word on a page of /proc. */
static unsigned long counter(const char *page, const char *word)
{
	char text[4096];
	int fd = open(page, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *at;

	CHECK(n > 0 && close(fd) == 0);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, word);
	CHECK(at != NULL);
	return at ? strtoul(at + strlen(word), NULL, 10) : 0;
}

/* No calls: the compiler keeps a[] in the red zone. */
__attribute__((noinline)) static unsigned long leaf(unsigned long x)
{
	volatile unsigned long a[LOCALS];
	unsigned long bad = 0;

	for (int i = 0; i < LOCALS; i++)
		a[i] = x + (unsigned long)i;
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < LOCALS; i++)
			bad += a[i] != x + (unsigned long)i;
	return bad;
}

__attribute__((noinline)) static double series(void)
{
	double sum = 0, carry = 0;

	for (int i = 1; i <= TERMS; i++) {
		double y = 1.0 / i - carry, t = sum + y;

		carry = (t - sum) - y;
		sum = t;
	}
	return sum;
}

/* int own(long x): keeps x in the red zone and compares it four million times; 0 when it stayed what it was. */
static const unsigned char own_text[] = {
	0x48, 0x89, 0x7c, 0x24, 0xf8, /*       mov [rsp - 8], rdi */
	0xb9, 0x00, 0x09, 0x3d, 0x00, /*       mov ecx, 4000000 */
	0x48, 0x3b, 0x7c, 0x24, 0xf8, /* loop: cmp rdi, [rsp - 8] */
	0x75, 0x07,                   /*       jne bad */
	0xff, 0xc9,                   /*       dec ecx */
	0x75, 0xf5,                   /*       jnz loop */
	0x31, 0xc0, 0xc3,             /*       xor eax, eax; ret */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* bad:  mov eax, 1 */
	0xc3,                         /*       ret */
};

int main(int argc, char **argv)
{
	double end = now() + (argc > 1 ? atof(argv[1]) : 3.0), want = series();
	unsigned long preempted = counter("/proc/stat", "preempted "), bad = 0, rounds = 0;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*own)(unsigned long) = (int (*)(unsigned long))page;
	unsigned int wrong_sum = 0, own_bad = 0;

	CHECK(page != MAP_FAILED);
	memcpy(page, own_text, sizeof(own_text));
	CHECK(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
	printf("preempt: begin\n");
	fflush(stdout);
	while (now() < end) {
		bad += leaf(++rounds);
		wrong_sum += series() != want;
		own_bad += (unsigned int)own(rounds * 0x1122334455667788);
	}
	CHECK(bad == 0);
	CHECK(wrong_sum == 0);
	CHECK(own_bad == 0);
	printf("preempt: %lu rounds, preempted %lu times, %lu timer interrupts\n", rounds,
	       counter("/proc/stat", "preempted ") - preempted,
	       counter("/proc/interrupts", "LOC:"));
	return result("preempt");
}
