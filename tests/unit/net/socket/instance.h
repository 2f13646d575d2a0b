/* SPDX-License-Identifier: MIT */
/*
 * The whole stack under an application's system calls: one instance for all tests of a program, with the loopback device.
 *
 *   if (instance_up())     it is new: what else the program wants is added
 */
#ifndef INSTANCE_H
#define INSTANCE_H
#include "ktest_calls.h"

#include <drivers/loopback.h>
#include <kernel/posix.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/socket.h>

static struct net *net;

/* Return: it was not there before. */
static bool instance_up(void)
{
	if (net)
		return false;
	host_console_quiet(true);
	syscall_init();
	posix_init();
	net = net_alloc();
	CHECK(net && net_global_init() == 0 && net_init(net) == 0);
	CHECK_EQ(loopback_init(net), 0);
	CHECK_EQ(net_loopback_address(net), 0);
	socket_init(net);
	return true;
}
#endif
