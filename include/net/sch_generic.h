/* SPDX-License-Identifier: MIT */
/*
 * Queueing disciplines and the entry of the device layer. dev_queue_xmit() is the one way down from every network
 * protocol; it picks the queue, runs its qdisc or, on devices without one, goes straight to the driver.
 */
#ifndef NET_SCH_GENERIC_H
#define NET_SCH_GENERIC_H
#include <lib/capability.h>
#include <net/gso.h>
#include <net/netdevice.h>
#include <net/qdisc_spec.h>

struct Qdisc;
struct Qdisc_ops {
	const char *id; /* "pfifo_fast" */
	u32 priv_size;
	u32 nr_params;
	const struct qdisc_param *params;
	bool classful; /* may be given a discipline of its own to hold the packets */
	/* What the parameters must be to each other; fills those that follow from others. 0; -EINVAL with *why. May be NULL. */
	int (*check)(struct qdisc_level *l, const char **why);
	int (*init)(struct Qdisc *q, const struct qdisc_spec *spec); /* 0, -ENOMEM */
	/*
	 * Consumes @skb: queued, or linked by ->next onto *to_free, which the caller drops when the queue is consistent again. Keeps
	 * the accounts (qdisc_enqueued() and its sisters below). Returns enum net_xmit. NULL entry: the device has no queue.
	 */
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free);
	struct sk_buff *(*dequeue)(
		struct Qdisc *q); /* the next packet, now the caller's; NULL: none, or not yet */
	void (*reset)(struct Qdisc *q, struct sk_buff **to_free); /* everything onto *to_free */
	void (*destroy)(struct Qdisc *q); /* frees what init made; after a failed init, too */
	/* Calls @fn for each packet held, those on q->requeue excepted. */
	void (*walk)(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
		     void *arg);
	void (*dump)(const struct Qdisc *q,
		     struct seq_file *m); /* " limit 10240p ..." behind its name */
	void (*dump_stats)(const struct Qdisc *q, struct seq_file *m); /* whole lines of its own */
};

struct qdisc_count {
	u64 packets, bytes;
};

struct Qdisc {
	const struct Qdisc_ops *ops;
	struct netdev_queue *txq;
	struct sk_buff_head requeue; /* what the driver had no room for; always served first */
	u32 qlen, backlog;           /* packets, bytes, requeue included */
	u32 limit;                   /* packets (per band for pfifo_fast) */
	bool running;                /* __qdisc_run is on the stack */
	bool can_bypass;
	bool waits; /* it knows of time: packets may be here although the driver has room */
	bool deactivated;
	u64 packets, bytes, drops, requeues, overlimits, bypass, runs;
	/*
	 * Conservation: in = out + lost + what it holds (requeue excepted), packets and bytes, always. Entered; handed out; given
	 * up after they had entered (drops counts these and those that never entered).
	 */
	struct qdisc_count in, out, lost;
	void *priv;
};

extern const struct Qdisc_ops pfifo_fast_ops, noqueue_qdisc_ops, mq_qdisc_ops, pfifo_qdisc_ops,
	bfifo_qdisc_ops, fq_qdisc_ops, fq_codel_qdisc_ops, tbf_qdisc_ops, netem_qdisc_ops;

/* --- The accounts of a discipline ------------------------------------------------------------------------------------------ */
/* What a packet weighs in a queue: its bytes on the wire. The same from enqueue to dequeue. */
static inline u32 qdisc_pkt_len(const struct sk_buff *skb)
{
	return unlikely(skb_is_gso(skb)) ? skb_wire_len(skb) : skb->len;
}

/* Scratch of the discipline that holds the packet: what the device layer keeps in cb stands before it. */
enum { QDISC_CB_OFFSET = 24, QDISC_CB_ROOM = 24 };
static inline void *qdisc_cb(const struct sk_buff *skb)
{
	return (void *)(unsigned long)(skb->cb + QDISC_CB_OFFSET);
}

/* @skb is in the queue now. */
static inline void qdisc_enqueued(struct Qdisc *q, const struct sk_buff *skb)
{
	q->qlen++;
	q->backlog += qdisc_pkt_len(skb);
	q->in.packets++;
	q->in.bytes += qdisc_pkt_len(skb);
}

/* @skb left the queue for the device. */
static inline void qdisc_dequeued(struct Qdisc *q, const struct sk_buff *skb)
{
	q->qlen--;
	q->backlog -= qdisc_pkt_len(skb);
	q->out.packets++;
	q->out.bytes += qdisc_pkt_len(skb);
}

/* @skb left the queue for nowhere. A drop counts as one; the end of the queue does not. */
static inline void qdisc_lost(struct Qdisc *q, const struct sk_buff *skb)
{
	q->qlen--;
	q->backlog -= qdisc_pkt_len(skb);
	q->lost.packets++;
	q->lost.bytes += qdisc_pkt_len(skb);
}

static inline void qdisc_free_later(struct sk_buff *skb, struct sk_buff **to_free)
{
	skb->next = *to_free;
	*to_free = skb;
}

/* @skb, which never was in the queue, is refused. */
static inline int qdisc_refuse(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	q->drops++;
	qdisc_free_later(skb, to_free);
	return NET_XMIT_DROP;
}

/* @skb, taken out of the queue, is dropped. */
static inline void qdisc_drop_queued(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	q->drops++;
	qdisc_lost(q, skb);
	qdisc_free_later(skb, to_free);
}

/* --- The way down (net/sched/dev_queue_xmit.c) ------------------------------------------------------------------------- */
/* Consumes @skb always. 0, NET_XMIT_DROP, NET_XMIT_CN, -ENETDOWN, -ENOMEM. Process or softirq; takes BH off itself. */
int dev_queue_xmit(struct sk_buff *skb);
SKB_CONSUMER(dev_queue_xmit, 1);
void net_tx_action(void) __needs(softirq_ctx); /* NET_TX_SOFTIRQ */
/* net/sched/pick_tx.c: the queue for @skb, below dev->real_num_tx_queues. BH off. */
u16 netdev_pick_tx(struct net_device *dev, struct sk_buff *skb) __needs(softirq_ctx);
u16 netdev_pick_tx_cpu(struct net_device *dev, struct sk_buff *skb, u32 cpu) __needs(softirq_ctx);

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
/* Makes a qdisc for @txq with its defaults; NULL without memory. Process or softirq. */
struct Qdisc *qdisc_create(const struct Qdisc_ops *ops, struct netdev_queue *txq);
struct Qdisc *qdisc_create_spec(const struct qdisc_spec *spec, struct netdev_queue *txq);
void qdisc_destroy(struct Qdisc *q); /* drops what it holds (QDISC_RESET) */
/* Devices of @net with queues that come up from now on get this. Process. */
void qdisc_set_default(struct net *net, const struct qdisc_spec *spec);
/* Replaces the disciplines of @dev, up or down; what the old ones held is dropped, counted QDISC_RESET. 0, -ENOMEM, -EOPNOTSUPP. */
int qdisc_graft(struct net_device *dev, const struct qdisc_spec *spec);
int sched_net_init(
	struct net *net); /* enters the notifier that attaches and detaches qdiscs; 0, -ENOSPC */
void qdisc_show(struct seq_file *m); /* /proc/net/qdisc; arg: struct net */

/* --- Configuration (net/sched/sch_params.c) --------------------------------------------------------------------------------- */
/* "fq_codel,target=5ms,noecn": @spec gets it, defaults filled in. 0; -EINVAL, -ERANGE with *why in words. Pure. */
int qdisc_parse(const char *text, struct qdisc_spec *spec, const char **why);
void qdisc_spec_default(struct qdisc_spec *spec, const struct Qdisc_ops *ops);

/* --- Watchdog (net/sched/sch_watchdog.c): a discipline that has packets, but not yet ------------------------------------------ */
struct qdisc_watchdog {
	struct timer timer;
	struct netdev_queue *txq;
};
void qdisc_watchdog_init(struct qdisc_watchdog *wd, struct Qdisc *q);
/* NET_TX runs the queue at @expires_ns; replaces the time said before. */
void qdisc_watchdog_schedule_ns(struct qdisc_watchdog *wd, u64 expires_ns);
void qdisc_watchdog_cancel(struct qdisc_watchdog *wd);

/* --- Flows (net/sched/flow_dissector.c) ---------------------------------------------------------------------------------------- */
/* Hash of what tells flows apart: addresses, protocol, ports; kept in skb->hash. 0: no flow that we know. */
u32 skb_get_hash(const struct net *net, struct sk_buff *skb);
#endif
