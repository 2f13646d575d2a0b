// SPDX-License-Identifier: MIT
/*
 * Disciplines in the life of their device: several queues below mq, replaced while packets flow, without memory, the watchdog;
 * and each of them under a random load, after every step of which its account must be right.
 */
#include "rig.h"

#include <kernel/trace.h>

/* --- mq ------------------------------------------------------------------------------------------------------------------------- */
static const struct queues_row {
	const char *name, *text;
	u32 queues;
	bool mq;
} queues[] = {
	{ "one", "pfifo_fast", 1, false },
	{ "two", "pfifo_fast", 2, true },
	{ "eight", "fq_codel", 8, true },
	{ "eight_tbf", "tbf,rate=1mbit,burst=2kb,limit=5kb", 8, true },
	{ "none_of_eight", "noqueue", 8, false },
};

TEST_EACH(mq_above, queues)
{
	up_queues(row->text, row->queues);
	CHECK_EQ(dev->qdisc != NULL, row->mq);
	CHECK_EQ(strstr(page(), "qdisc mq 0: dev eth0 root\n") != NULL, row->mq);
	for (u32 i = 0; i < row->queues; i++) {
		CHECK(dev->_tx[i].qdisc->ops == spec_of(row->text).root.ops);
		CHECK(dev->_tx[i].qdisc->txq == &dev->_tx[i]);
	}
	CHECK_EQ(strstr(page(), "parent :8") != NULL, row->mq && row->queues == 8);
	CHECK_EQ(strstr(page(), "parent :9") != NULL, false);
	dev_close(dev);
	CHECK(!dev->qdisc);
	CHECK(strstr(page(), "qdisc noop 0: dev eth0 queue 0\n"));
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(dev->qdisc != NULL, row->mq);
	down();
}

TEST(mq_is_the_sum_of_its_queues)
{
	u64 packets = 0, bytes = 0;
	char line[200];

	up_queues("pfifo_fast", 4);
	for (u32 i = 0; i < 200; i++)
		CHECK_EQ(send(i, i, 100 + i), 0);
	wire_close();
	for (u32 i = 0; i < 40; i++)
		CHECK_EQ(send(i, i, 100), 0);
	for (u32 i = 0; i < 4; i++) {
		const struct Qdisc *q = dev->_tx[i].qdisc;

		CHECK(q->packets > 20 && q->qlen > 2); /* flows spread */
		packets += q->packets;
		bytes += q->bytes;
	}
	CHECK_EQ(packets, 200);
	snprintf(line, sizeof(line),
		 "qdisc mq 0: dev eth0 root\n Sent %llu bytes 200 pkt (dropped 0, overlimits 0 "
		 "requeues 0)\n"
		 " backlog 4000b 40p requeues 0\n",
		 (unsigned long long)bytes);
	CHECK(strstr(page(), line));
	down();
}

TEST(queues_without_memory_for_their_root)
{
	up_queues("pfifo", 2);
	dev_close(dev);
	fail_alloc(5, 0); /* two for each queue, then mq */
	CHECK_EQ(dev_open(dev), 0);
	fail_none();
	CHECK(!dev->qdisc);
	CHECK(strstr(host_console(), "no memory for the root"));
	CHECK_EQ(send(1, 1, 100), 0);
	CHECK_EQ(wire.n, 1);
	CHECK(strstr(page(), "qdisc pfifo 0: dev eth0 root"));
	down();
}

/* Nothing leaves by it, and the sum is that of the others. */
TEST(queue_without_memory_for_its_discipline)
{
	up_queues("pfifo", 3);
	dev_close(dev);
	fail_alloc(3, 0); /* two for each queue: the second's */
	CHECK_EQ(dev_open(dev), 0);
	fail_none();
	CHECK(dev->qdisc && dev->_tx[0].qdisc && !dev->_tx[1].qdisc && dev->_tx[2].qdisc);
	CHECK(strstr(host_console(), "no memory for a queueing discipline"));
	dev->_tx[0].qdisc->packets = 3;
	dev->_tx[2].qdisc->packets = 4;
	dev->_tx[2].qdisc->bytes = 400;
	CHECK(strstr(page(), "qdisc mq 0: dev eth0 root\n Sent 400 bytes 7 pkt (dropped 0"));
	CHECK(strstr(page(), "qdisc noop 0: dev eth0 queue 1\n"));
	down();
}

/* --- Replaced while packets flow -------------------------------------------------------------------------------------------------- */
static const struct graft_row {
	const char *name, *from, *to;
	u32 queues;
} grafts[] = {
	{ "fq_codel_for_pfifo_fast", "pfifo_fast", "fq_codel", 1 },
	{ "pfifo_fast_for_fq_codel", "fq_codel", "pfifo_fast", 1 },
	{ "tbf_for_fq", "fq,maxrate=1mbit", "tbf,rate=8mbit,burst=2kb,limit=1mb", 1 },
	{ "fq_for_netem", "netem,delay=1s", "fq", 1 },
	{ "itself", "fq", "fq", 1 },
	{ "noqueue_for_tbf", "tbf,rate=8mbit,burst=2kb,limit=1mb", "noqueue", 1 },
	{ "bfifo_for_noqueue", "noqueue", "bfifo", 1 },
	{ "four_queues", "fq_codel", "tbf,rate=8mbit,burst=2kb,limit=1mb", 4 },
	{ "no_mq_above_noqueue", "fq_codel", "noqueue", 4 },
	{ "mq_comes_back", "noqueue", "fq", 4 },
};

TEST_EACH(graft, grafts)
{
	u64 reset = skb_stats.drop[R(QDISC_RESET)], dropped = skb_stats.drop[R(QDISC_DROP)];
	struct qdisc_spec to = spec_of(row->to);
	u32 held = 0, sent = 0;

	up_queues(row->from, row->queues);
	for (u32 i = 0; i < 60; i++, sent++)
		CHECK_EQ(send(i, i, 1000), 0);
	if (txq->qdisc->ops->enqueue) {
		wire_close();
		for (u32 i = 0; i < 60; i++, sent++)
			CHECK_EQ(send(i, i, 1000), 0);
	}
	for (u32 i = 0; i < row->queues; i++)
		held += dev->_tx[i].qdisc->qlen;
	CHECK_EQ(qdisc_graft(dev, &to), 0);
	CHECK_EQ(skb_stats.drop[R(QDISC_RESET)] - reset, held);
	CHECK_EQ(skb_stats.drop[R(QDISC_DROP)] - dropped, 0);
	CHECK_EQ(wire.n + held, sent); /* each packet is on one side of it */
	for (u32 i = 0; i < row->queues; i++) {
		CHECK(dev->_tx[i].qdisc->ops == to.root.ops);
		CHECK_EQ(dev->_tx[i].qdisc->qlen, 0);
	}
	CHECK_EQ(dev->qdisc != NULL, row->queues > 1 && to.root.ops->enqueue);
	wire_open();
	for (u32 i = 0; i < 50; i++)
		CHECK_EQ(send(i, i, 1000), 0);
	host_clock_advance(2000 * MS);
	CHECK_EQ(wire.n + held, sent + 50);
	down();
}

static const struct no_graft_row {
	const char *name;
	bool closed, noqueue;
	u64 fails;
	int err;
} no_grafts[] = {
	{ "device_down", true, false, 0, -ENETDOWN },
	{ "device_without_queue", false, true, 0, -EOPNOTSUPP },
	{ "no_memory_for_the_list", false, false, 1, -ENOMEM },
	{ "no_memory_for_the_first", false, false, 2, -ENOMEM },
	{ "no_memory_for_the_last", false, false, 7, -ENOMEM },
};

TEST_EACH(graft_refused, no_grafts)
{
	struct qdisc_spec to = spec_of("fq_codel");
	u64 objects;

	up_queues("pfifo_fast", 2);
	if (row->noqueue)
		dev->priv_flags = IFF_NO_QUEUE;
	wire_close();
	CHECK_EQ(send(1, 1, 100), 0);
	if (row->closed)
		dev_close(dev);
	objects = mm_live_objects();
	if (row->fails)
		fail_alloc(row->fails, 0);
	CHECK_EQ(qdisc_graft(dev, &to), row->err);
	fail_none();
	CHECK_EQ(mm_live_objects(), objects);
	dev->priv_flags = 0;
	if (!row->closed) {
		CHECK(txq->qdisc->ops == &pfifo_fast_ops);
		wire_open();
		CHECK_EQ(wire.n, 1); /* it is where it was */
	}
	down();
}

/* --- The watchdog ------------------------------------------------------------------------------------------------------------------ */
static u32 looked;
static u64 looked_ns;

static struct sk_buff *look(struct Qdisc *q)
{
	(void)q;
	looked++;
	looked_ns = ktime_get_ns();
	return NULL;
}

static int refuse(struct sk_buff *skb, struct Qdisc *q, struct sk_buff **to_free)
{
	return qdisc_refuse(skb, q, to_free);
}

TEST(watchdog)
{
	static const struct Qdisc_ops ops = { .id = "looks", .enqueue = refuse, .dequeue = look };
	struct qdisc_spec spec = { .root = { .ops = &ops } };
	struct qdisc_watchdog wd;
	u64 now;

	up("pfifo_fast");
	CHECK_EQ(qdisc_graft(dev, &spec), 0);
	qdisc_watchdog_init(&wd, txq->qdisc);
	CHECK(txq->qdisc->waits);
	now = ktime_get_ns();
	looked = 0;
	qdisc_watchdog_schedule_ns(&wd, now + 1234567);
	qdisc_watchdog_schedule_ns(&wd, now + 1234567);
	host_clock_advance(1234566);
	CHECK_EQ(looked, 0);
	host_clock_advance(1);
	CHECK_EQ(looked, 1); /* to the ns, once */
	CHECK_EQ(looked_ns, now + 1234567);
	host_clock_advance(1000 * MS);
	CHECK_EQ(looked, 1);
	now = ktime_get_ns();
	qdisc_watchdog_schedule_ns(&wd, now + 50);
	qdisc_watchdog_schedule_ns(&wd, now + 500); /* the last word counts */
	host_clock_advance(400);
	CHECK_EQ(looked, 1);
	host_clock_advance(100);
	CHECK_EQ(looked, 2);
	qdisc_watchdog_schedule_ns(&wd, now + 5000);
	qdisc_watchdog_cancel(&wd);
	host_clock_advance(1000 * MS);
	CHECK_EQ(looked, 2);
	qdisc_watchdog_schedule_ns(&wd, 1); /* past: soon */
	host_clock_advance(1);
	CHECK_EQ(looked, 3);
	CHECK_EQ(timers_live(), 0);
	down();
}

/* Its tracepoint says when a packet that waited may leave, and how many do. */
TEST(watchdog_is_traced)
{
	static struct trace_record rec[64];
	u64 at = 0;
	u32 n, fired = 0;

	up("tbf,rate=8mbit,burst=1000,limit=100kb");
	CHECK_EQ(trace_set(TRACE_TX), 0);
	trace_clear();
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(send(1, i, 1000), 0);
	CHECK_EQ(wire.n, 1);
	n = trace_read(rec, ARRAY_SIZE(rec), 0);
	for (u32 i = 0; i < n; i++)
		CHECK(rec[i].stage != TRACE_qdisc_watchdog);
	trace_clear();
	host_clock_advance(MS); /* a thousand bytes at a byte a microsecond */
	CHECK_EQ(wire.n, 2);
	CHECK_EQ(trace_set(TRACE_OFF), 0);
	n = trace_read(rec, ARRAY_SIZE(rec), 0);
	for (u32 i = 0; i < n; i++) {
		if (rec[i].stage != TRACE_qdisc_watchdog)
			continue;
		CHECK_EQ(rec[i].qlen, 2);
		CHECK_EQ(rec[i].context, TRACE_SOFTIRQ);
		at = rec[i].ns;
		fired++;
	}
	CHECK_EQ(fired, 1);
	CHECK_EQ(at, wire.log[1].at_ns);
	host_clock_advance(10 * MS);
	down();
}

/* --- fifo -------------------------------------------------------------------------------------------------------------------------- */
static const struct fifo_row {
	const char *name, *text;
	u32 len, queued;
} fifos[] = {
	{ "pfifo", "pfifo,limit=3", 1000, 3 },
	{ "pfifo_0", "pfifo,limit=0", 1000, 0 },
	{ "bfifo", "bfifo,limit=3000", 1000, 3 },
	{ "bfifo_a_byte_short", "bfifo,limit=2999", 1000, 2 },
	{ "bfifo_0", "bfifo,limit=0", 1000, 0 },
};

TEST_EACH(fifo, fifos)
{
	up(row->text);
	wire_close();
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(send(i, i, row->len), i < row->queued ? NET_XMIT_SUCCESS : NET_XMIT_DROP);
	CHECK_EQ(txq->qdisc->qlen, row->queued);
	CHECK_EQ(txq->qdisc->drops, 10 - row->queued);
	check_conserved(txq->qdisc);
	wire_open();
	CHECK_EQ(wire.n, row->queued);
	for (u32 i = 0; i < row->queued; i++)
		CHECK_EQ(wire.log[i].mark, i);
	wire_close();
	(void)send(1, 1, row->len);
	down();
}

/* --- Random load -------------------------------------------------------------------------------------------------------------------- */
static u64 rnd_state;

static u32 rnd(u32 ceil)
{
	rnd_state = rnd_state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)((rnd_state >> 33) % ceil);
}

static const struct any_row {
	const char *name, *text;
} any[] = {
	{ "pfifo_fast", "pfifo_fast" },
	{ "pfifo", "pfifo,limit=20" },
	{ "bfifo", "bfifo,limit=20kb" },
	{ "fq", "fq,limit=50,flow_limit=10,maxrate=10mbit,buckets=4" },
	{ "fq_codel", "fq_codel,limit=50,flows=8,target=1ms,interval=5ms" },
	{ "fq_codel_memory", "fq_codel,memory_limit=30kb" },
	{ "tbf", "tbf,rate=40mbit,burst=1600,limit=20kb" },
	{ "tbf_fq_codel",
	  "tbf,rate=40mbit,burst=1600,limit=0/fq_codel,limit=30,target=1ms,interval=10ms" },
	{ "tbf_fq", "tbf,rate=40mbit,burst=1600,limit=0/fq,maxrate=20mbit,limit=30" },
	{ "netem", "netem,delay=5ms,jitter=4ms,loss=5%,burst=3,dup=5%,reorder=10%,gap=3,corrupt=10%"
		   ",limit=30,seed=3" },
};

static struct sk_buff *random_packet(u32 mark)
{
	struct sk_buff *skb;
	u32 what = rnd(20);

	if (what == 0) { /* one that stands for many */
		u32 n = 2 + rnd(8);

		skb = packet(rnd(6), mark, RIG_PAYLOAD + 700 * n);
		skb_shinfo(skb)->gso_size = 700;
		skb_shinfo(skb)->gso_segs = (u16)n;
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb->transport_header;
		skb->csum_offset = 6;
		return skb;
	}
	skb = packet(rnd(6), mark, RIG_PAYLOAD + rnd(1500));
	skb->priority = rnd(9);
	ip_hdr(skb)->tos = (u8)rnd(4);
	if (what == 1)
		skb->tstamp_ns = ktime_get_ns() + rnd(20000000);
	if (what == 2)
		skb->protocol = htons(ETH_P_ARP);
	return skb;
}

TEST_EACH(random_load, any)
{
	u32 grafted = 0;

	up(row->text);
	rnd_state = 12345;
	for (u32 i = 0; i < 4000; i++) {
		struct qdisc_spec spec = spec_of(row->text);

		if (rnd(50) == 0)
			fail_alloc(1 + rnd(3), 0);
		switch (rnd(16)) {
		case 0:
			wire_close();
			break;
		case 1:
			wire_open();
			break;
		case 2:
			host_clock_advance(rnd(3000000));
			break;
		case 3:
			if (!faults_armed && rnd(20) == 0)
				grafted += qdisc_graft(dev, &spec) == 0;
			break;
		case 4:
			rnd(2) ? netif_carrier_on(dev) : netif_carrier_off(dev);
			break;
		default: {
			bool armed = faults_armed;
			struct sk_buff *skb;

			faults_armed = false;
			skb = random_packet(i);
			faults_armed = armed;
			CHECK(dev_queue_xmit(skb) >= 0);
		}
		}
		fail_none();
		check_conserved(txq->qdisc);
	}
	CHECK(grafted > 2);
	CHECK(wire.n > 200);
	netif_carrier_on(dev);
	wire_open();
	host_clock_advance(20000 * MS);
	CHECK_EQ(txq->qdisc->qlen, 0);
	check_conserved(txq->qdisc);
	down();
}

KTEST_MAIN_BOOT()
