// SPDX-License-Identifier: MIT
/* Fault injection: the grammar of fault=, word by word, and which events each rule hits. */
#include "host.h"
#include "ktest.h"

#include <kernel/dma.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <lib/err.h>

#define EVENTS 40

static void clear(void)
{
	memset(faults, 0, sizeof(faults));
	faults_armed = false;
}

static int parse(const char *value)
{
	const char *why = "";
	return fault_parse("fault", value, NULL, &why);
}

/* --- What is understood ---------------------------------------------------------------------------------------------- */
static const struct good {
	const char *name, *value;
	enum fault_point point;
	u64 at, every, p, seed, times, ms;
	u32 line;
} good[] = {
	{ "kind_alone", "alloc", FAULT_ALLOC, 1, 0, 0, 1, 0, 0, 0 },
	{ "at", "alloc,at=100", FAULT_ALLOC, 100, 0, 0, 1, 0, 0, 0 },
	{ "at_every", "alloc,at=100,every=50", FAULT_ALLOC, 100, 50, 0, 1, 0, 0, 0 },
	{ "every_at", "alloc,every=50,at=100", FAULT_ALLOC, 100, 50, 0, 1, 0, 0, 0 },
	{ "every_alone", "alloc,every=3", FAULT_ALLOC, 1, 3, 0, 1, 0, 0, 0 },
	{ "every_0_is_once", "alloc,every=0", FAULT_ALLOC, 1, 0, 0, 1, 0, 0, 0 },
	{ "hexadecimal", "alloc,at=0x10", FAULT_ALLOC, 16, 0, 0, 1, 0, 0, 0 },
	{ "largest_at", "alloc,at=18446744073709551615", FAULT_ALLOC, UINT64_MAX, 0, 0, 1, 0, 0,
	  0 },
	{ "last_at_wins", "alloc,at=5,at=7", FAULT_ALLOC, 7, 0, 0, 1, 0, 0, 0 },
	{ "times", "alloc,every=1,times=3", FAULT_ALLOC, 1, 1, 0, 1, 3, 0, 0 },
	{ "p_half", "alloc,p=0.5", FAULT_ALLOC, 1, 0, 1ULL << 31, 1, 0, 0, 0 },
	{ "p_one", "alloc,p=1", FAULT_ALLOC, 1, 0, 1ULL << 32, 1, 0, 0, 0 },
	{ "p_one_point", "alloc,p=1.", FAULT_ALLOC, 1, 0, 1ULL << 32, 1, 0, 0, 0 },
	{ "p_without_zero", "alloc,p=.25", FAULT_ALLOC, 1, 0, 1ULL << 30, 1, 0, 0, 0 },
	{ "p_hundredth", "alloc,p=0.01", FAULT_ALLOC, 1, 0, 42949672, 1, 0, 0, 0 },
	{ "p_smallest", "alloc,p=0.000000001", FAULT_ALLOC, 1, 0, 4, 1, 0, 0, 0 },
	{ "p_seed", "alloc,p=0.5,seed=77", FAULT_ALLOC, 1, 0, 1ULL << 31, 77, 0, 0, 0 },
	{ "p_from", "alloc,at=600,p=0.5", FAULT_ALLOC, 600, 0, 1ULL << 31, 1, 0, 0, 0 },
	{ "seed_0", "alloc,p=0.5,seed=0", FAULT_ALLOC, 1, 0, 1ULL << 31, 0, 0, 0, 0 },
	{ "site_file", "alloc,site=kernel/proc.c", FAULT_ALLOC, 1, 0, 0, 1, 0, 0, 0 },
	{ "site_last_part", "alloc,site=proc.c,at=2", FAULT_ALLOC, 2, 0, 0, 1, 0, 0, 0 },
	{ "site_two_parts", "alloc,site=kernel/fault_test.c", FAULT_ALLOC, 1, 0, 0, 1, 0, 0, 0 },
	{ "site_folder", "alloc,site=tests/unit/,every=9", FAULT_ALLOC, 1, 9, 0, 1, 0, 0, 0 },
	{ "dmamap", "dmamap,at=3", FAULT_DMA_MAP, 3, 0, 0, 1, 0, 0, 0 },
	{ "txstall_default_ms", "txstall", FAULT_TX_STALL, 1, 0, 0, 1, 0, 3000, 0 },
	{ "txstall_ms", "txstall,at=500,ms=20", FAULT_TX_STALL, 500, 0, 0, 1, 0, 20, 0 },
	{ "ringfull_default_ms", "ringfull", FAULT_RING_FULL, 1, 0, 0, 1, 0, 10, 0 },
	{ "ringfull_ms_0", "ringfull,ms=0", FAULT_RING_FULL, 1, 0, 0, 1, 0, 0, 0 },
	{ "lostirq", "lostirq,p=0.5", FAULT_LOST_IRQ, 1, 0, 1ULL << 31, 1, 0, 0, 0 },
	{ "rxdrop", "rxdrop,every=7", FAULT_RX_DROP, 1, 7, 0, 1, 0, 0, 0 },
	{ "arptimeout", "arptimeout,every=1,times=2", FAULT_ARP_TIMEOUT, 1, 1, 0, 1, 2, 0, 0 },
	{ "qdiscdrop", "qdiscdrop,at=9", FAULT_QDISC_DROP, 9, 0, 0, 1, 0, 0, 0 },
	{ "leak", "leak", FAULT_LEAK, 1, 0, 0, 1, 0, 0, 0 },
};

TEST_EACH(understood, good)
{
	const struct fault *f = &faults[row->point];

	clear();
	CHECK_EQ(parse(row->value), 0);
	CHECK(faults_armed && f->on && !f->next);
	CHECK_EQ(f->at, row->at);
	CHECK_EQ(f->every, row->every);
	CHECK_EQ(f->p, row->p);
	CHECK_EQ(f->seed, row->seed);
	CHECK_EQ(f->times, row->times);
	CHECK_EQ(f->ms, row->ms);
	CHECK_EQ(f->line, row->line);
	clear();
}

/* --- What is refused, and in which words ----------------------------------------------------------------------------- */
static const struct bad {
	const char *name, *value;
	int err;
	const char *why;
} bad[] = {
	{ "empty", "", -EINVAL, "must begin with" },
	{ "unknown", "earthquake", -EINVAL, "must begin with" },
	{ "prefix_of_a_kind", "allo", -EINVAL, "must begin with" },
	{ "longer_than_a_kind", "allocs", -EINVAL, "must begin with" },
	{ "upper_case", "ALLOC", -EINVAL, "must begin with" },
	{ "help_with_more", "help,at=1", -EINVAL, "must begin with" },
	{ "empty_option", "alloc,", -EINVAL, "options are" },
	{ "empty_option_inside", "alloc,,at=1", -EINVAL, "options are" },
	{ "unknown_option", "alloc,foo=1", -EINVAL, "options are" },
	{ "no_value", "alloc,at=", -EINVAL, "options are" },
	{ "no_equals", "alloc,at", -EINVAL, "options are" },
	{ "letters", "alloc,at=x", -EINVAL, "options are" },
	{ "negative", "alloc,at=-1", -EINVAL, "options are" },
	{ "blank", "alloc,at= 1", -EINVAL, "options are" },
	{ "trailing", "alloc,at=1x", -EINVAL, "options are" },
	{ "too_large", "alloc,at=18446744073709551616", -ERANGE, "options are" },
	{ "at_0", "alloc,at=0", -EINVAL, "at= counts from 1" },
	{ "ms_of_alloc", "alloc,ms=5", -EINVAL, "options are" },
	{ "site_of_dmamap", "dmamap,site=net.c", -EINVAL, "options are" },
	{ "p_empty", "alloc,p=", -EINVAL, "p= must be" },
	{ "p_0", "alloc,p=0", -ERANGE, "p= must be" },
	{ "p_0_0", "alloc,p=0.0", -ERANGE, "p= must be" },
	{ "p_above_1", "alloc,p=1.000000001", -ERANGE, "p= must be" },
	{ "p_2", "alloc,p=2", -ERANGE, "p= must be" },
	{ "p_huge", "alloc,p=99999999999999999999", -ERANGE, "p= must be" },
	{ "p_two_points", "alloc,p=0.1.2", -EINVAL, "p= must be" },
	{ "p_ten_decimals", "alloc,p=0.0000000001", -EINVAL, "p= must be" },
	{ "p_percent", "alloc,p=1%", -EINVAL, "p= must be" },
	{ "p_and_every", "alloc,p=0.5,every=2", -EINVAL, "exclude" },
	{ "site_empty", "alloc,site=", -EINVAL, "FILE:LINE" },
	{ "site_only_line", "alloc,site=:61", -EINVAL, "FILE:LINE" },
	{ "site_no_line", "alloc,site=net.c:", -EINVAL, "FILE:LINE" },
	{ "site_line_0", "alloc,site=net.c:0", -EINVAL, "FILE:LINE" },
	{ "site_line_letters", "alloc,site=net.c:x", -EINVAL, "FILE:LINE" },
	{ "site_line_huge", "alloc,site=net.c:4294967296", -EINVAL, "FILE:LINE" },
	{ "site_unknown_file", "alloc,site=nowhere.c", -ENOENT, "fault=sites" },
	{ "site_unknown_line", "alloc,site=net/core/net.c:1", -ENOENT, "fault=sites" },
	{ "site_half_a_name", "alloc,site=et.c", -ENOENT, "fault=sites" },
	{ "site_unknown_folder", "alloc,site=et/", -ENOENT, "fault=sites" },
	{ "site_too_long", "alloc,site=a/very/long/path/that/is/nowhere/in/this/house.c", -EINVAL,
	  "FILE:LINE" },
	{ "option_too_long",
	  "alloc,site=a/path/that/is/so/long/that/not/even/the/word/it/stands/in/can/be/held/by/"
	  "us.c",
	  -EINVAL, "too long" },
};

TEST_EACH(refused, bad)
{
	const char *why = "";

	clear();
	CHECK_EQ(fault_parse("fault", row->value, NULL, &why), row->err);
	CHECK(strstr(why, row->why));
	CHECK(!faults_armed); /* nothing of a bad rule stays */
	for (u32 i = 0; i < FAULT_RULES; i++)
		CHECK(!faults[i].on);
}

/* --- Which events are hit --------------------------------------------------------------------------------------------- */
static const struct pattern {
	const char *name, *value;
	u64 hits; /* bit n - 1: the n-th of EVENTS */
} patterns[] = {
	{ "first", "dmamap", 0x1 },
	{ "third", "dmamap,at=3", 0x4 },
	{ "beyond", "dmamap,at=41", 0 },
	{ "last", "dmamap,at=40", 1ULL << 39 },
	{ "each", "dmamap,every=1", (1ULL << EVENTS) - 1 },
	{ "from_fourth_each", "dmamap,at=4,every=1", (1ULL << EVENTS) - 8 },
	{ "every_tenth_from_5", "dmamap,at=5,every=10", 0x1004010 | 1ULL << 34 },
	{ "twice", "dmamap,every=1,times=2", 0x3 },
	{ "twice_of_every_third", "dmamap,at=2,every=3,times=2", 0x12 },
	{ "chance_one", "dmamap,p=1", (1ULL << EVENTS) - 1 },
	{ "chance_one_late", "dmamap,p=1,at=40", 1ULL << 39 },
	{ "chance_one_thrice", "dmamap,p=1,times=3", 0x7 },
};

static u64 events(enum fault_point p)
{
	u64 map = 0;

	for (u32 i = 0; i < EVENTS; i++)
		map |= (u64)fault_hit(p) << i;
	return map;
}

TEST_EACH(hits, patterns)
{
	clear();
	CHECK_EQ(parse(row->value), 0);
	CHECK_EQ(events(FAULT_DMA_MAP), row->hits);
	CHECK_EQ(faults[FAULT_DMA_MAP].seen, EVENTS);
	CHECK_EQ(faults[FAULT_DMA_MAP].hits, (u64)__builtin_popcountll(row->hits));
	CHECK_EQ(events(FAULT_QDISC_DROP), 0); /* another kind's events are none of ours */
	clear();
}

TEST(nothing_set_hits_nothing)
{
	clear();
	for (u32 p = 0; p < NR_FAULTS; p++)
		CHECK_EQ(events((enum fault_point)p), 0);
	CHECK_EQ(faults[FAULT_ALLOC].seen, 0);
}

TEST(a_seed_is_a_run)
{
	u64 a, b, c;

	clear();
	CHECK_EQ(parse("dmamap,p=0.5,seed=1"), 0);
	a = events(FAULT_DMA_MAP);
	clear();
	CHECK_EQ(parse("dmamap,p=0.5,seed=1"), 0);
	b = events(FAULT_DMA_MAP);
	clear();
	CHECK_EQ(parse("dmamap,p=0.5,seed=2"), 0);
	c = events(FAULT_DMA_MAP);
	CHECK_EQ(a, b);
	CHECK(a != c);
	CHECK(a != 0 && a != (1ULL << EVENTS) - 1);
	clear();
}

TEST(a_chance_is_kept)
{
	clear();
	CHECK_EQ(parse("dmamap,p=0.01,seed=9"), 0);
	for (u32 i = 0; i < 100000; i++)
		(void)fault_hit(FAULT_DMA_MAP);
	CHECK(faults[FAULT_DMA_MAP].hits > 850 && faults[FAULT_DMA_MAP].hits < 1150);
	clear();
}

TEST(rules_stand_side_by_side)
{
	clear();
	CHECK_EQ(parse("dmamap,at=2"), 0);
	CHECK_EQ(parse("qdiscdrop,at=3"), 0);
	CHECK_EQ(parse("dmamap,at=5"), 0); /* of the same kind: both hold */
	CHECK_EQ(parse("dmamap,at=5,every=30"), 0);
	CHECK_EQ(events(FAULT_DMA_MAP), 0x12 | 1ULL << 34);
	CHECK_EQ(events(FAULT_QDISC_DROP), 0x4);
	CHECK_EQ(faults[FAULT_DMA_MAP].hits, 1);
	CHECK_EQ(faults[FAULT_DMA_MAP].next->hits, 1);
	CHECK_EQ(faults[FAULT_DMA_MAP].next->next->hits, 2);
	clear();
}

TEST(too_many_rules)
{
	const char *why = "";

	clear();
	for (u32 i = 0; i < FAULT_RULES - NR_FAULTS + 1; i++)
		CHECK_EQ(parse("alloc,at=1000"), 0);
	CHECK_EQ(fault_parse("fault", "alloc", NULL, &why), -ENOSPC);
	CHECK_STR(why, "too many faults");
	CHECK_EQ(parse("dmamap"), 0); /* the first of another kind has its own place */
	clear();
}

TEST(duration_is_that_of_the_rule_that_hit)
{
	clear();
	CHECK_EQ(parse("ringfull,at=1,ms=5"), 0);
	CHECK_EQ(parse("ringfull,at=2,ms=70"), 0);
	CHECK(fault_hit(FAULT_RING_FULL));
	CHECK_EQ(fault_ms(FAULT_RING_FULL), 5);
	CHECK(fault_hit(FAULT_RING_FULL));
	CHECK_EQ(fault_ms(FAULT_RING_FULL), 70);
	CHECK(!fault_hit(FAULT_RING_FULL));
	clear();
}

/* --- Sites ----------------------------------------------------------------------------------------------------------------- */
static void *from_here(struct alloc_site **site)
{
	*site = ALLOC_SITE();
	return kmalloc_at(40, *site);
}

static void *from_there(void)
{
	return kmalloc(40);
}

TEST(only_at_the_site)
{
	struct alloc_site *site;
	char value[80];
	u64 failed;

	clear();
	kfree(from_here(&site));
	failed = site->failed;
	snprintf(value, sizeof(value), "alloc,site=fault_test.c:%u,at=2", site->line);
	CHECK_EQ(parse(value), 0);
	for (u32 i = 1; i <= 4; i++) {
		void *a = from_here(&site), *b = from_there();

		CHECK_EQ(a != NULL, i != 2);
		CHECK(b != NULL);
		kfree(a);
		kfree(b);
	}
	CHECK_EQ(site->failed, failed + 1);
	CHECK_EQ(faults[FAULT_ALLOC].seen, 4); /* the others' allocations are no events */
	CHECK(faults[FAULT_ALLOC].last == site);
	clear();
}

TEST(anywhere_in_the_file)
{
	struct alloc_site *site;
	void *p;

	clear();
	CHECK_EQ(parse("alloc,site=kernel/fault_test.c,every=1"), 0);
	CHECK(!from_here(&site));
	CHECK(!from_there());
	CHECK_EQ(parse("alloc,site=kernel/,every=1"), 0);
	CHECK_EQ(faults[FAULT_ALLOC].next->seen, 0);
	clear();
	CHECK_EQ(parse("alloc,site=tests/unit/,every=1"), 0);
	CHECK(!from_there());
	clear();
	CHECK_EQ(parse("alloc,site=kernel/,every=1"), 0);
	p = from_there();
	CHECK(p != NULL);
	kfree(p);
	clear();
}

TEST(pages_and_windows_have_sites_too)
{
	dma_addr_t addr;
	u64 areas = vm_areas_live();

	clear();
	CHECK_EQ(parse("alloc,site=fault_test.c,every=1"), 0);
	CHECK(!alloc_page());
	CHECK(!zalloc_pages(2));
	CHECK(!vmalloc(100));
	CHECK(!dma_alloc_coherent(64, &addr));
	CHECK(!kzalloc(5000));
	CHECK_EQ(faults[FAULT_ALLOC].hits, 5);
	clear();
	CHECK_EQ(parse("alloc,site=vmalloc.c,every=1"), 0);
	CHECK(!vm_area_reserve(PAGE_SIZE)); /* the reservation itself */
	CHECK(!vmalloc(100));               /* its page */
	CHECK_EQ(faults[FAULT_ALLOC].hits, 2);
	clear();
	CHECK_EQ(vm_areas_live(), areas);
}

TEST(sites_are_numbered_and_distinct)
{
	u32 n = 0;

	for_each_alloc_site(s)
	{
		n++;
		CHECK(s->file && s->file[0] != '/' && s->line);
		for_each_alloc_site(t)
			CHECK(t >= s || t->line != s->line || strcmp(t->file, s->file));
	}
	CHECK(n > 15);
}

TEST(account_of_a_site)
{
	struct alloc_site *site;
	void *p = from_here(&site);
	u64 total = site->total, failed = site->failed;

	CHECK_EQ(site->live, 1);
	CHECK_EQ(parse("alloc,site=fault_test.c"), 0);
	CHECK(!from_here(&site));
	CHECK_EQ(site->total, total);
	CHECK_EQ(site->failed, failed + 1);
	kfree(p);
	CHECK_EQ(site->live, 0);
	clear();
}

TEST(page_of_the_sites)
{
	size_t len;
	char *text, line[80];
	struct alloc_site *site;
	void *p;

	clear();
	p = from_here(&site);
	text = proc_render("/proc/allocinfo", &len);
	CHECK(!IS_ERR(text));
	snprintf(line, sizeof(line), "%6u %8llu %8llu tests/unit/kernel/fault_test.c:%u\n", 1U,
		 (unsigned long long)site->total, (unsigned long long)site->failed, site->line);
	CHECK(strstr(text, line));
	CHECK(strstr(text, "kernel/proc.c:"));
	kfree(text);
	kfree(p);
}

/* --- Words ----------------------------------------------------------------------------------------------------------------- */
static void ask(void *value)
{
	(void)parse(value);
}

TEST(help_names_everything)
{
	static const char *const words[] = {
		"alloc",      "dmamap",    "txstall", "ringfull", "lostirq",    "rxdrop",
		"arptimeout", "qdiscdrop", "leak",    "at=N",     "every=M",    "p=P",
		"seed=K",     "times=T",   "ms=T",    "site=",    "fault=sites"
	};

	host_console_clear();
	CHECK_EQ(host_catch_exit(ask, "help"), 0);
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		CHECK(strstr(host_console(), words[i]));
}

TEST(list_of_sites)
{
	host_console_clear();
	CHECK_EQ(host_catch_exit(ask, "sites"), 0);
	CHECK(strstr(host_console(), "fault: site 1 "));
	CHECK(strstr(host_console(), " kernel/proc.c:"));
	CHECK(strstr(host_console(), " allocation sites"));
}

TEST(report)
{
	struct alloc_site *site;
	char line[96];

	clear();
	host_console_clear();
	fault_report();
	CHECK_STR(host_console(), "");
	CHECK_EQ(parse("alloc,site=fault_test.c,at=2"), 0);
	CHECK_EQ(parse("qdiscdrop,at=5"), 0);
	kfree(from_here(&site));
	CHECK(!from_here(&site));
	fault_report();
	snprintf(line, sizeof(line),
		 "fault: alloc hit 1 of 2 events (last at tests/unit/kernel/fault_test.c:%u)\n",
		 site->line);
	CHECK(strstr(host_console(), line));
	CHECK(strstr(host_console(), "fault: qdiscdrop hit 0 of 0 events\n"));
	clear();
}

KTEST_MAIN_BOOT()
