// SPDX-License-Identifier: MIT
/* Naps of 20 ms by the clock it is told: "naps: N us" is the shortest of them, which only a wrong alarm makes long. Status 0. */
#include <stdio.h>
#include <time.h>

#define NAPS   25
#define NAP_NS 20000000L

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int main(void)
{
	long shortest = -1;

	for (int i = 0; i < NAPS; i++) {
		struct timespec nap = { 0, NAP_NS };
		long start = now_us(), took;

		nanosleep(&nap, NULL);
		took = now_us() - start;
		if (shortest < 0 || took < shortest)
			shortest = took;
	}
	printf("naps: %ld us\n", shortest);
	return 0;
}
