// SPDX-License-Identifier: MIT
/*
 * sk_buff in tables: linear, in pages, shared or not, with memory and without, each operation at its edges; the bytes
 * are compared with a plain array afterwards, the census with nothing.
 */
#include <ktest.h>

#include <host.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/uio.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/skbuff.h>

enum { LINEAR_MAX = 128 * 1024 }; /* the most an skb holds outside of pages */

static u8 at(u32 i)
{
	return (u8)(i * 7 + (i >> 8) * 3 + 1);
}

static void caches(void)
{
	static bool there;

	if (!there)
		CHECK_EQ(skb_init(), 0);
	there = true;
}

static void memory(bool there)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = !there, .at = 1, .every = 1 };
	faults_armed = !there;
}

/* @len bytes: @linear of them behind @headroom, the rest in pages of @piece bytes each. */
static struct sk_buff *build(u32 headroom, u32 linear, u32 piece, u32 len)
{
	struct sk_buff *skb;
	u8 *p;

	caches();
	skb = alloc_skb(headroom + linear);
	skb_reserve(skb, headroom);
	p = skb_put(skb, linear);
	for (u32 i = 0; i < linear; i++)
		p[i] = at(i);
	for (u32 from = linear; from < len;) {
		u32 n = min(piece, len - from);
		u8 *page = alloc_page();

		for (u32 i = 0; i < n; i++)
			page[64 + i] = at(from + i);
		CHECK_EQ(skb_add_frag(skb, page + 64, n), 0);
		page_put(page);
		from += n;
	}
	CHECK_EQ(skb->len, len);
	return skb;
}

/* The packet's bytes are those from @from on. */
static bool holds(const struct sk_buff *skb, u32 from, u32 len)
{
	static u8 b[70000];

	if (skb->len != len || skb_copy_bits(skb, 0, b, len))
		return false;
	for (u32 i = 0; i < len; i++)
		if (b[i] != at(from + i))
			return false;
	return skb_headlen(skb) + skb->data_len == len;
}

static void done(struct sk_buff *skb)
{
	consume_skb(skb);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(mm_report_leaks(), 0);
}

/* --- Sizes ---------------------------------------------------------------------------------------------------------------- */
struct size_row {
	const char *name;
	u32 size;
	bool ok;
};

static const struct size_row size_table[] = {
	{ "0", 0, true },
	{ "1", 1, true },
	{ "64", 64, true },
	{ "1500", 1500, true },
	{ "2048", 2048, true },
	{ "a_page", 4096, true },
	{ "a_page_and_1", 4097, true },
	{ "largest", LINEAR_MAX, true },
	{ "largest_and_1", LINEAR_MAX + 1, false },
	{ "all_ones", 0xffffffffu, false },
};

TEST_EACH(sizes, size_table)
{
	struct sk_buff *skb, *fast;

	caches();
	skb = alloc_skb(row->size);
	fast = alloc_skb_fclone(row->size);
	CHECK_EQ(skb != NULL, row->ok);
	CHECK_EQ(fast != NULL, row->ok);
	if (skb) {
		CHECK_EQ(skb->len, 0);
		CHECK_EQ(skb_headroom(skb), 0);
		CHECK(skb_tailroom(skb) >= row->size);
		CHECK(skb->truesize >= row->size + sizeof(struct sk_buff));
		CHECK_EQ(skb->users, 1);
		memset(skb_put(skb, row->size), 0xaa, row->size); /* the sanitizer looks on */
	}
	consume_skb(fast);
	done(skb);
}

static const struct size_row nic_table[] = {
	{ "0", 0, true },
	{ "60", 60, true },
	{ "2048", 2048, true },
	{ "largest", LINEAR_MAX - LL_MAX_HEADER - NET_IP_ALIGN, true },
	{ "largest_and_1", LINEAR_MAX - LL_MAX_HEADER - NET_IP_ALIGN + 1, false },
	{ "all_ones", 0xffffffffu, false },
};

TEST_EACH(nic_sizes, nic_table)
{
	struct net_device *dev = (struct net_device *)0x1000; /* only kept */
	struct sk_buff *skb;

	caches();
	skb = netdev_alloc_skb(dev, row->size);
	CHECK_EQ(skb != NULL, row->ok);
	if (skb) {
		CHECK(skb->dev == dev);
		CHECK_EQ(skb_headroom(skb), LL_MAX_HEADER + NET_IP_ALIGN);
		CHECK(skb_tailroom(skb) >= row->size);
		CHECK_EQ(((unsigned long)skb->data + 14) % 4,
			 0); /* behind an Ethernet header IP stands well */
	}
	done(skb);
}

/* Each allocation inside refused in turn: NULL, and nothing is left. */
TEST(allocation_fails_anywhere)
{
	caches();
	for (u32 kind = 0; kind < 4; kind++) {
		u32 failed = 0;
		struct sk_buff *base = build(32, 100, 0, 100), *skb = NULL;

		for (u32 nth = 1; nth < 10 && !skb; nth++) {
			faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
			faults_armed = true;
			skb = kind == 0   ? alloc_skb(100)
			      : kind == 1 ? alloc_skb_fclone(100)
			      : kind == 2 ? skb_clone(base)
					  : pskb_copy(base, 200);
			faults_armed = false;
			failed += !skb;
		}
		CHECK_EQ(failed, kind == 2 ? 1 : 2);
		CHECK(holds(base, 0, 100));
		consume_skb(skb);
		done(base);
	}
}

/* --- Reading ---------------------------------------------------------------------------------------------------------------- */
struct shape {
	u32 linear, piece, len;
};

#define LINEAR                                                                                     \
	{                                                                                          \
		1000, 0, 1000                                                                      \
	}
#define PAGES                                                                                      \
	{                                                                                          \
		0, 100, 1000                                                                       \
	}
#define BOTH                                                                                       \
	{                                                                                          \
		300, 70, 1000                                                                      \
	}
#define BYTES                                                                                      \
	{                                                                                          \
		1, 1, 10                                                                           \
	}

struct read_row {
	const char *name;
	struct shape s;
	u32 offset, len;
	bool ok;
};

static const struct read_row read_table[] = {
	{ "linear_all", LINEAR, 0, 1000, true },
	{ "linear_nothing", LINEAR, 0, 0, true },
	{ "linear_nothing_at_the_end", LINEAR, 1000, 0, true },
	{ "linear_last_byte", LINEAR, 999, 1, true },
	{ "linear_one_too_many", LINEAR, 999, 2, false },
	{ "linear_behind_the_end", LINEAR, 1001, 0, false },
	{ "linear_sum_overflows", LINEAR, 10, 0xffffffffu, false },
	{ "pages_all", PAGES, 0, 1000, true },
	{ "pages_inside_one", PAGES, 110, 50, true },
	{ "pages_exactly_one", PAGES, 100, 100, true },
	{ "pages_across_two", PAGES, 150, 100, true },
	{ "pages_last_byte", PAGES, 999, 1, true },
	{ "pages_one_too_many", PAGES, 0, 1001, false },
	{ "both_up_to_the_pages", BOTH, 0, 300, true },
	{ "both_over_the_border", BOTH, 299, 2, true },
	{ "both_behind_the_border", BOTH, 300, 1, true },
	{ "both_far", BOTH, 250, 700, true },
	{ "bytes_all", BYTES, 0, 10, true },
	{ "bytes_middle", BYTES, 3, 4, true },
};

TEST_EACH(copy_bits, read_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len);
	u8 b[1002];

	memset(b, 0x5a, sizeof(b));
	CHECK_EQ(skb_copy_bits(skb, row->offset, b, row->len), row->ok ? 0 : -EFAULT);
	for (u32 i = 0; i < sizeof(b); i++)
		CHECK_EQ(b[i], row->ok && i < row->len ? at(row->offset + i) : 0x5a);
	done(skb);
}

TEST_EACH(to_the_application, read_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len);
	u8 b[1002];
	struct iovec v[2] = { { b, 7 }, { b + 7, sizeof(b) - 7 } }; /* in two pieces */
	struct iov_iter it;

	memset(b, 0x5a, sizeof(b));
	if (row->ok) { /* beyond the end it is the caller's mistake */
		iov_iter_init(&it, v, 2);
		CHECK_EQ(skb_copy_datagram_iter(skb, row->offset, &it, row->len), 0);
		CHECK_EQ(iov_iter_count(&it), sizeof(b) - row->len);
		for (u32 i = 0; i < sizeof(b); i++)
			CHECK_EQ(b[i], i < row->len ? at(row->offset + i) : 0x5a);
	}
	if (row->ok && row->len) {
		struct iovec bad = { (void *)8, 2000 };

		iov_iter_init(&it, &bad, 1);
		CHECK_EQ(skb_copy_datagram_iter(skb, row->offset, &it, row->len), -EFAULT);
	}
	CHECK(holds(skb, 0, row->s.len));
	done(skb);
}

/* Word by word in network order, as RFC 1071 says. */
static u16 plain_sum(u32 offset, u32 len)
{
	u32 sum = 0;

	for (u32 i = 0; i < len; i += 2) {
		sum += (u32)at(offset + i) << 8 | (i + 1 < len ? at(offset + i + 1) : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (u16)sum;
}

TEST_EACH(checksum, read_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len);

	if (row->ok) {
		u16 got = ntohs((__be16)~csum_fold(skb_checksum(skb, row->offset, row->len, 0)));

		CHECK_EQ(got % 0xffff, plain_sum(row->offset, row->len) % 0xffff);
	}
	done(skb);
}

/* --- Making bytes linear ---------------------------------------------------------------------------------------------------- */
struct pull_row {
	const char *name;
	struct shape s;
	u32 n;
	bool shared, memory, ok;
	u32 linear; /* afterwards, at least */
};

static const struct pull_row pull_table[] = {
	{ "nothing", PAGES, 0, false, true, true, 0 },
	{ "linear_already", LINEAR, 1000, false, false, true, 1000 },
	{ "more_than_there_is", LINEAR, 1001, false, true, false, 1000 },
	{ "first_byte_of_a_page", PAGES, 1, false, true, true, 1 },
	{ "a_whole_page", PAGES, 100, false, true, true, 100 },
	{ "a_page_and_1", PAGES, 101, false, true, true, 101 },
	{ "everything", PAGES, 1000, false, true, true, 1000 },
	{ "everything_and_1", PAGES, 1001, false, true, false, 0 },
	{ "over_the_border", BOTH, 301, false, true, true, 301 },
	{ "over_the_border_shared", BOTH, 301, true, true, true, 301 },
	{ "shared_without_memory", BOTH, 301, true, false, false, 300 },
	{ "shared_but_linear_already", BOTH, 300, true, false, true, 300 },
	{ "without_memory", PAGES, 1000, false, false, false, 0 },
	{ "bytes_one_by_one", BYTES, 5, false, true, true, 5 },
	{ "bytes_all", BYTES, 10, true, true, true, 10 },
};

TEST_EACH(may_pull, pull_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *other = NULL;

	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	CHECK_EQ(pskb_may_pull(skb, row->n), row->ok);
	memory(true);
	CHECK(skb_headlen(skb) >= row->linear);
	if (!row->ok)
		CHECK_EQ(skb_headlen(skb), row->s.linear); /* unchanged */
	CHECK(holds(skb, 0, row->s.len));
	if (other) {
		CHECK(holds(other, 0, row->s.len));
		CHECK_EQ(skb_headlen(other), row->s.linear);
	}
	consume_skb(other);
	done(skb);
}

TEST_EACH(linearize, pull_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *other = NULL;
	bool easy = row->s.linear == row->s.len;
	int err;

	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	err = skb_linearize(skb);
	memory(true);
	if (row->memory || easy)
		CHECK_EQ(err, 0);
	CHECK_EQ(skb->data_len == 0, err == 0);
	CHECK(holds(skb, 0, row->s.len));
	if (other)
		CHECK(holds(other, 0, row->s.len));
	consume_skb(other);
	done(skb);
}

/* --- Cutting ---------------------------------------------------------------------------------------------------------------- */
struct trim_row {
	const char *name;
	struct shape s;
	u32 len;
	bool shared, memory;
	int err;
	u32 frags; /* afterwards */
};

static const struct trim_row trim_table[] = {
	{ "longer_is_nothing", LINEAR, 2000, false, true, 0, 0 },
	{ "the_same_is_nothing", LINEAR, 1000, false, true, 0, 0 },
	{ "linear_by_1", LINEAR, 999, false, true, 0, 0 },
	{ "linear_to_0", LINEAR, 0, false, true, 0, 0 },
	{ "linear_shared", LINEAR, 10, true, false, 0, 0 },
	{ "pages_by_1", PAGES, 999, false, true, 0, 10 },
	{ "pages_by_one_page", PAGES, 900, false, true, 0, 9 },
	{ "pages_by_a_page_and_1", PAGES, 899, false, true, 0, 9 },
	{ "pages_to_1", PAGES, 1, false, true, 0, 1 },
	{ "pages_to_0", PAGES, 0, false, true, 0, 0 },
	{ "pages_shared", PAGES, 550, true, true, 0, 6 },
	{ "pages_shared_without_memory", PAGES, 550, true, false, -ENOMEM, 10 },
	{ "pages_shared_but_longer", PAGES, 2000, true, false, 0, 10 },
	{ "both_to_the_border", BOTH, 300, false, true, 0, 0 },
	{ "both_one_beyond_the_border", BOTH, 301, false, true, 0, 1 },
	{ "both_into_the_linear_part", BOTH, 299, false, true, 0, 0 },
	{ "both_shared", BOTH, 100, true, true, 0, 0 },
};

TEST_EACH(trim, trim_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *other = NULL;

	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	CHECK_EQ(pskb_trim(skb, row->len), row->err);
	memory(true);
	CHECK(holds(skb, 0, row->err ? row->s.len : min(row->len, row->s.len)));
	CHECK_EQ(skb_shinfo(skb)->nr_frags, row->frags);
	if (other)
		CHECK(holds(other, 0, row->s.len)); /* the other one keeps everything */
	consume_skb(other);
	done(skb);
}

struct front_row {
	const char *name;
	struct shape s;
	u32 n;
	bool ok;
};

static const struct front_row front_table[] = {
	{ "nothing", LINEAR, 0, true },         { "one", LINEAR, 1, true },
	{ "all", LINEAR, 1000, true },          { "one_too_many", LINEAR, 1001, false },
	{ "up_to_the_pages", BOTH, 300, true }, { "into_the_pages", BOTH, 301, false },
	{ "of_pages_nothing", PAGES, 0, true }, { "of_pages_one", PAGES, 1, false },
};

TEST_EACH(pull, front_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len);
	u8 *data = skb->data;

	CHECK_EQ(skb_pull(skb, row->n) != NULL, row->ok);
	CHECK(holds(skb, row->ok ? row->n : 0, row->s.len - (row->ok ? row->n : 0)));
	if (row->ok) {
		CHECK(skb->data == data + row->n);
		CHECK(skb_push(skb, row->n) == data);
	}
	CHECK(holds(skb, 0, row->s.len));
	done(skb);
}

/* --- Room ------------------------------------------------------------------------------------------------------------------- */
struct expand_row {
	const char *name;
	struct shape s;
	u32 headroom, tailroom;
	bool shared, memory;
};

static const struct expand_row expand_table[] = {
	{ "no_more", LINEAR, 0, 0, false, true },
	{ "head", LINEAR, 500, 0, false, true },
	{ "tail", LINEAR, 0, 500, false, true },
	{ "head_and_tail", LINEAR, 200, 300, false, true },
	{ "shared", LINEAR, 200, 300, true, true },
	{ "with_pages", BOTH, 200, 0, false, true },
	{ "with_pages_shared", BOTH, 200, 10, true, true },
	{ "only_pages", PAGES, 100, 100, false, true },
	{ "without_memory", LINEAR, 200, 300, false, false },
	{ "with_pages_without_memory", BOTH, 200, 300, true, false },
};

TEST_EACH(expand, expand_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *other = NULL;
	u16 network;

	skb_reset_network_header(skb);
	network = skb->network_header;
	CHECK_EQ(network, 16);
	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	CHECK_EQ(pskb_expand_head(skb, row->headroom, row->tailroom), row->memory ? 0 : -ENOMEM);
	memory(true);
	CHECK(holds(skb, 0, row->s.len));
	CHECK((u8 *)ip_hdr(skb) == skb->data); /* the headers moved along */
	if (row->memory) {
		CHECK(skb_headroom(skb) >= max(row->headroom, 16u));
		CHECK(skb->end - skb->tail >= (long)row->tailroom);
		CHECK(!skb_shared_data(skb));
		memset(skb_push(skb, row->headroom), 0xaa, row->headroom);
	}
	if (other)
		CHECK(holds(other, 0, row->s.len));
	consume_skb(other);
	done(skb);
}

struct cow_row {
	const char *name;
	u32 room, want;
	bool shared, memory;
	int err;
	bool moved; /* the data is a copy */
};

static const struct cow_row cow_table[] = {
	{ "room_enough", 64, 64, false, false, 0, false },
	{ "one_too_little", 64, 65, false, true, 0, true },
	{ "none_wanted", 0, 0, false, false, 0, false },
	{ "one_too_little_without_memory", 64, 65, false, false, -ENOMEM, false },
	{ "shared_without_memory", 64, 65, true, false, -ENOMEM, false },
	{ "shared_too_little", 64, 65, true, true, 0, true },
};

TEST_EACH(cow_head, cow_table)
{
	struct sk_buff *skb = build(row->room, 100, 0, 100), *other = NULL;
	u8 *data = skb->data;

	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	CHECK_EQ(skb_cow_head(skb, row->want), row->err);
	memory(true);
	CHECK_EQ(skb->data != data, row->moved);
	CHECK(holds(skb, 0, 100));
	if (!row->err)
		memset(skb_push(skb, row->want), 0, row->want);
	if (other)
		CHECK(holds(other, 0, 100));
	consume_skb(other);
	done(skb);
}

struct copy_row {
	const char *name;
	struct shape s;
	u32 headroom;
};

static const struct copy_row copy_table[] = {
	{ "linear_no_headroom", LINEAR, 0 },
	{ "linear", LINEAR, 160 },
	{ "pages", PAGES, 160 },
	{ "both", BOTH, 160 },
	{ "bytes", BYTES, 1 },
};

/* pskb_copy(): another linear part, the same pages; each may die first. */
TEST_EACH(private_copy, copy_table)
{
	for (u32 first = 0; first < 2; first++) {
		struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *copy;

		copy = pskb_copy(skb, row->headroom);
		CHECK_EQ(skb_headroom(copy), row->headroom);
		CHECK(holds(copy, 0, row->s.len));
		CHECK(copy->head != skb->head);
		memset(skb_push(copy, row->headroom), 0xee, row->headroom);
		CHECK(holds(skb, 0, row->s.len));
		if (first) {
			consume_skb(skb);
			skb_pull(copy, row->headroom);
			CHECK(holds(copy, 0, row->s.len));
			done(copy);
		} else {
			consume_skb(copy);
			CHECK(holds(skb, 0, row->s.len));
			done(skb);
		}
	}
}

struct pad_row {
	const char *name;
	struct shape s;
	u32 n;
	bool shared, memory, ok;
};

static const struct pad_row pad_table[] = {
	{ "long_enough", LINEAR, 1000, false, false, true },
	{ "by_1", LINEAR, 1001, false, true, true },
	{ "by_many", LINEAR, 3000, false, true, true },
	{ "shared", LINEAR, 1001, true, true, true },
	{ "shared_without_memory", LINEAR, 1001, true, false, false },
	{ "pages", BYTES, 60, false, true, true },
	{ "pages_shared", BYTES, 60, true, true, true },
	{ "pages_shared_without_memory", BYTES, 60, true, false, false },
	{ "too_long_for_the_tail_without_memory", LINEAR, 9000, false, false, false },
};

TEST_EACH(padto, pad_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *other = NULL;
	u8 b[3000];
	int err;

	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	err = skb_padto(skb, row->n);
	memory(true);
	CHECK_EQ(err, row->ok ? 0 : -ENOMEM);
	if (row->ok) {
		CHECK_EQ(skb->len, max(row->n, row->s.len));
		CHECK_EQ(skb_copy_bits(skb, 0, b, skb->len), 0);
		for (u32 i = 0; i < skb->len; i++)
			CHECK_EQ(b[i], i < row->s.len ? at(i) : 0);
		consume_skb(skb);
	} /* else it is gone */
	if (other)
		CHECK(holds(other, 0, row->s.len));
	done(other);
}

/* --- The checksum in software ----------------------------------------------------------------------------------------------- */
struct help_row {
	const char *name;
	struct shape s;
	u32 start, offset; /* where the sum begins, and the field in it */
	bool shared, memory;
	int err;
};

static const struct help_row help_table[] = {
	{ "linear", LINEAR, 20, 16, false, true, 0 },
	{ "from_the_first_byte", LINEAR, 0, 16, false, true, 0 },
	{ "field_first", LINEAR, 20, 0, false, true, 0 },
	{ "field_last", LINEAR, 20, 978, false, true, 0 },
	{ "text_in_pages", BOTH, 20, 16, false, true, 0 },
	{ "field_in_pages", PAGES, 20, 16, false, true, 0 },
	{ "field_in_pages_without_memory", { 0, 1000, 1000 }, 20, 900, false, false, -ENOMEM },
	{ "shared", LINEAR, 20, 16, true, true, 0 },
	{ "shared_without_memory", LINEAR, 20, 16, true, false, -ENOMEM },
};

TEST_EACH(checksum_help, help_table)
{
	struct sk_buff *skb = build(16, row->s.linear, row->s.piece, row->s.len), *other = NULL;
	u8 b[1000];
	int err;

	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u16)(skb_headroom(skb) + row->start);
	skb->csum_offset = (u16)row->offset;
	if (row->shared)
		other = skb_clone(skb);
	memory(row->memory);
	err = skb_checksum_help(skb);
	memory(true);
	CHECK_EQ(err, row->err);
	CHECK_EQ(skb->ip_summed, err ? CHECKSUM_PARTIAL : CHECKSUM_NONE);
	CHECK_EQ(skb_copy_bits(skb, 0, b, row->s.len), 0);
	for (u32 i = 0; i < row->s.len; i++) {
		u32 field = row->start + row->offset;

		if (err || i < field || i >= field + 2)
			CHECK_EQ(b[i], at(i));
	}
	if (!err) {
		u32 sum = plain_sum(row->start, row->s.len - row->start);
		u16 wrote = get_unaligned_be16(b + row->start + row->offset);

		/* What stood in the field, the pseudo header's sum, counted. */
		CHECK_EQ((sum + wrote) % 0xffff, 0);
	}
	if (other)
		CHECK(holds(other, 0, row->s.len));
	consume_skb(other);
	done(skb);
}

/* --- References --------------------------------------------------------------------------------------------------------------- */
TEST(references)
{
	struct sk_buff *skb = build(16, 100, 0, 100);

	CHECK(skb_get(skb) == skb);
	CHECK_EQ(skb->users, 2);
	consume_skb(skb);
	CHECK(holds(skb, 0, 100)); /* still there */
	kfree_skb_reason(skb, SKB_DROP_REASON_TCP_CSUM);
	CHECK_EQ(skb_stats.live, 0);
	consume_skb(NULL);
	kfree_skb_reason(NULL, SKB_DROP_REASON_TCP_CSUM);
	CHECK_EQ(skb_stats.live, 0);
}

/* The page's names and order. */
TEST(page)
{
	char text[1024];
	struct seq_file m = { .buf = text, .size = sizeof(text) };
	struct sk_buff *skb = build(16, 100, 0, 100);
	static const char *const names[] = { "allocs ",       "\nclones ",        "\nfrees ",
					     "\ndrops ",      "\nlive 1\n",       "copied_tx ",
					     "\ncopied_rx ",  "\ncopied_kernel ", "\ncopied_other ",
					     "\ncopied_pad ", "\ncopied_frag " };
	const char *p = text;

	skb_show(&m);
	text[m.len] = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		p = strstr(p, names[i]);
		CHECK(p != NULL);
		if (!p)
			break;
	}
	CHECK_EQ(text[m.len - 1], '\n');
	done(skb);
}

KTEST_MAIN_BOOT()
