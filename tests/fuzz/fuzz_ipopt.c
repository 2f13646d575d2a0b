// SPDX-License-Identifier: MIT
/*
 * IPv4 options: the walk that decides which packets with options come in, and the check and completion of those that an
 * application puts on its own.
 *
 * Input: the option bytes of a header; filled up with END to a multiple of four, 40 at most. The walk is internal to
 * net/ipv4/ip_input.c, so that file is compiled into this target.
 * Specs: RFC 791 3.1; RFC 7126 (source routes).
 */
#include "fuzz.h"

#include "../../net/ipv4/ip_input.c"

void fuzz_setup(void)
{
}

/* The same judgement by indices: 0 stop, 1 skip, otherwise a length that fits and (on input) no source route. */
static bool judge_again(const u8 *p, size_t len, bool input)
{
	for (size_t i = 0; i < len && p[i] != 0;) {
		size_t n = i + 1 < len ? p[i + 1] : 0;

		if (p[i] == 1) {
			i++;
			continue;
		}
		if (n < 2 || n > len - i || (input && (p[i] == 131 || p[i] == 137)))
			return false;
		i += n;
	}
	return true;
}

/* What is accepted from an application goes out well formed, as long as it was, within its bounds. */
static void compile_and_build(const u8 *data, size_t size)
{
	struct ip_options opt;
	u8 *wire;

	if (ip_options_compile(&opt, data, (u32)size) < 0)
		return;
	FUZZ_CHECK(size <= 40 && opt.optlen == ALIGN(size, 4));
	FUZZ_CHECK(judge_again(opt.data, opt.optlen, false));
	wire = malloc(opt.optlen ? opt.optlen : 1);
	ip_options_build(&opt, wire, htonl(0x0a000001), htonl(0x0a000002));
	FUZZ_CHECK(judge_again(wire, opt.optlen, false));
	if (opt.srr)
		FUZZ_CHECK(memcmp(wire + opt.srr + wire[opt.srr] - 5, "\12\0\0\2", 4) == 0);
	free(wire);
}

/* What is accepted turns round into bytes that fit; a source route alone into one that an application could have set. */
static void turn_round(const struct iphdr *iph)
{
	u8 back[IP_OPTIONS_MAX];
	struct ip_options opt;
	u32 n = ip_options_echo(iph, true, back);

	FUZZ_CHECK(n <= sizeof(back) && n % 4 == 0);
	FUZZ_CHECK(!n || ip_options_compile(&opt, back, n) == 0);
	n = ip_options_echo(iph, false, back);
	FUZZ_CHECK(n <= sizeof(back) && judge_again(back, n, false));
}

void fuzz_one(const u8 *data, size_t size)
{
	static struct ipv4_net ipv4;
	static struct net net = { .ipv4 = &ipv4 };

	size_t len = size < 40 ? size : 40, whole = sizeof(struct iphdr) + ALIGN(len, 4);
	u8 *packet = calloc(1, whole); /* exactly as long: the sanitizer sees the end */
	struct iphdr *iph = (struct iphdr *)(void *)packet;

	iph->ver_ihl = (u8)(0x40 | whole / 4);
	if (len)
		memcpy(iph + 1, data, len);
	ipv4.accept_source_route = false;
	FUZZ_CHECK_EQ(ip_options_ok(&net, iph),
		      judge_again((const u8 *)(iph + 1), ALIGN(len, 4), true));
	ipv4.accept_source_route = true;
	if (ip_options_ok(&net, iph))
		turn_round(iph);
	free(packet);
	compile_and_build(data, size);
}
