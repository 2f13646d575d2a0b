// SPDX-License-Identifier: MIT
/* Lists of five items under every operation, and the bounds-checked reader at every length. */
#include "ktest.h"

#include <lib/list.h>
#include <lib/reader.h>

struct item {
	struct list_head node;
	u32 v;
};

static struct item item[5];
static struct list_head list, other;

/* 1 2 3 on the list, 4 on the other, 5 on none. */
static void fill(void)
{
	INIT_LIST_HEAD(&list);
	INIT_LIST_HEAD(&other);
	for (u32 i = 0; i < 5; i++) {
		item[i].v = i + 1;
		INIT_LIST_HEAD(&item[i].node);
	}
	for (u32 i = 0; i < 3; i++)
		list_add_tail(&item[i].node, &list);
	list_add_tail(&item[3].node, &other);
}

static u32 forward(struct list_head *h)
{
	struct item *i;
	u32 n = 0;

	list_for_each_entry(i, h, node)
		n = n * 10 + i->v;
	return n;
}

static u32 backward(const struct list_head *h)
{
	u32 n = 0;

	for (const struct list_head *p = h->prev; p != h; p = p->prev)
		n = n * 10 + list_entry(p, const struct item, node)->v;
	return n;
}

static void nothing(void)
{
}

static void add_first(void)
{
	list_add(&item[4].node, &list);
}

static void add_last(void)
{
	list_add_tail(&item[4].node, &list);
}

static void add_behind_the_second(void)
{
	list_add(&item[4].node, &item[1].node);
}

static void add_before_the_second(void)
{
	list_add_tail(&item[4].node, &item[1].node);
}

static void take_first(void)
{
	list_del_init(&item[0].node);
}

static void take_middle(void)
{
	list_del_init(&item[1].node);
}

static void take_last(void)
{
	list_del_init(&item[2].node);
}

static void take_all(void)
{
	struct item *i, *n;

	list_for_each_entry_safe(i, n, &list, node)
		list_del_init(&i->node);
}

static void take_twice(void)
{
	list_del_init(&item[1].node);
	list_del_init(&item[1].node);
}

static void take_what_is_on_none(void)
{
	list_del_init(&item[4].node);
}

static void move_first_to_the_end(void)
{
	list_del_init(&item[0].node);
	list_add_tail(&item[0].node, &list);
}

static void splice(void)
{
	list_splice_tail_init(&other, &list);
}

static void splice_back(void)
{
	list_splice_tail_init(&list, &other);
}

static void splice_nothing(void)
{
	take_all();
	list_splice_tail_init(&list, &other);
}

static void splice_onto_nothing(void)
{
	take_all();
	list_splice_tail_init(&other, &list);
}

static void splice_twice(void)
{
	list_splice_tail_init(&other, &list);
	list_splice_tail_init(&other, &list);
}

static const struct list_row {
	const char *name;
	void (*act)(void);
	u32 list, other;
} lists[] = {
	{ "as_filled", nothing, 123, 4 },
	{ "add_first", add_first, 5123, 4 },
	{ "add_last", add_last, 1235, 4 },
	{ "add_behind_the_second", add_behind_the_second, 1253, 4 },
	{ "add_before_the_second", add_before_the_second, 1523, 4 },
	{ "take_first", take_first, 23, 4 },
	{ "take_middle", take_middle, 13, 4 },
	{ "take_last", take_last, 12, 4 },
	{ "take_all", take_all, 0, 4 },
	{ "take_twice", take_twice, 13, 4 },
	{ "take_what_is_on_none", take_what_is_on_none, 123, 4 },
	{ "move_first_to_the_end", move_first_to_the_end, 231, 4 },
	{ "splice", splice, 1234, 0 },
	{ "splice_back", splice_back, 0, 4123 },
	{ "splice_nothing", splice_nothing, 0, 4 },
	{ "splice_onto_nothing", splice_onto_nothing, 4, 0 },
	{ "splice_twice", splice_twice, 1234, 0 },
};

static u32 reversed(u32 n)
{
	u32 r = 0;

	for (; n; n /= 10)
		r = r * 10 + n % 10;
	return r;
}

TEST_EACH(list, lists)
{
	fill();
	row->act();
	CHECK_EQ(forward(&list), row->list);
	CHECK_EQ(backward(&list), reversed(row->list));
	CHECK_EQ(forward(&other), row->other);
	CHECK_EQ(backward(&other), reversed(row->other));
	CHECK_EQ(list_empty(&list), row->list == 0);
	CHECK_EQ(list_empty(&other), row->other == 0);
	if (row->list) {
		CHECK_EQ(list_last_entry(&list, struct item, node)->v, row->list % 10);
		CHECK_EQ(list_first_entry(&list, struct item, node)->v, reversed(row->list) % 10);
	}
}

/* --- The reader -------------------------------------------------------------------------------------------------------- */

enum { U8 = 1, BE16 = 2, BE32 = 4 };
static const struct read_row {
	const char *name;
	u32 len, what;
	u32 value, left;
	bool bad;
} reads[] = {
	{ "byte_of_none", 0, U8, 0, 0, true },
	{ "byte_of_one", 1, U8, 0x01, 0, false },
	{ "byte_of_two", 2, U8, 0x01, 1, false },
	{ "half_of_one", 1, BE16, 0, 0, true },
	{ "half_of_two", 2, BE16, 0x0102, 0, false },
	{ "half_of_three", 3, BE16, 0x0102, 1, false },
	{ "word_of_three", 3, BE32, 0, 0, true },
	{ "word_of_four", 4, BE32, 0x01020304, 0, false },
	{ "word_of_five", 5, BE32, 0x01020304, 1, false },
};

TEST_EACH(read, reads)
{
	u8 *b = malloc(row->len + 1); /* the sanitizer guards what is behind */
	struct reader r;
	u32 v;

	for (u32 i = 0; i < row->len; i++)
		b[i] = (u8)(i + 1);
	r = rd_init(b, row->len);
	v = row->what == U8 ? rd_u8(&r) : row->what == BE16 ? rd_be16(&r) : rd_be32(&r);
	CHECK_EQ(v, row->value);
	CHECK_EQ(r.left, row->left);
	CHECK_EQ(r.bad, row->bad);
	if (row->bad) { /* once bad it stays so */
		CHECK_EQ(rd_u8(&r), 0);
		CHECK(r.bad && !rd_take(&r, 1));
	}
	free(b);
}

static const struct sub_row {
	const char *name;
	u32 len, sub;
	u32 sub_left, left;
	bool bad;
} subs[] = {
	{ "nothing_of_nothing", 0, 0, 0, 0, false },
	{ "nothing", 5, 0, 0, 5, false },
	{ "some", 5, 3, 3, 2, false },
	{ "all", 5, 5, 5, 0, false },
	{ "one_too_many", 5, 6, 0, 0, true },
	{ "far_too_many", 5, 0xffffffff, 0, 0, true },
};

TEST_EACH(sub, subs)
{
	static const u8 b[5] = { 1, 2, 3, 4, 5 };
	struct reader r = rd_init(b, row->len), s = rd_sub(&r, row->sub);

	CHECK_EQ(s.left, row->sub_left);
	CHECK_EQ(r.left, row->left);
	CHECK_EQ(s.bad, row->bad);
	CHECK_EQ(r.bad, row->bad);
	if (row->sub_left)
		CHECK_EQ(rd_u8(&s), 1);
	if (row->left)
		CHECK_EQ(rd_u8(&r), row->sub + 1); /* goes on behind the part */
}

KTEST_MAIN()
