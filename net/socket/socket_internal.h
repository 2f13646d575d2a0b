/* SPDX-License-Identifier: MIT */
/* Private to net/socket: the table of families, and what a protocol family offers socket(). */
#ifndef SOCKET_INTERNAL_H
#define SOCKET_INTERNAL_H
#include <net/socket.h>

struct net_proto_family {
	int family;
	/* Gives @sock its ops and sk for @protocol. 0, or -errno with nothing made. */
	int (*create)(struct net *net, struct socket *sock, int protocol);
};

/* net->inet: what socket() looks through. Written at init only. */
struct inet_socket_net {
	const struct net_proto_family *families[NPROTO];
	struct list_head
		inetsw[SOCK_MAX]; /* by type: struct inet_protosw, in order of registration */
};
#endif
