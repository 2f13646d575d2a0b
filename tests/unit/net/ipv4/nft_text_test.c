// SPDX-License-Identifier: MIT
/* Filter rules as text: what is read as what, what is printed, and each mistake in words that name it. */
#include "host.h"
#include "ktest.h"

#include "../../../../net/ipv4/nft.h"
#include <kernel/proc.h>
#include <lib/err.h>

static const char *printed(const struct nft_rule *r)
{
	static char buf[1024];
	struct seq_file m = { .buf = buf, .size = sizeof(buf) };

	buf[0] = 0;
	nft_rule_show(&m, r);
	CHECK(!m.overflow);
	return buf;
}

#define C0 " counter packets 0 bytes 0"

static const struct {
	const char *name, *text, *printed;
} sound[] = {
	{ "drop_first", "out drop ip daddr 10.0.2.2 udp dport 9",
	  "ip daddr 10.0.2.2 udp dport 9" C0 " drop" },
	{ "drop_last", "output ip daddr 10.0.2.2 udp dport 9 drop",
	  "ip daddr 10.0.2.2 udp dport 9" C0 " drop" },
	{ "only_a_verdict", "in accept", "counter packets 0 bytes 0 accept" },
	{ "only_a_counter", "post counter", "counter packets 0 bytes 0" },
	{ "continue", "pre continue", "counter packets 0 bytes 0" },
	{ "prefix", "in ip saddr 10.1.2.3/8 accept", "ip saddr 10.0.0.0/8" C0 " accept" },
	{ "prefix_0", "in ip saddr 10.1.2.3/0 accept", "ip saddr 0.0.0.0/0" C0 " accept" },
	{ "prefix_32", "in ip saddr 10.1.2.3/32 accept", "ip saddr 10.1.2.3" C0 " accept" },
	{ "not_prefix", "in ip saddr != 10.0.0.0/24 drop", "ip saddr != 10.0.0.0/24" C0 " drop" },
	{ "equal_is_silent", "in ip saddr == 10.0.0.1 drop", "ip saddr 10.0.0.1" C0 " drop" },
	{ "address_range", "in ip daddr 10.0.0.1-10.0.0.9", "ip daddr 10.0.0.1-10.0.0.9" C0 },
	{ "protocol_by_name", "in ip protocol udp drop", "ip protocol udp" C0 " drop" },
	{ "protocol_by_number", "in ip protocol 17 drop", "ip protocol udp" C0 " drop" },
	{ "protocol_unknown", "in ip protocol 0xc8 drop", "ip protocol 200" C0 " drop" },
	{ "port_range", "out tcp sport 1024-2047", "tcp sport 1024-2047" C0 },
	{ "port_limits", "out udp dport 0-65535", "udp dport 0-65535" C0 },
	{ "not_port", "out tcp dport != 80 drop", "tcp dport != 80" C0 " drop" },
	{ "one_of_flags", "in tcp flags syn,ack", "tcp flags syn,ack" C0 },
	{ "none_of_flags", "in tcp flags != syn", "tcp flags != syn" C0 },
	{ "flags_of_mask", "in tcp flags syn/syn,ack,rst,fin drop",
	  "tcp flags syn/fin,syn,rst,ack" C0 " drop" },
	{ "flags_of_mask_apart", "in tcp flags syn / syn,ack drop",
	  "tcp flags syn/syn,ack" C0 " drop" },
	{ "flags_of_mask_half_apart", "in tcp flags syn /syn,ack drop",
	  "tcp flags syn/syn,ack" C0 " drop" },
	{ "not_flags_of_mask", "in tcp flags != syn/syn,ack", "tcp flags != syn/syn,ack" C0 },
	{ "all_flags",
	  "in tcp flags fin,syn,rst,psh,ack,urg,ecn,cwr/fin,syn,rst,psh,ack,urg,ecn,cwr",
	  "tcp flags fin,syn,rst,psh,ack,urg,ecn,cwr/fin,syn,rst,psh,ack,urg,ecn,cwr" C0 },
	{ "icmp_type", "in icmp type echo-request drop", "icmp type echo-request" C0 " drop" },
	{ "icmp_type_number", "in icmp type 3", "icmp type destination-unreachable" C0 },
	{ "icmp_type_range", "in icmp type 41-255", "icmp type 41-255" C0 },
	{ "mark", "out meta mark 5", "meta mark 0x00000005" C0 },
	{ "mark_short", "out mark != 0x10-0xffffffff", "meta mark != 0x00000010-0xffffffff" C0 },
	{ "ttl_dscp_length", "in ip ttl 1 ip dscp 46 ip length 0-100",
	  "ip ttl 1 ip dscp 46 ip length 0-100" C0 },
	{ "interface_in", "in iifname eth0 accept", "meta iifname \"eth0\"" C0 " accept" },
	{ "interface_out", "out meta oif != \"lo\" drop", "meta oifname != \"lo\"" C0 " drop" },
	{ "set_mark", "out meta mark set 7", "meta mark set 0x00000007" C0 },
	{ "set_all", "out ip ttl set 9 ip dscp set 63 mark set 1 accept",
	  "meta mark set 0x00000001 ip dscp set 63 ip ttl set 9" C0 " accept" },
	{ "limit", "in limit rate 10/second accept",
	  "limit rate 10/second burst 5 packets" C0 " accept" },
	{ "limit_over", "in limit rate over 1/day burst 10000 packets drop",
	  "limit rate over 1/day burst 10000 packets" C0 " drop" },
	{ "reject", "in tcp dport 25 reject", "tcp dport 25" C0 " reject" },
	{ "reject_icmp", "out udp dport 53 reject with icmp port-unreachable",
	  "udp dport 53" C0 " reject" },
	{ "reject_icmp_type", "pre reject with icmp type port-unreachable",
	  "counter packets 0 bytes 0 reject" },
	{ "reject_reset", "in reject with tcp reset",
	  "counter packets 0 bytes 0 reject with tcp reset" },
	{ "blanks", "\t in \n ip   protocol\ttcp\r drop ", "ip protocol tcp" C0 " drop" },
	{ "listed", "in counter packets 3 bytes 180 accept", "counter packets 0 bytes 0 accept" },
};

TEST_EACH(sound_rule, sound)
{
	struct nft_statement st, again;
	char why[NFT_WHY_MAX] = "", text[512];
	const char *p = row->text, *q = text;

	CHECK_EQ(nft_parse(&p, &st, why), 0);
	CHECK_STR(why, "");
	CHECK(!st.is_policy && *p == 0);
	CHECK_STR(printed(&st.rule), row->printed);
	/* What is printed is read back as the same rule. */
	snprintf(text, sizeof(text), "%s %s", nft_hook_name(st.rule.hook), printed(&st.rule));
	CHECK_EQ(nft_parse(&q, &again, why), 0);
	CHECK_STR(printed(&again.rule), row->printed);
	CHECK_EQ(again.rule.hook, st.rule.hook);
	CHECK_EQ(nft_check(row->text, why), 0);
}

static const struct {
	const char *name, *text;
	u8 hook, verdict;
} policies[] = {
	{ "in_drop", "in policy drop", NF_INET_LOCAL_IN, NFT_DROP },
	{ "out_accept", " output  policy accept ;", NF_INET_LOCAL_OUT, NFT_ACCEPT },
	{ "pre_drop", ";;prerouting policy drop", NF_INET_PRE_ROUTING, NFT_DROP },
	{ "post_accept", "post policy accept", NF_INET_POST_ROUTING, NFT_ACCEPT },
};

TEST_EACH(policy, policies)
{
	struct nft_statement st;
	char why[NFT_WHY_MAX] = "";
	const char *p = row->text;

	CHECK_EQ(nft_parse(&p, &st, why), 0);
	CHECK(st.is_policy);
	CHECK_EQ(st.rule.hook, row->hook);
	CHECK_EQ(st.rule.verdict, row->verdict);
	CHECK_EQ(nft_parse(&p, &st, why), -ENOENT);
}

TEST(statements_stand_between_semicolons)
{
	struct nft_statement st;
	char why[NFT_WHY_MAX] = "";
	const char *p = "; in drop;;out accept;post policy drop ;  ";

	CHECK_EQ(nft_parse(&p, &st, why), 0);
	CHECK_EQ(st.rule.hook, NF_INET_LOCAL_IN);
	CHECK_EQ(nft_parse(&p, &st, why), 0);
	CHECK_EQ(st.rule.hook, NF_INET_LOCAL_OUT);
	CHECK_EQ(nft_parse(&p, &st, why), 0);
	CHECK(st.is_policy);
	CHECK_EQ(nft_parse(&p, &st, why), -ENOENT);
	CHECK_EQ(nft_check("", why), 0);
	CHECK_EQ(nft_check(";;", why), 0);
}

#define M "meta mark 1 "

static const struct {
	const char *name, *text, *why;
} wrong[] = {
	{ "no_place", "drop", "'drop': a rule begins with in, out, pre or post" },
	{ "forward", "forward drop", "'forward': this host forwards nothing" },
	{ "nothing_behind", "in", "at the end: a rule has something behind its place" },
	{ "unknown_word", "in drpo", "'drpo': unknown word" },
	{ "second_statement", "in drop; out fly", "'fly': unknown word" },
	{ "two_verdicts", "in accept drop", "'drop': a rule has one verdict" },
	{ "same_verdict_twice", "in drop drop", "'drop': a rule has one verdict" },
	{ "unknown_field", "in ip banana 5", "'banana': no such field of a packet" },
	{ "unknown_meta", "in meta banana 5", "'banana': no such field of a packet" },
	{ "field_missing", "in tcp", "at the end: no such field of a packet" },
	{ "value_missing", "in tcp dport", "at the end: a value is missing" },
	{ "value_missing_negated", "in tcp dport !=", "at the end: a value is missing" },
	{ "address", "in ip saddr 10.0.0", "'10.0.0': no IPv4 address, prefix or range" },
	{ "address_256", "in ip saddr 10.0.0.256", "'10.0.0.256': no IPv4 address" },
	{ "address_name", "in ip saddr host", "'host': no IPv4 address, prefix or range" },
	{ "prefix_33", "in ip saddr 10.0.0.0/33",
	  "'10.0.0.0/33': the prefix length must be 0..32" },
	{ "prefix_missing", "in ip saddr 10.0.0.0/", "'10.0.0.0/': the prefix length" },
	{ "prefix_of_nothing", "in ip saddr /8", "'/8': no IPv4 address" },
	{ "range_with_prefix", "in ip saddr 10.0.0.1-10.0.0.9/8", "no IPv4 address" },
	{ "range_backwards", "in ip saddr 10.0.0.9-10.0.0.1", "the range is empty" },
	{ "port_65536", "in tcp dport 65536", "'65536': no value that fits here" },
	{ "port_range_open", "in tcp dport 1-", "'1-': no value that fits here" },
	{ "port_range_no_begin", "in tcp dport -5", "'-5': no value that fits here" },
	{ "port_range_backwards", "in tcp dport 9-1", "'9-1': the range is empty" },
	{ "port_negative", "in udp dport --", "'--': no value" },
	{ "protocol_256", "in ip protocol 256", "'256': no value that fits here" },
	{ "protocol_name", "in ip protocol sctp", "'sctp': no value that fits here" },
	{ "flag_name", "in tcp flags sin", "'sin': must be names of TCP flags" },
	{ "flag_empty", "in tcp flags syn,", "'syn,': must be names of TCP flags" },
	{ "flag_mask_empty", "in tcp flags syn/ drop", "'syn/': must be names of TCP flags" },
	{ "flag_mask_missing", "in tcp flags syn /", "at the end: must be names of TCP flags" },
	{ "flag_mask_name", "in tcp flags syn / sin", "'sin': must be names of TCP flags" },
	{ "icmp_name", "in icmp type pong", "'pong': no value that fits here" },
	{ "two_protocols", "in tcp dport 5 udp sport 4",
	  "'4': the rule is about another protocol already" },
	{ "reset_of_udp", "in udp dport 5 reject with tcp reset",
	  "'reset': the rule is about another protocol already" },
	{ "interface_long", "in iif abcdefghijklmnop",
	  "'abcdefghijklmnop': no name of an interface" },
	{ "interface_empty", "in iif \"\"", "no name of an interface" },
	{ "interface_quote", "in iif \"eth0", "no name of an interface" },
	{ "interface_twice", "in iif eth0 iif eth1", "'eth1': one name of an interface is enough" },
	{ "interface_out_of_input", "in oif eth0", "'eth0': what is received goes out nowhere" },
	{ "interface_in_of_output", "post iif eth0", "'eth0': what is sent came in nowhere" },
	{ "set_port", "out tcp dport set 5", "'5': only mark, ttl and dscp can be set" },
	{ "set_ttl_0", "out ip ttl set 0", "'0': no value that fits here" },
	{ "set_ttl_256", "out ip ttl set 256", "'256': no value that fits here" },
	{ "set_dscp_64", "out ip dscp set 64", "'64': no value that fits here" },
	{ "set_nothing", "out mark set", "at the end: no value that fits here" },
	{ "limit_no_rate", "in limit 10/second", "'10/second': limit goes on with rate" },
	{ "limit_unit", "in limit rate 10/week", "'10/week': must be 1..1000000/second" },
	{ "limit_no_unit", "in limit rate 10", "'10': must be 1..1000000/second" },
	{ "limit_0", "in limit rate 0/second", "'0/second': must be 1..1000000/second" },
	{ "limit_large", "in limit rate 1000001/second", "must be 1..1000000/second" },
	{ "limit_twice", "in limit rate 1/hour limit rate 2/hour", "'limit': one limit" },
	{ "burst_0", "in limit rate 1/hour burst 0 packets", "'0': burst must be 1..10000" },
	{ "burst_large", "in limit rate 1/hour burst 10001 packets", "'10001': burst must be" },
	{ "burst_bytes", "in limit rate 1/hour burst 5 bytes", "'bytes': burst is counted" },
	{ "reject_late", "post reject", "'reject': too late for a refusal" },
	{ "reject_with_nothing", "in reject with", "at the end: with goes on with" },
	{ "reject_tcp_only", "in reject with tcp", "at the end: tcp goes on with reset" },
	{ "reject_other_code", "in reject with icmp type host-unreachable",
	  "'host-unreachable': only port-unreachable is sent" },
	{ "policy_reject", "in policy reject", "'reject': a policy is accept or drop" },
	{ "policy_more", "in policy drop drop", "'drop': nothing stands behind a policy" },
	{ "counter_words", "in counter packets many", "'many': must be a number" },
	{ "counter_bytes", "in counter packets 1 bytes", "at the end: must be a number" },
	{ "nine_conditions", "in " M M M M M M M M M, "'1': too many conditions in one rule" },
	{ "no_room_for_protocol", "in " M M M M M M M M "tcp dport 5",
	  "'5': too many conditions in one rule" },
	{ "long_word",
	  "in ip protocol tcpppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
	  "pppppppppppppppppppppppppp",
	  "ppp...': no value that fits here" },
};

TEST_EACH(mistake, wrong)
{
	char why[NFT_WHY_MAX] = "";

	CHECK_EQ(nft_check(row->text, why), -EINVAL);
	if (!strstr(why, row->why))
		CHECK_STR(why, row->why);
	CHECK(strlen(why) < NFT_WHY_MAX);
}

KTEST_MAIN()
