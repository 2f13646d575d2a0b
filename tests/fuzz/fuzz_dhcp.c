// SPDX-License-Identifier: MIT
/*
 * The DHCP client in each of its states, under answers of every kind.
 *
 * Input: one byte, the state to begin in (selecting, requesting, bound, renewing, rebinding, after a refusal), then
 * records: one byte of kind, then
 *   bit 0 clear: a sound answer: its type, two bytes of address and server, then length and options that follow the usual
 *   bit 0 set: only the fixed part is right (transaction, hardware address), the options are the input's
 *   bits 1-2: time passes afterwards: none, 3 s, 28 minutes, 1 hour
 *   bit 3: another transaction; bit 4: from another port; bit 5: lease, T1 and T2 come from the input
 * Specs: RFC 2131 4.4; RFC 2132.
 */
#include "onehost.h"

#include <net/checksum.h>
#include <net/dhcp.h>
#include <net/inetdevice.h>
#include <net/route.h>
#include <wire/dhcp.h>

#define MESSAGE_MAX 1200
enum { SELECTING, REQUESTING, BOUND, RENEWING, REBINDING, REFUSED, NR_BEGINNINGS };

static u32 xid; /* of the client's last message, as heard on the wire */

/* The transaction that the client is in; what it sends must be sound, too. */
static void hear(const u8 *ip, u32 len)
{
	const struct dhcphdr *h = (const struct dhcphdr *)(const void *)(ip + 28);

	if (ip[9] != IPPROTO_UDP || get_unaligned_be16(ip + 22) != DHCP_SERVER_PORT)
		return;
	FUZZ_CHECK(len >= 28 + 300);
	FUZZ_CHECK(h->op == 1 && h->magic == htonl(DHCP_MAGIC));
	FUZZ_CHECK(memcmp(h->chaddr, our_mac, 6) == 0);
	xid = ntohl(h->xid);
}

void fuzz_setup(void)
{
	onehost_up(ONEHOST_ETHERNET, false);
	host.guard = true;
	host.on_packet = hear;
	/* The device's list of addresses stays from its first one on. */
	FUZZ_CHECK_EQ(inet_addr_add(host.dev, OUR_IP, 24), 0);
	FUZZ_CHECK_EQ(inet_addr_del(host.dev, OUR_IP), 0);
	onehost_forget_neighbours();
	fuzz_census_begin();
}

/* --- The server's pen ---------------------------------------------------------------------------------------------------- */

struct answer {
	u8 b[28 + MESSAGE_MAX];
	u32 len; /* of the DHCP message */
};

static struct dhcphdr *answer_begin(struct answer *a, __be32 yiaddr)
{
	struct dhcphdr *h = (struct dhcphdr *)(void *)(a->b + 28);

	memset(h, 0, sizeof(*h));
	h->op = 2;
	h->htype = 1;
	h->hlen = 6;
	h->xid = htonl(xid);
	h->yiaddr = yiaddr;
	memcpy(h->chaddr, our_mac, sizeof(our_mac));
	h->magic = htonl(DHCP_MAGIC);
	a->len = sizeof(*h);
	return h;
}

static void answer_byte(struct answer *a, u8 v)
{
	if (a->len < MESSAGE_MAX)
		a->b[28 + a->len++] = v;
}

static void answer_u32(struct answer *a, u8 code, u32 v)
{
	answer_byte(a, code);
	answer_byte(a, 4);
	for (u32 shift = 32; shift;)
		answer_byte(a, (u8)(v >> (shift -= 8)));
}

static void answer_send(struct answer *a, u16 from_port)
{
	struct udphdr *uh = (struct udphdr *)(void *)(a->b + 20);

	onehost_ip_header(a->b, PEER_IP, INADDR_BROADCAST, IPPROTO_UDP, 8 + a->len);
	*uh = (struct udphdr){ .source = htons(from_port),
			       .dest = htons(DHCP_CLIENT_PORT),
			       .len = htons(8 + a->len) };
	onehost_fix_checksums(a->b, 28 + a->len);
	onehost_feed_ip(a->b, 28 + a->len);
}

/* What a server says usually. */
static void usual(struct answer *a, u8 type, u8 host_byte, u8 server_byte, u32 lease, u32 t1,
		  u32 t2)
{
	(void)answer_begin(a, IP4(10, 0, 0, host_byte));
	answer_byte(a, DHO_MESSAGE_TYPE);
	answer_byte(a, 1);
	answer_byte(a, type);
	answer_u32(a, DHO_SERVER_ID, 0x0a000000u | server_byte);
	if (lease)
		answer_u32(a, DHO_LEASE_TIME, lease);
	if (t1)
		answer_u32(a, DHO_RENEWAL_TIME, t1);
	if (t2)
		answer_u32(a, DHO_REBINDING_TIME, t2);
	answer_u32(a, DHO_SUBNET_MASK, 0xffffff00);
	answer_u32(a, DHO_ROUTERS, 0x0a000002);
}

static void say(u8 type)
{
	struct answer a = { .len = 0 };

	usual(&a, type, 1, 2, 3600, 0, 0);
	answer_send(&a, DHCP_SERVER_PORT);
}

static void begin_in(u8 state)
{
	FUZZ_CHECK_EQ(dhcp_start(host.dev), 0);
	if (state == SELECTING)
		return;
	say(DHCPOFFER);
	if (state == REQUESTING)
		return;
	if (state == REFUSED) {
		say(DHCPNAK);
		return;
	}
	say(DHCPACK);
	FUZZ_CHECK_EQ(dhcp_wait(host.net, 0), 0);
	if (state == RENEWING)
		host_clock_advance(1801 * NSEC_PER_SEC);
	else if (state == REBINDING)
		host_clock_advance(3151 * NSEC_PER_SEC);
}

/* --- Records ---------------------------------------------------------------------------------------------------------------- */

static void one_record(struct fuzz_input *in)
{
	static const u16 pass_s[4] = { 0, 3, 1700, 3700 };
	u8 kind = in_u8(in), len;
	struct answer a = { .len = 0 };

	if (kind & 1) {
		(void)answer_begin(&a, IP4(10, in_u8(in), in_u8(in), in_u8(in)));
	} else {
		u8 type = in_u8(in), host_byte = in_u8(in), server = in_u8(in) % 4 + 2;
		bool own = kind & 0x20;

		usual(&a, type, host_byte, server, own ? in_u32(in) : 3600, own ? in_u32(in) : 0,
		      own ? in_u32(in) : 0);
	}
	len = in_u8(in);
	for (u32 i = 0; i < len && in->left; i++)
		answer_byte(&a, in_u8(in));
	if (kind & 8)
		a.b[28 + 4] ^= 1;
	answer_send(&a, kind & 0x10 ? 1067 : DHCP_SERVER_PORT);
	host_clock_advance(pass_s[kind >> 1 & 3] * NSEC_PER_SEC);
}

/* The addresses on the device are what a lease can be: at most one, and one that a host can have. */
static void check_address(void)
{
	const struct in_device *in = host.dev->ip_ptr;
	u32 n = 0;

	for (u32 i = 0; in && i < IN_DEV_MAX_ADDRS; i++) {
		u32 a = ntohl(in->ifa[i].ifa_local);

		n += a != 0;
		FUZZ_CHECK(!a || (a >> 24 != 127 && a >> 24 != 0 && a >> 28 < 14));
	}
	FUZZ_CHECK(n <= 1);
}

static void all_gone(void)
{
	const struct in_device *in = host.dev->ip_ptr;

	dhcp_stop(host.net);
	for (u32 i = 0; in && i < IN_DEV_MAX_ADDRS; i++)
		if (in->ifa[i].ifa_local)
			FUZZ_CHECK_EQ(inet_addr_del(host.dev, in->ifa[i].ifa_local), 0);
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	begin_in(in_u8(&in) % NR_BEGINNINGS);
	for (u32 i = 0; in.left && i < 8; i++) {
		one_record(&in);
		check_address();
	}
	all_gone();
	onehost_forget_neighbours();
	host.packets = 0;
	fuzz_census_end();
}
