/* SPDX-License-Identifier: MIT */
/*
 * Fault injection, set by fault= on the command line ("fault=help" lists them): each point asks fault_hit()
 * whether it is its turn. Costs one predictable branch when no fault is set.
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H
#include <lib/types.h>

enum fault_point { FAULT_ALLOC, FAULT_DMA_MAP, FAULT_TX_STALL, FAULT_LEAK, NR_FAULTS };

struct fault {
	bool on;
	u64 at;    /* the n-th event fires, counted from 1; 0: never by count */
	u64 every; /* and every so many after it; 0: once */
	u64 ms;    /* duration where it has one (txstall) */
	u64 seen, hits;
};
extern struct fault faults[NR_FAULTS];
extern bool faults_armed;

bool fault_check(enum fault_point p);
static inline bool fault_hit(enum fault_point p)
{
	return unlikely(faults_armed) && fault_check(p);
}
/* Parses "alloc,at=100,every=50" | "dmamap,at=3" | "txstall,at=500,ms=3000" | "help". A cmdline_key parser. */
int fault_parse(const char *key, const char *value, void *arg, const char **why);
#endif
