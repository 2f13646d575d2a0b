/* SPDX-License-Identifier: MIT */
/* Inside of UDP: its socket, and what udp.c (down, options, life) and udp_input.c (up) name of each other. */
#ifndef UDP_INTERNAL_H
#define UDP_INTERNAL_H
#include <net/datagram.h>
#include <net/udp.h>

struct udp_net {
	struct inet_hashinfo *hash; /* port table of all UDP sockets */
};

struct udp_sock {
	struct sock sk; /* first */
	bool corked;    /* UDP_CORK: calls gather, till it is taken off */
	bool pending;   /* sk_write_queue holds the begin of a datagram, for cork; owner */
	u16 gso_size;   /* UDP_SEGMENT */
	struct ip_cork
		cork; /* the same; its route is counted, its options are its own, while it is pending */
};

static inline struct udp_sock *udp_sk(struct sock *sk)
{
	return (struct udp_sock *)(void *)sk;
}

ssize_t udp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags) __may_sleep;
extern const struct net_protocol udp_protocol;
#endif
