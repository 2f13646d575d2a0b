// SPDX-License-Identifier: MIT
/*
 * A packet with packets behind it (frag_list): every operation sees one run of bytes; the list has one owner; nothing leaks, with memory and
 * without.
 */
#include <ktest.h>

#include <host.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/uio.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/skbuff.h>

enum {
	HEAD = 20,
	PAGE_BYTES = 30,
	FIRST = 7,
	SECOND = 41,
	THIRD = 12,
	LEN = HEAD + PAGE_BYTES + FIRST + SECOND + THIRD
};

static u64 before; /* objects that live without a packet */

static u8 at(u32 i)
{
	return (u8)(i * 7 + 3);
}

static void memory(bool there)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = !there, .at = 1, .every = 1 };
	faults_armed = !there;
}

static void add_page(struct sk_buff *skb, u32 from, u32 n)
{
	u8 *page = alloc_page();

	for (u32 i = 0; i < n; i++)
		page[i] = at(from + i);
	CHECK_EQ(skb_add_frag(skb, page, n), 0);
	page_put(page);
}

static struct sk_buff *linear(u32 from, u32 n)
{
	struct sk_buff *skb = alloc_skb(64 + n);
	u8 *p;

	skb_reserve(skb, 64);
	p = skb_put(skb, n);
	for (u32 i = 0; i < n; i++)
		p[i] = at(from + i);
	return skb;
}

/* Linear part, a page, and three packets, the last of which has its bytes in a page. */
static struct sk_buff *build(void)
{
	static bool there;
	struct sk_buff *skb, *a, *b, *c;
	u32 n = HEAD;

	if (!there)
		CHECK_EQ(skb_init(), 0);
	there = true;
	skb = linear(0, HEAD);
	add_page(skb, n, PAGE_BYTES);
	a = linear(n += PAGE_BYTES, FIRST);
	b = linear(n += FIRST, SECOND);
	c = linear(n += SECOND, 0);
	add_page(c, n, THIRD);
	a->next = b;
	b->next = c;
	skb_set_frag_list(skb, a, FIRST + SECOND + THIRD);
	for (const struct sk_buff *p = a; p; p = p->next)
		skb->truesize += p->truesize;
	return skb;
}

static void is_right(const struct sk_buff *skb, u32 len)
{
	u8 b[LEN];

	CHECK_EQ(skb->len, len);
	CHECK_EQ(skb_copy_bits(skb, 0, b, len), 0);
	for (u32 i = 0; i < len; i++)
		CHECK_EQ(b[i], at(i));
	CHECK_EQ(skb_copy_bits(skb, 0, b, len + 1), -EFAULT);
}

static void end(struct sk_buff *skb)
{
	consume_skb(skb);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(mm_live_objects(), before);
}

static struct sk_buff *start(void)
{
	consume_skb(build()); /* the caches are made now, not later */
	before = mm_live_objects();
	return build();
}

TEST(bytes_and_sums_run_through_everything)
{
	struct sk_buff *skb = start();
	u8 b[LEN], out[LEN];
	struct iovec iov = { out, LEN };
	struct iov_iter to;

	is_right(skb, LEN);
	for (u32 i = 0; i < LEN; i++)
		b[i] = at(i);
	for (u32 from = 0; from < LEN; from++)
		for (u32 n = 0; n <= LEN - from; n++) {
			CHECK_EQ(csum_fold(skb_checksum(skb, from, n, 0)),
				 csum_fold(csum_partial(b + from, n, 0)));
			CHECK_EQ(skb_copy_bits(skb, from, out, n), 0);
			CHECK_EQ(memcmp(out, b + from, n), 0);
		}
	iov_iter_kvec(&to, &iov, 1);
	CHECK_EQ(skb_copy_datagram_iter(skb, 3, &to, LEN - 3), 0);
	CHECK_EQ(memcmp(out, b + 3, LEN - 3), 0);
	end(skb);
}

TEST(trimmed_anywhere)
{
	for (u32 len = 0; len <= LEN; len++) {
		struct sk_buff *skb = start();

		CHECK_EQ(pskb_trim(skb, len), 0);
		is_right(skb, len);
		end(skb);
	}
}

TEST(trimmed_while_shared)
{
	for (u32 len = 0; len <= LEN; len++) {
		struct sk_buff *skb = start(), *clone = skb_clone(skb);

		CHECK_EQ(pskb_trim(skb, len), 0);
		is_right(skb, len);
		is_right(clone, LEN);
		consume_skb(clone);
		end(skb);
	}
}

TEST(trim_without_memory_changes_nothing)
{
	struct sk_buff *skb = start(), *clone = skb_clone(skb), *last;

	memory(false);
	CHECK_EQ(pskb_trim(skb, LEN - 1), -ENOMEM);
	memory(true);
	is_right(skb, LEN);
	consume_skb(clone);
	/* The last packet is shared by itself: cutting its page needs memory. */
	last = skb_shinfo(skb)->frag_list->next->next;
	clone = skb_clone(last);
	memory(false);
	CHECK_EQ(pskb_trim(skb, LEN - 1), -ENOMEM);
	memory(true);
	is_right(skb, LEN);
	CHECK_EQ(pskb_trim(skb, LEN - 1), 0);
	is_right(skb, LEN - 1);
	consume_skb(clone);
	end(skb);
}

TEST(pulled_anywhere)
{
	for (u32 n = 0; n <= LEN + 1; n++) {
		struct sk_buff *skb = start();

		CHECK_EQ(pskb_may_pull(skb, n), n <= LEN);
		CHECK_EQ(skb_has_frag_list(skb), n <= HEAD + PAGE_BYTES || n > LEN);
		CHECK(n > LEN || skb_headlen(skb) >= n);
		is_right(skb, LEN);
		end(skb);
	}
}

TEST(pulled_while_shared_and_without_memory)
{
	for (int there = 0; there < 2; there++) {
		struct sk_buff *skb = start(), *clone = skb_clone(skb);

		memory(there);
		CHECK_EQ(pskb_may_pull(skb, LEN), there);
		memory(true);
		is_right(skb, LEN);
		is_right(clone, LEN);
		consume_skb(clone);
		if (!there) {
			memory(false);
			CHECK_EQ(skb_linearize(skb), -ENOMEM);
			memory(true);
			CHECK_EQ(skb_linearize(skb), 0);
		}
		CHECK_EQ(skb->data_len, 0);
		end(skb);
	}
}

/* What is linear is charged once: the pieces it was made of are gone. */
TEST(truesize_after_linearizing)
{
	struct sk_buff *skb = start();

	CHECK_EQ(skb_linearize(skb), 0);
	CHECK(skb->truesize <= SKB_TRUESIZE(skb->end - skb->head) + PAGE_BYTES);
	end(skb);
}

TEST(private_copies_are_linear)
{
	struct sk_buff *skb = start(), *copy = pskb_copy(skb, 50), *clone;

	CHECK_EQ(copy->data_len, 0);
	CHECK_EQ(skb_headroom(copy), 50);
	is_right(copy, LEN);
	is_right(skb, LEN);
	consume_skb(copy);
	clone = skb_clone(skb);
	CHECK_EQ(pskb_expand_head(clone, 100, 0), 0);
	CHECK_EQ(clone->data_len, 0);
	is_right(clone, LEN);
	consume_skb(clone);
	is_right(skb, LEN);
	end(skb);
}

TEST(a_list_moves_with_its_only_owner)
{
	struct sk_buff *skb = start(), *list = skb_shinfo(skb)->frag_list;

	CHECK_EQ(pskb_expand_head(skb, 500, 500), 0);
	CHECK(skb_shinfo(skb)->frag_list == list);
	is_right(skb, LEN);
	CHECK(skb_take_frag_list(skb) == list);
	CHECK(!skb_take_frag_list(skb));
	is_right(skb, HEAD + PAGE_BYTES);
	skb_set_frag_list(skb, list, FIRST + SECOND + THIRD);
	is_right(skb, LEN);
	end(skb);
}

TEST(a_clone_keeps_the_list_alive)
{
	struct sk_buff *skb = start(), *clone = skb_clone(skb);

	consume_skb(skb);
	is_right(clone, LEN);
	end(clone);
}

KTEST_MAIN_BOOT()
