// SPDX-License-Identifier: MIT
/*
 * NAPI: an interrupt only says "there is work"; softirq polls for it, in turns and within a budget.
 *
 * Interface: netif_napi_add(), napi_enable(), napi_schedule(), napi_complete_done(); net_rx_action(); softnet_init().
 * Above: drivers.  Below: kernel softirq.
 * Context: napi_schedule() any; the poll softirq; enable and disable process.
 * Owns: softnet_data, one per CPU, reached through this_cpu().
 * One CPU: process context with BH off cannot overlap a poll, so nothing waits for one to end.
 * Specs: Linux's limits: weight 64, budget 300 frames or 8 ms, time_squeeze; docs/PATH.md A19.
 */
#include <net/netdevice.h>

#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/softirq.h>
#include <lib/bug.h>
#include <lib/err.h>

enum { NAPI_WEIGHT = 64, NETDEV_BUDGET = 300, NETDEV_MAX_BACKLOG = 1000 };
#define NETDEV_BUDGET_NS (8 * NSEC_PER_MSEC) /* two ticks of HZ 250 */

/**
 * netif_napi_add() - enters a driver's poll function; disabled until napi_enable().
 * Context: process. Owns: the driver, whose adapter embeds @n.
 */
void netif_napi_add(struct net_device *dev, struct napi_struct *n,
		    int (*poll)(struct napi_struct *, int), int weight)
{
	*n = (struct napi_struct){ .dev = dev, .poll = poll, .weight = weight };
	BUG_ON(weight <= 0 || weight > NAPI_WEIGHT);
	INIT_LIST_HEAD(&n->poll_list);
	INIT_LIST_HEAD(&n->dev_list);
	if (dev)
		list_add_tail(&n->dev_list, &dev->napi_list);
}

/**
 * netif_napi_del() - takes it out again; it must be disabled. Context: process.
 */
void netif_napi_del(struct napi_struct *n)
{
	BUG_ON(n->enabled || n->scheduled);
	list_del_init(&n->dev_list);
}

/**
 * napi_enable() - it may be scheduled from now on. Context: process.
 */
void napi_enable(struct napi_struct *n)
{
	BUG_ON(n->enabled);
	WRITE_ONCE(n->enabled, true);
}

/**
 * napi_disable() - on return it is not scheduled and cannot be.
 * Context: process, BH on.
 */
void napi_disable(struct napi_struct *n)
{
	unsigned long flags;

	might_sleep();
	BUG_ON(!n->enabled);
	local_bh_disable();
	flags = local_irq_save();
	n->enabled = false;
	n->scheduled = false;
	n->missed = false;
	list_del_init(&n->poll_list);
	local_irq_restore(flags);
	local_bh_enable();
}

/* Interrupts off. */
static void poll_later(struct napi_struct *n) __needs(irqs_off)
{
	list_add_tail(&n->poll_list, &this_cpu()->softnet->poll_list);
}

/**
 * napi_schedule() - there is work: NET_RX will poll. Asked while it is scheduled it is polled once more.
 * Context: any.
 * Return: true when it was not scheduled yet (the caller has masked its device's interrupts, or does now).
 */
bool napi_schedule(struct napi_struct *n)
{
	unsigned long flags = local_irq_save();
	bool first = n->enabled && !n->scheduled;

	if (first) {
		n->scheduled = true;
		poll_later(n);
	} else if (n->scheduled) {
		n->missed = true;
	}
	local_irq_restore(flags);
	trace_at(napi_schedule, 0, first, NULL);
	if (first)
		raise_softirq(NET_RX_SOFTIRQ); /* from plain process context it is served here */
	return first;
}

/**
 * napi_complete_done() - the poll found no more work (@work < weight).
 * Context: softirq, in the poll function.
 * Return: true: the driver unmasks its interrupts; false: somebody asked meanwhile, it will be polled again.
 */
bool napi_complete_done(struct napi_struct *n, int work)
{
	unsigned long flags;
	bool again;

	BUG_ON(!n->scheduled);
	BUG_ON(work > n->weight);
	flags = local_irq_save();
	again = n->missed;
	n->missed = false;
	n->scheduled = again;
	if (again)
		poll_later(n);
	else
		n->completes++;
	local_irq_restore(flags);
	if (again)
		raise_softirq(NET_RX_SOFTIRQ);
	return !again;
}

/* One turn of one context; one that used its whole weight goes to the end of the round. */
static int napi_poll(struct napi_struct *n, struct list_head *repoll)
{
	trace_fn(napi_poll, 0, (u32)n->weight, NULL);
	int work = n->poll(n, n->weight);

	n->polls++;
	BUG_ON(work < 0 || work > n->weight);
	if (work < n->weight)
		return work;
	if (n->scheduled && list_empty(&n->poll_list))
		list_add_tail(&n->poll_list, repoll);
	return work;
}

/**
 * net_rx_action() - NET_RX_SOFTIRQ: polls in turns until nothing is left, or the budget of frames or of time is used.
 * Context: softirq.
 */
void net_rx_action(void)
{
	struct softnet_data *sd = this_cpu()->softnet;
	u64 limit_ns = ktime_get_ns() + sd->netdev_budget_ns;
	int budget = (int)sd->netdev_budget;
	LIST_HEAD(list);
	LIST_HEAD(repoll);
	unsigned long flags;

	BUG_ON(!in_bh());
	trace_fn(net_rx_action, 0, 0, NULL);
	flags = local_irq_save();
	list_splice_tail_init(&sd->poll_list, &list);
	local_irq_restore(flags);
	while (!list_empty(&list)) {
		struct napi_struct *n = list_first_entry(&list, struct napi_struct, poll_list);

		list_del_init(&n->poll_list);
		budget -= napi_poll(n, &repoll);
		if (budget <= 0 || ktime_get_ns() >= limit_ns) {
			sd->time_squeeze++;
			break;
		}
	}
	/* Fairness: those not polled yet, those scheduled meanwhile, those that had their turn. */
	flags = local_irq_save();
	list_splice_tail_init(&sd->poll_list, &list);
	list_splice_tail_init(&repoll, &list);
	list_splice_tail_init(&list, &sd->poll_list);
	if (!list_empty(&sd->poll_list))
		raise_softirq_irqoff(NET_RX_SOFTIRQ);
	local_irq_restore(flags);
}

/* The backlog's poll: what netif_rx() queued. */
static int process_backlog(struct napi_struct *n, int budget) __needs(softirq_ctx)
{
	struct softnet_data *sd = this_cpu()->softnet;
	int work = 0;

	while (work < budget) {
		struct sk_buff *skb = skb_dequeue(&sd->input_pkt_queue);

		if (!skb) {
			napi_complete_done(n, work);
			break;
		}
		work++;
		netif_receive_skb(skb);
	}
	return work;
}

/**
 * softnet_init() - makes the per-CPU state of packet processing and hooks the doorbells to the end of BH-off sections.
 * Context: process, once per CPU.
 * Return: 0; -ENOMEM.
 */
int softnet_init(struct cpu *cpu)
{
	struct softnet_data *sd = kzalloc(sizeof(*sd));

	if (!sd)
		return -ENOMEM;
	INIT_LIST_HEAD(&sd->poll_list);
	sd->output_queue_tailp = &sd->output_queue;
	skb_queue_head_init(&sd->input_pkt_queue);
	skb_queue_head_init(&sd->completion_queue);
	sd->netdev_budget = NETDEV_BUDGET;
	sd->netdev_budget_ns = NETDEV_BUDGET_NS;
	sd->netdev_max_backlog = NETDEV_MAX_BACKLOG;
	netif_napi_add(NULL, &sd->backlog, process_backlog, NAPI_WEIGHT);
	cpu->softnet = sd;
	cpu->bh_exit = netdev_ring_doorbells;
	napi_enable(&sd->backlog);
	return 0;
}

/**
 * softnet_exit() - the reverse; nothing may be queued: asserted. Context: process.
 */
void softnet_exit(struct cpu *cpu)
{
	struct softnet_data *sd = cpu->softnet;

	BUG_ON(sd->input_pkt_queue.qlen || sd->completion_queue.qlen);
	BUG_ON(sd->output_queue || sd->doorbell);
	napi_disable(&sd->backlog);
	BUG_ON(!list_empty(&sd->poll_list));
	cpu->bh_exit = NULL;
	cpu->softnet = NULL;
	kfree(sd);
}

/**
 * softnet_stat_show() - the page /proc/net/softnet_stat: Linux's 13 hexadecimal columns, a line per CPU.
 * Context: process.
 */
void softnet_stat_show(struct seq_file *m)
{
	const struct softnet_data *sd = this_cpu()->softnet;

	seq_printf(m, "%08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x\n",
		   (u32)sd->processed, (u32)sd->dropped, (u32)sd->time_squeeze, 0, 0, 0, 0, 0, 0,
		   (u32)sd->received_rps, 0, sd->input_pkt_queue.qlen, 0);
}
