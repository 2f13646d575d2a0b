// SPDX-License-Identifier: MIT
/*
 * Filter rules as text: what nft= of the command line and the API hand to the parser, and what it makes of a rule.
 *
 * Input: the text; a NUL ends it. A sound rule is printed and read back as the same rule; a list that the parser takes is
 * taken by the table, and the table then judges a packet.
 */
#include "fuzz.h"

#include "../../net/ipv4/nft.h"
#include "onehost.h"
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>

static char page[1 << 18];

void fuzz_setup(void)
{
	onehost_up(ONEHOST_BARE, true);
	onehost_forget_neighbours();
}

static const char *printed(const struct nft_rule *r)
{
	static char text[2][2048];
	static u32 which;
	char *buf = text[which++ % 2];
	int n = snprintf(buf, sizeof(text[0]), "%s ", nft_hook_name(r->hook));
	struct seq_file m = { .buf = buf, .size = sizeof(text[0]), .len = (size_t)n };

	nft_rule_show(&m, r);
	FUZZ_CHECK(!m.overflow);
	return buf;
}

static void read_back(const struct nft_rule *r)
{
	char why[NFT_WHY_MAX];
	struct nft_statement again;
	const char *text = printed(r), *p = text;

	FUZZ_CHECK_EQ(nft_parse(&p, &again, why), 0);
	FUZZ_CHECK(!*p && !again.is_policy && again.rule.hook == r->hook);
	FUZZ_CHECK(strcmp(printed(&again.rule), text) == 0);
}

/* Every statement by itself; returns whether all are sound. */
static bool each_statement(const char *text)
{
	char why[NFT_WHY_MAX];
	struct nft_statement st;

	for (;;) {
		int err;

		memset(why, 0, sizeof(why));
		err = nft_parse(&text, &st, why);
		if (err == -ENOENT)
			return true;
		if (err) {
			FUZZ_CHECK_EQ(err, -EINVAL);
			FUZZ_CHECK(why[0] && memchr(why, 0, sizeof(why)));
			return false;
		}
		FUZZ_CHECK(!why[0] && st.rule.nr_matches <= NFT_MAX_MATCHES);
		if (!st.is_policy)
			read_back(&st.rule);
	}
}

/* One packet from the wire, which is answered when the rules let both pass. */
static void hear(size_t which)
{
	static const u8 proto[] = { IPPROTO_ICMP, IPPROTO_UDP, IPPROTO_TCP };
	u8 packet[64] = { 0 };

	onehost_ip_header(packet, PEER_IP, OUR_IP, proto[which], 24);
	packet[20] = which ? 4 : ICMP_ECHO;
	packet[23] = 80;
	packet[25] = 24; /* of UDP; of TCP the sequence number */
	packet[32] = 0x50;
	packet[33] = TCPHDR_SYN;
	onehost_fix_checksums(packet, 44);
	onehost_feed_ip(packet, 44);
}

void fuzz_one(const u8 *data, size_t size)
{
	struct seq_file m = { .buf = page, .size = sizeof(page), .arg = host.net };
	char *copy = malloc(size + 1); /* exactly as long: the sanitizer sees the end */
	char why[NFT_WHY_MAX];

	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	FUZZ_CHECK_EQ(each_statement(copy), nft_check(copy, why) == 0);
	if (nft_add(host.net, copy, why) == 0) {
		hear(size % 3);
		nft_show(&m);
	}
	nft_flush(host.net);
	free(copy);
}
