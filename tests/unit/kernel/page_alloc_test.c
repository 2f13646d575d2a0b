// SPDX-License-Identifier: MIT
/* kernel/page_alloc.c and kernel/vmalloc.c over an arena. */
#include "ktest.h"

#include <kernel/arch.h>
#include <kernel/boot_info.h>
#include <kernel/fault.h>
#include <kernel/mm.h>

#include "host.h"

#define ARENA (16UL << 20)

TEST(takes_all_and_gives_all_back)
{
	u64 before = pages_free();
	static void *p[ARENA / PAGE_SIZE];
	size_t n = 0;
	while ((p[n] = alloc_page()))
		n++;
	CHECK_EQ(n, before);
	CHECK_EQ(pages_free(), 0);
	CHECK(!alloc_pages(3));
	for (size_t i = 0; i < n; i++)
		memset(p[i], (int)i, PAGE_SIZE);
	for (size_t i = 0; i < n; i += 2)
		free_pages(p[i], 0);
	CHECK(!alloc_pages(1)); /* every second page is taken: no pair */
	for (size_t i = 1; i < n; i += 2)
		free_pages(p[i], 0);
	CHECK_EQ(pages_free(), before);
	void *big = alloc_pages(MAX_ORDER - 1); /* everything merged again */
	CHECK(big);
	free_pages(big, MAX_ORDER - 1);
}

TEST(random_blocks_never_overlap)
{
	static struct {
		u8 *p;
		unsigned int order;
		u8 tag;
	} b[200];
	unsigned int seed = 9;
	u64 before = pages_free();
	for (int step = 0; step < 20000; step++) {
		unsigned int i = (unsigned int)rand_r(&seed) % 200;
		if (b[i].p) {
			size_t n = PAGE_SIZE << b[i].order;
			CHECK(b[i].p[0] == b[i].tag && b[i].p[n - 1] == b[i].tag);
			free_pages(b[i].p, b[i].order);
			b[i].p = NULL;
			continue;
		}
		b[i].order = (unsigned int)rand_r(&seed) % 6;
		b[i].tag = (u8)step;
		b[i].p = alloc_pages(b[i].order);
		if (!b[i].p)
			continue;
		CHECK(!((uintptr_t)b[i].p & ((PAGE_SIZE << b[i].order) - 1)));
		b[i].p[0] = b[i].tag;
		b[i].p[(PAGE_SIZE << b[i].order) - 1] = b[i].tag;
	}
	for (int i = 0; i < 200; i++)
		if (b[i].p)
			free_pages(b[i].p, b[i].order);
	CHECK_EQ(pages_free(), before);
}

TEST(references)
{
	u64 before = pages_free();
	void *p = alloc_pages(2);
	page_get(p);
	page_put(p);
	CHECK_EQ(pages_free(), before - 4);
	page_put(p);
	CHECK_EQ(pages_free(), before);
}

static void free_twice(void *p)
{
	free_pages(p, 0);
	free_pages(p, 0);
}

static void free_wrong_order(void *p)
{
	free_pages(p, 1);
}

TEST(misuse_is_caught)
{
	CHECK_EQ(host_catch_exit(free_twice, alloc_page()), 65);
	void *p = alloc_page();
	CHECK_EQ(host_catch_exit(free_wrong_order, p), 65);
	free_pages(p, 0);
}

TEST(sites_and_leaks)
{
	mm_baseline();
	u64 live = mm_live_objects();
	void *p = alloc_page();
	CHECK_EQ(mm_live_objects(), live + 1);
	host_console_clear();
	CHECK_EQ(mm_report_leaks(), 1);
	CHECK(strstr(host_console(), "page_alloc_test.c"));
	free_pages(p, 0);
	CHECK_EQ(mm_report_leaks(), 0);
}

TEST(fault_injection)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 3, .every = 2 };
	faults_armed = true;
	int got = 0;
	for (int i = 1; i <= 8; i++) {
		void *p = alloc_page();
		CHECK_EQ(!p, i >= 3 && i % 2 == 1);
		got += p != NULL;
		if (p)
			free_pages(p, 0);
	}
	CHECK_EQ(got, 5);
	faults_armed = false;
	faults[FAULT_ALLOC].on = false;
}

TEST(vmalloc_areas)
{
	u64 before = pages_free();
	u8 *a = vmalloc(10000), *b = vmalloc(1), *c = vmalloc(PAGE_SIZE);
	CHECK(a && b && c && b > a && c > b);
	CHECK(b - a >= 12288 + 4096); /* a guard between */
	for (int i = 0; i < 10000; i++)
		CHECK(!a[i]);
	vfree(b);
	u8 *d = vmalloc(100);
	CHECK(d == b); /* first fit */
	CHECK(!*d);
	vfree(a);
	vfree(c);
	vfree(d);
	vfree(NULL);
	CHECK(pages_free() >= before - 1);
	CHECK_EQ(vm_areas_live(), 0);
}

TEST(reservations)
{
	u64 before = pages_free();
	u8 *a = vm_area_reserve(16 * PAGE_SIZE);
	CHECK_EQ(vm_area_size(a), 16 * PAGE_SIZE);
	CHECK_EQ(pages_free(), before);
	CHECK_EQ(vm_area_map(a + 4 * PAGE_SIZE, 4 * PAGE_SIZE, ARCH_PROT_WRITE), 0);
	a[4 * PAGE_SIZE] = 1;
	CHECK_EQ(vm_area_protect(a + 4 * PAGE_SIZE, PAGE_SIZE, 0, true), 0);
	CHECK_EQ(a[4 * PAGE_SIZE], 1);
	CHECK(vm_area_protect(a, PAGE_SIZE, 0, true) < 0);
	vm_area_unmap(a, 5 * PAGE_SIZE);
	CHECK_EQ(pages_free(), before - 3);
	vm_area_release(a);
	CHECK_EQ(pages_free(), before);
	CHECK(!vm_area_reserve(arch_vmalloc_size));
	u8 *big = vm_area_reserve(4 * ARENA);
	CHECK(big);
	CHECK(vm_area_map(big, 4 * ARENA, ARCH_PROT_WRITE) < 0); /* more than there is: undone */
	CHECK_EQ(pages_free(), before);
	vm_area_release(big);
}

static void boot_tiny(void *arg)
{
	(void)arg;
	page_alloc_init(&boot_info);
}

/* Last: it ruins the allocator. */
TEST(too_little_memory)
{
	boot_info.region[0].len = 1 << 20;
	boot_info.ram_bytes = 1 << 20;
	host_console_clear();
	CHECK_EQ(host_catch_exit(boot_tiny, NULL), 66);
	CHECK(strstr(host_console(), "page_alloc: only "));
	CHECK(strstr(host_console(), "\nexit: 66\n"));
}

int main(int argc, char **argv)
{
	host_console_quiet(true);
	host_boot_memory(ARENA);
	return ktest_run(argc, argv);
}
