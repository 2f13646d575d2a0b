/* SPDX-License-Identifier: MIT */
/*
 * Inside of the IPv4 room: its state in struct net. ip_init() (ip_input.c) makes it; each part is written by one file.
 */
#ifndef IPV4_IPV4_H
#define IPV4_IPV4_H
#include <kernel/timer.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <lib/string.h>
#include <net/inetdevice.h>
#include <net/ip.h>

#define IP_IDENT_BUCKETS  256u
#define ICMP_PEER_BUCKETS 256u
#define RAW_BUCKETS       32u
#define PING_BUCKETS      64u

struct ip_ident {
	u32 next;
	u32 stamp_ms;
};

/* Tokens in thousandths, so that the slow bucket (1/s) fills smoothly. */
struct icmp_bucket {
	u64 stamp_ns;
	u32 millitokens;
};

/* Numbers that can be set (ip_sysctl.c). */
struct ip_settings {
	u32 ip_default_ttl, ip_no_pmtu_disc;
	u32 icmp_ratelimit; /* ms between two errors to a peer; 0: no limit */
	u32 icmp_ratemask;  /* bit: ICMP types that are held back */
	u32 icmp_msgs_per_sec, icmp_msgs_burst;
	u32 icmp_echo_ignore_all, icmp_echo_ignore_broadcasts;
	u32 min_pmtu, mtu_expires, min_adv_mss;
	u32 ip_forward, ip_nonlocal_bind, ip_dynaddr, ip_early_demux, ip_autobind_reuse,
		ip_forward_use_pmtu, icmp_echo_enable_probe, icmp_ignore_bogus_error_responses,
		icmp_errors_use_inbound_ifaddr, igmp_link_local_mcast_reports, igmp_max_msf,
		udp_early_demux, udp_rmem_min, udp_wmem_min, udp_l3mdev_accept, fwmark_reflect,
		inet_peer_threshold, inet_peer_minttl, inet_peer_maxttl;
};

struct ipv4_net {
	const struct net_protocol *protocol[256]; /* protocol.c; borrowed, static tables */
	/* What a route's dst.output becomes: ip_output() and ip_mc_output(), by pointer, for the route table stands below. */
	int (*dst_output)(struct net *net, struct sock *sk, struct sk_buff *skb);
	int (*dst_mc_output)(struct net *net, struct sock *sk, struct sk_buff *skb);
	struct ip_ident ident[IP_IDENT_BUCKETS]; /* ip_output.c */
	struct icmp_bucket icmp_all;             /* icmp.c */
	struct icmp_bucket icmp_peer[ICMP_PEER_BUCKETS];
	struct ip_frags *frags; /* ip_reassembly.c */
	struct ip_settings set;
	bool accept_source_route; /* ip_input.c */
	u8 igmp_qrv, igmp_max_memberships;
	/* Whoever reads packets beside the protocols; NULL while nobody does. The packet stays the caller's. Softirq. */
	bool (*raw_rcv)(struct net *net,
			struct sk_buff *skb); /* data at the IP header; true: wanted */
	void (*raw_err)(struct sk_buff *skb, u8 type, u8 code,
			u32 info); /* as net_protocol.err_handler */
	bool (*ping_rcv)(struct net *net,
			 struct sk_buff *skb); /* an echo reply, data at the ICMP header */
	void (*ping_err)(struct sk_buff *skb, u8 type, u8 code, u32 info);
	u32 raw_socks, ping_socks;
	struct list_head raw[RAW_BUCKETS];   /* raw.c: by protocol */
	struct list_head ping[PING_BUCKETS]; /* ping.c: by identifier */
};

enum ip_opt_kind {
	IPOPT_END = 0,
	IPOPT_NOOP = 1,
	IPOPT_RR = 7,
	IPOPT_TS = 68,
	IPOPT_LSRR = 131,
	IPOPT_SSRR = 137,
	IPOPT_RA = 148,
};

/* A packet with its own IP header, complete but for length, checksum and (0) identification. As ip_send_skb(). */
int ip_send_hdrincl(struct net *net, struct sock *sk, struct sk_buff *skb, struct rtable *rt)
	__needs(softirq_ctx);
SKB_CONSUMER(ip_send_hdrincl, 3);
/* Counts a message that was sent. */
void icmp_out_count(struct net *net, u8 type);
int ip_output(struct net *net, struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);
int ip_mc_output(struct net *net, struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);
int ip_options_compile(struct ip_options *opt, const void *data, u32 len);
void ip_options_build(const struct ip_options *opt, u8 *to, __be32 saddr, __be32 daddr);
struct inet_ext *inet_ext_get(struct sock *sk);
u32 ip_options_echo(const struct iphdr *iph, bool route_only, u8 out[IP_OPTIONS_MAX]);

#define TOS_LOWDELAY   0x10
#define TOS_THROUGHPUT 0x08
/* Classes of SO_PRIORITY, of which pfifo_fast makes bands. */
enum { PRIO_BESTEFFORT = 0, PRIO_BULK = 2, PRIO_INTERACTIVE_BULK = 4, PRIO_INTERACTIVE = 6 };
/* What "low delay" and "throughput" of a type of service mean to our own queues. */
static inline u32 rt_tos2priority(u8 tos)
{
	if (tos & TOS_LOWDELAY)
		return tos & TOS_THROUGHPUT ? PRIO_INTERACTIVE_BULK : PRIO_INTERACTIVE;
	return tos & TOS_THROUGHPUT ? PRIO_BULK : PRIO_BESTEFFORT;
}

int ip_mc_join(struct sock *sk, const struct ip_mreqn *mr);
int ip_mc_leave(struct sock *sk, const struct ip_mreqn *mr);
int ip_mc_source(struct sock *sk, int opt, const struct ip_mreqn *mr, __be32 source);
int ip_mc_set_filter(struct sock *sk, const struct ip_mreqn *mr, const struct ip_mc_filter *f);
int ip_mc_get_filter(struct sock *sk, const struct ip_mreqn *mr, struct ip_mc_filter *f);
void ip_mc_netdev_event(struct net_device *dev, enum netdev_event ev);

/* One byte or an int: both are accepted, as applications use both; nothing at all means 0. */
static inline int ip_opt_value(const void *kval, u32 len)
{
	int val = 0;

	if (len >= sizeof(val))
		memcpy(&val, kval, sizeof(val));
	else if (len)
		val = *(const u8 *)kval;
	return val;
}

/* ip_mcast.c: options of groups */
int ip_mc_setsockopt(struct sock *sk, int opt, const void *kval, u32 len);
int ip_mc_getsockopt(struct sock *sk, int opt, void *kval, u32 *len);

/* A device's group before sockets change what they want of it; each source keeps its own part. */
struct mc_before {
	u32 users;
	bool exclude;
};

/* igmp_report.c */
void igmp_group_changed(struct net_device *dev, struct in_mcgroup *mc,
			const struct mc_before *before) __needs(softirq_ctx);
void igmp_up(struct net_device *dev) __needs(softirq_ctx);
void igmp_down(struct net_device *dev) __needs(softirq_ctx);
void igmp_init(struct net *net);

/* ip_sysctl.c */
void ip_sysctl_init(struct net *net);

#define IP_ALL_HOSTS 0xe0000001u /* 224.0.0.1: every host is a member */

/*
 * Is @s on the list of its group on a device: of those that somebody wants; or, where some want all but a few, of those that nobody wants
 * (RFC 3376, 3.2)?
 */
static inline bool mc_listed(const struct in_mcgroup *mc, const struct in_mcsource *s)
{
	return mc->excluders ? s->refused == mc->excluders && !s->wanted : s->wanted != 0;
}

/* Does somebody want what @source sends to the group? */
static inline bool mc_wants(const struct in_mcgroup *mc, __be32 source)
{
	for (u32 i = 0; i < mc->nr_sources; i++) {
		if (mc->sources[i].addr == source)
			return mc_listed(mc, &mc->sources[i]) == !mc->excluders;
	}
	return mc->excluders != 0;
}

/* Is somebody here a member of @group on that device, who wants packets from @source? Of IGMP's own every one is wanted. BH off. */
static inline bool ip_check_mc(const struct net_device *on, __be32 group, __be32 source,
			       u8 protocol)
{
	for (u32 i = 0; on->ip_ptr && i < IN_DEV_MAX_GROUPS; i++) {
		const struct in_mcgroup *mc = &on->ip_ptr->mc[i];

		if (mc->group == group && mc->users && group != htonl(IP_ALL_HOSTS))
			return protocol == IPPROTO_IGMP || mc_wants(mc, source);
	}
	return group == htonl(IP_ALL_HOSTS);
}

/* --- ip_reassembly.c ---------------------------------------------------------------------------------------------------- */
#define FRAG_QUEUES  64u
#define FRAG_BUCKETS 64u

/* What RFC 791 tells datagrams apart by, and the device, so that no other link's neighbour can add to it. */
struct frag_key {
	__be32 saddr, daddr;
	__be16 id;
	u8 protocol;
	u32 ifindex;
};

/* One datagram in pieces. */
struct ipq {
	struct list_head node; /* in its bucket, the newest first */
	struct list_head age;  /* in frags->live by birth, the oldest first; or in frags->spare */
	struct timer timer;
	struct ip_frags *all;
	struct frag_key key;
	struct sk_buff_head
		fragments; /* by offset; data of all but offset 0 stands behind the IP header */
	u32 meat;          /* bytes of payload here */
	u32 len;           /* of the whole payload, when last_in */
	u32 more_end;      /* the furthest end of a fragment that has others behind it */
	u32 truesize;
	u32 others;  /* fragments of its source for other datagrams, since its own last one */
	u8 ecn_seen; /* BIT(codepoint) of each fragment */
	bool last_in;
};

struct ip_frags {
	struct net *net;
	struct list_head bucket[FRAG_BUCKETS];
	struct list_head live, spare;
	u32 high_thresh, low_thresh; /* bytes */
	u32 time_s, max_dist;
	struct ipq queue[FRAG_QUEUES];
};

int ip_frag_init(struct net *net);
void ip_frag_exit(struct net *net);
struct sk_buff *ip_defrag(struct net *net, struct sk_buff *skb) __needs(softirq_ctx);
SKB_CONSUMER(ip_defrag, 2);

/* --- ip_fragment.c ------------------------------------------------------------------------------------------------------ */
typedef int (*ip_output_fn)(struct net *net, struct sk_buff *skb); /* consumes */
int ip_fragment(struct net *net, struct sk_buff *skb, u32 mtu, ip_output_fn output)
	__needs(softirq_ctx);
SKB_CONSUMER(ip_fragment, 2);
int ip_finish_output_gso(struct net *net, struct sk_buff *skb, u32 mtu, ip_output_fn output)
	__needs(softirq_ctx);
SKB_CONSUMER(ip_finish_output_gso, 2);
#endif
