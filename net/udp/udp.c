// SPDX-License-Identifier: MIT
/*
 * UDP: datagrams with ports and a checksum, nothing kept.
 *
 * Down: address and route are settled first, then the room in the send buffer, then the one copy (ip_append_data(), which builds
 * large datagrams in pieces), header and ip_send_skb(). A call that must not block (MSG_DONTWAIT) never sleeps, so kernel sockets may
 * send from softirq: it takes no ownership of the socket, BH off is lock enough. Only a datagram of several calls (UDP_CORK, MSG_MORE) waits on
 * the socket, and whoever touches that owns it.
 * Up: length and checksum are verified in softirq, so that nobody wakes for a broken datagram; then it waits on the receive queue
 * with data at its payload and its headers still in front.
 *
 * Interface: <net/udp.h> (udp_prot).
 * Above: net/socket, by struct proto.  Below: ip_output.c, route.c, icmp.c; net/core's port table.
 * Context: process and softirq (send, receive with MSG_DONTWAIT); softirq (udp_rcv, udp_err).
 * Owns: datagrams on receive queues (charged to sk_rmem_alloc).
 * Specs: RFC 768; RFC 1122 (4.1); RFC 8085; POSIX.1-2008 for the calls.
 */
#include <net/udp.h>

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/checksum.h>
#include <net/icmp.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/route.h>

#define UDP_BUCKETS      256u
#define UDP_MAX_LEN      65535u
#define UDP_MAX_SEGMENTS 64u /* datagrams that one packet stands for */

struct udp_net {
	struct inet_hashinfo *hash; /* port table of all UDP sockets */
};

struct udp_sock {
	struct sock sk;      /* first */
	bool addr_by_peer;   /* connect() chose the local address: disconnect() takes it back */
	bool port_by_us;     /* the port was chosen, not asked for */
	bool corked;         /* UDP_CORK: calls gather, till it is taken off */
	bool pending;        /* sk_write_queue holds the begin of a datagram, for cork; owner */
	u16 gso_size;        /* UDP_SEGMENT */
	struct ip_cork cork; /* the same; its route is counted while it is pending */
};

static struct udp_sock *udp_sk(struct sock *sk)
{
	return (struct udp_sock *)(void *)sk;
}

/* --- Ports and connection ---------------------------------------------------------------------------------------------- */

/* proto.get_port: binds to @num, 0: an ephemeral port. 0, -EADDRINUSE, -EAGAIN. */
static int udp_get_port(struct sock *sk, u16 num)
{
	int err;

	local_bh_disable();
	err = inet_bind_port(sk->sk_net->udp->hash, &sk->__sk_common, num);
	if (!err)
		sk->inet_sport = htons(sk->sk_num);
	udp_sk(sk)->port_by_us = !num;
	local_bh_enable();
	return err;
}

static void udp_unbind(struct sock *sk)
{
	local_bh_disable();
	inet_unbind_port(&sk->__sk_common);
	sk->inet_sport = 0;
	local_bh_enable();
}

static int udp_autobind(struct sock *sk)
{
	return sk->sk_num ? 0 : udp_get_port(sk, 0);
}

/* BH off. Forgets peer, route and what connect() chose. */
static void udp_forget_peer(struct sock *sk)
{
	sk->sk_state = TCP_CLOSE;
	sk->sk_daddr = 0;
	sk->sk_dport = 0;
	if (udp_sk(sk)->addr_by_peer) {
		udp_sk(sk)->addr_by_peer = false;
		sk->inet_saddr = 0;
		sk->sk_rcv_saddr = 0;
	}
	sk_dst_set(sk, NULL);
}

/* proto.disconnect: connect() with AF_UNSPEC. */
static int udp_disconnect(struct sock *sk)
{
	local_bh_disable();
	udp_forget_peer(sk);
	sk->sk_err = 0;
	local_bh_enable();
	if (udp_sk(sk)->port_by_us)
		udp_unbind(sk);
	return 0;
}

/* BH off. The route decides the source address; broadcast needs permission. */
static int udp_connect_bh(struct sock *sk, const struct sockaddr_in *addr)
{
	bool choose = !sk->inet_saddr || udp_sk(sk)->addr_by_peer;
	int err;

	udp_forget_peer(sk);
	sk->sk_daddr = addr->sin_addr ? addr->sin_addr : htonl(0x7f000001);
	err = ip_route_connect_sk(sk);
	if (err == -ENETUNREACH)
		IP_INC_STATS(sk->sk_net, OutNoRoutes);
	udp_sk(sk)->addr_by_peer = choose;
	if (!err && dst_rtable(sk->sk_dst_cache)->rt_type == RTN_BROADCAST &&
	    !sock_flag(sk, SOCK_BROADCAST))
		err = -EACCES;
	if (err) {
		udp_forget_peer(sk);
		return err;
	}
	sk->sk_dport = addr->sin_port;
	sk->sk_state = TCP_ESTABLISHED;
	sk->inet_id = (u16)get_random_u32();
	return 0;
}

/*
 * proto.connect: only this peer from now on, and its errors. 0; -EINVAL short address; -EAFNOSUPPORT; -ENETUNREACH, -ENETDOWN,
 * -EINVAL of the route; -EACCES broadcast without SO_BROADCAST; -EAGAIN no port left.
 */
static int udp_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len, bool nonblock)
{
	int err;

	(void)nonblock;
	if (addr_len < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	err = udp_autobind(sk);
	if (err)
		return err;
	local_bh_disable();
	err = udp_connect_bh(sk, addr);
	local_bh_enable();
	return err;
}

/* --- Sending ---------------------------------------------------------------------------------------------------------------- */

/* Where one datagram goes. */
struct udp_to {
	__be32 daddr;
	__be16 dport;
	bool connected; /* the peer of connect(): its route is cached */
};

/* 0; -EINVAL, -EAFNOSUPPORT, -EDESTADDRREQ. */
static int udp_destination(const struct sock *sk, const struct msghdr *msg, struct udp_to *to)
{
	const struct sockaddr_in *sin = msg->msg_name;

	if (!sin) {
		if (sk->sk_state != TCP_ESTABLISHED)
			return -EDESTADDRREQ;
		*to = (struct udp_to){ sk->sk_daddr, sk->sk_dport, true };
		return 0;
	}
	if (msg->msg_namelen < (int)sizeof(*sin))
		return -EINVAL;
	if (sin->sin_family != AF_INET && sin->sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	if (!sin->sin_port)
		return -EINVAL;
	*to = (struct udp_to){ sin->sin_addr, sin->sin_port, false };
	return 0;
}

/*
 * A counted route and the flow of the datagram. ERR_PTR as ip_route_output_key(). BH off. The cached route is for what the socket itself
 * wants: control data may want another.
 */
static struct rtable *udp_route(struct sock *sk, const struct udp_to *to, const struct ipcm *ipc,
				struct flowi4 *fl)
{
	bool cached = to->connected && ipc->saddr == sk->inet_saddr &&
		      ipc->oif == sk->sk_bound_dev_if && ipc->tos == sk->inet_tos;
	struct rtable *rt;

	*fl = (struct flowi4){
		.daddr = to->daddr,
		.saddr = ipc->saddr,
		.oif = ipc->oif,
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_tos = (u8)ipc->tos,
		/* A socket bound to a device may speak before the device has an address (DHCP). */
		.anysrc = sk->sk_bound_dev_if && ipv4_is_lbcast(to->daddr) && !ipc->saddr,
	};
	if (cached) {
		struct dst_entry *dst = __sk_dst_check(sk);

		if (dst)
			return dst_rtable(dst_hold(dst));
	}
	ip_sk_flow_dev(sk, fl);
	/* The way is that of the first hop; the header names the real destination. */
	fl->daddr = ip_sk_first_hop(sk, to->daddr);
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

/* What the socket wants, and what control data wants otherwise. 0; -EINVAL. */
static int udp_control(struct sock *sk, const struct msghdr *msg, struct ipcm *ipc)
{
	struct cmsghdr c;
	const u8 *data;
	u32 at = 0;
	int more;

	*ipc = (struct ipcm){ .saddr = sk->inet_saddr,
			      .oif = sk->sk_bound_dev_if,
			      .tos = sk->inet_tos,
			      .gso_size = udp_sk(sk)->gso_size };
	if (likely(!msg->msg_controllen))
		return 0;
	while ((more = cmsg_next(msg, &at, &c, &data)) > 0) {
		if (c.cmsg_level != SOL_UDP)
			continue;
		if (c.cmsg_type != UDP_SEGMENT || c.cmsg_len != sizeof(c) + sizeof(ipc->gso_size))
			return -EINVAL;
		memcpy(&ipc->gso_size, data, sizeof(ipc->gso_size));
	}
	if (more < 0)
		return more;
	more = ip_cmsg_send(msg, ipc);
	if (!ipc->saddr)
		ipc->saddr = sk->inet_saddr;
	return more;
}

/* Address, control data, route: everything about the datagram but its bytes. 0 with cork->rt counted, or -errno. */
static int udp_prepare(struct sock *sk, struct msghdr *msg, struct ip_cork *cork)
{
	struct ipcm ipc;
	struct udp_to to;
	struct rtable *rt;
	int err = udp_destination(sk, msg, &to);

	if (!err)
		err = udp_control(sk, msg, &ipc);
	if (!err)
		err = udp_autobind(sk);
	if (err)
		return err;
	local_bh_disable();
	rt = udp_route(sk, &to, &ipc, &cork->fl);
	local_bh_enable();
	if (IS_ERR(rt))
		return (int)PTR_ERR(rt);
	if (rt->rt_type == RTN_BROADCAST && !sock_flag(sk, SOCK_BROADCAST)) {
		dst_release(&rt->dst);
		return -EACCES;
	}
	cork->rt = rt;
	cork->dport = to.dport;
	cork->mtu = min_t(u32, ip_dst_mtu_of(sk, &rt->dst), IP_MAX_MTU);
	cork->hdrlen = (u32)sizeof(struct iphdr) + ip_sk_optlen(sk);
	cork->length = 0;
	cork->gso_size = ipc.gso_size;
	cork->ttl = ipc.ttl ? ipc.ttl : ip_sk_ttl(sk, rt);
	return 0;
}

/* Many datagrams in one packet (UDP_SEGMENT), cut below. 0; -EINVAL too large a size, too many, or without a checksum. */
static int udp_set_gso(struct sock *sk, struct sk_buff *skb, const struct ip_cork *cork)
{
	u32 len = skb->len - (u32)sizeof(struct udphdr);
	struct skb_shared_info *si = skb_shinfo(skb);

	if (cork->hdrlen + sizeof(struct udphdr) + cork->gso_size > cork->mtu ||
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

/* DF while it fits the path's MTU, if the socket wants path MTU discovery (RFC 1191); larger ones were let through to be fragmented. */
static bool udp_df(const struct sock *sk, const struct ip_cork *cork, u32 len)
{
	u8 disc = sk->inet_pmtudisc;

	return disc == IP_PMTUDISC_DO || disc == IP_PMTUDISC_PROBE ||
	       (ip_dont_fragment(sk, &cork->rt->dst) && (len <= cork->mtu || cork->gso_size));
}

/*
 * Header and checksum, and down it goes; consumes @skb and cork->rt. A queue that drops it is no error for the caller, who could not do
 * anything about it: counted SndbufErrors. 0; -errno.
 */
static int udp_send_skb(struct sock *sk, struct sk_buff *skb, struct ip_cork *cork)
{
	struct net *net = sk->sk_net;
	struct udphdr *uh = udp_hdr(skb);
	int err;

	uh->source = sk->inet_sport;
	uh->dest = cork->dport;
	uh->len = htons(skb->len);
	err = cork->gso_size ? udp_set_gso(sk, skb, cork) : 0;
	if (err) {
		dst_release(&cork->rt->dst);
		kfree_skb_reason(skb, SKB_DROP_REASON_LOCAL_ERROR);
		return err;
	}
	udp_set_check(sk, skb, &cork->fl);
	local_bh_disable();
	trace_at_skb(udp_send_skb, skb, 0);
	err = ip_send_skb(net, sk, skb, cork->rt, &cork->fl, cork->ttl,
			  udp_df(sk, cork, cork->hdrlen + cork->length));
	local_bh_enable();
	if (!err)
		UDP_INC_STATS(net, OutDatagrams);
	if (err != -ENOBUFS)
		return err;
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
		dst_release(&cork->rt->dst);
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
	dst_release(&up->cork.rt->dst);
}

/* Owner. What was gathered leaves as one datagram. */
static int udp_push_pending(struct sock *sk)
{
	struct udp_sock *up = udp_sk(sk);
	struct sk_buff *skb;

	up->pending = false;
	skb = ip_make_skb(sk, &sk->sk_write_queue, &up->cork);
	if (!skb) {
		dst_release(&up->cork.rt->dst);
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
		dst_release(&cork->rt->dst);
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

/* --- Receiving, the application's side ------------------------------------------------------------------------------------------ */

static bool udp_readable(const struct sock *sk)
{
	return !skb_queue_empty(&sk->sk_receive_queue) || sk->sk_err ||
	       (sk->sk_shutdown & RCV_SHUTDOWN);
}

/*
 * The next datagram, off the queue or (peek) with one more reference. NULL with *err: 0 shut down, -EAGAIN, or the pending error,
 * which comes before data.
 */
static struct sk_buff *udp_next(struct sock *sk, u32 flags, int *err) __may_sleep
{
	u64 deadline = sock_rcv_deadline(sk, flags & MSG_DONTWAIT);

	for (;;) {
		struct sk_buff *skb;

		*err = sock_error(sk);
		if (*err)
			return NULL;
		local_bh_disable();
		if (flags & MSG_PEEK) {
			skb = skb_peek(&sk->sk_receive_queue);
			if (skb)
				skb_get(skb);
		} else {
			skb = skb_dequeue(&sk->sk_receive_queue);
		}
		local_bh_enable();
		if (skb || (sk->sk_shutdown & RCV_SHUTDOWN))
			return skb;
		*err = -EAGAIN;
		if (!deadline || wait_event_until(&sk->sk_wq, udp_readable(sk), deadline))
			return NULL;
	}
}

static void udp_fill_name(struct msghdr *msg, const struct sk_buff *skb)
{
	struct sockaddr_in *sin = msg->msg_name;

	if (!sin)
		return;
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = udp_hdr(skb)->source;
	sin->sin_addr = ip_hdr(skb)->saddr;
	msg->msg_namelen = sizeof(*sin);
}

/*
 * proto.recvmsg: one datagram; what does not fit is gone (MSG_TRUNC set in msg_flags; with MSG_TRUNC in @flags the whole length is
 * returned). Length; 0 after shutdown; -EAGAIN; -EFAULT; or the error an ICMP message left.
 */
static ssize_t udp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, u32 flags) __may_sleep
{
	struct sk_buff *skb;
	u32 copied;
	int err;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
	skb = udp_next(sk, flags, &err);
	if (!skb)
		return err;
	copied = (u32)min_t(size_t, len, skb->len);
	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_iter(skb, 0, &msg->msg_iter, copied);
	if (!err) {
		udp_fill_name(msg, skb);
		if (!(flags & MSG_PEEK))
			UDP_INC_STATS(sk->sk_net, InDatagrams);
		if (flags & MSG_TRUNC)
			copied = skb->len;
	}
	local_bh_disable();
	consume_skb(skb);
	local_bh_enable();
	return err ? err : (ssize_t)copied;
}

static unsigned int udp_poll(struct sock *sk)
{
	unsigned int mask = 0;

	if (sk->sk_err)
		mask |= POLLERR;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		mask |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (sk->sk_shutdown == SHUTDOWN_MASK)
		mask |= POLLHUP;
	if (!skb_queue_empty(&sk->sk_receive_queue))
		mask |= POLLIN | POLLRDNORM;
	/* Half of the buffer free, the mark at which sock_wfree() wakes writers. */
	if ((u64)sk->sk_wmem_alloc * 2 <= sk->sk_sndbuf)
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

/* proto.ioctl: FIONREAD length of the next datagram, SIOCOUTQ bytes not yet sent. 0, -ENOTTY. */
static int udp_ioctl(struct sock *sk, unsigned long req, int *val)
{
	const struct sk_buff *skb;

	switch (req) {
	case FIONREAD:
		local_bh_disable();
		skb = skb_peek(&sk->sk_receive_queue);
		*val = skb ? (int)skb->len : 0;
		local_bh_enable();
		return 0;
	case SIOCOUTQ:
		*val = (int)sk->sk_wmem_alloc;
		return 0;
	default:
		return -ENOTTY;
	}
}

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
	int err = -ENOPROTOOPT, val;

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
	ip_mc_drop_socket(sk);
	udp_unbind(sk);
	udp_flush_pending(sk);
	sock_orphan(sk);
	local_bh_disable();
	udp_forget_peer(sk);
	skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	sock_put(sk);
	local_bh_enable();
}

/* --- Receiving, from IP -------------------------------------------------------------------------------------------------------------- */

/* Consumes @skb: data at the UDP header, verified. BH off. */
static void udp_queue_rcv(struct net *net, struct sock *sk, struct sk_buff *skb)
	__needs(softirq_ctx)
{
	skb_pull(skb, sizeof(struct udphdr));
	sock_hold(sk); /* the callback may close it */
	if (sock_queue_rcv_skb(sk, skb) < 0) {
		UDP_INC_STATS(net, RcvbufErrors);
		UDP_INC_STATS(net, InErrors);
		kfree_skb_reason(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
	}
	sock_put(sk);
}

struct udp_flood {
	struct net *net;
	struct sk_buff *skb;
	u32 copies;
};

/* A copy for each socket that a broadcast or multicast concerns. */
static bool udp_flood_one(struct sock_common *skc, void *arg) __needs(softirq_ctx)
{
	struct udp_flood *f = arg;
	struct sock *sk = container_of(skc, struct sock, __sk_common);
	const struct iphdr *iph = ip_hdr(f->skb);
	const struct udphdr *uh = udp_hdr(f->skb);
	struct sk_buff *copy;

	if (skc->skc_num != ntohs(uh->dest) ||
	    (skc->skc_rcv_saddr && skc->skc_rcv_saddr != iph->daddr) ||
	    (skc->skc_daddr && skc->skc_daddr != iph->saddr) ||
	    (skc->skc_dport && skc->skc_dport != uh->source) ||
	    (skc->skc_bound_dev_if && skc->skc_bound_dev_if != f->skb->dev->ifindex))
		return false;
	if (ipv4_is_multicast(iph->daddr) && !ip_mc_sf_allow(sk, iph->daddr, f->skb->dev->ifindex))
		return false;
	f->copies++;
	copy = skb_clone(f->skb);
	if (copy)
		udp_queue_rcv(f->net, sk, copy);
	else
		UDP_INC_STATS(f->net, MemErrors);
	return false;
}

static void udp_flood_rcv(struct net *net, struct sk_buff *skb) __needs(softirq_ctx)
{
	struct udp_flood f = { .net = net, .skb = skb };

	inet_hash_for_each(net->udp->hash, udp_flood_one, &f);
	if (f.copies) {
		consume_skb(skb);
		return;
	}
	UDP_INC_STATS(net, IgnoredMulti);
	kfree_skb_reason(skb, SKB_DROP_REASON_NO_SOCKET);
}

/* Length and checksum (0: the sender made none). NR_DROP_REASONS: sound, cut to its length. */
static enum skb_drop_reason udp_check(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 ulen;

	if (!pskb_may_pull(skb, sizeof(struct udphdr)))
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	iph = ip_hdr(skb);
	ulen = ntohs(udp_hdr(skb)->len);
	if (ulen < sizeof(struct udphdr) || ulen > skb->len)
		return SKB_DROP_REASON_UDP_LENGTH;
	if (pskb_trim(skb, ulen) < 0) {
		UDP_INC_STATS(net, MemErrors);
		return SKB_DROP_REASON_NOMEM;
	}
	if (!udp_hdr(skb)->check || skb->ip_summed != CHECKSUM_NONE)
		return NR_DROP_REASONS;
	if (csum_fold(skb_checksum(
		    skb, 0, ulen,
		    csum_tcpudp_nofold(iph->saddr, iph->daddr, ulen, IPPROTO_UDP, 0)))) {
		UDP_INC_STATS(net, InCsumErrors);
		return SKB_DROP_REASON_UDP_CSUM;
	}
	return NR_DROP_REASONS;
}

/* The protocol handler. Consumes @skb: data at the UDP header. */
static void udp_rcv(struct sk_buff *skb) __needs(softirq_ctx)
{
	struct net *net = skb->dev->net;
	enum skb_drop_reason reason = udp_check(net, skb);
	const struct udphdr *uh;
	const struct iphdr *iph;
	enum rtn_type type;
	struct sock *sk;

	trace_fn_skb(udp_rcv, skb, 0);
	if (reason != NR_DROP_REASONS) {
		UDP_INC_STATS(net, InErrors);
		kfree_skb_reason(skb, reason);
		return;
	}
	iph = ip_hdr(skb);
	uh = udp_hdr(skb);
	type = inet_addr_type(net, iph->daddr);
	if (type == RTN_BROADCAST || type == RTN_MULTICAST) {
		udp_flood_rcv(net, skb);
		return;
	}
	sk = inet_lookup_dgram(net->udp->hash, iph->saddr, uh->source, iph->daddr, ntohs(uh->dest),
			       skb->dev->ifindex);
	if (sk) {
		udp_queue_rcv(net, sk, skb);
		return;
	}
	UDP_INC_STATS(net, NoPorts);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	kfree_skb_reason(skb, SKB_DROP_REASON_NO_SOCKET);
}

/* Errno of an ICMP error; *hard: a connected socket is told. */
static int udp_icmp_errno(const struct sock *sk, u8 type, u8 code, bool *hard)
{
	*hard = false;
	switch (type) {
	case ICMP_DEST_UNREACH:
		if (code == ICMP_FRAG_NEEDED) {
			*hard = sk->inet_pmtudisc != IP_PMTUDISC_DONT && ip_sk_accept_pmtu(sk);
			return EMSGSIZE;
		}
		*hard = icmp_err_convert[code].fatal;
		return icmp_err_convert[code].error;
	case ICMP_PARAMETERPROB:
		*hard = true;
		return EPROTO;
	default:
		return EHOSTUNREACH; /* time exceeded: may pass */
	}
}

/* The protocol's ear for errors. @skb: ip_hdr() quoted, data at the quoted UDP header. */
static void udp_err(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct udphdr *uh = (const struct udphdr *)(const void *)skb->data;
	struct net *net = skb->dev->net;
	struct sock *sk;
	bool hard;
	int err;

	BUG_ON(type == ICMP_DEST_UNREACH && code >= NR_ICMP_UNREACH);
	/* Seen from our socket: the quoted destination is the peer. */
	sk = inet_lookup_dgram(net->udp->hash, iph->daddr, uh->dest, iph->saddr, ntohs(uh->source),
			       skb->dev->ifindex);
	if (!sk) {
		ICMP_INC_STATS(net, InErrors);
		return;
	}
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
		ip_sk_update_pmtu(sk, iph->daddr, info);
	err = udp_icmp_errno(sk, type, code, &hard);
	/* Without a peer nobody could tell whose error it is (RFC 1122, 4.1.3.3). */
	if (!hard || sk->sk_state != TCP_ESTABLISHED)
		return;
	sk->sk_err = err;
	sk->sk_error_report(sk);
}

/* --- Life --------------------------------------------------------------------------------------------------------------------------------- */

static const struct net_protocol udp_protocol = { .handler = udp_rcv, .err_handler = udp_err };

struct proto udp_prot = {
	.name = "UDP",
	.obj_size = sizeof(struct udp_sock),
	.close = udp_close,
	.connect = udp_connect,
	.disconnect = udp_disconnect,
	.shutdown = udp_shutdown,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.sendmsg = udp_sendmsg,
	.recvmsg = udp_recvmsg,
	.poll = udp_poll,
	.ioctl = udp_ioctl,
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

	seq_printf(m, "%5u: %08X:%04X %08X:%04X %02X %08X:%08X %02X:%08X %08X %5u %8d %u %d %d %u",
		   page->line++, (__force u32)sk->sk_rcv_saddr, (unsigned int)sk->sk_num,
		   (__force u32)sk->sk_daddr, (unsigned int)ntohs(sk->sk_dport),
		   (unsigned int)sk->sk_state, sk->sk_wmem_alloc, sk->sk_rmem_alloc, 0U, 0U, 0U, 0U,
		   0, 0U, (int)sk->sk_refcnt, 0, 0U);
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

	seq_printf(m, "%-127s\n",
		   "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		   "uid  timeout inode ref pointer drops");
	local_bh_disable();
	inet_hash_for_each(net->udp->hash, udp_show_one, &page);
	local_bh_enable();
}
