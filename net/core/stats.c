// SPDX-License-Identifier: MIT
/*
 * Counter pages in Linux's text: a line of names, a line of values, per group.
 *
 * Interface: snmp_show(), netstat_show(), drops_show(). The counters themselves are counted by the macros of the
 * header.
 * Above: kernel/proc.c calls.  Below: struct net's numbers.
 * Context: process.
 * Owns: nothing.
 * Specs: RFC 4293, RFC 4022, RFC 4113 (names), RFC 9293 (RtoAlgorithm 1: "other", as Linux says for Van Jacobson's).
 */
#include <net/stats.h>

#include <kernel/proc.h>
#include <net/net.h>
#include <net/skbuff.h>

/* Bounds that TCP's MIB announces: ms, and no limit on connections. */
enum { MIB_RTO_ALGORITHM = 1, MIB_RTO_MIN_MS = 200, MIB_RTO_MAX_MS = 120000, MIB_MAX_CONN = -1 };
/* IP's first two columns: not forwarding, default TTL. */
enum { MIB_IP_FORWARDING = 2, MIB_IP_DEFAULT_TTL = 64 };

#define MIB_NAME(n) #n,
static const char *const ip_names[] = { IP_MIB(MIB_NAME) };
static const char *const ipext_names[] = { IPEXT_MIB(MIB_NAME) };
static const char *const icmp_names[] = { ICMP_MIB(MIB_NAME) };
static const char *const tcp_names[] = { TCP_MIB(MIB_NAME) };
static const char *const udp_names[] = { UDP_MIB(MIB_NAME) };
static const char *const tcpext_names[] = { TCPEXT_MIB(MIB_NAME) };
static const char *const drop_names[] = { DROP_REASONS(MIB_NAME) };

static void show_names(struct seq_file *m, const char *group, const char *const *names, u32 n)
{
	seq_printf(m, "%s:", group);
	for (u32 i = 0; i < n; i++)
		seq_printf(m, " %s", names[i]);
}

static void show_values(struct seq_file *m, const u64 *v, u32 n)
{
	for (u32 i = 0; i < n; i++)
		seq_printf(m, " %llu", (unsigned long long)v[i]);
	seq_puts(m, "\n");
}

static void show_group(struct seq_file *m, const char *group, const char *const *names,
		       const u64 *v, u32 n)
{
	show_names(m, group, names, n);
	seq_printf(m, "\n%s:", group);
	show_values(m, v, n);
}

/* Ip begins with two settings that are no counters. */
static void show_ip(struct seq_file *m, const struct net_mib *mib)
{
	seq_puts(m, "Ip: Forwarding DefaultTTL");
	for (u32 i = 0; i < NR_IP_MIB; i++)
		seq_printf(m, " %s", ip_names[i]);
	seq_printf(m, "\nIp: %d %d", MIB_IP_FORWARDING, MIB_IP_DEFAULT_TTL);
	show_values(m, mib->ip, NR_IP_MIB);
}

/* Tcp's first four are constants of the implementation, MaxConn a signed one. */
static void show_tcp(struct seq_file *m, const struct net_mib *mib)
{
	show_names(m, "Tcp", tcp_names, NR_TCP_MIB);
	seq_printf(m, "\nTcp: %d %d %d %d", MIB_RTO_ALGORITHM, MIB_RTO_MIN_MS, MIB_RTO_MAX_MS,
		   MIB_MAX_CONN);
	show_values(m, &mib->tcp[TCP_MIB_ActiveOpens], NR_TCP_MIB - TCP_MIB_ActiveOpens);
}

/**
 * snmp_show() - the page /proc/net/snmp of the instance m->arg. Context: process.
 */
void snmp_show(struct seq_file *m)
{
	const struct net *net = m->arg;

	show_ip(m, &net->mib);
	show_group(m, "Icmp", icmp_names, net->mib.icmp, NR_ICMP_MIB);
	show_tcp(m, &net->mib);
	show_group(m, "Udp", udp_names, net->mib.udp, NR_UDP_MIB);
}

/**
 * netstat_show() - the page /proc/net/netstat of the instance m->arg. Context: process.
 */
void netstat_show(struct seq_file *m)
{
	const struct net *net = m->arg;

	show_group(m, "TcpExt", tcpext_names, net->mib.tcpext, NR_TCPEXT_MIB);
	show_group(m, "IpExt", ipext_names, net->mib.ipext, NR_IPEXT_MIB);
}

/**
 * drops_show() - the page /proc/net/drops: every reason and its count, process-wide. Context: process.
 */
void drops_show(struct seq_file *m)
{
	_Static_assert(sizeof(drop_names) / sizeof(drop_names[0]) == NR_DROP_REASONS, "names");
	for (u32 i = 0; i < NR_DROP_REASONS; i++)
		seq_printf(m, "%s %llu\n", drop_names[i], (unsigned long long)skb_stats.drop[i]);
}
