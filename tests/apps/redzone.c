// SPDX-License-Identifier: MIT
/*
 * Registers and red zone under interrupts: a leaf function that keeps its locals below the stack pointer spins for
 * SECONDS (default 2) while packets and timers interrupt it; floating point goes on across blocking calls.
 */
#include "check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 200000
#define LOCALS 12
#define NAPS   50

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* No calls: the compiler keeps a[] in the red zone. Returns how many locals were changed by somebody else. */
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

/* All vector registers carry values over a system call that blocks. */
static void vectors(void)
{
	double sum[8] = { 0 }, want = 0;
	struct timespec nap = { 0, 500 * 1000 };

	for (int i = 1; i <= NAPS; i++) {
		for (int k = 0; k < 8; k++)
			sum[k] += 1.0 / (i + k);
		nanosleep(&nap, NULL);
	}
	for (int k = 0; k < 8; k++) {
		want = 0;
		for (int i = 1; i <= NAPS; i++)
			want += 1.0 / (i + k);
		CHECK(sum[k] == want);
	}
}

static void registers(void)
{
	double in[2] = { 1.25, -3.5 }, out[2];
	struct timespec nap = { 0, 1000 * 1000 };
	register uint64_t r8 __asm__("r8") = 0x1122334455667788, r9 __asm__("r9") = 9,
			     r10 __asm__("r10") = 10;
	long ret;

	__asm__ volatile("movupd (%[in]), %%xmm15\n\tsyscall\n\tmovupd %%xmm15, (%[out])"
			 : "=a"(ret), "+r"(r8), "+r"(r9), "+r"(r10)
			 : "a"(35L), "D"(&nap), "S"(NULL), [in] "r"(in), [out] "r"(out)
			 : "rcx", "r11", "memory", "xmm15");
	CHECK(ret == 0 && r8 == 0x1122334455667788 && r9 == 9 && r10 == 10);
	CHECK(out[0] == 1.25 && out[1] == -3.5);
}

int main(int argc, char **argv)
{
	double end = now() + (argc > 1 ? atof(argv[1]) : 2.0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long bad = 0, rounds = 0;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while (now() < end) {
		if (argc > 2) /* an address that answers: frames go out and in meanwhile */
			inet_pton(AF_INET, argv[2], &to.sin_addr);
		for (int i = 0; i < 20; i++)
			sendto(s, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
		bad += leaf(++rounds);
	}
	CHECK(bad == 0);
	vectors();
	registers();
	printf("redzone: %lu rounds\n", rounds);
	close(s);
	return result("redzone");
}
