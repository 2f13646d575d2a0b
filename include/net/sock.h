/* SPDX-License-Identifier: MIT */
/*
 * struct sock: the protocol's half of a socket, and its accounts.
 *
 * Ownership: process context takes the socket with lock_sock(); while it is owned, softirq puts packets on the backlog and
 * timers set deferred bits; release_sock() drains both. References: sock_hold/sock_put; a timer, a hash table, a queue that holds
 * the sock counts one.
 * Send accounts: sk_wmem_queued = truesize on TCP's write and retransmit queues; sk_wmem_alloc = truesize of packets below the
 * transport, given back by skb->destructor. Receive account: sk_rmem_alloc = truesize on the receive queues.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H
#include <kernel/context.h>
#include <kernel/count.h>
#include <kernel/timer.h>
#include <kernel/uio.h>
#include <kernel/wait.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/types.h>
#include <net/dst.h>
#include <net/net.h>
#include <net/skbuff.h>
#include <uapi/errqueue.h>
#include <uapi/socket.h>

struct socket;
struct sock;
struct proto;
struct inet_ext; /* <net/ip.h>; flat: freed with the sock */
struct kmem_cache;

/* RFC 9293, 3.3.2, with Linux's numbers (tcp_info shows them). */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

/* A message on its way between socket layer and protocol. */
struct msghdr {
	void *msg_name; /* kernel memory (struct sockaddr_storage), or NULL */
	int msg_namelen;
	struct iov_iter msg_iter;
	u32 msg_flags;
	/* Sending: a kernel copy of control data; receiving: what is left of the application's room for it. NULL: none. */
	u32 msg_controllen;
	void *msg_control;
};

/* What full sockets, request and TIME-WAIT mini sockets share: the identity by which packets find them. */
struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr; /* peer; address bound to (0: any) */
	__be16 skc_dport;                /* peer's port */
	u16 skc_num;                     /* local port, host order */
	u16 skc_family;
	u8 skc_state;         /* enum tcp_state */
	u8 skc_reuse : 1;     /* SO_REUSEADDR */
	u8 skc_reuseport : 1; /* SO_REUSEPORT */
	u32 skc_bound_dev_if;
	count_t skc_refcnt;
	struct list_head skc_node;      /* in the 4-tuple table */
	struct list_head skc_bind_node; /* in the port table */
	struct proto *skc_prot;
	struct net *skc_net;
};
static_assert(sizeof(struct sock_common) <= 96, "budget: what a lookup reads, in mini sockets too");

enum sock_flag_bits {
	SOCK_DEAD,
	SOCK_DONE,
	SOCK_URGINLINE,
	SOCK_KEEPOPEN,
	SOCK_LINGER,
	SOCK_BROADCAST,
	SOCK_NOSPACE,
	SOCK_ZAPPED,
	SOCK_NO_CHECK_TX,  /* SO_NO_CHECK */
	SOCK_RCVTSTAMP,    /* SO_TIMESTAMP */
	SOCK_RCVTSTAMPNS,  /* SO_TIMESTAMPNS */
	SOCK_LOCALROUTE,   /* SO_DONTROUTE */
	SOCK_RCVTSTAMPING, /* SO_TIMESTAMPING, of what is received */
	SOCK_ON_CPU,       /* a packet came for it: SO_INCOMING_CPU is 0, before that -1 */
};
#define SOCK_TSTAMP_FLAGS (BIT(SOCK_RCVTSTAMP) | BIT(SOCK_RCVTSTAMPNS) | BIT(SOCK_RCVTSTAMPING))
/* What an IPv4 socket wants to be told, beside data. */
enum inet_flag_bits {
	INET_RECVERR = 1, /* errors are queued */
	INET_RECVPKTINFO = 2,
	INET_RECVTTL = 4,
	INET_RECVTOS = 8,
	INET_RECVOPTS = 16,
	INET_RETOPTS = 32,
	INET_RECVORIGDSTADDR = 64,
	INET_CMSG = 126, /* what control messages bring with data */
	/* And how it may be bound: to an address that is not there yet; and send from such a one. */
	INET_FREEBIND = 128,
	INET_TRANSPARENT = 256
};
#define RCV_SHUTDOWN       1
#define SEND_SHUTDOWN      2
#define SHUTDOWN_MASK      3
#define SOCK_SNDBUF_LOCK   1
#define SOCK_RCVBUF_LOCK   2
#define SOCK_BINDADDR_LOCK 4 /* the address was asked for: a disconnect leaves it */
#define SOCK_BINDPORT_LOCK 8
#define SOCK_MIN_SNDBUF    4608
#define SOCK_MIN_RCVBUF    2304
#define SYSCTL_MEM_DEFAULT 212992u

struct sock {
	struct sock_common __sk_common; /* first */
	struct list_head sk_all;        /* on net->socks; sk_alloc() and sock_put() only */
#define sk_state        __sk_common.skc_state
#define sk_family       __sk_common.skc_family
#define sk_prot         __sk_common.skc_prot
#define sk_net          __sk_common.skc_net
#define sk_daddr        __sk_common.skc_daddr
#define sk_rcv_saddr    __sk_common.skc_rcv_saddr
#define sk_dport        __sk_common.skc_dport
#define sk_num          __sk_common.skc_num
#define sk_node         __sk_common.skc_node
#define sk_bind_node    __sk_common.skc_bind_node
#define sk_bound_dev_if __sk_common.skc_bound_dev_if
#define sk_reuse        __sk_common.skc_reuse
#define sk_reuseport    __sk_common.skc_reuseport
#define sk_refcnt       __sk_common.skc_refcnt
	__be32 inet_saddr; /* source address of what we send */
	__be16 inet_sport;
	u8 sk_type;      /* enum sock_type */
	u8 inet_min_ttl; /* IP_MINTTL; 0: any */
	u16 sk_protocol;
	u8 sk_shutdown; /* RCV_SHUTDOWN | SEND_SHUTDOWN */
	u8 sk_userlocks;
	u8 inet_tos;
	u8 inet_pmtudisc;          /* enum ip_pmtudisc */
	s16 inet_ttl;              /* -1: default */
	u16 inet_id;               /* next IPv4 identification of a connected socket */
	u8 inet_mc_ttl;            /* of datagrams to a group */
	u8 inet_is_icsk : 1;       /* of connections: sending binds no port */
	u8 inet_mc_loop : 1;       /* what we send to a group comes back to its members here */
	u8 inet_mc_all : 1;        /* takes datagrams of groups that others here have joined */
	u8 sk_lock_waited : 1;     /* somebody waits in lock_sock() */
	u8 inet_defer_connect : 1; /* connect() waits for the first data to send (Fast Open) */
	u8 sk_paced : 1;           /* a discipline below lets each packet leave at its time (fq) */
	bool sk_owned;             /* process context owns the socket */
	u8 sk_write_pending;       /* threads that wait for room */
	u16 sk_tx_queue; /* the transmit queue its packets take, counted from 1; 0: none yet */
	count_flags_t sk_flags; /* BIT(enum sock_flag_bits) */
	u16 inet_flags;         /* enum inet_flag_bits */
	int sk_err,
		sk_err_soft; /* positive errno to report; soft: the reason given if we give up */
	u32 sk_dst_gen;      /* net->rt_genid when sk_dst_cache was looked up */
	struct sk_buff_head sk_receive_queue, sk_write_queue, sk_backlog;
	struct sk_buff *
		sk_error_tail; /* the error queue, a ring by ->next: the newest, which names the oldest; NULL */
	u32 sk_backlog_len; /* truesize on the backlog */
	count_t sk_rmem_alloc, sk_wmem_alloc;
	u32 sk_wmem_queued;
	u32 sk_sndbuf, sk_rcvbuf; /* limits, bytes of truesize */
	u32 sk_rcvlowat;
	count_t sk_drops; /* messages that found the receive buffer full */
	u32 sk_priority, sk_mark;
	u64 sk_sndtimeo_ns, sk_rcvtimeo_ns; /* WAIT_FOREVER: none */
	u32 sk_lingertime_s;
	union {
		struct {
			u16 sk_ack_backlog, sk_max_ack_backlog; /* accept queue of a listener */
		};
		u32 sk_tsflags; /* of a socket of messages: enum sof_timestamping */
	};
	u32 sk_max_pacing_rate;         /* SO_MAX_PACING_RATE, bytes a second; UINT32_MAX: none */
	u32 sk_trace_id;                /* the number of this socket in traces */
	struct dst_entry *sk_dst_cache; /* counted */
	struct inet_ext *inet_ext;    /* IP options, groups: what few sockets have; NULL: nothing */
	struct socket *sk_socket;     /* NULL once orphaned */
	struct wait_queue_head sk_wq; /* everybody who waits on this socket */
	struct wait_queue_head sk_lock_wq;
	/* Upward news; softirq or owner. Defaults wake sk_wq; kernel sockets replace them. */
	void (*sk_state_change)(struct sock *sk);
	void (*sk_data_ready)(struct sock *sk);
	void (*sk_write_space)(struct sock *sk);
	void (*sk_error_report)(struct sock *sk);
	void *sk_user_data;
	u64 sk_pacing_rate; /* bytes a second the transport wants to send at; UINT64_MAX: any */
} __contract(capability("sock"));
static_assert(sizeof(struct sock) <= 384, "budget: six cache lines");
static_assert(SOMAXCONN <= UINT16_MAX, "accept queue");

/* The most that it may send, bytes a second; UINT64_MAX: any. */
static inline u64 sk_pacing_limit(const struct sock *sk)
{
	return sk->sk_max_pacing_rate == UINT32_MAX ? UINT64_MAX : sk->sk_max_pacing_rate;
}

/* A transport protocol, as the socket layer sees it. Process context unless said otherwise; the sock is not owned on entry. */
struct proto {
	const char *name;             /* "TCP" */
	u32 obj_size;                 /* of the protocol's sock */
	int (*init)(struct sock *sk); /* after sock_init_data(); 0, -ENOMEM */
	void (*close)(
		struct sock *sk,
		u64 deadline_ns); /* drops the socket layer's reference; waits only for SO_LINGER */
	int (*connect)(struct sock *sk, const struct sockaddr_in *addr, int addr_len,
		       bool nonblock);
	/* Takes an address in its own way; NULL: a port, by get_port. */
	int (*bind)(struct sock *sk, const struct sockaddr_in *addr, int addr_len);
	/*
	 * connect() to msg's address that may take data along (Fast Open): bytes taken, 0 too; the handshake goes on. NULL: no such thing.
	 * Not owned.
	 */
	ssize_t (*fastopen)(struct sock *sk, struct msghdr *msg, size_t len);
	int (*disconnect)(struct sock *sk);          /* connect() with AF_UNSPEC; owned */
	int (*listen)(struct sock *sk, int backlog); /* NULL: -EOPNOTSUPP */
	struct sock *(*accept)(struct sock *sk, bool nonblock,
			       int *err); /* the reference moves to the caller */
	int (*shutdown)(struct sock *sk, u8 how_mask);
	int (*setsockopt)(struct sock *sk, int level, int opt, const void *kval,
			  u32 len); /* kernel copy */
	int (*getsockopt)(struct sock *sk, int level, int opt, void *kval, u32 *len);
	ssize_t (*sendmsg)(struct sock *sk, struct msghdr *msg, size_t len);
	ssize_t (*recvmsg)(struct sock *sk, struct msghdr *msg, size_t len,
			   u32 flags);                              /* fills msg_name, msg_flags */
	unsigned int (*poll)(struct sock *sk);                      /* enum poll_events now */
	int (*ioctl)(struct sock *sk, unsigned long req, int *val); /* SIOCINQ/OUTQ: value */
	int (*get_port)(struct sock *sk,
			u16 num); /* binds to @num, 0: an ephemeral one; 0, -EADDRINUSE */
	void (*unbind)(struct sock *sk);
	/* @old, which has the 4-tuple that @new_ connects with, has left the tables for it. NULL: nobody does. BH off. */
	bool (*tuple_gives_way)(struct sock_common *old, struct sock_common *new_);
	void (*backlog_rcv)(struct sock *sk, struct sk_buff *skb); /* owner; consumes */
	void (*release_cb)(struct sock *sk); /* in release_sock(), BH off: deferred work */
	void (*destroy)(
		struct sock *sk); /* the last reference is gone: free what init made; may be NULL */
	void (*keepalive)(struct sock *sk, bool on); /* SO_KEEPALIVE changes; owner; may be NULL */
	void (*set_rcvlowat)(struct sock *sk,
			     u32 low); /* SO_RCVLOWAT; owner; NULL: stored as it is */
	/* May take more bytes for other reasons than sk_sndbuf; @wake: worth waking somebody. May be NULL: always. */
	bool (*stream_memory_free)(const struct sock *sk, bool wake);
};

/* --- Life (net/core/sock.c) ------------------------------------------------------------------------------------------ */
/* Zeroed sock with defaults and one reference; counts in net->socks_live. NULL without memory. Process, softirq. */
struct sock *sk_alloc(struct net *net, u16 family, struct proto *prot);
/* Sets what sk_alloc() left zero: queues, limits, wait queues, default callbacks. @sock (may be NULL) becomes sk_socket. */
void sock_init_data(struct socket *sock, struct sock *sk);
void sock_put(
	struct
	sock *sk); /* the last one purges the queues and frees; wmem must come back by itself first */
static inline void sock_hold(struct sock *sk)
{
	BUG_ON(sk->sk_refcnt == 0);
	count_add(&sk->sk_refcnt, 1);
}

void sock_orphan(struct sock *sk); /* the application's end is gone: SOCK_DEAD, no sk_socket */
/* An accepted connection gets its socket. Both set only the sock's side: socket->sk is the socket layer's. */
void sock_graft(struct sock *sk, struct socket *parent);

static inline bool sock_flag(const struct sock *sk, enum sock_flag_bits f)
{
	return sk->sk_flags & BIT(f);
}

/* IP_FREEBIND, IP_TRANSPARENT or the setting: it may be bound to an address that is nobody's here. */
static inline bool sk_may_bind_nonlocal(const struct sock *sk)
{
	return (sk->inet_flags & (INET_FREEBIND | INET_TRANSPARENT)) ||
	       sk->sk_net->ip_nonlocal_bind;
}

static inline void sock_set_flag(struct sock *sk, enum sock_flag_bits f)
{
	count_flags_set(&sk->sk_flags, (u16)BIT(f));
}

static inline void sock_reset_flag(struct sock *sk, enum sock_flag_bits f)
{
	count_flags_clear(&sk->sk_flags, (u16)BIT(f));
}

/* @dst, whose reference moves in, is the route of @sk as of now; NULL: it has none. The one before is given back. BH off or owner. */
static inline void sk_dst_set(struct sock *sk, struct dst_entry *dst)
{
	struct dst_entry *old = sk->sk_dst_cache;

	sk->sk_dst_cache = dst;
	sk->sk_dst_gen = sk->sk_net->rt_genid;
	dst_release(old);
}

/* --- Ownership ---------------------------------------------------------------------------------------------------------- */
void lock_sock(struct sock *sk) __takes(sk) __may_sleep; /* process; waits for another owner */
void release_sock(struct sock *sk) __gives(
	sk); /* drains the backlog through sk_prot->backlog_rcv, then release_cb; may send */
/* The owner handles what came meanwhile and keeps the sock. true: there was something. Process. */
bool sk_flush_backlog(struct sock *sk) __needs(sk) __forbids(softirq_ctx);
static inline bool sock_owned_by_user(const struct sock *sk)
{
	return sk->sk_owned;
}

/*
 * Whoever works on a sock holds it: a thread by lock_sock(), or, while no thread owns it, whoever has bottom halves off.
 * First line of what a table calls with the sock held, and of a softirq that has found it free.
 */
static inline void sock_owned_by_me(const struct sock *sk) __asserts(sk)
{
	BUG_ON(!sk->sk_owned && !in_bh());
	BUG_ON(sk->sk_owned && in_serving_softirq());
}

/* Softirq, owned socket: 0, or -ENOBUFS (not consumed) beyond 2 * rcvbuf + sndbuf / 2 + 64 KiB. */
int sk_add_backlog(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);

/* --- Accounts -------------------------------------------------------------------------------------------------------------- */
void skb_set_owner_w(
	struct sk_buff *skb,
	struct sock *sk); /* charges sk_wmem_alloc; destructor sock_wfree; the skb holds the sock */
void skb_set_owner_r(struct sk_buff *skb,
		     struct sock *sk); /* charges sk_rmem_alloc; destructor sock_rfree */
void sock_wfree(
	struct sk_buff
		*skb); /* gives back, wakes a writer when half is free, drops the reference */
void sock_rfree(struct sk_buff *skb);
/* For datagram receive: charges and queues, 0; -ENOMEM above sk_rcvbuf (not consumed). Calls sk_data_ready. */
int sock_queue_rcv_skb(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);

static inline bool __sk_stream_memory_free(const struct sock *sk, bool wake)
{
	if (sk->sk_wmem_queued >= sk->sk_sndbuf)
		return false;
	return !sk->sk_prot->stream_memory_free || sk->sk_prot->stream_memory_free(sk, wake);
}

static inline bool sk_stream_memory_free(const struct sock *sk)
{
	return __sk_stream_memory_free(sk, false);
}

/* Free space is at least half of what is queued (a third of the buffer): worth waking a writer. */
static inline bool sk_stream_is_writeable(const struct sock *sk)
{
	u32 space = sk->sk_sndbuf > sk->sk_wmem_queued ? sk->sk_sndbuf - sk->sk_wmem_queued : 0;
	return space >= sk->sk_wmem_queued / 2 && __sk_stream_memory_free(sk, true);
}

/* What the device of the socket's route can do, as far as it is known. Owner or softirq. */
bool sk_can_gso(const struct sock *sk); /* cuts packets of many segments, or has it done for it */
u32 sk_gso_max_segs(const struct sock *sk); /* of so many, 1 where it cannot */
bool sk_can_sg(const struct sock *sk);      /* takes payload in fragments */
bool sk_can_csum(const struct sock *sk);    /* sums transport checksums */

void sk_stream_write_space(struct sock *sk); /* wakes writers when NOSPACE and writeable */

/* --- Waiting. Owned on entry and on return; released while asleep (protocol of <kernel/wait.h>). ------------------------------ */
/* Absolute limit for a call: 0 when it must not block, WAIT_FOREVER, or now + timeout. */
u64 sock_snd_deadline(const struct sock *sk, bool nonblock);
u64 sock_rcv_deadline(const struct sock *sk, bool nonblock);
#define sk_wait_event(sk, deadline_ns, cond)                                                       \
	({                                                                                         \
		struct wait_queue_entry wait_;                                                     \
		int ret_ = 0;                                                                      \
		init_wait(&wait_);                                                                 \
		for (;;) {                                                                         \
			bool done_;                                                                \
			prepare_to_wait(&(sk)->sk_wq, &wait_);                                     \
			release_sock(sk);                                                          \
			done_ = (cond);                                                            \
			if (!done_ && !ret_)                                                       \
				ret_ = schedule_until(deadline_ns);                                \
			else                                                                       \
				finish_wait(&(sk)->sk_wq, &wait_);                                 \
			lock_sock(sk);                                                             \
			if (done_ || (cond)) {                                                     \
				ret_ = 0;                                                          \
				break;                                                             \
			}                                                                          \
			if (ret_)                                                                  \
				break;                                                             \
		}                                                                                  \
		finish_wait(&(sk)->sk_wq, &wait_);                                                 \
		ret_;                                                                              \
	})
/* Space in the send buffer: 0; -EPIPE (error or shutdown: the caller maps it); -EAGAIN when @deadline_ns passed. */
int sk_stream_wait_memory(struct sock *sk, u64 deadline_ns) __may_sleep __needs(sk);
/* Takes and clears sk_err as a negative errno. */
static inline int sock_error(struct sock *sk)
{
	return -count_take(&sk->sk_err);
}

/* Error of a failed send: pending sk_err instead of EPIPE. */
int sk_stream_error(struct sock *sk, int err) __needs(sk);

/* --- Sockets of messages (net/core/datagram.c) ------------------------------------------------------------------------------------ */
/* The next message; NULL with *@err (0: shut down). Process, or MSG_DONTWAIT. */
struct sk_buff *skb_recv_datagram(struct sock *sk, u32 flags, int *err) __may_sleep;
/* Copies it out and consumes it: bytes, or with MSG_TRUNC in @flags the whole length; -EFAULT. */
ssize_t skb_copy_datagram_msg(struct sk_buff *skb, struct msghdr *msg, size_t len, u32 flags);
/* Queues (true) or drops and counts. Consumes @skb. */
bool datagram_queue_rcv(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);
unsigned int datagram_poll(struct sock *sk);
int datagram_ioctl(struct sock *sk, unsigned long req, int *val); /* FIONREAD, SIOCOUTQ; -ENOTTY */
int sock_wait_for_wmem(struct sock *sk, bool nonblock) __may_sleep; /* 0, -EAGAIN, -EPIPE, sk_err */
void datagram_close(
	struct sock *sk); /* drops what is unread and the last reference of the socket layer */

/* --- The error queue (net/core/errqueue.c) ---------------------------------------------------------------------------------------- */
/* In skb->cb of a packet on an error queue. */
struct sock_exterr_skb {
	struct sock_extended_err ee;
	__be32 daddr; /* whom the packet in error was for */
	__be16 port;
	u32 iif; /* the device by which the news came */
};
static_assert(sizeof(struct sock_exterr_skb) <= sizeof(((struct sk_buff *)0)->cb), "fits skb->cb");

static inline struct sock_exterr_skb *skb_ext_err(const struct sk_buff *skb)
{
	return (struct sock_exterr_skb *)(void *)(unsigned long)skb->cb;
}

/* 0, or -ENOMEM (not consumed) when the receive buffer is full. */
int sock_queue_err_skb(struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);
struct sk_buff *sock_dequeue_err_skb(struct sock *sk); /* NULL: none */
void skb_errqueue_purge(struct sock *sk);

/* --- Control messages (net/core/scm.c) ---------------------------------------------------------------------------------------------- */
int cmsg_next(const struct msghdr *msg, u32 *at, struct cmsghdr *c, const u8 **data);
void put_cmsg(struct msghdr *msg, int level, int type, const void *data, u32 len);
void sock_recv_timestamp(const struct sock *sk, struct msghdr *msg, const struct sk_buff *skb);

/* --- Options of level SOL_SOCKET ------------------------------------------------------------------------------------------------ */
int sock_setsockopt(struct sock *sk, int opt, const void *kval,
		    u32 len) __may_sleep; /* 0, -EINVAL, -EDOM, -ENOPROTOOPT */
int sock_getsockopt(struct sock *sk, int opt, void *kval, u32 *len);
void sockstat_show(struct seq_file *m); /* /proc/net/sockstat; arg: struct net */
#endif
