// SPDX-License-Identifier: MIT
/*
 * Addresses of devices in tables: which are taken, which one speaks to whom, what lies on the link, what is a broadcast;
 * devices by name and number; each counter in its column of the pages.
 */
#include <ktest.h>

#include <host.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/inetdevice.h>
#include <net/stats.h>
#include <wire/ipv4.h>

#define A(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static struct net *net;
static struct net_device *dev;

static netdev_tx_t t_xmit(struct sk_buff *skb, struct net_device *d)
{
	(void)d;
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops t_ops = { .ndo_start_xmit = t_xmit };

static void begin(void)
{
	net = net_alloc();
	dev = alloc_etherdev(net, 0);
	dev->netdev_ops = &t_ops;
	list_add_tail(&dev->dev_list, &net->dev_base);
}

static void end(void)
{
	inetdev_destroy(dev);
	list_del_init(&dev->dev_list);
	free_netdev(dev);
	net_free(net);
	CHECK_EQ(mm_report_leaks(), 0);
}

/* --- Which addresses a device may have --------------------------------------------------------------------------------- */
struct add_row {
	const char *name;
	u32 addr;
	u8 prefixlen;
	int err;
	u32 bcast; /* 0: none */
};

static const struct add_row add_table[] = {
	{ "host_24", A(10, 0, 2, 15), 24, 0, A(10, 0, 2, 255) },
	{ "host_8", A(10, 0, 2, 15), 8, 0, A(10, 255, 255, 255) },
	{ "host_30", A(10, 0, 2, 1), 30, 0, A(10, 0, 2, 3) },
	{ "host_31_has_no_broadcast", A(10, 0, 2, 1), 31, 0, 0 },
	{ "host_32", A(10, 0, 2, 1), 32, 0, 0 },
	{ "host_33", A(10, 0, 2, 1), 33, -EINVAL, 0 },
	{ "prefix_255", A(10, 0, 2, 1), 255, -EINVAL, 0 },
	{ "any", 0, 24, -EINVAL, 0 },
	{ "zero_net", A(0, 1, 2, 3), 8, -EINVAL, 0 },
	{ "first_group", A(224, 0, 0, 0), 24, -EINVAL, 0 },
	{ "last_group", A(239, 255, 255, 255), 24, -EINVAL, 0 },
	{ "before_the_groups", A(223, 255, 255, 254), 24, 0, A(223, 255, 255, 255) },
	{ "limited_broadcast", A(255, 255, 255, 255), 24, -EINVAL, 0 },
	{ "link_local", A(169, 254, 1, 1), 16, 0, A(169, 254, 255, 255) },
};

TEST_EACH(add, add_table)
{
	begin();
	CHECK_EQ(inet_addr_add(dev, htonl(row->addr), row->prefixlen), row->err);
	CHECK_EQ(inet_dev_has_addr(dev, htonl(row->addr)), !row->err);
	CHECK_EQ(inet_addr_is_local(net, htonl(row->addr)), !row->err);
	if (row->bcast) {
		CHECK(inet_addr_is_bcast(net, htonl(row->bcast)));
		CHECK(!inet_addr_is_bcast(net, htonl(row->bcast - 1)));
	}
	if (!row->err && !row->bcast)
		for (u32 host = 0; host < 2;
		     host++) /* both of a point-to-point link, or itself: hosts */
			CHECK(!inet_addr_is_bcast(net, htonl((row->addr & ~1u) + host)));
	CHECK_EQ(inet_addr_del(dev, htonl(row->addr)), row->err ? -EADDRNOTAVAIL : 0);
	CHECK(!inet_addr_is_local(net, htonl(row->addr)));
	end();
}

/* A device that cannot broadcast has no broadcast address either. */
TEST(no_broadcast_without_the_flag)
{
	begin();
	dev->flags &= ~(u32)IFF_BROADCAST;
	CHECK_EQ(inet_addr_add(dev, htonl(A(10, 0, 2, 15)), 24), 0);
	CHECK(!inet_addr_is_bcast(net, htonl(A(10, 0, 2, 255))));
	CHECK(!inet_addr_is_bcast(net, htonl(A(10, 0, 2, 0))));
	CHECK(inet_addr_is_bcast(net, INADDR_BROADCAST));
	end();
}

TEST(add_without_memory)
{
	begin();
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	CHECK_EQ(inet_addr_add(dev, htonl(A(10, 0, 2, 15)), 24), -ENOMEM);
	faults_armed = false;
	CHECK(!inet_dev_has_addr(dev, htonl(A(10, 0, 2, 15))));
	CHECK(!inet_addr_onlink(dev, htonl(A(10, 0, 2, 16))));
	CHECK_EQ(inet_addr_add(dev, htonl(A(10, 0, 2, 15)), 24), 0);
	end();
}

/* --- With two subnets on one device ------------------------------------------------------------------------------------- */
struct ask_row {
	const char *name;
	u32 addr;
	bool local, onlink, bcast;
	u32 source; /* address that speaks to it */
};

/* 10.0.2.15/24 and 192.168.1.1/30. */
static const struct ask_row ask_table[] = {
	{ "own", A(10, 0, 2, 15), true, true, false, A(10, 0, 2, 15) },
	{ "own_of_the_second", A(192, 168, 1, 1), true, true, false, A(192, 168, 1, 1) },
	{ "neighbour", A(10, 0, 2, 2), false, true, false, A(10, 0, 2, 15) },
	{ "neighbour_in_the_second", A(192, 168, 1, 2), false, true, false, A(192, 168, 1, 1) },
	{ "one_beyond_the_second", A(192, 168, 1, 4), false, false, false, A(10, 0, 2, 15) },
	{ "one_before_the_first", A(10, 0, 1, 255), false, false, false, A(10, 0, 2, 15) },
	{ "one_beyond_the_first", A(10, 0, 3, 0), false, false, false, A(10, 0, 2, 15) },
	{ "broadcast_of_the_first", A(10, 0, 2, 255), false, true, true, A(10, 0, 2, 15) },
	{ "zeros_of_the_first", A(10, 0, 2, 0), false, true, true, A(10, 0, 2, 15) },
	{ "broadcast_of_the_second", A(192, 168, 1, 3), false, true, true, A(192, 168, 1, 1) },
	{ "limited_broadcast", A(255, 255, 255, 255), false, false, true, A(10, 0, 2, 15) },
	{ "any", 0, false, false, false, A(10, 0, 2, 15) },
	{ "far", A(8, 8, 8, 8), false, false, false, A(10, 0, 2, 15) },
	{ "loopback", A(127, 0, 0, 1), true, false, false, A(10, 0, 2, 15) },
	{ "all_of_127_is_local", A(127, 255, 255, 254), true, false, false, A(10, 0, 2, 15) },
	{ "128_is_not", A(128, 0, 0, 1), false, false, false, A(10, 0, 2, 15) },
};

TEST_EACH(ask, ask_table)
{
	begin();
	CHECK_EQ(inet_select_addr(dev, htonl(row->addr)), 0); /* none yet */
	CHECK(!inet_addr_onlink(dev, htonl(row->addr)));
	CHECK_EQ(inet_addr_add(dev, htonl(A(10, 0, 2, 15)), 24), 0);
	CHECK_EQ(inet_addr_add(dev, htonl(A(192, 168, 1, 1)), 30), 0);
	CHECK_EQ(inet_addr_is_local(net, htonl(row->addr)), row->local);
	CHECK_EQ(inet_addr_onlink(dev, htonl(row->addr)), row->onlink);
	CHECK_EQ(inet_addr_is_bcast(net, htonl(row->addr)), row->bcast);
	CHECK_EQ(ntohl(inet_select_addr(dev, htonl(row->addr))), row->source);
	/* Without the first, the second speaks for all. */
	CHECK_EQ(inet_addr_del(dev, htonl(A(10, 0, 2, 15))), 0);
	CHECK_EQ(ntohl(inet_select_addr(dev, htonl(row->addr))), A(192, 168, 1, 1));
	end();
}

/* --- Devices --------------------------------------------------------------------------------------------------------------- */
struct name_row {
	const char *name;
	const char *ask;
	bool there;
};

static const struct name_row name_table[] = {
	{ "its_name", "eth0", true }, { "prefix", "eth", false }, { "longer", "eth00", false },
	{ "empty", "", false },       { "case", "ETH0", false },  { "another", "lo", false },
};

TEST_EACH(by_name, name_table)
{
	begin();
	strcpy(dev->name, "eth0");
	dev->ifindex = 3;
	CHECK(dev_get_by_name(net, row->ask) == (row->there ? dev : NULL));
	CHECK(dev_get_by_index(net, 3) == dev);
	CHECK(dev_get_by_index(net, 0) == NULL);
	CHECK(dev_get_by_index(net, 4) == NULL);
	end();
}

static u32 heard;
static enum netdev_event last;
#define NOTIFIER(n)                                                                                \
	static void hear_##n(struct net_device *d, enum netdev_event ev)                           \
	{                                                                                          \
		CHECK(d == dev);                                                                   \
		heard = heard * 10 + (n);                                                          \
		last = ev;                                                                         \
	}
NOTIFIER(1)
NOTIFIER(2)
NOTIFIER(3)
NOTIFIER(4)
NOTIFIER(5)
NOTIFIER(6)
NOTIFIER(7)
NOTIFIER(8)
NOTIFIER(9)

/* In the order of registration; the room for them ends. */
TEST(notifiers)
{
	static const netdev_notifier_fn fns[] = { hear_1, hear_2, hear_3, hear_4, hear_5,
						  hear_6, hear_7, hear_8, hear_9 };
	u32 n = 0;

	begin();
	heard = 0;
	call_netdevice_notifiers(dev, NETDEV_CHANGEADDR);
	CHECK_EQ(heard, 0);
	while (n < ARRAY_SIZE(fns) && register_netdevice_notifier(net, fns[n]) == 0) {
		u32 want = 0;

		n++;
		for (u32 i = 1; i <= n; i++)
			want = want * 10 + i;
		heard = 0;
		call_netdevice_notifiers(dev, NETDEV_CHANGEADDR);
		CHECK_EQ(heard, want);
		CHECK_EQ(last, NETDEV_CHANGEADDR);
	}
	CHECK(n >= 4);
	CHECK(n < ARRAY_SIZE(fns));
	CHECK_EQ(register_netdevice_notifier(net, fns[n]), -ENOSPC);
	end();
}

TEST(instance_without_memory)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .every = 1 };
	faults_armed = true;
	CHECK(net_alloc() == NULL);
	faults_armed = false;
}

/* --- Counters in their columns ---------------------------------------------------------------------------------------------- */
struct group_row {
	const char *name;
	const char *group;
	size_t offset; /* of its array in struct net_mib */
	u32 n, first;  /* counters; columns before them */
	bool netstat;
};

#define GROUP(text, field, nr, before, page)                                                       \
	{                                                                                          \
		text, text ":", offsetof(struct net_mib, field), nr, before, page                  \
	}
static const struct group_row group_table[] = {
	GROUP("Ip", ip, NR_IP_MIB, 2, false),
	GROUP("Icmp", icmp, NR_ICMP_MIB, 0, false),
	GROUP("Udp", udp, NR_UDP_MIB, 0, false),
	GROUP("Tcp", tcp, NR_TCP_MIB, 0, false),
	GROUP("TcpExt", tcpext, NR_TCPEXT_MIB, 0, true),
	GROUP("IpExt", ipext, NR_IPEXT_MIB, 0, true),
};

/* The @nr-th word of a line, or "". */
static const char *word(const char *line, u32 nr)
{
	static char w[64];
	u32 n = 0;

	while (nr-- && *line && *line != '\n') {
		while (*line && *line != ' ' && *line != '\n')
			line++;
		if (*line == ' ')
			line++;
	}
	while (*line && *line != ' ' && *line != '\n' && n + 1 < sizeof(w))
		w[n++] = *line++;
	w[n] = '\0';
	return w;
}

/* The line that begins with @group, the @which-th of them. */
static const char *line_of(const char *page, const char *group, u32 which)
{
	for (const char *p = page; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, group, strlen(group)) == 0 && p[strlen(group)] == ' ' && !which--)
			return p;
	return "";
}

TEST_EACH(columns, group_table)
{
	static char page[16384];
	struct seq_file m = { .buf = page, .size = sizeof(page) };
	u64 *v;

	begin();
	m.arg = net;
	v = (u64 *)(void *)((char *)&net->mib + row->offset);
	for (u32 i = 0; i < row->n; i++)
		v[i] = 1000000000000 + i; /* more than 32 bits */
	(row->netstat ? netstat_show : snmp_show)(&m);
	page[m.len] = '\0';
	for (u32 i = 0; i < row->n; i++) {
		char want[32];

		if (strcmp(row->name, "Tcp") == 0 && i < TCP_MIB_ActiveOpens)
			continue; /* constants of the implementation */
		snprintf(want, sizeof(want), "%llu", 1000000000000ull + i);
		CHECK_STR(word(line_of(page, row->group, 1), 1 + row->first + i), want);
		CHECK(word(line_of(page, row->group, 0), 1 + row->first + i)[0] != '\0');
	}
	CHECK_STR(word(line_of(page, row->group, 1), 1 + row->first + row->n), "");
	CHECK_STR(word(line_of(page, row->group, 0), 1 + row->first + row->n), "");
	end();
}

struct column_row {
	const char *name;
	const char *group, *column;
	size_t offset;
	bool netstat;
};

#define COLUMN(text, title, field)                                                                 \
	{                                                                                          \
		text, title ":", text, offsetof(struct net_mib, field), false                      \
	}
static const struct column_row column_table[] = {
	COLUMN("InReceives", "Ip", ip[IPSTATS_MIB_InReceives]),
	COLUMN("OutNoRoutes", "Ip", ip[IPSTATS_MIB_OutNoRoutes]),
	COLUMN("InEchos", "Icmp", icmp[ICMP_MIB_InEchos]),
	COLUMN("ActiveOpens", "Tcp", tcp[TCP_MIB_ActiveOpens]),
	COLUMN("CurrEstab", "Tcp", tcp[TCP_MIB_CurrEstab]),
	COLUMN("RetransSegs", "Tcp", tcp[TCP_MIB_RetransSegs]),
	COLUMN("InCsumErrors", "Tcp", tcp[TCP_MIB_InCsumErrors]),
	COLUMN("NoPorts", "Udp", udp[UDP_MIB_NoPorts]),
	{ "TCPChallengeACK", "TcpExt:", "TCPChallengeACK",
	  offsetof(struct net_mib, tcpext[LINUX_MIB_TCPChallengeACK]), true },
	{ "ListenDrops", "TcpExt:", "ListenDrops",
	  offsetof(struct net_mib, tcpext[LINUX_MIB_ListenDrops]), true },
	{ "InOctets", "IpExt:", "InOctets", offsetof(struct net_mib, ipext[IPEXT_MIB_InOctets]),
	  true },
};

/* The counter called X stands below the heading X. */
TEST_EACH(heading, column_table)
{
	static char page[16384];
	struct seq_file m = { .buf = page, .size = sizeof(page) };
	u32 col = 1;

	begin();
	m.arg = net;
	*(u64 *)(void *)((char *)&net->mib + row->offset) = 4711;
	(row->netstat ? netstat_show : snmp_show)(&m);
	page[m.len] = '\0';
	while (col < 200 && strcmp(word(line_of(page, row->group, 0), col), row->column) != 0)
		col++;
	CHECK(col < 200);
	CHECK_STR(word(line_of(page, row->group, 1), col), "4711");
	end();
}

KTEST_MAIN_BOOT()
