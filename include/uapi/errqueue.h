/* SPDX-License-Identifier: MIT */
/* What an application reads from a socket's error queue (Linux's linux/errqueue.h, x86-64). */
#ifndef UAPI_ERRQUEUE_H
#define UAPI_ERRQUEUE_H
#include <lib/types.h>
#include <uapi/socket.h>

enum { SO_EE_ORIGIN_NONE, SO_EE_ORIGIN_LOCAL, SO_EE_ORIGIN_ICMP };
struct sock_extended_err {
	u32 ee_errno;
	u8 ee_origin, ee_type, ee_code, ee_pad;
	u32 ee_info; /* the MTU of EMSGSIZE */
	u32 ee_data;
};
_Static_assert(sizeof(struct sock_extended_err) == 16, "ABI");
/* The bytes of a control message IP_RECVERR. */
struct sock_ip_err {
	struct sock_extended_err ee;
	struct sockaddr_in offender; /* who told us; all 0: we ourselves */
};
_Static_assert(sizeof(struct sock_ip_err) == 32, "ABI");
#endif
