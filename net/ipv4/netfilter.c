// SPDX-License-Identifier: MIT
/*
 * Netfilter: who wants to see IPv4 packets at one of five places, and what their verdicts do.
 *
 * One ordered array for each place, made with the first function and gone with the last: whether there is one at all is the
 * only test that a packet pays for while nobody listens. ip_input.c and ip_output.c call nf_hook() with the function that
 * goes on with the packet; result 1 lets them.
 *
 * Interface: <net/netfilter.h>.
 * Above: ip_input.c, ip_output.c; nf_tables.c and others register.  Below: <kernel/mm.h>; whatever is registered, by table.
 * Context: registering process or softirq, never out of a hook; the walk BH off.
 * Owns: the arrays; a packet from a DROP on, or while it is queued (the handler's then).
 * Specs: the stages' names and verdicts are Linux's; RFC 1624 for the header checksum of a changed packet.
 */
#include <net/netfilter.h>

#include <kernel/mm.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/checksum.h>

struct nf_hook_entry {
	nf_hook_fn fn;
	void *arg;
	int priority;
};

struct nf_hooks {
	u32 nr;
	u32 generation; /* counts changes: a queued packet does not come back to another array */
	u32 walkers; /* walks in progress; they nest (a filter that answers) and forbid changes */
	struct nf_hook_entry e[NF_MAX_HOOKS];
};

struct nf_queue {
	nf_queue_fn fn;
	void *arg;
	u32 held; /* entries given to the handler and not brought back */
};

/* --- Who listens -------------------------------------------------------------------------------------------------------- */

static bool nf_same(const struct nf_hook_entry *e, const struct nf_hook_ops *ops)
{
	return e->fn == ops->fn && e->arg == ops->arg;
}

static int nf_enter(struct nf_hooks *h, const struct nf_hook_ops *ops)
{
	u32 at = 0;

	if (h->nr == NF_MAX_HOOKS)
		return -ENOSPC;
	while (at < h->nr && h->e[at].priority <= ops->priority)
		at++;
	for (u32 i = h->nr; i > at; i--)
		h->e[i] = h->e[i - 1];
	h->e[at] = (struct nf_hook_entry){ ops->fn, ops->arg, ops->priority };
	h->nr++;
	h->generation++;
	return 0;
}

/**
 * nf_register_net_hook() - from now on @ops->fn sees the packets at @ops->hook.
 *
 * Context: process, softirq; not from a hook. @ops is copied.
 * Return: 0; -EINVAL no such place; -EEXIST the pair of function and argument is there already; -ENOSPC; -ENOMEM.
 */
int nf_register_net_hook(struct net *net, const struct nf_hook_ops *ops)
{
	struct nf_hooks *h;
	int err = 0;

	if ((u32)ops->hook >= NF_INET_NUMHOOKS || !ops->fn)
		return -EINVAL;
	local_bh_disable();
	h = net->nf[ops->hook];
	BUG_ON(h && h->walkers);
	for (u32 i = 0; h && i < h->nr; i++)
		if (nf_same(&h->e[i], ops))
			err = -EEXIST;
	if (!h && !err) {
		h = kzalloc(sizeof(*h));
		if (!h)
			err = -ENOMEM;
	}
	if (!err)
		err = nf_enter(h, ops);
	if (!err)
		net->nf[ops->hook] = h;
	local_bh_enable();
	return err;
}

/**
 * nf_unregister_net_hook() - @ops->fn is not called any more. It must be registered: asserted.
 * Context: process, softirq; not from a hook.
 */
void nf_unregister_net_hook(struct net *net, const struct nf_hook_ops *ops)
{
	struct nf_hooks *h;
	u32 i = 0;

	local_bh_disable();
	h = net->nf[ops->hook];
	BUG_ON(!h || h->walkers);
	while (i < h->nr && !nf_same(&h->e[i], ops))
		i++;
	BUG_ON(i == h->nr);
	for (h->nr--; i < h->nr; i++)
		h->e[i] = h->e[i + 1];
	h->generation++;
	if (!h->nr) {
		net->nf[ops->hook] = NULL;
		kfree(h);
	}
	local_bh_enable();
}

/* --- The walk ------------------------------------------------------------------------------------------------------------- */

/* Gives @skb to the queue handler. 0 or the errno with which it was dropped. Consumes. */
static int nf_to_queue(struct sk_buff *skb, const struct nf_hook_state *state, u32 index,
		       u32 generation) __needs(softirq_ctx)
{
	struct nf_queue *q = state->net->nf_queue;
	struct nf_queue_entry *entry = q ? kzalloc(sizeof(*entry)) : NULL;
	int err = q ? -ENOMEM : -EPERM;

	if (entry) {
		if (skb_dst(skb))
			skb_dst_force(skb);
		entry->skb = skb;
		entry->state = *state;
		entry->index = index;
		entry->generation = generation;
		entry->stage = skb->stage;
		q->held++;
		skb_enter(skb, SKB_STAGE_NF_QUEUE);
		trace_at_skb(nf_queue, skb, q->held);
		err = q->fn(q->arg, entry);
		if (!err)
			return 0;
		q->held--;
		kfree(entry);
	}
	kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
	return err;
}

static int nf_drop(struct sk_buff *skb, u32 verdict)
{
	int err = (int)(verdict >> 16);

	kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
	return err ? -err : -EPERM;
}

/* The verdict of function number @i, which may ask to be called again a few times. */
static u32 nf_ask(const struct nf_hooks *h, u32 i, struct sk_buff *skb,
		  const struct nf_hook_state *state) __needs(softirq_ctx)
{
	for (u32 calls = 0; calls <= NF_MAX_REPEATS; calls++) {
		u32 verdict = h->e[i].fn(h->e[i].arg, skb, state);

		if (verdict != NF_REPEAT)
			return verdict;
	}
	return NF_DROP;
}

/* What the verdict of function number @i does. 1: the packet goes on; otherwise it is gone and that is the sender's result. */
static int nf_obey(const struct nf_hooks *h, u32 i, u32 verdict, struct sk_buff *skb,
		   const struct nf_hook_state *state) __needs(softirq_ctx)
{
	switch (verdict & NF_VERDICT_MASK) {
	case NF_ACCEPT:
		return 1;
	case NF_DROP:
		return nf_drop(skb, verdict);
	case NF_QUEUE:
		return nf_to_queue(skb, state, i, h->generation);
	case NF_STOLEN:
		return 0;
	default:
		BUG();
	}
}

/* The functions from number @i on. 1: all accepted. */
static int nf_walk(struct nf_hooks *h, u32 i, struct sk_buff *skb,
		   const struct nf_hook_state *state) __needs(softirq_ctx)
{
	int rc = 1;

	h->walkers++;
	for (; rc == 1 && i < h->nr; i++)
		rc = nf_obey(h, i, nf_ask(h, i, skb, state), skb, state);
	h->walkers--;
	return rc;
}

/**
 * nf_hook_slow() - nf_hook() where somebody listens.
 *
 * POST_ROUTING does not see a packet for the second time: whoever gives it a new route behind it marks it rerouted.
 * Context: BH off. Consumes @skb unless the result is 1.
 * Return: 1 accepted by all; 0 stolen or queued; -EPERM or the errno of the verdict, dropped (NETFILTER_DROP); -ENOMEM no
 * room for a queue entry.
 */
int nf_hook_slow(struct sk_buff *skb, const struct nf_hook_state *state)
{
	trace_fn_skb(nf_hook_slow, skb, 0);
	if (state->hook == NF_INET_POST_ROUTING && skb->rerouted)
		return 1;
	return nf_walk(state->net->nf[state->hook], 0, skb, state);
}

/* --- The queue --------------------------------------------------------------------------------------------------------------- */

/**
 * nf_register_queue_handler() - @fn takes the packets with verdict QUEUE. One handler at a time.
 * Context: process.
 * Return: 0; -EEXIST; -ENOMEM.
 */
int nf_register_queue_handler(struct net *net, nf_queue_fn fn, void *arg)
{
	if (net->nf_queue)
		return -EEXIST;
	net->nf_queue = kzalloc(sizeof(*net->nf_queue));
	if (!net->nf_queue)
		return -ENOMEM;
	net->nf_queue->fn = fn;
	net->nf_queue->arg = arg;
	return 0;
}

/**
 * nf_unregister_queue_handler() - QUEUE drops from now on. The handler has brought every packet back: asserted.
 * Context: process.
 */
void nf_unregister_queue_handler(struct net *net)
{
	BUG_ON(!net->nf_queue || net->nf_queue->held);
	kfree(net->nf_queue);
	net->nf_queue = NULL;
}

/**
 * nf_reinject() - a queued packet comes back with the handler's verdict and goes on behind the function that queued it.
 *
 * Its devices must still be there: the handler brings its packets back (NF_DROP) before one goes. When the functions at its
 * place have changed meanwhile it is dropped, for nobody can say which of them have seen it. A packet that is dropped here ends
 * in the stage NF_QUEUE; another is first where it was.
 * Context: BH off. Consumes @entry and its packet.
 */
void nf_reinject(struct nf_queue_entry *entry, u32 verdict)
{
	struct nf_hook_state *state = &entry->state;
	struct net *net = state->net;
	struct nf_hooks *h = net->nf[state->hook];
	struct sk_buff *skb = entry->skb;
	int rc;

	BUG_ON(!net->nf_queue || !net->nf_queue->held);
	net->nf_queue->held--;
	trace_at_skb(nf_reinject, skb, net->nf_queue->held);
	state->sk = skb->sk; /* alive as long as it is charged for the packet */
	if (!h || h->generation != entry->generation) {
		(void)nf_drop(skb, NF_DROP);
		goto out;
	}
	if ((verdict & NF_VERDICT_MASK) != NF_DROP)
		skb_enter(skb, (enum skb_stage)entry->stage);
	if (verdict == NF_REPEAT)
		verdict = nf_ask(h, entry->index, skb, state);
	rc = nf_obey(h, entry->index, verdict, skb, state);
	if (rc == 1)
		rc = nf_walk(h, entry->index + 1, skb, state);
	if (rc == 1)
		(void)state->okfn(net, state->sk, skb);
out:
	kfree(entry);
}

/* --- Changed headers ------------------------------------------------------------------------------------------------------------ */

/* RFC 1624, (3): HC' = ~(~HC + ~m + m'). Words as they lie in the packet: the sum does not ask for their order. */
static void nf_csum_replace(struct iphdr *iph, __be16 from, __be16 to)
{
	u32 sum = (u16) ~(__force u16)iph->check + (u32)(u16) ~(__force u16)from + (__force u16)to;

	iph->check = csum_fold(sum);
}

/**
 * nf_set_tos() - a new type of service, header checksum included. The header is the caller's to write.
 * Context: any.
 */
void nf_set_tos(struct iphdr *iph, u8 tos)
{
	nf_csum_replace(iph, htons((u16)(iph->ver_ihl << 8 | iph->tos)),
			htons((u16)(iph->ver_ihl << 8 | tos)));
	iph->tos = tos;
}

/**
 * nf_set_ttl() - a new time to live, header checksum included. The header is the caller's to write.
 * Context: any.
 */
void nf_set_ttl(struct iphdr *iph, u8 ttl)
{
	nf_csum_replace(iph, htons((u16)(iph->ttl << 8 | iph->protocol)),
			htons((u16)(ttl << 8 | iph->protocol)));
	iph->ttl = ttl;
}
