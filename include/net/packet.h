/* SPDX-License-Identifier: MIT */
/* Packet sockets (AF_PACKET), as net/init.c sees them. */
#ifndef NET_PACKET_H
#define NET_PACKET_H
#include <net/net.h>

int packet_net_init(struct net *net); /* the family; 0, -EEXIST, -ENOSPC */
void packet_net_exit(struct net *net);
void packet_show(struct seq_file *m); /* /proc/net/packet; arg: struct net */
#endif
