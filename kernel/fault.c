// SPDX-License-Identifier: MIT
/*
 * Fault injection: makes the n-th event of a kind fail, or each with a chance, so that the paths nobody sees are walked
 * in tests. Any number of rules stand side by side; each counts for itself, and an event fails when one of them says so.
 *
 * Interface: fault_hit(), fault_alloc() (inline), fault_check(), fault_parse(), fault_report().
 * Above: allocators, dma, drivers, net/neigh, net/sched; the end of a run.  Below: printk, the list of sites (mm.h).
 * Context: fault_check() any; fault_parse() boot.  Owns: the rules and their counters.
 */
#include <kernel/fault.h>

#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>

struct fault faults[FAULT_RULES];
bool faults_armed;

static const struct {
	const char *name;
	u64 ms; /* how long by default; 0: ms= means nothing here */
	const char *help;
} kinds[NR_FAULTS] = {
	[FAULT_ALLOC] = { "alloc", 0, "an allocation fails" },
	[FAULT_DMA_MAP] = { "dmamap", 0, "a DMA mapping is refused" },
	[FAULT_TX_STALL] = { "txstall", 3000, "the transmitter is switched off for ms=... (3000)" },
	[FAULT_RING_FULL] = { "ringfull", 10, "the transmit ring looks full for ms=... (10)" },
	[FAULT_LOST_IRQ] = { "lostirq", 0, "an interrupt of the network card is lost" },
	[FAULT_RX_DROP] = { "rxdrop", 0, "a received frame counts as damaged" },
	[FAULT_ARP_TIMEOUT] = { "arptimeout", 0, "an ARP question of ours is lost" },
	[FAULT_QDISC_DROP] = { "qdiscdrop", 0, "a packet is dropped on its way into the queue" },
	[FAULT_LEAK] = { "leak", 0, "a packet is left behind at exit: the leak check must see it" },
};

/* --- Events ------------------------------------------------------------------------------------------------------ */
static bool site_matches(const struct fault *f, const struct alloc_site *site)
{
	size_t want, have;
	if (!f->file[0])
		return true;
	if (!site || (f->line && f->line != site->line))
		return false;
	want = strlen(f->file);
	have = strlen(site->file);
	if (want > have)
		return false;
	if (f->file[want - 1] == '/')
		return !strncmp(site->file, f->file, want);
	return !strcmp(site->file + have - want, f->file) &&
	       (want == have || site->file[have - want - 1] == '/');
}

/* The @n-th draw of a seed: the same for the same seed, whatever happened between. SplitMix64. */
static u32 draw(u64 seed, u64 n)
{
	u64 z = seed + n * 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (u32)((z ^ (z >> 31)) >> 32);
}

/* Counts one event of rule @f. */
static bool rule_hit(struct fault *f)
{
	u64 n = ++f->seen;
	if (n < f->at || (f->times && f->hits >= f->times))
		return false;
	if (f->p)
		return draw(f->seed, n) < f->p;
	return n == f->at || (f->at && f->every && (n - f->at) % f->every == 0);
}

/**
 * fault_check() - counts one event of kind @p; asked through fault_hit() and fault_alloc().
 * @site: of an allocation; else NULL.
 * Context: any.
 * Return: true when this one is to fail.
 */
bool fault_check(enum fault_point p, const struct alloc_site *site)
{
	bool hit = false;
	BUG_ON(p >= NR_FAULTS);
	for (struct fault *f = &faults[p]; f; f = f->next) {
		if (!f->on || !site_matches(f, site) || !rule_hit(f))
			continue;
		hit = true;
		f->hits++;
		f->last = site;
		faults[p].hit_ms = f->ms;
	}
	return hit;
}

static void report_rule(const char *name, const struct fault *f)
{
	unsigned long long hits = f->hits, seen = f->seen;
	if (f->last)
		pr_info("fault: %s hit %llu of %llu events (last at %s:%u)", name, hits, seen,
			f->last->file, f->last->line);
	else
		pr_info("fault: %s hit %llu of %llu events", name, hits, seen);
}

/**
 * fault_report() - one line for each rule that is set: how many events there were and how many of them failed.
 * Context: any.
 */
void fault_report(void)
{
	for (u32 i = 0; faults_armed && i < NR_FAULTS; i++)
		for (const struct fault *f = &faults[i]; f; f = f->next)
			if (f->on)
				report_rule(kinds[i].name, f);
}

/* --- The command line ---------------------------------------------------------------------------------------------- */
static void __noreturn help(void)
{
	pr_info("fault: fault=KIND[,OPTION]... makes events fail; any number of them may be given");
	pr_info("fault:   at=N          the N-th event, counted from 1 (1)");
	pr_info("fault:   every=M       and every M-th after it");
	pr_info("fault:   p=P,seed=K    each from the N-th on with chance P, as in p=0.01 (seed "
		"1)");
	pr_info("fault:   times=T       at most T of them");
	pr_info("fault:   ms=T          for so long, where it lasts");
	pr_info("fault:   site=FILE:LINE  alloc: only there; FILE alone: anywhere in it; FOLDER/: "
		"below it");
	for (u32 i = 0; i < NR_FAULTS; i++)
		pr_info("fault:   %-12s  %s", kinds[i].name, kinds[i].help);
	pr_info("fault: fault=sites lists every place that allocates");
	kernel_exit(0);
}

static void __noreturn list_sites(void)
{
	u32 n = 0;
	for_each_alloc_site(s) pr_info("fault: site %u %s:%u", ++n, s->file, s->line);
	pr_info("fault: %u allocation sites", n);
	kernel_exit(0);
}

/* A chance from 0 (which is none) to 1 with up to nine decimals, as a part of 2^32. */
static int parse_chance(const char *s, u64 *p)
{
	const u64 one = 1000000000;
	u64 v = 0, unit = one;
	bool point = false;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9' || (point && unit == 1))
			return -EINVAL;
		unit /= point ? 10 : 1;
		v = point ? v + (u64)(*s - '0') * unit : v * 10 + (u64)(*s - '0') * one;
		if (v > one)
			return -ERANGE;
	}
	*p = v ? max_t(u64, (v << 32) / one, 1) : 0;
	return v ? 0 : -ERANGE;
}

static bool site_known(const struct fault *f)
{
	for_each_alloc_site(s) if (site_matches(f, s)) return true;
	return false;
}

/* "FILE", "FILE:LINE" or "FOLDER/". */
static int parse_site(struct fault *f, const char *s, const char **why)
{
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : strlen(s);
	u64 line = 0;
	*why = "site= must be FILE, FILE:LINE or FOLDER/";
	if (!n || n >= sizeof(f->file))
		return -EINVAL;
	if (colon && (kstrtou64(colon + 1, &line) || !line || line > UINT32_MAX))
		return -EINVAL;
	memcpy(f->file, s, n);
	f->file[n] = '\0';
	f->line = (u32)line;
	*why = "site= is no place that allocates; fault=sites lists them";
	return site_known(f) ? 0 : -ENOENT;
}

/* One "name=value" into @f. */
static int parse_option(struct fault *f, int kind, const char *word, const char **why)
{
	const struct {
		const char *name;
		u64 *var;
	} numbers[] = { { "at=", &f->at },
			{ "every=", &f->every },
			{ "seed=", &f->seed },
			{ "times=", &f->times },
			{ "ms=", kinds[kind].ms ? &f->ms : NULL } };
	*why = "options are at=N, every=M, p=P, seed=K, times=T, ms=T, site=FILE:LINE; fault=help "
	       "explains";
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		size_t n = strlen(numbers[i].name);
		if (numbers[i].var && !strncmp(word, numbers[i].name, n))
			return kstrtou64(word + n, numbers[i].var);
	}
	if (!strncmp(word, "site=", 5) && kind == FAULT_ALLOC)
		return parse_site(f, word + 5, why);
	if (strncmp(word, "p=", 2))
		return -EINVAL;
	*why = "p= must be above 0 and at most 1, with at most nine decimals";
	return parse_chance(word + 2, &f->p);
}

/* All options behind the kind: ",at=100,every=50". */
static int parse_options(struct fault *f, int kind, const char *s, const char **why)
{
	char word[FAULT_SITE_MAX + 32];
	while (*s == ',') {
		const char *end = strchr(++s, ',');
		size_t n = end ? (size_t)(end - s) : strlen(s);
		*why = "an option is too long";
		if (n >= sizeof(word))
			return -EINVAL;
		memcpy(word, s, n);
		word[n] = '\0';
		int err = parse_option(f, kind, word, why);
		if (err)
			return err;
		s += n;
	}
	*why = "at= counts from 1";
	if (!f->at)
		return -EINVAL;
	*why = "every= and p= exclude each other";
	return f->every && f->p ? -EINVAL : 0;
}

static int find_kind(const char *s, size_t len)
{
	for (int i = 0; i < NR_FAULTS; i++)
		if (strlen(kinds[i].name) == len && !strncmp(s, kinds[i].name, len))
			return i;
	return -EINVAL;
}

/* Puts a rule behind those of its kind. */
static int enter_rule(int kind, const struct fault *f)
{
	struct fault *last = &faults[kind], *room = last;
	if (last->on) {
		while (last->next)
			last = last->next;
		for (room = faults + NR_FAULTS; room < faults + FAULT_RULES && room->on;)
			room++;
		if (room == faults + FAULT_RULES)
			return -ENOSPC;
		last->next = room;
	}
	*room = *f;
	faults_armed = true;
	return 0;
}

/**
 * fault_parse() - value of fault=: "alloc,at=100,every=50", "alloc,site=tcp.c:61", "alloc,p=0.01,seed=7",
 * "txstall,at=500,ms=3000"; "help" and "sites" print their lists and end the run with status 0.
 * @key, @arg: not used; a cmdline_key parser.
 * @why: gets what is wrong.
 * Context: boot.
 * Return: 0; -EINVAL, -ERANGE; -ENOENT no such site; -ENOSPC too many rules.
 */
int fault_parse(const char *key, const char *value, void *arg, const char **why)
{
	struct fault f = { .on = true, .at = 1, .seed = 1 };
	const char *comma = strchr(value, ',');
	int err, kind = find_kind(value, comma ? (size_t)(comma - value) : strlen(value));
	(void)key;
	(void)arg;
	if (!strcmp(value, "help"))
		help();
	if (!strcmp(value, "sites"))
		list_sites();
	if (kind < 0) {
		*why = "must begin with alloc, dmamap, txstall, ringfull, lostirq, rxdrop, "
		       "arptimeout, qdiscdrop "
		       "or leak; fault=help explains";
		return -EINVAL;
	}
	f.ms = kinds[kind].ms;
	err = comma ? parse_options(&f, kind, comma, why) : 0;
	if (err)
		return err;
	*why = "too many faults";
	return enter_rule(kind, &f);
}
