/* SPDX-License-Identifier: MIT */
/*
 * Neighbours: who on this link has that address? A generic table with the states of RFC 4861 (7.3.2) and one plug-in, ARP.
 */
#ifndef NET_NEIGHBOUR_H
#define NET_NEIGHBOUR_H
#include <kernel/timer.h>
#include <lib/capability.h>
#include <net/netdevice.h>

enum nud_state {
	NUD_NONE = 0,
	NUD_INCOMPLETE = 1,
	NUD_REACHABLE = 2,
	NUD_STALE = 4,
	NUD_DELAY = 8,
	NUD_PROBE = 16,
	NUD_FAILED = 32,
	NUD_NOARP = 64,
	NUD_PERMANENT = 128,
	NUD_CONNECTED = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE,
	NUD_VALID = NUD_CONNECTED | NUD_STALE | NUD_DELAY | NUD_PROBE,
};

struct neighbour; /* net/neigh/neighbour.c */
/*
 * Finds the entry for @key on @dev or makes it, with a reference for the caller. ERR_PTR: -ENOBUFS table full, -ENOMEM,
 * -EINVAL device down. Any context but hardirq. An entry that somebody holds is never evicted.
 */
struct neighbour *neigh_lookup_create(struct net *net, __be32 key, struct net_device *dev);
void neigh_release(struct neighbour *n);
/*
 * Sends @skb (data at the network header, headroom for the link header, route set) through @n, now or when the address is
 * known. Consumes it. 0 (sent or waiting), NET_XMIT_*, -ENETDOWN, -ENOMEM, -EINVAL. BH off.
 */
int neigh_output(struct neighbour *n, struct sk_buff *skb) __needs(softirq_ctx);
SKB_CONSUMER(neigh_output, 2);
/* The neighbour @key on @dev made forward progress (an ACK advanced): REACHABLE again without asking. BH off. */
void neigh_confirm(struct net *net, __be32 key, struct net_device *dev) __needs(softirq_ctx);
/* neigh=IP=MAC: a permanent entry. 0, -ENOMEM, -ENOBUFS, -EINVAL (device down, bad MAC). Process context. */
int neigh_add_permanent(struct net *net, __be32 key, struct net_device *dev, const u8 *lladdr);
void neigh_flush(
	struct net *net); /* what was learned is forgotten, permanent entries stay; process */
int arp_net_init(struct net *net); /* table, ARP plug-in, packet type, notifier; 0, -ENOMEM */
void arp_net_exit(struct net *net);
/* Announces @addr (RFC 5227, 2.3): one gratuitous request. Process, softirq. */
void arp_announce(struct net_device *dev, __be32 addr);
/* Address conflict detection (RFC 5227): acd= of the command line. */
enum acd_mode {
	ACD_BACKGROUND, /* announced and used at once, probed meanwhile */
	ACD_STRICT,     /* probed before it is used */
	ACD_OFF,        /* neither probed, announced nor defended */
};
void acd_set_mode(struct net *net, enum acd_mode mode);
void acd_start(struct net_device *dev, __be32 addr); /* @addr is in use: announcements, probes */
/* Is told of @addr: 0 it is free, or nobody minded; -EADDRINUSE; -ENETDOWN; -EAGAIN another address was started. BH off. */
typedef void (*acd_done_fn)(void *arg, __be32 addr, int result);
bool acd_check(struct net_device *dev, __be32 addr, acd_done_fn done,
	       void *arg); /* strict: probes before use; false: need not be */
void acd_watch(struct net_device *dev, __be32 addr, acd_done_fn done,
	       void *arg);                                /* acd_start(), and the result is told */
void acd_forget(struct net_device *dev, const void *arg); /* nobody is told any more */
/* Strict: sleeps till @addr is known to be free. 0, -EADDRINUSE, -ENETDOWN, -EAGAIN; at once otherwise. */
int acd_probe(struct net_device *dev, __be32 addr) __may_sleep;
void arp_show(struct seq_file *m);         /* /proc/net/arp; arg: struct net */
void neigh_cache_show(struct seq_file *m); /* /proc/net/stat/arp_cache; arg: struct net */
void neigh_stat_show(struct seq_file *m); /* /proc/net/neigh: "name value" lines; arg: struct net */
#endif
