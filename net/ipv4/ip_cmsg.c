// SPDX-License-Identifier: MIT
/*
 * What an application says and hears of IPv4 beside its data: control messages of a datagram, down and up, and the errors that the
 * socket's error queue brings.
 *
 *   sendmsg                 ip_cmsg_send()    type of service, time to live, source and device, options of this datagram
 *   recvmsg                 ip_cmsg_recv()    of whom and how it came
 *   recvmsg(MSG_ERRQUEUE)   ip_recv_error()   the oldest error: the payload in error, its destination, who told us
 *   an ICMP error           ip_icmp_error()   onto the queue, when the socket has IP_RECVERR
 *   too large here          ip_local_error()  the same, with the MTU
 *
 * Interface: <net/ip.h>.
 * Above: UDP, raw and ping sockets, TCP.  Below: ip_options.c, route.c; net/core's scm.c and errqueue.c.
 * Context: process; ip_icmp_error() softirq.
 * Owns: nothing.
 * Specs: Linux's ip(7); RFC 1122 (3.2.1.8, 3.2.2, 4.1.3.3, 4.1.4); RFC 792.
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/icmp.h>

/* --- Down -------------------------------------------------------------------------------------------------------------- */

/* Options of the datagram's own take the place of the socket's. 0; -EINVAL; -ENOMEM. */
static int cmsg_options(struct ipcm *ipc, const u8 *data, size_t len)
{
	struct ip_options *opt;
	int err;

	if (len > IP_OPTIONS_MAX)
		return -EINVAL;
	opt = kmalloc(sizeof(*opt));
	if (!opt)
		return -ENOMEM;
	err = ip_options_compile(opt, data, (u32)len);
	if (err) {
		kfree(opt);
		return err;
	}
	kfree(ipc->opt);
	ipc->opt = opt;
	return 0;
}

/* An int or one byte within @lo..@hi. 0; -EINVAL. */
static int cmsg_int(const u8 *data, size_t len, bool byte, int lo, int hi, int *val)
{
	*val = 0;
	if (len != sizeof(*val) && !(byte && len == 1))
		return -EINVAL;
	memcpy(val, data, len);
	return *val < lo || *val > hi ? -EINVAL : 0;
}

/* One item of level SOL_IP with @len bytes at @data. 0; -EINVAL; -ENOMEM. */
static int ip_cmsg_one(struct ipcm *ipc, int type, const u8 *data, size_t len)
{
	struct in_pktinfo info;
	int val, err;

	switch (type) {
	case IP_PKTINFO:
		if (len != sizeof(info))
			return -EINVAL;
		memcpy(&info, data, sizeof(info));
		if (info.ipi_ifindex)
			ipc->oif = (u32)info.ipi_ifindex;
		if (info.ipi_spec_dst)
			ipc->saddr = info.ipi_spec_dst;
		return 0;
	case IP_TTL:
		err = cmsg_int(data, len, false, 1, 255, &val);
		if (!err)
			ipc->ttl = (u8)val;
		return err;
	case IP_TOS:
		err = cmsg_int(data, len, true, 0, 255, &val);
		if (!err)
			ipc->tos = (s16)val;
		return err;
	case IP_RETOPTS:
		return cmsg_options(ipc, data, len);
	default:
		return -EINVAL;
	}
}

/**
 * ip_cmsg_send() - what @sk wants of IP for a datagram, and what the control data of @msg wants otherwise; levels but SOL_IP and
 * SOL_SOCKET are left to others.
 * @ipc: filled; the caller frees its opt.
 *
 * Context: process; softirq without control data.
 * Return: 0; -EINVAL an item that is not whole, unknown, or of a wrong size or value; -ENOMEM. On error nothing is left to free.
 */
int ip_cmsg_send(const struct sock *sk, const struct msghdr *msg, struct ipcm *ipc)
{
	struct cmsghdr c;
	const u8 *data;
	int more, err = 0;
	u32 at = 0;

	*ipc = (struct ipcm){ .saddr = sk->inet_saddr,
			      .oif = sk->sk_bound_dev_if,
			      .tos = sk->inet_tos,
			      .onlink = sock_flag(sk, SOCK_LOCALROUTE) ||
					(msg->msg_flags & MSG_DONTROUTE) };
	while (!err && (more = cmsg_next(msg, &at, &c, &data)) != 0) {
		if (more < 0 || c.cmsg_level == SOL_SOCKET)
			err = -EINVAL;
		else if (c.cmsg_level == SOL_IP)
			err = ip_cmsg_one(ipc, c.cmsg_type, data, c.cmsg_len - sizeof(c));
	}
	if (err) {
		kfree(ipc->opt);
		ipc->opt = NULL;
	}
	return err;
}

/* --- Up ----------------------------------------------------------------------------------------------------------------- */

/* The device it came by, the address of ours that an answer should bear, and the one it was sent to. */
static void recv_pktinfo(struct sock *sk, struct msghdr *msg, const struct iphdr *iph, u32 iif)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)iif,
				   .ipi_spec_dst = iph->daddr,
				   .ipi_addr = iph->daddr };
	struct flowi4 fl = { .daddr = iph->saddr, .oif = iif };

	local_bh_disable();
	if (inet_addr_type(sk->sk_net, iph->daddr) != RTN_LOCAL) {
		struct rtable *rt = ip_route_output_key(sk->sk_net, &fl);

		info.ipi_spec_dst = IS_ERR(rt) ? INADDR_ANY : fl.saddr;
		if (!IS_ERR(rt))
			dst_release(&rt->dst);
	}
	local_bh_enable();
	put_cmsg(msg, SOL_IP, IP_PKTINFO, &info, sizeof(info));
}

static void recv_options(const struct sock *sk, struct msghdr *msg, const struct iphdr *iph)
{
	u32 len = ip_hdrlen(iph) - (u32)sizeof(*iph);
	u8 back[IP_OPTIONS_MAX];

	if (!len)
		return;
	if (sk->inet_flags & INET_RECVOPTS)
		put_cmsg(msg, SOL_IP, IP_RECVOPTS, iph + 1, len);
	if (sk->inet_flags & INET_RETOPTS) {
		len = ip_options_echo(iph, false, back);
		put_cmsg(msg, SOL_IP, IP_RETOPTS, back, len);
	}
}

static void recv_origdst(const struct sock *sk, struct msghdr *msg, const struct sk_buff *skb)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = ip_hdr(skb)->daddr };

	if (sk->sk_protocol == IPPROTO_UDP)
		sin.sin_port = udp_hdr(skb)->dest;
	put_cmsg(msg, SOL_IP, IP_RECVORIGDSTADDR, &sin, sizeof(sin));
}

/**
 * ip_cmsg_recv() - tells the application what it wanted to know of @skb: its network header is in place, and for IP_RECVORIGDSTADDR
 * of a UDP socket its transport header.
 * @iif: the device it came by
 * Context: process.
 */
void ip_cmsg_recv(struct sock *sk, struct msghdr *msg, const struct sk_buff *skb, u32 iif)
{
	const struct iphdr *iph = ip_hdr(skb);
	int ttl = iph->ttl;

	sock_recv_timestamp(sk, msg, skb);
	if (likely(!(sk->inet_flags & INET_CMSG)))
		return;
	if (sk->inet_flags & INET_RECVPKTINFO)
		recv_pktinfo(sk, msg, iph, iif);
	if (sk->inet_flags & INET_RECVTTL)
		put_cmsg(msg, SOL_IP, IP_TTL, &ttl, sizeof(ttl));
	if (sk->inet_flags & INET_RECVTOS)
		put_cmsg(msg, SOL_IP, IP_TOS, &iph->tos, sizeof(iph->tos));
	recv_options(sk, msg, iph);
	if (sk->inet_flags & INET_RECVORIGDSTADDR)
		recv_origdst(sk, msg, skb);
}

/* --- Errors -------------------------------------------------------------------------------------------------------------- */

/**
 * ip_icmp_errno() - what an ICMP error means to an application; *@hard: it will not pass by itself.
 * Context: any. Return: a positive errno.
 */
int ip_icmp_errno(u8 type, u8 code, bool *hard)
{
	*hard = type == ICMP_PARAMETERPROB;
	if (type == ICMP_PARAMETERPROB)
		return EPROTO;
	if (type != ICMP_DEST_UNREACH)
		return EHOSTUNREACH; /* time exceeded */
	BUG_ON(code >= NR_ICMP_UNREACH);
	*hard = icmp_err_convert[code].fatal;
	return icmp_err_convert[code].error;
}

/**
 * ip_icmp_error() - puts an ICMP error onto the error queue of @sk, with what is left of the packet in error behind its headers.
 * Without memory or room the error is told as sk_err only.
 * @skb: as net_protocol.err_handler; not consumed. @err: positive errno.
 * Context: BH off.
 */
void ip_icmp_error(struct sock *sk, struct sk_buff *skb, int err, const struct ip_icmp_news *news)
{
	struct sk_buff *clone = skb_clone(skb);

	if (!clone)
		return;
	*skb_ext_err(clone) = (struct sock_exterr_skb){
		.ee = { .ee_errno = (u32)err,
			.ee_origin = SO_EE_ORIGIN_ICMP,
			.ee_type = news->type,
			.ee_code = news->code,
			.ee_info = news->info },
		.daddr = ip_hdr(skb)->daddr,
		.port = news->port,
		.iif = skb->dev->ifindex,
	};
	/* From here on the header is that of the message: who sent it, and from how far. */
	clone->network_header = (u16)(clone->network_header - *ip_err_outer(skb));
	if (news->payload < 0)
		skb_push(clone, (u32)-news->payload);
	else
		skb_pull(clone, (u32)news->payload);
	if (sock_queue_err_skb(sk, clone))
		consume_skb(clone);
}

/**
 * ip_local_error() - a datagram to @daddr is refused here: told on the error queue, if the socket wants that.
 * @err: positive errno. @info: of EMSGSIZE the MTU.
 * Context: any.
 */
void ip_local_error(struct sock *sk, int err, __be32 daddr, __be16 port, u32 info)
{
	struct sk_buff *skb;

	if (likely(!(sk->inet_flags & INET_RECVERR)))
		return;
	skb = alloc_skb(0);
	if (!skb)
		return;
	*skb_ext_err(skb) = (struct sock_exterr_skb){
		.ee = { .ee_errno = (u32)err, .ee_origin = SO_EE_ORIGIN_LOCAL, .ee_info = info },
		.daddr = daddr,
		.port = port,
	};
	local_bh_disable();
	if (sock_queue_err_skb(sk, skb))
		consume_skb(skb);
	local_bh_enable();
}

/**
 * ip_recv_error() - proto.recvmsg with MSG_ERRQUEUE: the oldest error. Its bytes are those of the packet in error, the name is whom that
 * was for, and control messages say what happened (IP_RECVERR) and, of what an ICMP message told, whatever the socket wants to know
 * of that message.
 * Context: process; never blocks.
 * Return: bytes copied (MSG_TRUNC in @msg: there were more); -EAGAIN nothing waits; -EFAULT (the error is lost).
 */
ssize_t ip_recv_error(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct sockaddr_in *sin = msg->msg_name;
	struct sk_buff *skb = sock_dequeue_err_skb(sk);
	const struct sock_exterr_skb *serr;
	struct sock_ip_err told;

	if (!skb)
		return -EAGAIN;
	serr = skb_ext_err(skb);
	if (sin) {
		*sin = (struct sockaddr_in){ .sin_family = AF_INET,
					     .sin_port = serr->port,
					     .sin_addr = serr->daddr };
		msg->msg_namelen = sizeof(*sin);
	}
	told = (struct sock_ip_err){ .ee = serr->ee };
	if (serr->ee.ee_origin == SO_EE_ORIGIN_ICMP) {
		told.offender.sin_family = AF_INET;
		told.offender.sin_addr = ip_hdr(skb)->saddr;
		ip_cmsg_recv(sk, msg, skb, serr->iif);
	} else {
		sock_recv_timestamp(sk, msg, skb);
	}
	put_cmsg(msg, SOL_IP, IP_RECVERR, &told, sizeof(told));
	msg->msg_flags |= MSG_ERRQUEUE;
	return skb_copy_datagram_msg(skb, msg, len, 0);
}
