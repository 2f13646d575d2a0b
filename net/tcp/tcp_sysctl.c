// SPDX-License-Identifier: MIT
/*
 * TCP's settings, under Linux's names and with its values where a host of this size can have them.
 *
 * What a script for Linux may set can be set here, and reads as it was set, also where nothing depends on it: there are no metrics of old
 * connections, no marks, no SACK of FACK's kind.
 *
 * Interface: tcp_default_settings, tcp_sysctl_set, tcp_sysctl_get
 * Above: tcp_net.c, net/init.c, boot. Below: net/core/sysctl.c, tcp_fastopen.c; the algorithms' names.
 * Context: process.
 * Owns: nothing.
 * Specs: Linux ip-sysctl.rst (names and values).
 */
#include <net/tcp.h>

#include "tcp_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/sysctl.h>

#define PAGE_BYTES 4096u

/* Buffer limits follow the memory: at most 4 and 6 MiB, and 1/128 of what there is for one socket. */
static void tcp_default_buffers(struct tcp_net *tn)
{
	u64 bytes = pages_total() * PAGE_BYTES, share = bytes / 128;
	u32 most = (u32)min(share, 4ULL << 20);

	tn->wmem[0] = 4096;
	tn->wmem[1] = 16384;
	tn->wmem[2] = max(most, 65536u);
	tn->rmem[0] = 4096;
	tn->rmem[1] = 131072;
	tn->rmem[2] = (u32)max(min(share, 6ULL << 20), 131072ULL);
	/* In pages: an eighth of the memory, less and more. Each socket's limits hold, this is only told. */
	tn->mem[1] = (u32)min(max(bytes / PAGE_BYTES / 8, 128ULL), 1ULL << 30);
	tn->mem[0] = tn->mem[1] / 4 * 3;
	tn->mem[2] = tn->mem[0] * 2;
}

#define TCP_SYSCTL(name_, preset_, least_, most_)                                                  \
	NET_SETTING(#name_, struct tcp_net, name_, preset_, least_, most_)
#define U8  UINT8_MAX
#define INT INT32_MAX
/* clang-format off */
static const struct net_setting tcp_sysctls[] = {
	/* Connections */
	TCP_SYSCTL(syn_retries, 7, 1, 127), /* more than three minutes (RFC 9293, MUST-23) */
	TCP_SYSCTL(synack_retries, 5, 0, 127),
	TCP_SYSCTL(retries1, 3, 0, U8),
	TCP_SYSCTL(retries2, 15, 0, U8),
	TCP_SYSCTL(orphan_retries, 0, 0, U8),
	TCP_SYSCTL(fin_timeout, 60, 1, 32767),
	TCP_SYSCTL(keepalive_time, 7200, 1, 32767),
	TCP_SYSCTL(keepalive_intvl, 75, 1, 32767),
	TCP_SYSCTL(keepalive_probes, 9, 1, 127),
	TCP_SYSCTL(max_syn_backlog, 256, 1, 65536),
	TCP_SYSCTL(somaxconn, SOMAXCONN, 0, UINT16_MAX), /* net.core's */
	TCP_SYSCTL(syncookies, 1, 0, 2),
	TCP_SYSCTL(abort_on_overflow, 0, 0, U8),
	TCP_SYSCTL(rfc1337, 1, 0, U8),
	TCP_SYSCTL(tw_reuse, 2, 0, 2),
	TCP_SYSCTL(invalid_ratelimit, 500, 0, 60000),
	TCP_SYSCTL(challenge_ack_limit, 1000, 1, INT),
	TCP_SYSCTL(max_tw_buckets, 4096, 0, 1000000),
	TCP_SYSCTL(max_orphans, 1024, 0, 1000000),
	TCP_SYSCTL(fastopen, TFO_CLIENT_ENABLE, 0, INT),
	TCP_SYSCTL(fastopen_blackhole_timeout_sec, 0, 0, INT),
	/* Options and windows */
	TCP_SYSCTL(window_scaling, 1, 0, 1),
	TCP_SYSCTL(moderate_rcvbuf, 1, 0, U8),
	TCP_SYSCTL(adv_win_scale, 1, -31, 31),
	TCP_SYSCTL(app_win, 31, 0, 31),
	TCP_SYSCTL(workaround_signed_windows, 0, 0, U8),
	TCP_SYSCTL(sack, 1, 0, U8),
	TCP_SYSCTL(dsack, 1, 0, U8),
	TCP_SYSCTL(timestamps, 1, 0, U8),
	TCP_SYSCTL(ecn, 2, 0, 2),
	TCP_SYSCTL(ecn_fallback, 1, 0, 1),
	TCP_SYSCTL(comp_sack_delay_ns, 1000000, 0, INT),
	TCP_SYSCTL(comp_sack_nr, 44, 0, U8),
	TCP_SYSCTL(stdurg, 0, 0, U8),
	TCP_SYSCTL(min_snd_mss, 48, 48, 65535),
	/* Sending */
	TCP_SYSCTL(slow_start_after_idle, 1, 0, U8),
	TCP_SYSCTL(autocorking, 1, 0, 1),
	TCP_SYSCTL(limit_output_bytes, 1048576, 0, INT),
	TCP_SYSCTL(notsent_lowat, UINT32_MAX, 0, UINT32_MAX),
	TCP_SYSCTL(min_tso_segs, 2, 1, 65535),
	TCP_SYSCTL(tso_win_divisor, 3, 0, U8),
	TCP_SYSCTL(retrans_collapse, 1, 0, U8),
	TCP_SYSCTL(pacing_ss_ratio, 200, 0, 1000),
	TCP_SYSCTL(pacing_ca_ratio, 120, 0, 1000),
	/* Loss */
	TCP_SYSCTL(recovery, TCP_RACK_LOSS_DETECTION, 0, U8),
	TCP_SYSCTL(early_retrans, 3, 0, 4),
	TCP_SYSCTL(solicit_acks, 3, 0, 4), /* Linux has none */
	TCP_SYSCTL(frto, 2, 0, U8),
	TCP_SYSCTL(min_rtt_wlen, 300, 0, 86400),
	TCP_SYSCTL(reordering, TCP_DUPACK_THRESH, 1, INT),
	TCP_SYSCTL(max_reordering, 300, 1, INT),
	TCP_SYSCTL(thin_linear_timeouts, 0, 0, U8),
	TCP_SYSCTL(base_mss, 1024, 0, INT),
	TCP_SYSCTL(mtu_probing, 0, 0, U8), /* 1: when large segments seem to vanish; 2: always */
	TCP_SYSCTL(mtu_probe_floor, 48, 48, INT),
	TCP_SYSCTL(probe_interval, 600, 0, INT),
	TCP_SYSCTL(probe_threshold, 8, 0, INT),
	/* Nothing depends on these */
	TCP_SYSCTL(fack, 0, 0, U8),
	TCP_SYSCTL(low_latency, 0, 0, INT),
	TCP_SYSCTL(no_metrics_save, 0, 0, U8),
	TCP_SYSCTL(no_ssthresh_metrics_save, 1, 0, 1),
	TCP_SYSCTL(tso_rtt_log, 9, 0, U8),
	TCP_SYSCTL(early_demux, 1, 0, U8),
	TCP_SYSCTL(reflect_tos, 0, 0, 1),
	TCP_SYSCTL(l3mdev_accept, 0, 0, 1),
	TCP_SYSCTL(fwmark_accept, 0, 0, U8),
	TCP_SYSCTL(migrate_req, 0, 0, 1),
	TCP_SYSCTL(comp_sack_slack_ns, 100000, 0, INT),
};
/* clang-format on */
static const struct net_settings tcp_numbers = { tcp_sysctls, ARRAY_SIZE(tcp_sysctls) };

/** tcp_default_settings() - an instance begins. Context: process. */
void tcp_default_settings(struct tcp_net *tn)
{
	tcp_default_buffers(tn);
	tn->ca_ops = &tcp_cubic_ops;
	tn->cong_allowed = TCP_CONG_ALL;
	net_settings_preset(&tcp_numbers, tn);
	tn->fo_keys.n = 1;
	get_random_bytes(&tn->fo_keys.key[0], sizeof(tn->fo_keys.key[0]));
	get_random_bytes(&tn->cookie_key, sizeof(tn->cookie_key));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ',';
}

/* "least default most" with blanks or commas between; each within [1, INT_MAX] and not falling. */
static int tcp_set_triple(u32 dst[3], const char *value)
{
	u32 v[3] = { 0 };

	for (u32 i = 0; i < 3; i++) {
		char word[12];
		size_t n = 0;
		u64 num;

		while (is_blank(*value))
			value++;
		while (*value && !is_blank(*value) && n + 1 < sizeof(word))
			word[n++] = *value++;
		word[n] = '\0';
		if (kstrtou64(word, &num))
			return -EINVAL;
		if (num < 1 || num > INT32_MAX || (i && num < v[i - 1]))
			return -ERANGE;
		v[i] = (u32)num;
	}
	while (is_blank(*value))
		value++;
	if (*value)
		return -EINVAL;
	memcpy(dst, v, sizeof(v));
	return 0;
}

/* The three that a setting of three numbers is kept in; NULL: @bare is none. */
static u32 *tcp_triple(struct tcp_net *tn, const char *bare)
{
	if (strcmp(bare, "rmem") == 0)
		return tn->rmem;
	if (strcmp(bare, "wmem") == 0)
		return tn->wmem;
	return strcmp(bare, "mem") == 0 ? tn->mem : NULL;
}

/**
 * tcp_sysctl_set() - net.ipv4.tcp_NAME=VALUE
 * @net: instance
 * @name: "tcp_syn_retries", with or without "tcp_"
 * @value: number, or three for tcp_rmem, tcp_wmem and tcp_mem, or a name for tcp_congestion_control
 *
 * Context: process. Return: 0, -ENOENT, -EINVAL not a number, -ERANGE.
 */
int tcp_sysctl_set(struct net *net, const char *name, const char *value)
{
	const char *bare = strncmp(name, "tcp_", 4) == 0 ? name + 4 : name;
	u32 *triple = tcp_triple(net->tcp, bare);

	if (triple)
		return tcp_set_triple(triple, value);
	if (strcmp(bare, "congestion_control") == 0) {
		const struct tcp_congestion_ops *ops = tcp_cong_find(value);

		if (!ops)
			return -EINVAL;
		net->tcp->ca_ops = ops;
		return 0;
	}
	if (strcmp(bare, "allowed_congestion_control") == 0)
		return tcp_cong_set_allowed(net->tcp, value);
	if (strcmp(bare, "fastopen_key") == 0)
		return tcp_fastopen_set_key(net->tcp, value);
	return net_setting_set(&tcp_numbers, net->tcp, bare, value);
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
	const u32 *triple;

	if (strncmp(name, "tcp_", 4) != 0)
		return -ENOENT;
	triple = tcp_triple(net->tcp, name + 4);
	if (triple)
		return scnprintf(text, PROC_SETTING_MAX, "%u\t%u\t%u", triple[0], triple[1],
				 triple[2]);
	if (strcmp(name, "tcp_congestion_control") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%s", net->tcp->ca_ops->name);
	if (strcmp(name, "tcp_available_congestion_control") == 0)
		return tcp_cong_list(TCP_CONG_ALL, text);
	if (strcmp(name, "tcp_allowed_congestion_control") == 0)
		return tcp_cong_list(net->tcp->cong_allowed, text);
	if (strcmp(name, "tcp_fastopen_key") == 0)
		return 0;
	return net_setting_get(&tcp_numbers, net->tcp, name + 4, text);
}
