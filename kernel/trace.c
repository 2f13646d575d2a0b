// SPDX-License-Identifier: MIT
/*
 * Tracing: switches the tracepoints of a group of stages, and keeps the last TRACE_RECORDS records they wrote.
 *
 * The ring is allocated when tracing is first switched on and kept; a full ring overwrites its oldest record, and the serial
 * numbers tell how many are gone. A record is written with interrupts off, so that serial numbers and times rise together
 * whatever interrupts whom.
 *
 * Interface: <kernel/trace.h>.
 * Above: every room with a tracepoint; proc.c prints the page, panic.c the last records.  Below: vmalloc, arch_trace_patch().
 * Context: writing any; switching and reading process.
 * Owns: the ring.
 */
#include <kernel/trace.h>

#include <kernel/arch.h>
#include <kernel/context.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>

enum group { TX = TRACE_TX, ALL = TRACE_ALL };

#define STAGE(stage_, function_, file_, layer_, group_, owner_)                                    \
	{ .name = #stage_, .layer = layer_, .group = group_ },
static const struct {
	const char *name, *layer;
	enum group group;
} stages[] = { TRACE_STAGES(STAGE) };
static_assert(ARRAY_SIZE(stages) == NR_TRACE_STAGES, "the list is the enum");

static const char *const contexts[] = { "process", "bh", "softirq", "hardirq" };

static struct {
	struct trace_record *ring; /* TRACE_RECORDS; NULL: never switched on */
	u64 serial;                /* of the last record */
	u64 first;                 /* records before it were forgotten by trace_clear() */
	u32 last_id;
	enum trace_mode mode;
} trace = { .first = 1 };

/* --- Writing --------------------------------------------------------------------------------------------------------- */
static enum trace_context context_now(void)
{
	if (in_hardirq())
		return TRACE_HARDIRQ;
	if (in_serving_softirq())
		return TRACE_SOFTIRQ;
	return in_bh() ? TRACE_BH : TRACE_PROCESS;
}

/**
 * trace_write() - writes a record behind the others.
 * @r: what the stage knows; time, serial number, context and thread are filled in. Stays the caller's.
 * Context: any.
 */
void trace_write(struct trace_record *r)
{
	const struct thread *me = this_cpu()->current;
	unsigned long flags = local_irq_save();

	if (trace.ring) {
		r->ns = arch_clock_ns();
		r->serial = ++trace.serial;
		r->context = (u8)context_now();
		r->tid = me ? me->tid : 0;
		trace.ring[r->serial % TRACE_RECORDS] = *r;
	}
	local_irq_restore(flags);
}

/**
 * trace_hit() - a stage without a packet was met.
 * @qlen, @aux, @note: the stage's own; see struct trace_record.
 * Context: any.
 */
void trace_hit(enum trace_stage stage, enum trace_kind kind, u32 qlen, u32 aux, const char *note)
{
	struct trace_record r = {
		.stage = (u16)stage, .kind = (u8)kind, .qlen = qlen, .aux = aux, .note = note
	};

	trace_write(&r);
}

/**
 * trace_new_id() - a number that nobody else has.
 * Context: any.
 * Return: 1, 2, ...
 */
u32 trace_new_id(void)
{
	unsigned long flags = local_irq_save();
	u32 id = ++trace.last_id;

	local_irq_restore(flags);
	return id;
}

/* --- Switching --------------------------------------------------------------------------------------------------------- */
/**
 * trace_set() - switches tracepoints: none, those of the transmit path, or all.
 * Context: process, after vmalloc_init().
 * Return: 0; -ENOMEM for the ring or the patching: everything is off then.
 */
int trace_set(enum trace_mode mode)
{
	bool on[NR_TRACE_STAGES], off[NR_TRACE_STAGES] = { false };
	void *window;

	if (mode != TRACE_OFF && !trace.ring) {
		trace.ring = vmalloc(TRACE_RECORDS * sizeof(*trace.ring));
		if (!trace.ring)
			return -ENOMEM;
	}
	window = vm_area_reserve(2 * PAGE_SIZE);
	if (!window)
		return -ENOMEM;
	for (u32 i = 0; i < NR_TRACE_STAGES; i++)
		on[i] = (enum trace_mode)stages[i].group <= mode;
	arch_trace_patch(on, window);
	trace.mode = mode;
	/* A second pass finds nothing to do, unless the first ran out of memory. */
	if (arch_trace_patch(on, window)) {
		arch_trace_patch(off, window);
		trace.mode = TRACE_OFF;
	}
	vm_area_release(window);
	return trace.mode == mode ? 0 : -ENOMEM;
}

/**
 * trace_mode() - what is switched on.
 * Context: any.
 * Return: the mode of the last trace_set().
 */
enum trace_mode trace_mode(void)
{
	return trace.mode;
}

/**
 * trace_clear() - forgets the records written so far; serial numbers go on.
 * Context: process.
 */
void trace_clear(void)
{
	trace.first = trace.serial + 1;
}

/* --- Reading ------------------------------------------------------------------------------------------------------------ */
static u64 oldest(void)
{
	u64 kept = trace.serial >= TRACE_RECORDS ? trace.serial - TRACE_RECORDS + 1 : 1;

	return max(kept, trace.first);
}

/**
 * trace_serial() - the serial number of the last record.
 * Context: any.
 * Return: 0 when there was none yet.
 */
u64 trace_serial(void)
{
	return trace.serial;
}

/**
 * trace_read() - copies records, oldest first.
 * @from: serial number of the first one wanted; 0: all that are kept.
 * Context: process.
 * Return: how many stand at @out.
 */
u32 trace_read(struct trace_record *out, u32 max, u64 from)
{
	u32 n = 0;

	for (u64 s = max_t(u64, from, oldest()); trace.ring && s <= trace.serial && n < max; s++)
		out[n++] = trace.ring[s % TRACE_RECORDS];
	return n;
}

/**
 * trace_stage_name() - how a stage is called.
 * Context: any.
 * Return: static text; "?" for no stage.
 */
const char *trace_stage_name(u32 stage)
{
	return stage < NR_TRACE_STAGES ? stages[stage].name : "?";
}

static const char *kind_sign(u32 kind)
{
	return kind == TRACE_ENTER ? ">" : kind == TRACE_EXIT ? "<" : "-";
}

/**
 * trace_show() - the page /proc/net/trace: what is on, how many records were overwritten, and the records, oldest first.
 * Context: process.
 */
void trace_show(struct seq_file *m)
{
	static const char *const modes[] = { "off", "tx", "all" };
	u64 end = trace.serial; /* what is traced while the page is rendered is for the next one */

	seq_printf(m, "trace %s records %llu overwritten %llu\n", modes[trace.mode],
		   (unsigned long long)end, (unsigned long long)(oldest() - trace.first));
	if (!trace.ring)
		return;
	seq_puts(m, "serial ns context tid kind stage layer skb clone_of sock seq len qlen aux "
		    "note\n");
	for (u64 s = oldest(); s <= end; s++) {
		const struct trace_record *r = &trace.ring[s % TRACE_RECORDS];

		seq_printf(m, "%llu %llu %s %u %s %s %s %u %u %u %u %u %u %u %s\n",
			   (unsigned long long)r->serial, (unsigned long long)r->ns,
			   contexts[r->context], r->tid, kind_sign(r->kind),
			   trace_stage_name(r->stage), stages[r->stage].layer, r->skb, r->clone_of,
			   r->sock, r->seq, r->len, r->qlen, r->aux, r->note ? r->note : "-");
	}
}

/**
 * trace_dump() - the last @n records on the console, newest last; nothing when there are none.
 * Context: any.
 */
void trace_dump(u32 n)
{
	u64 s = oldest();

	if (!trace.ring || s > trace.serial)
		return;
	if (trace.serial - s >= n)
		s = trace.serial - n + 1;
	pr_crit("trace: the last %u records:", (u32)(trace.serial - s + 1));
	for (; s <= trace.serial; s++) {
		const struct trace_record *r = &trace.ring[s % TRACE_RECORDS];

		pr_crit("trace: %llu ns %s %s %s skb %u of %u sock %u seq %u len %u qlen %u %s",
			(unsigned long long)r->ns, contexts[r->context], kind_sign(r->kind),
			trace_stage_name(r->stage), r->skb, r->clone_of, r->sock, r->seq, r->len,
			r->qlen, r->note ? r->note : "");
	}
}
