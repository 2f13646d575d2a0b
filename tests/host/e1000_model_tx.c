// SPDX-License-Identifier: MIT
/*
 * The model of the card, transmitter: from the write of TDT over the frame on the wire to the write-back of DD.
 *
 * A packet goes through three states, each of which a test can stretch: its descriptors are handed over (owned), it is
 * on the wire (tx_busy), it is done and waits for its write-back (done[]). The head register follows when the frame has
 * left. Ownership ends with the write-back; a packet whose write-back is lost stays owned till the ring starts afresh.
 *
 * Interface: e1000m_tx_*, for e1000_model.c. Below: e1000_model.c, tests/host/host.h.
 * Context: as e1000_model.c. Owns: nothing.
 * Specs: 8254x Software Developer's Manual sections 3.3 to 3.5, 13.4. Packets that are to be cut: e1000_model_tso.c.
 */
#include "e1000_model_private.h"

#include "host.h"

#include <string.h>

#define CMD_EOP  (1u << 24)
#define CMD_IC   (1u << 26) /* legacy: insert checksum */
#define CMD_TSE  (1u << 26) /* extended: cut into segments */
#define CMD_RS   (1u << 27)
#define CMD_DEXT (1u << 29)
#define STA_DD   1u
#define POPTS_IX 1u
#define POPTS_TX 2u
#define WIRE     24u    /* bytes of preamble, frame check sequence and gap */
#define MOST     16288u /* bytes of a legacy packet (section 3.3.3) */

/* --- Frames -------------------------------------------------------------------------------------------------- */

void e1000m_checksum(const struct e1000_model *m, u8 *frame, u32 len, u32 css, u32 cso, u32 end)
{
	u64 sum = 0;

	if (cso + 2 > len || css > end || end > len)
		e1000m_misuse(m, "checksum outside the frame of %u bytes: from %u to %u at %u", len,
			      css, end, cso);
	for (u32 i = css; i < end; i++)
		sum += (u32)frame[i] << ((i - css) & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	if (!sum)
		sum = 0xffff;
	frame[cso] = (u8)(sum >> 8);
	frame[cso + 1] = (u8)sum;
}

void e1000m_checksums(const struct e1000_model *m, const struct e1000_model_desc *context,
		      u32 popts, u8 *frame, u32 len)
{
	for (u32 half = 0; half < 2; half++) {
		u32 w = (u32)(context->addr >> 32 * half), end = w >> 16;

		if (popts & (half ? POPTS_TX : POPTS_IX))
			e1000m_checksum(m, frame, len, w & 0xff, w >> 8 & 0xff,
					end ? end + 1 : len);
	}
}

static void checksum_as_asked(struct e1000_model *m)
{
	if (m->legacy) {
		if (m->legacy_lower & CMD_IC)
			e1000m_checksum(m, m->packet, m->packet_len, m->legacy_upper >> 8 & 0xff,
					m->legacy_lower >> 16 & 0xff, m->packet_len);
		return;
	}
	if (!(m->popts & (POPTS_IX | POPTS_TX)))
		return;
	if (!m->has_context)
		e1000m_misuse(m, "checksum asked for without a context");
	e1000m_checksums(m, &m->context, m->popts, m->packet, m->packet_len);
}

static void count_frame(struct e1000_model *m, u32 len)
{
	u32 with_fcs = len + 4;

	m->tx_frames++;
	e1000m_add(m, GPTC, 1);
	e1000m_add(m, TPT, 1);
	e1000m_add64(m, GOTCL, with_fcs);
	e1000m_add64(m, TOTL, with_fcs);
	e1000m_add_size(m, PTC64, with_fcs);
	if (m->frame[0] & 1)
		e1000m_add(m, m->frame[0] == 0xff && m->frame[1] == 0xff ? BPTC : MPTC, 1);
}

void e1000m_frame_leaves(struct e1000_model *m, u32 len)
{
	count_frame(m, len);
	m->tx_unheard += !m->link;
	if (m->tx && m->link)
		m->tx(m->arg, m->frame, len);
}

/* --- Write-back ------------------------------------------------------------------------------------------------ */

static u32 next_index(const struct e1000_model *m, u32 i)
{
	return i + 1 == e1000m_count(m, TDLEN) ? 0 : i + 1;
}

/* Is what the descriptor points to still mapped? The driver may not let go before it has seen DD. */
static void still_mapped(const struct e1000_model *m, u32 i)
{
	const struct e1000_model_desc *d = &m->txr.seen[i];
	bool extended = d->lower & CMD_DEXT;
	u32 len = d->lower & (extended ? 0xfffffu : 0xffffu);

	if (extended && !(d->lower >> 20 & 15))
		return; /* a context */
	if (d->addr && len && !host_dma_allowed(d->addr, len, HOST_DMA_READ))
		e1000m_misuse(m, "transmit descriptor %u was unmapped before its DD: %016llx %08x",
			      i, (unsigned long long)d->addr, d->lower);
}

/* One packet's descriptors go back to the driver; DD is written where it was asked for, unless that is lost. */
static void write_back(struct e1000_model *m, const struct e1000_model_done *p)
{
	bool lost = m->no_dd || m->lose_dd, asked = false;

	m->lose_dd -= m->lose_dd != 0;
	for (u32 i = p->first;; i = next_index(m, i)) {
		struct e1000_model_desc *d = e1000m_desc(m, TDBAL, i);

		e1000m_unchanged(m, "transmit", &m->txr, TDBAL, i);
		still_mapped(m, i);
		if (d->lower & CMD_RS) {
			asked = true;
			d->upper |= lost ? 0 : STA_DD;
		}
		m->txr.owned[i] = lost;
		if (i == p->last)
			break;
	}
	if (asked)
		m->icr |= BITS_CAUSE_TXDW;
	m->irq_lost = false;
}

static void done_drop(struct e1000_model *m, u32 at)
{
	memmove(&m->done[at], &m->done[at + 1], (m->nr_done - at - 1) * sizeof(m->done[0]));
	m->nr_done--;
}

/* Writes back all that is due, the earliest first. */
static void write_back_due(struct e1000_model *m, u64 now)
{
	for (;;) {
		struct e1000_model_done p;
		u32 best = m->nr_done;

		for (u32 i = 0; i < m->nr_done; i++)
			if (m->done[i].due <= now &&
			    (best == m->nr_done || m->done[i].due < m->done[best].due))
				best = i;
		if (best == m->nr_done)
			return;
		p = m->done[best];
		done_drop(m, best);
		write_back(m, &p);
	}
}

/* The packet of descriptors @first to @last has left: when will its DD be seen? */
static void packet_done(struct e1000_model *m, u32 first, u32 last)
{
	u64 now = host_clock();
	struct e1000_model_done *p = &m->done[m->nr_done++];

	*p = (struct e1000_model_done){ first, last, now + m->late_dd_ns };
	p->due += e1000m_random(m, m->dd_jitter_ns);
	if (m->late_dd_after) {
		p->due = UINT64_MAX;
		for (u32 i = 0; m->nr_done >= m->late_dd_after && i < m->nr_done; i++)
			m->done[i].due = now;
	}
	write_back_due(m, now);
}

/* --- Descriptors ------------------------------------------------------------------------------------------------- */

static void append(struct e1000_model *m, const struct e1000_model_desc *d, u32 len, u32 index)
{
	u32 most = m->tso ? E1000_MODEL_TSO : m->legacy ? MOST : E1000_MODEL_FRAME;

	if (m->packet_len + len > most)
		e1000m_misuse(m, "frame too long: %u and %u bytes", m->packet_len, len);
	if (len && d->addr) /* a null address transfers nothing */
		memcpy(m->packet + m->packet_len,
		       e1000m_dma(m, d->addr, len, false, "transmit buffer", index), len);
	m->packet_len += d->addr ? len : 0;
	m->in_frame = true;
}

static void data_desc(struct e1000_model *m, const struct e1000_model_desc *d, u32 index)
{
	u32 popts = d->upper >> 8 & 0xff;
	bool tso = d->lower & CMD_TSE;

	if (m->in_frame && (m->legacy || m->popts != popts || m->tso != tso))
		e1000m_misuse(m,
			      "transmit descriptor %u differs inside a packet: "
			      "POPTS %02x, %02x, TSE %d, %d",
			      index, m->popts, popts, m->tso, tso);
	m->popts = popts;
	m->tso = tso;
	m->legacy = false;
	append(m, d, d->lower & 0xfffff, index);
}

static void legacy_desc(struct e1000_model *m, const struct e1000_model_desc *d, u32 index)
{
	if (m->in_frame && !m->legacy)
		e1000m_misuse(m, "legacy descriptor %u inside an extended packet: %08x", index,
			      d->lower);
	if (!m->in_frame) {
		m->legacy_lower = d->lower;
		m->legacy_upper = d->upper;
	}
	m->legacy = true;
	m->tso = false;
	m->legacy_descs++;
	append(m, d, d->lower & 0xffff, index);
}

static void keep_context(struct e1000_model *m, const struct e1000_model_desc *d)
{
	m->contexts++;
	if (d->lower & CMD_TSE) {
		m->tso_context = *d;
		m->has_tso_context = true;
	} else {
		m->context = *d;
		m->has_context = true;
	}
}

/* Takes one descriptor. True: a frame ends with it. */
static bool take_desc(struct e1000_model *m, u32 index)
{
	struct e1000_model_desc d;

	e1000m_unchanged(m, "transmit", &m->txr, TDBAL, index);
	d = *e1000m_desc(m, TDBAL, index);
	m->tx_descs++;
	if (!(d.lower & CMD_DEXT)) {
		legacy_desc(m, &d, index);
	} else if ((d.lower >> 20 & 15) == 1) {
		data_desc(m, &d, index);
	} else {
		if (d.lower >> 20 & 15)
			e1000m_misuse(m, "transmit descriptor %u of an unknown type: %08x", index,
				      d.lower);
		if (m->in_frame)
			e1000m_misuse(m, "context inside a packet: descriptor %u %08x", index,
				      d.lower);
		keep_context(m, &d);
		return false;
	}
	return d.lower & CMD_EOP;
}

/* Fetches up to the end of a packet. True: there is one in the frame buffer. */
static bool fetch_packet(struct e1000_model *m)
{
	while (m->txr.fetch != e1000m_get(m, TDT)) {
		u32 i = m->txr.fetch;

		if (m->frame_first == UINT32_MAX)
			m->frame_first = i;
		m->txr.fetch = next_index(m, i);
		if (take_desc(m, i))
			return true;
	}
	return false;
}

/* What was fetched leaves, in one frame or in segments; then its descriptors are done. */
static void packet_leaves(struct e1000_model *m)
{
	u32 last = m->txr.fetch ? m->txr.fetch - 1 : e1000m_count(m, TDLEN) - 1;
	u32 len = m->packet_len, first = m->frame_first;

	if (!m->tso)
		checksum_as_asked(m);
	m->packet_len = 0;
	m->in_frame = false;
	m->frame_first = UINT32_MAX;
	*e1000m_word(m, TDH) = m->txr.fetch;
	packet_done(m, first, last);
	if (m->tso) {
		e1000m_tso_send(m);
		return;
	}
	memcpy(m->frame, m->packet, len);
	e1000m_frame_leaves(m, len);
}

/* How long it takes on the wire. */
static u64 wire_ns(const struct e1000_model *m)
{
	u64 bytes = m->packet_len + WIRE;

	if (m->tso) /* each segment has its own header */
		bytes += (u64)(e1000m_tso_segments(m) - 1) *
			 ((m->tso_context.upper >> 8 & 0xff) + WIRE);
	return bytes * 8 * 1000000000ULL / m->tx_rate_bps;
}

/* --- The engine ------------------------------------------------------------------------------------------------- */

static bool may_send(const struct e1000_model *m)
{
	return (e1000m_get(m, TCTL) & BITS_EN) && !m->tx_hang && !m->tx_busy;
}

/*
 * Sends as far as the rate lets. A frame that leaves may come back to a driver, and that one to this transmitter:
 * what it posts then is sent by the loop that already runs.
 */
static void kick(struct e1000_model *m)
{
	if (m->tx_running)
		return;
	m->tx_running = true;
	while (may_send(m) && fetch_packet(m)) {
		if (m->tso)
			e1000m_tso_check(m);
		if (!m->tx_rate_bps) {
			packet_leaves(m);
			continue;
		}
		m->tx_busy = true;
		m->tx_done_at = host_clock() + wire_ns(m);
	}
	m->tx_running = false;
	if (!may_send(m))
		return;
	if (m->frame_first == UINT32_MAX)
		*e1000m_word(m, TDH) = m->txr.fetch;
	m->icr |= BITS_CAUSE_TXQE;
}

/* What was fetched but has not left is forgotten; it is fetched anew from the head. */
static void abort_frame(struct e1000_model *m)
{
	m->tx_busy = m->in_frame = false;
	m->packet_len = 0;
	m->frame_first = UINT32_MAX;
	m->txr.fetch = e1000m_get(m, TDH);
}

/* A store barrier: the descriptors that are not the card's yet, as they are in memory now. */
void e1000m_tx_stored(struct e1000_model *m)
{
	struct e1000_model_ring *r = &m->txr;
	u32 count = e1000m_count(m, TDLEN);
	u64 base = (u64)e1000m_get(m, TDBAL) | (u64)e1000m_get(m, TDBAH) << 32;
	const struct e1000_model_desc *ring = (const void *)base;

	if (!host_dma_allowed(base, (size_t)count * 16, HOST_DMA_READ))
		return; /* no ring yet, or none any more */
	for (u32 i = r->given, n = 0; n < count && !r->owned[i]; n++, i = next_index(m, i))
		r->stored[i] = ring[i];
}

/* TDT: the driver hands over descriptors from where it stopped last time up to before @v. */
void e1000m_tx_tail(struct e1000_model *m, u32 v)
{
	struct e1000_model_ring *r = &m->txr;
	u32 count = e1000m_count(m, TDLEN);

	if (v >= count)
		e1000m_misuse(m, "TDT %u is beyond the ring of %u", v, count);
	for (; r->given != v; r->given = next_index(m, r->given)) {
		const struct e1000_model_desc *d = e1000m_desc(m, TDBAL, r->given);

		if (r->owned[r->given])
			e1000m_misuse(m, "TDT %u hands over descriptor %u before it is done: %08x",
				      v, r->given, d->lower);
		if (d->upper & STA_DD)
			e1000m_misuse(m, "transmit descriptor %u is handed over with DD set: %08x",
				      r->given, d->upper);
		if (memcmp(&r->stored[r->given], d, sizeof(*d)) != 0)
			e1000m_misuse(m, "no store barrier between descriptor %u and TDT %u",
				      r->given, v);
		r->seen[r->given] = *d;
		r->owned[r->given] = true;
	}
	*e1000m_word(m, TDT) = v;
	kick(m);
}

/* TDH: the driver starts the ring afresh, which it may do while the transmitter is off. */
void e1000m_tx_head(struct e1000_model *m, u32 v)
{
	if (e1000m_get(m, TCTL) & BITS_EN)
		e1000m_misuse(m, "TDH written while the transmitter is on: %u", v);
	memset(m->txr.owned, 0, sizeof(m->txr.owned));
	m->frame_first = UINT32_MAX;
	m->tx_busy = m->in_frame = false;
	m->packet_len = m->nr_done = 0;
	m->txr.given = m->txr.fetch = v;
	*e1000m_word(m, TDH) = v;
}

void e1000m_tx_control(struct e1000_model *m, u32 v)
{
	u32 old = e1000m_get(m, TCTL);

	*e1000m_word(m, TCTL) = v;
	if ((old & BITS_EN) && !(v & BITS_EN))
		abort_frame(m);
	if (!(v & BITS_EN))
		return;
	if (!(old & BITS_EN)) {
		e1000m_ring_check(m, "transmit ring", TDBAL);
		m->tx_hang -= m->tx_hang != 0;
		m->frame_first = UINT32_MAX;
	}
	kick(m);
}

u64 e1000m_tx_next(const struct e1000_model *m)
{
	u64 t = m->tx_busy ? m->tx_done_at : UINT64_MAX;

	if (!(e1000m_get(m, TCTL) & BITS_EN))
		return UINT64_MAX;
	for (u32 i = 0; i < m->nr_done; i++)
		if (m->done[i].due < t)
			t = m->done[i].due;
	return t;
}

void e1000m_tx_run(struct e1000_model *m)
{
	u64 now = host_clock();

	if (!(e1000m_get(m, TCTL) & BITS_EN))
		return;
	if (m->tx_busy && m->tx_done_at <= now && !m->tx_running) {
		m->tx_running = true;
		m->tx_busy = false;
		packet_leaves(m);
		m->tx_running = false;
		kick(m);
	}
	write_back_due(m, now);
}
