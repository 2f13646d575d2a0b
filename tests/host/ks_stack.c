// SPDX-License-Identifier: MIT
/*
 * One instance of the stack on a device without link header whose wire is the caller of libdoorbell: what a driver would
 * do with frames, it does with datagrams; what an interrupt would do with time, each call does with the caller's clock.
 *
 *   caller --stack_rx--> netif_rx -> NET_RX -> the stack -> ndo_start_xmit --> host.tx
 *   caller --stack_call--> sys_call_table[]
 *
 * The caller's thread is the kernel's thread "init" and never blocks: sockets are O_NONBLOCK. Only a close() that lingers
 * runs in a kernel thread, while the caller waits in host.wait().
 *
 * Interface: ks_stack.h.  Above: ks.c.  Below: arch_host.c, net/, the kernel's services.
 * Context: process.  Owns: the instance, its device, a watch for each descriptor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library has one too. */
#define timeval kernel_timeval
#include <drivers/loopback.h>
#include <kernel/arch.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/netdevice.h>
#include <net/route.h>
#include <net/socket.h>
#include <net/tcp.h>

#include "host.h"
#include "ks_stack.h"

#define ARENA_BYTES (64UL << 20)
#define MTU_MIN     68u
#define MTU_MAX     65535u
#define STD_FILES   3 /* descriptors that a process finds open */
#define BUFFERS_RX  "4096 131072 15728640"
#define BUFFERS_TX  "4096 16384 15728640"

/* Who looks at a descriptor's readiness. */
struct watch {
	struct wait_queue_entry wait; /* on the socket's queue; empty node: no socket */
	uint64_t gen;                 /* events; 0: no descriptor */
};

#define KS_FDS     1024 /* descriptors that a script can have */
#define OWNERS_MAX 2048

/* Do news find the sockets owned? */
enum owned { OWNED_NEVER, OWNED_EACH, OWNED_FLUSH, OWNED_BATCH, NR_OWNED };

/* A close() on its way; lives on the stack of the thread that waits for it. */
struct closing {
	struct list_head node;
	struct sock *sk; /* counted */
	int fd;
	bool waited, done;
};

static struct {
	struct stack_host host;
	struct net *net; /* NULL: stopped */
	struct net_device *dev;
	bool mute; /* stopping: nothing is sent */
	struct list_head closings;
	struct watch watch[KS_FDS];
	enum owned owned;
	struct sock *owner[OWNERS_MAX]; /* those that are owned just now, counted */
	u32 nr_owners;
} ks = { .closings = LIST_HEAD_INIT(ks.closings) };

/* --- Time ------------------------------------------------------------------------------------------------------------- */
static u64 next_ns(void)
{
	unsigned long flags = arch_irq_save();
	u64 next = timer_next_ns();

	arch_irq_restore(flags); /* what is due is delivered here */
	return next;
}

/* Everything that can happen at this time: due timers, softirqs, threads. */
static void settle(void)
{
	do {
		while (threads_runnable())
			schedule();
	} while (next_ns() <= host_clock() || threads_runnable());
}

/* --- Owners at work -------------------------------------------------------------------------------------------------- */
/*
 * Where one thread calls, nothing comes in the middle of a call. With KS_OWNED in the environment it does: packets and timers find
 * every socket that a thread can reach owned, as if all were at work just then. "each": they let go after each packet. "flush": they
 * also look at the backlog before, as a long sendmsg() does. "batch": they let go before the next call, so that all packets of one time
 * wait.
 */
static enum owned wanted_owned(void)
{
	static const char *const names[NR_OWNED] = { "", "each", "flush", "batch" };
	const char *word = getenv("KS_OWNED");
	u32 i = 0;

	while (word && i < NR_OWNED && strcmp(word, names[i]) != 0)
		i++;
	BUG_ON(i == NR_OWNED);
	return (enum owned)i;
}

static void own(void)
{
	struct sock *sk;

	if (!ks.owned || ks.mute)
		return;
	list_for_each_entry(sk, &ks.net->socks, sk_all) {
		if (!sk->sk_socket || sk->sk_owned)
			continue;
		BUG_ON(ks.nr_owners == OWNERS_MAX);
		sock_hold(sk);
		lock_sock(sk);
		ks.owner[ks.nr_owners++] = sk;
	}
}

static void let_go(void)
{
	for (u32 i = 0; i < ks.nr_owners; i++) {
		struct sock *sk = ks.owner[i];

		if (ks.owned == OWNED_FLUSH)
			(void)sk_flush_backlog(sk);
		release_sock(sk);
		sock_put(sk);
	}
	ks.nr_owners = 0;
}

/* --- In and out ------------------------------------------------------------------------------------------------------- */
/*
 * A thread of the caller comes in: its stack is the one of thread "init" now, its time is ours (which never goes back),
 * and what was due before it came has happened.
 */
static void enter(void)
{
	u64 now = ks.host.now_us() * NSEC_PER_USEC;

	host_stack_changed();
	let_go();
	if (now > host_clock()) {
		own();
		host_clock_set(now);
		(void)next_ns();
		let_go();
	}
	settle();
}

uint64_t stack_next_us(void)
{
	u64 next;

	if (!ks.net)
		return UINT64_MAX;
	let_go();
	next = next_ns(); /* at the time of the last call, which has settled: a question, nothing runs */
	return next == UINT64_MAX ? next : DIV_ROUND_UP(next, NSEC_PER_USEC);
}

void stack_run(void)
{
	if (ks.net)
		enter();
}

/* --- The device --------------------------------------------------------------------------------------------------------- */
static netdev_tx_t ks_xmit(struct sk_buff *skb, struct net_device *dev)
{
	BUG_ON(skb->data_len || skb->ip_summed == CHECKSUM_PARTIAL);
	dev->stats.tx_packets++;
	dev->stats.tx_bytes += skb->len;
	if (!ks.mute)
		ks.host.tx(skb->data, skb->len);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops ks_ops = { .ndo_start_xmit = ks_xmit };

static int device_init(const struct stack_config *c)
{
	struct net_device *dev = alloc_netdev(ks.net, 0, "tun0", 1);
	int err;

	if (!dev)
		return -ENOMEM;
	ks.dev = dev;
	dev->netdev_ops = &ks_ops;
	dev->flags = IFF_NOARP | IFF_BROADCAST;
	dev->priv_flags = IFF_NO_QUEUE | IFF_XMIT_DST_RELEASE;
	/* What is written lies in large packets, as over any Linux device, and is charged as there; but each leaves TCP as one segment. */
	dev->features = NETIF_F_GSO;
	dev->gso_max_segs = 1;
	dev->mtu = c->mtu;
	dev->min_mtu = MTU_MIN;
	dev->max_mtu = MTU_MAX;
	err = register_netdev(dev);
	if (!err)
		err = dev_open(dev);
	if (!err)
		err = inet_addr_add(dev, (__force __be32)c->ip, (u8)c->prefixlen);
	if (!err && c->gw)
		err = ip_route_add(ks.net, 0, 0, (__force __be32)c->gw, dev);
	return err;
}

static void device_exit(void)
{
	if (!ks.dev)
		return;
	if (!list_empty(&ks.dev->dev_list))
		unregister_netdev(ks.dev);
	free_netdev(ks.dev);
	ks.dev = NULL;
}

void stack_rx(const void *ip, size_t len)
{
	struct sk_buff *skb;

	if (!ks.net || !len || len > MTU_MAX)
		return;
	if (ks.nr_owners)
		host_stack_changed();
	else
		enter();
	own();
	local_bh_disable();
	skb = netdev_alloc_skb(ks.dev, (u32)len);
	if (skb) {
		memcpy(skb_put(skb, (u32)len), ip, len);
		skb->protocol = htons(ETH_P_IP);
		skb->pkt_type = PACKET_HOST;
		ks.dev->stats.rx_packets++;
		ks.dev->stats.rx_bytes += len;
		netif_rx(skb);
	}
	local_bh_enable();
	if (ks.owned != OWNED_BATCH)
		let_go();
	if (!ks.nr_owners)
		settle();
}

/* --- Descriptors --------------------------------------------------------------------------------------------------------- */
/*
 * The caller cannot know which channel belongs to which socket (only wait() shows one), so everybody is woken. IF=0.
 */
static void readiness_changed(struct wait_queue_entry *w, unsigned int events)
{
	(void)events;
	container_of(w, struct watch, wait)->gen++;
	ks.host.wake(NULL);
}

static void watch_begin(int fd)
{
	struct watch *w = &ks.watch[fd];
	struct wait_queue_head *wq;
	struct file *f = fget(fd);

	(void)f->ops->poll(f, &wq);
	init_wait(&w->wait);
	w->wait.func = readiness_changed;
	w->gen = 1;
	add_wait_queue(wq, &w->wait);
	fput(f);
}

static bool watched(int fd)
{
	return ks.net && fd >= 0 && fd < KS_FDS && ks.watch[fd].gen;
}

static void watch_end(int fd)
{
	remove_wait_queue(&ks.watch[fd].wait);
	ks.watch[fd].gen = 0;
}

long stack_call(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
		unsigned long e)
{
	long ret;

	if (!ks.net)
		return -ENODEV;
	BUG_ON(nr < 0 || nr >= NR_SYSCALLS || !sys_call_table[nr]);
	enter();
	ret = sys_call_table[nr](a, b, c, d, e, 0);
	settle();
	return ret;
}

long stack_call_fd(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	long fd = stack_call(nr, a, b, c, d, 0);

	if (fd >= KS_FDS) {
		enter();
		fd_close((int)fd);
		settle();
		return -EMFILE;
	}
	if (fd >= 0)
		watch_begin((int)fd);
	return fd;
}

int stack_ioctl(int fd, unsigned long req, void *arg)
{
	struct file *f;
	long ret;

	if (!watched(fd))
		return -EBADF;
	enter();
	f = fget(fd);
	ret = f->ops->ioctl(f, req, (unsigned long)arg);
	fput(f);
	settle();
	return (int)ret;
}

unsigned int stack_poll(int fd)
{
	struct wait_queue_head *wq;
	unsigned int mask;
	struct file *f;

	if (!watched(fd))
		return POLLNVAL;
	enter();
	f = fget(fd);
	mask = f->ops->poll(f, &wq);
	fput(f);
	settle();
	return mask & (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP | POLLPRI);
}

uint64_t stack_poll_gen(int fd)
{
	return watched(fd) ? ks.watch[fd].gen : 0;
}

/* --- close() -------------------------------------------------------------------------------------------------------------- */
static void closing_main(void *arg)
{
	struct closing *c = arg;

	fd_close(c->fd);
	list_del_init(&c->node);
	sock_put(c->sk);
	c->done = true;
	if (c->waited)
		ks.host.wake(c);
}

/* The thread is there and has not run yet. What it waits for comes in while the caller sleeps. */
static void closing_wait(struct closing *c, u64 deadline_us)
{
	settle();
	while (!c->done) {
		c->waited = true;
		(void)ks.host.wait(c, deadline_us);
		if (c->done) /* maybe by stack_stop(): then nothing of the stack is left */
			return;
		enter();
	}
}

static struct sock *sock_of(int fd)
{
	struct file *f = fget(fd);
	struct sock *sk = ((struct socket *)f->private_data)->sk;

	fput(f);
	return sk;
}

int stack_close(int fd, uint64_t linger_us)
{
	struct closing c = { .fd = fd };
	u64 now_us;

	if (!watched(fd))
		return -EBADF;
	enter();
	now_us = host_clock() / NSEC_PER_USEC;
	watch_end(fd);
	c.sk = sock_of(fd);
	sock_hold(c.sk);
	list_add_tail(&c.node, &ks.closings);
	if (linger_us && kthread_create("close", closing_main, &c)) {
		closing_wait(&c, linger_us < UINT64_MAX - now_us ? now_us + linger_us : UINT64_MAX);
	} else {
		closing_main(&c);
		settle();
	}
	return 0;
}

/* --- Start and stop --------------------------------------------------------------------------------------------------------- */
static const struct file_operations nothing_ops = { .name = "nothing" };

/* Descriptors 0, 1 and 2 are taken, as in any process. */
static int std_files(void)
{
	struct file *f = file_alloc(&nothing_ops, NULL, O_RDWR);

	for (int fd = 0; f && fd < STD_FILES; fd++)
		BUG_ON(fd_install(fd ? fget(0) : f, fd, false) != fd);
	return f ? 0 : -ENOMEM;
}

static int net_up(const struct stack_config *c)
{
	int err;

	ks.net = net_alloc();
	if (!ks.net)
		return -ENOMEM;
	err = net_init(ks.net);
	if (err) {
		net_free(ks.net);
		ks.net = NULL;
		return err;
	}
	err = loopback_init(ks.net);
	if (!err)
		err = net_loopback_address(ks.net);
	if (!err)
		err = device_init(c);
	if (!err)
		err = std_files();
	if (err)
		return err;
	socket_init(ks.net);
	BUG_ON(tcp_sysctl_set(ks.net, "tcp_rmem", BUFFERS_RX));
	BUG_ON(tcp_sysctl_set(ks.net, "tcp_wmem", BUFFERS_TX));
	return 0;
}

/* Once per process. */
static void boot(void)
{
	static bool booted;

	if (booted)
		return;
	host_boot_seed(0, ARENA_BYTES);
	BUG_ON(net_global_init());
	booted = true;
}

/* Clock, timers, randomness and calls as at boot: this run owes nothing to the one before. */
static void begin_anew(void)
{
	unsigned long flags = arch_irq_save();

	BUG_ON(timers_live());
	arch_timer_arm(UINT64_MAX);
	timer_init();
	arch_irq_restore(flags);
	random_init(false, 0);
	syscall_init();
	host_console_clear();
	mm_baseline();
}

int stack_start(const struct stack_host *h, const struct stack_config *c)
{
	int err;

	if (ks.net)
		return -EALREADY;
	if (c->mtu < MTU_MIN || c->mtu > MTU_MAX)
		return -EINVAL;
	ks.host = *h;
	ks.mute = false;
	ks.owned = wanted_owned();
	host_clock_set(h->now_us() * NSEC_PER_USEC);
	host_set_entropy(h->rnd);
	boot();
	host_stack_changed();
	begin_anew();
	err = net_up(c);
	if (err)
		stack_stop();
	else
		settle();
	return err;
}

/* Ends the connection without a word; nothing about it waits any more. */
static void cut(struct sock *sk)
{
	lock_sock(sk);
	if (sk->sk_prot->disconnect)
		(void)sk->sk_prot->disconnect(sk);
	release_sock(sk);
}

static void close_all(void)
{
	for (int fd = 0; fd < KS_FDS; fd++) {
		if (!watched(fd))
			continue;
		watch_end(fd);
		cut(sock_of(fd));
	}
	while (!list_empty(&ks.closings)) {
		cut(list_first_entry(&ks.closings, struct closing, node)->sk);
		settle();
	}
	fd_close_all();
	settle();
}

/* What still lives is a leak: said on stderr, and the end. */
static void check_empty(void)
{
	u64 objects;

	host_console_quiet(false);
	objects = mm_report_leaks();
	host_console_quiet(!getenv("HOST_VERBOSE"));
	if (!objects && !skb_stats.live && !timers_live() && !files_live())
		return;
	fprintf(stderr,
		"libdoorbell: leak at ks_stop(): %llu objects, %llu packets, %u timers, %u files\n",
		(unsigned long long)objects, (unsigned long long)skb_stats.live, timers_live(),
		files_live());
	abort();
}

void stack_stop(void)
{
	if (!ks.net)
		return;
	ks.mute = true;
	enter();
	close_all();
	if (ks.net->tcp)
		(void)tcp_net_drain(ks.net, 0);
	device_exit();
	loopback_exit(ks.net);
	net_exit(ks.net);
	net_free(ks.net);
	ks.net = NULL;
	check_empty();
}

int stack_tune(const char *name, const char *val)
{
	static const char *const folders[] = { "net.ipv4.", "net.core." };
	static const char *const kinds[] = { "tcp_", "ip_",   "ipfrag_", "icmp_",  "igmp_",
					     "udp_", "inet_", "conf.",   "route/", "fwmark_" };

	if (!ks.net)
		return -ENODEV;
	let_go();
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (strncmp(name, folders[i], strlen(folders[i])) == 0)
			name += strlen(folders[i]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strncmp(name, kinds[i], strlen(kinds[i])) == 0)
			return net_sysctl_set(ks.net, name, val);
	return net_core_sysctl_set(ks.net, name, val);
}
