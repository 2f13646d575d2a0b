// SPDX-License-Identifier: MIT
/*
 * The model of the card: see e1000_model.h.
 *
 * Interface: e1000_model_plug_at, e1000_model_plug, e1000_model_unplug_all, e1000_model_irq, e1000_model_rx,
 * e1000_model_link, e1000_model_reads, e1000_model_writes.
 * Above: tests/unit/drivers. Below: tests/host/host.h. Context: wherever the driver touches a register.
 * Owns: nothing; the caller owns struct e1000_model until it is unplugged.
 * Specs: 8254x Software Developer's Manual sections 3 and 13. Deliberately shares no constant with the driver.
 */
#include "e1000_model.h"

#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	MTA = 0x5200,
	RAL = 0x5400,
	RAH = 0x5404,
	VFTA = 0x5600,
	VFTA_END = 0x5800
};

#define RX_BUFFER 2048u
#define HOLD_NS   1000000000ULL

struct desc {
	u64 addr;
	u32 lower, upper;
};

static struct e1000_model *slots[E1000_MODEL_SLOTS];

static void __noreturn misuse(const char *what, u64 value)
{
	fprintf(stderr, "e1000 model: %s: 0x%llx\n", what, (unsigned long long)value);
	abort();
}

static u32 *word(struct e1000_model *m, u32 reg)
{
	return &m->reg[reg / 4];
}

u32 e1000_model_reads(const struct e1000_model *m, u32 reg)
{
	return m->reads[reg / 4];
}

u32 e1000_model_writes(const struct e1000_model *m, u32 reg)
{
	return m->writes[reg / 4];
}

static bool known(u32 reg)
{
	static const u16 regs[] = { CTRL, STATUS, EERD,  VET,   ICR,   ITR,   ICS,  IMS,    IMC,
				    RCTL, TCTL,   TIPG,  RDBAL, RDBAH, RDLEN, RDH,  RDT,    RDTR,
				    RADV, TDBAL,  TDBAH, TDLEN, TDH,   TDT,   TIDV, TXDCTL, TADV };

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		if (regs[i] == reg)
			return true;
	return reg >= MTA && reg < VFTA_END && !(reg & 3);
}

/* --- Causes ----------------------------------------------------------------------------------------------------- */

unsigned int e1000_model_irq(unsigned int slot)
{
	static const unsigned int lines[] = { E1000_MODEL_IRQ, 10, 9, 5 };

	return lines[slot % ARRAY_SIZE(lines)];
}

static bool asserts(const struct e1000_model *m)
{
	bool intx_off = m->config[1] & 0x400;

	return !intx_off && !m->late_irq && (m->icr & m->reg[IMS / 4]);
}

/* The line is high while any card on it wants something. */
static void line_update(const struct e1000_model *m)
{
	unsigned int irq = e1000_model_irq(m->slot);
	bool high = false;

	for (unsigned int i = 0; i < E1000_MODEL_SLOTS; i++)
		if (slots[i] && e1000_model_irq(i) == irq)
			high |= asserts(slots[i]);
	host_irq_set(irq, high);
}

static void cause(struct e1000_model *m, u32 bits)
{
	m->icr |= bits;
	line_update(m);
}

/* --- Transmission --------------------------------------------------------------------------------------------- */

static struct desc *ring_desc(struct e1000_model *m, u32 bal, u32 i)
{
	if (!(m->config[1] & 4))
		misuse("DMA without bus mastering", bal);
	return (struct desc *)((u64)*word(m, bal) | (u64)*word(m, bal + 4) << 32) + i;
}

static void insert_checksum(struct e1000_model *m)
{
	u32 css = m->context >> 32 & 0xff, cso = m->context >> 40 & 0xff;
	u32 cse = m->context >> 48 & 0xffff, end = cse ? cse + 1 : m->frame_len;
	u64 sum = 0;

	if (cso + 2 > m->frame_len || css > end)
		misuse("checksum outside the frame", m->context);
	for (u32 i = css; i < end; i++)
		sum += (u32)m->frame[i] << ((i - css) & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	if (!sum)
		sum = 0xffff;
	m->frame[cso] = (u8)(sum >> 8);
	m->frame[cso + 1] = (u8)sum;
}

static void frame_leaves(struct e1000_model *m)
{
	if (m->popts & 2)
		insert_checksum(m);
	m->tx_frames++;
	if (m->tx && m->link)
		m->tx(m->arg, m->frame, m->frame_len);
	m->frame_len = 0;
	m->in_frame = false;
}

static void tx_data(struct e1000_model *m, const struct desc *d)
{
	u32 len = d->lower & 0xffff;

	if (m->frame_len + len > E1000_MODEL_FRAME)
		misuse("frame too long", m->frame_len + len);
	if (!m->in_frame)
		m->popts = d->upper >> 8 & 0xff;
	else if (m->popts != (d->upper >> 8 & 0xff))
		misuse("POPTS differ inside a packet", d->upper);
	m->in_frame = true;
	memcpy(m->frame + m->frame_len, (const void *)d->addr, len);
	m->frame_len += len;
	if (d->lower & 1u << 24)
		frame_leaves(m);
}

static void tx_desc(struct e1000_model *m, const struct desc *d)
{
	if (!(d->lower & 1u << 29))
		misuse("legacy descriptor", d->lower);
	if (d->lower >> 20 & 15) {
		tx_data(m, d);
		return;
	}
	if (m->in_frame)
		misuse("context inside a packet", d->lower);
	m->context = d->addr;
	m->contexts++;
}

static void tx_run(struct e1000_model *m)
{
	u32 count = *word(m, TDLEN) / 16, bits = 2;

	if (!(*word(m, TCTL) & 2))
		return;
	while (*word(m, TDH) != *word(m, TDT)) {
		struct desc *d = ring_desc(m, TDBAL, *word(m, TDH));

		if (*word(m, TDT) >= count || *word(m, TDH) >= count)
			misuse("TDT outside the ring", *word(m, TDT));
		tx_desc(m, d);
		m->tx_descs++;
		if (d->lower & 1u << 27) {
			if (!m->no_dd)
				d->upper |= 1;
			bits |= 1;
		}
		*word(m, TDH) = (*word(m, TDH) + 1) % count;
	}
	cause(m, bits);
}

/* --- Reception ---------------------------------------------------------------------------------------------------- */

static bool can_receive(struct e1000_model *m)
{
	return m->link && (*word(m, RCTL) & 2) && (m->config[1] & 4) &&
	       *word(m, RDH) != *word(m, RDT) && host_clock() >= m->rx_hold_until_ns;
}

bool e1000_model_rx(struct e1000_model *m, const void *frame, u32 len, u8 errors)
{
	u32 count = *word(m, RDLEN) / 16, need = (len + RX_BUFFER - 1) / RX_BUFFER;
	u32 room = (*word(m, RDT) + count - *word(m, RDH)) % (count ? count : 1);
	const u8 *from = frame;

	if (!can_receive(m) || need > room)
		return false;
	for (u32 left = len; left;) {
		struct desc *d = ring_desc(m, RDBAL, *word(m, RDH));
		u32 n = left < RX_BUFFER ? left : RX_BUFFER;

		memcpy((void *)d->addr, from, n);
		from += n;
		left -= n;
		d->lower = n;
		d->upper = 1u | 4u | (left ? 0 : 2u) | (u32)errors << 8;
		*word(m, RDH) = (*word(m, RDH) + 1) % count;
	}
	cause(m, 0x80);
	return true;
}

void e1000_model_link(struct e1000_model *m, bool up)
{
	m->link = up;
	cause(m, 4);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

/* The card behind @addr; NULL where none is plugged. */
static struct e1000_model *reach(u64 addr, u32 *reg)
{
	u64 slot = (addr - E1000_MODEL_BAR0) / E1000_MODEL_BAR;
	struct e1000_model *m;

	if (addr < E1000_MODEL_BAR0 || slot >= E1000_MODEL_SLOTS)
		misuse("no such card", addr);
	m = slots[slot];
	*reg = (u32)((addr - E1000_MODEL_BAR0) % E1000_MODEL_BAR);
	if (!m)
		return NULL;
	if (*reg >= E1000_MODEL_WORDS * 4 || !known(*reg))
		misuse("no such register", addr);
	if (!(m->config[1] & 2))
		misuse("memory decoding is off", addr);
	return m;
}

static u32 model_read(void *arg, u64 addr)
{
	u32 reg, v;
	struct e1000_model *m = reach(addr, &reg);

	(void)arg;
	if (!m)
		return UINT32_MAX;
	m->reads[reg / 4]++;
	switch (reg) {
	case STATUS:
		return 0x80080781u | (m->link ? 2 : 0);
	case ICR:
		v = m->icr;
		m->icr = 0;
		line_update(m);
		return v;
	case ICS:
		return m->icr;
	case IMC:
		return 0;
	default:
		return *word(m, reg);
	}
}

static void eeprom_read(struct e1000_model *m, u32 v)
{
	u32 at = v >> 8 & 0x3f;

	*word(m, EERD) = m->eeprom_off ? v : (u32)m->eeprom[at] << 16 | (v & 0xff00) | 0x10;
}

static void model_write(void *arg, u64 addr, u32 v)
{
	u32 reg;
	struct e1000_model *m = reach(addr, &reg);

	(void)arg;
	if (!m)
		return;
	m->writes[reg / 4]++;
	switch (reg) {
	case ICR:
		m->icr &= ~v;
		line_update(m);
		return;
	case ICS:
		cause(m, v);
		return;
	case IMS:
		*word(m, IMS) |= v;
		line_update(m);
		return;
	case IMC:
		*word(m, IMS) &= ~v;
		line_update(m);
		return;
	case EERD:
		eeprom_read(m, v);
		return;
	case STATUS:
		return;
	case RCTL:
		m->rx_hold_until_ns = host_clock() + HOLD_NS;
		break;
	case TDH:
	case RDH:
	case RDT:
		v &= 0xffff;
		break;
	case TDT:
	case TCTL:
		*word(m, reg) = reg == TDT ? v & 0xffff : v;
		tx_run(m);
		return;
	default:
		break;
	}
	*word(m, reg) = v;
}

/* --- PCI -------------------------------------------------------------------------------------------------------------- */

static struct e1000_model *card_at(unsigned int bus, unsigned int dev, unsigned int fn)
{
	if (bus || fn || dev < 3 || dev - 3 >= E1000_MODEL_SLOTS)
		return NULL;
	return slots[dev - 3];
}

static u32 config_read(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg)
{
	const struct e1000_model *m = card_at(bus, dev, fn);

	return m ? m->config[reg / 4] : UINT32_MAX;
}

static void config_write(unsigned int bus, unsigned int dev, unsigned int fn, unsigned int reg,
			 u32 v)
{
	struct e1000_model *m = card_at(bus, dev, fn);

	if (!m)
		return;
	switch (reg) {
	case 0x04:
		m->config[1] = (m->config[1] & 0xffff0000) | (v & 0x547);
		line_update(m);
		break;
	case 0x10:
		m->config[4] = v & ~0x1ffffu;
		break;
	case 0x14:
		m->config[5] = (v & ~0x3fu) | 1;
		break;
	case 0x3c:
		m->config[15] = (m->config[15] & ~0xffu) | (v & 0xff);
		break;
	default:
		break;
	}
}

void e1000_model_plug_at(struct e1000_model *m, u16 device, unsigned int slot)
{
	if (slot >= E1000_MODEL_SLOTS || slots[slot])
		misuse("slot is not free", slot);
	memset(m, 0, sizeof(*m));
	m->slot = slot;
	slots[slot] = m;
	m->link = true;
	m->config[0] = (u32)device << 16 | 0x8086;
	m->config[1] = 0x0103;
	m->config[2] = 0x02000003;
	m->config[4] = (u32)(E1000_MODEL_BAR0 + slot * E1000_MODEL_BAR);
	m->config[5] = 0xc001 + slot * 0x40;
	m->config[11] = 0x11001af4;
	m->config[15] = 0x0100 | e1000_model_irq(slot);
	m->eeprom[0] = 0x5452;
	m->eeprom[1] = 0x1200;
	m->eeprom[2] = (u16)(0x5634 + (slot << 8));
	*word(m, RAL) = 0x12005452;
	*word(m, RAH) = 0x80000000u | m->eeprom[2];
	*word(m, CTRL) = 0x00140240;
	host_mmio_set(model_read, model_write, NULL);
	host_pci_set(config_read, config_write);
}

void e1000_model_unplug_all(void)
{
	for (unsigned int i = 0; i < E1000_MODEL_SLOTS; i++) {
		const struct e1000_model *m = slots[i];

		slots[i] = NULL;
		if (m)
			line_update(m);
	}
}

void e1000_model_plug(struct e1000_model *m, u16 device)
{
	e1000_model_unplug_all();
	e1000_model_plug_at(m, device, 0);
}
