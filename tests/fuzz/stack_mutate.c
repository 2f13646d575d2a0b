// SPDX-License-Identifier: MIT
/*
 * Mutation of inputs that are lists of records: see stack_mutate() in stack.h.
 *
 * A byte changed at random in such a list mostly shifts everything behind it; here the borders of the records stay.
 *
 * Interface: stack_mutate().
 * Above: fuzz_stack.c, fuzz_tcp.c.  Below: libFuzzer's LLVMFuzzerMutate().
 * Context: between two inputs.  Owns: nothing.
 */
#include "stack.h"

#define RECORD_MAX 32u

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);

struct list {
	u8 *data;
	size_t size, max;
	size_t at[STACK_RECORDS_MAX + 1]; /* where each record begins; behind the last: the end */
	u32 nr;
	u64 rnd;
};

static u32 draw(struct list *l, u32 ceil)
{
	l->rnd = l->rnd * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(l->rnd >> 33) % ceil;
}

static void cut(struct list *l, size_t head)
{
	size_t i = head;

	for (l->nr = 0; i < l->size && l->nr < STACK_RECORDS_MAX; l->nr++) {
		l->at[l->nr] = i;
		i += 1 + stack_args(l->data[i]);
	}
	if (i < l->size) /* what is too much is not played either */
		l->size = i;
	l->at[l->nr] = l->size;
}

static void take_out(struct list *l, u32 i)
{
	memmove(l->data + l->at[i], l->data + l->at[i + 1], l->size - l->at[i + 1]);
	l->size -= l->at[i + 1] - l->at[i];
}

static void put_in(struct list *l, u32 i, const u8 *record, size_t n)
{
	if (l->size + n > l->max)
		return;
	memmove(l->data + l->at[i] + n, l->data + l->at[i], l->size - l->at[i]);
	memcpy(l->data + l->at[i], record, n);
	l->size += n;
}

/* Numbers that fit, but for one or two of them: what differs in everything is dropped at the first door. */
static void make_plausible(struct list *l, u8 *segment)
{
	if (draw(l, 3))
		segment[2] = (u8)(0x10 | (draw(l, 4) ? 0 : draw(l, 64)));
	if (draw(l, 4))
		memset(segment + 4, 0, 2); /* offset of the sequence number */
	if (draw(l, 4))
		memset(segment + 7, 0, 2); /* of the acknowledgment */
	if (draw(l, 4))
		memset(segment + 9, 0xff, 2); /* the window */
	if (draw(l, 4))
		segment[11] = 0; /* options */
}

/* A record that is likely to mean something: low slots, the sound peer more often than the others. */
static size_t invent(struct list *l, u8 *record)
{
	u8 op = (u8)(draw(l, 3) ? draw(l, NR_STACK_OPS) : OP_PEER);
	size_t n = stack_args(op);

	record[0] = op;
	for (size_t i = 1; i <= n; i++)
		record[i] = (u8)(draw(l, 2) ? draw(l, 256) : draw(l, 4));
	if (n && draw(l, 4))
		record[1] = (u8)draw(l, 3);
	if (op == OP_SEGMENT)
		make_plausible(l, record);
	return 1 + n;
}

static void change(struct list *l, u32 i)
{
	u8 record[RECORD_MAX] = { 0 };
	size_t n = l->at[i + 1] - l->at[i], args = n - 1;

	if (!args)
		return;
	memcpy(record, l->data + l->at[i] + 1, args);
	(void)LLVMFuzzerMutate(record, args, args);
	memcpy(l->data + l->at[i] + 1, record, args);
}

size_t stack_mutate(u8 *data, size_t size, size_t max, unsigned int seed, size_t head)
{
	struct list l = { .data = data, .size = size, .max = max, .rnd = seed };
	u8 record[RECORD_MAX + 1];
	u32 i, what;

	if (size < head || max < head + RECORD_MAX)
		return LLVMFuzzerMutate(data, size, max);
	cut(&l, head);
	what = draw(&l, 16);
	i = l.nr ? draw(&l, l.nr) : 0;
	if (what == 0)
		return LLVMFuzzerMutate(data, l.size, max);
	if (what == 1) {
		(void)LLVMFuzzerMutate(data, head, head);
	} else if (what < 6 || !l.nr) {
		put_in(&l, l.nr ? draw(&l, l.nr + 1) : 0, record, invent(&l, record));
	} else if (what < 8) {
		take_out(&l, i);
	} else if (what < 10) {
		size_t n = l.at[i + 1] - l.at[i];

		memcpy(record, l.data + l.at[i], n);
		if (what == 9)
			take_out(&l, i);
		cut(&l, head);
		put_in(&l, draw(&l, l.nr + 1), record, n);
	} else {
		change(&l, i);
	}
	return l.size;
}
