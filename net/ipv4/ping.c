// SPDX-License-Identifier: MIT
/*
 * Ping sockets: an application may ask hosts for echoes, and nothing else of ICMP. The identifier of its requests is the
 * socket's port; the application writes type, code, sequence number and data, we write identifier and checksum.
 *
 *   icmp_rcv (echo reply) -> ipv4_net.ping_rcv      the socket of that identifier, ICMP header first; NULL: no ping socket
 *   icmp_err              -> ipv4_net.ping_err      about an echo request of ours
 *
 * Linux lets only some groups of users open them (ping_group_range); there are no users here.
 *
 * Interface: <net/ping.h> (ping_prot, ping_net_init, ping_net_exit, ping_show).
 * Above: net/socket, by struct proto.  Below: datagram.c; icmp.c counts.
 * Context: process and softirq (send, receive with MSG_DONTWAIT); softirq (ping_rcv, ping_err).
 * Owns: replies on receive queues.
 * Specs: RFC 792; RFC 1122 (3.2.2.6: replies reach the application); Linux's icmp(7).
 */
#include <net/ping.h>

#include "datagram.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/checksum.h>

#define PING_MAX_LEN 65535u
#define MAX_IDENT    65535u
/* Identifiers that fall into one list. */
#define IDENTS_IN_BUCKET ((MAX_IDENT + 1) / PING_BUCKETS)
static_assert(IDENTS_IN_BUCKET * PING_BUCKETS == MAX_IDENT + 1 && IDENTS_IN_BUCKET % 64 == 0, "");

static struct list_head *bucket_of(struct net *net, u16 ident)
{
	return &net->ipv4->ping[ident % PING_BUCKETS];
}

/* --- Identifiers --------------------------------------------------------------------------------------------------------- */
/*
 * Nobody has it, or only sockets that share, as SO_REUSEADDR says: it is set from the begin, so that one process may serve what
 * another asked.
 */
static bool ident_free(const struct sock *sk, u16 ident)
{
	struct list_head *b = bucket_of(sk->sk_net, ident), *n;

	for (n = b->next; n != b; n = n->next) {
		const struct sock *other = ip4_datagram_sock_of(n);

		if (other->sk_num == ident && !(other->sk_reuse && sk->sk_reuse))
			return false;
	}
	return true;
}

static void mark(u64 *bits, u32 nr)
{
	bits[nr / 64] |= 1ULL << nr % 64;
}

static bool marked(const u64 *bits, u32 nr)
{
	return bits[nr / 64] >> nr % 64 & 1;
}

/*
 * An unused one, 1..65535, begun at random. 0: none. Each list is walked once, with softirqs off: what is taken in it is marked,
 * the identifiers that belong there are PING_BUCKETS apart.
 */
static u16 choose_ident(const struct sock *sk)
{
	u32 start = get_random_below(MAX_IDENT + 1);

	for (u32 i = 0; i < PING_BUCKETS; i++) {
		struct list_head *b = bucket_of(sk->sk_net, (u16)(start + i)), *n;
		u64 taken[IDENTS_IN_BUCKET / 64] = { 0 };

		for (n = b->next; n != b; n = n->next)
			mark(taken, ip4_datagram_sock_of(n)->sk_num / PING_BUCKETS);
		for (u32 j = 0; j < IDENTS_IN_BUCKET; j++) {
			u16 ident = (u16)(start + i + j * PING_BUCKETS);

			if (ident && !marked(taken, ident / PING_BUCKETS))
				return ident;
		}
	}
	return 0;
}

static void ping_ears(struct ipv4_net *ipv4, int more);

/* proto.get_port: 0; -EADDRINUSE; -EAGAIN none is left. */
static int ping_get_port(struct sock *sk, u16 num)
{
	u16 ident;
	int err = 0;

	local_bh_disable();
	ident = num ? num : choose_ident(sk);
	if (!ident) {
		err = -EAGAIN;
	} else if (!ident_free(sk, ident)) {
		err = -EADDRINUSE;
	} else {
		sk->sk_num = ident;
		sk->inet_sport = htons(ident);
		list_add(&sk->sk_node, bucket_of(sk->sk_net, ident)); /* the newest hears first */
		ping_ears(sk->sk_net->ipv4, 1);
	}
	local_bh_enable();
	return err;
}

static void ping_unbind(struct sock *sk)
{
	local_bh_disable();
	if (sk->sk_num) {
		list_del_init(&sk->sk_node);
		ping_ears(sk->sk_net->ipv4, -1);
		sk->sk_num = 0;
		sk->inet_sport = 0;
	}
	local_bh_enable();
}

static void ping_close(struct sock *sk, u64 deadline_ns)
{
	(void)deadline_ns;
	ping_unbind(sk);
	ip4_datagram_close(sk);
}

/* --- Up ------------------------------------------------------------------------------------------------------------------------ */
/* The socket whose requests @ident, to @peer from @ours, are. A connected one hears its peer only. */
static struct sock *ping_lookup(struct net *net, u16 ident, __be32 peer, __be32 ours, u32 dif)
{
	struct list_head *b = bucket_of(net, ident), *n;

	for (n = b->next; n != b; n = n->next) {
		struct sock *sk = ip4_datagram_sock_of(n);

		if (sk->sk_num == ident && (!sk->sk_rcv_saddr || sk->sk_rcv_saddr == ours) &&
		    (!sk->sk_daddr || sk->sk_daddr == peer) &&
		    (!sk->sk_bound_dev_if || sk->sk_bound_dev_if == dif))
			return sk;
	}
	return NULL;
}

/* ipv4_net.ping_rcv: an echo reply, sound. @skb: data at the ICMP header; the caller's. Somebody waits for it. */
static bool ping_rcv(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct sock *sk = ping_lookup(net, ntohs(icmp_hdr(skb)->un.echo.id), iph->saddr, iph->daddr,
				      skb->dev->ifindex);
	struct sk_buff *clone;

	if (!sk)
		return false;
	clone = skb_clone(skb);
	trace_at_skb(ping_rcv, clone, sk->sk_receive_queue.qlen);
	if (clone)
		(void)ip4_datagram_queue_rcv(sk, clone);
	else
		count_add(&sk->sk_drops, 1);
	return true;
}

/* ipv4_net.ping_err: an ICMP error about an ICMP message of ours. @skb: as net_protocol.err_handler; the caller's. */
static void ping_err(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx)
{
	const struct icmphdr *icmph = (const struct icmphdr *)(const void *)skb->data;
	const struct iphdr *iph = ip_hdr(skb);
	struct sock *sk;

	if (icmph->type != ICMP_ECHO || icmph->code)
		return;
	/* Seen from our socket: the quoted destination is the peer. */
	sk = ping_lookup(skb->dev->net, ntohs(icmph->un.echo.id), iph->daddr, iph->saddr,
			 skb->dev->ifindex);
	if (sk)
		ip4_datagram_error(
			sk, skb,
			&(struct ip_icmp_news){ .type = type, .code = code, .info = info });
}

/* BH off. One socket @more or less listens. */
static void ping_ears(struct ipv4_net *ipv4, int more)
{
	ipv4->ping_socks += (u32)more;
	ipv4->ping_rcv = ipv4->ping_socks ? ping_rcv : NULL;
	ipv4->ping_err = ipv4->ping_socks ? ping_err : NULL;
}

/* --- Down ---------------------------------------------------------------------------------------------------------------------- */
/* An echo request and nothing else. Leaves the message where it is. 0, -EINVAL, -EFAULT. */
static int ping_check_request(const struct msghdr *msg, size_t len)
{
	struct iov_iter peek = msg->msg_iter;
	struct icmphdr icmph;

	if (len < sizeof(icmph))
		return -EINVAL;
	if (copy_from_iter(&icmph, sizeof(icmph), &peek))
		return -EFAULT;
	return icmph.type == ICMP_ECHO && !icmph.code ? 0 : -EINVAL;
}

/* Identifier and checksum are ours; so are type and code, whatever another thread writes over them meanwhile. */
static void ping_finish_request(const struct sock *sk, struct sk_buff *skb)
{
	struct icmphdr *icmph = icmp_hdr(skb);

	icmph->type = ICMP_ECHO;
	icmph->code = 0;
	icmph->un.echo.id = sk->inet_sport;
	icmph->checksum = 0;
	icmph->checksum = csum_fold(skb_checksum(skb, 0, skb->len, 0));
}

/* Route in hand: its reference is consumed. */
static int ping_send(struct sock *sk, struct msghdr *msg, u32 len, struct rtable *rt,
		     const struct flowi4 *fl, const struct ipcm *ipc) __may_sleep
{
	u32 hdrlen = ipc_hdrlen(sk, ipc);
	struct sk_buff *skb;
	int err = -EMSGSIZE;

	if (len + hdrlen > IP_MAX_MTU) {
		ip_local_error(sk, EMSGSIZE, fl->daddr, 0, ip_dst_mtu_of(sk, &rt->dst));
		goto release;
	}
	err = sock_wait_for_wmem(sk, msg->msg_flags & MSG_DONTWAIT);
	if (err)
		goto release;
	skb = ip4_datagram_skb(msg, len, hdrlen, &err);
	if (!skb)
		goto release;
	ping_finish_request(sk, skb);
	err = ip4_datagram_send(sk, skb, rt, fl, ipc);
	if (!err)
		icmp_out_count(sk->sk_net, ICMP_ECHO);
	return err;
release:
	dst_release(&rt->dst);
	return err;
}

/*
 * proto.sendmsg: one echo request, ICMP header first. Its length, or -EMSGSIZE, -EOPNOTSUPP (MSG_OOB), -EINVAL (shorter than the
 * header, no echo request, short address, control data), -EDESTADDRREQ, -EAFNOSUPPORT, -ENETUNREACH, -ENETDOWN, -EACCES (broadcast),
 * -EPIPE, -EAGAIN, -ENOBUFS, -ENOMEM, -EFAULT, or the error an ICMP message left.
 */
static ssize_t ping_sendmsg(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep
{
	struct flowi4 fl;
	struct rtable *rt;
	struct ip4_to to;
	struct ipcm ipc;
	int err;
	trace_fn_sk(ping_sendmsg, sk, (u32)len);

	if (len > PING_MAX_LEN)
		return -EMSGSIZE;
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = ping_check_request(msg, len);
	if (!err)
		err = ip4_datagram_dest(sk, msg, &to);
	if (!err && !sk->sk_num)
		err = ping_get_port(sk, 0);
	if (!err)
		err = ip_cmsg_send(sk, msg, &ipc);
	if (err)
		return err;
	rt = ip4_datagram_route(sk, &to, &ipc, IPPROTO_ICMP, &fl);
	err = IS_ERR(rt) ? (int)PTR_ERR(rt) : ping_send(sk, msg, (u32)len, rt, &fl, &ipc);
	kfree(ipc.opt);
	return err ? err : (ssize_t)len;
}

struct proto ping_prot = {
	.name = "PING",
	.obj_size = sizeof(struct sock),
	.close = ping_close,
	.connect = ip4_datagram_connect,
	.disconnect = ip4_datagram_disconnect,
	.setsockopt = ip4_datagram_setsockopt,
	.getsockopt = ip4_datagram_getsockopt,
	.sendmsg = ping_sendmsg,
	.recvmsg = ip4_datagram_recvmsg,
	.poll = datagram_poll,
	.ioctl = datagram_ioctl,
	.get_port = ping_get_port,
	.unbind = ping_unbind,
};

/* --- Life ------------------------------------------------------------------------------------------------------------------------ */
/**
 * ping_net_init() - the table of ping sockets. After ip_init().
 * Context: process.
 * Return: 0.
 */
int ping_net_init(struct net *net)
{
	for (u32 i = 0; i < PING_BUCKETS; i++)
		INIT_LIST_HEAD(&net->ipv4->ping[i]);
	return 0;
}

/**
 * ping_net_exit() - every socket is closed: asserted. Context: process.
 */
void ping_net_exit(struct net *net)
{
	BUG_ON(net->ipv4->ping_socks);
}

/**
 * ping_show() - every bound ping socket in the format of Linux's /proc/net/icmp (kernel addresses are shown as 0). Context:
 * process. arg: struct net.
 */
void ping_show(struct seq_file *m)
{
	const struct net *net = m->arg;

	ip4_datagram_show_lists(m, net->ipv4->ping, PING_BUCKETS, false);
}
