/* SPDX-License-Identifier: MIT */
/*
 * The whole stack under an application's system calls, over the loopback device alone: one instance for all tests of a program,
 * sockets of every kind on 127.0.0.1, and an end after which nothing is left.
 */
#ifndef LOOPBACK_H
#define LOOPBACK_H
#include "instance.h"

#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/timer.h>
#include <lib/byteorder.h>

static void up(void)
{
	(void)instance_up();
}

/* All descriptors below @end but the console's. */
static void close_below(int end)
{
	for (int fd = 3; fd < end; fd++)
		(void)SYS(close, fd);
	host_clock_advance(130 * NSEC_PER_SEC); /* TIME-WAIT too */
	CHECK_EQ(net->socks_live, 0);
	CHECK_EQ(files_live(), 1);
}

/* Everything that was ever sent has arrived, every connection has had its time. */
static void settle(void)
{
	host_clock_advance(10 * NSEC_PER_MSEC);
}

static struct sockaddr_in loopback(u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = htonl(0x7f000001) };
}

static int udp(void)
{
	return (int)SYS(socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static int tcp(void)
{
	return (int)SYS(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static int tcp_listener(u16 port)
{
	struct sockaddr_in a = loopback(port);
	int fd = tcp();

	CHECK_EQ(SYS(bind, fd, P(&a), 16), 0);
	CHECK_EQ(SYS(listen, fd, 5), 0);
	return fd;
}

/* A connected pair: *@server gets the accepted end. */
static int tcp_pair(u16 port, int *server)
{
	struct sockaddr_in a = loopback(port);
	int l = tcp_listener(port), c = tcp();

	CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	settle();
	*server = (int)SYS(accept4, l, 0, 0, SOCK_NONBLOCK);
	CHECK(*server > 0);
	CHECK_EQ(SYS(connect, c, P(&a), 16), 0);
	CHECK_EQ(SYS(close, l), 0);
	return c;
}
#endif
