// SPDX-License-Identifier: MIT
/*
 * Queueing disciplines as text: what qdisc= takes, and what a specification that was taken does to a device: it is attached,
 * shown, given packets, and ended.
 *
 * Input: the text; a NUL ends it.
 */
#include "fuzz.h"

#include <kernel/context.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/etherdevice.h>
#include <net/sch_generic.h>

static struct net *net;
static struct net_device *dev;

static netdev_tx_t swallow(struct sk_buff *skb, struct net_device *d)
{
	(void)d;
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops ops = { .ndo_start_xmit = swallow };

void fuzz_setup(void)
{
	FUZZ_CHECK(skb_init() == 0 && softnet_init(this_cpu()) == 0);
	open_softirq(NET_TX_SOFTIRQ, net_tx_action);
	open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	net = net_alloc();
	FUZZ_CHECK(net && sched_net_init(net) == 0);
	dev = alloc_netdev(net, 0, "eth%d", 1);
	FUZZ_CHECK(dev);
	dev->netdev_ops = &ops;
	FUZZ_CHECK(register_netdev(dev) == 0 && dev_open(dev) == 0);
}

/* Every value is its default or within its bounds, so that whoever reads it need not look again. */
static void check_level(const struct qdisc_level *l)
{
	FUZZ_CHECK(l->ops && l->ops->nr_params <= QDISC_MAX_PARAMS);
	FUZZ_CHECK(!(l->given >> l->ops->nr_params));
	for (u32 i = 0; i < l->ops->nr_params; i++) {
		const struct qdisc_param *p = &l->ops->params[i];

		if (l->given & 1u << i)
			FUZZ_CHECK(l->val[i] >= p->lo && l->val[i] <= p->hi);
	}
}

static bool same_level(const struct qdisc_level *a, const struct qdisc_level *b)
{
	return a->ops == b->ops && a->given == b->given &&
	       memcmp(a->val, b->val, sizeof(a->val)) == 0;
}

static void send_some(void)
{
	for (u32 i = 0; i < 8; i++) {
		struct sk_buff *skb = alloc_skb(256);

		FUZZ_CHECK(skb);
		skb_reserve(skb, 32);
		memset(skb_put(skb, 60 + 17 * i), 0, 60 + 17 * i);
		skb->dev = dev;
		skb->priority = i;
		skb->protocol = htons(ETH_P_ARP);
		FUZZ_CHECK(dev_queue_xmit(skb) >= 0);
	}
}

/* The device as it was before, and everything the discipline had given back. */
static void try_out(const struct qdisc_spec *spec)
{
	static char text[4096];
	struct seq_file m = { .buf = text, .size = sizeof(text), .arg = net };
	struct qdisc_spec plain;

	FUZZ_CHECK_EQ(qdisc_graft(dev, spec), 0);
	send_some();
	qdisc_show(&m);
	FUZZ_CHECK(strstr(text, spec->root.ops->id) && !m.overflow);
	qdisc_spec_default(&plain, &pfifo_fast_ops);
	FUZZ_CHECK_EQ(qdisc_graft(dev, &plain), 0);
}

void fuzz_one(const u8 *data, size_t size)
{
	char *copy = malloc(size + 1); /* exactly as long: the sanitizer sees the end */
	struct qdisc_spec spec, again;
	const char *why = NULL;
	int err;

	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	err = qdisc_parse(copy, &spec, &why);
	FUZZ_CHECK(err == 0 || err == -EINVAL || err == -ERANGE);
	FUZZ_CHECK(err == 0 || (why && *why));
	if (!err) {
		check_level(&spec.root);
		if (spec.child.ops)
			check_level(&spec.child);
		FUZZ_CHECK_EQ(qdisc_parse(copy, &again, &why), 0);
		FUZZ_CHECK(same_level(&spec.root, &again.root));
		FUZZ_CHECK(same_level(&spec.child, &again.child));
		fuzz_census_begin();
		try_out(&spec);
		fuzz_census_end();
	}
	free(copy);
	fuzz_reset();
}
