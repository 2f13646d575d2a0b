/* SPDX-License-Identifier: MIT */
/*
 * One host on one device: what it sends is looked at and thrown away, what a target builds is fed to it as from the
 * wire. The host is 10.0.0.1/24 (02:..:01); 10.0.0.2 (02:..:02) is its neighbour and its gateway.
 */
#ifndef ONEHOST_H
#define ONEHOST_H
#include "fuzz.h"

#include <lib/byteorder.h>
#include <net/netdevice.h>

#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))
#define OUR_IP          IP4(10, 0, 0, 1)
#define PEER_IP         IP4(10, 0, 0, 2)
#define OUT_MAX         2048u

enum onehost_link { ONEHOST_BARE, ONEHOST_ETHERNET };

struct onehost {
	struct net *net;
	struct net_device *dev;
	enum onehost_link link;
	bool guard; /* bytes behind a received packet must not even be read: nobody appends to it */
	bool ip_options; /* packets of ours may have IP options */
	bool hold;       /* the device keeps packets as a ring does, until onehost_tx_done() */
	/* Called with every IP packet that leaves; it was found well-formed. */
	void (*on_packet)(const u8 *ip, u32 len);
	u32 packets; /* that left */
	u8 out[OUT_MAX];
	u32 out_len; /* the last one, link header included */
};
extern struct onehost host;
extern const u8 our_mac[6], peer_mac[6];

/* A fresh instance with loopback and one device, open, with carrier. */
void onehost_up(enum onehost_link link, bool with_address);
/* Devices, rooms and instance go; every count must be zero: asserted by the stack. */
void onehost_down(void);
/* A frame from the wire: from the Ethernet header on, or from the IP header on. */
void onehost_feed(const void *frame, u32 len);
/* An IP packet, whatever the link; an Ethernet frame comes from the peer. */
void onehost_feed_ip(const void *packet, u32 len);
/* Packets the device held are sent. */
void onehost_tx_done(void);
/* Neighbours and their timers go, so that the next input meets an empty table. */
void onehost_forget_neighbours(void);
/* Datagrams that are not whole: their time runs out. */
void onehost_forget_fragments(void);

/* --- Packets by hand ------------------------------------------------------------------------------------------------ */
/* Checksums of an IP packet of @len bytes, as far as its headers are there: IP, and TCP, UDP or ICMP behind it. */
void onehost_fix_checksums(u8 *packet, u32 len);
/* An IP header for @len bytes of @proto behind it; no checksum yet. */
void onehost_ip_header(u8 *packet, __be32 saddr, __be32 daddr, u8 proto, u32 len);
#endif
