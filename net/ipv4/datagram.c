// SPDX-License-Identifier: MIT
/*
 * What raw and ping sockets have in common: a peer and its route, one message down, one message up, the news that an ICMP
 * error brings.
 *
 * Interface: datagram.h.
 * Above: raw.c, ping.c.  Below: route.c, ip_output.c, ip_sockglue.c; net/core's datagram.c.
 * Context: process; what does not wait also softirq. BH off is lock enough, as for UDP.
 * Owns: the packet from ip4_datagram_skb() on.
 * Specs: RFC 1122 (3.2.2, 4.1.3.3); Linux's raw(7), icmp(7).
 */
#include "datagram.h"

#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/icmp.h>

#define LOOPBACK_ADDR 0x7f000001u

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
	dst_release(sk->sk_dst_cache);
	sk->sk_dst_cache = NULL;
}

/* BH off. The route decides the source address; broadcast needs permission. */
static int connect_bh(struct sock *sk, const struct sockaddr_in *addr) __needs(softirq_ctx)
{
	int err;

	ip4_datagram_forget_peer(sk);
	sk->sk_daddr = addr->sin_addr ? addr->sin_addr : htonl(LOOPBACK_ADDR);
	err = ip_route_connect_sk(sk);
	if (err == -ENETUNREACH)
		IP_INC_STATS(sk->sk_net, OutNoRoutes);
	if (!err && dst_rtable(sk->sk_dst_cache)->rt_type == RTN_BROADCAST &&
	    !sock_flag(sk, SOCK_BROADCAST))
		err = -EACCES;
	if (err) {
		ip4_datagram_forget_peer(sk);
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
 * Return: 0; -EINVAL short address; -EAFNOSUPPORT; -EACCES broadcast without SO_BROADCAST; what ip_route_connect_sk() says.
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
		*to = (struct ip4_to){ sk->sk_daddr, true };
		return 0;
	}
	if (msg->msg_namelen < (int)sizeof(*sin))
		return -EINVAL;
	if (sin->sin_family != AF_INET && sin->sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	*to = (struct ip4_to){ sin->sin_addr, false };
	return 0;
}

/* --- Down -------------------------------------------------------------------------------------------------------------------- */
static struct rtable *lookup(struct sock *sk, const struct ip4_to *to, struct flowi4 *fl)
{
	struct rtable *rt;

	if (to->connected) {
		struct dst_entry *dst = __sk_dst_check(sk);

		if (dst)
			return dst_rtable(dst_hold(dst));
	}
	rt = ip_route_output_key(sk->sk_net, fl);
	if (IS_ERR(rt)) {
		if (PTR_ERR(rt) == -ENETUNREACH)
			IP_INC_STATS(sk->sk_net, OutNoRoutes);
	} else if (to->connected && !sk->sk_dst_cache) {
		sk->sk_dst_cache = dst_hold(&rt->dst);
	}
	return rt;
}

/**
 * ip4_datagram_route() - the route of a message and, in *@fl, its addresses; a connected socket caches it.
 * Context: process, softirq. Owns: the caller, one reference on the route.
 * Return: the route; ERR_PTR(-EACCES) broadcast without SO_BROADCAST, or what ip_route_output_key() says.
 */
struct rtable *ip4_datagram_route(struct sock *sk, const struct ip4_to *to, u8 protocol,
				  struct flowi4 *fl)
{
	struct rtable *rt;

	*fl = (struct flowi4){
		.daddr = to->daddr ? to->daddr : htonl(LOOPBACK_ADDR),
		.saddr = sk->inet_saddr,
		.oif = sk->sk_bound_dev_if,
		.flowi4_proto = protocol,
		.flowi4_tos = sk->inet_tos,
	};
	local_bh_disable();
	rt = lookup(sk, to, fl);
	if (!IS_ERR(rt) && rt->rt_type == RTN_BROADCAST && !sock_flag(sk, SOCK_BROADCAST)) {
		dst_release(&rt->dst);
		rt = ERR_PTR(-EACCES);
	}
	local_bh_enable();
	return rt;
}

/**
 * ip4_datagram_skb() - a packet that holds @len bytes of the message, behind room for a link header and 20 bytes.
 * Context: process, softirq. Owns: the caller.
 * Return: the packet; NULL with *@err: -ENOBUFS no memory, -EFAULT.
 */
struct sk_buff *ip4_datagram_skb(struct msghdr *msg, u32 len, int *err)
{
	u32 room = LL_MAX_HEADER + (u32)sizeof(struct iphdr);
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

static u8 ttl_of(const struct sock *sk, const struct rtable *rt)
{
	if (rt->rt_type == RTN_MULTICAST)
		return 1;
	return sk->inet_ttl > 0 ? (u8)sk->inet_ttl : IPDEFTTL;
}

/**
 * ip4_datagram_send() - charges the socket for the packet, puts a header of 20 bytes in front of it and sends it.
 * Context: process, softirq. Consumes: @skb and the reference on @rt.
 * Return: as ip_send_skb(); -EMSGSIZE above the path MTU when IP_MTU_DISCOVER forbids fragments.
 */
int ip4_datagram_send(struct sock *sk, struct sk_buff *skb, struct rtable *rt,
		      const struct flowi4 *fl)
{
	bool fits = skb->len + sizeof(struct iphdr) <= ip_dst_mtu_of(sk, &rt->dst);
	bool df = sk->inet_pmtudisc == IP_PMTUDISC_DO || sk->inet_pmtudisc == IP_PMTUDISC_PROBE ||
		  (sk->inet_pmtudisc == IP_PMTUDISC_WANT && fits);
	int err;

	if (!fits && !ip_sk_ignore_df(sk)) {
		dst_release(&rt->dst);
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return -EMSGSIZE;
	}
	local_bh_disable();
	skb_set_owner_w(skb, sk);
	skb->ignore_df = ip_sk_ignore_df(sk);
	err = ip_send_skb(sk->sk_net, sk, skb, rt, fl, ttl_of(sk, rt), df);
	local_bh_enable();
	return err;
}

/* --- Up ------------------------------------------------------------------------------------------------------------------------- */
/**
 * ip4_datagram_recvmsg() - proto.recvmsg: one message, and who sent it.
 * Context: process; softirq with MSG_DONTWAIT.
 * Return: its length as skb_copy_datagram_msg(); 0 after shutdown; -EAGAIN; -EOPNOTSUPP MSG_OOB; -EFAULT; the error that an ICMP
 * message left.
 */
ssize_t ip4_datagram_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags)
{
	struct sockaddr_in *sin = msg->msg_name;
	struct sk_buff *skb;
	int err;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
	skb = skb_recv_datagram(sk, flags, &err);
	if (!skb)
		return err;
	if (sin) {
		*sin = (struct sockaddr_in){ .sin_family = AF_INET,
					     .sin_addr = ip_hdr(skb)->saddr };
		msg->msg_namelen = sizeof(*sin);
	}
	return skb_copy_datagram_msg(skb, msg, len, flags);
}

/* Errno of an ICMP error; *hard: it is no passing trouble. */
static int icmp_errno(const struct sock *sk, u8 type, u8 code, bool *hard)
{
	*hard = false;
	if (type == ICMP_PARAMETERPROB) {
		*hard = true;
		return EPROTO;
	}
	if (type != ICMP_DEST_UNREACH)
		return EHOSTUNREACH; /* time exceeded */
	if (code == ICMP_FRAG_NEEDED) {
		*hard = sk->inet_pmtudisc != IP_PMTUDISC_DONT;
		return EMSGSIZE;
	}
	BUG_ON(code >= NR_ICMP_UNREACH);
	*hard = icmp_err_convert[code].fatal;
	return icmp_err_convert[code].error;
}

/**
 * ip4_datagram_error() - an ICMP error came for @sk. A connected socket is told of a hard one; without a peer nobody could
 * tell whose error it is (RFC 1122, 4.1.3.3).
 * Context: softirq.
 */
void ip4_datagram_error(struct sock *sk, u8 type, u8 code)
{
	bool hard;
	int err = icmp_errno(sk, type, code, &hard);

	if (!hard || sk->sk_state != TCP_ESTABLISHED)
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
 * Return: as ip_getsockopt(); -ENOPROTOOPT another level.
 */
int ip4_datagram_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len) __may_sleep
{
	int err;

	if (level != SOL_IP)
		return -ENOPROTOOPT;
	lock_sock(sk);
	err = ip_getsockopt(sk, opt, kval, len);
	release_sock(sk);
	return err;
}

/**
 * ip4_datagram_show_head() - the head line of /proc/net/raw and /proc/net/icmp. Context: process.
 */
void ip4_datagram_show_head(struct seq_file *m)
{
	seq_puts(m, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		    "uid  timeout inode ref pointer drops\n");
}

/**
 * ip4_datagram_show() - the line of a socket (kernel addresses are shown as 0). Context: process, BH off.
 */
void ip4_datagram_show(struct seq_file *m, const struct sock *sk, unsigned int line)
{
	seq_printf(m,
		   "%4u: %08X:%04X %08X:%04X %02X %08X:%08X %02X:%08X %08X %5u %8d %u %d %d %u\n",
		   line, (__force u32)sk->sk_rcv_saddr, (unsigned int)sk->sk_num,
		   (__force u32)sk->sk_daddr, (unsigned int)ntohs(sk->sk_dport),
		   (unsigned int)sk->sk_state, sk->sk_wmem_alloc, sk->sk_rmem_alloc, 0U, 0U, 0U, 0U,
		   0, 0U, (int)sk->sk_refcnt, 0, sk->sk_drops);
}
