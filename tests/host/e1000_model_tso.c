// SPDX-License-Identifier: MIT
/*
 * The model of the card, segmentation: one packet of up to 64 KiB leaves as frames of MSS bytes of payload each.
 *
 * The header of the packet is the prototype of every segment's: lengths, the IPv4 identification, TCP's sequence number
 * and flags, and both checksums are made for each (UDP: its length). The manual's way, not the emulated card's: that one
 * sends an empty segment more when the payload is a multiple of MSS. IPv4 only.
 *
 * Interface: e1000m_tso_*, for e1000_model_tx.c. Below: e1000_model_tx.c, e1000_model.c.
 * Context: as e1000_model.c. Owns: nothing.
 * Specs: 8254x Software Developer's Manual section 3.5.
 */
#include "e1000_model_private.h"

#include <string.h>

#define TU_TCP 0x01000000u
#define TU_IP4 0x02000000u
#define FIN    0x01u
#define PSH    0x08u

/* What the context says. */
struct cut {
	u32 ipcss, tucss, tucso, header, payload, mss;
	bool tcp, ip4;
};

static struct cut cut_of(const struct e1000_model_desc *c)
{
	return (struct cut){ .ipcss = c->addr & 0xff,
			     .tucss = c->addr >> 32 & 0xff,
			     .tucso = c->addr >> 40 & 0xff,
			     .header = c->upper >> 8 & 0xff,
			     .payload = c->lower & 0xfffff,
			     .mss = c->upper >> 16,
			     .tcp = c->lower & TU_TCP,
			     .ip4 = c->lower & TU_IP4 };
}

/* May the packet that was fetched be cut as the context says? */
void e1000m_tso_check(const struct e1000_model *m)
{
	struct cut c = cut_of(&m->tso_context);

	if (!m->has_tso_context)
		e1000m_misuse(m, "segmentation without a context");
	if (!c.ip4)
		e1000m_misuse(m, "segmentation of other packets than IPv4");
	if (m->packet_len != c.header + c.payload)
		e1000m_misuse(m, "segmentation of %u bytes, but the context says %u and %u",
			      m->packet_len, c.header, c.payload);
	if (!c.mss || c.mss + c.header > E1000_MODEL_FRAME)
		e1000m_misuse(m, "segmentation with an MSS of %u", c.mss);
	if (c.tucss + (c.tcp ? 20 : 8) > c.header || c.ipcss + 20 > c.tucss)
		e1000m_misuse(m, "segmentation: headers at %u and %u do not fit into %u bytes",
			      c.ipcss, c.tucss, c.header);
}

u32 e1000m_tso_segments(const struct e1000_model *m)
{
	struct cut c = cut_of(&m->tso_context);

	return c.payload ? (c.payload + c.mss - 1) / c.mss : 1;
}

static u32 get_be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

static void put_be16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static void add_be32(u8 *p, u32 n)
{
	u32 v = get_be16(p) << 16 | get_be16(p + 2);

	v += n;
	put_be16(p, v >> 16);
	put_be16(p + 2, v);
}

/* The sum of the pseudo header lacks the length: it is added, the way sums are. */
static void seed_length(u8 *sum, u32 len)
{
	u32 v = get_be16(sum) + len;

	put_be16(sum, (v & 0xffff) + (v >> 16));
}

/* The header of the segment that begins @at bytes into the payload and has @n of them. */
static void fit_header(u8 *f, const struct cut *c, u32 at, u32 n)
{
	u32 l4 = c->header - c->tucss + n;

	put_be16(f + c->ipcss + 2, c->header - c->ipcss + n);
	put_be16(f + c->ipcss + 4, get_be16(f + c->ipcss + 4) + at / c->mss);
	if (c->tcp) {
		add_be32(f + c->tucss + 4, at);
		if (at + n < c->payload)
			f[c->tucss + 13] &= (u8) ~(FIN | PSH);
	} else {
		put_be16(f + c->tucss + 4, l4);
	}
	seed_length(f + c->tucso, l4);
}

void e1000m_tso_send(struct e1000_model *m)
{
	struct cut c = cut_of(&m->tso_context);
	struct e1000_model_desc context = m->tso_context;
	u32 popts = m->popts, at = 0;

	m->tso_packets++;
	e1000m_add(m, TSCTC, 1);
	do {
		u32 n = c.payload - at < c.mss ? c.payload - at : c.mss;

		memcpy(m->frame, m->packet, c.header);
		memcpy(m->frame + c.header, m->packet + c.header + at, n);
		fit_header(m->frame, &c, at, n);
		e1000m_checksums(m, &context, popts, m->frame, c.header + n);
		e1000m_frame_leaves(m, c.header + n);
		at += n;
	} while (at < c.payload);
}
