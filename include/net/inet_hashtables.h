/* SPDX-License-Identifier: MIT */
/*
 * Tables by which packets find sockets: the 4-tuple table (connected), and the port table (bound, listening, datagram).
 * BH off. Entries count no reference; whoever unhashes keeps his own.
 */
#ifndef NET_INET_HASHTABLES_H
#define NET_INET_HASHTABLES_H
#include <lib/capability.h>
#include <net/sock.h>

/* Ephemeral ports, unless net.ipv4.ip_local_port_range says otherwise. */
enum { PORT_MIN_DEFAULT = 32768, PORT_MAX_DEFAULT = 60999 };
/* 0; -ERANGE not 1..65535, or the wrong way round. Process. */
int inet_set_port_range(struct net *net, u64 low, u64 high);

struct inet_hashinfo;
struct inet_hashinfo *inet_hashinfo_alloc(struct net *net,
					  u32 buckets); /* power of two; NULL without memory */
void inet_hashinfo_free(struct inet_hashinfo *h);       /* both tables must be empty: asserted */

/* Connected sockets (and mini sockets, by their sock_common). */
int inet_ehash_insert(struct inet_hashinfo *h, struct sock_common *skc)
	__needs(softirq_ctx); /* 0, -EADDRNOTAVAIL the 4-tuple exists */
void inet_ehash_remove(struct sock_common *skc) __needs(softirq_ctx); /* no-op when not in */
struct sock_common *inet_lookup_established(struct inet_hashinfo *h, __be32 saddr, __be16 sport,
					    __be32 daddr, u16 hnum, u32 dif) __needs(softirq_ctx);
/* Replaces @old by @new_ at the same place (socket -> TIME-WAIT, request -> child). */
void inet_ehash_replace(struct inet_hashinfo *h, struct sock_common *old, struct sock_common *new_)
	__needs(softirq_ctx);

/* Ports. */
/* Binds @skc to @num (0: an ephemeral port 32768..60999, random start, RFC 6056). 0, -EADDRINUSE, -EAGAIN none free. */
int inet_bind_port(struct inet_hashinfo *h, struct sock_common *skc, u16 num) __needs(softirq_ctx);
/* May @skc listen? One without a port gets one. 0, -EADDRINUSE, -EAGAIN. */
int inet_listen_port(struct inet_hashinfo *h, struct sock_common *skc) __needs(softirq_ctx);
void inet_unbind_port(struct sock_common *skc) __needs(softirq_ctx); /* no-op when not bound */
/* A child or mini socket joins its parent's port. */
void inet_inherit_port(struct inet_hashinfo *h, struct sock_common *child, u16 num)
	__needs(softirq_ctx);
/* Chooses a local port for a connection whose other three parts are set, and enters both tables. 0, -EADDRNOTAVAIL. RFC 6056, 3.3.4. */
int inet_hash_connect(struct inet_hashinfo *h, struct sock_common *skc) __needs(softirq_ctx);
/* Best listening socket (state LISTEN) for @daddr:@hnum; a bound address beats any; of those that share it @saddr:@sport decides. */
struct sock *inet_lookup_listener(struct inet_hashinfo *h, __be32 saddr, __be16 sport, __be32 daddr,
				  u16 hnum, u32 dif) __needs(softirq_ctx);
/* Best datagram socket: more of {local address, peer, device} matched wins. */
struct sock *inet_lookup_dgram(struct inet_hashinfo *h, __be32 saddr, __be16 sport, __be32 daddr,
			       u16 hnum, u32 dif) __needs(softirq_ctx);
/* Calls @fn for every entry of both tables until it returns true. */
void inet_hash_for_each(struct inet_hashinfo *h, bool (*fn)(struct sock_common *skc, void *arg),
			void *arg) __needs(softirq_ctx);
#endif
