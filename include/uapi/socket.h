/* SPDX-License-Identifier: MIT */
/* Linux's socket structures and values (x86-64), as applications see them. */
#ifndef UAPI_SOCKET_H
#define UAPI_SOCKET_H
#include <lib/types.h>

enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_PACKET = 17, NPROTO = 46 };
enum sock_type {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_RDM = 4,
	SOCK_SEQPACKET = 5,
	SOCK_MAX = 11
};
#define SOCK_TYPE_MASK 0xf
#define SOCK_NONBLOCK  04000
#define SOCK_CLOEXEC   02000000
#define SOMAXCONN      4096

enum msg_flags {
	MSG_OOB = 1,
	MSG_PEEK = 2,
	MSG_DONTROUTE = 4,
	MSG_CTRUNC = 8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_EOR = 0x80,
	MSG_WAITALL = 0x100,
	MSG_CONFIRM = 0x800,
	MSG_ERRQUEUE = 0x2000,
	MSG_NOSIGNAL = 0x4000,
	MSG_MORE = 0x8000,
	MSG_WAITFORONE = 0x10000,
	MSG_FASTOPEN = 0x20000000,
	MSG_CMSG_CLOEXEC = 0x40000000,
};
enum shut_how { SHUT_RD, SHUT_WR, SHUT_RDWR };

#define SOL_SOCKET 1
enum so_option {
	SO_DEBUG = 1,
	SO_REUSEADDR,
	SO_TYPE,
	SO_ERROR,
	SO_DONTROUTE,
	SO_BROADCAST,
	SO_SNDBUF,
	SO_RCVBUF,
	SO_KEEPALIVE,
	SO_OOBINLINE,
	SO_NO_CHECK,
	SO_PRIORITY,
	SO_LINGER,
	SO_BSDCOMPAT,
	SO_REUSEPORT,
	SO_RCVLOWAT = 18,
	SO_SNDLOWAT = 19,
	SO_RCVTIMEO = 20,
	SO_SNDTIMEO = 21,
	SO_BINDTODEVICE = 25,
	SO_PEERNAME = 28,
	SO_TIMESTAMP = 29,
	SO_ACCEPTCONN = 30,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE = 33,
	SO_TIMESTAMPNS = 35,
	SO_MARK = 36,
	SO_TIMESTAMPING = 37, /* its control message is of the same number */
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
	SO_MAX_PACING_RATE = 47,
	SO_INCOMING_CPU = 49,
	SO_MEMINFO = 55,
	SO_COOKIE = 57,
	SO_BINDTOIFINDEX = 62,
};
/* Flags of SO_TIMESTAMPING. */
enum sof_timestamping {
	SOF_TIMESTAMPING_TX_SOFTWARE = 2,
	SOF_TIMESTAMPING_RX_SOFTWARE = 8, /* taken */
	SOF_TIMESTAMPING_SOFTWARE = 16,   /* told */
	SOF_TIMESTAMPING_TX_SCHED = 256,
	SOF_TIMESTAMPING_TX_ACK = 512,
	SOF_TIMESTAMPING_OPT_TSONLY = 2048,
	SOF_TIMESTAMPING_OPT_STATS = 4096,
	SOF_TIMESTAMPING_MASK = 0xffff
};
#define SOL_IP 0
enum ip_option {
	IP_TOS = 1,
	IP_TTL = 2,
	IP_HDRINCL = 3,
	IP_OPTIONS = 4,
	IP_RECVOPTS = 6,
	IP_RETOPTS = 7,
	IP_PKTINFO = 8,
	IP_MTU_DISCOVER = 10,
	IP_RECVERR = 11,
	IP_RECVTTL = 12,
	IP_RECVTOS = 13,
	IP_MTU = 14,
	IP_FREEBIND = 15,
	IP_TRANSPARENT = 19,
	IP_RECVORIGDSTADDR = 20, /* its control message is of the same number */
	IP_MINTTL = 21,
	IP_MULTICAST_IF = 32,
	IP_MULTICAST_TTL = 33,
	IP_MULTICAST_LOOP = 34,
	IP_ADD_MEMBERSHIP = 35,
	IP_DROP_MEMBERSHIP = 36,
	IP_UNBLOCK_SOURCE = 37,
	IP_BLOCK_SOURCE = 38,
	IP_ADD_SOURCE_MEMBERSHIP = 39,
	IP_DROP_SOURCE_MEMBERSHIP = 40,
	IP_MSFILTER = 41,
	MCAST_JOIN_GROUP = 42,
	MCAST_BLOCK_SOURCE = 43,
	MCAST_UNBLOCK_SOURCE = 44,
	MCAST_LEAVE_GROUP = 45,
	MCAST_JOIN_SOURCE_GROUP = 46,
	MCAST_LEAVE_SOURCE_GROUP = 47,
	MCAST_MSFILTER = 48,
	IP_MULTICAST_ALL = 49,
	IP_UNICAST_IF = 50
};
/* Values of IP_MTU_DISCOVER. */
enum ip_pmtudisc {
	IP_PMTUDISC_DONT,      /* fragment here and on the way */
	IP_PMTUDISC_WANT,      /* DF while it fits the path MTU, fragments here when it does not */
	IP_PMTUDISC_DO,        /* DF; larger: EMSGSIZE */
	IP_PMTUDISC_PROBE,     /* DF; the device's MTU counts, not the path's */
	IP_PMTUDISC_INTERFACE, /* the same without DF: the path MTU is not believed */
	IP_PMTUDISC_OMIT       /* the same, and larger datagrams are fragmented */
};
#define SOL_TCP 6
#define SOL_RAW 255
enum raw_option { ICMP_FILTER = 1 };
#define SOL_UDP 17
enum udp_option { UDP_CORK = 1, UDP_SEGMENT = 103 };
enum tcp_sockopt {
	TCP_NODELAY = 1,
	TCP_MAXSEG,
	TCP_CORK,
	TCP_KEEPIDLE,
	TCP_KEEPINTVL,
	TCP_KEEPCNT,
	TCP_SYNCNT,
	TCP_LINGER2,
	TCP_DEFER_ACCEPT,
	TCP_WINDOW_CLAMP,
	TCP_INFO,
	TCP_QUICKACK,
	TCP_CONGESTION,
	TCP_USER_TIMEOUT = 18,
	TCP_FASTOPEN = 23,
	TCP_NOTSENT_LOWAT = 25,
	TCP_CC_INFO = 26,
	TCP_SAVE_SYN = 27,
	TCP_SAVED_SYN = 28,
	TCP_FASTOPEN_CONNECT = 30,
	TCP_FASTOPEN_KEY = 33,
	TCP_FASTOPEN_NO_COOKIE = 34,
	TCP_INQ = 36, /* its control message is of the same number */
};
enum poll_events {
	POLLIN = 1,
	POLLPRI = 2,
	POLLOUT = 4,
	POLLERR = 8,
	POLLHUP = 16,
	POLLNVAL = 32,
	POLLRDNORM = 64,
	POLLWRNORM = 256,
	POLLRDHUP = 0x2000
};
enum {
	FIONREAD = 0x541B,
	FIONBIO = 0x5421,
	SIOCOUTQ = 0x5411,
	TIOCGWINSZ = 0x5413,
	SIOCATMARK = 0x8905,
	SIOCOUTQNSD = 0x894B
};

struct sockaddr {
	u16 sa_family;
	u8 sa_data[14];
};

struct sockaddr_in {
	u16 sin_family;
	__be16 sin_port;
	__be32 sin_addr;
	u8 sin_zero[8];
};

/* IP_ADD_MEMBERSHIP and its like; struct ip_mreq is the first eight bytes. */
struct ip_mreqn {
	__be32 imr_multiaddr, imr_address;
	int imr_ifindex;
};

/* IP_ADD_SOURCE_MEMBERSHIP and its like. */
struct ip_mreq_source {
	__be32 imr_multiaddr, imr_interface, imr_sourceaddr;
};

struct sockaddr_storage {
	u16 ss_family;
	u8 data[126];
} __aligned(8);

/* MCAST_JOIN_GROUP and its like. */
struct group_req {
	u32 gr_interface;
	struct sockaddr_storage gr_group;
};
_Static_assert(sizeof(struct group_req) == 136, "ABI");
struct group_source_req {
	u32 gsr_interface;
	struct sockaddr_storage gsr_group, gsr_source;
};
_Static_assert(sizeof(struct group_source_req) == 264, "ABI");

/* Filters: so many sources follow. */
enum { MCAST_EXCLUDE = 0, MCAST_INCLUDE = 1 };
struct ip_msfilter {
	__be32 imsf_multiaddr, imsf_interface;
	u32 imsf_fmode, imsf_numsrc;
	/* __be32 each */
};
_Static_assert(sizeof(struct ip_msfilter) == 16, "ABI");
struct group_filter {
	u32 gf_interface;
	struct sockaddr_storage gf_group;
	u32 gf_fmode, gf_numsrc;
	/* struct sockaddr_storage each */
};
_Static_assert(sizeof(struct group_filter) == 144, "ABI");

struct linger {
	int l_onoff, l_linger;
};

struct timeval {
	s64 tv_sec, tv_usec;
};

struct user_msghdr {
	void *msg_name;
	int msg_namelen;
	struct iovec *msg_iov;
	size_t msg_iovlen;
	void *msg_control;
	size_t msg_controllen;
	u32 msg_flags;
};
/* One of sendmmsg() and recvmmsg(). */
struct user_mmsghdr {
	struct user_msghdr msg_hdr;
	u32 msg_len; /* bytes sent or received */
};
_Static_assert(sizeof(struct user_mmsghdr) == 64, "ABI");

/* One item of control data; its bytes follow, the next one at a multiple of 8. */
struct cmsghdr {
	size_t cmsg_len; /* this header included */
	int cmsg_level, cmsg_type;
};
_Static_assert(sizeof(struct cmsghdr) == 16, "ABI");

/* IP_PKTINFO. */
struct in_pktinfo {
	int ipi_ifindex;
	__be32 ipi_spec_dst, ipi_addr;
};
_Static_assert(sizeof(struct in_pktinfo) == 12, "ABI");

_Static_assert(sizeof(struct sockaddr_in) == 16, "ABI");
_Static_assert(sizeof(struct sockaddr_storage) == 128, "ABI");
_Static_assert(sizeof(struct user_msghdr) == 56, "ABI");
#endif
