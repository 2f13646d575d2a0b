// SPDX-License-Identifier: MIT
/*
 * Socket options of level SOL_IP, the same for every transport.
 *
 * Interface: <net/ip.h> (ip_setsockopt, ip_getsockopt).
 * Above: setsockopt/getsockopt of TCP and UDP.  Below: nothing.
 * Context: process, the socket owned. Values are kernel copies.
 * Owns: nothing.
 * Specs: Linux's ip(7); RFC 1122 (3.2.1.6, 3.2.1.7).
 */
#include "ipv4.h"

#include <lib/err.h>
#include <lib/string.h>

/* One byte or an int: both are accepted, as applications use both; nothing at all means 0. */
static int ip_opt_value(const void *kval, u32 len)
{
	int val = 0;

	if (len >= sizeof(val))
		memcpy(&val, kval, sizeof(val));
	else if (len)
		val = *(const u8 *)kval;
	return val;
}

/**
 * ip_setsockopt() - sets an option of level SOL_IP; @len 0 means the value 0.
 * Context: process, owner.
 * Return: 0; -EINVAL bad value; -ENOPROTOOPT unknown option.
 */
int ip_setsockopt(struct sock *sk, int opt, const void *kval, u32 len)
{
	int val = ip_opt_value(kval, len);

	sock_owned_by_me(sk);
	switch (opt) {
	case IP_TOS:
		/* The ECN bits of a TCP connection belong to TCP. */
		if (sk->sk_type == SOCK_STREAM)
			sk->inet_tos = (u8)((val & ~3) | (sk->inet_tos & 3));
		else
			sk->inet_tos = (u8)val;
		return 0;
	case IP_TTL:
		if (val != -1 && (val < 1 || val > 255))
			return -EINVAL;
		sk->inet_ttl = (s16)val;
		return 0;
	case IP_MTU_DISCOVER:
		if (val < 0 || val > IP_PMTUDISC_OMIT)
			return -EINVAL;
		sk->inet_pmtudisc = (u8)val;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * ip_getsockopt() - reads an option of level SOL_IP; *@len shrinks to what was stored: one byte of a value that fits into it when
 * there is no room for an int.
 * Context: process, owner.
 * Return: 0; -ENOTCONN IP_MTU of a socket without a route; -ENOPROTOOPT.
 */
int ip_getsockopt(struct sock *sk, int opt, void *kval, u32 *len)
{
	const struct dst_entry *dst;
	int val;

	sock_owned_by_me(sk);
	switch (opt) {
	case IP_TOS:
		val = sk->inet_tos;
		break;
	case IP_TTL:
		val = sk->inet_ttl < 0 ? IPDEFTTL : sk->inet_ttl;
		break;
	case IP_MTU_DISCOVER:
		val = sk->inet_pmtudisc;
		break;
	case IP_MTU:
		dst = __sk_dst_check(sk);
		if (!dst)
			return -ENOTCONN;
		val = (int)dst->mtu;
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (*len > 0 && *len < sizeof(val) && val <= 255)
		*len = 1;
	*len = min_t(u32, *len, sizeof(val));
	memcpy(kval, &val, *len);
	return 0;
}
