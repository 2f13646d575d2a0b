/* SPDX-License-Identifier: MIT */
/* ICMP: echo, errors out (rate-limited) and in. */
#ifndef NET_ICMP_H
#define NET_ICMP_H
#include <lib/capability.h>
#include <net/skbuff.h>

struct net;
/*
 * Sends an error about @skb (network_header set; not consumed) to its sender, never about the cases of RFC 1122, 3.2.2
 * (ICMP errors, broadcasts, later fragments, odd sources). @info: MTU for frag needed. Softirq.
 */
void icmp_send(struct sk_buff *skb, u8 type, u8 code, u32 info) __needs(softirq_ctx);
/* Errno of a destination-unreachable code and whether it is fatal to a connection attempt (RFC 1122, 4.2.3.9). */
struct icmp_err {
	int error;
	bool fatal;
};
extern const struct icmp_err icmp_err_convert[NR_ICMP_UNREACH];
void icmp_forget(struct net *net); /* the limits on errors start anew; process */
int icmp_init(struct net *net);
void icmp_exit(struct net *net);
#endif
