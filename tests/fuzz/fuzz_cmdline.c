// SPDX-License-Identifier: MIT
/*
 * The kernel command line, as the boot reads it: words, quotes, every key's parser, the application's arguments,
 * and the sysctls as TCP takes them.
 *
 * Input: the line; a NUL ends it. fault=help ends a run with status 0, which host_catch_exit() takes; nothing is
 * allocated on the way, so nothing is lost by that.
 */
#include "fuzz.h"

#include "../../boot/options.h"
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <lib/byteorder.h>
#include <net/init.h>
#include <net/net.h>
#include <net/tcp.h>

static struct boot_options options;
static struct net *net;
static const char *line;
static int errors;

void fuzz_setup(void)
{
	FUZZ_CHECK_EQ(net_global_init(), 0);
	net = net_alloc();
	FUZZ_CHECK(net && net_init(net) == 0);
}

static void parse(void *arg)
{
	(void)arg;
	errors = boot_options_parse(&options, line, "app");
}

static bool is_text(const char *s, size_t room)
{
	return memchr(s, '\0', room) != NULL;
}

/* What the application gets: words within the text, in order, each ended. */
static void check_args(const struct app_args *a)
{
	const char *expected = a->text;

	FUZZ_CHECK(a->argc >= 1 && a->argc <= CMDLINE_MAX_ARGS && !a->argv[a->argc]);
	FUZZ_CHECK(strcmp(a->argv[0], "app") == 0);
	for (int i = 0; i < a->argc; i++) {
		FUZZ_CHECK(a->argv[i] == expected);
		expected += strlen(expected) + 1;
		FUZZ_CHECK(expected <= a->text + sizeof(a->text));
	}
}

/* A line without errors leaves values the boot can use without looking again. */
static void check_values(const struct boot_options *o)
{
	FUZZ_CHECK(o->nic.mtu >= ETH_MIN_MTU && o->nic.mtu <= ETH_DATA_LEN);
	FUZZ_CHECK(o->nic.tx_ring >= 8 && o->nic.tx_ring <= 4096 && o->nic.tx_ring % 8 == 0);
	FUZZ_CHECK(o->nic.rx_ring >= 8 && o->nic.rx_ring <= 4096 && o->nic.rx_ring % 8 == 0);
	FUZZ_CHECK(o->nic.txqueuelen >= 1 && o->loglevel <= LOG_DEBUG);
	FUZZ_CHECK(o->nr_neigh <= OPT_MAX_NEIGH && o->nr_sysctl <= OPT_MAX_SYSCTL);
	FUZZ_CHECK(o->dhcp || (o->prefixlen >= 1 && o->prefixlen <= 32 && o->addr));
	FUZZ_CHECK(o->dhcp || !o->gw ||
		   !((ntohl((__be32)(o->gw ^ o->addr))) >> (32 - o->prefixlen)));
	for (u32 i = 0; i < o->nr_neigh; i++)
		FUZZ_CHECK(!(o->neigh[i].lladdr[0] & 1));
}

static void apply_sysctls(const struct boot_options *o)
{
	for (u32 i = 0; i < o->nr_sysctl; i++) {
		FUZZ_CHECK(is_text(o->sysctl[i].name, OPT_SYSCTL_MAX));
		FUZZ_CHECK(is_text(o->sysctl[i].value, OPT_SYSCTL_MAX));
		(void)tcp_sysctl_set(net, o->sysctl[i].name + strlen("net.ipv4."),
				     o->sysctl[i].value);
	}
}

void fuzz_one(const u8 *data, size_t size)
{
	char *copy = malloc(size + 1); /* exactly as long: the sanitizer sees the end */

	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	line = copy;
	/* Every 16th one is put into words, too: hostile text goes through the formatter. */
	printk_set_level(size % 16 ? LOG_EMERG : LOG_INFO);
	errors = -1;
	if (host_catch_exit(parse, NULL) == -1) {
		FUZZ_CHECK(errors >= 0);
		check_args(&options.args);
		if (!errors) {
			check_values(&options);
			apply_sysctls(&options);
		}
	} else {
		FUZZ_CHECK(strstr(copy, "help") || strstr(copy, "sites") ||
			   memchr(copy, '\\', size) || strpbrk(copy, "'\""));
	}
	memset(faults, 0, sizeof(faults));
	faults_armed = false;
	host_console_clear();
	free(copy);
}
