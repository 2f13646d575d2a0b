/* SPDX-License-Identifier: MIT */
/*
 * Inside of the IPv4 room: its state in struct net. ip_init() (ip_input.c) makes it; each part is written by one file.
 */
#ifndef IPV4_IPV4_H
#define IPV4_IPV4_H
#include <lib/capability.h>
#include <net/ip.h>

#define IP_IDENT_BUCKETS  256u
#define ICMP_PEER_BUCKETS 256u

struct ip_ident {
	u32 next;
	u32 stamp_ms;
};

/* Tokens in thousandths, so that the slow bucket (1/s) fills smoothly. */
struct icmp_bucket {
	u64 stamp_ns;
	u32 millitokens;
};

struct ipv4_net {
	const struct net_protocol *protocol[256]; /* protocol.c; borrowed, static tables */
	/* What a route's dst.output becomes: ip_output(), by pointer, for the route table stands below it. */
	int (*dst_output)(struct net *net, struct sock *sk, struct sk_buff *skb);
	struct ip_ident ident[IP_IDENT_BUCKETS]; /* ip_output.c */
	struct icmp_bucket icmp_all;             /* icmp.c */
	struct icmp_bucket icmp_peer[ICMP_PEER_BUCKETS];
	struct ip_frags *frags; /* ip_reassembly.c */
};

int ip_output(struct net *net, struct sock *sk, struct sk_buff *skb) __needs(softirq_ctx);

/* ip_reassembly.c */
int ip_frag_init(struct net *net);
void ip_frag_exit(struct net *net);
struct sk_buff *ip_defrag(struct net *net, struct sk_buff *skb) __needs(softirq_ctx);
SKB_CONSUMER(ip_defrag, 2);

/* ip_fragment.c */
typedef int (*ip_output_fn)(struct net *net, struct sk_buff *skb); /* consumes */
int ip_fragment(struct net *net, struct sk_buff *skb, u32 mtu, ip_output_fn output)
	__needs(softirq_ctx);
SKB_CONSUMER(ip_fragment, 2);
int ip_finish_output_gso(struct net *net, struct sk_buff *skb, u32 mtu, ip_output_fn output)
	__needs(softirq_ctx);
SKB_CONSUMER(ip_finish_output_gso, 2);
#endif
