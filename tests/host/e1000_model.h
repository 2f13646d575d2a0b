/* SPDX-License-Identifier: MIT */
/*
 * A model of the 82540EM behind host_mmio_set() and host_pci_set(): registers, both rings, legacy and extended
 * descriptors, checksums, segmentation (IPv4), causes, the INTx line, statistics. No PHY, no VLAN tags. Up to eight cards, in the slots 00:03.0 to 00:0a.0; a test owns each struct, the machine only knows
 * which is plugged where.
 *
 * Left alone a card behaves as the emulated one: transmission happens inside the write of TDT or TCTL, a write of RCTL
 * shuts the receiver for a second. Every field below "Manners" makes it slower or worse, at any time, in the middle of
 * traffic. What then happens later happens in virtual time: e1000_model_next() says when, e1000_model_run() does it;
 * host_set_events(e1000_models_next, e1000_models_run, NULL) does both for all cards.
 *
 * It judges the driver. What real silicon would not survive, and what its manual forbids, ends the test as a BUG with
 * words and values: DMA without bus mastering or outside a live mapping, a tail outside the ring, a transmit descriptor
 * written behind the last store barrier before its tail, one that is changed, reused or unmapped while the card owns it, rings that are unaligned or moved while the card works, reserved
 * bits, writes to registers that are read only, any access after e1000_model_silence(). A test of such a mistake
 * catches it with host_catch_exit() and reads e1000_model_complaint().
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
#define E1000_MODEL_TSO   (65536u + 256u) /* most bytes of a packet that is to be cut */
#define E1000_MODEL_RING  4096u           /* most descriptors of a ring */

struct e1000_model_desc {
	u64 addr;
	u32 lower, upper;
};

/* Descriptors @first to @last that are done, to be written back at @due. */
struct e1000_model_done {
	u32 first, last;
	u64 due;
};

/* A write-back of the receiver: what the descriptor will say. */
struct e1000_model_filled {
	u32 index, lower, upper;
	u64 due;
	bool written;
};

/* Common to both rings: what the driver has handed over, as it looked then. */
struct e1000_model_ring {
	u32 given; /* up to here the driver has handed descriptors over */
	u32 fetch; /* next descriptor the card takes; the head register follows when it is done */
	bool owned[E1000_MODEL_RING];
	struct e1000_model_desc seen[E1000_MODEL_RING];
	struct e1000_model_desc stored[E1000_MODEL_RING]; /* at the last store barrier; transmit */
};

struct e1000_model {
	unsigned int slot;
	u32 reg[E1000_MODEL_WORDS];
	u32 reads[E1000_MODEL_WORDS], writes[E1000_MODEL_WORDS]; /* accesses, by register */
	u32 config[64];                                          /* PCI header */
	u16 eeprom[64];
	u32 icr;
	bool link;
	void (*tx)(void *arg, const u8 *frame, u32 len); /* called for each frame that leaves */
	/* May be NULL: called when the receiver may take frames again. */
	void (*rx_ready)(void *arg);
	/* May be NULL: called before each access, for what the card does just between two of them. */
	void (*on_access)(void *arg, u32 reg, bool write);
	void *arg;

	/* --- Manners: set by the test; all off after power-on ----------------------------------------------- */
	u64 seed;        /* of what is random below; 1 after power-on */
	u64 access_ns;   /* each access of a register takes so long */
	u64 hold_ns;     /* a write of RCTL shuts the receiver; 1 s after power-on */
	bool mitigation; /* interrupts are throttled by ITR, RADV, TADV: 128 us apart at least */
	bool eeprom_off; /* EERD never says done */
	bool any_frame;  /* reception: no address filter, no limit of length, no padding */
	bool overrun; /* reception: a frame without a descriptor is lost and counted, not refused */
	u64 tx_rate_bps;   /* frames leave at this rate, one after the other; 0: at once */
	u32 tx_hang;       /* the transmitter stands still till TCTL.EN was switched on so often */
	bool no_dd;        /* transmit: descriptors are not written back, for good */
	u32 lose_dd;       /* transmit: so many write-backs are forgotten */
	u64 late_dd_ns;    /* transmit: written back so much later */
	u64 dd_jitter_ns;  /* transmit: and up to so much later still: out of order */
	u32 late_dd_after; /* transmit: written back only when so many packets wait for it */
	u64 rx_late_ns;    /* receive: written back so much later */
	u64 rx_jitter_ns;  /* receive: and up to so much later still: out of order */
	u32 rx_lose_eop;   /* receive: so many frames end without EOP */
	bool late_irq;     /* the line is not raised (until the next change of mask or cause) */
	u32 lose_irqs;     /* so many rises of the line are lost; UINT32_MAX: all */
	u64 irq_delay_ns;  /* the line rises so much later */
	bool stuck_line;   /* the line is high, whatever the causes are */
	u32 storm;         /* so many interrupts of cause RXT0 without a reason ... */
	u64 storm_ns;      /* ... so far apart */
	u32 flaps;         /* the link changes so many times more ... */
	u64 flap_ns;       /* ... so far apart */

	/* --- What it did ------------------------------------------------------------------------------------- */
	u32 tx_frames, tx_descs, contexts, legacy_descs, tso_packets;
	u32 tx_unheard; /* frames that left while the link was down */
	u32 rx_frames, irqs, irqs_lost;

	/* --- Its own ------------------------------------------------------------------------------------------ */
	u64 rx_hold_until_ns;
	u32 rdh_read; /* what the driver read last */
	bool gone, silent, hold_told;
	struct e1000_model_ring txr, rxr;
	struct e1000_model_desc context, tso_context; /* the card keeps one of each kind */
	bool has_context, has_tso_context;
	u32 popts;
	bool in_frame, legacy, tso;
	u32 legacy_lower, legacy_upper; /* of the frame's first legacy descriptor */
	u8 packet[E1000_MODEL_TSO];     /* as fetched */
	u8 frame[E1000_MODEL_FRAME];    /* as it leaves */
	u32 packet_len, frame_len, frame_first;
	bool tx_running, tx_busy;
	u64 tx_done_at;
	struct e1000_model_done done[E1000_MODEL_RING];
	u32 nr_done;
	struct e1000_model_filled filled[E1000_MODEL_RING];
	u32 nr_filled;
	bool raised; /* the line as this card drives it */
	bool irq_lost, irq_waits;
	u64 irq_at, throttled_until, storm_at, flap_at, link_at;
	bool link_next;
};

/*
 * Power on: a card of device id @device with a link, in slot @slot (0..7), that is 00:(3 + slot).0, with the address
 * 52:54:00:12:34:(56 + slot), its own BAR 0 and the slot's line. Everything in it is new; the slot is free. Enters the
 * host's hooks for registers and PCI.
 */
void e1000_model_plug_at(struct e1000_model *m, u16 device, unsigned int slot);
/* A machine with this card alone, in slot 0; its events are the host's. */
void e1000_model_plug(struct e1000_model *m, u16 device);
/* Pulled out under way: its line falls, its registers and its PCI header read as ones. */
void e1000_model_unplug(struct e1000_model *m);
void e1000_model_unplug_all(void);
/* The line of a slot. */
unsigned int e1000_model_irq(unsigned int slot);

/* When this card does something by itself (UINT64_MAX: never), and its doing of all that is due. */
u64 e1000_model_next(const struct e1000_model *m);
void e1000_model_run(struct e1000_model *m);
/* The same for all cards; for host_set_events(). */
u64 e1000_models_next(void *unused);
void e1000_models_run(void *unused);

/* A frame from the wire with these receive errors (0: none). False: the receiver does not take it now. */
bool e1000_model_rx(struct e1000_model *m, const void *frame, u32 len, u8 errors);
/*
 * A descriptor that lies: the next one gets @len bytes of @data (as far as they fit into its buffer) and says @length,
 * @status and @errors, whatever they are. False: no descriptor, or the receiver is off.
 */
bool e1000_model_rx_desc(struct e1000_model *m, const void *data, u32 len, u16 length, u8 status,
			 u8 errors);
/* Would e1000_model_rx() take a frame of one descriptor now? */
bool e1000_model_rx_ready(const struct e1000_model *m);
void e1000_model_link(struct e1000_model *m, bool up);
/* The link changes in @ns from now. */
void e1000_model_link_in(struct e1000_model *m, bool up, u64 ns);
/* Raises causes, as a write of ICS does. */
void e1000_model_cause(struct e1000_model *m, u32 bits);

/* From now on every access is a mistake of the driver: it has let go of the card. */
void e1000_model_silence(struct e1000_model *m);
/* What the last mistake was, in words; "" when there was none since the last plug. */
const char *e1000_model_complaint(void);
/* How often the driver read (wrote) a register since power-on. */
u32 e1000_model_reads(const struct e1000_model *m, u32 reg);
u32 e1000_model_writes(const struct e1000_model *m, u32 reg);
#endif
