/* SPDX-License-Identifier: MIT */
/*
 * The world of one run: hosts, the wires between them, the applications on them, and those who watch.
 *
 *   apps.c      random applications, threads of the kernel that use kernel sockets
 *   lab.c       instead of them: experiments that answer one question each
 *   world.c     hosts: struct net, e1000 driver, e1000 model; their birth, end and counts
 *   wire.c      what happens between two cards: delay, loss and the rest; what happens to a card
 *   observer.c  an independent reader of every frame: what RFC 9293 and its relatives forbid
 *   oracle.c    what must hold inside a host whenever it rests
 *
 * A step is all that happens at one instant of virtual time. Between two steps every thread sleeps and no packet is in
 * anybody's hands, so that all of them can be counted.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H
#include "e1000_model.h"
#include "host.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../drivers/net/e1000/e1000.h"
#include "../../net/neigh/neigh.h"
#include "../../net/tcp/tcp_internal.h"

#include <net/etherdevice.h>
#include <net/socket.h>

#define SIM_HOSTS       4u
#define TCP_PORT        5000u /* every host listens there */
#define MS              NSEC_PER_MSEC
#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))

/* One direction between a card and the rest. */
struct link {
	/* Parameters. Probabilities in parts of a million. */
	u64 delay_ns, jitter_ns, reorder_ns;
	u64 bps;                           /* bits a second; 0: no limit */
	u32 queue_frames, queue_bytes;     /* what waits for the wire; more is dropped */
	u32 loss, dup, reorder, flip, crc; /* flip: a byte changes unseen; crc: the card sees it */
	u32 to_bad, to_good, bad_loss;     /* Gilbert-Elliott: burst loss */
	u32 lose_next;                     /* so many frames from now on */
	bool eats_data,
		eats_option; /* a middlebox: SYNs with data; SYNs and SYN-ACKs with Fast Open's option */
	bool in_order;       /* jitter does not reorder */
	u32 eats_above; /* a hop that drops larger IP packets, and says nothing; 0: none does */
	/* State */
	bool bad;
	u64 free_ns, last_ns; /* the wire is free; the last arrival */
	u64 *waiting;         /* ring of departure times of what waits */
	u32 head, nr_waiting, waiting_bytes;
};

struct host {
	u32 id;
	struct net *net;
	struct net_device *dev;
	struct e1000_adapter *nic;
	struct e1000_model *model;
	struct pci_dev *pdev;
	__be32 ip;
	struct link up, down; /* card -> rest, rest -> card */
	struct rng wire;      /* the faults of its link up */
	u64 fault_ns;         /* last time the wire or the card kept a frame of it from its way */
	u32 cut, mishaps;     /* partitions in force; misfortunes of any kind */
	bool gives_up;        /* its discipline may drop what TCP believes to be on its way */
	bool acks_overtake;   /* ... keeps text until its time, and acknowledgments pass it */
	u64 gave_up; /* packets that its discipline had dropped when it was looked at last */
	u64 tx_frames, rx_frames, lost_frames;
};

enum layout { LAYOUT_WIRE, LAYOUT_SWITCH, LAYOUT_HUB };

struct world {
	u32 nr_hosts;
	enum layout layout;
	/* What this world may do to whom lives in it. */
	bool loses;    /* frames: by loss, corruption, a full queue, a partition, a card */
	bool reorders; /* frames overtake each other */
	bool bends;    /* a byte changes */
	bool doubles;  /* frames come twice */
	bool cuts;     /* partitions */
	bool starves;  /* allocations fail */
	bool breaks;   /* cards misbehave */
	bool slow;     /* cards take their time */
	bool shaped;   /* disciplines keep packets, or give some up */
	bool tight;    /* queues or bandwidth small enough to lose or hold up frames for long */
	bool instant;  /* what is sent arrives before the call that sent it returns */
	bool fast;     /* some connections begin with data in their SYN (RFC 7413) */
	u64 worst_cut_ns, worst_delay_ns;
	u64 fault_ns; /* the last refused allocation that was noticed */
	bool calm;    /* cards were ready when the applications began, and their queues are long */
	bool running; /* oracles look after each step */
	bool blind;   /* an experiment with too many connections for an observer */
	struct host host[SIM_HOSTS];
};
extern struct world world;

/* wire.c */
void wire_plan(void);       /* draws links and faults; before the hosts rise */
void wire_plain(u32 hosts); /* instead: wires without delay, limit or fault, for lab.c to change */
void wire_start(void);      /* from now on frames travel */
void wire_manners(void);    /* the cards are plugged: how they are */
void wire_mishaps(void);    /* from now on things happen to cards and wires */
void wire_stop(void);
void wire_from_card(void *host, const u8 *frame, u32 len); /* e1000_model.tx */
void wire_quiet(void); /* no more misfortunes: the end of a run is orderly */
void wire_print(void);

/* midcall.c */
void midcall_start(void);        /* from now on, if that is asked for */
void midcall_soon(u32 accesses); /* the next time it is before one of so many accesses */
void midcall_stop(void);

/* apps.c */
struct end;
void apps_plan(void);
void apps_run(void); /* comes back when every application ended */
void apps_judge(void);
void apps_step(void); /* after each step: who sleeps although he could go on */
void apps_print(void);
u32 apps_flows(void);
/* The first flow that is a connection: who, from which port, how long after the applications begin. NULL: there is none. */
const struct host *apps_first_client(const struct host **server, u16 *port, u64 *start_ns);
/* The stream that @cport's connection (or the other side's) carries: its key; false: none of ours. */
bool apps_stream_key(u16 cport, u16 sport, bool from_client, u64 *key);
bool apps_sock_strict(u16 cport);

/* lab.c: the experiment that sim_options.lab names */
void lab_plan(void); /* instead of wire_plan() and apps_plan() */
void lab_run(void);  /* instead of apps_run() */

/* observer.c */
void observer_start(void);
void observer_sent(const struct host *h, const u8 *frame, u32 len);      /* leaves the card */
void observer_delivered(const struct host *h, const u8 *frame, u32 len); /* whole, into the card */
void observer_stop(void);

/* oracle.c */
void oracle_start(void);
void oracle_step(void);
void oracle_counters(void); /* before the hosts go */
/* Frames that cards and wires lost, and packets that were too many to wait for an address; before the hosts go. */
u64 oracle_lost(void);
void oracle_end(void); /* everything is gone: all counts are what they were before */

/* world.c; NULL: none of them */
const struct host *host_of_net(const struct net *net);
const struct host *host_of_ip(__be32 ip);
#endif
