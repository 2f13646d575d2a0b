// SPDX-License-Identifier: MIT
/*
 * Filter rules as text, both ways. Statements stand between semicolons, words between blanks:
 *
 *   HOOK policy accept|drop
 *   HOOK ITEM...                                 HOOK: in, out, pre, post; input, output, prerouting, postrouting
 *
 *   ip saddr|daddr [!=] ADDR[/LEN]|ADDR-ADDR     tcp|udp sport|dport [!=] N[-M]     meta mark [!=] N[-M]
 *   ip protocol [!=] tcp|udp|icmp|igmp|N         tcp flags [!=] FLAG,...[/FLAG,...] meta iifname|oifname [!=] NAME
 *   ip ttl|dscp|length [!=] N[-M]                icmp type [!=] NAME|N              limit rate [over] N/UNIT [burst N packets]
 *   accept | drop | reject [with tcp reset | with icmp [type] port-unreachable] | continue
 *   counter [packets N bytes N]      meta mark set N      ip dscp set N      ip ttl set N
 *
 * Items stand in any order, one verdict at most, "meta" may be left out. What nft_rule_show() prints is read back as the same rule.
 *
 * Interface: nft.h (nft_parse, nft_rule_show, nft_hook_name), nft_check() of <net/nf_tables.h>.
 * Above: nf_tables.c, boot/options.c.  Below: text functions.
 * Context: any, pure.
 * Owns: nothing.
 * Specs: the words are those of nft(8).
 */
#include "nft.h"

#include <kernel/cmdline.h>
#include <kernel/proc.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>

#define WORD_MAX 72u /* the longest sound word is all TCP flags out of all TCP flags */

struct nft_cursor {
	const char *p;       /* behind the word at hand */
	char word[WORD_MAX]; /* "": the statement is over */
	char *why;
};

enum nft_kind { NFT_NUMBER, NFT_HEX, NFT_ADDRESS, NFT_SYMBOL, NFT_FLAGS, NFT_NAME };

struct nft_symbol {
	const char *name;
	u32 value;
};

struct nft_field_name {
	const char *family, *name, *alias;
	enum nft_field field;
	enum nft_kind kind;
	u32 max;
	u8 protocol; /* implied */
	const struct nft_symbol *symbols;
};

static const struct nft_symbol protocols[] = {
	{ "icmp", IPPROTO_ICMP }, { "igmp", 2 }, { "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },   { NULL, 0 },
};
static const struct nft_symbol icmp_types[] = {
	{ "echo-reply", ICMP_ECHOREPLY },
	{ "destination-unreachable", ICMP_DEST_UNREACH },
	{ "source-quench", ICMP_SOURCE_QUENCH },
	{ "redirect", ICMP_REDIRECT },
	{ "echo-request", ICMP_ECHO },
	{ "router-advertisement", 9 },
	{ "router-solicitation", 10 },
	{ "time-exceeded", ICMP_TIME_EXCEEDED },
	{ "parameter-problem", ICMP_PARAMETERPROB },
	{ "timestamp-request", ICMP_TIMESTAMP },
	{ "timestamp-reply", 14 },
	{ NULL, 0 },
};
static const struct nft_symbol tcp_flags[] = {
	{ "fin", TCPHDR_FIN }, { "syn", TCPHDR_SYN }, { "rst", TCPHDR_RST },
	{ "psh", TCPHDR_PSH }, { "ack", TCPHDR_ACK }, { "urg", TCPHDR_URG },
	{ "ecn", TCPHDR_ECE }, { "cwr", TCPHDR_CWR }, { NULL, 0 },
};
static const struct nft_symbol hooks[] = {
	{ "in", NF_INET_LOCAL_IN },
	{ "input", NF_INET_LOCAL_IN },
	{ "out", NF_INET_LOCAL_OUT },
	{ "output", NF_INET_LOCAL_OUT },
	{ "pre", NF_INET_PRE_ROUTING },
	{ "prerouting", NF_INET_PRE_ROUTING },
	{ "post", NF_INET_POST_ROUTING },
	{ "postrouting", NF_INET_POST_ROUTING },
	{ NULL, 0 },
};
static const struct nft_symbol units[] = {
	{ "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 }, { NULL, 0 },
};
static const struct nft_symbol verdicts[] = {
	{ "accept", NFT_ACCEPT },     { "drop", NFT_DROP }, { "reject", NFT_REJECT },
	{ "continue", NFT_CONTINUE }, { NULL, 0 },
};

static const struct nft_field_name fields[] = {
	{ "ip", "saddr", NULL, NFT_SADDR, NFT_ADDRESS, 0, 0, NULL },
	{ "ip", "daddr", NULL, NFT_DADDR, NFT_ADDRESS, 0, 0, NULL },
	{ "ip", "protocol", NULL, NFT_PROTOCOL, NFT_SYMBOL, 255, 0, protocols },
	{ "ip", "ttl", NULL, NFT_TTL, NFT_NUMBER, 255, 0, NULL },
	{ "ip", "dscp", NULL, NFT_DSCP, NFT_NUMBER, 63, 0, NULL },
	{ "ip", "length", NULL, NFT_LENGTH, NFT_NUMBER, 65535, 0, NULL },
	{ "tcp", "sport", NULL, NFT_SPORT, NFT_NUMBER, 65535, IPPROTO_TCP, NULL },
	{ "tcp", "dport", NULL, NFT_DPORT, NFT_NUMBER, 65535, IPPROTO_TCP, NULL },
	{ "tcp", "flags", NULL, NFT_TCP_FLAGS, NFT_FLAGS, 255, IPPROTO_TCP, tcp_flags },
	{ "udp", "sport", NULL, NFT_SPORT, NFT_NUMBER, 65535, IPPROTO_UDP, NULL },
	{ "udp", "dport", NULL, NFT_DPORT, NFT_NUMBER, 65535, IPPROTO_UDP, NULL },
	{ "icmp", "type", NULL, NFT_ICMP_TYPE, NFT_SYMBOL, 255, IPPROTO_ICMP, icmp_types },
	{ "meta", "mark", NULL, NFT_MARK, NFT_HEX, UINT32_MAX, 0, NULL },
	{ "meta", "iifname", "iif", NFT_IIF, NFT_NAME, 0, 0, NULL },
	{ "meta", "oifname", "oif", NFT_OIF, NFT_NAME, 0, 0, NULL },
};

/* --- Words ---------------------------------------------------------------------------------------------------------------- */

static bool nft_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The word at hand is wrong. -EINVAL. */
static int nft_bad(const struct nft_cursor *c, const char *what)
{
	if (c->word[0])
		scnprintf(c->why, NFT_WHY_MAX, "'%s': %s", c->word, what);
	else
		scnprintf(c->why, NFT_WHY_MAX, "at the end: %s", what);
	return -EINVAL;
}

/* Takes the next word of the statement; "" when it is over. One that does not fit ends in dots, and is no sound word. */
static void nft_next(struct nft_cursor *c)
{
	size_t n = 0;

	while (nft_blank(*c->p))
		c->p++;
	for (; *c->p && *c->p != ';' && !nft_blank(*c->p); c->p++)
		if (n < WORD_MAX)
			c->word[n++] = *c->p;
	if (n == WORD_MAX) {
		n--;
		memset(&c->word[n - 3], '.', 3);
	}
	c->word[n] = '\0';
}

/* The first character of the next word. */
static char nft_ahead(const struct nft_cursor *c)
{
	const char *p = c->p;

	while (nft_blank(*p))
		p++;
	return *p;
}

static bool nft_is(const struct nft_cursor *c, const char *word)
{
	return strcmp(c->word, word) == 0;
}

/* Takes @word if it is the one at hand. */
static bool nft_take(struct nft_cursor *c, const char *word)
{
	if (!nft_is(c, word))
		return false;
	nft_next(c);
	return true;
}

static const struct nft_symbol *nft_symbol(const struct nft_symbol *s, const char *name, size_t n)
{
	for (; s->name; s++)
		if (strlen(s->name) == n && strncmp(s->name, name, n) == 0)
			return s;
	return NULL;
}

static const char *nft_symbol_name(const struct nft_symbol *s, u32 value)
{
	for (; s->name; s++)
		if (s->value == value)
			return s->name;
	return NULL;
}

/* The first @n characters of @s as a number of at most @max. */
static int nft_number(const char *s, size_t n, u32 max, u32 *out)
{
	char text[WORD_MAX];
	u64 v;

	memcpy(text, s, n);
	text[n] = '\0';
	if (kstrtou64(text, &v) || v > max)
		return -EINVAL;
	*out = (u32)v;
	return 0;
}

static int nft_address(const char *s, size_t n, u32 *out)
{
	u32 be;

	if (parse_ipv4(s, n, &be))
		return -EINVAL;
	*out = ntohl((__force __be32)be);
	return 0;
}

/* --- Values ----------------------------------------------------------------------------------------------------------------- */

/* One end of a range: a symbol, an address or a number. */
static int nft_scalar(const struct nft_field_name *f, const char *s, size_t n, u32 *out)
{
	const struct nft_symbol *sym = f->symbols ? nft_symbol(f->symbols, s, n) : NULL;

	if (sym) {
		*out = sym->value;
		return 0;
	}
	return f->kind == NFT_ADDRESS ? nft_address(s, n, out) : nft_number(s, n, f->max, out);
}

static int nft_prefix(const struct nft_cursor *c, struct nft_match *m, const char *slash)
{
	u32 len;

	if (nft_number(slash + 1, strlen(slash + 1), 32, &len))
		return nft_bad(c, "the prefix length must be 0..32");
	m->mask = ntohl(inet_make_mask((u8)len));
	m->lo &= m->mask;
	m->hi = m->lo;
	return 0;
}

static int nft_range(const struct nft_cursor *c, const struct nft_field_name *f,
		     struct nft_match *m)
{
	/* A symbol may have a dash inside: the whole word comes first. */
	size_t n = strlen(c->word);
	const char *dash = strchr(c->word, '-');
	const char *slash = f->kind == NFT_ADDRESS ? strchr(c->word, '/') : NULL;

	if (slash)
		n = (size_t)(slash - c->word);
	m->mask = UINT32_MAX;
	if (nft_scalar(f, c->word, n, &m->lo) == 0) {
		m->hi = m->lo;
		return slash ? nft_prefix(c, m, slash) : 0;
	}
	if (!dash || slash || nft_scalar(f, c->word, (size_t)(dash - c->word), &m->lo) ||
	    nft_scalar(f, dash + 1, strlen(dash + 1), &m->hi))
		return nft_bad(c, f->kind == NFT_ADDRESS ? "no IPv4 address, prefix or range"
							 : "no value that fits here");
	return m->lo <= m->hi ? 0 : nft_bad(c, "the range is empty");
}

/* "syn,ack" -> bits; 0 or -EINVAL. */
static int nft_flag_list(const char *s, size_t n, u32 *out)
{
	const struct nft_symbol *sym;

	*out = 0;
	for (;;) {
		const char *comma = memchr(s, ',', n);
		size_t len = comma ? (size_t)(comma - s) : n;

		sym = nft_symbol(tcp_flags, s, len);
		if (!sym)
			return -EINVAL;
		*out |= sym->value;
		if (!comma)
			return 0;
		s = comma + 1;
		n -= len + 1;
	}
}

/* "syn,ack": one of them; "syn/syn,ack" (blanks allowed): exactly these of those. */
static int nft_flags(struct nft_cursor *c, struct nft_match *m)
{
	static const char need[] = "must be names of TCP flags, as in syn,ack";
	const char *slash = strchr(c->word, '/'), *mask = slash ? slash + 1 : NULL;

	if (nft_flag_list(c->word, slash ? (size_t)(slash - c->word) : strlen(c->word), &m->lo))
		return nft_bad(c, need);
	if (!slash && nft_ahead(c) == '/') {
		nft_next(c);
		mask = c->word + 1;
		if (!*mask) {
			nft_next(c);
			mask = c->word;
		}
	}
	if (mask && nft_flag_list(mask, strlen(mask), &m->mask))
		return nft_bad(c, need);
	m->hi = m->lo;
	if (!mask) {
		m->mask = m->lo;
		m->lo = m->hi = 0;
		m->negated = !m->negated;
	}
	return 0;
}

static int nft_name(const struct nft_cursor *c, struct nft_rule *r, enum nft_field field)
{
	char *to = field == NFT_IIF ? r->iif : r->oif;
	const char *s = c->word;
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	if (n == 0 || n >= IFNAMSIZ || memchr(s, '"', n) || memchr(s, '\'', n))
		return nft_bad(c, "no name of an interface");
	if (to[0])
		return nft_bad(c, "one name of an interface is enough");
	if ((field == NFT_IIF) != (r->hook == NF_INET_LOCAL_IN || r->hook == NF_INET_PRE_ROUTING))
		return nft_bad(c, field == NFT_IIF ? "what is sent came in nowhere"
						   : "what is received goes out nowhere");
	memcpy(to, s, n);
	to[n] = 0;
	return 0;
}

/* --- Items ------------------------------------------------------------------------------------------------------------------- */

static int nft_room(const struct nft_cursor *c, const struct nft_rule *r)
{
	return r->nr_matches < NFT_MAX_MATCHES ? 0 : nft_bad(c, "too many conditions in one rule");
}

/* The rule is about @protocol from now on. */
static int nft_imply(const struct nft_cursor *c, struct nft_rule *r, u8 protocol)
{
	if (!protocol || r->protocol == protocol)
		return 0;
	if (r->protocol)
		return nft_bad(c, "the rule is about another protocol already");
	if (nft_room(c, r))
		return -EINVAL;
	r->protocol = protocol;
	r->match[r->nr_matches++] = (struct nft_match){ .field = NFT_PROTOCOL,
							.implied = true,
							.mask = UINT32_MAX,
							.lo = protocol,
							.hi = protocol };
	return 0;
}

/* "ip ttl set 5": the word at hand is the number. */
static int nft_set(struct nft_cursor *c, const struct nft_field_name *f, struct nft_rule *r)
{
	u32 v;

	if (f->field != NFT_MARK && f->field != NFT_TTL && f->field != NFT_DSCP)
		return nft_bad(c, "only mark, ttl and dscp can be set");
	if (nft_number(c->word, strlen(c->word), f->max, &v) || (f->field == NFT_TTL && !v))
		return nft_bad(c, "no value that fits here");
	if (f->field == NFT_MARK) {
		r->sets_mark = true;
		r->mark = v;
	} else if (f->field == NFT_TTL) {
		r->sets_ttl = true;
		r->ttl = (u8)v;
	} else {
		r->sets_dscp = true;
		r->dscp = (u8)v;
	}
	nft_next(c);
	return 0;
}

/* The word at hand stands behind the field's name. */
static int nft_condition(struct nft_cursor *c, const struct nft_field_name *f, struct nft_rule *r)
{
	struct nft_match m = { .field = (u8)f->field };
	int err;

	if (nft_take(c, "set"))
		return nft_set(c, f, r);
	if (nft_take(c, "!="))
		m.negated = true;
	else
		(void)nft_take(c, "==");
	if (!c->word[0])
		return nft_bad(c, "a value is missing");
	err = nft_imply(c, r, f->protocol);
	if (!err)
		err = nft_room(c, r);
	if (!err && f->kind == NFT_FLAGS)
		err = nft_flags(c, &m);
	else if (!err && f->kind == NFT_NAME)
		err = nft_name(c, r, f->field);
	else if (!err)
		err = nft_range(c, f, &m);
	if (err)
		return err;
	r->match[r->nr_matches++] = m;
	nft_next(c);
	return 0;
}

/* A field whose family, or (meta) name, is the word at hand. 0 done; -ENOENT none; -EINVAL. */
static int nft_field_item(struct nft_cursor *c, struct nft_rule *r)
{
	bool meta = nft_take(c, "meta"), family = meta;

	for (size_t i = 0; !meta && i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].family, "meta") && nft_is(c, fields[i].family)) {
			family = true;
			break;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct nft_field_name *f = &fields[i];
		struct nft_cursor ahead = *c;

		if (strcmp(f->family, "meta")) {
			if (meta || !nft_take(&ahead, f->family))
				continue;
		}
		if (nft_take(&ahead, f->name) || (f->alias && nft_take(&ahead, f->alias))) {
			*c = ahead;
			return nft_condition(c, f, r);
		}
	}
	if (family && !meta)
		nft_next(c);
	return family ? nft_bad(c, "no such field of a packet") : -ENOENT;
}

/* "10/second": @number gets the count, the unit is kept. */
static int nft_rate(const struct nft_cursor *c, struct nft_limit *l)
{
	const char *slash = strchr(c->word, '/');
	const struct nft_symbol *unit =
		slash ? nft_symbol(units, slash + 1, strlen(slash + 1)) : NULL;

	if (!unit || nft_number(c->word, (size_t)(slash - c->word), 1000000, &l->rate) || !l->rate)
		return nft_bad(c, "must be 1..1000000/second, minute, hour or day");
	l->unit_ns = unit->value * NSEC_PER_SEC;
	return 0;
}

static int nft_limit_item(struct nft_cursor *c, struct nft_rule *r)
{
	struct nft_limit *l = &r->limit;

	if (l->rate)
		return nft_bad(c, "one limit is enough");
	nft_next(c);
	if (!nft_take(c, "rate"))
		return nft_bad(c, "limit goes on with rate");
	l->over = nft_take(c, "over");
	if (nft_rate(c, l))
		return -EINVAL;
	nft_next(c);
	l->burst = 5;
	if (!nft_take(c, "burst"))
		return 0;
	if (nft_number(c->word, strlen(c->word), 10000, &l->burst) || !l->burst)
		return nft_bad(c, "burst must be 1..10000 packets");
	nft_next(c);
	return nft_take(c, "packets") ? 0 : nft_bad(c, "burst is counted in packets");
}

/* "reject", and what is said to the sender. */
static int nft_reject_item(struct nft_cursor *c, struct nft_rule *r)
{
	if (r->hook == NF_INET_POST_ROUTING)
		return nft_bad(c, "too late for a refusal: out can do that");
	nft_next(c);
	if (!nft_take(c, "with"))
		return 0;
	if (nft_take(c, "tcp")) {
		if (!nft_is(c, "reset"))
			return nft_bad(c, "tcp goes on with reset");
		r->verdict = NFT_REJECT_TCP;
		if (nft_imply(c, r, IPPROTO_TCP))
			return -EINVAL;
		nft_next(c);
		return 0;
	}
	if (!nft_take(c, "icmp"))
		return nft_bad(c, "with goes on with tcp reset or icmp port-unreachable");
	(void)nft_take(c, "type");
	return nft_take(c, "port-unreachable") ? 0 : nft_bad(c, "only port-unreachable is sent");
}

static int nft_verdict_item(struct nft_cursor *c, struct nft_rule *r, bool *decided)
{
	const struct nft_symbol *v = nft_symbol(verdicts, c->word, strlen(c->word));

	if (!v)
		return -ENOENT;
	if (*decided)
		return nft_bad(c, "a rule has one verdict");
	*decided = true;
	r->verdict = (u8)v->value;
	if (v->value == NFT_REJECT)
		return nft_reject_item(c, r);
	nft_next(c);
	return 0;
}

/* Rules count always; what a listing says is no order. */
static int nft_counter_item(struct nft_cursor *c)
{
	static const char *const words[] = { "packets", "bytes" };
	u32 ignored;

	nft_next(c);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!nft_take(c, words[i]))
			continue;
		if (nft_number(c->word, strlen(c->word), UINT32_MAX, &ignored))
			return nft_bad(c, "must be a number");
		nft_next(c);
	}
	return 0;
}

static int nft_item(struct nft_cursor *c, struct nft_rule *r, bool *decided)
{
	int err;

	if (nft_is(c, "counter"))
		return nft_counter_item(c);
	if (nft_is(c, "limit"))
		return nft_limit_item(c, r);
	err = nft_verdict_item(c, r, decided);
	if (err == -ENOENT)
		err = nft_field_item(c, r);
	return err == -ENOENT ? nft_bad(c, "unknown word") : err;
}

/* --- Statements --------------------------------------------------------------------------------------------------------------- */

static int nft_policy(struct nft_cursor *c, struct nft_statement *st)
{
	st->is_policy = true;
	st->rule.verdict = NFT_ACCEPT;
	if (nft_is(c, "drop"))
		st->rule.verdict = NFT_DROP;
	else if (!nft_is(c, "accept"))
		return nft_bad(c, "a policy is accept or drop");
	nft_next(c);
	return c->word[0] ? nft_bad(c, "nothing stands behind a policy") : 0;
}

/**
 * nft_parse() - reads the next statement; empty ones are skipped.
 * @text: moves behind it
 * @why: gets the reason, NFT_WHY_MAX bytes
 * Context: any, pure.
 * Return: 0; -ENOENT there is none any more; -EINVAL.
 */
int nft_parse(const char **text, struct nft_statement *st, char *why)
{
	struct nft_cursor c = { .p = *text, .why = why };
	const struct nft_symbol *hook;
	bool decided = false;

	memset(st, 0, sizeof(*st));
	while (nft_blank(*c.p) || *c.p == ';')
		c.p++;
	if (!*c.p)
		return -ENOENT;
	nft_next(&c);
	hook = nft_symbol(hooks, c.word, strlen(c.word));
	if (!hook)
		return nft_bad(&c, nft_is(&c, "forward")
					   ? "this host forwards nothing"
					   : "a rule begins with in, out, pre or post");
	st->rule.hook = (u8)hook->value;
	nft_next(&c);
	if (!c.word[0])
		return nft_bad(&c, "a rule has something behind its place");
	if (nft_take(&c, "policy")) {
		int err = nft_policy(&c, st);

		*text = c.p;
		return err;
	}
	while (c.word[0]) {
		int err = nft_item(&c, &st->rule, &decided);

		if (err)
			return err;
	}
	*text = c.p;
	return 0;
}

/**
 * nft_check() - is @text a list of statements that nft_add() would take?
 * @why: gets the reason, NFT_WHY_MAX bytes
 * Context: any, pure.
 * Return: 0; -EINVAL.
 */
int nft_check(const char *text, char *why)
{
	struct nft_statement st;
	int err;

	do
		err = nft_parse(&text, &st, why);
	while (!err);
	return err == -ENOENT ? 0 : err;
}

/* --- Printing ------------------------------------------------------------------------------------------------------------------ */

/**
 * nft_hook_name() - nft's word for a place. Context: any. Return: that word, static.
 */
const char *nft_hook_name(u32 hook)
{
	static const char *const names[NF_INET_NUMHOOKS] = { "prerouting", "input", "forward",
							     "output", "postrouting" };

	return names[hook];
}

static const struct nft_field_name *nft_field_of(const struct nft_match *m, u8 protocol)
{
	size_t i = 0;

	while (fields[i].field != m->field ||
	       (fields[i].protocol && fields[i].protocol != protocol))
		i++;
	return &fields[i];
}

static void nft_show_flags(struct seq_file *m, u32 bits)
{
	const char *comma = "";

	for (const struct nft_symbol *s = tcp_flags; s->name; s++) {
		if (bits & s->value) {
			seq_printf(m, "%s%s", comma, s->name);
			comma = ",";
		}
	}
}

static void nft_show_scalar(struct seq_file *m, const struct nft_field_name *f, u32 v)
{
	const char *name = f->symbols ? nft_symbol_name(f->symbols, v) : NULL;
	__be32 be = htonl(v);

	if (name)
		seq_puts(m, name);
	else if (f->kind == NFT_ADDRESS)
		seq_printf(m, "%pI4", &be);
	else
		seq_printf(m, f->kind == NFT_HEX ? "0x%08x" : "%u", v);
}

static void nft_show_match(struct seq_file *m, const struct nft_rule *r, const struct nft_match *x)
{
	const struct nft_field_name *f = nft_field_of(x, r->protocol);
	bool any = f->kind == NFT_FLAGS && x->lo == 0; /* one of the flags of the mask */

	seq_printf(m, "%s %s %s", f->family, f->name, x->negated != any ? "!= " : "");
	if (f->kind == NFT_NAME) {
		seq_printf(m, "\"%s\"", x->field == NFT_IIF ? r->iif : r->oif);
	} else if (f->kind == NFT_FLAGS) {
		nft_show_flags(m, any ? x->mask : x->lo);
		if (!any) {
			seq_puts(m, "/");
			nft_show_flags(m, x->mask);
		}
	} else {
		nft_show_scalar(m, f, x->lo);
		if (x->mask != UINT32_MAX)
			seq_printf(m, "/%u", x->mask ? 32 - (u32)__builtin_ctz(x->mask) : 0);
		if (x->hi != x->lo) {
			seq_puts(m, "-");
			nft_show_scalar(m, f, x->hi);
		}
	}
	seq_puts(m, " ");
}

static void nft_show_limit(struct seq_file *m, const struct nft_limit *l)
{
	if (l->rate)
		seq_printf(m, "limit rate %s%u/%s burst %u packets ", l->over ? "over " : "",
			   l->rate, nft_symbol_name(units, (u32)(l->unit_ns / NSEC_PER_SEC)),
			   l->burst);
}

/**
 * nft_rule_show() - one rule with its counters, as nft lists it; nft_parse() reads it back (behind the place's name).
 * Context: any.
 */
void nft_rule_show(struct seq_file *m, const struct nft_rule *r)
{
	static const char *const words[] = { "", " accept", " drop", " reject",
					     " reject with tcp reset" };

	for (u32 i = 0; i < r->nr_matches; i++)
		if (!r->match[i].implied)
			nft_show_match(m, r, &r->match[i]);
	nft_show_limit(m, &r->limit);
	if (r->sets_mark)
		seq_printf(m, "meta mark set 0x%08x ", r->mark);
	if (r->sets_dscp)
		seq_printf(m, "ip dscp set %u ", r->dscp);
	if (r->sets_ttl)
		seq_printf(m, "ip ttl set %u ", r->ttl);
	seq_printf(m, "counter packets %llu bytes %llu%s", (unsigned long long)r->packets,
		   (unsigned long long)r->bytes, words[r->verdict]);
}
