// SPDX-License-Identifier: MIT
/* The command line word by word: quotes, numbers, switches, addresses, and the nearest key of what nobody knows. */
#include "host.h"
#include "ktest.h"

#include <kernel/cmdline.h>
#include <lib/byteorder.h>
#include <lib/err.h>

/* --- Words of the application ------------------------------------------------------------------------------------------------- */
static const struct words {
	const char *name, *line;
	int errors;
	const char *want; /* the words behind argv[0], each in brackets */
} words[] = {
	{ "none", "--", 0, "" },
	{ "one", "-- a", 0, "[a]" },
	{ "blanks", "--   a \t b\r\n", 0, "[a][b]" },
	{ "second_separator", "-- a -- b", 0, "[a][--][b]" },
	{ "quoted_separator_is_a_key", "'--' -- a", 0, "[a]" },
	{ "double_quotes", "-- \"a b\"", 0, "[a b]" },
	{ "single_quotes", "-- 'a b'", 0, "[a b]" },
	{ "one_in_the_other", "-- \"it's\" 'say \"x\"'", 0, "[it's][say \"x\"]" },
	{ "empty_words", "-- '' \"\"", 0, "[][]" },
	{ "glued", "-- a'b c'd\"e f\"g", 0, "[ab cde fg]" },
	{ "backslash_blank", "-- a\\ b", 0, "[a b]" },
	{ "backslash_quote", "-- \\\"a\\'", 0, "[\"a']" },
	{ "backslash_in_double", "-- \"a\\\"b\"", 0, "[a\"b]" },
	{ "backslash_in_single", "-- 'a\\b'", 0, "[a\\b]" },
	{ "backslash_at_the_end", "-- a\\", 0, "[a\\]" },
	{ "double_backslash", "-- a\\\\b", 0, "[a\\b]" },
	{ "open_double", "-- \"a b", 1, "" },
	{ "open_single", "-- c 'a b", 1, "[c]" },
	{ "key_behind_is_a_word", "-- mtu=1", 0, "[mtu=1]" },
	{ "utf8", "-- \xc3\xa9t\xc3\xa9", 0, "[\xc3\xa9t\xc3\xa9]" },
};

TEST_EACH(words, words)
{
	static struct app_args args;
	char got[256] = "";

	host_console_clear();
	CHECK_EQ(cmdline_parse(row->line, NULL, 0, "app", &args), row->errors);
	CHECK_STR(args.argv[0], "app");
	for (int i = 1; i < args.argc; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%s]", args.argv[i]);
	CHECK_STR(got, row->want);
	CHECK(!args.argv[args.argc]);
}

/* --- Values ------------------------------------------------------------------------------------------------------------------------- */
static const struct number {
	const char *name, *text;
	u32 lo, hi;
	int err;
	u32 want;
} numbers[] = {
	{ "least", "5", 5, 10, 0, 5 },
	{ "most", "10", 5, 10, 0, 10 },
	{ "below", "4", 5, 10, -ERANGE, 77 },
	{ "above", "11", 5, 10, -ERANGE, 77 },
	{ "hex", "0xA", 5, 10, 0, 10 },
	{ "hex_upper_x", "0X0a", 5, 10, 0, 10 },
	{ "zeros_in_front", "007", 5, 10, 0, 7 },
	{ "whole_range", "4294967295", 0, UINT32_MAX, 0, UINT32_MAX },
	{ "just_above_32_bits", "4294967296", 0, UINT32_MAX, -ERANGE, 77 },
	{ "above_64_bits", "18446744073709551616", 0, UINT32_MAX, -ERANGE, 77 },
	{ "empty", "", 0, 10, -EINVAL, 77 },
	{ "only_0x", "0x", 0, 10, -EINVAL, 77 },
	{ "sign", "+5", 0, 10, -EINVAL, 77 },
	{ "minus", "-5", 0, 10, -EINVAL, 77 },
	{ "fraction", "5.0", 0, 10, -EINVAL, 77 },
	{ "unit", "5k", 0, 10, -EINVAL, 77 },
	{ "blank_in_front", " 5", 0, 10, -EINVAL, 77 },
	{ "hex_digit_in_decimal", "1a", 0, 100, -EINVAL, 77 },
};

TEST_EACH(u32, numbers)
{
	u32 v = 77;
	struct cmdline_u32 arg = { &v, row->lo, row->hi };
	const char *why = NULL;

	CHECK_EQ(cmdline_parse_u32("key", row->text, &arg, &why), row->err);
	CHECK_EQ(v, row->want); /* an error changes nothing */
	CHECK_EQ(why != NULL, row->err != 0);
	if (why) {
		char want[64];

		snprintf(want, sizeof(want), "must be %u..%u", row->lo, row->hi);
		CHECK_STR(why, want);
	}
}

static const struct truth {
	const char *name, *text;
	int err;
	bool want;
} truths[] = {
	{ "0", "0", 0, false },          { "1", "1", 0, true },
	{ "on", "on", 0, true },         { "off", "off", 0, false },
	{ "On", "On", -EINVAL, true },   { "empty", "", -EINVAL, true },
	{ "yes", "yes", -EINVAL, true }, { "2", "2", -EINVAL, true },
	{ "01", "01", -EINVAL, true },
};

TEST_EACH(bool, truths)
{
	bool v = true;
	const char *why = NULL;

	CHECK_EQ(cmdline_parse_bool("key", row->text, &v, &why), row->err);
	CHECK_EQ(v, row->want);
	CHECK_EQ(why != NULL, row->err != 0);
}

static const struct wide {
	const char *name, *text;
	int err;
	u64 want;
} wides[] = {
	{ "zero", "0", 0, 0 },
	{ "largest", "18446744073709551615", 0, UINT64_MAX },
	{ "largest_hex", "0xffffffffffffffff", 0, UINT64_MAX },
	{ "one_more", "18446744073709551616", -ERANGE, 7 },
	{ "one_more_hex", "0x10000000000000000", -ERANGE, 7 },
	{ "ten_times", "184467440737095516150", -ERANGE, 7 },
	{ "word", "seven", -EINVAL, 7 },
};

TEST_EACH(u64, wides)
{
	u64 v = 7;
	const char *why = NULL;

	CHECK_EQ(cmdline_parse_u64("key", row->text, &v, &why), row->err);
	CHECK_EQ(v, row->want);
}

static const struct ipv4 {
	const char *name, *text;
	int err;
	u32 want;
} ipv4s[] = {
	{ "plain", "10.0.2.15", 0, 0x0a00020f },
	{ "zeros", "0.0.0.0", 0, 0 },
	{ "ones", "255.255.255.255", 0, 0xffffffff },
	{ "leading_zeros", "010.001.002.003", 0, 0x0a010203 },
	{ "byte_256", "1.2.3.256", -EINVAL, 0 },
	{ "byte_999", "999.1.1.1", -EINVAL, 0 },
	{ "four_digits", "1.2.3.0001", -EINVAL, 0 },
	{ "three_parts", "1.2.3", -EINVAL, 0 },
	{ "five_parts", "1.2.3.4.5", -EINVAL, 0 },
	{ "empty_part", "1..2.3", -EINVAL, 0 },
	{ "point_in_front", ".1.2.3", -EINVAL, 0 },
	{ "point_behind", "1.2.3.4.", -EINVAL, 0 },
	{ "hexadecimal", "0x1.2.3.4", -EINVAL, 0 },
	{ "minus", "1.2.3.-4", -EINVAL, 0 },
	{ "blank", "1.2.3. 4", -EINVAL, 0 },
	{ "empty", "", -EINVAL, 0 },
};

TEST_EACH(ipv4, ipv4s)
{
	u32 a = htonl(0);

	CHECK_EQ(parse_ipv4(row->text, strlen(row->text), &a), row->err);
	CHECK_EQ(ntohl((__be32)a), row->want);
}

/* --- The nearest ------------------------------------------------------------------------------------------------------------------- */
static const struct near {
	const char *name, *key, *want; /* NULL: none is near */
} nears[] = {
	{ "itself", "tx_ring", "tx_ring" },
	{ "letter_missing", "tx_rin", "tx_ring" },
	{ "letter_more", "txx_ring", "tx_ring" },
	{ "letter_other", "tx_rang", "tx_ring" },
	{ "letters_swapped", "tx_rign", "tx_ring" },
	{ "two_edits", "tx_rug", "tx_ring" },
	{ "three_edits", "xring", "tx_ring" },
	{ "nearer_of_two", "rx_rng", "rx_ring" },
	{ "first_of_equals", "ring", "tx_ring" },
	{ "all_other", "console", NULL },
	{ "one_letter", "m", NULL },
	{ "empty", "", NULL },
	{ "upper_case_is_far", "MTU", NULL },
};

TEST_EACH(nearest, nears)
{
	static const struct cmdline_key keys[] = { { .name = "tx_ring" },
						   { .name = "rx_ring" },
						   { .name = "mtu" },
						   { .name = "loglevel" } };
	const char *got = cmdline_nearest(row->key, keys, ARRAY_SIZE(keys));

	CHECK_STR(got ? got : "none", row->want ? row->want : "none");
}

TEST(a_name_of_any_length)
{
	static const struct cmdline_key keys[] = { { .name = "mtu" } };
	char longest[200];

	memset(longest, 'm', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(!cmdline_nearest(longest, keys, 1));
}

int main(int argc, char **argv)
{
	host_console_quiet(true);
	return ktest_run(argc, argv);
}
