// SPDX-License-Identifier: MIT
/*
 * The settings of IPv4, ICMP and UDP that are single numbers, under Linux's names (net.ipv4.NAME).
 *
 * What a script for Linux may set can be set here, and reads as it was set, also where nothing depends on it.
 *
 * Interface: ip_sysctl_init() ("ipv4.h"); ip_sysctl_set(), ip_sysctl_get() (<net/ip.h>).
 * Above: ip_input.c, net/init.c.  Below: net/core/sysctl.c.
 * Context: process.
 * Owns: nothing.
 * Specs: Linux ip-sysctl.rst; RFC 1122 (3.2.1.7: the default TTL is 64); RFC 1191 (6.3).
 */
#include "ipv4.h"

#include <net/sysctl.h>

#define IP_SYSCTL(name_, preset_, least_, most_)                                                   \
	NET_SETTING(#name_, struct ip_settings, name_, preset_, least_, most_)
#define ROUTE_SYSCTL(name_, preset_, least_, most_)                                                \
	NET_SETTING("route/" #name_, struct ip_settings, name_, preset_, least_, most_)
#define INT INT32_MAX
/* clang-format off */
static const struct net_setting ip_sysctls[] = {
	IP_SYSCTL(ip_default_ttl, IPDEFTTL, 1, 255),
	IP_SYSCTL(ip_no_pmtu_disc, 0, 0, 3),
	IP_SYSCTL(ip_nonlocal_bind, 0, 0, 1),
	IP_SYSCTL(icmp_ratelimit, 1000, 0, INT),
	IP_SYSCTL(icmp_ratemask, 0x1818, 0, UINT32_MAX),
	IP_SYSCTL(icmp_msgs_per_sec, 1000, 0, INT),
	IP_SYSCTL(icmp_msgs_burst, 50, 0, INT),
	IP_SYSCTL(icmp_echo_ignore_all, 0, 0, 1),
	IP_SYSCTL(icmp_echo_ignore_broadcasts, 1, 0, 1),
	ROUTE_SYSCTL(min_pmtu, 552, 68, INT),
	ROUTE_SYSCTL(mtu_expires, 600, 0, INT),
	ROUTE_SYSCTL(min_adv_mss, 256, 0, INT),
	/* Nothing depends on these: a host forwards nothing, and checks all it gets */
	IP_SYSCTL(ip_forward, 0, 0, 0),
	IP_SYSCTL(ip_dynaddr, 0, 0, 7),
	IP_SYSCTL(ip_early_demux, 1, 0, 1),
	IP_SYSCTL(ip_autobind_reuse, 0, 0, 1),
	IP_SYSCTL(ip_forward_use_pmtu, 0, 0, 1),
	IP_SYSCTL(icmp_echo_enable_probe, 0, 0, 0),
	IP_SYSCTL(icmp_ignore_bogus_error_responses, 1, 0, 1),
	IP_SYSCTL(icmp_errors_use_inbound_ifaddr, 0, 0, 1),
	IP_SYSCTL(igmp_link_local_mcast_reports, 1, 0, 1),
	IP_SYSCTL(igmp_max_msf, 10, 0, INT),
	IP_SYSCTL(udp_early_demux, 1, 0, 1),
	IP_SYSCTL(udp_rmem_min, 4096, 1, INT),
	IP_SYSCTL(udp_wmem_min, 4096, 1, INT),
	IP_SYSCTL(udp_l3mdev_accept, 0, 0, 1),
	IP_SYSCTL(fwmark_reflect, 0, 0, 1),
	IP_SYSCTL(inet_peer_threshold, 65664, 0, INT),
	IP_SYSCTL(inet_peer_minttl, 120, 0, INT),
	IP_SYSCTL(inet_peer_maxttl, 600, 0, INT),
};
/* clang-format on */
static const struct net_settings ip_numbers = { ip_sysctls, ARRAY_SIZE(ip_sysctls) };

/** ip_sysctl_init() - an instance begins with Linux's values. Context: process. */
void ip_sysctl_init(struct net *net)
{
	net_settings_preset(&ip_numbers, &net->ipv4->set);
}

/**
 * ip_sysctl_set() - net.ipv4.NAME=VALUE for numbers of IP, ICMP and UDP ("route/min_pmtu" for those of routes)
 *
 * Holds for what is sent, learned or opened from now on.
 * Context: process. Return: 0; -ENOENT no such setting; -EINVAL no number; -ERANGE.
 */
int ip_sysctl_set(struct net *net, const char *name, const char *value)
{
	int err = net_setting_set(&ip_numbers, &net->ipv4->set, name, value);

	if (err)
		return err;
	net->ip_default_ttl = (u8)net->ipv4->set.ip_default_ttl;
	net->ip_no_pmtu_disc = net->ipv4->set.ip_no_pmtu_disc != 0;
	net->ip_nonlocal_bind = net->ipv4->set.ip_nonlocal_bind != 0;
	return 0;
}

/** ip_sysctl_get() - the same as text. @text: PROC_SETTING_MAX bytes. Context: process. Return: its length; -ENOENT. */
int ip_sysctl_get(const struct net *net, const char *name, char *text)
{
	return net_setting_get(&ip_numbers, &net->ipv4->set, name, text);
}
