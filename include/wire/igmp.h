/* SPDX-License-Identifier: MIT */
/* IGMP messages (RFC 3376, 4; RFC 2236, 2; RFC 1112, appendix I). */
#ifndef WIRE_IGMP_H
#define WIRE_IGMP_H
#include <lib/types.h>

enum igmp_type {
	IGMP_QUERY = 0x11,
	IGMP_V1_REPORT = 0x12,
	IGMP_V2_REPORT = 0x16,
	IGMP_V2_LEAVE = 0x17,
	IGMP_V3_REPORT = 0x22,
};

/* All of versions 1 and 2, and how a query of version 3 begins. */
struct igmphdr {
	u8 type, code; /* code: of a query, the time for answers */
	__be16 csum;
	__be32 group;
} __packed;
_Static_assert(sizeof(struct igmphdr) == 8, "wire format");

struct igmpv3_query {
	struct igmphdr h;
	u8 resv_s_qrv, qqic;
	__be16 nsrcs;
	/* sources follow */
} __packed;
_Static_assert(sizeof(struct igmpv3_query) == 12, "wire format");

enum igmpv3_record {
	MODE_IS_INCLUDE = 1,
	MODE_IS_EXCLUDE,
	CHANGE_TO_INCLUDE,
	CHANGE_TO_EXCLUDE,
	ALLOW_NEW_SOURCES,
	BLOCK_OLD_SOURCES,
};
struct igmpv3_grec {
	u8 type, auxwords;
	__be16 nsrcs;
	__be32 group;
	/* sources follow */
} __packed;
_Static_assert(sizeof(struct igmpv3_grec) == 8, "wire format");

struct igmpv3_report {
	u8 type, resv1;
	__be16 csum;
	__be16 resv2, ngrec;
	/* records follow */
} __packed;
_Static_assert(sizeof(struct igmpv3_report) == 8, "wire format");
#endif
