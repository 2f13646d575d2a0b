// SPDX-License-Identifier: MIT
/*
 * The machine of stack.h: records are read, calls are made, everything is taken down at the end.
 *
 * No call blocks but close() with SO_LINGER, which waits in virtual time.
 *
 * Interface: stack_args, stack_begin, stack_step, stack_do, stack_end; stack_slots, stack_target.
 * Above: fuzz_stack.c, fuzz_tcp.c.  Below: onehost.c, the socket layer, stack_wire.c, stack_check.c.
 * Context: process.  Owns: the sockets in the slots.
 */
#include "stack.h"

#include "../../net/tcp/tcp_internal.h"

#include <kernel/fault.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/inetdevice.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/sch_generic.h>
#include <net/stats.h>
#include <net/udp.h>

#define IO_MAX     5000u
#define NONBLOCK   04000u /* O_NONBLOCK, whose header has names that the C library has, too */
#define FIRST_PEER 40000u

struct stack_slot stack_slots[STACK_SLOTS];
static bool verbose;
static const u16 some_ports[4] = { 80, 0, 5000, 65535 };

static const u8 nr_args[NR_STACK_OPS] = {
	[OP_SOCKET] = 2,   [OP_BIND] = 3,  [OP_LISTEN] = 2,   [OP_CONNECT] = 2, [OP_ACCEPT] = 2,
	[OP_SEND] = 5,     [OP_RECV] = 4,  [OP_SHUTDOWN] = 2, [OP_CLOSE] = 1,   [OP_SETOPT] = 4,
	[OP_GETOPT] = 3,   [OP_ASK] = 2,   [OP_TIME] = 2,     [OP_PEER] = 3,    [OP_SEGMENT] = 13,
	[OP_DATAGRAM] = 3, [OP_ICMP] = 7,  [OP_RAW] = 28,     [OP_ARP] = 2,     [OP_DEVICE] = 2,
	[OP_FAULT] = 1,    [OP_PAGES] = 0,
};

static const char *const names[NR_STACK_OPS] = {
	"socket", "bind",   "listen", "connect", "accept", "send",  "recv",    "shutdown",
	"close",  "setopt", "getopt", "ask",     "time",   "peer",  "segment", "datagram",
	"icmp",   "raw",    "arp",    "device",  "fault",  "pages",
};

u32 stack_args(u8 op)
{
	return nr_args[op % NR_STACK_OPS];
}

/* --- Slots ---------------------------------------------------------------------------------------------------------------- */

static struct stack_slot *slot_of(struct fuzz_input *in)
{
	return &stack_slots[in_u8(in) % STACK_SLOTS];
}

/* What is known of a connection is kept, so that it can be reached when its socket is gone. */
static void remember(struct stack_slot *s)
{
	const struct sock *sk = s->sock ? s->sock->sk : NULL;

	if (!sk || !sk->sk_num)
		return;
	s->lport = sk->sk_num;
	s->rport = ntohs(sk->sk_dport);
	s->raddr = sk->sk_daddr;
}

struct stack_target stack_target(u8 byte)
{
	const struct stack_slot *s = &stack_slots[byte % 8 % STACK_SLOTS];
	struct stack_target t = { s->raddr, s->lport, s->rport };

	if (t.rport && t.raddr && !inet_addr_is_local(host.net, t.raddr))
		return t;
	t.raddr = byte & 0x40 ? IP4(192, 0, 2, 1) : PEER_IP;
	t.rport = (u16)(FIRST_PEER + (byte >> 3 & 7));
	return t;
}

static struct sockaddr_in address(u8 byte)
{
	const __be32 addr[8] = { PEER_IP,
				 OUR_IP,
				 0,
				 IP4(192, 0, 2, 1),
				 IP4(127, 0, 0, 1),
				 PEER_IP,
				 INADDR_BROADCAST,
				 IP4(224, 0, 0, 1) };

	return (struct sockaddr_in){ .sin_family = byte & 0x80 ? AF_UNSPEC : AF_INET,
				     .sin_port = htons(some_ports[byte >> 3 & 3]),
				     .sin_addr = addr[byte & 7] };
}

/* --- Sockets come and go ------------------------------------------------------------------------------------------------------ */

static void op_close(struct stack_slot *s)
{
	if (!s->sock)
		return;
	remember(s);
	if (s->accepted) {
		s->sock->ops->release(s->sock);
		free(s->sock);
	} else {
		sock_release(s->sock);
	}
	s->sock = NULL;
	s->accepted = false;
}

static void op_socket(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	int type = in_u8(in) & 1 ? SOCK_DGRAM : SOCK_STREAM;

	op_close(s);
	if (sock_create_kern(host.net, AF_INET, type, 0, &s->sock))
		s->sock = NULL; /* an allocation was made to fail */
}

static void op_accept(struct fuzz_input *in)
{
	struct stack_slot *l = slot_of(in), *s = slot_of(in);
	struct socket *sock;

	if (!l->sock || l == s)
		return;
	sock = calloc(1, sizeof(*sock));
	sock->type = SOCK_STREAM;
	if (l->sock->ops->accept(l->sock, sock, NONBLOCK)) {
		free(sock);
		return;
	}
	op_close(s);
	s->sock = sock;
	s->accepted = true;
	remember(s);
}

static void op_bind(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	struct sockaddr_in a = address(in_u8(in));

	a.sin_port = htons(some_ports[in_u8(in) % 4]);
	if (s->sock)
		(void)s->sock->ops->bind(s->sock, (const struct sockaddr *)(const void *)&a,
					 sizeof(a));
}

static void op_connect(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	struct sockaddr_in a = address(in_u8(in));

	if (!s->sock)
		return;
	(void)s->sock->ops->connect(s->sock, (const struct sockaddr *)(const void *)&a, sizeof(a),
				    NONBLOCK);
	remember(s);
}

/* --- Data ----------------------------------------------------------------------------------------------------------------------- */

static const u32 send_flags[4] = { 0, MSG_MORE, MSG_NOSIGNAL, MSG_OOB };
static const u32 recv_flags[8] = { 0,
				   MSG_PEEK,
				   MSG_TRUNC,
				   MSG_WAITALL,
				   MSG_OOB,
				   0,
				   MSG_PEEK | MSG_TRUNC,
				   MSG_WAITALL | MSG_PEEK };

static void op_send(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	u8 flags = in_u8(in), whom = in_u8(in);
	u32 len = in_u16(in) % (IO_MAX + 1), first = 0;
	struct sockaddr_in to = address(whom);
	struct msghdr m = { .msg_flags = send_flags[flags % 4] | MSG_DONTWAIT };
	struct iovec iov;
	ssize_t n;

	if (!s->sock)
		return;
	if (s->sock->type == SOCK_STREAM)
		first = tcp_sk(s->sock->sk)->write_seq;
	else if (whom & 0x40)
		m = (struct msghdr){ .msg_flags = m.msg_flags,
				     .msg_name = &to,
				     .msg_namelen = sizeof(to) };
	iov = (struct iovec){ malloc(len + 1), len };
	for (u32 i = 0; i < len; i++)
		((u8 *)iov.iov_base)[i] = stack_byte(first + i);
	iov_iter_kvec(&m.msg_iter, &iov, 1);
	n = s->sock->ops->sendmsg(s->sock, &m, len);
	FUZZ_CHECK(n < 0 || (size_t)n <= len);
	free(iov.iov_base);
	remember(s);
}

static void op_recv(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	u32 flags = recv_flags[in_u8(in) % 8], len = in_u16(in) % (IO_MAX + 1), first = 0;
	struct sockaddr_storage from;
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from) };
	struct iovec iov;
	ssize_t n;

	if (!s->sock)
		return;
	if (s->sock->type == SOCK_STREAM)
		first = tcp_sk(s->sock->sk)->copied_seq;
	iov = (struct iovec){ malloc(len + 1), len };
	iov_iter_kvec(&m.msg_iter, &iov, 1);
	n = s->sock->ops->recvmsg(s->sock, &m, len, flags | MSG_DONTWAIT);
	FUZZ_CHECK(n <= (ssize_t)len || (flags & MSG_TRUNC));
	if (!(s->sock->type == SOCK_STREAM && (flags & MSG_TRUNC)))
		for (u32 i = 0; n > 0 && i < (u32)n && i < len; i++)
			FUZZ_CHECK_EQ(((u8 *)iov.iov_base)[i], stack_byte(first + i));
	free(iov.iov_base);
}

/* --- Options, questions --------------------------------------------------------------------------------------------------------- */

static const struct {
	int level, opt;
	u32 scale; /* of the two bytes of value */
} sockopts[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ SOL_SOCKET, SO_SNDBUF, 16 },
	{ SOL_SOCKET, SO_RCVBUF, 16 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ SOL_SOCKET, SO_LINGER, 1 },
	{ SOL_SOCKET, SO_RCVLOWAT, 1 },
	{ SOL_SOCKET, SO_BROADCAST, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 1 },
	{ SOL_SOCKET, SO_ERROR, 1 },
	{ SOL_SOCKET, SO_RCVTIMEO, 1 },
	{ SOL_TCP, TCP_NODELAY, 1 },
	{ SOL_TCP, TCP_MAXSEG, 1 },
	{ SOL_TCP, TCP_CORK, 1 },
	{ SOL_TCP, TCP_KEEPIDLE, 1 },
	{ SOL_TCP, TCP_KEEPINTVL, 1 },
	{ SOL_TCP, TCP_KEEPCNT, 1 },
	{ SOL_TCP, TCP_SYNCNT, 1 },
	{ SOL_TCP, TCP_LINGER2, 1 },
	{ SOL_TCP, TCP_WINDOW_CLAMP, 1 },
	{ SOL_TCP, TCP_QUICKACK, 1 },
	{ SOL_TCP, TCP_USER_TIMEOUT, 16 },
	{ SOL_TCP, TCP_INFO, 1 },
	{ SOL_TCP, TCP_CONGESTION, 1 },
	{ SOL_IP, IP_TOS, 1 },
	{ SOL_IP, IP_TTL, 1 },
	{ SOL_IP, IP_MTU_DISCOVER, 1 },
	{ SOL_IP, IP_MTU, 1 },
	{ SOL_UDP, 1, 1 },
};

static void op_setopt(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	u32 i = in_u8(in) % ARRAY_SIZE(sockopts), value = in_u16(in);
	int v[4] = { (int)(value * sockopts[i].scale), 0 };
	u32 len = sizeof(int);

	if (!s->sock)
		return;
	if (sockopts[i].opt == SO_LINGER && sockopts[i].level == SOL_SOCKET) {
		v[0] = (int)(value & 1);
		v[1] = (int)(value >> 1 & 3);
		len = sizeof(struct linger);
	} else if (sockopts[i].opt == SO_RCVTIMEO && sockopts[i].level == SOL_SOCKET) {
		len = sizeof(v);
	}
	if (sockopts[i].level == SOL_SOCKET)
		(void)sock_setsockopt(s->sock->sk, sockopts[i].opt, v, len);
	else
		(void)s->sock->ops->setsockopt(s->sock, sockopts[i].level, sockopts[i].opt, v, len);
}

static void op_getopt(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	u32 i = in_u8(in) % ARRAY_SIZE(sockopts), len = in_u8(in) + 1u;
	u8 *room;

	if (!s->sock)
		return;
	room = calloc(1, 256); /* kernel memory as large as the system call has it */
	if (sockopts[i].level == SOL_SOCKET)
		(void)sock_getsockopt(s->sock->sk, sockopts[i].opt, room, &len);
	else
		(void)s->sock->ops->getsockopt(s->sock, sockopts[i].level, sockopts[i].opt, room,
					       &len);
	FUZZ_CHECK(len <= 256);
	free(room);
}

static void op_ask(struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	struct sockaddr_storage ss;
	int value = 0;
	u8 what = in_u8(in) % 5;

	if (!s->sock)
		return;
	if (what == 0)
		(void)s->sock->ops->poll(s->sock);
	else if (what == 1 && !s->sock->ops->ioctl(s->sock, FIONREAD, &value))
		FUZZ_CHECK(value >= 0);
	else if (what == 2 && !s->sock->ops->ioctl(s->sock, SIOCOUTQ, &value))
		FUZZ_CHECK(value >= 0);
	else if (what >= 3)
		(void)s->sock->ops->getname(s->sock, &ss, what == 4);
}

static void op_pages(void)
{
	static const proc_show_t shows[] = { tcp_show, udp_show,   sockstat_show,
					     dev_show, snmp_show,  netstat_show,
					     arp_show, route_show, qdisc_show };
	char *text = malloc(4096);

	for (u32 i = 0; i < ARRAY_SIZE(shows); i++) {
		struct seq_file m = { .buf = text, .size = 4096, .arg = host.net };

		text[0] = '\0';
		shows[i](&m);
		FUZZ_CHECK(m.len < m.size);
	}
	free(text);
}

/* --- The device, memory, time ------------------------------------------------------------------------------------------------------ */

static void op_device(struct fuzz_input *in)
{
	u8 what = in_u8(in) % 10, value = in_u8(in);

	local_bh_disable();
	if (what == 0)
		netif_stop_queue(host.dev);
	else if (what == 1)
		netif_wake_queue(host.dev);
	else if (what == 2)
		netif_carrier_off(host.dev);
	else if (what == 3)
		netif_carrier_on(host.dev);
	host.hold = what == 4 || (host.hold && what != 5);
	local_bh_enable();
	if (what == 5)
		onehost_tx_done();
	else if (what == 6)
		(void)dev_set_mtu(host.dev, 68 + value * 6u);
	else if (what == 7)
		(void)inet_addr_del(host.dev, OUR_IP);
	else if (what == 8)
		(void)inet_addr_add(host.dev, OUR_IP, 24);
	else if (what == 9 && netif_running(host.dev) && value & 1)
		dev_close(host.dev);
	else if (what == 9)
		(void)dev_open(host.dev);
}

static const enum fault_point kinds[4] = { FAULT_ALLOC, FAULT_ALLOC, FAULT_QDISC_DROP,
					   FAULT_ARP_TIMEOUT };

static void op_fault(struct fuzz_input *in)
{
	u8 n = in_u8(in);

	faults[kinds[n >> 6]] = (struct fault){ .on = true, .at = n % 64 + 1, .times = 1 };
	faults_armed = true;
}

static void no_faults(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		faults[kinds[i]] = (struct fault){ .on = false };
	faults_armed = false;
}

/* Milliseconds, or seconds: delayed ACKs and retransmissions, or keep-alives and the ends of states. */
static void op_time(struct fuzz_input *in)
{
	u8 unit = in_u8(in), n = in_u8(in);

	host_clock_advance(n * (unit & 3 ? 5 * NSEC_PER_MSEC : NSEC_PER_SEC));
}

/* --- The machine ------------------------------------------------------------------------------------------------------------------ */

static void on_slot(u8 op, struct fuzz_input *in)
{
	struct stack_slot *s = slot_of(in);
	u8 arg = op == OP_CLOSE ? 0 : in_u8(in);

	if (op == OP_CLOSE)
		op_close(s);
	else if (op == OP_LISTEN && s->sock)
		(void)s->sock->ops->listen(s->sock, (s8)arg);
	else if (op == OP_SHUTDOWN && s->sock)
		(void)s->sock->ops->shutdown(s->sock, arg % 4);
	if (s->sock)
		remember(s);
}

static void execute(u8 op, struct fuzz_input *in)
{
	static void (*const ops[NR_STACK_OPS])(struct fuzz_input * in) = {
		[OP_SOCKET] = op_socket,
		[OP_BIND] = op_bind,
		[OP_CONNECT] = op_connect,
		[OP_ACCEPT] = op_accept,
		[OP_SEND] = op_send,
		[OP_RECV] = op_recv,
		[OP_SETOPT] = op_setopt,
		[OP_GETOPT] = op_getopt,
		[OP_ASK] = op_ask,
		[OP_TIME] = op_time,
		[OP_PEER] = stack_peer,
		[OP_SEGMENT] = stack_segment,
		[OP_DATAGRAM] = stack_datagram,
		[OP_ICMP] = stack_icmp,
		[OP_RAW] = stack_raw,
		[OP_ARP] = stack_arp,
		[OP_DEVICE] = op_device,
		[OP_FAULT] = op_fault,
	};

	if (ops[op])
		ops[op](in);
	else if (op == OP_PAGES)
		op_pages();
	else
		on_slot(op, in);
}

/* HOST_VERBOSE=1: what is played and what leaves, for whoever reads a finding. */
static void show(u8 op, const struct fuzz_input *args)
{
	fprintf(stderr, "%8.3f %s", (double)host_clock() / 1e9, names[op]);
	for (size_t i = 0; i < args->left; i++)
		fprintf(stderr, " %u", args->p[i]);
	fprintf(stderr, "\n");
}

void stack_begin(void)
{
	verbose = getenv("HOST_VERBOSE") != NULL;
	memset(stack_slots, 0, sizeof(stack_slots));
	host.on_packet = stack_wire_out;
	stack_wire_begin();
	no_faults();
}

bool stack_step(struct fuzz_input *in)
{
	struct fuzz_input args;
	u8 op;

	if (!in->left)
		return false;
	op = in_u8(in) % NR_STACK_OPS;
	args.p = in_bytes(in, nr_args[op], &args.left);
	if (verbose)
		show(op, &args);
	execute(op, &args);
	stack_check_all();
	return true;
}

void stack_do(const u8 *record, size_t size)
{
	struct fuzz_input in = { record, size };

	while (stack_step(&in))
		;
}

void stack_end(void)
{
	no_faults();
	for (u32 i = 0; i < STACK_SLOTS; i++)
		op_close(&stack_slots[i]);
	stack_check_all();
	host.hold = false;
	onehost_tx_done();
	local_bh_disable();
	netif_wake_queue(host.dev);
	local_bh_enable();
	(void)tcp_net_drain(host.net, 0);
	onehost_tx_done();
	FUZZ_CHECK_EQ(host.net->tcp->orphan_count, 0);
	FUZZ_CHECK_EQ(host.net->tcp->tw_count, 0);
}
