/* SPDX-License-Identifier: MIT */
/*
 * One instance of the stack: everything a host on a network knows. Any number may live in one process (two hosts
 * and a wire between them in a test). Each room hangs its own state here at net_init() and takes it away at
 * net_exit(); the struct itself belongs to net/core/net.c.
 */
#ifndef NET_NET_H
#define NET_NET_H
#include <kernel/random.h>
#include <lib/list.h>
#include <lib/types.h>
#include <net/qdisc_spec.h>
#include <net/stats.h>

struct net_device;
struct sk_buff;
struct neigh_table;
struct fib_table;
struct inet_hashinfo;
struct ipv4_net;
struct tcp_net;
struct udp_net;
struct inet_socket_net;
struct dhcp_client;
struct nf_hooks;
struct nf_queue;
struct nft_table;

enum netdev_event {
	NETDEV_REGISTER,
	NETDEV_UP,
	NETDEV_GOING_DOWN,
	NETDEV_DOWN,
	NETDEV_CHANGE,
	NETDEV_CHANGEMTU,
	NETDEV_CHANGEADDR,
	NETDEV_UNREGISTER
};
typedef void (*netdev_notifier_fn)(struct net_device *dev, enum netdev_event ev);
/* Consumes @skb. Softirq. skb->data stands at the network header. */
typedef void (*packet_rcv_fn)(struct sk_buff *skb, struct net_device *dev);

/* Where a packet passes the filters, in Linux's order; <net/netfilter.h>. */
enum nf_inet_hooks {
	NF_INET_PRE_ROUTING,
	NF_INET_LOCAL_IN,
	NF_INET_FORWARD, /* a host forwards nothing: never called */
	NF_INET_LOCAL_OUT,
	NF_INET_POST_ROUTING,
	NF_INET_NUMHOOKS
};

#define NR_NAMESERVERS    3 /* as many as musl's resolver asks */
#define NET_MAX_PTYPES    8
#define NET_MAX_NOTIFIERS 8

/* What sockets of every family begin with, and how far their options go. */
struct net_core_settings {
	u32 rmem_max, wmem_max;         /* SO_RCVBUF, SO_SNDBUF, before they are doubled */
	u32 rmem_default, wmem_default; /* but for TCP, which has its own */
	u32 optmem_max;                 /* control data of one message, or a filter */
};

struct net {
	struct net_mib mib;
	struct list_head dev_base;       /* every net_device, by registration */
	u32 dev_index;                   /* last ifindex given out */
	struct net_device *loopback_dev; /* set by the loopback driver */
	struct {
		__be16 type;
		packet_rcv_fn func; /* NULL: free */
	} ptype[NET_MAX_PTYPES];    /* who receives which ethertype; net/dev/receive.c */
	netdev_notifier_fn notifier[NET_MAX_NOTIFIERS]; /* in order of registration */
	struct siphash_key hash_key; /* secret of this boot: ISNs, ports, IP ids, table hashes */
	/* net/sched: what devices get; ops NULL: pfifo_fast */
	struct qdisc_spec qdisc_default;
	struct neigh_table *arp_tbl; /* net/neigh */
	struct fib_table *fib;       /* net/ipv4: routes */
	u32 rt_genid;                /* advanced whenever a cached route may be the wrong one */
	struct ipv4_net *ipv4;       /* net/ipv4: protocols, ids, ICMP rate */
	struct {
		u32 queues, packets, truesize; /* datagrams in pieces, their fragments, bytes */
	} frag;                                /* net/ipv4/ip_reassembly.c */
	struct nf_hooks
		*nf[NF_INET_NUMHOOKS];  /* net/ipv4/netfilter.c; NULL: nobody listens there */
	struct nf_queue *nf_queue;      /* net/ipv4/netfilter.c; NULL: verdict QUEUE drops */
	struct nft_table *nft;          /* net/ipv4/nf_tables.c */
	struct inet_hashinfo *tcp_hash; /* net/tcp */
	struct tcp_net *tcp;            /* net/tcp: sysctls, TIME-WAIT, secrets */
	struct udp_net *udp;            /* net/udp */
	struct inet_socket_net *inet;   /* net/socket: families and inetsw */
	struct dhcp_client *dhcp;       /* net/dhcp */
	/* For /etc/resolv.conf: of ip=, or of the lease; 0 behind the last. */
	__be32 nameserver[NR_NAMESERVERS];
	struct list_head taps; /* struct packet_tap: who listens beside the stack; net/dev/tap.c */
	struct list_head packets;      /* packet sockets, by sk_node; net/packet */
	struct list_head socks;        /* every struct sock, by sk_all; net/core/sock.c */
	struct net_core_settings core; /* net.core.*; net/core/core_sysctl.c */
	u16 port_min, port_max; /* net.ipv4.ip_local_port_range; net/core/inet_hashtables.c */
	u8 ip_default_ttl;      /* net.ipv4.ip_default_ttl */
	bool ip_nonlocal_bind;  /* net.ipv4.ip_nonlocal_bind */
	bool ip_no_pmtu_disc;   /* of new sockets: DF is not set */
	u32 socks_live;         /* struct sock and mini sockets; 0 at exit */
	bool proc_pages;        /* the pages of /proc/net are this instance's; net/init.c */
};

void net_core_defaults(struct net *net);
/* net.core.NAME=VALUE: 0, -ENOENT, -EINVAL, -ERANGE; as text: its length, -ENOENT. Process. */
int core_sysctl_set(struct net *net, const char *name, const char *value);
int core_sysctl_get(const struct net *net, const char *name, char *text);
/* Every room must have gone and every count be zero: asserted. */
void net_free(struct net *net);
/* An empty instance; NULL without memory. Process context. */
struct net *net_alloc(void) __freed_by(net_free, 1);

/* --- The list of devices and the news about them: struct net's own part of the device registry ------------------------- */
struct net_device *dev_get_by_name(struct net *net, const char *name);   /* NULL: none; borrowed */
struct net_device *dev_get_by_index(struct net *net, u32 ifindex);       /* NULL: none; borrowed */
int register_netdevice_notifier(struct net *net, netdev_notifier_fn fn); /* 0, -ENOSPC */
void call_netdevice_notifiers(struct net_device *dev, enum netdev_event ev);
#endif
