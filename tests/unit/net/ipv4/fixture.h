/* SPDX-License-Identifier: MIT */
/*
 * A host on a fake Ethernet device: what it sends is recorded, what a test builds is fed to it as from the wire.
 * We are 10.0.0.1/24 (02:..:01), the peer is 10.0.0.2 (02:..:02).
 */
#ifndef FIXTURE_H
#define FIXTURE_H
#include "host.h"
#include "ktest.h"

/* The C library has one too. */
#define timeval kernel_timeval
#include <drivers/loopback.h>
#include <kernel/fault.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/etherdevice.h>
#include <net/icmp.h>
#include <net/inetdevice.h>
#include <net/ip.h>
#include <net/neighbour.h>
#include <net/netfilter.h>
#include <net/route.h>
#include <net/sch_generic.h>
#include <net/socket.h>
#include <net/udp.h>
#include <wire/arp.h>

#define IP4(a, b, c, d) htonl((u32)(a) << 24 | (u32)(b) << 16 | (u32)(c) << 8 | (u32)(d))
#define OUR_IP          IP4(10, 0, 0, 1)
#define PEER_IP         IP4(10, 0, 0, 2)
#define MAX_FRAMES      512

static const u8 our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const u8 all_mac[6] = { 255, 255, 255, 255, 255, 255 };
struct frame {
	u32 len;
	u64 at_ns;
	u8 b[1600];
};
static struct frame frames[MAX_FRAMES];
static u32 nr_frames;
static void (*on_frame)(const struct frame *f);
static struct net *net;
static struct net_device *dev;

static netdev_tx_t fake_xmit(struct sk_buff *skb, struct net_device *d)
{
	struct frame *f = &frames[nr_frames < MAX_FRAMES ? nr_frames++ : MAX_FRAMES - 1];

	(void)d;
	CHECK(skb->len <= sizeof(f->b));
	f->len = skb->len;
	f->at_ns = host_clock();
	CHECK_EQ(skb_copy_bits(skb, 0, f->b, skb->len), 0);
	consume_skb(skb);
	if (on_frame)
		on_frame(f);
	return NETDEV_TX_OK;
}

static const struct net_device_ops fake_ops = { .ndo_start_xmit = fake_xmit };

static void fixture_up(bool with_address)
{
	static bool global;
	static const struct inet_protosw udp = { .type = SOCK_DGRAM,
						 .protocol = IPPROTO_UDP,
						 .prot = &udp_prot,
						 .ops = &inet_dgram_ops };

	if (!global) {
		CHECK_EQ(skb_init(), 0);
		CHECK_EQ(softnet_init(this_cpu()), 0);
		open_softirq(NET_TX_SOFTIRQ, net_tx_action);
		open_softirq(NET_RX_SOFTIRQ, net_rx_action);
		host_console_quiet(true);
		global = true;
	}
	nr_frames = 0;
	on_frame = NULL;
	net = net_alloc();
	CHECK_EQ(sched_net_init(net) | arp_net_init(net) | ip_route_init(net) | ip_init(net) |
			 icmp_init(net) | udp_net_init(net) | inet_socket_init(net) |
			 inet_register_protosw(net, &udp),
		 0);
	CHECK_EQ(loopback_init(net), 0);
	CHECK_EQ(inet_addr_add(net->loopback_dev, IP4(127, 0, 0, 1), 8), 0);
	dev = alloc_etherdev(net, 0);
	memcpy(dev->dev_addr, our_mac, 6);
	dev->netdev_ops = &fake_ops;
	dev->features |= NETIF_F_RXCSUM;
	CHECK_EQ(register_netdev(dev), 0);
	CHECK_EQ(dev_open(dev), 0);
	netif_carrier_on(dev);
	if (with_address)
		CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
}

static void fixture_down(void)
{
	unregister_netdev(dev);
	free_netdev(dev);
	loopback_exit(net);
	inet_socket_exit(net);
	udp_net_exit(net);
	icmp_exit(net);
	ip_exit(net);
	ip_route_exit(net);
	arp_net_exit(net);
	net_free(net);
	CHECK_EQ(skb_stats.live, 0);
}

/* One frame from the wire. */
static void feed(const void *bytes, u32 len)
{
	struct sk_buff *skb = netdev_alloc_skb(dev, len);

	memcpy(skb_put(skb, len), bytes, len);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

static void feed_arp_to(const u8 *dst, u16 op, const u8 *sha, __be32 sip, const u8 *tha, __be32 tip)
{
	u8 b[60] = { 0 };
	struct ethhdr *eth = (struct ethhdr *)b;
	struct arphdr *a = (struct arphdr *)(b + 14);

	memcpy(eth->h_dest, dst, 6);
	memcpy(eth->h_source, sha, 6);
	eth->h_proto = htons(ETH_P_ARP);
	*a = (struct arphdr){ htons(1), htons(ETH_P_IP), 6, 4, htons(op), { 0 }, sip, { 0 }, tip };
	memcpy(a->ar_sha, sha, 6);
	memcpy(a->ar_tha, tha, 6);
	feed(b, sizeof(b));
}

/* An IPv4 frame; the test may spoil it before feed_ip(). */
struct ipframe {
	u8 pad[2];
	struct ethhdr eth;
	struct iphdr ip;
	u8 data[1480];
} __packed __aligned(2);

static inline u32 ip_make(struct ipframe *f, __be32 saddr, __be32 daddr, u8 proto, u32 datalen)
{
	memset(&f->ip, 0, sizeof(f->ip));
	memcpy(f->eth.h_dest, our_mac, 6);
	memcpy(f->eth.h_source, peer_mac, 6);
	f->eth.h_proto = htons(ETH_P_IP);
	f->ip.ver_ihl = 0x45;
	f->ip.tot_len = htons(20 + datalen);
	f->ip.ttl = 1;
	f->ip.protocol = proto;
	f->ip.saddr = saddr;
	f->ip.daddr = daddr;
	return 34 + datalen;
}

static inline void feed_ip(struct ipframe *f, u32 framelen, bool fix_csum)
{
	u32 words = f->ip.ver_ihl & 15;

	if (fix_csum && words >= 5) {
		f->ip.check = 0;
		f->ip.check = ip_fast_csum(&f->ip, words);
	}
	feed(&f->eth, framelen);
}

static inline u32 udp_make(struct ipframe *f, __be32 saddr, u16 sport, __be32 daddr, u16 dport,
			   const void *data, u32 len)
{
	struct udphdr *uh = (struct udphdr *)f->data;
	u32 n = ip_make(f, saddr, daddr, IPPROTO_UDP, 8 + len);

	uh->source = htons(sport);
	uh->dest = htons(dport);
	uh->len = htons(8 + len);
	uh->check = 0;
	memcpy(f->data + 8, data, len);
	uh->check =
		csum_tcpudp_magic(saddr, daddr, 8 + len, IPPROTO_UDP, csum_partial(uh, 8 + len, 0));
	return n;
}

static inline const struct arphdr *frame_arp(u32 i)
{
	return i < nr_frames && frames[i].b[12] == 8 && frames[i].b[13] == 6
		       ? (const struct arphdr *)(frames[i].b + 14)
		       : NULL;
}

static inline const struct iphdr *frame_ip(u32 i)
{
	return i < nr_frames && frames[i].b[12] == 8 && frames[i].b[13] == 0
		       ? (const struct iphdr *)(frames[i].b + 14)
		       : NULL;
}

/* The peer answers a request of ours. */
static inline void peer_answers(void)
{
	feed_arp_to(our_mac, ARPOP_REPLY, peer_mac, PEER_IP, our_mac, OUR_IP);
}

static inline bool page_has(void (*show)(struct seq_file *), const char *text)
{
	static char buf[8192];
	struct seq_file m = { .buf = buf, .size = sizeof(buf), .arg = net };

	buf[0] = 0;
	show(&m);
	return strstr(buf, text) != NULL;
}

/* An ICMP message about the @qlen bytes at @quote, from @saddr; the length of the frame. */
static inline u32 icmp_make(struct ipframe *f, __be32 saddr, u8 type, u8 code, u32 info,
			    const void *quote, u32 qlen)
{
	struct icmphdr *ic = (struct icmphdr *)f->data;
	u32 n = ip_make(f, saddr, OUR_IP, IPPROTO_ICMP, 8 + qlen);

	memset(f->data, 0, 8);
	ic->type = type;
	ic->code = code;
	put_unaligned_be32(info, f->data + 4);
	memcpy(f->data + 8, quote, qlen);
	ic->checksum = csum_fold(csum_partial(ic, 8 + qlen, 0));
	return n;
}

/* --- Faults -------------------------------------------------------------------------------------------------------- */

/* The @nth allocation from now on fails, once. */
static inline void fail_alloc(u64 nth)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth };
	faults_armed = true;
}

/* From the @nth on every allocation fails. */
static inline void fail_allocs_from(u64 nth)
{
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = nth, .every = 1 };
	faults_armed = true;
}

/* No more failures; how many there were. */
static inline u64 fail_over(void)
{
	faults_armed = false;
	faults[FAULT_ALLOC].on = false;
	return faults[FAULT_ALLOC].hits;
}

/* --- A UDP socket without the socket layer ----------------------------------------------------------------------- */
static inline struct sock *udp_open(void)
{
	struct sock *sk = sk_alloc(net, AF_INET, &udp_prot);

	sock_init_data(NULL, sk);
	sk->sk_type = SOCK_DGRAM;
	sk->sk_protocol = IPPROTO_UDP;
	return sk;
}

static inline long udp_send(struct sock *sk, __be32 addr, u16 port, const void *data, size_t len,
			    u32 flags)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr = addr };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_name = addr ? &sin : NULL,
			      .msg_namelen = sizeof(sin),
			      .msg_flags = flags };

	iov_iter_init(&msg.msg_iter, &iov, 1);
	return udp_prot.sendmsg(sk, &msg, len);
}

static inline long udp_recv(struct sock *sk, void *buf, size_t len, u32 flags,
			    struct sockaddr_in *from, u32 *mflags)
{
	struct sockaddr_storage ss;
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_name = &ss, .msg_namelen = sizeof(ss) };
	long n;

	iov_iter_init(&msg.msg_iter, &iov, 1);
	n = udp_prot.recvmsg(sk, &msg, len, flags);
	if (from && n >= 0)
		memcpy(from, &ss, sizeof(*from));
	if (mflags)
		*mflags = msg.msg_flags;
	return n;
}
#endif
