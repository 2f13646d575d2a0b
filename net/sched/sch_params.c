// SPDX-License-Identifier: MIT
/*
 * Parameters of queueing disciplines: text to checked values, by the table of each discipline, and values to text, as tc has
 * both.
 *
 *   DISCIPLINE[,NAME=VALUE | ,FLAG | ,noFLAG]...[/DISCIPLINE[,...]]
 *
 * What stands behind the slash holds the packets of a discipline that shapes: "tbf,rate=10mbit,burst=16kb/fq_codel".
 *
 * Interface: qdisc_parse(), qdisc_spec_default(); qdisc_print_time(), qdisc_print_rate(), qdisc_print_size(),
 * qdisc_print_share() ("sched_internal.h").
 * Above: boot/options.c, whoever configures; sch_api.c.  Below: the tables of the disciplines.
 * Context: any; pure.  Owns: nothing.
 * Specs: tc(8) for names and units.
 */
#include "sched_internal.h"

#include <kernel/proc.h>
#include <lib/err.h>
#include <lib/string.h>

static const struct Qdisc_ops *const disciplines[] = {
	&pfifo_fast_ops,  &fq_qdisc_ops,    &fq_codel_qdisc_ops, &tbf_qdisc_ops,
	&netem_qdisc_ops, &pfifo_qdisc_ops, &bfifo_qdisc_ops,    &noqueue_qdisc_ops,
};

/* A name for so many of what a parameter counts. The first of a table stands when none is written. */
struct unit {
	const char *name;
	u64 factor;
};

static const struct unit packet_units[] = { { "p", 1 }, { NULL, 0 } };
static const struct unit number_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit byte_units[] = {
	{ "b", 1 },        { "k", 1 << 10 }, { "kb", 1 << 10 }, { "m", 1 << 20 },
	{ "mb", 1 << 20 }, { "g", 1 << 30 }, { "gb", 1 << 30 }, { NULL, 0 },
};
static const struct unit time_units[] = {
	{ "us", NSEC_PER_USEC },
	{ "usec", NSEC_PER_USEC },
	{ "ns", 1 },
	{ "ms", NSEC_PER_MSEC },
	{ "msec", NSEC_PER_MSEC },
	{ "s", NSEC_PER_SEC },
	{ "sec", NSEC_PER_SEC },
	{ NULL, 0 },
};
static const struct unit rate_units[] = {
	{ "bit", 1 },           { "kbit", 1000 },       { "mbit", 1000000 },
	{ "gbit", 1000000000 }, { "bps", 8 },           { "kbps", 8000 },
	{ "mbps", 8000000 },    { "gbps", 8000000000 }, { NULL, 0 },
};
static const struct unit share_units[] = { { "%", QDISC_SHARE_ONE / 100 }, { NULL, 0 } };

static const struct {
	const struct unit *units;
	const char *why;
} kinds[] = {
	[QDISC_PACKETS] = { packet_units, "a number of packets is written like 100 or 100p" },
	[QDISC_NUMBER] = { number_units, "a number is expected" },
	[QDISC_BYTES] = { byte_units, "a size is a number with b, kb, mb or gb" },
	[QDISC_TIME] = { time_units, "a time is a number with ns, us, ms or s" },
	[QDISC_RATE] = { rate_units,
			 "a rate is a number with bit, kbit, mbit, gbit, bps, kbps, mbps or gbps" },
	[QDISC_SHARE] = { share_units, "a share is a percentage like 1% or 0.25%" },
	[QDISC_FLAG] = { NULL, "this parameter takes no value: it is written alone, or with no "
			       "before it" },
};

/* A part of the text. */
struct span {
	const char *p;
	size_t len;
};

static bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.len && strncmp(s.p, word, s.len) == 0;
}

/* Takes what stands before @sep off *@rest; false: nothing is left. */
static bool span_next(struct span *rest, char sep, struct span *part)
{
	const char *end;

	if (!rest->p)
		return false;
	end = memchr(rest->p, sep, rest->len);
	part->p = rest->p;
	part->len = end ? (size_t)(end - rest->p) : rest->len;
	rest->p = end ? end + 1 : NULL;
	rest->len -= part->len + (end != NULL);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The unit in @s, in small letters or capitals; no text: the table's first. 0: there is none of that name. */
static u64 unit_factor(const struct unit *units, struct span s)
{
	if (!s.len)
		return units->factor;
	for (; units->name; units++) {
		size_t i = 0;

		while (i < s.len && units->name[i] && units->name[i] == (s.p[i] | 0x20))
			i++;
		if (i == s.len && !units->name[i])
			return units->factor;
	}
	return 0;
}

/* "1.5mbit". The fraction's tenth digit and those behind it are below every unit's grain. */
static int parse_quantity(struct span s, const struct unit *units, u64 *out)
{
	u64 whole = 0, frac = 0, scale = 1, factor;
	size_t i = 0, digits;

	for (; i < s.len && is_digit(s.p[i]); i++)
		if (__builtin_mul_overflow(whole, 10u, &whole) ||
		    __builtin_add_overflow(whole, (u64)(s.p[i] - '0'), &whole))
			return -ERANGE;
	digits = i;
	if (i < s.len && s.p[i] == '.') {
		for (i++; i < s.len && is_digit(s.p[i]); i++, digits++)
			if (scale < 1000000000) {
				frac = frac * 10 + (u64)(s.p[i] - '0');
				scale *= 10;
			}
	}
	factor = unit_factor(units, (struct span){ s.p + i, s.len - i });
	if (!digits || !factor || (scale > 1 && factor == 1))
		return -EINVAL;
	if (__builtin_mul_overflow(whole, factor, &whole) ||
	    __builtin_add_overflow(whole, frac * factor / scale, out))
		return -ERANGE;
	return 0;
}

/* One "name=value", "flag" or "noflag" of @l's discipline. */
static int parse_param(struct span part, struct qdisc_level *l, const char **why)
{
	struct span name, value = part;
	bool has_value;

	(void)span_next(&value, '=', &name);
	has_value = value.p != NULL;
	*why = "this discipline has no such parameter";
	for (u32 i = 0; i < l->ops->nr_params; i++) {
		const struct qdisc_param *p = &l->ops->params[i];
		bool no = p->unit == QDISC_FLAG && name.len > 2 && strncmp(name.p, "no", 2) == 0 &&
			  span_is((struct span){ name.p + 2, name.len - 2 }, p->name);
		int err = 0;

		if (!no && !span_is(name, p->name))
			continue;
		*why = kinds[p->unit].why;
		l->given |= 1u << i;
		if ((p->unit == QDISC_FLAG) == has_value)
			return -EINVAL;
		if (p->unit == QDISC_FLAG)
			l->val[i] = !no;
		else
			err = parse_quantity(value, kinds[p->unit].units, &l->val[i]);
		if (!err && p->unit != QDISC_FLAG && (l->val[i] < p->lo || l->val[i] > p->hi))
			err = -ERANGE;
		if (err == -ERANGE)
			*why = "a parameter is outside of its range";
		return err;
	}
	return -EINVAL;
}

static void level_default(struct qdisc_level *l, const struct Qdisc_ops *ops)
{
	BUG_ON(ops->nr_params > QDISC_MAX_PARAMS);
	*l = (struct qdisc_level){ .ops = ops };
	for (u32 i = 0; i < ops->nr_params; i++)
		l->val[i] = ops->params[i].def;
}

static int parse_level(struct span text, struct qdisc_level *l, const char **why)
{
	const struct Qdisc_ops *ops = NULL;
	struct span part = { NULL, 0 };
	int err;

	(void)span_next(&text, ',', &part);
	for (u32 i = 0; i < ARRAY_SIZE(disciplines); i++)
		if (span_is(part, disciplines[i]->id))
			ops = disciplines[i];
	if (!ops) {
		*why = "disciplines are pfifo_fast, fq, fq_codel, tbf, netem, pfifo, bfifo and "
		       "noqueue";
		return -EINVAL;
	}
	level_default(l, ops);
	while (span_next(&text, ',', &part)) {
		err = parse_param(part, l, why);
		if (err)
			return err;
	}
	return ops->check ? ops->check(l, why) : 0;
}

/**
 * qdisc_parse() - a discipline, its parameters and perhaps the one below it, from text.
 * @spec: filled; where nothing is said, with defaults
 * @why: what is wrong, in words, when something is
 * Context: any; pure.
 * Return: 0; -EINVAL no such discipline, parameter or unit, or values that do not go together; -ERANGE.
 */
int qdisc_parse(const char *text, struct qdisc_spec *spec, const char **why)
{
	struct span rest = { text, strlen(text) }, part = { NULL, 0 };
	int err;

	*spec = (struct qdisc_spec){ .root = { 0 } };
	(void)span_next(&rest, '/', &part);
	err = parse_level(part, &spec->root, why);
	if (err || !rest.p)
		return err;
	*why = "only tbf is given a discipline behind a slash";
	if (!spec->root.ops->classful)
		return -EINVAL;
	err = parse_level(rest, &spec->child, why);
	if (err)
		return err;
	*why = "this discipline cannot stand behind a slash";
	return spec->child.ops->classful || !spec->child.ops->enqueue ? -EINVAL : 0;
}

/**
 * qdisc_spec_default() - a discipline as it is when nothing is said about it.
 * Context: any; pure.
 */
void qdisc_spec_default(struct qdisc_spec *spec, const struct Qdisc_ops *ops)
{
	*spec = (struct qdisc_spec){ .root = { 0 } };
	level_default(&spec->root, ops);
}

/* --- To text: the largest unit that divides --------------------------------------------------------------------------------- */
static void print_unit(struct seq_file *m, u64 v, const struct unit *units, u32 n)
{
	while (n > 1 && (!v || v % units[n - 1].factor))
		n--;
	seq_printf(m, "%llu%s", (unsigned long long)(v / units[n - 1].factor), units[n - 1].name);
}

/**
 * qdisc_print_time() - "5ms". Context: any.
 */
void qdisc_print_time(struct seq_file *m, u64 ns)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC }
	};

	print_unit(m, ns, units, ARRAY_SIZE(units));
}

/**
 * qdisc_print_rate() - "10Mbit". Context: any.
 */
void qdisc_print_rate(struct seq_file *m, u64 bps)
{
	static const struct unit units[] = {
		{ "bit", 1 }, { "Kbit", 1000 }, { "Mbit", 1000000 }, { "Gbit", 1000000000 }
	};

	print_unit(m, bps, units, ARRAY_SIZE(units));
}

/**
 * qdisc_print_size() - "32Kb". Context: any.
 */
void qdisc_print_size(struct seq_file *m, u64 bytes)
{
	static const struct unit units[] = {
		{ "b", 1 }, { "Kb", 1 << 10 }, { "Mb", 1 << 20 }, { "Gb", 1 << 30 }
	};

	print_unit(m, bytes, units, ARRAY_SIZE(units));
}

/**
 * qdisc_print_share() - "0.25%". Context: any.
 */
void qdisc_print_share(struct seq_file *m, u64 share)
{
	u64 percent = QDISC_SHARE_ONE / 100, frac = share % percent, digits = 6;

	seq_printf(m, "%llu", (unsigned long long)(share / percent));
	if (frac) {
		for (; frac % 10 == 0; frac /= 10)
			digits--;
		seq_printf(m, ".%0*llu", (int)digits, (unsigned long long)frac);
	}
	seq_puts(m, "%");
}
