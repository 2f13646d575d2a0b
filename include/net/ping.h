/* SPDX-License-Identifier: MIT */
/* Ping sockets (SOCK_DGRAM, IPPROTO_ICMP), as the rooms above see them. */
#ifndef NET_PING_H
#define NET_PING_H
#include <net/sock.h>

extern struct proto ping_prot;
int ping_net_init(struct net *net); /* after ip_init(); 0 */
void ping_net_exit(struct net *net);
void ping_show(struct seq_file *m); /* /proc/net/icmp; arg: struct net */
#endif
