// SPDX-License-Identifier: MIT
/*
 * What a DHCP server's message says. Options may lie in three areas, in any order, and one option in several pieces, which are put together
 * in the order of the areas: options, file, sname.
 *
 * Interface: <net/dhcp.h> (dhcp_parse()).
 * Above: dhcp.c, fuzzing.  Below: <lib/reader.h>.
 * Context: any; pure.
 * Owns: nothing.
 * Specs: RFC 2131 (4.1); RFC 2132; RFC 3396 (5, 7: pieces).
 */
#include <net/dhcp.h>

#include <lib/err.h>
#include <lib/reader.h>
#include <lib/string.h>
#include <wire/arp.h>
#include <wire/dhcp.h>

/* The options that count here: their first bytes, put together. */
enum { F_TYPE, F_OVERLOAD, F_MASK, F_SERVER, F_LEASE, F_T1, F_T2, F_ROUTERS, F_DNS, NR_FIELDS };
static const struct {
	u8 code, size; /* bytes of the value; a list has a multiple of them */
	bool list;
} fields[NR_FIELDS] = {
	[F_TYPE] = { DHO_MESSAGE_TYPE, 1, false },
	[F_OVERLOAD] = { DHO_OVERLOAD, 1, false },
	[F_MASK] = { DHO_SUBNET_MASK, 4, false },
	[F_SERVER] = { DHO_SERVER_ID, 4, false },
	[F_LEASE] = { DHO_LEASE_TIME, 4, false },
	[F_T1] = { DHO_RENEWAL_TIME, 4, false },
	[F_T2] = { DHO_REBINDING_TIME, 4, false },
	[F_ROUTERS] = { DHO_ROUTERS, 4, true },
	[F_DNS] = { DHO_DNS, 4, true },
};

struct dhcp_fields {
	struct {
		bool seen;
		u32 len;
		u8 first[4 * NR_NAMESERVERS];
	} f[NR_FIELDS];
};

/* One piece. A value that is whole and comes again is said anew; what is short goes on. */
static void take_piece(struct dhcp_fields *d, u8 code, struct reader r)
{
	u32 i = 0;

	while (i < NR_FIELDS && fields[i].code != code)
		i++;
	if (i == NR_FIELDS)
		return;
	d->f[i].seen = true;
	if (!fields[i].list && d->f[i].len == fields[i].size)
		d->f[i].len = 0;
	while (r.left) {
		u8 byte = rd_u8(&r);

		if (d->f[i].len < sizeof(d->f[i].first))
			d->f[i].first[d->f[i].len] = byte;
		d->f[i].len++;
	}
}

/* One area of options, up to END or its last byte (some servers leave END out). False: an option reaches out of it. */
static bool take_area(struct dhcp_fields *d, struct reader r)
{
	while (r.left) {
		u8 code = rd_u8(&r);
		struct reader value;

		if (code == DHO_PAD)
			continue;
		if (code == DHO_END)
			return true;
		value = rd_sub(&r, rd_u8(&r));
		if (r.bad)
			return false;
		take_piece(d, code, value);
	}
	return true;
}

static bool field_ok(const struct dhcp_fields *d, u32 i)
{
	if (!d->f[i].seen)
		return true;
	return d->f[i].len == fields[i].size ||
	       (fields[i].list && d->f[i].len && d->f[i].len % fields[i].size == 0);
}

static u32 field_u32(const struct dhcp_fields *d, u32 i)
{
	return d->f[i].seen ? get_unaligned_be32(d->f[i].first) : 0;
}

/* All areas. False: broken, or a field with a length that it cannot have. An overload option counts only in the first one. */
static bool take_all(struct dhcp_fields *d, struct reader options, const struct dhcphdr *h)
{
	u8 overload;

	if (!take_area(d, options) || !field_ok(d, F_OVERLOAD))
		return false;
	overload = d->f[F_OVERLOAD].seen ? d->f[F_OVERLOAD].first[0] : 0;
	if (d->f[F_OVERLOAD].seen && (!overload || overload > 3))
		return false;
	if ((overload & 1) && !take_area(d, rd_init(h->file, sizeof(h->file))))
		return false;
	if ((overload & 2) && !take_area(d, rd_init(h->sname, sizeof(h->sname))))
		return false;
	d->f[F_OVERLOAD].seen = false;
	for (u32 i = 0; i < NR_FIELDS; i++) {
		if (!field_ok(d, i))
			return false;
	}
	return true;
}

static bool mask_is_contiguous(__be32 mask)
{
	u32 host = ~ntohl(mask);

	return (host & (host + 1)) == 0;
}

/**
 * dhcp_parse() - reads a server's message: the UDP payload @buf of @len bytes.
 *
 * Fields that hold overloaded options (RFC 2131, 4.1) are read once each; an overload option inside them means nothing.
 * Context: any; pure.
 * Return: 0; -EINVAL too short, no BOOTREPLY for Ethernet, wrong magic, an option that does not fit or, its pieces put together
 * (RFC 3396), has a length it cannot have, a mask with holes, no message type.
 */
int dhcp_parse(const void *buf, u32 len, struct dhcp_msg *msg)
{
	struct reader r = rd_init(buf, len);
	const struct dhcphdr *h = (const struct dhcphdr *)(const void *)rd_take(&r, sizeof(*h));
	struct dhcp_fields d = { 0 };

	memset(msg, 0, sizeof(*msg));
	if (!h || h->op != 2 || h->htype != ARPHRD_ETHER || h->hlen != ETH_ALEN ||
	    h->magic != htonl(DHCP_MAGIC))
		return -EINVAL;
	msg->xid = ntohl(h->xid);
	msg->yiaddr = h->yiaddr;
	memcpy(msg->chaddr, h->chaddr, ETH_ALEN);
	if (!take_all(&d, r, h))
		return -EINVAL;
	msg->type = d.f[F_TYPE].seen ? d.f[F_TYPE].first[0] : 0;
	msg->mask = htonl(field_u32(&d, F_MASK));
	msg->server_id = htonl(field_u32(&d, F_SERVER));
	msg->router = htonl(field_u32(&d, F_ROUTERS));
	for (u32 i = 0; i < NR_NAMESERVERS && 4 * i < d.f[F_DNS].len; i++)
		msg->dns[i] = htonl(get_unaligned_be32(d.f[F_DNS].first + 4 * i));
	msg->lease_s = field_u32(&d, F_LEASE);
	msg->t1_s = field_u32(&d, F_T1);
	msg->t2_s = field_u32(&d, F_T2);
	return msg->type && mask_is_contiguous(msg->mask) ? 0 : -EINVAL;
}
