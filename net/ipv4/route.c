// SPDX-License-Identifier: MIT
/*
 * IPv4 routes: where a packet goes next.
 *
 * One list of entries per instance, longest prefix first, searched from the top: a host has tens of routes, and a list of tens
 * is faster than any tree. Entries that follow from addresses and devices (connected subnets, our own addresses, broadcasts,
 * 224/4) are kept by fib_sync_dev() on every device event; those of ip_route_add() are the user's. Each entry owns one rtable
 * which all its users share; when the table changes so that another entry could now be right, the rtable is marked obsolete and
 * replaced, and whoever holds the old one looks up again.
 *
 * Interface: <net/route.h>.
 * Above: ip_output.c, icmp.c, transports, DHCP.  Below: net/neigh (a gateway's entry is held, so that no scan evicts it).
 * Context: process, softirq (DHCP's callbacks); BH is taken off inside.
 * Owns: the entries; one reference on each current rtable; one on each gateway's neighbour.
 * Specs: RFC 1122 (3.3.1, 3.2.1.3); RFC 950.
 */
#include "ipv4.h"

#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <net/inetdevice.h>
#include <net/neighbour.h>
#include <net/route.h>

#define ROUTE_MAX_USER 64u

struct fib_entry {
	struct list_head node;
	struct net_device *
		owner; /* whose address or state made it (for local routes not the device it leaves by) */
	__be32 dst, mask, gw, prefsrc;
	u8 prefixlen;
	bool by_user; /* ip_route_add(), not fib_sync_dev() */
	bool stale;   /* mark of fib_sync_dev() */
	struct rtable *rt;
	struct neighbour *gateway; /* held; NULL without gateway */
};

struct fib_table {
	struct net *net;
	struct list_head entries; /* longest prefix first; among equals the older first */
	u32 user_entries;
	u64 lookups, misses;
};

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
	ip_protocols_deliver(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	skb_push(skb, hlen);
}

static const struct dst_ops ipv4_dst_ops = {
	.destroy = ipv4_dst_destroy,
	.link_failure = ipv4_link_failure,
};

static void rt_set_mtu(struct rtable *rt)
{
	rt->dst.mtu = min_t(u32, rt->dst.dev->mtu, IP_MAX_MTU);
	rt->dst.advmss = rt->dst.mtu - (u32)(sizeof(struct iphdr) + sizeof(struct tcphdr));
}

/* One reference, the caller's. NULL without memory. */
static struct rtable *rt_alloc(const struct fib_table *fib, struct net_device *dev,
			       enum rtn_type type, __be32 gw, __be32 prefsrc)
{
	struct rtable *rt = kzalloc(sizeof(*rt));

	if (!rt)
		return NULL;
	BUG_ON(!fib->net->ipv4);
	rt->dst.dev = dev;
	rt->dst.ops = &ipv4_dst_ops;
	rt->dst.output = fib->net->ipv4->dst_output;
	rt->dst.refs = 1;
	rt->rt_gateway = gw;
	rt->rt_prefsrc = prefsrc;
	rt->rt_type = (u8)type;
	rt_set_mtu(rt);
	return rt;
}

static void rt_retire(struct rtable *rt)
{
	rt->dst.obsolete = true;
	dst_release(&rt->dst);
}

/* --- Entries ------------------------------------------------------------------------------------------------------------ */

/* Holders of less specific routes to @e's addresses must look again: those entries get fresh rtables. */
static void fib_renew_covering(struct fib_table *fib, const struct fib_entry *e)
{
	struct fib_entry *o;

	list_for_each_entry(o, &fib->entries, node) {
		struct rtable *rt;

		if (o == e || o->prefixlen > e->prefixlen || (e->dst & o->mask) != o->dst)
			continue;
		rt = rt_alloc(fib, o->rt->dst.dev, (enum rtn_type)o->rt->rt_type, o->gw,
			      o->prefsrc);
		if (!rt)
			continue; /* holders keep the old way, which still works */
		rt_retire(o->rt);
		o->rt = rt;
	}
}

static void fib_insert(struct fib_table *fib, struct fib_entry *e)
{
	struct fib_entry *o;
	struct list_head *before = &fib->entries;

	list_for_each_entry(o, &fib->entries, node) {
		if (o->prefixlen < e->prefixlen) {
			before = &o->node;
			break;
		}
	}
	list_add_tail(&e->node, before);
	fib_renew_covering(fib, e);
}

static void fib_remove(struct fib_table *fib, struct fib_entry *e)
{
	list_del_init(&e->node);
	if (e->by_user)
		fib->user_entries--;
	rt_retire(e->rt);
	if (e->gateway)
		neigh_release(e->gateway);
	kfree(e);
}

struct fib_want {
	__be32 dst, gw, prefsrc;
	u8 prefixlen;
	enum rtn_type type;
	struct net_device *dev;
};

/* 0, -ENOMEM. BH off. */
static int fib_add(struct fib_table *fib, struct net_device *owner, const struct fib_want *w,
		   bool by_user)
{
	struct fib_entry *e = kzalloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->rt = rt_alloc(fib, w->dev, w->type, w->gw, w->prefsrc);
	if (!e->rt) {
		kfree(e);
		return -ENOMEM;
	}
	e->owner = owner;
	e->mask = inet_make_mask(w->prefixlen);
	e->dst = w->dst & e->mask;
	e->prefixlen = w->prefixlen;
	e->gw = w->gw;
	e->prefsrc = w->prefsrc;
	e->by_user = by_user;
	if (w->gw) {
		struct neighbour *n = neigh_lookup_create(fib->net, w->gw, w->dev);

		e->gateway = IS_ERR(n) ? NULL : n;
	}
	if (by_user)
		fib->user_entries++;
	fib_insert(fib, e);
	return 0;
}

/* --- Routes that follow from devices and addresses ------------------------------------------------------------------------ */

/* Keeps the entry if it is there already, adds it otherwise. */
static void fib_want(struct fib_table *fib, struct net_device *owner, const struct fib_want *w)
{
	__be32 dst = w->dst & inet_make_mask(w->prefixlen);
	struct fib_entry *e;

	list_for_each_entry(e, &fib->entries, node) {
		if (!e->by_user && e->owner == owner && e->dst == dst &&
		    e->prefixlen == w->prefixlen && e->rt->rt_type == (u8)w->type &&
		    e->prefsrc == w->prefsrc && e->rt->dst.dev == w->dev) {
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
	struct fib_want w = { .prefsrc = ifa->ifa_local };

	if (lo && netif_running(lo)) {
		w.dev = lo;
		w.type = RTN_LOCAL;
		w.dst = ifa->ifa_local;
		/* All of 127/8 is ours (RFC 1122, 3.2.1.3 (g)). */
		w.prefixlen = on_lo ? ifa->ifa_prefixlen : 32;
		fib_want(fib, dev, &w);
	}
	if (on_lo)
		return;
	w.dev = dev;
	w.type = RTN_UNICAST;
	w.dst = ifa->ifa_local;
	w.prefixlen = ifa->ifa_prefixlen;
	fib_want(fib, dev, &w);
	if (ifa->ifa_prefixlen > 30)
		return;
	w.type = RTN_BROADCAST;
	w.prefixlen = 32;
	w.dst = ifa->ifa_local | ~ifa->ifa_mask;
	fib_want(fib, dev, &w);
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
			struct fib_want w = { .dst = INADDR_BROADCAST,
					      .prefixlen = 32,
					      .type = RTN_BROADCAST,
					      .dev = dev };

			fib_want(fib, dev, &w);
			w = (struct fib_want){ .dst = htonl(0xe0000000),
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
			if (e->rt->dst.dev == dev)
				rt_set_mtu(e->rt);
		}
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

/* --- Lookup ------------------------------------------------------------------------------------------------------------------ */

/* @dev NULL: any. Our own addresses are reached through the loopback device whatever the socket is bound to. */
static struct fib_entry *fib_lookup(struct fib_table *fib, __be32 daddr,
				    const struct net_device *dev)
{
	struct fib_entry *e;

	fib->lookups++;
	list_for_each_entry(e, &fib->entries, node) {
		if ((daddr & e->mask) != e->dst)
			continue;
		if (!dev || e->rt->dst.dev == dev || e->rt->rt_type == RTN_LOCAL)
			return e;
	}
	fib->misses++;
	return NULL;
}

/* The device that has @addr, NULL when none. */
static struct net_device *fib_dev_of(const struct net *net, __be32 addr)
{
	struct net_device *d;

	list_for_each_entry(d, &net->dev_base, dev_list) {
		if (inet_dev_has_addr(d, addr))
			return d;
	}
	return NULL;
}

static struct rtable *fib_route(struct net *net, struct flowi4 *fl)
{
	struct net_device *dev = NULL;
	struct fib_entry *e;

	if (fl->daddr == INADDR_ANY)
		fl->daddr = htonl(0x7f000001); /* "this host" as a destination is this host */
	if (fl->oif) {
		dev = dev_get_by_index(net, fl->oif);
		if (!dev || !netif_running(dev))
			return ERR_PTR(-ENETDOWN);
	}
	if (fl->saddr && !fl->anysrc) {
		if (ipv4_is_multicast(fl->saddr) || !inet_addr_is_local(net, fl->saddr))
			return ERR_PTR(-EINVAL);
		/* Groups and the limited broadcast exist on every link: the source address says which is meant. */
		if (!dev && (ipv4_is_multicast(fl->daddr) || ipv4_is_lbcast(fl->daddr)))
			dev = fib_dev_of(net, fl->saddr);
	}
	e = fib_lookup(net->fib, fl->daddr, dev);
	if (!e)
		return ERR_PTR(-ENETUNREACH);
	if (ipv4_is_loopback(fl->saddr) && e->rt->rt_type != RTN_LOCAL)
		return ERR_PTR(-EINVAL); /* 127/8 never leaves the host */
	if (!fl->saddr)
		fl->saddr = e->prefsrc;
	if (!fl->saddr)
		fl->saddr = inet_select_addr(e->rt->dst.dev, rt_nexthop(e->rt, fl->daddr));
	if (!fl->saddr && !fl->anysrc)
		return ERR_PTR(-ENETUNREACH);
	dst_hold(&e->rt->dst);
	return e->rt;
}

/**
 * ip_route_output_key() - the route for @fl; fills in saddr when it is 0 (daddr 0 becomes 127.0.0.1).
 * Context: process, softirq.
 * Return: the route, counted for the caller; ERR_PTR(-ENETUNREACH) no route or no source address for it, ERR_PTR(-EINVAL) saddr
 * is not ours or may not leave that way, ERR_PTR(-ENETDOWN) the device asked for is gone or down. The caller counts OutNoRoutes.
 */
struct rtable *ip_route_output_key(struct net *net, struct flowi4 *fl)
{
	struct rtable *rt;

	local_bh_disable();
	rt = fib_route(net, fl);
	local_bh_enable();
	return rt;
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

static struct fib_entry *fib_find_user(struct fib_table *fib, __be32 dst, u8 prefixlen, __be32 gw,
				       const struct net_device *dev)
{
	struct fib_entry *e;

	list_for_each_entry(e, &fib->entries, node) {
		if (e->by_user && e->prefixlen == prefixlen && e->dst == (dst & e->mask) &&
		    e->gw == gw && e->owner == dev)
			return e;
	}
	return NULL;
}

/**
 * ip_route_add() - a route to @dst/@prefixlen through @gw (0: the hosts are on the link) by @dev.
 * Context: process, softirq.
 * Return: 0; -EINVAL @prefixlen above 32; -ENETDOWN @dev is down; -ENETUNREACH @gw is on no subnet of @dev; -EEXIST;
 * -ENOBUFS 64 routes are there; -ENOMEM.
 */
int ip_route_add(struct net *net, __be32 dst, u8 prefixlen, __be32 gw, struct net_device *dev)
{
	struct fib_want w = {
		.dst = dst, .prefixlen = prefixlen, .gw = gw, .type = RTN_UNICAST, .dev = dev
	};
	struct fib_table *fib = net->fib;
	int err = -EEXIST;

	if (prefixlen > 32)
		return -EINVAL;
	if (!netif_running(dev))
		return -ENETDOWN;
	if (gw && (!inet_addr_onlink(dev, gw) || inet_addr_type(net, gw) != RTN_UNICAST))
		return -ENETUNREACH;
	local_bh_disable();
	if (fib->user_entries >= ROUTE_MAX_USER)
		err = -ENOBUFS;
	else if (!fib_find_user(fib, dst, prefixlen, gw, dev))
		err = fib_add(fib, dev, &w, true);
	local_bh_enable();
	return err;
}

/**
 * ip_route_del() - takes a route of ip_route_add() away; who uses it looks up again.
 * Context: process, softirq.
 * Return: 0; -ESRCH there is none.
 */
int ip_route_del(struct net *net, __be32 dst, u8 prefixlen, __be32 gw, struct net_device *dev)
{
	struct fib_entry *e;

	local_bh_disable();
	e = fib_find_user(net->fib, dst, prefixlen, gw, dev);
	if (e)
		fib_remove(net->fib, e);
	local_bh_enable();
	return e ? 0 : -ESRCH;
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------- */

/**
 * ip_route_init() - the empty table and its ear on the devices. After arp_net_init(): events reach ARP first. Before any device
 * comes up ip_init() must have run.
 * Context: process.
 * Return: 0; -ENOMEM; -ENOSPC no free notifier slot.
 */
int ip_route_init(struct net *net)
{
	struct fib_table *fib = kzalloc(sizeof(*fib));
	int err;

	BUG_ON(net->fib);
	if (!fib)
		return -ENOMEM;
	fib->net = net;
	INIT_LIST_HEAD(&fib->entries);
	net->fib = fib;
	err = register_netdevice_notifier(net, fib_netdev_event);
	if (err)
		ip_route_exit(net);
	return err;
}

/**
 * ip_route_exit() - the table goes; rtables live on until their holders release them.
 * Context: process.
 */
void ip_route_exit(struct net *net)
{
	struct fib_table *fib = net->fib;
	struct fib_entry *e, *next;

	if (!fib)
		return;
	local_bh_disable();
	list_for_each_entry_safe(e, next, &fib->entries, node)
		fib_remove(fib, e);
	local_bh_enable();
	net->fib = NULL;
	kfree(fib);
}

/**
 * route_show() - unicast routes in the format of Linux's /proc/net/route. Context: process. arg: struct net.
 */
void route_show(struct seq_file *m)
{
	enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4 };
	const struct net *net = m->arg;
	const struct fib_entry *e;

	seq_printf(m, "%-127s\n",
		   "Iface\tDestination\tGateway "
		   "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	local_bh_disable();
	list_for_each_entry(e, &net->fib->entries, node) {
		unsigned int flags =
			RTF_UP | (e->gw ? RTF_GATEWAY : 0U) | (e->prefixlen == 32 ? RTF_HOST : 0U);
		size_t begin = m->len;

		if (e->rt->rt_type != RTN_UNICAST)
			continue;
		seq_printf(m, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0", e->rt->dst.dev->name,
			   (__force u32)e->dst, (__force u32)e->gw, flags, (__force u32)e->mask);
		seq_printf(m, "%*s\n", m->len - begin < 127 ? (int)(127 - (m->len - begin)) : 0,
			   "");
	}
	local_bh_enable();
}
