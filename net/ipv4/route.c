// SPDX-License-Identifier: MIT
/*
 * Routes: where a packet goes next, from which address of ours, and how large it may be.
 *
 * ip_route_output_key() asks the table (fib.c), chooses the source address, and gives the entry's shared rtable, or, for a
 * destination whose path MTU a router has told us, a copy of it with that MTU. Those are remembered for 600 seconds (RFC 1191, 6.3)
 * in a bounded list: a new one takes the place of the oldest when 256 are there. Holders of a route (sockets) keep it until the
 * table changes (net->rt_genid), its entry goes (obsolete) or what was learned expires; __sk_dst_check() in ip_output.c asks.
 *
 * Interface: <net/route.h>.
 * Above: ip_output.c, icmp.c, transports.  Below: fib.c.
 * Context: process, softirq; BH is taken off inside.
 * Owns: the learned path MTUs and one reference on each one's rtable.
 * Specs: RFC 1122 (3.3.1, 3.3.4.3); RFC 1191 (6); RFC 5927 (7).
 */
#include "fib.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <lib/err.h>
#include <net/inetdevice.h>
#include <net/route.h>

/* --- Learned path MTUs ------------------------------------------------------------------------------------------------ */

static struct list_head *pmtu_bucket(struct fib_table *fib, __be32 daddr)
{
	return &fib->pmtu_bucket[siphash(&daddr, sizeof(daddr), &fib->net->hash_key) %
				 PMTU_BUCKETS];
}

static void pmtu_forget(struct fib_table *fib, struct pmtu_entry *x)
{
	list_del_init(&x->hash);
	list_del_init(&x->lru);
	fib->nr_pmtu--;
	if (x->rt)
		rt_retire(x->rt);
	kfree(x);
}

/* What is known about @daddr and not too old, NULL when nothing. */
static struct pmtu_entry *pmtu_find(struct fib_table *fib, __be32 daddr)
{
	struct pmtu_entry *x;

	if (likely(!fib->nr_pmtu))
		return NULL;
	list_for_each_entry(x, pmtu_bucket(fib, daddr), hash) {
		if (x->daddr != daddr)
			continue;
		if (ktime_get_ns() < x->expires_ns)
			return x;
		pmtu_forget(fib, x);
		break;
	}
	return NULL;
}

/* The copy of @e's route with what @x knows; NULL when it says nothing new, or without memory (the router will repeat it). */
static struct rtable *pmtu_route(struct fib_table *fib, struct pmtu_entry *x,
				 const struct fib_entry *e)
{
	const struct dst_entry *base = &e->rt->dst;

	if (x->rt && x->genid == fib->net->rt_genid && x->base == e)
		return x->rt;
	if (x->rt)
		rt_retire(x->rt);
	x->rt = NULL;
	if (base->mtu_locked || x->mtu > base->mtu || (x->mtu == base->mtu && !x->locked))
		return NULL;
	x->rt = rt_clone(e->rt);
	if (!x->rt)
		return NULL;
	x->base = e;
	x->genid = fib->net->rt_genid;
	x->rt->dst.mtu = x->mtu;
	x->rt->dst.mtu_locked = x->locked;
	x->rt->dst.expires_ns = x->expires_ns;
	return x->rt;
}

/* A new entry, for which the oldest may have to go. NULL without memory. */
static struct pmtu_entry *pmtu_new(struct fib_table *fib, __be32 daddr)
{
	struct pmtu_entry *x = kzalloc(sizeof(*x));

	if (!x)
		return NULL;
	if (fib->nr_pmtu >= PMTU_MAX)
		pmtu_forget(fib, list_first_entry(&fib->pmtu_lru, struct pmtu_entry, lru));
	x->daddr = daddr;
	list_add_tail(&x->hash, pmtu_bucket(fib, daddr));
	list_add_tail(&x->lru, &fib->pmtu_lru);
	fib->nr_pmtu++;
	return x;
}

/**
 * ip_update_pmtu() - a router says how large packets to @daddr may be (ICMP "fragmentation needed").
 *
 * Only ever smaller (RFC 1191, 6.3): larger values come with time, when what was learned is forgotten after 600 s. Less than 552
 * is not believed, for a forged message must not cost much; but DF is left out then, so that the routers may cut (RFC 1191, 3:
 * never below 68). Every holder of a route looks up again when something changed.
 * Context: BH off. Without memory nothing is learned; the router will repeat it.
 */
void ip_update_pmtu(struct net *net, __be32 daddr, u32 oif, u32 mtu)
{
	struct fib_table *fib = net->fib;
	struct fib_entry *e =
		fib_lookup(fib, daddr, oif ? dev_get_by_index(net, oif) : NULL, false);
	const struct ip_settings *set = &net->ipv4->set;
	bool locked = mtu < set->min_pmtu;
	struct pmtu_entry *x;
	u32 base;

	if (!e || e->type != RTN_UNICAST || e->mtu_locked)
		return;
	base = e->rt->dst.mtu;
	mtu = max(mtu, min(set->min_pmtu, base));
	x = pmtu_find(fib, daddr);
	if (mtu > (x ? min(x->mtu, base) : base) || (mtu == base && !locked && !x))
		return;
	if (!x)
		x = pmtu_new(fib, daddr);
	if (!x)
		return;
	x->expires_ns = ktime_get_ns() + set->mtu_expires * NSEC_PER_SEC;
	list_del_init(&x->lru);
	list_add_tail(&x->lru, &fib->pmtu_lru);
	if (x->rt)
		x->rt->dst.expires_ns = x->expires_ns;
	if (x->mtu == mtu && x->locked == locked)
		return;
	x->mtu = mtu;
	x->locked |= locked;
	fib_changed(fib);
}

/* --- Lookup ------------------------------------------------------------------------------------------------------------------ */

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

/* What a route that leads nowhere says. */
static int fib_refusal(u8 type)
{
	if (type == RTN_BLACKHOLE)
		return -EINVAL;
	return type == RTN_UNREACHABLE ? -EHOSTUNREACH : -EACCES;
}

/*
 * The device that the flow must use in *@dev (NULL: any). 0; -ENODEV; -ENETUNREACH it is down, or the source is not ours; -EINVAL the source is
 * nobody's: a group, everybody.
 */
static int rt_check_flow(struct net *net, struct flowi4 *fl, struct net_device **dev)
{
	*dev = NULL;
	fl->daddr = ipv4_this_host(fl->daddr, fl->saddr);
	if (fl->oif) {
		*dev = dev_get_by_index(net, fl->oif);
		if (!*dev)
			return -ENODEV;
		if (!netif_running(*dev))
			return -ENETUNREACH;
	}
	if (fl->saddr && !fl->anysrc) {
		if (ipv4_is_multicast(fl->saddr) || ipv4_is_lbcast(fl->saddr))
			return -EINVAL;
		if (!inet_addr_is_local(net, fl->saddr))
			return -ENETUNREACH;
		/* Groups and the limited broadcast exist on every link: the source address says which is meant. */
		if (!*dev && (ipv4_is_multicast(fl->daddr) || ipv4_is_lbcast(fl->daddr)))
			*dev = fib_dev_of(net, fl->saddr);
	}
	return 0;
}

static struct rtable *rt_lookup(struct net *net, struct flowi4 *fl) __needs(softirq_ctx)
{
	struct fib_table *fib = net->fib;
	struct net_device *dev;
	struct pmtu_entry *x;
	struct fib_entry *e;
	struct rtable *rt;
	int err = rt_check_flow(net, fl, &dev);

	if (err)
		return ERR_PTR(err);
	if (ipv4_is_multicast(fl->daddr))
		fib->out_slow_mc++;
	else
		fib->out_slow_tot++;
	e = fib_lookup(fib, fl->daddr, dev, fl->onlink);
	if (!e)
		return ERR_PTR(-ENETUNREACH);
	rt = e->rt;
	if (!rt)
		return ERR_PTR(fib_refusal(e->type));
	if (ipv4_is_loopback(fl->saddr) && !(rt->dst.dev->flags & IFF_LOOPBACK))
		return ERR_PTR(-EINVAL); /* 127/8 never leaves the host */
	if (!fl->saddr)
		fl->saddr = e->prefsrc;
	if (!fl->saddr)
		fl->saddr = inet_select_addr(rt->dst.dev, rt_nexthop(rt, fl->daddr));
	if (!fl->saddr && !fl->anysrc)
		return ERR_PTR(-ENETUNREACH);
	x = e->type == RTN_UNICAST ? pmtu_find(fib, fl->daddr) : NULL;
	if (x)
		rt = pmtu_route(fib, x, e);
	if (!rt)
		rt = e->rt;
	dst_hold(&rt->dst);
	return rt;
}

/**
 * ip_route_output_key() - the route for @fl; fills in saddr when it is 0 (daddr 0 becomes that, or 127.0.0.1).
 * Context: process, softirq.
 * Return: the route, counted for the caller; ERR_PTR(-ENETUNREACH) no route, no source address for it, saddr is not ours, or the device
 * asked for is down; ERR_PTR(-EINVAL) saddr is a group or everybody or may not leave that way, or a blackhole; ERR_PTR(-EHOSTUNREACH), ERR_PTR(-EACCES)
 * routes that say so; ERR_PTR(-ENODEV) there is no such device. The caller counts OutNoRoutes.
 */
struct rtable *ip_route_output_key(struct net *net, struct flowi4 *fl)
{
	struct rtable *rt;

	trace_fn(ip_route_output_key, 0, ntohl(fl->daddr), NULL);
	local_bh_disable();
	rt = rt_lookup(net, fl);
	if (IS_ERR(rt))
		net->fib->no_route++;
	local_bh_enable();
	return rt;
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
	return fib_table_init(net);
}

/**
 * ip_route_flush() - what was learned of paths is forgotten; holders of a route look up again.
 * Context: process.
 */
void ip_route_flush(struct net *net)
{
	struct pmtu_entry *x, *next;

	local_bh_disable();
	list_for_each_entry_safe(x, next, &net->fib->pmtu_lru, lru)
		pmtu_forget(net->fib, x);
	net->rt_genid++;
	local_bh_enable();
}

/**
 * ip_route_exit() - the table goes; rtables live on until their holders release them.
 * Context: process.
 */
void ip_route_exit(struct net *net)
{
	if (!net->fib)
		return;
	ip_route_flush(net);
	fib_table_exit(net);
}

/**
 * rt_cache_show() - destinations whose path MTU was learned, in the format of Linux's /proc/net/rt_cache. Context: process. arg:
 * struct net.
 */
void rt_cache_show(struct seq_file *m)
{
	enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4 };
	const struct net *net = m->arg;
	const struct pmtu_entry *x;

	seq_printf(m, "%-127s\n",
		   "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\t"
		   "Window\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst");
	local_bh_disable();
	list_for_each_entry(x, &net->fib->pmtu_lru, lru) {
		__be32 gw = x->rt ? x->rt->rt_gateway : 0;

		if (ktime_get_ns() >= x->expires_ns)
			continue;
		seq_printf(
			m,
			"%s\t%08X\t%08X\t%8X\t%u\t0\t0\t00000000\t%u\t0\t0\t00\t-1\t0\t00000000\n",
			x->rt ? x->rt->dst.dev->name : "*", (__force u32)x->daddr, (__force u32)gw,
			RTF_UP | RTF_HOST | (gw ? RTF_GATEWAY : 0U), x->rt ? x->rt->dst.refs : 0U,
			x->mtu);
	}
	local_bh_enable();
}

/**
 * rt_cache_stat_show() - counts of lookups in the format of Linux's /proc/net/stat/rt_cache. entries: path MTUs that were learned;
 * out_slow_tot, out_slow_mc: lookups in the table; in_no_route: those without success. Holders of a valid route do not look up, so
 * a connection counts one. Context: process. arg: struct net.
 */
void rt_cache_stat_show(struct seq_file *m)
{
	const struct net *net = m->arg;
	const struct fib_table *fib = net->fib;

	seq_puts(
		m,
		"entries  in_hit   in_slow_tot in_slow_mc in_no_route in_brd   in_martian_dst "
		"in_martian_src out_hit  out_slow_tot out_slow_mc gc_total gc_ignored gc_goal_miss "
		"gc_dst_overflow in_hlist_search out_hlist_search\n");
	seq_printf(m, "%08x %08x %08x    %08x   %08x    %08x %08x       %08x       %08x ",
		   fib->nr_pmtu, 0U, 0U, 0U, (u32)fib->no_route, 0U, 0U, 0U, 0U);
	seq_printf(m, "%08x     %08x    %08x %08x   %08x     %08x        %08x        %08x\n",
		   (u32)fib->out_slow_tot, (u32)fib->out_slow_mc, 0U, 0U, 0U, 0U, 0U, 0U);
}
