/* SPDX-License-Identifier: MIT */
/*
 * Why a packet was dropped. Every kfree_skb_reason() names one; /proc/net/drops prints name and count. There is no
 * "not specified". Add a line here for a new reason; the names are printed as they stand.
 */
#ifndef NET_DROP_REASON_H
#define NET_DROP_REASON_H

// clang-format off
#define DROP_REASONS(X)				\
	X(NO_SOCKET)				\
	X(PKT_TOO_SMALL)			\
	X(TCP_CSUM)				\
	X(UDP_CSUM)				\
	X(ICMP_CSUM)				\
	X(IGMP_INVALID)				\
	X(IP_CSUM)				\
	X(IP_INHDR)				\
	X(IP_MARTIAN)				\
	X(IP_NOT_LOCAL)				\
	X(IP_NOPROTO)				\
	X(IP_OPTIONS)				\
	X(IP_FRAG_INVALID)			\
	X(IP_FRAG_OVERLAP)			\
	X(IP_FRAG_EVICTED)			\
	X(IP_FRAG_ECN)				\
	X(IP_FRAG_ABANDONED)			\
	X(FRAG_REASM_TIMEOUT)			\
	X(FRAG_TOO_FAR)				\
	X(DUP_FRAG)				\
	X(OTHERHOST)				\
	X(UNHANDLED_PROTO)			\
	X(L2_CAST_MISMATCH)			\
	X(ARP_INVALID)				\
	X(ARP_NOT_OURS)				\
	X(NEIGH_FAILED)				\
	X(NEIGH_QUEUEFULL)			\
	X(NEIGH_CREATEFAIL)			\
	X(NEIGH_DEAD)				\
	X(NO_ROUTE)				\
	X(NETFILTER_DROP)			\
	X(PKT_TOO_BIG)				\
	X(QDISC_DROP)				\
	X(QDISC_RESET)				\
	X(QDISC_CONGESTED)			\
	X(DEV_DOWN)				\
	X(DEV_HDR)				\
	X(DEV_READY)				\
	X(DEV_RECURSION)			\
	X(CPU_BACKLOG)				\
	X(NOMEM)				\
	X(DMA_MAP)				\
	X(DRIVER_RESET)				\
	X(DRIVER_STOP)				\
	X(SKB_GSO_SEG)				\
	X(SOCKET_RCVBUFF)			\
	X(SOCKET_BACKLOG)			\
	X(SOCKET_CLOSE)				\
	X(SOCKET_NOT_CONNECTED)			\
	X(UDP_LENGTH)				\
	X(TCP_HEADER)				\
	X(TCP_FLAGS)				\
	X(TCP_RESET)				\
	X(TCP_CLOSE)				\
	X(TCP_INVALID_SYN)			\
	X(TCP_INVALID_SEQUENCE)			\
	X(TCP_OLD_DATA)				\
	X(TCP_OVERWINDOW)			\
	X(TCP_OFOMERGE)				\
	X(TCP_OFO_QUEUE_PRUNE)			\
	X(TCP_OLD_ACK)				\
	X(TCP_ACK_UNSENT_DATA)			\
	X(TCP_INVALID_ACK)			\
	X(TCP_LISTEN_OVERFLOW)			\
	X(TCP_PAWS)				\
	X(TCP_TIMEWAIT)				\
	X(TCP_MINTTL)				\
	X(TCP_ABORT)				\
	X(ICMP_INVALID)				\
	X(ICMP_RATELIMIT)			\
	X(ICMP_IGNORED)				\
	X(LOCAL_ERROR)
// clang-format on

enum skb_drop_reason {
#define DROP_ENUM(name) SKB_DROP_REASON_##name,
	DROP_REASONS(DROP_ENUM)
#undef DROP_ENUM
		NR_DROP_REASONS
};
#endif
