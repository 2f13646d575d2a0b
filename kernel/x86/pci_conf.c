// SPDX-License-Identifier: MIT
/*
 * PCI configuration space by mechanism 1: address in port 0xcf8, data in 0xcfc.
 *
 * Interface: arch_pci_read32, arch_pci_write32 (<kernel/arch.h>). Above: drivers/pci. Below: the host bridge.
 * Context: any; the pair of accesses is made with interrupts off. Owns: ports 0xcf8-0xcff.
 * Specs: PCI Local Bus 3.0 section 3.2.2.3.2.
 */
#include <kernel/arch.h>
#include <lib/bug.h>

#include "x86.h"

#define CONFIG_ADDRESS 0xcf8U
#define CONFIG_DATA    0xcfcU

static u32 config_address(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg)
{
	BUG_ON(bus > 255 || dev > 31 || fn > 7);
	BUG_ON(reg > 255 || (reg & 3));
	return 1U << 31 | bus << 16 | dev << 11 | fn << 8 | reg;
}

/**
 * arch_pci_read32() - reads an aligned configuration word
 * @bus: 0..255
 * @dev: 0..31
 * @fn: 0..7
 * @reg: byte offset 0..252, a multiple of 4
 *
 * Context: any. Return: the word; all ones when no function answers.
 */
u32 arch_pci_read32(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg)
{
	u32 address = config_address(bus, dev, fn, reg);
	unsigned long flags = arch_irq_save();
	u32 v;

	outl(CONFIG_ADDRESS, address);
	v = inl(CONFIG_DATA);
	arch_irq_restore(flags);
	return v;
}

/**
 * arch_pci_write32() - writes an aligned configuration word
 * @bus: 0..255
 * @dev: 0..31
 * @fn: 0..7
 * @reg: byte offset 0..252, a multiple of 4
 * @v: the word
 *
 * Context: any.
 */
void arch_pci_write32(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg, u32 v)
{
	u32 address = config_address(bus, dev, fn, reg);
	unsigned long flags = arch_irq_save();

	outl(CONFIG_ADDRESS, address);
	outl(CONFIG_DATA, v);
	arch_irq_restore(flags);
}
