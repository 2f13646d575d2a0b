/* SPDX-License-Identifier: MIT */
/*
 * Two whole hosts in one process and a wire between them that delays, loses, doubles, reorders and corrupts by seed. Host 0 is 10.0.0.1, host 1
 * is 10.0.0.2. Everything a test needs to talk TCP between threads, and the census at the end.
 */
#ifndef WIRE_H
#define WIRE_H
#include "host.h"
#include "ktest.h"

/* No test needs everything that stands here. */
#pragma GCC diagnostic ignored "-Wunused-function"

/* The C library has one too. */
#define timeval kernel_timeval
#include "../../../../net/tcp/tcp_internal.h"

#include <drivers/loopback.h>
#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <net/etherdevice.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/socket.h>

#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))
#define PORT            5000

struct wire_frame {
	struct list_head node;
	u64 at_ns;
	u32 to, len;
	u8 b[];
};

static struct {
	u64 delay_ns;
	u32 loss_pm, dup_pm, reorder_pm, corrupt_pm; /* per mille of IPv4 frames */
	u64 rnd;
	struct list_head q;
	struct timer timer;
	bool (*filter)(u32 from, const u8 *b, u32 len); /* true: drop */
	u64 frames[2], dropped;
} wire;
static struct net *hosts[2];
static struct net_device *devs[2];

static u32 wire_rnd(u32 ceil)
{
	wire.rnd ^= wire.rnd << 13;
	wire.rnd ^= wire.rnd >> 7;
	wire.rnd ^= wire.rnd << 17;
	return (u32)(wire.rnd >> 11) % ceil;
}

static void wire_deliver(struct timer *t)
{
	u64 now = ktime_get_ns();

	while (!list_empty(&wire.q)) {
		struct wire_frame *f = list_first_entry(&wire.q, struct wire_frame, node);
		struct sk_buff *skb;

		if (f->at_ns > now) {
			mod_timer(t, f->at_ns);
			return;
		}
		list_del_init(&f->node);
		skb = netdev_alloc_skb(devs[f->to], f->len);
		if (skb) {
			memcpy(skb_put(skb, f->len), f->b, f->len);
			skb->protocol = eth_type_trans(skb, devs[f->to]);
			netif_receive_skb(skb);
		}
		free(f);
	}
}

static void wire_put(u32 from, const u8 *b, u32 len, u64 delay_ns)
{
	struct wire_frame *f = malloc(sizeof(*f) + len), *p;
	struct list_head *at = &wire.q;

	f->at_ns = ktime_get_ns() + delay_ns;
	f->to = !from;
	f->len = len;
	memcpy(f->b, b, len);
	list_for_each_entry(p, &wire.q, node) {
		if (p->at_ns > f->at_ns) {
			at = &p->node;
			break;
		}
	}
	list_add_tail(&f->node, at);
	mod_timer(&wire.timer, list_first_entry(&wire.q, struct wire_frame, node)->at_ns);
}

static netdev_tx_t wire_xmit(struct sk_buff *skb, struct net_device *d)
{
	u32 from = d == devs[1], len = skb->len;
	bool ip = skb->protocol == htons(0x0800);
	u64 delay = wire.delay_ns;
	u8 b[2048];

	CHECK(len <= sizeof(b));
	CHECK_EQ(skb_copy_bits(skb, 0, b, len), 0);
	consume_skb(skb);
	wire.frames[from]++;
	if (ip && ((wire.filter && wire.filter(from, b, len)) || wire_rnd(1000) < wire.loss_pm)) {
		wire.dropped++;
		return NETDEV_TX_OK;
	}
	if (ip && wire_rnd(1000) < wire.corrupt_pm)
		b[14 + wire_rnd(len - 14)] ^= (u8)(1 + wire_rnd(255));
	if (ip && wire_rnd(1000) < wire.reorder_pm)
		delay += wire.delay_ns / 2 + 200000;
	wire_put(from, b, len, delay);
	if (ip && wire_rnd(1000) < wire.dup_pm)
		wire_put(from, b, len, delay);
	return NETDEV_TX_OK;
}

static const struct net_device_ops wire_ops = { .ndo_start_xmit = wire_xmit };

static void hosts_up(u64 seed)
{
	static bool global;

	if (!global) {
		CHECK_EQ(net_global_init(), 0);
		host_console_quiet(true);
		global = true;
	}
	memset(&wire, 0, sizeof(wire));
	wire.delay_ns = 500000;
	wire.rnd = seed * 0x9e3779b97f4a7c15ULL + 1;
	INIT_LIST_HEAD(&wire.q);
	timer_setup_precise(&wire.timer, wire_deliver);
	for (u32 i = 0; i < 2; i++) {
		u8 mac[6] = { 2, 0, 0, 0, 0, (u8)(i + 1) };

		hosts[i] = net_alloc();
		CHECK_EQ(net_init(hosts[i]), 0);
		CHECK_EQ(loopback_init(hosts[i]), 0);
		CHECK_EQ(net_loopback_address(hosts[i]), 0);
		devs[i] = alloc_etherdev(hosts[i], 0);
		memcpy(devs[i]->dev_addr, mac, 6);
		devs[i]->netdev_ops = &wire_ops;
		CHECK_EQ(register_netdev(devs[i]), 0);
		CHECK_EQ(dev_open(devs[i]), 0);
		netif_carrier_on(devs[i]);
		CHECK_EQ(inet_addr_add(devs[i], IP4(10, 0, 0, i + 1), 24), 0);
	}
}

static void hosts_down(void)
{
	for (u32 i = 0; i < 2; i++)
		(void)tcp_net_drain(hosts[i], 2 * NSEC_PER_SEC);
	host_clock_advance(100000000);
	del_timer(&wire.timer);
	while (!list_empty(&wire.q)) {
		struct wire_frame *f = list_first_entry(&wire.q, struct wire_frame, node);

		list_del_init(&f->node);
		free(f);
	}
	for (u32 i = 0; i < 2; i++) {
		unregister_netdev(devs[i]);
		free_netdev(devs[i]);
		loopback_exit(hosts[i]);
		CHECK_EQ(hosts[i]->tcp->tw_count, 0);
		net_exit(hosts[i]);
		net_free(hosts[i]); /* asserts: no socket is left */
	}
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(timers_live(), 0);
}

/* --- Sockets ------------------------------------------------------------------------------------------------------------- */
static struct socket *tcp_socket(u32 h)
{
	struct socket *s = NULL;

	CHECK_EQ(sock_create_kern(hosts[h], AF_INET, SOCK_STREAM, 0, &s), 0);
	return s;
}

static struct sockaddr_in sin_of(u32 h, u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = IP4(10, 0, 0, h + 1) };
}

static struct socket *tcp_listener(u32 h, u16 port, int backlog)
{
	struct socket *s = tcp_socket(h);
	struct sockaddr_in a = sin_of(h, port);

	CHECK_EQ(kernel_bind(s, &a), 0);
	CHECK_EQ(s->ops->listen(s, backlog), 0);
	return s;
}

static int try_connect(struct socket *s, u32 to, u16 port, u32 flags)
{
	struct sockaddr_in a = sin_of(to, port);

	return s->ops->connect(s, (const struct sockaddr *)&a, sizeof(a), flags);
}

static struct socket *accepted(struct socket *l, u32 flags)
{
	struct socket *s = calloc(1, sizeof(*s));
	int err = l->ops->accept(l, s, flags);

	if (err) {
		free(s);
		return NULL;
	}
	return s;
}

/* An accepted socket was made by the test: only its insides go through the socket layer. */
static void close_accepted(struct socket *s)
{
	s->ops->release(s);
	free(s);
}

static ssize_t put(struct socket *s, const void *p, size_t n, u32 flags)
{
	struct iovec v = { (void *)(unsigned long)p, n };
	struct msghdr m = { .msg_flags = flags };

	iov_iter_init(&m.msg_iter, &v, 1);
	return s->ops->sendmsg(s, &m, n);
}

static ssize_t get(struct socket *s, void *p, size_t n, u32 flags)
{
	struct iovec v = { p, n };
	struct msghdr m = { 0 };

	iov_iter_init(&m.msg_iter, &v, 1);
	return s->ops->recvmsg(s, &m, n, flags);
}

static void set_opt(struct socket *s, int level, int opt, int val)
{
	int err = level == SOL_SOCKET ? sock_setsockopt(s->sk, opt, &val, sizeof(val))
				      : s->ops->setsockopt(s, level, opt, &val, sizeof(val));
	CHECK_EQ(err, 0);
}

static u8 pattern(u64 i)
{
	return (u8)(i * 131 + (i >> 8) * 17 + (i >> 16) * 7 + (i >> 24));
}

static void fill(u8 *p, u64 off, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = pattern(off + i);
}

static bool same(const u8 *p, u64 off, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != pattern(off + i))
			return false;
	return true;
}

/* A pair of connected sockets: [0] on host 0 (connected), [1] on host 1 (accepted). */
static void connected_pair(struct socket *s[2])
{
	struct socket *l = tcp_listener(1, PORT, 8);

	s[0] = tcp_socket(0);
	CHECK_EQ(try_connect(s[0], 1, PORT, 0), 0);
	s[1] = accepted(l, 0);
	CHECK(s[1] != NULL);
	sock_release(l);
}

static enum tcp_state state_of(struct socket *s)
{
	return (enum tcp_state)s->sk->sk_state;
}

#endif
