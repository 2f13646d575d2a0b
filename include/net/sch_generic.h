/* SPDX-License-Identifier: MIT */
/*
 * Queueing disciplines and the entry of the device layer. dev_queue_xmit() is the one way down from every network
 * protocol; it picks the queue, runs its qdisc or, on devices without one, goes straight to the driver.
 */
#ifndef NET_SCH_GENERIC_H
#define NET_SCH_GENERIC_H
#include <lib/capability.h>
#include <net/netdevice.h>

struct Qdisc;
struct Qdisc_ops {
	const char *id; /* "pfifo_fast" */
	u32 priv_size;
	int (*init)(struct Qdisc *q); /* 0, -ENOMEM */
	/*
	 * Consumes @skb: queued, or linked by ->next onto *to_free, which the caller drops when the queue is consistent again. Keeps
	 * q->qlen and q->backlog. Returns enum net_xmit. NULL entry: the device has no queue.
	 */
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free);
	struct sk_buff *(*dequeue)(
		struct Qdisc *q); /* the next packet, now the caller's; NULL: none */
	void (*reset)(struct Qdisc *q, struct sk_buff **to_free); /* everything onto *to_free */
	void (*destroy)(struct Qdisc *q);                         /* frees what init made */
};

struct Qdisc {
	const struct Qdisc_ops *ops;
	struct netdev_queue *txq;
	struct sk_buff_head requeue; /* what the driver had no room for; always served first */
	u32 qlen, backlog;           /* packets, bytes, requeue included */
	u32 limit;                   /* packets (per band for pfifo_fast) */
	bool running;                /* __qdisc_run is on the stack */
	bool can_bypass;
	bool deactivated;
	u64 packets, bytes, drops, requeues, overlimits, bypass, runs;
	void *priv;
};

extern const struct Qdisc_ops pfifo_fast_ops, noqueue_qdisc_ops;

/* --- The way down (net/sched/dev_queue_xmit.c) ------------------------------------------------------------------------- */
/* Consumes @skb always. 0, NET_XMIT_DROP, NET_XMIT_CN, -ENETDOWN, -ENOMEM. Process or softirq; takes BH off itself. */
int dev_queue_xmit(struct sk_buff *skb);
SKB_CONSUMER(dev_queue_xmit, 1);
void net_tx_action(void) __needs(softirq_ctx); /* NET_TX_SOFTIRQ */
u16 netdev_pick_tx(struct net_device *dev, struct sk_buff *skb) __needs(softirq_ctx);

/* --- Down to the driver (net/sched/sch_generic.c) ------------------------------------------------------------------------ */
/* Sends what the discipline holds, within the quota; no-op while it runs already. BH off. */
void qdisc_run(struct Qdisc *q) __needs(softirq_ctx);
/* Takes @skb into the queue or, when that is idle, straight to the driver. Consumes. enum net_xmit. BH off. */
int qdisc_xmit(struct Qdisc *q, struct sk_buff *skb) __needs(softirq_ctx);
SKB_CONSUMER(qdisc_xmit, 2);
/* Makes packets (a list by ->next) fit for the device; what cannot be is dropped, counted. The list left, or NULL. BH off. */
struct sk_buff *validate_xmit_skb_list(struct sk_buff *skb, struct net_device *dev)
	__needs(softirq_ctx);

/* --- The life of disciplines (net/sched/sch_api.c) ------------------------------------------------------------------------- */
/* Makes a qdisc for @txq; NULL without memory. Process or softirq. */
struct Qdisc *qdisc_create(const struct Qdisc_ops *ops, struct netdev_queue *txq);
void qdisc_destroy(struct Qdisc *q); /* drops what it holds (QDISC_RESET) */
int sched_net_init(
	struct net *net); /* enters the notifier that attaches and detaches qdiscs; 0, -ENOSPC */
void qdisc_show(struct seq_file *m); /* /proc/net/qdisc; arg: struct net */
#endif
