/* SPDX-License-Identifier: MIT */
/* What the kernel command line said: filled by boot/options.c, read by boot/main.c. Set once at boot. */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H
#include <drivers/dummy.h>
#include <drivers/e1000.h>
#include <kernel/cmdline.h>
#include <kernel/trace.h>
#include <lib/types.h>
#include <net/neighbour.h>
#include <net/net.h>
#include <net/qdisc_spec.h>
#include <net/route.h>
#include <wire/ethernet.h>

#define OPT_MAX_NEIGH  16
#define OPT_MAX_ROUTE  32
#define OPT_MAX_SYSCTL 16
#define OPT_SYSCTL_MAX 64
#define OPT_NFT_MAX    4096 /* all nft= together */

struct boot_options {
	bool dhcp;    /* ip=dhcp */
	u32 addr, gw; /* ip=ADDR/LEN,gw=,dns=: network order, 0 none */
	u32 dns[NR_NAMESERVERS];
	u8 prefixlen;
	enum acd_mode acd;
	u32 nr_neigh;
	struct {
		u32 addr; /* network order */
		u8 lladdr[ETH_ALEN];
	} neigh[OPT_MAX_NEIGH];
	u32 nr_route;
	struct route_cfg route[OPT_MAX_ROUTE]; /* dev is not set */
	u32 nr_sysctl;
	struct {
		char name[OPT_SYSCTL_MAX], value[OPT_SYSCTL_MAX];
	} sysctl[OPT_MAX_SYSCTL];
	char nft[OPT_NFT_MAX];    /* sound statements; "": none */
	struct e1000_options nic; /* mtu, txqueuelen, rings, txirq, offloads */
	struct qdisc_spec qdisc;  /* ops NULL: nothing was said */
	struct dummy_options dummy;
	u32 loglevel;
	bool rng_seeded;
	u64 rng_seed;
	bool stats;
	enum trace_mode trace;
	struct app_args args;
};

/*
 * Parses the command line into @o, defaults included. Returns the number of errors; each was printed. Process
 * context, before anything else runs; needs only printk.
 */
int boot_options_parse(struct boot_options *o, const char *cmdline, const char *app_name);
#endif
