/* SPDX-License-Identifier: MIT */
/*
 * Netfilter: the five places where an IPv4 packet is shown to whoever asked to see it.
 *
 *   PRE_ROUTING   received, header sound, nothing else looked at        state: in
 *   LOCAL_IN      for us, whole, before its protocol                    state: in
 *   LOCAL_OUT     ours, header complete, routed; skb->dev not set yet   state: out
 *   POST_ROUTING  about to leave, skb->dev set, not yet fragmented      state: out
 *                 (a packet that is marked rerouted passes unseen)
 *
 * Each place holds an ordered array of functions; an empty one costs a single test. nf_hook() says 1: go on, the packet is
 * still the caller's; anything else: the packet is gone and that is the caller's result.
 */
#ifndef NET_NETFILTER_H
#define NET_NETFILTER_H
#include <lib/bug.h>
#include <lib/capability.h>
#include <lib/list.h>
#include <net/net.h>
#include <net/netdevice.h>
#include <net/skbuff.h>

/* Verdicts; Linux's values. The upper half of a DROP is the errno for the sender. */
enum nf_verdict {
	NF_DROP,   /* frees the packet (NETFILTER_DROP); the sender hears EPERM */
	NF_ACCEPT, /* the next function, at last the stack */
	NF_STOLEN, /* the function owns the packet now; the sender hears of success */
	NF_QUEUE, /* handed to the queue handler, which brings it back by nf_reinject(); none: DROP */
	NF_REPEAT, /* the same function again; NF_MAX_REPEATS times, then DROP */
};
#define NF_VERDICT_MASK  0xffu
#define NF_DROP_ERR(err) ((u32)(err) << 16 | NF_DROP) /* @err: a positive errno */
#define NF_MAX_HOOKS     8u                           /* functions at one place */
#define NF_MAX_REPEATS   16u

/* Linux's places in the order of one hook point. */
enum nf_ip_priority {
	NF_IP_PRI_FIRST = -2147483647 - 1,
	NF_IP_PRI_MANGLE = -150,
	NF_IP_PRI_FILTER = 0,
	NF_IP_PRI_LAST = 2147483647,
};

struct nf_hook_state {
	enum nf_inet_hooks hook;
	struct net *net;
	struct sock *sk;             /* who sends; NULL: the stack itself, or a received packet */
	struct net_device *in, *out; /* NULL: not known at this place */
	/* Where the packet goes on when it comes back from a queue. Consumes. */
	int (*okfn)(struct net *net, struct sock *sk, struct sk_buff *skb);
};

/*
 * Judges @skb, whose IP header is whole and linear. Owns it only when the verdict says so. Softirq. Must not (un)register
 * hooks.
 */
typedef u32 (*nf_hook_fn)(void *arg, struct sk_buff *skb, const struct nf_hook_state *state);

struct nf_hook_ops {
	enum nf_inet_hooks hook;
	int priority; /* lower first; among equals the older first */
	nf_hook_fn fn;
	void *arg; /* with @fn it names the entry */
};

/* A packet with the verdict QUEUE, on its way through somebody else's hands. It keeps its route counted. */
struct nf_queue_entry {
	struct list_head node; /* the handler's */
	struct sk_buff *skb;
	struct nf_hook_state state;
	u32 index, generation; /* which function queued it, in which array */
	u8 stage;              /* enum skb_stage: where it was, and will be again */
};

/* Takes @entry over (0), or refuses it (an errno: the packet is dropped with it). Softirq. */
typedef int (*nf_queue_fn)(void *arg, struct nf_queue_entry *entry);

int nf_register_net_hook(struct net *net, const struct nf_hook_ops *ops);
void nf_unregister_net_hook(struct net *net, const struct nf_hook_ops *ops);
int nf_hook_slow(struct sk_buff *skb, const struct nf_hook_state *state) __needs(softirq_ctx);
int nf_register_queue_handler(struct net *net, nf_queue_fn fn, void *arg);
void nf_unregister_queue_handler(struct net *net);
void nf_reinject(struct nf_queue_entry *entry, u32 verdict) __needs(softirq_ctx);
void nf_set_tos(struct iphdr *iph, u8 tos);
void nf_set_ttl(struct iphdr *iph, u8 ttl);

/**
 * nf_hook() - shows @skb to the functions at @hook.
 * Context: BH off.
 * Return: 1 go on, the packet is the caller's; otherwise it is gone: 0 stolen or queued, -EPERM or another errno dropped.
 */
static inline int nf_hook(enum nf_inet_hooks hook, struct net *net, struct sock *sk,
			  struct sk_buff *skb, struct net_device *in, struct net_device *out,
			  int (*okfn)(struct net *, struct sock *, struct sk_buff *))
	__needs(softirq_ctx)
{
	if (likely(!net->nf[hook]))
		return 1;
	return nf_hook_slow(skb, &(struct nf_hook_state){ hook, net, sk, in, out, okfn });
}

/* The same with its continuation: @okfn's result, or what the hook made of the packet. Consumes @skb. */
static inline int NF_HOOK(enum nf_inet_hooks hook, struct net *net, struct sock *sk,
			  struct sk_buff *skb, struct net_device *in, struct net_device *out,
			  int (*okfn)(struct net *, struct sock *, struct sk_buff *))
	__needs(softirq_ctx)
{
	int rc = nf_hook(hook, net, sk, skb, in, out, okfn);

	return rc == 1 ? okfn(net, sk, skb) : rc;
}
#endif
