// SPDX-License-Identifier: MIT
/*
 * PCI against a made-up machine: bus 0 with a host bridge, a multi-function device and a bridge to bus 2, which has a
 * card with a 64-bit BAR and a capability list, and a second bridge that claims to lead back to bus 0.
 */
#include "host.h"
#include "ktest.h"

#include <drivers/pci.h>
#include <kernel/mm.h>
#include <lib/err.h>

#define NR_FNS 6

struct fn {
	u8 bus, dev, fn;
	u32 config[64];
	u32 mask[64]; /* writable bits */
};
static struct fn fns[NR_FNS];
static u32 decoding_while_probed;

static struct fn *find(unsigned int bus, unsigned int dev, unsigned int fn)
{
	for (int i = 0; i < NR_FNS; i++)
		if (fns[i].bus == bus && fns[i].dev == dev && fns[i].fn == fn)
			return &fns[i];
	return NULL;
}

static u32 rd(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg)
{
	struct fn *f = find(bus, dev, fn);
	return f ? f->config[reg / 4] : UINT32_MAX;
}

static void wr(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg, u32 v)
{
	struct fn *f = find(bus, dev, fn);
	if (!f)
		return;
	if (reg == 4) { /* status: ones clear */
		u32 status = f->config[1] >> 16 & ~(v >> 16 & 0xf900);
		f->config[1] = status << 16 | (v & 0x547);
		return;
	}
	if (v == UINT32_MAX && (f->config[1] & 3))
		decoding_while_probed++;
	f->config[reg / 4] = (f->config[reg / 4] & ~f->mask[reg / 4]) | (v & f->mask[reg / 4]);
}

static struct fn *put(int i, u8 bus, u8 dev, u8 fn, u32 id, u32 class, u32 header)
{
	struct fn *f = &fns[i];
	memset(f, 0, sizeof(*f));
	f->bus = bus;
	f->dev = dev;
	f->fn = fn;
	f->config[0] = id;
	f->config[1] = 0xa0100103; /* capabilities; two error bits that must survive */
	f->config[2] = class << 8;
	f->config[3] = header << 16;
	f->config[15] = 0xff;
	return f;
}

static void build(void)
{
	struct fn *f;
	put(0, 0, 0, 0, 0x12378086, 0x060000, 0);
	put(1, 0, 1, 0, 0x70008086, 0x060100, 0x80);
	f = put(2, 0, 1, 3, 0x71138086, 0x068000, 0);
	f->config[15] = 0x0109;
	f = put(3, 0, 2, 0, 0x000c1b36, 0x060400, 1);
	f->config[6] = 0x00020200;
	f = put(4, 2, 5, 0, 0x100e8086, 0x020000, 0);
	f->config[4] = 0x0000000c; /* 64-bit, prefetchable, at 4 GiB */
	f->config[5] = 0x00000001;
	f->mask[4] = 0xfffe0000;
	f->mask[5] = 0xffffffff;
	f->config[6] = 0xc001;
	f->mask[6] = 0xffc0;
	f->config[15] = 0x010b;
	f->config[13] = 0x40;
	f->config[16] = 0x00005001; /* PM at 0x40, next 0x50 */
	f->config[20] = 0x00004005; /* MSI at 0x50, next 0x40: a circle */
	f = put(5, 2, 6, 0, 0x000c1b36, 0x060400, 1);
	f->config[6] = 0x00000000 | 2u << 8; /* says it leads to the bus it stands on */
	decoding_while_probed = 0;
	host_pci_set(rd, wr);
}

static int probes, removes, probe_result;

static int probe(struct pci_dev *d, void *ctx)
{
	(void)d;
	probes += ctx == &probes;
	return probe_result;
}

static void drop(struct pci_dev *d)
{
	(void)d;
	removes++;
}

static const struct pci_device_id ids[] = { { 0x8086, 0x100e }, { 0, 0 } };
static const struct pci_driver drv = { "test", ids, probe, drop };

TEST(walks_bridges_once)
{
	build();
	struct pci_host *h = pci_scan();
	CHECK(h != NULL);
	CHECK_EQ(pci_count_class(h, 0x0604), 2);
	CHECK_EQ(pci_count_class(h, 0x0200), 1);
	CHECK_EQ(pci_count_class(h, 0x0680), 1);
	CHECK_EQ(decoding_while_probed, 0);
	CHECK(strstr(host_console(),
		     "pci 0000:02:05.0: 8086:100e rev 00 class 0200 [Ethernet controller] "
		     "irq 11 bar0 mem 0x100000000 128K bar2 io 0xc000 64\n"));
	CHECK(strstr(host_console(), "to bus 02"));
	pci_free(h);
}

TEST(bars_and_capabilities)
{
	build();
	struct pci_host *h = pci_scan();
	struct pci_dev *d = pci_find_class(h, 0x0200);
	CHECK_STR(d->name, "0000:02:05.0");
	CHECK_EQ(d->bar[0].base, 0x100000000LL);
	CHECK_EQ(d->bar[0].len, 0x20000);
	CHECK(d->bar[0].is64 && d->bar[0].prefetch && !d->bar[0].io);
	CHECK_EQ(d->bar[1].len, 0);
	CHECK(d->bar[2].io);
	CHECK_EQ(d->bar[2].len, 64);
	CHECK_EQ(d->irq, 11);
	CHECK_EQ(fns[4].config[4], 0xc); /* as before the probing */
	CHECK_EQ(fns[4].config[5], 1);
	CHECK_EQ(fns[4].config[1], 0xa0100103);
	CHECK_EQ(pci_find_capability(d, PCI_CAP_ID_PM), 0x40);
	CHECK_EQ(pci_find_capability(d, PCI_CAP_ID_MSI), 0x50);
	CHECK_EQ(pci_find_capability(d, PCI_CAP_ID_MSIX), 0); /* ends although the list does not */
	CHECK(pci_iomap(d, 0) != NULL);
	CHECK(pci_iomap(d, 1) == NULL);
	CHECK(pci_iomap(d, 2) == NULL);
	pci_enable_device(d);
	CHECK_EQ(fns[4].config[1], 0xa0100507);
	pci_set_intx(d, true);
	CHECK_EQ(fns[4].config[1], 0xa0100107);
	pci_disable_device(d);
	CHECK_EQ(fns[4].config[1], 0xa0100503);
	pci_free(h);
}

TEST(binds_and_unbinds)
{
	build();
	struct pci_host *h = pci_scan();
	probe_result = -ENODEV;
	CHECK_EQ(pci_bind(h, &drv, &probes), -ENODEV);
	CHECK(pci_find_class(h, 0x0200) != NULL);
	probe_result = 0;
	CHECK_EQ(pci_bind(h, &drv, &probes), 1);
	CHECK_EQ(pci_bind(h, &drv, &probes), 0);
	CHECK_EQ(probes, 2);
	CHECK(pci_find_class(h, 0x0200) == NULL);
	pci_unbind(h, &drv);
	CHECK_EQ(removes, 1);
	CHECK(pci_find_class(h, 0x0200) != NULL);
	pci_free(h);
}

/* One function at a time, each with a context of its own. */
TEST(binds_one_function)
{
	build();
	struct pci_host *h = pci_scan();
	struct pci_dev *card = pci_get_slot(h, 2, 5, 0), *other = pci_get_slot(h, 0, 1, 0);
	probes = removes = 0;
	CHECK_STR(card->name, "0000:02:05.0");
	CHECK_STR(other->name, "0000:00:01.0");
	CHECK(pci_get_slot(h, 2, 5, 1) == NULL);
	CHECK_EQ(pci_bind_device(other, &drv, &probes), -ENODEV);
	CHECK_EQ(probes, 0);
	probe_result = -ENOMEM;
	CHECK_EQ(pci_bind_device(card, &drv, &probes), -ENOMEM);
	CHECK(card->driver == NULL);
	probe_result = 0;
	CHECK_EQ(pci_bind_device(card, &drv, &probes), 0);
	CHECK(card->driver == &drv);
	CHECK_EQ(pci_bind_device(card, &drv, &probes), -EBUSY);
	CHECK_EQ(probes, 2);
	pci_unbind_device(card);
	CHECK(card->driver == NULL);
	pci_unbind_device(card); /* nobody has it: nothing happens */
	pci_unbind_device(other);
	CHECK_EQ(removes, 1);
	pci_free(h);
}

TEST(empty_machine)
{
	host_pci_set(NULL, NULL);
	struct pci_host *h = pci_scan();
	CHECK(h != NULL);
	CHECK(pci_find_class(h, 0x0200) == NULL);
	pci_free(h);
	CHECK_EQ(mm_report_leaks(), 0);
}

KTEST_MAIN_BOOT()
