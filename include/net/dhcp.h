/* SPDX-License-Identifier: MIT */
/* DHCP client (RFC 2131): gets, renews and loses the address of one device. A state machine on timers and a kernel socket; no thread. */
#ifndef NET_DHCP_H
#define NET_DHCP_H
#include <lib/capability.h>
#include <net/net.h>
#include <net/netdevice.h>

/* Starts on @dev, which is up. 0, -ENOMEM, -EADDRINUSE, -EBUSY (one runs already). Process context. */
int dhcp_start(struct net_device *dev);
/* Waits till an address is bound: 0, -ETIMEDOUT. Process context. */
int dhcp_wait(struct net *net, u64 deadline_ns) __may_sleep;
void dhcp_stop(struct net *net); /* timers and socket gone; the address stays */

/* What a server's message says (addresses as on the wire; 0: not said). */
struct dhcp_msg {
	u32 xid;
	u8 type; /* enum dhcp_message */
	u8 chaddr[6];
	__be32 yiaddr, server_id, mask, router;
	__be32 dns[NR_NAMESERVERS];
	u32 lease_s, t1_s, t2_s;
};

/* Reads @len bytes of a UDP payload. 0; -EINVAL no sound DHCP reply (lengths, magic, options). Pure. */
int dhcp_parse(const void *buf, u32 len, struct dhcp_msg *msg);
#endif
