// SPDX-License-Identifier: MIT
/*
 * IPv4 and ICMP in: one packet, header and options as they come, with checksums made right or left wrong.
 *
 * Input: one byte and the packet from its IP header on. Bit 0: checksums as they are; bit 1: tot_len as it is
 * (otherwise the length of the packet); bit 2: addresses as they are (otherwise from the peer to us); bit 3: zeros
 * are put behind it, as Ethernet pads.
 * Specs: RFC 791; RFC 792; RFC 1122 3.2.
 */
#include "onehost.h"

#include <kernel/softirq.h>
#include <net/checksum.h>
#include <net/socket.h>

#define PACKET_MAX 1500

static struct socket *sock;

/* A datagram socket for quoted errors to find: 10.0.0.1:7 to 10.0.0.2:9. */
void fuzz_setup(void)
{
	const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(7) };
	const struct sockaddr_in there = { .sin_family = AF_INET,
					   .sin_port = htons(9),
					   .sin_addr = PEER_IP };

	onehost_up(ONEHOST_BARE, true);
	host.guard = true;
	FUZZ_CHECK_EQ(sock_create_kern(host.net, AF_INET, SOCK_DGRAM, 0, &sock), 0);
	FUZZ_CHECK_EQ(kernel_bind(sock, &here), 0);
	FUZZ_CHECK_EQ(sock->ops->connect(sock, (const struct sockaddr *)(const void *)&there,
					 sizeof(there), 0),
		      0);
	onehost_forget_neighbours();
	fuzz_census_begin();
}

/* A packet that deserves an answer is whole, by its own words. */
static bool is_sound(const u8 *packet, size_t len)
{
	const struct iphdr *ip = (const struct iphdr *)(const void *)packet;

	return len >= sizeof(*ip) && ip->ver_ihl >> 4 == 4 && ip_hdrlen(ip) >= sizeof(*ip) &&
	       ntohs(ip->tot_len) >= ip_hdrlen(ip) && ntohs(ip->tot_len) <= len &&
	       ip_fast_csum(ip, ip_hdrlen(ip) / 4) == 0;
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 how = in_u8(&in), packet[PACKET_MAX + 64] = { 0 };
	struct iphdr *ip = (struct iphdr *)(void *)packet;
	u32 before = host.packets;
	size_t len;
	const u8 *p = in_bytes(&in, PACKET_MAX, &len);

	memcpy(packet, p, len);
	if (len >= sizeof(*ip)) {
		if (!(how & 2))
			ip->tot_len = htons(len);
		if (!(how & 4)) {
			ip->saddr = PEER_IP;
			ip->daddr = OUR_IP;
		}
		if (!(how & 1))
			onehost_fix_checksums(packet, (u32)len);
	}
	len += how & 8 ? 46 : 0;
	onehost_feed(packet, (u32)len);
	FUZZ_CHECK(host.packets - before <= 1); /* one packet never makes two */
	if (host.packets != before)
		FUZZ_CHECK(is_sound(packet, len) && host.out_len <= (len > 576 ? len : 576));
	onehost_forget_fragments();
	sock->sk->sk_err = sock->sk->sk_err_soft = 0;
	skb_queue_purge_reason(&sock->sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSE);
	host_clock_set(host_clock() + NSEC_PER_SEC); /* the limits of ICMP's answers fill up */
	onehost_forget_neighbours();
	fuzz_census_end();
}
