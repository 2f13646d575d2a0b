// SPDX-License-Identifier: MIT
/* What printk() and the pages print: the formats of <lib/printf.h> that C has not, and the edges of those it has. */
#include "host.h"
#include "ktest.h"

#include <limits.h>

#include <kernel/ksyms.h>
#include <kernel/printk.h>
#include <lib/printf.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat"

const struct ksym ksyms[] = { { 0x1000, 1 }, { 0x1100, 7 }, { 0x2000, 0 } };
const u32 nr_ksyms = 3;
const char ksym_names[] = "\0first\0other";

static const u8 addr[] = { 10, 0, 2, 255 }, zeros[6], mac[] = { 0x52, 0x54, 0, 0xab, 0xcd, 0xef };

static const struct pointer {
	const char *name, *format;
	const void *p;
	const char *want;
} pointers[] = {
	{ "ipv4", "%pI4", addr, "10.0.2.255" },
	{ "ipv4_zero", "%pI4", zeros, "0.0.0.0" },
	{ "ipv4_right", "[%14pI4]", addr, "[    10.0.2.255]" },
	{ "ipv4_left", "[%-14pI4]", addr, "[10.0.2.255    ]" },
	{ "ipv4_too_narrow", "[%3pI4]", addr, "[10.0.2.255]" },
	{ "ipv4_then_text", "%pI4/24", addr, "10.0.2.255/24" },
	{ "ipv4_then_digit", "%pI46", addr, "10.0.2.2556" },
	{ "mac", "%pM", mac, "52:54:00:ab:cd:ef" },
	{ "mac_zero", "%pM", zeros, "00:00:00:00:00:00" },
	{ "mac_right", "[%20pM]", mac, "[   52:54:00:ab:cd:ef]" },
	{ "mac_left", "[%-20pM]", mac, "[52:54:00:ab:cd:ef   ]" },
	{ "symbol_begin", "%pS", (void *)0x1000, "first+0x0" },
	{ "symbol_inside", "%pS", (void *)0x10ff, "first+0xff" },
	{ "symbol_next", "%pS", (void *)0x1100, "other+0x0" },
	{ "symbol_before_all", "%pS", (void *)0xfff, "0xfff" },
	{ "symbol_behind_all", "%pS", (void *)0x2000, "0x2000" },
	{ "symbol_padded", "[%12pS]", (void *)0x1001, "[   first+0x1]" },
	{ "pointer", "%p", (void *)0xabc, "0xabc" },
	{ "pointer_null", "%p", NULL, "0x0" },
	{ "pointer_wide", "[%10p]", (void *)0xabc, "[     0xabc]" },
	{ "pointer_zeros", "[%010p]", (void *)0xabc, "[0x00000abc]" },
	{ "pointer_unknown_letter", "%pX", (void *)0xabc, "0xabcX" },
	{ "pointer_half_extension", "%pI6", (void *)0xabc, "0xabcI6" },
	{ "string_null", "%s", NULL, "(null)" },
	{ "string_null_cut", "%.3s", NULL, "(nu" },
	{ "string_empty", "[%5s]", "", "[     ]" },
	{ "string_cut", "[%5.2s]", "abc", "[   ab]" },
	{ "string_left", "[%-5s]", "abc", "[abc  ]" },
	{ "string_point_nothing", "[%.s]", "abc", "[]" },
};

TEST_EACH(pointer, pointers)
{
	char t[64];
	int n = scnprintf(t, sizeof(t), row->format, row->p);

	CHECK_STR(t, row->want);
	CHECK_EQ(n, strlen(row->want));
}

static const struct number {
	const char *name, *format;
	long v;
	const char *want;
} numbers[] = {
	{ "least_64", "%ld", LONG_MIN, "-9223372036854775808" },
	{ "largest_64", "%lu", -1, "18446744073709551615" },
	{ "least_32", "%d", INT_MIN, "-2147483648" },
	{ "byte_wraps", "%hhu", 256 + 7, "7" },
	{ "byte_sign", "%hhd", 0xff, "-1" },
	{ "short_wraps", "%hx", 0x12345, "2345" },
	{ "zeros_give_way_to_precision", "[%08.3d]", 5, "[     005]" },
	{ "zeros_give_way_to_left", "[%-08d]", 5, "[5       ]" },
	{ "plus_beats_blank", "[%+ d]", 5, "[+5]" },
	{ "no_digits_for_zero", "[%.0d]", 0, "[]" },
	{ "octal_zero_with_mark", "%#o", 0, "0" },
	{ "octal_no_digits_with_mark", "%#.0o", 0, "0" },
	{ "hex_zero_has_no_mark", "%#x", 0, "0" },
	{ "hex_mark_and_zeros", "%#010x", 0xbeef, "0x0000beef" },
	{ "hex_upper_mark", "%#X", 0xbeef, "0XBEEF" },
	{ "character_padded", "[%3c]", 'x', "[  x]" },
	{ "percent", "100%%", 0, "100%" },
	{ "unknown_shows_itself", "[%k]", 1, "[%k]" },
	{ "unknown_with_flags", "[%-5.2q]", 1, "[%-5.2q]" },
	{ "float_is_unknown", "%f", 1, "%f" },
	{ "cut_inside_a_conversion", "x%", 1, "x%" },
	{ "cut_inside_a_length", "x%l", 1, "x%l" },
};

TEST_EACH(number, numbers)
{
	char t[64];

	scnprintf(t, sizeof(t), row->format, row->v);
	CHECK_STR(t, row->want);
}

static const struct star {
	const char *name, *format;
	int a, b;
	const char *want;
} stars[] = {
	{ "width", "[%*d]", 5, 7, "[    7]" },
	{ "width_negative", "[%*d]", -5, 7, "[7    ]" },
	{ "width_0", "[%*d]", 0, 7, "[7]" },
	{ "precision", "[%.*d]", 3, 7, "[007]" },
	{ "precision_negative_is_none", "[%.*d]", -3, 7, "[7]" },
};

TEST_EACH(star, stars)
{
	char t[64];

	scnprintf(t, sizeof(t), row->format, row->a, row->b);
	CHECK_STR(t, row->want);
}

static const struct room {
	const char *name;
	size_t size;
	int n;
	const char *want;
} rooms[] = {
	{ "none", 0, 0, "untouched" },   { "for_the_end", 1, 0, "" },
	{ "for_one", 2, 1, "v" },        { "one_less", 9, 8, "value 12" },
	{ "exact", 10, 9, "value 123" }, { "more", 32, 9, "value 123" },
};

TEST_EACH(room, rooms)
{
	char t[32] = "untouched";

	CHECK_EQ(scnprintf(t, row->size, "value %d", 123), row->n);
	CHECK_STR(t, row->want);
}

/* --- Lines of the log ------------------------------------------------------------------------------------------------------------ */
static const struct level {
	const char *name;
	enum log_level line, max;
	bool shown;
} levels[] = {
	{ "crit_under_emerg", LOG_CRIT, LOG_EMERG, false },
	{ "crit_at_crit", LOG_CRIT, LOG_CRIT, true },
	{ "err_under_info", LOG_ERR, LOG_INFO, true },
	{ "warning_above_err", LOG_WARNING, LOG_ERR, false },
	{ "debug_above_info", LOG_DEBUG, LOG_INFO, false },
	{ "debug_at_debug", LOG_DEBUG, LOG_DEBUG, true },
	{ "emerg_at_emerg", LOG_EMERG, LOG_EMERG, true },
};

TEST_EACH(level, levels)
{
	host_console_clear();
	printk_set_level(row->max);
	printk(row->line, "a line");
	printk_set_level(LOG_INFO);
	CHECK_EQ(strstr(host_console(), "a line\n") != NULL, row->shown);
}

static const struct stamp {
	const char *name;
	u64 ns;
	const char *want;
} stamps[] = {
	{ "microsecond", 1001999, "[    0.001001] x\n" },
	{ "second", NSEC_PER_SEC, "[    1.000000] x\n" },
	{ "just_before", 2 * NSEC_PER_SEC - 1, "[    1.999999] x\n" },
	{ "day", 86400ULL * NSEC_PER_SEC, "[86400.000000] x\n" },
	{ "two_days", 172800ULL * NSEC_PER_SEC, "[172800.000000] x\n" },
};

TEST_EACH(stamp, stamps)
{
	host_clock_set(row->ns);
	host_console_clear();
	pr_info("x");
	CHECK_STR(host_console(), row->want);
}

int main(int argc, char **argv)
{
	host_console_quiet(true);
	return ktest_run(argc, argv);
}
