/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line: "key=value key=value -- word word". Rooms ask for their keys; unknown keys give a
 * warning that names the nearest known one; bad values give an error and the boot ends with status 70. What
 * stands behind "--" becomes the application's arguments, quotes as in a shell.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H
#include <lib/types.h>

/* One known key. @parse stores the value; it returns 0, or -EINVAL/-ERANGE with *why set to what is wrong. */
struct cmdline_key {
	const char
		*name; /* "mtu"; ending in "." it takes every key with that prefix ("net.ipv4.") */
	int (*parse)(const char *key, const char *value, void *arg, const char **why);
	void *arg;
	bool repeatable; /* false: the last one wins */
};

#define CMDLINE_MAX_ARGS 64
struct app_args {
	int argc;                         /* words, argv[0] (the application's name) included */
	char *argv[CMDLINE_MAX_ARGS + 1]; /* NULL-terminated; text lives in @text */
	char text[4096];
};

/*
 * Parses @line (a copy is made) against the table. Returns the number of errors (each printed); warnings do not
 * count. Pure but for printk: unit-tested on the host.
 */
int cmdline_parse(const char *line, const struct cmdline_key *keys, size_t nr_keys,
		  const char *argv0, struct app_args *args);
/* The table entry whose name is nearest to @key (edit distance <= 3), or NULL. Pure. */
const char *cmdline_nearest(const char *key, const struct cmdline_key *keys, size_t nr_keys);

/* Ready-made parsers for table entries; @arg points at the variable. */
struct cmdline_u32 {
	u32 *var;
	u32 lo, hi;
};
int cmdline_parse_u32(const char *key, const char *value, void *arg,
		      const char **why); /* arg: struct cmdline_u32 */
int cmdline_parse_bool(const char *key, const char *value, void *arg,
		       const char **why); /* bool *; 0/1/on/off */
int cmdline_parse_u64(const char *key, const char *value, void *arg, const char **why); /* u64 * */
/* "10.0.2.15" -> network-order address; returns 0 or -EINVAL. Pure. */
int parse_ipv4(const char *s, size_t len, u32 *be_addr);
#endif
