// SPDX-License-Identifier: MIT
/* Disciplines and parameters as text: what each is taken for, what is refused and in which words, and how it is shown. */
#include "rig.h"

/* The page's first line behind "dev eth0 root". */
static const struct shown_row {
	const char *name, *text, *shown;
} shown[] = {
	{ "pfifo_fast", "pfifo_fast",
	  "qdisc pfifo_fast 0: dev eth0 root bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1\n" },
	{ "fq_by_default", "fq",
	  "qdisc fq 0: dev eth0 root limit 10000p flow_limit 100p buckets 1024 quantum 3028b "
	  "initial_quantum 15140b refill_delay 40ms horizon 10s horizon_drop\n" },
	{ "fq_all",
	  "fq,limit=5p,flow_limit=4,buckets=3,quantum=2kb,initial_quantum=1b,maxrate=1.5mbit,"
	  "refill_delay=1s,horizon=250us,horizon_cap",
	  " limit 5p flow_limit 4p buckets 3 quantum 2048b initial_quantum 1b maxrate 1500Kbit "
	  "refill_delay 1s horizon 250us horizon_cap\n" },
	{ "fq_codel_by_default", "fq_codel",
	  "qdisc fq_codel 0: dev eth0 root limit 10240p flows 1024 quantum 1514 target 5ms "
	  "interval 100ms memory_limit 32Mb ecn drop_batch 64\n" },
	{ "fq_codel_all",
	  "fq_codel,limit=1,flows=2,quantum=300,target=0.5ms,interval=1500us,memory_limit=4m,noecn,"
	  "drop_batch=3",
	  " limit 1p flows 2 quantum 300 target 500us interval 1500us memory_limit 4Mb drop_batch "
	  "3\n" },
	{ "fq_codel_ecn_said", "fq_codel,noecn,ecn", " ecn " },
	{ "tbf_latency", "tbf,rate=10mbit,burst=32kb,latency=50ms",
	  "qdisc tbf 0: dev eth0 root rate 10Mbit burst 32Kb limit 95268b\n" },
	{ "tbf_limit", "tbf,rate=1gbit,burst=2mb,limit=1024", " rate 1Gbit burst 2Mb limit 1Kb\n" },
	{ "tbf_in_bytes_a_second", "tbf,rate=125kbps,burst=1514,limit=1kb",
	  " rate 1Mbit burst 1514b limit 1Kb\n" },
	{ "tbf_capitals", "tbf,rate=1Mbit,burst=10Kb,latency=1S",
	  " rate 1Mbit burst 10Kb limit 135240b\n" },
	{ "tbf_bare_numbers", "tbf,rate=8000,burst=2000,latency=50",
	  " rate 8Kbit burst 2000b limit 2000b\n" },
	{ "tbf_child", "tbf,rate=1mbit,burst=2kb,limit=0/fq_codel,target=1ms",
	  "  child fq_codel limit 10240p flows 1024 quantum 1514 target 1ms" },
	{ "tbf_child_default", "tbf,rate=1mbit,burst=2kb,limit=5kb",
	  "  child bfifo limit 5Kb dropped 0 backlog 0b 0p\n" },
	{ "tbf_child_fq", "tbf,rate=1mbit,burst=2kb,limit=0/fq", "  child fq limit 10000p" },
	{ "tbf_child_bands", "tbf,rate=1mbit,burst=2kb,limit=0/pfifo_fast",
	  "  child pfifo_fast bands 3" },
	{ "netem_nothing", "netem,seed=0", "qdisc netem 0: dev eth0 root limit 1000 seed 0\n" },
	{ "netem_all",
	  "netem,limit=7,delay=20ms,jitter=5ms,loss=1%,dup=0.25%,reorder=25%,gap=5,corrupt=0."
	  "000001%,seed=18446744073709551614",
	  " limit 7 delay 20ms  5ms loss 1% duplicate 0.25% reorder 25% corrupt 0.000001% gap 5 "
	  "seed 18446744073709551614\n" },
	{ "netem_burst", "netem,loss=20%,burst=4,seed=1",
	  " limit 1000 loss gemodel p 6.25% r 25% 1-h 100% 1-k 0% seed 1\n" },
	{ "netem_whole_share", "netem,loss=100%,seed=1", " loss 100% " },
	{ "netem_bare_share", "netem,loss=3.5,seed=1", " loss 3.5% " },
	{ "netem_ns", "netem,delay=1500ns,jitter=1ns,seed=1", " delay 1500ns  1ns " },
	{ "netem_more_digits_than_there_are", "netem,loss=0.33333333333333333%,seed=1",
	  " loss 0.333333% " },
	{ "pfifo", "pfifo,limit=12", "qdisc pfifo 0: dev eth0 root limit 12p\n" },
	{ "pfifo_by_default", "pfifo", " limit 1000p\n" },
	{ "bfifo", "bfifo,limit=1gb", " limit 1Gb\n" },
	{ "bfifo_by_default", "bfifo", " limit 1514000b\n" },
	{ "noqueue", "noqueue", "qdisc noqueue 0: dev eth0 root\n" },
};

TEST_EACH(shown, shown)
{
	up(row->text);
	if (!strstr(page(), row->shown))
		printf("# %s", page());
	CHECK(strstr(page(), row->shown));
	down();
}

static const struct refused_row {
	const char *name, *text;
	int err;
	const char *words;
} refused[] = {
	{ "empty", "", -EINVAL, "disciplines are pfifo_fast, fq" },
	{ "unknown", "cake", -EINVAL, "disciplines are" },
	{ "prefix_of_a_name", "fq_code", -EINVAL, "disciplines are" },
	{ "longer_than_a_name", "fqq", -EINVAL, "disciplines are" },
	{ "the_root_of_queues", "mq", -EINVAL, "disciplines are" },
	{ "capitals", "FQ", -EINVAL, "disciplines are" },
	{ "no_such_parameter", "fq,target=5ms", -EINVAL, "no such parameter" },
	{ "no_parameters_at_all", "pfifo_fast,limit=3", -EINVAL, "no such parameter" },
	{ "empty_parameter", "fq,", -EINVAL, "no such parameter" },
	{ "only_a_value", "fq,=3", -EINVAL, "no such parameter" },
	{ "no_before_what_is_no_flag", "fq,nolimit", -EINVAL, "no such parameter" },
	{ "no_alone", "fq_codel,no", -EINVAL, "no such parameter" },
	{ "flag_with_value", "fq_codel,ecn=1", -EINVAL, "takes no value" },
	{ "parameter_without_value", "fq,limit", -EINVAL, "number of packets" },
	{ "empty_value", "fq,limit=", -EINVAL, "number of packets" },
	{ "packets_in_bytes", "fq,limit=3kb", -EINVAL, "number of packets" },
	{ "packets_with_a_point", "fq,limit=3.5", -EINVAL, "number of packets" },
	{ "negative", "fq,limit=-3", -EINVAL, "number of packets" },
	{ "size_as_time", "fq,quantum=3ms", -EINVAL, "a size is" },
	{ "time_as_rate", "fq_codel,target=5mbit", -EINVAL, "a time is" },
	{ "rate_as_size", "tbf,rate=5kb,burst=1kb,limit=1", -EINVAL, "a rate is" },
	{ "share_as_word", "netem,loss=much", -EINVAL, "a share is" },
	{ "share_twice", "netem,loss=1%%", -EINVAL, "a share is" },
	{ "only_a_point", "netem,loss=.%", -EINVAL, "a share is" },
	{ "number_with_unit", "netem,seed=1p", -EINVAL, "a number is expected" },
	{ "flows_0", "fq_codel,flows=0", -ERANGE, "outside of its range" },
	{ "flows_above", "fq_codel,flows=65537", -ERANGE, "outside of its range" },
	{ "quantum_below", "fq_codel,quantum=255", -ERANGE, "outside of its range" },
	{ "share_above", "netem,loss=100.000001%", -ERANGE, "outside of its range" },
	{ "too_many_digits", "fq,limit=99999999999999999999", -ERANGE, "outside of its range" },
	{ "last_digit_too_many", "fq,limit=18446744073709551616", -ERANGE, "outside of its range" },
	{ "too_much_with_its_unit", "netem,delay=99999999999s", -ERANGE, "outside of its range" },
	{ "sum_too_large", "netem,delay=18446744073.9s", -ERANGE, "outside of its range" },
	{ "tbf_alone", "tbf", -EINVAL, "tbf needs rate, burst" },
	{ "tbf_no_burst", "tbf,rate=1mbit,limit=1kb", -EINVAL, "tbf needs rate, burst" },
	{ "tbf_no_limit", "tbf,rate=1mbit,burst=1kb", -EINVAL, "tbf needs rate, burst" },
	{ "tbf_both_limits", "tbf,rate=1mbit,burst=1kb,limit=1kb,latency=5ms", -EINVAL,
	  "not both" },
	{ "tbf_endless_queue", "tbf,rate=100gbit,burst=1kb,latency=100s", -ERANGE,
	  "queue that is too long" },
	{ "tbf_rate_0", "tbf,rate=0,burst=1kb,limit=1kb", -ERANGE, "outside of its range" },
	{ "netem_jitter_alone", "netem,jitter=5ms", -EINVAL, "jitter cannot be more" },
	{ "netem_reorder_alone", "netem,reorder=5%", -EINVAL, "reorder needs a delay" },
	{ "netem_gap_alone", "netem,delay=1ms,gap=5", -EINVAL, "gap needs reorder" },
	{ "netem_burst_alone", "netem,burst=5", -EINVAL, "burst needs a loss" },
	{ "netem_burst_of_all", "netem,loss=100%,burst=5", -EINVAL, "burst needs a loss" },
	{ "child_of_whom_has_none", "fq/fq_codel", -EINVAL, "only tbf" },
	{ "child_empty", "tbf,rate=1mbit,burst=2kb,limit=0/", -EINVAL, "disciplines are" },
	{ "child_with_a_child", "tbf,rate=1mbit,burst=2kb,limit=0/tbf,rate=1mbit,burst=2kb,limit=0",
	  -EINVAL, "cannot stand behind" },
	{ "child_holds_nothing", "tbf,rate=1mbit,burst=2kb,limit=0/noqueue", -EINVAL,
	  "cannot stand behind" },
	{ "grandchild", "tbf,rate=1mbit,burst=2kb,limit=0/fq/fq", -EINVAL, "disciplines are" },
	{ "child_wrong", "tbf,rate=1mbit,burst=2kb,limit=0/fq,limit=x", -EINVAL,
	  "number of packets" },
};

TEST_EACH(refused, refused)
{
	struct qdisc_spec spec;
	const char *why = NULL;

	CHECK_EQ(qdisc_parse(row->text, &spec, &why), row->err);
	CHECK(why && strstr(why, row->words));
}

TEST(what_was_said_is_known)
{
	struct qdisc_spec spec = spec_of("fq,flow_limit=3,flow_limit=4");

	CHECK_EQ(spec.root.given, 1u << 1);
	CHECK_EQ(spec.root.val[1], 4); /* the last one */
	CHECK(!spec.child.ops);
	CHECK(spec.root.ops == &fq_qdisc_ops);
}

KTEST_MAIN_BOOT()
