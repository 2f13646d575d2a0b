/* SPDX-License-Identifier: MIT */
/* Linux's structures and values of AF_PACKET, as applications see them. */
#ifndef UAPI_IF_PACKET_H
#define UAPI_IF_PACKET_H
#include <lib/types.h>

#define SOL_PACKET 263
enum packet_option {
	PACKET_ADD_MEMBERSHIP = 1,
	PACKET_DROP_MEMBERSHIP = 2,
	PACKET_STATISTICS = 6,
};
enum packet_mr_type { PACKET_MR_MULTICAST, PACKET_MR_PROMISC, PACKET_MR_ALLMULTI };

struct sockaddr_ll {
	u16 sll_family;
	__be16 sll_protocol;
	int sll_ifindex;
	u16 sll_hatype;
	u8 sll_pkttype; /* PACKET_HOST .. PACKET_OUTGOING */
	u8 sll_halen;
	u8 sll_addr[8];
};
_Static_assert(sizeof(struct sockaddr_ll) == 20, "ABI");

struct packet_mreq {
	int mr_ifindex;
	u16 mr_type, mr_alen;
	u8 mr_address[8];
};
_Static_assert(sizeof(struct packet_mreq) == 16, "ABI");

struct tpacket_stats {
	u32 tp_packets, tp_drops;
};
#endif
