/* SPDX-License-Identifier: MIT */
/* Private to net/socket: the tables that socket() looks through. */
#ifndef SOCKET_INTERNAL_H
#define SOCKET_INTERNAL_H
#include <net/socket.h>

/* net->inet. Written at init only, but for raw_denied. */
struct inet_socket_net {
	const struct net_proto_family *families[NPROTO];
	struct list_head inetsw[SOCK_MAX]; /* by type: struct inet_protosw, permanent ones first */
	bool raw_denied;
};

/* net->inet, empty. 0, -ENOMEM. */
int protosw_net_init(struct net *net);
void protosw_net_exit(struct net *net);
/* The entry for @protocol of @type; 0 becomes the entry's own. ERR_PTR(-ESOCKTNOSUPPORT), (-EPROTONOSUPPORT). */
const struct inet_protosw *inet_lookup_protosw(struct net *net, int type, int *protocol);
/* The family of that number, within 0..NPROTO-1; NULL. */
const struct net_proto_family *sock_family(const struct net *net, int family);
/*
 * A question about a network device (ifioctl.c): SIOCGIFCONF and its like. 0, -ENOTTY another request, -EFAULT, -ENODEV,
 * -EADDRNOTAVAIL it has no address.
 */
long sock_if_ioctl(struct net *net, unsigned long req, void *arg) __may_sleep;
#endif
