// SPDX-License-Identifier: MIT
/*
 * The driver's receive ring under a card that lies: descriptors with any length, status and errors, with and without
 * EOP, in batches, with and without memory for the next buffer. What goes up must be exactly what is right.
 *
 * Input: records of six bytes: flags, length (2), errors, status, mark.
 *   bit 0: no interrupt yet: the next one comes into the same batch     bit 1: there is no memory for a new buffer
 *   bits 2-3: what the length means     bit 4: status as it is (otherwise EOP)     bit 5: errors as they are (otherwise none)
 * Specs: 8254x Software Developer's Manual section 3.2.
 */
#include "e1000_model.h"
#include "fuzz.h"

#include <drivers/e1000.h>
#include <drivers/pci.h>
#include <kernel/arch.h>
#include <kernel/fault.h>
#include <lib/byteorder.h>
#include <net/etherdevice.h>
#include <net/init.h>

enum { RING = 8, BUFFER = 2048, BATCH_MAX = 6, DD = 1, EOP = 2, ERRORS = 0x97 };

static struct e1000_model model;
static struct net_device *dev;
/* What has to come up next. */
static struct {
	struct {
		u32 len;
		u8 mark;
	} frame[BATCH_MAX + 1];
	u32 nr, taken;
} expected;
static bool dropping; /* inside of a frame that takes more than one descriptor */

static void rx_handler(struct sk_buff *skb, struct net_device *from)
{
	u32 i = expected.taken++;

	FUZZ_CHECK(from == dev);
	FUZZ_CHECK(i < expected.nr);
	FUZZ_CHECK_EQ(skb->len, expected.frame[i].len - ETH_HLEN);
	for (u32 n = 0; n < skb->len; n++)
		FUZZ_CHECK_EQ(skb->data[n], (u8)(expected.frame[i].mark + n));
	consume_skb(skb);
}

void fuzz_setup(void)
{
	struct net *net;
	struct e1000_options o = {
		.tx_ring = RING, .rx_ring = RING, .mtu = ETH_DATA_LEN, .txqueuelen = 100
	};

	FUZZ_CHECK_EQ(net_global_init(), 0);
	net = net_alloc();
	o.net = net;
	FUZZ_CHECK(net && dev_add_pack(net, htons(ETH_P_IP), rx_handler) == 0);
	e1000_model_plug(&model, 0x100e);
	FUZZ_CHECK_EQ(pci_bind(pci_scan(), &e1000_driver, &o), 1);
	dev = dev_get_by_name(net, "eth0");
	FUZZ_CHECK(dev && dev_open(dev) == 0);
	host_clock_advance(1100 * NSEC_PER_MSEC); /* the receiver's second */
	FUZZ_CHECK(e1000_model_rx_ready(&model));
}

static u32 length_of(u8 flags, u16 v)
{
	switch (flags >> 2 & 3) {
	case 0:
		return v;
	case 1:
		return v % 64;
	case 2:
		return BUFFER - 4 + v % 9;
	default:
		return 60 + v % 1455;
	}
}

/* One descriptor: what the card says, and what must come of it. */
static void descriptor(struct fuzz_input *in, u8 flags)
{
	u32 len = length_of(flags, in_u16(in));
	u8 errors = in_u8(in), status = in_u8(in), mark = in_u8(in), data[BUFFER];
	bool eop;

	errors = flags & 0x20 ? errors : 0;
	status = DD | (flags & 0x10 ? status : EOP);
	eop = status & EOP;
	memcpy(data, dev->dev_addr, ETH_ALEN);
	memcpy(data + ETH_ALEN, dev->dev_addr, ETH_ALEN);
	data[12] = 8;
	data[13] = 0;
	for (u32 i = 0; i + ETH_HLEN < BUFFER; i++)
		data[ETH_HLEN + i] = (u8)(mark + i);
	if (!dropping && eop && !(errors & ERRORS) && len >= ETH_HLEN && len <= BUFFER) {
		expected.frame[expected.nr].len = len;
		expected.frame[expected.nr++].mark = mark;
	}
	dropping = !eop;
	FUZZ_CHECK(e1000_model_rx_desc(&model, data, len, (u16)len, status, errors));
}

/* As many descriptors as come before the interrupt. */
static void batch(struct fuzz_input *in)
{
	unsigned long irq = arch_irq_save();
	u8 flags;

	expected.nr = expected.taken = 0;
	for (u32 i = 0; i < BATCH_MAX; i++) {
		flags = in_u8(in);
		if (i)
			flags &= (u8)~2; /* memory is out for the first one only */
		if (flags & 2) {
			flags &= (u8)~1;
			faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1, .times = 1 };
			faults_armed = true;
		}
		descriptor(in, flags);
		if (!(flags & 1) || !in->left)
			break;
	}
	arch_irq_restore(irq); /* the interrupt, the poll */
	FUZZ_CHECK_EQ(expected.taken, expected.nr);
	memset(&faults[FAULT_ALLOC], 0, sizeof(faults[0]));
	faults_armed = false;
}

void fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	static const u8 whole[6] = { 0x0c, 0, 0, 0, 0, 0 };
	struct fuzz_input last = { whole, sizeof(whole) };
	static bool counted;

	if (!counted) { /* the first poll has filled the ring's spare buffers */
		struct fuzz_input first = { whole, sizeof(whole) };

		batch(&first);
		fuzz_census_begin();
		counted = true;
	}
	for (u32 i = 0; in.left && i < 24; i++)
		batch(&in);
	if (dropping) { /* a long frame ends, so that the next input finds the ring as this one did */
		batch(&last);
		dropping = false;
	}
	fuzz_census_end();
}
