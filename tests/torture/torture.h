/* SPDX-License-Identifier: MIT */
/*
 * What the files of the torture share: two whole hosts (the real stack, the real driver on the model of the card) and a
 * wire between them, in virtual time; and scenarios, small pieces of work on them that are done while things fail.
 *
 * Host 0 (10.0.0.1) is the one whose system calls an application would make; host 1 (10.0.0.2) is its peer.
 * Context: process, thread "init" of the host build.
 */
#ifndef TORTURE_H
#define TORTURE_H
#include "libc_first.h"

#include <kernel/fault.h>
#include <kernel/timer.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/net.h>
#include <net/netdevice.h>
#include <net/socket.h>
#include <uapi/posix.h>
#include <uapi/unistd.h>

#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))
#define HOST_IP(h)      IP4(10, 0, 0, (h) + 1)
#define SEC             NSEC_PER_SEC

/* --- The two hosts (machine.c) ------------------------------------------------------------------------------------------ */
struct host {
	struct net *net;
	struct net_device *dev; /* eth0 */
	bool bound, lo, rooms;
};
extern struct host hosts[2];

/* Raises both hosts, opens their cards and, with @addresses, gives them theirs. 0; -errno: machine_down() undoes it. */
int machine_up(bool addresses);
/* Takes down whatever machine_up() got to, and all that a scenario left in the stacks. */
void machine_down(void);
/* The card of a host sends but never says so: its ring fills up, and is reset by the driver's watchdog. */
void card_never_done(u32 host, bool on);
/* The frame is on its way to a host as if the other had sent it. */
void wire_put(u32 to, const void *frame, u32 len);
/* Asked for each frame that leaves a card; true: it takes it off the wire. NULL: all pass. */
extern bool (*wire_filter)(u32 from, const u8 *frame, u32 len);

/* How often the product says that something of this kind happened to it; false: it keeps no such count, or no card is up. */
bool machine_count(enum fault_point p, u64 *n);

/* How often the drivers' watchdogs had to start a transmitter afresh. */
u64 machine_resets(void);

/* What lives; equal before and after, or something leaked. */
struct census {
	u64 skbs, objects, mappings, timers, files, areas;
};
struct census census(void);

/* --- Scenarios (scenarios.c) ------------------------------------------------------------------------------------------------ */
struct scenario {
	const char *name;
	int (*prepare)(void); /* without faults; 0 */
	int (*run)(void);     /* under faults: 0 or -errno of the step that failed */
	void (*finish)(void); /* takes away what prepare made */
	const int *errors;    /* further -errno that are right here, ending in 0; NULL: none */
	bool once;            /* a process can do it only once: each run has one of its own */
};
extern const struct scenario scenarios[];
extern const u32 nr_scenarios;
/* The step that a scenario is at, for the words about a failure. */
extern const char *step;

#endif
