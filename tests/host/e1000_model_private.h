/* SPDX-License-Identifier: MIT */
/*
 * What the four files of the card's model share: register offsets and bits by their names in the manual, and calls.
 * Deliberately shares no constant with the driver. Calls go registers -> rings -> PCI and causes.
 */
#ifndef E1000_MODEL_PRIVATE_H
#define E1000_MODEL_PRIVATE_H
#include "e1000_model.h"

/* Registers, 8254x manual section 13. */
enum {
	CTRL = 0x0000,
	STATUS = 0x0008,
	EERD = 0x0014,
	VET = 0x0038,
	ICR = 0x00c0,
	ITR = 0x00c4,
	ICS = 0x00c8,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	TIPG = 0x0410,
	RDBAL = 0x2800,
	RDBAH = 0x2804,
	RDLEN = 0x2808,
	RDH = 0x2810,
	RDT = 0x2818,
	RDTR = 0x2820,
	RADV = 0x282c,
	TDBAL = 0x3800,
	TDBAH = 0x3804,
	TDLEN = 0x3808,
	TDH = 0x3810,
	TDT = 0x3818,
	TIDV = 0x3820,
	TXDCTL = 0x3828,
	TADV = 0x382c,
	CRCERRS = 0x4000,
	RXERRC = 0x400c,
	MPC = 0x4010,
	PRC64 = 0x405c,
	GPRC = 0x4074,
	BPRC = 0x4078,
	MPRC = 0x407c,
	GPTC = 0x4080,
	GORCL = 0x4088,
	GORCH = 0x408c,
	GOTCL = 0x4090,
	GOTCH = 0x4094,
	RNBC = 0x40a0,
	ROC = 0x40ac,
	TORL = 0x40c0,
	TORH = 0x40c4,
	TOTL = 0x40c8,
	TOTH = 0x40cc,
	TPR = 0x40d0,
	TPT = 0x40d4,
	PTC64 = 0x40d8,
	MPTC = 0x40f0,
	BPTC = 0x40f4,
	TSCTC = 0x40f8,
	STATS_END = 0x4100,
	MTA = 0x5200,
	RAL = 0x5400,
	RAH = 0x5404,
	VFTA = 0x5600,
	VFTA_END = 0x5800
};

#define BITS_CAUSE_TXDW   0x01u
#define BITS_CAUSE_TXQE   0x02u
#define BITS_CAUSE_LSC    0x04u
#define BITS_CAUSE_RXDMT0 0x10u
#define BITS_CAUSE_RXO    0x40u
#define BITS_CAUSE_RXT0   0x80u
#define BITS_EN           0x02u /* of RCTL and TCTL */

static inline u32 *e1000m_word(struct e1000_model *m, u32 reg)
{
	return &m->reg[reg / 4];
}

static inline u32 e1000m_get(const struct e1000_model *m, u32 reg)
{
	return m->reg[reg / 4];
}

static inline u32 e1000m_count(const struct e1000_model *m, u32 len_reg)
{
	return e1000m_get(m, len_reg) / 16;
}

/* e1000_model.c */
void __noreturn __printf(2, 3) e1000m_misuse(const struct e1000_model *m, const char *fmt, ...);
void e1000m_line(struct e1000_model *m); /* after every change of causes, mask or manners */
u32 e1000m_random(struct e1000_model *m, u64 below);
void e1000m_add(struct e1000_model *m, u32 reg, u64 n); /* a statistics register */
void e1000m_add64(struct e1000_model *m, u32 low, u64 n);
/* Counts a frame by its length into the six registers from @first on. */
void e1000m_add_size(struct e1000_model *m, u32 first, u32 len);
/* The card reads (@write: writes) memory: it may, and the range is mapped for that. */
void *e1000m_dma(const struct e1000_model *m, u64 addr, size_t len, bool write, const char *what,
		 u32 index);
struct e1000_model_desc *e1000m_desc(const struct e1000_model *m, u32 bal, u32 index);
/* A descriptor that the card owns looks as it did when it was handed over. */
void e1000m_unchanged(const struct e1000_model *m, const char *ring,
		      const struct e1000_model_ring *r, u32 bal, u32 index);
void e1000m_ring_check(const struct e1000_model *m, const char *ring, u32 bal);

/* e1000_model_tx.c */
void e1000m_tx_stored(struct e1000_model *m);
void e1000m_tx_tail(struct e1000_model *m, u32 v);
void e1000m_tx_head(struct e1000_model *m, u32 v);
void e1000m_tx_control(struct e1000_model *m, u32 v);
u64 e1000m_tx_next(const struct e1000_model *m);
void e1000m_tx_run(struct e1000_model *m);

/* Adds up @frame from @css to before @end and stores the complement at @cso. */
void e1000m_checksum(const struct e1000_model *m, u8 *frame, u32 len, u32 css, u32 cso, u32 end);
/* The two sums that a context names, as POPTS asks for them. */
void e1000m_checksums(const struct e1000_model *m, const struct e1000_model_desc *context,
		      u32 popts, u8 *frame, u32 len);
void e1000m_frame_leaves(struct e1000_model *m, u32 len); /* what is in m->frame */

/* e1000_model_tso.c */
void e1000m_tso_check(const struct e1000_model *m);
u32 e1000m_tso_segments(const struct e1000_model *m);
void e1000m_tso_send(struct e1000_model *m);

/* e1000_model_rx.c */
void e1000m_rx_tail(struct e1000_model *m, u32 v);
void e1000m_rx_head(struct e1000_model *m, u32 v);
void e1000m_rx_control(struct e1000_model *m, u32 v);
u64 e1000m_rx_next(const struct e1000_model *m);
void e1000m_rx_run(struct e1000_model *m);
#endif
