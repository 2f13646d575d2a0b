// SPDX-License-Identifier: MIT
/* net/core/skb_stage.c: the account adds up, and says so when it does not. */
#include "ktest.h"

#include <kernel/proc.h>
#include <net/skbuff.h>

#include "host.h"

static struct skb_stats was;

static void begin(void)
{
	if (!was.allocs && skb_init())
		CHECK(false);
	memset(&skb_stats, 0, sizeof(skb_stats));
	was.allocs = 1;
}

TEST(a_packet_that_goes_down_and_ends_adds_up)
{
	begin();
	struct sk_buff *skb = alloc_skb(100), *clone;

	skb_enter(skb, SKB_STAGE_SOCKET_OUT);
	clone = skb_clone(skb);
	CHECK_EQ(clone->stage, SKB_STAGE_NEW);
	skb_enter(clone, SKB_STAGE_IP_OUT);
	skb_enter(clone, SKB_STAGE_NEIGH);
	CHECK(!skb_stages_wrong());
	skb_enter(clone, SKB_STAGE_DEV);
	skb_enter(clone, SKB_STAGE_DRIVER);
	skb_enter(clone, SKB_STAGE_DEV); /* no room: back, and once more */
	skb_enter(clone, SKB_STAGE_DRIVER);
	consume_skb(clone);
	CHECK(!skb_stages_wrong());
	consume_skb(skb);
	CHECK(!skb_stages_wrong());
	CHECK_EQ(skb_stats.ended[SKB_STAGE_DRIVER], 1);
	CHECK_EQ(skb_stats.ended[SKB_STAGE_SOCKET_OUT], 1);
}

TEST(a_drop_is_counted_where_it_happened)
{
	begin();
	struct sk_buff *skb = alloc_skb(100);

	skb_enter(skb, SKB_STAGE_IP_OUT);
	skb_enter(skb, SKB_STAGE_NEIGH);
	kfree_skb_reason(skb, SKB_DROP_REASON_NEIGH_FAILED);
	CHECK_EQ(skb_stats.dropped[SKB_STAGE_NEIGH], 1);
	CHECK(!skb_stages_wrong());
}

TEST(a_reference_that_is_not_the_last_ends_nothing)
{
	begin();
	struct sk_buff *skb = skb_get(alloc_skb(100));

	consume_skb(skb);
	CHECK_EQ(skb_stats.ended[SKB_STAGE_NEW], 0);
	kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
	CHECK(!skb_stages_wrong());
}

static const struct {
	const char *name;
	enum skb_stage path[3];
} bypass[] = {
	{ "past the neighbour", { SKB_STAGE_IP_OUT, SKB_STAGE_DEV } },
	{ "past the device layer", { SKB_STAGE_IP_OUT, SKB_STAGE_NEIGH, SKB_STAGE_DRIVER } },
	{ "past IP", { SKB_STAGE_SOCKET_OUT, SKB_STAGE_NEIGH } },
	{ "from the write queue to the driver", { SKB_STAGE_SOCKET_OUT, SKB_STAGE_DRIVER } },
	{ "back up from the neighbour", { SKB_STAGE_IP_OUT, SKB_STAGE_NEIGH, SKB_STAGE_IP_OUT } },
	{ "from a filter's queue past the hooks",
	  { SKB_STAGE_IP_OUT, SKB_STAGE_NF_QUEUE, SKB_STAGE_NEIGH } },
	{ "to a filter's queue from below",
	  { SKB_STAGE_IP_OUT, SKB_STAGE_NEIGH, SKB_STAGE_NF_QUEUE } },
	{ "to the device layer twice", { SKB_STAGE_DEV, SKB_STAGE_DEV } },
	{ "out again from a receive queue",
	  { SKB_STAGE_RX, SKB_STAGE_SOCKET_IN, SKB_STAGE_IP_OUT } },
};

TEST_EACH(a_way_that_does_not_exist_is_told, bypass)
{
	begin();
	struct sk_buff *skb = alloc_skb(100);

	for (u32 i = 0; i < 3 && row->path[i]; i++)
		skb_enter(skb, row->path[i]);
	CHECK_STR(skb_stages_wrong(), "a packet moved where the path does not lead");
	consume_skb(skb);
}

TEST(a_quiet_end_is_told_where_there_are_only_drops)
{
	begin();
	struct sk_buff *skb = alloc_skb(100);

	skb_enter(skb, SKB_STAGE_BACKLOG);
	consume_skb(skb);
	CHECK(strstr(skb_stages_wrong(), "without a reason"));
}

TEST(what_a_filter_queued_comes_back_where_it_was)
{
	static const enum skb_stage from[] = { SKB_STAGE_IP_OUT, SKB_STAGE_RX };

	begin();
	for (u32 i = 0; i < ARRAY_SIZE(from); i++) {
		struct sk_buff *skb = alloc_skb(100);

		skb_enter(skb, from[i]);
		skb_enter(skb, SKB_STAGE_NF_QUEUE);
		skb_enter(skb, from[i]);
		skb_enter(skb, SKB_STAGE_NF_QUEUE);
		kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
	}
	CHECK(!skb_stages_wrong());
	CHECK_EQ(skb_stats.dropped[SKB_STAGE_NF_QUEUE], 2);
	skb_stats.dropped[SKB_STAGE_NF_QUEUE]--;
	skb_stats.ended[SKB_STAGE_NF_QUEUE]++;
	CHECK(strstr(skb_stages_wrong(), "without a reason")); /* it cannot end as if sent */
}

TEST(a_packet_that_nobody_made_is_told)
{
	begin();
	skb_stats.ended[SKB_STAGE_RX]++;
	CHECK(strstr(skb_stages_wrong(), "more packets left"));
	skb_stats.ended[SKB_STAGE_RX]--;
	skb_stats.live++;
	CHECK(strstr(skb_stages_wrong(), "more or fewer"));
	skb_stats.live--;
	skb_stats.drops++;
	CHECK(strstr(skb_stages_wrong(), "differ"));
}

TEST(page)
{
	char text[1024];
	struct seq_file m = { .buf = text, .size = sizeof(text) };

	begin();
	struct sk_buff *skb = alloc_skb(100), *other;

	for (u32 i = 0; i < 5; i++) { /* two end there, three are dropped */
		other = alloc_skb(100);
		skb_enter(other, SKB_STAGE_DEV);
		if (i < 2)
			consume_skb(other);
		else
			kfree_skb_reason(other, SKB_DROP_REASON_DEV_DOWN);
	}
	skb_enter(skb, SKB_STAGE_DEV);
	skb_stages_show(&m);
	CHECK(strstr(text, "\nnew        6 6 0 0 0\n"));
	CHECK(strstr(text, "\ndev        6 0 2 3 1\n"));
	CHECK(!strstr(text, "wrong"));
	skb_enter(skb, SKB_STAGE_RX);
	skb_stages_show(&m);
	CHECK(strstr(text, "wrong: a packet moved"));
	consume_skb(skb);
}

KTEST_MAIN_BOOT()
