// SPDX-License-Identifier: MIT
/*
 * TCP per instance: tables and settings, the end of all connections, the page /proc/net/tcp.
 *
 * Interface: tcp_net_init, tcp_net_drain, tcp_net_exit, tcp_sysctl_set,
 * tcp_sysctl_get, tcp_net_forget, tcp_show
 * Above: net/init.c, boot. Below: tcp.c, tcp_ipv4.c, tcp_minisocks.c.
 * Context: process.
 * Owns: struct tcp_net and the 4-tuple table of each instance.
 * Specs: Linux ip-sysctl.rst (names and values of the settings), proc(5) (format of the page).
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
#define PAGE_BYTES       4096u

static const struct net_protocol tcp_protocol = { .handler = tcp_v4_rcv,
						  .err_handler = tcp_v4_err };

/* Buffer limits follow the memory: at most 4 and 6 MiB, and 1/128 of what there is for one socket. */
static void tcp_default_buffers(struct tcp_net *tn)
{
	u64 share = pages_total() * PAGE_BYTES / 128;
	u32 most = (u32)min(share, 4ULL << 20);

	tn->wmem[0] = 4096;
	tn->wmem[1] = 16384;
	tn->wmem[2] = max(most, 65536u);
	tn->rmem[0] = 4096;
	tn->rmem[1] = 131072;
	tn->rmem[2] = (u32)max(min(share, 6ULL << 20), 131072ULL);
}

static void tcp_default_settings(struct tcp_net *tn)
{
	tcp_default_buffers(tn);
	tn->syn_retries = 7;
	tn->synack_retries = 5;
	tn->retries1 = 3;
	tn->retries2 = 15;
	tn->orphan_retries = 8;
	tn->fin_timeout = 60;
	tn->keepalive_time = 7200;
	tn->keepalive_intvl = 75;
	tn->keepalive_probes = 9;
	tn->max_syn_backlog = 256;
	tn->somaxconn = SOMAXCONN;
	tn->syncookies = 1;
	tn->rfc1337 = 1;
	tn->tw_reuse = 2;
	tn->invalid_ratelimit = 500;
	tn->challenge_ack_limit = 1000;
	tn->max_tw_buckets = 4096;
	tn->max_orphans = 1024;
	tn->ecn = 2;
	tn->ecn_fallback = 1;
	tn->ca_ops = &tcp_cubic_ops;
	tn->window_scaling = tn->moderate_rcvbuf = 1;
	tn->sack = tn->dsack = tn->timestamps = 1;
	tn->slow_start_after_idle = 1;
	tn->autocorking = 1;
	tn->limit_output_bytes = 1u << 20;
	tn->notsent_lowat = UINT32_MAX;
	tn->min_tso_segs = 2;
	tn->tso_win_divisor = 3;
	tn->retrans_collapse = 1;
	tn->recovery = TCP_RACK_LOSS_DETECTION;
	tn->early_retrans = 3;
	tn->frto = 2;
	tn->reordering = TCP_DUPACK_THRESH;
	tn->max_reordering = 300;
	tn->fastopen = TFO_CLIENT_ENABLE;
	get_random_bytes(&tn->fo_key, sizeof(tn->fo_key));
	get_random_bytes(&tn->cookie_key, sizeof(tn->cookie_key));
}

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

/* --- Settings --------------------------------------------------------------------------------------------------------------- */

struct tcp_sysctl {
	const char *name;
	u32 offset; /* of the u32 in struct tcp_net */
	u32 least, most;
};
#define TCP_SYSCTL(name_, field, least_, most_)                                                    \
	{                                                                                          \
		"tcp_" #name_, offsetof(struct tcp_net, field), least_, most_                      \
	}
static const struct tcp_sysctl tcp_sysctls[] = {
	TCP_SYSCTL(syn_retries, syn_retries, 1, 127),
	TCP_SYSCTL(synack_retries, synack_retries, 0, 127),
	TCP_SYSCTL(retries1, retries1, 0, 255),
	TCP_SYSCTL(retries2, retries2, 0, 255),
	TCP_SYSCTL(orphan_retries, orphan_retries, 0, 255),
	TCP_SYSCTL(fin_timeout, fin_timeout, 1, 32767),
	TCP_SYSCTL(keepalive_time, keepalive_time, 1, 32767),
	TCP_SYSCTL(keepalive_intvl, keepalive_intvl, 1, 32767),
	TCP_SYSCTL(keepalive_probes, keepalive_probes, 1, 127),
	TCP_SYSCTL(max_syn_backlog, max_syn_backlog, 1, 65536),
	TCP_SYSCTL(somaxconn, somaxconn, 0, UINT16_MAX), /* net.core's */
	TCP_SYSCTL(syncookies, syncookies, 0, 2),
	TCP_SYSCTL(abort_on_overflow, abort_on_overflow, 0, 1),
	TCP_SYSCTL(rfc1337, rfc1337, 0, 1),
	TCP_SYSCTL(tw_reuse, tw_reuse, 0, 2),
	TCP_SYSCTL(invalid_ratelimit, invalid_ratelimit, 0, 60000),
	TCP_SYSCTL(challenge_ack_limit, challenge_ack_limit, 1, INT32_MAX),
	TCP_SYSCTL(max_tw_buckets, max_tw_buckets, 0, 1000000),
	TCP_SYSCTL(max_orphans, max_orphans, 0, 1000000),
	TCP_SYSCTL(window_scaling, window_scaling, 0, 1),
	TCP_SYSCTL(moderate_rcvbuf, moderate_rcvbuf, 0, 1),
	TCP_SYSCTL(sack, sack, 0, 1),
	TCP_SYSCTL(dsack, dsack, 0, 1),
	TCP_SYSCTL(timestamps, timestamps, 0, 2),
	TCP_SYSCTL(ecn, ecn, 0, 2),
	TCP_SYSCTL(ecn_fallback, ecn_fallback, 0, 1),
	TCP_SYSCTL(slow_start_after_idle, slow_start_after_idle, 0, 1),
	TCP_SYSCTL(autocorking, autocorking, 0, 1),
	TCP_SYSCTL(limit_output_bytes, limit_output_bytes, 0, INT32_MAX),
	TCP_SYSCTL(notsent_lowat, notsent_lowat, 0, UINT32_MAX),
	TCP_SYSCTL(min_tso_segs, min_tso_segs, 1, 65535),
	TCP_SYSCTL(tso_win_divisor, tso_win_divisor, 1, 1000),
	TCP_SYSCTL(retrans_collapse, retrans_collapse, 0, 1),
	TCP_SYSCTL(fastopen, fastopen, 0, 0x7ff),
	TCP_SYSCTL(recovery, recovery, 0, 255),
	TCP_SYSCTL(early_retrans, early_retrans, 0, 4),
	TCP_SYSCTL(frto, frto, 0, 2),
	TCP_SYSCTL(reordering, reordering, 1, INT32_MAX),
	TCP_SYSCTL(max_reordering, max_reordering, 1, INT32_MAX),
};

/* "least default most" with blanks or commas between; each within [1, INT_MAX] and not falling. */
static int tcp_set_triple(u32 dst[3], const char *value)
{
	u32 v[3] = { 0 };

	for (u32 i = 0; i < 3; i++) {
		char word[12];
		size_t n = 0;
		u64 num;

		while (*value && *value != ',' && *value != ' ' && *value != '\t' &&
		       n + 1 < sizeof(word))
			word[n++] = *value++;
		word[n] = '\0';
		if (kstrtou64(word, &num))
			return -EINVAL;
		if (num < 1 || num > INT32_MAX || (i && num < v[i - 1]))
			return -ERANGE;
		v[i] = (u32)num;
		if (i < 2 && !*value)
			return -EINVAL;
		if (i < 2)
			value++;
	}
	if (*value)
		return -EINVAL;
	memcpy(dst, v, sizeof(v));
	return 0;
}

/**
 * tcp_sysctl_set() - net.ipv4.tcp_NAME=VALUE
 * @net: instance
 * @name: "tcp_syn_retries", with or without "tcp_"
 * @value: number, or three for tcp_rmem and tcp_wmem, or a name for tcp_congestion_control
 *
 * Context: process. Return: 0, -ENOENT, -EINVAL not a number, -ERANGE.
 */
int tcp_sysctl_set(struct net *net, const char *name, const char *value)
{
	const char *bare = strncmp(name, "tcp_", 4) == 0 ? name + 4 : name;
	u64 num;
	int err;

	if (strcmp(bare, "rmem") == 0)
		return tcp_set_triple(net->tcp->rmem, value);
	if (strcmp(bare, "wmem") == 0)
		return tcp_set_triple(net->tcp->wmem, value);
	if (strcmp(bare, "congestion_control") == 0) {
		const struct tcp_congestion_ops *ops = tcp_cong_find(value);

		if (!ops)
			return -EINVAL;
		net->tcp->ca_ops = ops;
		return 0;
	}
	if (strcmp(bare, "fastopen_key") == 0)
		return tcp_fastopen_set_key(net->tcp, value);
	for (u32 i = 0; i < ARRAY_SIZE(tcp_sysctls); i++) {
		const struct tcp_sysctl *s = &tcp_sysctls[i];

		if (strcmp(bare, s->name + 4) != 0)
			continue;
		err = kstrtou64(value, &num);
		if (err)
			return err;
		if (num < s->least || num > s->most)
			return -ERANGE;
		*(u32 *)(void *)((char *)net->tcp + s->offset) = (u32)num;
		return 0;
	}
	return -ENOENT;
}

/**
 * tcp_sysctl_get() - net.ipv4.tcp_NAME as text
 * @net: instance
 * @name: "tcp_syn_retries"
 * @text: PROC_SETTING_MAX bytes
 *
 * Context: process. Return: length of the text; -ENOENT. The Fast Open key is a secret: it reads as nothing.
 */
int tcp_sysctl_get(const struct net *net, const char *name, char *text)
{
	const struct tcp_net *tn = net->tcp;

	if (strcmp(name, "tcp_rmem") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%u\t%u\t%u", tn->rmem[0], tn->rmem[1],
				 tn->rmem[2]);
	if (strcmp(name, "tcp_wmem") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%u\t%u\t%u", tn->wmem[0], tn->wmem[1],
				 tn->wmem[2]);
	if (strcmp(name, "tcp_congestion_control") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%s", tn->ca_ops->name);
	if (strcmp(name, "tcp_fastopen_key") == 0)
		return 0;
	for (u32 i = 0; i < ARRAY_SIZE(tcp_sysctls); i++) {
		const struct tcp_sysctl *s = &tcp_sysctls[i];

		if (strcmp(name, s->name) == 0)
			return scnprintf(
				text, PROC_SETTING_MAX, "%u",
				*(const u32 *)(const void *)((const char *)tn + s->offset));
	}
	return -ENOENT;
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
