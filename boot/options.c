// SPDX-License-Identifier: MIT
/*
 * Boot options: the table of every key the kernel command line knows, and the values it leaves behind.
 *
 * Interface: boot_options_parse().
 * Above: boot/main.c.  Below: <kernel/cmdline.h>, which walks the line, names unknown keys and reports bad values.
 * Context: process, once, at boot.  Owns: nothing; the caller's struct boot_options is filled.
 */
#include "options.h"

#include <kernel/fault.h>
#include <kernel/printk.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/nf_tables.h>
#include <net/sch_generic.h>
#include <wire/ipv4.h>

#define ADDR_TEXT_MAX 64

static int parse_decimal(const char *s, size_t len, u64 *out)
{
	char text[ADDR_TEXT_MAX];

	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	return kstrtou64(text, out);
}

/* One comma-separated part of ip=: ADDR/LEN first, then gw= and up to three dns= in any order. */
static int parse_ip_part(struct boot_options *o, const char *part, size_t len, bool first,
			 const char **why)
{
	const char *slash;
	u64 prefixlen;
	u32 i;

	if (!first && len > 3 && strncmp(part, "gw=", 3) == 0) {
		*why = "gw= must be an IPv4 address";
		return parse_ipv4(part + 3, len - 3, &o->gw);
	}
	if (!first && len > 4 && strncmp(part, "dns=", 4) == 0) {
		for (i = 0; i < NR_NAMESERVERS && o->dns[i]; i++)
			;
		*why = "dns= may stand three times";
		if (i == NR_NAMESERVERS)
			return -EINVAL;
		*why = "dns= must be an IPv4 address";
		return parse_ipv4(part + 4, len - 4, &o->dns[i]);
	}
	*why = "must be dhcp or ADDRESS/LENGTH[,gw=ADDRESS][,dns=ADDRESS...]";
	slash = memchr(part, '/', len);
	if (!first || !slash)
		return -EINVAL;
	if (parse_decimal(slash + 1, len - (size_t)(slash + 1 - part), &prefixlen) ||
	    prefixlen < 1 || prefixlen > 32) {
		*why = "the prefix length must be 1..32";
		return -EINVAL;
	}
	o->prefixlen = (u8)prefixlen;
	return parse_ipv4(part, (size_t)(slash - part), &o->addr);
}

/* An address that can be ours or a router's: no loopback, no class D or E, not 0/8 (RFC 1122, 3.2.1.3). */
static bool usable_host_address(u32 be_addr)
{
	__be32 a = (__force __be32)be_addr;

	return !ipv4_is_loopback(a) && !ipv4_is_zeronet(a) && ntohl(a) >> 28 < 14;
}

static int parse_ip(const char *key, const char *value, void *arg, const char **why)
{
	struct boot_options *o = arg;
	const char *p = value;
	bool first = true;

	(void)key;
	o->addr = o->gw = 0;
	memset(o->dns, 0, sizeof(o->dns));
	o->dhcp = strcmp(value, "dhcp") == 0;
	if (o->dhcp)
		return 0;
	for (;;) {
		const char *comma = strchr(p, ',');
		size_t len = comma ? (size_t)(comma - p) : strlen(p);
		int err = parse_ip_part(o, p, len, first, why);

		if (err)
			return err;
		first = false;
		if (!comma)
			break;
		p = comma + 1;
	}
	if (!usable_host_address(o->addr) || (o->gw && !usable_host_address(o->gw))) {
		*why = "not an address of a host";
		return -EINVAL;
	}
	if (o->gw && ntohl((__force __be32)(o->gw ^ o->addr)) >> (32 - o->prefixlen)) {
		*why = "gw= must lie in the network of the address";
		return -EINVAL;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_mac(const char *s, u8 *mac)
{
	for (u32 i = 0; i < ETH_ALEN; i++, s += 3) {
		int hi = hex_digit(s[0]);
		int lo = hi < 0 ? -1 : hex_digit(s[1]);

		if (lo < 0 || s[2] != (i == ETH_ALEN - 1 ? '\0' : ':'))
			return -EINVAL;
		mac[i] = (u8)(hi << 4 | lo);
	}
	return is_multicast_ether_addr(mac) || is_zero_ether_addr(mac) ? -EINVAL : 0;
}

static int parse_neigh(const char *key, const char *value, void *arg, const char **why)
{
	struct boot_options *o = arg;
	const char *eq = strchr(value, '=');

	(void)key;
	*why = "must be ADDRESS=MAC, as in 10.0.2.2=52:55:0a:00:02:02";
	if (!eq)
		return -EINVAL;
	if (o->nr_neigh == OPT_MAX_NEIGH) {
		*why = "too many entries";
		return -ERANGE;
	}
	if (parse_ipv4(value, (size_t)(eq - value), &o->neigh[o->nr_neigh].addr) ||
	    parse_mac(eq + 1, o->neigh[o->nr_neigh].lladdr))
		return -EINVAL;
	o->nr_neigh++;
	return 0;
}

/* "default", or an address and perhaps the length of its prefix. */
static int parse_route_prefix(struct route_cfg *r, const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);
	size_t addr_len = slash ? (size_t)(slash - s) : len;
	u64 prefixlen = 32;
	u32 addr;

	if (len == 7 && memcmp(s, "default", 7) == 0)
		return 0;
	if (slash && (parse_decimal(slash + 1, len - addr_len - 1, &prefixlen) || prefixlen > 32))
		return -EINVAL;
	if (parse_ipv4(s, addr_len, &addr))
		return -EINVAL;
	r->prefixlen = (u8)prefixlen;
	r->dst = (__force __be32)addr & inet_make_mask(r->prefixlen);
	return r->dst == (__force __be32)addr ? 0 : -EINVAL;
}

/* A number of route=, within its limits. */
static int parse_route_number(const char *s, size_t len, u64 least, u64 most, u32 *out)
{
	u64 n;

	if (parse_decimal(s, len, &n) || n < least || n > most)
		return -EINVAL;
	*out = (u32)n;
	return 0;
}

/* The words behind the prefix: a kind, or something about the way. */
static int parse_route_word(struct route_cfg *r, const char *s, size_t len, const char **why)
{
	static const struct {
		const char *name;
		u8 type;
	} kinds[] = {
		{ "blackhole", RTN_BLACKHOLE },
		{ "unreachable", RTN_UNREACHABLE },
		{ "prohibit", RTN_PROHIBIT },
	};

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (len == strlen(kinds[i].name) && memcmp(s, kinds[i].name, len) == 0) {
			r->type = kinds[i].type;
			return 0;
		}
	}
	if (len == 4 && memcmp(s, "lock", 4) == 0) {
		r->mtu_locked = true;
		return 0;
	}
	if (len > 4 && memcmp(s, "via=", 4) == 0) {
		*why = "via= must be an IPv4 address";
		return parse_ipv4(s + 4, len - 4, (u32 *)(void *)&r->gw);
	}
	if (len > 7 && memcmp(s, "metric=", 7) == 0) {
		*why = "metric= must be a number";
		return parse_route_number(s + 7, len - 7, 0, UINT32_MAX, &r->metric);
	}
	if (len > 4 && memcmp(s, "mtu=", 4) == 0) {
		*why = "mtu= must be 68..65535";
		return parse_route_number(s + 4, len - 4, IP_MIN_MTU, IP_MAX_MTU, &r->mtu);
	}
	if (len > 7 && memcmp(s, "advmss=", 7) == 0) {
		*why = "advmss= must be 28..65495";
		return parse_route_number(s + 7, len - 7, 28, 65495, &r->advmss);
	}
	return -EINVAL;
}

static int parse_route(const char *key, const char *value, void *arg, const char **why)
{
	struct boot_options *o = arg;
	struct route_cfg *r = &o->route[o->nr_route];
	bool first = true;

	(void)key;
	if (o->nr_route == OPT_MAX_ROUTE) {
		*why = "too many routes";
		return -ERANGE;
	}
	*r = (struct route_cfg){ .type = RTN_UNICAST };
	for (const char *p = value;; first = false) {
		const char *comma = strchr(p, ',');
		size_t len = comma ? (size_t)(comma - p) : strlen(p);

		*why = "must be PREFIX/LENGTH or default, then "
		       "[,via=ADDRESS][,metric=N][,mtu=N[,lock]]"
		       "[,advmss=N] or blackhole, unreachable or prohibit";
		if (first ? parse_route_prefix(r, p, len) : parse_route_word(r, p, len, why))
			return -EINVAL;
		if (!comma)
			break;
		p = comma + 1;
	}
	if (r->type != RTN_UNICAST && (r->gw || r->mtu || r->advmss)) {
		*why = "a route that refuses leads nowhere: no via=, mtu= or advmss=";
		return -EINVAL;
	}
	o->nr_route++;
	return 0;
}

static int parse_ring(const char *key, const char *value, void *arg, const char **why)
{
	u64 n;

	(void)key;
	*why = "must be a multiple of 8 from 8 to 4096";
	if (kstrtou64(value, &n) || n < 8 || n > 4096 || n % 8)
		return -EINVAL;
	*(u32 *)arg = (u32)n;
	return 0;
}

static int parse_acd(const char *key, const char *value, void *arg, const char **why)
{
	static const char *const modes[] = { "background", "strict", "off" }; /* enum acd_mode */

	(void)key;
	*why = "must be background, strict or off";
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(value, modes[i]) == 0) {
			*(enum acd_mode *)arg = (enum acd_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_txirq(const char *key, const char *value, void *arg, const char **why)
{
	bool *always = arg;

	(void)key;
	*why = "must be auto or always";
	*always = strcmp(value, "always") == 0;
	return *always || strcmp(value, "auto") == 0 ? 0 : -EINVAL;
}

static int parse_qdisc(const char *key, const char *value, void *arg, const char **why)
{
	(void)key;
	return qdisc_parse(value, arg, why);
}

/* "N[,queues=Q][,loop]". */
static int parse_dummy(const char *key, const char *value, void *arg, const char **why)
{
	struct dummy_options *d = arg;
	const char *comma = strchr(value, ',');
	u64 n;

	(void)key;
	*d = (struct dummy_options){ 0 };
	*why = "must be N[,queues=Q][,loop]: N 1..8, Q 1..16";
	if (parse_decimal(value, comma ? (size_t)(comma - value) : strlen(value), &n) || !n ||
	    n > DUMMY_MAX)
		return -EINVAL;
	d->devices = (u32)n;
	while (comma) {
		const char *word = comma + 1;
		size_t len;

		comma = strchr(word, ',');
		len = comma ? (size_t)(comma - word) : strlen(word);
		if (len == 4 && !strncmp(word, "loop", 4)) {
			d->loop = true;
			continue;
		}
		if (len < 8 || strncmp(word, "queues=", 7) ||
		    parse_decimal(word + 7, len - 7, &n) || !n || n > DUMMY_QUEUES_MAX)
			return -EINVAL;
		d->queues = (u32)n;
	}
	return 0;
}

/* The value is checked when the stack exists; here it is only kept. */
static int parse_sysctl(const char *key, const char *value, void *arg, const char **why)
{
	struct boot_options *o = arg;

	if (o->nr_sysctl == OPT_MAX_SYSCTL) {
		*why = "too many sysctls";
		return -ERANGE;
	}
	*why = "too long";
	if (strscpy(o->sysctl[o->nr_sysctl].name, key, OPT_SYSCTL_MAX) < 0 ||
	    strscpy(o->sysctl[o->nr_sysctl].value, value, OPT_SYSCTL_MAX) < 0)
		return -EINVAL;
	o->nr_sysctl++;
	return 0;
}

/* Read here, so that a mistake ends the boot at once; entered when the stack exists. */
static int parse_nft(const char *key, const char *value, void *arg, const char **why)
{
	static char reason[NFT_WHY_MAX]; /* valid until the next call */
	struct boot_options *o = arg;
	size_t used = strlen(o->nft);

	(void)key;
	*why = reason;
	if (nft_check(value, reason))
		return -EINVAL;
	*why = "too many rules for the command line";
	if (used + strlen(value) + 2 > sizeof(o->nft))
		return -ERANGE;
	(void)scnprintf(o->nft + used, sizeof(o->nft) - used, "%s;", value);
	return 0;
}

static int parse_seed(const char *key, const char *value, void *arg, const char **why)
{
	struct boot_options *o = arg;

	o->rng_seeded = true;
	return cmdline_parse_u64(key, value, &o->rng_seed, why);
}

static int parse_trace(const char *key, const char *value, void *arg, const char **why)
{
	static const char *const modes[] = { "off", "tx", "all" };
	struct boot_options *o = arg;

	(void)key;
	*why = "must be off, tx or all";
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(value, modes[i]) != 0)
			continue;
		o->trace = (enum trace_mode)i;
		return 0;
	}
	return -EINVAL;
}

/**
 * boot_options_parse() - fill @o from the command line.
 * @o: result; every field is set, to its default when the line is silent
 * @cmdline: NUL-terminated, without the kernel's own path; not kept
 * @app_name: argv[0] of the application; not kept
 * Context: process, at boot; needs printk only.
 * Return: number of errors in the line, each printed; 0 is a good line.
 */
int boot_options_parse(struct boot_options *o, const char *cmdline, const char *app_name)
{
	struct cmdline_u32 mtu = { &o->nic.mtu, ETH_MIN_MTU, ETH_DATA_LEN };
	struct cmdline_u32 txqueuelen = { &o->nic.txqueuelen, 1, 1000000 };
	struct cmdline_u32 loglevel = { &o->loglevel, 0, LOG_DEBUG };
	bool sg = true, gso = true;
	const struct cmdline_key keys[] = {
		{ "ip", parse_ip, o, false },
		{ "neigh", parse_neigh, o, true },
		{ "acd", parse_acd, &o->acd, false },
		{ "route", parse_route, o, true },
		{ "mtu", cmdline_parse_u32, &mtu, false },
		{ "txqueuelen", cmdline_parse_u32, &txqueuelen, false },
		{ "tx_ring", parse_ring, &o->nic.tx_ring, false },
		{ "rx_ring", parse_ring, &o->nic.rx_ring, false },
		{ "txirq", parse_txirq, &o->nic.txirq_always, false },
		{ "csum", cmdline_parse_bool, &o->nic.csum, false },
		{ "tso", cmdline_parse_bool, &o->nic.tso, false },
		{ "sg", cmdline_parse_bool, &sg, false },
		{ "gso", cmdline_parse_bool, &gso, false },
		{ "qdisc", parse_qdisc, &o->qdisc, false },
		{ "nft", parse_nft, o, true },
		{ "dummy", parse_dummy, &o->dummy, false },
		{ "net.ipv4.", parse_sysctl, o, true },
		{ "net.core.", parse_sysctl, o, true },
		{ "loglevel", cmdline_parse_u32, &loglevel, false },
		{ "rng.seed", parse_seed, o, false },
		{ "stats", cmdline_parse_bool, &o->stats, false },
		{ "trace", parse_trace, o, false },
		{ "fault", fault_parse, NULL, true },
	};

	int bad;

	memset(o, 0, sizeof(*o));
	o->dhcp = true;
	o->loglevel = LOG_INFO;
	o->nic.mtu = ETH_DATA_LEN;
	o->nic.txqueuelen = 1000;
	o->nic.tx_ring = o->nic.rx_ring = 256;
	/*
	 * QEMU's cards write 0xffff where a TCP checksum comes out as 0: equal in one's complement, but every tool that
	 * compares the bytes calls one frame in 65536 bad. So offload is for those who ask for it.
	 */
	o->nic.csum = false;
	bad = cmdline_parse(cmdline, keys, ARRAY_SIZE(keys), app_name, &o->args);
	o->nic.no_sg = !sg;
	o->nic.no_gso = !gso;
	if (o->nic.tso && (!o->nic.csum || !sg)) {
		pr_err("cmdline: tso=on needs csum=on and sg=on\n");
		bad++;
	}
	return bad;
}
