/* SPDX-License-Identifier: MIT */
/* Raw IPv4 sockets (SOCK_RAW), as the rooms above see them. */
#ifndef NET_RAW_H
#define NET_RAW_H
#include <net/sock.h>

extern struct proto raw_prot;
int raw_net_init(struct net *net); /* after ip_init(); 0 */
void raw_net_exit(struct net *net);
void raw_show(struct seq_file *m); /* /proc/net/raw; arg: struct net */
#endif
