// SPDX-License-Identifier: MIT
/*
 * The settings of sockets of every family, under Linux's names (net.core.NAME).
 *
 * Interface: net_core_defaults() (net.c); core_sysctl_set(), core_sysctl_get() (<net/net.h>).
 * Above: net/init.c.  Below: sysctl.c.
 * Context: process.
 * Owns: net->core.
 * Specs: Linux's socket(7), sysctl/net.rst.
 */
#include <net/sock.h>
#include <net/sysctl.h>

#define CORE_SYSCTL(name_, preset_, least_)                                                        \
	NET_SETTING(#name_, struct net_core_settings, name_, preset_, least_, INT32_MAX)
static const struct net_setting core_sysctls[] = {
	CORE_SYSCTL(rmem_max, SYSCTL_MEM_DEFAULT, SOCK_MIN_RCVBUF),
	CORE_SYSCTL(wmem_max, SYSCTL_MEM_DEFAULT, SOCK_MIN_SNDBUF),
	CORE_SYSCTL(rmem_default, SYSCTL_MEM_DEFAULT, SOCK_MIN_RCVBUF),
	CORE_SYSCTL(wmem_default, SYSCTL_MEM_DEFAULT, SOCK_MIN_SNDBUF),
	CORE_SYSCTL(optmem_max, 20480, 0),
};
static const struct net_settings core_numbers = { core_sysctls, ARRAY_SIZE(core_sysctls) };

/** net_core_defaults() - an instance begins with Linux's values. Context: process. */
void net_core_defaults(struct net *net)
{
	net_settings_preset(&core_numbers, &net->core);
}

/**
 * core_sysctl_set() - net.core.NAME=VALUE: of what is opened or set from now on.
 * Context: process. Return: 0; -ENOENT no such setting; -EINVAL no number; -ERANGE.
 */
int core_sysctl_set(struct net *net, const char *name, const char *value)
{
	return net_setting_set(&core_numbers, &net->core, name, value);
}

/** core_sysctl_get() - the same as text. @text: PROC_SETTING_MAX bytes. Context: process. Return: its length; -ENOENT. */
int core_sysctl_get(const struct net *net, const char *name, char *text)
{
	return net_setting_get(&core_numbers, &net->core, name, text);
}
