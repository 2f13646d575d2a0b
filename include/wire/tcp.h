/* SPDX-License-Identifier: MIT */
/* TCP header and options (RFC 9293, 3.1 and 3.2; RFC 7323; RFC 2018). */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H
#include <lib/types.h>

enum tcp_flags {
	TCPHDR_FIN = 0x01,
	TCPHDR_SYN = 0x02,
	TCPHDR_RST = 0x04,
	TCPHDR_PSH = 0x08,
	TCPHDR_ACK = 0x10,
	TCPHDR_URG = 0x20,
	TCPHDR_ECE = 0x40,
	TCPHDR_CWR = 0x80,
};
enum tcp_option {
	TCPOPT_EOL = 0,
	TCPOPT_NOP = 1,
	TCPOPT_MSS = 2,
	TCPOPT_WINDOW = 3,
	TCPOPT_SACK_PERM = 4,
	TCPOPT_SACK = 5,
	TCPOPT_TIMESTAMP = 8,
	TCPOPT_FASTOPEN = 34,
	TCPOPT_EXP = 254,
	TCPOLEN_MSS = 4,
	TCPOLEN_WINDOW = 3,
	TCPOLEN_SACK_PERM = 2,
	TCPOLEN_SACK_BASE = 2,
	TCPOLEN_SACK_PERBLOCK = 8,
	TCPOLEN_TIMESTAMP = 10,
	TCPOLEN_FASTOPEN_BASE = 2,
	TCPOLEN_EXP_FASTOPEN_BASE = 4,
};
#define TCP_MAX_OPTIONS          40
#define TCP_MAX_WSCALE           14
#define TCP_FASTOPEN_MAGIC       0xf989 /* RFC 7413, appendix A: of the experimental option */
#define TCP_FASTOPEN_COOKIE_MIN  4
#define TCP_FASTOPEN_COOKIE_MAX  16
#define TCP_FASTOPEN_COOKIE_SIZE 8 /* of ours */

struct tcphdr {
	__be16 source, dest;
	__be32 seq, ack_seq;
	u8 doff;  /* header length in words in the high nibble */
	u8 flags; /* enum tcp_flags */
	__be16 window;
	__be16 check;
	__be16 urg_ptr;
} __packed;
_Static_assert(sizeof(struct tcphdr) == 20, "wire format");
#endif
