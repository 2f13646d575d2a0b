// SPDX-License-Identifier: MIT
/*
 * What a thread reads and writes back in two steps while softirqs may run, and softirqs write too: an update that can be lost.
 *
 * The rooms of net/ are compiled with the compiler's instrumentation of memory accesses (FLAVOUR=race), and this is the other end of it.
 * A word is shared once a thread and a softirq have both touched it since it was allocated. From then on a read and a write of it by a
 * thread, close together, with bottom halves and interrupts on, and any write by a softirq are a pair that is written down, unless a sock
 * protects it: the thread owned it each time, and it was nobody's each time a softirq wrote. That the two met is not needed. What <kernel/count.h>
 * does is one instruction to the instrumentation too, and not looked at.
 *
 * This finds no words that belong together and are read one after the other, no act on what has just been checked, and nothing outside of
 * net/. host_moment() is for those: before each access something may happen (tests/sim/midcall.c), and the simulator's oracles look.
 *
 * Interface: what the compiler calls (__tsan_...), what slab_host.c tells of objects, --wrap=sk_alloc. Each pair is a line in $RACE_REPORT:
 * the thread's stack, "<>", the place in the softirq; addresses.
 * Above: the instrumented rooms. Below: the C library. Context: any. Owns: the table of words.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <net/sock.h>

/* <stdlib.h> has a struct timeval, too. */
char *getenv(const char *name);
void abort(void) __attribute__((noreturn));

#define BUCKETS  (1u << 18)
#define MANY     4096 /* words at a time; socks */
#define FEW      4    /* socks that may protect a word; a thread holds one, seldom two */
#define DEPTH    5
#define NEAR     24 /* accesses between the read and the write */
#define STACK    (256UL << 10)
#define CALLER() ((unsigned long)__builtin_return_address(0))
#define FRAME()  ((const unsigned long *)__builtin_frame_address(0))

struct word {
	struct word *next;
	unsigned long addr;
	u8 touched;       /* 1: by a thread, 2: by a softirq */
	bool split, told; /* a thread has done it in two steps; it is written down */
	u32 nr_owned, nr_taken;
	const struct sock *owned[FEW]; /* by the thread, each time */
	const struct sock *taken[FEW]; /* by some thread, when a softirq wrote */
	unsigned long stack[DEPTH], softirq;
	u64 read_at;
	const struct thread *reader;
};

static struct {
	struct word *bucket[BUCKETS], *unused;
	const struct sock *sock[MANY];
	u32 nr_socks;
	u64 now;
	FILE *report;
	bool proving; /* __tsan_init() */
	u32 found;
} race;

static struct word **bucket_of(unsigned long addr)
{
	return &race.bucket[(addr >> 6) * 0x9E3779B97F4A7C15UL >> 46];
}

static struct word *word_at(unsigned long addr)
{
	struct word **b = bucket_of(addr), *w;

	for (w = *b; w; w = w->next)
		if (w->addr == addr)
			return w;
	if (!race.unused) {
		struct word *more = calloc(MANY, sizeof(*more));

		for (u32 i = 0; more && i < MANY; i++) {
			more[i].next = race.unused;
			race.unused = &more[i];
		}
	}
	w = race.unused;
	if (!w)
		abort();
	race.unused = w->next;
	memset(w, 0, sizeof(*w));
	w->addr = addr;
	w->next = *b;
	*b = w;
	return w;
}

/* Other memory from here on: nothing is known of it. */
static void forget(unsigned long from, size_t len)
{
	for (unsigned long line = from & ~63UL; line < from + len; line += 64) {
		for (struct word **p = bucket_of(line); *p;) {
			struct word *w = *p;

			if (w->addr < from || w->addr >= from + len) {
				p = &w->next;
				continue;
			}
			*p = w->next;
			w->next = race.unused;
			race.unused = w;
		}
	}
}

static bool has(const struct sock *const *list, u32 n, const struct sock *sk)
{
	for (u32 i = 0; i < n; i++)
		if (list[i] == sk)
			return true;
	return false;
}

/* A line in the report, once for each word. */
static void judge(struct word *w)
{
	const char *path = getenv("RACE_REPORT");

	if (w->told || !w->split || !w->softirq)
		return;
	for (u32 i = 0; i < w->nr_owned; i++)
		if (!has(w->taken, w->nr_taken, w->owned[i]))
			return;
	w->told = true;
	race.found++;
	if (!path || race.proving)
		return;
	if (!race.report)
		race.report = fopen(path, "a");
	if (!race.report)
		abort();
	for (u32 i = 0; i < DEPTH && w->stack[i]; i++)
		fprintf(race.report, "%lx ", w->stack[i]);
	fprintf(race.report, "<> %lx\n", w->softirq);
	fflush(race.report); /* seeds end by _exit() */
}

static void softirq_wrote(struct word *w, unsigned long pc)
{
	w->softirq = pc;
	for (u32 i = 0; i < race.nr_socks && w->nr_taken < FEW; i++)
		if (race.sock[i]->sk_owned && !has(w->taken, w->nr_taken, race.sock[i]))
			w->taken[w->nr_taken++] = race.sock[i];
	judge(w);
}

static void note_stack(struct word *w, unsigned long pc, const unsigned long *frame)
{
	memset(w->stack, 0, sizeof(w->stack));
	w->stack[0] = pc;
	for (u32 i = 1; i < DEPTH; i++) {
		const unsigned long *up = (const unsigned long *)frame[0];

		if (up <= frame || up > frame + STACK / sizeof(*frame))
			return;
		frame = up;
		w->stack[i] = frame[1];
	}
}

static void thread_split(struct word *w, unsigned long pc, const unsigned long *frame)
{
	u32 kept = 0;

	note_stack(w, pc, frame);
	if (!w->split) {
		for (u32 i = 0; i < race.nr_socks && w->nr_owned < FEW; i++)
			if (race.sock[i]->sk_owned)
				w->owned[w->nr_owned++] = race.sock[i];
	}
	w->split = true;
	for (u32 i = 0; i < w->nr_owned; i++)
		if (has(race.sock, race.nr_socks, w->owned[i]) && w->owned[i]->sk_owned)
			w->owned[kept++] = w->owned[i];
	w->nr_owned = kept;
	judge(w);
}

static void touch(unsigned long addr, bool write, unsigned long pc, const unsigned long *frame)
{
	const struct cpu *cpu = this_cpu();
	struct word *w;

	race.now++;
	if (addr + STACK - (unsigned long)frame < 2 * STACK || cpu->hardirq_depth)
		return; /* a local variable */
	if (addr == (unsigned long)&host_irqs_off)
		return;
	w = word_at(addr);
	w->touched |= cpu->in_softirq ? 2 : 1;
	if (w->touched != 3)
		return;
	if (cpu->in_softirq) {
		if (write)
			softirq_wrote(w, pc);
	} else if (!cpu->bh_count && !arch_irqs_disabled()) {
		if (!write) {
			w->read_at = race.now;
			w->reader = cpu->current;
		} else if (w->read_at && race.now - w->read_at < NEAR &&
			   w->reader == cpu->current) {
			thread_split(w, pc, frame);
		}
	}
}

static void before(unsigned long addr, bool write, unsigned long pc, const unsigned long *frame)
{
	if (host_moment)
		host_moment();
	touch(addr, write, pc, frame);
}

/* --- What slab_host.c says: an object begins, an object ends ------------------------------------------------------------------- */
void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);

void __asan_poison_memory_region(const volatile void *p, size_t n)
{
	(void)n;
	forget((unsigned long)p, malloc_usable_size((void *)(unsigned long)p));
}

/* @p, @n: what lies before an object that ends. */
void __asan_unpoison_memory_region(const volatile void *p, size_t n)
{
	for (u32 i = 0; i < race.nr_socks; i++)
		if ((unsigned long)race.sock[i] == (unsigned long)p + n)
			race.sock[i] = race.sock[--race.nr_socks];
}

struct sock *__real_sk_alloc(struct net *net, u16 family, struct proto *prot);
struct sock *__wrap_sk_alloc(struct net *net, u16 family, struct proto *prot);

struct sock *__wrap_sk_alloc(struct net *net, u16 family, struct proto *prot)
{
	struct sock *sk = __real_sk_alloc(net, family, prot);

	if (sk && race.nr_socks < MANY)
		race.sock[race.nr_socks++] = sk;
	return sk;
}

/* --- What the compiler calls --------------------------------------------------------------------------------------------------- */
#define ACCESS(name, write)                                                                        \
	void name(unsigned long addr);                                                             \
	void name(unsigned long addr)                                                              \
	{                                                                                          \
		before(addr, write, CALLER(), FRAME());                                            \
	}
#define ACCESSES(n)                                                                                \
	ACCESS(__tsan_read##n, false)                                                              \
	ACCESS(__tsan_write##n, true)                                                              \
	ACCESS(__tsan_unaligned_read##n, false)                                                    \
	ACCESS(__tsan_unaligned_write##n, true)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

#define RANGE(name, write)                                                                         \
	void name(unsigned long addr, size_t len);                                                 \
	void name(unsigned long addr, size_t len)                                                  \
	{                                                                                          \
		(void)len;                                                                         \
		before(addr, write, CALLER(), FRAME());                                            \
	}
RANGE(__tsan_read_range, false)
RANGE(__tsan_write_range, true)

/* One instruction: nothing to look at. */
#define ATOMIC(n, name, op)                                                                        \
	u##n __tsan_atomic##n##_##name(volatile u##n *p, u##n v, int order);                       \
	u##n __tsan_atomic##n##_##name(volatile u##n *p, u##n v, int order)                        \
	{                                                                                          \
		u##n old = *p;                                                                     \
		(void)order;                                                                       \
		*p = (u##n)(op);                                                                   \
		return old;                                                                        \
	}
ATOMIC(16, fetch_or, old | v)
ATOMIC(16, fetch_and, old &v)
ATOMIC(32, fetch_add, old + v)
ATOMIC(32, fetch_sub, old - v)
ATOMIC(32, exchange, v)
ATOMIC(64, fetch_add, old + v)

void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_init(void);

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void)
{
}

/* Does it see? A word that both change, in the ways that there are. */
void __tsan_init(void)
{
	static struct {
		u32 split, guarded, counted;
	} * w;
	struct cpu *cpu = this_cpu();

	if (w)
		return;
	w = calloc(1, sizeof(*w));
	race.proving = true;
	for (u32 i = 0; w && i < 2; i++) {
		__tsan_read4((unsigned long)&w->split);
		__tsan_write4((unsigned long)&w->split);
		cpu->bh_count++;
		__tsan_read4((unsigned long)&w->guarded);
		__tsan_write4((unsigned long)&w->guarded);
		cpu->bh_count--;
		__tsan_read4((unsigned long)&w->counted);
		__tsan_atomic32_fetch_add(&w->counted, 1, 0);
		cpu->in_softirq = true;
		__tsan_write4((unsigned long)&w->split);
		__tsan_write4((unsigned long)&w->guarded);
		__tsan_write4((unsigned long)&w->counted);
		cpu->in_softirq = false;
		if (race.found != i)
			abort();
	}
	race.proving = false;
}
