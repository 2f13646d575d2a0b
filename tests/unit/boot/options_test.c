// SPDX-License-Identifier: MIT
/* The keys of the kernel command line, one by one: what each takes, what it refuses, and what is the default. */
#include "host.h"
#include "ktest.h"

#include "../../../boot/options.h"

#include <kernel/fault.h>
#include <kernel/printk.h>
#include <lib/byteorder.h>
#include <net/sch_generic.h>

static struct boot_options o;

static int parse(const char *line)
{
	host_console_clear();
	return boot_options_parse(&o, line, "send");
}

TEST(defaults)
{
	CHECK_EQ(parse(""), 0);
	CHECK(o.dhcp && !o.addr && !o.gw && !o.dns[0] && !o.nr_neigh && !o.nr_sysctl);
	CHECK(o.nic.mtu == 1500 && o.nic.txqueuelen == 1000 && o.nic.tx_ring == 256 &&
	      o.nic.rx_ring == 256);
	CHECK(!o.nic.csum && !o.nic.tso && !o.nic.no_sg && !o.nic.no_gso);
	CHECK(!o.nic.txirq_always && !o.stats && !o.rng_seeded);
	CHECK_EQ(o.loglevel, LOG_INFO);
	CHECK(o.args.argc == 1 && !strcmp(o.args.argv[0], "send"));
}

static const struct address {
	const char *name, *line;
	int errors;
	bool dhcp;
	u32 addr, gw, dns;
	u8 prefixlen;
} addresses[] = {
	{ "dhcp", "ip=dhcp", 0, true, 0, 0, 0, 0 },
	{ "alone", "ip=10.0.2.15/24", 0, false, 0x0a00020f, 0, 0, 24 },
	{ "gateway", "ip=10.0.2.15/24,gw=10.0.2.2", 0, false, 0x0a00020f, 0x0a000202, 0, 24 },
	{ "all", "ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3", 0, false, 0x0a00020f, 0x0a000202,
	  0x0a000203, 24 },
	{ "other_order", "ip=10.0.2.15/24,dns=10.0.2.3,gw=10.0.2.2", 0, false, 0x0a00020f,
	  0x0a000202, 0x0a000203, 24 },
	{ "dns_anywhere", "ip=10.0.2.15/24,dns=8.8.8.8", 0, false, 0x0a00020f, 0, 0x08080808, 24 },
	{ "host_route", "ip=10.0.2.15/32", 0, false, 0x0a00020f, 0, 0, 32 },
	{ "prefix_1", "ip=10.0.2.15/1,gw=1.2.3.4", 0, false, 0x0a00020f, 0x01020304, 0, 1 },
	{ "last_wins", "ip=10.0.2.15/24,gw=10.0.2.2 ip=10.0.3.1/16", 0, false, 0x0a000301, 0, 0,
	  16 },
	{ "back_to_dhcp", "ip=10.0.2.15/24 ip=dhcp", 0, true, 0, 0, 0, 0 },
	{ "empty", "ip=", 1, false, 0, 0, 0, 0 },
	{ "upper_case", "ip=DHCP", 1, false, 0, 0, 0, 0 },
	{ "no_prefix", "ip=10.0.2.15", 1, false, 0, 0, 0, 0 },
	{ "empty_prefix", "ip=10.0.2.15/", 1, false, 0, 0, 0, 0 },
	{ "prefix_0", "ip=10.0.2.15/0", 1, false, 0, 0, 0, 0 },
	{ "prefix_33", "ip=10.0.2.15/33", 1, false, 0, 0, 0, 0 },
	{ "prefix_word", "ip=10.0.2.15/x", 1, false, 0, 0, 0, 0 },
	{ "prefix_huge", "ip=10.0.2.15/99999999999999999999", 1, false, 0, 0, 0, 0 },
	{ "byte_256", "ip=10.0.2.256/24", 1, false, 0, 0, 0, 0 },
	{ "three_bytes", "ip=10.0.2/24", 1, false, 0, 0, 0, 0 },
	{ "loopback", "ip=127.0.0.1/8", 1, false, 0, 0, 0, 0 },
	{ "zero", "ip=0.0.0.0/8", 1, false, 0, 0, 0, 0 },
	{ "group", "ip=224.0.0.1/24", 1, false, 0, 0, 0, 0 },
	{ "broadcast", "ip=255.255.255.255/24", 1, false, 0, 0, 0, 0 },
	{ "gateway_elsewhere", "ip=10.0.2.15/24,gw=10.0.3.2", 1, false, 0, 0, 0, 0 },
	{ "gateway_a_group", "ip=10.0.2.15/24,gw=224.0.0.1", 1, false, 0, 0, 0, 0 },
	{ "gateway_empty", "ip=10.0.2.15/24,gw=", 1, false, 0, 0, 0, 0 },
	{ "comma_at_the_end", "ip=10.0.2.15/24,", 1, false, 0, 0, 0, 0 },
	{ "unknown_part", "ip=10.0.2.15/24,ntp=10.0.2.4", 1, false, 0, 0, 0, 0 },
	{ "address_twice", "ip=10.0.2.15/24,10.0.2.16/24", 1, false, 0, 0, 0, 0 },
};

TEST_EACH(ip, addresses)
{
	CHECK_EQ(parse(row->line), row->errors);
	if (row->errors) {
		CHECK(strstr(host_console(), "cmdline: ip="));
		return;
	}
	CHECK_EQ(o.dhcp, row->dhcp);
	CHECK_EQ(ntohl((__be32)o.addr), row->addr);
	CHECK_EQ(ntohl((__be32)o.gw), row->gw);
	CHECK_EQ(ntohl((__be32)o.dns[0]), row->dns);
	CHECK(!o.dns[1] && !o.dns[2]);
	if (!row->dhcp)
		CHECK_EQ(o.prefixlen, row->prefixlen);
}

TEST(three_name_servers_in_their_order)
{
	CHECK_EQ(parse("ip=10.0.2.15/24,dns=8.8.8.8,gw=10.0.2.2,dns=8.8.4.4,dns=9.9.9.9"), 0);
	CHECK_EQ(ntohl((__be32)o.dns[0]), 0x08080808);
	CHECK_EQ(ntohl((__be32)o.dns[1]), 0x08080404);
	CHECK_EQ(ntohl((__be32)o.dns[2]), 0x09090909);
	CHECK_EQ(parse("ip=10.0.2.15/24,dns=8.8.8.8,dns=8.8.4.4 ip=10.0.2.15/24,dns=1.1.1.1"), 0);
	CHECK_EQ(ntohl((__be32)o.dns[0]), 0x01010101);
	CHECK(!o.dns[1]);
	CHECK_EQ(parse("ip=10.0.2.15/24,dns=8.8.8.8,dns=8.8.4.4,dns=9.9.9.9,dns=1.1.1.1"), 1);
	CHECK(strstr(host_console(), "dns= may stand three times"));
}

static const struct value {
	const char *name, *line;
	int errors;
	const char *words; /* of the complaint */
} values[] = {
	{ "neigh", "neigh=10.0.2.2=52:55:0a:00:02:02", 0, NULL },
	{ "neigh_upper_hex", "neigh=10.0.2.2=52:55:0A:00:02:FE", 0, NULL },
	{ "neigh_twice", "neigh=10.0.2.2=52:55:0a:00:02:02 neigh=10.0.2.3=52:55:0a:00:02:03", 0,
	  NULL },
	{ "neigh_no_mac", "neigh=10.0.2.2", 1, "ADDRESS=MAC" },
	{ "neigh_no_address", "neigh==52:55:0a:00:02:02", 1, "ADDRESS=MAC" },
	{ "neigh_short", "neigh=10.0.2.2=52:55:0a:00:02", 1, "ADDRESS=MAC" },
	{ "neigh_long", "neigh=10.0.2.2=52:55:0a:00:02:02:03", 1, "ADDRESS=MAC" },
	{ "neigh_dashes", "neigh=10.0.2.2=52-55-0a-00-02-02", 1, "ADDRESS=MAC" },
	{ "neigh_no_hex", "neigh=10.0.2.2=52:55:0g:00:02:02", 1, "ADDRESS=MAC" },
	{ "neigh_group", "neigh=10.0.2.2=01:00:5e:00:00:01", 1, "ADDRESS=MAC" },
	{ "neigh_zero", "neigh=10.0.2.2=00:00:00:00:00:00", 1, "ADDRESS=MAC" },
	{ "acd_background", "acd=background", 0, NULL },
	{ "acd_strict", "acd=strict", 0, NULL },
	{ "acd_off", "acd=off", 0, NULL },
	{ "acd_word", "acd=on", 1, "background, strict or off" },
	{ "route", "route=10.1.0.0/16,via=10.0.2.2", 0, NULL },
	{ "route_default", "route=default,via=10.0.2.2,metric=100", 0, NULL },
	{ "route_host", "route=10.1.0.9,via=10.0.2.2,mtu=68,lock,advmss=28", 0, NULL },
	{ "route_on_the_link", "route=10.1.0.0/16", 0, NULL },
	{ "route_twice", "route=10.1.0.0/16 route=10.2.0.0/16,blackhole", 0, NULL },
	{ "route_unreachable", "route=0.0.0.0/0,unreachable,metric=4294967295", 0, NULL },
	{ "route_prohibit", "route=10.1.0.0/32,prohibit", 0, NULL },
	{ "route_of_nothing", "route=", 1, "PREFIX/LENGTH" },
	{ "route_host_bits", "route=10.1.0.1/16", 1, "PREFIX/LENGTH" },
	{ "route_33", "route=10.1.0.0/33", 1, "PREFIX/LENGTH" },
	{ "route_no_length", "route=10.1.0.0/", 1, "PREFIX/LENGTH" },
	{ "route_no_address", "route=ten/8", 1, "PREFIX/LENGTH" },
	{ "route_via_nobody", "route=10.1.0.0/16,via=there", 1, "via= must be" },
	{ "route_via_empty", "route=10.1.0.0/16,via=", 1, "PREFIX/LENGTH" },
	{ "route_metric_word", "route=10.1.0.0/16,metric=low", 1, "metric= must be" },
	{ "route_metric_above", "route=10.1.0.0/16,metric=4294967296", 1, "metric= must be" },
	{ "route_mtu_below", "route=10.1.0.0/16,mtu=67", 1, "68..65535" },
	{ "route_mtu_above", "route=10.1.0.0/16,mtu=65536", 1, "68..65535" },
	{ "route_advmss_above", "route=10.1.0.0/16,advmss=65496", 1, "28..65495" },
	{ "route_unknown_word", "route=10.1.0.0/16,fast", 1, "blackhole" },
	{ "route_comma_at_the_end", "route=10.1.0.0/16,", 1, "blackhole" },
	{ "route_that_refuses_and_leads", "route=10.1.0.0/16,prohibit,via=10.0.2.2", 1,
	  "leads nowhere" },
	{ "mtu_least", "mtu=68", 0, NULL },
	{ "mtu_most", "mtu=1500", 0, NULL },
	{ "mtu_below", "mtu=67", 1, "68..1500" },
	{ "mtu_above", "mtu=1501", 1, "68..1500" },
	{ "txqueuelen_least", "txqueuelen=1", 0, NULL },
	{ "txqueuelen_most", "txqueuelen=1000000", 0, NULL },
	{ "txqueuelen_0", "txqueuelen=0", 1, "1..1000000" },
	{ "tx_ring_least", "tx_ring=8", 0, NULL },
	{ "tx_ring_most", "tx_ring=4096", 0, NULL },
	{ "tx_ring_0", "tx_ring=0", 1, "multiple of 8" },
	{ "tx_ring_odd", "tx_ring=100", 1, "multiple of 8" },
	{ "tx_ring_above", "tx_ring=4104", 1, "multiple of 8" },
	{ "rx_ring_word", "rx_ring=banana", 1, "multiple of 8" },
	{ "txirq_always", "txirq=always", 0, NULL },
	{ "txirq_auto", "txirq=auto", 0, NULL },
	{ "txirq_never", "txirq=never", 1, "auto or always" },
	{ "csum_on", "csum=on", 0, NULL },
	{ "tso_with_csum", "tso=on csum=on", 0, NULL },
	{ "tso_before_csum", "csum=on tso=on sg=on gso=on", 0, NULL },
	{ "tso_alone", "tso=on", 1, "csum=on" },
	{ "tso_without_sg", "tso=on csum=on sg=off", 1, "sg=on" },
	{ "tso_word", "tso=yes", 1, "on or off" },
	{ "sg_off", "sg=off", 0, NULL },
	{ "dummy", "dummy=1", 0, NULL },
	{ "dummy_most", "dummy=8,queues=16,loop", 0, NULL },
	{ "dummy_other_order", "dummy=2,loop,queues=3", 0, NULL },
	{ "dummy_0", "dummy=0", 1, "N 1..8" },
	{ "dummy_9", "dummy=9", 1, "N 1..8" },
	{ "dummy_word", "dummy=x", 1, "N 1..8" },
	{ "dummy_queues_0", "dummy=1,queues=0", 1, "Q 1..16" },
	{ "dummy_queues_17", "dummy=1,queues=17", 1, "Q 1..16" },
	{ "dummy_queues_empty", "dummy=1,queues=", 1, "Q 1..16" },
	{ "dummy_other_word", "dummy=1,swallow", 1, "loop" },
	{ "dummy_comma", "dummy=1,", 1, "loop" },
	{ "sg_word", "sg=no", 1, "on or off" },
	{ "gso_off", "gso=off", 0, NULL },
	{ "gso_word", "gso=x", 1, "on or off" },
	{ "csum_yes", "csum=yes", 1, "on or off" },
	{ "qdisc", "qdisc=fq_codel,target=1ms,noecn", 0, NULL },
	{ "qdisc_child", "qdisc=tbf,rate=10mbit,burst=4kb,latency=50ms/fq", 0, NULL },
	{ "qdisc_unknown", "qdisc=cake", 1, "disciplines are pfifo_fast, fq" },
	{ "qdisc_incomplete", "qdisc=tbf,rate=1mbit", 1, "tbf needs rate, burst" },
	{ "qdisc_bad_unit", "qdisc=fq,limit=3ms", 1, "number of packets" },
	{ "qdisc_out_of_range", "qdisc=fq_codel,flows=0", 1, "outside of its range" },
	{ "loglevel_0", "loglevel=0", 0, NULL },
	{ "loglevel_7", "loglevel=7", 0, NULL },
	{ "loglevel_8", "loglevel=8", 1, "0..7" },
	{ "seed", "rng.seed=18446744073709551615", 0, NULL },
	{ "seed_hex", "rng.seed=0xdeadbeef", 0, NULL },
	{ "seed_word", "rng.seed=random", 1, "a number" },
	{ "trace_off", "trace=off", 0, NULL },
	{ "trace_tx", "trace=tx", 0, NULL },
	{ "trace_all", "trace=all", 0, NULL },
	{ "trace_on", "trace=on", 1, "off, tx or all" },
	{ "trace_empty", "trace=", 1, "off, tx or all" },
	{ "stats_off", "stats=off", 0, NULL },
	{ "stats_2", "stats=2", 1, "on or off" },
	{ "sysctl", "net.ipv4.tcp_sack=0", 0, NULL },
	{ "sysctl_long",
	  "net.ipv4.a_name_that_is_longer_than_any_name_of_a_sysctl_that_there_ever_was=1", 1,
	  "too long" },
	{ "nft", "nft='out drop ip daddr 10.0.2.2 udp dport 9; in accept'", 0, NULL },
	{ "nft_empty", "nft=", 0, NULL },
	{ "nft_mistake", "nft='out drop ip saddr 10.0.0'", 1,
	  "'10.0.0': no IPv4 address, prefix or range" },
	{ "fault", "fault=alloc,at=10000000", 0, NULL },
	{ "fault_bad", "fault=alloc,at=0", 1, "counts from 1" },
	{ "needs_a_value", "mtu", 1, "needs a value" },
	{ "unknown_is_a_warning", "mut=9000", 0, "did you mean 'mtu'" },
	{ "three_mistakes", "mtu=1 csum=x tx_ring=7", 3, "multiple of 8" },
};

TEST_EACH(value, values)
{
	CHECK_EQ(parse(row->line), row->errors);
	if (row->words)
		CHECK(strstr(host_console(), row->words));
	else
		CHECK_STR(host_console(), "");
	faults_armed = false;
	memset(faults, 0, sizeof(faults));
}

TEST(dummies)
{
	CHECK_EQ(parse(""), 0);
	CHECK_EQ(o.dummy.devices, 0);
	CHECK_EQ(parse("dummy=3,queues=12,loop"), 0);
	CHECK(o.dummy.devices == 3 && o.dummy.queues == 12 && o.dummy.loop);
	CHECK_EQ(parse("dummy=3,queues=12,loop dummy=1"), 0); /* the last one counts, all of it */
	CHECK(o.dummy.devices == 1 && o.dummy.queues == 0 && !o.dummy.loop);
}

TEST(what_was_said_is_there)
{
	static const u8 mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 0xfe };

	CHECK_EQ(parse("neigh=10.0.2.9=52:55:0a:00:02:fe mtu=576 txqueuelen=5 tx_ring=16 "
		       "rx_ring=32 txirq=always csum=on "
		       "net.ipv4.tcp_sack=0 nft='in drop' nft='out drop' loglevel=3 rng.seed=7 "
		       "stats=1 -- a 'b c'"),
		 0);
	CHECK(o.nr_neigh == 1 && ntohl((__be32)o.neigh[0].addr) == 0x0a000209);
	CHECK(!memcmp(o.neigh[0].lladdr, mac, 6));
	CHECK(o.nic.mtu == 576 && o.nic.txqueuelen == 5 && o.nic.tx_ring == 16 &&
	      o.nic.rx_ring == 32);
	CHECK(o.nic.txirq_always && o.nic.csum && o.stats && o.loglevel == 3);
	CHECK(o.rng_seeded && o.rng_seed == 7);
	CHECK(o.nr_sysctl == 1 && !strcmp(o.sysctl[0].name, "net.ipv4.tcp_sack"));
	CHECK_STR(o.sysctl[0].value, "0");
	CHECK_STR(o.nft, "in drop;out drop;");
	CHECK(o.args.argc == 3 && !strcmp(o.args.argv[2], "b c"));
}

TEST(the_last_qdisc_counts)
{
	CHECK_EQ(parse(""), 0);
	CHECK(!o.qdisc.root.ops);
	CHECK_EQ(parse("qdisc=fq,limit=7 qdisc=netem,delay=5ms"), 0);
	CHECK(o.qdisc.root.ops == &netem_qdisc_ops);
}

TEST(tables_that_are_full)
{
	static char line[8192] = "";

	for (u32 i = 0; i <= OPT_MAX_NEIGH; i++)
		strcat(line, "neigh=10.0.2.2=52:55:0a:00:02:02 ");
	CHECK_EQ(parse(line), 1);
	CHECK_EQ(o.nr_neigh, OPT_MAX_NEIGH);
	CHECK(strstr(host_console(), "too many entries"));
	line[0] = '\0';
	for (u32 i = 0; i <= OPT_MAX_SYSCTL; i++)
		strcat(line, "net.ipv4.tcp_sack=1 ");
	CHECK_EQ(parse(line), 1);
	CHECK_EQ(o.nr_sysctl, OPT_MAX_SYSCTL);
	CHECK(strstr(host_console(), "too many sysctls"));
	memset(line, 0, sizeof(line));
	for (u32 i = 0; i < 5; i++) { /* of 1000 characters each, where 4096 have room */
		strcat(line, "nft='in accept");
		memset(line + strlen(line), ';', 990); /* the array ends in zeros */
		strcat(line, "' ");
	}
	CHECK_EQ(parse(line), 1);
	CHECK(strstr(host_console(), "too many rules for the command line"));
}

TEST(routes_are_kept_in_order_thirty_two_of_them)
{
	char line[2048] = "";

	CHECK_EQ(parse("route=10.1.0.0/16,via=10.0.2.2,metric=7,mtu=1400,lock,advmss=1000 "
		       "route=default,blackhole"),
		 0);
	CHECK_EQ(o.nr_route, 2);
	CHECK(o.route[0].dst == htonl(0x0a010000) && o.route[0].gw == htonl(0x0a000202));
	CHECK_EQ(o.route[0].prefixlen, 16);
	CHECK_EQ(o.route[0].metric, 7);
	CHECK_EQ(o.route[0].mtu, 1400);
	CHECK_EQ(o.route[0].advmss, 1000);
	CHECK(o.route[0].mtu_locked && o.route[0].type == RTN_UNICAST);
	CHECK(o.route[1].type == RTN_BLACKHOLE && o.route[1].prefixlen == 0);
	for (u32 i = 0; i < 33; i++) {
		if (i == 32)
			CHECK_EQ(parse(line), 0);
		strcat(line, "route=10.1.0.0/16 ");
	}
	CHECK_EQ(parse(line), 1);
	CHECK(strstr(host_console(), "too many routes"));
}

int main(int argc, char **argv)
{
	host_console_quiet(true);
	return ktest_run(argc, argv);
}
