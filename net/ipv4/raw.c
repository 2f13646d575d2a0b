// SPDX-License-Identifier: MIT
/*
 * Raw sockets: an application speaks an IP protocol itself.
 *
 * Down: what it gives is the payload of a packet whose header we make, or (IP_HDRINCL, always for IPPROTO_RAW) header and
 * payload; of a header of its own we fill total length and checksum always, source address and identification where it left 0.
 * Up: every socket of the packet's protocol that peer, address and device suit gets a clone of the whole datagram, header
 * included, before the protocol itself sees it; so a packet that somebody reads raw is not of an unknown protocol.
 *
 *   ip_local_deliver -> ipv4_net.raw_rcv = raw_local_deliver   NULL while there is no raw socket
 *   icmp_unreach -> ip_protocols_deliver -> ipv4_net.raw_err
 *
 * The number of the protocol stands where other sockets have their port: sk_num, and in names.
 *
 * Interface: <net/raw.h> (raw_prot, raw_net_init, raw_net_exit, raw_show).
 * Above: net/socket, by struct proto.  Below: datagram.c, ip_output.c.
 * Context: process and softirq (send, receive with MSG_DONTWAIT); softirq (raw_local_deliver, raw_err).
 * Owns: datagrams on receive queues.
 * Specs: RFC 791; RFC 1122 (3.2.2); Linux's raw(7).
 */
#include <net/raw.h>

#include "datagram.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/socket.h>

#define RAW_MAX_LEN 65535u

struct raw_sock {
	struct sock sk; /* first */
	bool hdrincl;   /* the application writes the IP header */
	u32 filter;     /* ICMP_FILTER: a bit for each type that is not wanted */
};

static struct raw_sock *raw_sk(struct sock *sk)
{
	return (struct raw_sock *)(void *)sk;
}

static struct list_head *bucket_of(struct net *net, u32 protocol)
{
	return &net->ipv4->raw[protocol % RAW_BUCKETS];
}

/* --- Up, from IP -------------------------------------------------------------------------------------------------------- */
/* Is a packet @from -> @to of @protocol, that came by device @dif, for this socket? */
static bool raw_match(const struct sock *sk, u32 protocol, __be32 from, __be32 to, u32 dif)
{
	return sk->sk_num == protocol && (!sk->sk_daddr || sk->sk_daddr == from) &&
	       (!sk->sk_rcv_saddr || sk->sk_rcv_saddr == to) &&
	       (!sk->sk_bound_dev_if || sk->sk_bound_dev_if == dif);
}

/* The socket asked not to see ICMP messages of this type. */
static bool raw_filtered(struct sock *sk, const struct sk_buff *skb)
{
	u8 type;

	if (sk->sk_num != IPPROTO_ICMP ||
	    skb_copy_bits(skb, ip_hdrlen(ip_hdr(skb)), &type, sizeof(type)))
		return false;
	return type < 32 && (raw_sk(sk)->filter >> type & 1);
}

/* ipv4_net.raw_rcv: a clone for each socket. @skb: data at the IP header; the caller's. Somebody wanted it. */
static bool raw_local_deliver(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct list_head *b = bucket_of(net, iph->protocol), *n, *next;
	bool wanted = false;

	for (n = b->next; n != b; n = next) {
		struct sock *sk = ip4_datagram_sock_of(n);
		struct sk_buff *clone;

		next = n->next;
		if (!raw_match(sk, iph->protocol, iph->saddr, iph->daddr, skb->dev->ifindex))
			continue;
		wanted = true;
		if (raw_filtered(sk, skb) ||
		    !ip_mc_sf_allow(sk, iph->daddr, iph->saddr, skb->dev->ifindex))
			continue;
		clone = skb_clone(skb);
		trace_at_skb(raw_rcv, clone, sk->sk_receive_queue.qlen);
		if (clone)
			(void)ip4_datagram_queue_rcv(sk, clone);
		else
			count_add(&sk->sk_drops, 1);
	}
	return wanted;
}

/* ipv4_net.raw_err: an ICMP error about a packet of ours. @skb: as net_protocol.err_handler; the caller's. */
static void raw_err(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct list_head *b = bucket_of(skb->dev->net, iph->protocol), *n, *next;
	struct ip_icmp_news news = { .type = type, .code = code, .info = info };

	for (n = b->next; n != b; n = next) {
		struct sock *sk = ip4_datagram_sock_of(n);

		next = n->next;
		/* Seen from our socket: the quoted destination is the peer. */
		if (!raw_match(sk, iph->protocol, iph->daddr, iph->saddr, skb->dev->ifindex))
			continue;
		/* Who wrote the header gets it back. */
		news.payload = raw_sk(sk)->hdrincl ? -(int)ip_hdrlen(iph) : 0;
		ip4_datagram_error(sk, skb, &news);
	}
}

/* --- Life of a socket --------------------------------------------------------------------------------------------------------- */
/* proto.init: from here on it receives. */
static int raw_init_sock(struct sock *sk)
{
	struct ipv4_net *ipv4 = sk->sk_net->ipv4;

	sk->sk_num = sk->sk_protocol;
	sk->inet_sport = htons(sk->sk_num);
	raw_sk(sk)->hdrincl = sk->sk_protocol == IPPROTO_RAW;
	local_bh_disable();
	list_add_tail(&sk->sk_node, bucket_of(sk->sk_net, sk->sk_num));
	ipv4->raw_socks++;
	ipv4->raw_rcv = raw_local_deliver;
	ipv4->raw_err = raw_err;
	local_bh_enable();
	return 0;
}

static void raw_close(struct sock *sk, u64 deadline_ns)
{
	struct ipv4_net *ipv4 = sk->sk_net->ipv4;

	(void)deadline_ns;
	local_bh_disable();
	list_del_init(&sk->sk_node);
	if (!--ipv4->raw_socks) {
		ipv4->raw_rcv = NULL;
		ipv4->raw_err = NULL;
	}
	local_bh_enable();
	ip4_datagram_close(sk);
}

/* proto.bind: which of our addresses. Again and again, until it is connected. 0; -EINVAL short, connected; -EADDRNOTAVAIL. */
static int raw_bind(struct sock *sk, const struct sockaddr_in *addr, int addr_len)
{
	enum rtn_type type;
	int err = -EINVAL;

	local_bh_disable();
	if (sk->sk_state != TCP_CLOSE || addr_len < (int)sizeof(*addr))
		goto out;
	type = inet_addr_type(sk->sk_net, addr->sin_addr);
	err = -EADDRNOTAVAIL;
	if (addr->sin_addr && type == RTN_UNICAST && !sk_may_bind_nonlocal(sk))
		goto out;
	sk->sk_rcv_saddr = addr->sin_addr;
	sk->inet_saddr = type == RTN_LOCAL || type == RTN_UNICAST ? addr->sin_addr
								  : 0; /* a group is no source */
	sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	sk_dst_set(sk, NULL);
	err = 0;
out:
	local_bh_enable();
	return err;
}

/* --- Down ------------------------------------------------------------------------------------------------------------------------ */
/* A header of the application's own, checked and completed. 0, -EINVAL. */
static int raw_fix_header(struct sk_buff *skb, const struct flowi4 *fl)
{
	struct iphdr *iph = (struct iphdr *)(void *)skb->data;

	if (skb->len < sizeof(*iph) || ip_hdrlen(iph) < sizeof(*iph) || ip_hdrlen(iph) > skb->len)
		return -EINVAL;
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, ip_hdrlen(iph));
	if (!iph->saddr)
		iph->saddr = fl->saddr;
	return 0;
}

/* Which ICMP message it was, for the counters: before it is sent, since then it is gone. -1: none. */
static int icmp_type_of(const struct sk_buff *skb, u8 protocol, u32 offset)
{
	u8 type;

	if (protocol != IPPROTO_ICMP || skb->len < offset + sizeof(struct icmphdr) ||
	    skb_copy_bits(skb, offset, &type, sizeof(type)))
		return -1;
	return type;
}

/* A queue below that drops the packet is no error to a socket that did not ask for errors (IP_RECVERR). */
static int raw_sent(const struct sock *sk, int type, int err)
{
	if (type >= 0)
		icmp_out_count(sk->sk_net, (u8)type);
	return err == -ENOBUFS && !(sk->inet_flags & INET_RECVERR) ? 0 : err;
}

/* Header and payload by the application. Consumes the reference on @rt. */
static int raw_send_hdrinc(struct sock *sk, struct msghdr *msg, u32 len, struct rtable *rt,
			   const struct flowi4 *fl) __may_sleep
{
	struct sk_buff *skb;
	int err = -EMSGSIZE, type;

	if (len > rt->dst.dev->mtu) {
		ip_local_error(sk, EMSGSIZE, fl->daddr, sk->sk_dport, rt->dst.dev->mtu);
		goto release;
	}
	err = -EINVAL;
	if (len < sizeof(struct iphdr))
		goto release;
	err = sock_wait_for_wmem(sk, msg->msg_flags & MSG_DONTWAIT);
	if (err)
		goto release;
	skb = ip4_datagram_skb(msg, len, sizeof(struct iphdr), &err);
	if (!skb)
		goto release;
	err = raw_fix_header(skb, fl);
	if (err) {
		kfree_skb_reason(skb, SKB_DROP_REASON_LOCAL_ERROR);
		goto release;
	}
	type = icmp_type_of(skb, ip_hdr(skb)->protocol, ip_hdrlen(ip_hdr(skb)));
	local_bh_disable();
	skb_set_owner_w(skb, sk);
	err = ip_send_hdrincl(sk->sk_net, sk, skb, rt);
	local_bh_enable();
	return raw_sent(sk, type, err);
release:
	dst_release(&rt->dst);
	return err;
}

/*
 * The payload by the application, the header by us. Consumes the reference on @rt. As on Linux this way never waits for room: beyond
 * twice the send buffer it is -ENOBUFS, and a socket that was shut down still sends.
 */
static int raw_send_payload(struct sock *sk, struct msghdr *msg, u32 len, struct rtable *rt,
			    const struct flowi4 *fl, const struct ipcm *ipc)
{
	u32 hdrlen = ipc_hdrlen(sk, ipc);
	int err = -EMSGSIZE, type;
	struct sk_buff *skb = NULL;

	if (sk->sk_wmem_alloc > 2ULL * sk->sk_sndbuf)
		err = -ENOBUFS;
	else if (len + hdrlen <= IP_MAX_MTU)
		skb = ip4_datagram_skb(msg, len, hdrlen, &err);
	else
		ip_local_error(sk, EMSGSIZE, fl->daddr, sk->sk_dport, ip_dst_mtu_of(sk, &rt->dst));
	if (!skb) {
		dst_release(&rt->dst);
		return err;
	}
	type = icmp_type_of(skb, (u8)sk->sk_protocol, 0);
	err = ip4_datagram_send(sk, skb, rt, fl, ipc);
	return raw_sent(sk, type, err);
}

/*
 * proto.sendmsg: one packet. Its length, or -EMSGSIZE (above 65535 bytes with the header; with a header of its own above the
 * device's MTU), -EOPNOTSUPP (MSG_OOB), -EDESTADDRREQ, -EINVAL (short address, bad header, control data), -EAFNOSUPPORT, -ENETUNREACH,
 * -ENETDOWN, -EACCES (broadcast), -EPIPE, -EAGAIN, -ENOBUFS (no memory), -EFAULT, or the error an ICMP message left.
 */
static ssize_t raw_sendmsg(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep
{
	bool hdrincl = raw_sk(sk)->hdrincl;
	struct flowi4 fl;
	struct rtable *rt;
	struct ip4_to to;
	struct ipcm ipc;
	int err;
	trace_fn_sk(raw_sendmsg, sk, (u32)len);

	if (len > RAW_MAX_LEN)
		return -EMSGSIZE;
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = ip4_datagram_dest(sk, msg, &to);
	if (!err)
		err = ip_cmsg_send(sk, msg, &ipc);
	if (err)
		return err;
	/* Options belong into the header that is written already. */
	if (hdrincl && (ipc.opt || ip_sk_options(sk))) {
		kfree(ipc.opt);
		return -EINVAL;
	}
	rt = ip4_datagram_route(sk, &to, &ipc, hdrincl ? IPPROTO_RAW : (u8)sk->sk_protocol, &fl);
	if (IS_ERR(rt))
		err = (int)PTR_ERR(rt);
	else if (hdrincl)
		err = raw_send_hdrinc(sk, msg, (u32)len, rt, &fl);
	else
		err = raw_send_payload(sk, msg, (u32)len, rt, &fl, &ipc);
	kfree(ipc.opt);
	return err ? err : (ssize_t)len;
}

/* --- Options --------------------------------------------------------------------------------------------------------------------- */
static int raw_setsockopt(struct sock *sk, int level, int opt, const void *kval,
			  u32 len) __may_sleep
{
	int val = 0;

	if (level == SOL_RAW) {
		if (opt != ICMP_FILTER)
			return -ENOPROTOOPT;
		if (sk->sk_num != IPPROTO_ICMP)
			return -EOPNOTSUPP;
		memcpy(&raw_sk(sk)->filter, kval, min_t(u32, len, sizeof(u32)));
		return 0;
	}
	if (level != SOL_IP || opt != IP_HDRINCL)
		return ip4_datagram_setsockopt(sk, level, opt, kval, len);
	if (len >= sizeof(val))
		memcpy(&val, kval, sizeof(val));
	else if (len)
		val = *(const u8 *)kval;
	raw_sk(sk)->hdrincl = val != 0;
	return 0;
}

static int raw_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len) __may_sleep
{
	int val = raw_sk(sk)->hdrincl;
	const void *v = &val;

	if (level == SOL_RAW) {
		if (opt != ICMP_FILTER)
			return -ENOPROTOOPT;
		if (sk->sk_num != IPPROTO_ICMP)
			return -EOPNOTSUPP;
		v = &raw_sk(sk)->filter;
	} else if (level != SOL_IP || opt != IP_HDRINCL) {
		return ip4_datagram_getsockopt(sk, level, opt, kval, len);
	}
	*len = min_t(u32, *len, sizeof(u32));
	memcpy(kval, v, *len);
	return 0;
}

struct proto raw_prot = {
	.name = "RAW",
	.obj_size = sizeof(struct raw_sock),
	.init = raw_init_sock,
	.close = raw_close,
	.connect = ip4_datagram_connect,
	.bind = raw_bind,
	.disconnect = ip4_datagram_disconnect,
	.setsockopt = raw_setsockopt,
	.getsockopt = raw_getsockopt,
	.sendmsg = raw_sendmsg,
	.recvmsg = ip4_datagram_recvmsg,
	.poll = datagram_poll,
	.ioctl = datagram_ioctl,
};

/* --- Life ------------------------------------------------------------------------------------------------------------------------ */
/**
 * raw_net_init() - the table of raw sockets. After ip_init().
 * Context: process.
 * Return: 0.
 */
int raw_net_init(struct net *net)
{
	for (u32 i = 0; i < RAW_BUCKETS; i++)
		INIT_LIST_HEAD(&net->ipv4->raw[i]);
	return 0;
}

/**
 * raw_net_exit() - every socket is closed: asserted. Context: process.
 */
void raw_net_exit(struct net *net)
{
	BUG_ON(net->ipv4->raw_socks);
}

/**
 * raw_show() - every raw socket in the format of Linux's /proc/net/raw (kernel addresses are shown as 0). Context: process.
 * arg: struct net.
 */
void raw_show(struct seq_file *m)
{
	const struct net *net = m->arg;

	ip4_datagram_show_lists(m, net->ipv4->raw, RAW_BUCKETS, true);
}
