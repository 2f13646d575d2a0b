// SPDX-License-Identifier: MIT
/* Tracing by itself: switching groups of stages, the ring, slices, contexts, the page, the end of a crash report. */
#include "host.h"
#include "ktest.h"

#include <kernel/context.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/softirq.h>
#include <kernel/trace.h>
#include <lib/err.h>

static struct trace_record rec[TRACE_RECORDS];

/* Two stages to play with: qdisc_run belongs to TX, timer_irq to ALL. */
static void hit_both(void)
{
	trace_at(qdisc_run, 3, 7, "note");
	trace_at(timer_irq, 0, 0, NULL);
}

static u32 read_all(void)
{
	return trace_read(rec, ARRAY_SIZE(rec), 0);
}

static void begin(enum trace_mode mode)
{
	CHECK_EQ(trace_set(mode), 0);
	trace_clear();
}

TEST(off_writes_nothing)
{
	static bool evaluated;
	u64 serial = trace_serial();

	CHECK_EQ(trace_mode(), TRACE_OFF);
	hit_both();
	trace_at(qdisc_run, (evaluated = true), 0, NULL);
	CHECK(!evaluated); /* arguments cost nothing either */
	CHECK_EQ(trace_serial(), serial);
	trace_dump(5);
	CHECK(!strstr(host_console(), "the last"));
}

/* One allocation after the other fails: the pages of the ring, the record of the window. */
TEST(no_memory_leaves_everything_off)
{
	const char *why;
	u32 n;

	for (n = 1; n < 400; n++) {
		char rule[32];
		int err;

		snprintf(rule, sizeof(rule), "alloc,at=%u", n);
		CHECK_EQ(fault_parse("fault", rule, NULL, &why), 0);
		err = trace_set(TRACE_TX);
		memset(faults, 0, sizeof(faults));
		faults_armed = false;
		if (!err)
			break;
		CHECK_EQ(err, -ENOMEM);
		CHECK_EQ(trace_mode(), TRACE_OFF);
		hit_both();
		CHECK_EQ(read_all(), 0);
	}
	CHECK(n > 1 && n < 400);
	CHECK_EQ(trace_set(TRACE_OFF), 0);
}

static const struct {
	const char *name;
	enum trace_mode mode;
	u32 records;
} groups[] = { { "off", TRACE_OFF, 0 }, { "tx", TRACE_TX, 1 }, { "all", TRACE_ALL, 2 } };

TEST_EACH(group, groups)
{
	begin(row->mode);
	hit_both();
	CHECK_EQ(read_all(), row->records);
	CHECK_EQ(trace_set(TRACE_OFF), 0);
	hit_both();
	CHECK_EQ(read_all(), row->records); /* what was written stays */
}

TEST(record_says_what_when_where)
{
	u64 before = host_clock();

	begin(TRACE_TX);
	host_clock_advance(1234);
	trace_at(qdisc_run, 3, 7, "note");
	CHECK_EQ(read_all(), 1);
	CHECK_EQ(rec[0].stage, TRACE_qdisc_run);
	CHECK_EQ(rec[0].kind, TRACE_AT);
	CHECK_EQ(rec[0].qlen, 3);
	CHECK_EQ(rec[0].aux, 7);
	CHECK_STR(rec[0].note, "note");
	CHECK(rec[0].ns >= before + 1234);
	CHECK_EQ(rec[0].serial, trace_serial());
	CHECK_EQ(rec[0].tid, current_thread()->tid);
	CHECK_STR(trace_stage_name(rec[0].stage), "qdisc_run");
	CHECK_STR(trace_stage_name(NR_TRACE_STAGES), "?");
	trace_set(TRACE_OFF);
}

static int leaves_early(int how)
{
	trace_fn(qdisc_run, 0, 0, NULL);
	if (how == 0)
		return 1;
	{
		trace_fn(net_rx_action, 0, 0, NULL);
		if (how == 1)
			return 2;
	}
	return 3;
}

TEST(a_slice_ends_at_every_return)
{
	static const u32 count[] = { 2, 4, 4 };

	for (int how = 0; how < 3; how++) {
		u32 n;

		begin(TRACE_TX);
		CHECK_EQ(leaves_early(how), how + 1);
		n = read_all();
		CHECK_EQ(n, count[how]);
		CHECK(rec[0].stage == TRACE_qdisc_run && rec[0].kind == TRACE_ENTER);
		CHECK(rec[n - 1].stage == TRACE_qdisc_run && rec[n - 1].kind == TRACE_EXIT);
		if (n == 4)
			CHECK(rec[1].kind == TRACE_ENTER && rec[2].kind == TRACE_EXIT &&
			      rec[1].stage == TRACE_net_rx_action && rec[2].stage == rec[1].stage);
	}
	trace_set(TRACE_OFF);
}

static void in_softirq(struct tasklet *t)
{
	(void)t;
	trace_at(qdisc_dequeue, 0, 0, NULL);
}

TEST(contexts_are_told_apart)
{
	struct tasklet t;
	u32 n, seen = 0;

	tasklet_setup(&t, in_softirq);
	begin(TRACE_TX);
	trace_at(qdisc_dequeue, 0, 0, NULL);
	local_bh_disable();
	trace_at(qdisc_dequeue, 0, 0, NULL);
	local_bh_enable();
	tasklet_schedule(&t);
	hardirq_enter();
	trace_at(qdisc_dequeue, 0, 0, NULL);
	hardirq_exit();
	n = read_all();
	for (u32 i = 0; i < n; i++) {
		static const u8 want[] = { TRACE_PROCESS, TRACE_BH, TRACE_SOFTIRQ, TRACE_HARDIRQ };

		if (rec[i].stage != TRACE_qdisc_dequeue)
			continue;
		CHECK_EQ(rec[i].context, want[seen]);
		seen++;
	}
	CHECK_EQ(seen, 4);
	/* The softirq itself is a slice with its name. */
	CHECK(rec[2].stage == TRACE_softirq && rec[2].kind == TRACE_ENTER &&
	      rec[4].kind == TRACE_EXIT);
	CHECK_STR(rec[2].note, "TASKLET");
	trace_set(TRACE_OFF);
}

TEST(full_ring_overwrites_the_oldest_and_counts)
{
	char *text;
	size_t len;
	u64 first;

	begin(TRACE_TX);
	first = trace_serial() + 1;
	for (u32 i = 0; i < TRACE_RECORDS + 10; i++)
		trace_at(qdisc_run, i, 0, NULL);
	CHECK_EQ(read_all(), TRACE_RECORDS);
	CHECK_EQ(rec[0].qlen, 10);
	CHECK_EQ(rec[0].serial, first + 10);
	for (u32 i = 1; i < TRACE_RECORDS; i++)
		CHECK(rec[i].serial == rec[i - 1].serial + 1 && rec[i].ns >= rec[i - 1].ns);
	CHECK_EQ(trace_read(rec, 5, trace_serial() - 1), 2);
	CHECK_EQ(trace_read(rec, 5, 0), 5);
	CHECK_EQ(trace_read(rec, 5, trace_serial() + 1), 0);
	text = proc_render("/proc/net/trace", &len);
	CHECK(!IS_ERR(text) && strstr(text, "overwritten 10\n"));
	kfree(text);
	trace_set(TRACE_OFF);
}

TEST(page_prints_every_record)
{
	char *text, line[160];
	size_t len;

	begin(TRACE_TX);
	trace_at(qdisc_run, 3, 7, "note");
	read_all();
	text = proc_render("/proc/net/trace", &len);
	CHECK(!IS_ERR(text) && strstr(text, "trace tx records "));
	snprintf(line, sizeof(line), "%llu %llu process %u - qdisc_run sched 0 0 0 0 0 3 7 note\n",
		 (unsigned long long)rec[0].serial, (unsigned long long)rec[0].ns, rec[0].tid);
	CHECK(strstr(text, line));
	kfree(text);
	trace_set(TRACE_OFF);
}

TEST(crash_report_shows_the_last_records)
{
	begin(TRACE_TX);
	for (u32 i = 0; i < 10; i++)
		trace_at(qdisc_run, 100 + i, 0, NULL);
	host_console_clear();
	trace_dump(3);
	CHECK(strstr(host_console(), "the last 3 records"));
	CHECK(!strstr(host_console(), "qlen 106"));
	CHECK(strstr(host_console(), "qlen 107") && strstr(host_console(), "qlen 109"));
	host_console_clear();
	trace_dump(1000);
	CHECK(strstr(host_console(), "the last 10 records"));
	trace_clear();
	host_console_clear();
	trace_dump(3);
	CHECK_STR(host_console(), "");
	trace_set(TRACE_OFF);
}

TEST(numbers_are_new)
{
	u32 a = trace_new_id();

	CHECK_EQ(trace_new_id(), a + 1);
}

KTEST_MAIN_BOOT()
