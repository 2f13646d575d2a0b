/* SPDX-License-Identifier: MIT */
/*
 * A model of the 82540EM behind host_mmio_set() and host_pci_set(): registers, both rings, causes and the INTx line, as
 * the emulated card has them (transmission happens inside the write of TDT or TCTL; a write of RCTL shuts the receiver
 * for a second). Up to eight cards, in the slots 00:03.0 to 00:0a.0; a test owns each struct, the machine only knows
 * which is plugged where. It breaks off the test when the driver does what a device would not survive: DMA without bus
 * mastering, a tail outside the ring, a register it does not know.
 */
#ifndef E1000_MODEL_H
#define E1000_MODEL_H
#include <lib/types.h>

#define E1000_MODEL_SLOTS 8u
#define E1000_MODEL_BAR0  0xfebc0000UL /* of slot 0; the next ones follow */
#define E1000_MODEL_BAR   0x20000UL    /* bytes of each */
#define E1000_MODEL_IRQ   11u /* of slot 0; then 10, 9, 5 and from the start: lines are shared */
#define E1000_MODEL_WORDS (0x8000u / 4)
#define E1000_MODEL_FRAME 16384u

struct e1000_model {
	unsigned int slot;
	u32 reg[E1000_MODEL_WORDS];
	u32 reads[E1000_MODEL_WORDS], writes[E1000_MODEL_WORDS]; /* accesses, by register */
	u32 config[64];                                          /* PCI header */
	u16 eeprom[64];
	u64 rx_hold_until_ns;
	u32 icr;
	bool link;
	bool no_dd;    /* fault: descriptors are not written back */
	bool late_irq; /* fault: the line is not raised (until the next change of mask or cause) */
	bool eeprom_off; /* fault: EERD never says done */
	/* Transmission: the context without TSE, and the frame being put together. */
	u64 context;
	u32 popts;
	bool in_frame;
	u8 frame[E1000_MODEL_FRAME];
	u32 frame_len;
	u32 tx_frames, tx_descs, contexts;
	void (*tx)(void *arg, const u8 *frame, u32 len); /* called for each frame that leaves */
	void *arg;
};

/*
 * Power on: a card of device id @device with a link, in slot @slot (0..7), that is 00:(3 + slot).0, with the address
 * 52:54:00:12:34:(56 + slot), its own BAR 0 and the slot's line. Everything in it is new; the slot is free. Enters the
 * host's hooks.
 */
void e1000_model_plug_at(struct e1000_model *m, u16 device, unsigned int slot);
/* A machine with this card alone, in slot 0. */
void e1000_model_plug(struct e1000_model *m, u16 device);
/* Takes all cards out: their lines fall, their registers read as ones. */
void e1000_model_unplug_all(void);
/* The line of a slot. */
unsigned int e1000_model_irq(unsigned int slot);
/* A frame from the wire with these receive errors (0: none). False: the receiver does not take it now. */
bool e1000_model_rx(struct e1000_model *m, const void *frame, u32 len, u8 errors);
void e1000_model_link(struct e1000_model *m, bool up);
/* How often the driver read (wrote) a register since power-on. */
u32 e1000_model_reads(const struct e1000_model *m, u32 reg);
u32 e1000_model_writes(const struct e1000_model *m, u32 reg);
#endif
