// SPDX-License-Identifier: MIT
/*
 * The host that most targets attack: see onehost.h.
 *
 * Whatever leaves it is held against the RFCs: lengths that agree, checksums that are right, a source address that is
 * ours, flags that make sense together.
 *
 * Interface: onehost.h.
 * Above: targets.  Below: net/.
 * Context: process.  Owns: the instance, its device, packets the device holds.
 */
#include "onehost.h"

#include "../../net/ipv4/fib.h"
#include "../../net/neigh/neigh.h"

#include <drivers/loopback.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <net/etherdevice.h>
#include <net/inetdevice.h>
#include <net/init.h>
#include <net/route.h>
#include <wire/arp.h>

#define GUARD        64u
#define FRAG_WAIT_NS (31 * NSEC_PER_SEC)  /* an incomplete datagram lives for 30 s */
#define PATH_MTU_NS  (601 * NSEC_PER_SEC) /* a learned path MTU: 600 s */

struct onehost host;
const u8 our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static struct sk_buff_head held;

/* --- What leaves ------------------------------------------------------------------------------------------------------ */

static void check_tcp(const struct iphdr *ip, const u8 *p, u32 len)
{
	const struct tcphdr *th = (const struct tcphdr *)(const void *)p;
	u8 f;

	FUZZ_CHECK(len >= 20);
	FUZZ_CHECK((th->doff >> 4) * 4u >= 20 && (th->doff >> 4) * 4u <= len);
	FUZZ_CHECK_EQ(
		csum_tcpudp_magic(ip->saddr, ip->daddr, len, IPPROTO_TCP, csum_partial(p, len, 0)),
		0);
	f = th->flags;
	FUZZ_CHECK(!(f & TCPHDR_SYN) || !(f & (TCPHDR_FIN | TCPHDR_RST)));
	FUZZ_CHECK(f & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK));
}

static void check_udp(const struct iphdr *ip, const u8 *p, u32 len)
{
	const struct udphdr *uh = (const struct udphdr *)(const void *)p;

	FUZZ_CHECK(len >= 8);
	FUZZ_CHECK_EQ(ntohs(uh->len), len);
	FUZZ_CHECK(uh->check);
	FUZZ_CHECK_EQ(
		csum_tcpudp_magic(ip->saddr, ip->daddr, len, IPPROTO_UDP, csum_partial(p, len, 0)),
		0);
}

/* A piece of a datagram larger than the MTU: what can be said without the others. */
static void check_fragment(const struct iphdr *ip, const u8 *p, u32 len)
{
	const struct udphdr *uh = (const struct udphdr *)(const void *)p;
	u32 offset = (ntohs(ip->frag_off) & IP_OFFSET) * 8u;

	FUZZ_CHECK(!(ip->frag_off & htons(IP_DF)));
	FUZZ_CHECK(len && offset + len <= IP_MAX_MTU - sizeof(*ip));
	FUZZ_CHECK(!(ip->frag_off & htons(IP_MF)) || len % 8 == 0);
	FUZZ_CHECK(ip->protocol == IPPROTO_UDP || ip->protocol == IPPROTO_ICMP);
	if (!offset && ip->protocol == IPPROTO_UDP)
		FUZZ_CHECK(ntohs(uh->len) > len && uh->check);
}

static void check_ip(const u8 *p, u32 len)
{
	const struct iphdr *ip = (const struct iphdr *)(const void *)p;
	const u8 *body = p + sizeof(*ip);
	bool options = ip->ver_ihl != 0x45;

	FUZZ_CHECK(len >= sizeof(*ip) && ip->ver_ihl >> 4 == 4 && len >= ip_hdrlen(ip));
	FUZZ_CHECK(!options || host.ip_options);
	FUZZ_CHECK_EQ(ntohs(ip->tot_len), len);
	FUZZ_CHECK_EQ(ip_fast_csum(ip, ip_hdrlen(ip) / 4), 0);
	/* What waited in a queue was made before the MTU changed. */
	FUZZ_CHECK(ip->ttl && len <= (host.link == ONEHOST_BARE ? host.dev->mtu : ETH_DATA_LEN));
	/* Ours, or it was when the packet was made. */
	FUZZ_CHECK(!ip->saddr || ip->saddr == OUR_IP || inet_addr_is_local(host.net, ip->saddr));
	if (options) /* a source route: the pseudo header has another address */
		return;
	len -= (u32)sizeof(*ip);
	if (ip->frag_off & htons(IP_MF | IP_OFFSET))
		check_fragment(ip, body, len);
	else if (ip->protocol == IPPROTO_TCP)
		check_tcp(ip, body, len);
	else if (ip->protocol == IPPROTO_UDP)
		check_udp(ip, body, len);
	else
		FUZZ_CHECK(ip->protocol == IPPROTO_ICMP && len >= 8 &&
			   csum_fold(csum_partial(body, len, 0)) == 0);
}

static void check_arp(const u8 *p, u32 len)
{
	const struct arphdr *a = (const struct arphdr *)(const void *)p;

	FUZZ_CHECK(len >= sizeof(*a));
	FUZZ_CHECK(memcmp(a->ar_sha, our_mac, 6) == 0);
	/* Without a sender's address it asks whether one is free (RFC 5227, 2.1.1). */
	FUZZ_CHECK((!a->ar_sip && a->ar_op == htons(ARPOP_REQUEST)) || a->ar_sip == OUR_IP ||
		   inet_addr_is_local(host.net, a->ar_sip));
}

static void look_at(struct sk_buff *skb)
{
	u32 link = host.link == ONEHOST_ETHERNET ? ETH_HLEN : 0;

	FUZZ_CHECK(skb->len <= OUT_MAX && skb->len > link);
	FUZZ_CHECK_EQ(skb->ip_summed == CHECKSUM_PARTIAL, 0);
	host.out_len = skb->len;
	FUZZ_CHECK_EQ(skb_copy_bits(skb, 0, host.out, skb->len), 0);
	host.packets++;
	if (link) {
		FUZZ_CHECK(memcmp(host.out + 6, our_mac, 6) == 0);
		FUZZ_CHECK(host.out[12] == 8 && (host.out[13] == 0 || host.out[13] == 6));
	}
	if (link && host.out[13] == 6) {
		check_arp(host.out + link, skb->len - link);
		return;
	}
	check_ip(host.out + link, skb->len - link);
	if (host.on_packet)
		host.on_packet(host.out + link, skb->len - link);
}

static netdev_tx_t onehost_xmit(struct sk_buff *skb, struct net_device *dev)
{
	(void)dev;
	look_at(skb);
	if (host.hold)
		skb_queue_tail(&held, skb);
	else
		consume_skb(skb);
	return NETDEV_TX_OK;
}

void onehost_tx_done(void)
{
	struct sk_buff *skb;

	local_bh_disable();
	while ((skb = skb_dequeue(&held)))
		consume_skb(skb);
	local_bh_enable();
}

/* Present only when the sanitizer is linked. */
extern void __asan_poison_memory_region(const volatile void *p, size_t n) __attribute__((weak));

/* --- What comes --------------------------------------------------------------------------------------------------------- */

void onehost_feed(const void *frame, u32 len)
{
	struct sk_buff *skb = netdev_alloc_skb(host.dev, len + (host.guard ? GUARD : 0));

	if (!skb)
		return; /* an allocation was made to fail */
	if (len)
		memcpy(skb_put(skb, len), frame, len);
	if (host.guard && __asan_poison_memory_region)
		__asan_poison_memory_region(skb->tail, (size_t)(skb->end - skb->tail));
	local_bh_disable();
	if (host.link == ONEHOST_ETHERNET) {
		skb->protocol = eth_type_trans(skb, host.dev);
	} else {
		skb->protocol = htons(ETH_P_IP);
		skb->pkt_type = PACKET_HOST;
	}
	netif_receive_skb(skb);
	local_bh_enable();
}

void onehost_feed_ip(const void *packet, u32 len)
{
	u8 frame[ETH_HLEN + OUT_MAX];

	if (host.link == ONEHOST_BARE) {
		onehost_feed(packet, len);
		return;
	}
	FUZZ_CHECK(len <= OUT_MAX);
	memcpy(frame, our_mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	frame[12] = 8;
	frame[13] = 0;
	memcpy(frame + ETH_HLEN, packet, len);
	onehost_feed(frame, ETH_HLEN + len);
}

/* --- Packets by hand ------------------------------------------------------------------------------------------------------ */

void onehost_ip_header(u8 *packet, __be32 saddr, __be32 daddr, u8 proto, u32 len)
{
	struct iphdr *ip = (struct iphdr *)(void *)packet;

	*ip = (struct iphdr){ .ver_ihl = 0x45,
			      .tot_len = htons(sizeof(*ip) + len),
			      .ttl = 64,
			      .protocol = proto,
			      .saddr = saddr,
			      .daddr = daddr };
}

void onehost_fix_checksums(u8 *packet, u32 len)
{
	struct iphdr *ip = (struct iphdr *)(void *)packet;
	u32 hlen, body;
	u8 *p;

	if (len < sizeof(*ip))
		return;
	hlen = ip_hdrlen(ip);
	if (hlen < sizeof(*ip) || hlen > len)
		return;
	ip->check = 0;
	ip->check = ip_fast_csum(ip, hlen / 4);
	body = min(len, (u32)ntohs(ip->tot_len));
	if (body < hlen)
		return;
	body -= hlen;
	p = packet + hlen;
	if (ip->protocol == IPPROTO_TCP && body >= 20) {
		struct tcphdr *th = (struct tcphdr *)(void *)p;

		th->check = 0;
		th->check = csum_tcpudp_magic(ip->saddr, ip->daddr, body, IPPROTO_TCP,
					      csum_partial(p, body, 0));
	} else if (ip->protocol == IPPROTO_UDP && body >= 8) {
		struct udphdr *uh = (struct udphdr *)(void *)p;
		u32 n = ntohs(uh->len);

		if (n < 8 || n > body)
			return;
		uh->check = 0;
		uh->check = csum_tcpudp_magic(ip->saddr, ip->daddr, n, IPPROTO_UDP,
					      csum_partial(p, n, 0));
	} else if (ip->protocol == IPPROTO_ICMP && body >= 4) {
		struct icmphdr *ih = (struct icmphdr *)(void *)p;

		ih->checksum = 0;
		ih->checksum = csum_fold(csum_partial(p, body, 0));
	}
}

/* --- Life ------------------------------------------------------------------------------------------------------------------- */

static const struct net_device_ops onehost_ops = { .ndo_start_xmit = onehost_xmit };

static struct net_device *make_device(struct net *net, enum onehost_link link)
{
	struct net_device *dev;

	if (link == ONEHOST_ETHERNET) {
		dev = alloc_etherdev(net, 0);
		FUZZ_CHECK(dev != NULL);
	} else {
		dev = alloc_netdev(net, 0, "tun%d", 1);
		FUZZ_CHECK(dev != NULL);
		dev->flags = IFF_NOARP;
		dev->priv_flags = IFF_NO_QUEUE | IFF_XMIT_DST_RELEASE;
		dev->addr_len = ETH_ALEN;
		dev->mtu = dev->max_mtu = ETH_DATA_LEN;
		dev->min_mtu = ETH_MIN_MTU;
	}
	memcpy(dev->dev_addr, our_mac, sizeof(our_mac));
	dev->netdev_ops = &onehost_ops;
	FUZZ_CHECK_EQ(register_netdev(dev), 0);
	FUZZ_CHECK_EQ(dev_open(dev), 0);
	netif_carrier_on(dev);
	return dev;
}

void onehost_up(enum onehost_link link, bool with_address)
{
	static bool once;

	if (!once) {
		FUZZ_CHECK_EQ(net_global_init(), 0);
		skb_queue_head_init(&held);
		once = true;
	}
	host = (struct onehost){ .link = link, .net = net_alloc() };
	FUZZ_CHECK(host.net && net_init(host.net) == 0);
	FUZZ_CHECK_EQ(loopback_init(host.net), 0);
	FUZZ_CHECK_EQ(net_loopback_address(host.net), 0);
	host.dev = make_device(host.net, link);
	if (!with_address)
		return;
	FUZZ_CHECK_EQ(inet_addr_add(host.dev, OUR_IP, 24), 0);
	FUZZ_CHECK_EQ(ip_route_add(host.net, 0, 0, PEER_IP, host.dev), 0);
}

void onehost_down(void)
{
	onehost_tx_done();
	unregister_netdev(host.dev);
	free_netdev(host.dev);
	loopback_exit(host.net);
	net_exit(host.net);
	net_free(host.net);
	host.net = NULL;
	host.dev = NULL;
}

void onehost_forget_fragments(void)
{
	if (host.net->frag.queues)
		host_clock_advance(FRAG_WAIT_NS);
	FUZZ_CHECK_EQ(host.net->frag.queues, 0);
	FUZZ_CHECK_EQ(host.net->frag.packets, 0);
}

/* What routers said about paths is true for ten minutes: they pass, and the next look at each destination finds it too old. */
static void forget_path_mtus(void)
{
	struct fib_table *fib = host.net->fib;
	struct pmtu_entry *x, *tmp;

	if (!fib->nr_pmtu)
		return;
	host_clock_set(host_clock() + PATH_MTU_NS);
	list_for_each_entry_safe(x, tmp, &fib->pmtu_lru, lru) {
		struct flowi4 fl = { .daddr = x->daddr };
		struct rtable *rt = ip_route_output_key(host.net, &fl);

		if (!IS_ERR(rt))
			dst_release(&rt->dst);
	}
	FUZZ_CHECK_EQ(fib->nr_pmtu, 0);
}

void onehost_forget_neighbours(void)
{
	struct neigh_table *tbl = host.net->arp_tbl;

	local_bh_disable();
	forget_path_mtus();
	if (tbl->entries) {
		neigh_flush_dev(tbl, host.dev);
		neigh_flush_dev(tbl, host.net->loopback_dev);
	}
	FUZZ_CHECK_EQ(tbl->entries, 0);
	del_timer(&tbl->gc_timer);
	tbl->defended_ns = 0;
	local_bh_enable();
}
