// SPDX-License-Identifier: MIT
/*
 * Address conflict detection: is the address that we are about to use, or use, somebody else's too?
 *
 * Probes are requests with sender 0, so that nobody's table is changed by a question. Strict: three of them before the address is
 * used, 3 to 7 s; an answer, or somebody else's probe for the same address, ends it. In the background: the address is announced and
 * used at once, the same probes follow; a conflict is logged and told to whoever gave the address (DHCP declines it); one that was given
 * by hand is defended (arp.c). An announcement is repeated after two seconds. One address at a time: the last one that was started.
 *
 * Interface: <net/neighbour.h> (acd_*); neigh.h for arp.c.
 * Above: arp.c, boot, net/dhcp.  Below: arp_send.c.
 * Context: process (acd_probe() sleeps), softirq.
 * Owns: struct acd in the table.
 * Specs: RFC 5227 (2.1 probing, 2.3 announcing, 1.1 the numbers).
 */
#include "neigh.h"

#include <kernel/context.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>

#define PROBE_NUM            3u
#define PROBE_WAIT_MS        1000u /* the first probe waits up to this */
#define PROBE_MIN_MS         1000u /* between two probes */
#define PROBE_MAX_MS         2000u
#define ANNOUNCE_WAIT_MS     2000u /* for answers to the last probe */
#define ANNOUNCE_NUM         2u
#define ANNOUNCE_INTERVAL_MS 2000u

static void acd_wait(struct acd *a, u32 ms)
{
	mod_timer(&a->timer, ktime_get_ns() + (u64)ms * NSEC_PER_MSEC);
}

/* It is over: @result for whoever waits. */
static void acd_end(struct acd *a, int result)
{
	acd_done_fn done = a->done;

	del_timer(&a->timer);
	a->dev = NULL;
	a->result = result;
	wake_up(&a->wq);
	a->done = NULL;
	if (done)
		done(a->done_arg, a->addr, result); /* last: it may start another */
}

static void acd_begin(struct acd *a, struct net_device *dev, __be32 addr, bool waited)
{
	if (a->dev)
		acd_end(a, -EAGAIN);
	a->dev = dev;
	a->addr = addr;
	a->waited = waited;
	a->announcements = a->probes = 0;
}

/* The next step: announcements, then probes, then the end. The timer first: what is sent may be answered at once. */
static void acd_timer(struct timer *t) __needs(softirq_ctx)
{
	struct acd *a = container_of(t, struct acd, timer);

	BUG_ON(!a->dev);
	if (a->announcements) {
		/* The first probe waits for a random time, so that hosts that start together do not ask together. */
		a->announcements--;
		acd_wait(a, a->announcements ? ANNOUNCE_INTERVAL_MS
					     : get_random_below(PROBE_WAIT_MS + 1));
		arp_announce(a->dev, a->addr);
	} else if (a->probes) {
		a->probes--;
		acd_wait(a, a->probes ? PROBE_MIN_MS +
						get_random_below(PROBE_MAX_MS - PROBE_MIN_MS + 1)
				      : ANNOUNCE_WAIT_MS);
		arp_probe(a->dev, a->addr);
	} else {
		acd_end(a, 0);
	}
}

/**
 * acd_look() - a valid ARP packet was received: does it show that the address on trial is somebody else's?
 * Context: softirq.
 */
void acd_look(struct neigh_table *tbl, const struct net_device *dev, const struct arphdr *arp)
{
	struct acd *a = &tbl->acd;

	if (a->dev != dev || ether_addr_equal(arp->ar_sha, dev->dev_addr))
		return;
	/* A probe for it by somebody else is a conflict only as long as it is not ours (RFC 5227, 2.1.1). */
	if (arp->ar_sip != a->addr &&
	    !(a->waited && !arp->ar_sip && arp->ar_op == htons(ARPOP_REQUEST) &&
	      arp->ar_tip == a->addr))
		return;
	tbl->stats.acd_conflicts++;
	pr_warn("acd: %s: %pI4 is in use by %pM\n", dev->name, &a->addr, arp->ar_sha);
	acd_end(a, -EADDRINUSE);
}

/**
 * acd_stop() - the device goes down: nothing is sent any more; who waits hears -ENETDOWN.
 * Context: BH off.
 */
void acd_stop(struct neigh_table *tbl, const struct net_device *dev)
{
	if (tbl->acd.dev == dev)
		acd_end(&tbl->acd, -ENETDOWN);
}

/**
 * acd_address_changed() - @dev lost or got an address: one that is announced and not ours any more is let go of.
 * Context: BH off.
 */
void acd_address_changed(struct neigh_table *tbl, const struct net_device *dev)
{
	struct acd *a = &tbl->acd;

	if (a->dev == dev && !a->waited && !inet_dev_has_addr(dev, a->addr))
		acd_end(a, 0);
}

/**
 * acd_init() - nothing on trial. Context: process.
 */
void acd_init(struct acd *a)
{
	init_waitqueue_head(&a->wq);
	timer_setup(&a->timer, acd_timer);
}

/**
 * acd_set_mode() - how addresses are tried from now on.
 * Context: process.
 */
void acd_set_mode(struct net *net, enum acd_mode mode)
{
	net->arp_tbl->acd.mode = (u8)mode;
}

/**
 * acd_start() - @addr is @dev's from now on: announces it, twice, and unless acd_probe() did so before, looks in the background whether
 * somebody else has it. Nothing with acd=off.
 * Context: process, softirq.
 */
void acd_start(struct net_device *dev, __be32 addr)
{
	struct acd *a = &dev->net->arp_tbl->acd;

	if (a->mode == ACD_OFF || (dev->flags & (IFF_LOOPBACK | IFF_NOARP)))
		return;
	local_bh_disable();
	acd_begin(a, dev, addr, false);
	a->announcements = ANNOUNCE_NUM - 1;
	a->probes = a->mode == ACD_STRICT ? 0 : PROBE_NUM;
	acd_wait(a, ANNOUNCE_INTERVAL_MS);
	arp_announce(dev, addr);
	local_bh_enable();
}

/**
 * acd_watch() - as acd_start(), and @done(@arg) hears what came of it.
 * Context: process, softirq.
 */
void acd_watch(struct net_device *dev, __be32 addr, acd_done_fn done, void *arg)
{
	struct acd *a = &dev->net->arp_tbl->acd;

	local_bh_disable();
	acd_start(dev, addr);
	if (a->dev == dev) {
		a->done = done;
		a->done_arg = arg;
	}
	local_bh_enable();
}

static void acd_begin_probes(struct acd *a, struct net_device *dev, __be32 addr)
{
	acd_begin(a, dev, addr, true);
	a->probes = PROBE_NUM;
	acd_wait(a, get_random_below(PROBE_WAIT_MS + 1));
}

/**
 * acd_check() - begins, with acd=strict, to look whether anybody has @addr; 3 to 7 s later @done(@arg) hears it.
 * Context: process, softirq. Return: false: nothing has to be waited for, and @done is not called.
 */
bool acd_check(struct net_device *dev, __be32 addr, acd_done_fn done, void *arg)
{
	struct acd *a = &dev->net->arp_tbl->acd;

	if (a->mode != ACD_STRICT || (dev->flags & (IFF_LOOPBACK | IFF_NOARP)))
		return false;
	local_bh_disable();
	acd_begin_probes(a, dev, addr);
	a->done = done;
	a->done_arg = arg;
	local_bh_enable();
	return true;
}

/**
 * acd_forget() - @arg hears nothing any more: it goes. Context: process, BH off.
 */
void acd_forget(struct net_device *dev, const void *arg)
{
	struct acd *a = &dev->net->arp_tbl->acd;

	if (a->done_arg == arg)
		a->done = NULL;
}

/**
 * acd_probe() - waits, with acd=strict, until nobody answered three probes for @addr. Otherwise returns at once.
 * Context: process; sleeps 3 to 7 s. One address at a time.
 * Return: 0; -EADDRINUSE; -ENETDOWN the device went down; -EAGAIN another address was started meanwhile.
 */
int acd_probe(struct net_device *dev, __be32 addr)
{
	struct acd *a = &dev->net->arp_tbl->acd;

	if (a->mode != ACD_STRICT || (dev->flags & (IFF_LOOPBACK | IFF_NOARP)))
		return 0;
	local_bh_disable();
	acd_begin_probes(a, dev, addr);
	local_bh_enable();
	(void)wait_event_until(&a->wq, a->dev != dev || a->addr != addr, WAIT_FOREVER);
	return a->result;
}
