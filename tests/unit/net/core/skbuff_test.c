// SPDX-License-Identifier: MIT
/* sk_buff: geometry, sharing, fragments, queues, and the census after each of them. */
#include <ktest.h>

#include <host.h>
#include <kernel/fault.h>
#include <kernel/uio.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/skbuff.h>

static u32 destroyed;

static void count_destructor(struct sk_buff *skb)
{
	(void)skb;
	destroyed++;
}

static struct sk_buff *packet(u32 headroom, u32 len)
{
	struct sk_buff *skb = alloc_skb_fclone(headroom + len);
	u8 *p;

	skb_reserve(skb, headroom);
	p = skb_put(skb, len);
	for (u32 i = 0; i < len; i++)
		p[i] = (u8)(i * 7 + 1);
	return skb;
}

static bool intact(const struct sk_buff *skb, u32 skip, u32 len)
{
	u8 b[4096];

	if (skb_copy_bits(skb, skip, b, len))
		return false;
	for (u32 i = 0; i < len; i++)
		if (b[i] != (u8)(i * 7 + 1))
			return false;
	return true;
}

/* @linear bytes, then fragments of @piece bytes until @len are there. */
static struct sk_buff *fragmented(u32 linear, u32 piece, u32 len)
{
	struct sk_buff *skb = packet(64, linear);

	for (u32 at = linear; at < len;) {
		u32 n = min(piece, len - at);
		u8 *page = alloc_page();

		for (u32 i = 0; i < n; i++)
			page[100 + i] = (u8)((at + i) * 7 + 1);
		CHECK_EQ(skb_add_frag(skb, page + 100, n), 0);
		page_put(page); /* the skb has its own reference */
		at += n;
	}
	return skb;
}

static void check_idle(void)
{
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(skb_stats.allocs + skb_stats.clones, skb_stats.frees);
	CHECK_EQ(mm_report_leaks(), 0);
}

SETUP()
{
	CHECK_EQ(skb_init(), 0);
	mm_baseline();
	check_idle();
}

/* Each way to a descriptor counts one, each end of one counts one, and what lives is the difference. */
TEST(every_descriptor_is_counted_at_birth_and_at_its_end)
{
	struct sk_buff *skb[5];
	u64 made = skb_stats.allocs + skb_stats.clones, frees = skb_stats.frees;

	skb[0] = alloc_skb(100);
	skb[1] = alloc_skb_fclone(100);
	skb[2] = skb_clone(skb[1]); /* the one beside it */
	skb[3] = skb_clone(skb[1]); /* one more */
	skb[4] = pskb_copy(skb[1], 64);
	for (u32 i = 0; i < ARRAY_SIZE(skb); i++)
		CHECK(skb[i] != NULL);
	CHECK_EQ(skb_stats.allocs + skb_stats.clones - made, ARRAY_SIZE(skb));
	for (u32 i = 0; i < ARRAY_SIZE(skb); i++) {
		CHECK_EQ(skb_stats.live, ARRAY_SIZE(skb) - i);
		CHECK_EQ(skb_stats.frees - frees, i);
		if (i % 2)
			kfree_skb_reason(skb[i], SKB_DROP_REASON_SOCKET_CLOSE);
		else
			consume_skb(skb[i]);
	}
	check_idle();
}

TEST(sizes_and_truesize)
{
	static const struct {
		u32 size, truesize;
	} t[] = { { 0, 768 },     { 192, 768 },   { 193, 2304 },
		  { 1531, 2304 }, { 1728, 2304 }, { 1729, 2688 } };

	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		struct sk_buff *skb = alloc_skb(t[i].size);

		CHECK_EQ(skb->truesize, t[i].truesize);
		CHECK(skb_tailroom(skb) >= t[i].size);
		CHECK_EQ(skb->len, 0);
		consume_skb(skb);
	}
	CHECK(!alloc_skb(1 << 20));
	check_idle();
}

TEST(nic_buffer_holds_2048_bytes)
{
	struct sk_buff *skb = netdev_alloc_skb(NULL, 2048);

	CHECK(skb_tailroom(skb) >= 2048);
	CHECK_EQ(skb_headroom(skb), LL_MAX_HEADER + NET_IP_ALIGN);
	memset(skb->data, 0xaa, 2048);
	consume_skb(skb);
	check_idle();
}

TEST(geometry)
{
	struct sk_buff *skb = packet(100, 50);

	CHECK_EQ(skb_headroom(skb), 100);
	CHECK(skb_push(skb, 20) == skb->data);
	CHECK_EQ(skb->len, 70);
	CHECK(skb_pull(skb, 20));
	CHECK(!skb_pull(skb, 51));
	CHECK(intact(skb, 0, 50));
	skb_trim(skb, 60);
	CHECK_EQ(skb->len, 50);
	skb_trim(skb, 10);
	CHECK_EQ(skb->len, 10);
	CHECK_EQ(skb->tail - skb->data, 10);
	CHECK(intact(skb, 0, 10));
	consume_skb(skb);
	check_idle();
}

static void push_too_far(void *skb)
{
	skb_push(skb, 101);
}

static void put_too_far(void *skb)
{
	skb_put(skb, skb_tailroom(skb) + 1);
}

static void free_dead(void *arg)
{
	struct sk_buff *skb = arg;

	consume_skb(skb);
}

TEST(mistakes_assert)
{
	struct sk_buff *skb = packet(100, 50), *clone;

	CHECK_EQ(host_catch_exit(push_too_far, skb), 65);
	CHECK_EQ(host_catch_exit(put_too_far, skb), 65);
	clone = skb_clone(skb);
	consume_skb(clone); /* its half of the pair is still there to be asked */
	CHECK_EQ(host_catch_exit(free_dead, clone), 65);
	consume_skb(skb);
	check_idle();
}

TEST(clone_shares_and_owns_its_headroom)
{
	struct sk_buff *skb = packet(100, 500), *a, *b;
	u32 allocs = (u32)skb_stats.allocs;

	a = skb_clone(skb);
	CHECK_EQ(skb_stats.allocs, allocs);
	CHECK_EQ(a->fclone, SKB_FCLONE_CLONE);
	CHECK(skb_shared_data(skb) && skb_shared_data(a));
	CHECK(a->id != skb->id && a->clone_of == skb->id && skb->clone_of == 0);
	skb_push(a, 40);
	CHECK_EQ(skb_cow_head(a, 14), 0);
	CHECK(skb_shared_data(a)); /* nothing was copied for the headers */
	CHECK(a->head == skb->head);
	b = skb_clone(skb);
	CHECK_EQ(b->fclone, SKB_FCLONE_NONE);
	CHECK_EQ(skb_cow_head(b, 14), 0);
	CHECK(b->head != skb->head); /* a second one may not write there */
	CHECK(intact(b, 0, 500));
	consume_skb(skb);
	CHECK(intact(a, 40, 500));
	CHECK(!skb_shared_data(a));
	consume_skb(a);
	consume_skb(b);
	check_idle();
}

TEST(clone_may_die_first_and_be_made_again)
{
	struct sk_buff *skb = packet(0, 10);

	for (u32 i = 0; i < 3; i++) {
		struct sk_buff *c = skb_clone(skb);

		CHECK_EQ(c->fclone, SKB_FCLONE_CLONE);
		consume_skb(c);
	}
	consume_skb(skb);
	check_idle();
}

TEST(private_copy)
{
	struct sk_buff *skb = fragmented(100, 300, 1000), *c;

	skb->network_header = (u16)skb_headroom(skb);
	c = pskb_copy(skb, 30);
	CHECK_EQ(skb_headroom(c), 30);
	CHECK_EQ(c->network_header, 30);
	CHECK(intact(c, 0, 1000));
	c->data[0] ^= 0xff;
	CHECK(intact(skb, 0, 1000));
	consume_skb(skb);
	c->data[0] ^= 0xff;
	CHECK(intact(c, 0, 1000));
	consume_skb(c);
	check_idle();
}

TEST(expand_linearize_pull_trim_with_fragments)
{
	for (u32 linear = 0; linear <= 200; linear += 50)
		for (u32 piece = 1; piece < 600; piece = piece * 3 + 50) {
			struct sk_buff *skb = fragmented(linear, piece + 60, 800), *c;

			c = skb_clone(skb);
			CHECK(pskb_may_pull(c, 333));
			CHECK(skb_headlen(c) >= 333);
			CHECK(!pskb_may_pull(c, 801));
			CHECK(intact(c, 0, 800));
			CHECK(intact(skb, 0, 800));
			CHECK_EQ(pskb_trim(c, 400), 0);
			CHECK(intact(c, 0, 400));
			CHECK_EQ(c->len, 400);
			CHECK(intact(skb, 0, 800));
			consume_skb(c);
			CHECK_EQ(skb_checksum(skb, 3, 700, 0) % 0xffff, ({
					 u8 b[800];
					 skb_copy_bits(skb, 0, b, 800);
					 csum_partial(b + 3, 700, 0) % 0xffff;
				 }));
			CHECK_EQ(pskb_expand_head(skb, 200, 10), 0);
			CHECK(skb_headroom(skb) >= 200);
			CHECK_EQ(skb_linearize(skb), 0);
			CHECK_EQ(skb->data_len, 0);
			CHECK(intact(skb, 0, 800));
			CHECK_EQ(skb_copy_bits(skb, 799, skb->head, 2), -EFAULT);
			consume_skb(skb);
		}
	check_idle();
}

TEST(seventeen_fragments_and_no_more)
{
	struct sk_buff *skb = fragmented(0, 10, 170);
	u8 *page = alloc_page();

	CHECK_EQ(skb_add_frag(skb, page, 1), -EMSGSIZE);
	page_put(page);
	CHECK(intact(skb, 0, 170));
	skb_trim(skb, 15);
	CHECK_EQ(skb_shinfo(skb)->nr_frags, 2);
	consume_skb(skb);
	check_idle();
}

/* A segment of two bytes that lie in a page becomes linear to be padded: no payload goes from packet to packet. */
TEST(padding_of_what_lies_in_pages)
{
	struct sk_buff *skb = packet(14, 54);
	void *page = alloc_page();
	u64 pad = skb_stats.copied_pad, other = skb_stats.copied_other;

	CHECK_EQ(skb_add_frag(skb, page, 2), 0);
	page_put(page);
	CHECK_EQ(skb_padto(skb, 60), 0);
	CHECK_EQ(skb->len, 60);
	CHECK_EQ(skb->data_len, 0);
	CHECK_EQ(skb_stats.copied_pad - pad, 2);
	CHECK_EQ(skb_stats.copied_other, other);
	consume_skb(skb);
	check_idle();
}

TEST(padding_is_zero_and_disturbs_nobody)
{
	struct sk_buff *skb = packet(14, 100), *c;
	u64 pad = skb_stats.copied_pad, other = skb_stats.copied_other;
	u8 b[60], zero[60] = { 0 };

	c = skb_clone(skb);
	skb_trim(c, 20);
	CHECK_EQ(skb_padto(c, 60), 0);
	CHECK_EQ(skb_stats.copied_pad - pad, 20);
	CHECK_EQ(skb_stats.copied_other, other); /* no payload went from packet to packet */
	CHECK_EQ(c->len, 60);
	skb_copy_bits(c, 20, b, 40);
	CHECK(memcmp(b, zero, 40) == 0);
	CHECK(intact(skb, 0, 100)); /* behind the clone's tail lay our bytes */
	consume_skb(c);
	consume_skb(skb);

	skb = alloc_skb(10);
	memset(skb->head, 0xee, (size_t)(skb->end - skb->head));
	skb_reserve(skb, skb_tailroom(skb) - 10);
	skb_put(skb, 10);
	CHECK_EQ(skb_padto(skb, 60), 0);
	skb_copy_bits(skb, 10, b, 50);
	CHECK(memcmp(b, zero, 50) == 0);
	consume_skb(skb);

	skb = fragmented(10, 10, 30);
	CHECK_EQ(skb_padto(skb, 60), 0);
	CHECK_EQ(skb->len, 60);
	CHECK(intact(skb, 0, 30));
	consume_skb(skb);
	check_idle();
}

TEST(checksum_help)
{
	for (u32 frag = 0; frag < 2; frag++) {
		struct sk_buff *skb = frag ? fragmented(60, 77, 301) : packet(64, 301);
		u8 b[301];
		__be16 partial = htons(0x4321);

		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = (u16)(skb_headroom(skb) + 20);
		skb->csum_offset = 16;
		memcpy(skb->data + 36, &partial, 2);
		CHECK_EQ(skb_checksum_help(skb), 0);
		CHECK_EQ(skb->ip_summed, CHECKSUM_NONE);
		skb_copy_bits(skb, 0, b, 301);
		/* The field now cancels everything but the pseudo header that was in it. */
		CHECK_EQ(csum_fold(csum_partial(b + 20, 281, partial)), 0);
		consume_skb(skb);
	}
	check_idle();
}

TEST(udp_never_sends_zero)
{
	struct sk_buff *skb = alloc_skb(100);
	u8 *p = skb_put(skb, 8);

	memset(p, 0, 8);
	p[6] = 0xff;
	p[7] = 0xff;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_offset = 6;
	CHECK_EQ(skb_checksum_help(skb), 0);
	CHECK_EQ(skb->data[6] << 8 | skb->data[7], 0xffff);
	consume_skb(skb);
	check_idle();
}

TEST(a_clone_sums_without_copying)
{
	struct sk_buff *skb = packet(64, 500), *c = skb_clone(skb);
	u64 copied = skb_stats.copied_other;

	memset(skb_push(c, 20), 0, 20);
	c->ip_summed = CHECKSUM_PARTIAL;
	c->csum_start = (u16)skb_headroom(c);
	c->csum_offset = 16;
	CHECK_EQ(skb_checksum_help(c), 0);
	CHECK_EQ(skb_stats.copied_other, copied);
	CHECK(c->head == skb->head);
	consume_skb(c);
	consume_skb(skb);
	check_idle();
}

TEST(application_data)
{
	struct sk_buff *skb = alloc_skb(200);
	char a[] = "scattered ", b[] = "bytes", out1[4], out2[20] = { 0 };
	struct iovec in[3] = { { a, 10 }, { NULL, 0 }, { b, 5 } };
	struct iovec out[2] = { { out1, 4 }, { out2, 11 } };
	struct iov_iter it;
	u64 tx = skb_stats.copied_tx, rx = skb_stats.copied_rx;

	iov_iter_init(&it, in, 3);
	CHECK_EQ(iov_iter_count(&it), 15);
	iov_iter_advance(&it, 2);
	CHECK_EQ(skb_add_data(skb, &it, 13), 0);
	CHECK_EQ(iov_iter_count(&it), 0);
	CHECK_EQ(skb->len, 13);
	iov_iter_init(&it, out, 2);
	CHECK_EQ(skb_copy_datagram_iter(skb, 0, &it, 13), 0);
	CHECK(memcmp(out1, "atte", 4) == 0);
	CHECK_STR(out2, "red bytes");
	CHECK_EQ(skb_stats.copied_tx - tx, 13);
	CHECK_EQ(skb_stats.copied_rx - rx, 13);
	consume_skb(skb);
	check_idle();
}

TEST(owner_is_paid_once)
{
	struct sk_buff *skb = packet(0, 1), *c;
	u64 drops = skb_stats.drop[SKB_DROP_REASON_OTHERHOST];

	destroyed = 0;
	skb->destructor = count_destructor;
	c = skb_clone(skb);
	CHECK(!c->destructor);
	skb_get(skb);
	kfree_skb_reason(skb, SKB_DROP_REASON_OTHERHOST);
	CHECK_EQ(destroyed, 0);
	kfree_skb_reason(skb, SKB_DROP_REASON_OTHERHOST);
	CHECK_EQ(destroyed, 1);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_OTHERHOST], drops + 1);
	consume_skb(c);
	consume_skb(NULL);
	check_idle();
}

TEST(queues)
{
	struct sk_buff_head q;
	struct sk_buff *s[5], *skb, *tmp;
	u32 n = 0;

	skb_queue_head_init(&q);
	CHECK(!skb_dequeue(&q) && !skb_peek(&q) && !skb_peek_tail(&q));
	for (u32 i = 0; i < 5; i++)
		s[i] = packet(0, i);
	skb_queue_tail(&q, s[1]);
	skb_queue_tail(&q, s[3]);
	skb_queue_head(&q, s[0]);
	skb_queue_after(&q, s[1], s[2]);
	skb_queue_tail(&q, s[4]);
	skb_queue_walk(&q, skb)
		CHECK_EQ(skb->len, n++);
	CHECK_EQ(n, 5);
	CHECK(skb_queue_next(&q, s[3]) == s[4]);
	CHECK(!skb_queue_next(&q, s[4]));
	skb_unlink(s[2], &q);
	CHECK(!s[2]->next && !s[2]->prev);
	consume_skb(s[2]);
	skb_queue_walk_safe(&q, skb, tmp) {
		skb_unlink(skb, &q);
		consume_skb(skb);
		if (skb == s[1])
			break;
	}
	CHECK_EQ(q.qlen, 2);
	CHECK(skb_peek(&q) == s[3]);
	skb_queue_purge_reason(&q, SKB_DROP_REASON_SOCKET_CLOSE);
	CHECK(skb_queue_empty(&q));
	check_idle();
}

int main(int argc, char **argv)
{
	host_boot();
	return ktest_run(argc, argv);
}
