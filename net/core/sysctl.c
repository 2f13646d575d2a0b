// SPDX-License-Identifier: MIT
/*
 * Settings that are single numbers: found by name, read from text within their range, told as text.
 *
 * Interface: net_settings_preset, net_setting_set, net_setting_get (<net/sysctl.h>).
 * Above: net/ipv4/ip_sysctl.c, net/tcp/tcp_sysctl.c.  Below: nothing.
 * Context: process.
 * Owns: nothing; the numbers lie in their room's own structure.
 * Specs: Linux ip-sysctl.rst (what a write that is no number, or out of its range, answers).
 */
#include <net/sysctl.h>

#include <kernel/proc.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>

static const struct net_setting *find(const struct net_settings *set, const char *name)
{
	for (u32 i = 0; i < set->nr; i++)
		if (strcmp(name, set->table[i].name) == 0)
			return &set->table[i];
	return NULL;
}

static u32 *place_of(const struct net_setting *s, void *base)
{
	return (u32 *)(void *)((char *)base + s->offset);
}

/**
 * net_settings_preset() - an instance begins with Linux's values
 * @set: which
 * @base: the structure they lie in
 *
 * Context: process.
 */
void net_settings_preset(const struct net_settings *set, void *base)
{
	for (u32 i = 0; i < set->nr; i++)
		*place_of(&set->table[i], base) = set->table[i].preset;
}

/**
 * net_setting_set() - NAME=VALUE
 * @set: where to look for @name
 * @base: the structure they lie in
 * @name: as in the table
 * @value: a number; a minus before it where the range goes below zero
 *
 * Context: process. Return: 0; -ENOENT no such setting; -EINVAL no number; -ERANGE.
 */
int net_setting_set(const struct net_settings *set, void *base, const char *name, const char *value)
{
	const struct net_setting *s = find(set, name);
	bool negative;
	u64 num;
	s64 v;
	int err;

	if (!s)
		return -ENOENT;
	negative = s->least < 0 && *value == '-';
	err = kstrtou64(value + negative, &num);
	if (err)
		return err;
	if (num > UINT32_MAX)
		return -ERANGE;
	v = negative ? -(s64)num : (s64)num;
	if (v < s->least || v > s->most)
		return -ERANGE;
	*place_of(s, base) = (u32)v;
	return 0;
}

/**
 * net_setting_get() - the same as text
 * @set: where to look for @name
 * @base: the structure they lie in
 * @name: as in the table
 * @text: PROC_SETTING_MAX bytes
 *
 * Context: process. Return: length of the text; -ENOENT.
 */
int net_setting_get(const struct net_settings *set, const void *base, const char *name, char *text)
{
	const struct net_setting *s = find(set, name);
	u32 v;

	if (!s)
		return -ENOENT;
	v = *(const u32 *)(const void *)((const char *)base + s->offset);
	if (s->least < 0)
		return scnprintf(text, PROC_SETTING_MAX, "%d", (s32)v);
	return scnprintf(text, PROC_SETTING_MAX, "%u", v);
}
