// SPDX-License-Identifier: MIT
/*
 * The model of the card, receiver: from a frame on the wire over the address filter and the buffers to DD.
 *
 * Data is in the buffer when the frame arrives; the descriptor says so at once or, if the test wants, later and out of
 * order (filled[]). The head register names the oldest descriptor that is not written back. A tail equal to the head
 * takes all descriptors away from the card, which is how a driver parks the receiver.
 *
 * Interface: e1000_model_rx, e1000_model_rx_desc, e1000_model_rx_ready; e1000m_rx_*, for e1000_model.c.
 * Above: tests. Below: e1000_model.c, tests/host/host.h. Context: as e1000_model.c. Owns: nothing.
 * Specs: 8254x Software Developer's Manual sections 3.2 and 13.4, 13.5 (filters).
 */
#include "e1000_model_private.h"

#include "host.h"

#include <string.h>

#define LONGEST  1522u
#define SHORTEST 60u
#define STA_DD   1u
#define STA_EOP  2u
#define STA_IXSM 4u /* these parts, as emulated, check nothing */
#define ERR_CE   0x01u
#define ERR_RXE  0x80u

#define RCTL_SBP   0x00000004u
#define RCTL_UPE   0x00000008u
#define RCTL_MPE   0x00000010u
#define RCTL_LPE   0x00000020u
#define RCTL_BAM   0x00008000u
#define RCTL_BSEX  0x02000000u
#define RCTL_SECRC 0x04000000u

/* --- Which frames --------------------------------------------------------------------------------------------- */

static bool hash_match(const struct e1000_model *m, const u8 *mac)
{
	static const u8 shift[] = { 4, 3, 2, 0 };
	u32 hash = ((u32)mac[5] << 8 | mac[4]) >> shift[e1000m_get(m, RCTL) >> 12 & 3] & 0xfff;

	return e1000m_get(m, MTA + 4 * (hash >> 5)) >> (hash & 31) & 1;
}

static bool address_match(const struct e1000_model *m, const u8 *mac)
{
	static const u8 broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	u32 rctl = e1000m_get(m, RCTL);

	if (!memcmp(mac, broadcast, 6))
		return rctl & RCTL_BAM;
	if (rctl & (mac[0] & 1 ? RCTL_MPE : RCTL_UPE))
		return true;
	for (u32 i = 0; i < 16; i++) {
		u32 low = e1000m_get(m, RAL + 8 * i), high = e1000m_get(m, RAH + 8 * i);

		if (high >> 31 && !memcmp(mac, &low, 4) && mac[4] == (u8)high &&
		    mac[5] == (u8)(high >> 8))
			return true;
	}
	return hash_match(m, mac);
}

static u32 buffer_size(const struct e1000_model *m)
{
	u32 rctl = e1000m_get(m, RCTL), size = 2048u >> (rctl >> 16 & 3);

	return rctl & RCTL_BSEX ? size * 16 : size;
}

/* Descriptors the card may still fill. */
static u32 room(const struct e1000_model *m)
{
	u32 count = e1000m_count(m, RDLEN);

	return count ? (e1000m_get(m, RDT) + count - m->rxr.fetch) % count : 0;
}

static bool receiver_on(const struct e1000_model *m)
{
	return m->link && !m->gone && (e1000m_get(m, RCTL) & BITS_EN) && (m->config[1] & 4) &&
	       host_clock() >= m->rx_hold_until_ns;
}

bool e1000_model_rx_ready(const struct e1000_model *m)
{
	return receiver_on(m) && (room(m) || m->overrun);
}

/* --- Write-back ------------------------------------------------------------------------------------------------ */

static u32 next_index(const struct e1000_model *m, u32 i)
{
	return i + 1 == e1000m_count(m, RDLEN) ? 0 : i + 1;
}

/* One descriptor says what is in its buffer, and is the driver's again. */
static void write_back(struct e1000_model *m, struct e1000_model_filled *f)
{
	struct e1000_model_desc *d = e1000m_desc(m, RDBAL, f->index);

	e1000m_unchanged(m, "receive", &m->rxr, RDBAL, f->index);
	m->rxr.owned[f->index] = false;
	d->lower = f->lower;
	d->upper = f->upper;
	f->written = true;
}

/* The head passes what is written without a gap; the oldest entries leave the list. */
static void head_follows(struct e1000_model *m)
{
	u32 n = 0;

	while (n < m->nr_filled && m->filled[n].written)
		*e1000m_word(m, RDH) = next_index(m, m->filled[n++].index);
	m->nr_filled -= n;
	memmove(m->filled, m->filled + n, m->nr_filled * sizeof(m->filled[0]));
}

/* Writes back all that is due. The causes follow: a frame, and few descriptors left. */
static void write_back_due(struct e1000_model *m, u64 now)
{
	u32 count = e1000m_count(m, RDLEN), few = count >> (1 + (e1000m_get(m, RCTL) >> 8 & 3));
	bool any = false;

	for (u32 i = 0; i < m->nr_filled; i++) {
		struct e1000_model_filled *f = &m->filled[i];

		if (f->written || f->due > now)
			continue;
		write_back(m, f);
		any = true;
	}
	if (!any)
		return;
	head_follows(m);
	m->icr |= BITS_CAUSE_RXT0 | (room(m) <= few ? BITS_CAUSE_RXDMT0 : 0);
	m->irq_lost = false;
}

/* Fills the next descriptor's buffer with @n bytes; it will say @lower and @upper. */
static void fill(struct e1000_model *m, const void *data, u32 n, u32 lower, u32 upper, u64 due)
{
	u32 i = m->rxr.fetch;

	e1000m_unchanged(m, "receive", &m->rxr, RDBAL, i);
	if (n)
		memcpy(e1000m_dma(m, m->rxr.seen[i].addr, n, true, "receive buffer", i), data, n);
	m->filled[m->nr_filled++] = (struct e1000_model_filled){ i, lower, upper, due, false };
	m->rxr.fetch = next_index(m, i);
}

static u64 due_time(struct e1000_model *m)
{
	return host_clock() + m->rx_late_ns + e1000m_random(m, m->rx_jitter_ns);
}

/* --- Frames ------------------------------------------------------------------------------------------------------ */

static void count_frame(struct e1000_model *m, const u8 *frame, u32 len, u8 errors)
{
	u32 with_fcs = len + 4;

	m->rx_frames++;
	e1000m_add(m, TPR, 1);
	e1000m_add64(m, TORL, with_fcs);
	if (errors & ERR_CE)
		e1000m_add(m, CRCERRS, 1);
	if (errors & ERR_RXE)
		e1000m_add(m, RXERRC, 1);
	if (errors & (ERR_CE | ERR_RXE))
		return;
	e1000m_add(m, GPRC, 1);
	e1000m_add64(m, GORCL, with_fcs);
	e1000m_add_size(m, PRC64, with_fcs);
	if (frame[0] & 1)
		e1000m_add(m, frame[0] == 0xff && frame[1] == 0xff ? BPRC : MPRC, 1);
}

/* No room for all of a frame: it is lost, and counted. */
static void overrun(struct e1000_model *m)
{
	e1000m_add(m, RNBC, 1);
	e1000m_add(m, MPC, 1);
	m->icr |= BITS_CAUSE_RXO;
	m->irq_lost = false;
}

static void spread(struct e1000_model *m, const u8 *frame, u32 len, u8 errors)
{
	u32 size = buffer_size(m), fcs = e1000m_get(m, RCTL) & RCTL_SECRC ? 0 : 4;
	u64 due = due_time(m);

	for (u32 left = len; left;) {
		u32 n = left < size ? left : size;
		bool last = n == left, eop = last && !m->rx_lose_eop;

		fill(m, frame, n, last ? n + fcs : n,
		     STA_DD | STA_IXSM | (eop ? STA_EOP : 0) | (u32)errors << 8, due);
		frame += n;
		left -= n;
	}
	m->rx_lose_eop -= m->rx_lose_eop != 0;
}

/* A frame that the receiver sees; false: it cannot take it now. */
static bool take_frame(struct e1000_model *m, const u8 *frame, u32 len, u8 errors)
{
	u32 need = (len + buffer_size(m) - 1) / buffer_size(m);

	if (!m->any_frame && len > LONGEST && !(e1000m_get(m, RCTL) & (RCTL_LPE | RCTL_SBP))) {
		e1000m_add(m, ROC, 1);
		return true;
	}
	if (!m->any_frame && !address_match(m, frame))
		return true;
	if (need > room(m)) {
		if (!room(m) && !m->overrun)
			return false;
		overrun(m);
		return true;
	}
	count_frame(m, frame, len, errors);
	spread(m, frame, len, errors);
	write_back_due(m, host_clock());
	return true;
}

bool e1000_model_rx(struct e1000_model *m, const void *frame, u32 len, u8 errors)
{
	u8 padded[SHORTEST] = { 0 };
	bool taken;

	if (!receiver_on(m))
		return false;
	if (len < SHORTEST && !m->any_frame) {
		memcpy(padded, frame, len);
		frame = padded;
		len = SHORTEST;
	}
	taken = take_frame(m, frame, len, errors);
	e1000m_line(m);
	return taken;
}

bool e1000_model_rx_desc(struct e1000_model *m, const void *data, u32 len, u16 length, u8 status,
			 u8 errors)
{
	u32 size = buffer_size(m);

	if (!receiver_on(m) || !room(m))
		return false;
	fill(m, data, len < size ? len : size, length, (u32)errors << 8 | status, due_time(m));
	write_back_due(m, host_clock());
	e1000m_line(m);
	return true;
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

/*
 * What the driver gives must be empty, and have a buffer that the card may write to. A driver that parks the receiver
 * and missed the head by a frame gives the whole ring for a moment, whatever is in it: it means to take it back.
 */
static void hand_over(struct e1000_model *m, u32 tail, u32 i)
{
	struct e1000_model_ring *r = &m->rxr;
	const struct e1000_model_desc *d = e1000m_desc(m, RDBAL, i);

	if (tail == m->rdh_read) {
		r->seen[i] = *d;
		r->owned[i] = true;
		return;
	}
	if (r->owned[i])
		e1000m_misuse(m, "RDT %u hands over descriptor %u, which the card owns", tail, i);
	if (d->upper & 0xff)
		e1000m_misuse(m, "RDT %u hands over descriptor %u, which is not empty: %08x %08x",
			      tail, i, d->lower, d->upper);
	if (d->addr)
		e1000m_dma(m, d->addr, buffer_size(m), true, "receive buffer", i);
	r->seen[i] = *d;
	r->owned[i] = true;
}

/* The receiver keeps nothing: what was filled but not written back is lost. */
static void park(struct e1000_model *m, u32 head)
{
	memset(m->rxr.owned, 0, sizeof(m->rxr.owned));
	m->nr_filled = 0;
	m->rxr.given = m->rxr.fetch = head;
}

void e1000m_rx_tail(struct e1000_model *m, u32 v)
{
	u32 count = e1000m_count(m, RDLEN);

	if (v == e1000m_get(m, RDH)) {
		park(m, v);
		*e1000m_word(m, RDT) = v;
		return;
	}
	if (v >= count)
		e1000m_misuse(m, "RDT %u is beyond the ring of %u", v, count);
	e1000m_ring_check(m, "receive ring", RDBAL);
	for (; m->rxr.given != v; m->rxr.given = next_index(m, m->rxr.given))
		hand_over(m, v, m->rxr.given);
	*e1000m_word(m, RDT) = v;
	m->rdh_read = UINT32_MAX;
	if (m->rx_ready && e1000_model_rx_ready(m))
		m->rx_ready(m->arg);
}

void e1000m_rx_head(struct e1000_model *m, u32 v)
{
	if (e1000m_get(m, RCTL) & BITS_EN)
		e1000m_misuse(m, "RDH written while the receiver is on: %u", v);
	park(m, v);
	*e1000m_word(m, RDH) = v;
}

void e1000m_rx_control(struct e1000_model *m, u32 v)
{
	*e1000m_word(m, RCTL) = v;
	m->rx_hold_until_ns = host_clock() + m->hold_ns;
	m->hold_told = false;
}

/* When the next descriptor is written back, and when the hold ends for somebody who waits. */
u64 e1000m_rx_next(const struct e1000_model *m)
{
	u64 t = UINT64_MAX;

	if (m->rx_ready && !m->hold_told && (e1000m_get(m, RCTL) & BITS_EN))
		t = m->rx_hold_until_ns;
	for (u32 i = 0; i < m->nr_filled; i++)
		if (!m->filled[i].written && m->filled[i].due < t)
			t = m->filled[i].due;
	return t;
}

void e1000m_rx_run(struct e1000_model *m)
{
	u64 now = host_clock();

	write_back_due(m, now);
	if (!m->rx_ready || m->hold_told || !(e1000m_get(m, RCTL) & BITS_EN) ||
	    now < m->rx_hold_until_ns)
		return;
	m->hold_told = true;
	if (e1000_model_rx_ready(m))
		m->rx_ready(m->arg);
}
