// SPDX-License-Identifier: MIT
/* Takes all memory there is, in blocks and in one piece, finds its own data in it, and gets ENOMEM, never less than that. */
#include "check.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define BLOCKS_MAX 4096
#define STRIDE     512

static unsigned long free_bytes(void)
{
	struct sysinfo si;

	CHECK(sysinfo(&si) == 0);
	return si.freeram;
}

static char *map(size_t n)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int main(void)
{
	static char *p[BLOCKS_MAX];
	unsigned long before = free_bytes(), bad = 0;
	size_t size = before > (256UL << 20) ? 16UL << 20 : 256UL << 10;
	int n = 0;

	errno = 0;
	for (; n < BLOCKS_MAX && (p[n] = map(size)) != NULL; n++)
		for (size_t i = 0; i < size; i += STRIDE)
			*(uint64_t *)(p[n] + i) = (uint64_t)(uintptr_t)p[n] + i;
	CHECK(errno == ENOMEM);
	CHECK((unsigned long)n * size > before - before / 8);
	printf("fill: %d blocks of %zu KiB\n", n, size >> 10);
	for (int k = 0; k < n; k++)
		for (size_t i = 0; i < size; i += STRIDE)
			bad += *(uint64_t *)(p[k] + i) != (uint64_t)(uintptr_t)p[k] + i;
	CHECK(bad == 0);
	for (int k = 0; k < n; k++)
		CHECK(munmap(p[k], size) == 0);
	CHECK(free_bytes() + (256UL << 10) > before);
	size = before / 10 * 9;
	p[0] = map(size);
	CHECK(p[0] != NULL);
	if (p[0]) {
		p[0][0] = p[0][size - 1] = 'x';
		CHECK(munmap(p[0], size) == 0);
	}
	CHECK_ERRNO((long)mmap(NULL, before + (1UL << 20), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		    ENOMEM);
	return result("fill");
}
