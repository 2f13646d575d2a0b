// SPDX-License-Identifier: MIT
/*
 * The DHCP client as tables: every option with every length, every message in every state, offers that are worth nothing,
 * the times of a lease, what is put onto the device, and when the client asks again.
 */
#include "server.h"

#include <net/neighbour.h>
#include <net/udp.h>

#define OTHER_SERVER IP4(10, 0, 0, 3)

static struct ipframe f;

/* --- Options -------------------------------------------------------------------------------------------------------------- */

/* One option behind the message type; what the parser makes of it. */
static const struct option_row {
	const char *name;
	u8 code, len;
	u8 value[16];
	int err;
	u32 mask, router, dns, lease, t1, t2, server, dns2, dns3;
} options[] = {
	{ "mask", DHO_SUBNET_MASK, 4, { 255, 255, 255, 0 }, 0, .mask = 0xffffff00 },
	{ "mask_of_none", DHO_SUBNET_MASK, 4, { 0 }, 0, .mask = 0 },
	{ "mask_of_all", DHO_SUBNET_MASK, 4, { 255, 255, 255, 255 }, 0, .mask = 0xffffffff },
	{ "mask_of_one_bit", DHO_SUBNET_MASK, 4, { 128, 0, 0, 0 }, 0, .mask = 0x80000000 },
	{ "mask_with_a_hole", DHO_SUBNET_MASK, 4, { 255, 0, 255, 0 }, -EINVAL, .mask = 0 },
	{ "mask_upside_down", DHO_SUBNET_MASK, 4, { 0, 0, 0, 255 }, -EINVAL, .mask = 0 },
	{ "mask_without_its_top", DHO_SUBNET_MASK, 4, { 127, 255, 255, 255 }, -EINVAL, .mask = 0 },
	{ "mask_3", DHO_SUBNET_MASK, 3, { 255, 255, 255 }, -EINVAL, .mask = 0 },
	{ "mask_5", DHO_SUBNET_MASK, 5, { 255, 255, 255, 0, 0 }, -EINVAL, .mask = 0 },
	{ "mask_0", DHO_SUBNET_MASK, 0, { 0 }, -EINVAL, .mask = 0 },
	{ "router", DHO_ROUTERS, 4, { 10, 0, 0, 2 }, 0, .router = 0x0a000002 },
	{ "two_routers_the_first",
	  DHO_ROUTERS,
	  8,
	  { 10, 0, 0, 2, 10, 0, 0, 3 },
	  0,
	  .router = 0x0a000002 },
	{ "router_6", DHO_ROUTERS, 6, { 10, 0, 0, 2, 10, 0 }, -EINVAL, .mask = 0 },
	{ "router_3", DHO_ROUTERS, 3, { 10, 0, 0 }, -EINVAL, .mask = 0 },
	{ "router_0", DHO_ROUTERS, 0, { 0 }, -EINVAL, .mask = 0 },
	{ "dns", DHO_DNS, 4, { 10, 0, 0, 3 }, 0, .dns = 0x0a000003 },
	{ "four_dns_of_them_three",
	  DHO_DNS,
	  16,
	  { 10, 0, 0, 3, 10, 0, 0, 4, 10, 0, 0, 5, 10, 0, 0, 6 },
	  0,
	  .dns = 0x0a000003,
	  .dns2 = 0x0a000004,
	  .dns3 = 0x0a000005 },
	{ "dns_5", DHO_DNS, 5, { 10, 0, 0, 3, 1 }, -EINVAL, .mask = 0 },
	{ "dns_0", DHO_DNS, 0, { 0 }, -EINVAL, .mask = 0 },
	{ "lease", DHO_LEASE_TIME, 4, { 0, 1, 0x51, 0x80 }, 0, .lease = 86400 },
	{ "lease_infinite", DHO_LEASE_TIME, 4, { 255, 255, 255, 255 }, 0, .lease = 0xffffffff },
	{ "lease_2", DHO_LEASE_TIME, 2, { 1, 0 }, -EINVAL, .mask = 0 },
	{ "lease_8", DHO_LEASE_TIME, 8, { 0, 0, 0, 1 }, -EINVAL, .mask = 0 },
	{ "t1", DHO_RENEWAL_TIME, 4, { 0, 0, 1, 0 }, 0, .t1 = 256 },
	{ "t1_1", DHO_RENEWAL_TIME, 1, { 9 }, -EINVAL, .mask = 0 },
	{ "t2", DHO_REBINDING_TIME, 4, { 0, 0, 2, 0 }, 0, .t2 = 512 },
	{ "t2_6", DHO_REBINDING_TIME, 6, { 0, 0, 2, 0 }, -EINVAL, .mask = 0 },
	{ "server", DHO_SERVER_ID, 4, { 10, 0, 0, 2 }, 0, .server = 0x0a000002 },
	{ "server_3", DHO_SERVER_ID, 3, { 10, 0, 0 }, -EINVAL, .mask = 0 },
	{ "type_again_1", DHO_MESSAGE_TYPE, 1, { DHCPACK }, 0, .mask = 0 },
	{ "type_2", DHO_MESSAGE_TYPE, 2, { DHCPACK, 0 }, -EINVAL, .mask = 0 },
	{ "type_0", DHO_MESSAGE_TYPE, 0, { 0 }, -EINVAL, .mask = 0 },
	{ "type_of_nothing", DHO_MESSAGE_TYPE, 1, { 0 }, -EINVAL, .mask = 0 },
	{ "overload_1", DHO_OVERLOAD, 1, { 1 }, 0, .lease = 11 },
	{ "overload_2", DHO_OVERLOAD, 1, { 2 }, 0, .t1 = 22 },
	{ "overload_3", DHO_OVERLOAD, 1, { 3 }, 0, .lease = 11, .t1 = 22 },
	{ "overload_of_0", DHO_OVERLOAD, 1, { 0 }, -EINVAL, .mask = 0 },
	{ "overload_of_4", DHO_OVERLOAD, 1, { 4 }, -EINVAL, .mask = 0 },
	{ "overload_in_two_bytes", DHO_OVERLOAD, 2, { 1, 1 }, -EINVAL, .mask = 0 },
	{ "unknown", 200, 7, { 1, 2, 3, 4, 5, 6, 7 }, 0, .mask = 0 },
	{ "unknown_empty", 200, 0, { 0 }, 0, .mask = 0 },
	{ "host_name", DHO_HOSTNAME, 5, { 'h', 'o', 's', 't', 's' }, 0, .mask = 0 },
};

TEST_EACH(option, options)
{
	struct dhcphdr *h = (struct dhcphdr *)msg;
	struct dhcp_msg m;

	msg_begin(7, OUR_IP, DHCPOFFER);
	/* What an overload would find. */
	memcpy(h->file, (u8[]){ DHO_LEASE_TIME, 4, 0, 0, 0, 11, DHO_END }, 7);
	memcpy(h->sname, (u8[]){ DHO_RENEWAL_TIME, 4, 0, 0, 0, 22, DHO_END }, 7);
	msg[msglen++] = row->code;
	msg[msglen++] = row->len;
	memcpy(msg + msglen, row->value, row->len);
	msglen += row->len;
	msg[msglen++] = DHO_END;
	CHECK_EQ(dhcp_parse(msg, msglen, &m), row->err);
	if (row->err)
		return;
	CHECK_EQ(ntohl(m.mask), row->mask);
	CHECK_EQ(ntohl(m.router), row->router);
	CHECK_EQ(ntohl(m.dns[0]), row->dns);
	CHECK_EQ(ntohl(m.dns[1]), row->dns2);
	CHECK_EQ(ntohl(m.dns[2]), row->dns3);
	CHECK_EQ(m.lease_s, row->lease);
	CHECK_EQ(m.t1_s, row->t1);
	CHECK_EQ(m.t2_s, row->t2);
	CHECK_EQ(ntohl(m.server_id), row->server);
	CHECK_EQ(m.type, row->code == DHO_MESSAGE_TYPE ? DHCPACK : DHCPOFFER);
	CHECK(m.xid == 7 && m.yiaddr == OUR_IP && !memcmp(m.chaddr, our_mac, 6));
	/* Cut within the option: broken, never past the end. */
	for (u32 cut = msglen - 2; row->len && cut > msglen - 1 - row->len; cut--)
		CHECK_EQ(dhcp_parse(msg, cut, &m), -EINVAL);
}

/* The fixed part: one byte set. */
static const struct fixed_row {
	const char *name;
	u32 at;
	u8 value;
	u32 len; /* of the message; 0: all of it */
	int err;
} fixeds[] = {
	{ "reply", 0, 2, 0, 0 },
	{ "request", 0, 1, 0, -EINVAL },
	{ "op_0", 0, 0, 0, -EINVAL },
	{ "ethernet", 1, 1, 0, 0 },
	{ "ieee802", 1, 6, 0, -EINVAL },
	{ "address_of_5", 2, 5, 0, -EINVAL },
	{ "address_of_16", 2, 16, 0, -EINVAL },
	{ "hops_do_not_matter", 3, 9, 0, 0 },
	{ "magic_first_byte", 236, 0, 0, -EINVAL },
	{ "magic_last_byte", 239, 0, 0, -EINVAL },
	{ "no_option_at_all", 3, 0, 240, -EINVAL },
	{ "one_byte_short", 3, 0, 239, -EINVAL },
	{ "empty", 3, 0, 0xffff, -EINVAL },
};

TEST_EACH(fixed_part, fixeds)
{
	struct dhcp_msg m;

	msg_begin(7, OUR_IP, DHCPOFFER);
	msg[row->at] = row->value;
	CHECK_EQ(dhcp_parse(msg,
			    row->len == 0xffff ? 0
			    : row->len         ? row->len
					       : msglen,
			    &m),
		 row->err);
}

TEST(padding_end_and_what_is_behind_it)
{
	struct dhcp_msg m;

	msg_begin(7, OUR_IP, DHCPOFFER);
	msg[msglen++] = DHO_PAD;
	msg[msglen++] = DHO_PAD;
	msg_u32(DHO_LEASE_TIME, 100);
	msg[msglen++] = DHO_PAD;
	msg[msglen++] = DHO_END;
	msg_u32(DHO_LEASE_TIME, 200); /* nobody reads on */
	msg[msglen++] = DHO_LEASE_TIME;
	msg[msglen++] = 250;
	CHECK_EQ(dhcp_parse(msg, msglen, &m), 0);
	CHECK_EQ(m.lease_s, 100);
	/* A code at the very end has no length. */
	msg_begin(7, OUR_IP, DHCPOFFER);
	msg[msglen++] = DHO_LEASE_TIME;
	CHECK_EQ(dhcp_parse(msg, msglen, &m), -EINVAL);
}

TEST(overload_in_broken_fields)
{
	struct dhcphdr *h = (struct dhcphdr *)msg;
	struct dhcp_msg m;

	for (u8 which = 1; which <= 2; which++) {
		u8 *field = which == 1 ? h->file : h->sname;
		u32 size = which == 1 ? sizeof(h->file) : sizeof(h->sname);

		msg_begin(7, OUR_IP, DHCPOFFER);
		msg[msglen++] = DHO_OVERLOAD;
		msg[msglen++] = 1;
		msg[msglen++] = which;
		CHECK_EQ(dhcp_parse(msg, msglen, &m), 0); /* all padding */
		field[size - 1] = DHO_LEASE_TIME;         /* its length lies in the next field */
		CHECK_EQ(dhcp_parse(msg, msglen, &m), -EINVAL);
		field[size - 2] = DHO_LEASE_TIME;
		field[size - 1] = 4;
		CHECK_EQ(dhcp_parse(msg, msglen, &m), -EINVAL);
		field[size - 2] = 200; /* an option that just fits: no bytes of value */
		field[size - 1] = 0;
		CHECK_EQ(dhcp_parse(msg, msglen, &m), 0);
	}
}

/* --- Pieces (RFC 3396) ------------------------------------------------------------------------------------------------------ */

static void put_piece(u8 *at, u32 *len, u8 code, u8 n, const u8 *value)
{
	at[(*len)++] = code;
	at[(*len)++] = n;
	memcpy(at + *len, value, n);
	*len += n;
}

TEST(an_option_in_pieces_is_put_together)
{
	static const u8 routers[] = { 10, 0, 0, 2, 10, 0, 0, 3 }, lease[] = { 0, 1, 0x51, 0x80 };
	struct dhcphdr *h = (struct dhcphdr *)msg;
	struct dhcp_msg m;
	u32 in_file = 0, in_sname = 0;

	msg_begin(7, OUR_IP, DHCPOFFER);
	put_piece(msg, &msglen, DHO_ROUTERS, 3, routers);
	put_piece(msg, &msglen, DHO_LEASE_TIME, 1, lease);
	put_piece(msg, &msglen, DHO_ROUTERS, 5, routers + 3);
	put_piece(msg, &msglen, DHO_LEASE_TIME, 0, lease);
	put_piece(msg, &msglen, DHO_LEASE_TIME, 3, lease + 1);
	msg[msglen++] = DHO_END;
	CHECK_EQ(dhcp_parse(msg, msglen, &m), 0);
	CHECK(m.router == PEER_IP && m.lease_s == 86400);
	/* Across the areas: options, file, sname, in this order. */
	msg_begin(7, OUR_IP, DHCPOFFER);
	put_piece(msg, &msglen, DHO_LEASE_TIME, 1, lease);
	put_piece(msg, &msglen, DHO_OVERLOAD, 1, (u8[]){ 3 });
	put_piece(h->file, &in_file, DHO_LEASE_TIME, 1, lease + 1);
	h->file[in_file] = DHO_END;
	put_piece(h->sname, &in_sname, DHO_LEASE_TIME, 2, lease + 2);
	h->sname[in_sname] = DHO_END;
	CHECK_EQ(dhcp_parse(msg, msglen, &m), 0);
	CHECK_EQ(m.lease_s, 86400);
	/* A piece is missing, or there is one too many. */
	h->sname[1] = 1;
	h->sname[3] = DHO_END;
	CHECK_EQ(dhcp_parse(msg, msglen, &m), -EINVAL);
	msg_begin(7, OUR_IP, DHCPOFFER);
	put_piece(msg, &msglen, DHO_LEASE_TIME, 3, lease);
	put_piece(msg, &msglen, DHO_LEASE_TIME, 3, lease);
	CHECK_EQ(dhcp_parse(msg, msglen, &m), -EINVAL);
	/* Whole and said twice: the later one. */
	msg_begin(7, OUR_IP, DHCPOFFER);
	msg_u32(DHO_LEASE_TIME, 5);
	msg_u32(DHO_LEASE_TIME, 6);
	CHECK_EQ(dhcp_parse(msg, msglen, &m), 0);
	CHECK_EQ(m.lease_s, 6);
}

/* --- The client's own messages ------------------------------------------------------------------------------------------------- */

struct heard {
	u8 type;
	u32 xid, secs, flags;
	__be32 ciaddr, requested, server, daddr, saddr;
	u64 at_ns;
	u32 len;
};
static struct heard heard[64];
static u32 nr_heard;

static struct heard *last_heard(void)
{
	return &heard[(nr_heard - 1) % 64];
}

static void server_hears(const struct frame *fr)
{
	const struct iphdr *ip = (const struct iphdr *)(fr->b + 14);
	const struct dhcphdr *h = (const struct dhcphdr *)(fr->b + 42);
	const u8 *o = (const u8 *)(h + 1);
	struct heard *n;

	if (fr->b[13] != 0 || ip->protocol != IPPROTO_UDP)
		return;
	n = &heard[nr_heard++ % 64];
	*n = (struct heard){ .xid = ntohl(h->xid),
			     .secs = ntohs(h->secs),
			     .flags = ntohs(h->flags),
			     .ciaddr = h->ciaddr };
	n->daddr = ip->daddr;
	n->saddr = ip->saddr;
	n->at_ns = fr->at_ns;
	n->len = fr->len;
	CHECK(h->op == 1 && h->htype == 1 && h->hlen == 6 && h->magic == htonl(DHCP_MAGIC));
	CHECK(!memcmp(h->chaddr, our_mac, 6));
	for (; *o != DHO_END && o < fr->b + fr->len; o += 2 + o[1]) {
		if (*o == DHO_MESSAGE_TYPE)
			n->type = o[2];
		if (*o == DHO_REQUESTED_ADDRESS)
			memcpy(&n->requested, o + 2, 4);
		if (*o == DHO_SERVER_ID)
			memcpy(&n->server, o + 2, 4);
	}
	CHECK_EQ(*o, DHO_END);
}

static u32 count_heard(u8 type)
{
	u32 n = 0;

	for (u32 i = 0; i < nr_heard; i++)
		n += heard[i].type == type;
	return n;
}

/* --- Answers -------------------------------------------------------------------------------------------------------------------- */

struct answer {
	u8 type;
	__be32 yiaddr, server, mask, router, dns;
	u32 lease, t1, t2;
	u32 xid_off;
	u8 mac_off;
	u16 sport;
	bool no_mask;
};

static struct answer good(u8 type)
{
	return (struct answer){ .type = type,
				.yiaddr = type == DHCPNAK ? 0 : OUR_IP,
				.server = PEER_IP,
				.mask = IP4(255, 255, 255, 0),
				.router = PEER_IP,
				.lease = 1000,
				.sport = 67 };
}

static void answer(const struct answer *a)
{
	__be32 to = last_heard()->ciaddr;
	u32 n;

	msg_begin(last_heard()->xid + a->xid_off, a->yiaddr, a->type);
	((struct dhcphdr *)msg)->chaddr[5] ^= a->mac_off;
	if (!a->no_mask)
		msg_u32(DHO_SUBNET_MASK, ntohl(a->mask));
	if (a->router)
		msg_u32(DHO_ROUTERS, ntohl(a->router));
	if (a->dns)
		msg_u32(DHO_DNS, ntohl(a->dns));
	if (a->lease)
		msg_u32(DHO_LEASE_TIME, a->lease);
	if (a->t1)
		msg_u32(DHO_RENEWAL_TIME, a->t1);
	if (a->t2)
		msg_u32(DHO_REBINDING_TIME, a->t2);
	if (a->server)
		msg_u32(DHO_SERVER_ID, ntohl(a->server));
	msg[msglen++] = DHO_END;
	n = udp_make(&f, PEER_IP, a->sport, to ? to : INADDR_BROADCAST, 68, msg, msglen);
	if (!to)
		memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, n, true);
}

static void answer_good(u8 type)
{
	struct answer a = good(type);

	answer(&a);
}

static void start(void)
{
	fixture_up(false);
	nr_heard = 0;
	on_frame = server_hears;
	host_console_clear();
	CHECK_EQ(dhcp_start(dev), 0);
	CHECK_EQ(nr_heard, 1);
}

static void stop(void)
{
	dhcp_stop(net);
	on_frame = NULL;
	fixture_down();
}

/* Lets time pass without the record of frames running over. */
static void pass(u64 ns)
{
	u64 end = host_clock() + ns;

	while (host_clock() < end) {
		nr_frames = 0;
		host_clock_advance(min(end - host_clock(), 10 * SEC));
	}
	nr_frames = 0;
}

/* --- States ----------------------------------------------------------------------------------------------------------------------- */

enum state { SELECTING, REQUESTING, BOUND, RENEWING, REBINDING, PAUSING };

static void into(enum state s)
{
	start();
	if (s == SELECTING)
		return;
	answer_good(DHCPOFFER);
	if (s == REQUESTING)
		return;
	if (s == PAUSING) {
		answer_good(DHCPNAK);
		return;
	}
	answer_good(DHCPACK);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	if (s == RENEWING)
		pass(510 * SEC);
	if (s == REBINDING)
		pass(880 * SEC);
}

enum spoil { NOTHING, OTHER, WRONG_XID, WRONG_MAC, WRONG_PORT };

/* @asks: what the client sends at once (0: nothing). @address: it has one afterwards. @renewed: the lease runs anew. */
static const struct reaction_row {
	const char *name;
	enum state state;
	u8 type;
	enum spoil spoil;
	u8 asks;
	bool address, renewed;
} reactions[] = {
	{ "selecting_offer", SELECTING, DHCPOFFER, NOTHING, DHCPREQUEST, false, false },
	{ "selecting_offer_of_another_server", SELECTING, DHCPOFFER, OTHER, DHCPREQUEST, false,
	  false },
	{ "selecting_offer_wrong_xid", SELECTING, DHCPOFFER, WRONG_XID, 0, false, false },
	{ "selecting_offer_wrong_mac", SELECTING, DHCPOFFER, WRONG_MAC, 0, false, false },
	{ "selecting_offer_wrong_port", SELECTING, DHCPOFFER, WRONG_PORT, 0, false, false },
	{ "selecting_ack", SELECTING, DHCPACK, NOTHING, 0, false, false },
	{ "selecting_nak", SELECTING, DHCPNAK, NOTHING, 0, false, false },
	{ "selecting_inform", SELECTING, DHCPINFORM, NOTHING, 0, false, false },
	{ "selecting_discover", SELECTING, DHCPDISCOVER, NOTHING, 0, false, false },
	{ "requesting_offer", REQUESTING, DHCPOFFER, NOTHING, 0, false, false },
	{ "requesting_ack", REQUESTING, DHCPACK, NOTHING, 0, true, true },
	{ "requesting_ack_of_another_server", REQUESTING, DHCPACK, OTHER, 0, false, false },
	{ "requesting_ack_wrong_xid", REQUESTING, DHCPACK, WRONG_XID, 0, false, false },
	{ "requesting_ack_wrong_mac", REQUESTING, DHCPACK, WRONG_MAC, 0, false, false },
	{ "requesting_ack_wrong_port", REQUESTING, DHCPACK, WRONG_PORT, 0, false, false },
	{ "requesting_nak", REQUESTING, DHCPNAK, NOTHING, 0, false, false },
	{ "requesting_nak_of_another_server", REQUESTING, DHCPNAK, OTHER, 0, false, false },
	{ "bound_ack", BOUND, DHCPACK, NOTHING, 0, true, false },
	{ "bound_nak", BOUND, DHCPNAK, NOTHING, 0, true, false },
	{ "bound_offer", BOUND, DHCPOFFER, NOTHING, 0, true, false },
	{ "renewing_ack", RENEWING, DHCPACK, NOTHING, 0, true, true },
	{ "renewing_ack_of_another_server", RENEWING, DHCPACK, OTHER, 0, true, false },
	{ "renewing_ack_wrong_xid", RENEWING, DHCPACK, WRONG_XID, 0, true, false },
	{ "renewing_nak", RENEWING, DHCPNAK, NOTHING, 0, false, false },
	{ "renewing_nak_of_another_server", RENEWING, DHCPNAK, OTHER, 0, true, false },
	{ "renewing_offer", RENEWING, DHCPOFFER, NOTHING, 0, true, false },
	{ "rebinding_ack", REBINDING, DHCPACK, NOTHING, 0, true, true },
	{ "rebinding_ack_of_another_server", REBINDING, DHCPACK, OTHER, 0, true, true },
	{ "rebinding_nak", REBINDING, DHCPNAK, NOTHING, 0, false, false },
	{ "rebinding_nak_of_another_server", REBINDING, DHCPNAK, OTHER, 0, false, false },
	{ "rebinding_ack_wrong_mac", REBINDING, DHCPACK, WRONG_MAC, 0, true, false },
	{ "pausing_offer", PAUSING, DHCPOFFER, NOTHING, 0, false, false },
	{ "pausing_ack", PAUSING, DHCPACK, NOTHING, 0, false, false },
	{ "pausing_nak", PAUSING, DHCPNAK, NOTHING, 0, false, false },
};

TEST_EACH(reaction, reactions)
{
	struct answer a = good(row->type);
	u32 before;

	into(row->state);
	if (row->spoil == OTHER)
		a.server = OTHER_SERVER;
	a.xid_off = row->spoil == WRONG_XID;
	a.mac_off = row->spoil == WRONG_MAC;
	if (row->spoil == WRONG_PORT)
		a.sport = 68;
	before = nr_heard;
	answer(&a);
	CHECK_EQ(nr_heard - before, row->asks != 0);
	if (row->asks)
		CHECK_EQ(last_heard()->type, row->asks);
	CHECK_EQ(inet_dev_has_addr(dev, OUR_IP), row->address);
	CHECK_EQ(page_has(route_show, "eth0\t00000000\t0200000A"), row->address);
	if (row->address) { /* what is left of the lease shows whether it was renewed */
		pass(row->state == RENEWING || row->state == REBINDING ? 495 * SEC : SEC);
		CHECK_EQ(inet_dev_has_addr(dev, OUR_IP), row->renewed || row->state == BOUND);
	}
	stop();
}

/* What a client says in each state: RFC 2131, 4.3.6 and table 5. */
static const struct speech_row {
	const char *name;
	enum state state;
	u8 type;
	bool broadcast_flag, to_server, has_ciaddr, has_requested, has_server;
} speeches[] = {
	{ "selecting", SELECTING, DHCPDISCOVER, true, false, false, false, false },
	{ "requesting", REQUESTING, DHCPREQUEST, true, false, false, true, true },
	{ "renewing", RENEWING, DHCPREQUEST, false, true, true, false, false },
	{ "rebinding", REBINDING, DHCPREQUEST, false, false, true, false, false },
};

TEST_EACH(speech, speeches)
{
	const struct heard *h;

	into(row->state);
	h = last_heard();
	CHECK_EQ(h->type, row->type);
	CHECK_EQ(h->flags, row->broadcast_flag ? 0x8000 : 0);
	CHECK_EQ(h->daddr, row->to_server ? PEER_IP : INADDR_BROADCAST);
	CHECK_EQ(h->ciaddr, row->has_ciaddr ? OUR_IP : 0);
	CHECK_EQ(h->saddr, row->has_ciaddr ? OUR_IP : 0);
	CHECK_EQ(h->requested, row->has_requested ? OUR_IP : 0);
	CHECK_EQ(h->server, row->has_server ? PEER_IP : 0);
	CHECK(h->len >= 14 + 28 + 300);
	stop();
}

/* --- Offers that are worth nothing ------------------------------------------------------------------------------------------------------ */

static const struct offer_row {
	const char *name;
	u32 yiaddr, server, mask, lease;
	bool taken;
} offers[] = {
	{ "good", 0x0a000001, 0x0a000002, 0xffffff00, 1000, true },
	{ "without_server", 0x0a000001, 0, 0xffffff00, 1000, false },
	{ "without_lease", 0x0a000001, 0x0a000002, 0xffffff00, 0, false },
	{ "lease_of_one_second", 0x0a000001, 0x0a000002, 0xffffff00, 1, true },
	{ "infinite_lease", 0x0a000001, 0x0a000002, 0xffffff00, 0xffffffff, true },
	{ "no_address", 0, 0x0a000002, 0xffffff00, 1000, false },
	{ "net_0", 0x00000005, 0x0a000002, 0xffffff00, 1000, false },
	{ "loopback", 0x7f000001, 0x0a000002, 0xff000000, 1000, false },
	{ "group", 0xe0000001, 0x0a000002, 0xffffff00, 1000, false },
	{ "everybody", 0xffffffff, 0x0a000002, 0xffffff00, 1000, false },
	{ "the_subnet", 0x0a0000ff, 0x0a000002, 0xffffff00, 1000, false },
	{ "the_subnet_the_old_way", 0x0a000000, 0x0a000002, 0xffffff00, 1000, false },
	{ "last_host", 0x0a0000fe, 0x0a000002, 0xffffff00, 1000, true },
	{ "zero_byte_in_a_wide_subnet", 0x0a000100, 0x0a000002, 0xffff0000, 1000, true },
	{ "all_of_a_link_of_four", 0x0a000003, 0x0a000002, 0xfffffffc, 1000, false },
	{ "all_of_a_link_of_four_the_old_way", 0x0a000004, 0x0a000002, 0xfffffffc, 1000, false },
	{ "one_of_a_link_of_four", 0x0a000001, 0x0a000002, 0xfffffffc, 1000, true },
	{ "either_end_of_a_link_of_two", 0x0a000000, 0x0a000002, 0xfffffffe, 1000, true },
	{ "host_alone", 0x0a0000ff, 0x0a000002, 0xffffffff, 1000, true },
};

TEST_EACH(offer, offers)
{
	struct answer a = good(DHCPOFFER);

	start();
	a.yiaddr = htonl(row->yiaddr);
	a.server = htonl(row->server);
	a.mask = htonl(row->mask);
	a.lease = row->lease;
	answer(&a);
	CHECK_EQ(count_heard(DHCPREQUEST), row->taken);
	if (row->taken) {
		CHECK_EQ(ntohl(last_heard()->requested), row->yiaddr);
		a.type = DHCPACK;
		answer(&a);
		CHECK(inet_dev_has_addr(dev, htonl(row->yiaddr)));
	}
	stop();
}

/* --- What is put onto the device ----------------------------------------------------------------------------------------------------------- */

static const struct class_row {
	const char *name;
	u32 yiaddr, mask;
	bool no_mask;
	u32 prefixlen;
} classes[] = {
	{ "mask_24", 0x0a000001, 0xffffff00, false, 24 },
	{ "mask_8", 0x0a000001, 0xff000000, false, 8 },
	{ "mask_25", 0x0a000001, 0xffffff80, false, 25 },
	{ "mask_30", 0x0a000001, 0xfffffffc, false, 30 },
	{ "mask_32", 0x0a000001, 0xffffffff, false, 32 },
	{ "class_a", 0x0a000001, 0, true, 8 },
	{ "last_of_class_a", 0x7e000001, 0, true, 8 },
	{ "first_of_class_b", 0x80000001, 0, true, 16 },
	{ "last_of_class_b", 0xbfff0001, 0, true, 16 },
	{ "first_of_class_c", 0xc0000001, 0, true, 24 },
	{ "last_of_class_c", 0xdfffff01, 0, true, 24 },
	{ "mask_of_zero_is_none", 0xc0a80001, 0, false, 24 },
};

TEST_EACH(prefix_from, classes)
{
	struct answer a = good(DHCPOFFER);
	char line[64];

	start();
	a.yiaddr = htonl(row->yiaddr);
	a.mask = htonl(row->mask);
	a.no_mask = row->no_mask;
	a.router = 0;
	answer(&a);
	a.type = DHCPACK;
	answer(&a);
	snprintf(line, sizeof(line), "/%u gw 0.0.0.0", row->prefixlen);
	CHECK(strstr(host_console(), line));
	stop();
}

/* A renewal that says something new. */
static const struct change_row {
	const char *name;
	u32 yiaddr, mask, router, dns;
	const char *route; /* a line the table has then; NULL: no default route */
	bool old_gone;
} changes[] = {
	{ "nothing", 0x0a000001, 0xffffff00, 0x0a000002, 0, "eth0\t00000000\t0200000A", false },
	{ "router", 0x0a000001, 0xffffff00, 0x0a000003, 0, "eth0\t00000000\t0300000A", false },
	{ "no_router_any_more", 0x0a000001, 0xffffff00, 0, 0, NULL, false },
	{ "router_off_the_link", 0x0a000001, 0xffffff00, 0x0a000102, 0, NULL, false },
	{ "mask", 0x0a000001, 0xffff0000, 0x0a000002, 0,
	  "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF", false },
	{ "address", 0x0a000009, 0xffffff00, 0x0a000002, 0, "eth0\t00000000\t0200000A", true },
	{ "name_server", 0x0a000001, 0xffffff00, 0x0a000002, 0x0a000004, "eth0\t00000000\t0200000A",
	  false },
};

TEST_EACH(renewal_changes, changes)
{
	struct answer a = good(DHCPACK);

	into(RENEWING);
	a.yiaddr = htonl(row->yiaddr);
	a.mask = htonl(row->mask);
	a.router = htonl(row->router);
	a.dns = htonl(row->dns);
	host_console_clear();
	answer(&a);
	CHECK(inet_dev_has_addr(dev, htonl(row->yiaddr)));
	CHECK_EQ(inet_dev_has_addr(dev, OUR_IP), !row->old_gone);
	if (row->route)
		CHECK(page_has(route_show, row->route));
	else
		CHECK(!page_has(route_show, "eth0\t00000000\t"));
	if (row->router != 0x0a000002)
		CHECK(!page_has(route_show, "eth0\t00000000\t0200000A")); /* the old way is gone */
	if (row->dns)
		CHECK(strstr(host_console(), "dns 10.0.0.4"));
	CHECK_EQ(strstr(host_console(), "no default route by") != NULL, row->router == 0x0a000102);
	stop();
}

TEST(a_default_route_that_is_there_is_kept)
{
	start();
	answer_good(DHCPOFFER);
	CHECK_EQ(inet_addr_add(dev, OUR_IP, 24), 0);
	CHECK_EQ(ip_route_add(net, 0, 0, PEER_IP, dev), 0); /* by hand */
	answer_good(DHCPACK);
	CHECK(page_has(route_show, "eth0\t00000000\t0200000A"));
	CHECK(!strstr(host_console(), "no default route"));
	stop();
}

TEST(a_device_with_all_its_addresses_used_goes_on_asking)
{
	start();
	for (u32 i = 0; i < IN_DEV_MAX_ADDRS; i++)
		CHECK_EQ(inet_addr_add(dev, htonl(0xac100001 + (i << 8)), 24), 0);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	CHECK(strstr(host_console(), "cannot use 10.0.0.1"));
	CHECK_EQ(inet_addr_del(dev, htonl(0xac100001)), 0);
	pass(6 * SEC);
	CHECK_EQ(count_heard(DHCPREQUEST), 2);
	answer_good(DHCPACK);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

TEST(a_new_address_is_announced_a_renewed_one_not)
{
	u32 announced = 0;

	into(REQUESTING);
	nr_frames = 0;
	answer_good(DHCPACK);
	for (u32 i = 0; i < nr_frames; i++)
		announced += frame_arp(i) && frame_arp(i)->ar_sip == OUR_IP &&
			     frame_arp(i)->ar_tip == OUR_IP;
	CHECK_EQ(announced, 1);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	pass(510 * SEC);
	nr_frames = 0;
	answer_good(DHCPACK);
	CHECK_EQ(nr_frames, 0);
	stop();
}

/* --- The times of a lease ----------------------------------------------------------------------------------------------------------------------- */

/* From the request on, with a server that is silent: when it is asked alone, when everybody, when the address goes. */
static const struct time_row {
	const char *name;
	u32 lease, t1, t2;
	u32 renew, rebind, over; /* seconds; 0: never */
} times[] = {
	{ "defaults", 1000, 0, 0, 500, 875, 1000 },
	{ "given", 1000, 100, 300, 100, 300, 1000 },
	{ "only_t1", 1000, 100, 0, 500, 875, 1000 },
	{ "only_t2", 1000, 0, 900, 500, 875, 1000 },
	{ "t1_is_t2", 1000, 300, 300, 500, 875, 1000 },
	{ "t1_after_t2", 1000, 400, 300, 500, 875, 1000 },
	{ "t2_just_before_the_end", 1000, 100, 999, 100, 999, 1000 },
	{ "t2_at_the_end", 1000, 100, 1000, 500, 875, 1000 },
	{ "t2_after_the_end", 1000, 100, 2000, 500, 875, 1000 },
	{ "a_minute", 60, 0, 0, 30, 52, 60 },
	{ "ten_seconds", 10, 0, 0, 5, 8, 10 },
	{ "a_day", 86400, 0, 0, 43200, 75600, 86400 },
	{ "for_ever", 0xffffffff, 0, 0, 0, 0, 0 },
	{ "for_ever_whatever_t1_says", 0xffffffff, 10, 20, 0, 0, 0 },
};

TEST_EACH(times_of, times)
{
	struct answer a = good(DHCPOFFER);
	u64 t0, renew = 0, rebind = 0, over = 0, end;

	start();
	answer(&a);
	t0 = host_clock();
	host_clock_advance(SEC / 2); /* the lease counts from the request, not from the answer */
	a.type = DHCPACK;
	a.lease = row->lease;
	a.t1 = row->t1;
	a.t2 = row->t2;
	answer(&a);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	nr_heard = 0;
	end = t0 + (row->over ? row->over + 5ull : 200000ull) * SEC;
	while (host_clock() < end && !over) {
		u64 step = row->over > 10000 || !row->over ? 100 * SEC : SEC / 4;

		nr_frames = 0;
		host_clock_advance(step);
		for (u32 i = 0; i < min(nr_heard, 64u); i++) {
			if (heard[i].type != DHCPREQUEST)
				continue;
			if (!renew && heard[i].daddr == PEER_IP)
				renew = heard[i].at_ns;
			if (!rebind && heard[i].daddr == INADDR_BROADCAST)
				rebind = heard[i].at_ns;
		}
		if (!inet_dev_has_addr(dev, OUR_IP))
			over = host_clock();
	}
	if (!row->over) {
		CHECK(!renew && !rebind && !over);
		stop();
		return;
	}
	CHECK(renew >= t0 + row->renew * SEC && renew < t0 + row->renew * SEC + SEC / 10);
	CHECK(rebind >= t0 + row->rebind * SEC && rebind < t0 + row->rebind * SEC + SEC);
	CHECK(over >= t0 + row->over * SEC &&
	      over <= t0 + row->over * SEC + (row->over > 10000 ? 100 : 1) * SEC);
	CHECK_EQ(last_heard()->type, DHCPDISCOVER); /* and everything begins anew */
	CHECK(strstr(host_console(), "given up: the lease is over"));
	stop();
}

/* Half of the time that is left, but not within a minute (RFC 2131, 4.4.5). */
TEST(renewal_is_repeated_at_half_of_what_is_left)
{
	static const u32 at[] = { 500, 687, 781, 841 }; /* of 1000; T2 at 875 */
	u64 t0;

	start();
	answer_good(DHCPOFFER);
	t0 = host_clock();
	answer_good(DHCPACK);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	nr_heard = 0;
	pass(870 * SEC);
	CHECK_EQ(nr_heard, 4);
	for (u32 i = 0; i < 4; i++)
		CHECK(heard[i].at_ns >= t0 + at[i] * SEC &&
		      heard[i].at_ns < t0 + (at[i] + 1) * SEC);
	CHECK(heard[0].secs == 0 && heard[1].secs == 187); /* since the renewal began */
	CHECK(heard[0].xid == heard[3].xid);
	nr_heard = 0;
	pass(100 * SEC); /* 875 and 937, to everybody */
	CHECK_EQ(nr_heard, 2);
	CHECK(heard[0].xid == heard[1].xid);
	stop();
}

/* --- Asking again --------------------------------------------------------------------------------------------------------------------------------- */

TEST(discovery_backs_off_to_64_seconds)
{
	static const u32 gap[] = { 4, 8, 16, 32, 64, 64, 64 };

	start();
	pass(300 * SEC);
	CHECK(nr_heard >= 8);
	for (u32 i = 0; i < ARRAY_SIZE(gap); i++) {
		u64 d = heard[i + 1].at_ns - heard[i].at_ns;

		CHECK(d >= (gap[i] - 1) * SEC && d <= (gap[i] + 1) * SEC + SEC / 50);
		CHECK_EQ(heard[i + 1].type, DHCPDISCOVER);
		CHECK_EQ(heard[i + 1].xid, heard[0].xid);
	}
	CHECK(heard[3].secs >= 25 && heard[3].secs <= 31); /* since the first */
	stop();
}

TEST(four_requests_then_from_the_beginning)
{
	u32 xid;

	into(REQUESTING);
	xid = last_heard()->xid;
	nr_heard = 1;
	pass(70 * SEC);
	CHECK_EQ(count_heard(DHCPREQUEST), 3); /* and the one before */
	CHECK(count_heard(DHCPDISCOVER) >= 2);
	CHECK(last_heard()->xid != xid);
	answer_good(DHCPOFFER);
	CHECK_EQ(last_heard()->type, DHCPREQUEST);
	stop();
}

TEST(a_refusal_is_followed_by_a_pause_of_a_second)
{
	u32 before, xid;

	into(PAUSING);
	before = nr_heard;
	xid = last_heard()->xid;
	host_clock_advance(SEC - SEC / 20);
	CHECK_EQ(nr_heard, before);
	host_clock_advance(SEC / 10);
	CHECK_EQ(nr_heard, before + 1);
	CHECK_EQ(last_heard()->type, DHCPDISCOVER);
	CHECK(last_heard()->xid != xid);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

TEST(a_device_that_is_down_loses_messages_only)
{
	start();
	dev_close(dev);
	pass(6 * SEC);
	CHECK_EQ(nr_heard, 1);
	CHECK_EQ(dev_open(dev), 0);
	pass(20 * SEC);
	CHECK(nr_heard >= 2);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

/* --- Somebody else has the address (RFC 2131, 3.1 (5); RFC 5227, 2.1) -------------------------------------------------------- */

static const u8 squatter[6] = { 2, 0, 0, 0, 0, 9 }, no_mac[6];

static void squatter_speaks(void)
{
	feed_arp_to(our_mac, ARPOP_REPLY, squatter, OUR_IP, no_mac, 0);
}

static void check_declined(u64 at_ns)
{
	u32 n = nr_heard;

	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	CHECK_EQ(last_heard()->type, DHCPDECLINE);
	CHECK(last_heard()->requested == OUR_IP && last_heard()->server == PEER_IP);
	CHECK(last_heard()->saddr == 0 && last_heard()->ciaddr == 0);
	CHECK_EQ(last_heard()->daddr, INADDR_BROADCAST);
	CHECK(last_heard()->flags == 0 && last_heard()->secs == 0);
	host_clock_advance(at_ns + 10 * SEC - SEC / 20 - host_clock());
	CHECK_EQ(nr_heard, n); /* ten seconds of silence */
	host_clock_advance(SEC / 10);
	CHECK_EQ(nr_heard, n + 1);
	CHECK_EQ(last_heard()->type, DHCPDISCOVER);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
}

TEST(a_conflict_while_the_address_is_announced_declines_it)
{
	into(BOUND);
	pass(3 * SEC);
	squatter_speaks();
	CHECK(!page_has(route_show, "eth0\t00000000\t0200000A"));
	check_declined(host_clock());
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	pass(20 * SEC);    /* nobody minds: it stays */
	squatter_speaks(); /* later it is defended */
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

TEST(strict_looks_before_it_uses_the_address)
{
	u32 heard_before;

	start();
	acd_set_mode(net, ACD_STRICT);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	heard_before = nr_heard;
	answer_good(DHCPACK); /* once more: nothing changes */
	pass(SEC);
	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	pass(8 * SEC);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	CHECK_EQ(nr_heard, heard_before);
	CHECK_EQ(dhcp_wait(net, 0), 0);
	stop();
}

TEST(strict_declines_what_is_in_use)
{
	start();
	acd_set_mode(net, ACD_STRICT);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	pass(2 * SEC);
	nr_frames = 0;
	squatter_speaks();
	for (u32 i = 0; i < nr_frames; i++)
		CHECK(!frame_arp(i)); /* no defence, no announcement */
	check_declined(host_clock());
	CHECK(!inet_dev_has_addr(dev, OUR_IP)); /* looked for again */
	pass(9 * SEC);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

TEST(strict_begins_anew_when_the_search_is_broken_off)
{
	start();
	acd_set_mode(net, ACD_STRICT);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	acd_start(dev, PEER_IP); /* another address is looked for */
	pass(SEC / 2);
	CHECK_EQ(count_heard(DHCPDECLINE), 0);
	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	pass(SEC);
	CHECK_EQ(last_heard()->type, DHCPDISCOVER);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	dhcp_stop(net); /* in the middle of a search: nobody is told of its end */
	pass(20 * SEC);
	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	on_frame = NULL;
	fixture_down();
}

TEST(strict_cannot_put_the_address_anywhere)
{
	start();
	acd_set_mode(net, ACD_STRICT);
	for (u32 i = 0; i < IN_DEV_MAX_ADDRS; i++)
		CHECK_EQ(inet_addr_add(dev, htonl(0xac100001 + (i << 8)), 24), 0);
	answer_good(DHCPOFFER);
	answer_good(DHCPACK);
	pass(9 * SEC);
	CHECK(strstr(host_console(), "cannot use 10.0.0.1"));
	CHECK_EQ(count_heard(DHCPDISCOVER), 1);
	pass(10 * SEC);
	CHECK_EQ(count_heard(DHCPDISCOVER), 2);
	stop();
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------------------------- */

TEST(start_undoes_what_it_began)
{
	struct sock *other;
	u32 n = 0;
	int err;

	fixture_up(false);
	on_frame = server_hears;
	do {
		nr_heard = 0;
		fail_alloc(++n);
		err = dhcp_start(dev);
		if (!fail_over())
			break;
		CHECK(err == 0 || err == -ENOMEM || err == -ENFILE);
		if (!err) /* only the message was lost */
			dhcp_stop(net);
		CHECK(!net->dhcp);
		CHECK_EQ(net->socks_live, 0);
	} while (n < 20);
	CHECK(n >= 4 && n < 20);
	CHECK_EQ(err, 0);
	dhcp_stop(net);
	other = udp_open();
	CHECK_EQ(udp_prot.get_port(other, 68), 0);
	CHECK_EQ(dhcp_start(dev), -EADDRINUSE);
	CHECK(!net->dhcp);
	udp_prot.close(other, 0);
	fixture_down();
}

TEST(without_a_client)
{
	fixture_up(false);
	CHECK_EQ(dhcp_wait(net, host_clock() + SEC), -EINVAL);
	dhcp_stop(net); /* no harm */
	fixture_down();
}

TEST(stop_leaves_the_address)
{
	into(BOUND);
	CHECK_EQ(dhcp_wait(net, 0), 0);
	dhcp_stop(net);
	CHECK(!net->dhcp);
	nr_heard = 0;
	pass(2000 * SEC);
	CHECK_EQ(nr_heard, 0);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	on_frame = NULL;
	fixture_down();
}

/* Noise at port 68: nothing but silence. */
TEST(noise_is_ignored)
{
	u32 x = 7, n;
	u8 noise[400];

	start();
	for (u32 i = 0; i < 3000; i++) {
		u32 len = i % sizeof(noise);

		for (u32 k = 0; k < len; k++) {
			x = x * 1664525u + 1013904223u;
			noise[k] = (u8)(x >> 24);
		}
		n = udp_make(&f, PEER_IP, 67, INADDR_BROADCAST, 68, noise, len);
		memcpy(f.eth.h_dest, all_mac, 6);
		feed_ip(&f, n, true);
	}
	CHECK_EQ(nr_heard, 1);
	answer_good(DHCPOFFER);
	CHECK_EQ(nr_heard, 2);
	stop();
}

KTEST_MAIN_BOOT()
