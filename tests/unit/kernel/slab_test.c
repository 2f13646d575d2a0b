// SPDX-License-Identifier: MIT
/* The real kernel/slab.c over an arena; also compiled with -DSLAB_DEBUG=1. Links without tests/host/slab_host.c. */
#include "ktest.h"

#include <kernel/boot_info.h>
#include <kernel/mm.h>
#include <kernel/proc.h>

#include "../../../kernel/mm_internal.h"
#include "host.h"

TEST(classes_and_alignment)
{
	for (size_t n = 0; n <= 20000; n += n < 300 ? 1 : 97) {
		u8 *p = kmalloc(n);
		CHECK(p && !((uintptr_t)p & 15));
		memset(p, 0xff, n);
		u8 *z = kzalloc(n);
		for (size_t i = 0; i < n; i++)
			CHECK(!z[i]);
		kfree(p);
		kfree(z);
	}
	kfree(NULL);
	CHECK(!kmalloc((4UL << 20) + 1));
}

TEST(random_objects_keep_their_bytes)
{
	static struct {
		u8 *p;
		size_t n;
		u8 tag;
	} o[2000];
	unsigned int seed = 5;
	u64 live = mm_live_objects();
	for (int step = 0; step < 200000; step++) {
		unsigned int i = (unsigned int)rand_r(&seed) % 2000;
		if (o[i].p) {
			for (size_t k = 0; k < o[i].n; k += 13)
				CHECK(o[i].p[k] == o[i].tag);
			kfree(o[i].p);
			o[i].p = NULL;
			continue;
		}
		o[i].n = (size_t)rand_r(&seed) % 2500 + 1;
		o[i].tag = (u8)step;
		o[i].p = kmalloc(o[i].n);
		CHECK(o[i].p);
		memset(o[i].p, o[i].tag, o[i].n);
	}
	for (int i = 0; i < 2000; i++)
		kfree(o[i].p);
	CHECK_EQ(mm_live_objects(), live);
}

TEST(caches_give_pages_back)
{
	u64 before = pages_free();
	struct kmem_cache *c = kmem_cache_create("test", 100, 64);
	static void *p[1000];
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++) {
			p[i] = kmem_cache_zalloc(c);
			CHECK(p[i] && !((uintptr_t)p[i] & 63));
		}
		for (int i = 0; i < 1000; i++)
			kmem_cache_free(c, p[(i * 7) % 1000]);
		CHECK(pages_free() + 10 >= before);
	}
	kmem_cache_destroy(c);
	CHECK(pages_free() + 1 >= before); /* the cache of caches may keep a spare */
}

TEST(out_of_memory_is_survived)
{
	static void *p[200000];
	size_t n = 0;
	while ((p[n] = kmalloc(192)))
		n++;
	CHECK(n > 10000);
	CHECK(!kmalloc(5000));
	while (n)
		kfree(p[--n]);
	void *q = kmalloc(2048);
	CHECK(q);
	kfree(q);
}

static void free_twice(void *p)
{
	kfree(p);
	kfree(p);
}

static void free_inside(void *p)
{
	kfree((u8 *)p + 8);
}

static void destroy_used(void *arg)
{
	kmem_cache_destroy(arg);
}

TEST(misuse_is_caught)
{
	void *keep = kmalloc(64); /* so that the slab stays */
	CHECK_EQ(host_catch_exit(free_twice, kmalloc(64)), 65);
	CHECK_EQ(host_catch_exit(free_inside, kmalloc(64)), 65);
	kfree(keep);
	struct kmem_cache *c = kmem_cache_create("used", 32, 8);
	void *o = kmem_cache_alloc(c);
	CHECK_EQ(host_catch_exit(destroy_used, c), 65);
	kmem_cache_free(c, o);
	kmem_cache_destroy(c);
}

static void overrun(void *p)
{
	((u8 *)p)[64] = 1;
	kfree(p);
}

static void use_after_free(void *p)
{
	kfree(p);
	((u8 *)p)[20] = 1;
	while (kmalloc(40) != p)
		;
}

TEST(debug_builds_see_more)
{
	if (!SLAB_DEBUG)
		return;
	u8 *q = kmalloc(64);
	CHECK_EQ(q[5], 0x5a);
	kfree(q);
	CHECK_EQ(host_catch_exit(use_after_free, kmalloc(40)), 65);
	CHECK_EQ(host_catch_exit(overrun, kmalloc(64)), 65);
}

TEST(report_in_linux_format)
{
	char text[4096];
	struct seq_file m = { .buf = text, .size = sizeof(text) };
	slabinfo_show(&m);
	CHECK(!m.overflow && strstr(text, "kmalloc-2048"));
}

int main(int argc, char **argv)
{
	host_console_quiet(true);
	host_boot_memory(16UL << 20);
	return ktest_run(argc, argv);
}
