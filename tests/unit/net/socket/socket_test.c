// SPDX-License-Identifier: MIT
/*
 * The socket layer above protocols made of paper: which pair is served, which error comes first, how the states of a
 * stream socket go on, what reaches the protocol. Linux's error numbers are measured on Linux.
 */
#include "ktest_calls.h"

#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/posix.h>
#include <kernel/timer.h>
#include <lib/byteorder.h>
#include <net/socket.h>

/* What the paper protocol was asked last, and what it shall answer. */
static struct {
	int connect_ret, accept_err, get_port_ret;
	int init_ret;
	bool connect_completes, closed;
	bool nameless; /* the accepted child has no peer any more */
	u8 shutdown_mask;
	size_t sent;
	u16 sent_from;
	const void *name; /* where the protocol found the address */
	u32 flags;
	char data[64];
	u32 name_port;
	u64 deadline;
} paper;
static struct net *net;

static void paper_close(struct sock *sk, u64 deadline_ns)
{
	paper.closed = true;
	paper.deadline = deadline_ns;
	sock_orphan(sk);
	sock_put(sk);
}

static int paper_init(struct sock *sk)
{
	(void)sk;
	return paper.init_ret;
}

static int paper_connect(struct sock *sk, const struct sockaddr_in *addr, int len, bool nonblock)
{
	(void)nonblock;
	if (len < (int)sizeof(*addr))
		return -EINVAL;
	if (paper.connect_ret && paper.connect_ret != -EINPROGRESS)
		return paper.connect_ret;
	sk->sk_daddr = addr->sin_addr;
	sk->sk_dport = addr->sin_port;
	sk->sk_state = paper.connect_completes ? TCP_ESTABLISHED : TCP_SYN_SENT;
	return paper.connect_ret;
}

static int paper_disconnect(struct sock *sk)
{
	CHECK(sock_owned_by_user(sk));
	sk->sk_state = TCP_CLOSE;
	sk->sk_dport = 0;
	return 0;
}

static int paper_listen(struct sock *sk, int backlog)
{
	sk->sk_max_ack_backlog = (u32)backlog;
	sk->sk_state = TCP_LISTEN;
	return 0;
}

static struct proto paper_stream, paper_dgram;

static struct sock *paper_accept(struct sock *sk, bool nonblock, int *err)
{
	struct sock *child;

	(void)nonblock;
	*err = paper.accept_err;
	if (*err)
		return NULL;
	child = sk_alloc(sk->sk_net, AF_INET, &paper_stream);
	sock_init_data(NULL, child);
	child->sk_state = TCP_ESTABLISHED;
	child->sk_dport = paper.nameless ? 0 : htons(4242);
	child->sk_daddr = htonl(0x7f000001);
	return child;
}

static int paper_shutdown(struct sock *sk, u8 mask)
{
	CHECK(!sock_owned_by_user(sk));
	paper.shutdown_mask = mask;
	return 0;
}

static int paper_option(struct sock *sk, int level, int opt, const void *kval, u32 len)
{
	(void)sk;
	(void)level;
	(void)kval;
	return opt == TCP_NODELAY && len >= 4 ? 0 : -ENOPROTOOPT;
}

static int paper_get_option(struct sock *sk, int level, int opt, void *kval, u32 *len)
{
	int one = 1;

	(void)sk;
	(void)level;
	if (opt != TCP_NODELAY)
		return -ENOPROTOOPT;
	*len = min(*len, 4u);
	memcpy(kval, &one, *len);
	return 0;
}

static ssize_t paper_send(struct sock *sk, struct msghdr *msg, size_t len)
{
	const struct sockaddr_in *to = msg->msg_name;

	paper.sent = len;
	paper.sent_from = sk->sk_num;
	paper.name = to;
	paper.flags = msg->msg_flags;
	paper.name_port = to ? ntohs(to->sin_port) : 0;
	if (copy_from_iter(paper.data, min(len, sizeof(paper.data)), &msg->msg_iter))
		return -EFAULT;
	return (ssize_t)len;
}

static ssize_t paper_recv(struct sock *sk, struct msghdr *msg, size_t len, u32 flags)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(77) };
	size_t n = min(len, (size_t)5);

	(void)sk;
	paper.flags = flags;
	if (msg->msg_name) {
		memcpy(msg->msg_name, &from, sizeof(from));
		msg->msg_namelen = sizeof(from);
	}
	return copy_to_iter("bytes", n, &msg->msg_iter) ? -EFAULT : (ssize_t)n;
}

static unsigned int paper_poll(struct sock *sk)
{
	return sk->sk_state == TCP_SYN_SENT ? 0 : POLLOUT;
}

static int paper_ioctl(struct sock *sk, unsigned long req, int *val)
{
	(void)sk;
	*val = 5;
	return req == FIONREAD ? 0 : -ENOTTY;
}

static int paper_port(struct sock *sk, u16 num)
{
	if (paper.get_port_ret)
		return paper.get_port_ret;
	sk->sk_num = num ? num : 40000;
	return 0;
}

#define PAPER                                                                                      \
	.obj_size = sizeof(struct sock), .init = paper_init, .close = paper_close,                 \
	.connect = paper_connect, .disconnect = paper_disconnect, .shutdown = paper_shutdown,      \
	.setsockopt = paper_option, .getsockopt = paper_get_option, .sendmsg = paper_send,         \
	.recvmsg = paper_recv, .poll = paper_poll, .ioctl = paper_ioctl, .get_port = paper_port
static struct proto paper_stream = { PAPER, .name = "PAPER", .listen = paper_listen,
				     .accept = paper_accept };
static struct proto paper_dgram = { PAPER, .name = "PAPERGRAM" };
/* Only what every protocol must have. */
static struct proto paper_bare = { .name = "BARE",
				   .obj_size = sizeof(struct sock),
				   .close = paper_close,
				   .connect = paper_connect,
				   .poll = paper_poll,
				   .get_port = paper_port };

static long call(unsigned int nr, unsigned long a, unsigned long b, unsigned long c,
		 unsigned long d, unsigned long e, unsigned long f)
{
	return sys_call_table[nr](a, b, c, d, e, f);
}
#define SYS0(n)                   call(__NR_##n, 0, 0, 0, 0, 0, 0)
#define U(x)                      ((unsigned long)(x))
#define SYS1(n, a)                call(__NR_##n, U(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b)             call(__NR_##n, U(a), U(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c)          call(__NR_##n, U(a), U(b), U(c), 0, 0, 0)
#define SYS4(n, a, b, c, d)       call(__NR_##n, U(a), U(b), U(c), U(d), 0, 0)
#define SYS5(n, a, b, c, d, e)    call(__NR_##n, U(a), U(b), U(c), U(d), U(e), 0)
#define SYS6(n, a, b, c, d, e, f) call(__NR_##n, U(a), U(b), U(c), U(d), U(e), U(f))

static struct sockaddr_in loopback(u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
}

SETUP()
{
	struct inet_protosw stream = { .type = SOCK_STREAM,
				       .protocol = 6,
				       .flags = INET_PROTOSW_PERMANENT | INET_PROTOSW_ICSK,
				       .prot = &paper_stream,
				       .ops = &inet_stream_ops };
	struct inet_protosw dgram = { .type = SOCK_DGRAM,
				      .protocol = 17,
				      .flags = INET_PROTOSW_PERMANENT,
				      .prot = &paper_dgram,
				      .ops = &inet_dgram_ops };

	syscall_init();
	posix_init();
	net = net_alloc();
	CHECK(net && inet_socket_init(net) == 0);
	CHECK_EQ(inet_register_protosw(net, &stream), 0);
	CHECK_EQ(inet_register_protosw(net, &dgram), 0);
	socket_init(net);
}

TEST(registration_refuses_what_cannot_be)
{
	struct inet_protosw p = { .type = SOCK_DGRAM,
				  .protocol = 17,
				  .flags = INET_PROTOSW_PERMANENT,
				  .prot = &paper_dgram,
				  .ops = &inet_dgram_ops };

	CHECK_EQ(inet_register_protosw(net, &p), -EEXIST);
	p.type = SOCK_MAX;
	CHECK_EQ(inet_register_protosw(net, &p), -EINVAL);
}

TEST(lookup_says_what_linux_says)
{
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_STREAM, 17), -EPROTONOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_DGRAM, 6), -EPROTONOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_STREAM, 253), -EPROTONOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_RDM, 0), -ESOCKTNOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, 9, 0), -ESOCKTNOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, 11, 0), -EINVAL);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_STREAM, 300), -EINVAL);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_STREAM, -1), -EINVAL);
	CHECK_EQ(SYS3(socket, 99, SOCK_STREAM, 0), -EAFNOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_UNIX, SOCK_STREAM, 0), -EAFNOSUPPORT);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_STREAM | 0x100000, 0), -EINVAL);
	CHECK_EQ(SYS4(socketpair, AF_INET, SOCK_STREAM, 0, 0), -EOPNOTSUPP);
	CHECK_EQ(SYS4(socketpair, AF_UNIX, SOCK_STREAM, 0, 0), -EAFNOSUPPORT);
	CHECK_EQ(net->socks_live, 0);
}

TEST(descriptors)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 0;

	CHECK_EQ(fd, 3);
	CHECK(SYS2(fcntl, fd, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(SYS3(ioctl, fd, FIONBIO, &on), 0);
	CHECK(!(SYS2(fcntl, fd, F_GETFL) & O_NONBLOCK));
	CHECK_EQ(SYS3(ioctl, fd, FIONREAD, &on), 0);
	CHECK_EQ(on, 5);
	CHECK_EQ(SYS3(ioctl, fd, TIOCGWINSZ, &on), -ENOTTY);
	CHECK_EQ(SYS2(listen, 99, 1), -EBADF);
	CHECK_EQ(SYS2(listen, 1, 1), -ENOTSOCK);
	CHECK_EQ(SYS3(lseek, fd, 0, 0), -ESPIPE);
	paper.closed = false;
	CHECK_EQ(SYS1(dup, fd), 4);
	CHECK_EQ(SYS1(close, fd), 0);
	CHECK(!paper.closed);
	CHECK_EQ(SYS1(close, 4), 0);
	CHECK(paper.closed);
	CHECK_EQ(net->socks_live, 0);
}

TEST(bind_and_names)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = loopback(80), got = { 0 };
	int len = sizeof(got);

	CHECK_EQ(SYS3(bind, fd, &a, 8), -EINVAL);
	CHECK_EQ(SYS3(bind, fd, &a, 129), -EINVAL);
	CHECK_EQ(SYS3(bind, fd, &a, -1), -EINVAL);
	CHECK_EQ(SYS3(bind, fd, 8, 16), -EFAULT);
	a.sin_family = 9;
	CHECK_EQ(SYS3(bind, fd, &a, 16), -EAFNOSUPPORT);
	a = loopback(80);
	a.sin_addr = htonl(0xcb007107);
	CHECK_EQ(SYS3(bind, fd, &a, 16), -EADDRNOTAVAIL);
	a.sin_addr = 0;
	paper.get_port_ret = -EADDRINUSE;
	CHECK_EQ(SYS3(bind, fd, &a, 16), -EADDRINUSE);
	paper.get_port_ret = 0;
	CHECK_EQ(SYS3(bind, fd, &a, 16), 0);
	CHECK_EQ(SYS3(bind, fd, &a, 16), -EINVAL);
	CHECK_EQ(SYS3(getsockname, fd, &got, &len), 0);
	CHECK_EQ(len, 16);
	CHECK_EQ(ntohs(got.sin_port), 80);
	len = -1;
	CHECK_EQ(SYS3(getsockname, fd, &got, &len), -EINVAL);
	len = 1;
	CHECK_EQ(SYS3(getsockname, fd, &got, &len), 0);
	CHECK_EQ(len, 16);
	CHECK_EQ(SYS3(getpeername, fd, &got, &len), -ENOTCONN);
	SYS1(close, fd);
}

TEST(connect_goes_through_its_states)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct file *f = fget(fd);
	struct socket *sock = f->private_data;
	struct sockaddr_in a = loopback(80);

	fput(f);
	paper.connect_ret = -ENETUNREACH;
	CHECK_EQ(SYS3(connect, fd, &a, 16), -ENETUNREACH);
	CHECK_EQ(sock->state, SS_UNCONNECTED);
	paper.connect_ret = 0;
	paper.connect_completes = false;
	CHECK_EQ(SYS3(connect, fd, &a, 16), -EINPROGRESS);
	CHECK_EQ(SYS3(connect, fd, &a, 16), -EALREADY);
	sock->sk->sk_state = TCP_ESTABLISHED;
	CHECK_EQ(SYS3(connect, fd, &a, 16), 0);
	CHECK_EQ(SYS3(connect, fd, &a, 16), -EISCONN);
	a.sin_family = AF_UNSPEC;
	CHECK_EQ(SYS3(connect, fd, &a, 16), 0);
	CHECK_EQ(sock->state, SS_UNCONNECTED);
	a = loopback(80);
	CHECK_EQ(SYS3(connect, fd, &a, 16), -EINPROGRESS);
	sock->sk->sk_state = TCP_CLOSE;
	sock->sk->sk_err = ECONNREFUSED;
	CHECK_EQ(SYS3(connect, fd, &a, 16), -ECONNREFUSED);
	CHECK_EQ(sock->state, SS_UNCONNECTED);
	CHECK_EQ(SYS3(connect, fd, &a, 1), -EINVAL);
	SYS1(close, fd);
}

TEST(connect_waits_only_so_long)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	struct timeval tv = { 0, 300000 };
	struct sockaddr_in a = loopback(80);
	u64 start = ktime_get_ns();

	paper.connect_completes = false;
	CHECK_EQ(SYS5(setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	CHECK_EQ(SYS3(connect, fd, &a, 16), -EINPROGRESS);
	CHECK(ktime_get_ns() - start >= 300 * NSEC_PER_MSEC);
	CHECK(ktime_get_ns() - start < 320 * NSEC_PER_MSEC);
	SYS1(close, fd);
}

TEST(accept_and_shutdown)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0), c, len = 16;
	struct sockaddr_in got;

	CHECK_EQ(SYS2(shutdown, fd, SHUT_RDWR), -ENOTCONN);
	CHECK_EQ(SYS2(shutdown, fd, 3), -EINVAL);
	CHECK_EQ(SYS2(listen, fd, 1000000), 0);
	paper.accept_err = -EAGAIN;
	CHECK_EQ(SYS3(accept, fd, 0, 0), -EAGAIN);
	CHECK_EQ(SYS4(accept4, fd, 0, 0, 1), -EINVAL);
	paper.accept_err = 0;
	c = (int)SYS4(accept4, fd, &got, &len, SOCK_NONBLOCK);
	CHECK_EQ(c, fd + 1);
	CHECK_EQ(ntohs(got.sin_port), 4242);
	CHECK(SYS2(fcntl, c, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(SYS3(accept, fd, &got, 8), -EFAULT);
	CHECK_EQ(SYS2(shutdown, c, SHUT_WR), 0);
	CHECK_EQ(paper.shutdown_mask, SEND_SHUTDOWN);
	CHECK_EQ(SYS2(shutdown, c, SHUT_RDWR), 0);
	CHECK_EQ(paper.shutdown_mask, SHUTDOWN_MASK);
	SYS1(close, c);
	SYS1(close, fd);
	CHECK_EQ(net->socks_live, 0);
}

/* An unbound socket has a port before its protocol is asked to send, and keeps it; a stream gets none: it must connect. */
TEST(the_family_gives_a_port_before_the_protocol_sends)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0), s, len = 16;
	struct sockaddr_in a = loopback(9), got;

	paper.sent_from = 0;
	CHECK_EQ(SYS6(sendto, fd, "hello", 5, 0, &a, 16), 5);
	CHECK_EQ(paper.sent_from, 40000);
	CHECK_EQ(SYS3(getsockname, fd, &got, &len), 0);
	CHECK_EQ(ntohs(got.sin_port), 40000);
	SYS1(close, fd);
	fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0);
	paper.get_port_ret = -EADDRINUSE;
	paper.sent = 0;
	CHECK_EQ(SYS6(sendto, fd, "hello", 5, 0, &a, 16), -EAGAIN);
	CHECK_EQ(paper.sent, 0);
	s = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(SYS6(sendto, s, "hello", 5, 0, 0, 0), 5);
	CHECK_EQ(paper.sent_from, 0);
	paper.get_port_ret = 0;
	SYS1(close, s);
	SYS1(close, fd);
}

TEST(sending)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(9);
	struct iovec iov[3] = { { "one", 3 }, { "two", 3 }, { "three", 5 } };
	struct user_msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };

	CHECK_EQ(SYS6(sendto, fd, "hello", 5, MSG_MORE, &a, 16), 5);
	CHECK_EQ(paper.name_port, 9);
	CHECK(paper.name != &a); /* the kernel's own copy */
	CHECK_EQ(paper.flags, MSG_MORE);
	CHECK_EQ(SYS6(sendto, fd, "hello", 5, MSG_MORE, 0, 0),
		 5); /* send(): the same without an address */
	CHECK(!paper.name);
	CHECK_EQ(paper.flags, MSG_MORE);
	CHECK(!memcmp(paper.data, "hello", 5));
	CHECK_EQ(SYS6(sendto, fd, "hello", 5, 0, &a, 200), -EINVAL);
	CHECK_EQ(SYS6(sendto, fd, "hello", 5, 0, 8, 16), -EFAULT);
	CHECK_EQ(SYS6(sendto, fd, 8, 5, 0, 0, 0), -EFAULT);
	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), 11);
	CHECK(!memcmp(paper.data, "onetwothree", 11));
	CHECK_EQ(SYS3(writev, fd, iov, 3), 11);
	CHECK_EQ(SYS3(write, fd, "w", 1), 1);
	m.msg_name = &a;
	m.msg_namelen = 16;
	CHECK_EQ(SYS3(sendmsg, fd, &m, MSG_MORE), 11);
	CHECK_EQ(paper.name_port, 9);
	CHECK(paper.name && paper.name != &a);
	CHECK_EQ(paper.flags, MSG_MORE);
	m.msg_iovlen = 1025;
	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), -EMSGSIZE);
	CHECK_EQ(SYS3(writev, fd, iov, 1025), -EINVAL);
	m.msg_iovlen = 1;
	m.msg_name = &a;
	m.msg_namelen = -1;
	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), -EINVAL);
	iov[0].iov_len = (size_t)-1;
	CHECK_EQ(SYS3(writev, fd, iov, 1), -EINVAL);
	SYS3(fcntl, fd, F_SETFL, O_NONBLOCK);
	CHECK_EQ(SYS6(sendto, fd, "x", 1, 0, 0, 0), 1);
	CHECK(paper.flags & MSG_DONTWAIT);
	SYS1(close, fd);
	fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0);
	paper.get_port_ret = -EADDRINUSE;
	CHECK_EQ(SYS6(sendto, fd, "x", 1, 0, &a, 16), -EAGAIN);
	paper.get_port_ret = 0;
	SYS1(close, fd);
}

TEST(receiving)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0), len = 16;
	struct sockaddr_in from = { 0 };
	char buf[8] = "", more[8] = "";
	struct iovec iov[2] = { { buf, 2 }, { more, 8 } };
	struct user_msghdr m = {
		.msg_iov = iov, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = 4
	};

	CHECK_EQ(SYS6(recvfrom, fd, buf, 8, MSG_PEEK, &from, &len), 5);
	CHECK_EQ(ntohs(from.sin_port), 77);
	CHECK(paper.flags & MSG_PEEK);
	CHECK_EQ(SYS6(recvfrom, fd, 8, 8, 0, 0, 0), -EFAULT);
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(SYS3(recvmsg, fd, &m, 0), 5);
	CHECK(!memcmp(buf, "by", 3) && !memcmp(more, "tes", 3));
	CHECK_EQ(m.msg_namelen, 16);
	CHECK_EQ(SYS3(read, fd, buf, 0), 0);
	CHECK_EQ(SYS3(readv, fd, iov, 2), 5);
	SYS1(close, fd);
}

TEST(options)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0), val = 1, len = 4;

	CHECK_EQ(SYS5(setsockopt, fd, SOL_TCP, TCP_NODELAY, &val, 4), 0);
	CHECK_EQ(SYS5(setsockopt, fd, SOL_TCP, 999, &val, 4), -ENOPROTOOPT);
	CHECK_EQ(SYS5(setsockopt, fd, SOL_TCP, TCP_NODELAY, &val, -4), -EINVAL);
	CHECK_EQ(SYS5(setsockopt, fd, SOL_TCP, TCP_NODELAY, 8, 4), -EFAULT);
	CHECK_EQ(SYS5(getsockopt, fd, SOL_SOCKET, SO_TYPE, &val, &len), 0);
	CHECK_EQ(val, SOCK_STREAM);
	len = 2;
	val = 0;
	CHECK_EQ(SYS5(getsockopt, fd, SOL_TCP, TCP_NODELAY, &val, &len), 0);
	CHECK_EQ(len, 2);
	CHECK_EQ(val, 1);
	len = -1;
	CHECK_EQ(SYS5(getsockopt, fd, SOL_TCP, TCP_NODELAY, &val, &len), -EINVAL);
	SYS1(close, fd);
}

TEST(poll_waits_and_wakes)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p[2] = { { fd, POLLOUT, 0 }, { 99, POLLIN, 0 } };
	struct sockaddr_in a = loopback(80);
	u64 start = ktime_get_ns(), out[16] = { 0 };

	paper.connect_completes = false;
	SYS3(connect, fd, &a, 16);
	CHECK_EQ(SYS3(poll, p, 1, 50), 0);
	CHECK(ktime_get_ns() - start >= 50 * NSEC_PER_MSEC);
	CHECK_EQ(SYS3(poll, p, 2, 50), 1);
	CHECK_EQ(p[1].revents, POLLNVAL);
	CHECK_EQ(SYS3(poll, p, NR_FILES + 1, 0), -EINVAL);
	struct file *f = fget(fd);
	((struct socket *)f->private_data)->sk->sk_state = TCP_ESTABLISHED;
	fput(f);
	CHECK_EQ(SYS3(poll, p, 1, -1), 1);
	CHECK_EQ(p[0].revents, POLLOUT);
	out[0] = BIT(fd);
	CHECK_EQ(SYS5(select, fd + 1, 0, out, 0, 0), 1);
	CHECK_EQ(out[0], BIT(fd));
	out[1] = 1;
	CHECK_EQ(SYS5(select, 65, 0, out, 0, 0), -EBADF);
	SYS1(close, fd);
}

TEST(linger_sets_a_deadline)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	struct linger l = { 1, 2 };

	CHECK_EQ(SYS5(setsockopt, fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	SYS1(close, fd);
	CHECK(paper.deadline > ktime_get_ns() &&
	      paper.deadline <= ktime_get_ns() + 2 * NSEC_PER_SEC);
	fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	SYS1(close, fd);
	CHECK_EQ(paper.deadline, 0);
}

TEST(table_full)
{
	int fd = 0, last = 0, l = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);

	SYS2(listen, l, 1);
	while ((fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0)) >= 0)
		last = fd;
	CHECK_EQ(fd, -EMFILE);
	CHECK_EQ(last, NR_FILES - 1);
	CHECK_EQ(SYS3(accept, l, 0, 0), -EMFILE);
	for (fd = 3; fd < NR_FILES; fd++)
		SYS1(close, fd);
	CHECK_EQ(net->socks_live, 0);
}

TEST(kernel_sockets)
{
	struct socket *sock;
	struct sockaddr_in a = loopback(68), from;
	char buf[8];

	CHECK_EQ(sock_create_kern(net, AF_INET, SOCK_DGRAM, 0, &sock), 0);
	CHECK_EQ(kernel_bind(sock, &a), 0);
	a = loopback(67);
	CHECK_EQ(kernel_sendmsg(sock, "offer", 5, &a), 5);
	CHECK_EQ(paper.name_port, 67);
	CHECK(paper.flags & MSG_DONTWAIT);
	CHECK_EQ(kernel_recvmsg(sock, buf, sizeof(buf), &from), 5);
	CHECK_EQ(ntohs(from.sin_port), 77);
	sock_release(sock);
}

/* --- The states between the calls ------------------------------------------------------------------------------------- */

static struct socket *socket_of(int fd)
{
	struct file *f = fget(fd);
	struct socket *sock = f->private_data;

	fput(f);
	return sock;
}

/* Fresh, and into these states as a protocol would put it there. */
static int in_state(int type, u8 from, enum socket_state state)
{
	int fd = (int)SYS3(socket, AF_INET, type | SOCK_NONBLOCK, 0);
	struct socket *sock = socket_of(fd);

	sock->state = state;
	sock->sk->sk_state = from;
	if (from != TCP_CLOSE)
		sock->sk->sk_dport = htons(9);
	return fd;
}

enum op { CONNECT, UNSPEC, LISTEN, BIND, PEER, DOWN_RD, DOWN_WR, DOWN_BOTH };
static const struct state_row {
	const char *name;
	u8 from;
	enum socket_state state;
	enum op op;
	long ret;
	u8 then; /* the sock's state, as from */
} states[] = {
	{ "closed_connect", TCP_CLOSE, SS_UNCONNECTED, CONNECT, -EINPROGRESS, TCP_SYN_SENT },
	{ "closed_unspec", TCP_CLOSE, SS_UNCONNECTED, UNSPEC, 0, TCP_CLOSE },
	{ "closed_listen", TCP_CLOSE, SS_UNCONNECTED, LISTEN, 0, TCP_LISTEN },
	{ "closed_bind", TCP_CLOSE, SS_UNCONNECTED, BIND, 0, TCP_CLOSE },
	{ "closed_peer", TCP_CLOSE, SS_UNCONNECTED, PEER, -ENOTCONN, TCP_CLOSE },
	{ "closed_shutdown", TCP_CLOSE, SS_UNCONNECTED, DOWN_BOTH, -ENOTCONN, TCP_CLOSE },
	{ "listening_connect", TCP_LISTEN, SS_UNCONNECTED, CONNECT, -EISCONN, TCP_LISTEN },
	{ "listening_listen", TCP_LISTEN, SS_UNCONNECTED, LISTEN, 0, TCP_LISTEN },
	{ "listening_bind", TCP_LISTEN, SS_UNCONNECTED, BIND, -EINVAL, TCP_LISTEN },
	{ "listening_shutdown_read", TCP_LISTEN, SS_UNCONNECTED, DOWN_RD, 0, TCP_CLOSE },
	{ "listening_shutdown_write", TCP_LISTEN, SS_UNCONNECTED, DOWN_WR, 0, TCP_LISTEN },
	{ "listening_shutdown", TCP_LISTEN, SS_UNCONNECTED, DOWN_BOTH, 0, TCP_CLOSE },
	{ "syn_sent_connect", TCP_SYN_SENT, SS_CONNECTING, CONNECT, -EALREADY, TCP_SYN_SENT },
	{ "syn_sent_unspec", TCP_SYN_SENT, SS_CONNECTING, UNSPEC, 0, TCP_CLOSE },
	{ "syn_sent_listen", TCP_SYN_SENT, SS_CONNECTING, LISTEN, -EINVAL, TCP_SYN_SENT },
	{ "syn_sent_peer", TCP_SYN_SENT, SS_CONNECTING, PEER, -ENOTCONN, TCP_SYN_SENT },
	{ "syn_sent_shutdown_read", TCP_SYN_SENT, SS_CONNECTING, DOWN_RD, 0, TCP_CLOSE },
	{ "syn_sent_shutdown_write", TCP_SYN_SENT, SS_CONNECTING, DOWN_WR, 0, TCP_CLOSE },
	{ "syn_recv_connect", TCP_SYN_RECV, SS_CONNECTING, CONNECT, -EALREADY, TCP_SYN_RECV },
	{ "syn_recv_peer", TCP_SYN_RECV, SS_CONNECTING, PEER, 0, TCP_SYN_RECV },
	{ "syn_recv_shutdown", TCP_SYN_RECV, SS_CONNECTING, DOWN_WR, 0, TCP_SYN_RECV },
	{ "established_unnoticed_connect", TCP_ESTABLISHED, SS_CONNECTING, CONNECT, 0,
	  TCP_ESTABLISHED },
	{ "established_unnoticed_shutdown", TCP_ESTABLISHED, SS_CONNECTING, DOWN_WR, 0,
	  TCP_ESTABLISHED },
	{ "established_connect", TCP_ESTABLISHED, SS_CONNECTED, CONNECT, -EISCONN,
	  TCP_ESTABLISHED },
	{ "established_listen", TCP_ESTABLISHED, SS_CONNECTED, LISTEN, -EINVAL, TCP_ESTABLISHED },
	{ "established_but_not_by_connect_listen", TCP_ESTABLISHED, SS_UNCONNECTED, LISTEN, -EINVAL,
	  TCP_ESTABLISHED },
	{ "established_bind", TCP_ESTABLISHED, SS_CONNECTED, BIND, -EINVAL, TCP_ESTABLISHED },
	{ "established_peer", TCP_ESTABLISHED, SS_CONNECTED, PEER, 0, TCP_ESTABLISHED },
	{ "established_shutdown", TCP_ESTABLISHED, SS_CONNECTED, DOWN_BOTH, 0, TCP_ESTABLISHED },
	{ "closed_again_by_the_peer_connect", TCP_CLOSE_WAIT, SS_CONNECTING, CONNECT, 0,
	  TCP_CLOSE_WAIT },
	{ "died_unnoticed_connect", TCP_CLOSE, SS_CONNECTING, CONNECT, -ECONNABORTED, TCP_CLOSE },
};

TEST_EACH(state, states)
{
	struct sockaddr_in a = loopback(80), unspec = { .sin_family = AF_UNSPEC }, got;
	int fd = in_state(SOCK_STREAM, row->from, row->state), len = sizeof(got);
	long ret = 0;

	paper.connect_ret = 0;
	paper.connect_completes = false;
	switch (row->op) {
	case CONNECT:
		ret = SYS3(connect, fd, &a, 16);
		break;
	case UNSPEC:
		ret = SYS3(connect, fd, &unspec, 16);
		break;
	case LISTEN:
		ret = SYS2(listen, fd, 5);
		break;
	case BIND:
		ret = SYS3(bind, fd, &a, 16);
		break;
	case PEER:
		ret = SYS3(getpeername, fd, &got, &len);
		break;
	case DOWN_RD:
	case DOWN_WR:
	case DOWN_BOTH:
		ret = SYS2(shutdown, fd, row->op - DOWN_RD);
		break;
	}
	CHECK_EQ(ret, row->ret);
	CHECK_EQ(socket_of(fd)->sk->sk_state, row->then);
	if (row->then == TCP_CLOSE)
		CHECK_EQ(socket_of(fd)->state, SS_UNCONNECTED);
	SYS1(close, fd);
	CHECK_EQ(net->socks_live, 0);
}

/* A connect() that blocks, and what ends the wait. */
static struct sock *waiting;
static u64 due;

static u64 next_event(void *arg)
{
	(void)arg;
	return due;
}

static void turns(u8 state, int err)
{
	due = UINT64_MAX;
	waiting->sk_state = state;
	waiting->sk_err = err;
	waiting->sk_state_change(waiting);
}

static void comes_true(void *arg)
{
	(void)arg;
	turns(TCP_ESTABLISHED, 0);
}

static void is_refused(void *arg)
{
	(void)arg;
	turns(TCP_CLOSE, ECONNREFUSED);
}

static void vanishes(void *arg)
{
	(void)arg;
	turns(TCP_CLOSE, 0);
}

static void comes_and_goes(void *arg)
{
	(void)arg;
	turns(TCP_CLOSE_WAIT, 0);
}

static void goes_on(void *arg)
{
	(void)arg;
	turns(TCP_SYN_RECV, 0);
}

static const struct blocking_row {
	const char *name;
	void (*event)(void *arg);
	int says; /* what the protocol's connect() returned */
	long ret;
	enum socket_state state;
} blockings[] = {
	{ "established", comes_true, 0, 0, SS_CONNECTED },
	{ "established_after_inprogress", comes_true, -EINPROGRESS, 0, SS_CONNECTED },
	{ "refused", is_refused, 0, -ECONNREFUSED, SS_UNCONNECTED },
	{ "gone_without_a_reason", vanishes, 0, -ECONNABORTED, SS_UNCONNECTED },
	{ "closed_by_the_peer_already", comes_and_goes, 0, 0, SS_CONNECTED },
	{ "half_way_until_the_timeout", goes_on, 0, -EINPROGRESS, SS_CONNECTING },
};

TEST_EACH(blocking_connect, blockings)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	struct timeval tv = { 1, 0 };
	struct sockaddr_in a = loopback(80);

	paper.connect_ret = row->says;
	paper.connect_completes = false;
	waiting = socket_of(fd)->sk;
	due = ktime_get_ns() + 100 * NSEC_PER_MSEC;
	CHECK_EQ(SYS5(setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	host_set_events(next_event, row->event, NULL);
	CHECK_EQ(SYS3(connect, fd, &a, 16), row->ret);
	host_set_events(NULL, NULL, NULL);
	CHECK_EQ(socket_of(fd)->state, row->state);
	paper.connect_ret = 0;
	SYS1(close, fd);
}

TEST(no_port_is_left)
{
	struct sockaddr_in a = loopback(80);
	int s = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0),
	    d = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0);

	paper.get_port_ret = -EAGAIN;
	CHECK_EQ(SYS2(listen, s, 5), -EADDRINUSE);
	CHECK_EQ(SYS3(connect, d, &a, 16), -EAGAIN);
	CHECK_EQ(SYS3(write, d, "x", 1), -EAGAIN);
	a.sin_port = 0;
	CHECK_EQ(SYS3(bind, s, &a, 16), -EADDRINUSE);
	CHECK_EQ(socket_of(s)->sk->sk_rcv_saddr, 0);
	paper.get_port_ret = 0;
	SYS1(close, s);
	SYS1(close, d);
}

TEST(a_name_is_the_route_s_when_nothing_was_bound)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0), len = 16;
	struct sockaddr_in got;

	socket_of(fd)->sk->inet_saddr = htonl(0x0a000001);
	CHECK_EQ(SYS3(getsockname, fd, &got, &len), 0);
	CHECK_EQ(got.sin_addr, htonl(0x0a000001));
	socket_of(fd)->sk->sk_rcv_saddr =
		htonl(0xe0000009); /* a group: bound to it, sending from another */
	CHECK_EQ(SYS3(getsockname, fd, &got, &len), 0);
	CHECK_EQ(got.sin_addr, htonl(0xe0000009));
	SYS1(close, fd);
}

/* --- Protocols that leave things out, or fail -------------------------------------------------------------------------------- */

TEST(a_protocol_of_any_number)
{
	struct inet_protosw any = { .type = SOCK_RAW,
				    .protocol = 0,
				    .flags = INET_PROTOSW_PERMANENT,
				    .prot = &paper_dgram,
				    .ops = &inet_dgram_ops };
	int fd, val = 0, len = 4;

	CHECK_EQ(inet_register_protosw(net, &any), 0);
	CHECK_EQ(inet_register_protosw(net, &any), -EEXIST);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_RAW, 0),
		 -EPROTONOSUPPORT); /* a number has to be said */
	fd = (int)SYS3(socket, AF_INET, SOCK_RAW, 250);
	CHECK(fd > 0);
	CHECK_EQ(SYS5(getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &val, &len), 0);
	CHECK_EQ(val, 250);
	SYS1(close, fd);
}

TEST(two_protocols_of_one_type)
{
	struct inet_protosw second = {
		.type = SOCK_DGRAM, .protocol = 136, .prot = &paper_dgram, .ops = &inet_dgram_ops
	};
	int fd, val = 0, len = 4;

	CHECK_EQ(inet_register_protosw(net, &second), 0);
	fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 136);
	CHECK_EQ(SYS5(getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &val, &len), 0);
	CHECK_EQ(val, 136);
	SYS1(close, fd);
	fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0); /* the first one is the type's own */
	CHECK_EQ(SYS5(getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &val, &len), 0);
	CHECK_EQ(val, 17);
	SYS1(close, fd);
}

TEST(a_protocol_that_cannot_begin)
{
	paper.init_ret = -ENOBUFS;
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_STREAM, 0), -ENOBUFS);
	paper.init_ret = 0;
	CHECK_EQ(net->socks_live, 0);
}

TEST(a_protocol_with_the_least_there_can_be)
{
	struct inet_protosw bare = {
		.type = SOCK_RDM, .protocol = 99, .prot = &paper_bare, .ops = &inet_stream_ops
	};
	struct sockaddr_in a = loopback(80), unspec = { .sin_family = AF_UNSPEC };
	int fd, val;

	CHECK_EQ(inet_register_protosw(net, &bare), 0);
	fd = (int)SYS3(socket, AF_INET, SOCK_RDM | SOCK_NONBLOCK, 99);
	CHECK(fd > 0);
	CHECK_EQ(SYS3(connect, fd, &unspec, 16), -EOPNOTSUPP);
	CHECK_EQ(SYS3(ioctl, fd, FIONREAD, &val), -ENOTTY);
	paper.connect_completes = true;
	CHECK_EQ(SYS3(connect, fd, &a, 16), -EINPROGRESS);
	CHECK_EQ(SYS3(connect, fd, &a, 16), 0);
	CHECK_EQ(SYS2(shutdown, fd, SHUT_WR), 0);
	CHECK_EQ(socket_of(fd)->sk->sk_shutdown, SEND_SHUTDOWN);
	socket_of(fd)->state = SS_CONNECTING;
	socket_of(fd)->sk->sk_state = TCP_CLOSE;
	CHECK_EQ(SYS3(connect, fd, &a, 16), -ECONNABORTED);
	SYS1(close, fd);
}

TEST(no_memory_for_the_tables)
{
	struct inet_protosw more = {
		.type = SOCK_SEQPACKET, .protocol = 1, .prot = &paper_dgram, .ops = &inet_dgram_ops
	};
	struct net *fresh = net_alloc();

	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK_EQ(inet_register_protosw(net, &more), -ENOMEM);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	CHECK_EQ(inet_socket_init(fresh), -ENOMEM);
	faults_armed = false;
	CHECK(!fresh->inet);
	net_free(fresh);
	CHECK_EQ(SYS3(socket, AF_INET, SOCK_SEQPACKET, 1), -ESOCKTNOSUPPORT);
}

/* --- Accepted sockets -------------------------------------------------------------------------------------------------------------- */

TEST(a_connection_that_died_before_it_was_named)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0), len = 16;
	struct sockaddr_in got;

	CHECK_EQ(SYS2(listen, fd, 5), 0);
	paper.accept_err = 0;
	paper.nameless = true;
	CHECK_EQ(SYS3(accept, fd, &got, &len), -ECONNABORTED);
	CHECK(SYS3(accept, fd, 0, 0) > 0); /* who does not ask for the name gets it */
	paper.nameless = false;
	SYS1(close, fd + 1);
	SYS1(close, fd);
	CHECK_EQ(net->socks_live, 0);
}

TEST(a_descriptor_that_accept_has_not_filled_is_none)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_STREAM, 0);
	struct socket *sock = socket_of(fd);
	struct sock *sk = sock->sk;

	sock->sk = NULL; /* as another thread finds it while accept() waits */
	CHECK_EQ(SYS2(listen, fd, 5), -EBADF);
	CHECK_EQ(SYS2(shutdown, fd, SHUT_RD), -EBADF);
	sock->sk = sk;
	SYS1(close, fd);
}

TEST(what_was_never_made_has_no_end)
{
	struct socket none = { .type = SOCK_STREAM };

	CHECK_EQ(inet_stream_ops.release(&none), 0);
}

/* --- Message headers ------------------------------------------------------------------------------------------------------------------ */

TEST(control_data)
{
	static char buf[16];
	int fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0);
	struct iovec iov = { buf, 5 };
	struct user_msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_controllen = 16 };

	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), 5); /* a length without data is none */
	m.msg_control = buf;                   /* an item of length 0 */
	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), -EINVAL);
	m.msg_controllen = 20481;
	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), -ENOBUFS);
	m.msg_controllen = 0;
	CHECK_EQ(SYS3(sendmsg, fd, &m, 0), 5);
	m.msg_controllen = 16;
	CHECK_EQ(SYS3(recvmsg, fd, &m, 0), 5);
	CHECK_EQ(m.msg_controllen, 0); /* there was none */
	SYS1(close, fd);
}

TEST(flags_of_the_kernel_are_cut)
{
	int fd = (int)SYS3(socket, AF_INET, SOCK_DGRAM, 0);
	char buf[8];

	CHECK_EQ(SYS6(sendto, fd, "x", 1, 0xffffffff, 0, 0), 1);
	CHECK_EQ(paper.flags, 0xffffu | MSG_FASTOPEN | MSG_CMSG_CLOEXEC);
	CHECK_EQ(SYS6(recvfrom, fd, buf, 8, 0xffffffff, 0, 0), 5);
	CHECK_EQ(paper.flags, 0xffffu | MSG_FASTOPEN | MSG_CMSG_CLOEXEC);
	SYS1(close, fd);
}

TEST(kernel_sockets_without_names)
{
	struct socket *sock;
	char buf[8];

	CHECK_EQ(sock_create_kern(net, AF_INET, -1, 0, &sock), -EINVAL);
	CHECK_EQ(sock_create_kern(net, AF_INET, SOCK_MAX, 0, &sock), -EINVAL);
	CHECK_EQ(sock_create_kern(net, AF_INET, SOCK_DGRAM, 0, &sock), 0);
	CHECK_EQ(kernel_sendmsg(sock, "hello", 5, NULL), 5);
	CHECK_EQ(paper.name_port, 0);
	CHECK_EQ(kernel_recvmsg(sock, buf, sizeof(buf), NULL), 5);
	CHECK(!memcmp(buf, "bytes", 5));
	sock_release(sock);
}

TEST(goes_down)
{
	posix_exit();
	CHECK_EQ(files_live(), 0);
	inet_socket_exit(net);
	CHECK(net->inet == NULL);
	inet_socket_exit(net);
	net_free(net);
}

KTEST_MAIN_BOOT()
