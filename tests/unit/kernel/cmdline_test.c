// SPDX-License-Identifier: MIT
/* kernel/cmdline.c and kernel/fault.c's parser. */
#include "ktest.h"

#include <kernel/cmdline.h>
#include <kernel/fault.h>
#include <lib/byteorder.h>
#include <lib/err.h>

#include "host.h"

static u32 mtu;
static bool stats;
static u64 seed;
static char seen[256];
static struct cmdline_u32 mtu_arg = { &mtu, 68, 9000 };

static int note(const char *key, const char *value, void *arg, const char **why)
{
	(void)arg;
	(void)why;
	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "[%s|%s]", key, value);
	return 0;
}

static const struct cmdline_key keys[] = {
	{ "mtu", cmdline_parse_u32, &mtu_arg, false },
	{ "stats", cmdline_parse_bool, &stats, false },
	{ "rng.seed", cmdline_parse_u64, &seed, false },
	{ "ip", note, NULL, false },
	{ "neigh", note, NULL, true },
	{ "net.ipv4.", note, NULL, true },
	{ "fault", fault_parse, NULL, true },
};

static struct app_args args;

static int parse(const char *line)
{
	host_console_clear();
	seen[0] = '\0';
	return cmdline_parse(line, keys, ARRAY_SIZE(keys), "send", &args);
}

TEST(values_and_last_wins)
{
	CHECK_EQ(parse("mtu=1000  stats=on\trng.seed=0x10 mtu=1400\n"), 0);
	CHECK(mtu == 1400 && stats && seed == 16);
	CHECK_EQ(parse("stats=0"), 0);
	CHECK(!stats);
	CHECK_EQ(parse(""), 0);
	CHECK(args.argc == 1 && !strcmp(args.argv[0], "send") && !args.argv[1]);
}

TEST(prefix_keys_and_quotes)
{
	CHECK_EQ(parse("ip=10.0.2.15/24,gw=10.0.2.2 net.ipv4.tcp_rmem=\"4096 131072 6291456\" "
		       "neigh=a neigh='b c'"),
		 0);
	CHECK_STR(seen, "[ip|10.0.2.15/24,gw=10.0.2.2][net.ipv4.tcp_rmem|4096 131072 "
			"6291456][neigh|a][neigh|b c]");
}

TEST(unknown_key_names_the_nearest)
{
	CHECK_EQ(parse("mtuu=1 quiet"), 0);
	CHECK(strstr(host_console(), "cmdline: unknown key 'mtuu', did you mean 'mtu'?"));
	CHECK(strstr(host_console(), "cmdline: unknown key 'quiet'\n"));
	CHECK_STR(cmdline_nearest("stast", keys, ARRAY_SIZE(keys)), "stats");
	CHECK_STR(cmdline_nearest("rngseed", keys, ARRAY_SIZE(keys)), "rng.seed");
	CHECK(!cmdline_nearest("console", keys, ARRAY_SIZE(keys)));
	CHECK(!cmdline_nearest("x", keys, ARRAY_SIZE(keys)));
}

TEST(bad_values_are_errors)
{
	CHECK_EQ(parse("mtu=9 mtu=x mtu=9001 stats=maybe rng.seed= mtu"), 6);
	CHECK(strstr(host_console(), "cmdline: mtu=9: must be 68..9000"));
	CHECK(strstr(host_console(), "cmdline: stats=maybe: must be on or off"));
	CHECK(strstr(host_console(), "cmdline: mtu: needs a value: mtu=..."));
	CHECK_EQ(parse("ip=\"10.0"), 1);
	CHECK(strstr(host_console(), "a quote is not closed"));
}

TEST(application_words)
{
	CHECK_EQ(parse("mtu=600 -- 10.0.2.2 7000 'two words' a\\ b \"q\\\"q\" '' -- mtu=3 x'y'z"),
		 0);
	static const char *const want[] = { "send", "10.0.2.2", "7000", "two words", "a b",
					    "q\"q", "",         "--",   "mtu=3",     "xyz" };
	CHECK_EQ(args.argc, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want) && (int)i < args.argc; i++)
		CHECK_STR(args.argv[i], want[i]);
	CHECK(!args.argv[args.argc]);
	CHECK_EQ(mtu, 600);
}

TEST(too_many_words)
{
	char line[1024] = "--";
	for (int i = 0; i < 100; i++)
		strcat(line, " w");
	CHECK(parse(line) > 0);
	CHECK_EQ(args.argc, CMDLINE_MAX_ARGS);
	static char longword[3000];
	memset(longword, 'a', sizeof(longword) - 1);
	CHECK_EQ(parse(longword), 1);
}

TEST(ipv4_addresses)
{
	u32 a = 0;
	CHECK(!parse_ipv4("10.0.2.15", 9, &a) && a == htonl(0x0a00020f));
	CHECK(!parse_ipv4("255.255.255.255/8", 15, &a) && a == 0xffffffff);
	static const char *const bad[] = { "",          "1",          "1.2.3",    "1.2.3.",
					   "1.2.3.256", "1.2.3.4.5",  "1.2.3.4 ", ".1.2.3",
					   "1..2.3",    "0001.2.3.4", "a.b.c.d" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(parse_ipv4(bad[i], strlen(bad[i]), &a), -EINVAL);
}

static void ask_help(void *arg)
{
	(void)arg;
	parse("fault=help");
}

TEST(faults)
{
	CHECK_EQ(parse("fault=alloc,at=100,every=50 fault=txstall,at=7,ms=20"), 0);
	CHECK(faults[FAULT_ALLOC].at == 100 && faults[FAULT_ALLOC].every == 50);
	CHECK(faults[FAULT_TX_STALL].ms == 20 && faults_armed);
	CHECK_EQ(parse("fault=nonsense"), 1);
	CHECK_EQ(parse("fault=alloc,at=x"), 1);
	CHECK_EQ(parse("fault=alloc,foo=1"), 1);
	CHECK_EQ(parse("fault=alloc,"), 1);
	CHECK_EQ(host_catch_exit(ask_help, NULL), 0);
	CHECK(strstr(host_console(), "dmamap") && strstr(host_console(), "\nexit: 0\n"));
	faults_armed = false;
}

int main(int argc, char **argv)
{
	host_console_quiet(true);
	return ktest_run(argc, argv);
}
