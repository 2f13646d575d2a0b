/* SPDX-License-Identifier: MIT */
/* PCI: enumeration through all bridges, BARs, capabilities, bus mastering, INTx. Process context, at boot. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H
#include <lib/list.h>
#include <lib/types.h>

#define PCI_MAX_BARS 6
enum pci_cap {
	PCI_CAP_ID_PM = 0x01,
	PCI_CAP_ID_MSI = 0x05,
	PCI_CAP_ID_EXP = 0x10,
	PCI_CAP_ID_MSIX = 0x11
};

struct pci_bar {
	u64 base; /* physical or port; 0 with len 0: absent */
	u64 len;  /* bytes */
	bool io, is64, prefetch;
};

struct pci_dev {
	struct list_head node;
	u8 bus, dev, fn;
	u16 vendor, device, subvendor, subdevice;
	u8 revision, header_type;
	u32 class;  /* class, subclass, interface: 24 bits */
	u8 irq_pin; /* 0: none, 1..4 INTA..INTD */
	u8 irq;     /* line as the firmware routed it; ARCH_NR_IRQS and above: none */
	struct pci_bar bar[PCI_MAX_BARS];
	char name[16]; /* "0000:00:03.0" */
	const struct pci_driver *driver;
	void *drvdata;
};

struct pci_device_id {
	u16 vendor, device;
};

struct pci_driver {
	const char *name;
	const struct pci_device_id *ids;            /* ends with {0, 0} */
	int (*probe)(struct pci_dev *d, void *ctx); /* 0: taken; -errno */
	void (*remove)(struct pci_dev *d);
};

struct pci_host;
/* Enumerates and prints one lspci-like line per function. NULL without memory. */
struct pci_host *pci_scan(void);
void pci_free(struct pci_host *h);
/* Offers every unclaimed function to @drv; returns how many it took, or why it failed to take any. */
int pci_bind(struct pci_host *h, const struct pci_driver *drv, void *ctx);
void pci_unbind(struct pci_host *h, const struct pci_driver *drv);
/* The same for one function, with a @ctx of its own. 0; -ENODEV, -EBUSY, or why its probe failed. */
int pci_bind_device(struct pci_dev *d, const struct pci_driver *drv, void *ctx);
void pci_unbind_device(struct pci_dev *d);
/* The function at an address, or NULL. */
struct pci_dev *pci_get_slot(struct pci_host *h, u8 bus, u8 dev, u8 fn);
/* First function of a class (24-bit value >> 8 compared) that no driver took, or NULL; for "unknown NIC". */
struct pci_dev *pci_find_class(struct pci_host *h, u16 class_subclass);
u32 pci_count_class(struct pci_host *h, u16 class_subclass);

u8 pci_read8(const struct pci_dev *d, u32 reg);
u16 pci_read16(const struct pci_dev *d, u32 reg);
u32 pci_read32(const struct pci_dev *d, u32 reg);
void pci_write16(const struct pci_dev *d, u32 reg, u16 v);
void pci_write32(const struct pci_dev *d, u32 reg, u32 v);
/* Memory decoding and bus mastering on, INTx still off: pci_set_intx() when the driver is ready for interrupts. */
void pci_enable_device(struct pci_dev *d);
void pci_set_intx(struct pci_dev *d, bool enable);
void pci_disable_device(struct pci_dev *d);                       /* DMA and INTx off */
u8 pci_find_capability(const struct pci_dev *d, enum pci_cap id); /* offset or 0; bounded walk */
void __iomem *pci_iomap(struct pci_dev *d, u32 bar);              /* NULL: absent, I/O, no memory */
#endif
