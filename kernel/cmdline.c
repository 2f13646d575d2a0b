// SPDX-License-Identifier: MIT
/*
 * The kernel command line: key=value words, and behind "--" the application's arguments.
 *
 * Words are split as a shell does: blanks separate, '...' and "..." keep together, a backslash outside '...' takes
 * the next character as it is. An unknown key is a warning that names the nearest known one; a bad value is an
 * error. Nothing is remembered between calls but the text of the last reason.
 *
 * Interface: cmdline_parse(), cmdline_nearest(), cmdline_parse_u32/u64/bool(), parse_ipv4().
 * Above: boot/main.c (the table of keys).  Below: printk.
 * Context: boot.  Owns: nothing.
 */
#include <kernel/cmdline.h>

#include <kernel/printk.h>
#include <lib/byteorder.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>

enum { WORD_MAX = 1024, MAX_DISTANCE = 3, NAME_MAX = 64 };

/* --- Words -------------------------------------------------------------------------------------------------- */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Takes one word off @line into @word (@size bytes). Returns where the line goes on, NULL when there is no word
 * any more; *@quoted: some of it stood in quotes; *@err: -EINVAL a quote is not closed, -E2BIG does not fit.
 */
static const char *next_word(const char *line, char *word, size_t size, bool *quoted, int *err)
{
	size_t n = 0;
	char quote = 0;
	*err = 0;
	*quoted = false;
	while (is_blank(*line))
		line++;
	if (!*line)
		return NULL;
	for (; *line; line++) {
		char c = *line;
		if (!quote && is_blank(c))
			break;
		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			*quoted = true;
			continue;
		}
		if (c == '\\' && quote != '\'' && line[1])
			c = *++line;
		if (n + 1 >= size)
			*err = -E2BIG;
		else
			word[n++] = c;
	}
	word[n] = '\0';
	if (quote)
		*err = -EINVAL;
	return line;
}

/* --- Nearest key ----------------------------------------------------------------------------------------------- */
/*
 * Edit distance with adjacent swaps; UINT32_MAX where the lengths alone say that it is more than MAX_DISTANCE, and for
 * names beyond NAME_MAX.
 */
static u32 distance(const char *a, const char *b)
{
	u8 rows[3][NAME_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);
	if (la > NAME_MAX || lb > NAME_MAX || la > lb + MAX_DISTANCE || lb > la + MAX_DISTANCE)
		return UINT32_MAX;
	u8 *before = rows[0], *prev = rows[1], *row = rows[2];
	for (size_t j = 0; j <= lb; j++)
		before[j] = prev[j] = (u8)j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = (u8)i;
		for (size_t j = 1; j <= lb; j++) {
			u8 best = (u8)(prev[j - 1] + (a[i - 1] != b[j - 1]));
			best = min(best, (u8)(prev[j] + 1));
			best = min(best, (u8)(row[j - 1] + 1));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min(best, (u8)(before[j - 2] + 1));
			row[j] = best;
		}
		u8 *t = before;
		before = prev;
		prev = row;
		row = t;
	}
	return prev[lb];
}

/**
 * cmdline_nearest() - the known key whose name is nearest to @key, at most three edits away and less than its
 * length.
 * Context: any, pure.
 * Return: its name; NULL when none is near.
 */
const char *cmdline_nearest(const char *key, const struct cmdline_key *keys, size_t nr_keys)
{
	const char *found = NULL;
	u32 best = MAX_DISTANCE + 1;
	for (size_t i = 0; i < nr_keys; i++) {
		u32 d = distance(key, keys[i].name);
		if (d < best && d < strlen(key)) {
			best = d;
			found = keys[i].name;
		}
	}
	return found;
}

static const struct cmdline_key *find_key(const char *key, const struct cmdline_key *keys,
					  size_t nr_keys)
{
	for (size_t i = 0; i < nr_keys; i++) {
		size_t n = strlen(keys[i].name);
		bool prefix = n && keys[i].name[n - 1] == '.';
		if (prefix ? !strncmp(key, keys[i].name, n) : !strcmp(key, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

/* --- The line ------------------------------------------------------------------------------------------------------ */
/* One key=value word; changes it. Returns the number of errors. */
static int parse_pair(char *word, const struct cmdline_key *keys, size_t nr_keys)
{
	const char *why = "bad value";
	char *eq = strchr(word, '=');
	if (eq)
		*eq = '\0';
	const struct cmdline_key *k = find_key(word, keys, nr_keys);
	if (!k) {
		const char *near = cmdline_nearest(word, keys, nr_keys);
		if (near)
			pr_warn("cmdline: unknown key '%s', did you mean '%s'?", word, near);
		else
			pr_warn("cmdline: unknown key '%s'", word);
		return 0;
	}
	if (!eq) {
		pr_err("cmdline: %s: needs a value: %s=...", word, word);
		return 1;
	}
	if (k->parse(word, eq + 1, k->arg, &why)) {
		pr_err("cmdline: %s=%.100s%s: %s", word, eq + 1, strlen(eq + 1) > 100 ? "..." : "",
		       why);
		return 1;
	}
	return 0;
}

/* One application argument into @args->text at *@used. Returns the number of errors. */
static int add_arg(struct app_args *args, const char *word, size_t *used)
{
	size_t n = strlen(word) + 1;
	if (args->argc >= CMDLINE_MAX_ARGS || *used + n > sizeof(args->text)) {
		pr_err("cmdline: too many arguments for the application (%u words, %u bytes)",
		       CMDLINE_MAX_ARGS, (u32)sizeof(args->text));
		return 1;
	}
	args->argv[args->argc++] = memcpy(args->text + *used, word, n);
	args->argv[args->argc] = NULL;
	*used += n;
	return 0;
}

/**
 * cmdline_parse() - parses the whole line.
 * @line: stays the caller's.
 * @argv0: the application's name; copied.
 * @args: gets the application's arguments.
 * Context: boot.
 * Return: number of errors, each printed; warnings do not count.
 */
int cmdline_parse(const char *line, const struct cmdline_key *keys, size_t nr_keys,
		  const char *argv0, struct app_args *args)
{
	char word[WORD_MAX];
	size_t used = 0;
	bool quoted, behind = false;
	int err, errors;
	args->argc = 0;
	args->argv[0] = NULL;
	errors = add_arg(args, argv0, &used);
	while ((line = next_word(line, word, sizeof(word), &quoted, &err))) {
		if (err) {
			pr_err("cmdline: '%.40s...': %s", word,
			       err == -EINVAL ? "a quote is not closed" : "word too long");
			errors++;
		} else if (behind) {
			errors += add_arg(args, word, &used);
		} else if (!quoted && !strcmp(word, "--")) {
			behind = true;
		} else {
			errors += parse_pair(word, keys, nr_keys);
		}
	}
	return errors;
}

/* --- Ready-made parsers ---------------------------------------------------------------------------------------------- */
/**
 * cmdline_parse_u32() - a number within bounds.
 * @arg: struct cmdline_u32.
 * Context: boot.
 * Return: 0; -EINVAL; -ERANGE.
 */
int cmdline_parse_u32(const char *key, const char *value, void *arg, const char **why)
{
	static char reason[48]; /* valid until the next call */
	const struct cmdline_u32 *u = arg;
	u64 v;
	(void)key;
	int err = kstrtou64(value, &v);
	if (!err && v >= u->lo && v <= u->hi) {
		*u->var = (u32)v;
		return 0;
	}
	scnprintf(reason, sizeof(reason), "must be %u..%u", u->lo, u->hi);
	*why = reason;
	return err ? err : -ERANGE;
}

/**
 * cmdline_parse_u64() - any number of 64 bits.
 * @arg: u64.
 * Context: boot.
 * Return: 0; -EINVAL; -ERANGE.
 */
int cmdline_parse_u64(const char *key, const char *value, void *arg, const char **why)
{
	(void)key;
	*why = "must be a number";
	return kstrtou64(value, arg);
}

/**
 * cmdline_parse_bool() - 0, 1, off, on.
 * @arg: bool.
 * Context: boot.
 * Return: 0; -EINVAL.
 */
int cmdline_parse_bool(const char *key, const char *value, void *arg, const char **why)
{
	bool *b = arg;
	(void)key;
	if (!strcmp(value, "1") || !strcmp(value, "on")) {
		*b = true;
		return 0;
	}
	if (!strcmp(value, "0") || !strcmp(value, "off")) {
		*b = false;
		return 0;
	}
	*why = "must be on or off";
	return -EINVAL;
}

/**
 * parse_ipv4() - "10.0.2.15", exactly four decimal numbers, in @len characters.
 * @be_addr: gets the address in network order; untouched on error.
 * Context: any, pure.
 * Return: 0; -EINVAL.
 */
int parse_ipv4(const char *s, size_t len, u32 *be_addr)
{
	const char *end = s + len;
	u32 addr = 0;
	for (u32 part = 0; part < 4; part++) {
		u32 v = 0, digits = 0;
		if (part && (s == end || *s++ != '.'))
			return -EINVAL;
		for (; s < end && *s >= '0' && *s <= '9' && digits < 3; s++, digits++)
			v = v * 10 + (u32)(*s - '0');
		if (!digits || v > 255)
			return -EINVAL;
		addr = addr << 8 | v;
	}
	if (s != end)
		return -EINVAL;
	*be_addr = (__force u32)htonl(addr);
	return 0;
}
