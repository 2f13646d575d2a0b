/* SPDX-License-Identifier: MIT */
/* IPv4 header (RFC 791, 3.1) and address classes (RFC 1122, 3.2.1.3). */
#ifndef WIRE_IPV4_H
#define WIRE_IPV4_H
#include <lib/byteorder.h>
#include <lib/types.h>

enum ip_proto {
	IPPROTO_IP = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_IGMP = 2,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_RAW = 255,
	IPPROTO_MAX = 263
};
#define IP_DF      0x4000
#define IP_MF      0x2000
#define IP_OFFSET  0x1fff
#define IPDEFTTL   64
#define IP_MAX_MTU 65535
#define IP_MIN_MTU 68 /* every link carries that (RFC 791, 3.2) */

/* The two low bits of TOS (RFC 3168, 5). */
enum inet_ecn { INET_ECN_NOT_ECT, INET_ECN_ECT_1, INET_ECN_ECT_0, INET_ECN_CE, INET_ECN_MASK = 3 };

struct iphdr {
	u8 ver_ihl; /* version 4 in the high nibble, header length in words in the low one */
	u8 tos;
	__be16 tot_len;
	__be16 id;
	__be16 frag_off;
	u8 ttl;
	u8 protocol;
	__be16 check;
	__be32 saddr, daddr;
} __packed;
_Static_assert(sizeof(struct iphdr) == 20, "wire format");

static inline u32 ip_hdrlen(const struct iphdr *h)
{
	return (u32)(h->ver_ihl & 0x0f) * 4;
}

#define INADDR_ANY       ((__force __be32)0)
#define INADDR_BROADCAST ((__force __be32)0xffffffff)
static inline bool ipv4_is_loopback(__be32 a)
{
	return (ntohl(a) >> 24) == 127;
}

static inline bool ipv4_is_multicast(__be32 a)
{
	return (ntohl(a) >> 28) == 14;
}

/* 224.0.0.0/24: never forwarded */
static inline bool ipv4_is_local_multicast(__be32 a)
{
	return ntohl(a) >> 8 == 0xe00000;
}

static inline bool ipv4_is_lbcast(__be32 a)
{
	return a == INADDR_BROADCAST;
}

/* "This host" as a destination, 0.0.0.0, is this host, at the address that it speaks from. */
static inline __be32 ipv4_this_host(__be32 daddr, __be32 saddr)
{
	if (daddr)
		return daddr;
	return saddr ? saddr : htonl(0x7f000001);
}

static inline bool ipv4_is_zeronet(__be32 a)
{
	return (ntohl(a) >> 24) == 0;
}

static inline __be32 inet_make_mask(u32 prefixlen)
{
	return prefixlen ? htonl(~0u << (32 - prefixlen)) : (__force __be32)0;
}
#endif
