// SPDX-License-Identifier: MIT
/* Addresses of devices, and the counter pages' format. */
#include <ktest.h>

#include <host.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/inetdevice.h>
#include <wire/ipv4.h>

static u32 news;

static void count_news(struct net_device *dev, enum netdev_event ev)
{
	(void)dev;
	news += ev == NETDEV_CHANGEADDR;
}

static netdev_tx_t t_xmit(struct sk_buff *skb, struct net_device *dev)
{
	(void)dev;
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops t_ops = { .ndo_start_xmit = t_xmit };
#define A(a, b, c, d) htonl((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

TEST(addresses)
{
	struct net *net = net_alloc();
	struct net_device *dev = alloc_etherdev(net, 0);

	CHECK_EQ(register_netdevice_notifier(net, count_news), 0);
	dev->netdev_ops = &t_ops;
	CHECK_EQ(inet_select_addr(dev, A(1, 2, 3, 4)), 0);
	list_add_tail(&dev->dev_list, &net->dev_base);
	CHECK_EQ(inet_addr_add(dev, A(10, 0, 2, 15), 33), -EINVAL);
	CHECK_EQ(inet_addr_add(dev, A(0, 0, 0, 1), 8), -EINVAL);
	CHECK_EQ(inet_addr_add(dev, A(224, 0, 0, 1), 8), -EINVAL);
	CHECK_EQ(inet_addr_add(dev, INADDR_BROADCAST, 8), -EINVAL);
	CHECK_EQ(inet_addr_add(dev, A(10, 0, 2, 15), 16), 0);
	CHECK_EQ(inet_addr_add(dev, A(10, 0, 2, 15), 24), 0);
	CHECK_EQ(inet_addr_add(dev, A(192, 168, 1, 1), 31), 0);
	CHECK_EQ(news, 3);
	CHECK_EQ(inet_select_addr(dev, A(192, 168, 1, 0)), A(192, 168, 1, 1));
	CHECK_EQ(inet_select_addr(dev, A(8, 8, 8, 8)), A(10, 0, 2, 15));
	CHECK(inet_addr_is_local(net, A(10, 0, 2, 15)));
	CHECK(inet_addr_is_local(net, A(127, 9, 9, 9)));
	CHECK(!inet_addr_is_local(net, A(10, 0, 2, 16)));
	CHECK(!inet_addr_is_local(net, INADDR_ANY));
	CHECK(inet_addr_onlink(dev, A(10, 0, 2, 77)));
	CHECK(!inet_addr_onlink(dev, A(10, 0, 3, 77)));
	CHECK(inet_addr_is_bcast(net, A(10, 0, 2, 255)));
	CHECK(inet_addr_is_bcast(net, INADDR_BROADCAST));
	CHECK(!inet_addr_is_bcast(net, A(10, 0, 255, 255)));
	CHECK(!inet_addr_is_bcast(net, INADDR_ANY));
	CHECK_EQ(inet_addr_add(dev, A(10, 1, 0, 1), 24), 0);
	CHECK_EQ(inet_addr_add(dev, A(10, 2, 0, 1), 24), 0);
	CHECK_EQ(inet_addr_add(dev, A(10, 3, 0, 1), 24), -ENOSPC);
	CHECK_EQ(inet_addr_del(dev, A(10, 3, 0, 1)), -EADDRNOTAVAIL);
	CHECK_EQ(inet_addr_del(dev, INADDR_ANY), -EADDRNOTAVAIL);
	CHECK_EQ(inet_addr_del(dev, A(10, 1, 0, 1)), 0);
	CHECK(!inet_dev_has_addr(dev, A(10, 1, 0, 1)));
	list_del_init(&dev->dev_list);
	free_netdev(dev);
	net_free(net);
}

TEST(loopback_has_one_broadcast_address)
{
	struct net *net = net_alloc();
	struct net_device *dev = alloc_etherdev(net, 0);

	dev->netdev_ops = &t_ops;
	dev->flags = IFF_LOOPBACK;
	list_add_tail(&dev->dev_list, &net->dev_base);
	CHECK(inet_addr_is_local(net, A(127, 255, 255, 255))); /* as long as lo has no address */
	CHECK_EQ(inet_addr_add(dev, A(127, 0, 0, 1), 8), 0);
	CHECK(inet_addr_is_bcast(net, A(127, 255, 255, 255)));
	CHECK(!inet_addr_is_local(net, A(127, 255, 255, 255)));
	CHECK(!inet_addr_is_bcast(net, A(127, 255, 255, 254)));
	CHECK(inet_addr_is_local(net, A(127, 255, 255, 254)));
	CHECK(!inet_addr_is_bcast(net, A(127, 0, 0, 0)));
	CHECK(inet_addr_is_local(net, A(127, 0, 0, 0)));
	CHECK_EQ(inet_addr_del(dev, A(127, 0, 0, 1)), 0);
	CHECK_EQ(inet_addr_add(dev, A(127, 0, 0, 1), 32), 0); /* a network of one has none */
	CHECK(!inet_addr_is_bcast(net, A(127, 0, 0, 1)));
	CHECK(inet_addr_is_local(net, A(127, 255, 255, 255)));
	list_del_init(&dev->dev_list);
	free_netdev(dev);
	net_free(net);
}

static u32 words(const char *line)
{
	u32 n = 0;

	for (; *line && *line != '\n'; line++)
		n += *line == ' ';
	return n;
}

TEST(pages_have_a_value_for_every_name)
{
	struct net *net = net_alloc();
	struct seq_file m = { .buf = malloc(16384), .size = 16384, .arg = net };
	const char *line;

	m.buf[0] = 0;
	TCP_INC_STATS(net, OutSegs);
	TCP_ADD_STATS(net, OutSegs, 41);
	snmp_show(&m);
	netstat_show(&m);
	CHECK(strstr(m.buf, "Ip: Forwarding DefaultTTL InReceives "));
	CHECK(strstr(m.buf, "\nTcp: 1 200 120000 -1 0 0 0 0 0 0 42 "));
	for (line = m.buf; *line; line = strchr(line, '\n') + 1) {
		const char *values = strchr(line, '\n') + 1;

		CHECK_EQ(words(line), words(values));
		line = values;
	}
	drops_show(&m);
	CHECK(strstr(m.buf, "\nNOMEM "));
	free(m.buf);
	net_free(net);
}

KTEST_MAIN_BOOT()
