/* SPDX-License-Identifier: MIT */
/*
 * Settings that are single numbers, as a table of names, ranges and places: what net.ipv4.NAME of IP and TCP have in common.
 *
 * Context: process.
 */
#ifndef NET_SYSCTL_H
#define NET_SYSCTL_H
#include <lib/types.h>

/* One number in the structure that a room keeps its settings in. */
struct net_setting {
	const char *name;
	u32 offset; /* of the u32, or of the s32 if least is negative */
	u32 preset;
	s64 least, most;
};
#define NET_SETTING(name_, type_, member_, preset_, least_, most_)                                 \
	{                                                                                          \
		name_, offsetof(type_, member_), preset_, least_, most_                            \
	}

/* The settings of one room. */
struct net_settings {
	const struct net_setting *table;
	u32 nr;
};

void net_settings_preset(const struct net_settings *set, void *base);
int net_setting_set(const struct net_settings *set, void *base, const char *name,
		    const char *value); /* 0, -ENOENT, -EINVAL, -ERANGE */
int net_setting_get(const struct net_settings *set, const void *base, const char *name,
		    char *text); /* length, -ENOENT */
#endif
