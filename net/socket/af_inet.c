// SPDX-License-Identifier: MIT
/*
 * The family PF_INET: which protocol serves a (type, protocol) pair, and the checks and states that all its
 * protocols share, before the call goes on to the protocol's own table.
 *
 *   socket -> inet_create -> inetsw[type] -> ops (inet_stream_ops, inet_dgram_ops), sk_prot (tcp_prot, udp_prot, ...)
 *
 * Interface: inet_socket_init(), inet_socket_exit(), inet_stream_ops, inet_dgram_ops (<net/socket.h>).
 * Above: socket.c, through the tables. Below: protosw.c, struct proto, struct sock.
 * Context: process; inet_sendmsg() of a bound datagram socket also softirq.
 * Owns: nothing; struct sock belongs to the protocol from close() on.
 * Specs: POSIX.1-2017 2.10; Linux's error numbers (measured); docs/PATH.md A2, A3.
 */
#include <net/socket.h>

#include <kernel/timer.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>

#include "socket_internal.h"

#define IPPROTO_MAX        263
#define TTL_DEFAULT        (-1)
#define PMTUDISC_DONT      0
#define PMTUDISC_WANT      1
#define IN_MULTICAST_BITS  0xf0000000u
#define IN_MULTICAST_VALUE 0xe0000000u

/* --- socket(): lookup ------------------------------------------------------------------------------------------------- */
static int inet_create(struct net *net, struct socket *sock, int protocol)
{
	const struct inet_protosw *answer;
	struct sock *sk;
	int err;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	answer = inet_lookup_protosw(net, sock->type, &protocol);
	if (IS_ERR(answer))
		return (int)PTR_ERR(answer);
	if (sock->type == SOCK_RAW && !sock_may_open_raw(net))
		return -EPERM;
	sk = sk_alloc(net, AF_INET, answer->prot);
	if (!sk)
		return -ENOMEM;
	sock_init_data(sock, sk);
	sk->sk_socket = sock;
	sk->sk_type = (u8)sock->type;
	sk->sk_protocol = (u16)protocol;
	sk->inet_is_icsk = (answer->flags & INET_PROTOSW_ICSK) != 0;
	sk->sk_reuse = (answer->flags & INET_PROTOSW_REUSE) != 0;
	sk->inet_ttl = TTL_DEFAULT;
	sk->inet_pmtudisc = net->ip_no_pmtu_disc ? PMTUDISC_DONT : PMTUDISC_WANT;
	err = sk->sk_prot->init ? sk->sk_prot->init(sk) : 0;
	if (err) {
		sock_orphan(sk);
		sock_put(sk);
		return err;
	}
	sock->sk = sk;
	sock->ops = answer->ops;
	sock->state = SS_UNCONNECTED;
	return 0;
}

static const struct net_proto_family inet_family_ops = {
	.family = AF_INET,
	.create = inet_create,
};

/* --- The end -------------------------------------------------------------------------------------------------------------- */
/* When a close with SO_LINGER stops waiting; 0: it does not wait. */
static u64 linger_deadline(const struct sock *sk)
{
	if (!sock_flag(sk, SOCK_LINGER) || !sk->sk_lingertime_s)
		return 0;
	return ktime_get_ns() + sk->sk_lingertime_s * NSEC_PER_SEC;
}

static int inet_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	sock->sk = NULL;
	sk->sk_prot->close(sk, linger_deadline(sk));
	return 0;
}

/* --- Addresses ---------------------------------------------------------------------------------------------------------------- */
static bool is_multicast(__be32 addr)
{
	return (ntohl(addr) & IN_MULTICAST_BITS) == IN_MULTICAST_VALUE;
}

/* A group or a broadcast: no source. */
static bool only_receives(const struct net *net, __be32 addr)
{
	return is_multicast(addr) || inet_addr_is_bcast(net, addr);
}

/*
 * May a socket be bound to @addr? Ours, any, or one that only receives, where more than echo replies come; another one by those who know
 * what they do.
 */
static bool may_bind(const struct sock *sk, __be32 addr)
{
	if (addr && only_receives(sk->sk_net, addr))
		return sk->sk_protocol != IPPROTO_ICMP;
	return !addr || inet_addr_is_local(sk->sk_net, addr) || sk_may_bind_nonlocal(sk);
}

/* Owned. Takes a port and says where we send from. 0 or what get_port() says. */
static int take_port(struct sock *sk, u16 num)
{
	int err = sk->sk_prot->get_port(sk, num);

	if (!err)
		sk->inet_sport = htons(sk->sk_num);
	return err;
}

static int inet_bind(struct socket *sock, const struct sockaddr *addr, int len) __may_sleep
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)addr;
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	if (sk->sk_prot->bind)
		return sk->sk_prot->bind(sk, sin, len);
	if (len < (int)sizeof(*sin))
		return -EINVAL;
	if (sin->sin_family != AF_INET && (sin->sin_family != AF_UNSPEC || sin->sin_addr))
		return -EAFNOSUPPORT;
	if (!may_bind(sk, sin->sin_addr))
		return -EADDRNOTAVAIL;
	lock_sock(sk);
	if (sk->sk_state != TCP_CLOSE || sk->sk_num)
		goto out_release;
	sk->sk_rcv_saddr = sin->sin_addr;
	sk->inet_saddr = only_receives(sk->sk_net, sin->sin_addr) ? 0 : sin->sin_addr;
	err = take_port(sk, ntohs(sin->sin_port));
	if (err) {
		sk->sk_rcv_saddr = 0;
		sk->inet_saddr = 0;
		err = -EADDRINUSE;
		goto out_release;
	}
	if (sin->sin_addr)
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	if (sin->sin_port)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	sk->sk_daddr = 0;
	sk->sk_dport = 0;
out_release:
	release_sock(sk);
	return err;
}

/* An ephemeral port for one that has none. 0, -EAGAIN none is free. */
static int inet_autobind(struct sock *sk) __may_sleep
{
	int err = 0;

	if (sk->sk_num)
		return 0; /* also spares softirq callers the lock */
	lock_sock(sk);
	if (!sk->sk_num && take_port(sk, 0))
		err = -EAGAIN;
	release_sock(sk);
	return err;
}

static int inet_getname(struct socket *sock, struct sockaddr_storage *addr, bool peer) __may_sleep
{
	struct sockaddr_in *sin = (struct sockaddr_in *)(void *)addr;
	struct sock *sk = sock->sk;
	int len = (int)sizeof(*sin);

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	lock_sock(sk);
	if (!peer) {
		sin->sin_port = sk->inet_sport;
		sin->sin_addr = sk->sk_rcv_saddr ? sk->sk_rcv_saddr : sk->inet_saddr;
	} else if (!sk->sk_dport || sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_SYN_SENT) {
		len = -ENOTCONN;
	} else {
		sin->sin_port = sk->sk_dport;
		sin->sin_addr = sk->sk_daddr;
	}
	release_sock(sk);
	return len;
}

/* --- connect() ------------------------------------------------------------------------------------------------------------------- */
/* AF_UNSPEC dissolves the association. */
static int inet_disconnect(struct socket *sock) __may_sleep
{
	struct sock *sk = sock->sk;
	int err;

	if (!sk->sk_prot->disconnect)
		return -EOPNOTSUPP;
	lock_sock(sk);
	err = sk->sk_prot->disconnect(sk);
	sock->state = SS_UNCONNECTED;
	release_sock(sk);
	return err;
}

static int inet_dgram_connect(struct socket *sock, const struct sockaddr *addr, int len,
			      u32 flags) __may_sleep
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)addr;
	struct sock *sk = sock->sk;

	if (len < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC)
		return inet_disconnect(sock);
	if (inet_autobind(sk))
		return -EAGAIN;
	return sk->sk_prot->connect(sk, sin, len, flags & O_NONBLOCK);
}

static bool handshaking(const struct sock *sk)
{
	return sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV;
}

/* The first connect() of a socket: the protocol sends its SYN. -EINPROGRESS when that went well; 0 when it waits for data. */
static int start_connecting(struct socket *sock, const struct sockaddr_in *sin, int len,
			    bool nonblock)
{
	struct sock *sk = sock->sk;
	int err;

	if (sk->sk_state != TCP_CLOSE)
		return -EISCONN;
	err = sk->sk_prot->connect(sk, sin, len, nonblock);
	if (err && err != -EINPROGRESS)
		return err;
	sock->state = SS_CONNECTING;
	return sk->inet_defer_connect ? 0 : -EINPROGRESS;
}

/* Owned. Waits for the end of the handshake and says how it ended; @pending when it may not wait (any longer). */
static int finish_connecting(struct socket *sock, struct sock *sk, u64 deadline_ns,
			     int pending) __may_sleep __needs(sk)
{
	int err;

	if (handshaking(sk)) {
		if (!deadline_ns)
			return pending;
		if (sk_wait_event(sk, deadline_ns, !handshaking(sk)))
			return pending;
	}
	/*
	 * The connection may be closed again already, and what the peer sent wait to be read; only an error or the
	 * state CLOSE says that it never was.
	 */
	if (sk->sk_state == TCP_CLOSE) {
		err = sock_error(sk);
		sock->state = SS_UNCONNECTED;
		if (sk->sk_prot->disconnect)
			sk->sk_prot->disconnect(sk);
		return err ? err : -ECONNABORTED;
	}
	sock->state = SS_CONNECTED;
	return 0;
}

static int inet_stream_connect(struct socket *sock, const struct sockaddr *addr, int len,
			       u32 flags) __may_sleep
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)addr;
	struct sock *sk = sock->sk;
	bool nonblock = flags & O_NONBLOCK;
	int err = -EALREADY;

	if (len < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC)
		return inet_disconnect(sock);
	if (sock->state == SS_CONNECTED)
		return -EISCONN;
	if (sock->state == SS_DISCONNECTING)
		return -EINVAL;
	if (sock->state == SS_UNCONNECTED) {
		err = start_connecting(sock, sin, len, nonblock);
		/* Over lo the answer may be here already: who does not wait hears the same as over a wire. */
		if (nonblock || !err)
			return err;
	}
	if (sock->state != SS_CONNECTING)
		return err;
	if (sk->inet_defer_connect)
		return -EISCONN;
	lock_sock(sk);
	err = finish_connecting(sock, sk, sock_snd_deadline(sk, nonblock), err);
	release_sock(sk);
	return err;
}

/* --- listen(), accept(), shutdown() ------------------------------------------------------------------------------------------------ */
static int inet_listen(struct socket *sock, int backlog) __may_sleep
{
	struct sock *sk = sock->sk;

	if (sock->state != SS_UNCONNECTED)
		return -EINVAL;
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		return -EINVAL;
	if (inet_autobind(sk))
		return -EADDRINUSE;
	return sk->sk_prot->listen(sk, backlog);
}

static int inet_accept(struct socket *sock, struct socket *newsock, u32 flags) __may_sleep
{
	struct sock *newsk;
	int err = -EINVAL;

	newsk = sock->sk->sk_prot->accept(sock->sk, flags & O_NONBLOCK, &err);
	if (!newsk)
		return err;
	lock_sock(newsk);
	sock_graft(newsk, newsock);
	newsock->sk = newsk;
	newsock->ops = sock->ops;
	newsock->state = SS_CONNECTED;
	release_sock(newsk);
	return 0;
}

static int no_listen(struct socket *sock, int backlog)
{
	(void)sock;
	(void)backlog;
	return -EOPNOTSUPP;
}

static int no_accept(struct socket *sock, struct socket *newsock, u32 flags)
{
	(void)sock;
	(void)newsock;
	(void)flags;
	return -EOPNOTSUPP;
}

/* Owned. A listener or a handshake is given up; everything else is marked and told to the protocol afterwards. */
static int mark_shutdown(struct socket *sock, u8 mask, bool *tell)
{
	struct sock *sk = sock->sk;
	bool give_up = sk->sk_state == TCP_SYN_SENT ||
		       (sk->sk_state == TCP_LISTEN && (mask & RCV_SHUTDOWN));
	int err = 0;

	*tell = false;
	/* Whose connect() has failed, and was not asked about it, is told so no more: nothing but AF_UNSPEC helps. */
	if (sock->state == SS_CONNECTING)
		sock->state = sk->sk_state == TCP_CLOSE ? SS_DISCONNECTING : SS_CONNECTED;
	if (sk->sk_state == TCP_LISTEN && !give_up)
		return 0;
	if (give_up) {
		err = sk->sk_prot->disconnect(sk);
		sock->state = SS_UNCONNECTED;
		return err;
	}
	if (sk->sk_state == TCP_CLOSE)
		err = -ENOTCONN; /* and yet nobody goes on waiting */
	sk->sk_shutdown |= mask;
	*tell = true;
	return err;
}

static int inet_shutdown(struct socket *sock, int how) __may_sleep
{
	struct sock *sk = sock->sk;
	bool tell;
	u8 mask;
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	mask = (u8)(how + 1); /* SHUT_RD, WR, RDWR -> bits 1, 2, 3 */
	lock_sock(sk);
	err = mark_shutdown(sock, mask, &tell);
	release_sock(sk);
	if (tell && sk->sk_prot->shutdown)
		sk->sk_prot->shutdown(sk, mask);
	lock_sock(sk);
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* --- Data, options ----------------------------------------------------------------------------------------------------------------- */
/*
 * A connection that begins with its first data. What the SYN did not take follows when the handshake is over; who does not wait hears how much
 * it took, or that it goes on without.
 */
static ssize_t inet_fastopen(struct socket *sock, struct msghdr *msg, size_t len) __may_sleep
{
	struct sock *sk = sock->sk;
	ssize_t taken, more;
	int err;

	if (sock->state == SS_CONNECTED)
		return -EISCONN;
	if (sock->state == SS_DISCONNECTING)
		return -EINVAL;
	if (sock->state == SS_CONNECTING && handshaking(sk) && !sk->inet_defer_connect)
		return -EALREADY;
	/* The handshake of an earlier call may be over: then this is a send() like any other. */
	taken = sock->state == SS_CONNECTING && !sk->inet_defer_connect
			? 0
			: sk->sk_prot->fastopen(sk, msg, len);
	if (taken < 0)
		return taken;
	sock->state = SS_CONNECTING;
	lock_sock(sk);
	err = finish_connecting(sock, sk, sock_snd_deadline(sk, msg->msg_flags & MSG_DONTWAIT),
				-EINPROGRESS);
	release_sock(sk);
	if (err)
		return err == -EINPROGRESS && taken ? taken : err;
	if ((size_t)taken == len)
		return taken;
	msg->msg_flags &= ~(u32)MSG_FASTOPEN;
	more = sk->sk_prot->sendmsg(sk, msg, len - (size_t)taken);
	return more < 0 ? (taken ? taken : more) : taken + more;
}

static ssize_t inet_sendmsg(struct socket *sock, struct msghdr *msg, size_t len) __may_sleep
{
	struct sock *sk = sock->sk;

	trace_fn_sk(inet_sendmsg, sk, (u32)len);
	if (!sk->inet_is_icsk && inet_autobind(sk))
		return -EAGAIN;
	if (((msg->msg_flags & MSG_FASTOPEN) || sk->inet_defer_connect) && sk->sk_prot->fastopen)
		return inet_fastopen(sock, msg, len);
	return sk->sk_prot->sendmsg(sk, msg, len);
}

static ssize_t inet_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, u32 flags)
{
	return sock->sk->sk_prot->recvmsg(sock->sk, msg, len, flags);
}

static unsigned int inet_poll(struct socket *sock)
{
	return sock->sk->sk_prot->poll(sock->sk);
}

static int inet_setsockopt(struct socket *sock, int level, int opt, const void *kval, u32 len)
{
	return sock->sk->sk_prot->setsockopt(sock->sk, level, opt, kval, len);
}

static int inet_getsockopt(struct socket *sock, int level, int opt, void *kval, u32 *len)
{
	return sock->sk->sk_prot->getsockopt(sock->sk, level, opt, kval, len);
}

static int inet_ioctl(struct socket *sock, unsigned long req, int *val)
{
	return sock->sk->sk_prot->ioctl ? sock->sk->sk_prot->ioctl(sock->sk, req, val) : -ENOTTY;
}

const struct proto_ops inet_stream_ops = {
	.family = AF_INET,
	.release = inet_release,
	.bind = inet_bind,
	.connect = inet_stream_connect,
	.accept = inet_accept,
	.getname = inet_getname,
	.listen = inet_listen,
	.shutdown = inet_shutdown,
	.poll = inet_poll,
	.setsockopt = inet_setsockopt,
	.getsockopt = inet_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
	.ioctl = inet_ioctl,
};

const struct proto_ops inet_dgram_ops = {
	.family = AF_INET,
	.release = inet_release,
	.bind = inet_bind,
	.connect = inet_dgram_connect,
	.accept = no_accept,
	.getname = inet_getname,
	.listen = no_listen,
	.shutdown = inet_shutdown,
	.poll = inet_poll,
	.setsockopt = inet_setsockopt,
	.getsockopt = inet_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
	.ioctl = inet_ioctl,
};

/* --- Life ---------------------------------------------------------------------------------------------------------------------------- */
/**
 * inet_socket_init() - the tables of families and protocols, PF_INET in the first, nothing in the second yet
 * @net: the instance; net->inet is set
 *
 * Context: process. Return: 0; -ENOMEM.
 */
int inet_socket_init(struct net *net)
{
	int err = protosw_net_init(net);

	if (!err)
		BUG_ON(sock_register(net, &inet_family_ops));
	return err;
}

/**
 * inet_socket_exit() - takes the tables away; no-op when inet_socket_init() did not run
 * @net: the instance; it has no socket any more
 *
 * Context: process.
 */
void inet_socket_exit(struct net *net)
{
	if (net->inet)
		protosw_net_exit(net);
}
