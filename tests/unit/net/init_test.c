// SPDX-License-Identifier: MIT
/* An instance's rooms and pages: the pages come with it, tell of it, and go with it. */
#include <ktest.h>

#include <host.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <lib/err.h>
#include <net/init.h>
#include <net/net.h>

struct page_row {
	const char *name;
	const char *path, *begins;
};

static const struct page_row page_table[] = {
	{ "dev", "/proc/net/dev", "Inter-|" },
	{ "snmp", "/proc/net/snmp", "Ip: Forwarding DefaultTTL" },
	{ "netstat", "/proc/net/netstat", "TcpExt: " },
	{ "softnet_stat", "/proc/net/softnet_stat", "" },
	{ "arp", "/proc/net/arp", "IP address" },
	{ "neigh", "/proc/net/neigh", "" },
	{ "route", "/proc/net/route", "Iface\tDestination" },
	{ "tcp", "/proc/net/tcp", "  sl  local_address" },
	{ "udp", "/proc/net/udp", "   sl  local_address" },
	{ "raw", "/proc/net/raw", "  sl  local_address rem_address   st tx_queue" },
	{ "icmp", "/proc/net/icmp", "  sl  local_address rem_address   st tx_queue" },
	{ "packet", "/proc/net/packet", "sk               RefCnt Type Proto" },
	{ "sockstat", "/proc/net/sockstat", "sockets: used 0\n" },
	{ "qdisc", "/proc/net/qdisc", "" },
	{ "skb", "/proc/net/skb", "allocs " },
	{ "drops", "/proc/net/drops", "" },
};

static bool there; /* the packet caches */

static struct net *instance(void)
{
	struct net *net;

	if (!there)
		CHECK_EQ(net_global_init(), 0);
	there = true;
	net = net_alloc();
	CHECK_EQ(net_init(net), 0);
	return net;
}

TEST_EACH(page, page_table)
{
	struct net *net = instance();
	size_t len = 0;
	char *text;

	CHECK(!proc_exists(row->path));
	net_proc_init(net);
	CHECK(proc_exists(row->path));
	text = proc_render(row->path, &len);
	CHECK(!IS_ERR(text));
	if (!IS_ERR(text)) {
		CHECK_EQ(strncmp(text, row->begins, strlen(row->begins)), 0);
		CHECK(len == 0 || text[len - 1] == '\n');
		kfree(text);
	}
	net_exit(net);
	CHECK(!proc_exists(row->path));
	net_free(net);
}

/* The pages belong to the first instance that asked; another one neither takes them nor takes them away. */
TEST(pages_of_the_first)
{
	struct net *first = instance(), *second = instance();

	net_proc_init(first);
	net_proc_init(second);
	net_exit(second);
	CHECK(proc_exists("/proc/net/tcp"));
	net_exit(first);
	CHECK(!proc_exists("/proc/net/tcp"));
	net_free(first);
	net_free(second);
}

/* The order of the articles' inet_init: registration of TCP, UDP, ICMP, RAW; then ARP, IP, TCP, UDP, ICMP come up. */
TEST(rooms_come_up_in_order)
{
	struct net *net;

	host_console_quiet(true);
	host_console_clear();
	net = instance();
	CHECK(strstr(
		host_console(),
		"net: up: sched socket protosw arp route ip nft tcp udp icmp ping raw packet\n"));
	net_exit(net);
	net_free(net);
}

/* --- Settings as files ------------------------------------------------------------------------------------------------- */
#define SYSCTLS "/proc/sys/net/ipv4/"
#define CORE    "/proc/sys/net/core/"
static const struct {
	const char *name, *path, *value, *reads;
	int err;
} settings[] = {
	{ "number", SYSCTLS "tcp_fin_timeout", "7", "7", 0 },
	{ "hexadecimal", SYSCTLS "tcp_fin_timeout", "0x10", "16", 0 },
	{ "triple", SYSCTLS "tcp_rmem", "4096 5000 6000", "4096\t5000\t6000", 0 },
	{ "triple_wmem", SYSCTLS "tcp_wmem", "4096,5000,6000", "4096\t5000\t6000", 0 },
	{ "ports", SYSCTLS "ip_local_port_range", "2000 3000", "2000\t3000", 0 },
	{ "congestion_control", SYSCTLS "tcp_congestion_control", "reno", "reno", 0 },
	{ "fragments", SYSCTLS "ipfrag_time", "2", "2", 0 },
	{ "fragments_wrong", SYSCTLS "ipfrag_time", "0", "30", -ERANGE },
	{ "secret", SYSCTLS "tcp_fastopen_key", "00000000-00000000-00000000-00000001", "", 0 },
	{ "order", SYSCTLS "route/flush", "1", "", 0 },
	{ "order_of_ours", SYSCTLS "flush", "1", "", 0 },
	{ "order_without_number", SYSCTLS "flush", "now", "", -EINVAL },
	{ "out_of_range", SYSCTLS "tcp_fin_timeout", "0", "60", -ERANGE },
	{ "available", SYSCTLS "tcp_available_congestion_control", "reno", "reno cubic bbr",
	  -ENOENT },
	{ "allowed", SYSCTLS "tcp_allowed_congestion_control", " reno", "reno", 0 },
	{ "allowed_both", SYSCTLS "tcp_allowed_congestion_control", "cubic reno", "reno cubic", 0 },
	{ "allowed_all", SYSCTLS "tcp_allowed_congestion_control", "bbr cubic reno",
	  "reno cubic bbr", 0 },
	{ "congestion_control_bbr", SYSCTLS "tcp_congestion_control", "bbr", "bbr", 0 },
	{ "allowed_none", SYSCTLS "tcp_allowed_congestion_control", "", "", 0 },
	{ "allowed_unknown", SYSCTLS "tcp_allowed_congestion_control", "reno vegas",
	  "reno cubic bbr", -ENOENT },
	{ "allowed_part", SYSCTLS "tcp_allowed_congestion_control", "ren", "reno cubic bbr",
	  -ENOENT },
	{ "backlogs", CORE "somaxconn", "17", "17", 0 },
	{ "receive_buffers", CORE "rmem_max", "1000000", "1000000", 0 },
	{ "receive_buffers_least", CORE "rmem_max", "2303", "212992", -ERANGE },
	{ "send_buffers", CORE "wmem_default", "4608", "4608", 0 },
	{ "send_buffers_most", CORE "wmem_max", "2147483648", "212992", -ERANGE },
	{ "control_data", CORE "optmem_max", "x", "20480", -EINVAL },
	{ "no_number", SYSCTLS "tcp_fin_timeout", "x", "60", -EINVAL },
};

TEST_EACH(setting, settings)
{
	struct net *net = instance();
	char text[PROC_SETTING_MAX];

	CHECK_EQ(proc_setting_get(row->path, text), -ENOENT);
	net_proc_init(net);
	CHECK_EQ(proc_setting_set(row->path, row->value), row->err);
	CHECK_EQ(proc_setting_get(row->path, text), (int)strlen(row->reads));
	CHECK_STR(text, row->reads);
	net_exit(net);
	CHECK_EQ(proc_setting_set(row->path, row->value), -ENOENT);
	net_free(net);
}

TEST(no_such_setting)
{
	struct net *net = instance();
	char text[PROC_SETTING_MAX];

	net_proc_init(net);
	CHECK_EQ(proc_setting_get(SYSCTLS "tcp_nothing", text), -ENOENT);
	CHECK_EQ(proc_setting_set(SYSCTLS "tcp_nothing", "1"), -ENOENT);
	CHECK_EQ(proc_setting_get(SYSCTLS "somaxconn", text), -ENOENT);
	CHECK_EQ(proc_setting_set(SYSCTLS "somaxconn", "1"), -ENOENT);
	CHECK_EQ(proc_setting_get(CORE "nothing", text), -ENOENT);
	CHECK_EQ(proc_setting_set(CORE "nothing", "1"), -ENOENT);
	net_exit(net);
	net_free(net);
}

KTEST_MAIN_BOOT()
