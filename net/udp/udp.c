// SPDX-License-Identifier: MIT
/*
 * UDP: datagrams with ports and a checksum, nothing kept. Here: the way down, options, ports, life; udp_input.c is the way up.
 *
 * Address and route are settled first, then the room in the send buffer, then the one copy (ip_append_data(), which builds
 * large datagrams in pieces), header and ip_send_skb(). A call that must not block (MSG_DONTWAIT) never sleeps, so kernel sockets may
 * send from softirq: it takes no ownership of the socket, BH off is lock enough. Only a datagram of several calls (UDP_CORK, MSG_MORE) waits on
 * the socket, and whoever touches that owns it.
 *
 * Interface: <net/udp.h> (udp_prot).
 * Above: net/socket, by struct proto.  Below: udp_input.c; net/ipv4's datagram.c, ip_append.c, ip_output.c; net/core's port table.
 * Context: process and softirq (send with MSG_DONTWAIT).
 * Owns: the datagram from ip_append_data() on.
 * Specs: RFC 768; RFC 1122 (4.1); RFC 8085; POSIX.1-2008 for the calls.
 */
#include <net/udp.h>

#include "udp_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/inet_hashtables.h>
#include <net/route.h>

#define UDP_BUCKETS      256u
#define UDP_MAX_LEN      65535u
#define UDP_MAX_SEGMENTS 64u /* datagrams that one packet stands for */

/* --- Ports and connection ---------------------------------------------------------------------------------------------- */

/* proto.get_port: binds to @num, 0: an ephemeral port. 0, -EADDRINUSE, -EAGAIN. */
static int udp_get_port(struct sock *sk, u16 num)
{
	int err;

	local_bh_disable();
	err = inet_bind_port(sk->sk_net->udp->hash, &sk->__sk_common, num);
	if (!err)
		sk->inet_sport = htons(sk->sk_num);
	local_bh_enable();
	return err;
}

static void udp_unbind(struct sock *sk)
{
	local_bh_disable();
	inet_unbind_port(&sk->__sk_common);
	sk->sk_num = 0;
	sk->inet_sport = 0;
	local_bh_enable();
}

static int udp_autobind(struct sock *sk)
{
	return sk->sk_num ? 0 : udp_get_port(sk, 0);
}

/* proto.connect: as ip4_datagram_connect(); -EAGAIN no port left. */
static int udp_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len, bool nonblock)
{
	int err = udp_autobind(sk);

	return err ? err : ip4_datagram_connect(sk, addr, addr_len, nonblock);
}

/* --- Sending ---------------------------------------------------------------------------------------------------------------- */

/* What the socket wants, and what control data wants otherwise. 0 with ipc->opt to kfree(); -EINVAL, -ENOMEM. */
static int udp_control(struct sock *sk, const struct msghdr *msg, struct ipcm *ipc)
{
	struct cmsghdr c;
	const u8 *data;
	u32 at = 0;
	int err = ip_cmsg_send(sk, msg, ipc);

	if (err)
		return err;
	ipc->gso_size = udp_sk(sk)->gso_size;
	while (cmsg_next(msg, &at, &c, &data) > 0) {
		if (c.cmsg_level != SOL_UDP)
			continue;
		if (c.cmsg_type != UDP_SEGMENT || c.cmsg_len != sizeof(c) + sizeof(ipc->gso_size)) {
			kfree(ipc->opt);
			return -EINVAL;
		}
		memcpy(&ipc->gso_size, data, sizeof(ipc->gso_size));
	}
	return 0;
}

/* Address, control data, route: everything about the datagram but its bytes. 0 with cork's route and options; or -errno. */
static int udp_prepare(struct sock *sk, struct msghdr *msg, struct ip_cork *cork)
{
	struct ipcm ipc;
	struct ip4_to to;
	struct rtable *rt;
	int err = ip4_datagram_dest(sk, msg, &to);

	if (!err && !to.dport)
		err = -EINVAL;
	if (!err)
		err = udp_autobind(sk);
	if (!err)
		err = udp_control(sk, msg, &ipc);
	if (err)
		return err;
	rt = ip4_datagram_route(sk, &to, &ipc, IPPROTO_UDP, &cork->fl);
	if (IS_ERR(rt)) {
		kfree(ipc.opt);
		return (int)PTR_ERR(rt);
	}
	cork->rt = rt;
	cork->opt = ipc.opt;
	cork->dport = to.dport;
	cork->mtu = min_t(u32, ip_dst_mtu_of(sk, &rt->dst), IP_MAX_MTU);
	cork->hdrlen = ipc_hdrlen(sk, &ipc);
	cork->length = 0;
	cork->gso_size = ipc.gso_size;
	cork->ttl = ipc.ttl ? ipc.ttl : ip_sk_ttl(sk, rt);
	return 0;
}

/* What the datagram held is given back. */
static void udp_cork_release(const struct ip_cork *cork)
{
	dst_release(&cork->rt->dst);
	kfree(cork->opt);
}

/* Many datagrams in one packet (UDP_SEGMENT), cut below. 0; -EINVAL too large a size, too many, or without a checksum. */
static int udp_set_gso(struct sock *sk, struct sk_buff *skb, const struct ip_cork *cork)
{
	u32 len = skb->len - (u32)sizeof(struct udphdr);
	struct skb_shared_info *si = skb_shinfo(skb);

	if (cork->hdrlen + sizeof(struct udphdr) + min(len, (u32)cork->gso_size) > cork->mtu ||
	    len > cork->gso_size * UDP_MAX_SEGMENTS || sock_flag(sk, SOCK_NO_CHECK_TX))
		return -EINVAL;
	if (len <= cork->gso_size)
		return 0;
	si->gso_size = cork->gso_size;
	si->gso_type = SKB_GSO_UDP_L4;
	si->gso_segs = (u16)DIV_ROUND_UP(len, cork->gso_size);
	return 0;
}

/*
 * The checksum: left to the device, or to skb_checksum_help(), which make 0 to 0xffff; a datagram in pieces is summed here, for no
 * device sees all of it.
 */
static void udp_set_check(struct sock *sk, struct sk_buff *skb, const struct flowi4 *fl)
{
	struct udphdr *uh = udp_hdr(skb);

	uh->check = 0;
	skb->ip_summed = CHECKSUM_NONE;
	if (sock_flag(sk, SOCK_NO_CHECK_TX))
		return;
	if (skb_has_frag_list(skb)) {
		u32 sum = csum_tcpudp_nofold(fl->saddr, fl->daddr, skb->len, IPPROTO_UDP, 0);

		uh->check = csum_fold(skb_checksum(skb, 0, skb->len, sum));
		if (!uh->check)
			uh->check = (__force __be16)0xffff;
		return;
	}
	uh->check = (__be16)~csum_tcpudp_magic(fl->saddr, fl->daddr, skb->len, IPPROTO_UDP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = offsetof(struct udphdr, check);
}

/*
 * Header and checksum, and down it goes; consumes @skb and what @cork holds. A queue that drops it is counted SndbufErrors and no error for the
 * caller, who could not do anything about it, unless he wants to hear of errors. 0; -errno.
 */
static int udp_send_skb(struct sock *sk, struct sk_buff *skb, struct ip_cork *cork)
{
	struct net *net = sk->sk_net;
	struct udphdr *uh = udp_hdr(skb);
	bool fits = cork->gso_size || cork->hdrlen + cork->length <= cork->mtu;
	int err;

	uh->source = sk->inet_sport;
	uh->dest = cork->dport;
	uh->len = htons(skb->len);
	err = cork->gso_size ? udp_set_gso(sk, skb, cork) : 0;
	if (err) {
		udp_cork_release(cork);
		kfree_skb_reason(skb, SKB_DROP_REASON_LOCAL_ERROR);
		return err;
	}
	udp_set_check(sk, skb, &cork->fl);
	local_bh_disable();
	trace_at_skb(udp_send_skb, skb, 0);
	err = ip_send_skb_options(net, sk, skb, cork->rt, &cork->fl, cork->opt, cork->ttl,
				  ip_datagram_df(sk, &cork->rt->dst, fits));
	local_bh_enable();
	kfree(cork->opt);
	if (!err)
		UDP_INC_STATS(net, OutDatagrams);
	if (err != -ENOBUFS || (sk->inet_flags & INET_RECVERR))
		return err; /* -ENOBUFS is counted by udp_sendmsg() */
	UDP_INC_STATS(net, SndbufErrors);
	return 0;
}

/* One call, one datagram, and nothing of it is left when it returns: no ownership of the socket is needed. */
static int udp_send_now(struct sock *sk, struct msghdr *msg, u32 len,
			struct ip_cork *cork) __may_sleep
{
	struct sk_buff_head q;
	struct sk_buff *skb;
	int err;

	skb_queue_head_init(&q);
	err = ip_append_data(sk, &q, cork, msg, len, sizeof(struct udphdr), false);
	if (err) {
		ip_flush_pending_frames(&q);
		udp_cork_release(cork);
		return err;
	}
	skb = ip_make_skb(sk, &q, cork);
	BUG_ON(!skb); /* it is in as few packets as can be */
	skb->dst_pending_confirm = (msg->msg_flags & MSG_CONFIRM) != 0;
	return udp_send_skb(sk, skb, cork);
}

/* --- Corking: a datagram of several calls --------------------------------------------------------------------------------- */

/* Owner. What was gathered is given up. */
static void udp_flush_pending(struct sock *sk)
{
	struct udp_sock *up = udp_sk(sk);

	if (!up->pending)
		return;
	up->pending = false;
	ip_flush_pending_frames(&sk->sk_write_queue);
	udp_cork_release(&up->cork);
}

/* Owner. What was gathered leaves as one datagram. */
static int udp_push_pending(struct sock *sk)
{
	struct udp_sock *up = udp_sk(sk);
	struct sk_buff *skb;

	up->pending = false;
	skb = ip_make_skb(sk, &sk->sk_write_queue, &up->cork);
	if (!skb) {
		udp_cork_release(&up->cork);
		return -ENOBUFS;
	}
	return udp_send_skb(sk, skb, &up->cork);
}

/* Owner, pending. The bytes of one call; an error gives all of it up, the last call sends it. */
static int udp_append(struct sock *sk, struct msghdr *msg, u32 len, bool more) __may_sleep
{
	u32 thlen = skb_queue_empty(&sk->sk_write_queue) ? sizeof(struct udphdr) : 0;
	int err = ip_append_data(sk, &sk->sk_write_queue, &udp_sk(sk)->cork, msg, len, thlen, true);

	if (err) {
		udp_flush_pending(sk);
		return err;
	}
	return more ? 0 : udp_push_pending(sk);
}

/* One more call for the datagram that is pending, whose address stays. false: none is any more. */
static bool udp_append_pending(struct sock *sk, struct msghdr *msg, u32 len, bool more,
			       int *err) __may_sleep
{
	bool pending;

	lock_sock(sk);
	pending = udp_sk(sk)->pending;
	if (pending)
		*err = udp_append(sk, msg, len, more);
	release_sock(sk);
	return pending;
}

/* The first call of a datagram that more will follow. -EINVAL: another thread was faster. */
static int udp_begin_pending(struct sock *sk, struct msghdr *msg, u32 len,
			     const struct ip_cork *cork) __may_sleep
{
	struct udp_sock *up = udp_sk(sk);
	int err = -EINVAL;

	lock_sock(sk);
	if (up->pending) {
		udp_cork_release(cork);
	} else {
		up->cork = *cork;
		up->pending = true;
		err = udp_append(sk, msg, len, true);
	}
	release_sock(sk);
	return err;
}

/*
 * proto.sendmsg: one datagram, or with UDP_CORK or MSG_MORE a part of one. Its length, or -EMSGSIZE (above 65507 bytes; above the path MTU
 * when the socket wants no fragments), -EOPNOTSUPP (MSG_OOB), -EDESTADDRREQ, -EINVAL (short address, port 0, control data), -EAFNOSUPPORT,
 * -ENETUNREACH, -ENETDOWN, -EACCES (broadcast), -EPIPE, -EAGAIN, -ENOBUFS, -ENOMEM, -EFAULT, or the error an ICMP message left
 * (ECONNREFUSED ...).
 */
static ssize_t udp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len) __may_sleep
{
	bool more = udp_sk(sk)->corked || (msg->msg_flags & MSG_MORE);
	struct ip_cork cork;
	int err;

	trace_fn_sk(udp_sendmsg, sk, (u32)len);
	if (len > UDP_MAX_LEN)
		return -EMSGSIZE;
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (udp_sk(sk)->pending && udp_append_pending(sk, msg, (u32)len, more, &err))
		goto out;
	err = udp_prepare(sk, msg, &cork);
	if (err)
		return err;
	err = more ? udp_begin_pending(sk, msg, (u32)len, &cork)
		   : udp_send_now(sk, msg, (u32)len, &cork);
out:
	if (err == -ENOBUFS)
		UDP_INC_STATS(sk->sk_net, SndbufErrors);
	return err ? err : (ssize_t)len;
}

/* --- Options ------------------------------------------------------------------------------------------------------------------ */

/* Owner. Level SOL_UDP: 0; -EINVAL short or bad value; -ENOPROTOOPT; taking the cork off: what the datagram's sending said. */
static int udp_set_option(struct sock *sk, int opt, const void *kval, u32 len) __needs(sk)
{
	struct udp_sock *up = udp_sk(sk);
	int val;

	if (len < sizeof(val))
		return -EINVAL;
	memcpy(&val, kval, sizeof(val));
	switch (opt) {
	case UDP_CORK:
		up->corked = val != 0;
		return !val && up->pending ? udp_push_pending(sk) : 0;
	case UDP_SEGMENT:
		if (val < 0 || val > (int)UINT16_MAX)
			return -EINVAL;
		up->gso_size = (u16)val;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int udp_setsockopt(struct sock *sk, int level, int opt, const void *kval,
			  u32 len) __may_sleep
{
	int err = -ENOPROTOOPT;

	lock_sock(sk);
	if (level == SOL_IP)
		err = ip_setsockopt(sk, opt, kval, len);
	else if (level == SOL_UDP)
		err = udp_set_option(sk, opt, kval, len);
	release_sock(sk);
	return err;
}

static int udp_getsockopt(struct sock *sk, int level, int opt, void *kval, u32 *len) __may_sleep
{
	int err = level == SOL_UDP ? -ENOPROTOOPT : -EOPNOTSUPP, val;

	lock_sock(sk);
	if (level == SOL_IP) {
		err = ip_getsockopt(sk, opt, kval, len);
	} else if (level == SOL_UDP && (opt == UDP_CORK || opt == UDP_SEGMENT)) {
		val = opt == UDP_CORK ? udp_sk(sk)->corked : udp_sk(sk)->gso_size;
		*len = min_t(u32, *len, sizeof(val));
		memcpy(kval, &val, *len);
		err = 0;
	}
	release_sock(sk);
	return err;
}

/* proto.shutdown: takes effect on any socket, but says -ENOTCONN on one without a peer (as Linux does). */
static int udp_shutdown(struct sock *sk, u8 how_mask)
{
	sk->sk_shutdown |= how_mask;
	sk->sk_state_change(sk);
	return sk->sk_state == TCP_ESTABLISHED ? 0 : -ENOTCONN;
}

/* proto.close: unread datagrams are dropped; those below the transport keep the sock till they are sent. */
static void udp_close(struct sock *sk, u64 deadline_ns)
{
	(void)deadline_ns;
	udp_unbind(sk);
	udp_flush_pending(sk);
	ip4_datagram_close(sk);
}

/* --- Life --------------------------------------------------------------------------------------------------------------------------------- */

struct proto udp_prot = {
	.name = "UDP",
	.obj_size = sizeof(struct udp_sock),
	.close = udp_close,
	.connect = udp_connect,
	.disconnect = ip4_datagram_disconnect,
	.shutdown = udp_shutdown,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.sendmsg = udp_sendmsg,
	.recvmsg = udp_recvmsg,
	.poll = datagram_poll,
	.ioctl = datagram_ioctl,
	.get_port = udp_get_port,
	.unbind = udp_unbind,
};

/**
 * udp_net_init() - the port table of @net and the receiver of UDP. After ip_init().
 * Context: process.
 * Return: 0; -ENOMEM; -EEXIST (everything undone).
 */
int udp_net_init(struct net *net)
{
	int err;

	BUG_ON(net->udp);
	net->udp = kzalloc(sizeof(*net->udp));
	if (!net->udp)
		return -ENOMEM;
	err = -ENOMEM;
	net->udp->hash = inet_hashinfo_alloc(net, UDP_BUCKETS);
	if (net->udp->hash)
		err = inet_add_protocol(net, IPPROTO_UDP, &udp_protocol);
	if (err)
		udp_net_exit(net);
	return err;
}

/**
 * udp_net_exit() - takes them down; every socket is closed and no packet can come any more.
 * Context: process.
 */
void udp_net_exit(struct net *net)
{
	if (!net->udp)
		return;
	if (net->udp->hash)
		inet_hashinfo_free(net->udp->hash);
	kfree(net->udp);
	net->udp = NULL;
}

struct udp_page {
	struct seq_file *m;
	unsigned int line;
};

static bool udp_show_one(struct sock_common *skc, void *arg)
{
	struct udp_page *page = arg;
	const struct sock *sk = container_of(skc, struct sock, __sk_common);
	struct seq_file *m = page->m;
	size_t begin = m->len;

	seq_printf(m, "%5u: ", page->line++);
	ip4_datagram_show(m, sk);
	seq_printf(m, "%*s\n", m->len - begin < 127 ? (int)(127 - (m->len - begin)) : 0, "");
	return m->overflow;
}

/**
 * udp_show() - every UDP socket in the format of Linux's /proc/net/udp (kernel addresses are shown as 0). Context: process.
 * arg: struct net.
 */
void udp_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	struct udp_page page = { .m = m };

	seq_printf(m, "%-127s\n", "   sl  " IP4_DATAGRAM_HEAD);
	local_bh_disable();
	inet_hash_for_each(net->udp->hash, udp_show_one, &page);
	local_bh_enable();
}
