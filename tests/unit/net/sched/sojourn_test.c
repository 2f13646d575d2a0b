// SPDX-License-Identifier: MIT
/*
 * What all of it is for: a link of 10 Mbit/s, filled by TCP, and how long packets wait in front of it. Two whole hosts; the
 * time of each packet in the queue is taken where it leaves.
 */
#include "../tcp/wire.h"

#include <net/sch_generic.h>

#define MS NSEC_PER_MSEC

enum { BULK = 2, SAMPLES = 65536 };

static struct {
	u64 ns[SAMPLES];
	u32 n;
} bulk, sparse;
static u16 sparse_port;

static netdev_tx_t timed_xmit(struct sk_buff *skb, struct net_device *d)
{
	u64 waited = ktime_get_ns() - *(const u64 *)qdisc_cb(skb);
	bool tcp = skb->len > 54 && skb->data[23] == 6;
	u16 port = tcp ? (u16)(skb->data[34] << 8 | skb->data[35]) : 0;

	if (tcp && port == sparse_port)
		sparse.ns[sparse.n++ % SAMPLES] = waited;
	else if (tcp)
		bulk.ns[bulk.n++ % SAMPLES] = waited;
	return wire_xmit(skb, d);
}

static const struct net_device_ops timed_ops = { .ndo_start_xmit = timed_xmit };

static int by_size(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static u64 p99(u64 *ns, u32 n)
{
	qsort(ns, n, sizeof(*ns), by_size);
	return ns[n * 99 / 100];
}

static u64 drain(struct socket *s)
{
	static u8 buf[65536];
	u64 total = 0;
	ssize_t n;

	while ((n = get(s, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		total += (u64)n;
	return total;
}

/* Bulk senders that always have more, one that asks 100 bytes every 20 ms; the sojourn of its packets and of theirs. */
static const struct saturated_row {
	const char *name, *text;
	u64 sparse_ms, bulk_ms; /* 99 % wait less */
} saturated[] = {
	{ "fq_codel", "tbf,rate=10mbit,burst=1514,limit=0/fq_codel", 5, 40 },
	{ "fq_codel_tight",
	  "tbf,rate=10mbit,burst=1514,limit=0/fq_codel,target=1300us,interval=20ms", 5, 15 },
	{ "fq", "tbf,rate=10mbit,burst=1514,limit=0/fq", 5, 5000 },
};

TEST_EACH(saturation, saturated)
{
	static u8 data[32768];
	const char *why = "";
	struct qdisc_spec spec;
	struct socket *s[BULK + 1][2], *l;
	u64 got[BULK + 1] = { 0 }, begin, p;

	hosts_up(1);
	CHECK_EQ(qdisc_parse(row->text, &spec, &why), 0);
	l = tcp_listener(1, PORT, 8);
	for (u32 i = 0; i <= BULK; i++) {
		s[i][0] = tcp_socket(0);
		CHECK_EQ(try_connect(s[i][0], 1, PORT, 0), 0);
		s[i][1] = accepted(l, 0);
		CHECK(s[i][1]);
	}
	sock_release(l);
	CHECK_EQ(qdisc_graft(devs[0], &spec), 0);
	devs[0]->netdev_ops = &timed_ops;
	set_opt(s[BULK][0], IPPROTO_TCP, TCP_NODELAY, 1);
	sparse_port = ntohs(s[BULK][0]->sk->inet_sport);
	bulk.n = sparse.n = 0;
	for (u32 ms = 0; ms < 12000; ms++) {
		if (ms == 2000) { /* after slow start */
			bulk.n = sparse.n = 0;
			memset(got, 0, sizeof(got));
		}
		for (u32 i = 0; i < BULK; i++)
			while (put(s[i][0], data, sizeof(data), MSG_DONTWAIT) > 0)
				;
		if (ms % 20 == 0)
			(void)put(s[BULK][0], data, 100, MSG_DONTWAIT);
		host_clock_advance(MS);
		for (u32 i = 0; i <= BULK; i++)
			got[i] += drain(s[i][1]);
	}
	begin = got[0] + got[1];
	CHECK(bulk.n > 7000 && sparse.n > 450); /* the link was full: 825 packets a second */
	CHECK(begin > 10 * 1100000);
	p = p99(sparse.ns, sparse.n);
	printf("# %s: sparse p99 %llu us,", row->name, (unsigned long long)(p / 1000));
	CHECK(p < row->sparse_ms * MS);
	p = p99(bulk.ns, bulk.n);
	printf(" bulk p50 %llu us, p99 %llu us, shares %llu %llu\n",
	       (unsigned long long)(bulk.ns[bulk.n / 2] / 1000), (unsigned long long)(p / 1000),
	       (unsigned long long)got[0], (unsigned long long)got[1]);
	CHECK(p < row->bulk_ms * MS);
	CHECK(got[0] * 100 > got[1] * 95 && got[1] * 100 > got[0] * 95); /* fair within 5 % */
	for (u32 i = 0; i <= BULK; i++) {
		sock_release(s[i][0]);
		close_accepted(s[i][1]);
	}
	devs[0]->netdev_ops = &wire_ops;
	hosts_down();
}

KTEST_MAIN_BOOT()
