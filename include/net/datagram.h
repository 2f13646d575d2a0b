/* SPDX-License-Identifier: MIT */
/* IPv4 sockets of messages: what UDP, raw and ping sockets have in common (net/ipv4/datagram.c). */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H
#include <net/ip.h>

/* Where one message goes. */
struct ip4_to {
	__be32 daddr;
	__be16 dport;
	bool connected; /* the peer of connect(): its route is cached */
};

int ip4_datagram_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len,
			 bool nonblock);
void ip4_datagram_forget_peer(struct sock *sk) __needs(softirq_ctx);
/* proto.disconnect: connect() with AF_UNSPEC. 0. */
int ip4_datagram_disconnect(struct sock *sk);
/* proto.close, behind whatever took @sk out of its table. Consumes the socket layer's reference. */
void ip4_datagram_close(struct sock *sk);
/* Whom a message is for: 0, -EINVAL, -EAFNOSUPPORT, -EDESTADDRREQ. */
int ip4_datagram_dest(const struct sock *sk, const struct msghdr *msg, struct ip4_to *to);
/* A counted route and *@fl of the message; ERR_PTR as ip_route_output_key(), (-EACCES) broadcast without permission. */
struct rtable *ip4_datagram_route(struct sock *sk, const struct ip4_to *to, const struct ipcm *ipc,
				  u8 protocol, struct flowi4 *fl);
/* In skb->cb of a message on a receive queue: the device it came by. */
static inline u32 *ip4_datagram_iif(const struct sk_buff *skb)
{
	return (u32 *)(void *)(unsigned long)skb->cb;
}

bool ip4_datagram_queue_rcv(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);
/* An ICMP error came for @sk: queued for who asked, pending for a connected socket. @skb as net_protocol.err_handler. */
void ip4_datagram_error(struct sock *sk, struct sk_buff *skb, const struct ip_icmp_news *news)
	__needs(softirq_ctx);
/* The columns of /proc/net/udp, raw and icmp behind the line's number, and their names. */
#define IP4_DATAGRAM_HEAD                                                                          \
	"local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "                 \
	"uid  timeout inode ref pointer drops"
void ip4_datagram_show(struct seq_file *m, const struct sock *sk);
#endif
