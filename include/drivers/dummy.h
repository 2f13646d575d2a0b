/* SPDX-License-Identifier: MIT */
/* Devices "dummy0", "dummy1", ... that are no hardware: what they are given is sent nowhere, or to themselves again. */
#ifndef DRIVERS_DUMMY_H
#define DRIVERS_DUMMY_H
#include <lib/capability.h>
#include <lib/types.h>

#define DUMMY_MAX        8u
#define DUMMY_QUEUES_MAX 16u

struct net;
struct dummy_options {
	u32 devices; /* 0..DUMMY_MAX */
	u32 queues;  /* 0: no queue at all; else so many transmit queues, each with a discipline */
	bool loop;   /* sends what it is given by itself again: a tunnel to itself */
};

/* Registers and opens them. 0; -ENOMEM, -EEXIST with none of them there. */
int dummy_init(struct net *net, const struct dummy_options *o) __may_sleep;
void dummy_exit(struct net *net) __may_sleep; /* all of @net's; no-op when there are none */
#endif
