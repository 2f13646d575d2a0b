// SPDX-License-Identifier: MIT
/*
 * The one file in net/ that knows all its rooms: raises an instance of the stack and tears it down.
 *
 * Interface: net_global_init(), net_init(), net_loopback_address(), net_sysctl_set(), net_sysctl_get(),
 * net_proc_init(), net_exit().
 * Above: boot/main.c, tests with several hosts in one process.  Below: every room of net/.
 * Context: process.
 * Owns: nothing; each room owns what it hangs in struct net.
 */
#include <net/init.h>

#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/icmp.h>
#include <net/inet_hashtables.h>
#include <net/inetdevice.h>
#include <net/ip.h>
#include <net/neighbour.h>
#include <net/nf_tables.h>
#include <net/packet.h>
#include <net/ping.h>
#include <net/raw.h>
#include <net/route.h>
#include <net/sch_generic.h>
#include <net/socket.h>
#include <net/tcp.h>
#include <net/udp.h>

#define LOOPBACK_ADDR 0x7f000001u
#define SYSCTL_FOLDER "/proc/sys/net/ipv4/"
#define CORE_FOLDER   "/proc/sys/net/core/"

/*
 * Every room of an instance, in the order of birth; the end goes backwards. First the tables of families and protocols
 * (inet_register_protosw), then the protocols themselves: ARP, IP, TCP, UDP, ICMP.
 */
struct room {
	const char *name;
	int (*init)(struct net *net);
	void (*exit)(struct net *net); /* NULL: nothing to take down */
};

/* The protocols of PF_INET, in the order in which socket() asks them. */
static int protosw_init(struct net *net)
{
	static const struct inet_protosw inetsw_array[] = {
		{ .type = SOCK_STREAM,
		  .protocol = IPPROTO_TCP,
		  .flags = INET_PROTOSW_PERMANENT | INET_PROTOSW_ICSK,
		  .prot = &tcp_prot,
		  .ops = &inet_stream_ops },
		{ .type = SOCK_DGRAM,
		  .protocol = IPPROTO_UDP,
		  .flags = INET_PROTOSW_PERMANENT,
		  .prot = &udp_prot,
		  .ops = &inet_dgram_ops },
		{ .type = SOCK_DGRAM,
		  .protocol = IPPROTO_ICMP,
		  .flags = INET_PROTOSW_REUSE,
		  .prot = &ping_prot,
		  .ops = &inet_dgram_ops },
		{ .type = SOCK_RAW,
		  .protocol = IPPROTO_IP, /* any */
		  .flags = INET_PROTOSW_REUSE,
		  .prot = &raw_prot,
		  .ops = &inet_dgram_ops },
	};
	int err = 0;

	for (u32 i = 0; i < ARRAY_SIZE(inetsw_array) && !err; i++)
		err = inet_register_protosw(net, &inetsw_array[i]);
	return err;
}

static const struct room rooms[] = {
	{ "sched", sched_net_init, NULL }, /* first to hear of devices: the others may send then */
	/* Families and protocols first, as tables only: nobody can open a socket before the system calls are entered. */
	{ "socket", inet_socket_init, inet_socket_exit },
	{ "protosw", protosw_init, NULL },
	{ "arp", arp_net_init, arp_net_exit },
	{ "route", ip_route_init, ip_route_exit },
	{ "ip", ip_init, ip_exit },
	{ "nft", nft_init, nft_exit },
	{ "tcp", tcp_net_init, tcp_net_exit },
	{ "udp", udp_net_init, udp_net_exit },
	{ "icmp", icmp_init, icmp_exit },
	{ "ping", ping_net_init, ping_net_exit },
	{ "raw", raw_net_init, raw_net_exit },
	{ "packet", packet_net_init, packet_net_exit },
};

/* The files that the C library's resolver reads: whom to ask, and the names that need no asking. */
static void resolv_conf_show(struct seq_file *m)
{
	const struct net *net = m->arg;

	for (u32 i = 0; i < NR_NAMESERVERS && net->nameserver[i]; i++)
		seq_printf(m, "nameserver %pI4\n", &net->nameserver[i]);
}

static void hosts_show(struct seq_file *m)
{
	seq_puts(m, "127.0.0.1 localhost\n");
}

// clang-format off
static const struct page_entry {
	const char *path;
	proc_show_t show;
} pages[] = {
	{ "/proc/net/dev", dev_show },
	{ "/etc/resolv.conf", resolv_conf_show },
	{ "/etc/hosts", hosts_show },
	{ "/proc/net/snmp", snmp_show },
	{ "/proc/net/netstat", netstat_show },
	{ "/proc/net/softnet_stat", softnet_stat_show },
	{ "/proc/net/arp", arp_show },
	{ "/proc/net/neigh", neigh_stat_show },
	{ "/proc/net/route", route_show },
	{ "/proc/net/tcp", tcp_show },
	{ "/proc/net/udp", udp_show },
	{ "/proc/net/raw", raw_show },
	{ "/proc/net/icmp", ping_show },
	{ "/proc/net/packet", packet_show },
	{ "/proc/net/igmp", igmp_show },
	{ "/proc/net/mcfilter", mcfilter_show },
	{ "/proc/net/sockstat", sockstat_show },
	{ "/proc/net/qdisc", qdisc_show },
	{ "/proc/net/skb", skb_show },
	{ "/proc/net/drops", drops_show },
	{ "/proc/net/flow", skb_stages_show },
	{ "/proc/net/nft", nft_show },
	{ "/proc/net/stat/arp_cache", neigh_cache_show },
	{ "/proc/net/tx_queues", txqueues_show },
	{ "/proc/net/rt_cache", rt_cache_show },
	{ "/proc/net/stat/rt_cache", rt_cache_stat_show },
};
// clang-format on

/**
 * net_global_init() - once per process, before the first instance: packet caches, per-CPU state, the two softirqs.
 * Context: process.
 * Return: 0; -ENOMEM.
 */
int net_global_init(void)
{
	if (skb_init() || softnet_init(this_cpu()))
		return -ENOMEM;
	open_softirq(NET_TX_SOFTIRQ, net_tx_action);
	open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	return 0;
}

static void rooms_exit(struct net *net, u32 n)
{
	while (n--)
		if (rooms[n].exit)
			rooms[n].exit(net);
}

/**
 * net_init() - raises every room of @net.
 * Context: process.
 * Return: 0; what a room said (-ENOMEM), with everything undone.
 */
int net_init(struct net *net)
{
	char names[128] = "";
	int len = 0;

	for (u32 i = 0; i < ARRAY_SIZE(rooms); i++) {
		int err = rooms[i].init(net);

		if (err) {
			rooms_exit(net, i);
			return err;
		}
		len += scnprintf(names + len, sizeof(names) - (size_t)len, " %s", rooms[i].name);
	}
	pr_info("net: up:%s\n", names);
	return 0;
}

/**
 * net_loopback_address() - gives lo its address, 127.0.0.1/8.
 * Context: process, after loopback_init().
 * Return: 0; -ENOMEM.
 */
int net_loopback_address(struct net *net)
{
	BUG_ON(!net->loopback_dev);
	return inet_addr_add(net->loopback_dev, htonl(LOOPBACK_ADDR), 8);
}

/* "LOW HIGH", with blanks or a comma between. */
static int port_range_set(struct net *net, const char *value)
{
	size_t n = 0;
	u64 low, high;
	char word[8];

	while (*value >= '0' && *value <= '9' && n + 1 < sizeof(word))
		word[n++] = *value++;
	word[n] = '\0';
	if (kstrtou64(word, &low) || (*value != ' ' && *value != ',' && *value != '\t') ||
	    kstrtou64(value + 1, &high))
		return -EINVAL;
	return inet_set_port_range(net, low, high);
}

/* Everything that was learned of others or is left of the past: neighbours, paths, closed connections, fragments, who got how
 * many errors. */
static void net_forget(struct net *net) __may_sleep
{
	tcp_net_forget(net);
	ip_route_flush(net);
	ip_frag_flush(net);
	neigh_flush(net);
	icmp_forget(net);
}

/* Settings that are orders: writing a number does something, reading gives nothing. */
static const struct {
	const char *name;
	void (*run)(struct net *net);
} orders[] = {
	{ "route/flush", ip_route_flush }, /* Linux's */
	{ "flush", net_forget },           /* ours */
};

static bool is_order(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(orders); i++)
		if (strcmp(name, orders[i].name) == 0)
			return true;
	return false;
}

static int order_run(struct net *net, const char *name, const char *value) __may_sleep
{
	u64 number;

	if (kstrtou64(value, &number))
		return -EINVAL;
	for (u32 i = 0; i < ARRAY_SIZE(orders); i++)
		if (strcmp(name, orders[i].name) == 0)
			orders[i].run(net);
	return 0;
}

/**
 * net_sysctl_set() - sets net.ipv4.@name of an instance.
 * Context: process.
 * Return: 0; -ENOENT no such setting; -EINVAL no value; -ERANGE.
 */
int net_sysctl_set(struct net *net, const char *name, const char *value)
{
	int err;

	if (strcmp(name, "somaxconn") == 0) /* net.core's */
		return -ENOENT;
	if (strcmp(name, "ip_local_port_range") == 0)
		return port_range_set(net, value);
	if (strcmp(name, "conf.all.accept_source_route") == 0)
		return ip_source_route_set(net, value);
	if (strncmp(name, "ipfrag_", 7) == 0)
		return ip_frag_sysctl_set(net, name, value);
	if (is_order(name))
		return order_run(net, name, value);
	err = ip_igmp_sysctl_set(net, name, value);
	if (err != -ENOENT)
		return err;
	err = ip_sysctl_set(net, name, value);
	return err == -ENOENT ? tcp_sysctl_set(net, name, value) : err;
}

/**
 * net_sysctl_get() - net.ipv4.@name of an instance as text.
 * @text: PROC_SETTING_MAX bytes.
 * Context: process.
 * Return: its length, 0 for what can only be written; -ENOENT no such setting.
 */
int net_sysctl_get(const struct net *net, const char *name, char *text)
{
	int err;

	if (strcmp(name, "ip_local_port_range") == 0)
		return scnprintf(text, PROC_SETTING_MAX, "%u\t%u", net->port_min, net->port_max);
	if (strncmp(name, "ipfrag_", 7) == 0)
		return ip_frag_sysctl_get(net, name, text);
	if (is_order(name))
		return 0;
	err = ip_igmp_sysctl_get(net, name, text);
	if (err == -ENOENT)
		err = ip_sysctl_get(net, name, text);
	return err == -ENOENT ? tcp_sysctl_get(net, name, text) : err;
}

/**
 * net_core_sysctl_set() - sets net.core.@name of an instance.
 * Context: process.
 * Return: 0; -ENOENT no such setting; -EINVAL no value; -ERANGE.
 */
int net_core_sysctl_set(struct net *net, const char *name, const char *value)
{
	if (strcmp(name, "somaxconn") == 0) /* TCP alone listens */
		return tcp_sysctl_set(net, "tcp_somaxconn", value);
	return core_sysctl_set(net, name, value);
}

static int core_setting_set(void *arg, const char *name, const char *value) __may_sleep
{
	return net_core_sysctl_set(arg, name, value);
}

static int core_setting_get(void *arg, const char *name, char text[PROC_SETTING_MAX])
{
	if (strcmp(name, "somaxconn") == 0)
		return tcp_sysctl_get(arg, "tcp_somaxconn", text);
	return core_sysctl_get(arg, name, text);
}

static int setting_set(void *arg, const char *name, const char *value) __may_sleep
{
	return net_sysctl_set(arg, name, value);
}

static int setting_get(void *arg, const char *name, char text[PROC_SETTING_MAX])
{
	return net_sysctl_get(arg, name, text);
}

/**
 * net_proc_init() - the pages /proc/net/... show @net, /proc/sys/net/ipv4/... and core/... are its settings. The first instance that asks has them; a page without memory
 * is missing.
 * Context: process.
 */
void net_proc_init(struct net *net)
{
	const struct proc_settings settings = {
		.folder = SYSCTL_FOLDER, .set = setting_set, .get = setting_get, .arg = net
	};
	const struct proc_settings core = {
		.folder = CORE_FOLDER, .set = core_setting_set, .get = core_setting_get, .arg = net
	};
	int err = proc_register(pages[0].path, pages[0].show, net);

	net->proc_pages = err == 0;
	if (net->proc_pages) {
		(void)proc_settings_register(&settings);
		(void)proc_settings_register(&core);
	}
	for (u32 i = 1; net->proc_pages && i < ARRAY_SIZE(pages); i++)
		(void)proc_register(pages[i].path, pages[i].show, net);
}

/**
 * net_exit() - takes every room of @net down. Devices must have been unregistered.
 * Context: process.
 */
void net_exit(struct net *net)
{
	BUG_ON(!list_empty(&net->dev_base));
	for (u32 i = 0; net->proc_pages && i < ARRAY_SIZE(pages); i++)
		proc_unregister(pages[i].path);
	if (net->proc_pages) {
		proc_settings_unregister(SYSCTL_FOLDER);
		proc_settings_unregister(CORE_FOLDER);
	}
	net->proc_pages = false;
	rooms_exit(net, ARRAY_SIZE(rooms));
}
