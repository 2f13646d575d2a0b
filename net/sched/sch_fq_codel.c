// SPDX-License-Identifier: MIT
/*
 * fq_codel: flows share the device byte by byte, flows that only just came go first, and within each CoDel keeps the time
 * short that packets wait.
 *
 *   packet -> hash -> one of 1024 flows, each a first-in first-out queue with CoDel's state
 *   new flows: one quantum each, before all others --(used up, or empty while others wait)--> old flows: in turn
 *
 * Interface: fq_codel_qdisc_ops.
 * Above: sch_generic.c and sch_tbf.c call by table.  Below: codel.c, flow_dissector.c.
 * Context: BH off.
 * Owns: the packets in the flows: at most limit of them and memory_limit bytes; when there are more, the flow with most
 * bytes loses from its head.
 * Specs: RFC 8290 (4.1 enqueue, 4.2 dequeue, 5.2 parameters); RFC 8289; RFC 3168 (5, 12) for the mark; RFC 1624 for its sum.
 */
#include "codel.h"
#include "sched_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <lib/bug.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/checksum.h>
#include <wire/ipv4.h>

enum fq_codel_param {
	FQC_LIMIT,
	FQC_FLOWS,
	FQC_QUANTUM,
	FQC_TARGET,
	FQC_INTERVAL,
	FQC_MEMORY,
	FQC_BATCH,
	FQC_ECN
};

struct codel_flow {
	struct sk_buff_head queue;
	struct list_head list; /* on new_flows or old_flows; empty: on none */
	s32 deficit;           /* bytes it may still send in this round */
	u32 backlog;           /* bytes */
	struct codel_vars codel;
};

struct fq_codel_priv {
	struct codel_flow *flows;
	u32 nr_flows;
	u32 quantum, batch, memory_limit, memory; /* bytes, packets, bytes of truesize twice */
	bool ecn;
	struct codel_params params;
	struct list_head new_flows, old_flows;
	u32 maxpacket;
	u64 drop_overlimit, drop_overmemory, new_flow_count, ecn_mark;
};

struct fq_codel_cb {
	u64 enqueued_ns;
};
static_assert(sizeof(struct fq_codel_cb) <= QDISC_CB_ROOM, "scratch");

static struct fq_codel_cb *fq_codel_cb(const struct sk_buff *skb)
{
	return qdisc_cb(skb);
}

static int fq_codel_init(struct Qdisc *q, const struct qdisc_spec *spec)
{
	struct fq_codel_priv *p = q->priv;
	const u64 *val = spec->root.val;

	q->limit = (u32)val[FQC_LIMIT];
	p->nr_flows = (u32)val[FQC_FLOWS];
	p->quantum = (u32)val[FQC_QUANTUM];
	p->batch = (u32)val[FQC_BATCH];
	p->memory_limit = (u32)val[FQC_MEMORY];
	p->ecn = val[FQC_ECN];
	p->params = (struct codel_params){ val[FQC_TARGET], val[FQC_INTERVAL] };
	p->maxpacket = 256;
	INIT_LIST_HEAD(&p->new_flows);
	INIT_LIST_HEAD(&p->old_flows);
	p->flows = kzalloc(p->nr_flows * sizeof(*p->flows));
	if (!p->flows)
		return -ENOMEM;
	for (u32 i = 0; i < p->nr_flows; i++) {
		skb_queue_head_init(&p->flows[i].queue);
		INIT_LIST_HEAD(&p->flows[i].list);
	}
	q->can_bypass = true;
	return 0;
}

static void fq_codel_destroy(struct Qdisc *q)
{
	struct fq_codel_priv *p = q->priv;

	kfree(p->flows);
}

/* Takes the oldest packet of a flow; the flow's accounts follow, the queue's are the caller's. */
static struct sk_buff *flow_take(struct fq_codel_priv *p, struct codel_flow *f)
{
	struct sk_buff *skb = skb_dequeue(&f->queue);

	if (skb) {
		f->backlog -= qdisc_pkt_len(skb);
		p->memory -= skb->truesize;
	}
	return skb;
}

/* --- In, RFC 8290 (4.1) -------------------------------------------------------------------------------------------------- */
static struct codel_flow *fattest_flow(struct fq_codel_priv *p)
{
	struct codel_flow *fattest = &p->flows[0];

	for (u32 i = 1; i < p->nr_flows; i++)
		if (p->flows[i].backlog > fattest->backlog)
			fattest = &p->flows[i];
	return fattest;
}

/* Half of the fattest flow's bytes go, at most a batch of packets: looking for it is dear, so not one by one. */
static struct codel_flow *drop_from_fattest(struct Qdisc *q, struct sk_buff **to_free)
{
	struct fq_codel_priv *p = q->priv;
	struct codel_flow *f = fattest_flow(p);
	u32 floor = f->backlog / 2, n = 0;

	do {
		struct sk_buff *skb = flow_take(p, f);

		BUG_ON(!skb);
		qdisc_drop_queued(skb, q, to_free);
		n++;
	} while (n < p->batch && f->backlog > floor);
	f->codel.count += n; /* the sender does too much: CoDel learns of it, too */
	return f;
}

static int fq_codel_enqueue(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	struct fq_codel_priv *p = q->priv;
	u32 hash = skb_get_hash(q->txq->dev->net, skb);
	struct codel_flow *f = &p->flows[(u64)hash * p->nr_flows >> 32], *victim;
	u64 drops = q->drops;
	bool memory;

	fq_codel_cb(skb)->enqueued_ns = ktime_get_ns();
	skb_queue_tail(&f->queue, skb);
	f->backlog += qdisc_pkt_len(skb);
	p->memory += skb->truesize;
	qdisc_enqueued(q, skb);
	if (list_empty(&f->list)) {
		list_add_tail(&f->list, &p->new_flows);
		f->deficit = (s32)p->quantum;
		p->new_flow_count++;
	}
	memory = p->memory > p->memory_limit;
	if (q->qlen - q->requeue.qlen <= q->limit && !memory)
		return NET_XMIT_SUCCESS;
	victim = drop_from_fattest(q, to_free);
	p->drop_overlimit += q->drops - drops;
	p->drop_overmemory += memory ? q->drops - drops : 0;
	return victim == f ? NET_XMIT_CN : NET_XMIT_SUCCESS;
}

/* --- Out, RFC 8290 (4.2) ------------------------------------------------------------------------------------------------- */
/* Congestion Experienced instead of a drop, when the sender understands it (RFC 3168, 5). */
static bool mark_ce(struct sk_buff *skb)
{
	struct iphdr *iph;
	u32 sum;
	u8 tos;

	if (skb->protocol != htons(ETH_P_IP) || skb->network_header < skb_headroom(skb) ||
	    skb->network_header + sizeof(*iph) > skb_headroom(skb) + skb_headlen(skb))
		return false;
	tos = ip_hdr(skb)->tos;
	if ((tos & INET_ECN_MASK) == INET_ECN_NOT_ECT)
		return false;
	if ((tos & INET_ECN_MASK) == INET_ECN_CE)
		return true;
	if (skb_cow_head(skb, 0))
		return false;
	iph = ip_hdr(skb);
	/* RFC 1624: HC' = ~(~HC + ~m + m'), with m the word of version, length and service. */
	sum = (u16)~ntohs(iph->check) + (u32)(u16) ~(iph->ver_ihl << 8 | tos);
	iph->tos = tos | INET_ECN_CE;
	sum += (u32)(iph->ver_ihl << 8 | iph->tos);
	sum = (sum & 0xffff) + (sum >> 16);
	iph->check = htons((u16) ~((sum & 0xffff) + (sum >> 16)));
	return true;
}

/* The next packet of a flow that CoDel lets pass; what it does not goes onto *@to_free. */
static struct sk_buff *flow_dequeue(struct Qdisc *q, struct codel_flow *f, u64 now,
				    struct sk_buff **to_free)
{
	struct fq_codel_priv *p = q->priv;
	struct sk_buff *skb;
	bool again = false;

	while ((skb = flow_take(p, f))) {
		u64 sojourn = now - fq_codel_cb(skb)->enqueued_ns;

		p->maxpacket = max(p->maxpacket, qdisc_pkt_len(skb));
		if (codel_judge(&f->codel, &p->params, now, sojourn, f->backlog <= p->maxpacket,
				again) == CODEL_PASS)
			return skb;
		if (p->ecn && mark_ce(skb)) {
			codel_marked(&f->codel, &p->params);
			p->ecn_mark++;
			return skb;
		}
		qdisc_drop_queued(skb, q, to_free);
		again = true;
	}
	codel_empty(&f->codel);
	return NULL;
}

static struct sk_buff *fq_codel_dequeue(struct Qdisc *q)
{
	struct fq_codel_priv *p = q->priv;
	struct sk_buff *skb = NULL, *to_free = NULL;
	u64 now = ktime_get_ns();

	while (!skb && !(list_empty(&p->new_flows) && list_empty(&p->old_flows))) {
		bool is_new = !list_empty(&p->new_flows);
		struct codel_flow *f = list_first_entry(is_new ? &p->new_flows : &p->old_flows,
							struct codel_flow, list);

		if (f->deficit <= 0) {
			f->deficit += (s32)p->quantum;
			list_del_init(&f->list);
			list_add_tail(&f->list, &p->old_flows);
			continue;
		}
		skb = flow_dequeue(q, f, now, &to_free);
		if (skb) {
			f->deficit -= (s32)qdisc_pkt_len(skb);
			qdisc_dequeued(q, skb);
			break;
		}
		/* A new flow must wait a round before it is new again, else it would never let the old ones send. */
		bool stays = is_new && !list_empty(&p->old_flows);

		list_del_init(&f->list);
		if (stays)
			list_add_tail(&f->list, &p->old_flows);
	}
	kfree_skb_list_reason(to_free, SKB_DROP_REASON_QDISC_CONGESTED);
	return skb;
}

/* --- The rest ------------------------------------------------------------------------------------------------------------------ */
static void fq_codel_reset(struct Qdisc *q, struct sk_buff **to_free)
{
	struct fq_codel_priv *p = q->priv;

	for (u32 i = 0; i < p->nr_flows; i++) {
		struct codel_flow *f = &p->flows[i];
		struct sk_buff *skb;

		while ((skb = flow_take(p, f))) {
			qdisc_lost(q, skb);
			qdisc_free_later(skb, to_free);
		}
		list_del_init(&f->list);
		f->codel = (struct codel_vars){ 0 };
	}
	BUG_ON(p->memory);
}

static void fq_codel_walk(const struct Qdisc *q, void (*fn)(const struct sk_buff *skb, void *arg),
			  void *arg)
{
	const struct fq_codel_priv *p = q->priv;
	const struct sk_buff *skb;

	for (u32 i = 0; i < p->nr_flows; i++)
		skb_queue_walk(&p->flows[i].queue, skb)
			fn(skb, arg);
}

static void fq_codel_dump(const struct Qdisc *q, struct seq_file *m)
{
	const struct fq_codel_priv *p = q->priv;

	seq_printf(m, " limit %up flows %u quantum %u target ", q->limit, p->nr_flows, p->quantum);
	qdisc_print_time(m, p->params.target_ns);
	seq_puts(m, " interval ");
	qdisc_print_time(m, p->params.interval_ns);
	seq_puts(m, " memory_limit ");
	qdisc_print_size(m, p->memory_limit);
	seq_printf(m, "%s drop_batch %u", p->ecn ? " ecn" : "", p->batch);
}

static u32 list_length(const struct list_head *h)
{
	u32 n = 0;

	for (const struct list_head *e = h->next; e != h; e = e->next)
		n++;
	return n;
}

static void fq_codel_dump_stats(const struct Qdisc *q, struct seq_file *m)
{
	const struct fq_codel_priv *p = q->priv;

	seq_printf(m, "  maxpacket %u drop_overlimit %llu new_flow_count %llu ecn_mark %llu",
		   p->maxpacket, (unsigned long long)p->drop_overlimit,
		   (unsigned long long)p->new_flow_count, (unsigned long long)p->ecn_mark);
	seq_printf(m, " memory_used %u drop_overmemory %llu\n", p->memory,
		   (unsigned long long)p->drop_overmemory);
	seq_printf(m, "  new_flows_len %u old_flows_len %u\n", list_length(&p->new_flows),
		   list_length(&p->old_flows));
}

static const struct qdisc_param fq_codel_params[] = {
	[FQC_LIMIT] = { "limit", QDISC_PACKETS, 10240, 1, 1000000 },
	[FQC_FLOWS] = { "flows", QDISC_NUMBER, 1024, 1, 65536 },
	[FQC_QUANTUM] = { "quantum", QDISC_BYTES, 1514, 256, 1 << 20 },
	[FQC_TARGET] = { "target", QDISC_TIME, 5 * NSEC_PER_MSEC, 0, 100 * NSEC_PER_SEC },
	[FQC_INTERVAL] = { "interval", QDISC_TIME, 100 * NSEC_PER_MSEC, NSEC_PER_USEC,
			   100 * NSEC_PER_SEC },
	[FQC_MEMORY] = { "memory_limit", QDISC_BYTES, 32 << 20, 0, 1 << 30 },
	[FQC_BATCH] = { "drop_batch", QDISC_NUMBER, 64, 1, 65536 },
	[FQC_ECN] = { "ecn", QDISC_FLAG, 1, 0, 1 },
};

const struct Qdisc_ops fq_codel_qdisc_ops = {
	.id = "fq_codel",
	.priv_size = sizeof(struct fq_codel_priv),
	.params = fq_codel_params,
	.nr_params = ARRAY_SIZE(fq_codel_params),
	.init = fq_codel_init,
	.enqueue = fq_codel_enqueue,
	.dequeue = fq_codel_dequeue,
	.reset = fq_codel_reset,
	.destroy = fq_codel_destroy,
	.walk = fq_codel_walk,
	.dump = fq_codel_dump,
	.dump_stats = fq_codel_dump_stats,
};
