/* SPDX-License-Identifier: MIT */
/*
 * A tiny unit-test harness.
 *
 *   TEST(adds) { CHECK_EQ(1 + 1, 2); }     any number of them, run in the order of the source
 *   TEST_EACH(doubles, table) { CHECK_EQ(twice(row->in), row->out); }
 *                                          once for each row of an array; each row is a test, "doubles/NAME", and its
 *                                          struct begins with const char *name (a word)
 *   SETUP() { boot_the_rig(); }            may be there: runs before the first test, whichever that is
 *   KTEST_MAIN()                           at the end of the file: plain tests without a kernel
 *   KTEST_MAIN_BOOT()                      the same after host_boot(): the kernel lives, main() is thread "init"
 *
 * Each test prints "ok name" or "not ok name"; a failed CHECK prints file, line and values and goes on. The
 * program ends with the number of failed tests (at most 99). An argument runs only tests whose name contains it.
 * How to build one by hand: host.h.
 */
#ifndef KTEST_H
#define KTEST_H
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ktest {
	const char *name;
	void (*fn)(void);
	struct ktest *next;
	/* TEST_EACH: the table and what runs for each of its rows. */
	void (*each)(const void *row);
	const void *rows;
	size_t nr_rows, row_size;
};
static struct ktest *ktest_first, **ktest_tail = &ktest_first;
static int ktest_failed;
static void (*ktest_setup)(void);

#define SETUP()                                                                                    \
	static void setup_(void);                                                                  \
	__attribute__((constructor)) static void enter_setup_(void)                                \
	{                                                                                          \
		ktest_setup = setup_;                                                              \
	}                                                                                          \
	static void setup_(void)
#define TEST(name_)                                                                                \
	static void test_##name_(void);                                                            \
	__attribute__((constructor)) static void enter_##name_(void)                               \
	{                                                                                          \
		static struct ktest t = { .name = #name_, .fn = test_##name_ };                    \
		*ktest_tail = &t;                                                                  \
		ktest_tail = &t.next;                                                              \
	}                                                                                          \
	static void test_##name_(void)
#define TEST_EACH(name_, table_)                                                                   \
	static void each_##name_(const __typeof__((table_)[0]) *row);                              \
	static void row_##name_(const void *row)                                                   \
	{                                                                                          \
		each_##name_(row);                                                                 \
	}                                                                                          \
	__attribute__((constructor)) static void enter_##name_(void)                               \
	{                                                                                          \
		static struct ktest t = { .name = #name_,                                          \
					  .each = row_##name_,                                     \
					  .rows = (table_),                                        \
					  .nr_rows = sizeof(table_) / sizeof((table_)[0]),         \
					  .row_size = sizeof((table_)[0]) };                       \
		*ktest_tail = &t;                                                                  \
		ktest_tail = &t.next;                                                              \
	}                                                                                          \
	static void each_##name_(const __typeof__((table_)[0]) *row)

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                        \
			ktest_failed++;                                                            \
		}                                                                                  \
	} while (0)
#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
		if (a_ != b_) {                                                                    \
			printf("# %s:%d: %s is %lld (0x%llx), not %s = %lld (0x%llx)\n", __FILE__, \
			       __LINE__, #a, a_, (unsigned long long)a_, #b, b_,                   \
			       (unsigned long long)b_);                                            \
			ktest_failed++;                                                            \
		}                                                                                  \
	} while (0)
#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *a_ = (a), *b_ = (b);                                                   \
		if (strcmp(a_, b_)) {                                                              \
			printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #a, a_,  \
			       b_);                                                                \
			ktest_failed++;                                                            \
		}                                                                                  \
	} while (0)

/* Runs one test, or one row of one; gives 1 when it failed. */
static inline int ktest_one(const struct ktest *t, const void *row, const char *wanted)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s%s", t->name, row ? "/" : "",
		 row ? *(const char *const *)row : "");
	if (wanted && !strstr(name, wanted))
		return 0;
	ktest_failed = 0;
	printf("begin %s\n", name); /* a crash has a name, too */
	if (row)
		t->each(row);
	else
		t->fn();
	printf("%s %s\n", ktest_failed ? "not ok" : "ok", name);
	return ktest_failed != 0;
}

static inline int ktest_run(int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[1] : NULL;
	int bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ktest_setup) {
		ktest_setup();
		if (ktest_failed)
			printf("not ok setup\n");
		bad += ktest_failed != 0;
	}
	for (const struct ktest *t = ktest_first; t; t = t->next) {
		for (size_t i = 0; i < t->nr_rows; i++)
			bad += ktest_one(t, (const char *)t->rows + i * t->row_size, wanted);
		if (t->fn)
			bad += ktest_one(t, NULL, wanted);
	}
	return bad > 99 ? 99 : bad;
}

#define KTEST_MAIN()                                                                               \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return ktest_run(argc, argv);                                                      \
	}
#define KTEST_MAIN_BOOT()                                                                          \
	void host_boot(void);                                                                      \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		host_boot();                                                                       \
		return ktest_run(argc, argv);                                                      \
	}
#endif
