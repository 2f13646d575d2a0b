// SPDX-License-Identifier: MIT
/* Pages, windows and mappings by size: each order, each edge of a size, each way to give back what was not given. */
#include "host.h"
#include "ktest.h"

#pragma GCC diagnostic ignored "-Wfree-nonheap-object"

#include <kernel/arch.h>
#include <kernel/dma.h>
#include <kernel/mm.h>
#include <kernel/uio.h>
#include <lib/err.h>

static const struct order {
	const char *name;
	unsigned int order;
} orders[] = { { "0", 0 }, { "1", 1 }, { "2", 2 }, { "3", 3 }, { "4", 4 },  { "5", 5 },
	       { "6", 6 }, { "7", 7 }, { "8", 8 }, { "9", 9 }, { "10", 10 } };

TEST_EACH(block, orders)
{
	u64 before = pages_free(), live = mm_live_objects();
	u8 *p = zalloc_pages(row->order), *q = alloc_pages(row->order);
	size_t len = PAGE_SIZE << row->order;

	CHECK(p && q && p != q);
	CHECK(!((uintptr_t)p & (len - 1)) && !((uintptr_t)q & (len - 1)));
	CHECK_EQ(before - pages_free(), 2ULL << row->order);
	CHECK_EQ(mm_live_objects() - live, 2);
	CHECK(!p[0] && !p[len / 2] && !p[len - 1]);
	memset(q, 0xff, len);
	CHECK(!p[0] && !p[len - 1]); /* they do not overlap */
	page_get(p);
	page_put(p);
	free_pages(p, row->order);
	page_put(q); /* the last reference */
	CHECK_EQ(pages_free(), before);
	CHECK_EQ(mm_live_objects(), live);
}

/* Each of these ends in an assertion. */
static void *block;

static void free_wrong_order(void *arg)
{
	(void)arg;
	free_pages(block, 2);
}

static void free_inside(void *arg)
{
	(void)arg;
	free_pages((u8 *)block + PAGE_SIZE, 1);
}

static void free_unaligned(void *arg)
{
	(void)arg;
	free_pages((u8 *)block + 16, 1);
}

static void free_shared(void *arg)
{
	(void)arg;
	page_get(block);
	free_pages(block, 1);
}

static void free_foreign(void *arg)
{
	(void)arg;
	free_pages(&block, 0);
}

static void order_too_large(void *arg)
{
	(void)arg;
	(void)alloc_pages(MAX_ORDER);
}

static void get_freed(void *arg)
{
	(void)arg;
	free_pages(block, 1);
	page_get(block);
}

static const struct misuse {
	const char *name;
	void (*fn)(void *arg);
} misuses[] = {
	{ "wrong_order", free_wrong_order }, { "inside_a_block", free_inside },
	{ "unaligned", free_unaligned },     { "shared", free_shared },
	{ "foreign", free_foreign },         { "order_11", order_too_large },
	{ "reference_on_freed", get_freed },
};

TEST_EACH(is_caught, misuses)
{
	block = alloc_pages(1);
	CHECK(block);
	CHECK_EQ(host_catch_exit(row->fn, NULL), 65);
}

/* --- The window --------------------------------------------------------------------------------------------------------------------- */
static const struct size {
	const char *name;
	size_t n, mapped;
} sizes[] = {
	{ "1", 1, 4096 },       { "4095", 4095, 4096 },     { "4096", 4096, 4096 },
	{ "4097", 4097, 8192 }, { "64_KiB", 65536, 65536 }, { "1_MiB_and_1", 1048577, 1052672 },
};

TEST_EACH(window, sizes)
{
	u64 before = pages_free(), areas = vm_areas_live();
	u8 *p = vmalloc(row->n);

	CHECK(p && !((uintptr_t)p & (PAGE_SIZE - 1)));
	CHECK_EQ(vm_area_size(p), row->mapped);
	CHECK_EQ(vm_area_size(p + 1), 0);
	CHECK(!p[0] && !p[row->n - 1]);
	memset(p, 1, row->mapped);
	vfree(p);
	CHECK_EQ(vm_areas_live(), areas);
	CHECK_EQ(pages_free(), before);
}

TEST(window_of_nothing_and_of_all)
{
	CHECK(!vmalloc(0));
	CHECK(!vm_area_reserve(0));
	CHECK(!vmalloc(arch_vmalloc_size));
	CHECK(!vmalloc(SIZE_MAX));
	vfree(NULL);
}

/* --- Mappings ------------------------------------------------------------------------------------------------------------------------ */
static u8 memory[16384];
static dma_addr_t mapping;

static void unmap_shorter_and_end(void *arg)
{
	(void)arg;
	dma_unmap_single(mapping, 99, DMA_TO_DEVICE);
}

static void unmap_other_way(void *arg)
{
	(void)arg;
	dma_unmap_single(mapping, 100, DMA_FROM_DEVICE);
}

static void unmap_error(void *arg)
{
	(void)arg;
	dma_unmap_single(DMA_MAPPING_ERROR, 100, DMA_TO_DEVICE);
}

static void map_nothing(void *arg)
{
	(void)arg;
	(void)dma_map_single(memory, 0, DMA_TO_DEVICE);
}

static const struct misuse mappings[] = { { "other_direction", unmap_other_way },
					  { "an_error", unmap_error },
					  { "of_no_bytes", map_nothing } };

TEST_EACH(mapping_is_caught, mappings)
{
	mapping = dma_map_single(memory, 100, DMA_TO_DEVICE);
	CHECK_EQ(host_catch_exit(row->fn, NULL), 65);
	dma_unmap_single(mapping, 100, DMA_TO_DEVICE);
	CHECK_EQ(dma_mapped(), 0);
}

TEST(mapping_cut_short_is_caught_at_the_last)
{
	mapping = dma_map_single(memory, 100, DMA_TO_DEVICE);
	CHECK_EQ(host_catch_exit(unmap_shorter_and_end, NULL),
		 65); /* one byte stays mapped by nobody */
}

static const struct coherent {
	const char *name;
	size_t n;
	u64 pages;
} coherents[] = { { "1", 1, 1 },
		  { "4096", 4096, 1 },
		  { "4097", 4097, 2 },
		  { "65536", 65536, 16 },
		  { "65537", 65537, 32 } };

TEST_EACH(coherent, coherents)
{
	u64 before = pages_free();
	dma_addr_t addr = 1;
	u8 *p = dma_alloc_coherent(row->n, &addr);

	CHECK(p && addr == virt_to_phys(p) && !(addr & (PAGE_SIZE - 1)));
	CHECK_EQ(before - pages_free(), row->pages);
	CHECK(!p[0] && !p[row->n - 1]);
	dma_free_coherent(p, row->n, addr);
	CHECK_EQ(pages_free(), before);
}

TEST(coherent_too_large)
{
	dma_addr_t addr;

	CHECK(!dma_alloc_coherent((PAGE_SIZE << (MAX_ORDER - 1)) + 1, &addr));
}

/* --- Scattered memory ------------------------------------------------------------------------------------------------------------ */
static const struct vector {
	const char *name;
	size_t len[5];
	size_t step; /* bytes of each copy */
} vectors[] = {
	{ "one", { 10 }, 10 },
	{ "one_by_one", { 10 }, 1 },
	{ "three", { 3, 4, 5 }, 12 },
	{ "across_each_border", { 3, 4, 5 }, 2 },
	{ "empty_first", { 0, 5 }, 5 },
	{ "empty_between", { 2, 0, 0, 3 }, 5 },
	{ "empty_last", { 5, 0, 0 }, 5 },
	{ "single_bytes", { 1, 1, 1, 1, 1 }, 3 },
};

static size_t vector_of(struct iovec *v, const struct vector *row, u8 *base)
{
	size_t sum = 0;

	for (u32 i = 0; i < 5; i++) { /* with a gap behind each */
		v[i] = (struct iovec){ base + 2 * sum + i, row->len[i] };
		sum += row->len[i];
	}
	return sum;
}

TEST_EACH(scattered, vectors)
{
	for (u32 ours = 0; ours < 2; ours++) {
		u8 there[64] = { 0 }, back[64] = { 0 }, text[64];
		struct iovec v[5];
		struct iov_iter i;
		size_t n = vector_of(v, row, there);

		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = (u8)(k + 1);
		if (ours)
			iov_iter_kvec(&i, v, 5);
		else
			iov_iter_init(&i, v, 5);
		CHECK_EQ(iov_iter_count(&i), n);
		for (size_t k = 0; k < n; k += row->step) {
			size_t len = n - k < row->step ? n - k : row->step;

			CHECK_EQ(copy_to_iter(text + k, len, &i), 0);
			CHECK_EQ(iov_iter_count(&i), n - k - len);
		}
		for (u32 k = 0; k < 5; k++) /* nothing behind a piece was written */
			CHECK(!((u8 *)v[k].iov_base)[v[k].iov_len] || !row->len[k]);
		iov_iter_init(&i, v, 5);
		CHECK_EQ(copy_from_iter(back, 1, &i), 0);
		iov_iter_advance(&i, n - 2);
		CHECK_EQ(copy_from_iter(back + 1, 1, &i), 0);
		CHECK(back[0] == text[0] && back[1] == text[n - 1]);
		CHECK_EQ(copy_from_iter(back, 0, &i), 0);
	}
}

static void copy_beyond(void *arg)
{
	u8 b[2];

	(void)copy_from_iter(b, 2, arg);
}

TEST(beyond_the_end_is_caught)
{
	struct iovec v = { memory, 1 };
	struct iov_iter i;

	iov_iter_init(&i, &v, 1);
	CHECK_EQ(host_catch_exit(copy_beyond, &i), 65);
}

TEST(memory_that_is_not_there)
{
	struct iovec v[2] = { { memory, 1 }, { NULL, 1 } };
	struct iov_iter i;
	u8 b[2] = { 7, 7 };

	iov_iter_init(&i, v, 2);
	CHECK_EQ(copy_to_iter(b, 2, &i), -EFAULT);
	CHECK_EQ(memory[0], 7);
	iov_iter_init(&i, v, 2);
	CHECK_EQ(copy_from_iter(b, 2, &i), -EFAULT);
}

KTEST_MAIN_BOOT()
