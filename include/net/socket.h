/* SPDX-License-Identifier: MIT */
/*
 * The socket layer: fd -> struct socket -> proto_ops -> proto. sys_* are the system calls; kernel rooms (DHCP) use the kernel_* calls,
 * which need no descriptor. Process context unless said otherwise.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H
#include <net/sock.h>

enum socket_state { SS_UNCONNECTED = 1, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING };

struct socket {
	enum socket_state state;
	u16 type;
	const struct proto_ops *ops;
	struct sock *sk;
	struct file *file; /* NULL for kernel sockets */
};

struct proto_ops {
	u16 family;
	int (*release)(struct socket *sock);
	int (*bind)(struct socket *sock, const struct sockaddr *addr, int len);
	int (*connect)(struct socket *sock, const struct sockaddr *addr, int len, u32 file_flags);
	int (*accept)(struct socket *sock, struct socket *newsock, u32 file_flags);
	int (*getname)(struct socket *sock, struct sockaddr_storage *addr,
		       bool peer); /* length or -errno */
	int (*listen)(struct socket *sock, int backlog);
	int (*shutdown)(struct socket *sock, int how);
	unsigned int (*poll)(struct socket *sock);
	int (*setsockopt)(struct socket *sock, int level, int opt, const void *kval, u32 len);
	int (*getsockopt)(struct socket *sock, int level, int opt, void *kval, u32 *len);
	ssize_t (*sendmsg)(struct socket *sock, struct msghdr *msg, size_t len);
	ssize_t (*recvmsg)(struct socket *sock, struct msghdr *msg, size_t len, u32 flags);
	int (*ioctl)(struct socket *sock, unsigned long req, int *val);
};

/* What a protocol family offers socket(). */
struct net_proto_family {
	int family;
	/* Gives @sock its ops and sk for @protocol. 0, or -errno with nothing made. */
	int (*create)(struct net *net, struct socket *sock, int protocol);
};

/* The families of an instance (net/socket/protosw.c). 0, -ENOBUFS no such number, -EEXIST. Process, init. */
int sock_register(struct net *net, const struct net_proto_family *ops);
void sock_unregister(struct net *net, int family);
/* What may open raw and packet sockets: everybody, or nobody (-EPERM). Process. */
void sock_allow_raw(struct net *net, bool allow);
bool sock_may_open_raw(const struct net *net);

/* One line of inetsw: how a (type, protocol) pair is served (net/socket/protosw.c). */
enum inet_protosw_flags {
	INET_PROTOSW_REUSE = 1,     /* SO_REUSEADDR from the begin */
	INET_PROTOSW_PERMANENT = 2, /* cannot be overridden, nor taken away before the end */
	INET_PROTOSW_ICSK = 4,      /* connections: sending binds no port */
};
struct inet_protosw {
	struct list_head list;
	u16 type, protocol; /* protocol 0: any */
	u8 flags;
	struct proto *prot;
	const struct proto_ops *ops;
};
extern const struct proto_ops inet_stream_ops, inet_dgram_ops;

int inet_socket_init(struct net *net); /* PF_INET family; 0, -ENOMEM */
void inet_socket_exit(struct net *net);
/*
 * Enters @p (copied) into @net's inetsw behind the permanent entries of its type, before the others. 0, -EINVAL no such type,
 * -EEXIST a permanent entry serves the pair, -ENOMEM. Called by net/init.c.
 */
int inet_register_protosw(struct net *net, const struct inet_protosw *p);
/* Takes the first such entry that is not permanent away. 0, -EPERM it is permanent, -ENOENT. */
int inet_unregister_protosw(struct net *net, const struct inet_protosw *p);

/* The instance that system calls use; set once at boot. Enters the socket system calls. */
void socket_init(struct net *net);

/* For rooms of the kernel. BH on. */
int sock_create_kern(struct net *net, int family, int type, int protocol,
		     struct socket **res); /* -EAFNOSUPPORT ... */
void sock_release(struct socket *sock);
int kernel_bind(struct socket *sock, const struct sockaddr_in *addr);
/* @buf is kernel memory. Never blocks (MSG_DONTWAIT is added). Process, softirq for datagram sockets. */
ssize_t kernel_sendmsg(struct socket *sock, const void *buf, size_t len,
		       const struct sockaddr_in *to);
ssize_t kernel_recvmsg(struct socket *sock, void *buf, size_t len, struct sockaddr_in *from);
#endif
