// SPDX-License-Identifier: MIT
/*
 * The interrupt controller: two 8259s, lines 0..15 at vectors 0x20..0x2f. Whether a line is edge or level
 * triggered (ELCR) stays as the firmware routed it. Every end of interrupt is specific. A request that vanished
 * before it was acknowledged shows as line 7 or 15 without an in-service bit: it is counted, never dispatched.
 *
 * Interface: arch_irqchip_init, arch_irq_mask, arch_irq_unmask, arch_irq_eoi, arch_spurious_irqs
 * (<kernel/arch.h>), i8259_spurious, x86_count_spurious. Above: kernel/irq.c, idt.c. Below: the two chips.
 * Context: any; register pairs with interrupts off. Owns: ports 0x20, 0x21, 0xa0, 0xa1. Specs: Intel 8259A data sheet.
 */
#include <kernel/arch.h>
#include <lib/bug.h>

#include "x86.h"

#define PIC1_CMD  0x20U
#define PIC1_DATA 0x21U
#define PIC2_CMD  0xa0U
#define PIC2_DATA 0xa1U
#define ICW1_INIT 0x11U /* edge as ELCR says, cascade, ICW4 follows */
#define ICW4_8086 0x01U
#define OCW2_SEOI 0x60U /* specific end of interrupt, line in the low bits */
#define OCW3_ISR  0x0bU /* the next read gives the in-service register */
#define CASCADE   2U

static u16 masked = 0xffff & ~(1U << CASCADE);
static u64 spurious;

static void write_masks(void)
{
	outb(PIC1_DATA, (u8)masked);
	outb(PIC2_DATA, (u8)(masked >> 8));
}

/**
 * arch_irqchip_init() - programs both controllers
 *
 * Every line stays masked but the ones already asked for (the one-shot timer, where it is the PIT).
 * Context: boot, IF=0. Source: 8259A data sheet, initialization command words.
 */
void arch_irqchip_init(void)
{
	outb(PIC1_CMD, ICW1_INIT);
	outb(PIC1_DATA, VECTOR_IRQ0);
	outb(PIC1_DATA, 1U << CASCADE);
	outb(PIC1_DATA, ICW4_8086);
	outb(PIC2_CMD, ICW1_INIT);
	outb(PIC2_DATA, VECTOR_IRQ0 + 8);
	outb(PIC2_DATA, CASCADE);
	outb(PIC2_DATA, ICW4_8086);
	write_masks();
}

/**
 * arch_irq_mask() - keeps line @irq from interrupting
 * @irq: 0..15
 *
 * Context: any.
 */
void arch_irq_mask(unsigned int irq)
{
	unsigned long flags;

	BUG_ON(irq >= ARCH_NR_IRQS || irq == CASCADE);
	flags = arch_irq_save();
	masked |= (u16)(1U << irq);
	write_masks();
	arch_irq_restore(flags);
}

/**
 * arch_irq_unmask() - lets line @irq interrupt
 * @irq: 0..15
 *
 * Context: any.
 */
void arch_irq_unmask(unsigned int irq)
{
	unsigned long flags;

	BUG_ON(irq >= ARCH_NR_IRQS);
	flags = arch_irq_save();
	masked &= (u16) ~(1U << irq);
	write_masks();
	arch_irq_restore(flags);
}

/**
 * arch_irq_eoi() - tells the controller that line @irq was served
 * @irq: 0..15
 *
 * Context: hardirq, IF=0. Source: 8259A data sheet, OCW2.
 */
void arch_irq_eoi(unsigned int irq)
{
	BUG_ON(irq >= ARCH_NR_IRQS);
	if (irq >= 8) {
		outb(PIC2_CMD, (u8)(OCW2_SEOI | (irq - 8)));
		irq = CASCADE;
	}
	outb(PIC1_CMD, (u8)(OCW2_SEOI | irq));
}

/**
 * i8259_spurious() - is this interrupt nobody's?
 * @irq: the line the vector says
 *
 * Counts it and acknowledges what must be: the first controller did serve a real request of the second.
 * Context: hardirq, IF=0. Return: true when it must not be dispatched. Source: 8259A data sheet, default IR7.
 */
bool i8259_spurious(unsigned int irq)
{
	u16 port = irq == 15 ? PIC2_CMD : PIC1_CMD;

	if (irq != 7 && irq != 15)
		return false;
	outb(port, OCW3_ISR);
	if (inb(port) & 0x80)
		return false;
	spurious++;
	if (irq == 15)
		outb(PIC1_CMD, OCW2_SEOI | CASCADE);
	return true;
}

/** x86_count_spurious() - one more interrupt that nobody raised. Context: hardirq. */
void x86_count_spurious(void)
{
	spurious++;
}

/** arch_spurious_irqs() - spurious interrupts since boot. Context: any. Return: the count. */
u64 arch_spurious_irqs(void)
{
	return spurious;
}
