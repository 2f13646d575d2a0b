// SPDX-License-Identifier: MIT
/*
 * PCI, one function at a time: how each kind of BAR is sized, what is written to halves of words, capability lists that
 * end and that do not, what a function is called, arguments that are mistakes.
 */
#include "host.h"
#include "ktest.h"

#include <drivers/pci.h>
#include <kernel/arch.h>
#include <kernel/fault.h>
#include <kernel/mm.h>
#include <lib/err.h>

/* The machine: functions of device 4 on bus 0, and whatever a test adds. */
#define NR_FNS 8
static struct {
	bool there;
	u32 config[64], mask[64]; /* registers; their writable bits */
} fns[NR_FNS];
static u32 last_reg, last_value, writes;

static u32 rd(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg)
{
	if (bus || dev != 4 || fn >= NR_FNS || !fns[fn].there)
		return UINT32_MAX;
	return fns[fn].config[reg / 4];
}

static void wr(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg, u32 v)
{
	if (bus || dev != 4 || fn >= NR_FNS)
		return;
	last_reg = reg;
	last_value = v;
	writes++;
	fns[fn].config[reg / 4] =
		(fns[fn].config[reg / 4] & ~fns[fn].mask[reg / 4]) | (v & fns[fn].mask[reg / 4]);
}

static void put(u32 fn, u32 id, u32 class, u32 header)
{
	memset(&fns[fn], 0, sizeof(fns[fn]));
	fns[fn].there = true;
	fns[fn].config[0] = id;
	fns[fn].mask[1] = 0x547;
	fns[fn].config[2] = class << 8;
	fns[fn].config[3] = header << 16;
	fns[fn].config[15] = 0xff;
}

/* One function, of this class and header type. */
static void build(u32 class, u32 header)
{
	memset(fns, 0, sizeof(fns));
	put(0, 0x100e8086, class, header);
	host_pci_set(rd, wr);
	host_console_clear();
}

/* --- BARs ------------------------------------------------------------------------------------------------------- */

struct bar_row {
	const char *name;
	u32 class, header;
	u32 at; /* register of the BAR */
	u32 low, low_mask, high, high_mask;
	struct pci_bar want; /* of bar[(at - 0x10) / 4] */
	const char *words;   /* of the line printed; "" none */
};

static const struct bar_row bars[] = {
	{ "absent", 0x020000, 0, 0x10, 0, 0, 0, 0, { 0 }, "" },
	{ "memory",
	  0x020000,
	  0,
	  0x10,
	  0xfe000000,
	  0xfffff000,
	  0,
	  0,
	  { .base = 0xfe000000, .len = 0x1000 },
	  "bar0 mem 0xfe000000 4K" },
	{ "smallest",
	  0x020000,
	  0,
	  0x10,
	  0xfe000000,
	  0xfffffff0,
	  0,
	  0,
	  { .base = 0xfe000000, .len = 16 },
	  "bar0 mem 0xfe000000 16" },
	{ "prefetchable",
	  0x020000,
	  0,
	  0x14,
	  0xe0000008,
	  0xf0000000,
	  0,
	  0,
	  { .base = 0xe0000000, .len = 0x10000000, .prefetch = true },
	  "bar1 mem 0xe0000000 256M" },
	{ "half_of_all",
	  0x020000,
	  0,
	  0x10,
	  0x80000000,
	  0x80000000,
	  0,
	  0,
	  { .base = 0x80000000, .len = 0x80000000 },
	  "bar0 mem 0x80000000 2G" },
	{ "wide_but_low",
	  0x020000,
	  0,
	  0x10,
	  0xfe000004,
	  0xffff0000,
	  0,
	  0xffffffff,
	  { .base = 0xfe000000, .len = 0x10000, .is64 = true },
	  "bar0 mem 0xfe000000 64K" },
	{ "wide_and_high",
	  0x020000,
	  0,
	  0x18,
	  0x0000000c,
	  0xffff0000,
	  0x12,
	  0xffffffff,
	  { .base = 0x1200000000, .len = 0x10000, .is64 = true, .prefetch = true },
	  "bar2 mem 0x1200000000 64K" },
	{ "larger_than_4g",
	  0x020000,
	  0,
	  0x10,
	  0x00000004,
	  0,
	  0x40,
	  0xfffffffc,
	  { .base = 0x4000000000, .len = 0x400000000, .is64 = true },
	  "bar0 mem 0x4000000000 16G" },
	{ "terabytes",
	  0x020000,
	  0,
	  0x10,
	  0x00000004,
	  0,
	  0x4000,
	  0xfffffc00,
	  { .base = 0x400000000000, .len = 0x40000000000, .is64 = true },
	  " 4T" },
	{ "no_name_for_more",
	  0x020000,
	  0,
	  0x10,
	  0x00000004,
	  0,
	  0x400000,
	  0xfffc0000,
	  { .base = 0x40000000000000, .len = 0x4000000000000, .is64 = true },
	  " 1024T" },
	{ "wide_in_the_last",
	  0x020000,
	  0,
	  0x24,
	  0xfe000004,
	  0xffff0000,
	  0,
	  0,
	  { .base = 0xfe000000, .len = 0x10000 },
	  "bar5 mem 0xfe000000 64K" },
	{ "wide_and_absent", 0x020000, 0, 0x10, 0x00000004, 0, 0, 0, { .is64 = true }, "" },
	{ "ports",
	  0x020000,
	  0,
	  0x10,
	  0x0000c001,
	  0xffffffc0,
	  0,
	  0,
	  { .base = 0xc000, .len = 64, .io = true },
	  "bar0 io 0xc000 64" },
	{ "ports_of_16_bits",
	  0x020000,
	  0,
	  0x10,
	  0x0000c001,
	  0x0000ffe0,
	  0,
	  0,
	  { .base = 0xc000, .len = 32, .io = true },
	  "bar0 io 0xc000 32" },
	{ "ports_absent", 0x020000, 0, 0x10, 0x00000001, 0, 0, 0, { 0 }, "" },
	{ "bridge_has_two",
	  0x060400,
	  1,
	  0x14,
	  0xfe000000,
	  0xfffff000,
	  0,
	  0,
	  { .base = 0xfe000000, .len = 0x1000 },
	  "bar1 mem 0xfe000000 4K" },
	{ "bridge_has_no_third", 0x060400, 1, 0x18, 0xfe000000, 0xfffff000, 0, 0, { 0 }, "" },
	{ "other_headers_have_none", 0x060700, 2, 0x10, 0xfe000000, 0xfffff000, 0, 0, { 0 }, "" },
	{ "host_bridge_left_alone", 0x060000, 0, 0x10, 0xfe000000, 0xfffff000, 0, 0, { 0 }, "" },
};

TEST_EACH(bar, bars)
{
	const struct pci_bar *b;
	struct pci_host *h;

	build(row->class, row->header);
	fns[0].config[row->at / 4] = row->low;
	fns[0].mask[row->at / 4] = row->low_mask;
	if (row->at < 0x24) {
		fns[0].config[row->at / 4 + 1] = row->high;
		fns[0].mask[row->at / 4 + 1] = row->high_mask;
	}
	if (row->high_mask == 0 && row->at < 0x24)
		fns[0].config[row->at / 4 + 1] = 0;
	h = pci_scan();
	b = &pci_get_slot(h, 0, 4, 0)->bar[(row->at - 0x10) / 4];
	CHECK_EQ(b->base, row->want.base);
	CHECK_EQ(b->len, row->want.len);
	CHECK_EQ(b->io, row->want.io);
	CHECK_EQ(b->is64, row->want.is64);
	CHECK_EQ(b->prefetch, row->want.prefetch);
	CHECK(strstr(host_console(), row->words));
	CHECK_EQ(strstr(host_console(), " bar") != NULL, *row->words != '\0');
	CHECK_EQ(fns[0].config[row->at / 4], row->low); /* as before the probing */
	pci_free(h);
}

struct map {
	const char *name;
	u32 low, mask;
	bool mapped;
};

static const struct map maps[] = {
	{ "memory", 0xfe000000, 0xfffff000, true },
	{ "absent", 0, 0, false },
	{ "no_address", 0, 0xfffff000, false },
	{ "ports", 0xc001, 0xffc0, false },
};

TEST_EACH(iomap, maps)
{
	struct pci_host *h;

	build(0x020000, 0);
	fns[0].config[4] = row->low;
	fns[0].mask[4] = row->mask;
	h = pci_scan();
	CHECK_EQ(pci_iomap(pci_get_slot(h, 0, 4, 0), 0) != NULL, row->mapped);
	pci_free(h);
}

/* --- Halves of words --------------------------------------------------------------------------------------------- */

struct half {
	const char *name;
	u32 header, reg, before, v, written;
};

static const struct half halves[] = {
	{ "command", 0, 0x04, 0xf9100103, 0x0507, 0x00000507 }, /* a status is not written back */
	{ "status", 0, 0x06, 0x00100103, 0x8000, 0x80000103 },
	{ "lower", 0, 0x3c, 0x11223344, 0xaabb, 0x1122aabb },
	{ "upper", 0, 0x3e, 0x11223344, 0xaabb, 0xaabb3344 },
	{ "bridge_io", 1, 0x1c, 0x22800101, 0x0202, 0x00000202 },
	{ "bridge_secondary_status", 1, 0x1e, 0x22800101, 0x2000, 0x20000101 },
	{ "same_register_elsewhere", 0, 0x1c, 0x11223344, 0xaabb, 0x1122aabb },
};

TEST_EACH(write16, halves)
{
	struct pci_host *h;

	build(0x020000, row->header);
	h = pci_scan();
	fns[0].config[row->reg / 4] = row->before;
	pci_write16(pci_get_slot(h, 0, 4, 0), row->reg, (u16)row->v);
	CHECK_EQ(last_reg, row->reg & ~3u);
	CHECK_EQ(last_value, row->written);
	pci_free(h);
}

TEST(reads_parts)
{
	static const u8 bytes[] = { 0x44, 0x33, 0x22, 0x11 };
	struct pci_host *h;
	struct pci_dev *d;

	build(0x020000, 0);
	h = pci_scan();
	d = pci_get_slot(h, 0, 4, 0);
	fns[0].config[63] = 0x11223344;
	CHECK_EQ(pci_read32(d, 252), 0x11223344);
	CHECK_EQ(pci_read16(d, 252), 0x3344);
	CHECK_EQ(pci_read16(d, 254), 0x1122);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(pci_read8(d, 252 + i), bytes[i]);
	pci_free(h);
}

/* --- Capabilities ---------------------------------------------------------------------------------------------------- */

struct caps {
	const char *name;
	u32 status, pointer;
	u32 at40, at50, atfc; /* words at these offsets */
	u8 msi, msix;         /* where they are found */
};

static const struct caps lists[] = {
	{ "no_list", 0x0000, 0x40, 0x0005, 0, 0, 0, 0 },
	{ "empty", 0x0010, 0x00, 0x0005, 0, 0, 0, 0 },
	{ "inside_the_header", 0x0010, 0x3c, 0x0005, 0, 0, 0, 0 },
	{ "first", 0x0010, 0x40, 0x0005, 0, 0, 0x40, 0 },
	{ "second", 0x0010, 0x40, 0x5001, 0x0005, 0, 0x50, 0 },
	{ "both", 0x0010, 0x50, 0x0011, 0x4005, 0, 0x50, 0x40 },
	{ "reserved_bits_of_pointers", 0x0010, 0x43, 0x5301, 0x0005, 0, 0x50, 0 },
	{ "last_place", 0x0010, 0xfc, 0, 0, 0x0005, 0xfc, 0 },
	{ "circle_of_one", 0x0010, 0x40, 0x4001, 0, 0, 0, 0 },
	{ "circle_of_two", 0x0010, 0x40, 0x5001, 0x4005, 0, 0x50, 0 },
	{ "leads_into_the_header", 0x0010, 0x40, 0x1001, 0, 0, 0, 0 },
};

TEST_EACH(capability, lists)
{
	struct pci_host *h;
	struct pci_dev *d;

	build(0x020000, 0);
	h = pci_scan();
	d = pci_get_slot(h, 0, 4, 0);
	fns[0].config[1] = row->status << 16;
	fns[0].config[13] = row->pointer;
	fns[0].config[16] = row->at40;
	fns[0].config[20] = row->at50;
	fns[0].config[63] = row->atfc;
	CHECK_EQ(pci_find_capability(d, PCI_CAP_ID_MSI), row->msi);
	CHECK_EQ(pci_find_capability(d, PCI_CAP_ID_MSIX), row->msix);
	CHECK_EQ(pci_find_capability(d, PCI_CAP_ID_EXP), 0);
	pci_free(h);
}

/* --- What is found -------------------------------------------------------------------------------------------------- */

struct word {
	const char *name;
	u32 class;
	const char *words;
};

static const struct word words[] = {
	{ "ethernet", 0x020000, "class 0200 [Ethernet controller]" },
	{ "nvme", 0x010802, "class 0108 [Non-Volatile memory controller]" },
	{ "vga", 0x030000, "class 0300 [VGA compatible controller]" },
	{ "host_bridge", 0x060000, "class 0600 [Host bridge]" },
	{ "usb", 0x0c0330, "class 0c03 [USB controller]" },
	{ "smbus", 0x0c0500, "class 0c05 [SMBus]" },
	{ "unknown", 0xff0000, "class ff00 [Device]" },
	{ "before_all", 0x000000, "class 0000 [Device]" },
};

TEST_EACH(class_name, words)
{
	struct pci_host *h;

	build(row->class, 0);
	h = pci_scan();
	CHECK(strstr(host_console(), row->words));
	CHECK_EQ(pci_count_class(h, (u16)(row->class >> 8)), 1);
	CHECK(pci_find_class(h, (u16)(row->class >> 8)) == pci_get_slot(h, 0, 4, 0));
	CHECK(pci_find_class(h, 0x1234) == NULL);
	pci_free(h);
}

struct line {
	const char *name;
	u32 interrupt; /* register 0x3c */
	u8 irq;
	bool printed;
};

static const struct line lines[] = {
	{ "eleven", 0x010b, 11, true },
	{ "none", 0x000b, 255, false }, /* no pin: the line says nothing */
	{ "not_routed", 0x01ff, 255, false },
	{ "beyond", 0x0210, 16, false },
	{ "last", 0x040f, 15, true },
	{ "zero", 0x0100, 0, true },
};

TEST_EACH(interrupt, lines)
{
	struct pci_host *h;

	build(0x020000, 0);
	fns[0].config[15] = row->interrupt;
	h = pci_scan();
	CHECK_EQ(pci_get_slot(h, 0, 4, 0)->irq, row->irq);
	CHECK_EQ(pci_get_slot(h, 0, 4, 0)->irq_pin, row->interrupt >> 8);
	CHECK_EQ(strstr(host_console(), " irq ") != NULL, row->printed);
	pci_free(h);
}

struct subsystem {
	const char *name;
	u32 class, header;
	u16 vendor, device; /* 0, 0: this header has none there */
};

static const struct subsystem subsystems[] = {
	{ "card", 0x020000, 0, 0x1af4, 0x1100 },
	{ "bridge", 0x060400, 1, 0, 0 },
};

TEST_EACH(subsystem, subsystems)
{
	const struct pci_dev *d;
	struct pci_host *h;

	build(row->class, row->header);
	fns[0].config[2] |= 0x42;
	fns[0].config[11] = 0x11001af4;
	h = pci_scan();
	d = pci_get_slot(h, 0, 4, 0);
	CHECK_EQ(d->vendor, 0x8086);
	CHECK_EQ(d->device, 0x100e);
	CHECK_EQ(d->class, row->class);
	CHECK_EQ(d->revision, 0x42);
	CHECK_EQ(d->header_type, row->header);
	CHECK_EQ(d->subvendor, row->vendor);
	CHECK_EQ(d->subdevice, row->device);
	pci_free(h);
}

struct population {
	const char *name;
	u32 header, id0; /* of function 0 */
	u32 others;      /* which of the functions 1 to 7 exist */
	u32 found;
};

static const struct population populations[] = {
	{ "one", 0, 0x100e8086, 0, 1 },
	{ "single_by_its_header", 0, 0x100e8086, 0xfe, 1 },
	{ "all_eight", 0x80, 0x100e8086, 0xfe, 8 },
	{ "with_gaps", 0x80, 0x100e8086, 0xa2, 4 },
	{ "without_the_first", 0x80, 0xffffffff, 0xfe, 0 },
	{ "vendor_zero", 0, 0x100e0000, 0, 0 },
	{ "vendor_of_ones", 0, 0x100effff, 0, 0 },
	{ "bridge_to_nowhere", 1, 0x100e8086, 0, 1 },
};

TEST_EACH(functions, populations)
{
	struct pci_host *h;
	u32 found = 0;

	build(row->header == 1 ? 0x060400 : 0x020000, row->header);
	fns[0].config[0] = row->id0;
	for (u32 i = 1; i < NR_FNS; i++)
		if (row->others >> i & 1)
			put(i, 0x12341af4, 0x020000, 0);
	h = pci_scan();
	for (u8 i = 0; i < NR_FNS; i++)
		found += pci_get_slot(h, 0, 4, i) != NULL;
	CHECK_EQ(found, row->found);
	pci_free(h);
}

/* Each allocation fails once: no machine, nothing left behind. */
TEST(scan_without_memory)
{
	struct pci_host *h = NULL;
	u32 at;

	build(0x020000, 0x80);
	put(1, 0x12341af4, 0x020000, 0);
	for (at = 1; !h && at < 20; at++) {
		faults[FAULT_ALLOC] = (struct fault){ .on = true, .at = at };
		faults_armed = true;
		h = pci_scan();
		faults_armed = false;
		CHECK_EQ(h != NULL, at == 4);
	}
	pci_free(h);
	pci_free(NULL);
	CHECK_EQ(mm_report_leaks(), 0);
}

/* --- Mistakes ------------------------------------------------------------------------------------------------------------- */

static struct pci_host *host;

static void read32_beyond(void *d)
{
	pci_read32(d, 256);
}

static void read32_odd(void *d)
{
	pci_read32(d, 2);
}

static void read16_beyond(void *d)
{
	pci_read16(d, 256);
}

static void read16_odd(void *d)
{
	pci_read16(d, 1);
}

static void read8_beyond(void *d)
{
	pci_read8(d, 256);
}

static void write32_odd(void *d)
{
	pci_write32(d, 2, 0);
}

static void write32_beyond(void *d)
{
	pci_write32(d, 256, 0);
}

static void write16_odd(void *d)
{
	pci_write16(d, 5, 0);
}

static void write16_beyond(void *d)
{
	pci_write16(d, 256, 0);
}

static void seventh_bar(void *d)
{
	pci_iomap(d, PCI_MAX_BARS);
}

static void freed_with_a_driver(void *d)
{
	static const struct pci_driver drv = { .name = "test" };

	((struct pci_dev *)d)->driver = &drv;
	pci_free(host);
}

struct mistake {
	const char *name;
	void (*make)(void *d);
};

static const struct mistake mistakes[] = {
	{ "read32_beyond", read32_beyond },
	{ "read32_odd", read32_odd },
	{ "read16_beyond", read16_beyond },
	{ "read16_odd", read16_odd },
	{ "read8_beyond", read8_beyond },
	{ "write32_odd", write32_odd },
	{ "write32_beyond", write32_beyond },
	{ "write16_odd", write16_odd },
	{ "write16_beyond", write16_beyond },
	{ "seventh_bar", seventh_bar },
	{ "freed_with_a_driver", freed_with_a_driver },
};

TEST_EACH(mistake, mistakes)
{
	struct pci_dev *d;
	u32 before;

	build(0x020000, 0);
	host = pci_scan();
	d = pci_get_slot(host, 0, 4, 0);
	before = writes;
	CHECK_EQ(host_catch_exit(row->make, d), 65);
	CHECK_EQ(writes, before);
	d->driver = NULL;
	pci_free(host);
}

KTEST_MAIN_BOOT()
