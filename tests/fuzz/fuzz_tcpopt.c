// SPDX-License-Identifier: MIT
/*
 * TCP options: the parser against a second reading of the RFC, and what we build against the parser.
 *
 * Input: the option bytes of a header (0..40 count, longer ones are parsed too).
 * Specs: RFC 9293 3.1, MUST-6, MUST-7, MUST-64; RFC 7323 2.3.
 */
#include "fuzz.h"

#include "../../net/tcp/tcp_internal.h"

void fuzz_setup(void)
{
}

/* Options as a table of (kind, whole length): only a length that the kind has counts. */
static void read_again(const u8 *p, size_t len, struct tcp_options *o)
{
	size_t i = 0;

	memset(o, 0, sizeof(*o));
	while (i < len && p[i] != 0) {
		size_t n = i + 1 < len ? p[i + 1] : 0;

		if (p[i] == 1) {
			i++;
			continue;
		}
		if (n < 2 || n > len - i)
			return;
		if (p[i] == 2 && n == 4)
			o->mss = (u16)(p[i + 2] << 8 | p[i + 3]);
		if (p[i] == 3 && n == 3) {
			o->wscale_ok = true;
			o->wscale = p[i + 2] < 14 ? p[i + 2] : 14;
		}
		if (p[i] == 4)
			o->sack_ok = n == 2;
		if (p[i] == 8 && n == 10) {
			o->tstamp_ok = true;
			o->tsval = get_unaligned_be32(p + i + 2);
			o->tsecr = get_unaligned_be32(p + i + 6);
		}
		i += n;
	}
}

static void check_equal(const struct tcp_options *a, const struct tcp_options *b)
{
	FUZZ_CHECK_EQ(a->mss, b->mss);
	FUZZ_CHECK_EQ(a->wscale_ok, b->wscale_ok);
	FUZZ_CHECK_EQ(a->wscale, b->wscale);
	FUZZ_CHECK_EQ(a->sack_ok, b->sack_ok);
	FUZZ_CHECK_EQ(a->tstamp_ok, b->tstamp_ok);
	FUZZ_CHECK_EQ(a->tsval, b->tsval);
	FUZZ_CHECK_EQ(a->tsecr, b->tsecr);
}

/* What a SYN of ours announces is what a peer like us reads. */
static void round_trip(u16 mss, u8 which, u8 wscale)
{
	struct tcp_out_options w = { .mss = mss,
				     .wscale_ok = which & 1,
				     .wscale = wscale,
				     .sack_perm = which & 2,
				     .tstamp_ok = which & 4,
				     .tsval = which & 4 ? mss * 77777u : 0,
				     .tsecr = which & 4 ? mss : 0 };
	struct tcp_options o;
	u8 built[TCP_MAX_OPTIONS];
	u32 n = tcp_options_write(built, &w);

	FUZZ_CHECK_EQ(n, tcp_options_len(&w));
	FUZZ_CHECK_EQ(n % 4, 0);
	tcp_options_parse(built, n, &o);
	FUZZ_CHECK_EQ(o.mss, mss);
	FUZZ_CHECK_EQ(o.wscale_ok, w.wscale_ok);
	FUZZ_CHECK_EQ(o.wscale, w.wscale_ok ? wscale : 0);
	FUZZ_CHECK_EQ(o.sack_ok, w.sack_perm);
	FUZZ_CHECK_EQ(o.tstamp_ok, w.tstamp_ok);
	FUZZ_CHECK_EQ(o.tsval, w.tsval);
	FUZZ_CHECK_EQ(o.tsecr, w.tsecr);
}

void fuzz_one(const u8 *data, size_t size)
{
	struct tcp_options o, again;

	tcp_options_parse(data, (u32)size, &o);
	read_again(data, size, &again);
	check_equal(&o, &again);
	if (size >= 4)
		round_trip((u16)(data[0] << 8 | data[1]), data[2], data[3] % (TCP_MAX_WSCALE + 1));
}
