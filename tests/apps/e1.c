// SPDX-License-Identifier: MIT
/*
 * The table of return codes: every call of it, one line "name=result" each. The same source runs on Linux, and the two outputs must be
 * equal, line by line. A result is a number, the name of an errno, or the events of a poll(). Counts of bytes that depend on the sizes of
 * Linux's own structures are told as "some".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SA(x)      ((struct sockaddr *)&(x)), sizeof(x)
#define UNREADABLE ((void *)8)

static char big[70000];
/* Long enough for every lo to have delivered. */
static void settle(void)
{
	usleep(20000);
}

static const char *errno_name(int e)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
#define E(x) { x, #x }
		E(EPERM),           E(EBADF),        E(EAGAIN),       E(ENOMEM),
		E(EACCES),          E(EFAULT),       E(EINVAL),       E(ENOTTY),
		E(EPIPE),           E(EDOM),         E(ENOTSOCK),     E(EDESTADDRREQ),
		E(EMSGSIZE),        E(EPROTOTYPE),   E(ENOPROTOOPT),  E(EPROTONOSUPPORT),
		E(ESOCKTNOSUPPORT), E(EOPNOTSUPP),   E(EAFNOSUPPORT), E(EADDRINUSE),
		E(EADDRNOTAVAIL),   E(ENETDOWN),     E(ENETUNREACH),  E(ECONNABORTED),
		E(ECONNRESET),      E(ENOBUFS),      E(EISCONN),      E(ENOTCONN),
		E(ETIMEDOUT),       E(ECONNREFUSED), E(EHOSTUNREACH), E(EALREADY),
		E(EINPROGRESS),     E(ENXIO),        E(ENODEV),
#undef E
	};
	static char text[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == e)
			return names[i].name;
	snprintf(text, sizeof(text), "errno%d", e);
	return text;
}

static void number(const char *name, long n)
{
	printf("%s=%ld\n", name, n);
}

/* What a call gave: a number, or its errno. */
static long say(const char *name, long ret)
{
	if (ret < 0)
		printf("%s=%s\n", name, errno_name(errno));
	else
		number(name, ret);
	return ret;
}

static void say_some(const char *name, long ret)
{
	if (ret > 0)
		printf("%s=some\n", name);
	else
		say(name, ret);
}

static void said(const char *name, int yes)
{
	printf("%s=%s\n", name, yes ? "yes" : "no");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct sockaddr_in at(unsigned int addr, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };

	a.sin_addr.s_addr = htonl(addr);
	return a;
}

static struct sockaddr_in local(int port)
{
	return at(INADDR_LOOPBACK, port);
}

/* Where the socket is bound. */
static struct sockaddr_in where(int s)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	getsockname(s, (struct sockaddr *)&a, &len);
	return a;
}

static int listener(struct sockaddr_in *a, int backlog)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	*a = local(0);
	if (bind(s, SA(*a)) != 0 || listen(s, backlog) != 0)
		printf("listener: %s\n", strerror(errno));
	*a = where(s);
	return s;
}

static void pair(int *a, int *b)
{
	struct sockaddr_in name;
	int l = listener(&name, 4);

	*a = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(*a, SA(name)) != 0)
		printf("pair: %s\n", strerror(errno));
	*b = accept(l, NULL, NULL);
	close(l);
}

/* A port of loopback where nobody is. */
static struct sockaddr_in nobody(int type)
{
	struct sockaddr_in a = local(0);
	int s = socket(AF_INET, type, 0);

	bind(s, SA(a));
	a = where(s);
	close(s);
	return a;
}

static void nonblocking(int s)
{
	fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK);
}

static long get_int(int s, int level, int opt)
{
	int val = 0;
	socklen_t len = sizeof(val);

	return getsockopt(s, level, opt, &val, &len) == 0 ? val : -1;
}

static long set_int(int s, int level, int opt, int val)
{
	return setsockopt(s, level, opt, &val, sizeof(val));
}

/* --- socket() ------------------------------------------------------------------------------------------------------------- */
static void created(const char *name, int family, int type, int protocol)
{
	int s = socket(family, type, protocol);

	if (s < 0) {
		say(name, s);
		return;
	}
	printf("%s=ok\n", name);
	close(s);
}

static void creation(void)
{
	int sv[2];

	created("stream_0", AF_INET, SOCK_STREAM, 0);
	created("stream_tcp", AF_INET, SOCK_STREAM, IPPROTO_TCP);
	created("dgram_0", AF_INET, SOCK_DGRAM, 0);
	created("dgram_udp", AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	created("dgram_icmp", AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	created("raw_icmp", AF_INET, SOCK_RAW, IPPROTO_ICMP);
	created("raw_raw", AF_INET, SOCK_RAW, IPPROTO_RAW);
	created("raw_0", AF_INET, SOCK_RAW, 0);
	created("raw_262", AF_INET, SOCK_RAW, 262);
	created("stream_udp", AF_INET, SOCK_STREAM, IPPROTO_UDP);
	created("dgram_tcp", AF_INET, SOCK_DGRAM, IPPROTO_TCP);
	created("stream_253", AF_INET, SOCK_STREAM, 253);
	created("rdm", AF_INET, SOCK_RDM, 0);
	created("type_0", AF_INET, 0, 0);
	created("type_9", AF_INET, 9, 0);
	created("type_11", AF_INET, 11, 0);
	created("stream_300", AF_INET, SOCK_STREAM, 300);
	created("stream_minus_1", AF_INET, SOCK_STREAM, -1);
	created("family_99", 99, SOCK_STREAM, 0);
	created("family_minus_1", -1, SOCK_STREAM, 0);
	created("flag_unknown", AF_INET, SOCK_STREAM | 0x100000, 0);
	created("packet_raw", AF_PACKET, SOCK_RAW, 0);
	created("packet_dgram", AF_PACKET, SOCK_DGRAM, 0);
	created("packet_stream", AF_PACKET, SOCK_STREAM, 0);
	say("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, sv));
}

/* --- UDP --------------------------------------------------------------------------------------------------------------------- */
static void udp(void)
{
	struct sockaddr_in a = local(0), none = nobody(SOCK_DGRAM);
	struct sockaddr_in bcast = at(0x0a0002ff, 9), port0 = local(0);
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0);

	bind(t, SA(a));
	a = where(t);
	set_int(t, SOL_SOCKET, SO_RCVBUF, 400000);
	say("udp_send_unconnected", send(s, "x", 1, 0));
	say("udp_port_0", sendto(s, "x", 1, 0, SA(port0)));
	say("udp_65507", sendto(s, big, 65507, 0, SA(a)));
	say("udp_65507_arrives", recv(t, big, sizeof(big), 0));
	say("udp_65508", sendto(s, big, 65508, 0, SA(a)));
	say("udp_70000", sendto(s, big, 70000, 0, SA(a)));
	say("udp_broadcast", sendto(s, "x", 1, 0, SA(bcast)));
	say("udp_name_200", sendto(s, "x", 1, 0, (struct sockaddr *)big, 200));
	say("udp_name_8", sendto(s, "x", 1, 0, (struct sockaddr *)&a, 8));
	say("udp_name_unreadable", sendto(s, "x", 1, 0, UNREADABLE, 16));
	say("udp_data_unreadable", sendto(s, UNREADABLE, 10, 0, SA(a)));
	a.sin_family = 77;
	say("udp_family_77", sendto(s, "x", 1, 0, SA(a)));
	a.sin_family = AF_INET;
	say("udp_oob", sendto(s, "x", 1, MSG_OOB, SA(a)));
	say("udp_empty", sendto(s, "", 0, 0, SA(a)));
	said("udp_autobound",
	     ntohs(where(s).sin_port) >= 32768 && ntohs(where(s).sin_port) <= 60999);
	say("udp_empty_arrives", recv(t, big, 10, 0));
	say("udp_nothing", recv(t, big, 10, MSG_DONTWAIT));
	say("udp_listen", listen(s, 1));
	say("udp_accept", accept(s, NULL, NULL));
	say("udp_shutdown_unconnected", shutdown(t, SHUT_RD));
	say("udp_default_sndbuf", get_int(s, SOL_SOCKET, SO_SNDBUF));
	say("udp_default_rcvbuf", get_int(s, SOL_SOCKET, SO_RCVBUF) > 0);
	say("udp_connect", connect(s, SA(none)));
	say("udp_closed_port_1st", send(s, "x", 1, 0));
	settle();
	say("udp_closed_port_2nd", send(s, "x", 1, 0));
	settle();
	say("udp_closed_port_recv", recv(s, big, 1, MSG_DONTWAIT));
	say("udp_shutdown_wr", shutdown(s, SHUT_WR));
	say("udp_after_shutdown", send(s, "x", 1, MSG_NOSIGNAL));
	close(s);
	close(t);
}

/* --- TCP --------------------------------------------------------------------------------------------------------------------- */
static void tcp_codes(void)
{
	struct sockaddr_in none = nobody(SOCK_STREAM), a;
	struct linger hard = { 1, 0 };
	int s = socket(AF_INET, SOCK_STREAM, 0), t, l;

	say("tcp_send_unconnected", send(s, "x", 1, MSG_NOSIGNAL));
	say("tcp_recv_unconnected", recv(s, big, 1, 0));
	say("tcp_default_sndbuf", get_int(s, SOL_SOCKET, SO_SNDBUF));
	set_int(s, SOL_SOCKET, SO_SNDBUF, 1);
	say("tcp_sndbuf_1", get_int(s, SOL_SOCKET, SO_SNDBUF));
	set_int(s, SOL_SOCKET, SO_SNDBUF, 10000);
	say("tcp_sndbuf_10000", get_int(s, SOL_SOCKET, SO_SNDBUF));
	say("tcp_accept_unlistening", accept(s, NULL, NULL));
	say("tcp_getpeername", getpeername(s, (struct sockaddr *)&a, &(socklen_t){ sizeof(a) }));
	say("tcp_shutdown_unconnected", shutdown(s, SHUT_WR));
	say("tcp_shutdown_7", shutdown(s, 7));
	say("tcp_connect_closed_port", connect(s, SA(none)));
	close(s);
	l = listener(&a, 4);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	say("tcp_connect_nonblock", connect(s, SA(a)));
	settle();
	say("tcp_connect_again", connect(s, SA(a)));
	say("tcp_connect_third", connect(s, SA(a)));
	say("tcp_listen_connected", listen(s, 1));
	close(s);
	close(l);
	pair(&s, &t);
	say("tcp_send_0", send(s, "", 0, 0));
	say("tcp_data_unreadable", send(s, UNREADABLE, 10, 0));
	say("tcp_recv_nothing", recv(s, big, 1, MSG_DONTWAIT));
	say("tcp_bind_connected", bind(s, SA(none)));
	say("tcp_shut_wr", shutdown(s, SHUT_WR));
	say("tcp_send_after_shut_wr", send(s, "x", 1, MSG_NOSIGNAL));
	say("tcp_end_of_file", recv(t, big, 1, 0));
	close(t);
	close(s);
	pair(&s, &t);
	setsockopt(t, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(t);
	settle();
	say("tcp_reset_1st", send(s, "x", 1, MSG_NOSIGNAL));
	say("tcp_reset_2nd", send(s, "x", 1, MSG_NOSIGNAL));
	say("tcp_reset_recv", recv(s, big, 1, 0));
	close(s);
}

/* Fills a connection whose reader does not read: what went in all. */
static void filled(int *s, int *t)
{
	struct sockaddr_in a;
	int l = socket(AF_INET, SOCK_STREAM, 0);

	a = local(0);
	set_int(l, SOL_SOCKET, SO_RCVBUF, 4096);
	bind(l, SA(a));
	listen(l, 1);
	a = where(l);
	*s = socket(AF_INET, SOCK_STREAM, 0);
	set_int(*s, SOL_SOCKET, SO_SNDBUF, 32768);
	connect(*s, SA(a));
	*t = accept(l, NULL, NULL);
	close(l);
}

static void full_buffers(void)
{
	struct timeval tv = { 0, 300000 };
	static char much[1 << 20];
	double start;
	int s, t;
	long n;

	filled(&s, &t);
	say("sndtimeo_usec_minus_1",
	    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ 0, -1 }, sizeof(tv)));
	say("sndtimeo_usec_1000000",
	    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ 0, 1000000 }, sizeof(tv)));
	say("sndtimeo_300_ms", setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	start = now();
	say_some("sndtimeo_partial", send(s, much, sizeof(much), MSG_NOSIGNAL));
	said("sndtimeo_partial_in_time", now() - start >= 0.29 && now() - start < 1);
	while (send(s, much, 1000, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	start = now();
	say("sndtimeo_full", send(s, much, 1000, MSG_NOSIGNAL));
	said("sndtimeo_full_in_time", now() - start >= 0.29 && now() - start < 1);
	say("full_dontwait", send(s, much, 1000, MSG_DONTWAIT));
	close(s);
	close(t);
	filled(&s, &t);
	nonblocking(s);
	say_some("nonblock_partial", send(s, much, sizeof(much), MSG_NOSIGNAL));
	do
		n = send(s, much, 1000, MSG_NOSIGNAL);
	while (n > 0);
	say("nonblock_full", n);
	close(s);
	close(t);
}

/* --- Descriptors, vectors, options --------------------------------------------------------------------------------------------- */
static void descriptors(void)
{
	struct sockaddr_in a = local(0), got;
	struct iovec iov[3] = { { big, 3 }, { big, 4 }, { big, 5 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1025 };
	struct mmsghdr mm[2];
	int null = open("/dev/null", O_RDWR), s, t;
	socklen_t len = sizeof(got);

	say("send_no_socket", send(null, "x", 1, 0));
	say("send_no_fd", send(9999, "x", 1, 0));
	say("bind_no_socket", bind(null, SA(a)));
	say("connect_no_fd", connect(9999, SA(a)));
	s = socket(AF_INET, SOCK_STREAM, 0);
	say("bind_8_bytes", bind(s, (struct sockaddr *)&a, 8));
	say("bind_200_bytes", bind(s, (struct sockaddr *)big, 200));
	say("bind_minus_1", bind(s, (struct sockaddr *)&a, (socklen_t)-1));
	say("bind_unreadable", bind(s, UNREADABLE, 16));
	a.sin_family = 77;
	say("bind_family_77", bind(s, SA(a)));
	a = at(0xcb007107, 0);
	say("bind_not_ours", bind(s, SA(a)));
	a = local(0);
	say("bind", bind(s, SA(a)));
	say("bind_again", bind(s, SA(a)));
	len = (socklen_t)-1;
	say("getsockname_minus_1", getsockname(s, (struct sockaddr *)&got, &len));
	say("getsockname_unreadable", getsockname(s, UNREADABLE, &(socklen_t){ 16 }));
	say("sendmsg_1025_vectors", sendmsg(s, &m, 0));
	m.msg_iovlen = 3;
	m.msg_name = &a;
	m.msg_namelen = (socklen_t)-1;
	say("sendmsg_namelen_minus_1", sendmsg(s, &m, 0));
	say("sendmsg_unreadable", syscall(SYS_sendmsg, s, UNREADABLE, 0));
	close(s);
	pair(&s, &t);
	m.msg_name = NULL;
	m.msg_namelen = 0;
	say("sendmsg_3_vectors", sendmsg(s, &m, 0));
	say("recv_waitall", recv(t, big, 12, MSG_WAITALL));
	say("writev", writev(s, iov, 3));
	say("fionread", ioctl(t, FIONREAD, &len) == 0 ? (long)len : -1);
	mm[0].msg_hdr = m;
	mm[1].msg_hdr = m;
	say("sendmmsg",
	    syscall(SYS_sendmmsg, s, mm, 2, 0)); /* the C library may do it by sendmsg() */
	number("sendmmsg_len", mm[1].msg_len);
	say("readv", readv(t, iov, 3));
	say("recvmmsg", recvmmsg(t, mm, 1, MSG_DONTWAIT, NULL));
	say("ioctl_unknown", ioctl(s, 0x1234, &len));
	say("setsockopt_unknown", set_int(s, SOL_SOCKET, 999, 1));
	say("setsockopt_read_only", set_int(s, SOL_SOCKET, SO_ACCEPTCONN, 1));
	say("setsockopt_short", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, big, 2));
	say("setsockopt_unreadable", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, UNREADABLE, 4));
	say("setsockopt_minus_1", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, big, (socklen_t)-1));
	say("so_type", get_int(s, SOL_SOCKET, SO_TYPE));
	say("so_protocol", get_int(s, SOL_SOCKET, SO_PROTOCOL));
	say("so_domain", get_int(s, SOL_SOCKET, SO_DOMAIN));
	say("so_acceptconn", get_int(s, SOL_SOCKET, SO_ACCEPTCONN));
	say("so_error", get_int(s, SOL_SOCKET, SO_ERROR));
	say("so_rcvlowat", get_int(s, SOL_SOCKET, SO_RCVLOWAT));
	close(s);
	close(t);
	close(null);
}

/* --- Readiness ------------------------------------------------------------------------------------------------------------------- */
static void ready(const char *name, int s)
{
	static const struct {
		int bit;
		const char *name;
	} bits[] = { { POLLIN, "IN" },      { POLLPRI, "PRI" }, { POLLOUT, "OUT" },
		     { POLLERR, "ERR" },    { POLLHUP, "HUP" }, { POLLNVAL, "NVAL" },
		     { POLLRDHUP, "RDHUP" } };
	struct pollfd p = { s, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0 };

	settle();
	printf("poll_%s=%d", name, poll(&p, 1, 0));
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (p.revents & bits[i].bit)
			printf(" %s", bits[i].name);
	printf("\n");
}

static void stream_readiness(void)
{
	struct sockaddr_in a, none = nobody(SOCK_STREAM);
	struct linger hard = { 1, 0 };
	int l = listener(&a, 0), s = socket(AF_INET, SOCK_STREAM, 0), t, u;

	ready("tcp_fresh", s);
	ready("tcp_listening", l);
	connect(s, SA(a));
	ready("tcp_listening_ready", l);
	ready("tcp_connected", s);
	/* The queue is full: the next one's SYN gets no answer. */
	u = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(u, SA(a));
	ready("tcp_connecting", u);
	close(u);
	t = accept(l, NULL, NULL);
	close(l);
	send(t, "x", 1, 0);
	ready("tcp_readable", s);
	shutdown(t, SHUT_WR);
	ready("tcp_peer_half_closed", s);
	ready("tcp_half_closed", t);
	shutdown(s, SHUT_WR);
	ready("tcp_both_closed", s);
	close(s);
	close(t);
	pair(&s, &t);
	shutdown(s, SHUT_RD);
	ready("tcp_shut_rd", s);
	close(s);
	close(t);
	pair(&s, &t);
	setsockopt(t, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(t);
	ready("tcp_reset", s);
	say("tcp_reset_so_error", get_int(s, SOL_SOCKET, SO_ERROR) == ECONNRESET);
	ready("tcp_reset_told", s);
	close(s);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(s, SA(none));
	ready("tcp_refused", s);
	close(s);
	filled(&s, &t);
	nonblocking(s);
	while (send(s, big, 1000, MSG_NOSIGNAL) > 0)
		;
	ready("tcp_full", s);
	close(s);
	close(t);
	ready("closed", s);
}

static void dgram_readiness(void)
{
	struct sockaddr_in a = local(0), none = nobody(SOCK_DGRAM);
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0), r, p;

	bind(t, SA(a));
	a = where(t);
	ready("udp_fresh", s);
	sendto(s, "", 0, 0, SA(a));
	ready("udp_empty_waits", t);
	connect(s, SA(none));
	send(s, "x", 1, 0);
	ready("udp_refused", s);
	get_int(s, SOL_SOCKET, SO_ERROR);
	ready("udp_told", s);
	shutdown(s, SHUT_RD);
	ready("udp_shut_rd", s);
	shutdown(s, SHUT_WR);
	ready("udp_shut_both", s);
	r = socket(AF_INET, SOCK_RAW, 250);
	ready("raw_fresh", r);
	a = local(0);
	sendto(r, "x", 1, 0, SA(a));
	ready("raw_hears_itself", r);
	say("raw_recv", recv(r, big, 100, 0));
	p = socket(AF_PACKET, SOCK_DGRAM, 0);
	ready("packet_fresh", p);
	close(p);
	close(r);
	close(s);
	close(t);
}

/* --- Raw and ping ------------------------------------------------------------------------------------------------------------------ */
static void raw(void)
{
	struct sockaddr_in a = local(0), bcast = at(0x0a0002ff, 0);
	unsigned char header[20] = { 0x45 };
	int s = socket(AF_INET, SOCK_RAW, 250), h = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	int i = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	say("raw_send_unconnected", send(s, "x", 1, 0));
	say("raw_send", sendto(s, "x", 1, 0, SA(a)));
	say("raw_arrives", recv(s, big, 100, 0));
	say("raw_broadcast", sendto(s, "x", 1, 0, SA(bcast)));
	say("raw_oob", sendto(s, "x", 1, MSG_OOB, SA(a)));
	say("raw_65536", sendto(s, big, 65536, 0, SA(a)));
	say("raw_65516", sendto(s, big, 65516, 0, SA(a)));
	say("raw_listen", listen(s, 1));
	number("raw_name", ntohs(where(s).sin_port));
	say("raw_hdrincl", get_int(h, SOL_IP, IP_HDRINCL));
	say("raw_hdrincl_19", sendto(h, header, 19, 0, SA(a)));
	say("raw_filter_unicmp", setsockopt(s, 255, 1, "\0\0\0\0", 4));
	say("raw_filter", setsockopt(i, 255, 1, "\0\0\0\0", 4));
	say("raw_connect_8", connect(s, (struct sockaddr *)&a, 8));
	say("raw_connect", connect(s, SA(a)));
	say("raw_send_connected", send(s, "x", 1, 0));
	say("raw_bind_connected", bind(s, SA(a)));
	say("raw_shutdown", shutdown(s, SHUT_WR));
	say("raw_after_shutdown", send(s, "x", 1, MSG_NOSIGNAL));
	close(s);
	close(h);
	close(i);
}

static void ping(void)
{
	struct sockaddr_in a = local(0), name = at(0, 4711);
	unsigned char m[16] = { 8 };
	int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), t;

	say("ping_bind", bind(s, SA(name)));
	say("ping_send_unconnected", send(s, m, 16, 0));
	say("ping_short", sendto(s, m, 7, 0, SA(a)));
	m[1] = 1;
	say("ping_code_1", sendto(s, m, 16, 0, SA(a)));
	m[0] = m[1] = 0;
	say("ping_reply", sendto(s, m, 16, 0, SA(a)));
	m[0] = 8;
	t = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	say("ping_bind_shared", bind(t, SA(name)));
	close(t);
	t = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	set_int(t, SOL_SOCKET, SO_REUSEADDR, 0);
	say("ping_bind_taken", bind(t, SA(name)));
	say("ping", sendto(s, m, 16, 0, SA(a)));
	settle();
	memset(m, 0, sizeof(m));
	say("ping_answer", recv(s, m, 16, MSG_DONTWAIT));
	number("ping_answer_type", m[0]);
	number("ping_answer_ident", m[4] << 8 | m[5]);
	say("ping_no_more", recv(s, m, 16, MSG_DONTWAIT));
	say("ping_listen", listen(s, 1));
	ready("ping", s);
	close(s);
	close(t);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	creation();
	udp();
	tcp_codes();
	full_buffers();
	descriptors();
	stream_readiness();
	dgram_readiness();
	raw();
	ping();
	printf("end=0\n");
	return 0;
}
