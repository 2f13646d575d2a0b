/* SPDX-License-Identifier: MIT */
/*
 * A small table of filter rules on netfilter's places, in words close to nft's:
 *
 *   out drop ip daddr 10.0.2.2 udp dport 9; in accept tcp dport 80 counter; in policy drop
 *
 * The first rule that matches and has a verdict decides; rules without one count, mark and go on; behind the last the
 * place's policy decides. docs: the head of net/ipv4/nft_text.c has the grammar.
 */
#ifndef NET_NF_TABLES_H
#define NET_NF_TABLES_H
#include <lib/types.h>
#include <net/net.h>

#define NFT_MAX_RULES 1024u
#define NFT_WHY_MAX   128u

struct seq_file;

/* Is @text a list of statements? 0; -EINVAL with @why (NFT_WHY_MAX bytes) in words. Pure. */
int nft_check(const char *text, char *why);
/* All statements of @text or none. 0, -EINVAL (@why), -ENOSPC, -ENOMEM. Process. */
int nft_add(struct net *net, const char *text, char *why);
int nft_delete(struct net *net, u32 handle); /* 0, -ENOENT. Process. */
void nft_flush(struct net *net);             /* no rules, every policy accept. Process. */
void nft_show(struct seq_file *m);           /* /proc/net/nft; arg: struct net */
int nft_init(struct net *net);               /* 0, -ENOMEM */
void nft_exit(struct net *net);
#endif
