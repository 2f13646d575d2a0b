// SPDX-License-Identifier: MIT
/*
 * The model of the card does what the manual and the emulated card do, and its manners do what they say: without a
 * driver, by registers and descriptors alone.
 */
#include "fake_driver.h"

#include <kernel/irq.h>

/* --- Registers --------------------------------------------------------------------------------------------------- */

struct at_power_on {
	const char *name;
	u32 reg, value;
};

static const struct at_power_on power_on[] = {
	{ "CTRL", CTRL, 0x00140240 },
	{ "STATUS", STATUS, 0x80080783 },
	{ "RAL", RAL, 0x12005452 },
	{ "RAH", RAH, 0x80005634 },
	{ "IMS", IMS, 0 },
	{ "RCTL", RCTL, 0 },
	{ "TCTL", TCTL, 0 },
	{ "TDT", TDT, 0 },
	{ "RDH", RDH, 0 },
};

TEST_EACH(power_on, power_on)
{
	e1000_model_plug(&card, 0x100e);
	CHECK_EQ(r(row->reg), row->value);
	CHECK_EQ(e1000_model_reads(&card, row->reg), 1);
	CHECK_EQ(e1000_model_writes(&card, row->reg), 0);
	e1000_model_unplug_all();
	CHECK_EQ(r(row->reg), UINT32_MAX);
	w(row->reg, 0);
	CHECK_EQ(e1000_model_writes(&card, row->reg), 0);
}

TEST(pci_header)
{
	e1000_model_plug(&card, 0x100f);
	CHECK_EQ(arch_pci_read32(0, 3, 0, 0), 0x100f8086);
	arch_pci_write32(0, 3, 0, 0, 0);
	CHECK_EQ(arch_pci_read32(0, 3, 0, 0), 0x100f8086);
	arch_pci_write32(0, 3, 0, 0x10, UINT32_MAX);
	CHECK_EQ(arch_pci_read32(0, 3, 0, 0x10), 0xfffe0000); /* 128 KiB */
	arch_pci_write32(0, 3, 0, 0x14, UINT32_MAX);
	CHECK_EQ(arch_pci_read32(0, 3, 0, 0x14), 0xffffffc1);
	arch_pci_write32(0, 3, 0, 0x3c, 0x07);
	CHECK_EQ(arch_pci_read32(0, 3, 0, 0x3c), 0x0107);
	CHECK_EQ(arch_pci_read32(0, 3, 1, 0), UINT32_MAX);
	CHECK_EQ(arch_pci_read32(1, 3, 0, 0), UINT32_MAX);
	CHECK_EQ(arch_pci_read32(0, 2, 0, 0), UINT32_MAX);
	arch_pci_write32(0, 2, 0, 4, 6); /* nobody there */
	e1000_model_unplug_all();
}

TEST(causes)
{
	card_up();
	w(ICS, 0x81);
	CHECK_EQ(r(ICS), 0x83); /* TXQE: TCTL was written */
	w(ICR, 0x80);
	CHECK_EQ(r(ICR), 0x03); /* and is empty now */
	CHECK_EQ(r(ICR), 0);
	w(IMS, 0x84);
	w(IMC, 0x80);
	CHECK_EQ(r(IMS), 0x04);
	CHECK_EQ(r(IMC), 0);
	w(ICS, 0x10);
	CHECK_EQ(card.irqs, 0);
	w(ICS, 0x04);
	CHECK_EQ(card.irqs, 1);
	CHECK(card.raised);
	CHECK_EQ(r(ICR), 0x14);
	CHECK(!card.raised);
	card_down();
}

TEST(eeprom)
{
	e1000_model_plug_at(&card, 0x100e, 0);
	w(EERD, 0x201);
	CHECK_EQ(r(EERD), 0x56340210);
	card.eeprom_off = true;
	w(EERD, 0x101);
	CHECK(!(r(EERD) & 0x10));
	e1000_model_unplug_all();
}

/* --- Transmission ---------------------------------------------------------------------------------------------- */

TEST(sends_at_once)
{
	card_up();
	for (u32 i = 0; i < 3; i++)
		post(i, 60 + i);
	r(ICR);
	w(TDT, 3);
	CHECK_EQ(r(TDH), 3);
	CHECK_EQ(mail.frames, 3);
	CHECK_EQ(mail.len, 62);
	CHECK_EQ(mail.mark[2], 2);
	CHECK_EQ(tx_dd(), 7);
	CHECK_EQ(r(ICR), 3);
	w(TDT, 3); /* no news, but TXQE */
	CHECK_EQ(r(ICR), 2);
	CHECK_EQ(card.tx_descs, 3);
	card_down();
}

/* Several descriptors, of which only the last reports; one of no address and one of no length add nothing. */
TEST(gathers)
{
	card_up();
	memset(tx_buf[0], 0xa0, 100);
	memset(tx_buf[3], 0xa3, 50);
	txd[0] = (struct e1000_model_desc){ tx_buf_at[0], DATA | 100, 0 };
	txd[1] = (struct e1000_model_desc){ 0, DATA | 500, 0 };
	txd[2] = (struct e1000_model_desc){ tx_buf_at[2], DATA, 0 };
	txd[3] = (struct e1000_model_desc){ tx_buf_at[3], DATA | EOP_RS | 50, 0 };
	w(TDT, 2);
	CHECK_EQ(mail.frames, 0);
	CHECK_EQ(r(TDH), 0); /* the packet is not complete */
	w(TDT, 4);
	CHECK_EQ(mail.frames, 1);
	CHECK_EQ(mail.len, 150);
	CHECK_EQ(mail.last[99], 0xa0);
	CHECK_EQ(mail.last[149], 0xa3);
	CHECK_EQ(tx_dd(), 8);
	CHECK_EQ(r(TDH), 4);
	card_down();
}

/* RS on two descriptors of a packet, and on none: ownership ends without a DD too. */
TEST(reports_where_asked)
{
	card_up();
	txd[0] = (struct e1000_model_desc){ tx_buf_at[0], DATA | 1u << 27 | 60, 0 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | 60, 0 };
	txd[2] = (struct e1000_model_desc){ tx_buf_at[2], DATA | 1u << 24 | 60, 0 };
	w(TDT, 2);
	CHECK_EQ(tx_dd(), 3);
	r(ICR);
	w(TDT, 3);
	CHECK_EQ(tx_dd(), 3);
	CHECK_EQ(r(ICR), 2);
	CHECK(!card.txr.owned[2]);
	card_down();
}

struct sum {
	const char *name;
	bool legacy;
	u32 css, cso, cse; /* cse 0: to the end */
	u8 fill;
	u16 want;
};

static const struct sum sums[] = {
	{ "to_the_end", false, 14, 30, 0, 1, 0xe8e8 },    /* 23 of 0x0101 */
	{ "up_to_a_byte", false, 14, 30, 33, 1, 0xf5f5 }, /* 10 */
	{ "odd", false, 13, 30, 0, 1, 0xe7e8 },           /* 23 and half a one */
	{ "zero_is_ones", false, 14, 30, 17, 0, 0xffff }, { "legacy", true, 14, 30, 0, 1, 0xe8e8 },
	{ "legacy_odd", true, 13, 30, 0, 1, 0xe7e8 },
};

TEST_EACH(checksum, sums)
{
	card_up();
	memset(tx_buf[1], row->fill, 60);
	txd[0] = (struct e1000_model_desc){
		(u64)row->css << 32 | (u64)row->cso << 40 | (u64)row->cse << 48, CONTEXT, 0
	};
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | 60, 0x200 };
	if (row->legacy) {
		txd[0] = txd[1] = (struct e1000_model_desc){
			tx_buf_at[1], EOP_RS | 1u << 26 | row->cso << 16 | 60, row->css << 8
		};
	}
	w(TDT, 2);
	CHECK_EQ(mail.last[30] << 8 | mail.last[31], row->want);
	CHECK_EQ(card.contexts, row->legacy ? 0 : 1);
	CHECK_EQ(card.legacy_descs, row->legacy ? 2 : 0);
	card_down();
}

/* IPv4's header sum as well, from a context without segmentation. */
TEST(both_checksums)
{
	card_up();
	memset(tx_buf[1] + 14, 1, 46);
	tx_buf[1][24] = tx_buf[1][25] = 0;
	txd[0] = (struct e1000_model_desc){ 14 | 24 << 8 | 33 << 16 | 34ULL << 32 | 50ULL << 40,
					    CONTEXT, 0 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], DATA | EOP_RS | 60, 0x300 };
	w(TDT, 2);
	CHECK_EQ(mail.last[24] << 8 | mail.last[25], 0xf6f6); /* nine of 0x0101 */
	CHECK_EQ(mail.last[50] << 8 | mail.last[51], 0xf2f2); /* thirteen */
	card_down();
}

/* --- Segmentation ------------------------------------------------------------------------------------------------- */

static struct {
	u32 frames, payload, wrong;
} cuts;
static bool cut_udp;

static u32 be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

static u32 sum_be(const u8 *p, u32 len, u32 sum)
{
	for (u32 i = 0; i < len; i++)
		sum += (u32)p[i] << (i & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Each segment is a whole packet: lengths, numbers in sequence, flags on the last alone, both sums right. */
static void segment(void *arg, const u8 *f, u32 len)
{
	u32 header = cut_udp ? 42 : 54, l4 = len - 34, proto = cut_udp ? 17 : 6;
	u32 total = *(u32 *)arg, at = cuts.payload, n = len - header;
	u32 pseudo = sum_be(f + 26, 8, proto + l4);

	cuts.wrong += be16(f + 16) != len - 14;
	cuts.wrong += be16(f + 18) != ((0xfffe + cuts.frames) & 0xffff);
	cuts.wrong += sum_be(f + 14, 20, 0) != 0xffff;
	cuts.wrong += sum_be(f + 34, l4, pseudo) != 0xffff;
	if (cut_udp) {
		cuts.wrong += be16(f + 38) != l4;
	} else {
		cuts.wrong += (be16(f + 38) << 16 | be16(f + 40)) != 0xffffff00u + at;
		cuts.wrong += f[47] != (at + n == total ? 0x19 : 0x10);
	}
	for (u32 i = 0; i < n; i++)
		cuts.wrong += f[header + i] != (u8)((at + i) * 7);
	cuts.frames++;
	cuts.payload += n;
}

struct cut {
	const char *name;
	u32 payload, mss;
	bool udp;
	u32 frames;
	u64 ns; /* on a wire of 1 Gbit/s */
};

static const struct cut cut_rows[] = {
	{ "one_short", 99, 100, false, 1, 1416 },      { "one_full", 100, 100, false, 1, 1424 },
	{ "two", 101, 100, false, 2, 2056 },           { "many", 5000, 1460, false, 4, 42496 },
	{ "multiple", 2920, 1460, false, 2, 24608 },   { "byte_by_byte", 10, 1, false, 10, 6320 },
	{ "nothing", 0, 100, false, 1, 624 },          { "udp", 5000, 1472, true, 4, 42112 },
	{ "largest", 65000, 1448, false, 45, 548080 },
};

TEST_EACH(segmentation, cut_rows)
{
	u32 header = row->udp ? 42 : 54, left = header + row->payload, i = 1, pseudo;
	u8 *big = kzalloc(left);
	u64 start, at;
	u32 total = row->payload;

	card_up();
	memset(&cuts, 0, sizeof(cuts));
	cut_udp = row->udp;
	card.tx = segment;
	card.arg = &total;
	card.tx_rate_bps = 1000000000;
	for (u32 k = 0; k < row->payload; k++)
		big[header + k] = (u8)(k * 7);
	big[14] = 0x45;
	big[18] = 0xff; /* the identification wraps */
	big[19] = 0xfe;
	big[23] = row->udp ? 17 : 6;
	memcpy(big + 26, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	if (!row->udp) {
		memcpy(big + 38, "\xff\xff\xff\x00", 4); /* so does the number in sequence */
		big[46] = 0x50;
		big[47] = 0x19; /* ACK, PSH, FIN */
	}
	pseudo = sum_be(big + 26, 8, big[23]);
	big[row->udp ? 40 : 50] = (u8)(pseudo >> 8);
	big[row->udp ? 41 : 51] = (u8)pseudo;
	at = dma_map_single(big, left, DMA_TO_DEVICE);
	txd[0] = (struct e1000_model_desc){
		14 | 24 << 8 | 33 << 16 | 34ULL << 32 | (row->udp ? 40ULL : 50ULL) << 40,
		CONTEXT | 0x06000000 | (row->udp ? 0 : 0x01000000) | row->payload,
		header << 8 | row->mss << 16
	};
	for (u64 from = at; left; i++) {
		u32 n = left < 16000 ? left : 16000;

		left -= n;
		txd[i] = (struct e1000_model_desc){ from,
						    DATA | 0x04000000 | (left ? 0 : EOP_RS) | n,
						    0x300 };
		from += n;
	}
	start = host_clock();
	w(TDT, i);
	CHECK_EQ(cuts.frames, 0);
	CHECK_EQ(e1000_model_next(&card) - start, row->ns);
	host_clock_advance(row->ns);
	CHECK_EQ(cuts.frames, row->frames);
	CHECK_EQ(cuts.payload, row->payload);
	CHECK_EQ(cuts.wrong, 0);
	CHECK_EQ(r(GPTC), row->frames);
	CHECK_EQ(r(TSCTC), 1);
	CHECK_EQ(tx_dd(), 1u << (i - 1));
	dma_unmap_single(at, header + row->payload, DMA_TO_DEVICE);
	kfree(big);
	card_down();
}

/* The card keeps a context of each kind: one with segmentation does not disturb the other. */
TEST(two_contexts)
{
	card_up();
	memset(tx_buf[2], 1, 60);
	txd[0] = (struct e1000_model_desc){ 14ULL << 32 | 30ULL << 40, CONTEXT, 0 };
	txd[1] = (struct e1000_model_desc){ 0, CONTEXT | 0x04000000, 0 };
	txd[2] = (struct e1000_model_desc){ tx_buf_at[2], DATA | EOP_RS | 60, 0x200 };
	w(TDT, 3);
	CHECK_EQ(mail.last[30] << 8 | mail.last[31], 0xe8e8);
	CHECK_EQ(card.contexts, 2);
	card_down();
}

TEST(legacy_gathers)
{
	card_up();
	txd[0] = (struct e1000_model_desc){ tx_buf_at[0], 100, 0 };
	txd[1] = (struct e1000_model_desc){ tx_buf_at[1], EOP_RS | 28, 0 };
	w(TDT, 2);
	CHECK_EQ(mail.len, 128);
	CHECK_EQ(tx_dd(), 2);
	CHECK_EQ(r(TDH), 2);
	card_down();
}

TEST(transmitter_off_and_on)
{
	card_up();
	w(TCTL, TCTL_ON & ~2u);
	post(0, 60);
	r(ICR);
	w(TDT, 1);
	CHECK_EQ(mail.frames, 0);
	CHECK_EQ(r(TDH), 0);
	CHECK_EQ(r(ICR), 0);
	w(TCTL, TCTL_ON);
	CHECK_EQ(mail.frames, 1);
	CHECK_EQ(r(TDH), 1);
	card_down();
}

TEST(transmitter_hangs)
{
	card_up();
	card.tx_hang = 2;
	post(0, 60);
	w(TDT, 1);
	for (u32 i = 0; i < 2; i++) {
		CHECK_EQ(mail.frames, 0);
		w(TCTL, TCTL_ON & ~2u);
		w(TCTL, TCTL_ON);
	}
	CHECK_EQ(mail.frames, 1);
	card_down();
}

/* 1 Mbit/s: a frame of 101 bytes takes a millisecond with what surrounds it; the head lags behind. */
TEST(transmits_at_a_rate)
{
	u64 start;

	card_up();
	card.tx_rate_bps = 1000000;
	for (u32 i = 0; i < 4; i++)
		post(i, 101);
	start = host_clock();
	w(TDT, 4);
	CHECK_EQ(mail.frames, 0);
	CHECK_EQ(e1000_model_next(&card), start + MS);
	host_clock_advance(MS - 1);
	CHECK_EQ(mail.frames, 0);
	CHECK_EQ(r(TDH), 0);
	host_clock_advance(1 + MS);
	CHECK_EQ(mail.frames, 2);
	CHECK_EQ(r(TDH), 2);
	CHECK_EQ(tx_dd(), 3);
	host_clock_advance(10 * MS);
	CHECK_EQ(mail.frames, 4);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(mail.at[i], start + (i + 1) * MS);
	CHECK_EQ(e1000_model_next(&card), UINT64_MAX);
	card_down();
}

/* What is on the wire when the transmitter is switched off has not left, and is sent again. */
TEST(off_in_the_middle_of_a_frame)
{
	card_up();
	card.tx_rate_bps = 1000000;
	post(0, 101);
	post(1, 101);
	w(TDT, 2);
	host_clock_advance(MS + MS / 2);
	w(TCTL, TCTL_ON & ~2u);
	CHECK_EQ(e1000_model_next(&card), UINT64_MAX);
	host_clock_advance(10 * MS);
	CHECK_EQ(mail.frames, 1);
	CHECK_EQ(r(TDH), 1);
	w(TCTL, TCTL_ON);
	host_clock_advance(MS);
	CHECK_EQ(mail.frames, 2);
	CHECK_EQ(mail.mark[1], 1);
	card_down();
}

TEST(late_dd)
{
	card_up();
	card.late_dd_ns = MS;
	r(ICR);
	post(0, 60);
	w(TDT, 1);
	CHECK_EQ(mail.frames, 1);
	CHECK_EQ(r(TDH), 1);
	CHECK_EQ(tx_dd(), 0);
	CHECK_EQ(r(ICR), 2);
	host_clock_advance(MS - 1);
	CHECK_EQ(tx_dd(), 0);
	host_clock_advance(1);
	CHECK_EQ(tx_dd(), 1);
	CHECK_EQ(r(ICR), 1);
	card_down();
}

TEST(dd_in_batches)
{
	card_up();
	card.late_dd_after = 3;
	for (u32 i = 0; i < 5; i++) {
		post(i, 60);
		w(TDT, i + 1);
		CHECK_EQ(tx_dd(), i < 2 ? 0 : 7);
	}
	host_clock_advance(1000 * MS);
	CHECK_EQ(tx_dd(), 7);
	post(5, 60);
	w(TDT, 6);
	CHECK_EQ(tx_dd(), 63);
	card_down();
}

/* Within a batch the order of write-backs is not that of the packets. */
TEST(dd_out_of_order)
{
	u32 out_of_order = 0;

	card_up();
	card.dd_jitter_ns = MS;
	for (u32 i = 0; i < 7; i++)
		post(i, 60);
	w(TDT, 7);
	while (e1000_model_next(&card) != UINT64_MAX) {
		host_clock_advance(e1000_model_next(&card) - host_clock());
		u32 dd = tx_dd();

		out_of_order += (dd & (dd + 1)) != 0;
	}
	CHECK_EQ(tx_dd(), 127);
	CHECK(out_of_order > 0);
	card_down();
}

TEST(dd_is_lost)
{
	card_up();
	card.lose_dd = 1;
	for (u32 i = 0; i < 3; i++)
		post(i, 60);
	w(TDT, 3);
	CHECK_EQ(tx_dd(), 6);
	CHECK(card.txr.owned[0]);
	card.no_dd = true;
	post(3, 60);
	w(TDT, 4);
	CHECK_EQ(tx_dd(), 6);
	CHECK_EQ(mail.frames, 4);
	card_down();
}

TEST(nobody_hears_without_a_link)
{
	card_up();
	e1000_model_link(&card, false);
	CHECK(!(r(STATUS) & 2));
	post(0, 60);
	w(TDT, 1);
	CHECK_EQ(tx_dd(), 1);
	CHECK_EQ(mail.frames, 0);
	CHECK_EQ(card.tx_unheard, 1);
	CHECK(!arrives(NULL, 60, 1));
	e1000_model_link(&card, true);
	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(r(ICR) & 4, 4);
	card_down();
}

/* A frame that comes back to the sender inside the write of TDT is answered by the loop that runs. */
static void echo(void *arg, const u8 *frame, u32 len)
{
	on_mail(arg, frame, len);
	if (mail.frames < 5) {
		post(mail.frames, 60);
		w(TDT, mail.frames + 1);
		CHECK_EQ(mail.frames, mail.mark[mail.frames - 1] + 1);
	}
}

TEST(tail_inside_transmission)
{
	card_up();
	card.tx = echo;
	post(0, 60);
	w(TDT, 1);
	CHECK_EQ(mail.frames, 5);
	CHECK_EQ(tx_dd(), 31);
	card_down();
}

/* --- Statistics -------------------------------------------------------------------------------------------------- */

struct size_class {
	const char *name;
	u32 len, index; /* 6: none */
};

static const struct size_class sizes[] = {
	{ "60", 60, 0 },     { "61", 61, 1 },     { "123", 123, 1 },   { "124", 124, 2 },
	{ "252", 252, 3 },   { "508", 508, 4 },   { "1019", 1019, 4 }, { "1020", 1020, 5 },
	{ "1514", 1514, 5 }, { "1519", 1519, 6 },
};

TEST_EACH(size_class, sizes)
{
	card_up();
	post(0, row->len);
	w(TDT, 1);
	CHECK(arrives(NULL, row->len, 1));
	for (u32 i = 0; i < 6; i++) {
		CHECK_EQ(r(PTC64 + 4 * i), row->index == i);
		CHECK_EQ(r(PRC64 + 4 * i), row->index == i);
	}
	card_down();
}

TEST(statistics_clear_on_read)
{
	static const u8 all[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, some[] = { 1, 0, 0x5e };

	card_up();
	memcpy(tx_buf[1], all, 6);
	memcpy(tx_buf[2], some, 3);
	for (u32 i = 0; i < 3; i++)
		post(i, 100);
	w(TDT, 3);
	CHECK_EQ(r(GPTC), 3);
	CHECK_EQ(r(GPTC), 0);
	CHECK_EQ(r(TPT), 3);
	CHECK_EQ(r(BPTC), 1);
	CHECK_EQ(r(MPTC), 1);
	CHECK_EQ(r(GOTCL), 312);
	CHECK_EQ(r(GOTCL), 312); /* the pair is cleared with its upper half */
	CHECK_EQ(r(GOTCH), 0);
	CHECK_EQ(r(GOTCL), 0);
	CHECK_EQ(r(TOTL), 312);
	w(RCTL, RCTL_ON | 0x10);
	CHECK(arrives(NULL, 100, 1));
	CHECK(arrives(all, 100, 1));
	CHECK(arrives((const u8[]){ 1, 0, 0x5e, 0, 0, 1 }, 100, 1));
	CHECK_EQ(r(GPRC), 3);
	CHECK_EQ(r(TPR), 3);
	CHECK_EQ(r(BPRC), 1);
	CHECK_EQ(r(MPRC), 1);
	CHECK_EQ(r(GORCL), 312);
	CHECK_EQ(r(TORL), 312);
	CHECK_EQ(r(TORH), 0);
	CHECK_EQ(r(TORL), 0);
	CHECK(e1000_model_rx(&card, tx_buf[1], 100, 0x01));
	CHECK(e1000_model_rx(&card, tx_buf[1], 100, 0x80));
	CHECK_EQ(r(CRCERRS), 1);
	CHECK_EQ(r(RXERRC), 1);
	CHECK_EQ(r(GPRC), 0);
	CHECK_EQ(r(TPR), 2);
	card_down();
}

TEST(statistics_stick)
{
	card_up();
	card.reg[GPTC / 4] = UINT32_MAX;
	card.reg[GOTCL / 4] = UINT32_MAX;
	post(0, 60);
	w(TDT, 1);
	CHECK_EQ(r(GPTC), UINT32_MAX);
	CHECK_EQ(r(GOTCL), 63);
	CHECK_EQ(r(GOTCH), 1);
	card_down();
}

/* --- Reception ------------------------------------------------------------------------------------------------------ */

TEST(receives_into_the_ring)
{
	card_up();
	r(ICR);
	CHECK(arrives(NULL, 100, 7));
	CHECK_EQ(rxd[0].lower, 100);
	CHECK_EQ(rxd[0].upper, 7); /* DD, EOP, IXSM */
	CHECK_EQ(rx_buf[0][99], 7);
	CHECK_EQ(r(RDH), 1);
	CHECK_EQ(r(ICR), 0x80);
	for (u32 i = 1; i < 7; i++)
		CHECK(arrives(NULL, 100, (u8)i));
	CHECK(!e1000_model_rx_ready(&card));
	CHECK(!arrives(NULL, 100, 8)); /* the wire keeps it */
	CHECK_EQ(r(MPC), 0);
	CHECK_EQ(rx_dd(), 127);
	card_down();
}

struct address {
	const char *name;
	u8 mac[6];
	u32 rctl;
	bool taken;
};

static const struct address addresses[] = {
	{ "own", { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, 0x8000, true },
	{ "second", { 2, 4, 6, 8, 10, 12 }, 0x8000, true },
	{ "not_valid", { 2, 2, 2, 2, 2, 2 }, 0x8000, false },
	{ "other", { 0x52, 0x54, 0, 0x12, 0x34, 0x57 }, 0x8000, false },
	{ "other_promiscuous", { 0x52, 0x54, 0, 0x12, 0x34, 0x57 }, 0x8008, true },
	{ "broadcast", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 0x8000, true },
	{ "broadcast_off", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 0, false },
	{ "multicast", { 1, 0, 0x5e, 0, 0, 9 }, 0x8000, false },
	{ "multicast_all", { 1, 0, 0x5e, 0, 0, 9 }, 0x8010, true },
	{ "multicast_hashed", { 1, 0, 0x5e, 0, 0, 0xfb }, 0x8000, true }, /* 0xfb0: bit 16 of 125 */
	{ "multicast_hashed_otherwise", { 1, 0, 0x5e, 0, 0, 0xfb }, 0x9000, false },
	{ "unicast_hashed", { 0x52, 0x54, 0, 0x12, 0x00, 0xfb }, 0x8000, true },
};

TEST_EACH(address_filter, addresses)
{
	card_up();
	w(RCTL, 0x04000002 | row->rctl);
	w(MTA + 4 * 125, 1u << 16);
	w(RAL + 8, 0x08060402);
	w(RAH + 8, 0x80000c0a);
	w(RAL + 16, 0x02020202);
	w(RAH + 16, 0x00000202);
	CHECK(arrives(row->mac, 60, 1)); /* taken off the wire in any case */
	CHECK_EQ(rx_dd(), row->taken);
	CHECK_EQ(card.rx_frames, row->taken);
	card_down();
}

struct geometry {
	const char *name;
	u32 rctl, len;
	u32 descs, last; /* descriptors used, length in the last one; 0: dropped */
};

static const struct geometry geometries[] = {
	{ "longest", 0x04008002, 1522, 1, 1522 },
	{ "too_long", 0x04008002, 1523, 0, 0 },
	{ "bad_frames_stored", 0x04008006, 1523, 1, 1523 },
	{ "long_frames", 0x04008022, 1523, 1, 1523 },
	{ "two_buffers", 0x04008022, 2049, 2, 1 },
	{ "four_buffers", 0x04008022, 7000, 4, 856 },
	{ "buffers_of_1024", 0x04018002, 1500, 2, 476 },
	{ "buffers_of_512", 0x04028002, 1500, 3, 476 },
	{ "buffers_of_256", 0x04038002, 1500, 6, 220 },
	{ "with_the_fcs", 0x00008002, 100, 1, 104 },
	{ "short", 0x04008002, 14, 1, 60 },
};

TEST_EACH(frame_geometry, geometries)
{
	card_up();
	w(RCTL, row->rctl);
	CHECK(arrives(NULL, row->len, 1));
	CHECK_EQ(rx_dd(), (1u << row->descs) - 1);
	CHECK_EQ(r(ROC), row->descs == 0);
	for (u32 i = 0; i < row->descs; i++)
		CHECK_EQ(rxd[i].upper >> 1 & 1, i + 1 == row->descs);
	if (row->descs)
		CHECK_EQ(rxd[row->descs - 1].lower, row->last);
	card_down();
}

TEST(large_buffers)
{
	card_up();
	w(RDT, r(RDH));
	u8 *big = kzalloc(16384);
	dma_addr_t at = dma_map_single(big, 16384, DMA_FROM_DEVICE);

	rxd[0].addr = at;
	w(RCTL, 0x06018022); /* 16 KiB */
	w(RDT, 1);
	CHECK(arrives(NULL, 9000, 5));
	CHECK_EQ(rxd[0].lower, 9000);
	CHECK_EQ(big[8999], 5);
	dma_unmap_single(at, 16384, DMA_FROM_DEVICE);
	kfree(big);
	card_down();
}

TEST(without_room_for_all_of_a_frame)
{
	card_up();
	w(RCTL, RCTL_ON | 0x20);
	for (u32 i = 0; i < 6; i++)
		CHECK(arrives(NULL, 60, 1));
	r(ICR);
	CHECK(arrives(NULL, 3000, 1)); /* two buffers, one left: lost */
	CHECK_EQ(r(ICR), 0x40);
	CHECK_EQ(r(MPC), 1);
	CHECK_EQ(r(RNBC), 1);
	CHECK_EQ(rx_dd(), 63);
	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(rx_dd(), 127);
	card_down();
}

TEST(overrun)
{
	card_up();
	card.overrun = true;
	for (u32 i = 0; i < 10; i++)
		CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(r(MPC), 3);
	CHECK_EQ(r(MPC), 0);
	CHECK_EQ(r(GPRC), 7);
	CHECK_EQ(r(ICR) & 0xd0, 0xd0);
	card_down();
}

struct threshold {
	const char *name;
	u32 rdmts, few;
};

static const struct threshold thresholds[] = {
	{ "half", 0, 4 },
	{ "quarter", 1, 2 },
	{ "eighth", 2, 1 },
};

TEST_EACH(few_descriptors, thresholds)
{
	card_up();
	w(RCTL, RCTL_ON | row->rdmts << 8);
	r(ICR);
	for (u32 left = 7; left--;) {
		CHECK(arrives(NULL, 60, 1));
		CHECK_EQ(r(ICR) >> 4 & 1, left <= row->few);
	}
	card_down();
}

static u32 rooms;
static void on_room(void *arg)
{
	(void)arg;
	rooms++;
}

TEST(hold_after_rctl)
{
	rooms = 0;
	card_up();
	card.hold_ns = 1000 * MS;
	card.rx_ready = on_room;
	w(RCTL, RCTL_ON);
	CHECK(!arrives(NULL, 60, 1));
	host_clock_advance(1000 * MS - 1);
	CHECK(!arrives(NULL, 60, 1));
	CHECK_EQ(rooms, 0);
	host_clock_advance(1);
	CHECK_EQ(rooms, 1);
	CHECK(arrives(NULL, 60, 1));
	for (u32 i = 0; i < 6; i++)
		CHECK(arrives(NULL, 60, 1));
	CHECK(!arrives(NULL, 60, 1));
	w(RDT, 7); /* the same: hands over nothing */
	CHECK_EQ(rooms, 1);
	rxd[0].lower = rxd[0].upper = 0;
	w(RDT, 0);
	CHECK_EQ(rooms, 2);
	e1000_model_link(&card, false);
	e1000_model_link(&card, true);
	CHECK_EQ(rooms, 3);
	w(RCTL, 0);
	host_clock_advance(2000 * MS);
	CHECK_EQ(rooms, 3);
	card_down();
}

TEST(parks)
{
	card_up();
	card.rx_late_ns = MS;
	CHECK(arrives(NULL, 60, 1));
	w(RDT, r(RDH));
	CHECK(!arrives(NULL, 60, 1));
	host_clock_advance(2 * MS);
	CHECK_EQ(rx_dd(), 0); /* what was not written back is lost */
	w(RDT, 3);
	CHECK(arrives(NULL, 60, 2));
	host_clock_advance(MS);
	CHECK_EQ(rx_dd(), 1);
	CHECK_EQ(rx_buf[0][20], 2);
	card_down();
}

TEST(late_frames_in_disorder)
{
	u32 gaps = 0;

	card_up();
	card.rx_late_ns = MS;
	card.rx_jitter_ns = MS;
	for (u32 i = 0; i < 7; i++)
		CHECK(arrives(NULL, 60, (u8)i));
	r(ICR);
	host_clock_advance(MS - 1);
	CHECK_EQ(rx_dd(), 0);
	CHECK_EQ(r(ICR), 0);
	while (e1000_model_next(&card) != UINT64_MAX) {
		host_clock_advance(e1000_model_next(&card) - host_clock());
		u32 dd = rx_dd(), head = r(RDH);

		gaps += (dd & (dd + 1)) != 0;
		CHECK_EQ(dd & ((1u << head) - 1), (1u << head) - 1); /* all before the head */
	}
	CHECK(gaps > 0);
	CHECK_EQ(rx_dd(), 127);
	CHECK_EQ(r(RDH), 7);
	card_down();
}

TEST(frame_without_end)
{
	card_up();
	card.rx_lose_eop = 1;
	CHECK(arrives(NULL, 60, 1));
	CHECK(arrives(NULL, 60, 2));
	CHECK_EQ(rxd[0].upper & 3, 1);
	CHECK_EQ(rxd[1].upper & 3, 3);
	card_down();
}

struct lie {
	const char *name;
	u32 len;
	u16 length;
	u8 status, errors;
};

static const struct lie lies[] = {
	{ "nothing", 0, 0, 3, 0 },     { "longer", 60, 0xffff, 3, 0 },
	{ "shorter", 2048, 1, 3, 0 },  { "no_dd", 60, 60, 2, 0 },
	{ "errors", 60, 60, 3, 0x97 }, { "more_than_the_buffer", 3000, 60, 3, 0 },
};

TEST_EACH(descriptor_lies, lies)
{
	card_up();
	CHECK(e1000_model_rx_desc(&card, tx_buf[0], row->len > BUF ? BUF : row->len, row->length,
				  row->status, row->errors));
	CHECK_EQ(rxd[0].lower, row->length);
	CHECK_EQ(rxd[0].upper, row->status | (u32)row->errors << 8);
	w(RDT, r(RDH));
	CHECK(!e1000_model_rx_desc(&card, NULL, 0, 0, 3, 0));
	card_down();
}

/* --- Interrupts ------------------------------------------------------------------------------------------------------ */

static u32 handled;
static u64 handled_at[16];
static enum irqreturn handler(unsigned int irq, void *dev)
{
	(void)irq;
	(void)dev;
	if (handled < ARRAY_SIZE(handled_at))
		handled_at[handled] = host_clock();
	handled++;
	return r(ICR) ? IRQ_HANDLED : IRQ_NONE;
}

static void irq_up(void)
{
	card_up();
	handled = 0;
	arch_pci_write32(0, 3, 0, 4, 0x0006);
	CHECK_EQ(request_irq(E1000_MODEL_IRQ, handler, "model", &card), 0);
	r(ICR);
	w(IMS, 0x84);
}

static void irq_down(void)
{
	free_irq(E1000_MODEL_IRQ, &card);
	card_down();
}

TEST(interrupts)
{
	irq_up();
	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(handled, 1);
	w(ICS, 0x10); /* masked */
	CHECK_EQ(handled, 1);
	w(IMS, 0x10); /* pending when the mask opens */
	CHECK_EQ(handled, 2);
	arch_pci_write32(0, 3, 0, 4, 0x0406); /* INTx off */
	w(ICS, 0x80);
	CHECK_EQ(handled, 2);
	arch_pci_write32(0, 3, 0, 4, 0x0006);
	CHECK_EQ(handled, 3);
	irq_down();
}

TEST(interrupts_are_lost)
{
	irq_up();
	card.lose_irqs = 2;
	CHECK(arrives(NULL, 60, 1));
	host_clock_advance(1000 * MS);
	CHECK_EQ(handled, 0);
	CHECK(arrives(NULL, 60, 1)); /* the second is lost too, the third is not */
	CHECK_EQ(handled, 0);
	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(handled, 1);
	CHECK_EQ(card.irqs_lost, 2);
	card.lose_irqs = UINT32_MAX;
	for (u32 i = 0; i < 4; i++)
		CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(handled, 1);
	CHECK_EQ(card.lose_irqs, UINT32_MAX);
	irq_down();
}

TEST(interrupts_are_late)
{
	irq_up();
	card.irq_delay_ns = MS;
	u64 start = host_clock();

	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(e1000_model_next(&card), start + MS);
	host_clock_advance(3 * MS);
	CHECK_EQ(handled, 1);
	CHECK_EQ(handled_at[0], start + MS);
	CHECK(arrives(NULL, 60, 1));
	r(ICR); /* gone before it came */
	host_clock_advance(3 * MS);
	CHECK_EQ(handled, 1);
	irq_down();
}

struct throttle {
	const char *name;
	u32 itr, rdtr, radv;
	u64 apart_ns;
};

static const struct throttle throttles[] = {
	{ "least", 0, 0, 0, 128000 },
	{ "below_least", 200, 0, 0, 128000 },
	{ "itr", 2000, 0, 0, 512000 },
	{ "itr_of_16_ms", 65535, 0, 0, 16776960 },
	{ "radv_is_less", 2000, 1, 250, 256000 },
	{ "radv_without_rdtr", 2000, 0, 250, 512000 },
	{ "radv_is_more", 2000, 1, 1000, 512000 },
	{ "radv_alone", 0, 1, 250, 256000 },
};

TEST_EACH(throttled, throttles)
{
	irq_up();
	w(ITR, row->itr);
	w(RDTR, row->rdtr);
	w(RADV, row->radv);
	card.mitigation = true;
	u64 start = host_clock();

	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(handled, 1); /* the first at once */
	CHECK(arrives(NULL, 60, 1));
	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(handled, 1);
	host_clock_advance(20 * MS);
	CHECK_EQ(handled, 2);
	CHECK_EQ(handled_at[1] - start, row->apart_ns);
	card.mitigation = false;
	irq_down();
}

TEST(throttled_and_late)
{
	irq_up();
	card.mitigation = true;
	u64 start = host_clock();

	CHECK(arrives(NULL, 60, 1));
	card.irq_delay_ns = MS;
	CHECK(arrives(NULL, 60, 1));
	host_clock_advance(10 * MS);
	CHECK_EQ(handled, 2);
	CHECK_EQ(handled_at[1] - start, 128000 + MS);
	irq_down();
}

TEST(storm)
{
	irq_up();
	card.storm_ns = MS;
	card.storm = 5;
	host_clock_advance(10 * MS);
	CHECK_EQ(handled, 5);
	CHECK_EQ(handled_at[4] - handled_at[0], 4 * MS);
	irq_down();
}

/* A line that nobody can lower: the kernel masks it. */
TEST(stuck_line)
{
	irq_up();
	card.stuck_line = true;
	e1000_model_cause(&card, 0);
	CHECK_EQ(handled, 1000);
	CHECK(strstr(host_console(), "line masked"));
	card.stuck_line = false;
	irq_down();
}

TEST(line_is_held_down)
{
	irq_up();
	card.late_irq = true;
	CHECK(arrives(NULL, 60, 1));
	CHECK_EQ(handled, 0);
	card.late_irq = false;
	e1000_model_cause(&card, 0);
	CHECK_EQ(handled, 1);
	irq_down();
}

/* --- Link, time, ends --------------------------------------------------------------------------------------------------- */

TEST(link_returns)
{
	irq_up();
	e1000_model_link(&card, false);
	CHECK_EQ(handled, 1);
	e1000_model_link_in(&card, true, 500 * MS);
	host_clock_advance(500 * MS - 1);
	CHECK(!(r(STATUS) & 2));
	host_clock_advance(1);
	CHECK(r(STATUS) & 2);
	CHECK_EQ(handled, 2);
	irq_down();
}

TEST(link_flaps)
{
	irq_up();
	card.flap_ns = MS;
	card.flaps = 5;
	host_clock_advance(10 * MS);
	CHECK_EQ(handled, 5);
	CHECK(!(r(STATUS) & 2)); /* odd */
	irq_down();
}

/* Registers that take their time: what the card does meanwhile is seen by the next access. */
TEST(accesses_take_time)
{
	card_up();
	card.late_dd_ns = 5000;
	card.access_ns = 1000;
	post(0, 60);
	u64 start = host_clock();

	w(TDT, 1);
	for (u32 i = 0; i < 4; i++)
		r(STATUS);
	CHECK_EQ(tx_dd(), 0);
	r(STATUS);
	CHECK_EQ(tx_dd(), 1);
	CHECK_EQ(host_clock() - start, 6000);
	card_down();
}

TEST(pulled_out)
{
	irq_up();
	card.storm = 1;
	arch_pci_write32(0, 3, 0, 4, 0x0406);
	CHECK(arrives(NULL, 60, 1));
	e1000_model_unplug(&card);
	CHECK_EQ(r(STATUS), UINT32_MAX);
	CHECK_EQ(arch_pci_read32(0, 3, 0, 0), UINT32_MAX);
	w(TDT, 99);
	CHECK(!arrives(NULL, 60, 1));
	CHECK_EQ(e1000_model_next(&card), UINT64_MAX);
	CHECK_EQ(handled, 0);
	irq_down();
}

KTEST_MAIN_BOOT()
