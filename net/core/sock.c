// SPDX-License-Identifier: MIT
/*
 * struct sock: the protocol's half of a socket: life, ownership, accounts, waiting, and the options every one has.
 *
 * Interface: sk_alloc() .. sock_put(); lock_sock(), release_sock(), sk_add_backlog(); skb_set_owner_w/r(), sock_wfree(),
 * sock_rfree(), sock_queue_rcv_skb(); sk_stream_wait_memory(), deadlines; sock_setsockopt(), sock_getsockopt().
 * Above: the transports and the socket layer.  Below: <kernel/wait.h>, skbuff.c, struct net's list of devices.
 * Context: process owns a sock by lock_sock(); softirq touches only unowned ones, or their backlog. Nothing is
 * preempted inside the kernel, so the only race is with softirq, and BH off excludes it.
 * Owns: the sock until its last reference; the packets on its queues.
 * Specs: POSIX.1-2008 (socket options), socket(7); docs/PATH.md A5.
 */
#include <net/sock.h>

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inet_hashtables.h>
#include <net/netdevice.h>

enum {
	BACKLOG_SLACK = 64 * 1024, /* beside the buffers, so that ACKs pass while data fills them */
	TICK_NS = 4000000,         /* HZ 250: timeouts are rounded up to it */
	VM_WAIT_MAX_TICKS = 51,    /* HZ / 5 + 1: the pause after an allocation failed */
};

/* --- Life ------------------------------------------------------------------------------------------------------- */
static void sock_def_wakeup(struct sock *sk)
{
	wake_up(&sk->sk_wq);
}

static void sock_def_readable(struct sock *sk)
{
	wake_up_poll(&sk->sk_wq, POLLIN | POLLPRI | POLLRDNORM);
}

static void sock_def_error_report(struct sock *sk)
{
	wake_up_poll(&sk->sk_wq, POLLERR);
}

/* Datagram writers wait for bytes below the transport: woken when half of the buffer is free. */
static void sock_def_write_space(struct sock *sk)
{
	if ((u64)sk->sk_wmem_alloc * 2 <= sk->sk_sndbuf)
		wake_up_poll(&sk->sk_wq, POLLOUT | POLLWRNORM);
}

/**
 * sk_alloc() - a sock of @prot's size with one reference and the defaults of sock_init_data().
 * Context: process, softirq. Owns: the caller.
 * Return: the sock; NULL without memory.
 */
struct sock *sk_alloc(struct net *net, u16 family, struct proto *prot)
{
	struct sock *sk;

	BUG_ON(prot->obj_size < sizeof(*sk));
	sk = kzalloc(prot->obj_size);
	if (!sk)
		return NULL;
	sk->sk_family = family;
	sk->sk_prot = prot;
	sk->sk_net = net;
	count_set(&sk->sk_refcnt, 1);
	sk->sk_trace_id = trace_new_id();
	sock_init_data(NULL, sk); /* so that sock_put() is right from here on */
	local_bh_disable();
	list_add_tail(&sk->sk_all, &net->socks);
	net->socks_live++;
	local_bh_enable();
	return sk;
}

/**
 * sock_init_data() - queues, limits, wait queues and default callbacks of a new sock.
 * @sock: becomes sk_socket, or NULL (a child that nobody has accepted yet).
 * Context: process, softirq.
 */
void sock_init_data(struct socket *sock, struct sock *sk)
{
	INIT_LIST_HEAD(&sk->sk_node);
	INIT_LIST_HEAD(&sk->sk_bind_node);
	skb_queue_head_init(&sk->sk_receive_queue);
	skb_queue_head_init(&sk->sk_write_queue);
	skb_queue_head_init(&sk->sk_backlog);
	init_waitqueue_head(&sk->sk_wq);
	init_waitqueue_head(&sk->sk_lock_wq);
	sk->sk_socket = sock;
	sk->sk_state = TCP_CLOSE;
	sk->sk_sndbuf = sk->sk_net->core.wmem_default;
	sk->sk_rcvbuf = sk->sk_net->core.rmem_default;
	sk->sk_rcvlowat = 1;
	sk->sk_sndtimeo_ns = WAIT_FOREVER;
	sk->sk_rcvtimeo_ns = WAIT_FOREVER;
	sk->inet_ttl = -1;
	sk->inet_pmtudisc = 1;
	sk->sk_pacing_rate = UINT64_MAX;
	sk->sk_max_pacing_rate = UINT32_MAX;
	sk->inet_mc_ttl = 1;
	sk->inet_mc_loop = 1;
	sk->inet_mc_all = 1;
	sk->sk_state_change = sock_def_wakeup;
	sk->sk_data_ready = sock_def_readable;
	sk->sk_error_report = sock_def_error_report;
	sk->sk_write_space = sock_def_write_space;
}

/* The last reference is gone. Packets below the transport hold the sock, so none of them can be left. */
static void sk_free(struct sock *sk)
{
	struct net *net = sk->sk_net;

	BUG_ON(sk->sk_wmem_alloc);
	BUG_ON(sk->sk_owned);
	BUG_ON(waitqueue_active(&sk->sk_wq));
	BUG_ON(sk->sk_node.next && !list_empty(&sk->sk_node));
	BUG_ON(sk->sk_bind_node.next && !list_empty(&sk->sk_bind_node));
	if (sk->sk_prot->destroy)
		sk->sk_prot->destroy(sk);
	skb_queue_purge_reason(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	skb_queue_purge_reason(&sk->sk_write_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	skb_queue_purge_reason(&sk->sk_backlog, SKB_DROP_REASON_SOCKET_CLOSE);
	skb_errqueue_purge(sk);
	BUG_ON(sk->sk_rmem_alloc);
	dst_release(sk->sk_dst_cache);
	kfree(sk->inet_ext);
	local_bh_disable();
	list_del_init(&sk->sk_all);
	BUG_ON(net->socks_live == 0);
	net->socks_live--;
	local_bh_enable();
	kfree(sk);
}

/**
 * sock_put() - drops a reference; the last one frees the sock and what is on its queues.
 * Context: process, softirq. Consumes: the reference.
 */
void sock_put(struct sock *sk)
{
	if (count_put(&sk->sk_refcnt))
		sk_free(sk);
}

/**
 * sock_orphan() - the application's end is gone; the protocol finishes alone.
 * Context: process, owner.
 */
void sock_orphan(struct sock *sk)
{
	local_bh_disable();
	sock_set_flag(sk, SOCK_DEAD);
	sk->sk_socket = NULL;
	local_bh_enable();
}

/**
 * sock_graft() - an accepted connection gets its socket. parent->sk is the socket layer's to set.
 * Context: process.
 */
void sock_graft(struct sock *sk, struct socket *parent)
{
	BUG_ON(sk->sk_socket);
	local_bh_disable();
	sk->sk_socket = parent;
	local_bh_enable();
}

/* --- Ownership ------------------------------------------------------------------------------------------------------ */
/**
 * lock_sock() - takes the sock for process context; softirq queues to the backlog from now on.
 * Context: process, may sleep while another thread owns it.
 */
void lock_sock(struct sock *sk) __unchecked
{
	might_sleep();
	while (sk->sk_owned) {
		local_bh_disable(); /* a bit among others, which softirqs set */
		sk->sk_lock_waited = true;
		local_bh_enable();
		(void)wait_event_until(&sk->sk_lock_wq, !sk->sk_owned, WAIT_FOREVER);
	}
	sk->sk_owned = true;
}

/* BH off, owner. */
static void drain_backlog(struct sock *sk)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&sk->sk_backlog))) {
		sk->sk_backlog_len -= skb->truesize;
		trace_fn_skb(backlog_rcv, skb, sk->sk_backlog.qlen);
		sk->sk_prot->backlog_rcv(sk, skb);
	}
	BUG_ON(sk->sk_backlog_len);
}

/**
 * sk_flush_backlog() - a long call lets the news in that came while it owned the sock: ACKs free what it waits for.
 * Context: process, owner; still the owner on return. Return: there was something; the state may be another one.
 */
bool sk_flush_backlog(struct sock *sk)
{
	if (skb_queue_empty(&sk->sk_backlog))
		return false;
	BUG_ON(!sk->sk_owned);
	local_bh_disable();
	drain_backlog(sk);
	local_bh_enable();
	return true;
}

/**
 * release_sock() - handles what came meanwhile and lets go.
 * The backlog is bounded by sk_add_backlog(), so BH stays off for a bounded time, and nothing is added while it drains.
 * Context: process, owner. May send packets; softirqs run before it returns.
 */
void release_sock(struct sock *sk) __unchecked
{
	BUG_ON(!sk->sk_owned);
	local_bh_disable();
	drain_backlog(sk);
	if (sk->sk_prot->release_cb)
		sk->sk_prot->release_cb(sk);
	sk->sk_owned = false;
	if (sk->sk_lock_waited) {
		sk->sk_lock_waited = false;
		wake_up(&sk->sk_lock_wq);
	}
	local_bh_enable();
}

/**
 * sk_add_backlog() - leaves a packet to the thread that owns the sock.
 * Context: softirq, sock owned. Consumes: @skb on success only.
 * Return: 0; -ENOBUFS the backlog is full.
 */
int sk_add_backlog(struct sock *sk, struct sk_buff *skb)
{
	u64 limit = 2ULL * sk->sk_rcvbuf + sk->sk_sndbuf / 2 + BACKLOG_SLACK;

	BUG_ON(!in_bh() || !sk->sk_owned);
	if ((u64)sk->sk_backlog_len + skb->truesize > limit)
		return -ENOBUFS;
	skb_dst_force(skb);
	sk->sk_backlog_len += skb->truesize;
	skb_enter(skb, SKB_STAGE_SOCKET_IN);
	skb_queue_tail(&sk->sk_backlog, skb);
	trace_at_skb(sk_add_backlog, skb, sk->sk_backlog.qlen);
	return 0;
}

/* --- Accounts ------------------------------------------------------------------------------------------------------- */
/**
 * skb_set_owner_w() - charges @sk for a packet on its way down; sock_wfree() pays back. The packet holds the sock.
 * Context: process, softirq. Borrows: @skb, which holds a reference on @sk from now on.
 */
void skb_set_owner_w(struct sk_buff *skb, struct sock *sk)
{
	skb_orphan(skb);
	sock_hold(sk);
	skb->sk = sk;
	skb->destructor = sock_wfree;
	count_add(&sk->sk_wmem_alloc, skb->truesize);
}

/**
 * skb_set_owner_r() - charges @sk for a packet on its receive queue; sock_rfree() pays back. No reference: the sock owns
 * the queue.
 * Context: process, softirq. Borrows: @skb.
 */
void skb_set_owner_r(struct sk_buff *skb, struct sock *sk)
{
	skb_orphan(skb);
	skb_enter(skb, SKB_STAGE_SOCKET_IN);
	skb->sk = sk;
	skb->destructor = sock_rfree;
	count_add(&sk->sk_rmem_alloc, skb->truesize);
}

/**
 * sock_wfree() - destructor: pays back, lets the protocol wake its writers, drops the packet's reference.
 * Context: process, softirq; never hardirq. Borrows: @skb, which is being freed.
 */
void sock_wfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	count_sub(&sk->sk_wmem_alloc, skb->truesize);
	sk->sk_write_space(sk);
	sock_put(sk);
}

/**
 * sock_rfree() - destructor: pays the receive account back. Context: process, softirq. Borrows: @skb, which is being freed.
 */
void sock_rfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	count_sub(&sk->sk_rmem_alloc, skb->truesize);
}

/**
 * sock_queue_rcv_skb() - hands a datagram to the reader. As on Linux one packet may exceed the limit, so that a small
 * buffer still receives.
 * Context: softirq, or process with BH off. Consumes: @skb on success only.
 * Return: 0; -ENOMEM the buffer is full.
 */
int sock_queue_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	BUG_ON(!in_bh());
	if (sk->sk_rmem_alloc >= sk->sk_rcvbuf)
		return -ENOMEM;
	skb_dst_drop(skb);
	skb->tstamp_ns = sk->sk_flags & SOCK_TSTAMP_FLAGS ? ktime_get_ns() : 0;
	skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	sk->sk_data_ready(sk);
	return 0;
}

/* --- What the way down can do ------------------------------------------------------------------------------------------ */
static u32 route_features(const struct sock *sk)
{
	return sk->sk_dst_cache ? sk->sk_dst_cache->dev->features : 0;
}

/**
 * sk_can_gso() - may a packet stand for many segments? Context: owner or softirq. Return: false also without a route.
 */
bool sk_can_gso(const struct sock *sk)
{
	return route_features(sk) & (NETIF_F_TSO | NETIF_F_GSO);
}

/**
 * sk_gso_max_segs() - how many segments may leave TCP in one packet? Context: owner or softirq. Return: them, at least 1.
 */
u32 sk_gso_max_segs(const struct sock *sk)
{
	u32 most;

	if (!sk_can_gso(sk))
		return 1;
	most = sk->sk_dst_cache->dev->gso_max_segs;
	return most ? most : UINT16_MAX;
}

/**
 * sk_can_sg() - may payload lie in fragments, without being copied together? Context: owner or softirq. Return: as above.
 */
bool sk_can_sg(const struct sock *sk)
{
	return route_features(sk) & NETIF_F_SG;
}

/**
 * sk_can_csum() - does the device sum? Context: owner or softirq. Return: true also without a route: nothing is known.
 */
bool sk_can_csum(const struct sock *sk)
{
	return !sk->sk_dst_cache || (route_features(sk) & NETIF_F_HW_CSUM);
}

/* --- Waiting ---------------------------------------------------------------------------------------------------------- */
/**
 * sk_stream_write_space() - wakes the writers of a stream when enough is free that it pays (a third of the buffer).
 * Context: process, softirq.
 */
void sk_stream_write_space(struct sock *sk)
{
	if (!sock_flag(sk, SOCK_NOSPACE) || !sk_stream_is_writeable(sk))
		return;
	sock_reset_flag(sk, SOCK_NOSPACE);
	trace_at_sk(sk_write_space, sk, sk->sk_wmem_queued);
	wake_up_poll(&sk->sk_wq, POLLOUT | POLLWRNORM);
}

static u64 timeo_deadline(u64 timeo_ns, bool nonblock)
{
	u64 now;

	if (nonblock || !timeo_ns)
		return 0;
	if (timeo_ns == WAIT_FOREVER)
		return WAIT_FOREVER;
	now = ktime_get_ns();
	return timeo_ns < WAIT_FOREVER - now ? now + timeo_ns : WAIT_FOREVER;
}

/**
 * sock_snd_deadline() - till when a send call may block.
 * Context: process. Return: 0 not at all; WAIT_FOREVER; or a time of the monotonic clock.
 */
u64 sock_snd_deadline(const struct sock *sk, bool nonblock)
{
	return timeo_deadline(sk->sk_sndtimeo_ns, nonblock);
}

/**
 * sock_rcv_deadline() - till when a receive call may block.
 * Context: process. Return: 0 not at all; WAIT_FOREVER; or a time of the monotonic clock.
 */
u64 sock_rcv_deadline(const struct sock *sk, bool nonblock)
{
	return timeo_deadline(sk->sk_rcvtimeo_ns, nonblock);
}

static bool stream_ended(const struct sock *sk)
{
	return sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN);
}

/*
 * The condition of the wait: room, and less in the queue than when the allocation failed (@queued; UINT32_MAX: none did).
 * Asks for a wake-up each time it is looked at, because a wake-up takes the flag away.
 */
static bool stream_may_go_on(struct sock *sk, u32 queued)
{
	sock_set_flag(sk, SOCK_NOSPACE);
	return stream_ended(sk) || (sk->sk_wmem_queued < queued && sk_stream_memory_free(sk));
}

/**
 * sk_stream_wait_memory() - waits for room in the send buffer.
 * When there is room on entry, the caller's allocation failed: then memory is waited for, which packets of his own give
 * back when they are acknowledged, or others during a short random pause.
 * Context: process, owner; released while asleep.
 * Return: 0; -EPIPE pending error or shutdown (the caller maps it); -EAGAIN @deadline_ns passed.
 */
int sk_stream_wait_memory(struct sock *sk, u64 deadline_ns)
{
	bool vm_wait = sk_stream_memory_free(sk);
	u32 queued = sk->sk_wmem_queued;
	u64 until = deadline_ns;
	int ret;

	if (stream_ended(sk))
		return -EPIPE;
	sock_set_flag(sk, SOCK_NOSPACE);
	if (!deadline_ns)
		return -EAGAIN;
	if (vm_wait)
		until = min(deadline_ns,
			    ktime_get_ns() +
				    (2 + get_random_below(VM_WAIT_MAX_TICKS - 1)) * (u64)TICK_NS);
	sk->sk_write_pending++;
	trace_fn_sk(sk_stream_wait_memory, sk, sk->sk_wmem_queued);
	ret = sk_wait_event(sk, until, stream_may_go_on(sk, vm_wait ? queued : UINT32_MAX));
	sk->sk_write_pending--;
	if (stream_ended(sk))
		return -EPIPE;
	if (ret && until == deadline_ns)
		return -EAGAIN;
	return 0;
}

/**
 * sk_stream_error() - what a failed send reports: the pending error instead of EPIPE, and takes it.
 * Context: process, owner. Return: negative errno.
 */
int sk_stream_error(struct sock *sk, int err)
{
	if (err == -EPIPE && sk->sk_err)
		err = sock_error(sk);
	return err;
}

/* --- Options of level SOL_SOCKET ------------------------------------------------------------------------------------- */
static void flag_assign(struct sock *sk, enum sock_flag_bits f, bool on)
{
	if (on)
		sock_set_flag(sk, f);
	else
		sock_reset_flag(sk, f);
}

/* Doubled, because the limit counts truesize and the caller thinks of payload. */
static u32 doubled_buf(int val, u32 least, u32 most)
{
	u32 limit = min_t(u32, most, INT32_MAX / 2), asked = min_t(u32, val, limit) * 2;

	return max(asked, least);
}

/* 0 means forever; negative seconds: do not wait; fractions are rounded up to ticks. */
static int set_timeo(u64 *timeo_ns, const void *kval, u32 len)
{
	struct timeval tv;
	u64 ns;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, kval, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0) {
		*timeo_ns = 0;
		return 0;
	}
	*timeo_ns = WAIT_FOREVER;
	if ((!tv.tv_sec && !tv.tv_usec) || (u64)tv.tv_sec >= INT64_MAX / NSEC_PER_SEC)
		return 0;
	ns = (u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_usec * NSEC_PER_USEC;
	*timeo_ns = DIV_ROUND_UP(ns, TICK_NS) * TICK_NS;
	return 0;
}

static struct timeval get_timeo(u64 timeo_ns)
{
	struct timeval tv = { 0 };

	if (timeo_ns != WAIT_FOREVER) {
		tv.tv_sec = (s64)(timeo_ns / NSEC_PER_SEC);
		tv.tv_usec = (s64)(timeo_ns % NSEC_PER_SEC / NSEC_PER_USEC);
	}
	return tv;
}

static int set_linger(struct sock *sk, const void *kval, u32 len)
{
	struct linger ling;

	if (len < sizeof(ling))
		return -EINVAL;
	memcpy(&ling, kval, sizeof(ling));
	if (ling.l_onoff)
		sk->sk_lingertime_s = (u32)ling.l_linger; /* negative: very long, as on Linux */
	flag_assign(sk, SOCK_LINGER, ling.l_onoff);
	return 0;
}

/* Name of a device, not necessarily terminated; an empty one unbinds. */
static int set_bindtodevice(struct sock *sk, const void *kval, u32 len)
{
	char name[IFNAMSIZ] = { 0 };
	struct net_device *dev;

	memcpy(name, kval, min_t(u32, len, IFNAMSIZ - 1));
	if (!name[0]) {
		sk->sk_bound_dev_if = 0;
	} else {
		dev = dev_get_by_name(sk->sk_net, name);
		if (!dev)
			return -ENODEV;
		sk->sk_bound_dev_if = dev->ifindex;
	}
	/* The cached route may leave by another device. */
	sk_dst_set(sk, NULL);
	return 0;
}

/* @most: of the application's value. */
static int set_buffer(struct sock *sk, bool send, int val, u32 most)
{
	if (send) {
		sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
		sk->sk_sndbuf = doubled_buf(val, SOCK_MIN_SNDBUF, most);
		sk->sk_write_space(sk);
	} else {
		sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
		sk->sk_rcvbuf = doubled_buf(val, SOCK_MIN_RCVBUF, most);
	}
	return 0;
}

static void set_rcvlowat(struct sock *sk, int val)
{
	u32 low = val < 0 ? INT32_MAX : (u32)max(val, 1);

	if (sk->sk_prot->set_rcvlowat)
		sk->sk_prot->set_rcvlowat(sk, low);
	else
		sk->sk_rcvlowat = low;
}

/* The device by its number, whether it is there or not; 0 unbinds. The cached route may leave by another. */
static int set_bindtoifindex(struct sock *sk, int val)
{
	if (val < 0)
		return -EINVAL;
	sk->sk_bound_dev_if = (u32)val;
	sk_dst_set(sk, NULL);
	return 0;
}

/* One of the two forms at the most; either off is both off. */
static void set_timestamp(struct sock *sk, int opt, bool on)
{
	flag_assign(sk, SOCK_RCVTSTAMP, on && opt == SO_TIMESTAMP);
	flag_assign(sk, SOCK_RCVTSTAMPNS, on && opt == SO_TIMESTAMPNS);
}

/* Only sockets of messages have times; of what they send there are none. */
static bool may_have_timestamping(const struct sock *sk)
{
	return sk->sk_family == AF_INET && !sk->inet_is_icsk;
}

static int set_timestamping(struct sock *sk, u32 flags)
{
	const u32 sent =
		SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK;

	if (!may_have_timestamping(sk))
		return -ENOPROTOOPT;
	if ((flags & ~(u32)SOF_TIMESTAMPING_MASK) || (flags & sent) ||
	    (flags & (SOF_TIMESTAMPING_OPT_STATS | SOF_TIMESTAMPING_OPT_TSONLY)) ==
		    SOF_TIMESTAMPING_OPT_STATS)
		return -EINVAL;
	sk->sk_tsflags = flags;
	flag_assign(sk, SOCK_RCVTSTAMPING, (flags & SOF_TIMESTAMPING_RX_SOFTWARE) != 0);
	return 0;
}

/* The options whose value is one int. */
static int set_int(struct sock *sk, int opt, int val)
{
	switch (opt) {
	case SO_REUSEADDR:
		sk->sk_reuse = val != 0;
		return 0;
	case SO_REUSEPORT:
		sk->sk_reuseport = val != 0;
		return 0;
	case SO_BROADCAST:
		flag_assign(sk, SOCK_BROADCAST, val);
		return 0;
	case SO_INCOMING_CPU: /* others than the first name none */
		flag_assign(sk, SOCK_ON_CPU, val == 0);
		return 0;
	case SO_DONTROUTE:
		flag_assign(sk, SOCK_LOCALROUTE, val);
		sk_dst_set(sk, NULL);
		return 0;
	case SO_SNDBUF:
		return set_buffer(sk, true, val, sk->sk_net->core.wmem_max);
	case SO_RCVBUF:
		return set_buffer(sk, false, val, sk->sk_net->core.rmem_max);
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE: /* above what the instance allows */
		return set_buffer(sk, opt == SO_SNDBUFFORCE, max(val, 0), INT32_MAX / 2);
	case SO_KEEPALIVE:
		if (sk->sk_prot->keepalive)
			sk->sk_prot->keepalive(sk, val != 0);
		flag_assign(sk, SOCK_KEEPOPEN, val);
		return 0;
	case SO_OOBINLINE:
		flag_assign(sk, SOCK_URGINLINE, val);
		return 0;
	case SO_NO_CHECK:
		flag_assign(sk, SOCK_NO_CHECK_TX, val);
		return 0;
	case SO_PRIORITY:
		sk->sk_priority = (u32)val;
		return 0;
	case SO_MARK:
		sk->sk_mark = (u32)val;
		return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
		set_timestamp(sk, opt, val != 0);
		return 0;
	case SO_RCVLOWAT:
		set_rcvlowat(sk, val);
		return 0;
	case SO_BINDTOIFINDEX:
		return set_bindtoifindex(sk, val);
	default: /* unknown, or read-only */
		return -ENOPROTOOPT;
	}
}

/*
 * Bytes a second as 32 bits or 64; beyond 32 bits there is no limit. A transport that finds its rate itself stays below it from now
 * on, another has this one.
 */
static int set_max_pacing_rate(struct sock *sk, const void *kval, u32 len, u32 val)
{
	u64 rate = val;

	if (len >= sizeof(rate))
		memcpy(&rate, kval, sizeof(rate));
	sk->sk_max_pacing_rate = (u32)min(rate, (u64)UINT32_MAX);
	if (sk->inet_is_icsk)
		sk->sk_pacing_rate = min(sk->sk_pacing_rate, sk_pacing_limit(sk));
	else
		sk->sk_pacing_rate = sk_pacing_limit(sk);
	return 0;
}

/* BH is off: softirq sees the option whole. */
static int setsockopt_locked(struct sock *sk, int opt, const void *kval, u32 len)
{
	int val;

	if (opt == SO_BINDTODEVICE)
		return set_bindtodevice(sk, kval, len);
	if (len < sizeof(val))
		return -EINVAL;
	memcpy(&val, kval, sizeof(val));
	switch (opt) {
	case SO_MAX_PACING_RATE:
		return set_max_pacing_rate(sk, kval, len, (u32)val);
	case SO_TIMESTAMPING:
		return set_timestamping(sk, (u32)val);
	case SO_LINGER:
		return set_linger(sk, kval, len);
	case SO_RCVTIMEO:
		return set_timeo(&sk->sk_rcvtimeo_ns, kval, len);
	case SO_SNDTIMEO:
		return set_timeo(&sk->sk_sndtimeo_ns, kval, len);
	default:
		return set_int(sk, opt, val);
	}
}

/**
 * sock_setsockopt() - sets an option of level SOL_SOCKET. @kval: kernel copy of @len bytes.
 * Context: process; takes the sock.
 * Return: 0; -EINVAL too short; -EDOM microseconds out of range; -ENODEV; -ENOPROTOOPT unknown or read-only.
 */
int sock_setsockopt(struct sock *sk, int opt, const void *kval, u32 len)
{
	int err;

	lock_sock(sk);
	local_bh_disable();
	err = setsockopt_locked(sk, opt, kval, len);
	local_bh_enable();
	release_sock(sk);
	return err;
}

/* Copies what fits; *len gets how much that is. */
static int put_value(void *kval, u32 *len, const void *v, u32 size)
{
	*len = min(*len, size);
	memcpy(kval, v, *len);
	return 0;
}

/* The options whose value is one int. */
static int get_int(struct sock *sk, int opt, int *val)
{
	switch (opt) {
	case SO_REUSEADDR:
		*val = sk->sk_reuse;
		return 0;
	case SO_REUSEPORT:
		*val = sk->sk_reuseport;
		return 0;
	case SO_TYPE:
		*val = sk->sk_type;
		return 0;
	case SO_ERROR:
		*val = -sock_error(sk);
		if (!*val) {
			*val = count_take(&sk->sk_err_soft);
		}
		return 0;
	case SO_BROADCAST:
		*val = sock_flag(sk, SOCK_BROADCAST);
		return 0;
	case SO_DONTROUTE:
		*val = sock_flag(sk, SOCK_LOCALROUTE);
		return 0;
	case SO_SNDBUF:
		*val = (int)sk->sk_sndbuf;
		return 0;
	case SO_RCVBUF:
		*val = (int)sk->sk_rcvbuf;
		return 0;
	case SO_KEEPALIVE:
		*val = sock_flag(sk, SOCK_KEEPOPEN);
		return 0;
	case SO_OOBINLINE:
		*val = sock_flag(sk, SOCK_URGINLINE);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* The rest of them. */
static int get_int_more(struct sock *sk, int opt, int *val)
{
	switch (opt) {
	case SO_NO_CHECK:
		*val = sock_flag(sk, SOCK_NO_CHECK_TX);
		return 0;
	case SO_PRIORITY:
		*val = (int)sk->sk_priority;
		return 0;
	case SO_MARK:
		*val = (int)sk->sk_mark;
		return 0;
	case SO_RCVLOWAT:
		*val = (int)sk->sk_rcvlowat;
		return 0;
	case SO_TIMESTAMP:
		*val = sock_flag(sk, SOCK_RCVTSTAMP);
		return 0;
	case SO_TIMESTAMPNS:
		*val = sock_flag(sk, SOCK_RCVTSTAMPNS);
		return 0;
	case SO_BINDTOIFINDEX:
		*val = (int)sk->sk_bound_dev_if;
		return 0;
	case SO_INCOMING_CPU:
		*val = sock_flag(sk, SOCK_ON_CPU) ? 0 : -1;
		return 0;
	case SO_SNDLOWAT:
		*val = 1;
		return 0;
	case SO_ACCEPTCONN:
		*val = sk->sk_state == TCP_LISTEN;
		return 0;
	case SO_PROTOCOL:
		*val = sk->sk_protocol;
		return 0;
	case SO_DOMAIN:
		*val = sk->sk_family;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_bindtodevice(struct sock *sk, void *kval, u32 *len)
{
	struct net_device *dev;

	if (!sk->sk_bound_dev_if) {
		*len = 0;
		return 0;
	}
	if (*len < IFNAMSIZ)
		return -EINVAL;
	dev = dev_get_by_index(sk->sk_net, sk->sk_bound_dev_if);
	if (!dev)
		return -ENODEV;
	return put_value(kval, len, dev->name, (u32)strlen(dev->name) + 1);
}

/* What the socket is charged with, in the order of sock_diag(7); memory set aside in advance, or for options, there is none here. */
static int get_meminfo(const struct sock *sk, void *kval, u32 *len)
{
	const u32 accounts[] = { sk->sk_rmem_alloc,
				 sk->sk_rcvbuf,
				 sk->sk_wmem_alloc,
				 sk->sk_sndbuf,
				 0,
				 sk->sk_wmem_queued,
				 0,
				 sk->sk_backlog_len,
				 sk->sk_drops };

	return put_value(kval, len, accounts, sizeof(accounts));
}

/* Whom it is connected to, or was: as much as is asked for. */
static int get_peername(const struct sock *sk, void *kval, const u32 *len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = sk->sk_dport,
				   .sin_addr = sk->sk_daddr };

	if (sk->sk_family != AF_INET || !sk->sk_dport)
		return -ENOTCONN;
	if (*len > sizeof(sin))
		return -EINVAL;
	memcpy(kval, &sin, *len);
	return 0;
}

/* A number that no other socket of this boot has. */
static int get_cookie(const struct sock *sk, void *kval, u32 *len)
{
	u64 cookie = sk->sk_trace_id;

	return *len < sizeof(cookie) ? -EINVAL : put_value(kval, len, &cookie, sizeof(cookie));
}

/* And the number of a clock, which there is none of. */
static int get_timestamping(const struct sock *sk, void *kval, u32 *len)
{
	const u32 v[2] = { sk->sk_tsflags, 0 };

	return may_have_timestamping(sk) ? put_value(kval, len, v, sizeof(v)) : -ENOPROTOOPT;
}

static int getsockopt_locked(struct sock *sk, int opt, void *kval, u32 *len)
{
	struct linger ling;
	struct timeval tv;
	u64 rate;
	int val;

	switch (opt) {
	case SO_LINGER:
		ling.l_onoff = sock_flag(sk, SOCK_LINGER);
		ling.l_linger = (int)sk->sk_lingertime_s;
		return put_value(kval, len, &ling, sizeof(ling));
	case SO_RCVTIMEO:
		tv = get_timeo(sk->sk_rcvtimeo_ns);
		return put_value(kval, len, &tv, sizeof(tv));
	case SO_SNDTIMEO:
		tv = get_timeo(sk->sk_sndtimeo_ns);
		return put_value(kval, len, &tv, sizeof(tv));
	case SO_BINDTODEVICE:
		return get_bindtodevice(sk, kval, len);
	case SO_MAX_PACING_RATE:
		rate = sk_pacing_limit(sk);
		return put_value(kval, len, &rate,
				 *len < sizeof(rate) ? sizeof(u32) : sizeof(rate));
	case SO_MEMINFO:
		return get_meminfo(sk, kval, len);
	case SO_TIMESTAMPING:
		return get_timestamping(sk, kval, len);
	case SO_PEERNAME:
		return get_peername(sk, kval, len);
	case SO_COOKIE:
		return get_cookie(sk, kval, len);
	default:
		if (get_int(sk, opt, &val) && get_int_more(sk, opt, &val))
			return -ENOPROTOOPT;
		return put_value(kval, len, &val, sizeof(val));
	}
}

/**
 * sock_getsockopt() - reads an option of level SOL_SOCKET into @kval; *@len: room in, length out.
 * Context: process. Not owned: reading SO_ERROR does not wait for a sender that sleeps.
 * Return: 0; -EINVAL too little room (a device's name, SO_COOKIE) or too much (SO_PEERNAME); -ENODEV; -ENOTCONN SO_PEERNAME without a peer;
 * -ENOPROTOOPT.
 */
int sock_getsockopt(struct sock *sk, int opt, void *kval, u32 *len)
{
	int err;

	local_bh_disable();
	err = getsockopt_locked(sk, opt, kval, len);
	local_bh_enable();
	return err;
}

/* --- The page ------------------------------------------------------------------------------------------------------------ */
struct proto_census {
	u32 alloc, inuse, orphan;
	u64 bytes;
};

static bool is_hashed(const struct sock *sk)
{
	return !list_empty(&sk->sk_node) || !list_empty(&sk->sk_bind_node);
}

static struct proto_census take_census(const struct net *net, const char *proto)
{
	struct proto_census c = { 0 };
	const struct sock *sk;

	list_for_each_entry(sk, &net->socks, sk_all) {
		if (strcmp(sk->sk_prot->name, proto) != 0)
			continue;
		c.alloc++;
		c.inuse += is_hashed(sk);
		c.orphan += sock_flag(sk, SOCK_DEAD);
		c.bytes += (u64)sk->sk_wmem_queued + sk->sk_wmem_alloc + sk->sk_rmem_alloc;
	}
	return c;
}

static bool count_timewait(struct sock_common *skc, void *arg)
{
	u32 *n = arg;

	*n += skc->skc_state == TCP_TIME_WAIT;
	return false;
}

static u32 pages_of(u64 bytes)
{
	return (u32)DIV_ROUND_UP(bytes, PAGE_SIZE);
}

/**
 * sockstat_show() - the page /proc/net/sockstat of the instance m->arg; "mem" in pages. Context: process.
 */
void sockstat_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct proto_census tcp, udp, raw;
	u32 used = 0, tw = 0;
	const struct sock *sk;

	local_bh_disable();
	list_for_each_entry(sk, &net->socks, sk_all)
		used += sk->sk_socket != NULL;
	tcp = take_census(net, "TCP");
	udp = take_census(net, "UDP");
	raw = take_census(net, "RAW");
	if (net->tcp_hash)
		inet_hash_for_each(net->tcp_hash, count_timewait, &tw);
	local_bh_enable();
	seq_printf(m, "sockets: used %u\n", used);
	seq_printf(m, "TCP: inuse %u orphan %u tw %u alloc %u mem %u\n", tcp.inuse, tcp.orphan, tw,
		   tcp.alloc, pages_of(tcp.bytes));
	seq_printf(m, "UDP: inuse %u mem %u\n", udp.inuse, pages_of(udp.bytes));
	seq_printf(m, "UDPLITE: inuse 0\nRAW: inuse %u\n", raw.inuse);
	seq_printf(m, "FRAG: inuse %u memory %u\n", net->frag.queues, net->frag.truesize);
}
