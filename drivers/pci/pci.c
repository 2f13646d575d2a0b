// SPDX-License-Identifier: MIT
/*
 * PCI: finds every function on every bus, sizes its BARs, and gives drivers the few things they ask of it:
 * configuration registers, capabilities, bus mastering, the INTx line, mapped memory.
 *
 * Interface: pci_scan, pci_free, pci_bind, pci_unbind, pci_bind_device, pci_unbind_device, pci_get_slot,
 * pci_find_class, pci_count_class, pci_read8/16/32, pci_write16/32, pci_enable_device, pci_disable_device,
 * pci_set_intx, pci_find_capability, pci_iomap.
 * Above: drivers/net, boot. Below: <kernel/arch.h> (configuration mechanism), <kernel/io.h>, <kernel/mm.h>.
 * Context: process, at boot and shutdown. Owns: struct pci_host and every struct pci_dev.
 * The firmware numbered the buses and placed the BARs; nothing is moved here.
 * Specs: PCI Local Bus 3.0 section 6 (header, BARs 6.2.5.1, capabilities 6.7), PCI-to-PCI Bridge 1.2 section 3.2.
 */
#include <drivers/pci.h>
#include <kernel/arch.h>
#include <kernel/io.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <lib/bug.h>
#include <lib/err.h>
#include <lib/printf.h>

#define PCI_NR_BUSES     256u
#define PCI_DEVS_PER_BUS 32u
#define PCI_FNS_PER_DEV  8u
#define PCI_CAPS_MAX     48 /* 192 bytes behind the header, 4 each: a longer list is a circle */

/* Configuration registers (byte offsets). */
enum pci_reg {
	PCI_ID = 0x00,
	PCI_COMMAND = 0x04, /* status in the upper half: its bits are cleared by writing ones */
	PCI_CLASS = 0x08,
	PCI_HEADER = 0x0c,
	PCI_BAR0 = 0x10,
	PCI_BRIDGE_BUSES = 0x18, /* header type 1: primary, secondary, subordinate, latency */
	PCI_BRIDGE_IO = 0x1c,    /* header type 1: secondary status in the upper half */
	PCI_SUBSYSTEM = 0x2c,
	PCI_CAP_PTR = 0x34,
	PCI_INTERRUPT = 0x3c
};

#define PCI_COMMAND_IO        0x0001u
#define PCI_COMMAND_MEM       0x0002u
#define PCI_COMMAND_MASTER    0x0004u
#define PCI_COMMAND_INTX_OFF  0x0400u
#define PCI_STATUS_CAPS       0x0010u
#define PCI_HEADER_MULTI      0x80u
#define PCI_HEADER_BRIDGE     1u
#define PCI_CLASS_HOST_BRIDGE 0x0600u

struct pci_host {
	struct list_head devices;
	u32 count;
	bool visited[PCI_NR_BUSES]; /* bus was walked or stands in the queue */
	u8 queue[PCI_NR_BUSES];     /* buses in the order they were found: each at most once */
	u32 queued;
};

struct pci_class_name {
	u16 class;
	const char *name;
};

/* The words that lspci uses; what is not here is named by its number alone. */
static const struct pci_class_name class_names[] = {
	{ 0x0100, "SCSI storage controller" },
	{ 0x0101, "IDE interface" },
	{ 0x0106, "SATA controller" },
	{ 0x0108, "Non-Volatile memory controller" },
	{ 0x0200, "Ethernet controller" },
	{ 0x0280, "Network controller" },
	{ 0x0300, "VGA compatible controller" },
	{ 0x0380, "Display controller" },
	{ 0x0401, "Multimedia audio controller" },
	{ 0x0403, "Audio device" },
	{ 0x0500, "RAM memory" },
	{ 0x0600, "Host bridge" },
	{ 0x0601, "ISA bridge" },
	{ 0x0604, "PCI bridge" },
	{ 0x0680, "Bridge" },
	{ 0x0700, "Serial controller" },
	{ 0x0780, "Communication controller" },
	{ 0x0880, "System peripheral" },
	{ 0x0c03, "USB controller" },
	{ 0x0c05, "SMBus" },
};

static const char *class_name(u32 class)
{
	u16 wanted = (u16)(class >> 8);

	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if (class_names[i].class == wanted)
			return class_names[i].name;
	return "Device";
}

/* --- Configuration registers --------------------------------------------------------------------------------- */

/**
 * pci_read32() - reads an aligned configuration word
 * @d: function, borrowed
 * @reg: byte offset 0..252, a multiple of 4
 *
 * Context: any. Return: the word.
 */
u32 pci_read32(const struct pci_dev *d, u32 reg)
{
	BUG_ON(reg > 252 || (reg & 3));
	return arch_pci_read32(d->bus, d->dev, d->fn, reg);
}

/**
 * pci_read16() - reads an aligned configuration half word
 * @d: function, borrowed
 * @reg: byte offset 0..254, even
 *
 * Context: any. Return: the half word.
 */
u16 pci_read16(const struct pci_dev *d, u32 reg)
{
	BUG_ON(reg > 254 || (reg & 1));
	return (u16)(pci_read32(d, reg & ~3u) >> (reg & 2) * 8);
}

/**
 * pci_read8() - reads a configuration byte
 * @d: function, borrowed
 * @reg: byte offset 0..255
 *
 * Context: any. Return: the byte.
 */
u8 pci_read8(const struct pci_dev *d, u32 reg)
{
	BUG_ON(reg > 255);
	return (u8)(pci_read32(d, reg & ~3u) >> (reg & 3) * 8);
}

/**
 * pci_write32() - writes an aligned configuration word
 * @d: function, borrowed
 * @reg: byte offset 0..252, a multiple of 4
 * @v: the word
 *
 * Context: process.
 */
void pci_write32(const struct pci_dev *d, u32 reg, u32 v)
{
	BUG_ON(reg > 252 || (reg & 3));
	arch_pci_write32(d->bus, d->dev, d->fn, reg, v);
}

/* Words whose upper half is a status register, where a one written back would clear what it reports. */
static bool upper_half_is_status(const struct pci_dev *d, u32 word)
{
	return word == PCI_COMMAND ||
	       (word == PCI_BRIDGE_IO && d->header_type == PCI_HEADER_BRIDGE);
}

/**
 * pci_write16() - writes an aligned configuration half word
 * @d: function, borrowed
 * @reg: byte offset 0..254, even
 * @v: the half word
 *
 * The other half of the word is written back as it was read; a status half is written as zero, which changes
 * nothing there (PCI 3.0 section 6.2.3).
 *
 * Context: process.
 */
void pci_write16(const struct pci_dev *d, u32 reg, u16 v)
{
	u32 word = reg & ~3u, shift = (reg & 2) * 8, old;

	BUG_ON(reg > 254 || (reg & 1));
	old = pci_read32(d, word) & ~(0xffffu << shift);
	if (shift == 0 && upper_half_is_status(d, word))
		old = 0;
	pci_write32(d, word, old | (u32)v << shift);
}

/**
 * pci_find_capability() - looks for a capability of the function
 * @d: function, borrowed
 * @id: which
 *
 * The walk ends after as many steps as capabilities fit, so a list that runs in a circle ends too.
 *
 * Context: process. Return: its byte offset, 0 when the function has none (PCI 3.0 section 6.7).
 */
u8 pci_find_capability(const struct pci_dev *d, enum pci_cap id)
{
	u8 at;

	if (!(pci_read16(d, PCI_COMMAND + 2) & PCI_STATUS_CAPS))
		return 0;
	at = pci_read8(d, PCI_CAP_PTR) & 0xfcu;
	for (int steps = 0; at >= 0x40 && steps < PCI_CAPS_MAX; steps++) {
		u16 entry = pci_read16(d, at);

		if ((entry & 0xff) == (u16)id)
			return at;
		at = (u8)(entry >> 8) & 0xfcu;
	}
	return 0;
}

/* --- BARs ------------------------------------------------------------------------------------------------------- */

/* What the address bits of one BAR word answer to all ones; the word is as before afterwards. */
static u32 bar_probe(const struct pci_dev *d, u32 reg, u32 old)
{
	u32 mask;

	pci_write32(d, reg, ~0u);
	mask = pci_read32(d, reg);
	pci_write32(d, reg, old);
	return mask;
}

static void bar_size_io(const struct pci_dev *d, u32 reg, u32 old, struct pci_bar *bar)
{
	u32 mask = bar_probe(d, reg, old) & ~3u;

	if (!mask)
		return;
	mask |= 0xffff0000u; /* a device may decode 16 port bits only */
	bar->io = true;
	bar->base = old & ~3u;
	bar->len = ~mask + 1u;
}

static void bar_size_mem(const struct pci_dev *d, u32 reg, u32 old, struct pci_bar *bar)
{
	u64 mask = bar_probe(d, reg, old) & ~15u, base = old & ~15u;

	if (bar->is64) {
		u32 high = pci_read32(d, reg + 4);

		base |= (u64)high << 32;
		mask |= (u64)bar_probe(d, reg + 4, high) << 32;
	} else {
		mask |= mask ? 0xffffffff00000000ULL : 0;
	}
	if (!mask)
		return;
	bar->prefetch = old & 8u;
	bar->base = base;
	bar->len = ~mask + 1;
}

/*
 * Sizes all BARs with decoding off, so that no address of the probing reaches the bus. A host bridge is left alone:
 * through it runs all that the processor does.
 */
static void pci_size_bars(struct pci_dev *d)
{
	u32 count = d->header_type == 0                   ? PCI_MAX_BARS
		    : d->header_type == PCI_HEADER_BRIDGE ? 2
							  : 0;
	u16 command = pci_read16(d, PCI_COMMAND);

	if (d->class >> 8 == PCI_CLASS_HOST_BRIDGE)
		return;
	pci_write16(d, PCI_COMMAND, (u16)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEM)));
	for (u32 i = 0; i < count; i++) {
		struct pci_bar *bar = &d->bar[i];
		u32 reg = PCI_BAR0 + 4 * i, old = pci_read32(d, reg);

		if (old & 1) {
			bar_size_io(d, reg, old, bar);
			continue;
		}
		bar->is64 = (old >> 1 & 3) == 2 && i + 1 < count;
		bar_size_mem(d, reg, old, bar);
		i += bar->is64;
	}
	pci_write16(d, PCI_COMMAND, command);
}

/* --- Enumeration -------------------------------------------------------------------------------------------------- */

static void bus_enqueue(struct pci_host *h, u8 bus)
{
	if (h->visited[bus])
		return;
	BUG_ON(h->queued >= PCI_NR_BUSES);
	h->visited[bus] = true;
	h->queue[h->queued++] = bus;
}

/* "128K", "16M", "64": a power of two in the largest unit that leaves a whole number. */
static int print_len(char *buf, size_t size, u64 len)
{
	static const char units[] = "\0KMGT";
	unsigned int unit = 0;

	while (len >= 1024 && !(len & 1023) && unit + 2 < sizeof(units)) {
		len >>= 10;
		unit++;
	}
	if (!unit)
		return scnprintf(buf, size, " %llu", (unsigned long long)len);
	return scnprintf(buf, size, " %llu%c", (unsigned long long)len, units[unit]);
}

static void pci_print(const struct pci_dev *d)
{
	char text[256];
	int n = 0;

	text[0] = '\0';
	if (d->header_type == PCI_HEADER_BRIDGE)
		n += scnprintf(text, sizeof(text), " to bus %02x",
			       pci_read8(d, PCI_BRIDGE_BUSES + 1));
	if (d->irq_pin && d->irq < ARCH_NR_IRQS)
		n += scnprintf(text + n, sizeof(text) - (size_t)n, " irq %u", d->irq);
	for (u32 i = 0; i < PCI_MAX_BARS; i++) {
		const struct pci_bar *bar = &d->bar[i];

		if (!bar->len)
			continue;
		n += scnprintf(text + n, sizeof(text) - (size_t)n, " bar%u %s 0x%llx", i,
			       bar->io ? "io" : "mem", (unsigned long long)bar->base);
		n += print_len(text + n, sizeof(text) - (size_t)n, bar->len);
	}
	pr_info("pci %s: %04x:%04x rev %02x class %04x [%s]%s\n", d->name, d->vendor, d->device,
		d->revision, d->class >> 8, class_name(d->class), text);
}

/* Reads one function that is known to be there and puts it on the list. 0, -ENOMEM. */
static int pci_add_function(struct pci_host *h, u8 bus, u8 dev, u8 fn, u32 id)
{
	struct pci_dev *d = kzalloc(sizeof(*d));
	u32 word;

	if (!d)
		return -ENOMEM;
	d->bus = bus;
	d->dev = dev;
	d->fn = fn;
	d->vendor = (u16)id;
	d->device = (u16)(id >> 16);
	d->header_type = pci_read8(d, PCI_HEADER + 2) & 0x7f;
	word = pci_read32(d, PCI_CLASS);
	d->class = word >> 8;
	d->revision = (u8)word;
	word = pci_read32(d, PCI_INTERRUPT);
	d->irq_pin = word >> 8 & 0xff;
	d->irq = d->irq_pin ? (u8)word : 255;
	if (d->header_type == 0) {
		word = pci_read32(d, PCI_SUBSYSTEM);
		d->subvendor = (u16)word;
		d->subdevice = (u16)(word >> 16);
	}
	scnprintf(d->name, sizeof(d->name), "0000:%02x:%02x.%u", bus, dev, fn);
	pci_size_bars(d);
	list_add_tail(&d->node, &h->devices);
	h->count++;
	pci_print(d);
	if (d->header_type == PCI_HEADER_BRIDGE && pci_read8(d, PCI_BRIDGE_BUSES + 1))
		bus_enqueue(h, pci_read8(d, PCI_BRIDGE_BUSES + 1));
	return 0;
}

static int pci_scan_slot(struct pci_host *h, u8 bus, u8 dev)
{
	u32 fns = 1;

	for (u32 fn = 0; fn < fns; fn++) {
		u32 id = arch_pci_read32(bus, dev, fn, PCI_ID);
		int err;

		if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
			continue;
		if (fn == 0 && (arch_pci_read32(bus, dev, 0, PCI_HEADER) >> 16 & PCI_HEADER_MULTI))
			fns = PCI_FNS_PER_DEV;
		err = pci_add_function(h, bus, dev, (u8)fn, id);
		if (err)
			return err;
	}
	return 0;
}

/**
 * pci_scan() - enumerates all buses and prints one line per function
 *
 * Starts at bus 0 and follows each bridge to the secondary bus that the firmware gave it. No recursion, and no bus
 * is walked twice: wrong bridge numbers cannot make a circle.
 *
 * Context: process. Return: the host, owned by the caller until pci_free(); NULL without memory.
 */
struct pci_host *pci_scan(void)
{
	struct pci_host *h = kzalloc(sizeof(*h));

	if (!h)
		return NULL;
	INIT_LIST_HEAD(&h->devices);
	bus_enqueue(h, 0);
	for (u32 i = 0; i < h->queued; i++)
		for (u8 dev = 0; dev < PCI_DEVS_PER_BUS; dev++)
			if (pci_scan_slot(h, h->queue[i], dev)) {
				pci_free(h);
				return NULL;
			}
	return h;
}

/**
 * pci_free() - frees the host and its functions
 * @h: from pci_scan(); NULL is allowed. Every driver has let go (asserted).
 *
 * Context: process.
 */
void pci_free(struct pci_host *h)
{
	struct pci_dev *d, *next;

	if (!h)
		return;
	list_for_each_entry_safe(d, next, &h->devices, node) {
		BUG_ON(d->driver);
		list_del_init(&d->node);
		kfree(d);
		h->count--;
	}
	BUG_ON(h->count);
	kfree(h);
}

/* --- Drivers --------------------------------------------------------------------------------------------------------- */

static bool driver_knows(const struct pci_driver *drv, const struct pci_dev *d)
{
	for (const struct pci_device_id *id = drv->ids; id->vendor; id++)
		if (id->vendor == d->vendor && id->device == d->device)
			return true;
	return false;
}

/**
 * pci_get_slot() - finds the function at an address
 * @h: host
 * @bus: bus
 * @dev: device, 0..31
 * @fn: function, 0..7
 *
 * Context: process. Return: the function, owned by @h; NULL when nothing is there.
 */
struct pci_dev *pci_get_slot(struct pci_host *h, u8 bus, u8 dev, u8 fn)
{
	struct pci_dev *d;

	list_for_each_entry(d, &h->devices, node)
		if (d->bus == bus && d->dev == dev && d->fn == fn)
			return d;
	return NULL;
}

/**
 * pci_bind_device() - offers one function to a driver
 * @d: function
 * @drv: driver; borrowed until pci_unbind_device() or pci_unbind()
 * @ctx: handed to its probe
 *
 * A probe that fails is reported and the function stays free.
 *
 * Context: process. Return: 0; -EBUSY: a driver has it; -ENODEV: @drv does not know it; the probe's error.
 */
int pci_bind_device(struct pci_dev *d, const struct pci_driver *drv, void *ctx)
{
	int err;

	if (d->driver)
		return -EBUSY;
	if (!driver_knows(drv, d))
		return -ENODEV;
	err = drv->probe(d, ctx);
	if (err) {
		pr_err("%s %s: probe failed (error %d)\n", drv->name, d->name, -err);
		return err;
	}
	d->driver = drv;
	return 0;
}

/**
 * pci_bind() - offers every unclaimed function to a driver
 * @h: host
 * @drv: driver; borrowed until pci_unbind()
 * @ctx: handed to its probe
 *
 * Context: process. Return: how many functions it took; the error of the last probe when it took none and one failed.
 */
int pci_bind(struct pci_host *h, const struct pci_driver *drv, void *ctx)
{
	struct pci_dev *d;
	int taken = 0, failed = 0;

	list_for_each_entry(d, &h->devices, node) {
		int err;

		if (d->driver || !driver_knows(drv, d))
			continue;
		err = pci_bind_device(d, drv, ctx);
		if (err)
			failed = err;
		else
			taken++;
	}
	return taken ? taken : failed;
}

/**
 * pci_unbind_device() - makes the driver of a function let go of it
 * @d: function; nothing happens when no driver has it
 *
 * Context: process.
 */
void pci_unbind_device(struct pci_dev *d)
{
	if (!d->driver)
		return;
	d->driver->remove(d);
	d->driver = NULL;
}

/**
 * pci_unbind() - makes a driver let go of all its functions
 * @h: host
 * @drv: driver
 *
 * Context: process.
 */
void pci_unbind(struct pci_host *h, const struct pci_driver *drv)
{
	struct pci_dev *d;

	list_for_each_entry(d, &h->devices, node)
		if (d->driver == drv)
			pci_unbind_device(d);
}

/**
 * pci_find_class() - finds a function that no driver took
 * @h: host
 * @class_subclass: class and subclass, e.g. 0x0200
 *
 * Context: process. Return: the first one, owned by @h; NULL when there is none.
 */
struct pci_dev *pci_find_class(struct pci_host *h, u16 class_subclass)
{
	struct pci_dev *d;

	list_for_each_entry(d, &h->devices, node)
		if (!d->driver && d->class >> 8 == class_subclass)
			return d;
	return NULL;
}

/**
 * pci_count_class() - counts functions of a class, driven or not
 * @h: host
 * @class_subclass: class and subclass
 *
 * Context: process. Return: how many.
 */
u32 pci_count_class(struct pci_host *h, u16 class_subclass)
{
	struct pci_dev *d;
	u32 count = 0;

	list_for_each_entry(d, &h->devices, node)
		count += d->class >> 8 == class_subclass;
	return count;
}

static void command_change(struct pci_dev *d, u32 clear, u32 set)
{
	u32 command = pci_read16(d, PCI_COMMAND);

	pci_write16(d, PCI_COMMAND, (u16)((command & ~clear) | set));
}

/**
 * pci_enable_device() - memory decoding and bus mastering on, INTx off until pci_set_intx()
 * @d: function
 *
 * Firmware leaves bus mastering off: without it the device's DMA is refused.
 *
 * Context: process.
 */
void pci_enable_device(struct pci_dev *d)
{
	command_change(d, 0, PCI_COMMAND_MEM | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
}

/**
 * pci_disable_device() - bus mastering off (DMA ends) and INTx off
 * @d: function
 *
 * Context: process.
 */
void pci_disable_device(struct pci_dev *d)
{
	command_change(d, PCI_COMMAND_MASTER, PCI_COMMAND_INTX_OFF);
}

/**
 * pci_set_intx() - lets the function drive its interrupt line, or not
 * @d: function
 * @enable: it may
 *
 * Context: process.
 */
void pci_set_intx(struct pci_dev *d, bool enable)
{
	command_change(d, enable ? PCI_COMMAND_INTX_OFF : 0, enable ? 0 : PCI_COMMAND_INTX_OFF);
}

/**
 * pci_iomap() - maps a memory BAR uncached
 * @d: function
 * @bar: 0..5
 *
 * Context: process. Return: its first byte; NULL when the BAR is absent, has no address, is of ports, or without
 * memory for page tables. Mappings stay for good.
 */
void __iomem *pci_iomap(struct pci_dev *d, u32 bar)
{
	const struct pci_bar *b;

	BUG_ON(bar >= PCI_MAX_BARS);
	b = &d->bar[bar];

	if (!b->len || !b->base || b->io)
		return NULL;
	return ioremap(b->base, b->len);
}
