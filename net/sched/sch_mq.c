// SPDX-License-Identifier: MIT
/*
 * mq: the root of a device with several transmit queues. It holds no packet: each queue has a discipline of its own, and
 * mq shows what all of them counted.
 *
 * Interface: mq_qdisc_ops.
 * Above: sch_api.c, by table.  Below: the disciplines of the queues, of which it reads the counts.
 * Context: process.
 * Owns: nothing.
 * Specs: tc-mq (Linux Documentation/networking/multiqueue).
 */
#include "sched_internal.h"

static void add_count(struct qdisc_count *sum, const struct qdisc_count *c)
{
	sum->packets += c->packets;
	sum->bytes += c->bytes;
}

/**
 * mq_sum() - what the disciplines of all queues of a device counted together, as of now.
 * @sum: gets the counts; everything else in it is not touched
 * Context: process, softirq.
 */
void mq_sum(const struct net_device *dev, struct Qdisc *sum)
{
	sum->qlen = sum->backlog = 0;
	sum->packets = sum->bytes = sum->drops = sum->requeues = sum->overlimits = 0;
	sum->bypass = sum->runs = 0;
	sum->in = sum->out = sum->lost = (struct qdisc_count){ 0, 0 };
	for (u32 i = 0; i < dev->num_tx_queues; i++) {
		const struct Qdisc *q = dev->_tx[i].qdisc;

		if (!q)
			continue;
		sum->qlen += q->qlen;
		sum->backlog += q->backlog;
		sum->packets += q->packets;
		sum->bytes += q->bytes;
		sum->drops += q->drops;
		sum->requeues += q->requeues;
		sum->overlimits += q->overlimits;
		sum->bypass += q->bypass;
		sum->runs += q->runs;
		add_count(&sum->in, &q->in);
		add_count(&sum->out, &q->out);
		add_count(&sum->lost, &q->lost);
	}
}

const struct Qdisc_ops mq_qdisc_ops = { .id = "mq" };
