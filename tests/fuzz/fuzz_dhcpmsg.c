// SPDX-License-Identifier: MIT
/*
 * DHCP messages: the parser alone, on the UDP payload as it comes or behind a sound fixed part.
 *
 * Input: one byte and the message. Bit 0: what follows are only the options, behind a header that is right; bits 1-2:
 * the rest goes into the file and sname fields, too, so that overloading is met.
 * Specs: RFC 2131 2, 4.1; RFC 2132.
 */
#include "fuzz.h"

#include <lib/byteorder.h>
#include <lib/err.h>
#include <net/dhcp.h>
#include <wire/dhcp.h>

void fuzz_setup(void)
{
}

/* Whatever was accepted can be used without a further look. */
static void check_message(const u8 *buf, size_t len)
{
	struct dhcp_msg msg, again;
	int err = dhcp_parse(buf, (u32)len, &msg);
	u32 holes;

	FUZZ_CHECK(err == 0 || err == -EINVAL);
	if (err)
		return;
	FUZZ_CHECK(len >= sizeof(struct dhcphdr));
	FUZZ_CHECK(msg.type != 0);
	holes = ~ntohl(msg.mask);
	FUZZ_CHECK_EQ(holes & (holes + 1), 0);
	FUZZ_CHECK_EQ(dhcp_parse(buf, (u32)len, &again), 0); /* pure: the same again */
	FUZZ_CHECK(msg.type == again.type && msg.xid == again.xid && msg.yiaddr == again.yiaddr &&
		   msg.mask == again.mask && msg.lease_s == again.lease_s);
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 how = in_u8(&in);
	size_t len, fixed = how & 1 ? sizeof(struct dhcphdr) : 0;
	const u8 *p = in_bytes(&in, 1472, &len);
	u8 *buf = malloc(fixed + len + 1); /* nearly as long: the sanitizer sees the end */
	struct dhcphdr *h = (struct dhcphdr *)(void *)buf;

	if (fixed) {
		memset(h, 0, sizeof(*h));
		h->op = 2;
		h->htype = 1;
		h->hlen = 6;
		h->magic = htonl(DHCP_MAGIC);
		if (how & 2)
			memcpy(h->file, p, len < sizeof(h->file) ? len : sizeof(h->file));
		if (how & 4)
			memcpy(h->sname, p, len < sizeof(h->sname) ? len : sizeof(h->sname));
	}
	memcpy(buf + fixed, p, len);
	check_message(buf, fixed + len);
	free(buf);
}
