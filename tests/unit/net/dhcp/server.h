/* SPDX-License-Identifier: MIT */
/* The pen of a DHCP server: one message, option by option. */
#ifndef DHCP_SERVER_H
#define DHCP_SERVER_H
#include "../ipv4/fixture.h"

#include <net/dhcp.h>
#include <wire/dhcp.h>

#define SEC 1000000000ull

static u8 msg[1400];
static u32 msglen;

static void msg_begin(u32 xid, __be32 yiaddr, u8 type)
{
	struct dhcphdr *h = (struct dhcphdr *)msg;

	memset(msg, 0, sizeof(msg));
	h->op = 2;
	h->htype = 1;
	h->hlen = 6;
	h->xid = htonl(xid);
	h->yiaddr = yiaddr;
	memcpy(h->chaddr, our_mac, 6);
	h->magic = htonl(DHCP_MAGIC);
	msglen = sizeof(*h);
	msg[msglen++] = DHO_MESSAGE_TYPE;
	msg[msglen++] = 1;
	msg[msglen++] = type;
}

static void msg_u32(u8 code, u32 v)
{
	msg[msglen++] = code;
	msg[msglen++] = 4;
	put_unaligned_be32(v, msg + msglen);
	msglen += 4;
}
#endif
