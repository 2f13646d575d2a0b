// SPDX-License-Identifier: MIT
/*
 * The socket calls of an application on the whole stack over the loopback device: each call with each argument that can
 * be wrong, as a table of Linux's error numbers; then flags, lengths that are written back, waiting, poll.
 */
#include "loopback.h"

static void close_all(void)
{
	close_below(40);
}

static int udp_bound(u16 port)
{
	struct sockaddr_in a = loopback(port);
	int fd = udp();

	CHECK_EQ(SYS(bind, fd, P(&a), 16), 0);
	return fd;
}

/* --- Arguments by name ---------------------------------------------------------------------------------------------------------- */

enum {
	ARG = 0x7e00000,
	UDP,  /* fresh */
	UDPB, /* bound to 127.0.0.1:5001 */
	UDPC, /* connected to UDPB's address */
	TCP,
	TCPB,   /* bound to 127.0.0.1:5002 */
	LISTEN, /* 127.0.0.1:5003 */
	CONN,   /* connected to the other end below */
	PEER,   /* accepted */
	CONSOLE,
	CLOSED,
	SIN,       /* 127.0.0.1:5001 */
	SIN0,      /* 127.0.0.1:0 */
	NOBODY,    /* 127.0.0.1:5999 */
	FOREIGN,   /* 203.0.113.7:9 */
	ANYSIN,    /* 0.0.0.0:6000 */
	UNIX,      /* AF_UNIX */
	UNSPEC,    /* AF_UNSPEC, all zeros */
	UNSPECA,   /* AF_UNSPEC with an address */
	GROUP,     /* 224.0.0.9:9 */
	EVERYBODY, /* 255.255.255.255:9 */
	BUF,
	LEN16,
	LEN0,
	LENM1,
	LEN4,
	ONE, /* int 1 */
	TIMEVAL,
	BADUSEC, /* 1 s and 1000000 us */
	LINGER,
	DEVICE, /* "eth9" */
	MSG,    /* one buffer, to SIN */
	MSGNONAME,
	MSGBADIOV,
	MSGBADNAME,
	MSGMANY, /* 1025 buffers */
	MSGNEGNAME,
	MSGLONGNAME, /* 200 bytes of name */
	MSGCONTROL,
	MSGNEGLEN, /* a buffer of -1 bytes */
	MSGEMPTY,  /* no buffer at all */
	MSGNINE,   /* more than fit on the stack */
	BAD,       /* an address where nothing is */
	LAST
};
static struct sockaddr_storage space[LAST - ARG];
static u8 buffer[70000];
static int len16, len0, lenm1, len4, one;
static struct timeval tv, badusec;
static struct linger ling;
static struct iovec iovs[1100], neg, bad_iov;
static struct user_msghdr msgs[LAST - ARG];
static u64 resolved[LAST - ARG]; /* descriptors made for this row */

static void name_at(u32 what, u16 family, u32 addr, u16 port)
{
	*(struct sockaddr_in *)&space[what - ARG] = (struct sockaddr_in){ .sin_family = family,
									  .sin_port = htons(port),
									  .sin_addr = htonl(addr) };
}

static void message(u32 what, void *name, int namelen, void *iov, size_t nr)
{
	msgs[what - ARG] = (struct user_msghdr){
		.msg_name = name, .msg_namelen = namelen, .msg_iov = iov, .msg_iovlen = nr
	};
}

static void prepare(void)
{
	memset(resolved, 0, sizeof(resolved));
	name_at(SIN, AF_INET, 0x7f000001, 5001);
	name_at(SIN0, AF_INET, 0x7f000001, 0);
	name_at(NOBODY, AF_INET, 0x7f000001, 5999);
	name_at(FOREIGN, AF_INET, 0xcb007107, 9);
	name_at(ANYSIN, AF_INET, 0, 6000);
	name_at(UNIX, AF_UNIX, 0, 0);
	name_at(UNSPEC, AF_UNSPEC, 0, 0);
	name_at(UNSPECA, AF_UNSPEC, 0x7f000001, 6001);
	name_at(GROUP, AF_INET, 0xe0000009, 9);
	name_at(EVERYBODY, AF_INET, 0xffffffff, 9);
	strcpy((char *)&space[DEVICE - ARG], "eth9");
	len16 = 16;
	len0 = 0;
	lenm1 = -1;
	len4 = 4;
	one = 1;
	tv = (struct timeval){ 1, 0 };
	badusec = (struct timeval){ 1, 1000000 };
	ling = (struct linger){ 1, 1 };
	for (u32 i = 0; i < ARRAY_SIZE(iovs); i++)
		iovs[i] = (struct iovec){ buffer, 1 };
	neg = (struct iovec){ buffer, (size_t)-1 };
	bad_iov = (struct iovec){ (void *)8, 4 };
	message(MSG, &space[SIN - ARG], 16, iovs, 1);
	message(MSGNONAME, NULL, 99, iovs, 1); /* without a name its length means nothing */
	message(MSGBADIOV, NULL, 0, (void *)8, 1);
	message(MSGBADNAME, (void *)8, 16, iovs, 1);
	message(MSGMANY, NULL, 0, iovs, 1025);
	message(MSGNEGNAME, &space[SIN - ARG], -1, iovs, 1);
	message(MSGLONGNAME, &space[SIN - ARG], 200, iovs, 1);
	message(MSGCONTROL, &space[SIN - ARG], 16, iovs, 1);
	msgs[MSGCONTROL - ARG].msg_control = buffer;
	msgs[MSGCONTROL - ARG].msg_controllen = 16;
	message(MSGNEGLEN, NULL, 0, &neg, 1);
	message(MSGEMPTY, NULL, 0, NULL, 0);
	message(MSGNINE, &space[SIN - ARG], 16, iovs, 9);
}

static u64 descriptor(u64 what)
{
	struct sockaddr_in a;
	int fd = -1, other;

	switch (what) {
	case UDP:
		return (u64)udp();
	case UDPB:
		return (u64)udp_bound(5001);
	case UDPC:
		a = loopback(5001);
		(void)udp_bound(5001);
		fd = udp();
		CHECK_EQ(SYS(connect, fd, P(&a), 16), 0);
		return (u64)fd;
	case TCP:
		return (u64)tcp();
	case TCPB:
		a = loopback(5002);
		fd = tcp();
		CHECK_EQ(SYS(bind, fd, P(&a), 16), 0);
		return (u64)fd;
	case LISTEN:
		return (u64)tcp_listener(5003);
	case CONN:
		return (u64)tcp_pair(5004, &other);
	case PEER:
		(void)tcp_pair(5004, &other);
		return (u64)other;
	case CONSOLE:
		return 1;
	default:
		return 35; /* never opened */
	}
}

static u64 pointer(u64 what)
{
	switch (what) {
	case BUF:
		return P(buffer);
	case LEN16:
		return P(&len16);
	case LEN0:
		return P(&len0);
	case LENM1:
		return P(&lenm1);
	case LEN4:
		return P(&len4);
	case ONE:
		return P(&one);
	case TIMEVAL:
		return P(&tv);
	case BADUSEC:
		return P(&badusec);
	case LINGER:
		return P(&ling);
	case BAD:
		return 8;
	default:
		return what >= MSG ? P(&msgs[what - ARG]) : P(&space[what - ARG]);
	}
}

static u64 argument(u64 a)
{
	if (a <= ARG || a >= LAST)
		return a;
	if (a > CLOSED)
		return pointer(a);
	if (!resolved[a - ARG])
		resolved[a - ARG] = descriptor(a) + 1;
	return resolved[a - ARG] - 1;
}

#define M1 ((u64)-1)

static const struct call_row {
	const char *name;
	unsigned int nr;
	u64 arg[6];
	long ret;
} calls[] = {
	/* socket() */
	{ "socket_raw_any", __NR_socket, { AF_INET, SOCK_RAW, 0 }, -EPROTONOSUPPORT },
	{ "socket_family_minus_1", __NR_socket, { M1, SOCK_DGRAM, 0 }, -EAFNOSUPPORT },
	{ "socket_family_46", __NR_socket, { NPROTO, SOCK_DGRAM, 0 }, -EAFNOSUPPORT },
	{ "socket_type_0", __NR_socket, { AF_INET, 0, 0 }, -ESOCKTNOSUPPORT },
	{ "socket_unknown_flag", __NR_socket, { AF_INET, SOCK_DGRAM | 0x10, 0 }, -EINVAL },
	{ "socket_protocol_262", __NR_socket, { AF_INET, SOCK_DGRAM, 262 }, -EPROTONOSUPPORT },
	{ "socket_protocol_263", __NR_socket, { AF_INET, SOCK_DGRAM, 263 }, -EINVAL },
	{ "socketpair_flag", __NR_socketpair, { AF_INET, SOCK_DGRAM | 0x10, 0, BUF }, -EINVAL },
	{ "socketpair_type", __NR_socketpair, { AF_INET, SOCK_RDM, 0, BUF }, -ESOCKTNOSUPPORT },
	/* bind() */
	{ "bind_closed", __NR_bind, { CLOSED, SIN, 16 }, -EBADF },
	{ "bind_minus_1", __NR_bind, { M1, SIN, 16 }, -EBADF },
	{ "bind_console", __NR_bind, { CONSOLE, SIN, 16 }, -ENOTSOCK },
	{ "bind_bad_address", __NR_bind, { UDP, BAD, 16 }, -EFAULT },
	{ "bind_null", __NR_bind, { UDP, 0, 16 }, -EFAULT },
	{ "bind_length_0", __NR_bind, { UDP, SIN, 0 }, -EINVAL },
	{ "bind_length_15", __NR_bind, { UDP, SIN, 15 }, -EINVAL },
	{ "bind_length_128", __NR_bind, { UDP, SIN, 128 }, 0 },
	{ "bind_length_129", __NR_bind, { UDP, SIN, 129 }, -EINVAL },
	{ "bind_length_minus_1", __NR_bind, { UDP, SIN, M1 }, -EINVAL },
	{ "bind_unix", __NR_bind, { UDP, UNIX, 16 }, -EAFNOSUPPORT },
	{ "bind_unspec_any", __NR_bind, { UDP, UNSPEC, 16 }, 0 },
	{ "bind_unspec_with_address", __NR_bind, { UDP, UNSPECA, 16 }, -EAFNOSUPPORT },
	{ "bind_foreign", __NR_bind, { UDP, FOREIGN, 16 }, -EADDRNOTAVAIL },
	{ "bind_group", __NR_bind, { UDP, GROUP, 16 }, 0 },
	{ "bind_everybody", __NR_bind, { UDP, EVERYBODY, 16 }, 0 },
	{ "bind_twice", __NR_bind, { UDPB, SIN0, 16 }, -EINVAL },
	{ "bind_connected", __NR_bind, { CONN, SIN0, 16 }, -EINVAL },
	{ "bind_listening", __NR_bind, { LISTEN, SIN0, 16 }, -EINVAL },
	{ "bind_port_0", __NR_bind, { TCP, SIN0, 16 }, 0 },
	/* connect() */
	{ "connect_closed", __NR_connect, { CLOSED, SIN, 16 }, -EBADF },
	{ "connect_console", __NR_connect, { CONSOLE, SIN, 16 }, -ENOTSOCK },
	{ "connect_bad_address", __NR_connect, { TCP, BAD, 16 }, -EFAULT },
	{ "connect_length_0", __NR_connect, { TCP, SIN, 0 }, -EINVAL },
	{ "connect_length_1", __NR_connect, { UDP, SIN, 1 }, -EINVAL },
	{ "connect_length_2", __NR_connect, { UDP, SIN, 2 }, -EINVAL },
	{ "connect_udp_length_15", __NR_connect, { UDP, SIN, 15 }, -EINVAL },
	{ "connect_tcp_length_15", __NR_connect, { TCP, SIN, 15 }, -EINVAL },
	{ "connect_length_129", __NR_connect, { TCP, SIN, 129 }, -EINVAL },
	{ "connect_tcp_unix", __NR_connect, { TCP, UNIX, 16 }, -EAFNOSUPPORT },
	{ "connect_udp_unix", __NR_connect, { UDP, UNIX, 16 }, -EAFNOSUPPORT },
	{ "connect_tcp_no_route", __NR_connect, { TCP, FOREIGN, 16 }, -ENETUNREACH },
	{ "connect_udp_no_route", __NR_connect, { UDP, FOREIGN, 16 }, -ENETUNREACH },
	{ "connect_tcp_group", __NR_connect, { TCP, GROUP, 16 }, -ENETUNREACH },
	{ "connect_tcp_started", __NR_connect, { TCP, NOBODY, 16 }, -EINPROGRESS },
	{ "connect_tcp_connected", __NR_connect, { CONN, NOBODY, 16 }, -EISCONN },
	{ "connect_tcp_listening", __NR_connect, { LISTEN, NOBODY, 16 }, -EISCONN },
	{ "connect_accepted", __NR_connect, { PEER, NOBODY, 16 }, -EISCONN },
	{ "listen_accepted", __NR_listen, { PEER, 5 }, -EINVAL },
	{ "shutdown_accepted", __NR_shutdown, { PEER, SHUT_RDWR }, 0 },
	{ "connect_udp_again", __NR_connect, { UDPC, NOBODY, 16 }, 0 },
	{ "connect_udp_dissolve", __NR_connect, { UDPC, UNSPEC, 16 }, 0 },
	{ "connect_udp_dissolve_fresh", __NR_connect, { UDP, UNSPEC, 2 }, 0 },
	{ "connect_tcp_dissolve_fresh", __NR_connect, { TCP, UNSPEC, 16 }, 0 },
	{ "connect_udp_this_host", __NR_connect, { UDP, ANYSIN, 16 }, 0 },
	/* listen() */
	{ "listen_closed", __NR_listen, { CLOSED, 5 }, -EBADF },
	{ "listen_console", __NR_listen, { CONSOLE, 5 }, -ENOTSOCK },
	{ "listen_udp", __NR_listen, { UDP, 5 }, -EOPNOTSUPP },
	{ "listen_fresh", __NR_listen, { TCP, 5 }, 0 },
	{ "listen_bound", __NR_listen, { TCPB, 0 }, 0 },
	{ "listen_negative", __NR_listen, { TCPB, M1 }, 0 },
	{ "listen_again", __NR_listen, { LISTEN, 50 }, 0 },
	{ "listen_connected", __NR_listen, { CONN, 5 }, -EINVAL },
	/* accept() */
	{ "accept_closed", __NR_accept, { CLOSED, 0, 0 }, -EBADF },
	{ "accept_console", __NR_accept, { CONSOLE, 0, 0 }, -ENOTSOCK },
	{ "accept_udp", __NR_accept, { UDP, 0, 0 }, -EOPNOTSUPP },
	{ "accept_fresh", __NR_accept, { TCP, 0, 0 }, -EINVAL },
	{ "accept_connected", __NR_accept, { CONN, 0, 0 }, -EINVAL },
	{ "accept_nobody_there", __NR_accept, { LISTEN, 0, 0 }, -EAGAIN },
	{ "accept4_unknown_flag", __NR_accept4, { LISTEN, 0, 0, 0x40 }, -EINVAL },
	{ "accept4_flags_of_closed", __NR_accept4, { CLOSED, 0, 0, 0x40 }, -EINVAL },
	/* getsockname(), getpeername() */
	{ "sockname_closed", __NR_getsockname, { CLOSED, BUF, LEN16 }, -EBADF },
	{ "sockname_console", __NR_getsockname, { CONSOLE, BUF, LEN16 }, -ENOTSOCK },
	{ "sockname_bad_length", __NR_getsockname, { UDP, BUF, BAD }, -EFAULT },
	{ "sockname_null_length", __NR_getsockname, { UDP, BUF, 0 }, -EFAULT },
	{ "sockname_length_minus_1", __NR_getsockname, { UDP, BUF, LENM1 }, -EINVAL },
	{ "sockname_bad_address", __NR_getsockname, { UDP, BAD, LEN16 }, -EFAULT },
	{ "sockname_bad_address_no_room", __NR_getsockname, { UDP, BAD, LEN0 }, 0 },
	{ "peername_closed", __NR_getpeername, { CLOSED, BUF, LEN16 }, -EBADF },
	{ "peername_console", __NR_getpeername, { CONSOLE, BUF, LEN16 }, -ENOTSOCK },
	{ "peername_of_none", __NR_getpeername, { UDPB, BUF, LEN16 }, -ENOTCONN },
	{ "peername_listening", __NR_getpeername, { LISTEN, BUF, LEN16 }, -ENOTCONN },
	{ "peername_udp", __NR_getpeername, { UDPC, BUF, LEN16 }, 0 },
	{ "peername_tcp", __NR_getpeername, { CONN, BUF, LEN16 }, 0 },
	{ "peername_bad_address", __NR_getpeername, { CONN, BAD, LEN16 }, -EFAULT },
	/* shutdown() */
	{ "shutdown_closed", __NR_shutdown, { CLOSED, SHUT_RD }, -EBADF },
	{ "shutdown_console", __NR_shutdown, { CONSOLE, SHUT_RD }, -ENOTSOCK },
	{ "shutdown_minus_1", __NR_shutdown, { CONN, M1 }, -EINVAL },
	{ "shutdown_3", __NR_shutdown, { CONN, 3 }, -EINVAL },
	{ "shutdown_fresh_tcp", __NR_shutdown, { TCP, SHUT_RDWR }, -ENOTCONN },
	{ "shutdown_udp_without_peer", __NR_shutdown, { UDPB, SHUT_WR }, -ENOTCONN },
	{ "shutdown_udp_connected", __NR_shutdown, { UDPC, SHUT_WR }, 0 },
	{ "shutdown_read", __NR_shutdown, { CONN, SHUT_RD }, 0 },
	{ "shutdown_write", __NR_shutdown, { CONN, SHUT_WR }, 0 },
	{ "shutdown_listening_write", __NR_shutdown, { LISTEN, SHUT_WR }, 0 },
	{ "shutdown_listening", __NR_shutdown, { LISTEN, SHUT_RDWR }, 0 },
	/* sendto() */
	{ "sendto_closed", __NR_sendto, { CLOSED, BUF, 1, 0, SIN, 16 }, -EBADF },
	{ "sendto_console", __NR_sendto, { CONSOLE, BUF, 1, 0, SIN, 16 }, -ENOTSOCK },
	{ "sendto_bad_buffer", __NR_sendto, { UDP, BAD, 1, 0, SIN, 16 }, -EFAULT },
	{ "sendto_bad_address", __NR_sendto, { UDP, BUF, 1, 0, BAD, 16 }, -EFAULT },
	{ "sendto_length_129", __NR_sendto, { UDP, BUF, 1, 0, SIN, 129 }, -EINVAL },
	{ "sendto_length_minus_1", __NR_sendto, { UDP, BUF, 1, 0, SIN, M1 }, -EINVAL },
	{ "sendto_length_15", __NR_sendto, { UDP, BUF, 1, 0, SIN, 15 }, -EINVAL },
	{ "sendto_unix", __NR_sendto, { UDP, BUF, 1, 0, UNIX, 16 }, -EAFNOSUPPORT },
	{ "sendto_port_0", __NR_sendto, { UDP, BUF, 1, 0, SIN0, 16 }, -EINVAL },
	{ "sendto_no_route", __NR_sendto, { UDP, BUF, 1, 0, FOREIGN, 16 }, -ENETUNREACH },
	{ "sendto_whom", __NR_sendto, { UDP, BUF, 1, 0, 0, 0 }, -EDESTADDRREQ },
	{ "sendto_nothing", __NR_sendto, { UDP, BUF, 0, 0, SIN, 16 }, 0 },
	{ "sendto_nothing_from_nowhere", __NR_sendto, { UDP, BAD, 0, 0, SIN, 16 }, 0 },
	{ "sendto_largest", __NR_sendto, { UDP, BUF, 65507, 0, SIN, 16 }, 65507 },
	{ "sendto_too_large", __NR_sendto, { UDP, BUF, 65508, 0, SIN, 16 }, -EMSGSIZE },
	{ "sendto_minus_1_bytes", __NR_sendto, { UDP, BUF, M1, 0, SIN, 16 }, -EMSGSIZE },
	{ "sendto_out_of_band", __NR_sendto, { UDP, BUF, 1, MSG_OOB, SIN, 16 }, -EOPNOTSUPP },
	{ "sendto_kernel_flags_are_cut", __NR_sendto, { UDP, BUF, 1, 0x80000000, SIN, 16 }, 1 },
	{ "sendto_fresh_tcp", __NR_sendto, { TCP, BUF, 1, MSG_NOSIGNAL, 0, 0 }, -EPIPE },
	{ "sendto_listening", __NR_sendto, { LISTEN, BUF, 1, MSG_NOSIGNAL, 0, 0 }, -EPIPE },
	{ "sendto_tcp", __NR_sendto, { CONN, BUF, 1, 0, 0, 0 }, 1 },
	{ "sendto_tcp_name_is_ignored", __NR_sendto, { CONN, BUF, 1, 0, NOBODY, 16 }, 1 },
	{ "sendto_tcp_name_is_read_all_the_same",
	  __NR_sendto,
	  { CONN, BUF, 1, 0, BAD, 16 },
	  -EFAULT },
	{ "sendto_fresh_tcp_name", __NR_sendto, { TCP, BUF, 1, MSG_NOSIGNAL, NOBODY, 16 }, -EPIPE },
	{ "sendto_tcp_bad_buffer", __NR_sendto, { CONN, BAD, 1, 0, 0, 0 }, -EFAULT },
	/* recvfrom() */
	{ "recvfrom_closed", __NR_recvfrom, { CLOSED, BUF, 1, 0, 0, 0 }, -EBADF },
	{ "recvfrom_console", __NR_recvfrom, { CONSOLE, BUF, 1, 0, 0, 0 }, -ENOTSOCK },
	{ "recvfrom_nothing_there", __NR_recvfrom, { UDPB, BUF, 1, 0, 0, 0 }, -EAGAIN },
	{ "recvfrom_unbound", __NR_recvfrom, { UDP, BUF, 1, MSG_DONTWAIT, 0, 0 }, -EAGAIN },
	{ "recvfrom_out_of_band", __NR_recvfrom, { UDPB, BUF, 1, MSG_OOB, 0, 0 }, -EAGAIN },
	{ "recvfrom_error_queue", __NR_recvfrom, { UDPB, BUF, 1, MSG_ERRQUEUE, 0, 0 }, -EAGAIN },
	{ "recvfrom_fresh_tcp", __NR_recvfrom, { TCP, BUF, 1, 0, 0, 0 }, -ENOTCONN },
	{ "recvfrom_listening", __NR_recvfrom, { LISTEN, BUF, 1, 0, 0, 0 }, -ENOTCONN },
	{ "recvfrom_tcp_nothing_there", __NR_recvfrom, { CONN, BUF, 1, 0, 0, 0 }, -EAGAIN },
	{ "recvfrom_tcp_out_of_band", __NR_recvfrom, { CONN, BUF, 1, MSG_OOB, 0, 0 }, -EINVAL },
	/* sendmsg() */
	{ "sendmsg_closed", __NR_sendmsg, { CLOSED, MSG, 0 }, -EBADF },
	{ "sendmsg_console", __NR_sendmsg, { CONSOLE, MSG, 0 }, -ENOTSOCK },
	{ "sendmsg_bad", __NR_sendmsg, { UDP, BAD, 0 }, -EFAULT },
	{ "sendmsg_good", __NR_sendmsg, { UDP, MSG, 0 }, 1 },
	{ "sendmsg_no_name", __NR_sendmsg, { UDP, MSGNONAME, 0 }, -EDESTADDRREQ },
	{ "sendmsg_no_name_connected", __NR_sendmsg, { UDPC, MSGNONAME, 0 }, 1 },
	{ "sendmsg_bad_vector", __NR_sendmsg, { UDPC, MSGBADIOV, 0 }, -EFAULT },
	{ "sendmsg_bad_name", __NR_sendmsg, { UDP, MSGBADNAME, 0 }, -EFAULT },
	{ "sendmsg_1025_buffers", __NR_sendmsg, { UDPC, MSGMANY, 0 }, -EMSGSIZE },
	{ "sendmsg_negative_name", __NR_sendmsg, { UDP, MSGNEGNAME, 0 }, -EINVAL },
	{ "sendmsg_long_name_is_cut", __NR_sendmsg, { UDP, MSGLONGNAME, 0 }, 1 },
	{ "sendmsg_control_is_refused", __NR_sendmsg, { UDP, MSGCONTROL, 0 }, -EINVAL },
	{ "sendmsg_negative_buffer", __NR_sendmsg, { UDPC, MSGNEGLEN, 0 }, -EINVAL },
	{ "sendmsg_no_buffer", __NR_sendmsg, { UDPC, MSGEMPTY, 0 }, 0 },
	{ "sendmsg_nine_buffers", __NR_sendmsg, { UDP, MSGNINE, 0 }, 9 },
	{ "sendmsg_out_of_band", __NR_sendmsg, { UDP, MSG, MSG_OOB }, -EOPNOTSUPP },
	/* recvmsg() */
	{ "recvmsg_closed", __NR_recvmsg, { CLOSED, MSG, 0 }, -EBADF },
	{ "recvmsg_console", __NR_recvmsg, { CONSOLE, MSG, 0 }, -ENOTSOCK },
	{ "recvmsg_bad", __NR_recvmsg, { UDPB, BAD, 0 }, -EFAULT },
	{ "recvmsg_nothing_there", __NR_recvmsg, { UDPB, MSGNONAME, 0 }, -EAGAIN },
	{ "recvmsg_bad_vector", __NR_recvmsg, { UDPB, MSGBADIOV, 0 }, -EFAULT },
	{ "recvmsg_1025_buffers", __NR_recvmsg, { UDPB, MSGMANY, 0 }, -EMSGSIZE },
	{ "recvmsg_negative_name", __NR_recvmsg, { UDPB, MSGNEGNAME, 0 }, -EINVAL },
	{ "recvmsg_negative_buffer", __NR_recvmsg, { UDPB, MSGNEGLEN, 0 }, -EINVAL },
	/* setsockopt() */
	{ "setsockopt_closed",
	  __NR_setsockopt,
	  { CLOSED, SOL_SOCKET, SO_REUSEADDR, ONE, 4 },
	  -EBADF },
	{ "setsockopt_console",
	  __NR_setsockopt,
	  { CONSOLE, SOL_SOCKET, SO_REUSEADDR, ONE, 4 },
	  -ENOTSOCK },
	{ "setsockopt_length_first",
	  __NR_setsockopt,
	  { CLOSED, SOL_SOCKET, SO_REUSEADDR, ONE, M1 },
	  -EINVAL },
	{ "setsockopt_bad_value",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_REUSEADDR, BAD, 4 },
	  -EFAULT },
	{ "setsockopt_length_3",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_REUSEADDR, ONE, 3 },
	  -EINVAL },
	{ "setsockopt_length_0",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_REUSEADDR, ONE, 0 },
	  -EINVAL },
	{ "setsockopt_good", __NR_setsockopt, { UDP, SOL_SOCKET, SO_REUSEADDR, ONE, 4 }, 0 },
	{ "setsockopt_very_long",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_REUSEADDR, BUF, 60000 },
	  0 },
	{ "setsockopt_unknown", __NR_setsockopt, { UDP, SOL_SOCKET, 999, ONE, 4 }, -ENOPROTOOPT },
	{ "setsockopt_read_only",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_TYPE, ONE, 4 },
	  -ENOPROTOOPT },
	{ "setsockopt_error_is_read_only",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_ERROR, ONE, 4 },
	  -ENOPROTOOPT },
	{ "setsockopt_timeout", __NR_setsockopt, { UDP, SOL_SOCKET, SO_RCVTIMEO, TIMEVAL, 16 }, 0 },
	{ "setsockopt_timeout_short",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_RCVTIMEO, TIMEVAL, 15 },
	  -EINVAL },
	{ "setsockopt_timeout_range",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_SNDTIMEO, BADUSEC, 16 },
	  -EDOM },
	{ "setsockopt_linger", __NR_setsockopt, { TCP, SOL_SOCKET, SO_LINGER, LINGER, 8 }, 0 },
	{ "setsockopt_linger_short",
	  __NR_setsockopt,
	  { TCP, SOL_SOCKET, SO_LINGER, LINGER, 7 },
	  -EINVAL },
	{ "setsockopt_no_such_device",
	  __NR_setsockopt,
	  { UDP, SOL_SOCKET, SO_BINDTODEVICE, DEVICE, 5 },
	  -ENODEV },
	{ "setsockopt_unknown_level", __NR_setsockopt, { UDP, 4711, 1, ONE, 4 }, -ENOPROTOOPT },
	{ "setsockopt_tcp_of_udp",
	  __NR_setsockopt,
	  { UDP, SOL_TCP, TCP_NODELAY, ONE, 4 },
	  -ENOPROTOOPT },
	{ "setsockopt_tcp", __NR_setsockopt, { TCP, SOL_TCP, TCP_NODELAY, ONE, 4 }, 0 },
	{ "setsockopt_ip", __NR_setsockopt, { UDP, SOL_IP, IP_TTL, ONE, 4 }, 0 },
	/* getsockopt() */
	{ "getsockopt_closed",
	  __NR_getsockopt,
	  { CLOSED, SOL_SOCKET, SO_TYPE, BUF, LEN4 },
	  -EBADF },
	{ "getsockopt_console",
	  __NR_getsockopt,
	  { CONSOLE, SOL_SOCKET, SO_TYPE, BUF, LEN4 },
	  -ENOTSOCK },
	{ "getsockopt_bad_length",
	  __NR_getsockopt,
	  { UDP, SOL_SOCKET, SO_TYPE, BUF, BAD },
	  -EFAULT },
	{ "getsockopt_null_length",
	  __NR_getsockopt,
	  { UDP, SOL_SOCKET, SO_TYPE, BUF, 0 },
	  -EFAULT },
	{ "getsockopt_length_minus_1",
	  __NR_getsockopt,
	  { UDP, SOL_SOCKET, SO_TYPE, BUF, LENM1 },
	  -EINVAL },
	{ "getsockopt_bad_value",
	  __NR_getsockopt,
	  { UDP, SOL_SOCKET, SO_TYPE, BAD, LEN4 },
	  -EFAULT },
	{ "getsockopt_no_room", __NR_getsockopt, { UDP, SOL_SOCKET, SO_TYPE, BAD, LEN0 }, 0 },
	{ "getsockopt_good", __NR_getsockopt, { UDP, SOL_SOCKET, SO_TYPE, BUF, LEN4 }, 0 },
	{ "getsockopt_unknown",
	  __NR_getsockopt,
	  { UDP, SOL_SOCKET, 999, BUF, LEN4 },
	  -ENOPROTOOPT },
	{ "getsockopt_unknown_level", __NR_getsockopt, { UDP, 4711, 1, BUF, LEN4 }, -EOPNOTSUPP },
	{ "getsockopt_mtu_without_route",
	  __NR_getsockopt,
	  { UDP, SOL_IP, IP_MTU, BUF, LEN4 },
	  -ENOTCONN },
	{ "getsockopt_mtu", __NR_getsockopt, { UDPC, SOL_IP, IP_MTU, BUF, LEN4 }, 0 },
	/* as a file */
	{ "read_closed", __NR_read, { CLOSED, BUF, 1 }, -EBADF },
	{ "read_nothing_there", __NR_read, { UDPB, BUF, 1 }, -EAGAIN },
	{ "read_nothing_wanted", __NR_read, { UDPB, BUF, 0 }, 0 },
	{ "read_minus_1_bytes", __NR_read, { UDPB, BUF, M1 }, -EINVAL },
	{ "write_connected", __NR_write, { UDPC, BUF, 5 }, 5 },
	{ "write_whom", __NR_write, { UDPB, BUF, 5 }, -EDESTADDRREQ },
	{ "write_bad_buffer", __NR_write, { UDPC, BAD, 5 }, -EFAULT },
	{ "lseek", __NR_lseek, { UDP, 0, 0 }, -ESPIPE },
	{ "ioctl_unknown", __NR_ioctl, { UDP, 0x1234, BUF }, -ENOTTY },
	{ "ioctl_terminal", __NR_ioctl, { TCP, TIOCGWINSZ, BUF }, -ENOTTY },
	{ "ioctl_waiting_bytes", __NR_ioctl, { UDP, FIONREAD, BUF }, 0 },
	{ "ioctl_bad_result", __NR_ioctl, { UDP, FIONREAD, BAD }, -EFAULT },
	{ "ioctl_listening", __NR_ioctl, { LISTEN, FIONREAD, BUF }, -EINVAL },
	{ "ioctl_nonblocking_bad", __NR_ioctl, { UDP, FIONBIO, BAD }, -EFAULT },
};

TEST_EACH(call, calls)
{
	u64 a[6];
	long ret;

	up();
	prepare();
	for (u32 i = 0; i < 6; i++)
		a[i] = argument(row->arg[i]);
	ret = ktest_call(row->nr, a);
	CHECK_EQ(ret, row->ret);
	close_all();
}

/* --- No memory, no descriptor ------------------------------------------------------------------------------------------------------ */

static void fail_at(u64 nth)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
	faults_armed = true;
}

static const struct socket_memory_row {
	const char *name;
	int type;
	u64 nth;
	int ret;
} socket_memory[] = {
	{ "udp_socket", SOCK_DGRAM, 1, -ENFILE }, { "udp_sock", SOCK_DGRAM, 2, -ENOMEM },
	{ "udp_file", SOCK_DGRAM, 3, -ENFILE },   { "tcp_socket", SOCK_STREAM, 1, -ENFILE },
	{ "tcp_sock", SOCK_STREAM, 2, -ENOMEM },
};

TEST_EACH(no_memory_for, socket_memory)
{
	up();
	fail_at(row->nth);
	CHECK_EQ(SYS(socket, AF_INET, row->type, 0), row->ret);
	faults_armed = false;
	CHECK_EQ(faults[FAULT_ALLOC].hits, 1);
	CHECK_EQ(net->socks_live, 0);
	close_all();
}

TEST(no_memory_for_an_accepted_connection_leaves_it_in_the_queue)
{
	struct sockaddr_in a = loopback(5010);
	int l, c;

	up();
	l = tcp_listener(5010);
	c = tcp();
	CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	settle();
	for (u64 nth = 1; nth <= 2; nth++) {
		fail_at(nth);
		CHECK_EQ(SYS(accept, l, 0, 0), -ENFILE);
		faults_armed = false;
	}
	CHECK(SYS(accept, l, 0, 0) > 0);
	close_all();
}

TEST(no_memory_for_a_long_vector)
{
	up();
	prepare();
	{
		u64 fd = argument(UDPC);

		msgs[MSGNINE - ARG].msg_name = NULL;
		fail_at(1);
		CHECK_EQ(SYS(sendmsg, fd, P(&msgs[MSGNINE - ARG]), 0), -ENOMEM);
		fail_at(1);
		CHECK_EQ(SYS(recvmsg, fd, P(&msgs[MSGNINE - ARG]), 0), -ENOMEM);
		faults_armed = false;
	}
	close_all();
}

TEST(what_is_pending_when_the_listener_closes)
{
	struct sockaddr_in a = loopback(5011);
	int l, c;

	up();
	l = tcp_listener(5011);
	c = tcp();
	CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	settle();
	CHECK_EQ(SYS(close, l), 0);
	settle();
	CHECK_EQ(SYS(recvfrom, c, P(buffer), 1, 0, 0, 0), -ECONNRESET);
	close_all();
}

/* --- Names that are written back --------------------------------------------------------------------------------------------------------- */

static const struct room_row {
	const char *name;
	int room, stored;
} rooms[] = { { "none", 0, 0 },
	      { "family", 2, 2 },
	      { "fifteen", 15, 15 },
	      { "sixteen", 16, 16 },
	      { "plenty", 128, 16 } };

TEST_EACH(name_into, rooms)
{
	static u8 out[200];
	struct sockaddr_in want = loopback(5001);
	int fd, len = row->room;

	up();
	fd = udp_bound(5001);
	memset(out, 0xee, sizeof(out));
	CHECK_EQ(SYS(getsockname, fd, P(out), P(&len)), 0);
	CHECK_EQ(len, 16); /* the true length, however much fitted */
	CHECK(!memcmp(out, &want, (size_t)row->stored));
	CHECK_EQ(out[row->stored], 0xee);
	close_all();
}

TEST_EACH(sender_into, rooms)
{
	static u8 out[200];
	struct sockaddr_in from = loopback(5002), to = loopback(5001);
	struct iovec iov = { buffer, 10 };
	struct user_msghdr m = { .msg_name = out,
				 .msg_namelen = row->room,
				 .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_controllen = 77 };
	int a, b, len = row->room;

	up();
	a = udp_bound(5001);
	b = udp_bound(5002);
	CHECK_EQ(SYS(sendto, b, P("hi"), 2, 0, P(&to), 16), 2);
	CHECK_EQ(SYS(sendto, b, P("hi"), 2, 0, P(&to), 16), 2);
	settle();
	memset(out, 0xee, sizeof(out));
	CHECK_EQ(SYS(recvfrom, a, P(buffer), 10, 0, P(out), P(&len)), 2);
	CHECK_EQ(len, 16);
	CHECK(!memcmp(out, &from, (size_t)row->stored));
	CHECK_EQ(out[row->stored], 0xee);
	memset(out, 0xee, sizeof(out));
	CHECK_EQ(SYS(recvmsg, a, P(&m), 0), 2);
	CHECK_EQ(m.msg_namelen, 16);
	CHECK_EQ(m.msg_controllen, 0);
	CHECK_EQ(m.msg_flags, 0);
	CHECK(!memcmp(out, &from, (size_t)row->stored));
	CHECK_EQ(out[row->stored], 0xee);
	close_all();
}

TEST(results_that_cannot_be_written)
{
	struct sockaddr_in to = loopback(5001);
	struct iovec iov = { buffer, 10 };
	struct user_msghdr m = {
		.msg_name = (void *)8, .msg_namelen = 16, .msg_iov = &iov, .msg_iovlen = 1
	};
	int a, b, len = 16, lenbad = -1;

	up();
	a = udp_bound(5001);
	b = udp_bound(5002);
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(SYS(sendto, b, P("hi"), 2, 0, P(&to), 16), 2);
	settle();
	CHECK_EQ(SYS(recvfrom, a, P(buffer), 10, 0, 8, P(&len)), -EFAULT);
	CHECK_EQ(SYS(recvfrom, a, P(buffer), 10, 0, P(buffer), 8), -EFAULT);
	CHECK_EQ(SYS(recvfrom, a, P(buffer), 10, 0, P(buffer), P(&lenbad)), -EINVAL);
	CHECK_EQ(SYS(recvmsg, a, P(&m), 0), -EFAULT);
	CHECK_EQ(SYS(recvfrom, a, P(buffer), 10, 0, 0, P(&len)), 2); /* nobody asks for a name */
	CHECK_EQ(SYS(recvfrom, a, P(buffer), 10, 0, 0, 0), -EAGAIN); /* each cost its datagram */
	close_all();
}

TEST(accept_tells_the_peer)
{
	struct sockaddr_in a = loopback(5020), got = { 0 }, name = { 0 };
	int l, c, s, len = 16;

	up();
	l = tcp_listener(5020);
	for (u32 i = 0; i < 2; i++) {
		c = tcp();
		CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	}
	settle();
	CHECK_EQ(SYS(accept, l, 8, P(&len)), -EFAULT); /* that one is lost, as on Linux */
	s = (int)SYS(accept, l, P(&got), P(&len));
	CHECK(s > 0);
	CHECK_EQ(len, 16);
	CHECK(got.sin_family == AF_INET && got.sin_addr == htonl(0x7f000001));
	CHECK_EQ(SYS(getsockname, c, P(&name), P(&len)), 0);
	CHECK_EQ(got.sin_port, name.sin_port);
	CHECK_EQ(SYS(accept, l, 0, 0), -EAGAIN);
	close_all();
}

/* --- Options: written, read back ------------------------------------------------------------------------------------------------------------ */

static const struct option_row {
	const char *name;
	int type, level, opt, val, reads;
} options[] = {
	{ "reuse", SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR, 5, 1 },
	{ "reuse_off", SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR, 0, 0 },
	{ "broadcast", SOCK_DGRAM, SOL_SOCKET, SO_BROADCAST, 1, 1 },
	{ "sndbuf_is_doubled", SOCK_DGRAM, SOL_SOCKET, SO_SNDBUF, 10000, 20000 },
	{ "sndbuf_least", SOCK_DGRAM, SOL_SOCKET, SO_SNDBUF, 1, SOCK_MIN_SNDBUF },
	{ "sndbuf_most", SOCK_DGRAM, SOL_SOCKET, SO_SNDBUF, 0x7fffffff, 2 * 212992 },
	{ "rcvbuf_is_doubled", SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, 10000, 20000 },
	{ "rcvbuf_least", SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, 0, SOCK_MIN_RCVBUF },
	{ "rcvbuf_most", SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, 300000, 2 * 212992 },
	{ "keepalive", SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, 1, 1 },
	{ "oobinline", SOCK_STREAM, SOL_SOCKET, SO_OOBINLINE, 1, 1 },
	{ "priority", SOCK_DGRAM, SOL_SOCKET, SO_PRIORITY, 6, 6 },
	{ "mark", SOCK_DGRAM, SOL_SOCKET, SO_MARK, 0x1234, 0x1234 },
	{ "rcvlowat", SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, 100, 100 },
	{ "rcvlowat_0_is_1", SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, 0, 1 },
	{ "rcvlowat_negative", SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, -1, 261120 },
	{ "rcvlowat_negative_datagrams", SOCK_DGRAM, SOL_SOCKET, SO_RCVLOWAT, -1, 0x7fffffff },
	{ "ttl", SOCK_DGRAM, SOL_IP, IP_TTL, 9, 9 },
	{ "nodelay", SOCK_STREAM, SOL_TCP, TCP_NODELAY, 1, 1 },
};

TEST_EACH(option, options)
{
	int fd, got = -7, len = 4;

	up();
	fd = (int)SYS(socket, AF_INET, row->type, 0);
	CHECK_EQ(SYS(setsockopt, fd, row->level, row->opt, P(&row->val), 4), 0);
	CHECK_EQ(SYS(getsockopt, fd, row->level, row->opt, P(&got), P(&len)), 0);
	CHECK_EQ(len, 4);
	CHECK_EQ(got, row->reads);
	close_all();
}

static const struct ask_row {
	const char *name;
	u32 what;
	int opt, value;
} asks[] = {
	{ "type_of_udp", UDP, SO_TYPE, SOCK_DGRAM },
	{ "type_of_tcp", TCP, SO_TYPE, SOCK_STREAM },
	{ "protocol_of_udp", UDP, SO_PROTOCOL, 17 },
	{ "protocol_of_tcp", TCP, SO_PROTOCOL, 6 },
	{ "domain", TCP, SO_DOMAIN, AF_INET },
	{ "not_listening", TCP, SO_ACCEPTCONN, 0 },
	{ "listening", LISTEN, SO_ACCEPTCONN, 1 },
	{ "no_error", UDP, SO_ERROR, 0 },
	{ "default_sndbuf_of_udp", UDP, SO_SNDBUF, 212992 },
	{ "default_rcvbuf_of_udp", UDP, SO_RCVBUF, 212992 },
	{ "sndlowat", TCP, SO_SNDLOWAT, 1 },
};

TEST_EACH(ask, asks)
{
	int got = -7, len = 4;

	up();
	prepare();
	CHECK_EQ(SYS(getsockopt, argument(row->what), SOL_SOCKET, row->opt, P(&got), P(&len)), 0);
	CHECK_EQ(got, row->value);
	close_all();
}

TEST(an_error_is_told_once)
{
	struct sockaddr_in nobody = loopback(5999);
	int fd, got = -7, len = 4;

	up();
	fd = udp();
	CHECK_EQ(SYS(connect, fd, P(&nobody), 16), 0);
	CHECK_EQ(SYS(write, fd, P("x"), 1), 1);
	settle();
	CHECK_EQ(SYS(getsockopt, fd, SOL_SOCKET, SO_ERROR, P(&got), P(&len)), 0);
	CHECK_EQ(got, ECONNREFUSED);
	CHECK_EQ(SYS(getsockopt, fd, SOL_SOCKET, SO_ERROR, P(&got), P(&len)), 0);
	CHECK_EQ(got, 0);
	CHECK_EQ(SYS(write, fd, P("x"), 1), 1);
	settle();
	CHECK_EQ(SYS(read, fd, P(buffer), 1), -ECONNREFUSED);
	CHECK_EQ(SYS(read, fd, P(buffer), 1), -EAGAIN);
	close_all();
}

/* --- connect() that does not wait, to ourselves ------------------------------------------------------------------------------- */

/* Over lo the answer is there at once, and yet the call says what it says over a wire. */
static const struct start_row {
	const char *name;
	bool somebody;
	s16 events;
	int error;  /* SO_ERROR */
	long again; /* the next connect() */
	long then;  /* and the one after it */
} starts[] = {
	{ "somebody_listens", true, POLLOUT, 0, 0, -EISCONN },
	{ "nobody_listens", false, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, ECONNREFUSED,
	  -EINPROGRESS, -ECONNREFUSED },
};

TEST_EACH(nonblocking_connect, starts)
{
	struct sockaddr_in a = loopback(5060);
	struct pollfd p = { .events = POLLIN | POLLOUT | POLLRDHUP };
	int fd, error = -1, len = 4;

	up();
	if (row->somebody)
		(void)tcp_listener(5060);
	fd = tcp();
	CHECK_EQ(SYS(connect, fd, P(&a), 16), -EINPROGRESS);
	p.fd = fd;
	CHECK_EQ(SYS(poll, P(&p), 1, 1000), 1);
	CHECK_EQ(p.revents, row->events);
	CHECK_EQ(SYS(getsockopt, fd, SOL_SOCKET, SO_ERROR, P(&error), P(&len)), 0);
	CHECK_EQ(error, row->error);
	if (!row->somebody) /* the error was taken: the attempt is over, a new one may begin */
		CHECK_EQ(SYS(connect, fd, P(&a), 16), -ECONNABORTED);
	CHECK_EQ(SYS(connect, fd, P(&a), 16), row->again);
	CHECK_EQ(SYS(connect, fd, P(&a), 16), row->then);
	close_all();
}

/* --- Nonblocking, in three ways ------------------------------------------------------------------------------------------------------------------ */

static const struct nonblock_row {
	const char *name;
	int how; /* 0 SOCK_NONBLOCK, 1 fcntl, 2 ioctl, 3 MSG_DONTWAIT */
} nonblocks[] = { { "at_birth", 0 }, { "by_fcntl", 1 }, { "by_ioctl", 2 }, { "for_one_call", 3 } };

TEST_EACH(does_not_wait, nonblocks)
{
	u64 t0;
	int fd, on = 1;

	up();
	fd = (int)SYS(socket, AF_INET, SOCK_DGRAM | (row->how == 0 ? SOCK_NONBLOCK : 0), 0);
	if (row->how == 1)
		CHECK_EQ(SYS(fcntl, fd, F_SETFL, O_NONBLOCK), 0);
	if (row->how == 2)
		CHECK_EQ(SYS(ioctl, fd, FIONBIO, P(&on)), 0);
	t0 = ktime_get_ns();
	CHECK_EQ(SYS(recvfrom, fd, P(buffer), 1, row->how == 3 ? MSG_DONTWAIT : 0, 0, 0), -EAGAIN);
	CHECK_EQ(ktime_get_ns(), t0);
	close_all();
}

static const struct cloexec_row {
	const char *name;
	int flag, set;
} cloexecs[] = { { "kept", 0, 0 }, { "closed_on_exec", SOCK_CLOEXEC, FD_CLOEXEC } };

TEST_EACH(descriptor_is, cloexecs)
{
	struct sockaddr_in a = loopback(5030);
	int l, c, s;

	up();
	c = (int)SYS(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | row->flag, 0);
	CHECK_EQ(SYS(fcntl, c, F_GETFD), row->set);
	l = tcp_listener(5030);
	CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	settle();
	s = (int)SYS(accept4, l, 0, 0, row->flag);
	CHECK_EQ(SYS(fcntl, s, F_GETFD), row->set);
	close_all();
}

/* --- Timeouts ------------------------------------------------------------------------------------------------------------------------------------ */

enum waits { W_RECV, W_ACCEPT, W_CONNECT, W_TCP_RECV, W_TCP_SEND };
static const struct timeout_row {
	const char *name;
	enum waits what;
	int opt;
	u32 ms, after_ms;
	long ret;
} timeouts[] = {
	{ "recv", W_RECV, SO_RCVTIMEO, 100, 100, -EAGAIN },
	{ "recv_rounds_up_to_a_tick", W_RECV, SO_RCVTIMEO, 1, 4, -EAGAIN },
	{ "recv_of_5_ms_is_two_ticks", W_RECV, SO_RCVTIMEO, 5, 8, -EAGAIN },
	{ "recv_of_a_minute", W_RECV, SO_RCVTIMEO, 60000, 60000, -EAGAIN },
	{ "accept", W_ACCEPT, SO_RCVTIMEO, 200, 200, -EAGAIN },
	{ "tcp_recv", W_TCP_RECV, SO_RCVTIMEO, 300, 300, -EAGAIN },
	{ "tcp_send", W_TCP_SEND, SO_SNDTIMEO, 400, 400, -EAGAIN },
};

TEST_EACH(timeout, timeouts)
{
	struct timeval limit = { row->ms / 1000, row->ms % 1000 * 1000 }, got = { 0 };
	int fd, peer, len = sizeof(got);
	u64 t0;
	long ret;

	up();
	fd = row->what == W_RECV     ? udp()
	     : row->what == W_ACCEPT ? tcp_listener(5040)
				     : tcp_pair(5041, &peer);
	CHECK_EQ(SYS(fcntl, fd, F_SETFL, 0), 0);
	CHECK_EQ(SYS(setsockopt, fd, SOL_SOCKET, row->opt, P(&limit), sizeof(limit)), 0);
	CHECK_EQ(SYS(getsockopt, fd, SOL_SOCKET, row->opt, P(&got), P(&len)), 0);
	CHECK_EQ(got.tv_sec * 1000 + got.tv_usec / 1000, row->after_ms);
	if (row->what == W_TCP_SEND) { /* fill it */
		for (u32 i = 0; i < 4;
		     i++) { /* till the last rest has gone that the window takes */
			while (SYS(sendto, fd, P(buffer), sizeof(buffer), MSG_DONTWAIT, 0, 0) > 0)
				settle();
			host_clock_advance(NSEC_PER_SEC);
		}
	}
	t0 = ktime_get_ns();
	if (row->what == W_ACCEPT)
		ret = SYS(accept, fd, 0, 0);
	else if (row->what == W_TCP_SEND)
		ret = SYS(sendto, fd, P(buffer), 1, 0, 0, 0);
	else
		ret = SYS(recvfrom, fd, P(buffer), 1, 0, 0, 0);
	CHECK_EQ(ret, row->ret);
	CHECK(ktime_get_ns() - t0 >= row->after_ms * NSEC_PER_MSEC);
	CHECK(ktime_get_ns() - t0 < (row->after_ms + 5) * NSEC_PER_MSEC);
	close_all();
}

/* --- poll() -------------------------------------------------------------------------------------------------------------------------------------- */

static void nothing(int fd, int peer)
{
	(void)fd;
	(void)peer;
}

static void peer_writes(int fd, int peer)
{
	(void)fd;
	CHECK_EQ(SYS(write, peer, P("x"), 1), 1);
}

static void peer_half_closes(int fd, int peer)
{
	(void)fd;
	CHECK_EQ(SYS(shutdown, peer, SHUT_WR), 0);
}

static void peer_aborts(int fd, int peer)
{
	struct linger l = { 1, 0 };

	(void)fd;
	CHECK_EQ(SYS(setsockopt, peer, SOL_SOCKET, SO_LINGER, P(&l), sizeof(l)), 0);
	CHECK_EQ(SYS(close, peer), 0);
}

static void we_half_close(int fd, int peer)
{
	(void)peer;
	CHECK_EQ(SYS(shutdown, fd, SHUT_WR), 0);
}

static void we_stop_reading(int fd, int peer)
{
	(void)peer;
	CHECK_EQ(SYS(shutdown, fd, SHUT_RD), 0);
}

static void both_half_close(int fd, int peer)
{
	CHECK_EQ(SYS(shutdown, fd, SHUT_WR), 0);
	CHECK_EQ(SYS(shutdown, peer, SHUT_WR), 0);
}

static void we_fill(int fd, int peer)
{
	(void)peer;
	while (SYS(sendto, fd, P(buffer), sizeof(buffer), MSG_DONTWAIT, 0, 0) > 0)
		settle();
}

#define IN  (POLLIN | POLLRDNORM)
#define OUT (POLLOUT | POLLWRNORM)
static const struct poll_row {
	const char *name;
	void (*act)(int fd, int peer);
	s16 wanted, got;
} poll_rows[] = {
	{ "connected", nothing, IN | OUT, OUT },
	{ "connected_but_not_asked", nothing, POLLIN, 0 },
	{ "data", peer_writes, IN | OUT, IN | OUT },
	{ "data_of_interest", peer_writes, POLLIN, POLLIN },
	{ "half_closed_by_the_peer", peer_half_closes, IN | OUT | POLLRDHUP, IN | OUT | POLLRDHUP },
	{ "half_closed_by_us", we_half_close, IN | OUT, OUT },
	{ "no_more_reading", we_stop_reading, IN | OUT | POLLRDHUP, IN | OUT | POLLRDHUP },
	{ "both_closed_hangs_up_unasked", both_half_close, 0, POLLHUP },
	{ "aborted", peer_aborts, IN | OUT | POLLRDHUP, IN | OUT | POLLRDHUP | POLLERR | POLLHUP },
	{ "aborted_is_told_unasked", peer_aborts, 0, POLLERR | POLLHUP },
	{ "full", we_fill, IN | OUT, 0 },
};

TEST_EACH(poll, poll_rows)
{
	int peer, fd;
	struct pollfd p = { .events = row->wanted };

	up();
	fd = tcp_pair(5050, &peer);
	row->act(fd, peer);
	settle();
	p.fd = fd;
	CHECK_EQ(SYS(poll, P(&p), 1, 0), row->got != 0);
	CHECK_EQ(p.revents, row->got);
	close_all();
}

static const struct fresh_poll_row {
	const char *name;
	u32 what;
	s16 got;
} fresh_polls[] = {
	{ "fresh_tcp_hangs_up", TCP, OUT | POLLHUP },
	{ "bound_tcp_hangs_up", TCPB, OUT | POLLHUP },
	{ "listener", LISTEN, 0 },
	{ "fresh_udp", UDP, OUT },
	{ "connected_udp", UDPC, OUT },
};

TEST_EACH(poll_of, fresh_polls)
{
	struct pollfd p = { .events = IN | OUT | POLLRDHUP };

	up();
	prepare();
	p.fd = (int)argument(row->what);
	CHECK_EQ(SYS(poll, P(&p), 1, 0), row->got != 0);
	CHECK_EQ(p.revents, row->got);
	close_all();
}

TEST(poll_of_a_listener)
{
	struct sockaddr_in a = loopback(5051);
	struct pollfd p = { .events = POLLIN | POLLOUT };
	int l, c;

	up();
	l = tcp_listener(5051);
	p.fd = l;
	CHECK_EQ(SYS(poll, P(&p), 1, 0), 0);
	c = tcp();
	CHECK_EQ(SYS(connect, c, P(&a), 16), -EINPROGRESS);
	CHECK_EQ(SYS(poll, P(&p), 1, 1000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK(SYS(accept, l, 0, 0) > 0);
	CHECK_EQ(SYS(poll, P(&p), 1, 0), 0);
	close_all();
}

TEST(a_socket_is_a_file_of_its_kind)
{
	struct user_stat st;
	int fd;

	up();
	fd = udp();
	CHECK_EQ(SYS(fstat, fd, P(&st)), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0777);
	CHECK_EQ(st.st_size, 0);
	close_all();
}

/* --- Vectors ------------------------------------------------------------------------------------------------------------------------------------------ */

static const struct vector_row {
	const char *name;
	u32 nr;
	size_t len[4];
	long total;
} vectors[] = {
	{ "one", 1, { 5 }, 5 },
	{ "three", 3, { 1, 2, 3 }, 6 },
	{ "with_holes", 4, { 0, 3, 0, 2 }, 5 },
	{ "all_empty", 3, { 0, 0, 0 }, 0 },
	{ "none", 0, { 0 }, 0 },
};

TEST_EACH(vector, vectors)
{
	static u8 in[16];
	struct sockaddr_in to = loopback(5001);
	struct iovec iov[4], back[4];
	struct user_msghdr m = {
		.msg_name = &to, .msg_namelen = 16, .msg_iov = iov, .msg_iovlen = row->nr
	};
	struct user_msghdr r = { .msg_iov = back, .msg_iovlen = row->nr };
	size_t at = 0;
	int a, b;

	up();
	a = udp_bound(5001);
	b = udp();
	memcpy(buffer, "abcdefghij", 10);
	memset(in, 0, sizeof(in));
	for (u32 i = 0; i < row->nr; i++) {
		iov[i] = (struct iovec){ buffer + at, row->len[i] };
		back[i] = (struct iovec){ in + at, row->len[i] };
		at += row->len[i];
	}
	CHECK_EQ(SYS(sendmsg, b, P(&m), 0), row->total);
	settle();
	CHECK_EQ(SYS(recvmsg, a, P(&r), 0), row->total);
	CHECK(!memcmp(in, "abcdefghij", (size_t)row->total) && !in[row->total]);
	CHECK_EQ(r.msg_flags, 0);
	close_all();
}

TEST(an_empty_message_has_a_sender)
{
	struct sockaddr_in to = loopback(5001), from = { 0 };
	struct iovec iov = { buffer, 3 };
	struct user_msghdr r = { .msg_name = &from,
				 .msg_namelen = 99,
				 .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_controllen = 5,
				 .msg_flags = 77 };
	int a, b;

	up();
	a = udp_bound(5001);
	b = udp_bound(5002);
	CHECK_EQ(SYS(sendto, b, P("x"), 0, 0, P(&to), 16), 0);
	settle();
	CHECK_EQ(SYS(recvmsg, a, P(&r), 0), 0);
	CHECK_EQ(r.msg_namelen, 16);
	CHECK_EQ(r.msg_controllen, 0);
	CHECK_EQ(r.msg_flags, 0);
	CHECK_EQ(ntohs(from.sin_port), 5002);
	close_all();
}

TEST(a_message_that_does_not_fit_is_marked)
{
	struct sockaddr_in to = loopback(5001);
	struct iovec iov = { buffer, 3 };
	struct user_msghdr r = { .msg_iov = &iov, .msg_iovlen = 1 };
	int a, b;

	up();
	a = udp_bound(5001);
	b = udp();
	CHECK_EQ(SYS(sendto, b, P("hello"), 5, 0, P(&to), 16), 5);
	settle();
	CHECK_EQ(SYS(recvmsg, a, P(&r), MSG_TRUNC), 5);
	CHECK_EQ(r.msg_flags, MSG_TRUNC);
	close_all();
}

/* --- The end -------------------------------------------------------------------------------------------------------------------------------------------- */

TEST(goes_down)
{
	up();
	close_all();
	posix_exit();
	loopback_exit(net);
	net_exit(net);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
}

KTEST_MAIN_BOOT()
