/* SPDX-License-Identifier: MIT */
/* UDP (RFC 768), as the rooms above see it. */
#ifndef NET_UDP_H
#define NET_UDP_H
#include <net/sock.h>

extern struct proto udp_prot;
int udp_net_init(struct net *net); /* 0, -ENOMEM */
void udp_net_exit(struct net *net);
void udp_show(struct seq_file *m); /* /proc/net/udp; arg: struct net */
#endif
