// SPDX-License-Identifier: MIT
/*
 * Socket options of level SOL_IP, the same for every transport.
 *
 * Interface: <net/ip.h> (ip_setsockopt, ip_getsockopt).
 * Above: setsockopt/getsockopt of the transports.  Below: ip_options.c, ip_mcast.c; ip_output.c for the route of IP_MTU.
 * Context: process, the socket owned. Values are kernel copies.
 * Owns: sk->inet_ext, made when the first option needs it (freed with the sock).
 * Specs: Linux's ip(7); RFC 1122 (3.2.1.6, 3.2.1.7, 3.2.1.8); RFC 1349 for the classes of IP_TOS.
 */
#include "ipv4.h"

#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>

#define TOS_ECN_MASK 3

static void ip_set_tos(struct sock *sk, int val)
{
	u8 tos = (u8)val;

	/* The ECN bits of a TCP connection belong to TCP. */
	if (sk->sk_type == SOCK_STREAM)
		tos = (u8)((tos & ~TOS_ECN_MASK) | (sk->inet_tos & TOS_ECN_MASK));
	if (tos == sk->inet_tos)
		return;
	sk->inet_tos = tos;
	sk->sk_priority = rt_tos2priority(tos);
}

/* The route depends on them: the first hop of a source route is where packets go. */
static int ip_set_options(struct sock *sk, const void *kval, u32 len)
{
	struct ip_options opt;
	struct inet_ext *ext;
	int err = ip_options_compile(&opt, kval, len);

	if (err)
		return err;
	if (!opt.optlen && !sk->inet_ext)
		return 0;
	ext = inet_ext_get(sk);
	if (!ext)
		return -ENOMEM;
	local_bh_disable();
	ext->opt = opt;
	sk_dst_set(sk, NULL);
	local_bh_enable();
	return 0;
}

/* --- What is told with data ------------------------------------------------------------------------------------------------- */

/* The flag that says so; 0: no such option. */
static u16 ip_recv_flag(int opt)
{
	switch (opt) {
	case IP_RECVERR:
		return INET_RECVERR;
	case IP_PKTINFO:
		return INET_RECVPKTINFO;
	case IP_RECVTTL:
		return INET_RECVTTL;
	case IP_RECVTOS:
		return INET_RECVTOS;
	case IP_RECVOPTS:
		return INET_RECVOPTS;
	case IP_RETOPTS:
		return INET_RETOPTS;
	case IP_RECVORIGDSTADDR:
		return INET_RECVORIGDSTADDR;
	default:
		return 0;
	}
}

/* Who wants no errors any more reads none that have come. */
static void ip_set_recv(struct sock *sk, u16 flag, bool on)
{
	local_bh_disable();
	sk->inet_flags = (u16)(on ? sk->inet_flags | flag : sk->inet_flags & ~flag);
	local_bh_enable();
	if (flag == INET_RECVERR && !on)
		skb_errqueue_purge(sk);
}

/* The flag of an option about addresses that are not ours. */
static u16 ip_bind_flag(int opt)
{
	return opt == IP_FREEBIND ? INET_FREEBIND : INET_TRANSPARENT;
}

static int ip_set_how_bound(struct sock *sk, int opt, bool on)
{
	u16 flag = ip_bind_flag(opt);

	sk->inet_flags = (u16)(on ? sk->inet_flags | flag : sk->inet_flags & ~flag);
	return 0;
}

/* --- The calls ------------------------------------------------------------------------------------------------------------- */

/**
 * ip_setsockopt() - sets an option of level SOL_IP; @len 0 means the value 0.
 * Context: process, owner.
 * Return: 0; -EINVAL bad value; -ENOMEM; -ENOPROTOOPT unknown option; what ip_mc_setsockopt() says of groups and devices.
 */
int ip_setsockopt(struct sock *sk, int opt, const void *kval, u32 len)
{
	int val = ip_opt_value(kval, len);
	u16 flag = ip_recv_flag(opt);

	sock_owned_by_me(sk);
	if (flag) {
		ip_set_recv(sk, flag, val != 0);
		return 0;
	}
	switch (opt) {
	case IP_OPTIONS:
		return ip_set_options(sk, kval, len);
	case IP_TOS:
		ip_set_tos(sk, val);
		return 0;
	case IP_TTL:
		if (val != -1 && (val < 1 || val > 255))
			return -EINVAL;
		sk->inet_ttl = (s16)val;
		return 0;
	case IP_MINTTL:
		if (len < 1 || val < 0 || val > 255)
			return -EINVAL;
		sk->inet_min_ttl = (u8)val;
		return 0;
	case IP_FREEBIND:
	case IP_TRANSPARENT:
		return len < 1 ? -EINVAL : ip_set_how_bound(sk, opt, val != 0);
	case IP_MTU_DISCOVER:
		if (val < IP_PMTUDISC_DONT || val > IP_PMTUDISC_OMIT)
			return -EINVAL;
		sk->inet_pmtudisc = (u8)val;
		return 0;
	default:
		return ip_mc_setsockopt(sk, opt, kval, len);
	}
}

/* Those whose value is an int. 0, -ENOPROTOOPT, -ENOTCONN. */
static int ip_get_int(struct sock *sk, int opt, int *val)
{
	const struct inet_ext *ext = sk->inet_ext;
	const struct dst_entry *dst;
	u16 flag = ip_recv_flag(opt);

	if (flag) {
		*val = (sk->inet_flags & flag) != 0;
		return 0;
	}
	switch (opt) {
	case IP_TOS:
		*val = sk->inet_tos;
		return 0;
	case IP_TTL:
		*val = sk->inet_ttl < 0 ? sk->sk_net->ip_default_ttl : sk->inet_ttl;
		return 0;
	case IP_MINTTL:
		*val = sk->inet_min_ttl;
		return 0;
	case IP_FREEBIND:
	case IP_TRANSPARENT:
		*val = (sk->inet_flags & ip_bind_flag(opt)) != 0;
		return 0;
	case IP_MTU_DISCOVER:
		*val = sk->inet_pmtudisc;
		return 0;
	case IP_MTU:
		/* Looked up again when it is stale, but never for a socket that has no route at all. */
		dst = sk->sk_dst_cache ? ip_sk_dst(sk) : NULL;
		*val = dst ? (int)ip_dst_mtu_of(sk, dst) : 0;
		return dst ? 0 : -ENOTCONN;
	case IP_MULTICAST_TTL:
		*val = sk->inet_mc_ttl;
		return 0;
	case IP_MULTICAST_LOOP:
		*val = sk->inet_mc_loop;
		return 0;
	case IP_MULTICAST_ALL:
		*val = sk->inet_mc_all;
		return 0;
	case IP_UNICAST_IF:
		*val = (__force int)htonl(ext ? ext->uc_index : 0);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * ip_getsockopt() - reads an option of level SOL_IP (IP_MSFILTER and MCAST_MSFILTER: @kval says of which group); *@len shrinks to what was stored: one byte of a value that fits into it when
 * there is no room for an int.
 * Context: process, owner.
 * Return: 0; -ENOTCONN IP_MTU of a socket without a route; -ENOPROTOOPT; what ip_mc_getsockopt() says of filters.
 */
int ip_getsockopt(struct sock *sk, int opt, void *kval, u32 *len)
{
	const struct inet_ext *ext = sk->inet_ext;
	int val, err;

	sock_owned_by_me(sk);
	if (opt == IP_OPTIONS) {
		*len = min_t(u32, *len, ip_sk_optlen(sk));
		if (*len)
			memcpy(kval, ext->opt.orig, *len);
		return 0;
	}
	if (opt == IP_MULTICAST_IF || opt == IP_MSFILTER || opt == MCAST_MSFILTER)
		return ip_mc_getsockopt(sk, opt, kval, len);
	err = ip_get_int(sk, opt, &val);
	if (err)
		return err;
	if (*len > 0 && *len < sizeof(val) && val >= 0 && val <= 255)
		*len = 1;
	*len = min_t(u32, *len, sizeof(val));
	memcpy(kval, &val, *len);
	return 0;
}
