/* SPDX-License-Identifier: MIT */
/* TCP (RFC 9293), as the rooms above see it: its proto table, its life per instance, its page. */
#ifndef NET_TCP_H
#define NET_TCP_H
#include <lib/capability.h>
#include <net/sock.h>

extern struct proto tcp_prot;
int tcp_net_init(struct net *net); /* tables, protocol handler; 0, -ENOMEM */
/*
 * Orphaned connections may go on sending for @grace_ns (process context waits); then everything left is reset or dropped. Returns the
 * number of connections that had to be cut before their data was acknowledged.
 */
u32 tcp_net_drain(struct net *net, u64 grace_ns) __may_sleep;
void tcp_net_exit(struct net *net) __may_sleep;
/* net.ipv4.tcp_NAME=VALUE: 0, -ENOENT unknown name, -EINVAL/-ERANGE bad value. */
int tcp_sysctl_set(struct net *net, const char *name, const char *value);
int tcp_sysctl_get(const struct net *net, const char *name, char *text); /* length, -ENOENT */
void tcp_net_forget(struct net *net)
	__may_sleep;               /* closed connections, cookies of others; process */
void tcp_show(struct seq_file *m); /* /proc/net/tcp; arg: struct net */
#endif
