// SPDX-License-Identifier: MIT
/* <lib/list.h>, <lib/reader.h> and <lib/byteorder.h>. */
#include "ktest.h"

#include <lib/list.h>
#include <lib/reader.h>

struct item {
	struct list_head node;
	int v;
};

static int sum_in_order(struct list_head *h)
{
	struct item *i;
	int s = 0;
	list_for_each_entry(i, h, node)
		s = s * 10 + i->v;
	return s;
}

TEST(list_order_and_removal)
{
	LIST_HEAD(h);
	LIST_HEAD(g);
	struct item i[5] = { { .v = 1 }, { .v = 2 }, { .v = 3 }, { .v = 4 }, { .v = 5 } };
	struct item *p, *n;
	CHECK(list_empty(&h));
	list_add_tail(&i[1].node, &h);
	list_add_tail(&i[2].node, &h);
	list_add(&i[0].node, &h);
	CHECK_EQ(sum_in_order(&h), 123);
	CHECK(list_first_entry(&h, struct item, node) == &i[0]);
	CHECK(list_last_entry(&h, struct item, node) == &i[2]);
	list_add_tail(&i[3].node, &g);
	list_add_tail(&i[4].node, &g);
	list_splice_tail_init(&g, &h);
	CHECK(list_empty(&g));
	CHECK_EQ(sum_in_order(&h), 12345);
	list_splice_tail_init(&g, &h);
	CHECK_EQ(sum_in_order(&h), 12345);
	list_for_each_entry_safe(p, n, &h, node)
		if (p->v % 2)
			list_del_init(&p->node);
	CHECK_EQ(sum_in_order(&h), 24);
	CHECK(list_empty(&i[0].node));
	list_del_init(&i[0].node); /* off every list: harmless */
	CHECK_EQ(sum_in_order(&h), 24);
}

TEST(reader_never_passes_the_end)
{
	static const u8 b[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct reader r = rd_init(b, sizeof(b));
	CHECK_EQ(rd_u8(&r), 1);
	CHECK_EQ(rd_be16(&r), 0x0203);
	CHECK_EQ(rd_be32(&r), 0x04050607);
	CHECK(!r.bad && r.left == 0);
	CHECK_EQ(rd_u8(&r), 0);
	CHECK(r.bad);
	r = rd_init(b, 3);
	CHECK_EQ(rd_be32(&r), 0);
	CHECK(r.bad && r.left == 0);
	CHECK(rd_take(&r, 1) == NULL);
	r = rd_init(b, 7);
	struct reader s = rd_sub(&r, 5);
	CHECK(!s.bad && s.left == 5 && r.left == 2);
	s = rd_sub(&r, 3);
	CHECK(s.bad && s.left == 0 && r.bad);
	CHECK(rd_init(b, 0).left == 0);
}

TEST(byteorder)
{
	u8 b[4];
	put_unaligned_be32(0x01020304, b);
	CHECK(b[0] == 1 && b[3] == 4);
	CHECK_EQ(get_unaligned_be32(b), 0x01020304);
	put_unaligned_be16(0xfffe, b + 1);
	CHECK_EQ(get_unaligned_be16(b + 1), 0xfffe);
	CHECK_EQ(ntohs(htons(0x1234)), 0x1234);
	CHECK_EQ(htonl(0x01020304), 0x04030201);
}

KTEST_MAIN()
