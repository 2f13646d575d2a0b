// SPDX-License-Identifier: MIT
/*
 * The driver at its edges: a card in a state that firmware left, probes and openings that fail half-way, packets that do
 * not fit, races between two accesses of a register, descriptors that lie, a card that is pulled out.
 */
#define _GNU_SOURCE
#include "rig.h"

#include <kernel/proc.h>
#include <lib/err.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RDH_REG  0x2810u
#define RDT_REG  0x2818u
#define IMS_REG  0x00d0u
#define RCTL_REG 0x0100u

/* --- What firmware left ----------------------------------------------------------------------------------------- */

struct leftover {
	const char *name;
	u32 rctl, rdh, rdt;
	u32 rctl_writes;
};

static const struct leftover leftovers[] = {
	{ "nothing", 0, 0, 0, 1 }, { "receiver_on", 0x8002, 0, 0, 2 },   { "head", 0, 5, 5, 1 },
	{ "tail", 0, 0, 5, 1 },    { "head_and_tail", 0x8002, 3, 7, 2 },
};

TEST_EACH(firmware_left, leftovers)
{
	struct e1000_options o = options(8, 8);

	once();
	o.net = net;
	e1000_model_plug(&model, 0x100e);
	model.reg[RCTL_REG / 4] = row->rctl;
	model.reg[RDH_REG / 4] = row->rdh;
	model.reg[RDT_REG / 4] = row->rdt;
	memset(&got, 0, sizeof(got));
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), 1);
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG), row->rctl_writes);
	CHECK_EQ(model.reg[RDH_REG / 4], 0);
	CHECK_EQ(model.reg[RDT_REG / 4], 0);
	dev = dev_get_by_name(net, "eth0");
	nic = dev->priv;
	CHECK_EQ(dev_open(dev), 0);
	CHECK(!deliver(100, 1, 0)); /* the second after RCTL */
	host_clock_advance(1100 * NSEC_PER_MSEC);
	CHECK(deliver(100, 2, 0));
	CHECK_EQ(got.frames, 1);
	down();
}

struct address {
	const char *name;
	u32 ral, rah;
	u16 eeprom0;
	int result;
};

static const struct address addresses[] = {
	{ "register", 0x12005452, 0x80005634, 0, 1 },
	{ "eeprom", 0, 0, 0x5452, 1 },
	{ "multicast", 0x12005453, 0x80005634, 0, -EIO },
	{ "broadcast", 0xffffffff, 0x8000ffff, 0, -EIO },
	{ "zero", 0, 0x80000000, 0, -EIO },
	{ "multicast_in_eeprom", 0, 0, 0x5401, -EIO },
};

TEST_EACH(mac_address, addresses)
{
	struct e1000_options o = options(8, 8);

	once();
	o.net = net;
	e1000_model_plug(&model, 0x100e);
	model.reg[0x5400 / 4] = row->ral;
	model.reg[0x5404 / 4] = row->rah;
	model.eeprom[0] = row->eeprom0;
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), row->result);
	dev = dev_get_by_name(net, "eth0");
	CHECK_EQ(dev != NULL, row->result == 1);
	if (dev) {
		CHECK_EQ(dev->dev_addr[0], 0x52);
		CHECK_EQ(dev->dev_addr[5], 0x56);
		CHECK_EQ(model.reg[0x5400 / 4], 0x12005452); /* the filter knows it too */
		CHECK_EQ(model.reg[0x5404 / 4], 0x80005634);
	}
	down();
}

struct speed {
	const char *name;
	u32 status;
	const char *words;
};

static const struct speed speeds[] = {
	{ "10_half", 0x80080700, "link up 10 Mbit/s half duplex" },
	{ "100_full", 0x80080741, "link up 100 Mbit/s full duplex" },
	{ "1000_full", 0x80080781, "link up 1000 Mbit/s full duplex" },
	{ "1000_other_code", 0x800807c1, "link up 1000 Mbit/s full duplex" },
};

TEST_EACH(link_speed, speeds)
{
	up(options(8, 8), 0x100e);
	e1000_model_link(&model, false);
	host_console_clear();
	model.reg[0x0008 / 4] = row->status;
	e1000_model_link(&model, true);
	CHECK(strstr(host_console(), row->words));
	down();
}

struct programmed {
	const char *name;
	u32 reg, value;
};

static const struct programmed registers[] = {
	{ "ITR", 0x00c4, 0 },
	{ "RDTR", 0x2820, 0 },
	{ "RADV", 0x282c, 0 },
	{ "TIPG", 0x0410, 0x00602008 },
	{ "TXDCTL", 0x3828, 0x01010000 },
	{ "TIDV", 0x3820, 8 },
	{ "TADV", 0x382c, 32 },
	{ "VET", 0x0038, 0x8100 },
	{ "CTRL", 0x0000, 0x00140260 },
	{ "TDLEN", 0x3808, 128 },
	{ "RDLEN", 0x2808, 256 },
	{ "TCTL", 0x0400, 0x0103f0fa },
	{ "MTA_first", 0x5200, 0 },
	{ "MTA_last", 0x53fc, 0 },
	{ "VFTA_first", 0x5600, 0 },
	{ "VFTA_last", 0x57fc, 0 },
	{ "RAL_1", 0x5408, 0 },
	{ "RAH_1", 0x540c, 0 },
	{ "RAL_15", 0x5478, 0 },
	{ "RAH_15", 0x547c, 0 },
};

/* A register that firmware left with anything in it has its value when the device is open. */
TEST_EACH(programs, registers)
{
	struct e1000_options o = options(8, 16);

	once();
	o.net = net;
	e1000_model_plug(&model, 0x100e);
	model.reg[row->reg / 4] = row->reg ? 0xdbdbdb80 : 0xc0141ad8;
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), 1);
	dev = dev_get_by_name(net, "eth0");
	nic = dev->priv;
	CHECK_EQ(dev_open(dev), 0);
	if (row->reg)
		CHECK_EQ(model.reg[row->reg / 4], row->value);
	else /* what the driver does not know stays: speed bits, pins */
		CHECK_EQ(model.reg[0], 0x00140270);
	down();
}

/* --- Probes and openings that fail ---------------------------------------------------------------------------------- */

struct refusal {
	const char *name;
	u32 mtu;
	bool no_bar, pages_taken;
	int err;
};

static const struct refusal refusals[] = {
	{ "mtu_too_small", 67, false, false, -EINVAL },
	{ "mtu_too_large", 1501, false, false, -EINVAL },
	{ "no_registers", 1500, true, false, -ENODEV },
	{ "pages_taken", 1500, false, true, -EEXIST },
};

static void show_nothing(struct seq_file *m)
{
	(void)m;
}

TEST_EACH(probe_refuses, refusals)
{
	static const char *const pages[] = { "/proc/net/nic", "/proc/net/nic.eth0",
					     "/proc/net/nic.0000:00:03.0" };
	struct e1000_options o = options(8, 8);

	once();
	o.net = net;
	o.mtu = row->mtu;
	e1000_model_plug(&model, 0x100e);
	if (row->no_bar)
		model.config[4] = 0;
	for (u32 i = 0; row->pages_taken && i < ARRAY_SIZE(pages); i++)
		CHECK_EQ(proc_register(pages[i], show_nothing, NULL), 0);
	pci = pci_scan();
	CHECK_EQ(pci_bind(pci, &e1000_driver, &o), row->err);
	for (u32 i = 0; row->pages_taken && i < ARRAY_SIZE(pages); i++)
		proc_unregister(pages[i]);
	down();
}

/* Each allocation of a probe fails once: an error, nothing left; the next probe succeeds. */
TEST(probe_without_memory)
{
	struct e1000_options o = options(8, 8);
	u32 at;

	once();
	o.net = net;
	for (at = 1; at < 100; at++) {
		int taken;

		e1000_model_plug(&model, 0x100e);
		pci = pci_scan();
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		taken = pci_bind(pci, &e1000_driver, &o);
		faults_armed = false;
		CHECK(taken == 1 || taken == -ENOMEM);
		CHECK_EQ(dev_get_by_name(net, "eth0") != NULL, taken == 1);
		down();
		if (taken == 1)
			break;
	}
	CHECK(at > 3);
	CHECK(at < 100);
}

/* A line that does not exist: opening fails with everything undone, and works when it does. */
TEST(no_such_line)
{
	up(options(8, 8), 0x100e);
	u8 irq = nic->pdev->irq;

	dev_close(dev);
	nic->pdev->irq = 255;
	CHECK_EQ(dev_open(dev), -EINVAL);
	CHECK_EQ(dma_mapped(), 0);
	CHECK_EQ(skb_stats.live, 0);
	CHECK_EQ(timers_live(), 0);
	nic->pdev->irq = irq;
	CHECK_EQ(dev_open(dev), 0);
	CHECK(deliver(100, 3, 0));
	CHECK_EQ(got.last_mark, 3);
	down();
}

/* Every mapping of the receive ring is refused once. */
TEST(open_without_mappings)
{
	up(options(8, 8), 0x100e);
	dev_close(dev);
	for (u32 at = 1; at <= 9; at++) {
		faults[FAULT_DMA_MAP] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		int err = dev_open(dev);

		faults_armed = false;
		CHECK_EQ(err, at <= 8 ? -ENOMEM : 0);
		CHECK_EQ(dma_mapped(), at <= 8 ? 0 : 8);
		CHECK_EQ(skb_stats.live, at <= 8 ? 0 : 8);
	}
	down();
}

struct mtu {
	const char *name;
	u32 mtu;
	int err;
};

static const struct mtu mtus[] = {
	{ "67", 67, -EINVAL },
	{ "68", 68, 0 },
	{ "1500", 1500, 0 },
	{ "1501", 1501, -EINVAL },
};

TEST_EACH(change_mtu, mtus)
{
	up(options(8, 8), 0x100e);
	CHECK_EQ(dev->netdev_ops->ndo_change_mtu(dev, row->mtu), row->err);
	CHECK_EQ(dev_set_mtu(dev, row->mtu), row->err);
	CHECK_EQ(dev->mtu, row->err ? 1500 : row->mtu);
	down();
}

/* --- Packets that do not fit ------------------------------------------------------------------------------------------ */

/* No room whatever the ring says: refused, the packet stays the caller's, and it goes when the time is over. */
TEST(ring_full_by_fault)
{
	struct sk_buff *skb;

	up(options(64, 8), 0x100e);
	faults[FAULT_RING_FULL] = (struct fault){ .on = true, .at = 1, .ms = 50 };
	faults_armed = true;
	local_bh_disable();
	skb = frame(100, 1);
	CHECK_EQ(xmit(skb), NETDEV_TX_BUSY);
	CHECK(stopped());
	CHECK_EQ(freed, 0);
	CHECK_EQ(xmit(skb), NETDEV_TX_BUSY); /* a caller that does not look */
	local_bh_enable();
	faults_armed = false;
	host_clock_advance(49 * NSEC_PER_MSEC);
	CHECK(stopped());
	host_clock_advance(2 * NSEC_PER_MSEC);
	CHECK(!stopped());
	CHECK_EQ(nic->stats.tx_busy, 2);
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	CHECK_EQ(sent.frames, 1);
	down();
	CHECK_EQ(freed, 1);
}

/* Really full: a caller that does not look at the stopped queue is refused, and nothing is overwritten. */
TEST(refuses_when_full)
{
	struct sk_buff *skb;
	u32 n = 0;

	up(options(8, 8), 0x100e);
	model.tx_hang = 1;
	local_bh_disable();
	while (xmit(skb = frame(100, (u8)n)) == NETDEV_TX_OK)
		n++;
	CHECK_EQ(n, 7);
	CHECK_EQ(nic->stats.tx_busy, 1);
	consume_skb(skb);
	local_bh_enable();
	host_clock_advance(9 * NSEC_PER_SEC);
	CHECK_EQ(nic->stats.tx_timeouts, 1);
	CHECK_EQ(burst(2), 2);
	CHECK_EQ(sent.frames, 2);
	down();
}

/* Too many pieces, and no memory to put them into one. */
TEST(linearize_without_memory)
{
	u64 drops = skb_stats.drop[SKB_DROP_REASON_NOMEM];
	struct sk_buff *skb;
	u8 *page;

	up(options(8, 8), 0x100e);
	page = alloc_page();
	memset(page, 0, PAGE_SIZE);
	skb = frame(54, 1);
	for (u32 i = 0; i < 10; i++)
		add_frag(skb, page + 200 * i, 100);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	faults_armed = false;
	CHECK_EQ(sent.frames, 0);
	CHECK_EQ(freed, 1);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_NOMEM] - drops, 1);
	page_put(page);
	down();
}

/* A short frame that shares its buffer has to be copied to be padded; without memory it is dropped. */
TEST(pad_without_memory)
{
	struct sk_buff *skb, *twin;

	up(options(8, 8), 0x100e);
	twin = frame(42, 1);
	twin->destructor = NULL;
	skb = skb_clone(twin);
	CHECK(skb != NULL);
	faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	faults_armed = false;
	CHECK_EQ(sent.frames, 0);
	CHECK_EQ(dev->stats.tx_dropped, 1);
	consume_skb(twin);
	CHECK_EQ(skb_stats.live, 8);
	down();
}

/*
 * Four pages, contiguous for us and in reverse order for the device: physical page k is virtual page 3 - k. The same
 * memory is mapped twice, so that the model reads what we wrote.
 */
static u8 *ours, *theirs;

static u64 reversed(const void *va)
{
	u64 off = (u64)((const u8 *)va - ours);

	if ((const u8 *)va < ours || off >= 4 * PAGE_SIZE)
		return 0;
	return (u64)(theirs + (3 - off / PAGE_SIZE) * PAGE_SIZE + off % PAGE_SIZE);
}

static void scattered_open(void)
{
	int fd = memfd_create("pages", 0);

	CHECK_EQ(ftruncate(fd, 4 * PAGE_SIZE), 0);
	ours = mmap(NULL, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	theirs = mmap(NULL, 4 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (u32 i = 0; i < 4; i++)
		(void)mmap(theirs + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, fd, (off_t)((3 - i) * PAGE_SIZE));
	close(fd);
	for (u32 i = 0; i < 4 * PAGE_SIZE; i++)
		ours[i] = (u8)(i * 7 + i / PAGE_SIZE);
	host_phys_set(reversed);
}

static void scattered_close(void)
{
	host_phys_set(NULL);
	munmap(ours, 4 * PAGE_SIZE);
	munmap(theirs, 4 * PAGE_SIZE);
}

struct stretch {
	const char *name;
	u32 from, len, descs;
};

static const struct stretch stretches[] = {
	{ "inside_a_page", 100, 1400, 1 },   { "up_to_the_end", 2596, 1500, 1 },
	{ "from_the_start", 4096, 1500, 1 }, { "over_one_edge", 3996, 300, 2 },
	{ "one_byte_over", 2597, 1500, 2 },  { "all_but_one_over", 4095, 1500, 2 },
	{ "two_edges", 4000, 4300, 3 },      { "three_edges", 96, 4096 * 4 - 96 - 600, 4 },
};

TEST_EACH(scattered, stretches)
{
	struct sk_buff *skb;
	u32 descs;

	up(options(64, 8), 0x100e);
	model.late_dd_ns = NSEC_PER_MSEC;
	scattered_open();
	skb = frame(60, 1);
	skb_shinfo(skb)->frags[0] = (struct skb_frag){ .addr = ours + row->from, .len = row->len };
	skb_shinfo(skb)->nr_frags = 1;
	skb->len += row->len;
	skb->data_len += row->len;
	descs = model.tx_descs;
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	CHECK_EQ(model.tx_descs - descs, 1 + row->descs);
	CHECK_EQ(sent.last_len, 60 + row->len);
	CHECK(!memcmp(sent.last + 60, ours + row->from, row->len));
	skb_shinfo(skb)->nr_frags = 0; /* the test's memory, not the page allocator's */
	skb->len -= row->len;
	skb->data_len -= row->len;
	host_clock_advance(3 * NSEC_PER_MSEC);
	CHECK_EQ(freed, 1);
	CHECK_EQ(dma_mapped(), 8);
	scattered_close();
	down();
}

struct fit {
	const char *name;
	u32 frags;   /* beside the head; the ring has room for seven descriptors */
	bool summed; /* with a checksum to insert */
	bool known;  /* whose context the device has already */
	bool fits;
};

static const struct fit fits[] = {
	{ "seven", 6, false, false, true },
	{ "eight", 7, false, false, false },
	{ "six_and_a_context", 5, true, false, true },
	{ "seven_and_a_context", 6, true, false, false },
	{ "seven_and_a_known_context", 6, true, true, true },
	{ "seven_after_a_context", 6, false, true, true },
};

/* Exactly what fits goes as it is; one more and it is put into one piece. */
TEST_EACH(fits_exactly, fits)
{
	struct sk_buff *skb;
	u8 *page;

	up(options(8, 8), 0x100e);
	page = alloc_page();
	memset(page, 0, PAGE_SIZE);
	if (row->known) {
		skb = frame(100, 1);
		ask_checksum(skb, 34, 16, 0);
		local_bh_disable();
		xmit(skb);
		local_bh_enable();
		host_clock_advance(3 * NSEC_PER_MSEC);
	}
	skb = frame(60, 2);
	for (u32 i = 0; i < row->frags; i++)
		add_frag(skb, page + 200 * i, 100);
	if (row->summed)
		ask_checksum(skb, 34, 16, 0);
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	local_bh_enable();
	CHECK_EQ(nic->stats.tx_linearized, !row->fits);
	CHECK_EQ(sent.last_len, 60 + 100 * row->frags);
	CHECK_EQ(nic->stats.context_descs, row->summed || row->known);
	page_put(page);
	down();
}

/* What fits only once the packets before it have been told of, sent and reclaimed. */
TEST(fits_after_reclaiming)
{
	struct sk_buff *skb;
	u8 *page;

	up(options(8, 8), 0x100e);
	page = alloc_page();
	memset(page, 0, PAGE_SIZE);
	skb = frame(60, 2);
	for (u32 i = 0; i < 6; i++)
		add_frag(skb, page + 200 * i, 100);
	local_bh_disable();
	for (u8 i = 0; i < 3; i++)
		xmit(frame(100, i));
	CHECK_EQ(sent.frames, 0);
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	CHECK_EQ(nic->stats.reclaim_in_xmit, 4); /* the queue stops, and that one is done too */
	local_bh_enable();
	CHECK_EQ(nic->stats.tx_linearized, 0);
	CHECK_EQ(sent.frames, 4);
	page_put(page);
	down();
}

struct marks {
	const char *name;
	u32 ring, stops_after, wakes_after;
};

static const struct marks marks[] = {
	{ "8", 8, 6, 3 },       /* stops below 2 unused, wakes at 4 */
	{ "16", 16, 12, 5 },    /* 4, 8 */
	{ "32", 32, 24, 9 },    /* 8, 16 */
	{ "64", 64, 48, 17 },   /* 16, 32 */
	{ "128", 128, 104, 9 }, /* 24, 32 */
	{ "256", 256, 232, 9 },
};

/* The queue stops and wakes at exactly these fillings, with frames that leave one by one. */
TEST_EACH(stops_and_wakes, marks)
{
	u32 n;

	up(options(row->ring, 8), 0x100e);
	model.tx_rate_bps = 10000000; /* a frame of 101 bytes: 100 us */
	local_bh_disable();
	for (n = 0; n < 300 && !stopped(); n++)
		CHECK_EQ(xmit(frame(101, 0)), NETDEV_TX_OK);
	local_bh_enable();
	CHECK_EQ(n, row->stops_after);
	CHECK_EQ(nic->stats.tx_queue_stopped, 1);
	for (u32 left = 1; stopped() && left < 300; left++) {
		CHECK_EQ(freed, left - 1);
		host_clock_advance(100 * NSEC_PER_USEC);
	}
	CHECK_EQ(freed, row->wakes_after);
	CHECK_EQ(nic->stats.tx_restart_queue, 1);
	CHECK_EQ(nic->stats.tx_busy, 0);
	host_clock_advance(100 * NSEC_PER_MSEC);
	CHECK_EQ(freed, n);
	CHECK(!(model.reg[IMS_REG / 4] & 1)); /* nobody waits: no completion interrupts */
	down();
}

/* --- Completions ------------------------------------------------------------------------------------------------------ */

/* A packet whose end sends the next one, a hundred times: one turn of reclaiming ends all the same. */
static u32 chain;

static void on_free_send(struct sk_buff *old)
{
	struct sk_buff *skb;

	(void)old;
	freed++;
	if (!chain)
		return;
	chain--;
	skb = frame(100, 1);
	skb->destructor = on_free_send;
	local_bh_disable();
	CHECK_EQ(xmit(skb), NETDEV_TX_OK);
	netdev_ring_doorbells(this_cpu());
	local_bh_enable();
}

TEST(completion_that_sends)
{
	struct sk_buff *skb;

	up(options(8, 8), 0x100e);
	chain = 100;
	local_bh_disable();
	skb = frame(100, 1);
	skb->destructor = on_free_send;
	xmit(skb);
	local_bh_enable();
	CHECK_EQ(freed, 8); /* a ring of them, then somebody else has a turn */
	host_clock_advance(2 * NSEC_PER_MSEC + 1);
	CHECK(freed > 8 && freed < 101);
	host_clock_advance(100 * NSEC_PER_MSEC);
	CHECK_EQ(freed, 101);
	CHECK_EQ(sent.frames, 101);
	down();
}

/* Closing waits for what is on its way as long as the card goes on: nothing is dropped. */
TEST(close_lets_packets_leave)
{
	up(options(64, 8), 0x100e);
	model.access_ns = 1000;
	model.tx_rate_bps = 1000000000; /* a frame of 100 bytes takes a microsecond */
	model.late_dd_ns = 20000;
	local_bh_disable();
	for (u32 i = 0; i < 20; i++)
		xmit(frame(100, (u8)i));
	netif_tx_stop_all_queues(dev);
	local_bh_enable();
	dev_close(dev);
	CHECK_EQ(sent.frames, 20);
	CHECK_EQ(dev->stats.tx_packets, 20);
	CHECK_EQ(dev->stats.tx_errors, 0);
	CHECK_EQ(freed, 20);
	down();
}

struct closing {
	const char *name;
	u64 rate, late;
	bool fault;
};

static const struct closing closings[] = {
	{ "slow_wire", 1000000, 0, false },
	{ "late_dd", 0, 100 * NSEC_PER_MSEC, false },
	{ "stalled", 0, 0, true },
};

/* What does not leave in time is dropped by name, mapped no longer, and the card never looks at it again. */
TEST_EACH(close_drops, closings)
{
	u64 drops = skb_stats.drop[SKB_DROP_REASON_DRIVER_STOP];

	up(options(64, 8), 0x100e);
	model.tx_rate_bps = row->rate;
	model.late_dd_ns = row->late;
	faults[FAULT_TX_STALL] = (struct fault){ .on = row->fault, .at = 1, .ms = 1000 };
	faults_armed = row->fault;
	burst(10);
	faults_armed = false;
	dev_close(dev);
	CHECK_EQ(freed, 10);
	CHECK_EQ(dma_mapped(), 0);
	CHECK_EQ(skb_stats.drop[SKB_DROP_REASON_DRIVER_STOP] - drops, 10);
	CHECK_EQ(dev->stats.tx_aborted_errors, 10);
	host_clock_advance(5 * NSEC_PER_SEC);
	model.tx_rate_bps = model.late_dd_ns = 0;
	sent.frames = 0;
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(burst(3), 3);
	CHECK_EQ(sent.frames, 3);
	down();
}

/* Calls that come too late or for nothing. */
TEST(nothing_to_do)
{
	u32 tdt;

	up(options(8, 8), 0x100e);
	tdt = e1000_model_writes(&model, 0x3818);
	local_bh_disable();
	dev->netdev_ops->ndo_doorbell(dev);
	CHECK_EQ(e1000_model_writes(&model, 0x3818), tdt);
	dev->netdev_ops->ndo_tx_timeout(dev); /* with an empty ring */
	local_bh_enable();
	CHECK_EQ(nic->stats.tx_timeouts, 1);
	CHECK(strstr(host_console(), "next_to_watch -1 "));
	CHECK_EQ(burst(1), 1);
	CHECK_EQ(sent.frames, 1);
	dev_close(dev);
	tdt = nic->stats.mmio_writes;
	local_bh_disable();
	dev->netdev_ops->ndo_doorbell(dev);
	dev->netdev_ops->ndo_tx_timeout(dev);
	local_bh_enable();
	CHECK_EQ(nic->stats.tx_timeouts, 1);
	CHECK_EQ(nic->stats.mmio_writes, tdt);
	down();
}

/* A second stall while one stands changes nothing. */
TEST(stalls_do_not_add_up)
{
	up(options(32, 8), 0x100e);
	faults[FAULT_TX_STALL] = (struct fault){ .on = true, .at = 1, .every = 1, .ms = 100 };
	faults_armed = true;
	burst(5);
	faults_armed = false;
	CHECK_EQ(sent.frames, 0);
	host_clock_advance(101 * NSEC_PER_MSEC);
	CHECK_EQ(sent.frames, 5);
	down();
}

/* ... and one that comes later stands as long as the first. */
TEST(stalls_again)
{
	up(options(64, 8), 0x100e);
	for (u32 i = 1; i <= 3; i++) {
		faults[FAULT_TX_STALL] = (struct fault){ .on = true, .at = 1, .ms = 100 };
		faults_armed = true;
		burst(1);
		faults_armed = false;
		host_clock_advance(99 * NSEC_PER_MSEC);
		CHECK_EQ(sent.frames, i - 1);
		host_clock_advance(2 * NSEC_PER_MSEC);
		CHECK_EQ(sent.frames, i);
	}
	down();
}

/* Closed while the ring counts as full: no timer is left, and the next opening knows nothing of it. */
TEST(closed_while_full)
{
	struct sk_buff *skb;

	up(options(64, 8), 0x100e);
	faults[FAULT_RING_FULL] = (struct fault){ .on = true, .at = 1, .ms = 5000 };
	faults_armed = true;
	local_bh_disable();
	skb = frame(100, 1);
	CHECK_EQ(xmit(skb), NETDEV_TX_BUSY);
	consume_skb(skb);
	local_bh_enable();
	faults_armed = false;
	dev_close(dev);
	CHECK_EQ(timers_live(), 0);
	CHECK_EQ(dev_open(dev), 0);
	CHECK(!(model.reg[IMS_REG / 4] & 1));
	CHECK_EQ(burst(3), 3);
	CHECK_EQ(sent.frames, 3);
	down();
}

/* A poll that finds packets on their way asks for no interrupt: the timer looks after them. */
TEST(poll_leaves_completions_to_the_timer)
{
	up(options(64, 8), 0x100e);
	model.late_dd_ns = NSEC_PER_MSEC;
	burst(3);
	CHECK(deliver(100, 1, 0));
	CHECK_EQ(got.frames, 1);
	CHECK(!(model.reg[IMS_REG / 4] & 1));
	CHECK(timer_pending(&nic->tx_ring[0].reclaim_timer));
	host_clock_advance(3 * NSEC_PER_MSEC);
	CHECK_EQ(freed, 3);
	CHECK_EQ(nic->stats.tx_irqs, 0);
	down();
}

/* After a reset nothing waits: completion interrupts are off again. */
TEST(reset_asks_for_nothing)
{
	up(options(16, 8), 0x100e);
	model.tx_hang = 1;
	burst(100);
	CHECK(stopped());
	CHECK(model.reg[IMS_REG / 4] & 1);
	host_clock_advance(9 * NSEC_PER_SEC);
	CHECK_EQ(nic->stats.tx_timeouts, 1);
	CHECK(!stopped());
	CHECK(!(model.reg[IMS_REG / 4] & 1));
	down();
}

struct batch {
	const char *name;
	u32 ring, frames, tails; /* tails: writes of RDT */
};

static const struct batch batch_rows[] = {
	{ "one", 64, 1, 1 },        { "fifteen", 64, 15, 1 },      { "sixteen", 64, 16, 1 },
	{ "seventeen", 64, 17, 2 }, { "thirty_two", 64, 32, 2 },   { "thirty_three", 64, 33, 3 },
	{ "small_ring", 8, 7, 2 },  { "smaller_batch", 16, 9, 2 },
};

TEST_EACH(tail_batches, batch_rows)
{
	unsigned long flags;
	u32 before;

	up(options(8, row->ring), 0x100e);
	before = e1000_model_writes(&model, RDT_REG);
	flags = local_irq_save();
	for (u32 i = 0; i < row->frames; i++)
		CHECK(deliver(100, (u8)i, 0));
	local_irq_restore(flags);
	CHECK_EQ(got.frames, row->frames);
	CHECK_EQ(e1000_model_writes(&model, RDT_REG) - before, row->tails);
	CHECK_EQ(nic->stats.rdt_writes, 1 + row->tails);
	down();
}

/* --- Races between two accesses ------------------------------------------------------------------------------------------- */

/* A frame arrives whenever the driver is about to write the tail: the head moves between its read and that write. */
static u32 arrivals;

static void frame_before_tail(void *arg, u32 reg, bool write)
{
	(void)arg;
	if (write && reg == RDT_REG && arrivals) {
		arrivals--;
		deliver(100, 9, 0);
	}
}

struct parking {
	const char *name;
	u32 arrivals;
	bool switched_off;
};

static const struct parking parkings[] = {
	{ "none", 0, false },     { "one", 1, false },
	{ "three", 3, false },    { "a_ring_and_more", 20, false },
	{ "no_end", 1000, true },
};

TEST_EACH(parks_the_receiver, parkings)
{
	u32 rctl;

	up(options(8, 8), 0x100e);
	rctl = e1000_model_writes(&model, RCTL_REG);
	arrivals = row->arrivals;
	model.on_access = frame_before_tail;
	dev_close(dev);
	model.on_access = NULL;
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG) - rctl, row->switched_off);
	CHECK_EQ(strstr(host_console(), "does not come to rest") != NULL, row->switched_off);
	CHECK(!deliver(100, 1, 0));
	CHECK_EQ(dma_mapped(), 0);
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(deliver(100, 2, 0), !row->switched_off); /* the second after RCTL */
	host_clock_advance(1100 * NSEC_PER_MSEC);
	CHECK(deliver(100, 3, 0));
	CHECK_EQ(got.last_mark, 3);
	CHECK_EQ(got.frames, row->switched_off ? 1 : 2);
	rctl = e1000_model_writes(&model, RCTL_REG);
	dev_close(dev);
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG), rctl); /* it runs again */
	CHECK(deliver(100, 4, 0));
	down();
}

/* A head outside the ring, which a sick card may show: the receiver is started afresh. */
TEST(head_outside_the_ring)
{
	up(options(8, 8), 0x100e);
	dev_close(dev);
	model.reg[RDH_REG / 4] = model.reg[RDT_REG / 4] = 8;
	CHECK_EQ(dev_open(dev), 0);
	CHECK_EQ(model.reg[RDH_REG / 4], 0);
	CHECK_EQ(model.reg[RDT_REG / 4], 7);
	host_clock_advance(1100 * NSEC_PER_MSEC);
	CHECK(deliver(100, 4, 0));
	CHECK_EQ(got.last_mark, 4);
	down();
}

/* A frame comes just before the poll lets interrupts through, and its own interrupt is lost. */
static void frame_before_mask(void *arg, u32 reg, bool write)
{
	(void)arg;
	if (write && reg == IMS_REG && arrivals) {
		arrivals--;
		model.lose_irqs = 1;
		deliver(100, 8, 0);
	}
}

TEST(frame_at_the_end_of_the_poll)
{
	up(options(8, 8), 0x100e);
	arrivals = 1;
	model.on_access = frame_before_mask;
	CHECK(deliver(100, 7, 0));
	CHECK_EQ(got.frames, 2);
	CHECK_EQ(got.last_mark, 8);
	CHECK_EQ(nic->stats.irq_rescues, 0);
	down();
}

/* STATUS is read for news of the link, and not in every poll after one. */
TEST(link_is_read_once)
{
	u32 reads;

	up(options(8, 8), 0x100e);
	e1000_model_link(&model, false);
	e1000_model_link(&model, true);
	reads = e1000_model_reads(&model, 0x0008);
	for (u8 i = 0; i < 20; i++)
		CHECK(deliver(100, i, 0));
	CHECK_EQ(e1000_model_reads(&model, 0x0008), reads);
	CHECK_EQ(got.frames, 20);
	down();
}

/* More than one poll's worth: the budget ends a turn, nothing is left behind. */
TEST(more_than_a_budget)
{
	unsigned long flags;
	u32 n = 0;

	up(options(8, 256), 0x100e);
	flags = local_irq_save();
	while (deliver(100, (u8)n, 0))
		n++;
	local_irq_restore(flags);
	CHECK_EQ(n, 255);
	CHECK_EQ(got.frames, 255);
	CHECK_EQ(nic->stats.interrupts, 1);
	CHECK(nic->napi.polls >= 4);
	CHECK_EQ(nic->napi.completes, 1);
	down();
}

static u32 freed_before;

static void remember_freed(const struct sk_buff *skb)
{
	(void)skb;
	freed_before = freed;
}

/* One poll does both: what was sent makes room first, then what was received may send. */
TEST(sent_is_given_back_before_received_is_delivered)
{
	up(options(16, 8), 0x100e);
	model.late_dd_ns = NSEC_PER_MSEC;
	CHECK_EQ(burst(3), 3);
	host_clock_advance(NSEC_PER_MSEC + 1); /* done, and the timer not due */
	CHECK_EQ(freed, 0);
	freed_before = 0;
	rx_hook = remember_freed;
	CHECK(deliver(100, 1, 0));
	rx_hook = NULL;
	CHECK_EQ(got.frames, 1);
	CHECK_EQ(freed_before, 3);
	CHECK_EQ(nic->stats.reclaim_in_poll, 3);
	down();
}

/* --- Interrupts ------------------------------------------------------------------------------------------------------------ */

struct loss {
	const char *name;
	bool by_fault, for_good, transmit;
};

static const struct loss losses[] = {
	{ "receive", false, false, false },         { "receive_for_good", false, true, false },
	{ "transmit", false, false, true },         { "transmit_for_good", false, true, true },
	{ "receive_by_fault", true, false, false },
};

/* The watchdog finds what no interrupt told of: within two seconds, also when no interrupt ever comes again. */
TEST_EACH(irq_lost, losses)
{
	u32 n = 0;

	up(options(16, 8), 0x100e);
	if (row->by_fault) {
		faults[FAULT_LOST_IRQ] = (struct fault){ .on = true, .at = 1 };
		faults_armed = true;
	} else {
		model.lose_irqs = row->for_good ? UINT32_MAX : 1;
	}
	if (row->transmit) {
		model.late_dd_ns = 10 * NSEC_PER_MSEC;
		n = burst(100);
		CHECK(stopped());
	} else {
		CHECK(deliver(100, 5, 0));
	}
	CHECK_EQ(got.frames, 0);
	host_clock_advance(2 * NSEC_PER_SEC + 20 * NSEC_PER_MSEC);
	faults_armed = false;
	CHECK_EQ(nic->stats.irq_rescues, 1);
	CHECK_EQ(nic->stats.tx_timeouts, 0);
	CHECK_EQ(freed, n);
	CHECK_EQ(got.frames, !row->transmit);
	CHECK(!stopped());
	down();
}

struct masking {
	const char *name;
	bool transmit, lost;
	u32 polls; /* a cause that nobody read interrupts once more: an empty poll */
};

static const struct masking maskings[] = {
	{ "receive", false, false, 1 },
	{ "transmit", true, false, 1 },
	{ "receive_lost", false, true, 2 },
	{ "transmit_lost", true, true, 1 },
};

/* From the interrupt to the end of its poll the device is masked: two writes, also when the poll wakes the queue. */
TEST_EACH(masked_while_polled, maskings)
{
	u32 imc, ims;

	up(options(16, 8), 0x100e);
	model.lose_irqs = row->lost;
	if (row->transmit) {
		model.late_dd_ns = 10 * NSEC_PER_MSEC;
		burst(100);
		CHECK(stopped());
	}
	imc = e1000_model_writes(&model, 0x00d8);
	ims = e1000_model_writes(&model, IMS_REG);
	if (!row->transmit)
		CHECK(deliver(100, 1, 0));
	host_clock_advance(row->lost ? 2100 * NSEC_PER_MSEC : 11 * NSEC_PER_MSEC);
	CHECK_EQ(got.frames, !row->transmit);
	CHECK(!stopped());
	CHECK_EQ(e1000_model_writes(&model, 0x00d8) - imc, row->polls);
	CHECK_EQ(e1000_model_writes(&model, IMS_REG) - ims, row->polls);
	CHECK_EQ(model.reg[IMS_REG / 4], 0x94);
	down();
}

/* An interrupt that is not ours, and one of a cause that is masked. */
TEST(shared_line)
{
	up(options(8, 8), 0x100e);
	u64 before = nic->stats.interrupts;

	model.stuck_line = true; /* somebody else drives it */
	model.late_irq = true;
	e1000_model_cause(&model, 0);
	model.stuck_line = model.late_irq = false;
	e1000_model_cause(&model, 0);
	CHECK_EQ(nic->stats.interrupts, before);
	down();
}

/* --- Descriptors that lie --------------------------------------------------------------------------------------------------- */

struct lie {
	const char *name;
	u16 length;
	u8 status, errors;
	u32 rx_short, rx_long, rx_errors; /* what it is counted as */
	bool delivered;
};

static const struct lie lies[] = {
	{ "honest", 100, 7, 0, 0, 0, 0, true },
	{ "shortest", 14, 7, 0, 0, 0, 0, true },
	{ "empty", 0, 7, 0, 1, 0, 0, false },
	{ "one_byte", 1, 7, 0, 1, 0, 0, false },
	{ "no_whole_header", 13, 7, 0, 1, 0, 0, false },
	{ "whole_buffer", 2048, 7, 0, 0, 0, 0, true },
	{ "beyond_the_buffer", 2049, 7, 0, 0, 1, 0, false },
	{ "largest", 65535, 7, 0, 0, 1, 0, false },
	{ "crc", 100, 7, 0x01, 0, 0, 1, false },
	{ "symbol", 100, 7, 0x02, 0, 0, 1, false },
	{ "sequence", 100, 7, 0x04, 0, 0, 1, false },
	{ "carrier", 100, 7, 0x10, 0, 0, 1, false },
	{ "receive_data", 100, 7, 0x80, 0, 0, 1, false },
	{ "tcp_checksum", 100, 7, 0x20, 0, 0, 0, true },
	{ "ip_checksum", 100, 7, 0x40, 0, 0, 0, true },
	{ "vlan_and_more", 100, 0xff, 0x60, 0, 0, 0, true },
	{ "no_end", 100, 5, 0, 0, 1, 0, false },
	{ "errors_and_length", 65535, 7, 0xff, 0, 0, 1, false },
};

TEST_EACH(descriptor_lies, lies)
{
	static u8 f[2048];

	up(options(8, 8), 0x100e);
	memcpy(f, dev->dev_addr, 6);
	f[12] = 8;
	for (u32 i = 0; i < 20; i++) {
		CHECK(e1000_model_rx_desc(&model, f, sizeof(f), row->length, row->status,
					  row->errors));
		if (!(row->status & 2)) /* ends what has no end */
			CHECK(e1000_model_rx_desc(&model, f, 60, 60, 7, 0));
	}
	CHECK_EQ(got.frames, row->delivered ? 20 : 0);
	if (row->delivered)
		CHECK_EQ(got.last_len, row->length - 14);
	CHECK_EQ(nic->stats.rx_short, 20 * row->rx_short);
	CHECK_EQ(nic->stats.rx_long, 20 * row->rx_long);
	CHECK_EQ(nic->stats.rx_errors, 20 * row->rx_errors);
	CHECK_EQ(dev->stats.rx_errors, row->delivered ? 0 : 20);
	CHECK_EQ(skb_stats.live, 8 + nic->rx_ring[0].spare.qlen);
	CHECK_EQ(dma_mapped(), 8);
	CHECK(deliver(100, 6, 0));
	CHECK_EQ(got.last_mark, 6);
	down();
}

TEST(dropped_by_fault)
{
	up(options(8, 8), 0x100e);
	faults[FAULT_RX_DROP] = (struct fault){ .on = true, .at = 2 };
	faults_armed = true;
	for (u8 i = 1; i <= 3; i++)
		CHECK(deliver(100, i, 0));
	faults_armed = false;
	CHECK_EQ(got.frames, 2);
	CHECK_EQ(nic->stats.rx_errors, 1);
	down();
}

TEST(mapping_of_a_fresh_buffer_refused)
{
	up(options(8, 8), 0x100e);
	faults[FAULT_DMA_MAP] = (struct fault){ .on = true, .at = 1 };
	faults_armed = true;
	CHECK(deliver(300, 1, 0));
	CHECK(deliver(300, 2, 0));
	faults_armed = false;
	CHECK_EQ(got.frames, 1);
	CHECK_EQ(got.last_mark, 2);
	CHECK_EQ(nic->stats.rx_alloc_failed, 1);
	CHECK_EQ(dma_mapped(), 8);
	down();
}

TEST(overrun_is_counted)
{
	unsigned long flags;

	up(options(8, 8), 0x100e);
	model.overrun = true;
	flags = local_irq_save();
	for (u8 i = 0; i < 10; i++)
		CHECK(deliver(100, i, 0));
	local_irq_restore(flags);
	CHECK_EQ(got.frames, 7);
	CHECK_EQ(nic->stats.rx_overruns, 1);
	CHECK_EQ(dev->stats.rx_over_errors, 1);
	CHECK(deliver(100, 11, 0));
	CHECK_EQ(got.last_mark, 11);
	down();
}

/* --- The card is gone --------------------------------------------------------------------------------------------------------- */

/* Pulled out with traffic under way: everything is dropped and counted, closing and opening do not hang. */
TEST(pulled_out)
{
	up(options(16, 8), 0x100e);
	burst(5);
	e1000_model_unplug(&model);
	burst(5);
	host_clock_advance(30 * NSEC_PER_SEC);
	CHECK_EQ(freed, 10);
	CHECK_EQ(dma_mapped(), 8);
	dev_close(dev);
	CHECK_EQ(dma_mapped(), 0);
	CHECK_EQ(dev_open(dev), 0);
	host_clock_advance(10 * NSEC_PER_SEC);
	model.config[1] &= ~4u; /* nobody can take bus mastering from it */
	down();
}

/* --- Groups ---------------------------------------------------------------------------------------------------------------- */

static bool to_group(const u8 *mac)
{
	u8 f[60] = { 0 };
	u32 before = got.frames;

	memcpy(f, mac, 6);
	f[12] = 8;
	(void)e1000_model_rx(&model, f, sizeof(f), 0);
	host_clock_advance(NSEC_PER_MSEC);
	return got.frames == before + 1;
}

/* Which frames to groups the card takes; no write of RCTL, which would shut it for a second. */
TEST(groups_are_taken_by_the_table)
{
	static const u8 groups[3][ETH_ALEN] = { { 1, 0, 0x5e, 0, 0, 1 },
						{ 1, 0, 0x5e, 1, 2, 3 },
						{ 1, 0, 0x5e, 0x7f, 0xff, 0xff } };
	static const u8 other[ETH_ALEN] = { 1, 0, 0x5e, 1, 2, 0x83 };
	u32 rctl;

	up(options(16, 16), 0x100e);
	host_clock_advance(1100 * NSEC_PER_MSEC);
	rctl = e1000_model_writes(&model, RCTL_REG);
	for (u32 n = 0; n <= 3; n++) {
		local_bh_disable();
		dev->netdev_ops->ndo_set_groups(dev, groups, n);
		local_bh_enable();
		for (u32 i = 0; i < 3; i++)
			CHECK_EQ(to_group(groups[i]), i < n);
		CHECK(!to_group(other));
	}
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG), rctl);
	down();
}

static void rx_flags(int promisc, int allmulti)
{
	local_bh_disable();
	if (promisc)
		dev_set_promiscuity(dev, promisc);
	if (allmulti)
		dev_set_allmulti(dev, allmulti);
	local_bh_enable();
}

/* Every group is a full table: the receiver is not shut for it. What is joined stands in the table again afterwards. */
TEST(every_group_is_a_full_table)
{
	static const u8 groups[1][ETH_ALEN] = { { 1, 0, 0x5e, 0, 0, 1 } };
	static const u8 other[ETH_ALEN] = { 1, 0, 0x5e, 1, 2, 3 };
	u32 rctl;

	up(options(16, 16), 0x100e);
	host_clock_advance(1100 * NSEC_PER_MSEC);
	rctl = e1000_model_writes(&model, RCTL_REG);
	rx_flags(0, 1);
	CHECK(to_group(groups[0]) && to_group(other));
	local_bh_disable();
	dev->netdev_ops->ndo_set_groups(dev, groups, 1); /* while all are taken */
	local_bh_enable();
	CHECK(to_group(other));
	rx_flags(0, 1);
	rx_flags(0, -1); /* one is left */
	CHECK(to_group(other));
	rx_flags(0, -1);
	CHECK(to_group(groups[0]) && !to_group(other));
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG), rctl);
	down();
}

/* Whether the card takes it; the stack leaves what is for others. */
static bool takes(const u8 *mac)
{
	u64 before = dev->stats.rx_packets;

	(void)to_group(mac);
	return dev->stats.rx_packets == before + 1;
}

/* Every frame: for the first who asks until the last one ends, over a stop as well. */
TEST(promiscuous_while_anybody_asks)
{
	static const u8 foreign[ETH_ALEN] = { 0x52, 0x54, 0, 9, 9, 9 };
	static const u8 group[ETH_ALEN] = { 1, 0, 0x5e, 1, 2, 3 };
	u32 rctl;

	up(options(16, 16), 0x100e);
	host_clock_advance(1100 * NSEC_PER_MSEC);
	CHECK(!takes(foreign) && !takes(group));
	rctl = e1000_model_writes(&model, RCTL_REG);
	rx_flags(1, 0);
	rx_flags(1, 0);
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG) - rctl, 1);
	host_clock_advance(1100 * NSEC_PER_MSEC); /* the emulated card is deaf for a second */
	CHECK(takes(foreign) && takes(group));
	dev_close(dev);
	rx_flags(-1, 0);
	CHECK_EQ(dev_open(dev), 0);
	CHECK(takes(foreign)); /* one is left */
	rx_flags(-1, 0);
	CHECK_EQ(e1000_model_writes(&model, RCTL_REG) - rctl, 2);
	host_clock_advance(1100 * NSEC_PER_MSEC);
	CHECK(!takes(foreign) && !takes(group));
	down();
}

KTEST_MAIN_BOOT()
