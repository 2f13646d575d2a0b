// SPDX-License-Identifier: MIT
/*
 * TCP per instance: its tables, the end of all connections, the page /proc/net/tcp.
 *
 * Interface: tcp_net_init, tcp_net_drain, tcp_net_exit, tcp_net_forget, tcp_show
 * Above: net/init.c, boot. Below: tcp_sysctl.c, tcp.c, tcp_ipv4.c, tcp_minisocks.c.
 * Context: process.
 * Owns: struct tcp_net and the 4-tuple table of each instance.
 * Specs: proc(5) (format of the page).
 */
#include <net/tcp.h>

#include "tcp_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/ip.h>

#define TCP_HASH_BUCKETS 256u

static const struct net_protocol tcp_protocol = { .handler = tcp_v4_rcv,
						  .err_handler = tcp_v4_err };

/**
 * tcp_net_init() - TCP comes up in an instance; IP must be there
 *
 * Context: process. Return: 0, -ENOMEM, -EEXIST.
 */
int tcp_net_init(struct net *net)
{
	struct tcp_net *tn = kzalloc(sizeof(*tn));
	int err = -ENOMEM;

	if (!tn)
		return -ENOMEM;
	tn->net = net;
	init_waitqueue_head(&tn->drain_wq);
	tcp_tsq_init(tn);
	tcp_default_settings(tn);
	tn->fo_cache = kzalloc(TCP_FASTOPEN_CACHE * sizeof(*tn->fo_cache));
	if (!tn->fo_cache)
		goto out_free;
	net->tcp_hash = inet_hashinfo_alloc(net, TCP_HASH_BUCKETS);
	if (!net->tcp_hash)
		goto out_free;
	net->tcp = tn;
	err = inet_add_protocol(net, IPPROTO_TCP, &tcp_protocol);
	if (err)
		goto out_hash;
	net->mib.tcp[TCP_MIB_RtoAlgorithm] = 4; /* RFC 4022: Van Jacobson's */
	net->mib.tcp[TCP_MIB_RtoMin] = TCP_RTO_MIN_NS / NSEC_PER_MSEC;
	net->mib.tcp[TCP_MIB_RtoMax] = TCP_RTO_MAX_NS / NSEC_PER_MSEC;
	net->mib.tcp[TCP_MIB_MaxConn] = (u64)-1;
	return 0;

out_hash:
	net->tcp = NULL;
	inet_hashinfo_free(net->tcp_hash);
	net->tcp_hash = NULL;
out_free:
	kfree(tn->fo_cache);
	kfree(tn);
	return err;
}

/* --- The end -------------------------------------------------------------------------------------------------------------- */

/* An orphan that still owes the peer data or a FIN. */
static bool tcp_unfinished(const struct sock *sk)
{
	return sk->sk_prot == &tcp_prot && sock_flag(sk, SOCK_DEAD) &&
	       (sk->sk_state == TCP_FIN_WAIT1 || sk->sk_state == TCP_CLOSING ||
		sk->sk_state == TCP_LAST_ACK);
}

static u32 tcp_count_unfinished(struct net *net)
{
	struct sock *sk;
	u32 n = 0;

	local_bh_disable();
	list_for_each_entry(sk, &net->socks, sk_all)
		n += tcp_unfinished(sk);
	local_bh_enable();
	return n;
}

/* An orphan in any state but CLOSE, or NULL. */
static struct sock *tcp_next_orphan(struct net *net)
{
	struct sock *sk;

	list_for_each_entry(sk, &net->socks, sk_all)
		if (sk->sk_prot == &tcp_prot && sock_flag(sk, SOCK_DEAD) &&
		    sk->sk_state != TCP_CLOSE)
			return sk;
	return NULL;
}

static bool tcp_end_timewait(struct sock_common *skc, void *arg) __needs(softirq_ctx)
{
	if (skc->skc_state == TCP_TIME_WAIT)
		tcp_timewait_kill(arg, container_of(skc, struct tcp_timewait_sock, c));
	return false;
}

/**
 * tcp_net_drain() - closed connections may finish, then none is left
 * @net: instance
 * @grace_ns: how long they may go on
 *
 * What only waits for the peer's FIN (FIN-WAIT-2) or for old segments (TIME-WAIT) ends at once and silently; what still
 * owes data after the grace is reset.
 *
 * Context: process. Return: connections cut before their data was acknowledged.
 */
u32 tcp_net_drain(struct net *net, u64 grace_ns)
{
	u64 deadline = ktime_get_ns() + grace_ns;
	struct sock *sk;
	u32 cut = 0;

	(void)wait_event_until(&net->tcp->drain_wq, tcp_count_unfinished(net) == 0, deadline);
	local_bh_disable();
	while ((sk = tcp_next_orphan(net))) {
		sock_hold(sk);
		sock_owned_by_me(sk);
		if (tcp_unfinished(sk)) {
			cut++;
			tcp_send_active_reset(sk);
		}
		tcp_done(sk);
		sock_put(sk);
	}
	inet_hash_for_each(net->tcp_hash, tcp_end_timewait, net);
	BUG_ON(net->tcp->tw_count != 0);
	local_bh_enable();
	return cut;
}

/**
 * tcp_net_forget() - what is left of closed connections ends at once, and the Fast Open cookies of others are forgotten
 * Context: process.
 */
void tcp_net_forget(struct net *net)
{
	(void)tcp_net_drain(net, 0);
	memset(net->tcp->fo_cache, 0, TCP_FASTOPEN_CACHE * sizeof(*net->tcp->fo_cache));
}

/** tcp_net_exit() - TCP leaves an instance; every socket must be closed. Context: process. */
void tcp_net_exit(struct net *net)
{
	(void)tcp_net_drain(net, 0);
	tcp_tsq_exit(net->tcp);
	page_frag_release(&net->tcp->frag);
	BUG_ON(net->tcp->orphan_count != 0);
	inet_hashinfo_free(net->tcp_hash);
	net->tcp_hash = NULL;
	kfree(net->tcp->fo_cache);
	kfree(net->tcp);
	net->tcp = NULL;
}

/* --- /proc/net/tcp -------------------------------------------------------------------------------------------------------------- */

struct tcp_show_ctx {
	struct seq_file *m;
	u32 nr;
};

static void tcp_show_line(struct tcp_show_ctx *ctx, const struct sock_common *c, u8 state, u32 txq,
			  u32 rxq, u32 timer, u32 retr)
{
	seq_printf(ctx->m, "%4u: %08X:%04X %08X:%04X %02X %08X:%08X %02X:%08X %08X %5u %8u %u %u\n",
		   ctx->nr++, (__force u32)c->skc_rcv_saddr, c->skc_num, (__force u32)c->skc_daddr,
		   ntohs(c->skc_dport), state, txq, rxq, timer, 0, retr, 0, 0, 0, c->skc_refcnt);
}

static void tcp_show_sock(struct tcp_show_ctx *ctx, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 rxq = sk->sk_state == TCP_LISTEN ? sk->sk_ack_backlog : tp->rcv_nxt - tp->copied_seq;
	u32 timer = 0;

	if (tp->pending == TCP_TIME_RETRANS || tp->pending >= TCP_TIME_REFUSED)
		timer = 1;
	else if (tp->pending == TCP_TIME_PROBE0)
		timer = 4;
	else if (timer_pending(&tp->keepalive_timer))
		timer = 2;
	tcp_show_line(ctx, &sk->__sk_common, sk->sk_state, tp->write_seq - tp->snd_una, rxq, timer,
		      tp->retransmits);
}

/* Mini sockets are in the tables only. */
static bool tcp_show_mini(struct sock_common *skc, void *arg)
{
	struct tcp_show_ctx *ctx = arg;

	if (skc->skc_state == TCP_TIME_WAIT)
		tcp_show_line(ctx, skc, container_of(skc, struct tcp_timewait_sock, c)->substate, 0,
			      0, 3, 0);
	else if (skc->skc_state == TCP_NEW_SYN_RECV)
		tcp_show_line(ctx, skc, TCP_SYN_RECV, 0, 0, 1,
			      container_of(skc, struct tcp_request_sock, c)->retrans);
	return false;
}

/** tcp_show() - the page, in Linux's columns. Context: process. */
void tcp_show(struct seq_file *m)
{
	struct net *net = m->arg;
	struct tcp_show_ctx ctx = { .m = m };
	struct sock *sk;

	seq_puts(m, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		    "uid  timeout inode\n");
	local_bh_disable();
	list_for_each_entry(sk, &net->socks, sk_all)
		if (sk->sk_prot == &tcp_prot && sk->sk_state != TCP_CLOSE)
			tcp_show_sock(&ctx, sk);
	inet_hash_for_each(net->tcp_hash, tcp_show_mini, &ctx);
	local_bh_enable();
}
