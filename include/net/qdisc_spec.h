/* SPDX-License-Identifier: MIT */
/*
 * How a queueing discipline is told what it shall be: its name and the values of its parameters, checked. One table of
 * parameters for each discipline says what exists; text is made into this by qdisc_parse().
 */
#ifndef NET_QDISC_SPEC_H
#define NET_QDISC_SPEC_H
#include <lib/types.h>

struct Qdisc_ops;

/* What the number of a parameter counts, and so which units its text may have. */
enum qdisc_unit {
	QDISC_PACKETS, /* "100", "100p" */
	QDISC_NUMBER,  /* "4711" */
	QDISC_BYTES,   /* "1514", "32kb", "4mb" */
	QDISC_TIME,    /* in ns: "5ms", "100us", "1s"; without unit us */
	QDISC_RATE,    /* in bits a second: "10mbit", "1gbit", "125kbps"; without unit bit */
	QDISC_SHARE,   /* in QDISC_SHARE_ONE: "1%", "0.25%" */
	QDISC_FLAG,    /* "ecn" or "noecn" */
};
#define QDISC_SHARE_ONE 100000000ull
#define QDISC_UNLIMITED UINT64_MAX

struct qdisc_param {
	const char *name;
	enum qdisc_unit unit;
	u64 def, lo, hi; /* QDISC_UNLIMITED as default: not set */
};

#define QDISC_MAX_PARAMS 12
/* One discipline and the values of its parameters, in the order of its table. */
struct qdisc_level {
	const struct Qdisc_ops *ops;
	u32 given; /* bit of each parameter that was said */
	u64 val[QDISC_MAX_PARAMS];
};

struct qdisc_spec {
	struct qdisc_level root;
	struct qdisc_level child; /* ops NULL: what the root makes for itself */
};
#endif
