/* SPDX-License-Identifier: MIT */
/* ARP for IPv4 over Ethernet (RFC 826). */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H
#include <lib/types.h>
#include <wire/ethernet.h>

enum arp_hrd { ARPHRD_ETHER = 1, ARPHRD_IEEE802 = 6, ARPHRD_LOOPBACK = 772 };
enum arp_op { ARPOP_REQUEST = 1, ARPOP_REPLY = 2 };

struct arphdr {
	__be16 ar_hrd, ar_pro;
	u8 ar_hln, ar_pln;
	__be16 ar_op;
	u8 ar_sha[ETH_ALEN];
	__be32 ar_sip;
	u8 ar_tha[ETH_ALEN];
	__be32 ar_tip;
} __packed;
_Static_assert(sizeof(struct arphdr) == 28, "wire format");
#endif
