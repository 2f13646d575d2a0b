// SPDX-License-Identifier: MIT
/*
 * The model of the card: registers, causes and the line, the PCI header, the link, statistics. See e1000_model.h.
 *
 * Interface: e1000_model_plug_at, e1000_model_plug, e1000_model_unplug, e1000_model_unplug_all, e1000_model_irq,
 * e1000_model_next, e1000_model_run, e1000_models_next, e1000_models_run, e1000_model_link, e1000_model_link_in,
 * e1000_model_cause, e1000_model_silence, e1000_model_complaint, e1000_model_reads, e1000_model_writes.
 * Above: tests/unit/drivers, tests/sim, tests/fuzz. Below: e1000_model_tx.c, e1000_model_rx.c, tests/host/host.h.
 * Context: wherever the driver touches a register; e1000_model_run with interrupts off.
 * Owns: nothing; the caller owns struct e1000_model until it is unplugged.
 * Specs: 8254x Software Developer's Manual sections 3, 5 and 13.
 */
#include "e1000_model_private.h"

#include "host.h"

#include <arch/bug.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HOLD_NS 1000000000ULL
#define EVENTS_AT_ONCE                                                                             \
	1000000u /* of one card at one moment: more is a mistake of the model's user */
#define ITR_UNIT_NS 256u
#define ITR_LEAST   500u /* units: 128 us */

static struct e1000_model *slots[E1000_MODEL_SLOTS];
static char complaint[512];

/* --- Mistakes of the driver ---------------------------------------------------------------------------------- */

/* Ends the test, or comes back to the host_catch_exit() around it. */
void e1000m_misuse(const struct e1000_model *m, const char *fmt, ...)
{
	va_list args;
	int n = snprintf(complaint, sizeof(complaint),
			 "e1000 model 00:%02x.0: ", m ? m->slot + 3 : 0);

	va_start(args, fmt);
	vsnprintf(complaint + n, sizeof(complaint) - (size_t)n, fmt, args);
	va_end(args);
	arch_bug(complaint);
}

const char *e1000_model_complaint(void)
{
	return complaint;
}

u32 e1000_model_reads(const struct e1000_model *m, u32 reg)
{
	return m->reads[reg / 4];
}

u32 e1000_model_writes(const struct e1000_model *m, u32 reg)
{
	return m->writes[reg / 4];
}

u32 e1000m_random(struct e1000_model *m, u64 below)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return below ? (u32)((m->seed >> 33) % below) : 0;
}

/* --- Causes and the line ------------------------------------------------------------------------------------- */

unsigned int e1000_model_irq(unsigned int slot)
{
	static const unsigned int lines[] = { E1000_MODEL_IRQ, 10, 9, 5 };

	return lines[slot % ARRAY_SIZE(lines)];
}

static bool wants(const struct e1000_model *m)
{
	return !m->late_irq && (m->icr & e1000m_get(m, IMS));
}

/* How long no further interrupt may follow the one of now; in the emulated card's way. */
static u64 throttle_ns(const struct e1000_model *m)
{
	u32 units = e1000m_get(m, ITR), radv = e1000m_get(m, RADV) * 4;

	if (e1000m_get(m, RDTR) && (m->icr & BITS_CAUSE_RXT0) && radv && (!units || radv < units))
		units = radv;
	return (u64)(units < ITR_LEAST ? ITR_LEAST : units) * ITR_UNIT_NS;
}

/* Does the wish reach the line? A rise may be throttled, late or lost; a fall never is. */
static bool may_rise(struct e1000_model *m)
{
	u64 now = host_clock();

	if (m->irq_lost || (m->mitigation && now < m->throttled_until))
		return false;
	if (m->irq_delay_ns && !m->irq_waits) {
		m->irq_waits = true;
		m->irq_at = now + m->irq_delay_ns;
	}
	if (m->irq_waits && now < m->irq_at)
		return false;
	m->irq_waits = false;
	if (m->lose_irqs) {
		m->lose_irqs -= m->lose_irqs != UINT32_MAX;
		m->irqs_lost++;
		m->irq_lost = true;
		return false;
	}
	m->irqs++;
	if (m->mitigation)
		m->throttled_until = now + throttle_ns(m);
	return true;
}

/* The line is high while any card on it drives it. May deliver an interrupt: comes last in whatever the card does. */
void e1000m_line(struct e1000_model *m)
{
	unsigned int irq = e1000_model_irq(m->slot);
	bool high = false;

	if (!wants(m))
		m->raised = m->irq_lost = m->irq_waits = false;
	else if (!m->raised)
		m->raised = may_rise(m);
	if (m->gone)
		m->raised = false;
	for (unsigned int i = 0; i < E1000_MODEL_SLOTS; i++)
		if (slots[i] && e1000_model_irq(i) == irq)
			high |= (slots[i]->raised && !(slots[i]->config[1] & 0x400)) ||
				slots[i]->stuck_line;
	host_irq_set(irq, high);
}

void e1000_model_cause(struct e1000_model *m, u32 bits)
{
	m->icr |= bits;
	m->irq_lost = false;
	e1000m_line(m);
}

/* --- Memory ---------------------------------------------------------------------------------------------------- */

void *e1000m_dma(const struct e1000_model *m, u64 addr, size_t len, bool write, const char *what,
		 u32 index)
{
	if (!(m->config[1] & 4))
		e1000m_misuse(m, "DMA without bus mastering: %s %u at 0x%llx", what, index,
			      (unsigned long long)addr);
	if (!host_dma_allowed(addr, len, write ? HOST_DMA_WRITE : HOST_DMA_READ))
		e1000m_misuse(m, "%s %u: %zu bytes at 0x%llx are not mapped for %s", what, index,
			      len, (unsigned long long)addr, write ? "writing" : "reading");
	return (void *)addr;
}

static u64 ring_base(const struct e1000_model *m, u32 bal)
{
	return (u64)e1000m_get(m, bal) | (u64)e1000m_get(m, bal + 4) << 32;
}

struct e1000_model_desc *e1000m_desc(const struct e1000_model *m, u32 bal, u32 index)
{
	return e1000m_dma(m, ring_base(m, bal) + (u64)index * 16, 16, true,
			  bal == TDBAL ? "transmit descriptor" : "receive descriptor", index);
}

void e1000m_unchanged(const struct e1000_model *m, const char *ring,
		      const struct e1000_model_ring *r, u32 bal, u32 index)
{
	const struct e1000_model_desc *was = &r->seen[index], *is = e1000m_desc(m, bal, index);

	if (was->addr != is->addr || was->lower != is->lower || was->upper != is->upper)
		e1000m_misuse(m,
			      "%s descriptor %u changed while the card owns it: "
			      "was %016llx %08x %08x, is %016llx %08x %08x",
			      ring, index, (unsigned long long)was->addr, was->lower, was->upper,
			      (unsigned long long)is->addr, is->lower, is->upper);
}

/* A ring that is about to be used: aligned, of whole cache lines, in memory of its own. */
void e1000m_ring_check(const struct e1000_model *m, const char *ring, u32 bal)
{
	u32 len = e1000m_get(m, bal + 8);

	if (!len || len % 128 || len / 16 > E1000_MODEL_RING)
		e1000m_misuse(m, "%s of %u bytes: not 128..65536 in steps of 128", ring, len);
	e1000m_dma(m, ring_base(m, bal), len, true, ring, 0);
}

/* --- Statistics -------------------------------------------------------------------------------------------------- */

/* They stick at the highest value (section 13.7). */
void e1000m_add(struct e1000_model *m, u32 reg, u64 n)
{
	u64 sum = (u64)e1000m_get(m, reg) + n;

	*e1000m_word(m, reg) = sum > UINT32_MAX ? UINT32_MAX : (u32)sum;
}

void e1000m_add64(struct e1000_model *m, u32 low, u64 n)
{
	u64 sum = (u64)e1000m_get(m, low) + ((u64)e1000m_get(m, low + 4) << 32) + n;

	*e1000m_word(m, low) = (u32)sum;
	*e1000m_word(m, low + 4) = (u32)(sum >> 32);
}

void e1000m_add_size(struct e1000_model *m, u32 first, u32 len)
{
	static const u32 upto[] = { 64, 127, 255, 511, 1023, 1522 };

	for (u32 i = 0; i < ARRAY_SIZE(upto); i++)
		if (len <= upto[i]) {
			e1000m_add(m, first + 4 * i, 1);
			return;
		}
}

/* The pairs of 64 bits clear both halves when the high one is read. */
static u32 stats_read(struct e1000_model *m, u32 reg)
{
	u32 v = e1000m_get(m, reg);
	bool low = reg == GORCL || reg == GOTCL || reg == TORL || reg == TOTL;
	bool high = reg == GORCH || reg == GOTCH || reg == TORH || reg == TOTH;

	if (!low)
		*e1000m_word(m, reg) = 0;
	if (high)
		*e1000m_word(m, reg - 4) = 0;
	return v;
}

/* --- Registers ----------------------------------------------------------------------------------------------------- */

/* Writable bits of the plain registers; all others of the word are reserved or read only. */
struct reg_rule {
	u32 reg;
	const char *name;
	u32 mask;
};

static const struct reg_rule rules[] = {
	{ CTRL, "CTRL", 0xdcdc1be9 },     { EERD, "EERD", 0x0000ff01 },
	{ VET, "VET", 0x0000ffff },       { ITR, "ITR", 0x0000ffff },
	{ ICR, "ICR", 0xffffffff },       { ICS, "ICS", 0x0001fedf },
	{ IMS, "IMS", 0x0001fedf },       { IMC, "IMC", 0xffffffff },
	{ RCTL, "RCTL", 0x06dfb3fe },     { TCTL, "TCTL", 0x037ffffa },
	{ TIPG, "TIPG", 0x3fffffff },     { RDBAL, "RDBAL", 0xfffffff0 },
	{ RDBAH, "RDBAH", 0xffffffff },   { RDLEN, "RDLEN", 0x000fff80 },
	{ RDH, "RDH", 0x0000ffff },       { RDT, "RDT", 0x0000ffff },
	{ RDTR, "RDTR", 0x8000ffff },     { RADV, "RADV", 0x0000ffff },
	{ TDBAL, "TDBAL", 0xfffffff0 },   { TDBAH, "TDBAH", 0xffffffff },
	{ TDLEN, "TDLEN", 0x000fff80 },   { TDH, "TDH", 0x0000ffff },
	{ TDT, "TDT", 0x0000ffff },       { TIDV, "TIDV", 0x0000ffff },
	{ TXDCTL, "TXDCTL", 0xff3f3f3f }, { TADV, "TADV", 0x0000ffff },
};

static const struct reg_rule *rule_of(u32 reg)
{
	static const struct reg_rule table = { 0, "a table", 0xffffffff };
	static const struct reg_rule rah = { 0, "RAH", 0x8003ffff };

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].reg == reg)
			return &rules[i];
	if (reg & 3)
		return NULL;
	if (reg >= RAL && reg < RAL + 128)
		return reg & 4 ? &rah : &table;
	return (reg >= MTA && reg < MTA + 512) || (reg >= VFTA && reg < VFTA_END) ? &table : NULL;
}

static bool is_statistic(u32 reg)
{
	return reg >= CRCERRS && reg < STATS_END && !(reg & 3);
}

/* The card behind @addr; NULL where none is plugged. */
static struct e1000_model *reach(u64 addr, u32 *reg, bool write)
{
	u64 slot = (addr - E1000_MODEL_BAR0) / E1000_MODEL_BAR;
	struct e1000_model *m;

	if (addr < E1000_MODEL_BAR0 || slot >= E1000_MODEL_SLOTS)
		e1000m_misuse(NULL, "no such card at 0x%llx", (unsigned long long)addr);
	m = slots[slot];
	*reg = (u32)((addr - E1000_MODEL_BAR0) % E1000_MODEL_BAR);
	if (!m || m->gone)
		return NULL;
	if (*reg >= E1000_MODEL_WORDS * 4 ||
	    !(rule_of(*reg) || is_statistic(*reg) || *reg == STATUS))
		e1000m_misuse(m, "no such register: 0x%x", *reg);
	if (m->silent)
		e1000m_misuse(m, "access to register 0x%x after the driver let go", *reg);
	if (!(m->config[1] & 2))
		e1000m_misuse(m, "memory decoding is off: register 0x%x", *reg);
	if (m->access_ns) {
		host_clock_set(host_clock() + m->access_ns);
		e1000_model_run(m);
	}
	if (m->on_access)
		m->on_access(m->arg, *reg, write);
	return m;
}

static u32 model_read(void *unused, u64 addr)
{
	u32 reg, v;
	struct e1000_model *m = reach(addr, &reg, false);

	(void)unused;
	if (!m)
		return UINT32_MAX;
	m->reads[reg / 4]++;
	if (is_statistic(reg))
		return stats_read(m, reg);
	switch (reg) {
	case STATUS:
		return e1000m_get(m, STATUS) | (m->link ? 2 : 0);
	case ICR:
		v = m->icr;
		m->icr = 0;
		e1000m_line(m);
		return v;
	case ICS:
		return m->icr;
	case IMC:
		return 0;
	case RDH:
		m->rdh_read = e1000m_get(m, RDH);
		return m->rdh_read;
	default:
		return e1000m_get(m, reg);
	}
}

static void eeprom_read(struct e1000_model *m, u32 v)
{
	u32 at = v >> 8 & 0x3f;

	*e1000m_word(m, EERD) = m->eeprom_off ? v : (u32)m->eeprom[at] << 16 | (v & 0xff00) | 0x10;
}

/* The base or length of a ring that the card works on must not change. */
static void ring_place(struct e1000_model *m, const struct reg_rule *rule, u32 v)
{
	bool tx = rule->reg >= TDBAL;
	u32 control = e1000m_get(m, tx ? TCTL : RCTL), head = e1000m_get(m, tx ? TDH : RDH);

	if ((control & BITS_EN) && head != e1000m_get(m, tx ? TDT : RDT))
		e1000m_misuse(m, "%s written while the card works on the ring: %08x", rule->name,
			      v);
	*e1000m_word(m, rule->reg) = v;
}

/* The registers that do something when they are written; the others only remember. */
static void model_act(struct e1000_model *m, const struct reg_rule *rule, u32 v)
{
	switch (rule->reg) {
	case ICR:
		m->icr &= ~v;
		break;
	case ICS:
		m->icr |= v;
		m->irq_lost = false;
		break;
	case IMS:
		*e1000m_word(m, IMS) |= v;
		m->irq_lost = false;
		break;
	case IMC:
		*e1000m_word(m, IMS) &= ~v;
		break;
	case EERD:
		eeprom_read(m, v);
		break;
	case RCTL:
		e1000m_rx_control(m, v);
		break;
	case TCTL:
		e1000m_tx_control(m, v);
		break;
	case TDH:
		e1000m_tx_head(m, v);
		break;
	case TDT:
		e1000m_tx_tail(m, v);
		break;
	case RDH:
		e1000m_rx_head(m, v);
		break;
	case RDT:
		e1000m_rx_tail(m, v);
		break;
	default:
		*e1000m_word(m, rule->reg) = v;
		break;
	}
}

static void model_write(void *unused, u64 addr, u32 v)
{
	u32 reg, reserved;
	struct e1000_model *m = reach(addr, &reg, true);
	const struct reg_rule *rule;

	(void)unused;
	if (!m)
		return;
	rule = rule_of(reg);
	if (!rule)
		e1000m_misuse(m, "write to the read-only register 0x%x: %08x", reg, v);
	m->writes[reg / 4]++;
	reserved = (v ^ (reg == CTRL ? e1000m_get(m, reg) : 0)) & ~rule->mask;
	if (reserved)
		e1000m_misuse(m, "%s (0x%x) written with reserved bits %08x: %08x", rule->name, reg,
			      reserved, v);
	if (rule->reg >= RDBAL && rule->reg <= TDLEN && (rule->reg & 0xff) <= 8)
		ring_place(m, rule, v);
	else if (rule->reg)
		model_act(m, rule, v);
	else
		*e1000m_word(m, reg) = v; /* CTRL, and the tables */
	e1000m_line(m);
}

/* --- Link ------------------------------------------------------------------------------------------------------------ */

static void link_set(struct e1000_model *m, bool up)
{
	m->link = up;
	m->icr |= BITS_CAUSE_LSC;
	m->irq_lost = false;
	if (up && m->rx_ready && e1000_model_rx_ready(m))
		m->rx_ready(m->arg);
}

void e1000_model_link(struct e1000_model *m, bool up)
{
	link_set(m, up);
	e1000m_line(m);
}

void e1000_model_link_in(struct e1000_model *m, bool up, u64 ns)
{
	m->link_next = up;
	m->link_at = host_clock() + ns;
}

/* --- Events ---------------------------------------------------------------------------------------------------------- */

static u64 earlier(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* A rise that was held back comes when the throttle and the delay are over. */
static u64 irq_next(const struct e1000_model *m)
{
	if (!wants(m) || m->raised || m->irq_lost || !(m->mitigation || m->irq_waits))
		return UINT64_MAX;
	if (!m->mitigation || (m->irq_waits && m->irq_at > m->throttled_until))
		return m->irq_at;
	return m->throttled_until;
}

u64 e1000_model_next(const struct e1000_model *m)
{
	u64 t = earlier(e1000m_tx_next(m), e1000m_rx_next(m));

	if (m->gone)
		return UINT64_MAX;
	t = earlier(t, irq_next(m));
	if (m->storm)
		t = earlier(t, m->storm_at);
	if (m->flaps)
		t = earlier(t, m->flap_at);
	if (m->link_at)
		t = earlier(t, m->link_at);
	return t;
}

/* Events that repeat: the first comes at once, each of the others @every after the one before. */
static bool comes_round(u32 *left, u64 *at, u64 every, u64 now)
{
	if (!*left || now < *at)
		return false;
	--*left;
	*at = now + (every ? every : 1);
	return true;
}

static void run_once(struct e1000_model *m, u64 now)
{
	e1000m_tx_run(m);
	e1000m_rx_run(m);
	if (comes_round(&m->storm, &m->storm_at, m->storm_ns, now))
		m->icr |= BITS_CAUSE_RXT0;
	if (comes_round(&m->flaps, &m->flap_at, m->flap_ns, now))
		link_set(m, !m->link);
	if (m->link_at && now >= m->link_at) {
		m->link_at = 0;
		link_set(m, m->link_next);
	}
	e1000m_line(m);
}

void e1000_model_run(struct e1000_model *m)
{
	u64 now = host_clock();

	for (u32 i = 0; e1000_model_next(m) <= now; i++) {
		if (i == EVENTS_AT_ONCE)
			e1000m_misuse(m, "time stands still");
		run_once(m, now);
	}
}

u64 e1000_models_next(void *unused)
{
	u64 t = UINT64_MAX;

	(void)unused;
	for (unsigned int i = 0; i < E1000_MODEL_SLOTS; i++)
		if (slots[i])
			t = earlier(t, e1000_model_next(slots[i]));
	return t;
}

void e1000_models_run(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < E1000_MODEL_SLOTS; i++)
		if (slots[i])
			e1000_model_run(slots[i]);
}

/* --- PCI --------------------------------------------------------------------------------------------------------------- */

static struct e1000_model *card_at(unsigned int bus, unsigned int dev, unsigned int fn)
{
	if (bus || fn || dev < 3 || dev - 3 >= E1000_MODEL_SLOTS)
		return NULL;
	return slots[dev - 3] && !slots[dev - 3]->gone ? slots[dev - 3] : NULL;
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
		e1000m_line(m);
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

/* What the driver has stored reaches memory: a tail that is written next may hand it over. */
static void model_barrier(void)
{
	for (u32 i = 0; i < E1000_MODEL_SLOTS; i++)
		if (slots[i] && !slots[i]->silent)
			e1000m_tx_stored(slots[i]);
}

void e1000_model_plug_at(struct e1000_model *m, u16 device, unsigned int slot)
{
	if (slot >= E1000_MODEL_SLOTS || slots[slot])
		e1000m_misuse(NULL, "slot %u is not free", slot);
	memset(m, 0, sizeof(*m));
	complaint[0] = '\0';
	m->slot = slot;
	m->seed = 1;
	m->hold_ns = HOLD_NS;
	m->frame_first = UINT32_MAX;
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
	*e1000m_word(m, RAL) = 0x12005452;
	*e1000m_word(m, RAH) = 0x80000000u | m->eeprom[2];
	*e1000m_word(m, CTRL) = 0x00140240;
	*e1000m_word(m, STATUS) = 0x80080781;
	m->rdh_read = UINT32_MAX;
	host_mmio_set(model_read, model_write, NULL);
	host_pci_set(config_read, config_write);
	host_barrier_set(model_barrier);
}

void e1000_model_unplug(struct e1000_model *m)
{
	m->gone = true;
	m->stuck_line = false;
	e1000m_line(m);
}

void e1000_model_unplug_all(void)
{
	for (unsigned int i = 0; i < E1000_MODEL_SLOTS; i++) {
		if (slots[i])
			e1000_model_unplug(slots[i]);
		slots[i] = NULL;
	}
}

void e1000_model_plug(struct e1000_model *m, u16 device)
{
	e1000_model_unplug_all();
	e1000_model_plug_at(m, device, 0);
	host_set_events(e1000_models_next, e1000_models_run, NULL);
}

void e1000_model_silence(struct e1000_model *m)
{
	m->silent = true;
}
