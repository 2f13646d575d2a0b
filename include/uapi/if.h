/* SPDX-License-Identifier: MIT */
/* Linux's requests about network devices, as applications see them. */
#ifndef UAPI_IF_H
#define UAPI_IF_H
#include <lib/types.h>
#include <uapi/socket.h>

enum if_ioctl {
	SIOCGIFNAME = 0x8910, /* by ifr_ifindex */
	SIOCGIFCONF = 0x8912,
	SIOCGIFFLAGS = 0x8913,
	SIOCSIFFLAGS = 0x8914,
	SIOCGIFADDR = 0x8915,
	SIOCGIFBRDADDR = 0x8919,
	SIOCGIFNETMASK = 0x891b,
	SIOCGIFMTU = 0x8921,
	SIOCGIFHWADDR = 0x8927,
	SIOCGIFINDEX = 0x8933,
	SIOCGIFTXQLEN = 0x8942,
};

struct ifreq {
	char ifr_name[16];
	union {
		struct sockaddr ifru_addr;
		struct sockaddr_in ifru_in;
		s16 ifru_flags;
		int ifru_int; /* index, MTU, queue length */
		u64 ifru_room[3];
	} u;
};
_Static_assert(sizeof(struct ifreq) == 40, "ABI");

struct ifconf {
	int ifc_len; /* bytes: room in, used out */
	void *ifc_buf;
};
_Static_assert(sizeof(struct ifconf) == 16, "ABI");
#endif
