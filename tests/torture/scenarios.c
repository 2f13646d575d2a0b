// SPDX-License-Identifier: MIT
/*
 * The scenarios: what an application and a machine do, in small pieces, each written so that any step may fail. A
 * scenario says whether all of it came about; whatever it got hold of, it gives back.
 *
 * Interface: scenarios[], step.
 * Above: torture.c.  Below: machine.c; the system calls of host 0, kernel sockets of host 1.
 * Context: process.  Owns: nothing between calls.
 */
#include "torture.h"

#include "../../net/tcp/tcp_internal.h"

#include "host.h"

#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <kernel/syscall.h>
#include <net/checksum.h>
#include <net/dhcp.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/neighbour.h>
#include <net/netfilter.h>
#include <net/nf_tables.h>
#include <net/route.h>
#include <net/sch_generic.h>
#include <uapi/if_packet.h>
#include <uapi/mman.h>
#include <wire/arp.h>
#include <wire/dhcp.h>
#include <wire/icmp.h>
#include <wire/ipv4.h>
#include <wire/udp.h>

#define TIMEOUT_S 100 /* of each blocking call: longer than any retransmission of these scenarios */

const char *step;

static long call(unsigned int nr, unsigned long a, unsigned long b, unsigned long c,
		 unsigned long d, unsigned long e, unsigned long f)
{
	return sys_call_table[nr](a, b, c, d, e, f);
}
#define U(x)                      ((unsigned long)(x))
#define SYS1(n, a)                call(__NR_##n, U(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b)             call(__NR_##n, U(a), U(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c)          call(__NR_##n, U(a), U(b), U(c), 0, 0, 0)
#define SYS4(n, a, b, c, d)       call(__NR_##n, U(a), U(b), U(c), U(d), 0, 0)
#define SYS5(n, a, b, c, d, e)    call(__NR_##n, U(a), U(b), U(c), U(d), U(e), 0)
#define SYS6(n, a, b, c, d, e, f) call(__NR_##n, U(a), U(b), U(c), U(d), U(e), U(f))

/* One step of a scenario: its number if it went well; else the scenario ends with its error, at "out". */
#define TRY(expr_)                                                                                 \
	({                                                                                         \
		step = #expr_;                                                                     \
		long ret_ = (long)(expr_);                                                         \
		if (ret_ < 0) {                                                                    \
			err = (int)ret_;                                                           \
			goto out;                                                                  \
		}                                                                                  \
		ret_;                                                                              \
	})
/* A step whose outcome is not the one that the product promises. */
#define WRONG (-999)
#define MUST(cond_)                                                                                \
	do {                                                                                       \
		step = #cond_;                                                                     \
		if (!(cond_)) {                                                                    \
			err = WRONG;                                                               \
			goto out;                                                                  \
		}                                                                                  \
	} while (0)

/* --- Both sides of a connection ------------------------------------------------------------------------------------------- */
static u8 out_buf[65536], in_buf[65536];

static u16 fresh_port(void)
{
	static u16 port = 5000;

	return port = port < 30000 ? port + 1 : 5000;
}

static struct sockaddr_in name_of(__be32 addr, u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = addr };
}

static void fill(size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_buf[i] = (u8)(i * 131 + (i >> 8) * 17);
	memset(in_buf, 0, n);
}

static const struct timeval patience = { .tv_sec = TIMEOUT_S };

/* A socket of host 0 that waits for nothing for ever. */
static int open_fd(int type)
{
	int fd = (int)SYS3(socket, AF_INET, type, 0);

	if (fd >= 0) {
		(void)SYS5(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)SYS5(setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	return fd;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)SYS1(close, fd);
}

static int peer_open(int type, struct socket **sock)
{
	int err = sock_create_kern(hosts[1].net, AF_INET, type, 0, sock);

	if (err)
		return err;
	(void)sock_setsockopt((*sock)->sk, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)sock_setsockopt((*sock)->sk, SO_SNDTIMEO, &patience, sizeof(patience));
	return 0;
}

static void peer_close(struct socket *sock)
{
	if (sock)
		sock_release(sock);
}

static int peer_listen(u16 port, struct socket **sock)
{
	struct sockaddr_in a = name_of(HOST_IP(1), port);
	int err = peer_open(SOCK_STREAM, sock);

	if (!err)
		err = kernel_bind(*sock, &a);
	return err ? err : (*sock)->ops->listen(*sock, 8);
}

/* The struct of an accepted socket is the C library's: the kernel makes one only behind a descriptor. */
static int peer_accept(struct socket *l, struct socket **sock)
{
	struct socket *s = calloc(1, sizeof(*s));
	int err = l->ops->accept(l, s, 0);

	if (err) {
		free(s);
		return err;
	}
	(void)sock_setsockopt(s->sk, SO_RCVTIMEO, &patience, sizeof(patience));
	*sock = s;
	return 0;
}

static void peer_close_accepted(struct socket *s)
{
	if (!s)
		return;
	s->ops->release(s);
	free(s);
}

static ssize_t peer_io(struct socket *s, void *p, size_t n, bool send, u32 flags)
{
	struct iovec v = { p, n };
	struct msghdr m = { .msg_flags = send ? flags | MSG_NOSIGNAL : 0 };

	iov_iter_kvec(&m.msg_iter, &v, 1);
	return send ? s->ops->sendmsg(s, &m, n) : s->ops->recvmsg(s, &m, n, flags);
}

/* All of @n bytes, or why not; an end before them is -EPIPE. */
static int peer_read(struct socket *s, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t r = peer_io(s, in_buf + got, n - got, false, 0);

		if (r <= 0)
			return r ? (int)r : -EPIPE;
		got += (size_t)r;
	}
	return memcmp(in_buf, out_buf, n) ? WRONG : 0;
}

static int fd_read(int fd, size_t n)
{
	for (size_t got = 0; got < n;) {
		long r = SYS3(read, fd, in_buf + got, n - got);

		if (r <= 0)
			return r ? (int)r : -EPIPE;
		got += (size_t)r;
	}
	return memcmp(in_buf, out_buf, n) ? WRONG : 0;
}

/* In pieces of @piece bytes. */
static int fd_write(int fd, size_t n, size_t piece)
{
	for (size_t done = 0; done < n;) {
		size_t len = n - done < piece ? n - done : piece;
		long r = SYS6(sendto, fd, out_buf + done, len, MSG_NOSIGNAL, NULL, 0);

		if (r < 0)
			return (int)r;
		done += (size_t)r;
	}
	return 0;
}

/* --- Up and down ---------------------------------------------------------------------------------------------------------------- */
static int up(void)
{
	return machine_up(true);
}

static int none(void)
{
	return 0;
}

static void nothing(void)
{
}

static int run_global(void)
{
	step = "net_global_init()";
	return net_global_init();
}

static int run_boot(void)
{
	int err = 0;

	TRY(machine_up(true));
out:
	machine_down();
	return err;
}

static int run_open_close(void)
{
	int err = 0;

	dev_close(hosts[0].dev);
	TRY(dev_open(hosts[0].dev));
	host_clock_advance(1100 * NSEC_PER_MSEC);
out:
	return err;
}

/* --- TCP ----------------------------------------------------------------------------------------------------------------------- */
static int tcp_session(size_t n, size_t piece, int bufsize)
{
	struct socket *l = NULL, *s = NULL;
	u16 port = fresh_port();
	struct sockaddr_in to = name_of(HOST_IP(1), port);
	int err = 0, fd = -1;

	fill(n);
	TRY(peer_listen(port, &l));
	if (bufsize)
		TRY(sock_setsockopt(l->sk, SO_RCVBUF, &bufsize, sizeof(bufsize)));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	TRY(fd_write(fd, n, piece));
	TRY(peer_read(s, n));
	MUST(peer_io(s, out_buf, n, true, 0) == (ssize_t)n);
	TRY(fd_read(fd, n));
	TRY(SYS2(shutdown, fd, SHUT_WR));
	MUST(peer_io(s, in_buf, 1, false, 0) == 0);
	TRY(s->ops->shutdown(s, SHUT_WR));
	MUST(SYS3(read, fd, in_buf, 1) == 0);
out:
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

static int run_tcp(void)
{
	return tcp_session(6000, 6000, 0);
}

/* A connection that stands before anything fails, and 64 KiB through it. */
static struct {
	struct socket *listener, *peer;
	int fd;
} bulk;

static int up_with_connection(void)
{
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err;

	bulk.listener = bulk.peer = NULL;
	bulk.fd = -1;
	TRY(up());
	TRY(peer_listen(ntohs(to.sin_port), &bulk.listener));
	bulk.fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, bulk.fd, &to, sizeof(to)));
	TRY(peer_accept(bulk.listener, &bulk.peer));
	return 0;
out:
	return err;
}

/* Whatever fails for a while, or now and then for ever, a connection that stands brings everything across, and soon. */
static int run_tcp_bulk(void)
{
	u64 begin = ktime_get_ns();
	int err = 0;

	fill(sizeof(out_buf));
	TRY(fd_write(bulk.fd, sizeof(out_buf), sizeof(out_buf)));
	TRY(peer_read(bulk.peer, sizeof(in_buf)));
	MUST(ktime_get_ns() - begin < 60 * SEC);
out:
	return err ? WRONG : 0;
}

static void down_with_connection(void)
{
	close_fd(bulk.fd);
	peer_close_accepted(bulk.peer);
	peer_close(bulk.listener);
	machine_down();
}

/* The wire loses data now and then: retransmissions, selective acknowledgments, holes. */
static u32 data_frames;

static bool lose_some(u32 from, const u8 *frame, u32 len)
{
	(void)frame;
	return !from && len > 400 && data_frames++ % 4 == 0;
}

static int run_tcp_loss(void)
{
	int err;

	data_frames = 0;
	wire_filter = lose_some;
	err = tcp_session(14000, 14000, 0);
	wire_filter = NULL;
	return err;
}

static void stop_queue(bool stop)
{
	local_bh_disable();
	if (stop)
		netif_stop_queue(hosts[0].dev);
	else
		netif_wake_queue(hosts[0].dev);
	local_bh_enable();
}

/* The queue stands still for longer than a retransmission waits: what is sent again lies there already. */
static int run_tcp_stalled(void)
{
	struct socket *l = NULL, *s = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err = 0, fd = -1;

	fill(1000);
	TRY(peer_listen(ntohs(to.sin_port), &l));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	host_clock_advance(SEC / 10); /* the ring is empty: no completion wakes the queue */
	stop_queue(true);
	err = fd_write(fd, 2000, 2000);
	host_clock_advance(2 * SEC);
	stop_queue(false);
	TRY(err);
	TRY(peer_read(s, 2000));
out:
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

/*
 * The card never says what it has sent: while the first copy of a segment lies in its ring, the peer's acknowledgments
 * tell that it was lost, so a second copy is made beside it.
 */
static int run_tcp_never_done(void)
{
	struct socket *l = NULL, *s = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err = 0, fd = -1;

	fill(6000);
	TRY(peer_listen(ntohs(to.sin_port), &l));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	host_clock_advance(SEC / 10);
	card_never_done(0, true);
	data_frames = 0;
	wire_filter = lose_some;
	TRY(fd_write(fd, 6000, 6000));
	host_clock_advance(SEC);
	card_never_done(0, false);
	wire_filter = NULL;
	TRY(peer_read(s, 6000));
out:
	card_never_done(0, false);
	wire_filter = NULL;
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

static bool lose_first_tcp(u32 from, const u8 *frame, u32 len)
{
	return !from && len > 34 && frame[23] == 6 && !data_frames++;
}

/* The same with a byte alone, for which the driver made a longer frame of its own: the first one lies there unshared. */
static int run_tcp_byte_again(void)
{
	struct socket *l = NULL, *s = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err = 0, fd = -1;

	fill(1);
	TRY(peer_listen(ntohs(to.sin_port), &l));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	host_clock_advance(SEC / 10);
	data_frames = 0;
	wire_filter = lose_first_tcp;
	card_never_done(0, true);
	TRY(fd_write(fd, 1, 1));
	TRY(peer_read(s, 1));
	MUST(data_frames >= 2);
out:
	card_never_done(0, false);
	wire_filter = NULL;
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

/* Takes every frame of host 0 that bears text. */
static bool lose_text(u32 from, const u8 *frame, u32 len)
{
	(void)frame;
	return !from && len > 400;
}

/* A second descriptor of an original, to which its place in the order of sending would be a device and a route. */
static struct sk_buff *tap_of(struct sk_buff *orig)
{
	struct list_head place = orig->tsorted;
	struct sk_buff *tap;

	orig->dev = NULL;
	orig->_skb_refdst = 0;
	tap = skb_clone(orig);
	orig->tsorted = place;
	return tap;
}

/*
 * Somebody else reads the bytes while they are sent again: first of the same data (the copy gets headers of its own), then
 * of a copy, which leaves only the descriptor beside the original taken.
 */
static int run_tcp_tapped(void)
{
	struct socket *l = NULL, *s = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	struct sk_buff *tap = NULL, *head;
	int err = 0, fd = -1;
	struct file *f;

	fill(500);
	TRY(peer_listen(ntohs(to.sin_port), &l));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	wire_filter = lose_text;
	TRY(fd_write(fd, 500, 500));
	host_clock_advance(SEC / 10); /* what was sent is reclaimed */
	f = fget(fd);
	head = tcp_rtx_head(tcp_sk(((struct socket *)f->private_data)->sk));
	fput(f);
	tap = head ? tap_of(head) : NULL;
	host_clock_advance(SEC / 2);
	if (tap)
		TRY(pskb_expand_head(tap, 0, 0));
	host_clock_advance(2 * SEC);
	wire_filter = NULL;
	TRY(peer_read(s, 500));
out:
	consume_skb(tap);
	wire_filter = NULL;
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

/* A router on the way that takes no more than 1000 bytes and says so: segments on their way are cut. */
static bool narrow(u32 from, const u8 *frame, u32 len)
{
	static u8 f[14 + 20 + 8 + 28];
	struct iphdr *ip = (struct iphdr *)(f + 14);
	struct icmphdr *ic = (struct icmphdr *)(f + 34);

	if (from || len <= 1014 || frame[12] != 8 || frame[13])
		return false;
	memset(f, 0, sizeof(f));
	memcpy(f, hosts[0].dev->dev_addr, 6);
	memcpy(f + 6, hosts[1].dev->dev_addr, 6);
	f[12] = 8;
	*ip = (struct iphdr){ .ver_ihl = 0x45,
			      .tot_len = htons(sizeof(f) - 14),
			      .ttl = 64,
			      .protocol = 1,
			      .saddr = HOST_IP(1),
			      .daddr = HOST_IP(0) };
	ip->check = ip_fast_csum(ip, 5);
	*ic = (struct icmphdr){ .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED };
	ic->un.frag.mtu = htons(1000);
	memcpy(ic + 1, frame + 14, 28);
	ic->checksum = csum_fold(csum_partial(ic, 36, 0));
	wire_put(0, f, sizeof(f));
	return true;
}

static int run_tcp_pmtu(void)
{
	int err;

	wire_filter = narrow;
	err = tcp_session(9000, 9000, 0);
	wire_filter = NULL;
	return err;
}

/* Nobody reads: the window closes, and is asked for; then all of it comes. Both ends close with data on the way. */
static int run_tcp_zero_window(void)
{
	struct socket *l = NULL, *s = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	struct linger patient = { 1, 30 };
	int err = 0, fd = -1, small = 4096;
	long sent = 0;

	fill(30000);
	TRY(peer_listen(ntohs(to.sin_port), &l));
	TRY(sock_setsockopt(l->sk, SO_RCVBUF, &small, sizeof(small)));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	TRY(SYS5(setsockopt, fd, SOL_SOCKET, SO_LINGER, &patient, sizeof(patient)));
	for (u32 i = 0; i < 8 && sent < 30000; i++) {
		long r = SYS6(sendto, fd, out_buf + sent, 30000 - sent, MSG_NOSIGNAL | MSG_DONTWAIT,
			      NULL, 0);

		if (r < 0 && r != -EAGAIN)
			TRY(r);
		sent += r > 0 ? r : 0;
		host_clock_advance(SEC);
	}
	MUST(sent > 0);
	TRY(peer_read(s, (size_t)sent));
	TRY(peer_io(s, out_buf, 1000, true, MSG_DONTWAIT));
	TRY(SYS1(close, fd));
	fd = -1;
out:
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

/* Begins with its data, as far as the peer is known for it: @n bytes of a connection that both sides end. */
static int fastopen_session(struct socket *l, struct sockaddr_in *to, size_t n)
{
	struct socket *s = NULL;
	int err = 0, fd = -1;
	long sent;

	fd = (int)TRY(open_fd(SOCK_STREAM));
	sent = TRY(SYS6(sendto, fd, out_buf, n, MSG_FASTOPEN | MSG_NOSIGNAL, to, sizeof(*to)));

	for (; sent < (long)n;
	     sent += TRY(SYS6(sendto, fd, out_buf + sent, n - (size_t)sent, MSG_NOSIGNAL, NULL, 0)))
		;
	TRY(peer_accept(l, &s));
	TRY(peer_read(s, n));
	MUST(peer_io(s, out_buf, n, true, 0) == (ssize_t)n);
	TRY(fd_read(fd, n));
out:
	close_fd(fd);
	peer_close_accepted(s);
	return err;
}

/* Three connections: one asks for a cookie, two have data in the SYN. */
static int run_tcp_fastopen(void)
{
	struct socket *l = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	static const u8 key[16] = { 1, 2, 3 };
	int err = 0, most = 8;

	fill(3000);
	TRY(tcp_sysctl_set(hosts[1].net, "tcp_fastopen", "3"));
	TRY(peer_listen(ntohs(to.sin_port), &l));
	TRY(tcp_prot.setsockopt(l->sk, SOL_TCP, TCP_FASTOPEN, &most, sizeof(most)));
	TRY(tcp_prot.setsockopt(l->sk, SOL_TCP, TCP_FASTOPEN_KEY, key, sizeof(key)));
	TRY(fastopen_session(l, &to, 300));
	TRY(fastopen_session(l, &to, 300));
	TRY(fastopen_session(l, &to, 3000));
out:
	peer_close(l);
	return err;
}

/* To ourselves: what is sent comes back through the backlog. */
static int run_tcp_loopback(void)
{
	struct sockaddr_in me = name_of(IP4(127, 0, 0, 1), fresh_port());
	int err = 0, l = -1, fd = -1, s = -1;

	fill(20000);
	l = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(bind, l, &me, sizeof(me)));
	TRY(SYS2(listen, l, 1));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &me, sizeof(me)));
	s = (int)TRY(SYS4(accept4, l, NULL, NULL, 0));
	TRY(SYS5(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	TRY(fd_write(fd, 20000, 20000));
	TRY(fd_read(s, 20000));
	TRY(SYS2(shutdown, fd, SHUT_WR));
	MUST(SYS3(read, s, in_buf, 1) == 0);
out:
	close_fd(s);
	close_fd(fd);
	close_fd(l);
	return err;
}

/* A small window cuts segments in two, small segments are put together by the receiver. */
static int run_tcp_small(void)
{
	return tcp_session(5000, 100, 2304);
}

/* The server's side: several connections, accepted, one served, one reset by its peer. */
static int run_tcp_server(void)
{
	enum { CLIENTS = 3 };
	struct socket *c[CLIENTS] = { NULL };
	int fd[CLIENTS] = { -1, -1, -1 }, l = -1, err = 0;
	struct sockaddr_in me = name_of(HOST_IP(0), fresh_port()), from;
	struct linger hard = { 1, 0 };
	int flen = sizeof(from), keep = 2;

	fill(3000);
	l = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS5(setsockopt, l, SOL_TCP, TCP_SAVE_SYN, &keep, sizeof(keep)));
	TRY(SYS3(bind, l, &me, sizeof(me)));
	TRY(SYS2(listen, l, 8));
	for (u32 i = 0; i < CLIENTS; i++) {
		TRY(peer_open(SOCK_STREAM, &c[i]));
		TRY(c[i]->ops->connect(c[i], (struct sockaddr *)&me, sizeof(me), 0));
	}
	for (u32 i = 0; i < CLIENTS; i++) {
		fd[i] = (int)TRY(SYS4(accept4, l, &from, &flen, 0));
		TRY(SYS5(setsockopt, fd[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	}
	TRY(fd_write(fd[0], 3000, 3000));
	TRY(peer_read(c[0], 3000));
	TRY(sock_setsockopt(c[1]->sk, SO_LINGER, &hard, sizeof(hard)));
	peer_close(c[1]);
	c[1] = NULL;
	host_clock_advance(SEC);
	step = "read after a reset";
	err = (int)SYS3(read, fd[1], in_buf, 1);
	err = err == -ECONNRESET || err == 0 ? 0 : err;
out:
	for (u32 i = 0; i < CLIENTS; i++) {
		close_fd(fd[i]);
		peer_close(c[i]);
	}
	close_fd(l);
	return err;
}

static int expect(long got, int want)
{
	return got == want ? 0 : got < 0 ? (int)got : WRONG;
}

static int run_refused(void)
{
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err = 0, fd = -1;

	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(expect(SYS3(connect, fd, &to, sizeof(to)), -ECONNREFUSED));
out:
	close_fd(fd);
	return err;
}

/* --- UDP, ICMP, ARP ----------------------------------------------------------------------------------------------------------- */
static int run_udp(void)
{
	struct socket *s = NULL;
	u16 port = fresh_port();
	struct sockaddr_in to = name_of(HOST_IP(1), port), back;
	int err = 0, fd = -1;

	fill(1000);
	TRY(peer_open(SOCK_DGRAM, &s));
	TRY(kernel_bind(s, &to));
	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	for (u32 tries = 0;; tries++) { /* nobody promised that the first one arrives */
		TRY(SYS3(write, fd, out_buf, 1000));
		host_clock_advance(SEC / 2);
		err = (int)kernel_recvmsg(s, in_buf, sizeof(in_buf), &back);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 1000 && !memcmp(in_buf, out_buf, 1000));
	err = 0;
	for (u32 tries = 0;; tries++) {
		TRY(kernel_sendmsg(s, out_buf, 500, &back));
		host_clock_advance(SEC / 2);
		err = (int)SYS6(recvfrom, fd, in_buf, sizeof(in_buf), MSG_DONTWAIT, NULL, NULL);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 500 && !memcmp(in_buf, out_buf, 500));
	err = 0;
out:
	close_fd(fd);
	peer_close(s);
	return err;
}

/* A closed port answers by ICMP, the next call says so. */
/*
 * A datagram in fragments, each way of cutting it: built in pieces; gathered by calls, with control data, and cut once more when the MTU has
 * become smaller. It is joined there.
 */
static int run_udp_large(void)
{
	struct {
		struct cmsghdr c;
		int ttl, pad;
	} control = { .c = { sizeof(control.c) + sizeof(int), SOL_IP, IP_TTL }, .ttl = 9 };
	struct iovec iov = { out_buf, 1472 };
	struct user_msghdr m = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct socket *s = NULL;
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err = 0, fd = -1, cork;

	fill(6000);
	TRY(peer_open(SOCK_DGRAM, &s));
	TRY(kernel_bind(s, &to));
	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	for (u32 tries = 0;; tries++) {
		TRY(SYS3(write, fd, out_buf, 6000));
		host_clock_advance(SEC / 2);
		err = (int)kernel_recvmsg(s, in_buf, sizeof(in_buf), NULL);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 6000 && !memcmp(in_buf, out_buf, 6000));
	for (u32 tries = 0;; tries++) {
		cork = 1;
		TRY(SYS5(setsockopt, fd, SOL_UDP, UDP_CORK, &cork, sizeof(cork)));
		TRY(SYS3(sendmsg, fd, &m, 0));
		for (u32 i = 0; i < 7; i++)
			TRY(SYS3(write, fd, out_buf + 1472 + i, 1));
		TRY(dev_set_mtu(hosts[0].dev, tries & 1 ? 1499 : 1000));
		cork = 0;
		TRY(SYS5(setsockopt, fd, SOL_UDP, UDP_CORK, &cork, sizeof(cork)));
		host_clock_advance(SEC / 2);
		do { /* a slow one of those before may still come */
			err = (int)kernel_recvmsg(s, in_buf, sizeof(in_buf), NULL);
		} while (err == 6000);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 1479 && !memcmp(in_buf, out_buf, 1479));
	err = 0;
out:
	(void)dev_set_mtu(hosts[0].dev, 1500);
	close_fd(fd);
	peer_close(s);
	return err;
}

static int run_udp_refused(void)
{
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	int err = 0, fd = -1;

	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	for (u32 tries = 0;; tries++) {
		err = (int)SYS3(write, fd, out_buf, 10);
		host_clock_advance(SEC / 2);
		if (err < 0 || tries == 20)
			break;
	}
	step = "refused by ICMP";
	err = err == -ECONNREFUSED ? 0 : err < 0 ? err : WRONG;
out:
	close_fd(fd);
	return err;
}

/* Errors that are queued (IP_RECVERR): ours, of a datagram too large, and the peer's, about one with options of its own. */
static int run_errors(void)
{
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	static const int on = 1, discover = IP_PMTUDISC_DO;
	struct {
		struct cmsghdr c;
		u8 options[8];
	} note = { { sizeof(note.c) + 7, SOL_IP, IP_RETOPTS }, { 7, 7, 4 } };
	struct iovec v = { out_buf, 10 };
	struct user_msghdr m = { .msg_name = &to,
				 .msg_namelen = sizeof(to),
				 .msg_iov = &v,
				 .msg_iovlen = 1,
				 .msg_control = &note,
				 .msg_controllen = sizeof(note) };
	int err = 0, fd = -1;

	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_RECVERR, &on, sizeof(on)));
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)));
	MUST(SYS6(sendto, fd, out_buf, 2000, 0, &to, sizeof(to)) == -EMSGSIZE);
	TRY(SYS6(recvfrom, fd, in_buf, 100, MSG_ERRQUEUE, NULL, NULL));
	for (u32 tries = 0;; tries++) {
		err = (int)SYS3(sendmsg, fd, &m, 0);
		if (err < 0 && err != -ECONNREFUSED) /* the note was lost, not the error */
			break;
		host_clock_advance(SEC / 2);
		err = (int)SYS6(recvfrom, fd, in_buf, 100, MSG_ERRQUEUE, NULL, NULL);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 10);
	err = 0;
out:
	close_fd(fd);
	return err;
}

/* A listener whose options its connections have. */
static int run_tcp_options(void)
{
	struct sockaddr_in to = name_of(HOST_IP(1), fresh_port());
	static const u8 options[4] = { 1, 1, 1, 1 };
	struct socket *l = NULL, *s = NULL;
	int err = 0, fd = -1;

	TRY(peer_listen(ntohs(to.sin_port), &l));
	TRY(l->ops->setsockopt(l, SOL_IP, IP_OPTIONS, options, sizeof(options)));
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(peer_accept(l, &s));
	err = 0;
out:
	close_fd(fd);
	peer_close_accepted(s);
	peer_close(l);
	return err;
}

/* Filters: a datagram refused to its sender, a connection refused to the peer, a packet that waits in a queue. */
static struct nf_queue_entry *filter_held;

static int filter_holds(void *arg, struct nf_queue_entry *entry)
{
	(void)arg;
	filter_held = entry;
	return 0;
}

static u32 filter_queues(void *arg, struct sk_buff *skb, const struct nf_hook_state *state)
{
	(void)arg;
	(void)state;
	return ip_hdr(skb)->protocol == IPPROTO_UDP && !filter_held ? NF_QUEUE : NF_ACCEPT;
}

static void filter_lets_go(void)
{
	if (!filter_held)
		return;
	local_bh_disable();
	nf_reinject(filter_held, NF_ACCEPT);
	local_bh_enable();
	filter_held = NULL;
}

static int filter_refuses(int fd)
{
	for (u32 tries = 0; tries < 20; tries++) {
		long n = SYS3(write, fd, out_buf, 10);

		if (n != -EPERM)
			return n == -ECONNREFUSED ? 0 : n < 0 ? (int)n : WRONG;
		host_clock_advance(SEC);
	}
	return WRONG; /* the refusal to ourselves got lost every time */
}

static int run_filters(void)
{
	static const struct nf_hook_ops ops = { NF_INET_LOCAL_OUT, 10, filter_queues, NULL };
	struct sockaddr_in to = name_of(HOST_IP(1), 9), tcp = name_of(HOST_IP(1), 81);
	struct sockaddr_in free_to = name_of(HOST_IP(1), 10);
	bool handled = false, hooked = false;
	char why[NFT_WHY_MAX];
	int err = 0, fd = -1, tfd = -1;

	TRY(nft_add(hosts[0].net,
		    "out udp dport 9 reject; out ip ttl set 5; post policy drop; post accept",
		    why));
	TRY(nft_add(hosts[1].net, "in tcp dport 81 reject with tcp reset", why));
	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(filter_refuses(fd));
	tfd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(expect(SYS3(connect, tfd, &tcp, sizeof(tcp)), -ECONNREFUSED));
	TRY(nf_register_queue_handler(hosts[0].net, filter_holds, NULL));
	handled = true;
	TRY(nf_register_net_hook(hosts[0].net, &ops));
	hooked = true;
	TRY(SYS3(connect, fd, &free_to, sizeof(free_to)));
	TRY(SYS3(write, fd, out_buf, 10));
	MUST(filter_held);
out:
	filter_lets_go();
	if (hooked)
		nf_unregister_net_hook(hosts[0].net, &ops);
	if (handled)
		nf_unregister_queue_handler(hosts[0].net);
	close_fd(tfd);
	close_fd(fd);
	nft_flush(hosts[0].net);
	nft_flush(hosts[1].net);
	return err;
}

/* An echo request from the wire. */
static u32 replies;

static bool count_replies(u32 from, const u8 *frame, u32 len)
{
	replies +=
		!from && len > 34 && frame[12] == 8 && !frame[13] && frame[23] == 1 && !frame[34];
	return false;
}

static void put_ping(void)
{
	static u8 f[98];
	struct iphdr *ip = (struct iphdr *)(f + 14);

	memset(f, 0, sizeof(f));
	memcpy(f, hosts[0].dev->dev_addr, 6);
	memcpy(f + 6, hosts[1].dev->dev_addr, 6);
	f[12] = 8;
	*ip = (struct iphdr){ .ver_ihl = 0x45,
			      .tot_len = htons(84),
			      .ttl = 64,
			      .protocol = 1,
			      .saddr = HOST_IP(1),
			      .daddr = HOST_IP(0) };
	ip->check = ip_fast_csum(ip, 5);
	f[34] = 8;
	f[36] = 0xf7;
	f[37] = 0xff; /* the sum of 8, 0 and nothing else */
	wire_put(0, f, sizeof(f));
}

static int run_ping(void)
{
	int err = 0;

	replies = 0;
	wire_filter = count_replies;
	for (u32 tries = 0; !replies && tries < 20; tries++) {
		put_ping();
		host_clock_advance(SEC);
	}
	MUST(replies);
out:
	wire_filter = NULL;
	return err;
}

/* Raw, ping and packet sockets: a datagram of a protocol of our own, an echo, a frame; a tap that sees all of it. */
static int run_messages(void)
{
	struct sockaddr_in peer = name_of(HOST_IP(1), 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(0x88b5),
				  .sll_ifindex = (int)hosts[0].dev->ifindex };
	struct cmsghdr note = { sizeof(note), 77, 1 }; /* nobody's: skipped */
	struct iovec v = { out_buf, 100 };
	struct user_msghdr m = { .msg_name = &peer,
				 .msg_namelen = sizeof(peer),
				 .msg_iov = &v,
				 .msg_iovlen = 1,
				 .msg_control = &note,
				 .msg_controllen = sizeof(note) };
	int err = 0, all = -1, raw = -1, echo = -1;
	struct socket *s = NULL;

	fill(100);
	all = (int)TRY(SYS3(socket, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	TRY(sock_create_kern(hosts[1].net, AF_INET, SOCK_RAW, 250, &s));
	raw = (int)TRY(SYS3(socket, AF_INET, SOCK_RAW, 250));
	for (u32 tries = 0;; tries++) {
		TRY(SYS3(sendmsg, raw, &m, 0));
		host_clock_advance(SEC / 2);
		err = (int)kernel_recvmsg(s, in_buf, sizeof(in_buf), NULL);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 120 && !memcmp(in_buf + 20, out_buf, 100));
	echo = (int)TRY(SYS3(socket, AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	memset(out_buf, 0, 8);
	out_buf[0] = ICMP_ECHO;
	for (u32 tries = 0;; tries++) {
		TRY(SYS6(sendto, echo, out_buf, 64, 0, &peer, sizeof(peer)));
		host_clock_advance(SEC / 2);
		err = (int)SYS6(recvfrom, echo, in_buf, sizeof(in_buf), MSG_DONTWAIT, NULL, NULL);
		if (err != -EAGAIN || tries == 20)
			break;
	}
	MUST(TRY(err) == 64);
	TRY(SYS6(sendto, all, out_buf, 60, 0, &to, sizeof(to)));
	MUST(TRY(SYS6(recvfrom, all, in_buf, sizeof(in_buf), MSG_DONTWAIT, NULL, NULL)) > 0);
	err = 0;
out:
	close_fd(echo);
	close_fd(raw);
	close_fd(all);
	peer_close(s);
	return err;
}

/* Nobody has this address: three questions, then those who wait are told. */
static int run_arp(void)
{
	struct sockaddr_in nobody = name_of(IP4(10, 0, 0, 99), 9), peer = name_of(HOST_IP(1), 9);
	int err = 0, fd = -1, there = -1;

	there = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS6(sendto, there, out_buf, 10, 0, &peer, sizeof(peer)));
	host_clock_advance(SEC / 10);
	for (u8 i = 0; i < 10; i++) { /* more than the table's first buckets */
		struct sockaddr_in other = name_of(IP4(10, 0, 0, 100 + i), 9);

		TRY(SYS6(sendto, there, out_buf, 10, 0, &other, sizeof(other)));
	}
	fd = (int)TRY(open_fd(SOCK_STREAM));
	TRY(expect(SYS3(connect, fd, &nobody, sizeof(nobody)), -EHOSTUNREACH));
out:
	close_fd(fd);
	close_fd(there);
	return err;
}

/* A packet of five datagrams, as a layer above builds it for a device that may cut it. NULL without memory. */
static struct sk_buff *five_datagrams(u16 port)
{
	struct sk_buff *skb = alloc_skb(128);
	u8 *page = skb ? alloc_page() : NULL, *p;

	if (!page) {
		consume_skb(skb);
		return NULL;
	}
	memcpy(page, out_buf, 1000);
	skb_reserve(skb, 64);
	p = skb_put(skb, 42);
	memset(p, 0, 42);
	memcpy(p, hosts[1].dev->dev_addr, 6);
	memcpy(p + 6, hosts[0].dev->dev_addr, 6);
	p[12] = 8;
	*(struct iphdr *)(p + 14) = (struct iphdr){ .ver_ihl = 0x45,
						    .ttl = 64,
						    .protocol = IPPROTO_UDP,
						    .saddr = HOST_IP(0),
						    .daddr = HOST_IP(1) };
	put_unaligned_be16(9999, p + 34);
	put_unaligned_be16(port, p + 36);
	skb->network_header = 64 + 14;
	skb->transport_header = 64 + 34;
	skb->protocol = htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->dev = hosts[0].dev;
	(void)skb_add_frag(skb, page, 1000);
	page_put(page);
	skb_shinfo(skb)->gso_size = 200;
	skb_shinfo(skb)->gso_segs = 5;
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	return skb;
}

/* Cut by software, all of it or nothing, in order. */
static int run_gso(void)
{
	struct socket *s = NULL;
	u16 port = fresh_port();
	struct sockaddr_in to = name_of(HOST_IP(1), port), discard = name_of(HOST_IP(1), 9);
	int err = 0, got = 0, fd = -1;

	fill(1000);
	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS6(sendto, fd, out_buf, 10, 0, &discard, sizeof(discard)));
	TRY(peer_open(SOCK_DGRAM, &s));
	TRY(kernel_bind(s, &to));
	for (u32 tries = 0; got < 5 && tries < 20; tries++) {
		struct sk_buff *skb = five_datagrams(port);

		got = 0;
		err = skb ? 0 : -ENOMEM;
		TRY(err);
		err = dev_queue_xmit(skb);
		TRY(err);
		host_clock_advance(SEC);
		while (kernel_recvmsg(s, in_buf, sizeof(in_buf), NULL) == 200)
			got++;
	}
	err = 0;
	MUST(got == 5);
out:
	close_fd(fd);
	peer_close(s);
	return err;
}

/* One discipline after the other while datagrams flow; what one of them kept is gone with it, the next one carries on. */
static int run_qdiscs(void)
{
	static const char *const texts[] = { "fq", "fq_codel",
					     "tbf,rate=8mbit,burst=8kb,limit=0/fq",
					     "netem,delay=1ms,dup=100%,corrupt=50%,seed=1",
					     "pfifo_fast" };
	struct socket *s = NULL;
	u16 port = fresh_port();
	struct sockaddr_in to = name_of(HOST_IP(1), port);
	int err = 0, fd = -1, got = 0;
	struct qdisc_spec spec;
	const char *why;

	fill(200);
	TRY(peer_open(SOCK_DGRAM, &s));
	TRY(kernel_bind(s, &to));
	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		TRY(qdisc_parse(texts[i], &spec, &why));
		TRY(qdisc_graft(hosts[0].dev, &spec));
		for (u32 n = 0; n < 4; n++)
			TRY(SYS3(write, fd, out_buf, 200));
		host_clock_advance(2 * SEC);
		while (kernel_recvmsg(s, in_buf, sizeof(in_buf), NULL) == 200)
			got++;
	}
	MUST(got >= 16);
out:
	close_fd(fd);
	peer_close(s);
	return err;
}

/* More than queue and ring hold: the queue stops and is woken, what is too much is dropped and counted. */
static int run_burst(void)
{
	enum { PACKETS = 60 };
	struct socket *s = NULL;
	u16 port = fresh_port();
	struct sockaddr_in to = name_of(HOST_IP(1), port);
	int err = 0, fd = -1, got = 0;
	u64 resets = machine_resets();

	fill(200);
	TRY(peer_open(SOCK_DGRAM, &s));
	TRY(kernel_bind(s, &to));
	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(connect, fd, &to, sizeof(to)));
	TRY(SYS3(write, fd, out_buf, 200));
	host_clock_advance(2 * SEC); /* the address is known now, or asked for again */
	stop_queue(true);
	for (u32 i = 0; i < PACKETS; i++) {
		long r = SYS6(sendto, fd, out_buf, 200, MSG_DONTWAIT, NULL, 0);

		if (r < 0 && r != -EAGAIN && r != -ENOBUFS)
			TRY(r);
	}
	stop_queue(false);
	host_clock_advance(8 * SEC); /* a ring that stands still is reset after five: none may */
	MUST(machine_resets() == resets);
	while (kernel_recvmsg(s, in_buf, sizeof(in_buf), NULL) == 200)
		got++;
	MUST(got > 0);
out:
	stop_queue(false);
	close_fd(fd);
	peer_close(s);
	return err;
}

/* --- DHCP ---------------------------------------------------------------------------------------------------------------------- */
static u32 put_option(u8 *p, u32 at, u8 code, u32 v)
{
	p[at] = code;
	p[at + 1] = 4;
	put_unaligned_be32(v, p + at + 2);
	return at + 6;
}

/* The server stands on the wire: it takes what goes to port 67 and answers. */
static bool serve(u32 from, const u8 *frame, u32 len)
{
	static u8 f[42 + 300];
	const struct dhcphdr *q = (const struct dhcphdr *)(frame + 42);
	struct dhcphdr *a = (struct dhcphdr *)(f + 42);
	struct iphdr *ip = (struct iphdr *)(f + 14);
	struct udphdr *uh = (struct udphdr *)(f + 34);
	u32 at = 240;

	if (from || len < 42 + 243 || frame[23] != 17 || frame[37] != 67)
		return false;
	memset(f, 0, sizeof(f));
	memset(f, 0xff, 6);
	memcpy(f + 6, hosts[1].dev->dev_addr, 6);
	f[12] = 8;
	*a = (struct dhcphdr){ .op = 2,
			       .htype = 1,
			       .hlen = 6,
			       .xid = q->xid,
			       .yiaddr = HOST_IP(0),
			       .magic = htonl(DHCP_MAGIC) };
	memcpy(a->chaddr, q->chaddr, 16);
	f[42 + at++] = DHO_MESSAGE_TYPE;
	f[42 + at++] = 1;
	f[42 + at++] = frame[42 + 242] == DHCPDISCOVER ? DHCPOFFER : DHCPACK;
	at = put_option(f + 42, at, DHO_SUBNET_MASK, 0xffffff00);
	at = put_option(f + 42, at, DHO_ROUTERS, ntohl(HOST_IP(1)));
	at = put_option(f + 42, at, DHO_LEASE_TIME, 100);
	at = put_option(f + 42, at, DHO_SERVER_ID, ntohl(HOST_IP(1)));
	f[42 + at] = DHO_END;
	*uh = (struct udphdr){ .source = htons(67), .dest = htons(68), .len = htons(308) };
	*ip = (struct iphdr){ .ver_ihl = 0x45,
			      .tot_len = htons(328),
			      .ttl = 64,
			      .protocol = 17,
			      .saddr = HOST_IP(1),
			      .daddr = htonl(0xffffffff) };
	ip->check = ip_fast_csum(ip, 5);
	wire_put(0, f, sizeof(f));
	return true;
}

static int up_without_address(void)
{
	return machine_up(false);
}

static int run_dhcp(void)
{
	int err = 0;

	wire_filter = serve;
	TRY(dhcp_start(hosts[0].dev));
	TRY(dhcp_wait(hosts[0].net, ktime_get_ns() + TIMEOUT_S * SEC));
	host_clock_advance(60 * SEC); /* it is renewed after 50 s */
	MUST(inet_dev_has_addr(hosts[0].dev, HOST_IP(0)));
out:
	if (hosts[0].net->dhcp)
		dhcp_stop(hosts[0].net);
	(void)inet_addr_del(hosts[0].dev, HOST_IP(0));
	wire_filter = NULL;
	return err;
}

/* --- Tables ---------------------------------------------------------------------------------------------------------------------- */
static int run_routes(void)
{
	struct net *net = hosts[0].net;
	struct net_device *dev = hosts[0].dev;
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 9 };
	int err = 0;

	TRY(inet_addr_add(dev, IP4(192, 168, 7, 1), 24));
	TRY(ip_route_add(net, IP4(172, 16, 0, 0), 12, IP4(192, 168, 7, 9), dev));
	TRY(ip_route_add(net, 0, 0, HOST_IP(1), dev));
	TRY(neigh_add_permanent(net, IP4(192, 168, 7, 9), dev, mac));
	TRY(ip_route_del(net, IP4(172, 16, 0, 0), 12, IP4(192, 168, 7, 9), dev));
out:
	(void)ip_route_del(net, IP4(172, 16, 0, 0), 12, IP4(192, 168, 7, 9), dev);
	(void)ip_route_del(net, 0, 0, HOST_IP(1), dev);
	(void)inet_addr_del(dev, IP4(192, 168, 7, 1));
	return err;
}

static int run_sockopts(void)
{
	static const u8 record_route[8] = { 7, 7, 4 };
	u8 got[8];
	static const struct {
		int level, opt, val;
	} opts[] = { { SOL_SOCKET, SO_SNDBUF, 8192 },
		     { SOL_SOCKET, SO_RCVBUF, 8192 },
		     { SOL_SOCKET, SO_KEEPALIVE, 1 },
		     { SOL_SOCKET, SO_REUSEADDR, 1 },
		     { SOL_SOCKET, SO_PRIORITY, 6 },
		     { SOL_SOCKET, SO_RCVLOWAT, 1 },
		     { SOL_IP, IP_TOS, 16 },
		     { SOL_IP, IP_TTL, 5 },
		     { SOL_TCP, TCP_NODELAY, 1 },
		     { SOL_TCP, TCP_CORK, 1 },
		     { SOL_TCP, TCP_MAXSEG, 1000 },
		     { SOL_TCP, TCP_KEEPIDLE, 5 },
		     { SOL_TCP, TCP_USER_TIMEOUT, 900 },
		     { SOL_TCP, TCP_SYNCNT, 3 } };
	int err = 0, fd = -1, val, len;

	fd = (int)TRY(open_fd(SOCK_STREAM));
	for (u32 i = 0; i < ARRAY_SIZE(opts); i++) {
		TRY(SYS5(setsockopt, fd, opts[i].level, opts[i].opt, &opts[i].val, 4));
		len = 4;
		TRY(SYS5(getsockopt, fd, opts[i].level, opts[i].opt, &val, &len));
		MUST(len == 4 &&
		     (opts[i].opt == SO_SNDBUF || opts[i].opt == SO_RCVBUF || val >= opts[i].val));
	}
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_OPTIONS, record_route, sizeof(record_route)));
	len = sizeof(got);
	TRY(SYS5(getsockopt, fd, SOL_IP, IP_OPTIONS, got, &len));
	MUST(len == sizeof(got) && !memcmp(got, record_route, sizeof(got)));
	len = 4;
	TRY(SYS5(getsockopt, fd, SOL_SOCKET, SO_ERROR, &val, &len));
out:
	close_fd(fd);
	return err;
}

/* A member of a group: what routers are told may get lost. */
static int run_groups(void)
{
	struct ip_mreqn mr = { .imr_multiaddr = htonl(0xef010203), .imr_address = HOST_IP(0) };
	struct ip_mreq_source src = { htonl(0xef010204), HOST_IP(0), HOST_IP(1) };
	struct {
		struct ip_msfilter h;
		__be32 addr[70]; /* more than there is room for on a stack */
	} f = { { htonl(0xef010204), HOST_IP(0), MCAST_INCLUDE, 3 }, { 1, 2, 3 } };
	int err = 0, fd = -1, len = sizeof(f);

	fd = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof(src)));
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_MSFILTER, &f, sizeof(f)));
	TRY(SYS5(getsockopt, fd, SOL_IP, IP_MSFILTER, &f, &len));
	MUST(len == 28 && f.addr[2] == 3);
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)));
	TRY(SYS5(setsockopt, fd, SOL_IP, IP_DROP_MEMBERSHIP, &mr, sizeof(mr)));
out:
	close_fd(fd);
	return err;
}

/* --- Files ------------------------------------------------------------------------------------------------------------------------- */
static int run_poll(void)
{
	struct sockaddr_in me = name_of(HOST_IP(0), fresh_port());
	struct timeval now = { 0, 1000 };
	u64 set[FD_SETSIZE / 64] = { 0 };
	struct pollfd p[2];
	int err = 0, fd = -1, other = -1;

	fd = (int)TRY(open_fd(SOCK_DGRAM));
	other = (int)TRY(open_fd(SOCK_DGRAM));
	TRY(SYS3(bind, fd, &me, sizeof(me)));
	p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = other, .events = POLLIN };
	MUST(TRY(SYS3(poll, p, 2, 1)) == 0);
	for (u32 tries = 0; tries < 20; tries++) {
		TRY(SYS6(sendto, other, "x", 1, 0, &me, sizeof(me)));
		if (TRY(SYS3(poll, p, 2, 100)) > 0)
			break;
	}
	MUST(p[0].revents == POLLIN && !p[1].revents);
	set[fd / 64] = 1ULL << fd % 64;
	MUST(TRY(SYS5(select, fd + 1, set, NULL, NULL, &now)) == 1);
	MUST(TRY(SYS4(ppoll, p, 1, NULL, NULL)) == 1);
out:
	close_fd(other);
	close_fd(fd);
	return err;
}

static int run_files(void)
{
	enum { PARTS = 12 };
	struct iovec v[PARTS];
	int err = 0, fd = -1, two = -1, zero = -1;
	unsigned long area = 0;
	struct user_stat st;

	fd = (int)TRY(SYS3(open, "/proc/net/snmp", O_RDONLY, 0));
	MUST(TRY(SYS3(read, fd, in_buf, sizeof(in_buf))) > 100);
	two = (int)TRY(SYS1(dup, fd));
	TRY(SYS2(fstat, two, &st));
	TRY(SYS2(stat, "/proc/allocinfo", &st));
	zero = (int)TRY(SYS3(open, "/dev/zero", O_RDONLY, 0));
	for (u32 i = 0; i < PARTS; i++)
		v[i] = (struct iovec){ in_buf + 10 * i, 10 };
	MUST(TRY(SYS3(readv, zero, v, PARTS)) == 10 * PARTS);
	step = "mmap";
	area = (unsigned long)call(__NR_mmap, 0, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, U(-1), 0);
	if ((long)area < 0) {
		err = (int)(long)area;
		area = 0;
		goto out;
	}
	memset((void *)area, 1, 3 * PAGE_SIZE);
	TRY(SYS3(mprotect, area + PAGE_SIZE, PAGE_SIZE, PROT_READ));
	TRY(SYS2(munmap, area, PAGE_SIZE));
out:
	if (area)
		(void)SYS2(munmap, area, 3 * PAGE_SIZE);
	close_fd(zero);
	close_fd(two);
	close_fd(fd);
	return err;
}

static const int conn_errors[] = { -ECONNRESET, -EPIPE, -EAGAIN, -ECONNREFUSED, 0 };
static const int again[] = { -EAGAIN, 0 };
static const int held_back[] = { -ECONNRESET, -EPIPE, -EAGAIN, WRONG, 0 };
static const int lost[] = { -EAGAIN, WRONG, 0 };

const struct scenario scenarios[] = {
	{ "global", none, run_global, nothing, NULL, true },
	{ "boot", none, run_boot, nothing, NULL, false },
	{ "open_close", up, run_open_close, machine_down, NULL, false },
	{ "tcp", up, run_tcp, machine_down, conn_errors, false },
	{ "tcp_bulk", up_with_connection, run_tcp_bulk, down_with_connection, NULL, false },
	{ "tcp_loss", up, run_tcp_loss, machine_down, conn_errors, false },
	{ "tcp_stalled", up, run_tcp_stalled, machine_down, conn_errors, false },
	{ "tcp_never_done", up, run_tcp_never_done, machine_down, conn_errors, false },
	{ "tcp_byte_again", up, run_tcp_byte_again, machine_down, conn_errors, false },
	{ "tcp_tapped", up, run_tcp_tapped, machine_down, conn_errors, false },
	{ "tcp_pmtu", up, run_tcp_pmtu, machine_down, conn_errors, false },
	{ "tcp_zero_window", up, run_tcp_zero_window, machine_down, held_back, false },
	{ "tcp_loopback", up, run_tcp_loopback, machine_down, conn_errors, false },
	{ "tcp_fastopen", up, run_tcp_fastopen, machine_down, conn_errors, false },
	{ "tcp_small", up, run_tcp_small, machine_down, conn_errors, false },
	{ "tcp_server", up, run_tcp_server, machine_down, conn_errors, false },
	{ "tcp_refused", up, run_refused, machine_down, NULL, false },
	{ "udp", up, run_udp, machine_down, again, false },
	{ "udp_large", up, run_udp_large, machine_down, again, false },
	{ "udp_refused", up, run_udp_refused, machine_down, lost, false },
	{ "errors", up, run_errors, machine_down, lost, false },
	{ "tcp_options", up, run_tcp_options, machine_down, conn_errors, false },
	{ "filters", up, run_filters, machine_down, conn_errors, false },
	{ "ping", up, run_ping, machine_down, lost, false },
	{ "messages", up, run_messages, machine_down, lost, false },
	{ "arp", up, run_arp, machine_down, NULL, false },
	{ "burst", up, run_burst, machine_down, lost, false },
	{ "qdiscs", up, run_qdiscs, machine_down, lost, false },
	{ "gso", up, run_gso, machine_down, lost, false },
	{ "dhcp", up_without_address, run_dhcp, machine_down, NULL, false },
	{ "routes", up, run_routes, machine_down, NULL, false },
	{ "sockopts", up, run_sockopts, machine_down, NULL, false },
	{ "groups", up, run_groups, machine_down, NULL, false },
	{ "poll", up, run_poll, machine_down, NULL, false },
	{ "files", up, run_files, machine_down, NULL, false },
};
const u32 nr_scenarios = ARRAY_SIZE(scenarios);
