/* SPDX-License-Identifier: MIT */
/* Ethernet II frame header (RFC 894; IEEE 802.3 clause 3). */
#ifndef WIRE_ETHERNET_H
#define WIRE_ETHERNET_H
#include <lib/types.h>

#define ETH_ALEN      6
#define ETH_HLEN      14
#define ETH_ZLEN      60 /* least frame without FCS: shorter ones are padded with zeros */
#define ETH_DATA_LEN  1500
#define ETH_FRAME_LEN 1514
#define ETH_MIN_MTU   68

enum ether_type {
	ETH_P_ALL = 0x0003, /* every type, for those who listen */
	ETH_P_IP = 0x0800,
	ETH_P_ARP = 0x0806,
	ETH_P_8021Q = 0x8100,
	ETH_P_802_3_MIN = 0x0600
};

struct ethhdr {
	u8 h_dest[ETH_ALEN];
	u8 h_source[ETH_ALEN];
	__be16 h_proto;
} __packed;
_Static_assert(sizeof(struct ethhdr) == ETH_HLEN, "wire format");

static inline bool is_multicast_ether_addr(const u8 *a)
{
	return a[0] & 1;
}

static inline bool is_zero_ether_addr(const u8 *a)
{
	return !(a[0] | a[1] | a[2] | a[3] | a[4] | a[5]);
}

static inline bool is_broadcast_ether_addr(const u8 *a)
{
	return (a[0] & a[1] & a[2] & a[3] & a[4] & a[5]) == 0xff;
}

static inline bool ether_addr_equal(const u8 *a, const u8 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
		 (a[5] ^ b[5]));
}
#endif
