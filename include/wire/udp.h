/* SPDX-License-Identifier: MIT */
/* UDP header (RFC 768). */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H
#include <lib/types.h>

struct udphdr {
	__be16 source, dest;
	__be16 len;   /* header and data, bytes */
	__be16 check; /* 0: none */
} __packed;
_Static_assert(sizeof(struct udphdr) == 8, "wire format");
#endif
