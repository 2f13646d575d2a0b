/* SPDX-License-Identifier: MIT */
/* DHCP message and options (RFC 2131, 2; RFC 2132). */
#ifndef WIRE_DHCP_H
#define WIRE_DHCP_H
#include <lib/types.h>

enum dhcp_port { DHCP_SERVER_PORT = 67, DHCP_CLIENT_PORT = 68 };
enum dhcp_message {
	DHCPDISCOVER = 1,
	DHCPOFFER,
	DHCPREQUEST,
	DHCPDECLINE,
	DHCPACK,
	DHCPNAK,
	DHCPRELEASE,
	DHCPINFORM
};
enum dhcp_option {
	DHO_PAD = 0,
	DHO_SUBNET_MASK = 1,
	DHO_ROUTERS = 3,
	DHO_DNS = 6,
	DHO_HOSTNAME = 12,
	DHO_MTU = 26,
	DHO_REQUESTED_ADDRESS = 50,
	DHO_LEASE_TIME = 51,
	DHO_OVERLOAD = 52,
	DHO_MESSAGE_TYPE = 53,
	DHO_SERVER_ID = 54,
	DHO_PARAMETER_LIST = 55,
	DHO_MAX_SIZE = 57,
	DHO_RENEWAL_TIME = 58,
	DHO_REBINDING_TIME = 59,
	DHO_CLIENT_ID = 61,
	DHO_END = 255,
};
#define DHCP_MAGIC 0x63825363

struct dhcphdr {
	u8 op, htype, hlen, hops;
	__be32 xid;
	__be16 secs, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	u8 chaddr[16], sname[64], file[128];
	__be32 magic;
	/* options follow */
} __packed;
_Static_assert(sizeof(struct dhcphdr) == 240, "wire format");
#endif
