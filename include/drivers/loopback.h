/* SPDX-License-Identifier: MIT */
/* The loopback device "lo": what is sent comes back through the receive backlog. */
#ifndef DRIVERS_LOOPBACK_H
#define DRIVERS_LOOPBACK_H
#include <lib/capability.h>
struct net;
/* Registers lo in @net, gives it 127.0.0.1/8 and opens it. 0, -ENOMEM. Process context. */
int loopback_init(struct net *net) __may_sleep;
void loopback_exit(struct net *net) __may_sleep;
#endif
