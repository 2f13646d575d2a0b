// SPDX-License-Identifier: MIT
/* The DHCP client: the parser on broken messages, and whole leases in virtual time against a scripted server. */
#include "server.h"

static struct ipframe f;

static int parse(struct dhcp_msg *m)
{
	return dhcp_parse(msg, msglen, m);
}

TEST(parser)
{
	struct dhcphdr *h = (struct dhcphdr *)msg;
	struct dhcp_msg m;
	u32 whole;

	msg_begin(0x12345678, OUR_IP, DHCPOFFER);
	msg_u32(DHO_SUBNET_MASK, 0xffffff00);
	msg_u32(DHO_ROUTERS, 0x0a000002);
	msg_u32(DHO_LEASE_TIME, 86400);
	msg_u32(DHO_SERVER_ID, 0x0a000002);
	CHECK_EQ(parse(&m), 0); /* END may be missing */
	msg[msglen++] = DHO_END;
	CHECK_EQ(parse(&m), 0);
	CHECK(m.xid == 0x12345678 && m.type == DHCPOFFER && m.yiaddr == OUR_IP &&
	      m.lease_s == 86400);
	CHECK(m.server_id == PEER_IP && m.router == PEER_IP && m.mask == IP4(255, 255, 255, 0));
	whole = msglen;
	for (u32 cut = 0; cut < whole;
	     cut++) { /* cut anywhere: sound or refused, never past the end */
		u8 *copy = malloc(cut + 1);

		memcpy(copy, msg, cut);
		(void)dhcp_parse(copy, cut, &m);
		free(copy);
		if (cut < sizeof(*h) + 3)
			CHECK_EQ(dhcp_parse(msg, cut, &m), -EINVAL);
	}
	msglen--;
	msg_u32(250, 5);
	CHECK_EQ(parse(&m), 0); /* unknown options are skipped */
	msg[msglen++] = DHO_LEASE_TIME;
	msg[msglen++] = 3;
	msglen += 3;
	CHECK_EQ(parse(&m), -EINVAL); /* a length it cannot have */
	msg_begin(1, OUR_IP, DHCPACK);
	msg_u32(DHO_SUBNET_MASK, 0xff00ff00);
	CHECK_EQ(parse(&m), -EINVAL); /* holes */
	msg_begin(1, OUR_IP, DHCPACK);
	msg[msglen++] = DHO_LEASE_TIME;
	msg[msglen++] = 255; /* past the end */
	CHECK_EQ(parse(&m), -EINVAL);
	/* Overload: file and sname hold options; an overload inside them means nothing. */
	msg_begin(1, OUR_IP, DHCPACK);
	msg[msglen++] = DHO_OVERLOAD;
	msg[msglen++] = 1;
	msg[msglen++] = 3;
	memcpy(h->file, (u8[]){ DHO_OVERLOAD, 1, 3, DHO_LEASE_TIME, 4, 0, 0, 0, 9, DHO_END }, 10);
	memcpy(h->sname, (u8[]){ DHO_SERVER_ID, 4, 10, 0, 0, 2 }, 6);
	CHECK_EQ(parse(&m), 0);
	CHECK(m.lease_s == 9 && m.server_id == PEER_IP);
	h->file[4] = 200; /* reaches out of the field */
	CHECK_EQ(parse(&m), -EINVAL);
	h->file[4] = 4;
	h->op = 1;
	CHECK_EQ(parse(&m), -EINVAL);
	h->op = 2;
	h->magic = 0;
	CHECK_EQ(parse(&m), -EINVAL);
}

/* --- The server ----------------------------------------------------------------------------------------------------- */
static u32 nr_discover, nr_request, nr_unicast;
static u64 discover_at[16];
static bool silent, nak, answer_due;
static u32 lease_s;
static __be32 give;
static u8 answer_type;
static u32 answer_xid;
static __be32 last_ciaddr;

/* What the client sent; answers are due (sent by serve(), not from inside the client's own call). */
static void server_hears(const struct frame *fr)
{
	const struct iphdr *ip = (const struct iphdr *)(fr->b + 14);
	const struct dhcphdr *h = (const struct dhcphdr *)(fr->b + 42);
	u8 type = fr->b[42 + 240 + 2];

	if (fr->b[13] != 0 || ip->protocol != IPPROTO_UDP)
		return;
	CHECK_EQ(ntohs(((const struct udphdr *)(fr->b + 34))->dest), 67);
	CHECK(fr->len >= 342 && h->magic == htonl(DHCP_MAGIC) && !memcmp(h->chaddr, our_mac, 6));
	CHECK(h->ciaddr ? ip->saddr == h->ciaddr : ip->saddr == 0);
	if (type == DHCPDISCOVER)
		discover_at[nr_discover++ % 16] = fr->at_ns;
	else
		nr_request++;
	nr_unicast += ip->daddr == PEER_IP;
	last_ciaddr = h->ciaddr;
	answer_xid = ntohl(h->xid);
	answer_type = type == DHCPDISCOVER ? DHCPOFFER : nak ? DHCPNAK : DHCPACK;
	answer_due = !silent;
}

static void send_answer(u32 xid)
{
	u32 n;

	msg_begin(xid, answer_type == DHCPNAK ? 0 : give, answer_type);
	msg_u32(DHO_SUBNET_MASK, 0xffffff00);
	msg_u32(DHO_ROUTERS, 0x0a000002);
	msg_u32(DHO_DNS, 0x0a000003);
	msg_u32(DHO_LEASE_TIME, lease_s);
	msg_u32(DHO_SERVER_ID, 0x0a000002);
	msg[msglen++] = DHO_END;
	n = udp_make(&f, PEER_IP, 67, last_ciaddr ? last_ciaddr : INADDR_BROADCAST, 68, msg,
		     msglen);
	if (!last_ciaddr)
		memcpy(f.eth.h_dest, all_mac, 6);
	feed_ip(&f, n, true);
}

static void serve(u64 ns)
{
	u64 end = host_clock() + ns;

	for (;;) {
		while (answer_due) {
			answer_due = false;
			send_answer(answer_xid);
		}
		nr_frames = 0;
		if (host_clock() >= end)
			return;
		host_clock_advance(SEC / 2);
	}
}

static void start(void)
{
	nr_discover = nr_request = nr_unicast = 0;
	silent = nak = answer_due = false;
	lease_s = 1000;
	give = OUR_IP;
	fixture_up(false);
	on_frame = server_hears;
	CHECK_EQ(dhcp_start(dev), 0);
	CHECK_EQ(dhcp_start(dev), -EBUSY);
}

static void stop(void)
{
	dhcp_stop(net);
	on_frame = NULL;
	fixture_down();
}

TEST(a_lease_from_discover_to_renewal)
{
	start();
	CHECK_EQ(dhcp_wait(net, host_clock() + 1), -ETIMEDOUT);
	serve(SEC);
	CHECK_EQ(dhcp_wait(net, host_clock() + SEC), 0);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	CHECK(page_has(route_show, "eth0\t00000000\t0200000A\t0003"));
	CHECK_EQ(net->nameserver[0], IP4(10, 0, 0, 3));
	CHECK(strstr(host_console(),
		     "dhcp: eth0 10.0.0.1/24 gw 10.0.0.2 dns 10.0.0.3 lease 1000 s from 10.0.0.2"));
	CHECK_EQ(nr_discover, 1);
	CHECK_EQ(nr_request, 1);
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	serve(490 * SEC);
	CHECK_EQ(nr_request, 1);
	serve(20 * SEC); /* T1: asks its server, alone */
	CHECK_EQ(nr_request, 2);
	CHECK_EQ(nr_unicast, 1);
	serve(900 * SEC);
	CHECK(nr_request >= 3 && nr_request <= 4);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	CHECK_EQ(nr_discover, 1);
	stop();
}

TEST(a_silent_server_is_asked_less_and_less)
{
	start();
	silent = true;
	answer_due = false;
	serve(200 * SEC);
	CHECK(nr_discover >= 6 && nr_discover <= 8);
	for (u32 i = 1; i < 6; i++) {
		u64 gap = discover_at[i] - discover_at[i - 1], want = (4ull << (i - 1)) * SEC;

		CHECK(gap + SEC >= want && gap <= want + SEC + SEC / 50);
	}
	stop();
}

TEST(a_lease_that_is_not_renewed_is_given_up)
{
	start();
	serve(SEC);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	CHECK_EQ(neigh_add_permanent(net, PEER_IP, dev, peer_mac), 0);
	silent = true;
	serve(870 * SEC);
	CHECK(nr_unicast >= 3 && nr_request == 1 + nr_unicast); /* renewing */
	serve(100 * SEC);
	CHECK(nr_request > 1 + nr_unicast); /* rebinding: broadcast */
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	serve(40 * SEC);
	CHECK(!inet_dev_has_addr(dev, OUR_IP));
	CHECK(!page_has(route_show, "0003"));
	CHECK(nr_discover >= 2);
	silent = false;
	give = IP4(10, 0, 0, 9);
	serve(70 * SEC);
	CHECK(inet_dev_has_addr(dev, IP4(10, 0, 0, 9)));
	stop();
}

TEST(a_refusal_starts_again)
{
	start();
	nak = true;
	serve(SEC);
	CHECK_EQ(nr_request, 1);
	CHECK_EQ(nr_discover, 1);
	nak = false;
	serve(2 * SEC);
	CHECK_EQ(nr_discover, 2);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

TEST(answers_to_others_are_ignored)
{
	start();
	answer_due = false;
	answer_type = DHCPACK; /* an ACK before any REQUEST */
	send_answer(answer_xid);
	answer_type = DHCPOFFER;
	send_answer(answer_xid + 1); /* another transaction */
	lease_s = 0;
	send_answer(answer_xid); /* worthless */
	lease_s = 1000;
	give = IP4(224, 0, 0, 1);
	send_answer(answer_xid); /* no address for a host */
	CHECK_EQ(nr_request, 0);
	give = OUR_IP;
	send_answer(answer_xid);
	CHECK_EQ(nr_request, 1);
	serve(SEC);
	CHECK(inet_dev_has_addr(dev, OUR_IP));
	stop();
}

KTEST_MAIN_BOOT()
