/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints: the way of a packet, stage by stage, in a ring of records.
 *
 * A tracepoint that is off is one 5-byte NOP; trace_set() patches the NOPs of a group of stages to jumps to code out of line
 * that writes a record. On the host the same macro is a branch on a flag. Two forms, each one line in the function:
 *
 *   trace_at(stage, ...)   something happened: one record
 *   trace_fn(stage, ...)   the function was entered, and (by itself, at whatever return) left: two records, a slice
 *
 * Here stand the forms without a packet; <net/trace.h> has those for packets and sockets. Stages: <kernel/trace_stages.h>.
 * Arguments are evaluated only while the stage is on.
 */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H
#include <arch/trace.h>
#include <kernel/trace_stages.h>
#include <lib/types.h>

struct seq_file;

#define TRACE_ENUM(stage, ...) TRACE_##stage,
enum trace_stage { TRACE_STAGES(TRACE_ENUM) NR_TRACE_STAGES };
enum trace_kind { TRACE_AT, TRACE_ENTER, TRACE_EXIT };
enum trace_mode { TRACE_OFF, TRACE_TX, TRACE_ALL };
/* Which context a stage ran in, as <kernel/context.h> tells them apart. */
enum trace_context { TRACE_PROCESS, TRACE_BH, TRACE_SOFTIRQ, TRACE_HARDIRQ };

/* One record. Numbers that mean nothing at a stage are 0. */
struct trace_record {
	u64 ns;           /* monotonic time */
	u64 serial;       /* from 1; a gap at the begin of the ring is what was overwritten */
	const char *note; /* static text: a drop's reason, a softirq's name; or NULL */
	u16 stage;        /* enum trace_stage */
	u8 kind;          /* enum trace_kind */
	u8 context;       /* enum trace_context */
	u32 tid;          /* the thread that ran, or was interrupted */
	u32 skb;          /* id of the packet's descriptor */
	u32 clone_of; /* id of the one it was made from: clone, segment, fragment; 0 an original */
	u32 sock;     /* number of the socket */
	u32 seq;      /* TCP's, of the first byte */
	u32 len;      /* bytes of the packet at this stage */
	u32 qlen;     /* packets in the queue of this stage */
	u32 aux;      /* stage's own: the tail that the doorbell wrote, a thread's number ... */
	u32 reserved;
};
_Static_assert(sizeof(struct trace_record) == 64, "one cache line");

#define TRACE_IN_CRASH 32   /* records that a crash report shows */
#define TRACE_RECORDS  8192 /* the ring: 512 KiB, allocated when tracing is switched on */

/* --- Switching and reading. Process context. ------------------------------------------------------------------------ */
int trace_set(enum trace_mode mode);
enum trace_mode trace_mode(void);
void trace_clear(void);
/* Copies the records from serial number @from on, oldest first, at most @max; returns how many. */
u32 trace_read(struct trace_record *out, u32 max, u64 from);
u64 trace_serial(void); /* of the last record; 0: none yet */
const char *trace_stage_name(u32 stage);
void trace_show(struct seq_file *m); /* /proc/net/trace */
/* The last @n records on the console, for a crash report; nothing while tracing is off. Any context. */
void trace_dump(u32 n);
/* A number nobody else has, for what wants to be told apart in records (sockets). Any context. */
u32 trace_new_id(void);

/* --- Tracepoints ---------------------------------------------------------------------------------------------------------- */
/* Writes a record; what is not in @r yet (time, serial, context, thread) is filled in. Any context. */
void trace_write(struct trace_record *r) __attribute__((cold, noinline));
void trace_hit(enum trace_stage stage, enum trace_kind kind, u32 qlen, u32 aux, const char *note)
	__attribute__((cold, noinline));

#define trace_on(stage) unlikely(arch_trace_on(TRACE_##stage))

/* What cleanup calls when the scope ends, one for each stage: the number must be a constant in the site table. */
#define TRACE_LEAVE(stage, ...)                                                                    \
	static inline __attribute__((always_inline)) void trace_leave_##stage(bool *scope)         \
	{                                                                                          \
		(void)scope;                                                                       \
		if (trace_on(stage))                                                               \
			trace_hit(TRACE_##stage, TRACE_EXIT, 0, 0, NULL);                          \
	}
TRACE_STAGES(TRACE_LEAVE)
/* Declares what makes the EXIT record when its block ends; @hit, which makes the ENTER record, runs now if the stage is on. */
#define trace_scope(stage, hit)                                                                    \
	bool __attribute__((unused, cleanup(trace_leave_##stage))) trace_scope_##stage =           \
		trace_on(stage) ? (hit, true) : false

#define trace_at(stage, qlen, aux, note)                                                           \
	do {                                                                                       \
		if (trace_on(stage))                                                               \
			trace_hit(TRACE_##stage, TRACE_AT, qlen, aux, note);                       \
	} while (0)
/* A declaration: stands where declarations may stand. */
#define trace_fn(stage, qlen, aux, note)                                                           \
	trace_scope(stage, trace_hit(TRACE_##stage, TRACE_ENTER, qlen, aux, note))
#endif
