// SPDX-License-Identifier: MIT
/* The tree beside a queue: it finds what a walk finds, wherever packets enter and leave, across the wrap of sequence numbers. */
#include "host.h"
#include "ktest.h"

#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

#include <net/skbuff.h>

#define BASE 0xffffff00u /* the numbers wrap in the middle */

static struct sk_buff_head q;
static struct rb_root tree;

static struct sk_buff *walk(u32 seq)
{
	struct sk_buff *skb, *found = NULL;

	skb_queue_walk(&q, skb)
		if (!after(TCP_SKB_CB(skb)->seq, seq))
			found = skb;
	return found;
}

/* 200 numbers around what is on the queue, each found as a walk finds it. Return: all of them. */
static bool agrees(void)
{
	for (u32 i = 0; i < 1024; i += 5)
		if (tcp_index_find(&tree, BASE - 10 + i) != walk(BASE - 10 + i))
			return false;
	return true;
}

static struct sk_buff *enter(u32 seq)
{
	struct sk_buff *skb = alloc_skb(64), *prev = walk(seq);

	TCP_SKB_CB(skb)->seq = seq;
	if (prev)
		skb_queue_after(&q, prev, skb);
	else
		skb_queue_head(&q, skb);
	tcp_index_add(&tree, &q, skb);
	return skb;
}

static void leave(struct sk_buff *skb)
{
	tcp_index_del(&tree, skb);
	skb_unlink(skb, &q);
	consume_skb(skb);
}

TEST(an_empty_index_finds_nothing)
{
	CHECK_EQ(skb_init(), 0);
	skb_queue_head_init(&q);
	tree.node = NULL;
	CHECK(!tcp_index_find(&tree, BASE));
}

TEST(what_enters_at_the_end_the_front_and_between_is_found)
{
	bool ok = true;

	skb_queue_head_init(&q);
	tree.node = NULL;
	for (u32 i = 0; i < 200; i++) {
		/* rising, then falling before them, then between */
		u32 at = i < 80 ? 400 + i * 4 : i < 140 ? 400 - (i - 79) * 4 : 162 + (i - 140) * 8;

		(void)enter(BASE + at);
		ok &= agrees();
	}
	CHECK(ok);
	for (u32 i = 0; q.qlen; i++) {
		leave(i % 3 == 0   ? skb_peek(&q)
		      : i % 3 == 1 ? skb_peek_tail(&q)
				   : walk(BASE + 400));
		if (q.qlen && !walk(BASE + 400))
			break;
		ok &= agrees();
	}
	while (q.qlen)
		leave(skb_peek(&q));
	CHECK(ok);
	CHECK(!tree.node);
}

KTEST_MAIN_BOOT()
