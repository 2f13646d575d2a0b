/* SPDX-License-Identifier: MIT */
/* ICMP (RFC 792; codes of type 3 also RFC 1122, 3.2.2.1). */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H
#include <lib/types.h>

enum icmp_type {
	ICMP_ECHOREPLY = 0,
	ICMP_DEST_UNREACH = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETERPROB = 12,
	ICMP_TIMESTAMP = 13,
	NR_ICMP_TYPES = 18,
};
enum icmp_unreach_code {
	ICMP_NET_UNREACH,
	ICMP_HOST_UNREACH,
	ICMP_PROT_UNREACH,
	ICMP_PORT_UNREACH,
	ICMP_FRAG_NEEDED,
	ICMP_SR_FAILED,
	ICMP_NET_UNKNOWN,
	ICMP_HOST_UNKNOWN,
	ICMP_HOST_ISOLATED,
	ICMP_NET_ANO,
	ICMP_HOST_ANO,
	ICMP_NET_UNR_TOS,
	ICMP_HOST_UNR_TOS,
	ICMP_PKT_FILTERED,
	ICMP_PREC_VIOLATION,
	ICMP_PREC_CUTOFF,
	NR_ICMP_UNREACH,
};
enum icmp_exceeded_code { ICMP_EXC_TTL, ICMP_EXC_FRAGTIME };

struct icmphdr {
	u8 type, code;
	__be16 checksum;
	union {
		struct {
			__be16 id, sequence;
		} echo;
		struct {
			__be16 unused, mtu;
		} frag;
		__be32 gateway;
	} un;
} __packed;
_Static_assert(sizeof(struct icmphdr) == 8, "wire format");
#endif
