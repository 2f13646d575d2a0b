// SPDX-License-Identifier: MIT
/*
 * The table of filter rules: a list for each of netfilter's places, walked from the top for every packet there.
 *
 * The first rule that matches and has a verdict decides; one without goes on (it counted, marked, changed). Behind the last
 * the policy decides. A place without rules whose policy is accept is not registered: it costs nothing. With rules the cost is
 * their number, which "evaluated" counts.
 *
 * Interface: <net/nf_tables.h>.
 * Above: net/init.c, boot/main.c.  Below: netfilter.c (registers here), nft_text.c, nf_reject.c.
 * Context: changes process; the walk BH off.
 * Owns: the rules.
 * Specs: what nft(8) says about its ip family; RFC 1624 (in netfilter.c) for changed headers.
 */
#include "nft.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <lib/string.h>

struct nft_chain {
	struct list_head rules;
	u32 nr;
	u8 policy; /* NFT_ACCEPT, NFT_DROP */
	bool registered;
	u64 policy_packets, policy_bytes; /* that no rule decided */
};

struct nft_table {
	struct nft_chain chain[NF_INET_NUMHOOKS];
	u32 nr_rules;
	u32 last_handle;
	u64 evaluated; /* rules looked at, by all packets */
};

/* A packet under the eyes of a chain: the first bytes of its transport header, fetched when a rule asks. */
struct nft_packet {
	struct sk_buff *skb;
	const struct nf_hook_state *state;
	u8 l4[sizeof(struct tcphdr)];
	u32 l4_len; /* bytes at l4; 0: not fetched */
};

/* --- Conditions --------------------------------------------------------------------------------------------------------------- */

/* At least @need bytes of the transport header at p->l4. A later fragment has none. */
static bool nft_l4(struct nft_packet *p, u32 need)
{
	const struct iphdr *iph = ip_hdr(p->skb);

	if (p->l4_len >= need)
		return true;
	if ((iph->frag_off & htons(IP_OFFSET)) ||
	    skb_copy_bits(p->skb, ip_hdrlen(iph), p->l4, need) < 0)
		return false;
	p->l4_len = need;
	return true;
}

static bool nft_load_l4(struct nft_packet *p, u8 field, u32 *v)
{
	u32 at = field == NFT_TCP_FLAGS ? offsetof(struct tcphdr, flags)
		 : field == NFT_DPORT   ? offsetof(struct tcphdr, dest)
					: 0;
	bool port = field == NFT_SPORT || field == NFT_DPORT;

	if (!nft_l4(p, at + (port ? 2 : 1)))
		return false;
	*v = port ? get_unaligned_be16(p->l4 + at) : p->l4[at];
	return true;
}

/* The field's value; false when the packet has none. */
static bool nft_load(struct nft_packet *p, u8 field, u32 *v)
{
	const struct iphdr *iph = ip_hdr(p->skb);

	switch (field) {
	case NFT_SADDR:
		*v = ntohl(iph->saddr);
		return true;
	case NFT_DADDR:
		*v = ntohl(iph->daddr);
		return true;
	case NFT_PROTOCOL:
		*v = iph->protocol;
		return true;
	case NFT_TTL:
		*v = iph->ttl;
		return true;
	case NFT_DSCP:
		*v = iph->tos >> 2;
		return true;
	case NFT_LENGTH:
		*v = ntohs(iph->tot_len);
		return true;
	case NFT_MARK:
		*v = p->skb->mark;
		return true;
	default:
		return nft_load_l4(p, field, v);
	}
}

static bool nft_match_one(struct nft_packet *p, const struct nft_rule *r, const struct nft_match *m)
{
	u32 v;

	if (m->field == NFT_IIF)
		return (strcmp(p->state->in->name, r->iif) == 0) != m->negated;
	if (m->field == NFT_OIF)
		return (strcmp(p->state->out->name, r->oif) == 0) != m->negated;
	if (!nft_load(p, m->field, &v))
		return false; /* also when negated: nothing can be said about what is not there */
	v &= m->mask;
	return (v >= m->lo && v <= m->hi) != m->negated;
}

/* A bucket that holds burst packets' worth of time. */
static bool nft_within_limit(struct nft_limit *l)
{
	u64 now = ktime_get_ns(), cost = l->unit_ns / l->rate;

	l->tokens_ns = min(l->tokens_ns + (now - l->stamp_ns), cost * l->burst);
	l->stamp_ns = now;
	if (l->tokens_ns < cost)
		return false;
	l->tokens_ns -= cost;
	return true;
}

static bool nft_matches(struct nft_packet *p, struct nft_rule *r)
{
	for (u32 i = 0; i < r->nr_matches; i++)
		if (!nft_match_one(p, r, &r->match[i]))
			return false;
	return !r->limit.rate || nft_within_limit(&r->limit) != r->limit.over;
}

/* --- Actions -------------------------------------------------------------------------------------------------------------------- */

/* 0, -ENOMEM the header could not be made our own. */
static int nft_change(struct sk_buff *skb, const struct nft_rule *r)
{
	if (r->sets_mark)
		skb->mark = r->mark;
	if (!r->sets_dscp && !r->sets_ttl)
		return 0;
	if (skb_cow_head(skb, 0) < 0)
		return -ENOMEM;
	if (r->sets_dscp)
		nf_set_tos(ip_hdr(skb), (u8)(r->dscp << 2 | (ip_hdr(skb)->tos & 3)));
	if (r->sets_ttl)
		nf_set_ttl(ip_hdr(skb), r->ttl);
	return 0;
}

static u32 nft_drop(struct nft_packet *p, u8 verdict) __needs(softirq_ctx)
{
	if (verdict != NFT_DROP)
		nf_reject_send(p->skb, p->state, verdict == NFT_REJECT_TCP);
	return NF_DROP;
}

/* The hook: first match decides. */
static u32 nft_do_chain(void *arg, struct sk_buff *skb, const struct nf_hook_state *state)
	__needs(softirq_ctx)
{
	struct nft_table *t = arg;
	struct nft_chain *chain = &t->chain[state->hook];
	struct nft_packet p = { .skb = skb, .state = state };
	struct nft_rule *r;

	list_for_each_entry(r, &chain->rules, node) {
		t->evaluated++;
		if (!nft_matches(&p, r))
			continue;
		r->packets++;
		r->bytes += skb->len;
		if (nft_change(skb, r) < 0)
			return NF_DROP_ERR(ENOMEM);
		if (r->verdict == NFT_ACCEPT)
			return NF_ACCEPT;
		if (r->verdict != NFT_CONTINUE)
			return nft_drop(&p, r->verdict);
	}
	chain->policy_packets++;
	chain->policy_bytes += skb->len;
	return chain->policy == NFT_DROP ? NF_DROP : NF_ACCEPT;
}

/* --- Changes ---------------------------------------------------------------------------------------------------------------------- */

/* Registered exactly while there is something to do. 0, -ENOMEM, -ENOSPC. */
static int nft_sync(struct net *net, u32 hook)
{
	struct nft_chain *chain = &net->nft->chain[hook];
	struct nf_hook_ops ops = { (enum nf_inet_hooks)hook, NF_IP_PRI_FILTER, nft_do_chain,
				   net->nft };
	bool wanted = chain->nr || chain->policy == NFT_DROP;
	int err = 0;

	if (wanted && !chain->registered)
		err = nf_register_net_hook(net, &ops);
	else if (!wanted && chain->registered)
		nf_unregister_net_hook(net, &ops);
	if (!err)
		chain->registered = wanted;
	return err;
}

static void nft_remove(struct nft_table *t, struct nft_rule *r)
{
	local_bh_disable();
	list_del_init(&r->node);
	t->chain[r->hook].nr--;
	t->nr_rules--;
	local_bh_enable();
	kfree(r);
}

/* The rules behind @handle go. */
static void nft_remove_since(struct net *net, u32 handle)
{
	struct nft_rule *r, *next;

	for (u32 hook = 0; hook < NF_INET_NUMHOOKS; hook++) {
		list_for_each_entry_safe(r, next, &net->nft->chain[hook].rules, node) {
			if (r->handle > handle)
				nft_remove(net->nft, r);
		}
		(void)nft_sync(net, hook); /* nothing is newly wanted: cannot fail */
	}
}

/* 0, -ENOMEM, -ENOSPC. */
static int nft_append(struct net *net, const struct nft_rule *rule)
{
	struct nft_table *t = net->nft;
	struct nft_chain *chain = &t->chain[rule->hook];
	struct nft_rule *r;

	if (t->nr_rules == NFT_MAX_RULES)
		return -ENOSPC;
	r = kmalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = *rule;
	r->handle = ++t->last_handle;
	r->limit.stamp_ns = ktime_get_ns();
	if (r->limit.rate)
		r->limit.tokens_ns = r->limit.unit_ns / r->limit.rate * r->limit.burst;
	local_bh_disable();
	list_add_tail(&r->node, &chain->rules);
	chain->nr++;
	t->nr_rules++;
	local_bh_enable();
	return nft_sync(net, rule->hook);
}

static int nft_do(struct net *net, const struct nft_statement *st)
{
	if (!st->is_policy)
		return nft_append(net, &st->rule);
	net->nft->chain[st->rule.hook].policy = st->rule.verdict;
	return nft_sync(net, st->rule.hook);
}

/**
 * nft_add() - adds the rules and sets the policies of @text, in order; all of it or nothing.
 * @why: gets the reason for -EINVAL, NFT_WHY_MAX bytes
 * Context: process.
 * Return: 0; -EINVAL; -ENOSPC more than NFT_MAX_RULES, or the place is full; -ENOMEM.
 */
int nft_add(struct net *net, const char *text, char *why)
{
	struct nft_statement st;
	u32 before = net->nft->last_handle;
	u8 policy[NF_INET_NUMHOOKS];
	int err = nft_check(text, why);

	if (err)
		return err;
	for (u32 i = 0; i < NF_INET_NUMHOOKS; i++)
		policy[i] = net->nft->chain[i].policy;
	while (!err && nft_parse(&text, &st, why) == 0)
		err = nft_do(net, &st);
	if (!err)
		return 0;
	for (u32 i = 0; i < NF_INET_NUMHOOKS; i++)
		net->nft->chain[i].policy = policy[i];
	nft_remove_since(net, before);
	return err;
}

/**
 * nft_delete() - takes one rule away, by the handle that the listing shows.
 * Context: process.
 * Return: 0; -ENOENT.
 */
int nft_delete(struct net *net, u32 handle)
{
	struct nft_rule *r, *next;

	for (u32 hook = 0; hook < NF_INET_NUMHOOKS; hook++) {
		list_for_each_entry_safe(r, next, &net->nft->chain[hook].rules, node) {
			if (r->handle == handle) {
				nft_remove(net->nft, r);
				return nft_sync(net, hook);
			}
		}
	}
	return -ENOENT;
}

/**
 * nft_flush() - no rules any more, and every policy accepts.
 * Context: process.
 */
void nft_flush(struct net *net)
{
	for (u32 hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		net->nft->chain[hook].policy = NFT_ACCEPT;
	nft_remove_since(net, 0);
}

/* --- /proc/net/nft -------------------------------------------------------------------------------------------------------------------- */

static void nft_show_chain(struct seq_file *m, u32 hook, const struct nft_chain *chain)
{
	const struct nft_rule *r;

	seq_printf(m, "\tchain %s {\n\t\ttype filter hook %s priority filter; policy %s;\n",
		   nft_hook_name(hook), nft_hook_name(hook),
		   chain->policy == NFT_DROP ? "drop" : "accept");
	list_for_each_entry(r, &chain->rules, node) {
		seq_puts(m, "\t\t");
		nft_rule_show(m, r);
		seq_printf(m, " # handle %u\n", r->handle);
	}
	seq_printf(m, "\t\t# policy: packets %llu bytes %llu\n\t}\n",
		   (unsigned long long)chain->policy_packets,
		   (unsigned long long)chain->policy_bytes);
}

/**
 * nft_show() - the rules with their counters, as nft lists them. Context: process. arg: struct net.
 */
void nft_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct nft_table *t = net->nft;

	seq_puts(m, "table ip filter {\n");
	for (u32 hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		if (t->chain[hook].registered)
			nft_show_chain(m, hook, &t->chain[hook]);
	seq_printf(m, "}\n# rules evaluated %llu\n", (unsigned long long)t->evaluated);
}

/* --- Life -------------------------------------------------------------------------------------------------------------------------------- */

/**
 * nft_init() - an empty table.
 * Context: process.
 * Return: 0; -ENOMEM.
 */
int nft_init(struct net *net)
{
	struct nft_table *t = kzalloc(sizeof(*t));

	BUG_ON(net->nft);
	if (!t)
		return -ENOMEM;
	for (u32 hook = 0; hook < NF_INET_NUMHOOKS; hook++) {
		INIT_LIST_HEAD(&t->chain[hook].rules);
		t->chain[hook].policy = NFT_ACCEPT;
	}
	net->nft = t;
	return 0;
}

/**
 * nft_exit() - the table goes with its rules; no packet is on its way any more.
 * Context: process.
 */
void nft_exit(struct net *net)
{
	nft_flush(net);
	kfree(net->nft);
	net->nft = NULL;
}
