// SPDX-License-Identifier: MIT
/*
 * The watchdog of a discipline: one timer that schedules the queue when a packet that had to wait may leave.
 *
 * Interface: qdisc_watchdog_init(), qdisc_watchdog_schedule_ns(), qdisc_watchdog_cancel().
 * Above: disciplines that know of time.  Below: <kernel/timer.h>; net/dev (__netif_schedule).
 * Context: BH off; the timer softirq.
 * Owns: nothing; the discipline embeds it, and cancels it before it goes.
 */
#include <net/sch_generic.h>

#include <kernel/trace.h>

static void watchdog_fired(struct timer *t)
{
	struct netdev_queue *txq = container_of(t, struct qdisc_watchdog, timer)->txq;

	BUG_ON(!txq->qdisc); /* it cancels before it goes */
	trace_at(qdisc_watchdog, txq->qdisc->qlen, 0, NULL);
	__netif_schedule(txq);
}

/**
 * qdisc_watchdog_init() - prepares the watchdog of @q; it is not armed.
 * Context: process, softirq. Borrows: @q.
 */
void qdisc_watchdog_init(struct qdisc_watchdog *wd, struct Qdisc *q)
{
	timer_setup_precise(&wd->timer, watchdog_fired);
	wd->txq = q->txq;
	q->waits = true;
}

/**
 * qdisc_watchdog_schedule_ns() - NET_TX looks at the queue at @expires_ns, not before by this; a time said before is forgotten.
 * Context: process, softirq.
 */
void qdisc_watchdog_schedule_ns(struct qdisc_watchdog *wd, u64 expires_ns)
{
	if (timer_pending(&wd->timer) && wd->timer.expires_ns == expires_ns)
		return;
	mod_timer(&wd->timer, expires_ns);
}

/**
 * qdisc_watchdog_cancel() - nothing happens any more. Context: process, softirq.
 */
void qdisc_watchdog_cancel(struct qdisc_watchdog *wd)
{
	del_timer(&wd->timer);
}
