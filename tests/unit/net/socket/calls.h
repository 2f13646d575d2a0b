/* SPDX-License-Identifier: MIT */
/*
 * The whole stack under an application's system calls, on a fake Ethernet device: what it sends is recorded, what a test builds is
 * fed to it as from the wire. We are 10.0.0.1/24 (02:..:01) on eth0 (device 2), the peer 10.0.0.2 (02:..:02) is known already.
 */
#ifndef CALLS_H
#define CALLS_H
#include "instance.h"

#include <kernel/fault.h>
#include <kernel/file.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/byteorder.h>
#include <net/checksum.h>
#include <net/etherdevice.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <uapi/if.h>
#include <uapi/if_packet.h>

#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))
#define OUR_IP          IP4(10, 0, 0, 1)
#define PEER_IP         IP4(10, 0, 0, 2)
#define OTHER_IP        IP4(10, 0, 0, 3)
#define LOOPBACK        IP4(127, 0, 0, 1)
#define MAX_FRAMES      64
#define BAD             ((void *)8) /* no memory of an application */

static const u8 our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static struct {
	u32 len;
	u8 b[1600];
} frames[MAX_FRAMES];
static u32 nr_frames;
static bool card_holds; /* frames stay with the card, unsent */
static struct sk_buff_head held;
static struct net_device *dev;

static netdev_tx_t fake_xmit(struct sk_buff *skb, struct net_device *d)
{
	u32 i = nr_frames < MAX_FRAMES ? nr_frames++ : MAX_FRAMES - 1;

	(void)d;
	frames[i].len = skb->len;
	CHECK(skb->len <= sizeof(frames[i].b));
	CHECK_EQ(skb_copy_bits(skb, 0, frames[i].b, skb->len), 0);
	if (card_holds)
		skb_queue_tail(&held, skb);
	else
		consume_skb(skb);
	return NETDEV_TX_OK;
}

static void card_lets_go(void)
{
	struct sk_buff *skb;

	card_holds = false;
	local_bh_disable();
	while ((skb = skb_dequeue(&held)))
		consume_skb(skb);
	local_bh_enable();
}

static u32 rx_mode_calls;

static void fake_rx_mode(struct net_device *d)
{
	(void)d;
	rx_mode_calls++;
}

static const struct net_device_ops fake_ops = { .ndo_start_xmit = fake_xmit,
						.ndo_set_rx_mode = fake_rx_mode };

static void up(void)
{
	if (instance_up()) {
		dev = alloc_etherdev(net, 0);
		memcpy(dev->dev_addr, our_mac, 6);
		dev->netdev_ops = &fake_ops;
		CHECK_EQ(register_netdev(dev), 0);
		CHECK_EQ(dev_open(dev), 0);
		CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
		CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
		skb_queue_head_init(&held);
		net_proc_init(net);
	}
	nr_frames = 0;
}

/* The end of every test: nothing of it is left. */
static void all_gone(void)
{
	card_lets_go();
	for (int fd = 3; fd < 40; fd++)
		(void)SYS(close, fd);
	host_clock_advance(130 * NSEC_PER_SEC); /* TIME-WAIT too */
	CHECK_EQ(net->socks_live, 0);
	CHECK_EQ(files_live(), 1);
	CHECK_EQ(skb_stats.live, 0);
	CHECK(list_empty(&net->taps) && list_empty(&net->packets));
}

static inline void fail_at(u64 nth)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
	faults_armed = true;
}

static inline void fail_over(void)
{
	faults_armed = false;
}

static inline struct sockaddr_in name_of(__be32 addr, u16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = addr };
}

static inline int open_socket(int family, int type, int protocol)
{
	int fd = (int)SYS(socket, (u64)(s64)family, (u64)(s64)type | SOCK_NONBLOCK,
			  (u64)(s64)protocol);

	CHECK(fd > 2);
	return fd;
}

static inline long send_to(int fd, const void *data, size_t len, __be32 addr)
{
	struct sockaddr_in a = name_of(addr, 0);

	return SYS(sendto, (u64)fd, P(data), len, 0, P(&a), sizeof(a));
}

static inline long set_int(int fd, int level, int opt, int val)
{
	return SYS(setsockopt, (u64)fd, (u64)level, (u64)opt, P(&val), sizeof(val));
}

/* The value of an option that is an int, or -errno. */
static inline long get_int(int fd, int level, int opt)
{
	int val = -1, len = sizeof(val);
	long err = SYS(getsockopt, (u64)fd, (u64)level, (u64)opt, P(&val), P(&len));

	return err ? err : val;
}

static inline int revents(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (s16)events };

	CHECK(SYS(poll, P(&p), 1, 0) >= 0);
	return p.revents;
}

/* --- Frames from the wire --------------------------------------------------------------------------------------------------- */
struct ipframe {
	u8 pad[2];
	struct ethhdr eth;
	struct iphdr ip;
	u8 data[1480];
} __packed __aligned(2);

static inline void feed(const void *bytes, u32 len)
{
	struct sk_buff *skb = netdev_alloc_skb(dev, len);

	memcpy(skb_put(skb, len), bytes, len);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

/* An IPv4 packet from @saddr to us with @len bytes at f->data. */
static inline void feed_ip(struct ipframe *f, __be32 saddr, u8 proto, u32 len)
{
	memcpy(f->eth.h_dest, our_mac, 6);
	memcpy(f->eth.h_source, peer_mac, 6);
	f->eth.h_proto = htons(ETH_P_IP);
	f->ip = (struct iphdr){ .ver_ihl = 0x45,
				.tot_len = htons(20 + len),
				.ttl = 9,
				.protocol = proto,
				.saddr = saddr,
				.daddr = OUR_IP };
	f->ip.check = ip_fast_csum(&f->ip, 5);
	feed(&f->eth, 34 + len);
}

/* An ICMP message of @len bytes of data from @saddr. */
static inline void feed_icmp(__be32 saddr, u8 type, u8 code, u16 id, u16 seq, const void *data,
			     u32 len)
{
	static struct ipframe f;
	struct icmphdr *ic = (struct icmphdr *)(void *)f.data;

	*ic = (struct icmphdr){ .type = type, .code = code };
	ic->un.echo.id = htons(id);
	ic->un.echo.sequence = htons(seq);
	memcpy(f.data + 8, data, len);
	ic->checksum = csum_fold(csum_partial(ic, 8 + len, 0));
	feed_ip(&f, saddr, IPPROTO_ICMP, 8 + len);
}

static inline const struct iphdr *frame_ip(u32 i)
{
	static const struct iphdr none;

	CHECK(i < nr_frames && frames[i].b[12] == 8 && frames[i].b[13] == 0);
	return i < nr_frames ? (const struct iphdr *)(const void *)(frames[i].b + 14) : &none;
}

/* The page of an instance has this text. */
static inline bool page_has(const char *path, const char *text)
{
	size_t len;
	char *page = proc_render(path, &len);
	bool has = !IS_ERR(page) && strstr(page, text);

	if (!IS_ERR(page))
		kfree(page);
	return has;
}
#endif
