/* SPDX-License-Identifier: MIT */
/* The one file in net/ that knows all its rooms raises and tears down an instance of the stack. */
#ifndef NET_INIT_H
#define NET_INIT_H
#include <lib/capability.h>
#include <net/net.h>

/* Once per process, before the first instance: skb caches, softnet, NET_TX and NET_RX. 0, -ENOMEM. */
int net_global_init(void);
/* All rooms of @net: families and protocols, then ARP, IP, TCP, UDP, ICMP, ping, raw, packet. 0 or -ENOMEM with everything undone. Process. */
int net_init(struct net *net);
/* 127.0.0.1/8 on lo. 0, -ENOMEM. */
int net_loopback_address(struct net *net);
/* net.ipv4.NAME=VALUE, the name without "net.ipv4.". 0, -ENOENT no such setting, -EINVAL, -ERANGE. Process. */
int net_sysctl_set(struct net *net, const char *name, const char *value) __may_sleep;
/* net.core.NAME=VALUE, as above. */
int net_core_sysctl_set(struct net *net, const char *name, const char *value) __may_sleep;
/* A setting of net.ipv4 as text of at most PROC_SETTING_MAX bytes: its length, -ENOENT. Process. */
int net_sysctl_get(const struct net *net, const char *name, char *text);
/* The pages /proc/net/... of @net and its settings, /proc/sys/net/ipv4/... and core/... */
void net_proc_init(struct net *net);
/* The reverse: devices must have been unregistered. */
void net_exit(struct net *net);
#endif
