/* SPDX-License-Identifier: MIT */
/* Private to net/ipv4: what raw and ping sockets have in common (datagram.c). */
#ifndef IPV4_DATAGRAM_H
#define IPV4_DATAGRAM_H
#include "ipv4.h"

/* Where one message goes. */
struct ip4_to {
	__be32 daddr;
	bool connected; /* the peer of connect(): its route is cached */
};

int ip4_datagram_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len,
			 bool nonblock);
void ip4_datagram_forget_peer(struct sock *sk) __needs(softirq_ctx);
/* Whom a message is for: 0, -EINVAL, -EAFNOSUPPORT, -EDESTADDRREQ. */
int ip4_datagram_dest(const struct sock *sk, const struct msghdr *msg, struct ip4_to *to);
/* A counted route and *@fl of the message; ERR_PTR as ip_route_output_key(), (-EACCES) broadcast without permission. */
struct rtable *ip4_datagram_route(struct sock *sk, const struct ip4_to *to, u8 protocol,
				  struct flowi4 *fl);
/* A packet with @len bytes of the message, behind room for a link header and 20 bytes; NULL with *@err. */
struct sk_buff *ip4_datagram_skb(struct msghdr *msg, u32 len, int *err);
/* Out with @ihl 20 bytes of header made from @fl. Consumes @skb and @rt's reference. As ip_send_skb(). */
int ip4_datagram_send(struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		      const struct flowi4 *fl);
ssize_t ip4_datagram_recvmsg(struct sock *sk, struct msghdr *msg, size_t len,
			     u32 flags) __may_sleep;
/* An ICMP error came for @sk: a connected socket is told of a hard one. */
void ip4_datagram_error(struct sock *sk, u8 type, u8 code) __needs(softirq_ctx);
int ip4_datagram_setsockopt(struct sock *sk, int level, int opt, const void *kval, u32 len);
int ip4_datagram_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len);
/* Head and lines of /proc/net/raw and /proc/net/icmp. */
void ip4_datagram_show_head(struct seq_file *m);
void ip4_datagram_show(struct seq_file *m, const struct sock *sk, unsigned int line);
#endif
