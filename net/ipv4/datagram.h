/* SPDX-License-Identifier: MIT */
/* Private to net/ipv4: what raw and ping sockets share beside <net/datagram.h> (datagram.c). */
#ifndef IPV4_DATAGRAM_H
#define IPV4_DATAGRAM_H
#include "ipv4.h"

#include <net/datagram.h>

/* A packet with @len bytes of the message, behind room for a link header and @hdrlen bytes; NULL with *@err. */
struct sk_buff *ip4_datagram_skb(struct msghdr *msg, u32 len, u32 hdrlen, int *err);
/* Out with a header made from @fl. Consumes @skb and @rt's reference. As ip_send_skb(). */
int ip4_datagram_send(struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		      const struct flowi4 *fl, const struct ipcm *ipc);
ssize_t ip4_datagram_recvmsg(struct sock *sk, struct msghdr *msg, size_t len,
			     u32 flags) __may_sleep;
int ip4_datagram_setsockopt(struct sock *sk, int level, int opt, const void *kval, u32 len);
int ip4_datagram_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len);
/* Every socket of @n lists, a line each. */
void ip4_datagram_show_lists(struct seq_file *m, struct list_head *lists, u32 n, bool number);
struct sock *ip4_datagram_sock_of(struct list_head *node);
#endif
