/* SPDX-License-Identifier: MIT */
/* DHCP client (RFC 2131): gets, renews and loses the address of one device. A state machine on timers and a kernel socket; no thread. */
#ifndef NET_DHCP_H
#define NET_DHCP_H
#include <net/netdevice.h>

/* Starts on @dev. 0, -ENOMEM, -EADDRINUSE. Process context. */
int dhcp_start(struct net_device *dev);
/* Waits till an address is bound: 0, -ETIMEDOUT. Process context. */
int dhcp_wait(struct net *net, u64 deadline_ns);
void dhcp_stop(struct net *net); /* timers and socket gone; the address stays */
#endif
