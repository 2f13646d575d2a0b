// SPDX-License-Identifier: MIT
/*
 * Fault injection: makes the n-th event of a kind fail, so that the paths nobody sees are walked in tests.
 *
 * Interface: fault_hit() (inline), fault_check(), fault_parse().
 * Above: allocators, dma, drivers.  Below: printk, cmdline's parser signature.
 * Context: fault_check() any; fault_parse() boot.  Owns: the counters.
 */
#include <kernel/fault.h>

#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/string.h>

struct fault faults[NR_FAULTS];
bool faults_armed;

static const struct {
	const char *name;
	const char *help;
} kinds[NR_FAULTS] = {
	[FAULT_ALLOC] = { "alloc", "an allocation fails" },
	[FAULT_DMA_MAP] = { "dmamap", "a DMA mapping is refused" },
	[FAULT_TX_STALL] = { "txstall",
			     "the transmitter is switched off for ms=... (3000) and on again" },
	[FAULT_LEAK] = { "leak", "a packet is left behind at exit: the leak check must see it" },
};

/**
 * fault_check() - counts one event of kind @p; asked through fault_hit().
 * Context: any.
 * Return: true when this one is to fail.
 */
bool fault_check(enum fault_point p)
{
	struct fault *f = &faults[p];
	BUG_ON(p >= NR_FAULTS);
	if (!f->on)
		return false;
	u64 n = ++f->seen;
	bool hit = n == f->at || (f->every && n > f->at && (n - f->at) % f->every == 0);
	f->hits += hit;
	return hit;
}

static void __noreturn help(void)
{
	pr_info("fault: fault=KIND,at=N[,every=M][,ms=T]: the N-th event, and every M-th after it");
	for (u32 i = 0; i < NR_FAULTS; i++)
		pr_info("fault:   %-8s %s", kinds[i].name, kinds[i].help);
	kernel_exit(0);
}

/* One "name=number" of @len characters into @f. */
static int parse_option(struct fault *f, const char *s, size_t len)
{
	const struct {
		const char *name;
		u64 *var;
	} opts[] = { { "at=", &f->at }, { "every=", &f->every }, { "ms=", &f->ms } };
	char num[24];
	for (u32 i = 0; i < ARRAY_SIZE(opts); i++) {
		size_t n = strlen(opts[i].name);
		if (len <= n || strncmp(s, opts[i].name, n) || len - n >= sizeof(num))
			continue;
		memcpy(num, s + n, len - n);
		num[len - n] = '\0';
		return kstrtou64(num, opts[i].var);
	}
	return -EINVAL;
}

static size_t word_len(const char *s)
{
	const char *comma = strchr(s, ',');
	return comma ? (size_t)(comma - s) : strlen(s);
}

static int find_kind(const char *s, size_t len)
{
	for (int i = 0; i < NR_FAULTS; i++)
		if (strlen(kinds[i].name) == len && !strncmp(s, kinds[i].name, len))
			return i;
	return -EINVAL;
}

/**
 * fault_parse() - value of fault=: "alloc,at=100,every=50", "txstall,at=500,ms=3000"; "help" prints the list and
 * ends the run with status 0.
 * @key, @arg: not used; a cmdline_key parser.
 * @why: gets what is wrong.
 * Context: boot.
 * Return: 0; -EINVAL.
 */
int fault_parse(const char *key, const char *value, void *arg, const char **why)
{
	struct fault f = { .on = true, .at = 1, .ms = 3000 };
	(void)key;
	(void)arg;
	if (!strcmp(value, "help"))
		help();
	size_t len = word_len(value);
	int kind = find_kind(value, len);
	if (kind < 0) {
		*why = "must begin with alloc, dmamap, txstall or leak; fault=help explains";
		return -EINVAL;
	}
	for (value += len; *value == ','; value += len) {
		value++;
		len = word_len(value);
		if (parse_option(&f, value, len)) {
			*why = "options are at=N, every=N and ms=N; fault=help explains";
			return -EINVAL;
		}
	}
	faults[kind] = f;
	faults_armed = true;
	return 0;
}
