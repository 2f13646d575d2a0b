/* SPDX-License-Identifier: MIT */
/* Inside of the rule table: a rule as nft_text.c reads and prints it and nf_tables.c applies it. */
#ifndef IPV4_NFT_H
#define IPV4_NFT_H
#include <lib/capability.h>
#include <lib/list.h>
#include <net/netfilter.h>
#include <net/nf_tables.h>

#define NFT_MAX_MATCHES 8u

enum nft_field {
	NFT_SADDR,
	NFT_DADDR,
	NFT_PROTOCOL,
	NFT_TTL,
	NFT_DSCP,
	NFT_LENGTH,
	NFT_SPORT,
	NFT_DPORT,
	NFT_TCP_FLAGS,
	NFT_ICMP_TYPE,
	NFT_MARK,
	NFT_IIF,
	NFT_OIF,
};

/* (field & mask) in lo..hi, or the opposite. Interfaces are compared by name instead. */
struct nft_match {
	u8 field;
	bool negated;
	bool implied; /* "tcp dport" says "ip protocol tcp" too: not printed */
	u32 mask, lo, hi;
};

enum nft_verdict { NFT_CONTINUE, NFT_ACCEPT, NFT_DROP, NFT_REJECT, NFT_REJECT_TCP };

struct nft_limit {
	u32 rate; /* 0: no limit */
	u32 burst;
	u64 unit_ns;
	bool over;               /* matches what is above the rate instead of what is below */
	u64 tokens_ns, stamp_ns; /* a packet costs unit_ns / rate */
};

struct nft_rule {
	struct list_head node;
	u32 handle;
	u8 hook; /* enum nf_inet_hooks */
	u8 verdict;
	u8 nr_matches;
	u8 protocol; /* that the matches imply; 0: none */
	bool sets_mark, sets_dscp, sets_ttl;
	u8 dscp, ttl;
	u32 mark;
	struct nft_match match[NFT_MAX_MATCHES];
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	struct nft_limit limit;
	u64 packets, bytes; /* that matched */
};

struct nft_statement {
	struct nft_rule rule;
	bool is_policy; /* rule.verdict becomes the policy of rule.hook */
};

/* The next statement of @*text; -ENOENT at its end, -EINVAL with @why. @*text moves behind it. Pure. */
int nft_parse(const char **text, struct nft_statement *st, char *why);
void nft_rule_show(struct seq_file *m, const struct nft_rule *r);
const char *nft_hook_name(u32 hook);

/* Tells the sender of @skb that the rule forbids it; the packet itself stays the caller's. */
void nf_reject_send(struct sk_buff *skb, const struct nf_hook_state *state, bool tcp_reset)
	__needs(softirq_ctx);
#endif
