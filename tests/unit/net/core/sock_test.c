// SPDX-License-Identifier: MIT
/* struct sock: ownership and backlog, accounts, waiting for room, options as Linux answers them. */
#define timeval libc_timeval
#include <ktest.h>
#undef timeval

#include <host.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/sock.h>

static u32 delivered, released, destroyed;
static bool keepalive;

static void t_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	CHECK(sock_owned_by_user(sk));
	delivered += skb->len;
	consume_skb(skb);
}

static void t_release_cb(struct sock *sk)
{
	CHECK(sock_owned_by_user(sk));
	released++;
}

static void t_destroy(struct sock *sk)
{
	(void)sk;
	destroyed++;
}

static void t_keepalive(struct sock *sk, bool on)
{
	(void)sk;
	keepalive = on;
}

static struct proto prot = { .name = "TEST",
			     .obj_size = sizeof(struct sock),
			     .backlog_rcv = t_backlog_rcv,
			     .release_cb = t_release_cb,
			     .destroy = t_destroy,
			     .keepalive = t_keepalive };
static struct net *net;

static struct sock *fresh(void)
{
	if (!net) {
		CHECK_EQ(skb_init(), 0);
		net = net_alloc();
	}
	delivered = released = destroyed = 0;
	return sk_alloc(net, AF_INET, &prot);
}

static struct sk_buff *packet(u32 len)
{
	struct sk_buff *skb = alloc_skb(len);

	skb_put(skb, len);
	return skb;
}

static void finish(struct sock *sk)
{
	sock_put(sk);
	CHECK_EQ(destroyed, 1);
	CHECK_EQ(net->socks_live, 0);
	CHECK_EQ(skb_stats.live, 0);
}

TEST(backlog_is_handled_at_release)
{
	struct sock *sk = fresh();
	struct sk_buff *skb;
	u32 n = 0;

	lock_sock(sk);
	local_bh_disable();
	CHECK_EQ(sk_add_backlog(sk, packet(100)), 0);
	CHECK_EQ(sk_add_backlog(sk, packet(23)), 0);
	local_bh_enable();
	CHECK_EQ(delivered, 0);
	release_sock(sk);
	CHECK_EQ(delivered, 123);
	CHECK_EQ(released, 1);
	CHECK(!sock_owned_by_user(sk));

	lock_sock(sk);
	local_bh_disable();
	while (sk_add_backlog(sk, skb = packet(1000)) == 0)
		n++;
	consume_skb(skb);
	local_bh_enable();
	CHECK_EQ(n, (2 * SYSCTL_MEM_DEFAULT + SYSCTL_MEM_DEFAULT / 2 + 65536) / 2304);
	release_sock(sk);
	finish(sk);
}

TEST(accounts)
{
	struct sock *sk = fresh();
	struct sk_buff *skb = packet(100), *over;
	u32 n = 0;

	skb_set_owner_w(skb, sk);
	CHECK_EQ(sk->sk_wmem_alloc, skb->truesize);
	CHECK_EQ(sk->sk_refcnt, 2);
	consume_skb(skb);
	CHECK_EQ(sk->sk_wmem_alloc, 0);
	CHECK_EQ(sk->sk_refcnt, 1);
	local_bh_disable();
	sk->sk_rcvbuf = 10000;
	while (sock_queue_rcv_skb(sk, over = packet(1000)) == 0)
		n++;
	consume_skb(over);
	local_bh_enable();
	CHECK_EQ(n, 5);
	CHECK_EQ(sk->sk_rmem_alloc, 5 * 2304);
	consume_skb(skb_dequeue(&sk->sk_receive_queue));
	CHECK_EQ(sk->sk_rmem_alloc, 4 * 2304);
	finish(sk);
}

TEST(a_packet_outlives_the_sock_that_sent_it)
{
	struct sock *sk = fresh();
	struct sk_buff *skb = packet(1);

	skb_set_owner_w(skb, sk);
	sock_put(sk);
	CHECK_EQ(destroyed, 0);
	consume_skb(skb);
	CHECK_EQ(destroyed, 1);
	CHECK_EQ(net->socks_live, 0);
}

static struct timer wake_timer;
static struct sock *wake_sk;

static void make_room(struct timer *t)
{
	(void)t;
	wake_sk->sk_wmem_queued = 0;
	sk_stream_write_space(wake_sk);
}

TEST(waiting_for_room)
{
	struct sock *sk = fresh();
	u64 t0;

	sk->sk_write_space = sk_stream_write_space;
	sk->sk_wmem_queued = sk->sk_sndbuf;
	lock_sock(sk);
	CHECK_EQ(sk_stream_wait_memory(sk, 0), -EAGAIN);
	CHECK(sock_flag(sk, SOCK_NOSPACE));
	t0 = ktime_get_ns();
	CHECK_EQ(sk_stream_wait_memory(sk, t0 + 50 * NSEC_PER_MSEC), -EAGAIN);
	CHECK(ktime_get_ns() - t0 >= 50 * NSEC_PER_MSEC);
	CHECK(sock_owned_by_user(sk));
	wake_sk = sk;
	timer_setup(&wake_timer, make_room);
	mod_timer(&wake_timer, ktime_get_ns() + 20 * NSEC_PER_MSEC);
	t0 = ktime_get_ns();
	CHECK_EQ(sk_stream_wait_memory(sk, WAIT_FOREVER), 0);
	CHECK(ktime_get_ns() - t0 < 40 * NSEC_PER_MSEC);
	/* Room is there: memory was short, a pause is what helps. */
	t0 = ktime_get_ns();
	CHECK_EQ(sk_stream_wait_memory(sk, WAIT_FOREVER), 0);
	CHECK(ktime_get_ns() - t0 >= 8 * NSEC_PER_MSEC);
	sk->sk_err = ECONNRESET;
	CHECK_EQ(sk_stream_wait_memory(sk, WAIT_FOREVER), -EPIPE);
	CHECK_EQ(sk_stream_error(sk, -EPIPE), -ECONNRESET);
	CHECK_EQ(sk_stream_error(sk, -EPIPE), -EPIPE);
	release_sock(sk);
	finish(sk);
}

static void other_thread(void *arg)
{
	struct sock *sk = arg;

	lock_sock(sk);
	delivered = 777;
	release_sock(sk);
}

TEST(second_owner_waits)
{
	struct sock *sk = fresh();

	lock_sock(sk);
	CHECK(kthread_create("other", other_thread, sk));
	schedule();
	schedule();
	CHECK_EQ(delivered, 0);
	release_sock(sk);
	schedule();
	schedule();
	CHECK_EQ(delivered, 777);
	finish(sk);
}

static int set_int(struct sock *sk, int opt, int v)
{
	return sock_setsockopt(sk, opt, &v, sizeof(v));
}

static int get_int(struct sock *sk, int opt)
{
	int v = -1;
	u32 len = sizeof(v);
	int err = sock_getsockopt(sk, opt, &v, &len);

	return err ? err : v;
}

TEST(integer_options)
{
	struct sock *sk = fresh();

	CHECK_EQ(get_int(sk, SO_SNDBUF), 212992);
	CHECK_EQ(set_int(sk, SO_SNDBUF, 1), 0);
	CHECK_EQ(get_int(sk, SO_SNDBUF), 4608);
	CHECK_EQ(set_int(sk, SO_SNDBUF, 10000), 0);
	CHECK_EQ(get_int(sk, SO_SNDBUF), 20000);
	CHECK_EQ(set_int(sk, SO_SNDBUF, -1), 0);
	CHECK_EQ(get_int(sk, SO_SNDBUF), 425984);
	CHECK_EQ(set_int(sk, SO_RCVBUF, 0), 0);
	CHECK_EQ(get_int(sk, SO_RCVBUF), 2304);
	CHECK_EQ(sk->sk_userlocks, SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK);
	CHECK_EQ(set_int(sk, SO_KEEPALIVE, 5), 0);
	CHECK(keepalive && get_int(sk, SO_KEEPALIVE) == 1);
	CHECK_EQ(set_int(sk, SO_REUSEADDR, 2), 0);
	CHECK_EQ(get_int(sk, SO_REUSEADDR), 1);
	CHECK_EQ(set_int(sk, SO_RCVLOWAT, 0), 0);
	CHECK_EQ(get_int(sk, SO_RCVLOWAT), 1);
	CHECK_EQ(set_int(sk, SO_BROADCAST, 1), 0);
	CHECK_EQ(get_int(sk, SO_BROADCAST), 1);
	CHECK_EQ(get_int(sk, SO_DOMAIN), AF_INET);
	CHECK_EQ(get_int(sk, SO_ACCEPTCONN), 0);
	CHECK_EQ(set_int(sk, SO_TYPE, 1), -ENOPROTOOPT);
	CHECK_EQ(set_int(sk, 999, 1), -ENOPROTOOPT);
	CHECK_EQ(get_int(sk, 999), -ENOPROTOOPT);
	CHECK_EQ(sock_setsockopt(sk, SO_SNDBUF, "x", 1), -EINVAL);
	sk->sk_err = ECONNREFUSED;
	CHECK_EQ(get_int(sk, SO_ERROR), ECONNREFUSED);
	CHECK_EQ(get_int(sk, SO_ERROR), 0);
	finish(sk);
}

TEST(timeouts_and_linger)
{
	struct sock *sk = fresh();
	struct timeval tv = { 1, 500 }, out;
	struct linger l = { 1, 7 };
	u32 len = sizeof(out);

	CHECK_EQ(sock_snd_deadline(sk, false), WAIT_FOREVER);
	CHECK_EQ(sock_snd_deadline(sk, true), 0);
	CHECK_EQ(sock_setsockopt(sk, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	CHECK_EQ(sock_getsockopt(sk, SO_SNDTIMEO, &out, &len), 0);
	CHECK(out.tv_sec == 1 && out.tv_usec == 4000); /* rounded up to a tick */
	CHECK_EQ(sock_snd_deadline(sk, false), ktime_get_ns() + 1004 * NSEC_PER_MSEC);
	CHECK_EQ(sock_rcv_deadline(sk, false), WAIT_FOREVER);
	tv.tv_usec = 1000000;
	CHECK_EQ(sock_setsockopt(sk, SO_SNDTIMEO, &tv, sizeof(tv)), -EDOM);
	tv.tv_usec = -1;
	CHECK_EQ(sock_setsockopt(sk, SO_SNDTIMEO, &tv, sizeof(tv)), -EDOM);
	tv = (struct timeval){ -1, 0 };
	CHECK_EQ(sock_setsockopt(sk, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	CHECK_EQ(sock_snd_deadline(sk, false), 0);
	tv = (struct timeval){ 0, 0 };
	CHECK_EQ(sock_setsockopt(sk, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	CHECK_EQ(sock_snd_deadline(sk, false), WAIT_FOREVER);
	CHECK_EQ(sock_setsockopt(sk, SO_SNDTIMEO, &tv, 8), -EINVAL);
	CHECK_EQ(sock_setsockopt(sk, SO_LINGER, &l, sizeof(l)), 0);
	CHECK(sock_flag(sk, SOCK_LINGER) && sk->sk_lingertime_s == 7);
	CHECK_EQ(sock_setsockopt(sk, SO_LINGER, &l, 4), -EINVAL);
	CHECK_EQ(sock_setsockopt(sk, SO_BINDTODEVICE, "nope", 4), -ENODEV);
	CHECK_EQ(sock_setsockopt(sk, SO_BINDTODEVICE, "", 0), 0);
	finish(sk);
}

KTEST_MAIN_BOOT()
