// SPDX-License-Identifier: MIT
/*
 * The torture: each scenario is done once to count what may fail, then again and again, each time with another of these
 * events failing; and with each allocation site failing till it is lifted, at random by seed, and with every n-th allocation
 * failing to the end. Each time the scenario must come about or say an errno that is right; must come about when the fault
 * is lifted; and nothing may be left behind. A hang is one that needs more than five minutes of virtual time.
 *
 *   torture [-f] [NAME...]    these tests (all), -f: every event instead of a bounded number of them
 *   torture -l                the names
 *   torture -1 SCENARIO RULES one run, as a failure says it: tcp alloc,at=17; several rules in one word, with blanks
 *
 * Interface: "ok NAME" and "not ok NAME" on stdout; the exit status is 0 when all passed.
 * Above: tests/torture/run.  Below: scenarios.c; <kernel/fault.h>.
 * Context: a process for each test, so that a crash is one test's.  Owns: the shared page of counts.
 */
#include "torture.h"

#include "host.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kernel/fault.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <net/init.h>

#define LIFT_NS   (10 * SEC)  /* "for ever" is so long */
#define LIMIT_NS  (300 * SEC) /* virtual */
#define LIMIT_S   120         /* real, of one test */
#define MAX_SITES 256
#define AT_NEVER  "at=18446744073709551615"

/* Each kind of test that a scenario is put to. */
struct torment {
	const char *name, *kind; /* of the test, of fault= */
	enum fault_point point;
	enum { EACH, SITES, RANDOM, MIXED, EVERY } how;
	u32 max; /* runs without -f */
};
static const struct torment torments[] = {
	{ "alloc", "alloc", FAULT_ALLOC, EACH, 400 },
	{ "alloc_twice", "alloc,every=1,times=2", FAULT_ALLOC, EACH, 60 },
	{ "alloc_site_lifted", "alloc", FAULT_ALLOC, SITES, 70 },
	{ "alloc_random", "alloc", FAULT_ALLOC, RANDOM, 50 },
	{ "alloc_every", "alloc", FAULT_ALLOC, EVERY, 4 },
	{ "mixed", NULL, FAULT_ALLOC, MIXED, 20 },
	{ "dmamap", "dmamap", FAULT_DMA_MAP, EACH, 24 },
	{ "txstall", "txstall,ms=700", FAULT_TX_STALL, EACH, 24 },
	{ "ringfull", "ringfull", FAULT_RING_FULL, EACH, 24 },
	{ "lostirq", "lostirq", FAULT_LOST_IRQ, EACH, 24 },
	{ "rxdrop", "rxdrop", FAULT_RX_DROP, EACH, 24 },
	{ "arptimeout", "arptimeout", FAULT_ARP_TIMEOUT, EACH, 24 },
	{ "qdiscdrop", "qdiscdrop", FAULT_QDISC_DROP, EACH, 24 },
};

/* What the child of a test tells its parent, also when it dies. */
static struct {
	char rule[320];
	u64 runs, hits;
	u64 reached[MAX_SITES], refused[MAX_SITES]; /* by site number - 1 */
} * shared;
static bool full;
static u32 nr_sites;
static u64 lift_ns = LIFT_NS;

/* --- One run ----------------------------------------------------------------------------------------------------------------- */
static void lift(struct timer *t)
{
	(void)t;
	faults_armed = false;
}

static void out_of_time(struct timer *t)
{
	(void)t;
	printf("# %s: hangs at %s\n%.1500s\n", shared->rule, step, host_console());
	fflush(stdout);
	_exit(3);
}

static struct timer lift_timer, limit_timer;

/* Each word is a value of fault=. */
static void set_rules(const char *rules)
{
	char words[sizeof(shared->rule)], *rest = words, *word;
	const char *why = "";

	snprintf(words, sizeof(words), "%s", rules);
	while ((word = strtok_r(rest, " ", &rest))) {
		if (!fault_parse("fault", word, NULL, &why))
			continue;
		printf("# %s: %s\n", word, why);
		_exit(2);
	}
}

/* The scenario's run within its time; @rule: "" or what fails. -errno. */
static int run_under(const struct scenario *s, const char *rule)
{
	int err;

	memset(faults, 0, sizeof(faults));
	faults_armed = false;
	set_rules(rule);
	timer_setup(&lift_timer, lift);
	timer_setup(&limit_timer, out_of_time);
	if (*rule)
		mod_timer(&lift_timer, ktime_get_ns() + lift_ns);
	mod_timer(&limit_timer, ktime_get_ns() + LIMIT_NS);
	err = s->run();
	faults_armed = false;
	del_timer(&lift_timer);
	del_timer(&limit_timer);
	return err;
}

static bool fitting(const struct scenario *s, int err)
{
	static const int always[] = { 0, -ENOMEM, -ENOBUFS, -ENFILE, -ETIMEDOUT, -EHOSTUNREACH };

	for (u32 i = 0; i < ARRAY_SIZE(always); i++)
		if (err == always[i])
			return true;
	for (const int *e = s->errors; e && *e; e++)
		if (err == *e)
			return true;
	/* What never ends may outlast the patience of a call (SO_SNDTIMEO, SO_RCVTIMEO). */
	if (lift_ns > LIMIT_NS && (err == -EINPROGRESS || err == -EAGAIN))
		return true;
	return false;
}

static int bad(const char *what, const char *rule, int err)
{
	printf("# %s: %s: error %d at %s\n%.1500s\n", *rule ? rule : "no fault", what, -err, step,
	       host_console());
	return 1;
}

/* What the product has counted of each kind so far; UINT64_MAX: it does not say. */
static void counts_begin(u64 *counts)
{
	for (u32 p = 0; p < NR_FAULTS; p++)
		if (!machine_count((enum fault_point)p, &counts[p]))
			counts[p] = UINT64_MAX;
}

/* Did a fault happen that no counter shows? */
static bool uncounted(const u64 *counts)
{
	for (u32 p = 0; p < NR_FAULTS; p++) {
		u64 now;

		if (counts[p] != UINT64_MAX && machine_count((enum fault_point)p, &now) &&
		    now - counts[p] < faults[p].hits)
			return true;
	}
	return false;
}

/* One scenario under one rule, whole: 0; 1 with the reason printed. */
static int one(const struct scenario *s, const char *rule)
{
	struct census before = census(), after;
	u64 counts[NR_FAULTS];
	int err, wrong = 0;

	host_console_clear();
	strncpy(shared->rule, rule, sizeof(shared->rule) - 1);
	shared->runs++;
	err = s->prepare();
	if (err)
		return bad("cannot begin", rule, err);
	counts_begin(counts);
	err = run_under(s, rule);
	for (const struct fault *f = faults; f < faults + FAULT_RULES; f++)
		shared->hits += f->hits;
	if (!*rule && err)
		wrong = bad("fails by itself", rule, err);
	else if (!fitting(s, err))
		wrong = bad("that is no errno for this", rule, err);
	else if (!err && uncounted(counts))
		wrong = bad("is in no counter", rule, 0);
	if (!wrong && *rule && !s->once) {
		err = run_under(s, "");
		if (err)
			wrong = bad("does not recover", rule, err);
	}
	s->finish();
	after = census();
	if (!wrong && !s->once && memcmp(&before, &after, sizeof(before))) {
		mm_report_leaks();
		printf("# left behind: skbs %lld objects %lld mappings %lld timers %lld files %lld "
		       "areas %lld\n",
		       (long long)(after.skbs - before.skbs),
		       (long long)(after.objects - before.objects),
		       (long long)(after.mappings - before.mappings),
		       (long long)(after.timers - before.timers),
		       (long long)(after.files - before.files),
		       (long long)(after.areas - before.areas));
		wrong = bad("leaves something behind", rule, 0);
	}
	return wrong;
}

static void note_sites(void)
{
	u32 i = 0;

	for_each_alloc_site(a)
	{
		shared->reached[i] += a->total + a->failed;
		shared->refused[i++] += a->failed;
	}
}

/* --- One test: all runs of a torment ------------------------------------------------------------------------------------------ */
static const struct scenario *sc;

/* A run in this process, or in one of its own if the scenario can be done only once in a process. */
static int do_one(const char *rule)
{
	int status;

	if (!sc->once)
		return one(sc, rule);
	fflush(stdout);
	if (!fork()) {
		status = one(sc, rule);
		note_sites();
		fflush(stdout);
		_exit(status);
	}
	wait(&status);
	return status != 0;
}

/* How many events of the kind the scenario has when nothing fails. */
static u64 count_events(const struct torment *t)
{
	char rule[80];
	u64 seen = 0;

	snprintf(rule, sizeof(rule), "%s," AT_NEVER, t->kind);
	if (sc->once)
		return 8; /* its process is gone; a rule that is never hit does no harm */
	if (one(sc, ""))
		_exit(1);
	if (sc->prepare())
		_exit(1);
	(void)run_under(sc, rule);
	seen = faults[t->point].seen;
	sc->finish();
	return seen;
}

/* Each event fails in turn (or @t->max of them, evenly spread); then all of them for a while, then some by chance. */
static int each_event(const struct torment *t)
{
	u64 n = count_events(t), stride = full || n <= t->max ? 1 : (n + t->max - 1) / t->max;
	char rule[120];
	int wrong = 0;

	for (u64 k = 1; k <= n && !wrong; k += stride) {
		snprintf(rule, sizeof(rule), "%s,at=%llu", t->kind, (unsigned long long)k);
		wrong = do_one(rule);
	}
	if (!n || t->point == FAULT_ALLOC)
		return wrong;
	snprintf(rule, sizeof(rule), "%s,every=1", t->kind);
	wrong = wrong || do_one(rule);
	for (u32 seed = 1; seed <= (full ? 50 : 4) && !wrong; seed++) {
		snprintf(rule, sizeof(rule), "%s,p=0.2,seed=%u", t->kind, seed);
		wrong = do_one(rule);
	}
	return wrong;
}

/* Each site that the scenario reaches fails from its first time on, till that is lifted; and from its second on. */
static int each_site(const struct torment *t)
{
	static u64 before[MAX_SITES];
	char rule[120];
	int wrong;
	u32 i = 0;

	(void)t;
	for_each_alloc_site(a) before[i++] = a->total;
	wrong = sc->once ? 0 : one(sc, "");
	i = 0;
	for_each_alloc_site(a)
	{
		if (wrong)
			break;
		if (a->total == before[i++] && !sc->once)
			continue;
		for (u32 at = 1; at <= (full ? 3 : 1) && !wrong; at++) {
			snprintf(rule, sizeof(rule), "alloc,site=%s:%u,at=%u,every=1", a->file,
				 a->line, at);
			wrong = do_one(rule);
		}
	}
	return wrong;
}

static int by_chance(const struct torment *t)
{
	char rule[120];
	int wrong = 0;

	for (u32 seed = 1; seed <= t->max && !wrong; seed++) {
		snprintf(rule, sizeof(rule), "alloc,p=%s,seed=%u", seed % 2 ? "0.01" : "0.1", seed);
		wrong = do_one(rule);
	}
	return wrong;
}

/* Everything goes wrong now and then, by one seed. */
static int mixed(const struct torment *t)
{
	static const char *const kinds[] = { "alloc,p=0.02",     "dmamap,p=0.03",
					     "ringfull,p=0.03",  "lostirq,p=0.1",
					     "rxdrop,p=0.05",    "arptimeout,p=0.1",
					     "qdiscdrop,p=0.05", "txstall,p=0.01,ms=300" };
	char rules[sizeof(shared->rule)];
	int wrong = 0;

	for (u32 seed = 1; seed <= (full ? 10 * t->max : t->max) && !wrong; seed++) {
		rules[0] = '\0';
		for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
			snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules),
				 "%s%s,seed=%u", i ? " " : "", kinds[i], seed * 100 + i);
		wrong = do_one(rules);
	}
	return wrong;
}

/*
 * Every n-th allocation fails, from a quarter of the way to the end: what tries again must not meet the same failure each time,
 * whatever n is and wherever it begins. (Of two in a row one fails for ever with n = 2, and a packet takes two.)
 */
static int every_nth(const struct torment *t)
{
	u64 quarter = count_events(t) / 4;
	char rule[120];
	int wrong = 0;

	lift_ns = UINT64_MAX / 2;
	for (u32 n = 3; n <= 12 && !wrong; n++) {
		for (u32 i = 1; i <= (full ? n : min(n, t->max)) && !wrong; i++) {
			snprintf(rule, sizeof(rule), "%s,at=%llu,every=%u", t->kind,
				 (unsigned long long)quarter + i, n);
			wrong = do_one(rule);
		}
	}
	return wrong;
}

static int torment(const struct torment *t)
{
	int (*const how[])(const struct torment *) = { each_event, each_site, by_chance, mixed,
						       every_nth };
	int wrong = how[t->how](t);

	if (!sc->once)
		note_sites();
	return wrong;
}

static bool test(const struct scenario *s, const struct torment *t)
{
	int status;
	u64 runs = shared->runs, hits = shared->hits;

	sc = s;
	fflush(stdout);
	if (!fork()) {
		alarm(LIMIT_S);
		if (!s->once && net_global_init())
			_exit(1);
		status = torment(t);
		fflush(stdout);
		_exit(status);
	}
	wait(&status);
	if (!status && shared->hits == hits) { /* nothing failed, so nothing was tested */
		printf("# %s has no event for %s\n", s->name, t->name);
		return true;
	}
	if (status)
		printf("# again: tests/torture/run %s '%s'\n", s->name, shared->rule);
	printf("%s torture_%s/%s (%llu runs, %llu faults)\n", status ? "not ok" : "ok", s->name,
	       t->name, (unsigned long long)(shared->runs - runs),
	       (unsigned long long)(shared->hits - hits));
	return !status;
}

/* --- Which sites were never reached -------------------------------------------------------------------------------------------- */
/* Sites that no scenario can reach, each with its reason. */
static const struct {
	const char *file;
	const char *why;
} excused[] = {
	{ NULL, NULL },
};

static bool is_excused(const struct alloc_site *a)
{
	for (u32 i = 0; i < ARRAY_SIZE(excused); i++)
		if (excused[i].file && !strcmp(a->file, excused[i].file))
			return true;
	return false;
}

static bool sites_test(void)
{
	u32 i = 0, ours = 0, reached = 0, others = 0, others_reached = 0;
	bool good = true;

	for_each_alloc_site(a)
	{
		u64 n = shared->reached[i], failed = shared->refused[i];

		i++;
		if (!strncmp(a->file, "kernel/", 7)) {
			others++;
			others_reached += n && failed;
		}
		if (strncmp(a->file, "net/", 4) && strncmp(a->file, "drivers/", 8))
			continue;
		ours++;
		reached += n && failed;
		if ((n && failed) || is_excused(a))
			continue;
		printf("# %s:%u was %s\n", a->file, a->line,
		       n ? "never made to fail" : "never reached");
		good = false;
	}
	printf("# %u of %u allocation sites of net/ and drivers/ reached and made to fail\n",
	       reached, ours);
	printf("# and %u of %u in kernel/, which are not the aim here\n", others_reached, others);
	printf("%s torture_sites\n", good ? "ok" : "not ok");
	return good;
}

/* --- The command ----------------------------------------------------------------------------------------------------------------- */
static bool asked(int argc, char **argv, const char *name)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		any = true;
		if (!strcmp(argv[i], name))
			return true;
	}
	return !any;
}

static int by_hand(const char *name, const char *rule)
{
	for (u32 i = 0; i < nr_scenarios; i++) {
		if (strcmp(scenarios[i].name, name))
			continue;
		if (!scenarios[i].once && net_global_init())
			return 1;
		sc = &scenarios[i];
		return one(sc, rule);
	}
	return 2;
}

int main(int argc, char **argv)
{
	bool good = true, all = true, list = argc > 1 && !strcmp(argv[1], "-l");
	char name[80];

	full = argc > 1 && !strcmp(argv[1], "-f");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 2;
	host_boot();
	for_each_alloc_site(a) nr_sites++;
	if (nr_sites > MAX_SITES)
		return 2;
	if (argc == 4 && !strcmp(argv[1], "-1"))
		return by_hand(argv[2], argv[3]);
	for (u32 i = 0; i < nr_scenarios; i++) {
		for (u32 j = 0; j < ARRAY_SIZE(torments); j++) {
			if (scenarios[i].once && torments[j].point != FAULT_ALLOC)
				continue;
			snprintf(name, sizeof(name), "torture_%s/%s", scenarios[i].name,
				 torments[j].name);
			if (list)
				puts(name);
			else if (asked(argc, argv, name))
				good = test(&scenarios[i], &torments[j]) && good;
			else
				all = false;
		}
	}
	if (list)
		puts("torture_sites");
	else if (all && asked(argc, argv, "torture_sites"))
		good = sites_test() && good;
	if (!list)
		printf("torture: %llu runs, %llu faults\n", (unsigned long long)shared->runs,
		       (unsigned long long)shared->hits);
	return !good;
}
