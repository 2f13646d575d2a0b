// SPDX-License-Identifier: MIT
/*
 * Ethernet and ARP in: frames of any kind and length, several in a row with time between them, against an instance
 * that also sends, so that there are neighbours to confirm, to contest and to lose.
 *
 * Input: records of one byte and a frame. Bits 0-5: how much longer the frame is than 14 bytes; bit 6: it is to our
 * address, whatever it says; bit 7: time passes first (one byte, eighths of a second), and we send to the peer.
 * Specs: RFC 826; RFC 894; RFC 5227; RFC 4861 7.3.
 */
#include "onehost.h"

#include "../../net/neigh/neigh.h"

#include <net/etherdevice.h>
#include <net/socket.h>
#include <wire/arp.h>

static struct socket *sock;

void fuzz_setup(void)
{
	onehost_up(ONEHOST_ETHERNET, true);
	host.guard = true;
	FUZZ_CHECK_EQ(sock_create_kern(host.net, AF_INET, SOCK_DGRAM, 0, &sock), 0);
	onehost_forget_neighbours();
	fuzz_census_begin();
}

static void we_send(u8 whom)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(9),
					.sin_addr = IP4(10, 0, 0, 2 + whom % 4) };

	(void)kernel_sendmsg(sock, "x", 1, &to);
}

/* No entry is more than its table allows, and each is in a state that exists. */
static void check_table(void)
{
	const struct neigh_table *tbl = host.net->arp_tbl;

	FUZZ_CHECK(tbl->entries <= tbl->max_entries);
	FUZZ_CHECK(tbl->queued_bytes <= tbl->max_queued_bytes);
}

/* If an ARP reply just left, @frame was a whole request for our address, in every field. */
static void check_answer(const u8 *frame, u32 len, u32 before)
{
	const struct arphdr *out = (const struct arphdr *)(const void *)(host.out + ETH_HLEN);
	const struct arphdr *in = (const struct arphdr *)(const void *)(frame + ETH_HLEN);

	if (host.packets == before || host.out[13] != 6 || out->ar_op != htons(ARPOP_REPLY))
		return;
	FUZZ_CHECK(len >= ETH_HLEN + sizeof(*in) && frame[12] == 8 && frame[13] == 6);
	FUZZ_CHECK(in->ar_op == htons(ARPOP_REQUEST) && in->ar_tip == OUR_IP);
	FUZZ_CHECK(in->ar_pro == htons(ETH_P_IP) && in->ar_hln == 6 && in->ar_pln == 4);
	FUZZ_CHECK(out->ar_tip == in->ar_sip && memcmp(out->ar_tha, in->ar_sha, 6) == 0);
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	for (u32 i = 0; in.left && i < 8; i++) {
		u8 how = in_u8(&in), frame[ETH_HLEN + 64] = { 0 };
		u32 len = ETH_HLEN + (how & 0x3f);
		u32 before;
		size_t got;
		const u8 *p;

		if (how & 0x80) {
			u8 eighths = in_u8(&in);

			we_send(eighths);
			host_clock_advance(eighths * (NSEC_PER_SEC / 8));
		}
		p = in_bytes(&in, len, &got);
		memcpy(frame, p, got);
		if (how & 0x40)
			memcpy(frame, our_mac, sizeof(our_mac));
		before = host.packets;
		onehost_feed(frame, len);
		check_answer(frame, len, before);
		check_table();
	}
	onehost_forget_fragments();
	onehost_forget_neighbours();
	fuzz_census_end();
}
