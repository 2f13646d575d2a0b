// SPDX-License-Identifier: MIT
/*
 * What IPv4 sockets of messages have in common: a peer and its route, whom a message is for, the news that an ICMP error brings; and
 * what raw and ping sockets share beside: one message down, one message up.
 *
 * Interface: <net/datagram.h>; datagram.h.
 * Above: UDP, raw.c, ping.c.  Below: route.c, ip_output.c, ip_sockglue.c; net/core's datagram.c.
 * Context: process; what does not wait also softirq. Nothing takes the socket's ownership to send or receive: BH off is lock enough.
 * Owns: the packet from ip4_datagram_skb() on.
 * Specs: RFC 1122 (3.2.2, 4.1.3.3); Linux's udp(7), raw(7), icmp(7).
 */
#include "datagram.h"

#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/icmp.h>

/* --- The peer ---------------------------------------------------------------------------------------------------------- */
/**
 * ip4_datagram_forget_peer() - forgets peer and route, and the address that connect() chose.
 * Context: BH off.
 */
void ip4_datagram_forget_peer(struct sock *sk)
{
	sk->sk_state = TCP_CLOSE;
	sk->sk_daddr = 0;
	sk->sk_dport = 0;
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		sk->inet_saddr = 0;
		sk->sk_rcv_saddr = 0;
	}
	sk_dst_set(sk, NULL);
}

/* BH off. The route decides the source address; broadcast needs permission. */
static int connect_bh(struct sock *sk, const struct sockaddr_in *addr) __needs(softirq_ctx)
{
	const struct sock_common old = sk->__sk_common;
	__be32 saddr = sk->inet_saddr;
	int err;

	ip4_datagram_forget_peer(sk);
	sk->sk_daddr = ipv4_this_host(addr->sin_addr, sk->inet_saddr);
	err = ip_route_connect_sk(sk);
	if (err == -ENETUNREACH)
		IP_INC_STATS(sk->sk_net, OutNoRoutes);
	if (!err && dst_rtable(sk->sk_dst_cache)->rt_type == RTN_BROADCAST &&
	    !sock_flag(sk, SOCK_BROADCAST))
		err = -EACCES;
	if (err) { /* the peer stays that it had */
		sk_dst_set(sk, NULL);
		sk->sk_state = old.skc_state;
		sk->sk_daddr = old.skc_daddr;
		sk->sk_dport = old.skc_dport;
		sk->sk_rcv_saddr = old.skc_rcv_saddr;
		sk->inet_saddr = saddr;
		return err;
	}
	sk->sk_dport = addr->sin_port;
	sk->sk_state = TCP_ESTABLISHED;
	sk->inet_id = (u16)get_random_u32();
	return 0;
}

/**
 * ip4_datagram_connect() - proto.connect: only this peer from now on, and its errors.
 * Context: process.
 * Return: 0; -EINVAL short address; -EAFNOSUPPORT; -EACCES broadcast without SO_BROADCAST; what ip_route_connect_sk() says. An error leaves
 * the peer that it had.
 */
int ip4_datagram_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len,
			 bool nonblock)
{
	int err;

	(void)nonblock;
	if (addr_len < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	local_bh_disable();
	err = connect_bh(sk, addr);
	local_bh_enable();
	return err;
}

/**
 * ip4_datagram_disconnect() - proto.disconnect: connect() with AF_UNSPEC; a port that we chose is given back.
 * Context: process. Return: 0.
 */
int ip4_datagram_disconnect(struct sock *sk)
{
	local_bh_disable();
	ip4_datagram_forget_peer(sk);
	local_bh_enable();
	if (sk->sk_prot->unbind && !(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		sk->sk_prot->unbind(sk);
	return 0;
}

/**
 * ip4_datagram_close() - the end of a socket that no packet finds any more: groups, peer, what is unread.
 * Context: process. Consumes: the socket layer's reference.
 */
void ip4_datagram_close(struct sock *sk)
{
	ip_mc_drop_socket(sk);
	local_bh_disable();
	ip4_datagram_forget_peer(sk);
	local_bh_enable();
	datagram_close(sk);
}

/**
 * ip4_datagram_dest() - whom a message is for: the name it bears, or the peer.
 * Context: any.
 * Return: 0; -EDESTADDRREQ neither; -EINVAL short address; -EAFNOSUPPORT.
 */
int ip4_datagram_dest(const struct sock *sk, const struct msghdr *msg, struct ip4_to *to)
{
	const struct sockaddr_in *sin = msg->msg_name;

	if (!sin) {
		if (sk->sk_state != TCP_ESTABLISHED)
			return -EDESTADDRREQ;
		*to = (struct ip4_to){ sk->sk_daddr, sk->sk_dport, true };
		return 0;
	}
	if (msg->msg_namelen < (int)sizeof(*sin))
		return -EINVAL;
	if (sin->sin_family != AF_INET && sin->sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	*to = (struct ip4_to){ sin->sin_addr, sin->sin_port, false };
	return 0;
}

/* --- Down -------------------------------------------------------------------------------------------------------------------- */
/* The cached route is for what the socket itself wants: control data may want another. BH off. */
static struct rtable *lookup(struct sock *sk, const struct ip4_to *to, const struct ipcm *ipc,
			     struct flowi4 *fl) __needs(softirq_ctx)
{
	bool cached = to->connected && !ipc->opt && !ipc->onlink && ipc->saddr == sk->inet_saddr &&
		      ipc->oif == sk->sk_bound_dev_if && ipc->tos == sk->inet_tos;
	struct rtable *rt;

	if (cached) {
		struct dst_entry *dst = __sk_dst_check(sk);

		if (dst)
			return dst_rtable(dst_hold(dst));
	}
	ip_sk_flow_dev(sk, fl);
	/* The way is that of the first hop; the header names the real destination. */
	fl->daddr = ip_first_hop(ipc->opt ? ipc->opt : ip_sk_options(sk), to->daddr);
	rt = ip_route_output_key(sk->sk_net, fl);
	if (IS_ERR(rt)) {
		if (PTR_ERR(rt) == -ENETUNREACH)
			IP_INC_STATS(sk->sk_net, OutNoRoutes);
		return rt;
	}
	fl->daddr = to->daddr ? to->daddr : fl->daddr;
	if (cached && !sk->sk_dst_cache)
		sk_dst_set(sk, dst_hold(&rt->dst));
	return rt;
}

/**
 * ip4_datagram_route() - the route of a message and, in *@fl, its addresses; a connected socket caches it.
 * Context: process, softirq. Owns: the caller, one reference on the route.
 * Return: the route; ERR_PTR(-EACCES) broadcast without SO_BROADCAST, or what ip_route_output_key() says.
 */
struct rtable *ip4_datagram_route(struct sock *sk, const struct ip4_to *to, const struct ipcm *ipc,
				  u8 protocol, struct flowi4 *fl)
{
	struct rtable *rt;

	*fl = (struct flowi4){
		.daddr = ipv4_this_host(to->daddr, ipc->saddr),
		.saddr = ipc->saddr,
		.oif = ipc->oif,
		.flowi4_proto = protocol,
		.flowi4_tos = (u8)ipc->tos,
		/* A socket bound to a device may speak before the device has an address (DHCP). */
		.anysrc = ip_sk_anysrc(sk, ipc->saddr) ||
			  (sk->sk_bound_dev_if && ipv4_is_lbcast(to->daddr) && !ipc->saddr),
		.onlink = ipc->onlink,
	};
	local_bh_disable();
	rt = lookup(sk, to, ipc, fl);
	if (!IS_ERR(rt) && rt->rt_type == RTN_BROADCAST && !sock_flag(sk, SOCK_BROADCAST)) {
		dst_release(&rt->dst);
		rt = ERR_PTR(-EACCES);
	}
	local_bh_enable();
	return rt;
}

/**
 * ip4_datagram_skb() - a packet that holds @len bytes of the message, behind room for a link header and @hdrlen bytes.
 * Context: process, softirq. Owns: the caller.
 * Return: the packet; NULL with *@err: -ENOBUFS no memory, -EFAULT.
 */
struct sk_buff *ip4_datagram_skb(struct msghdr *msg, u32 len, u32 hdrlen, int *err)
{
	u32 room = LL_MAX_HEADER + hdrlen;
	struct sk_buff *skb = alloc_skb(room + len);

	*err = -ENOBUFS;
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	skb_reset_transport_header(skb);
	*err = skb_add_data(skb, &msg->msg_iter, len);
	if (*err) {
		kfree_skb_reason(skb, SKB_DROP_REASON_LOCAL_ERROR);
		return NULL;
	}
	if (msg->msg_flags & MSG_CONFIRM)
		skb->dst_pending_confirm = 1;
	return skb;
}

/**
 * ip4_datagram_send() - charges the socket for the packet, puts its header in front of it and sends it.
 * Context: process, softirq. Consumes: @skb and the reference on @rt.
 * Return: as ip_send_skb(); -EMSGSIZE above the path MTU when IP_MTU_DISCOVER forbids fragments.
 */
int ip4_datagram_send(struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		      const struct flowi4 *fl, const struct ipcm *ipc)
{
	u32 mtu = ip_dst_mtu_of(sk, &rt->dst);
	bool fits = skb->len + ipc_hdrlen(sk, ipc) <= mtu;
	int err;

	if (!fits && !ip_sk_ignore_df(sk)) {
		ip_local_error(sk, EMSGSIZE, fl->daddr, sk->sk_dport, mtu);
		dst_release(&rt->dst);
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return -EMSGSIZE;
	}
	local_bh_disable();
	skb_set_owner_w(skb, sk);
	skb->ignore_df = ip_sk_ignore_df(sk);
	err = ip_send_skb_options(sk->sk_net, sk, skb, rt, fl, ipc->opt,
				  ipc->ttl ? ipc->ttl : ip_sk_ttl(sk, rt),
				  ip_datagram_df(sk, &rt->dst, fits));
	local_bh_enable();
	return err;
}

/* --- Up ------------------------------------------------------------------------------------------------------------------------- */
/**
 * ip4_datagram_queue_rcv() - datagram_queue_rcv() that remembers the device @skb came by, which may be gone when it is read.
 * Context: softirq. Consumes: @skb.
 * Return: it was queued.
 */
bool ip4_datagram_queue_rcv(struct sock *sk, struct sk_buff *skb)
{
	*ip4_datagram_iif(skb) = skb->dev->ifindex;
	return datagram_queue_rcv(sk, skb);
}

/**
 * ip4_datagram_recvmsg() - proto.recvmsg: one message, who sent it, and what the socket wants to know about it.
 * Context: process; softirq with MSG_DONTWAIT.
 * Return: its length as skb_copy_datagram_msg(); 0 after shutdown; -EAGAIN; -EOPNOTSUPP MSG_OOB; -EFAULT; the error that an ICMP
 * message left.
 */
ssize_t ip4_datagram_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags)
{
	struct sockaddr_in *sin = msg->msg_name;
	struct sk_buff *skb;
	int err;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (flags & MSG_ERRQUEUE)
		return ip_recv_error(sk, msg, len);
	skb = skb_recv_datagram(sk, flags, &err);
	if (!skb)
		return err;
	if (sin) {
		*sin = (struct sockaddr_in){ .sin_family = AF_INET,
					     .sin_addr = ip_hdr(skb)->saddr };
		msg->msg_namelen = sizeof(*sin);
	}
	ip_cmsg_recv(sk, msg, skb, *ip4_datagram_iif(skb));
	return skb_copy_datagram_msg(skb, msg, len, flags);
}

/**
 * ip4_datagram_error() - an ICMP error came for @sk. Who asked for errors (IP_RECVERR) finds each on the error queue and pending;
 * others are told of hard ones if they are connected: without a peer nobody could tell whose error it is (RFC 1122, 4.1.3.3).
 * @skb: as net_protocol.err_handler; not consumed.
 * Context: softirq.
 */
void ip4_datagram_error(struct sock *sk, struct sk_buff *skb, const struct ip_icmp_news *news)
{
	bool mtu = news->type == ICMP_DEST_UNREACH && news->code == ICMP_FRAG_NEEDED, hard;
	int err = ip_icmp_errno(news->type, news->code, &hard);

	if (mtu) {
		ip_sk_update_pmtu(sk, ip_hdr(skb)->daddr, news->info);
		hard = sk->inet_pmtudisc != IP_PMTUDISC_DONT && ip_sk_accept_pmtu(sk);
		if (!hard)
			return;
	}
	if (sk->inet_flags & INET_RECVERR)
		ip_icmp_error(sk, skb, err, news);
	else if (!hard || sk->sk_state != TCP_ESTABLISHED)
		return;
	sk->sk_err = err;
	sk->sk_error_report(sk);
}

/* --- Options, pages ------------------------------------------------------------------------------------------------------------- */
/**
 * ip4_datagram_setsockopt() - proto.setsockopt.
 * Context: process; takes the sock.
 * Return: as ip_setsockopt(); -ENOPROTOOPT another level.
 */
int ip4_datagram_setsockopt(struct sock *sk, int level, int opt, const void *kval,
			    u32 len) __may_sleep
{
	int err;

	if (level != SOL_IP)
		return -ENOPROTOOPT;
	lock_sock(sk);
	err = ip_setsockopt(sk, opt, kval, len);
	release_sock(sk);
	return err;
}

/**
 * ip4_datagram_getsockopt() - proto.getsockopt.
 * Context: process; takes the sock.
 * Return: as ip_getsockopt(); -EOPNOTSUPP another level.
 */
int ip4_datagram_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len) __may_sleep
{
	int err;

	if (level != SOL_IP)
		return -EOPNOTSUPP;
	lock_sock(sk);
	err = ip_getsockopt(sk, opt, kval, len);
	release_sock(sk);
	return err;
}

/**
 * ip4_datagram_show() - the columns of a socket (kernel addresses are shown as 0). Context: process, BH off.
 */
void ip4_datagram_show(struct seq_file *m, const struct sock *sk)
{
	seq_printf(m, "%08X:%04X %08X:%04X %02X %08X:%08X %02X:%08X %08X %5u %8d %u %d %d %u",
		   (__force u32)sk->sk_rcv_saddr, (unsigned int)sk->sk_num,
		   (__force u32)sk->sk_daddr, (unsigned int)ntohs(sk->sk_dport),
		   (unsigned int)sk->sk_state, sk->sk_wmem_alloc, sk->sk_rmem_alloc, 0U, 0U, 0U, 0U,
		   0, 0U, (int)sk->sk_refcnt, 0, sk->sk_drops);
}

/** ip4_datagram_sock_of() - the socket whose skc_node @node is. Context: any. Return: it, borrowed from its table. */
struct sock *ip4_datagram_sock_of(struct list_head *node)
{
	return container_of(list_entry(node, struct sock_common, skc_node), struct sock,
			    __sk_common);
}

/**
 * ip4_datagram_show_lists() - the page /proc/net/raw or icmp: a line for every socket of @n lists, which begins with its
 * number (raw: the protocol) or with that of the line. Context: process.
 */
void ip4_datagram_show_lists(struct seq_file *m, struct list_head *lists, u32 n, bool number)
{
	unsigned int line = 0;

	seq_puts(m, "  sl  " IP4_DATAGRAM_HEAD "\n");
	local_bh_disable();
	for (u32 i = 0; i < n; i++)
		for (struct list_head *at = lists[i].next; at != &lists[i]; at = at->next) {
			const struct sock *sk = ip4_datagram_sock_of(at);

			seq_printf(m, "%4u: ", number ? (unsigned int)sk->sk_num : line++);
			ip4_datagram_show(m, sk);
			seq_puts(m, "\n");
		}
	local_bh_enable();
}
