// SPDX-License-Identifier: MIT
/* Payload in page fragments: filled, split, shortened and joined at every boundary, with references and charges counted. */
#include "host.h"
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include <kernel/mm.h>
#include <kernel/uio.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/init.h>
#include <net/skbuff_frags.h>

static u8 text[3 * PAGE_SIZE];
static struct page_frag pf;

static struct sk_buff *packet(u32 linear, u32 frags)
{
	struct sk_buff *skb = alloc_skb_fclone(MAX_TCP_HEADER + linear);
	struct iovec v = { text, sizeof(text) };
	struct iov_iter i;
	u32 left = frags;

	CHECK(skb != NULL);
	iov_iter_kvec(&i, &v, 1);
	skb_reserve(skb, MAX_TCP_HEADER);
	if (linear)
		CHECK_EQ(skb_add_data(skb, &i, linear), 0);
	while (left) {
		int n;

		CHECK(page_frag_refill(&pf));
		n = skb_add_data_frag(skb, &pf, &i, left);
		CHECK(n > 0);
		left -= (u32)n;
	}
	return skb;
}

static bool holds(const struct sk_buff *skb, u32 from, u32 len)
{
	static u8 b[sizeof(text)];

	return skb->len == len && !skb_copy_bits(skb, 0, b, len) && !memcmp(b, text + from, len) &&
	       skb->truesize == SKB_TRUESIZE(skb->end - skb->head) + skb->data_len;
}

static void up(void)
{
	static bool global;

	if (!global)
		CHECK_EQ(net_global_init(), 0);
	global = true;
	for (u32 i = 0; i < sizeof(text); i++)
		text[i] = (u8)(i * 131 + (i >> 8));
}

static void down(u64 free_pages)
{
	page_frag_release(&pf);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(pages_free(), free_pages);
}

struct split_row {
	const char *name;
	u32 linear, frags, at;
};
static const struct split_row rows[] = {
	{ "in_the_linear_part", 100, 5000, 40 },
	{ "where_it_ends", 100, 5000, 100 },
	{ "one_byte_behind", 100, 5000, 101 },
	{ "in_the_first_page", 0, 6000, 1000 },
	{ "between_two_pages", 0, 8192, 4096 },
	{ "last_byte", 0, 8192, 8191 },
	{ "first_byte", 0, 8192, 1 },
	{ "linear_only", 1000, 0, 500 },
};

TEST_EACH(split, rows)
{
	u64 pages = pages_free();
	struct sk_buff *skb, *rest;
	u32 len = row->linear + row->frags;

	up();
	skb = packet(row->linear, row->frags);
	rest = alloc_skb_fclone(MAX_TCP_HEADER + row->linear);
	skb_reserve(rest, MAX_TCP_HEADER);
	skb_split(skb, rest, row->at);
	CHECK(holds(skb, 0, row->at));
	CHECK(holds(rest, row->at, len - row->at));
	consume_skb(skb);
	CHECK(holds(rest, row->at, len - row->at)); /* the pages are its own */
	consume_skb(rest);
	down(pages);
}

TEST_EACH(trim_front, rows)
{
	u64 pages = pages_free();
	struct sk_buff *skb;
	u32 len = row->linear + row->frags;

	up();
	skb = packet(row->linear, row->frags);
	skb_trim_front(skb, row->at);
	CHECK(holds(skb, row->at, len - row->at));
	skb_trim_front(skb, skb->len);
	CHECK_EQ(skb->len, 0);
	CHECK_EQ(skb_shinfo(skb)->nr_frags, 0);
	consume_skb(skb);
	down(pages);
}

TEST_EACH(split_and_merge, rows)
{
	u64 pages = pages_free();
	struct sk_buff *skb, *rest;
	u32 len = row->linear + row->frags,
	    linear = row->linear > row->at ? row->linear - row->at : 0;
	bool can;

	up();
	skb = packet(row->linear, row->frags);
	rest = alloc_skb_fclone(MAX_TCP_HEADER + linear);
	skb_reserve(rest, MAX_TCP_HEADER);
	skb_split(skb, rest, row->at);
	can = !skb_headlen(rest) || (!skb->data_len && rest->len <= skb_tailroom(skb));
	CHECK_EQ(skb_try_merge(skb, rest), can);
	CHECK(holds(skb, 0, can ? len : row->at));
	consume_skb(rest);
	consume_skb(skb);
	down(pages);
}

TEST(shared_data_is_not_merged)
{
	u64 pages = pages_free();
	struct sk_buff *a, *b, *c;

	up();
	a = packet(10, 0);
	b = packet(10, 0);
	c = skb_clone(b);
	CHECK(!skb_try_merge(a, b));
	CHECK(!skb_try_merge(b, a));
	consume_skb(c);
	CHECK(skb_try_merge(a, b));
	CHECK_EQ(a->len, 20);
	consume_skb(a);
	consume_skb(b);
	down(pages);
}

TEST(neighbouring_pieces_are_one_fragment)
{
	u64 pages = pages_free();
	struct sk_buff *skb;
	struct iovec v = { text, 100 };
	struct iov_iter i;

	up();
	skb = packet(0, 10);
	iov_iter_kvec(&i, &v, 1);
	CHECK_EQ(skb_add_data_frag(skb, &pf, &i, 50), 50);
	CHECK_EQ(skb_shinfo(skb)->nr_frags, 1);
	pf.used += 1;
	CHECK_EQ(skb_add_data_frag(skb, &pf, &i, 50), 50);
	CHECK_EQ(skb_shinfo(skb)->nr_frags, 2);
	consume_skb(skb);
	down(pages);
}

KTEST_MAIN_BOOT()
