// SPDX-License-Identifier: MIT
/*
 * Tables by which packets find sockets.
 *
 * Two tables in one struct: ehash by the whole 4-tuple (connected sockets, request and TIME-WAIT mini sockets, all
 * by their sock_common), bhash by local port (everything that has one).
 * Interface: inet_ehash_*(), inet_lookup_*(), inet_bind_port(), inet_listen_port(), inet_hash_connect(), inet_hash_for_each().
 * Above: TCP, UDP.  Below: <kernel/random.h> (SipHash keyed with the instance's secret).
 * Context: BH off; that is the only lock.
 * Owns: nothing: an entry counts no reference, whoever unhashes keeps his own.
 * Specs: RFC 6056 (3.3.4 double-hash port selection; 3.2 port range), RFC 9293 (3.3.1: a connection is its 4-tuple).
 */
#include <net/inet_hashtables.h>

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <lib/bug.h>
#include <lib/err.h>

enum { NR_PERTURB = 256 };

struct inet_hashinfo {
	struct net *net;
	u32 mask; /* of buckets, the same for both tables */
	u32 perturb
		[NR_PERTURB]; /* RFC 6056 (3.3.4): where the next search of this destination class begins */
	struct list_head *ehash, *bhash;
};

/* What identifies a connection, without holes. */
struct tuple {
	__be32 laddr, raddr;
	__be16 rport;
	u16 lport;
};
_Static_assert(sizeof(struct tuple) == 12, "hashed as bytes");

static u32 nr_ports(const struct inet_hashinfo *h)
{
	return h->net->port_max - h->net->port_min + 1u;
}

/**
 * inet_set_port_range() - which ports are chosen for those who ask for none.
 * Context: process.
 * Return: 0; -ERANGE not within 1..65535, or @low above @high.
 */
int inet_set_port_range(struct net *net, u64 low, u64 high)
{
	if (low < 1 || high > UINT16_MAX || low > high)
		return -ERANGE;
	net->port_min = (u16)low;
	net->port_max = (u16)high;
	return 0;
}

static bool on_list(const struct list_head *node)
{
	return node->next && !list_empty(node);
}

static void take_off(struct list_head *node)
{
	if (on_list(node))
		list_del_init(node);
}

static struct list_head *table_alloc(u32 buckets)
{
	struct list_head *t = kmalloc(buckets * sizeof(*t));

	for (u32 i = 0; t && i < buckets; i++)
		INIT_LIST_HEAD(&t[i]);
	return t;
}

/**
 * inet_hashinfo_alloc() - two empty tables of @buckets (a power of two) each.
 * Context: process. Owns: the caller.
 * Return: the tables; NULL without memory.
 */
struct inet_hashinfo *inet_hashinfo_alloc(struct net *net, u32 buckets)
{
	struct inet_hashinfo *h = kzalloc(sizeof(*h));

	BUG_ON(!buckets || (buckets & (buckets - 1)));
	if (!h)
		return NULL;
	h->net = net;
	h->mask = buckets - 1;
	h->ehash = table_alloc(buckets);
	h->bhash = table_alloc(buckets);
	if (!h->ehash || !h->bhash) {
		kfree(h->ehash);
		kfree(h->bhash);
		kfree(h);
		return NULL;
	}
	for (u32 i = 0; i < NR_PERTURB; i++)
		h->perturb[i] = get_random_below(UINT16_MAX);
	return h;
}

/**
 * inet_hashinfo_free() - the end of the tables, which must be empty: asserted.
 * Context: process. Consumes: @h; NULL is allowed.
 */
void inet_hashinfo_free(struct inet_hashinfo *h)
{
	if (!h)
		return;
	for (u32 i = 0; i <= h->mask; i++) {
		BUG_ON(!list_empty(&h->ehash[i]));
		BUG_ON(!list_empty(&h->bhash[i]));
	}
	kfree(h->ehash);
	kfree(h->bhash);
	kfree(h);
}

static u64 tuple_hash(const struct inet_hashinfo *h, __be32 laddr, u16 lport, __be32 raddr,
		      __be16 rport)
{
	struct tuple t = { .laddr = laddr, .raddr = raddr, .rport = rport, .lport = lport };

	return siphash(&t, sizeof(t), &h->net->hash_key);
}

static struct list_head *ehash_bucket(struct inet_hashinfo *h, const struct sock_common *skc)
{
	u64 hash = tuple_hash(h, skc->skc_rcv_saddr, skc->skc_num, skc->skc_daddr, skc->skc_dport);

	return &h->ehash[(u32)hash & h->mask];
}

static struct list_head *bhash_bucket(struct inet_hashinfo *h, u16 num)
{
	return &h->bhash[num & h->mask];
}

static struct sock_common *of_enode(struct list_head *node)
{
	return list_entry(node, struct sock_common, skc_node);
}

static struct sock_common *of_bnode(struct list_head *node)
{
	return list_entry(node, struct sock_common, skc_bind_node);
}

/* --- The 4-tuple table --------------------------------------------------------------------------------------------- */
static bool same_tuple(const struct sock_common *a, const struct sock_common *b)
{
	return a->skc_num == b->skc_num && a->skc_dport == b->skc_dport &&
	       a->skc_daddr == b->skc_daddr && a->skc_rcv_saddr == b->skc_rcv_saddr &&
	       (a->skc_bound_dev_if == b->skc_bound_dev_if || !a->skc_bound_dev_if ||
		!b->skc_bound_dev_if);
}

/**
 * inet_ehash_insert() - enters a connection.
 * Context: BH off.
 * Return: 0; -EADDRNOTAVAIL the 4-tuple is taken.
 */
int inet_ehash_insert(struct inet_hashinfo *h, struct sock_common *skc)
{
	struct list_head *b = ehash_bucket(h, skc), *n;

	BUG_ON(!in_bh());
	BUG_ON(on_list(&skc->skc_node));
	for (n = b->next; n != b; n = n->next)
		if (same_tuple(of_enode(n), skc))
			return -EADDRNOTAVAIL;
	list_add(&skc->skc_node, b);
	return 0;
}

/**
 * inet_ehash_remove() - takes a connection out; no-op when it is not in.
 * Context: BH off.
 */
void inet_ehash_remove(struct sock_common *skc)
{
	BUG_ON(!in_bh());
	take_off(&skc->skc_node);
}

/**
 * inet_lookup_established() - the connection to which a packet from @saddr:@sport to @daddr:@hnum belongs.
 * Context: BH off.
 * Return: full or mini socket, borrowed till the BH section ends; NULL.
 */
struct sock_common *inet_lookup_established(struct inet_hashinfo *h, __be32 saddr, __be16 sport,
					    __be32 daddr, u16 hnum, u32 dif)
{
	struct list_head *b, *n;

	BUG_ON(!in_bh());
	b = &h->ehash[(u32)tuple_hash(h, daddr, hnum, saddr, sport) & h->mask];
	for (n = b->next; n != b; n = n->next) {
		struct sock_common *c = of_enode(n);

		if (c->skc_num == hnum && c->skc_dport == sport && c->skc_daddr == saddr &&
		    c->skc_rcv_saddr == daddr &&
		    (!c->skc_bound_dev_if || c->skc_bound_dev_if == dif))
			return c;
	}
	return NULL;
}

/**
 * inet_ehash_replace() - @new_ takes the place of @old, without a moment in which a packet finds neither.
 * Context: BH off.
 */
void inet_ehash_replace(struct inet_hashinfo *h, struct sock_common *old, struct sock_common *new_)
{
	BUG_ON(!in_bh());
	BUG_ON(!on_list(&old->skc_node) || on_list(&new_->skc_node));
	BUG_ON(!same_tuple(old, new_));
	list_del_init(&old->skc_node);
	list_add(&new_->skc_node, ehash_bucket(h, new_));
}

/* --- The port table ------------------------------------------------------------------------------------------------ */
/* Could a packet be meant for both? */
static bool bind_overlap(const struct sock_common *a, const struct sock_common *b)
{
	if (a->skc_bound_dev_if && b->skc_bound_dev_if &&
	    a->skc_bound_dev_if != b->skc_bound_dev_if)
		return false;
	return !a->skc_rcv_saddr || !b->skc_rcv_saddr || a->skc_rcv_saddr == b->skc_rcv_saddr;
}

/*
 * May @b have the port that @a has? Where they overlap, when both say SO_REUSEPORT; or when both say SO_REUSEADDR and @a does not listen.
 * That @b is about to listen changes nothing: connections of its predecessor may still live there. A port that nobody asked for by its
 * number (@any) is not shared.
 */
static bool bind_conflict(const struct sock_common *a, const struct sock_common *b, bool any)
{
	if (!bind_overlap(a, b))
		return false;
	if (any)
		return true;
	return !(a->skc_reuseport && b->skc_reuseport) &&
	       !(a->skc_reuse && b->skc_reuse && a->skc_state != TCP_LISTEN);
}

static bool port_free(struct inet_hashinfo *h, const struct sock_common *skc, u16 num, bool any)
{
	struct list_head *b = bhash_bucket(h, num), *n;

	for (n = b->next; n != b; n = n->next) {
		const struct sock_common *c = of_bnode(n);

		if (c != skc && c->skc_num == num && bind_conflict(c, skc, any))
			return false;
	}
	return true;
}

static void port_enter(struct inet_hashinfo *h, struct sock_common *skc, u16 num)
{
	skc->skc_num = num;
	list_add(&skc->skc_bind_node, bhash_bucket(h, num));
}

/**
 * inet_bind_port() - binds @skc (its address and device are set) to @num, or to a free ephemeral port (0).
 * Context: BH off.
 * Return: 0; -EADDRINUSE; -EAGAIN no ephemeral port is free.
 */
int inet_bind_port(struct inet_hashinfo *h, struct sock_common *skc, u16 num)
{
	u32 start, ports;

	BUG_ON(!in_bh());
	BUG_ON(on_list(&skc->skc_bind_node));
	if (num) {
		if (!port_free(h, skc, num, false))
			return -EADDRINUSE;
		port_enter(h, skc, num);
		return 0;
	}
	ports = nr_ports(h);
	start = get_random_below(ports);
	for (u32 i = 0; i < ports; i++) {
		u16 port = (u16)(h->net->port_min + (start + i) % ports);

		if (!port_free(h, skc, port, true))
			continue;
		port_enter(h, skc, port);
		return 0;
	}
	return -EAGAIN;
}

/**
 * inet_listen_port() - may @skc listen? Others that share its port may do so already. One without a port gets one.
 * Context: BH off.
 * Return: 0; -EADDRINUSE; -EAGAIN no ephemeral port is free.
 */
int inet_listen_port(struct inet_hashinfo *h, struct sock_common *skc)
{
	BUG_ON(!in_bh());
	if (!on_list(&skc->skc_bind_node))
		return inet_bind_port(h, skc, skc->skc_num);
	return port_free(h, skc, skc->skc_num, false) ? 0 : -EADDRINUSE;
}

/**
 * inet_unbind_port() - gives the port back; no-op without one. skc_num stays, for who prints it.
 * Context: BH off.
 */
void inet_unbind_port(struct sock_common *skc)
{
	BUG_ON(!in_bh());
	take_off(&skc->skc_bind_node);
}

/**
 * inet_inherit_port() - a child or mini socket joins its parent's port.
 * Context: BH off.
 */
void inet_inherit_port(struct inet_hashinfo *h, struct sock_common *child, u16 num)
{
	BUG_ON(!in_bh());
	BUG_ON(on_list(&child->skc_bind_node) || !num);
	port_enter(h, child, num);
}

/* Is every socket on the port a connection? Then another one may share it, told apart by its 4-tuple. */
static bool port_of_connections(struct inet_hashinfo *h, u16 num)
{
	struct list_head *b = bhash_bucket(h, num), *n;

	for (n = b->next; n != b; n = n->next) {
		const struct sock_common *c = of_bnode(n);

		if (c->skc_num == num && !on_list(&c->skc_node))
			return false;
	}
	return true;
}

/* Enters a connection of ours; who has its 4-tuple may give way (TIME-WAIT). */
static int ehash_connect(struct inet_hashinfo *h, struct sock_common *skc) __needs(softirq_ctx)
{
	struct list_head *b = ehash_bucket(h, skc), *n, *next;

	for (n = b->next; n != b; n = next) {
		next = n->next;
		if (same_tuple(of_enode(n), skc) &&
		    (!skc->skc_prot || !skc->skc_prot->tuple_gives_way ||
		     !skc->skc_prot->tuple_gives_way(of_enode(n), skc)))
			return -EADDRNOTAVAIL;
	}
	return inet_ehash_insert(h, skc);
}

/*
 * RFC 6056 (3.3.4): F of the other three gives the begin of the search, a counter chosen by G moves it on with every
 * connection of that class; both from one keyed hash. The hash is scaled, not divided: no port is likelier.
 */
static int choose_port(struct inet_hashinfo *h, struct sock_common *skc) __needs(softirq_ctx)
{
	u64 hash = tuple_hash(h, skc->skc_rcv_saddr, 0, skc->skc_daddr, skc->skc_dport);
	u32 ports = nr_ports(h), begin = (u32)((u64)(u32)hash * ports >> 32);
	u32 *perturb = &h->perturb[(hash >> 32) & (NR_PERTURB - 1)];

	for (u32 i = 0; i < ports; i++) {
		u16 port = (u16)(h->net->port_min + (begin + *perturb + i) % ports);

		if (!port_of_connections(h, port))
			continue;
		skc->skc_num = port;
		if (ehash_connect(h, skc))
			continue;
		*perturb = (*perturb + i + 1 + get_random_below(8)) % ports;
		port_enter(h, skc, port);
		return 0;
	}
	skc->skc_num = 0;
	return -EADDRNOTAVAIL;
}

/**
 * inet_hash_connect() - enters a new connection, whose addresses and peer port are set, into the tables, with a
 * port chosen here unless it is bound already.
 * Context: BH off.
 * Return: 0; -EADDRNOTAVAIL every port (or the bound one) is taken towards this peer.
 */
int inet_hash_connect(struct inet_hashinfo *h, struct sock_common *skc)
{
	BUG_ON(!in_bh());
	if (on_list(&skc->skc_bind_node))
		return ehash_connect(h, skc);
	return choose_port(h, skc);
}

/* Do both share the port of @best, as equals? Those with a peer stand for themselves. */
static bool in_group(const struct sock_common *best, const struct sock_common *c)
{
	return c->skc_reuseport && c->skc_num == best->skc_num &&
	       c->skc_rcv_saddr == best->skc_rcv_saddr &&
	       c->skc_bound_dev_if == best->skc_bound_dev_if && c->skc_state == best->skc_state &&
	       !c->skc_daddr && !c->skc_dport;
}

/*
 * SO_REUSEPORT: those who share a port and an address share what comes, flow by flow: the same four numbers find the same socket for as
 * long as the group stays as it is. Counted from the one that was bound first.
 */
static struct sock_common *pick_of_group(const struct list_head *b, struct sock_common *best,
					 u64 flow)
{
	struct list_head *n;
	u32 members = 0, at;

	if (!best || !best->skc_reuseport || best->skc_daddr || best->skc_dport)
		return best;
	for (n = b->next; n != b; n = n->next)
		members += in_group(best, of_bnode(n));
	at = (u32)((flow >> 32) * members >> 32);
	for (n = b->prev; n != b; n = n->prev)
		if (in_group(best, of_bnode(n)) && !at--)
			return of_bnode(n);
	return best;
}

/**
 * inet_lookup_listener() - the socket that listens on @daddr:@hnum for who calls from @saddr:@sport; a bound address beats any, a
 * device too, and of a group that shares a port the flow decides.
 * Context: BH off.
 * Return: the listener, borrowed till the BH section ends; NULL.
 */
struct sock *inet_lookup_listener(struct inet_hashinfo *h, __be32 saddr, __be16 sport, __be32 daddr,
				  u16 hnum, u32 dif)
{
	struct list_head *b = bhash_bucket(h, hnum), *n;
	struct sock_common *best = NULL;
	int best_score = -1;

	BUG_ON(!in_bh());
	for (n = b->next; n != b; n = n->next) {
		struct sock_common *c = of_bnode(n);
		int score;

		if (c->skc_num != hnum || c->skc_state != TCP_LISTEN ||
		    (c->skc_rcv_saddr && c->skc_rcv_saddr != daddr) ||
		    (c->skc_bound_dev_if && c->skc_bound_dev_if != dif))
			continue;
		score = (c->skc_rcv_saddr ? 2 : 0) + (c->skc_bound_dev_if ? 1 : 0);
		if (score > best_score) {
			best_score = score;
			best = c;
		}
	}
	best = pick_of_group(b, best, tuple_hash(h, daddr, hnum, saddr, sport));
	return best ? container_of(best, struct sock, __sk_common) : NULL;
}

/* How well a datagram socket fits: a point for each of its own demands, -1 when one is not met. */
static int dgram_score(const struct sock_common *c, const struct tuple *t, u32 dif)
{
	int score = 0;

	if (c->skc_num != t->lport)
		return -1;
	if (c->skc_rcv_saddr) {
		if (c->skc_rcv_saddr != t->laddr)
			return -1;
		score++;
	}
	if (c->skc_daddr) {
		if (c->skc_daddr != t->raddr)
			return -1;
		score++;
	}
	if (c->skc_dport) {
		if (c->skc_dport != t->rport)
			return -1;
		score++;
	}
	if (c->skc_bound_dev_if) {
		if (c->skc_bound_dev_if != dif)
			return -1;
		score++;
	}
	return score;
}

/**
 * inet_lookup_dgram() - the datagram socket for a packet from @saddr:@sport to @daddr:@hnum; most demands met wins, and of a group
 * that shares a port the flow decides.
 * Context: BH off.
 * Return: the socket, borrowed till the BH section ends; NULL.
 */
struct sock *inet_lookup_dgram(struct inet_hashinfo *h, __be32 saddr, __be16 sport, __be32 daddr,
			       u16 hnum, u32 dif)
{
	struct tuple t = { .laddr = daddr, .raddr = saddr, .rport = sport, .lport = hnum };
	struct list_head *b = bhash_bucket(h, hnum), *n;
	struct sock_common *best = NULL;
	int best_score = -1;

	BUG_ON(!in_bh());
	for (n = b->next; n != b; n = n->next) {
		int score = dgram_score(of_bnode(n), &t, dif);

		if (score > best_score) {
			best_score = score;
			best = of_bnode(n);
		}
	}
	best = pick_of_group(b, best, tuple_hash(h, daddr, hnum, saddr, sport));
	return best ? container_of(best, struct sock, __sk_common) : NULL;
}

/**
 * inet_hash_for_each() - calls @fn once for every entry, until it returns true.
 * @fn may take out the entry it is called for (then from both tables), no other.
 * Context: BH off.
 */
void inet_hash_for_each(struct inet_hashinfo *h, bool (*fn)(struct sock_common *skc, void *arg),
			void *arg)
{
	BUG_ON(!in_bh());
	for (u32 i = 0; i <= h->mask; i++) {
		struct list_head *b = &h->ehash[i], *n, *next;

		for (n = b->next; n != b; n = next) {
			next = n->next;
			if (fn(of_enode(n), arg))
				return;
		}
	}
	for (u32 i = 0; i <= h->mask; i++) {
		struct list_head *b = &h->bhash[i], *n, *next;

		for (n = b->next; n != b; n = next) {
			next = n->next;
			if (!on_list(&of_bnode(n)->skc_node) && fn(of_bnode(n), arg))
				return;
		}
	}
}
