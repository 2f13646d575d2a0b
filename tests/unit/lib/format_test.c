// SPDX-License-Identifier: MIT
/*
 * Formats whose result is written down here, not compared with another library's: flags that beat each other, widths and
 * precisions at their limits, the kernel's own conversions, cuts at every length; and symbols, from a table of three.
 */
#include "ktest.h"

#include <kernel/ksyms.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/types.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat"

int kstrtou64(const char *s, u64 *out);
ssize_t strscpy(char *dst, const char *src, size_t size);

/* --- Numbers ---------------------------------------------------------------------------------------------------------------- */

static const struct number_row {
	const char *name, *format;
	u64 value;
	const char *want;
} numbers[] = {
	{ "zero", "%d", 0, "0" },
	{ "minus_one", "%d", ~0ull, "-1" },
	{ "least_int", "%d", 0x80000000, "-2147483648" },
	{ "most_int", "%d", 0x7fffffff, "2147483647" },
	{ "least_long", "%ld", 1ull << 63, "-9223372036854775808" },
	{ "most_unsigned", "%u", ~0ull, "4294967295" },
	{ "most_unsigned_long", "%lu", ~0ull, "18446744073709551615" },
	{ "char_wraps", "%hhd", 0x1ff, "-1" },
	{ "unsigned_char_wraps", "%hhu", 0x1ff, "255" },
	{ "short_wraps", "%hd", 0x18000, "-32768" },
	{ "unsigned_short_wraps", "%hu", 0x18000, "32768" },
	{ "plus", "%+d", 5, "+5" },
	{ "plus_of_a_negative", "%+d", (u64)-5, "-5" },
	{ "plus_beats_space", "%+ d", 5, "+5" },
	{ "space", "% d", 5, " 5" },
	{ "plus_means_nothing_to_u", "%+u", 5, "5" },
	{ "width", "%5d", 42, "   42" },
	{ "width_left", "%-5d|", 42, "42   |" },
	{ "width_zero", "%05d", 42, "00042" },
	{ "left_beats_zero", "%-05d|", 42, "42   |" },
	{ "zero_behind_the_sign", "%05d", (u64)-42, "-0042" },
	{ "width_too_small", "%1d", 12345, "12345" },
	{ "precision", "%.4d", 42, "0042" },
	{ "precision_beats_zero", "%07.4d", 42, "   0042" },
	{ "precision_of_a_negative", "%.4d", (u64)-42, "-0042" },
	{ "precision_zero_of_zero", "%.0d|", 0, "|" },
	{ "precision_zero_of_one", "%.0d", 1, "1" },
	{ "precision_without_digits", "%.d|", 0, "|" },
	{ "hex", "%x", 0xdeadbeef, "deadbeef" },
	{ "hex_upper", "%X", 0xdeadbeef, "DEADBEEF" },
	{ "hex_marked", "%#x", 0x1f, "0x1f" },
	{ "hex_marked_upper", "%#X", 0x1f, "0X1F" },
	{ "hex_marked_zero", "%#x", 0, "0" },
	{ "hex_marked_padded", "%#06x", 0x1f, "0x001f" },
	{ "octal", "%o", 8, "10" },
	{ "octal_marked", "%#o", 8, "010" },
	{ "octal_marked_zero", "%#o", 0, "0" },
	{ "octal_marked_zero_without_digits", "%#.0o", 0, "0" },
	{ "octal_marked_by_its_precision", "%#.3o", 8, "010" },
	{ "octal_of_all_bits", "%lo", ~0ull, "1777777777777777777777" },
	{ "size", "%zu", 1ull << 40, "1099511627776" },
	{ "max", "%ju", 1ull << 40, "1099511627776" },
	{ "difference", "%td", ~0ull, "-1" },
	{ "long_long", "%llx", ~0ull, "ffffffffffffffff" },
	{ "i_is_d", "%i", (u64)-7, "-7" },
	{ "flags_in_any_order", "%0+#6x", 0x1f, "0x001f" },
	{ "h_is_not_doubled_by_l", "%hlx", 0xff, "%hlx" },
};

TEST_EACH(number, numbers)
{
	char a[64];

	CHECK_EQ(scnprintf(a, sizeof(a), row->format, row->value), strlen(row->want));
	CHECK_STR(a, row->want);
}

/* --- Text --------------------------------------------------------------------------------------------------------------------- */

static const struct text_row {
	const char *name, *format, *value, *want;
} texts[] = {
	{ "plain", "%s", "abc", "abc" },
	{ "empty", "[%s]", "", "[]" },
	{ "nothing", "%s", NULL, "(null)" },
	{ "nothing_cut", "%.3s", NULL, "(nu" },
	{ "width", "[%5s]", "abc", "[  abc]" },
	{ "width_left", "[%-5s]", "abc", "[abc  ]" },
	{ "width_too_small", "[%2s]", "abc", "[abc]" },
	{ "precision", "[%.2s]", "abc", "[ab]" },
	{ "precision_zero", "[%.0s]", "abc", "[]" },
	{ "precision_beyond", "[%.9s]", "abc", "[abc]" },
	{ "both", "[%6.2s]", "abc", "[    ab]" },
	{ "both_left", "[%-6.2s]", "abc", "[ab    ]" },
	{ "zero_flag_pads_blanks", "[%05s]", "abc", "[  abc]" },
	{ "percent", "100%%", NULL, "100%" },
	{ "percent_with_width_is_one", "%5%|", NULL, "%|" },
	{ "unknown", "%q", NULL, "%q" },
	{ "unknown_with_flags", "%-08.3q|", NULL, "%-08.3q|" },
	{ "float_is_unknown", "%5.2f", NULL, "%5.2f" },
	{ "percent_at_the_end", "abc%", NULL, "abc%" },
	{ "flags_at_the_end", "abc%-0", NULL, "abc%-0" },
	{ "length_at_the_end", "abc%ll", NULL, "abc%ll" },
};

TEST_EACH(text, texts)
{
	char a[64];

	CHECK_EQ(scnprintf(a, sizeof(a), row->format, row->value), strlen(row->want));
	CHECK_STR(a, row->want);
}

/* The bytes behind a precision are not read. */
TEST(precision_needs_no_end)
{
	char *three = malloc(3), a[16];

	memcpy(three, "xyz", 3);
	scnprintf(a, sizeof(a), "%.3s", three);
	CHECK_STR(a, "xyz");
	free(three);
}

/* Widths of any size: cut, never an overflow. */
static const struct width_row {
	const char *name;
	int width;
	int stored; /* of 63 */
	char first;
} widths[] = {
	{ "most", INT32_MAX, 63, ' ' },
	{ "least", INT32_MIN, 63, '7' },
	{ "hundred_thousand_and_one", -100001, 63, '7' },
	{ "large_left", -100000, 63, '7' },
	{ "one", 1, 1, '7' },
	{ "none", 0, 1, '7' },
};

TEST_EACH(star, widths)
{
	char a[64];

	CHECK_EQ(scnprintf(a, sizeof(a), "%*d", row->width, 7), row->stored);
	CHECK_EQ(a[0], row->first);
}

TEST(digits_of_a_width_do_not_overflow)
{
	char a[64];

	CHECK_EQ(scnprintf(a, sizeof(a), "%99999999999999999999d", 7), 63);
	CHECK_EQ(scnprintf(a, sizeof(a), "%.99999999999999999999d", 7), 63);
	CHECK_EQ(a[0], '0');
	CHECK_EQ(scnprintf(a, sizeof(a), "%.*d|", -5, 0), 2); /* a negative precision is none */
	CHECK_STR(a, "0|");
}

/* --- The kernel's own --------------------------------------------------------------------------------------------------------- */

static const struct address_row {
	const char *name, *format;
	u8 bytes[6];
	const char *want;
} address_rows[] = {
	{ "zeros", "%pI4", { 0, 0, 0, 0 }, "0.0.0.0" },
	{ "all_ones", "%pI4", { 255, 255, 255, 255 }, "255.255.255.255" },
	{ "one_two_three_digits", "%pI4", { 1, 22, 133, 9 }, "1.22.133.9" },
	{ "wide", "[%18pI4]", { 255, 255, 255, 255 }, "[   255.255.255.255]" },
	{ "wide_left", "[%-10pI4]", { 1, 2, 3, 4 }, "[1.2.3.4   ]" },
	{ "text_behind", "%pI4:80", { 1, 2, 3, 4 }, "1.2.3.4:80" },
	{ "mac_zeros", "%pM", { 0 }, "00:00:00:00:00:00" },
	{ "mac_all_ones", "%pM", { 255, 255, 255, 255, 255, 255 }, "ff:ff:ff:ff:ff:ff" },
	{ "mac_two_digits_each", "%pM", { 1, 2, 0xa, 0xb, 0xc0, 0xd }, "01:02:0a:0b:c0:0d" },
	{ "mac_wide", "[%20pM]", { 1, 2, 3, 4, 5, 6 }, "[   01:02:03:04:05:06]" },
	{ "mac_wide_left", "[%-20pM]", { 1, 2, 3, 4, 5, 6 }, "[01:02:03:04:05:06   ]" },
};

TEST_EACH(address, address_rows)
{
	char a[64];

	CHECK_EQ(scnprintf(a, sizeof(a), row->format, row->bytes), strlen(row->want));
	CHECK_STR(a, row->want);
}

/* A table of two functions: [0x1000, 0x1400) and [0x1400, 0x1500). */
const char ksym_names[] = "first\0second\0";
const struct ksym ksyms[] = { { .addr = 0x1000, .name_off = 0 },
			      { .addr = 0x1400, .name_off = 6 },
			      { .addr = 0x1500, .name_off = 12 } };
const u32 nr_ksyms = 3;

static const struct symbol_row {
	const char *name, *format;
	unsigned long addr;
	const char *want;
} symbols[] = {
	{ "first_byte", "%pS", 0x1000, "first+0x0" },
	{ "inside", "%pS", 0x1234, "first+0x234" },
	{ "last_byte", "%pS", 0x13ff, "first+0x3ff" },
	{ "next", "%pS", 0x1400, "second+0x0" },
	{ "last_of_all", "%pS", 0x14ff, "second+0xff" },
	{ "one_below", "%pS", 0xfff, "0xfff" },
	{ "one_above", "%pS", 0x1500, "0x1500" },
	{ "nowhere", "%pS", 0, "0x0" },
	{ "wide", "[%12pS]", 0x1000, "[   first+0x0]" },
	{ "wide_left", "[%-12pS]", 0x1000, "[first+0x0   ]" },
	{ "pointer", "%p", 0x1000, "0x1000" },
	{ "pointer_of_nothing", "%p", 0, "0x0" },
	{ "pointer_wide", "[%8p]", 0x1000, "[  0x1000]" },
	{ "pointer_then_a_letter", "%pi", 0x10, "0x10i" },
	{ "half_of_an_extension", "%pI6", 0x10, "0x10I6" },
	{ "half_at_the_end", "%pI", 0x10, "0x10I" },
};

TEST_EACH(symbol, symbols)
{
	char a[64];

	CHECK_EQ(scnprintf(a, sizeof(a), row->format, (void *)row->addr), strlen(row->want));
	CHECK_STR(a, row->want);
}

/* --- Cuts -------------------------------------------------------------------------------------------------------------------------- */

/* Whatever the size: as much as fits, terminated, nothing behind it touched. */
TEST(every_size_of_buffer)
{
	static const char whole[] = "eth0: 10.0.0.1/24 00042 ff -7 [ab   ]";
	u8 ip[4] = { 10, 0, 0, 1 };

	for (size_t size = 0; size <= sizeof(whole) + 2; size++) {
		char *a = malloc(size + 1);
		size_t want = size == 0 ? 0 : min(size - 1, sizeof(whole) - 1);

		a[size] = 0x7e;
		CHECK_EQ(scnprintf(a, size, "%s: %pI4/%u %05d %x %d [%-5.2s]", "eth0", ip, 24, 42,
				   255, -7, "abc"),
			 want);
		CHECK_EQ(a[size], 0x7e);
		if (size) {
			CHECK(!memcmp(a, whole, want));
			CHECK_EQ(a[want], 0);
		}
		free(a);
	}
}

/* --- Numbers out of text ----------------------------------------------------------------------------------------------------------- */

static const struct parse_row {
	const char *name, *text;
	int err;
	u64 value;
} parses[] = {
	{ "zero", "0", 0, 0 },
	{ "leading_zeros", "0007", 0, 7 },
	{ "decimal", "1234567890", 0, 1234567890 },
	{ "most", "18446744073709551615", 0, UINT64_MAX },
	{ "one_too_many", "18446744073709551616", -ERANGE, 0 },
	{ "ten_times_too_many", "99999999999999999999", -ERANGE, 0 },
	{ "far_too_many", "1000000000000000000000000000", -ERANGE, 0 },
	{ "hex", "0xff", 0, 255 },
	{ "hex_upper", "0XFF", 0, 255 },
	{ "hex_mixed", "0xDeadBeef", 0, 0xdeadbeef },
	{ "hex_most", "0xffffffffffffffff", 0, UINT64_MAX },
	{ "hex_one_too_many", "0x10000000000000000", -ERANGE, 0 },
	{ "hex_leading_zeros", "0x00000000000000000000001", 0, 1 },
	{ "empty", "", -EINVAL, 0 },
	{ "x_alone", "0x", -EINVAL, 0 },
	{ "x_without_zero", "xff", -EINVAL, 0 },
	{ "letter_in_decimal", "12a", -EINVAL, 0 },
	{ "letter_beyond_hex", "0x1g", -EINVAL, 0 },
	{ "minus", "-1", -EINVAL, 0 },
	{ "plus", "+1", -EINVAL, 0 },
	{ "blank_before", " 1", -EINVAL, 0 },
	{ "blank_behind", "1 ", -EINVAL, 0 },
	{ "unit", "10k", -EINVAL, 0 },
	{ "one_below_zero", "/", -EINVAL, 0 },
	{ "one_above_nine", ":", -EINVAL, 0 },
	{ "one_below_a", "0x`", -EINVAL, 0 },
	{ "at_sign", "0x@", -EINVAL, 0 },
	{ "high_byte", "\xb1", -EINVAL, 0 },
};

TEST_EACH(parse, parses)
{
	u64 v = 4711;

	CHECK_EQ(kstrtou64(row->text, &v), row->err);
	CHECK_EQ(v, row->err ? 4711 : row->value); /* untouched on error */
}

/* --- Copies of text ------------------------------------------------------------------------------------------------------------------ */

static const struct copy_row {
	const char *name, *text;
	size_t size;
	ssize_t ret;
	const char *want;
} copies[] = {
	{ "fits", "abc", 8, 3, "abc" },
	{ "just_fits", "abc", 4, 3, "abc" },
	{ "one_too_long", "abcd", 4, -E2BIG, "abc" },
	{ "much_too_long", "abcdefghijkl", 4, -E2BIG, "abc" },
	{ "room_for_the_end", "abc", 1, -E2BIG, "" },
	{ "empty", "", 1, 0, "" },
	{ "empty_with_room", "", 8, 0, "" },
};

TEST_EACH(copy, copies)
{
	char d[9];

	memset(d, 0x7e, sizeof(d));
	CHECK_EQ(strscpy(d, row->text, row->size), row->ret);
	CHECK_STR(d, row->want);
	CHECK_EQ(d[row->size], 0x7e);
}

KTEST_MAIN()
