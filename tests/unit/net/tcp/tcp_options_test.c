// SPDX-License-Identifier: MIT
/* TCP options and headers as bytes: each kind in each wrong length, duplicates, what ends the parse; what a SYN announces. */
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

#include <net/init.h>

struct parse_row {
	const char *name;
	u8 b[40];
	u32 len;
	struct tcp_options want;
};

static const struct parse_row parse_table[] = {
	{ "nothing", { 0 }, 0, { 0 } },
	{ "only_nops", { 1, 1, 1, 1 }, 4, { 0 } },
	{ "mss", { 2, 4, 5, 0xb4 }, 4, { .mss = 1460 } },
	{ "mss_zero", { 2, 4, 0, 0 }, 4, { .mss = 0 } },
	{ "mss_one", { 2, 4, 0, 1 }, 4, { .mss = 1 } },
	{ "mss_largest", { 2, 4, 0xff, 0xff }, 4, { .mss = 65535 } },
	{ "mss_length_2", { 2, 2, 3, 3, 7 }, 5, { .wscale_ok = true, .wscale = 7 } },
	{ "mss_length_3", { 2, 3, 9, 3, 3, 7 }, 6, { .wscale_ok = true, .wscale = 7 } },
	{ "mss_length_5", { 2, 5, 5, 0xb4, 0, 3, 3, 7 }, 8, { .wscale_ok = true, .wscale = 7 } },
	{ "mss_cut_after_kind", { 2 }, 1, { 0 } },
	{ "mss_cut_after_length", { 2, 4 }, 2, { 0 } },
	{ "mss_cut_in_the_value", { 2, 4, 5 }, 3, { 0 } },
	{ "mss_twice_the_last_counts", { 2, 4, 1, 0, 2, 4, 2, 0 }, 8, { .mss = 512 } },
	{ "mss_good_then_bad_length", { 2, 4, 1, 0, 2, 3, 2 }, 7, { .mss = 256 } },
	{ "wscale_0", { 3, 3, 0 }, 3, { .wscale_ok = true } },
	{ "wscale_13", { 3, 3, 13 }, 3, { .wscale_ok = true, .wscale = 13 } },
	{ "wscale_14", { 3, 3, 14 }, 3, { .wscale_ok = true, .wscale = 14 } },
	{ "wscale_15_is_14", { 3, 3, 15 }, 3, { .wscale_ok = true, .wscale = 14 } },
	{ "wscale_255_is_14", { 3, 3, 255 }, 3, { .wscale_ok = true, .wscale = 14 } },
	{ "wscale_length_2", { 3, 2, 2, 4, 1, 0 }, 6, { .mss = 256 } },
	{ "wscale_length_4", { 3, 4, 7, 7, 2, 4, 1, 0 }, 8, { .mss = 256 } },
	{ "wscale_cut", { 3, 3 }, 2, { 0 } },
	{ "wscale_twice", { 3, 3, 2, 3, 3, 5 }, 6, { .wscale_ok = true, .wscale = 5 } },
	{ "sack_permitted", { 4, 2 }, 2, { .sack_ok = true } },
	{ "sack_permitted_length_3", { 4, 3, 0 }, 3, { 0 } },
	{ "sack_permitted_length_1", { 4, 1, 2, 4, 1, 0 }, 6, { 0 } },
	{ "sack_permitted_cut", { 4 }, 1, { 0 } },
	{ "sack_block",
	  { 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 2, 4, 1, 0 },
	  14,
	  { .mss = 256, .num_sacks = 1, .sacks = { { 1, 2 } } } },
	{ "sack_blocks_four",
	  { 5, 34, 0xff, 0, 0, 1, 0xff, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0,
	    4, 0,  0,    0, 5, 0, 0,    0, 6, 0, 0, 0, 7, 0, 0, 0, 8 },
	  34,
	  { .num_sacks = 4,
	    .sacks = { { 0xff000001, 0xff000002 }, { 3, 4 }, { 5, 6 }, { 7, 8 } } } },
	{ "sack_no_block", { 5, 2, 2, 4, 1, 0 }, 6, { .mss = 256 } },
	{ "sack_half_a_block", { 5, 6, 0, 0, 0, 1, 2, 4, 1, 0 }, 10, { .mss = 256 } },
	{ "sack_a_block_and_a_byte",
	  { 5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 9, 2, 4, 1, 0 },
	  15,
	  { .mss = 256 } },
	{ "sack_block_cut", { 5, 10, 0, 0, 0, 1 }, 6, { 0 } },
	{ "timestamp",
	  { 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 },
	  10,
	  { .tstamp_ok = true, .tsval = 0x01020304, .tsecr = 0x05060708 } },
	{ "timestamp_highest",
	  { 8, 10, 255, 255, 255, 255, 255, 255, 255, 255 },
	  10,
	  { .tstamp_ok = true, .tsval = 0xffffffff, .tsecr = 0xffffffff } },
	{ "timestamp_length_9", { 8, 9, 1, 2, 3, 4, 5, 6, 7 }, 9, { 0 } },
	{ "timestamp_length_11", { 8, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 11, { 0 } },
	{ "timestamp_cut_by_one", { 8, 10, 1, 2, 3, 4, 5, 6, 7 }, 9, { 0 } },
	{ "unknown_skipped", { 253, 6, 1, 1, 1, 1, 2, 4, 1, 0 }, 10, { .mss = 256 } },
	{ "unknown_without_body", { 77, 2, 2, 4, 1, 0 }, 6, { .mss = 256 } },
	{ "unknown_length_0", { 77, 0, 2, 4, 1, 0 }, 6, { 0 } },
	{ "unknown_length_1", { 77, 1, 2, 4, 1, 0 }, 6, { 0 } },
	{ "unknown_length_lies_by_one", { 77, 7, 2, 4, 1, 0 }, 6, { 0 } },
	{ "unknown_length_255", { 77, 255, 2, 4, 1, 0 }, 6, { 0 } },
	{ "fast_open_skipped", { 34, 2, 2, 4, 1, 0 }, 6, { .mss = 256 } },
	{ "eol_first", { 0, 2, 4, 1, 0 }, 5, { 0 } },
	{ "eol_in_the_middle", { 2, 4, 1, 0, 0, 3, 3, 7 }, 8, { .mss = 256 } },
	{ "eol_as_padding", { 3, 3, 7, 0 }, 4, { .wscale_ok = true, .wscale = 7 } },
	{ "nop_between",
	  { 1, 3, 3, 7, 1, 1, 2, 4, 1, 0 },
	  10,
	  { .mss = 256, .wscale_ok = true, .wscale = 7 } },
	{ "linux_syn",
	  { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7 },
	  20,
	  { .mss = 1460,
	    .wscale_ok = true,
	    .wscale = 7,
	    .sack_ok = true,
	    .tstamp_ok = true,
	    .tsval = 9 } },
	{ "forty_bytes",
	  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 0 },
	  40,
	  { .mss = 256 } },
	{ "good_then_liar", { 2, 4, 1, 0, 3, 200, 7 }, 7, { .mss = 256 } },
};

TEST_EACH(parse, parse_table)
{
	u8 *exact = malloc(row->len ? row->len : 1); /* the sanitizer sees each byte read beyond */
	struct tcp_options o;

	memset(&o, 0xaa, sizeof(o));
	memcpy(exact, row->b, row->len);
	tcp_options_parse(row->len ? exact : exact + 1, row->len, &o);
	free(exact);
	CHECK_EQ(o.mss, row->want.mss);
	CHECK_EQ(o.wscale_ok, row->want.wscale_ok);
	CHECK_EQ(o.wscale, row->want.wscale);
	CHECK_EQ(o.sack_ok, row->want.sack_ok);
	CHECK_EQ(o.num_sacks, row->want.num_sacks);
	CHECK(memcmp(o.sacks, row->want.sacks, sizeof(o.sacks)) == 0);
	CHECK_EQ(o.tstamp_ok, row->want.tstamp_ok);
	CHECK_EQ(o.tsval, row->want.tsval);
	CHECK_EQ(o.tsecr, row->want.tsecr);
}

/* Cut at every byte, a good set of options never gives more than its whole, and never reads on. */
TEST(parse_every_prefix)
{
	static const u8 syn[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7, 1, 3, 3, 7 };

	for (u32 n = 0; n <= sizeof(syn); n++) {
		u8 *exact = malloc(n + 1) + 1;
		struct tcp_options o;

		memcpy(exact, syn, n);
		tcp_options_parse(exact, n, &o);
		CHECK_EQ(o.mss, n >= 4 ? 1460 : 0);
		CHECK_EQ(o.sack_ok, n >= 6);
		CHECK_EQ(o.tstamp_ok, n >= 16);
		CHECK_EQ(o.wscale_ok, n >= 20);
		free(exact - 1);
	}
}

static const struct tcp_fastopen_cookie ask = { .there = true };
static const struct tcp_fastopen_cookie longest = { .there = true, .len = 16, .val = { 9 } };
static const struct tcp_fastopen_cookie longest_exp = { .there = true, .exp = true, .len = 16 };
static const struct tcp_sack_block blocks[4] = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 0xffffffff, 8 } };

struct build_row {
	const char *name;
	struct tcp_out_options o;
	u32 len;
	u8 want[40];
};

#define TS  .tstamp_ok = true, .tsval = 0x01020304, .tsecr = 0x05060708
#define TSB 8, 10, 1, 2, 3, 4, 5, 6, 7, 8
static const struct build_row build_table[] = {
	{ "nothing", { 0 }, 0, { 0 } },
	{ "mss_only", { .mss = 1460 }, 4, { 2, 4, 5, 0xb4 } },
	{ "mss_smallest", { .mss = 48 }, 4, { 2, 4, 0, 48 } },
	{ "mss_largest_and_an_idle_shift", { .mss = 65495, .wscale = 7 }, 4, { 2, 4, 0xff, 0xd7 } },
	{ "scale_0", { .mss = 1460, .wscale_ok = true }, 8, { 2, 4, 5, 0xb4, 1, 3, 3, 0 } },
	{ "scale_14",
	  { .mss = 1460, .wscale_ok = true, .wscale = 14 },
	  8,
	  { 2, 4, 5, 0xb4, 1, 3, 3, 14 } },
	{ "sack_alone_is_padded",
	  { .mss = 1460, .sack_perm = true, .wscale_ok = true, .wscale = 7 },
	  12,
	  { 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7 } },
	{ "timestamps_alone_are_padded", { .mss = 1460, TS }, 16, { 2, 4, 5, 0xb4, 1, 1, TSB } },
	{ "sack_stands_where_the_padding_would",
	  { .mss = 1460, .sack_perm = true, TS, .wscale_ok = true, .wscale = 7 },
	  20,
	  { 2, 4, 5, 0xb4, 4, 2, TSB, 1, 3, 3, 7 } },
	{ "fast_open_is_last",
	  { .mss = 1460, .sack_perm = true, TS, .wscale_ok = true, .foc = &ask },
	  24,
	  { 2, 4, 5, 0xb4, 4, 2, TSB, 1, 3, 3, 0, 34, 2, 1, 1 } },
	{ "the_longest_cookie_fits",
	  { .mss = 1460, .sack_perm = true, TS, .wscale_ok = true, .foc = &longest },
	  40,
	  { 2, 4, 5, 0xb4, 4, 2, TSB, 1, 3, 3, 0, 34, 18, 9, 0, 0,
	    0, 0, 0, 0,    0, 0, 0,   0, 0, 0, 0, 0,  0,  1, 1 } },
	{ "so_does_an_experimental_one",
	  { .mss = 1460, .sack_perm = true, TS, .wscale_ok = true, .foc = &longest_exp },
	  40,
	  { 2, 4, 5, 0xb4, 4, 2, TSB, 1, 3, 3, 0, 254, 20, 0xf9, 0x89 } },
	{ "a_segment", { TS }, 12, { 1, 1, TSB } },
	{ "one_block",
	  { .num_sacks = 1, .sacks = blocks },
	  12,
	  { 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 } },
	{ "three_blocks_and_timestamps",
	  { TS, .num_sacks = 3, .sacks = blocks },
	  40,
	  { 1, 1, TSB, 1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0,
	    0, 0, 3,   0, 0, 0, 4,  0, 0, 0, 5, 0, 0, 0, 6 } },
	{ "four_blocks",
	  { .num_sacks = 4, .sacks = blocks },
	  36,
	  { 1, 1, 5, 34, 0, 0, 0, 1, 0, 0, 0,   2,   0,   0,   0, 3, 0, 0,
	    0, 4, 0, 0,  0, 5, 0, 0, 0, 6, 255, 255, 255, 255, 0, 0, 0, 8 } },
	{ "no_room_for_a_cookie",
	  { TS, .num_sacks = 3, .sacks = blocks, .foc = &ask },
	  40,
	  { 1, 1, TSB, 1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0,
	    0, 0, 3,   0, 0, 0, 4,  0, 0, 0, 5, 0, 0, 0, 6 } },
};

TEST_EACH(build, build_table)
{
	u8 b[41];
	struct tcp_options o;

	memset(b, 0xee, sizeof(b));
	CHECK_EQ(tcp_options_len(&row->o), row->len);
	CHECK_EQ(tcp_options_write(b, &row->o), row->len);
	CHECK(memcmp(b, row->want, row->len) == 0);
	CHECK_EQ(b[row->len], 0xee);
	CHECK_EQ(row->len % 4, 0);
	tcp_options_parse(b, row->len, &o); /* what is built can be read */
	CHECK_EQ(o.mss, row->o.mss);
	CHECK_EQ(o.wscale_ok, row->o.wscale_ok);
	CHECK_EQ(o.wscale, row->o.wscale_ok ? row->o.wscale : 0);
	CHECK_EQ(o.sack_ok, row->o.sack_perm);
	CHECK_EQ(o.tstamp_ok, row->o.tstamp_ok);
	CHECK_EQ(o.tsval, row->o.tsval);
	CHECK_EQ(o.tsecr, row->o.tsecr);
	CHECK_EQ(o.num_sacks, row->o.num_sacks);
	CHECK(memcmp(o.sacks, blocks, o.num_sacks * sizeof(blocks[0])) == 0);
}

struct scale_row {
	const char *name;
	u32 space;
	u8 want;
};

static const struct scale_row scale_table[] = {
	{ "nothing", 0, 0 },
	{ "one", 1, 0 },
	{ "65534", 65534, 0 },
	{ "65535", 65535, 0 },
	{ "65536", 65536, 1 },
	{ "131071", 131071, 1 },
	{ "131072", 131072, 2 },
	{ "1_MiB", 1u << 20, 5 },
	{ "6_MiB", 6u << 20, 7 },
	{ "top_of_13", (65536u << 13) - 1, 13 },
	{ "14", 65536u << 13, 14 },
	{ "top_of_14", (65536u << 14) - 1, 14 },
	{ "beyond", 65536u << 14, 14 },
	{ "all_ones", 0xffffffffu, 14 },
};

TEST_EACH(select_wscale, scale_table)
{
	u8 got = tcp_select_wscale(row->space);

	CHECK_EQ(got, row->want);
	if (got < TCP_MAX_WSCALE)
		CHECK(row->space >> got <= 65535);
	if (got)
		CHECK(row->space >> (got - 1) > 65535); /* the least one */
}

struct seg_row {
	const char *name;
	u32 linear, doff, flags, payload;
	bool ok;
	u32 len, space;
};

static const struct seg_row seg_table[] = {
	{ "no_byte", 0, 5, 0, 0, false, 0, 0 },
	{ "nineteen_bytes", 19, 5, 0, 0, false, 0, 0 },
	{ "bare_header", 20, 5, TCPHDR_ACK, 0, true, 0, 0 },
	{ "doff_0", 20, 0, TCPHDR_ACK, 0, false, 0, 0 },
	{ "doff_4", 20, 4, TCPHDR_ACK, 0, false, 0, 0 },
	{ "doff_6_of_20_bytes", 20, 6, TCPHDR_ACK, 0, false, 0, 0 },
	{ "doff_6_of_23_bytes", 23, 6, TCPHDR_ACK, 0, false, 0, 0 },
	{ "doff_6", 24, 6, TCPHDR_ACK, 0, true, 0, 0 },
	{ "doff_15", 60, 15, TCPHDR_ACK, 0, true, 0, 0 },
	{ "doff_15_of_59_bytes", 59, 15, TCPHDR_ACK, 0, false, 0, 0 },
	{ "one_byte_of_text", 21, 5, TCPHDR_ACK, 1, true, 1, 1 },
	{ "syn", 20, 5, TCPHDR_SYN, 0, true, 0, 1 },
	{ "fin", 20, 5, TCPHDR_FIN | TCPHDR_ACK, 0, true, 0, 1 },
	{ "syn_fin", 20, 5, TCPHDR_SYN | TCPHDR_FIN, 0, true, 0, 2 },
	{ "text_and_fin", 30, 5, TCPHDR_FIN | TCPHDR_ACK, 10, true, 10, 11 },
	{ "rst_takes_no_space", 20, 5, TCPHDR_RST, 0, true, 0, 0 },
	{ "urg_psh_take_none", 22, 5, TCPHDR_URG | TCPHDR_PSH, 2, true, 2, 2 },
};

TEST_EACH(seg_parse, seg_table)
{
	static bool buffers;
	struct sk_buff *skb;
	struct tcp_seg seg;
	u8 whole[60] = { 0x12, 0x34, 0x56, 0x78, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4 };

	whole[12] = (u8)(row->doff << 4);
	whole[13] = (u8)row->flags;
	whole[14] = 0xab;
	whole[15] = 0xcd;
	memset(whole + 20, 1, 40); /* NOPs */
	if (!buffers)
		CHECK_EQ(net_global_init(), 0);
	buffers = true;
	skb = alloc_skb(64);
	memcpy(skb_put(skb, row->linear), whole, row->linear);
	CHECK_EQ(tcp_seg_parse(skb, &seg), row->ok);
	if (row->ok) {
		CHECK_EQ(seg.seq, 0xffffffffu);
		CHECK_EQ(seg.ack, 0x01020304);
		CHECK_EQ(seg.wnd, 0xabcd);
		CHECK_EQ(seg.flags, row->flags);
		CHECK_EQ(seg.len, row->len);
		CHECK_EQ(seg.end_seq, (u32)(0xffffffffu + row->space)); /* wraps */
	}
	kfree_skb_reason(skb, SKB_DROP_REASON_TCP_HEADER);
}

KTEST_MAIN_BOOT()
