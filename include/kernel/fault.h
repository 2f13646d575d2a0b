/* SPDX-License-Identifier: MIT */
/*
 * Fault injection, set by fault= on the command line ("fault=help" explains, "fault=sites" lists what allocates): each point
 * asks fault_hit() whether it is its turn. Costs one predictable branch when no fault is set.
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H
#include <lib/types.h>

enum fault_point {
	FAULT_ALLOC,
	FAULT_DMA_MAP,
	FAULT_TX_STALL,
	FAULT_RING_FULL,
	FAULT_LOST_IRQ,
	FAULT_RX_DROP,
	FAULT_ARP_TIMEOUT,
	FAULT_QDISC_DROP,
	FAULT_LEAK,
	NR_FAULTS
};

#define FAULT_SITE_MAX 48 /* longest file= pattern of a site, with its NUL */
#define FAULT_RULES    (NR_FAULTS + 8)

struct alloc_site;

/* One rule: which events of a kind fail. All zero: none. */
struct fault {
	bool on;
	u64 at;    /* the n-th event fires, counted from 1; with @p: none before it */
	u64 every; /* and every so many after it; 0: once */
	u64 p;     /* of 2^32: the chance of each event; 0: by count */
	u64 seed;  /* of the chances */
	u64 times; /* most hits; 0: no bound */
	u64 ms;    /* duration where it has one (txstall, ringfull) */
	/* alloc: only at sites in this file (its last components) or below this folder ("net/tcp/"); "": all. */
	char file[FAULT_SITE_MAX];
	u32 line; /* 0: any */
	u64 seen, hits;
	u64 hit_ms; /* of the rule of this kind that hit last; in the first one */
	const struct alloc_site *last; /* that was refused */
	struct fault *next;            /* a further rule of the same kind */
};
/* The first rule of each kind, by its number; behind them the further ones. */
extern struct fault faults[FAULT_RULES];
extern bool faults_armed;

bool fault_check(enum fault_point p, const struct alloc_site *site);
static inline bool fault_hit(enum fault_point p)
{
	return unlikely(faults_armed) && fault_check(p, NULL);
}
/* The same of an allocation at @site. */
static inline bool fault_alloc(const struct alloc_site *site)
{
	return unlikely(faults_armed) && fault_check(FAULT_ALLOC, site);
}
/* How long the fault of kind @p that hit last is to stand. */
static inline u64 fault_ms(enum fault_point p)
{
	return faults[p].hit_ms;
}
/* Parses one fault= value; a cmdline_key parser. */
int fault_parse(const char *key, const char *value, void *arg, const char **why);
/* One line a rule: what it hit. Nothing when none is set. */
void fault_report(void);
#endif
