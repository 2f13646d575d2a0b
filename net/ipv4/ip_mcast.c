// SPDX-License-Identifier: MIT
/*
 * Socket options of level SOL_IP about groups and devices: what an application says in five different structures, and the calls of igmp.c that do it.
 *
 * Interface: "ipv4.h" (ip_mc_setsockopt(), ip_mc_getsockopt()).
 * Above: ip_sockglue.c.  Below: igmp.c, addresses of devices.
 * Context: process, the socket owned. Values are kernel copies.
 * Owns: nothing.
 * Specs: Linux's ip(7); RFC 1112 (6.1); RFC 3678 (4, 5).
 */
#include "ipv4.h"

#include <kernel/softirq.h>
#include <lib/err.h>
#include <lib/string.h>
#include <net/inetdevice.h>

/* struct ip_mreqn, its first eight bytes (struct ip_mreq), or (@alone) a single address. 0, -EINVAL too short. */
static int ip_get_mreqn(struct ip_mreqn *mr, const void *kval, u32 len, bool alone)
{
	*mr = (struct ip_mreqn){ 0 };
	if (len >= sizeof(*mr))
		memcpy(mr, kval, sizeof(*mr));
	else if (len >= 2 * sizeof(__be32))
		memcpy(mr, kval, 2 * sizeof(__be32));
	else if (alone && len >= sizeof(__be32))
		memcpy(&mr->imr_address, kval, sizeof(__be32));
	else
		return -EINVAL;
	return mr->imr_ifindex < 0 ? -EINVAL : 0;
}

/* The device with @addr, NULL when none. */
static const struct net_device *ip_dev_with(const struct net *net, __be32 addr)
{
	const struct net_device *dev;

	list_for_each_entry(dev, &net->dev_base, dev_list) {
		if (inet_dev_has_addr(dev, addr))
			return dev;
	}
	return NULL;
}

static int ip_set_multicast_if(struct sock *sk, const void *kval, u32 len)
{
	const struct net_device *dev = NULL;
	struct inet_ext *ext;
	struct ip_mreqn mr;
	int err = ip_get_mreqn(&mr, kval, len, true);

	if (err || sk->sk_type == SOCK_STREAM)
		return -EINVAL;
	ext = inet_ext_get(sk);
	if (!ext)
		return -ENOMEM;
	if (mr.imr_ifindex)
		dev = dev_get_by_index(sk->sk_net, (u32)mr.imr_ifindex);
	else if (mr.imr_address)
		dev = ip_dev_with(sk->sk_net, mr.imr_address);
	if (!dev && (mr.imr_ifindex || mr.imr_address))
		return -EADDRNOTAVAIL;
	if (dev && sk->sk_bound_dev_if && sk->sk_bound_dev_if != dev->ifindex)
		return -EINVAL;
	ext->mc_index = dev ? dev->ifindex : 0;
	ext->mc_addr = mr.imr_address;
	return 0;
}

static int ip_set_unicast_if(struct sock *sk, int val)
{
	u32 index = ntohl((__force __be32)val);
	struct inet_ext *ext = inet_ext_get(sk);

	if (!ext)
		return -ENOMEM;
	if (index && !dev_get_by_index(sk->sk_net, index))
		return -EADDRNOTAVAIL;
	if (index && sk->sk_bound_dev_if && sk->sk_bound_dev_if != index)
		return -EINVAL;
	ext->uc_index = index;
	return 0;
}

static int ip_set_membership(struct sock *sk, int opt, const void *kval, u32 len)
{
	struct ip_mreqn mr;
	int err = ip_get_mreqn(&mr, kval, len, false);

	if (sk->sk_type == SOCK_STREAM)
		return -EPROTO;
	if (err)
		return err;
	return opt == IP_ADD_MEMBERSHIP ? ip_mc_join(sk, &mr) : ip_mc_leave(sk, &mr);
}

static int ip_set_source(struct sock *sk, int opt, const void *kval, u32 len)
{
	struct ip_mreq_source mr;

	if (len != sizeof(mr))
		return -EINVAL;
	memcpy(&mr, kval, sizeof(mr));
	return ip_mc_source(sk, opt,
			    &(struct ip_mreqn){ mr.imr_multiaddr, .imr_address = mr.imr_interface },
			    mr.imr_sourceaddr);
}

/* --- The same for any family, by index of the device (RFC 3678, 5.1) ------------------------------------------------------- */

/* The IPv4 address of a name of any family. 0: it is of another one. */
static bool ip_name_addr(const struct sockaddr_storage *name, __be32 *addr)
{
	struct sockaddr_in sin;

	memcpy(&sin, name, sizeof(sin));
	*addr = sin.sin_addr;
	return sin.sin_family == AF_INET;
}

static int ip_set_group(struct sock *sk, int opt, const void *kval, u32 len)
{
	struct ip_mreqn mr = { 0 };
	struct group_req req;

	if (len < sizeof(req))
		return -EINVAL;
	memcpy(&req, kval, sizeof(req));
	if (!ip_name_addr(&req.gr_group, &mr.imr_multiaddr))
		return -EINVAL;
	mr.imr_ifindex = (int)req.gr_interface;
	return opt == MCAST_JOIN_GROUP ? ip_mc_join(sk, &mr) : ip_mc_leave(sk, &mr);
}

/* MCAST_JOIN_SOURCE_GROUP and its like, by the name of the option that is the same for IPv4 alone. */
static int ip_set_group_source(struct sock *sk, int opt, const void *kval, u32 len)
{
	struct ip_mreqn mr = { 0 };
	struct group_source_req req;
	__be32 source;

	if (len < sizeof(req))
		return -EINVAL;
	memcpy(&req, kval, sizeof(req));
	if (!ip_name_addr(&req.gsr_group, &mr.imr_multiaddr) ||
	    !ip_name_addr(&req.gsr_source, &source))
		return -EADDRNOTAVAIL;
	mr.imr_ifindex = (int)req.gsr_interface;
	switch (opt) {
	case MCAST_JOIN_SOURCE_GROUP:
		return ip_mc_source(sk, IP_ADD_SOURCE_MEMBERSHIP, &mr, source);
	case MCAST_LEAVE_SOURCE_GROUP:
		return ip_mc_source(sk, IP_DROP_SOURCE_MEMBERSHIP, &mr, source);
	case MCAST_BLOCK_SOURCE:
		return ip_mc_source(sk, IP_BLOCK_SOURCE, &mr, source);
	default:
		return ip_mc_source(sk, IP_UNBLOCK_SOURCE, &mr, source);
	}
}

/* --- Whole filters (RFC 3678, 4.1.1, 5.2.1) ---------------------------------------------------------------------------------- */

/* May a filter have @n sources, when so many bytes came? 0; -ENOBUFS; -EINVAL. */
static int ip_filter_size(const struct sock *sk, u32 n, u64 needed, u32 len)
{
	if (n > sk->sk_net->ipv4->set.igmp_max_msf || n > IP_MAX_SOURCES)
		return -ENOBUFS;
	return needed > len ? -EINVAL : 0;
}

/* 0; -EINVAL the mode is none. */
static int ip_filter_mode(struct ip_mc_filter *f, u32 mode, u32 n)
{
	f->include = mode == MCAST_INCLUDE;
	f->nr = n;
	return mode == MCAST_INCLUDE || mode == MCAST_EXCLUDE ? 0 : -EINVAL;
}

static int ip_set_msfilter(struct sock *sk, const void *kval, u32 len)
{
	struct ip_msfilter msf;
	struct ip_mc_filter f;
	struct ip_mreqn mr = { 0 };
	int err;

	if (len < sizeof(msf))
		return -EINVAL;
	memcpy(&msf, kval, sizeof(msf));
	err = ip_filter_size(sk, msf.imsf_numsrc,
			     sizeof(msf) + (u64)msf.imsf_numsrc * sizeof(__be32), len);
	if (err)
		return err;
	if (!ipv4_is_multicast(msf.imsf_multiaddr) ||
	    ip_filter_mode(&f, msf.imsf_fmode, msf.imsf_numsrc))
		return -EINVAL;
	memcpy(f.addr, (const u8 *)kval + sizeof(msf), f.nr * sizeof(__be32));
	mr.imr_multiaddr = msf.imsf_multiaddr;
	mr.imr_address = msf.imsf_interface;
	return ip_mc_set_filter(sk, &mr, &f);
}

static int ip_set_group_filter(struct sock *sk, const void *kval, u32 len)
{
	struct group_filter gf;
	struct sockaddr_storage name;
	struct ip_mc_filter f;
	struct ip_mreqn mr = { 0 };
	int err;

	if (len < sizeof(gf))
		return -EINVAL;
	memcpy(&gf, kval, sizeof(gf));
	err = ip_filter_size(sk, gf.gf_numsrc, sizeof(gf) + (u64)gf.gf_numsrc * sizeof(name), len);
	if (err)
		return err;
	if (!ip_name_addr(&gf.gf_group, &mr.imr_multiaddr))
		return -EADDRNOTAVAIL;
	for (u32 i = 0; i < gf.gf_numsrc; i++) {
		memcpy(&name, (const u8 *)kval + sizeof(gf) + i * sizeof(name), sizeof(name));
		if (!ip_name_addr(&name, &f.addr[i]))
			return -EADDRNOTAVAIL;
	}
	if (!ipv4_is_multicast(mr.imr_multiaddr) || ip_filter_mode(&f, gf.gf_fmode, gf.gf_numsrc))
		return -EINVAL;
	mr.imr_ifindex = (int)gf.gf_interface;
	return ip_mc_set_filter(sk, &mr, &f);
}

/* As many sources as the application says that it has room for. */
static int ip_get_msfilter(struct sock *sk, void *kval, u32 *len)
{
	struct ip_msfilter msf;
	struct ip_mreqn mr = { 0 };
	struct ip_mc_filter f;
	u32 n;
	int err;

	if (*len < sizeof(msf))
		return -EINVAL;
	memcpy(&msf, kval, sizeof(msf));
	mr.imr_multiaddr = msf.imsf_multiaddr;
	mr.imr_address = msf.imsf_interface;
	err = ip_mc_get_filter(sk, &mr, &f);
	if (err)
		return err;
	n = min(f.nr, msf.imsf_numsrc);
	n = min(n, (u32)((*len - sizeof(msf)) / sizeof(__be32)));
	msf.imsf_fmode = f.include ? MCAST_INCLUDE : MCAST_EXCLUDE;
	msf.imsf_numsrc = f.nr;
	memcpy(kval, &msf, sizeof(msf));
	memcpy((u8 *)kval + sizeof(msf), f.addr, n * sizeof(__be32));
	*len = (u32)(sizeof(msf) + n * sizeof(__be32));
	return 0;
}

static int ip_get_group_filter(struct sock *sk, void *kval, u32 *len)
{
	struct sockaddr_storage name = { 0 };
	struct ip_mreqn mr = { 0 };
	struct group_filter gf;
	struct ip_mc_filter f;
	u32 n;
	int err;

	if (*len < sizeof(gf))
		return -EINVAL;
	memcpy(&gf, kval, sizeof(gf));
	if (!ip_name_addr(&gf.gf_group, &mr.imr_multiaddr))
		return -EINVAL;
	mr.imr_ifindex = (int)gf.gf_interface;
	err = ip_mc_get_filter(sk, &mr, &f);
	if (err == -ENODEV ||
	    (!err && !mr.imr_ifindex)) /* a membership has a device, and no other is meant */
		err = -EADDRNOTAVAIL;
	if (err)
		return err;
	n = min(f.nr, gf.gf_numsrc);
	n = min(n, (u32)((*len - sizeof(gf)) / sizeof(name)));
	gf.gf_fmode = f.include ? MCAST_INCLUDE : MCAST_EXCLUDE;
	gf.gf_numsrc = f.nr;
	memcpy(kval, &gf, sizeof(gf));
	for (u32 i = 0; i < n; i++) {
		struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = f.addr[i] };

		memcpy(&name, &sin, sizeof(sin));
		memcpy((u8 *)kval + sizeof(gf) + i * sizeof(name), &name, sizeof(name));
	}
	*len = (u32)(sizeof(gf) + n * sizeof(name));
	return 0;
}

/* --- The calls ------------------------------------------------------------------------------------------------------------- */

/* BH off: other bits of the same byte are set by softirqs, whoever owns the socket. */
static int ip_set_how_bh(struct sock *sk, int opt, u32 len, int val) __needs(softirq_ctx)
{
	switch (opt) {
	case IP_MULTICAST_TTL:
		if (sk->sk_type == SOCK_STREAM || len < 1 || val < -1 || val > 255)
			return -EINVAL;
		sk->inet_mc_ttl = val < 0 ? 1 : (u8)val;
		return 0;
	case IP_MULTICAST_LOOP:
		if (len < 1)
			return -EINVAL;
		sk->inet_mc_loop = val != 0;
		return 0;
	case IP_MULTICAST_ALL:
		if (len < 1 || (val != 0 && val != 1))
			return -EINVAL;
		sk->inet_mc_all = val != 0;
		return 0;
	case IP_UNICAST_IF:
		return len == sizeof(val) ? ip_set_unicast_if(sk, val) : -EINVAL;
	default:
		return -ENOPROTOOPT;
	}
}

static int ip_set_how(struct sock *sk, int opt, u32 len, int val)
{
	int err;

	local_bh_disable();
	err = ip_set_how_bh(sk, opt, len, val);
	local_bh_enable();
	return err;
}

/**
 * ip_mc_setsockopt() - options of level SOL_IP about groups, and about devices.
 * Context: process, owner.
 * Return: 0; -EINVAL bad value; -EADDRNOTAVAIL, -ENODEV no such device or membership; -EADDRINUSE, -ENOBUFS of ip_mc_join() and filters;
 * -EPROTO a stream cannot join by IP_ADD_MEMBERSHIP; -ENOMEM; -ENOPROTOOPT unknown option.
 */
int ip_mc_setsockopt(struct sock *sk, int opt, const void *kval, u32 len)
{
	switch (opt) {
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		return ip_set_membership(sk, opt, kval, len);
	case IP_ADD_SOURCE_MEMBERSHIP:
	case IP_DROP_SOURCE_MEMBERSHIP:
	case IP_BLOCK_SOURCE:
	case IP_UNBLOCK_SOURCE:
		return ip_set_source(sk, opt, kval, len);
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		return ip_set_group(sk, opt, kval, len);
	case MCAST_JOIN_SOURCE_GROUP:
	case MCAST_LEAVE_SOURCE_GROUP:
	case MCAST_BLOCK_SOURCE:
	case MCAST_UNBLOCK_SOURCE:
		return ip_set_group_source(sk, opt, kval, len);
	case IP_MSFILTER:
		return ip_set_msfilter(sk, kval, len);
	case MCAST_MSFILTER:
		return ip_set_group_filter(sk, kval, len);
	case IP_MULTICAST_IF:
		return ip_set_multicast_if(sk, kval, len);
	default:
		return ip_set_how(sk, opt, len, ip_opt_value(kval, len));
	}
}

/**
 * ip_mc_getsockopt() - IP_MULTICAST_IF, or the filter of a group that @kval names (IP_MSFILTER, MCAST_MSFILTER).
 * Context: process, owner.
 * Return: 0; -EINVAL too short, or no group; -ENODEV; -EADDRNOTAVAIL no member of it.
 */
int ip_mc_getsockopt(struct sock *sk, int opt, void *kval, u32 *len)
{
	__be32 addr = sk->inet_ext ? sk->inet_ext->mc_addr : INADDR_ANY;

	if (opt == IP_MSFILTER)
		return ip_get_msfilter(sk, kval, len);
	if (opt == MCAST_MSFILTER)
		return ip_get_group_filter(sk, kval, len);
	*len = min_t(u32, *len, sizeof(addr));
	memcpy(kval, &addr, *len);
	return 0;
}
