// SPDX-License-Identifier: MIT
/*
 * The forwarding information base: which prefixes there are, and which of them is an address's longest.
 *
 * Entries stand in one hash table under (prefix, length); a lookup asks for each length that is in use, longest first: at most 33
 * short chains, however many routes there are. Among equal prefixes the smaller metric wins, then the older entry. Entries that
 * follow from addresses and devices (connected subnets, our own addresses, broadcasts, 224/4) are kept by fib_sync_dev() on every
 * device event; those of ip_route_add() are the user's. Each entry that leads somewhere owns one rtable which all its users share;
 * it is retired with the entry. Every change advances net->rt_genid, by which holders of a route see that they must look again.
 *
 * Interface: <net/route.h> (ip_route_add(), ip_route_del(), ..., inet_addr_type(), route_show()); "fib.h".
 * Above: route.c, DHCP, boot.  Below: net/neigh (a gateway's entry is held, so that no scan evicts it), protocol.c.
 * Context: process, softirq (DHCP's callbacks); BH is taken off inside.
 * Owns: the entries; one reference on each current rtable; one on each gateway's neighbour.
 * Specs: RFC 1122 (3.3.1, 3.2.1.3); RFC 950; RFC 4632 (5.1, longest match).
 */
#include "fib.h"

#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>
#include <net/neighbour.h>
#include <net/route.h>

#define IP_TCP_HDRS (sizeof(struct iphdr) + sizeof(struct tcphdr))

/* --- rtable -------------------------------------------------------------------------------------------------------- */

static void ipv4_dst_destroy(struct dst_entry *dst)
{
	kfree(dst_rtable(dst));
}

/*
 * The neighbour gave up: the protocol of the packet hears "host unreachable" as if a router had said it. data stands at our own
 * IP header (RFC 1122, 2.4 and 3.2.2.1).
 */
static void ipv4_link_failure(struct sk_buff *skb) __needs(softirq_ctx)
{
	u32 hlen = ip_hdrlen(ip_hdr(skb));

	if (skb_headlen(skb) < hlen + 8)
		return;
	skb_pull(skb, hlen);
	*ip_err_outer(skb) = 0; /* we say it ourselves */
	ip_protocols_deliver(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	skb_push(skb, hlen);
}

static const struct dst_ops ipv4_dst_ops = {
	.destroy = ipv4_dst_destroy,
	.link_failure = ipv4_link_failure,
};

/* What the device allows, less if the route says so. */
static void rt_set_mtu(const struct fib_entry *e)
{
	struct dst_entry *dst = &e->rt->dst;

	dst->mtu = min_t(u32, dst->dev->mtu, IP_MAX_MTU);
	if (e->mtu)
		dst->mtu = min(dst->mtu, e->mtu);
	dst->mtu_locked = e->mtu_locked;
	dst->advmss = e->advmss ? e->advmss : dst->mtu - (u32)IP_TCP_HDRS;
}

/* The shared route of @e by @dev; one reference, the entry's. -ENOMEM. */
static int rt_alloc(const struct fib_table *fib, struct fib_entry *e, struct net_device *dev)
{
	const struct ipv4_net *ipv4 = fib->net->ipv4;
	struct rtable *rt = kzalloc(sizeof(*rt));

	BUG_ON(!ipv4);
	if (!rt)
		return -ENOMEM;
	rt->dst.dev = dev;
	rt->dst.ops = &ipv4_dst_ops;
	/* What goes out by lo comes in again by itself: no copy for the members here. */
	rt->dst.output = (e->type == RTN_BROADCAST || e->type == RTN_MULTICAST) &&
					 !(dev->flags & IFF_LOOPBACK)
				 ? ipv4->dst_mc_output
				 : ipv4->dst_output;
	count_set(&rt->dst.refs, 1);
	rt->rt_gateway = e->gw;
	rt->rt_prefsrc = e->prefsrc;
	rt->rt_type = e->type;
	e->rt = rt;
	rt_set_mtu(e);
	return 0;
}

/**
 * rt_clone() - a private copy of @base. Context: process, softirq. Return: it, with one reference, the caller's; NULL without memory.
 */
struct rtable *rt_clone(const struct rtable *base)
{
	struct rtable *rt = kmalloc(sizeof(*rt));

	if (!rt)
		return NULL;
	memcpy(rt, base, sizeof(*rt));
	count_set(&rt->dst.refs, 1);
	return rt;
}

/**
 * rt_retire() - its owner has no use for @rt any more: holders look again. Context: process, softirq. Consumes: the reference.
 */
void rt_retire(struct rtable *rt)
{
	rt->dst.obsolete = true;
	dst_release(&rt->dst);
}

/* --- The table ------------------------------------------------------------------------------------------------------- */

static struct list_head *fib_bucket(struct fib_table *fib, __be32 dst, u32 prefixlen)
{
	u32 key = (ntohl(dst) ^ prefixlen) * 0x9e3779b1u;

	return &fib->bucket[key >> (32 - FIB_BUCKETS_SHIFT)];
}

static bool fib_same_prefix(const struct fib_entry *e, __be32 dst, u32 prefixlen)
{
	return e->dst == dst && e->prefixlen == prefixlen;
}

/* Our own addresses are reached through the loopback device whatever the socket is bound to; a refusal binds everybody. */
static bool fib_leads(const struct fib_entry *e, const struct net_device *dev, bool onlink)
{
	if (onlink && (!e->rt || e->rt->rt_gateway))
		return false;
	return !dev || !e->rt || e->rt->dst.dev == dev || e->type == RTN_LOCAL;
}

/**
 * fib_lookup() - the entry for @daddr by @dev (NULL: any device), with @onlink without a gateway. Context: BH off. Return: it; NULL when there is none.
 */
struct fib_entry *fib_lookup(struct fib_table *fib, __be32 daddr, const struct net_device *dev,
			     bool onlink)
{
	struct fib_entry *e;

	for (u64 left = fib->lengths; left;) {
		u32 len = 63 - (u32)__builtin_clzll(left);
		__be32 key = daddr & inet_make_mask(len);

		left &= ~BIT(len);
		list_for_each_entry(e, fib_bucket(fib, key, len), hash) {
			if (fib_same_prefix(e, key, len) && fib_leads(e, dev, onlink))
				return e;
		}
	}
	return NULL;
}

static void fib_insert(struct fib_table *fib, struct fib_entry *e)
{
	struct list_head *bucket = fib_bucket(fib, e->dst, e->prefixlen), *before = bucket;
	struct fib_entry *o;

	list_for_each_entry(o, bucket, hash) {
		if (fib_same_prefix(o, e->dst, e->prefixlen) && o->metric > e->metric) {
			before = &o->hash;
			break;
		}
	}
	list_add_tail(&e->hash, before);
	before = &fib->entries;
	list_for_each_entry(o, &fib->entries, node) {
		if (o->prefixlen < e->prefixlen ||
		    (o->prefixlen == e->prefixlen && o->metric > e->metric)) {
			before = &o->node;
			break;
		}
	}
	list_add_tail(&e->node, before);
	fib->of_length[e->prefixlen]++;
	fib->lengths |= BIT(e->prefixlen);
	fib->user_entries += e->by_user;
	fib_changed(fib);
}

static void fib_free(struct fib_entry *e)
{
	if (e->rt)
		rt_retire(e->rt);
	if (e->gateway)
		neigh_release(e->gateway);
	kfree(e);
}

static void fib_remove(struct fib_table *fib, struct fib_entry *e)
{
	list_del_init(&e->node);
	list_del_init(&e->hash);
	if (--fib->of_length[e->prefixlen] == 0)
		fib->lengths &= ~BIT(e->prefixlen);
	fib->user_entries -= e->by_user;
	fib_free(e);
	fib_changed(fib);
}

/* 0, -ENOMEM. BH off. */
static int fib_add(struct fib_table *fib, struct net_device *owner, const struct route_cfg *r,
		   bool by_user)
{
	struct fib_entry *e = kzalloc(sizeof(*e));
	struct neighbour *n;

	if (!e)
		return -ENOMEM;
	e->owner = owner;
	e->mask = inet_make_mask(r->prefixlen);
	e->dst = r->dst & e->mask;
	e->prefixlen = r->prefixlen;
	e->type = r->type;
	e->gw = r->gw;
	e->prefsrc = r->prefsrc;
	e->metric = r->metric;
	e->mtu = r->mtu;
	e->advmss = r->advmss;
	e->mtu_locked = r->mtu_locked;
	e->by_user = by_user;
	if (r->dev && rt_alloc(fib, e, r->dev) < 0) {
		kfree(e);
		return -ENOMEM;
	}
	if (r->gw) {
		n = neigh_lookup_create(fib->net, r->gw, r->dev);
		e->gateway = IS_ERR(n) ? NULL : n;
	}
	fib_insert(fib, e);
	return 0;
}

/* --- Routes that follow from devices and addresses ------------------------------------------------------------------------ */

/* Keeps the entry if it is there already, adds it otherwise. */
static void fib_want(struct fib_table *fib, struct net_device *owner, const struct route_cfg *w)
{
	__be32 dst = w->dst & inet_make_mask(w->prefixlen);
	struct fib_entry *e;

	list_for_each_entry(e, fib_bucket(fib, dst, w->prefixlen), hash) {
		if (!e->by_user && e->owner == owner && fib_same_prefix(e, dst, w->prefixlen) &&
		    e->type == w->type && e->prefsrc == w->prefsrc && e->rt->dst.dev == w->dev) {
			e->stale = false;
			return;
		}
	}
	if (fib_add(fib, owner, w, false) < 0)
		pr_warn_ratelimited("route: no memory for %pI4/%u dev %s\n", &w->dst,
				    (unsigned int)w->prefixlen, owner->name);
}

static void fib_want_addr(struct fib_table *fib, struct net_device *dev,
			  const struct in_ifaddr *ifa)
{
	struct net_device *lo = fib->net->loopback_dev;
	bool on_lo = dev->flags & IFF_LOOPBACK;
	struct route_cfg w = { .prefsrc = ifa->ifa_local };

	if (lo && netif_running(lo)) {
		w.dev = lo;
		w.type = RTN_LOCAL;
		w.dst = ifa->ifa_local;
		/* All of 127/8 is ours (RFC 1122, 3.2.1.3 (g)). */
		w.prefixlen = on_lo ? ifa->ifa_prefixlen : 32;
		fib_want(fib, dev, &w);
	}
	w.dev = dev;
	if (!on_lo) {
		w.type = RTN_UNICAST;
		w.dst = ifa->ifa_local;
		w.prefixlen = ifa->ifa_prefixlen;
		fib_want(fib, dev, &w);
	}
	if (ifa->ifa_prefixlen > 30)
		return;
	w.type = RTN_BROADCAST;
	w.prefixlen = 32;
	w.dst = ifa->ifa_local | ~ifa->ifa_mask;
	fib_want(fib, dev, &w);
	if (on_lo)
		return;
	w.dst = ifa->ifa_local & ifa->ifa_mask;
	fib_want(fib, dev, &w);
}

/* Makes the automatic entries of @dev what its state and addresses say. BH off. */
static void fib_sync_dev(struct fib_table *fib, struct net_device *dev)
{
	struct fib_entry *e, *next;
	const struct in_device *in = dev->ip_ptr;

	list_for_each_entry(e, &fib->entries, node) {
		if (e->owner == dev && !e->by_user)
			e->stale = true;
	}
	if (netif_running(dev)) {
		if (!(dev->flags & IFF_LOOPBACK)) {
			struct route_cfg w = { .dst = INADDR_BROADCAST,
					       .prefixlen = 32,
					       .type = RTN_BROADCAST,
					       .dev = dev };

			fib_want(fib, dev, &w);
			w = (struct route_cfg){ .dst = htonl(0xe0000000),
						.prefixlen = 4,
						.type = RTN_MULTICAST,
						.dev = dev };
			fib_want(fib, dev, &w);
		}
		for (u32 i = 0; in && i < IN_DEV_MAX_ADDRS; i++) {
			if (in->ifa[i].ifa_local)
				fib_want_addr(fib, dev, &in->ifa[i]);
		}
	}
	list_for_each_entry_safe(e, next, &fib->entries, node) {
		if (e->stale)
			fib_remove(fib, e);
	}
}

/* Routes of the user whose device went down, or whose gateway is on no subnet of ours any more, go. */
static void fib_check_user_routes(struct fib_table *fib, const struct net_device *dev)
{
	struct fib_entry *e, *next;

	list_for_each_entry_safe(e, next, &fib->entries, node) {
		if (e->by_user && e->owner == dev &&
		    (!netif_running(dev) || (e->gw && !inet_addr_onlink(dev, e->gw))))
			fib_remove(fib, e);
	}
}

static void fib_netdev_event(struct net_device *dev, enum netdev_event ev)
{
	struct fib_table *fib = dev->net->fib;
	struct net_device *d;
	struct fib_entry *e;

	if (!fib)
		return;
	local_bh_disable();
	switch (ev) {
	case NETDEV_CHANGEMTU:
		list_for_each_entry(e, &fib->entries, node) {
			if (e->rt && e->rt->dst.dev == dev)
				rt_set_mtu(e);
		}
		fib_changed(fib); /* copies with a learned MTU are made anew */
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGEADDR:
	case NETDEV_UNREGISTER:
		fib_check_user_routes(fib, dev);
		fib_sync_dev(fib, dev);
		/* Local routes of every device leave by the loopback device. */
		if (dev->flags & IFF_LOOPBACK) {
			list_for_each_entry(d, &dev->net->dev_base, dev_list) {
				if (d != dev)
					fib_sync_dev(fib, d);
			}
		}
		break;
	default:
		break;
	}
	local_bh_enable();
}

/**
 * inet_addr_type() - what @addr is to us.
 * Context: BH off or process.
 * Return: RTN_LOCAL, RTN_BROADCAST (0/8 included), RTN_MULTICAST, or RTN_UNICAST for all others.
 */
enum rtn_type inet_addr_type(const struct net *net, __be32 addr)
{
	if (ipv4_is_zeronet(addr) || ipv4_is_lbcast(addr))
		return RTN_BROADCAST;
	if (ipv4_is_multicast(addr))
		return RTN_MULTICAST;
	if (inet_addr_is_local(net, addr))
		return RTN_LOCAL;
	return inet_addr_is_bcast(net, addr) ? RTN_BROADCAST : RTN_UNICAST;
}

/* --- Routes of the user --------------------------------------------------------------------------------------------------------- */

static bool rtn_refuses(u8 type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

static struct fib_entry *fib_find_user(struct fib_table *fib, const struct route_cfg *r)
{
	__be32 dst = r->dst & inet_make_mask(r->prefixlen);
	struct fib_entry *e;

	list_for_each_entry(e, fib_bucket(fib, dst, r->prefixlen), hash) {
		if (e->by_user && fib_same_prefix(e, dst, r->prefixlen) && e->gw == r->gw &&
		    e->owner == r->dev && e->metric == r->metric && e->type == r->type)
			return e;
	}
	return NULL;
}

/* The device on one of whose subnets @addr is. */
static struct net_device *fib_dev_towards(const struct net *net, __be32 addr)
{
	struct net_device *d;

	list_for_each_entry(d, &net->dev_base, dev_list) {
		if (netif_running(d) && !(d->flags & IFF_LOOPBACK) && inet_addr_onlink(d, addr))
			return d;
	}
	return NULL;
}

/* Does the way of @r exist? Finds its device when only the gateway names it. */
static int route_cfg_check_way(const struct net *net, struct route_cfg *r)
{
	if (!r->dev && r->gw)
		r->dev = fib_dev_towards(net, r->gw);
	if (!r->dev)
		return r->gw ? -ENETUNREACH : -ENODEV;
	if (!netif_running(r->dev))
		return -ENETDOWN;
	if (r->gw &&
	    (!inet_addr_onlink(r->dev, r->gw) || inet_addr_type(net, r->gw) != RTN_UNICAST))
		return -ENETUNREACH;
	return r->prefsrc && !inet_addr_is_local(net, r->prefsrc) ? -EINVAL : 0;
}

/* Is @r a route that can be? */
static int route_cfg_check(const struct net *net, struct route_cfg *r)
{
	if (r->prefixlen > 32)
		return -EINVAL;
	/* 127/8 never leaves the host, and no route can change that (RFC 1122, 3.2.1.3 (g)). */
	if (r->prefixlen >= 8 && ipv4_is_loopback(r->dst))
		return -EINVAL;
	if (rtn_refuses(r->type))
		return r->gw || r->dev ? -EINVAL : 0;
	if (r->type != RTN_UNICAST || r->mtu > IP_MAX_MTU || (r->mtu && r->mtu < IP_MIN_MTU))
		return -EINVAL;
	return route_cfg_check_way(net, r);
}

/**
 * ip_route_add_cfg() - a route of the user.
 * @r: type RTN_UNICAST with device, gateway or both (the gateway's subnet names the device), or RTN_BLACKHOLE, RTN_UNREACHABLE,
 * RTN_PROHIBIT with neither: lookups that end there say -EINVAL, -EHOSTUNREACH, -EACCES
 *
 * Context: process, softirq.
 * Return: 0; -EINVAL prefix length above 32, a prefix in 127/8, another type, an MTU that cannot be, a source that is not ours;
 * -ENODEV neither device nor gateway; -ENETDOWN the device is down; -ENETUNREACH the gateway is on no subnet of the device;
 * -EEXIST; -ENOBUFS 1024 routes are there; -ENOMEM.
 */
int ip_route_add_cfg(struct net *net, const struct route_cfg *r)
{
	struct fib_table *fib = net->fib;
	struct route_cfg cfg = *r;
	int err = route_cfg_check(net, &cfg);

	if (err)
		return err;
	err = -EEXIST;
	local_bh_disable();
	if (fib->user_entries >= FIB_MAX_USER)
		err = -ENOBUFS;
	else if (!fib_find_user(fib, &cfg))
		err = fib_add(fib, cfg.dev, &cfg, true);
	local_bh_enable();
	return err;
}

/**
 * ip_route_del_cfg() - takes a route of ip_route_add_cfg() away: the same prefix, type, gateway, device and metric.
 * Context: process, softirq.
 * Return: 0; -ESRCH there is none.
 */
int ip_route_del_cfg(struct net *net, const struct route_cfg *r)
{
	struct route_cfg cfg = *r;
	struct fib_entry *e;

	if (cfg.prefixlen > 32)
		return -ESRCH;
	if (!cfg.dev && cfg.gw)
		cfg.dev = fib_dev_towards(net, cfg.gw);
	local_bh_disable();
	e = fib_find_user(net->fib, &cfg);
	if (e)
		fib_remove(net->fib, e);
	local_bh_enable();
	return e ? 0 : -ESRCH;
}

/**
 * ip_route_add() - a route to @dst/@prefixlen through @gw (0: the hosts are on the link) by @dev.
 * Context: process, softirq.
 * Return: as ip_route_add_cfg().
 */
int ip_route_add(struct net *net, __be32 dst, u8 prefixlen, __be32 gw, struct net_device *dev)
{
	struct route_cfg r = {
		.dst = dst, .prefixlen = prefixlen, .gw = gw, .type = RTN_UNICAST, .dev = dev
	};

	return ip_route_add_cfg(net, &r);
}

/**
 * ip_route_del() - takes a route of ip_route_add() away; who uses it looks up again.
 * Context: process, softirq.
 * Return: 0; -ESRCH there is none.
 */
int ip_route_del(struct net *net, __be32 dst, u8 prefixlen, __be32 gw, struct net_device *dev)
{
	struct route_cfg r = {
		.dst = dst, .prefixlen = prefixlen, .gw = gw, .type = RTN_UNICAST, .dev = dev
	};

	return ip_route_del_cfg(net, &r);
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------- */

/**
 * fib_table_init() - the empty table and its ear on the devices. Context: process.
 * Return: 0; -ENOMEM; -ENOSPC no free notifier slot.
 */
int fib_table_init(struct net *net)
{
	struct fib_table *fib = kzalloc(sizeof(*fib));
	int err;

	BUG_ON(net->fib);
	if (!fib)
		return -ENOMEM;
	fib->net = net;
	INIT_LIST_HEAD(&fib->entries);
	for (u32 i = 0; i < ARRAY_SIZE(fib->bucket); i++)
		INIT_LIST_HEAD(&fib->bucket[i]);
	for (u32 i = 0; i < PMTU_BUCKETS; i++)
		INIT_LIST_HEAD(&fib->pmtu_bucket[i]);
	INIT_LIST_HEAD(&fib->pmtu_lru);
	net->fib = fib;
	err = register_netdevice_notifier(net, fib_netdev_event);
	if (err)
		fib_table_exit(net);
	return err;
}

/**
 * fib_table_exit() - the table goes; rtables live on until their holders release them. Context: process.
 */
void fib_table_exit(struct net *net)
{
	struct fib_table *fib = net->fib;
	struct fib_entry *e, *next;

	local_bh_disable();
	list_for_each_entry_safe(e, next, &fib->entries, node)
		fib_remove(fib, e);
	BUG_ON(fib->lengths || fib->user_entries || fib->nr_pmtu);
	local_bh_enable();
	net->fib = NULL;
	kfree(fib);
}

/* One line of the page, filled up to its width. */
static void route_show_one(struct seq_file *m, const struct fib_entry *e)
{
	enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_REJECT = 0x200 };
	unsigned int flags = RTF_UP | (e->gw ? RTF_GATEWAY : 0U) |
			     (e->prefixlen == 32 ? RTF_HOST : 0U) |
			     (rtn_refuses(e->type) ? RTF_REJECT : 0U);
	size_t begin = m->len;

	seq_printf(m, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t%u\t0\t0",
		   e->rt ? e->rt->dst.dev->name : "*", (__force u32)e->dst, (__force u32)e->gw,
		   flags, e->metric, (__force u32)e->mask,
		   e->advmss ? e->advmss + (u32)IP_TCP_HDRS : 0);
	seq_printf(m, "%*s\n", m->len - begin < 127 ? (int)(127 - (m->len - begin)) : 0, "");
}

/**
 * route_show() - routes to hosts, and those that refuse, in the format of Linux's /proc/net/route; "MTU" is the announced MSS
 * plus 40 of a route that states one, as there. Context: process. arg: struct net.
 */
void route_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct fib_entry *e;

	seq_printf(m, "%-127s\n",
		   "Iface\tDestination\tGateway "
		   "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	local_bh_disable();
	list_for_each_entry(e, &net->fib->entries, node) {
		if (e->type == RTN_UNICAST || rtn_refuses(e->type))
			route_show_one(m, e);
	}
	local_bh_enable();
}
