// SPDX-License-Identifier: MIT
/*
 * The settings of sockets of every family, under Linux's names (net.core.NAME).
 *
 * Interface: net_core_defaults() (net.c); core_sysctl_set(), core_sysctl_get() (<net/net.h>).
 * Above: net/init.c.  Below: nothing.
 * Context: process.
 * Owns: net->core.
 * Specs: Linux's socket(7), sysctl/net.rst.
 */
#include <kernel/proc.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/sock.h>

static const struct core_sysctl {
	const char *name;
	u32 offset; /* of the u32 in struct net_core_settings */
	u32 preset, least;
} core_sysctls[] = {
	{ "rmem_max", offsetof(struct net_core_settings, rmem_max), SYSCTL_MEM_DEFAULT,
	  SOCK_MIN_RCVBUF },
	{ "wmem_max", offsetof(struct net_core_settings, wmem_max), SYSCTL_MEM_DEFAULT,
	  SOCK_MIN_SNDBUF },
	{ "rmem_default", offsetof(struct net_core_settings, rmem_default), SYSCTL_MEM_DEFAULT,
	  SOCK_MIN_RCVBUF },
	{ "wmem_default", offsetof(struct net_core_settings, wmem_default), SYSCTL_MEM_DEFAULT,
	  SOCK_MIN_SNDBUF },
	{ "optmem_max", offsetof(struct net_core_settings, optmem_max), 20480, 0 },
};

static u32 *core_setting(struct net_core_settings *core, const struct core_sysctl *s)
{
	return (u32 *)(void *)((char *)core + s->offset);
}

/** net_core_defaults() - an instance begins with Linux's values. Context: process. */
void net_core_defaults(struct net *net)
{
	for (u32 i = 0; i < ARRAY_SIZE(core_sysctls); i++)
		*core_setting(&net->core, &core_sysctls[i]) = core_sysctls[i].preset;
}

/**
 * core_sysctl_set() - net.core.NAME=VALUE: of what is opened or set from now on.
 * Context: process. Return: 0; -ENOENT no such setting; -EINVAL no number; -ERANGE.
 */
int core_sysctl_set(struct net *net, const char *name, const char *value)
{
	for (u32 i = 0; i < ARRAY_SIZE(core_sysctls); i++) {
		const struct core_sysctl *s = &core_sysctls[i];
		u64 num;

		if (strcmp(name, s->name) != 0)
			continue;
		if (kstrtou64(value, &num))
			return -EINVAL;
		if (num < s->least || num > INT32_MAX)
			return -ERANGE;
		*core_setting(&net->core, s) = (u32)num;
		return 0;
	}
	return -ENOENT;
}

/** core_sysctl_get() - the same as text. @text: PROC_SETTING_MAX bytes. Context: process. Return: its length; -ENOENT. */
int core_sysctl_get(struct net *net, const char *name, char *text)
{
	for (u32 i = 0; i < ARRAY_SIZE(core_sysctls); i++)
		if (strcmp(name, core_sysctls[i].name) == 0)
			return scnprintf(text, PROC_SETTING_MAX, "%u",
					 *core_setting(&net->core, &core_sysctls[i]));
	return -ENOENT;
}
